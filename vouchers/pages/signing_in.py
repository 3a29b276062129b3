"""Sign-in: a passkey, a password and its second factor, a link by e-mail; proving again who one is; signing out.

No page says whether an account exists. Where one goes after signing in (`suite`) is a path of ours or nowhere.
"""

import logging
from typing import Any, Final

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from starlette.background import BackgroundTask

from vouchers import attempts, links, one_time, passkeys, second_factor, sign_in
from vouchers.api.guard import address_of
from vouchers.attempts import Guess
from vouchers.db import WriteSession
from vouchers.errors import MailNotSent, OneTimeInvalid, PasskeyRefused, WrongCredentials
from vouchers.letterbox import Letter
from vouchers.links import Link
from vouchers.pages import ways_in
from vouchers.pages.desk import AtAccount, AtScreen, Screen, page, session_cookie, session_hash, set_cookie
from vouchers.pages.language import LANGUAGES, _
from vouchers.second_factor import Code
from vouchers.sign_in import Opened, Step

router: Final = APIRouter()
_log: Final = logging.getLogger("vouchers.pages")
_A_YEAR_S: Final = 365 * 24 * 3_600


@router.get("/connexion", **page("public"))
async def door(screen: AtScreen) -> Response:
    """Sign in; whoever is signed in already goes on."""
    if screen.caller is not None:
        return screen.go(ways_in.wanted(screen) or ways_in.first_page(screen.caller))
    return await _door(screen)


async def _door(screen: Screen) -> Response:
    options = passkeys.sign_in_options(ways_in.asking(screen, "sign_in"), at=screen.at)
    return screen.show("signing_in/door.html", options=options, suite=ways_in.wanted(screen))


@router.post("/connexion", **page("public"))
async def by_password(screen: AtScreen) -> Response:
    """E-mail and password."""

    def entered() -> Opened | Step:
        typed, house, how = screen.typed, screen.house.database, ways_in.opening(screen)
        who = {"email": typed.text("email"), "password": typed.shown("password")}
        staff_id = sign_in.prove(house, **who, address=address_of(screen.request), at=screen.at)
        return house.write(lambda session: sign_in.enter(session, staff_id=staff_id, means="password", how=how))

    async def act() -> Response:
        return await _entered(screen, await run_in_threadpool(entered))

    return await ways_in.tried(screen, act, again=_door)


async def _entered(screen: Screen, made: Opened | Step) -> Response:
    suite = ways_in.wanted(screen)
    if isinstance(made, Step):
        return ways_in.second_step(screen, made, suite=suite)
    return await ways_in.let_in(screen, made, suite=suite)


@router.post("/connexion/cle", **page("public"))
async def by_passkey(screen: AtScreen) -> Response:
    """What the device signed; it says who it is by itself."""

    def opened() -> Opened:
        house, how = screen.house.database, ways_in.opening(screen)
        asking = ways_in.asking(screen, "sign_in")

        def job(session: WriteSession) -> Opened:
            staff_id = passkeys.prove(session, answer=screen.typed.shown("answer"), asking=asking, at=screen.at)
            return sign_in.open_as(session, staff_id=staff_id, means="passkey", how=how)

        return attempts.guarded(
            house,
            scopes=[attempts.scope(Guess.PASSKEY_ADDRESS, address_of(screen.request))],
            at=screen.at,
            act=lambda: house.write(job),
            counts=(PasskeyRefused,),
        )

    async def act() -> Response:
        return await _entered(screen, await run_in_threadpool(opened))

    return await ways_in.tried(screen, act, again=_door)


@router.post("/connexion/code", **page("public"))
async def second(screen: AtScreen) -> Response:
    """The second factor, after a password or a link."""
    step = screen.request.cookies.get(ways_in.STEP_COOKIE, "")
    suite = ways_in.wanted(screen)

    def opened() -> Opened:
        return sign_in.finish(
            screen.house.database,
            step=step,
            code=Code(screen.typed.text("code"), screen.house.pepper),
            address=address_of(screen.request),
            how=ways_in.opening(screen),
        )

    async def act() -> Response:
        return await ways_in.let_in(screen, await run_in_threadpool(opened), suite=suite)

    async def again(refused: Screen) -> Response:
        if isinstance(refused.typed.refusal, OneTimeInvalid):
            return screen.go("/connexion", said=_("Le temps est écoulé : recommencez, rien n'a été fait."))
        return refused.show("signing_in/code.html", suite=suite)

    return await ways_in.tried(screen, act, again=again)


# ── Links by e-mail ──────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/connexion/lien", **page("public"))
async def link_asked_for(screen: AtScreen) -> Response:
    """Ask for a link."""
    return await _link_form(screen)


async def _link_form(screen: Screen) -> Response:
    return screen.show("signing_in/link.html")


@router.post("/connexion/lien", **page("public"))
async def ask_link(screen: AtScreen) -> Response:
    """One answer, whether an account stands behind the address or not; the letter leaves after it."""

    async def act() -> Response:
        public, email = ways_in.reached_at(screen), screen.typed.text("email")
        house, key = screen.house, screen.house.session_key
        found = await run_in_threadpool(
            links.ask,
            house.database,
            email=email,
            address=address_of(screen.request),
            session_key=key,
            at=screen.at,
        )
        answer = screen.show("signing_in/link_sent.html")
        answer.background = BackgroundTask(_send, screen, None if found is None else _letter(screen, found, public))
        return answer

    return await ways_in.tried(screen, act, again=_link_form)


def _send(screen: Screen, letter: Letter | None) -> None:
    if letter is None:
        return
    try:
        ways_in.posting(screen, letter)()
    except MailNotSent:
        _log.warning("a sign-in link was not sent: the mail server did not take it")


def _letter(screen: Screen, link: Link, public: str) -> Letter:
    text = screen.say(
        _(
            "Bonjour {name},\n\nPour vous connecter, ouvrez ce lien puis appuyez sur le bouton :\n\n{address}\n\n"
            "Ou recopiez ce code sur la page de connexion : {code}\n\nIl sert une fois, pendant un quart d'heure.\n"
            "Vous n'avez rien demandé ? Ignorez cette lettre : personne ne peut entrer sans elle.\n"
        ),
        name=link.name,
        address=f"{public}/connexion/lien/ouvrir#{one_time.pretty(link.code)}",
        code=one_time.pretty(link.code),
    )
    return Letter(link.name, link.email, screen.say(_("Votre lien de connexion")), text)


@router.get("/connexion/lien/ouvrir", **page("public"))
async def link_page(screen: AtScreen) -> Response:
    """The page of a link: it is used by its button, so that nothing that only looks at a letter burns it."""
    return await _link_page(screen)


async def _link_page(screen: Screen) -> Response:
    return screen.show("signing_in/link_open.html")


@router.post("/connexion/lien/ouvrir", **page("public"))
async def open_link(screen: AtScreen) -> Response:
    """The code of a letter, from its link or typed."""

    def used() -> Opened | Step:
        code = one_time.code_from_text(screen.typed.text("code"))
        house, how = screen.house.database, ways_in.opening(screen)

        def job(session: WriteSession) -> Opened | Step:
            staff_id = links.use(session, code=code, session_key=how.session_key, at=how.at)
            try:
                return sign_in.enter(session, staff_id=staff_id, means="link", how=how)
            except WrongCredentials:  # suspended since the letter left
                raise OneTimeInvalid from None

        scopes = links.code_scopes(address_of(screen.request))
        return attempts.guarded(house, scopes=scopes, at=how.at, act=lambda: house.write(job), counts=(OneTimeInvalid,))

    async def act() -> Response:
        return await _entered(screen, await run_in_threadpool(used))

    return await ways_in.tried(screen, act, again=_link_page)


# ── Again who one is ─────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/connexion/confirmer", **page("signed_in"))
async def confirm_page(screen: AtAccount) -> Response:
    """Before money or power moves: who sits there?"""
    return await _confirm_page(screen)


async def _confirm_page(screen: Screen) -> Response:
    staff_id = ways_in.person(screen)
    account, wanted, keys = await screen.house.read(
        lambda session: (
            sign_in.account_of(session, staff_id=staff_id),
            second_factor.is_wanted(session, staff_id=staff_id),
            passkeys.passkeys_of(session, staff_id=staff_id),
        )
    )
    options = passkeys.sign_in_options(ways_in.asking(screen, "confirm"), at=screen.at)
    told: dict[str, Any] = {"account": account, "person": account.name, "wanted": wanted, "has_passkey": bool(keys)}
    return screen.show("signing_in/confirm.html", **told, options=options, suite=ways_in.wanted(screen))


@router.post("/connexion/confirmer", **page("signed_in"))
async def confirm(screen: AtAccount) -> Response:
    """By the password, and the second factor where there is one."""

    def proven() -> None:
        typed = screen.typed
        sign_in.confirm(
            screen.house.database,
            staff_id=ways_in.person(screen),
            token_hash=ways_in.this_session(screen),
            password=typed.shown("password"),
            code=Code(typed.shown("code"), screen.house.pepper) if typed.has("code") else None,
            address=address_of(screen.request),
            at=screen.at,
        )

    async def act() -> Response:
        await run_in_threadpool(proven)
        return _confirmed(screen)

    return await ways_in.tried(screen, act, again=_confirm_page)


@router.post("/connexion/confirmer/cle", **page("signed_in"))
async def confirm_by_passkey(screen: AtAccount) -> Response:
    """By a passkey of the same person."""
    staff_id, known = ways_in.person(screen), ways_in.this_session(screen)
    asking = ways_in.asking(screen, "confirm")

    def job(session: WriteSession) -> None:
        if passkeys.prove(session, answer=screen.typed.shown("answer"), asking=asking, at=screen.at) != staff_id:
            raise PasskeyRefused
        sign_in.refresh(session, staff_id=staff_id, token_hash=known, at=screen.at)

    async def act() -> Response:
        await screen.house.write(job)
        return _confirmed(screen)

    return await ways_in.tried(screen, act, again=_confirm_page)


def _confirmed(screen: Screen) -> Response:
    return screen.go(
        ways_in.wanted(screen) or "/compte",
        said=_("Merci, c'est bien vous. Vous pouvez reprendre : ce sera valable un quart d'heure."),
    )


# ── Signing out, the language ────────────────────────────────────────────────────────────────────────────────────
@router.post("/deconnexion", **page("public"))
async def sign_out(screen: AtScreen) -> Response:
    """The session ends, here and on the server."""
    known = session_hash(screen.request, screen.house)
    if screen.caller is not None and known is not None:
        await ways_in.end_session(screen, ways_in.person(screen), known)
    answer = screen.go("/connexion", said=_("Vous êtes déconnecté. À bientôt !"))
    set_cookie(answer, screen.request, session_cookie(screen.request), "", seconds=0)
    return answer


@router.post("/langue", **page("public"))
async def speak(screen: AtScreen) -> Response:
    """Another language, on the same page."""
    given = screen.typed.shown("suite")
    answer = screen.go(ways_in.local_path(screen, given) or (given if given in _SIGN_IN_PAGES else "/"))
    set_cookie(answer, screen.request, "language", screen.typed.choice("langue", LANGUAGES), seconds=_A_YEAR_S)
    return answer


_SIGN_IN_PAGES: Final = frozenset(
    {"/connexion", "/connexion/lien", "/connexion/lien/ouvrir", "/connexion/confirmer", "/invitation"}
)
