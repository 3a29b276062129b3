"""Patterns in what tills took that deserve a look: rules of thumb with their reasons, and what each rests on.

None of them proves anything. A market stall is quick, a grandmother spends her eight vouchers at once, a menu costs
12,50 € every day. What a pattern says is: here a person should look, and here is what to look at. There is no score.

Pure functions of what was taken. Whoever reads the books (`watch.py`) brings the uses of the tills that were busy.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Final

from vouchers import clock
from vouchers.money import is_whole_euros

KINDS: Final = ("burst", "sequence", "same_cents", "out_of_hours", "late_reversals", "share")

BURST_BASKETS: Final = 12
BURST_WITHIN: Final = timedelta(minutes=5)
"""A customer every 25 seconds for five minutes: more than one till takes with one pair of hands."""
SEQUENCE_VOUCHERS: Final = 8
SEQUENCE_WITHIN: Final = timedelta(minutes=30)
SEQUENCE_BASKETS: Final = 3
"""Serials that follow one another were handed out together, two to five a household as a rule. Eight in three baskets
are three neighbours of the list at one till within half an hour, or a pile of paper that never was with its people."""
SAME_BASKETS: Final = 6
"""In one day, at one till, where a voucher can be spent in part: an amount that is not a whole number of euros."""
OUTSIDE_BASKETS: Final = 3
OUTSIDE_GRACE: Final = 60
"""Minutes before opening and after closing that are nobody's business: the till is counted, a neighbour is served."""
NIGHT: Final = (23 * 60, 5 * 60)
"""Between these minutes of the Paris day, where nobody told the shop's hours."""
LATE_REVERSALS: Final = 3
LATE_AFTER: Final = timedelta(minutes=5)
"""A mistake is seen while the customer stands there. Undone five minutes later, three times in a week, the goods may
have stayed with the customer, or the voucher's money with the shop's next one."""
SHARE_BASKETS: Final = 30
SHARE_SHOPS: Final = 10
SHARE_TIMES: Final = 5
SHARE_BASIS_POINTS: Final = 1_000
"""A tenth of all that was spent, and five times an even share, over thirty baskets, among ten shops or more."""
MOST_SHOWN: Final = 20
"""Uses shown as evidence of one pattern; all are counted."""


@dataclass(frozen=True, slots=True)
class Use:
    """One voucher's part in a basket: when the till took it, which voucher, how much of it."""

    redemption_id: int
    merchant_id: int
    till_id: int
    at: datetime
    basket_cents: int
    serial: int
    batch_number: int
    cents: int


@dataclass(frozen=True, slots=True)
class Pattern:
    """One thing to look at. `kind` and `subject` name it for good, so that it is looked at once.

    `count`: baskets (burst, same_cents, out_of_hours, share), vouchers (sequence) or reversals (late_reversals), worth
    `cents` together. `ordinary` to compare it with: baskets a day at this shop (burst, sequence), baskets of this till
    on that day (same_cents), of this shop in that week (out_of_hours, late_reversals), shops that took any (share).
    """

    kind: str
    subject: str
    merchant_id: int
    first_at: datetime
    last_at: datetime
    count: int
    cents: int
    ordinary: int
    uses: tuple[Use, ...] = ()


def in_busy_hours(uses: Iterable[Use], *, ordinary: dict[int, int]) -> Iterator[Pattern]:
    """Bursts and sequences, one of each at most a till and Paris day. `ordinary`: by merchant, see `Pattern`."""
    for (till_id, day), of_day in _by_till_and_day(uses):
        quick = _densest(_first_of_baskets(of_day), within=BURST_WITHIN)
        if len(quick) >= BURST_BASKETS:
            among = {use.redemption_id for use in quick}
            shown = [use for use in of_day if use.redemption_id in among]
            usual = ordinary.get(of_day[0].merchant_id, 0)
            yield _pattern("burst", f"{till_id}/{day}", shown, count=len(quick), ordinary=usual)
        for batch_number, run in _runs(of_day):
            usual = ordinary.get(run[0].merchant_id, 0)
            yield _pattern("sequence", f"{till_id}/{day}/{batch_number}", run, count=len(run), ordinary=usual)


def same_cents(uses: Iterable[Use], *, baskets: dict[tuple[int, date], int]) -> Iterator[Pattern]:
    """The same amount again and again, at one till on one day. `baskets`: all of that till's on that day."""
    for (till_id, day), of_day in _by_till_and_day(uses):
        by_amount = sorted(of_day, key=lambda use: use.basket_cents)
        for cents, same in groupby(by_amount, key=lambda use: use.basket_cents):
            alike = sorted(same, key=lambda use: use.at)
            count = len(_first_of_baskets(alike))
            if count >= SAME_BASKETS and not is_whole_euros(cents):
                usual = baskets.get((till_id, day), count)
                yield _pattern("same_cents", f"{till_id}/{day}/{cents}", alike, count=count, ordinary=usual)


def out_of_hours(uses: Iterable[Use], *, baskets: dict[tuple[int, date], int]) -> Iterator[Pattern]:
    """Of uses that were all out of hours: shops with several in one week. `baskets`: all of that shop's that week."""
    ordered = sorted(uses, key=lambda use: (use.merchant_id, use.at, use.redemption_id))
    for (merchant_id, monday), week in groupby(ordered, key=lambda use: (use.merchant_id, monday_of(use.at))):
        outside = list(week)
        count = len(_first_of_baskets(outside))
        if count >= OUTSIDE_BASKETS:
            usual = baskets.get((merchant_id, monday), count)
            yield _pattern("out_of_hours", f"{merchant_id}/{monday}", outside, count=count, ordinary=usual)


def late_reversals(undone: Iterable[Use], *, baskets: dict[tuple[int, date], int]) -> Iterator[Pattern]:
    """Of uses that were all undone late (`at`: when): shops with several in one week."""
    ordered = sorted(undone, key=lambda use: (use.merchant_id, use.at, use.redemption_id))
    for (merchant_id, monday), week in groupby(ordered, key=lambda use: (use.merchant_id, monday_of(use.at))):
        late = list(week)
        count = len(_first_of_baskets(late))
        if count >= LATE_REVERSALS:
            usual = baskets.get((merchant_id, monday), count)
            yield _pattern("late_reversals", f"{merchant_id}/{monday}", late, count=count, ordinary=usual)


def unusual_shares(taken: dict[int, tuple[int, int]], *, first_at: datetime, last_at: datetime) -> Iterator[Pattern]:
    """Shops that take far more than an even share. `taken`: by merchant, (baskets, cents) of the whole time."""
    whole = sum(cents for _baskets, cents in taken.values())
    if len(taken) < SHARE_SHOPS or whole <= 0:
        return
    for merchant_id, (baskets, cents) in sorted(taken.items()):
        even = cents * len(taken) >= SHARE_TIMES * whole
        if baskets >= SHARE_BASKETS and even and cents * 10_000 >= SHARE_BASIS_POINTS * whole:
            subject = f"{merchant_id}/{clock.book_day(last_at):%Y-%m}"
            yield Pattern("share", subject, merchant_id, first_at, last_at, baskets, cents, len(taken))


def monday_of(at: datetime) -> date:
    """The Monday of the Paris week of an instant."""
    day = clock.book_day(at)
    return day - timedelta(days=day.weekday())


def _pattern(kind: str, subject: str, uses: Sequence[Use], *, count: int, ordinary: int) -> Pattern:
    cents = sum(use.cents for use in uses)
    times = [use.at for use in uses]
    shown = tuple(uses[:MOST_SHOWN])
    return Pattern(kind, subject, uses[0].merchant_id, min(times), max(times), count, cents, ordinary, shown)


def _by_till_and_day(uses: Iterable[Use]) -> Iterator[tuple[tuple[int, date], list[Use]]]:
    ordered = sorted(uses, key=lambda use: (use.till_id, use.at, use.redemption_id, use.serial))
    for key, of_day in groupby(ordered, key=lambda use: (use.till_id, clock.book_day(use.at))):
        yield key, list(of_day)


def _first_of_baskets(uses: Sequence[Use]) -> list[Use]:
    """One use a basket, in the order given."""
    return list({use.redemption_id: use for use in reversed(uses)}.values())[::-1]


def _densest(uses: Sequence[Use], *, within: timedelta) -> Sequence[Use]:
    """The most of `uses` (in order of time) that lie within so long of one another."""
    best, start = (0, 0), 0
    for end, use in enumerate(uses, start=1):
        while use.at - uses[start].at > within:
            start += 1
        best = max(best, (start, end), key=lambda span: span[1] - span[0])
    return uses[best[0] : best[1]]


def _runs(of_day: Sequence[Use]) -> Iterator[tuple[int, list[Use]]]:
    """Of each batch the longest run of serials, taken in a few baskets within half an hour, where it is long."""
    by_batch = sorted(of_day, key=lambda use: (use.batch_number, use.serial))
    for batch_number, members in groupby(by_batch, key=lambda use: use.batch_number):
        longest: list[Use] = []
        for run in _islands(members):
            quick = _densest(sorted(run, key=lambda use: (use.at, use.serial)), within=SEQUENCE_WITHIN)
            longest = max(longest, *_islands(quick), key=len)
        if len(longest) >= SEQUENCE_VOUCHERS and len(_first_of_baskets(longest)) >= SEQUENCE_BASKETS:
            yield batch_number, longest


def _islands(uses: Iterable[Use]) -> Iterator[list[Use]]:
    """Those whose serials follow one another, each serial once."""
    known = {use.serial: use for use in uses}
    numbered = enumerate(sorted(known))
    for _offset, island in groupby(numbered, key=lambda placed: placed[1] - placed[0]):
        yield [known[serial] for _place, serial in island]
