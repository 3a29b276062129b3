"""When the target will be reached at the pace of the last weeks; or why nobody can say. A pure function of figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

WEEKS: Final = 4
"""Whole weeks the pace is taken from: one market day or holiday more or less does not turn it around."""
_FARTHEST: Final = timedelta(days=3 * 365)
"""Beyond, a date would only look like knowledge."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """`says`: 'reached'; 'on' (the day it will be at this pace); 'too_late' (that day is after the vouchers' last
    one); 'too_slow' (nothing moves, or a day too far away to be named); 'too_early' (not yet four whole weeks).

    `pace`: cents a week over the last four whole weeks, rounded down; None where it is too early.
    """

    says: str
    on: date | None
    pace: int | None


def reached_on(
    *, reached: int, target: int, weeks: Sequence[tuple[date, int]], begun_on: date | None, today: date, last_day: date
) -> Forecast:
    """The day on which `target` is reached, cents like `reached` and what each of `weeks` (by its Monday) brought.

    Counted are the four weeks before the one `today` is in; one without a line brought nothing. `begun_on`: the first
    day that brought anything. `last_day`: until when vouchers can be spent.
    """
    monday = today - timedelta(days=today.weekday())
    counted = [monday - timedelta(days=7 * ago) for ago in range(1, WEEKS + 1)]
    lately = sum(cents for week, cents in weeks if week in counted)
    pace = lately // WEEKS
    if reached >= target:
        return Forecast("reached", None, pace)
    if begun_on is None or begun_on >= counted[-1] + timedelta(days=7):
        return Forecast("too_early", None, None)
    if lately <= 0:
        return Forecast("too_slow", None, pace)
    days = -(-(target - reached) * 7 * WEEKS // lately)
    if days > _FARTHEST.days:
        return Forecast("too_slow", None, pace)
    on = today + timedelta(days=days)
    return Forecast("too_late" if on > last_day else "on", on, pace)
