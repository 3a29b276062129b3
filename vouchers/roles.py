"""Roles: asked by one administrator, confirmed by another who does not receive it, revoked by one, felt at once.

The first two administrators of a programme confirm each other. Who has the shell of the host can do that while the
programme has no active administrator, and no longer.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import select, update

from vouchers import ledger
from vouchers.access import Act, Role, another_person
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import AlreadyEnrolled, BadInput, NotFound
from vouchers.ledger import Fact
from vouchers.rules import take_turn
from vouchers.tables import buyer, merchant, role, staff

MOST_LISTED: Final = 200


@dataclass(frozen=True, slots=True)
class Granted:
    """One role of one person. `state` is 'asked', 'active' or 'revoked'."""

    role_id: int
    staff_id: int
    name: str
    buyer_id: int | None
    merchant_id: int | None
    state: str
    asked_by: str
    asked_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    revoked_at: datetime | None


def grant_first_administrators(
    session: WriteSession, *, programme_id: int, staff_ids: tuple[int, int], at: datetime
) -> tuple[int, int]:
    """Two people become the programme's first administrators, each confirmed by the other; gives the roles' numbers.

    Refuses `NotFound` for the programme or a person, `BadInput` unless they are two, and `AlreadyEnrolled` while the
    programme has an active administrator.
    """
    # A second `vouchers init` at the same moment waits here, then finds the administrators of the first.
    take_turn(session, programme_id=programme_id)
    first, second = staff_ids
    if first == second:
        raise BadInput(field="staff_ids", problem="two_people")
    there = select(role.c.id).where(
        role.c.programme_id == programme_id, role.c.name == Role.ADMINISTRATOR.value, role.c.state == "active"
    )
    found = session.execute(there.limit(1)).scalar_one_or_none()
    if found is not None:
        raise AlreadyEnrolled(what="administrator", id=found)
    for staff_id in staff_ids:
        _lock_person(session, staff_id=staff_id)
    granted = []
    for staff_id, other in ((first, second), (second, first)):
        row = role.insert().values(
            programme_id=programme_id,
            staff_id=staff_id,
            name=Role.ADMINISTRATOR.value,
            state="active",
            asked_by=f"staff:{staff_id}",
            asked_at=at,
            confirmed_by=f"staff:{other}",
            confirmed_at=at,
        )
        role_id = int(session.execute(row.returning(role.c.id)).scalar_one())
        _record(session, programme_id, "role_granted", staff_id, role_id, actor="system", at=at)
        granted.append(role_id)
    return granted[0], granted[1]


def carry_over(
    session: WriteSession,
    *,
    from_programme_id: int,
    programme_id: int,
    asked_by: str,
    confirmed_by: str,
    at: datetime,
) -> int:
    """The chamber's people hold in a new programme the roles that they hold in the one before; gives how many.

    Two people vouch for each: who receives a role is never who confirms it, so that for the roles of `confirmed_by`
    the two change sides. Refuses `SamePerson` where they are one.
    """
    another_person(Act.ROLE_CONFIRM, asked_by, confirmed_by)
    held = (
        select(role.c.staff_id, role.c.name)
        .join(staff, staff.c.id == role.c.staff_id)
        .where(role.c.programme_id == from_programme_id, role.c.state == "active", staff.c.state == "active")
        .where(role.c.buyer_id.is_(None), role.c.merchant_id.is_(None))
        .distinct()
        .order_by(role.c.staff_id, role.c.name)
    )
    rows = session.execute(held).all()
    for staff_id, name in rows:
        swapped = confirmed_by == f"staff:{staff_id}"
        first, second = (confirmed_by, asked_by) if swapped else (asked_by, confirmed_by)
        row = role.insert().values(
            programme_id=programme_id,
            staff_id=staff_id,
            name=name,
            state="active",
            asked_by=first,
            asked_at=at,
            confirmed_by=second,
            confirmed_at=at,
        )
        role_id = int(session.execute(row.returning(role.c.id)).scalar_one())
        _record(session, programme_id, "role_asked", staff_id, role_id, actor=first, at=at)
        _record(session, programme_id, "role_granted", staff_id, role_id, actor=second, at=at)
    return len(rows)


def ask_role(
    session: WriteSession,
    *,
    programme_id: int,
    staff_id: int,
    name: str,
    buyer_id: int | None = None,
    merchant_id: int | None = None,
    actor: str,
    at: datetime,
) -> int:
    """Ask that a person be given a role; gives the number to confirm. It grants nothing yet.

    A role of a buyer's or merchant's person names that buyer or merchant, the others neither. Refuses `BadInput`,
    `NotFound` (person, buyer, merchant), `AlreadyEnrolled` when the same role is asked for or held.
    """
    if name not in set(Role) - {Role.TILL}:
        raise BadInput(field="name", problem="one_of", words=", ".join(one for one in Role if one is not Role.TILL))
    if (buyer_id is not None) != (name in {Role.BUYER_CLERK, Role.BUYER_APPROVER}):
        raise BadInput(field="buyer_id", problem="for_a_buyers_role")
    if (merchant_id is not None) != (name == Role.MERCHANT_OWNER):
        raise BadInput(field="merchant_id", problem="for_a_merchants_role")
    _lock_person(session, staff_id=staff_id)
    for noun, owner, owner_id in (("buyer", buyer, buyer_id), ("merchant", merchant, merchant_id)):
        known = select(owner.c.id).where(owner.c.programme_id == programme_id, owner.c.id == owner_id)
        if owner_id is not None and session.execute(known).first() is None:
            raise NotFound(what=noun, id=owner_id)
    same = select(role.c.id).where(
        role.c.programme_id == programme_id,
        role.c.staff_id == staff_id,
        role.c.name == name,
        role.c.buyer_id.is_not_distinct_from(buyer_id),
        role.c.merchant_id.is_not_distinct_from(merchant_id),
        role.c.state != "revoked",
    )
    found = session.execute(same.limit(1)).scalar_one_or_none()
    if found is not None:
        raise AlreadyEnrolled(what="role", id=found)
    asked = role.insert().values(
        programme_id=programme_id,
        staff_id=staff_id,
        name=name,
        buyer_id=buyer_id,
        merchant_id=merchant_id,
        state="asked",
        asked_by=actor,
        asked_at=at,
    )
    role_id = int(session.execute(asked.returning(role.c.id)).scalar_one())
    _record(session, programme_id, "role_asked", staff_id, role_id, actor=actor, at=at)
    return role_id


def confirm_role(session: WriteSession, *, programme_id: int, role_id: int, actor: str, at: datetime) -> Granted:
    """The role is held from now on.

    Refuses `NotFound` unless it is asked for, `SamePerson` for who asked for it or would receive it.
    """
    asked = find_role(session, programme_id=programme_id, role_id=role_id)
    if asked.state != "asked":
        raise NotFound(what="role", id=role_id)
    another_person(Act.ROLE_CONFIRM, asked.asked_by, actor)
    another_person(Act.ROLE_CONFIRM, f"staff:{asked.staff_id}", actor)
    flipped = session.execute(
        update(role)
        .where(role.c.id == role_id, role.c.state == "asked")
        .values(state="active", confirmed_by=actor, confirmed_at=at)
    )
    if not flipped.rowcount:
        raise NotFound(what="role", id=role_id)
    _record(session, programme_id, "role_granted", asked.staff_id, role_id, actor=actor, at=at)
    return find_role(session, programme_id=programme_id, role_id=role_id)


def revoke_role(session: WriteSession, *, programme_id: int, role_id: int, actor: str, at: datetime) -> None:
    """The role, held or asked for, is gone at the person's next request. One person is enough. Refuses `NotFound`."""
    found = find_role(session, programme_id=programme_id, role_id=role_id)
    flipped = session.execute(
        update(role).where(role.c.id == role_id, role.c.state != "revoked").values(state="revoked", revoked_at=at)
    )
    if not flipped.rowcount:
        raise NotFound(what="role", id=role_id)
    _record(session, programme_id, "role_revoked", found.staff_id, role_id, actor=actor, at=at)


def find_role(session: ReadSession, *, programme_id: int, role_id: int) -> Granted:
    """One role, whatever its state. Refuses `NotFound`."""
    row = session.execute(_ROLES.where(role.c.programme_id == programme_id, role.c.id == role_id)).first()
    if row is None:
        raise NotFound(what="role", id=role_id)
    return Granted(*row)


def roles_of(session: ReadSession, *, programme_id: int, after: int = 0, limit: int = 50) -> list[Granted]:
    """The roles of a programme by number, revoked ones too; those after `after`. Refuses `BadInput`."""
    if not 1 <= limit <= MOST_LISTED:
        raise BadInput(field="limit", problem="range", least=1, most=MOST_LISTED)
    listed = _ROLES.where(role.c.programme_id == programme_id, role.c.id > after).order_by(role.c.id).limit(limit)
    return [Granted(*row) for row in session.execute(listed)]


_ROLES: Final = select(
    role.c.id,
    role.c.staff_id,
    role.c.name,
    role.c.buyer_id,
    role.c.merchant_id,
    role.c.state,
    role.c.asked_by,
    role.c.asked_at,
    role.c.confirmed_by,
    role.c.confirmed_at,
    role.c.revoked_at,
)


def _lock_person(session: WriteSession, *, staff_id: int) -> None:
    # Askings for one person take turns, so that the same role is not held twice and half revoked.
    one: sa.Select[Any] = select(staff.c.id).where(staff.c.id == staff_id, staff.c.state == "active")
    if session.execute(one.with_for_update(key_share=True)).first() is None:
        raise NotFound(what="staff", id=staff_id)


def _record(
    session: WriteSession, programme_id: int, kind: str, staff_id: int, role_id: int, *, actor: str, at: datetime
) -> None:
    named = session.execute(select(role.c.name).where(role.c.id == role_id)).scalar_one()
    fact = Fact(kind=kind, at=at, actor=actor, subject=f"staff:{staff_id}", reason=f"role:{role_id} {named}")
    ledger.post(session, programme_id=programme_id, fact=fact)
