"""What people send as a table: whatever program wrote it, it reads the same, or the refusal says what to do."""

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime

import openpyxl
import pytest

from vouchers.errors import BadInput
from vouchers.paper.table_file import MOST_COLUMNS, MOST_ROWS, Table, read

PLAIN = 'Nom;Prénom;Code postal;Remarque\nBébé-Noël;Zoé;04000;"dit ""le Grand""; né à\n Œuilly"\n\nDupont;Jean\n'
MEANT = (
    ("Nom", "Prénom", "Code postal", "Remarque"),
    (("Bébé-Noël", "Zoé", "04000", 'dit "le Grand"; né à Œuilly'), ("Dupont", "Jean", "", "")),
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_a_csv_reads_the_same_in_every_encoding_and_with_every_line_end(encoding: str, ends: str) -> None:
    table = read(PLAIN.replace("\n", ends).encode(encoding), name="liste.csv")
    assert (table.header, table.rows) == MEANT
    assert table.lines == (2, 5)


def test_a_big_endian_file_with_its_mark_is_read_too() -> None:
    assert read(b"\xfe\xff" + PLAIN.encode("utf-16-be"), name="liste.csv").rows == MEANT[1]


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_the_separator_is_found_from_the_header_outside_its_quotes(separator: str) -> None:
    text = separator.join(['"Nom, usuel; ou |"', "Prénom", "Ville"]) + "\n" + separator.join(["A", "B", "C"])
    table = read(text.encode(), name="liste.csv")
    assert table.header == ("Nom, usuel; ou |", "Prénom", "Ville")
    assert table.rows == (("A", "B", "C"),)


def test_a_line_that_names_the_separator_is_no_header_and_one_column_needs_none() -> None:
    assert read(b"sep=,\r\nNom,Ville\r\nA,B;C\r\n", name="x.csv").rows == (("A", "B;C"),)
    assert read(b"Nom\nDupont, Jean\n", name="x.tsv").rows == (("Dupont, Jean",),)


def test_cells_that_look_like_formulas_or_markup_stay_the_text_they_are() -> None:
    table = read("Nom;Ville\n=CMD|calc;<script>\n\u202eenv;😀\n".encode(), name="x.csv")
    assert table.rows == (("=CMD|calc", "<script>"), ("\u202eenv", "😀"))


def workbook(fill: Callable[[openpyxl.Workbook], None]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    fill(book)
    book.save(out)
    return out.getvalue()


def test_a_workbook_reads_as_its_sheet_shows_it() -> None:
    def fill(book: openpyxl.Workbook) -> None:
        book.active.title = "Vide"
        sheet = book.create_sheet("Liste")
        for column, name in enumerate(
            ["Nom", "CP texte", "CP nombre", "Montant", "Euros", "Né le", "Vu", "Quantité"], 1
        ):
            sheet.cell(3, column, name)
        cells = ["Bébé", "04000", 4000, 12.5, 20, date(1940, 5, 1), datetime.fromisoformat("2026-11-02T09:30"), 3.0]
        for column, value in enumerate(cells, 1):
            sheet.cell(5, column, value)
        sheet.cell(5, 3).number_format = "00000"
        sheet.cell(5, 5).number_format = '#,##0.00\\ "€"'

    table = read(workbook(fill), name="liste.xlsx")
    assert table.header[0] == "Nom"
    assert table.rows == (("Bébé", "04000", "04000", "12,5", "20,00", "01/05/1940", "02/11/2026 09:30", "3"),)
    assert table.lines == (5,)


def test_a_formula_is_read_by_the_value_its_program_left_beside_it() -> None:
    made = workbook(lambda book: [book.active.append(row) for row in (("Nom", "Somme"), ("A", "=10+5"))])
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made)) as old, zipfile.ZipFile(out, "w") as new:
        for part in old.infolist():
            new.writestr(part, old.read(part).replace(b"<v></v>", b"<v>15</v>").replace(b"<v />", b"<v>15</v>"))
    assert read(out.getvalue(), name="liste.xlsx").rows == (("A", "15"),)


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/workbook.xml", "<workbook/>")
        parts.writestr("xl/worksheets/sheet1.xml", b" " * 200_000_000)
    return out.getvalue()


def zipped(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as parts:
        parts.writestr(name, "x")
    return out.getvalue()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "file_empty"),
        (b" \r\n \r\n", "file_empty"),
        (b"Nom;Ville\r\n;\r\n", "file_empty"),
        (b"%PDF-1.7 x", "file_pdf"),
        (OLE, "file_old_xls"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "file_locked"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "file_not_a_table"),
        (b"<html><table><tr><td>Nom</td></tr></table></html>", "file_not_a_table"),
        (zipped("content.xml"), "file_not_a_table"),
        (zipped("xl/workbook.xml"), "file_broken"),
        (b"PK\x03\x04 cut short", "file_broken"),
        (b"x" * 5_000_001, "file_too_large"),
        (b";".join([b"c"] * (MOST_COLUMNS + 1)) + b"\nA\n", "file_columns"),
        (b"Nom\n" + b"A\n" * (MOST_ROWS + 1), "file_rows"),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_do(content: bytes, problem: str) -> None:
    with pytest.raises(BadInput) as refused:
        read(content, name="liste.xlsx")
    assert (refused.value.data["field"], refused.value.data["problem"]) == ("file", problem)
    assert refused.value.text("fr") and refused.value.text("en")


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(BadInput) as refused:
        read(bomb(), name="liste.xlsx")
    assert refused.value.data["problem"] == "file_bomb"


def test_a_row_that_is_wrong_is_refused_with_its_line() -> None:
    with pytest.raises(BadInput) as wide:
        read(b"Nom;Ville\nA;B\n\nC;D;E\n", name="x.csv")
    assert wide.value.data == {"field": "file", "problem": "file_row_wide", "line": 4, "cells": 3, "columns": 2}
    with pytest.raises(BadInput) as quote:
        read(b'Nom;Ville\nA;B\nC;"D\nE;F\n', name="x.csv")
    assert quote.value.data == {"field": "file", "problem": "file_quotes", "line": 3}


def test_a_list_of_twenty_thousand_lines_is_read_whole() -> None:
    rows = "".join(f"Nom {at};Prénom;{at:05d};20,00\r\n" for at in range(MOST_ROWS))
    table: Table = read(("Nom;Prénom;CP;Montant\r\n" + rows).encode("cp1252"), name="x.csv")
    assert len(table.rows) == MOST_ROWS
    assert table.rows[123] == ("Nom 123", "Prénom", "00123", "20,00")
