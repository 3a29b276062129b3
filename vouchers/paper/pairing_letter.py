"""The letter that makes a phone the till of a shop: one page, a code to scan, and the same code to type.

It is as good as a key until it was used or has run out, and says so. The same letter is the same bytes.
"""

import io
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from vouchers.clock import moment_fr
from vouchers.codes import pairing_text
from vouchers.paper import qr
from vouchers.paper.cheque import MM
from vouchers.paper.fonts import BOLD
from vouchers.paper.page import DEEP, HEIGHT, INK, LEFT, RIGHT, RULE, SOFT, TINT, WIDTH, Pages
from vouchers.paper.window import draw_window, firm_lines

_QR_SIDE: Final = 62 * MM
_RUN: Final = re.compile(rb"\x00+")


@dataclass(frozen=True, slots=True)
class PairingLetter:
    """What it says. `code` is told to nobody else; `address` in lines, may be none."""

    programme_name: str
    issuer_name: str
    shop_name: str
    legal_name: str
    address: tuple[str, ...]
    host: str
    code: str
    expires_at: datetime
    made_at: datetime


class Drawing(NamedTuple):
    """A code as one SVG path, a module being one unit; `side` counts the quiet zone."""

    side: int
    path: str


def shown_code(code: str) -> str:
    """As people read and type it: 'ABCDE 23456'."""
    return f"{code[:5]} {code[5:]}"


def drawing(host: str, code: str) -> Drawing:
    """The code of the letter for a screen."""
    made = qr.modules(pairing_text(host, code))
    pitch = made.side + 2 * qr.QUIET_MODULES
    runs = (run.span() for run in _RUN.finditer(made.square))
    parts = (f"M{begin % pitch} {begin // pitch}h{end - begin}v1h-{end - begin}z" for begin, end in runs)
    return Drawing(pitch, "".join(parts))


def pairing_letter(letter: PairingLetter) -> bytes:
    """One A4 page."""
    out = io.BytesIO()
    pages = Pages(out, title="Mettre en service la caisse", author=letter.issuer_name, subject=letter.shop_name)
    _head(pages, letter)
    _steps(pages)
    _code(pages, letter)
    _warning(pages, letter)
    pages.turn()
    pages.close()
    return out.getvalue()


def _head(pages: Pages, letter: PairingLetter) -> None:
    pages.text(LEFT, HEIGHT - 56, letter.issuer_name, size=11, face=BOLD, room=230)
    pages.text(LEFT, HEIGHT - 70, letter.programme_name, size=9.5, room=230, ink=SOFT)
    draw_window(pages, firm_lines(letter.legal_name, shop=letter.shop_name, address=letter.address))
    pages.text(LEFT, HEIGHT - 284, "Mettre en service votre caisse", size=22, face=BOLD, ink=DEEP)
    says = "Un téléphone ordinaire suffit : il lit les chèques et vous dit tout de suite s'ils sont bons."
    pages.paragraph(LEFT, HEIGHT - 305, says, size=11.5, lines=2, room=RIGHT - LEFT, leading=15.5)


_STEPS: Final = (
    ("Visez ce code avec l'appareil photo du téléphone", "La page de la caisse s'ouvre. Il n'y a rien à installer."),
    ("Donnez un nom à la caisse", "Par exemple « Comptoir ». Plusieurs téléphones : une lettre pour chacun."),
    ("Essayez avec un chèque d'entraînement", "Dans la caisse : Menu, puis Entraînement. Rien n'est encaissé."),
)


def _steps(pages: Pages) -> None:
    y = HEIGHT - 358
    room = RIGHT - LEFT - _QR_SIDE - 54
    for number, (title, more) in enumerate(_STEPS, start=1):
        pages.text(LEFT, y, f"{number}.", size=14, face=BOLD, ink=DEEP)
        y = pages.paragraph(LEFT + 24, y, title, size=13, lines=2, room=room, leading=17)
        y = pages.paragraph(LEFT + 24, y - 1, more, size=10.5, lines=4, room=room, leading=14, ink=SOFT) - 14


def _code(pages: Pages, letter: PairingLetter) -> None:
    x, y = RIGHT - _QR_SIDE - 12, HEIGHT - 344 - _QR_SIDE
    drawn = qr.modules(pairing_text(letter.host, letter.code))
    unit = _QR_SIDE / drawn.side
    pages.canvas.saveState()
    pages.canvas.setFillColor(INK)
    pages.canvas.translate(x, y)
    pages.canvas.scale(unit, unit)
    pages.canvas._code.append(qr.pdf_path(drawn).decode("ascii").rstrip())
    pages.canvas.restoreState()
    top = 222.0
    pages.block(LEFT, top, width=RIGHT - LEFT, height=74, ink=TINT)
    pages.text(LEFT + 16, top + 52, "Sans appareil photo, ouvrez cette page puis tapez le code :", size=10.5, ink=SOFT)
    pages.text(LEFT + 16, top + 19, f"https://{letter.host.lower()}/till/", size=15, face=BOLD, room=270)
    pages.right(RIGHT - 16, top + 17, shown_code(letter.code), size=24, face=BOLD)


def _warning(pages: Pages, letter: PairingLetter) -> None:
    says = (
        f"Ce code sert une seule fois, jusqu'au {moment_fr(letter.expires_at)}. Jusque-là, gardez cette lettre comme"
        " une clé : qui la lit peut ouvrir une caisse à votre nom. Perdue, ou reçue déjà ouverte ? Prévenez"
        f" {letter.issuer_name}, qui annulera la caisse et fera une autre lettre."
    )
    pages.rule(LEFT, 188, to=RIGHT, weight=1, ink=RULE)
    pages.paragraph(LEFT, 168, says, size=11, lines=5, room=RIGHT - LEFT, leading=15)
    pages.text(LEFT, 40, f"Fait le {moment_fr(letter.made_at)}", size=8, ink=SOFT, room=WIDTH / 2)
