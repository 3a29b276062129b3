"""The programme as it is, in words: its rules, its terms and what may change of them, and accepting without network."""

from collections.abc import Callable
from dataclasses import astuple
from typing import Any, Final

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from vouchers import founding, offline, set_up, terms
from vouchers.access import Act
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import Refusal
from vouchers.guarantee import LONGEST_MINUTES, OfflineRule, offline_rule_of
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, page
from vouchers.pages.forms import Typed
from vouchers.pages.language import _
from vouchers.pages.preview import SAMPLE_CENTS, picture, sheet_text
from vouchers.pages.set_up_forms import cents_listed, logo_of, offline_of, outline_of
from vouchers.rules import Rules, Terms, rules
from vouchers.rules import terms as terms_of
from vouchers.tables import RHYTHMS

router: Final = APIRouter(prefix="/p/{programme_id}/dispositif")


@router.get("", **page(Act.TERMS_READ))
async def programme(desk: AtDesk) -> Response:
    """The rules and the terms, where the public sees them, and what can be done about them."""
    return await desk.show("set_up/programme.html", **await desk.read(lambda session: _whole(session, desk)))


def _whole(session: ReadSession, desk: PageDesk) -> dict[str, Any]:
    one = desk.programme_id
    return {
        "rules": rules(session, programme_id=one),
        "terms": terms_of(session, programme_id=one),
        "offline": offline_rule_of(session, programme_id=one),
        "drafts": set_up.listed(session, programme_id=one) if desk.may(Act.SET_UP_DRAFT) else [],
        "actor": desk.caller.actor,
    }


@router.get("/apercu.png", **page(Act.TERMS_READ))
async def printed(desk: AtDesk) -> Response:
    """The voucher as it is printed today."""
    whole = await desk.read(lambda session: _whole(session, desk))
    return await _pictured(whole["rules"], whole["terms"])


@router.post("/apercu", **page(Act.TERMS_SET))
async def previewed(desk: AtForm) -> Response:
    """The voucher as the form would make it, nothing kept; a form that cannot be read gives it as it is."""
    whole = await desk.read(lambda session: _whole(session, desk))
    wanted = await run_in_threadpool(_looked_at, desk.typed, whole["terms"])
    return await _pictured(whole["rules"], wanted)


def _looked_at(typed: Typed, before: Terms) -> Terms:
    try:
        return founding.terms(_typed_terms(typed)(before))
    except Refusal:
        return before


async def _pictured(known: Rules, wanted: Terms) -> Response:
    face_cents = (wanted.face_values or (SAMPLE_CENTS,))[0]
    return await picture(sheet_text(known, wanted), face_cents=face_cents)


# ── Terms ────────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/termes", **page(Act.TERMS_SET))
async def edit(desk: AtDesk) -> Response:
    """What may change while the programme runs."""
    return await _edit(desk)


async def _edit(desk: PageDesk) -> Response:
    whole = await desk.read(lambda session: _whole(session, desk))
    return await desk.show("set_up/terms.html", rhythms=RHYTHMS, **whole)


@router.post("/termes", **page(Act.TERMS_SET))
async def change(desk: AtForm) -> Response:
    """Other terms from now on."""

    async def read_then_kept() -> Response:
        # Pictures are drawn anew before the house is held.
        typed = await run_in_threadpool(_typed_terms, desk.typed)
        return await desk.once(
            lambda session: terms.set_terms(session, terms=typed(_before(session, desk)), **desk.doing),
            then=f"{desk.home}/dispositif",
            said=_("Les réglages sont changés."),
        )

    return await desk.tried(read_then_kept, again=_edit)


def _before(session: ReadSession, desk: PageDesk) -> Terms:
    return terms_of(session, programme_id=desk.programme_id)


def _typed_terms(typed: Typed) -> Callable[[Terms], Terms]:
    """What stands in the form, on top of what was there before: a file that was not sent leaves its place as it is."""
    logo, outline = logo_of(typed), outline_of(typed)
    face_values, rhythm = cents_listed(typed, "face_values"), typed.text("rhythm")
    wording, colour = typed.optional("legal_wording") or "", typed.text("colour")
    return lambda before: Terms(
        face_values=face_values,
        rhythm=rhythm,
        legal_wording=wording,
        colour=colour,
        logo=None if typed.has("no_logo") else logo or before.logo,
        outline=None if typed.has("no_outline") else outline or before.outline,
    )


# ── Without network ──────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/hors-connexion", **page(Act.OFFLINE_RULE_SET))
async def offline_edit(desk: AtDesk) -> Response:
    """Whether shops may accept without network, and how far."""
    return await _offline_edit(desk)


async def _offline_edit(desk: PageDesk) -> Response:
    whole = await desk.read(lambda session: _whole(session, desk))
    return await desk.show("set_up/offline.html", most_hours=LONGEST_MINUTES, **whole)


@router.post("/hors-connexion", **page(Act.OFFLINE_RULE_SET))
async def offline_change(desk: AtForm) -> Response:
    """Allow within these caps, or forbid."""

    def act(session: WriteSession) -> None:
        wanted = offline_of(desk.typed)
        known = offline_rule_of(session, programme_id=desk.programme_id)
        if wanted["allowed"]:
            rule = OfflineRule(**{name: wanted[name] for name in OfflineRule.__slots__})
            if known is None or astuple(known) != astuple(rule):
                offline.allow(session, rule=rule, **desk.doing)
        elif known is not None:
            offline.forbid(session, **desk.doing)

    said = _("La règle hors connexion est enregistrée.")
    return await desk.once(act, then=f"{desk.home}/dispositif", said=said, again=_offline_edit)
