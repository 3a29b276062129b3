"""What a buyer's accountant wants on its invoices: Chorus Pro's rule and codes, set by the chamber or by the buyer."""

from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from vouchers import billing, people
from vouchers.access import Act
from vouchers.api.fields import NumberInPath
from vouchers.api.guard import Own, Owner
from vouchers.db import ReadSession, WriteSession
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, page
from vouchers.pages.language import _
from vouchers.paper_settings import Billing, billing_of

router: Final = APIRouter(prefix="/p/{programme_id}/acheteurs")


def of_buyer(buyer_id: int) -> Owner:
    """A buyer is its own people's."""
    return lambda _session: Own(buyer_id=buyer_id)


@router.get("/{buyer_id}/facturation", **page(Act.BILLING_READ))
async def one(desk: AtDesk, buyer_id: NumberInPath) -> Response:
    """What is asked of an invoice to this buyer."""
    return await _show(desk, buyer_id)


async def _show(desk: PageDesk, buyer_id: int) -> Response:
    def found(session: ReadSession) -> dict[str, Any]:
        of = {"programme_id": desk.programme_id, "buyer_id": buyer_id}
        return {"buyer": people.find_buyer(session, **of), "wanted": billing_of(session, **of)}

    shown = await desk.read(found, of=of_buyer(buyer_id))
    return await desk.show("buyers/billing.html", code_chars=billing.CODE_CHARS, **shown)


@router.post("/{buyer_id}/facturation", **page(Act.BILLING_SET))
async def change(desk: AtForm, buyer_id: NumberInPath) -> Response:
    """These from the next invoice on."""

    def act(session: WriteSession) -> None:
        # Nothing is given: what an act gives is kept under its key, and an e-mail must not be.
        typed = desk.typed
        wanted = Billing(
            chorus_rule=typed.text("chorus_rule"),
            service_code=typed.optional("service_code"),
            market=typed.optional("market"),
            vat_number=typed.optional("vat_number"),
            email=typed.optional("email"),
        )
        billing.set_billing(session, **desk.doing, buyer_id=buyer_id, wanted=wanted)

    return await desk.once(
        act,
        of=of_buyer(buyer_id),
        then=f"{desk.home}/acheteurs/{buyer_id}/facturation",
        said=_("C'est enregistré : les prochaines factures en tiennent compte."),
        again=lambda desk: _show(desk, buyer_id),
    )
