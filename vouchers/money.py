"""Euros are whole cents, always. The only room where money is divided, rounded or written.

Rates are basis points (1 % = 100). VAT and commission round half up to the cent, once, on the total they apply
to; what must be spread over lines is shared so that the parts sum to the whole.
"""

import re
from typing import Final, NamedTuple

MAX_CENTS: Final = 99_999_999_999
"""Largest amount the books accept, 999 999 999.99 €: the ceiling of one SEPA transfer."""

_NNBSP: Final = "\N{NARROW NO-BREAK SPACE}"
_NBSP: Final = "\N{NO-BREAK SPACE}"
_MINUS: Final = "\N{MINUS SIGN}"
_TYPED_EUROS = re.compile(r"([0-9]{1,9})(?:[.,]([0-9]{1,2}))?", re.ASCII)
_DECIMAL_EUROS = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,2})0*)?", re.ASCII)


class Commission(NamedTuple):
    """What the issuer keeps of a gross amount; `gross_cents == commission + vat + net`."""

    gross_cents: int
    commission_cents: int
    vat_cents: int
    net_cents: int


def share_of(cents: int, *, basis_points: int) -> int:
    """`basis_points` of `cents`, half a cent rounded away from zero."""
    twice = 2 * abs(cents) * basis_points
    rounded = (twice + 10_000) // 20_000
    return rounded if cents >= 0 else -rounded


def commission_on(gross_cents: int, *, commission_bp: int, vat_bp: int) -> Commission:
    """Commission before VAT (`commission_bp` of the gross), VAT on it, and the net due to the merchant.

    Symmetric: a gross of -x gives exactly the opposite of a gross of x, so that a counter-entry undoes it.
    """
    commission = share_of(gross_cents, basis_points=commission_bp)
    vat = share_of(commission, basis_points=vat_bp)
    return Commission(gross_cents, commission, vat, gross_cents - commission - vat)


def pieces(cents: int, *, face_cents: int) -> int | None:
    """How many whole pieces of `face_cents` (> 0) make `cents`; None where they do not come out even."""
    count, rest = divmod(cents, face_cents)
    return count if rest == 0 else None


def whole_percent(cents: int, *, of_cents: int) -> int:
    """How many whole percent of `of_cents` (> 0) `cents` are; never more than there are, 0 below zero."""
    return max(0, cents * 100 // of_cents)


def is_whole_euros(cents: int) -> bool:
    """Whether nothing stands after the decimal point."""
    return cents % 100 == 0


def cents_from_text(text: str) -> int | None:
    """Cents of a typed amount such as '12', '12,5' or '12.50'; None when it is not one (no sign, no spaces)."""
    typed = _TYPED_EUROS.fullmatch(text)
    if typed is None:
        return None
    return int(typed[1]) * 100 + int((typed[2] or "0").ljust(2, "0"))


def cents_from_decimal(text: str) -> int | None:
    """Cents of an amount as machines write it: '12', '12.5', '12.500'; None when it is none, or not whole cents."""
    written = _DECIMAL_EUROS.fullmatch(text)
    if written is None:
        return None
    return int(written[1]) * 100 + int((written[2] or "0").ljust(2, "0"))


def euros_plain(cents: int) -> str:
    """For machines: '1234.50', '-0.05'."""
    euros, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{euros}.{rest:02d}"


def euros_csv_fr(cents: int) -> str:
    """For a French spreadsheet: '1234,50'."""
    return euros_plain(cents).replace(".", ",")


def euros_fr(cents: int) -> str:
    """As the French write it: '−1 234,50 €', thousands by U+202F, U+00A0 before the euro, U+2212 below zero."""
    euros, rest = divmod(abs(cents), 100)
    grouped = f"{euros:,}".replace(",", _NNBSP)
    return f"{_MINUS if cents < 0 else ''}{grouped},{rest:02d}{_NBSP}€"


def count_fr(count: int) -> str:
    """How many, as the French write it: '4 000', thousands by U+202F."""
    return f"{count:,}".replace(",", _NNBSP)


def euros_en(cents: int) -> str:
    """As the English write it: '−€1,234.50'."""
    euros, rest = divmod(abs(cents), 100)
    return f"{_MINUS if cents < 0 else ''}€{euros:,}.{rest:02d}"


def face_value_fr(cents: int) -> str:
    """A face value in large type: '10 €' when whole, else '12,50 €'."""
    euros, rest = divmod(cents, 100)
    return euros_fr(cents) if rest else f"{euros:,}".replace(",", _NNBSP) + f"{_NBSP}€"


def percent_fr(basis_points: int) -> str:
    """A rate: '5 %', '5,25 %'."""
    whole, rest = divmod(basis_points, 100)
    decimals = f",{rest:02d}".rstrip("0") if rest else ""
    return f"{whole}{decimals}{_NBSP}%"


def percent_plain(basis_points: int) -> str:
    """A rate for machines: '20', '5.5'."""
    whole, rest = divmod(basis_points, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".")
