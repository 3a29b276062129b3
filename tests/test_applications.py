"""Shops that ask to join, and what they tell: on both engines."""

from datetime import timedelta

import pytest

from tests.makers import NOON, TODAY, a_merchant, a_programme, a_siret, an_account, an_iban
from vouchers import applications, opening, shop_card, shop_lines, shop_profiles, verify
from vouchers.db import Database
from vouchers.errors import ApplicationDecided, ApplicationsClosed, BadInput, NotFound
from vouchers.shop_card import Payee, Shop, Told
from vouchers.shop_profiles import Place
from vouchers.tables import journal

TOLD = Told("3 rue", "50480", "0233445566", "a@b.fr", "Paul", None, None, opening.parse("mardi 9h-12h"))


def received(house: Database, programme_id: int, *, siret: str | None = None, iban: str | None = None) -> int:
    shop = Shop("SARL Lemoine", "Boulangerie", siret or a_siret(), "boulangerie", "Sainte-Mère")
    return house.write(
        applications.receive,
        programme_id=programme_id,
        shop=shop,
        told=TOLD,
        payee=Payee("SARL Lemoine", iban or an_iban()),
        photo=b"jpeg",
        at=NOON,
    )


def test_an_application_keeps_what_was_told_and_the_journal_only_its_number(house: Database) -> None:
    programme_id = a_programme(house)
    number = received(house, programme_id)
    found = house.read(applications.find, programme_id=programme_id, application_id=number)
    assert (found.told, found.has_photo, found.state) == (TOLD, True, "asked")
    wanted = journal.select().where(journal.c.kind.like("application%"))
    rows = house.read(lambda session: session.execute(wanted).all())
    assert [(row.actor, row.subject, row.reason) for row in rows] == [("public", f"application:{number}", "")]
    assert not house.read(verify.verify)


def test_an_application_is_decided_once(house: Database) -> None:
    programme_id = a_programme(house)
    number, other = received(house, programme_id), received(house, programme_id)
    merchant_id = a_merchant(house, programme_id=programme_id)
    of = {"programme_id": programme_id, "actor": "staff:1", "at": NOON}
    house.write(applications.accept, application_id=number, merchant_id=merchant_id, **of)
    house.write(applications.refuse, application_id=other, because="doublon", **of)
    for one in (number, other):
        with pytest.raises(ApplicationDecided):
            house.write(applications.refuse, application_id=one, because="encore", **of)
        with pytest.raises(ApplicationDecided):
            house.read(applications.find_waiting, programme_id=programme_id, application_id=one)
    with pytest.raises(NotFound):
        house.write(applications.refuse, application_id=99_999, because="rien", **of)
    assert house.read(applications.counts, programme_id=programme_id) == {"accepted": 1, "refused": 1}
    assert not house.read(verify.verify)


def test_nobody_joins_after_the_last_day(house: Database) -> None:
    programme_id = a_programme(
        house, starts_on=TODAY - timedelta(days=9), expires_on=TODAY - timedelta(days=1), presentation_deadline_on=TODAY
    )
    with pytest.raises(ApplicationsClosed):
        received(house, programme_id)


def test_the_checks_look_only_into_their_own_programme(house: Database) -> None:
    programme_id, elsewhere = a_programme(house), a_programme(house)
    siret, iban = a_siret(), an_iban()
    for one in (programme_id, elsewhere):
        merchant_id = a_merchant(house, programme_id=one, siret=siret)
        an_account(house, programme_id=one, merchant_id=merchant_id, iban=iban)
    number = received(house, programme_id, siret=siret, iban=iban)
    found = house.read(applications.find, programme_id=programme_id, application_id=number)
    checks = house.read(lambda session: applications.checks(session, programme_id=programme_id, of=found))
    assert checks.same_siret_merchant is not None
    assert checks.same_iban_merchants == (checks.same_siret_merchant,)
    assert not checks.clear
    clean = house.read(applications.find, programme_id=programme_id, application_id=received(house, programme_id))
    assert house.read(lambda session: applications.checks(session, programme_id=programme_id, of=clean)).clear


def test_a_profile_keeps_photo_place_and_signature_when_its_words_change(house: Database) -> None:
    programme_id = a_programme(house)
    of = {"programme_id": programme_id, "merchant_id": a_merchant(house, programme_id=programme_id)}
    doing = {**of, "actor": "staff:1", "at": NOON}
    assert house.read(shop_profiles.find_profile, **of).told.hours == opening.UNKNOWN
    house.write(shop_profiles.set_photo, photo=b"jpeg", **doing)
    house.write(shop_profiles.set_place, place=Place(49_412_300, -1_234_500), **doing)
    house.write(shop_profiles.record_convention, signed_on=TODAY, **doing)
    house.write(shop_profiles.set_profile, told=TOLD, **doing)
    found = house.read(shop_profiles.find_profile, **of)
    assert (found.told, found.has_photo, found.place, found.signed_on) == (
        TOLD, True, Place(49_412_300, -1_234_500), TODAY,
    )  # fmt: skip
    for wrong in (Place(91_000_000, 0), Place(0, 181_000_000)):
        with pytest.raises(BadInput):
            house.write(shop_profiles.set_place, place=wrong, **doing)
    with pytest.raises(BadInput):
        house.write(shop_profiles.record_convention, signed_on=TODAY + timedelta(days=1), **doing)
    with pytest.raises(NotFound):
        house.write(shop_profiles.set_profile, told=TOLD, **{**doing, "merchant_id": 99_999})


def test_a_list_is_searched_piece_by_piece_in_its_order(house: Database) -> None:
    programme_id = a_programme(house)
    for name in ("Zinc", "Ébène", "Café", "Cafétéria", "Café"):
        a_merchant(house, programme_id=programme_id, shop_name=name)

    def found(after: int = 0, limit: int = 2, **asked: str) -> list[tuple[str, int]]:
        rows = house.read(shop_profiles.search, programme_id=programme_id, after=after, limit=limit, **asked)
        return [(row.shop_name, row.merchant_id) for row in rows]

    first = found(words="CAFE")
    second = found(words="CAFE", after=first[-1][1])
    assert [name for name, _number in first + second] == ["Café", "Café", "Cafétéria"]
    assert len({number for _name, number in first + second}) == 3
    everything = found(limit=50)
    assert everything == [*found(limit=3), *found(after=everything[2][1], limit=50)]
    assert found(words="nulle part") == []


@pytest.mark.parametrize("typed", ["49,4123", "-1.2345", "0", "\N{MINUS SIGN}0,5", "179.9999999"])
def test_degrees_are_read_and_shown_alike(typed: str) -> None:
    read = shop_profiles.coordinate(typed, field="latitude")
    assert shop_profiles.coordinate(shop_profiles.degrees(read), field="latitude") == read


@pytest.mark.parametrize("typed", ["", "nord", "4 9", "1e3", "--1", "49,41,2", "١"])
def test_what_is_no_coordinate_is_refused(typed: str) -> None:
    with pytest.raises(BadInput):
        shop_profiles.coordinate(typed, field="latitude")


@pytest.mark.parametrize(
    "site", ["javascript:alert(1)", "https://", "http://a b.fr", "x", "https://u:p@b.fr", "ftp://b.fr"]
)
def test_only_an_address_of_the_web_is_a_website(site: str) -> None:
    with pytest.raises(BadInput):
        shop_card.website(site)


def test_columns_are_known_by_the_names_people_give_them() -> None:
    header = ["N° SIRET", "Enseigne", "E-mail", "Téléphone", "Code Postal", "VILLE", "Catégorie", "Divers"]
    assert shop_lines.meant(header) == {
        "siret": 0, "shop_name": 1, "email": 2, "phone": 3, "postcode": 4, "commune": 5, "trade": 6,
    }  # fmt: skip


def test_every_wrong_cell_of_a_line_is_told_at_once() -> None:
    columns = {"shop_name": 0, "siret": 1, "trade": 2, "commune": 3, "iban": 4, "hours": 5}
    (line,) = shop_lines.read([["", "12", "mode", "Falaise", "FR00", "matin"]], numbers=[2], columns=columns)
    assert set(line.wrong) == {"shop_name", "siret", "iban", "account_holder", "hours"}
