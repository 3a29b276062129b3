"""Invoices and credit notes: what the ledger says, numbered without a gap, made once and kept."""

import hashlib
import io
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pikepdf
import pytest
from sqlalchemy import update

from tests.makers import NOON, a_batch, a_programme, facts_of
from tests.paper.rules_of_invoices import broken
from tests.papers import TREASURER, VAT_NUMBER, a_billed_order, a_commune, billing_set, credited, invoiced, papers_set
from tests.town import a_town
from vouchers import archive, invoices, invoicing, order, stop, verify
from vouchers.archive import Document
from vouchers.db import Database
from vouchers.errors import (
    AlreadyInvoiced,
    BadInput,
    BillingIncomplete,
    IssuerDetailsMissing,
    NotFound,
    NothingToCredit,
    NotInvoiced,
    OrderState,
    Refusal,
)
from vouchers.order_book import Order
from vouchers.tables import issuer


def told(papers: list[Document]) -> list[tuple[str, str, int, int, int]]:
    return [(one.name, one.kind, one.face_cents, one.fee_cents, one.vat_cents) for one in papers]


def files_of(house: Database, programme_id: int) -> list[str]:
    """Every paper of the archive by name, its file read and found to be the one the journal has the hash of."""
    papers = house.read(archive.listed, programme_id=programme_id)
    said = {
        reason
        for kind in ("invoiced", "credited")
        for _, reason in facts_of(house, programme_id=programme_id, kind=kind)
    }
    for one in papers:
        file = house.read(archive.file_of, programme_id=programme_id, name=one.name)
        assert hashlib.sha256(file).hexdigest() == one.sha256
        assert f"{one.name} {one.sha256}" in said
    return sorted(one.name for one in papers)


def data_of(house: Database, paper: Document) -> bytes:
    """The XML inside."""
    with pikepdf.open(
        io.BytesIO(house.read(archive.file_of, programme_id=paper.programme_id, name=paper.name))
    ) as file:
        (xml,) = [file.attachments[name].get_file().read_bytes() for name in file.attachments]
    return xml


def cancel_order(house: Database, made: Order) -> None:
    house.write(
        order.cancel, programme_id=made.programme_id, number=made.number, actor=TREASURER, reason="doublon", at=NOON
    )


def no_faults(house: Database) -> None:
    assert house.read(verify.verify) == []


# ── What an invoice says ─────────────────────────────────────────────────────────────────────────────────────────
def test_an_approved_order_has_an_invoice_of_its_face_value_and_one_of_its_fee(house: Database) -> None:
    programme_id = a_programme(house)
    papers_set(house, programme_id=programme_id)
    made = a_billed_order(house, programme_id=programme_id)

    papers = invoiced(house, made)

    p = programme_id
    assert told(papers) == [
        (f"T{p}-2026-00001", "face_value", 20_000, 0, 0),
        (f"F{p}-2026-00001", "fee", 0, 2_400, 480),
    ]
    assert sum(one.cents for one in papers) == made.total_cents
    assert files_of(house, p) == [f"F{p}-2026-00001", f"T{p}-2026-00001"]
    no_faults(house)


def test_the_file_is_a_pdf_that_carries_its_data_and_names_nobody_who_receives(house: Database) -> None:
    programme_id = a_programme(house)
    papers_set(house, programme_id=programme_id)
    made = a_billed_order(house, programme_id=programme_id)
    paper = invoiced(house, made)[0]

    xml = data_of(house, paper).decode()
    assert paper.name in xml and made.rf_reference in xml and "200.00" in xml
    assert len(paper.file_name) <= 50


def test_a_fee_of_zero_has_no_invoice_and_asks_for_no_vat_number(house: Database) -> None:
    programme_id = a_programme(house)
    made = a_billed_order(house, programme_id=programme_id, fee_cents=0)
    assert [one.kind for one in invoiced(house, made)] == ["face_value"]


def test_one_document_holds_both_where_the_chamber_wants_it(house: Database) -> None:
    programme_id = a_programme(house)
    papers_set(house, programme_id=programme_id, invoice_form="together")
    made = a_billed_order(house, programme_id=programme_id)
    free = a_billed_order(house, programme_id=programme_id, fee_cents=0)

    both = invoiced(house, made)
    assert told(both) == [(f"F{programme_id}-2026-00001", "face_value_and_fee", 20_000, 2_400, 480)]
    assert [one.kind for one in invoiced(house, free)] == ["face_value"]
    cancel_order(house, made)
    assert told(credited(house, made))[0][1:] == ("face_value_and_fee_credit", -20_000, -2_400, -480)
    no_faults(house)


def test_what_was_paid_before_is_said_on_the_face_value_first(house: Database) -> None:
    programme_id = a_programme(house)
    papers_set(house, programme_id=programme_id)
    made = a_billed_order(house, programme_id=programme_id)
    house.write(
        order.record_payment,
        programme_id=programme_id,
        number=made.number,
        cents=20_100,
        bank_reference="VIR 1",
        received_on=NOON.date(),
        actor=TREASURER,
        at=NOON,
    )
    assert [one.content["paid_cents"] for one in invoiced(house, made)] == [20_000, 100]


def test_every_paper_of_a_trading_year_stands_the_rules_of_the_standard_and_of_france(house: Database) -> None:
    programme_id = a_programme(house, use_rule="partial")
    papers_set(house, programme_id=programme_id, vat_due="debits", payment_days=0)
    firm = a_commune(house, programme_id=programme_id, name="Fêtes 🎄 & Cie", siret=None)
    billing_set(house, programme_id=programme_id, buyer_id=firm, email="compta@example.fr", vat_number=VAT_NUMBER)
    commune = a_commune(house, programme_id=programme_id)
    billing_set(house, programme_id=programme_id, buyer_id=commune, service_code="S1", market="M1")
    paid = a_billed_order(house, programme_id=programme_id, buyer_id=commune, upto="paid", purchase_order="EJ 1")
    a_batch(house, paid=paid)
    given_up = a_billed_order(house, programme_id=programme_id, buyer_id=firm, fee_cents=1)
    both = [a_billed_order(house, programme_id=programme_id, buyer_id=one) for one in (firm, commune)]
    papers = invoiced(house, paid) + invoiced(house, given_up)
    papers_set(house, programme_id=programme_id, invoice_form="together")
    for one in both:
        papers += invoiced(house, one)
    cancel_order(house, given_up)
    cancel_order(house, both[0])
    house.write(stop.cancel, programme_id=programme_id, serials=[1], actor=TREASURER, reason="rendu", at=NOON)
    for one in (paid, given_up, both[0]):
        papers += credited(house, one)
    assert len({one.kind for one in papers}) == 6 and len(papers) == 10
    for one in papers:
        level = "extended" if one.kind.startswith("face_value_and_fee") else "en16931"
        found = broken(data_of(house, one), level=level)
        assert [rule for rule in found if not rule.startswith("warning ")] == [], (one.name, found)
    no_faults(house)


# ── What stands against an invoice ───────────────────────────────────────────────────────────────────────────────
def refused(house: Database, made: Order, **more: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        invoiced(house, made, **more)
    assert house.read(archive.listed, programme_id=made.programme_id, kinds=[*invoices.INVOICES]) == []
    return caught.value


def test_refusals_come_in_their_order_and_nothing_is_numbered(house: Database) -> None:
    programme_id = a_programme(house)
    buyer_id = a_commune(house, programme_id=programme_id, siret=None)
    billing_set(house, programme_id=programme_id, buyer_id=buyer_id, chorus_rule="both")
    draft = a_billed_order(house, programme_id=programme_id, buyer_id=buyer_id, upto="draft")
    house.write(lambda session: session.execute(update(issuer).values(siret=None, address="Place sans code")))

    assert isinstance(refused(house, draft, purchase_order="x" * 51), BadInput)
    with pytest.raises(NotFound):
        house.read(invoices.due, programme_id=programme_id, order_number=99)
    assert isinstance(refused(house, draft), OrderState)

    made = a_billed_order(house, programme_id=programme_id, buyer_id=buyer_id)
    short = refused(house, made)
    assert isinstance(short, BillingIncomplete)
    assert short.data["missing"] == "siret, service_code, purchase_order"
    assert "le code service" in short.text() and "the service code" in short.text("en")

    firm = a_billed_order(house, programme_id=programme_id)
    missing = refused(house, firm)
    assert isinstance(missing, IssuerDetailsMissing)
    assert missing.data["missing"] == "siret, town, vat_number"
    no_faults(house)


@pytest.mark.parametrize(
    ("rule", "service_code", "engagement", "missing"),
    [
        ("none", None, None, None),
        ("service", None, "BC 1", "service_code"),
        ("service", "SERV1", None, None),
        ("engagement", "SERV1", None, "purchase_order"),
        ("engagement", None, "BC 1", None),
        ("both", "SERV1", None, "purchase_order"),
        ("either", None, None, "service_code_or_purchase_order"),
        ("either", None, "BC 1", None),
        ("none", None, "B" * 51, "purchase_order_short"),
    ],
)
def test_a_buyer_is_invoiced_with_what_its_structure_demands(
    house: Database, rule: str, service_code: str | None, engagement: str | None, missing: str | None
) -> None:
    programme_id = a_programme(house)
    buyer_id = a_commune(house, programme_id=programme_id)
    billing_set(house, programme_id=programme_id, buyer_id=buyer_id, chorus_rule=rule, service_code=service_code)
    of = {"programme_id": programme_id, "buyer_id": buyer_id, "fee_cents": 0}
    made = a_billed_order(house, purchase_order=engagement, **of)
    if missing is None:
        (paper,) = invoiced(house, made)
        assert (paper.content["service_code"], paper.content["purchase_order"]) == (service_code, engagement)
    else:
        assert refused(house, made).data["missing"] == missing


def test_an_engagement_number_may_come_with_the_invoice(house: Database) -> None:
    programme_id = a_programme(house)
    buyer_id = a_commune(house, programme_id=programme_id)
    billing_set(house, programme_id=programme_id, buyer_id=buyer_id, chorus_rule="engagement")
    made = a_billed_order(house, programme_id=programme_id, buyer_id=buyer_id, fee_cents=0)
    (paper,) = invoiced(house, made, purchase_order="EJ 2026 0042")
    assert paper.content["purchase_order"] == "EJ 2026 0042"


def test_a_firm_without_siret_is_invoiced_to_its_address_for_invoices(house: Database) -> None:
    programme_id = a_programme(house)
    buyer_id = a_commune(house, programme_id=programme_id, name="Association 🎄 Noël", siret=None)
    made = a_billed_order(house, programme_id=programme_id, buyer_id=buyer_id, fee_cents=0)
    assert refused(house, made).data["missing"] == "siret_or_email"
    billing_set(house, programme_id=programme_id, buyer_id=buyer_id, email="compta@noel.example.fr")
    assert len(invoiced(house, made)) == 1


# ── Credit notes ─────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_order_is_invoiced_once_and_credited_whole_once_it_is_cancelled(house: Database) -> None:
    programme_id = a_programme(house)
    papers_set(house, programme_id=programme_id)
    made = a_billed_order(house, programme_id=programme_id)
    with pytest.raises(NotInvoiced):
        credited(house, made)
    first = invoiced(house, made)
    with pytest.raises(AlreadyInvoiced):
        invoiced(house, made)
    with pytest.raises(NothingToCredit):
        credited(house, made)

    cancel_order(house, made)
    with pytest.raises(OrderState):
        invoiced(house, made)
    back = credited(house, made)
    assert [(one.kind, one.corrects, one.cents) for one in back] == [
        ("face_value_credit", first[0].name, -20_000),
        ("fee_credit", first[1].name, -2_880),
    ]
    assert [one.name for one in back] == [f"A{programme_id}-2026-00001", f"A{programme_id}-2026-00002"]
    assert sum(one.cents for one in first + back) == 0
    with pytest.raises(NothingToCredit):
        credited(house, made)
    no_faults(house)


def test_vouchers_cancelled_later_are_credited_by_what_was_left_on_them(house: Database) -> None:
    town = a_town(house, vouchers=6, use_rule="partial")
    programme_id, number = town.programme_id, town.order_number
    billing_set(house, programme_id=programme_id, buyer_id=town.buyer_id, email="compta@example.fr")
    of = {"programme_id": programme_id, "number": number, "actor": TREASURER, "at": NOON}
    house.write(invoicing.issue_invoices, **of)

    town.spend(1, cents=300)
    for serials in ((1, 2), (3,)):
        house.write(
            stop.cancel, programme_id=programme_id, serials=list(serials), actor=TREASURER, reason="rendu", at=NOON
        )
        (note,) = house.write(invoicing.issue_credit_notes, **of)
        assert note.kind == "face_value_credit" and note.corrects == f"T{programme_id}-2026-00001"
    notes = house.read(archive.about, programme_id=programme_id, subjects=[f"order:{number}"])
    assert [one.face_cents for one in notes] == [6_000, -1_700, -1_000]
    with pytest.raises(NothingToCredit):
        house.write(invoicing.issue_credit_notes, **of)
    no_faults(house)


def test_what_was_taken_back_before_the_invoice_is_credited_with_it(house: Database) -> None:
    town = a_town(house, vouchers=3)
    billing_set(house, programme_id=town.programme_id, buyer_id=town.buyer_id, email="compta@example.fr")
    town.cancel(2)
    papers = house.write(
        invoicing.issue_invoices, programme_id=town.programme_id, number=town.order_number, actor=TREASURER, at=NOON
    )
    assert [(one.kind, one.cents) for one in papers] == [("face_value", 3_000), ("face_value_credit", -1_000)]
    no_faults(house)


# ── Numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_eight_at_once_are_numbered_one_after_the_other_without_a_gap(new_house: Callable[[], Database]) -> None:
    house = new_house()
    programme_id = a_programme(house)
    orders = [a_billed_order(house, programme_id=programme_id, fee_cents=0) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda one: invoiced(house, one), orders))
    assert sorted(papers[0].name for papers in made) == [f"T{programme_id}-2026-{n:05d}" for n in range(1, 9)]
    no_faults(house)


def test_one_order_invoiced_by_four_at_once_has_one_invoice(new_house: Callable[[], Database]) -> None:
    house = new_house()
    made = a_billed_order(house, programme_id=a_programme(house), fee_cents=0)

    def tried(_: int) -> str:
        try:
            return invoiced(house, made)[0].name
        except AlreadyInvoiced as refusal:
            return refusal.reason

    with ThreadPoolExecutor(4) as threads:
        answers = sorted(threads.map(tried, range(4)))
    assert answers == [f"T{made.programme_id}-2026-00001", *["already_invoiced"] * 3]


def test_a_paper_that_fails_uses_no_number(house: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    programme_id = a_programme(house)
    papers_set(house, programme_id=programme_id)
    first, second = (a_billed_order(house, programme_id=programme_id) for _ in range(2))
    with monkeypatch.context() as broken:
        made = iter((b"%PDF",))
        broken.setattr(invoicing, "invoice_pdf", lambda *_args, **_named: next(made))
        with pytest.raises(StopIteration):
            invoiced(house, first)
    assert house.read(archive.counted, programme_id=programme_id) == 0
    assert facts_of(house, programme_id=programme_id, kind="invoiced") == []
    assert invoiced(house, second)[0].name.endswith("00001")
    no_faults(house)


def test_a_process_that_is_killed_before_the_commit_leaves_no_number(house: Database, house_url: str) -> None:
    made = a_billed_order(house, programme_id=a_programme(house), fee_cents=0)
    killed = f"""
import os
from datetime import UTC, datetime
from vouchers import invoicing
from vouchers.db import Database
def job(session):
    at = datetime(2026, 11, 20, 11, tzinfo=UTC)
    of = {{"programme_id": {made.programme_id}, "number": {made.number}, "actor": "staff:103", "at": at}}
    assert invoicing.issue_invoices(session, **of)[0].name
    os._exit(9)
Database({house_url!r}).write(job)
"""
    assert subprocess.run([sys.executable, "-c", killed], check=False).returncode == 9
    assert house.read(archive.counted, programme_id=made.programme_id) == 0
    assert invoiced(house, made)[0].name.endswith("-00001")
    no_faults(house)


def test_dates_of_a_series_never_go_back_and_each_year_begins_a_new_one(house: Database) -> None:
    programme_id = a_programme(house)
    orders = [a_billed_order(house, programme_id=programme_id, fee_cents=0) for _ in range(4)]
    instants = (NOON, NOON - timedelta(days=2), NOON + timedelta(days=60), NOON + timedelta(days=59))
    papers = [invoiced(house, one, at=at)[0] for one, at in zip(orders, instants, strict=True)]
    assert [(one.name.partition("-")[2], one.issued_on) for one in papers] == [
        ("2026-00001", date(2026, 11, 20)),
        ("2026-00002", date(2026, 11, 20)),
        ("2027-00001", date(2027, 1, 19)),
        ("2027-00002", date(2027, 1, 19)),
    ]
    no_faults(house)
