"""The payment run as a bank reads it: official schemas, SEPA rules, golden bytes, and a bank that answers."""

import ast
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from mockbank.server import Config, make_server
from stdnum import iban as iban_numbers

from vouchers.clock import next_target_day
from vouchers.paper import pain_001 as writer
from vouchers.paper import sepa_rules
from vouchers.paper.pain_001 import BadPaymentFile, Payment, PaymentFile, pain_001, sepa_text

GOLDEN = Path(__file__).parent / "golden"
VERSIONS: tuple[writer.Version, ...] = ("001.001.09", "001.001.03")
OUR_IBAN = "FR7630006000011234567890189"


def a_french_iban(account: int) -> str:
    """A well-formed account of an imaginary holder: RIB key and ISO check digits both right."""
    bank, branch = 30006, 1
    key = 97 - (89 * bank + 15 * branch + 3 * account) % 97
    basic = f"{bank:05d}{branch:05d}{account:011d}{key:02d}"
    return f"FR{iban_numbers.calc_check_digits('FR00' + basic)}{basic}"


def a_payment(number: int = 1, *, cents: int = 9_400) -> Payment:
    return Payment(
        f"RUN12-S{number}", f"Boulangerie n° {number}", a_french_iban(number), cents, f"Chèques cadeaux {number}"
    )


def a_file(*payments: Payment) -> PaymentFile:
    return PaymentFile(
        message_id="RUN-12",
        created_at=datetime(2026, 11, 21, 20, 50, 35, 123456, tzinfo=UTC),
        execution_on=date(2026, 11, 24),
        debtor_name="Chambre de commerce & d’industrie Seine Estuaire",
        debtor_iban="FR76 3000 6000 0112 3456 7890 189",
        debtor_bic="AGRIFRPP",
        payments=payments or (a_payment(),),
    )


def a_town() -> PaymentFile:
    """Seventy shops, some with names that banks do not take as they stand."""
    names = ("Œuvre & Fils, pâtissiers", "L’Échoppe 🥐 d’Anaïs", "Çà/là //bazar//", "Bjørn Łukasz GmbH", "A" * 90)
    payments = [a_payment(number, cents=1_000 + 37 * number) for number in range(1, 71)]
    payments[: len(names)] = [replace(p, name=name) for p, name in zip(payments, names, strict=False)]
    return a_file(*payments)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_town_of_seventy_shops_is_valid_by_the_official_schema_and_the_sepa_rules(version: writer.Version) -> None:
    xml = pain_001(a_town(), version=version)
    with resources.as_file(resources.files("sepaxml") / "schemas" / f"pain.{version}.xsd") as path:
        etree.XMLSchema(etree.parse(path)).assertValid(etree.fromstring(xml))
    assert sepa_rules.faults(xml) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_without_a_bic_the_bank_is_named_not_provided_and_each_payee_may_be_debited_apart(
    version: writer.Version,
) -> None:
    xml = pain_001(replace(a_town(), debtor_bic=None, batch_booking=False), version=version)
    with resources.as_file(resources.files("sepaxml") / "schemas" / f"pain.{version}.xsd") as path:
        etree.XMLSchema(etree.parse(path)).assertValid(etree.fromstring(xml))
    assert sepa_rules.faults(xml) == []
    assert b"<Id>NOTPROVIDED</Id>" in xml
    assert b"<BtchBookg>false</BtchBookg>" in xml


@pytest.mark.parametrize("version", VERSIONS)
def test_the_same_run_is_the_same_bytes_for_ever(version: writer.Version) -> None:
    two = a_file(a_payment(1), replace(a_payment(2, cents=123_456_789), name="Éclair & Œuf"))
    assert pain_001(two, version=version) == (GOLDEN / f"pain.{version}.xml").read_bytes()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Élégance Noël Çà", "Elegance Noel Ca"),
        ("Œuvre & cœur", "OEuvre + coeur"),
        ("L’Écrin «doré» – n°12", "L'Ecrin 'dore' - no12"),
        ("Café 🥐🎁", "Cafe"),
        ("//a//b/", "a/b"),
        ("ﬁn\u00a0de\tligne\u2028½", "fin de ligne 1/2"),
        ("Straße Łódź Bjørn", "Strasse Lodz Bjorn"),
        ("<b>;=*#%$", "b,"),
        ("🎁", ""),
        ("é" * 80, "e" * 70),
    ],
)
def test_names_are_written_in_letters_that_every_bank_takes(text: str, written: str) -> None:
    assert sepa_text(text, length=70) == written


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("amount_too_small", {"cents": 0}),
        ("amount_too_small", {"cents": -1}),
        ("amount_too_big", {"cents": 100_000_000_000}),
        ("bad_iban", {"iban": "FR7630006000011234567890188"}),
        ("not_sepa", {"iban": "TN5910006035183598478831"}),
        ("empty_name", {"name": " 🎁 "}),
        ("empty_remittance", {"remittance": "🎁"}),
        ("bad_identifier", {"end_to_end_id": "X" * 36}),
        ("bad_identifier", {"end_to_end_id": "/RUN"}),
        ("bad_identifier", {"end_to_end_id": "RUN//1"}),
        ("bad_identifier", {"end_to_end_id": "RÉGLÉ"}),
        ("bad_identifier", {"end_to_end_id": "RUN\n1"}),
        ("identifier_repeated", {"end_to_end_id": "RUN12-S2"}),
    ],
)
def test_one_wrong_payment_stops_the_whole_file(reason: str, change: dict[str, Any]) -> None:
    with pytest.raises(BadPaymentFile) as refused:
        pain_001(a_file(replace(a_payment(1), **change), a_payment(2)))
    assert reason in {fault.reason for fault in refused.value.faults}


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("no_payments", {"payments": ()}),
        ("not_a_target_day", {"execution_on": date(2026, 11, 22)}),
        ("not_a_target_day", {"execution_on": date(2027, 3, 26)}),
        ("naive_instant", {"created_at": datetime(2026, 11, 21)}),  # noqa: DTZ001 - the naive one is the point
        ("bad_identifier", {"message_id": ""}),
        ("bad_iban", {"debtor_iban": "FR76"}),
        ("bad_bic", {"debtor_bic": "AGRI"}),
        ("empty_name", {"debtor_name": ""}),
    ],
)
def test_a_wrong_file_is_refused(reason: str, change: dict[str, Any]) -> None:
    with pytest.raises(BadPaymentFile) as refused:
        pain_001(replace(a_file(), **change))
    assert [(fault.payee, fault.reason) for fault in refused.value.faults] == [(None, reason)]


def test_every_fault_is_named_with_its_payee_in_one_go() -> None:
    bad = (replace(a_payment(1), name="Chez Paul", cents=0, iban="FR00"), replace(a_payment(2), name="Anaïs", cents=-5))
    with pytest.raises(BadPaymentFile) as refused:
        pain_001(a_file(*bad, a_payment(3)))
    assert [(fault.payee, fault.reason) for fault in refused.value.faults] == [
        ("Chez Paul", "bad_iban"),
        ("Chez Paul", "amount_too_small"),
        ("Anaïs", "amount_too_small"),
    ]
    assert "Chez Paul : IBAN faux" in str(refused.value)


@pytest.mark.parametrize(
    ("asked", "settled"),
    [
        (date(2026, 11, 23), date(2026, 11, 23)),
        (date(2026, 12, 25), date(2026, 12, 28)),
        (date(2027, 3, 26), date(2027, 3, 30)),
        (date(2026, 5, 1), date(2026, 5, 4)),
        (date(2026, 7, 14), date(2026, 7, 14)),
    ],
)
def test_euros_settle_on_target_days_even_on_a_french_holiday(asked: date, settled: date) -> None:
    assert next_target_day(asked) == settled


def test_the_writer_and_the_rules_know_the_same_target_days_by_two_ways() -> None:
    days = (date(2024, 1, 1) + timedelta(days=number) for number in range(27 * 365))
    assert [day for day in days if (next_target_day(day) == day) != sepa_rules._is_target_day(day)] == []


NINE, THREE = VERSIONS
ADDRESS = "<Nm>{}</Nm><PstlAdr>{}</PstlAdr>"
PAYEE = "Boulangerie no 1"
BAD_FILES: list[tuple[str, writer.Version, str, str]] = [
    ("not_xml", NINE, "</Document>", ""),
    ("document_type", NINE, "<Document", '<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/hosts">]><Document'),
    ("version", NINE, "pain.001.001.09", "pain.001.001.12"),
    ("version", NINE, "Document", "Dokument"),
    ("structure", NINE, "GrpHdr>", "GrpHdx>"),
    ("charset", NINE, PAYEE, "Boulangerie &amp; Œuf"),
    ("charset", THREE, "RUN12-S2", "RUN12_S2"),
    ("identifier_slash", NINE, "RUN12-S1", "/RUN12-S1"),
    ("identifier_slash", NINE, "RUN12-S1", "RUN12-S1/"),
    ("identifier_slash", NINE, "<MsgId>RUN-12", "<MsgId>RUN//12"),
    ("identifier_length", NINE, "RUN12-S1", "R" * 36),
    ("identifier_length", NINE, "<PmtInfId>RUN-12", "<PmtInfId>"),
    ("identifier_repeated", NINE, "RUN12-S2", "RUN12-S1"),
    ("message_count", NINE, "<NbOfTxs>2</NbOfTxs>", "<NbOfTxs>3</NbOfTxs>"),
    ("block_count", NINE, "<NbOfTxs>2</NbOfTxs>", "<NbOfTxs>3</NbOfTxs>"),
    ("message_sum", NINE, "<CtrlSum>188.00", "<CtrlSum>188.01"),
    ("block_sum", THREE, "<CtrlSum>188.00", "<CtrlSum>1e9999999"),
    ("block_sum", NINE, "<CtrlSum>188.00</CtrlSum>", ""),
    ("method", NINE, "<PmtMtd>TRF", "<PmtMtd>TRA"),
    ("service_level", NINE, "<Cd>SEPA</Cd>", "<Cd>URGP</Cd>"),
    ("service_level", NINE, "SvcLvl>", "CtgyPurp>"),
    ("charge_bearer", NINE, "<ChrgBr>SLEV", "<ChrgBr>SHAR"),
    ("charge_bearer", NINE, "<ChrgBr>SLEV</ChrgBr>", ""),
    ("execution_form", NINE, "<Dt>2026-11-24</Dt>", "<DtTm>2026-11-24T10:00:00</DtTm>"),
    ("execution_form", THREE, "<ReqdExctnDt>2026-11-24", "<ReqdExctnDt><Dt>2026-11-24</Dt>"),
    ("execution_form", THREE, "<ReqdExctnDt>2026-11-24", "<ReqdExctnDt>20261124"),
    ("execution_day", NINE, "2026-11-24", "2026-11-22"),
    ("execution_day", THREE, "2026-11-24", "2027-03-29"),
    ("currency", NINE, 'Ccy="EUR"', 'Ccy="CHF"'),
    ("amount_range", NINE, ">94.00<", ">0.00<"),
    ("amount_range", NINE, ">94.00<", ">1000000000.00<"),
    ("amount_decimals", NINE, ">94.00<", ">94.001<"),
    ("amount_decimals", NINE, ">94.00<", ">-94.00<"),
    ("remittance_choice", NINE, "<Ustrd>", "<Ustrd>twice</Ustrd><Ustrd>"),
    ("remittance_choice", NINE, "</Ustrd>", "</Ustrd><Strd/>"),
    ("remittance_choice", NINE, "Ustrd>", "Xstrd>"),
    ("remittance_length", NINE, "<Ustrd>Cheques", "<Ustrd>" + "C" * 140),
    ("name_missing", NINE, f"<Nm>{PAYEE}</Nm>", ""),
    ("name_length", NINE, PAYEE, "B" * 71),
    ("iban", NINE, a_french_iban(1), a_french_iban(1)[:-1] + "0"),
    ("iban", NINE, a_french_iban(1), "FR"),
    ("iban", NINE, a_french_iban(1), "NL91ABNA041716430000000000"),
    ("iban_country", NINE, a_french_iban(1), "TN5910006035183598478831"),
    ("bank_identifier", NINE, "<BICFI>AGRIFRPP", "<BICFI>AGRIFR"),
    ("bank_identifier", THREE, "<BIC>AGRIFRPP</BIC>", "<Othr><Id>UNKNOWN</Id></Othr>"),
    ("bank_identifier", THREE, "<BIC>AGRIFRPP</BIC>", ""),
    ("address", NINE, f"<Nm>{PAYEE}</Nm>", ADDRESS.format(PAYEE, "<AdrLine>3 rue de l'Eglise</AdrLine>")),
    ("address", THREE, f"<Nm>{PAYEE}</Nm>", ADDRESS.format(PAYEE, "<Ctry>FR</Ctry><AdrLine>14170 Auge</AdrLine>")),
]


@pytest.mark.parametrize(("rule", "version", "good", "bad"), BAD_FILES)
def test_each_sepa_rule_bites(rule: str, version: writer.Version, good: str, bad: str) -> None:
    text = pain_001(a_file(a_payment(1), a_payment(2)), version=version).decode()
    assert good in text
    assert rule in {fault.rule for fault in sepa_rules.faults(text.replace(good, bad).encode())}


def test_no_sepa_rule_is_without_its_bad_file() -> None:
    """The rules are read from the source: the first words given to a fault, and the pairs of `rules=`."""
    tree = ast.parse(Path(sepa_rules.__file__).read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = [call.args[0] for call in calls if ast.unparse(call.func) in ("Fault", "self._fault")]
    pairs = [word.value for call in calls for word in call.keywords if word.arg == "rules"]
    words = [node for root in (*named, *pairs) for node in ast.walk(root) if isinstance(node, ast.Constant)]
    assert {word.value for word in words if isinstance(word.value, str)} == {rule for rule, *_ in BAD_FILES}


def test_a_structured_address_and_one_before_november_2026_are_accepted() -> None:
    xml = pain_001(a_file()).decode()
    hybrid = "<TwnNm>Auge</TwnNm><Ctry>FR</Ctry><AdrLine>3 rue de l'Eglise</AdrLine>"
    assert sepa_rules.faults(xml.replace(f"<Nm>{PAYEE}</Nm>", ADDRESS.format(PAYEE, hybrid)).encode()) == []
    loose = xml.replace(f"<Nm>{PAYEE}</Nm>", ADDRESS.format(PAYEE, "<AdrLine>3 rue</AdrLine>"))
    assert sepa_rules.faults(loose.replace("2026-11-24", "2026-11-13").encode()) == []


class Bank:
    """mock-bank, answering on this machine alone."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"

    def ask(self, path: str, body: bytes | None = None, *, kind: str = "application/xml") -> dict[str, object]:
        headers = {"Content-Type": kind, "Accept": "application/json"}
        request = urllib.request.Request(self.base + path, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as refused:
            with refused:
                return dict(json.load(refused))


@pytest.fixture
def bank() -> Iterator[Bank]:
    server = make_server(Config(port=0, quiet=True, clock="2026-11-23T09:00", timezone="Europe/Paris"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        bank = Bank(server.server_address[1])
        account = {"id": "CCI", "name": "CCI Seine Estuaire", "iban": OUR_IBAN, "balance": 100_000_000}
        bank.ask("/_mock/accounts", json.dumps(account).encode(), kind="application/json")
        yield bank
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_bank_pays_all_seventy_shops_once_and_refuses_the_same_run_again(bank: Bank, version: writer.Version) -> None:
    town = a_town()
    xml = pain_001(town, version=version)
    assert bank.ask("/_mock/validate", xml)["findings"] == []
    answer = bank.ask("/payments", xml)
    assert (answer["status"], answer["accepted"], answer["rejected"]) == ("ACCP", 70, 0)
    paid = answer["payments"]
    assert isinstance(paid, list)
    assert [(line["end_to_end_id"], line["amount"]) for line in paid] == [
        (payment.end_to_end_id, payment.cents) for payment in town.payments
    ]
    assert {line["settlement_date"] for line in paid} == {"2026-11-24"}
    again = bank.ask("/payments", xml)
    assert (again["status"], again["reason"]) == ("RJCT", "DUPL")
