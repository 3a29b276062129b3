"""A period is closed and paid: to the cent, once, by two people, and a returned transfer is owed again."""

from datetime import date, timedelta

import pytest

from tests.makers import NOON, a_merchant, a_till, an_account
from tests.town import TREASURER, a_town
from vouchers import bank_accounts, people, runs, settle
from vouchers.db import Database
from vouchers.errors import (
    BadInput,
    FiguresChanged,
    NothingToSettle,
    NotInRun,
    RunOpen,
    RunState,
    SamePerson,
)

TODAY = date(2026, 11, 20)
TOMORROW = NOON + timedelta(days=1)


def test_gross_less_commission_and_vat_is_what_the_bank_is_told_to_pay(house: Database) -> None:
    town = a_town(house, commission_bp=500, vat_bp=2_000)
    town.spend(1, 2, 3, shop=0)
    town.spend(4, shop=1)
    run = town.approve(town.propose(TODAY, at=NOON), at=NOON)
    first, second = run.to_pay
    assert (first.gross_cents, first.commission_cents, first.vat_cents, first.net_cents) == (3_000, 150, 30, 2_820)
    assert second.net_cents == 940
    assert (town.owed(0), town.balance("in_transit:1")) == (0, 3_760)
    assert (town.balance("commission"), town.balance("vat")) == (200, 40)
    town.execute(town.export(run, at=NOON), at=TOMORROW)
    assert (town.balance("in_transit:1"), town.balance("bank")) == (0, 10_000 - 3_760)
    town.books_hold()


def test_a_statement_goes_down_to_the_voucher_and_sums_to_the_gross(house: Database) -> None:
    town = a_town(house)
    town.spend(1, 2)
    town.undo(town.spend(3))
    run = town.approve(town.propose(TODAY, at=NOON), at=NOON)
    lines = house.read(runs.lines_of, programme_id=town.programme_id, number=run.number, merchant_id=town.merchants[0])
    assert [(line.kind, line.serial, line.cents) for line in lines] == [
        ("redeemed", 1, 1_000),
        ("redeemed", 2, 1_000),
        ("redeemed", 3, 1_000),
        ("reversed", 3, -1_000),
    ]
    assert sum(line.cents for line in lines) == run.to_pay[0].gross_cents


def test_nothing_is_settled_twice_and_what_came_after_waits_for_the_next_run(house: Database) -> None:
    town = a_town(house)
    town.spend(1)
    proposed = town.propose(TODAY, at=NOON)
    town.spend(2)
    first = town.approve(proposed, at=NOON)
    assert first.to_pay[0].gross_cents == 1_000
    with pytest.raises(RunState):
        town.approve(proposed, at=NOON)
    second = town.approve(town.propose(TODAY, at=NOON), at=NOON)
    assert second.to_pay[0].gross_cents == 1_000
    with pytest.raises(NothingToSettle):
        town.propose(TODAY, at=NOON)
    town.books_hold()


def test_a_run_covers_its_period_and_not_the_day_after(house: Database) -> None:
    town = a_town(house)
    town.spend(1)
    town.spend(2, at=TOMORROW)
    run = town.propose(TODAY, at=TOMORROW)
    assert run.settlements[0].gross_cents == 1_000
    assert (run.from_on, run.to_on) == (date(2026, 11, 1), TODAY)
    with pytest.raises(BadInput):
        town.propose(TODAY + timedelta(days=9), at=TOMORROW)


def test_a_reversal_after_settlement_is_a_counter_entry_of_the_next_run(house: Database) -> None:
    town = a_town(house)
    sale = town.spend(1)
    town.execute(town.export(town.approve(town.propose(TODAY, at=NOON), at=NOON), at=NOON), at=NOON)
    town.undo(sale, at=TOMORROW)
    town.spend(2, 3, at=TOMORROW)
    run = town.propose(TODAY + timedelta(days=1), at=TOMORROW)
    line = run.to_pay[0]
    assert (line.gross_cents, line.commission_cents, line.vat_cents) == (1_000, 50, 10)
    town.approve(run, at=TOMORROW)
    town.books_hold()


def test_a_shop_that_owes_more_than_it_is_owed_is_carried_over(house: Database) -> None:
    town = a_town(house)
    sale = town.spend(1, shop=0)
    town.approve(town.propose(TODAY, at=NOON), at=NOON)
    town.undo(sale, at=TOMORROW)
    town.spend(2, shop=1, at=TOMORROW)
    run = town.approve(town.propose(TODAY + timedelta(days=1), at=TOMORROW), at=TOMORROW)
    carried = [line for line in run.settlements if line.state == "carried"]
    assert [(line.merchant_id, line.carried_because) for line in carried] == [(town.merchants[0], "nothing_due")]
    # Its account stands at -1 000: the commission it was charged comes back with the counter-entry that waits.
    assert town.owed(0) == -1_000
    town.books_hold()


def test_shops_without_an_account_or_suspended_are_carried_over_and_listed(house: Database) -> None:
    town = a_town(house, shops=2)
    without = a_merchant(house, programme_id=town.programme_id, shop_name="Sans compte")
    town.merchants.append(without)
    town.tills.append(a_till(house, programme_id=town.programme_id, merchant_id=without).till.till_id)
    for shop in range(3):
        town.spend(shop + 1, shop=shop)
    house.write(
        people.suspend_merchant,
        programme_id=town.programme_id,
        merchant_id=town.merchants[1],
        reason="fraude",
        actor=TREASURER,
        at=NOON,
    )
    run = town.approve(town.propose(TODAY, at=NOON), at=NOON)
    assert [line.carried_because for line in run.settlements] == [None, "suspended", "no_account"]
    an_account(house, programme_id=town.programme_id, merchant_id=without)
    again = town.propose(TODAY, at=NOON)
    assert [line.merchant_id for line in again.to_pay] == [without]


def test_no_one_approves_what_they_proposed(house: Database) -> None:
    town = a_town(house)
    town.spend(1)
    with pytest.raises(SamePerson):
        town.approve(town.propose(TODAY, at=NOON), at=NOON, by=TREASURER)
    assert town.owed(0) == 1_000


def test_one_run_is_open_at_a_time_and_can_be_withdrawn(house: Database) -> None:
    town = a_town(house)
    town.spend(1)
    first = town.propose(TODAY, at=NOON)
    with pytest.raises(RunOpen):
        town.propose(TODAY, at=NOON)
    house.write(
        settle.withdraw,
        programme_id=town.programme_id,
        number=first.number,
        actor=TREASURER,
        reason="trop tôt",
        at=NOON,
    )
    assert town.propose(TODAY, at=NOON).number == first.number + 1


def test_an_account_that_changed_since_the_proposal_stops_the_approval(house: Database) -> None:
    town = a_town(house)
    town.spend(1)
    an_account(house, programme_id=town.programme_id, merchant_id=town.merchants[0], at=NOON)
    run = town.propose(TODAY, at=NOON)
    in_force = house.read(
        bank_accounts.account_in_force,
        programme_id=town.programme_id,
        merchant_id=town.merchants[0],
        at=NOON + timedelta(hours=48),
    )
    assert in_force is not None
    assert in_force.iban != run.to_pay[0].iban
    with pytest.raises(FiguresChanged):
        town.approve(run, at=NOON + timedelta(hours=48))
    assert town.owed(0) == 1_000


@pytest.mark.parametrize("executed", [False, True])
def test_a_returned_transfer_is_owed_again_and_paid_without_a_second_commission(
    house: Database, executed: bool
) -> None:
    town = a_town(house)
    town.spend(1, shop=0)
    town.spend(2, shop=1)
    run = town.export(town.approve(town.propose(TODAY, at=NOON), at=NOON), at=NOON)
    if executed:
        town.execute(run, at=NOON)
    town.returned(run, 1, at=TOMORROW)
    assert town.owed(1) == 940
    with pytest.raises(NotInRun):
        town.returned(run, 1, at=TOMORROW)
    if not executed:
        town.execute(run, at=TOMORROW)
    again = town.approve(town.propose(TODAY + timedelta(days=1), at=TOMORROW), at=TOMORROW)
    (line,) = again.to_pay
    assert (line.gross_cents, line.brought_cents, line.commission_cents, line.net_cents) == (0, 940, 0, 940)
    town.execute(town.export(again, at=TOMORROW), at=TOMORROW)
    assert town.balance("bank") == 10_000 - 940 - 940
    town.books_hold()
