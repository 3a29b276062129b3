"""What waits for a person, by what they may do: counted, never listed. Reads only, and few rows.

Who did the first half of an act that takes two sees it as waiting for somebody else. What a task is called, and where
it is done, the page says.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Select, Text, and_, case, cast, func, literal, select, text, union_all

from vouchers import bank_lines, bank_statements, chart, clock, papers_due
from vouchers.access import Act
from vouchers.archive import CREDITS
from vouchers.db import ReadSession
from vouchers.rules import Rules, rules, terms
from vouchers.tables import (
    application,
    bank_account,
    bank_line,
    batch,
    buyer,
    dispute,
    document,
    journal,
    order_line,
    payment_run,
    posting,
    remittance,
    role,
    set_up,
    voucher,
    voucher_order,
)

_APPROVED: Final = ("approved", "paid", "accepted", "issuing", "issued", "delivered")
_EVERY: Final = {"weekly": 7, "fortnightly": 14, "monthly": 28}
"""Days from the last closed day of one settlement to the next; on demand, nobody is reminded."""


@dataclass(frozen=True, slots=True)
class Task:
    """`count` things of a kind wait for the caller, and `others` more, which the caller began, for somebody else.

    `first`: the number of one of them, the oldest, where one page shows one of them.
    """

    kind: str
    count: int
    others: int = 0
    first: int | None = None


TASKS: Final[dict[str, Act]] = {
    # The most urgent first: what could lose money or is being waited for by a person, then the campaign's own course.
    "account_confirm": Act.ACCOUNT_CONFIRM,
    "role_confirm": Act.ROLE_CONFIRM,
    "settlement_execute": Act.SETTLEMENT_EXECUTE,
    "settlement_export": Act.SETTLEMENT_EXPORT,
    "settlement_approve": Act.SETTLEMENT_APPROVE,
    "papers_make": Act.INVOICE_ISSUE,
    "statement_send": Act.STATEMENT_SEND,
    "dispute_decide": Act.DISPUTE_DECIDE,
    "bank_decide": Act.BANK_TAKE,
    "bank_gap": Act.BANK_TAKE,
    "bank_allot": Act.BANK_TAKE,
    "voucher_replace": Act.VOUCHER_REPLACE,
    "replacement_activate": Act.BATCH_ACTIVATE,
    "batch_activate": Act.BATCH_ACTIVATE,
    "batch_print": Act.BATCH_PRINT,
    "batch_issue": Act.BATCH_ISSUE,
    "order_approve": Act.ORDER_APPROVE,
    "order_accept": Act.ORDER_ACCEPT,
    "settlement_propose": Act.SETTLEMENT_PROPOSE,
    "application_decide": Act.APPLICATION_DECIDE,
    "remittance_close": Act.REMITTANCE_TAKE,
    "order_credit": Act.INVOICE_ISSUE,
    "order_invoice": Act.INVOICE_ISSUE,
    "order_pay": Act.ORDER_PAY,
    "set_up_open": Act.SET_UP_OPEN,
    "voucher_expire": Act.VOUCHER_EXPIRE,
}
"""Every kind of task, in the order in which they press, and the act that does it."""


def tasks(
    session: ReadSession,
    *,
    programme_id: int,
    actor: str,
    may: Callable[[Act], bool],
    owed_cents: int,
    at: datetime,
) -> list[Task]:
    """What `actor` may do now, the most pressing first. `owed_cents`: to merchants, not settled. Refuses `NotFound`."""
    programme = rules(session, programme_id=programme_id)
    wanted = {kind for kind, act in TASKS.items() if may(act)}
    found = {
        kind: Task(kind, int(count) - int(others), int(others), first)
        for kind, count, others, first in session.execute(_counted(programme_id=programme_id, actor=actor))
        if kind in wanted and count
    }
    for task in _of_papers(session, programme_id=programme_id, wanted=wanted):
        found[task.kind] = task
    for task in _of_vouchers(session, programme=programme, wanted=wanted, actor=actor, at=at):
        found[task.kind] = task
    for task in _at_the_bank(session, programme_id=programme_id, wanted=wanted):
        found[task.kind] = task
    if "settlement_propose" in wanted and owed_cents > 0 and _settlement_is_due(session, programme, at=at):
        found["settlement_propose"] = Task("settlement_propose", 1)
    return [found[kind] for kind in TASKS if kind in found]


def _counted(*, programme_id: int, actor: str) -> Select[Any]:
    """(kind, how many, how many of them by the actor, the first of them), from tables that stay small."""

    def kind(
        word: str, number: ColumnElement[int], *wanted: ColumnElement[bool], mine: ColumnElement[bool] | None = None
    ) -> Select[Any]:
        own = literal(0) if mine is None else func.coalesce(func.sum(case((mine, 1), else_=0)), 0)
        theirs = number if mine is None else case((mine, None), else_=number)
        return select(literal(word).label("kind"), func.count(), own, func.min(theirs)).where(*wanted)

    order, run = voucher_order.c, payment_run.c
    of_order, of_run, of_batch = order.programme_id == programme_id, run.programme_id == programme_id, batch.c
    in_programme = of_batch.programme_id == programme_id
    begun = select(batch.c.order_number).where(in_programme)
    trusted = select(buyer.c.id).where(buyer.c.programme_id == programme_id, buyer.c.exposure_cap_cents > 0)
    unpaid = and_(order.accepted_by.is_not(None), order.state != "cancelled", _received() < _sold())
    for_me = role.c.asked_by == actor
    if actor.startswith("staff:"):
        for_me |= role.c.staff_id == int(actor.removeprefix("staff:"))
    every = (
        kind("order_approve", order.number, of_order, order.state == "placed", mine=order.placed_by == actor),
        kind("order_accept", order.number, of_order, order.state == "approved", order.buyer_id.in_(trusted)),
        kind("order_pay", order.number, of_order, (order.state == "approved") | unpaid),
        kind("order_invoice", order.number, of_order, order.state.in_(_APPROVED), ~_invoiced().exists()),
        kind("order_credit", order.number, of_order, _invoiced().exists(), _papers() > _sold_in_books()),
        kind(
            "batch_issue",
            order.number,
            of_order,
            order.state.in_(("paid", "accepted", "issuing")),
            order.number.not_in(begun.where(of_batch.state != "issuing")),
        ),
        kind("batch_print", of_batch.number, in_programme, of_batch.state == "issued"),
        kind(
            "batch_activate",
            of_batch.number,
            in_programme,
            of_batch.state == "printed",
            mine=_handled_by(actor),
        ),
        kind(
            "account_confirm",
            bank_account.c.merchant_id,
            bank_account.c.programme_id == programme_id,
            bank_account.c.state == "asked",
            mine=bank_account.c.asked_by == actor,
        ),
        kind(
            "application_decide",
            application.c.id,
            application.c.programme_id == programme_id,
            application.c.state == "asked",
        ),
        kind("settlement_approve", run.number, of_run, run.state == "proposed", mine=run.proposed_by == actor),
        kind("settlement_export", run.number, of_run, run.state == "approved"),
        kind("settlement_execute", run.number, of_run, run.state == "exported"),
        kind("dispute_decide", dispute.c.number, dispute.c.programme_id == programme_id, dispute.c.state == "open"),
        kind("bank_decide", bank_line.c.number, bank_line.c.programme_id == programme_id, bank_line.c.state == "open"),
        kind(
            "remittance_close",
            remittance.c.number,
            remittance.c.programme_id == programme_id,
            remittance.c.state == "open",
        ),
        kind("role_confirm", role.c.id, role.c.programme_id == programme_id, role.c.state == "asked", mine=for_me),
        kind(
            "set_up_open",
            set_up.c.id,
            set_up.c.programme_id == programme_id,
            set_up.c.state == "ready",
            mine=set_up.c.drafted_by == actor,
        ),
    )
    return select(union_all(*every).subquery())


def _at_the_bank(session: ReadSession, *, programme_id: int, wanted: set[str]) -> Iterator[Task]:
    """Statements that are missing between others, and money that came in and has no use yet."""
    if "bank_gap" in wanted:
        taken = bank_statements.listed(session, programme_id=programme_id)
        if gaps := sum(one.gap_cents != 0 for one in taken):
            yield Task("bank_gap", gaps)
    if "bank_allot" in wanted and (waits := bank_lines.waiting(session, programme_id=programme_id)):
        yield Task("bank_allot", len(waits), 0, waits[0].line.number)


def _handled_by(actor: str) -> ColumnElement[bool]:
    """Whoever had a hand in making a batch does not activate it."""
    made = select(journal.c.id).where(
        journal.c.programme_id == batch.c.programme_id,
        journal.c.subject == literal("batch:") + cast(batch.c.number, Text),
        journal.c.kind.in_(("issue_begun", "issued", "printed")),
        journal.c.actor == actor,
    )
    return made.correlate(batch).exists()


def _sold() -> ColumnElement[int]:
    faces = (
        select(func.coalesce(func.sum(order_line.c.face_cents * order_line.c.quantity), 0))
        .where(
            order_line.c.programme_id == voucher_order.c.programme_id,
            order_line.c.order_number == voucher_order.c.number,
        )
        .correlate(voucher_order)
        .scalar_subquery()
    )
    return faces + voucher_order.c.fee_cents + voucher_order.c.fee_vat_cents


def _received() -> ColumnElement[int]:
    # By the order's own account, which few postings touch.
    return (
        select(func.coalesce(func.sum(posting.c.cents), 0))
        .where(
            posting.c.programme_id == voucher_order.c.programme_id,
            posting.c.credit == literal("receivable:") + cast(voucher_order.c.number, Text),
            posting.c.debit.in_(chart.RECEIVED),
        )
        .correlate(voucher_order)
        .scalar_subquery()
    )


def _invoiced() -> Select[Any]:
    """The invoices and credit notes of an order."""
    about = document.c.subject == literal("order:") + cast(voucher_order.c.number, Text)
    of_order = select(document.c.name).where(document.c.programme_id == voucher_order.c.programme_id, about)
    return of_order.where(document.c.kind.in_((*CREDITS, *CREDITS.values()))).correlate(voucher_order)


def _papers() -> ColumnElement[int]:
    """What they come to."""
    cents = document.c.face_cents + document.c.fee_cents + document.c.vat_cents
    return _invoiced().with_only_columns(func.coalesce(func.sum(cents), 0)).scalar_subquery()


def _sold_in_books() -> ColumnElement[int]:
    """What an order has sold, less what was taken back of it: all its account was moved by, money aside."""

    def moved(side: ColumnElement[str], other: ColumnElement[str]) -> ColumnElement[int]:
        return (
            select(func.coalesce(func.sum(posting.c.cents), 0))
            .where(
                posting.c.programme_id == voucher_order.c.programme_id,
                side == literal("receivable:") + cast(voucher_order.c.number, Text),
                other.not_in(chart.RECEIVED),
            )
            .correlate(voucher_order)
            .scalar_subquery()
        )

    return moved(posting.c.debit, posting.c.credit) - moved(posting.c.credit, posting.c.debit)


def _of_papers(session: ReadSession, *, programme_id: int, wanted: set[str]) -> Iterator[Task]:
    """Runs whose merchants wait for their papers: to be made, or to be sent."""
    if "papers_make" in wanted:
        without = papers_due.runs_without_papers(session, programme_id=programme_id)
        if without:
            yield Task("papers_make", len(without), 0, without[0])
    if "statement_send" in wanted:
        number = papers_due.run_to_send(session, programme_id=programme_id)
        if number is not None:
            yield Task("statement_send", 1, 0, number)


def _of_vouchers(
    session: ReadSession, *, programme: Rules, wanted: set[str], actor: str, at: datetime
) -> Iterator[Task]:
    """Of the many vouchers only those that an index leads to."""
    in_programme = voucher.c.programme_id == programme.programme_id
    of_programme = journal.c.programme_id == programme.programme_id
    if "voucher_replace" in wanted:
        # Few are ever blocked and no index holds them: the facts that blocked them lead there.
        ever = select(_serial_of(journal.c.subject)).where(of_programme, journal.c.kind == "blocked")
        lost = select(func.count(), func.min(voucher.c.serial)).where(
            in_programme,
            voucher.c.serial.in_(ever),
            voucher.c.state == "blocked",
            voucher.c.expires_on >= clock.book_day(at),
        )
        count, first = session.execute(lost).one()
        if count:
            yield Task("voucher_replace", count, 0, first)
    if "replacement_activate" in wanted:
        mine = select(_serial_of(journal.c.subject)).where(
            of_programme, journal.c.kind == "replaced", journal.c.actor == actor
        )
        new = (
            select(func.count(), func.coalesce(func.sum(case((voucher.c.replaces_serial.in_(mine), 1), else_=0)), 0))
            .join(batch, and_(batch.c.programme_id == voucher.c.programme_id, batch.c.number == voucher.c.batch_number))
            .where(
                in_programme,
                voucher.c.replaces_serial > 0,
                voucher.c.state == "printed",
                voucher.c.expires_on >= clock.book_day(at),
                batch.c.state == "active",
            )
        )
        count, others = session.execute(new).one()
        if count:
            yield Task("replacement_activate", count - int(others), int(others))
    if "voucher_expire" in wanted and clock.book_day(at) > programme.presentation_deadline_on:
        over = select(func.count()).where(in_programme, _OPEN, voucher.c.expires_on < clock.book_day(at))
        count = session.execute(over).scalar_one()
        if count:
            yield Task("voucher_expire", count)


_OPEN: Final = text("voucher.state IN ('printed', 'active')")
"""Written out, not bound: only so can either engine see that the index of open vouchers holds every one of them."""


def _serial_of(subject: ColumnElement[str]) -> ColumnElement[int]:
    return cast(func.substr(subject, len("voucher:") + 1), BigInteger)


def _settlement_is_due(session: ReadSession, programme: Rules, *, at: datetime) -> bool:
    """Whether the programme's rhythm asks for the next settlement and none is open."""
    runs = select(payment_run.c.state, payment_run.c.to_on).where(
        payment_run.c.programme_id == programme.programme_id, payment_run.c.state != "withdrawn"
    )
    known = session.execute(runs).all()
    days = _EVERY.get(terms(session, programme_id=programme.programme_id).rhythm)
    if days is None or any(run.state == "proposed" for run in known):
        return False
    last = max((run.to_on for run in known), default=programme.starts_on - timedelta(days=1))
    return clock.book_day(at) >= last + timedelta(days=days)
