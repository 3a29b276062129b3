"""The VAT that a programme owes, month by month, on its fees and its commissions. Reads only.

Face value bears none (directive (EU) 2016/1065). On services VAT is due when they are paid for (CGI, art. 269, 2 c):
for a fee when the order is paid in full, for a commission when it is set off against what the merchant is owed; where
the issuer opted for debits, for a fee when the order is approved. What was due and is cancelled is taken off in the
month of the cancellation. The ledger posts it so, and here it is added up, each with the net amount it was reckoned on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from sqlalchemy import Select, Text, and_, case, cast, func, literal, or_, select

from vouchers import chart
from vouchers.db import ReadSession
from vouchers.rules import rules
from vouchers.tables import journal, posting, voucher_order

Nature = Literal["fee", "commission"]
_OF_FEES: Final = ("order_approved", "order_paid", "order_cancelled")
_OF_POSTING: Final = and_(posting.c.programme_id == journal.c.programme_id, posting.c.journal_id == journal.c.id)


@dataclass(frozen=True, slots=True)
class VatDue:
    """What became due in the month that begins on `month`: net, rate in basis points, VAT; below zero, taken off."""

    month: date
    nature: Nature
    base_cents: int
    rate_bp: int
    vat_cents: int


def due(session: ReadSession, *, programme_id: int, from_on: date, to_on: date) -> list[VatDue]:
    """By month, fees before commissions, of the Paris days given; nothing for a month without. Refuses `NotFound`."""
    rate_bp = rules(session, programme_id=programme_id).vat_bp
    found: dict[tuple[date, Nature], tuple[int, int]] = {}
    for day, nature, base, vat in _by_day(session, programme_id=programme_id, from_on=from_on, to_on=to_on):
        key = day.replace(day=1), nature
        before = found.get(key, (0, 0))
        found[key] = before[0] + base, before[1] + vat
    order: tuple[Nature, ...] = ("fee", "commission")
    return [
        VatDue(month, nature, base, rate_bp, vat)
        for (month, nature), (base, vat) in sorted(found.items(), key=lambda one: (one[0][0], order.index(one[0][1])))
        if base or vat
    ]


def _by_day(
    session: ReadSession, *, programme_id: int, from_on: date, to_on: date
) -> Iterator[tuple[date, Nature, int, int]]:
    of_days = (journal.c.programme_id == programme_id, journal.c.book_day.between(from_on, to_on))
    natures: tuple[tuple[Nature, Select[Any]], ...] = (("fee", _fees()), ("commission", _commissions()))
    for nature, asked in natures:
        for day, base, vat in session.execute(asked.where(*of_days).group_by(journal.c.book_day)):
            yield day, nature, int(base), int(vat)


def _fees() -> Select[Any]:
    """An order's VAT becomes due at once, for the whole fee; it is given back in whole too."""
    sign = case((posting.c.credit == chart.VAT, 1), else_=-1)
    of_order = and_(
        voucher_order.c.programme_id == journal.c.programme_id,
        literal("order:") + cast(voucher_order.c.number, Text) == journal.c.subject,
    )
    return (
        select(journal.c.book_day, func.sum(voucher_order.c.fee_cents * sign), func.sum(posting.c.cents * sign))
        .select_from(journal)
        .join(posting, _OF_POSTING)
        .join(voucher_order, of_order)
        .where(journal.c.kind.in_(_OF_FEES), or_(posting.c.credit == chart.VAT, posting.c.debit == chart.VAT))
    )


def _commissions() -> Select[Any]:
    def earned(account: str) -> Any:
        given = case((posting.c.credit == account, posting.c.cents), (posting.c.debit == account, -posting.c.cents))
        return func.coalesce(func.sum(given), 0)

    return (
        select(journal.c.book_day, earned(chart.COMMISSION), earned(chart.VAT))
        .select_from(journal)
        .join(posting, _OF_POSTING)
        .where(journal.c.kind == "settled")
    )
