"""The bank's statements one after another, and whether the bank and the books say the same.

A statement begins where the one before ended; where it does not, one is missing, and that is shown until it is taken.
"""

from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from sqlalchemy import func, select

from vouchers import chart, ledger
from vouchers.db import ReadSession
from vouchers.errors import NotFound
from vouchers.tables import bank_line, bank_statement


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement, or a notification, whose balances are None. Of its lines `known_lines` had come before it.

    `gap_cents`: its opening less the closing of the one before; 0 where they meet or there is none before.
    """

    programme_id: int
    number: int
    iban: str
    statement_id: str
    version: str
    made_at: datetime
    from_on: date
    to_on: date
    opening_cents: int | None
    closing_cents: int | None
    known_lines: int
    known_cents: int
    sha256: str
    taken_by: str
    taken_at: datetime
    lines: int
    open_lines: int
    gap_cents: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The bank's account, as the bank has it and as the books have it; cents. Their difference is

    what is open and set aside, less what the books knew first (`unseen`), less what was announced since the last
    statement, and `earlier`: what stood there before the first statement, or in one that is missing.
    """

    on: date | None
    bank_cents: int
    books_cents: int
    open_cents: int
    aside_cents: int
    unseen_cents: int
    announced_cents: int
    earlier_cents: int

    @property
    def difference_cents(self) -> int:
        """The bank's less the books'."""
        return self.bank_cents - self.books_cents


def listed(session: ReadSession, *, programme_id: int) -> list[Statement]:
    """Every statement and notification, the newest first."""
    lines = (
        select(
            bank_line.c.statement_number,
            func.count().label("lines"),
            func.count().filter(bank_line.c.state == "open").label("open_lines"),
        )
        .where(bank_line.c.programme_id == programme_id)
        .group_by(bank_line.c.statement_number)
        .subquery()
    )
    rows = session.execute(
        select(
            bank_statement,
            func.coalesce(lines.c.lines, 0).label("lines"),
            func.coalesce(lines.c.open_lines, 0).label("open_lines"),
        )
        .outerjoin(lines, lines.c.statement_number == bank_statement.c.number)
        .where(bank_statement.c.programme_id == programme_id)
        .order_by(
            bank_statement.c.from_on,
            bank_statement.c.to_on,
            bank_statement.c.made_at,
            # Pages of one statement, 'R1/2' before 'R1/10', in whatever order they were taken.
            func.length(bank_statement.c.statement_id),
            bank_statement.c.statement_id,
            bank_statement.c.number,
        )
    ).all()
    balanced = [row for row in rows if row.opening_cents is not None]
    gaps = {
        after.number: after.opening_cents - before.closing_cents
        for before, after in pairwise(balanced)
        if after.iban == before.iban
    }
    return [Statement(**row._mapping, gap_cents=gaps.get(row.number, 0)) for row in reversed(rows)]


def find(session: ReadSession, *, programme_id: int, number: int) -> Statement:
    """One statement. Refuses `NotFound`."""
    found = next((one for one in listed(session, programme_id=programme_id) if one.number == number), None)
    if found is None:
        raise NotFound(what="bank_statement", id=number)
    return found


def standing(session: ReadSession, *, programme_id: int) -> Standing:
    """Where the bank and the books stand; on no day before the first statement."""
    newest = next((one for one in listed(session, programme_id=programme_id) if one.closing_cents is not None), None)
    bank_cents = 0 if newest is None or newest.closing_cents is None else newest.closing_cents
    on = None if newest is None else newest.to_on
    books_cents = ledger.balance(session, programme_id=programme_id, account=chart.BANK)
    sums = {"open": 0, "done": 0, "set_aside": 0}
    announced_cents = 0
    since = bank_line.c.booked_on > on if on is not None else bank_line.c.number > 0
    rows = session.execute(
        select(bank_line.c.state, since, func.sum(bank_line.c.cents))
        .where(bank_line.c.programme_id == programme_id)
        .group_by(bank_line.c.state, since)
    )
    for state, announced, cents in rows:
        sums[state] += int(cents)
        announced_cents += int(cents) if announced else 0
    return Standing(
        on=on,
        bank_cents=bank_cents,
        books_cents=books_cents,
        open_cents=sums["open"],
        aside_cents=sums["set_aside"],
        unseen_cents=books_cents - sums["done"],
        announced_cents=announced_cents,
        earlier_cents=bank_cents - sum(sums.values()) + announced_cents,
    )
