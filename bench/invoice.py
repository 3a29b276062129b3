"""How fast invoices are made, and made with every rule checked, against a bare page: `python -m bench.invoice`.

The bare page is the naive way: the same words drawn with reportlab in a font of the reader, no XML, no archive format,
nothing checked. Ours and it are measured in turn in one run, as invoices a second; the ratio is the median of the
rounds. One JSON line each: `invoice_made` (pages, XML, its schema, PDF/A-3b and its audit), `invoice_rules_checked`
(that, and the schematrons of EN 16931 and of the French reform), and `invoice_against_the_library`, whose baseline is
the bare page with the XML put in by `facturx`, its schema read anew for each: no archive format either, and no audit.
"""

import argparse
import io
import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, date, datetime

import facturx
from reportlab.pdfgen.canvas import Canvas

from tests.paper.rules_of_invoices import broken
from vouchers.money import euros_fr, share_of
from vouchers.paper.factur_x import invoice_pdf, invoice_xml, level_of
from vouchers.paper.invoice import Address, Invoice, Line, Party, Payment, References

MADE_AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
SELLER = Party(
    "CCI du Pays d’Œuvre",
    Address(("1 place du Marché",), "16000", "Exempleville"),
    siret="13002178700019",
    vat_id="FR44130021787",
)
BUYER = Party(
    "Commune de Saint-Brice", Address(("Place de la Mairie",), "16100", "Saint-Brice"), siret="20006582100015"
)


def an_invoice(number: int) -> Invoice:
    fee_cents = 40_000 + number
    vat_cents = share_of(fee_cents, basis_points=2_000)
    return Invoice(
        kind="fee",
        number=f"F-2026-{number:05d}",
        issued_on=date(2026, 11, 22),
        due_on=date(2026, 12, 22),
        seller=SELLER,
        buyer=BUYER,
        lines=(Line("Frais de gestion de la commande", 1, fee_cents, 2_000),),
        vat_cents=vat_cents,
        total_cents=fee_cents + vat_cents,
        programme="Chèques cadeaux du Pays d’Œuvre",
        payment=Payment("FR7630006000011234567890189", SELLER.name, rf_reference="RF741C000042"),
        references=References("CCAS-01", "EJ2026-004512", order_number=str(number), delivered_on=date(2026, 11, 20)),
    )


def bare_page(invoice: Invoice) -> bytes:
    """A page of words, as most scripts do it."""
    out = io.BytesIO()
    canvas = Canvas(out, pageCompression=1)
    parties = (f"{party.name} {' '.join(party.address.printed)}" for party in (invoice.seller, invoice.buyer))
    sums = (invoice.net_cents, invoice.vat_cents, invoice.total_cents)
    words = [f"Facture n° {invoice.number}", *parties, invoice.programme, *(line.label for line in invoice.lines)]
    said = invoice.mentions
    words += [*map(euros_fr, sums), said.payment_terms, said.late_penalties, said.recovery_costs, said.discount]
    for row, text in enumerate(words):
        canvas.drawString(50, 780 - 16 * row, text)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def naive(quantity: int) -> None:
    for number in range(quantity):
        bare_page(an_invoice(number))


def by_the_library(quantity: int) -> None:
    for number in range(quantity):
        invoice = an_invoice(number)
        facturx.generate_from_binary(bare_page(invoice), invoice_xml(invoice), level=level_of(invoice))


def made(quantity: int) -> None:
    for number in range(quantity):
        invoice_pdf(an_invoice(number), made_at=MADE_AT)


def checked(quantity: int) -> None:
    for number in range(quantity):
        invoice = an_invoice(number)
        invoice_pdf(invoice, made_at=MADE_AT)
        assert broken(invoice_xml(invoice), level=level_of(invoice)) == []


def invoices_a_second(way: Callable[[int], None], quantity: int) -> float:
    began = time.perf_counter()
    way(quantity)
    return quantity / (time.perf_counter() - began)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--quick", action="store_true")
    quantity, rounds = (20, 1) if asked.parse_args().quick else (100, 5)
    # Schemas, stylesheets and fonts are read once in the life of a process, before anything is measured.
    checked(1)
    by_the_library(1)
    for name, way, other in (
        ("invoice_made", made, naive),
        ("invoice_rules_checked", checked, naive),
        ("invoice_against_the_library", made, by_the_library),
    ):
        pairs = [(invoices_a_second(way, quantity), invoices_a_second(other, quantity)) for _ in range(rounds)]
        ours, baseline = (statistics.median(side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(one / bare for one, bare in pairs)
        line = {"name": name, "ours": round(ours, 1), "baseline": round(baseline, 1), "ratio": round(ratio, 3)}
        print(json.dumps(line | {"unit": "invoices/s"}), flush=True)


if __name__ == "__main__":
    main()
