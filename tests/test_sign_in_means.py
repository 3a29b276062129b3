"""The means of signing in, below the doors, on both engines; a letter through a mail server; a passkey in a browser."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.api.doors import Doors, open_doors, reason
from tests.makers import (
    NOON,
    PASSWORD,
    PEPPER,
    SESSION_KEY,
    a_person,
    a_programme,
    a_staff_member,
    an_authenticator,
    later,
)
from tests.phone import CHROMIUM, Server, needs_chromium
from vouchers import clock, invitations, letterbox, one_time, passkeys, passwords, second_factor, sign_in
from vouchers.config import Settings, SmtpSecurity
from vouchers.db import Database
from vouchers.errors import (
    AlreadyEnrolled,
    LastMeans,
    MailNotSent,
    NotFound,
    OneTimeInvalid,
    PasskeyRefused,
    SecondFactorWanted,
    SecondFactorWrong,
    TooManyAttempts,
)
from vouchers.letterbox import Letter
from vouchers.passkeys import Asking, Site
from vouchers.second_factor import Code
from vouchers.tables import passkey

RFC_SECRET = b"12345678901234567890"
HERE = Site("cheques.example.fr", "https://cheques.example.fr")


@pytest.fixture
def person(house: Database) -> int:
    return a_person(house, programme_id=a_programme(house), email="claude@example.fr")


def signing_in(house: Database, code: str | None = None, **how: Any) -> sign_in.Opened:
    told: dict[str, Any] = {"email": "claude@example.fr", "password": PASSWORD, "address": "192.0.2.1", "at": NOON}
    typed = None if code is None else Code(code, PEPPER)
    return sign_in.sign_in(
        house, code=typed, label="essai", session_key=SESSION_KEY, lasts=timedelta(hours=8), **{**told, **how}
    )


# ── Six digits ───────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("seconds", "digits"),
    [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (2_000_000_000, "279037")],
)
def test_the_digits_are_those_of_rfc_6238(seconds: int, digits: str) -> None:
    assert second_factor.digits_at(RFC_SECRET, at=clock.from_micros(seconds * 1_000_000)) == digits


@pytest.mark.parametrize(("seconds", "taken"), [(-61, False), (-30, True), (0, True), (30, True), (61, False)])
def test_a_telephone_may_be_one_step_away(house: Database, person: int, seconds: int, taken: bool) -> None:
    secret = an_authenticator(house, staff_id=person, at=later(hours=-1))
    shown = second_factor.digits_at(secret, at=later(seconds=seconds))
    with suppress(SecondFactorWrong):
        assert signing_in(house, shown).staff_id == person and taken
        return
    assert not taken


def test_a_password_alone_is_refused_once_the_authenticator_is_confirmed_and_not_before(
    house: Database, person: int
) -> None:
    house.write(second_factor.begin, staff_id=person, pepper=PEPPER, at=NOON)
    assert signing_in(house).staff_id == person
    an_authenticator(house, staff_id=person, at=later(hours=-1))
    with pytest.raises(SecondFactorWanted):
        signing_in(house)
    with pytest.raises(AlreadyEnrolled):
        house.write(second_factor.begin, staff_id=person, pepper=PEPPER, at=NOON)


def test_of_two_who_show_the_same_digits_at_once_one_gets_in(house: Database, person: int) -> None:
    secret = an_authenticator(house, staff_id=person, at=later(hours=-1))
    shown = second_factor.digits_at(secret, at=NOON)

    def one(_: int) -> str:
        try:
            return signing_in(house, shown).secret
        except SecondFactorWrong:
            return ""

    with ThreadPoolExecutor(4) as pool:
        assert len(list(filter(None, pool.map(one, range(4))))) == 1


def test_guessed_digits_are_counted_by_account_and_network(house: Database, person: int) -> None:
    secret = an_authenticator(house, staff_id=person, at=later(hours=-1))
    for _ in range(10):
        with pytest.raises(SecondFactorWrong):
            signing_in(house, "000000")
    shown = second_factor.digits_at(secret, at=NOON)
    with pytest.raises(TooManyAttempts):
        signing_in(house, shown)
    assert signing_in(house, shown, address="198.51.100.7").staff_id == person, "its owner, from home"


def test_of_forty_guesses_at_one_moment_no_more_are_judged_than_an_hour_allows(house: Database, person: int) -> None:
    secret = an_authenticator(house, staff_id=person, at=later(hours=-1))
    shown = second_factor.digits_at(secret, at=NOON)
    how = sign_in.Opening("essai", SESSION_KEY, timedelta(hours=8), NOON)
    step = house.write(lambda session: sign_in.enter(session, staff_id=person, means="password", how=how))
    together = threading.Barrier(40)

    def guess(number: int) -> type[Exception]:
        together.wait()
        with pytest.raises((SecondFactorWrong, TooManyAttempts)) as refused:
            sign_in.finish(house, step=step.secret, code=Code(f"x{number}", PEPPER), address="192.0.2.1", how=how)
        return refused.type

    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(guess, range(40)))
    assert answers.count(SecondFactorWrong) == 10
    assert signing_in(house, shown, address="198.51.100.7").staff_id == person, "its owner, from home"


def test_recovery_codes_are_each_persons_own_and_gone_with_the_authenticator(house: Database, person: int) -> None:
    other = a_person(house, programme_id=a_programme(house))
    for one in (person, other):
        an_authenticator(house, staff_id=one, at=later(hours=-1))
    listed = house.write(second_factor.renew_recovery_codes, staff_id=other, pepper=PEPPER, at=NOON)
    with pytest.raises(SecondFactorWrong):
        signing_in(house, listed[0])
    mine = house.write(second_factor.renew_recovery_codes, staff_id=person, pepper=PEPPER, at=NOON)
    assert signing_in(house, mine[0]).staff_id == person
    left = house.read(lambda s: second_factor.setting_of(s, staff_id=person))
    assert left.recovery_left == 9
    house.write(second_factor.remove, staff_id=person)
    assert house.read(lambda s: second_factor.setting_of(s, staff_id=person)).recovery_left == 0


# ── What opens once ──────────────────────────────────────────────────────────────────────────────────────────────
def test_what_opens_once_does_so_for_its_purpose_until_its_end(house: Database, person: int) -> None:
    code = one_time.new_code()
    kept: dict[str, Any] = {"secret": code, "session_key": SESSION_KEY}
    house.write(one_time.keep, purpose="sign_in", staff_id=person, lasts=timedelta(minutes=15), at=NOON, **kept)
    for wrong in ({"purpose": "invitation"}, {"at": later(minutes=15)}, {"session_key": bytes(32)}):
        with pytest.raises(OneTimeInvalid):
            house.write(one_time.use, **{"purpose": "sign_in", "at": NOON, **kept, **wrong})
    assert house.write(one_time.use, purpose="sign_in", at=NOON, **kept) == person
    with pytest.raises(OneTimeInvalid):
        house.write(one_time.use, purpose="sign_in", at=NOON, **kept)


def test_an_invitation_is_only_for_who_has_no_means_of_their_own(house: Database, person: int) -> None:
    programme_id = a_programme(house)
    asked: dict[str, Any] = {"programme_id": programme_id, "session_key": SESSION_KEY, "actor": "staff:9", "at": NOON}
    with pytest.raises(NotFound):
        house.write(invitations.invite, staff_id=person, **asked)
    house.write(sign_in.set_password, staff_id=person, password_hash=passwords.NOBODYS, at=NOON)
    code = house.write(invitations.invite, staff_id=person, **asked)
    found = house.read(lambda s: invitations.find(s, code=code, session_key=SESSION_KEY, at=NOON))
    assert found.staff_id == person
    house.write(sign_in.choose_password, staff_id=person, password_hash=passwords.hashed(PASSWORD), at=NOON)
    with pytest.raises(OneTimeInvalid):
        house.write(invitations.accept, code=code, session_key=SESSION_KEY, at=NOON)


# ── Passkeys ─────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "answer", ["", "[]", "{}", '{"id": 3, "response": {}}', '{"response": {"clientDataJSON": "é"}}']
)
def test_what_is_no_answer_of_a_passkey_is_refused(house: Database, person: int, answer: str) -> None:
    asking = Asking(HERE, "sign_in", "browser", SESSION_KEY)
    with pytest.raises(PasskeyRefused):
        house.write(passkeys.prove, answer=answer, asking=asking, at=NOON)
    with pytest.raises(PasskeyRefused):
        house.write(passkeys.add, staff_id=person, answer=answer, label="clé", asking=asking, at=NOON)


def test_the_last_passkey_of_who_has_no_password_stays(house: Database, person: int) -> None:
    def row(name: bytes) -> Any:
        made = {"staff_id": person, "public_key": b"k", "sign_count": 0, "label": "clé", "made_at": NOON}
        return passkey.insert().values(credential_id=name, **made)

    house.write(lambda s: s.execute(row(b"one")))
    house.write(sign_in.choose_password, staff_id=person, password_hash=passwords.NOBODYS, at=NOON)
    with pytest.raises(LastMeans):
        house.write(passkeys.remove, staff_id=person, credential_id=b"one", at=NOON)
    house.write(lambda s: s.execute(row(b"two")))
    with pytest.raises(NotFound):
        house.write(passkeys.remove, staff_id=person + 1_000, credential_id=b"one", at=NOON)
    house.write(passkeys.remove, staff_id=person, credential_id=b"one", at=NOON)
    with pytest.raises(LastMeans):
        house.write(passkeys.remove, staff_id=person, credential_id=b"two", at=NOON)


# ── The API ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_api_opens_no_session_by_password_alone_for_who_has_an_authenticator(
    new_house: Any, tmp_path: Path
) -> None:
    url = new_house().url.render_as_string(hide_password=False)
    with open_doors(url, tmp_path) as doors:
        staff_id = a_person(doors.house, programme_id=doors.programme(), email="patron@example.fr", at=clock.now())
        body = {"email": "patron@example.fr", "password": PASSWORD}
        assert _session(doors, body).status_code == 201
        secret = an_authenticator(doors.house, staff_id=staff_id, at=clock.now() - timedelta(hours=1))
        refused = _session(doors, body)
        assert refused.status_code == 401 and reason(refused) == "second_factor_wanted"
        wrong = _session(doors, {**body, "password": "un autre mot de passe"})
        assert reason(wrong) == "wrong_credentials", "whoever has no password learns nothing of the authenticator"
        shown = second_factor.digits_at(secret, at=clock.now())
        assert reason(_session(doors, {**body, "code": "000000"})) == "second_factor_wrong"
        assert _session(doors, {**body, "code": shown}).status_code == 201
        assert reason(_session(doors, {**body, "code": shown})) == "second_factor_wrong"


def _session(doors: Doors, body: dict[str, str]) -> Any:
    return doors.client.post("/api/v1/sessions", json=body)


# ── Letters ──────────────────────────────────────────────────────────────────────────────────────────────────────
@contextmanager
def mail_server() -> Iterator[tuple[int, list[bytes]]]:
    """A mail server that takes one letter; gives its port and what it was told."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve() -> None:
            with door.accept()[0] as call, call.makefile("rwb", buffering=0) as line:
                line.write(b"220 here\r\n")
                body = False
                while said := line.readline():
                    heard.append(said)
                    if body:
                        body = said != b".\r\n"
                        answer = b"" if body else b"250 taken\r\n"
                    elif said.upper().startswith(b"DATA"):
                        body, answer = True, b"354 go on\r\n"
                    else:
                        answer = b"250 ok\r\n"
                    line.write(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield door.getsockname()[1], heard
        thread.join(10)


LETTER = Letter("Élodie\u00a0Lecœur", "elodie@example.fr", "Votre lien", "Bonjour Élodie,\nvoilà.\n")


def test_a_letter_goes_through_the_mail_server() -> None:
    with mail_server() as (port, heard):
        settings = Settings(
            smtp_host="127.0.0.1", smtp_port=port, smtp_security=SmtpSecurity.NONE, mail_from="cheques@cci.example"
        )
        with letterbox.opened(settings, at=NOON) as post:
            post(LETTER)
    told = b"".join(heard)
    assert b"rcpt TO:<elodie@example.fr>" in told and b"Bonjour =C3=89lodie" in told
    assert b"cadeaux <cheques@cci.example>" in told


@pytest.mark.parametrize(
    "settings", [{"smtp_host": "127.0.0.1", "smtp_port": 9, "mail_from": "a@b.fr"}, {"environment": "production"}]
)
def test_a_letter_that_cannot_leave_says_so(settings: dict[str, Any]) -> None:
    with pytest.raises(MailNotSent), letterbox.opened(Settings(**settings), at=NOON) as post:
        post(LETTER)


def test_a_line_break_in_an_address_or_a_name_writes_no_header(tmp_path: Path) -> None:
    settings = Settings(mail_folder=tmp_path)
    with pytest.raises(MailNotSent), letterbox.opened(settings, at=NOON) as post:
        post(Letter("Claude\r\nBcc: tous@example.fr", "claude@example.fr", "Sujet", "texte"))
    assert list(tmp_path.iterdir()) == []


# ── A browser with a device that signs ───────────────────────────────────────────────────────────────────────────
_DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.mark.browser
@needs_chromium[1]
def test_a_passkey_is_made_signs_in_confirms_and_is_taken_once(migrated_sqlite: Path, tmp_path: Path) -> None:
    house_file = tmp_path / "house.db"
    house_file.write_bytes(migrated_sqlite.read_bytes())
    url = f"sqlite:///{house_file}"
    house = Database(url)
    at = clock.now()
    programme_id = a_programme(house, at=at)
    who: dict[str, Any] = {"programme_id": programme_id, "email": "claude@example.fr", "at": at}
    staff_id = a_staff_member(house, role_names=("auditor", "administrator"), **who)
    server = Server(url, tmp_path)
    server.address = server.address.replace("127.0.0.1", "localhost")
    server.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(locale="fr-FR")
            device = page.context.new_cdp_session(page)
            device.send("WebAuthn.enable")
            device.send("WebAuthn.addVirtualAuthenticator", {"options": _DEVICE})
            page.goto(f"{server.address}/connexion")
            page.get_by_label("Adresse e-mail").fill("claude@example.fr")
            page.get_by_label("Mot de passe").fill(PASSWORD)
            page.get_by_role("button", name="Se connecter").last.click()
            page.wait_for_url(f"**/p/{programme_id}")
            page.goto(f"{server.address}/compte")
            page.get_by_role("button", name="Ajouter une clé d'accès").click()
            expect(page.get_by_role("status")).to_contain_text("La clé d'accès est prête")
            page.get_by_role("button", name="Se déconnecter").click()
            answers: list[str] = []
            page.on("request", lambda asked: answers.append(asked.post_data or "") if asked.method == "POST" else None)
            page.get_by_role("button", name="Utiliser ma clé d'accès").click()
            page.wait_for_url(f"**/p/{programme_id}")
            assert answers
            page.goto(f"{server.address}/connexion/confirmer?suite=/compte")
            page.get_by_role("button", name="Utiliser ma clé d'accès").click()
            page.wait_for_url("**/compte")
            expect(page.get_by_role("status")).to_contain_text("c'est bien vous")
            again = page.request.post(
                f"{server.address}/connexion/cle",
                data=answers[0].encode(),
                headers={"Content-Type": "application/x-www-form-urlencoded"},
            )
            assert again.status in {401, 403}, "an answer is taken once"
            browser.close()
        assert len(house.read(lambda s: passkeys.passkeys_of(s, staff_id=staff_id))) == 1
        means = {one.means for one in house.read(lambda s: sign_in.tokens_of(s, staff_id=staff_id, at=clock.now()))}
        assert means == {"passkey"}
    finally:
        server.kill()
        house.close()
