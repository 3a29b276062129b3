"""The bookkeeper's entry: what the files for other people's books are written from.

An entry is ours (`fact`, the number in our own journal) said in the words of a French bookkeeper: a journal code, a
number without gaps within that journal and year, accounts of the chart as set, and lines that balance. The papers that
carry it (FEC, beancount, hledger, spreadsheet) take these values and nothing else.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

_ACCOUNT = re.compile(r"[0-9]{3}[0-9A-Z]*")
_CODE = re.compile(r"[0-9A-Z][0-9A-Z-]*")
_LETTER = re.compile(r"[0-9A-Za-z]*")
_NATURES: Final = {
    "1": "equity", "2": "asset", "3": "asset", "4": "liability", "5": "asset", "6": "expense", "7": "revenue",
}  # fmt: skip


class EntryDoesNotBalance(ValueError):
    """What is debited is not what is credited, to the cent."""


class EntryNotWhole(ValueError):
    """A number, code or amount is missing or cannot be: the message names it."""


class EntriesOutOfOrder(ValueError):
    """The entries do not come by day: who reads the file would refuse it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryLine:
    """One amount on one side of one account. Exactly one of `debit_cents` and `credit_cents` is above zero.

    `account` is the number as set, at least three digits first ('468120'); `owner` the auxiliary account ('C0001',
    'M0012') with its `owner_name`; `letter` what ties the lines that settle each other, set on `lettered_on`.
    """

    account: str
    account_name: str
    owner: str = ""
    owner_name: str = ""
    label: str
    debit_cents: int
    credit_cents: int
    letter: str = ""
    lettered_on: date | None = None
    serial: int | None = None

    def __post_init__(self) -> None:
        if not _ACCOUNT.fullmatch(self.account):
            raise EntryNotWhole(f"account {self.account!r}: three digits, then digits and capital letters")
        if self.owner and not _CODE.fullmatch(self.owner):
            raise EntryNotWhole(f"owner {self.owner!r}: capital letters, digits and dashes")
        if self.owner_name and not self.owner:
            raise EntryNotWhole("an owner's name without its code")
        if min(self.debit_cents, self.credit_cents) != 0 or max(self.debit_cents, self.credit_cents) <= 0:
            raise EntryNotWhole(f"debit {self.debit_cents}, credit {self.credit_cents}: exactly one is above zero")
        if not _LETTER.fullmatch(self.letter) or bool(self.letter) != (self.lettered_on is not None):
            raise EntryNotWhole(f"letter {self.letter!r}, set on {self.lettered_on}: both or neither")

    @property
    def signed_cents(self) -> int:
        """Above zero on the debit side, below on the credit side."""
        return self.debit_cents - self.credit_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Lines that balance. `number` runs from 1 without gaps within `journal` and the year.

    `on` is the day of the books, `piece_on` that of the paper `piece`, `validated_on` the day from which nothing of
    it changes any more. Raises `EntryNotWhole`, then `EntryDoesNotBalance`.
    """

    journal: str
    journal_name: str
    number: int
    on: date
    piece: str
    piece_on: date
    validated_on: date
    lines: tuple[EntryLine, ...]
    fact: int | None
    actor: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        if not _CODE.fullmatch(self.journal):
            raise EntryNotWhole(f"journal {self.journal!r}: capital letters, digits and dashes")
        if self.number < 1:
            raise EntryNotWhole(f"number {self.number}: numbers run from 1")
        if not self.lines:
            raise EntryNotWhole(f"entry {self.name} has no line")
        over = sum(line.signed_cents for line in self.lines)
        if over:
            raise EntryDoesNotBalance(f"entry {self.name}: debit less credit is {over} cents")

    @property
    def name(self) -> str:
        """By which the entry is told from all others of its year: 'VE-000012'."""
        return f"{self.journal}-{self.number:06d}"


def nature(account: str) -> str:
    """What kind of account a French number is: 'equity', 'asset', 'liability', 'expense' or 'revenue'.

    By its class; customers (411) are assets. Classes 8 and 9 stand outside the balance sheet and count as liabilities.
    """
    return "asset" if account.startswith("411") else _NATURES.get(account[:1], "liability")


def in_order(entries: Iterable[Entry], *, by: Callable[[Entry], date]) -> Iterator[Entry]:
    """The same entries one by one, as long as their day never goes back; else `EntriesOutOfOrder`."""
    before: Entry | None = None
    for entry in entries:
        if before is not None and by(entry) < by(before):
            raise EntriesOutOfOrder(f"{entry.name} of {by(entry)} after {before.name} of {by(before)}")
        before = entry
        yield entry
