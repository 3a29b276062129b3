"""Reports: the gauge, where the money went, the books, and their seals. Reads only, but for sealing."""

import tempfile
from datetime import date
from typing import Annotated, BinaryIO, Final, Protocol, cast

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response, StreamingResponse

from vouchers import books, clock, exports, press, report, seal, spending, threshold, vat, workshop
from vouchers.access import Act
from vouchers.api.fields import Before, Day, Empty, Limit
from vouchers.api.guard import AtDesk, Desk, does
from vouchers.api.shapes import Page, page, shown
from vouchers.db import Database
from vouchers.errors import BadInput
from vouchers.paper.fec import Encoding, Separator

router: Final = APIRouter(prefix="/programmes/{programme_id}/reports", tags=["Reports"])
_IN_MEMORY: Final = 1_000_000
From = Annotated[Day, Query(examples=["2026-11-01"], description="First Paris day")]
To = Annotated[Day, Query(examples=["2026-11-30"], description="Last Paris day")]
Year = Annotated[int, Query(ge=2000, le=2999, examples=[2026], description="Calendar year of the books")]


@router.get("/gauge", **does(Act.REPORT_READ, gives=report.Gauge))
async def gauge(desk: AtDesk) -> Response:
    """How far the money has come, against the target."""
    return await desk.answer(lambda session: report.gauge(session, programme_id=desk.programme_id, at=desk.at))


@router.get("/outstanding", **does(Act.REPORT_READ, gives=Page[report.Age]))
async def outstanding(desk: AtDesk) -> Response:
    """What was distributed and not spent, by age."""
    return await desk.answer(
        lambda session: page(report.outstanding_by_age(session, programme_id=desk.programme_id, at=desk.at))
    )


@router.get("/buyers", **does(Act.REPORT_READ, gives=Page[report.BuyerFigures]))
async def buyers(desk: AtDesk) -> Response:
    """What became of each buyer's vouchers."""
    return await desk.answer(lambda session: page(report.by_buyer(session, programme_id=desk.programme_id)))


@router.get("/merchants", **does(Act.REPORT_READ, gives=Page[spending.SpentAt]))
async def merchants(desk: AtDesk) -> Response:
    """What was spent at each shop."""
    return await desk.answer(lambda session: page(spending.spent_by_merchant(session, programme_id=desk.programme_id)))


@router.get("/trades", **does(Act.REPORT_READ, gives=Page[spending.Spent]))
async def trades(desk: AtDesk) -> Response:
    """What was spent, by trade."""
    return await desk.answer(lambda session: page(spending.spent_by_trade(session, programme_id=desk.programme_id)))


@router.get("/communes", **does(Act.REPORT_READ, gives=Page[spending.Spent]))
async def communes(desk: AtDesk) -> Response:
    """What was spent, by commune."""
    return await desk.answer(lambda session: page(spending.spent_by_commune(session, programme_id=desk.programme_id)))


@router.get("/weeks", **does(Act.REPORT_READ, gives=Page[spending.Week]))
async def weeks(desk: AtDesk) -> Response:
    """What was spent, by week."""
    return await desk.answer(lambda session: page(spending.spent_by_week(session, programme_id=desk.programme_id)))


@router.get("/leverage", **does(Act.REPORT_READ, gives=spending.Leverage))
async def leverage(desk: AtDesk) -> Response:
    """What customers spent in all for what vouchers paid."""
    return await desk.answer(lambda session: spending.leverage(session, programme_id=desk.programme_id))


# ── The books ────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/trial-balance", **does(Act.JOURNAL_READ, gives=books.TrialBalance))
async def trial_balance(desk: AtDesk) -> Response:
    """Every account that was moved; both totals are the same."""
    return await desk.answer(lambda session: books.trial_balance(session, programme_id=desk.programme_id))


@router.get("/year-balance", **does(Act.JOURNAL_READ, gives=Page[books.YearTotals]))
async def year_balance(desk: AtDesk, year: Year) -> Response:
    """A bookkeeper's trial balance of one year: opening, moved, by number and auxiliary account."""
    to_on = exports.closing_of(year, at=desk.at)
    return await desk.answer(
        lambda session: page(books.year_balance(session, programme_id=desk.programme_id, year=year, to_on=to_on))
    )


@router.get("/vat", **does(Act.JOURNAL_READ, gives=Page[vat.VatDue]))
async def vat_due(desk: AtDesk, year: Year) -> Response:
    """The VAT that became due in each month of a year, on fees and on commissions."""
    days = {"from_on": date(year, 1, 1), "to_on": exports.closing_of(year, at=desk.at)}
    return await desk.answer(lambda session: page(vat.due(session, programme_id=desk.programme_id, **days)))


@router.get("/threshold", **does(Act.REPORT_READ, gives=threshold.Rolling))
async def twelve_months(desk: AtDesk) -> Response:
    """What vouchers paid in the last twelve months, against what must be declared."""
    return await desk.answer(lambda session: threshold.rolling(session, programme_id=desk.programme_id, at=desk.at))


@router.get("/facts", **does(Act.JOURNAL_READ, gives=Page[books.Fact]))
async def facts(
    desk: AtDesk,
    kind: Annotated[str | None, Query(pattern="^[a-z_]{1,40}$", examples=["redeemed"])] = None,
    subject: Annotated[str | None, Query(pattern="^[a-z_]{1,40}:[0-9/]{1,40}$", examples=["voucher:12"])] = None,
    before: Before = None,
    limit: Limit = 50,
) -> Response:
    """Every business fact, newest first, whether or not money moved."""
    kinds = [kind] if kind is not None else []
    return await desk.answer(
        lambda session: page(
            books.facts(
                session, programme_id=desk.programme_id, before=before, limit=limit, kinds=kinds, subject=subject
            ),
            limit=limit,
            number=lambda fact: fact.journal,
        )
    )


@router.get("/journal.csv", **does(Act.JOURNAL_READ, media="text/csv"))
async def journal_as_csv(desk: AtDesk, from_on: From, to_on: To) -> Response:
    """The entries of some days, for a French spreadsheet."""
    file = await _written(desk, exports.write_journal_csv, from_on, to_on)
    return _streamed(file, "text/csv; charset=utf-8", f"journal-{from_on}-{to_on}.csv")


@router.get("/journal.hledger", **does(Act.JOURNAL_READ, media="text/plain"))
async def journal_as_hledger(desk: AtDesk, from_on: From, to_on: To) -> Response:
    """The entries of some days, for hledger."""
    file = await _written(desk, exports.write_hledger, from_on, to_on)
    return _streamed(file, "text/plain; charset=utf-8", f"journal-{from_on}-{to_on}.hledger")


@router.get("/journal.beancount", **does(Act.JOURNAL_READ, media="text/plain"))
async def journal_as_beancount(desk: AtDesk, from_on: From, to_on: To) -> Response:
    """The entries of some days, for beancount."""
    file = await _written(desk, exports.write_beancount, from_on, to_on)
    return _streamed(file, "text/plain; charset=utf-8", f"journal-{from_on}-{to_on}.beancount")


@router.get("/fec", **does(Act.JOURNAL_READ, media="application/zip"))
async def fec(desk: AtDesk, year: Year, encoding: Encoding = "iso-8859-15", separator: Separator = "tab") -> Response:
    """The fichier des écritures comptables of a year with its description, checked, in one ZIP."""
    desk.allow_all()
    file, name = await run_in_threadpool(_fec_zip, desk, year, encoding, separator)
    return _streamed(file, "application/zip", name)


@router.get("/dashboard", **does(Act.REPORT_READ, media="application/pdf"))
async def dashboard(desk: AtDesk) -> Response:
    """The programme on one A4 page."""
    desk.allow_all()
    sheet = await run_in_threadpool(exports.dashboard, desk.house.database, programme_id=desk.programme_id, at=desk.at)
    headers = {"Content-Disposition": 'attachment; filename="tableau-de-bord.pdf"'}
    return Response(sheet, media_type="application/pdf", headers=headers)


@router.get("/seals", **does(Act.JOURNAL_READ, gives=Page[seal.Seal]))
async def seals(desk: AtDesk, before: Before = None, limit: Limit = 50) -> Response:
    """The seals of the journal, newest first, hashes in hexadecimal."""
    return await desk.answer(
        lambda session: page(
            seal.seals_of(session, programme_id=desk.programme_id, before=before, limit=limit),
            limit=limit,
            number=lambda made: made.number,
        )
    )


@router.post("/seals", **does(Act.BOOKS_SEAL, gives=seal.Seal | None))
async def seal_books(_body: Empty, desk: AtDesk, request: Request) -> Response:
    """Seal what was written since the last seal; null when nothing was. Takes no key: again, nothing is left."""
    desk.allow_all()
    made = await run_in_threadpool(
        workshop.seal_books,
        desk.house.database,
        programme_id=desk.programme_id,
        anchors=request.app.state.settings.anchors_path(),
        now=clock.now,
    )
    return JSONResponse(shown(made))


class _Export(Protocol):
    def __call__(self, house: Database, out: BinaryIO, *, programme_id: int, from_on: date, to_on: date) -> None: ...


async def _written(desk: Desk, export: _Export, from_on: date, to_on: date) -> BinaryIO:
    """A file, whole before a byte of it leaves, so that a slow reader holds no transaction open."""
    desk.allow_all()
    if from_on > to_on:
        raise BadInput(field="to_on", problem="before_the_start")

    def written() -> BinaryIO:
        file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed when it was sent
        out = cast(BinaryIO, file)
        export(desk.house.database, out, programme_id=desk.programme_id, from_on=from_on, to_on=to_on)
        return out

    return await run_in_threadpool(written)


def _fec_zip(desk: Desk, year: int, encoding: Encoding, separator: Separator) -> tuple[BinaryIO, str]:
    made = exports.year_fec(
        desk.house.database,
        programme_id=desk.programme_id,
        year=year,
        at=desk.at,
        encoding=encoding,
        separator=separator,
    )
    file = cast(BinaryIO, tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 - closed when it was sent
    exports.write_fec_zip(file, made)
    return file, made.zip_name


def _streamed(file: BinaryIO, media: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(press.pieces(file), media_type=media, headers=headers)
