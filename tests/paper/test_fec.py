"""The FEC that we write, and what the checker says of it and of thirty spoilt ones."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest

from tests.paper.books import a_campaign, a_line, an_entry
from vouchers.entries import EntriesOutOfOrder, Entry, EntryDoesNotBalance, EntryLine, EntryNotWhole
from vouchers.paper.fec import COLUMNS, Contents, Encoding, NumberMissing, Separator, description, fec, file_name
from vouchers.paper.fec_rules import LISTED, RULES, faults

GOLDEN = Path(__file__).parent / "golden"
CLOSING = date(2026, 12, 31)
NAME = "801234562FEC20261231.txt"
GOOD = b"".join(fec(a_campaign()))


def cells(content: bytes, *, encoding: str = "iso-8859-15", separator: str = "\t") -> list[dict[str, str]]:
    """The rows as a program reads them that knows nothing of ours."""
    header, *rows = content.decode(encoding).removesuffix("\r\n").split("\r\n")
    return [dict(zip(header.split(separator), row.split(separator), strict=True)) for row in rows]


def rules_broken(content: bytes, name: str = NAME) -> set[str]:
    return {fault.rule for fault in faults(content, name=name)}


# ── What we write ────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_file_of_a_campaign_is_the_golden_file() -> None:
    assert (GOLDEN / "fec.txt").read_bytes() == GOOD
    assert faults(GOOD, name=NAME) == []


@pytest.mark.parametrize("encoding", get_args(Encoding))
@pytest.mark.parametrize("separator", get_args(Separator))
def test_a_file_of_ours_has_no_fault_in_any_charset_and_with_either_separator(
    encoding: Encoding, separator: Separator
) -> None:
    content = b"".join(fec(a_campaign(), encoding=encoding, separator=separator))
    assert faults(content, name=NAME) == []
    rows = cells(content, encoding=encoding, separator="\t" if separator == "tab" else "|")
    assert list(rows[0]) == list(COLUMNS)
    assert [rows[0][column] for column in ("EcritureNum", "EcritureDate", "CompAuxNum", "Debit", "Credit")] == [
        "VE-000001", "20260901", "C0001", "40480,00", "0,00",
    ]  # fmt: skip
    for side in ("Debit", "Credit"):
        assert sum(Decimal(row[side].replace(",", ".")) for row in rows) == Decimal("121246.00")


def test_the_columns_are_those_of_the_law_in_their_order() -> None:
    assert " ".join(COLUMNS) == (
        "JournalCode JournalLib EcritureNum EcritureDate CompteNum CompteLib CompAuxNum CompAuxLib PieceRef PieceDate "
        "EcritureLib Debit Credit EcritureLet DateLet ValidDate Montantdevise Idevise"
    )


@pytest.mark.parametrize(
    ("encoding", "typed", "written"),
    [
        ("iso-8859-15", "Noël\tdes|aînés\r\nœuvre € Ÿ", "Noël des/aînés œuvre € Ÿ"),
        ("iso-8859-15", "Łódź – « Ålesund » ’24’ č", "Lódz - « Ålesund » '24' c"),
        ("iso-8859-15", "Bon \u00a0\u202f Cadeau\u200b 🎁 \x00\x85!", "Bon Cadeau !"),
        ("iso-8859-15", "e\u0301te\u0301", "été"),
        ("iso-8859-15", '"Chez Léa" ; 日本', '"Chez Léa" ; ??'),
        ("iso-8859-15", "½ ™ ① ﬁn ｜", "1/2 TM 1 fin /"),
        ("ascii", "Bœuf à l’été, 5 € « net »", 'Boeuf a l\'ete, 5 EUR " net "'),
        ("utf-8", "Łódź 🎁 ’\u00a0|", "Łódź 🎁 ’ /"),
        ("iso-8859-15", "🎁", "PIECE"),
        ("iso-8859-15", "", "PIECE"),
    ],
)
def test_texts_keep_their_letters_as_far_as_the_charset_has_them(encoding: Encoding, typed: str, written: str) -> None:
    entry = an_entry("OD", 1, CLOSING, "PIECE", a_line("512100", 1, typed), a_line("468120", -1, "x"))
    assert cells(b"".join(fec([entry], encoding=encoding)), encoding=encoding)[0]["EcritureLib"] == written


def test_a_file_of_many_lines_leaves_in_pieces_of_whole_lines() -> None:
    def year() -> list[Entry]:
        lines = (a_line("512100", 1, "x"), a_line("468120", -1, "x"))
        return [an_entry("OD", number, CLOSING, "P", *lines) for number in range(1, 2_001)]

    pieces = list(fec(iter(year())))
    assert len(pieces) > 5
    assert all(piece.endswith(b"\r\n") for piece in pieces)
    assert b"".join(pieces).count(b"\r\n") == 4_001
    assert faults(b"".join(pieces), name=NAME) == []


def test_the_header_is_written_though_nothing_was_booked() -> None:
    assert b"".join(fec([])) == "\t".join(COLUMNS).encode() + b"\r\n"


def test_entries_that_go_back_in_validation_are_refused() -> None:
    with pytest.raises(EntriesOutOfOrder):
        list(fec(reversed(a_campaign())))


def test_a_number_left_out_of_a_journal_is_refused() -> None:
    entries = a_campaign()
    with pytest.raises(NumberMissing, match="OD-000003"):
        list(fec([*entries[:3], *entries[4:]]))


def test_a_file_is_named_by_the_siren_and_the_day_the_year_closes() -> None:
    assert file_name("801234562", CLOSING) == NAME
    assert file_name("801234562", CLOSING, part=2) == "801234562FEC20261231_2.txt"
    with pytest.raises(ValueError, match="nine digits"):
        file_name("80123456", CLOSING)


def test_the_description_tells_columns_charset_journals_and_accounts() -> None:
    contents = Contents()
    assert list(contents.noting(a_campaign())) == list(a_campaign())
    content = description(contents, siren="801234562", company="Vitrines d’Auge 🎁", closing=CLOSING)
    assert content == (GOLDEN / "fec_description.txt").read_bytes()
    text = content.decode("iso-8859-15")
    assert "Fichier : 801234562FEC20261231.txt\r\n" in text
    assert "121 246,00 €" in text
    assert "468120 : Titres en circulation" in text
    in_parts = description(
        Contents(), siren="801234562", company="", closing=CLOSING, encoding="ascii", separator="pipe", parts=2
    )
    assert b"801234562FEC20261231_1.txt" in in_parts and b"801234562FEC20261231_2.txt" in in_parts
    assert in_parts.isascii()


# ── What cannot be an entry ──────────────────────────────────────────────────────────────────────────────────────
def test_an_entry_that_does_not_balance_cannot_be_made() -> None:
    with pytest.raises(EntryDoesNotBalance):
        an_entry("OD", 1, CLOSING, "P", a_line("512100", 100, "x"), a_line("468120", -99, "x"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"account": "51"},
        {"owner": "M 12"},
        {"owner_name": "Boulangerie"},
        {"debit_cents": 0},
        {"debit_cents": -1},
        {"credit_cents": 1},
        {"letter": "AA"},
        {"lettered_on": CLOSING},
    ],
)
def test_a_line_without_one_side_or_with_half_a_pair_cannot_be_made(wrong: dict[str, object]) -> None:
    facts: dict[str, object] = {"account": "512100", "account_name": "Banque", "label": "x"}
    facts |= {"debit_cents": 1, "credit_cents": 0}
    with pytest.raises(EntryNotWhole):
        EntryLine(**(facts | wrong))


@pytest.mark.parametrize("wrong", [{"journal": "v e"}, {"number": 0}, {"lines": ()}])
def test_an_entry_without_a_number_a_journal_or_a_line_cannot_be_made(wrong: dict[str, object]) -> None:
    facts: dict[str, object] = {"journal": "OD", "journal_name": "", "number": 1, "on": CLOSING, "piece": "P"}
    facts |= {"piece_on": CLOSING, "validated_on": CLOSING, "fact": None}
    facts |= {"lines": (a_line("512100", 1, "x"), a_line("468120", -1, "x"))}
    with pytest.raises(EntryNotWhole):
        Entry(**(facts | wrong))


# ── One bad file for each rule ───────────────────────────────────────────────────────────────────────────────────
def spoilt(row: int, column: str, value: str, content: bytes = GOOD) -> bytes:
    """The good file with one cell changed; row 1 is the header."""
    lines = content.decode("iso-8859-15").split("\r\n")
    fields = lines[row - 1].split("\t")
    fields[lines[0].split("\t").index(column)] = value
    lines[row - 1] = "\t".join(fields)
    return "\r\n".join(lines).encode("iso-8859-15")


def by_sense(content: bytes = GOOD) -> bytes:
    """The same file in the variant of one amount and its sense."""
    header, *rows = content.decode("iso-8859-15").removesuffix("\r\n").split("\r\n")
    out = [header.replace("Debit\tCredit", "Montant\tSens")]
    for row in rows:
        fields = row.split("\t")
        fields[11:13] = [fields[11], "D"] if fields[12] == "0,00" else [fields[12], "C"]
        out.append("\t".join(fields))
    return "\r\n".join(out).encode("iso-8859-15")


def moved_between_two_entries() -> bytes:
    """One cent more in one entry, one less in another: the file balances, they do not."""
    return spoilt(8, "Debit", "79,99", spoilt(6, "Debit", "40480,01"))


BAD: dict[str, tuple[bytes, set[str]]] = {
    "empty_file": (b"", set()),
    "characters": (GOOD.replace(b"Banque", b"Banque \x80", 1), set()),
    "separator": (GOOD.replace(b"\t", b";"), set()),
    "column_missing": (spoilt(1, "PieceRef", "Reference"), set()),
    "column_order": (spoilt(1, "CompAuxNum", "compauxnum"), set()),
    "trailing_separator": (GOOD.replace(b"\r\n", b"\t\r\n"), set()),
    "blank_row": (GOOD + b"\r\n", set()),
    "field_count": (spoilt(3, "EcritureLib", "un\tdeux"), set()),
    "pipe_in_text": (spoilt(3, "EcritureLib", "un | deux"), set()),
    "value_missing": (spoilt(3, "EcritureLib", ""), set()),
    "data_absent": (spoilt(3, "PieceRef", "\u00a0"), set()),
    "account_digits": (spoilt(3, "CompteNum", "46B110"), set()),
    "date_form": (spoilt(3, "PieceDate", "01/09/2026"), set()),
    "date_impossible": (spoilt(3, "PieceDate", "20260931"), set()),
    "year_range": (spoilt(3, "PieceDate", "18991231"), set()),
    "decimal_dot": (spoilt(3, "Credit", "40000.00"), set()),
    "thousands_separator": (spoilt(3, "Credit", "40\u00a0000,00"), set()),
    "not_a_number": (spoilt(3, "Credit", "40000,00 €"), set()),
    "sense": (spoilt(3, "Sens", "X", by_sense()), set()),
    "both_sides": (spoilt(3, "Debit", "5,00", spoilt(3, "Credit", "40005,00")), set()),
    "no_side": (spoilt(8, "Debit", "", spoilt(9, "Credit", "0,00")), set()),
    "entry_balance": (moved_between_two_entries(), set()),
    "file_balance": (spoilt(3, "Credit", "39999,99"), {"entry_balance"}),
    "numbering": (GOOD.replace(b"OD-000004", b"OD-000005"), set()),
    "lettering": (spoilt(2, "DateLet", ""), set()),
    "auxiliary": (spoilt(2, "CompAuxLib", ""), set()),
    "currency": (spoilt(2, "Montantdevise", "12,00"), set()),
    "chronology": (spoilt(17, "ValidDate", "20260101"), set()),
}
BAD_NAMES = {
    "file_name": "ecritures-2026.txt",
    "file_name_form": "export_801234562FEC20261231.txt",
}


@pytest.mark.parametrize("rule", BAD)
def test_a_file_that_breaks_one_rule_is_told_so_and_nothing_else(rule: str) -> None:
    content, with_it = BAD[rule]
    assert content != GOOD
    assert rules_broken(content) == {rule} | with_it


@pytest.mark.parametrize("rule", BAD_NAMES)
def test_a_name_that_the_tax_office_would_not_read_is_told(rule: str) -> None:
    assert rules_broken(GOOD, BAD_NAMES[rule]) == {rule}


def test_every_rule_of_the_table_has_its_bad_file() -> None:
    assert sorted(BAD.keys() | BAD_NAMES.keys()) == sorted(RULES)


# ── How the checker reads ────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "content",
    [
        GOOD.replace(b"\r\n", b"\n"),
        GOOD.replace(b"\r\n", b"\r"),
        GOOD.removesuffix(b"\r\n"),
        b"\xef\xbb\xbf" + GOOD.decode("iso-8859-15").encode(),
        by_sense(),
        by_sense().replace(b"\tD\t", b"\t+1\t").replace(b"\tC\t", b"\t-1\t"),
        GOOD.replace(b"Idevise\r\n", b"Idevise\tNote\r\n").replace(b"\t\t\r\n", b"\t\t\tx\r\n"),
        GOOD.replace(b"0,00\t4000000,00", b"-4000000,00\t"),
    ],
    ids=["lf", "cr", "no last end", "bom", "sense", "sense as numbers", "a column more", "minus"],
)
def test_what_the_law_leaves_free_is_no_fault(content: bytes) -> None:
    assert faults(content, name=NAME) == []


@pytest.mark.parametrize("name", ["801234562FEC20261231_1.txt", "801234562fec20261231.TXT"])
def test_a_part_of_a_file_is_named_rightly(name: str) -> None:
    assert faults(GOOD, name=name) == []


@pytest.mark.parametrize("name", ["801234562FEC20261331.txt", "801234562FEC19991231.txt", "801234562FEC.txt"])
def test_a_name_without_a_day_of_closing_is_blocking(name: str) -> None:
    assert [(fault.rule, fault.severity) for fault in faults(GOOD, name=name)] == [("file_name", "blocking")]


def test_numbers_that_run_over_all_journals_are_continuous_too() -> None:
    names = dict.fromkeys(row["EcritureNum"] for row in cells(GOOD))
    content = GOOD
    for number, name in enumerate(names, start=118):
        content = content.replace(name.encode(), f"2026/{number}".encode())
    assert faults(content, name=NAME) == []
    assert rules_broken(content.replace(b"2026/120", b"2026/220")) == {"numbering"}


@pytest.mark.parametrize(
    ("amount", "rule"),
    [
        ("1,234.50", "thousands_separator"),
        ("1.234,50", "thousands_separator"),
        ("1 234", "thousands_separator"),
        ("1'234,50", "thousands_separator"),
        (".50", "decimal_dot"),
        ("12,", "not_a_number"),
        ("12,50-", "not_a_number"),
        ("1e3", "not_a_number"),
        ("- 5", "not_a_number"),
        ("٣", "not_a_number"),
    ],
)
def test_each_wrong_way_to_write_an_amount_is_told(amount: str, rule: str) -> None:
    content = GOOD.decode("iso-8859-15").replace("\t0,00\t40000,00", f"\t0,00\t{amount}", 1).encode()
    assert rules_broken(content) == {rule}


def test_a_file_of_the_header_alone_is_empty() -> None:
    assert [fault.rule for fault in faults(b"".join(fec([])), name=NAME)] == ["empty_file"]
    assert [fault.rule for fault in faults(b"\r\n", name=NAME)] == ["empty_file"]


def test_a_fault_says_where_it_is_in_french() -> None:
    found = faults(spoilt(3, "Credit", "40000.00"), name=NAME)
    assert [(fault.rule, fault.severity, fault.line) for fault in found] == [("decimal_dot", "blocking", 3)]
    assert found[0].detail == "Credit : « 40000.00 » a un point ; la virgule décimale est attendue."
    balance = faults(moved_between_two_entries(), name=NAME)
    assert [(fault.line, fault.detail) for fault in balance] == [
        (6, "L'écriture BQ BQ-000001 n'est pas équilibrée : débit moins crédit = 0,01."),
        (8, "L'écriture OD OD-000001 n'est pas équilibrée : débit moins crédit = -0,01."),
    ]


def test_twenty_faults_of_a_rule_are_told_and_the_others_counted() -> None:
    day = date(2026, 1, 1)
    lines = (a_line("512100", 1, "x"), a_line("468120", -1, "x"))
    entries = [an_entry("OD", number, day + timedelta(days=number), "P", *lines) for number in range(1, 301)]
    found = faults(b"".join(fec(entries)).replace(b"\t512100\t", b"\tX\t"), name=NAME)
    assert len(found) == LISTED + 1
    assert found[-1].line is None and found[-1].detail == "Autres fautes de cette règle : 280."


@pytest.mark.parametrize("content", [b"\x00" * 900, b"\xff\xfe\t" * 50, b"\t" * 17, b"<comptabilite/>", GOOD[:1_000]])
def test_what_is_no_such_file_at_all_is_told_without_failing(content: bytes) -> None:
    assert any(fault.severity == "blocking" for fault in faults(content, name=NAME))


def test_a_number_of_a_thousand_digits_stops_nothing() -> None:
    assert "numbering" in rules_broken(GOOD.replace(b"OD-000003", b"OD-" + b"9" * 10_000))
