"""The team of a programme: who is in it, and how somebody new is let in.

A person is enrolled without a usable password and asked to a role; a letter goes out with a code of seven days, by
which they choose a password of their own, or a passkey. An invitation is for whoever has no means of their own yet, and
for nobody else: no administrator gets into an account that somebody uses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, Select, Text, cast, func, literal, or_, select

from vouchers import ledger, one_time
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import BadInput, NotFound, OneTimeInvalid
from vouchers.ledger import Fact
from vouchers.tables import buyer, journal, merchant, role, staff
from vouchers.tables import one_time as kept

LASTS: Final = timedelta(days=7)
MOST_LISTED: Final = 200


@dataclass(frozen=True, slots=True)
class HeldRole:
    """A role of a person, held or asked for; `owner` is the buyer or the shop that it names."""

    role_id: int
    staff_id: int
    name: str
    owner: str | None
    state: str
    asked_by: str
    asked_at: datetime
    confirmed_by: str | None


@dataclass(frozen=True, slots=True)
class Member:
    """A person of the programme. `has_come`: by a means of their own. `invited_until`: how long they still may."""

    staff_id: int
    email: str
    name: str
    state: str
    has_come: bool
    invited_until: datetime | None
    roles: tuple[HeldRole, ...]


@dataclass(frozen=True, slots=True)
class Invited:
    """Who stands behind an invitation."""

    staff_id: int
    email: str
    name: str


# ── Invitations ──────────────────────────────────────────────────────────────────────────────────────────────────
def invite(
    session: WriteSession, *, programme_id: int, staff_id: int, session_key: bytes, actor: str, at: datetime
) -> str:
    """The code of a fresh invitation, told now and never again; those sent before open nothing any more.

    Refuses `NotFound` unless the person is active and has no means of their own yet.
    """
    waiting = select(staff.c.id).where(
        staff.c.id == staff_id, staff.c.state == "active", staff.c.own_password_since.is_(None)
    )
    if session.execute(waiting.with_for_update()).first() is None:
        raise NotFound(what="invitation", id=staff_id)
    one_time.void(session, staff_id=staff_id, purpose="invitation", at=at)
    code = one_time.new_code()
    one_time.keep(
        session, secret=code, purpose="invitation", staff_id=staff_id, lasts=LASTS, session_key=session_key, at=at
    )
    fact = Fact(kind="staff_invited", at=at, actor=actor, subject=f"staff:{staff_id}")
    ledger.post(session, programme_id=programme_id, fact=fact)
    return code


def find(session: ReadSession, *, code: str, session_key: bytes, at: datetime) -> Invited:
    """Whom an invitation is for, without using it. Refuses `OneTimeInvalid`."""
    staff_id = one_time.whose(session, secret=code, purpose="invitation", session_key=session_key, at=at)
    return _invited(session, staff_id)


def accept(session: WriteSession, *, code: str, session_key: bytes, at: datetime) -> Invited:
    """Uses an invitation, in the transaction in which its person's own means is kept. Refuses `OneTimeInvalid`."""
    staff_id = one_time.use(session, secret=code, purpose="invitation", session_key=session_key, at=at)
    return _invited(session, staff_id)


def _invited(session: ReadSession, staff_id: int) -> Invited:
    row = session.execute(
        select(staff.c.id, staff.c.email, staff.c.name).where(
            staff.c.id == staff_id, staff.c.state == "active", staff.c.own_password_since.is_(None)
        )
    ).first()
    if row is None:
        raise OneTimeInvalid
    return Invited(*row)


# ── The team ─────────────────────────────────────────────────────────────────────────────────────────────────────
def team(
    session: ReadSession, *, programme_id: int, wanted: str = "", after: int = 0, limit: int = 50, at: datetime
) -> list[Member]:
    """The people of a programme by number, those after `after`; with `wanted` in their name or e-mail only.

    Refuses `BadInput`.
    """
    if not 1 <= limit <= MOST_LISTED:
        raise BadInput(field="limit", problem="range", least=1, most=MOST_LISTED)
    listed = _people(programme_id).where(staff.c.id > after)
    if wanted:
        part = wanted.lower()
        listed = listed.where(
            or_(func.lower(staff.c.name).contains(part, autoescape=True), staff.c.email.contains(part, autoescape=True))
        )
    return _members(session, programme_id, session.execute(listed.order_by(staff.c.id).limit(limit)).all(), at)


def member(session: ReadSession, *, programme_id: int, staff_id: int, at: datetime) -> Member:
    """One person of the programme. Refuses `NotFound`."""
    found = session.execute(_people(programme_id).where(staff.c.id == staff_id)).all()
    if not found:
        raise NotFound(what="staff", id=staff_id)
    return _members(session, programme_id, found, at)[0]


def waiting_roles(session: ReadSession, *, programme_id: int) -> list[tuple[HeldRole, str]]:
    """The roles that wait for another administrator, oldest first, and who would hold each; at most 200."""
    rows = session.execute(
        _ROLES.add_columns(staff.c.name)
        .join(staff, staff.c.id == role.c.staff_id)
        .where(role.c.programme_id == programme_id, role.c.state == "asked")
        .order_by(role.c.id)
        .limit(MOST_LISTED)
    )
    return [(HeldRole(*row[:-1]), str(row[-1])) for row in rows]


def called(session: ReadSession, *, actors: set[str]) -> dict[str, str]:
    """The names of those who acted: 'staff:3' → 'Claude Martin'."""
    numbers = {int(actor.partition(":")[2]) for actor in actors if actor.startswith("staff:")}
    rows = session.execute(select(staff.c.id, staff.c.name).where(staff.c.id.in_(numbers)))
    return {f"staff:{number}": str(name) for number, name in rows}


_ROLES: Final = (
    select(
        role.c.id,
        role.c.staff_id,
        role.c.name,
        func.coalesce(buyer.c.name, merchant.c.shop_name),
        role.c.state,
        role.c.asked_by,
        role.c.asked_at,
        role.c.confirmed_by,
    )
    .select_from(role)
    .outerjoin(buyer, buyer.c.id == role.c.buyer_id)
    .outerjoin(merchant, merchant.c.id == role.c.merchant_id)
)


def _people(programme_id: int) -> Select[Any]:
    enrolled = select(journal.c.subject).where(
        journal.c.programme_id == programme_id, journal.c.kind == "staff_enrolled"
    )
    with_role = select(role.c.staff_id).where(role.c.programme_id == programme_id)
    named = literal("staff:", Text) + cast(staff.c.id, Text)
    return select(staff.c.id, staff.c.email, staff.c.name, staff.c.state, staff.c.own_password_since).where(
        or_(staff.c.id.in_(with_role), named.in_(enrolled))
    )


def _members(session: ReadSession, programme_id: int, people: Sequence[Row[Any]], at: datetime) -> list[Member]:
    numbers = [row.id for row in people]
    held: dict[int, list[HeldRole]] = {}
    mine = role.c.programme_id == programme_id, role.c.staff_id.in_(numbers), role.c.state != "revoked"
    for row in session.execute(_ROLES.where(*mine).order_by(role.c.id)):
        held.setdefault(row.staff_id, []).append(HeldRole(*row))
    open_ones = kept.c.purpose == "invitation", kept.c.used_at.is_(None), kept.c.expires_at > at
    invited = {
        row.staff_id: row.expires_at
        for row in session.execute(
            select(kept.c.staff_id, kept.c.expires_at).where(kept.c.staff_id.in_(numbers), *open_ones)
        )
    }
    return [
        Member(
            staff_id=row.id,
            email=row.email,
            name=row.name,
            state=row.state,
            has_come=row.own_password_since is not None,
            invited_until=invited.get(row.id),
            roles=tuple(held.get(row.id, ())),
        )
        for row in people
    ]
