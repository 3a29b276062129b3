"""An A4 page to draw on: lines of text that fit, figures in columns, rules and bars.

Distances are points from the lower left corner. All colours are told apart by their lightness, so that a page
keeps its sense on a grey printer; nothing is said by colour alone.
"""

import functools
from typing import BinaryIO, Final

from reportlab.lib.colors import Color
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from vouchers.money import euros_fr
from vouchers.paper import fonts
from vouchers.paper.fonts import BOLD, REGULAR

WIDTH, HEIGHT = float(A4[0]), float(A4[1])
LEFT: Final = 48.0
RIGHT: Final = WIDTH - LEFT
INK: Final = Color(0.10, 0.11, 0.13)
SOFT: Final = Color(0.36, 0.38, 0.41)
RULE: Final = Color(0.76, 0.78, 0.80)
TINT: Final = Color(0.945, 0.953, 0.953)
PALE: Final = Color(0.72, 0.83, 0.83)
DEEP: Final = Color(0.05, 0.30, 0.34)
PAPER: Final = Color(1, 1, 1)
NBSP: Final = "\N{NO-BREAK SPACE}"
_FINE_SPACE: Final = 0.17
"""Width of the space between thousands, in ems: Fira Sans has no narrow one."""


def bare_amount(cents: int) -> str:
    """'−1 234,50', for a column headed in euros."""
    return euros_fr(cents).removesuffix(f"{NBSP}€")


class Pages:
    """The pages of one PDF. The same drawing is the same bytes: no date and no random name go in."""

    def __init__(self, out: BinaryIO, *, title: str, author: str, subject: str) -> None:
        for name in (REGULAR, BOLD):
            fonts.font(name)
        self.canvas = Canvas(out, pagesize=A4, pageCompression=1, invariant=1, lang="fr-FR", initialFontName=REGULAR)
        self.canvas.setTitle(title)
        self.canvas.setAuthor(author)
        self.canvas.setSubject(subject)
        self.canvas.setCreator("vouchers")

    def turn(self) -> None:
        """End the page and begin the next."""
        self.canvas.showPage()

    def close(self) -> None:
        """Write the file out; `out` stays open."""
        self.canvas.save()

    def bookmark(self, key: str, title: str) -> None:
        """An entry in the reader's list of contents that leads to this page."""
        self.canvas.bookmarkPage(key)
        self.canvas.addOutlineEntry(fonts.printable(title), key)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 9,
        face: str = REGULAR,
        room: float = WIDTH,
        ink: Color = INK,
    ) -> float:
        """One line from `x`, smaller or cut when wider than `room`; answers where it ends."""
        line, size = _fitted(text, face, size, room)
        self._draw(x, y, line, face=face, size=size, ink=ink)
        return x + fonts.width(line, name=face, size=size)

    def right(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 9,
        face: str = REGULAR,
        room: float = WIDTH,
        ink: Color = INK,
    ) -> None:
        """One line that ends at `x`."""
        line, size = _fitted(text, face, size, room)
        self._draw(x - fonts.width(line, name=face, size=size), y, line, face=face, size=size, ink=ink)

    def paragraph(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float,
        lines: int,
        room: float,
        leading: float,
        ink: Color = INK,
    ) -> float:
        """Up to `lines` lines from `y` down; answers the baseline below the last."""
        rows, size = fonts.paragraph(text, name=REGULAR, sizes=(size, size - 0.5, size - 1), lines=lines, room=room)
        for row in rows:
            self._draw(x, y, row, face=REGULAR, size=size, ink=ink)
            y -= leading
        return y

    def figures(
        self, x: float, y: float, text: str, *, size: float = 9, face: str = REGULAR, ink: Color = INK
    ) -> float:
        """A figure that ends at `x`, digits of one width so that columns align; answers where it begins."""
        self.canvas.setFillColor(ink)
        drawn = self.canvas.beginText()
        drawn.setFont(face, size)
        begins = x
        for offset, char in _cells(text, face, size):
            drawn.setTextOrigin(x + offset, y)
            drawn.textOut(char)
            begins = min(begins, x + offset)
        self.canvas.drawText(drawn)
        return begins

    def rule(self, x: float, y: float, *, to: float, weight: float = 0.5, ink: Color = RULE) -> None:
        """A level line."""
        self.canvas.setStrokeColor(ink)
        self.canvas.setLineWidth(weight)
        self.canvas.line(x, y, to, y)

    def upright(self, x: float, y: float, *, to: float, weight: float = 0.5, ink: Color = RULE) -> None:
        """A line up from `y`."""
        self.canvas.setStrokeColor(ink)
        self.canvas.setLineWidth(weight)
        self.canvas.line(x, y, x, to)

    def block(self, x: float, y: float, *, width: float, height: float, ink: Color) -> None:
        """A filled rectangle, nothing when it has no width."""
        if width > 0 and height > 0:
            self.canvas.setFillColor(ink)
            self.canvas.rect(x, y, width, height, stroke=0, fill=1)

    def _draw(self, x: float, y: float, line: str, *, face: str, size: float, ink: Color) -> None:
        self.canvas.setFillColor(ink)
        self.canvas.setFont(face, size)
        self.canvas.drawString(x, y, line)


@functools.lru_cache(maxsize=2048)
def _fitted(text: str, face: str, size: float, room: float) -> tuple[str, float]:
    """Remembered, because a statement says the same few things on a thousand lines."""
    return fonts.fitted(text, name=face, size=size, least=min(size, 7), room=room)


@functools.lru_cache(maxsize=2048)
def _cells(text: str, face: str, size: float) -> tuple[tuple[float, str], ...]:
    """Each character with its place, counted back from where the figure ends."""
    digit = fonts.width("0", name=face, size=size)
    line = fonts.printable(text)
    places: list[tuple[float, str]] = []
    x = 0.0
    for index in range(len(line) - 1, -1, -1):
        char = line[index]
        own = fonts.width(char, name=face, size=size)
        between_digits = char == NBSP and index + 1 < len(line) and line[index + 1].isdigit()
        cell = digit if char.isdigit() else _FINE_SPACE * size if between_digits else own
        x -= cell
        places.append((x + (cell - own) / 2, char))
    return tuple(reversed(places))
