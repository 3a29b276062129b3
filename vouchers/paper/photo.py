"""A photo that somebody sends: looked at, made small, and drawn anew as a JPEG that holds its pixels and nothing else.

A phone writes into a photo where and when it was taken, and by which device (EXIF, XMP); a file may also pretend to be
a picture. What leaves here was decoded and encoded by us: no byte of the original is in it. A small file that unpacks
to a wall of pixels is refused by its header, before it is unpacked.
"""

import io
import struct
import warnings
from typing import Final

from PIL import Image, ImageOps

from vouchers.errors import BadInput

MOST_BYTES: Final = 4 * 1024 * 1024
MOST_PIXELS: Final = 64_000_000
"""The largest that phones take is 50 million; 64 million unpack to 190 MB."""
LONGEST_SIDE: Final = 1_200
_FORMATS: Final = ("JPEG", "PNG", "WEBP")
_QUALITY: Final = 82
_STUMBLES: Final = (
    OSError, ValueError, SyntaxError, TypeError, IndexError, EOFError, OverflowError, MemoryError, struct.error,
)  # fmt: skip
"""What Pillow raises over a file that is no picture, or breaks off."""
# What Pillow has to say of a stranger's file is no news for the log. Said once: filters belong to every thread.
warnings.filterwarnings("ignore", module=r"PIL\.")


def shop_photo(content: bytes, *, field: str = "photo") -> bytes:
    """A JPEG of at most `LONGEST_SIDE` pixels a side, upright, on white where it was transparent.

    Refuses `BadInput`: `photo_too_large`, `not_a_photo`, `too_many_pixels`.
    """
    if len(content) > MOST_BYTES:
        raise BadInput(field=field, problem="photo_too_large")
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise BadInput(field=field, problem="too_many_pixels")
            return _drawn(picture)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        # Pillow warns above 89 million pixels and fails above twice as many; a warning may be made an error.
        raise BadInput(field=field, problem="too_many_pixels") from None
    except _STUMBLES:
        raise BadInput(field=field, problem="not_a_photo") from None


def _drawn(picture: Image.Image) -> bytes:
    # A JPEG can be unpacked at a half, a quarter or an eighth of its size: much less memory, and faster.
    picture.draft("RGB", (2 * LONGEST_SIDE, 2 * LONGEST_SIDE))
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    upright = ImageOps.exif_transpose(picture)
    canvas = Image.new("RGB", upright.size, "white")
    see_through = upright.convert("RGBA")
    canvas.paste(see_through, mask=see_through.getchannel("A"))
    out = io.BytesIO()
    canvas.save(out, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    return out.getvalue()
