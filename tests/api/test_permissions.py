"""Every route, by every role, on its own and on another's object: what the table grants, and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from httpx2 import Response

from tests.api.doors import Doors, Person, open_doors
from tests.makers import a_batch, a_buyer, a_cashier, a_merchant, a_pairing_code, a_person, an_order
from vouchers import archive, bank_accounts, clock, roles
from vouchers.access import PERMISSIONS, Act, Reach, Role
from vouchers.api.app import create_app
from vouchers.config import Settings
from vouchers.order_book import Line

METHODS: Final = ("get", "post", "put", "patch", "delete")
PUBLIC: Final = {
    ("post", "/api/v1/sessions"),
    ("post", "/api/v1/tills/pair"),
    ("post", "/api/v1/public/voucher"),
    ("get", "/problems/{reason}"),
    ("get", "/api/health"),
}
UNKEYED: Final = {
    # A secret is in the answer, which is therefore not kept:
    ("post", "/api/v1/sessions"),
    ("post", "/api/v1/me/tokens"),
    ("post", "/api/v1/programmes/{programme_id}/merchants/{merchant_id}/pairing-codes"),
    ("post", "/api/v1/tills/pair"),
    # The second time changes nothing:
    ("delete", "/api/v1/me/session"),
    ("delete", "/api/v1/me/tokens/{token_hash}"),
    ("put", "/api/v1/me/password"),
    ("post", "/api/v1/programmes/{programme_id}/reports/seals"),
    # Each paper is made once, and each letter leaves once:
    ("post", "/api/v1/programmes/{programme_id}/settlements/{number}/papers"),
    ("post", "/api/v1/programmes/{programme_id}/settlements/{number}/letters"),
    # Each entry carries its own key; a lease is renewed, not added:
    ("post", "/api/v1/till/acceptances"),
    ("post", "/api/v1/till/snapshot"),
    # Nothing is changed:
    ("post", "/api/v1/till/look-up"),
    ("post", "/api/v1/public/voucher"),
    ("post", "/api/v1/programmes/{programme_id}/batches/{number}/sheets"),
}
FILTERED: Final = {
    # Given to whoever has the role, but only what is theirs.
    ("get", "/api/v1/programmes/{programme_id}/buyers"),
    ("get", "/api/v1/programmes/{programme_id}/merchants"),
    ("get", "/api/v1/programmes/{programme_id}/settlements"),
    ("get", "/api/v1/programmes/{programme_id}/disputes"),
    ("get", "/api/v1/programmes/{programme_id}/documents"),
    ("get", "/api/v1/programmes/{programme_id}/settlements/{number}"),
}
NOBODYS: Final = {
    ("get", "/api/v1/programmes/{programme_id}/batches"),
    ("get", "/api/v1/programmes/{programme_id}/settlements/{number}/papers"),
}
"""What holds everybody's: only a role that reaches everything may read it."""
STAFF_ROLES: Final = [role for role in Role if role is not Role.TILL]


@dataclass(frozen=True)
class Door:
    """One route, as the document declares it."""

    method: str
    path: str
    operation: dict[str, Any]

    @property
    def act(self) -> str:
        return str(self.operation.get("x-act", ""))

    @property
    def name(self) -> tuple[str, str]:
        return self.method, self.path


def _document() -> dict[str, Any]:
    return create_app(Settings(database_url="sqlite:///nowhere.db")).openapi()


DOCUMENT: Final = _document()
DOORS: Final = [
    Door(method, path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    if method in METHODS
]
AT_DESK: Final = [door for door in DOORS if door.path.startswith("/api/v1/programmes/{programme_id}")]
AT_COUNTER: Final = [door for door in DOORS if door.path == "/api/v1/till" or door.path.startswith("/api/v1/till/")]


def test_every_route_declares_its_act_or_whom_it_is_for() -> None:
    undeclared = [door.name for door in DOORS if door.act not in {*Act, "public", "signed_in"}]
    assert not undeclared
    assert {door.name for door in DOORS if door.act == "public"} == PUBLIC
    assert all(door.act in set(Act) for door in (*AT_DESK, *AT_COUNTER))


def test_every_route_that_changes_something_takes_a_key() -> None:
    takes_key = {
        door.name
        for door in DOORS
        for parameter in door.operation.get("parameters", ())
        if parameter["name"].lower() == "idempotency-key" and not door.path.startswith("/api/v1/till")
    }
    changing = {door.name for door in DOORS if door.method != "get" and door not in AT_COUNTER}
    assert changing - takes_key == {door for door in UNKEYED if not door[1].startswith("/api/v1/till/")}
    assert not takes_key & {door.name for door in DOORS if door.method == "get"}


def example(schema: dict[str, Any]) -> Any:
    """A value that a schema of the document would accept, from its own examples."""
    if "$ref" in schema:
        return example(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "examples" in schema:
        return schema["examples"][0]
    if "anyOf" in schema:
        return example(schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        named = schema.get("properties", {})
        return {name: example(named[name]) for name in schema.get("required", ())}
    return [example(schema["items"])] if schema.get("type") == "array" else 1


@dataclass
class Objects:
    """What one buyer and one shop have, each under the name that paths and bodies give it."""

    programme_id: int
    buyer_id: int
    merchant_id: int
    values: dict[str, Any]

    def of_shop(self) -> "Objects":
        """The same, where what may be a buyer's or a shop's is the shop's."""
        return replace(self, values={**self.values, "document": self.values["shop_document"]})

    def fill(self, door: Door, *, order_number: int, batch_number: int) -> tuple[str, Any]:
        """The path and the body of a call about these objects."""
        number = batch_number if "/batches/" in door.path else order_number if "/orders/" in door.path else 1
        path = door.path.format(programme_id=self.programme_id, number=number, **self.values)
        query = {
            one["name"]: example(one["schema"] | {k: v for k, v in one.items() if k == "examples"})
            for one in door.operation.get("parameters", ())
            if one["in"] == "query" and one.get("required")
        }
        if door.name == ("get", "/api/v1/programmes/{programme_id}/orders"):
            query["buyer_id"] = self.buyer_id
        query = {name: "2026-11-21" if name in {"day", "from_on", "to_on"} else value for name, value in query.items()}
        path += "?" + "&".join(f"{name}={value}" for name, value in query.items()) if query else ""
        content = door.operation.get("requestBody", {}).get("content", {}).get("application/json")
        body = None if content is None else example(content["schema"])
        if isinstance(body, dict):
            body = {name: self.values.get(name, value) for name, value in body.items()}
        return path, body


@pytest.fixture(scope="module")
def doors(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    """One town for the whole matrix: nothing in it has to be new for a call to be allowed or refused."""
    folder = tmp_path_factory.mktemp("matrix")
    (folder / "house.db").write_bytes(migrated_sqlite.read_bytes())
    with open_doors(f"sqlite:///{folder / 'house.db'}", folder) as opened:
        yield opened


def _objects(doors: Doors, programme_id: int) -> tuple[Objects, int, int]:
    house, at = doors.house, clock.now()
    buyer_id = a_buyer(house, programme_id=programme_id, at=at)
    merchant_id = a_merchant(house, programme_id=programme_id, at=at)
    paid = an_order(house, programme_id=programme_id, buyer_id=buyer_id, lines=[Line(1_000, 3)])
    made = a_batch(house, paid=paid, upto="active")
    account_id = house.write(
        bank_accounts.ask_account,
        programme_id=programme_id,
        merchant_id=merchant_id,
        account_holder="SARL Lemoine",
        iban="FR7630006000011234567890189",
        actor="staff:1",
        at=at,
    )
    victim = a_person(house, programme_id=programme_id, at=at)
    role_id = house.write(
        roles.ask_role, programme_id=programme_id, staff_id=victim, name="auditor", actor="staff:1", at=at
    )
    till_id = doors.till(programme_id, merchant_id).paired.till.till_id
    a_pairing_code(house, programme_id=programme_id, merchant_id=merchant_id, at=at)
    cashier_id = a_cashier(house, programme_id=programme_id, merchant_id=merchant_id, at=at)
    values = {
        "buyer_id": buyer_id, "merchant_id": merchant_id, "account_id": account_id, "staff_id": victim,
        "role_id": role_id, "till_id": till_id, "serial": made.first_serial, "serials": [made.first_serial],
        "redemption_id": 1, "cashier_id": cashier_id,
    }  # fmt: skip
    paper: dict[str, Any] = {"kind": "statement", "subject": "programme:1", "file_name": "x.pdf", "file": b"%PDF"}
    kept = {"programme_id": programme_id, "actor": "staff:1", "at": at, **paper}
    for named, of in (("document", {"buyer_id": buyer_id}), ("shop_document", {"merchant_id": merchant_id})):
        values[named] = house.write(archive.keep, named=f"{named}-{buyer_id}", **kept, **of).name
    return Objects(programme_id, buyer_id, merchant_id, values), paid.number, made.number


def _refused(answer: Response) -> str | None:
    """The guard's refusal, None if the verb was reached."""
    if answer.status_code not in {401, 403, 404}:
        return None
    told = answer.json()
    if told["reason"] == "not_found" and told["what"] == "programme":
        return "stranger"
    return told["reason"] if told["reason"] in {"not_signed_in", "forbidden"} else None


def test_every_cell_of_the_permission_table_holds_at_the_doors(doors: Doors) -> None:
    programme_id = doors.programme()
    own, own_order, own_batch = _objects(doors, programme_id)
    other, other_order, other_batch = _objects(doors, programme_id)
    elsewhere = doors.programme()
    foreign, _, _ = _objects(doors, elsewhere)
    of = {"buyer_id": own.buyer_id, "merchant_id": own.merchant_id}
    people = {role: doors.person(programme_id, role.value, **of) for role in STAFF_ROLES}
    cells = 0
    faults: list[str] = []

    def cell(door: Door, who: Person, objects: Objects, numbers: tuple[int, int], expected: str | None) -> None:
        nonlocal cells
        path, body = objects.fill(door, order_number=numbers[0], batch_number=numbers[1])
        how = {} if body is None else {"json": body}
        answer = who.call(door.method.upper(), path, headers={"Idempotency-Key": f"cell-{cells}"}, **how)
        cells += 1
        assert answer.status_code < 500, (door.name, answer.text)
        if _refused(answer) != expected:
            faults.append(f"{door.name} as {who.staff_id}: {expected} wanted, {answer.status_code} {answer.text[:200]}")

    nobody = Person(doors, 0, "no-such-token")
    for door in AT_DESK:
        granted = PERMISSIONS[Act(door.act)]
        cell(door, nobody, own, (own_order, own_batch), "not_signed_in")
        for role, person in people.items():
            reach = granted.get(role)
            on_own = None if reach is Reach.ALL or (reach is Reach.OWN and door.name not in NOBODYS) else "forbidden"
            mine, others = (own.of_shop(), other.of_shop()) if role is Role.MERCHANT_OWNER else (own, other)
            cell(door, person, mine, (own_order, own_batch), on_own)
            on_other = None if reach is Reach.ALL or (reach is Reach.OWN and door.name in FILTERED) else "forbidden"
            cell(door, person, others, (other_order, other_batch), on_other)
            cell(door, person, foreign, (1, 1), "stranger")
    assert not faults, "\n".join(faults)
    assert cells == len(AT_DESK) * (1 + 3 * len(STAFF_ROLES))


def test_whose_a_thousand_vouchers_are_is_one_question(doors: Doors) -> None:
    programme_id = doors.programme()
    house, at = doors.house, clock.now()
    buyers = [a_buyer(house, programme_id=programme_id, at=at) for _ in range(2)]
    for buyer_id in buyers:
        paid = an_order(house, programme_id=programme_id, buyer_id=buyer_id, lines=[Line(1_000, 500)])
        a_batch(house, paid=paid, upto="active")
    clerk = doors.person(programme_id, "buyer_clerk", buyer_id=buyers[0])
    path, asked = f"/api/v1/programmes/{programme_id}/vouchers/block", 0

    def count(*_statement: Any) -> None:
        nonlocal asked
        asked += 1

    sa.event.listen(sa.Engine, "before_cursor_execute", count)
    try:
        refused = clerk.post(path, {"serials": list(range(1, 1_001)), "reason": "perdus"})
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", count)
    assert _refused(refused) == "forbidden" and asked < 10
    stopped = clerk.post(path, {"serials": list(range(1, 501)), "reason": "perdus"})
    assert stopped.status_code == 200, stopped.text


def test_a_persons_token_opens_no_till_and_a_till_no_desk(doors: Doors) -> None:
    programme_id = doors.programme()
    merchant_id = a_merchant(doors.house, programme_id=programme_id, at=clock.now())
    treasurer = doors.person(programme_id, "treasurer", "administrator")
    till = doors.till(programme_id, merchant_id)
    for door in AT_COUNTER:
        path = door.path.format(redemption_id=1) + ("?day=2026-11-21" if door.name[0] == "get" else "")
        assert treasurer.call(door.method.upper(), path, json={}).status_code == 401
    for door in AT_DESK:
        path = door.path.format(programme_id=programme_id, number=1, **dict.fromkeys(_NAMES, 1))
        assert till.call(door.method.upper(), path, {}, key="till-at-the-desk").status_code == 401


_NAMES: Final = (
    "buyer_id", "merchant_id", "account_id", "staff_id", "role_id", "till_id", "cashier_id", "serial", "redemption_id",
    "reason", "document",
)  # fmt: skip


def test_lists_show_an_owner_only_what_is_their_own(doors: Doors) -> None:
    programme_id = doors.programme()
    mine = a_merchant(doors.house, programme_id=programme_id, at=clock.now())
    a_merchant(doors.house, programme_id=programme_id, at=clock.now())
    owner = doors.person(programme_id, "merchant_owner", merchant_id=mine)
    listed = owner.get(f"/api/v1/programmes/{programme_id}/merchants").json()
    assert [shop["merchant_id"] for shop in listed["items"]] == [mine]
    assert listed["next"] is None
    assert [one["programme_id"] for one in owner.get("/api/v1/programmes").json()["items"]] == [programme_id]


def test_a_role_that_is_revoked_is_felt_at_the_next_request(doors: Doors) -> None:
    programme_id = doors.programme()
    auditor = doors.person(programme_id, "auditor")
    path = f"/api/v1/programmes/{programme_id}/reports/gauge"
    assert auditor.get(path).status_code == 200
    held = doors.house.read(roles.roles_of, programme_id=programme_id, limit=200)
    number = next(one.role_id for one in held if one.name == "auditor")
    admins = [one.staff_id for one in held if one.name == "administrator"]
    administrator = doors.signed_in(admins[0])
    revoked = administrator.post(f"/api/v1/programmes/{programme_id}/roles/{number}/revocation")
    assert revoked.status_code == 200 and revoked.json()["state"] == "revoked"
    assert auditor.get(path).status_code == 404
