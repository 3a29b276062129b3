"""An order made from a list, as post: its letters with the vouchers in them, labels, and the mail house's file.

The letters hold codes: they are made for whoever may print a batch, sent once made, and kept nowhere. Labels and file
name people, and are for whoever may read the list.
"""

import io
from typing import Any, Final, TypeVar, get_args

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse

from vouchers import clock, mail_merge, press
from vouchers.access import Act
from vouchers.api.fields import NumberInPath
from vouchers.api.guard import of_order
from vouchers.db import ReadSession
from vouchers.mail_merge import Mailing, OrderBy, Shops
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, download, page
from vouchers.paper.labels import FORMATS
from vouchers.paper.letter import LetterPaper, Together, specimen_picture
from vouchers.paper.mailing import Encoding
from vouchers.paper.window import frame_page

T = TypeVar("T", bound=str)
router: Final = APIRouter(prefix="/p/{programme_id}/commandes/{number}/courriers")
SHOWN: Final = 40
"""People whose letter is handed over, named on the page."""
_PDF: Final = "application/pdf"
_ORDERS: Final[tuple[OrderBy, ...]] = get_args(OrderBy)
_TOGETHER: Final[tuple[Together, ...]] = get_args(Together)
_SHOPS: Final[tuple[Shops, ...]] = get_args(Shops)
_ENCODINGS: Final[tuple[Encoding, ...]] = get_args(Encoding)


@router.get("", **page(Act.RECIPIENTS_READ))
async def one(desk: AtDesk, number: NumberInPath) -> Response:
    """Who is written to, how the letters look, and what can be taken away."""
    return await _show(desk, number)


async def _show(desk: PageDesk, number: int) -> Response:
    mailing = await _mailing(desk, number, "round")
    return await desk.show(
        "letters/letters.html",
        mailing=mailing,
        number=number,
        by_hand=mailing.by_hand[:SHOWN],
        base=f"{desk.home}/commandes/{number}/courriers",
    )


async def _mailing(desk: PageDesk, number: int, order_by: OrderBy) -> Mailing:
    def found(session: ReadSession) -> Mailing:
        return mail_merge.mailing_of(session, programme_id=desk.programme_id, order_number=number, order_by=order_by)

    return await desk.read(found, of=of_order(desk.programme_id, number))


@router.get("/modele.png", **page(Act.RECIPIENTS_READ))
async def specimen(desk: AtDesk, number: NumberInPath, ensemble: str = "") -> Response:
    """The pages of a letter to nobody, with made-up vouchers."""
    together = _word(_TOGETHER, ensemble)

    def found(session: ReadSession) -> tuple[LetterPaper, Any]:
        return mail_merge.specimen_of(
            session,
            programme_id=desk.programme_id,
            order_number=number,
            written_on=clock.book_day(desk.at),
            together=together,
        )

    paper, letter = await desk.read(found, of=of_order(desk.programme_id, number))
    return Response(await run_in_threadpool(specimen_picture, paper, letter), media_type="image/png")


@router.get("/enveloppe.pdf", **page(Act.RECIPIENTS_READ))
async def envelope(desk: AtDesk, number: NumberInPath) -> Response:
    """A page with the frame of the window, to be tried in one's own envelopes."""
    await desk.read(lambda _session: None, of=of_order(desk.programme_id, number))
    return download(await run_in_threadpool(frame_page), name="essai-enveloppe.pdf", media=_PDF)


@router.post("/lettres.pdf", **page(Act.BATCH_PRINT))
async def letters(desk: AtForm, number: NumberInPath) -> Response:
    """All letters with all vouchers, each code read back, as often as it takes until they are handed over."""

    async def act() -> Response:
        desk.allow_all()
        typed = desk.typed
        together, order_by = typed.choice("together", _TOGETHER), typed.choice("order_by", _ORDERS)
        shops, written_on = typed.choice("shops", _SHOPS), typed.day("written_on")
        file, length = await run_in_threadpool(
            press.open_letters,
            desk.house.database,
            programme_id=desk.programme_id,
            order_number=number,
            pepper=desk.house.pepper,
            written_on=written_on,
            order_by=_word(_ORDERS, order_by),
            together=_word(_TOGETHER, together),
            shops=_word(_SHOPS, shops),
        )
        headers = {
            "Content-Length": str(length),
            "Content-Disposition": f'attachment; filename="courriers-{desk.programme_id}-{number}.pdf"',
        }
        return StreamingResponse(press.pieces(file), media_type=_PDF, headers=headers)

    return await desk.tried(act, again=lambda desk: _show(desk, number))


@router.get("/etiquettes.pdf", **page(Act.RECIPIENTS_READ))
async def labels(desk: AtDesk, number: NumberInPath, planche: str = "", tri: str = "") -> Response:
    """A label for each letter, in the order of the letters; back to the page where there is nobody."""
    mailing = await _mailing(desk, number, _word(_ORDERS, tri))
    if not mailing.people:
        return desk.go(f"{desk.home}/commandes/{number}/courriers")
    out = io.BytesIO()
    form = FORMATS.get(planche, FORMATS["21"])
    await run_in_threadpool(mail_merge.write_labels, out, mailing=mailing, form=form)
    return download(out.getvalue(), name=f"etiquettes-{desk.programme_id}-{number}.pdf", media=_PDF)


@router.get("/routage.csv", **page(Act.RECIPIENTS_READ))
async def mail_house(desk: AtDesk, number: NumberInPath, codage: str = "", tri: str = "") -> Response:
    """The people for whoever prints and posts; without those whose letter is handed over."""
    mailing = await _mailing(desk, number, _word(_ORDERS, tri))
    encoding = _word(_ENCODINGS, codage)

    async def act() -> Response:
        made = await run_in_threadpool(lambda: b"".join(mail_merge.mailing_csv(mailing, encoding=encoding)))
        media = f"text/csv; charset={'windows-1252' if encoding == 'cp1252' else 'utf-8'}"
        return download(made, name=f"routage-{desk.programme_id}-{number}.csv", media=media)

    return await desk.tried(act, again=lambda desk: _show(desk, number))


def _word(words: tuple[T, ...], given: str) -> T:
    """The word that an address or a form gives, the first where it gives none of them."""
    return next((word for word in words if word == given), words[0])
