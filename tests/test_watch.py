"""Watch: a clean town shows nothing, a staged pattern shows itself and nothing else, and is looked at once."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.makers import NOON, a_merchant, a_till, facts_of, later
from tests.town import TREASURER, Town, a_town
from vouchers import hold, opening, patterns, verify, watch
from vouchers.db import Database
from vouchers.errors import BadInput, NotFound
from vouchers.tables import shop_profile
from vouchers.watch import Sight

LATER = NOON + timedelta(days=3)


def sights(town: Town) -> list[Sight]:
    return town.house.read(watch.sights, programme_id=town.programme_id, at=LATER)


def kinds(town: Town) -> list[str]:
    return sorted(one.pattern.kind for one in sights(town))


def open_from(town: Town, shop: int, *, hours: str) -> None:
    """What the directory says of a shop."""
    week = opening.to_json(opening.parse(hours))
    row = {"merchant_id": town.merchants[shop], "street": "1 rue", "postcode": "50480", "hours": week}
    town.house.write(lambda s: s.execute(shop_profile.insert().values(programme_id=town.programme_id, **row)))


def burst(town: Town) -> None:
    for rank in range(patterns.BURST_BASKETS):
        # Every third serial: a queue of people, none of whom was handed the next one's voucher.
        town.spend(1 + 3 * rank, at=later(seconds=20 * rank))


def sequence(town: Town) -> None:
    for rank in range(4):
        town.spend(1 + 2 * rank, 2 + 2 * rank, at=later(minutes=5 * rank))


def same_cents(town: Town) -> None:
    for rank in range(patterns.SAME_BASKETS):
        town.spend(1 + 3 * rank, cents=735, at=later(minutes=20 * rank))


def out_of_hours(town: Town) -> None:
    open_from(town, 0, hours="Tous les jours : 9h-12h, 14h-19h")
    for rank in range(patterns.OUTSIDE_BASKETS):
        town.spend(1 + 3 * rank, at=later(hours=10, minutes=15 * rank))


def at_night(town: Town) -> None:
    for rank in range(patterns.OUTSIDE_BASKETS):
        town.spend(1 + 3 * rank, at=later(hours=14, minutes=15 * rank))


def late_reversals(town: Town) -> None:
    for rank in range(patterns.LATE_REVERSALS):
        done = town.spend(1 + 3 * rank, at=later(hours=rank))
        town.undo(done, at=later(hours=rank, minutes=9))


def unusual_share(town: Town) -> None:
    house, programme_id = town.house, town.programme_id
    for _ in range(patterns.SHARE_SHOPS):
        town.merchants.append(a_merchant(house, programme_id=programme_id))
        phone = a_till(house, programme_id=programme_id, merchant_id=town.merchants[-1])
        town.tills.append(phone.till.till_id)
        town.spend(100 + len(town.tills), shop=len(town.tills) - 1, at=later(hours=1))
    for rank in range(patterns.SHARE_BASKETS):
        town.spend(1 + 3 * rank, at=later(minutes=13 * rank))


STAGED = [
    (burst, "burst"),
    (sequence, "sequence"),
    (same_cents, "same_cents"),
    (out_of_hours, "out_of_hours"),
    (at_night, "out_of_hours"),
    (late_reversals, "late_reversals"),
    (unusual_share, "share"),
]


def test_an_ordinary_town_shows_nothing_to_look_at(house: Database) -> None:
    town = a_town(house, vouchers=60, use_rule="partial")
    open_from(town, 0, hours="Tous les jours : 9h-12h, 14h-19h")
    town.spend(*range(1, 11), at=NOON)
    town.spend(11, 12, 13, at=later(minutes=2))
    for rank in range(11):
        town.spend(20 + 2 * rank, shop=1, at=later(seconds=20 * rank))
    for rank in range(6):
        town.spend(45 + rank, cents=500, at=later(hours=4, minutes=20 * rank))
    town.spend(52, at=later(hours=7, minutes=30))
    town.undo(town.spend(53, shop=1, at=later(hours=1)), at=later(hours=1, minutes=1))
    town.undo(town.spend(54, shop=1, at=later(hours=1)), at=later(hours=9))
    assert sights(town) == []


@pytest.mark.parametrize(("staged", "kind"), STAGED, ids=[stage.__name__ for stage, _kind in STAGED])
def test_what_is_staged_shows_exactly_its_own_pattern(
    house: Database, staged: Callable[[Town], None], kind: str
) -> None:
    town = a_town(house, vouchers=120, use_rule="partial", reversal_window_minutes=30)
    staged(town)
    (one,) = sights(town)
    assert one.pattern.kind == kind
    assert one.pattern.merchant_id == town.merchants[0]
    assert one.shop_name == "Commerce 0"
    assert one.pattern.cents > 0
    assert one.pattern.first_at <= one.pattern.last_at <= LATER
    assert all(use.merchant_id == town.merchants[0] for use in one.pattern.uses)


def test_a_pattern_rests_on_vouchers_and_a_comparison(house: Database) -> None:
    town = a_town(house, vouchers=40)
    sequence(town)
    town.spend(30, at=later(hours=24))
    (one,) = sights(town)
    assert [use.serial for use in one.pattern.uses] == list(range(1, 9))
    assert (one.pattern.count, one.pattern.cents) == (8, 8_000)
    assert one.pattern.ordinary == 3, "five baskets on two days"
    assert one.pattern.subject == f"{town.tills[0]}/2026-11-20/1"


def test_what_was_looked_at_is_not_shown_again(house: Database) -> None:
    town = a_town(house, vouchers=40)
    burst(town)
    (one,) = sights(town)
    told = {"kind": "burst", "subject": one.pattern.subject, "actor": TREASURER, "at": LATER}
    fine = house.write(
        watch.decide, programme_id=1, because="  marché de Noël, deux vendeuses  ", hold_number=None, **told
    )
    assert (fine.decision, fine.because) == ("fine", "marché de Noël, deux vendeuses")
    assert sights(town) == []
    assert house.read(watch.seen, programme_id=1) == [fine]
    with pytest.raises(NotFound):
        house.write(watch.decide, programme_id=1, because="encore", hold_number=None, **told)
    subject, reason = facts_of(house, programme_id=1, kind="watched")[0]
    assert (subject, reason) == (f"merchant:{town.merchants[0]}", f"burst {one.pattern.subject} fine")
    assert "marché" not in reason, "what people write stays out of the books"


def test_a_shop_whose_pattern_is_held_is_not_settled(house: Database) -> None:
    town = a_town(house, vouchers=40)
    burst(town)
    (one,) = sights(town)

    def held(session: watch.WriteSession) -> watch.Seen:
        shop = one.pattern.merchant_id
        because, what = "à vérifier avec la boutique", {"programme_id": 1, "actor": TREASURER, "at": LATER}
        laid = hold.lay(session, merchant_id=shop, of_posting=None, because=because, **what)
        subject = one.pattern.subject
        return watch.decide(session, kind="burst", subject=subject, because=because, hold_number=laid.number, **what)

    assert house.write(held).hold_number == 1
    assert sights(town) == []
    assert house.read(verify.verify) == []


def test_looking_at_a_pattern_asks_for_a_reason(house: Database) -> None:
    town = a_town(house, vouchers=40)
    burst(town)
    told = {"kind": "burst", "subject": sights(town)[0].pattern.subject, "hold_number": None}
    with pytest.raises(BadInput) as refused:
        house.write(watch.decide, programme_id=1, because=" ", actor=TREASURER, at=LATER, **told)
    assert refused.value.data["field"] == "because"
    assert kinds(town) == ["burst"]


def test_another_programme_sees_none_of_it(house: Database) -> None:
    town, other = a_town(house, vouchers=40), a_town(house, vouchers=1)
    burst(town)
    assert kinds(other) == []
