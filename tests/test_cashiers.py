"""A shop says who stands at its tills, and how the tills are run; a redemption is attributed, never authenticated."""

import hashlib
import threading
from typing import Any

import pytest

from tests.makers import NOON, a_cashier, a_merchant, a_pin, a_programme, facts_of, later
from tests.town import a_town
from vouchers import cashiers, pins, redeem
from vouchers.cashiers import CounterRule
from vouchers.db import Database
from vouchers.errors import BadInput, CashierNameTaken, CashiersFull, NotFound, PinWrong, Refusal
from vouchers.tables import cashier, journal, redemption

OWNER = "staff:7"


@pytest.fixture
def shop(house: Database) -> dict[str, Any]:
    programme_id = a_programme(house)
    return {"programme_id": programme_id, "merchant_id": a_merchant(house, programme_id=programme_id)}


def names(house: Database, shop: dict[str, Any]) -> list[str]:
    return [one.name for one in house.read(cashiers.cashiers_of, **shop)]


def run_so(house: Database, shop: dict[str, Any], ask_cashier: str, undo_pin: Any) -> CounterRule:
    return house.write(
        cashiers.set_counter_rule, **shop, ask_cashier=ask_cashier, undo_pin=undo_pin, actor=OWNER, at=NOON
    )


def test_a_cashier_is_a_name_and_four_digits_which_a_till_can_check_by_itself(
    house: Database, shop: dict[str, Any]
) -> None:
    number = a_cashier(house, **shop, name=" Zoé ")
    (copy,) = house.read(cashiers.copies_of, **shop)
    assert (copy.id, copy.name) == (number, "Zoé")
    assert hashlib.pbkdf2_hmac("sha256", b"2468", copy.pin.salt, 50_000, dklen=32) == copy.pin.hash
    assert len(copy.pin.salt) == 16
    assert facts_of(house, programme_id=shop["programme_id"], kind="cashier_named") == [
        (f"cashier:{number}", f"merchant:{shop['merchant_id']}")
    ]
    told = house.read(lambda session: session.execute(journal.select()).all())
    assert not any("Zoé" in str(row) or "2468" in str(row) for row in told), "names and PINs stay out of the journal"


@pytest.mark.parametrize("pin", ["", "123", "12345", "12a4", "١٢٣٤", " 1234", "1234\n"])
def test_a_pin_is_exactly_four_digits(pin: str) -> None:
    with pytest.raises(BadInput):
        pins.hashed(pin, field="pin")


@pytest.mark.parametrize("name", ["", " ", "A\nB", "A\u202eB", "x" * 41])
def test_a_name_is_one_legible_line(house: Database, shop: dict[str, Any], name: str) -> None:
    with pytest.raises(BadInput):
        a_cashier(house, **shop, name=name)
    assert names(house, shop) == []


def test_two_cashiers_of_a_shop_are_never_called_alike_and_a_name_is_free_again_once_removed(
    house: Database, shop: dict[str, Any]
) -> None:
    elsewhere = {**shop, "merchant_id": a_merchant(house, programme_id=shop["programme_id"])}
    paul = a_cashier(house, **shop)
    with pytest.raises(CashierNameTaken):
        a_cashier(house, **shop, name="PAUL")
    a_cashier(house, **elsewhere)

    def remove(where: dict[str, Any]) -> None:
        house.write(cashiers.remove_cashier, **where, cashier_id=paul, actor=OWNER, at=later(minutes=1))

    with pytest.raises(NotFound):
        remove(elsewhere)
    remove(shop)
    with pytest.raises(NotFound):
        remove(shop)
    assert names(house, shop) == []
    a_cashier(house, **shop)
    assert names(house, shop) == names(house, elsewhere) == ["Paul"]
    kept = house.read(lambda session: session.execute(cashier.select().where(cashier.c.id == paul)).one())
    assert kept.removed_at == later(minutes=1)


def test_of_many_who_name_the_same_cashier_at_once_one_does(house: Database, shop: dict[str, Any]) -> None:
    outcomes: list[object] = []
    together = threading.Barrier(5)

    def name_paul() -> None:
        together.wait()
        try:
            outcomes.append(a_cashier(house, **shop))
        except Refusal as refusal:
            outcomes.append(type(refusal))

    people = [threading.Thread(target=name_paul) for _ in range(5)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert outcomes.count(CashierNameTaken) == 4 and names(house, shop) == ["Paul"]


def test_a_shop_has_forty_cashiers_at_most(house: Database, shop: dict[str, Any]) -> None:
    numbers = [a_cashier(house, **shop, name=f"Saisonnier {rank}") for rank in range(40)]
    with pytest.raises(CashiersFull):
        a_cashier(house, **shop, name="Un de trop")
    house.write(cashiers.remove_cashier, **shop, cashier_id=numbers[0], actor=OWNER, at=NOON)
    a_cashier(house, **shop, name="Le suivant")


def test_a_redemption_names_a_cashier_of_its_own_shop_even_one_who_left(house: Database) -> None:
    town = a_town(house, vouchers=3)
    shops = [{"programme_id": town.programme_id, "merchant_id": shop} for shop in town.merchants]
    paul, stranger = a_cashier(house, **shops[0]), a_cashier(house, **shops[1])
    house.write(cashiers.remove_cashier, **shops[0], cashier_id=paul, actor=OWNER, at=NOON)

    def take(serial: int, cashier_id: int | None) -> None:
        house.write(
            redeem.redeem,
            **shops[0],
            till_id=town.tills[0],
            basket=[town.presented(serial)],
            sale_cents=None,
            cashier_id=cashier_id,
            at=NOON,
        )

    for nobody in (stranger, 999):
        with pytest.raises(BadInput):
            take(1, nobody)
    take(1, paul)
    take(2, None)
    kept = house.read(lambda session: session.execute(redemption.select().order_by(redemption.c.journal_id)).all())
    assert [row.cashier_id for row in kept] == [paul, None]
    town.books_hold()


def test_a_shop_says_whether_cashiers_sign_on_and_whether_undoing_asks_a_pin(
    house: Database, shop: dict[str, Any]
) -> None:
    def required(proven: bytes) -> None:
        house.read(cashiers.require_undo_pin, **shop, proven=proven)

    assert house.read(cashiers.counter_rule, **shop) == CounterRule("never", undo_pin=False)
    required(b"")
    assert run_so(house, shop, "always", a_pin("1357")) == CounterRule("always", undo_pin=True)
    wanted = house.read(cashiers.undo_pin_of, **shop)
    assert wanted is not None
    required(pins.derived("1357", salt=wanted.salt))
    for wrong in (b"", pins.derived("1358", salt=wanted.salt), pins.derived("é", salt=wanted.salt)):
        with pytest.raises(PinWrong):
            required(wrong)
    assert run_so(house, shop, "never", "keep") == CounterRule("never", undo_pin=True)
    assert house.read(cashiers.undo_pin_of, **shop) == wanted
    assert run_so(house, shop, "never", None) == CounterRule("never", undo_pin=False)
    with pytest.raises(BadInput):
        run_so(house, shop, "sometimes", "keep")
    with pytest.raises(NotFound):
        run_so(house, {**shop, "merchant_id": 999}, "never", None)
    assert facts_of(house, programme_id=shop["programme_id"], kind="shop_rule_set") == [
        (f"merchant:{shop['merchant_id']}", said)
        for said in (
            "ask_cashier always, undo_pin set",
            "ask_cashier never, undo_pin set",
            "ask_cashier never, undo_pin none",
        )
    ]
