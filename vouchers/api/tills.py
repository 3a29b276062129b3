"""Tills, as their shop and the chamber see them: pairing codes, the list, labels, revocation. And pairing itself."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from vouchers import attempts, clock, till_keys, tills
from vouchers.access import Act
from vouchers.api.fields import Base64, Body, Line, NumberInPath, Why, unpacked
from vouchers.api.guard import AtDesk, AtHouse, AtKeyedDesk, House, Own, Owner, address_of, does, of_merchant
from vouchers.api.shapes import At, Page, page, shown, till_shown
from vouchers.attempts import Guess
from vouchers.db import WriteSession
from vouchers.errors import BadInput, PairingCodeInvalid
from vouchers.till_keys import TillKey

router: Final = APIRouter(tags=["Tills"])
_OF_PROGRAMME: Final = "/programmes/{programme_id}"


class Pairing(Body):
    """What a phone sends to become a till: see `tills.pair`. One that keeps no key sends a secret in its place."""

    pairing_code: Annotated[Line, Field(max_length=40, examples=["ABCDE23456"])]
    public_key: Base64 | Literal[""] = ""
    secret: Base64 | None = None
    label: Annotated[Line, Field(examples=["Téléphone de Paul"])]
    signature: Base64


class Label(Body):
    """What a till is called."""

    label: Annotated[Line, Field(examples=["Caisse du fond"])]


def _of_till(programme_id: int, till_id: int) -> Owner:
    return lambda session: Own(
        merchant_id=tills.find_till(session, programme_id=programme_id, till_id=till_id).merchant_id
    )


@router.post("/tills/pair", **does("public", gives=At, status=201))
async def pair(body: Pairing, request: Request, house: AtHouse) -> Response:
    """A phone becomes a till. Sent again by the same key it answers the same till; ten wrong codes an hour close it."""
    return await run_in_threadpool(_paired, house, body, address_of(request))


def _key_of(house: House, body: Pairing) -> TillKey:
    if (body.secret is None) == (body.public_key == ""):
        raise BadInput(field="public_key", problem="key_or_secret")
    if body.secret is None:
        return till_keys.strong_key(unpacked(body.public_key))
    return till_keys.weak_key(unpacked(body.secret), pepper=house.pepper)


def _paired(house: House, body: Pairing, address: str) -> Response:
    at, key = clock.now(), _key_of(house, body)
    till = attempts.guarded(
        house.database,
        scopes=[attempts.scope(Guess.PAIRING_ADDRESS, address)],
        at=at,
        act=lambda: house.database.write(
            lambda session: tills.pair(
                session,
                code=body.pairing_code,
                key=key,
                label=body.label,
                signature=unpacked(body.signature),
                session_key=house.session_key,
                pepper=house.pepper,
                at=at,
            )
        ),
        counts=(PairingCodeInvalid,),
    )
    return JSONResponse(shown(till_shown(till, at=at)), status_code=201)


@router.post(
    _OF_PROGRAMME + "/merchants/{merchant_id}/pairing-codes",
    **does(Act.TILL_PAIR, gives=tills.PairingCode, status=201),
)
async def make_pairing(desk: AtDesk, merchant_id: NumberInPath) -> Response:
    """A code for one more phone, for a quarter of an hour. Without a key: a secret is not kept, ask for another."""

    def made(session: WriteSession) -> tills.PairingCode:
        desk.allow(session, of_merchant(merchant_id))
        key = desk.house.session_key
        return tills.make_pairing(session, **desk.doing, merchant_id=merchant_id, session_key=key)

    return JSONResponse(shown(await desk.house.write(made)), status_code=201)


@router.get(_OF_PROGRAMME + "/merchants/{merchant_id}/tills", **does(Act.TILL_READ, gives=Page[tills.Till]))
async def listed(desk: AtDesk, merchant_id: NumberInPath) -> Response:
    """A merchant's tills, newest first, revoked ones too."""
    programme_id = desk.programme_id
    return await desk.answer(
        lambda session: page(tills.tills_of(session, programme_id=programme_id, merchant_id=merchant_id)),
        of=of_merchant(merchant_id),
    )


@router.put(_OF_PROGRAMME + "/tills/{till_id}/label", **does(Act.TILL_RENAME, gives=tills.Till))
async def rename(body: Label, desk: AtKeyedDesk, till_id: NumberInPath) -> Response:
    """Show a till under another label."""

    def renamed(session: WriteSession) -> tills.Till:
        tills.rename_till(session, **desk.doing, till_id=till_id, label=body.label)
        return tills.find_till(session, programme_id=desk.programme_id, till_id=till_id)

    return await desk.once(renamed, of=_of_till(desk.programme_id, till_id))


@router.post(_OF_PROGRAMME + "/tills/{till_id}/revocation", **does(Act.TILL_REVOKE, gives=tills.Till))
async def revoke(body: Why, desk: AtKeyedDesk, till_id: NumberInPath) -> Response:
    """It is refused at its next request, for good."""

    def revoked(session: WriteSession) -> tills.Till:
        tills.revoke_till(session, **desk.doing, till_id=till_id, reason=body.reason)
        return tills.find_till(session, programme_id=desk.programme_id, till_id=till_id)

    return await desk.once(revoked, of=_of_till(desk.programme_id, till_id))
