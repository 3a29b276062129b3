"""The doors of a till that works without network: the snapshot before, what it accepted after, what is in dispute.

Each entry brought back is one durable write of its own under the key that the phone gave it, so that a batch cut off
anywhere is sent again whole and nothing is done twice.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from vouchers import acceptances, clock, codes, disputes, keys, offline, redeem, snapshots, tills
from vouchers.acceptances import Entry
from vouchers.access import Act
from vouchers.api import problems
from vouchers.api.fields import Before, Body, Cents, Code, Instant, Limit, Number, unpacked
from vouchers.api.guard import Counter, LastCounter, does, language_of
from vouchers.api.shapes import Page, page
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import BadInput, KeyReused, Refusal, SignatureInvalid, VoucherRefusal, refusal_of
from vouchers.redeem import Presented
from vouchers.tills import PairedTill

router: Final = APIRouter(prefix="/till", tags=["Till"])
MOST_AT_ONCE: Final = 50
_DIGEST: Final = r"^[0-9a-f]{64}$"


class Since(Body):
    """The version that the till holds; null for a whole snapshot."""

    since: Annotated[StrictStr, Field(max_length=200)] | None = None


class Brought(Body):
    """An entry as the till signed it, and the code that it names by its digest alone."""

    entry: Annotated[StrictStr, Field(max_length=2_000, examples=['{"till":7,"number":1}'])]
    signature: Annotated[StrictStr, Field(max_length=100, examples=["AA"])]
    code: Code


class Brought50(Body):
    """Up to 50 entries, in the order of their numbers."""

    # Each is judged for itself: one that is no entry must not hold up the others.
    entries: Annotated[list[Any], Field(min_length=1, max_length=MOST_AT_ONCE)]


class Told(BaseModel):
    """What an entry says. Names that this version does not know are left to the ones after it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    till: Number
    number: Number
    previous: Annotated[StrictStr, Field(pattern=r"^([0-9a-f]{64})?$")]
    key: Annotated[StrictStr, Field(pattern=r"^[\x21-\x7e]{1,64}$")]
    digest: Annotated[StrictStr, Field(pattern=_DIGEST)]
    cents: Cents
    cashier: Number | None = None
    snapshot: Annotated[StrictStr, Field(max_length=200)]
    scanned_at: Instant


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The snapshot, and its signature by the key that `GET /till` tells."""

    snapshot: str
    signature: str


@dataclass(frozen=True, slots=True)
class Became:
    """What became of an entry: redeemed, disputed, or invalid and kept nowhere."""

    key: str | None
    outcome: str
    redemption: int | None
    serial: int | None
    cents: int | None
    undo_until: datetime | None
    dispute: int | None
    reason: str | None
    say: str | None
    used: dict[str, Any] | None
    guaranteed_cents: int | None


@dataclass(frozen=True, slots=True)
class Results:
    """What became of each entry, in the order they were sent."""

    results: list[Became]


@dataclass(frozen=True, slots=True)
class InDispute:
    """A dispute of the shop."""

    number: int
    serial: int | None
    cents: int
    reason: str
    scanned_at: datetime
    state: str
    text: str


@router.post("/snapshot", **does(Act.OFFLINE_ACCEPT, gives=Snapshot))
async def snapshot(body: Since, counter: Counter) -> Response:
    """What is spendable, and how much this till may accept without network until it asks again."""
    house, till, at = counter.house, counter.till, counter.at
    given = await house.write(
        lambda session: offline.lease(session, programme_id=till.programme_id, till_id=till.till_id, at=at)
    )

    def seen(session: ReadSession) -> str:
        return offline.snapshot(
            session,
            programme_id=till.programme_id,
            till_id=till.till_id,
            given=given,
            since=body.since,
            pepper=house.pepper,
            at=at,
        )

    text = await house.read(seen)
    signature = codes.base64url(snapshots.signed(house.pepper, text))
    return JSONResponse({"snapshot": text, "signature": signature})


@router.post("/acceptances", **does(Act.OFFLINE_ACCEPT, gives=Results))
async def bring(body: Brought50, request: Request, counter: LastCounter) -> Response:
    """Bring what was accepted without network, 50 at most; a revoked till may, and everything it brings is disputed."""
    house, language = counter.house, language_of(request)
    results = []
    for given in body.entries:
        try:
            brought = Brought.model_validate(given)
        except ValidationError:
            named = given.get("entry") if isinstance(given, dict) else None
            key = _key_in(named) if isinstance(named, str) else None
            results.append({"key": key, "outcome": "invalid", "reason": BadInput.reason})
            continue
        try:
            entry = _entry(counter.till, brought, pepper=house.pepper)

            def job(session: WriteSession, entry: Entry = entry) -> keys.Answer:
                return take_in(session, till=counter.till, entry=entry, pepper=house.pepper, at=counter.at)

            answer = await house.write(job)
        except (BadInput, SignatureInvalid, KeyReused) as refusal:
            results.append({"key": _key_in(brought.entry), "outcome": "invalid", "reason": refusal.reason})
            continue
        results.append(_became(answer.accepted(), language))
    return JSONResponse({"results": results})


@router.get("/disputes", **does(Act.DISPUTE_READ, gives=Page[InDispute]))
async def listed(request: Request, counter: Counter, before: Before = None, limit: Limit = 200) -> Response:
    """The shop's disputes, newest first."""
    till, language = counter.till, language_of(request)
    found = await counter.read(
        lambda session: disputes.disputes_of(
            session,
            programme_id=till.programme_id,
            merchant_ids=frozenset({till.merchant_id}),
            before=before,
            limit=limit,
        )
    )
    part = page(found, limit=limit, number=lambda one: one.number)
    shown = [
        {
            "number": one.number,
            "serial": one.serial,
            "cents": one.cents,
            "reason": one.reason,
            "scanned_at": clock.iso(one.scanned_at),
            "state": one.state,
            "text": one.text(language),
        }
        for one in found
    ]
    return JSONResponse({**part, "items": shown})


# ── One entry ────────────────────────────────────────────────────────────────────────────────────────────────────
def _entry(till: PairedTill, brought: Brought, *, pepper: bytes) -> Entry:
    """The entry, if this till signed it, for the code that comes with it. Refuses `BadInput`, `SignatureInvalid`."""
    code = codes.code_from_text(brought.code)
    try:
        told = Told.model_validate_json(brought.entry)
        entry = Entry(
            text=brought.entry,
            signature=unpacked(brought.signature),
            code=code or "",
            number=told.number,
            previous=told.previous,
            key=told.key,
            digest=bytes.fromhex(told.digest),
            cents=told.cents,
            cashier_id=told.cashier,
            snapshot=told.snapshot,
            scanned_at=told.scanned_at,
        )
        tills.verify_by(till, message=brought.entry.encode(), signature=entry.signature, pepper=pepper)
    except (ValidationError, UnicodeEncodeError):
        raise BadInput(field="entry", problem="unlike") from None
    salt = codes.offline_salt(pepper, till.programme_id)
    if told.till != till.till_id or code is None or codes.offline_digest(salt, code) != entry.digest:
        raise BadInput(field="entry", problem="unlike")
    return entry


def _key_in(text: str) -> str | None:
    """The key that an entry names, so that the phone knows which of its own is meant."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    key = said.get("key") if isinstance(said, dict) else None
    return key if isinstance(key, str) and len(key) <= 64 else None


def take_in(session: WriteSession, *, till: PairedTill, entry: Entry, pepper: bytes, at: datetime) -> keys.Answer:
    """Redeem an entry or open its dispute, once under its key, in one transaction. Refuses `KeyReused`, nothing else.

    Two verbs in one breath: what redeeming wrote before it refused is undone, and the dispute stands in its place.
    """

    def act() -> dict[str, Any]:
        brought = acceptances.bring(
            session, programme_id=till.programme_id, till_id=till.till_id, entry=entry, pepper=pepper, at=at
        )
        try:
            acceptances.refuse_revoked(brought)
            with session.begin_nested():
                done = redeem.redeem(
                    session,
                    programme_id=till.programme_id,
                    merchant_id=brought.merchant_id,
                    till_id=till.till_id,
                    basket=[Presented(code_hash=codes.code_hash(pepper, entry.code), cents=entry.cents)],
                    sale_cents=None,
                    cashier_id=brought.cashier_id,
                    at=at,
                    accepted_at=brought.believed_at,
                )
        except Refusal as refusal:
            opened = acceptances.keep_disputed(session, brought=brought, refusal=refusal, pepper=pepper)
            return {
                "key": entry.key,
                "outcome": "disputed",
                "dispute": opened.number,
                "serial": opened.serial,
                "cents": entry.cents,
                "reason": refusal.reason,
                "because": refusal.data,
                "guaranteed_cents": opened.guaranteed_cents,
            }
        acceptances.keep_redeemed(session, brought=brought, redemption_id=done.redemption_id)
        return {
            "key": entry.key,
            "outcome": "redeemed",
            "redemption": done.redemption_id,
            "serial": done.vouchers[0].serial,
            "cents": done.cents,
            "undo_until": clock.iso(done.undo_until),
        }

    content = codes.request_hash(pepper, b"acceptance\n" + entry.text.encode())
    key = keys.Key(till.caller().actor, entry.key, content)
    return keys.once(session, programme_id=till.programme_id, key=key, at=at, act=act)


def _became(answer: dict[str, Any], language: problems.Language) -> dict[str, Any]:
    """The kept answer, with what to say in the language of whoever asks."""
    said = dict(answer)
    data = said.pop("because", None)
    if data is not None:
        refusal = refusal_of(said["reason"], data)
        said["say"] = refusal.say(language) if isinstance(refusal, VoucherRefusal) else refusal.text(language)
        said["used"] = data.get("used")
    return said
