"""A shop asks to join: received from the public, decided by the chamber.

Who accepts also enrols the merchant and asks for its bank account, composed at the door in one transaction. What the
journal keeps of it is a number; names, e-mail and IBAN stay in the row.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select, update

from vouchers import clock, identity, ledger, opening
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import ApplicationDecided, ApplicationsClosed, NotFound
from vouchers.ledger import Fact
from vouchers.rules import rules
from vouchers.shop_card import Payee, Shop, Told
from vouchers.tables import application, bank_account, merchant

APPLICANT: Final = "public"
"""The actor of an application: whoever sent it has no number."""


@dataclass(frozen=True, slots=True)
class Application:
    """A shop that asked to join. `state`: 'asked', 'accepted' (as `merchant_id`) or 'refused' (`because`)."""

    application_id: int
    state: str
    shop: Shop
    told: Told
    payee: Payee
    has_photo: bool
    applied_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    because: str | None
    merchant_id: int | None


@dataclass(frozen=True, slots=True)
class Checks:
    """What stands against an application, or calls for a look. Numbers of merchants, in their order."""

    same_siret_merchant: int | None
    same_siret_applications: int
    same_iban_merchants: tuple[int, ...]
    iban_country: str
    hours_missing: bool

    @property
    def clear(self) -> bool:
        """Whether there is nothing to look at."""
        return (
            self.same_siret_merchant is None
            and not self.same_siret_applications
            and not self.same_iban_merchants
            and self.iban_country == "FR"
            and not self.hours_missing
        )


def receive(
    session: WriteSession,
    *,
    programme_id: int,
    shop: Shop,
    told: Told,
    payee: Payee,
    photo: bytes | None,
    at: datetime,
) -> int:
    """A shop asks to join; gives the number of its application.

    `photo` is a picture that the house drew anew (`paper/photo.py`). Refuses `NotFound` (programme), then
    `ApplicationsClosed` once vouchers can no longer be spent. The same SIRET may ask twice: a stranger must not keep a
    shop out by asking in its name, so the desk is shown both.
    """
    known = rules(session, programme_id=programme_id)
    if clock.book_day(at) > known.expires_on:
        raise ApplicationsClosed
    row = application.insert().values(
        programme_id=programme_id,
        state="asked",
        legal_name=shop.legal_name,
        shop_name=shop.shop_name,
        siret=shop.siret,
        trade=shop.trade,
        commune=shop.commune,
        street=told.street,
        postcode=told.postcode,
        contact_name=told.contact_name or "",
        email=told.email or "",
        phone=told.phone or "",
        website=told.website,
        about=told.about,
        hours=opening.to_json(told.hours),
        photo=photo,
        account_holder=payee.account_holder,
        iban=payee.iban,
        applied_at=at,
    )
    application_id = int(session.execute(row.returning(application.c.id)).scalar_one())
    _record(session, programme_id, "application_received", application_id, actor=APPLICANT, at=at)
    return application_id


def accept(
    session: WriteSession, *, programme_id: int, application_id: int, merchant_id: int, actor: str, at: datetime
) -> None:
    """It is this merchant from now on. Refuses `NotFound`, `ApplicationDecided`."""
    values = {"state": "accepted", "merchant_id": merchant_id}
    _decide(session, programme_id, application_id, values, actor=actor, at=at)
    reason = f"merchant:{merchant_id}"
    _record(session, programme_id, "application_accepted", application_id, actor=actor, at=at, reason=reason)


def refuse(
    session: WriteSession, *, programme_id: int, application_id: int, because: str, actor: str, at: datetime
) -> None:
    """It does not join; `because` is kept beside it, out of the journal. Refuses `BadInput`, then as `accept`."""
    why = identity.name(because, field="because", most=300)
    _decide(session, programme_id, application_id, {"state": "refused", "because": why}, actor=actor, at=at)
    _record(session, programme_id, "application_refused", application_id, actor=actor, at=at)


def _decide(
    session: WriteSession, programme_id: int, application_id: int, values: dict[str, Any], *, actor: str, at: datetime
) -> None:
    one = application.c.programme_id == programme_id, application.c.id == application_id
    waiting = update(application).where(*one, application.c.state == "asked")
    flipped = session.execute(waiting.values(decided_by=actor, decided_at=at, **values))
    if not flipped.rowcount:
        find(session, programme_id=programme_id, application_id=application_id)
        raise ApplicationDecided


def find(session: ReadSession, *, programme_id: int, application_id: int) -> Application:
    """One application. Refuses `NotFound`."""
    one = application.c.programme_id == programme_id, application.c.id == application_id
    row = session.execute(_APPLICATIONS.where(*one)).first()
    if row is None:
        raise NotFound(what="candidature", id=application_id)
    return _read(row)


def find_waiting(session: ReadSession, *, programme_id: int, application_id: int) -> Application:
    """One that is not decided yet. Refuses `NotFound`, `ApplicationDecided`."""
    found = find(session, programme_id=programme_id, application_id=application_id)
    if found.state != "asked":
        raise ApplicationDecided
    return found


def listed(
    session: ReadSession, *, programme_id: int, state: str, after: int = 0, limit: int = 50
) -> list[Application]:
    """Those of one state: the ones that wait by age, the decided ones newest first. `after`: the last number seen."""
    wanted = _APPLICATIONS.where(application.c.programme_id == programme_id, application.c.state == state)
    if state == "asked":
        wanted = wanted.where(application.c.id > after).order_by(application.c.id)
    else:
        wanted = wanted.order_by(application.c.id.desc())
        wanted = wanted.where(application.c.id < after) if after else wanted
    return [_read(row) for row in session.execute(wanted.limit(limit))]


def counts(session: ReadSession, *, programme_id: int) -> dict[str, int]:
    """How many applications are in each state."""
    counted = select(application.c.state, func.count()).where(application.c.programme_id == programme_id)
    return {state: int(number) for state, number in session.execute(counted.group_by(application.c.state))}


def photo_of(session: ReadSession, *, programme_id: int, application_id: int) -> bytes | None:
    """Its photo, as JPEG. None for none, and for no such application."""
    one = application.c.programme_id == programme_id, application.c.id == application_id
    return session.execute(select(application.c.photo).where(*one)).scalar_one_or_none()


def checks(session: ReadSession, *, programme_id: int, of: Application) -> Checks:
    """What to look at before deciding on one application."""
    same_shop = select(merchant.c.id).where(merchant.c.programme_id == programme_id, merchant.c.siret == of.shop.siret)
    others = select(func.count()).where(
        application.c.programme_id == programme_id,
        application.c.siret == of.shop.siret,
        application.c.state == "asked",
        application.c.id != of.application_id,
    )
    paid_there = (
        select(bank_account.c.merchant_id)
        .where(bank_account.c.programme_id == programme_id, bank_account.c.iban == of.payee.iban)
        .where(bank_account.c.state != "withdrawn")
        .distinct()
        .order_by(bank_account.c.merchant_id)
    )
    if of.merchant_id is not None:
        paid_there = paid_there.where(bank_account.c.merchant_id != of.merchant_id)
        same_shop = same_shop.where(merchant.c.id != of.merchant_id)
    return Checks(
        same_siret_merchant=session.execute(same_shop).scalar_one_or_none(),
        same_siret_applications=int(session.execute(others).scalar_one()),
        same_iban_merchants=tuple(session.execute(paid_there.limit(20)).scalars()),
        iban_country=of.payee.iban[:2],
        hours_missing=not of.told.hours.known,
    )


_APPLICATIONS: Final = select(
    application.c.id,
    application.c.state,
    application.c.legal_name,
    application.c.shop_name,
    application.c.siret,
    application.c.trade,
    application.c.commune,
    application.c.street,
    application.c.postcode,
    application.c.contact_name,
    application.c.email,
    application.c.phone,
    application.c.website,
    application.c.about,
    application.c.hours,
    application.c.account_holder,
    application.c.iban,
    application.c.photo.is_not(None).label("has_photo"),
    application.c.applied_at,
    application.c.decided_by,
    application.c.decided_at,
    application.c.because,
    application.c.merchant_id,
)


def _read(row: Any) -> Application:
    return Application(
        application_id=row.id,
        state=row.state,
        shop=Shop(row.legal_name, row.shop_name, row.siret, row.trade, row.commune),
        told=Told(
            street=row.street,
            postcode=row.postcode,
            phone=row.phone,
            email=row.email,
            contact_name=row.contact_name,
            website=row.website,
            about=row.about,
            hours=opening.from_json(row.hours),
        ),
        payee=Payee(row.account_holder, row.iban),
        has_photo=bool(row.has_photo),
        applied_at=row.applied_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        because=row.because,
        merchant_id=row.merchant_id,
    )


def _record(
    session: WriteSession, programme_id: int, kind: str, number: int, *, actor: str, at: datetime, reason: str = ""
) -> None:
    fact = Fact(kind=kind, at=at, actor=actor, subject=f"application:{number}", reason=reason)
    ledger.post(session, programme_id=programme_id, fact=fact)
