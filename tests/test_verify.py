"""Verify: true books have no fault, and whatever is changed behind the house's back is named."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Table, Update, select, text, update

from tests.full_town import FullTown, a_full_town
from vouchers import seal
from vouchers.db import Database
from vouchers.invariants import INVARIANTS
from vouchers.paper_witnesses import PAPERS
from vouchers.tables import (
    acceptance,
    balance_snapshot,
    bank_account,
    batch,
    billing,
    dispute,
    document,
    journal,
    offline_rule,
    order_line,
    payment_run,
    posting,
    redemption,
    remittance,
    remitted,
    reversal,
    settlement,
    settlement_hold,
    settlement_line,
    voucher,
    voucher_order,
)
from vouchers.tables import seal as seal_table
from vouchers.verify import Fault, against_anchors, verify
from vouchers.witnesses import WITNESSES


def first(table: str, column: str, where: str = "1 = 1") -> str:
    return f"(SELECT MIN({column}) FROM {table} WHERE {where})"


def of_kind(kind: str) -> str:
    return first("journal", "id", f"kind = '{kind}'")


NEWEST_REDEMPTION = "(SELECT MAX(id) FROM journal WHERE kind = 'redeemed')"


def twice(table: str) -> tuple[str, ...]:
    """The first row of a table stands twice: the table is made anew, without its key."""
    return (
        f"CREATE TABLE loose AS SELECT * FROM {table}",
        f"DROP TABLE {table}",
        f"ALTER TABLE loose RENAME TO {table}",
        f"INSERT INTO {table} SELECT * FROM {table} LIMIT 1",
    )


SEEDS: dict[str, tuple[str, ...]] = {
    "whole cents above zero, between two accounts": (
        f"UPDATE posting SET credit = debit WHERE line = 1 AND journal_id = {first('posting', 'journal_id')}",
    ),
    "every account is in the chart and has its owner": (
        f"UPDATE posting SET credit = 'merchant:999' WHERE line = 1 AND journal_id = {of_kind('redeemed')}",
    ),
    "a posting belongs to a journal": (f"DELETE FROM journal WHERE id = {of_kind('redeemed')}",),
    "the lines of a journal are numbered from 1, none is missing": (
        f"DELETE FROM posting WHERE line = 1 AND journal_id = {of_kind('order_approved')}",
    ),
    "each kind of fact moves money only between its accounts": (
        f"UPDATE posting SET debit = 'bank' WHERE line = 1 AND journal_id = {of_kind('redeemed')}",
    ),
    "a fact about an order moves the accounts of that order": (
        f"UPDATE posting SET debit = 'receivable:2' WHERE journal_id = {of_kind('order_approved')}",
    ),
    "a posting of a voucher is of one that exists": ("UPDATE posting SET serial = 9999 WHERE serial = 1",),
    "0 ≤ balance ≤ face value": ("UPDATE voucher SET balance_cents = face_cents + 1 WHERE serial = 12",),
    "balance = what it was born with + what its postings put on it − what they took": (
        "UPDATE voucher SET balance_cents = 999 WHERE serial = 12",
    ),
    "a replacement takes over what was on the voucher it replaces": (
        "UPDATE voucher SET face_cents = face_cents + 1 WHERE replaces_serial = 11",
    ),
    "the float is what is on all vouchers": ("UPDATE voucher SET balance_cents = 999 WHERE serial = 12",),
    "nothing is left in suspense": ("DELETE FROM posting WHERE debit = 'suspense' AND cents = 1000",),
    "a voucher holds nothing if and only if its state says so": (
        "UPDATE voucher SET state = 'redeemed' WHERE serial = 12",
    ),
    "the last move of a voucher that holds nothing is the one its state names": (
        "UPDATE voucher SET state = 'expired' WHERE serial = 1",
    ),
    "what was printed with a batch is active once the batch is, and not before": (
        "UPDATE voucher SET state = 'printed' WHERE serial = 12",
    ),
    "a replacement was activated by a fact of its own": (
        "UPDATE voucher SET state = 'active' WHERE replaces_serial = 11",
    ),
    "a voucher is blocked if and only if its last block was not lifted": (
        "UPDATE voucher SET state = 'active' WHERE serial = 8",
    ),
    "a batch has come as far as the facts about it say": ("UPDATE batch SET state = 'active' WHERE number = 3",),
    "every key was answered": ("UPDATE idempotency SET answer = NULL",),
    "a key stands once": twice("idempotency"),
    "a redemption is its journal: same merchant, same instant, same cents": (
        f"UPDATE redemption SET cents = cents + 1 WHERE journal_id = {of_kind('redeemed')}",
    ),
    "a redemption was made at a till of its merchant, or came by post; its sale covers": (
        f"UPDATE redemption SET till_id = 2 WHERE journal_id = {of_kind('redeemed')}",
    ),
    "a remittance is what the facts of its opening and its closing say": ("UPDATE remittance SET slip_count = 9",),
    "what a remittance took is a redemption of its shop, at no till, of that voucher": (
        "UPDATE remitted SET serial = 12 WHERE redemption_id IS NOT NULL",
    ),
    "an ordered list gives as many vouchers to as many people as its facts say": (
        "UPDATE recipient SET quantity = 3 WHERE last_name = 'Arc'",
    ),
    "each recipient of an assigned list has vouchers of their value and order": (
        "DELETE FROM recipient_voucher WHERE serial = 2",
    ),
    "a till is revoked since the fact that says so, and for good": ("UPDATE till SET revoked_at = 1 WHERE id = 1",),
    "a journal of a redemption has its redemption": (
        f"DELETE FROM redemption WHERE journal_id = {of_kind('redeemed')}",
    ),
    "a reversal gives back what that voucher gave in that redemption": (
        f"UPDATE posting SET cents = cents - 1 WHERE line = 1 AND journal_id = {of_kind('reversed')}",
    ),
    "what was reversed is in the table of reversals": (
        f"DELETE FROM reversal WHERE journal_id = {of_kind('reversed')} AND serial = 4",
    ),
    "a posting is settled once": twice("settlement_line"),
    "what is settled is a move of that merchant, in a run that pays it": (
        f"UPDATE settlement_line SET merchant_id = 2 WHERE journal_id = {of_kind('redeemed')}",
    ),
    "gross and brought forward are the sums of the lines": (
        "UPDATE settlement SET gross_cents = gross_cents + 1, net_cents = net_cents + 1 WHERE merchant_id = 1",
    ),
    "the net was put in transit, commission and VAT were taken": (
        "UPDATE settlement SET commission_cents = commission_cents + 1, net_cents = net_cents - 1"
        " WHERE merchant_id = 1",
    ),
    "a settlement has the state and the journal that its run gives it": (
        "UPDATE settlement SET state = 'paid' WHERE run_number = 2",
    ),
    "in transit is what a run has still to pay, nothing once executed": (
        "UPDATE posting SET cents = cents - 1 WHERE debit = 'in_transit:1' AND credit = 'bank'",
    ),
    "what was held is in no run that was approved while the hold stood": (
        "INSERT INTO settlement_line (programme_id, journal_id, line, run_number, merchant_id)"
        " SELECT programme_id, journal_id, line, 2, merchant_id FROM settlement_hold WHERE journal_id IS NOT NULL",
    ),
    "what is held, who held and who released it, when and why, is in its facts": (
        "UPDATE settlement_hold SET released_by = NULL, released_at = NULL, released_because = NULL",
    ),
    "a run settled all there was of the merchants it pays, save what was held": (
        f"DELETE FROM settlement_line WHERE line = 1 AND journal_id = {of_kind('redeemed')}",
    ),
    "a snapshot is the one before and the debits since": (
        "UPDATE balance_snapshot SET debit_cents = debit_cents + 1 WHERE account = 'float'",
    ),
    "a snapshot is the one before and the credits since": (
        "UPDATE balance_snapshot SET credit_cents = 0 WHERE account = 'bank' OR account = 'float'",
    ),
    "an account is in every snapshot since it was first moved": (
        f"DELETE FROM balance_snapshot WHERE account = 'float' AND upto_journal = "
        f"{first('balance_snapshot', 'upto_journal')}",
    ),
    "commission is the run's rate on the gross, VAT its rate on the commission, net the rest": (
        "UPDATE settlement SET vat_cents = vat_cents + 1, net_cents = net_cents - 1 WHERE merchant_id = 1",
    ),
    "approving posted face value, fee and VAT, once": (
        "UPDATE voucher_order SET fee_cents = fee_cents + 1 WHERE number = 2",
    ),
    "what was ordered is issued, or still to be issued; cancelled, neither": (
        "UPDATE voucher_order SET state = 'approved' WHERE number = 5",
    ),
    "nothing is issued that no one paid or signed for": (
        "DELETE FROM journal WHERE kind = 'order_accepted' AND subject = 'order:2'",
    ),
    "the vouchers of a batch are what was moved from ordered to the float for it": (
        "UPDATE voucher SET face_cents = face_cents + 1 WHERE serial = 12",
    ),
    "a whole batch is what its order asks for, value by value": (
        "UPDATE order_line SET quantity = quantity - 1 WHERE order_number = 3 AND line = 1",
    ),
    "the serials of a batch run on without a gap": ("DELETE FROM voucher WHERE serial = 12",),
    "batches and replacements follow one another without a gap, up to the next serial": (
        "UPDATE programme SET next_serial = next_serial + 1",
    ),
    "a voucher that can be spent, or given back, has the last day of its batch": (
        "UPDATE voucher SET expires_on = '2099-12-31' WHERE serial = 12",
    ),
    "who proposed and who approved a run are in its facts, and when": (
        "UPDATE payment_run SET approved_by = 'staff:9' WHERE number = 1",
    ),
    "a run has come as far as the facts about it say": ("UPDATE payment_run SET state = 'exported' WHERE number = 2",),
    "what a run settled is of its period, and was there when it was proposed": (
        "UPDATE payment_run SET to_on = '2026-11-19' WHERE number = 1",
    ),
    "a merchant is paid on the newest account confirmed and in force when the run was approved": (
        "UPDATE settlement SET iban = 'FR7630006000011234567890189' WHERE run_number = 2",
    ),
    "who asked for an account and who confirmed it are two, in its facts, and when": (
        "INSERT INTO bank_account (programme_id, merchant_id, account_holder, iban, state, asked_by, asked_at,"
        " confirmed_by, confirmed_at, in_force_at) SELECT programme_id, id, 'X', 'FR7630006000011234567890189',"
        " 'confirmed', 'staff:1', enrolled_at, 'staff:2', enrolled_at, enrolled_at FROM merchant WHERE id = 1",
    ),
    "a merchant's first account is in force at once, a later one after two days": (
        "UPDATE bank_account SET in_force_at = in_force_at - 1 WHERE id = 1",
    ),
    "the VAT on the fee is due once, in whole: sold on debits, or owing nothing": (
        "UPDATE posting SET cents = cents + 777 WHERE debit = 'vat_pending' AND credit = 'vat'",
    ),
    "an order's VAT waits until it is due, or is taken back with the order": (
        "UPDATE posting SET credit = 'fee' WHERE debit = 'receivable:2' AND credit = 'vat_pending'",
    ),
    "who placed, approved and accepted an order are in its facts": (
        "UPDATE voucher_order SET accepted_by = 'staff:9' WHERE number = 1",
    ),
    "an order was accepted on the purchase order that it names": (
        "UPDATE voucher_order SET purchase_order = 'BC 99' WHERE number = 2",
    ),
    "a bank transfer of a buyer is recorded once": ("UPDATE journal SET reason = 'VIR 1' WHERE kind = 'order_paid'",),
    "who issued, handed over and activated a batch are in its facts, and when": (
        "UPDATE batch SET printed_by = 'staff:9' WHERE number = 1",
    ),
    "who activated a batch had no part in issuing it or handing it over": (
        "UPDATE journal SET actor = (SELECT activated_by FROM batch WHERE number = 1)"
        " WHERE kind = 'issued' AND subject = 'batch:1'",
    ),
    "an acknowledged redemption or reversal is never lost": (
        f"DELETE FROM redemption WHERE journal_id = {NEWEST_REDEMPTION}",
        f"DELETE FROM posting WHERE journal_id = {NEWEST_REDEMPTION}",
        f"DELETE FROM journal WHERE id = {NEWEST_REDEMPTION}",
        "UPDATE voucher SET state = 'active', balance_cents = face_cents WHERE serial = 16",
    ),
    "the codes of a batch are those that were issued": (
        "UPDATE voucher SET control_hash = code_hash WHERE serial = 12",
    ),
    "how many people of a buyer an order takes is what was last set, else two": (
        "UPDATE buyer SET approval = 'one' WHERE id = 1",
    ),
    "the terms of a programme are those that were last set": (
        "INSERT INTO programme_terms (programme_id, face_values, rhythm, legal_wording, colour)"
        " VALUES (1, '[]', 'monthly', '', '#1d3f7c')",
    ),
    "the rule without network is the one that was last allowed": (
        "UPDATE offline_rule SET guarantee_cents = guarantee_cents + 1",
    ),
    "what was accepted without network became a redemption of that till, or its dispute": (
        "UPDATE acceptance SET cents = cents + 1 WHERE number = 1",
    ),
    "an entry is answered under its key, once, and never lost": ("DELETE FROM acceptance WHERE number = 1",),
    "a dispute is what the fact of its opening says, and some entry's": (
        "UPDATE dispute SET merchant_id = 2 WHERE number = 2",
    ),
    "who decided a dispute, when, why and how is in its fact": (
        "UPDATE dispute SET state = 'open', decided_by = NULL, decided_at = NULL, decision = NULL WHERE number = 2",
    ),
    "what the guarantee paid is what is disputed, to that merchant, once": (
        "UPDATE posting SET cents = cents + 1 WHERE debit = 'guarantee'",
    ),
    "a journal of the guarantee has its dispute": ("DELETE FROM dispute WHERE number = 1",),
    "an entry is what its till signed": ("UPDATE acceptance SET entry = entry || ' ' WHERE number = 2",),
    "a paper was made when its fact says, and is about what it says": (
        "UPDATE document SET subject = 'order:3' WHERE kind = 'fee'",
    ),
    "each fact of a paper has its paper": ("DELETE FROM document WHERE kind = 'fee_credit'",),
    "the numbers of a series run on without a gap, and their days never go back": (
        "UPDATE document SET number = 9 WHERE kind = 'fee_credit'",
    ),
    "a paper about an order is its buyer's, one about a settlement its merchant's": (
        "UPDATE document SET buyer_id = NULL, merchant_id = 1 WHERE kind = 'fee'",
    ),
    "the invoices of an order say what approving it posted": (
        "UPDATE document SET vat_cents = vat_cents + 1 WHERE kind = 'fee'",
    ),
    "the credit notes of an order give back no more than was taken back of it": (
        "UPDATE document SET face_cents = face_cents - 1 WHERE kind = 'face_value_credit'",
    ),
    "a credit note takes back an invoice of its order and kind, and nothing else does": (
        "UPDATE document SET corrects = (SELECT MIN(name) FROM document WHERE kind = 'face_value')"
        " WHERE kind = 'fee_credit'",
    ),
    "what a buyer's accountant wants on invoices is what was last set": ("UPDATE billing SET chorus_rule = 'either'",),
    "a paper is the file that was made": ("UPDATE document SET file = sha256 WHERE kind = 'fee'",),
    "a paper asks for what its lines make": ("UPDATE document SET face_cents = 1 WHERE kind = 'face_value'",),
    "papers and books are as they were last set": ("UPDATE paper_settings SET vat_due = 'debits'",),
    "a journal's day is the Paris date of its instant": (
        f"UPDATE journal SET at = at + 86400000000 WHERE id = {of_kind('redeemed')}",
    ),
    "each seal follows the one before": ("DELETE FROM seal WHERE number = 1",),
    "a seal is the hash of its journals": (f"UPDATE journal SET reason = 'autre' WHERE id = {of_kind('redeemed')}",),
    "rows are as their table declares": ("UPDATE till SET merchant_id = 999 WHERE id = 1",),
}
"""By what must hold: how it is broken. Each is tried on its own, in a transaction that is undone."""

SWEPT: dict[Table, set[str]] = {
    journal: set(),
    posting: set(),
    seal_table: set(),
    balance_snapshot: set(),
    reversal: set(),
    settlement_line: set(),
    # Who stood at the till, what the customer spent in all, why a settlement was carried over, when a run's period
    # begins and ends, from which account and when it is paid, and who drafted an order is said once, nowhere else.
    redemption: {"sale_cents", "cashier_id"},
    settlement: {"carried_because"},
    payment_run: {"from_on", "to_on", "debtor_name", "debtor_iban", "debtor_bic", "execution_on"},
    bank_account: set(),
    voucher_order: {"rf_reference", "drafted_by", "drafted_at"},
    order_line: {"line"},
    batch: set(),
    # The prefix is of a code, which is on paper alone.
    voucher: {"offline_prefix"},
    acceptance: set(),
    dispute: set(),
    offline_rule: set(),
    settlement_hold: set(),
    remittance: set(),
    # In which order papers were scanned, and why one was refused, is said once, nowhere else.
    remitted: {"line", "refused"},
    # A file may be called anything.
    document: {"file_name"},
    # Their words alone are in the journal, where a name or an e-mail could not be erased.
    billing: {"email"},
}
"""Tables of which every column is changed in turn, and the columns that only their own row knows."""


@contextmanager
def a_hand_in_the_database(house: Database) -> Iterator[Connection]:
    """Whoever owns the database: no trigger, no constraint holds them. All is undone in the end."""
    with house.engine().connect() as session:
        lite = session.dialect.name == "sqlite"
        driver: Any = session.connection.driver_connection
        if lite:
            driver.execute("PRAGMA foreign_keys = 0")
            driver.execute("PRAGMA ignore_check_constraints = 1")
            for (name,) in session.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
                session.execute(text(f"DROP TRIGGER {name}"))
        else:
            session.execute(text("SET LOCAL session_replication_role = replica"))
            named = "SELECT conrelid::regclass, conname FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0"
            for table, name in session.execute(text(named)).all():
                session.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
        yield session
        session.rollback()
        if lite:
            driver.execute("PRAGMA foreign_keys = 1")
            driver.execute("PRAGMA ignore_check_constraints = 0")


def faults_after(session: Connection, *statements: Any) -> list[Fault]:
    """What verify says of the broken books; the triggers, which the hand took away, aside."""
    undo = session.begin_nested()
    for statement in statements:
        session.execute(text(statement) if isinstance(statement, str) else statement)
    faults = [fault for fault in verify(session) if fault.invariant != "I13"]
    undo.rollback()
    return faults


@pytest.fixture
def full(house: Database) -> FullTown:
    return a_full_town(house)


def test_true_books_have_no_fault(house: Database, full: FullTown) -> None:
    assert house.read(verify) == []


def test_an_empty_house_has_no_fault(house: Database) -> None:
    assert house.read(verify) == []


def test_every_invariant_bites_on_a_row_that_breaks_it(house: Database, full: FullTown) -> None:
    assert {each.says for each in (*INVARIANTS, *WITNESSES, *PAPERS)} <= SEEDS.keys()
    missed = []
    with a_hand_in_the_database(house) as session:
        assert faults_after(session) == []
        for says, statements in SEEDS.items():
            faults = faults_after(session, *statements)
            if says not in {fault.says for fault in faults}:
                missed.append((says, [str(fault) for fault in faults]))
    assert missed == []


def test_no_column_of_the_books_can_be_changed_unseen(house: Database, full: FullTown) -> None:
    missed = []
    with a_hand_in_the_database(house) as session:
        for table, unwitnessed in SWEPT.items():
            for column in table.columns:
                if column.name not in unwitnessed and not faults_after(session, changed(session, table, column)):
                    missed.append(f"{table.name}.{column.name}")
    assert missed == []


def changed(session: Connection, table: Table, column: Column[Any]) -> Update:
    """Another value for one column, in the first row that has something in it."""
    row = session.execute(select(table).where(column.is_not(None)).order_by(*table.primary_key).limit(1)).one()
    after: Any
    match row._mapping[column]:
        case bytes(before):
            after = bytes([before[0] ^ 1]) + before[1:]
        case datetime() as before:
            after = before + timedelta(microseconds=1)
        case date() as before:
            after = before + timedelta(days=1)
        case int(before):
            after = before + (1 if column.name.endswith("cents") else 1_000_000)
        case before:
            after = f"{before}0"
    same = [part == row._mapping[part] for part in table.primary_key]
    return update(table).where(*same).values({column.name: after})


def test_a_trigger_taken_away_switched_off_made_weaker_or_added_is_told(house: Database) -> None:
    lite = house.dialect == "sqlite"
    tampering = (
        ["DROP TRIGGER posting_no_update"],
        ["DROP TRIGGER seal_no_delete", "CREATE TRIGGER seal_no_delete BEFORE DELETE ON seal BEGIN SELECT 1; END"],
        [
            "DROP TRIGGER journal_no_delete",
            "CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal FOR EACH ROW WHEN 0 BEGIN"
            " SELECT RAISE(ABORT, 'journal is append-only'); END",
        ],
        [
            "DROP TRIGGER bank_account_fixed",
            "CREATE TRIGGER bank_account_fixed BEFORE UPDATE ON bank_account FOR EACH ROW WHEN"
            " ((new.id IS DISTINCT FROM old.id)) BEGIN"
            " SELECT RAISE(ABORT, 'this is fixed on a row of bank_account'); END",
        ],
        ["CREATE TRIGGER one_more AFTER INSERT ON failure BEGIN UPDATE voucher SET balance_cents = face_cents; END"],
    ) if lite else (
        ["DROP TRIGGER posting_no_update ON posting"],
        ["ALTER TABLE seal DISABLE TRIGGER seal_no_delete"],
        ["CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"],
        [
            "DROP TRIGGER bank_account_fixed ON bank_account",
            "CREATE TRIGGER bank_account_fixed BEFORE UPDATE ON bank_account FOR EACH ROW WHEN"
            " (new.id IS DISTINCT FROM old.id) EXECUTE FUNCTION"
            " refuse_change('this is fixed on a row of bank_account')",
        ],
        [
            "CREATE TRIGGER one_more BEFORE UPDATE ON staff FOR EACH ROW EXECUTE FUNCTION"
            " suppress_redundant_updates_trigger()",
        ],
        ["CREATE RULE one_more AS ON DELETE TO voucher DO INSTEAD NOTHING"],
    )  # fmt: skip
    for statements in tampering:
        with house.engine().connect() as session:
            for statement in statements:
                session.exec_driver_sql(statement)
            assert "I13" in {fault.invariant for fault in verify(session)}
            session.rollback()


def test_books_rewritten_with_their_seals_are_told_by_the_anchors(house: Database, full: FullTown) -> None:
    newest = house.read(seal.newest, programme_id=full.town.programme_id)
    assert newest is not None
    anchors = {newest.programme_id: (newest.number, newest.to_journal, newest.hash.hex())}
    assert house.read(verify, anchors=anchors) == []
    with a_hand_in_the_database(house) as session:
        session.execute(text("UPDATE journal SET reason = 'autre' WHERE kind = 'redeemed'"))
        session.execute(text("DELETE FROM seal"))
        session.execute(text("DELETE FROM balance_snapshot"))
        seal.seal(session, programme_id=newest.programme_id, upto_journal=newest.to_journal, at=full.at)
        assert faults_after(session) == [], "whoever owns the database can make a chain that holds"
        assert against_anchors(session, anchors=anchors) != []


def test_a_fault_says_where_and_what(house: Database, full: FullTown) -> None:
    with a_hand_in_the_database(house) as session:
        faults = faults_after(session, "UPDATE voucher SET balance_cents = 999 WHERE serial = 12")
    said = next(str(fault) for fault in faults if fault.invariant == "I4")
    assert said.endswith("voucher, programme 1, serial 12: found 999; expected 1000")
