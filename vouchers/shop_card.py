"""What a shop tells of itself: on the form by which it joins, in a list that the chamber brings, on its own page.

Checked in one place, so that a shop is the same however it came. Nobody outside is asked: a SIRET and an IBAN are
judged by their keys.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from vouchers import identity, opening
from vouchers.errors import BadInput
from vouchers.opening import FIELDS, Hours

TRADE_CHARS: Final = 60
COMMUNE_CHARS: Final = 80
URL_CHARS: Final = 200
ABOUT_LINES: Final = 8
ABOUT_CHARS: Final = 600
"""Of all that a shop says of itself, however its lines are cut: what the form lets one type."""
_POSTCODE: Final = re.compile(r"[0-9]{5}", re.ASCII)
_PHONE: Final = re.compile(r"\+?[0-9]{6,15}", re.ASCII)
_BETWEEN_DIGITS: Final = re.compile(r"[\s\u00a0\u202f.()/-]+")


@dataclass(frozen=True, slots=True)
class Told:
    """What the public may read of a shop, and how the chamber reaches it."""

    street: str
    postcode: str
    phone: str | None
    email: str | None
    contact_name: str | None
    website: str | None
    about: str | None
    hours: Hours


@dataclass(frozen=True, slots=True)
class Shop:
    """Which establishment it is: what a merchant of the programme is enrolled with."""

    legal_name: str
    shop_name: str
    siret: str
    trade: str
    commune: str


@dataclass(frozen=True, slots=True)
class Payee:
    """Where it wants to be paid."""

    account_holder: str
    iban: str


Fields = Mapping[str, str | None]
"""Typed texts by the name of their field; None or empty where nothing was typed."""

ADDRESS: Final = ("street", "postcode")
REACHABLE: Final = (*ADDRESS, "contact_name", "email", "phone")


def shop(typed: Fields) -> Shop:
    """The establishment. Refuses `BadInput` with the first field that is wrong, in the order of the form."""
    return Shop(
        shop_name=_given(typed, "shop_name"),
        legal_name=_given(typed, "legal_name"),
        siret=_given(typed, "siret"),
        trade=_given(typed, "trade"),
        commune=_given(typed, "commune"),
    )


def told(typed: Fields, *, needs: Collection[str] = ADDRESS) -> Told:
    """What it tells of itself; the fields that it `needs` must be there.

    Hours come in one text (`hours`), or in seven (`opening.FIELDS`). Refuses `BadInput` with the first wrong field.
    """
    known = {
        field: _given(typed, field) if field in needs else _optional(typed, field)
        for field in ("street", "postcode", "contact_name", "email", "phone", "website", "about")
    }
    return Told(
        street=known["street"] or "",
        postcode=known["postcode"] or "",
        contact_name=known["contact_name"],
        email=known["email"],
        phone=known["phone"],
        website=known["website"],
        about=known["about"],
        hours=hours(typed),
    )


def payee(typed: Fields) -> Payee:
    """Where it is paid. Refuses `BadInput`."""
    return Payee(account_holder=_given(typed, "account_holder"), iban=_given(typed, "iban"))


def hours(typed: Fields) -> Hours:
    """Its week. Refuses `BadInput`."""
    whole = typed.get("hours")
    return opening.parse(whole) if whole else opening.parse_week([typed.get(field) or "" for field in FIELDS])


def postcode(given: str) -> str:
    """Five digits, spaces apart or not. Refuses `BadInput`."""
    known = re.sub(r"\s", "", given)
    if _POSTCODE.fullmatch(known) is None:
        raise BadInput(field="postcode", problem="not_a_postcode")
    return known


def phone(given: str) -> str:
    """A number as it was typed, spaces made plain: '02 33 44 55 66'. Refuses `BadInput`."""
    if _PHONE.fullmatch(_BETWEEN_DIGITS.sub("", given)) is None:
        raise BadInput(field="phone", problem="not_a_phone")
    return " ".join(given.split())


def website(given: str) -> str:
    """An address of the web; 'https://' is put before one that has nothing there. Refuses `BadInput`."""
    typed = given.strip()
    known = typed if re.match(r"(?i)[a-z][a-z0-9+.-]*:", typed) else f"https://{typed}"
    try:
        parts = urlsplit(known)
        host = parts.hostname or ""
    except ValueError:
        raise BadInput(field="website", problem="not_a_url") from None
    whole = len(known) <= URL_CHARS and known.isprintable() and not re.search(r"\s|[<>\"\\]", known)
    if parts.scheme.lower() not in {"http", "https"} or "." not in host or "@" in parts.netloc or not whole:
        raise BadInput(field="website", problem="not_a_url")
    return identity.name(known, field="website", most=URL_CHARS)


def about(given: str) -> str:
    """A few lines of its own. Refuses `BadInput`."""
    lines = [line for line in given.splitlines() if line.strip()]
    if len(lines) > ABOUT_LINES:
        raise BadInput(field="about", problem="lines", least=0, most=ABOUT_LINES)
    if sum(map(len, lines)) > ABOUT_CHARS:
        raise BadInput(field="about", problem="length", least=0, most=ABOUT_CHARS)
    return "\n".join(identity.name(line, field="about", most=ABOUT_CHARS) for line in lines)


CHECKS: Final[Mapping[str, Callable[[str], str]]] = {
    "shop_name": lambda given: identity.name(given, field="shop_name"),
    "legal_name": lambda given: identity.name(given, field="legal_name"),
    "siret": identity.siret,
    "trade": lambda given: identity.name(given, field="trade", most=TRADE_CHARS),
    "commune": lambda given: identity.name(given, field="commune", most=COMMUNE_CHARS),
    "street": lambda given: identity.name(given, field="street"),
    "postcode": postcode,
    "contact_name": lambda given: identity.name(given, field="contact_name"),
    "email": lambda given: identity.email(given, field="email"),
    "phone": phone,
    "website": website,
    "about": about,
    "account_holder": identity.holder,
    "iban": identity.iban,
}
"""What each field is checked by: takes what was typed, gives what is kept, refuses `BadInput`."""


def _given(typed: Fields, field: str) -> str:
    given = _optional(typed, field)
    if given is None:
        raise BadInput(field=field, problem="missing")
    return given


def _optional(typed: Fields, field: str) -> str | None:
    given = (typed.get(field) or "").strip()
    return CHECKS[field](given) if given else None
