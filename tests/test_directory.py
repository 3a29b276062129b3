"""Who takes the vouchers: only active shops, found whatever the accents and the case, part by part, on both engines."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.makers import NOON, TODAY, a_merchant, a_programme
from vouchers import directory, opening, people, shop_profiles
from vouchers.db import Database
from vouchers.directory import Wanted
from vouchers.errors import NotFound
from vouchers.shop_card import Told
from vouchers.shop_profiles import Place

TOLD = Told(
    street="3 rue de l'Église",
    postcode="50480",
    phone="02 33 44 55 66",
    email="patron@example.fr",
    contact_name="Paul Lemoine",
    website="https://lemoine.example.fr",
    about=None,
    hours=opening.parse("Du lundi au samedi : 9h-12h30"),
)


def tells(house: Database, programme_id: int, merchant_id: int, **told: Any) -> None:
    """The shop says what the public may read of it."""
    what: dict[str, Any] = {"programme_id": programme_id, "merchant_id": merchant_id, "actor": "staff:1", "at": NOON}
    house.write(lambda session: shop_profiles.set_profile(session, **what, told=replace(TOLD, **told)))


def found(house: Database, programme_id: int, **wanted: Any) -> list[str]:
    known = house.read(directory.shops, programme_id=programme_id, wanted=Wanted(**wanted))
    assert known.matching == len(known.shops)
    return [one.name for one in known.shops]


@pytest.fixture
def town(house: Database) -> int:
    """Four shops of two communes."""
    town = a_programme(house)
    of: dict[str, Any] = {"programme_id": town}
    a_merchant(house, **of, shop_name="Zinc du Marché", trade="Café", commune="Évrecy")
    a_merchant(house, **of, shop_name="Épicerie de l'Œuf", trade="épicerie", commune="EVRECY")
    a_merchant(house, **of, shop_name="Boulangerie Lemoine", trade="Boulangerie", commune="L'Oudon")
    a_merchant(house, **of, shop_name="École du livre", trade="Librairie", commune="L'Oudon")
    return town


def test_shops_are_found_whatever_the_accents_and_the_case(house: Database, town: int) -> None:
    assert found(house, town, words="EPICERIE oeuf") == ["Épicerie de l'Œuf"]
    assert found(house, town, words="œuf") == ["Épicerie de l'Œuf"]
    assert found(house, town, words="evrecy café") == ["Zinc du Marché"]
    assert found(house, town, trade="Epicerie", commune="évrecy") == ["Épicerie de l'Œuf"]
    assert found(house, town, words="poissonnerie") == []
    assert found(house, town, words="%' OR 1=1 --") == []


def test_shops_stand_in_the_order_of_their_names_with_what_there_is_to_choose_from(house: Database, town: int) -> None:
    whole = house.read(directory.shops, programme_id=town, wanted=Wanted())
    assert [one.name for one in whole.shops] == [
        "Boulangerie Lemoine", "École du livre", "Épicerie de l'Œuf", "Zinc du Marché",
    ]  # fmt: skip
    assert whole.communes == [("Évrecy", 2), ("L'Oudon", 2)]
    assert [trade for trade, _ in whole.trades] == ["Boulangerie", "Café", "épicerie", "Librairie"]


def test_the_list_goes_on_after_the_last_shop_seen(house: Database, town: int) -> None:
    seen: list[str] = []
    after: int | None = 0
    while after is not None:
        part = house.read(directory.shops, programme_id=town, wanted=Wanted(), after=after, limit=3)
        assert part.matching == 4
        seen += [one.name for one in part.shops]
        after = part.next
    assert seen == found(house, town)


def test_a_suspended_shop_and_another_towns_shop_are_not_there(house: Database, town: int) -> None:
    shop = a_merchant(house, programme_id=town, shop_name="Parti")
    elsewhere = a_merchant(house, programme_id=a_programme(house), shop_name="Ailleurs")
    what: dict[str, Any] = {"programme_id": town, "merchant_id": shop, "actor": "staff:1", "at": NOON}
    house.write(lambda session: people.suspend_merchant(session, **what, reason="fermé"))
    assert found(house, town, words="Parti") == found(house, town, words="Ailleurs") == []
    for number in (shop, elsewhere, 10**9):
        with pytest.raises(NotFound):
            house.read(directory.window, programme_id=town, merchant_id=number)
    assert house.read(directory.season, programme_id=town).shops == 4


def test_who_is_open_now_is_judged_by_the_clocks_of_paris(house: Database, town: int) -> None:
    shop = a_merchant(house, programme_id=town, shop_name="Ouverte le matin")
    tells(house, town, shop)
    assert found(house, town, open_at=NOON) == ["Ouverte le matin"]  # a Friday, noon in Paris
    assert found(house, town, open_at=NOON + timedelta(hours=1)) == []
    assert found(house, town, open_at=NOON + timedelta(days=2)) == []  # a Sunday


def test_a_shop_on_the_map_has_a_place_and_its_page_tells_no_private_thing(house: Database, town: int) -> None:
    shop = a_merchant(house, programme_id=town, shop_name="Placée")
    tells(house, town, shop)
    what: dict[str, Any] = {"programme_id": town, "merchant_id": shop, "actor": "staff:1", "at": NOON}
    house.write(lambda session: shop_profiles.set_place(session, **what, place=Place(49_000_000, -300_000)))
    assert found(house, town, on_the_map="only") == ["Placée"]
    page = house.read(directory.window, programme_id=town, merchant_id=shop)
    assert (page.shop.street, page.shop.phone, page.website) == (TOLD.street, TOLD.phone, TOLD.website)
    assert "patron@example.fr" not in repr(page) and "Paul Lemoine" not in repr(page)


def test_on_paper_a_word_is_spelt_one_way_and_shops_of_one_commune_stand_together(house: Database, town: int) -> None:
    listed = house.read(directory.by_place, programme_id=town)
    assert [(one.commune, one.name) for one in listed] == [
        ("Évrecy", "Zinc du Marché"), ("Évrecy", "Épicerie de l'Œuf"),
        ("L'Oudon", "Boulangerie Lemoine"), ("L'Oudon", "École du livre"),
    ]  # fmt: skip


def test_a_season_is_listed_from_its_first_day_to_its_last(house: Database) -> None:
    days: dict[str, Any] = {"starts_on": TODAY, "expires_on": TODAY, "presentation_deadline_on": TODAY}
    town = a_programme(house, name="D'un jour", **days)
    listed = [
        [one.programme_id for one in house.read(directory.seasons, at=NOON + timedelta(days=day))] for day in (-1, 0, 1)
    ]
    assert listed == [[], [town], []]
    assert house.read(directory.season, programme_id=town).name == "D'un jour"
    with pytest.raises(NotFound):
        house.read(directory.season, programme_id=town + 1_000)
