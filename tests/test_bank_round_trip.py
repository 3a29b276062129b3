"""Round trip with a bank: our transfers go in, its statements come out, and the books and the bank agree."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.bank import OUR_IBAN, Bank, a_bank
from tests.makers import an_order
from tests.town import TREASURER, Town, a_town
from vouchers import bank_desk, bank_statements, chart, workshop
from vouchers.bank_desk import Taken
from vouchers.bank_statements import Standing
from vouchers.db import Database
from vouchers.errors import StatementKnown
from vouchers.order_book import Line, find
from vouchers.proposals import Proposal
from vouchers.runs import Run, find_run
from vouchers.tables import bank_account, issuer

MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)


@pytest.fixture
def bank() -> Iterator[Bank]:
    with a_bank(at="2026-11-23T09:00") as opened:
        yield opened


@pytest.fixture
def town(house: Database) -> Town:
    """Its issuer's account is the one that the bank holds."""
    town = a_town(house, at=MONDAY - timedelta(days=3))
    house.write(lambda session: session.execute(issuer.update().values(iban=OUR_IBAN)))
    return town


def handed_out(town: Town, bank: Bank, *, to_on: datetime, at: datetime) -> Run:
    """The run up to a day, approved, exported, and in the bank's hands."""
    run = town.approve(town.propose(to_on.date(), at=at), at=at)
    content = workshop.export_bank_file(
        town.house, programme_id=town.programme_id, number=run.number, actor=TREASURER, now=lambda: at
    )
    assert bank.pay(content)["rejected"] == 0
    return run


def collected(town: Town, bank: Bank, kind: str, *, at: datetime) -> list[Taken]:
    """Every message of a kind that the bank has for us, read and taken."""
    return [taken(town, content, at=at) for content in bank.sent(kind)]


def taken(town: Town, content: bytes, *, at: datetime) -> Taken:
    read = bank_desk.read_file(content)
    return town.house.write(bank_desk.take, programme_id=town.programme_id, file=read, actor=TREASURER, at=at)


def certain_booked(town: Town, *, at: datetime) -> list[Proposal]:
    return town.house.write(bank_desk.confirm_certain, programme_id=town.programme_id, actor=TREASURER, at=at)


def standing(town: Town) -> Standing:
    return town.house.read(bank_statements.standing, programme_id=town.programme_id)


def run_of(town: Town, number: int) -> Run:
    return town.house.read(find_run, programme_id=town.programme_id, number=number)


def test_a_buyers_transfer_with_our_reference_pays_its_order_and_a_second_statement_pays_nothing(
    town: Town, bank: Bank
) -> None:
    owing = an_order(
        town.house, programme_id=town.programme_id, buyer_id=town.buyer_id, upto="approved", lines=(Line(1_000, 4),)
    )
    payer = {"name": "DDFIP DE LA MANCHE", "iban": "FR1420041010050500013M02606"}
    bank.receive(4_000, debtor=payer, reference=owing.rf_reference)
    bank.receive(777, debtor=payer, note="sans rapport")
    collected(town, bank, "camt.054", at=MONDAY)
    bank.advance(days=1)
    contents, at = bank.sent("camt.053"), MONDAY + timedelta(days=1)
    for content in contents:
        (statement,) = taken(town, content, at=at).statements
        assert (statement.lines, statement.known_lines) == (0, 2), "the notification had told of them"
    assert [(one.kind, one.reason) for one in certain_booked(town, at=at)] == [("orders", "rf")]
    paid = town.house.read(find, programme_id=town.programme_id, number=owing.number)
    assert (paid.state, paid.owed_cents) == ("paid", 0)
    for content in contents:
        with pytest.raises(StatementKnown):
            taken(town, content, at=at)
    assert certain_booked(town, at=at) == []
    assert standing(town).open_cents == 777
    town.books_hold()


def test_a_run_is_executed_by_its_debits_and_a_closed_account_is_paid_again_by_the_next(town: Town, bank: Bank) -> None:
    friday = MONDAY - timedelta(days=3)
    town.spend(1, 2, at=friday)
    town.spend(3, shop=1, at=friday)
    bank.behave(behaviour="return-later", parameters={"days": 2, "reason": "AC04"})
    run = handed_out(town, bank, to_on=friday, at=MONDAY)
    (report,) = collected(town, bank, "pain.002", at=MONDAY)
    assert (report.run_number, report.returned, report.status) == (1, (), "ACCP")

    bank.advance(days=2)
    at = MONDAY + timedelta(days=2)
    collected(town, bank, "camt.053", at=at)
    assert [one.kind for one in certain_booked(town, at=at)] == ["run"]
    assert run_of(town, 1).state == "executed"
    assert town.balance(chart.in_transit(1)) == 0

    bank.advance(days=5)
    at = MONDAY + timedelta(days=7)
    collected(town, bank, "camt.053", at=at)
    collected(town, bank, "camt.054", at=at)
    returned = certain_booked(town, at=at)
    assert [one.kind for one in returned] == ["returned", "returned"]
    assert [line.state for line in run_of(town, 1).to_pay] == ["returned", "returned"]
    assert [town.owed(shop) for shop in (0, 1)] == [line.net_cents for line in run.to_pay]
    assert standing(town).difference_cents == standing(town).earlier_cents - standing(town).unseen_cents

    bank.behave(behaviour="accept")
    bank.advance(days=1)
    again = handed_out(town, bank, to_on=at, at=at + timedelta(days=1))
    assert again.pay_cents == run.pay_cents, "what came back is owed without commission"
    bank.advance(days=3)
    at += timedelta(days=4)
    collected(town, bank, "camt.053", at=at)
    assert [one.kind for one in certain_booked(town, at=at)] == ["run"]
    assert [town.owed(shop) for shop in (0, 1)] == [0, 0]
    assert [line.state for line in run_of(town, 2).to_pay] == ["paid", "paid"]
    town.books_hold()


def test_a_transfer_that_the_bank_refuses_at_once_reopens_its_shop_before_anything_is_debited(
    town: Town, bank: Bank
) -> None:
    friday = MONDAY - timedelta(days=3)
    town.spend(1, 2, at=friday)
    town.spend(3, shop=1, at=friday)
    account = bank_account.select().where(bank_account.c.merchant_id == town.merchants[1])
    closed = town.house.read(lambda session: session.execute(account).one().iban)
    bank.open_account("FERME", name="Commerce 1", iban=closed, closed=True)
    run = town.approve(town.propose(friday.date(), at=MONDAY), at=MONDAY)
    content = workshop.export_bank_file(
        town.house, programme_id=town.programme_id, number=run.number, actor=TREASURER, now=lambda: MONDAY
    )
    bank.pay(content)
    (report,) = collected(town, bank, "pain.002", at=MONDAY)
    assert report.returned == (town.merchants[1],)
    bank.advance(days=2)
    at = MONDAY + timedelta(days=2)
    collected(town, bank, "camt.053", at=at)
    assert [one.kind for one in certain_booked(town, at=at)] == ["run"]
    assert [line.state for line in run_of(town, 1).to_pay] == ["paid", "returned"]
    town.books_hold()
