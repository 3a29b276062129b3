"""Signing in as people do: by filling in the forms; and as people who should not get in try to."""

import re
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.api.doors import Doors
from tests.makers import PASSWORD, PEPPER, SESSION_KEY, a_merchant, a_person, a_role, a_staff_member, an_authenticator
from tests.pages.browsing import Browser, Page, signed_in, sits_down
from vouchers import clock, passwords, second_factor, sign_in
from vouchers.second_factor import Code
from vouchers.tables import authenticator, one_time, staff, token

EMAIL = "claude@example.fr"
OTHER_PASSWORD = "quatre mots qui ne vont pas ensemble"


@pytest.fixture(autouse=True)
def _letters_kept(doors: Doors, tmp_path: Path) -> None:
    keep_letters(doors, tmp_path / "mail")


def keep_letters(doors: Doors, folder: Path) -> None:
    """Letters go into this folder."""
    app: Any = doors.client.app
    app.state.settings = app.state.settings.model_copy(update={"mail_folder": folder})


def someone(doors: Doors, *roles: str, email: str = EMAIL, **of: Any) -> tuple[int, int]:
    """(programme, person) with these roles."""
    programme_id = doors.programme()
    roles = roles or ("treasurer",)
    who: dict[str, Any] = {"programme_id": programme_id, "email": email, "at": clock.now()}
    return programme_id, a_staff_member(doors.house, role_names=roles, **who, **of)


def enters(browser: Browser, *, email: str = EMAIL, password: str = PASSWORD, path: str = "/connexion") -> Page:
    return browser.send(browser.open(path), "/connexion", email=email, password=password)


def letters(doors: Doors) -> list[str]:
    """The text of every letter that was sent, oldest first."""
    app: Any = doors.client.app
    folder: Path = app.state.settings.mail_folder
    sent = sorted(folder.glob("*.eml")) if folder.is_dir() else []
    parsed = [message_from_bytes(one.read_bytes(), policy=policy.default) for one in sent]
    return [f"{one['To']}\n{one['Subject']}\n{one.get_content()}" for one in parsed]


def showing(doors: Doors, secret: str) -> Page:
    """The account, asked for with this session's secret."""
    browser = Browser(doors)
    browser.client.cookies.set("session", secret)
    return browser.open("/compte")


def code_in(letter: str) -> str:
    found = re.search(r"#(\w{4}-\w{4}-\w{4})", letter)
    assert found is not None
    return found[1]


# ── Passwords ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_treasurer_signs_in_by_password_and_stands_at_the_desk(doors: Doors, stranger: Browser) -> None:
    programme_id, _ = someone(doors)
    assert enters(stranger).path == f"/p/{programme_id}"


def test_a_shop_owner_comes_to_the_shop_and_who_has_two_programmes_to_their_list(doors: Doors) -> None:
    programme_id = doors.programme()
    shop = a_merchant(doors.house, programme_id=programme_id, at=clock.now())
    who: dict[str, Any] = {"email": "boulanger@example.fr", "at": clock.now()}
    owner = a_staff_member(
        doors.house, programme_id=programme_id, role_names=("merchant_owner",), merchant_id=shop, **who
    )
    assert enters(Browser(doors), email="boulanger@example.fr").path == f"/p/{programme_id}/commercants/{shop}"
    other = doors.programme()
    a_role(doors.house, programme_id=other, staff_id=owner, name="auditor", at=clock.now())
    listed = enters(Browser(doors), email="boulanger@example.fr")
    assert listed.path == "/compte"
    assert {f"/p/{programme_id}/commercants/{shop}", f"/p/{other}"} <= set(listed.links())


def test_a_stranger_and_a_wrong_password_get_the_same_words(doors: Doors, stranger: Browser) -> None:
    someone(doors)
    wrong = enters(stranger, password="un autre mot de passe")
    nobody = enters(stranger, email="personne@example.fr")
    assert wrong.status == nobody.status == 401
    assert wrong.refusal == nobody.refusal == "Adresse ou mot de passe inexact."
    assert wrong.form("/connexion").fields["password"] in {"", None}


def test_ten_wrong_passwords_shut_the_network_out_and_nobody_else(doors: Doors, stranger: Browser) -> None:
    someone(doors)
    for _ in range(10):
        assert enters(stranger, password="un autre mot de passe").status == 401
    assert enters(stranger).status == 429
    someone(doors, email="autre@example.fr")
    assert enters(Browser(doors), email="autre@example.fr").status == 200


def test_one_goes_on_to_where_one_was_going_and_never_to_another_site(doors: Doors) -> None:
    programme_id, _ = someone(doors)
    asked = Browser(doors).open(f"/p/{programme_id}/equipe")
    assert asked.path == f"/connexion?suite=/p/{programme_id}/equipe"
    for given, reached in (
        ("/compte", "/compte"),
        ("https://evil.example/", f"/p/{programme_id}"),
        ("//evil.example/", f"/p/{programme_id}"),
        ("/\\evil.example/", f"/p/{programme_id}"),
        ("/%0d%0aLocation:evil", f"/p/{programme_id}"),
        ("/\t/evil.example", f"/p/{programme_id}"),
        ("javascript:alert(1)", f"/p/{programme_id}"),
        ("http://testserver//evil.example", f"/p/{programme_id}"),
        ("http://testserver/compte", "/compte"),
    ):
        browser = Browser(doors)
        page = browser.open("/connexion", params={"suite": given})
        sent = browser.send(page, "/connexion", email=EMAIL, password=PASSWORD, suite=given)
        assert sent.path.partition("?")[0] in {reached, "/%0d%0aLocation:evil"}, (given, sent.path)
        assert str(sent.response.url).startswith("http://testserver/"), given


def test_a_session_put_into_a_browser_beforehand_is_not_the_one_that_opens(doors: Doors, stranger: Browser) -> None:
    someone(doors)
    stranger.client.cookies.set("session", "chosen-by-another", domain="testserver.local", path="/")
    enters(stranger)
    assert stranger.client.cookies.get("session") != "chosen-by-another"
    assert showing(doors, "chosen-by-another").path.startswith("/connexion")


def test_a_form_from_another_site_signs_nobody_in_or_out(doors: Doors) -> None:
    _, staff_id = someone(doors)
    browser = signed_in(doors, staff_id)
    for path, fields in (("/connexion", {"email": EMAIL, "password": PASSWORD}), ("/deconnexion", {}), ("/langue", {})):
        assert browser.post(path, **fields).status == 403
    assert browser.open("/compte").status == 200


def test_signing_out_ends_the_session_on_the_server(doors: Doors) -> None:
    _, staff_id = someone(doors)
    browser = signed_in(doors, staff_id)
    secret = browser.client.cookies.get("session")
    assert secret is not None
    out = browser.send_header(browser.open("/compte"), "/deconnexion")
    assert out.path == "/connexion" and "déconnecté" in out.notice
    assert showing(doors, secret).path.startswith("/connexion")


def test_the_language_is_chosen_on_any_page_and_stays(doors: Doors, stranger: Browser) -> None:
    english = stranger.send_header(stranger.open("/connexion"), "/langue", langue="en")
    assert english.path == "/connexion" and "Sign in" in english.text
    assert "Receive a link" in stranger.open("/connexion/lien").text


# ── The second factor ────────────────────────────────────────────────────────────────────────────────────────────
def digits(doors: Doors, staff_id: int, secret: bytes, *, steps: int = 0) -> str:
    return second_factor.digits_at(secret, at=clock.now() + timedelta(seconds=30 * steps))


def test_a_password_alone_opens_no_session_for_who_has_an_authenticator(doors: Doors, stranger: Browser) -> None:
    programme_id, staff_id = someone(doors)
    secret = an_authenticator(doors.house, staff_id=staff_id, at=clock.now() - timedelta(hours=1))
    asked = enters(stranger, path="/connexion?suite=/compte")
    assert "Votre code à six chiffres" in asked.text
    assert stranger.client.cookies.get("session") is None
    assert stranger.send(asked, "/connexion/code", code="000 000").status == 401
    shown = digits(doors, staff_id, secret)
    assert stranger.send(asked, "/connexion/code", code=f"{shown[:3]} {shown[3:]}").path == "/compte"
    again = enters(Browser(doors))
    replayed = Browser(doors)
    asked = enters(replayed)
    assert replayed.send(asked, "/connexion/code", code=shown).status == 401, "the same digits twice"
    assert again.status == 200
    step_back = digits(doors, staff_id, secret, steps=-1)
    assert replayed.send(asked, "/connexion/code", code=step_back).status == 401, "digits before those used last"
    assert replayed.send(asked, "/connexion/code", code=digits(doors, staff_id, secret, steps=1)).path == (
        f"/p/{programme_id}"
    )


def test_a_step_of_the_sign_in_serves_once_and_for_ten_minutes(doors: Doors, stranger: Browser) -> None:
    _, staff_id = someone(doors)
    secret = an_authenticator(doors.house, staff_id=staff_id, at=clock.now() - timedelta(hours=1))
    asked = enters(stranger)
    step = stranger.client.cookies.get("step")
    assert stranger.send(asked, "/connexion/code", code=digits(doors, staff_id, secret)).status == 200
    late = Browser(doors)
    asked = enters(late)
    late.client.cookies.set("step", step or "", domain="testserver.local", path="/")
    used = late.send(asked, "/connexion/code", code=digits(doors, staff_id, secret, steps=1))
    assert used.path == "/connexion" and "écoulé" in used.notice
    asked = enters(late)
    doors.house.write(lambda s: s.execute(update(one_time).values(expires_at=clock.now() - timedelta(seconds=1))))
    gone = late.send(asked, "/connexion/code", code=digits(doors, staff_id, secret, steps=1))
    assert gone.path == "/connexion" and "écoulé" in gone.notice


def test_an_authenticator_is_set_up_confirmed_used_and_removed(doors: Doors) -> None:
    _, staff_id = someone(doors)
    browser, elsewhere = signed_in(doors, staff_id), signed_in(doors, staff_id)
    begun = browser.send(browser.open("/compte/authentificateur"), "/compte/authentificateur")
    assert begun.tree.xpath("//svg[contains(@class,'scan')]")
    secret = doors.house.read(lambda s: second_factor.pending_secret(s, staff_id=staff_id, pepper=PEPPER))
    assert secret is not None
    assert second_factor.spelled(secret) in begun.text
    assert browser.send(begun, "/confirmation", code="123").status == 401
    assert enters(Browser(doors)).status == 200, "not asked for before it is confirmed"
    codes = browser.send(begun, "/confirmation", code=second_factor.digits_at(secret, at=clock.now()))
    listed = [one.text_content() for one in codes.tree.xpath("//ol[@class='codes']//code")]
    assert len(listed) == len(set(listed)) == 10
    assert elsewhere.open("/compte").path.startswith("/connexion"), "signed out elsewhere"
    file = browser.send(codes, "/codes/fichier")
    assert file.response.headers["content-disposition"].startswith("attachment")
    assert all(code in file.response.text for code in listed)
    visitor = Browser(doors)
    assert visitor.send(enters(visitor), "/connexion/code", code=listed[0].lower()).status == 200
    second = Browser(doors)
    assert second.send(enters(second), "/connexion/code", code=listed[0]).status == 401, "a recovery code twice"
    fresh = browser.send(browser.open("/compte"), "/compte/codes")
    assert listed[1] not in fresh.text
    assert browser.send(browser.open("/compte"), "/authentificateur/retrait").notice.startswith("L'application")
    assert enters(Browser(doors)).path.startswith("/p/")


def test_an_authenticators_secret_is_of_no_use_in_a_stolen_database(doors: Doors) -> None:
    _, staff_id = someone(doors)
    secret = an_authenticator(doors.house, staff_id=staff_id, at=clock.now())
    kept = doors.house.read(lambda s: s.execute(select(authenticator.c.sealed_secret)).scalar_one())
    assert secret not in kept
    with pytest.raises(Exception, match="authenticator"):
        doors.house.write(
            lambda s: second_factor.prove(s, staff_id=staff_id, code=Code("123456", bytes(32)), at=clock.now())
        )


# ── Links ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_link_by_e_mail_signs_in_once_and_lets_a_new_password_be_chosen(doors: Doors, stranger: Browser) -> None:
    programme_id, _ = someone(doors)
    sent = stranger.send(stranger.open("/connexion/lien"), "/connexion/lien", email=EMAIL.upper())
    letter = letters(doors)[-1]
    assert EMAIL in letter and "http://testserver/connexion/lien/ouvrir#" in letter
    code = code_in(letter)
    assert stranger.open("/connexion/lien/ouvrir").status == 200, "a scanner that only looks burns nothing"
    arrived = stranger.send(sent, "/lien/ouvrir", code=code.replace("-", " ").lower())
    assert arrived.path == f"/p/{programme_id}"
    twice = Browser(doors)
    assert twice.send(twice.open("/connexion/lien/ouvrir"), "/lien/ouvrir", code=code).status == 403
    chosen = stranger.send(stranger.open("/compte/mot-de-passe"), "/mot-de-passe", password=OTHER_PASSWORD)
    assert chosen.path == "/compte" and "changé" in chosen.notice
    assert enters(Browser(doors)).status == 401
    assert enters(Browser(doors), password=OTHER_PASSWORD).status == 200


def test_nobody_learns_from_asking_for_a_link_whether_an_account_exists(doors: Doors) -> None:
    someone(doors)
    known, unknown = Browser(doors), Browser(doors)
    one = known.send(known.open("/connexion/lien"), "/connexion/lien", email=EMAIL)
    other = unknown.send(unknown.open("/connexion/lien"), "/connexion/lien", email="personne@example.fr")
    assert one.status == other.status == 200
    assert one.text == other.text
    assert len(letters(doors)) == 1


def test_a_link_ends_after_a_quarter_of_an_hour_and_when_another_is_asked(doors: Doors, stranger: Browser) -> None:
    someone(doors)
    form = stranger.open("/connexion/lien")
    stranger.send(form, "/connexion/lien", email=EMAIL)
    stranger.send(form, "/connexion/lien", email=EMAIL)
    first, second = (code_in(letter) for letter in letters(doors))
    page = stranger.open("/connexion/lien/ouvrir")
    assert stranger.send(page, "/lien/ouvrir", code=first).status == 403
    doors.house.write(lambda s: s.execute(update(one_time).values(expires_at=clock.now())))
    assert stranger.send(page, "/lien/ouvrir", code=second).status == 403


def test_a_link_does_not_stand_for_the_second_factor(doors: Doors, stranger: Browser) -> None:
    _, staff_id = someone(doors)
    an_authenticator(doors.house, staff_id=staff_id, at=clock.now() - timedelta(hours=1))
    sent = stranger.send(stranger.open("/connexion/lien"), "/connexion/lien", email=EMAIL)
    asked = stranger.send(sent, "/lien/ouvrir", code=code_in(letters(doors)[-1]))
    assert "Votre code à six chiffres" in asked.text and stranger.client.cookies.get("session") is None


def test_codes_that_are_tried_and_letters_that_are_asked_are_counted(doors: Doors, stranger: Browser) -> None:
    someone(doors)
    page = stranger.open("/connexion/lien/ouvrir")
    answers = [stranger.send(page, "/lien/ouvrir", code="AAAA-BBBB-CCCC").status for _ in range(21)]
    assert answers == [403] * 20 + [429]
    form = stranger.open("/connexion/lien")
    asked = [stranger.send(form, "/connexion/lien", email=EMAIL).status for _ in range(6)]
    assert asked == [200] * 5 + [429]
    assert len(letters(doors)) == 5


# ── Again who one is ─────────────────────────────────────────────────────────────────────────────────────────────
def an_hour_ago(doors: Doors) -> None:
    """Whoever is signed in proved it an hour ago."""
    doors.house.write(lambda s: s.execute(update(token).values(fresh_at=clock.now() - timedelta(hours=1))))


def test_means_of_signing_in_change_only_soon_after_one_proved_who_one_is(doors: Doors) -> None:
    _, staff_id = someone(doors)
    browser = signed_in(doors, staff_id)
    page = browser.open("/compte/mot-de-passe")
    an_hour_ago(doors)
    asked = browser.send(page, "/mot-de-passe", password=OTHER_PASSWORD)
    assert asked.path.startswith("/connexion/confirmer")
    assert browser.send(asked, "/confirmer", password="un autre mot de passe").status == 401
    back = browser.send(asked, "/confirmer", password=PASSWORD)
    assert back.path.startswith("/compte") and "c'est bien vous" in back.notice
    assert (
        browser.send(browser.open("/compte/mot-de-passe"), "/mot-de-passe", password=OTHER_PASSWORD).path == "/compte"
    )


def test_who_confirms_shows_the_second_factor_too(doors: Doors) -> None:
    _, staff_id = someone(doors)
    secret = an_authenticator(doors.house, staff_id=staff_id, at=clock.now() - timedelta(hours=1))
    browser = signed_in(doors, staff_id)
    page = browser.open("/connexion/confirmer?suite=/compte")
    assert browser.send(page, "/confirmer", password=PASSWORD).status == 401
    shown = second_factor.digits_at(secret, at=clock.now())
    assert browser.send(page, "/confirmer", password=PASSWORD, code=shown).path == "/compte"


# ── The account ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_person_sees_where_they_are_signed_in_and_closes_one_or_all(doors: Doors) -> None:
    _, staff_id = someone(doors)
    phone = Browser(doors)
    phone.client.headers["user-agent"] = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"
    enters(phone)
    at = clock.now()
    doors.house.write(
        sign_in.make_api_token,
        staff_id=staff_id,
        label="Export comptable",
        expires_at=at + timedelta(days=9),
        session_key=SESSION_KEY,
        at=at,
    )
    browser = signed_in(doors, staff_id)
    page = browser.open("/compte")
    assert "Firefox sur Android" in page.text and "Export comptable" in page.text and "cet appareil" in page.text
    rows = page.tree.xpath("//tr[contains(., 'Firefox sur Android')]//input[@name='token']/@value")
    form = page.tree.xpath("//tr[contains(., 'Firefox sur Android')]//form")[0]
    fields = dict(form.form_values())
    assert len(rows) == 1
    browser.client.post("/compte/sessions/fermeture", data=fields)
    assert phone.open("/compte").path.startswith("/connexion")
    third = signed_in(doors, staff_id)
    browser.send(browser.open("/compte"), "/sessions/autres")
    assert third.open("/compte").path.startswith("/connexion")
    assert "Export comptable" in browser.open("/compte").text, "programs go on"


def test_a_session_of_somebody_else_cannot_be_closed(doors: Doors) -> None:
    programme_id, staff_id = someone(doors)
    mine, theirs = signed_in(doors, staff_id), sits_down(doors, programme_id, "auditor")
    form = theirs.open("/compte").tree.xpath("//form[contains(@action,'fermeture')]")[0]
    stolen = dict(form.form_values())["token"]
    page = mine.open("/compte")
    fields = dict(page.tree.xpath("//form[contains(@action,'fermeture')]")[0].form_values())
    assert mine.client.post("/compte/sessions/fermeture", data={**fields, "token": stolen}).status_code == 404
    assert theirs.open("/compte").status == 200


def test_who_signs_in_by_password_gives_it_again_to_change_it(doors: Doors, stranger: Browser) -> None:
    someone(doors)
    enters(stranger)
    page = stranger.open("/compte/mot-de-passe")
    assert stranger.send(page, "/mot-de-passe", password=OTHER_PASSWORD).status == 401
    assert stranger.send(page, "/mot-de-passe", current=PASSWORD, password="court").status == 422
    assert stranger.send(page, "/mot-de-passe", current=PASSWORD, password=OTHER_PASSWORD).path == "/compte"


def test_who_still_has_the_password_that_another_gave_is_told_to_choose_one(doors: Doors, stranger: Browser) -> None:
    programme_id = doors.programme()
    staff_id = a_person(doors.house, programme_id=programme_id, email=EMAIL, at=clock.now())
    kept = passwords.hashed(PASSWORD)
    doors.house.write(sign_in.set_password, staff_id=staff_id, password_hash=kept, at=clock.now())
    page = enters(stranger)
    assert page.path == "/compte" and "Choisissez votre propre mot de passe" in page.text


def test_the_password_of_nobody_opens_no_account_that_has_none(doors: Doors, stranger: Browser) -> None:
    _, staff_id = someone(doors)
    doors.house.write(
        lambda s: s.execute(update(staff).where(staff.c.id == staff_id).values(password_hash=passwords.NOBODYS))
    )
    assert enters(stranger).status == 401
    assert "Vous n'avez pas de mot de passe" in signed_in(doors, staff_id).open("/compte").text
