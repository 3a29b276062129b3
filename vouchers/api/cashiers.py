"""A shop's cashiers and how it runs its tills, for its owner and the chamber's desk."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import Field, StrictStr

from vouchers import cashiers, pins
from vouchers.access import Act
from vouchers.api.fields import Body, Empty, Line, NumberInPath
from vouchers.api.guard import AtDesk, AtKeyedDesk, does, of_merchant
from vouchers.api.shapes import Made, Page, page
from vouchers.db import WriteSession
from vouchers.pins import PinHash

router: Final = APIRouter(prefix="/programmes/{programme_id}/merchants/{merchant_id}", tags=["Cashiers"])
Pin = Annotated[StrictStr, Field(min_length=1, max_length=20, description="Four digits", examples=["2468"])]


class NewCashier(Body):
    """Who stands at the tills."""

    name: Annotated[Line, Field(examples=["Paul"])]
    pin: Pin


class Rule(Body):
    """How the tills are run. `undo_pin`: four digits, null for none, "keep" for what it is."""

    ask_cashier: Literal["never", "always"]
    undo_pin: Pin | None


@router.get("/cashiers", **does(Act.CASHIER_READ, gives=Page[cashiers.Cashier]))
async def listed(desk: AtDesk, merchant_id: NumberInPath) -> Response:
    """A shop's cashiers; not those removed."""
    programme_id = desk.programme_id
    return await desk.answer(
        lambda session: page(cashiers.cashiers_of(session, programme_id=programme_id, merchant_id=merchant_id)),
        of=of_merchant(merchant_id),
    )


@router.post("/cashiers", **does(Act.CASHIER_NAME, gives=Made, status=201))
async def name(body: NewCashier, desk: AtKeyedDesk, merchant_id: NumberInPath) -> Response:
    """One more cashier of a shop. The answer names nobody: it is kept for ever, and a name can be erased."""
    pin = await run_in_threadpool(pins.hashed, body.pin, field="pin")

    def named(session: WriteSession) -> Made:
        made = cashiers.name_cashier(session, **desk.doing, merchant_id=merchant_id, name=body.name, pin=pin)
        return Made(made.id)

    return await desk.once(named, of=of_merchant(merchant_id), status=201)


@router.post("/cashiers/{cashier_id}/removal", **does(Act.CASHIER_NAME, gives=Made))
async def remove(_body: Empty, desk: AtKeyedDesk, merchant_id: NumberInPath, cashier_id: NumberInPath) -> Response:
    """They sign on no more; what they took stays theirs."""

    def removed(session: WriteSession) -> Made:
        cashiers.remove_cashier(session, **desk.doing, merchant_id=merchant_id, cashier_id=cashier_id)
        return Made(cashier_id)

    return await desk.once(removed, of=of_merchant(merchant_id))


@router.get("/counter-rule", **does(Act.SHOP_RULE_READ, gives=cashiers.CounterRule))
async def rule(desk: AtDesk, merchant_id: NumberInPath) -> Response:
    """How a shop runs its tills."""
    programme_id = desk.programme_id
    return await desk.answer(
        lambda session: cashiers.counter_rule(session, programme_id=programme_id, merchant_id=merchant_id),
        of=of_merchant(merchant_id),
    )


@router.put("/counter-rule", **does(Act.SHOP_RULE_SET, gives=cashiers.CounterRule))
async def set_rule(body: Rule, desk: AtKeyedDesk, merchant_id: NumberInPath) -> Response:
    """Run the tills so from now on."""
    kept: PinHash | Literal["keep"] | None = None
    if body.undo_pin == "keep":
        kept = "keep"
    elif body.undo_pin is not None:
        kept = await run_in_threadpool(pins.hashed, body.undo_pin, field="undo_pin")
    return await desk.once(
        lambda session: cashiers.set_counter_rule(
            session, **desk.doing, merchant_id=merchant_id, ask_cashier=body.ask_cashier, undo_pin=kept
        ),
        of=of_merchant(merchant_id),
    )
