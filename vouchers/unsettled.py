"""What merchants are owed and no run has settled yet: what the next run pays, posting by posting. Reads only.

What is held (`hold.py`) is left out: a whole merchant, or one posting together with what was given back of it since.
"""

from datetime import date
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    and_,
    case,
    cast,
    exists,
    func,
    or_,
    select,
    union_all,
)

from vouchers import chart, ledger
from vouchers.db import ReadSession
from vouchers.ledger import MAX_JOURNAL
from vouchers.tables import journal, merchant, posting, reversal, settlement_hold, settlement_line

OWED_KINDS: Final = ("redeemed", "guaranteed", "transfer_returned")
TAKEN_BACK_KINDS: Final = ("reversed",)
_BROUGHT_KINDS: Final = ("transfer_returned",)
"""Of what is owed, what is paid without commission."""


def unsettled(
    *,
    programme_id: int,
    to_on: date,
    upto_journal: int,
    after_journal: int = 0,
    merchant_id: int | None = None,
) -> Select[Any]:
    """Postings to and from merchants that no run has settled and nobody holds.

    Columns: journal, line, kind, day, signed cents, merchant.
    Of business days to `to_on` and journals after the one and up to the other, each end included; of one
    merchant, if named.
    """

    def side(account: ColumnElement[str], *, sign: int, kinds: tuple[str, ...]) -> Select[Any]:
        number = _number_in(account)
        lines = (
            select(
                posting.c.journal_id,
                posting.c.line,
                journal.c.kind,
                journal.c.book_day,
                (posting.c.cents * sign).label("cents"),
                number.label("merchant_id"),
            )
            .select_from(posting)
            .join(journal, and_(journal.c.programme_id == posting.c.programme_id, journal.c.id == posting.c.journal_id))
            .outerjoin(
                settlement_line,
                and_(
                    settlement_line.c.programme_id == posting.c.programme_id,
                    settlement_line.c.journal_id == posting.c.journal_id,
                    settlement_line.c.line == posting.c.line,
                ),
            )
            .where(
                posting.c.programme_id == programme_id,
                account.startswith("merchant:"),
                posting.c.journal_id <= upto_journal,
                journal.c.kind.in_(kinds),
                journal.c.book_day <= to_on,
                settlement_line.c.journal_id.is_(None),
                ~_held(programme_id, number=number),
            )
        )
        if after_journal:
            lines = lines.where(posting.c.journal_id > after_journal)
        return lines if merchant_id is None else lines.where(account == chart.merchant(merchant_id))

    owed = side(posting.c.credit, sign=1, kinds=OWED_KINDS)
    taken_back = side(posting.c.debit, sign=-1, kinds=TAKEN_BACK_KINDS)
    return select(union_all(owed, taken_back).subquery())


def _number_in(account: ColumnElement[str]) -> ColumnElement[int]:
    """17 of 'merchant:17'; nothing of any other account."""
    number = cast(func.substr(account, len("merchant:") + 1), BigInteger)
    return case((account.startswith("merchant:"), number))


def _held(programme_id: int, *, number: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a hold stands on the posting's merchant (`number`), on itself, or on the one of which it gives back."""
    of_line = and_(settlement_hold.c.journal_id == posting.c.journal_id, settlement_hold.c.line == posting.c.line)
    first = posting.alias("first")
    given_back = exists().where(
        reversal.c.programme_id == programme_id,
        reversal.c.journal_id == posting.c.journal_id,
        reversal.c.serial == posting.c.serial,
        reversal.c.redemption_id == settlement_hold.c.journal_id,
        first.c.programme_id == programme_id,
        first.c.journal_id == settlement_hold.c.journal_id,
        first.c.line == settlement_hold.c.line,
        first.c.serial == posting.c.serial,
    )
    return (
        exists()
        .where(
            settlement_hold.c.programme_id == programme_id,
            settlement_hold.c.merchant_id == number,
            settlement_hold.c.released_at.is_(None),
            or_(settlement_hold.c.journal_id.is_(None), of_line, given_back.correlate(posting, settlement_hold)),
        )
        .correlate(posting)
    )


def gross_and_brought(lines: Subquery) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """The sums of `unsettled` lines: what the commission is taken on, and what is paid again without; 0 of no lines."""
    brought = case((lines.c.kind.in_(_BROUGHT_KINDS), lines.c.cents), else_=0)
    return func.coalesce(func.sum(lines.c.cents - brought), 0), func.coalesce(func.sum(brought), 0)


class Owing(NamedTuple):
    """What one merchant is owed and nobody holds: cents, the vouchers they come from, and the day of the first."""

    merchant_id: int
    shop_name: str
    cents: int
    lines: int
    since_on: date


class Owed(NamedTuple):
    """What all merchants are owed now and nobody holds. `page`: some of them by number; `rest`: there are more."""

    cents: int
    shops: int
    page: list[Owing]
    rest: int | None


def owed_now(session: ReadSession, *, programme_id: int, after: int, limit: int) -> Owed:
    """What is owed in all, and line by line to the `limit` merchants numbered above `after`.

    The sums are those of the accounts, so that their cost does not grow with the vouchers of one season; only merchants
    of whom something is held, and those of the page, are read posting by posting.
    """
    held = select(settlement_hold.c.merchant_id).where(
        settlement_hold.c.programme_id == programme_id, settlement_hold.c.released_at.is_(None)
    )
    held_of = set(session.execute(held).scalars())
    exact = _owing(session, programme_id=programme_id, merchant_ids=held_of)
    cents_of = {}
    for account, moved in ledger.turnovers(session, programme_id=programme_id).items():
        kind, _, owner = account.partition(":")
        if kind == "merchant":
            cents_of[int(owner)] = moved.credit_cents - moved.debit_cents
    cents_of |= dict.fromkeys(held_of, 0) | {merchant_id: one.cents for merchant_id, one in exact.items()}
    owed = sorted(merchant_id for merchant_id, cents in cents_of.items() if cents)
    shown = [merchant_id for merchant_id in owed if merchant_id > after][:limit]
    page = _owing(session, programme_id=programme_id, merchant_ids=set(shown))
    rest = shown[-1] if shown and shown[-1] != owed[-1] else None
    return Owed(sum(cents_of.values()), len(owed), [page[one] for one in shown if one in page], rest)


def _owing(session: ReadSession, *, programme_id: int, merchant_ids: set[int]) -> dict[int, Owing]:
    """Each of these merchants with something unsettled."""
    named = select(merchant.c.id, merchant.c.shop_name).where(merchant.c.id.in_(merchant_ids))
    found = {}
    # One by one: asked for several at once, SQLite reads every redemption of the season first.
    for number, shop_name in session.execute(named):
        lines = unsettled(
            programme_id=programme_id, to_on=date.max, upto_journal=MAX_JOURNAL, merchant_id=number
        ).subquery()
        summed = select(func.sum(lines.c.cents), func.count(), func.min(lines.c.book_day))
        cents, count, since_on = session.execute(summed).one()
        if count:
            found[number] = Owing(number, shop_name, int(cents), int(count), since_on)
    return found


def due(session: ReadSession, *, programme_id: int, to_on: date, upto_journal: int) -> dict[int, tuple[int, int]]:
    """(gross, brought forward) of every merchant with something unsettled, in merchant order."""
    lines = unsettled(programme_id=programme_id, to_on=to_on, upto_journal=upto_journal).subquery()
    rows = session.execute(
        select(lines.c.merchant_id, *gross_and_brought(lines))
        .group_by(lines.c.merchant_id)
        .order_by(lines.c.merchant_id)
    )
    return {merchant_id: (int(gross), int(again)) for merchant_id, gross, again in rows}
