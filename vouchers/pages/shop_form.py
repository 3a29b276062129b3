"""The fields of a shop's form, as the public, the desk and the shop itself fill them in."""

from typing import Final

from vouchers import opening, shop_card
from vouchers.api.shapes import masked
from vouchers.opening import Hours
from vouchers.pages.forms import Typed
from vouchers.pages.language import Language
from vouchers.paper.photo import shop_photo

OTHER_TRADE: Final = "*"
"""The choice of the form that means: none of these, typed beside."""
_FIELDS: Final = (*shop_card.CHECKS, *opening.FIELDS)


def typed_fields(typed: Typed) -> dict[str, str | None]:
    """What was typed of a shop; a trade that is not in the list is typed beside it."""
    given = {field: typed.optional(field) for field in _FIELDS}
    if given["trade"] in {None, OTHER_TRADE}:
        given["trade"] = typed.optional("trade_other")
    return given


def photo_bytes(typed: Typed) -> bytes | None:
    """The photo that was sent, drawn anew; None for none. Refuses `BadInput`. Takes a moment: not on the loop."""
    sent = typed.upload("photo")
    return None if sent is None else shop_photo(sent.content)


def week_lines(hours: Hours, language: Language) -> list[str]:
    """A week in the language of the page."""
    return opening.lines_en(hours) if language == "en" else opening.lines_fr(hours)


def week_typed(hours: Hours) -> list[str]:
    """A week to be typed over."""
    return [opening.day_typed(day) for day in hours.days]


def iban_shown(iban: str, *, whole: bool) -> str:
    """An account for the chamber, in groups of four as on a bank's paper; masked for everybody else."""
    return " ".join(iban[at : at + 4] for at in range(0, len(iban), 4)) if whole else masked(iban)
