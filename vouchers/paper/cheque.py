"""One cheque of 175 x 80 mm, as an elder holds it: what all cheques of a batch share, and what each one adds.

What is printed follows the mentions asked of French titles (code du travail R.1611-8 as model): issuer and address,
buyer, number in a continuous series, face value, last day, where to spend, no change given, and a place for the
shop's stamp. Words and codes are 100 % black (DeviceGray); the accent is decoration only, and may be lost in grey.

The shared part is drawn once by reportlab as form XObjects, the rest is written as PDF operators, cheque by cheque.
"""

import io
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from vouchers.clock import day_fr
from vouchers.codes import pretty_control_code, pretty_serial, qr_text
from vouchers.money import face_value_fr
from vouchers.paper import fonts, qr

MM: Final = 72 / 25.4
"""Points in a millimetre."""
CHEQUE_WIDE, CHEQUE_HIGH = 175 * MM, 80 * MM
DEFAULT_ACCENT: Final = "#0B4F6C"

_QR_SIDE, _QR_LEFT, _QR_FOOT = 30 * MM, 136 * MM, 43 * MM
_QR_MIDDLE: Final = _QR_LEFT + _QR_SIDE / 2
_TEXT_LEFT, _TEXT_RIGHT = 15 * MM, 166 * MM
_TEXT_ROOM: Final = 112 * MM
"""From the left to the quiet zone of the code."""
_LOGO_WIDE, _LOGO_HIGH, _LOGO_FOOT = 23 * MM, 17 * MM, 58 * MM
_LOGO_RIGHT: Final = 127 * MM
"""Where the words end too: well before the quiet zone of the code."""
_LOGO_GAP: Final = 3 * MM
_FACE_ROOM, _FACE_SIZE = 60 * MM, 60.0
_UNDER_CODE_ROOM: Final = 38 * MM
_BAND: Final = 9 * MM
BLEED: Final = 3 * MM


@dataclass(frozen=True, slots=True)
class Cheque:
    """What differs from one cheque to the next. `code` and `control_code` are secrets."""

    serial: int
    face_cents: int
    code: str
    control_code: str


@dataclass(frozen=True, slots=True)
class SheetText:
    """What all cheques of a batch share. Texts too long for their place are set smaller, then cut with an ellipsis.

    `offered_by` is the buyer's name as it is: 'Commune de Cognac'. `shops_address` is the short
    address, without https://, where the shops that accept are listed. `host` is what the QR codes lead to. `accent` is
    '#RRGGBB' (ValueError for anything else); where it is too pale to be read it colours the band but no words.
    `wording` is what the programme has to say besides, `logo` a picture as `logo.small` gives it.
    """

    programme_name: str
    offered_by: str
    issuer_name: str
    issuer_address: str
    shops_address: str
    host: str
    expires_on: date
    accent: str = DEFAULT_ACCENT
    wording: str = ""
    logo: bytes | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"#[0-9A-Fa-f]{6}", self.accent):
            raise ValueError(f"not a colour like {DEFAULT_ACCENT}: {self.accent!r}")


class Face(NamedTuple):
    """How words are said in one embedded font: its resource name, and the byte and width (at 1 pt) of a character."""

    resource: str
    byte_of: dict[str, int]
    width_of: dict[str, float]

    def width(self, words: str) -> float:
        """At 1 pt."""
        return sum(map(self.width_of.__getitem__, words))

    def show(self, words: str, *, size: float, x: float, y: float) -> bytes:
        """PDF operators. The string goes in hex, so that nothing in it can be taken for an operator."""
        coded = bytes(map(self.byte_of.__getitem__, words)).hex()
        return f"BT {self.resource} {size:g} Tf {x:.2f} {y:.2f} Td <{coded}> Tj ET\n".encode()

    def show_centred(self, words: str, *, size: float, x: float, y: float, room: float) -> bytes:
        """The same with its middle at `x`, in a smaller size when `room` is less than its width."""
        full = self.width(words)
        size = min(size, int(4 * room / full) / 4)
        return self.show(words, size=size, x=x - full * size / 2, y=y)


_SAID_ON_A_CHEQUE: Final = string.ascii_letters + string.digits + " -,.·°€à\N{NO-BREAK SPACE}"


def face(canvas: Canvas, name: str) -> Face:
    """The font `name` as `canvas` will embed it. To be called before anything else is drawn with it."""
    font, document = fonts.font(name), canvas._doc
    byte_of: dict[str, int] = {}
    for char in _SAID_ON_A_CHEQUE:
        ((subset, coded),) = font.splitString(char, document)
        # Asked for first, they are all in the font's first subset, whatever text follows.
        assert subset == 0
        assert coded != b"\0", "the font has it"
        byte_of[char] = coded[0]
    width_of = {char: fonts.width(char, name=name, size=1) for char in _SAID_ON_A_CHEQUE}
    return Face(font.getSubsetInternalName(0, document), byte_of, width_of)


def words_and_code(cheque: Cheque, *, host: str, bold: Face) -> bytes:
    """PDF operators of what one cheque adds, the origin at its lower left corner: face value, number, both codes."""
    worth = face_value_fr(cheque.face_cents).replace("\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}")
    size = min(_FACE_SIZE, int(4 * _FACE_ROOM / bold.width(worth)) / 4)
    drawn = qr.modules(qr_text(host, cheque.code))
    unit = _QR_SIDE / drawn.side
    return b"".join(
        (
            bold.show(worth, size=size, x=_TEXT_LEFT - 1, y=36.5 * MM),
            bold.show_centred(
                f"N° {pretty_serial(cheque.serial)}", size=13, x=_QR_MIDDLE, y=33 * MM, room=_UNDER_CODE_ROOM
            ),
            bold.show_centred(
                pretty_control_code(cheque.control_code), size=14, x=_QR_MIDDLE, y=20.5 * MM, room=_UNDER_CODE_ROOM
            ),
            b"q %.5f 0 0 %.5f %.3f %.3f cm\n" % (unit, unit, _QR_LEFT, _QR_FOOT),
            qr.pdf_path(drawn),
            b"Q\n",
        )
    )


def draw_shared(canvas: Canvas, text: SheetText) -> None:
    """All that is alike on every cheque, the origin at its lower left corner."""
    accent = colour(text.accent)
    _draw_band(canvas, accent)
    room = _TEXT_ROOM if text.logo is None else _TEXT_ROOM - _LOGO_WIDE - _LOGO_GAP
    if text.logo is not None:
        _draw_logo(canvas, text.logo)
    if _readable(accent):
        canvas.setFillColorRGB(*accent)
    else:
        canvas.setFillGray(0)
    name, size = _programme(text.programme_name, room=room)
    _rows(canvas, name, font=fonts.BOLD, size=size, y=68 if len(name) == 1 else 70, apart=5.2)
    canvas.setFillGray(0)
    offered, size = fonts.paragraph(
        f"Offert par : {text.offered_by}", name=fonts.REGULAR, sizes=(12.5, 11.5, 10.5, 9.5), lines=2, room=room
    )
    _rows(canvas, offered, font=fonts.REGULAR, size=size, y=61.3 if len(name) == 1 else 59.2, apart=4.6)
    until = f"Valable jusqu’au {day_fr(text.expires_on)} inclus"
    _rows(canvas, [until], font=fonts.BOLD, size=14, y=26.5)
    shops, size = fonts.fitted(
        f"Où l’utiliser : {text.shops_address}", name=fonts.REGULAR, size=11.5, least=8, room=_TEXT_ROOM
    )
    _rows(canvas, [shops], font=fonts.REGULAR, size=size, y=20.5)
    canvas.setFont(fonts.REGULAR, 8)
    canvas.drawCentredString(_QR_MIDDLE, 26 * MM, "Code de contrôle")
    _draw_mentions(canvas, text, accent)
    _draw_stamp_place(canvas)


def draw_specimen(canvas: Canvas) -> None:
    """Across the words, so that nobody takes the picture for a voucher; the code stays as it will look."""
    canvas.saveState()
    canvas.translate(68 * MM, 31 * MM)
    canvas.rotate(14)
    canvas.setFillColorRGB(0.75, 0.1, 0.1, alpha=0.32)
    canvas.setFont(fonts.BOLD, 62)
    canvas.drawCentredString(0, 0, "SPÉCIMEN", charSpace=3)
    canvas.restoreState()


def _draw_mentions(canvas: Canvas, text: SheetText, accent: tuple[float, float, float]) -> None:
    """What the law and the programme ask to be said, under a line."""
    long, room = bool(fonts.printable(text.wording)), _TEXT_RIGHT - _TEXT_LEFT
    line = 17 * MM if long else 16 * MM
    canvas.setStrokeColorRGB(*accent)
    canvas.setLineWidth(0.8)
    canvas.line(_TEXT_LEFT, line, _TEXT_RIGHT, line)
    rules = "Il n’est pas rendu de monnaie. Non échangeable contre des espèces, non remboursable."
    _rows(canvas, [rules], font=fonts.REGULAR, size=8.5, y=13.2 if long else 11.5)
    if long:
        wording, size = fonts.paragraph(text.wording, name=fonts.REGULAR, sizes=(8, 7.5, 7), lines=2, room=room)
        _rows(canvas, wording, font=fonts.REGULAR, size=size, y=9.9, apart=3)
    issuer, size = fonts.paragraph(
        f"Émis par {text.issuer_name}, {text.issuer_address}",
        name=fonts.REGULAR,
        sizes=(8, 7.5, 7, 6.5) if long else (8.5, 8, 7.5),
        lines=1 if long else 2,
        room=room,
    )
    _rows(canvas, issuer, font=fonts.REGULAR, size=size, y=3.8 if long else 7.4, apart=3.4)


def _draw_logo(canvas: Canvas, logo: bytes) -> None:
    """At the end of the words, as large as its place allows."""
    picture = ImageReader(io.BytesIO(logo))
    wide, high = picture.getSize()
    scale = min(_LOGO_WIDE / wide, _LOGO_HIGH / high)
    canvas.drawImage(
        picture,
        _LOGO_RIGHT - wide * scale,
        _LOGO_FOOT + (_LOGO_HIGH - high * scale) / 2,
        width=wide * scale,
        height=high * scale,
    )


def _draw_band(canvas: Canvas, accent: tuple[float, float, float]) -> None:
    """Along the left edge and beyond it, so that a cut a little off leaves no white line."""
    canvas.setFillColorRGB(*accent)
    canvas.rect(-BLEED, 0, BLEED + _BAND, CHEQUE_HIGH, stroke=0, fill=1)
    canvas.setFillGray(1 if _readable(accent) else 0)
    canvas.saveState()
    canvas.rotate(90)
    canvas.setFont(fonts.BOLD, 11)
    canvas.drawCentredString(CHEQUE_HIGH / 2, -_BAND / 2 - 1.3 * MM, "CHÈQUE CADEAU", charSpace=1.6)
    canvas.restoreState()


def _draw_stamp_place(canvas: Canvas) -> None:
    canvas.setStrokeGray(0.5)
    canvas.setLineWidth(0.5)
    canvas.setDash(1, 2)
    canvas.roundRect(80 * MM, 33.5 * MM, 46 * MM, 20 * MM, 2 * MM)
    canvas.setDash()
    canvas.setFillGray(0.35)
    canvas.setFont(fonts.REGULAR, 7)
    canvas.drawString(82 * MM, 35.4 * MM, "Cachet du commerçant (nom, SIRET)")


def _programme(name: str, *, room: float) -> tuple[list[str], float]:
    """One line in large type, or else two in smaller."""
    line, size = fonts.fitted(name, name=fonts.BOLD, size=19, least=14, room=room)
    if line == fonts.printable(name):
        return [line], size
    return fonts.paragraph(name, name=fonts.BOLD, sizes=(14, 13, 12), lines=2, room=room)


def _rows(canvas: Canvas, rows: Sequence[str], *, font: str, size: float, y: float, apart: float = 0) -> None:
    """Lines of words, the first at `y`, the next each `apart` lower, in millimetres."""
    canvas.setFont(font, size)
    for row, words in enumerate(rows):
        canvas.drawString(_TEXT_LEFT, (y - apart * row) * MM, words)


def colour(accent: str) -> tuple[float, float, float]:
    """'#RRGGBB' as PDF has it: red, green and blue from 0 to 1."""
    red, green, blue = (int(accent[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _readable(colour: tuple[float, float, float]) -> bool:
    """Contrast of 4.5 to 1 on white (WCAG 2.2, 1.4.3)."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) >= 4.5
