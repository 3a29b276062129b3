"""A scan becomes money owed to a merchant: whole or not at all, once, and for every no the exact reason."""

from datetime import timedelta

import pytest

from tests.makers import NOON, PEPPER
from tests.town import Town, a_town, reason_of
from vouchers import keys, people, redeem
from vouchers.codes import control_hash
from vouchers.db import Database
from vouchers.errors import KeyReused, Refusal, VoucherUnknown
from vouchers.redeem import Presented


def test_a_basket_is_owed_to_the_shop_and_leaves_the_vouchers(house: Database) -> None:
    town = a_town(house)
    answer = town.scan(3, 1, 2, sale_cents=4_250)
    assert answer.accepted()["cents"] == 3_000
    assert [town.held(serial) for serial in (1, 2, 3, 4)] == [("redeemed", 0)] * 3 + [("active", 1_000)]
    assert (town.owed(0), town.owed(1), town.balance("float")) == (3_000, 0, 7_000)
    town.books_hold()


def test_a_used_voucher_says_when_and_where_and_whether_it_was_here(house: Database) -> None:
    town = a_town(house)
    town.spend(1, shop=0)
    elsewhere, here = town.scan(1, shop=1).refusal, town.scan(1, shop=0).refusal
    assert elsewhere is not None
    assert here is not None
    assert elsewhere.reason == here.reason == "already_redeemed"
    used = elsewhere.data["used"]
    assert isinstance(used, dict)
    assert (used["shop_name"], used["own_shop"], used["cents"]) == ("Commerce 0", False, 1_000)
    assert used["at"] == "2026-11-20T11:00:00.000000Z"
    assert here.data["used"] == used | {"own_shop": True}
    assert town.owed(0) == 1_000


def test_one_bad_voucher_refuses_the_whole_basket(house: Database) -> None:
    town = a_town(house)
    town.spend(5)
    assert reason_of(town.scan(4, 5, 6)) == "already_redeemed"
    assert [town.held(serial) for serial in (4, 6)] == [("active", 1_000)] * 2
    town.books_hold()


def test_the_refusals_come_in_their_documented_order(house: Database) -> None:
    town = a_town(house, vouchers=9)
    stranger = Presented(code_hash=b"x" * 32)
    town.block(2)
    town.cancel(3)
    town.replace(4)
    town.spend(5)

    def refused(*basket: Presented, merchant: int = 0, sale_cents: int | None = None, days: int = 0) -> str:
        try:
            house.write(
                redeem.redeem,
                programme_id=town.programme_id,
                merchant_id=town.merchants[merchant],
                till_id=town.tills[merchant],
                basket=basket,
                sale_cents=sale_cents,
                at=NOON + timedelta(days=days),
            )
        except Refusal as refusal:
            return refusal.reason
        return "accepted"

    good, blocked, cancelled, replaced, used = (town.presented(serial) for serial in (1, 2, 3, 4, 5))
    house.write(
        people.suspend_merchant,
        programme_id=town.programme_id,
        merchant_id=town.merchants[1],
        reason="fermé",
        actor="staff:1",
        at=NOON,
    )
    assert refused() == "basket_size"
    assert refused(*[good] * 21) == "basket_size"
    assert refused(town.presented(1, cents=0), merchant=1) == "bad_input"
    assert refused(stranger, merchant=1) == "merchant_suspended"
    assert refused(good, good, stranger) == "voucher_unknown"
    assert refused(blocked, good, good) == "basket_duplicate"
    assert refused(used, cancelled, blocked) == "voucher_blocked"
    assert refused(used, replaced, cancelled) == "voucher_cancelled"
    assert refused(used, replaced) == "voucher_replaced"
    assert refused(used, days=400) == "already_redeemed"
    assert refused(good, days=400) == "voucher_expired"
    assert refused(town.presented(1, cents=999)) == "partial_use_refused"
    assert refused(good, sale_cents=999) == "bad_input"
    assert refused(good, sale_cents=1_000) == "accepted"
    town.books_hold()


def test_a_printed_voucher_is_paper_until_its_batch_is_activated(house: Database) -> None:
    town = a_town(house, active=False)
    assert reason_of(town.scan(1)) == "voucher_not_active"


def test_a_voucher_can_be_spent_until_the_last_evening_in_paris(house: Database) -> None:
    town = a_town(house, expires_on=NOON.date())
    last_minute = NOON.replace(hour=22, minute=59)
    assert reason_of(town.scan(1, at=last_minute)) == "accepted"
    assert reason_of(town.scan(2, at=last_minute + timedelta(minutes=1))) == "voucher_expired"


def test_partial_use_leaves_the_rest_where_the_programme_allows_it(house: Database) -> None:
    town = a_town(house, use_rule="partial")
    assert reason_of(town.scan(1, cents=400)) == "accepted"
    assert town.held(1) == ("active", 600)
    assert reason_of(town.scan(1, cents=601)) == "amount_above_balance"
    assert town.scan(1).accepted()["cents"] == 600
    assert town.held(1) == ("redeemed", 0)
    town.books_hold()


def test_the_same_key_gives_the_first_answer_for_ever_even_a_refusal(house: Database) -> None:
    town = a_town(house)
    first = town.scan(1, key="k")
    again = town.scan(1, key="k", at=NOON + timedelta(days=3_000))
    assert (again.value, again.replayed) == (first.value, True)
    refused = town.scan(1, 2, key="n")
    town.undo(first.accepted()["redemption"])
    replayed = town.scan(1, 2, key="n")
    assert reason_of(refused) == reason_of(replayed) == "already_redeemed"
    assert refused.refusal is not None
    assert replayed.refusal is not None
    assert replayed.refusal.data == refused.refusal.data
    assert town.owed(0) == 0
    town.books_hold()


def test_the_same_key_with_other_content_is_refused_and_writes_nothing(house: Database) -> None:
    town = a_town(house)
    town.spend(1, key="k")
    with pytest.raises(KeyReused):
        town.scan(2, key="k")
    assert town.held(2) == ("active", 1_000)


def test_one_tills_key_is_not_anothers(house: Database) -> None:
    town = a_town(house)
    assert town.scan(1, shop=0, key="k").replayed is False
    assert town.scan(2, shop=1, key="k").replayed is False


def test_serial_and_control_code_stand_for_a_damaged_qr_but_not_one_without_the_other(house: Database) -> None:
    town = a_town(house)
    secret = town.secrets[7]
    right = control_hash(PEPPER, programme_id=town.programme_id, serial=7, control_code=secret.control_code)

    def look(serial: int, hashed: bytes) -> int:
        return house.read(
            redeem.look_up,
            programme_id=town.programme_id,
            presented=Presented(serial=serial, control_hash=hashed),
            merchant_id=None,
            at=NOON,
        ).serial

    assert look(7, right) == 7
    for serial, hashed in ((8, right), (7, b"x" * 32), (7, b"")):
        with pytest.raises(VoucherUnknown):
            look(serial, hashed)


def test_a_voucher_of_another_programme_is_unknown_here(house: Database) -> None:
    here, there = a_town(house), a_town(house)
    foreign = there.presented(1)
    with pytest.raises(VoucherUnknown):
        house.read(redeem.look_up, programme_id=here.programme_id, presented=foreign, merchant_id=None, at=NOON)
    here.secrets[1] = there.secrets[1]
    assert reason_of(here.scan(1)) == "voucher_unknown"
    assert there.held(1) == ("active", 1_000)


def test_looking_up_spends_nothing_and_says_what_would_be_refused(house: Database) -> None:
    town = a_town(house)

    def seen(town: Town, serial: int) -> redeem.Seen:
        return house.read(
            redeem.look_up,
            programme_id=town.programme_id,
            presented=town.presented(serial),
            merchant_id=town.merchants[0],
            at=NOON,
        )

    assert (seen(town, 1).balance_cents, seen(town, 1).refusal) == (1_000, None)
    town.spend(1)
    used = seen(town, 1).refusal
    assert used is not None
    assert used.reason == "already_redeemed"
    assert keys.Answer(None, used, replayed=False).refusal is used
