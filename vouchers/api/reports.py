"""Reports: the gauge, where the money went, the books, and their seals. Reads only, but for sealing."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import IO, Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response, StreamingResponse

from vouchers import books, clock, report, seal, spending, workshop
from vouchers.access import Act
from vouchers.api.fields import Before, Day, Empty, Limit
from vouchers.api.guard import AtDesk, Desk, does
from vouchers.api.shapes import Page, page, shown
from vouchers.db import ReadSession
from vouchers.errors import BadInput
from vouchers.paper.hledger import hledger_journal
from vouchers.paper.spreadsheet import JournalRow, journal_csv

router: Final = APIRouter(prefix="/programmes/{programme_id}/reports", tags=["Reports"])
_IN_MEMORY: Final = 1_000_000
_AT_ONCE: Final = 64 * 1024
Accounts = Mapping[str, tuple[str, str]]
From = Annotated[Day, Query(examples=["2026-11-01"], description="First Paris day")]
To = Annotated[Day, Query(examples=["2026-11-30"], description="Last Paris day")]


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
    """The postings of some days, for a French spreadsheet."""

    def written(session: ReadSession) -> IO[bytes]:
        rows, accounts = _rows(session, desk, from_on, to_on)
        return _kept(journal_csv(rows, accounts))

    return _streamed(await desk.read(written), "text/csv; charset=utf-8", f"journal-{from_on}-{to_on}.csv")


@router.get("/journal.hledger", **does(Act.JOURNAL_READ, media="text/plain"))
async def journal_as_hledger(desk: AtDesk, from_on: From, to_on: To) -> Response:
    """The postings of some days, for hledger."""

    def written(session: ReadSession) -> IO[bytes]:
        rows, accounts = _rows(session, desk, from_on, to_on)
        return _kept(text.encode() for text in hledger_journal(rows, accounts))

    return _streamed(await desk.read(written), "text/plain; charset=utf-8", f"journal-{from_on}-{to_on}.hledger")


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


@router.post("/seals", **does(Act.BOOKS_SEAL))
async def seal_books(_body: Empty, desk: AtDesk, request: Request) -> Response:
    """Seal what was written since the last seal; null when nothing was. Takes no key: again, nothing is left."""
    made = await run_in_threadpool(
        workshop.seal_books,
        desk.house.database,
        programme_id=desk.programme_id,
        anchors=request.app.state.settings.anchors_path(),
        now=clock.now,
    )
    return JSONResponse(shown(made))


def _rows(session: ReadSession, desk: Desk, from_on: date, to_on: date) -> tuple[Iterator[JournalRow], Accounts]:
    if from_on > to_on:
        raise BadInput(field="to_on", problem="avant le premier jour")
    moved = books.trial_balance(session, programme_id=desk.programme_id).accounts
    rows = books.journal_rows(session, programme_id=desk.programme_id, from_on=from_on, to_on=to_on)
    return map(_row, rows), {row.account: (row.number, row.name) for row in moved}


def _row(row: books.JournalRow) -> JournalRow:
    return JournalRow(
        row.journal, row.on, row.at, row.kind, row.label, row.line, row.debit, row.credit, row.cents, row.serial,
        row.actor, row.reason,
    )  # fmt: skip


def _kept(pieces: Iterable[bytes]) -> IO[bytes]:
    """A file written while the transaction is open, so that a slow reader does not hold it open."""
    file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed when it was sent
    for piece in pieces:
        file.write(piece)
    file.seek(0)
    return file


def _streamed(file: IO[bytes], media: str, name: str) -> Response:
    def pieces() -> Iterator[bytes]:
        with file:
            while piece := file.read(_AT_ONCE):
                yield piece

    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(pieces(), media_type=media, headers=headers)
