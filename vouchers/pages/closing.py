"""The closing of a campaign at a desk: the dossier of the programme or of one order, made, kept, downloaded."""

from contextlib import suppress
from typing import Any, Final

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from vouchers import archive, chart, clock, closing, ledger, order_desk, rules
from vouchers.access import Act
from vouchers.api.fields import NumberInPath
from vouchers.api.guard import of_order
from vouchers.config import Settings
from vouchers.db import ReadSession
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, page
from vouchers.pages.language import _
from vouchers.signing_key import signer

router: Final = APIRouter(prefix="/p/{programme_id}")
_LISTED: Final = 50
_ORDERS: Final = 500


@router.get("/cloture", **page(Act.REPORT_READ))
async def shown(desk: AtDesk) -> Response:
    """What a dossier holds, whether it is time for one, and those that were made."""
    return await _shown(desk)


@router.post("/cloture", **page(Act.DOSSIER_CLOSE))
async def close(desk: AtForm) -> Response:
    """The dossier of the programme as it stands."""
    desk.allow_all()
    return await _close(desk, order_number=None)


@router.post("/commandes/{number}/cloture", **page(Act.DOSSIER_CLOSE))
async def close_order(desk: AtForm, number: NumberInPath) -> Response:
    """The dossier of one order as it stands."""
    await desk.read(lambda _session: None, of=of_order(desk.programme_id, number))
    return await _close(desk, order_number=number)


async def _close(desk: PageDesk, *, order_number: int | None) -> Response:
    settings: Settings = desk.screen.request.app.state.settings

    async def made() -> Response:
        while True:
            # Drawn and signed first: no till waits for the thousand lines of a dossier.
            drawn = await run_in_threadpool(
                closing.draw,
                desk.house.database,
                programme_id=desk.programme_id,
                order_number=order_number,
                anchors=settings.anchors_path(),
                signer=signer(settings, at=desk.at),
                now=clock.now,
            )
            with suppress(closing.NumberTaken):
                return await _kept(desk, drawn)

    return await desk.tried(made, again=_shown)


async def _kept(desk: PageDesk, drawn: closing.Drawn) -> Response:
    return await desk.once(
        lambda session: {"name": closing.keep(session, drawn=drawn, actor=desk.caller.actor).name},
        then=f"{desk.home}/cloture",
        said=_("Le dossier est établi, signé et conservé."),
    )


async def _shown(desk: PageDesk) -> Response:
    def found(session: ReadSession) -> dict[str, Any]:
        programme = rules.rules(session, programme_id=desk.programme_id)
        orders = order_desk.orders(session, programme_id=desk.programme_id, limit=_ORDERS)
        return {
            "rules": programme,
            "over": clock.book_day(desk.at) > programme.presentation_deadline_on,
            "floating": ledger.balance(session, programme_id=desk.programme_id, account=chart.FLOAT),
            "dossiers": archive.listed(session, programme_id=desk.programme_id, kinds=("dossier",), limit=_LISTED),
            "orders": [row for row in orders if row.state in ("issued", "delivered")],
        }

    return await desk.show("closing/closing.html", **await desk.read(found))
