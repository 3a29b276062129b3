"""What a campaign is closed with, or one order of it: what became of every voucher and every cent. Reads only.

Everything is read from facts and postings up to a watermark, none from a row that may still change: so the same
watermark gives the same dossier, whenever it is drawn. Nobody learns here who spent where.

    issued = spent + lapsed + cancelled + in circulation        of each order, to the cent
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, Text, and_, cast, exists, func, or_, select

from vouchers import bookkeeping, chart, outcomes
from vouchers.db import ReadSession
from vouchers.errors import NotFound
from vouchers.ledger import Move
from vouchers.matching import mandate_in
from vouchers.tables import (
    bank_line,
    bank_match,
    batch,
    buyer,
    journal,
    order_line,
    payment_run,
    posting,
    settlement,
    voucher,
    voucher_order,
)

_RECEIVED: Final = ("order_paid", "paid_back")
_OF_JOURNAL: Final = and_(posting.c.programme_id == journal.c.programme_id, posting.c.journal_id == journal.c.id)
EXCEPTIONS: Final = (
    "order_cancelled", "extended", "reversed", "blocked", "unblocked", "cancelled", "replaced", "disputed",
    "guaranteed", "dispute_dismissed", "settlement_held", "settlement_released", "run_withdrawn", "transfer_returned",
    "money_received", "paid_back", "bank_line_set_aside", "credited", "offline_allowed", "offline_forbidden",
    "account_withdrawn", "merchant_suspended", "recipients_purged", "watched",
)  # fmt: skip
"""The facts that are not the ordinary way of a voucher: an accountant asks about each."""


@dataclass(frozen=True, slots=True)
class OrderAccount:
    """One order, in cents; `vouchers` were issued. `owed_cents`: what its buyer owes; below zero, is owed back."""

    number: int
    buyer_id: int
    buyer_name: str
    purchase_order: str | None
    ordered_cents: int
    issued_cents: int
    vouchers: int
    spent_cents: int
    lapsed_cents: int
    cancelled_cents: int
    paid_cents: int
    paid_back_cents: int
    owed_cents: int

    @property
    def circulating_cents(self) -> int:
        """Issued, and neither spent nor closed."""
        return self.issued_cents - self.spent_cents - self.lapsed_cents - self.cancelled_cents


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money of a buyer, or back to it (below zero). `mandate`: the public accountant's, where its transfer names it."""

    journal_id: int
    on: date
    order_number: int
    reference: str
    mandate: str | None
    cents: int


@dataclass(frozen=True, slots=True)
class RunAccount:
    """A payment run that was approved: how many shops it pays, its total, what it keeps, and what came back.

    `execution_on` is the day that the bank was asked for, `executed_on` the one on which it was noted that it had paid:
    None where it was not.
    """

    number: int
    from_on: date
    to_on: date
    approved_on: date
    execution_on: date
    executed_on: date | None
    merchants: int
    net_cents: int
    commission_cents: int
    vat_cents: int
    returned_cents: int


@dataclass(frozen=True, slots=True)
class Unspent:
    """Where lapsed money went, in cents: kept by the issuer, owed to buyers and given back to them, or carried on."""

    breakage_cents: int
    owed_to_buyers_cents: int
    given_back_cents: int
    next_campaign_cents: int


def accounts(
    session: ReadSession, *, programme_id: int, upto_journal: int, order_number: int | None = None
) -> list[OrderAccount]:
    """Every order that was ever approved, oldest first, or the one named. Refuses `NotFound` for that one."""
    rows = session.execute(_approved(programme_id, upto_journal=upto_journal, order_number=order_number)).all()
    if order_number is not None and not rows:
        raise NotFound(what="order", id=order_number)
    gone = outcomes.by_order(session, programme_id=programme_id, upto_journal=upto_journal)
    money = _of_orders(session, programme_id=programme_id, upto_journal=upto_journal)
    issued = outcomes.issued(session, programme_id=programme_id, upto_journal=upto_journal)
    return [
        OrderAccount(
            number=row.number,
            buyer_id=row.buyer_id,
            buyer_name=row.name,
            purchase_order=row.purchase_order,
            ordered_cents=int(row.cents),
            issued_cents=said.issued,
            vouchers=issued.get(row.number, (0, 0))[0],
            spent_cents=moved.spent,
            lapsed_cents=moved.lapsed,
            cancelled_cents=moved.cancelled,
            paid_cents=said.paid,
            paid_back_cents=said.paid_back,
            owed_cents=said.owed,
        )
        for row in rows
        for moved, said in [(gone.get(row.number, outcomes.NOTHING), money.get(row.number, _Money()))]
    ]


def purchase_orders(
    session: ReadSession, *, programme_id: int, upto_journal: int, order_number: int | None = None
) -> dict[int, str | None]:
    """The purchase order of every order that was ever approved, or of the one named, as it is now."""
    rows = session.execute(_approved(programme_id, upto_journal=upto_journal, order_number=order_number))
    return {row.number: row.purchase_order for row in rows}


def receipts(
    session: ReadSession, *, programme_id: int, upto_journal: int, at: datetime, order_numbers: Sequence[int]
) -> list[Receipt]:
    """What these orders were paid by, and what was paid back on them, in the order it was recorded.

    `at`: the instant of the watermark. A line of the bank that was told later does not name a mandate yet.
    """
    account_of = {chart.receivable(number): number for number in order_numbers}
    came_in = posting.c.credit.in_(list(account_of)) & posting.c.debit.in_(chart.RECEIVED)
    went_out = posting.c.debit.in_(list(account_of)) & (posting.c.credit == chart.BANK)
    said = select(func.min(bank_line.c.text)).where(
        bank_match.c.programme_id == journal.c.programme_id,
        bank_match.c.journal_id == journal.c.id,
        bank_line.c.programme_id == bank_match.c.programme_id,
        bank_line.c.number == bank_match.c.line_number,
        bank_line.c.decided_at <= at,
    )
    rows = session.execute(
        select(
            journal.c.id,
            journal.c.book_day,
            journal.c.reason,
            posting.c.debit,
            posting.c.credit,
            posting.c.cents,
            said.scalar_subquery().label("text"),
        )
        .join(posting, _OF_JOURNAL)
        .where(
            journal.c.programme_id == programme_id,
            journal.c.id <= upto_journal,
            journal.c.kind.in_(_RECEIVED),
            came_in | went_out,
        )
        .order_by(journal.c.id, posting.c.line)
    )
    return [
        Receipt(
            journal_id=row.id,
            on=row.book_day,
            order_number=account_of[row.credit if row.credit in account_of else row.debit],
            reference=row.reason,
            mandate=mandate_in(row.text or row.reason),
            cents=row.cents if row.credit in account_of else -row.cents,
        )
        for row in rows
    ]


def runs(session: ReadSession, *, programme_id: int, upto_journal: int) -> list[RunAccount]:
    """Every run approved by then, with what the bank has sent back of it since, up to the same moment."""
    days = _days_of_runs(session, programme_id, kind="run_approved", upto_journal=upto_journal)
    executed = _days_of_runs(session, programme_id, kind="run_executed", upto_journal=upto_journal)
    returned = (
        select(journal.c.subject, func.sum(posting.c.cents))
        .join(posting, _OF_JOURNAL)
        .where(
            journal.c.programme_id == programme_id,
            journal.c.kind == "transfer_returned",
            journal.c.id <= upto_journal,
        )
        .group_by(journal.c.subject)
    )
    back = {subject: int(cents) for subject, cents in session.execute(returned)}
    rows = session.execute(
        select(
            payment_run.c.number,
            payment_run.c.from_on,
            payment_run.c.to_on,
            payment_run.c.execution_on,
            func.count().label("merchants"),
            func.sum(settlement.c.net_cents).label("net"),
            func.sum(settlement.c.commission_cents).label("commission"),
            func.sum(settlement.c.vat_cents).label("vat"),
        )
        .join(
            settlement,
            and_(
                settlement.c.programme_id == payment_run.c.programme_id,
                settlement.c.run_number == payment_run.c.number,
            ),
        )
        .where(
            payment_run.c.programme_id == programme_id,
            payment_run.c.number.in_(sorted(days)),
            settlement.c.state != "carried",
        )
        .group_by(*(payment_run.c[name] for name in ("number", "from_on", "to_on", "execution_on")))
        .order_by(payment_run.c.number)
    )
    return [
        RunAccount(
            number=row.number,
            from_on=row.from_on,
            to_on=row.to_on,
            approved_on=days[row.number],
            execution_on=row.execution_on,
            executed_on=executed.get(row.number),
            merchants=row.merchants,
            net_cents=int(row.net),
            commission_cents=int(row.commission),
            vat_cents=int(row.vat),
            returned_cents=back.get(f"run:{row.number}", 0),
        )
        for row in rows
    ]


def through_clients(session: ReadSession, *, programme_id: int, upto_journal: int) -> int:
    """Cents that a FEC of the same facts has more on each side: what it passes through merchants' customer accounts."""
    taken = (chart.COMMISSION, chart.VAT)
    pairs = session.execute(
        select(posting.c.debit, posting.c.credit, func.sum(posting.c.cents))
        .where(
            posting.c.programme_id == programme_id,
            posting.c.journal_id <= upto_journal,
            posting.c.debit.in_(taken) | posting.c.credit.in_(taken),
        )
        .group_by(posting.c.debit, posting.c.credit)
    )
    moves = (Move(debit, credit, int(cents)) for debit, credit, cents in pairs)
    return sum(move.cents for move in moves if bookkeeping.through_client(move) is not None)


def unspent(session: ReadSession, *, programme_id: int, upto_journal: int) -> Unspent:
    """What lapsed of the whole programme, by where it went."""
    rows = session.execute(
        select(journal.c.kind, posting.c.debit, posting.c.credit, func.sum(posting.c.cents))
        .join(posting, _OF_JOURNAL)
        .where(
            journal.c.programme_id == programme_id,
            journal.c.id <= upto_journal,
            journal.c.kind.in_(("expired", "paid_back")),
        )
        .group_by(journal.c.kind, posting.c.debit, posting.c.credit)
    )
    lapsed = dict.fromkeys((chart.BREAKAGE, "lapsed", chart.NEXT_CAMPAIGN), 0)
    back = 0
    for kind, debit, credit, cents in rows:
        if kind == "expired":
            lapsed[chart.kind_of(credit)] += int(cents)
        elif chart.kind_of(debit) == "lapsed":
            back += int(cents)
    return Unspent(lapsed[chart.BREAKAGE], lapsed["lapsed"] - back, back, lapsed[chart.NEXT_CAMPAIGN])


def exceptions(
    session: ReadSession, *, programme_id: int, upto_journal: int, order_number: int | None = None
) -> Iterator[tuple[int, date, str, str, str, int]]:
    """(journal, day, kind, subject, reason, cents moved) of every fact of `EXCEPTIONS`, in the order they happened.

    Of one order: those about it and its batch, and those that moved or named one of its vouchers; of one that moved
    those of another order too, what it moved of its own.
    """
    told = _OF_JOURNAL
    if order_number is not None:
        own = posting.c.serial.in_(_serials_of(programme_id, order_number))
        told = and_(told, or_(posting.c.serial.is_(None), own))
    wanted = [
        journal.c.programme_id == programme_id,
        journal.c.id <= upto_journal,
        journal.c.kind.in_(EXCEPTIONS),
    ]
    if order_number is not None:
        wanted.append(_of_order(programme_id, order_number=order_number))
    rows = session.execute(
        select(
            journal.c.id,
            journal.c.book_day,
            journal.c.kind,
            journal.c.subject,
            journal.c.reason,
            func.coalesce(func.sum(posting.c.cents), 0),
        )
        .select_from(journal)
        .outerjoin(posting, told)
        .where(*wanted)
        .group_by(*(journal.c[name] for name in ("id", "book_day", "kind", "subject", "reason")))
        .order_by(journal.c.id)
    )
    for number, on, kind, subject, reason, cents in rows:
        yield number, on, kind, subject, reason, int(cents)


# ── What the figures are made of ─────────────────────────────────────────────────────────────────────────────────
def _days_of_runs(session: ReadSession, programme_id: int, *, kind: str, upto_journal: int) -> dict[int, date]:
    """Run → the day of the fact of this kind."""
    found = (
        select(journal.c.subject, journal.c.book_day)
        .where(journal.c.programme_id == programme_id, journal.c.kind == kind, journal.c.id <= upto_journal)
        .order_by(journal.c.id)
    )
    return {int(subject.partition(":")[2]): on for subject, on in session.execute(found)}


def _approved(programme_id: int, *, upto_journal: int, order_number: int | None) -> Select[Any]:
    subject = "order:" + cast(voucher_order.c.number, Text)
    wanted = [
        voucher_order.c.programme_id == programme_id,
        exists().where(
            journal.c.programme_id == programme_id,
            journal.c.kind == "order_approved",
            journal.c.subject == subject,
            journal.c.id <= upto_journal,
        ),
    ]
    if order_number is not None:
        wanted.append(voucher_order.c.number == order_number)
    named = (voucher_order.c.number, voucher_order.c.buyer_id, voucher_order.c.purchase_order, buyer.c.name)
    return (
        select(*named, func.sum(order_line.c.face_cents * order_line.c.quantity).label("cents"))
        .join(buyer, and_(buyer.c.programme_id == voucher_order.c.programme_id, buyer.c.id == voucher_order.c.buyer_id))
        .join(
            order_line,
            and_(
                order_line.c.programme_id == voucher_order.c.programme_id,
                order_line.c.order_number == voucher_order.c.number,
            ),
        )
        .where(*wanted)
        .group_by(*named)
        .order_by(voucher_order.c.number)
    )


def _serials_of(programme_id: int, order_number: int) -> Select[Any]:
    return (
        select(voucher.c.serial)
        .join(batch, and_(batch.c.programme_id == voucher.c.programme_id, batch.c.number == voucher.c.batch_number))
        .where(batch.c.programme_id == programme_id, batch.c.order_number == order_number)
    )


def _of_order(programme_id: int, *, order_number: int) -> ColumnElement[bool]:
    """Whether a journal is about an order, its batch, or one of its vouchers."""
    its_batch = batch.c.programme_id == programme_id, batch.c.order_number == order_number
    batches = select("batch:" + cast(batch.c.number, Text)).where(*its_batch)
    serials = (
        select("voucher:" + cast(voucher.c.serial, Text))
        .join(batch, and_(batch.c.programme_id == voucher.c.programme_id, batch.c.number == voucher.c.batch_number))
        .where(*its_batch)
    )
    moved = (
        select(posting.c.journal_id)
        .join(
            voucher,
            and_(voucher.c.programme_id == posting.c.programme_id, voucher.c.serial == posting.c.serial),
        )
        .join(batch, and_(batch.c.programme_id == voucher.c.programme_id, batch.c.number == voucher.c.batch_number))
        .where(*its_batch, posting.c.programme_id == programme_id)
    )
    return or_(
        journal.c.subject == f"order:{order_number}",
        journal.c.subject.in_(batches),
        journal.c.subject.in_(serials),
        journal.c.id.in_(moved),
    )


class _Money(NamedTuple):
    issued: int = 0
    paid: int = 0
    paid_back: int = 0
    owed: int = 0


def _of_orders(session: ReadSession, *, programme_id: int, upto_journal: int) -> dict[int, _Money]:
    """Order → what was issued of it, what its buyer paid, was paid back, and owes at the watermark."""
    mine = [
        side.startswith(f"{word}:")
        for side in (posting.c.debit, posting.c.credit)
        for word in ("receivable", "ordered")
    ]
    rows = session.execute(
        select(posting.c.debit, posting.c.credit, func.sum(posting.c.cents))
        .where(posting.c.programme_id == programme_id, posting.c.journal_id <= upto_journal, or_(*mine))
        .group_by(posting.c.debit, posting.c.credit)
    )
    found: dict[int, _Money] = {}
    for debit, credit, summed in rows:
        cents = int(summed)
        for account, sign in ((debit, 1), (credit, -1)):
            word, _, owner = account.partition(":")
            if word not in {"receivable", "ordered"}:
                continue
            had = found.get(int(owner), _Money())
            if word == "receivable":
                had = had._replace(owed=had.owed + sign * cents)
                if sign < 0 and debit in chart.RECEIVED:
                    had = had._replace(paid=had.paid + cents)
                elif sign > 0 and credit == chart.BANK:
                    had = had._replace(paid_back=had.paid_back + cents)
            elif sign > 0 and credit == chart.FLOAT:
                had = had._replace(issued=had.issued + cents)
            found[int(owner)] = had
    return found
