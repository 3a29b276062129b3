"""Tables that a French spreadsheet opens rightly by a double click, and the journal as such a table.

A workbook (XLSX) has its cells typed: a text stays a text whatever it begins with, an amount is a number written from
its cents digit by digit, a day a day. The same tables give the same bytes.

A CSV is UTF-8 with a byte order mark, ';' between cells, CRLF after rows, decimal comma, days as 21/11/2026. A text
that a spreadsheet would take for a formula gets a leading apostrophe; a real negative number is left alone,
because numbers come in as numbers and never as text. Source: OWASP, CSV injection.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from vouchers.clock import PARIS
from vouchers.codes import pretty_serial
from vouchers.entries import Entry
from vouchers.money import euros_csv_fr, euros_plain

_FULL_WIDTH: Final = "\uff1d\uff0b\uff0d\uff20"
"""The same four signs as East Asian keyboards type them; some spreadsheets take them for the plain ones."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", *_FULL_WIDTH)
_BLANKS: Final = " \u00a0\u200b\u202f\u3000\ufeff"
"""What a spreadsheet, or whoever cleans a cell before it reads it, may take off the front of a text."""
_ROWS_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Euros:
    """A cell that holds money, in cents; written '1234,50'."""

    cents: int


Cell = str | int | Euros | date | datetime | None


ENTRIES_HEADER: Final = (
    "Journal", "Écriture n°", "Date", "Pièce", "Date de la pièce", "Compte", "Libellé du compte", "Compte auxiliaire",
    "Libellé auxiliaire", "Libellé", "Débit", "Crédit", "Lettrage", "Chèque n°", "Fait n°", "Auteur",
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


def entries_csv(entries: Iterable[Entry]) -> Iterator[bytes]:
    """The entries in the order given, one row a line; the side that has no amount is left empty."""
    return spreadsheet_csv(ENTRIES_HEADER, (cells for entry in entries for cells in _entry_cells(entry)))


def _entry_cells(entry: Entry) -> Iterator[Sequence[Cell]]:
    for line in entry.lines:
        debit, credit = (Euros(cents) if cents else None for cents in (line.debit_cents, line.credit_cents))
        serial = None if line.serial is None else pretty_serial(line.serial)
        yield (
            entry.journal, entry.number, entry.on, entry.piece, entry.piece_on, line.account, line.account_name,
            line.owner, line.owner_name, line.label, debit, credit, line.letter, serial, entry.fact, entry.actor,
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
            return f"'{text}" if text.lstrip(_BLANKS).startswith(_FORMULA) else text


# ── Workbooks ────────────────────────────────────────────────────────────────────────────────────────────────────
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MONEY_FORMAT: Final = '#,##0.00\u00a0"€"'
_DAY_FORMAT: Final = "dd/mm/yyyy"
_MOMENT_FORMAT: Final = "dd/mm/yyyy hh:mm"
_NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NOT_IN_A_TITLE: Final = re.compile(r"[\[\]:*?/\\]")
_MOST_IN_A_TITLE: Final = 31
_MOST_IN_A_CELL: Final = 32_767
_NARROWEST, _WIDEST = 10, 48
_CORE: Final = "docProps/core.xml"
_WRITTEN_AT: Final = re.compile(rb"<dcterms:(created|modified)[^>]*>[^<]*</dcterms:(created|modified)>")
_NO_DAY: Final = (1980, 1, 1, 0, 0, 0)


def xlsx(sheets: Sequence[tuple[str, Sequence[str], Iterable[Sequence[object]]]]) -> bytes:
    """A workbook: of each sheet its name, its header and its rows of `Cell`s (anything else raises TypeError).

    No cell is ever a formula: a text that looks like one is a text, marked so for whoever edits it.
    """
    book = Workbook(write_only=True)
    for name, header, rows in sheets:
        table = [list(row) for row in rows]
        sheet = book.create_sheet(_NOT_IN_A_TITLE.sub(" ", _NOT_IN_XML.sub("", name))[:_MOST_IN_A_TITLE] or "1")
        sheet.freeze_panes = "A2"
        for column, title in enumerate(header):
            widths = [len(title), *(_width(row[column]) for row in table[:_ROWS_AT_ONCE] if column < len(row))]
            letter = get_column_letter(column + 1)
            sheet.column_dimensions[letter].width = min(max(*widths, _NARROWEST), _WIDEST) + 2
        sheet.append([_typed(sheet, title, bold=True) for title in header])
        for row in table:
            sheet.append([_typed(sheet, cell) for cell in row])
    written = io.BytesIO()
    book.save(written)
    return _undated(written.getvalue())


def _typed(sheet: Any, cell: object, *, bold: bool = False) -> Any:
    match cell:
        case None:
            return None
        case Euros(cents):
            # The digits themselves, as a number: no float stands between the books and the spreadsheet.
            made = WriteOnlyCell(sheet, value=0)
            made._value, made.number_format = euros_plain(cents), _MONEY_FORMAT
        case bool():
            raise TypeError(f"no cell holds {cell!r}")
        case int():
            made = WriteOnlyCell(sheet, value=cell)
        case datetime():
            made = WriteOnlyCell(sheet, value=cell.astimezone(PARIS).replace(tzinfo=None))
            made.number_format = _MOMENT_FORMAT
        case date():
            made = WriteOnlyCell(sheet, value=cell)
            made.number_format = _DAY_FORMAT
        case str():
            text = _NOT_IN_XML.sub("", cell)[:_MOST_IN_A_CELL]
            made = WriteOnlyCell(sheet, value=text)
            made.data_type = "s"
            if text.lstrip(_BLANKS).startswith(_FORMULA):
                made.quotePrefix = True
        case _:
            raise TypeError(f"no cell holds {cell!r}")
    if bold:
        made.font = Font(bold=True)
    return made


def _width(cell: object) -> int:
    match cell:
        case None:
            return 0
        case Euros(cents):
            return len(euros_plain(cents)) + 5
        case datetime():
            return len(_MOMENT_FORMAT)
        case date():
            return len(_DAY_FORMAT)
    return len(str(cell))


def _undated(book: bytes) -> bytes:
    """The same workbook without the instant at which it was written, of which the library leaves traces."""
    undated = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as read, zipfile.ZipFile(undated, "w", zipfile.ZIP_DEFLATED) as write:
        for part in read.infolist():
            content = read.read(part)
            if part.filename == _CORE:
                content = _WRITTEN_AT.sub(b"", content)
            kept = zipfile.ZipInfo(part.filename, _NO_DAY)
            kept.compress_type = zipfile.ZIP_DEFLATED
            write.writestr(kept, content)
    return undated.getvalue()
