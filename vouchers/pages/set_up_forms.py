"""What stands in the forms of a programme's rules and terms, read: one function a step, each refusing `BadInput`."""

import re
from collections.abc import Callable
from typing import Any, Final

from vouchers.errors import BadInput
from vouchers.founding import LEAST_FACE_CENTS, MOST_FACE_CENTS
from vouchers.money import cents_from_text
from vouchers.pages.forms import Typed
from vouchers.paper import logo, outline

_BETWEEN: Final = re.compile(r"[;/\n]|,\s|\s+et\s+|\s+")


def cents_listed(typed: Typed, name: str) -> tuple[int, ...]:
    """Amounts typed one after another ('5, 10 et 20 €', '12,50; 25'), in cents; empty: none."""
    found = []
    for part in _BETWEEN.split(typed.optional(name) or ""):
        plain = part.strip(" ,.€\u00a0\u202f")
        if not plain:
            continue
        cents = cents_from_text(plain)
        if cents is None:
            raise BadInput(field=name, problem="not_an_amount")
        if not LEAST_FACE_CENTS <= cents <= MOST_FACE_CENTS:
            raise BadInput(field=name, problem="amount_range", least_cents=LEAST_FACE_CENTS, most_cents=MOST_FACE_CENTS)
        found.append(cents)
    return tuple(found)


def logo_of(typed: Typed) -> bytes | None:
    """The picture that was sent, drawn anew and small; None where none was."""
    sent = typed.upload("logo")
    return None if sent is None else logo.small(sent.content)


def outline_of(typed: Typed) -> str | None:
    """The outline that was sent, as one geometry; None where none was."""
    sent = typed.upload("outline")
    return None if sent is None else outline.read(sent.content)


def offline_of(typed: Typed) -> dict[str, Any]:
    """Whether tills accept without network, and within which caps. The age of a list is typed in hours."""
    if typed.choice("allowed", ("yes", "no")) == "no":
        return {"allowed": False}
    return {
        "allowed": True,
        "till_count": typed.whole("till_count"),
        "till_cents": typed.cents("till_cents"),
        "programme_count": typed.whole("programme_count"),
        "programme_cents": typed.cents("programme_cents"),
        "max_age_minutes": typed.whole("hours", least=1, most=24) * 60,
        "guarantee_cents": typed.cents("guarantee_cents"),
    }


def _issuer(typed: Typed) -> dict[str, Any]:
    named = {name: typed.text(name) for name in ("name", "address")}
    others = {name: typed.optional(name) for name in ("siret", "account_holder", "iban", "bic")}
    return {**named, **others, "contact": typed.optional("contact") or ""}


def _target(typed: Typed) -> dict[str, Any]:
    return {
        "name": typed.text("name"),
        "target_cents": typed.cents("target_cents"),
        "host": typed.text("host"),
        "shops_url": typed.text("shops_url"),
    }


def _dates(typed: Typed) -> dict[str, Any]:
    return {name: typed.day(name) for name in ("starts_on", "expires_on", "presentation_deadline_on")}


def _vouchers(typed: Typed) -> dict[str, Any]:
    return {
        "face_values": cents_listed(typed, "face_values"),
        "use_rule": typed.text("use_rule"),
        "reversal_window_minutes": typed.whole("reversal_window_minutes"),
    }


def _money(typed: Typed) -> dict[str, Any]:
    rates = {name: typed.basis_points(name) for name in ("commission_bp", "fee_bp", "vat_bp")}
    return {**rates, "rhythm": typed.text("rhythm"), "lapse_to": typed.text("lapse_to")}


def _look(typed: Typed) -> dict[str, Any]:
    return {"legal_wording": typed.optional("legal_wording") or "", "colour": typed.text("colour")}


READ: Final[dict[str, Callable[[Typed], dict[str, Any]]]] = {
    "issuer": _issuer,
    "target": _target,
    "dates": _dates,
    "vouchers": _vouchers,
    "money": _money,
    "offline": offline_of,
    "look": _look,
}
"""By the step of `set_up.STEPS`."""
