"""What anyone may ask: is this paper a voucher here, what is on it, until when. One neutral answer to all the rest."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from vouchers import attempts, clock, codes, redeem
from vouchers.api.fields import Body, Code
from vouchers.api.guard import AtHouse, address_of, does
from vouchers.api.shapes import shown
from vouchers.attempts import Guess
from vouchers.errors import VoucherUnknown
from vouchers.redeem import Genuine

router: Final = APIRouter(prefix="/public", tags=["Public"])


class Held(Body):
    """The code behind the `#` of the QR."""

    code: Code


@router.post("/voucher", **does("public", gives=Genuine))
async def voucher(body: Held, request: Request, house: AtHouse) -> Response:
    """What is on a voucher, for who holds its code. Unknown, malformed and foreign: one answer, 30 an hour at most."""
    at = clock.now()
    # What cannot be a code is looked for too, so that its answer takes as long as another's.
    hashed = codes.code_hash(house.pepper, codes.code_from_text(body.code) or "")
    found = await run_in_threadpool(
        attempts.guarded,
        house.database,
        scopes=[attempts.scope(Guess.LOOK_UP_ADDRESS, address_of(request))],
        at=at,
        act=lambda: house.database.read(redeem.look_up_anywhere, code_hash=hashed, at=at),
        counts=(VoucherUnknown,),
    )
    return JSONResponse(shown(found))
