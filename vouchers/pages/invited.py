"""An invitation taken up: the person chooses a password of their own, or makes a passkey, and is signed in."""

from typing import Final

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from vouchers import attempts, invitations, links, one_time, passkeys, passwords, sign_in
from vouchers.api.guard import address_of
from vouchers.db import WriteSession
from vouchers.errors import OneTimeInvalid
from vouchers.invitations import Invited
from vouchers.pages import ways_in
from vouchers.pages.desk import AtScreen, Screen, page
from vouchers.pages.language import _
from vouchers.passwords import PasswordHash
from vouchers.sign_in import Opened

router: Final = APIRouter(prefix="/invitation")
_WELCOME: Final = _("Bienvenue ! Vous êtes connecté.")


@router.get("", **page("public"))
async def door(screen: AtScreen) -> Response:
    """The page of an invitation's link."""
    return await _door(screen)


async def _door(screen: Screen) -> Response:
    return screen.show("signing_in/invitation.html")


@router.post("", **page("public"))
async def open_invitation(screen: AtScreen) -> Response:
    """The code, from the link or typed: who is invited, and by what they will sign in. It is not used yet."""

    async def act() -> Response:
        return await _choose(screen, await run_in_threadpool(_invited, screen))

    return await ways_in.tried(screen, act, again=_door)


@router.post("/mot-de-passe", **page("public"))
async def by_password(screen: AtScreen) -> Response:
    """A password of their own."""

    async def act() -> Response:
        await run_in_threadpool(_invited, screen)
        kept = await run_in_threadpool(passwords.hashed, screen.typed.shown("password"))
        opened = await screen.house.write(lambda session: _accepted(session, screen, kept, means="password"))
        return await ways_in.let_in(screen, opened, said=_WELCOME)

    return await ways_in.tried(screen, act, again=_again)


@router.post("/cle", **page("public"))
async def by_passkey(screen: AtScreen) -> Response:
    """A passkey, and no password at all."""

    def job(session: WriteSession) -> Opened:
        invited = _found(session, screen)
        asking = ways_in.asking(screen, f"add {invited.staff_id}")
        answer, label = screen.typed.shown("answer"), ways_in.device_of(screen)
        passkeys.add(session, staff_id=invited.staff_id, answer=answer, label=label, asking=asking, at=screen.at)
        return _accepted(session, screen, passwords.NOBODYS, means="passkey")

    async def act() -> Response:
        await run_in_threadpool(_invited, screen)
        return await ways_in.let_in(screen, await screen.house.write(job), said=_WELCOME)

    return await ways_in.tried(screen, act, again=_again)


def _accepted(session: WriteSession, screen: Screen, kept: PasswordHash, *, means: str) -> Opened:
    how = ways_in.opening(screen)
    invited = invitations.accept(session, code=_code(screen), session_key=how.session_key, at=how.at)
    sign_in.choose_password(session, staff_id=invited.staff_id, password_hash=kept, at=how.at)
    return sign_in.open_as(session, staff_id=invited.staff_id, means=means, how=how)


def _code(screen: Screen) -> str:
    return one_time.code_from_text(screen.typed.text("code"))


def _found(session: WriteSession, screen: Screen) -> Invited:
    return invitations.find(session, code=_code(screen), session_key=screen.house.session_key, at=screen.at)


def _invited(screen: Screen) -> Invited:
    """Whom the code is for; a wrong one is counted. Refuses `TooManyAttempts`, `OneTimeInvalid`."""
    code, house, key = _code(screen), screen.house.database, screen.house.session_key
    return attempts.guarded(
        house,
        scopes=links.code_scopes(address_of(screen.request)),
        at=screen.at,
        act=lambda: house.read(lambda session: invitations.find(session, code=code, session_key=key, at=screen.at)),
        counts=(OneTimeInvalid,),
    )


async def _again(screen: Screen) -> Response:
    """The choice once more, or the page for the code where that is what was wrong."""
    if screen.typed.refusal is None or screen.typed.refusal.reason in {"one_time_invalid", "too_many_attempts"}:
        return await _door(screen)
    if screen.typed.wrong_field == "code":
        return await _door(screen)
    return await _choose(screen, await run_in_threadpool(_invited, screen))


async def _choose(screen: Screen, invited: Invited) -> Response:
    asking = ways_in.asking(screen, f"add {invited.staff_id}")
    options = await screen.house.read(
        lambda session: passkeys.adding_options(session, asking=asking, staff_id=invited.staff_id, at=screen.at)
    )
    return screen.show("signing_in/choose.html", invited=invited, options=options, code=_code(screen))
