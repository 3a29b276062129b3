"""A period is closed, merchant by merchant: gross, commission, VAT, net.

A run is proposed by one person and approved by another; `pay.py` has what follows. What a run covers is fixed when it
is proposed, by a watermark: every posting to a merchant up to it that no run has settled and nobody holds, whose
business day is in or before the period. Postings do not change, one run is open at a time, and none is approved whose
shops were held or released since: so what is approved is what was proposed.

The commission is a rate on the merchant's gross (redemptions less reversals, and guarantees), rounded once, and VAT a
rate on the commission, rounded once: gross + brought = commission + VAT + net, to the cent. A returned transfer is
brought forward and paid again without commission.

Carried over and listed, not paid: a merchant suspended (`suspended`), without a confirmed bank account in force
(`no_account`), or due nothing (`nothing_due`).
"""

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, func, insert, literal, select, update

from vouchers import chart, clock, ledger, money
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import (
    BadInput,
    FiguresChanged,
    HeldSince,
    IssuerAccountMissing,
    NothingToSettle,
    RunOpen,
    RunState,
    SamePerson,
)
from vouchers.ledger import Fact, Move
from vouchers.rules import rules, take_turn
from vouchers.runs import Run, Settlement, find_run
from vouchers.tables import bank_account, journal, merchant, payment_run, settlement, settlement_line
from vouchers.unsettled import due, unsettled


def propose(
    session: WriteSession, *, programme_id: int, to_on: date, upto_journal: int, actor: str, at: datetime
) -> Run:
    """Propose the run that closes `to_on` (a Paris day, at most today). `upto_journal`: a `ledger.watermark`.

    Refuses, in order: `BadInput`, `IssuerAccountMissing`, `RunOpen`, `NothingToSettle`.
    """
    if to_on > clock.book_day(at):
        raise BadInput(field="to_on", problem="in_the_future")
    take_turn(session, programme_id=programme_id)
    programme = rules(session, programme_id=programme_id)
    if programme.issuer_iban is None:
        raise IssuerAccountMissing
    runs = session.execute(
        select(payment_run.c.number, payment_run.c.state, payment_run.c.to_on)
        .where(payment_run.c.programme_id == programme_id)
        .order_by(payment_run.c.number)
    ).all()
    for earlier in runs:
        if earlier.state == "proposed":
            raise RunOpen(number=earlier.number)
    closed = [earlier.to_on for earlier in runs if earlier.state != "withdrawn"]
    from_on = min(max(closed) + timedelta(days=1) if closed else programme.starts_on, to_on)
    owed = due(session, programme_id=programme_id, to_on=to_on, upto_journal=upto_journal)
    standing = _standing(session, programme_id=programme_id, at=at)
    rows = []
    number = max((earlier.number for earlier in runs), default=0) + 1
    for merchant_id, (gross, brought) in owed.items():
        kept = money.commission_on(gross, commission_bp=programme.commission_bp, vat_bp=programme.vat_bp)
        net = kept.net_cents + brought
        because = _carried_because(standing[merchant_id], net_cents=net)
        rows.append(
            {
                "programme_id": programme_id,
                "run_number": number,
                "merchant_id": merchant_id,
                "state": "carried" if because else "to_pay",
                "carried_because": because,
                "gross_cents": gross,
                "brought_cents": brought,
                "commission_cents": kept.commission_cents,
                "vat_cents": kept.vat_cents,
                "net_cents": net,
                "account_holder": standing[merchant_id].account_holder,
                "iban": standing[merchant_id].iban,
            }
        )
    if all(row["state"] == "carried" for row in rows):
        raise NothingToSettle(to_on=to_on.isoformat())

    # From here it must succeed.
    session.execute(
        payment_run.insert(),
        {
            "programme_id": programme_id,
            "number": number,
            "state": "proposed",
            "from_on": from_on,
            "to_on": to_on,
            "upto_journal": upto_journal,
            "commission_bp": programme.commission_bp,
            "vat_bp": programme.vat_bp,
            "debtor_name": programme.issuer_account_holder or programme.issuer_name,
            "debtor_iban": programme.issuer_iban,
            "debtor_bic": programme.issuer_bic,
            "proposed_by": actor,
            "proposed_at": at,
        },
    )
    session.execute(settlement.insert(), rows)
    run = find_run(session, programme_id=programme_id, number=number)
    _record(session, run=run, kind="run_proposed", actor=actor, at=at)
    return run


def withdraw(session: WriteSession, *, programme_id: int, number: int, actor: str, reason: str, at: datetime) -> Run:
    """Take a proposed run back; nothing was moved, so nothing is undone. Refuses `NotFound`, `RunState`."""
    run = find_run(session, programme_id=programme_id, number=number)
    _close_proposal(session, run=run, state="withdrawn")
    _record(session, run=run, kind="run_withdrawn", actor=actor, at=at, reason=reason)
    return find_run(session, programme_id=programme_id, number=number)


def approve(
    session: WriteSession, *, programme_id: int, number: int, execution_on: date | None, actor: str, at: datetime
) -> Run:
    """Approve a proposed run: its postings are settled, commission and VAT taken, the nets put in transit.

    `execution_on`: the day the bank is asked to pay on, not before today and a TARGET day; None for the first one from
    tomorrow on. Refuses, in order: `NotFound`,
    `SamePerson` (who proposed), `BadInput`, `RunState`, `HeldSince` (something of a shop to be paid was held or
    released meanwhile), `FiguresChanged` (an account or a shop's standing is no longer what was proposed).
    """
    # A hold takes its turn too: it is laid before, and refuses this, or after, and comes too late for this run.
    take_turn(session, programme_id=programme_id)
    run = find_run(session, programme_id=programme_id, number=number)
    if run.proposed_by == actor:
        raise SamePerson(act="settlement.approve")
    today = clock.book_day(at)
    pay_on = execution_on or clock.next_target_day(today + timedelta(days=1))
    if pay_on < today:
        raise BadInput(field="execution_on", problem="in_the_past")
    if not clock.is_target_day(pay_on):
        raise BadInput(field="execution_on", problem="not_a_target_day")
    _close_proposal(session, run=run, state="approved", approved_by=actor, approved_at=at, execution_on=pay_on)
    _refuse_held_since(session, run=run)
    owed = due(session, programme_id=programme_id, to_on=run.to_on, upto_journal=run.upto_journal)
    standing = _standing(session, programme_id=programme_id, at=at)
    for line in run.to_pay:
        now = standing[line.merchant_id]
        same_figures = owed.get(line.merchant_id) == (line.gross_cents, line.brought_cents)
        if not same_figures or now != _Standing("active", line.account_holder, line.iban):
            raise FiguresChanged(merchant_id=line.merchant_id)

    # From here it must succeed.
    _take_lines(session, run=run)
    _record(session, run=run, kind="run_approved", actor=actor, at=at)
    facts = [
        Fact(
            kind="settled",
            at=at,
            actor=actor,
            subject=f"settlement:{number}/{line.merchant_id}",
            reason=line.end_to_end_id,
            moves=_moves(line, number=number),
        )
        for line in run.to_pay
    ]
    numbers = ledger.post_all(session, programme_id=programme_id, facts=facts)
    session.execute(
        update(settlement)
        .where(
            settlement.c.programme_id == programme_id,
            settlement.c.run_number == number,
            settlement.c.merchant_id == bindparam("settled_merchant"),
        )
        .values(journal_id=bindparam("settled_by")),
        [
            {"settled_merchant": line.merchant_id, "settled_by": journal_id}
            for line, journal_id in zip(run.to_pay, numbers, strict=True)
        ],
    )
    return find_run(session, programme_id=programme_id, number=number)


def _refuse_held_since(session: ReadSession, *, run: Run) -> None:
    """A hold laid on one line and another released may leave the same sum: the facts since the proposal tell."""
    proposed = select(func.max(journal.c.id)).where(
        journal.c.programme_id == run.programme_id,
        journal.c.subject == f"run:{run.number}",
        journal.c.kind == "run_proposed",
    )
    since = session.execute(
        select(journal.c.subject)
        .where(
            journal.c.programme_id == run.programme_id,
            journal.c.kind.in_(("settlement_held", "settlement_released")),
            journal.c.id > proposed.scalar_subquery(),
        )
        .order_by(journal.c.id)
    ).scalars()
    paid = {chart.merchant(line.merchant_id): line for line in run.to_pay}
    for subject in since:
        if subject in paid:
            raise HeldSince(shop_name=paid[subject].shop_name)


# ── Who is paid, and where ───────────────────────────────────────────────────────────────────────────────────────
class _Standing(NamedTuple):
    """A merchant's state and the bank account in force."""

    state: str
    account_holder: str | None
    iban: str | None


def _standing(session: ReadSession, *, programme_id: int, at: datetime) -> dict[int, _Standing]:
    newest = (
        select(
            bank_account.c.merchant_id,
            bank_account.c.account_holder,
            bank_account.c.iban,
            func.row_number()
            .over(
                partition_by=bank_account.c.merchant_id,
                order_by=(bank_account.c.in_force_at.desc(), bank_account.c.id.desc()),
            )
            .label("age"),
        )
        .where(
            bank_account.c.programme_id == programme_id,
            bank_account.c.state == "confirmed",
            bank_account.c.in_force_at <= at,
        )
        .subquery()
    )
    rows = session.execute(
        select(merchant.c.id, merchant.c.state, newest.c.account_holder, newest.c.iban)
        .outerjoin(newest, and_(newest.c.merchant_id == merchant.c.id, newest.c.age == 1))
        .where(merchant.c.programme_id == programme_id)
    )
    return {row.id: _Standing(row.state, row.account_holder, row.iban) for row in rows}


def _carried_because(standing: _Standing, *, net_cents: int) -> str | None:
    if standing.state != "active":
        return "suspended"
    if standing.iban is None:
        return "no_account"
    return "nothing_due" if net_cents <= 0 else None


# ── What is written ──────────────────────────────────────────────────────────────────────────────────────────────
def _take_lines(session: WriteSession, *, run: Run) -> None:
    """Every posting behind what the run pays, as settled by it."""
    lines = unsettled(programme_id=run.programme_id, to_on=run.to_on, upto_journal=run.upto_journal).subquery()
    # Looked up line by line: joined, PostgreSQL may read every line again for each merchant of a run it never counted.
    paid = (
        select(settlement.c.state)
        .where(
            settlement.c.programme_id == run.programme_id,
            settlement.c.run_number == run.number,
            settlement.c.merchant_id == lines.c.merchant_id,
        )
        .correlate(lines)
        .scalar_subquery()
    )
    session.execute(
        insert(settlement_line).from_select(
            ["programme_id", "journal_id", "line", "run_number", "merchant_id"],
            select(
                literal(run.programme_id).label("programme_id"),
                lines.c.journal_id,
                lines.c.line,
                literal(run.number).label("run_number"),
                lines.c.merchant_id,
            )
            .where(paid == "to_pay")
            .order_by(lines.c.journal_id, lines.c.line),
        )
    )


def _moves(line: Settlement, *, number: int) -> list[Move]:
    owner = chart.merchant(line.merchant_id)
    moves = []
    for income, cents in ((chart.COMMISSION, line.commission_cents), (chart.VAT, line.vat_cents)):
        # Below zero when reversals outweigh redemptions and a returned transfer still makes the net payable.
        if cents > 0:
            moves.append(Move(owner, income, cents))
        elif cents < 0:
            moves.append(Move(income, owner, -cents))
    return [*moves, Move(owner, chart.in_transit(number), line.net_cents)]


def _close_proposal(session: WriteSession, *, run: Run, state: str, **approved: Any) -> None:
    flipped = session.execute(
        update(payment_run)
        .where(
            payment_run.c.programme_id == run.programme_id,
            payment_run.c.number == run.number,
            payment_run.c.state == "proposed",
        )
        .values(state=state, **approved)
    ).rowcount
    if flipped == 0:
        # Read again: of two at once, the loser hears what the winner made of it.
        now = find_run(session, programme_id=run.programme_id, number=run.number)
        raise RunState(number=run.number, state=now.state, wanted="proposed")


def _record(session: WriteSession, *, run: Run, kind: str, actor: str, at: datetime, reason: str = "") -> None:
    fact = Fact(kind=kind, at=at, actor=actor, subject=f"run:{run.number}", reason=reason)
    ledger.post(session, programme_id=run.programme_id, fact=fact)
