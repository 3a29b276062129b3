"""A shop joins: the form anybody fills in, and the desk where each is checked, accepted or refused.

Accepting enrols the merchant, keeps what it told of itself and asks for its bank account, in one transaction; the
account still waits for another person.
"""

import json
from typing import Any, Final

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from vouchers import (
    applications,
    attempts,
    bank_accounts,
    clock,
    codes,
    keys,
    people,
    shop_card,
    shop_profiles,
)
from vouchers.access import Act
from vouchers.api.fields import After, NumberInPath
from vouchers.api.guard import address_of
from vouchers.applications import Application, Checks
from vouchers.attempts import Guess
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import BadInput, FormExpired, NotFound, Refusal
from vouchers.keys import Key
from vouchers.pages.desk import CSRF_FIELD, KEY_FIELD, AtDesk, AtForm, AtScreen, PageDesk, Screen, page
from vouchers.pages.language import _
from vouchers.pages.shop_form import OTHER_TRADE, iban_shown, photo_bytes, typed_fields, week_lines
from vouchers.rules import Rules, rules

router: Final = APIRouter()

ON_A_PAGE: Final = 20
STATES: Final = {"asked": _("À traiter"), "accepted": _("Acceptées"), "refused": _("Refusées")}


# ── Anybody ──────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/rejoindre/{programme_id}", **page("public"))
async def form(screen: AtScreen, programme_id: NumberInPath) -> Response:
    """The form by which a shop asks to join."""
    return await _form(screen, programme_id)


@router.post("/rejoindre/{programme_id}", **page("public"))
async def apply(screen: AtScreen, programme_id: NumberInPath) -> Response:
    """A shop asks to join."""
    try:
        await _received(screen, programme_id)
    except NotFound:
        raise
    except Refusal as refusal:
        return await _form(screen.refused(refusal), programme_id)
    return screen.go(f"/rejoindre/{programme_id}/merci")


@router.get("/rejoindre/{programme_id}/merci", **page("public"))
async def thanks(screen: AtScreen, programme_id: NumberInPath) -> Response:
    """What happens next."""
    known = await screen.house.read(lambda session: rules(session, programme_id=programme_id))
    return screen.show("joining/thanks.html", season=known)


async def _form(screen: Screen, programme_id: int) -> Response:
    def found(session: ReadSession) -> tuple[Rules, list[str]]:
        known = rules(session, programme_id=programme_id)
        return known, shop_profiles.words_in_use(session, programme_id=programme_id)[0]

    known, trades = await screen.house.read(found)
    closed = clock.book_day(screen.at) > known.expires_on
    return screen.show("joining/form.html", season=known, trades=trades, closed=closed, other=OTHER_TRADE)


async def _received(screen: Screen, programme_id: int) -> None:
    """Throttled by address: what is received is counted, what is refused is not, so that nobody is shut out by typing
    wrong; the photo is looked at last, because that takes the longest."""
    scopes = [attempts.scope(Guess.JOIN_ADDRESS, address_of(screen.request))]
    await screen.house.read(lambda session: attempts.check(session, scopes=scopes, at=screen.at))
    given = typed_fields(screen.typed)
    shop, payee = shop_card.shop(given), shop_card.payee(given)
    told = shop_card.told(given, needs=shop_card.REACHABLE)
    if not screen.typed.has("consent"):
        raise BadInput(field="consent", problem="consent_missing")
    photo = await run_in_threadpool(photo_bytes, screen.typed)
    key = _key(screen)

    def job(session: WriteSession) -> keys.Answer:
        def act() -> dict[str, Any]:
            common: dict[str, Any] = {"shop": shop, "told": told, "payee": payee, "photo": photo}
            applications.receive(session, programme_id=programme_id, **common, at=screen.at)
            attempts.count(session, scopes=scopes, at=screen.at)
            return {}

        rules(session, programme_id=programme_id)
        return keys.once(session, programme_id=programme_id, key=key, at=screen.at, act=act)

    (await screen.house.write(job)).accepted()


def _key(screen: Screen) -> Key:
    """What a button pressed twice is known by. Refuses `FormExpired`."""
    given = screen.typed.shown(KEY_FIELD)
    if not given or len(given) > 64:
        raise FormExpired
    kept = {name: list(values) for name, values in screen.typed.values.items() if name != CSRF_FIELD}
    files = {name: codes.file_hash(sent.content) for name, sent in screen.typed.uploads.items()}
    plain = json.dumps([kept, files], sort_keys=True).encode()
    visitor = codes.token_hash(screen.house.session_key, screen.cookie).hex()[:32]
    return Key(f"visitor:{visitor}", given, codes.request_hash(screen.house.pepper, plain))


# ── The desk ─────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/p/{programme_id}/candidatures", **page(Act.APPLICATION_READ))
async def listed(desk: AtDesk, after: After = 0, etat: str = "asked") -> Response:
    """The applications: those that wait, with what to look at; or those decided."""
    state = etat if etat in STATES else "asked"

    def found(session: ReadSession) -> tuple[dict[str, int], list[tuple[Application, Checks]]]:
        desk.allow_all()
        some = applications.listed(
            session, programme_id=desk.programme_id, state=state, after=after, limit=ON_A_PAGE + 1
        )
        checked = [(one, applications.checks(session, programme_id=desk.programme_id, of=one)) for one in some]
        return applications.counts(session, programme_id=desk.programme_id), checked

    counts, shown = await desk.house.read(found)
    more = shown[ON_A_PAGE - 1][0].application_id if len(shown) > ON_A_PAGE else None
    return await desk.show(
        "joining/applications.html",
        state=state,
        states=STATES,
        counts=counts,
        applications=shown[:ON_A_PAGE],
        more_after=more,
    )


@router.get("/p/{programme_id}/candidatures/{application_id}", **page(Act.APPLICATION_READ))
async def one(desk: AtDesk, application_id: NumberInPath) -> Response:
    """One application: what it says, what was checked, and the decision."""
    return await _one(desk, application_id)


async def _one(desk: PageDesk, application_id: int) -> Response:
    def found(session: ReadSession) -> dict[str, Any]:
        wanted = {"programme_id": desk.programme_id}
        asked = applications.find(session, **wanted, application_id=application_id)
        checks = applications.checks(session, **wanted, of=asked)
        named = shop_profiles.shop_names(session, **wanted, merchant_ids=list(checks.same_iban_merchants))
        week = week_lines(asked.told.hours, desk.language)
        iban = iban_shown(asked.payee.iban, whole=True)
        return {"application": asked, "checks": checks, "named": named, "week": week, "iban": iban}

    return await desk.show("joining/application.html", **await desk.house.read(found))


@router.get("/p/{programme_id}/candidatures/{application_id}/photo", **page(Act.APPLICATION_READ))
async def photo(desk: AtDesk, application_id: NumberInPath) -> Response:
    """The photo that came with it."""
    wanted = {"programme_id": desk.programme_id, "application_id": application_id}
    found = await desk.read(lambda session: applications.photo_of(session, **wanted))
    if found is None:
        raise NotFound(what="photo", id=application_id)
    return Response(found, media_type="image/jpeg")


@router.post("/p/{programme_id}/candidatures/{application_id}/acceptation", **page(Act.APPLICATION_DECIDE))
async def accept(desk: AtForm, application_id: NumberInPath) -> Response:
    """The shop becomes a merchant; its bank account waits for another person."""

    def accepted(session: WriteSession) -> dict[str, int]:
        doing = desk.doing
        wanted = {"programme_id": desk.programme_id, "application_id": application_id}
        asked = applications.find_waiting(session, **wanted)
        shop, payee = asked.shop, asked.payee
        merchant_id = people.enrol_merchant(
            session,
            **doing,
            legal_name=shop.legal_name,
            shop_name=shop.shop_name,
            siret=shop.siret,
            trade=shop.trade,
            commune=shop.commune,
        )
        shop_profiles.set_profile(session, **doing, merchant_id=merchant_id, told=asked.told)
        picture = applications.photo_of(session, **wanted)
        if picture is not None:
            shop_profiles.set_photo(session, **doing, merchant_id=merchant_id, photo=picture)
        holder, iban = payee.account_holder, payee.iban
        bank_accounts.ask_account(session, **doing, merchant_id=merchant_id, account_holder=holder, iban=iban)
        applications.accept(session, **doing, application_id=application_id, merchant_id=merchant_id)
        return {"merchant_id": merchant_id}

    return await desk.once(
        accepted,
        then=lambda made: f"{desk.home}/commercants/{made['merchant_id']}",
        said=_("Le commerce est inscrit. Voici ce qu'il reste à faire pour qu'il soit payé."),
        again=lambda desk: _one(desk, application_id),
    )


@router.post("/p/{programme_id}/candidatures/{application_id}/refus", **page(Act.APPLICATION_DECIDE))
async def refuse(desk: AtForm, application_id: NumberInPath) -> Response:
    """The shop does not join."""
    return await desk.once(
        lambda session: applications.refuse(
            session, **desk.doing, application_id=application_id, because=desk.typed.text("because")
        ),
        then=f"{desk.home}/candidatures",
        said=_("La candidature est refusée. Prévenez le commerce : il n'est pas averti par ce site."),
        again=lambda desk: _one(desk, application_id),
    )
