"""Orders: a buyer asks for vouchers, two people of the buyer agree, money or a signed purchase order backs them.

    draft ─ placed ─ approved ─┬─ paid ─────┬─ issuing ─ issued ─ delivered
                               └─ accepted ─┘
    and cancelled, from any state before `issuing`.

Approving posts the receivable. From then on what the buyer owes is the balance of that account: below zero it is owed
back. `issue` takes over at `paid` (the bank has the money) or `accepted` (a purchase order is signed and the buyer's
credit cap holds it): nothing is issued that no one paid or signed for.

Accounts (plan comptable général): 468110 face value ordered, 706100 fee, 445740 VAT on a fee not yet received, moved
to 445710 when the order is first paid in full; at once to 445710 where the issuer opted for VAT on debits.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from sqlalchemy import delete, exists, func, select, update
from stdnum.iso7064 import mod_97_10

from vouchers import chart, clock, ledger, order_book
from vouchers.db import WriteSession
from vouchers.errors import (
    BadInput,
    ExposureExceeded,
    FaceValueRange,
    NotFound,
    OrderSize,
    PaymentAlreadyRecorded,
    PurchaseOrderMissing,
    SamePerson,
)
from vouchers.founding import LEAST_FACE_CENTS, MOST_FACE_CENTS
from vouchers.ledger import Fact, Move
from vouchers.money import MAX_CENTS, face_value_fr, share_of
from vouchers.order_book import Line, Order, find, subject
from vouchers.paper_settings import settings_of
from vouchers.rules import take_turn, terms
from vouchers.tables import buyer, journal, order_line, posting, programme, recipient_list, voucher_order

MOST_VOUCHERS: Final = 200_000
"""Vouchers in one order."""
_REFERENCE_CHARS: Final = 100
_PART: Final = re.compile(r" [1-9][0-9]*/[1-9][0-9]*", re.ASCII)
_CANCELLABLE: Final = ("draft", "placed", "approved", "paid", "accepted")
_PAYABLE: Final = ("approved", "paid", "accepted", "issuing", "issued", "delivered", "cancelled")
_BACKED: Final = ("paid", "accepted", "issuing", "issued", "delivered")


class Part(NamedTuple):
    """One share of a transfer that pays several orders: the `number`th `of` so many."""

    number: int
    of: int


WHOLE: Final = Part(1, 1)
"""A transfer for one order."""


def draft(
    session: WriteSession,
    *,
    programme_id: int,
    buyer_id: int,
    lines: Sequence[Line],
    fee_cents: int | None,
    purchase_order: str | None,
    actor: str,
    at: datetime,
) -> Order:
    """A new order, numbered. The fee is before VAT, None for the programme's rule; its VAT is at the programme's rate.

    Refuses `BadInput`, `OrderSize`, `FaceValueRange`, `NotFound` (programme), `BadInput` for a face value that the
    programme does not sell, `NotFound` (buyer).
    """
    _check(lines, fee_cents=fee_cents)
    purchase_order = _reference("purchase_order", purchase_order)
    # The lock makes numbering one at a time in a programme; a number is only used by a draft that is committed.
    fee_cents, fee_vat_cents = _fee(session, programme_id=programme_id, lines=lines, fee_cents=fee_cents)
    _refuse_unsold(session, programme_id=programme_id, lines=lines)
    known = select(buyer.c.id).where(buyer.c.programme_id == programme_id, buyer.c.id == buyer_id)
    if session.execute(known).first() is None:
        raise NotFound(what="buyer", id=buyer_id)
    newest = select(func.coalesce(func.max(voucher_order.c.number), 0)).where(
        voucher_order.c.programme_id == programme_id
    )
    number = session.execute(newest).scalar_one() + 1
    session.execute(
        voucher_order.insert().values(
            programme_id=programme_id,
            number=number,
            buyer_id=buyer_id,
            state="draft",
            rf_reference=rf_reference(programme_id=programme_id, order_number=number),
            purchase_order=purchase_order,
            fee_cents=fee_cents,
            fee_vat_cents=fee_vat_cents,
            drafted_by=actor,
            drafted_at=at,
        )
    )
    _write_lines(session, programme_id=programme_id, number=number, lines=lines)
    return find(session, programme_id=programme_id, number=number)


def redraft(
    session: WriteSession,
    *,
    programme_id: int,
    number: int,
    lines: Sequence[Line],
    fee_cents: int | None,
    purchase_order: str | None,
) -> Order:
    """Another content for a draft; from its placing on, an order keeps its lines, and one made of a list ever.

    Refuses what `draft` refuses of the content, `NotFound`, `OrderState`, `BadInput` (other lines than its list's).
    """
    _check(lines, fee_cents=fee_cents)
    drafted = order_book.locked(session, programme_id=programme_id, number=number, wanted=("draft",))
    of_list = select(recipient_list.c.id).where(
        recipient_list.c.programme_id == programme_id, recipient_list.c.order_number == number
    )
    if sorted(lines) != sorted(drafted.lines) and session.execute(of_list).first() is not None:
        # Its vouchers would be printed before anybody saw that they cannot be given to the people of the list.
        raise BadInput(field="lines", problem="made_of_a_list")
    fee_cents, fee_vat_cents = _fee(session, programme_id=programme_id, lines=lines, fee_cents=fee_cents)
    _refuse_unsold(session, programme_id=programme_id, lines=lines)
    order_book.flip(
        session,
        order=drafted,
        fee_cents=fee_cents,
        fee_vat_cents=fee_vat_cents,
        purchase_order=_reference("purchase_order", purchase_order),
    )
    session.execute(
        delete(order_line).where(order_line.c.programme_id == programme_id, order_line.c.order_number == number)
    )
    _write_lines(session, programme_id=programme_id, number=number, lines=lines)
    return find(session, programme_id=programme_id, number=number)


def place(session: WriteSession, *, programme_id: int, number: int, actor: str, at: datetime) -> Order:
    """The buyer's clerk asks for it: draft → placed. Refuses `NotFound`, `OrderState`.

    Where the buyer's rule is that one person is enough, the order is approved in the same act: nobody else's name
    stands under it (`approved_by` stays empty), and the fact of the approval names who placed it.
    """
    drafted = order_book.locked(session, programme_id=programme_id, number=number, wanted=("draft",))
    order_book.flip(session, order=drafted, state="placed", placed_by=actor)
    # Under its lock, so that the rule that counts is the one that the journal tells last before this placing.
    ruled = select(buyer.c.approval).where(buyer.c.programme_id == programme_id, buyer.c.id == drafted.buyer_id)
    rule = session.execute(ruled.with_for_update(key_share=True)).scalar_one()
    placed = _recorded(session, order=drafted, fact=Fact("order_placed", at, actor, subject(number)))
    return _approved(session, order=placed, by=None, actor=actor, at=at) if rule == "one" else placed


def approve(session: WriteSession, *, programme_id: int, number: int, actor: str, at: datetime) -> Order:
    """Another person of the buyer agrees: placed → approved, and the receivable is posted.

    Refuses `NotFound`, `OrderState`, `SamePerson` (who placed it).
    """
    placed = order_book.locked(session, programme_id=programme_id, number=number, wanted=("placed",))
    if placed.placed_by == actor:
        raise SamePerson(act="order.approve")
    return _approved(session, order=placed, by=actor, actor=actor, at=at)


def accept(
    session: WriteSession,
    *,
    programme_id: int,
    number: int,
    actor: str,
    at: datetime,
    purchase_order: str | None = None,
) -> Order:
    """The treasurer takes a signed purchase order for money: approved → accepted, within the buyer's credit cap.

    `purchase_order` is for one that came after the draft. Under the cap stands what this order and every other backed
    order of the buyer still owe; what one is owed back does not make room for another. Refuses `BadInput`, `NotFound`,
    `OrderState`, `PurchaseOrderMissing`, `ExposureExceeded`.
    """
    signed = _reference("purchase_order", purchase_order)
    approved = order_book.locked(session, programme_id=programme_id, number=number, wanted=("approved",))
    signed = signed or approved.purchase_order
    if signed is None:
        raise PurchaseOrderMissing
    order_book.flip(session, order=approved, state="accepted", accepted_by=actor, purchase_order=signed)
    # The buyer's row is the lock: two acceptances at once are added up one after the other.
    cap_cents = session.execute(
        update(buyer)
        .where(buyer.c.programme_id == programme_id, buyer.c.id == approved.buyer_id)
        .values(version=buyer.c.version + 1)
        .returning(buyer.c.exposure_cap_cents)
    ).scalar_one()
    others = select(voucher_order.c.number).where(
        voucher_order.c.programme_id == programme_id,
        voucher_order.c.buyer_id == approved.buyer_id,
        voucher_order.c.number != number,
        voucher_order.c.state.in_(_BACKED),
    )
    numbers = session.execute(others).scalars().all()
    standing = order_book.standing(session, programme_id=programme_id, numbers=numbers)
    owed_cents = sum(max(0, owed) for _, owed in standing.values())
    if owed_cents + approved.owed_cents > cap_cents:
        raise ExposureExceeded(cap_cents=cap_cents, owed_cents=owed_cents, order_cents=approved.owed_cents)
    return _recorded(session, order=approved, fact=Fact("order_accepted", at, actor, subject(number), signed))


def record_payment(
    session: WriteSession,
    *,
    programme_id: int,
    number: int,
    cents: int,
    bank_reference: str,
    received_on: date,
    actor: str,
    at: datetime,
    part: Part = WHOLE,
    out_of: str = chart.BANK,
) -> Order:
    """Money of the buyer reached the bank on `received_on`; `bank_reference` is the bank's own name for the transfer.

    Any amount is recorded, since the money is there; an approved order whose receivable reaches zero becomes paid. On a
    cancelled order it is owed back. The same reference and day are one transfer, so a bank statement read twice is
    refused; where one transfer pays several orders, `part` says which share of it this is. `out_of` is UNALLOCATED for
    money that was received before anyone knew for what. Refuses `BadInput`, `NotFound`, `OrderState` (not approved
    yet), `PaymentAlreadyRecorded`.
    """
    _check_cents("cents", cents, least=1)
    reference = _reference("bank_reference", bank_reference)
    if reference is None:
        raise BadInput(field="bank_reference", problem="missing")
    if received_on > clock.book_day(at):
        raise BadInput(field="received_on", problem="in_the_future")
    payable = order_book.locked(session, programme_id=programme_id, number=number, wanted=_PAYABLE)
    whole = f"{received_on.isoformat()} {reference.upper()}"
    transfer = whole if part == WHOLE else f"{whole} {part.number}/{part.of}"
    _refuse_known_transfer(session, programme_id=programme_id, whole=whole, transfer=transfer)
    owed_cents = payable.owed_cents - cents
    if payable.state == "approved" and owed_cents <= 0:
        order_book.flip(session, order=payable, state="paid")
    moves = [
        Move(out_of, chart.receivable(number), cents),
        *order_book.vat_moves(session, order=payable, owed_cents=owed_cents),
    ]
    return _recorded(session, order=payable, fact=Fact("order_paid", at, actor, subject(number), transfer, moves))


def cancel(session: WriteSession, *, programme_id: int, number: int, actor: str, reason: str, at: datetime) -> Order:
    """Before its issue begins: → cancelled, and what approving posted is posted the other way round.

    Money already received stays on the receivable, owed back. Refuses `NotFound`, `OrderState`.
    """
    order = order_book.locked(session, programme_id=programme_id, number=number, wanted=_CANCELLABLE)
    order_book.flip(session, order=order, state="cancelled")
    moves: list[Move] = []
    if order.state in {"approved", "paid", "accepted"}:
        vat_account = chart.VAT if order_book.vat_is_collected(session, order=order) else chart.VAT_PENDING
        sold = _sold(order, vat_account=vat_account)
        moves = [Move(account, chart.receivable(number), cents) for account, cents in sold]
    return _recorded(session, order=order, fact=Fact("order_cancelled", at, actor, subject(number), reason, moves))


def deliver(session: WriteSession, *, programme_id: int, number: int, actor: str, at: datetime) -> Order:
    """The buyer has its vouchers: issued → delivered. Refuses `NotFound`, `OrderState`."""
    issued = order_book.locked(session, programme_id=programme_id, number=number, wanted=("issued",))
    order_book.flip(session, order=issued, state="delivered")
    return _recorded(session, order=issued, fact=Fact("order_delivered", at, actor, subject(number)))


def rf_reference(*, programme_id: int, order_number: int) -> str:
    """What the buyer's bank transfer quotes: an ISO 11649 reference of at most 25 characters, 'RF601C000042'."""
    body = f"{programme_id}C{order_number:06d}"
    assert len(body) <= 21, body
    return f"RF{mod_97_10.calc_check_digits(body + 'RF')}{body}"


# ── Checks, before anything is read ──────────────────────────────────────────────────────────────────────────────
def _fee(session: WriteSession, *, programme_id: int, lines: Sequence[Line], fee_cents: int | None) -> tuple[int, int]:
    """The fee and the VAT on it. Holds the programme's row. Refuses `NotFound`."""
    rates = session.execute(
        select(programme.c.fee_bp, programme.c.vat_bp)
        .where(programme.c.id == programme_id)
        .with_for_update(key_share=True)
    ).first()
    if rates is None:
        raise NotFound(what="programme", id=programme_id)
    face_cents = sum(line.face_cents * line.quantity for line in lines)
    fee = share_of(face_cents, basis_points=rates.fee_bp) if fee_cents is None else fee_cents
    return fee, share_of(fee, basis_points=rates.vat_bp)


def _refuse_unsold(session: WriteSession, *, programme_id: int, lines: Sequence[Line]) -> None:
    sold = terms(session, programme_id=programme_id).face_values
    if sold and not {line.face_cents for line in lines} <= set(sold):
        words = ", ".join(face_value_fr(cents) for cents in sold)
        raise BadInput(field="face_cents", problem="one_of", words=words)


def _check(lines: Sequence[Line], *, fee_cents: int | None) -> None:
    quantities = [line.quantity for line in lines]
    for field, values in (("quantity", quantities), ("face_cents", [line.face_cents for line in lines])):
        if not all(_is_whole(value) for value in values):
            raise BadInput(field=field, problem="not_whole")
    for quantity in (*(few for few in quantities if few < 1), sum(quantities)):
        if not 1 <= quantity <= MOST_VOUCHERS:
            raise OrderSize(most=MOST_VOUCHERS, quantity=quantity)
    for line in lines:
        if not LEAST_FACE_CENTS <= line.face_cents <= MOST_FACE_CENTS:
            raise FaceValueRange(least_cents=LEAST_FACE_CENTS, most_cents=MOST_FACE_CENTS, cents=line.face_cents)
    if fee_cents is not None:
        _check_cents("fee_cents", fee_cents, least=0)


def _check_cents(field: str, cents: int, *, least: int) -> None:
    if not _is_whole(cents):
        raise BadInput(field=field, problem="not_whole")
    if not least <= cents <= MAX_CENTS:
        raise BadInput(field=field, problem="amount_range", least_cents=least, most_cents=MAX_CENTS)


def _is_whole(value: object) -> bool:
    # True is 1 to Python; as money it is a mistake.
    return isinstance(value, int) and not isinstance(value, bool)


def _reference(field: str, text: str | None) -> str | None:
    kept = " ".join((text or "").split())
    if len(kept) > _REFERENCE_CHARS or not kept.isprintable():
        raise BadInput(field=field, problem="length", least=1, most=_REFERENCE_CHARS)
    return kept or None


# ── Rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def _recorded(session: WriteSession, *, order: Order, fact: Fact) -> Order:
    ledger.post(session, programme_id=order.programme_id, fact=fact)
    return find(session, programme_id=order.programme_id, number=order.number)


def _approved(session: WriteSession, *, order: Order, by: str | None, actor: str, at: datetime) -> Order:
    order_book.flip(session, order=order, state="approved", approved_by=by)
    owed = chart.receivable(order.number)
    on_debits = settings_of(session, programme_id=order.programme_id).vat_due == "debits"
    sold = _sold(order, vat_account=chart.VAT if on_debits else chart.VAT_PENDING)
    moves = [Move(owed, account, cents) for account, cents in sold]
    return _recorded(session, order=order, fact=Fact("order_approved", at, actor, subject(order.number), "", moves))


def _write_lines(session: WriteSession, *, programme_id: int, number: int, lines: Sequence[Line]) -> None:
    session.execute(
        order_line.insert(),
        [
            {"programme_id": programme_id, "order_number": number, "line": at, **line._asdict()}
            for at, line in enumerate(lines, start=1)
        ],
    )


def _sold(order: Order, *, vat_account: str) -> list[tuple[str, int]]:
    """What an order sells, as (account, cents), nothing at zero cents."""
    parts = [
        (chart.ordered(order.number), order.face_cents),
        (chart.FEE, order.fee_cents),
        (vat_account, order.fee_vat_cents),
    ]
    return [part for part in parts if part[1] > 0]


def _refuse_known_transfer(session: WriteSession, *, programme_id: int, whole: str, transfer: str) -> None:
    """`whole` names the bank's transfer, `transfer` what is recorded now: it, or its part '… 1/2'."""
    # Payments are recorded one at a time in a programme, so that two readers of one statement cannot both pass.
    take_turn(session, programme_id=programme_id)
    known = session.execute(
        select(journal.c.subject, journal.c.reason).where(
            journal.c.programme_id == programme_id,
            journal.c.kind == "order_paid",
            journal.c.reason.in_((whole, transfer)) | journal.c.reason.startswith(f"{whole} ", autoescape=True),
            # A payment, and not the VAT that a cancellation makes due, whose reason is somebody's own words.
            exists().where(
                posting.c.programme_id == programme_id,
                posting.c.journal_id == journal.c.id,
                posting.c.debit.in_(chart.RECEIVED),
            ),
        )
    )
    for row in known:
        is_part = _PART.fullmatch(row.reason.removeprefix(whole)) is not None
        if row.reason in (whole, transfer) or (transfer == whole and is_part):
            raise PaymentAlreadyRecorded(number=int(row.subject.partition(":")[2]), transfer=row.reason)
