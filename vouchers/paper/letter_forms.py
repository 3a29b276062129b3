"""What all pages of a run of letters share, drawn once: the head of the letter, the cheque, the marks to cut along."""

import io
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from vouchers.paper import fonts
from vouchers.paper.cheque import (
    BLEED,
    CHEQUE_HIGH,
    CHEQUE_WIDE,
    MM,
    Face,
    SheetText,
    colour,
    draw_shared,
    draw_specimen,
    face,
)
from vouchers.paper.fonts import BOLD, REGULAR
from vouchers.paper.page import HEIGHT, RIGHT, WIDTH
from vouchers.paper.typeset import Type, type_of
from vouchers.paper.window import FOLDS, WINDOW_LEFT

ROWS: Final = 3
FOOT: Final = 19 * MM
"""Under the lowest row: the folds of a sheet folded in three then run between two rows, or clear of the codes."""
LEFT: Final = (WIDTH - CHEQUE_WIDE) / 2
_LOGO_WIDE, _LOGO_HIGH = 42 * MM, 22 * MM
_SENDER_ROOM: Final = WINDOW_LEFT - LEFT - 8 * MM
_SENDER_LINES: Final = 6
Kind = Literal["real", "specimen"]


@dataclass(frozen=True, slots=True)
class Forms:
    """A PDF of one page with the shared forms, and the fonts to go on with. `shops`: what is set is set once."""

    pdf: bytes
    bold: Face
    type_of: dict[str, Type]
    accent: tuple[float, float, float]
    shops: dict[Any, bytes] = field(default_factory=dict)


def forms(*, sheet: SheetText, sender: str, address: tuple[str, ...], dated: str, kind: Kind = "real") -> Forms:
    """The forms 'head', 'advice', 'cheque' and 'cuts1' to 'cuts3' (marks around so many rows, from their foot up).

    On each cheque of a 'specimen' is written that it is one.
    """
    made = io.BytesIO()
    # A first font of ours, or reportlab would name Helvetica, which it does not embed.
    first = fonts.font(REGULAR).fontName
    canvas = Canvas(made, (WIDTH, HEIGHT), invariant=True, pageCompression=1, initialFontName=first)
    bold = face(canvas, BOLD)
    types = {name: type_of(canvas, name) for name in (REGULAR, BOLD)}
    canvas.beginForm("cheque", -BLEED, 0, CHEQUE_WIDE, CHEQUE_HIGH)
    draw_shared(canvas, sheet)
    if kind == "specimen":
        draw_specimen(canvas)
    canvas.endForm()
    canvas.beginForm("head", 0, 0, WIDTH, HEIGHT)
    draw_head(canvas, sheet.logo, sender, address, dated)
    canvas.endForm()
    canvas.beginForm("advice", 0, 0, WIDTH, HEIGHT)
    canvas.setFillGray(0.35)
    canvas.setFont(REGULAR, 9)
    advice = "À imprimer en taille réelle (100 %), puis à couper sur les repères."
    canvas.drawCentredString(WIDTH / 2, HEIGHT - 20 * MM, advice)
    canvas.endForm()
    names = ["cheque", "head", "advice"]
    for rows in range(1, ROWS + 1):
        names.append(f"cuts{rows}")
        canvas.beginForm(names[-1], -LEFT, -FOOT, WIDTH - LEFT, HEIGHT - FOOT)
        _draw_cuts(canvas, rows)
        canvas.endForm()
    for name in names:
        canvas.doForm(name)
    canvas.save()
    return Forms(made.getvalue(), bold, types, colour(sheet.accent))


def draw_head(canvas: Canvas, logo: bytes | None, sender: str, address: tuple[str, ...], dated: str) -> None:
    """Logo, sender, place and date, and where to fold."""
    y = HEIGHT - 14 * MM
    if logo is not None:
        picture = ImageReader(io.BytesIO(logo))
        wide, high = picture.getSize()
        scale = min(_LOGO_WIDE / wide, _LOGO_HIGH / high)
        y -= high * scale
        canvas.drawImage(picture, LEFT, y, width=wide * scale, height=high * scale)
        y -= 2 * MM
    canvas.setFillGray(0)
    rows, size = fonts.paragraph(sender, name=BOLD, sizes=(14, 13, 12), lines=2, room=_SENDER_ROOM)
    for row in rows:
        y -= size + 2
        canvas.setFont(BOLD, size)
        canvas.drawString(LEFT, y, row)
    for line in address[:_SENDER_LINES]:
        shown, size = fonts.fitted(line, name=REGULAR, size=11, least=8, room=_SENDER_ROOM)
        y -= 14
        canvas.setFont(REGULAR, size)
        canvas.drawString(LEFT, y, shown)
    shown, size = fonts.fitted(dated, name=REGULAR, size=12.5, least=9, room=RIGHT - WINDOW_LEFT)
    canvas.setFont(REGULAR, size)
    canvas.drawRightString(RIGHT, HEIGHT - 24 * MM, shown)
    canvas.setStrokeGray(0.5)
    canvas.setLineWidth(0.4)
    canvas.lines([(5 * MM, fold, 9 * MM, fold) for fold in FOLDS])


def _draw_cuts(canvas: Canvas, rows: int) -> None:
    """Marks outside the rows, faint dots between them; the origin at the lower left corner of the lowest."""
    top = rows * CHEQUE_HIGH
    levels = [row * CHEQUE_HIGH for row in range(rows + 1)]
    canvas.setStrokeGray(0)
    canvas.setLineWidth(0.3)
    canvas.lines(
        [(x, y, x + 5 * MM, y) for y in levels for x in (-10 * MM, CHEQUE_WIDE + 5 * MM)]
        + [(x, y, x, y + 5 * MM) for x in (0, CHEQUE_WIDE) for y in (-10 * MM, top + 5 * MM)]
    )
    canvas.setStrokeGray(0.6)
    canvas.setDash(0.5, 3)
    canvas.lines([(0, y, CHEQUE_WIDE, y) for y in levels] + [(CHEQUE_WIDE, 0, CHEQUE_WIDE, top)])
    canvas.setDash()
