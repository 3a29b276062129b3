"""Double entry: money moves between two accounts; it is never made, lost or edited.

A posting is one row with its debit and its credit account, so an unbalanced one cannot be written down. A journal is
one business fact; its postings say what the fact did to the accounts. Both are append-only: the database refuses
UPDATE and DELETE. A mistake is answered by a new journal.

No account has a balance column: a balance is the last snapshot plus the postings since. Only a voucher's own row keeps
what is left on it, because only there must an overspend be refused.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.dialects import postgresql, sqlite

from vouchers import chart, clock
from vouchers.db import ReadSession, WriteSession
from vouchers.money import MAX_CENTS
from vouchers.prepared import Prepared
from vouchers.tables import balance_snapshot, journal, posting

_BARRIER: Final = 0x766F756368657273
"""PostgreSQL advisory lock: every writer of a journal holds it shared, the reader of a watermark takes it alone."""
_ROWS_AT_ONCE: Final = 1_000
MAX_JOURNAL: Final = 2**63 - 1


class Move(NamedTuple):
    """`cents` (> 0) are debited to one account and credited to another; `serial` when they are one voucher's."""

    debit: str
    credit: str
    cents: int
    serial: int | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One business fact to record: what, when, by whom, about what, why, and the moves it makes (there may be none)."""

    kind: str
    at: datetime
    actor: str
    subject: str
    reason: str = ""
    moves: Sequence[Move] = ()


def post(session: WriteSession, *, programme_id: int, fact: Fact) -> int:
    """Record one fact; gives its journal number. Every check was made before: from here it must succeed."""
    return post_all(session, programme_id=programme_id, facts=[fact])[0]


def post_all(session: WriteSession, *, programme_id: int, facts: Sequence[Fact]) -> list[int]:
    """Record `facts` in their order, in as few statements as there are tables; gives their journal numbers."""
    for fact in facts:
        for move in fact.moves:
            assert 0 < move.cents <= MAX_CENTS, move
            assert move.debit != move.credit, move
    numbers = _next_journals(session, programme_id=programme_id, count=len(facts))
    _write(
        session,
        journal,
        [
            {
                "programme_id": programme_id,
                "id": number,
                "kind": fact.kind,
                "at": fact.at,
                "book_day": clock.book_day(fact.at),
                "actor": fact.actor,
                "subject": fact.subject,
                "reason": fact.reason,
            }
            for number, fact in zip(numbers, facts, strict=True)
        ],
    )
    rows = [
        {
            "programme_id": programme_id,
            "journal_id": number,
            "line": line,
            "debit": move.debit,
            "credit": move.credit,
            "cents": move.cents,
            "serial": move.serial,
        }
        for number, fact in zip(numbers, facts, strict=True)
        for line, move in enumerate(fact.moves, start=1)
    ]
    _write(session, posting, rows)
    return numbers


def _write(session: WriteSession, into: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    if len(rows) == 1:
        _ONE_ROW[into].count(session, rows[0])
        return
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        session.execute(into.insert(), rows[start : start + _ROWS_AT_ONCE])


def _next_journals(session: WriteSession, *, programme_id: int, count: int) -> list[int]:
    if session.dialect.name == "sqlite":
        ((last,),) = _LAST.rows(session, {"of_programme": programme_id})
        return list(range(last + 1, last + 1 + count))
    # The lock before the number, in this order: whoever later holds the barrier alone knows that no smaller number
    # is still on its way. MATERIALIZED keeps the planner from turning the two around.
    return [number for (number,) in _NEXT_POSTGRES.rows(session, {"barrier": _BARRIER, "count": count})]


_NEWEST: Final = select(func.coalesce(func.max(journal.c.id), 0)).where(
    journal.c.programme_id == sa.bindparam("of_programme")
)
_ONE_ROW: Final = {table: Prepared(table.insert()) for table in (journal, posting)}
_LAST: Final = Prepared(_NEWEST)
_NEXT_POSTGRES: Final = Prepared(
    sa.text(
        "WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(:barrier))"
        " SELECT nextval('journal_id') FROM held, generate_series(1, :count)"
    )
)


def watermark(session: WriteSession, *, programme_id: int) -> int:
    """The newest journal number under which no transaction is still writing; 0 in an empty book.

    Waits for running writers (bounded by their timeouts) and holds new ones back until its transaction ends: give it
    one of its own, and hand the number to what needs it.
    """
    if session.dialect.name == "postgresql":
        session.execute(sa.text("SELECT pg_advisory_xact_lock(:barrier)"), {"barrier": _BARRIER})
    return int(session.execute(_NEWEST, {"of_programme": programme_id}).scalar_one())


class Turnover(NamedTuple):
    """What an account has been debited and credited in all, in cents."""

    debit_cents: int
    credit_cents: int


def turnover(session: ReadSession, *, programme_id: int, account: str) -> Turnover:
    """Last snapshot plus the postings since."""
    latest = session.execute(
        select(balance_snapshot.c.upto_journal, balance_snapshot.c.debit_cents, balance_snapshot.c.credit_cents)
        .where(balance_snapshot.c.programme_id == programme_id, balance_snapshot.c.account == account)
        .order_by(balance_snapshot.c.upto_journal.desc())
        .limit(1)
    ).first()
    upto, debit, credit = (0, 0, 0) if latest is None else latest

    def since(side: sa.Column[Any]) -> int:
        total = select(func.coalesce(func.sum(posting.c.cents), 0)).where(
            posting.c.programme_id == programme_id, side == account, posting.c.journal_id > upto
        )
        return int(session.execute(total).scalar_one())

    return Turnover(debit + since(posting.c.debit), credit + since(posting.c.credit))


def balance(session: ReadSession, *, programme_id: int, account: str) -> int:
    """What stands on an account, in cents, counted on the side its kind normally stands (see `chart`)."""
    debit, credit = turnover(session, programme_id=programme_id, account=account)
    return debit - credit if chart.meaning(account).side == "debit" else credit - debit


def turnovers(session: ReadSession, *, programme_id: int, upto_journal: int = MAX_JOURNAL) -> dict[str, Turnover]:
    """Every account that was moved up to a journal: the newest snapshot before it plus what came since."""
    return _turnovers(session, programme_id=programme_id, upto_journal=upto_journal, named=lambda account: account)


def totals(session: ReadSession, *, programme_id: int) -> dict[str, Turnover]:
    """As `turnovers`, now, with all merchants as one account 'merchant': the database adds thousands faster."""

    def together(account: ColumnElement[str]) -> ColumnElement[str]:
        return case((account.startswith("merchant:"), "merchant"), else_=account)

    return _turnovers(session, programme_id=programme_id, upto_journal=MAX_JOURNAL, named=together)


def _turnovers(
    session: ReadSession,
    *,
    programme_id: int,
    upto_journal: int,
    named: Callable[[ColumnElement[str]], ColumnElement[str]],
) -> dict[str, Turnover]:
    newest = select(func.coalesce(func.max(balance_snapshot.c.upto_journal), 0)).where(
        balance_snapshot.c.programme_id == programme_id, balance_snapshot.c.upto_journal <= upto_journal
    )
    upto = int(session.execute(newest).scalar_one())
    sums: dict[str, list[int]] = {}
    kept = named(balance_snapshot.c.account).label("account")
    at_snapshot = (
        select(kept, func.sum(balance_snapshot.c.debit_cents), func.sum(balance_snapshot.c.credit_cents))
        .where(balance_snapshot.c.programme_id == programme_id, balance_snapshot.c.upto_journal == upto)
        .group_by(kept)
    )
    for account, debit, credit in session.execute(at_snapshot):
        sums[account] = [int(debit), int(credit)]
    for side, column in enumerate((posting.c.debit, posting.c.credit)):
        moved = named(column).label("account")
        since = (
            select(moved, func.sum(posting.c.cents))
            .where(
                posting.c.programme_id == programme_id,
                posting.c.journal_id > upto,
                posting.c.journal_id <= upto_journal,
            )
            .group_by(moved)
        )
        for account, cents in session.execute(since):
            sums.setdefault(account, [0, 0])[side] += int(cents)
    return {account: Turnover(debit, credit) for account, (debit, credit) in sorted(sums.items())}


def snapshot(session: WriteSession, *, programme_id: int, upto_journal: int) -> None:
    """Keep every account's turnover up to a `watermark`. Where that was done before, nothing is written."""
    kept = select(func.max(balance_snapshot.c.upto_journal)).where(balance_snapshot.c.programme_id == programme_id)
    if upto_journal <= int(session.execute(kept).scalar_one() or 0):
        return
    sums = turnovers(session, programme_id=programme_id, upto_journal=upto_journal)
    if sums:
        # Two may keep the same moment at once: they keep the same figures.
        insert = sqlite.insert if session.dialect.name == "sqlite" else postgresql.insert
        session.execute(
            insert(balance_snapshot).on_conflict_do_nothing(),
            [
                {
                    "programme_id": programme_id,
                    "account": account,
                    "upto_journal": upto_journal,
                    "debit_cents": sums[account].debit_cents,
                    "credit_cents": sums[account].credit_cents,
                }
                for account in sums
            ],
        )


def day_of(session: ReadSession, *, programme_id: int, kind: str, subject: str) -> date:
    """The business day of the one fact of this kind that was recorded about `subject`."""
    found = select(journal.c.book_day).where(
        journal.c.programme_id == programme_id, journal.c.subject == subject, journal.c.kind == kind
    )
    day: date = session.execute(found).scalar_one()
    return day
