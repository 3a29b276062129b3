"""The issuer, and the programmes it opens: a season of vouchers in one town, under rules fixed for that season."""

import re
from datetime import date, datetime
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import select

from vouchers import identity, ledger
from vouchers.db import WriteSession
from vouchers.errors import BadInput, NotFound
from vouchers.ledger import Fact
from vouchers.money import MAX_CENTS
from vouchers.tables import LAPSE_DESTINATIONS, issuer, programme

LONGEST_WINDOW_MINUTES: Final = 1_440
_LABEL: Final = "[A-Z0-9](?:[A-Z0-9-]{0,61}[A-Z0-9])?"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL}){{0,9}}(?::[0-9]{{1,5}})?", re.ASCII)


def enrol_issuer(
    session: WriteSession,
    *,
    name: str,
    address: str,
    siret: str | None = None,
    account_holder: str | None = None,
    iban: str | None = None,
    bic: str | None = None,
) -> int:
    """Whoever answers for the vouchers; gives its id. Refuses `BadInput`. Opening its programme is what is recorded."""
    if (iban is None) != (account_holder is None):
        raise BadInput(field="account_holder", problem="le titulaire et l'IBAN vont ensemble")
    values = {
        "name": identity.name(name, field="name"),
        "address": identity.address(address, field="address"),
        "siret": None if siret is None else identity.siret(siret),
        "account_holder": None if account_holder is None else identity.holder(account_holder),
        "iban": None if iban is None else identity.iban(iban),
        "bic": None if bic is None else identity.bic(bic),
    }
    return int(session.execute(issuer.insert().values(values).returning(issuer.c.id)).scalar_one())


def open_programme(
    session: WriteSession,
    *,
    issuer_id: int,
    name: str,
    target_cents: int,
    starts_on: date,
    expires_on: date,
    presentation_deadline_on: date,
    host: str,
    shops_url: str,
    use_rule: str,
    commission_bp: int,
    vat_bp: int,
    reversal_window_minutes: int,
    lapse_to: str,
    actor: str,
    at: datetime,
) -> int:
    """A season of vouchers under fixed rules; gives its id. Refuses `BadInput`, then `NotFound` for the issuer.

    `target_cents` is what shall be spent in town. Rates in basis points. `host` is kept in upper case, as it stands in
    the QR codes; `shops_url` is where people find the shops.
    """
    known = host.strip().upper()
    checks = (
        ("target_cents", 0 < target_cents <= MAX_CENTS, "un montant au-dessus de zéro"),
        ("expires_on", starts_on <= expires_on, "la fin vient avant le début"),
        ("presentation_deadline_on", expires_on <= presentation_deadline_on, "elle vient avant la fin de validité"),
        ("host", _HOST.fullmatch(known) is not None, "ce n'est pas un nom d'hôte"),
        ("shops_url", _is_url(shops_url), "ce n'est pas une adresse https"),
        ("use_rule", use_rule in ("whole", "partial"), "whole ou partial"),
        ("commission_bp", 0 <= commission_bp <= 10_000, "de 0 à 10000 points de base"),
        ("vat_bp", 0 <= vat_bp <= 10_000, "de 0 à 10000 points de base"),
        ("reversal_window_minutes", 0 <= reversal_window_minutes <= LONGEST_WINDOW_MINUTES, "de 0 à 1440 minutes"),
        ("lapse_to", lapse_to in LAPSE_DESTINATIONS, ", ".join(LAPSE_DESTINATIONS)),
    )
    for field, holds, problem in checks:
        if not holds:
            raise BadInput(field=field, problem=problem)
    known_name = identity.name(name, field="name")
    if session.execute(select(issuer.c.id).where(issuer.c.id == issuer_id)).first() is None:
        raise NotFound(what="issuer", id=issuer_id)
    opened = programme.insert().values(
        issuer_id=issuer_id,
        name=known_name,
        target_cents=target_cents,
        starts_on=starts_on,
        expires_on=expires_on,
        presentation_deadline_on=presentation_deadline_on,
        host=known,
        shops_url=shops_url,
        use_rule=use_rule,
        commission_bp=commission_bp,
        vat_bp=vat_bp,
        reversal_window_minutes=reversal_window_minutes,
        lapse_to=lapse_to,
    )
    programme_id = int(session.execute(opened.returning(programme.c.id)).scalar_one())
    opening = Fact(kind="programme_opened", at=at, actor=actor, subject=f"programme:{programme_id}")
    ledger.post(session, programme_id=programme_id, fact=opening)
    return programme_id


def _is_url(typed: str) -> bool:
    parts = urlsplit(typed)
    plain = typed.isascii() and typed.isprintable() and " " not in typed and len(typed) <= 200
    return plain and parts.scheme in {"http", "https"} and bool(parts.hostname)
