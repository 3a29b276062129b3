"""Sign-in, and what a person sees and ends of their own sessions and API tokens.

These take no Idempotency-Key: an answer that carries a secret is not kept, and the others change nothing the second
time.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from vouchers import clock, sign_in
from vouchers.access import Held
from vouchers.api.fields import Body, Instant, Line, Password
from vouchers.api.guard import AtHouse, SignedIn, address_of, does, staff_id_of, token_hash_of
from vouchers.api.shapes import shown
from vouchers.errors import NotSignedIn
from vouchers.second_factor import Code

router: Final = APIRouter(tags=["Sign-in"])


class Credentials(Body):
    """What a person signs in with; `label` is what the session is shown as.

    `code`: the digits of the authenticator, or a recovery code, of who has set one up.
    """

    email: Annotated[Line, Field(examples=["tresorier@cci.example"])]
    password: Password
    label: Annotated[Line, Field(examples=["Ordinateur du bureau"])] = "Session"
    code: Annotated[Line | None, Field(examples=["123456"])] = None


class NewToken(Body):
    """A token for a program that acts as its maker, for a year at most."""

    label: Annotated[Line, Field(examples=["Export comptable"])]
    expires_at: Instant


class PasswordChange(Body):
    """The password, and the one that follows."""

    current: Password
    new: Password


@dataclass(frozen=True, slots=True)
class Me:
    """Who is signed in."""

    actor: str
    signed_in_at: str | None
    held: list[Held]


@router.post("/sessions", **does("public", gives=sign_in.Opened, status=201))
async def open_session(body: Credentials, request: Request, house: AtHouse) -> Response:
    """A session for whoever knows the password; `secret` is the bearer token. 10 wrong an hour shut a network out."""
    opened = await run_in_threadpool(
        sign_in.sign_in,
        house.database,
        email=body.email,
        password=body.password,
        code=None if body.code is None else Code(body.code, house.pepper),
        address=address_of(request),
        label=body.label,
        session_key=house.session_key,
        lasts=house.session_lasts,
        at=clock.now(),
    )
    return JSONResponse(shown(opened), status_code=201)


@router.get("/me", **does("signed_in", gives=Me))
async def me(caller: SignedIn) -> Response:
    """Who is signed in, with the roles held now."""
    return JSONResponse(shown(caller))


@router.get("/me/tokens", **does("signed_in", gives=list[sign_in.Token]))
async def tokens(caller: SignedIn, house: AtHouse) -> Response:
    """One's own sessions and API tokens; `token_hash` names one, and opens nothing."""
    at = clock.now()
    found = await house.read(lambda session: sign_in.tokens_of(session, staff_id=staff_id_of(caller), at=at))
    return JSONResponse(shown(found))


@router.post("/me/tokens", **does("signed_in", gives=sign_in.Opened, status=201))
async def make_token(body: NewToken, caller: SignedIn, house: AtHouse) -> Response:
    """An API token; `secret` is told now and never again. Only in a session: a token makes no token."""
    if caller.signed_in_at is None:
        raise NotSignedIn
    made = await house.write(
        lambda session: sign_in.make_api_token(
            session,
            staff_id=staff_id_of(caller),
            label=body.label,
            expires_at=body.expires_at,
            session_key=house.session_key,
            at=clock.now(),
        )
    )
    return JSONResponse(shown(made), status_code=201)


@router.delete("/me/tokens/{token_hash}", **does("signed_in", status=204))
async def end_token(
    token_hash: Annotated[str, Path(pattern="^[0-9a-f]{64}$")], caller: SignedIn, house: AtHouse
) -> Response:
    """End one of one's own sessions or tokens."""
    mine, named, at = staff_id_of(caller), bytes.fromhex(token_hash), clock.now()
    await house.write(lambda session: sign_in.revoke_token(session, staff_id=mine, token_hash=named, at=at))
    return Response(status_code=204)


@router.delete("/me/session", **does("signed_in", status=204))
async def sign_out(request: Request, caller: SignedIn, house: AtHouse) -> Response:
    """End the session that asks."""
    mine, used, at = staff_id_of(caller), token_hash_of(request), clock.now()
    await house.write(lambda session: sign_in.revoke_token(session, staff_id=mine, token_hash=used, at=at))
    return Response(status_code=204)


@router.put("/me/password", **does("signed_in", status=204))
async def change_password(body: PasswordChange, request: Request, caller: SignedIn, house: AtHouse) -> Response:
    """Another password; every session and token of the person ends."""
    await run_in_threadpool(
        sign_in.change_password,
        house.database,
        staff_id=staff_id_of(caller),
        current=body.current,
        new=body.new,
        address=address_of(request),
        at=clock.now(),
    )
    return Response(status_code=204)
