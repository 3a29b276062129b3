"""The team: people are invited, roles are asked by one administrator and confirmed by another."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from tests.api.doors import Doors
from tests.makers import PASSWORD, a_buyer, a_merchant, a_person, facts_of
from tests.pages.browsing import Browser, sits_down
from tests.pages.test_signing_in import OTHER_PASSWORD, code_in, enters, keep_letters, letters
from vouchers import clock
from vouchers.tables import one_time

NEW: Any = {"name": "Lucie Hamel", "email": "lucie@example.fr"}


@pytest.fixture(autouse=True)
def _letters_kept(doors: Doors, tmp_path: Path) -> None:
    keep_letters(doors, tmp_path / "mail")


@pytest.fixture
def two(doors: Doors) -> tuple[int, Browser, Browser]:
    """A programme and its two administrators, each at a browser."""
    programme_id = doors.programme()
    first = sits_down(doors, programme_id, "administrator")
    return programme_id, first, sits_down(doors, programme_id, "administrator")


def invites(who: Browser, programme_id: int, *, role: str = "treasurer", **of: Any) -> Any:
    form = who.open(f"/p/{programme_id}/equipe/inviter")
    return who.send(form, "/inviter", name_of_role=role, **{**NEW, **of})


def test_somebody_invited_chooses_a_password_and_works_once_another_administrator_confirmed(
    doors: Doors, two: tuple[int, Browser, Browser], stranger: Browser
) -> None:
    programme_id, first, second = two
    sent = invites(first, programme_id)
    assert "L'invitation est partie" in sent.notice
    code = code_in(letters(doors)[-1])
    opened = stranger.send(stranger.open("/invitation"), "/invitation", code=code)
    assert "Bonjour Lucie Hamel" in opened.text
    assert stranger.send(opened, "/mot-de-passe", password="court").status == 422
    arrived = stranger.send(opened, "/mot-de-passe", password=OTHER_PASSWORD)
    assert arrived.path == "/compte" and "aucun rôle" in arrived.text
    refused = first.open(f"/p/{programme_id}/equipe")
    assert "Vous l'avez demandé" in refused.text and not refused.tree.xpath("//form[contains(@action,'confirmation')]")
    done = second.send(second.open(f"/p/{programme_id}/equipe"), "/confirmation")
    assert "en vigueur" in done.notice
    assert enters(Browser(doors), email=NEW["email"], password=OTHER_PASSWORD).path == f"/p/{programme_id}"
    facts = facts_of(doors.house, programme_id=programme_id, kind="staff_invited")
    assert len(facts) == 1 and "lucie" not in str(facts)


def test_an_invitation_serves_once_and_not_after_another_was_sent_or_seven_days(
    doors: Doors, two: tuple[int, Browser, Browser], stranger: Browser
) -> None:
    programme_id, first, _ = two
    sent = invites(first, programme_id)
    assert "partie" in first.send(sent, "/invitation").notice
    lost, newer = (code_in(letter) for letter in letters(doors))
    page = stranger.open("/invitation")
    assert stranger.send(page, "/invitation", code=lost).status == 403
    choose = stranger.send(page, "/invitation", code=newer)
    doors.house.write(lambda s: s.execute(update(one_time).values(expires_at=clock.now())))
    assert stranger.send(choose, "/mot-de-passe", password=OTHER_PASSWORD).status == 403
    first.send(first.open(sent.path), "/invitation")
    choose = stranger.send(page, "/invitation", code=code_in(letters(doors)[-1]))
    assert stranger.send(choose, "/mot-de-passe", password=OTHER_PASSWORD).path == "/compte"
    assert Browser(doors).send(choose, "/mot-de-passe", password=PASSWORD).status == 403


def test_nobody_gets_into_an_account_in_use_by_inviting_its_owner(
    doors: Doors, two: tuple[int, Browser, Browser]
) -> None:
    programme_id, first, _ = two
    a_person(doors.house, programme_id=doors.programme(), email=NEW["email"], name="Lucie Hamel", at=clock.now())
    sent = invites(first, programme_id)
    assert "déjà un compte" in sent.notice and "à confirmer" in sent.text
    assert letters(doors) == []
    assert not sent.tree.xpath("//form[contains(@action,'/invitation')]")


def test_a_role_of_a_buyer_or_a_shop_names_it_and_the_form_comes_back_filled_in(
    doors: Doors, two: tuple[int, Browser, Browser]
) -> None:
    programme_id, first, _ = two
    buyer_id = a_buyer(doors.house, programme_id=programme_id, name="Commune de Falaise", at=clock.now())
    shop = a_merchant(doors.house, programme_id=programme_id, at=clock.now())
    back = invites(first, programme_id, role="buyer_clerk")
    assert back.status == 422 and back.form("/inviter").fields["email"] == NEW["email"]
    assert letters(doors) == []
    sent = invites(first, programme_id, role="buyer_clerk", buyer_id=buyer_id)
    assert "Agent de l'acheteur · Commune de Falaise" in sent.text
    page = first.send(sent, "/roles", name_of_role="merchant_owner", merchant_id=shop)
    assert "Commerçant · Boulangerie Lemoine" in page.text
    assert first.send(page, "/roles", name_of_role="merchant_owner", merchant_id=shop).status == 409


def test_a_person_is_suspended_at_once_and_restored(doors: Doors, two: tuple[int, Browser, Browser]) -> None:
    programme_id, first, _ = two
    person = sits_down(doors, programme_id, "auditor")
    page = first.open(f"/p/{programme_id}/equipe/{person.staff_id}")
    gone = first.send(page, "/suspension", reason="départ")
    assert "suspendue" in gone.text and person.open("/compte").path.startswith("/connexion")
    back = first.send(gone, "/retablissement", reason="retour")
    assert "peut se connecter" in back.notice


def test_a_role_taken_away_is_gone_at_the_next_click(doors: Doors, two: tuple[int, Browser, Browser]) -> None:
    programme_id, first, _ = two
    person = sits_down(doors, programme_id, "auditor")
    page = first.open(f"/p/{programme_id}/equipe/{person.staff_id}")
    assert "retiré" in first.send(page, "/retrait").notice
    assert person.open(f"/p/{programme_id}/equipe").status == 404


def test_a_letter_that_cannot_leave_enrols_nobody(doors: Doors, two: tuple[int, Browser, Browser]) -> None:
    programme_id, first, _ = two
    app: Any = first.client.app
    app.state.settings = app.state.settings.model_copy(
        update={"mail_folder": None, "smtp_host": "127.0.0.1", "smtp_port": 9, "mail_from": "a@b.fr"}
    )
    refused = invites(first, programme_id)
    assert refused.status == 409 and "n'est pas parti" in refused.refusal
    assert NEW["email"] not in first.open(f"/p/{programme_id}/equipe").text


def test_hostile_names_and_a_search_are_shown_as_they_are(doors: Doors, two: tuple[int, Browser, Browser]) -> None:
    programme_id, first, _ = two
    invites(first, programme_id, name="<script>alert(1)</script>", email="x@example.fr")
    found = first.open(f"/p/{programme_id}/equipe?q=%3Cscript")
    assert "<script>alert(1)</script>" in found.text and not found.tree.xpath("//main//script")
    assert "Personne ne correspond" in first.open(f"/p/{programme_id}/equipe?q=%25%25").text
