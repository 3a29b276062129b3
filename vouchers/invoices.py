"""What is to be invoiced and credited, drawn from the ledger: an order's invoices, and what they must be corrected by.

An order has one invoice for the face value, out of scope of VAT, and one for the fee, or a single one of both where the
programme's settings say so. They say what approving the order posted. What was taken back since (the order cancelled, a
voucher cancelled) is credited, each credit note correcting the invoice that it names: so invoices less credit notes are
what the ledger says was sold.

`invoicing` makes the papers. Amounts are cents above zero here; the archive has those of credit notes below zero.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from sqlalchemy import func, or_, select

from vouchers import archive, chart, identity, ledger, order_book
from vouchers.address_block import parted
from vouchers.archive import CREDITS, Document
from vouchers.db import ReadSession
from vouchers.errors import (
    AlreadyInvoiced,
    BillingIncomplete,
    IssuerDetailsMissing,
    NothingToCredit,
    NotInvoiced,
    OrderState,
)
from vouchers.order_book import Order
from vouchers.paper_settings import Billing, PaperSettings, billing_of, settings_of
from vouchers.rules import Rules, rules
from vouchers.tables import buyer, journal, posting

INVOICES: Final = ("face_value", "fee", "face_value_and_fee")
"""The kinds of an order's invoices."""
ENGAGEMENT_CHARS: Final = 50
"""Of a numéro d'engagement in Chorus Pro (BT-13)."""
_SOLD: Final = ("approved", "paid", "accepted", "issuing", "issued", "delivered")


Standing = Literal["none", "to_invoice", "invoiced", "to_credit"]
"""Of an order: 'none' while there is nothing to invoice, 'to_credit' while something is to be taken back."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who sells, as a paper names it; `form`: legal form, capital, register."""

    name: str
    form: str
    lines: tuple[str, ...]
    postcode: str
    town: str
    siret: str
    vat_number: str | None
    account_holder: str | None
    iban: str | None
    bic: str | None


@dataclass(frozen=True, slots=True)
class DueLine:
    """`quantity` of `what` ('voucher', 'taken_back', 'fee') at `unit_cents` before VAT; `vat_bp` None: out of scope."""

    what: str
    quantity: int
    unit_cents: int
    vat_bp: int | None


@dataclass(frozen=True, slots=True)
class Due:
    """One paper that is to be made. `kind` is that of the archive; `form` that of the paper, which a credit note shares
    with an invoice. `paid_cents`: received already. `corrects`: the invoice that a credit note takes back, in part.
    """

    kind: str
    form: str
    order: Order
    lines: tuple[DueLine, ...]
    face_cents: int
    fee_cents: int
    vat_cents: int
    vat_on_debits: bool
    paid_cents: int
    service_code: str | None
    purchase_order: str | None
    market: str | None
    delivered_on: date | None
    corrects: Document | None = None

    @property
    def cents(self) -> int:
        """What it asks for, or gives back, in all."""
        return self.face_cents + self.fee_cents + self.vat_cents


@dataclass(frozen=True, slots=True)
class _Sold:
    """What approving an order posted, and what was taken back since. `vouchers`: how many were cancelled, by cents."""

    face_cents: int
    fee_cents: int
    vat_cents: int
    vat_on_debits: bool
    vouchers: Counter[int]

    @property
    def cents(self) -> int:
        return self.face_cents + self.fee_cents + self.vat_cents


def due(session: ReadSession, *, programme_id: int, order_number: int, purchase_order: str | None = None) -> list[Due]:
    """The invoices that an order is to have. `purchase_order`: the engagement number, where it is not the order's own.

    Refuses, in this order, `BadInput`, `NotFound`, `OrderState` (not approved, or cancelled), `AlreadyInvoiced`,
    `BillingIncomplete` (what the buyer's structure in Chorus Pro demands), `IssuerDetailsMissing`.
    """
    if purchase_order is not None:
        purchase_order = identity.name(purchase_order, field="purchase_order", most=ENGAGEMENT_CHARS)
    order = order_book.find(session, programme_id=programme_id, number=order_number)
    if order.state not in _SOLD:
        raise OrderState(number=order_number, state=order.state, wanted=", ".join(_SOLD))
    made = _invoices(session, programme_id=programme_id, order_number=order_number)
    if made:
        raise AlreadyInvoiced(number=order_number, documents=", ".join(one.name for one in made))
    wanted = billing_of(session, programme_id=programme_id, buyer_id=order.buyer_id)
    engagement = purchase_order or order.purchase_order
    _refuse_incomplete(session, order=order, wanted=wanted, engagement=engagement)
    taxed = order.fee_cents > 0
    issuer_of(session, programme_id=programme_id, kind="fee" if taxed else "face_value")
    sold, programme = _sold(session, order), rules(session, programme_id=programme_id)
    lines = {
        "face_value": tuple(DueLine("voucher", line.quantity, line.face_cents, None) for line in order.lines),
        "fee": (DueLine("fee", 1, sold.fee_cents, programme.vat_bp),) if taxed else (),
    }
    left = _received(order, sold)
    if settings_of(session, programme_id=programme_id).invoice_form == "together" and taxed:
        lines = {"face_value_and_fee": lines["face_value"] + lines["fee"]}
    delivered_on = _delivered_on(session, order)
    papers = []
    for form, of_form in lines.items():
        if not of_form:
            continue
        face_cents = 0 if form == "fee" else sold.face_cents
        fee_cents, vat_cents = (0, 0) if form == "face_value" else (sold.fee_cents, sold.vat_cents)
        paid_cents = min(left, face_cents + fee_cents + vat_cents)
        left -= paid_cents
        papers.append(
            Due(
                kind=form,
                form=form,
                order=order,
                lines=of_form,
                face_cents=face_cents,
                fee_cents=fee_cents,
                vat_cents=vat_cents,
                vat_on_debits=sold.vat_on_debits,
                paid_cents=paid_cents,
                service_code=wanted.service_code,
                purchase_order=engagement,
                market=wanted.market,
                delivered_on=delivered_on,
            )
        )
    return papers


def credit_due(session: ReadSession, *, programme_id: int, order_number: int) -> list[Due]:
    """The credit notes that an order is to have: of all its invoices once it is cancelled, else of its vouchers.

    Refuses, in this order, `NotFound`, `NotInvoiced`, `NothingToCredit`, `IssuerDetailsMissing`.
    """
    order = order_book.find(session, programme_id=programme_id, number=order_number)
    made = _invoices(session, programme_id=programme_id, order_number=order_number)
    if not made:
        raise NotInvoiced(number=order_number)
    notes = archive.about(
        session,
        programme_id=programme_id,
        subjects=[order_book.subject(order_number)],
        kinds=[CREDITS[kind] for kind in INVOICES],
    )
    sold = _sold(session, order)
    if order.state == "cancelled":
        credited = {one.corrects for one in notes}
        papers = [_whole(order, one, sold) for one in made if one.name not in credited]
    else:
        faces, left = next(one for one in made if one.face_cents), sold.vouchers - _credited(notes)
        papers = [_of_vouchers(order, faces, sold, left)] if left else []
    if not papers:
        raise NothingToCredit(number=order_number)
    kind = "face_value" if all(one.form == "face_value" for one in papers) else "fee"
    issuer_of(session, programme_id=programme_id, kind=kind)
    return papers


def standing(session: ReadSession, *, programme_id: int, order_number: int) -> Standing:
    """Where the invoices of an order stand. Refuses `NotFound`."""
    of: dict[str, Any] = {"programme_id": programme_id, "order_number": order_number}
    order = order_book.find(session, programme_id=programme_id, number=order_number)
    if not _invoices(session, **of):
        return "to_invoice" if order.state in _SOLD else "none"
    try:
        credit_due(session, **of)
    except NothingToCredit:
        return "invoiced"
    except IssuerDetailsMissing:
        return "to_credit"
    return "to_credit"


def issuer_of(session: ReadSession, *, programme_id: int, kind: str) -> Issuer:
    """Who sells, for a paper of this `kind` ('face_value', 'fee', 'commission').

    Refuses `NotFound`, `IssuerDetailsMissing`: SIRET, postcode and town, the account that buyers pay into (a commission
    is set off), and for what bears VAT its number and a rate.
    """
    programme = rules(session, programme_id=programme_id)
    settings = settings_of(session, programme_id=programme_id)
    lines, postcode, town = _address(programme, settings)
    lacking = {
        "siret": programme.issuer_siret is None,
        "town": not (postcode and town),
        "iban": kind != "commission" and programme.issuer_iban is None,
        "vat_number": kind != "face_value" and settings.vat_number is None,
        "vat_rate": kind != "face_value" and not 0 < programme.vat_bp < 10_000,
    }
    if missing := [word for word, lacks in lacking.items() if lacks]:
        raise IssuerDetailsMissing(missing=", ".join(missing))
    return Issuer(
        name=programme.issuer_name,
        form=settings.seller_form,
        lines=lines,
        postcode=postcode,
        town=town,
        siret=programme.issuer_siret or "",
        vat_number=settings.vat_number,
        account_holder=programme.issuer_account_holder,
        iban=programme.issuer_iban,
        bic=programme.issuer_bic,
    )


def lines_of(content: dict[str, Any]) -> tuple[DueLine, ...]:
    """The lines of a paper, as `invoicing` kept them in the archive."""
    return tuple(DueLine(*line) for line in content["lines"])


# ── What an invoice cannot do without ────────────────────────────────────────────────────────────────────────────
def _refuse_incomplete(session: ReadSession, *, order: Order, wanted: Billing, engagement: str | None) -> None:
    known = select(buyer.c.siret).where(buyer.c.programme_id == order.programme_id, buyer.c.id == order.buyer_id)
    siret = session.execute(known).scalar_one()
    rule, service_code = wanted.chorus_rule, wanted.service_code
    lacking = {
        "siret": siret is None and rule != "none",
        "siret_or_email": siret is None and rule == "none" and wanted.email is None,
        "service_code": rule in {"service", "both"} and not service_code,
        "purchase_order": rule in {"engagement", "both"} and not engagement,
        "service_code_or_purchase_order": rule == "either" and not (service_code or engagement),
        "purchase_order_short": len(engagement or "") > ENGAGEMENT_CHARS,
    }
    if missing := [word for word, lacks in lacking.items() if lacks]:
        raise BillingIncomplete(number=order.number, buyer_id=order.buyer_id, missing=", ".join(missing))


def _address(programme: Rules, settings: PaperSettings) -> tuple[tuple[str, ...], str, str]:
    """The lines above the town, its postcode and its name, from the settings or from the address it enrolled with."""
    if settings.seller_postcode and settings.seller_town:
        street = (settings.seller_street,) if settings.seller_street else ()
        return street, settings.seller_postcode, settings.seller_town
    return parted([line.strip() for line in programme.issuer_address.splitlines()])


# ── What the ledger says ─────────────────────────────────────────────────────────────────────────────────────────
def _sold(session: ReadSession, order: Order) -> _Sold:
    account = chart.receivable(order.number)
    moved = (
        select(journal.c.kind, posting.c.debit, posting.c.credit, posting.c.cents, func.count())
        .join(journal, (journal.c.programme_id == posting.c.programme_id) & (journal.c.id == posting.c.journal_id))
        .where(
            posting.c.programme_id == order.programme_id,
            or_(posting.c.debit == account, posting.c.credit == account),
            journal.c.kind.in_(("order_approved", "cancelled")),
        )
        .group_by(journal.c.kind, posting.c.debit, posting.c.credit, posting.c.cents)
    )
    sums: Counter[str] = Counter()
    vouchers: Counter[int] = Counter()
    for kind, _debit, credit, cents, count in session.execute(moved):
        if kind == "cancelled":
            vouchers[cents] += count
        else:
            sums[chart.kind_of(credit)] += cents * count
    vat_cents = sums[chart.VAT] + sums[chart.VAT_PENDING]
    return _Sold(sums["ordered"], sums[chart.FEE], vat_cents, sums[chart.VAT] > 0, vouchers)


def _received(order: Order, sold: _Sold) -> int:
    """What the buyer has paid of what was approved, less what it was paid back; never more than there is to pay."""
    taken_back = sum(cents * count for cents, count in sold.vouchers.items())
    return max(0, min(sold.cents, sold.cents - taken_back - order.owed_cents))


def _delivered_on(session: ReadSession, order: Order) -> date | None:
    if order.state != "delivered":
        return None
    subject = order_book.subject(order.number)
    return ledger.day_of(session, programme_id=order.programme_id, kind="order_delivered", subject=subject)


# ── What the archive has ─────────────────────────────────────────────────────────────────────────────────────────
def _invoices(session: ReadSession, *, programme_id: int, order_number: int) -> list[Document]:
    subjects = [order_book.subject(order_number)]
    return archive.about(session, programme_id=programme_id, subjects=subjects, kinds=INVOICES)


def _credited(notes: list[Document]) -> Counter[int]:
    """The cancelled vouchers that credit notes gave back, by cents."""
    lines = [line for one in notes for line in lines_of(one.content) if line.what == "taken_back"]
    return sum((Counter({line.unit_cents: line.quantity}) for line in lines), Counter())


def _whole(order: Order, invoice: Document, sold: _Sold) -> Due:
    """All of an invoice, taken back."""
    return _credit(order, invoice, sold, form=invoice.kind, lines=lines_of(invoice.content))


def _of_vouchers(order: Order, invoice: Document, sold: _Sold, left: Counter[int]) -> Due:
    """The vouchers that were cancelled: face value alone, whatever else its invoice says."""
    lines = tuple(DueLine("taken_back", count, cents, None) for cents, count in sorted(left.items()))
    return _credit(order, invoice, sold, form="face_value", lines=lines)


def _credit(order: Order, invoice: Document, sold: _Sold, *, form: str, lines: tuple[DueLine, ...]) -> Due:
    return Due(
        kind=CREDITS[form],
        form=form,
        order=order,
        lines=lines,
        face_cents=sum(line.quantity * line.unit_cents for line in lines if line.vat_bp is None),
        fee_cents=0 if form == "face_value" else invoice.fee_cents,
        vat_cents=0 if form == "face_value" else invoice.vat_cents,
        vat_on_debits=sold.vat_on_debits,
        paid_cents=0,
        service_code=invoice.content["service_code"],
        purchase_order=invoice.content["purchase_order"],
        market=invoice.content["market"],
        delivered_on=None,
        corrects=invoice,
    )
