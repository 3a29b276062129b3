"""What a programme puts on its vouchers, never in the way of the code: logo, colour, wording; and what it may send."""

import io
import json
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from PIL import Image, ImageChops

from tests.paper.test_voucher_sheet import HOSTILE, TEXT, cheques, meant, words, written
from vouchers.errors import BadInput
from vouchers.paper import fonts, logo, outline
from vouchers.paper.voucher_sheet import check_sheets, preview

WORDING = "Renseignements : 05 45 00 00 00. Offert dans le cadre de l’action sociale de la commune."
DPI = 300
MM = DPI / 25.4


def a_picture(size: tuple[int, int], colour: Any = (200, 0, 0), kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGBA" if len(colour) == 4 else "RGB", size, colour).save(out, format=kind)
    return out.getvalue()


def dots(pdf: Path) -> Image.Image:
    with pypdfium2.PdfDocument(pdf) as document:
        return document[0].render(scale=DPI / 72).to_pil().convert("RGB")


@pytest.mark.parametrize("size", [(2_000, 100), (100, 2_000), (900, 700), (1, 1)])
def test_a_sheet_with_logo_colour_and_wording_reads_back_and_says_them(tmp_path: Path, size: tuple[int, int]) -> None:
    text = replace(TEXT, logo=logo.small(a_picture(size)), accent="#a01050", wording=WORDING)
    batch = cheques(9)

    pdf = written(batch, tmp_path / "lot.pdf", text)

    assert check_sheets(pdf, host=TEXT.host, expected=meant(batch)) == 9
    said = " ".join(words(pdf).split())
    assert "05 45 00 00 00" in said
    assert "Il n’est pas rendu de monnaie" in said
    assert "CCI du Pays d’Œuvre" in said


def test_nothing_coloured_comes_near_the_code_and_the_logo_is_there(tmp_path: Path) -> None:
    text = replace(TEXT, logo=logo.small(a_picture((900, 660))), accent="#a01050", wording=WORDING)
    page = dots(written(cheques(1), tmp_path / "lot.pdf", text))
    left, top = 17.5 * MM, 28.5 * MM

    def part(x: float, y: float, wide: float, high: float) -> Image.Image:
        """In millimetres from the upper left corner of the first cheque."""
        box = (left + x * MM, top + y * MM, left + (x + wide) * MM, top + (y + high) * MM)
        return page.crop(tuple(map(int, box)))

    code = part(136, 7, 30, 30)
    red, green, blue = code.split()
    assert red.tobytes() == green.tobytes() == blue.tobytes()
    zone = part(132, 3, 38, 38)
    zone.paste((255, 255, 255), (int(3.9 * MM), int(3.9 * MM), int(34.2 * MM), int(34.2 * MM)))
    assert set(zone.tobytes()) == {255}
    assert part(115, 12, 1, 1).getpixel((2, 2)) == (200, 0, 0)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_wording_stays_on_the_paper_and_the_codes_read(tmp_path: Path, hostile: str) -> None:
    text = replace(TEXT, wording=hostile, logo=logo.small(a_picture((300, 300))))
    batch = cheques(3)

    assert check_sheets(written(batch, tmp_path / "lot.pdf", text), host=TEXT.host, expected=meant(batch)) == 3


def test_the_same_look_gives_the_same_bytes_and_is_kept_once_for_all_pages(tmp_path: Path) -> None:
    noise = Image.effect_noise((900, 660), 90)
    out = io.BytesIO()
    noise.save(out, format="PNG")
    text = replace(TEXT, logo=logo.small(out.getvalue()))
    few, many = cheques(3), cheques(90)

    first = written(few, tmp_path / "a.pdf", text).read_bytes()
    again = written(few, tmp_path / "b.pdf", text).read_bytes()
    long = written(many, tmp_path / "c.pdf", text).read_bytes()
    plain = written(many, tmp_path / "d.pdf").read_bytes()

    assert first == again
    assert len(long) - len(plain) < 1.1 * len(text.logo or b"") + 300_000


def test_the_preview_is_the_same_drawing_and_is_worth_nothing() -> None:
    shown = Image.open(io.BytesIO(preview(replace(TEXT, wording=WORDING), face_cents=2_000)))

    assert 850 < shown.width < 950
    assert shown.width * 80 == pytest.approx(shown.height * 175, rel=0.01)
    # SPÉCIMEN, in pale red, over the words.
    red, green, _ = shown.convert("RGB").split()
    assert ImageChops.subtract(red, green).getextrema()[1] > 40


# ── What is sent ─────────────────────────────────────────────────────────────────────────────────────────────────────
def a_bomb() -> bytes:
    """A PNG of a few bytes that says it is 60 000 dots wide and as high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        (b"", "not_a_logo"),
        (b"%PDF-1.7", "not_a_logo"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_a_logo"),
        (a_picture((20, 20), kind="GIF"), "not_a_logo"),
        (a_picture((500, 500))[:-400], "not_a_logo"),
        (a_picture((4_500, 4_500)), "logo_too_big"),
        (a_bomb(), "logo_too_big"),
        (b"\x89PNG" + b"\0" * 2_000_001, "logo_too_big"),
    ],
)
def test_what_is_no_logo_is_refused_by_its_name(sent: bytes, problem: str) -> None:
    with pytest.raises(BadInput) as refused:
        logo.small(sent)

    assert refused.value.data == {"field": "logo", "problem": problem}


def test_a_logo_is_drawn_anew_small_on_white_without_what_it_carried() -> None:
    picture = Image.new("RGB", (800, 400), (0, 90, 200))
    out = io.BytesIO()
    told = Image.Exif()
    told[0x010E] = "made at home"
    picture.save(out, format="JPEG", comment=b"made at home", exif=told)

    kept = logo.small(out.getvalue())
    clear = logo.small(a_picture((300, 300), (0, 0, 0, 0)))

    assert Image.open(io.BytesIO(kept)).size == (480, 240)
    assert b"made at home" not in kept
    assert Image.open(io.BytesIO(clear)).convert("RGB").getpixel((5, 5)) == (255, 255, 255)
    assert len(kept) < 5_000


SQUARE = [[0.123456789, 48], [0.2, 48], [0.2, 48.1], [0.123456789, 48]]


def test_an_outline_in_any_wrapping_becomes_one_geometry_to_the_metre() -> None:
    polygon = {"type": "Polygon", "coordinates": [SQUARE]}
    feature = {"type": "Feature", "properties": {"nom": "<script>"}, "geometry": polygon}
    wanted = {"type": "MultiPolygon", "coordinates": [[[[0.12346, 48], [0.2, 48], [0.2, 48.1], [0.12346, 48]]]]}

    for sent in (polygon, feature, {"type": "FeatureCollection", "features": [feature]}):
        assert json.loads(outline.read(json.dumps(sent).encode())) == wanted


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        (b"", "not_an_outline"),
        (b"[1, 2]", "not_an_outline"),
        (b'{"type": "FeatureCollection", "features": []}', "not_an_outline"),
        (b'{"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}', "not_an_outline"),
        (b'{"type": "Polygon", "coordinates": [[[0, NaN], [1, 1], [2, 0], [0, NaN]]]}', "not_an_outline"),
        (b'{"type": "Polygon", "coordinates": [[["0", 0], [1, 1], [2, 0], ["0", 0]]]}', "not_an_outline"),
        (b"[" * 100_000, "not_an_outline"),
        (json.dumps({"type": "Polygon", "coordinates": [[[0, 0]] * 10_001]}).encode(), "outline_too_fine"),
    ],
)
def test_what_is_no_outline_is_refused_by_its_name(sent: bytes, problem: str) -> None:
    with pytest.raises(BadInput) as refused:
        outline.read(sent)

    assert refused.value.data["problem"] == problem


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("Noël🎄Marché  d'hiver", "Noël Marché d’hiver"),
        ("🎄🎅🏽", "?"),
        ("\N{NO-BREAK SPACE}🎄", "?"),
        ("écrire à d'or@exemple.fr", "écrire à d'or@exemple.fr"),
        ("\u202eévil\x00 漢", "évil ?"),
    ],
)
def test_any_text_is_set_with_the_letters_there_are(typed: str, printed: str) -> None:
    assert fonts.printable(typed) == printed
