"""How fast letters with their vouchers are laid out, against the naive way: `python -m bench.letters`.

The naive way draws every word of every page with reportlab, the logo and the address of the sender too, and pastes the
picture of a code made by `qrcode`. Both are measured in turn in one run, as letters of four vouchers a second; the
ratio is the median of the rounds. One JSON line each: `letters` (written), `letters_checked` (written, then every page
rendered and every code read back by one process), `letters_memory` (peak bytes of a whole process that writes and
checks 6 000 letters with 24 000 vouchers, the baseline being a tenth of them).
"""

import argparse
import io
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import qrcode
from qrcode.constants import ERROR_CORRECT_M
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from bench.print_sheets import TEXT, batch, peak_bytes, print_peak, report
from vouchers import codes
from vouchers.money import face_value_fr
from vouchers.paper import cheque, fonts, letter_forms
from vouchers.paper.letter import Letter, LetterPaper, Near, check_letters, write_letters
from vouchers.paper.page import HEIGHT, RIGHT, WIDTH
from vouchers.paper.window import WINDOW_LEFT, WINDOW_TOP

EACH = 4
"""Vouchers of one person."""
SHOPS = tuple(Near(f"Commerce {number}", "boulangerie", f"{number} rue du Quai") for number in range(1, 71))
PAPER = LetterPaper(
    sheet=TEXT,
    sender="Commune de Saint-Brice",
    sender_address=("Mairie", "1 place de la République", "16100 Saint-Brice"),
    place="Saint-Brice",
    written_on=date(2026, 12, 1),
    text="",
    signatory="Le maire, Claude Martin",
    how_to="Donnez le chèque à la caisse, comme un billet. Il n’est pas rendu de monnaie.",
    together="stapled",
)


def letters(count: int) -> Iterator[Letter]:
    """Letters to people who do not exist, each with vouchers and shops of their own."""
    cheques = batch(EACH * count)
    for number in range(count):
        begins = number * 8 % len(SHOPS)
        yield Letter(
            str(number + 2),
            (f"Mme Jeanne Lefèvre-Œuvray {number}", "Bât. B", f"{number} RUE DU QUAI", "16100 SAINT BRICE"),
            {"civilite": "Madame", "prenom": "Jeanne", "nom": f"Lefèvre {number}"},
            tuple(itertools.islice(cheques, EACH)),
            (SHOPS[begins:] + SHOPS[:begins])[:8],
        )


def naive(pdf: Path, count: int) -> None:
    """All the words and a picture for every page, as most scripts do it."""
    canvas = Canvas(str(pdf), (WIDTH, HEIGHT), pageCompression=1)
    for one in letters(count):
        dated = "Saint-Brice, le 1er décembre 2026"
        letter_forms.draw_head(canvas, TEXT.logo, PAPER.sender, PAPER.sender_address, dated)
        canvas.setFillGray(0)
        for place, line in enumerate(one.address):
            canvas.setFont(fonts.REGULAR, 11.5)
            canvas.drawString(WINDOW_LEFT + 7, WINDOW_TOP - 19 - 14 * place, line)
        said = (
            f"{one.said['civilite']}, nous avons le plaisir de vous offrir {EACH} chèques cadeaux, d’une valeur de 40 €"
            " en tout, à dépenser dans les commerces près de chez vous, jusqu’au 30 juin 2027 inclus. "
        )
        rows, size = fonts.paragraph(said + PAPER.how_to, name=fonts.REGULAR, sizes=(16,), lines=20, room=RIGHT - 48)
        canvas.setFont(fonts.REGULAR, size)
        for place, row in enumerate(rows):
            canvas.drawString(48, 560 - 20.5 * place, row)
        for place, shop in enumerate(one.near):
            canvas.drawString(48, 250 - 20.5 * place, f"{shop.name}, {shop.trade}, {shop.street}")
        canvas.showPage()
        for at, voucher in enumerate(one.cheques):
            if at and not at % letter_forms.ROWS:
                canvas.showPage()
            _naive_cheque(canvas, voucher, row=at % letter_forms.ROWS)
        canvas.showPage()
    canvas.save()


def _naive_cheque(canvas: Canvas, one: cheque.Cheque, *, row: int) -> None:
    canvas.saveState()
    canvas.translate(letter_forms.LEFT, letter_forms.FOOT + (2 - row) * cheque.CHEQUE_HIGH)
    cheque.draw_shared(canvas, TEXT)
    canvas.setFillGray(0)
    canvas.setFont(fonts.BOLD, 60)
    canvas.drawString(14.6 * cheque.MM, 36.5 * cheque.MM, face_value_fr(one.face_cents).replace("\u202f", " "))
    canvas.setFont(fonts.BOLD, 13)
    canvas.drawCentredString(151 * cheque.MM, 33 * cheque.MM, f"N° {codes.pretty_serial(one.serial)}")
    canvas.drawCentredString(151 * cheque.MM, 20.5 * cheque.MM, codes.pretty_control_code(one.control_code))
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=4)
    code.add_data(codes.qr_text(TEXT.host, one.code))
    picture = io.BytesIO()
    code.make_image().save(picture)
    canvas.drawImage(ImageReader(picture), 132 * cheque.MM, 39 * cheque.MM, 38 * cheque.MM, 38 * cheque.MM)
    canvas.restoreState()


def written(pdf: Path, count: int) -> None:
    write_letters(pdf, paper=PAPER, letters=letters(count))


def checked(pdf: Path, count: int) -> None:
    written(pdf, count)
    check_letters(pdf, paper=PAPER, letters=letters(count))


def letters_a_second(way: Callable[[Path, int], None], pdf: Path, count: int) -> float:
    began = time.perf_counter()
    way(pdf, count)
    return count / (time.perf_counter() - began)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--quick", action="store_true")
    asked.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pdf = Path(folder) / "letters.pdf"
        if options.peak:
            checked(pdf, options.peak)
            print_peak()
            return
        few, many, rounds = (15, 200, 1) if options.quick else (40, 1_500, 3)
        checked(pdf, 2)
        naive(pdf, 2)
        for name, way in {"letters": written, "letters_checked": checked}.items():
            pairs = [(letters_a_second(way, pdf, many), letters_a_second(naive, pdf, few)) for _ in range(rounds)]
            ours, baseline = (statistics.median(side) for side in zip(*pairs, strict=True))
            report(name, ours, baseline, statistics.median(o / b for o, b in pairs), "letters/s")
    most = 600 if options.quick else 6_000
    one, ten = peak_bytes("bench.letters", most // 10), peak_bytes("bench.letters", most)
    report("letters_memory", ten, one, ten / one, "peak bytes for tenfold letters")


if __name__ == "__main__":
    main()
