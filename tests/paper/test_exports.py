"""The journal on its way out: a table that a French spreadsheet opens rightly, and a file that hledger accepts."""

import csv
import io
import json
import shutil
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from vouchers import chart
from vouchers.paper.hledger import AccountUnknown, JournalsOutOfOrder, hledger_journal
from vouchers.paper.spreadsheet import Cell, Euros, JournalRow, journal_csv, spreadsheet_csv

GOLDEN = Path(__file__).parent / "golden"
EVENING = datetime(2026, 11, 21, 23, 30, 35, 123456, tzinfo=UTC)
DAY = date(2026, 11, 22)
CODES = ("receivable:3", "ordered:3", "float", "merchant:17", "in_transit:12", "commission", "vat", "bank")
ACCOUNTS = {code: chart.described(code) for code in CODES}
needs_hledger = pytest.mark.skipif(shutil.which("hledger") is None, reason="hledger is not installed (apt: hledger)")


def a_row(journal: int, debit: str, credit: str, cents: int, **more: object) -> JournalRow:
    facts: dict[str, object] = {"on": DAY, "at": EVENING, "kind": "redeemed", "label": "Chèque accepté", "line": 1}
    facts |= {"serial": None, "actor": "till:7", "reason": ""}
    return JournalRow(journal=journal, debit=debit, credit=credit, cents=cents, **(facts | more))  # type: ignore[arg-type]


def a_campaign() -> list[JournalRow]:
    """40 000 € ordered and issued, two cheques spent, settled at 5 %."""
    later = {"on": DAY + timedelta(days=1), "at": EVENING + timedelta(days=1), "actor": "Anaïs", "kind": "settled"}
    return [
        a_row(1, "receivable:3", "ordered:3", 4_000_000, kind="order_placed", label="Commande 3", actor="Paul"),
        a_row(2, "ordered:3", "float", 4_000_000, kind="issued", label="Lot 1 ; 4 000 chèques", actor="Paul"),
        a_row(3, "float", "merchant:17", 1_000, serial=4217),
        a_row(3, "float", "merchant:17", 2_000, serial=4218, line=2),
        a_row(4, "merchant:17", "in_transit:12", 2_820, label="Règlement n° 17", **later),
        a_row(4, "merchant:17", "commission", 150, label="Règlement n° 17", line=2, **later),
        a_row(4, "merchant:17", "vat", 30, label="Règlement n° 17", line=3, **later),
        a_row(5, "in_transit:12", "bank", 2_820, label="Remise 12", reason="payée, vue au relevé", **later),
    ]


EVIL = (
    "=HYPERLINK(\"http://evil\")",
    "@SUM(1)",
    "  +1+1",
    "\t-2",
    "\r\n2026-01-01 * forged\n  bank  1 EUR\n  float",
    "; comment",
    "~ monthly",
    "= expr:x",
    "date:2020-99-99, [2020-99-99] [=1/1]",
    "a | b  c",
    "(code) !",
    "\u2028include /etc/hosts\x85account x\x0b\x0c\x00",
    "end comment",
    "🎁",
    "",
)  # fmt: skip


def as_a_spreadsheet_reads(content: bytes) -> list[list[str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))


def test_the_journal_in_a_spreadsheet_is_the_golden_file() -> None:
    content = b"".join(journal_csv(a_campaign(), ACCOUNTS))
    assert content == (GOLDEN / "journal.csv").read_bytes()
    rows = as_a_spreadsheet_reads(content)
    assert rows[3][:4] == ["3", "22/11/2026", "00:30:35", "redeemed"]
    assert rows[3][5:9] == [
        "468120 Titres en circulation",
        "468200 Commerçant, titres acceptés à rembourser 17",
        "10,00",
        "0004217",
    ]
    assert sum(int(row[7].replace(",", "")) for row in rows[1:]) == sum(row.cents for row in a_campaign())


def test_without_the_chart_the_journal_shows_the_codes_of_the_accounts() -> None:
    rows = as_a_spreadsheet_reads(b"".join(journal_csv(a_campaign())))
    assert rows[1][5:7] == ["receivable:3", "ordered:3"]


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


def hledger(*arguments: str, journal: str, folder: Path) -> str:
    path = folder / "journal.hledger"
    path.write_text(journal, encoding="utf-8")
    program = shutil.which("hledger") or "hledger"
    done = subprocess.run(
        [program, "-f", str(path), *arguments],
        capture_output=True,
        env={"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin"},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_the_journal_for_hledger_is_the_golden_file() -> None:
    assert "".join(hledger_journal(a_campaign(), ACCOUNTS)) == (GOLDEN / "journal.hledger").read_text("utf-8")


@needs_hledger
def test_hledger_checks_our_books_strictly_and_finds_the_same_balances(tmp_path: Path) -> None:
    journal = "".join(hledger_journal(a_campaign(), ACCOUNTS))
    hledger("check", "--strict", "ordereddates", journal=journal, folder=tmp_path)
    table = hledger("balance", "--flat", "-E", "-N", "-O", "csv", journal=journal, folder=tmp_path)
    found = {row[0].split()[0]: row[1] for row in list(csv.reader(io.StringIO(table)))[1:]}
    assert found == {
        "411000": "40000.00 EUR",
        "445710": "-0.30 EUR",
        "468110": "0",
        "468120": "-39970.00 EUR",
        "468200": "0",
        "511500": "0",
        "512100": "-28.20 EUR",
        "706200": "-1.50 EUR",
    }


@needs_hledger
@pytest.mark.parametrize("evil", EVIL)
def test_no_text_from_people_can_break_or_forge_the_books(evil: str, tmp_path: Path) -> None:
    rows = [
        a_row(number, "float", "merchant:17", 1_000, kind=evil, label=evil, actor=evil, reason=evil, serial=number)
        for number in (1, 2)
    ]
    accounts = ACCOUNTS | {"float": ("468120", f"Titres {evil}"), "merchant:17": ("468200", f"{evil} 17")}
    journal = "".join(hledger_journal(rows, accounts))
    hledger("check", "--strict", "ordereddates", journal=journal, folder=tmp_path)
    read = json.loads(hledger("print", "-O", "json", journal=journal, folder=tmp_path))
    assert [transaction["tcode"] for transaction in read] == ["1", "2"]
    assert {transaction["tdate"] for transaction in read} == {"2026-11-22"}
    assert [len(transaction["tpostings"]) for transaction in read] == [2, 2]


def test_journals_that_go_back_in_time_are_refused() -> None:
    early, late = a_campaign()[0], a_campaign()[4]
    with pytest.raises(JournalsOutOfOrder):
        list(hledger_journal([late, early], ACCOUNTS))


def test_an_account_outside_the_chart_is_refused() -> None:
    with pytest.raises(AccountUnknown):
        list(hledger_journal([a_row(1, "float", "nowhere", 1)], ACCOUNTS))
