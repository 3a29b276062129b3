"""The pages of an invoice or a credit note that people read: A4, sober, whole on a grey printer.

The buyer stands in the window of a DL envelope (`window`). Lines flow over as many pages as
they need, with the sum carried; the account, the payment and the legal sentences stay together on the last. What is
printed is what the XML inside says.
"""

import io
import re
from dataclasses import dataclass
from typing import Final

from vouchers.clock import day_fr
from vouchers.identity import siret_fr
from vouchers.money import euros_fr, percent_fr
from vouchers.paper import fonts, qr
from vouchers.paper.epc_qr import epc_text
from vouchers.paper.fonts import BOLD, REGULAR
from vouchers.paper.invoice import Invoice, Kind, Line
from vouchers.paper.page import (
    DEEP,
    HEIGHT,
    INK,
    LEFT,
    NBSP,
    PAPER,
    RIGHT,
    SOFT,
    TINT,
    Pages,
    bare_amount,
)
from vouchers.paper.window import ADDRESS_LEADING, ADDRESS_SIZE, INSIDE, WINDOW_LEFT, WINDOW_TOP, WINDOW_WIDTH

_SUBJECTS: Final[dict[Kind, str]] = {
    "face_value": "Chèques cadeaux à leur valeur faciale, hors du champ de la TVA",
    "fee": "Frais de gestion des chèques cadeaux",
    "face_value_and_fee": "Chèques cadeaux à leur valeur faciale, hors du champ de la TVA, et frais de gestion",
    "commission": "Commission sur les chèques cadeaux remboursés",
}
_CATEGORIES: Final[dict[Kind, str]] = {
    "fee": "Catégorie de l’opération : prestation de services.",
    "face_value_and_fee": "Catégorie de l’opération, pour les frais de gestion : prestation de services.",
    "commission": "Catégorie de l’opération : prestation de services.",
}
"""What the law wants said of what is sold. A multi-purpose voucher at face value is neither goods nor a service yet.

Source: décret n° 2022-1299 du 7 octobre 2022; CGI annexe II, article 242 nonies A.
"""
_LABEL_ROOM: Final = 236.0
_QUANTITY, _UNIT, _RATE, _AMOUNT = RIGHT - 212, RIGHT - 134, RIGHT - 80, RIGHT - 10
_LEADING: Final = 12.0
_ROW: Final = 7.0
"""What a row of the table takes beside its lines of text."""
_MOST_LABEL_ROWS: Final = 9
_WINDOW_ROWS: Final = 6
_TOP_NEXT: Final = HEIGHT - 92
_BOTTOM: Final = 70.0
_CARRIED: Final = 19.0
_QR_SIDE: Final = 84.0
_FINE: Final = 8.0
_FINE_LEADING: Final = 10.5
_ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"
_PARTED: Final = re.compile(r"(?<=[0-9]) (?=[0-9]{3}\b)|(?<=n°) (?=\S)|(?<=[0-9]) (?=[€%])")


def title_of(invoice: Invoice) -> str:
    """'Facture n° F-2026-0001', 'Avoir n° …'."""
    return f"{_name(invoice)} n°{NBSP}{invoice.number}"


def invoice_sheet(invoice: Invoice) -> bytes:
    """The pages alone, the same bytes for the same invoice."""
    out = io.BytesIO()
    pages = Pages(out, title=title_of(invoice), author=invoice.seller.name, subject=_SUBJECTS[invoice.kind])
    _Sheet(pages, invoice).draw()
    pages.close()
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class _Row:
    """A line with its label broken into rows."""

    line: Line
    label: list[str]

    @property
    def height(self) -> float:
        return len(self.label) * _LEADING + _ROW


class _Sheet:
    def __init__(self, pages: Pages, invoice: Invoice) -> None:
        self.pages, self.invoice = pages, invoice
        self.rows = [_Row(line, _broken(line.label, size=9.5, room=_LABEL_ROOM, most=_MOST_LABEL_ROWS)) for line in
                     invoice.lines]  # fmt: skip
        self.fine = [row for text in _sentences(invoice) for row in _broken(text, size=_FINE, room=RIGHT - LEFT)]

    def draw(self) -> None:
        y = self._letterhead()
        top = y
        split = self._split(first=top - _BOTTOM - _CARRIED, later=_TOP_NEXT - _BOTTOM - _CARRIED)
        carried = 0
        for number, rows in enumerate(split, start=1):
            if number > 1:
                self.pages.turn()
                y = self._short_head()
            y = self._table_head(y)
            if number > 1:
                y = self._carried(y, "Report de la page précédente", carried)
            for row in rows:
                y = self._row(y, row)
                carried += row.line.cents
            if number < len(split):
                self._carried(y, "À reporter", carried)
            self._foot(number, len(split))
        self._closing(y)
        self.pages.turn()

    def _split(self, *, first: float, later: float) -> list[list[_Row]]:
        """The rows of each page; the last leaves room for the closing and, where it can, has rows of its own."""
        pages: list[list[_Row]] = [[]]
        room = first - _CARRIED
        for row in self.rows:
            if row.height > room:
                pages.append([])
                room = later - 2 * _CARRIED
            pages[-1].append(row)
            room -= row.height
        if room < self._closing_height() - _CARRIED:
            last = pages[-1]
            kept = min(3, len(last) - 1)
            pages[-1:] = [last[:-kept], last[-kept:]] if kept else [last, []]
        return pages

    def _letterhead(self) -> float:
        pages, invoice = self.pages, self.invoice
        seller = invoice.seller
        y = HEIGHT - 56
        name, size = fonts.paragraph(seller.name, name=BOLD, sizes=(12, 11, 10), lines=3, room=_LABEL_ROOM)
        for row in name:
            pages.text(LEFT, y, row, size=size, face=BOLD, ink=DEEP)
            y -= 14
        vat = f"N° TVA {seller.vat_id}" if seller.vat_id and invoice.kind != "face_value" else ""
        for text in (*seller.address.printed, _siret(seller.siret), vat, seller.about):
            for row in _broken(text, size=8.5, room=_LABEL_ROOM, most=2):
                pages.text(LEFT, y, row, size=8.5, ink=SOFT)
                y -= 11
        pages.right(RIGHT, HEIGHT - 62, _name(invoice).upper(), size=24, face=BOLD, ink=DEEP)
        pages.right(RIGHT, HEIGHT - 80, f"n° {invoice.number}", size=12, face=BOLD, room=230)
        pages.right(RIGHT, HEIGHT - 95, f"du {day_fr(invoice.issued_on)}", size=10.5)
        if invoice.credit_of:
            before = f"sur la facture n° {invoice.credit_of.number} du {day_fr(invoice.credit_of.issued_on)}"
            pages.right(RIGHT, HEIGHT - 110, before, size=9.5, room=280)
        names = self._window()
        y = min(self._facts(min(y - 12, WINDOW_TOP - 8)), WINDOW_TOP - 110) - 20
        for row in _broken(_SUBJECTS[invoice.kind], size=12.5, room=RIGHT - LEFT, most=2, face=BOLD):
            pages.text(LEFT, y, row, size=12.5, face=BOLD)
            y -= 16
        # The law wants the buyer's whole name, which the window may have no room for.
        whole = f"Client : {invoice.buyer.name}" if names[-1].endswith(_ELLIPSIS) else ""
        for row in [
            *_broken(whole, size=9.5, room=RIGHT - LEFT),
            *_broken(invoice.reason, size=9.5, room=RIGHT - LEFT),
        ]:
            pages.text(LEFT, y, row, size=9.5)
            y -= _LEADING
        return y - 12

    def _window(self) -> list[str]:
        """The buyer as the post reads it; answers the rows of the name."""
        buyer, room = self.invoice.buyer, WINDOW_WIDTH - 2 * INSIDE
        address = list(buyer.address.printed)
        most = max(2, _WINDOW_ROWS - len(address))
        name, size = fonts.paragraph(buyer.name, name=BOLD, sizes=(ADDRESS_SIZE, 10.5, 9), lines=most, room=room)
        kept = _WINDOW_ROWS - len(name)
        if len(address) > kept:
            # The post reads from below: the town stays alone.
            address = [*address[: kept - 2], " ".join(address[kept - 2 : -1]), address[-1]]
        y = WINDOW_TOP - INSIDE - ADDRESS_SIZE
        for row in name:
            self.pages.text(WINDOW_LEFT + INSIDE, y, row, size=size, face=BOLD, room=room)
            y -= ADDRESS_LEADING
        for row in address:
            self.pages.text(WINDOW_LEFT + INSIDE, y, row, size=ADDRESS_SIZE, room=room)
            y -= ADDRESS_LEADING
        return name

    def _facts(self, y: float) -> float:
        """What the buyer looks for, beside the window. Answers where it ends."""
        invoice, pages = self.invoice, self.pages
        cited, buyer = invoice.references, invoice.buyer
        begins, ends = cited.period or (None, None)
        facts = (
            ("Dispositif", invoice.programme),
            ("Commande", f"n° {cited.order_number}" if cited.order_number else None),
            ("Livraison", f"le {day_fr(cited.delivered_on)}" if cited.delivered_on else None),
            ("Période", f"du {begins:%d/%m/%Y} au {ends:%d/%m/%Y}" if begins and ends else None),
            ("Code service", cited.service_code),
            ("N° d’engagement", cited.purchase_order),
            ("N° de marché", cited.market),
            ("Votre SIRET", _siret(buyer.siret).removeprefix("SIRET ") if buyer.siret else None),
            ("Votre n° TVA", buyer.vat_id if invoice.kind != "face_value" else None),
        )
        for name, value in facts:
            if value:
                pages.text(LEFT, y, name, size=8.5, ink=SOFT)
                pages.text(LEFT + 80, y, value, size=9, room=WINDOW_LEFT - LEFT - 92)
                y -= 13.5
        return y

    def _short_head(self) -> float:
        pages, invoice = self.pages, self.invoice
        title = f"{title_of(invoice)} du {day_fr(invoice.issued_on)}"
        pages.text(LEFT, HEIGHT - 52, title, size=11, face=BOLD, ink=DEEP, room=300)
        pages.right(RIGHT, HEIGHT - 52, invoice.buyer.name, size=9, room=190)
        pages.text(LEFT, HEIGHT - 65, invoice.seller.name, size=8.5, ink=SOFT, room=300)
        return _TOP_NEXT

    def _table_head(self, y: float) -> float:
        pages, taxed = self.pages, self.invoice.kind != "face_value"
        net = " HT" if self.invoice.kind in {"fee", "commission"} else ""
        pages.text(LEFT, y, "Désignation", size=8, face=BOLD, ink=SOFT)
        pages.right(_QUANTITY, y, "Quantité", size=8, face=BOLD, ink=SOFT)
        pages.right(_UNIT, y, f"{'Prix' if taxed else 'Valeur'} unitaire{net}", size=8, face=BOLD, ink=SOFT)
        pages.right(_RATE, y, "TVA", size=8, face=BOLD, ink=SOFT)
        pages.right(_AMOUNT, y, f"Montant{net} (€)", size=8, face=BOLD, ink=SOFT)
        pages.rule(LEFT, y - 6, to=RIGHT, weight=1, ink=DEEP)
        return y - 19

    def _row(self, y: float, row: _Row) -> float:
        pages, line = self.pages, row.line
        pages.figures(_QUANTITY, y, f"{line.quantity:,}".replace(",", NBSP), size=9.5)
        pages.figures(_UNIT, y, bare_amount(line.unit_cents), size=9.5)
        rate = "hors champ" if line.vat_bp is None else percent_fr(line.vat_bp)
        pages.right(_RATE, y, rate, size=9 if line.vat_bp else 8)
        pages.figures(_AMOUNT, y, bare_amount(line.cents), size=9.5)
        for text in row.label:
            pages.text(LEFT, y, text, size=9.5)
            y -= _LEADING
        pages.rule(LEFT, y + _LEADING - 5.5, to=RIGHT, weight=0.3)
        return y - _ROW

    def _carried(self, y: float, name: str, cents: int) -> float:
        pages = self.pages
        pages.block(LEFT, y - 5, width=RIGHT - LEFT, height=16, ink=TINT)
        pages.right(_RATE, y, name, size=9, face=BOLD)
        pages.figures(_AMOUNT, y, bare_amount(cents), size=9.5, face=BOLD)
        return y - _CARRIED

    def _sums(self) -> list[tuple[str, int]]:
        """The account: what is out of scope, what bears VAT, the VAT of each rate, the total, what is paid."""
        invoice, rows = self.invoice, []
        for share in invoice.shares:
            if share.vat_bp is None:
                rows.append(("Valeur faciale, hors du champ de la TVA", share.basis_cents))
                continue
            on = f" sur {euros_fr(share.basis_cents)}" if len(invoice.shares) > 1 else ""
            rows.append((f"Total HT{f' à {percent_fr(share.vat_bp)}' if on else ''}", share.basis_cents))
            rows.append((f"TVA {percent_fr(share.vat_bp)}{on}", share.vat_cents))
        if invoice.paid_cents:
            rows.append((self._total_name(), invoice.total_cents))
            rows.append((invoice.paid_how, -invoice.paid_cents))
        return rows

    def _total_name(self) -> str:
        return "Total" if self.invoice.kind == "face_value" else "Total TTC"

    def _closing_height(self) -> float:
        pays = 106 if self._asks_for_money() else 10
        return 8 + 15 * len(self._sums()) + 52 + pays + _FINE_LEADING * len(self.fine)

    def _asks_for_money(self) -> bool:
        invoice = self.invoice
        return invoice.payment is not None and invoice.due_cents > 0 and not invoice.is_credit_note

    def _closing(self, y: float) -> None:
        pages, invoice = self.pages, self.invoice
        y -= 8
        for name, cents in self._sums():
            left = pages.figures(_AMOUNT, y, euros_fr(cents), size=10)
            pages.right(min(RIGHT - 124, left - 14), y, name, size=9.5, room=350)
            y -= 15
        due = invoice.due_cents
        name = (
            "Reste à payer" if invoice.paid_cents else "Total à payer" if invoice.kind == "face_value" else "Total TTC"
        )
        if invoice.is_credit_note:
            name = "En votre faveur"
        pages.block(RIGHT - 270, y - 22, width=270, height=30, ink=DEEP)
        left = pages.figures(_AMOUNT, y - 11, euros_fr(due), size=14, face=BOLD, ink=PAPER)
        pages.right(min(RIGHT - 124, left - 14), y - 11, name, size=11, face=BOLD, ink=PAPER)
        y -= 46
        if self._asks_for_money():
            y = self._payment(y)
        for row in self.fine:
            pages.text(LEFT, y, row, size=_FINE, ink=SOFT)
            y -= _FINE_LEADING

    def _payment(self, y: float) -> float:
        pages, invoice = self.pages, self.invoice
        payment = invoice.payment
        assert payment is not None
        pages.block(LEFT, y - 88, width=RIGHT - LEFT, height=98, ink=TINT)
        text = epc_text(
            holder=payment.holder,
            iban=payment.iban,
            cents=invoice.due_cents,
            rf_reference=payment.rf_reference,
            bic=payment.bic,
        )
        self._code(text, x=RIGHT - _QR_SIDE - 7, y=y - 81)
        pages.text(LEFT + 12, y - 6, "À payer par virement", size=10.5, face=BOLD)
        rows = [("Au plus tard", f"le {day_fr(invoice.due_on)}" if invoice.due_on else "")]
        rows.append(("Référence à indiquer", _by_fours(payment.rf_reference or invoice.number)))
        rows.append(("IBAN", _by_fours(payment.iban)))
        rows.append(("BIC", payment.bic or ""))
        rows.append(("Titulaire", payment.holder))
        at = y - 22
        for name, value in rows:
            if value:
                pages.text(LEFT + 12, at, name, size=8.5, ink=SOFT)
                face = BOLD if name.startswith("Réf") else REGULAR
                pages.text(LEFT + 106, at, value, size=10, face=face, room=RIGHT - LEFT - 106 - _QR_SIDE - 76)
                at -= 14.5
        for index, said in enumerate(("Ou visez ce code", "avec l’application", "de votre banque.")):
            pages.right(RIGHT - _QR_SIDE - 14, y - 46 - 10 * index, said, size=7.5, ink=SOFT)
        return y - 106

    def _code(self, text: str, *, x: float, y: float) -> None:
        canvas, drawn = self.pages.canvas, qr.modules(text)
        unit = _QR_SIDE / (drawn.side + 2 * qr.QUIET_MODULES)
        self.pages.block(x, y, width=_QR_SIDE, height=_QR_SIDE, ink=PAPER)
        canvas.saveState()
        canvas.setFillColor(INK)
        canvas.translate(x + qr.QUIET_MODULES * unit, y + qr.QUIET_MODULES * unit)
        canvas.scale(unit, unit)
        canvas._code.append(qr.pdf_path(drawn).decode("ascii").rstrip())
        canvas.restoreState()

    def _foot(self, number: int, of: int) -> None:
        pages, seller = self.pages, self.invoice.seller
        pages.rule(LEFT, 48, to=RIGHT)
        who = " · ".join(part for part in (_siret(seller.siret), seller.about) if part)
        pages.text(LEFT, 37, seller.name, size=7.5, ink=SOFT, room=RIGHT - LEFT - 60)
        pages.text(LEFT, 27, who, size=7.5, ink=SOFT, room=RIGHT - LEFT - 60)
        pages.right(RIGHT, 36, f"Page {number}/{of}", size=8)


def _name(invoice: Invoice) -> str:
    return "Avoir" if invoice.is_credit_note else "Facture"


def _sentences(invoice: Invoice) -> list[str]:
    """The legal sentences; a credit note is not paid late, but corrects a sale of the same category."""
    said = invoice.mentions
    debits = "Option pour le paiement de la taxe d’après les débits." if said.vat_on_debits else ""
    out_of_scope = said.out_of_scope if invoice.kind in {"face_value", "face_value_and_fee"} else ""
    law = said.voucher_law if out_of_scope else ""
    late = () if invoice.is_credit_note else (said.late_penalties, said.recovery_costs, said.discount)
    category = _CATEGORIES.get(invoice.kind, "")
    return [text for text in (said.payment_terms, category, out_of_scope, law, debits, *late) if text]


def _broken(text: str, *, size: float, room: float, most: int = 12, face: str = REGULAR) -> list[str]:
    """`text` in rows, no number parted; none for no text, the last cut when there are too many."""
    if not text.strip():
        return []
    return fonts.paragraph(_PARTED.sub(NBSP, text), name=face, sizes=(size,), lines=most, room=room)[0]


def _siret(siret: str | None) -> str:
    """'SIRET 123 456 789 00012'."""
    return f"SIRET {siret_fr(siret)}" if siret else ""


def _by_fours(text: str) -> str:
    """As IBANs and references are read aloud."""
    compact = "".join(text.split())
    return " ".join(compact[at : at + 4] for at in range(0, len(compact), 4))
