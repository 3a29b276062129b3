"""How the chamber wants its papers and its books: what the law has printed, who sells, which accounts.

`billing.py` sets both. What no one ever set has the defaults of `PaperSettings`: sentences and rates that French law
asks for today, and that are settings because law and contracts change. Sources: code de commerce L.441-9, L.441-10 and
D.441-5 (mentions, 40 € for recovery), code de la commande publique R.2192-10 (30 days), code monétaire et financier
L.521-3 II (declaration above 1 000 000 € in twelve months).
"""

import json
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import select

from vouchers import chart
from vouchers.db import ReadSession
from vouchers.tables import billing, paper_settings

RECOVERY: Final = "Indemnité forfaitaire pour frais de recouvrement en cas de retard de paiement : 40 €."
LATE: Final = (
    "Pénalités de retard : taux de refinancement de la Banque centrale européenne majoré de huit points."
)  # fmt: skip
NO_DISCOUNT: Final = "Pas d'escompte pour paiement anticipé."
MULTI_PURPOSE: Final = (
    "Bons à usages multiples : leur vente n'est pas soumise à la TVA, due par le commerçant sur la vente qu'ils paient"
    " (directive (UE) 2016/1065)."
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PaperSettings:
    """Of one programme.

    `seller_form`: legal form, capital, register, as printed. `seller_street`, `seller_postcode`, `seller_town`: empty
    where the issuer's address says it. `invoice_form` 'apart' (face value and fee in two documents) or 'together' (one,
    profile EXTENDED). `vat_due` 'collection' or 'debits' (option for VAT on debits). `payment_days` after the invoice.
    `face_value_bar`: the frame under which the face value goes (note BAR of the French rules; unverified, so a
    setting). `accounts`: (number, name) of accounts of the chart that differ from its defaults. `threshold_cents`: what
    twelve months may move without a declaration.
    """

    seller_form: str = ""
    seller_street: str = ""
    seller_postcode: str = ""
    seller_town: str = ""
    vat_number: str | None = None
    invoice_form: str = "apart"
    vat_due: str = "collection"
    payment_days: int = 30
    legal_reference: str = MULTI_PURPOSE
    recovery_terms: str = RECOVERY
    late_terms: str = LATE
    discount_terms: str = NO_DISCOUNT
    face_value_bar: str = "OUTOFSCOPE"
    letter_place: str = ""
    letter_text: str = ""
    letter_signatory: str = ""
    accounts: dict[str, tuple[str, str]] = field(default_factory=dict)
    threshold_cents: int = 100_000_000


def settings_of(session: ReadSession, *, programme_id: int) -> PaperSettings:
    """The settings in force: the defaults where none were ever set."""
    columns = [column for column in paper_settings.c if column.name != "programme_id"]
    row = session.execute(select(*columns).where(paper_settings.c.programme_id == programme_id)).first()
    if row is None:
        return PaperSettings()
    kept = dict(row._mapping)
    accounts = {word: (number, name) for word, (number, name) in json.loads(kept.pop("accounts")).items()}
    return PaperSettings(**kept, accounts=accounts)


@dataclass(frozen=True, slots=True)
class Billing:
    """What a buyer's accountant wants on invoices.

    `chorus_rule`: what its structure in Chorus Pro demands: 'none', 'service' (code service), 'engagement' (numéro
    d'engagement), 'both' or 'either'. `market`: numéro de marché. `email`: where statements of account go.
    """

    chorus_rule: str = "none"
    service_code: str | None = None
    market: str | None = None
    vat_number: str | None = None
    email: str | None = None


def billing_of(session: ReadSession, *, programme_id: int, buyer_id: int) -> Billing:
    """What was set for a buyer: the defaults where nothing ever was."""
    row = session.execute(
        select(
            billing.c.chorus_rule, billing.c.service_code, billing.c.market, billing.c.vat_number, billing.c.email
        ).where(billing.c.programme_id == programme_id, billing.c.buyer_id == buyer_id)
    ).first()
    return Billing() if row is None else Billing(**row._mapping)


def account_numbers(session: ReadSession, *, programme_id: int) -> dict[str, tuple[str, str]]:
    """Number and name of every account of the chart (by the word before the colon), as this programme sets them."""
    standing = {word: (said.number, said.name) for word, said in (chart.WHOLE_ACCOUNTS | chart.OWNED_ACCOUNTS).items()}
    return standing | settings_of(session, programme_id=programme_id).accounts
