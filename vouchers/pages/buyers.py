"""The buyers of a programme: who they are, what they ordered, how much credit they have, how many people sign."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import Response

from vouchers import order_book, people, report
from vouchers.access import Act
from vouchers.api.fields import NumberInPath
from vouchers.api.guard import Own, Owner
from vouchers.db import ReadSession
from vouchers.order_book import Order
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, page
from vouchers.pages.language import _
from vouchers.people import Buyer
from vouchers.report import BuyerFigures

router: Final = APIRouter(prefix="/p/{programme_id}/acheteurs")
_A_PAGE: Final = 50
_NEWEST: Final = 20

After = Annotated[int, Query(ge=0, le=10**12)]


def of_buyer(buyer_id: int) -> Owner:
    """A buyer is its own people's."""
    return lambda _session: Own(buyer_id=buyer_id)


@dataclass(frozen=True, slots=True)
class Known:
    """A buyer, its figures, and its newest orders, the newest first."""

    buyer: Buyer
    figures: BuyerFigures | None
    orders: list[Order]
    owed_cents: int


@router.get("", **page(Act.BUYER_READ))
async def buyers(desk: AtDesk, after: After = 0) -> Response:
    """Every buyer; for a buyer's person, their own."""

    def read(session: ReadSession) -> list[Buyer]:
        if desk.reach.everything:
            return people.buyers(session, programme_id=desk.programme_id, after=after, limit=_A_PAGE)
        own = sorted(desk.reach.buyer_ids)
        return [people.find_buyer(session, programme_id=desk.programme_id, buyer_id=one) for one in own]

    found = await desk.house.read(read)
    more = found[-1].buyer_id if desk.reach.everything and len(found) == _A_PAGE else None
    return await desk.show("buyers/buyers.html", buyers=found, more_after=more)


@router.get("/nouveau", **page(Act.BUYER_ENROL))
async def new(desk: AtDesk) -> Response:
    """What is asked of a buyer."""
    return await _new(desk)


async def _new(desk: PageDesk) -> Response:
    return await desk.show("buyers/new.html")


@router.post("/nouveau", **page(Act.BUYER_ENROL))
async def enrol(desk: AtForm) -> Response:
    """One more buyer."""
    typed = desk.typed
    return await desk.once(
        lambda session: people.enrol_buyer(
            session,
            name=typed.text("name"),
            address=typed.text("address"),
            siret=typed.optional("siret"),
            exposure_cap_cents=typed.cents("exposure_cap_cents"),
            **desk.doing,
        ),
        then=lambda made: f"{desk.home}/acheteurs/{made['value']}",
        said=_("L'acheteur est inscrit."),
        again=_new,
    )


@router.get("/{buyer_id}", **page(Act.BUYER_READ))
async def buyer(desk: AtDesk, buyer_id: NumberInPath) -> Response:
    """One buyer."""
    return await _buyer(desk, buyer_id)


async def _buyer(desk: PageDesk, buyer_id: int) -> Response:
    known = await desk.read(lambda session: _known(session, desk.programme_id, buyer_id), of=of_buyer(buyer_id))
    return await desk.show("buyers/buyer.html", **_told(known))


def _known(session: ReadSession, programme_id: int, buyer_id: int) -> Known:
    one = people.find_buyer(session, programme_id=programme_id, buyer_id=buyer_id)
    figures = report.by_buyer(session, programme_id=programme_id, buyer_id=buyer_id)
    newest = order_book.newest_of(session, programme_id=programme_id, buyer_id=buyer_id, limit=_NEWEST)
    owed_cents = order_book.owed_by(session, programme_id=programme_id, buyer_id=buyer_id)
    return Known(one, figures[0] if figures else None, newest, owed_cents)


def _told(known: Known) -> dict[str, Any]:
    free_cents = max(0, known.buyer.exposure_cap_cents - max(0, known.owed_cents))
    return {
        "one": known.buyer,
        "figures": known.figures,
        "orders": known.orders,
        "owed_cents": known.owed_cents,
        "free_cents": free_cents,
    }


@router.post("/{buyer_id}/regle", **page(Act.BUYER_RULE_SET))
async def set_rule(desk: AtForm, buyer_id: NumberInPath) -> Response:
    """Whether one person of the buyer is enough for an order."""
    return await desk.once(
        lambda session: people.set_buyer_rule(
            session, buyer_id=buyer_id, approval=desk.typed.text("approval"), **desk.doing
        ),
        of=of_buyer(buyer_id),
        then=f"{desk.home}/acheteurs/{buyer_id}",
        said=_("La règle est enregistrée."),
        again=lambda desk: _buyer(desk, buyer_id),
    )
