"""A redemption is undone in whole, at most once, by the right people, and its history stays."""

from datetime import timedelta

import pytest

from tests.makers import NOON
from tests.town import a_town, reason_of
from vouchers import reverse
from vouchers.db import Database
from vouchers.errors import AlreadyReversed, RedemptionUnknown, VoucherClosed, WindowClosed


def _at_shop(town, shop: int, redemption_id: int, minutes: int) -> reverse.Reversed:
    return town.house.write(
        reverse.reverse_at_shop,
        programme_id=town.programme_id,
        redemption_id=redemption_id,
        serials=None,
        merchant_id=town.merchants[shop],
        actor=f"till:{town.tills[shop]}",
        reason="erreur de caisse",
        at=NOON + timedelta(minutes=minutes),
    )


def test_a_shop_undoes_its_own_redemption_within_its_window(house: Database) -> None:
    town = a_town(house, reversal_window_minutes=15)
    sale = town.spend(1, 2)
    assert _at_shop(town, 0, sale, minutes=15).cents == 2_000
    assert (town.owed(0), town.held(1), town.balance("float")) == (0, ("active", 1_000), 10_000)
    assert reason_of(town.scan(1, shop=1)) == "accepted"
    town.books_hold()


def test_after_the_window_only_the_treasurer_can(house: Database) -> None:
    town = a_town(house, reversal_window_minutes=15)
    sale = town.spend(1)
    with pytest.raises(WindowClosed):
        _at_shop(town, 0, sale, minutes=16)
    assert town.undo(sale, at=NOON + timedelta(days=3)).cents == 1_000


def test_another_shops_redemption_is_unknown(house: Database) -> None:
    town = a_town(house)
    sale = town.spend(1, shop=0)
    with pytest.raises(RedemptionUnknown):
        _at_shop(town, 1, sale, minutes=1)
    with pytest.raises(RedemptionUnknown):
        town.undo(sale, 2)


def test_nothing_is_put_back_twice(house: Database) -> None:
    town = a_town(house)
    sale = town.spend(1, 2, 3)
    town.undo(sale, 2)
    with pytest.raises(AlreadyReversed):
        town.undo(sale, 1, 2)
    assert town.undo(sale).cents == 2_000
    with pytest.raises(AlreadyReversed):
        town.undo(sale)
    assert town.owed(0) == 0
    town.books_hold()


def test_a_blocked_voucher_gets_its_money_back_and_stays_blocked(house: Database) -> None:
    town = a_town(house, use_rule="partial")
    sale = town.spend(1, cents=300)
    town.block(1)
    town.undo(sale)
    assert town.held(1) == ("blocked", 1_000)
    town.books_hold()


def test_a_closed_voucher_takes_nothing_back(house: Database) -> None:
    town = a_town(house, use_rule="partial")
    sale = town.spend(1, cents=300)
    town.replace(1)
    with pytest.raises(VoucherClosed):
        town.undo(sale)
    town.books_hold()
