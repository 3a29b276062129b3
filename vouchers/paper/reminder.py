"""A letter to each person who still has vouchers to spend (lettre de relance), one page a person, in large type.

The address stands in the window of a DL envelope (`window.py`). Body text is 16 points. Values only; nothing here
knows where anything was spent.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO, Final

from vouchers.clock import day_fr
from vouchers.money import euros_fr
from vouchers.paper.cheque import MM
from vouchers.paper.fonts import BOLD
from vouchers.paper.page import DEEP, HEIGHT, INK, LEFT, NBSP, RIGHT, SOFT, Pages
from vouchers.paper.window import WINDOW_HEIGHT, WINDOW_LEFT, WINDOW_TOP, draw_window

_SENDER_LINES: Final = 6
_BODY: Final = 16.0
_LEADING: Final = 23.0


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes, and about what: the same on every letter. `shops` is an address of the web without 'https://'."""

    buyer: str
    buyer_address: tuple[str, ...]
    programme: str
    shops: str
    written_on: date


@dataclass(frozen=True, slots=True)
class Letter:
    """One person: the lines of their address, how they are spoken to, and what is left in `vouchers` of theirs."""

    address: tuple[str, ...]
    called: str
    vouchers: int
    cents: int
    last_on: date


def write_reminders(out: BinaryIO, *, sender: Sender, letters: Iterable[Letter]) -> int:
    """The letters one after another into one PDF; gives how many."""
    pages = Pages(out, title=f"Relances, {sender.programme}", author=sender.buyer, subject="Chèques à dépenser")
    count = 0
    for letter in letters:
        _draw(pages, sender, letter)
        pages.turn()
        count += 1
    pages.close()
    return count


def _draw(pages: Pages, sender: Sender, letter: Letter) -> None:
    y = HEIGHT - 22 * MM
    pages.text(LEFT, y, sender.buyer, size=13, face=BOLD, ink=DEEP, room=WINDOW_LEFT - LEFT - 20)
    for line in sender.buyer_address[:_SENDER_LINES]:
        y -= 14
        pages.text(LEFT, y, line, size=10.5, ink=SOFT, room=WINDOW_LEFT - LEFT - 20)
    draw_window(pages, letter.address)
    y = WINDOW_TOP - WINDOW_HEIGHT - 34
    pages.right(RIGHT, y, f"Le {day_fr(sender.written_on)}", size=12, ink=SOFT)
    y -= 44
    several = letter.vouchers > 1
    left = "des chèques cadeaux" if several else "un chèque cadeau"
    pages.text(LEFT, y, f"Il vous reste {left} à dépenser", size=20, face=BOLD, room=RIGHT - LEFT)
    y = pages.paragraph(LEFT, y - 40, f"{letter.called},", size=_BODY, lines=2, room=RIGHT - LEFT, leading=_LEADING)
    held = f"{letter.vouchers} chèques" if several else "un chèque"
    y = _block(pages, y - 6, f"Vous avez encore {held} «{NBSP}{sender.programme}{NBSP}» à dépenser :")
    pages.block(LEFT, y - 46, width=4, height=54, ink=DEEP)
    pages.text(LEFT + 18, y - 14, euros_fr(letter.cents), size=30, face=BOLD)
    pages.text(LEFT + 18, y - 40, f"jusqu’au {day_fr(letter.last_on)} inclus", size=_BODY, face=BOLD)
    y -= 84
    y = _block(
        pages,
        y,
        f"Après ce jour, les commerçants ne pourront plus {'les ' if several else 'l’'}accepter. Présentez simplement"
        " le chèque à la caisse.",
    )
    y = _block(pages, y - 8, "La liste des commerces se trouve à l’adresse :")
    pages.text(LEFT, y, sender.shops, size=_BODY, face=BOLD, ink=DEEP, room=RIGHT - LEFT)
    y = _block(
        pages,
        y - 38,
        "Un chèque perdu ou abîmé ? Venez nous voir ou appelez-nous : nous le bloquerons et vous en aurez un autre.",
    )
    spent = "les avez dépensés" if several else "l’avez dépensé"
    _block(pages, y - 8, f"Si vous {spent} entre-temps, ne tenez pas compte de cette lettre.")
    pages.right(RIGHT, 64, sender.buyer, size=13, face=BOLD, room=RIGHT - LEFT)


def _block(pages: Pages, y: float, text: str) -> float:
    return pages.paragraph(LEFT, y, text, size=_BODY, lines=6, room=RIGHT - LEFT, leading=_LEADING, ink=INK)
