"""What is wrong with a fichier des écritures comptables (FEC), ours or any other.

Reads bytes and nothing else: it shares no code with `fec`, so that a mistake there is not repeated here. Sources: livre
des procédures fiscales, art. A.47 A-1; the facts of the rules of the tax office's own tool (Test Compta Demat, 2021),
which stops at the form of the file. That tool does not look at balances, numbering, lettering or order: those rules are
added. Stricter than it in two things the article says: dates are AAAAMMJJ, the sign of an amount stands first.

EBCDIC and the XML variant are not read: the first finds no separator, the second no column.
"""

import codecs
import functools
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import BinaryIO, Final, Literal, NamedTuple

Severity = Literal["blocking", "alert"]
LISTED: Final = 20
"""Faults of one rule that are told one by one; the others are counted."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`rule` is a stable name; `line` counts from 1, the header; None for the whole file. `detail` is for people."""

    rule: str
    severity: Severity
    line: int | None
    detail: str


class Rule(NamedTuple):
    """`blocking`: the file would be sent back; `alert`: to be explained. `sentence` shows what was found."""

    severity: Severity
    sentence: str


RULES: Final[dict[str, Rule]] = {
    # The file.
    "file_name": Rule("blocking", "Le nom « {name} » ne contient pas FEC suivi d'une date de clôture 20AAMMJJ."),
    "file_name_form": Rule("alert", "Le nom « {name} » n'est pas de la forme <SIREN>FEC<AAAAMMJJ>.txt."),
    "empty_file": Rule("blocking", "Le fichier est vide ou ne contient que la ligne d'en-tête."),
    "characters": Rule("alert", "Octet {byte} : ce n'est pas un caractère de l'ISO 8859-15 ni de l'UTF-8."),
    "separator": Rule("blocking", "L'en-tête n'a neuf zones ni par tabulation ni par barre verticale."),
    "column_missing": Rule("blocking", "La zone {column} manque dans l'en-tête."),
    "column_order": Rule("alert", "Zone {rank} : « {found} » au lieu de {column}."),
    "trailing_separator": Rule("alert", "L'en-tête se termine par un séparateur."),
    # The rows.
    "blank_row": Rule("alert", "La ligne est vide."),
    "field_count": Rule("blocking", "{found} zones au lieu de {wanted}."),
    "pipe_in_text": Rule("blocking", "Une barre verticale dans un texte d'un fichier à tabulations."),
    "value_missing": Rule("blocking", "{column} est vide : la zone est obligatoire."),
    "data_absent": Rule("blocking", "Données absentes : {column} est vide."),
    "account_digits": Rule("alert", "Le compte « {found} » ne commence pas par trois chiffres."),
    # Dates and amounts.
    "date_form": Rule("blocking", "{column} : « {found} » n'est pas une date AAAAMMJJ."),
    "date_impossible": Rule("blocking", "{column} : « {found} » n'est pas un jour du calendrier."),
    "year_range": Rule("alert", "{column} : « {found} » est hors des années 1900 à 2099."),
    "decimal_dot": Rule("blocking", "{column} : « {found} » a un point ; la virgule décimale est attendue."),
    "thousands_separator": Rule("blocking", "{column} : « {found} » a un séparateur de milliers."),
    "not_a_number": Rule("blocking", "{column} : « {found} » n'est pas un montant."),
    "sense": Rule("blocking", "Sens : « {found} » n'est ni D ni C, ni +1 ni -1."),
    "both_sides": Rule("alert", "Débit et crédit sont tous deux servis."),
    "no_side": Rule("alert", "Ni débit ni crédit : les deux sont à zéro."),
    # What the tax office's tool leaves out.
    "entry_balance": Rule("blocking", "L'écriture {entry} n'est pas équilibrée : débit moins crédit = {over}."),
    "file_balance": Rule("blocking", "Le fichier n'est pas équilibré : débit moins crédit = {over}."),
    "numbering": Rule("alert", "Journal {journal} : après l'écriture {before}, la suivante porte le numéro {after}."),
    "lettering": Rule("alert", "EcritureLet et DateLet vont ensemble : l'une est vide."),
    "auxiliary": Rule("alert", "CompAuxNum et CompAuxLib vont ensemble : l'une est vide."),
    "currency": Rule("alert", "Montantdevise et Idevise vont ensemble : l'une est vide."),
    "chronology": Rule("alert", "Validée le {found}, après une ligne validée le {before}."),
}

_BEFORE_AMOUNTS: Final = (
    "JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib", "CompAuxNum", "CompAuxLib",
    "PieceRef", "PieceDate", "EcritureLib",
)  # fmt: skip
_AFTER_AMOUNTS: Final = ("EcritureLet", "DateLet", "ValidDate", "Montantdevise", "Idevise")
_DEBIT_CREDIT, _AMOUNT_SENSE = ("Debit", "Credit"), ("Montant", "Sens")
_REQUIRED: Final = ("EcritureNum", "EcritureDate", "CompteNum", "CompteLib", "EcritureLib")
_WANTED: Final = ("JournalCode", "JournalLib", "PieceRef", "PieceDate", "ValidDate")
_DATES: Final = ("EcritureDate", "PieceDate", "DateLet", "ValidDate")
_PAIRS: Final = {
    "lettering": ("EcritureLet", "DateLet"),
    "auxiliary": ("CompAuxNum", "CompAuxLib"),
    "currency": ("Montantdevise", "Idevise"),
}
_SENSES: Final = {"D": 1, "C": -1, "+1": 1, "1": 1, "-1": -1}
_LEAST_FIELDS: Final = 9
_LONGEST_SHOWN: Final = 40
_CHUNK: Final = 1 << 20

_NAME_DATE = re.compile(r"FEC(20[0-9]{6})", re.IGNORECASE)
_NAME_FORM = re.compile(r"[0-9]{9}FEC20[0-9]{6}(?:_[0-9]+)?\.(?:txt|csv)", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?[0-9]+(?:,[0-9]+)?")
_GROUPED = re.compile(r"[+-]?[0-9]+[ '’\u202f][0-9 '’\u202f]*(?:[.,][0-9]*)?|[+-]?[0-9]+(?:[.,][0-9]+){2,}")
_LAST_DIGITS = re.compile(r"([0-9]{1,18})[^0-9]*\Z")
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NOT_LATIN = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def faults(content: bytes, *, name: str) -> list[Fault]:
    """Everything wrong with the file `content` called `name`, rule by rule; empty when nothing is.

    Of each rule the first `LISTED` faults, then one that counts the others. Rows are read one by one; what is kept is
    the entries that do not balance yet, and the runs of their numbers.
    """
    return faults_in(io.BytesIO(content), name=name)


def faults_in(file: BinaryIO, *, name: str) -> list[Fault]:
    """The same of an open file, read from its start to its end three times and never held in memory; left open."""
    found = _Findings()
    _look_at_name(name, found)
    is_utf_8 = _decodes_as_utf_8(file)
    odd = _first_odd(file, _CONTROLS if is_utf_8 else _NOT_LATIN)
    if odd is not None:
        found.add("characters", odd[0], byte=f"{odd[1]:02X}")
    file.seek(0)
    text = io.TextIOWrapper(file, encoding="utf-8-sig" if is_utf_8 else "iso-8859-15", newline=None)
    header = text.readline().rstrip("\n")
    separator = next((mark for mark in "\t|" if header.count(mark) >= _LEAST_FIELDS - 1), None)
    if not header.strip():
        found.add("empty_file")
    elif separator is None:
        found.add("separator", 1)
    else:
        book = _Book(header, separator, found)
        for number, row in enumerate(text, start=2):
            book.read(number, row.rstrip("\n"))
        book.close()
    text.detach()
    return list(found.told())


class _Findings:
    """The faults by rule, no more than are told."""

    def __init__(self) -> None:
        self.told_of: dict[str, list[Fault]] = {rule: [] for rule in RULES}
        self.untold: dict[str, int] = dict.fromkeys(RULES, 0)

    def add(self, rule: str, line: int | None = None, **said: object) -> None:
        if len(self.told_of[rule]) == LISTED:
            self.untold[rule] += 1
            return
        severity, sentence = RULES[rule]
        shown = {key: _shown(str(value)) for key, value in said.items()}
        self.told_of[rule].append(Fault(rule, severity, line, sentence.format(**shown)))

    def told(self) -> Iterator[Fault]:
        for rule, told in self.told_of.items():
            yield from told
            others = self.untold[rule]
            if others:
                detail = f"Autres fautes de cette règle : {others}."
                yield Fault(rule, RULES[rule].severity, None, detail)


class _Book:
    """The rows as they pass, and what only the whole of them shows."""

    def __init__(self, header: str, separator: str, found: _Findings) -> None:
        self.separator = separator
        self.found = found
        self.names = [cell.strip() for cell in header.split(separator)]
        if not self.names[-1]:
            found.add("trailing_separator", 1)
        known = {name.upper(): rank for rank, name in reversed(list(enumerate(self.names))) if name}
        self.by_sense = "MONTANT" in known and "SENS" in known
        amounts = _AMOUNT_SENSE if self.by_sense else _DEBIT_CREDIT
        columns = (*_BEFORE_AMOUNTS, *amounts, *_AFTER_AMOUNTS)
        self.rank = {column: known[column.upper()] for column in columns if column.upper() in known}
        for rank, column in enumerate(columns):
            if column not in self.rank:
                found.add("column_missing", 1, column=column)
            elif rank >= len(self.names) or self.names[rank] != column:
                there = self.names[rank] if rank < len(self.names) else ""
                found.add("column_order", 1, rank=rank + 1, found=there, column=column)
        self.money = [column for column in ("Debit", "Credit", "Montant", "Montantdevise") if column in self.rank]
        self.can_add_up = set(amounts) <= self.rank.keys()
        self.rows = 0
        self.over = Decimal(0)
        self.open: dict[tuple[str, str], tuple[Decimal, int]] = {}
        self.numbers: dict[str, _Numbers] = {}
        self.entry: tuple[str, str] | None = None
        self.validated = ""

    def read(self, number: int, row: str) -> None:
        if not row.strip():
            self.found.add("blank_row", number)
            return
        self.rows += 1
        if self.separator == "\t" and "|" in row:
            self.found.add("pipe_in_text", number)
        cells = row.replace("\N{NO-BREAK SPACE}", " ").split(self.separator)
        if len(cells) != len(self.names):
            self.found.add("field_count", number, found=len(cells), wanted=len(self.names))
            # What would be added up from a row whose columns are unknown would be wrong too.
            self.can_add_up = False
            return
        values = {column: cells[rank].strip() for column, rank in self.rank.items()}
        self._texts(number, values)
        self._dates(number, values)
        over = self._amounts(number, values)
        self._sequence(number, values, over)

    def close(self) -> None:
        if not self.rows:
            self.found.add("empty_file")
        if self.can_add_up:
            for (journal, name), (over, line) in self.open.items():
                self.found.add("entry_balance", line, entry=f"{journal} {name}", over=_french(over))
            if self.over:
                self.found.add("file_balance", over=_french(self.over))
        self._gaps()

    def _texts(self, number: int, values: dict[str, str]) -> None:
        for rule, columns in (("value_missing", _REQUIRED), ("data_absent", _WANTED)):
            for column in columns:
                if values.get(column) == "":
                    self.found.add(rule, number, column=column)
        account = values.get("CompteNum", "")
        if account and not (len(account) >= 3 and account[:3].isascii() and account[:3].isdigit()):
            self.found.add("account_digits", number, found=account)
        for rule, (one, other) in _PAIRS.items():
            if one in values and other in values and bool(values[one]) != bool(values[other]):
                self.found.add(rule, number)

    def _dates(self, number: int, values: dict[str, str]) -> None:
        for column in _DATES:
            text = values.get(column, "")
            wrong = _wrong_date(text) if text else None
            if wrong is not None:
                self.found.add(wrong, number, column=column, found=text)
        validated = values.get("ValidDate", "")
        if validated and _wrong_date(validated) is None:
            if validated < self.validated:
                self.found.add("chronology", number, found=validated, before=self.validated)
            self.validated = max(validated, self.validated)

    def _amounts(self, number: int, values: dict[str, str]) -> Decimal:
        """Debit less credit of the row, whatever the variant; 0 where it cannot be read."""
        read = dict.fromkeys(("Debit", "Credit", "Montant", "Montantdevise"), Decimal(0))
        for column in self.money:
            text = values[column]
            wrong = _wrong_amount(text) if text else None
            if wrong is None:
                read[column] = Decimal(text.replace(",", ".") or 0)
            else:
                self.found.add(wrong, number, column=column, found=text)
                self.can_add_up = self.can_add_up and column == "Montantdevise"
        if not self.can_add_up:
            return Decimal(0)
        if self.by_sense:
            sense = _SENSES.get(values["Sens"].upper())
            if sense is None:
                self.found.add("sense", number, found=values["Sens"])
                self.can_add_up = False
            elif not read["Montant"]:
                self.found.add("no_side", number)
            return read["Montant"] * (sense or 0)
        if bool(read["Debit"]) == bool(read["Credit"]):
            self.found.add("both_sides" if read["Debit"] else "no_side", number)
        return read["Debit"] - read["Credit"]

    def _sequence(self, number: int, values: dict[str, str], over: Decimal) -> None:
        key = values.get("JournalCode", ""), values.get("EcritureNum", "")
        self.over += over
        before, line = self.open.pop(key, (Decimal(0), number))
        if before + over:
            self.open[key] = before + over, line
        if key == self.entry:
            return
        self.entry = key
        digits = _LAST_DIGITS.search(key[1])
        if digits is not None:
            self.numbers.setdefault(key[0], _Numbers()).note(int(digits[1]))

    def _gaps(self) -> None:
        """Numbers run without gaps in each journal, or over all journals of the file where they share none."""
        runs = {journal: numbers.runs() for journal, numbers in self.numbers.items()}
        everywhere = _joined(run for inside in runs.values() for run in inside)
        shared = sum(_count(inside) for inside in runs.values()) != _count(everywhere)
        if len(everywhere) == 1 and not shared:
            return
        for journal, inside in runs.items():
            for (_, before), (after, _) in pairwise(inside):
                self.found.add("numbering", journal=journal, before=before, after=after)


class _Numbers:
    """Whole numbers as runs without gaps: a million entries in order are one run."""

    def __init__(self) -> None:
        self.start_of: dict[int, int] = {}

    def note(self, number: int) -> None:
        if number not in self.start_of:
            self.start_of[number] = self.start_of.pop(number - 1, number)

    def runs(self) -> list[tuple[int, int]]:
        return _joined((start, end) for end, start in self.start_of.items())


def _joined(runs: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    """The runs in order, those that touch or overlap made one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(runs):
        if joined and start <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _count(runs: list[tuple[int, int]]) -> int:
    return sum(end - start + 1 for start, end in runs)


def _look_at_name(name: str, found: _Findings) -> None:
    closing = _NAME_DATE.search(name)
    if closing is None or _wrong_date(closing[1]) is not None:
        found.add("file_name", name=name)
    elif not _NAME_FORM.fullmatch(name):
        found.add("file_name_form", name=name)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(_CHUNK):
        yield chunk


def _first_odd(file: BinaryIO, odd: re.Pattern[bytes]) -> tuple[int, int] | None:
    """(line, byte) of the first byte that no text of that character set has."""
    line = 1
    for chunk in _chunks(file):
        seen = odd.search(chunk)
        if seen is not None:
            return line + chunk.count(b"\n", 0, seen.start()), seen[0][0]
        line += chunk.count(b"\n")
    return None


def _decodes_as_utf_8(file: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in _chunks(file):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


@functools.lru_cache(maxsize=4_096)
def _wrong_date(text: str) -> str | None:
    """The rule that a date breaks, or None."""
    if not re.fullmatch(r"[0-9]{8}", text):
        return "date_form"
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return "date_impossible"
    return None if 1900 <= day.year <= 2099 else "year_range"


def _wrong_amount(text: str) -> str | None:
    """The rule that an amount breaks, or None."""
    if _NUMBER.fullmatch(text):
        return None
    if _GROUPED.fullmatch(text):
        return "thousands_separator"
    return "decimal_dot" if re.fullmatch(r"[+-]?[0-9]*\.[0-9]+", text) else "not_a_number"


def _shown(text: str) -> str:
    """As much of a text of the file as a sentence bears, without what would move a terminal's cursor."""
    return "".join(char if char.isprintable() else "\N{MIDDLE DOT}" for char in text[:_LONGEST_SHOWN])


def _french(amount: Decimal) -> str:
    return f"{amount:f}".replace(".", ",")
