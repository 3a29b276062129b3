"""The shops on paper, for the envelope: by commune, then by trade, in type that an elder reads without glasses.

A4, one column in 16 and 14 points, or two columns in 13 and 12 on half the sheets. Each page says which page of how
many, and of what day the list is. Lists of ten thousand shops are written page by page: what stays in memory is what
the PDF's writer keeps of each page drawn, and one small record for each line.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO, Final, Literal, NamedTuple

from vouchers.clock import day_fr
from vouchers.paper import fonts
from vouchers.paper.fonts import BOLD, REGULAR
from vouchers.paper.page import DEEP, HEIGHT, INK, PAPER, SOFT, WIDTH, Pages

Language = Literal["fr", "en"]
_LEFT: Final = 42.0
_RIGHT: Final = WIDTH - _LEFT
_TOP_FIRST: Final = HEIGHT - 150
_TOP_NEXT: Final = HEIGHT - 76
_BOTTOM: Final = 62.0
_GUTTER: Final = 22.0
_NAME_LINES: Final = 2
_WORDS: Final[dict[Language, dict[str, str]]] = {
    "fr": {
        "title": "Où dépenser vos chèques cadeaux",
        "until": "À dépenser jusqu’au {day}",
        "one": "1 commerce, liste du {day}",
        "many": "{count} commerces, liste du {day}",
        "none": "Aucun commerce n’est encore inscrit.",
        "newest": "La liste à jour : {url}",
        "again": "{name} (suite)",
        "page": "Page {page}/{pages}",
    },
    "en": {
        "title": "Where to spend your gift vouchers",
        "until": "To be spent by {day}",
        "one": "1 shop, list of {day}",
        "many": "{count} shops, list of {day}",
        "none": "No shop has joined yet.",
        "newest": "The list of today: {url}",
        "again": "{name} (continued)",
        "page": "Page {page}/{pages}",
    },
}


@dataclass(frozen=True, slots=True)
class Cover:
    """Whose list it is: the programme and its issuer, where the newest one is, the last day to spend, its own day."""

    programme: str
    issuer: str
    shops_url: str
    expires_on: date
    on: date


@dataclass(frozen=True, slots=True)
class Entry:
    """A shop. Street and telephone as far as they are known."""

    name: str
    trade: str
    commune: str
    street: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class Layout:
    """Columns on a page, and the sizes of a shop's name and of what stands under it, in points."""

    columns: int
    name: float
    detail: float

    @property
    def room(self) -> float:
        """How wide a column is."""
        return (_RIGHT - _LEFT - _GUTTER * (self.columns - 1)) / self.columns


LARGE: Final = Layout(columns=1, name=16, detail=14)
SMALL: Final = Layout(columns=2, name=13, detail=12)


_Kind = Literal["commune", "trade", "name", "name, on", "detail"]


class _Row(NamedTuple):
    """One line of type and its place; its kind says in which size and face."""

    page: int
    x: float
    y: float
    kind: _Kind
    text: str


def write_shop_list(
    out: BinaryIO, *, cover: Cover, entries: Sequence[Entry], layout: Layout = LARGE, language: Language = "fr"
) -> None:
    """Write the list; `entries` come in the order they are printed in: those of one commune, of one trade together."""
    words = _WORDS[language]
    rows = list(_placed(entries, layout, words["again"]))
    count = rows[-1].page if rows else 1
    pages = Pages(out, title=f"{words['title']}, {cover.programme}", author=cover.issuer, subject=words["title"])
    number = 1
    _head(pages, cover, words, shops=len(entries), language=language)
    for row in rows:
        if row.page > number:
            _foot(pages, words, number, count, cover)
            pages.turn()
            number = row.page
            _short_head(pages, cover, words)
        _draw(pages, row, layout)
    if not rows:
        pages.text(_LEFT, _TOP_FIRST - 20, words["none"], size=layout.name)
    _foot(pages, words, number, count, cover)
    pages.turn()
    pages.close()


# ── Where each line stands ───────────────────────────────────────────────────────────────────────────────────────
def _placed(entries: Iterable[Entry], layout: Layout, again: str) -> Iterator[_Row]:
    page, column, y = 1, 0, _TOP_FIRST
    begun = _TOP_FIRST
    commune = trade = ""
    for one in entries:
        block = _block(one, layout)
        new_commune, new_trade = one.commune != commune, one.trade != trade or one.commune != commune
        wanted = sum(_high(kind, layout) for kind, _ in block)
        wanted += _high("commune", layout) if new_commune else 0
        wanted += _high("trade", layout) if new_trade else 0
        if y - wanted < _BOTTOM and y < begun:
            column += 1
            if column == layout.columns:
                page, column, begun = page + 1, 0, _TOP_NEXT
            y = begun
            if not new_commune:
                block = [("commune", again.format(name=one.commune)), ("trade", one.trade), *block]
        if new_commune:
            block = [("commune", one.commune), ("trade", one.trade), *block]
        elif new_trade and block[0][0] == "name":
            block = [("trade", one.trade), *block]
        commune, trade = one.commune, one.trade
        x = _LEFT + column * (layout.room + _GUTTER)
        for kind, text in block:
            y -= _high(kind, layout)
            yield _Row(page, x, y, kind, text)


def _block(one: Entry, layout: Layout) -> list[tuple[_Kind, str]]:
    name, _ = fonts.paragraph(one.name, name=BOLD, sizes=(layout.name,), lines=_NAME_LINES, room=layout.room)
    told = [part for part in (one.street, one.phone) if part]
    together = " · ".join(told)
    fits = fonts.width(fonts.printable(together), name=REGULAR, size=layout.detail) <= layout.room
    details = [together] if fits and told else told
    return [("name", name[0]), *(("name, on", line) for line in name[1:]), *(("detail", line) for line in details)]


def _high(kind: _Kind, layout: Layout) -> float:
    """From the baseline above to this one's, in points: a name stands apart from the shop before."""
    return {
        "commune": layout.name * 2.3,
        "trade": layout.detail * 2.0,
        "name": layout.name * 1.65,
        "name, on": layout.name * 1.15,
        "detail": layout.detail * 1.25,
    }[kind]


# ── Drawing ──────────────────────────────────────────────────────────────────────────────────────────────────────
def _draw(pages: Pages, row: _Row, layout: Layout) -> None:
    if row.kind == "commune":
        high = layout.name * 1.6
        pages.block(row.x, row.y - layout.name * 0.45, width=layout.room, height=high, ink=DEEP)
        pages.text(row.x + 8, row.y, row.text, size=layout.name + 1, face=BOLD, room=layout.room - 16, ink=PAPER)
    elif row.kind == "trade":
        pages.text(row.x, row.y, row.text, size=layout.detail, face=BOLD, room=layout.room, ink=DEEP)
        pages.rule(row.x, row.y - 4, to=row.x + layout.room, weight=1, ink=DEEP)
    elif row.kind in {"name", "name, on"}:
        pages.text(row.x, row.y, row.text, size=layout.name, face=BOLD, room=layout.room, ink=INK)
    else:
        pages.text(row.x, row.y, row.text, size=layout.detail, room=layout.room, ink=INK)


def _head(pages: Pages, cover: Cover, words: dict[str, str], *, shops: int, language: Language) -> None:
    def spoken(day: date) -> str:
        return f"{day.day} {day:%B %Y}" if language == "en" else day_fr(day)

    room = _RIGHT - _LEFT
    y = HEIGHT - 62
    pages.text(_LEFT, y, words["title"], size=25, face=BOLD, room=room, ink=DEEP)
    pages.text(_LEFT, y - 25, cover.programme, size=16, face=BOLD, room=room)
    until = words["until"].format(day=spoken(cover.expires_on))
    pages.text(_LEFT, y - 48, until, size=16, room=room)
    many = words["one" if shops == 1 else "many"].format(count=shops, day=spoken(cover.on))
    pages.text(_LEFT, y - 70, many, size=14, room=room, ink=SOFT)


def _short_head(pages: Pages, cover: Cover, words: dict[str, str]) -> None:
    pages.text(_LEFT, HEIGHT - 56, words["title"], size=12, face=BOLD, room=260, ink=DEEP)
    pages.right(_RIGHT, HEIGHT - 56, cover.programme, size=12, room=230)


def _foot(pages: Pages, words: dict[str, str], number: int, of: int, cover: Cover) -> None:
    pages.rule(_LEFT, 50, to=_RIGHT, weight=0.7, ink=DEEP)
    pages.text(_LEFT, 34, words["newest"].format(url=cover.shops_url), size=12, room=400)
    pages.right(_RIGHT, 34, words["page"].format(page=number, pages=of), size=12, face=BOLD)
