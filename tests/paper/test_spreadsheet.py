"""A table that a French spreadsheet opens rightly, whatever people wrote into it."""

import csv
import io
from datetime import UTC, date, datetime

import pytest

from vouchers.paper.spreadsheet import Cell, Euros, spreadsheet_csv

EVENING = datetime(2026, 11, 21, 23, 30, 35, 123456, tzinfo=UTC)
DAY = date(2026, 11, 22)


def as_a_spreadsheet_reads(content: bytes) -> list[list[str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        (Euros(-123_450), "-1234,50"),
        (-5, "-5"),
        (None, ""),
        (DAY, "22/11/2026"),
        (EVENING, "22/11/2026 00:30:35"),
        ("-1234,50", "'-1234,50"),
        ("=1+1", "'=1+1"),
        ("+33 1 23", "'+33 1 23"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        (" =1", "' =1"),
        ("\u00a0=1", "'\u00a0=1"),
        ("\uff1d1", "'\uff1d1"),
        ("\u3000\u200b\ufeff=1", "'\u3000\u200b\ufeff=1"),
        ('l\'été; "oui"', 'l\'été; "oui"'),
        ("a\0b", "ab"),
    ],
)
def test_a_text_is_never_a_formula_and_a_negative_number_stays_one(cell: Cell, written: str) -> None:
    assert as_a_spreadsheet_reads(b"".join(spreadsheet_csv(["x"], [[cell]])))[1] == [written]


def test_a_year_of_rows_leaves_in_pieces_with_windows_line_ends() -> None:
    pieces = list(spreadsheet_csv(["n", "m"], ([number, Euros(number)] for number in range(2_000))))
    assert len(pieces) > 3
    assert b"".join(pieces).count(b"\r\n") == 2_001
    assert b"".join(pieces).count(b"\xef\xbb\xbf") == 1
