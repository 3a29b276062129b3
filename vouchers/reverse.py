"""A redemption is undone: by its shop within the programme's window, by the treasurer after it.

Each voucher's part in a redemption goes back in whole and at most once: the key of the `reversal` table says so. The
books are not edited; a counter-entry is added. If the shop was paid meanwhile, its debt is a line of its next
settlement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import case, select, update

from vouchers import chart, clock, guarantee, ledger
from vouchers.db import LockLost, ReadSession, WriteSession
from vouchers.errors import AlreadyReversed, RedemptionUnknown, VoucherClosed, WindowClosed
from vouchers.ledger import Fact, Move
from vouchers.rules import rules
from vouchers.tables import CLOSED_STATES, posting, redemption, reversal, voucher


@dataclass(frozen=True, slots=True)
class PutBack:
    """What one voucher got back, and what is on it now."""

    serial: int
    cents: int
    balance_cents: int


@dataclass(frozen=True, slots=True)
class Reversed:
    """What a reversal put back."""

    reversal_id: int
    redemption_id: int
    cents: int
    vouchers: tuple[PutBack, ...]


def reverse_at_shop(
    session: WriteSession,
    *,
    programme_id: int,
    redemption_id: int,
    serials: Sequence[int] | None,
    merchant_id: int,
    actor: str,
    reason: str,
    at: datetime,
) -> Reversed:
    """Undo a redemption that one's own shop's till made, within the programme's window.

    Paper that it posted was taken at the desk, and is taken out of its pile there. Not where the guarantee paid
    another shop in a voucher's place: on it again, its money would be taken twice. Only the treasurer may then.
    Refuses, in order: `RedemptionUnknown`, `WindowClosed`, `VoucherClosed`, then as `reverse`.
    """
    done = _redemption(session, programme_id=programme_id, redemption_id=redemption_id)
    if done.merchant_id != merchant_id or done.till_id is None:
        raise RedemptionUnknown
    window = timedelta(minutes=rules(session, programme_id=programme_id).reversal_window_minutes)
    if at > done.at + window:
        raise WindowClosed(until_at=clock.iso(done.at + window))
    of_redemption = select(posting.c.serial).where(
        posting.c.programme_id == programme_id, posting.c.journal_id == redemption_id
    )
    # Locked first, as the guarantee does before it pays: of two at once, one sees what the other did.
    held = session.execute(
        select(voucher.c.serial)
        .where(voucher.c.programme_id == programme_id, voucher.c.serial.in_(of_redemption))
        .order_by(voucher.c.serial)
        .with_for_update()
    ).scalars()
    paid_for = guarantee.guaranteed_among(session, programme_id=programme_id, serials=list(held))
    if paid_for is not None:
        raise VoucherClosed(serial=paid_for, state="guaranteed")
    return reverse(
        session,
        programme_id=programme_id,
        redemption_id=redemption_id,
        serials=serials,
        actor=actor,
        reason=reason,
        at=at,
    )


def reverse(
    session: WriteSession,
    *,
    programme_id: int,
    redemption_id: int,
    serials: Sequence[int] | None,
    actor: str,
    reason: str,
    at: datetime,
) -> Reversed:
    """Undo a redemption, or the part of it that `serials` name (None: all of it that is left), whenever it was.

    Each voucher's part goes back in whole and at most once. If the redemption was settled already, the shop's debt
    is a line of its next settlement. A voucher whose last day has passed gets its money back and lapses with it.
    Refuses, in order: `RedemptionUnknown`, `AlreadyReversed`, `VoucherClosed`.
    """
    done = _redemption(session, programme_id=programme_id, redemption_id=redemption_id)
    parts: dict[int, int] = {
        row.serial: row.cents
        for row in session.execute(
            select(posting.c.serial, posting.c.cents).where(
                posting.c.programme_id == programme_id, posting.c.journal_id == redemption_id
            )
        )
    }
    asked = sorted(set(serials)) if serials is not None else sorted(parts)
    if not asked or not set(asked) <= set(parts):
        raise RedemptionUnknown
    rows = session.execute(
        select(voucher.c.serial, voucher.c.state, voucher.c.balance_cents)
        .where(voucher.c.programme_id == programme_id, voucher.c.serial.in_(asked))
        .order_by(voucher.c.serial)
        .with_for_update()
    ).all()
    undone = set(
        session.execute(
            select(reversal.c.serial).where(
                reversal.c.programme_id == programme_id, reversal.c.redemption_id == redemption_id
            )
        ).scalars()
    )
    left = [row for row in rows if row.serial not in undone]
    if not left or (serials is not None and len(left) < len(rows)):
        raise AlreadyReversed
    for row in left:
        if row.state in CLOSED_STATES:
            raise VoucherClosed(serial=row.serial, state=row.state)

    # From here it must succeed.
    for row in left:
        _put_back(session, programme_id=programme_id, serial=row.serial, cents=parts[row.serial])
    owner = chart.merchant(done.merchant_id)
    number = ledger.post(
        session,
        programme_id=programme_id,
        fact=Fact(
            kind="reversed",
            at=at,
            actor=actor,
            subject=f"redemption:{redemption_id}",
            reason=reason,
            moves=[Move(owner, chart.FLOAT, parts[row.serial], row.serial) for row in left],
        ),
    )
    session.execute(
        reversal.insert(),
        [
            {
                "programme_id": programme_id,
                "redemption_id": redemption_id,
                "serial": row.serial,
                "journal_id": number,
            }
            for row in left
        ],
    )
    back = tuple(PutBack(row.serial, parts[row.serial], row.balance_cents + parts[row.serial]) for row in left)
    return Reversed(number, redemption_id, sum(part.cents for part in back), back)


def _put_back(session: WriteSession, *, programme_id: int, serial: int, cents: int) -> None:
    given = session.execute(
        update(voucher)
        .where(
            voucher.c.programme_id == programme_id,
            voucher.c.serial == serial,
            voucher.c.state.in_(("active", "blocked", "redeemed")),
            voucher.c.balance_cents + cents <= voucher.c.face_cents,
        )
        .values(
            balance_cents=voucher.c.balance_cents + cents,
            state=case((voucher.c.state == "redeemed", "active"), else_=voucher.c.state),
        )
    ).rowcount
    if given != 1:
        raise LockLost(f"voucher {serial} changed under its lock")


class _Done(NamedTuple):
    merchant_id: int
    till_id: int | None
    at: datetime


def _redemption(session: ReadSession, *, programme_id: int, redemption_id: int) -> _Done:
    row = session.execute(
        select(redemption.c.merchant_id, redemption.c.till_id, redemption.c.at).where(
            redemption.c.programme_id == programme_id, redemption.c.journal_id == redemption_id
        )
    ).first()
    if row is None:
        raise RedemptionUnknown
    return _Done(*row)
