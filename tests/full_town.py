"""A town whose books hold one of everything: every verb that moves money or a voucher has been at work in it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tests.makers import NOON, a_batch, a_buyer, an_order
from tests.outbox import allow, an_outbox, bring
from tests.papers import VAT_NUMBER, a_billed_order, billing_set, credited, invoiced, papers_set
from tests.pile import a_pile, closed, pass_paper
from tests.town import APPROVER, TREASURER, Town, a_town
from vouchers import (
    codes,
    disputes,
    expire,
    hold,
    invoicing,
    ledger,
    list_check,
    order,
    recipient_lists,
    recipients,
    run_papers,
    seal,
    stop,
)
from vouchers.db import Database
from vouchers.list_check import Matching, Row, Sold
from vouchers.order_book import Line
from vouchers.seal import Seal

TO_BE_SPENT = 12
"""A voucher of 10 € that is still whole."""


@dataclass(frozen=True, slots=True)
class FullTown:
    """The town, and the instant after all that happened in it."""

    town: Town
    at: datetime


def sealed(town: Town, *, at: datetime) -> Seal | None:
    """Sealed, and every balance kept, as the house does it."""
    upto = town.house.write(ledger.watermark, programme_id=town.programme_id)
    made = town.house.write(seal.seal, programme_id=town.programme_id, upto_journal=upto, at=at)
    town.house.write(ledger.snapshot, programme_id=town.programme_id, upto_journal=upto)
    return made


def without_network(town: Town, *, at: datetime) -> None:
    """What shop 0 accepted: 19 is redeemed, 20 was spent elsewhere and is guaranteed, one is no voucher: dismissed."""
    allow(town, at=at)
    outbox = an_outbox(town, at=at)
    minute = at + timedelta(minutes=1)
    town.spend(20, shop=1, at=minute)
    for code in (town.secrets[19].code, town.secrets[20].code, codes.new_code()):
        bring(town, outbox, outbox.accept(code, at=minute), at=minute)
    dismissed = {"number": 2, "decision": "dismiss", "reason": "inconnu"}
    town.house.write(disputes.decide, programme_id=town.programme_id, actor=TREASURER, at=minute, **dismissed)


def held_back(town: Town, *, at: datetime) -> None:
    """Shop 2 was held for a while; what 22 gave shop 1 still is."""
    of = {"programme_id": town.programme_id, "actor": TREASURER, "at": at}
    sale = town.spend(22, shop=1, at=at)
    shop_2, shop_1 = town.merchants[2], town.merchants[1]
    town.house.write(hold.lay, merchant_id=shop_2, of_posting=None, because="vérification", **of)
    town.house.write(hold.release, number=1, because="tout est en ordre", **of)
    town.house.write(hold.lay, merchant_id=shop_1, of_posting=(sale, 1), because="chèque douteux", **of)


def by_post(town: Town, *, at: datetime) -> None:
    """Shop 1 posted 21, and 1 which was spent before."""
    pile = a_pile(town, shop=1, slip=(2, 2_000), at=at)
    for serial in (21, 1):
        pass_paper(town, pile, serial, at=at)
    closed(town, pile, "un chèque déjà utilisé", at=at)


def by_list(town: Town, *, at: datetime) -> None:
    """The first order was made from a list: one person has 1 to 20, another 21 and 22."""
    of = {"programme_id": town.programme_id, "actor": TREASURER, "at": at}
    header, rows = ("Nom", "Nombre"), [Row(2, ("Zola", "20")), Row(3, ("Arc", "2"))]
    list_id = town.house.write(
        recipient_lists.bring, buyer_id=town.buyer_id, name="Aînés", header=header, rows=rows, **of
    )
    matched = Matching(list_check.guessed(header), face_cents=1_000)
    checked = list_check.check(header, rows, matched, sold=Sold((), 100, 25_000))
    town.house.write(
        recipient_lists.order,
        list_id=list_id,
        checked=checked,
        seen_at=at,
        order_number=town.order_number,
        **of,
    )
    town.house.write(recipients.assign, order_number=town.order_number, **of)


def on_paper(town: Town, *, at: datetime) -> None:
    """An order with two invoices, cancelled since; of the first order, one voucher was taken back."""
    of = {"programme_id": town.programme_id}
    papers_set(town.house, **of, accounts={"bank": ("512200", "Banque des chèques")})
    wanted = {"service_code": "S1", "market": "M1", "vat_number": VAT_NUMBER, "email": "compta@example.fr"}
    billing_set(town.house, **of, buyer_id=town.buyer_id, **wanted)
    given_up = a_billed_order(town.house, **of, buyer_id=town.buyer_id)
    invoiced(town.house, given_up, at=at)
    cancel = {"number": given_up.number, "actor": TREASURER, "reason": "doublon", "at": at}
    town.house.write(order.cancel, **of, **cancel)
    credited(town.house, given_up, at=at)
    town.house.write(invoicing.issue_invoices, **of, number=town.order_number, actor=TREASURER, at=at)
    run_papers.make_papers(town.house, **of, number=1, actor=TREASURER, now=lambda: at)


def a_full_town(house: Database) -> FullTown:
    """Two seals, two settlements with a returned transfer and a hold, paper by post, and an open tail.

    Serials 1-22: 10 €, 23-27: 5 €. The first batch was extended beyond the programme's presentation deadline, so that
    the second can lapse alone.
    """
    last = date(2026, 12, 1)
    rules = {"commission_bp": 333, "lapse_to": "breakage", "expires_on": last, "presentation_deadline_on": last}
    town = a_town(house, vouchers=22, shops=3, use_rule="partial", **rules)
    programme_id = town.programme_id
    of_batch = {"batch_number": town.batch_number, "to_on": date(2027, 6, 30), "actor": TREASURER, "at": NOON}
    house.write(expire.extend, programme_id=programme_id, **of_batch)
    by_list(town, at=NOON)
    firm = a_buyer(house, programme_id=programme_id, name="Entreprise", exposure_cap_cents=100_000)
    common = {"programme_id": programme_id, "buyer_id": firm}
    signed = an_order(house, upto="accepted", lines=(Line(500, 5),), purchase_order="BC 12", fee_cents=999, **common)
    a_batch(house, paid=signed, size=2, expires_on=date(2026, 12, 1))
    waiting = an_order(house, upto="accepted", lines=(Line(700, 3), Line(900, 1)), purchase_order="BC 13", **common)
    a_batch(house, paid=waiting, upto="issued", expires_on=date(2027, 6, 30))
    an_order(house, upto="placed", **common)
    given_up = an_order(house, lines=(Line(3_000, 2),), fee_cents=500, **common)
    house.write(
        order.cancel, programme_id=programme_id, number=given_up.number, actor=TREASURER, reason="doublon", at=NOON
    )

    an_order(house, fee_cents=400, **common)

    at = NOON + timedelta(hours=1)
    town.spend(1, 2, 3, sale_cents=4_550, at=at)
    town.undo(town.spend(4, 5, sale_cents=2_000, at=at), at=at)
    town.undo(town.spend(6, 7, shop=1, sale_cents=6_000, at=at), 7, at=at)
    town.spend(17, shop=1, cents=777, at=at)
    town.spend(18, shop=2, at=at)
    town.scan(1, at=at)
    sealed(town, at=at)

    at += timedelta(days=1)
    town.block(8, at=at)
    town.block(9, at=at)
    house.write(stop.unblock, programme_id=programme_id, serials=[9], actor=TREASURER, reason="retrouvé", at=at)
    town.cancel(10, at=at)
    town.replace(11, at=at)
    new = town.replace(17, at=at)
    house.write(stop.activate_replacements, programme_id=programme_id, serials=[new], actor=APPROVER, at=at)
    first = town.export(town.approve(town.propose(date(2026, 11, 20), at=at), at=at), at=at)
    town.returned(first, 1, at=at)
    town.execute(first, at=at)

    at += timedelta(days=4)
    town.spend(13, 14, at=at)
    late = town.spend(15, shop=2, sale_cents=1_500, at=at)
    town.spend(new, shop=1, cents=23, at=at)
    without_network(town, at=at)
    held_back(town, at=at)
    by_post(town, at=at)
    on_paper(town, at=at)
    town.approve(town.propose(date(2026, 11, 25), at=at), at=at)
    town.undo(late, at=at)

    at += timedelta(days=10)
    house.write(expire.expire, programme_id=programme_id, limit=100, actor="system", at=at)
    sealed(town, at=at)
    town.spend(16, shop=2, sale_cents=1_001, at=at)
    return FullTown(town, at)
