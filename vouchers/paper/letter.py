"""Letters with vouchers (publipostage): to each person a page in 16 point, and the vouchers that are theirs alone.

The address stands in the window of a DL envelope after NF Z10-011: 85 × 33 mm, 110 mm from the left edge and 55 mm
from the top of the sheet. Rows of 80 mm begin 19 mm above the foot: a sheet folded in three is folded between two
cheques, and no fold runs through a code. Together on one 'sheet': the first cheque under the letter, the others three
to a page. 'stapled': the letter, then pages of three. Either way a page holds what belongs to one person, whose
reference stands on it ('12 · 3/4'), so that an envelope can be checked. Pages are meant for one side.

Written page by page, in memory that does not grow; and every code of the finished file read back (`check_letters`).
"""

import functools
import io
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import BinaryIO, Final, Literal, NamedTuple

from PIL import Image

from vouchers import letter_words
from vouchers.clock import day_fr
from vouchers.errors import BadInput
from vouchers.money import face_value_fr
from vouchers.paper import fonts
from vouchers.paper.cheque import CHEQUE_HIGH, MM, Cheque, SheetText, words_and_code
from vouchers.paper.fonts import BOLD, REGULAR
from vouchers.paper.letter_forms import FOOT, LEFT, ROWS, Forms, Kind, forms
from vouchers.paper.page import HEIGHT, NBSP, RIGHT
from vouchers.paper.pdf_stream import PdfStream
from vouchers.paper.pdfium import Drawn
from vouchers.paper.typeset import BLACK, GREY
from vouchers.paper.voucher_sheet import check_pages, specimen
from vouchers.paper.window import ADDRESS_LEADING, ADDRESS_SIZE, INSIDE, WINDOW_LEFT, WINDOW_TOP, WINDOW_WIDTH

Together = Literal["sheet", "stapled"]
_NEAR_HEAD, _NEAR_LEADING, _NEAR_FOOT = 10 * MM + 24, 20.5, 22.0
MOST_NEAR: Final = int((ROWS * CHEQUE_HIGH - _NEAR_HEAD - _NEAR_FOOT) // _NEAR_LEADING)
"""Shops that a page shows where it has nothing else; one row shows a quarter of them."""
_BODY: Final = 16.0
_LEADING: Final = 20.5
_APART: Final = 8.0
_ROOM: Final = RIGHT - LEFT
_TOP: Final = HEIGHT - 97 * MM
_UNDER: Final = 17 * MM
"""The lowest line of a letter that has its page alone."""
_ABOVE_ROW: Final = FOOT + CHEQUE_HIGH + 4 * MM
_REFERENCE_FOOT: Final = 7 * MM
_PREVIEW_DPI: Final = 60
_BETWEEN, _BEHIND = 8, "#8a8f98"


@dataclass(frozen=True, slots=True)
class Near:
    """A shop as a letter names it."""

    name: str
    trade: str
    street: str


@dataclass(frozen=True, slots=True)
class LetterPaper:
    """What all letters of one run share. `sender` offers them, and is who gets back what the post cannot deliver.

    `text`: as `letter_words` describes it, the default where it is empty. `how_to`: how the vouchers are used.
    """

    sheet: SheetText
    sender: str
    sender_address: tuple[str, ...]
    place: str
    written_on: date
    text: str
    signatory: str
    how_to: str
    together: Together


@dataclass(frozen=True, slots=True)
class Letter:
    """What one person receives. `cheques` are secrets; at least one.

    `address`: the lines of the window; none for vouchers that have nobody any more, which get no letter. `said`: the
    words for `civilite`, `prenom` and `nom`. `near`: the shops to be named, nearest first, as far as there is room.
    """

    reference: str
    address: tuple[str, ...]
    said: Mapping[str, str]
    cheques: tuple[Cheque, ...]
    near: tuple[Near, ...] = ()


class Leaf(NamedTuple):
    """One page: the cheques on it from the top down, whether it names shops, whether the letter is written on it."""

    cheques: tuple[Cheque, ...] = ()
    near: bool = False
    written: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """How much there is in a finished file. `nobodys`: the cheques that have no address."""

    letters: int
    cheques: int
    pages: int
    nobodys: int


class _Line(NamedTuple):
    """A line of a letter: what, in which font and size, how far below the line before; `worth` stands before it."""

    words: str
    font: str
    below: float
    right: bool = False
    worth: str = ""


def write_letters(
    out: BinaryIO | Path,
    *,
    paper: LetterPaper,
    letters: Iterable[Letter],
    progress: Callable[[int], None] | None = None,
) -> Written:
    """Write the PDF of `letters`, in their order; read once, one at a time. The same input gives the same bytes.

    `progress` hears after each letter how many cheques are done. Refuses `BadInput` where the text does not fit on a
    page. ValueError when there is no letter.
    """
    with ExitStack() as stack:
        file = stack.enter_context(out.open("wb")) if isinstance(out, Path) else out
        return _write(file, paper, letters, progress=progress)


def _write(
    out: BinaryIO,
    paper: LetterPaper,
    letters: Iterable[Letter],
    *,
    kind: Kind = "real",
    progress: Callable[[int], None] | None = None,
) -> Written:
    drawn = _forms(paper, kind)
    pdf = PdfStream(out, template=drawn.pdf)
    count = cheques = pages = nobodys = 0
    for letter in letters:
        leaves = plan(paper, letter)
        for number, leaf in enumerate(leaves, start=1):
            pdf.add_page(_Page(paper, drawn, letter).draw(leaf, number=number, of=len(leaves)))
        count, cheques, pages = count + 1, cheques + len(letter.cheques), pages + len(leaves)
        nobodys += 0 if letter.address else len(letter.cheques)
        if progress is not None:
            progress(cheques)
    if not count:
        raise ValueError("no letter to print")
    pdf.finish(title=f"Courriers · {fonts.printable(paper.sheet.programme_name)}")
    return Written(count, cheques, pages, nobodys)


def check_letters(
    pdf: Path,
    *,
    paper: LetterPaper,
    letters: Iterable[Letter],
    progress: Callable[[int], None] | None = None,
    processes: int = 1,
) -> int:
    """Read every code of the finished file back and compare, page by page, with those that were meant.

    Gives how many. Raises `SheetMismatch` at the first that is wrong, missing, too many or on another's page.
    """
    meant = (
        [(cheque.serial, cheque.code) for cheque in leaf.cheques] for letter in letters for leaf in plan(paper, letter)
    )
    return check_pages(pdf, host=paper.sheet.host, expected=meant, progress=progress, processes=processes)


def specimen_picture(paper: LetterPaper, letter: Letter) -> bytes:
    """The pages of one letter beside each other, as a PNG picture; every cheque is a made-up one, and says so."""
    cheques = tuple(specimen(cheque.face_cents) for cheque in letter.cheques)
    made = io.BytesIO()
    _write(made, paper, [replace(letter, cheques=cheques)], kind="specimen")
    pages = []
    with Drawn(made.getvalue()) as drawn:
        for number in range(drawn.pages):
            with drawn.page(number, dpi=_PREVIEW_DPI) as bitmap:
                pages.append(bitmap.to_pil().copy())
    wide, high = pages[0].size
    shown = Image.new("RGB", (wide * len(pages) + _BETWEEN * (len(pages) - 1), high), _BEHIND)
    for number, page in enumerate(pages):
        shown.paste(page, (number * (wide + _BETWEEN), 0))
    picture = io.BytesIO()
    shown.save(picture, format="PNG")
    return picture.getvalue()


def plan(paper: LetterPaper, letter: Letter) -> list[Leaf]:
    """The pages of one person. Refuses `BadInput` where the letter's text does not fit on one.

    What fits under the letter is put there: the first cheque, or in 'stapled' the shops; these else take the row that
    the last page leaves free, or a page of their own.
    """
    near, rest = bool(letter.near), list(letter.cheques)
    leaves: list[Leaf] = []
    if letter.address:
        ends = _ends(paper, letter)
        if ends < _UNDER:
            raise BadInput(field="letter_text", problem="longer_than_a_page")
        free = ends >= _ABOVE_ROW
        under = tuple(rest[:1]) if free and paper.together == "sheet" else ()
        del rest[: len(under)]
        shown = near and free and not under
        leaves.append(Leaf(under, near=shown, written=True))
        near = near and not shown
    leaves += [Leaf(tuple(rest[at : at + ROWS])) for at in range(0, len(rest), ROWS)]
    if near and letter.address:
        last = leaves[-1]
        if last.written or len(last.cheques) == ROWS:
            leaves.append(Leaf(near=True))
        else:
            leaves[-1] = last._replace(near=True)
    return leaves


def _ends(paper: LetterPaper, letter: Letter) -> float:
    return _TOP - sum(line.below for line in _lines(paper, letter))


def _lines(paper: LetterPaper, letter: Letter) -> list[_Line]:
    """The letter from the salutation to the signatory, each line as far below the one before as it has to be."""
    count, cents = len(letter.cheques), sum(cheque.face_cents for cheque in letter.cheques)
    last_day = day_fr(paper.sheet.expires_on).replace(" ", NBSP)
    named = "1 chèque cadeau" if count == 1 else f"{count} chèques cadeaux"
    said = {
        "civilite": "Madame, Monsieur",
        **letter.said,
        "cheques": named,
        "nombre": str(count),
        "montant": face_value_fr(cents),
        "dernier_jour": last_day,
        "programme": paper.sheet.programme_name,
        "acheteur": paper.sender,
    }
    lines: list[_Line] = []

    def add(text: str, *, before: float) -> None:
        lines.extend(_Line(row, REGULAR, _LEADING + (0 if at else before)) for at, row in enumerate(_rows(text)))

    for number, text in enumerate(letter_words.paragraphs(paper.text, said)):
        add(text, before=_APART if number else -_LEADING)
    until = f"{named}, jusqu’au {last_day} inclus"
    lines.append(_Line(until, BOLD, _LEADING + 20, worth=said["montant"]))
    add(paper.how_to, before=_APART + 6)
    for number, row in enumerate(filter(None, map(fonts.printable, paper.signatory.splitlines()))):
        lines.append(_Line(row, BOLD, _LEADING if number else _LEADING + 6, right=True))
    return lines


@functools.lru_cache(maxsize=512)
def _rows(text: str) -> tuple[str, ...]:
    """The lines of a paragraph, whole. Remembered: most of what a letter says stands in all of them."""
    rows = [""]
    for word in filter(None, map(fonts.printable, text.split(" "))):
        longer = f"{rows[-1]} {word}" if rows[-1] else word
        if rows[-1] and fonts.width(longer, name=REGULAR, size=_BODY) > _ROOM:
            rows.append(word)
        else:
            rows[-1] = longer
    return tuple(rows)


class _Page:
    """One page being drawn, as PDF operators."""

    def __init__(self, paper: LetterPaper, drawn: Forms, letter: Letter) -> None:
        self.paper, self.drawn, self.letter = paper, drawn, letter
        self.parts: list[bytes] = []

    def draw(self, leaf: Leaf, *, number: int, of: int) -> bytes:
        if leaf.written:
            self.parts.append(b"/FormXob.head Do 0 g\n")
            self._window()
            self._body()
        elif leaf.cheques:
            self.parts.append(b"/FormXob.advice Do 0 g\n")
        rows = [0] if leaf.written else range(ROWS - 1, -1, -1)
        free = iter(rows)
        for cheque in leaf.cheques:
            self._cheque(cheque, foot=FOOT + next(free) * CHEQUE_HIGH)
        if leaf.cheques:
            low = FOOT + (0 if leaf.written else ROWS - len(leaf.cheques)) * CHEQUE_HIGH
            self.parts.append(b"q 1 0 0 1 %.3f %.3f cm /FormXob.cuts%d Do Q\n" % (LEFT, low, len(leaf.cheques)))
        if leaf.near:
            self._near(top=FOOT + (next(free) + 1) * CHEQUE_HIGH)
        self._reference(number, of)
        return b"".join(self.parts)

    def _window(self) -> None:
        x, y, room = WINDOW_LEFT + INSIDE, WINDOW_TOP - INSIDE - ADDRESS_SIZE, WINDOW_WIDTH - 2 * INSIDE
        for number, line in enumerate(self.letter.address):
            font = self.drawn.type_of[REGULAR if number else BOLD]
            self.parts.append(font.show_left(line, size=ADDRESS_SIZE, x=x, y=y, room=room, least=6.5))
            y -= ADDRESS_LEADING

    def _body(self) -> None:
        y, types = _TOP, self.drawn.type_of
        for line in _lines(self.paper, self.letter):
            y -= line.below
            x = LEFT
            if line.worth:
                worth = fonts.printable(line.worth)
                self.parts += (
                    b"%.3f %.3f %.3f rg %.2f %.2f 4 34 re f 0 g\n" % (*self.drawn.accent, LEFT, y - 8),
                    types[BOLD].show(worth, size=28, x=LEFT + 14, y=y - 1),
                )
                x += 14 + types[BOLD].width(worth, size=28) + 14
            if line.right:
                self.parts.append(types[line.font].show_right(line.words, size=_BODY, x=RIGHT, y=y, room=_ROOM))
            else:
                self.parts.append(types[line.font].show_left(line.words, size=_BODY, x=x, y=y, room=RIGHT - x))

    def _cheque(self, cheque: Cheque, *, foot: float) -> None:
        self.parts += (
            b"q 1 0 0 1 %.3f %.3f cm /FormXob.cheque Do 0 g\n" % (LEFT, foot),
            words_and_code(cheque, host=self.paper.sheet.host, bold=self.drawn.bold),
            b"Q\n",
        )

    def _near(self, *, top: float) -> None:
        """The shops, from `top` down to where the rows end."""
        types, y = self.drawn.type_of, top - 10 * MM
        self.parts.append(types[BOLD].show("Les commerces près de chez vous", size=_BODY, x=LEFT, y=y))
        y -= _NEAR_HEAD - 10 * MM
        most = int((top - FOOT - _NEAR_HEAD - _NEAR_FOOT) // _NEAR_LEADING) + 1
        for shop in self.letter.near[:most]:
            self.parts.append(b"q 1 0 0 1 %.3f %.3f cm %bQ\n" % (LEFT, y, self._shop(shop)))
            y -= _NEAR_LEADING
        whole = f"Tous les commerces : {self.paper.sheet.shops_address}"
        self.parts.append(types[REGULAR].show_left(whole, size=13.5, x=LEFT, y=y - 2, room=_ROOM))

    def _shop(self, shop: Near) -> bytes:
        """Name, trade and street on one line; the same shop is named in many letters, and set once."""
        kept = self.drawn.shops.get(shop)
        if kept is not None:
            return kept
        types = self.drawn.type_of
        name, size = fonts.fitted(shop.name, name=BOLD, size=14.5, least=12, room=_ROOM * 0.55)
        begins = types[BOLD].width(name, size=size) + 8
        told = [", ".join(filter(None, (shop.trade, shop.street))), shop.street or shop.trade]
        room = _ROOM - begins
        rest = next((one for one in told if fonts.width(fonts.printable(one), name=REGULAR, size=14) <= room), told[-1])
        drawn = types[BOLD].show(name, size=size, x=0, y=0)
        drawn += types[REGULAR].show_left(rest, size=14, x=begins, y=0, room=room, least=12)
        return self.drawn.shops.setdefault(shop, drawn)

    def _reference(self, number: int, of: int) -> None:
        said = f"{self.letter.reference} · {number}/{of}"
        shown = self.drawn.type_of[REGULAR].show_right(said, size=9, x=RIGHT - 6 * MM, y=_REFERENCE_FOOT, room=_ROOM)
        self.parts += (GREY, shown, BLACK)


def _forms(paper: LetterPaper, kind: Kind = "real") -> Forms:
    day = day_fr(paper.written_on)
    return forms(
        sheet=paper.sheet,
        sender=paper.sender,
        address=paper.sender_address,
        dated=f"{paper.place}, le {day}" if paper.place else f"Le {day}",
        kind=kind,
    )
