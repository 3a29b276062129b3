"""What deserves a look in what the tills took lately, and what was said of it. The rules are in `patterns.py`.

One pass over the redemptions of the window finds the tills and hours that were busy; only of those the vouchers are
read. A shop's own hours come from its profile. What somebody looked at is not shown again.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any, Final

from sqlalchemy import BigInteger, and_, func, select, type_coerce

from vouchers import chart, clock, identity, ledger, opening, patterns
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import BadInput, NotFound
from vouchers.ledger import Fact
from vouchers.patterns import Pattern, Use
from vouchers.rules import Rules, rules, take_turn
from vouchers.tables import (
    acceptance,
    journal,
    merchant,
    order_line,
    posting,
    redemption,
    reversal,
    shop_profile,
    voucher,
    watched,
)

WINDOW: Final = timedelta(days=60)
"""The longest look back: what is older was settled."""
DECISIONS: Final = ("fine", "held")
REASON_CHARS: Final = 300
MOST_LISTED: Final = 500
_AT_ONCE: Final = 500
_MINUTE: Final = 60_000_000
_DAY: Final = 24 * 60
_SLOT: Final = 30
"""Minutes of one stretch of a till's day; two in a row are read together."""
_THURSDAY: Final = 3
"""The weekday on which 1970 began."""


@dataclass(frozen=True, slots=True)
class Sight:
    """A pattern, and the shop it was seen at."""

    pattern: Pattern
    shop_name: str
    commune: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A pattern that somebody looked at. `decision`: 'fine', or 'held' with the number of the hold that was laid."""

    kind: str
    subject: str
    merchant_id: int
    shop_name: str
    decision: str
    because: str
    decided_by: str
    decided_at: datetime
    hold_number: int | None


def sights(
    session: ReadSession, *, programme_id: int, at: datetime, since: timedelta = WINDOW, kinds: Collection[str] = ()
) -> list[Sight]:
    """What deserves a look in the time before `at` and nobody looked at, the newest first. Refuses `NotFound`."""
    programme = rules(session, programme_id=programme_id)
    first_at = at - min(since, WINDOW)
    pass_over = _Pass(
        least_face=_least_face(session, programme_id=programme_id),
        partial=programme.use_rule == "partial",
        offsets=_offsets(first_at, at),
        hours=_hours(session, programme_id=programme_id),
    )
    first = _first_journal(session, programme_id=programme_id, from_on=clock.book_day(first_at))
    for row in session.execute(_baskets(programme_id=programme_id, first_journal=first, first_at=first_at)):
        pass_over.take(*row)
    wanted = frozenset(kinds) or frozenset(patterns.KINDS)
    found = [
        one
        for one in _found(session, programme=programme, pass_over=pass_over, first=first, first_at=first_at, at=at)
        if one.kind in wanted
    ]
    looked_at = select(watched.c.pattern, watched.c.subject).where(watched.c.programme_id == programme_id)
    known = {(row.pattern, row.subject) for row in session.execute(looked_at)}
    fresh = [one for one in found if (one.kind, one.subject) not in known]
    shops = _shops(session, programme_id=programme_id, merchant_ids={one.merchant_id for one in fresh})
    fresh.sort(key=lambda one: (one.last_at, one.kind, one.subject), reverse=True)
    return [Sight(one, *shops[one.merchant_id]) for one in fresh]


def find(
    session: ReadSession, *, programme_id: int, kind: str, subject: str, at: datetime, since: timedelta = WINDOW
) -> Sight:
    """One that nobody looked at yet, `since` as in the list it was found in. Refuses `NotFound`."""
    for one in sights(session, programme_id=programme_id, at=at, since=since, kinds=(kind,)):
        if (one.pattern.kind, one.pattern.subject) == (kind, subject):
            return one
    raise NotFound(what="observation", id=subject[:60])


def decide(
    session: WriteSession,
    *,
    programme_id: int,
    kind: str,
    subject: str,
    because: str,
    hold_number: int | None,
    actor: str,
    at: datetime,
    since: timedelta = WINDOW,
) -> Seen:
    """Say of a pattern that there is nothing in it, or with `hold_number` that the shop's settlement is held for it.

    Refuses, in order: `BadInput` (because), `NotFound` (not there, or somebody was quicker).
    """
    why = identity.name(because, field="because", most=REASON_CHARS)
    if kind not in patterns.KINDS:
        raise BadInput(field="kind", problem="one_of", words=", ".join(patterns.KINDS))
    take_turn(session, programme_id=programme_id)
    sight = find(session, programme_id=programme_id, kind=kind, subject=subject, at=at, since=since)
    decision = "fine" if hold_number is None else "held"

    # From here it must succeed.
    said = {"pattern": kind, "subject": subject, "merchant_id": sight.pattern.merchant_id, "decision": decision}
    told = {"because": why, "decided_by": actor, "decided_at": at, "hold_number": hold_number}
    session.execute(watched.insert().values(programme_id=programme_id, **said, **told))
    about = chart.merchant(sight.pattern.merchant_id)
    fact = Fact("watched", at, actor, about, f"{kind} {subject} {decision}")
    ledger.post(session, programme_id=programme_id, fact=fact)
    return Seen(kind, subject, sight.pattern.merchant_id, sight.shop_name, decision, why, actor, at, hold_number)


def seen(session: ReadSession, *, programme_id: int, limit: int = 50) -> list[Seen]:
    """What was looked at, the newest first, `limit` at most (up to 500)."""
    told = (
        select(
            watched.c.pattern,
            watched.c.subject,
            watched.c.merchant_id,
            merchant.c.shop_name,
            watched.c.decision,
            watched.c.because,
            watched.c.decided_by,
            watched.c.decided_at,
            watched.c.hold_number,
        )
        .join(merchant, merchant.c.id == watched.c.merchant_id)
        .where(watched.c.programme_id == programme_id)
        .order_by(watched.c.decided_at.desc(), watched.c.pattern, watched.c.subject)
        .limit(min(limit, MOST_LISTED))
    )
    return [Seen(*row) for row in session.execute(told)]


# ── The pass over what was taken ─────────────────────────────────────────────────────────────────────────────────
@dataclass(slots=True)
class _Pass:
    """What one pass over the baskets leaves: counts by shop, and the baskets whose vouchers have to be read.

    Instants are microseconds here, as stored: a hundred thousand of them are looked at.
    """

    least_face: int
    partial: bool
    offsets: Sequence[tuple[int, int]]
    hours: dict[int, list[list[tuple[int, int]]]]
    by_slot: dict[tuple[int, int], list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    alike: dict[tuple[int, int, int], list[int]] = field(default_factory=lambda: defaultdict(list))
    outside: dict[tuple[int, int], list[int]] = field(default_factory=lambda: defaultdict(list))
    taken: dict[int, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    days: set[tuple[int, int]] = field(default_factory=set)
    of_till: Counter[tuple[int, int]] = field(default_factory=Counter)
    of_week: Counter[tuple[int, int]] = field(default_factory=Counter)

    def take(self, number: int, merchant_id: int, till_id: int, at: int, cents: int) -> None:
        """One basket."""
        offset = self.offsets[0][1]
        for start, later in self.offsets[1:]:
            if at >= start:
                offset = later
        minute = at // _MINUTE + offset
        day, of_day = divmod(minute, _DAY)
        week = (day + _THURSDAY) // 7
        weekday = (day + _THURSDAY) % 7
        total = self.taken[merchant_id]
        total[0] += 1
        total[1] += cents
        self.days.add((merchant_id, day))
        self.of_till[till_id, day] += 1
        self.of_week[merchant_id, week] += 1
        self.by_slot[till_id, minute // _SLOT].append((number, cents))
        if self.partial:
            self.alike[till_id, day, cents].append(number)
        known = self.hours.get(merchant_id)
        if known is None:
            if of_day >= patterns.NIGHT[0] or of_day < patterns.NIGHT[1]:
                self.outside[merchant_id, week].append(number)
        elif not any(opens <= of_day < closes for opens, closes in known[weekday]):
            self.outside[merchant_id, week].append(number)

    def busy(self) -> set[int]:
        """Baskets of two half hours in a row in which a till took enough for a burst or a sequence."""
        found: set[int] = set()
        for (till_id, slot), baskets in self.by_slot.items():
            both = baskets + self.by_slot.get((till_id, slot + 1), [])
            enough = sum(cents for _number, cents in both) >= patterns.SEQUENCE_VOUCHERS * self.least_face
            if len(both) >= patterns.BURST_BASKETS or (enough and len(both) >= patterns.SEQUENCE_BASKETS):
                found.update(number for number, _cents in both)
        return found

    def same(self) -> set[int]:
        """Baskets of an amount that a till took often on one day."""
        return set(chain.from_iterable(same for same in self.alike.values() if len(same) >= patterns.SAME_BASKETS))

    def outsiders(self) -> set[int]:
        """Baskets out of hours, of shops that have several in a week."""
        return set(chain.from_iterable(out for out in self.outside.values() if len(out) >= patterns.OUTSIDE_BASKETS))

    def baskets_a_day(self) -> dict[int, int]:
        """By shop, over the days on which it took any, rounded up."""
        days = Counter(merchant_id for merchant_id, _day in self.days)
        return {merchant_id: -(-taken[0] // days[merchant_id]) for merchant_id, taken in self.taken.items()}

    def baskets_by_day(self) -> dict[tuple[int, date], int]:
        """By till and Paris day."""
        return {(till_id, _EPOCH + timedelta(days=day)): count for (till_id, day), count in self.of_till.items()}

    def baskets_by_week(self) -> dict[tuple[int, date], int]:
        """By shop and the Monday of the week."""
        return {
            (merchant_id, _EPOCH + timedelta(days=week * 7 - _THURSDAY)): count
            for (merchant_id, week), count in self.of_week.items()
        }


_EPOCH: Final = date(1970, 1, 1)


def _offsets(first_at: datetime, at: datetime) -> list[tuple[int, int]]:
    """From which instant (microseconds) Paris was how many minutes ahead of UTC; the first holds before it too."""
    changes: list[tuple[int, int]] = []
    hour = first_at.replace(minute=0, second=0, microsecond=0)
    while hour <= at + timedelta(hours=1):
        ahead = hour.astimezone(clock.PARIS).utcoffset() or timedelta()
        minutes = ahead // timedelta(minutes=1)
        if not changes or changes[-1][1] != minutes:
            changes.append((clock.micros(hour), minutes))
        hour += timedelta(hours=1)
    return changes


# ── What is read ─────────────────────────────────────────────────────────────────────────────────────────────────
def _first_journal(session: ReadSession, *, programme_id: int, from_on: date) -> int:
    # By the day's index: redemptions have none by time alone, and one more would cost every redemption.
    first = (
        select(journal.c.id)
        .where(journal.c.programme_id == programme_id, journal.c.book_day >= from_on)
        .order_by(journal.c.book_day, journal.c.id)
        .limit(1)
    )
    return session.execute(first).scalar_one_or_none() or ledger.MAX_JOURNAL


def _baskets(*, programme_id: int, first_journal: int, first_at: datetime) -> Any:
    """(number, shop, till, microseconds, cents) of what tills took; what was taken at the desk is paper by post."""
    return select(
        redemption.c.journal_id,
        redemption.c.merchant_id,
        redemption.c.till_id,
        type_coerce(redemption.c.at, BigInteger),
        redemption.c.cents,
    ).where(
        redemption.c.programme_id == programme_id,
        redemption.c.journal_id >= first_journal,
        redemption.c.till_id.is_not(None),
        redemption.c.at >= first_at,
    )


def _least_face(session: ReadSession, *, programme_id: int) -> int:
    least = select(func.min(order_line.c.face_cents)).where(order_line.c.programme_id == programme_id)
    return int(session.execute(least).scalar_one() or 0)


def _hours(session: ReadSession, *, programme_id: int) -> dict[int, list[list[tuple[int, int]]]]:
    """By shop whose hours are known, for each weekday from and until in minutes, the grace in them."""
    told = select(shop_profile.c.merchant_id, shop_profile.c.hours).where(shop_profile.c.programme_id == programme_id)
    weeks: dict[str, list[list[tuple[int, int]]]] = {}
    known: dict[int, list[list[tuple[int, int]]]] = {}
    for merchant_id, text in session.execute(told):
        week = weeks.get(text)
        if week is None:
            grace = patterns.OUTSIDE_GRACE
            days = opening.from_json(text).days
            week = weeks[text] = [[(span.opens - grace, span.closes + grace) for span in day] for day in days]
        if any(week):
            known[merchant_id] = week
    return known


def _found(
    session: ReadSession, *, programme: Rules, pass_over: _Pass, first: int, first_at: datetime, at: datetime
) -> Iterator[Pattern]:
    programme_id = programme.programme_id
    busy, same, outside = pass_over.busy(), pass_over.same(), pass_over.outsiders()
    uses = _uses(session, programme_id=programme_id, numbers=sorted(busy | same | outside))
    yield from patterns.in_busy_hours(
        (use for use in uses if use.redemption_id in busy), ordinary=pass_over.baskets_a_day()
    )
    yield from patterns.same_cents(
        (use for use in uses if use.redemption_id in same), baskets=pass_over.baskets_by_day()
    )
    outsiders = (use for use in uses if use.redemption_id in outside and _is_outside(pass_over, use))
    yield from patterns.out_of_hours(outsiders, baskets=pass_over.baskets_by_week())
    undone = _late_reversals(session, programme=programme, first_journal=first, first_at=first_at)
    yield from patterns.late_reversals(undone, baskets=pass_over.baskets_by_week())
    taken = {merchant_id: (one[0], one[1]) for merchant_id, one in pass_over.taken.items()}
    yield from patterns.unusual_shares(taken, first_at=first_at, last_at=at)


def _is_outside(pass_over: _Pass, use: Use) -> bool:
    """Once more, by when a till without network really took it."""
    local = use.at.astimezone(clock.PARIS)
    minute = local.hour * 60 + local.minute
    known = pass_over.hours.get(use.merchant_id)
    if known is None:
        return minute >= patterns.NIGHT[0] or minute < patterns.NIGHT[1]
    return not any(opens <= minute < closes for opens, closes in known[local.weekday()])


def _uses(session: ReadSession, *, programme_id: int, numbers: Sequence[int]) -> list[Use]:
    """The vouchers of these baskets. `at`: when they were taken, where that was without network."""
    found: list[Use] = []
    for start in range(0, len(numbers), _AT_ONCE):
        rows = session.execute(
            _parts(programme_id).where(redemption.c.journal_id.in_(numbers[start : start + _AT_ONCE]))
        )
        found.extend(Use(*row) for row in rows)
    return found


def _parts(programme_id: int) -> Any:
    return (
        select(
            redemption.c.journal_id,
            redemption.c.merchant_id,
            redemption.c.till_id,
            func.coalesce(acceptance.c.accepted_at, redemption.c.at, type_=redemption.c.at.type),
            redemption.c.cents.label("basket"),
            posting.c.serial,
            voucher.c.batch_number,
            posting.c.cents,
        )
        .select_from(redemption)
        .join(
            posting,
            and_(posting.c.programme_id == redemption.c.programme_id, posting.c.journal_id == redemption.c.journal_id),
        )
        .join(voucher, and_(voucher.c.programme_id == posting.c.programme_id, voucher.c.serial == posting.c.serial))
        .outerjoin(
            acceptance,
            and_(
                acceptance.c.programme_id == redemption.c.programme_id,
                acceptance.c.redemption_id == redemption.c.journal_id,
            ),
        )
        .where(redemption.c.programme_id == programme_id)
    )


def _late_reversals(session: ReadSession, *, programme: Rules, first_journal: int, first_at: datetime) -> Iterator[Use]:
    """What shops undid later than while the customer stood there; what the treasurer put right is none of it."""
    window = timedelta(minutes=programme.reversal_window_minutes)
    undone = (
        select(
            redemption.c.journal_id,
            redemption.c.merchant_id,
            redemption.c.till_id,
            journal.c.at,
            redemption.c.cents,
            reversal.c.serial,
            voucher.c.batch_number,
            posting.c.cents.label("part"),
            redemption.c.at.label("taken_at"),
        )
        .select_from(journal)
        .join(reversal, and_(reversal.c.programme_id == journal.c.programme_id, reversal.c.journal_id == journal.c.id))
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
        .join(voucher, and_(voucher.c.programme_id == reversal.c.programme_id, voucher.c.serial == reversal.c.serial))
        .where(
            journal.c.programme_id == programme.programme_id,
            journal.c.kind == "reversed",
            reversal.c.redemption_id >= first_journal,
            journal.c.id >= first_journal,
            journal.c.at >= first_at,
            redemption.c.till_id.is_not(None),
        )
    )
    for *use, taken_at in session.execute(undone):
        later = use[3] - taken_at
        if patterns.LATE_AFTER <= later <= window:
            yield Use(*use)


def _shops(session: ReadSession, *, programme_id: int, merchant_ids: Collection[int]) -> dict[int, tuple[str, str]]:
    named = select(merchant.c.id, merchant.c.shop_name, merchant.c.commune).where(
        merchant.c.programme_id == programme_id, merchant.c.id.in_(merchant_ids)
    )
    return {row.id: (row.shop_name, row.commune) for row in session.execute(named)}
