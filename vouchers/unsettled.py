"""What merchants are owed and no run has settled yet: what the next run pays, posting by posting. Reads only."""

from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Subquery, Text, and_, case, cast, func, literal, select, union_all

from vouchers.db import ReadSession
from vouchers.tables import journal, merchant, posting, settlement_line

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
    """Postings to and from merchants that no run has settled: journal, line, kind, day, signed cents, merchant.

    Of business days to `to_on` and journals after the one and up to the other, each end included; of one merchant, if
    named.
    """

    def side(account: ColumnElement[str], *, sign: int, kinds: tuple[str, ...]) -> Select[Any]:
        lines = (
            select(
                posting.c.journal_id,
                posting.c.line,
                journal.c.kind,
                journal.c.book_day,
                (posting.c.cents * sign).label("cents"),
                merchant.c.id.label("merchant_id"),
            )
            .select_from(merchant)
            .join(
                posting,
                and_(
                    posting.c.programme_id == merchant.c.programme_id,
                    account == literal("merchant:") + cast(merchant.c.id, Text),
                ),
            )
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
                merchant.c.programme_id == programme_id,
                posting.c.journal_id <= upto_journal,
                journal.c.kind.in_(kinds),
                journal.c.book_day <= to_on,
                settlement_line.c.journal_id.is_(None),
            )
        )
        if after_journal:
            lines = lines.where(posting.c.journal_id > after_journal)
        return lines if merchant_id is None else lines.where(merchant.c.id == merchant_id)

    owed = side(posting.c.credit, sign=1, kinds=OWED_KINDS)
    taken_back = side(posting.c.debit, sign=-1, kinds=TAKEN_BACK_KINDS)
    return select(union_all(owed, taken_back).subquery())


def gross_and_brought(lines: Subquery) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """The sums of `unsettled` lines: what the commission is taken on, and what is paid again without; 0 of no lines."""
    brought = case((lines.c.kind.in_(_BROUGHT_KINDS), lines.c.cents), else_=0)
    return func.coalesce(func.sum(lines.c.cents - brought), 0), func.coalesce(func.sum(brought), 0)


def due(session: ReadSession, *, programme_id: int, to_on: date, upto_journal: int) -> dict[int, tuple[int, int]]:
    """(gross, brought forward) of every merchant with something unsettled, in merchant order."""
    lines = unsettled(programme_id=programme_id, to_on=to_on, upto_journal=upto_journal).subquery()
    rows = session.execute(
        select(lines.c.merchant_id, *gross_and_brought(lines))
        .group_by(lines.c.merchant_id)
        .order_by(lines.c.merchant_id)
    )
    return {merchant_id: (int(gross), int(again)) for merchant_id, gross, again in rows}
