"""The application with a small town behind it, called over HTTP as people, tills and strangers call it."""

import itertools
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from fastapi.testclient import TestClient
from httpx2 import Response

from tests.makers import PEPPER, SESSION_KEY, PairedPhone, Phone, a_programme, a_staff_member, a_till
from vouchers import clock, sign_in
from vouchers.api.app import create_app
from vouchers.config import Settings
from vouchers.db import Database

_keys = itertools.count(1)
V1: Final = "/api/v1"


@dataclass
class Person:
    """Someone with a token."""

    doors: "Doors"
    staff_id: int
    token: str

    def get(self, path: str, **how: Any) -> Response:
        return self.call("GET", path, **how)

    def post(self, path: str, body: Any = None, *, key: str | None = None, **how: Any) -> Response:
        headers = {"Idempotency-Key": key or f"key-{next(_keys)}"}
        return self.call("POST", path, json={} if body is None else body, headers=headers, **how)

    def call(self, method: str, path: str, *, headers: dict[str, str] | None = None, **how: Any) -> Response:
        """Any request in this person's name."""
        signed = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        return self.doors.client.request(method, path, headers=signed, **how)


@dataclass
class TillPhone:
    """A paired phone at the door."""

    doors: "Doors"
    paired: PairedPhone

    def call(
        self, method: str, path: str, body: Any = None, *, key: str = "", headers: dict[str, str] | None = None
    ) -> Response:
        """A signed request, as the phone sends it."""
        content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        signed = self.paired.request(method=method, path=path, body=content, key=key, at=clock.now())
        sent = {
            "Vouchers-Till": str(signed.till_id),
            "Vouchers-Time": str(signed.time_ms),
            "Vouchers-Nonce": signed.nonce,
            "Vouchers-Signature": urlsafe_b64encode(signed.signature).decode().rstrip("="),
            "Content-Type": "application/json",
        }
        if key:
            sent["Idempotency-Key"] = key
        return self.doors.client.request(method, path, content=content, headers={**sent, **(headers or {})})

    def get(self, path: str) -> Response:
        return self.call("GET", path)

    def post(self, path: str, body: Any, *, key: str = "", **how: Any) -> Response:
        return self.call("POST", path, body, key=key, **how)

    def redeem(self, *codes: str, key: str | None = None, **more: Any) -> Response:
        """A basket of whole vouchers."""
        body = {"vouchers": [{"code": code, "cents": None} for code in codes], **more}
        return self.post(f"{V1}/till/redemptions", body, key=key or f"scan-{next(_keys)}")


@dataclass
class Doors:
    """An open application, its database, and who calls it."""

    client: TestClient
    house: Database
    people: dict[str, Person] = field(default_factory=dict)

    def programme(self, **rules: Any) -> int:
        """A programme that runs today, whatever day it is."""
        today = clock.book_day(clock.now())
        days = {
            "starts_on": today - timedelta(days=30),
            "expires_on": today + timedelta(days=200),
            "presentation_deadline_on": today + timedelta(days=260),
        }
        return a_programme(self.house, at=clock.now(), **{**days, **rules})

    def person(self, programme_id: int, *role_names: str, **of: Any) -> Person:
        """Someone with these roles and a token."""
        staff_id = a_staff_member(self.house, programme_id=programme_id, role_names=role_names, at=clock.now(), **of)
        return self.signed_in(staff_id)

    def signed_in(self, staff_id: int) -> Person:
        """Someone who is there already, in a session."""
        opened = self.house.write(
            sign_in.open_session,
            staff_id=staff_id,
            means="password",
            label="essai",
            session_key=SESSION_KEY,
            lasts=timedelta(days=1),
            at=clock.now(),
        )
        return Person(self, staff_id, opened.secret)

    def till(self, programme_id: int, merchant_id: int) -> TillPhone:
        """A phone paired with a shop."""
        return TillPhone(self, a_till(self.house, programme_id=programme_id, merchant_id=merchant_id, at=clock.now()))


def pairing_body(phone: Phone, code: str, label: str = "Téléphone de Paul") -> dict[str, str]:
    """What a phone sends to be paired."""
    public_key = urlsafe_b64encode(phone.public_key).decode().rstrip("=")
    signature = phone.sign(f"pair\n{code}\n{public_key}\n{label}".encode())
    return {
        "pairing_code": code,
        "public_key": public_key,
        "label": label,
        "signature": urlsafe_b64encode(signature).decode().rstrip("="),
    }


@contextmanager
def open_doors(house_url: str, folder: Path, **settings: Any) -> Iterator[Doors]:
    """The application on a migrated database."""
    chosen = Settings(
        database_url=house_url,
        pepper=PEPPER,
        session_key=SESSION_KEY,
        anchors_file=folder / "anchors.json",
        **settings,
    )
    with TestClient(create_app(chosen)) as client:
        yield Doors(client, client.app.state.house.database)


def reason(answer: Response) -> str:
    """The refusal's name."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    told = answer.json()
    assert told["type"] == f"/problems/{told['reason']}"
    assert told["status"] == answer.status_code
    assert told["title"] and told["detail"]
    return str(told["reason"])
