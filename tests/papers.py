"""What invoices need in a test: a chamber with a VAT number, a commune with a SIRET, and the acts that make papers."""

import itertools
from typing import Any, Final

from tests.makers import NOON, a_siret, an_order
from vouchers import billing, invoicing, people
from vouchers.archive import Document
from vouchers.db import Database
from vouchers.order_book import Line, Order
from vouchers.paper_settings import Billing, PaperSettings

TREASURER: Final = "staff:103"
VAT_NUMBER: Final = "FR40303265045"
_communes = itertools.count(1)


def papers_set(house: Database, *, programme_id: int, **settings: Any) -> PaperSettings:
    """The chamber's settings, with a VAT number unless told otherwise."""
    wanted = PaperSettings(**{"vat_number": VAT_NUMBER, **settings})
    return house.write(billing.set_paper_settings, programme_id=programme_id, settings=wanted, actor=TREASURER, at=NOON)


def billing_set(house: Database, *, programme_id: int, buyer_id: int, **wanted: Any) -> Billing:
    """What the buyer's accountant wants."""
    return house.write(
        billing.set_billing,
        programme_id=programme_id,
        buyer_id=buyer_id,
        wanted=Billing(**wanted),
        actor=TREASURER,
        at=NOON,
    )


def a_commune(
    house: Database, *, programme_id: int, name: str | None = None, siret: str | None = "", **more: Any
) -> int:
    """A buyer with a SIRET, unless told None; gives its id."""
    return house.write(
        people.enrol_buyer,
        programme_id=programme_id,
        name=name or f"Commune de Sainte-Mère {next(_communes)}",
        address="Mairie\n2 rue de l'Église\n50480 Sainte-Mère",
        siret=a_siret() if siret == "" else siret,
        actor="system",
        at=NOON,
        **more,
    )


def a_billed_order(
    house: Database,
    *,
    programme_id: int,
    buyer_id: int | None = None,
    lines: tuple[Line, ...] = (Line(1_000, 10), Line(2_000, 5)),
    fee_cents: int = 2_400,
    upto: str = "approved",
    **more: Any,
) -> Order:
    """An order that can be invoiced: 100 € in tens and 100 € in twenties, a fee of 24 € and its VAT."""
    buyer = buyer_id or a_commune(house, programme_id=programme_id)
    of = {"programme_id": programme_id, "buyer_id": buyer, "upto": upto}
    return an_order(house, lines=lines, fee_cents=fee_cents, **of, **more)


def invoiced(house: Database, order: Order, **more: Any) -> list[Document]:
    """The treasurer invoices an order."""
    of: dict[str, Any] = {"programme_id": order.programme_id, "number": order.number, "actor": TREASURER, "at": NOON}
    return house.write(invoicing.issue_invoices, **(of | more))


def credited(house: Database, order: Order, **more: Any) -> list[Document]:
    """The treasurer takes back what is to be."""
    of: dict[str, Any] = {"programme_id": order.programme_id, "number": order.number, "actor": TREASURER, "at": NOON}
    return house.write(invoicing.issue_credit_notes, **(of | more))
