"""What an order would cost, and what was ordered: one A4 page for whoever signs for the money.

Not an invoice: it carries no number of an invoice's series, and says so. The face value of vouchers is out of the
scope of VAT (art. 256 ter CGI: VAT falls due when a multi-purpose voucher is spent); the fee is a service and bears it.
"""

import io
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from vouchers.clock import day_fr
from vouchers.identity import siret_fr
from vouchers.money import euros_fr, face_value_fr, percent_fr
from vouchers.paper.fonts import BOLD
from vouchers.paper.page import (
    DEEP,
    HEIGHT,
    LEFT,
    PAPER,
    RIGHT,
    RULE,
    SOFT,
    TINT,
    Pages,
)
from vouchers.paper.statement import Party
from vouchers.paper.window import draw_window, firm_lines

Kind = Literal["quote", "order"]
NOT_AN_INVOICE: Final = "Ce document n’est pas une facture."
_TITLES: Final[dict[Kind, str]] = {"quote": "Devis", "order": "Bon de commande"}
_ROW: Final = 19.0
_TABLE_FOOT: Final = 343.0
"""What stands below the table needs the page down to the signature: many lines stand closer."""
_MOST_LINES: Final = 14
"""Lines on the page; an order has as many as it has face values."""


class QuoteDoesNotAdd(ValueError):
    """The total is not the sum of the lines, the fee and its VAT: nothing is printed."""


@dataclass(frozen=True, slots=True)
class Quote:
    """One order. `lines`: (face value in cents, how many); `fee_cents` before VAT; `iban`: where the buyer pays to.

    `expires_on`: the last day on which the vouchers can be spent. Raises `QuoteDoesNotAdd`.
    """

    kind: Kind
    number: int
    made_on: date
    programme_name: str
    issuer: Party
    buyer: Party
    lines: tuple[tuple[int, int], ...]
    fee_cents: int
    vat_bp: int
    fee_vat_cents: int
    total_cents: int
    rf_reference: str
    expires_on: date
    account_holder: str | None = None
    iban: str | None = None
    purchase_order: str | None = None

    def __post_init__(self) -> None:
        due = self.face_cents + self.fee_cents + self.fee_vat_cents
        if due != self.total_cents:
            raise QuoteDoesNotAdd(f"order {self.number}: the parts make {due} cents, not {self.total_cents}")

    @property
    def face_cents(self) -> int:
        """Face value in all."""
        return sum(face_cents * count for face_cents, count in self.lines)


def quote_pdf(quote: Quote) -> bytes:
    """The page, the same bytes for the same order."""
    out = io.BytesIO()
    title = f"{_TITLES[quote.kind]} n° {quote.number}"
    pages = Pages(out, title=title, author=quote.issuer.name, subject=NOT_AN_INVOICE)
    _Page(pages, quote).draw(title)
    pages.turn()
    pages.close()
    return out.getvalue()


class _Page:
    def __init__(self, pages: Pages, quote: Quote) -> None:
        self.pages, self.quote = pages, quote

    def draw(self, title: str) -> None:
        self._parties(title)
        y = self._table(HEIGHT - 304)
        y = self._sums(y - 6)
        self._to_pay(y - 34)
        self._signature()
        self._foot()

    def _parties(self, title: str) -> None:
        pages, quote = self.pages, self.quote
        y = self._issuer(HEIGHT - 56)
        pages.right(RIGHT, HEIGHT - 60, title, size=20, face=BOLD, ink=DEEP)
        pages.right(RIGHT, HEIGHT - 76, f"du {day_fr(quote.made_on)}", size=11)
        draw_window(pages, firm_lines(quote.buyer.name, address=quote.buyer.address))
        y = min(y, HEIGHT - 146) - 24
        facts = [("Dispositif", quote.programme_name), ("Chèques valables", f"jusqu’au {day_fr(quote.expires_on)}")]
        facts.append(("Votre référence", quote.purchase_order or "à compléter"))
        if quote.buyer.siret:
            facts.append(("Votre SIRET", siret_fr(quote.buyer.siret)))
        for name, value in facts:
            pages.text(LEFT, y, name, size=8.5, ink=SOFT)
            pages.text(LEFT + 84, y, value, size=9.5, room=170)
            y -= 15
        pages.text(LEFT, HEIGHT - 274, NOT_AN_INVOICE, size=9, face=BOLD)

    def _issuer(self, y: float) -> float:
        issuer = self.quote.issuer
        self.pages.text(LEFT, y, issuer.name, size=11, face=BOLD, room=230)
        for row in (*issuer.address, f"SIRET {siret_fr(issuer.siret)}" if issuer.siret else ""):
            if row:
                y -= 12.5
                self.pages.text(LEFT, y, row, size=9, room=230, ink=SOFT)
        return y

    def _table(self, y: float) -> float:
        pages = self.pages
        pages.text(LEFT, y, "Désignation", size=8, face=BOLD, ink=SOFT)
        for x, name in ((RIGHT - 190, "Quantité"), (RIGHT - 90, "Valeur unitaire"), (RIGHT, "Montant")):
            pages.right(x, y, name, size=8, face=BOLD, ink=SOFT)
        pages.rule(LEFT, y - 6, to=RIGHT, weight=1, ink=DEEP)
        y -= _ROW + 2
        lines = self._lines()
        row = min(_ROW, (y - _TABLE_FOOT) / max(len(lines), 1))
        size = min(10, row * 0.74)
        for face_cents, count in lines:
            pages.text(LEFT, y, f"Chèques cadeaux de {face_value_fr(face_cents)}", size=size, room=270)
            pages.figures(RIGHT - 190, y, f"{count:,}".replace(",", "\N{NO-BREAK SPACE}"), size=size)
            pages.figures(RIGHT - 90, y, euros_fr(face_cents), size=size)
            pages.figures(RIGHT, y, euros_fr(face_cents * count), size=size)
            pages.rule(LEFT, y - row * 0.3, to=RIGHT, weight=0.3)
            y -= row
        return y

    def _lines(self) -> list[tuple[int, int]]:
        summed: dict[int, int] = {}
        for face_cents, count in self.quote.lines:
            summed[face_cents] = summed.get(face_cents, 0) + count
        lines = sorted(summed.items())
        if len(lines) > _MOST_LINES:
            raise QuoteDoesNotAdd(f"order {self.quote.number}: more than {_MOST_LINES} face values on one page")
        return lines

    def _sums(self, y: float) -> float:
        pages, quote = self.pages, self.quote
        rows = [("Valeur faciale, hors champ de la TVA", quote.face_cents)]
        rows.append(("Frais de gestion HT", quote.fee_cents))
        rows.append((f"TVA {percent_fr(quote.vat_bp)} sur les frais", quote.fee_vat_cents))
        for name, cents in rows:
            pages.right(RIGHT - 110, y, name, size=9.5)
            pages.figures(RIGHT, y, euros_fr(cents), size=9.5)
            y -= 15
        total = "Total TTC à payer" if quote.fee_vat_cents else "Total à payer"
        pages.block(RIGHT - 250, y - 18, width=250, height=28, ink=DEEP)
        pages.right(RIGHT - 118, y - 8, total, size=11, face=BOLD, ink=PAPER)
        pages.figures(RIGHT - 8, y - 8, euros_fr(quote.total_cents), size=13, face=BOLD, ink=PAPER)
        return y - 18

    def _to_pay(self, y: float) -> None:
        pages, quote = self.pages, self.quote
        pages.block(LEFT, y - 58, width=RIGHT - LEFT, height=72, ink=TINT)
        pages.text(LEFT + 12, y, "Pour payer par virement", size=10, face=BOLD)
        rows = [("Référence à indiquer", _grouped(quote.rf_reference))]
        rows.append(("IBAN", _grouped(quote.iban) if quote.iban else "communiqué avec la facture"))
        rows.append(("Titulaire", quote.account_holder or quote.issuer.name))
        for name, value in rows:
            y -= 15
            pages.text(LEFT + 12, y, name, size=9, ink=SOFT)
            pages.text(LEFT + 130, y, value, size=10, room=RIGHT - LEFT - 142)

    def _signature(self) -> None:
        pages = self.pages
        agreed = "Bon pour accord" if self.quote.kind == "quote" else "Bon pour commande"
        pages.text(312, 168, f"{agreed}, date, nom, qualité et signature :", size=9)
        pages.canvas.setStrokeColor(RULE)
        pages.canvas.rect(312, 84, RIGHT - 312, 76, stroke=1, fill=0)

    def _foot(self) -> None:
        pages, quote = self.pages, self.quote
        pages.rule(LEFT, 50, to=RIGHT)
        said = f"{NOT_AN_INVOICE} Les chèques sont émis après paiement, ou contre un bon de commande signé."
        pages.text(LEFT, 38, said, size=8)
        pages.text(LEFT, 27.5, quote.issuer.name, size=7.5, ink=SOFT, room=360)


def _grouped(text: str) -> str:
    """By fours, as such references and IBANs are read aloud."""
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))
