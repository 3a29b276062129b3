"""What the programme has achieved: the gauge against its target, what is still out, what became of each buyer's money.

Reads only; every figure is whole cents or a count. Where it was spent is in `spending.py`, and never meets a buyer.

The gauge takes the accounts from the ledger's snapshots and the rest from orders, batches and settlements, of which
there are few: its cost does not grow with the number of redemptions.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, Select, Text, and_, case, cast, func, literal, select, text, union_all

from vouchers import chart, clock, ledger
from vouchers.db import ReadSession
from vouchers.rules import rules
from vouchers.tables import (
    batch,
    buyer,
    journal,
    order_line,
    posting,
    settlement,
    settlement_line,
    voucher,
    voucher_order,
)

LAPSES_SOON: Final = timedelta(days=30)
AGES_DAYS: Final = (30, 90, 180)
"""Where one age ends and the next begins."""
_ORDERED_STATES: Final = ("approved", "paid", "accepted", "issuing", "issued", "delivered")
_OPEN: Final = text("voucher.state IN ('printed', 'active')")
"""Written out, not bound: only so can either engine see that the index of open vouchers holds every one of them."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """How far the money has come. Five states, each within the one before (a reversal of what was settled apart):

    - `ordered`: face value of orders approved by their buyer, whatever became of them later, unless cancelled;
    - `paid`: face value of those orders that the money received covers, at most all of it;
    - `distributed`: face value of the batches that were activated, replacements not counted again;
    - `spent`: redemptions less reversals; what the guarantee paid is not, for its voucher was spent elsewhere;
    - `settled`: what approved payment runs took over of it, commission and VAT included, less transfers that came back.

    `circulating`: the float, what is on all vouchers, delivered or not. `owed`: to merchants, spent less settled, and
    guarantees not settled yet; below zero when more was reversed since than accepted.
    `lapsing`: what is on the `lapsing_vouchers` whose last day is today or in the 30 days after it, the nearest of
    them being `lapsing_first_on`.
    """

    target_cents: int
    ordered_cents: int
    paid_cents: int
    distributed_cents: int
    spent_cents: int
    settled_cents: int
    circulating_cents: int
    owed_cents: int
    lapsing_cents: int
    lapsing_vouchers: int
    lapsing_first_on: date | None


def gauge(session: ReadSession, *, programme_id: int, at: datetime) -> Gauge:
    """The gauge at `at`. Refuses `NotFound` (programme)."""
    programme = rules(session, programme_id=programme_id)
    ordered, paid, distributed = _ordered(session, programme_id=programme_id)
    totals = ledger.totals(session, programme_id=programme_id)
    none = ledger.Turnover(0, 0)
    merchants, circulating = totals.get("merchant", none), totals.get(chart.FLOAT, none)
    owed = merchants.credit_cents - merchants.debit_cents
    settled = _settled(session, programme_id=programme_id)
    guaranteed = totals.get(chart.GUARANTEE, none).debit_cents
    of_guarantee = _settled_of_guarantee(session, programme_id=programme_id) if guaranteed else 0
    today = clock.book_day(at)
    lapsing = session.execute(
        select(func.coalesce(func.sum(voucher.c.balance_cents), 0), func.count(), func.min(voucher.c.expires_on)).where(
            voucher.c.programme_id == programme_id,
            _OPEN,
            voucher.c.expires_on.between(today, today + LAPSES_SOON),
        )
    ).one()
    return Gauge(
        target_cents=programme.target_cents,
        ordered_cents=ordered,
        paid_cents=paid,
        distributed_cents=distributed,
        # What merchants were given, for vouchers or by the guarantee, is still owed to them or was settled.
        spent_cents=owed + settled - guaranteed,
        settled_cents=settled - of_guarantee,
        circulating_cents=circulating.credit_cents - circulating.debit_cents,
        owed_cents=owed,
        lapsing_cents=int(lapsing[0]),
        lapsing_vouchers=lapsing[1],
        lapsing_first_on=lapsing[2],
    )


def _faces(*, programme_id: int) -> Select[Any]:
    """Face value by order: buyer, number, cents; orders that count."""
    return (
        select(
            voucher_order.c.buyer_id,
            voucher_order.c.number,
            func.sum(order_line.c.face_cents * order_line.c.quantity).label("cents"),
        )
        .join(
            order_line,
            and_(
                order_line.c.programme_id == voucher_order.c.programme_id,
                order_line.c.order_number == voucher_order.c.number,
            ),
        )
        .where(voucher_order.c.programme_id == programme_id, voucher_order.c.state.in_(_ORDERED_STATES))
        .group_by(voucher_order.c.buyer_id, voucher_order.c.number)
    )


def _orders(*, programme_id: int) -> Select[Any]:
    """By order: buyer, number, ordered, paid and distributed cents."""
    faces = _faces(programme_id=programme_id).subquery()
    # By the orders' own accounts, which few postings touch: by the bank's, both engines would read every redemption.
    accounts = select(literal("receivable:") + cast(voucher_order.c.number, Text)).where(
        voucher_order.c.programme_id == programme_id
    )
    banked = (
        select(posting.c.credit, func.sum(posting.c.cents).label("cents"))
        .where(
            posting.c.programme_id == programme_id,
            posting.c.credit.in_(accounts),
            posting.c.debit.in_(chart.RECEIVED),
        )
        .group_by(posting.c.credit)
        .subquery()
    )
    received = func.coalesce(banked.c.cents, 0)
    active = (
        select(batch.c.order_number).where(batch.c.programme_id == programme_id, batch.c.state == "active").subquery()
    )
    return (
        select(
            faces.c.buyer_id,
            faces.c.number,
            faces.c.cents.label("ordered"),
            case((received >= faces.c.cents, faces.c.cents), else_=received).label("paid"),
            case((active.c.order_number.is_not(None), faces.c.cents), else_=0).label("distributed"),
        )
        .select_from(faces)
        .outerjoin(banked, banked.c.credit == literal("receivable:") + cast(faces.c.number, Text))
        .outerjoin(active, active.c.order_number == faces.c.number)
    )


def _ordered(session: ReadSession, *, programme_id: int) -> tuple[int, int, int]:
    orders = _orders(programme_id=programme_id).subquery()
    sums = (func.coalesce(func.sum(orders.c[name]), 0) for name in ("ordered", "paid", "distributed"))
    ordered, paid, distributed = session.execute(select(*sums)).one()
    return int(ordered), int(paid), int(distributed)


def _settled(session: ReadSession, *, programme_id: int) -> int:
    came_back = case((settlement.c.state == "returned", settlement.c.net_cents), else_=0)
    total = select(func.coalesce(func.sum(settlement.c.gross_cents + settlement.c.brought_cents - came_back), 0)).where(
        settlement.c.programme_id == programme_id, settlement.c.journal_id.is_not(None)
    )
    return int(session.execute(total).scalar_one())


def _settled_of_guarantee(session: ReadSession, *, programme_id: int) -> int:
    """By the guarantee's own account, which few postings touch."""
    total = (
        select(func.coalesce(func.sum(posting.c.cents), 0))
        .join(
            settlement_line,
            and_(
                settlement_line.c.programme_id == posting.c.programme_id,
                settlement_line.c.journal_id == posting.c.journal_id,
                settlement_line.c.line == posting.c.line,
            ),
        )
        .where(posting.c.programme_id == programme_id, posting.c.debit == chart.GUARANTEE)
    )
    return int(session.execute(total).scalar_one())


# ── What is still out ────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Age:
    """What is on vouchers activated from `from_days` to before `to_days` days ago (None: longer), blocked ones too."""

    from_days: int
    to_days: int | None
    vouchers: int
    cents: int


def outstanding_by_age(session: ReadSession, *, programme_id: int, at: datetime) -> list[Age]:
    """What was distributed and not spent, by Paris days since its batch was activated; empty ages included."""
    today = clock.book_day(at)
    ages = [[0, 0] for _ in range(len(AGES_DAYS) + 1)]
    for activated_at, vouchers, cents in session.execute(_outstanding(programme_id=programme_id)):
        days = (today - clock.book_day(activated_at)).days
        age = sum(days >= end for end in AGES_DAYS)
        ages[age][0] += vouchers
        ages[age][1] += int(cents)
    starts, ends = (0, *AGES_DAYS), (*AGES_DAYS, None)
    return [Age(start, end, *sums) for start, end, sums in zip(starts, ends, ages, strict=True)]


def _outstanding(*, programme_id: int) -> Select[Any]:
    """By batch: activated_at, vouchers, cents of its active and blocked vouchers."""
    open_ones = select(voucher.c.batch_number, voucher.c.balance_cents).where(
        voucher.c.programme_id == programme_id, _OPEN, voucher.c.state == "active"
    )
    # Few are ever blocked and no index holds them: the facts that blocked them lead there.
    ever_blocked = select(cast(func.substr(journal.c.subject, len("voucher:") + 1), BigInteger)).where(
        journal.c.programme_id == programme_id, journal.c.kind == "blocked"
    )
    blocked = select(voucher.c.batch_number, voucher.c.balance_cents).where(
        voucher.c.programme_id == programme_id, voucher.c.serial.in_(ever_blocked), voucher.c.state == "blocked"
    )
    both = union_all(open_ones, blocked).subquery()
    return (
        select(batch.c.activated_at, func.count(), func.sum(both.c.balance_cents))
        .select_from(both)
        .join(batch, and_(batch.c.programme_id == programme_id, batch.c.number == both.c.batch_number))
        .group_by(batch.c.number, batch.c.activated_at)
    )


# ── By buyer ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class BuyerFigures:
    """What became of one buyer's vouchers, in cents; never where.

    `ordered`, `paid` and `distributed` as in the gauge; distributed or not, `outstanding` is what is on vouchers,
    `lapsed` and `cancelled` what left them unspent, `spent` the rest of what was issued.
    """

    buyer_id: int
    name: str
    ordered_cents: int
    paid_cents: int
    distributed_cents: int
    spent_cents: int
    outstanding_cents: int
    lapsed_cents: int
    cancelled_cents: int


def by_buyer(session: ReadSession, *, programme_id: int, buyer_id: int | None = None) -> list[BuyerFigures]:
    """Every buyer of the programme by id, or the one asked for: what a closing report says of its orders."""
    orders = _orders(programme_id=programme_id).subquery()
    ordered = {
        row.buyer_id: row
        for row in session.execute(
            select(
                orders.c.buyer_id,
                func.sum(orders.c.ordered).label("ordered"),
                func.sum(orders.c.paid).label("paid"),
                func.sum(orders.c.distributed).label("distributed"),
            ).group_by(orders.c.buyer_id)
        )
    }
    wanted = [voucher_order.c.programme_id == programme_id]
    if buyer_id is not None:
        wanted.append(voucher_order.c.buyer_id == buyer_id)
    of_batch = and_(
        batch.c.programme_id == voucher_order.c.programme_id, batch.c.order_number == voucher_order.c.number
    )
    # A replacement's face value was on the voucher it replaces, whose own share is only what had been spent of it.
    born = case((voucher.c.replaces_serial.is_(None), voucher.c.face_cents), else_=0)
    held = (
        select(
            voucher_order.c.buyer_id,
            func.sum(born).label("issued"),
            func.sum(voucher.c.balance_cents).label("outstanding"),
        )
        .join(batch, of_batch)
        .join(voucher, and_(voucher.c.programme_id == batch.c.programme_id, voucher.c.batch_number == batch.c.number))
        .where(*wanted)
        .group_by(voucher_order.c.buyer_id)
    )
    on_vouchers = {row.buyer_id: row for row in session.execute(held)}
    left = _left_unspent(session, programme_id=programme_id, buyer_id=buyer_id)
    buyers = select(buyer.c.id, buyer.c.name).where(buyer.c.programme_id == programme_id).order_by(buyer.c.id)
    if buyer_id is not None:
        buyers = buyers.where(buyer.c.id == buyer_id)
    figures = []
    for number, name in session.execute(buyers):
        of_orders, of_vouchers = ordered.get(number), on_vouchers.get(number)
        issued, outstanding = (0, 0) if of_vouchers is None else (int(of_vouchers.issued), int(of_vouchers.outstanding))
        lapsed, cancelled = left.get((number, "expired"), 0), left.get((number, "cancelled"), 0)
        figures.append(
            BuyerFigures(
                buyer_id=number,
                name=name,
                ordered_cents=0 if of_orders is None else int(of_orders.ordered),
                paid_cents=0 if of_orders is None else int(of_orders.paid),
                distributed_cents=0 if of_orders is None else int(of_orders.distributed),
                spent_cents=issued - outstanding - lapsed - cancelled,
                outstanding_cents=outstanding,
                lapsed_cents=lapsed,
                cancelled_cents=cancelled,
            )
        )
    return figures


def _left_unspent(session: ReadSession, *, programme_id: int, buyer_id: int | None) -> dict[tuple[int, str], int]:
    """(buyer, expired or cancelled) → cents that left vouchers so."""
    closed = (
        select(voucher_order.c.buyer_id, journal.c.kind, func.sum(posting.c.cents))
        .select_from(journal)
        .join(posting, and_(posting.c.programme_id == journal.c.programme_id, posting.c.journal_id == journal.c.id))
        .join(voucher, and_(voucher.c.programme_id == journal.c.programme_id, voucher.c.serial == posting.c.serial))
        .join(batch, and_(batch.c.programme_id == journal.c.programme_id, batch.c.number == voucher.c.batch_number))
        .join(
            voucher_order,
            and_(
                voucher_order.c.programme_id == journal.c.programme_id, voucher_order.c.number == batch.c.order_number
            ),
        )
        .where(journal.c.programme_id == programme_id, journal.c.kind.in_(("expired", "cancelled")))
        .group_by(voucher_order.c.buyer_id, journal.c.kind)
    )
    if buyer_id is not None:
        closed = closed.where(voucher_order.c.buyer_id == buyer_id)
    return {(owner, kind): int(cents) for owner, kind, cents in session.execute(closed)}
