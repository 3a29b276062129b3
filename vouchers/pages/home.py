"""Where a person of the chamber begins the day: what waits for them, how far the money has come, and is it all there.

The buyer's people begin with their campaign, a merchant's with their shop.
"""

from datetime import timedelta
from typing import Final

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from vouchers import clock, forecast, report, solvency, spending, threshold, to_do, watch
from vouchers.access import Act
from vouchers.db import ReadSession
from vouchers.forecast import Forecast
from vouchers.pages.desk import AtDesk, PageDesk, page
from vouchers.report import Gauge
from vouchers.rules import rules
from vouchers.solvency import Solvency
from vouchers.to_do import Task

router: Final = APIRouter()

WATCHED_LATELY: Final = timedelta(days=7)
"""What the first page counts of what deserves a look; the page of it looks further back."""
_LISTS: Final = {
    "account_confirm": "/comptes",
    "role_confirm": "/equipe",
    "settlement_execute": "/reglements",
    "settlement_export": "/reglements",
    "settlement_approve": "/reglements",
    "settlement_propose": "/reglements",
    "papers_make": "/reglements",
    "statement_send": "/reglements",
    "dispute_decide": "/litiges",
    "voucher_replace": "/cheques",
    "replacement_activate": "/cheques",
    "voucher_expire": "/cheques",
    "batch_activate": "/lots",
    "batch_print": "/lots",
    "batch_issue": "/commandes",
    "order_approve": "/commandes",
    "order_accept": "/commandes",
    "bank_decide": "/banque",
    "bank_gap": "/banque",
    "bank_allot": "/banque",
    "order_pay": "/commandes",
    "order_invoice": "/commandes",
    "order_credit": "/commandes",
    "application_decide": "/candidatures",
    "remittance_close": "/remises",
    "set_up_open": "/dispositif/nouveau",
    "watch": "/surveillance",
    "threshold": "/chiffres#seuil",
    "lapsing": "/chiffres",
}
_ONE_BY_ONE: Final = frozenset({
    "settlement_execute", "settlement_export", "settlement_approve", "dispute_decide", "voucher_replace",
    "batch_activate", "batch_print", "batch_issue", "order_approve", "order_accept", "order_pay", "order_invoice",
    "order_credit",
    "application_decide", "remittance_close", "set_up_open",
})  # fmt: skip
"""Tasks whose things have a page each: the one thing that waits is a step nearer there."""
_INSIDE: Final = {"order_invoice": "/factures", "order_credit": "/factures"}
"""Which page of that thing, where it has several."""
_PAPERS: Final = frozenset({"papers_make", "statement_send"})
"""Done run by run, the oldest first, on a page beside the run's."""
_AFTER_WATCH: Final = "settlement_propose"
"""Who is about to have shops paid looks first; who waits for a voucher or a batch comes before."""


@router.get("/p/{programme_id}", **page(Act.PROGRAMME_READ))
async def home(desk: AtDesk) -> Response:
    """What do I do next?"""
    if not desk.may(Act.REPORT_READ):
        return RedirectResponse(_begins_at(desk), status_code=303)

    def read(session: ReadSession) -> tuple[list[Task], Gauge, Forecast, Solvency]:
        figures = report.gauge(session, programme_id=desk.programme_id, at=desk.at)
        waiting = to_do.tasks(
            session,
            programme_id=desk.programme_id,
            actor=desk.caller.actor,
            may=desk.may,
            owed_cents=figures.owed_cents,
            at=desk.at,
        )
        if desk.may(Act.WATCH_DECIDE):
            lately = watch.sights(session, programme_id=desk.programme_id, at=desk.at, since=WATCHED_LATELY)
            waiting = _with_watched(waiting, count=len(lately))
        if desk.may(Act.PAPER_SETTINGS_SET) and threshold.warning(session, programme_id=desk.programme_id, at=desk.at):
            waiting.append(Task("threshold", 1))
        if figures.lapsing_vouchers:
            waiting.append(Task("lapsing", figures.lapsing_vouchers))
        stands = solvency.solvency(session, programme_id=desk.programme_id)
        return waiting, figures, _forecast(session, desk, figures), stands

    waiting, figures, expected, stands = await desk.read(read)
    mine = [task for task in waiting if task.count and task.kind != "lapsing"]
    return await desk.show(
        "home/home.html",
        tasks=mine,
        others=[task for task in waiting if task.others],
        where=lambda task: desk.home + _where(task),
        gauge=figures,
        forecast=expected,
        solvency=stands,
    )


def _begins_at(desk: PageDesk) -> str:
    shops = sorted(
        held.merchant_id
        for held in desk.caller.held
        if held.programme_id == desk.programme_id and held.merchant_id is not None
    )
    if desk.may(Act.CAMPAIGN_READ) or not shops:
        return f"{desk.home}/campagne"
    return f"{desk.home}/commercants/{shops[0]}"


def _where(task: Task) -> str:
    if task.kind in _PAPERS:
        return f"{_LISTS[task.kind]}/{task.first}/papiers"
    if task.count == 1 and task.first is not None and task.kind in _ONE_BY_ONE:
        return f"{_LISTS[task.kind]}/{task.first}{_INSIDE.get(task.kind, '')}"
    return _LISTS[task.kind]


def _with_watched(waiting: list[Task], *, count: int) -> list[Task]:
    if not count:
        return waiting
    kinds = list(to_do.TASKS)
    before = kinds[: kinds.index(_AFTER_WATCH)]
    place = sum(task.kind in before for task in waiting)
    return [*waiting[:place], Task("watch", count), *waiting[place:]]


def _forecast(session: ReadSession, desk: PageDesk, figures: Gauge) -> Forecast:
    today = clock.book_day(desk.at)
    since = today - timedelta(days=7 * (forecast.WEEKS + 1))
    weeks = spending.spent_by_week(session, programme_id=desk.programme_id, from_on=since, to_on=today)
    return forecast.reached_on(
        reached=figures.spent_cents,
        target=figures.target_cents,
        weeks=[(week.begins_on, week.cents) for week in weeks],
        begun_on=spending.first_spent_on(session, programme_id=desk.programme_id),
        today=today,
        last_day=rules(session, programme_id=desk.programme_id).expires_on,
    )
