"""Money back: a transfer out of the account that repays a buyer, told by the bank's line.

Out of what: an order on which more was received than it owes, lapsed vouchers that the contract gives back to the
buyer, or money that was received and never allotted. Never more than is owed back on it.

Accounts (plan comptable général): 411000 buyer, 468300 lapsed vouchers to be given back, 419100 received and not yet
allotted, all against 512100 bank.
"""

from datetime import datetime

from sqlalchemy import select

from vouchers import bank_lines, chart, ledger, order_book
from vouchers.bank_lines import BankLine, Told
from vouchers.db import WriteSession
from vouchers.errors import LineOtherWay, NotFound, NotOwedBack
from vouchers.ledger import Fact, Move
from vouchers.tables import ORDER_STATES, buyer


def pay_back_order(
    session: WriteSession, *, programme_id: int, line_number: int, order_number: int, actor: str, at: datetime
) -> BankLine:
    """What was received on an order beyond what it owes.

    Refuses `NotFound` (line, order), `LineDecided`, `LineOtherWay` (it came in), `NotOwedBack` (more than is).
    """
    line = _out(session, programme_id=programme_id, line_number=line_number, actor=actor, at=at)
    order = order_book.locked(session, programme_id=programme_id, number=order_number, wanted=ORDER_STATES)
    _refuse_more(line, owed_cents=-order.owed_cents)
    account, about = chart.receivable(order_number), order_book.subject(order_number)
    _post(session, line=line, account=account, about=about, actor=actor, at=at)
    return line


def pay_back_lapsed(
    session: WriteSession, *, programme_id: int, line_number: int, buyer_id: int, actor: str, at: datetime
) -> BankLine:
    """Vouchers that lapsed, to the buyer who paid for them. Refuses as `pay_back_order`; `NotFound` (buyer)."""
    line = _out(session, programme_id=programme_id, line_number=line_number, actor=actor, at=at)
    held = select(buyer.c.id).where(buyer.c.programme_id == programme_id, buyer.c.id == buyer_id)
    if session.execute(held.with_for_update(key_share=True)).first() is None:
        raise NotFound(what="buyer", id=buyer_id)
    account = chart.lapsed(buyer_id)
    _refuse_more(line, owed_cents=ledger.balance(session, programme_id=programme_id, account=account))
    _post(session, line=line, account=account, about=f"buyer:{buyer_id}", actor=actor, at=at)
    return line


def pay_back_waiting(
    session: WriteSession, *, programme_id: int, line_number: int, waiting_number: int, actor: str, at: datetime
) -> BankLine:
    """Money of line `waiting_number` that was never allotted goes back. Refuses as `pay_back_order`."""
    line = _out(session, programme_id=programme_id, line_number=line_number, actor=actor, at=at)
    came = bank_lines.held(session, programme_id=programme_id, number=waiting_number)
    left = bank_lines.waiting(session, programme_id=programme_id, number=waiting_number)
    _refuse_more(line, owed_cents=left[0].left_cents if left else 0)
    about = bank_lines.subject(waiting_number)
    told = _post(session, line=line, account=chart.UNALLOCATED, about=about, actor=actor, at=at)
    # Told of the line it came in with as well: so much of it waits no longer.
    bank_lines.match(session, line=came, told=[told], means="hand")
    return line


def _out(session: WriteSession, *, programme_id: int, line_number: int, actor: str, at: datetime) -> BankLine:
    line = bank_lines.decide(session, programme_id=programme_id, number=line_number, actor=actor, at=at)
    if line.cents > 0:
        raise LineOtherWay(number=line_number)
    return line


def _refuse_more(line: BankLine, *, owed_cents: int) -> None:
    if -line.cents > owed_cents:
        raise NotOwedBack(cents=-line.cents, owed_cents=max(0, owed_cents))


def _post(session: WriteSession, *, line: BankLine, account: str, about: str, actor: str, at: datetime) -> Told:
    moves = [Move(account, chart.BANK, -line.cents)]
    fact = Fact("paid_back", at, actor, about, bank_lines.subject(line.number), moves)
    told = Told(ledger.post(session, programme_id=line.programme_id, fact=fact), -line.cents)
    bank_lines.match(session, line=line, told=[told], means="hand")
    return told
