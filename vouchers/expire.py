"""The last day: moving it, and what becomes of vouchers once it is over.

A till tests the day itself, so a sweeper that comes late lets nothing through. What it does is bookkeeping: close the
vouchers and move what was left on them to where the programme's rule says. It waits until the programme's presentation
deadline is over as well: until then a shop may post paper that it took in time (`remit.py`).
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import ColumnElement, exists, func, select, update

from vouchers import chart, clock, ledger
from vouchers.db import WriteSession
from vouchers.errors import BadInput, ExpiryNotLater, NotFound
from vouchers.ledger import Fact, Move
from vouchers.tables import batch, programme, voucher, voucher_order

MOST_AT_ONCE: Final = 5_000
"""Vouchers in one chunk."""
_OPEN: Final = ("printed", "active")
_UNSPENT: Final = ("printed", "active", "blocked")


@dataclass(frozen=True, slots=True)
class Extended:
    """A batch with another last day; `count` vouchers of it had something left."""

    batch_number: int
    from_on: date
    to_on: date
    count: int


@dataclass(frozen=True, slots=True)
class Expired:
    """One chunk: `count` vouchers closed, `cents` moved. `left`: there are more, call again."""

    count: int
    cents: int
    left: bool


def extend(
    session: WriteSession, *, programme_id: int, batch_number: int, to_on: date, actor: str, at: datetime
) -> Extended:
    """A later last day for a batch and its vouchers, spent ones too; one that was swept stays closed.

    Refuses `NotFound`, `ExpiryNotLater` (not after the batch's last day, and after today).
    """
    held = (
        select(batch.c.expires_on)
        .where(batch.c.programme_id == programme_id, batch.c.number == batch_number)
        .with_for_update(key_share=True)
    )
    from_on = session.execute(held).scalar_one_or_none()
    if from_on is None:
        raise NotFound(what="batch", id=batch_number)
    if to_on <= max(from_on, clock.book_day(at)):
        raise ExpiryNotLater(expires_on=from_on.isoformat())
    moved = session.execute(
        update(batch)
        .where(batch.c.programme_id == programme_id, batch.c.number == batch_number, batch.c.expires_on == from_on)
        .values(expires_on=to_on)
    )
    assert moved.rowcount == 1, batch_number
    # A spent voucher has its batch's day too, for it may be given back. Rows are locked in serial order, as everywhere.
    of_batch = voucher.c.programme_id == programme_id, voucher.c.batch_number == batch_number
    open_or_spent = *of_batch, voucher.c.state.in_((*_UNSPENT, "redeemed"))
    locking = select(voucher.c.serial).where(*open_or_spent).order_by(voucher.c.serial).with_for_update()
    locked: list[int] | None = None
    # Until a second look finds the same: what replaced a voucher while its row was waited for is seen by the next, and
    # of those held nobody replaces any more.
    while (found := list(session.execute(locking).scalars())) != locked:
        locked = found
    session.execute(update(voucher).where(*open_or_spent).values(expires_on=to_on))
    unspent = select(func.count()).where(*of_batch, voucher.c.state.in_(_UNSPENT))
    count = session.execute(unspent).scalar_one()
    reason = f"{from_on.isoformat()} {to_on.isoformat()}"
    ledger.post(session, programme_id=programme_id, fact=Fact("extended", at, actor, f"batch:{batch_number}", reason))
    return Extended(batch_number, from_on, to_on, count)


def expire(session: WriteSession, *, programme_id: int, limit: int, actor: str, at: datetime) -> Expired:
    """Close the next `limit` (1 to 5 000) printed or active vouchers that nobody can present any more.

    Those are the ones whose last day is before the Paris day of `at`, once the programme's presentation deadline is
    before it too; until then there is nothing to close. Lowest serials first. What was left goes to breakage, to the
    buyer or to the next campaign, by the programme's rule, one posting a voucher. A chunk is whole in itself, so a
    sweep may stop between two. Blocked vouchers wait for whoever blocked them. Refuses `BadInput` (limit), `NotFound`.
    """
    if not 1 <= limit <= MOST_AT_ONCE:
        raise BadInput(field="limit", problem="range", least=1, most=MOST_AT_ONCE)
    rule = session.execute(
        select(programme.c.lapse_to, programme.c.presentation_deadline_on).where(programme.c.id == programme_id)
    ).first()
    if rule is None:
        raise NotFound(what="programme", id=programme_id)
    lapse_to = rule.lapse_to
    if clock.book_day(at) <= rule.presentation_deadline_on:
        return Expired(0, 0, left=False)
    over: tuple[ColumnElement[bool], ...] = (
        voucher.c.programme_id == programme_id,
        voucher.c.state.in_(_OPEN),
        voucher.c.expires_on < clock.book_day(at),
    )
    rows = session.execute(
        select(voucher.c.serial, voucher.c.balance_cents, voucher_order.c.buyer_id)
        .join(batch, (batch.c.programme_id == voucher.c.programme_id) & (batch.c.number == voucher.c.batch_number))
        .join(
            voucher_order,
            (voucher_order.c.programme_id == batch.c.programme_id) & (voucher_order.c.number == batch.c.order_number),
        )
        .where(*over)
        .order_by(voucher.c.serial)
        .limit(limit)
        .with_for_update(of=voucher)
    ).all()
    if rows:
        closed = session.execute(
            update(voucher)
            .where(*over, voucher.c.serial.in_([row.serial for row in rows]))
            .values(state="expired", balance_cents=0)
        )
        assert closed.rowcount == len(rows), (closed.rowcount, len(rows))
        moves = [
            Move(chart.FLOAT, _destination(lapse_to, buyer_id=row.buyer_id), row.balance_cents, row.serial)
            for row in rows
        ]
        fact = Fact("expired", at, actor, f"programme:{programme_id}", lapse_to, moves)
        ledger.post(session, programme_id=programme_id, fact=fact)
    # Asked again, for a chunk shorter than `limit` may only mean that another sweeper took some of it.
    left = session.execute(select(exists().where(*over))).scalar_one()
    return Expired(len(rows), sum(row.balance_cents for row in rows), bool(left))


def _destination(lapse_to: str, *, buyer_id: int) -> str:
    match lapse_to:
        case "buyer":
            return chart.lapsed(buyer_id)
        case "next_campaign":
            return chart.NEXT_CAMPAIGN
        case _:
            return chart.BREAKAGE
