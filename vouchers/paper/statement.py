"""What a merchant is paid and why: the statement of one settlement (relevé de remboursement), A4.

It is not an invoice, and says so on every page: the face value is the issuer's debt, the commission is
invoiced apart. Every voucher is one line, a reversal or a transfer that the bank sent back is a line with its
own sign, and the lines add up to what is paid. The reference of the transfer leads from the bank's own
statement back here.

Money is whole cents, rates are basis points, instants are aware and printed in Paris time.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import BinaryIO, Final, Literal, NamedTuple

from vouchers.clock import day_fr, moment_fr
from vouchers.codes import pretty_serial
from vouchers.identity import siret_fr
from vouchers.money import euros_fr, percent_fr
from vouchers.paper import fonts
from vouchers.paper.fonts import BOLD, REGULAR
from vouchers.paper.page import (
    DEEP,
    HEIGHT,
    LEFT,
    NBSP,
    PAPER,
    RIGHT,
    RULE,
    SOFT,
    TINT,
    Pages,
    bare_amount,
)
from vouchers.paper.window import draw_window, firm_lines

Kind = Literal["redeemed", "reversed", "guaranteed", "returned"]

NOT_AN_INVOICE: Final = "Ce relevé n’est pas une facture."
_KINDS: Final[dict[Kind, str]] = {
    "redeemed": "Chèque accepté",
    "reversed": "Acceptation annulée",
    "guaranteed": "Garantie : chèque accepté hors réseau",
    "returned": "Virement retourné par la banque",
}
_COLUMNS: Final = (LEFT, LEFT + 104, LEFT + 290, LEFT + 342)
_SIZE: Final = 8.5
_SAID_ROOM: Final = RIGHT - 62 - _COLUMNS[1] - 8
"""Where no voucher and no till stand beside what a line says."""
_ROW: Final = 14.5
_TABLE_TOP_FIRST: Final = HEIGHT - 388
_TABLE_TOP_NEXT: Final = HEIGHT - 96
_TABLE_BOTTOM: Final = 76.0
_CLOSING_ROWS: Final = 10
"""Rows kept free for the account at the end, which is never parted from its total."""
_LEAST_LINES: Final = 3
"""Lines kept beside the account, so that it never stands on a page alone."""


class StatementDoesNotAdd(ValueError):
    """The net is not the lines less commission and VAT: nothing is printed."""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One fact; `cents` is signed, what it adds to what is owed; `detail` stands beside the kind.

    `came_back`: the number of the statement whose transfer the bank sent back.
    """

    at: datetime
    kind: Kind
    serial: int | None
    till: str | None
    cents: int
    detail: str | None = None
    came_back: str | None = None

    @property
    def said(self) -> str:
        """'Chèque accepté', 'Virement du relevé R1-1-70 retourné : compte clôturé'."""
        if self.came_back:
            return f"Virement du relevé {self.came_back} retourné" + (f" : {self.detail}" if self.detail else "")
        return _KINDS[self.kind] + (f", {self.detail}" if self.detail else "")


@dataclass(frozen=True, slots=True)
class Party:
    """Who sends or who is paid: legal name, address in lines (may be none), SIRET of 14 digits if known."""

    name: str
    address: tuple[str, ...] = ()
    siret: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """One settlement; unless the lines less commission and VAT are the net, `StatementDoesNotAdd`.

    `transfer_reference` is the EndToEndId; it, the day and the run are None while nothing is ordered from the
    bank. `commission_invoice` is the number of the invoice that bears the commission and its VAT, or of the credit
    note that gives it back where it is below zero.
    """

    number: str
    issuer: Party
    merchant: Party
    shop_name: str
    iban: str
    period_from: date
    period_to: date
    lines: tuple[StatementLine, ...]
    commission_bp: int
    commission_cents: int
    vat_bp: int
    vat_cents: int
    net_cents: int
    run: str | None = None
    execution_on: date | None = None
    transfer_reference: str | None = None
    transfer_label: str | None = None
    commission_invoice: str | None = None

    def __post_init__(self) -> None:
        due = sum(line.cents for line in self.lines) - self.commission_cents - self.vat_cents
        if due != self.net_cents:
            raise StatementDoesNotAdd(f"{self.number}: the lines leave {due} cents, not {self.net_cents}")

    def of(self, kind: Kind) -> tuple[int, int]:
        """(how many lines, their cents) of one kind."""
        found = [line.cents for line in self.lines if line.kind == kind]
        return len(found), sum(found)

    @property
    def gross_cents(self) -> int:
        """Accepted less reversed, and guaranteed: what commission is reckoned on. Returned transfers bore theirs."""
        return sum(self.of(kind)[1] for kind in ("redeemed", "reversed", "guaranteed"))


def statement_pdf(statement: Statement) -> bytes:
    """The statement of one merchant, as a PDF of its own."""
    out = io.BytesIO()
    write_statements(out, statements=[statement])
    return out.getvalue()


def write_statements(out: BinaryIO, *, statements: Iterable[Statement]) -> None:
    """Write the statements into one PDF, each beginning a page and listed in the contents.

    `statements` is read once, one at a time; what stays in memory until the end is some 30 kB a page drawn.
    """
    pages: Pages | None = None
    for index, statement in enumerate(statements):
        if pages is None:
            pages = Pages(out, title="Relevés de remboursement", author=statement.issuer.name, subject=NOT_AN_INVOICE)
        pages.bookmark(f"statement-{index}", f"{statement.shop_name}, relevé {statement.number}")
        _Sheet(pages, statement).draw()
    if pages is None:
        raise ValueError("no statement to write")
    pages.close()


def pages_of(lines: int) -> list[int]:
    """How many rows stand on each page: the first is shorter, and the last keeps room for the account.

    A page that continues or is continued gives one row each to the total carried.
    """
    first = int((_TABLE_TOP_FIRST - _TABLE_BOTTOM) // _ROW)
    later = int((_TABLE_TOP_NEXT - _TABLE_BOTTOM) // _ROW)
    counts: list[int] = []
    while True:
        rows = later - 1 if counts else first
        if lines <= rows - _CLOSING_ROWS:
            return [*counts, lines]
        here = min(lines - _LEAST_LINES, rows - 1)
        counts.append(here)
        lines -= here


class _Row(NamedTuple):
    """A row of the table: a line of the statement, or, without one, the rest of what the line before says."""

    said: str
    line: StatementLine | None
    ends: bool


def _rows(line: StatementLine) -> list[_Row]:
    """One; two where no voucher stands beside what the line says, and it is long."""
    if line.serial is not None:
        return [_Row(line.said, line, ends=True)]
    said, _ = fonts.paragraph(line.said, name=BOLD, sizes=(_SIZE,), lines=2, room=_SAID_ROOM)
    return [_Row(part, None if at else line, ends=at == len(said) - 1) for at, part in enumerate(said)]


class _Sheet:
    """The pages of one statement."""

    def __init__(self, pages: Pages, statement: Statement) -> None:
        self.pages = pages
        self.statement = statement
        self.rows = [row for line in statement.lines for row in _rows(line)]

    def draw(self) -> None:
        counts = pages_of(len(self.rows))
        begin = carried = 0
        for number, count in enumerate(counts, start=1):
            y = self._letterhead() if number == 1 else self._short_head()
            y = self._table_head(y)
            if number > 1:
                y = self._carried(y, "Report de la page précédente", carried)
            for row in self.rows[begin : begin + count]:
                y = self._row(y, row)
                carried += row.line.cents if row.line else 0
            begin += count
            if number < len(counts):
                self._carried(y, "À reporter", carried)
            else:
                self._account(y, carried)
            self._foot(number, len(counts))
            self.pages.turn()

    def _letterhead(self) -> float:
        statement, pages = self.statement, self.pages
        issuer, merchant = statement.issuer, statement.merchant
        y = HEIGHT - 56
        pages.text(LEFT, y, issuer.name, size=11, face=BOLD, room=230)
        for row in (*issuer.address, f"SIRET {siret_fr(issuer.siret)}" if issuer.siret else ""):
            if row:
                y -= 11.5
                pages.text(LEFT, y, row, size=8.5, room=230, ink=SOFT)
        pages.right(RIGHT, HEIGHT - 60, "Relevé de remboursement", size=20, face=BOLD, ink=DEEP)
        pages.right(RIGHT, HEIGHT - 76, f"n° {statement.number}", size=11, room=240)
        draw_window(pages, firm_lines(merchant.name, shop=statement.shop_name, address=merchant.address))
        self._facts(HEIGHT - 164)
        return self._sum_in_a_row(HEIGHT - 306)

    def _facts(self, y: float) -> None:
        statement, pages = self.statement, self.pages
        on = statement.execution_on
        facts = [
            ("Période", f"du {statement.period_from:%d/%m/%Y} au {statement.period_to:%d/%m/%Y}"),
            ("Commerçant", statement.shop_name),
            ("SIRET", siret_fr(statement.merchant.siret) if statement.merchant.siret else "non renseigné"),
            ("Compte crédité", masked(statement.iban)),
            ("Règlement", f"n° {statement.run}" if statement.run else "à venir"),
            ("Exécution", day_fr(on) if on else "à venir"),
            ("Réf. virement", statement.transfer_reference or "à venir"),
        ]
        for name, value in facts:
            pages.text(LEFT, y, name, size=8.5, ink=SOFT)
            pages.text(LEFT + 76, y, value, size=9, room=166)
            y -= 14.5

    def _sum_in_a_row(self, y: float) -> float:
        """The account at a glance: accepted, kept, paid. Answers the top of the table."""
        statement, pages = self.statement, self.pages
        returned = statement.of("returned")[1]
        cells = [("Brut accepté", euros_fr(statement.gross_cents))]
        kept = f"Commission {percent_fr(statement.commission_bp)} HT"
        cells.append((kept, euros_fr(-statement.commission_cents)))
        cells.append((f"TVA {percent_fr(statement.vat_bp)}", euros_fr(-statement.vat_cents)))
        if returned:
            cells.append(("Virements retournés", euros_fr(returned)))
        last = 122.0
        each = (RIGHT - LEFT - last) / len(cells)
        pages.block(LEFT, y - 14, width=RIGHT - LEFT, height=46, ink=TINT)
        pages.block(RIGHT - last, y - 14, width=last, height=46, ink=DEEP)
        for index, (name, value) in enumerate(cells):
            x = LEFT + index * each + 10
            pages.text(x, y + 15, name, size=8, room=each - 14, ink=SOFT)
            pages.text(x, y - 3, value, size=13, room=each - 14)
        pages.text(RIGHT - last + 10, y + 15, self._net_label(), size=8, room=last - 14, ink=PAPER)
        net = euros_fr(statement.net_cents)
        pages.text(RIGHT - last + 10, y - 4, net, size=16, face=BOLD, room=last - 16, ink=PAPER)
        pages.paragraph(LEFT, y - 31, self._sentence(), size=8.5, lines=3, room=RIGHT - LEFT, leading=11.5)
        return _TABLE_TOP_FIRST

    def _net_label(self) -> str:
        if self.statement.net_cents <= 0:
            return "Solde reporté, sans virement"
        return "Net à vous virer"

    def _sentence(self) -> str:
        statement = self.statement
        invoice = statement.commission_invoice
        apart = f" La commission est facturée à part, facture n° {invoice}." if invoice else ""
        if invoice and statement.commission_cents < 0:
            apart = f" La commission qui vous est rendue fait l’objet d’un avoir à part, n° {invoice}."
        if statement.transfer_reference is None:
            return NOT_AN_INVOICE + apart
        label = f", libellé « {statement.transfer_label} »" if statement.transfer_label else ""
        reference = f" Sur votre relevé bancaire, ce virement porte la référence {statement.transfer_reference}"
        return f"{NOT_AN_INVOICE}{apart}{reference}{label}."

    def _short_head(self) -> float:
        statement, pages = self.statement, self.pages
        title = f"Relevé de remboursement n° {statement.number}"
        pages.text(LEFT, HEIGHT - 56, title, size=11, face=BOLD, ink=DEEP)
        pages.right(RIGHT, HEIGHT - 56, statement.shop_name, size=9, room=220)
        pages.text(LEFT, HEIGHT - 69, statement.issuer.name, size=8.5, ink=SOFT, room=260)
        return _TABLE_TOP_NEXT

    def _table_head(self, y: float) -> float:
        pages = self.pages
        for x, name in zip(_COLUMNS, ("Date et heure", "Opération", "Chèque n°", "Caisse"), strict=True):
            pages.text(x, y, name, size=8, face=BOLD, ink=SOFT)
        pages.right(RIGHT, y, "Montant (€)", size=8, face=BOLD, ink=SOFT)
        pages.rule(LEFT, y - 5, to=RIGHT, weight=1, ink=DEEP)
        return y - _ROW - 2

    def _row(self, y: float, row: _Row) -> float:
        pages, (at, kind, serial, till), line = self.pages, _COLUMNS, row.line
        face = REGULAR if line and line.kind == "redeemed" else BOLD
        room = serial - kind - 8 if line and line.serial is not None else _SAID_ROOM
        pages.text(kind, y, row.said, size=_SIZE, face=face, room=room)
        if line:
            pages.text(at, y, moment_fr(line.at), size=_SIZE, room=kind - at - 8)
            pages.figures(RIGHT, y, bare_amount(line.cents), size=9, face=face)
        if line and line.serial is not None:
            pages.text(serial, y, pretty_serial(line.serial), size=_SIZE)
            pages.text(till, y, line.till or "", size=_SIZE, room=RIGHT - 62 - till)
        if row.ends:
            pages.rule(LEFT, y - 4.5, to=RIGHT, weight=0.3)
        return y - _ROW

    def _carried(self, y: float, name: str, cents: int) -> float:
        pages = self.pages
        pages.block(LEFT, y - 4.5, width=RIGHT - LEFT, height=_ROW, ink=TINT)
        pages.right(RIGHT - 76, y, name, size=8.5, face=BOLD)
        pages.figures(RIGHT, y, bare_amount(cents), size=9, face=BOLD)
        return y - _ROW

    def _account(self, y: float, lines_cents: int) -> None:
        """From the lines to the net, with the number of facts of each kind."""
        statement, pages = self.statement, self.pages
        accepted, accepted_cents = statement.of("redeemed")
        reversals, reversed_cents = statement.of("reversed")
        guarantees, guaranteed_cents = statement.of("guaranteed")
        returns, returned_cents = statement.of("returned")
        rows = [(f"Chèques acceptés ({accepted})", accepted_cents)]
        if reversals:
            rows.append((f"Acceptations annulées ({reversals})", reversed_cents))
        if guarantees:
            rows.append((f"Garantie, chèques acceptés hors réseau ({guarantees})", guaranteed_cents))
        if returns:
            rows.append((f"Virements retournés par la banque ({returns})", returned_cents))
        rows.append(("Total des opérations", lines_cents))
        basis = f" de {euros_fr(statement.gross_cents)}" if returns else ""
        kept = f"Commission {percent_fr(statement.commission_bp)} HT{basis}"
        rows.append((kept, -statement.commission_cents))
        rows.append((f"TVA {percent_fr(statement.vat_bp)} sur commission", -statement.vat_cents))
        y -= 8
        for name, cents in rows:
            face = BOLD if name.startswith("Total") else REGULAR
            left = pages.figures(RIGHT, y, euros_fr(cents), size=9, face=face)
            pages.right(min(RIGHT - 92, left - 10), y, name, size=9, face=face)
            y -= 13.5
        pages.rule(RIGHT - 280, y + 8, to=RIGHT, weight=1, ink=DEEP)
        left = pages.figures(RIGHT, y - 7, euros_fr(statement.net_cents), size=11, face=BOLD)
        pages.right(min(RIGHT - 92, left - 10), y - 7, self._net_label(), size=11, face=BOLD)

    def _foot(self, number: int, of: int) -> None:
        pages, issuer = self.pages, self.statement.issuer
        pages.rule(LEFT, 50, to=RIGHT, ink=RULE)
        who = f"{issuer.name}, SIRET {siret_fr(issuer.siret)}" if issuer.siret else issuer.name
        pages.text(LEFT, 38, NOT_AN_INVOICE, size=8, face=BOLD)
        pages.text(LEFT, 27.5, who, size=7.5, ink=SOFT, room=360)
        pages.right(RIGHT, 38, f"Page {number}/{of}", size=8)


def masked(iban: str) -> str:
    """All but the country and the last four hidden, enough for its owner to know it: 'FR•• •••• 0189'."""
    compact = "".join(iban.split())
    return f"{compact[:2]}•• •••• {compact[-4:]}".replace(" ", NBSP)
