"""The page behind a voucher's QR code, for whoever holds the paper: is it genuine, what is on it, until when, where.

The QR opens `https://HOST/#CODE`. What stands behind `#` never reaches the server: `voucher.ts` takes it off the
address bar and sends it in a body, to the API's own door. Without a script the code is typed into the form, and the
answer drawn here. Both are throttled by address, and whatever is not a voucher of ours gets one neutral answer.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from vouchers import attempts, clock, codes, redeem
from vouchers.api.guard import address_of
from vouchers.attempts import Guess
from vouchers.errors import TooManyAttempts, VoucherUnknown
from vouchers.pages.desk import AtScreen, Screen, page
from vouchers.redeem import Genuine

router: Final = APIRouter()
STATES: Final = (
    "spendable", "not_active", "used", "over", "stopped", "unknown", "training", "too_many", "no_network",
)  # fmt: skip
"""Every answer the page can give; what a script shows is drawn from the same template as what a form gets."""
_BETWEEN: Final = re.compile(r"[\s\u00a0\u202f.\-]+")
_TRAINING: Final = "TRAINING"
_FAR_DAYS: Final = 366
"""Beyond a year, days that are left say nothing to anybody."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the page says of a paper. `left`: days until the last one, None where there is nothing to wait for."""

    state: str
    held: Genuine | None = None
    left: int | None = None


@router.get("/", **page("public"))
async def front(screen: AtScreen) -> Response:
    """What this is, for whoever scanned a voucher or came by."""
    return _shown(screen, None, status=200)


@router.post("/", **page("public"))
async def check(screen: AtScreen) -> Response:
    """What is on a voucher whose code was typed."""
    typed = screen.typed.shown("code").rpartition("#")[2].upper()
    if typed.strip().startswith(_TRAINING):
        return _shown(screen, Answer("training"), status=200)
    database, at = screen.house.database, screen.at
    hashed = codes.code_hash(screen.house.pepper, codes.code_from_text(_BETWEEN.sub("", typed)) or "")
    try:
        held = await run_in_threadpool(
            attempts.guarded,
            database,
            scopes=[attempts.scope(Guess.LOOK_UP_ADDRESS, address_of(screen.request))],
            at=at,
            act=lambda: database.read(redeem.look_up_anywhere, code_hash=hashed, at=at),
            counts=(VoucherUnknown,),
        )
    except VoucherUnknown:
        return _shown(screen, Answer("unknown"), status=404)
    except TooManyAttempts as refusal:
        answer = _shown(screen, Answer("too_many"), status=429)
        answer.headers["Retry-After"] = str(refusal.data["retry_after_seconds"])
        return answer
    return _shown(screen, Answer(held.state, held, _left(held.expires_on, clock.book_day(at))), status=200)


def _left(until: date, today: date) -> int | None:
    days = (until - today).days
    return days if 0 <= days <= _FAR_DAYS else None


def _shown(screen: Screen, answer: Answer | None, *, status: int) -> Response:
    told: dict[str, Any] = {"answer": answer, "states": STATES, "far_days": _FAR_DAYS}
    return screen.show("public/voucher.html", status=status, **told)
