"""Single vouchers, by serial: their life, and blocking, unblocking, cancelling, replacing them."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from vouchers import books, codes, stop, workshop
from vouchers.access import Act
from vouchers.api.fields import Body, Number, NumberInPath, Reason
from vouchers.api.guard import AtDesk, AtKeyedDesk, House, Own, Owner, does, said
from vouchers.api.shapes import shown
from vouchers.db import ReadSession
from vouchers.errors import NotFound
from vouchers.paper.voucher_sheet import Cheque

router: Final = APIRouter(prefix="/programmes/{programme_id}/vouchers", tags=["Vouchers"])
MOST_SERIALS: Final = 1_000
MOST_REPLACED: Final = 60
"""Twenty pages: their sheets travel inside the answer."""


class Some(Body):
    """Which vouchers, and why."""

    serials: Annotated[list[Number], Field(min_length=1, max_length=MOST_SERIALS, examples=[[12, 13]])]
    reason: Reason


class Few(Body):
    """Which vouchers to replace, and why."""

    serials: Annotated[list[Number], Field(min_length=1, max_length=MOST_REPLACED, examples=[[12, 13]])]
    reason: Reason


class Delivered(Body):
    """Which replacements were delivered."""

    serials: Annotated[list[Number], Field(min_length=1, max_length=MOST_SERIALS, examples=[[4001]])]


@dataclass(frozen=True, slots=True)
class Stopped:
    """The vouchers after the fact."""

    items: list[stop.Stopped]


@dataclass(frozen=True, slots=True)
class NewPaper:
    """An old voucher and the new one that holds its money."""

    replaced_serial: int
    serial: int
    face_cents: int
    expires_on: str


@dataclass(frozen=True, slots=True)
class Replaced:
    """The new vouchers, and once, for each batch, their sheets: a PDF in base64. Null when it was told before."""

    items: list[NewPaper]
    sheets: list[str] | None


def _of_vouchers(programme_id: int, serials: Sequence[int]) -> Owner:
    """The buyer's, if one buyer has all of them. One query for the whole list: tills wait behind it."""

    def owner(session: ReadSession) -> Own:
        held = books.buyers_of(session, programme_id=programme_id, serials=serials)
        if not held:
            raise NotFound(what="voucher", id=serials[0])
        buyer_id, vouchers = held.popitem()
        return Own(buyer_id=buyer_id) if not held and vouchers == len(set(serials)) else Own()

    return owner


@router.get("/{serial}", **does(Act.VOUCHER_READ, gives=books.Life))
async def life(desk: AtDesk, serial: NumberInPath) -> Response:
    """A voucher and what happened to it. To a buyer's person, neither where nor when it was spent."""
    programme_id, uses = desk.programme_id, desk.reach.everything
    return await desk.answer(
        lambda session: books.life_of(session, programme_id=programme_id, serial=serial, uses=uses),
        of=_of_vouchers(programme_id, [serial]),
    )


@router.post("/block", **does(Act.VOUCHER_BLOCK, gives=Stopped))
async def block(body: Some, desk: AtKeyedDesk) -> Response:
    """Lost or stolen: nothing can be spent until they are unblocked."""
    return await desk.once(
        lambda session: {"items": stop.block(session, **desk.doing, serials=body.serials, reason=body.reason)},
        of=_of_vouchers(desk.programme_id, body.serials),
    )


@router.post("/unblock", **does(Act.VOUCHER_UNBLOCK, gives=Stopped))
async def unblock(body: Some, desk: AtKeyedDesk) -> Response:
    """Found again."""
    return await desk.once(
        lambda session: {"items": stop.unblock(session, **desk.doing, serials=body.serials, reason=body.reason)}
    )


@router.post("/cancel", **does(Act.VOUCHER_CANCEL, gives=Stopped))
async def cancel(body: Some, desk: AtKeyedDesk) -> Response:
    """Taken back for good; what was unspent is credited to the buyer's order."""
    return await desk.once(
        lambda session: {"items": stop.cancel(session, **desk.doing, serials=body.serials, reason=body.reason)}
    )


@router.post("/replace", **does(Act.VOUCHER_REPLACE, gives=Replaced, status=201))
async def replace(body: Few, desk: AtKeyedDesk) -> Response:
    """New paper for old. Its sheets are told once and kept nowhere: if the answer is lost, replace the new ones."""
    made: dict[int, codes.Secret] = {}
    secrets, pepper = codes.new_secrets(len(body.serials)), desk.house.pepper

    def replaced(session: Any) -> dict[str, Any]:
        new = stop.replace(
            session, **desk.doing, serials=body.serials, secrets=secrets, pepper=pepper, reason=body.reason
        )
        made.clear()
        made.update({each.serial: each.secret for each in new})
        return {"items": [{name: value for name, value in shown(each).items() if name != "secret"} for each in new]}

    answer = await desk.done(replaced)
    if answer.replayed or answer.value is None:
        return said(answer, status=201, more={"sheets": None})
    sheets = await run_in_threadpool(_sheets, desk.house, desk.programme_id, made)
    return JSONResponse({**answer.value, "sheets": sheets}, status_code=201)


@router.post("/activate-replacements", **does(Act.BATCH_ACTIVATE, gives=Stopped))
async def activate_replacements(body: Delivered, desk: AtKeyedDesk) -> Response:
    """The new papers are delivered: spendable, by someone other than who replaced the old ones."""
    return await desk.once(
        lambda session: {"items": stop.activate_replacements(session, **desk.doing, serials=body.serials)}
    )


def _sheets(house: House, programme_id: int, made: dict[int, codes.Secret]) -> list[str]:
    """The sheets of the new vouchers, one PDF for each batch, each QR code read back."""
    printed: dict[int, list[Cheque]] = {}
    for serial, secret in sorted(made.items()):
        found = house.database.read(books.life_of, programme_id=programme_id, serial=serial)
        printed.setdefault(found.batch_number, []).append(Cheque(serial, found.face_cents, *secret))
    sheets = (
        workshop.replacement_sheets(house.database, programme_id=programme_id, batch_number=number, cheques=cheques)
        for number, cheques in printed.items()
    )
    return [base64.b64encode(pdf).decode() for pdf in sheets]
