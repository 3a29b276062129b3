"""A stranger with a code learns what is on the paper; without one, nothing, and thirty times an hour at most."""

from datetime import timedelta
from typing import Any

from tests.api.doors import V1, Doors, reason
from tests.town import a_town
from vouchers import clock, codes


def _town(doors: Doors, **how: Any) -> Any:
    today = clock.book_day(clock.now())
    days: dict[str, Any] = {
        "starts_on": today - timedelta(days=30),
        "expires_on": today + timedelta(days=200),
        "presentation_deadline_on": today + timedelta(days=260),
    }
    return a_town(doors.house, at=clock.now(), **days, **how)


def _ask(doors: Doors, code: str) -> Any:
    return doors.client.post(f"{V1}/public/voucher", json={"code": code})


def test_who_holds_a_code_is_told_what_is_on_it_and_no_more(doors: Doors) -> None:
    town = _town(doors)
    told = _ask(doors, town.secrets[1].code).json()
    assert told["state"] == "spendable" and told["balance_cents"] == 1_000
    doors.till(town.programme_id, town.merchants[0]).redeem(town.secrets[1].code)
    town.block(2, at=clock.now())
    used = _ask(doors, town.secrets[1].code).json()
    stopped = _ask(doors, town.secrets[2].code).json()
    assert (used["state"], stopped["state"]) == ("used", "stopped")
    assert set(used) == {"state", "face_cents", "balance_cents", "expires_on", "programme_id", "programme"}


def test_unknown_malformed_and_foreign_codes_get_one_answer_and_then_none(doors: Doors) -> None:
    town = _town(doors)
    asked = [codes.new_code(), "pas un code", "", "HTTPS://AUTRE.EXAMPLE/#CODE", "A" * 100]
    answers = [_ask(doors, code) for code in asked]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(sorted(answer.headers.items())) for answer in answers}) == 1
    for _ in range(25):
        _ask(doors, codes.new_code())
    assert reason(_ask(doors, town.secrets[1].code)) == "too_many_attempts"
