"""Invoices and credit notes as papers: drawn from the ledger, made, numbered and kept in one transaction.

A number is drawn, the file made and both kept before anybody else may number: when the paper fails, its number goes to
the next. So a number is a paper of the archive, and the file that is downloaded later is the one that was made.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, cast

from vouchers import archive, invoices, order_book, people
from vouchers.archive import Document, Number
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import NothingToCredit
from vouchers.invoices import Due, DueLine
from vouchers.money import face_value_fr
from vouchers.paper.factur_x import invoice_pdf
from vouchers.paper.invoice import (
    Address,
    Invoice,
    Kind,
    Line,
    Mentions,
    Party,
    Payment,
    Preceding,
    References,
    address_of,
)
from vouchers.paper_settings import PaperSettings, billing_of, settings_of
from vouchers.rules import Rules, rules, take_turn

_PAID: Final = "Déjà réglé par virement"
_TO_PAY: Final = "Paiement par virement bancaire."
_SETTLED: Final = "Rien à payer : cette facture est acquittée."
_IN_YOUR_FAVOUR: Final = (
    "Cette somme vient en déduction de ce que vous devez ; si vous l'avez payée, elle vous est rendue."
)
_CANCELLED: Final = "La commande est annulée."
_TAKEN_BACK: Final = "Des chèques de cette commande ont été annulés avant d'être dépensés."


def seller_of(session: ReadSession, *, programme_id: int, kind: Kind = "commission") -> Party:
    """Who sells, for a paper of this kind. Refuses `NotFound`, `IssuerDetailsMissing`."""
    known = invoices.issuer_of(session, programme_id=programme_id, kind=kind)
    return Party(
        name=known.name,
        address=Address(known.lines, known.postcode, known.town),
        siret=known.siret,
        vat_id=known.vat_number,
        about=known.form,
    )


def mentions_of(settings: PaperSettings, *, payment_terms: str = _TO_PAY, vat_due: str = "collection") -> Mentions:
    """The sentences of the law in the words of the settings; `vat_due` 'debits' says that VAT is."""
    return Mentions(
        late_penalties=settings.late_terms,
        recovery_costs=settings.recovery_terms,
        discount=settings.discount_terms,
        out_of_scope=settings.legal_reference,
        payment_terms=payment_terms,
        vat_on_debits=vat_due == "debits",
    )


def issue_invoices(
    session: WriteSession,
    *,
    programme_id: int,
    number: int,
    actor: str,
    at: datetime,
    purchase_order: str | None = None,
) -> list[Document]:
    """The invoices of an order, and the credit notes of what was taken back of it before.

    `purchase_order`: the engagement number, where it is not the order's own. Refuses what `invoices.due` refuses.
    """
    take_turn(session, programme_id=programme_id)
    wanted = invoices.due(session, programme_id=programme_id, order_number=number, purchase_order=purchase_order)
    made = [_kept(session, one, actor=actor, at=at) for one in wanted]
    try:
        back = invoices.credit_due(session, programme_id=programme_id, order_number=number)
    except NothingToCredit:
        return made
    return made + [_kept(session, one, actor=actor, at=at) for one in back]


def issue_credit_notes(
    session: WriteSession, *, programme_id: int, number: int, actor: str, at: datetime
) -> list[Document]:
    """The credit notes that an order is to have. Refuses what `invoices.credit_due` refuses."""
    take_turn(session, programme_id=programme_id)
    back = invoices.credit_due(session, programme_id=programme_id, order_number=number)
    return [_kept(session, one, actor=actor, at=at) for one in back]


def _kept(session: WriteSession, one: Due, *, actor: str, at: datetime) -> Document:
    order = one.order
    programme_id = order.programme_id
    number = archive.next_number(session, programme_id=programme_id, kind=one.kind, at=at)
    invoice = _invoice(session, one, number)
    sign = 1 if one.corrects is None else -1
    return archive.keep(
        session,
        programme_id=programme_id,
        kind=one.kind,
        named=number,
        subject=order_book.subject(order.number),
        file_name=f"{'facture' if one.corrects is None else 'avoir'}-{number.name}.pdf",
        file=invoice_pdf(invoice, made_at=at),
        actor=actor,
        at=at,
        content={
            "lines": [[line.what, line.quantity, line.unit_cents, line.vat_bp] for line in one.lines],
            "service_code": one.service_code,
            "purchase_order": one.purchase_order,
            "market": one.market,
            "rf_reference": order.rf_reference,
            "due_on": None if invoice.due_on is None else invoice.due_on.isoformat(),
            "paid_cents": one.paid_cents,
        },
        buyer_id=order.buyer_id,
        face_cents=sign * one.face_cents,
        fee_cents=sign * one.fee_cents,
        vat_cents=sign * one.vat_cents,
        corrects=None if one.corrects is None else one.corrects.name,
    )


def _invoice(session: ReadSession, one: Due, number: Number) -> Invoice:
    order, form = one.order, cast(Kind, one.form)
    programme = rules(session, programme_id=order.programme_id)
    settings = settings_of(session, programme_id=order.programme_id)
    is_paid = one.paid_cents == one.cents
    vat_due = "debits" if one.vat_on_debits and form != "face_value" else "collection"
    if one.corrects is None:
        due_on = number.on if is_paid else number.on + timedelta(days=settings.payment_days)
        terms, reason, before = _SETTLED if is_paid else _TO_PAY, "", None
    else:
        due_on, terms = None, _IN_YOUR_FAVOUR
        reason = _CANCELLED if order.state == "cancelled" else _TAKEN_BACK
        before = Preceding(one.corrects.name, one.corrects.issued_on)
    return Invoice(
        kind=form,
        number=number.name,
        issued_on=number.on,
        due_on=due_on,
        seller=seller_of(session, programme_id=order.programme_id, kind=form),
        buyer=_buyer(session, one),
        lines=tuple(Line(_LABELS[line.what](line), line.quantity, line.unit_cents, line.vat_bp) for line in one.lines),
        vat_cents=one.vat_cents,
        total_cents=one.cents,
        programme=programme.name,
        payment=_payment(programme, order.rf_reference),
        credit_of=before,
        references=References(
            service_code=one.service_code,
            purchase_order=one.purchase_order,
            market=one.market,
            order_number=str(order.number),
            delivered_on=one.delivered_on,
        ),
        mentions=mentions_of(settings, payment_terms=terms, vat_due=vat_due),
        paid_cents=one.paid_cents,
        paid_how=_PAID if one.paid_cents else "",
        reason=reason,
        treatment=settings.face_value_bar if form == "face_value" else None,
    )


def _buyer(session: ReadSession, one: Due) -> Party:
    programme_id, buyer_id = one.order.programme_id, one.order.buyer_id
    known = people.find_buyer(session, programme_id=programme_id, buyer_id=buyer_id)
    wanted = billing_of(session, programme_id=programme_id, buyer_id=buyer_id)
    return Party(
        name=known.name,
        address=address_of(known.address.splitlines()),
        siret=known.siret,
        vat_id=wanted.vat_number,
        email=wanted.email,
    )


def _payment(programme: Rules, rf_reference: str) -> Payment | None:
    if programme.issuer_iban is None or programme.issuer_account_holder is None:
        return None
    return Payment(programme.issuer_iban, programme.issuer_account_holder, programme.issuer_bic, rf_reference)


def _voucher(line: DueLine) -> str:
    return f"Chèque cadeau de {face_value_fr(line.unit_cents)}"


def _taken_back(line: DueLine) -> str:
    return f"Chèque cadeau annulé, {face_value_fr(line.unit_cents)} non dépensés"


def _fee(_line: DueLine) -> str:
    return "Frais de gestion"


_LABELS: Final[dict[str, Callable[[DueLine], str]]] = {"voucher": _voucher, "taken_back": _taken_back, "fee": _fee}
