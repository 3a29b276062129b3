"""Shops in a list that the chamber brings: which column means what, and what is wrong in which line and column."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vouchers import shop_card
from vouchers.errors import BadInput
from vouchers.identity import unaccented
from vouchers.shop_card import Payee, Shop, Told

MOST_LINES: Final = 2_000
REQUIRED: Final = ("shop_name", "siret", "trade", "commune")
FIELDS: Final = (
    "shop_name", "legal_name", "siret", "trade", "street", "postcode", "commune", "contact_name", "email", "phone",
    "website", "hours", "account_holder", "iban",
)  # fmt: skip
"""What a column may mean, in the order in which they are shown."""
_MEANINGS: Final = {
    "shop_name": "enseigne|nom du commerce|nom commercial|commerce|magasin|nom|shop name|shop|name",
    "legal_name": "raison sociale|denomination|denomination sociale|societe|entreprise|legal name|company",
    "siret": "siret|n siret|numero siret|no siret",
    "trade": "activite|categorie|metier|secteur|type|trade|category",
    "street": "adresse|rue|adresse 1|voie|numero et voie|street|address",
    "postcode": "code postal|cp|postal|postcode|zip",
    "commune": "commune|ville|localite|town|city",
    "contact_name": "contact|responsable|gerant|interlocuteur|nom du contact|contact name",
    "email": "courriel|email|e mail|mail|adresse mail|adresse electronique",
    "phone": "telephone|tel|portable|mobile|numero de telephone|phone",
    "website": "site|site web|site internet|web|url|website",
    "hours": "horaires|horaires d ouverture|ouverture|opening hours|hours",
    "account_holder": "titulaire|titulaire du compte|nom du titulaire|account holder|holder",
    "iban": "iban|compte|rib",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the list. `wrong`: the refusal of each field that cannot be; without any, the shop is there."""

    number: int
    """On which line of the file it stands."""
    typed: Mapping[str, str]
    wrong: Mapping[str, BadInput]
    shop: Shop | None
    told: Told | None
    payee: Payee | None


def meant(header: Sequence[str]) -> dict[str, int]:
    """Which column each field is found in, as far as their names tell. A column means one thing."""
    found: dict[str, int] = {}
    plain = [_plain(name) for name in header]
    for field, words in _MEANINGS.items():
        for word in words.split("|"):
            places = [place for place, name in enumerate(plain) if name == word and place not in found.values()]
            if places:
                found[field] = places[0]
                break
    return found


def read(rows: Sequence[Sequence[str]], *, numbers: Sequence[int], columns: Mapping[str, int]) -> list[Line]:
    """The lines, each judged. `columns`: where each field stands; `numbers`: the rows' lines in the file.

    A SIRET that an earlier line has is wrong there ('twice'). A legal name that is not told is the shop's own name.
    """
    lines: list[Line] = []
    seen: set[str] = set()
    for number, row in zip(numbers, rows, strict=True):
        line = _line(number, {field: row[place] for field, place in columns.items()})
        if line.shop is not None and line.shop.siret in seen:
            line = _without(line, "siret", BadInput(field="siret", problem="twice"))
        elif line.shop is not None:
            seen.add(line.shop.siret)
        lines.append(line)
    return lines


def enrolled_already(line: Line) -> Line:
    """The same line, of a shop that is a merchant already."""
    return _without(line, "siret", BadInput(field="siret", problem="enrolled_already"))


def _without(line: Line, field: str, refusal: BadInput) -> Line:
    return Line(line.number, line.typed, {**line.wrong, field: refusal}, None, None, None)


def _line(number: int, cells: Mapping[str, str]) -> Line:
    typed = {field: cell.strip() for field, cell in cells.items()}
    asked = {**typed, "legal_name": typed.get("legal_name") or typed.get("shop_name", "")}
    wrong: dict[str, BadInput] = {}
    for field in FIELDS:
        paid = field in {"iban", "account_holder"} and (asked.get("iban") or asked.get("account_holder"))
        given = asked.get(field, "")
        if not given and (field in REQUIRED or paid):
            wrong[field] = BadInput(field=field, problem="missing")
        elif given:
            try:
                _checked(field, given)
            except BadInput as refusal:
                wrong[field] = refusal
    if wrong:
        return Line(number, typed, wrong, None, None, None)
    payee = shop_card.payee(asked) if asked.get("iban") else None
    return Line(number, typed, {}, shop_card.shop(asked), shop_card.told(asked, needs=()), payee)


def _checked(field: str, given: str) -> None:
    if field == "hours":
        shop_card.hours({"hours": given})
    else:
        shop_card.CHECKS[field](given)


def _plain(name: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9]+", " ", unaccented(name.casefold())).split())
