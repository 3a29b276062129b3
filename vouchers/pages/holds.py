"""Holds: what a merchant is owed and is not paid meanwhile, one line or everything."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import Response

from vouchers import clock, hold, people, runs
from vouchers.access import Act
from vouchers.api.fields import NumberInPath
from vouchers.db import ReadSession
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, page
from vouchers.pages.language import _
from vouchers.pages.reproposal import proposed_again
from vouchers.runs import proposed_run

router: Final = APIRouter()


@dataclass(frozen=True, slots=True)
class _OnWhat:
    """What a hold would be laid on: everything a merchant is owed, or one line."""

    merchant_id: int
    of_posting: tuple[int, int] | None


def _on_what(merchant_id: int, line: str) -> _OnWhat:
    journal_id, _dash, number = line.partition("-")
    known = journal_id.isdecimal() and number.isdecimal() and len(line) < 30
    return _OnWhat(merchant_id, (int(journal_id), int(number)) if known else None)


@router.get("/p/{programme_id}/retenues/commercants/{merchant_id}", **page(Act.SETTLEMENT_HOLD))
async def owed(desk: AtDesk, merchant_id: NumberInPath, line: Annotated[str, Query(alias="ligne")] = "") -> Response:
    """What one merchant is owed now, line by line, and the form to hold one of them, or all."""
    return await _hold_form(desk, _on_what(merchant_id, line))


async def _hold_form(desk: PageDesk, what: _OnWhat) -> Response:
    asked: dict[str, Any] = {"programme_id": desk.programme_id}

    def found(session: ReadSession) -> dict[str, Any]:
        today = clock.book_day(desk.at)
        lines = runs.lines_owed(session, **asked, merchant_id=what.merchant_id, to_on=today)
        return {
            "shop": people.find_merchant(session, **asked, merchant_id=what.merchant_id),
            "lines": lines,
            "chosen": next((one for one in lines if (one.journal_id, one.line) == what.of_posting), None),
            "holds": hold.holds_of(session, **asked, merchant_ids=[what.merchant_id]),
            "proposed": proposed_run(session, programme_id=desk.programme_id),
        }

    return await desk.show("settlements/hold.html", **await desk.read(found), one_line=what.of_posting)


@router.post("/p/{programme_id}/retenues/commercants/{merchant_id}", **page(Act.SETTLEMENT_HOLD))
async def lay(desk: AtForm, merchant_id: NumberInPath) -> Response:
    """Hold one line or a whole merchant; a run that is proposed is proposed again without it."""
    what = _on_what(merchant_id, desk.typed.shown("line"))
    because = desk.typed.optional("because") or ""
    return await desk.once(
        lambda session: proposed_again(
            desk,
            session,
            because=because,
            change=lambda: hold.lay(
                session, **desk.doing, merchant_id=merchant_id, of_posting=what.of_posting, because=because
            ),
        ),
        then=lambda made: _back(desk, made),
        said=_("C'est retenu. Un règlement proposé a été refait sans."),
        again=lambda desk: _hold_form(desk, what),
    )


@router.get("/p/{programme_id}/retenues/{number}", **page(Act.SETTLEMENT_HOLD))
async def held(desk: AtDesk, number: NumberInPath) -> Response:
    """One hold, and the form that releases it."""
    return await _held(desk, number)


async def _held(desk: PageDesk, number: int) -> Response:
    def found(session: ReadSession) -> dict[str, Any]:
        return {
            "hold": hold.find_hold(session, programme_id=desk.programme_id, number=number),
            "proposed": proposed_run(session, programme_id=desk.programme_id),
        }

    return await desk.show("settlements/held.html", **await desk.read(found))


@router.post("/p/{programme_id}/retenues/{number}/levee", **page(Act.SETTLEMENT_HOLD))
async def release(desk: AtForm, number: NumberInPath) -> Response:
    """Release a hold; a run that is proposed is proposed again with what it held."""
    because = desk.typed.optional("because") or ""
    return await desk.once(
        lambda session: proposed_again(
            desk,
            session,
            because=because,
            change=lambda: hold.release(session, **desk.doing, number=number, because=because),
        ),
        then=lambda made: _back(desk, made),
        said=_("La retenue est levée : ce sera payé au prochain règlement."),
        again=lambda desk: _held(desk, number),
    )


def _back(desk: PageDesk, made: dict[str, Any]) -> str:
    return f"{desk.home}/reglements" if made["number"] is None else f"{desk.home}/reglements/{made['number']}"
