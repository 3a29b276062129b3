"""Who is given which voucher: decided once a batch is issued, written down, and read for the sheet that is signed.

It is decided by the order of the list alone: within each face value the first person gets the first serials. So it can
be asked for twice, and gives the same. Nothing here ever meets a redemption: nobody asks who spent where.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, func, select

from vouchers import ledger, order_book
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import NotFound, OrderState, RecipientsDiffer
from vouchers.ledger import Fact
from vouchers.list_check import plain
from vouchers.tables import batch, recipient, recipient_list, recipient_voucher, voucher

MOST_LISTED: Final = 500
_ROWS_AT_ONCE: Final = 5_000
_ISSUED: Final = ("issued", "delivered")


@dataclass(frozen=True, slots=True)
class Assigned:
    """How many vouchers of a list were given to how many people."""

    list_id: int
    people: int
    vouchers: int


@dataclass(frozen=True, slots=True)
class Given:
    """One person of a list and what they receive; no name once erased, no serials before they are assigned."""

    recipient_id: int
    line: int
    civility: str | None
    last_name: str | None
    first_name: str | None
    address: str | None
    postcode: str | None
    town: str | None
    tour: str | None
    reference: str | None
    face_cents: int
    quantity: int
    serials: tuple[int, ...]

    @property
    def full_name(self) -> str:
        """'Mme BERNARD Zoé'; empty for an erased person."""
        return " ".join(filter(None, (self.civility, self.last_name, self.first_name)))


def list_of_order(session: ReadSession, *, programme_id: int, order_number: int) -> int | None:
    """The list an order was made from; None for an order by quantity."""
    found = session.execute(
        select(recipient_list.c.id).where(
            recipient_list.c.programme_id == programme_id, recipient_list.c.order_number == order_number
        )
    ).scalar()
    return None if found is None else int(found)


def assigned(session: ReadSession, *, programme_id: int, list_id: int) -> int:
    """How many vouchers the people of a list have."""
    counted = (
        select(func.count())
        .select_from(recipient_voucher)
        .join(recipient, recipient.c.id == recipient_voucher.c.recipient_id)
        .where(
            recipient_voucher.c.programme_id == programme_id,
            recipient.c.programme_id == programme_id,
            recipient.c.list_id == list_id,
        )
    )
    return int(session.execute(counted).scalar_one())


def assign(session: WriteSession, *, programme_id: int, order_number: int, actor: str, at: datetime) -> Assigned:
    """Give each person of an order's list their serials, once the batch is whole. Again: the same, and no new fact.

    Refuses `NotFound` (order, list), `OrderState` (not issued), `RecipientsDiffer`.
    """
    ordered = order_book.find(session, programme_id=programme_id, number=order_number)
    held = (
        select(recipient_list.c.id)
        .where(recipient_list.c.programme_id == programme_id, recipient_list.c.order_number == order_number)
        .with_for_update(key_share=True)
    )
    list_id = session.execute(held).scalar()
    if list_id is None:
        raise NotFound(what="list", id=order_number)
    if ordered.state not in _ISSUED:
        raise OrderState(number=order_number, state=ordered.state, wanted=", ".join(_ISSUED))
    people = session.execute(
        select(recipient.c.id, recipient.c.face_cents, recipient.c.quantity)
        .where(recipient.c.programme_id == programme_id, recipient.c.list_id == list_id)
        .order_by(recipient.c.line)
    ).all()
    done = Assigned(int(list_id), len(people), sum(one.quantity for one in people))
    if assigned(session, programme_id=programme_id, list_id=done.list_id):
        return done
    serials = _serials(session, programme_id=programme_id, order_number=order_number, people=people)
    rows = [
        {"programme_id": programme_id, "recipient_id": one.id, "serial": next(serials[one.face_cents])}
        for one in people
        for _ in range(one.quantity)
    ]
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        session.execute(recipient_voucher.insert(), rows[start : start + _ROWS_AT_ONCE])
    reason = f"order:{order_number} {done.people} {done.vouchers}"
    fact = Fact("recipients_assigned", at, actor, f"list:{done.list_id}", reason)
    ledger.post(session, programme_id=programme_id, fact=fact)
    return done


def of_list(session: ReadSession, *, programme_id: int, list_id: int, after: int = 0, limit: int = 50) -> list[Given]:
    """The people of an ordered list, by their line, those after it; up to 500."""
    page = (
        select(recipient)
        .where(recipient.c.programme_id == programme_id, recipient.c.list_id == list_id, recipient.c.line > after)
        .order_by(recipient.c.line)
        .limit(max(0, min(limit, MOST_LISTED)))
    )
    rows = session.execute(page).all()
    held = select(recipient_voucher.c.recipient_id, recipient_voucher.c.serial).where(
        recipient_voucher.c.programme_id == programme_id,
        recipient_voucher.c.recipient_id.in_([row.id for row in rows]),
    )
    return _given(rows, session.execute(held).all())


def hand_out(session: ReadSession, *, programme_id: int, list_id: int) -> list[Given]:
    """Everybody of a list as they are called: by round, then by name, accents and case apart."""
    rows = session.execute(
        select(recipient).where(recipient.c.programme_id == programme_id, recipient.c.list_id == list_id)
    ).all()
    held = (
        select(recipient_voucher.c.recipient_id, recipient_voucher.c.serial)
        .join(recipient, recipient.c.id == recipient_voucher.c.recipient_id)
        .where(
            recipient_voucher.c.programme_id == programme_id,
            recipient.c.programme_id == programme_id,
            recipient.c.list_id == list_id,
        )
    )
    called = _given(rows, session.execute(held).all())
    return sorted(
        called,
        key=lambda one: (plain(one.tour or ""), plain(one.last_name or ""), plain(one.first_name or ""), one.line),
    )


def withdrawn(session: ReadSession, *, programme_id: int, list_id: int) -> frozenset[int]:
    """The serials of a list's people that were cancelled or replaced since: nobody is to be handed these."""
    gone = (
        select(voucher.c.serial)
        .join(
            recipient_voucher,
            and_(
                recipient_voucher.c.programme_id == voucher.c.programme_id,
                recipient_voucher.c.serial == voucher.c.serial,
            ),
        )
        .join(recipient, recipient.c.id == recipient_voucher.c.recipient_id)
        .where(
            voucher.c.programme_id == programme_id,
            voucher.c.state.in_(("cancelled", "replaced")),
            recipient.c.programme_id == programme_id,
            recipient.c.list_id == list_id,
        )
    )
    return frozenset(session.execute(gone).scalars())


def _given(rows: Sequence[Any], held: Sequence[Any]) -> list[Given]:
    serials: dict[int, list[int]] = {}
    for recipient_id, serial in held:
        serials.setdefault(recipient_id, []).append(serial)
    return [
        Given(
            row.id,
            row.line,
            row.civility,
            row.last_name,
            row.first_name,
            row.address,
            row.postcode,
            row.town,
            row.round,
            row.reference,
            row.face_cents,
            row.quantity,
            tuple(sorted(serials.get(row.id, ()))),
        )
        for row in rows
    ]


def _serials(session: ReadSession, *, programme_id: int, order_number: int, people: Sequence[Any]) -> dict[int, Any]:
    """The serials of the order's batch by face value, in order. Refuses `RecipientsDiffer`."""
    issued = session.execute(
        select(batch.c.number, batch.c.first_serial, batch.c.quantity).where(
            batch.c.programme_id == programme_id, batch.c.order_number == order_number
        )
    ).one()
    # The serials that were reserved for it: what replaces a voucher since belongs to whoever held the first paper.
    made = session.execute(
        select(voucher.c.serial, voucher.c.face_cents)
        .where(
            voucher.c.programme_id == programme_id,
            voucher.c.batch_number == issued.number,
            voucher.c.serial.between(issued.first_serial, issued.first_serial + issued.quantity - 1),
        )
        .order_by(voucher.c.serial)
    ).all()
    there: dict[int, list[int]] = {}
    for serial, face_cents in made:
        there.setdefault(face_cents, []).append(serial)
    wanted: dict[int, int] = {}
    for one in people:
        wanted[one.face_cents] = wanted.get(one.face_cents, 0) + one.quantity
    for cents in sorted(there.keys() | wanted.keys()):
        count = len(there.get(cents, ()))
        if count != wanted.get(cents, 0):
            raise RecipientsDiffer(number=issued.number, cents=cents, vouchers=count, wanted=wanted.get(cents, 0))
    return {cents: iter(serials) for cents, serials in there.items()}
