"""Programmes: the rules of a season. The first one and its administrators are made on the host (`vouchers init`)."""

from dataclasses import dataclass, fields
from datetime import date
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from vouchers.access import Act
from vouchers.api.fields import BasisPoints, Body, Cents, Day, Line
from vouchers.api.guard import AtDesk, AtHouse, AtKeyedDesk, SignedIn, does
from vouchers.api.shapes import Made, Page, page, shown
from vouchers.db import WriteSession
from vouchers.founding import LONGEST_WINDOW_MINUTES
from vouchers.programmes import open_programme
from vouchers.rules import Rules, rules

router: Final = APIRouter(tags=["Programmes"])


class NewProgramme(Body):
    """The rules of the next season, by the same issuer."""

    name: Annotated[Line, Field(examples=["Noël 2027"])]
    target_cents: Cents
    starts_on: Day
    expires_on: Day
    presentation_deadline_on: Day
    host: Annotated[Line, Field(examples=["CHEQUES.EXAMPLE.FR"])]
    shops_url: Annotated[Line, Field(examples=["https://cheques.example.fr/commerces"])]
    use_rule: Literal["whole", "partial"] = "whole"
    fee_bp: BasisPoints = 0
    commission_bp: BasisPoints = 0
    vat_bp: BasisPoints = 2_000
    reversal_window_minutes: Annotated[int, Field(strict=True, ge=0, le=LONGEST_WINDOW_MINUTES)] = 15
    lapse_to: Literal["breakage", "buyer", "next_campaign"] = "breakage"


@dataclass(frozen=True, slots=True)
class Programme:
    """The rules of one programme, without the issuer's bank. Rates in basis points."""

    programme_id: int
    name: str
    target_cents: int
    starts_on: date
    expires_on: date
    presentation_deadline_on: date
    host: str
    shops_url: str
    use_rule: str
    fee_bp: int
    commission_bp: int
    vat_bp: int
    reversal_window_minutes: int
    lapse_to: str
    issuer_id: int
    issuer_name: str
    issuer_address: str
    issuer_siret: str | None


_TOLD: Final = frozenset(field.name for field in fields(Programme))


def _shown(known: Rules) -> dict[str, Any]:
    return {name: value for name, value in shown(known).items() if name in _TOLD}


@router.get("/programmes", **does("signed_in", gives=Page[Programme]))
async def mine(caller: SignedIn, house: AtHouse) -> Response:
    """The programmes in which one holds a role."""
    numbers = sorted({held.programme_id for held in caller.held})
    found = await house.read(lambda session: [_shown(rules(session, programme_id=number)) for number in numbers])
    return JSONResponse(page(found))


@router.get("/programmes/{programme_id}", **does(Act.PROGRAMME_READ, gives=Programme))
async def one(desk: AtDesk) -> Response:
    """The rules of one programme."""
    return await desk.answer(lambda session: _shown(rules(session, programme_id=desk.programme_id)))


@router.post("/programmes/{programme_id}/successors", **does(Act.PROGRAMME_OPEN, gives=Made, status=201))
async def open_next(body: NewProgramme, desk: AtKeyedDesk) -> Response:
    """Open another programme of the same issuer; its administrators are named on the host."""

    def opened(session: WriteSession) -> Made:
        issuer_id = rules(session, programme_id=desk.programme_id).issuer_id
        actor, at = desk.doing["actor"], desk.at
        return Made(open_programme(session, issuer_id=issuer_id, actor=actor, at=at, **body.model_dump()))

    return await desk.once(opened, status=201)
