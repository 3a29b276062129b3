"""Who still holds vouchers to spend, and where a letter reaches them. Reads only, and nothing of where they spend."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, func, select

from vouchers import clock
from vouchers.db import ReadSession
from vouchers.list_check import plain
from vouchers.tables import recipient, recipient_list, recipient_voucher, voucher

MOST_LETTERS: Final = 10_000
"""People of one mailing: a larger town writes list by list."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A person, and what is left on their vouchers; `last_on` is the nearest last day of one of them."""

    recipient_id: int
    list_id: int
    civility: str | None
    last_name: str | None
    first_name: str | None
    address: str | None
    postcode: str | None
    town: str | None
    delivery_round: str | None
    vouchers: int
    cents: int
    last_on: date

    @property
    def full_name(self) -> str:
        """'Mme Zoé Bernard'."""
        return " ".join(filter(None, (self.civility, self.first_name, self.last_name)))


@dataclass(frozen=True, slots=True)
class Holding:
    """A list with people who still hold vouchers."""

    list_id: int
    name: str
    people: int
    vouchers: int
    cents: int


def holders(
    session: ReadSession, *, programme_id: int, buyer_id: int, at: datetime, list_id: int | None = None
) -> list[Holder]:
    """Who can still spend something today, by round and name; of one list where it is given. Erased people are not."""
    rows = session.execute(
        select(
            recipient.c.id.label("recipient_id"),
            *(recipient.c[name] for name in _SHOWN),
            recipient.c.round.label("delivery_round"),
            func.count().label("vouchers"),
            func.sum(voucher.c.balance_cents).label("cents"),
            func.min(voucher.c.expires_on).label("last_on"),
        )
        .join(recipient_voucher, _HIS)
        .join(voucher, _PAPER)
        .where(*_spendable(programme_id, buyer_id, at, list_id))
        .group_by(recipient.c.id, recipient.c.round, *(recipient.c[name] for name in _SHOWN))
        .limit(MOST_LETTERS)
    )
    found = [Holder(**{**row._mapping, "cents": int(row.cents)}) for row in rows]
    return sorted(
        found,
        key=lambda one: (
            plain(one.delivery_round or ""),
            plain(one.last_name or ""),
            plain(one.first_name or ""),
            one.recipient_id,
        ),
    )


def holdings(session: ReadSession, *, programme_id: int, buyer_id: int, at: datetime) -> list[Holding]:
    """The lists of a buyer whose people can still spend something today, newest first."""
    rows = session.execute(
        select(
            recipient_list.c.id,
            recipient_list.c.name,
            func.count(recipient.c.id.distinct()),
            func.count(),
            func.sum(voucher.c.balance_cents),
        )
        .select_from(recipient)
        .join(recipient_voucher, _HIS)
        .join(voucher, _PAPER)
        .join(
            recipient_list,
            and_(recipient_list.c.programme_id == recipient.c.programme_id, recipient_list.c.id == recipient.c.list_id),
        )
        .where(*_spendable(programme_id, buyer_id, at, None))
        .group_by(recipient_list.c.id, recipient_list.c.name)
        .order_by(recipient_list.c.id.desc())
    )
    return [Holding(number, name, people, vouchers, int(cents)) for number, name, people, vouchers, cents in rows]


_SHOWN: Final = (
    "list_id", "civility", "last_name", "first_name", "address", "postcode", "town",
)  # fmt: skip
_HIS: Final = and_(
    recipient_voucher.c.programme_id == recipient.c.programme_id, recipient_voucher.c.recipient_id == recipient.c.id
)
_PAPER: Final = and_(
    voucher.c.programme_id == recipient_voucher.c.programme_id, voucher.c.serial == recipient_voucher.c.serial
)


def _spendable(programme_id: int, buyer_id: int, at: datetime, list_id: int | None) -> list[ColumnElement[bool]]:
    wanted = [
        recipient.c.programme_id == programme_id,
        recipient.c.buyer_id == buyer_id,
        recipient.c.erased_at.is_(None),
        voucher.c.state == "active",
        voucher.c.expires_on >= clock.book_day(at),
    ]
    if list_id is not None:
        wanted.append(recipient.c.list_id == list_id)
    return wanted
