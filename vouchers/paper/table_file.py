"""A table that somebody sends: a CSV from whatever program wrote it, or an XLSX, read as the person sees it.

A CSV says neither in which encoding nor with which separator it was written: both are found from its bytes and its
header. Cells are text; what a column means is for others to decide. Nothing is guessed that could lose a cell: a row
that is wider than the header, or a quote left open, refuses with its line.
"""

import csv
import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from vouchers.errors import BadInput

MOST_BYTES: Final = 5_000_000
MOST_ROWS: Final = 20_000
MOST_COLUMNS: Final = 60
_MOST_UNPACKED: Final = 80_000_000
"""What an honest workbook of `MOST_ROWS` unpacks to, and half as much again: the rest is a bomb."""
_MOST_PARTS: Final = 500
_LOOKED_AT: Final = 300
"""Columns that are looked at, so that an empty cell far to the right costs nothing."""
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCKED: Final = "EncryptedPackage".encode("utf-16-le")
_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_SEPARATORS: Final = ";\t|,"
"""In the order in which a tie is decided: a comma stands in a French amount or name more often than the others."""
_SAID: Final = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)
_QUOTED: Final = re.compile(r'"(?:[^"]|"")*"')
_MARKUP: Final = re.compile(r"\s*<(?:!doctype|html|\?xml|table|meta)", re.IGNORECASE)
_BLANKS: Final = re.compile(r"[\s\u00a0\u202f\u200b\ufeff]+")
_ZEROS: Final = re.compile(r"0{2,}")
_STUMBLES: Final = (
    LookupError, ValueError, TypeError, AttributeError, ArithmeticError, SyntaxError, EOFError, OSError,
    RuntimeError, zipfile.BadZipFile, zlib.error, InvalidFileException,
)  # fmt: skip
"""A workbook is XML by other people's programs: what openpyxl raises over one that does not hold together."""


@dataclass(frozen=True, slots=True)
class Table:
    """Every row has as many cells as the header. `lines`: on which line of the file each row began."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]


def read(content: bytes, *, name: str) -> Table:
    """The table in a file that somebody sent; `name` is what their computer calls it.

    Blank lines and empty columns at the right are left out, blanks inside a cell become one space. Refuses `BadInput`
    for 'file': empty, too large, no table, locked with a password, a row wider than its header.
    """
    if len(content) > MOST_BYTES:
        raise BadInput(field="file", problem="file_too_large", most=MOST_BYTES // 1_000_000)
    if not content.strip():
        raise BadInput(field="file", problem="file_empty")
    if content.startswith(_OLE):
        if _LOCKED in content:
            raise BadInput(field="file", problem="file_locked")
        raise BadInput(field="file", problem="file_old_xls")
    if content.lstrip().startswith(b"%PDF"):
        raise BadInput(field="file", problem="file_pdf")
    if content.startswith(b"PK\x03\x04"):
        return _table(_workbook_rows(content))
    return _table(_csv_rows(_decoded(content), name))


def _table(numbered: Iterable[tuple[int, list[str]]]) -> Table:
    """The first row that is not blank is the header."""
    header: list[str] = []
    rows: list[list[str]] = []
    lines: list[int] = []
    for line, given in numbered:
        cells = [_clean(cell) for cell in given]
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            continue
        if len(cells) > MOST_COLUMNS:
            raise BadInput(field="file", problem="file_columns", most=MOST_COLUMNS)
        if not header:
            header = cells
            continue
        if len(cells) > len(header):
            raise BadInput(field="file", problem="file_row_wide", line=line, cells=len(cells), columns=len(header))
        if len(rows) == MOST_ROWS:
            raise BadInput(field="file", problem="file_rows", most=MOST_ROWS)
        rows.append(cells)
        lines.append(line)
    if not rows:
        raise BadInput(field="file", problem="file_empty")
    wide = len(header)
    return Table(tuple(header), tuple(tuple(row + [""] * (wide - len(row))) for row in rows), tuple(lines))


def _clean(cell: str) -> str:
    return _BLANKS.sub(" ", unicodedata.normalize("NFC", cell).replace("\0", "")).strip()


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def _decoded(content: bytes) -> str:
    """The text: by its mark, else UTF-16 where every second byte is zero, else UTF-8, else Windows-1252."""
    wanted = [encoding for mark, encoding in _MARKS if content.startswith(mark)] or _unmarked(content)
    for encoding in wanted:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text and not _MARKUP.match(text):
            return text
    raise BadInput(field="file", problem="file_not_a_table")


def _unmarked(content: bytes) -> list[str]:
    start = content[:4_000]
    most = len(start) // 6
    for encoding, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if zeros.count(0) > most:
            return [encoding]
    return ["utf-8", "cp1252"]


def _csv_rows(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    said = _SAID.match(text)
    began = 1
    if said is not None:
        text, began = text[said.end() :], 2
    separator = said[1] if said is not None else "\t" if name.lower().endswith(".tsv") else _separator(text)
    # Line ends are made alike beforehand: old Macs end lines with a bare carriage return.
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    reader = csv.reader(io.StringIO(plain, newline=""), delimiter=separator, strict=True)
    line = began
    try:
        for cells in reader:
            yield line, cells
            line = began + reader.line_num
    except csv.Error:
        raise BadInput(field="file", problem="file_quotes", line=line) from None


def _separator(text: str) -> str:
    """The sign that stands most often in the header, outside quotes."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    bare = _QUOTED.sub("", header)
    return max(_SEPARATORS, key=bare.count)


# ── XLSX ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def _workbook_rows(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """The rows of the first sheet that is shown and holds something. What the zip unpacks to is judged beforehand."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            sizes = [part.file_size for part in parts.infolist()]
            names = parts.namelist()
    except (zipfile.BadZipFile, ValueError):
        raise BadInput(field="file", problem="file_broken") from None
    if "xl/workbook.xml" not in names:
        raise BadInput(field="file", problem="file_not_a_table")
    if sum(sizes) > _MOST_UNPACKED or len(sizes) > _MOST_PARTS:
        raise BadInput(field="file", problem="file_bomb")
    try:
        yield from _sheet_rows(content)
    except _STUMBLES:
        raise BadInput(field="file", problem="file_broken") from None


def _sheet_rows(content: bytes) -> Iterator[tuple[int, list[str]]]:
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    try:
        for sheet in book.worksheets:
            if sheet.sheet_state != "visible":
                continue
            # Some programs write a wrong size of the sheet, and cells beyond it would be lost.
            sheet.reset_dimensions()
            something = False
            for line, row in enumerate(sheet.iter_rows(max_col=_LOOKED_AT), start=1):
                cells = [_as_seen(cell) for cell in row]
                something = something or any(cells)
                if something:
                    yield line, cells
            if something:
                return
    finally:
        book.close()


def _as_seen(cell: Any) -> str:
    """A cell as its sheet shows it to a French reader: a postcode keeps its zeros, an amount its two decimals."""
    value = cell.value
    match value:
        case None:
            return ""
        case bool():
            return "VRAI" if value else "FAUX"
        case date():
            timed = isinstance(value, datetime) and value.time() != time(0)
            return value.strftime("%d/%m/%Y %H:%M" if timed else "%d/%m/%Y")
        case int() | float():
            return _number_as_seen(value, str(cell.number_format or ""))
        case _:
            return str(value)


def _number_as_seen(value: int | float, shape: str) -> str:
    """`shape` is the cell's number format: '00000' for a postcode, '0.00' for an amount."""
    shown = shape.partition(";")[0]
    if _ZEROS.fullmatch(shown) and value == int(value) >= 0:
        return str(int(value)).zfill(len(shown))
    decimals = shown.partition(".")[2]
    if "." in shown and "%" not in shown and "E" not in shown and decimals[:1] in {"0", "#"}:
        return f"{value:.{max(1, decimals.count('0'))}f}".replace(".", ",")
    if value == int(value):
        return str(int(value))
    return f"{value:.10f}".rstrip("0").replace(".", ",")
