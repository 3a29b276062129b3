"""An approved run is paid: its bank file handed out, its execution recorded, a returned transfer reopened."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update

from vouchers import chart, ledger
from vouchers.db import WriteSession
from vouchers.errors import NotInRun, RunState
from vouchers.ledger import Fact, Move
from vouchers.runs import Run, find_run
from vouchers.tables import payment_run, settlement


def export(session: WriteSession, *, programme_id: int, number: int, actor: str, at: datetime) -> Run:
    """Mark the bank file of an approved run as handed out; on a run handed out before, nothing changes.

    The file is a function of the run alone, so a second download is the first. Refuses `NotFound`, `RunState`.
    """
    run = find_run(session, programme_id=programme_id, number=number)
    if run.state in ("exported", "executed"):
        return run
    _flip(session, run=run, before="approved", after="exported")
    _record(session, run=run, kind="run_exported", actor=actor, at=at)
    return find_run(session, programme_id=programme_id, number=number)


def execute(session: WriteSession, *, programme_id: int, number: int, actor: str, at: datetime) -> Run:
    """The bank has paid: what is still in transit leaves the account. Refuses `NotFound`, `RunState`."""
    run = _held(session, programme_id=programme_id, number=number)
    _flip(session, run=run, before="exported", after="executed")
    session.execute(
        update(settlement)
        .where(
            settlement.c.programme_id == programme_id,
            settlement.c.run_number == number,
            settlement.c.state == "to_pay",
        )
        .values(state="paid")
    )
    left = ledger.balance(session, programme_id=programme_id, account=chart.in_transit(number))
    moves = [Move(chart.in_transit(number), chart.BANK, left)] if left else []
    _record(session, run=run, kind="run_executed", actor=actor, at=at, moves=moves)
    return find_run(session, programme_id=programme_id, number=number)


def returned(
    session: WriteSession, *, programme_id: int, number: int, merchant_id: int, reason: str, actor: str, at: datetime
) -> Run:
    """The bank gave one merchant's transfer back, before or after execution: that balance is open again.

    Refuses, in order: `NotFound`, `RunState`, `NotInRun` (carried over, or returned before).
    """
    run = _held(session, programme_id=programme_id, number=number)
    if run.state not in ("exported", "executed"):
        raise RunState(number=number, state=run.state, wanted="exported, executed")
    line = next((line for line in run.to_pay if line.merchant_id == merchant_id), None)
    came_from = chart.BANK if run.state == "executed" else chart.in_transit(number)
    flipped = session.execute(
        update(settlement)
        .where(
            settlement.c.programme_id == programme_id,
            settlement.c.run_number == number,
            settlement.c.merchant_id == merchant_id,
            settlement.c.state == ("paid" if run.state == "executed" else "to_pay"),
        )
        .values(state="returned")
    ).rowcount
    if line is None or flipped == 0:
        raise NotInRun(number=number)
    back = [Move(came_from, chart.merchant(merchant_id), line.net_cents)]
    _record(session, run=run, kind="transfer_returned", actor=actor, at=at, reason=reason, moves=back)
    return find_run(session, programme_id=programme_id, number=number)


def require_approved(run: Run) -> None:
    """Refuses `RunState` for a run that is not approved yet, or was withdrawn: it has no bank file, no statements."""
    if run.approved_at is None:
        raise RunState(number=run.number, state=run.state, wanted="approved, exported, executed")


def _held(session: WriteSession, *, programme_id: int, number: int) -> Run:
    """The run, which nobody else moves on meanwhile: an execution and a return read the same state."""
    held = select(payment_run.c.number).where(
        payment_run.c.programme_id == programme_id, payment_run.c.number == number
    )
    session.execute(held.with_for_update(key_share=True))
    return find_run(session, programme_id=programme_id, number=number)


def _flip(session: WriteSession, *, run: Run, before: str, after: str) -> None:
    flipped = session.execute(
        update(payment_run)
        .where(
            payment_run.c.programme_id == run.programme_id,
            payment_run.c.number == run.number,
            payment_run.c.state == before,
        )
        .values(state=after)
    ).rowcount
    if flipped == 0:
        raise RunState(number=run.number, state=run.state, wanted=before)


def _record(
    session: WriteSession,
    *,
    run: Run,
    kind: str,
    actor: str,
    at: datetime,
    reason: str = "",
    moves: Sequence[Move] = (),
) -> None:
    fact = Fact(kind=kind, at=at, actor=actor, subject=f"run:{run.number}", reason=reason, moves=moves)
    ledger.post(session, programme_id=run.programme_id, fact=fact)
