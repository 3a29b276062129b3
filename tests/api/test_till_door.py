"""The wire contract of the till, from the pairing code to the counter-entry."""

import uuid
from base64 import urlsafe_b64encode

from tests.api.doors import V1, Doors, TillPhone, pairing_body, reason
from tests.makers import PairedPhone, Phone, a_merchant
from tests.town import Town
from vouchers import clock, tills
from vouchers.codes import pretty_control_code


def test_a_phone_is_paired_and_takes_vouchers_until_it_undoes_them(doors: Doors, town: Town) -> None:
    owner = doors.person(town.programme_id, "merchant_owner", merchant_id=town.merchants[0])
    path = f"{V1}/programmes/{town.programme_id}/merchants/{town.merchants[0]}"
    code = owner.post(f"{path}/pairing-codes").json()["code"]
    phone = Phone()
    paired = doors.client.post(f"{V1}/tills/pair", json=pairing_body(phone, code))
    assert paired.status_code == 201
    assert paired.json()["merchant"] == {"id": town.merchants[0], "shop_name": "Commerce 0"}
    assert paired.json()["programme"]["whole_use"] is True
    known = doors.house.read(tills.paired_till, till_id=paired.json()["till_id"])
    till = TillPhone(doors, PairedPhone(phone, known))

    looked = till.post(f"{V1}/till/look-up", {"voucher": {"code": town.secrets[1].code}}).json()
    assert looked["spendable"] and looked["refusal"] is None and looked["balance_cents"] == 1_000

    taken = till.redeem(town.secrets[1].code, town.secrets[2].code.lower(), sale_cents=2_500)
    assert taken.status_code == 201
    assert taken.json()["cents"] == 2_000
    assert taken.json()["vouchers"] == [
        {"serial": 1, "cents": 1_000, "balance_cents": 0},
        {"serial": 2, "cents": 1_000, "balance_cents": 0},
    ]
    assert till.get(f"{V1}/till").json()["today"] == {"count": 1, "cents": 2_000}

    number = taken.json()["redemption"]
    undone = till.post(f"{V1}/till/redemptions/{number}/reversal", {"reason": "erreur"}, key=str(uuid.uuid4()))
    assert undone.status_code == 201
    assert undone.json()["redemption"] == number and undone.json()["cents"] == 2_000
    day = clock.book_day(clock.now()).isoformat()
    listed = till.get(f"{V1}/till/redemptions?day={day}").json()
    assert listed["next"] is None
    assert listed["items"][0]["reversed_cents"] == 2_000 and listed["items"][0]["serials"] == [1, 2]
    assert till.get(f"{V1}/till").json()["today"] == {"count": 0, "cents": 0}


def test_the_same_key_is_given_the_first_answer_for_ever(doors: Doors, town: Town, till: TillPhone) -> None:
    key = str(uuid.uuid4())
    first = till.redeem(town.secrets[3].code, key=key)
    again = till.redeem(town.secrets[3].code, key=key)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert "idempotency-hit" not in first.headers and again.headers["idempotency-hit"] == "true"
    assert reason(till.redeem(town.secrets[4].code, key=key)) == "key_reused"
    assert town.held(3)[0] == "redeemed" and town.held(4)[0] == "active"


def test_a_refusal_is_repeated_under_its_key_and_tells_the_shop_what_to_say(
    doors: Doors, town: Town, till: TillPhone
) -> None:
    other = doors.till(town.programme_id, town.merchants[1])
    assert other.redeem(town.secrets[5].code).status_code == 201
    key = str(uuid.uuid4())
    refused = till.redeem(town.secrets[5].code, key=key)
    assert refused.status_code == 409 and reason(refused) == "already_redeemed"
    told = refused.json()
    assert told["serial"] == 5 and told["say"]
    assert told["used"]["own_shop"] is False and told["used"]["shop_name"] == "Commerce 1"
    again = till.redeem(town.secrets[5].code, key=key)
    assert again.json() == told and again.headers["idempotency-hit"] == "true"


def test_the_typed_serial_and_control_code_serve_where_the_camera_fails(town: Town, till: TillPhone) -> None:
    typed = {"serial": 6, "control_code": pretty_control_code(town.secrets[6].control_code).lower()}
    assert till.post(f"{V1}/till/look-up", {"voucher": typed}).json()["serial"] == 6
    assert till.post(f"{V1}/till/redemptions", {"vouchers": [typed]}, key="typed").status_code == 201


def test_control_codes_are_tried_ten_times_an_hour_and_a_retry_is_still_answered(town: Town, till: TillPhone) -> None:
    typed = {"serial": 7, "control_code": town.secrets[7].control_code}
    wrong = {"serial": 7, "control_code": town.secrets[8].control_code}
    done = till.post(f"{V1}/till/redemptions", {"vouchers": [typed]}, key="first")
    assert done.status_code == 201
    reasons = [reason(till.post(f"{V1}/till/look-up", {"voucher": wrong})) for _ in range(11)]
    assert reasons == ["voucher_unknown"] * 10 + ["too_many_attempts"]
    blocked = till.post(f"{V1}/till/redemptions", {"vouchers": [wrong]}, key="second")
    assert reason(blocked) == "too_many_attempts" and int(blocked.headers["retry-after"]) > 0
    again = till.post(f"{V1}/till/redemptions", {"vouchers": [typed]}, key="first")
    assert again.json() == done.json()


def test_what_is_signed_is_what_counts(doors: Doors, town: Town, till: TillPhone) -> None:
    body = {"voucher": {"code": town.secrets[9].code}}
    assert reason(till.post(f"{V1}/till/look-up", body, headers={"Vouchers-Nonce": "A" * 22})) == "signature_invalid"
    late = till.post(f"{V1}/till/look-up", body, headers={"Vouchers-Time": "1000000000000"})
    assert late.status_code == 401 and reason(late) == "clock_skew"
    assert abs(late.json()["server_time"] - clock.micros(clock.now()) // 1_000) < 60_000
    assert reason(till.post(f"{V1}/till/look-up", body, headers={"Vouchers-Till": "999999"})) == "signature_invalid"
    assert (
        reason(till.post(f"{V1}/till/look-up", body, headers={"Vouchers-Signature": "A" * 86})) == "signature_invalid"
    )
    for header in ("Vouchers-Till", "Vouchers-Time", "Vouchers-Nonce", "Vouchers-Signature"):
        assert till.post(f"{V1}/till/look-up", body, headers={header: ""}).status_code == 401
    unkeyed = till.post(f"{V1}/till/redemptions", {"vouchers": [{"code": town.secrets[9].code}]})
    assert unkeyed.status_code == 400 and reason(unkeyed) == "key_missing"
    assert doors.client.get(f"{V1}/till").status_code == 401
    assert town.held(9)[0] == "active"


def test_a_request_recorded_and_sent_again_is_refused(doors: Doors, till: TillPhone) -> None:
    signed = till.paired.request(method="GET", path=f"{V1}/till", at=clock.now())
    headers = {
        "Vouchers-Till": str(signed.till_id),
        "Vouchers-Time": str(signed.time_ms),
        "Vouchers-Nonce": signed.nonce,
        "Vouchers-Signature": urlsafe_b64encode(signed.signature).decode().rstrip("="),
    }
    assert doors.client.get(f"{V1}/till", headers=headers).status_code == 200
    assert reason(doors.client.get(f"{V1}/till", headers=headers)) == "nonce_reused"


def test_a_revoked_till_and_a_suspended_shop_take_nothing(doors: Doors, town: Town, till: TillPhone) -> None:
    treasurer = doors.person(town.programme_id, "treasurer")
    path = f"{V1}/programmes/{town.programme_id}"
    assert treasurer.post(f"{path}/merchants/{town.merchants[0]}/suspension", {"reason": "fraude"}).status_code == 200
    assert reason(till.redeem(town.secrets[10].code)) == "merchant_suspended"
    revoked = treasurer.post(f"{path}/tills/{till.paired.till.till_id}/revocation", {"reason": "volée"})
    assert revoked.json()["revoked_at"]
    assert reason(till.redeem(town.secrets[10].code)) == "till_revoked"


def test_a_till_knows_nothing_of_another_programme(doors: Doors, town: Town) -> None:
    elsewhere = doors.programme()
    shop = a_merchant(doors.house, programme_id=elsewhere, at=clock.now())
    stranger = doors.till(elsewhere, shop)
    assert reason(stranger.redeem(town.secrets[11].code)) == "voucher_unknown"
    taken = doors.till(town.programme_id, town.merchants[0]).redeem(town.secrets[11].code).json()["redemption"]
    undo = stranger.post(f"{V1}/till/redemptions/{taken}/reversal", {}, key="undo")
    assert reason(undo) == "redemption_unknown"
