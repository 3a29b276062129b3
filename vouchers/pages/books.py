"""The bookkeeper's room: the FEC of a year, the entries as files, the trial balance, the VAT of each month.

Everything is read from the ledger as it is asked for. What leaves as a file is whole, and checked, before its first
byte leaves, so that a slow reader holds no transaction open.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby
from typing import Annotated, BinaryIO, Final, cast, get_args

from fastapi import APIRouter, Path, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse

from vouchers import accounting, books, clock, exports, press, vat
from vouchers.access import Act
from vouchers.books import YearTotals
from vouchers.db import ReadSession
from vouchers.errors import BadInput, NotFound
from vouchers.money import percent_fr
from vouchers.pages.desk import AtDesk, PageDesk, download, page
from vouchers.pages.forms import Typed
from vouchers.pages.language import _
from vouchers.paper.fec import Encoding, Separator
from vouchers.paper.spreadsheet import XLSX, Cell, Euros, spreadsheet_csv, xlsx

router: Final = APIRouter()

_CSV: Final = "text/csv; charset=utf-8"
_TEXT: Final = "text/plain; charset=utf-8"
_IN_MEMORY: Final = 1_000_000
_ENCODINGS: Final = {"iso-8859-15": "ISO 8859-15", "utf-8": "UTF-8", "ascii": "ASCII"}
_JOURNALS: Final[dict[str, tuple[Callable[..., None], str]]] = {
    "csv": (exports.write_journal_csv, _CSV),
    "hledger": (exports.write_hledger, _TEXT),
    "beancount": (exports.write_beancount, _TEXT),
}
"""By the end of the file's name: who writes it, and what it is."""
_BALANCE: Final = (
    _("Compte"), _("Libellé"), _("Compte auxiliaire"), _("Libellé auxiliaire"), _("À-nouveaux débit"),
    _("À-nouveaux crédit"), _("Débit"), _("Crédit"), _("Solde débiteur"), _("Solde créditeur"),
)  # fmt: skip
_VAT: Final = (_("Mois"), _("Nature"), _("Base hors taxes"), _("Taux"), _("TVA"))
NATURES: Final = {"fee": _("Frais de gestion des acheteurs"), "commission": _("Commissions des commerçants")}
Year = Annotated[str, Query(alias="annee", max_length=20)]
From = Annotated[str, Query(alias="du", max_length=20)]
To = Annotated[str, Query(alias="au", max_length=20)]


# ── The pages ────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/p/{programme_id}/comptabilite", **page(Act.JOURNAL_READ))
async def room(desk: AtDesk, year: Year = "") -> Response:
    """What a bookkeeper takes away, for one year."""
    typed = Typed({"annee": (year,)} if year else {})

    async def shown() -> Response:
        return await _room(desk, _year(desk, typed), typed)

    async def again(refused: PageDesk) -> Response:
        return await _room(refused, clock.book_day(desk.at).year, refused.typed)

    return await _typed(desk, typed).tried(shown, again=again)


@router.get("/p/{programme_id}/comptabilite/balance", **page(Act.JOURNAL_READ))
async def balance(desk: AtDesk, year: Year = "") -> Response:
    """The trial balance, a line a number."""
    chosen = _year(desk, Typed({"annee": (year,)} if year else {}))
    rows = await _balance(desk, chosen)
    numbers = [_added_up(list(group)) for _number, group in groupby(rows, key=lambda row: row.number)]
    return await desk.show(
        "books/balance.html",
        year=chosen,
        to_on=exports.closing_of(chosen, at=desk.at),
        rows=numbers,
        total={
            "opening": sum(max(0, row.opening_cents) for row in numbers),
            "debit": sum(row.debit_cents for row in rows),
            "credit": sum(row.credit_cents for row in rows),
            "closing": sum(max(0, row.closing_cents) for row in numbers),
        },
        opened=any(row.opening_cents for row in rows),
        owners=sum(bool(row.owner) for row in rows),
    )


def _typed(desk: PageDesk, typed: Typed) -> PageDesk:
    return replace(desk, screen=replace(desk.screen, typed=typed))


def _year(desk: PageDesk, typed: Typed) -> int:
    """The year that was asked for; this one where none was. Refuses `BadInput`."""
    this_year = clock.book_day(desk.at).year
    return typed.whole("annee", least=exports.FIRST_DAY.year, most=this_year) if typed.has("annee") else this_year


async def _room(desk: PageDesk, year: int, typed: Typed) -> Response:
    begins, ends = date(year, 1, 1), exports.closing_of(year, at=desk.at)

    def read(session: ReadSession) -> tuple[date | None, list[vat.VatDue]]:
        first = accounting.first_on(session, programme_id=desk.programme_id)
        return first, vat.due(session, programme_id=desk.programme_id, from_on=begins, to_on=ends)

    first_on, due = await desk.read(read)
    this_year = clock.book_day(desk.at).year
    first_year = this_year if first_on is None else min(first_on.year, this_year)
    return await desk.show(
        "books/books.html",
        typed=typed,
        year=year,
        years=range(this_year, first_year - 1, -1),
        begins=begins,
        ends=ends,
        has_entries=first_on is not None and first_on <= ends,
        due=due,
        due_cents=sum(one.vat_cents for one in due),
        natures=NATURES,
        encodings=list(_ENCODINGS.items()),
    )


async def _balance(desk: PageDesk, year: int) -> tuple[YearTotals, ...]:
    to_on = exports.closing_of(year, at=desk.at)
    return await desk.read(
        lambda session: books.year_balance(session, programme_id=desk.programme_id, year=year, to_on=to_on)
    )


def _added_up(rows: Sequence[YearTotals]) -> YearTotals:
    """The lines of one number as one, whoever they are about."""
    sums = {name: sum(getattr(row, name) for row in rows) for name in ("opening_cents", "debit_cents", "credit_cents")}
    return replace(rows[0], owner="", owner_name="", **sums)


# ── The files ────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/p/{programme_id}/comptabilite/fec.zip", **page(Act.JOURNAL_READ))
async def fec(
    desk: AtDesk,
    year: Year = "",
    encoding: Annotated[str, Query(alias="jeu", max_length=20)] = "iso-8859-15",
    separator: Annotated[str, Query(alias="separateur", max_length=20)] = "tab",
) -> Response:
    """The FEC of a year with its description; a refusal comes back on the page."""
    desk.allow_all()
    typed = Typed({"annee": (year,), "jeu": (encoding,), "separateur": (separator,)})

    def written() -> tuple[BinaryIO, str]:
        made = exports.year_fec(
            desk.house.database,
            programme_id=desk.programme_id,
            year=_year(desk, typed),
            at=desk.at,
            encoding=cast(Encoding, typed.choice("jeu", get_args(Encoding))),
            separator=cast(Separator, typed.choice("separateur", get_args(Separator))),
        )
        out = _spooled()
        exports.write_fec_zip(out, made)
        return out, made.zip_name

    async def sent() -> Response:
        out, name = await run_in_threadpool(written)
        return _streamed(out, name=name, media="application/zip")

    async def again(refused: PageDesk) -> Response:
        return await _room(refused, clock.book_day(desk.at).year, refused.typed)

    return await _typed(desk, typed).tried(sent, again=again)


@router.get("/p/{programme_id}/comptabilite/journal.{kind}", **page(Act.JOURNAL_READ))
async def journal(
    desk: AtDesk, kind: Annotated[str, Path(max_length=20)], from_on: From = "", to_on: To = ""
) -> Response:
    """The entries of some days, or all of them, for a spreadsheet or another program."""
    desk.allow_all()
    if kind not in _JOURNALS:
        raise NotFound(what="journal", id=kind)
    write, media = _JOURNALS[kind]
    typed = Typed({"du": (from_on,), "au": (to_on,)})
    first = typed.day("du") if typed.has("du") else exports.FIRST_DAY
    last = typed.day("au") if typed.has("au") else exports.LAST_DAY
    if last < first:
        raise BadInput(field="au", problem="before_the_start")

    def written() -> BinaryIO:
        out = _spooled()
        write(desk.house.database, out, programme_id=desk.programme_id, from_on=first, to_on=last)
        return out

    return _streamed(await run_in_threadpool(written), name=f"journal.{kind}", media=media)


@router.get("/p/{programme_id}/comptabilite/balance.{kind}", **page(Act.JOURNAL_READ))
async def balance_file(desk: AtDesk, kind: Annotated[str, Path(max_length=20)], year: Year = "") -> Response:
    """The trial balance with every auxiliary account."""
    chosen = _year(desk, Typed({"annee": (year,)} if year else {}))
    rows = [_balance_cells(row) for row in await _balance(desk, chosen)]
    return await _table(desk, f"balance-{chosen}", kind, title=_("Balance"), header=_BALANCE, rows=rows)


@router.get("/p/{programme_id}/comptabilite/tva.{kind}", **page(Act.JOURNAL_READ))
async def vat_file(desk: AtDesk, kind: Annotated[str, Path(max_length=20)], year: Year = "") -> Response:
    """The VAT of each month."""
    chosen = _year(desk, Typed({"annee": (year,)} if year else {}))
    days = {"from_on": date(chosen, 1, 1), "to_on": exports.closing_of(chosen, at=desk.at)}
    due = await desk.read(lambda session: vat.due(session, programme_id=desk.programme_id, **days))
    rows: list[Sequence[Cell]] = [
        (
            one.month,
            desk.say(NATURES[one.nature]),
            Euros(one.base_cents),
            percent_fr(one.rate_bp).replace("\N{NO-BREAK SPACE}", " "),
            Euros(one.vat_cents),
        )
        for one in due
    ]
    return await _table(desk, f"tva-{chosen}", kind, title=_("TVA"), header=_VAT, rows=rows)


def _balance_cells(row: YearTotals) -> Sequence[Cell]:
    opening, closing = row.opening_cents, row.closing_cents
    sides = (opening, -opening, row.debit_cents, row.credit_cents, closing, -closing)
    amounts = (Euros(max(0, cents)) if cents > 0 else None for cents in sides)
    return row.number, row.name, row.owner, row.owner_name, *amounts


async def _table(
    desk: PageDesk, name: str, kind: str, *, title: str, header: Sequence[str], rows: Sequence[Sequence[Cell]]
) -> Response:
    said = [desk.say(column) for column in header]
    if kind == "csv":
        return download(b"".join(spreadsheet_csv(said, rows)), name=f"{name}.csv", media=_CSV)
    if kind == "xlsx":
        book = await run_in_threadpool(xlsx, [(desk.say(title), said, rows)])
        return download(book, name=f"{name}.xlsx", media=XLSX)
    raise NotFound(what="tableau", id=kind)


def _spooled() -> BinaryIO:
    return cast(BinaryIO, tempfile.SpooledTemporaryFile(_IN_MEMORY))


def _streamed(file: BinaryIO, *, name: str, media: str) -> Response:
    """A file that is sent as it is read, and gone when it was sent."""

    answer = StreamingResponse(press.pieces(file), media_type=media)
    answer.headers.update(download(b"", name=name, media=media).headers)
    del answer.headers["content-length"]
    return answer
