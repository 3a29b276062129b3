"""The rules a programme was opened under, which only its opening writes, and the terms that may change meanwhile."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import select

from vouchers.db import ReadSession, WriteSession
from vouchers.errors import NotFound
from vouchers.tables import issuer, programme, programme_terms


@dataclass(frozen=True, slots=True)
class Rules:
    """One programme. Rates in basis points; `use_rule` 'whole' or 'partial'; `lapse_to` one of LAPSE_DESTINATIONS."""

    programme_id: int
    name: str
    target_cents: int
    starts_on: date
    expires_on: date
    presentation_deadline_on: date
    host: str
    shops_url: str
    use_rule: str
    fee_bp: int
    commission_bp: int
    vat_bp: int
    reversal_window_minutes: int
    lapse_to: str
    issuer_id: int
    issuer_name: str
    issuer_address: str
    issuer_siret: str | None
    issuer_account_holder: str | None
    issuer_iban: str | None
    issuer_bic: str | None


def rules(session: ReadSession, *, programme_id: int) -> Rules:
    """The rules of a programme. Refuses `NotFound`."""
    row = session.execute(
        select(
            programme.c.id.label("programme_id"),
            programme.c.name,
            programme.c.target_cents,
            programme.c.starts_on,
            programme.c.expires_on,
            programme.c.presentation_deadline_on,
            programme.c.host,
            programme.c.shops_url,
            programme.c.use_rule,
            programme.c.fee_bp,
            programme.c.commission_bp,
            programme.c.vat_bp,
            programme.c.reversal_window_minutes,
            programme.c.lapse_to,
            issuer.c.id.label("issuer_id"),
            issuer.c.name.label("issuer_name"),
            issuer.c.address.label("issuer_address"),
            issuer.c.siret.label("issuer_siret"),
            issuer.c.account_holder.label("issuer_account_holder"),
            issuer.c.iban.label("issuer_iban"),
            issuer.c.bic.label("issuer_bic"),
        )
        .join(issuer, issuer.c.id == programme.c.issuer_id)
        .where(programme.c.id == programme_id)
    ).first()
    if row is None:
        raise NotFound(what="programme", id=programme_id)
    return Rules(**row._mapping)


DEFAULT_COLOUR: Final = "#1d3f7c"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a programme says of itself and how it is run; none of it moves money that was promised.

    `face_values` in cents, ascending, empty where any is sold. `rhythm`: how often merchants are paid, one of RHYTHMS.
    `legal_wording` and `colour` ('#rrggbb') are printed on each voucher, like `logo`, a small PNG. `outline`: the town
    as one GeoJSON geometry.
    """

    face_values: tuple[int, ...] = ()
    rhythm: str = "monthly"
    legal_wording: str = ""
    colour: str = DEFAULT_COLOUR
    logo: bytes | None = None
    outline: str | None = None


def terms(session: ReadSession, *, programme_id: int) -> Terms:
    """The terms in force: those of `Terms` itself where none were ever set."""
    row = session.execute(
        select(
            programme_terms.c.face_values,
            programme_terms.c.rhythm,
            programme_terms.c.legal_wording,
            programme_terms.c.colour,
            programme_terms.c.logo,
            programme_terms.c.outline,
        ).where(programme_terms.c.programme_id == programme_id)
    ).first()
    if row is None:
        return Terms()
    sold = tuple(json.loads(row.face_values))
    return Terms(sold, row.rhythm, row.legal_wording, row.colour, row.logo, row.outline)


def names_of(session: ReadSession, *, programme_ids: Collection[int]) -> list[tuple[int, str]]:
    """(number, name) of these programmes, the newest first."""
    named = select(programme.c.id, programme.c.name).where(programme.c.id.in_(programme_ids))
    return [(row.id, row.name) for row in session.execute(named.order_by(programme.c.id.desc()))]


def take_turn(session: WriteSession, *, programme_id: int) -> None:
    """Wait until nobody else is numbering something in this programme (an order, a batch, a payment run).

    Held to the end of the transaction. Redemption never takes it. Refuses `NotFound`.
    """
    # NO KEY UPDATE: rows that merely refer to the programme need not wait.
    held = select(programme.c.id).where(programme.c.id == programme_id).with_for_update(key_share=True)
    if session.execute(held).first() is None:
        raise NotFound(what="programme", id=programme_id)
