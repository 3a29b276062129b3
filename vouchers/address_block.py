"""A person's address as the post reads it and as an envelope's window shows it: NF Z10-011, 6 lines of 38 characters.

From the top: the person; flat and stairs; building; number and street; hamlet or box; postcode and town. No line is
empty. From the street on: capitals without accents, letters, digits and spaces alone; what stands above is left as it
was written. Words are abbreviated only where a line is too long for it, and an address that still does not fit is told
(`Unfit`), never cut: half an address reaches nobody. Sources: NF Z10-011 as the post (SNA) and routing houses publish
it; the order in which words are abbreviated here, and first names made initials, are our reading of it.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Protocol

BY_HAND: Final = "À REMETTRE EN MAIN PROPRE"
MOST_LINES: Final = 6
MOST_CHARS: Final = 38
STREET_CHARS: Final = 32
"""Above it the words of a street are abbreviated, before anything has to be."""
Problem = Literal["too_long", "too_many_lines", "letters", "incomplete"]
_WAYS: Final = {
    "ALLEE": "ALL", "ALLEES": "ALL", "AVENUE": "AV", "BOULEVARD": "BD", "CARREFOUR": "CAR", "CHAUSSEE": "CHS",
    "CHEMIN": "CHE", "CITE": "CITE", "CLOS": "CLOS", "COUR": "COUR", "COURS": "CRS", "DOMAINE": "DOM",
    "ESPLANADE": "ESP", "FAUBOURG": "FG", "GRANDE": "GDE", "HAMEAU": "HAM", "IMPASSE": "IMP", "LOTISSEMENT": "LOT",
    "MAIL": "MAIL", "MONTEE": "MTE", "PASSAGE": "PAS", "PLACE": "PL", "PROMENADE": "PROM", "QUAI": "QUAI",
    "QUARTIER": "QUA", "RESIDENCE": "RES", "ROUTE": "RTE", "RUE": "RUE", "RUELLE": "RLE", "SENTE": "SEN",
    "SENTIER": "SEN", "SQUARE": "SQ", "TRAVERSE": "TRA", "VENELLE": "VEN", "VILLA": "VLA", "VILLAGE": "VLGE",
    "VOIE": "VOIE", "ZONE": "ZONE",
}  # fmt: skip
_TITLES: Final = {
    "SAINT": "ST", "SAINTE": "STE", "DOCTEUR": "DR", "GENERAL": "GAL", "MARECHAL": "MAL", "PRESIDENT": "PDT",
    "PROFESSEUR": "PR", "COMMANDANT": "CDT", "CAPITAINE": "CNE", "COLONEL": "CNL", "LIEUTENANT": "LT",
    "MONSEIGNEUR": "MGR", "FAUBOURG": "FG", "RESIDENCE": "RES", "LOTISSEMENT": "LOT", "BATIMENT": "BAT",
    "APPARTEMENT": "APPT", "ESCALIER": "ESC", "IMMEUBLE": "IMM", "ETAGE": "ETG", "HAMEAU": "HAM",
}  # fmt: skip
_INSIDE: Final = frozenset({
    "APPARTEMENT", "APPT", "APT", "APP", "BATIMENT", "BAT", "ESCALIER", "ESC", "ETAGE", "ETG", "ENTREE", "PORTE",
    "IMMEUBLE", "IMM", "LOGEMENT", "CHAMBRE", "CHEZ", "REZ", "RDC",
})  # fmt: skip
"""What begins a line about a place within a building: it goes above the street wherever it was written."""
_COMMA: Final = re.compile(r"\s*[,;]\s*")
_NUMBER: Final = re.compile(r"[0-9]+ ?(?:BIS|TER|QUATER|[A-D])?")
_FIRST_NUMBER: Final = re.compile(r"([0-9]+) ?(?:BIS |TER |QUATER |[A-D] )?(.*)")
_TOWN: Final = re.compile(r"(?:F-?|FR-?)?([0-9]{5})\s+(\S.*)")
_OTHER: Final = re.compile(r"[^A-Z0-9]+")
_SPELT: Final = str.maketrans({"Œ": "OE", "Æ": "AE", "Ø": "O", "Ł": "L", "Đ": "D", "Þ": "TH"})


class Unfit(NamedTuple):
    """Why an address cannot stand on an envelope.

    'too_long': `line` has `length` characters however it is abbreviated. 'too_many_lines': there are `length` of them.
    'letters': `line` has letters that have no Latin capital. 'incomplete': no person, no place within the town, no
    postcode or no town.
    """

    problem: Problem
    line: str
    length: int

    @property
    def fr(self) -> str:
        """For a person."""
        if self.problem == "too_long":
            return f"« {self.line} » compte {self.length} caractères ; une enveloppe en montre {MOST_CHARS}."
        if self.problem == "too_many_lines":
            return f"Cette adresse compte {self.length} lignes ; une enveloppe en montre {MOST_LINES}."
        if self.problem == "letters":
            return f"« {self.line} » ne s'écrit pas en lettres latines."
        return "Cette adresse est incomplète : il faut un nom, une rue ou un lieu-dit, un code postal et une ville."

    @property
    def en(self) -> str:
        """The same in English."""
        if self.problem == "too_long":
            return f"'{self.line}' has {self.length} characters; an envelope shows {MOST_CHARS}."
        if self.problem == "too_many_lines":
            return f"This address has {self.length} lines; an envelope shows {MOST_LINES}."
        if self.problem == "letters":
            return f"'{self.line}' cannot be written in Latin letters."
        return "This address is incomplete: it takes a name, a street or a hamlet, a postcode and a town."


@dataclass(frozen=True, slots=True)
class Block:
    """An address that fits. `above`: what stands between the person and the street; `below`: street, hamlet or box."""

    person: str
    above: tuple[str, ...]
    below: tuple[str, ...]
    place: str

    @property
    def lines(self) -> tuple[str, ...]:
        """As an envelope shows it: two to six lines, none empty."""
        return (self.person, *self.above, *self.below, self.place)

    @property
    def six(self) -> tuple[str, ...]:
        """As a file has it, each line in its place: the street fourth, the town sixth, the others empty."""
        high, low = list(self.above), list(self.below)
        high += [""] * (min(2, 4 - len(low)) - len(high))
        low += [""] * (4 - len(high) - len(low))
        return (self.person, *high, *low, self.place)


def shown(found: Block | Unfit, *, name: str) -> tuple[str, ...]:
    """The lines for a window: the address, or, where it does not fit, the name of whom it is handed to."""
    return found.lines if isinstance(found, Block) else (name, BY_HAND)


def block(
    *,
    civility: str | None,
    first_name: str | None,
    last_name: str | None,
    complement: Sequence[str] = (),
    street: str = "",
    hamlet: Sequence[str] = (),
    postcode: str | None,
    town: str | None,
) -> Block | Unfit:
    """The lines of one address. `complement`: what stands above the street; `hamlet`: what stands below it."""
    above = [one for one in map(_spaced, complement) if one]
    below = [one for one in map(capitals, (street, *hamlet)) if one]
    place = capitals(f"{postcode or ''} {town or ''}")
    if not (_spaced(last_name or "") and below and capitals(postcode or "") and capitals(town or "")):
        return Unfit("incomplete", "", 0)
    foreign = next((one for one in (street, *hamlet, postcode or "", town or "") if _is_foreign(one)), None)
    if foreign is not None:
        return Unfit("letters", _spaced(foreign), len(foreign))
    above = _sharing(above, most=MOST_LINES - 2 - len(below))
    count = 2 + len(above) + len(below)
    if count > MOST_LINES:
        return Unfit("too_many_lines", "", count)
    made = Block(
        _person(civility, first_name, last_name),
        tuple(_shorter(one, least=MOST_CHARS) for one in above),
        tuple(_shorter(one, least=STREET_CHARS) for one in below),
        _shorter(place, least=MOST_CHARS),
    )
    return next((Unfit("too_long", one, len(one)) for one in made.lines if len(one) > MOST_CHARS), made)


def of_text(
    *,
    civility: str | None,
    first_name: str | None,
    last_name: str | None,
    address: str | None,
    postcode: str | None,
    town: str | None,
) -> Block | Unfit:
    """The same from an address as a list holds it: one text, its lines and its commas in whatever order.

    A line that begins with a number or a kind of street is the street; flat, stairs and floor go above it, wherever
    they were written, and share a line where there would be too many.
    """
    whole = [line for line in map(_spaced, (address or "").splitlines()) if line]
    lines = [part for line in whole for part in _parts(line)]
    street = next((at for at, line in enumerate(lines) if _is_street(line)), None)
    if street is None:
        # A hamlet or a residence alone: the last line that is not within a building.
        street = next((at for at in range(len(lines) - 1, -1, -1) if not _is_inside(lines[at])), len(lines) - 1)
    after = lines[street + 1 :]
    return block(
        civility=civility,
        first_name=first_name,
        last_name=last_name,
        complement=[*lines[: max(street, 0)], *filter(_is_building, after)],
        street=lines[street] if lines else "",
        hamlet=[line for line in after if not _is_building(line)],
        postcode=postcode,
        town=town,
    )


class Addressed(Protocol):
    """A person of a list, with the address as it was brought."""

    @property
    def civility(self) -> str | None: ...
    @property
    def first_name(self) -> str | None: ...
    @property
    def last_name(self) -> str | None: ...
    @property
    def address(self) -> str | None: ...
    @property
    def postcode(self) -> str | None: ...
    @property
    def town(self) -> str | None: ...


def of_person(one: Addressed) -> Block | Unfit:
    """The block of one person of a list."""
    return of_text(
        civility=one.civility,
        first_name=one.first_name,
        last_name=one.last_name,
        address=one.address,
        postcode=one.postcode,
        town=one.town,
    )


def parted(lines: Sequence[str]) -> tuple[tuple[str, ...], str, str]:
    """(lines above the town, its postcode, its name): the last line that begins with five digits is the town's.

    'F-14170 Saint-Pierre' too. Without such a line nothing is known but the lines. What stands below the town (a
    country) stays out.
    """
    for index in range(len(lines) - 1, -1, -1):
        if found := _TOWN.fullmatch(lines[index]):
            return tuple(lines[:index]), found[1], found[2]
    return tuple(lines), "", ""


def street_order(*, address: str | None, postcode: str | None, town: str | None) -> tuple[str, str, int]:
    """What a walk along the streets sorts by: town, street, house number (0 where there is none)."""
    lines = [part for line in (address or "").splitlines() for part in _parts(_spaced(line))]
    street = capitals(next(filter(_is_street, lines), lines[-1] if lines else ""))
    numbered = _FIRST_NUMBER.fullmatch(street)
    place = capitals(f"{postcode or ''} {town or ''}")
    return (place, numbered[2], int(numbered[1][:9])) if numbered else (place, street, 0)


def capitals(text: str) -> str:
    """Capitals without accents, digits and single spaces: 'Rue de l’Église' → 'RUE DE L EGLISE'."""
    return _OTHER.sub(" ", _bare(text)).strip()


def _bare(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.upper().translate(_SPELT))
    return "".join(char for char in folded if not unicodedata.combining(char))


def _is_foreign(text: str) -> bool:
    return not text.isascii() and any(char.isalpha() and not char.isascii() for char in _bare(text))


def _sharing(above: list[str], *, most: int) -> list[str]:
    """Flat, stairs and floor on one line, where there are more than `most` lines and they fit."""
    lines = list(above)
    at = 1
    while len(lines) > most and at < len(lines):
        joined = f"{lines[at - 1]}, {lines[at]}"
        if _is_inside(lines[at - 1]) and _is_inside(lines[at]) and len(joined) <= MOST_CHARS:
            lines[at - 1 : at + 1] = [joined]
        else:
            at += 1
    return lines


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _person(civility: str | None, first_name: str | None, last_name: str | None) -> str:
    """Whole; else with initials; else without the civility too."""
    civil, first, last = (_spaced(part or "") for part in (civility, first_name, last_name))
    initials = re.sub(r"(\w)\w*\.?", r"\1.", first)
    tried = [" ".join(filter(None, parts)) for parts in ((civil, first, last), (civil, initials, last))]
    return next((one for one in tried if len(one) <= MOST_CHARS), " ".join(filter(None, (initials, last))))


def _shorter(line: str, *, least: int) -> str:
    """`line`, its words abbreviated one after the other while it is longer than `least`: the kind of street first."""
    words = line.split(" ")
    first = next((at for at, word in enumerate(words) if word in _WAYS), None)
    order = [] if first is None else [(first, _WAYS)]
    for at, short in [*order, *((at, _TITLES) for at in range(len(words)))]:
        if len(" ".join(words)) <= least:
            break
        words[at] = short.get(capitals(words[at]), words[at])
    return " ".join(words)


def _parts(line: str) -> list[str]:
    """A line at its commas; one after a house number parts nothing: '12, rue Haute'."""
    parts: list[str] = []
    for part in filter(None, _COMMA.split(line)):
        if parts and _NUMBER.fullmatch(capitals(parts[-1])):
            parts[-1] += f" {part}"
        else:
            parts.append(part)
    return parts


def _is_inside(line: str) -> bool:
    words = capitals(line).split(" ")[:2]
    return words[0] in _INSIDE or (words[0][:1].isdigit() and words[-1] in _INSIDE)


def _is_building(line: str) -> bool:
    return _is_inside(line) or capitals(line).split(" ")[0] in {"RESIDENCE", "RES"}


def _is_street(line: str) -> bool:
    word = capitals(line).split(" ")[0]
    return not _is_inside(line) and (word[:1].isdigit() or (word in _WAYS and word != "RESIDENCE"))
