"""The guard at the door: who is calling, may they, and was this asked before.

Each route says in its declaration what it does: `does(Act.ORDER_PLACE)`, or that it is for the signed in, for a till,
for the public. A person comes with a bearer token, a till signs each request (`tills.py`); nothing else identifies.
Every route that changes something takes an Idempotency-Key, and the key, the act and the answer are one transaction,
durable before the answer leaves. What the guard itself refuses (401, 403, 404 of a stranger, 429) is not kept under a
key; what the verb refuses is.

Why `async`: a route that waits for a commit must not hold a thread. On SQLite it waits on the future of the one
writer; on PostgreSQL a thread runs the transaction. A caller who goes away does not interrupt either.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal, NamedTuple, TypedDict, TypeVar

from fastapi import Depends, Header, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from vouchers import access, attempts, clock, codes, keys, order_book, sign_in, tills
from vouchers.access import Act, Caller, Within
from vouchers.api import problems
from vouchers.api.fields import NumberInPath, unpacked
from vouchers.api.shapes import shown
from vouchers.db import Database, Job, ReadSession, WriteSession
from vouchers.errors import KeyMissing, NotSignedIn, Refusal, SignatureInvalid, TooManyAttempts
from vouchers.keys import Key
from vouchers.tills import NonceMemory, PairedTill, SignedRequest

T = TypeVar("T")
Door = Act | Literal["public", "signed_in"]

_KEY: Final = re.compile(r"[\x21-\x7e]{1,64}", re.ASCII)
_BEARER: Final = re.compile(r"[Bb]earer ([\x21-\x7e]{1,200})", re.ASCII)
_WHOLE: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


class Own(NamedTuple):
    """Whose an object is: a buyer's, a merchant's, or nobody's own."""

    buyer_id: int | None = None
    merchant_id: int | None = None


Owner = Callable[[ReadSession], Own]
"""Finds whose an object is. Refuses `NotFound`."""


def of_merchant(merchant_id: int) -> Owner:
    """The merchant's own."""
    return lambda _session: Own(merchant_id=merchant_id)


def of_order(programme_id: int, number: int) -> Owner:
    """The buyer's whose order it is."""
    return lambda session: Own(buyer_id=order_book.find(session, programme_id=programme_id, number=number).buyer_id)


@dataclass(frozen=True, slots=True)
class House:
    """What the doors share as long as the process lives."""

    database: Database
    pepper: bytes
    session_key: bytes
    session_lasts: timedelta
    nonces: NonceMemory
    build: str

    async def read(self, job: Callable[[ReadSession], T]) -> T:
        """What `job` finds."""
        return await run_in_threadpool(self.database.read, job)

    async def write(self, job: Job[T]) -> T:
        """What `job` did, once it is durable. Whoever stops waiting does not stop it."""
        if self.database.dialect == "sqlite":
            return await asyncio.shield(asyncio.wrap_future(self.database.submit(job)))
        return await run_in_threadpool(self.database.write, job)


def house_of(request: Request) -> House:
    """The house this application was made for."""
    found: House = request.app.state.house
    return found


AtHouse = Annotated[House, Depends(house_of)]


# ── What a route does ────────────────────────────────────────────────────────────────────────────────────────────
_REFUSED: Final[dict[str, tuple[int, ...]]] = {"public": (429,), "signed_in": (401,), "act": (401, 403, 404)}
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "reason"],
    "properties": {
        "type": {"type": "string", "examples": ["/problems/not_found"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "French, or English by Accept-Language"},
        "reason": {"type": "string", "description": "Stable: for programs"},
    },
}


def does(
    door: Door, *, gives: Any = None, status: int = 200, media: str | None = None, refuses: tuple[int, ...] = ()
) -> dict[str, Any]:
    """What a route declares: the act it does (or who it is for), what it gives, and that it may refuse.

    `gives` is the shape of the answer, for the document alone: answers are not validated again on their way out.
    `refuses`: the statuses that others of its kind do not have.
    """
    responses: dict[int | str, dict[str, Any]] = {status: {"description": "Done"}}
    if gives is not None:
        responses[status]["model"] = gives
    if media is not None:
        responses[status]["content"] = {media: {"schema": {"type": "string", "format": "binary"}}}
    kind = door if isinstance(door, str) and not isinstance(door, Act) else "act"
    for refused in sorted({400, 409, 410, 413, 422, 429, 431, 503, *_REFUSED[kind], *refuses}):
        content = {"application/problem+json": {"schema": _PROBLEM}}
        responses[refused] = {"description": "A problem (RFC 9457)", "content": content}
    return {
        "status_code": status,
        "responses": responses,
        "response_class": JSONResponse if media is None else Response,
        "response_model": None,
        "openapi_extra": {"x-act": str(door)},
    }


def act_of(request: Request) -> Act:
    """The act that the route declares."""
    return Act(request.scope["route"].openapi_extra["x-act"])


# ── Who is calling ───────────────────────────────────────────────────────────────────────────────────────────────
def token_hash_of(request: Request) -> bytes:
    """The hash of the bearer token. Refuses `NotSignedIn`."""
    given = _BEARER.fullmatch(request.headers.get("authorization", ""))
    if given is None:
        raise NotSignedIn
    return codes.token_hash(house_of(request).session_key, given[1])


async def _signed_in(request: Request, house: AtHouse) -> Caller:
    known, at = token_hash_of(request), clock.now()
    return await house.read(lambda session: sign_in.caller_of_token(session, token_hash=known, at=at))


SignedIn = Annotated[Caller, Depends(_signed_in)]
"""A person, or a program that acts for one."""


def staff_id_of(caller: Caller) -> int:
    """The number of the person who calls."""
    return int(caller.actor.partition(":")[2])


class Doing(TypedDict):
    """Where, who and when."""

    programme_id: int
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Desk:
    """A person at work in one programme: may do this act at all; `of` says on whose objects."""

    house: House
    caller: Caller
    act: Act
    programme_id: int
    at: datetime

    @property
    def doing(self) -> Doing:
        """What every verb that changes something is told."""
        return {"programme_id": self.programme_id, "actor": self.caller.actor, "at": self.at}

    @property
    def reach(self) -> Within:
        """How much of the programme the caller may act on. Refuses `NotFound` to a stranger, `Forbidden` to a role."""
        return access.within(self.caller, self.act, programme_id=self.programme_id)

    def allow(self, session: ReadSession, of: Owner | None) -> None:
        """Refuses `Forbidden` for an object that is not the caller's to act on, `NotFound` where there is none."""
        own = Own() if of is None or self.reach.everything else of(session)
        access.may(self.caller, self.act, programme_id=self.programme_id, **own._asdict())
        access.freshly(self.caller, self.act, at=self.at)

    def allow_all(self) -> None:
        """For what is nobody's own: refuses `Forbidden` to a role that does not reach the whole programme."""
        access.may(self.caller, self.act, programme_id=self.programme_id)

    async def read(self, job: Callable[[ReadSession], T], *, of: Owner | None = None) -> T:
        """What `job` finds, if the caller may."""

        def allowed(session: ReadSession) -> T:
            self.allow(session, of)
            return job(session)

        return await self.house.read(allowed)

    async def answer(self, job: Callable[[ReadSession], Any], *, of: Owner | None = None) -> Response:
        """What `job` finds, as JSON."""
        return JSONResponse(await self.read(lambda session: shown(job(session)), of=of))

    async def answer_within(self, job: Callable[[ReadSession, Within], Any]) -> Response:
        """A list, as JSON: `job` is told how much of it the caller may see."""
        return JSONResponse(await self.house.read(lambda session: shown(job(session, self.reach))))


@dataclass(frozen=True, slots=True)
class KeyedDesk(Desk):
    """A desk whose act is done once under the caller's key."""

    key: Key

    async def once(self, act: Callable[[WriteSession], Any], *, of: Owner | None = None, status: int = 200) -> Response:
        """`act`, once and durable, as the answer that it gives or gave."""
        return said(await self.done(act, of=of), status=status)

    async def done(self, act: Callable[[WriteSession], Any], *, of: Owner | None = None) -> keys.Answer:
        """`act`, once and durable; for a route whose answer holds more than is kept."""

        def job(session: WriteSession) -> keys.Answer:
            self.allow(session, of)
            programme_id, at = self.programme_id, self.at
            return keys.once(session, programme_id=programme_id, key=self.key, at=at, act=lambda: shown(act(session)))

        return await self.house.write(job)


async def _desk(request: Request, house: AtHouse, caller: SignedIn, programme_id: NumberInPath) -> Desk:
    desk = Desk(house, caller, act_of(request), programme_id, clock.now())
    assert desk.reach
    return desk


AtDesk = Annotated[Desk, Depends(_desk)]


async def _keyed_desk(
    request: Request,
    desk: AtDesk,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=64, examples=["5f0c7d1e-0b1c-4a49"])] = None,
) -> KeyedDesk:
    key = Key(desk.caller.actor, _key(idempotency_key), await _fingerprint(request))
    return KeyedDesk(desk.house, desk.caller, desk.act, desk.programme_id, desk.at, key)


AtKeyedDesk = Annotated[KeyedDesk, Depends(_keyed_desk)]


# ── Tills ────────────────────────────────────────────────────────────────────────────────────────────────────────
class NotKept(Exception):
    """Carries a refusal of the guard past `keys.once`, which would keep it under the key for ever."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class AtCounter:
    """A till whose signature is good, at this moment."""

    house: House
    till: PairedTill
    at: datetime
    key: str

    async def read(self, job: Callable[[ReadSession], T]) -> T:
        """What `job` finds."""
        return await self.house.read(job)

    async def once(
        self,
        request: Request,
        act: Callable[[WriteSession], dict[str, Any]],
        *,
        guesses: list[attempts.Scope],
        counts: tuple[type[Refusal], ...],
    ) -> Response:
        """`act`, once under the till's key. `guesses` stop a new key only, so that a retry is always answered."""
        programme_id, at, house = self.till.programme_id, self.at, self.house
        key = Key(self.till.caller().actor, _key(self.key), await _fingerprint(request))
        short = attempts.are_short(guesses)
        used_up = await run_in_threadpool(attempts.used_up, house.database, scopes=guesses, at=at) if short else None
        taken = short and used_up is None

        def job(session: WriteSession) -> keys.Answer:
            def unless_throttled() -> dict[str, Any]:
                try:
                    if used_up is not None:
                        raise used_up
                    if guesses and not short:
                        attempts.check(session, scopes=guesses, at=at)
                except TooManyAttempts as refusal:
                    raise NotKept(refusal) from None
                return act(session)

            return keys.once(session, programme_id=programme_id, key=key, at=at, act=unless_throttled)

        wrong = taken  # A request cut off while it is judged keeps its attempt.
        try:
            answer = await house.write(job)
            wrong = isinstance(answer.refusal, counts) and not answer.replayed
        except Exception as fault:
            wrong = isinstance(fault, NotKept) and isinstance(fault.refusal, counts)
            raise
        finally:
            if taken or wrong:
                await run_in_threadpool(
                    attempts.judged, house.database, scopes=guesses, at=at, taken=taken, wrong=wrong
                )
        return said(answer, status=201)


SIGNED_HEADERS: Final = {"vouchers-till": 18, "vouchers-time": 18, "vouchers-nonce": 22, "vouchers-signature": 86}
"""What a till sends beside its key and the body, and the most characters of each."""


Revoked = Literal["refused", "heard"]


async def counter_of(
    request: Request, house: House, act: Act, given: Mapping[str, str], *, revoked: Revoked = "refused"
) -> AtCounter:
    """The till that signed this request with the headers `given`. Refuses as `tills.check_request`."""
    if not (_WHOLE.fullmatch(given["vouchers-till"]) and _WHOLE.fullmatch(given["vouchers-time"])):
        raise SignatureInvalid
    query = request.scope["query_string"].decode("latin-1")
    path = request.scope["raw_path"].decode("latin-1").partition("?")[0]
    signed = SignedRequest(
        till_id=int(given["vouchers-till"]),
        method=request.method,
        path=f"{path}?{query}" if query else path,
        time_ms=int(given["vouchers-time"]),
        nonce=given["vouchers-nonce"],
        # Signed wherever it is sent; only a door that writes declares it, and demands it.
        key=request.headers.get("idempotency-key", ""),
        body=await request.body(),
        signature=unpacked(given["vouchers-signature"]),
    )
    at = clock.now()
    till = await house.read(
        lambda session: tills.check_request(
            session, request=signed, pepper=house.pepper, nonces=house.nonces, at=at, revoked=revoked
        )
    )
    access.may(till.caller(), act, programme_id=till.programme_id, merchant_id=till.merchant_id)
    return AtCounter(house, till, at, signed.key)


async def _signed(
    *,
    vouchers_till: Annotated[str, Header(max_length=18)] = "",
    vouchers_time: Annotated[str, Header(max_length=18)] = "",
    vouchers_nonce: Annotated[str, Header(max_length=22)] = "",
    vouchers_signature: Annotated[str, Header(max_length=86)] = "",
) -> dict[str, str]:
    given = (vouchers_till, vouchers_time, vouchers_nonce, vouchers_signature)
    return dict(zip(SIGNED_HEADERS, given, strict=True))


Signed = Annotated[dict[str, str], Depends(_signed)]


async def _counter(request: Request, house: AtHouse, given: Signed) -> AtCounter:
    return await counter_of(request, house, act_of(request), given)


async def _last_counter(request: Request, house: AtHouse, given: Signed) -> AtCounter:
    return await counter_of(request, house, act_of(request), given, revoked="heard")


Counter = Annotated[AtCounter, Depends(_counter)]
LastCounter = Annotated[AtCounter, Depends(_last_counter)]
"""A counter at which a revoked till is heard as well: `till.revoked_at` says so."""


async def _keyed_counter(
    counter: Counter, _idempotency_key: Annotated[str, Header(alias="idempotency-key", max_length=64)] = ""
) -> AtCounter:
    return keyed(counter)


KeyedCounter = Annotated[AtCounter, Depends(_keyed_counter)]
"""A counter whose act is done once under the till's key."""


def keyed(counter: AtCounter) -> AtCounter:
    """A counter for an act that is done once. Refuses `KeyMissing`."""
    _key(counter.key)
    return counter


# ── Keys and answers ─────────────────────────────────────────────────────────────────────────────────────────────
def said(answer: keys.Answer, *, status: int, more: dict[str, Any] | None = None) -> Response:
    """What was answered under a key, and what is not kept (`more`); raises the refusal, marked where it is repeated."""
    if answer.refusal is not None:
        if answer.replayed:
            raise Replayed(answer.refusal)
        raise answer.refusal
    headers = {"Idempotency-Hit": "true"} if answer.replayed else None
    return JSONResponse({**answer.accepted(), **(more or {})}, status_code=status, headers=headers)


class Replayed(Exception):
    """A refusal that was the first answer under this key."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


def address_of(request: Request) -> str:
    """Where the call comes from, for the throttles."""
    host = request.client.host if request.client else ""
    # Behind a proxy that trusts anyone, a caller names it: but nobody is at the terminal from afar.
    return "nowhere" if host in {"", attempts.TERMINAL} else host


def _key(given: str | None) -> str:
    if given is None or _KEY.fullmatch(given) is None:
        raise KeyMissing
    return given


async def _fingerprint(request: Request) -> bytes:
    """Method, path and the values of the body: neither the order of its fields nor its spaces are content."""
    body = await request.body()
    try:
        plain = json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode() if body else b""
    except (ValueError, RecursionError):
        plain = body
    return codes.request_hash(house_of(request).pepper, f"{request.method} {request.url.path}\n".encode() + plain)


def language_of(request: Request) -> problems.Language:
    """The language of the answer."""
    return problems.language_of(request)
