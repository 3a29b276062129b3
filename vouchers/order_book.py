"""The order book: every order as it stands. The verbs that move orders on, and the doors, read it here.

What was sold, paid and is owed are not columns: they are lines and postings, added up when asked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Row, func, or_, select, update

from vouchers import chart
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import NotFound, OrderState
from vouchers.ledger import Move
from vouchers.tables import journal, order_line, posting, voucher_order

MOST_LISTED: Final = 500


class Line(NamedTuple):
    """`quantity` vouchers of `face_cents` each."""

    face_cents: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Order:
    """`owed_cents`: what the buyer owes now; below zero, what is owed back. `paid_cents`: what the bank received."""

    programme_id: int
    number: int
    buyer_id: int
    state: str
    rf_reference: str
    purchase_order: str | None
    fee_cents: int
    fee_vat_cents: int
    drafted_by: str
    drafted_at: datetime
    placed_by: str | None
    approved_by: str | None
    accepted_by: str | None
    lines: tuple[Line, ...]
    paid_cents: int
    owed_cents: int

    @property
    def quantity(self) -> int:
        """Vouchers in all."""
        return sum(line.quantity for line in self.lines)

    @property
    def face_cents(self) -> int:
        """Face value in all."""
        return sum(line.face_cents * line.quantity for line in self.lines)

    @property
    def total_cents(self) -> int:
        """What the invoice says: face value, fee and the VAT on the fee."""
        return self.face_cents + self.fee_cents + self.fee_vat_cents


def find(session: ReadSession, *, programme_id: int, number: int) -> Order:
    """One order. Refuses `NotFound`."""
    row = session.execute(select(voucher_order).where(*_is(programme_id, number))).first()
    if row is None:
        raise NotFound(what="order", id=number)
    return _orders(session, programme_id=programme_id, rows=[row])[0]


def listed(
    session: ReadSession, *, programme_id: int, after: int = 0, limit: int = 50, buyer_id: int | None = None
) -> list[Order]:
    """Orders numbered above `after`, in order, `limit` at most (up to 500); of one buyer where `buyer_id` is given."""
    page = (
        select(voucher_order)
        .where(voucher_order.c.programme_id == programme_id, voucher_order.c.number > after)
        .order_by(voucher_order.c.number)
        .limit(max(0, min(limit, MOST_LISTED)))
    )
    if buyer_id is not None:
        page = page.where(voucher_order.c.buyer_id == buyer_id)
    return _orders(session, programme_id=programme_id, rows=session.execute(page).all())


def newest_of(session: ReadSession, *, programme_id: int, buyer_id: int, limit: int) -> list[Order]:
    """The newest orders of a buyer, the newest first."""
    newest = (
        select(voucher_order)
        .where(voucher_order.c.programme_id == programme_id, voucher_order.c.buyer_id == buyer_id)
        .order_by(voucher_order.c.number.desc())
        .limit(max(0, min(limit, MOST_LISTED)))
    )
    return _orders(session, programme_id=programme_id, rows=session.execute(newest).all())


def owed_by(session: ReadSession, *, programme_id: int, buyer_id: int) -> int:
    """Cents that a buyer owes on all its orders; what it is owed back on one does not pay another."""
    numbers = session.execute(
        select(voucher_order.c.number).where(
            voucher_order.c.programme_id == programme_id, voucher_order.c.buyer_id == buyer_id
        )
    ).scalars()
    standings = standing(session, programme_id=programme_id, numbers=numbers.all())
    return sum(max(0, owed) for _, owed in standings.values())


def locked(session: WriteSession, *, programme_id: int, number: int, wanted: Sequence[str]) -> Order:
    """An order in one of the `wanted` states, kept so until the transaction ends. Refuses `NotFound`, `OrderState`."""
    held = select(voucher_order).where(*_is(programme_id, number)).with_for_update(key_share=True)
    row = session.execute(held).first()
    if row is None:
        raise NotFound(what="order", id=number)
    if row.state not in wanted:
        raise OrderState(number=number, state=row.state, wanted=", ".join(wanted))
    return _orders(session, programme_id=programme_id, rows=[row])[0]


def flip(session: WriteSession, *, order: Order, **values: Any) -> None:
    """Change a `locked` order. The guard stands in the statement too: nothing moves if the state is another."""
    flipped = session.execute(
        update(voucher_order)
        .where(*_is(order.programme_id, order.number), voucher_order.c.state == order.state)
        .values(**values)
    )
    assert flipped.rowcount == 1, order


def subject(number: int) -> str:
    """What a fact about an order is about."""
    return f"order:{number}"


def standing(session: ReadSession, *, programme_id: int, numbers: Iterable[int]) -> dict[int, tuple[int, int]]:
    """(paid, owed) of each order, in cents. One statement for a page; a receivable has too few postings to snapshot."""
    order_of = {chart.receivable(number): number for number in numbers}
    sums = dict.fromkeys(order_of.values(), (0, 0))
    moved = (
        select(posting.c.debit, posting.c.credit, func.sum(posting.c.cents))
        .where(
            posting.c.programme_id == programme_id,
            or_(posting.c.debit.in_(list(order_of)), posting.c.credit.in_(list(order_of))),
        )
        .group_by(posting.c.debit, posting.c.credit)
    )
    for debit, credit, summed in session.execute(moved):
        cents = int(summed)
        if debit in order_of:
            paid, owed = sums[order_of[debit]]
            sums[order_of[debit]] = (paid, owed + cents)
        else:
            paid, owed = sums[order_of[credit]]
            sums[order_of[credit]] = (paid + cents if debit in chart.RECEIVED else paid, owed - cents)
    return sums


def vat_moves(session: WriteSession, *, order: Order, owed_cents: int) -> list[Move]:
    """The VAT on the fee, due the first time a `locked` order owes nothing; `owed_cents`: what it now owes."""
    if (
        owed_cents > 0
        or order.state == "cancelled"
        or order.fee_vat_cents == 0
        or vat_is_collected(session, order=order)
    ):
        return []
    return [Move(chart.VAT_PENDING, chart.VAT, order.fee_vat_cents)]


def vat_is_collected(session: ReadSession, *, order: Order) -> bool:
    """Whether the VAT on this order's fee is due: its `vat_moves` were posted, or it was sold with VAT on debits."""
    moved = (
        select(posting.c.line)
        .join(journal, (journal.c.programme_id == posting.c.programme_id) & (journal.c.id == posting.c.journal_id))
        .where(
            journal.c.programme_id == order.programme_id,
            journal.c.subject == subject(order.number),
            posting.c.debit.in_((chart.VAT_PENDING, chart.receivable(order.number))),
            posting.c.credit == chart.VAT,
        )
    )
    return session.execute(moved.limit(1)).first() is not None


def _is(programme_id: int, number: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return voucher_order.c.programme_id == programme_id, voucher_order.c.number == number


def _orders(session: ReadSession, *, programme_id: int, rows: Sequence[Row[Any]]) -> list[Order]:
    numbers = [row.number for row in rows]
    lines: dict[int, list[Line]] = {number: [] for number in numbers}
    of_these = (
        select(order_line.c.order_number, order_line.c.face_cents, order_line.c.quantity)
        .where(order_line.c.programme_id == programme_id, order_line.c.order_number.in_(numbers))
        .order_by(order_line.c.order_number, order_line.c.line)
    )
    for number, face_cents, quantity in session.execute(of_these):
        lines[number].append(Line(face_cents, quantity))
    sums = standing(session, programme_id=programme_id, numbers=numbers)
    return [
        Order(**row._mapping, lines=tuple(lines[row.number]), paid_cents=paid, owed_cents=owed)
        for row in rows
        for paid, owed in [sums[row.number]]
    ]
