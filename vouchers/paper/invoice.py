"""An invoice or a credit note as plain values, refused when its parts do not make the whole.

Four kinds, and the credit note of each. Face value and fee stand in two documents, since EN 16931 lets no invoice
mix what is out of scope of VAT with what bears it (BR-O-11, BR-O-12), and asks that the first show no VAT number
(BR-O-02); `face_value_and_fee` is the one document of both, in the profile EXTENDED, where a setting wants it. A
statement to a merchant is no invoice: see `statement`.

Money is whole cents, rates are basis points. VAT is rounded once for each rate, on the total it applies to. The
sentences of `Mentions` are defaults and not legal advice: the issuer's settings give their own.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from vouchers.address_block import parted
from vouchers.money import MAX_CENTS, share_of

Kind = Literal["face_value", "fee", "face_value_and_fee", "commission"]

_NUMBER: Final = re.compile(r"[A-Za-z0-9+\-_/]{1,35}")
"""BR-FR-01. Chorus Pro is said to take 20 (unverified): series should stay below that."""
_LONGEST_PURCHASE_ORDER: Final = 50
_LONGEST_LABEL: Final = 400
_LONGEST_SENTENCE: Final = 600
_MOST_LINES: Final = 2_000
_COUNTRY: Final = re.compile("[A-Z]{2}")
_UNSEEN: Final = re.compile("[\u200b-\u200c\u200e-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff0-\uffff]")


class InvoiceRefused(ValueError):
    """Not an invoice that may leave: nothing is made."""


class InvoiceDoesNotAdd(InvoiceRefused):
    """The total or its VAT is not what the lines make."""


class NothingToInvoice(InvoiceRefused):
    """Nothing is due for what was sold: a fee of zero has no invoice."""


class MixedInvoice(InvoiceRefused):
    """Lines with VAT and lines out of its scope, or the wrong ones, for a document of this kind."""


class InvoiceFieldWrong(InvoiceRefused):
    """A number, reference, name or day that the format or the law does not take."""


@dataclass(frozen=True, slots=True)
class Address:
    """`lines` are what stands above the town; `postcode` and `town` may be empty; `country` is two letters."""

    lines: tuple[str, ...] = ()
    postcode: str = ""
    town: str = ""
    country: str = "FR"

    @property
    def printed(self) -> tuple[str, ...]:
        """As on an envelope."""
        return tuple(line for line in (*self.lines, f"{self.postcode} {self.town}".strip()) if line)


@dataclass(frozen=True, slots=True)
class Party:
    """Who sells or buys. `siret` has 14 digits; without one, `email` is where the invoice goes.

    `about` is legal form, capital and register ('SAS au capital de 10 000 €, RCS Lisieux 123 456 789').
    """

    name: str
    address: Address
    siret: str | None = None
    vat_id: str | None = None
    email: str | None = None
    about: str = ""

    @property
    def siren(self) -> str | None:
        return self.siret[:9] if self.siret else None


@dataclass(frozen=True, slots=True)
class Line:
    """`quantity` pieces of `unit_cents` before VAT; `vat_bp` None is out of the scope of VAT."""

    label: str
    quantity: int
    unit_cents: int
    vat_bp: int | None

    @property
    def cents(self) -> int:
        return self.quantity * self.unit_cents


@dataclass(frozen=True, slots=True)
class VatShare:
    """All lines of one rate: what they sum to and the VAT on that sum."""

    vat_bp: int | None
    basis_cents: int
    vat_cents: int


@dataclass(frozen=True, slots=True)
class Payment:
    """Where to pay: the account and its holder, and the reference that says what is paid (ISO 11649, 'RF…')."""

    iban: str
    holder: str
    bic: str | None = None
    rf_reference: str | None = None


@dataclass(frozen=True, slots=True)
class Preceding:
    """The invoice that a credit note takes back."""

    number: str
    issued_on: date


@dataclass(frozen=True, slots=True)
class Mentions:
    """What the law wants said, in the words of the issuer's settings; the first three are never empty (BR-FR-05)."""

    late_penalties: str = (
        "En cas de retard de paiement, intérêts moratoires au taux de refinancement de la Banque centrale européenne "
        "majoré de huit points, exigibles sans rappel."
    )
    recovery_costs: str = "Indemnité forfaitaire pour frais de recouvrement en cas de retard de paiement : 40 €."
    discount: str = "Aucun escompte n’est accordé pour paiement anticipé."
    out_of_scope: str = "Bons à usages multiples : leur remise est hors du champ de la TVA."
    payment_terms: str = "Paiement par virement bancaire."
    voucher_law: str = ""
    vat_on_debits: bool = False


@dataclass(frozen=True, slots=True)
class References:
    """What the buyer wants cited. Chorus Pro reads the first three (BT-10, BT-13, BT-12)."""

    service_code: str | None = None
    purchase_order: str | None = None
    market: str | None = None
    order_number: str | None = None
    delivered_on: date | None = None
    period: tuple[date, date] | None = None


@dataclass(frozen=True, slots=True)
class Invoice:
    """One document. `credit_of` makes it a credit note, whose amounts are positive all the same (type 381).

    `vat_cents` and `total_cents` (VAT included) are what the books say; the lines must make them. `paid_cents` is paid
    already, by set-off or before, and `paid_how` says so in words ('Montant compensé sur le règlement n° 12').
    `process` is the frame of BT-23 and `treatment` the note BAR: None for what fits the kind (both unverified for
    face value).

    Refusals, in this order: `InvoiceFieldWrong` (number, days, parties, references, lines), `MixedInvoice`,
    `NothingToInvoice`, `InvoiceDoesNotAdd`.
    """

    kind: Kind
    number: str
    issued_on: date
    due_on: date | None
    seller: Party
    buyer: Party
    lines: tuple[Line, ...]
    vat_cents: int
    total_cents: int
    programme: str
    payment: Payment | None = None
    credit_of: Preceding | None = None
    references: References = field(default_factory=References)
    mentions: Mentions = field(default_factory=Mentions)
    paid_cents: int = 0
    paid_how: str = ""
    reason: str = ""
    process: str | None = None
    treatment: str | None = None

    def __post_init__(self) -> None:
        self._refuse_wrong_fields()
        if {line.vat_bp is None for line in self.lines} != _SCOPES[self.kind]:
            raise MixedInvoice(f"{self.number}: lines with and without VAT do not fit {self.kind}")
        if self.net_cents <= 0:
            raise NothingToInvoice(f"{self.number}: the lines come to {self.net_cents} cents")
        vat = sum(share.vat_cents for share in self.shares)
        if vat != self.vat_cents:
            raise InvoiceDoesNotAdd(f"{self.number}: VAT on the lines is {vat} cents, not {self.vat_cents}")
        if self.net_cents + vat != self.total_cents:
            raise InvoiceDoesNotAdd(f"{self.number}: lines and VAT make {self.net_cents + vat}, not {self.total_cents}")
        if not 0 <= self.paid_cents <= self.total_cents <= MAX_CENTS:
            raise InvoiceDoesNotAdd(f"{self.number}: {self.paid_cents} paid of {self.total_cents} cents")

    def _refuse_wrong_fields(self) -> None:
        numbers = [self.number, *([self.credit_of.number] if self.credit_of else [])]
        said = self.mentions
        always = (said.late_penalties, said.recovery_costs, said.discount)
        sentences = (*always, said.out_of_scope, said.payment_terms, said.voucher_law, self.reason, self.paid_how)
        days = [self.issued_on.year, *([self.due_on.year] if self.due_on else [])]
        wrong = {
            "number": not all(map(_NUMBER.fullmatch, numbers)),
            "day": not all(2000 <= year <= 2099 for year in days),
            "due_on": bool(self.due_on and self.due_on < self.issued_on and self.due_cents > 0),
            "seller": not legal(self.seller.name) or not _is_siret(self.seller.siret),
            "buyer": not legal(self.buyer.name) or not (self.buyer.siret or self.buyer.email),
            "buyer_siret": self.buyer.siret is not None and not _is_siret(self.buyer.siret),
            "country": not all(_COUNTRY.fullmatch(one.address.country) for one in (self.seller, self.buyer)),
            "purchase_order": len(self.references.purchase_order or "") > _LONGEST_PURCHASE_ORDER,
            "mentions": not all(map(legal, always)) or any(len(text) > _LONGEST_SENTENCE for text in sentences),
            "out_of_scope": any(line.vat_bp is None for line in self.lines) and not legal(said.out_of_scope),
            "payment_terms": self.due_on is None and not legal(said.payment_terms),
            "lines": not 1 <= len(self.lines) <= _MOST_LINES
            or not all(1 <= len(legal(line.label)) <= _LONGEST_LABEL for line in self.lines)
            or not all(line.quantity > 0 and line.unit_cents >= 0 for line in self.lines),
            "rate": not all(line.vat_bp is None or 0 < line.vat_bp < 10_000 for line in self.lines),
            "vat_id": self.kind != "face_value" and not self.seller.vat_id,
            "paid_how": bool(self.paid_cents) and not legal(self.paid_how),
        }
        if found := [name for name, is_wrong in wrong.items() if is_wrong]:
            raise InvoiceFieldWrong(f"{self.number}: {', '.join(found)}")

    @property
    def net_cents(self) -> int:
        """Before VAT."""
        return sum(line.cents for line in self.lines)

    @property
    def due_cents(self) -> int:
        """Still to pay (or, of a credit note, to give back)."""
        return self.total_cents - self.paid_cents

    @property
    def shares(self) -> tuple[VatShare, ...]:
        """Out of scope first, then by rate."""
        found = []
        for rate in sorted({line.vat_bp for line in self.lines}, key=lambda rate: -1 if rate is None else rate):
            basis = sum(line.cents for line in self.lines if line.vat_bp == rate)
            found.append(VatShare(rate, basis, 0 if rate is None else share_of(basis, basis_points=rate)))
        return tuple(found)

    @property
    def is_credit_note(self) -> bool:
        return self.credit_of is not None


_SCOPES: Final[dict[Kind, set[bool]]] = {
    "face_value": {True},
    "fee": {False},
    "face_value_and_fee": {True, False},
    "commission": {False},
}
"""Whether lines are out of the scope of VAT, in a document of each kind."""


def address_of(lines: Sequence[str]) -> Address:
    """Free lines as an address: the last one that begins with five digits holds the town, 'F-14170 Saint-Pierre' too.

    Without such a line nothing is known but the lines. What stands below the town (a country) stays out.
    """
    return Address(*parted([line for line in map(legal, lines) if line]))


def legal(text: str) -> str:
    """`text` on one line with only characters that XML 1.0 knows and a reader sees or needs; an emoji stays."""
    seen = "".join(" " if char.isspace() or unicodedata.category(char) in {"Cc", "Cs"} else char for char in text)
    return " ".join(_UNSEEN.sub("", seen).split())


def _is_siret(siret: str | None) -> bool:
    return siret is not None and len(siret) == 14 and siret.isascii() and siret.isdigit()
