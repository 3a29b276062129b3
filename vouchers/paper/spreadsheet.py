"""Tables that a French spreadsheet opens rightly by a double click, and the journal as such a table.

UTF-8 with a byte order mark, ';' between cells, CRLF after rows, decimal comma, days as 21/11/2026. A text
that a spreadsheet would take for a formula gets a leading apostrophe; a real negative number is left alone,
because numbers come in as numbers and never as text. Source: OWASP, CSV injection.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from vouchers.clock import PARIS
from vouchers.codes import pretty_serial
from vouchers.money import euros_csv_fr

_FULL_WIDTH: Final = "\uff1d\uff0b\uff0d\uff20"
"""The same four signs as East Asian keyboards type them; some spreadsheets take them for the plain ones."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", *_FULL_WIDTH)
_ROWS_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Euros:
    """A cell that holds money, in cents; written '1234,50'."""

    cents: int


Cell = str | int | Euros | date | datetime | None


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One posting: `cents` > 0 from `credit` to `debit`, accounts as in the chart: 'merchant:17'.

    `on` is the Paris business day, `at` the aware instant, `line` the posting's place in its journal.
    """

    journal: int
    on: date
    at: datetime
    kind: str
    label: str
    line: int
    debit: str
    credit: str
    cents: int
    serial: int | None
    actor: str
    reason: str


JOURNAL_HEADER: Final = (
    "Pièce", "Date", "Heure", "Nature", "Libellé", "Compte débité", "Compte crédité", "Montant",
    "Chèque n°", "Auteur", "Motif",
)  # fmt: skip


def spreadsheet_csv(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """The table in pieces of some hundred rows, so that a year of journal is sent without being held."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    buffer.write("\N{ZERO WIDTH NO-BREAK SPACE}")
    writer.writerow([_written(name) for name in header])
    for index, row in enumerate(rows, start=1):
        writer.writerow([_written(cell) for cell in row])
        if index % _ROWS_AT_ONCE == 0:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    if buffer.tell():
        yield buffer.getvalue().encode()


def journal_csv(rows: Iterable[JournalRow], accounts: Mapping[str, tuple[str, str]] | None = None) -> Iterator[bytes]:
    """The journal, one row a posting. `accounts` maps a code to its number and name; else codes are shown."""
    return spreadsheet_csv(JOURNAL_HEADER, (_journal_cells(row, accounts or {}) for row in rows))


def _journal_cells(row: JournalRow, accounts: Mapping[str, tuple[str, str]]) -> Sequence[Cell]:
    debit, credit = (" ".join(accounts.get(code, (code,))) for code in (row.debit, row.credit))
    serial = None if row.serial is None else pretty_serial(row.serial)
    time = row.at.astimezone(PARIS).strftime("%H:%M:%S")
    return (
        row.journal, row.on, time, row.kind, row.label, debit, credit, Euros(row.cents), serial, row.actor,
        row.reason,
    )  # fmt: skip


def _written(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case Euros(cents):
            return euros_csv_fr(cents)
        case int():
            return str(cell)
        case datetime():
            return cell.astimezone(PARIS).strftime("%d/%m/%Y %H:%M:%S")
        case date():
            return cell.strftime("%d/%m/%Y")
        case str():
            # A NUL cuts a cell short in some programs; spaces before '=' do not stop others from reckoning.
            text = cell.replace("\0", "")
            return f"'{text}" if text.lstrip(" \N{NO-BREAK SPACE}").startswith(_FORMULA) else text
