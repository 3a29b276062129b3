"""How far a programme accepts without network, and what is in dispute since."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from pydantic import Field, StrictInt

from vouchers import disputes, offline
from vouchers.access import Act
from vouchers.api.fields import Before, Body, Cents, CentsOrNone, Limit, NumberInPath, Reason
from vouchers.api.guard import AtDesk, AtKeyedDesk, does
from vouchers.api.shapes import Page, page, shown
from vouchers.db import WriteSession
from vouchers.guarantee import LONGEST_MINUTES, MOST_COUNT, OfflineRule, required_rule

router: Final = APIRouter(prefix="/programmes/{programme_id}", tags=["Without network"])

Count = Annotated[StrictInt, Field(ge=1, le=MOST_COUNT, examples=[20])]


class Caps(Body):
    """How much one till, and all of them together, may accept on a snapshot, and what the guarantee pays in all."""

    till_count: Count
    till_cents: Cents
    programme_count: Count
    programme_cents: Cents
    max_age_minutes: Annotated[StrictInt, Field(ge=1, le=LONGEST_MINUTES, examples=[1440])]
    guarantee_cents: CentsOrNone


class Decided(Body):
    """What becomes of a dispute, and why."""

    decision: Literal["guarantee", "dismiss"]
    reason: Reason


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether anything is accepted without network."""

    allowed: bool


@router.get("/offline-rule", **does(Act.OFFLINE_RULE_READ, gives=OfflineRule))
async def rule(desk: AtDesk) -> Response:
    """The rule in force; `offline_not_allowed` where nothing is accepted without network."""
    return await desk.answer(lambda session: required_rule(session, programme_id=desk.programme_id))


@router.put("/offline-rule", **does(Act.OFFLINE_RULE_SET, gives=OfflineRule))
async def allow(body: Caps, desk: AtKeyedDesk) -> Response:
    """Let tills accept without network, within these caps."""
    caps = OfflineRule(**body.model_dump())
    return await desk.once(lambda session: offline.allow(session, **desk.doing, rule=caps))


@router.delete("/offline-rule", **does(Act.OFFLINE_RULE_SET, gives=Standing))
async def forbid(desk: AtKeyedDesk) -> Response:
    """Nothing more is accepted without network; what was accepted is still judged."""

    def forbidden(session: WriteSession) -> Standing:
        offline.forbid(session, **desk.doing)
        return Standing(allowed=False)

    return await desk.once(forbidden)


@router.get("/disputes", **does(Act.DISPUTE_READ, gives=Page[disputes.Dispute]))
async def listed(desk: AtDesk, before: Before = None, limit: Limit = 50) -> Response:
    """The disputes of the programme, newest first; an owner's are those of its shops."""
    within = desk.reach
    found = await desk.house.read(
        lambda session: disputes.disputes_of(
            session,
            programme_id=desk.programme_id,
            merchant_ids=None if within.everything else within.merchant_ids,
            before=before,
            limit=limit,
        )
    )
    return JSONResponse(shown(page(found, limit=limit, number=lambda one: one.number)))


@router.post("/disputes/{number}/decision", **does(Act.DISPUTE_DECIDE, gives=disputes.Dispute))
async def decide(body: Decided, desk: AtKeyedDesk, number: NumberInPath) -> Response:
    """Let the guarantee pay an open dispute, within its cap, or dismiss it."""
    return await desk.once(
        lambda session: disputes.decide(
            session, **desk.doing, number=number, decision=body.decision, reason=body.reason
        )
    )
