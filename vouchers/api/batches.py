"""Batches: begun, issued in chunks, printed, handed over, activated, extended; and the sweep of what lapsed."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse
from pydantic import Field, StrictInt

from vouchers import codes, expire, issue, press
from vouchers.access import Act
from vouchers.api.fields import After, Body, Day, Empty, Limit, NumberInPath
from vouchers.api.guard import AtDesk, AtKeyedDesk, Own, Owner, does, of_order
from vouchers.api.shapes import Page, page
from vouchers.db import ReadSession, WriteSession

router: Final = APIRouter(prefix="/programmes/{programme_id}", tags=["Batches"])


class Beginning(Body):
    """The last day to spend, where it is not the programme's."""

    expires_on: Day | None = None


class Chunk(Body):
    """How many vouchers to issue now."""

    vouchers: Annotated[StrictInt, Field(ge=1, le=issue.CHUNK, examples=[issue.CHUNK])] = issue.CHUNK


class Extension(Body):
    """The later last day."""

    to_on: Day


class Sweep(Body):
    """How many vouchers to close now."""

    limit: Annotated[StrictInt, Field(ge=1, le=expire.MOST_AT_ONCE, examples=[1000])] = 1_000


@dataclass(frozen=True, slots=True)
class Issued:
    """The batch, and how many of its vouchers are still to be issued."""

    batch: issue.Batch
    left: int


def of_batch(programme_id: int, number: int) -> Owner:
    """The buyer's for whom the batch is."""

    def owner(session: ReadSession) -> Own:
        found = issue.find(session, programme_id=programme_id, number=number)
        return of_order(programme_id, found.order_number)(session)

    return owner


@router.post("/orders/{number}/batch", **does(Act.BATCH_ISSUE, gives=issue.Batch, status=201))
async def begin(body: Beginning, desk: AtKeyedDesk, number: NumberInPath) -> Response:
    """Open the batch of a paid or accepted order and reserve its serials. No voucher exists yet."""
    return await desk.once(
        lambda session: issue.begin(session, **desk.doing, order_number=number, expires_on=body.expires_on), status=201
    )


@router.get("/batches", **does(Act.BATCH_READ, gives=Page[issue.Batch]))
async def listed(desk: AtDesk, after: After = 0, limit: Limit = 50) -> Response:
    """The batches, by number; a buyer's person finds theirs through the orders."""
    return await desk.answer(
        lambda session: page(
            issue.listed(session, programme_id=desk.programme_id, after=after, limit=limit),
            limit=limit,
            number=lambda batch: batch.number,
        )
    )


@router.get("/orders/{number}/batch", **does(Act.BATCH_READ, gives=issue.Batch | None))
async def of_an_order(desk: AtDesk, number: NumberInPath) -> Response:
    """The batch of an order; null until its issue begins."""
    return await desk.answer(
        lambda session: issue.of_order(session, programme_id=desk.programme_id, order_number=number),
        of=of_order(desk.programme_id, number),
    )


@router.get("/batches/{number}", **does(Act.BATCH_READ, gives=issue.Batch))
async def one(desk: AtDesk, number: NumberInPath) -> Response:
    """One batch."""
    return await desk.answer(
        lambda session: issue.find(session, programme_id=desk.programme_id, number=number),
        of=of_batch(desk.programme_id, number),
    )


@router.post("/batches/{number}/issue", **does(Act.BATCH_ISSUE, gives=Issued))
async def issue_next(body: Chunk, desk: AtKeyedDesk, number: NumberInPath) -> Response:
    """Issue the next vouchers of a batch, and say what is left: call again, with another key, until that is 0."""
    secrets, pepper = await run_in_threadpool(codes.new_secrets, body.vouchers), desk.house.pepper

    def issued(session: WriteSession) -> Issued:
        batch = issue.issue_chunk(session, **desk.doing, batch_number=number, secrets=secrets, pepper=pepper)
        return Issued(batch, batch.quantity - batch.issued_count)

    return await desk.once(issued)


@router.post("/batches/{number}/sheets", **does(Act.BATCH_PRINT, media="application/pdf"))
async def sheets(_body: Empty, desk: AtDesk, number: NumberInPath) -> Response:
    """The sheets of an issued batch, each QR code read back, until they are handed over. Changes nothing; takes no key.

    A download that broke is asked for again. `hand-over` says that the file is safe: from then on there is no reprint.
    """
    desk.allow_all()
    file, length = await run_in_threadpool(
        press.open_sheets,
        desk.house.database,
        programme_id=desk.programme_id,
        batch_number=number,
        pepper=desk.house.pepper,
    )
    headers = {
        "Content-Length": str(length),
        "Content-Disposition": f'attachment; filename="lot-{desk.programme_id}-{number}.pdf"',
    }
    return StreamingResponse(press.pieces(file), media_type="application/pdf", headers=headers)


@router.post("/batches/{number}/hand-over", **does(Act.BATCH_PRINT, gives=issue.Batch))
async def hand_over(_body: Empty, desk: AtKeyedDesk, number: NumberInPath) -> Response:
    """The sheets have left: the sealed codes are destroyed."""
    return await desk.once(lambda session: issue.hand_over(session, **desk.doing, batch_number=number))


@router.post("/batches/{number}/activation", **does(Act.BATCH_ACTIVATE, gives=issue.Batch))
async def activate(_body: Empty, desk: AtKeyedDesk, number: NumberInPath) -> Response:
    """Delivered, hence spendable; by someone other than who issued."""
    return await desk.once(lambda session: issue.activate(session, **desk.doing, batch_number=number))


@router.post("/batches/{number}/extension", **does(Act.BATCH_EXTEND, gives=expire.Extended))
async def extend(body: Extension, desk: AtKeyedDesk, number: NumberInPath) -> Response:
    """A later last day for a batch and its unspent vouchers."""
    return await desk.once(lambda session: expire.extend(session, **desk.doing, batch_number=number, to_on=body.to_on))


@router.post("/expiry", **does(Act.VOUCHER_EXPIRE, gives=expire.Expired))
async def sweep(body: Sweep, desk: AtKeyedDesk) -> Response:
    """Close vouchers whose last day is over; `left` says to call again, with another key."""
    return await desk.once(lambda session: expire.expire(session, **desk.doing, limit=body.limit))
