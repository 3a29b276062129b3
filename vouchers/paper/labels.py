"""Sheets of address labels: two formats that every stationer sells, the margins being those of their makers.

A label has at most six lines, all of one size: the largest at which the widest fits. The same people give the same
bytes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO, Final, NamedTuple

from vouchers.paper import fonts
from vouchers.paper.cheque import MM
from vouchers.paper.fonts import BOLD, REGULAR
from vouchers.paper.page import HEIGHT, Pages


class LabelFormat(NamedTuple):
    """Millimetres: a label, the first one's left and top edges, from one to the next across and down."""

    across: int
    down: int
    wide: float
    high: float
    left: float
    top: float
    step_across: float
    step_down: float


FORMATS: Final = {
    "21": LabelFormat(3, 7, 63.5, 38.1, 7.2, 15.1, 66.0, 38.1),
    "14": LabelFormat(2, 7, 99.1, 38.1, 4.7, 15.1, 101.6, 38.1),
}
"""By labels on a sheet: 63.5 × 38.1 mm (as L7160) and 99.1 × 38.1 mm (as L7163)."""
_INSIDE: Final = 4.5
_EDGE: Final = 2.8
"""Millimetres that a printer may be off, above the address and below the reference."""
_REFERENCE_SIZE: Final = 8.0
_REFERENCE_HIGH: Final = _EDGE * MM + 9.5
"""Points at the foot of a label that the address leaves to the reference."""
_SIZES: Final = (11.5, 11, 10.5, 10, 9.5, 9, 8.5, 8, 7.5, 7)
_LEADING: Final = 1.22


@dataclass(frozen=True, slots=True)
class Label:
    """One person: the lines of the address, and the reference that stands on their letter too."""

    reference: str
    lines: tuple[str, ...]


def write_labels(out: BinaryIO, *, form: LabelFormat, labels: Iterable[Label], title: str) -> int:
    """The labels from left to right and top to bottom; gives how many sheets. ValueError when there is none."""
    pages = Pages(out, title=title, author="", subject="Étiquettes")
    each, count = form.across * form.down, 0
    for count, label in enumerate(labels, start=1):
        place = (count - 1) % each
        if place == 0 and count > 1:
            pages.turn()
        down, across = divmod(place, form.across)
        left = (form.left + across * form.step_across) * MM
        _draw(pages, form, label, left=left, top=HEIGHT - (form.top + down * form.step_down) * MM)
    if not count:
        raise ValueError("no label to print")
    pages.turn()
    pages.close()
    return -(-count // each)


def _draw(pages: Pages, form: LabelFormat, label: Label, *, left: float, top: float) -> None:
    room, high = (form.wide - 2 * _INSIDE) * MM, form.high * MM
    lines = [(fonts.printable(line), REGULAR if at else BOLD) for at, line in enumerate(label.lines[:6])]
    widest = max((fonts.width(line, name=face, size=1) for line, face in lines), default=0)
    free = high - _EDGE * MM - _REFERENCE_HIGH
    fits = (size for size in _SIZES if widest * size <= room and size * _LEADING * len(lines) <= free)
    size = next(fits, _SIZES[-1])
    leading = size * _LEADING
    y = top - _EDGE * MM - (free - leading * len(lines)) / 2 - size
    for line, face in lines:
        pages.text(left + _INSIDE * MM, y, line, size=size, face=face, room=room)
        y -= leading
    x = left + (form.wide - _EDGE) * MM
    pages.right(x, top - high + _EDGE * MM, label.reference, size=_REFERENCE_SIZE, room=room)
