"""The sheets as they leave, read back from the finished PDF; by other libraries than wrote it where one can."""

import hashlib
import io
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from vouchers.codes import new_code, new_control_code, pairing_text, qr_text
from vouchers.paper import fonts, qr
from vouchers.paper.voucher_sheet import Cheque, SheetMismatch, SheetText, check_sheets, write_sheets

TEXT = SheetText(
    programme_name="Chèques cadeaux du Pays d’Œuvre",
    offered_by="Commune de Saint-Brice-sur-Charente",
    issuer_name="CCI du Pays d’Œuvre",
    issuer_address="1 place du Marché, 16000 Exempleville",
    shops_address="cheques.example.fr/commerces",
    host="CHEQUES.EXAMPLE.FR",
    expires_on=date(2027, 6, 30),
)
HOSTILE = (
    "Ab) Tj ET Q (\\ <script>alert(1)</script> %PDF endstream endobj",
    "\u202eabc\u202c\x00\x07\r\n d’\u0645\u062f\u064a\u0646\u0629 北京 🎁 Łódź",
    "l’association " * 60,
    "X" * 5_000,
    "",
)


def cheques(quantity: int) -> list[Cheque]:
    faces = (1_000, 2_000, 1_250)
    return [Cheque(4_217 + at, faces[at % 3], new_code(), new_control_code()) for at in range(quantity)]


def meant(batch: list[Cheque]) -> list[tuple[int, str]]:
    return [(one.serial, one.code) for one in batch]


def written(batch: list[Cheque], pdf: Path, text: SheetText = TEXT) -> Path:
    assert write_sheets(pdf, text=text, cheques=batch) == len(batch)
    return pdf


def words(pdf: Path) -> str:
    with pypdfium2.PdfDocument(pdf) as document:
        return "\n".join(page.get_textpage().get_text_range() for page in document)


@pytest.mark.parametrize("processes", [1, 2])
def test_every_qr_of_the_finished_file_reads_back_to_the_code_that_was_meant(tmp_path: Path, processes: int):
    batch = cheques(200)
    told: list[int] = []

    pdf = written(batch, tmp_path / "lot.pdf")

    read = check_sheets(pdf, host=TEXT.host, expected=meant(batch), progress=told.append, processes=processes)
    assert read == 200
    assert told[:2] == [3, 6]
    assert told[-1] == 200


def test_a_wrong_code_stops_the_release_and_is_named_without_being_told(tmp_path: Path):
    batch = cheques(10)
    other = replace(batch[7], code=new_code())
    pdf = written([*batch[:7], other, *batch[8:]], tmp_path / "lot.pdf")

    with pytest.raises(SheetMismatch) as alarm:
        check_sheets(pdf, host=TEXT.host, expected=meant(batch))

    assert (alarm.value.page, alarm.value.serial) == (3, batch[7].serial)
    assert batch[7].code not in str(alarm.value)
    assert other.code not in str(alarm.value)


@pytest.mark.parametrize(
    ("printed", "page"),
    [
        pytest.param([0, 1, 2, 3, 4, 5], 3, id="the last one missing"),
        pytest.param([0, 1, 2, 4, 5, 6], 2, id="one left out"),
        pytest.param([0, 1, 2, 3, 4, 5, 6, 6], 3, id="the last one twice"),
        pytest.param([0, 1, 1, 3, 4, 5, 6], 1, id="one in the place of another"),
        pytest.param([1, 0, 2, 3, 4, 5, 6], 1, id="two in each other's place"),
        pytest.param([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 3, id="more than was meant"),
    ],
)
def test_a_missing_doubled_or_displaced_code_stops_the_release(tmp_path: Path, printed: list[int], page: int):
    batch = cheques(10)
    pdf = written([batch[at] for at in printed], tmp_path / "lot.pdf")

    with pytest.raises(SheetMismatch) as alarm:
        check_sheets(pdf, host=TEXT.host, expected=meant(batch[:7]))

    assert alarm.value.page == page


def test_a_code_that_ink_has_covered_stops_the_release(tmp_path: Path):
    batch = cheques(6)
    pdf = written(batch, tmp_path / "lot.pdf")
    stained = tmp_path / "stained.pdf"
    with pikepdf.open(pdf) as document:
        document.pages[1].contents_add(document.make_stream(b"0 g 455 640 30 60 re f"))
        document.save(stained)

    with pytest.raises(SheetMismatch) as alarm:
        check_sheets(stained, host=TEXT.host, expected=meant(batch))

    assert (alarm.value.page, alarm.value.serial) == (2, batch[3].serial)


def test_the_code_is_thirty_millimetres_of_pure_black_in_a_white_quiet_zone(tmp_path: Path):
    pdf = written(cheques(1), tmp_path / "lot.pdf")

    dots_a_mm = 300 / 25.4
    with pypdfium2.PdfDocument(pdf) as document:
        page = document[0].render(scale=300 / 72, grayscale=True).to_pil()
    found = zxingcpp.read_barcode(page)
    assert found is not None
    corner, across = found.position.top_left, (found.position.top_right.x - found.position.top_left.x) / dots_a_mm
    assert across == pytest.approx(30, abs=0.3)
    quiet, side = round(4 * 30 / 29 * dots_a_mm), round(30 * dots_a_mm)
    box = (corner.x - quiet + 2, corner.y - quiet + 2, corner.x + side + quiet - 2, corner.y + side + quiet - 2)
    whole = page.crop(box)
    assert whole.getextrema() == (0, 255)
    whole.paste(255, (quiet - 4, quiet - 4, quiet + side + 2, quiet + side + 2))
    assert whole.getextrema() == (255, 255)


def test_the_words_on_the_cheque_are_the_ones_the_law_and_the_elder_need(tmp_path: Path):
    batch = cheques(4)

    said = words(written(batch, tmp_path / "lot.pdf")).replace("\N{NO-BREAK SPACE}", " ")

    for sentence in (
        "Chèques cadeaux du Pays d’Œuvre",
        "Offert par : Commune de Saint-Brice-sur-Charente",
        "10 €",
        "20 €",
        "12,50 €",
        "Valable jusqu’au 30 juin 2027 inclus",
        "Il n’est pas rendu de monnaie. Non échangeable contre des espèces, non remboursable.",
        "Émis par CCI du Pays d’Œuvre, 1 place du Marché, 16000 Exempleville",
        "Où l’utiliser : cheques.example.fr/commerces",
        "N° 0004217",
        f"{batch[0].control_code[:5]} {batch[0].control_code[5:]}",
        "Feuille 2 · N° 0004220",
    ):
        assert sentence in said


def test_every_font_is_embedded_and_the_file_is_sound(tmp_path: Path):
    with pikepdf.open(written(cheques(700), tmp_path / "lot.pdf")) as document:
        assert document.check_pdf_syntax() == []
        assert len(document.pages) == 234
        used = document.pages[0].resources.Font
        assert len(used) >= 2
        for _, font in used.items():
            assert "FontFile2" in str(font.FontDescriptor.keys())
        kinds = [thing.get("/Type") for thing in document.objects if isinstance(thing, pikepdf.Dictionary)]
        assert kinds.count("/Font") == len(used)


def test_the_same_batch_gives_the_same_bytes(tmp_path: Path):
    batch, again = cheques(7), io.BytesIO()

    written(batch, tmp_path / "lot.pdf")
    write_sheets(again, text=TEXT, cheques=iter(batch))

    assert (tmp_path / "lot.pdf").read_bytes() == again.getvalue()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_and_endless_names_stay_in_their_place_and_harm_nothing(tmp_path: Path, name: str):
    batch = cheques(3)
    text = replace(
        TEXT, programme_name=name, offered_by=name, issuer_name=name, issuer_address=name, shops_address=name
    )

    pdf = written(batch, tmp_path / "lot.pdf", text)

    assert check_sheets(pdf, host=TEXT.host, expected=meant(batch)) == 3
    with pikepdf.open(pdf) as document:
        assert document.check_pdf_syntax() == []
    # Nothing was drawn outside the cheques but the marks and two lines of advice: the margins beside them are white.
    with pypdfium2.PdfDocument(pdf) as document:
        page = document[0].render(scale=1, grayscale=True).to_pil()
    assert page.crop((552, 90, 595, 300)).getextrema()[0] > 200
    assert page.crop((460, 90, 500, 100)).getextrema() == (255, 255)


def test_a_name_too_long_is_set_smaller_before_it_is_cut():
    long = "Communauté de communes du Pays de l’Ouest Charentais"

    line, size = fonts.fitted(long, name=fonts.BOLD, size=19, least=8, room=320)
    cut, least = fonts.fitted(long, name=fonts.BOLD, size=19, least=18, room=320)

    assert line == long
    assert 8 < size < 19
    assert fonts.width(line, name=fonts.BOLD, size=size) <= 320
    assert least == 18
    assert cut.endswith("…")
    assert fonts.width(cut, name=fonts.BOLD, size=least) <= 320


def test_the_largest_face_value_and_the_widest_control_code_fit(tmp_path: Path):
    wide = [Cheque(10**12, 99_999_999_999, new_code(), "WWWWWWWWWW"), *cheques(2)]

    pdf = written(wide, tmp_path / "lot.pdf")

    assert check_sheets(pdf, host=TEXT.host, expected=meant(wide)) == 3
    assert "999 999 999,99 €" in words(pdf).replace("\N{NO-BREAK SPACE}", " ")


def test_a_host_of_twenty_characters_keeps_the_code_at_version_3_and_one_more_does_not():
    assert qr.size_for_host("A" * 17 + ".FR") == (3, "M", 29)
    assert qr.size_for_host("A" * 18 + ".FR") == (4, "M", 33)


def test_the_single_code_of_a_letter_reads_back():
    text = pairing_text("CHEQUES.EXAMPLE.FR", "ABCDE23456")

    assert qr.read_upright(Image.open(io.BytesIO(qr.png(text)))) == [text]


def test_both_writers_need_the_same_number_of_modules():
    text = qr_text("CHEQUES.EXAMPLE.FR", new_code())

    side = Image.open(io.BytesIO(qr.png(text, dots=1))).width - 2 * qr.QUIET_MODULES

    assert side == qr.modules(text).side == 29


def test_no_cheque_or_no_colour_is_an_error_of_the_caller():
    with pytest.raises(ValueError, match="no cheque"):
        write_sheets(io.BytesIO(), text=TEXT, cheques=[])
    with pytest.raises(ValueError, match="not a colour"):
        replace(TEXT, accent="red")


class _Nowhere(io.RawIOBase):
    """A printer's tray: takes all and keeps nothing."""

    def write(self, data: object) -> int:
        return len(bytes(data))


def test_ten_times_the_vouchers_take_no_more_memory():
    def endless(quantity: int) -> Iterator[Cheque]:
        for serial in range(1, quantity + 1):
            code = hashlib.sha256(serial.to_bytes(8)).hexdigest().upper()[:26]
            yield Cheque(serial, 1_000, code.translate(str.maketrans("0189", "ABCD")), "ABCDE23456")

    def peak(quantity: int) -> int:
        tracemalloc.start()
        write_sheets(_Nowhere(), text=TEXT, cheques=endless(quantity))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(300)  # what is kept for good (fonts, drawn runs) is there before the measure
    assert peak(3_000) < peak(300) + 300_000
