"""The papers of a payment run: statements and commission invoices made by one button, sent by another, taken away."""

from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse

from vouchers import clock, commissions, letterbox, papers_due, press, run_papers, runs, statement_post, statement_posts
from vouchers.access import Act
from vouchers.api.fields import NumberInPath
from vouchers.commissions import OfMerchant, Papers
from vouchers.config import Settings
from vouchers.db import ReadSession
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, page
from vouchers.pages.language import _
from vouchers.pages.ways_in import reached_at
from vouchers.runs import Run
from vouchers.statement_posts import Addressee, Posts

router: Final = APIRouter(prefix="/p/{programme_id}/reglements/{number}")

_SHOWN: Final = 100
_LISTED: Final = 20
_LOOK_AGAIN_SECONDS: Final = 2


class _Standing(NamedTuple):
    """All that the page tells of a run."""

    run: Run
    papers: Papers
    posts: Posts
    troubled: list[Addressee]
    nowhere: list[Addressee]
    first: int | None
    """The earlier run whose papers come first."""


def _standing(session: ReadSession, *, programme_id: int, number: int, at: datetime) -> _Standing:
    asked: dict[str, Any] = {"programme_id": programme_id, "number": number}
    commissions.require_approved(session, **asked)
    waiting = papers_due.runs_without_papers(session, programme_id=programme_id)
    return _Standing(
        runs.find_run(session, **asked),
        commissions.papers_of(session, **asked),
        statement_posts.posts_of(session, **asked),
        statement_posts.troubled(session, **asked, at=at, limit=_LISTED),
        statement_posts.to_hand_over(session, **asked, limit=_LISTED),
        waiting[0] if waiting and waiting[0] < number else None,
    )


@router.get("/papiers", **page(Act.SETTLEMENT_READ))
async def papers(
    desk: AtDesk,
    number: NumberInPath,
    after: Annotated[int, Query(ge=0)] = 0,
    words: Annotated[str, Query(alias="q", max_length=100)] = "",
) -> Response:
    """How far the papers of a run are, what to do next, and each merchant's. Looks again while they are being made."""
    return await _show(desk, number, after=after, words=words.strip())


async def _show(desk: PageDesk, number: int, *, after: int = 0, words: str = "") -> Response:
    desk.allow_all()
    asked: dict[str, Any] = {"programme_id": desk.programme_id, "number": number}
    house = desk.house.database
    # Asked before the rows are read: work that ends in between is then shown once more, never as stopped.
    making, sending = press.is_making_papers(house, **asked), press.is_sending(house, **asked)

    def found(session: ReadSession) -> tuple[_Standing, list[OfMerchant], int | None]:
        standing = _standing(session, **asked, at=desk.at)
        wanted = [
            line.merchant_id
            for line in standing.run.to_pay
            if line.merchant_id > after and words.lower() in line.shop_name.lower()
        ]
        rest = wanted[_SHOWN - 1] if len(wanted) > _SHOWN else None
        return standing, commissions.listed(session, **asked, merchant_ids=wanted[:_SHOWN]), rest

    standing, listed, rest = await desk.read(found)
    making, sending = making and not standing.papers.whole, sending and standing.papers.whole
    answer = await desk.show(
        "settlements/papers.html",
        **standing._asdict(),
        listed=listed,
        rest=rest,
        words=words,
        making=making,
        sending=sending,
        to_send=standing.posts.waiting + standing.posts.failed,
        can_post=letterbox.sends(_settings(desk)),
    )
    if making or sending:
        answer.headers["Refresh"] = str(_LOOK_AGAIN_SECONDS)
    return answer


@router.post("/papiers", **page(Act.INVOICE_ISSUE))
async def make(desk: AtForm, number: NumberInPath) -> Response:
    """Begin, or take up again, the papers of a run."""
    desk.allow_all()
    asked: dict[str, Any] = {"programme_id": desk.programme_id, "number": number}

    async def on() -> Response:
        await desk.read(lambda session: run_papers.require_makeable(session, **asked))
        press.make_papers_in_background(desk.house.database, **asked, actor=desk.caller.actor, now=clock.now)
        return desk.go(f"{desk.home}/reglements/{number}/papiers")

    return await desk.tried(on, again=lambda desk: _show(desk, number))


@router.get("/papiers.zip", **page(Act.SETTLEMENT_READ))
async def bundle(desk: AtDesk, number: NumberInPath) -> Response:
    """Every paper of the run in one file."""
    desk.allow_all()
    pieces = await run_in_threadpool(
        run_papers.all_papers, desk.house.database, programme_id=desk.programme_id, number=number
    )
    headers = {"Content-Disposition": f'attachment; filename="reglement-{desk.programme_id}-{number}.zip"'}
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)


# ── By e-mail ────────────────────────────────────────────────────────────────────────────────────────────────────
@router.post("/envoi", **page(Act.STATEMENT_SEND))
async def send(desk: AtForm, number: NumberInPath) -> Response:
    """Begin to send, or go on, to whoever got nothing yet and whose letter failed."""
    desk.allow_all()
    asked: dict[str, Any] = {"programme_id": desk.programme_id, "number": number}

    async def on() -> Response:
        await desk.read(lambda session: statement_post.require_sendable(session, **asked))
        await run_in_threadpool(_reach, desk)
        press.send_in_background(
            desk.house.database,
            _settings(desk),
            **asked,
            address=_address(desk),
            actor=desk.caller.actor,
            now=clock.now,
        )
        return desk.go(f"{desk.home}/reglements/{number}/papiers")

    return await desk.tried(on, again=lambda desk: _show(desk, number))


@router.post("/commercants/{merchant_id}/envoi", **page(Act.STATEMENT_SEND))
async def send_one(desk: AtForm, number: NumberInPath, merchant_id: NumberInPath) -> Response:
    """Send one merchant's papers, again if need be."""
    desk.allow_all()

    async def on() -> Response:
        await run_in_threadpool(
            statement_post.send_again,
            desk.house.database,
            _settings(desk),
            programme_id=desk.programme_id,
            number=number,
            merchant_id=merchant_id,
            address=_address(desk),
            actor=desk.caller.actor,
            now=clock.now,
        )
        return desk.go(
            f"{desk.home}/reglements/{number}/commercants/{merchant_id}", said=_("Le relevé est envoyé au commerçant.")
        )

    return await desk.tried(on, again=lambda desk: _show(desk, number))


def _reach(desk: PageDesk) -> None:
    """Refuses `MailNotSent` at once, rather than to a thread that nobody hears."""
    with letterbox.opened(_settings(desk), at=desk.at):
        pass


def _settings(desk: PageDesk) -> Settings:
    chosen: Settings = desk.screen.request.app.state.settings
    return chosen


def _address(desk: PageDesk) -> str:
    return f"{reached_at(desk.screen)}{desk.home}/reglements"
