"""What comes in is bounded, strict and keyed; what goes out is dressed, whatever happened."""

import json
import logging
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import Request
from fastapi.testclient import TestClient

from tests.api.doors import V1, Doors, Person, open_doors, reason
from tests.makers import PASSWORD, PEPPER, SESSION_KEY, a_buyer, a_person
from vouchers import clock, order_book
from vouchers.api.app import create_app
from vouchers.api.frame import BODY_BYTES, HEADER_BYTES
from vouchers.api.guard import House
from vouchers.config import Setting, Settings, SettingsFault
from vouchers.db import Busy, OutcomeUnknown


class Desk:
    """A treasurer about to draft orders."""

    def __init__(self, doors: Doors) -> None:
        self.doors = doors
        self.programme_id = doors.programme()
        self.treasurer: Person = doors.person(self.programme_id, "treasurer")
        self.buyer_id = a_buyer(doors.house, programme_id=self.programme_id, at=clock.now())
        self.path = f"{V1}/programmes/{self.programme_id}/orders"

    def body(self, **more: Any) -> dict[str, Any]:
        return {"buyer_id": self.buyer_id, "lines": [{"face_cents": 1_000, "quantity": 10}], **more}

    def send(self, content: bytes, *, key: str | None = None, **headers: str) -> Any:
        given = {"Idempotency-Key": key or str(uuid.uuid4()), "Content-Type": "application/json", **headers}
        return self.treasurer.call("POST", self.path, content=content, headers=given)

    def orders(self) -> int:
        return len(self.doors.house.read(order_book.listed, programme_id=self.programme_id))


@pytest.fixture
def desk(doors: Doors) -> Desk:
    return Desk(doors)


# ── Keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_act_without_a_key_is_not_done(desk: Desk) -> None:
    assert reason(desk.treasurer.call("POST", desk.path, json=desk.body())) == "key_missing"
    for key in ("with space", "x" * 65, ""):
        answer = desk.send(json.dumps(desk.body()).encode(), **{"Idempotency-Key": key})
        assert answer.status_code in {400, 422}, key
    assert desk.orders() == 0


def test_a_key_sent_again_gives_the_first_answer_whatever_the_order_of_the_fields(desk: Desk) -> None:
    body = desk.body(fee_cents=500)
    first = desk.send(json.dumps(body).encode(), key="commande-1")
    again = desk.send(json.dumps(dict(reversed(body.items())), indent=2).encode(), key="commande-1")
    assert first.status_code == 201 and again.json() == first.json()
    assert again.headers["idempotency-hit"] == "true"
    other = desk.send(json.dumps(desk.body(fee_cents=501)).encode(), key="commande-1")
    assert other.status_code == 422 and reason(other) == "key_reused"
    assert desk.orders() == 1


def test_a_refusal_is_kept_even_when_its_cause_is_gone(desk: Desk) -> None:
    number = desk.treasurer.post(desk.path, desk.body()).json()["number"]
    refused = desk.treasurer.post(f"{desk.path}/{number}/delivery", key="livraison")
    assert reason(refused) == "order_state"
    desk.treasurer.post(f"{desk.path}/{number}/placing")
    again = desk.treasurer.post(f"{desk.path}/{number}/delivery", key="livraison")
    assert again.json() == refused.json() and again.headers["idempotency-hit"] == "true"


def test_two_people_may_use_the_same_key(desk: Desk) -> None:
    colleague = desk.doors.person(desk.programme_id, "treasurer")
    first = desk.treasurer.post(desk.path, desk.body(), key="même-clé".encode().hex())
    second = colleague.post(desk.path, desk.body(), key="même-clé".encode().hex())
    assert [first.json()["number"], second.json()["number"]] == [1, 2]


# ── What cannot be ───────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"null", 422),
        (b"[]", 422),
        (b"{}", 422),
        (b'"text"', 422),
        (b"{", 400),
        (b"\xff\xfe{}", 400),
        (b'{"buyer_id": "\xff"}', 400),
        (b"[" * 60_000, 400),
        (b"1" * 5_000, 400),
        (b'{"buyer_id": NaN, "lines": []}', 422),
        (b'{"buyer_id": true, "lines": []}', 422),
        (b'{"buyer_id": "1", "lines": []}', 422),
        (b'{"buyer_id": 1.0, "lines": []}', 422),
        (b'{"buyer_id": 1e18, "lines": []}', 422),
        (b'{"buyer_id": 99999999999999999999, "lines": []}', 422),
        (b'{"buyer_id": -1, "lines": []}', 422),
        (b'{"buyer_id": 1, "lines": {}}', 422),
        (b'{"buyer_id": 1, "lines": [{"face_cents": 1000, "quantity": "\xef\xbc\x91\xef\xbc\x92"}]}', 422),
        (b'{"buyer_id": 1, "lines": [{"face_cents": 10.5, "quantity": 1}]}', 422),
        (b'{"buyer_id": 1, "lines": [{"face_cents": 1000000000000000000, "quantity": 1}]}', 422),
        (b'{"buyer_id": 1, "lines": [], "purchase_order": "\\u0000"}', 422),
        (b'{"buyer_id": 1, "lines": [], "purchase_order": "\\ud800"}', 422),
        (b'{"buyer_id": 1, "lines": [], "\\ud800": 1}', 422),
        (b'{"buyer_id": 1, "lines": [], "unknown": 1}', 422),
    ],
)
def test_what_cannot_be_is_refused_clearly_and_writes_nothing(desk: Desk, content: bytes, status: int) -> None:
    answer = desk.send(content)
    assert answer.status_code == status, answer.text
    assert reason(answer) in {"bad_input", "body_unreadable"}
    assert desk.orders() == 0


@pytest.mark.parametrize(
    "day",
    ["2026-1-1", "2026-02-30", "9999-12-31", "0001-01-01", "20261121", "2026-11-21T00:00:00", "１２", 0, 1_700_000_000],
)
def test_a_day_is_a_day(desk: Desk, day: Any) -> None:
    body = {"cents": 1_000, "bank_reference": "VIR 1", "received_on": day}
    answer = desk.treasurer.post(f"{desk.path}/1/payments", body)
    assert answer.status_code == 422 and answer.json()["field"] == "received_on"


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "x", "9223372036854775808", "1" * 400, "%00", "１"])
def test_a_number_in_a_path_is_a_number(desk: Desk, number: str) -> None:
    assert desk.treasurer.get(f"{desk.path}/{number}").status_code in {404, 422}


def test_what_was_sent_is_not_told_again(desk: Desk) -> None:
    sent = {"email": 1, "password": "très-secret-mot-de-passe"}
    answer = desk.doors.client.post(f"{V1}/sessions", json=sent, headers={"Accept-Language": "en"})
    assert answer.json()["detail"] == "Value refused for 'email': a text is wanted."
    assert "secret" not in answer.text


def test_a_body_is_capped_before_it_is_read(desk: Desk) -> None:
    large = b'{"x": "' + b"x" * BODY_BYTES + b'"}'
    assert reason(desk.send(large)) == "body_too_large"
    pieces = (large[at : at + 1_000] for at in range(0, len(large), 1_000))
    chunked = desk.treasurer.call("POST", desk.path, content=pieces, headers={"Content-Type": "application/json"})
    assert chunked.status_code == 413 and reason(chunked) == "body_too_large"


def test_headers_are_capped_before_anything_is_done(desk: Desk) -> None:
    answer = desk.treasurer.get(desk.path, headers={f"X-{number}": "x" * 4_000 for number in range(9)})
    assert answer.status_code == 431 and reason(answer) == "headers_too_large"
    assert desk.treasurer.get(desk.path, headers={"X-Large": "x" * (HEADER_BYTES // 2)}).status_code == 200


# ── Signing in ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_person_signs_in_sees_who_they_are_and_signs_out(doors: Doors) -> None:
    programme_id = doors.programme()
    person = doors.person(programme_id, "auditor", email="auditrice@example.fr")
    opened = doors.client.post(f"{V1}/sessions", json={"email": "Auditrice@example.fr", "password": PASSWORD})
    assert opened.status_code == 201
    session = Person(doors, person.staff_id, opened.json()["secret"])
    told = session.get(f"{V1}/me").json()
    assert told["actor"] == f"staff:{person.staff_id}" and told["held"][0]["role"] == "auditor"
    assert [token["kind"] for token in session.get(f"{V1}/me/tokens").json()] == ["session", "session"]
    assert session.call("DELETE", f"{V1}/me/session").status_code == 204
    assert reason(session.get(f"{V1}/me")) == "not_signed_in"


def test_wrong_passwords_and_unknown_people_get_one_answer_ten_times(doors: Doors) -> None:
    a_person(doors.house, programme_id=doors.programme(), email="claude@example.fr", at=clock.now())
    told = [
        doors.client.post(f"{V1}/sessions", json={"email": email, "password": "un autre mot de passe"}).json()
        for email in ("claude@example.fr", "personne@example.fr")
    ]
    assert told[0] == told[1] and told[0]["reason"] == "wrong_credentials"
    for _ in range(9):
        doors.client.post(f"{V1}/sessions", json={"email": "claude@example.fr", "password": "un autre mot de passe"})
    answer = doors.client.post(f"{V1}/sessions", json={"email": "claude@example.fr", "password": PASSWORD})
    assert reason(answer) == "too_many_attempts" and int(answer.headers["retry-after"]) > 0


def test_a_programs_token_makes_no_token(doors: Doors) -> None:
    person = doors.person(doors.programme(), "auditor")
    later = (clock.now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
    token = person.call("POST", f"{V1}/me/tokens", json={"label": "export", "expires_at": later}).json()["secret"]
    program = Person(doors, person.staff_id, token)
    made = program.call("POST", f"{V1}/me/tokens", json={"label": "export", "expires_at": later})
    assert reason(made) == "not_signed_in"


# ── What every answer carries ────────────────────────────────────────────────────────────────────────────────────
def test_every_answer_is_dressed(doors: Doors) -> None:
    for path in ("/", "/api/health", "/till/", "/api/v1/nothing", f"{V1}/me", "/api/docs", "/front.css"):
        headers = doors.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        is_page = headers["content-type"].startswith("text/html") and not path.startswith("/till")
        assert headers["referrer-policy"] == ("same-origin" if is_page else "no-referrer")
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["vouchers-build"]
        assert "strict-transport-security" not in headers
    till = doors.client.get("/till/").headers
    assert "camera=(self)" in till["permissions-policy"]
    assert "'wasm-unsafe-eval'" in till["content-security-policy"]
    assert "camera=()" in doors.client.get("/").headers["permissions-policy"]


def test_in_production_https_is_demanded(house_url: str, tmp_path: Path) -> None:
    with open_doors(house_url, tmp_path, environment=Setting.PRODUCTION, offered_docs=False) as doors:
        assert "max-age" in doors.client.get("/").headers["strict-transport-security"]
        assert doors.client.get("/api/openapi.json").status_code == 404
        assert doors.client.get("/api/docs").status_code == 404


def test_the_front_page_says_what_this_is_and_a_pairing_code_in_capitals_finds_the_till(doors: Doors) -> None:
    page = doors.client.get("/")
    assert "Chèques cadeaux" in page.text and 'href="/till/"' in page.text
    moved = doors.client.get("/TILL/", follow_redirects=False)
    assert moved.status_code == 308 and moved.headers["location"] == "/till/"
    assert doors.client.get("/till", follow_redirects=False).status_code in {307, 308}


def test_the_house_says_that_it_is_ready(doors: Doors) -> None:
    assert doors.client.get("/api/health").json()["status"] == "ok"


def test_the_house_does_not_open_on_another_schema(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'empty.db'}", pepper=PEPPER, session_key=SESSION_KEY)
    with pytest.raises(SettingsFault, match="vouchers migrate"), TestClient(create_app(settings)):
        pass


def test_who_starts_at_once_takes_the_same_secrets(tmp_path: Path) -> None:
    together = threading.Barrier(4)

    def started(settings: Settings) -> tuple[bytes, bytes]:
        together.wait()
        return settings.secret_bytes()

    with ThreadPoolExecutor(4) as pool:
        for number in range(50):
            settings = Settings(database_url=f"sqlite:///{tmp_path / f'house{number}.db'}")
            assert len(set(pool.map(started, [settings] * 4))) == 1
            assert settings.secrets_path().stat().st_mode & 0o777 == 0o600
    assert len(list(tmp_path.iterdir())) == 50


def test_secrets_that_were_cut_or_changed_are_not_taken(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'house.db'}")
    made, path = settings.secret_bytes(), settings.secrets_path()
    assert settings.secret_bytes() == made
    whole = path.read_text()
    for broken in ("", "{", "[]", "{}", whole[:-4], whole.replace(made[0].hex(), made[0].hex()[2:]), '"é"'):
        path.write_text(broken)
        with pytest.raises(SettingsFault, match="64 hexadecimal digits"):
            settings.secret_bytes()


@pytest.mark.parametrize(
    ("fault", "status", "named"),
    [
        (OutcomeUnknown("the standby is silent"), 503, "outcome_unknown"),
        (Busy("2000 writes are waiting"), 503, "busy"),
        (sa.exc.OperationalError("SELECT secret", {}, Exception("disk")), 500, "failed"),
        (RuntimeError("secret"), 500, "failed"),
    ],
)
def test_when_the_walls_fail_nothing_of_the_inside_is_told(
    doors: Doors, caplog: pytest.LogCaptureFixture, fault: Exception, status: int, named: str
) -> None:
    async def failing(_request: Request) -> None:
        raise fault

    doors.client.app.router.add_route("/api/failing", failing)
    with caplog.at_level(logging.CRITICAL, logger="vouchers.api"):
        answer = doors.client.get("/api/failing")
    assert answer.status_code == status and reason(answer) == named
    assert "secret" not in answer.text and answer.headers["vouchers-build"]
    assert (named == "busy") == ("retry-after" in answer.headers)


def test_who_stops_waiting_does_not_stop_the_writer(doors: Doors) -> None:
    import asyncio

    house: House = doors.client.app.state.house
    programme_id = doors.programme()

    async def given_up() -> None:
        writing = asyncio.create_task(house.write(lambda _session: None))
        await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing

    asyncio.run(given_up())
    assert a_buyer(doors.house, programme_id=programme_id, at=clock.now())
