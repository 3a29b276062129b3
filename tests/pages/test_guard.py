"""The guard of the pages: what a browser sends that no page of ours asked for, and where one lands after a refusal."""

from datetime import timedelta

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import update

from tests.api.doors import Doors
from tests.makers import PASSWORD, an_iban
from tests.pages.browsing import Browser, sits_down
from tests.town import Town
from vouchers import clock
from vouchers.pages.doors import ROOMS
from vouchers.tables import staff, token


def a_session_that_ends(doors: Doors) -> None:
    earlier = clock.now() - timedelta(hours=1)
    doors.house.write(lambda session: session.execute(update(token).values(made_at=earlier, expires_at=earlier)))


def test_who_sends_a_form_after_the_session_ended_signs_in_and_is_back_at_its_page(doors: Doors, town: Town) -> None:
    shop = f"/p/{town.programme_id}/commercants/{town.merchants[0]}"
    treasurer = sits_down(doors, town.programme_id, "treasurer")
    form = treasurer.open(shop)
    a_session_that_ends(doors)
    asked = treasurer.send(form, "/suspension", reason="Fermeture")
    assert asked.path.startswith("/connexion?suite=")
    emails = doors.house.read(lambda session: session.execute(staff.select()).all())
    email = next(one.email for one in emails if one.id == treasurer.staff_id)
    back = treasurer.send(asked, "/connexion", email=email, password=PASSWORD)
    assert (back.status, back.path) == (200, shop)
    assert back.tree.xpath("//form[contains(@action, '/suspension')]"), "nothing was done in between"


def test_a_search_is_still_asked_for_after_the_sign_in(doors: Doors, town: Town, stranger: Browser) -> None:
    asked = stranger.open(f"/p/{town.programme_id}/commercants?q=fleurs&etat=active")
    assert "commercants%3Fq%3Dfleurs%26etat%3Dactive" in asked.path


def test_another_language_after_a_refusal_leads_to_the_page_of_the_form(doors: Doors, town: Town) -> None:
    shop = f"/p/{town.programme_id}/commercants/{town.merchants[0]}"
    treasurer = sits_down(doors, town.programme_id, "treasurer")
    refused = treasurer.send(treasurer.open(shop), "/suspension", reason=" ")
    assert refused.status == 422
    english = treasurer.send_header(refused, "/langue", langue="en")
    assert (english.status, english.path) == (200, shop)


def test_no_address_of_a_form_is_a_dead_end(doors: Doors, town: Town) -> None:
    treasurer = sits_down(doors, town.programme_id, "treasurer", "administrator", "approver")
    for room in ROOMS:
        for route in room.routes:
            if isinstance(route, APIRoute) and "POST" in (route.methods or ()):
                path = route.path.format(**dict.fromkeys(route.param_convertors, 1))
                assert treasurer.client.get(path, follow_redirects=False).status_code != 405, path


@pytest.mark.parametrize(
    "asked", ["commercants?etat=%00", "equipe?q=a%00", "remises?q=%00", "litiges?after=1" + 30 * "0"]
)
def test_an_address_that_no_link_has_is_nothing(doors: Doors, town: Town, asked: str) -> None:
    everything = sits_down(doors, town.programme_id, "treasurer", "administrator")
    assert everything.open(f"/p/{town.programme_id}/{asked}").status == 404


@pytest.mark.parametrize("charset", ["unicode_escape", "utf-7", "undefined"])
def test_a_form_in_a_writing_of_its_own_is_not_read(doors: Doors, stranger: Browser, charset: str) -> None:
    form = stranger.open("/connexion")
    csrf = form.tree.xpath("//input[@name='csrf']/@value")[0]
    fields = {"csrf": csrf, "email": "\\ud800+2AA-", "password": "x"}
    parts = [f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in fields.items()]
    kind = {"Content-Type": f"multipart/form-data; boundary=B; charset={charset}"}
    sent = stranger.client.post("/connexion", content="".join([*parts, "--B--\r\n"]), headers=kind)
    assert sent.status_code == 415


def test_who_sends_too_large_a_photo_is_told_in_words_and_led_back(doors: Doors, town: Town, stranger: Browser) -> None:
    form = stranger.open(f"/rejoindre/{town.programme_id}")
    photo = {"photo": ("vitrine.jpg", b"\xff\xd8" + bytes(7_000_000), "image/jpeg")}
    told = stranger.send(form, files=photo)
    assert told.status == 413 and "trop lourd" in told.text and "4 Mo" in told.text
    assert told.links() == ["/"], "a shopkeeper has no account to sign in with"


def test_a_refusal_is_told_without_the_words_of_programs(doors: Doors, town: Town) -> None:
    home = f"/p/{town.programme_id}"
    owner = sits_down(doors, town.programme_id, "merchant_owner", merchant_id=town.merchants[0])
    refused = owner.open(f"{home}/equipe")
    assert refused.status == 403 and "role.read" not in refused.text
    missing = owner.open(f"{home}/comptes/999")
    assert missing.status == 404 and "account" not in missing.text
    treasurer = sits_down(doors, town.programme_id, "treasurer")
    form = treasurer.open(f"{home}/commercants/{town.merchants[0]}/compte")
    asked = treasurer.send(form, account_holder="Zoé", iban=an_iban())
    csrf = asked.tree.xpath("//input[@name='csrf']/@value")[0]
    alone = treasurer.post(f"{asked.path}/confirmation", csrf=csrf, key="alone", reason="Rappelé")
    assert alone.status == 403 and "Quatre yeux" in alone.text and "account.confirm" not in alone.text
