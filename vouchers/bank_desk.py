"""At the bank's desk: its files are taken, and each line is decided together with the act that it tells of.

A payment, an execution, a return are acts of their own rooms; here each is done in the same transaction as the flip of
its line, so that a line is never done and its money not booked, nor the other way round. Orders are held in the order
of their numbers before any is paid, so that two who share out transfers never wait for each other.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from vouchers import (
    bank_lines,
    bank_statements,
    chart,
    ledger,
    matching,
    order,
    order_book,
    pay,
    proposals,
    reconcile,
    repay,
    runs,
)
from vouchers.bank_lines import BankLine, Share, Told
from vouchers.bank_messages import BankNotification, BankStatement, PaymentReport, reason_of
from vouchers.bank_statements import Statement
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import (
    BadInput,
    LineDecided,
    LineDiffers,
    LineOtherWay,
    NothingWaiting,
    NotInRun,
    ProposalChanged,
    Refusal,
    ReportNotOurs,
    RunState,
    StatementKnown,
)
from vouchers.order import Part
from vouchers.paper import bank_file, camt_053, pain_002
from vouchers.proposals import Proposal
from vouchers.tables import ORDER_STATES

_MOST_SHARES: Final = 50


@dataclass(frozen=True, slots=True)
class BankFile:
    """What a bank sent, read: statements and notifications, or a report on one of our files."""

    sha256: str
    statements: tuple[BankStatement | BankNotification, ...] = ()
    report: PaymentReport | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What a file brought: the statements taken, and the bank's names of those that were known before.

    Of a report: the run, the merchants whose transfers were refused, and how many of them were known.
    """

    statements: tuple[Statement, ...] = ()
    known: tuple[str, ...] = ()
    run_number: int | None = None
    returned: tuple[int, ...] = ()
    known_returns: int = 0
    status: str | None = None


# ── A file of the bank ───────────────────────────────────────────────────────────────────────────────────────────
def read_file(content: bytes) -> BankFile:
    """A camt.053, camt.054 or pain.002. Refuses `BadInput` for 'file', as their readers do."""
    kinds = (*camt_053.STATEMENTS, *camt_053.NOTIFICATIONS, *pain_002.REPORTS)
    kind = bank_file.opened(content, wanted=kinds).kind
    digest = hashlib.sha256(content).hexdigest()
    if kind in pain_002.REPORTS:
        return BankFile(digest, report=pain_002.read(content))
    if kind in camt_053.STATEMENTS:
        return BankFile(digest, camt_053.read(content))
    return BankFile(digest, camt_053.read_notifications(content))


def take(session: WriteSession, *, programme_id: int, file: BankFile, actor: str, at: datetime) -> Taken:
    """Take all that a file holds, or nothing of it. Statements that are known are named, where another is new.

    Refuses as `reconcile.take_statement`, `StatementKnown` only where nothing is new; of a report `ReportNotOurs`,
    `NotFound`, `RunState` (the file was not handed out yet).
    """
    if file.report is not None:
        return _take_report(
            session, programme_id=programme_id, report=file.report, sha256=file.sha256, actor=actor, at=at
        )
    taken: list[int] = []
    known: list[StatementKnown] = []
    for statement in file.statements:
        try:
            taken.append(
                reconcile.take_statement(
                    session, programme_id=programme_id, statement=statement, sha256=file.sha256, actor=actor, at=at
                )
            )
        except StatementKnown as refusal:
            known.append(refusal)
    if known and not taken:
        raise known[0]
    # Listed once for all of them: each is put between its neighbours.
    every = {one.number: one for one in bank_statements.listed(session, programme_id=programme_id)} if taken else {}
    return Taken(
        statements=tuple(every[number] for number in taken),
        known=tuple(str(refusal.data["statement"]) for refusal in known),
    )


def _take_report(
    session: WriteSession, *, programme_id: int, report: PaymentReport, sha256: str, actor: str, at: datetime
) -> Taken:
    named = matching.run_of(report.original_message_id)
    if named is None or named[0] != programme_id:
        raise ReportNotOurs(message=report.original_message_id)
    number = named[1]
    run = runs.find_run(session, programme_id=programme_id, number=number)
    if run.state not in ("exported", "executed"):
        raise RunState(number=number, state=run.state, wanted="exported, executed")
    refused = _refused(report, run)
    states = {line.merchant_id: line.state for line in run.to_pay}
    fresh = {merchant_id: code for merchant_id, code in refused.items() if states.get(merchant_id) != "returned"}
    for merchant_id, code in fresh.items():
        pay.returned(
            session,
            programme_id=programme_id,
            number=number,
            merchant_id=merchant_id,
            reason=reason_of(code, report_sha256=sha256),
            actor=actor,
            at=at,
        )
    return Taken(
        run_number=number,
        returned=tuple(fresh),
        known_returns=len(refused) - len(fresh),
        status=report.group_status,
    )


def _refused(report: PaymentReport, run: runs.Run) -> dict[int, str]:
    """Merchant → code. Refused as a whole: every transfer of the run."""
    if report.wholly_rejected:
        codes = [report.group_reason, *(block.reason for block in report.blocks)]
        code = next((code for code in codes if code), "NARR")
        return {line.merchant_id: code for line in run.to_pay}
    found: dict[int, str] = {}
    for one in report.rejected:
        ours = matching.returned_settlement(one.end_to_end_id or "")
        if ours is None or ours[:2] != (run.programme_id, run.number):
            raise ReportNotOurs(message=one.end_to_end_id or "")
        found[ours[2]] = one.reason or report.group_reason or "NARR"
    return found


# ── One line ─────────────────────────────────────────────────────────────────────────────────────────────────────
def pay_orders(
    session: WriteSession,
    *,
    programme_id: int,
    line_number: int,
    shares: Sequence[Share],
    actor: str,
    at: datetime,
    means: str = "hand",
) -> BankLine:
    """Money that came in pays these orders, whose shares make up the line.

    Refuses, in order: `BadInput` (shares), `NotFound`, `LineDecided`, `LineOtherWay`, `LineDiffers`, then as
    `order.record_payment`.
    """
    _check(shares)
    line = bank_lines.decide(session, programme_id=programme_id, number=line_number, actor=actor, at=at)
    if line.cents < 0:
        raise LineOtherWay(number=line_number)
    summed = sum(share.cents for share in shares)
    if summed != line.cents:
        raise LineDiffers(line_cents=line.cents, cents=summed)
    _record(session, line=line, shares=shares, out_of=chart.BANK, name=line.transfer, means=means, actor=actor, at=at)
    return line


def allot(
    session: WriteSession, *, programme_id: int, line_number: int, shares: Sequence[Share], actor: str, at: datetime
) -> BankLine:
    """Money of a line that waited is for these orders, all of it or a part.

    Refuses, in order: `BadInput` (shares), `NotFound`, `NothingWaiting`, then as `order.record_payment`.
    """
    _check(shares)
    line = bank_lines.held(session, programme_id=programme_id, number=line_number)
    left = bank_lines.waiting(session, programme_id=programme_id, number=line_number)
    left_cents = left[0].left_cents if left else 0
    summed = sum(share.cents for share in shares)
    if summed > left_cents:
        raise NothingWaiting(number=line_number, left_cents=left_cents, cents=summed)
    told = bank_lines.matched(session, programme_id=programme_id, line_numbers=[line_number])[line_number]
    # Each allotment has a name of its own, so that one made later is not taken for the same money again.
    name = f"{line.transfer}-{len(told)}"
    _record(session, line=line, shares=shares, out_of=chart.UNALLOCATED, name=name, means="hand", actor=actor, at=at)
    return line


def _check(shares: Sequence[Share]) -> None:
    if not 1 <= len(shares) <= _MOST_SHARES:
        raise BadInput(field="shares", problem="range", least=1, most=_MOST_SHARES)
    if len({share.order_number for share in shares}) < len(shares):
        raise BadInput(field="shares", problem="twice")


def _record(
    session: WriteSession,
    *,
    line: BankLine,
    shares: Sequence[Share],
    out_of: str,
    name: str,
    means: str,
    actor: str,
    at: datetime,
) -> None:
    _hold_orders(session, programme_id=line.programme_id, numbers=[share.order_number for share in shares])
    told = []
    for number, share in enumerate(shares, start=1):
        order.record_payment(
            session,
            programme_id=line.programme_id,
            number=share.order_number,
            cents=share.cents,
            bank_reference=name,
            received_on=line.booked_on,
            actor=actor,
            at=at,
            part=Part(number, len(shares)),
            out_of=out_of,
        )
        about = order_book.subject(share.order_number)
        fact = bank_lines.newest_fact(session, programme_id=line.programme_id, kind="order_paid", subject=about)
        told.append(Told(fact, share.cents))
    bank_lines.match(session, line=line, told=told, means=means)


def _hold_orders(session: WriteSession, *, programme_id: int, numbers: Sequence[int]) -> None:
    for number in sorted(numbers):
        order_book.locked(session, programme_id=programme_id, number=number, wanted=ORDER_STATES)


def execute_run(
    session: WriteSession, *, programme_id: int, run_number: int, line_numbers: Sequence[int], actor: str, at: datetime
) -> list[BankLine]:
    """The bank paid a run: these lines out make up what it still had to pay.

    Refuses, in order: `BadInput` (no line), `NotFound`, `LineDecided`, `LineOtherWay`, `RunState`, `LineDiffers`.
    """
    if not line_numbers:
        raise BadInput(field="line_numbers", problem="missing")
    lines = [
        bank_lines.decide(session, programme_id=programme_id, number=number, actor=actor, at=at)
        for number in sorted(set(line_numbers))
    ]
    for line in lines:
        if line.cents > 0:
            raise LineOtherWay(number=line.number)
    left_cents = ledger.balance(session, programme_id=programme_id, account=chart.in_transit(run_number))
    pay.execute(session, programme_id=programme_id, number=run_number, actor=actor, at=at)
    # Flipped, the run is ours until the transaction ends: what was read before it may have been another's.
    paid_cents = -sum(line.cents for line in lines)
    fact = bank_lines.newest_fact(session, programme_id=programme_id, kind="run_executed", subject=f"run:{run_number}")
    moved = bank_lines.unseen(session, programme_id=programme_id, journal_ids=[fact])
    moved_cents = -moved[0].cents if moved else 0
    if paid_cents != moved_cents:
        raise LineDiffers(line_cents=paid_cents, cents=left_cents)
    for line in lines:
        bank_lines.match(session, line=line, told=[Told(fact, -line.cents)], means="message")
    return lines


def take_return(
    session: WriteSession,
    *,
    programme_id: int,
    line_number: int,
    run_number: int,
    merchant_id: int,
    actor: str,
    at: datetime,
    kept_cents: int = 0,
    means: str = "hand",
) -> BankLine:
    """One transfer of a run came back to the account: its merchant's balance is open again, whole.

    `kept_cents`: what the bank took of it for its trouble. Refuses, in order: `BadInput` (kept_cents), `NotFound`,
    `LineDecided`, `LineOtherWay`, `RunState` (only what was paid can come back), `NotInRun` (returned before),
    `LineDiffers`.
    """
    reconcile.refuse_no_fee(kept_cents)
    line = bank_lines.decide(session, programme_id=programme_id, number=line_number, actor=actor, at=at)
    if line.cents < 0:
        raise LineOtherWay(number=line_number)
    run = runs.find_run(session, programme_id=programme_id, number=run_number)
    if run.state != "executed":
        raise RunState(number=run_number, state=run.state, wanted="executed")
    sent = next((one for one in run.to_pay if one.merchant_id == merchant_id), None)
    if sent is None:
        raise NotInRun(number=run_number)
    pay.returned(
        session,
        programme_id=programme_id,
        number=run_number,
        merchant_id=merchant_id,
        reason=reason_of(line.return_reason or "NARR"),
        actor=actor,
        at=at,
    )
    if sent.net_cents != line.cents + kept_cents:
        raise LineDiffers(line_cents=line.cents, cents=sent.net_cents - kept_cents)
    about = f"run:{run_number}"
    fact = bank_lines.newest_fact(session, programme_id=programme_id, kind="transfer_returned", subject=about)
    bank_lines.match(session, line=line, told=[Told(fact, sent.net_cents)], means=means)
    reconcile.keep_fees(session, line=line, cents=kept_cents, actor=actor, at=at)
    return line


# ── As it is proposed ────────────────────────────────────────────────────────────────────────────────────────────
def confirm(
    session: WriteSession, *, programme_id: int, line_number: int, seen: str, actor: str, at: datetime
) -> Proposal:
    """Record a line as it is proposed, which is still what was `seen`: the proposal's mark.

    Refuses `NotFound`, `LineDecided`, `ProposalChanged`, then as the act itself.
    """
    line = bank_lines.find(session, programme_id=programme_id, number=line_number)
    if line.state != "open":
        raise LineDecided(number=line_number, state=line.state)
    proposed = proposals.proposals(session, programme_id=programme_id, lines=[line])[line_number]
    if not proposed.postable or proposed.mark != seen:
        raise ProposalChanged(number=line_number)
    _post(session, proposed, programme_id=programme_id, actor=actor, at=at)
    return proposed


def confirm_certain(session: WriteSession, *, programme_id: int, actor: str, at: datetime) -> list[Proposal]:
    """Record all that is certain, what this makes certain included: a run is executed, then its returns are taken.

    What its act refuses stays open; where nothing else is certain, that refusal is raised.
    """
    posted: list[Proposal] = []
    refused: dict[int, Refusal] = {}
    while sure := [
        one for one in proposals.certain(session, programme_id=programme_id) if one.line_number not in refused
    ]:
        _hold_orders(
            session,
            programme_id=programme_id,
            numbers=sorted({share.order_number for one in sure for share in one.shares}),
        )
        for one in sure:
            try:
                with session.begin_nested():
                    _post(session, one, programme_id=programme_id, actor=actor, at=at)
                posted.append(one)
            except Refusal as refusal:
                refused[one.line_number] = refusal
    if refused and not posted:
        raise next(iter(refused.values()))
    return posted


def _post(session: WriteSession, one: Proposal, *, programme_id: int, actor: str, at: datetime) -> None:
    doing: dict[str, Any] = {"programme_id": programme_id, "actor": actor, "at": at}
    acts: dict[str, Callable[[], object]] = {
        "recorded": lambda: reconcile.recognise(
            session,
            line_numbers=one.line_numbers,
            journal_ids=one.journal_ids,
            kept_cents=one.kept_cents,
            **doing,
        ),
        "run": lambda: execute_run(session, run_number=one.run_number or 0, line_numbers=one.line_numbers, **doing),
        "returned": lambda: take_return(
            session,
            line_number=one.line_number,
            run_number=one.run_number or 0,
            merchant_id=one.merchant_id or 0,
            kept_cents=one.kept_cents,
            means=one.reason,
            **doing,
        ),
        "orders": lambda: pay_orders(
            session, line_number=one.line_number, shares=one.shares, means=one.reason, **doing
        ),
        "paid_back": lambda: repay.pay_back_order(
            session, line_number=one.line_number, order_number=one.shares[0].order_number, **doing
        ),
        "fees": lambda: reconcile.take_fees(session, line_number=one.line_number, **doing),
    }
    acts[one.kind]()


def search_orders(session: ReadSession, *, programme_id: int, words: str, limit: int = 20) -> list[matching.Owing]:
    """Orders whose number, reference, purchase order or buyer has these words, those that owe something first."""
    wanted = words.casefold().split()

    def has(one: matching.Owing) -> bool:
        told = f"{one.order_number} {one.rf_reference} {one.purchase_order or ''} {one.buyer_name}".casefold()
        return all(word in told for word in wanted)

    found = [one for one in proposals.owing(session, programme_id=programme_id) if has(one)]
    return sorted(found, key=lambda one: (one.owed_cents <= 0, one.order_number))[:limit]
