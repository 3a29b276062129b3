"""A buyer's campaign: what became of its vouchers, by order, by week and by trade. Reads only.

Nobody learns here who spent where. A figure by week or by trade is given only where it stands for enough uses and
enough shops that none of them can be told apart, nor be reckoned from the others by taking away.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, and_, case, func, select

from vouchers import chart, clock
from vouchers.db import ReadSession
from vouchers.rules import rules
from vouchers.tables import batch, journal, merchant, order_line, posting, voucher, voucher_order

SOON: Final = timedelta(days=30)
LEAST_USES: Final = 10
"""A week or a trade with fewer uses of vouchers than this is never shown alone: it could be one person."""
LEAST_SHOPS: Final = 5
"""A trade with fewer shops that took these vouchers than this is never shown alone: it could be one shop."""
_ORDERED_STATES: Final = ("approved", "paid", "accepted", "issuing", "issued", "delivered")
_OPEN: Final = ("printed", "active")
_HELD: Final = (*_OPEN, "blocked")


class Sum(NamedTuple):
    """Cents, and in how many vouchers. One that was replaced is counted as the one in its place."""

    cents: int = 0
    vouchers: int = 0

    def plus(self, other: "Sum") -> "Sum":
        """Both together."""
        return Sum(self.cents + other.cents, self.vouchers + other.vouchers)


NONE: Final = Sum()
"""Nothing at all."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of vouchers; `spent`, `lapsed` and `cancelled` count those of which nothing is left.

    `ordered`: approved by the buyer. `delivered`: handed over to it. `activated`: spendable since. `unspent`: still on
    vouchers, of which `lapsing` are those whose last day is within 30 days, today included. What was issued is spent,
    unspent, lapsed or cancelled, to the cent.
    """

    ordered: Sum = NONE
    delivered: Sum = NONE
    activated: Sum = NONE
    spent: Sum = NONE
    unspent: Sum = NONE
    lapsing: Sum = NONE
    lapsed: Sum = NONE
    cancelled: Sum = NONE

    def plus(self, other: "Figures") -> "Figures":
        """Both together."""
        return Figures(*(getattr(self, one.name).plus(getattr(other, one.name)) for one in fields(self)))


@dataclass(frozen=True, slots=True)
class OrderFigures:
    """One order of the campaign. `next_last_on`: the nearest last day of what can still be spent."""

    number: int
    state: str
    purchase_order: str | None
    drafted_at: datetime
    figures: Figures
    next_last_on: date | None


@dataclass(frozen=True, slots=True)
class Period:
    """What was spent from a Monday to a Sunday, less what was reversed; weeks with too few uses are put together."""

    begins_on: date
    ends_on: date
    cents: int
    uses: int


@dataclass(frozen=True, slots=True)
class Trade:
    """What was spent in a trade; `name` is empty for all the trades that cannot be shown alone."""

    name: str
    cents: int
    uses: int
    shops: int


def by_order(session: ReadSession, *, programme_id: int, buyer_id: int, at: datetime) -> list[OrderFigures]:
    """Every order that the buyer approved, oldest first."""
    of_buyer = and_(voucher_order.c.programme_id == programme_id, voucher_order.c.buyer_id == buyer_id)
    orders = session.execute(
        select(
            voucher_order.c.number,
            voucher_order.c.state,
            voucher_order.c.purchase_order,
            voucher_order.c.drafted_at,
            batch.c.state.label("batch_state"),
            func.sum(order_line.c.face_cents * order_line.c.quantity).label("cents"),
            func.sum(order_line.c.quantity).label("vouchers"),
        )
        .join(
            order_line,
            and_(
                order_line.c.programme_id == voucher_order.c.programme_id,
                order_line.c.order_number == voucher_order.c.number,
            ),
        )
        .outerjoin(batch, _BATCH_OF_ORDER)
        .where(of_buyer, voucher_order.c.state.in_(_ORDERED_STATES))
        .group_by(
            *(voucher_order.c[name] for name in ("number", "state", "purchase_order", "drafted_at")), batch.c.state
        )
        .order_by(voucher_order.c.number)
    ).all()
    held = _on_vouchers(session, programme_id=programme_id, buyer_id=buyer_id, soon=clock.book_day(at) + SOON)
    left = _left_unspent(session, programme_id=programme_id, buyer_id=buyer_id)
    listed = []
    for row in orders:
        ordered, active = Sum(int(row.cents), int(row.vouchers)), row.batch_state == "active"
        now = held.get(row.number, _OnVouchers())
        lapsed, cancelled = left.get((row.number, "expired"), 0), left.get((row.number, "cancelled"), 0)
        figures = Figures(
            ordered=ordered,
            delivered=ordered if active or row.state == "delivered" else Sum(),
            activated=ordered if active else Sum(),
            spent=Sum(now.issued_cents - now.unspent.cents - lapsed - cancelled, now.redeemed),
            unspent=now.unspent,
            lapsing=now.lapsing,
            lapsed=Sum(lapsed, now.expired),
            cancelled=Sum(cancelled, now.cancelled),
        )
        listed.append(
            OrderFigures(row.number, row.state, row.purchase_order, row.drafted_at, figures, now.next_last_on)
        )
    return listed


def total(orders: Iterable[OrderFigures]) -> Figures:
    """All of them together."""
    whole = Figures()
    for one in orders:
        whole = whole.plus(one.figures)
    return whole


class _OnVouchers(NamedTuple):
    issued_cents: int = 0
    unspent: Sum = NONE
    lapsing: Sum = NONE
    redeemed: int = 0
    expired: int = 0
    cancelled: int = 0
    next_last_on: date | None = None


def _on_vouchers(session: ReadSession, *, programme_id: int, buyer_id: int, soon: date) -> dict[int, _OnVouchers]:
    """Order → what its vouchers hold, in one look at each of them."""
    born = case((voucher.c.replaces_serial.is_(None), voucher.c.face_cents), else_=0)
    # What lapsed and waits for the sweeper is lapsing no more than what has months to go.
    rows = session.execute(
        select(
            batch.c.order_number,
            voucher.c.state,
            voucher.c.expires_on,
            func.sum(born).label("issued"),
            func.sum(voucher.c.balance_cents).label("cents"),
            func.count().label("vouchers"),
        )
        .select_from(voucher_order)
        .join(batch, _BATCH_OF_ORDER)
        .join(voucher, and_(voucher.c.programme_id == batch.c.programme_id, voucher.c.batch_number == batch.c.number))
        .where(voucher_order.c.programme_id == programme_id, voucher_order.c.buyer_id == buyer_id)
        .group_by(batch.c.order_number, voucher.c.state, voucher.c.expires_on)
    )
    held: dict[int, _OnVouchers] = {}
    for row in rows:
        one, here = held.get(row.order_number, _OnVouchers()), Sum(int(row.cents), row.vouchers)
        one = one._replace(issued_cents=one.issued_cents + int(row.issued))
        if row.state in _HELD:
            one = one._replace(unspent=one.unspent.plus(here))
        if row.state in _OPEN:
            days = [day for day in (one.next_last_on, row.expires_on) if day is not None]
            one = one._replace(next_last_on=min(days))
            if soon - SOON <= row.expires_on <= soon:
                one = one._replace(lapsing=one.lapsing.plus(here))
        if row.state in {"redeemed", "expired", "cancelled"}:
            one = one._replace(**{row.state: getattr(one, row.state) + row.vouchers})
        held[row.order_number] = one
    return held


def _left_unspent(session: ReadSession, *, programme_id: int, buyer_id: int) -> dict[tuple[int, str], int]:
    """(order, expired or cancelled) → cents that left its vouchers so."""
    closed = (
        _of_buyer(select(batch.c.order_number, journal.c.kind, func.sum(posting.c.cents)), buyer_id=buyer_id)
        .where(journal.c.programme_id == programme_id, journal.c.kind.in_(("expired", "cancelled")))
        .group_by(batch.c.order_number, journal.c.kind)
    )
    return {(number, kind): int(cents) for number, kind, cents in session.execute(closed)}


# ── By week and by trade ─────────────────────────────────────────────────────────────────────────────────────────
class Use(NamedTuple):
    """Between a day and a shop: cents, less what was reversed, and in how many uses. Never leaves this room."""

    on: date
    account: str
    cents: int
    uses: int


def by_week_and_trade(
    session: ReadSession, *, programme_id: int, buyer_id: int, at: datetime
) -> tuple[list[Period], list[Trade]]:
    """What the buyer's vouchers paid, by weeks and by trade, each as `shown_periods` and `shown_trades` let it be.

    While anything can still be spent, only what lies in whole groups of weeks that are over, `LEAST_USES` each: what
    comes to the figures between two looks at them is then never one person's purchase. Afterwards, everything.
    """
    sign = case((journal.c.kind == "redeemed", 1), else_=-1)
    shop = case((journal.c.kind == "redeemed", posting.c.credit), else_=posting.c.debit)
    used = (
        _of_buyer(
            select(journal.c.book_day, shop.label("account"), func.sum(sign * posting.c.cents), func.sum(sign)),
            buyer_id=buyer_id,
        )
        .where(journal.c.programme_id == programme_id, journal.c.kind.in_(("redeemed", "reversed")))
        .group_by(journal.c.book_day, shop)
    )
    uses = [Use(day, account, int(cents), int(count)) for day, account, cents, count in session.execute(used)]
    trades = {
        chart.merchant(number): trade
        for number, trade in session.execute(
            select(merchant.c.id, merchant.c.trade).where(merchant.c.programme_id == programme_id)
        )
    }
    if _is_over(session, programme_id=programme_id, buyer_id=buyer_id, today=clock.book_day(at)):
        return shown_periods(uses), shown_trades(uses, trades)
    closed = closed_periods(uses, today=clock.book_day(at))
    upto = closed[-1].ends_on if closed else date.min
    return closed, shown_trades([use for use in uses if use.on <= upto], trades)


def _is_over(session: ReadSession, *, programme_id: int, buyer_id: int, today: date) -> bool:
    """Whether nothing of the buyer's can be spent any more, paper by post included."""
    if today > rules(session, programme_id=programme_id).presentation_deadline_on:
        open_ones = (
            select(voucher.c.serial)
            .select_from(voucher_order)
            .join(batch, _BATCH_OF_ORDER)
            .join(
                voucher,
                and_(voucher.c.programme_id == batch.c.programme_id, voucher.c.batch_number == batch.c.number),
            )
            .where(
                voucher_order.c.programme_id == programme_id,
                voucher_order.c.buyer_id == buyer_id,
                voucher.c.state.in_(_OPEN),
                voucher.c.expires_on >= today,
            )
        )
        return session.execute(open_ones.limit(1)).first() is None
    return False


def closed_periods(uses: Sequence[Use], *, today: date) -> list[Period]:
    """The groups of weeks that are over and whole: from the first week on, each with at least `LEAST_USES`.

    A group once told never changes, whatever comes later.
    """
    monday = today - timedelta(days=today.weekday())
    return _grouped([use for use in uses if use.on < monday], monday=monday)[0]


def shown_periods(uses: Sequence[Use]) -> list[Period]:
    """From the first week to the last, each with at least `LEAST_USES`; a week with fewer goes with the next.

    The last ones go with those before. Weeks in which nothing at all happened stand alone. Empty where all together
    are too few. The sum is what was spent.
    """
    periods, begun = _grouped(uses, monday=None)
    while begun is not None and periods:
        begun = _joined(periods.pop(), begun)
        if begun.uses >= LEAST_USES:
            periods.append(begun)
            begun = None
    return periods


def _grouped(uses: Sequence[Use], *, monday: date | None) -> tuple[list[Period], Period | None]:
    """Groups of enough uses, and what is begun after them; up to the week of the last use, or before `monday`."""
    weeks: dict[date, tuple[int, int, int]] = {}
    for use in uses:
        first = use.on - timedelta(days=use.on.weekday())
        cents, count, facts = weeks.get(first, (0, 0, 0))
        weeks[first] = (cents + use.cents, count + use.uses, facts + 1)
    periods: list[Period] = []
    begun: Period | None = None
    week = min(weeks, default=date.max)
    last = max(weeks, default=date.min) if monday is None else monday - timedelta(days=7)
    while weeks and week <= last:
        cents, count, facts = weeks.get(week, (0, 0, 0))
        sunday = week + timedelta(days=6)
        if begun is None and not facts:
            periods.append(Period(week, sunday, 0, 0))
        else:
            begun = _joined(begun or Period(week, week, 0, 0), Period(week, sunday, cents, count))
            if begun.uses >= LEAST_USES:
                periods.append(begun)
                begun = None
        week += timedelta(days=7)
    return periods, begun


def _joined(first: Period, then: Period) -> Period:
    return Period(first.begins_on, then.ends_on, first.cents + then.cents, first.uses + then.uses)


def shown_trades(uses: Sequence[Use], trades: dict[str, str]) -> list[Trade]:
    """The trades that stand for enough shops and uses, the most first; the others together come last.

    Where the others would be too few in their turn, the smallest shown goes with them: else they could be told by
    taking the shown ones from the whole. Empty where no trade can stand alone.
    """
    grouped: dict[str, dict[str, tuple[int, int]]] = {}
    for use in uses:
        shops = grouped.setdefault(trades.get(use.account, ""), {})
        cents, count = shops.get(use.account, (0, 0))
        shops[use.account] = (cents + use.cents, count + use.uses)
    known = []
    for name, shops in grouped.items():
        used = [one for one in shops.values() if one[1] > 0 or one[0]]
        known.append(Trade(name, sum(one[0] for one in used), sum(one[1] for one in used), len(used)))
    shown = sorted((one for one in known if one.name and _enough(one)), key=lambda one: (-one.cents, one.name))
    rest = [one for one in known if one not in shown and one.shops]
    while shown and rest and not _enough(_together(rest)):
        rest.append(shown.pop())
    if not shown:
        return []
    return [*shown, _together(rest)] if rest else shown


def _enough(trade: Trade) -> bool:
    return trade.shops >= LEAST_SHOPS and trade.uses >= LEAST_USES


def _together(trades: Sequence[Trade]) -> Trade:
    return Trade("", sum(t.cents for t in trades), sum(t.uses for t in trades), sum(t.shops for t in trades))


_BATCH_OF_ORDER: Final = and_(
    batch.c.programme_id == voucher_order.c.programme_id, batch.c.order_number == voucher_order.c.number
)


def _of_buyer(wanted: Select[Any], *, buyer_id: int) -> Select[Any]:
    """Postings to and from the buyer's vouchers, with their journal, voucher, batch and order."""
    return (
        wanted.select_from(voucher_order)
        .join(batch, _BATCH_OF_ORDER)
        .join(voucher, and_(voucher.c.programme_id == batch.c.programme_id, voucher.c.batch_number == batch.c.number))
        .join(posting, and_(posting.c.programme_id == voucher.c.programme_id, posting.c.serial == voucher.c.serial))
        .join(journal, and_(journal.c.programme_id == posting.c.programme_id, journal.c.id == posting.c.journal_id))
        .where(voucher_order.c.buyer_id == buyer_id)
    )
