"""Where the money was spent, when, and with what effect. Reads only.

Figures by shop know no buyer: nobody learns here who spent where. Each figure reads every redemption of the programme.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from sqlalchemy import ColumnElement, and_, case, func, select

from vouchers import chart
from vouchers.db import ReadSession
from vouchers.tables import journal, merchant, posting, redemption, reversal


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent under a name, less what was reversed, and in how many vouchers' uses; most first."""

    name: str
    vouchers: int
    cents: int


@dataclass(frozen=True, slots=True)
class SpentAt:
    """What was spent at one shop, less what was reversed, and in how many vouchers' uses."""

    merchant_id: int
    shop_name: str
    trade: str
    commune: str
    vouchers: int
    cents: int


def spent_by_merchant(
    session: ReadSession, *, programme_id: int, from_on: date | None = None, to_on: date | None = None
) -> list[SpentAt]:
    """Every merchant of the programme, those with the most first, those with nothing included.

    Of the Paris days `from_on` to `to_on`, each end included, where they are given; a reversal counts on its own day.
    """
    used: dict[str, list[int]] = {}
    for account, other, sign in ((posting.c.credit, posting.c.debit, 1), (posting.c.debit, posting.c.credit, -1)):
        # Between the float and a merchant there is nothing but redemption one way and reversal the other.
        sums = (
            select(account, func.count(), func.sum(posting.c.cents))
            .where(posting.c.programme_id == programme_id, other == chart.FLOAT, account.like("merchant:%"))
            .group_by(account)
        )
        if from_on is not None or to_on is not None:
            sums = sums.join(journal, _of_posting()).where(*_between(from_on, to_on))
        for owner, vouchers, cents in session.execute(sums):
            held = used.setdefault(owner, [0, 0])
            held[0] += sign * vouchers
            held[1] += sign * int(cents)
    shops = session.execute(
        select(merchant.c.id, merchant.c.shop_name, merchant.c.trade, merchant.c.commune).where(
            merchant.c.programme_id == programme_id
        )
    )
    spent = [SpentAt(*shop, *used.get(chart.merchant(shop.id), (0, 0))) for shop in shops]
    return sorted(spent, key=lambda shop: (-shop.cents, shop.merchant_id))


def spent_by_trade(session: ReadSession, *, programme_id: int) -> list[Spent]:
    """By the merchants' trade, the most first."""
    return spent_under(spent_by_merchant(session, programme_id=programme_id), name=lambda shop: shop.trade)


def spent_by_commune(session: ReadSession, *, programme_id: int) -> list[Spent]:
    """By the commune the shops are in, the most first."""
    return spent_under(spent_by_merchant(session, programme_id=programme_id), name=lambda shop: shop.commune)


def spent_under(shops: list[SpentAt], *, name: Callable[[SpentAt], str]) -> list[Spent]:
    """What the shops of each name took together, the most first."""
    grouped = [(found, list(members)) for found, members in groupby(sorted(shops, key=name), key=name)]
    spent = [
        Spent(found, sum(shop.vouchers for shop in members), sum(shop.cents for shop in members))
        for found, members in grouped
    ]
    return sorted(spent, key=lambda under: (-under.cents, under.name))


@dataclass(frozen=True, slots=True)
class Week:
    """What was booked in the ISO week `year`-W`week` (Paris days), which `begins_on` a Monday; can be below zero."""

    year: int
    week: int
    begins_on: date
    cents: int


def spent_by_week(
    session: ReadSession, *, programme_id: int, from_on: date | None = None, to_on: date | None = None
) -> list[Week]:
    """From the first week with a redemption to the last, none left out; of days `from_on` to `to_on` where given.

    A reversal counts in the week it was made, so that the figure of a week that is over never changes.
    """
    by_day = (
        select(
            journal.c.book_day, func.sum(case((journal.c.kind == "redeemed", posting.c.cents), else_=-posting.c.cents))
        )
        .join(posting, _of_posting())
        .where(
            journal.c.programme_id == programme_id,
            journal.c.kind.in_(("redeemed", "reversed")),
            *_between(from_on, to_on),
        )
        .group_by(journal.c.book_day)
    )
    mondays: dict[date, int] = {}
    for day, cents in session.execute(by_day):
        monday = day - timedelta(days=day.weekday())
        mondays[monday] = mondays.get(monday, 0) + int(cents)
    weeks = []
    monday = min(mondays, default=None)
    while monday is not None and monday <= max(mondays):
        year, week, _ = monday.isocalendar()
        weeks.append(Week(year, week, monday, mondays.get(monday, 0)))
        monday += timedelta(days=7)
    return weeks


def first_spent_on(session: ReadSession, *, programme_id: int) -> date | None:
    """The day of the first redemption; None before there was one."""
    first = (
        select(journal.c.book_day)
        .where(journal.c.programme_id == programme_id, journal.c.kind == "redeemed")
        .order_by(journal.c.id)
        .limit(1)
    )
    return session.execute(first).scalar_one_or_none()


def _of_posting() -> ColumnElement[bool]:
    return and_(posting.c.programme_id == journal.c.programme_id, posting.c.journal_id == journal.c.id)


def _between(from_on: date | None, to_on: date | None) -> list[ColumnElement[bool]]:
    ends = []
    if from_on is not None:
        ends.append(journal.c.book_day >= from_on)
    if to_on is not None:
        ends.append(journal.c.book_day <= to_on)
    return ends


# ── With what effect ─────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Leverage:
    """What customers spent in all for what vouchers paid, where a till typed the total of the sale.

    `sale_cents` and `voucher_cents` are of the `known` redemptions, out of `redemptions` in all worth `cents`; what
    was reversed is taken off, and a redemption reversed in whole is not counted. `ratio_bp`: sale to voucher, 10 000
    being one for one, rounded down; `coverage_bp` and `coverage_cents_bp`: how much of the redemptions, by number and
    by value, the figure rests on. None where there is nothing to divide by.
    """

    sale_cents: int
    voucher_cents: int
    known: int
    redemptions: int
    cents: int

    @property
    def ratio_bp(self) -> int | None:
        return _basis_points(self.sale_cents, self.voucher_cents)

    @property
    def coverage_bp(self) -> int | None:
        return _basis_points(self.known, self.redemptions)

    @property
    def coverage_cents_bp(self) -> int | None:
        return _basis_points(self.voucher_cents, self.cents)


def _basis_points(part: int, whole: int) -> int | None:
    return part * 10_000 // whole if whole else None


def leverage(session: ReadSession, *, programme_id: int) -> Leverage:
    """Measured at the tills, not estimated; see `Leverage` for what is counted."""
    known = redemption.c.sale_cents.is_not(None)
    accepted = session.execute(
        select(
            func.coalesce(func.sum(redemption.c.sale_cents), 0),
            func.coalesce(func.sum(case((known, redemption.c.cents), else_=0)), 0),
            func.coalesce(func.sum(case((known, 1), else_=0)), 0),
            func.count(),
            func.coalesce(func.sum(redemption.c.cents), 0),
        ).where(redemption.c.programme_id == programme_id)
    ).one()
    back = (
        select(
            redemption.c.cents,
            redemption.c.sale_cents,
            func.sum(posting.c.cents).label("back_cents"),
        )
        .select_from(reversal)
        .join(
            redemption,
            and_(
                redemption.c.programme_id == reversal.c.programme_id,
                redemption.c.journal_id == reversal.c.redemption_id,
            ),
        )
        .join(
            posting,
            and_(
                posting.c.programme_id == reversal.c.programme_id,
                posting.c.journal_id == reversal.c.redemption_id,
                posting.c.serial == reversal.c.serial,
            ),
        )
        .where(reversal.c.programme_id == programme_id)
        .group_by(reversal.c.redemption_id, redemption.c.cents, redemption.c.sale_cents)
        .subquery()
    )
    whole, was_known = back.c.back_cents == back.c.cents, back.c.sale_cents.is_not(None)
    undone = session.execute(
        select(
            func.coalesce(func.sum(case((whole, back.c.sale_cents), else_=0)), 0),
            func.coalesce(func.sum(case((was_known, back.c.back_cents), else_=0)), 0),
            func.coalesce(func.sum(case((and_(whole, was_known), 1), else_=0)), 0),
            func.coalesce(func.sum(case((whole, 1), else_=0)), 0),
            func.coalesce(func.sum(back.c.back_cents), 0),
        )
    ).one()
    return Leverage(*(int(given) - int(taken) for given, taken in zip(accepted, undone, strict=True)))
