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
from vouchers.tables import LAPSE_DESTINATIONS, USE_RULES, issuer, programme

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
        raise BadInput(field="account_holder", problem="holder_with_iban")
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
    fee_bp: int = 0,
    actor: str,
    at: datetime,
) -> int:
    """A season of vouchers under fixed rules; gives its id. Refuses `BadInput`, then `NotFound` for the issuer.

    `target_cents` is what shall be spent in town. Rates in basis points: `fee_bp` is the buyers' handling
    fee on the face value, `commission_bp` the merchants' commission. `host` is kept in upper case, as it stands in
    the QR codes; `shops_url` is where people find the shops.
    """
    known = host.strip().upper()
    if not 0 < target_cents <= MAX_CENTS:
        raise BadInput(field="target_cents", problem="amount_range", least_cents=1, most_cents=MAX_CENTS)
    if starts_on > expires_on:
        raise BadInput(field="expires_on", problem="not_a_start")
    if expires_on > presentation_deadline_on:
        raise BadInput(field="presentation_deadline_on", problem="before_the_last_day")
    if _HOST.fullmatch(known) is None:
        raise BadInput(field="host", problem="not_a_host")
    if not _is_url(shops_url):
        raise BadInput(field="shops_url", problem="not_a_url")
    for field, given, words in (("use_rule", use_rule, USE_RULES), ("lapse_to", lapse_to, LAPSE_DESTINATIONS)):
        if given not in words:
            raise BadInput(field=field, problem="one_of", words=", ".join(words))
    for field, number, most in (
        ("fee_bp", fee_bp, 10_000),
        ("commission_bp", commission_bp, 10_000),
        ("vat_bp", vat_bp, 10_000),
        ("reversal_window_minutes", reversal_window_minutes, LONGEST_WINDOW_MINUTES),
    ):
        if not 0 <= number <= most:
            raise BadInput(field=field, problem="range", least=0, most=most)
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
        fee_bp=fee_bp,
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
