"""The bank: its statements are taken, its lines decided, one by one or all that are certain."""

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import Field

from vouchers import bank_decisions, bank_desk, bank_lines, bank_statements, proposals
from vouchers.access import Act
from vouchers.api.fields import After, Body, Cents, CentsOrNone, Empty, Limit, Number, NumberInPath, Reason
from vouchers.api.guard import AtDesk, AtKeyedDesk, does
from vouchers.api.shapes import Page, masked, page, shown
from vouchers.bank_decisions import Decision, What
from vouchers.bank_lines import BankLine, Matched, Share
from vouchers.db import ReadSession, WriteSession
from vouchers.proposals import Proposal

router: Final = APIRouter(prefix="/programmes/{programme_id}", tags=["Bank"])
_XML: Final = {
    "required": True,
    "content": {"application/xml": {"schema": {"type": "string", "format": "binary"}}},
}
State = Literal["open", "done", "set_aside"]


class ForOrder(Body):
    """So many cents of a line are for an order."""

    order_number: Number
    cents: Cents


class Decided(Body):
    """What became of a line; of the other fields, those that it needs: `seen` to confirm, `shares` for orders …"""

    what: What
    shares: Annotated[tuple[ForOrder, ...], Field(max_length=50)] = ()
    seen: Annotated[str, Field(max_length=16)] | None = None
    because: Reason | None = None
    order_number: Number | None = None
    buyer_id: Number | None = None
    waiting_number: Number | None = None
    run_number: Number | None = None
    merchant_id: Number | None = None
    kept_cents: CentsOrNone = 0
    line_numbers: Annotated[tuple[Number, ...], Field(max_length=500)] = ()
    journal_ids: Annotated[tuple[Number, ...], Field(max_length=50)] = ()


@dataclass(frozen=True, slots=True)
class LineShown:
    """A line, what it is proposed to be while it is open, and the facts that tell of it; IBANs masked.

    `seen`: what a decision to confirm the proposal sends back.
    """

    line: BankLine
    proposal: Proposal | None
    seen: str | None
    told: list[Matched]


@dataclass(frozen=True, slots=True)
class Booked:
    """The lines that were certain, and are done."""

    line_numbers: list[int]


def _statement(statement: bank_statements.Statement) -> dict[str, Any]:
    return {**shown(statement), "iban": masked(statement.iban)}


def _lines(session: ReadSession, programme_id: int, lines: list[BankLine]) -> list[dict[str, Any]]:
    still = [line for line in lines if line.state == "open"]
    proposed = proposals.proposals(session, programme_id=programme_id, lines=still)
    told = bank_lines.matched(session, programme_id=programme_id, line_numbers=[line.number for line in lines])
    marks = {number: one.mark for number, one in proposed.items() if one.postable}
    every = [
        shown(LineShown(line, proposed.get(line.number), marks.get(line.number), told[line.number])) for line in lines
    ]
    for one in every:
        if one["line"]["iban"] is not None:
            one["line"]["iban"] = masked(one["line"]["iban"])
    return every


def _takes_file() -> dict[str, Any]:
    declared = does(Act.BANK_TAKE, gives=bank_desk.Taken, status=201)
    declared["openapi_extra"]["requestBody"] = _XML
    return declared


@router.post("/bank-statements", **_takes_file())
async def take(request: Request, desk: AtKeyedDesk) -> Response:
    """Take what the bank sent, as it is: a statement (camt.053), a notification (camt.054), a report (pain.002)."""
    desk.allow_all()
    content = await request.body()
    file = await run_in_threadpool(bank_desk.read_file, content)

    def taken(session: WriteSession) -> dict[str, Any]:
        done = bank_desk.take(session, **desk.doing, file=file)
        return {**shown(done), "statements": [_statement(one) for one in done.statements]}

    return await desk.once(taken, status=201)


@router.get("/bank-statements", **does(Act.BANK_READ, gives=Page[bank_statements.Statement]))
async def statements(desk: AtDesk) -> Response:
    """Every statement and notification, the newest first, with the gap to the one before."""
    return await desk.answer(
        lambda session: page(
            [_statement(one) for one in bank_statements.listed(session, programme_id=desk.programme_id)]
        )
    )


@router.get("/bank-standing", **does(Act.BANK_READ, gives=bank_statements.Standing))
async def standing(desk: AtDesk) -> Response:
    """The account as the bank has it and as the books have it, and what explains the difference."""
    return await desk.answer(lambda session: bank_statements.standing(session, programme_id=desk.programme_id))


@router.get("/bank-lines", **does(Act.BANK_READ, gives=Page[LineShown]))
async def lines(
    desk: AtDesk, state: Annotated[State | None, Query()] = None, after: After = 0, limit: Limit = 50
) -> Response:
    """The lines, in their order: those that are open with what they are proposed to be."""

    def found(session: ReadSession) -> Any:
        some = bank_lines.listed(session, programme_id=desk.programme_id, state=state, after=after, limit=limit)
        return page(
            _lines(session, desk.programme_id, some), limit=limit, number=lambda one: int(one["line"]["number"])
        )

    return await desk.answer(found)


@router.get("/bank-lines/{number}", **does(Act.BANK_READ, gives=LineShown))
async def line(desk: AtDesk, number: NumberInPath) -> Response:
    """One line."""
    return await desk.answer(lambda session: _one(session, desk.programme_id, number))


def _one(session: ReadSession, programme_id: int, number: int) -> dict[str, Any]:
    found = bank_lines.find(session, programme_id=programme_id, number=number)
    return _lines(session, programme_id, [found])[0]


@router.post("/bank-lines/{number}/decisions", **does(Act.BANK_TAKE, gives=LineShown, status=201))
async def decide(body: Decided, desk: AtKeyedDesk, number: NumberInPath) -> Response:
    """Decide a line: as proposed, for these orders, as fees, as money that waits …; nothing else is posted."""
    shares = tuple(Share(share.order_number, share.cents) for share in body.shares)
    decision = Decision(**{**body.model_dump(), "shares": shares})

    def decided(session: WriteSession) -> dict[str, Any]:
        bank_decisions.decide(session, **desk.doing, line_number=number, decision=decision)
        return _one(session, desk.programme_id, number)

    return await desk.once(decided, status=201)


@router.post("/bank-matches", **does(Act.BANK_TAKE, gives=Booked, status=201))
async def book_certain(_body: Empty, desk: AtKeyedDesk) -> Response:
    """Book every line that is certain; what is only likely stays open for a person."""

    def booked(session: WriteSession) -> dict[str, Any]:
        done = bank_desk.confirm_certain(session, **desk.doing)
        return {"line_numbers": sorted({number for one in done for number in one.line_numbers})}

    return await desk.once(booked, status=201)
