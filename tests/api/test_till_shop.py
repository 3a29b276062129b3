"""What a shop makes of its tills: who stands at them, what undoing asks, what it is owed, what it practises with."""

import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pypdfium2
import pytest
import zxingcpp

from tests.api.doors import V1, Doors, Person, TillPhone, pairing_body, reason
from tests.given_papers import able_to_invoice
from tests.makers import PairedPhone, Phone, WeakPhone, a_till
from tests.town import Town
from vouchers import clock, pins, tills
from vouchers.run_papers import make_papers


@pytest.fixture
def owner(doors: Doors, town: Town) -> Person:
    return doors.person(town.programme_id, "merchant_owner", merchant_id=town.merchants[0])


def path_of(town: Town, shop: int = 0) -> str:
    return f"{V1}/programmes/{town.programme_id}/merchants/{town.merchants[shop]}"


def put(who: Person, path: str, body: dict[str, Any]) -> Any:
    return who.call("PUT", path, json=body, headers={"Idempotency-Key": str(uuid.uuid4())})


def undo(till: TillPhone, number: int, *, key: str | None = None, **body: Any) -> Any:
    return till.post(f"{V1}/till/redemptions/{number}/reversal", body, key=key or str(uuid.uuid4()))


def bytes_of(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


# ── Cashiers ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_owner_names_cashiers_and_redemptions_carry_their_names(
    doors: Doors, town: Town, till: TillPhone, owner: Person
) -> None:
    named = owner.post(f"{path_of(town)}/cashiers", {"name": "Paul", "pin": "2468"}, key="paul")
    assert named.status_code == 201
    assert owner.post(f"{path_of(town)}/cashiers", {"name": "Paul", "pin": "2468"}, key="paul").json() == named.json()
    taken = owner.post(f"{path_of(town)}/cashiers", {"name": "paul", "pin": "1111"})
    assert taken.status_code == 409 and reason(taken) == "cashier_name_taken"
    assert reason(owner.post(f"{path_of(town)}/cashiers", {"name": "Zoé", "pin": "12345"})) == "bad_input"
    assert [one["name"] for one in owner.get(f"{path_of(town)}/cashiers").json()["items"]] == ["Paul"]
    number = named.json()["id"]
    (copy,) = till.get(f"{V1}/till").json()["cashiers"]
    assert (copy["id"], copy["name"], copy["iterations"]) == (number, "Paul", 50_000)
    assert pins.derived("2468", salt=bytes_of(copy["salt"])) == bytes_of(copy["hash"])

    done = till.redeem(town.secrets[1].code, cashier=number)
    assert done.status_code == 201
    till.redeem(town.secrets[2].code, cashier=None)
    assert reason(till.redeem(town.secrets[3].code, cashier=number + 1)) == "bad_input"
    elsewhere = doors.till(town.programme_id, town.merchants[1])
    assert reason(elsewhere.redeem(town.secrets[3].code, cashier=number)) == "bad_input"
    listed = till.get(f"{V1}/till/redemptions?day={clock.book_day(clock.now())}").json()["items"]
    assert [one["cashier"] for one in listed] == [None, "Paul"]
    assert {(one["till"], one["till_id"]) for one in listed} == {("Téléphone de Paul", till.paired.till.till_id)}

    left = owner.post(f"{path_of(town)}/cashiers/{number}/removal")
    assert left.status_code == 200 and left.json() == named.json() == {"id": number}, "a kept answer names nobody"
    assert reason(owner.post(f"{path_of(town)}/cashiers/{number}/removal")) == "not_found"
    assert till.get(f"{V1}/till").json()["cashiers"] == []
    assert till.redeem(town.secrets[3].code, cashier=number).status_code == 201, "queued before they left"


# ── Undoing ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_undoing_asks_the_shops_pin_and_a_wrong_one_is_never_kept_under_the_key(
    doors: Doors, town: Town, till: TillPhone, owner: Person
) -> None:
    rule = put(owner, f"{path_of(town)}/counter-rule", {"ask_cashier": "always", "undo_pin": "1357"})
    assert rule.status_code == 200 and rule.json() == {"ask_cashier": "always", "undo_pin": True}
    assert owner.get(f"{path_of(town)}/counter-rule").json() == rule.json()
    told = till.get(f"{V1}/till").json()
    assert (told["ask_cashier"], told["undo_pin"]) == ("always", True)

    number = till.redeem(town.secrets[1].code).json()["redemption"]
    key = str(uuid.uuid4())
    for body in ({}, {"pin": None}, {"pin": "0000"}, {"pin": "é"}):
        refused = undo(till, number, key=key, **body)
        assert refused.status_code == 403 and reason(refused) == "pin_wrong"
    done = undo(till, number, key=key, reason="erreur", pin="1357")
    assert done.status_code == 201 and "1357" not in done.text
    assert put(owner, f"{path_of(town)}/counter-rule", {"ask_cashier": "never", "undo_pin": "9999"}).status_code == 200
    again = undo(till, number, key=key, reason="erreur", pin="1357")
    assert (again.status_code, again.json()) == (201, done.json()), "the first answer, whatever the PIN became"
    assert put(owner, f"{path_of(town)}/counter-rule", {"ask_cashier": "never", "undo_pin": "keep"}).json()["undo_pin"]
    assert put(owner, f"{path_of(town)}/counter-rule", {"ask_cashier": "never", "undo_pin": None}).json() == {
        "ask_cashier": "never",
        "undo_pin": False,
    }
    for wrong in ({"ask_cashier": "never", "undo_pin": "12"}, {"ask_cashier": "often", "undo_pin": None}):
        assert reason(put(owner, f"{path_of(town)}/counter-rule", wrong)) == "bad_input"
    number = till.redeem(town.secrets[1].code).json()["redemption"]
    assert undo(till, number).status_code == 201, "no PIN is asked any more"


def test_ten_wrong_pins_an_hour_close_undoing_at_that_till_alone(
    doors: Doors, town: Town, till: TillPhone, owner: Person
) -> None:
    put(owner, f"{path_of(town)}/counter-rule", {"ask_cashier": "never", "undo_pin": "1357"})
    other = doors.till(town.programme_id, town.merchants[0])
    number = till.redeem(town.secrets[1].code).json()["redemption"]
    done = undo(till, till.redeem(town.secrets[2].code).json()["redemption"], key="before", pin="1357")
    reasons = [reason(undo(till, number, pin=f"{guess:04d}")) for guess in range(11)]
    assert reasons == ["pin_wrong"] * 10 + ["too_many_attempts"]
    assert reason(undo(till, number, pin="1357")) == "too_many_attempts"
    retried = undo(till, done.json()["redemption"], key="before", pin="1357")
    assert retried.json() == done.json(), "what was answered before still is"
    assert till.redeem(town.secrets[3].code).status_code == 201, "and vouchers are still taken"
    assert undo(other, number, pin="1357").status_code == 201


def test_of_many_pins_at_one_moment_no_more_are_judged_than_an_hour_allows(
    doors: Doors, town: Town, till: TillPhone, owner: Person
) -> None:
    put(owner, f"{path_of(town)}/counter-rule", {"ask_cashier": "never", "undo_pin": "1357"})
    number = till.redeem(town.secrets[1].code).json()["redemption"]
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda guess: reason(undo(till, number, pin=f"{guess:04d}")), range(24)))
    assert sorted(answers) == ["pin_wrong"] * 10 + ["too_many_attempts"] * 14


# ── Lists and money ──────────────────────────────────────────────────────────────────────────────────────────────
def test_a_voucher_is_found_by_its_serial_in_ones_own_shop_only(doors: Doors, town: Town, till: TillPhone) -> None:
    first = till.redeem(town.secrets[1].code, town.secrets[2].code).json()["redemption"]
    undo(till, first)
    second = till.redeem(town.secrets[1].code).json()["redemption"]
    found = till.get(f"{V1}/till/redemptions?serial=1").json()
    assert [(one["redemption"], one["reversed_cents"]) for one in found["items"]] == [(second, 0), (first, 2_000)]
    assert [one["redemption"] for one in till.get(f"{V1}/till/redemptions?serial=2").json()["items"]] == [first]
    page = till.get(f"{V1}/till/redemptions?serial=1&limit=1").json()
    assert page["next"] == second
    older = till.get(f"{V1}/till/redemptions?serial=1&limit=1&before={page['next']}").json()["items"]
    assert [one["redemption"] for one in older] == [first]
    elsewhere = doors.till(town.programme_id, town.merchants[1])
    assert elsewhere.get(f"{V1}/till/redemptions?serial=1").json() == {"items": [], "next": None}
    for asked in ("", "?serial=1&day=2026-11-21", "?serial=0", "?serial=x"):
        assert reason(till.get(f"{V1}/till/redemptions{asked}")) == "bad_input"


def test_a_till_tells_what_the_next_settlement_would_pay(town: Town, till: TillPhone) -> None:
    nothing = {"owed_cents": 0, "commission_cents": 0, "vat_cents": 0, "net_cents": 0, "since_on": None}
    assert till.get(f"{V1}/till/account").json() == nothing
    till.redeem(town.secrets[1].code, town.secrets[2].code, town.secrets[3].code)
    assert till.get(f"{V1}/till/account").json() == {
        "owed_cents": 3_000,
        "commission_cents": 150,
        "vat_cents": 30,
        "net_cents": 2_820,
        "since_on": clock.book_day(clock.now()).isoformat(),
    }


def test_an_owner_reads_what_was_paid_and_downloads_the_statement(town: Town, till: TillPhone, owner: Person) -> None:
    till.redeem(town.secrets[1].code)
    today = clock.book_day(clock.now())
    assert owner.get(f"{path_of(town)}/payments").json() == {"items": [], "next": None}
    run = town.approve(town.propose(today, at=clock.now()), at=clock.now())
    (paid,) = owner.get(f"{path_of(town)}/payments").json()["items"]
    assert (paid["run_number"], paid["state"], paid["net_cents"]) == (run.number, "to_pay", 940)
    assert run.execution_on is not None
    assert (paid["to_on"], paid["execution_on"]) == (today.isoformat(), run.execution_on.isoformat())
    assert owner.get(f"{path_of(town, 1)}/payments").status_code == 403
    statement = f"{V1}/programmes/{town.programme_id}/settlements/{run.number}/merchants"
    assert reason(owner.get(f"{statement}/{town.merchants[0]}/statement")) == "papers_not_ready"
    able_to_invoice(town)
    asked = {"programme_id": town.programme_id, "number": run.number, "actor": "staff:1"}
    make_papers(town.house, **asked, now=clock.now)
    for paper in ("statement", "invoice"):
        assert owner.get(f"{statement}/{town.merchants[0]}/{paper}").content.startswith(b"%PDF")
        assert owner.get(f"{statement}/{town.merchants[1]}/{paper}").status_code == 403
    assert till.get(f"{V1}/till/account").json()["owed_cents"] == 0


def test_an_owner_keeps_the_tills_of_the_shop(doors: Doors, town: Town, till: TillPhone, owner: Person) -> None:
    number = till.paired.till.till_id
    of_till = f"{V1}/programmes/{town.programme_id}/tills/{number}"
    assert put(owner, f"{of_till}/label", {"label": "Marché du jeudi"}).json()["label"] == "Marché du jeudi"
    listed = owner.get(f"{path_of(town)}/tills").json()["items"]
    assert (listed[0]["label"], listed[0]["weak"]) == ("Marché du jeudi", False)
    assert owner.post(f"{of_till}/revocation", {"reason": "perdu"}).json()["revoked_at"]
    assert reason(till.get(f"{V1}/till")) == "till_revoked"
    assert owner.get(f"{path_of(town, 1)}/tills").status_code == 403
    foreign = f"{V1}/programmes/{town.programme_id}/tills/{town.tills[1]}"
    assert reason(owner.post(f"{foreign}/revocation", {"reason": "jaloux"})) == "forbidden"
    assert reason(put(owner, f"{foreign}/label", {"label": "à moi"})) == "forbidden"


# ── Phones that keep no key ──────────────────────────────────────────────────────────────────────────────────────
def test_a_phone_that_keeps_no_key_is_paired_by_a_secret_and_called_weak(
    doors: Doors, town: Town, owner: Person
) -> None:
    phone = WeakPhone()
    code = owner.post(f"{path_of(town)}/pairing-codes").json()["code"]
    shows = pairing_body(phone, code)
    body = {**shows, "public_key": "", "secret": urlsafe_b64encode(phone.secret).decode().rstrip("=")}
    for wrong in ({**body, "public_key": shows["public_key"]}, {**body, "secret": None}, {**body, "secret": "AAAA"}):
        assert reason(doors.client.post(f"{V1}/tills/pair", json=wrong)) == "bad_input"
    forged = {**body, "signature": pairing_body(WeakPhone(), code)["signature"]}
    assert reason(doors.client.post(f"{V1}/tills/pair", json=forged)) == "signature_invalid"
    paired = doors.client.post(f"{V1}/tills/pair", json=body)
    assert paired.status_code == 201 and paired.json()["weak"] is True
    again = doors.client.post(f"{V1}/tills/pair", json=body).json()
    assert again["till_id"] == paired.json()["till_id"], "its answer was lost on the way"
    known = doors.house.read(tills.paired_till, till_id=paired.json()["till_id"])
    till = TillPhone(doors, PairedPhone(phone, known))
    assert till.get(f"{V1}/till").json()["weak"] is True
    assert till.redeem(town.secrets[1].code).status_code == 201
    listed = owner.get(f"{path_of(town)}/tills").json()["items"]
    assert {one["till_id"]: one["weak"] for one in listed} == {known.till_id: True, town.tills[0]: False}
    stranger = a_till(doors.house, programme_id=town.programme_id, kind=WeakPhone, at=clock.now())
    forger = TillPhone(doors, PairedPhone(stranger.phone, known))
    assert reason(forger.get(f"{V1}/till")) == "signature_invalid"


# ── Training, and tills that were not updated ────────────────────────────────────────────────────────────────────
def test_training_vouchers_come_from_the_till_and_are_never_vouchers(town: Town, till: TillPhone) -> None:
    sheet = till.get(f"{V1}/till/training-sheet")
    assert sheet.status_code == 200 and sheet.headers["content-type"] == "application/pdf"
    with pypdfium2.PdfDocument(sheet.content) as document:
        picture = document[0].render(scale=96 / 72, grayscale=True).to_pil()
    texts = [code.text for code in zxingcpp.read_barcodes(picture)]
    assert len(texts) == 8 and all(text.startswith("HTTPS://CHEQUES.EXAMPLE.FR/TILL/#TRAINING-") for text in texts)
    assert reason(till.redeem(texts[0].rpartition("#")[2])) == "voucher_unknown"


def test_a_till_that_was_not_updated_still_works(doors: Doors, town: Town, owner: Person) -> None:
    """The requests of the first version, field by field, and all that it reads in the answers."""
    phone = Phone()
    body = pairing_body(phone, owner.post(f"{path_of(town)}/pairing-codes").json()["code"])
    assert set(body) == {"pairing_code", "public_key", "label", "signature"}
    paired = doors.client.post(f"{V1}/tills/pair", json=body)
    place = {"till_id", "label", "merchant", "programme", "server_time"}
    assert paired.status_code == 201 and place <= set(paired.json())
    till = TillPhone(doors, PairedPhone(phone, doors.house.read(tills.paired_till, till_id=paired.json()["till_id"])))
    me = till.get(f"{V1}/till").json()
    assert place | {"today"} <= set(me) and set(me["today"]) == {"count", "cents"}
    assert set(me["merchant"]) == {"id", "shop_name"}
    assert {"id", "name", "host", "whole_use", "reversal_window_minutes"} <= set(me["programme"])

    looked = till.post(f"{V1}/till/look-up", {"voucher": {"code": town.secrets[1].code}}).json()
    assert {
        "serial", "face_cents", "balance_cents", "state", "expires_on", "spendable", "refusal",
    } <= set(looked)  # fmt: skip
    basket = {"vouchers": [{"code": town.secrets[1].code, "cents": None}], "sale_cents": 1_200}
    taken = till.post(f"{V1}/till/redemptions", basket, key=str(uuid.uuid4()))
    assert taken.status_code == 201 and {"redemption", "at", "cents", "vouchers", "undo_until"} <= set(taken.json())
    assert {"serial", "cents", "balance_cents"} <= set(taken.json()["vouchers"][0])
    undone = undo(till, taken.json()["redemption"], reason="Annulé au comptoir")
    assert undone.status_code == 201 and {"reversal", "redemption", "cents", "vouchers"} <= set(undone.json())
    day = till.get(f"{V1}/till/redemptions?day={clock.book_day(clock.now())}").json()
    assert set(day) == {"items", "next"}
    assert {"redemption", "at", "till_id", "till_label", "cents", "reversed_cents", "sale_cents", "serials"} <= set(
        day["items"][0]
    )
