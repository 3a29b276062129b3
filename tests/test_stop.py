"""Stopping vouchers: each step that may be taken, each that may not, and where the money goes."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.makers import (
    NOON,
    PEPPER,
    TODAY,
    a_batch,
    a_buyer,
    a_programme,
    an_order,
    books_hold,
    cents_on,
    facts_of,
    moves_of,
    vouchers_of,
)
from vouchers import expire, issue, order, order_book, stop
from vouchers.codes import new_secrets
from vouchers.db import Database
from vouchers.errors import BadInput, BatchState, NotFound, Refusal, SamePerson, VoucherExpired
from vouchers.order_book import Line
from vouchers.stop import Replacement, Stopped
from vouchers.tables import voucher

Act = Callable[..., list[Stopped]]


def done(house: Database, act: Act, *serials: int, at: datetime = NOON) -> list[Stopped]:
    return house.write(lambda s: act(s, programme_id=1, serials=serials, actor="staff:3", reason="perdu", at=at))


def replaced(house: Database, *serials: int, at: datetime = NOON) -> list[Replacement]:
    fresh = new_secrets(len(serials))
    return house.write(
        lambda s: stop.replace(
            s,
            programme_id=1,
            serials=serials,
            secrets=fresh,
            pepper=PEPPER,
            actor="staff:3",
            reason="perdu",
            at=at,
        )
    )


def activated(house: Database, *serials: int, actor: str = "staff:4") -> list[Stopped]:
    return house.write(lambda s: stop.activate_replacements(s, programme_id=1, serials=serials, actor=actor, at=NOON))


def state_of(house: Database) -> dict[int, str]:
    return {serial: state for serial, state, _ in vouchers_of(house, programme_id=1)}


def reason_of(house: Database, act: Act, *serials: Any, at: datetime = NOON) -> str:
    """Why `act` is refused."""
    with pytest.raises(Refusal) as refused:
        done(house, act, *serials, at=at)
    assert refused.value.text("fr")
    assert refused.value.text("en")
    return refused.value.reason


def spend(house: Database, serial: int, left_cents: int) -> None:
    """As a redemption leaves the row."""
    state = "active" if left_cents else "redeemed"
    house.write(
        lambda s: s.execute(
            voucher.update().where(voucher.c.serial == serial).values(state=state, balance_cents=left_cents)
        )
    )


def a_town(house: Database, *, upto: str = "active", **what: Any) -> None:
    programme_id = a_programme(house)
    a_batch(
        house,
        paid=an_order(house, programme_id=programme_id, buyer_id=a_buyer(house, programme_id=programme_id), **what),
        upto=upto,
    )


def test_a_lost_voucher_is_blocked_and_found_again(house: Database) -> None:
    a_town(house)
    assert [each.state for each in done(house, stop.block, 7, 3)] == ["blocked", "blocked"]
    assert facts_of(house, programme_id=1, kind="blocked") == [("voucher:3", "perdu"), ("voucher:7", "perdu")]
    assert reason_of(house, stop.block, 1, 3) == "voucher_blocked"
    assert reason_of(house, stop.unblock, 7, 1) == "voucher_not_blocked"
    assert state_of(house)[1] == "active"
    done(house, stop.unblock, 3, 7)
    assert set(state_of(house).values()) == {"active"}
    assert moves_of(house, programme_id=1, kind="blocked") + moves_of(house, programme_id=1, kind="unblocked") == []


def test_a_list_is_stopped_whole_or_not_at_all(house: Database) -> None:
    a_town(house)
    before = vouchers_of(house, programme_id=1)
    done(house, stop.cancel, 5)
    for act in (stop.block, stop.cancel):
        assert reason_of(house, act, 1, 5, 9) == "voucher_cancelled"
        assert reason_of(house, act, 1, 99) == "voucher_unknown"
        assert reason_of(house, act, 1, 10**30) == "voucher_unknown"
        assert reason_of(house, act, 1, -4) == "voucher_unknown"
        for bad in ((), (1, 1), (True,), (1.0,), range(10_001)):
            assert reason_of(house, act, *bad) == "bad_input"
    assert [row for row in vouchers_of(house, programme_id=1) if row[0] != 5] == [row for row in before if row[0] != 5]


def test_cancelling_credits_the_buyer_with_what_is_left_and_no_more(house: Database) -> None:
    a_town(house)
    spend(house, 2, 400)
    spend(house, 3, 0)
    done(house, stop.block, 4)
    assert [each.cents for each in done(house, stop.cancel, 4, 2, 1)] == [1_000, 400, 1_000]
    assert moves_of(house, programme_id=1, kind="cancelled") == [
        ("float", "receivable:1", 1_000, 1),
        ("float", "receivable:1", 400, 2),
        ("float", "receivable:1", 1_000, 4),
    ]
    assert cents_on(house, programme_id=1, account="receivable:1") == -2_400
    assert reason_of(house, stop.cancel, 3) == "already_redeemed"
    assert reason_of(house, stop.unblock, 4) == "voucher_closed"


def test_an_order_that_a_credit_settles_pays_its_vat_once(house: Database) -> None:
    programme_id = a_programme(house)
    buyer_id = a_buyer(house, programme_id=programme_id, exposure_cap_cents=50_000)
    signed = an_order(
        house, programme_id=programme_id, buyer_id=buyer_id, upto="accepted", purchase_order="BC", fee_cents=500
    )
    a_batch(house, paid=signed)

    def pay(cents: int) -> None:
        house.write(
            lambda s: order.record_payment(
                s,
                programme_id=1,
                number=1,
                cents=cents,
                bank_reference=f"VIR {cents}",
                received_on=TODAY,
                actor="staff:3",
                at=NOON,
            )
        )

    pay(9_000)
    assert cents_on(house, programme_id=1, account="vat") == 0
    done(house, stop.cancel, 1, 2)
    assert (cents_on(house, programme_id=1, account="vat"), cents_on(house, programme_id=1, account="vat_pending")) == (
        100,
        0,
    )
    done(house, stop.cancel, 3)
    pay(1)
    assert cents_on(house, programme_id=1, account="vat") == 100
    assert house.read(lambda s: order_book.find(s, programme_id=1, number=1)).owed_cents == 10_600 - 9_001 - 3_000


def test_a_replacement_carries_only_what_was_left(house: Database) -> None:
    a_town(house)
    spend(house, 2, 400)
    float_cents = cents_on(house, programme_id=1, account="float")
    done(house, stop.block, 7)
    first, second = replaced(house, 7, 2)
    assert [(each.replaced_serial, each.serial, each.face_cents) for each in (first, second)] == [
        (2, 11, 400),
        (7, 12, 1_000),
    ]
    assert first.expires_on.isoformat() == "2027-06-30"
    assert vouchers_of(house, programme_id=1)[1] == (2, "replaced", 0)
    assert vouchers_of(house, programme_id=1)[10:] == [(11, "printed", 400), (12, "printed", 1_000)]
    assert moves_of(house, programme_id=1, kind="replaced") == [
        ("float", "suspense", 400, 2),
        ("suspense", "float", 400, 11),
        ("float", "suspense", 1_000, 7),
        ("suspense", "float", 1_000, 12),
    ]
    assert cents_on(house, programme_id=1, account="float") == float_cents
    with pytest.raises(Refusal) as refused:
        replaced(house, 2)
    assert refused.value.data == {"serial": 2, "replaced_on": TODAY.isoformat()}
    with pytest.raises(BadInput):
        house.write(
            lambda s: stop.replace(
                s, programme_id=1, serials=[1], secrets=[], pepper=PEPPER, actor="a", reason="", at=NOON
            )
        )


def test_a_replacement_is_activated_by_another_person_and_not_before_its_batch(house: Database) -> None:
    a_town(house, upto="printed")
    (new,) = replaced(house, 2)
    with pytest.raises(BatchState):
        activated(house, new.serial)
    # staff:4 activates the batch; the replacement, which nobody else has looked at, is not swept along.
    house.write(lambda s: issue.activate(s, programme_id=1, batch_number=1, actor="staff:4", at=NOON))
    assert (state_of(house)[2], state_of(house)[1], state_of(house)[new.serial]) == ("replaced", "active", "printed")
    assert facts_of(house, programme_id=1, kind="activated") == [("batch:1", "9")]
    with pytest.raises(SamePerson):
        activated(house, new.serial, actor="staff:3")
    assert [each.state for each in activated(house, new.serial)] == ["active"]
    for serial in (new.serial, 1):
        with pytest.raises(NotFound):
            activated(house, serial)
    (newer,) = replaced(house, new.serial)
    assert (newer.serial, newer.face_cents) == (12, 1_000)
    assert house.read(lambda s: books_hold(s, programme_id=1))


def test_a_voucher_whose_day_is_over_refuses_whether_swept_or_not(house: Database) -> None:
    a_town(house, lines=(Line(1_000, 3),))
    done(house, stop.block, 3)
    after = NOON + timedelta(days=365)
    for _ in range(2):
        for act in (stop.block, stop.cancel):
            assert reason_of(house, act, 1, at=after) == "voucher_expired"
        with pytest.raises(VoucherExpired):
            replaced(house, 1, at=after)
        house.write(lambda s: expire.expire(s, programme_id=1, limit=100, actor="house", at=after))
    assert state_of(house) == {1: "expired", 2: "expired", 3: "blocked"}
    assert reason_of(house, stop.unblock, 1) == "voucher_closed"
    done(house, stop.unblock, 3, at=after)
    house.write(lambda s: expire.expire(s, programme_id=1, limit=100, actor="house", at=after))
    assert cents_on(house, programme_id=1, account="float") == 0


def test_a_voucher_not_yet_active_can_be_cancelled_but_not_blocked(house: Database) -> None:
    a_town(house, upto="printed")
    assert reason_of(house, stop.block, 1) == "voucher_not_active"
    assert done(house, stop.cancel, 1)[0].state == "cancelled"


def test_of_many_who_stop_the_same_vouchers_at_once_one_does(house: Database) -> None:
    a_town(house)

    def race(serials: Sequence[int]) -> str:
        try:
            return done(house, stop.cancel, *serials)[0].state
        except Refusal as refusal:
            return refusal.reason

    with ThreadPoolExecutor(6) as people:
        outcomes = sorted(people.map(race, [(1, 2, 3), (3, 2, 1), (2, 1, 3)] * 2))
    assert outcomes == ["cancelled"] + ["voucher_cancelled"] * 5
    assert cents_on(house, programme_id=1, account="receivable:1") == -3_000
    assert house.read(lambda s: books_hold(s, programme_id=1))
