"""Batches at a desk: issued while one watches, printed once, delivered, activated by somebody else, extended."""

from typing import Any, Final

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse

from vouchers import clock, expire, issue, order_desk, press, recipients, rules
from vouchers.access import Act
from vouchers.api.fields import After, NumberInPath
from vouchers.api.guard import Own, Owner, of_order
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import BadInput, NotFound
from vouchers.order_desk import BatchRow
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, page
from vouchers.pages.language import _

router: Final = APIRouter(prefix="/p/{programme_id}")
PAGE: Final = 30
LOOK_AGAIN_SECONDS: Final = 2


def of_batch(programme_id: int, number: int) -> Owner:
    """The buyer's for whom the batch is."""

    def owner(session: ReadSession) -> Own:
        return Own(buyer_id=_row(session, programme_id, number).buyer_id)

    return owner


def _row(session: ReadSession, programme_id: int, number: int) -> BatchRow:
    found = order_desk.batches(session, programme_id=programme_id, number=number)
    if not found:
        raise NotFound(what="batch", id=number)
    return found[0]


@router.get("/lots", **page(Act.BATCH_READ))
async def listed(desk: AtDesk, after: After = 0) -> Response:
    """Batches, newest first; those that wait for somebody say so."""
    reach = desk.reach
    batches = await desk.house.read(
        lambda session: order_desk.batches(
            session,
            programme_id=desk.programme_id,
            buyer_ids=None if reach.everything else reach.buyer_ids,
            before=after or None,
            limit=PAGE,
        )
    )
    return await desk.show(
        "batches/batches.html", batches=batches, next=batches[-1].number if len(batches) == PAGE else None
    )


@router.get("/lots/{number}", **page(Act.BATCH_READ))
async def one(desk: AtDesk, number: NumberInPath) -> Response:
    """One batch. While it is being issued here, the page looks again by itself (a header, not a script)."""
    return await _show(desk, number)


async def _show(desk: PageDesk, number: int) -> Response:
    programme_id = desk.programme_id

    def found(session: ReadSession) -> dict[str, Any]:
        row = _row(session, programme_id, number)
        list_id = recipients.list_of_order(session, programme_id=programme_id, order_number=row.order_number)
        given = 0 if list_id is None else recipients.assigned(session, programme_id=programme_id, list_id=list_id)
        return {
            "batch": row,
            "list_id": list_id,
            "given": given,
            "told": order_desk.history(session, programme_id=programme_id, subjects=[f"batch:{number}"]),
        }

    # Asked before the rows are read: a batch that ends in between is then shown once more, never as stopped.
    running = press.is_issuing(desk.house.database, programme_id=programme_id, batch_number=number)
    shown = await desk.read(found, of=of_batch(programme_id, number))
    row: BatchRow = shown["batch"]
    issuing = running and row.state == "issuing"
    hands = {row.issued_by, row.printed_by}
    answer = await desk.show("batches/batch.html", running=issuing, handled=desk.caller.actor in hands, **shown)
    if issuing:
        answer.headers["Refresh"] = str(LOOK_AGAIN_SECONDS)
    return answer


# ── Issued ───────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/commandes/{number}/emission", **page(Act.BATCH_ISSUE))
async def beginning(desk: AtDesk, number: NumberInPath) -> Response:
    """What will be issued, and until which day it can be spent."""
    return await _show_begin(desk, number)


@router.post("/commandes/{number}/emission", **page(Act.BATCH_ISSUE))
async def begin(desk: AtForm, number: NumberInPath) -> Response:
    """Open the batch of an order and issue it, while the page of the batch shows how far it is."""

    def act(session: WriteSession) -> dict[str, int]:
        last_day = desk.typed.day("expires_on") if desk.typed.has("expires_on") else None
        return {"number": issue.begin(session, **desk.doing, order_number=number, expires_on=last_day).number}

    return await desk.once(
        act,
        of=of_order(desk.programme_id, number),
        then=lambda made: _begun(desk, made["number"]),
        again=lambda desk: _show_begin(desk, number),
    )


async def _show_begin(desk: PageDesk, number: int) -> Response:
    def found(session: ReadSession) -> dict[str, Any]:
        rows = order_desk.orders(session, programme_id=desk.programme_id, number=number)
        if not rows:
            raise NotFound(what="order", id=number)
        return {"row": rows[0], "rules": rules.rules(session, programme_id=desk.programme_id)}

    shown = await desk.read(found, of=of_order(desk.programme_id, number))
    return await desk.show("batches/begin.html", **shown)


@router.post("/lots/{number}/reprise", **page(Act.BATCH_ISSUE))
async def resume(desk: AtForm, number: NumberInPath) -> Response:
    """Take up an issue that was interrupted, where it stopped."""
    row = await desk.read(
        lambda session: _row(session, desk.programme_id, number), of=of_batch(desk.programme_id, number)
    )
    path = f"{desk.home}/lots/{number}"
    return desk.go(_begun(desk, number) if row.state == "issuing" else path)


def _begun(desk: PageDesk, number: int) -> str:
    press.issue_in_background(
        desk.house.database,
        programme_id=desk.programme_id,
        batch_number=number,
        pepper=desk.house.pepper,
        actor=desk.caller.actor,
        now=clock.now,
    )
    return f"{desk.home}/lots/{number}"


# ── Printed, once ────────────────────────────────────────────────────────────────────────────────────────────────
@router.post("/lots/{number}/planches", **page(Act.BATCH_PRINT))
async def sheets(desk: AtForm, number: NumberInPath) -> Response:
    """The sheets, each code read back, as often as it takes until they are handed over."""

    async def act() -> Response:
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

    return await desk.tried(act, again=lambda desk: _show(desk, number))


@router.post("/lots/{number}/remise", **page(Act.BATCH_PRINT))
async def hand_over(desk: AtForm, number: NumberInPath) -> Response:
    """The file is safe with whoever prints: its codes are destroyed here, and there is no reprint."""

    def act(session: WriteSession) -> None:
        _ticked(desk, "kept")
        issue.hand_over(session, **desk.doing, batch_number=number)

    return await _step(
        desk, number, act, said=_("Les planches sont remises. Leurs codes n'existent plus que sur papier.")
    )


# ── Activated, extended ──────────────────────────────────────────────────────────────────────────────────────────
@router.post("/lots/{number}/activation", **page(Act.BATCH_ACTIVATE))
async def activate(desk: AtForm, number: NumberInPath) -> Response:
    """The buyer has them, hence they can be spent; by somebody who had no hand in making them."""

    def act(session: WriteSession) -> None:
        _ticked(desk, "received")
        issue.activate(session, **desk.doing, batch_number=number)

    return await _step(desk, number, act, said=_("Les chèques du lot peuvent être utilisés."))


@router.post("/lots/{number}/prolongation", **page(Act.BATCH_EXTEND))
async def extend(desk: AtForm, number: NumberInPath) -> Response:
    """A later last day, for the batch and its unspent vouchers."""

    def act(session: WriteSession) -> None:
        expire.extend(session, **desk.doing, batch_number=number, to_on=desk.typed.day("to_on"))

    return await _step(desk, number, act, said=_("La validité est prolongée."))


async def _step(desk: PageDesk, number: int, act: Any, *, said: str) -> Response:
    return await desk.once(
        act,
        of=of_batch(desk.programme_id, number),
        then=f"{desk.home}/lots/{number}",
        said=said,
        again=lambda desk: _show(desk, number),
    )


def _ticked(desk: PageDesk, name: str) -> None:
    if not desk.typed.has(name):
        raise BadInput(field=name, problem="missing")
