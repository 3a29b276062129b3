"""How fast vouchers become A4 sheets, against the naive way on the same layout: `python -m bench.print_sheets`.

The naive way encodes with `qrcode`, pastes its picture and draws every word of every cheque with reportlab. Both are
measured in turn in one run, as vouchers a second; the ratio is the median of the rounds. One JSON line each:
`print_sheets` (written), `print_checked` (written, then every page rendered and every code read back by one process),
`print_checked_in_two` (by two), and `print_memory` (peak bytes of a whole process that prints and checks a batch, the
baseline being a batch of a tenth).
"""

import argparse
import io
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import qrcode
from qrcode.constants import ERROR_CORRECT_M
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from vouchers import codes
from vouchers.money import face_value_fr
from vouchers.paper import cheque, fonts, voucher_sheet
from vouchers.paper.voucher_sheet import Cheque, SheetText, check_sheets, write_sheets

TEXT = SheetText(
    programme_name="Chèques cadeaux du Pays d’Œuvre",
    offered_by="Commune de Saint-Brice",
    issuer_name="CCI du Pays d’Œuvre",
    issuer_address="1 place du Marché, 16000 Exempleville",
    shops_address="cheques.example.fr/commerces",
    host="CHEQUES.EXAMPLE.FR",
    expires_on=date(2027, 6, 30),
)


def batch(quantity: int) -> Iterator[Cheque]:
    """Cheques of a fixed seed: the codes of a bench are no secrets."""
    chance = random.Random(20261121)
    for serial in range(1, quantity + 1):
        code = "".join(chance.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=codes.CODE_CHARS - 1)) + "A"
        control = "".join(chance.choices(codes.CONTROL_ALPHABET, k=codes.CONTROL_CHARS))
        yield Cheque(serial, 1000, code, control)


def naive(pdf: Path, quantity: int) -> None:
    """A picture and all the words for every voucher, as most scripts do it."""
    canvas = Canvas(str(pdf), (210 * cheque.MM, 297 * cheque.MM), pageCompression=1)
    for at, one in enumerate(batch(quantity)):
        row = at % voucher_sheet.CHEQUES_A_PAGE
        if at and not row:
            canvas.showPage()
        canvas.saveState()
        canvas.translate(17.5 * cheque.MM, (28.5 + (2 - row) * 80) * cheque.MM)
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
    canvas.save()


def printed(pdf: Path, quantity: int) -> None:
    write_sheets(pdf, text=TEXT, cheques=batch(quantity))


def checked(pdf: Path, quantity: int, processes: int = 1) -> None:
    printed(pdf, quantity)
    expected = ((one.serial, one.code) for one in batch(quantity))
    check_sheets(pdf, host=TEXT.host, expected=expected, processes=processes)


def checked_in_two(pdf: Path, quantity: int) -> None:
    checked(pdf, quantity, processes=2)


def vouchers_a_second(way: Callable[[Path, int], None], pdf: Path, quantity: int) -> float:
    began = time.perf_counter()
    way(pdf, quantity)
    return quantity / (time.perf_counter() - began)


def peak_bytes(bench: str, count: int) -> int:
    """Peak memory of a fresh process that runs `bench` with `--peak count`."""
    run = [sys.executable, "-m", bench, "--peak", str(count)]
    return int(subprocess.run(run, check=True, capture_output=True, text=True).stdout)


def print_peak() -> None:
    """The peak memory of this process, for the one that started it."""
    # Not getrusage: its peak is inherited from the process that started this one.
    status = Path("/proc/self/status").read_text()
    print(int(status.split("VmHWM:")[1].split()[0]) * 1024)


def report(name: str, ours: float, baseline: float, ratio: float, unit: str) -> None:
    line = {
        "name": name,
        "ours": round(ours, 1),
        "baseline": round(baseline, 1),
        "ratio": round(ratio, 2),
        "unit": unit,
    }
    print(json.dumps(line), flush=True)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--quick", action="store_true")
    asked.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pdf = Path(folder) / "sheets.pdf"
        if options.peak:
            checked(pdf, options.peak)
            print_peak()
            return
        few, many, rounds = (60, 1_200, 1) if options.quick else (150, 6_000, 3)
        checked(pdf, 3)
        naive(pdf, 3)
        ways = {"print_sheets": printed, "print_checked": checked, "print_checked_in_two": checked_in_two}
        for name, way in ways.items():
            pairs = [(vouchers_a_second(way, pdf, many), vouchers_a_second(naive, pdf, few)) for _ in range(rounds)]
            ours, baseline = (statistics.median(side) for side in zip(*pairs, strict=True))
            report(name, ours, baseline, statistics.median(o / b for o, b in pairs), "vouchers/s")
    one, ten = peak_bytes("bench.print_sheets", many // 10), peak_bytes("bench.print_sheets", many)
    report("print_memory", ten, one, ten / one, "peak bytes for tenfold vouchers")


if __name__ == "__main__":
    main()
