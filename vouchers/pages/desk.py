"""The guard at the doors of the pages: the same as the API's (`api/guard.py`), for a browser.

A person comes with a session cookie. Every form carries a token bound to that cookie (or, before sign-in, to a
visitor's), and a key of its own: sending it twice does the act once. A refusal shows the form again with what was
typed and the sentence beside the field; what the guard itself refuses becomes a page that says what to do.

    @router.get("/commandes/{number}", **page(Act.ORDER_READ))
    async def one(desk: AtDesk, number: NumberInPath) -> Response:
        order = await desk.read(lambda session: order_book.find(…), of=of_order(desk.programme_id, number))
        return await desk.show("orders/order.html", order=order)

    @router.post("/commandes/{number}/approbation", **page(Act.ORDER_APPROVE))
    async def approve(desk: AtForm, number: NumberInPath) -> Response:
        return await desk.once(
            lambda session: order.approve(session, **desk.doing, number=number),
            of=of_order(desk.programme_id, number),
            then=f"{desk.home}/commandes/{number}",
            said=_("La commande est approuvée."),
            again=lambda desk: _show(desk, number),
        )
"""

import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from vouchers import clock, codes, keys, people, sign_in
from vouchers.access import PERMISSIONS, Act, Caller
from vouchers.api import guard, problems
from vouchers.api.fields import NumberInPath
from vouchers.api.guard import AtHouse, Desk, Door, House, Owner
from vouchers.api.shapes import shown
from vouchers.config import Setting
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import FormExpired, NotSignedIn, Refusal
from vouchers.keys import Key
from vouchers.pages import look
from vouchers.pages.forms import Typed, Upload, in_words
from vouchers.pages.language import LANGUAGES, Language, _, say
from vouchers.pages.menu import menu_of
from vouchers.rules import names_of

T = TypeVar("T")
CSRF_FIELD: Final = "csrf"
KEY_FIELD: Final = "key"
REFUSED: Final = "Vouchers-Refusal"
"""The header that names why a page was refused, for programs; a missing object says of which kind it is."""
_NOTICE: Final = "notice"
_LANGUAGE: Final = "language"
_VISITOR: Final = "visitor"
_MOST_FIELDS: Final = 2_000
_MOST_FILES: Final = 4
_NOTICE_SECONDS: Final = 60
_GUARDS_OWN: Final = frozenset({"not_signed_in", "forbidden", "sign_in_not_fresh", "too_many_attempts", "form_expired"})


def page(door: Door) -> dict[str, Any]:
    """What a route of pages declares: the act it does, or that it is 'public' or for the 'signed_in'."""
    return {"response_class": HTMLResponse, "response_model": None, "openapi_extra": {"x-act": str(door)}}


# ── Who looks, and what they typed ───────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Screen:
    """A browser at a page: in which language, what it typed, and who sits there (None: anybody)."""

    house: House
    request: Request
    language: Language
    typed: Typed
    caller: Caller | None
    at: datetime
    cookie: str
    fresh_cookie: bool

    @property
    def csrf(self) -> str:
        """What every form on this page carries."""
        return form_token(self.house.session_key, self.cookie)

    def refused(self, refusal: Refusal) -> "Screen":
        """The same screen, whose form comes back."""
        return replace(self, typed=self.typed.refused(refusal))

    def for_all(self) -> "Screen":
        """The screen of a page without forms that is the same for everybody: no cookie is set, nobody is signed in.

        Its language may stand in its address (`?langue=en`), since no form changes it there.
        """
        asked = self.request.query_params.get("langue", "")
        language = next((one for one in LANGUAGES if one == asked), self.language)
        return replace(self, language=language, caller=None, fresh_cookie=False)

    def say(self, sentence: str, **values: object) -> str:
        """A marked sentence in the language of this screen."""
        return say(sentence, self.language, **values)

    def show(self, template: str, *, status: int | None = None, **values: Any) -> Response:
        """A page. A form that came back has the status of its refusal."""
        refusal = self.typed.refusal
        known = status or (problems.STATUS[refusal.reason] if refusal is not None else 200)
        told = {
            "programme": None, "programmes": [], "menu": [], "person": None, "caller": self.caller, "home": "",
            "path": self.request.url.path, "csrf": self.csrf, "key": secrets.token_urlsafe(16), "typed": self.typed,
            "notice": _read_notice(self.request), "at": self.at, "today": clock.book_day(self.at), **values,
        }  # fmt: skip
        answer = HTMLResponse(look.drawn(template, self.language, **told), status_code=known)
        answer.headers["Vary"] = "Accept-Language, Cookie"
        if told["notice"] is not None:
            answer.delete_cookie(_NOTICE, path="/")
        if self.fresh_cookie:
            set_cookie(answer, self.request, _VISITOR, self.cookie, seconds=None)
        return answer

    def go(self, path: str, *, said: str = "") -> Response:
        """On to another page of ours, which shows what was `said` (marked for translation, or plain) once."""
        answer = RedirectResponse(path, status_code=303)
        if said:
            kept = urlsafe_b64encode(self.say(said).encode()).decode()
            set_cookie(answer, self.request, _NOTICE, kept, seconds=_NOTICE_SECONDS)
        return answer


def set_cookie(answer: Response, request: Request, name: str, value: str, *, seconds: int | None) -> None:
    """A cookie that no script reads and no other site sends; over HTTPS alone in production."""
    secure = request.app.state.settings.environment is Setting.PRODUCTION
    answer.set_cookie(name, value, max_age=seconds, path="/", secure=secure, httponly=True, samesite="lax")


def session_cookie(request: Request) -> str:
    """The name of the session's cookie; in production one that only HTTPS and this very host can set."""
    secure = request.app.state.settings.environment is Setting.PRODUCTION
    return "__Host-session" if secure else "session"


def session_hash(request: Request, house: House) -> bytes | None:
    """The hash of the session that the browser shows; None where it shows none."""
    given = request.cookies.get(session_cookie(request), "")
    return codes.token_hash(house.session_key, given) if given else None


def _language(request: Request) -> Language:
    chosen = request.cookies.get(_LANGUAGE, "")
    return next((one for one in LANGUAGES if one == chosen), problems.language_of(request))


def language_of(request: Request) -> Language:
    """The language of the pages: the one that was chosen, else what the browser asks for, else French."""
    return _language(request)


def form_token(session_key: bytes, cookie: str) -> str:
    """What every form carries that is shown to the browser with this cookie."""
    return hmac.digest(session_key, b"form:" + cookie.encode(), "sha256").hex()


def _read_notice(request: Request) -> str | None:
    try:
        return urlsafe_b64decode(request.cookies.get(_NOTICE, "").encode()).decode() or None
    except ValueError:
        return None


async def screen_of(request: Request, house: AtHouse) -> Screen:
    """The screen of this request, its form read and its token checked. Refuses `FormExpired`."""
    at, known = clock.now(), session_hash(request, house)
    caller: Caller | None = None
    if known is not None:
        try:
            caller = await house.read(lambda session: sign_in.caller_of_token(session, token_hash=known, at=at))
        except NotSignedIn:
            caller = None
    cookie = request.cookies.get(session_cookie(request) if caller is not None else _VISITOR, "")
    fresh = not cookie
    cookie = cookie or secrets.token_urlsafe(16)
    typed = Typed()
    if any("\0" in value for value in request.query_params.values()):
        raise HTTPException(404)  # no link of ours, and PostgreSQL keeps no such text
    if request.method == "POST":
        if caller is None and known is not None and _door_of(request) != "public":
            raise NotSignedIn  # the session ended while the form was being filled in
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            raise FormExpired
        typed = await _typed(request)
        wanted = form_token(house.session_key, cookie)
        if fresh or not hmac.compare_digest(typed.shown(CSRF_FIELD).encode(), wanted.encode()):
            raise FormExpired
    return Screen(house, request, _language(request), typed, caller, at, cookie, fresh)


def _door_of(request: Request) -> str:
    return str(request.scope["route"].openapi_extra["x-act"])


async def _typed(request: Request) -> Typed:
    kind = request.headers.get("content-type", "").lower()
    if kind.startswith("multipart/") and "charset" in kind:
        raise HTTPException(415)  # no browser names one, and some give texts that nothing can write down
    values: dict[str, list[str]] = {}
    uploads: dict[str, Upload] = {}
    async with request.form(max_files=_MOST_FILES, max_fields=_MOST_FIELDS) as form:
        for name, given in form.multi_items():
            if isinstance(given, UploadFile):
                content = await given.read()
                if content:
                    uploads[name] = Upload(given.filename or "", content)
            else:
                values.setdefault(name, []).append(given)
    return Typed({name: tuple(given) for name, given in values.items()}, uploads)


AtScreen = Annotated[Screen, Depends(screen_of)]
"""Anybody, signed in or not: for a page that declares itself 'public'."""


async def _signed_in(screen: AtScreen) -> Screen:
    if screen.caller is None:
        raise NotSignedIn
    return screen


AtAccount = Annotated[Screen, Depends(_signed_in)]
"""A person signed in, outside any programme."""


# ── At work in a programme ───────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class PageDesk(Desk):
    """A person at work in one programme, in a browser."""

    screen: Screen

    @property
    def home(self) -> str:
        """The address of this programme's desk, without a slash at its end."""
        return f"/p/{self.programme_id}"

    @property
    def typed(self) -> Typed:
        """What was typed."""
        return self.screen.typed

    @property
    def language(self) -> Language:
        """The language of the page."""
        return self.screen.language

    def say(self, sentence: str, **values: object) -> str:
        """A marked sentence in the language of this screen."""
        return self.screen.say(sentence, **values)

    def may(self, act: Act) -> bool:
        """Whether the caller's roles have this act here at all: for what a page offers, never for what is done."""
        return any(one.role in PERMISSIONS[act] for one in self.caller.held if one.programme_id == self.programme_id)

    async def show(self, template: str, *, status: int | None = None, **values: Any) -> Response:
        """A page of this programme, with its menu."""
        framed = await self.house.read(lambda session: _frame(session, self.caller, self.programme_id))
        told = {"menu": menu_of(self.caller, self.programme_id), "home": self.home, "may": self.may, "Act": Act}
        return self.screen.show(template, status=status, **{**framed, **told, **values})

    def go(self, path: str, *, said: str = "") -> Response:
        """On to another page of ours."""
        return self.screen.go(path, said=said)

    def refused(self, refusal: Refusal) -> "PageDesk":
        """The same desk, whose form comes back."""
        return replace(self, screen=self.screen.refused(refusal))

    async def once(
        self,
        act: Callable[[WriteSession], Any],
        *,
        then: str | Callable[[dict[str, Any]], str],
        said: str = "",
        of: Owner | None = None,
        again: Callable[["PageDesk"], Awaitable[Response]] | None = None,
    ) -> Response:
        """`act`, once and durable under the form's key, then on to `then` (told what `act` gave, as JSON carries it).

        A refusal of the verb shows the form `again`. What `act` gives is kept under the key: no secret may be in it.
        """
        key = self._key()

        def job(session: WriteSession) -> keys.Answer:
            self.allow(session, of)
            return keys.once(
                session, programme_id=self.programme_id, key=key, at=self.at, act=lambda: _as_kept(act(session))
            )

        return await self._then(lambda: self._done(job), then=then, said=said, again=again)

    async def unkept(
        self,
        act: Callable[[WriteSession], T],
        *,
        of: Owner | None = None,
    ) -> T:
        """What `act` gives, durable and kept under no key: for an answer that holds a secret."""

        def job(session: WriteSession) -> T:
            self.allow(session, of)
            return act(session)

        return await self.house.write(job)

    async def tried(
        self,
        act: Callable[[], Awaitable[Response]],
        *,
        again: Callable[["PageDesk"], Awaitable[Response]],
    ) -> Response:
        """`act`, whose refusal (of what was typed, or of a verb) shows the form `again`."""
        try:
            return await act()
        except Refusal as refusal:
            if refusal.reason in _GUARDS_OWN:
                raise
            return await again(self.refused(refusal))

    async def _done(self, job: Callable[[WriteSession], keys.Answer]) -> dict[str, Any]:
        return (await self.house.write(job)).accepted()

    async def _then(
        self,
        act: Callable[[], Awaitable[dict[str, Any]]],
        *,
        then: str | Callable[[dict[str, Any]], str],
        said: str,
        again: Callable[["PageDesk"], Awaitable[Response]] | None,
    ) -> Response:
        async def on() -> Response:
            made = await act()
            return self.go(then if isinstance(then, str) else then(made), said=said)

        return await on() if again is None else await self.tried(on, again=again)

    def _key(self) -> Key:
        """Of this form with this content: whoever goes back, puts something right and sends again does another act."""
        if not self.typed.shown(KEY_FIELD):
            raise FormExpired
        content = self._fingerprint()
        return Key(self.caller.actor, f"form {codes.base64url(content)}", content)

    def _fingerprint(self) -> bytes:
        kept = {name: list(given) for name, given in self.typed.values.items() if name != CSRF_FIELD}
        files = {name: codes.file_hash(given.content) for name, given in self.typed.uploads.items()}
        plain = json.dumps([kept, files], sort_keys=True, separators=(",", ":")).encode()
        request = self.screen.request
        return codes.request_hash(self.house.pepper, f"{request.method} {request.url.path}\n".encode() + plain)


def _as_kept(value: Any) -> dict[str, Any]:
    kept = shown(value)
    if isinstance(kept, dict):
        return kept
    return {} if kept is None else {"value": kept}


def _frame(session: ReadSession, caller: Caller, programme_id: int) -> dict[str, Any]:
    """What stands around every page of a desk: the programme's name, the others one may go to, who is signed in."""
    held = {one.programme_id for one in caller.held}
    named = [{"id": number, "name": name} for number, name in names_of(session, programme_ids=held)]
    return {
        "programmes": named,
        "programme": next((one for one in named if one["id"] == programme_id), None),
        "person": people.name_of(session, staff_id=guard.staff_id_of(caller)),
    }


async def _at_desk(screen: AtAccount, programme_id: NumberInPath) -> PageDesk:
    assert screen.caller is not None
    act = guard.act_of(screen.request)
    desk = PageDesk(screen.house, screen.caller, act, programme_id, screen.at, screen)
    assert desk.reach
    return desk


AtDesk = Annotated[PageDesk, Depends(_at_desk)]
"""A person at work in the programme of the path: for a page that declares an `Act`."""
AtForm = AtDesk
"""The same, where a form is sent: its token was checked, and `once` does its act once."""


def download(content: bytes, *, name: str, media: str) -> Response:
    """A file to be kept. `name` may hold accents (RFC 6266)."""
    plain = name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
    headers = {"Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"}
    return Response(content, media_type=media, headers=headers)


# ── What went wrong, as a page ───────────────────────────────────────────────────────────────────────────────────
def is_page(request: Request) -> bool:
    """Whether a browser stands there: everything but the API's doors, the till and its problems."""
    return not request.url.path.startswith(("/api/", "/problems/", "/till", "/desk/"))


def refusal_page(request: Request, refusal: Refusal, *, status: int) -> Response:
    """What the guard refuses: on to the sign-in and back, or a page that says why and what to do."""
    asked = request.url.query if request.method == "GET" else ""
    back = quote(f"{request.url.path}?{asked}" if asked else request.url.path, safe="/")
    if refusal.reason == "not_signed_in":
        return RedirectResponse(f"/connexion?suite={back}", status_code=303)
    if refusal.reason == "sign_in_not_fresh":
        where = quote(request.headers.get("referer", ""), safe="")
        return RedirectResponse(f"/connexion/confirmer?suite={where or back}", status_code=303)
    shown = _plain_page(request, title=in_words(refusal, _language(request)), status=status, reason=refusal.reason)
    named = f"{refusal.reason} {refusal.data.get('what', '')}".strip()
    shown.headers[REFUSED] = named.encode("ascii", "replace").decode()
    return shown


_FAULTS: Final = {
    "body_too_large": _("Ce que vous avez envoyé est trop lourd."),
    "failed": _("Une erreur s'est produite chez nous ; elle est notée."),
    "outcome_unknown": _("Nous ne savons pas encore si c'est fait."),
    "busy": _("Trop de monde à la fois : rien n'a été fait."),
}
"""What a person is told where a program is told of bodies and keys; whatever else fails is an address that is none."""


def fault_page(request: Request, fault: str, *, status: int) -> Response:
    """What goes wrong before a verb is reached, as a page."""
    title = say(_FAULTS.get(fault, _("Cette adresse n'existe pas.")), _language(request))
    return _plain_page(request, title=title, status=status, reason="")


def _plain_page(request: Request, *, title: str, status: int, reason: str) -> Response:
    language = _language(request)
    return HTMLResponse(
        look.drawn("parts/refused.html", language, title=title, status=status, reason=reason, path=request.url.path),
        status_code=status,
    )
