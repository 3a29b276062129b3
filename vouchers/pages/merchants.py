"""The shops of a programme: the list, a shop enrolled by hand, and each one's page, which is its owner's too."""

from typing import Any, Final

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from vouchers import bank_accounts, cashiers, chart, ledger, people, sales, shop_card, shop_profiles, tills
from vouchers.access import Act
from vouchers.api.fields import After, NumberInPath
from vouchers.api.guard import of_merchant
from vouchers.api.shapes import masked
from vouchers.bank_accounts import Account
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import NotFound
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, download, page
from vouchers.pages.language import _
from vouchers.pages.shop_form import OTHER_TRADE, iban_shown, photo_bytes, typed_fields, week_lines, week_typed
from vouchers.paper.convention import Convention, convention_pdf
from vouchers.paper.statement import Party
from vouchers.rules import rules, terms
from vouchers.shop_profiles import Place

router: Final = APIRouter(prefix="/p/{programme_id}/commercants")

ON_A_PAGE: Final = 50
STATES: Final = {"active": _("Actif"), "suspended": _("Suspendu")}
_LONGEST_SEARCH: Final = 100


# ── The list ─────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("", **page(Act.MERCHANT_READ))
async def listed(
    desk: AtDesk, *, after: After = 0, q: str = "", activite: str = "", commune: str = "", etat: str = ""
) -> Response:
    """The shops by name, searched; an owner is led to the own one."""
    reach = desk.reach
    if not reach.everything:
        own = sorted(reach.merchant_ids)
        return desk.go(f"{desk.home}/commercants/{own[0]}") if len(own) == 1 else await _own(desk, own)
    asked: dict[str, Any] = {"words": q[:_LONGEST_SEARCH], "trade": activite, "commune": commune, "state": etat}

    def found(session: ReadSession) -> dict[str, Any]:
        wanted: dict[str, Any] = {"programme_id": desk.programme_id}
        shown = shop_profiles.search(session, **wanted, **asked, after=after, limit=ON_A_PAGE + 1)
        trades, communes = shop_profiles.words_in_use(session, **wanted)
        total = shop_profiles.count(session, **wanted)
        return {"merchants": shown, "trades": trades, "communes": communes, "total": total}

    told = await desk.read(found)
    merchants = told.pop("merchants")
    more = merchants[ON_A_PAGE - 1].merchant_id if len(merchants) > ON_A_PAGE else None
    told |= {"asked": asked, "states": STATES, "merchants": merchants[:ON_A_PAGE], "more_after": more}
    return await desk.show("merchants/list.html", **told)


async def _own(desk: PageDesk, merchant_ids: list[int]) -> Response:
    def found(session: ReadSession) -> list[people.Merchant]:
        wanted = {"programme_id": desk.programme_id}
        return [people.find_merchant(session, **wanted, merchant_id=number) for number in merchant_ids]

    return await desk.show("merchants/own.html", merchants=await desk.house.read(found))


# ── Enrolled by hand ─────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/nouveau", **page(Act.MERCHANT_ENROL))
async def new(desk: AtDesk) -> Response:
    """The form of a shop that the chamber enrols itself."""
    return await _new(desk)


@router.post("/nouveau", **page(Act.MERCHANT_ENROL))
async def enrol(desk: AtForm) -> Response:
    """A shop is enrolled; its bank account, where it is known, waits for another person."""

    def enrolled(session: WriteSession) -> dict[str, int]:
        given = typed_fields(desk.typed)
        shop, told = shop_card.shop(given), shop_card.told(given)
        paid = given["iban"] is not None or given["account_holder"] is not None
        payee = shop_card.payee(given) if paid else None
        merchant_id = people.enrol_merchant(
            session,
            **desk.doing,
            legal_name=shop.legal_name,
            shop_name=shop.shop_name,
            siret=shop.siret,
            trade=shop.trade,
            commune=shop.commune,
        )
        shop_profiles.set_profile(session, **desk.doing, merchant_id=merchant_id, told=told)
        if payee is not None:
            holder, iban = payee.account_holder, payee.iban
            bank_accounts.ask_account(session, **desk.doing, merchant_id=merchant_id, account_holder=holder, iban=iban)
        return {"merchant_id": merchant_id}

    return await desk.once(
        enrolled,
        then=lambda made: f"{desk.home}/commercants/{made['merchant_id']}",
        said=_("Le commerce est inscrit. Voici ce qu'il reste à faire pour qu'il soit payé."),
        again=_new,
    )


async def _new(desk: PageDesk) -> Response:
    trades, _communes = await desk.read(
        lambda session: shop_profiles.words_in_use(session, programme_id=desk.programme_id)
    )
    return await desk.show("merchants/new.html", trades=trades, other=OTHER_TRADE)


# ── One shop ─────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/{merchant_id}", **page(Act.MERCHANT_READ))
async def one(desk: AtDesk, merchant_id: NumberInPath) -> Response:
    """One shop: what it has to do next, what it is owed, how it is paid, its tills."""
    return await _one(desk, merchant_id)


async def _one(desk: PageDesk, merchant_id: int) -> Response:
    def found(session: ReadSession) -> dict[str, Any]:
        of: dict[str, Any] = {"programme_id": desk.programme_id, "merchant_id": merchant_id}
        profile = shop_profiles.find_profile(session, **of)
        in_use = [one for one in tills.tills_of(session, **of) if one.revoked_at is None]
        return {
            "merchant": people.find_merchant(session, **of),
            "profile": profile,
            "week": week_lines(profile.told.hours, desk.language),
            "owed_cents": ledger.balance(session, programme_id=desk.programme_id, account=chart.merchant(merchant_id)),
            "payments": sales.payments_to(session, **of, before=None, limit=6),
            "tills": in_use,
            "cashiers": cashiers.cashiers_of(session, **of),
            "account": _shown(desk, bank_accounts.account_in_force(session, **of, at=desk.at)),
            "pending": [
                _shown(desk, account)
                for account in bank_accounts.pending(
                    session, programme_id=desk.programme_id, merchant_ids=[merchant_id], at=desk.at
                )
            ],
        }

    told = await desk.read(found, of=of_merchant(merchant_id))
    return await desk.show("merchants/merchant.html", states=STATES, **told)


def _shown(desk: PageDesk, account: Account | None) -> dict[str, Any] | None:
    """An account on the page: whole for the chamber, masked for everybody else."""
    if account is None:
        return None
    return {
        "id": account.account_id,
        "holder": account.account_holder,
        "iban": iban_shown(account.iban, whole=desk.reach.everything),
        "state": account.state,
        "in_force_at": account.in_force_at,
    }


@router.get("/{merchant_id}/photo", **page(Act.PROFILE_READ))
async def photo(desk: AtDesk, merchant_id: NumberInPath) -> Response:
    """Its photo."""
    of = {"programme_id": desk.programme_id, "merchant_id": merchant_id}
    found = await desk.read(lambda session: shop_profiles.photo_of(session, **of), of=of_merchant(merchant_id))
    if found is None:
        raise NotFound(what="photo", id=merchant_id)
    return Response(found, media_type="image/jpeg")


@router.get("/{merchant_id}/profil", **page(Act.PROFILE_SET))
async def profile_form(desk: AtDesk, merchant_id: NumberInPath) -> Response:
    """What the shop tells, to be typed over."""
    return await _profile(desk, merchant_id)


async def _profile(desk: PageDesk, merchant_id: int) -> Response:
    def found(session: ReadSession) -> dict[str, Any]:
        of = {"programme_id": desk.programme_id, "merchant_id": merchant_id}
        profile = shop_profiles.find_profile(session, **of)
        shop = people.find_merchant(session, **of)
        told = {"merchant": shop, "profile": profile, "week": week_typed(profile.told.hours)}
        place = profile.place
        if place is None:
            return {**told, "latitude": "", "longitude": ""}
        north, east = shop_profiles.degrees(place.latitude_e6), shop_profiles.degrees(place.longitude_e6)
        return {**told, "latitude": north, "longitude": east}

    told = await desk.read(found, of=of_merchant(merchant_id))
    return await desk.show("merchants/profile.html", **told)


@router.post("/{merchant_id}/profil", **page(Act.PROFILE_SET))
async def set_profile(desk: AtForm, merchant_id: NumberInPath) -> Response:
    """What the shop tells from now on, its place, and its photo where another was sent."""

    async def job() -> Response:
        told = shop_card.told(typed_fields(desk.typed))
        place = _place(desk)
        picture = await run_in_threadpool(photo_bytes, desk.typed)

        def changed(session: WriteSession) -> None:
            shop_profiles.set_profile(session, **desk.doing, merchant_id=merchant_id, told=told)
            shop_profiles.set_place(session, **desk.doing, merchant_id=merchant_id, place=place)
            if picture is not None or desk.typed.has("no_photo"):
                shop_profiles.set_photo(session, **desk.doing, merchant_id=merchant_id, photo=picture)

        return await desk.once(
            changed,
            of=of_merchant(merchant_id),
            then=f"{desk.home}/commercants/{merchant_id}",
            said=_("La fiche du commerce est à jour."),
        )

    return await desk.tried(job, again=lambda desk: _profile(desk, merchant_id))


def _place(desk: PageDesk) -> Place | None:
    """Where the shop stands, both numbers or none. Refuses `BadInput`."""
    if not (desk.typed.has("latitude") or desk.typed.has("longitude")):
        return None
    return Place(
        shop_profiles.coordinate(desk.typed.text("latitude"), field="latitude"),
        shop_profiles.coordinate(desk.typed.text("longitude"), field="longitude"),
    )


# ── Suspended, restored ──────────────────────────────────────────────────────────────────────────────────────────
@router.post("/{merchant_id}/suspension", **page(Act.MERCHANT_SUSPEND))
async def suspend(desk: AtForm, merchant_id: NumberInPath) -> Response:
    """It accepts no voucher from now on."""
    return await desk.once(
        lambda session: people.suspend_merchant(
            session, **desk.doing, merchant_id=merchant_id, reason=desk.typed.text("reason")
        ),
        of=of_merchant(merchant_id),
        then=f"{desk.home}/commercants/{merchant_id}",
        said=_("Le commerce est suspendu : ses caisses n'acceptent plus de chèques. Ce qui lui est dû le reste."),
        again=lambda desk: _one(desk, merchant_id),
    )


@router.post("/{merchant_id}/reprise", **page(Act.MERCHANT_SUSPEND))
async def restore(desk: AtForm, merchant_id: NumberInPath) -> Response:
    """It accepts vouchers again."""
    return await desk.once(
        lambda session: people.restore_merchant(
            session, **desk.doing, merchant_id=merchant_id, reason=desk.typed.text("reason")
        ),
        of=of_merchant(merchant_id),
        then=f"{desk.home}/commercants/{merchant_id}",
        said=_("Le commerce accepte de nouveau les chèques."),
        again=lambda desk: _one(desk, merchant_id),
    )


# ── The convention ───────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/{merchant_id}/convention.pdf", **page(Act.PROFILE_READ))
async def convention(desk: AtDesk, merchant_id: NumberInPath) -> Response:
    """The convention to print and sign."""
    found = await desk.read(lambda session: _convention(session, desk, merchant_id), of=of_merchant(merchant_id))
    drawn = await run_in_threadpool(convention_pdf, found)
    return download(drawn, name=f"convention-{found.number}.pdf", media="application/pdf")


def _convention(session: ReadSession, desk: PageDesk, merchant_id: int) -> Convention:
    of: dict[str, Any] = {"programme_id": desk.programme_id, "merchant_id": merchant_id}
    known = rules(session, programme_id=desk.programme_id)
    said = terms(session, programme_id=desk.programme_id)
    shop = people.find_merchant(session, **of)
    told = shop_profiles.find_profile(session, **of).told
    account = bank_accounts.account_in_force(session, **of, at=desk.at)
    issuer = Party(known.issuer_name, tuple(known.issuer_address.splitlines()), known.issuer_siret)
    address = tuple(line for line in (told.street, f"{told.postcode} {shop.commune}".strip()) if line)
    return Convention(
        number=f"{desk.programme_id}-{merchant_id}",
        programme_name=known.name,
        issuer=issuer,
        merchant=Party(shop.legal_name, address, shop.siret),
        shop_name=shop.shop_name,
        trade=shop.trade,
        contact_name=told.contact_name,
        account=None if account is None else masked(account.iban),
        starts_on=known.starts_on,
        expires_on=known.expires_on,
        presentation_deadline_on=known.presentation_deadline_on,
        partial_use=known.use_rule == "partial",
        commission_bp=known.commission_bp,
        vat_bp=known.vat_bp,
        reversal_window_minutes=known.reversal_window_minutes,
        rhythm=said.rhythm,
        wording=said.legal_wording,
    )


@router.post("/{merchant_id}/convention", **page(Act.CONVENTION_RECORD))
async def signed(desk: AtForm, merchant_id: NumberInPath) -> Response:
    """The signed convention came back."""
    return await desk.once(
        lambda session: shop_profiles.record_convention(
            session, **desk.doing, merchant_id=merchant_id, signed_on=desk.typed.day("signed_on")
        ),
        of=of_merchant(merchant_id),
        then=f"{desk.home}/commercants/{merchant_id}",
        said=_("La convention signée est notée."),
        again=lambda desk: _one(desk, merchant_id),
    )
