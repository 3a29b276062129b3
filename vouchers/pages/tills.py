"""The tills of a shop: a code that makes a phone a till, on screen or in a letter; their names; the end of one."""

from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from vouchers import people, shop_profiles, tills
from vouchers.access import Act
from vouchers.api.fields import NumberInPath
from vouchers.api.guard import Own, Owner, of_merchant
from vouchers.db import ReadSession, WriteSession
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, download, page
from vouchers.pages.language import _
from vouchers.paper.pairing_letter import PairingLetter, drawing, pairing_letter, shown_code
from vouchers.rules import rules

router: Final = APIRouter(prefix="/p/{programme_id}")


def _of_till(programme_id: int, till_id: int) -> Owner:
    return lambda session: Own(
        merchant_id=tills.find_till(session, programme_id=programme_id, till_id=till_id).merchant_id
    )


@router.get("/commercants/{merchant_id}/caisses", **page(Act.TILL_READ))
async def listed(desk: AtDesk, merchant_id: NumberInPath) -> Response:
    """The tills of a shop, and what makes a phone one more."""
    return await _listed(desk, merchant_id)


async def _listed(desk: PageDesk, merchant_id: int) -> Response:
    def found(session: ReadSession) -> dict[str, Any]:
        of = {"programme_id": desk.programme_id, "merchant_id": merchant_id}
        all_of_them = tills.tills_of(session, **of)
        return {
            "merchant": people.find_merchant(session, **of),
            "in_use": [one for one in all_of_them if one.revoked_at is None],
            "revoked": [one for one in all_of_them if one.revoked_at is not None],
        }

    return await desk.show("merchants/tills.html", **await desk.read(found, of=of_merchant(merchant_id)))


@router.post("/commercants/{merchant_id}/caisses/code", **page(Act.TILL_PAIR))
async def make_code(desk: AtForm, merchant_id: NumberInPath) -> Response:
    """A code for one phone, shown now and never again; kept under no key, so that asking again makes another."""

    def made(session: WriteSession) -> dict[str, Any]:
        key = desk.house.session_key
        code = tills.make_pairing(session, **desk.doing, merchant_id=merchant_id, session_key=key)
        shop = people.find_merchant(session, programme_id=desk.programme_id, merchant_id=merchant_id)
        return {"merchant": shop, "code": code, "host": rules(session, programme_id=desk.programme_id).host}

    told = await desk.unkept(made, of=of_merchant(merchant_id))
    code = told["code"].code
    return await desk.show(
        "merchants/pairing.html",
        merchant=told["merchant"],
        host=told["host"].lower(),
        typed_code=shown_code(code),
        drawing=drawing(told["host"], code),
        expires_at=told["code"].expires_at,
    )


@router.post("/commercants/{merchant_id}/caisses/lettre", **page(Act.TILL_PAIR))
async def make_letter(desk: AtForm, merchant_id: NumberInPath) -> Response:
    """The same as a letter, with a code of its own that lasts until the post came."""

    def made(session: WriteSession) -> PairingLetter:
        of = {"programme_id": desk.programme_id, "merchant_id": merchant_id}
        key, lasts = desk.house.session_key, tills.LETTER_LASTS
        code = tills.make_pairing(session, **desk.doing, merchant_id=merchant_id, session_key=key, lasts=lasts)
        known = rules(session, programme_id=desk.programme_id)
        shop = people.find_merchant(session, **of)
        told = shop_profiles.find_profile(session, **of).told
        town = f"{told.postcode} {shop.commune}".strip()
        return PairingLetter(
            programme_name=known.name,
            issuer_name=known.issuer_name,
            shop_name=shop.shop_name,
            legal_name=shop.legal_name,
            address=tuple(line for line in (told.street, town) if line),
            host=known.host,
            code=code.code,
            expires_at=code.expires_at,
            made_at=desk.at,
        )

    letter = await desk.unkept(made, of=of_merchant(merchant_id))
    return download(pairing_letter(letter), name=f"lettre-caisse-{merchant_id}.pdf", media="application/pdf")


@router.post("/caisses/{till_id}/nom", **page(Act.TILL_RENAME))
async def rename(desk: AtForm, till_id: NumberInPath) -> Response:
    """Show a till under another name."""
    merchant_id = await _merchant_of(desk, till_id)
    return await desk.once(
        lambda session: tills.rename_till(session, **desk.doing, till_id=till_id, label=desk.typed.text("label")),
        of=of_merchant(merchant_id),
        then=f"{desk.home}/commercants/{merchant_id}/caisses",
        said=_("La caisse a un nouveau nom."),
        again=lambda desk: _listed(desk, merchant_id),
    )


@router.post("/caisses/{till_id}/arret", **page(Act.TILL_REVOKE))
async def revoke(desk: AtForm, till_id: NumberInPath) -> Response:
    """The phone is no till any more."""
    merchant_id = await _merchant_of(desk, till_id)
    return await desk.once(
        lambda session: tills.revoke_till(session, **desk.doing, till_id=till_id, reason=desk.typed.text("reason")),
        of=of_merchant(merchant_id),
        then=f"{desk.home}/commercants/{merchant_id}/caisses",
        said=_("La caisse est arrêtée. Ce qu'elle a accepté reste dû au commerce."),
        again=lambda desk: _listed(desk, merchant_id),
    )


async def _merchant_of(desk: PageDesk, till_id: int) -> int:
    """Whose till it is. Refuses as the guard: `Forbidden` for another shop's."""
    own = _of_till(desk.programme_id, till_id)
    found = await desk.read(own, of=own)
    assert found.merchant_id is not None
    return found.merchant_id
