"""The fichier des écritures comptables (FEC): our entries as the French tax office reads them, and the note with it.

Source: livre des procédures fiscales, art. A.47 A-1, VII-1 (eighteen columns, order and spelling), IX (amounts, dates),
X (separators, character sets), XI (name of the file), II (technical description). No law says that a programme's own
books must be a FEC: this is an export in that form, for merging into the accounts of whoever keeps them.

UTF-8 is read by the tax office's own tool, though the article names ASCII, ISO 8859-15 and EBCDIC alone.
"""

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from vouchers.clock import day_fr
from vouchers.entries import Entry, EntryLine, in_order
from vouchers.money import euros_csv_fr, euros_fr

Encoding = Literal["iso-8859-15", "utf-8", "ascii"]
Separator = Literal["tab", "pipe"]

_MEANINGS: Final = {
    "JournalCode": "code du journal",
    "JournalLib": "libellé du journal",
    "EcritureNum": "numéro de l'écriture, continu dans son journal",
    "EcritureDate": "date de comptabilisation",
    "CompteNum": "numéro de compte",
    "CompteLib": "libellé du compte",
    "CompAuxNum": "numéro de compte auxiliaire",
    "CompAuxLib": "libellé du compte auxiliaire",
    "PieceRef": "référence de la pièce justificative",
    "PieceDate": "date de la pièce justificative",
    "EcritureLib": "libellé de l'écriture",
    "Debit": "montant au débit",
    "Credit": "montant au crédit",
    "EcritureLet": "lettrage",
    "DateLet": "date de lettrage",
    "ValidDate": "date de validation",
    "Montantdevise": "montant en devise (non utilisé)",
    "Idevise": "devise (non utilisée)",
}
COLUMNS: Final = tuple(_MEANINGS)
_SEPARATORS: Final[dict[str, str]] = {"tab": "\t", "pipe": "|"}
_SEPARATOR_NAMES: Final = {"tab": "tabulation", "pipe": "barre verticale « | »"}
_ENCODING_NAMES: Final = {"iso-8859-15": "ISO 8859-15", "utf-8": "UTF-8", "ascii": "ASCII"}
_SPELT_OUT: Final = str.maketrans({
    "Œ": "OE", "œ": "oe", "Æ": "AE", "æ": "ae", "Ø": "O", "ø": "o", "ß": "ss", "ẞ": "SS", "Ł": "L", "ł": "l",
    "Đ": "D", "đ": "d", "Ð": "D", "ð": "d", "Þ": "TH", "þ": "th", "ı": "i", "Ħ": "H", "ħ": "h", "€": "EUR",
    "’": "'", "‘": "'", "ʼ": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‹": "'", "›": "'",
    "–": "-", "—": "-", "‑": "-", "‐": "-", "‒": "-", "−": "-", "•": "-", "·": ".", "×": "x", "⁄": "/",
})  # fmt: skip
_LINES_AT_ONCE: Final = 500


class NumberMissing(ValueError):
    """An entry's number does not follow the one before it in its journal: a gap that no auditor would let pass."""


def fec(
    entries: Iterable[Entry], *, encoding: Encoding = "iso-8859-15", separator: Separator = "tab"
) -> Iterator[bytes]:
    """The file in pieces of whole lines: the header always, then one line a line of an entry; ends with CRLF.

    `entries` come by day of validation and are read once. `EcritureNum` is '<journal>-<number>' ('VE-000012'), so that
    it names one entry of the file even for a reader who does not look at the journal; its digits run without gaps
    within the journal, from whatever number comes first. A text that has nothing left for the character set gives way
    to the number or code it explains. Refuses with `EntriesOutOfOrder` or `NumberMissing`.
    """
    joint = _SEPARATORS[separator]
    lines = [joint.join(COLUMNS)]
    numbers: dict[str, int] = {}
    for entry in in_order(entries, by=lambda entry: entry.validated_on):
        wanted = numbers.get(entry.journal, entry.number - 1) + 1
        if entry.number != wanted:
            raise NumberMissing(f"{entry.name}: number {wanted} of the journal was wanted")
        numbers[entry.journal] = wanted
        before, middle, after = _shared(entry, encoding)
        for line in entry.lines:
            cells = [*before, *_account(line, encoding), *middle, *_amounts(line, entry, encoding), after, "", ""]
            lines.append(joint.join(cells))
        if len(lines) >= _LINES_AT_ONCE:
            yield _written(lines, encoding)
            lines.clear()
    if lines:
        yield _written(lines, encoding)


def file_name(siren: str, closing: date, *, part: int | None = None) -> str:
    """'<SIREN>FEC<AAAAMMJJ>.txt' with the day the year closes; `part` (from 1) of a file sent in several."""
    if not re.fullmatch(r"[0-9]{9}", siren):
        raise ValueError(f"a SIREN has nine digits: {siren!r}")
    return f"{siren}FEC{_day(closing)}{'' if part is None else f'_{part}'}.txt"


def description(
    contents: "Contents",
    *,
    siren: str,
    company: str,
    closing: date,
    encoding: Encoding = "iso-8859-15",
    separator: Separator = "tab",
    parts: int = 1,
) -> bytes:
    """The technical description that goes with the file (LPF A.47 A-1, II), in French, in the file's own charset.

    `contents` of the file, noted as it was written; `parts`: how many files it was spread over.
    """
    name = _cleaned(company, encoding) or siren
    names = [file_name(siren, closing, part=part) for part in (range(1, parts + 1) if parts > 1 else (None,))]
    text = [
        "DESCRIPTION TECHNIQUE DU FICHIER DES ÉCRITURES COMPTABLES",
        "(livre des procédures fiscales, article A.47 A-1, II)",
        "",
        f"Entreprise : {name}, SIREN {siren}",
        f"Exercice clos le : {day_fr(closing)}",
        *(f"Fichier : {written}" for written in names),
        "",
        f"Jeu de caractères : {_ENCODING_NAMES[encoding]}",
        f"Séparateur de zones : {_SEPARATOR_NAMES[separator]}",
        "Fin d'enregistrement : retour chariot et saut de ligne (CR LF)",
        "Dates : AAAAMMJJ. Montants : en euros, virgule décimale, deux décimales, sans séparateur de milliers.",
        "Ordre des enregistrements : date de validation, puis numéro d'écriture.",
        "Numéro d'écriture : code du journal, tiret, numéro continu dans le journal et l'exercice.",
        "Les caractères hors du jeu sont remplacés par la lettre de base ; tabulations et barres verticales, par une "
        "espace ou une barre oblique.",
        "",
        *contents.said(),
        "",
        "Zones, dans l'ordre :",
        *(f"{rank:>2}. {column} : {said}" for rank, (column, said) in enumerate(_MEANINGS.items(), 1)),
        "",
        "Journaux utilisés :",
        *(f"{code} : {label}" for code, label in sorted(contents.journals.items())),
        "",
        "Comptes utilisés :",
        *(f"{number} : {label}" for number, label in sorted(contents.accounts.items())),
    ]
    return _written([_fit(line, encoding) for line in text], encoding)


@dataclass(slots=True)
class Contents:
    """What the description tells of the entries, gathered as they pass."""

    journals: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    entries: int = 0
    lines: int = 0
    debit_cents: int = 0
    first: date | None = None
    last: date | None = None

    def noting(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """The same entries, each noted as it passes."""
        for entry in entries:
            self._note(entry)
            yield entry

    def _note(self, entry: Entry) -> None:
        self.journals.setdefault(entry.journal, entry.journal_name)
        for line in entry.lines:
            self.accounts.setdefault(line.account, line.account_name)
            self.debit_cents += line.debit_cents
        self.entries += 1
        self.lines += len(entry.lines)
        self.first = entry.on if self.first is None else min(self.first, entry.on)
        self.last = entry.on if self.last is None else max(self.last, entry.on)

    def said(self) -> Iterator[str]:
        yield f"Écritures : {self.entries} ; lignes : {self.lines}"
        yield f"Total au débit comme au crédit : {euros_fr(self.debit_cents)}"
        if self.first is not None and self.last is not None:
            yield f"Écritures comptabilisées du {day_fr(self.first)} au {day_fr(self.last)}"


def _shared(entry: Entry, encoding: Encoding) -> tuple[list[str], list[str], str]:
    """What every line of the entry says: before the account, between account and label, and the day of validation."""
    journal_name = _cleaned(entry.journal_name, encoding) or entry.journal
    piece = _cleaned(entry.piece, encoding) or entry.name
    return (
        [entry.journal, journal_name, entry.name, _day(entry.on)],
        [piece, _day(entry.piece_on)],
        _day(entry.validated_on),
    )


def _account(line: EntryLine, encoding: Encoding) -> list[str]:
    name = _cleaned(line.account_name, encoding) or line.account
    return [line.account, name, line.owner, _cleaned(line.owner_name, encoding) or line.owner]


def _amounts(line: EntryLine, entry: Entry, encoding: Encoding) -> list[str]:
    lettered = "" if line.lettered_on is None else _day(line.lettered_on)
    label = _cleaned(line.label, encoding) or _cleaned(entry.piece, encoding) or entry.name
    return [label, euros_csv_fr(line.debit_cents), euros_csv_fr(line.credit_cents), line.letter, lettered]


def _written(lines: list[str], encoding: Encoding) -> bytes:
    return ("\r\n".join(lines) + "\r\n").encode(encoding)


def _day(day: date) -> str:
    # Not strftime, which on some systems writes the year 950 with three digits.
    return day.isoformat().replace("-", "")


@functools.lru_cache(maxsize=4_096)
def _cleaned(text: str, encoding: Encoding) -> str:
    """`text` on one line of the charset, single spaces, without what separates or ends a field."""
    return " ".join(_fit(text, encoding).replace("|", "/").split())


def _fit(text: str, encoding: Encoding) -> str:
    """`text` in the letters of the charset: É stays or becomes E; an emoji nothing, a letter of no known base '?'."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_fitted(char, encoding) for char in unicodedata.normalize("NFC", text))


def _fitted(char: str, encoding: Encoding) -> str:
    kind = unicodedata.category(char)
    if kind == "Cc" or kind[0] == "Z":
        return " "
    if kind[0] == "C":
        return ""
    if _is_in(char, encoding):
        return char
    spread = unicodedata.normalize("NFKD", char.translate(_SPELT_OUT)).translate(_SPELT_OUT)
    kept = "".join(letter for letter in spread if _is_in(letter, encoding) and letter.isprintable())
    return kept if kept or kind[0] != "L" else "?"


@functools.lru_cache(maxsize=1_024)
def _is_in(char: str, encoding: Encoding) -> bool:
    try:
        char.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
