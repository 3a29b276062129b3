"""The twelve-month counter: what an issuer's vouchers paid, against the sum that must be declared. Reads only.

Source: code monétaire et financier, art. L.521-3 II: whoever offers payment services for goods and services within a
limited network, or for a limited range, without a licence declares its activity to the ACPR as soon as the payments
executed in the twelve months before exceed 1 000 000 €. Whether a given programme is such a service is for a lawyer;
the limit is a setting (`paper_settings`). Counted are redemptions less reversals, each on its Paris day, of every
programme of the same issuer: the law counts by whoever offers the service.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import and_, case, func, select

from vouchers import chart, clock, ledger
from vouchers.db import ReadSession
from vouchers.money import share_of
from vouchers.paper_settings import settings_of
from vouchers.rules import rules
from vouchers.tables import journal, posting, programme

WARNING_BP: Final = 8_000
"""From this share of the limit on, the counter warns."""


@dataclass(frozen=True, slots=True)
class Rolling:
    """What was paid from `from_on` to `to_on`, twelve months, each day included; cents.

    `highest_cents`: the most that any twelve months ever reached, those that ended on `highest_on` first; None where
    nothing was paid yet. `programmes`: of how many programmes of the issuer.
    """

    from_on: date
    to_on: date
    cents: int
    highest_cents: int
    highest_on: date | None
    limit_cents: int
    programmes: int

    @property
    def warning_cents(self) -> int:
        """From where on a declaration is to be prepared."""
        return share_of(self.limit_cents, basis_points=WARNING_BP)

    @property
    def is_near(self) -> bool:
        """Whether the warning is due."""
        return self.cents >= self.warning_cents

    @property
    def was_exceeded(self) -> bool:
        """Whether any twelve months were ever above the limit."""
        return self.highest_cents > self.limit_cents


def rolling(session: ReadSession, *, programme_id: int, at: datetime) -> Rolling:
    """The twelve months that end on the day of `at`. Refuses `NotFound`."""
    of_issuer = _of_issuer(session, programme_id=programme_id)
    to_on = clock.book_day(at)
    from_on = begins(to_on)
    days = _by_day(session, programme_ids=of_issuer, to_on=to_on)
    highest_cents, highest_on = _highest(days, to_on=to_on)
    return Rolling(
        from_on=from_on,
        to_on=to_on,
        cents=sum(cents for day, cents in days if day >= from_on),
        highest_cents=highest_cents,
        highest_on=highest_on,
        limit_cents=settings_of(session, programme_id=programme_id).threshold_cents,
        programmes=len(of_issuer),
    )


def warning(session: ReadSession, *, programme_id: int, at: datetime) -> Rolling | None:
    """The counter where it warns, else None: cheap as long as all that was ever spent is below. Refuses `NotFound`."""
    of_issuer = _of_issuer(session, programme_id=programme_id)
    limit = settings_of(session, programme_id=programme_id).threshold_cents
    # All that ever left vouchers, whatever for: a sum of snapshots, where the days are read redemption by redemption.
    left = (ledger.turnover(session, programme_id=number, account=chart.FLOAT).debit_cents for number in of_issuer)
    if sum(left) < share_of(limit, basis_points=WARNING_BP):
        return None
    found = rolling(session, programme_id=programme_id, at=at)
    return found if found.is_near else None


def begins(to_on: date) -> date:
    """The first of the twelve months' days that end with `to_on`: 21 November 2025 for 20 November 2026."""
    try:
        year_before = to_on.replace(year=to_on.year - 1)
    except ValueError:
        year_before = date(to_on.year - 1, 2, 28)
    return year_before + timedelta(days=1)


def _of_issuer(session: ReadSession, *, programme_id: int) -> list[int]:
    issuer_id = rules(session, programme_id=programme_id).issuer_id
    return list(session.execute(select(programme.c.id).where(programme.c.issuer_id == issuer_id)).scalars())


def _by_day(session: ReadSession, *, programme_ids: Sequence[int], to_on: date) -> list[tuple[date, int]]:
    paid = (
        select(
            journal.c.book_day, func.sum(case((journal.c.kind == "redeemed", posting.c.cents), else_=-posting.c.cents))
        )
        .join(posting, and_(posting.c.programme_id == journal.c.programme_id, posting.c.journal_id == journal.c.id))
        .where(
            journal.c.programme_id.in_(programme_ids),
            journal.c.kind.in_(("redeemed", "reversed")),
            journal.c.book_day <= to_on,
        )
        .group_by(journal.c.book_day)
        .order_by(journal.c.book_day)
    )
    return [(day, int(cents)) for day, cents in session.execute(paid)]


def _highest(days: Sequence[tuple[date, int]], *, to_on: date) -> tuple[int, date | None]:
    """The most that twelve months ever held up to `to_on`, and the day they first did.

    They hold more when something is paid, and also when a day leaves them on which more was given back than paid.
    """
    changes = Counter(dict(days))
    for day, cents in days:
        changes[_leaves(day)] -= cents
    held, highest, highest_on = 0, 0, None
    for day in sorted(changes):
        held += changes[day]
        if day <= to_on and held > highest:
            highest, highest_on = held, day
    return highest, highest_on


def _leaves(day: date) -> date:
    """The first day whose twelve months no longer hold `day`: a year later, 1 March for a 29 February."""
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return date(day.year + 1, 3, 1)
