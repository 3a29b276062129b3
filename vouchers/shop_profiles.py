"""What a shop shows of itself, where it stands, since when its convention is signed; and finding one among many."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from vouchers import chart, clock, identity, ledger, opening
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import BadInput, NotFound
from vouchers.identity import unaccented
from vouchers.ledger import Fact
from vouchers.shop_card import Told
from vouchers.tables import bank_account, merchant, shop_profile, till

MOST_LISTED: Final = 200
_READ_AT_ONCE: Final = 5_000
"""Names looked through at once for a word; each piece is sorted anew."""
_LATITUDE: Final = 90_000_000
_LONGITUDE: Final = 180_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a shop stands, in millionths of a degree."""

    latitude_e6: int
    longitude_e6: int


@dataclass(frozen=True, slots=True)
class Profile:
    """The profile of a merchant; empty texts where nobody told anything yet."""

    merchant_id: int
    told: Told
    has_photo: bool
    place: Place | None
    signed_on: date | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A merchant in a list. `ready`: which steps towards being paid are done (account, till, convention)."""

    merchant_id: int
    shop_name: str
    legal_name: str
    siret: str
    trade: str
    commune: str
    state: str
    has_account: bool
    has_till: bool
    signed: bool


_NOTHING: Final = Told("", "", None, None, None, None, None, opening.UNKNOWN)


# ── The profile ──────────────────────────────────────────────────────────────────────────────────────────────────
def set_profile(
    session: WriteSession, *, programme_id: int, merchant_id: int, told: Told, actor: str, at: datetime
) -> None:
    """What a shop tells from now on; photo, place and convention stay. Refuses `NotFound`."""
    values = {
        "street": told.street,
        "postcode": told.postcode,
        "phone": told.phone,
        "email": told.email,
        "contact_name": told.contact_name,
        "website": told.website,
        "about": told.about,
        "hours": opening.to_json(told.hours),
    }
    _set(session, programme_id, merchant_id, values, reason="profile", actor=actor, at=at)


def set_photo(
    session: WriteSession, *, programme_id: int, merchant_id: int, photo: bytes | None, actor: str, at: datetime
) -> None:
    """Its photo, drawn anew by the house (`paper/photo.py`); None takes it away. Refuses `NotFound`."""
    _set(session, programme_id, merchant_id, {"photo": photo}, reason="photo", actor=actor, at=at)


def set_place(
    session: WriteSession, *, programme_id: int, merchant_id: int, place: Place | None, actor: str, at: datetime
) -> None:
    """Where it stands; None forgets it. Refuses `BadInput`, `NotFound`."""
    if place is not None and not -_LATITUDE <= place.latitude_e6 <= _LATITUDE:
        raise BadInput(field="latitude", problem="range", least=-90, most=90)
    if place is not None and not -_LONGITUDE <= place.longitude_e6 <= _LONGITUDE:
        raise BadInput(field="longitude", problem="range", least=-180, most=180)
    values = {
        "latitude_e6": None if place is None else place.latitude_e6,
        "longitude_e6": None if place is None else place.longitude_e6,
    }
    _set(session, programme_id, merchant_id, values, reason="place", actor=actor, at=at)


def record_convention(
    session: WriteSession, *, programme_id: int, merchant_id: int, signed_on: date, actor: str, at: datetime
) -> None:
    """The signed convention came back. Refuses `BadInput` for a day to come, `NotFound`."""
    if signed_on > clock.book_day(at):
        raise BadInput(field="signed_on", problem="in_the_future")
    values = {"signed_on": signed_on}
    reason = signed_on.isoformat()
    _set(session, programme_id, merchant_id, values, kind="convention_signed", reason=reason, actor=actor, at=at)


def _set(
    session: WriteSession,
    programme_id: int,
    merchant_id: int,
    values: dict[str, Any],
    *,
    kind: str = "profile_set",
    reason: str,
    actor: str,
    at: datetime,
) -> None:
    known = select(merchant.c.id).where(merchant.c.programme_id == programme_id, merchant.c.id == merchant_id)
    if session.execute(known).first() is None:
        raise NotFound(what="merchant", id=merchant_id)
    insert = sqlite.insert if session.dialect.name == "sqlite" else postgresql.insert
    first = {"street": "", "postcode": "", "hours": opening.to_json(opening.UNKNOWN), **values}
    row = insert(shop_profile).values(programme_id=programme_id, merchant_id=merchant_id, **first)
    session.execute(row.on_conflict_do_update(index_elements=["programme_id", "merchant_id"], set_=values))
    fact = Fact(kind=kind, at=at, actor=actor, subject=chart.merchant(merchant_id), reason=reason)
    ledger.post(session, programme_id=programme_id, fact=fact)


def find_profile(session: ReadSession, *, programme_id: int, merchant_id: int) -> Profile:
    """What a shop tells; an empty profile where it told nothing yet."""
    kept = select(
        shop_profile.c.street,
        shop_profile.c.postcode,
        shop_profile.c.phone,
        shop_profile.c.email,
        shop_profile.c.contact_name,
        shop_profile.c.website,
        shop_profile.c.about,
        shop_profile.c.hours,
        shop_profile.c.photo.is_not(None).label("has_photo"),
        shop_profile.c.latitude_e6,
        shop_profile.c.longitude_e6,
        shop_profile.c.signed_on,
    ).where(shop_profile.c.programme_id == programme_id, shop_profile.c.merchant_id == merchant_id)
    row = session.execute(kept).first()
    if row is None:
        return Profile(merchant_id, _NOTHING, has_photo=False, place=None, signed_on=None)
    told = Told(
        street=row.street,
        postcode=row.postcode,
        phone=row.phone,
        email=row.email,
        contact_name=row.contact_name,
        website=row.website,
        about=row.about,
        hours=opening.from_json(row.hours),
    )
    place = None if row.latitude_e6 is None else Place(row.latitude_e6, row.longitude_e6)
    return Profile(merchant_id, told, bool(row.has_photo), place, row.signed_on)


def photo_of(session: ReadSession, *, programme_id: int, merchant_id: int) -> bytes | None:
    """The photo of a shop, as JPEG; None for none."""
    one = shop_profile.c.programme_id == programme_id, shop_profile.c.merchant_id == merchant_id
    return session.execute(select(shop_profile.c.photo).where(*one)).scalar_one_or_none()


# ── The list ─────────────────────────────────────────────────────────────────────────────────────────────────────
def search(
    session: ReadSession,
    *,
    programme_id: int,
    words: str = "",
    trade: str = "",
    commune: str = "",
    state: str = "",
    after: int = 0,
    limit: int = 50,
) -> list[Listed]:
    """Merchants by name, from the one after merchant `after`; each of `words` stands somewhere in name or SIRET.

    Neither case nor accents count. Words are looked for in pieces of the list until `limit` are found.
    """
    if not 1 <= limit <= MOST_LISTED:
        raise BadInput(field="limit", problem="range", least=1, most=MOST_LISTED)
    wanted = [merchant.c.programme_id == programme_id]
    for column, given in ((merchant.c.trade, trade), (merchant.c.commune, commune), (merchant.c.state, state)):
        if given:
            wanted.append(column == given)
    asked = plain(words).split()
    found: list[int] = []
    for number, text in _names(session, wanted, after=after, at_once=_READ_AT_ONCE if asked else limit):
        if all(word in text for word in asked):
            found.append(number)
            if len(found) == limit:
                break
    return _listed(session, programme_id, found)


def plain(text: str) -> str:
    """A text to compare by: no accents, no capitals."""
    return unaccented(text.casefold())


def _names(session: ReadSession, wanted: list[Any], *, after: int, at_once: int) -> Iterator[tuple[int, str]]:
    place = merchant.c.shop_name, merchant.c.id
    last: tuple[str, int] | None = None
    if after:
        begun = session.execute(select(*place).where(wanted[0], merchant.c.id == after)).first()
        last = None if begun is None else (begun.shop_name, begun.id)
    while True:
        pieces = select(*place, merchant.c.legal_name, merchant.c.siret).where(*wanted)
        if last is not None:
            pieces = pieces.where(tuple_(*place) > tuple_(*last))
        rows = session.execute(pieces.order_by(*place).limit(at_once)).all()
        for row in rows:
            yield row.id, plain(f"{row.shop_name} {row.legal_name} {row.siret}")
        if len(rows) < at_once:
            return
        last = (rows[-1].shop_name, rows[-1].id)


def _listed(session: ReadSession, programme_id: int, numbers: list[int]) -> list[Listed]:
    account = select(bank_account.c.id).where(
        bank_account.c.merchant_id == merchant.c.id, bank_account.c.state == "confirmed"
    )
    in_use = select(till.c.id).where(till.c.merchant_id == merchant.c.id, till.c.revoked_at.is_(None))
    signed = select(shop_profile.c.merchant_id).where(
        shop_profile.c.programme_id == merchant.c.programme_id,
        shop_profile.c.merchant_id == merchant.c.id,
        shop_profile.c.signed_on.is_not(None),
    )
    rows = session.execute(
        select(
            merchant.c.id.label("merchant_id"),
            merchant.c.shop_name,
            merchant.c.legal_name,
            merchant.c.siret,
            merchant.c.trade,
            merchant.c.commune,
            merchant.c.state,
            account.exists().label("has_account"),
            in_use.exists().label("has_till"),
            signed.exists().label("signed"),
        ).where(merchant.c.programme_id == programme_id, merchant.c.id.in_(numbers))
    )
    known = {row.merchant_id: Listed(**row._mapping) for row in rows}
    return [known[number] for number in numbers]


def words_in_use(session: ReadSession, *, programme_id: int) -> tuple[list[str], list[str]]:
    """The trades and the communes of the merchants there are, in alphabetical order, to choose from."""

    def of(column: Any) -> list[str]:
        rows = session.execute(select(column).where(merchant.c.programme_id == programme_id).distinct().limit(500))
        return sorted(rows.scalars(), key=plain)

    return of(merchant.c.trade), of(merchant.c.commune)


def enrolled(session: ReadSession, *, programme_id: int, sirets: list[str]) -> dict[str, int]:
    """Which of these SIRETs are merchants already, and under which number."""
    known: dict[str, int] = {}
    for begin in range(0, len(sirets), 500):
        some = merchant.c.siret.in_(sirets[begin : begin + 500])
        one = merchant.c.programme_id == programme_id, some
        rows = session.execute(select(merchant.c.siret, merchant.c.id).where(*one))
        known.update((row.siret, row.id) for row in rows)
    return known


def count(session: ReadSession, *, programme_id: int) -> int:
    """How many merchants there are."""
    return int(session.execute(select(func.count()).where(merchant.c.programme_id == programme_id)).scalar_one())


def shop_names(session: ReadSession, *, programme_id: int, merchant_ids: list[int]) -> dict[int, str]:
    """What these merchants are called."""
    one = merchant.c.programme_id == programme_id, merchant.c.id.in_(merchant_ids)
    return {row.id: row.shop_name for row in session.execute(select(merchant.c.id, merchant.c.shop_name).where(*one))}


def coordinate(typed: str, *, field: str) -> int:
    """Degrees as people and maps write them ('49,4123', '-1.2345') in millionths. Refuses `BadInput`."""
    known = identity.name(typed, field=field).replace(",", ".").replace("\N{MINUS SIGN}", "-")
    sign, digits = (-1, known[1:]) if known.startswith("-") else (1, known)
    whole, _, rest = digits.partition(".")
    if not (whole + (rest or "0")).isascii() or not (whole + (rest or "0")).isdigit() or len(whole) not in range(1, 4):
        raise BadInput(field=field, problem="not_a_coordinate")
    return sign * (int(whole) * 1_000_000 + int((rest + "000000")[:6]))


def degrees(millionths: int) -> str:
    """Millionths of a degree as `coordinate` reads them: '49,4123'."""
    whole, rest = divmod(abs(millionths), 1_000_000)
    return f"{'-' if millionths < 0 else ''}{whole},{rest:06d}".rstrip("0").rstrip(",")
