"""The bank's lines: what each transfer of a statement was, and what became of it.

    open ─┬─ done        each cent of it is told by facts, whose journals `bank_match` names
          └─ set_aside   not of this programme, and why; it may be opened again

Whoever decides a line flips it first, while it is still open: of two treasurers at once, one is told that it is done.
Cents of a line are above zero where money came in. What came in before anyone knew for what waits on an account of its
own (`chart.UNALLOCATED`), line by line, until it is allotted to orders or paid back.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, and_, case, func, or_, select, update

from vouchers import chart
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import FactElsewhere, LineDecided, NotFound
from vouchers.tables import bank_line, bank_match, journal, posting

MOST_LISTED: Final = 500
MOST_KEPT_CENTS: Final = 3_000
"""A bank that gives a transfer back keeps a few euros of it, if anything: more than this is no fee."""
AT_ONCE: Final = 500
"""Numbers named in one statement."""


@dataclass(frozen=True, slots=True)
class BankLine:
    """One transfer of a statement. `text`: what the payer wrote, else the bank; `rf`: a structured reference.

    `end_to_end_id` and `message_id` lead back to our own bank files; `return_reason`: why one of ours came back.
    """

    programme_id: int
    number: int
    statement_number: int
    reference: str
    part: int
    cents: int
    booked_on: date
    value_on: date
    name: str | None
    iban: str | None
    rf: str | None
    text: str
    end_to_end_id: str | None
    message_id: str | None
    return_reason: str | None
    state: str
    because: str | None
    decided_by: str | None
    decided_at: datetime | None

    @property
    def transfer(self) -> str:
        """The bank's name for this very transfer: an entry of several has one for each."""
        return self.reference if self.part == 1 else f"{self.reference}.{self.part}"


class Share(NamedTuple):
    """`cents` (> 0) of a line are for this order."""

    order_number: int
    cents: int


class Told(NamedTuple):
    """`cents` (> 0) of a line are told by the fact of this journal.

    Fees that the bank kept of money that came in count against it: 48.50 € are 50 € returned and 1.50 € kept.
    """

    journal_id: int
    cents: int


@dataclass(frozen=True, slots=True)
class Matched:
    """What became of a line, or of a part of it. `kind`, `subject`, `reason` are the fact's.

    Fees told of a line that came in were kept of it: they count against the rest.
    """

    line_number: int
    part: int
    journal_id: int
    cents: int
    means: str
    kind: str
    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A line received before anyone knew for what, of which `left_cents` are still to be allotted."""

    line: BankLine
    left_cents: int


def subject(number: int) -> str:
    """What a fact about a line is about."""
    return f"bank_line:{number}"


# ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────
def find(session: ReadSession, *, programme_id: int, number: int) -> BankLine:
    """One line. Refuses `NotFound`."""
    row = session.execute(select(bank_line).where(*_is(programme_id, number))).first()
    if row is None:
        raise NotFound(what="bank_line", id=number)
    return BankLine(**row._mapping)


def listed(
    session: ReadSession,
    *,
    programme_id: int,
    state: str | None = None,
    statement_number: int | None = None,
    numbers: Collection[int] | None = None,
    after: int = 0,
    limit: int | None = 50,
) -> list[BankLine]:
    """Lines numbered above `after`, in their order; in this state, of this statement, of these numbers."""
    wanted: list[ColumnElement[bool]] = [bank_line.c.programme_id == programme_id, bank_line.c.number > after]
    if state is not None:
        wanted.append(bank_line.c.state == state)
    if statement_number is not None:
        wanted.append(bank_line.c.statement_number == statement_number)
    if numbers is not None:
        wanted.append(bank_line.c.number.in_(sorted(numbers)))
    page = select(bank_line).where(*wanted).order_by(bank_line.c.number)
    if limit is not None:
        page = page.limit(max(0, min(limit, MOST_LISTED)))
    return [BankLine(**row._mapping) for row in session.execute(page)]


def matched(session: ReadSession, *, programme_id: int, line_numbers: Collection[int]) -> dict[int, list[Matched]]:
    """What became of each of these lines, part by part."""
    found: dict[int, list[Matched]] = {number: [] for number in line_numbers}
    rows = session.execute(
        select(
            bank_match.c.line_number,
            bank_match.c.part,
            bank_match.c.journal_id,
            bank_match.c.cents,
            bank_match.c.means,
            journal.c.kind,
            journal.c.subject,
            journal.c.reason,
        )
        .join(
            journal, and_(journal.c.programme_id == bank_match.c.programme_id, journal.c.id == bank_match.c.journal_id)
        )
        .where(bank_match.c.programme_id == programme_id, bank_match.c.line_number.in_(sorted(line_numbers)))
        .order_by(bank_match.c.line_number, bank_match.c.part)
    )
    for row in rows:
        found[row.line_number].append(Matched(**row._mapping))
    return found


def waiting(session: ReadSession, *, programme_id: int, number: int | None = None) -> list[Waiting]:
    """The lines whose money waits to be allotted, the oldest first; or this one, if any of it waits."""
    wanted = [bank_match.c.programme_id == programme_id, bank_line.c.cents > 0]
    if number is not None:
        wanted.append(bank_match.c.line_number == number)
    left = func.sum(
        case(
            (posting.c.credit == chart.UNALLOCATED, bank_match.c.cents),
            (posting.c.debit == chart.UNALLOCATED, -bank_match.c.cents),
            else_=0,
        )
    )
    page = (
        select(bank_match.c.line_number, left.label("left_cents"))
        .join(bank_line, and_(*_of(bank_line), bank_line.c.number == bank_match.c.line_number))
        .join(posting, and_(*_of(posting), posting.c.journal_id == bank_match.c.journal_id))
        .where(*wanted, or_(posting.c.debit == chart.UNALLOCATED, posting.c.credit == chart.UNALLOCATED))
        .group_by(bank_match.c.line_number)
        .having(left > 0)
        .order_by(bank_match.c.line_number)
    )
    lefts = {row.line_number: int(row.left_cents) for row in session.execute(page)}
    lines = listed(session, programme_id=programme_id, numbers=lefts, limit=None) if lefts else []
    return [Waiting(line, lefts[line.number]) for line in lines]


def _of(table: Any) -> tuple[ColumnElement[bool]]:
    return (table.c.programme_id == bank_match.c.programme_id,)


def newest_fact(session: ReadSession, *, programme_id: int, kind: str, subject: str) -> int:
    """The newest journal of this kind about `subject`: of a row that this transaction holds, its own."""
    found = select(func.max(journal.c.id)).where(
        journal.c.programme_id == programme_id, journal.c.kind == kind, journal.c.subject == subject
    )
    return int(session.execute(found).scalar_one())


class Unseen(NamedTuple):
    """A fact that moved the bank's account (`cents` above zero: in) and that no line has told of yet."""

    journal_id: int
    kind: str
    subject: str
    reason: str
    cents: int


def unseen(session: ReadSession, *, programme_id: int, journal_ids: Collection[int] | None = None) -> list[Unseen]:
    """Facts that somebody recorded before the bank's statement came, the oldest first."""
    cents = func.sum(
        case((posting.c.debit == chart.BANK, posting.c.cents), else_=-posting.c.cents),
    )
    told = select(bank_match.c.journal_id).where(
        bank_match.c.programme_id == programme_id, bank_match.c.journal_id == posting.c.journal_id
    )
    page = (
        select(posting.c.journal_id, journal.c.kind, journal.c.subject, journal.c.reason, cents.label("cents"))
        .join(journal, and_(journal.c.programme_id == posting.c.programme_id, journal.c.id == posting.c.journal_id))
        .where(
            posting.c.programme_id == programme_id,
            or_(posting.c.debit == chart.BANK, posting.c.credit == chart.BANK),
            ~told.exists(),
        )
        .group_by(posting.c.journal_id, journal.c.kind, journal.c.subject, journal.c.reason)
        .order_by(posting.c.journal_id)
    )
    if journal_ids is not None:
        page = page.where(posting.c.journal_id.in_(sorted(journal_ids)))
    return [Unseen(row.journal_id, row.kind, row.subject, row.reason, int(row.cents)) for row in session.execute(page)]


# ── Deciding ─────────────────────────────────────────────────────────────────────────────────────────────────────
def decide(
    session: WriteSession,
    *,
    programme_id: int,
    number: int,
    actor: str,
    at: datetime,
    state: str = "done",
    because: str | None = None,
) -> BankLine:
    """open → done (or set aside), by this statement alone. Refuses `NotFound`, `LineDecided`."""
    flipped = session.execute(
        update(bank_line)
        .where(*_is(programme_id, number), bank_line.c.state == "open")
        .values(state=state, because=because, decided_by=actor, decided_at=at)
    ).rowcount
    found = find(session, programme_id=programme_id, number=number)
    if flipped == 0:
        raise LineDecided(number=number, state=found.state)
    return found


def held(session: WriteSession, *, programme_id: int, number: int) -> BankLine:
    """A line that nobody else allots meanwhile. Refuses `NotFound`."""
    row = session.execute(select(bank_line).where(*_is(programme_id, number)).with_for_update(key_share=True)).first()
    if row is None:
        raise NotFound(what="bank_line", id=number)
    return BankLine(**row._mapping)


def match(session: WriteSession, *, line: BankLine, told: Sequence[Told], means: str) -> None:
    """Keep which facts tell of a line, after those it has; each was posted, or found, in this transaction."""
    newest = select(func.coalesce(func.max(bank_match.c.part), 0)).where(
        bank_match.c.programme_id == line.programme_id, bank_match.c.line_number == line.number
    )
    first = int(session.execute(newest).scalar_one()) + 1
    session.execute(
        bank_match.insert(),
        [
            {
                "programme_id": line.programme_id,
                "line_number": line.number,
                "part": part,
                "journal_id": one.journal_id,
                "cents": one.cents,
                "means": means,
            }
            for part, one in enumerate(told, first)
        ],
    )


def refuse_seen(session: WriteSession, *, programme_id: int, journal_ids: Collection[int], cents: int) -> list[Unseen]:
    """The facts themselves, which together moved the bank by `cents`, and that no line tells of.

    Refuses `FactElsewhere`. Their journals stay so until the transaction ends.
    """
    if session.dialect.name == "postgresql":
        held = select(journal.c.id).where(journal.c.programme_id == programme_id, journal.c.id.in_(sorted(journal_ids)))
        session.execute(held.order_by(journal.c.id).with_for_update(key_share=True)).all()
    found = unseen(session, programme_id=programme_id, journal_ids=journal_ids)
    if {one.journal_id for one in found} != set(journal_ids) or sum(one.cents for one in found) != cents:
        raise FactElsewhere(cents=abs(cents))
    return found


def _is(programme_id: int, number: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return bank_line.c.programme_id == programme_id, bank_line.c.number == number
