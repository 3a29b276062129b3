"""The bookkeeper's entries: what each fact is written as, and that nothing of the ledger is lost on the way."""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.full_town import a_full_town
from tests.makers import NOON, TODAY, a_buyer, a_programme, an_order
from tests.test_books import Lives
from tests.town import TREASURER, Town, a_town
from vouchers import accounting, archive, billing, bookkeeping, books, chart, ledger, order
from vouchers.db import Database, WriteSession
from vouchers.entries import Entry
from vouchers.errors import NotFound
from vouchers.invariants import _LEGAL_MOVES
from vouchers.ledger import Fact, Move
from vouchers.order_book import Line
from vouchers.paper_settings import PaperSettings
from vouchers.tables import bank_line, bank_statement

FIRST, LAST = date(2000, 1, 1), date(2999, 12, 31)
YEAR = date(2026, 1, 1), date(2026, 12, 31)


def entries_of(house: Database, programme_id: int, from_on: date = FIRST, to_on: date = LAST) -> list[Entry]:
    days = {"from_on": from_on, "to_on": to_on}
    return house.read(lambda s: list(accounting.entries(s, programme_id=programme_id, **days)))


def written(entry: Entry) -> list[tuple[str, str, int]]:
    """(account, owner, debit less credit) of each line."""
    return [(line.account, line.owner, line.signed_cents) for line in entry.lines]


def posted(town: Town, kind: str, subject: str, *moves: Move, reason: str = "", days: int = 0) -> int:
    fact = Fact(kind, NOON + timedelta(days=days), TREASURER, subject, reason, moves)
    return town.house.write(ledger.post, programme_id=town.programme_id, fact=fact)


def filed(town: Town, kind: str, subject: str, *, at: datetime = NOON, **more: Any) -> str:
    """A numbered paper of the archive; gives its name."""

    def keep(session: WriteSession) -> str:
        number = archive.next_number(session, programme_id=town.programme_id, kind=kind, at=at)
        of = {"programme_id": town.programme_id, "kind": kind, "named": number, "subject": subject}
        file = {"file_name": f"{number.name}.pdf", "file": b"%PDF", "actor": TREASURER, "at": at}
        return archive.keep(session, **of, **file, **more).name

    return town.house.write(keep)


def a_bank_statement(session: WriteSession, *, transfers: dict[int, tuple[str, int]]) -> None:
    """One statement of programme 1 with these lines, number → (reference, cents), booked the day before."""
    on = TODAY - timedelta(days=1)
    of = {"programme_id": 1}
    told = {"number": 1, "iban": "FR76", "statement_id": "R1", "version": "02", "made_at": NOON, "sha256": "0" * 64}
    told |= {"from_on": on, "to_on": on, "known_lines": 0, "known_cents": 0, "taken_by": TREASURER, "taken_at": NOON}
    session.execute(bank_statement.insert(), of | told)
    for number, (reference, cents) in transfers.items():
        line = {"number": number, "statement_number": 1, "reference": reference, "part": 1, "cents": cents}
        session.execute(bank_line.insert(), of | line | {"booked_on": on, "value_on": on, "text": "", "state": "open"})


def refuse_a_difference(house: Database, programme_id: int) -> None:
    """Account by account the entries add up to the ledger; a merchant's customer account stands at zero."""
    debited: Counter[tuple[str, str]] = Counter()
    credited: Counter[tuple[str, str]] = Counter()
    found = entries_of(house, programme_id)
    for entry in found:
        for line in entry.lines:
            debited[line.account, line.owner] += line.debit_cents
            credited[line.account, line.owner] += line.credit_cents
    said = house.read(bookkeeping.plan, programme_id=programme_id)
    for account, moved in house.read(ledger.turnovers, programme_id=programme_id).items():
        nominal = said.of(account)
        debited[nominal.number, nominal.owner] -= moved.debit_cents
        credited[nominal.number, nominal.owner] -= moved.credit_cents
    over = {
        key: (debited[key], credited[key]) for key in debited.keys() | credited.keys() if debited[key] or credited[key]
    }
    for (number, owner), (debit, credit) in over.items():
        assert (number, owner[0], debit) == ("411000", "M", credit), (number, owner, debit, credit)
    refuse_a_gap(found)


def refuse_a_gap(found: Iterable[Entry]) -> None:
    numbers: dict[tuple[int, str], int] = {}
    before = FIRST
    for entry in found:
        key = entry.on.year, entry.journal
        assert entry.number == numbers.get(key, 0) + 1, entry.name
        numbers[key] = entry.number
        assert before <= entry.on
        before = entry.on


def test_every_legal_move_is_written_somewhere_and_nothing_else_is() -> None:
    assert set(bookkeeping.JOURNAL_OF) == {kind for kind, *_ in _LEGAL_MOVES}
    for kind, debit, credit, _ in _LEGAL_MOVES:
        move = Move(debit.replace("%", "7"), credit.replace("%", "7"), 100)
        for part in bookkeeping.parts(kind, [move]):
            assert part.journal in bookkeeping.JOURNALS
            assert (part.journal == "BQ") == ("bank" in (debit, credit))
            assert part.moves
    with pytest.raises(KeyError):
        bookkeeping.parts("watched", [Move("bank", "float", 1)])


def test_an_order_with_a_fee_is_a_sale_then_money_then_vat(house: Database) -> None:
    programme_id = a_programme(house)
    buyer_id = a_buyer(house, programme_id=programme_id)
    an_order(house, programme_id=programme_id, buyer_id=buyer_id, lines=(Line(1_000, 4_000),), fee_cents=40_000)

    sale, fee, money, vat = entries_of(house, programme_id, *YEAR)

    assert (sale.name, sale.journal_name, sale.piece) == ("VE-000001", "Ventes", "CDE-1")
    assert written(sale) == [("411000", "C0001", 4_000_000), ("468110", "", -4_000_000)]
    assert (fee.name, fee.piece, fee.lines[0].label) == ("VE-000002", "CDE-1", "Frais de gestion, commande 1")
    assert written(fee) == [("411000", "C0001", 48_000), ("706100", "", -40_000), ("445740", "", -8_000)]
    assert (money.name, money.piece, money.piece_on) == ("BQ-000001", "TRANSFER 1", TODAY)
    assert written(money) == [("512100", "", 4_048_000), ("411000", "C0001", -4_048_000)]
    assert (vat.name, vat.lines[0].label) == ("OD-000001", "TVA devenue exigible, commande 1")
    assert written(vat) == [("445740", "", 8_000), ("445710", "", -8_000)]


def test_a_settlement_is_a_commission_its_set_off_and_a_transfer(house: Database) -> None:
    town = a_town(house, vouchers=10, shops=1)
    town.spend(*range(1, 11))
    run = town.export(town.approve(town.propose(TODAY, at=NOON), at=NOON), at=NOON)
    invoice = filed(town, "commission", "settlement:1/1", merchant_id=1)
    town.execute(run, at=NOON)

    accepted, sold, set_off, sent, paid = entries_of(house, 1, *YEAR)[-5:]

    assert [line.serial for line in accepted.lines] == [*range(1, 11), None]
    assert written(accepted)[-1] == ("468200", "M0001", -10_000)
    assert (sold.journal, sold.piece, set_off.piece, sent.piece) == ("VE", invoice, invoice, "R1-1-1")
    assert (sold.lines[0].label, paid.piece) == ("Commission du relevé R1-1-1", run.message_id)
    assert written(sold) == [("411000", "M0001", 600), ("706200", "", -500), ("445710", "", -100)]
    assert written(set_off) == [("468200", "M0001", 600), ("411000", "M0001", -600)]
    assert {line.letter for entry in (sold, set_off) for line in entry.lines if line.account == "411000"} == {"A"}
    assert written(sent) == [("468200", "M0001", 9_400), ("581000", "", -9_400)]
    assert (paid.journal, written(paid)) == ("BQ", [("581000", "", 9_400), ("512100", "", -9_400)])


def test_papers_of_the_archive_are_the_pieces_of_what_they_say(house: Database) -> None:
    town = a_town(house, vouchers=2, shops=1)
    both = an_order(house, programme_id=1, buyer_id=town.buyer_id, upto="approved", fee_cents=400)
    about = f"order:{both.number}"
    invoices = [filed(town, "face_value", about), filed(town, "fee", about)]
    redemption = town.spend(1)
    town.undo(redemption)
    town.cancel(2)
    billed = filed(town, "face_value", "order:1")
    credit_note = filed(town, "face_value_credit", "order:1", corrects=billed)

    by_label = {entry.lines[0].label: entry for entry in entries_of(house, 1, *YEAR)}

    assert by_label[f"Commande {both.number} approuvée"].piece == invoices[0]
    assert by_label[f"Frais de gestion, commande {both.number}"].piece == invoices[1]
    assert by_label["Annulation du chèque 2"].piece == credit_note
    assert by_label["Annulation du chèque 2"].journal == "VE"
    assert by_label[f"Annulation de l'acceptation {redemption}"].piece == f"ACC-{redemption}"


def test_an_entry_that_was_exported_is_not_written_anew_for_an_invoice_of_another_day(house: Database) -> None:
    town = a_town(house, vouchers=1, shops=1)
    town.spend(1)
    town.approve(town.propose(TODAY, at=NOON), at=NOON)
    exported = entries_of(house, 1)
    filed(town, "face_value", "order:1", at=NOON + timedelta(days=1))
    filed(town, "commission", "settlement:1/1", at=NOON + timedelta(days=1), merchant_id=1)
    assert entries_of(house, 1) == exported


def test_money_that_came_for_nobody_waits_and_is_given_on_or_back(house: Database) -> None:
    town = a_town(house, vouchers=1)
    house.write(a_bank_statement, transfers={1: ("NOTPROVIDED/77", 3_000), 2: ("OUT/2", -2_000)})
    owed = an_order(house, programme_id=1, buyer_id=town.buyer_id, upto="approved", lines=(Line(1_000, 1),))
    posted(town, "money_received", "bank_line:1", Move("bank", "unallocated", 3_000))
    house.write(
        order.record_payment,
        programme_id=1,
        number=owed.number,
        cents=1_000,
        bank_reference="VIR 77",
        received_on=TODAY,
        actor=TREASURER,
        at=NOON,
        part=order.Part(1, 2),
        out_of=chart.UNALLOCATED,
    )
    posted(town, "paid_back", "bank_line:1", Move("unallocated", "bank", 2_000), reason="bank_line:2")
    posted(town, "bank_fees_taken", "bank_line:3", Move("bank_fees", "bank", 150))

    came, given, back, fees = entries_of(house, 1, *YEAR)[-4:]

    assert (came.journal, came.piece, came.piece_on) == ("BQ", "NOTPROVIDED/77", date(2026, 11, 19))
    assert written(came) == [("512100", "", 3_000), ("419100", "", -3_000)]
    assert (given.journal, given.piece) == ("OD", "VIR 77")
    assert written(given) == [("419100", "", 1_000), ("411000", "C0001", -1_000)]
    assert (back.journal, back.piece, written(back)[0]) == ("BQ", "OUT/2", ("419100", "", 2_000))
    assert (fees.journal, fees.piece, written(fees)) == ("BQ", "BQE-3", [("627000", "", 150), ("512100", "", -150)])


def test_a_reason_that_only_looks_like_a_transfer_does_not_stop_the_books(house: Database) -> None:
    posted(a_town(house, vouchers=1), "order_paid", "order:1", Move("vat_pending", "vat", 1), reason="2026-13-45 rendu")
    assert entries_of(house, 1, *YEAR)[-1].piece == "CDE-1"


def test_what_an_order_owes_is_lettered_once_it_came_to_nothing(house: Database) -> None:
    programme_id = a_programme(house)
    of = {"programme_id": programme_id, "buyer_id": a_buyer(house, programme_id=programme_id)}
    an_order(house, **of)
    an_order(house, upto="approved", **of)

    def letters(to_on: date) -> dict[str, set[str]]:
        found = entries_of(house, programme_id, YEAR[0], to_on)
        return {entry.lines[0].label: {line.letter for line in entry.lines} for entry in found}

    assert letters(TODAY)["Commande 1 approuvée"] == {"A", ""}
    assert letters(TODAY)["Encaissement sur la commande 1"] == {"A", ""}
    assert letters(TODAY)["Commande 2 approuvée"] == {""}


def test_a_fact_has_the_same_number_in_every_export_of_its_year(house: Database) -> None:
    full = a_full_town(house)
    whole = entries_of(house, full.town.programme_id, *YEAR)

    for first in (TODAY, TODAY + timedelta(days=1), TODAY + timedelta(days=5), TODAY + timedelta(days=40)):
        part = entries_of(house, full.town.programme_id, first, YEAR[1])
        assert part == [entry for entry in whole if entry.on >= first]

    assert entries_of(house, full.town.programme_id) == whole
    with pytest.raises(NotFound):
        entries_of(house, 99)


def test_a_new_year_opens_on_what_stood_and_starts_its_numbers_again(house: Database) -> None:
    town = a_town(house, vouchers=3, shops=1)
    town.spend(1)
    an_order(house, programme_id=1, buyer_id=town.buyer_id, fee_cents=400)
    run = town.approve(town.propose(TODAY, at=NOON), at=NOON)
    in_january = NOON + timedelta(days=60)
    town.execute(town.export(run, at=NOON), at=in_january)
    town.spend(2, at=in_january)

    opening, *rest = entries_of(house, 1, date(2027, 1, 1), date(2027, 12, 31))

    assert (opening.name, opening.piece, opening.on) == ("AN-000001", "AN-2027", date(2027, 1, 1))
    stood = {(account, owner): cents for account, owner, cents in written(opening)}
    assert stood["512100", ""] == 3_000 + 10_480
    assert stood["581000", ""] == -940
    # What was earned is the result of the year that is over: 400 of fees, 50 of commission.
    assert stood["120000", ""] == -450
    assert not [account for account, _ in stood if account[0] in "67"]
    assert [entry.name for entry in rest] == ["BQ-000001", "OD-000001"]
    assert [entry.journal for entry in entries_of(house, 1, date(2027, 1, 2), date(2027, 12, 31))] == ["BQ", "OD"]
    refuse_a_gap(entries_of(house, 1))


def test_an_account_set_to_the_results_own_number_still_opens_the_year_in_balance(house: Database) -> None:
    town = a_town(house, vouchers=1)
    an_order(house, programme_id=1, buyer_id=town.buyer_id, fee_cents=400)
    posted(town, "guaranteed", "dispute:1", Move("guarantee", "merchant:1", 100))
    wanted = PaperSettings(accounts={"guarantee": bookkeeping.PROFIT})
    house.write(billing.set_paper_settings, programme_id=1, settings=wanted, actor=TREASURER, at=NOON)
    opening, *_ = entries_of(house, 1, date(2027, 1, 1), date(2027, 12, 31))
    assert ("120000", "", -300) in written(opening)


def test_the_trial_balance_of_a_year_is_the_sums_of_its_entries(house: Database) -> None:
    full = a_full_town(house)
    found: Counter[tuple[str, str, str]] = Counter()
    for entry in entries_of(house, full.town.programme_id, *YEAR):
        for line in entry.lines:
            found[line.account, line.owner, "debit"] += line.debit_cents
            found[line.account, line.owner, "credit"] += line.credit_cents

    balance = house.read(books.year_balance, programme_id=full.town.programme_id, year=2026, to_on=YEAR[1])

    assert {(row.number, row.owner) for row in balance} == {(number, owner) for number, owner, _ in found}
    for row in balance:
        assert (found[row.number, row.owner, "debit"], found[row.number, row.owner, "credit"]) == (
            row.debit_cents, row.credit_cents,
        )  # fmt: skip
    assert sum(row.closing_cents for row in balance) == 0
    after = house.read(books.year_balance, programme_id=full.town.programme_id, year=2027, to_on=date(2027, 12, 31))
    assert sum(row.opening_cents for row in after) == 0
    assert {row.number for row in after} >= {"120000", "468120", "468200"}


def test_one_of_everything_adds_up_to_the_ledger(house: Database) -> None:
    full = a_full_town(house)
    refuse_a_difference(house, full.town.programme_id)


def test_any_life_of_vouchers_adds_up_to_the_ledger(new_house: Callable[[], Database]) -> None:
    class Booked(Lives):
        def teardown(self) -> None:
            if hasattr(self, "town"):
                refuse_a_difference(self.town.house, self.town.programme_id)
            super().teardown()

    machine = type("Booked", (Booked,), {"new_house": staticmethod(new_house)})
    lives = settings(
        max_examples=int(os.environ.get("VOUCHERS_LIVES", "5")), stateful_step_count=30, report_multiple_bugs=False
    )
    run_state_machine_as_test(machine, settings=lives)
