"""The window of a DL envelope on a sheet folded in three, and a page to hold against one's own envelopes.

NF Z10-011 as printers publish it: a frame of 85 × 33 mm that begins 110 mm from the left edge and 55 mm from the top
of the sheet, six lines at most.
"""

import io
import textwrap
from collections.abc import Iterable, Sequence
from typing import Final

from vouchers.address_block import MOST_CHARS, MOST_LINES, Block, capitals, of_text, parted
from vouchers.paper.cheque import MM
from vouchers.paper.fonts import BOLD
from vouchers.paper.page import DEEP, HEIGHT, INK, LEFT, RIGHT, SOFT, Pages

WINDOW_LEFT: Final = 110 * MM
WINDOW_TOP: Final = HEIGHT - 55 * MM
WINDOW_WIDTH: Final = 85 * MM
WINDOW_HEIGHT: Final = 33 * MM
INSIDE: Final = 2.5 * MM
ADDRESS_SIZE: Final = 11.5
ADDRESS_LEADING: Final = 14.0
FOLDS: Final = (HEIGHT - 99 * MM, HEIGHT - 198 * MM)
_FULL: Final = (
    "Mme Marie-Thérèse LEFÈVRE-ŒUVRAY", "Appartement 12, escalier B", "Bâtiment Les Tilleuls",
    "145 BD DU MAL DE LATTRE DE TASSIGNY", "HAMEAU DE LA COUR NEUVE", "14170 SAINT PIERRE EN AUGE",
)  # fmt: skip


def draw_window(pages: Pages, address: Iterable[str]) -> None:
    """The lines of an address, from the top of the window down; at most six."""
    y = WINDOW_TOP - INSIDE - ADDRESS_SIZE
    for number, line in enumerate(address):
        face = {"face": BOLD} if number == 0 else {}
        pages.text(WINDOW_LEFT + INSIDE, y, line, size=ADDRESS_SIZE, room=WINDOW_WIDTH - 2 * INSIDE, **face)
        y -= ADDRESS_LEADING


def firm_lines(name: str, *, shop: str = "", address: Sequence[str]) -> tuple[str, ...]:
    """The lines of a firm or a town hall: its name, that of its shop where it has another, and its address.

    The address as NF Z10-011 has it where it fits, else as it was given, its upper lines run together and the town in
    capitals. A name longer than a line goes on in the next; where all does not fit, the shop's name is left out, then
    the rest of the firm's runs on in its last line.
    """
    above, postcode, town = parted(address)
    names = textwrap.wrap(name, MOST_CHARS) or [""]
    found = of_text(
        civility=None, first_name=None, last_name=names[0], address="\n".join(above), postcode=postcode, town=town
    )
    place = (capitals(f"{postcode} {town}"),) if town else ()
    rest = found.lines[1:] if isinstance(found, Block) else (*above, *place)
    while len(rest) >= MOST_LINES:
        rest = (f"{rest[0]}, {rest[1]}", *rest[2:])
    most = MOST_LINES - len(rest)
    called = textwrap.wrap(shop, MOST_CHARS) if shop != name else []
    if len(names) + len(called) <= most:
        names += called
    elif len(names) > most:
        names = [*names[: most - 1], " ".join(names[most - 1 :])]
    return (*names, *rest)


def frame_page() -> bytes:
    """One page with the window's frame drawn, six lines in it and the folds: to be printed once and tried."""
    out = io.BytesIO()
    pages = Pages(out, title="Page d’essai pour enveloppes à fenêtre", author="", subject="NF Z10-011")
    pages.text(LEFT, HEIGHT - 22 * MM, "Page d’essai pour enveloppes à fenêtre", size=18, face=BOLD, ink=DEEP)
    canvas = pages.canvas
    canvas.setStrokeColor(INK)
    canvas.setLineWidth(0.8)
    canvas.rect(WINDOW_LEFT, WINDOW_TOP - WINDOW_HEIGHT, WINDOW_WIDTH, WINDOW_HEIGHT)
    draw_window(pages, _FULL)
    pages.text(WINDOW_LEFT, WINDOW_TOP + 5, "85 × 33 mm, à 110 mm de la gauche et 55 mm du haut", size=8, ink=SOFT)
    canvas.setDash(2, 3)
    for y in FOLDS:
        canvas.line(0, y, LEFT - 8, y)
        canvas.line(RIGHT + 8, y, RIGHT + LEFT, y)
    canvas.setDash()
    y = HEIGHT - 112 * MM
    for step in (
        "1. Imprimez cette page en taille réelle (100 %), sur une face.",
        "2. Pliez-la en trois sur les traits des bords.",
        "3. Glissez-la dans une de vos enveloppes à fenêtre et secouez-la.",
        "4. Les six lignes doivent rester visibles, et rien d’autre.",
    ):
        pages.text(LEFT, y, step, size=14, room=RIGHT - LEFT)
        y -= 24
    pages.turn()
    pages.close()
    return out.getvalue()
