"""A list of people as a town hall keeps it: which column is what, what is wrong in it, who stands in it twice.

Words and values only. A list is judged as a whole each time it is looked at, so that correcting one cell loses
nothing: what was brought is kept as it was read, and everything else follows from it and from how it is matched.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeVar

from vouchers import address_block, identity
from vouchers.address_block import Unfit
from vouchers.errors import BadInput
from vouchers.money import cents_from_text, pieces

T = TypeVar("T")
MEANINGS: Final = (
    "civility", "last_name", "first_name", "address_1", "address_2", "address_3", "postcode", "town",
    "amount", "quantity", "face", "round", "reference",
)  # fmt: skip
"""What a column can hold; a column that is none of these is left alone."""
MOST_QUANTITY: Final = 1_000
"""Vouchers for one line of a list."""
_ADDRESS: Final = ("address_1", "address_2", "address_3")
_TEXTS: Final = ("civility", "last_name", "first_name", *_ADDRESS, "town", "round", "reference")
_SHORTER: Final = {"civility": 20, "last_name": 80, "first_name": 80, "town": 80, "round": 60, "reference": 60}
_POSTCODE_CHARS: Final = 12
_GUESSES: Final = (
    # The first meaning whose words stand in a header takes the column; the narrower words come first.
    ("civility", r"civilite|titre|politesse|mme|genre"),
    ("first_name", r"prenom|first|given"),
    ("postcode", r"code postal|\bcp\b|postal|postcode|zip"),
    ("reference", r"reference|\bref\b|matricule|dossier|identifiant|\bid\b|numero allocataire"),
    ("address_2", r"adresse 2|adresse2|complement|batiment|residence|address 2"),
    ("address_3", r"adresse 3|adresse3|lieu dit|address 3"),
    ("address_1", r"adresse|\brue\b|\bvoie\b|address|street"),
    ("round", r"tournee|quartier|secteur|bureau|distribution|round"),
    ("quantity", r"quantite|\bqte\b|nombre|\bnb\b|quantity"),
    ("face", r"valeur|faciale|face"),
    ("amount", r"montant|somme|euros?|amount|dotation"),
    ("town", r"ville|commune|town|city|localite"),
    ("last_name", r"\bnom\b|nom |patronyme|last|surname|famille|beneficiaire"),
)
_POSTAL: Final = {
    "st": "saint", "ste": "sainte", "av": "avenue", "bd": "boulevard", "pl": "place", "rte": "route", "ch": "chemin",
    "imp": "impasse", "res": "residence",
}  # fmt: skip
"""The post's short words (NF Z10-011): one address is written with them in one file and without in another."""
_WORDS: Final = re.compile(r"[^a-z0-9]+")
_SPACES: Final = re.compile(r"[\s\u00a0\u202f]+")
_CIVILITIES: Final = frozenset({"m", "mr", "mme", "mlle", "monsieur", "madame", "mademoiselle", "veuve", "vve"})
_WHOLE: Final = re.compile(r"([0-9]{1,6})(?:[.,]0+)?", re.ASCII)


class Row(NamedTuple):
    """One line of a list as it was read; `line`: where it stood in the file."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matching:
    """Which column (from 0) holds what. `face_cents` and `quantity` are for a list that does not say them.

    `dropped`: lines that are left out; `kept`: lines that stand beside a likeness of theirs, looked at and kept.
    """

    columns: Mapping[str, int] = field(default_factory=dict)
    face_cents: int | None = None
    quantity: int | None = None
    dropped: frozenset[int] = frozenset()
    kept: frozenset[int] = frozenset()

    def as_json(self) -> dict[str, Any]:
        """Plain values to be stored."""
        return {
            "columns": dict(self.columns),
            "face_cents": self.face_cents,
            "quantity": self.quantity,
            "dropped": sorted(self.dropped),
            "kept": sorted(self.kept),
        }

    @staticmethod
    def of_json(kept: Mapping[str, Any]) -> "Matching":
        """What `as_json` gave."""
        return Matching(
            {str(meaning): int(column) for meaning, column in kept.get("columns", {}).items()},
            kept.get("face_cents"),
            kept.get("quantity"),
            frozenset(kept.get("dropped", ())),
            frozenset(kept.get("kept", ())),
        )


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who receives `quantity` vouchers of `face_cents` each. `address` has a line feed between its lines."""

    line: int
    civility: str | None
    last_name: str
    first_name: str | None
    address: str | None
    postcode: str | None
    town: str | None
    tour: str | None
    reference: str | None
    face_cents: int
    quantity: int


class Fault(NamedTuple):
    """What is wrong in one cell: the line, the meaning of its column, what stands there, why it cannot be."""

    line: int
    meaning: str
    given: str
    refusal: BadInput


class Double(NamedTuple):
    """Line `line` seems to be who stands on line `first` too; `why`: 'same_person', 'same_name', 'same_reference'."""

    line: int
    first: int
    why: str


@dataclass(frozen=True, slots=True)
class Check:
    """A list as it stands. `doubles` are those that nobody has decided; `totals`: (face value in cents, vouchers).

    `unfit`: (line, why) of addresses that no envelope can show, among people who have one; nothing forbids them.
    """

    people: tuple[Recipient, ...]
    faults: tuple[Fault, ...]
    doubles: tuple[Double, ...]
    dropped: int
    totals: tuple[tuple[int, int], ...]
    unfit: tuple[tuple[int, Unfit], ...] = ()

    @property
    def quantity(self) -> int:
        """Vouchers in all."""
        return sum(count for _, count in self.totals)

    @property
    def face_cents(self) -> int:
        """Face value in all."""
        return sum(face_cents * count for face_cents, count in self.totals)

    @property
    def ready(self) -> bool:
        """Whether an order can be made of it."""
        return bool(self.people) and not self.faults and not self.doubles


@dataclass(frozen=True, slots=True)
class Sold:
    """Face values that may be ordered: those of `faces` where there are any, else from `least` to `most` cents."""

    faces: Collection[int]
    least: int
    most: int


# ── Columns ──────────────────────────────────────────────────────────────────────────────────────────────────────
def guessed(header: Sequence[str]) -> dict[str, int]:
    """Which column is likely what, by its name; each meaning once, each column once."""
    found: dict[str, int] = {}
    named = [plain(name) for name in header]
    for meaning, words in _GUESSES:
        for column, name in enumerate(named):
            if column not in found.values() and meaning not in found and re.search(words, name):
                found[meaning] = column
    return found


def column_refusal(columns: Mapping[str, int], *, width: int, face_cents: int | None) -> BadInput | None:
    """Why `columns` cannot be: no name, one column twice, or nothing that says how much each person receives."""
    if "last_name" not in columns:
        return BadInput(field="last_name", problem="missing")
    taken = list(columns.values())
    twice = next((meaning for meaning, column in columns.items() if taken.count(column) > 1), None)
    if twice is not None:
        return BadInput(field=twice, problem="twice")
    beyond = next((meaning for meaning, column in columns.items() if not 0 <= column < width), None)
    if beyond is not None:
        return BadInput(field=beyond, problem="missing")
    if "amount" not in columns and "face" not in columns and face_cents is None:
        return BadInput(field="face_cents", problem="missing")
    return None


# ── The whole list ───────────────────────────────────────────────────────────────────────────────────────────────
def check(header: Sequence[str], rows: Iterable[Row], matching: Matching, *, sold: Sold) -> Check:
    """The list, judged: every person it holds, every fault by line and column, every likeness not yet decided."""
    people: list[Recipient] = []
    faults: list[Fault] = []
    dropped = 0
    for row in rows:
        if row.line in matching.dropped:
            dropped += 1
            continue
        found = _Reading(header, row, matching, sold, faults).recipient()
        if found is not None:
            people.append(found)
    totals: dict[int, int] = {}
    for one in people:
        totals[one.face_cents] = totals.get(one.face_cents, 0) + one.quantity
    open_doubles = tuple(double for double in doubles(people) if double.line not in matching.kept)
    return Check(tuple(people), tuple(faults), open_doubles, dropped, tuple(sorted(totals.items())), _unfit(people))


def _unfit(people: Iterable[Recipient]) -> tuple[tuple[int, Unfit], ...]:
    told: list[tuple[int, Unfit]] = []
    for one in people:
        if one.address or one.postcode or one.town:
            found = address_block.of_person(one)
            if isinstance(found, Unfit):
                told.append((one.line, found))
    return tuple(told)


class _Reading:
    """One row, cell by cell; what is wrong goes to `faults`."""

    def __init__(self, header: Sequence[str], row: Row, matching: Matching, sold: Sold, faults: list[Fault]) -> None:
        self.header, self.row, self.matching, self.sold, self.faults = header, row, matching, sold, faults
        self.whole = True

    def recipient(self) -> Recipient | None:
        texts = {meaning: self._text(meaning) for meaning in _TEXTS}
        postcode = self._read("postcode", _postcode)
        if texts["last_name"] is None and self.whole:
            self._fault("last_name", "", BadInput(field=self._named("last_name"), problem="missing"))
        value = self._value()
        if not self.whole or value is None or texts["last_name"] is None:
            return None
        lines = [text for text in (texts[meaning] for meaning in _ADDRESS) if text]
        face_cents, quantity = value
        return Recipient(
            self.row.line,
            texts["civility"],
            texts["last_name"],
            texts["first_name"],
            "\n".join(lines) or None,
            postcode,
            texts["town"],
            texts["round"],
            texts["reference"],
            face_cents,
            quantity,
        )

    def _value(self) -> tuple[int, int] | None:
        """(face value, how many): as the columns say, else what the matching says of every line."""
        columns, matching = self.matching.columns, self.matching
        face = self._read("face", self._cents) if "face" in columns else matching.face_cents
        if "amount" in columns:
            amount = self._read("amount", self._cents)
            if amount is None:
                self._missing("amount")
                return None
            if face is None:
                return self._sold("amount", amount, 1)
            count = pieces(amount, face_cents=face)
            if count is None:
                wrong = BadInput(field=self._named("amount"), problem="not_in_whole_vouchers", face_cents=face)
                self._fault("amount", self._cell("amount"), wrong)
                return None
            return self._sold("amount", face, count)
        count = self._read("quantity", _count) if "quantity" in columns else matching.quantity or 1
        if face is None:
            self._missing("face")
        if count is None:
            self._missing("quantity")
        return None if face is None or count is None else self._sold("face", face, count)

    def _sold(self, meaning: str, face_cents: int, count: int) -> tuple[int, int] | None:
        sold, name = self.sold, self._named(meaning)
        wrong: BadInput | None = None
        if sold.faces and face_cents not in sold.faces:
            words = ", ".join(sorted(str(pieces(face, face_cents=100) or face) for face in sold.faces))
            wrong = BadInput(field=name, problem="one_of", words=words)
        elif not sold.least <= face_cents <= sold.most:
            wrong = BadInput(field=name, problem="amount_range", least_cents=sold.least, most_cents=sold.most)
        elif not 1 <= count <= MOST_QUANTITY:
            wrong = BadInput(field=name, problem="count", least=1, most=MOST_QUANTITY)
        if wrong is not None:
            self._fault(meaning, self._cell(meaning), wrong)
            return None
        return face_cents, count

    def _cents(self, given: str) -> int:
        typed = _SPACES.sub("", given).removesuffix("€").removesuffix("EUR")
        cents = cents_from_text(typed)
        if not cents:
            raise BadInput(field="amount", problem="not_an_amount")
        return cents

    def _text(self, meaning: str) -> str | None:
        most = _SHORTER.get(meaning, identity.NAME_CHARS)
        return self._read(meaning, lambda given: identity.name(given, field=meaning, most=most))

    def _read(self, meaning: str, judge: Callable[[str], T]) -> T | None:
        """What `judge` makes of the cell; None where it is empty, or wrong and noted."""
        given = self._cell(meaning)
        if not given:
            return None
        try:
            return judge(given)
        except BadInput as refusal:
            self._fault(meaning, given, BadInput(**{**refusal.data, "field": self._named(meaning)}))
            return None

    def _cell(self, meaning: str) -> str:
        column = self.matching.columns.get(meaning)
        return "" if column is None or column >= len(self.row.cells) else self.row.cells[column].strip()

    def _named(self, meaning: str) -> str:
        """The column as the file calls it."""
        column = self.matching.columns.get(meaning)
        return meaning if column is None or not self.header[column] else self.header[column]

    def _missing(self, meaning: str) -> None:
        if self._cell(meaning) == "":
            self._fault(meaning, "", BadInput(field=self._named(meaning), problem="missing"))

    def _fault(self, meaning: str, given: str, refusal: BadInput) -> None:
        self.whole = False
        self.faults.append(Fault(self.row.line, meaning, given, refusal))


def _postcode(given: str) -> str:
    typed = identity.name(given, field="postcode", most=_POSTCODE_CHARS)
    bare = typed.replace(" ", "")
    if bare.isdigit() and len(bare) != 5:
        raise BadInput(field="postcode", problem="not_a_postcode")
    return bare if bare.isdigit() else typed


def _count(given: str) -> int:
    typed = _WHOLE.fullmatch(_SPACES.sub("", given))
    if typed is None:
        raise BadInput(field="quantity", problem="not_whole")
    return int(typed[1])


# ── Who stands there twice ───────────────────────────────────────────────────────────────────────────────────────
def doubles(people: Iterable[Recipient]) -> list[Double]:
    """Lines that look like an earlier one: accents, case, hyphens, civilities and swapped names make no difference.

    One name at one address, or where an address is missing, is one person; at two addresses it may be two. One
    reference twice is one file twice.
    """
    found: list[Double] = []
    by_name: dict[tuple[str, ...], list[tuple[str, int]]] = {}
    by_reference: dict[str, int] = {}
    for one in people:
        place = _place(one)
        known = by_name.setdefault(_who(one), [])
        same = next((line for there, line in known if not there or not place or there == place), None)
        reference = plain(one.reference or "")
        earlier = by_reference.get(reference) if reference else None
        if same is not None:
            found.append(Double(one.line, same, "same_person"))
        elif earlier is not None:
            found.append(Double(one.line, earlier, "same_reference"))
        elif known:
            found.append(Double(one.line, known[0][1], "same_name"))
        known.append((place, one.line))
        if reference:
            by_reference.setdefault(reference, one.line)
    return found


def _who(one: Recipient) -> tuple[str, ...]:
    words = plain(f"{one.last_name} {one.first_name or ''}").split()
    # A title alone is a name all the same: without this, every « Madame » would be one person.
    return tuple(sorted(word for word in words if word not in _CIVILITIES)) or tuple(words) or (one.last_name,)


def _place(one: Recipient) -> str:
    words = plain(" ".join(filter(None, (one.address, one.postcode, one.town)))).split()
    return " ".join(_POSTAL.get(word, word) for word in words)


def plain(text: str) -> str:
    """Without accents, case, hyphens or any sign: 'Éloïse D’Arc-Noël' → 'eloise d arc noel'.

    A name in another script keeps its letters as they are.
    """
    bare = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    folded = bare.casefold().replace("œ", "oe").replace("æ", "ae")
    if folded.isascii():
        return _WORDS.sub(" ", folded).strip()
    return " ".join("".join(char if char.isalnum() else " " for char in folded).split())
