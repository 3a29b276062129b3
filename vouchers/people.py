"""Who takes part: buyers, merchants, staff.

Each change is a fact of the journal, by number only: names, e-mails and bank details can be corrected or erased, the
journal cannot. Lists are read by keyset: `after` is the last id already seen, 0 to begin.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Table, select, update
from sqlalchemy.dialects import postgresql, sqlite

from vouchers import identity, ledger
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import AlreadyEnrolled, BadInput, Forbidden, NotFound
from vouchers.ledger import Fact
from vouchers.money import MAX_CENTS
from vouchers.passwords import PasswordHash
from vouchers.tables import APPROVALS, buyer, journal, merchant, role, staff, token

MOST_LISTED: Final = 200


@dataclass(frozen=True, slots=True)
class Buyer:
    """A commune, a CCAS, a firm. `exposure_cap_cents`: what it may owe before it has paid; 0 means it pays first.

    `approval`: whether 'one' person of the buyer places an order, or 'two' (one places, another approves).
    """

    buyer_id: int
    name: str
    address: str
    siret: str | None
    exposure_cap_cents: int
    approval: str


@dataclass(frozen=True, slots=True)
class Merchant:
    """A shop that joined. `state` is 'active' or 'suspended'."""

    merchant_id: int
    legal_name: str
    shop_name: str
    siret: str
    trade: str
    commune: str
    state: str
    enrolled_at: datetime


@dataclass(frozen=True, slots=True)
class Staff:
    """A person who signs in. `state` is 'active' or 'suspended'."""

    staff_id: int
    email: str
    name: str
    state: str
    enrolled_at: datetime


# ── Buyers ───────────────────────────────────────────────────────────────────────────────────────────────────────
def enrol_buyer(
    session: WriteSession,
    *,
    programme_id: int,
    name: str,
    address: str,
    siret: str | None = None,
    exposure_cap_cents: int = 0,
    actor: str,
    at: datetime,
) -> int:
    """A buyer of the programme; gives its id. Refuses `BadInput`, then `AlreadyEnrolled` for the same name."""
    if not 0 <= exposure_cap_cents <= MAX_CENTS:
        raise BadInput(field="exposure_cap_cents", problem="amount_range", least_cents=0, most_cents=MAX_CENTS)
    values = {
        "programme_id": programme_id,
        "name": identity.name(name, field="name"),
        "address": identity.address(address, field="address"),
        "siret": None if siret is None else identity.siret(siret),
        "exposure_cap_cents": exposure_cap_cents,
    }
    buyer_id = _inserted(session, buyer, values)
    if buyer_id is None:
        same = select(buyer.c.id).where(buyer.c.programme_id == programme_id, buyer.c.name == values["name"])
        raise AlreadyEnrolled(what="buyer", id=session.execute(same).scalar_one())
    _record(session, programme_id, "buyer_enrolled", f"buyer:{buyer_id}", actor=actor, at=at)
    return buyer_id


def buyers(session: ReadSession, *, programme_id: int, after: int = 0, limit: int = 50) -> list[Buyer]:
    """The buyers of a programme by id, those after `after`."""
    listed = _BUYERS.where(buyer.c.programme_id == programme_id)
    return [Buyer(*row) for row in session.execute(_page(listed, buyer, after=after, limit=limit))]


def find_buyer(session: ReadSession, *, programme_id: int, buyer_id: int) -> Buyer:
    """One buyer. Refuses `NotFound`."""
    row = session.execute(_BUYERS.where(buyer.c.programme_id == programme_id, buyer.c.id == buyer_id)).first()
    if row is None:
        raise NotFound(what="buyer", id=buyer_id)
    return Buyer(*row)


def set_buyer_rule(
    session: WriteSession, *, programme_id: int, buyer_id: int, approval: str, actor: str, at: datetime
) -> Buyer:
    """Whether one person of the buyer is enough from the next placing on. As it is already: nothing changes.

    The fact's reason is the rule's word. Refuses `BadInput`, `NotFound`.
    """
    if approval not in APPROVALS:
        raise BadInput(field="approval", problem="one_of", words=", ".join(APPROVALS))
    known = find_buyer(session, programme_id=programme_id, buyer_id=buyer_id)
    flipped = session.execute(
        update(buyer)
        .where(buyer.c.programme_id == programme_id, buyer.c.id == buyer_id, buyer.c.approval != approval)
        .values(approval=approval)
    )
    if flipped.rowcount:
        _record(session, programme_id, "buyer_rule_set", f"buyer:{buyer_id}", actor=actor, at=at, reason=approval)
    return replace(known, approval=approval)


_BUYERS: Final = select(
    buyer.c.id, buyer.c.name, buyer.c.address, buyer.c.siret, buyer.c.exposure_cap_cents, buyer.c.approval
)


# ── Merchants ────────────────────────────────────────────────────────────────────────────────────────────────────
def enrol_merchant(
    session: WriteSession,
    *,
    programme_id: int,
    legal_name: str,
    shop_name: str,
    siret: str,
    trade: str,
    commune: str,
    actor: str,
    at: datetime,
) -> int:
    """A shop joins; gives its id. Refuses `BadInput`, then `AlreadyEnrolled` for the same SIRET (one establishment)."""
    values = {
        "programme_id": programme_id,
        "legal_name": identity.name(legal_name, field="legal_name"),
        "shop_name": identity.name(shop_name, field="shop_name"),
        "siret": identity.siret(siret),
        "trade": identity.name(trade, field="trade"),
        "commune": identity.name(commune, field="commune"),
        "enrolled_at": at,
    }
    merchant_id = _inserted(session, merchant, values)
    if merchant_id is None:
        same = select(merchant.c.id).where(merchant.c.programme_id == programme_id, merchant.c.siret == values["siret"])
        raise AlreadyEnrolled(what="merchant", id=session.execute(same).scalar_one())
    _record(session, programme_id, "merchant_enrolled", f"merchant:{merchant_id}", actor=actor, at=at)
    return merchant_id


def suspend_merchant(
    session: WriteSession, *, programme_id: int, merchant_id: int, reason: str, actor: str, at: datetime
) -> None:
    """It accepts no voucher from now on; what it is owed stays. Again: nothing changes. Refuses `NotFound`."""
    _set_merchant(session, programme_id, merchant_id, "suspended", reason=reason, actor=actor, at=at)


def restore_merchant(
    session: WriteSession, *, programme_id: int, merchant_id: int, reason: str, actor: str, at: datetime
) -> None:
    """It accepts vouchers again. Again: nothing changes. Refuses `NotFound`."""
    _set_merchant(session, programme_id, merchant_id, "active", reason=reason, actor=actor, at=at)


def _set_merchant(
    session: WriteSession, programme_id: int, merchant_id: int, state: str, *, reason: str, actor: str, at: datetime
) -> None:
    find_merchant(session, programme_id=programme_id, merchant_id=merchant_id)
    why = identity.name(reason, field="reason")
    flipped = session.execute(
        update(merchant)
        .where(merchant.c.programme_id == programme_id, merchant.c.id == merchant_id, merchant.c.state != state)
        .values(state=state)
    )
    if flipped.rowcount:
        kind = "merchant_suspended" if state == "suspended" else "merchant_restored"
        _record(session, programme_id, kind, f"merchant:{merchant_id}", actor=actor, at=at, reason=why)


def merchants(session: ReadSession, *, programme_id: int, after: int = 0, limit: int = 50) -> list[Merchant]:
    """The merchants of a programme by id, those after `after`."""
    listed = _MERCHANTS.where(merchant.c.programme_id == programme_id)
    return [Merchant(*row) for row in session.execute(_page(listed, merchant, after=after, limit=limit))]


def find_merchant(session: ReadSession, *, programme_id: int, merchant_id: int) -> Merchant:
    """One merchant. Refuses `NotFound`."""
    one = _MERCHANTS.where(merchant.c.programme_id == programme_id, merchant.c.id == merchant_id)
    row = session.execute(one).first()
    if row is None:
        raise NotFound(what="merchant", id=merchant_id)
    return Merchant(*row)


def merchants_like(
    session: ReadSession, *, programme_id: int, words: str, limit: int = 20
) -> list[tuple[int, str, str]]:
    """(number, shop, commune) of the shops whose name or commune holds every one of `words`; a SIRET is one as well."""
    found = select(merchant.c.id, merchant.c.shop_name, merchant.c.commune).where(
        merchant.c.programme_id == programme_id
    )
    for word in words.split():
        told = (merchant.c.shop_name, merchant.c.legal_name, merchant.c.commune)
        named = sa.or_(*(column.icontains(word, autoescape=True) for column in told))
        found = found.where(sa.or_(named, merchant.c.siret == word))
    return [tuple(row) for row in session.execute(found.order_by(merchant.c.shop_name, merchant.c.id).limit(limit))]


_MERCHANTS: Final = select(
    merchant.c.id,
    merchant.c.legal_name,
    merchant.c.shop_name,
    merchant.c.siret,
    merchant.c.trade,
    merchant.c.commune,
    merchant.c.state,
    merchant.c.enrolled_at,
)


# ── Staff ────────────────────────────────────────────────────────────────────────────────────────────────────────
def enrol_staff(
    session: WriteSession,
    *,
    programme_id: int,
    email: str,
    name: str,
    password_hash: PasswordHash,
    actor: str,
    at: datetime,
) -> int:
    """A person who can sign in and, without a role and a password of their own choice, do nothing; gives the id.

    One person is enrolled once for the whole house. Refuses `BadInput`, then `AlreadyEnrolled` for the same e-mail.
    """
    values = {
        "email": identity.email(email, field="email"),
        "name": identity.name(name, field="name"),
        "password_hash": password_hash,
        "enrolled_at": at,
    }
    staff_id = _inserted(session, staff, values)
    if staff_id is None:
        same = select(staff.c.id).where(staff.c.email == values["email"])
        raise AlreadyEnrolled(what="staff", id=session.execute(same).scalar_one())
    _record(session, programme_id, "staff_enrolled", f"staff:{staff_id}", actor=actor, at=at)
    return staff_id


def suspend_staff(
    session: WriteSession, *, programme_id: int, staff_id: int, reason: str, actor: str, at: datetime
) -> None:
    """The person can do nothing from now on, sessions and API tokens are gone for good. Again: nothing changes.

    Refuses `NotFound` for someone not of this programme, `Forbidden` for someone who holds a role in another one as
    well: a programme does not reach into its neighbour; revoke the roles instead.
    """
    if _set_staff(session, programme_id, staff_id, "suspended", reason=reason, actor=actor, at=at):
        open_ones = token.c.staff_id == staff_id, token.c.revoked_at.is_(None)
        session.execute(update(token).where(*open_ones).values(revoked_at=at))


def restore_staff(
    session: WriteSession, *, programme_id: int, staff_id: int, reason: str, actor: str, at: datetime
) -> None:
    """The person may sign in again, with the roles held before. Again: nothing changes. Refuses as `suspend_staff`."""
    _set_staff(session, programme_id, staff_id, "active", reason=reason, actor=actor, at=at)


def _set_staff(
    session: WriteSession, programme_id: int, staff_id: int, state: str, *, reason: str, actor: str, at: datetime
) -> bool:
    find_staff(session, programme_id=programme_id, staff_id=staff_id)
    why = identity.name(reason, field="reason")
    elsewhere = select(role.c.id).where(
        role.c.staff_id == staff_id, role.c.state == "active", role.c.programme_id != programme_id
    )
    if session.execute(elsewhere.limit(1)).first() is not None:
        raise Forbidden(act="staff.suspend")
    flipped = session.execute(
        update(staff).where(staff.c.id == staff_id, staff.c.state != state).values(state=state)
    ).rowcount
    if flipped:
        kind = "staff_suspended" if state == "suspended" else "staff_restored"
        _record(session, programme_id, kind, f"staff:{staff_id}", actor=actor, at=at, reason=why)
    return bool(flipped)


def staff_of(session: ReadSession, *, programme_id: int, after: int = 0, limit: int = 50) -> list[Staff]:
    """The people of a programme by id: enrolled from it, or with a role in it. Those after `after`."""
    listed = _STAFF.where(_is_of(programme_id))
    return [Staff(*row) for row in session.execute(_page(listed, staff, after=after, limit=limit))]


def find_staff(session: ReadSession, *, programme_id: int, staff_id: int) -> Staff:
    """One person of the programme. Refuses `NotFound`."""
    row = session.execute(_STAFF.where(_is_of(programme_id), staff.c.id == staff_id)).first()
    if row is None:
        raise NotFound(what="staff", id=staff_id)
    return Staff(*row)


def name_of(session: ReadSession, *, staff_id: int) -> str:
    """What a person is called. Refuses `NotFound`."""
    found = session.execute(select(staff.c.name).where(staff.c.id == staff_id)).scalar_one_or_none()
    if found is None:
        raise NotFound(what="staff", id=staff_id)
    return str(found)


_STAFF: Final = select(staff.c.id, staff.c.email, staff.c.name, staff.c.state, staff.c.enrolled_at)


def _is_of(programme_id: int) -> sa.ColumnElement[bool]:
    has_role = sa.exists().where(role.c.staff_id == staff.c.id, role.c.programme_id == programme_id)
    enrolled_from = sa.exists().where(
        journal.c.programme_id == programme_id,
        journal.c.subject == sa.literal("staff:", sa.Text) + sa.cast(staff.c.id, sa.Text),
        journal.c.kind == "staff_enrolled",
    )
    return has_role | enrolled_from


def _inserted(session: WriteSession, table: Table, values: dict[str, Any]) -> int | None:
    """The id of the new row; None when one with the same name, SIRET or e-mail stands there, also just now."""
    insert = sqlite.insert if session.dialect.name == "sqlite" else postgresql.insert
    row = session.execute(insert(table).values(values).on_conflict_do_nothing().returning(table.c.id))
    found = row.scalar_one_or_none()
    return None if found is None else int(found)


def _page(listed: sa.Select[Any], table: Table, *, after: int, limit: int) -> sa.Select[Any]:
    if not 1 <= limit <= MOST_LISTED:
        raise BadInput(field="limit", problem="range", least=1, most=MOST_LISTED)
    return listed.where(table.c.id > after).order_by(table.c.id).limit(limit)


def _record(
    session: WriteSession, programme_id: int, kind: str, subject: str, *, actor: str, at: datetime, reason: str = ""
) -> None:
    fact = Fact(kind=kind, at=at, actor=actor, subject=subject, reason=reason)
    ledger.post(session, programme_id=programme_id, fact=fact)
