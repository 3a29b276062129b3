"""What a shop is owed and is not paid meanwhile: one voucher's line, or everything, and why.

A hold moves no money: the shop is owed what it was owed, and no settlement takes it until the hold is released. A held
line is held with what was given back of it since, so that the two meet in one run. Laid and released under the
programme's turn, as runs are approved, so that the order of their facts is the order in which they happened.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import and_, func, select, update

from vouchers import chart, identity, ledger
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import HoldClosed, HoldStanding, LineSettled, NotFound
from vouchers.ledger import Fact
from vouchers.rules import take_turn
from vouchers.tables import merchant, posting, settlement_hold, settlement_line

REASON_CHARS: Final = 300


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold on a shop. `journal_id` and `line` name the posting it holds, of that voucher; None: everything."""

    number: int
    merchant_id: int
    shop_name: str
    journal_id: int | None
    line: int | None
    serial: int | None
    cents: int | None
    because: str
    held_by: str
    held_at: datetime
    released_by: str | None
    released_at: datetime | None
    released_because: str | None


def lay(
    session: WriteSession,
    *,
    programme_id: int,
    merchant_id: int,
    of_posting: tuple[int, int] | None,
    because: str,
    actor: str,
    at: datetime,
) -> Hold:
    """Hold one posting to a merchant (its journal and line), or with None everything that the merchant is owed.

    Refuses, in order: `BadInput` (because), `NotFound` (merchant, posting of this merchant), `HoldStanding` (held
    already), `LineSettled`.
    """
    why = identity.name(because, field="because", most=REASON_CHARS)
    take_turn(session, programme_id=programme_id)
    known = select(merchant.c.id).where(merchant.c.programme_id == programme_id, merchant.c.id == merchant_id)
    if session.execute(known).first() is None:
        raise NotFound(what="merchant", id=merchant_id)
    if of_posting is not None:
        _refuse_unless_owed(session, programme_id=programme_id, merchant_id=merchant_id, of_posting=of_posting)
    journal_id, line = of_posting or (None, None)
    same = settlement_hold.c.journal_id.is_not_distinct_from(journal_id)
    standing = select(settlement_hold.c.number).where(
        settlement_hold.c.programme_id == programme_id,
        settlement_hold.c.merchant_id == merchant_id,
        settlement_hold.c.released_at.is_(None),
        settlement_hold.c.line.is_not_distinct_from(line),
        same,
    )
    if session.execute(standing).first() is not None:
        raise HoldStanding(merchant_id=merchant_id)

    # From here it must succeed.
    newest = select(func.coalesce(func.max(settlement_hold.c.number), 0)).where(
        settlement_hold.c.programme_id == programme_id
    )
    number = int(session.execute(newest).scalar_one()) + 1
    session.execute(
        settlement_hold.insert().values(
            programme_id=programme_id,
            number=number,
            merchant_id=merchant_id,
            journal_id=journal_id,
            line=line,
            because=why,
            held_by=actor,
            held_at=at,
        )
    )
    what = "all" if of_posting is None else f"{journal_id}/{line}"
    said = f"hold:{number} {what} {why}"
    ledger.post(
        session,
        programme_id=programme_id,
        fact=Fact("settlement_held", at, actor, f"merchant:{merchant_id}", said),
    )
    return find_hold(session, programme_id=programme_id, number=number)


def release(session: WriteSession, *, programme_id: int, number: int, because: str, actor: str, at: datetime) -> Hold:
    """The next settlement may take it again. Refuses, in order: `BadInput` (because), `NotFound`, `HoldClosed`."""
    why = identity.name(because, field="because", most=REASON_CHARS)
    take_turn(session, programme_id=programme_id)
    found = find_hold(session, programme_id=programme_id, number=number)
    released = session.execute(
        update(settlement_hold)
        .where(
            settlement_hold.c.programme_id == programme_id,
            settlement_hold.c.number == number,
            settlement_hold.c.released_at.is_(None),
        )
        .values(released_by=actor, released_at=at, released_because=why)
    ).rowcount
    if released == 0:
        raise HoldClosed(number=number)
    said = f"hold:{number} {why}"
    ledger.post(
        session,
        programme_id=programme_id,
        fact=Fact("settlement_released", at, actor, f"merchant:{found.merchant_id}", said),
    )
    return find_hold(session, programme_id=programme_id, number=number)


def find_hold(session: ReadSession, *, programme_id: int, number: int) -> Hold:
    """One hold. Refuses `NotFound`."""
    row = session.execute(
        _LISTED.where(settlement_hold.c.programme_id == programme_id, settlement_hold.c.number == number)
    ).first()
    if row is None:
        raise NotFound(what="retenue", id=number)
    return Hold(**row._mapping)


def holds_of(
    session: ReadSession,
    *,
    programme_id: int,
    merchant_ids: Collection[int] | None = None,
    standing: bool = True,
    limit: int = 500,
) -> list[Hold]:
    """The holds of a programme, or on these shops, newest first; those that stand, unless `standing` is False."""
    found = _LISTED.where(settlement_hold.c.programme_id == programme_id)
    if merchant_ids is not None:
        found = found.where(settlement_hold.c.merchant_id.in_(sorted(merchant_ids)))
    if standing:
        found = found.where(settlement_hold.c.released_at.is_(None))
    return [
        Hold(**row._mapping) for row in session.execute(found.order_by(settlement_hold.c.number.desc()).limit(limit))
    ]


def _refuse_unless_owed(
    session: ReadSession, *, programme_id: int, merchant_id: int, of_posting: tuple[int, int]
) -> None:
    journal_id, line = of_posting
    owner = chart.merchant(merchant_id)
    row = session.execute(
        select(settlement_line.c.run_number)
        .select_from(posting)
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
            posting.c.journal_id == journal_id,
            posting.c.line == line,
            posting.c.credit == owner,
        )
    ).first()
    if row is None:
        raise NotFound(what="écriture", id=journal_id)
    if row.run_number is not None:
        raise LineSettled(number=row.run_number)


_LISTED: Final = (
    select(
        settlement_hold.c.number,
        settlement_hold.c.merchant_id,
        merchant.c.shop_name,
        settlement_hold.c.journal_id,
        settlement_hold.c.line,
        posting.c.serial,
        posting.c.cents,
        settlement_hold.c.because,
        settlement_hold.c.held_by,
        settlement_hold.c.held_at,
        settlement_hold.c.released_by,
        settlement_hold.c.released_at,
        settlement_hold.c.released_because,
    )
    .join(merchant, merchant.c.id == settlement_hold.c.merchant_id)
    .outerjoin(
        posting,
        and_(
            posting.c.programme_id == settlement_hold.c.programme_id,
            posting.c.journal_id == settlement_hold.c.journal_id,
            posting.c.line == settlement_hold.c.line,
        ),
    )
)
