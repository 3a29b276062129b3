"""Payment runs: proposed by one, approved by another, handed to the bank, executed; and what shops see of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import Field, StrictInt

from vouchers import (
    archive,
    clock,
    commissions,
    ledger,
    pay,
    reverse,
    run_papers,
    runs,
    sales,
    settle,
    statement_post,
    statement_posts,
    workshop,
)
from vouchers.access import Act
from vouchers.api.fields import Before, Body, Day, Empty, Limit, Number, NumberInPath, Reason, Why
from vouchers.api.guard import AtDesk, AtKeyedDesk, Desk, does, of_merchant, said
from vouchers.api.shapes import Listed, Page, PutBack, page, redemption_shown, reversal_shown, run_shown, shown
from vouchers.archive import Document
from vouchers.db import ReadSession, WriteSession

router: Final = APIRouter(prefix="/programmes/{programme_id}", tags=["Settlements"])


class Period(Body):
    """The last Paris day of the period to close."""

    to_on: Day


class Approval(Body):
    """The day on which the bank is asked to pay; null for the first TARGET day from tomorrow on."""

    execution_on: Day | None = None


class Return(Body):
    """A transfer that the bank gave back."""

    merchant_id: Number
    reason: Reason


class Some(Body):
    """Of how many merchants at most, in this call."""

    merchants: Annotated[StrictInt, Field(ge=1, le=200, examples=[50])] = 50


class Undo(Body):
    """Which vouchers of a redemption to give back (all that are left when null), and why."""

    reason: Reason
    serials: Annotated[list[Number], Field(min_length=1, max_length=20)] | None = None


@dataclass(frozen=True, slots=True)
class InList:
    """A payment run in a list."""

    number: int
    state: str
    to_on: str


@dataclass(frozen=True, slots=True)
class Posted:
    """What left and failed in this call, and how the letters of the run stand."""

    left: int
    failed: int
    posts: statement_posts.Posts


# ── Runs ─────────────────────────────────────────────────────────────────────────────────────────────────────────
@router.post("/settlements", **does(Act.SETTLEMENT_PROPOSE, gives=runs.Run, status=201))
async def propose(body: Period, desk: AtKeyedDesk) -> Response:
    """Propose the run that closes a period: what each merchant is due, down to the posting."""
    # In a transaction of its own: it waits for writers that began before, and holds new ones back.
    upto = await desk.house.write(lambda session: ledger.watermark(session, programme_id=desk.programme_id))
    return await desk.once(
        lambda session: run_shown(settle.propose(session, **desk.doing, to_on=body.to_on, upto_journal=upto)),
        status=201,
    )


@router.get("/settlements", **does(Act.SETTLEMENT_READ, gives=Page[InList]))
async def listed(desk: AtDesk, before: Before = None, limit: Limit = 50) -> Response:
    """The payment runs, newest first."""
    return await desk.answer_within(
        lambda session, _reach: page(
            [
                InList(number=number, state=state, to_on=to_on.isoformat())
                for number, state, to_on in runs.runs_of(
                    session, programme_id=desk.programme_id, before=before, limit=limit
                )
            ],
            limit=limit,
            number=lambda run: int(run["number"]),
        )
    )


@router.get("/settlements/{number}", **does(Act.SETTLEMENT_READ, gives=runs.Run))
async def one(desk: AtDesk, number: NumberInPath) -> Response:
    """One run and what it pays; to an owner, only what it pays to the owner's shops."""

    def seen(session: ReadSession, reach: Any) -> Any:
        found = run_shown(runs.find_run(session, programme_id=desk.programme_id, number=number))
        if not reach.everything:
            own = [line for line in found["settlements"] if line["merchant_id"] in reach.merchant_ids]
            found |= {"settlements": own, "debtor_iban": "", "debtor_bic": None}
        return found

    return await desk.answer_within(seen)


@router.post("/settlements/{number}/withdrawal", **does(Act.SETTLEMENT_WITHDRAW, gives=runs.Run))
async def withdraw(body: Why, desk: AtKeyedDesk, number: NumberInPath) -> Response:
    """Take a proposed run back; nothing was moved."""
    return await desk.once(
        lambda session: run_shown(settle.withdraw(session, **desk.doing, number=number, reason=body.reason))
    )


@router.post("/settlements/{number}/approval", **does(Act.SETTLEMENT_APPROVE, gives=runs.Run))
async def approve(body: Approval, desk: AtKeyedDesk, number: NumberInPath) -> Response:
    """Approve what another proposed: commission and VAT are taken, the nets put in transit, for a TARGET day."""
    return await desk.once(
        lambda session: run_shown(settle.approve(session, **desk.doing, number=number, execution_on=body.execution_on))
    )


@router.post("/settlements/{number}/bank-file", **does(Act.SETTLEMENT_EXPORT, media="application/xml"))
async def bank_file(_body: Empty, desk: AtKeyedDesk, number: NumberInPath) -> Response:
    """The bank file (pain.001.001.09) of an approved run, the same bytes each time; the first marks it handed out."""

    def first(session: ReadSession) -> tuple[runs.Run, bytes | None]:
        run = runs.find_run(session, programme_id=desk.programme_id, number=number)
        kept = workshop.handed_out(session, run=run)
        file = archive.file_of(session, programme_id=run.programme_id, name=kept.name) if kept is not None else None
        return run, file

    run, left = await desk.read(first)
    pay.require_approved(run)
    # Made and checked before the run is marked: what a bank would refuse is not handed out.
    xml = await run_in_threadpool(workshop.checked_bank_file, run) if left is None else left

    def exported(session: WriteSession) -> dict[str, str]:
        return {"message_id": workshop.hand_out(session, **desk.doing, number=number, file=xml).message_id}

    kept = said(await desk.done(exported), status=200)
    headers = _file(f"{run.message_id}.xml", dict(kept.headers))
    return Response(xml, media_type="application/xml", headers=headers)


@router.post("/settlements/{number}/execution", **does(Act.SETTLEMENT_EXECUTE, gives=runs.Run))
async def execute(_body: Empty, desk: AtKeyedDesk, number: NumberInPath) -> Response:
    """The bank has paid."""
    return await desk.once(lambda session: run_shown(pay.execute(session, **desk.doing, number=number)))


@router.post("/settlements/{number}/returns", **does(Act.SETTLEMENT_RETURN, gives=runs.Run, status=201))
async def returned(body: Return, desk: AtKeyedDesk, number: NumberInPath) -> Response:
    """The bank gave one transfer back: that balance is open again."""
    return await desk.once(
        lambda session: run_shown(pay.returned(session, **desk.doing, number=number, **body.model_dump())),
        status=201,
    )


@router.get("/settlements/{number}/merchants/{merchant_id}/lines", **does(Act.SETTLEMENT_READ, gives=Page[runs.Line]))
async def lines(desk: AtDesk, number: NumberInPath, merchant_id: NumberInPath) -> Response:
    """The postings behind one merchant's figure, down to the voucher."""
    return await desk.answer(
        lambda session: page(
            runs.lines_of(session, programme_id=desk.programme_id, number=number, merchant_id=merchant_id)
        ),
        of=of_merchant(merchant_id),
    )


@router.get("/merchants/{merchant_id}/payments", **does(Act.SETTLEMENT_READ, gives=Page[sales.Paid]))
async def payments(desk: AtDesk, merchant_id: NumberInPath, before: Before = None, limit: Limit = 50) -> Response:
    """The runs that pay a shop, newest first: each has a statement."""
    programme_id = desk.programme_id
    return await desk.answer(
        lambda session: page(
            sales.payments_to(session, programme_id=programme_id, merchant_id=merchant_id, before=before, limit=limit),
            limit=limit,
            number=lambda paid: int(paid.run_number),
        ),
        of=of_merchant(merchant_id),
    )


# ── Statements and commission invoices ───────────────────────────────────────────────────────────────────────────
@router.post("/settlements/{number}/papers", **does(Act.INVOICE_ISSUE, gives=commissions.Papers))
async def make_papers(body: Some, desk: AtDesk, number: NumberInPath) -> Response:
    """Make the next merchants' papers of an approved run: call again until `made` is `payees`. Takes no key.

    Each is made once: what was made before stays as it is.
    """
    desk.allow_all()
    doing: dict[str, Any] = {"programme_id": desk.programme_id, "number": number, "actor": desk.caller.actor}
    made = await run_in_threadpool(
        run_papers.make_papers, desk.house.database, **doing, now=clock.now, most=body.merchants
    )
    return JSONResponse(shown(made))


@router.get("/settlements/{number}/papers", **does(Act.SETTLEMENT_READ, media="application/zip"))
async def all_papers(desk: AtDesk, number: NumberInPath) -> Response:
    """Every statement and commission invoice of a run in one ZIP, the same bytes each time."""
    desk.allow_all()
    pieces = await run_in_threadpool(
        run_papers.all_papers, desk.house.database, programme_id=desk.programme_id, number=number
    )
    return StreamingResponse(pieces, media_type="application/zip", headers=_file(f"reglement-{number}.zip", {}))


@router.post("/settlements/{number}/letters", **does(Act.STATEMENT_SEND, gives=Posted))
async def send(body: Some, request: Request, desk: AtDesk, number: NumberInPath) -> Response:
    """Send the next merchants their papers by e-mail: call again until nobody waits. Takes no key.

    Each letter leaves once; one that failed is tried again.
    """
    desk.allow_all()
    settings = request.app.state.settings
    asked: dict[str, Any] = {"programme_id": desk.programme_id, "number": number}
    home = f"{settings.public_url}/p/{desk.programme_id}/reglements" if settings.public_url else ""
    sent = await run_in_threadpool(
        statement_post.send_statements, desk.house.database, settings, **asked, address=home,
        actor=desk.caller.actor, now=clock.now, most=body.merchants,
    )  # fmt: skip
    posts = await desk.read(lambda session: statement_posts.posts_of(session, **asked))
    return JSONResponse(shown(Posted(sent.left, sent.failed, posts)))


@router.get(
    "/settlements/{number}/merchants/{merchant_id}/statement", **does(Act.SETTLEMENT_READ, media="application/pdf")
)
async def statement(desk: AtDesk, number: NumberInPath, merchant_id: NumberInPath) -> Response:
    """The statement of one merchant, as it was first made."""
    return await _paper(desk, run_papers.statement_of, number, merchant_id)


@router.get(
    "/settlements/{number}/merchants/{merchant_id}/invoice", **does(Act.SETTLEMENT_READ, media="application/pdf")
)
async def invoice(desk: AtDesk, number: NumberInPath, merchant_id: NumberInPath) -> Response:
    """The commission invoice (Factur-X) of one merchant, or its credit note, as it was first made."""
    return await _paper(desk, run_papers.invoice_of, number, merchant_id)


async def _paper(desk: Desk, found: Callable[..., Document], number: int, merchant_id: int) -> Response:
    def read(session: ReadSession) -> tuple[Document, bytes]:
        paper = found(session, programme_id=desk.programme_id, number=number, merchant_id=merchant_id)
        return paper, archive.file_of(session, programme_id=desk.programme_id, name=paper.name)

    paper, content = await desk.read(read, of=of_merchant(merchant_id))
    return Response(content, media_type="application/pdf", headers=_file(paper.file_name, {}))


def _file(name: str, headers: dict[str, str]) -> dict[str, str]:
    kept = {key: value for key, value in headers.items() if key == "idempotency-hit"}
    return {**kept, "Content-Disposition": f'attachment; filename="{name}"'}


# ── A shop's redemptions, at the desk ────────────────────────────────────────────────────────────────────────────
@router.get("/merchants/{merchant_id}/redemptions", **does(Act.REDEMPTION_READ, gives=Page[Listed]))
async def redemptions(
    desk: AtDesk,
    merchant_id: NumberInPath,
    day: Annotated[Day, Query(examples=["2026-11-21"])],
    before: Before = None,
    limit: Limit = 50,
) -> Response:
    """A shop's redemptions of one Paris day, newest first."""

    def found(session: ReadSession) -> Any:
        of_day = sales.redemptions_of(
            session,
            programme_id=desk.programme_id,
            merchant_id=merchant_id,
            day=day,
            before=before,
            limit=limit,
        )
        part = page(of_day, limit=limit, number=lambda listed: listed.redemption_id)
        return {**part, "items": [redemption_shown(each) for each in of_day]}

    return await desk.answer(found, of=of_merchant(merchant_id))


@router.post(
    "/merchants/{merchant_id}/redemptions/{redemption_id}/reversal",
    **does(Act.REDEMPTION_REVERSE_IN_WINDOW, gives=PutBack, status=201),
)
async def reverse_at_shop(
    body: Undo, desk: AtKeyedDesk, merchant_id: NumberInPath, redemption_id: NumberInPath
) -> Response:
    """Undo a redemption of one's own shop, within the programme's window."""
    return await desk.once(
        lambda session: reversal_shown(
            reverse.reverse_at_shop(
                session,
                **desk.doing,
                merchant_id=merchant_id,
                redemption_id=redemption_id,
                serials=body.serials,
                reason=body.reason,
            )
        ),
        of=of_merchant(merchant_id),
        status=201,
    )


@router.post("/redemptions/{redemption_id}/reversal", **does(Act.REDEMPTION_REVERSE, gives=PutBack, status=201))
async def reverse_whenever(body: Undo, desk: AtKeyedDesk, redemption_id: NumberInPath) -> Response:
    """The treasurer undoes a redemption, or some vouchers of it, whenever it was."""
    return await desk.once(
        lambda session: reversal_shown(
            reverse.reverse(
                session, **desk.doing, redemption_id=redemption_id, serials=body.serials, reason=body.reason
            )
        ),
        status=201,
    )
