"""The shops as the public reads them: who takes these vouchers, where, and who is open now. Reads only.

One statement brings the active shops of a programme; they are searched and put in order here. Neither engine folds
accents and case alike (SQLite knows ASCII only, PostgreSQL asks the collation of its host), and ten thousand names are
folded once for all searches: `fold` remembers them.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, Literal

from sqlalchemy import Select, and_, func, select

from vouchers import clock, opening
from vouchers.db import ReadSession
from vouchers.errors import NotFound
from vouchers.identity import unaccented
from vouchers.opening import Hours
from vouchers.tables import issuer, merchant, programme, shop_profile

_REMEMBERED: Final = 100_000
_BETWEEN_WORDS: Final = re.compile(r"[^0-9a-z\u0370-\uffff]+")
_hours: Final = lru_cache(_REMEMBERED)(opening.from_json)


@dataclass(frozen=True, slots=True)
class Season:
    """A programme, as its shops' page names it, and how many shops take part."""

    programme_id: int
    name: str
    issuer: str
    starts_on: date
    expires_on: date
    shops: int


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop in the list. What it did not tell is None; where it stands is in millionths of a degree."""

    merchant_id: int
    name: str
    trade: str
    commune: str
    street: str | None
    postcode: str | None
    phone: str | None
    hours: Hours
    latitude_e6: int | None
    longitude_e6: int | None


@dataclass(frozen=True, slots=True)
class Window:
    """One shop's own page."""

    shop: Shop
    website: str | None
    about: str | None
    photo: bytes | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: every word of `words` in name, trade or commune; a trade, a commune; open at that instant."""

    words: str = ""
    trade: str = ""
    commune: str = ""
    open_at: datetime | None = None
    on_the_map: Literal["no matter", "only"] = "no matter"


@dataclass(frozen=True, slots=True)
class Found:
    """A part of the shops that were looked for, in the order of their names, and what to ask for as `after` to go on.

    `matching` of them there are, `placed` of these on the map. Trades and communes are those of the whole directory.
    """

    shops: list[Shop]
    matching: int
    placed: int
    next: int | None
    trades: list[tuple[str, int]]
    communes: list[tuple[str, int]]


# ── Programmes ───────────────────────────────────────────────────────────────────────────────────────────────────
def seasons(session: ReadSession, *, at: datetime) -> list[Season]:
    """The programmes whose vouchers can be spent today, by name."""
    today = clock.book_day(at)
    on = select(programme.c.id).where(programme.c.starts_on <= today, programme.c.expires_on >= today)
    return sorted(_seasons(session, on), key=lambda one: (fold(one.name), one.programme_id))


def season(session: ReadSession, *, programme_id: int) -> Season:
    """One programme, whether its season is on or not. Refuses `NotFound`."""
    found = _seasons(session, select(programme.c.id).where(programme.c.id == programme_id))
    if not found:
        raise NotFound(what="programme", id=programme_id)
    return found[0]


def _seasons(session: ReadSession, which: Any) -> list[Season]:
    joined = and_(merchant.c.programme_id == programme.c.id, merchant.c.state == "active")
    asked = (
        select(
            programme.c.id,
            programme.c.name,
            issuer.c.name,
            programme.c.starts_on,
            programme.c.expires_on,
            func.count(merchant.c.id),
        )
        .join(issuer, issuer.c.id == programme.c.issuer_id)
        .outerjoin(merchant, joined)
        .where(programme.c.id.in_(which))
        .group_by(programme.c.id, programme.c.name, issuer.c.name, programme.c.starts_on, programme.c.expires_on)
    )
    return [Season(*row) for row in session.execute(asked)]


# ── Shops ────────────────────────────────────────────────────────────────────────────────────────────────────────
_PROFILED: Final = and_(
    shop_profile.c.programme_id == merchant.c.programme_id, shop_profile.c.merchant_id == merchant.c.id
)
_SHOP: Final = (
    merchant.c.id,
    merchant.c.shop_name,
    merchant.c.trade,
    merchant.c.commune,
    shop_profile.c.street,
    shop_profile.c.postcode,
    shop_profile.c.phone,
    func.coalesce(shop_profile.c.hours, ""),
    shop_profile.c.latitude_e6,
    shop_profile.c.longitude_e6,
)


_ID, _NAME, _TRADE, _COMMUNE, _HOURS, _LATITUDE = 0, 1, 2, 3, 7, 8
"""Where these stand in a row of `_SHOP`."""


def _active(programme_id: int) -> Select[Any]:
    """Those who take vouchers, in the order in which they joined."""
    shops = select(*_SHOP).select_from(merchant).outerjoin(shop_profile, _PROFILED)
    those = shops.where(merchant.c.programme_id == programme_id, merchant.c.state == "active")
    return those.order_by(merchant.c.id)


def shops(
    session: ReadSession,
    *,
    programme_id: int,
    wanted: Wanted,
    after: int = 0,
    limit: int | None = None,
) -> Found:
    """The active shops that are `wanted`, accents and case apart: `limit` of them, from the one after shop `after`.

    A shop that told no hours is never open now.
    """
    joined = session.execute(_active(programme_id)).all()
    rows = sorted(joined, key=lambda row: (fold(row[_NAME]), row[_ID]))
    words = fold(wanted.words).split()
    trade, commune = fold(wanted.trade), fold(wanted.commune)
    found = [
        row
        for row in rows
        if (not trade or fold(row[_TRADE]) == trade)
        and (not commune or fold(row[_COMMUNE]) == commune)
        and (not words or _says(row, words))
        and (wanted.on_the_map != "only" or row[_LATITUDE] is not None)
        and (wanted.open_at is None or opening.is_open(_hours(row[_HOURS]), wanted.open_at))
    ]
    begin = next((place + 1 for place, row in enumerate(found) if row[_ID] == after), 0) if after else 0
    part = found[begin:] if limit is None else found[begin : begin + limit]
    more = begin + len(part) < len(found)
    return Found(
        shops=[_shop(row) for row in part],
        matching=len(found),
        placed=sum(row[_LATITUDE] is not None for row in found),
        next=part[-1][_ID] if more else None,
        trades=counted(row[_TRADE] for row in joined),
        communes=counted(row[_COMMUNE] for row in joined),
    )


def window(session: ReadSession, *, programme_id: int, merchant_id: int) -> Window:
    """One shop's page. Refuses `NotFound`, also for a shop that takes no vouchers any more."""
    more = (shop_profile.c.website, shop_profile.c.about, shop_profile.c.photo)
    asked = _active(programme_id).where(merchant.c.id == merchant_id).add_columns(*more)
    row = session.execute(asked).first()
    if row is None:
        raise NotFound(what="merchant", id=merchant_id)
    return Window(_shop(row[:-3]), *row[-3:])


def by_place(session: ReadSession, *, programme_id: int) -> list[Shop]:
    """Every active shop as a list on paper has them: by commune, trade and name; each word in one spelling."""
    every = [_shop(row) for row in session.execute(_active(programme_id))]
    spelt: dict[str, str] = {}
    for one in every:
        spelt.setdefault(fold(one.commune), one.commune)
        spelt.setdefault(fold(one.trade), one.trade)
    every.sort(key=lambda one: (fold(one.commune), fold(one.trade), fold(one.name), one.merchant_id))
    return [replace(one, commune=spelt[fold(one.commune)], trade=spelt[fold(one.trade)]) for one in every]


def _shop(row: Sequence[Any]) -> Shop:
    number, name, trade, commune, street, postcode, phone, hours, latitude, longitude = row
    return Shop(number, name, trade, commune, street, postcode, phone, _hours(hours), latitude, longitude)


def _says(row: Sequence[Any], words: list[str]) -> bool:
    told = f"{fold(row[_NAME])} {fold(row[_TRADE])} {fold(row[_COMMUNE])}"
    return all(word in told for word in words)


def counted(words: Iterable[str]) -> list[tuple[str, int]]:
    """Each word once, in alphabetical order and as it was first spelt, and how often it came in any spelling."""
    spelt: dict[str, str] = {}
    times: dict[str, int] = {}
    for word in words:
        same = fold(word)
        spelt.setdefault(same, word)
        times[same] = times.get(same, 0) + 1
    return [(spelt[same], times[same]) for same in sorted(times)]


@lru_cache(_REMEMBERED)
def fold(text: str) -> str:
    """What a text is searched and ordered by: no accents, case or signs. 'Épicerie de l'Œuf' → 'epicerie de l oeuf'."""
    return _BETWEEN_WORDS.sub(" ", unaccented(text.casefold())).strip()
