"""Which order a transfer pays: rules alone, no database and no clock. The treasurer has the last word.

Public accountants retype references, in groups, with an O for a zero, between other words; so a reference is looked
for without its spaces and signs. It is never guessed: the whole of it must stand there, check digits included. An
amount alone is no proof at all: several buyers order the same thing.

The words of our own files are read back here too: which settlement a returned transfer was, which run a debit paid.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from stdnum import iso11649

from vouchers.identity import unaccented

Sureness = Literal["certain", "likely", "unknown"]
Reason = Literal["rf", "reference", "invoice", "purchase_order", "amount_and_name"]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A transfer received: cents > 0. `rf`: its structured reference. `name`: who paid, or for whom."""

    cents: int
    rf: str | None
    text: str
    name: str


@dataclass(frozen=True, slots=True)
class Owing:
    """An order that a transfer may pay; `owed_cents` is 0 or less where it is paid already, and may be named still."""

    order_number: int
    rf_reference: str
    invoice_numbers: tuple[str, ...]
    purchase_order: str | None
    buyer_name: str
    owed_cents: int


@dataclass(frozen=True, slots=True)
class Match:
    """`certain` may be booked by itself; `likely` the treasurer confirms; `unknown` the treasurer finds.

    `named`: the orders it is about. `allotment`: (order, cents), whose sum is the transfer; empty where the money does
    not say how it is shared out. `difference_cents`: the transfer less what its orders owe; above zero overpaid, below
    zero a part payment.
    """

    sureness: Sureness
    reason: Reason | None
    named: tuple[int, ...]
    allotment: tuple[tuple[int, int], ...]
    difference_cents: int

    @property
    def overpaid(self) -> bool:
        """Whether more came than the orders owe."""
        return bool(self.allotment) and self.difference_cents > 0


UNKNOWN: Final = Match("unknown", None, (), (), 0)

_LEAST_SIGNS: Final = 4
"""Of an invoice's or a purchase order's number: a shorter one stands in any text by chance."""


def match(line: Incoming, open_orders: Sequence[Owing]) -> Match:
    """The order or orders that `line` pays, by the first of these rules that finds any:

    its structured reference; references in its text; invoice numbers in its text; a purchase order's number in its
    text; the amount together with the name. Certain is only one order, named by its reference and by nothing else, that
    owes exactly what came. Several orders named are allotted what they owe, where that adds up to what came. Whoever
    quotes a valid reference that is no order's here is not guessed at by amount and name.
    """
    if line.cents <= 0:
        return UNKNOWN
    written = _Written(line.text)
    structured = _without_signs(line.rf or "")
    by_rf = [order for order in open_orders if _retyped(_without_signs(order.rf_reference)) == _retyped(structured)]
    by_reference = [order for order in open_orders if written.holds_reference(order.rf_reference)]
    by_invoice = [order for order in open_orders if any(map(written.holds_number, order.invoice_numbers))]
    named = _once([*by_rf, *by_reference, *by_invoice])
    if named:
        reason: Reason = "rf" if by_rf else "reference" if by_reference else "invoice"
        return _allotted(line.cents, named, reason=reason, by_itself=reason != "invoice")
    by_purchase = [
        order for order in open_orders if order.purchase_order and written.holds_number(order.purchase_order)
    ]
    if by_purchase:
        return _allotted(line.cents, by_purchase, reason="purchase_order", by_itself=False)
    if iso11649.is_valid(structured) or written.references():
        return UNKNOWN
    alike = [order for order in open_orders if order.owed_cents == line.cents and _names_alike(line, order.buyer_name)]
    if len(alike) == 1:
        return _allotted(line.cents, alike, reason="amount_and_name", by_itself=False)
    return UNKNOWN


def _once(orders: Iterable[Owing]) -> list[Owing]:
    return list({order.order_number: order for order in orders}.values())


def _allotted(cents: int, orders: Sequence[Owing], *, reason: Reason, by_itself: bool) -> Match:
    """`by_itself`: whether an exact amount makes it certain. Too much on one order goes to it whole."""
    owed = sum(order.owed_cents for order in orders)
    named = tuple(order.order_number for order in orders)
    if len(orders) == 1:
        sure: Sureness = "certain" if by_itself and owed == cents else "likely"
        return Match(sure, reason, named, ((named[0], cents),), cents - owed)
    adds_up = owed == cents and all(order.owed_cents > 0 for order in orders)
    shares = tuple((order.order_number, order.owed_cents) for order in orders) if adds_up else ()
    return Match("likely", reason, named, shares, cents - owed)


# ── What a text holds ────────────────────────────────────────────────────────────────────────────────────────────
_NOT_SIGNS = re.compile(r"[^A-Z0-9]+")
_REFERENCE = re.compile(r"(?<![A-Z0-9])R[^A-Z0-9]*F(?:[^A-Z0-9]*[0-9O]){2}(?:[^A-Z0-9]*[A-Z0-9]){1,21}")


def _folded(text: str) -> str:
    """Upper case without accents."""
    return unaccented(text).upper()


@lru_cache(maxsize=8_192)
def _without_signs(text: str) -> str:
    """Kept for the next line of the statement: the same few numbers are looked for in each."""
    return _NOT_SIGNS.sub("", _folded(text))


def _retyped(text: str) -> str:
    """One writing for what is taken for the same: the letter O and zero."""
    return text.replace("O", "0")


class _Written:
    """A payer's text, in which references and numbers are looked for however they were spaced out."""

    def __init__(self, text: str) -> None:
        self._text = _folded(text)
        self._places = [place for place, sign in enumerate(self._text) if sign.isascii() and sign.isalnum()]
        self._signs = _retyped("".join(self._text[place] for place in self._places))

    def holds_reference(self, reference: str) -> bool:
        """Whether all of it stands there and no further digit; words may touch it, as accounting programs have it."""
        return any(not after.isdigit() for _, after in self._around(reference))

    def holds_number(self, number: str) -> bool:
        """Whether it stands there by itself: F1-2026-00001 is not in F1-2026-000012, nor in AF1-2026-00001."""
        signs = _without_signs(number)
        if len(signs) < _LEAST_SIGNS or not any(sign.isdigit() for sign in signs):
            return False
        return any(not _is_sign(before) and not _is_sign(after) for before, after in self._around(number))

    def references(self) -> list[str]:
        """Every reference of ISO 11649 in it, whosever: each is valid by its check digits."""
        found = []
        for candidate in _REFERENCE.finditer(self._text):
            pieces = _NOT_SIGNS.split(candidate[0])
            longest_first = ("".join(pieces[:count]) for count in range(len(pieces), 0, -1))
            valid = next((known for known in longest_first if iso11649.is_valid(known)), None)
            if valid is not None:
                found.append(valid)
        return found

    def _around(self, wanted: str) -> Iterable[tuple[str, str]]:
        """The signs just before and after each place where `wanted` stands."""
        signs = _retyped(_without_signs(wanted))
        at = self._signs.find(signs) if signs else -1
        while at >= 0:
            first, last = self._places[at], self._places[at + len(signs) - 1]
            yield self._text[max(0, first - 1) : first], self._text[last + 1 : last + 2]
            at = self._signs.find(signs, at + 1)


def _is_sign(sign: str) -> bool:
    return sign.isascii() and sign.isalnum()


# ── Names ────────────────────────────────────────────────────────────────────────────────────────────────────────
_EMPTY_WORDS: Final = frozenset({
    "A", "ACTION", "ASSO", "ASSOCIATION", "AU", "AUX", "CA", "CC", "CCAS", "CENTRE", "CIAS", "COM", "COMITE",
    "COMMUNAL", "COMMUNAUTE", "COMMUNE", "COMMUNES", "COMPTABLE", "CSE", "D", "DDFIP", "DE", "DES", "DGFIP",
    "DRFIP", "DU", "ECONOMIQUE", "EN", "ENTREPRISE", "ET", "ETS", "EURL", "FINANCES", "GESTION", "INTERCOMMUNAL",
    "L", "LA", "LE", "LES", "MADAME", "MAIRIE", "MONSIEUR", "MUNICIPAL", "MUNICIPALE", "PAIERIE", "PRINCIPAL",
    "PRINCIPALE", "PUBLIQUES", "REGIE", "SA", "SARL", "SAS", "SASU", "SCI", "SERVICE", "SGC", "SIP", "SOCIAL",
    "SOCIALE", "SOCIETE", "SUR", "TRESOR", "TRESORERIE", "VILLE",
})  # fmt: skip
"""What says of a name what it is, not who."""
_SAINTS: Final = {"ST": "SAINT", "STE": "SAINTE"}
_NO_NAME: Final = frozenset({"SAINT", "SAINTE"})


def _significant(name: str) -> frozenset[str]:
    words = (_SAINTS.get(word, word) for word in _NOT_SIGNS.split(_folded(name)))
    return frozenset(word for word in words if len(word) > 1 and word not in _EMPTY_WORDS)


def _names_alike(line: Incoming, buyer_name: str) -> bool:
    """Whether the payer's name is the buyer's, or the buyer's stands in the text: a public accountant pays for many.

    All words of the shorter name are in the longer, and are half of it at least.
    """
    buyer = _significant(buyer_name)
    payer = _significant(line.name)
    if not buyer - _NO_NAME:
        return False
    common = buyer & payer
    shorter, longer = sorted((len(buyer), len(payer)))
    named = bool(common - _NO_NAME) and len(common) == shorter and 2 * shorter >= longer
    return named or buyer <= _significant(line.text)


# ── Our own words, read back ─────────────────────────────────────────────────────────────────────────────────────
_MANDATE = re.compile(
    r"\b(?:MANDATS?|MANDT|MDTS?|MAND)(?![A-Z])(?:\s*(?:NUMERO|NUM|NO|NR|N°|Nº|N))?[\s.:#/°º-]*"
    r"(?![0-9]{1,2}[-/][0-9]{1,2}[-/][0-9]{2,4}\b)([0-9]+(?:[-/][0-9]+)*)\b"
)
_MANDATE_SIGNS: Final = 20
_SETTLEMENT = re.compile(r"REGL-([1-9][0-9]{0,17})-([1-9][0-9]{0,17})-([1-9][0-9]{0,17})")
_RUN = re.compile(r"CHEQUES-([1-9][0-9]{0,17})-([1-9][0-9]{0,17})")


def mandate_in(text: str) -> str | None:
    """The number of the public accountant's mandate that a text quotes, as written: '00123' of 'MDT 00123'."""
    found = _MANDATE.search(" ".join(text.upper().split()))
    return found[1] if found is not None and len(found[1]) <= _MANDATE_SIGNS else None


def returned_settlement(end_to_end_id: str) -> tuple[int, int, int] | None:
    """(programme, run, merchant) of one of our own transfers, by its end-to-end id; None where it is not ours."""
    ours = _SETTLEMENT.fullmatch(end_to_end_id)
    return (int(ours[1]), int(ours[2]), int(ours[3])) if ours is not None else None


def run_of(message_id: str) -> tuple[int, int] | None:
    """(programme, run) of one of our own payment files, by its name; None where it is not ours."""
    ours = _RUN.fullmatch(message_id)
    return (int(ours[1]), int(ours[2])) if ours is not None else None
