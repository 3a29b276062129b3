"""The document says what the doors do, and whatever a machine makes of it, no door falls over."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.doors import Doors, open_doors
from tests.api.test_permissions import AT_COUNTER, DOCUMENT, DOORS, METHODS
from tests.makers import a_merchant
from vouchers import clock

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def doors(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    """One house for all that is thrown at it."""
    folder = tmp_path_factory.mktemp("thrown")
    (folder / "house.db").write_bytes(migrated_sqlite.read_bytes())
    with open_doors(f"sqlite:///{folder / 'house.db'}", folder) as opened:
        yield opened


def test_every_door_says_what_it_does_and_how_it_refuses() -> None:
    for door in DOORS:
        assert door.operation.get("description"), door.name
        assert door.operation["summary"], door.name
        refused = {status for status in door.operation["responses"] if status.startswith("4")}
        assert refused, door.name
        for status in refused:
            assert "application/problem+json" in door.operation["responses"][status]["content"], door.name


def test_nothing_in_the_document_takes_a_number_that_is_no_integer() -> None:
    text = json.dumps(DOCUMENT)
    assert '"type": "number"' not in text
    assert len(METHODS) == 5


def test_every_door_says_what_it_gives_and_who_opens_it_with_what() -> None:
    assert set(DOCUMENT["components"]["securitySchemes"]) == {"bearer", "till_signature"}
    signed = {"vouchers-till", "vouchers-time", "vouchers-nonce", "vouchers-signature"}
    keyed_at_counter = set()
    for door in DOORS:
        done = next(given for status, given in door.operation["responses"].items() if status.startswith("2"))
        gives = [content.get("schema") for content in done.get("content", {}).values()]
        assert "204" in door.operation["responses"] or (gives and all(gives)), door.name
        headers = {one["name"]: one for one in door.operation.get("parameters", ()) if one["in"] == "header"}
        assert all(one["required"] and one["schema"]["type"] == "string" for one in headers.values()), door.name
        at_counter = door in AT_COUNTER
        assert (signed <= set(headers)) == at_counter, door.name
        public = door.act == "public"
        scheme = [{"till_signature": []}] if at_counter else [] if public else [{"bearer": []}]
        assert door.operation["security"] == scheme, door.name
        if at_counter and "idempotency-key" in headers:
            keyed_at_counter.add(door.name)
    assert keyed_at_counter == {
        ("post", "/api/v1/till/redemptions"),
        ("post", "/api/v1/till/redemptions/{redemption_id}/reversal"),
    }
    batch = DOCUMENT["paths"]["/api/v1/programmes/{programme_id}/orders/{number}/batch"]["get"]["responses"]["200"]
    assert {"type": "null"} in batch["content"]["application/json"]["schema"]["anyOf"]
    assert "404" in DOCUMENT["paths"]["/problems/{reason}"]["get"]["responses"]


@pytest.mark.slow
def test_no_door_falls_over(doors: Doors) -> None:
    programme_id = doors.programme()
    assert programme_id == 1
    a_merchant(doors.house, programme_id=programme_id, at=clock.now())
    everything = doors.person(programme_id, "treasurer", "approver", "administrator", "auditor")
    till = doors.till(programme_id, 1)
    counters = {(door.method.upper(), door.path) for door in AT_COUNTER}
    schema = schemathesis.openapi.from_dict(DOCUMENT)

    @given(data=st.data())
    @settings(max_examples=1_500, deadline=None, suppress_health_check=list(HealthCheck))
    def thrown(data: st.DataObject) -> None:
        operation = data.draw(st.sampled_from(operations))
        case = data.draw(operation.as_strategy())
        if "programme_id" in case.path_parameters:
            case.path_parameters["programme_id"] = programme_id
        method, path = operation.method.upper(), case.formatted_path
        body = json.dumps(case.body).encode() if isinstance(case.body, (dict, list, str, int, float, bool)) else b""
        query = f"?{urlencode(case.query, doseq=True)}" if case.query else ""
        if (method, operation.path) in counters:
            answer = till.call(method, path + query, json.loads(body) if body else None, key="thrown")
        else:
            headers = {"Idempotency-Key": f"thrown-{next(_numbers)}", "Content-Type": "application/json"}
            answer = everything.call(method, path + query, content=body, headers=headers)
        assert answer.status_code < 500, (operation.label, answer.status_code)

    operations: list[Any] = [found.ok() for found in schema.get_all_operations()]
    thrown()
