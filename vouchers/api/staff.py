"""The people of the chamber, of the buyers and of the shops, and the roles they are given by two others."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import Field

from vouchers import passwords, people, roles
from vouchers.access import Act
from vouchers.api.fields import After, Body, Empty, Limit, Line, Number, NumberInPath, Password, Why
from vouchers.api.guard import AtDesk, AtKeyedDesk, does
from vouchers.api.shapes import Made, Page, page
from vouchers.db import WriteSession

router: Final = APIRouter(prefix="/programmes/{programme_id}", tags=["Staff"])


class NewStaff(Body):
    """A person who can sign in and, until a role is granted, do nothing."""

    email: Annotated[Line, Field(examples=["clerc@falaise.example"])]
    name: Annotated[Line, Field(examples=["Anaïs Lecœur"])]
    password: Password


class NewRole(Body):
    """A role for a person; a buyer's or a merchant's person names that buyer or merchant."""

    staff_id: Number
    name: Literal[
        "treasurer", "approver", "administrator", "auditor", "buyer_clerk", "buyer_approver", "merchant_owner"
    ]
    buyer_id: Number | None = None
    merchant_id: Number | None = None


@router.post("/staff", **does(Act.STAFF_ENROL, gives=Made, status=201))
async def enrol(body: NewStaff, desk: AtKeyedDesk) -> Response:
    """Enrol a person."""
    # Hashed before the transaction: it takes tens of milliseconds.
    kept = await run_in_threadpool(passwords.hashed, body.password)
    return await desk.once(
        lambda session: {
            "id": people.enrol_staff(session, **desk.doing, email=body.email, name=body.name, password_hash=kept)
        },
        status=201,
    )


@router.get("/staff", **does(Act.STAFF_READ, gives=Page[people.Staff]))
async def listed(desk: AtDesk, after: After = 0, limit: Limit = 50) -> Response:
    """The people of the programme, by number."""
    return await desk.answer(
        lambda session: page(
            people.staff_of(session, programme_id=desk.programme_id, after=after, limit=limit),
            limit=limit,
            number=lambda person: person.staff_id,
        )
    )


@router.get("/staff/{staff_id}", **does(Act.STAFF_READ, gives=people.Staff))
async def one(desk: AtDesk, staff_id: NumberInPath) -> Response:
    """One person."""
    return await desk.answer(
        lambda session: people.find_staff(session, programme_id=desk.programme_id, staff_id=staff_id)
    )


@router.post("/staff/{staff_id}/suspension", **does(Act.STAFF_SUSPEND, gives=people.Staff))
async def suspend(body: Why, desk: AtKeyedDesk, staff_id: NumberInPath) -> Response:
    """The person can do nothing from the next request on; sessions and tokens are gone for good."""

    def suspended(session: WriteSession) -> people.Staff:
        people.suspend_staff(session, **desk.doing, staff_id=staff_id, reason=body.reason)
        return people.find_staff(session, programme_id=desk.programme_id, staff_id=staff_id)

    return await desk.once(suspended)


@router.post("/staff/{staff_id}/restoration", **does(Act.STAFF_SUSPEND, gives=people.Staff))
async def restore(body: Why, desk: AtKeyedDesk, staff_id: NumberInPath) -> Response:
    """The person may sign in again, with the roles held before."""

    def restored(session: WriteSession) -> people.Staff:
        people.restore_staff(session, **desk.doing, staff_id=staff_id, reason=body.reason)
        return people.find_staff(session, programme_id=desk.programme_id, staff_id=staff_id)

    return await desk.once(restored)


@router.post("/roles", **does(Act.ROLE_ASK, gives=Made, status=201))
async def ask(body: NewRole, desk: AtKeyedDesk) -> Response:
    """Ask that a person be given a role; another administrator confirms it."""
    return await desk.once(
        lambda session: {"id": roles.ask_role(session, **desk.doing, **body.model_dump())}, status=201
    )


@router.get("/roles", **does(Act.ROLE_READ, gives=Page[roles.Granted]))
async def granted(desk: AtDesk, after: After = 0, limit: Limit = 50) -> Response:
    """The roles of the programme, by number, revoked ones too."""
    return await desk.answer(
        lambda session: page(
            roles.roles_of(session, programme_id=desk.programme_id, after=after, limit=limit),
            limit=limit,
            number=lambda role: role.role_id,
        )
    )


@router.get("/roles/{role_id}", **does(Act.ROLE_READ, gives=roles.Granted))
async def one_role(desk: AtDesk, role_id: NumberInPath) -> Response:
    """One role."""
    return await desk.answer(lambda session: roles.find_role(session, programme_id=desk.programme_id, role_id=role_id))


@router.post("/roles/{role_id}/confirmation", **does(Act.ROLE_CONFIRM, gives=roles.Granted))
async def confirm(_body: Empty, desk: AtKeyedDesk, role_id: NumberInPath) -> Response:
    """The role is held from now on: by neither who asked nor who receives."""
    return await desk.once(lambda session: roles.confirm_role(session, **desk.doing, role_id=role_id))


@router.post("/roles/{role_id}/revocation", **does(Act.ROLE_REVOKE, gives=roles.Granted))
async def revoke(_body: Empty, desk: AtKeyedDesk, role_id: NumberInPath) -> Response:
    """The role is gone at the person's next request."""

    def revoked(session: WriteSession) -> roles.Granted:
        roles.revoke_role(session, **desk.doing, role_id=role_id)
        return roles.find_role(session, programme_id=desk.programme_id, role_id=role_id)

    return await desk.once(revoked)
