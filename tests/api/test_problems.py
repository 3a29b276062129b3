"""Every no has a status, a stable name and a sentence in two languages."""

import re

import pytest
from fastapi.testclient import TestClient

from tests.api.doors import Doors, reason
from vouchers.api import problems
from vouchers.errors import REFUSALS, AlreadyRedeemed, VoucherRefusal, refusal_of


def test_every_refusal_has_a_status() -> None:
    assert set(problems.STATUS) == set(REFUSALS)


def test_a_refusal_that_is_kept_under_a_key_is_never_one_of_the_guards() -> None:
    # A phone that was answered 401, 403 or 429 asks again; what was kept would be asked for ever.
    of_the_act = [kind for kind in REFUSALS.values() if kind.__bases__[0].__name__ not in {"AccessRefusal", "Refusal"}]
    assert not [kind.reason for kind in of_the_act if problems.STATUS[kind.reason] in {401, 403, 429}]


def test_a_refusal_says_itself_in_french_and_in_english() -> None:
    told = problems.body_of(AlreadyRedeemed(serial=12, used=None), "fr")
    assert told["detail"] == "Le chèque 12 a déjà été utilisé."
    assert told["say"] == "Ce chèque a déjà été utilisé."
    assert problems.body_of(AlreadyRedeemed(serial=12, used=None), "en")["detail"] == "Voucher 12 was already used."


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        ("", "fr"),
        ("en-GB,en;q=0.9", "en"),
        ("fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        ("de,en;q=0.5,fr;q=0.4", "en"),
        ("en;q=0,fr;q=0.1", "fr"),
        ("*;q=x,en;q=é", "fr"),
    ],
)
def test_the_language_is_the_one_asked_for_first(asked: str, spoken: str) -> None:
    assert problems.language_in(asked) == spoken


def test_what_a_problem_means_can_be_looked_up(doors: Doors) -> None:
    assert doors.client.get("/problems/already_redeemed").json()["status"] == 409
    assert reason(doors.client.get("/problems/nonsense")) == "path_unknown"


def test_what_is_not_there_is_a_problem_too(doors: Doors) -> None:
    client: TestClient = doors.client
    assert reason(client.get("/api/v1/nothing")) == "path_unknown"
    assert reason(client.delete("/api/v1/programmes")) == "method_refused"


def test_every_sentence_can_be_filled_in_from_what_it_carries() -> None:
    for kind in REFUSALS.values():
        said = [kind.fr, kind.en, *((kind.say_fr, kind.say_en) if issubclass(kind, VoucherRefusal) else ())]
        names = {name for sentence in said for name in re.findall(r"{(\w+)}", sentence)}
        data = {name: "2026-11-21" if name.endswith("_on") else 1 for name in names}
        data |= {name: "2026-11-21T12:00:00.000000Z" for name in names if name.endswith("_at")}
        data |= {"problem": "missing"} if kind.reason == "bad_input" else {}
        data |= {"missing": "siret"} if "missing" in names else {}
        refusal = refusal_of(kind.reason, data)
        assert problems.body_of(refusal, "fr")["detail"]
        assert problems.body_of(refusal, "en")["reason"] == kind.reason
