"""Orders and batches as a desk sees them: newest first, with their buyer, what comes next, and who did what.

Reads alone, for lists of some fifty lines: a statement for each kind of thing, never one for each line.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Row, and_, func, or_, select

from vouchers import order_book
from vouchers.db import ReadSession
from vouchers.tables import batch, buyer, journal, order_line, recipient_list, staff, voucher_order

MOST_LISTED: Final = 200
MOST_TOLD: Final = 200
Next = Literal[
    "place", "approve", "back", "issue", "resume", "assign", "print", "deliver", "activate", "done", "cancelled"
]
"""What an order waits for; 'back': money, or a signed purchase order."""


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch as a list shows it. `assigned` is left to who asks for one batch."""

    number: int
    order_number: int
    buyer_id: int
    buyer_name: str
    order_state: str
    state: str
    first_serial: int
    quantity: int
    issued_count: int
    expires_on: date
    issued_by: str
    printed_by: str | None
    printed_at: datetime | None
    activated_at: datetime | None

    @property
    def last_serial(self) -> int:
        """The last of the reserved serials."""
        return self.first_serial + self.quantity - 1

    @property
    def next(self) -> Next:
        """What it waits for."""
        match self.state:
            case "issuing":
                return "resume"
            case "issued":
                return "print"
            case "printed":
                return "activate" if self.order_state == "delivered" else "deliver"
            case _:
                return "done"


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as a list shows it. Money in cents; `owed_cents` below zero is owed back."""

    number: int
    buyer_id: int
    buyer_name: str
    approval: str
    state: str
    purchase_order: str | None
    placed_by: str | None
    drafted_at: datetime
    quantity: int
    face_cents: int
    total_cents: int
    owed_cents: int
    list_id: int | None
    batch: BatchRow | None

    @property
    def next(self) -> Next:
        """What it waits for."""
        match self.state:
            case "draft":
                return "place"
            case "placed":
                return "approve"
            case "approved":
                return "back"
            case "paid" | "accepted":
                return "issue"
            case "cancelled":
                return "cancelled"
            case _:
                return self.batch.next if self.batch is not None else "resume"


@dataclass(frozen=True, slots=True)
class Told:
    """One fact of an order's history: what, when, by whom (a name, or an actor's own word), and why."""

    kind: str
    at: datetime
    who: str
    reason: str


def orders(
    session: ReadSession,
    *,
    programme_id: int,
    buyer_ids: Collection[int] | None = None,
    states: Collection[str] | None = None,
    before: int | None = None,
    number: int | None = None,
    unfinished: bool = False,
    limit: int = 50,
) -> list[OrderRow]:
    """Orders, newest first, numbered below `before`; of these buyers, in these states, or the one `number`.

    `unfinished` leaves out those whose vouchers can be spent.
    """
    sums = (
        select(
            order_line.c.order_number,
            func.sum(order_line.c.quantity).label("quantity"),
            func.sum(order_line.c.quantity * order_line.c.face_cents).label("face_cents"),
        )
        .where(order_line.c.programme_id == programme_id)
        .group_by(order_line.c.order_number)
    )
    page = (
        select(
            voucher_order,
            buyer.c.name.label("buyer_name"),
            buyer.c.approval,
            recipient_list.c.id.label("list_id"),
        )
        .join(buyer, buyer.c.id == voucher_order.c.buyer_id)
        .outerjoin(
            recipient_list,
            and_(
                recipient_list.c.programme_id == voucher_order.c.programme_id,
                recipient_list.c.order_number == voucher_order.c.number,
            ),
        )
        .where(voucher_order.c.programme_id == programme_id)
        .order_by(voucher_order.c.number.desc())
        .limit(max(0, min(limit, MOST_LISTED)))
    )
    for known, wanted in ((voucher_order.c.buyer_id, buyer_ids), (voucher_order.c.state, states)):
        if wanted is not None:
            page = page.where(known.in_(wanted))
    if before is not None:
        page = page.where(voucher_order.c.number < before)
    if number is not None:
        page = page.where(voucher_order.c.number == number)
    if unfinished:
        spendable = select(batch.c.number).where(
            batch.c.programme_id == programme_id,
            batch.c.order_number == voucher_order.c.number,
            batch.c.state == "active",
        )
        page = page.where(~spendable.exists())
    rows = session.execute(page).all()
    numbers = [row.number for row in rows]
    summed = {row.order_number: row for row in session.execute(sums.where(order_line.c.order_number.in_(numbers)))}
    standing = order_book.standing(session, programme_id=programme_id, numbers=numbers)
    made = {one.order_number: one for one in _batches(session, batch.c.order_number.in_(numbers), programme_id)}
    return [_order(row, summed[row.number], standing[row.number][1], made.get(row.number)) for row in rows]


def _order(row: Row[Any], summed: Any, owed_cents: int, made: BatchRow | None) -> OrderRow:
    face_cents = int(summed.face_cents)
    return OrderRow(
        row.number,
        row.buyer_id,
        row.buyer_name,
        row.approval,
        row.state,
        row.purchase_order,
        row.placed_by,
        row.drafted_at,
        int(summed.quantity),
        face_cents,
        face_cents + row.fee_cents + row.fee_vat_cents,
        owed_cents,
        row.list_id,
        made,
    )


def batches(
    session: ReadSession,
    *,
    programme_id: int,
    buyer_ids: Collection[int] | None = None,
    before: int | None = None,
    number: int | None = None,
    limit: int = 50,
) -> list[BatchRow]:
    """Batches, newest first, numbered below `before`; of the orders of these buyers where they are given."""
    wanted: list[ColumnElement[bool]] = []
    if buyer_ids is not None:
        wanted.append(voucher_order.c.buyer_id.in_(buyer_ids))
    if before is not None:
        wanted.append(batch.c.number < before)
    if number is not None:
        wanted.append(batch.c.number == number)
    return _batches(session, and_(batch.c.number > 0, *wanted), programme_id, limit=limit)


def history(session: ReadSession, *, programme_id: int, subjects: Collection[str]) -> list[Told]:
    """What was done about these subjects ('order:3', 'batch:1', 'list:7'), newest first, up to 200.

    The chunks of an issue are told as one, by the last of them.
    """
    rows = session.execute(
        select(journal.c.kind, journal.c.at, journal.c.actor, journal.c.reason)
        .where(journal.c.programme_id == programme_id, journal.c.subject.in_(subjects))
        .order_by(journal.c.id.desc())
        .limit(MOST_TOLD)
    ).all()
    names = names_of(session, actors=[row.actor for row in rows])
    told = [Told(row.kind, row.at, names.get(row.actor, row.actor), row.reason) for row in rows]
    return [one for place, one in enumerate(told) if not (one.kind == "issued" and _same(told, place))]


def names_of(session: ReadSession, *, actors: Iterable[str | None]) -> dict[str, str]:
    """The name behind each 'staff:3'; the machine's own word is left out."""
    numbers = {int(actor.partition(":")[2]): actor for actor in actors if actor and actor.startswith("staff:")}
    named = select(staff.c.id, staff.c.name).where(staff.c.id.in_(numbers))
    return {numbers[row.id]: row.name for row in session.execute(named)}


def _same(told: list[Told], place: int) -> bool:
    return place > 0 and told[place - 1].kind == "issued"


def _batches(
    session: ReadSession, wanted: ColumnElement[bool], programme_id: int, *, limit: int = MOST_LISTED
) -> list[BatchRow]:
    page: Any = (
        select(
            batch.c.number,
            batch.c.order_number,
            voucher_order.c.buyer_id,
            buyer.c.name.label("buyer_name"),
            voucher_order.c.state.label("order_state"),
            batch.c.state,
            batch.c.first_serial,
            batch.c.quantity,
            batch.c.issued_count,
            batch.c.expires_on,
            batch.c.issued_by,
            batch.c.printed_by,
            batch.c.printed_at,
            batch.c.activated_at,
        )
        .join(
            voucher_order,
            and_(voucher_order.c.programme_id == batch.c.programme_id, voucher_order.c.number == batch.c.order_number),
        )
        .join(buyer, buyer.c.id == voucher_order.c.buyer_id)
        .where(batch.c.programme_id == programme_id, or_(wanted))
        .order_by(batch.c.number.desc())
        .limit(max(0, min(limit, MOST_LISTED)))
    )
    return [BatchRow(**row._mapping) for row in session.execute(page)]
