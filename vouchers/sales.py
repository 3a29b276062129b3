"""What a shop took: its redemptions of a day, and their sum. Reads only."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, select

from vouchers import clock
from vouchers.db import ReadSession
from vouchers.tables import posting, redemption, reversal, till


@dataclass(frozen=True, slots=True)
class Listed:
    """A redemption in a shop's list; `reversed_cents` is what was undone of `cents`."""

    redemption_id: int
    at: datetime
    till_id: int
    till_label: str
    cents: int
    reversed_cents: int
    sale_cents: int | None
    serials: tuple[int, ...]


def redemptions_of(
    session: ReadSession, *, programme_id: int, merchant_id: int, day: date, before: int | None, limit: int
) -> list[Listed]:
    """A shop's redemptions of one Paris day, newest first; `before` is the last number already seen."""
    wanted = [*_of_day(programme_id, merchant_id, day)]
    if before is not None:
        wanted.append(redemption.c.journal_id < before)
    rows = session.execute(
        select(redemption, till.c.label)
        .join(till, till.c.id == redemption.c.till_id)
        .where(*wanted)
        .order_by(redemption.c.journal_id.desc())
        .limit(limit)
    ).all()
    parts: dict[int, list[tuple[int, int, bool]]] = {row.journal_id: [] for row in rows}
    lines = (
        select(posting.c.journal_id, posting.c.serial, posting.c.cents, reversal.c.serial.is_not(None))
        .outerjoin(reversal, _undone())
        .where(posting.c.programme_id == programme_id, posting.c.journal_id.in_(list(parts)))
        .order_by(posting.c.journal_id, posting.c.line)
    )
    for number, serial, cents, undone in session.execute(lines) if parts else ():
        parts[number].append((serial, cents, bool(undone)))
    return [
        Listed(
            redemption_id=row.journal_id,
            at=row.at,
            till_id=row.till_id,
            till_label=row.label,
            cents=row.cents,
            reversed_cents=sum(cents for _, cents, undone in parts[row.journal_id] if undone),
            sale_cents=row.sale_cents,
            serials=tuple(serial for serial, _, _ in parts[row.journal_id]),
        )
        for row in rows
    ]


def taken_on(session: ReadSession, *, programme_id: int, merchant_id: int, day: date) -> tuple[int, int]:
    """(redemptions of which something is left, cents left) of a shop's Paris day; what was undone is not counted."""
    left = (
        select(func.count(posting.c.journal_id.distinct()), func.coalesce(func.sum(posting.c.cents), 0))
        .select_from(redemption)
        .join(posting, _parts())
        .outerjoin(reversal, _undone())
        .where(*_of_day(programme_id, merchant_id, day), reversal.c.serial.is_(None))
    )
    count, cents = session.execute(left).one()
    return int(count), int(cents)


def _of_day(programme_id: int, merchant_id: int, day: date) -> tuple[ColumnElement[bool], ...]:
    return (
        redemption.c.programme_id == programme_id,
        redemption.c.merchant_id == merchant_id,
        redemption.c.at >= clock.starts(day),
        redemption.c.at < clock.starts(day + timedelta(days=1)),
    )


def _parts() -> ColumnElement[bool]:
    same = posting.c.journal_id == redemption.c.journal_id
    return and_(posting.c.programme_id == redemption.c.programme_id, same)


def _undone() -> ColumnElement[bool]:
    return and_(
        reversal.c.programme_id == posting.c.programme_id,
        reversal.c.redemption_id == posting.c.journal_id,
        reversal.c.serial == posting.c.serial,
    )
