"""A shop's photo: drawn anew, small, upright, without where it was taken; bombs and false pictures refused."""

import io
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import pytest
from PIL import Image

from vouchers.errors import BadInput
from vouchers.paper.photo import LONGEST_SIDE, shop_photo


def picture(form: str, *, size: tuple[int, int] = (900, 600), mode: str = "RGB", **how: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, "navy").save(out, form, **how)
    return out.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_every_kind_becomes_a_small_jpeg(form: str) -> None:
    drawn = Image.open(io.BytesIO(shop_photo(picture(form, size=(3_000, 2_000)))))
    assert (drawn.format, drawn.size) == ("JPEG", (LONGEST_SIDE, 800))


def test_a_small_photo_is_not_made_larger() -> None:
    assert Image.open(io.BytesIO(shop_photo(picture("PNG", size=(40, 30))))).size == (40, 30)


def test_where_and_when_it_was_taken_is_gone_and_it_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Marque"
    exif.get_ifd(0x8825)[1] = "N"
    drawn = shop_photo(picture("JPEG", exif=exif, comment=b"chez moi"))
    kept = Image.open(io.BytesIO(drawn))
    assert kept.size == (600, 900)
    assert not kept.getexif()
    assert b"Marque" not in drawn
    assert b"chez moi" not in drawn


def test_what_is_transparent_becomes_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(out, "PNG")
    assert Image.open(io.BytesIO(shop_photo(out.getvalue()))).convert("RGB").getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["1", "L", "P", "I;16", "CMYK"])
def test_unusual_colours_are_drawn_too(mode: str) -> None:
    out = io.BytesIO()
    Image.new("RGB" if mode == "P" else mode, (20, 20)).save(out, "JPEG" if mode == "CMYK" else "PNG")
    assert Image.open(io.BytesIO(shop_photo(out.getvalue()))).mode == "RGB"


def png_that_says(width: int, height: int) -> bytes:
    """The beginning of a PNG that claims a size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (png_that_says(30_000, 30_000), "too_many_pixels"),
        (png_that_says(9_000, 9_000), "too_many_pixels"),
        (png_that_says(10_000, 10_000), "too_many_pixels"),
        (png_that_says(100, 100), "not_a_photo"),
        (picture("GIF"), "not_a_photo"),
        (picture("BMP"), "not_a_photo"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_a_photo"),
        (b"", "not_a_photo"),
        (picture("JPEG")[:300], "not_a_photo"),
        (bytes(5 * 1024 * 1024), "photo_too_large"),
    ],
)
def test_what_is_no_photo_is_refused(content: bytes, problem: str) -> None:
    with pytest.raises(BadInput) as refused:
        shop_photo(content)
    assert refused.value.data == {"field": "photo", "problem": problem}


@pytest.mark.parametrize("how", ["error", "ignore", "always"])
@pytest.mark.parametrize("side", [10_000, 30_000])
def test_a_wall_of_pixels_is_refused_whatever_is_made_of_warnings(
    side: int, how: Literal["error", "ignore", "always"]
) -> None:
    with warnings.catch_warnings(record=True):
        warnings.simplefilter(how)
        with pytest.raises(BadInput) as refused:
            shop_photo(png_that_says(side, side))
    assert refused.value.data["problem"] == "too_many_pixels"


def test_photos_drawn_at_once_leave_the_warnings_of_the_house_as_they_were() -> None:
    usual, photo = list(warnings.filters), picture("JPEG", size=(60, 40))
    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(shop_photo, [photo] * 200))) == 1
    assert list(warnings.filters) == usual
