"""The figures of a programme: where, when and by whose order money was spent, each with its chart, table and files.

Nobody learns who spent where: figures by shop know no buyer, figures by buyer no shop.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from vouchers import exports, report, spending, threshold
from vouchers.access import Act
from vouchers.db import ReadSession
from vouchers.errors import NotFound, Refusal
from vouchers.pages.desk import AtDesk, PageDesk, download, page
from vouchers.pages.forms import Typed
from vouchers.pages.language import _
from vouchers.paper.spreadsheet import XLSX, Cell, Euros, spreadsheet_csv, xlsx
from vouchers.rules import rules

router: Final = APIRouter()

_SHOWN: Final = 15
"""Lines of a chart and its table; the files have all of them."""
_CSV: Final = "text/csv; charset=utf-8"
From = Annotated[str, Query(alias="du", max_length=20)]
To = Annotated[str, Query(alias="au", max_length=20)]


@dataclass(frozen=True, slots=True)
class Period:
    """Paris days, each end included; None where the programme's own begin or end is meant."""

    from_on: date | None = None
    to_on: date | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table of figures as a file. `rows` are read when it is asked for."""

    title: str
    header: Sequence[str]
    rows: Callable[[ReadSession, PageDesk, Period], list[Sequence[Cell]]]


def _weeks(session: ReadSession, desk: PageDesk, period: Period) -> list[Sequence[Cell]]:
    weeks = spending.spent_by_week(session, programme_id=desk.programme_id, from_on=period.from_on, to_on=period.to_on)
    return [(f"{week.year}-W{week.week:02d}", week.begins_on, Euros(week.cents)) for week in weeks]


def _under(name: Callable[[spending.SpentAt], str]) -> Callable[[ReadSession, PageDesk, Period], list[Sequence[Cell]]]:
    def rows(session: ReadSession, desk: PageDesk, period: Period) -> list[Sequence[Cell]]:
        shops = _shops(session, desk, period)
        return [(one.name, one.vouchers, Euros(one.cents)) for one in spending.spent_under(shops, name=name)]

    return rows


def _merchants(session: ReadSession, desk: PageDesk, period: Period) -> list[Sequence[Cell]]:
    return [
        (shop.merchant_id, shop.shop_name, shop.trade, shop.commune, shop.vouchers, Euros(shop.cents))
        for shop in _shops(session, desk, period)
    ]


def _ages(session: ReadSession, desk: PageDesk, _period: Period) -> list[Sequence[Cell]]:
    ages = report.outstanding_by_age(session, programme_id=desk.programme_id, at=desk.at)
    return [(age.from_days, age.to_days, age.vouchers, Euros(age.cents)) for age in ages]


def _buyers(session: ReadSession, desk: PageDesk, _period: Period) -> list[Sequence[Cell]]:
    return [
        (
            one.name,
            Euros(one.ordered_cents),
            Euros(one.paid_cents),
            Euros(one.distributed_cents),
            Euros(one.spent_cents),
            Euros(one.outstanding_cents),
            Euros(one.lapsed_cents),
            Euros(one.cancelled_cents),
        )
        for one in report.by_buyer(session, programme_id=desk.programme_id)
    ]


_USES, _SPENT = _("Chèques"), _("Dépensé")
SHEETS: Final = {
    "semaines": Sheet(_("Dépenses par semaine"), (_("Semaine"), _("Lundi"), _SPENT), _weeks),
    "metiers": Sheet(_("Dépenses par métier"), (_("Métier"), _USES, _SPENT), _under(lambda shop: shop.trade)),
    "communes": Sheet(_("Dépenses par commune"), (_("Commune"), _USES, _SPENT), _under(lambda shop: shop.commune)),
    "commercants": Sheet(
        _("Dépenses par commerçant"),
        (_("Numéro"), _("Commerce"), _("Métier"), _("Commune"), _USES, _SPENT),
        _merchants,
    ),
    "anciennete": Sheet(
        _("Non dépensé, par ancienneté"),
        (_("Depuis (jours)"), _("Avant (jours)"), _USES, _("Non dépensé")),
        _ages,
    ),
    "acheteurs": Sheet(
        _("Par acheteur"),
        (
            _("Acheteur"), _("Commandé"), _("Payé"), _("Distribué"), _SPENT, _("Non dépensé"), _("Périmé"), _("Annulé"),
        ),
        _buyers,
    ),
}  # fmt: skip
"""By the name of their file."""


# ── The page ─────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/p/{programme_id}/chiffres", **page(Act.REPORT_READ))
async def figures(desk: AtDesk, from_on: From = "", to_on: To = "") -> Response:
    """Every chart, over a period or the whole programme."""
    typed = Typed({name: (given,) for name, given in (("du", from_on), ("au", to_on)) if given})
    period, answering = Period(), desk
    try:
        period = _period(typed)
    except Refusal as refusal:
        typed, answering = typed.refused(refusal), desk.refused(refusal)

    def read(session: ReadSession) -> dict[str, Any]:
        shops = _shops(session, desk, period)
        weeks = spending.spent_by_week(
            session, programme_id=desk.programme_id, from_on=period.from_on, to_on=period.to_on
        )
        programme = rules(session, programme_id=desk.programme_id)
        return {
            "weeks": weeks,
            "trades": spending.spent_under(shops, name=lambda shop: shop.trade),
            "communes": spending.spent_under(shops, name=lambda shop: shop.commune),
            "shops": [shop for shop in shops if shop.vouchers],
            "silent": sum(not shop.vouchers for shop in shops),
            "ages": report.outstanding_by_age(session, programme_id=desk.programme_id, at=desk.at),
            "buyers": report.by_buyer(session, programme_id=desk.programme_id),
            "rolling": threshold.rolling(session, programme_id=desk.programme_id, at=desk.at),
            "starts_on": programme.starts_on,
            "host": programme.host,
        }

    told = await desk.read(read)
    chosen = "&".join(f"{name}={typed.shown(name)}" for name in ("du", "au") if typed.has(name))
    asked = f"?{chosen}" if chosen and typed.refusal is None else ""
    return await answering.show("figures/figures.html", typed=typed, shown=_SHOWN, asked=asked, whole=not asked, **told)


def _shops(session: ReadSession, desk: PageDesk, period: Period) -> list[spending.SpentAt]:
    return spending.spent_by_merchant(
        session, programme_id=desk.programme_id, from_on=period.from_on, to_on=period.to_on
    )


def _period(typed: Typed) -> Period:
    ends = [typed.day(name) if typed.has(name) else None for name in ("du", "au")]
    return Period(ends[0], ends[1])


# ── The files behind it ──────────────────────────────────────────────────────────────────────────────────────────
@router.get("/p/{programme_id}/chiffres/{sheet}.csv", **page(Act.REPORT_READ))
async def as_csv(
    desk: AtDesk, sheet: Annotated[str, Path(max_length=20)], from_on: From = "", to_on: To = ""
) -> Response:
    """One table, whole, for a spreadsheet."""
    header, rows = await _read_sheet(desk, sheet, from_on, to_on)
    return download(b"".join(spreadsheet_csv(header, rows)), name=f"{sheet}.csv", media=_CSV)


@router.get("/p/{programme_id}/chiffres/{sheet}.xlsx", **page(Act.REPORT_READ))
async def as_xlsx(
    desk: AtDesk, sheet: Annotated[str, Path(max_length=20)], from_on: From = "", to_on: To = ""
) -> Response:
    """One table, whole, as a workbook; 'chiffres' is all of them, a sheet each."""
    names = list(SHEETS) if sheet == "chiffres" else [sheet]
    read = [(desk.say(_of(name).title), *await _read_sheet(desk, name, from_on, to_on)) for name in names]
    return download(await run_in_threadpool(xlsx, read), name=f"{sheet}.xlsx", media=XLSX)


@router.get("/p/{programme_id}/chiffres/tableau-de-bord.pdf", **page(Act.REPORT_READ))
async def dashboard(desk: AtDesk) -> Response:
    """The programme on one A4 page."""
    desk.allow_all()
    sheet = await run_in_threadpool(exports.dashboard, desk.house.database, programme_id=desk.programme_id, at=desk.at)
    return download(sheet, name="tableau-de-bord.pdf", media="application/pdf")


def _of(name: str) -> Sheet:
    if name not in SHEETS:
        raise NotFound(what="tableau", id=name)
    return SHEETS[name]


async def _read_sheet(desk: PageDesk, name: str, from_on: str, to_on: str) -> tuple[list[str], list[Sequence[Cell]]]:
    sheet, period = _of(name), _period(Typed({"du": (from_on,), "au": (to_on,)}))
    rows = await desk.read(lambda session: sheet.rows(session, desk, period))
    return [desk.say(column) for column in sheet.header], rows
