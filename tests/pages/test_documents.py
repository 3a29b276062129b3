"""Invoices at the desks: what is missing is said and put right, then they are made, sent again the same, taken back."""

import hashlib
from typing import Any

import pytest

from tests.api.doors import V1, Doors, reason
from tests.pages.browsing import Browser, sits_down
from tests.papers import TREASURER, a_billed_order, a_commune
from vouchers import archive, clock, order, verify
from vouchers.order_book import Order


@pytest.fixture
def made(doors: Doors) -> Order:
    """An approved order of a commune, in a programme that was told nothing about papers yet."""
    programme_id = doors.programme(fee_bp=240)
    return a_billed_order(doors.house, programme_id=programme_id)


def at_invoices(made: Order) -> str:
    return f"/p/{made.programme_id}/commandes/{made.number}/factures"


def ready(desk: Browser, made: Order) -> None:
    """The chamber gives its VAT number."""
    settings = desk.open(f"/p/{made.programme_id}/reglages/pieces")
    assert "enregistré" in desk.send(settings, vat_number="FR 40 303265045").notice


def test_what_is_missing_is_said_with_the_way_to_it_and_then_the_order_is_invoiced(doors: Doors, made: Order) -> None:
    desk, home = sits_down(doors, made.programme_id, "treasurer"), f"/p/{made.programme_id}"
    assert "1 commande à facturer" in desk.open(home).text
    assert at_invoices(made) in desk.open(f"{home}/commandes/{made.number}").links()
    page = desk.open(at_invoices(made))
    assert "le numéro de TVA" in page.text and f"{home}/reglages/pieces" in page.links()
    wrong = desk.send(desk.open(f"{home}/reglages/pieces"), vat_number="FR12", payment_days="30")
    assert wrong.status == 422 and "numéro de TVA" in wrong.refusal
    ready(desk, made)

    billing = desk.open(f"{home}/acheteurs/{made.buyer_id}/facturation")
    assert "enregistré" in desk.send(billing, chorus_rule="both", service_code="FINANCES").notice
    page = desk.open(at_invoices(made))
    assert "le numéro d'engagement" in page.text and f"{home}/acheteurs/{made.buyer_id}/facturation" in page.links()
    still = desk.send(page, "/factures")
    assert still.status == 409 and "le numéro d'engagement" in still.refusal
    done = desk.send(still, "/factures", purchase_order="EJ 2026-00417")
    assert "facturée" in done.notice and "200,00 €" in done.text and "28,80 €" in done.text
    assert "EJ 2026-00417" in done.text and "Rien à faire" in done.text
    assert "à facturer" not in desk.open(home).text
    assert doors.house.read(verify.verify) == []


def test_the_second_download_is_the_first_with_the_hash_that_the_page_shows(doors: Doors, made: Order) -> None:
    desk = sits_down(doors, made.programme_id, "treasurer")
    ready(desk, made)
    page = desk.send(desk.open(at_invoices(made)), "/factures")
    files = [link for link in page.links() if "/pieces/" in link]
    assert len(files) == 2
    for link in files:
        first, second = desk.client.get(link), desk.client.get(link)
        assert first.content == second.content and first.headers["content-type"] == "application/pdf"
        digest = hashlib.sha256(first.content).hexdigest()
        assert first.headers["content-digest"].startswith("sha-256=:")
        assert digest in page.text and first.headers["etag"] == f'"{digest}"'
        assert len(first.headers["content-disposition"].split('"')[1]) <= 50
    again = desk.client.get(f"/p/{made.programme_id}/pieces/F9-2026-00001")
    assert again.status_code == 404


def test_a_cancelled_order_asks_for_its_credit_notes(doors: Doors, made: Order) -> None:
    desk, home = sits_down(doors, made.programme_id, "treasurer"), f"/p/{made.programme_id}"
    ready(desk, made)
    desk.send(desk.open(at_invoices(made)), "/factures")
    of: dict[str, Any] = {"programme_id": made.programme_id, "number": made.number}
    doors.house.write(order.cancel, **of, actor=TREASURER, reason="doublon", at=clock.now())
    assert "1 commande dont l'avoir est à établir" in desk.open(home).text
    page = desk.send(desk.open(at_invoices(made)), "/avoirs")
    assert "avoir est établi" in page.notice and "−200,00 €" in page.text
    assert "avoir est à établir" not in desk.open(home).text
    notes = desk.open(f"{home}/pieces?sorte=avoirs")
    assert f"A{made.programme_id}-" in notes.text and f"T{made.programme_id}-2" in notes.text
    assert "Aucune pièce" in desk.open(f"{home}/pieces?sorte=releves").text


def test_a_buyers_clerk_sees_the_papers_of_their_own_buyer_alone(doors: Doors, made: Order) -> None:
    programme_id = made.programme_id
    desk = sits_down(doors, programme_id, "treasurer")
    ready(desk, made)
    desk.send(desk.open(at_invoices(made)), "/factures")
    neighbour = a_commune(doors.house, programme_id=programme_id)
    own = sits_down(doors, programme_id, "buyer_clerk", buyer_id=made.buyer_id)
    other = sits_down(doors, programme_id, "buyer_clerk", buyer_id=neighbour)
    mine = own.open(f"/p/{programme_id}/pieces")
    (file, *_) = [link for link in mine.links() if "/pieces/" in link]
    assert own.client.get(file).status_code == 200
    assert "Aucune pièce" in other.open(f"/p/{programme_id}/pieces").text
    assert other.client.get(file).status_code == 403
    assert not own.open(at_invoices(made)).tree.xpath("//main//form")
    asked = own.open(f"/p/{programme_id}/acheteurs/{made.buyer_id}/facturation")
    assert "enregistré" in own.send(asked, chorus_rule="service", service_code="S1").notice


def test_a_program_invoices_reads_and_credits_the_same_papers(doors: Doors, made: Order) -> None:
    treasurer, at = doors.person(made.programme_id, "treasurer"), f"{V1}/programmes/{made.programme_id}"
    keyed = {"headers": {"Idempotency-Key": "papers"}}
    assert reason(treasurer.post(f"{at}/orders/{made.number}/invoices")) == "issuer_details_missing"
    accounts = {"bank": {"number": "512200", "name": "Banque"}}
    wanted = {"vat_number": "FR40303265045", "accounts": accounts, "letter_signatory": "La présidente"}
    assert treasurer.call("PUT", f"{at}/paper-settings", json=wanted, **keyed).status_code == 200
    assert treasurer.get(f"{at}/paper-settings").json()["accounts"] == {"bank": ["512200", "Banque"]}
    sent = treasurer.call("PUT", f"{at}/buyers/{made.buyer_id}/billing", json={"chorus_rule": "engagement"}, **keyed)
    assert reason(sent) == "key_reused"
    other = {"headers": {"Idempotency-Key": "billing"}}
    treasurer.call("PUT", f"{at}/buyers/{made.buyer_id}/billing", json={"chorus_rule": "engagement"}, **other)
    assert reason(treasurer.post(f"{at}/orders/{made.number}/invoices")) == "billing_incomplete"

    body = {"purchase_order": "EJ 1"}
    first = treasurer.post(f"{at}/orders/{made.number}/invoices", body, key="invoice")
    again = treasurer.post(f"{at}/orders/{made.number}/invoices", body, key="invoice")
    assert first.status_code == 201 and first.json() == again.json()
    names = [one["name"] for one in first.json()["items"]]
    assert [one["name"] for one in treasurer.get(f"{at}/documents?limit=1").json()["items"]] == names[-1:]
    assert treasurer.get(f"{at}/documents?limit=1").json()["next"] == 1
    fees = treasurer.get(f"{at}/documents?kind=fee").json()["items"]
    assert [one["sha256"] for one in fees] == [
        hashlib.sha256(treasurer.get(f"{at}/documents/{names[1]}").content).hexdigest()
    ]
    assert reason(treasurer.post(f"{at}/orders/{made.number}/credit-notes")) == "nothing_to_credit"
    assert doors.house.read(archive.counted, programme_id=made.programme_id) == 2
