"""A season over HTTP: from the buyer's order to the bank file, each step by whoever may, on both engines."""

import base64
from datetime import timedelta
from pathlib import Path

from lxml import etree

from tests.api.doors import V1, Doors, reason
from tests.given_papers import VAT_NUMBER
from vouchers import clock
from vouchers.clock import next_target_day
from vouchers.codes import pretty_serial
from vouchers.paper.voucher_sheet import read_codes


class Campaign:
    """The season of one commune and one shop, told over HTTP."""

    def __init__(self, doors: Doors, folder: Path) -> None:
        self.doors, self.folder = doors, folder
        self.programme_id = doors.programme()
        self.base = f"{V1}/programmes/{self.programme_id}"
        self.treasurer = doors.person(self.programme_id, "treasurer")
        self.approver = doors.person(self.programme_id, "approver")
        self.today = clock.book_day(clock.now())

    def enrol(self) -> None:
        """A commune and a shop with a bank account that two people agreed on."""
        commune = {"name": "Commune de Falaise", "address": "Place Guillaume-le-Conquérant\n14700 Falaise"}
        self.buyer_id = self.treasurer.post(f"{self.base}/buyers", commune).json()["id"]
        shop = {"legal_name": "SARL Œillette", "shop_name": "Au Pain d'Œillette", "siret": "73282932000074"}
        shop |= {"trade": "Boulangerie", "commune": "Falaise"}
        self.merchant_id = self.treasurer.post(f"{self.base}/merchants", shop).json()["id"]
        assert reason(self.treasurer.post(f"{self.base}/merchants", shop)) == "already_enrolled"
        account = {"account_holder": "SARL Œillette", "iban": "FR76 3000 6000 0112 3456 7890 189"}
        asked = self.treasurer.post(f"{self.base}/merchants/{self.merchant_id}/accounts", account).json()["id"]
        why = {"reason": "rappelée au numéro de l'adhésion"}
        assert reason(self.treasurer.post(f"{self.base}/accounts/{asked}/confirmation", why)) == "same_person"
        confirmed = self.approver.post(f"{self.base}/accounts/{asked}/confirmation", why).json()
        assert (confirmed["state"], confirmed["iban"]) == ("confirmed", "FR76 •••• 0189")
        of = {"buyer_id": self.buyer_id, "merchant_id": self.merchant_id}
        self.clerk = self.doors.person(self.programme_id, "buyer_clerk", **of)
        self.mayor = self.doors.person(self.programme_id, "buyer_approver", **of)
        self.owner = self.doors.person(self.programme_id, "merchant_owner", **of)
        # Who confirms compares the whole IBAN; nobody else needs it.
        accounts = f"{self.base}/merchants/{self.merchant_id}/accounts"
        told = [person.get(accounts).json()["items"][0]["iban"] for person in (self.approver, self.owner)]
        assert told == ["FR7630006000011234567890189", "FR76 •••• 0189"]

    def order(self) -> int:
        """Two people of the commune agree, and its money comes."""
        lines = [{"face_cents": 1_000, "quantity": 4}, {"face_cents": 500, "quantity": 2}]
        drafted = self.clerk.post(f"{self.base}/orders", {"buyer_id": self.buyer_id, "lines": lines})
        number: int = drafted.json()["number"]
        path = f"{self.base}/orders/{number}"
        assert self.clerk.post(f"{path}/placing").json()["state"] == "placed"
        assert reason(self.clerk.post(f"{path}/approval")) == "forbidden"
        assert self.mayor.post(f"{path}/approval").json()["owed_cents"] == 5_000
        paid = {"cents": 5_000, "bank_reference": "VIR 0043", "received_on": self.today.isoformat()}
        assert self.treasurer.post(f"{path}/payments", paid).json()["state"] == "paid"
        assert reason(self.treasurer.post(f"{path}/payments", paid)) == "payment_already_recorded"
        return number

    def issue(self, number: int) -> list[str]:
        """Issued in two steps, printed as often as it takes, handed over once, activated by another."""
        batch = self.treasurer.post(f"{self.base}/orders/{number}/batch").json()
        path = f"{self.base}/batches/{batch['number']}"
        assert [self.treasurer.post(f"{path}/issue", {"vouchers": 4}).json()["left"] for _ in range(2)] == [2, 0]
        codes = self._codes_on(path)
        assert len(codes) == 6 and codes == self._codes_on(path)
        assert self.treasurer.post(f"{path}/hand-over").json()["state"] == "printed"
        gone = self.treasurer.post(f"{path}/sheets")
        assert gone.status_code == 410 and reason(gone) == "sheets_handed_over"
        assert reason(self.treasurer.post(f"{path}/activation")) == "same_person"
        assert self.approver.post(f"{path}/activation").json()["state"] == "active"
        assert self.treasurer.post(f"{self.base}/orders/{number}/delivery").json()["state"] == "delivered"
        return codes

    def replace(self) -> None:
        """One is lost: the town hall stops it, the treasurer replaces it, another activates the new one."""
        lost, path = {"serials": [6], "reason": "perdu"}, f"{self.base}/vouchers"
        assert reason(self.clerk.post(f"{path}/block", {"serials": [6, 999], "reason": "perdu"})) == "forbidden"
        assert reason(self.clerk.post(f"{path}/block", {"serials": [999], "reason": "perdu"})) == "not_found"
        assert self.clerk.post(f"{path}/block", lost).json()["items"][0]["state"] == "blocked"
        fresh = self.treasurer.post(f"{path}/replace", lost, key="remplacement")
        new = fresh.json()["items"][0]
        (self.folder / "new.pdf").write_bytes(base64.b64decode(fresh.json()["sheets"][0]))
        assert len(list(read_codes(self.folder / "new.pdf"))) == 1
        again = self.treasurer.post(f"{path}/replace", lost, key="remplacement").json()
        assert again == {"items": [new], "sheets": None}
        delivered = {"serials": [new["serial"]]}
        assert reason(self.treasurer.post(f"{path}/activate-replacements", delivered)) == "same_person"
        assert self.approver.post(f"{path}/activate-replacements", delivered).status_code == 200

    def spend(self, codes: list[str]) -> None:
        """Three are spent, one of those is undone by the treasurer; the buyer does not learn where."""
        till = self.doors.till(self.programme_id, self.merchant_id)
        assert till.redeem(codes[0], codes[1], sale_cents=3_000).status_code == 201
        wrong = till.redeem(codes[2]).json()["redemption"]
        undone = self.treasurer.post(f"{self.base}/redemptions/{wrong}/reversal", {"reason": "client revenu"})
        assert undone.json()["cents"] == 1_000
        day = f"{self.base}/merchants/{self.merchant_id}/redemptions?day={self.today}"
        assert [each["cents"] for each in self.owner.get(day).json()["items"]] == [1_000, 2_000]
        life = self.clerk.get(f"{self.base}/vouchers/1").json()
        assert life["state"] == "redeemed" and all(step["shop_name"] is None for step in life["steps"])

    def settle(self) -> str:
        """Proposed by one, approved by another for a day on which banks pay."""
        run = self.treasurer.post(f"{self.base}/settlements", {"to_on": self.today.isoformat()}).json()
        assert run["settlements"][0]["net_cents"] == 1_880  # 2 000 less 5 % and the VAT on it
        assert run["settlements"][0]["iban"] == "FR76 •••• 0189" and "••••" in run["debtor_iban"]
        path = f"{self.base}/settlements/{run['number']}"
        execution = {"execution_on": next_target_day(self.today).isoformat()}
        sunday = {"execution_on": (self.today + timedelta(days=6 - self.today.weekday())).isoformat()}
        assert reason(self.treasurer.post(f"{path}/bank-file")) == "run_state"
        assert reason(self.treasurer.post(f"{path}/approval", execution)) == "forbidden"
        assert self.approver.post(f"{path}/approval", sunday).json()["field"] == "execution_on"
        assert self.approver.post(f"{path}/approval", execution).json()["state"] == "approved"
        return path

    def pay(self, path: str) -> None:
        """The bank file is the same each time; the shop sees its own part, also of what came back."""
        file = self.treasurer.post(f"{path}/bank-file", key="fichier")
        assert file.headers["content-type"] == "application/xml"
        assert etree.fromstring(file.content).findtext(".//{*}CtrlSum") == "18.80"
        repeated = self.treasurer.post(f"{path}/bank-file", key="fichier")
        assert repeated.content == file.content and repeated.headers["idempotency-hit"] == "true"
        assert self.treasurer.post(f"{path}/bank-file").content == file.content
        assert self.treasurer.post(f"{path}/execution").json()["state"] == "executed"
        back = {"merchant_id": self.merchant_id, "reason": "AC04 compte clos"}
        assert self.treasurer.post(f"{path}/returns", back).json()["settlements"][0]["state"] == "returned"
        own = f"{path}/merchants/{self.merchant_id}/statement"
        assert reason(self.owner.get(own)) == "papers_not_ready"
        assert reason(self.treasurer.post(f"{path}/papers")) == "issuer_details_missing"
        told = {"json": {"vat_number": VAT_NUMBER}, "headers": {"Idempotency-Key": "tva"}}
        assert self.treasurer.call("PUT", f"{self.base}/paper-settings", **told).status_code == 200
        assert self.treasurer.post(f"{path}/papers").json()["made"] == 1
        statement = self.owner.get(own)
        assert statement.content.startswith(b"%PDF") and statement.headers["content-type"] == "application/pdf"
        seen = self.owner.get(path).json()
        assert seen["debtor_iban"] == "" and [line["net_cents"] for line in seen["settlements"]] == [1_880]
        lines = self.owner.get(f"{path}/merchants/{self.merchant_id}/lines").json()["items"]
        assert sum(line["cents"] for line in lines) == 2_000

    def read_the_books(self) -> None:
        """The auditor reads all and changes nothing."""
        auditor, path = self.doors.person(self.programme_id, "auditor"), f"{self.base}/reports"
        gauge = auditor.get(f"{path}/gauge").json()
        assert (gauge["ordered_cents"], gauge["spent_cents"]) == (5_000, 2_000)
        balance = auditor.get(f"{path}/trial-balance").json()
        assert balance["debit_cents"] == balance["credit_cents"] > 0
        figures = ("outstanding", "buyers", "merchants", "trades", "communes", "weeks", "leverage", "facts?limit=3")
        for report in figures:
            assert auditor.get(f"{path}/{report}").status_code == 200, report
        assert auditor.get(f"{path}/dashboard").content.startswith(b"%PDF")
        span = f"from_on={self.today}&to_on={self.today}"
        csv = auditor.get(f"{path}/journal.csv?{span}").content.decode("utf-8-sig")
        assert pretty_serial(1) in csv and csv.startswith("Journal;")
        assert "commodity 1000.00 EUR" in auditor.get(f"{path}/journal.hledger?{span}").text
        assert 'option "operating_currency" "EUR"' in auditor.get(f"{path}/journal.beancount?{span}").text
        year = f"year={clock.book_day(clock.now()).year}"
        assert auditor.get(f"{path}/fec?{year}&separator=pipe").content.startswith(b"PK")
        assert auditor.get(f"{path}/fec?year=2001").json()["problem"] == "nothing_written"
        closing = [row["opening_cents"] + row["debit_cents"] - row["credit_cents"] for row in
                   auditor.get(f"{path}/year-balance?{year}").json()["items"]]  # fmt: skip
        assert sum(closing) == 0 and any(closing)
        assert {row["nature"] for row in auditor.get(f"{path}/vat?{year}").json()["items"]} >= {"commission"}
        assert auditor.get(f"{path}/threshold").json()["cents"] > 0
        assert reason(auditor.post(f"{path}/seals")) == "forbidden"
        assert self.treasurer.post(f"{path}/seals").json()["number"] == 1
        assert self.treasurer.post(f"{path}/seals").json() is None
        assert len(auditor.get(f"{path}/seals").json()["items"]) == 1

    def _codes_on(self, path: str) -> list[str]:
        """The codes that a phone reads on the sheets."""
        answer = self.treasurer.post(f"{path}/sheets")
        assert answer.status_code == 200 and int(answer.headers["content-length"]) == len(answer.content)
        (self.folder / "sheets.pdf").write_bytes(answer.content)
        return [text.partition("#")[2] for text in read_codes(self.folder / "sheets.pdf")]


def test_a_commune_buys_a_shop_takes_and_the_chamber_pays(doors: Doors, tmp_path: Path) -> None:
    campaign = Campaign(doors, tmp_path)
    campaign.enrol()
    codes = campaign.issue(campaign.order())
    campaign.replace()
    campaign.spend(codes)
    campaign.pay(campaign.settle())
    campaign.read_the_books()


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
