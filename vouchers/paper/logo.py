"""A programme's logo: a picture that somebody sent, drawn anew, small, and without anything but its dots."""

import io
from typing import Final

import zxingcpp
from PIL import Image, ImageOps

from vouchers.errors import BadInput

MOST_BYTES: Final = 2_000_000
MOST_DOTS: Final = 20_000_000
"""Looked at before the picture is unpacked: a small file may hold a picture that fills the memory."""
WIDE, HIGH = 480, 360
"""Dots of the picture that is kept: 23 mm at some 500 dots an inch."""


def small(content: bytes, *, field: str = "logo") -> bytes:
    """The picture as a PNG of at most 480 x 360 dots on white. Refuses `BadInput` for whatever is none.

    A picture that holds a QR code is refused too: on the paper it would be read in place of the voucher's.
    """
    if len(content) > MOST_BYTES:
        raise BadInput(field=field, problem="logo_too_big")
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as opened:
            if opened.width * opened.height > MOST_DOTS:
                raise BadInput(field=field, problem="logo_too_big")
            picture = ImageOps.exif_transpose(opened).convert("RGBA")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as bomb:
        raise BadInput(field=field, problem="logo_too_big") from bomb
    except (OSError, ValueError, SyntaxError) as broken:
        raise BadInput(field=field, problem="not_a_logo") from broken
    ground = Image.new("RGBA", picture.size, "white")
    ground.alpha_composite(picture)
    drawn = ground.convert("RGB")
    if zxingcpp.read_barcodes(ImageOps.contain(drawn, (1_000, 1_000))):
        raise BadInput(field=field, problem="logo_with_a_code")
    drawn.thumbnail((WIDE, HIGH), Image.Resampling.LANCZOS)
    # Few colours are enough in print, and keep the file of every batch small.
    kept = drawn.quantize(256, dither=Image.Dither.NONE)
    out = io.BytesIO()
    kept.save(out, format="PNG", optimize=True)
    return out.getvalue()
