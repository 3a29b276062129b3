"""The closing dossier: the account of a campaign, or of one order, as an accountant checks it before it is closed.

One PDF/A-3b whose tables travel inside it as CSV files too: the same rows, drawn and attached, or the rows that add up
to those drawn (`Detail`), so that neither can say what the other does not. A table that is long is drawn to its first
rows and says how many its file has. The SHA-256 of each file stands on the last page, above the places for two
signatures.

The same dossier is the same bytes. Draws only what it is given.
"""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from reportlab.lib.colors import Color

from vouchers.clock import day_fr, moment_fr
from vouchers.money import count_fr
from vouchers.paper import fonts
from vouchers.paper.fonts import BOLD, REGULAR
from vouchers.paper.page import DEEP, HEIGHT, INK, LEFT, RIGHT, RULE, SOFT, TINT, WIDTH, Pages, bare_amount
from vouchers.paper.pdf_a import Attached, as_pdf_a
from vouchers.paper.spreadsheet import Cell, Euros, spreadsheet_csv

_TOP: Final = HEIGHT - 60.0
_FOOT: Final = 62.0
_ROW: Final = 13.0
_SIZE: Final = 7.6
MOST_DRAWN: Final = 60
"""Rows of one table on paper; its file has them all."""


@dataclass(frozen=True, slots=True)
class Column:
    """`share` of the width; figures (cents or counts) stand to the right."""

    name: str
    share: int


@dataclass(frozen=True, slots=True)
class Detail:
    """The rows of a file whose table is drawn as their sums alone."""

    header: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Section:
    """One table. `note`: what it shows and how it must tie. `total`: its last row, drawn but not in the file.

    `under`: what is to be known of the total.
    """

    title: str
    note: str
    file_name: str
    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Cell]]
    total: Sequence[Cell] | None = None
    under: str = ""
    detail: Detail | None = None

    def csv(self) -> bytes:
        """The whole table, for a spreadsheet."""
        told = self.detail or Detail(tuple(column.name for column in self.columns), self.rows)
        return b"".join(spreadsheet_csv(told.header, told.rows))


@dataclass(frozen=True, slots=True)
class Figure:
    """A sum under its name; `cents` None for a line of words alone."""

    name: str
    cents: int | None = None
    words: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Dossier:
    """`about`: the programme, or the order and its buyer. `witness`: up to where the ledger was read, and its seal.

    `issued_cents` must be the sum of what was spent, lapsed, cancelled and is in circulation (`parts_cents`).
    """

    number: str
    issuer: str
    issuer_lines: tuple[str, ...]
    about: tuple[str, ...]
    as_of: datetime
    issued_on: date
    witness: str
    issued_cents: int
    parts_cents: tuple[int, ...]
    figures: tuple[Figure, ...]
    unspent: tuple[str, ...]
    sections: tuple[Section, ...]


class DossierDoesNotAdd(Exception):
    """What became of the vouchers is not what was issued: an internal alarm; no dossier is drawn."""


def closing_dossier(dossier: Dossier) -> bytes:
    """The dossier with its files inside, not signed yet. Raises `DossierDoesNotAdd`, `NotArchivable`."""
    if sum(dossier.parts_cents) != dossier.issued_cents:
        raise DossierDoesNotAdd(f"{dossier.issued_cents} cents were issued, {sum(dossier.parts_cents)} are told")
    files = [(section.file_name, section.csv()) for section in dossier.sections]
    title = f"Dossier de clôture {dossier.number}"
    # Drawn twice: how many pages there are is known once they are drawn, and stands on each.
    _, many = _drawn(dossier, files, title=title, of=0)
    drawn, _ = _drawn(dossier, files, title=title, of=many)
    return as_pdf_a(
        drawn,
        title=title,
        author=dossier.issuer,
        about=" ".join(dossier.about),
        made_at=dossier.as_of,
        attached=[
            Attached(name, data, "text/csv", "Data", f"Tableau du dossier {dossier.number}", dossier.as_of)
            for name, data in files
        ],
    )


def _drawn(dossier: Dossier, files: Sequence[tuple[str, bytes]], *, title: str, of: int) -> tuple[bytes, int]:
    """The pages, each numbered as one `of` so many, and how many they are."""
    out = io.BytesIO()
    pages = Pages(out, title=title, author=dossier.issuer, subject=" ".join(dossier.about))
    drawing = _Drawing(pages, dossier, of=of)
    drawing.draw(files)
    pages.close()
    return out.getvalue(), drawing.page


class _Drawing:
    def __init__(self, pages: Pages, dossier: Dossier, *, of: int) -> None:
        self.pages = pages
        self.dossier = dossier
        self.y = _TOP
        self.page = 1
        self.of = of

    def draw(self, files: Sequence[tuple[str, bytes]]) -> None:
        self._head()
        for section in self.dossier.sections:
            self._section(section)
        self._files(files)
        self._signatures()
        self._foot()
        self.pages.turn()

    def _head(self) -> None:
        pages, one = self.pages, self.dossier
        pages.bookmark("tete", "Compte des chèques")
        pages.text(LEFT, self.y, one.issuer, size=12, face=BOLD, ink=DEEP, room=300)
        pages.right(RIGHT, self.y, f"Dossier n° {one.number}", size=10, face=BOLD)
        for line in one.issuer_lines:
            self.y -= 12
            pages.text(LEFT, self.y, line, size=9, ink=SOFT, room=300)
        pages.right(RIGHT, self.y, f"Établi le {day_fr(one.issued_on)}", size=9, ink=SOFT)
        self.y -= 38
        pages.text(LEFT, self.y, "Dossier de clôture", size=22, face=BOLD, room=RIGHT - LEFT)
        for line in one.about:
            self.y -= 16
            pages.text(LEFT, self.y, line, size=11, room=RIGHT - LEFT)
        self.y -= 16
        pages.text(
            LEFT, self.y, f"Arrêté au {moment_fr(one.as_of)}. {one.witness}", size=8.5, ink=SOFT, room=RIGHT - LEFT
        )
        self.y -= 26
        pages.block(
            LEFT - 8,
            self.y - 15.5 * len(one.figures) + 6,
            width=RIGHT - LEFT + 16,
            height=15.5 * len(one.figures) + 10,
            ink=TINT,
        )
        for figure in one.figures:
            face = BOLD if figure.strong else REGULAR
            pages.text(LEFT, self.y, figure.name, size=10, face=face, room=340)
            if figure.cents is None:
                pages.right(RIGHT, self.y, figure.words, size=10, face=face, room=200)
            else:
                pages.figures(RIGHT, self.y, f"{bare_amount(figure.cents)} €", size=10, face=face)
            self.y -= 15.5
        self.y -= 22
        pages.text(LEFT, self.y, "Destination de l’argent non dépensé", size=12, face=BOLD, ink=DEEP)
        for line in one.unspent:
            self.y = pages.paragraph(LEFT, self.y - 15, line, size=9.5, lines=3, room=RIGHT - LEFT, leading=13) + 13
        self.y -= 34

    def _section(self, section: Section) -> None:
        pages = self.pages
        self._room(_ROW * (min(len(section.rows), 4) + 4) + 30)
        pages.bookmark(section.file_name, section.title)
        pages.text(LEFT, self.y, section.title, size=12, face=BOLD, ink=DEEP)
        self.y = pages.paragraph(
            LEFT, self.y - 13, section.note, size=8.5, lines=2, room=RIGHT - LEFT, leading=11, ink=SOFT
        )
        self.y -= 5
        self._row(section, [column.name for column in section.columns], face=BOLD, ink=SOFT)
        drawn = section.rows[:MOST_DRAWN]
        for row in drawn:
            if self.y < _FOOT + _ROW:
                self._next_page()
                self._row(section, [column.name for column in section.columns], face=BOLD, ink=SOFT)
            self._row(section, row)
        left = len(section.rows) - len(drawn)
        if not section.rows:
            pages.text(LEFT, self.y, "Rien à signaler.", size=_SIZE + 0.6, ink=SOFT)
            self.y -= _ROW
        elif left:
            more = "ligne" if left == 1 else "lignes"
            said = f"… et {count_fr(left)} {more} de plus dans le fichier {section.file_name}, joint à ce document."
            pages.text(LEFT, self.y, said, size=_SIZE + 0.4, ink=SOFT, room=RIGHT - LEFT)
            self.y -= _ROW
        if section.total is not None and section.rows:
            self._room(_ROW)
            pages.rule(LEFT, self.y + _ROW - 3, to=RIGHT, weight=0.8, ink=INK)
            self._row(section, section.total, face=BOLD)
        if section.under:
            self._room(36)
            self.y = pages.paragraph(
                LEFT, self.y - 2, section.under, size=8.5, lines=3, room=RIGHT - LEFT, leading=11, ink=SOFT
            )
        self.y -= 20

    def _row(self, section: Section, cells: Sequence[Cell], *, face: str = REGULAR, ink: Color = INK) -> None:
        wide = (RIGHT - LEFT) / sum(column.share for column in section.columns)
        x = LEFT
        for index, (column, cell) in enumerate(zip(section.columns, cells, strict=True)):
            room = column.share * wide - 5
            if _is_figure(section, index):
                said = cell if isinstance(cell, str) else _said(cell)
                self.pages.right(x + room, self.y, said, size=_SIZE, face=face, room=room, ink=ink)
            else:
                self.pages.text(x, self.y, _said(cell), size=_SIZE, face=face, room=room, ink=ink)
            x += column.share * wide
        self.pages.rule(LEFT, self.y - 3.4, to=RIGHT, weight=0.3, ink=RULE)
        self.y -= _ROW

    def _files(self, files: Sequence[tuple[str, bytes]]) -> None:
        self._room(_ROW * (len(files) + 3))
        self.pages.text(LEFT, self.y, "Fichiers joints à ce document", size=12, face=BOLD, ink=DEEP)
        self.y -= 16
        for name, data in files:
            self._room(_ROW)
            self.pages.text(LEFT, self.y, name, size=_SIZE + 0.4, room=130)
            self.pages.right(
                RIGHT, self.y, f"SHA-256 {hashlib.sha256(data).hexdigest()}", size=_SIZE, room=360, ink=SOFT
            )
            self.y -= _ROW
        self.y -= 14

    def _signatures(self) -> None:
        self._room(118)
        self.pages.text(LEFT, self.y, "Arrêté par", size=12, face=BOLD, ink=DEEP)
        wide = (RIGHT - LEFT - 24) / 2
        for place, who in enumerate(("Pour l’émetteur, la trésorerie", "Pour l’émetteur, l’approbation")):
            x = LEFT + place * (wide + 24)
            self.pages.canvas.setStrokeColor(RULE)
            self.pages.canvas.rect(x, self.y - 96, wide, 82, stroke=1, fill=0)
            self.pages.text(x + 8, self.y - 28, who, size=9, room=wide - 16)
            self.pages.text(x + 8, self.y - 42, "Nom, date et signature :", size=8, ink=SOFT)
        self.y -= 118

    def _room(self, height: float) -> None:
        if self.y - height < _FOOT:
            self._next_page()

    def _next_page(self) -> None:
        self._foot()
        self.pages.turn()
        self.page += 1
        self.y = _TOP

    def _foot(self) -> None:
        said = fonts.printable(f"{self.dossier.issuer} · dossier de clôture {self.dossier.number}")
        self.pages.text(LEFT, 36, said, size=8, ink=SOFT, room=WIDTH / 2)
        self.pages.right(RIGHT, 36, f"Page {self.page}/{self.of}", size=8, ink=SOFT)


def _is_figure(section: Section, index: int) -> bool:
    """Whether a column holds sums or counts, as its first filled cell says."""
    first = next((row[index] for row in section.rows if row[index] is not None), None)
    return isinstance(first, Euros) or (isinstance(first, int) and not isinstance(first, bool))


def _said(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Euros):
        return bare_amount(cell.cents)
    if isinstance(cell, datetime):
        return moment_fr(cell)
    if isinstance(cell, int):
        return count_fr(cell)
    return f"{cell:%d/%m/%Y}" if isinstance(cell, date) else str(cell)
