"""The same entries for other people's programs: beancount and hledger find no fault, and every sum is ours."""

import csv
import io
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from beancount import loader
from beancount.core import data as beans
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.paper.books import EVIL, a_campaign, a_line, an_entry
from vouchers.entries import EntriesOutOfOrder, Entry, EntryLine
from vouchers.money import euros_plain
from vouchers.paper.beancount import beancount_file
from vouchers.paper.fec import fec
from vouchers.paper.fec_rules import faults
from vouchers.paper.hledger import hledger_entries
from vouchers.paper.spreadsheet import ENTRIES_HEADER, entries_csv

GOLDEN = Path(__file__).parent / "golden"
NAME = "801234562FEC20261231.txt"
needs_hledger = pytest.mark.skipif(shutil.which("hledger") is None, reason="hledger is not installed (apt: hledger)")


def sums(entries: Iterable[Entry]) -> dict[tuple[str, str], str]:
    """Debit less credit of each account and owner, where it is not nil."""
    over: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        for line in entry.lines:
            over[line.account, line.owner] += line.debit_cents - line.credit_cents
    return {key: euros_plain(cents) for key, cents in over.items() if cents}


def as_beancount_reads(text: str) -> list[Any]:
    found, errors, _ = loader.load_string(text)
    assert not errors, errors
    return [directive for directive in found if isinstance(directive, beans.Transaction)]


def beancount_sums(transactions: list[Any]) -> dict[tuple[str, str], str]:
    over: Counter[tuple[str, str]] = Counter()
    for transaction in transactions:
        for posting in transaction.postings:
            _, account, *owner = posting.account.split(":")
            over[account.partition("-")[0], "".join(owner)] += posting.units.number
            assert posting.units.currency == "EUR"
    return {key: f"{amount:.2f}" for key, amount in over.items() if amount}


def hledger(*arguments: str, journal: str) -> str:
    program = shutil.which("hledger") or "hledger"
    done = subprocess.run(
        [program, "-f", "-", *arguments],
        input=journal.encode(),
        capture_output=True,
        env={"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin"},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def hledger_sums(journal: str) -> dict[tuple[str, str], str]:
    hledger("check", "--strict", "ordereddates", journal=journal)
    table = hledger("balance", "--flat", "-N", "-O", "csv", journal=journal)
    found = {}
    for account, amount in list(csv.reader(io.StringIO(table)))[1:]:
        name, _, owner = account.partition(":")
        found[name.split()[0], owner] = amount.removesuffix(" EUR")
    return found


# ── A campaign ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_beancount_loads_a_campaign_and_finds_the_same_balances() -> None:
    text = "".join(beancount_file(a_campaign(), title="Titres de Saint-Pierre"))
    assert text == (GOLDEN / "fec_campaign.beancount").read_text("utf-8")
    transactions = as_beancount_reads(text)
    assert beancount_sums(transactions) == sums(a_campaign())
    accepted = transactions[4]
    assert accepted.payee == "Boulangerie « Au Bon Œil »" and accepted.narration == "Chèque accepté"
    assert accepted.links == {"OD-000003"} and accepted.date == date(2026, 10, 3)
    assert accepted.meta["piece"] == "ACC-3" and accepted.meta["fact"] == Decimal(4)
    assert accepted.postings[1].account == "Liabilities:468200-Commerçants-titres-à-rembourser:M0012"
    assert [posting.meta.get("serial") for posting in accepted.postings] == ["0004217", "0004217", None, None]


def test_the_campaign_for_hledger_is_the_golden_file() -> None:
    assert "".join(hledger_entries(a_campaign())) == (GOLDEN / "fec_campaign.hledger").read_text("utf-8")


@needs_hledger
def test_hledger_checks_a_campaign_strictly_and_finds_the_same_balances() -> None:
    assert hledger_sums("".join(hledger_entries(a_campaign()))) == sums(a_campaign())


def test_the_campaign_in_a_spreadsheet_is_the_golden_file() -> None:
    content = b"".join(entries_csv(a_campaign()))
    assert content == (GOLDEN / "fec_campaign.csv").read_bytes()
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert rows[0] == list(ENTRIES_HEADER)
    assert rows[12] == [
        "OD", "3", "03/10/2026", "ACC-3", "03/10/2026", "468200", "Commerçants, titres à rembourser", "M0012",
        "Boulangerie « Au Bon Œil »", "Chèque accepté", "", "10,00", "", "0004217", "4", "till:7",
    ]  # fmt: skip


# ── Texts from people ────────────────────────────────────────────────────────────────────────────────────────────
def with_texts(text: str) -> list[Entry]:
    """Two entries in which everything that a person may have written is `text`."""
    lines = tuple(
        EntryLine(
            account=account, account_name=text, owner=owner, owner_name=text if owner else "", label=text,
            debit_cents=max(cents, 0), credit_cents=max(-cents, 0), serial=7,
        )
        for account, owner, cents in (("468120", "", 1_000), ("468200", "M0012", -1_000))
    )  # fmt: skip
    day = date(2026, 11, 22)
    return [
        Entry(
            journal="OD", journal_name=text, number=number, on=day, piece=text, piece_on=day, validated_on=day,
            lines=lines, fact=number, actor=text, reason=text,
        )
        for number in (1, 2)
    ]  # fmt: skip


@pytest.mark.parametrize("evil", EVIL)
def test_no_text_from_people_can_break_or_forge_the_file_for_beancount(evil: str) -> None:
    transactions = as_beancount_reads("".join(beancount_file(with_texts(evil), title=evil)))
    assert [transaction.links for transaction in transactions] == [{"OD-000001"}, {"OD-000002"}]
    assert [len(transaction.postings) for transaction in transactions] == [2, 2]
    assert beancount_sums(transactions) == sums(with_texts(evil))


def test_quotes_and_backslashes_come_back_from_beancount_as_they_were() -> None:
    text = 'Chez "Léa" \\ fils \\" fin\\'
    read = as_beancount_reads("".join(beancount_file(with_texts(text), title=text)))[0]
    assert (read.payee, read.narration, read.meta["piece"]) == (text, text, text)


@needs_hledger
@pytest.mark.parametrize("evil", EVIL)
def test_no_text_from_people_can_break_or_forge_the_file_for_hledger(evil: str) -> None:
    journal = "".join(hledger_entries(with_texts(evil)))
    assert hledger_sums(journal) == sums(with_texts(evil))
    codes = [line for line in hledger("print", journal=journal).splitlines() if line.startswith("20")]
    assert [line[:24] for line in codes] == ["2026-11-22 * (OD-000001)", "2026-11-22 * (OD-000002)"]


@pytest.mark.parametrize("evil", EVIL)
def test_no_text_from_people_is_a_fault_of_the_tax_file_or_a_formula_of_the_table(evil: str) -> None:
    assert faults(b"".join(fec(with_texts(evil))), name=NAME) == []
    content = b"".join(entries_csv(with_texts(evil))).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(content, newline=""), delimiter=";"))
    assert {len(row) for row in rows} == {len(ENTRIES_HEADER)}
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for row in rows for cell in row)


@pytest.mark.parametrize("file", [hledger_entries, lambda entries: beancount_file(entries, title="")])
def test_entries_that_go_back_in_time_are_refused(file: Any) -> None:
    with pytest.raises(EntriesOutOfOrder):
        list(file(reversed(a_campaign())))


def test_an_account_keeps_the_name_it_has_first() -> None:
    day = date(2026, 11, 22)
    later = an_entry("OD", 1, day, "P", a_line("512100", 5, "x"), a_line("468120", -5, "x"))
    entries = [*with_texts("Titres")[:1], later]
    assert "Liabilities:468120-Titres-en-circulation" not in "".join(beancount_file(entries, title=""))
    assert "468120 Titres en circulation" not in "".join(hledger_entries(entries))


# ── Any books ────────────────────────────────────────────────────────────────────────────────────────────────────
texts = st.sampled_from(EVIL) | st.text(max_size=30)
accounts = st.sampled_from(["411000", "445710", "468120", "468200", "512100", "658000", "706200", "101", "808A1"])
owners = st.sampled_from(["", "", "C0001", "M0012", "M-7"])
days = st.dates(date(2026, 1, 1), date(2026, 12, 31))
amounts = st.lists(st.integers(1, 99_999_999_999), min_size=1, max_size=4)


@st.composite
def a_side(draw: Any, cents: list[int], *, is_debit: bool) -> list[EntryLine]:
    lines = []
    for amount in cents:
        owner, on = draw(owners), draw(st.none() | days)
        lines.append(
            EntryLine(
                account=draw(accounts), account_name=draw(texts), owner=owner, owner_name=draw(texts) if owner else "",
                label=draw(texts), debit_cents=amount if is_debit else 0, credit_cents=0 if is_debit else amount,
                letter="" if on is None else "AB", lettered_on=on, serial=draw(st.none() | st.integers(1, 10**8)),
            )
        )  # fmt: skip
    return lines


@st.composite
def any_books(draw: Any) -> list[Entry]:
    """Balanced entries by day, numbered within three journals, with whatever people may write in them."""
    numbers: Counter[str] = Counter()
    entries = []
    for on in sorted(draw(st.lists(days, min_size=1, max_size=6))):
        many = draw(amounts)
        lines = draw(a_side(many, is_debit=True)) + draw(a_side([sum(many)], is_debit=False))
        journal = draw(st.sampled_from(["VE", "BQ", "OD"]))
        numbers[journal] += 1
        entries.append(
            Entry(
                journal=journal, journal_name=draw(texts), number=numbers[journal], on=on, piece=draw(texts),
                piece_on=on - timedelta(days=draw(st.integers(0, 60))), validated_on=on, lines=tuple(lines),
                fact=draw(st.none() | st.integers(1, 10**6)), actor=draw(texts), reason=draw(texts),
            )
        )  # fmt: skip
    return entries


@given(entries=any_books(), encoding=st.sampled_from(["iso-8859-15", "utf-8", "ascii"]), piped=st.booleans())
@settings(max_examples=150)
def test_any_books_make_a_tax_file_without_fault_and_with_their_sums(
    entries: list[Entry], encoding: Any, piped: bool
) -> None:
    separator = "pipe" if piped else "tab"
    content = b"".join(fec(entries, encoding=encoding, separator=separator))
    assert faults(content, name=NAME) == []
    rows = [row.split("|" if piped else "\t") for row in content.decode(encoding).split("\r\n")[1:-1]]
    over: Counter[tuple[str, str]] = Counter()
    for row in rows:
        over[row[4], row[6]] += Decimal(row[11].replace(",", ".")) - Decimal(row[12].replace(",", "."))
    assert {key: f"{amount:.2f}" for key, amount in over.items() if amount} == sums(entries)


@given(entries=any_books(), title=texts)
@settings(max_examples=60)
def test_any_books_load_in_beancount_with_their_sums(entries: list[Entry], title: str) -> None:
    transactions = as_beancount_reads("".join(beancount_file(entries, title=title)))
    assert len(transactions) == len(entries)
    assert beancount_sums(transactions) == sums(entries)


@needs_hledger
@given(entries=any_books())
@settings(max_examples=25)
def test_any_books_pass_the_checks_of_hledger_with_their_sums(entries: list[Entry]) -> None:
    assert hledger_sums("".join(hledger_entries(entries))) == sums(entries)
