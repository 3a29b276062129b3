"""What deserves a look: patterns in what the tills took, each with what it rests on, to be looked at once.

Nothing is accused here. A person looks, and says that there is nothing in it or has the shop's settlement held
meanwhile: the hold and the saying are one breath (`hold`, `watch`), and a run that is proposed is proposed again.
"""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.responses import Response

from vouchers import hold, patterns, watch
from vouchers.access import Act
from vouchers.db import ReadSession, WriteSession
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, page
from vouchers.pages.language import _
from vouchers.pages.reproposal import proposed_again
from vouchers.watch import Seen, Sight

router: Final = APIRouter()

_SPANS: Final = (7, 30, 60)
_SPAN: Final = 30
_SHOWN: Final = 40
"""Patterns on one page: who has more to look at begins with the newest."""


@router.get("/p/{programme_id}/surveillance", **page(Act.WATCH_READ))
async def watching(desk: AtDesk, days: Annotated[int, Query(alias="jours", ge=1, le=60)] = _SPAN) -> Response:
    """What nobody looked at yet, and what was said of the rest."""
    return await _shown(desk, days=days)


@router.post("/p/{programme_id}/surveillance", **page(Act.WATCH_DECIDE))
async def decide(desk: AtForm) -> Response:
    """There is nothing in it, or the shop's settlement is held."""
    desk.allow_all()

    def act(session: WriteSession) -> Seen:
        since = timedelta(days=desk.typed.whole("jours", least=1, most=watch.WINDOW.days))
        named = {"kind": desk.typed.choice("kind", patterns.KINDS), "subject": desk.typed.text("subject")}
        because, decision = desk.typed.text("because"), desk.typed.choice("decision", watch.DECISIONS)
        number: int | None = None
        if decision == "held":
            found = watch.find(session, programme_id=desk.programme_id, at=desk.at, since=since, **named)
            shop = found.pattern.merchant_id
            number = _holding(session, desk, merchant_id=shop, because=because)
        return watch.decide(session, **desk.doing, **named, because=because, hold_number=number, since=since)

    held = desk.typed.shown("decision") == "held"
    said = _("C'est noté, et le règlement de ce commerce est retenu.") if held else _("C'est noté.")
    return await desk.once(act, then=f"{desk.home}/surveillance", said=said, again=_again)


def _holding(session: WriteSession, desk: PageDesk, *, merchant_id: int, because: str) -> int:
    """The hold on all that a shop is owed: the one that stands already, or a new one, whatever run is proposed."""
    for standing in hold.holds_of(session, programme_id=desk.programme_id, merchant_ids=[merchant_id]):
        if standing.journal_id is None:
            return standing.number
    laid: list[hold.Hold] = []

    def lay() -> hold.Hold:
        laid.append(hold.lay(session, **desk.doing, merchant_id=merchant_id, of_posting=None, because=because))
        return laid[0]

    proposed_again(desk, session, because=because, change=lay)
    return laid[0].number


async def _again(desk: PageDesk) -> Response:
    given = desk.typed.shown("jours")
    return await _shown(desk, days=int(given) if given in {str(span) for span in _SPANS} else _SPAN)


async def _shown(desk: PageDesk, *, days: int) -> Response:
    def read(session: ReadSession) -> tuple[list[Sight], list[Seen]]:
        found = watch.sights(session, programme_id=desk.programme_id, at=desk.at, since=timedelta(days=days))
        return found, watch.seen(session, programme_id=desk.programme_id)

    found, seen = await desk.read(read)
    return await desk.show(
        "watch/watch.html", sights=found[:_SHOWN], all=len(found), seen=seen, days=days, spans=_SPANS
    )
