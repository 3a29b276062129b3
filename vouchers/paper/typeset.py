"""Words of any person set as PDF operators, in fonts embedded once, on pages that are written one by one.

A reportlab canvas learns the letters of a font as it draws, and writes the font last; pages that leave one by one need
them all beforehand. So every letter that Fira Sans has goes in: some 160 kB a file, for names in any spelling.
"""

from dataclasses import dataclass
from typing import Final

from reportlab.pdfgen.canvas import Canvas

from vouchers.paper import fonts

GREY: Final = b"0.35 g\n"
BLACK: Final = b"0 g\n"


@dataclass(frozen=True, slots=True)
class Type:
    """One embedded font: the resource and the byte by which each letter is said, and its width at 1 pt."""

    name: str
    said: dict[str, tuple[str, int]]
    width_of: dict[str, float]

    def width(self, words: str, *, size: float) -> float:
        """In points. `words` as `fonts.printable` gives them."""
        return size * sum(map(self.width_of.__getitem__, words))

    def show(self, words: str, *, size: float, x: float, y: float) -> bytes:
        """PDF operators that say `words` from (x, y) on. In hex: nothing in them can be taken for an operator."""
        parts: list[tuple[str, bytearray]] = []
        for resource, byte in map(self.said.__getitem__, words):
            if not parts or parts[-1][0] != resource:
                parts.append((resource, bytearray()))
            parts[-1][1].append(byte)
        shown = " ".join(f"{resource} {size:g} Tf <{coded.hex()}> Tj" for resource, coded in parts)
        return f"BT {x:.2f} {y:.2f} Td {shown} ET\n".encode()

    def show_left(self, words: str, *, size: float, x: float, y: float, room: float, least: float = 8) -> bytes:
        """The same of any text, set smaller down to `least`, then cut, where it is wider than `room`."""
        line, fitting = fonts.fitted(words, name=self.name, size=size, least=least, room=room)
        return self.show(line, size=fitting, x=x, y=y)

    def show_right(self, words: str, *, size: float, x: float, y: float, room: float) -> bytes:
        """The same, ending at `x`."""
        line, fitting = fonts.fitted(words, name=self.name, size=size, least=8, room=room)
        return self.show(line, size=fitting, x=x - self.width(line, size=fitting), y=y)


def type_of(canvas: Canvas, name: str) -> Type:
    """The font `name` as `canvas` will embed it, whole."""
    font, document = fonts.font(name), canvas._doc
    said: dict[str, tuple[str, int]] = {}
    width_of: dict[str, float] = {}
    for point in sorted(font.face.charToGlyph):
        letter = chr(point)
        if not letter.isprintable() and letter != "\N{NO-BREAK SPACE}":
            continue
        ((subset, coded),) = font.splitString(letter, document)
        said[letter] = font.getSubsetInternalName(subset, document), coded[0]
        width_of[letter] = fonts.width(letter, name=name, size=1)
    return Type(name, said, width_of)
