"""What the papers of a run need before they can be made: the issuer's VAT number, a shop's address and e-mail."""

from dataclasses import replace

from tests.makers import NOON
from tests.town import TREASURER, Town
from vouchers import billing, opening, shop_profiles
from vouchers.paper_settings import settings_of
from vouchers.shop_card import Told

VAT_NUMBER = "FR83404833048"


def able_to_invoice(town: Town) -> None:
    """The chamber tells its VAT number."""
    known = town.house.read(settings_of, programme_id=town.programme_id)
    told = replace(known, vat_number=VAT_NUMBER)
    town.house.write(
        billing.set_paper_settings, programme_id=town.programme_id, settings=told, actor=TREASURER, at=NOON
    )


def a_profile(town: Town, shop: int, *, email: str | None) -> None:
    """A shop tells its address, and where to write to."""
    town.house.write(
        shop_profiles.set_profile,
        programme_id=town.programme_id,
        merchant_id=town.merchants[shop],
        told=Told("1 rue du Lavoir", "50480", None, email, None, None, None, opening.UNKNOWN),
        actor=TREASURER,
        at=NOON,
    )
