"""What the desks of the demonstration find: what the programme says of itself, who applied, what is on a list."""

import json
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from vouchers import (
    applications,
    bank_accounts,
    billing,
    clock,
    demo_elders,
    demo_town,
    hold,
    list_check,
    opening,
    order,
    order_book,
    people,
    recipient_lists,
    recipients,
    remit,
    set_up,
    shop_profiles,
    terms,
)
from vouchers.db import Database, WriteSession
from vouchers.demo_cast import Cast
from vouchers.list_check import Check, Matching, Row
from vouchers.order_book import Order
from vouchers.paper import table_file
from vouchers.paper_settings import Billing, PaperSettings
from vouchers.rules import Terms
from vouchers.shop_card import Payee, Shop, Told
from vouchers.shop_profiles import Place

EACH: Final = 4
"""Vouchers that each elder receives."""
_OUTLINE: Final = (
    # Drawn by hand around the four communes: of nobody's map.
    (-0.30, 48.86), (-0.12, 48.84), (0.05, 48.90), (0.22, 48.95), (0.25, 49.05), (0.10, 49.10), (-0.05, 49.14),
    (-0.18, 49.09), (-0.28, 48.98), (-0.30, 48.86),
)  # fmt: skip
_TERMS: Final = Terms(
    face_values=(500, 1_000, 2_000),
    rhythm="monthly",
    legal_wording="Accepté par les seuls commerçants affiliés, sur présentation de l’original.",
    colour="#1f6f5c",
    outline=json.dumps({"type": "Polygon", "coordinates": [_OUTLINE]}, separators=(",", ":")),
)
_NEWCOMERS: Final = 2


def say_terms(house: Database, *, cast: Cast, at: datetime) -> None:
    """What is sold, printed and shown, and what invoices need."""
    doing: dict[str, Any] = {"programme_id": cast.programme_id, "actor": cast.actor("trésorier"), "at": at}
    house.write(terms.set_terms, **doing, terms=_TERMS)
    settings = PaperSettings(seller_form="Établissement public", vat_number=demo_town.vat_number(18_140_001))
    house.write(billing.set_paper_settings, **doing, settings=settings)
    asked = Billing(chorus_rule="both", service_code="AINES")
    house.write(billing.set_billing, **doing, buyer_id=cast.buyer_id, wanted=asked)


def set_profiles(house: Database, *, cast: Cast, chance: Random, at: datetime) -> None:
    """Where each shop stands and when it is open; all have signed, but the last."""
    programme_id, actor = cast.programme_id, cast.actor("trésorier")
    for till in cast.tills:
        enrolled = house.read(people.find_merchant, programme_id=programme_id, merchant_id=till.merchant_id)
        card = demo_town.profile(trade=enrolled.trade, commune=enrolled.commune, chance=chance)
        of = {"programme_id": programme_id, "merchant_id": till.merchant_id}
        told = _told(card)
        house.write(shop_profiles.set_profile, **of, told=told, actor=actor, at=at)
        place = Place(card.latitude_e6, card.longitude_e6)
        house.write(shop_profiles.set_place, **of, place=place, actor=actor, at=at)
        if till is not cast.tills[-1]:
            signed = clock.book_day(at)
            house.write(shop_profiles.record_convention, **of, signed_on=signed, actor=actor, at=at)


def order_for_elders(house: Database, *, cast: Cast, vouchers: int, euros: int, chance: Random, at: datetime) -> Order:
    """The clerk brings the list of the town's elders, looks at those who bear one name, and makes an order of it."""
    elders = demo_elders.elders(vouchers // EACH, quantity=EACH, euros=euros, chance=chance)
    list_id, check = _brought(house, cast=cast, name="Aînés 2026", content=demo_elders.as_file(elders), at=at)
    known = house.read(recipient_lists.find, programme_id=cast.programme_id, list_id=list_id)
    clerk = cast.actor("agente de la commune")

    def ordered(session: WriteSession) -> Order:
        made = order.draft(
            session,
            programme_id=cast.programme_id,
            buyer_id=cast.buyer_id,
            lines=[order_book.Line(*total) for total in check.totals],
            fee_cents=None,
            purchase_order="BC-2026-0417",
            actor=clerk,
            at=at,
        )
        recipient_lists.order(
            session,
            programme_id=cast.programme_id,
            list_id=list_id,
            checked=check,
            seen_at=known.changed_at,
            order_number=made.number,
            actor=clerk,
            at=at,
        )
        return made

    return house.write(ordered)


def give_out(house: Database, *, cast: Cast, order_number: int, at: datetime) -> None:
    """Who receives which voucher."""
    clerk = cast.actor("agente de la commune")
    house.write(recipients.assign, programme_id=cast.programme_id, order_number=order_number, actor=clerk, at=at)


def leave_work(house: Database, *, cast: Cast, chance: Random, at: datetime) -> None:
    """What waits for somebody today, at each desk."""
    programme_id = cast.programme_id
    for rank in range(_NEWCOMERS):
        _apply(house, programme_id=programme_id, rank=rank, chance=chance, at=at - timedelta(hours=30 - rank))
    moved = cast.tills[3]
    house.write(
        bank_accounts.ask_account,
        programme_id=programme_id,
        merchant_id=moved.merchant_id,
        account_holder="SARL du Marché",
        iban=demo_town.iban(chance),
        actor=cast.actor("trésorier"),
        at=at - timedelta(hours=5),
    )
    _order_again(house, cast=cast, at=at)
    _leave_at_the_chamber(house, cast=cast, at=at)
    few = demo_elders.elders(40, quantity=2, euros=10, chance=chance)
    few[7] = few[7]._replace(postcode="1417")
    few[12] = few[12]._replace(last_name="")
    few.append(few[3]._replace(last_name=few[3].last_name.upper(), first_name=few[3].first_name.upper()))
    _bring(house, cast=cast, name="Nouveaux arrivants", content=demo_elders.as_file(few), at=at - timedelta(hours=2))


def _order_again(house: Database, *, cast: Cast, at: datetime) -> None:
    """One order is paid and waits for its vouchers, one waits for a second signature, one is not finished."""
    agreed = _placed(house, cast=cast, line=order_book.Line(1_000, 50), hours=50, at=at)
    _paid(house, cast=cast, order_number=agreed, at=at)
    _placed(house, cast=cast, line=order_book.Line(2_000, 60), hours=3, at=at)
    _drafted(house, cast=cast, line=order_book.Line(500, 40), at=at - timedelta(hours=1))


def _drafted(house: Database, *, cast: Cast, line: order_book.Line, at: datetime) -> int:
    made = house.write(
        order.draft,
        programme_id=cast.programme_id,
        buyer_id=cast.buyer_id,
        lines=[line],
        fee_cents=None,
        purchase_order=f"BC-2026-05{line.quantity}",
        actor=cast.actor("agente de la commune"),
        at=at,
    )
    return made.number


def _placed(house: Database, *, cast: Cast, line: order_book.Line, hours: int, at: datetime) -> int:
    then = at - timedelta(hours=hours)
    number = _drafted(house, cast=cast, line=line, at=then)
    clerk = cast.actor("agente de la commune")
    house.write(order.place, programme_id=cast.programme_id, number=number, actor=clerk, at=then)
    return number


def _paid(house: Database, *, cast: Cast, order_number: int, at: datetime) -> None:
    approver, treasurer = cast.actor("adjoint de la commune"), cast.actor("trésorier")
    agreed = house.write(
        order.approve,
        programme_id=cast.programme_id,
        number=order_number,
        actor=approver,
        at=at - timedelta(hours=49),
    )
    house.write(
        order.record_payment,
        programme_id=cast.programme_id,
        number=order_number,
        cents=agreed.total_cents,
        bank_reference=agreed.rf_reference,
        received_on=clock.book_day(at),
        actor=treasurer,
        at=at - timedelta(minutes=90),
    )


def _leave_at_the_chamber(house: Database, *, cast: Cast, at: datetime) -> None:
    """An envelope is open on the table, a shop's money is kept back, and next spring's programme is being written."""
    treasurer, administrator = cast.actor("trésorier"), cast.actor("administratrice")
    programme_id = cast.programme_id
    house.write(
        remit.open_remittance,
        programme_id=programme_id,
        merchant_id=cast.tills[5].merchant_id,
        slip_count=12,
        slip_cents=12_000,
        spent_on=clock.book_day(at) - timedelta(days=2),
        actor=treasurer,
        at=at - timedelta(minutes=40),
    )
    house.write(
        hold.lay,
        programme_id=programme_id,
        merchant_id=cast.tills[8].merchant_id,
        of_posting=None,
        because="le commerce vérifie une vente qu'il ne reconnaît pas",
        actor=treasurer,
        at=at - timedelta(minutes=30),
    )
    set_up_id = house.write(set_up.begin, programme_id=programme_id, actor=administrator, at=at - timedelta(days=1))
    house.write(
        set_up.answer,
        programme_id=programme_id,
        set_up_id=set_up_id,
        step="target",
        values={
            "name": "Printemps au Pays d'Auge",
            "target_cents": 4_000_000,
            "host": "cheques.example.fr",
            "shops_url": "https://cheques.example.fr/commerces",
        },
        actor=administrator,
        at=at - timedelta(days=1),
    )


def _told(card: demo_town.Profile) -> Told:
    return Told(
        street=card.street,
        postcode=card.postcode,
        phone=card.phone,
        email=None,
        contact_name=None,
        website=None,
        about=None,
        hours=opening.parse(card.hours),
    )


def _apply(house: Database, *, programme_id: int, rank: int, chance: Random, at: datetime) -> None:
    name, trade = (("Les Ateliers de Jeanne", "Mercerie"), ("Cidrerie du Lavoir", "Cave"))[rank]
    shop = Shop(
        legal_name=f"SARL {name}",
        shop_name=name,
        siret=demo_town.siret(81_000_000 + rank, establishment=1),
        trade=trade,
        commune=demo_town.COMMUNES[0],
    )
    told = Told(
        street="3 rue du Lavoir",
        postcode="14170",
        phone="02 31 20 14 58",
        email=f"contact{rank}@demo.example",
        contact_name="Jeanne Toutain",
        website=None,
        about="Ouvert depuis 1987, au pied de l'abbatiale.",
        hours=opening.parse("Du mardi au samedi : 9h-12h30, 14h-19h"),
    )
    payee = Payee(account_holder=f"SARL {name}"[:70], iban=demo_town.iban(chance))
    house.write(applications.receive, programme_id=programme_id, shop=shop, told=told, payee=payee, photo=None, at=at)


def _bring(house: Database, *, cast: Cast, name: str, content: bytes, at: datetime) -> int:
    table = table_file.read(content, name=f"{name}.csv")
    rows = [Row(line, cells) for line, cells in zip(table.lines, table.rows, strict=True)]
    of = {"programme_id": cast.programme_id}
    list_id = house.write(
        recipient_lists.bring,
        **of,
        buyer_id=cast.buyer_id,
        name=name,
        header=table.header,
        rows=rows,
        actor=cast.actor("agente de la commune"),
        at=at,
    )
    columns = list_check.guessed(table.header)
    house.write(recipient_lists.match, **of, list_id=list_id, columns=columns, face_cents=None, quantity=None, at=at)
    return list_id


def _brought(house: Database, *, cast: Cast, name: str, content: bytes, at: datetime) -> tuple[int, Check]:
    """A list on which everybody who shares a name with another was looked at and kept."""
    list_id = _bring(house, cast=cast, name=name, content=content, at=at)
    alike = [double.line for double in _checked(house, cast=cast, list_id=list_id).doubles]
    house.write(recipient_lists.decide, programme_id=cast.programme_id, list_id=list_id, keep=alike, at=at)
    return list_id, _checked(house, cast=cast, list_id=list_id)


def _checked(house: Database, *, cast: Cast, list_id: int) -> Check:
    known = house.read(recipient_lists.find, programme_id=cast.programme_id, list_id=list_id)
    sold = house.read(recipient_lists.sold, programme_id=cast.programme_id)
    matching: Matching = known.matching
    return list_check.check(known.header, known.rows, matching, sold=sold)
