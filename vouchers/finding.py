"""Finding a voucher: by number, order, batch or state, or by the person it was given to. Reads only.

A name is found whatever its accents, case and hyphens. Beside a name stand serial, face value and state; where or when
a voucher was spent is never read here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, Select, and_, func, select

from vouchers.db import ReadSession
from vouchers.errors import BadInput
from vouchers.list_check import plain
from vouchers.tables import batch, recipient, recipient_list, recipient_voucher, voucher, voucher_order

MOST_LISTED: Final = 200
MOST_PEOPLE: Final = 40
"""People named by one search; whoever finds more is asked for more of the name."""
_LEAST_LETTERS: Final = 2
_PLAIN: Final = frozenset("bcdfghjkmpqrtvwx0123456789")
"""Characters that stand for themselves alone; the others may carry an accent, or be two letters in one."""


@dataclass(frozen=True, slots=True)
class Found:
    """A voucher as a list shows it. `spent`: not at all, in part or wholly ('none', 'part', 'whole')."""

    serial: int
    batch_number: int
    order_number: int
    buyer_id: int
    face_cents: int
    balance_cents: int
    state: str
    expires_on: date

    @property
    def spent(self) -> str:
        """How much of it was spent, as far as a buyer is told."""
        if self.state == "redeemed":
            return "whole"
        return "part" if self.state in {"active", "blocked"} and self.balance_cents < self.face_cents else "none"


class Wanted(NamedTuple):
    """What a list is narrowed to. Serials `first` to `last`, both included."""

    first: int | None = None
    last: int | None = None
    order_number: int | None = None
    batch_number: int | None = None
    state: str | None = None


EVERY: Final = Wanted()
"""Narrowed to nothing."""


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who was given vouchers, and these."""

    recipient_id: int
    list_id: int
    list_name: str
    name: str
    town: str
    vouchers: tuple[Found, ...]


def listed(
    session: ReadSession,
    *,
    programme_id: int,
    wanted: Wanted = EVERY,
    buyer_ids: frozenset[int] | None = None,
    after: int = 0,
    limit: int = 50,
) -> list[Found]:
    """Vouchers with a serial above `after`, in order, `limit` (up to 200) at most; of these buyers where given."""
    found = _VOUCHERS.where(voucher.c.programme_id == programme_id, voucher.c.serial > after)
    if wanted.first is not None:
        found = found.where(voucher.c.serial >= wanted.first)
    if wanted.last is not None:
        found = found.where(voucher.c.serial <= wanted.last)
    if wanted.order_number is not None:
        found = found.where(batch.c.order_number == wanted.order_number)
    if wanted.batch_number is not None:
        found = found.where(voucher.c.batch_number == wanted.batch_number)
    if wanted.state is not None:
        found = found.where(voucher.c.state == wanted.state)
    if buyer_ids is not None:
        found = found.where(voucher_order.c.buyer_id.in_(sorted(buyer_ids)))
    page = found.order_by(voucher.c.serial).limit(max(0, min(limit, MOST_LISTED)))
    return [Found(*row) for row in session.execute(page)]


def people_named(
    session: ReadSession, *, programme_id: int, name: str, buyer_ids: frozenset[int] | None = None
) -> list[Person]:
    """Who is called so, in alphabetical order, with the vouchers they were given; more than `MOST_PEOPLE` are cut.

    Every word of `name` stands somewhere in the person's name. Refuses `BadInput` (too short to find anybody).
    """
    words = plain(name).split()
    if sum(map(len, words)) < _LEAST_LETTERS:
        raise BadInput(field="name", problem="length", least=_LEAST_LETTERS, most=120)
    who = _PEOPLE.where(recipient.c.programme_id == programme_id, recipient.c.erased_at.is_(None))
    called = func.coalesce(recipient.c.first_name, "").concat(" ").concat(func.coalesce(recipient.c.last_name, ""))
    for word in words:
        who = who.where(func.lower(called).like(_pattern(word)))
    if buyer_ids is not None:
        who = who.where(recipient.c.buyer_id.in_(sorted(buyer_ids)))
    rows = [row for row in session.execute(who) if _is_called(row, words)]
    rows.sort(key=lambda row: (plain(f"{row.last_name or ''} {row.first_name or ''}"), row.id))
    rows = rows[: MOST_PEOPLE + 1]
    held = _given(session, programme_id=programme_id, recipient_ids=[row.id for row in rows])
    return [
        Person(row.id, row.list_id, row.list_name, called_in_full(row), row.town or "", tuple(held.get(row.id, ())))
        for row in rows
    ]


def names_of(session: ReadSession, *, programme_id: int, serials: Sequence[int]) -> dict[int, str]:
    """Serial → the person it was given to, of those that were given to somebody who is not erased."""
    rows = session.execute(
        select(recipient_voucher.c.serial, recipient.c.civility, recipient.c.first_name, recipient.c.last_name)
        .join(
            recipient,
            and_(
                recipient.c.programme_id == recipient_voucher.c.programme_id,
                recipient.c.id == recipient_voucher.c.recipient_id,
            ),
        )
        .where(
            recipient_voucher.c.programme_id == programme_id,
            recipient_voucher.c.serial.in_(sorted(set(serials))),
            recipient.c.erased_at.is_(None),
        )
    )
    return {row.serial: called_in_full(row) for row in rows}


def called_in_full(row: Any) -> str:
    """'Mme Jeanne Lefèvre', of a row with these three."""
    return " ".join(part for part in (row.civility, row.first_name, row.last_name) if part)


def _given(session: ReadSession, *, programme_id: int, recipient_ids: Sequence[int]) -> dict[int, list[Found]]:
    held: dict[int, list[Found]] = {}
    given = _VOUCHERS.add_columns(recipient_voucher.c.recipient_id).join(
        recipient_voucher,
        and_(
            recipient_voucher.c.programme_id == voucher.c.programme_id, recipient_voucher.c.serial == voucher.c.serial
        ),
    )
    of_these = given.where(
        recipient_voucher.c.programme_id == programme_id, recipient_voucher.c.recipient_id.in_(list(recipient_ids))
    )
    for *found, recipient_id in session.execute(of_these.order_by(voucher.c.serial)):
        held.setdefault(recipient_id, []).append(Found(*found))
    return held


def _is_called(row: Row[Any], words: Sequence[str]) -> bool:
    called = plain(f"{row.first_name or ''} {row.last_name or ''}")
    return all(word in called for word in words)


def _pattern(word: str) -> str:
    """A coarse sieve that lets every spelling of `word` through: neither engine knows accents."""
    return "%" + "%".join(char for char in word if char in _PLAIN) + "%"


_VOUCHERS: Final[Select[Any]] = (
    select(
        voucher.c.serial,
        voucher.c.batch_number,
        batch.c.order_number,
        voucher_order.c.buyer_id,
        voucher.c.face_cents,
        voucher.c.balance_cents,
        voucher.c.state,
        voucher.c.expires_on,
    )
    .join(batch, and_(batch.c.programme_id == voucher.c.programme_id, batch.c.number == voucher.c.batch_number))
    .join(
        voucher_order,
        and_(voucher_order.c.programme_id == batch.c.programme_id, voucher_order.c.number == batch.c.order_number),
    )
)
_PEOPLE: Final[Select[Any]] = select(
    recipient.c.id,
    recipient.c.list_id,
    recipient_list.c.name.label("list_name"),
    recipient.c.civility,
    recipient.c.first_name,
    recipient.c.last_name,
    recipient.c.town,
).join(
    recipient_list,
    and_(recipient_list.c.programme_id == recipient.c.programme_id, recipient_list.c.id == recipient.c.list_id),
)
