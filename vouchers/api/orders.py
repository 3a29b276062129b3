"""Orders: drafted, placed and approved by two people of the buyer, then paid, or accepted on a purchase order."""

from typing import Annotated, Any, Final

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field

from vouchers import order, order_book
from vouchers.access import Act
from vouchers.api.fields import (
    MAX_ID,
    After,
    Body,
    Cents,
    CentsOrNone,
    Day,
    Empty,
    Limit,
    Line,
    Number,
    NumberInPath,
    Quantity,
    Why,
)
from vouchers.api.guard import AtDesk, AtKeyedDesk, Desk, Own, does, of_order
from vouchers.api.shapes import Page, page
from vouchers.errors import Forbidden

router: Final = APIRouter(prefix="/programmes/{programme_id}/orders", tags=["Orders"])


class OrderLine(Body):
    """So many vouchers of one face value."""

    face_cents: Cents
    quantity: Quantity


class Content(Body):
    """What is ordered. The handling fee is the programme's; the chamber alone may ask for another, before VAT."""

    lines: Annotated[list[OrderLine], Field(max_length=100)]
    fee_cents: CentsOrNone | None = None
    purchase_order: Annotated[Line, Field(examples=["BC-2026-117"])] | None = None


class NewOrder(Content):
    """An order of a buyer."""

    buyer_id: Number


class Acceptance(Body):
    """The signed purchase order, if it came after the draft."""

    purchase_order: Annotated[Line, Field(examples=["BC-2026-117"])] | None = None


class Payment(Body):
    """A transfer that reached the bank; `bank_reference` is the bank's own name for it."""

    cents: Cents
    bank_reference: Annotated[Line, Field(examples=["2026-11-20/0043"])]
    received_on: Day


def _content(body: Content, desk: Desk) -> dict[str, Any]:
    if body.fee_cents is not None and not desk.reach.everything:
        raise Forbidden(act="order.fee")
    lines = [order_book.Line(line.face_cents, line.quantity) for line in body.lines]
    return {"lines": lines, "fee_cents": body.fee_cents, "purchase_order": body.purchase_order}


@router.post("", **does(Act.ORDER_PLACE, gives=order_book.Order, status=201))
async def draft(body: NewOrder, desk: AtKeyedDesk) -> Response:
    """Draft an order."""
    return await desk.once(
        lambda session: order.draft(session, **desk.doing, buyer_id=body.buyer_id, **_content(body, desk)),
        of=lambda _session: Own(buyer_id=body.buyer_id),
        status=201,
    )


@router.get("", **does(Act.ORDER_READ, gives=Page[order_book.Order]))
async def listed(
    desk: AtDesk, buyer_id: Annotated[int | None, Field(ge=1, le=MAX_ID)] = None, after: After = 0, limit: Limit = 50
) -> Response:
    """The orders, by number; a buyer's person names the buyer."""
    return await desk.answer(
        lambda session: page(
            order_book.listed(session, programme_id=desk.programme_id, after=after, limit=limit, buyer_id=buyer_id),
            limit=limit,
            number=lambda found: found.number,
        ),
        of=lambda _session: Own(buyer_id=buyer_id),
    )


@router.get("/{number}", **does(Act.ORDER_READ, gives=order_book.Order))
async def one(desk: AtDesk, number: NumberInPath) -> Response:
    """One order."""
    return await desk.answer(
        lambda session: order_book.find(session, programme_id=desk.programme_id, number=number),
        of=of_order(desk.programme_id, number),
    )


@router.put("/{number}", **does(Act.ORDER_PLACE, gives=order_book.Order))
async def redraft(body: Content, desk: AtKeyedDesk, number: NumberInPath) -> Response:
    """Another content for a draft."""
    return await desk.once(
        lambda session: order.redraft(session, programme_id=desk.programme_id, number=number, **_content(body, desk)),
        of=of_order(desk.programme_id, number),
    )


@router.post("/{number}/placing", **does(Act.ORDER_PLACE, gives=order_book.Order))
async def place(_body: Empty, desk: AtKeyedDesk, number: NumberInPath) -> Response:
    """The buyer's clerk asks for it."""
    return await desk.once(
        lambda session: order.place(session, **desk.doing, number=number), of=of_order(desk.programme_id, number)
    )


@router.post("/{number}/approval", **does(Act.ORDER_APPROVE, gives=order_book.Order))
async def approve(_body: Empty, desk: AtKeyedDesk, number: NumberInPath) -> Response:
    """Another person of the buyer agrees; what is owed is posted."""
    return await desk.once(
        lambda session: order.approve(session, **desk.doing, number=number), of=of_order(desk.programme_id, number)
    )


@router.post("/{number}/acceptance", **does(Act.ORDER_ACCEPT, gives=order_book.Order))
async def accept(body: Acceptance, desk: AtKeyedDesk, number: NumberInPath) -> Response:
    """Take a signed purchase order for money, within the buyer's credit cap."""
    return await desk.once(
        lambda session: order.accept(session, **desk.doing, number=number, purchase_order=body.purchase_order),
        of=of_order(desk.programme_id, number),
    )


@router.post("/{number}/payments", **does(Act.ORDER_PAY, gives=order_book.Order, status=201))
async def pay(body: Payment, desk: AtKeyedDesk, number: NumberInPath) -> Response:
    """Record a transfer of the buyer."""
    return await desk.once(
        lambda session: order.record_payment(session, **desk.doing, number=number, **body.model_dump()),
        of=of_order(desk.programme_id, number),
        status=201,
    )


@router.post("/{number}/cancellation", **does(Act.ORDER_CANCEL, gives=order_book.Order))
async def cancel(body: Why, desk: AtKeyedDesk, number: NumberInPath) -> Response:
    """Before its issue begins: what approving posted is posted the other way round."""
    return await desk.once(
        lambda session: order.cancel(session, **desk.doing, number=number, reason=body.reason),
        of=of_order(desk.programme_id, number),
    )


@router.post("/{number}/delivery", **does(Act.ORDER_DELIVER, gives=order_book.Order))
async def deliver(_body: Empty, desk: AtKeyedDesk, number: NumberInPath) -> Response:
    """The buyer has its vouchers."""
    return await desk.once(
        lambda session: order.deliver(session, **desk.doing, number=number), of=of_order(desk.programme_id, number)
    )
