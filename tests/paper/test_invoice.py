"""Invoices and credit notes: held against every rule there is a program for, read back, and refused when half right."""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import facturx
import pikepdf
import pypdfium2
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.paper.rules_of_invoices import broken
from vouchers.money import share_of
from vouchers.paper.epc_qr import epc_text
from vouchers.paper.factur_x import FILE_NAME, invoice_pdf, invoice_xml, level_of, schema_faults
from vouchers.paper.invoice import (
    Address,
    Invoice,
    InvoiceDoesNotAdd,
    InvoiceFieldWrong,
    InvoiceRefused,
    Kind,
    Line,
    Mentions,
    MixedInvoice,
    NothingToInvoice,
    Party,
    Payment,
    Preceding,
    References,
    address_of,
)
from vouchers.paper.pdf_a_audit import audit

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
KINDS: tuple[Kind, ...] = ("face_value", "fee", "face_value_and_fee", "commission")
RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
FACE = (Line("Chèques cadeaux de 10 €", 2_000, 1_000, None), Line("Chèques cadeaux de 20 €", 1_000, 2_000, None))
FEE = (Line("Frais de gestion, 1 % de la valeur faciale", 1, 40_000, 2_000),)
COMMISSION = (Line("Commission de 5 % sur 1 234,50 € de chèques acceptés", 1, 6_173, 2_000),)
SELLER = Party(
    "CCI Seine Estuaire",
    Address(("181 quai Frissard",), "76600", "Le Havre"),
    siret="13002178700019",
    vat_id="FR44130021787",
    about="Établissement public administratif de l’État",
)
TOWN = Party(
    "Commune de Saint-Pierre-en-Auge",
    address_of(("Hôtel de ville", "Place du Marché", "14170 SAINT-PIERRE-EN-AUGE")),
    siret="20006582100015",
    vat_id="FR35200065821",
)
SHOP = Party("SARL Œuvre & Fils", address_of(("3 rue de l’Église", "14170 SAINT-PIERRE-EN-AUGE")), "35600000000048")
PAYMENT = Payment("FR76 3000 6000 0112 3456 7890 189", "CCI Seine Estuaire", "AGRIFRPPXXX", "RF741C000042")
REFERENCES = References("CCAS-01", "EJ2026-004512", "2026-M-17", "42", date(2026, 11, 20))


def an_invoice(kind: Kind = "face_value", **other: Any) -> Invoice:
    """One of each kind; its sums follow its lines, unless told."""
    lines = other.pop("lines", {"face_value": FACE, "fee": FEE, "commission": COMMISSION}.get(kind, FACE + FEE))
    rates = {line.vat_bp for line in lines if line.vat_bp is not None}
    vat = sum(share_of(sum(line.cents for line in lines if line.vat_bp == rate), basis_points=rate) for rate in rates)
    values: dict[str, Any] = {
        "kind": kind,
        "number": "F-2026-00042",
        "issued_on": date(2026, 11, 22),
        "due_on": date(2026, 12, 22),
        "seller": SELLER,
        "buyer": TOWN,
        "lines": lines,
        "vat_cents": vat,
        "total_cents": sum(line.cents for line in lines) + vat,
        "programme": "Chèques de Noël des aînés",
        "payment": PAYMENT,
        "references": REFERENCES,
    }
    if kind == "commission":
        values |= {
            "buyer": SHOP,
            "payment": None,
            "due_on": date(2026, 11, 22),
            "paid_cents": values["total_cents"],
            "paid_how": "Montant compensé sur le règlement n° 12",
            "references": References(period=(date(2026, 11, 1), date(2026, 11, 15))),
            "mentions": Mentions(payment_terms="Payée par compensation.", vat_on_debits=True),
        }
    return Invoice(**values | other)


def a_credit_note(kind: Kind) -> Invoice:
    before = an_invoice(kind)
    preceding = Preceding(before.number, before.issued_on)
    return an_invoice(
        kind,
        number="A-2026-00003",
        credit_of=preceding,
        payment=None,
        paid_cents=0,
        paid_how="",
        reason="La commande n° 42 est annulée.",
        mentions=Mentions(payment_terms="À rembourser par virement."),
    )


def pages_text(pdf: bytes) -> list[str]:
    """The text of each page, spaces made plain."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [" ".join(page.get_textpage().get_text_bounded().split()) for page in document]
    finally:
        document.close()


def first(xml: bytes, path: str) -> str | None:
    return etree.fromstring(xml).findtext(".//" + "/".join(RAM + step for step in path.split("/")))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("of", [an_invoice, a_credit_note])
def test_every_kind_of_document_keeps_the_european_and_the_french_rules(
    of: Callable[[Kind], Invoice], kind: Kind
) -> None:
    invoice = of(kind)
    warned = ["warning BR-FXEXT-O-08rev"] if kind == "face_value_and_fee" else []
    assert broken(invoice_xml(invoice), level=level_of(invoice)) == warned
    pdf = invoice_pdf(invoice, made_at=AT)
    assert audit(pdf) == []
    assert pdf == invoice_pdf(of(kind), made_at=AT)


def test_the_xml_taken_out_of_the_pdf_is_the_one_that_was_checked() -> None:
    invoice = an_invoice("fee")
    pdf = invoice_pdf(invoice, made_at=AT)
    assert facturx.get_xml_from_pdf(pdf, check_xsd=True, check_schematron=False) == (FILE_NAME, invoice_xml(invoice))
    with pikepdf.open(io.BytesIO(pdf)) as file, file.open_metadata() as said:
        assert said["{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}ConformanceLevel"] == "EN 16931"
        assert str(file.Root.AF[0].AFRelationship) == "/Alternative"


def _changed(kind: Kind, change: Callable[[etree._Element], object]) -> bytes:
    tree = etree.fromstring(invoice_xml(an_invoice(kind)))
    change(tree)
    return bytes(etree.tostring(tree))


def _sellers_vat_number(tree: etree._Element) -> None:
    seller = tree.find(f".//{RAM}SellerTradeParty")
    number = etree.SubElement(etree.SubElement(seller, f"{RAM}SpecifiedTaxRegistration"), f"{RAM}ID", schemeID="VA")
    number.text = "FR44130021787"


def _as_en_16931(tree: etree._Element) -> None:
    tree.find(f".//{RAM}GuidelineSpecifiedDocumentContextParameter/{RAM}ID").text = "urn:cen.eu:en16931:2017"


def _exempt_beside_taxed(tree: etree._Element) -> None:
    """What is out of scope said to be exempt: it passes, and is not what it is in law."""
    _as_en_16931(tree)
    for category in tree.iter(f"{RAM}CategoryCode"):
        if category.text == "O":
            category.text = "E"
            if (code := category.getnext()) is not None:
                code.getparent().remove(code)
            etree.SubElement(category.getparent(), f"{RAM}RateApplicablePercent").text = "0"


def _without_note(code: str) -> Callable[[etree._Element], object]:
    def change(tree: etree._Element) -> None:
        for note in tree.iter(f"{RAM}IncludedNote"):
            if note.findtext(f"{RAM}SubjectCode") == code:
                note.getparent().remove(note)
                return

    return change


def _said(path: str, text: str) -> Callable[[etree._Element], object]:
    def change(tree: etree._Element) -> None:
        tree.find(".//" + "/".join(RAM + step for step in path.split("/"))).text = text

    return change


def _without(path: str) -> Callable[[etree._Element], object]:
    def change(tree: etree._Element) -> None:
        found = tree.find(".//" + "/".join(RAM + step for step in path.split("/")))
        found.getparent().remove(found)

    return change


@pytest.mark.parametrize(
    ("kind", "change", "level", "rules"),
    [
        ("face_value", _sellers_vat_number, "en16931", ["BR-O-02"]),
        ("face_value_and_fee", _as_en_16931, "en16931", ["BR-O-02", "BR-O-11", "BR-O-12"]),
        ("face_value_and_fee", _exempt_beside_taxed, "en16931", []),
        ("fee", _without("SellerTradeParty/SpecifiedTaxRegistration"), "en16931", ["BR-S-02"]),
        ("fee", _said("GrandTotalAmount", "480.01"), "en16931", ["BR-CO-15", "BR-CO-16"]),
        ("fee", _without_note("PMT"), "en16931", ["BR-FR-05_BT-22_PMT"]),
        ("fee", _said("BusinessProcessSpecifiedDocumentContextParameter/ID", "S9"), "en16931", None),
        ("fee", _said("BuyerTradeParty/GlobalID", "13002178700019"), "en16931", ["BR-FR-09_BT-46"]),
        ("fee", _without("BuyerTradeParty/URIUniversalCommunication"), "en16931", ["BR-FR-12_BT-49", "BR-FR-21_BT-49"]),
    ],
)
def test_a_combination_that_the_rules_forbid_is_found_by_its_own_rule(
    kind: Kind, change: Callable[[etree._Element], object], level: str, rules: list[str] | None
) -> None:
    found = broken(_changed(kind, change), level=level)
    if rules is None:
        assert found
    else:
        assert sorted(set(found)) == rules


def test_a_document_at_face_value_shows_no_vat_number_and_says_why_it_bears_none() -> None:
    invoice = an_invoice("face_value")
    xml = invoice_xml(invoice)
    assert b"SpecifiedTaxRegistration" not in xml
    assert first(xml, "ApplicableTradeTax/ExemptionReason") == invoice.mentions.out_of_scope
    [page] = pages_text(invoice_pdf(invoice, made_at=AT))
    assert "hors du champ de la TVA" in page and invoice.mentions.out_of_scope in page and "FR44" not in page


def test_the_page_says_what_the_xml_says_and_what_chorus_pro_wants() -> None:
    xml, [page] = invoice_xml(an_invoice("fee")), pages_text(invoice_pdf(an_invoice("fee"), made_at=AT))
    assert first(xml, "BuyerReference") == "CCAS-01" and "CCAS-01" in page
    assert first(xml, "BuyerOrderReferencedDocument/IssuerAssignedID") == "EJ2026-004512" and "EJ2026-004512" in page
    assert first(xml, "ContractReferencedDocument/IssuerAssignedID") == "2026-M-17" and "2026-M-17" in page
    assert first(xml, "PaymentReference") == "RF741C000042" and "RF74 1C00 0042" in page
    assert first(xml, "IBANID") == "FR7630006000011234567890189" and "FR76 3000 6000 0112" in page
    assert first(xml, "GrandTotalAmount") == "480.00" and "480,00 €" in page and "TVA 20 % 80,00 €" in page


@pytest.mark.parametrize("kind", ["face_value", "fee", "face_value_and_fee", "commission"])
def test_what_is_sold_is_said_to_be_a_service_and_a_voucher_at_face_value_is_not(kind: Kind) -> None:
    said = " ".join(pages_text(invoice_pdf(an_invoice(kind), made_at=AT)))
    assert ("Catégorie de l’opération : prestation de services." in said) == (kind in {"fee", "commission"})
    assert ("pour les frais de gestion : prestation de services." in said) == (kind == "face_value_and_fee")


def test_a_commission_kept_from_the_settlement_leaves_nothing_to_pay() -> None:
    invoice = an_invoice("commission")
    xml, [page] = invoice_xml(invoice), pages_text(invoice_pdf(invoice, made_at=AT))
    # 61.73 at 20 % is 12.346: half up, once.
    assert (first(xml, "TaxTotalAmount"), first(xml, "TotalPrepaidAmount")) == ("12.35", "74.08")
    assert first(xml, "DuePayableAmount") == "0.00"
    assert "Montant compensé sur le règlement n° 12 −74,08 €" in page and "Reste à payer 0,00 €" in page
    assert "Option pour le paiement de la taxe d’après les débits." in page and "IBAN" not in page


def test_a_credit_note_names_the_invoice_it_takes_back() -> None:
    note = a_credit_note("face_value")
    xml, [page] = invoice_xml(note), pages_text(invoice_pdf(note, made_at=AT))
    assert first(xml, "InvoiceReferencedDocument/IssuerAssignedID") == "F-2026-00042"
    assert "AVOIR" in page and "sur la facture n° F-2026-00042 du 22 novembre 2026" in page
    assert "La commande n° 42 est annulée." in page


def test_the_bank_code_on_the_page_fills_in_the_transfer() -> None:
    pdf = pypdfium2.PdfDocument(invoice_pdf(an_invoice("fee"), made_at=AT))
    try:
        [code] = zxingcpp.read_barcodes(pdf[0].render(scale=150 / 72).to_pil())
    finally:
        pdf.close()
    assert code.ec_level == "M"
    assert code.text.split("\n") == [
        *("BCD", "002", "1", "SCT", "AGRIFRPPXXX", "CCI Seine Estuaire", "FR7630006000011234567890189", "EUR480.00"),
        *("", "RF741C000042"),
    ]


def test_a_bank_code_is_refused_rather_than_wrong() -> None:
    good: dict[str, Any] = {"holder": "É" * 90, "iban": PAYMENT.iban, "cents": 1}
    assert epc_text(**good).split("\n")[5] == "É" * 70
    for wrong in ({"iban": "FR76"}, {"cents": 0}, {"holder": "\u200b"}, {"rf_reference": "42"}, {"bic": "CCI"}):
        with pytest.raises(ValueError, match=r"wanted|form|11649"):
            epc_text(**good | wrong)


def test_hundreds_of_lines_flow_over_pages_that_carry_their_sum() -> None:
    lines = tuple(
        Line(f"Chèques de la rue n° {number}, enveloppe nominative", 1, number, None) for number in range(1, 201)
    )
    pages = pages_text(invoice_pdf(an_invoice(lines=lines), made_at=AT))
    assert len(pages) > 5 and all(f"Page {n}/{len(pages)}" in page for n, page in enumerate(pages, start=1))
    carried = [re.findall(r"(?:À reporter|Report de la page précédente) ([0-9 ]+,[0-9]{2})", page) for page in pages]
    assert [page[-1] for page in carried[:-1]] == [page[0] for page in carried[1:]]
    assert "Total à payer 201,00 €" in pages[-1] and all("Total à payer" not in page for page in pages[:-1])
    said = re.findall(r"rue n° ([0-9]+),", " ".join(pages))
    assert [int(number) for number in said] == list(range(1, 201))


def test_names_with_emoji_and_control_characters_give_a_right_document() -> None:
    name = "Œuvre 🎄 & <Fils>\x00\x1b\u202e\ud800 Śaint-Łukasz"
    invoice = an_invoice("commission", buyer=replace(SHOP, name=name), lines=(Line("Lot\x07 n° 1 🎁", 1, 100, 2_000),))
    xml = invoice_xml(invoice)
    assert first(xml, "BuyerTradeParty/Name") == "Œuvre 🎄 & <Fils> Śaint-Łukasz"
    assert broken(xml, level="en16931") == []
    [page] = pages_text(invoice_pdf(invoice, made_at=AT))
    assert "Œuvre & <Fils> Śaint-Łukasz" in page


def test_a_name_too_long_for_the_window_is_whole_elsewhere_on_the_page() -> None:
    name = "Centre communal d’action sociale de la commune nouvelle de Saint-Pierre-en-Auge et de ses treize communes"
    crowded = Address(("Madame la Présidente", "Escalier B", "Bâtiment C", "Place du Marché"), "14170", "SAINT-PIERRE")
    invoice = an_invoice("fee", buyer=replace(TOWN, name=name, address=crowded))
    [page] = pages_text(invoice_pdf(invoice, made_at=AT))
    assert f"Client : {name}" in page
    assert first(invoice_xml(invoice), "BuyerTradeParty/PostalTradeAddress/LineThree") == "Bâtiment C, Place du Marché"


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (("3 rue Haute", "14170 SAINT-PIERRE"), Address(("3 rue Haute",), "14170", "SAINT-PIERRE")),
        (("BP 12", "F-76067 Le Havre Cedex", "FRANCE"), Address(("BP 12",), "76067", "Le Havre Cedex")),
        (("14170\u00a0Saint-Pierre",), Address((), "14170", "Saint-Pierre")),
        (("Lieu-dit les 4 Vents", ""), Address(("Lieu-dit les 4 Vents",))),
        ((), Address()),
    ],
)
def test_free_lines_give_up_their_postcode_and_town(lines: tuple[str, ...], address: Address) -> None:
    assert address_of(lines) == address


def _wrong() -> Iterator[tuple[type[InvoiceRefused], Kind, dict[str, Any]]]:
    free = (Line("Frais de gestion", 1, 0, 2_000),)
    yield NothingToInvoice, "fee", {"lines": free}
    yield MixedInvoice, "fee", {"lines": FACE + FEE}
    yield MixedInvoice, "face_value", {"lines": FACE + FEE}
    yield MixedInvoice, "face_value_and_fee", {"lines": FACE}
    yield InvoiceDoesNotAdd, "fee", {"vat_cents": 8_001}
    yield InvoiceDoesNotAdd, "fee", {"total_cents": 48_001}
    yield InvoiceDoesNotAdd, "commission", {"paid_cents": 7_409}
    for field, value in {
        "number": "F 2026/é",
        "due_on": date(2026, 11, 21),
        "issued_on": date(1999, 11, 22),
        "seller": replace(SELLER, siret="130021787"),
        "buyer": replace(TOWN, siret=None),
        "lines": (),
        "references": References(purchase_order="E" * 51),
        "mentions": Mentions(discount=" "),
        "credit_of": Preceding("", date(2026, 11, 1)),
    }.items():
        yield InvoiceFieldWrong, "fee", {field: value}
    yield InvoiceFieldWrong, "fee", {"number": "9" * 36}
    yield InvoiceFieldWrong, "fee", {"seller": replace(SELLER, vat_id=None)}
    yield InvoiceFieldWrong, "fee", {"buyer": replace(TOWN, name="\u200b")}
    yield InvoiceFieldWrong, "fee", {"buyer": replace(TOWN, address=Address(country="France"))}
    yield InvoiceFieldWrong, "fee", {"paid_cents": 1}
    yield InvoiceFieldWrong, "fee", {"lines": (Line("Remise", -1, 100, 2_000),)}


@pytest.mark.parametrize(("refusal", "kind", "other"), list(_wrong()))
def test_what_is_half_right_is_refused_and_nothing_is_made(
    refusal: type[InvoiceRefused], kind: Kind, other: dict[str, Any]
) -> None:
    with pytest.raises(refusal):
        an_invoice(kind, **other)


def test_the_schema_bites_on_a_sum_that_is_no_number_and_on_a_party_left_out() -> None:
    assert schema_faults(invoice_xml(an_invoice("fee")), level="en16931") == []
    no_number = _changed("fee", _said("GrandTotalAmount", "480,00 €"))
    assert any("480,00 €" in fault for fault in schema_faults(no_number, level="en16931"))
    assert schema_faults(_changed("fee", _without("SellerTradeParty")), level="en16931")


def test_a_buyer_without_a_number_of_its_own_gets_it_by_mail() -> None:
    invoice = an_invoice("fee", buyer=replace(TOWN, siret=None, vat_id=None, email="comite@example.org"))
    xml = invoice_xml(invoice)
    assert first(xml, "BuyerTradeParty/URIUniversalCommunication/URIID") == "comite@example.org"
    assert broken(xml, level="en16931") == []


_LINES = st.lists(
    st.builds(Line, st.just("Service"), st.integers(1, 9_999), st.integers(1, 99_999), st.sampled_from([2_000, 550])),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(lines=_LINES)
def test_the_sums_of_the_xml_are_those_of_any_lines(lines: list[Line]) -> None:
    invoice = an_invoice("fee", lines=tuple(lines))
    tree = etree.fromstring(invoice_xml(invoice))

    def cents(tag: str) -> list[int]:
        return [int((one.text or "").replace(".", "")) for one in tree.iter(RAM + tag)]

    net = sum(line.quantity * line.unit_cents for line in lines)
    assert sum(cents("LineTotalAmount")[:-1]) == net == sum(cents("BasisAmount")) == cents("TaxBasisTotalAmount")[0]
    assert sum(cents("CalculatedAmount")) == cents("TaxTotalAmount")[0] == invoice.vat_cents
    assert cents("GrandTotalAmount") == cents("DuePayableAmount") == [net + invoice.vat_cents]
