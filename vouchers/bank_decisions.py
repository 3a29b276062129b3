"""What a treasurer may decide of one line of the bank, as one value: the pages and the API both bring it here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args

from vouchers import bank_desk, reconcile, repay
from vouchers.bank_lines import Share
from vouchers.db import WriteSession
from vouchers.errors import BadInput

What = Literal[
    "confirm", "orders", "wait", "allot", "fees", "set_aside", "reopen",
    "pay_back_order", "pay_back_lapsed", "pay_back_waiting", "run", "return", "recognise",
]  # fmt: skip
"""As it is proposed; these orders; it waits; of what waits, for these orders; the bank's fees; not of this programme;

to be decided after all; money back; a run of ours; one of our transfers came back; facts recorded before.
"""
WHATS: Final = get_args(What)


@dataclass(frozen=True, slots=True)
class Decision:
    """`what`, and of the rest what it needs. `seen`: the mark of the proposal that is confirmed.

    `kept_cents`: what the bank took for itself of a return, or of money recorded before.
    """

    what: What
    shares: tuple[Share, ...] = ()
    seen: str | None = None
    because: str | None = None
    order_number: int | None = None
    buyer_id: int | None = None
    waiting_number: int | None = None
    run_number: int | None = None
    merchant_id: int | None = None
    kept_cents: int = 0
    line_numbers: tuple[int, ...] = ()
    journal_ids: tuple[int, ...] = ()


def decide(
    session: WriteSession, *, programme_id: int, line_number: int, decision: Decision, actor: str, at: datetime
) -> None:
    """Decide it. Refuses `BadInput` for what is missing, then as the act itself does."""
    doing: dict[str, Any] = {"programme_id": programme_id, "actor": actor, "at": at}
    this = {"line_number": line_number, **doing}

    def given(field: str) -> Any:
        value = getattr(decision, field)
        if not value:
            raise BadInput(field=field, problem="missing")
        return value

    acts: dict[What, Callable[[], object]] = {
        "confirm": lambda: bank_desk.confirm(session, seen=given("seen"), **this),
        "orders": lambda: bank_desk.pay_orders(session, shares=given("shares"), **this),
        "allot": lambda: bank_desk.allot(session, shares=given("shares"), **this),
        "wait": lambda: reconcile.receive(session, **this),
        "fees": lambda: reconcile.take_fees(session, **this),
        "set_aside": lambda: reconcile.set_aside(session, because=given("because"), **this),
        "reopen": lambda: reconcile.reopen(session, **this),
        "pay_back_order": lambda: repay.pay_back_order(session, order_number=given("order_number"), **this),
        "pay_back_lapsed": lambda: repay.pay_back_lapsed(session, buyer_id=given("buyer_id"), **this),
        "pay_back_waiting": lambda: repay.pay_back_waiting(session, waiting_number=given("waiting_number"), **this),
        "run": lambda: bank_desk.execute_run(
            session,
            run_number=given("run_number"),
            line_numbers=sorted({line_number, *decision.line_numbers}),
            **doing,
        ),
        "return": lambda: bank_desk.take_return(
            session,
            run_number=given("run_number"),
            merchant_id=given("merchant_id"),
            kept_cents=decision.kept_cents,
            **this,
        ),
        "recognise": lambda: reconcile.recognise(
            session,
            journal_ids=given("journal_ids"),
            line_numbers=sorted({line_number, *decision.line_numbers}),
            kept_cents=decision.kept_cents,
            **doing,
        ),
    }
    acts[decision.what]()
