"""The journal as an hledger file, so that an outsider's program can check and query our books.

One transaction a journal, one pair of postings a row; every account and the commodity are declared, so that
`hledger check --strict` and `ordereddates` pass. No text from people can break the format: what hledger reads
as a mark (comments, tags, bracketed dates, codes, line ends) is replaced.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import groupby
from typing import Final

from vouchers.clock import iso
from vouchers.codes import pretty_serial
from vouchers.money import euros_plain
from vouchers.paper.spreadsheet import JournalRow

_MARKS: Final = str.maketrans({
    ";": ",", "|": "/", "[": "(", "]": ")", ":": "-", "*": "x", "!": ".", "#": "n",
    '"': "'", "{": "(", "}": ")",
})  # fmt: skip
_TYPES: Final = {"1": "E", "2": "A", "3": "A", "4": "L", "5": "A", "6": "X", "7": "R"}
"""hledger's type of an account (equity, asset, liability, expense, revenue) by its French class."""


class JournalsOutOfOrder(ValueError):
    """The rows do not come by day, then journal: the file would not pass `ordereddates`."""


class AccountUnknown(ValueError):
    """A row names an account that the mapping has not."""


def hledger_journal(rows: Iterable[JournalRow], accounts: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    """The file in pieces, each of whole lines. `accounts` maps a code to its French number and name.

    `rows` come by day, then journal, then line, and are read once. Refuses with `JournalsOutOfOrder` or
    `AccountUnknown`; an account is declared just before its first use.
    """
    yield "decimal-mark .\ncommodity 1000.00 EUR\n\n"
    names: dict[str, str] = {}
    before: tuple[date, int] | None = None
    for key, journal in groupby(rows, key=lambda row: (row.on, row.journal)):
        if before is not None and key <= before:
            raise JournalsOutOfOrder(f"journal {key[1]} of {key[0]} after journal {before[1]} of {before[0]}")
        before = key
        lines = list(journal)
        for code in (code for row in lines for code in (row.debit, row.credit)):
            if code not in names:
                names[code], declaration = _declared(code, accounts)
                yield declaration
        yield _transaction(lines, names)


def _transaction(rows: list[JournalRow], names: Mapping[str, str]) -> str:
    first = rows[0]
    out = [f"{first.on.isoformat()} * ({first.journal}) {_plain(first.label)}", f"    ; at: {iso(first.at)}"]
    facts = {"kind": first.kind, "actor": first.actor, "reason": first.reason}
    # A comma would end the tag's value.
    out += [f"    ; {tag}: {_plain(text).replace(',', ' ')}" for tag, text in facts.items() if text]
    for row in rows:
        serial = "" if row.serial is None else f"  ; serial: {pretty_serial(row.serial)}"
        out.append(f"    {names[row.debit]}  {euros_plain(row.cents)} EUR{serial}")
        out.append(f"    {names[row.credit]}  {euros_plain(-row.cents)} EUR{serial}")
    return "\n".join(out) + "\n\n"


def _declared(code: str, accounts: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    """(the account's name in the file, its directive). An owned account stands below its number."""
    if code not in accounts:
        raise AccountUnknown(code)
    number, name = accounts[code]
    owner = code.partition(":")[2]
    written = _plain(f"{number} {name.removesuffix(owner) if owner else name}")
    if owner:
        written += f":{_plain(owner)}"
    kind = "A" if number.startswith("411") else _TYPES.get(number[:1], "L")
    return written, f"account {written}  ; type: {kind}\n\n"


def _plain(text: str) -> str:
    """`text` on one line, single spaces, without anything that hledger reads as a mark."""
    seen = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    return " ".join(seen.translate(_MARKS).split())
