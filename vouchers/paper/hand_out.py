"""The hand-out sheet (état d'émargement): who receives which vouchers, with a box for each signature.

A4 upright, since it lies on a clipboard at a door. Each round begins a page, so that whoever goes out takes their own
pages along; each page says how many vouchers it gives and what they are worth.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO, Final

from vouchers.clock import day_fr
from vouchers.codes import pretty_serial
from vouchers.money import euros_fr
from vouchers.paper import fonts
from vouchers.paper.fonts import BOLD, REGULAR
from vouchers.paper.page import DEEP, HEIGHT, INK, LEFT, RIGHT, RULE, SOFT, TINT, Pages

_ROW: Final = 36.0
_TOP: Final = HEIGHT - 128
_BOTTOM: Final = 92.0
ROWS_ON_A_PAGE: Final = int((_TOP - _BOTTOM) // _ROW)
_NUMBER, _NAME, _SERIALS, _SIGN = LEFT, LEFT + 24, LEFT + 214, RIGHT - 142
_AMOUNT: Final = _SIGN - 8
_LONG_WORD: Final = 26


@dataclass(frozen=True, slots=True)
class Handed:
    """One person. `name` is empty for one whose data were erased; `address` on one line; `cents` in all."""

    round: str
    name: str
    address: str
    serials: tuple[int, ...]
    quantity: int
    cents: int


@dataclass(frozen=True, slots=True)
class HandOut:
    """What stands around the people. `expires_on`: the last day on which the vouchers can be spent."""

    programme_name: str
    buyer_name: str
    list_name: str
    order_number: int
    expires_on: date


def write_hand_out(out: BinaryIO, *, sheet: HandOut, people: Sequence[Handed]) -> int:
    """The sheet for `people`, who come sorted by round and name; gives how many pages it has.

    A name or an address that is too long for its lines is set smaller, and then cut; nobody is left out.
    """
    title = f"État d’émargement, commande n° {sheet.order_number}"
    pages = Pages(out, title=title, author=sheet.buyer_name, subject=sheet.list_name)
    parts = list(_parts(people))
    begun = 0
    for number, part in enumerate(parts, start=1):
        _Page(pages, sheet).draw(part, first=begun + 1, number=number, of=len(parts), everybody=people)
        begun += len(part)
        pages.turn()
    pages.close()
    return len(parts)


def runs(serials: Sequence[int]) -> str:
    """'12 à 15, 20': serials as they are counted off a pile."""
    said: list[str] = []
    start = last = None
    for serial in (*serials, None):
        if last is not None and serial == last + 1:
            last = serial
            continue
        if start is not None and last is not None:
            one = pretty_serial(start)
            joined = f"{one} à {pretty_serial(last)}" if last > start + 1 else f"{one}, {pretty_serial(last)}"
            said.append(one if start == last else joined)
        start = last = serial
    return ", ".join(said)


def _parted(word: str) -> str:
    """A long word in two, at the hyphen nearest to its middle: a line may end there."""
    hyphens = [at for at, char in enumerate(word) if char == "-"]
    if len(word) <= _LONG_WORD or not hyphens:
        return word
    middle = min(hyphens, key=lambda at: abs(2 * at - len(word))) + 1
    return f"{word[:middle]} {word[middle:]}"


def _parts(people: Sequence[Handed]) -> Iterator[list[Handed]]:
    """The people of each page: of one round, as many as there are rows."""
    part: list[Handed] = []
    for one in people:
        if part and (len(part) == ROWS_ON_A_PAGE or one.round != part[0].round):
            yield part
            part = []
        part.append(one)
    yield part


class _Page:
    def __init__(self, pages: Pages, sheet: HandOut) -> None:
        self.pages, self.sheet = pages, sheet

    def draw(self, part: list[Handed], *, first: int, number: int, of: int, everybody: Sequence[Handed]) -> None:
        self._head(part[0].round if part else "")
        y = _TOP
        for place, one in enumerate(part, start=first):
            self._person(y, place, one)
            y -= _ROW
        self._foot(part, number=number, of=of, everybody=everybody)

    def _head(self, called: str) -> None:
        pages, sheet = self.pages, self.sheet
        pages.text(LEFT, HEIGHT - 54, "État d’émargement", size=18, face=BOLD, ink=DEEP, room=220)
        pages.right(RIGHT, HEIGHT - 50, sheet.buyer_name, size=10, face=BOLD, room=270)
        said = f"{sheet.programme_name}, commande n° {sheet.order_number}"
        pages.right(RIGHT, HEIGHT - 63, said, size=9, room=270, ink=SOFT)
        pages.text(LEFT, HEIGHT - 76, f"Tournée : {called}" if called else sheet.list_name, size=11, room=300)
        pages.right(RIGHT, HEIGHT - 76, f"Chèques valables jusqu’au {day_fr(sheet.expires_on)}", size=9, room=190)
        y = HEIGHT - 106
        pages.text(_NAME, y, "Nom, prénom, adresse", size=8, face=BOLD, ink=SOFT)
        pages.text(_SERIALS, y, "Chèques n°", size=8, face=BOLD, ink=SOFT)
        pages.right(_AMOUNT, y, "Montant", size=8, face=BOLD, ink=SOFT)
        pages.text(_SIGN + 6, y, "Date et signature", size=8, face=BOLD, ink=SOFT)
        pages.rule(LEFT, y - 6, to=RIGHT, weight=1, ink=DEEP)

    def _person(self, y: float, place: int, one: Handed) -> None:
        pages = self.pages
        pages.text(_NUMBER, y, str(place), size=7.5, ink=SOFT, room=22)
        room = _SERIALS - _NAME - 8
        below = self._rows(_NAME, y, one.name or "(données effacées)", face=BOLD, sizes=(10, 9, 8, 7), room=room)
        pages.text(_NAME, below, one.address, size=8, room=room, ink=SOFT)
        held = runs(one.serials) or f"{one.quantity} à attribuer"
        self._rows(_SERIALS, y, held, face=REGULAR, sizes=(9, 8, 7), room=_AMOUNT - 52 - _SERIALS)
        pages.figures(_AMOUNT, y, euros_fr(one.cents), size=10)
        pages.canvas.setStrokeColor(RULE)
        pages.canvas.setLineWidth(0.7)
        pages.canvas.rect(_SIGN, y - _ROW + 14, RIGHT - _SIGN, _ROW - 4, stroke=1, fill=0)
        pages.rule(LEFT, y - _ROW + 12, to=_SIGN - 4, weight=0.3)

    def _rows(self, x: float, y: float, text: str, *, face: str, sizes: tuple[float, ...], room: float) -> float:
        """Up to two lines; gives the baseline below them."""
        rows, size = fonts.paragraph(" ".join(map(_parted, text.split())), name=face, sizes=sizes, lines=2, room=room)
        for row in rows:
            self.pages.text(x, y, row, size=size, face=face, room=room, ink=INK)
            y -= 10.5
        return y

    def _foot(self, part: list[Handed], *, number: int, of: int, everybody: Sequence[Handed]) -> None:
        pages, sheet = self.pages, self.sheet
        pages.block(LEFT, 56, width=RIGHT - LEFT, height=20, ink=TINT)
        pages.text(LEFT + 8, 62.5, f"Cette page : {_sum(part)}", size=9.5, face=BOLD)
        if number == of:
            pages.right(RIGHT - 8, 62.5, f"En tout : {_sum(everybody)}", size=9.5, face=BOLD)
        pages.text(LEFT, 38, "Remis par (nom, signature) :", size=8.5)
        pages.text(LEFT, 25, sheet.list_name, size=7.5, ink=SOFT, room=330)
        pages.right(RIGHT, 25, f"Page {number}/{of}", size=8)


def _sum(people: Sequence[Handed]) -> str:
    persons, vouchers = len(people), sum(one.quantity for one in people)
    said = f"{persons} personne{'s' if persons > 1 else ''}, {vouchers} chèque{'s' if vouchers > 1 else ''}"
    return f"{said}, {euros_fr(sum(one.cents for one in people))}"
