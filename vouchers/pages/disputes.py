"""Vouchers accepted without network that could not be taken: each with its evidence in words, and its decision."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import Response

from vouchers import disputes, guarantee
from vouchers.access import Act
from vouchers.api.fields import MAX_ID, NumberInPath
from vouchers.api.guard import Own, Owner
from vouchers.db import ReadSession
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, page
from vouchers.pages.language import _

router: Final = APIRouter()

_SHOWN: Final = 100
CHAINS: Final = {
    "whole": _("La suite des acceptations de la caisse est complète : rien n'a été retiré ni ajouté."),
    "gap": _("Il manque une acceptation juste avant celle-ci : la caisse n'a pas tout envoyé."),
    "fork": _("Deux acceptations de la caisse portent le même rang, ou se suivent mal : le téléphone a pu être copié."),
}


@router.get("/p/{programme_id}/litiges", **page(Act.DISPUTE_READ))
async def listed(desk: AtDesk, before: Annotated[int | None, Query(alias="after", ge=1, le=MAX_ID)] = None) -> Response:
    """The disputes, newest first, and what is left of the guarantee; an owner's are those of its shops."""
    within = desk.reach

    def found(session: ReadSession) -> dict[str, Any]:
        shown = disputes.disputes_of(
            session,
            programme_id=desk.programme_id,
            merchant_ids=None if within.everything else within.merchant_ids,
            before=before,
            limit=_SHOWN,
        )
        return {
            "disputes": shown,
            "rest": shown[-1].number if len(shown) == _SHOWN else None,
            **(_guarantee(session, desk.programme_id) if within.everything else {"rule": None, "left_cents": 0}),
        }

    return await desk.show("disputes/list.html", everything=within.everything, **await desk.house.read(found))


@router.get("/p/{programme_id}/litiges/{number}", **page(Act.DISPUTE_READ))
async def one(desk: AtDesk, number: NumberInPath) -> Response:
    """One dispute, what speaks for the shop and what against it."""
    return await _show(desk, number)


async def _show(desk: PageDesk, number: int) -> Response:
    def found(session: ReadSession) -> dict[str, Any]:
        return {
            "dispute": disputes.find_dispute(session, programme_id=desk.programme_id, number=number),
            **_guarantee(session, desk.programme_id),
        }

    told = await desk.read(found, of=_of_dispute(desk.programme_id, number))
    return await desk.show("disputes/dispute.html", **told, chains=CHAINS)


def _guarantee(session: ReadSession, programme_id: int) -> dict[str, Any]:
    rule = guarantee.offline_rule_of(session, programme_id=programme_id)
    left = 0 if rule is None else guarantee.left_cents(session, programme_id=programme_id, rule=rule)
    return {"rule": rule, "left_cents": left}


def _of_dispute(programme_id: int, number: int) -> Owner:
    def owner(session: ReadSession) -> Own:
        found = disputes.find_dispute(session, programme_id=programme_id, number=number)
        return Own(merchant_id=found.merchant_id)

    return owner


@router.post("/p/{programme_id}/litiges/{number}", **page(Act.DISPUTE_DECIDE))
async def decide(desk: AtForm, number: NumberInPath) -> Response:
    """Let the guarantee pay it, or dismiss it, with a reason that the shop will read."""
    typed = desk.typed

    def act(session: Any) -> dict[str, Any]:
        decision: disputes.Decision = (
            "guarantee" if typed.choice("decision", ("guarantee", "dismiss")) == "guarantee" else "dismiss"
        )
        done = disputes.decide(session, **desk.doing, number=number, decision=decision, reason=typed.text("reason"))
        return {"number": done.number, "state": done.state}

    return await desk.once(
        act,
        then=f"{desk.home}/litiges/{number}",
        said=_("La décision est enregistrée. Le commerçant la voit dans son application."),
        again=lambda desk: _show(desk, number),
    )
