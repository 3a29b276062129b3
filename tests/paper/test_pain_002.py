"""What the bank answers to our payment file, and the words for a treasurer."""

import re
from pathlib import Path

import pytest

from tests.bank import a_bank
from tests.paper.test_pain_001 import a_file, a_french_iban, a_payment
from vouchers.bank_messages import BlockStatus, PaymentStatus, why_en, why_fr
from vouchers.errors import BadInput
from vouchers.paper import pain_002
from vouchers.paper.pain_001 import pain_001

GOLDEN = Path(__file__).parent / "golden"
TEN = (GOLDEN / "pain.002.001.10.xml").read_bytes()


@pytest.mark.parametrize("kind", pain_002.REPORTS)
def test_a_report_names_the_shop_that_is_not_paid_and_why(kind: str) -> None:
    report = pain_002.read((GOLDEN / f"{kind}.xml").read_bytes())
    assert (report.version, report.original_message_id, report.group_status) == (kind, "CHEQUES-1-12", "PART")
    assert report.blocks == (BlockStatus("CHEQUES-1-12", "PART", None, ""),)
    assert report.transactions[1] == PaymentStatus("REGL-1-12-7", "CHEQUES-1-12", "ACSP", None, "")
    assert report.rejected == (PaymentStatus("REGL-1-12-3", "CHEQUES-1-12", "RJCT", "AC04", "COMPTE CLOTURE"),)
    assert not report.wholly_rejected


def test_a_transfer_without_a_status_has_that_of_its_block_or_its_file() -> None:
    block = re.sub(rb"<TxSts>\w+</TxSts>", b"", TEN).replace(b"<PmtInfSts>PART", b"<PmtInfSts>RJCT")
    assert [one.end_to_end_id for one in pain_002.read(block).rejected] == ["REGL-1-12-3", "REGL-1-12-7"]
    file = re.sub(rb"<(TxSts|PmtInfSts)>\w+</\1>", b"", TEN).replace(b"<GrpSts>PART", b"<GrpSts>RJCT")
    assert len(pain_002.read(file).rejected) == 2
    assert pain_002.read(file).wholly_rejected


def test_a_file_without_its_own_status_is_refused_when_all_its_blocks_are() -> None:
    blocks = TEN.replace(b"<GrpSts>PART</GrpSts>", b"").replace(b"<PmtInfSts>PART", b"<PmtInfSts>RJCT")
    assert pain_002.read(blocks).wholly_rejected


@pytest.mark.parametrize(
    ("problem", "good", "bad"),
    [
        ("bank_entities", b"<Document", b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]><Document'),
        ("bank_not_xml", b"</Document>", b""),
        ("bank_other_message", b"pain.002.001.10", b"pain.002.001.14"),
        ("bank_element_missing", b"<OrgnlMsgId>CHEQUES-1-12</OrgnlMsgId>", b""),
        ("bank_element_missing", b"<MsgId>ARA-0099</MsgId>", b""),
        ("bank_element_unreadable", b"2026-11-23T10:30:00", b"2026-11-23 a 10 h"),
    ],
)
def test_a_report_that_cannot_be_read_is_refused_with_its_reason(problem: str, good: bytes, bad: bytes) -> None:
    assert good in TEN
    with pytest.raises(BadInput) as refused:
        pain_002.read(TEN.replace(good, bad, 1))
    assert (refused.value.data["field"], refused.value.data["problem"]) == ("file", problem)


def test_a_bank_says_of_our_file_which_payees_account_is_closed() -> None:
    closed = {"iban": a_french_iban(2), "name": "Ferme", "behaviour": "closed-account"}
    with a_bank() as bank:
        bank.open_account("FERME", **closed)
        assert bank.pay(pain_001(a_file(a_payment(1), a_payment(2))))["status"] == "PART"
        (report,) = map(pain_002.read, bank.sent("pain.002"))
    assert (report.original_message_id, report.group_status) == ("RUN-12", "PART")
    assert [(one.end_to_end_id, one.reason) for one in report.rejected] == [("RUN12-S2", "AC04")]


def test_a_bank_that_has_the_file_already_refuses_it_whole() -> None:
    file = pain_001(a_file(a_payment(1)))
    with a_bank() as bank:
        bank.pay(file)
        bank.pay(file)
        first, second = map(pain_002.read, bank.sent("pain.002"))
    assert (first.wholly_rejected, second.wholly_rejected) == (False, True)
    assert (second.group_reason, second.transactions) == ("DUPL", ())


def test_the_treasurer_is_told_why_and_what_to_do() -> None:
    assert why_fr("AC04") == "compte clôturé : demandez un autre RIB au commerce"
    assert why_en("AC04") == "the account is closed: ask the shop for other bank details"
    assert "succession" in why_fr("MD07")
    assert why_fr("XX99") == "motif XX99 : appelez la banque"
    assert why_en("XX99") == "reason XX99: call the bank"
