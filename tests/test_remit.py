"""Paper by post: counted against its slip, redeemed once, and good until the presentation deadline."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.makers import NOON, PEPPER, TODAY, facts_of, moves_of
from tests.pile import a_pile, closed, pass_paper, take_back_the_last
from tests.town import APPROVER, TREASURER, Town, a_town
from vouchers import codes, expire, people, remit, reverse, sales, stop
from vouchers.db import Database
from vouchers.errors import BadInput, NotFound, NothingToUndo, RedemptionUnknown, RemittanceClosed
from vouchers.pages.remittances import read_paper
from vouchers.redeem import Presented

LAST = date(2027, 6, 30)
DEADLINE = date(2027, 9, 30)


def outcomes(town: Town, pile: int, *serials: int, at: datetime = NOON) -> list[str]:
    told = [pass_paper(town, pile, serial, at=at) for serial in serials]
    return [one.get("reason", one["outcome"]) for one in told]


def pile_of(town: Town, number: int) -> remit.Remittance:
    return town.house.read(remit.find_remittance, programme_id=town.programme_id, number=number)


def test_each_paper_is_a_redemption_of_its_shop_and_is_counted_against_the_slip(house: Database) -> None:
    town = a_town(house)
    town.spend(9, shop=1)
    pile = a_pile(town, slip=(4, 4_000))
    assert outcomes(town, pile, 1, 2, 1, 9) == ["accepted", "accepted", "already_in_pile", "already_redeemed"]
    now = pile_of(town, pile)
    assert (now.count, now.cents, now.refused_count, now.refused_cents) == (2, 2_000, 1, 1_000)
    assert town.owed(0) == 2_000
    shop = f"merchant:{town.merchants[0]}"
    assert moves_of(house, programme_id=1, kind="redeemed")[1:] == [
        ("float", shop, 1_000, 1),
        ("float", shop, 1_000, 2),
    ]
    of_day = {"programme_id": 1, "merchant_id": town.merchants[0], "day": TODAY, "before": None, "limit": 10}
    assert [(one.till_id, one.till_label) for one in house.read(sales.redemptions_of, **of_day)] == [
        (None, "courrier"),
        (None, "courrier"),
    ]
    town.books_hold()


def test_a_duplicate_names_the_day_and_the_shop_of_its_first_use(house: Database) -> None:
    town = a_town(house)
    town.spend(1, shop=1)
    pile = a_pile(town)
    pass_paper(town, pile, 1)
    pass_paper(town, pile, Presented(code_hash=codes.code_hash(PEPPER, codes.new_code())))
    unknown, used = house.read(remit.scanned_of, programme_id=1, number=pile)
    assert (unknown.serial, unknown.cents, used.serial, used.cents) == (None, 0, 1, 1_000)
    assert used.refusal is not None
    first = used.refusal.data["used"]
    assert isinstance(first, dict) and first["shop_name"] == "Commerce 1" and first["at"].startswith("2026-11-20")


def test_paper_spent_in_time_is_taken_until_the_deadline_and_never_after(house: Database) -> None:
    town = a_town(house, expires_on=LAST, presentation_deadline_on=DEADLINE)
    afterwards = datetime(2027, 8, 1, 10, tzinfo=UTC)
    last_hour = datetime(2027, 9, 30, 21, 59, tzinfo=UTC)
    assert town.scan(1, at=afterwards).refusal is not None, "no till takes it any more"
    swept = house.write(expire.expire, programme_id=1, limit=100, actor="system", at=last_hour)
    assert swept.count == 0, "paper spent in time may still arrive"
    in_time = a_pile(town, spent_on=LAST, at=afterwards)
    too_late = a_pile(town, spent_on=LAST + timedelta(days=1), at=afterwards)
    assert outcomes(town, too_late, 1, at=afterwards) == ["voucher_expired"]
    assert outcomes(town, in_time, 1, at=afterwards) == ["accepted"]
    assert outcomes(town, in_time, 2, at=last_hour) == ["accepted"]
    assert outcomes(town, in_time, 3, at=last_hour + timedelta(minutes=1)) == ["presentation_over"]
    after = last_hour + timedelta(minutes=1)
    assert house.write(expire.expire, programme_id=1, limit=100, actor="system", at=after).count == 8
    town.books_hold()


def test_a_shop_suspended_since_is_credited_and_one_suspended_then_is_not(house: Database) -> None:
    town = a_town(house)
    of: dict[str, Any] = {"programme_id": 1, "merchant_id": town.merchants[0], "actor": TREASURER, "reason": "enquête"}
    house.write(people.suspend_merchant, **of, at=NOON + timedelta(days=2))
    later = NOON + timedelta(days=3)
    before, during = a_pile(town, spent_on=TODAY, at=later), a_pile(town, spent_on=later.date(), at=later)
    assert outcomes(town, during, 1, at=later) == ["merchant_suspended"]
    assert outcomes(town, before, 1, at=later) == ["accepted"]
    town.spend(2, shop=1, at=later)
    run = town.propose(later.date(), at=later)
    assert [line.carried_because for line in run.settlements] == ["suspended", None]
    town.books_hold()


def test_a_shop_suspended_that_day_is_not_credited_even_restored_since(house: Database) -> None:
    town = a_town(house)
    of: dict[str, Any] = {"programme_id": 1, "merchant_id": town.merchants[0], "actor": TREASURER, "reason": "enquête"}
    house.write(people.suspend_merchant, **of, at=NOON + timedelta(days=2))
    house.write(people.restore_merchant, **of, at=NOON + timedelta(days=4))
    later = NOON + timedelta(days=5)
    during, since = a_pile(town, spent_on=TODAY + timedelta(days=3), at=later), a_pile(town, at=later)
    assert outcomes(town, during, 1, at=later) == ["merchant_suspended"]
    assert outcomes(town, since, 1, at=later) == ["accepted"]
    town.books_hold()


def test_no_slip_is_dated_before_its_vouchers_could_be_spent(house: Database) -> None:
    """A shop that was suspended would be credited for vouchers that it took since."""
    began = NOON + timedelta(days=10)
    town = a_town(house, at=began)
    lost, later = town.replace(2, at=began), began + timedelta(days=2)
    anew: dict[str, Any] = {"programme_id": 1, "serials": [lost], "actor": APPROVER}
    house.write(stop.activate_replacements, **anew, at=began + timedelta(days=1))
    before, then = a_pile(town, spent_on=TODAY, at=later), a_pile(town, spent_on=began.date(), at=later)
    assert outcomes(town, before, 1, at=later) == ["voucher_not_active"]
    assert outcomes(town, then, 1, lost, at=later) == ["accepted", "voucher_not_active"]
    assert outcomes(town, a_pile(town, at=later), lost, at=later) == ["accepted"]
    town.books_hold()


def test_no_till_undoes_the_paper_that_its_shop_posted(house: Database) -> None:
    town = a_town(house)
    pile = a_pile(town)
    taken = pass_paper(town, pile, 1)["redemption"]
    undo: dict[str, Any] = {"programme_id": 1, "redemption_id": taken, "merchant_id": town.merchants[0]}
    with pytest.raises(RedemptionUnknown):
        house.write(reverse.reverse_at_shop, serials=None, actor="till:1", reason="erreur", at=NOON, **undo)
    assert (pile_of(town, pile).count, town.owed(0)) == (1, 1_000)


def test_the_last_paper_is_taken_back_and_can_be_passed_again(house: Database) -> None:
    town = a_town(house)
    pile = a_pile(town)
    with pytest.raises(NothingToUndo):
        take_back_the_last(town, pile)
    outcomes(town, pile, 1, 2)
    assert [take_back_the_last(town, pile), take_back_the_last(town, pile)] == [2, 1]
    assert (pile_of(town, pile).count, town.owed(0), town.held(1)) == (0, 0, ("active", 1_000))
    assert outcomes(town, pile, 2) == ["accepted"]
    assert [one.undone for one in house.read(remit.scanned_of, programme_id=1, number=pile)] == [False, True, True]
    town.books_hold()


def test_a_pile_unlike_its_slip_is_closed_with_an_explanation_only(house: Database) -> None:
    town = a_town(house)
    pile, exact = a_pile(town, slip=(2, 2_000)), a_pile(town, shop=1, slip=(1, 1_000))
    outcomes(town, pile, 1)
    outcomes(town, exact, 2)
    with pytest.raises(BadInput):
        closed(town, pile)
    assert closed(town, pile, "un chèque manque dans l'enveloppe").state == "closed"
    assert closed(town, exact).remark is None
    for act in (lambda: pass_paper(town, pile, 3), lambda: closed(town, pile), lambda: take_back_the_last(town, pile)):
        with pytest.raises(RemittanceClosed):
            act()
    assert facts_of(house, programme_id=1, kind="remittance_closed") == [
        ("remittance:1", "un chèque manque dans l'enveloppe"),
        ("remittance:2", "-"),
    ]
    with pytest.raises(NotFound):
        pass_paper(town, 3, 3)
    town.books_hold()


@pytest.mark.parametrize(
    ("slip", "spent_on"),
    [((-1, 0), TODAY), ((1, -1), TODAY), ((1, 10**15), TODAY), ((1, 1), TODAY + timedelta(days=1)),
     ((1, 1), date(2026, 10, 31))],
)  # fmt: skip
def test_a_slip_that_cannot_be_is_refused(house: Database, slip: tuple[int, int], spent_on: date) -> None:
    with pytest.raises(BadInput):
        a_pile(a_town(house, vouchers=1), slip=slip, spent_on=spent_on)


def test_one_paper_in_two_piles_at_once_is_paid_once(house: Database) -> None:
    town = a_town(house)
    piles = a_pile(town), a_pile(town, shop=1)
    for serial in range(1, 9):
        with ThreadPoolExecutor(2) as people_at_work:
            told = list(people_at_work.map(lambda pile, serial=serial: outcomes(town, pile, serial)[0], piles))
        assert sorted(told) == ["accepted", "already_redeemed"]
    assert town.owed(0) + town.owed(1) == 8_000
    assert sum(pile_of(town, pile).count for pile in piles) == 8
    town.books_hold()


def test_a_paper_is_read_from_its_qr_its_code_or_its_number_and_control_code(house: Database) -> None:
    code, control = codes.new_code(), codes.new_control_code()
    by_code = Presented(code_hash=codes.code_hash(PEPPER, code))
    hashed = codes.control_hash(PEPPER, programme_id=1, serial=4217, control_code=control)
    by_number = Presented(serial=4217, control_hash=hashed)
    read = {
        codes.qr_text("cheques.example.fr", code): by_code,
        f"  {code.lower()} ": by_code,
        f"0004217 {codes.pretty_control_code(control)}": by_number,
        f"N° 4217-{control.lower()}": by_number,
    }
    for text, presented in read.items():
        assert read_paper(text, programme_id=1, pepper=PEPPER) == presented
    for text in ("", "4217", control, f"4217 {control[:-1]}!", code[:-1], "https://example.fr/menu"):
        with pytest.raises(BadInput):
            read_paper(text, programme_id=1, pepper=PEPPER)
