"""The gauge of a programme for other sites: how much was spent in the shops, of how much that was hoped for.

Small, without a script or a cookie, and the one page that may stand inside a frame of another site (`api/frame.py`).
"""

from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response

from vouchers import directory, money, report
from vouchers.api.fields import NumberInPath
from vouchers.db import ReadSession
from vouchers.directory import Season
from vouchers.pages.desk import AtScreen, page
from vouchers.report import Gauge

router: Final = APIRouter()
_KEPT_SECONDS: Final = 300


@router.get("/jauge/{programme_id}", **page("public"))
async def gauge(screen: AtScreen, programme_id: NumberInPath) -> Response:
    """What was spent against the target, in words and as a bar."""

    def found(session: ReadSession) -> tuple[Season, Gauge]:
        season = directory.season(session, programme_id=programme_id)
        return season, report.gauge(session, programme_id=programme_id, at=screen.at)

    season, figures = await screen.house.read(found)
    percent = money.whole_percent(figures.spent_cents, of_cents=figures.target_cents)
    shown = screen.for_all().show("public/gauge.html", programme=season, gauge=figures, percent=percent)
    if "set-cookie" not in shown.headers:
        shown.headers["Cache-Control"] = f"public, max-age={_KEPT_SECONDS}"
    return shown
