"""The archive: a paper is kept once, found by whose it is, and its file never changes."""

import hashlib
from typing import Any

import pytest
import sqlalchemy as sa

from tests.makers import NOON, a_merchant, a_programme, facts_of
from tests.papers import TREASURER, a_billed_order, a_commune, billing_set, invoiced, papers_set
from vouchers import archive, billing, paper_settings
from vouchers.db import Database
from vouchers.errors import BadInput, NotFound
from vouchers.paper_settings import Billing, PaperSettings
from vouchers.tables import document

OF: dict[str, Any] = {"actor": TREASURER, "at": NOON}


def kept(house: Database, programme_id: int, name: str, **more: Any) -> archive.Document:
    told: dict[str, Any] = {
        "kind": "statement",
        "subject": "programme:1",
        "file_name": f"{name}.pdf",
        "file": b"%PDF-1",
    }
    return house.write(archive.keep, programme_id=programme_id, named=name, **OF, **(told | more))


# ── Papers ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_paper_made_a_second_time_is_the_first_one(house: Database) -> None:
    programme_id = a_programme(house)
    first = kept(house, programme_id, "releve-1", file=b"first")
    again = kept(house, programme_id, "releve-1", file=b"second")
    assert again == first and house.read(archive.counted, programme_id=programme_id) == 1
    assert house.read(archive.file_of, programme_id=programme_id, name="releve-1") == b"first"
    digest = hashlib.sha256(b"first").hexdigest()
    assert facts_of(house, programme_id=programme_id, kind="document_made") == [("programme:1", f"releve-1 {digest}")]


def test_no_paper_can_be_changed_or_thrown_away(house: Database) -> None:
    kept(house, a_programme(house), "releve-1")
    for statement in (document.update().values(file=b"other"), document.delete()):
        with pytest.raises(sa.exc.DBAPIError):
            house.write(lambda session, wanted=statement: session.execute(wanted))


def test_papers_are_listed_by_whose_they_are_and_of_what_kind(house: Database) -> None:
    programme_id = a_programme(house)
    buyer_id, merchant_id = a_commune(house, programme_id=programme_id), a_merchant(house, programme_id=programme_id)
    kept(house, programme_id, "a", buyer_id=buyer_id)
    kept(house, programme_id, "b", merchant_id=merchant_id)
    kept(house, programme_id, "c", kind="dossier")

    def names(**of: Any) -> list[str]:
        return [one.name for one in house.read(archive.listed, programme_id=programme_id, **of)]

    assert names() == ["c", "b", "a"]
    assert names(buyer_ids=[buyer_id], merchant_ids=[]) == ["a"]
    assert names(buyer_ids=[], merchant_ids=[merchant_id]) == ["b"]
    assert names(buyer_ids=[], merchant_ids=[]) == []
    assert names(kinds=["dossier"]) == ["c"]
    assert names(offset=1, limit=1) == ["b"]
    with pytest.raises(NotFound):
        house.read(archive.find, programme_id=a_programme(house), name="a")


# ── Settings ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_papers_follow_what_was_set_and_the_books_its_accounts(house: Database) -> None:
    programme_id = a_programme(house)
    accounts = {"bank": ("512200", "Banque des chèques"), "fee": ("706100", "Frais de gestion des acheteurs")}
    kept_settings = papers_set(house, programme_id=programme_id, payment_days=45, accounts=accounts)
    assert kept_settings.accounts == {"bank": ("512200", "Banque des chèques")}, "what the chart says is not kept"
    assert house.read(paper_settings.settings_of, programme_id=programme_id) == kept_settings
    numbers = house.read(paper_settings.account_numbers, programme_id=programme_id)
    assert numbers["bank"][0] == "512200" and numbers["float"][0] == "468120"

    papers_set(house, programme_id=programme_id, payment_days=45, accounts=accounts)
    said = facts_of(house, programme_id=programme_id, kind="paper_settings_set")
    assert [reason for _, reason in said] == ["apart collection 45 100000000 FR40303265045 bank=512200"]
    paper = invoiced(house, a_billed_order(house, programme_id=programme_id, fee_cents=0))[0]
    assert paper.content["due_on"] == "2027-01-04"


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("vat_number", "FR00303265045", "not_a_vat_number"),
        ("payment_days", 61, "range"),
        ("invoice_form", "mixed", "one_of"),
        ("face_value_bar", "B2X", "one_of"),
        ("threshold_cents", 0, "amount_range"),
        ("late_terms", " ", "length"),
        ("recovery_terms", "x" * 401, "length"),
        ("seller_form", "CCI \u202e", "hidden_characters"),
        ("seller_postcode", "1417", "not_a_postcode"),
        ("seller_street", "1 rue du Port", "missing"),
        ("letter_text", "Bonjour {personne}", "unknown_word"),
        ("accounts", {"cash": ("530000", "Caisse")}, "one_of"),
        ("accounts", {"bank": ("51", "Banque")}, "not_an_account"),
        ("accounts", {"bank": ("812000", "Banque")}, "not_an_account"),
        ("accounts", {"bank": ("468120", "Banque")}, "account_named_twice"),
        ("accounts", {"bank": ("512100", "\u200b")}, "nothing_legible"),
    ],
)
def test_what_no_paper_can_carry_is_refused(house: Database, field: str, value: Any, problem: str) -> None:
    programme_id = a_programme(house)
    with pytest.raises(BadInput) as caught:
        papers_set(house, programme_id=programme_id, **{field: value})
    assert caught.value.data["problem"] == problem
    assert house.read(paper_settings.settings_of, programme_id=programme_id) == PaperSettings()
    assert caught.value.text() and caught.value.text("en")


def test_what_a_buyer_asks_for_is_set_once_and_its_email_stays_out_of_the_journal(house: Database) -> None:
    programme_id = a_programme(house)
    buyer_id = a_commune(house, programme_id=programme_id)
    wanted = {"chorus_rule": "service", "service_code": " SERV 1 ", "email": "Compta@Example.fr"}
    for _ in range(2):
        billing_set(house, programme_id=programme_id, buyer_id=buyer_id, **wanted)
    assert house.read(paper_settings.billing_of, programme_id=programme_id, buyer_id=buyer_id) == Billing(
        "service", "SERV 1", None, None, "compta@example.fr"
    )
    said = facts_of(house, programme_id=programme_id, kind="billing_set")
    assert said == [(f"buyer:{buyer_id}", "service · SERV 1 · - · -")]


def test_a_buyer_of_another_programme_and_codes_that_cannot_be_are_refused(house: Database) -> None:
    programme_id = a_programme(house)
    buyer_id = a_commune(house, programme_id=programme_id)
    for field, value in (("chorus_rule", "all"), ("service_code", "x" * 51), ("email", "x"), ("vat_number", "12")):
        with pytest.raises(BadInput):
            billing_set(house, programme_id=programme_id, buyer_id=buyer_id, **{field: value})
    with pytest.raises(NotFound):
        house.write(
            billing.set_billing, programme_id=a_programme(house), buyer_id=buyer_id, wanted=Billing("service"), **OF
        )
