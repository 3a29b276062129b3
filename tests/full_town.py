"""A town whose books hold one of everything: every verb that moves money or a voucher has been at work in it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tests.makers import NOON, a_batch, a_buyer, an_order
from tests.outbox import allow, an_outbox, bring
from tests.town import APPROVER, TREASURER, Town, a_town
from vouchers import codes, disputes, expire, ledger, order, seal, stop
from vouchers.db import Database
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


def a_full_town(house: Database) -> FullTown:
    """Two seals, two settlements with a returned transfer, and an open tail. Serials 1-20: 10 €, 21-25: 5 €."""
    town = a_town(house, vouchers=20, shops=3, use_rule="partial", commission_bp=333, lapse_to="breakage")
    programme_id = town.programme_id
    firm = a_buyer(house, programme_id=programme_id, name="Entreprise", exposure_cap_cents=100_000)
    common = {"programme_id": programme_id, "buyer_id": firm}
    signed = an_order(house, upto="accepted", lines=(Line(500, 5),), purchase_order="BC 12", fee_cents=999, **common)
    a_batch(house, paid=signed, size=2, expires_on=date(2026, 12, 1))
    waiting = an_order(house, upto="accepted", lines=(Line(700, 3), Line(900, 1)), purchase_order="BC 13", **common)
    a_batch(house, paid=waiting, upto="issued")
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
    town.approve(town.propose(date(2026, 11, 25), at=at), at=at)
    town.undo(late, at=at)

    at += timedelta(days=10)
    house.write(expire.expire, programme_id=programme_id, limit=100, actor="system", at=at)
    sealed(town, at=at)
    town.spend(16, shop=2, sale_cents=1_001, at=at)
    return FullTown(town, at)
