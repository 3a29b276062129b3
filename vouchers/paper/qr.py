"""QR codes: made, drawn as black vector modules, and read back.

What decides whether an old phone reads a code is the size of its modules, so the version must stay small: version 3
(29 modules), error correction M. `codes.qr_text` is upper case, so that all of it but the '#' is in the
alphanumeric mode; the writer makes mixed segments (alphanumeric, one byte, alphanumeric), and with a 26-character code

    segment 1   4 + 9 + 5.5 x (9 + host)     segment 2   4 + 8 + 8     segment 3   4 + 9 + 143

must not exceed the 352 bits of version 3-M (ISO/IEC 18004, table 7): a host of 20 characters is the longest.

Why zxing-cpp writes and reads: `qrcode` and `segno` encode in pure Python, some hundred times slower. `qrcode` draws
the single code of a letter, where a second writer is also a second opinion.
"""

import io
import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import qrcode
import zxingcpp
from qrcode.constants import ERROR_CORRECT_M
from qrcode.image.pil import PilImage

from vouchers.codes import CODE_CHARS, qr_text

QUIET_MODULES: Final = 4
"""White modules asked for on every side of a code (ISO/IEC 18004)."""
_QR_ONLY: Final = zxingcpp.barcode_formats_from_str("QRCode")
_BLACK_RUN: Final = re.compile(rb"\x00+")


class Modules(NamedTuple):
    """A code as a square of bytes, row by row from the top, 0 black, 255 white, its quiet zone around it."""

    side: int
    """Modules on one side, quiet zones not counted."""
    square: bytes


class QrSize(NamedTuple):
    """How dense a code is: version 1 to 40, error correction level, modules on one side."""

    version: int
    level: str
    modules: int


def modules(text: str) -> Modules:
    """The code of `text`, at level M in the smallest version that holds it. ValueError when no version does."""
    # Without ec_level zxing-cpp quietly falls to level L where that saves a version.
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    # Any: its type stub does not say that it is a buffer.
    picture: Any = code.to_image(scale=1, add_quiet_zones=True)
    return Modules(picture.shape[0] - 2 * QUIET_MODULES, bytes(memoryview(picture)))


def size_for_host(host: str) -> QrSize:
    """How dense a voucher's code is for `host`: settings warn when the version is above 3."""
    side = modules(qr_text(host, "A" * CODE_CHARS)).side
    return QrSize(version=(side - 17) // 4, level="M", modules=side)


class _Rectangles(dict[tuple[int, int], bytes]):
    """From a run of black bytes to the PDF operator that draws it, each computed once."""

    def __init__(self, side: int) -> None:
        self._side, self._pitch = side, side + 2 * QUIET_MODULES

    def __missing__(self, run: tuple[int, int]) -> bytes:
        row, column = divmod(run[0], self._pitch)
        x, y = column - QUIET_MODULES, self._side - 1 - (row - QUIET_MODULES)
        drawn = self[run] = b"%d %d %d 1 re\n" % (x, y, run[1] - run[0])
        return drawn


_rectangles: Final[dict[int, _Rectangles]] = {}


def pdf_path(code: Modules) -> bytes:
    """PDF operators that fill the black modules as ONE path, a module being one unit, the origin bottom left.

    One path, since abutting rectangles filled one by one show hairlines between them on screens and in some printers.
    """
    known = _rectangles.setdefault(code.side, _Rectangles(code.side))
    return b"".join([known[run.span()] for run in _BLACK_RUN.finditer(code.square)]) + b"f\n"


def png(text: str, *, dots: int = 12) -> bytes:
    """One code as a PNG picture, `dots` pixels a module, quiet zone included."""
    drawn = qrcode.QRCode(error_correction=ERROR_CORRECT_M, box_size=dots, border=QUIET_MODULES)
    # Chunks of this length let `qrcode` leave the byte mode too, as zxing-cpp does by itself.
    drawn.add_data(text, optimize=10)
    out = io.BytesIO()
    drawn.make_image(image_factory=PilImage).save(out, format="PNG")
    return out.getvalue()


def read_upright(picture: object) -> Sequence[str]:
    """The texts of all QR codes in an upright grey picture, from top to bottom.

    `picture` is whatever `zxingcpp.read_barcodes` takes: a PIL image, an ImageView, a two-dimensional buffer. Reads
    strictly, as the writer drew it: not turned, not inverted, not shrunk, one threshold for the whole picture.
    """
    found = zxingcpp.read_barcodes(
        picture,
        formats=_QR_ONLY,
        try_rotate=False,
        try_downscale=False,
        try_invert=False,
        binarizer=zxingcpp.Binarizer.GlobalHistogram,
        text_mode=zxingcpp.TextMode.Plain,
    )
    return [code.text for code in sorted(found, key=lambda code: code.position.top_left.y)]
