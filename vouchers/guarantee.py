"""How far a programme lets its tills accept without network, and what pays the loser of a conflict.

No rule: no acceptance without network. With a rule, what the guarantee pays is capped in all, and each payment is
decided under the programme's turn, so that two at once never pass the cap together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select, update

from vouchers import chart, ledger
from vouchers.db import LockLost, ReadSession, WriteSession
from vouchers.errors import BadInput, DisputeDecided, DisputeUnknown, GuaranteeExceeded, OfflineNotAllowed
from vouchers.ledger import Fact, Move
from vouchers.money import MAX_CENTS
from vouchers.rules import take_turn
from vouchers.tables import dispute, offline_rule

MOST_COUNT: Final = 1_000_000
LONGEST_MINUTES: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class OfflineRule:
    """Caps in vouchers and cents, for one till and for all tills together, on one snapshot of at most so many minutes.

    `guarantee_cents`: what the losers of conflicts are paid at most, in all; 0: nothing.
    """

    till_count: int
    till_cents: int
    programme_count: int
    programme_cents: int
    max_age_minutes: int
    guarantee_cents: int


def refuse_impossible(rule: OfflineRule) -> None:
    """What one till may is within what all may, and nothing is without bounds. Refuses `BadInput`."""
    for field, least in (("till_count", 1), ("programme_count", rule.till_count)):
        if not least <= getattr(rule, field) <= MOST_COUNT:
            raise BadInput(field=field, problem="range", least=least, most=MOST_COUNT)
    for field, least in (("till_cents", 1), ("programme_cents", rule.till_cents), ("guarantee_cents", 0)):
        if not least <= getattr(rule, field) <= MAX_CENTS:
            raise BadInput(field=field, problem="amount_range", least_cents=least, most_cents=MAX_CENTS)
    if not 1 <= rule.max_age_minutes <= LONGEST_MINUTES:
        raise BadInput(field="max_age_minutes", problem="range", least=1, most=LONGEST_MINUTES)


def offline_rule_of(session: ReadSession, *, programme_id: int) -> OfflineRule | None:
    """The rule in force; None where nothing is accepted without network."""
    row = session.execute(
        select(
            offline_rule.c.till_count,
            offline_rule.c.till_cents,
            offline_rule.c.programme_count,
            offline_rule.c.programme_cents,
            offline_rule.c.max_age_minutes,
            offline_rule.c.guarantee_cents,
        ).where(offline_rule.c.programme_id == programme_id)
    ).first()
    return None if row is None else OfflineRule(*row)


def required_rule(session: ReadSession, *, programme_id: int) -> OfflineRule:
    """The rule in force. Refuses `OfflineNotAllowed`."""
    rule = offline_rule_of(session, programme_id=programme_id)
    if rule is None:
        raise OfflineNotAllowed
    return rule


def left_cents(session: ReadSession, *, programme_id: int, rule: OfflineRule) -> int:
    """What the guarantee can still pay."""
    paid = select(func.coalesce(func.sum(dispute.c.cents), 0)).where(
        dispute.c.programme_id == programme_id, dispute.c.state == "guaranteed"
    )
    return max(0, rule.guarantee_cents - int(session.execute(paid).scalar_one()))


def pay(
    session: WriteSession, *, programme_id: int, number: int, rule: OfflineRule, actor: str, reason: str, at: datetime
) -> None:
    """The guarantee pays the shop of an open dispute; under the programme's turn.

    Refuses, in order: `DisputeUnknown`, `DisputeDecided`, `GuaranteeExceeded`.
    """
    take_turn(session, programme_id=programme_id)
    row = held_open(session, programme_id=programme_id, number=number)
    left = left_cents(session, programme_id=programme_id, rule=rule)
    if row.cents > left:
        raise GuaranteeExceeded(left_cents=left, cents=row.cents)

    # From here it must succeed. The fact comes first because the row names it; the guard stands in the row's UPDATE,
    # and its loss undoes both.
    moves = [Move(chart.GUARANTEE, chart.merchant(row.merchant_id), row.cents)]
    fact = Fact("guaranteed", at, actor, f"dispute:{number}", reason, moves)
    journal_id = ledger.post(session, programme_id=programme_id, fact=fact)
    close(
        session, programme_id=programme_id, number=number, state="guaranteed", actor=actor, reason=reason, at=at,
        journal_id=journal_id,
    )  # fmt: skip


def guaranteed_among(session: ReadSession, *, programme_id: int, serials: Sequence[int]) -> int | None:
    """The lowest of these vouchers in whose place a shop was paid; None where there is none. Lock their rows before."""
    found = select(func.min(dispute.c.serial)).where(
        dispute.c.programme_id == programme_id, dispute.c.serial.in_(serials), dispute.c.state == "guaranteed"
    )
    return session.execute(found).scalar()


@dataclass(frozen=True, slots=True)
class Held:
    """An open dispute, under its lock."""

    merchant_id: int
    cents: int


def held_open(session: WriteSession, *, programme_id: int, number: int) -> Held:
    """An open dispute, locked. Refuses `DisputeUnknown`, `DisputeDecided`."""
    row = session.execute(
        select(dispute.c.merchant_id, dispute.c.cents, dispute.c.state)
        .where(dispute.c.programme_id == programme_id, dispute.c.number == number)
        .with_for_update()
    ).first()
    if row is None:
        raise DisputeUnknown(number=number)
    if row.state != "open":
        raise DisputeDecided(number=number, state=row.state)
    return Held(row.merchant_id, row.cents)


def close(
    session: WriteSession,
    *,
    programme_id: int,
    number: int,
    state: str,
    actor: str,
    reason: str,
    at: datetime,
    journal_id: int | None,
) -> None:
    """The guarded step of a `held_open` dispute to its end."""
    closed = session.execute(
        update(dispute)
        .where(dispute.c.programme_id == programme_id, dispute.c.number == number, dispute.c.state == "open")
        .values(state=state, decided_by=actor, decided_at=at, decision=reason, journal_id=journal_id)
    )
    if closed.rowcount != 1:
        raise LockLost(f"dispute {number} changed under its lock")
