"""The closing report of a buyer's campaign (bilan de clôture): what became of the money, to the cent, to be signed.

Draws only what it is given, whole cents and counts. What was issued is spent, unspent, lapsed or cancelled; a report
whose figures do not add up so is refused, never drawn.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from vouchers.clock import book_day, day_fr, moment_fr
from vouchers.money import euros_fr
from vouchers.paper.fonts import BOLD, REGULAR
from vouchers.paper.page import DEEP, HEIGHT, INK, LEFT, NBSP, RIGHT, SOFT, TINT, Pages

_FOOT: Final = 64.0
_DESTINATIONS: Final = {
    "buyer": "L’argent non dépensé est rendu à l’acheteur ({buyer}), une fois les chèques périmés.",
    "breakage": "L’argent non dépensé reste acquis à l’émetteur ({issuer}), une fois les chèques périmés.",
    "next_campaign": "L’argent non dépensé est reporté sur la prochaine campagne, une fois les chèques périmés.",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A figure under its name, with its vouchers where they are counted."""

    name: str
    cents: int
    vouchers: int | None = None


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order: `on` the day it was made; issued is spent, unspent, lapsed and cancelled together."""

    number: int
    on: date
    purchase_order: str
    issued_cents: int
    spent_cents: int
    unspent_cents: int
    lapsed_cents: int
    cancelled_cents: int


@dataclass(frozen=True, slots=True)
class Week:
    """What was spent from a Monday to a Sunday; several weeks where one alone would tell too much."""

    begins_on: date
    ends_on: date
    cents: int


@dataclass(frozen=True, slots=True)
class Closing:
    """The campaign as it stands at `as_of`. `lapse_to` is the programme's word for where unspent money goes."""

    programme: str
    issuer: str
    buyer: str
    as_of: datetime
    starts_on: date
    expires_on: date
    deadline_on: date
    lapse_to: str
    ordered: Row
    issued: Row
    spent: Row
    unspent: Row
    lapsed: Row
    cancelled: Row
    orders: tuple[OrderRow, ...]
    weeks: tuple[Week, ...]


class DoesNotAddUp(Exception):
    """The figures of a report that is not drawn: an internal alarm, not a refusal."""


def closing_report(closing: Closing) -> bytes:
    """The report, as a PDF. Raises `DoesNotAddUp`."""
    parts = closing.spent.cents + closing.unspent.cents + closing.lapsed.cents + closing.cancelled.cents
    if closing.issued.cents != parts:
        raise DoesNotAddUp(f"{closing.issued.cents} cents were issued, {parts} are told")
    for name, whole in (("issued", closing.issued), ("spent", closing.spent), ("unspent", closing.unspent)):
        if sum(getattr(one, f"{name}_cents") for one in closing.orders) != whole.cents:
            raise DoesNotAddUp(f"{name}: the orders are not the whole")
    out = io.BytesIO()
    pages = Pages(out, title=f"Bilan de clôture, {closing.buyer}", author=closing.issuer, subject=closing.programme)
    _Report(pages, closing).draw()
    pages.turn()
    pages.close()
    return out.getvalue()


class _Report:
    def __init__(self, pages: Pages, closing: Closing) -> None:
        self.pages = pages
        self.closing = closing
        self.y = HEIGHT - 52.0
        self.page = 1

    def draw(self) -> None:
        self._head()
        self._money()
        self._destination()
        self._orders()
        self._weeks()
        self._signatures()
        self._foot()

    def _head(self) -> None:
        pages, closing = self.pages, self.closing
        pages.text(LEFT, self.y, "Bilan de clôture", size=18, face=BOLD, ink=DEEP)
        pages.right(RIGHT, self.y, day_fr(book_day(closing.as_of)), size=10.5, face=BOLD)
        ends = pages.text(LEFT, self.y - 18, closing.buyer, size=12, face=BOLD, room=330)
        pages.right(RIGHT, self.y - 18, closing.issuer, size=9, ink=SOFT, room=RIGHT - ends - 20)
        pages.text(LEFT, self.y - 34, closing.programme, size=10.5, room=330)
        said = (
            f"Du {day_fr(closing.starts_on)} au {day_fr(closing.expires_on)} ; présentation par les commerçants"
            f" jusqu’au {day_fr(closing.deadline_on)}"
        )
        pages.text(LEFT, self.y - 50, said, size=9, ink=SOFT, room=RIGHT - LEFT)
        self.y -= 84

    def _money(self) -> None:
        """What was issued, then what became of it, which is the same sum."""
        closing, pages = self.closing, self.pages
        self._title("Ce qu’est devenu l’argent")
        for x, name in ((RIGHT - 118, "Chèques"), (RIGHT, "Montant")):
            pages.right(x, self.y, name, size=8, face=BOLD, ink=SOFT)
        self.y -= 16
        self._row(closing.ordered, face=REGULAR)
        self._row(closing.issued, face=BOLD)
        for row in (closing.spent, closing.unspent, closing.lapsed, closing.cancelled):
            self._row(row, face=REGULAR, indent=14)
        pages.rule(LEFT, self.y + 9, to=RIGHT, weight=0.8, ink=DEEP)
        parts = (closing.spent, closing.unspent, closing.lapsed, closing.cancelled)
        self.y -= 3
        pages.text(LEFT, self.y, "Ensemble : égal aux chèques émis", size=9.5, face=BOLD)
        pages.figures(RIGHT, self.y, euros_fr(sum(row.cents for row in parts)), size=9.5, face=BOLD)
        self.y -= 30

    def _row(self, row: Row, *, face: str, indent: float = 0) -> None:
        self.pages.text(LEFT + indent, self.y, row.name, size=9.5, face=face, room=300)
        if row.vouchers is not None:
            self.pages.figures(RIGHT - 118, self.y, f"{row.vouchers:,}".replace(",", NBSP), size=9.5, face=face)
        self.pages.figures(RIGHT, self.y, euros_fr(row.cents), size=9.5, face=face)
        self.pages.rule(LEFT, self.y - 4, to=RIGHT, weight=0.3)
        self.y -= 17

    def _destination(self) -> None:
        closing, pages = self.closing, self.pages
        said = _DESTINATIONS[closing.lapse_to].format(buyer=closing.buyer, issuer=closing.issuer)
        pages.block(LEFT, self.y - 22, width=RIGHT - LEFT, height=40, ink=TINT)
        pages.paragraph(LEFT + 12, self.y + 1, said, size=10, lines=2, room=RIGHT - LEFT - 24, leading=13)
        self.y -= 50

    def _orders(self) -> None:
        if not self.closing.orders:
            return
        self._room(80)
        self._title("Commande par commande")
        heads = ("Émis", "Dépensé", "Non dépensé", "Périmé", "Annulé")
        columns = [RIGHT - step * 74 for step in range(len(heads) - 1, -1, -1)]
        self._heads(columns, heads)
        for one in self.closing.orders:
            if self._room(17):
                self._heads(columns, heads)
            named = f"n° {one.number}, {one.on:%d/%m/%Y}" + (f", {one.purchase_order}" if one.purchase_order else "")
            self.pages.text(LEFT, self.y, named, size=8.5, room=columns[0] - LEFT - 62)
            cents = (one.issued_cents, one.spent_cents, one.unspent_cents, one.lapsed_cents, one.cancelled_cents)
            for x, own in zip(columns, cents, strict=True):
                self.pages.figures(x, self.y, euros_fr(own), size=8.5)
            self.pages.rule(LEFT, self.y - 4, to=RIGHT, weight=0.3)
            self.y -= 15
        self.y -= 16

    def _heads(self, columns: Sequence[float], heads: Sequence[str]) -> None:
        for x, name in zip(columns, heads, strict=True):
            self.pages.right(x, self.y, name, size=8, face=BOLD, ink=SOFT)
        self.y -= 15

    def _weeks(self) -> None:
        self._room(80)
        self._title("Dépenses par semaine")
        weeks = self.closing.weeks
        if not weeks:
            said = "Trop peu d’utilisations pour être montrées par semaine sans désigner une personne."
            self.pages.text(LEFT, self.y, said, size=9, ink=SOFT)
            self.y -= 26
            return
        most = max(1, *(week.cents for week in weeks))
        x, track = LEFT + 150, RIGHT - LEFT - 150 - 84
        for week in weeks:
            self._room(16)
            said = f"du {week.begins_on:%d/%m/%Y} au {week.ends_on:%d/%m/%Y}"
            self.pages.text(LEFT, self.y, said, size=8.5)
            self.pages.block(x, self.y - 1, width=track * max(0, week.cents) / most, height=8, ink=DEEP)
            self.pages.figures(RIGHT, self.y, euros_fr(week.cents), size=8.5)
            self.y -= 15
        said = "Les semaines où trop peu de chèques ont servi sont réunies aux voisines."
        self.pages.text(LEFT, self.y, said, size=8, ink=SOFT)
        self.y -= 26

    def _signatures(self) -> None:
        self._room(108)
        self._title("Pour valoir ce que de droit")
        half = (RIGHT - LEFT - 20) / 2
        signs = (("l’acheteur", self.closing.buyer), ("l’émetteur", self.closing.issuer))
        for x, (part, who) in zip((LEFT, LEFT + half + 20), signs, strict=True):
            self.pages.canvas.setStrokeColor(SOFT)
            self.pages.canvas.setLineWidth(0.6)
            self.pages.canvas.rect(x, self.y - 84, half, 92, stroke=1, fill=0)
            self.pages.text(x + 10, self.y - 6, f"Pour {part} :", size=9.5, face=BOLD)
            below = self.pages.paragraph(x + 10, self.y - 18, who, size=9, lines=3, room=half - 20, leading=11)
            self.pages.text(x + 10, below - 2, "Nom, qualité, date et signature", size=8.5, ink=SOFT)

    def _title(self, title: str) -> None:
        self.pages.text(LEFT, self.y, title, size=11, face=BOLD, ink=INK)
        self.pages.rule(LEFT, self.y - 5, to=RIGHT, weight=0.8, ink=DEEP)
        self.y -= 20

    def _room(self, needed: float) -> bool:
        """Whether a new page was begun because less than `needed` was left."""
        if self.y - needed >= _FOOT:
            return False
        self._foot()
        self.pages.turn()
        self.page += 1
        self.y = HEIGHT - 60
        return True

    def _foot(self) -> None:
        said = (
            f"Chiffres tirés du journal le {moment_fr(self.closing.as_of)}. Aucune donnée personnelle, aucun commerce."
        )
        self.pages.rule(LEFT, 40, to=RIGHT)
        self.pages.text(LEFT, 29, said, size=7.5, ink=SOFT)
        self.pages.right(RIGHT, 29, f"page {self.page}", size=7.5, ink=SOFT)
