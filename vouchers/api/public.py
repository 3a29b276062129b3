"""What anyone may ask: is this paper a voucher here, what is on it, until when. One neutral answer to all the rest."""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from vouchers import attempts, clock, codes, redeem
from vouchers.api.fields import Body, Code
from vouchers.api.guard import AtHouse, address_of, does
from vouchers.api.shapes import shown
from vouchers.attempts import Guess
from vouchers.db import ReadSession
from vouchers.errors import VoucherUnknown

router: Final = APIRouter(prefix="/public", tags=["Public"])
State = Literal["spendable", "not_active", "used", "over", "stopped"]
_WORDS: Final[dict[str, State]] = {"printed": "not_active", "active": "spendable", "redeemed": "used"}


class Held(Body):
    """The code behind the `#` of the QR."""

    code: Code


@dataclass(frozen=True, slots=True)
class Genuine:
    """A voucher of this house. Never where or when it was used."""

    state: State
    face_cents: int
    balance_cents: int
    expires_on: date


@router.post("/voucher", **does("public", gives=Genuine))
async def voucher(body: Held, request: Request, house: AtHouse) -> Response:
    """What is on a voucher, for who holds its code. Unknown, malformed and foreign: one answer, 30 an hour at most."""
    at = clock.now()
    scopes = [attempts.scope(Guess.LOOK_UP_ADDRESS, address_of(request))]
    # What cannot be a code is looked for too, so that its answer takes as long as another's.
    hashed = codes.code_hash(house.pepper, codes.code_from_text(body.code) or "")

    def seen(session: ReadSession) -> redeem.Seen:
        attempts.check(session, scopes=scopes, at=at)
        return redeem.look_up_anywhere(session, code_hash=hashed, at=at)

    try:
        found = await house.read(seen)
    except VoucherUnknown:
        await house.write(lambda session: attempts.count(session, scopes=scopes, at=at))
        raise
    return JSONResponse(shown(_genuine(found)))


def _genuine(found: redeem.Seen) -> Genuine:
    state: State = _WORDS.get(found.state, "stopped")
    if found.refusal is not None and found.refusal.reason == "voucher_expired":
        state = "over"
    return Genuine(state, found.face_cents, found.balance_cents, found.expires_on)
