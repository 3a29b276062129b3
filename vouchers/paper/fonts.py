"""The one type family of everything we print, embedded in every PDF, and text that always fits its place.

Fira Sans (SIL Open Font License) was drawn for legibility and covers Latin, Greek and Cyrillic. It comes as TrueType
files in its own package on PyPI, so that paper looks the same on every machine and no system font is needed.

Sizes are points, widths are points.
"""

import functools
import re
import threading
import unicodedata
from collections.abc import Sequence
from importlib import resources
from typing import Final

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfdoc import PDFDocument
from reportlab.pdfbase.ttfonts import TTFont

REGULAR: Final = "Vouchers-Regular"
BOLD: Final = "Vouchers-Bold"
_loading: Final = threading.Lock()
"""Two first papers at once would register two fonts under one name."""
_FILES: Final = {REGULAR: "FiraSans-Regular.ttf", BOLD: "FiraSans-SemiBold.ttf"}
_PICTURES: Final = ("So", "Sk")
"""Unicode's other symbols, and what colours them."""
_STRAIGHT: Final = re.compile(r"(?<=[^\W\d_])'(?=[^\W\d_])")
"""A straight apostrophe between two letters."""
_CURVED: Final = "\N{RIGHT SINGLE QUOTATION MARK}"
_ADDRESS: Final = re.compile(r"@|://")
_ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"
_SIZE_STEP: Final = 0.25
_LONGEST_LINE: Final = 600
"""Characters looked at of any one text: far above what fits on paper, so that a hostile text costs nothing."""


class _Shared(TTFont):  # type: ignore[misc]  # reportlab says nothing of its types
    """A font that papers drawn at the same moment share.

    reportlab keeps in the font one place to read its file from, so that two papers written out at once take each other
    letters away: "you cannot use the same TTFont object for different documents at the same time" (its `TTFont`).
    """

    def __init__(self, name: str, file: str) -> None:
        super().__init__(name, file, shapable=False)
        self._writing = threading.Lock()

    def addObjects(self, doc: PDFDocument) -> None:  # noqa: N802  (reportlab's name)
        with self._writing:
            super().addObjects(doc)


@functools.cache
def font(name: str) -> TTFont:
    """The font, registered with reportlab under `name` (REGULAR or BOLD) the first time it is asked for."""
    with _loading:
        return _loaded(name)


@functools.cache
def _loaded(name: str) -> TTFont:
    path = resources.files("fontpkg_fira_sans") / "files" / _FILES[name]
    with resources.as_file(path) as file:
        loaded = _Shared(name, str(file))
    pdfmetrics.registerFont(loaded)
    return loaded


def width(text: str, *, name: str, size: float) -> float:
    """How wide `text` is, in points."""
    return float(font(name).stringWidth(text, size))


def printable(text: str) -> str:
    """`text` as one line of visible characters that the fonts have.

    Control, direction and other invisible characters become nothing or a space. A letter that the fonts lack becomes
    its base letter, else '?'; a picture (emoji) that they lack is left out, but a text of pictures alone is a '?'.
    Narrow and other special spaces become the no-break or plain space of the same meaning; plain ones one after the
    other become one. An apostrophe that was typed straight within a word is set curved, as in our own words, but for
    an e-mail or web address: one paper has one kind.
    """
    has = font(REGULAR).face.charToGlyph
    out: list[str] = []
    left_out = False
    for char in unicodedata.normalize("NFC", text[:_LONGEST_LINE]):
        kind = unicodedata.category(char)
        if char in "\N{NARROW NO-BREAK SPACE}\N{NO-BREAK SPACE}":
            out.append("\N{NO-BREAK SPACE}")
        elif kind[0] == "Z" or char in "\t\n\r\v\f":
            out.append(" ")
        elif kind[0] == "C" or (kind[0] == "M" and ord(char) not in has):
            continue
        elif ord(char) in has:
            out.append(char)
        else:
            base = unicodedata.normalize("NFKD", char)[0]
            if ord(base) in has and base.isprintable():
                out.append(base)
            elif kind in _PICTURES:
                out.append(" ")
                left_out = True
            else:
                out.append("?")
    words = filter(None, "".join(out).split(" "))
    line = " ".join(word if _ADDRESS.search(word) else _STRAIGHT.sub(_CURVED, word) for word in words).strip()
    return line or ("?" if left_out else "")


def fitted(text: str, *, name: str, size: float, least: float, room: float) -> tuple[str, float]:
    """`text` on one line no wider than `room`: at `size`, or smaller down to `least`, or else cut with an ellipsis."""
    line = printable(text)
    full = width(line, name=name, size=size)
    if full <= room:
        return line, size
    # Downward in whole steps, so that two names of nearly one length get one size.
    reduced = max(least, size * room / full // _SIZE_STEP * _SIZE_STEP)
    return _cut(line, name=name, size=reduced, room=room), reduced


def paragraph(text: str, *, name: str, sizes: Sequence[float], lines: int, room: float) -> tuple[list[str], float]:
    """`text` in at most `lines` lines no wider than `room`, at the first of `sizes` (largest first) that holds it.

    At the last size what is too long ends with an ellipsis; a single word wider than the room is cut too.
    """
    words = printable(text).split(" ")
    for size in sizes:
        rows = _wrapped(words, name=name, size=size, room=room)
        if len(rows) <= lines and all(width(row, name=name, size=size) <= room for row in rows):
            return rows, size
    kept = [*rows[: lines - 1], " ".join(rows[lines - 1 :])]
    return [_cut(row, name=name, size=size, room=room) for row in kept if row], size


def _wrapped(words: Sequence[str], *, name: str, size: float, room: float) -> list[str]:
    rows = [words[0]]
    for word in words[1:]:
        longer = f"{rows[-1]} {word}"
        if width(longer, name=name, size=size) <= room:
            rows[-1] = longer
        else:
            rows.append(word)
    return rows


def _cut(line: str, *, name: str, size: float, room: float) -> str:
    if width(line, name=name, size=size) <= room:
        return line
    while line and width(line + _ELLIPSIS, name=name, size=size) > room:
        line = line[:-1]
    return line.rstrip() + _ELLIPSIS
