"""The wire of a till without network: the snapshot, what it brings back, its disputes, and who decides them."""

from datetime import timedelta
from typing import Any

import pytest

from tests.api.doors import V1, Doors, TillPhone, reason
from tests.makers import WeakPhone, a_cashier, a_till
from tests.outbox import Outbox, sent, unpadded
from tests.town import Town, a_town
from vouchers import clock

CAPS = {
    "till_count": 5, "till_cents": 5_000, "programme_count": 8, "programme_cents": 8_000, "max_age_minutes": 1_440,
    "guarantee_cents": 1_000,
}  # fmt: skip


@pytest.fixture
def town(doors: Doors) -> Town:
    today = clock.book_day(clock.now())
    return a_town(
        doors.house,
        vouchers=12,
        at=clock.now() - timedelta(hours=1),
        starts_on=today - timedelta(days=30),
        expires_on=today + timedelta(days=200),
        presentation_deadline_on=today + timedelta(days=260),
    )


def allowed(doors: Doors, town: Town) -> Any:
    """The treasurer's rule; gives the treasurer."""
    treasurer = doors.person(town.programme_id, "treasurer")
    path = f"{V1}/programmes/{town.programme_id}/offline-rule"
    put = treasurer.call("PUT", path, json=CAPS, headers={"Idempotency-Key": "rule"})
    assert put.status_code == 200 and put.json() == CAPS
    return treasurer


def at_shop(doors: Doors, town: Town, shop: int) -> tuple[TillPhone, Outbox]:
    """The till of a shop, and its outbox with a fresh snapshot."""
    till = TillPhone(doors, town.phones[shop])
    outbox = Outbox(town.programme_id, town.phones[shop])
    answered = till.post(f"{V1}/till/snapshot", {"since": None})
    assert answered.status_code == 200, answered.text
    outbox.hear(answered.json()["snapshot"], unpadded(answered.json()["signature"]))
    return till, outbox


def brought(till: TillPhone, *entries: dict[str, str]) -> list[dict[str, Any]]:
    answered = till.post(f"{V1}/till/acceptances", {"entries": list(entries)})
    assert answered.status_code == 200, answered.text
    results: list[dict[str, Any]] = answered.json()["results"]
    return results


def test_a_programme_that_allows_nothing_says_so(doors: Doors, town: Town) -> None:
    till = TillPhone(doors, town.phones[0])
    assert till.get(f"{V1}/till").json()["offline"] is None
    refused = till.post(f"{V1}/till/snapshot", {"since": None})
    assert refused.status_code == 409 and reason(refused) == "offline_not_allowed"
    auditor = doors.person(town.programme_id, "auditor")
    assert reason(auditor.get(f"{V1}/programmes/{town.programme_id}/offline-rule")) == "offline_not_allowed"


def test_a_till_is_told_what_it_may_do_and_gets_a_snapshot_that_it_can_verify(doors: Doors, town: Town) -> None:
    allowed(doors, town)
    till, outbox = at_shop(doors, town, 0)
    told = till.get(f"{V1}/till").json()["offline"]
    assert (told["most_count"], told["most_cents"], told["max_age_minutes"]) == (5, 5_000, 1_440)
    assert len(unpadded(told["snapshot_key"])) == 65
    assert len(outbox.known) == 12 and outbox.told["since"] is None
    assert outbox.knows(town.secrets[1].code) == (1_000, outbox.told["classes"][0]["expires_on"])
    till.redeem(town.secrets[1].code)
    again = till.post(f"{V1}/till/snapshot", {"since": outbox.version}).json()
    outbox.hear(again["snapshot"], unpadded(again["signature"]))
    assert outbox.told["since"] and outbox.knows(town.secrets[1].code) is None and len(outbox.known) == 11


def test_what_is_brought_back_is_redeemed_once_and_answered_alike_for_ever(doors: Doors, town: Town) -> None:
    allowed(doors, town)
    till, outbox = at_shop(doors, town, 0)
    entries = [sent(outbox.accept(town.secrets[serial].code, at=clock.now())) for serial in (1, 2, 3)]
    first = brought(till, *entries)
    assert [result["outcome"] for result in first] == ["redeemed"] * 3
    assert [result["serial"] for result in first] == [1, 2, 3] and first[0]["undo_until"]
    assert brought(till, *reversed(entries)) == first[::-1]
    assert town.owed(0) == 3_000
    day = clock.book_day(clock.now()).isoformat()
    assert len(till.get(f"{V1}/till/redemptions?day={day}").json()["items"]) == 3
    town.books_hold()


def test_of_two_tills_one_is_paid_and_the_loser_reads_why(doors: Doors, town: Town) -> None:
    treasurer = allowed(doors, town)
    till, outbox = at_shop(doors, town, 0)
    other, others = at_shop(doors, town, 1)
    entries = [sent(outbox.accept(town.secrets[serial].code, at=clock.now())) for serial in (1, 2)]
    theirs = [sent(others.accept(town.secrets[serial].code, at=clock.now())) for serial in (1, 2)]
    assert [result["outcome"] for result in brought(till, *entries)] == ["redeemed"] * 2
    guaranteed, lost = brought(other, *theirs)
    assert guaranteed["outcome"] == lost["outcome"] == "disputed"
    assert guaranteed["reason"] == "already_redeemed" and guaranteed["used"]["shop_name"] == "Commerce 0"
    assert guaranteed["say"] and (guaranteed["guaranteed_cents"], lost["guaranteed_cents"]) == (1_000, 0)
    listed = other.get(f"{V1}/till/disputes").json()["items"]
    assert [(one["number"], one["state"], one["serial"]) for one in listed] == [(2, "open", 2), (1, "guaranteed", 1)]
    assert all(one["text"] and one["cents"] == 1_000 for one in listed)
    assert till.get(f"{V1}/till/disputes").json() == {"items": [], "next": None}

    path = f"{V1}/programmes/{town.programme_id}/disputes"
    assert [one["number"] for one in treasurer.get(path).json()["items"]] == [2, 1]
    owner = doors.person(town.programme_id, "merchant_owner", merchant_id=town.merchants[0])
    assert owner.get(path).json()["items"] == []
    exceeded = treasurer.post(f"{path}/2/decision", {"decision": "guarantee", "reason": "bonne foi"})
    assert reason(exceeded) == "guarantee_exceeded"
    dismissed = treasurer.post(f"{path}/2/decision", {"decision": "dismiss", "reason": "doublon"})
    assert dismissed.json()["state"] == "dismissed"
    assert reason(treasurer.post(f"{path}/2/decision", {"decision": "dismiss", "reason": "x"})) == "dispute_decided"
    assert reason(treasurer.post(f"{path}/9/decision", {"decision": "dismiss", "reason": "x"})) == "dispute_unknown"
    assert "doublon" in other.get(f"{V1}/till/disputes").json()["items"][0]["text"]
    assert (town.owed(0), town.owed(1)) == (2_000, 1_000)
    town.books_hold()


def test_what_the_till_did_not_sign_is_invalid_and_kept_nowhere(doors: Doors, town: Town) -> None:
    allowed(doors, town)
    till, outbox = at_shop(doors, town, 0)
    _, others = at_shop(doors, town, 1)
    code = town.secrets[1].code
    good = sent(outbox.accept(code, at=clock.now()))
    bad = [
        {**good, "entry": good["entry"].replace("1000", "1001")},
        {**good, "code": town.secrets[2].code},
        {**good, "code": "trop court"},
        {**good, "signature": "AA"},
        {**good, "entry": "{}"},
        {**good, "entry": "pas du JSON"},
        sent(others.accept(code, at=clock.now())),
        sent(outbox.accept(code, at=clock.now(), till=999)),
        sent(outbox.accept(code, at=clock.now(), number=-1)),
    ]
    results = brought(till, *bad)
    assert [result["outcome"] for result in results] == ["invalid"] * len(bad)
    assert {result["reason"] for result in results} == {"signature_invalid", "bad_input"}
    assert town.held(1) == ("active", 1_000)
    assert brought(till, good)[0]["outcome"] == "redeemed"


def test_a_phone_that_keeps_no_key_brings_back_what_its_cashier_accepted(doors: Doors, town: Town) -> None:
    allowed(doors, town)
    of_shop: dict[str, int] = {"programme_id": town.programme_id, "merchant_id": town.merchants[0]}
    town.phones[0] = a_till(doors.house, kind=WeakPhone, at=clock.now(), **of_shop)
    paul = a_cashier(doors.house, at=clock.now(), **of_shop)
    till, outbox = at_shop(doors, town, 0)
    entries = [
        sent(outbox.accept(town.secrets[serial].code, at=clock.now(), cashier=cashier))
        for serial, cashier in ((1, paul), (2, 999), (3, None))
    ]
    assert [result["outcome"] for result in brought(till, *entries)] == ["redeemed"] * 3
    day = clock.book_day(clock.now()).isoformat()
    listed = till.get(f"{V1}/till/redemptions?day={day}").json()["items"]
    assert [(one["serials"], one["cashier"]) for one in listed] == [([3], None), ([2], None), ([1], "Paul")]
    stolen = {**entries[0], "signature": "A" * 86}
    assert brought(till, stolen)[0]["outcome"] == "invalid"
    town.books_hold()


def test_what_is_no_entry_does_not_hold_up_those_beside_it(doors: Doors, town: Town) -> None:
    allowed(doors, town)
    till, outbox = at_shop(doors, town, 0)
    good = sent(outbox.accept(town.secrets[1].code, at=clock.now()))
    damaged: list[Any] = [None, {**good, "code": None}, {**good, "later": 1}, {**good, "entry": "x" * 3_000}]
    answer = till.post(f"{V1}/till/acceptances", {"entries": [*damaged, good]})
    assert [result["outcome"] for result in answer.json()["results"]] == ["invalid"] * 4 + ["redeemed"]
    town.books_hold()


def test_a_revoked_till_may_still_bring_its_outbox_and_nothing_else(doors: Doors, town: Town) -> None:
    treasurer = allowed(doors, town)
    till, outbox = at_shop(doors, town, 0)
    entry = sent(outbox.accept(town.secrets[1].code, at=clock.now()))
    path = f"{V1}/programmes/{town.programme_id}/tills/{till.paired.till.till_id}/revocation"
    assert treasurer.post(path, {"reason": "volée"}).status_code == 200
    (result,) = brought(till, entry)
    assert (result["outcome"], result["reason"], result["guaranteed_cents"]) == ("disputed", "till_revoked", 0)
    assert town.held(1) == ("active", 1_000)
    assert reason(till.post(f"{V1}/till/snapshot", {"since": None})) == "till_revoked"
    assert reason(till.get(f"{V1}/till/disputes")) == "till_revoked"


def test_fifty_at_a_time_and_no_more(doors: Doors, town: Town) -> None:
    allowed(doors, town)
    till, outbox = at_shop(doors, town, 0)
    entries = [sent(outbox.accept(town.secrets[1].code, at=clock.now())) for _ in range(51)]
    assert reason(till.post(f"{V1}/till/acceptances", {"entries": entries})) == "bad_input"
    assert reason(till.post(f"{V1}/till/acceptances", {"entries": []})) == "bad_input"
    results = brought(till, *entries[:50])
    assert [result["outcome"] for result in results] == ["redeemed"] + ["disputed"] * 49
    assert town.owed(0) == 1_000
    town.books_hold()
