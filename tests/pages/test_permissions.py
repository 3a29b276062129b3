"""Every page, by every role, on its own and on another's object: what the table grants, and nothing else.

A GET page and a form are cells alike; a form is sent empty, so that whoever may reach the verb is told what is missing
and nothing is done.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi.routing import APIRoute
from httpx2 import Response

from tests.api.doors import Doors, open_doors
from tests.makers import SESSION_KEY
from tests.pages.browsing import Browser, signed_in, sits_down
from tests.pages.objects import OBJECTS, Objects, objects_of
from vouchers.access import PERMISSIONS, Act, Reach, Role
from vouchers.pages import desk
from vouchers.pages import doors as page_doors

STAFF_ROLES: Final = [role for role in Role if role is not Role.TILL]
PREFIX: Final = "/p/{programme_id}"
FILTERED: Final[set[tuple[str, str]]] = set()
"""Pages about one object that whoever has the role may open, and which show only what is theirs."""
NOBODYS: Final = {
    ("POST", "/p/{programme_id}/reglements/{number}/empreinte"),
    ("GET", "/p/{programme_id}/reglements/{number}/papiers"),
    ("GET", "/p/{programme_id}/reglements/{number}/papiers.zip"),
}
"""About everybody's at once: only a role that reaches everything."""
AUTHORS_OWN: Final = {("POST", "/p/{programme_id}/dispositif/nouveau/{set_up_id}/resume")}
"""Handed in by who wrote it, and nobody else."""


@dataclass(frozen=True)
class Door:
    """One route of the pages."""

    method: str
    path: str
    act: str

    @property
    def names_an_object(self) -> bool:
        return "{" in self.path.removeprefix(PREFIX)


def all_doors() -> Iterator[Door]:
    for route in (route for room in page_doors.ROOMS for route in room.routes):
        assert isinstance(route, APIRoute), route
        for method in sorted(route.methods - {"HEAD"}):
            yield Door(method, route.path, str((route.openapi_extra or {}).get("x-act", "")))


DOORS: Final = list(all_doors())
AT_DESK: Final = [door for door in DOORS if door.path.startswith(PREFIX)]


def test_every_page_declares_its_act_or_whom_it_is_for() -> None:
    assert [door for door in DOORS if door.act not in {*Act, "public", "signed_in"}] == []
    assert [door for door in AT_DESK if door.act not in set(Act)] == []
    assert [door for door in DOORS if door.act in set(Act) and door not in AT_DESK] == []


def test_no_page_that_is_only_looked_at_changes_anything() -> None:
    writing = {act for act in Act if not act.endswith((".read", ".look_up", ".expect"))}
    downloads = {Act.BATCH_PRINT, Act.SETTLEMENT_EXPORT, Act.RECIPIENT_EXPORT}
    forms = {door.path for door in DOORS if door.method == "POST"}
    # A form stands where it is sent to, or on a page that only shows.
    odd = [
        door.path
        for door in AT_DESK
        if door.method == "GET" and Act(door.act) in writing - downloads and door.path not in forms
    ]
    assert [path for path in odd if not any(form.startswith(path.rsplit("/", 1)[0]) for form in forms)] == []


@pytest.fixture(scope="module")
def doors(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    """One town for the whole matrix: nothing in it has to be new for a page to be shown or refused."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "house.db").write_bytes(migrated_sqlite.read_bytes())
    with open_doors(f"sqlite:///{folder / 'house.db'}", folder) as opened:
        yield opened


def _refused(answer: Response) -> str | None:
    """The guard's refusal, None if the page or the verb was reached."""
    if answer.status_code == 303 and "/connexion" in answer.headers["location"]:
        return None if "confirmer" in answer.headers["location"] else "not_signed_in"
    told = answer.headers.get(desk.REFUSED, "")
    return {"forbidden": "forbidden", "not_found programme": "stranger", "form_expired": "form_expired"}.get(told)


def test_every_cell_of_the_permission_table_holds_at_the_pages(doors: Doors) -> None:
    programme_id = doors.programme()
    own, other = objects_of(doors, programme_id), objects_of(doors, programme_id)
    foreign = objects_of(doors, doors.programme())
    of: dict[str, Any] = {"buyer_id": own.values["buyer_id"], "merchant_id": own.values["merchant_id"]}
    people = {role: sits_down(doors, programme_id, role.value, **of) for role in STAFF_ROLES}
    numbers = itertools.count(1)
    faults: list[str] = []

    def cell(door: Door, who: Browser, objects: Objects, expected: str | None) -> None:
        path = objects.fill(door.path)
        secret = who.client.cookies.get("session") or ""
        fields = {desk.CSRF_FIELD: desk.form_token(SESSION_KEY, secret), desk.KEY_FIELD: f"cell-{next(numbers)}"}
        answer = who.client.request(
            door.method, path, data=fields if door.method == "POST" else None, follow_redirects=False
        )
        assert answer.status_code < 500, (door, path, answer.text[:2_000])
        # What a cell before this one threw away is not there for anybody: no more is told than to a stranger.
        gone = expected == "forbidden" and answer.status_code == 404
        if _refused(answer) != expected and not gone:
            told = answer.headers.get(desk.REFUSED, "")
            faults.append(f"{door.method} {path} as {who.staff_id}: {expected} wanted, {answer.status_code} {told}")

    nobody = Browser(doors)
    for door in AT_DESK:
        granted = PERMISSIONS[Act(door.act)]
        cell(door, nobody, own, "form_expired" if door.method == "POST" else "not_signed_in")
        for role, person in people.items():
            reach = granted.get(role)
            mine, others = (own.of_shop(), other.of_shop()) if role is Role.MERCHANT_OWNER else (own, other)
            name = (door.method, door.path)
            barred = name in AUTHORS_OWN or (name in NOBODYS and reach is Reach.OWN)
            cell(door, person, mine, None if reach is not None and not barred else "forbidden")
            if door.names_an_object:
                reached = (reach is Reach.ALL or (reach is Reach.OWN and name in FILTERED)) and not barred
                cell(door, person, others, None if reached else "forbidden")
            cell(door, person, foreign, "stranger")
    assert not faults, f"{len(faults)} cells\n" + "\n".join(faults)


def test_a_form_of_another_browser_does_nothing(doors: Doors) -> None:
    programme_id = doors.programme()
    own = objects_of(doors, programme_id)
    mine = sits_down(doors, programme_id, *(role.value for role in STAFF_ROLES[:4]))
    theirs = signed_in(doors, mine.staff_id)
    secret = theirs.client.cookies.get("session") or ""
    stolen = {desk.CSRF_FIELD: desk.form_token(SESSION_KEY, secret), desk.KEY_FIELD: "stolen"}
    for door in DOORS:
        if door.method != "POST":
            continue
        path = own.fill(door.path)
        for sent, headers in ((stolen, {}), ({}, {}), (stolen, {"Sec-Fetch-Site": "cross-site"})):
            answer = mine.client.post(path, data=sent, headers=headers, follow_redirects=False)
            assert answer.status_code == 403 and answer.headers[desk.REFUSED] == "form_expired", (
                door,
                answer.text[:300],
            )


def test_every_name_in_a_path_is_an_object_of_the_matrix() -> None:
    named = {name for door in AT_DESK for name in re.findall(r"\{([a-z_]+)", door.path)}
    assert sorted(named - set(OBJECTS)) == []
