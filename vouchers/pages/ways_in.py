"""What the pages of sign-in, account and invitation share: who stands there, where one goes next, letters."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from vouchers import access, codes, letterbox, sign_in
from vouchers.access import Caller, Role
from vouchers.api.guard import staff_id_of
from vouchers.config import Setting, Settings
from vouchers.errors import MailNotSent, NotFound, NotSignedIn, Refusal, SignInNotFresh
from vouchers.letterbox import Letter
from vouchers.pages.desk import Screen, session_cookie, session_hash, set_cookie
from vouchers.pages.language import _
from vouchers.passkeys import Asking, Site
from vouchers.sign_in import Opened, Opening, Step

STEP_COOKIE: Final = "step"
_GUARDS_OWN: Final = frozenset({"not_signed_in", "sign_in_not_fresh", "form_expired"})
_CHAMBER: Final = frozenset({Role.TREASURER, Role.APPROVER, Role.ADMINISTRATOR, Role.AUDITOR})
_BUYER: Final = frozenset({Role.BUYER_CLERK, Role.BUYER_APPROVER})
_HIDDEN: Final = re.compile(r"[\x00-\x20\\\x7f-\x9f]")

ROLE_WORDS: Final = {
    "treasurer": _("Trésorier"),
    "approver": _("Approbateur"),
    "administrator": _("Administrateur"),
    "auditor": _("Auditeur"),
    "buyer_clerk": _("Agent de l'acheteur"),
    "buyer_approver": _("Valideur de l'acheteur"),
    "merchant_owner": _("Commerçant"),
}
"""The roles as people call them."""
MEANS_WORDS: Final = {
    "password": _("mot de passe"),
    "two_factor": _("mot de passe ou lien, et application"),
    "passkey": _("clé d'accès"),
    "link": _("lien par e-mail"),
    "recovery": _("code de secours"),
    "api": _("jeton d'un programme"),
}
"""By what a session was opened."""

_BROWSERS: Final = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("FxiOS", "Firefox"),
                    ("Chrome", "Chrome"), ("CriOS", "Chrome"), ("Safari", "Safari"))  # fmt: skip
_SYSTEMS: Final = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
                   ("Mac OS", "Mac"), ("CrOS", "Chromebook"), ("Linux", "Linux"))  # fmt: skip


# ── Who stands there ─────────────────────────────────────────────────────────────────────────────────────────────
def origin_of(screen: Screen) -> str:
    """Scheme, host and port as the browser sees them; always HTTPS in production, whatever a proxy speaks."""
    scheme = "https" if _settings(screen).environment is Setting.PRODUCTION else screen.request.url.scheme
    return f"{scheme}://{screen.request.url.netloc}"


def asking(screen: Screen, purpose: str) -> Asking:
    """By whom a passkey's challenge may be answered: this very browser, at this very site."""
    site = Site(screen.request.url.hostname or "", origin_of(screen))
    return Asking(site, purpose, screen.cookie, screen.house.session_key)


def device_of(screen: Screen) -> str:
    """'Firefox sur Windows': what a session is shown as."""
    agent = screen.request.headers.get("user-agent", "")
    browser = next((name for mark, name in _BROWSERS if mark in agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in agent), None)
    if browser is None or system is None:
        return screen.say(_("Navigateur inconnu"))
    return screen.say(_("{browser} sur {system}"), browser=browser, system=system)


def opening(screen: Screen) -> Opening:
    """How a session is opened for this browser."""
    return Opening(device_of(screen), screen.house.session_key, screen.house.session_lasts, screen.at)


def person(screen: Screen) -> int:
    """The number of who is signed in. Refuses `NotSignedIn`."""
    if screen.caller is None:
        raise NotSignedIn
    return staff_id_of(screen.caller)


def this_session(screen: Screen) -> bytes:
    """The hash of the session that asks. Refuses `NotSignedIn`."""
    known = session_hash(screen.request, screen.house)
    if known is None:
        raise NotSignedIn
    return known


def proven_lately(screen: Screen) -> bool:
    """Whether whoever sits there proved who they are less than a quarter of an hour ago."""
    proven_at = screen.caller.signed_in_at if screen.caller is not None else None
    return proven_at is not None and screen.at - proven_at <= access.FRESH


def freshly(screen: Screen) -> None:
    """Before a means of signing in changes. Refuses `SignInNotFresh`."""
    if not proven_lately(screen):
        raise SignInNotFresh(act="account")


async def tried(
    screen: Screen, act: Callable[[], Awaitable[Response]], *, again: Callable[[Screen], Awaitable[Response]]
) -> Response:
    """`act`, whose refusal shows the form `again`."""
    try:
        return await act()
    except Refusal as refusal:
        if refusal.reason in _GUARDS_OWN:
            raise
        return await again(screen.refused(refusal))


# ── Where one goes next ──────────────────────────────────────────────────────────────────────────────────────────
def local_path(screen: Screen, given: str) -> str | None:
    """A path of ours to go on to, from a path or from an address of this very site; None for anything else."""
    origin = origin_of(screen)
    path = given.removeprefix(origin) if given.startswith(f"{origin}/") else given
    if not path.startswith("/") or path.startswith("//") or len(path) > 1_000 or _HIDDEN.search(path):
        return None
    parts = urlsplit(path)
    if parts.scheme or parts.netloc or parts.path.startswith(("/connexion", "/deconnexion", "/invitation", "//")):
        return None
    return path


def wanted(screen: Screen) -> str:
    """Where one was going, as the address or the form says; empty for nowhere of ours."""
    given = screen.typed.shown("suite") or screen.request.query_params.get("suite", "")
    return local_path(screen, given) or ""


def first_page(caller: Caller) -> str:
    """Where a person's day begins: at the desk of their only programme, else at the list of their programmes."""
    programmes = {one.programme_id for one in caller.held}
    return first_page_in(caller, programmes.pop()) if len(programmes) == 1 else "/compte"


def first_page_in(caller: Caller, programme_id: int) -> str:
    """The page of a programme that is of most use to this person."""
    held = [one for one in caller.held if one.programme_id == programme_id]
    home, names = f"/p/{programme_id}", {one.role for one in held}
    if names & _CHAMBER:
        return home
    if names & _BUYER:
        return f"{home}/campagne"
    shops = {one.merchant_id for one in held if one.merchant_id is not None}
    return f"{home}/commercants/{shops.pop()}" if len(shops) == 1 else f"{home}/commercants"


async def let_in(screen: Screen, opened: Opened, *, suite: str = "", said: str = "") -> Response:
    """On to where one was going, with the new session; the one that this browser had before ends."""
    before = session_hash(screen.request, screen.house)
    house, key = screen.house, screen.house.session_key
    if screen.caller is not None and before is not None:
        await end_session(screen, staff_id_of(screen.caller), before)
    known = codes.token_hash(key, opened.secret)
    caller = await house.read(lambda session: sign_in.caller_of_token(session, token_hash=known, at=screen.at))
    answer = screen.go(suite or first_page(caller), said=said)
    answer.delete_cookie(STEP_COOKIE, path="/")
    keep_session(screen, answer, opened)
    return answer


def keep_session(screen: Screen, answer: Response, opened: Opened) -> None:
    """The cookie of a session that was just opened."""
    seconds = int((opened.expires_at - screen.at) / timedelta(seconds=1))
    set_cookie(answer, screen.request, session_cookie(screen.request), opened.secret, seconds=seconds)


async def end_session(screen: Screen, staff_id: int, token_hash: bytes) -> None:
    """It opens nothing any more; one that has ended already stays so."""
    try:
        await screen.house.write(
            lambda session: sign_in.revoke_token(session, staff_id=staff_id, token_hash=token_hash, at=screen.at)
        )
    except NotFound:
        return


def second_step(screen: Screen, step: Step, *, suite: str) -> Response:
    """The page that asks for the second factor; what was proven so far stands in a cookie of ten minutes."""
    answer = screen.show("signing_in/code.html", suite=suite)
    seconds = int(sign_in.LONGEST_STEP / timedelta(seconds=1))
    set_cookie(answer, screen.request, STEP_COOKIE, step.secret, seconds=seconds)
    return answer


# ── Letters ──────────────────────────────────────────────────────────────────────────────────────────────────────
def _settings(screen: Screen) -> Settings:
    chosen: Settings = screen.request.app.state.settings
    return chosen


def reached_at(screen: Screen) -> str:
    """Where the links of letters lead. Refuses `MailNotSent` where that, or the way of letters, is not set up.

    In production never what the request says: whoever asks for somebody's link could name a host of their own.
    """
    settings = _settings(screen)
    public = settings.public_url
    if not public and settings.environment is Setting.DEVELOPMENT:
        public = origin_of(screen)
    if not public or not letterbox.sends(settings):
        raise MailNotSent
    return public


async def posted(screen: Screen, letter: Letter) -> None:
    """One letter, on its way. Refuses `MailNotSent`."""
    await run_in_threadpool(post, _settings(screen), letter, screen)


def post(settings: Settings, letter: Letter, screen: Screen) -> None:
    """The same, from a thread."""
    with letterbox.opened(settings, at=screen.at) as send:
        send(letter)


async def can_post(screen: Screen) -> None:
    """Reaches the mail server before something is written for whose sake a letter leaves. Refuses `MailNotSent`."""

    def reached() -> None:
        with letterbox.opened(_settings(screen), at=screen.at):
            pass

    await run_in_threadpool(reached)


def posting(screen: Screen, letter: Letter) -> Callable[[], None]:
    """What sends a letter after the answer has left."""
    return lambda: post(_settings(screen), letter, screen)
