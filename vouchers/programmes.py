"""The issuer, and the programmes it opens: a season of vouchers in one town, under rules fixed for that season."""

from datetime import date, datetime

from sqlalchemy import select

from vouchers import founding, identity, ledger
from vouchers.db import WriteSession
from vouchers.errors import NotFound
from vouchers.ledger import Fact
from vouchers.tables import issuer, programme


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
    values = founding.issuer(name=name, address=address, siret=siret, account_holder=account_holder, iban=iban, bic=bic)
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
    founding.target(target_cents)
    founding.dates(starts_on=starts_on, expires_on=expires_on, presentation_deadline_on=presentation_deadline_on)
    known = founding.host(host)
    founding.shops_url(shops_url)
    founding.words(use_rule=use_rule, lapse_to=lapse_to)
    founding.rates({"fee_bp": fee_bp, "commission_bp": commission_bp, "vat_bp": vat_bp})
    founding.window(reversal_window_minutes)
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
