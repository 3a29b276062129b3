"""What a programme may be: asked while it is prepared, step by step, and once more when it is opened.

Each question stands alone, so that a step can be answered before the others; each refuses `BadInput` with its field.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from vouchers import identity
from vouchers.errors import BadInput
from vouchers.money import MAX_CENTS
from vouchers.rules import Terms
from vouchers.tables import LAPSE_DESTINATIONS, RHYTHMS, USE_RULES

LONGEST_WINDOW_MINUTES: Final = 1_440
LEAST_FACE_CENTS: Final = 100
MOST_FACE_CENTS: Final = 25_000
MOST_FACE_VALUES: Final = 12
WORDING_CHARS: Final = 220
"""Two lines of a cheque."""
LOGO_BYTES: Final = 300_000
OUTLINE_CHARS: Final = 600_000
_LABEL: Final = "[A-Z0-9](?:[A-Z0-9-]{0,61}[A-Z0-9])?"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL}){{0,9}}(?::[0-9]{{1,5}})?", re.ASCII)
_COLOUR: Final = re.compile(r"#[0-9a-f]{6}", re.ASCII)


def issuer(
    *, name: str, address: str, siret: str | None, account_holder: str | None, iban: str | None, bic: str | None
) -> dict[str, str | None]:
    """Who answers for the vouchers, as it is kept. The holder and the IBAN go together."""
    if (iban is None) != (account_holder is None):
        raise BadInput(field="account_holder", problem="holder_with_iban")
    return {
        "name": identity.name(name, field="name"),
        "address": identity.address(address, field="address"),
        "siret": None if siret is None else identity.siret(siret),
        "account_holder": None if account_holder is None else identity.holder(account_holder),
        "iban": None if iban is None else identity.iban(iban),
        "bic": None if bic is None else identity.bic(bic),
    }


def target(cents: int) -> None:
    """What shall be spent in town is an amount above zero."""
    if not 0 < cents <= MAX_CENTS:
        raise BadInput(field="target_cents", problem="amount_range", least_cents=1, most_cents=MAX_CENTS)


def dates(*, starts_on: date, expires_on: date, presentation_deadline_on: date) -> None:
    """A programme begins, then its vouchers expire, then shops have handed them in."""
    if starts_on > expires_on:
        raise BadInput(field="expires_on", problem="not_a_start")
    if expires_on > presentation_deadline_on:
        raise BadInput(field="presentation_deadline_on", problem="before_the_last_day")


def host(typed: str) -> str:
    """What the QR codes lead to, in upper case as it stands in them."""
    known = typed.strip().upper()
    if _HOST.fullmatch(known) is None:
        raise BadInput(field="host", problem="not_a_host")
    return known


def shops_url(typed: str) -> str:
    """Where people find the shops."""
    parts = urlsplit(typed)
    plain = typed.isascii() and typed.isprintable() and " " not in typed and len(typed) <= 200
    if not (plain and parts.scheme in {"http", "https"} and parts.hostname):
        raise BadInput(field="shops_url", problem="not_a_url")
    return typed


def words(*, use_rule: str, lapse_to: str) -> None:
    """Whether a voucher may be spent in parts, and where lapsed money goes."""
    for field, given, known in (("use_rule", use_rule, USE_RULES), ("lapse_to", lapse_to, LAPSE_DESTINATIONS)):
        if given not in known:
            raise BadInput(field=field, problem="one_of", words=", ".join(known))


def rates(given: Mapping[str, int]) -> None:
    """Rates in basis points up to 100 %, under the names of their fields."""
    for field, number in given.items():
        if not 0 <= number <= 10_000:
            raise BadInput(field=field, problem="range", least=0, most=10_000)


def window(minutes: int) -> None:
    """How long a shop may undo what it accepted: up to a day."""
    if not 0 <= minutes <= LONGEST_WINDOW_MINUTES:
        raise BadInput(field="reversal_window_minutes", problem="range", least=0, most=LONGEST_WINDOW_MINUTES)


def face_values(cents: Sequence[int]) -> tuple[int, ...]:
    """The values that are sold, ascending, each once; none: any value is."""
    if len(cents) > MOST_FACE_VALUES:
        raise BadInput(field="face_values", problem="too_long")
    for one in cents:
        if not LEAST_FACE_CENTS <= one <= MOST_FACE_CENTS:
            raise BadInput(
                field="face_values", problem="amount_range", least_cents=LEAST_FACE_CENTS, most_cents=MOST_FACE_CENTS
            )
    return tuple(sorted(set(cents)))


def terms(given: Terms) -> Terms:
    """The terms as they are kept: wording of one line, colour in lower case. Logo and outline were read before."""
    if given.rhythm not in RHYTHMS:
        raise BadInput(field="rhythm", problem="one_of", words=", ".join(RHYTHMS))
    wording = " ".join(given.legal_wording.split())
    if wording:
        wording = identity.name(wording, field="legal_wording", most=WORDING_CHARS)
    colour = given.colour.strip().lower()
    if _COLOUR.fullmatch(colour) is None:
        raise BadInput(field="colour", problem="not_a_colour")
    if given.logo is not None and len(given.logo) > LOGO_BYTES:
        raise BadInput(field="logo", problem="string_too_long")
    if given.outline is not None and len(given.outline) > OUTLINE_CHARS:
        raise BadInput(field="outline", problem="string_too_long")
    return Terms(face_values(given.face_values), given.rhythm, wording, colour, given.logo, given.outline)
