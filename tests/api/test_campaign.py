"""A season over HTTP: from the buyer's order to the bank file, each step by whoever may, on both engines."""

import base64
from datetime import timedelta
from pathlib import Path

from lxml import etree

from tests.api.doors import V1, Doors, Person, reason
from vouchers import clock
from vouchers.codes import pretty_serial
from vouchers.paper.pain_001 import next_target_day
from vouchers.paper.voucher_sheet import read_codes


def test_a_commune_buys_a_shop_takes_and_the_chamber_pays(doors: Doors, tmp_path: Path) -> None:
    programme_id = doors.programme()
    base = f"{V1}/programmes/{programme_id}"
    treasurer = doors.person(programme_id, "treasurer")
    approver = doors.person(programme_id, "approver")
    today = clock.book_day(clock.now())

    commune = {"name": "Commune de Falaise", "address": "Place Guillaume-le-Conquérant\n14700 Falaise"}
    buyer_id = treasurer.post(f"{base}/buyers", commune).json()["id"]
    shop = {"legal_name": "SARL Œillette", "shop_name": "Au Pain d'Œillette", "siret": "73282932000074"}
    shop |= {"trade": "Boulangerie", "commune": "Falaise"}
    merchant_id = treasurer.post(f"{base}/merchants", shop).json()["id"]
    assert reason(treasurer.post(f"{base}/merchants", shop)) == "already_enrolled"
    account = {"account_holder": "SARL Œillette", "iban": "FR76 3000 6000 0112 3456 7890 189"}
    account_id = treasurer.post(f"{base}/merchants/{merchant_id}/accounts", account).json()["id"]
    why = {"reason": "rappelée au numéro de l'adhésion"}
    assert reason(treasurer.post(f"{base}/accounts/{account_id}/confirmation", why)) == "same_person"
    assert approver.post(f"{base}/accounts/{account_id}/confirmation", why).json()["state"] == "confirmed"

    # The buyer's two people agree, the money comes, the vouchers are issued, printed and activated.
    clerk = doors.person(programme_id, "buyer_clerk", buyer_id=buyer_id)
    mayor = doors.person(programme_id, "buyer_approver", buyer_id=buyer_id)
    lines = [{"face_cents": 1_000, "quantity": 4}, {"face_cents": 500, "quantity": 2}]
    ordered = clerk.post(f"{base}/orders", {"buyer_id": buyer_id, "lines": lines}).json()
    number = ordered["number"]
    assert clerk.post(f"{base}/orders/{number}/placing").json()["state"] == "placed"
    assert reason(clerk.post(f"{base}/orders/{number}/approval")) == "forbidden"
    assert mayor.post(f"{base}/orders/{number}/approval").json()["owed_cents"] == 5_000
    paid = {"cents": 5_000, "bank_reference": "VIR 0043", "received_on": today.isoformat()}
    assert treasurer.post(f"{base}/orders/{number}/payments", paid).json()["state"] == "paid"
    assert reason(treasurer.post(f"{base}/orders/{number}/payments", paid)) == "payment_already_recorded"

    batch = treasurer.post(f"{base}/orders/{number}/batch").json()
    path = f"{base}/batches/{batch['number']}"
    left = 6
    while left:
        left = treasurer.post(f"{path}/issue", {"vouchers": 4}).json()["left"]
    codes = _codes_on(treasurer, path, tmp_path)
    assert len(codes) == 6 and codes == _codes_on(treasurer, path, tmp_path)
    assert treasurer.post(f"{path}/hand-over").json()["state"] == "printed"
    gone = treasurer.post(f"{path}/sheets")
    assert gone.status_code == 410 and reason(gone) == "sheets_handed_over"
    assert reason(treasurer.post(f"{path}/activation")) == "same_person"
    assert approver.post(f"{path}/activation").json()["state"] == "active"
    assert treasurer.post(f"{base}/orders/{number}/delivery").json()["state"] == "delivered"

    # One is lost and replaced, three are spent, one of those is undone by the treasurer.
    lost = {"serials": [6], "reason": "perdu"}
    assert clerk.post(f"{base}/vouchers/block", lost).json()["items"][0]["state"] == "blocked"
    fresh = treasurer.post(f"{base}/vouchers/replace", lost, key="remplacement")
    assert fresh.status_code == 201, fresh.text
    new = fresh.json()["items"][0]
    (tmp_path / "new.pdf").write_bytes(base64.b64decode(fresh.json()["sheets"][0]))
    assert len(list(read_codes(tmp_path / "new.pdf"))) == 1
    again = treasurer.post(f"{base}/vouchers/replace", lost, key="remplacement").json()
    assert again == {"items": [new], "sheets": None}
    delivered = {"serials": [new["serial"]]}
    assert reason(treasurer.post(f"{base}/vouchers/activate-replacements", delivered)) == "same_person"
    assert approver.post(f"{base}/vouchers/activate-replacements", delivered).status_code == 200

    till = doors.till(programme_id, merchant_id)
    assert till.redeem(codes[0], codes[1], sale_cents=3_000).status_code == 201
    wrong = till.redeem(codes[2]).json()["redemption"]
    undone = treasurer.post(f"{base}/redemptions/{wrong}/reversal", {"reason": "client revenu"})
    assert undone.json()["cents"] == 1_000
    owner = doors.person(programme_id, "merchant_owner", merchant_id=merchant_id)
    day = f"{base}/merchants/{merchant_id}/redemptions?day={today}"
    assert [each["cents"] for each in owner.get(day).json()["items"]] == [1_000, 2_000]
    life = clerk.get(f"{base}/vouchers/1").json()
    assert life["state"] == "redeemed" and all(step["shop_name"] is None for step in life["steps"])

    # The period is closed, approved by another, and paid.
    run = treasurer.post(f"{base}/settlements", {"to_on": today.isoformat()}).json()
    assert run["settlements"][0]["net_cents"] == 1_880  # 2 000 less 5 % and the VAT on it
    path = f"{base}/settlements/{run['number']}"
    execution = {"execution_on": next_target_day(today).isoformat()}
    sunday = {"execution_on": (today + timedelta(days=6 - today.weekday())).isoformat()}
    assert reason(treasurer.post(f"{path}/bank-file")) == "run_state"
    assert reason(treasurer.post(f"{path}/approval", execution)) == "forbidden"
    assert approver.post(f"{path}/approval", sunday).json()["field"] == "execution_on"
    assert approver.post(f"{path}/approval", execution).json()["state"] == "approved"
    file = treasurer.post(f"{path}/bank-file", key="fichier")
    assert file.headers["content-type"] == "application/xml"
    assert etree.fromstring(file.content).findtext(".//{*}CtrlSum") == "18.80"
    repeated = treasurer.post(f"{path}/bank-file", key="fichier")
    assert repeated.content == file.content and repeated.headers["idempotency-hit"] == "true"
    assert treasurer.post(f"{path}/bank-file").content == file.content
    assert treasurer.post(f"{path}/execution").json()["state"] == "executed"
    back = {"merchant_id": merchant_id, "reason": "AC04 compte clos"}
    assert treasurer.post(f"{path}/returns", back).json()["settlements"][0]["state"] == "returned"
    statement = owner.get(f"{path}/merchants/{merchant_id}/statement")
    assert statement.content.startswith(b"%PDF") and statement.headers["content-type"] == "application/pdf"
    seen = owner.get(path).json()
    assert seen["debtor_iban"] == "" and [line["merchant_id"] for line in seen["settlements"]] == [merchant_id]
    assert sum(line["cents"] for line in owner.get(f"{path}/merchants/{merchant_id}/lines").json()["items"]) == 2_000

    # The books.
    auditor = doors.person(programme_id, "auditor")
    gauge = auditor.get(f"{base}/reports/gauge").json()
    assert (gauge["ordered_cents"], gauge["spent_cents"]) == (5_000, 2_000)
    balance = auditor.get(f"{base}/reports/trial-balance").json()
    assert balance["debit_cents"] == balance["credit_cents"] > 0
    for report in ("outstanding", "buyers", "merchants", "trades", "communes", "weeks", "leverage", "facts?limit=3"):
        assert auditor.get(f"{base}/reports/{report}").status_code == 200, report
    span = f"from_on={today}&to_on={today}"
    csv = auditor.get(f"{base}/reports/journal.csv?{span}").content.decode("utf-8-sig")
    assert pretty_serial(1) in csv and csv.startswith("Pièce;")
    assert "commodity 1000.00 EUR" in auditor.get(f"{base}/reports/journal.hledger?{span}").text
    assert reason(auditor.post(f"{base}/reports/seals")) == "forbidden"
    assert treasurer.post(f"{base}/reports/seals").json()["number"] == 1
    assert treasurer.post(f"{base}/reports/seals").json() is None
    assert len(auditor.get(f"{base}/reports/seals").json()["items"]) == 1


def test_a_list_is_read_page_by_page(doors: Doors) -> None:
    programme_id = doors.programme()
    base = f"{V1}/programmes/{programme_id}"
    treasurer = doors.person(programme_id, "treasurer")
    for name in ("Falaise", "Livarot", "Mézidon"):
        treasurer.post(f"{base}/buyers", {"name": name, "address": "Mairie"})
    first = treasurer.get(f"{base}/buyers?limit=2").json()
    rest = treasurer.get(f"{base}/buyers?limit=2&after={first['next']}").json()
    assert [one["name"] for one in first["items"] + rest["items"]] == ["Falaise", "Livarot", "Mézidon"]
    assert rest["next"] is None


def _codes_on(treasurer: Person, path: str, folder: Path) -> list[str]:
    """The codes that a phone reads on the sheets."""
    answer = treasurer.post(f"{path}/sheets")
    assert answer.status_code == 200 and int(answer.headers["content-length"]) == len(answer.content)
    (folder / "sheets.pdf").write_bytes(answer.content)
    return [text.partition("#")[2] for text in read_codes(folder / "sheets.pdf")]
