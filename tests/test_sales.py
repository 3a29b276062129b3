"""What a shop is told of its own money: the next settlement, to the cent, before it is proposed."""

from datetime import timedelta

import pytest

from tests.makers import NOON, TODAY, later
from tests.town import Town, a_town
from vouchers import clock, sales
from vouchers.db import Database
from vouchers.sales import Owed

DAY = timedelta(days=1)


def expected(town: Town, *, shop: int = 0, days: int = 0) -> Owed:
    return town.house.read(
        sales.owed_to, programme_id=town.programme_id, merchant_id=town.merchants[shop], at=NOON + days * DAY
    )


def test_what_a_shop_is_told_is_what_the_next_run_pays_it(house: Database) -> None:
    town = a_town(house, vouchers=20, face_cents=1_250)
    assert expected(town) == Owed(0, 0, 0, 0, None)
    town.spend(1, 2, 3)
    town.spend(4, shop=1)
    second = town.spend(5, at=NOON + DAY)
    assert expected(town, days=1) == Owed(5_000, 250, 50, 4_700, TODAY)
    town.undo(second, at=NOON + DAY)
    told = expected(town, days=1)
    run = town.propose(TODAY + DAY, at=NOON + DAY)
    assert expected(town, days=1) == told, "a proposal pays nobody"
    (mine,) = (line for line in run.to_pay if line.merchant_id == town.merchants[0])
    assert (mine.gross_cents, mine.commission_cents, mine.vat_cents, mine.net_cents) == (
        told.owed_cents, told.commission_cents, told.vat_cents, told.net_cents,
    )  # fmt: skip
    town.approve(run, at=NOON + DAY)
    assert expected(town, days=1) == Owed(0, 0, 0, 0, None)
    town.spend(6, at=NOON + 2 * DAY)
    assert expected(town, days=2) == Owed(1_250, 63, 13, 1_174, TODAY + 2 * DAY)


def test_a_transfer_that_came_back_is_paid_again_without_commission(house: Database) -> None:
    town = a_town(house, vouchers=20)
    town.spend(1, 2)
    run = town.export(town.approve(town.propose(TODAY, at=NOON), at=NOON), at=later(hours=1))
    town.returned(run, 0, at=NOON + DAY)
    town.spend(3, at=NOON + 2 * DAY)
    # 2 000 less 100 and 20 came back; 1 000 less 50 and 10 is new.
    assert expected(town, days=2) == Owed(2_880, 50, 10, 2_820, TODAY + DAY)
    (paid,) = house.read(
        sales.payments_to, programme_id=town.programme_id, merchant_id=town.merchants[0], before=None, limit=50
    )
    assert (paid.run_number, paid.state, paid.net_cents) == (run.number, "returned", 1_880)


def test_a_shop_that_was_paid_for_more_than_it_kept_owes_the_difference(house: Database) -> None:
    town = a_town(house, vouchers=20)
    first = town.spend(1, 2)
    town.approve(town.propose(TODAY, at=NOON), at=NOON)
    town.undo(first, 1, at=NOON + DAY)
    assert expected(town, days=1) == Owed(-1_000, -50, -10, -940, TODAY + DAY)


def test_nothing_is_missed_where_the_days_are_not_in_the_order_of_the_journal(house: Database) -> None:
    town = a_town(house, vouchers=20)
    town.spend(1, at=NOON + DAY)
    town.spend(2, at=NOON)
    town.approve(town.propose(TODAY, at=NOON + DAY), at=NOON + DAY)
    assert expected(town, days=1) == Owed(1_000, 50, 10, 940, TODAY + DAY), "older by number than what was settled"


@pytest.mark.parametrize("shop", [0, 1])
def test_a_period_that_was_closed_late_leaves_what_came_after_it(house: Database, shop: int) -> None:
    town = a_town(house, vouchers=20)
    town.spend(1, shop=shop)
    town.spend(2, shop=shop, at=NOON + DAY)
    town.approve(town.propose(TODAY, at=NOON + 2 * DAY), at=NOON + 2 * DAY)
    assert expected(town, shop=shop, days=2) == Owed(1_000, 50, 10, 940, clock.book_day(NOON + DAY))
