"""The entries as a beancount file, so that an outsider's program can check and query our books.

An account is opened on the day of its first posting, below the root of its French class: `Assets:512100-Banque`, with
its owner as a sub-account, `Liabilities:468200-Commerçants:M0012`. Beancount's own loader finds no fault with the file,
whatever people wrote: their texts are quoted, and an account's name keeps letters and digits alone.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from vouchers.codes import pretty_serial
from vouchers.entries import Entry, EntryLine, in_order, nature
from vouchers.money import euros_plain

_ROOTS: Final = {
    "asset": "Assets", "liability": "Liabilities", "equity": "Equity", "expense": "Expenses", "revenue": "Income",
}  # fmt: skip
_LETTERS: Final = frozenset({"Lu", "Ll"})
_LAST_OF_LATIN: Final = "\u017f"
"""Beancount takes letters of any script; the files stop at those of Europe, which every version of Unicode has."""


def beancount_file(entries: Iterable[Entry], *, title: str) -> Iterator[str]:
    """The file in pieces of whole lines. `entries` come by day of the books and are read once.

    An account is called by the name it has first; a debit is above zero. Refuses with `EntriesOutOfOrder`.
    """
    yield f'option "title" {_quoted(title)}\noption "operating_currency" "EUR"\n\n'
    names: dict[str, str] = {}
    opened: set[tuple[str, str]] = set()
    for entry in in_order(entries, by=lambda entry: entry.on):
        out: list[str] = []
        for line in entry.lines:
            names.setdefault(line.account, _named(line))
            if (line.account, line.owner) not in opened:
                opened.add((line.account, line.owner))
                out.append(f"{entry.on.isoformat()} open {_full(line, names)} EUR")
                if line.owner_name:
                    out.append(f"  name: {_quoted(line.owner_name)}")
        if out:
            out.append("")
        out += _transaction(entry, names)
        yield "\n".join(out) + "\n\n"


def _transaction(entry: Entry, names: dict[str, str]) -> Iterator[str]:
    payee = next((line.owner_name for line in entry.lines if line.owner_name), "")
    narration = entry.lines[0].label
    yield f"{entry.on.isoformat()} * {_quoted(payee)} {_quoted(narration)} ^{entry.name}"
    facts: dict[str, str | date | int | None] = {
        "journal": entry.journal_name, "piece": entry.piece, "piece-date": entry.piece_on,
        "validated": entry.validated_on, "fact": entry.fact, "actor": entry.actor, "reason": entry.reason,
    }  # fmt: skip
    yield from _metadata("  ", facts)
    for line in entry.lines:
        yield f"  {_full(line, names)}  {euros_plain(line.signed_cents)} EUR"
        more: dict[str, str | date | int | None] = {
            "label": "" if line.label == narration else line.label,
            "letter": line.letter,
            "lettered": line.lettered_on,
            "serial": None if line.serial is None else pretty_serial(line.serial),
        }
        yield from _metadata("    ", more)


def _metadata(indent: str, values: dict[str, str | date | int | None]) -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, str):
            if value:
                yield f"{indent}{key}: {_quoted(value)}"
        elif value is not None:
            yield f"{indent}{key}: {value.isoformat() if isinstance(value, date) else value}"


def _named(line: EntryLine) -> str:
    """'468200-Commerçants-titres-à-rembourser', below its root."""
    letters = (
        char if char.isascii() and char.isdigit() else char if _is_letter(char) else " "
        for char in unicodedata.normalize("NFC", line.account_name)
    )
    return ":".join((_ROOTS[nature(line.account)], "-".join([line.account, *"".join(letters).split()])))


def _is_letter(char: str) -> bool:
    return char <= _LAST_OF_LATIN and unicodedata.category(char) in _LETTERS


def _full(line: EntryLine, names: dict[str, str]) -> str:
    return f"{names[line.account]}:{line.owner}" if line.owner else names[line.account]


def _quoted(text: str) -> str:
    """`text` on one line between quotes, as beancount reads it back."""
    seen = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    plain = " ".join(seen.split()).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"'
