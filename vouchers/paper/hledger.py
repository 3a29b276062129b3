"""The journal as an hledger file, so that an outsider's program can check and query our books.

One transaction an entry; every account and the commodity are declared, so that `hledger check --strict` and
`ordereddates` pass. No text from people can break the format: what hledger reads as a mark (comments, tags, bracketed
dates, codes, line ends) is replaced.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from vouchers.codes import pretty_serial
from vouchers.entries import Entry, EntryLine, in_order, nature
from vouchers.money import euros_plain

_MARKS: Final = str.maketrans({
    ";": ",", "|": "/", "[": "(", "]": ")", ":": "-", "*": "x", "!": ".", "#": "n",
    '"': "'", "{": "(", "}": ")",
})  # fmt: skip
_TYPE_OF: Final = {"equity": "E", "asset": "A", "liability": "L", "expense": "X", "revenue": "R"}
_HEAD: Final = "decimal-mark .\ncommodity 1000.00 EUR\n\n"


def hledger_entries(entries: Iterable[Entry]) -> Iterator[str]:
    """The file in pieces of whole lines. `entries` come by day of the books and are read once.

    The code of a transaction is the entry's name ('VE-000012'); an account is '<number> <name>', its owner below it
    ('468200 Commerçants:M0012'), called by the name it has first and declared just before its first use; a debit is
    above zero. Refuses with `EntriesOutOfOrder`.
    """
    yield _HEAD
    names: dict[str, str] = {}
    declared: set[str] = set()
    for entry in in_order(entries, by=lambda entry: entry.on):
        for line in entry.lines:
            names.setdefault(line.account, _plain(f"{line.account} {line.account_name}"))
            account = _full(line, names)
            if account not in declared:
                declared.add(account)
                yield f"account {account}  ; type: {_TYPE_OF[nature(line.account)]}\n\n"
        yield "\n".join(_written(entry, names)) + "\n\n"


def _written(entry: Entry, names: Mapping[str, str]) -> Iterator[str]:
    label = entry.lines[0].label
    yield f"{entry.on.isoformat()} * ({entry.name}) {_plain(label)}"
    facts = {
        "journal": entry.journal_name, "piece": entry.piece, "piece-date": entry.piece_on.isoformat(),
        "validated": entry.validated_on.isoformat(), "fact": "" if entry.fact is None else str(entry.fact),
        "actor": entry.actor, "reason": entry.reason,
    }  # fmt: skip
    yield from (f"    ; {tag}: {_tagged(text)}" for tag, text in facts.items() if _tagged(text))
    for line in entry.lines:
        more = {
            "label": "" if line.label == label else line.label,
            "party": line.owner_name,
            "letter": line.letter,
            "lettered": "" if line.lettered_on is None else line.lettered_on.isoformat(),
            "serial": "" if line.serial is None else pretty_serial(line.serial),
        }
        said = ", ".join(f"{tag}: {_tagged(text)}" for tag, text in more.items() if _tagged(text))
        comment = f"  ; {said}" if said else ""
        yield f"    {_full(line, names)}  {euros_plain(line.signed_cents)} EUR{comment}"


def _full(line: EntryLine, names: Mapping[str, str]) -> str:
    return f"{names[line.account]}:{line.owner}" if line.owner else names[line.account]


def _tagged(text: str) -> str:
    """A tag's value: a comma would end it."""
    return " ".join(_plain(text).replace(",", " ").split())


def _plain(text: str) -> str:
    """`text` on one line, single spaces, without anything that hledger reads as a mark."""
    seen = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    return " ".join(seen.translate(_MARKS).split())
