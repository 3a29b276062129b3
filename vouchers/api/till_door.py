"""The door of the tills: every request signed by the phone, every redemption and reversal under the phone's own key.

The hot path of the house. One read proves the till, one durable write claims the key, redeems and keeps the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Self, TypedDict

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from pydantic import Field, StrictStr, model_validator
from pydantic_core import PydanticCustomError

from vouchers import attempts, cashiers, clock, codes, offline, pins, redeem, reverse, sales
from vouchers.access import Act
from vouchers.api import problems
from vouchers.api.fields import (
    LINE_OR_NONE,
    MAX_ID,
    Before,
    Body,
    Cents,
    Code,
    Day,
    Limit,
    Number,
    NumberInPath,
)
from vouchers.api.guard import AtCounter, Counter, House, KeyedCounter, NotKept, does, language_of
from vouchers.api.shapes import (
    Listed,
    Page,
    PutBack,
    Season,
    Shop,
    page,
    redemption_shown,
    reversal_shown,
    shown,
    till_shown,
)
from vouchers.attempts import Guess, Scope
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import BadInput, PinWrong, VoucherUnknown
from vouchers.paper import training_sheet as training
from vouchers.redeem import Presented

router: Final = APIRouter(prefix="/till", tags=["Till"])
_LISTED: Final = 500


class Named(Body):
    """A voucher by the code that was scanned, or by its serial and the control code that was typed."""

    code: Code | None = None
    serial: Number | None = None
    control_code: Annotated[StrictStr, Field(max_length=40, examples=["23456 789AB"])] | None = None

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        typed = self.serial is not None and self.control_code is not None
        half = (self.serial is None) != (self.control_code is None)
        if half or typed == (self.code is not None):
            raise PydanticCustomError("voucher_named_once", "a code, or a serial and its control code")
        return self


class InBasket(Named):
    """A voucher to take; `cents` of it, all that is left when null."""

    cents: Cents | None = None


class LookUp(Body):
    """Which voucher."""

    voucher: Named = Field(examples=[{"code": "ABCDEFGHIJKLMNOPQRSTUVWXYA"}])


class Basket(Body):
    """1 to 20 vouchers for one sale; `sale_cents` is what the customer spent in all, if it was typed."""

    vouchers: list[InBasket] = Field(max_length=100, examples=[[{"code": "ABCDEFGHIJKLMNOPQRSTUVWXYA", "cents": None}]])
    sale_cents: Cents | None = None
    cashier: Number | None = None


class Undo(Body):
    """Why a redemption is undone, and the shop's PIN where it has one."""

    reason: Annotated[StrictStr, Field(max_length=120, pattern=LINE_OR_NONE, examples=["Erreur de montant"])] = ""
    pin: Annotated[StrictStr, Field(max_length=20, examples=["2468"])] | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """A voucher as it stands; `refusal` is the problem that spending it now would meet."""

    serial: int
    face_cents: int
    balance_cents: int
    state: str
    expires_on: str
    spendable: bool
    refusal: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Today:
    """What the shop took today, reversals taken off."""

    count: int
    cents: int


@dataclass(frozen=True, slots=True)
class Copy:
    """A cashier of the shop, and what their PIN is checked against: PBKDF2-HMAC-SHA256, base64url."""

    id: int
    name: str
    salt: str
    iterations: int
    hash: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a till stands, with what its shop took today."""

    till_id: int
    label: str
    merchant: Shop
    programme: Season
    server_time: int
    weak: bool
    today: Today
    ask_cashier: str
    undo_pin: bool
    cashiers: list[Copy]
    offline: offline.Allowed | None


@dataclass(frozen=True, slots=True)
class Taken:
    """A basket taken; the shop may undo it until `undo_until`."""

    redemption: int
    at: datetime
    cents: int
    vouchers: list[redeem.Used]
    undo_until: datetime


@router.get("", **does(Act.TILL_READ, gives=Standing))
async def me(counter: Counter) -> Response:
    """Where this till stands, how its shop runs it, and what the shop took today."""
    shop = _shop(counter)

    def found(session: ReadSession) -> dict[str, Any]:
        count, cents = sales.taken_on(session, **shop, day=clock.book_day(counter.at))
        copies = cashiers.copies_of(session, **shop)
        pepper = counter.house.pepper
        return {
            "today": {"count": count, "cents": cents},
            **shown(cashiers.counter_rule(session, **shop)),
            "cashiers": [
                Copy(one.id, one.name, codes.base64url(one.pin.salt), pins.ITERATIONS, codes.base64url(one.pin.hash))
                for one in copies
            ],
            "offline": offline.told(session, programme_id=counter.till.programme_id, pepper=pepper),
        }

    told = shown(till_shown(counter.till, at=counter.at))
    return JSONResponse({**told, **shown(await counter.read(found))})


@router.post("/look-up", **does(Act.VOUCHER_LOOK_UP, gives=Looked))
async def look_up(body: LookUp, request: Request, counter: Counter) -> Response:
    """What a voucher is and whether it can be spent now; nothing is spent. Wrong codes are counted."""
    guesses = _guesses(counter, [body.voucher])
    presented = _presented(counter.house, counter.till.programme_id, body.voucher)
    till, at = counter.till, counter.at

    def seen(session: ReadSession) -> redeem.Seen:
        attempts.check(session, scopes=guesses, at=at)
        return redeem.look_up(
            session, programme_id=till.programme_id, presented=presented, merchant_id=till.merchant_id, at=at
        )

    try:
        found = await counter.read(seen)
    except VoucherUnknown:
        await counter.house.write(lambda session: attempts.count(session, scopes=guesses, at=at))
        raise
    refusal = problems.body_of(found.refusal, language_of(request)) if found.refusal is not None else None
    return JSONResponse({**shown(found), "spendable": refusal is None, "refusal": refusal})


@router.post("/redemptions", **does(Act.REDEMPTION_MAKE, gives=Taken, status=201))
async def make_redemption(body: Basket, request: Request, counter: KeyedCounter) -> Response:
    """Take a basket of vouchers for a sale: all of them, or none."""
    till = counter.till
    basket = [_presented(counter.house, till.programme_id, named, cents=named.cents) for named in body.vouchers]

    def redeemed(session: WriteSession) -> dict[str, Any]:
        done = redeem.redeem(
            session,
            programme_id=till.programme_id,
            merchant_id=till.merchant_id,
            till_id=till.till_id,
            basket=basket,
            sale_cents=body.sale_cents,
            cashier_id=body.cashier,
            at=counter.at,
        )
        return {
            "redemption": done.redemption_id,
            "at": clock.iso(done.at),
            "cents": done.cents,
            "vouchers": shown(done.vouchers),
            "undo_until": clock.iso(done.undo_until),
        }

    guesses = _guesses(counter, body.vouchers)
    return await counter.once(request, redeemed, guesses=guesses, counts=(VoucherUnknown,))


@router.post(
    "/redemptions/{redemption_id}/reversal", **does(Act.REDEMPTION_REVERSE_IN_WINDOW, gives=PutBack, status=201)
)
async def reverse_redemption(
    body: Undo, request: Request, counter: KeyedCounter, redemption_id: NumberInPath
) -> Response:
    """Undo a redemption of one's own shop, within the programme's window; wrong PINs are counted."""
    till = counter.till
    shop = _shop(counter)
    wanted = await counter.read(lambda session: cashiers.undo_pin_of(session, **shop))
    # Outside the write, because it takes its time; judged inside, so that a retry is given the first answer.
    proven = b"" if wanted is None else await run_in_threadpool(pins.derived, body.pin or "", salt=wanted.salt)

    def undone(session: WriteSession) -> dict[str, Any]:
        try:
            cashiers.require_undo_pin(session, **shop, proven=proven)
        except PinWrong as refusal:
            raise NotKept(refusal) from None
        back = reverse.reverse_at_shop(
            session,
            programme_id=till.programme_id,
            redemption_id=redemption_id,
            serials=None,
            merchant_id=till.merchant_id,
            actor=till.caller().actor,
            reason=body.reason,
            at=counter.at,
        )
        return reversal_shown(back)

    guesses = [] if wanted is None else [attempts.scope(Guess.UNDO_PIN, till.till_id)]
    return await counter.once(request, undone, guesses=guesses, counts=(PinWrong,))


@router.get("/redemptions", **does(Act.REDEMPTION_READ, gives=Page[Listed]))
async def redemptions(
    counter: Counter,
    day: Annotated[Day | None, Query(examples=["2026-11-21"])] = None,
    serial: Annotated[int | None, Query(ge=1, le=MAX_ID, description="A voucher's number, in place of a day")] = None,
    before: Before = None,
    limit: Limit = 50,
) -> Response:
    """The shop's redemptions of one Paris day, or of one voucher, newest first."""

    def of_one(session: ReadSession) -> list[sales.Listed]:
        part: dict[str, Any] = {**_shop(counter), "before": before, "limit": limit}
        if day is not None and serial is None:
            return sales.redemptions_of(session, **part, day=day)
        if serial is not None and day is None:
            return sales.redemptions_with(session, **part, serial=serial)
        raise BadInput(field="day", problem="day_or_serial")

    found = await counter.read(of_one)
    part = page(found, limit=limit, number=lambda listed: listed.redemption_id)
    return JSONResponse({**part, "items": [redemption_shown(listed) for listed in found]})


@router.get("/account", **does(Act.SETTLEMENT_EXPECT, gives=sales.Owed))
async def account(counter: Counter) -> Response:
    """What the next settlement would pay the shop, if it came now."""
    owed = await counter.read(lambda session: sales.owed_to(session, **_shop(counter), at=counter.at))
    return JSONResponse(shown(owed))


@router.get("/training-sheet", **does(Act.TILL_READ, media="application/pdf"))
async def training_sheet(counter: Counter) -> Response:
    """Vouchers without value, to practise with: nothing about them ever reaches the books."""
    sheet = await run_in_threadpool(training.training_sheet, host=counter.till.host)
    named = {"Content-Disposition": 'attachment; filename="entrainement.pdf"'}
    return Response(sheet, media_type="application/pdf", headers=named)


class _Shop(TypedDict):
    programme_id: int
    merchant_id: int


def _shop(counter: AtCounter) -> _Shop:
    return {"programme_id": counter.till.programme_id, "merchant_id": counter.till.merchant_id}


def _presented(house: House, programme_id: int, named: Named, *, cents: int | None = None) -> Presented:
    """What a voucher's row is looked for by. What cannot be a code finds nothing, like one that nobody issued."""
    if named.code is not None:
        code = codes.code_from_text(named.code)
        return Presented(code_hash=codes.code_hash(house.pepper, code) if code else b"", cents=cents)
    control_code = codes.control_code_from_text(named.control_code or "")
    if named.serial is None or control_code is None:
        return Presented(code_hash=b"", cents=cents)
    hashed = codes.control_hash(house.pepper, programme_id=programme_id, serial=named.serial, control_code=control_code)
    return Presented(serial=named.serial, control_hash=hashed, cents=cents)


def _guesses(counter: AtCounter, named: Sequence[Named]) -> list[Scope]:
    """Where a wrong one would be counted: codes cannot be guessed, control codes must not be tried."""
    typed = any(each.control_code is not None for each in named)
    guess = Guess.TILL_CONTROL_CODES if typed else Guess.TILL_CODES
    return [attempts.scope(guess, counter.till.till_id)]
