"""Accepting without network: whether a programme allows it and how far, and what a till is told beforehand.

A till asks for a snapshot while it has network: what is spendable, signed and dated, and how much it may accept until
the snapshot is too old. That much is leased to it: what all tills hold at a time stays within the programme's cap. The
first snapshot is whole, the following ones tell what has changed since.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, Row, Select, cast, delete, func, select, text, union, update

from vouchers import clock, codes, ledger, snapshots
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import OfflineNotAllowed
from vouchers.guarantee import OfflineRule, offline_rule_of, refuse_impossible, required_rule
from vouchers.ledger import Fact
from vouchers.rules import take_turn
from vouchers.snapshots import Class, Version
from vouchers.tables import journal, merchant, offline_lease, offline_rule, posting, till, voucher

_SETTLED_AFTER: Final = timedelta(minutes=10)
_OLDEST_SINCE: Final = timedelta(hours=48)
_AT_ONCE: Final = 1_000
_ROWS_AT_ONCE: Final = 5_000
_OPEN: Final = text("voucher.state IN ('printed', 'active')")
"""Written out, not bound: only so can either engine see that the index of open vouchers holds every one of them."""


# ── The rule ─────────────────────────────────────────────────────────────────────────────────────────────────────
def allow(session: WriteSession, *, programme_id: int, rule: OfflineRule, actor: str, at: datetime) -> OfflineRule:
    """Let tills accept without network, within these caps, or within others than before.

    The fact's reason is the rule's values in their order, so that a rule changed behind the house's back is told.
    Refuses `BadInput`, then `NotFound` (programme).
    """
    refuse_impossible(rule)
    take_turn(session, programme_id=programme_id)
    values = {name: getattr(rule, name) for name in OfflineRule.__slots__}
    kept = session.execute(
        update(offline_rule).where(offline_rule.c.programme_id == programme_id).values(**values)
    ).rowcount
    if not kept:
        session.execute(offline_rule.insert().values(programme_id=programme_id, **values))
    said = " ".join(str(value) for value in astuple(rule))
    fact = Fact("offline_allowed", at, actor, f"programme:{programme_id}", said)
    ledger.post(session, programme_id=programme_id, fact=fact)
    return rule


def forbid(session: WriteSession, *, programme_id: int, actor: str, at: datetime) -> None:
    """Nothing more is accepted without network; what was accepted is still judged. Refuses `OfflineNotAllowed`.

    A till that has no network hears of it at its next snapshot, and its own is at most a day old.
    """
    take_turn(session, programme_id=programme_id)
    if not session.execute(delete(offline_rule).where(offline_rule.c.programme_id == programme_id)).rowcount:
        raise OfflineNotAllowed
    fact = Fact("offline_forbidden", at, actor, f"programme:{programme_id}")
    ledger.post(session, programme_id=programme_id, fact=fact)


class Allowed(NamedTuple):
    """What a till is told of the rule: its own caps, and the key that signs its snapshots."""

    most_count: int
    most_cents: int
    max_age_minutes: int
    snapshot_key: str


def told(session: ReadSession, *, programme_id: int, pepper: bytes) -> Allowed | None:
    """What a till may do without network at best; None where the programme allows nothing."""
    rule = offline_rule_of(session, programme_id=programme_id)
    if rule is None:
        return None
    key = codes.base64url(snapshots.signing_point(pepper))
    return Allowed(rule.till_count, rule.till_cents, rule.max_age_minutes, key)


# ── Leases ───────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Lease:
    """What a till may accept on its next snapshot."""

    count: int
    cents: int
    max_age_minutes: int


def lease(session: WriteSession, *, programme_id: int, till_id: int, at: datetime) -> Lease:
    """Give a till its share of the programme's cap, in place of what it held: what other tills do not hold.

    Nothing is left when others hold everything, and a suspended shop is given nothing: the lease is then 0, and a
    snapshot still lets the till refuse forged and spent paper. Refuses `OfflineNotAllowed`.
    """
    take_turn(session, programme_id=programme_id)
    rule = required_rule(session, programme_id=programme_id)
    # What a revoked till accepted goes to review: it takes nobody's share. A suspended shop may be restored: it keeps
    # what it holds, and is given no more.
    unrevoked = select(till.c.id).where(till.c.programme_id == programme_id, till.c.revoked_at.is_(None))
    held_count, held_cents = session.execute(
        select(
            func.coalesce(func.sum(offline_lease.c.count), 0), func.coalesce(func.sum(offline_lease.c.cents), 0)
        ).where(
            offline_lease.c.programme_id == programme_id,
            offline_lease.c.till_id != till_id,
            offline_lease.c.until > at,
            offline_lease.c.till_id.in_(unrevoked),
        )
    ).one()
    working = unrevoked.join(merchant, merchant.c.id == till.c.merchant_id).where(merchant.c.state == "active")
    works = session.execute(working.where(till.c.id == till_id)).first() is not None
    given = Lease(
        max(0, min(rule.till_count, rule.programme_count - int(held_count))) if works else 0,
        max(0, min(rule.till_cents, rule.programme_cents - int(held_cents))) if works else 0,
        rule.max_age_minutes,
    )
    values = {
        "count": given.count,
        "cents": given.cents,
        "given_at": at,
        "until": at + timedelta(minutes=given.max_age_minutes),
    }
    own = offline_lease.c.programme_id == programme_id, offline_lease.c.till_id == till_id
    if not session.execute(update(offline_lease).where(*own).values(**values)).rowcount:
        session.execute(offline_lease.insert().values(programme_id=programme_id, till_id=till_id, **values))
    return given


# ── Snapshots ────────────────────────────────────────────────────────────────────────────────────────────────────
def snapshot(
    session: ReadSession,
    *,
    programme_id: int,
    till_id: int,
    given: Lease,
    since: str | None,
    pepper: bytes,
    at: datetime,
) -> str:
    """What is spendable, as a till with this lease is told it; sign it with `snapshots.signed`.

    Since a version of that till not older than 48 hours, what has changed; whole where there is none, or where that is
    less. A voucher is told when it is active, not past its last day, and issued since its prefix is kept; of more than
    255 classes the rarest are left out: their vouchers need the network.
    """
    newest = _newest_settled(session, programme_id=programme_id, at=at)
    version = Version(programme_id, till_id, newest, at, *astuple(given))
    known = None if since is None else snapshots.version_of(pepper, since)
    usable = (
        known is not None
        and _is_of_this_book(session, version=known)
        and (known.programme_id, known.till_id) == (programme_id, till_id)
        and at - _OLDEST_SINCE <= known.at <= at
    )
    salt = codes.offline_salt(pepper, programme_id)
    if usable and known is not None:
        serials = _touched_since(session, programme_id=programme_id, journal_id=known.journal)
        if _spendable_are(session, programme_id=programme_id, at=at, least=len(serials)):
            classes, put, drop = _changes(session, programme_id=programme_id, serials=serials, at=at)
            return snapshots.packed(version, pepper=pepper, salt=salt, since=since, classes=classes, put=put, drop=drop)
    classes, whole = _whole(session, programme_id=programme_id, at=at)
    return snapshots.packed(version, pepper=pepper, salt=salt, since=None, classes=classes, put=whole, drop=[])


def _newest_settled(session: ReadSession, *, programme_id: int, at: datetime) -> int:
    """The newest journal of which it is sure that every one before it can be seen too; 0 in an empty book.

    PostgreSQL shows journals out of their order: a number is drawn before its transaction is seen. No statement runs
    for more than two minutes (`db.py`), nor does a writer wait longer for its number, so whatever is older than ten
    was seen by now with all before it. What is told twice does no harm; what was never told would.
    """
    found = (
        select(journal.c.id)
        .where(journal.c.programme_id == programme_id, journal.c.at <= at - _SETTLED_AFTER)
        .order_by(journal.c.id.desc())
        .limit(1)
    )
    return int(session.execute(found).scalar() or 0)


def _is_of_this_book(session: ReadSession, *, version: Version) -> bool:
    """A restored house has other journals under the numbers that it gave since its copy."""
    then = select(journal.c.at).where(journal.c.programme_id == version.programme_id, journal.c.id == version.journal)
    at = session.execute(then).scalar()
    return at <= version.at - _SETTLED_AFTER if at is not None else version.journal == 0


def _spendable(programme_id: int, at: datetime) -> tuple[Any, ...]:
    return (
        voucher.c.programme_id == programme_id,
        _OPEN,
        voucher.c.state == "active",
        voucher.c.expires_on >= clock.book_day(at),
        voucher.c.offline_prefix.is_not(None),
    )


def _spendable_are(session: ReadSession, *, programme_id: int, at: datetime, least: int) -> bool:
    """Whether there are at least so many; none is counted beyond."""
    some = select(voucher.c.serial).where(*_spendable(programme_id, at)).limit(least).subquery()
    return int(session.execute(select(func.count()).select_from(some)).scalar_one()) == least


def _whole(session: ReadSession, *, programme_id: int, at: datetime) -> tuple[list[Class], Iterator[bytes]]:
    grouped = (
        select(voucher.c.balance_cents, voucher.c.expires_on)
        .where(*_spendable(programme_id, at))
        .group_by(voucher.c.balance_cents, voucher.c.expires_on)
        .order_by(func.count().desc(), voucher.c.expires_on, voucher.c.balance_cents)
        .limit(snapshots.MOST_CLASSES)
    )
    classes = [Class(*row) for row in session.execute(grouped)]
    numbers = {each: bytes([number]) for number, each in enumerate(classes)}

    def put() -> Iterator[bytes]:
        rows = session.execute(
            select(voucher.c.offline_prefix, voucher.c.balance_cents, voucher.c.expires_on).where(
                *_spendable(programme_id, at)
            ),
            execution_options={"stream_results": True, "yield_per": _ROWS_AT_ONCE},
        )
        for prefix, cents, expires_on in rows:
            number = numbers.get(Class(cents, expires_on))
            if number is not None:
                yield prefix + number

    return classes, put()


def _touched_since(session: ReadSession, *, programme_id: int, journal_id: int) -> list[int]:
    """The vouchers about which anything happened after a journal: moved, named by a fact, or of a batch that was."""
    moved = select(posting.c.serial.label("serial")).where(
        posting.c.programme_id == programme_id, posting.c.journal_id > journal_id, posting.c.serial.is_not(None)
    )
    named = _named_since(programme_id, journal_id, "voucher:")
    batches = _named_since(programme_id, journal_id, "batch:").where(journal.c.kind.in_(("activated", "extended")))
    of_batches = select(voucher.c.serial).where(
        voucher.c.programme_id == programme_id, voucher.c.batch_number.in_(batches)
    )
    return list(session.execute(union(moved, named, of_batches).order_by("serial")).scalars())


def _named_since(programme_id: int, journal_id: int, word: str) -> Select[Any]:
    """The numbers of the subjects that begin with `word`, in facts after a journal."""
    number = cast(func.substr(journal.c.subject, len(word) + 1), BigInteger)
    return select(number.label("serial")).where(
        journal.c.programme_id == programme_id, journal.c.id > journal_id, journal.c.subject.like(f"{word}%")
    )


def _changes(
    session: ReadSession, *, programme_id: int, serials: Sequence[int], at: datetime
) -> tuple[list[Class], list[bytes], list[bytes]]:
    """What these vouchers are now: their classes, those that can be spent, and those that cannot."""
    today = clock.book_day(at)
    rows: list[Row[Any]] = []
    for start in range(0, len(serials), _AT_ONCE):
        rows += session.execute(
            select(voucher.c.offline_prefix, voucher.c.state, voucher.c.balance_cents, voucher.c.expires_on).where(
                voucher.c.programme_id == programme_id,
                voucher.c.serial.in_(serials[start : start + _AT_ONCE]),
                voucher.c.offline_prefix.is_not(None),
            )
        )
    spendable = [row for row in rows if row.state == "active" and row.expires_on >= today]
    counted = Counter(Class(row.balance_cents, row.expires_on) for row in spendable)
    classes = [each for each, _ in counted.most_common(snapshots.MOST_CLASSES)]
    numbers = {each: bytes([number]) for number, each in enumerate(classes)}
    put, drop = [], []
    for row in rows:
        number = numbers.get(Class(row.balance_cents, row.expires_on)) if row.state == "active" else None
        if number is None:
            drop.append(row.offline_prefix)
        else:
            put.append(row.offline_prefix + number)
    return classes, put, drop
