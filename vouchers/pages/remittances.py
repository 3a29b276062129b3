"""Paper that came by post: a pile opened for a shop, scanned by the camera, a hand scanner or by typing, and closed.

Two verbs in one breath (`take_in`): what a paper gives is redeemed and kept beside its pile, or its refusal is. A scan
is a form like any other; with a script it is sent behind the page, which then says aloud what became of it. The code
comes in the body alone, and nothing of it is kept: not in an answer under a key, not in an address.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response

from vouchers import clock, codes, people, redeem, remit, reverse
from vouchers.access import Act
from vouchers.api.fields import MAX_ID, NumberInPath
from vouchers.api.guard import Own, Owner
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import AlreadyInPile, AlreadyRedeemed, BadInput, NotFound, Refusal, RemittanceClosed, refusal_of
from vouchers.pages import look
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, page
from vouchers.pages.language import _
from vouchers.redeem import Presented
from vouchers.rules import rules

router: Final = APIRouter()

_SHOWN: Final = 100
_BY_HAND: Final = re.compile(
    r"(?:n\s*°\s*)?([0-9]{1,12})[\s,;:/-]+([0-9a-z]{5}[\s-]?[0-9a-z]{5})", re.ASCII | re.IGNORECASE
)
_WHAT_TO_DO: Final = {
    "already_redeemed": _("Mettez ce chèque de côté : il a déjà été payé. Signalez-le au commerçant."),
    "voucher_unknown": _("Mettez ce papier de côté : relisez le code, ou demandez son origine au commerçant."),
    "voucher_not_active": _(
        "Mettez ce chèque de côté : il n'était pas activé ce jour-là. Vérifiez le jour du bordereau, ou la livraison."
    ),
    "voucher_blocked": _("Mettez ce chèque de côté : il est en opposition. Prévenez le commerçant."),
    "voucher_cancelled": _("Mettez ce chèque de côté : il est annulé. Prévenez le commerçant."),
    "voucher_replaced": _("Mettez ce chèque de côté : un autre chèque l'a remplacé. Prévenez le commerçant."),
    "voucher_expired": _(
        "S'il a été accepté à temps, ouvrez une autre remise avec le jour où il l'a été. Sinon, rendez-le."
    ),
    "presentation_over": _("La date limite de présentation est passée : rendez ce chèque au commerçant."),
    "merchant_suspended": _("Le commerce était suspendu ce jour-là : gardez la pile et voyez avec lui."),
}

_OTHERWISE: Final = _("Mettez ce papier de côté et voyez avec le commerçant.")


# ── What the pages show ──────────────────────────────────────────────────────────────────────────────────────────
@router.get("/p/{programme_id}/remises", **page(Act.REMITTANCE_READ))
async def listed(
    desk: AtDesk,
    words: Annotated[str, Query(alias="q", max_length=100)] = "",
    before: Annotated[int | None, Query(alias="after", ge=1, le=MAX_ID)] = None,
) -> Response:
    """The piles, and the search for the shop whose envelope came."""
    within = desk.reach

    def found(session: ReadSession) -> tuple[list[remit.Remittance], list[tuple[int, str, str]]]:
        piles = remit.remittances_of(
            session,
            programme_id=desk.programme_id,
            merchant_ids=None if within.everything else within.merchant_ids,
            before=before,
            limit=_SHOWN,
        )
        asked = words.strip() and desk.may(Act.REMITTANCE_TAKE)
        shops = people.merchants_like(session, programme_id=desk.programme_id, words=words) if asked else []
        return piles, shops

    piles, shops = await desk.house.read(found)
    rest = piles[-1].number if len(piles) == _SHOWN else None
    return await desk.show("remittances/list.html", piles=piles, shops=shops, words=words.strip(), rest=rest)


@router.get("/p/{programme_id}/remises/nouvelle/{merchant_id}", **page(Act.REMITTANCE_TAKE))
async def begin(desk: AtDesk, merchant_id: NumberInPath) -> Response:
    """The slip of an envelope."""
    return await _slip(desk, merchant_id)


async def _slip(desk: PageDesk, merchant_id: int) -> Response:
    programme_id = desk.programme_id
    shop = await desk.read(
        lambda session: people.find_merchant(session, programme_id=programme_id, merchant_id=merchant_id)
    )
    rule = await desk.read(lambda session: rules(session, programme_id=programme_id))
    return await desk.show("remittances/slip.html", shop=shop, rule=rule)


@router.post("/p/{programme_id}/remises/nouvelle/{merchant_id}", **page(Act.REMITTANCE_TAKE))
async def open_one(desk: AtForm, merchant_id: NumberInPath) -> Response:
    """Open the pile that the slip announces."""
    typed = desk.typed
    return await desk.once(
        lambda session: remit.open_remittance(
            session,
            **desk.doing,
            merchant_id=merchant_id,
            slip_count=typed.whole("slip_count", most=remit.MOST_ON_A_SLIP),
            slip_cents=typed.cents("slip_cents"),
            spent_on=typed.day("spent_on"),
        ),
        then=lambda made: f"{desk.home}/remises/{made['number']}",
        said=_("La remise est ouverte : passez les chèques un par un."),
        again=lambda desk: _slip(desk, merchant_id),
    )


@dataclass(frozen=True, slots=True)
class Told:
    """One paper as the page tells it: a tone, a sentence, and what to do."""

    line: int
    tone: str
    serial: int | None
    cents: int
    text: str
    advice: str


def told_of(one: remit.Scanned, desk: PageDesk) -> Told:
    """A paper of the pile, in the language of the page."""
    if one.refusal is not None:
        advice = desk.say(_WHAT_TO_DO.get(one.refusal.reason, _OTHERWISE))
        return Told(one.line, "bad", one.serial, one.cents, sentence(one.refusal, desk), advice)
    if one.undone:
        return Told(one.line, "calm", one.serial, one.cents, desk.say(_("Retiré de la pile.")), "")
    return Told(one.line, "good", one.serial, one.cents, desk.say(_("Accepté.")), "")


def sentence(refusal: Refusal, desk: PageDesk) -> str:
    """A refusal for whoever scans: of a duplicate, the day and the shop of its first use."""
    used = refusal.data.get("used") if isinstance(refusal, AlreadyRedeemed) else None
    if not isinstance(used, dict) or not desk.reach.everything:
        # To a shop, where another took it is not told.
        return refusal.text(desk.language)
    return desk.say(
        _("Déjà utilisé le {when} chez {shop}, pour {amount}."),
        when=look.moment_in(str(used["at"]), desk.language),
        shop=used["shop_name"],
        amount=look.environment(desk.language).filters["euros"](used["cents"]),
    )


@router.get("/p/{programme_id}/remises/{number}", **page(Act.REMITTANCE_READ))
async def one(desk: AtDesk, number: NumberInPath) -> Response:
    """A pile: to be scanned while it is open, with its differences explained once closed."""
    return await _show(desk, number)


async def _show(desk: PageDesk, number: int) -> Response:
    programme_id = desk.programme_id

    def found(session: ReadSession) -> dict[str, Any]:
        asked: dict[str, Any] = {"programme_id": programme_id, "number": number}
        return {
            "pile": remit.find_remittance(session, **asked),
            "scanned": [told_of(each, desk) for each in remit.scanned_of(session, **asked, limit=_SHOWN)],
            "refused": [told_of(each, desk) for each in remit.scanned_of(session, **asked, refused_only=True)],
            "rule": rules(session, programme_id=programme_id),
        }

    # By the act of reading: a scan that comes back shows the page as well.
    return await desk.show("remittances/pile.html", **await desk.read(found, of=_of_pile(programme_id, number)))


def _of_pile(programme_id: int, number: int) -> Owner:
    def owner(session: ReadSession) -> Own:
        return Own(merchant_id=remit.find_remittance(session, programme_id=programme_id, number=number).merchant_id)

    return owner


# ── One paper ────────────────────────────────────────────────────────────────────────────────────────────────────
def read_paper(text: str, *, programme_id: int, pepper: bytes) -> Presented:
    """What was scanned or typed: the QR's text, its 26 characters, or number and control code. Refuses `BadInput`."""
    code = codes.code_from_text(text.rpartition("#")[2])
    if code is not None:
        return Presented(code_hash=codes.code_hash(pepper, code))
    by_hand = _BY_HAND.fullmatch(text.strip())
    control = codes.control_code_from_text(by_hand[2]) if by_hand else None
    if by_hand is None or control is None:
        raise BadInput(field="read", problem="not_a_paper")
    serial = int(by_hand[1])
    hashed = codes.control_hash(pepper, programme_id=programme_id, serial=serial, control_code=control)
    return Presented(serial=serial, control_hash=hashed)


def take_in(
    session: WriteSession, *, programme_id: int, number: int, presented: Presented, actor: str, at: Any
) -> dict[str, Any]:
    """Redeem a paper of a pile, or keep its refusal, in one transaction. Refuses `NotFound`, `RemittanceClosed`.

    What redeeming wrote before it refused is undone, and the refusal stands in its place.
    """
    try:
        with session.begin_nested():
            place = remit.bring(
                session,
                programme_id=programme_id,
                number=number,
                code_hash=presented.code_hash,
                serial=presented.serial,
                control_hash=presented.control_hash,
                at=at,
            )
            done = redeem.redeem(
                session,
                programme_id=programme_id,
                merchant_id=place.merchant_id,
                till_id=None,
                basket=[presented],
                sale_cents=None,
                at=at,
                accepted_at=place.accepted_at,
                actor=actor,
                # `bring` judged the shop by the day on which it took the paper.
                in_good_standing=True,
            )
            serial = done.vouchers[0].serial
            taken = {"serial": serial, "cents": done.cents, "redemption_id": done.redemption_id}
            remit.keep_taken(session, place=place, **taken, at=at)
            return {"outcome": "accepted", "line": place.line, "redemption": done.redemption_id, **_plain(taken)}
    except (NotFound, RemittanceClosed):
        raise
    except AlreadyInPile as refusal:
        return {"outcome": "already", "line": 0, "serial": refusal.data["serial"], "cents": 0, **_why(refusal)}
    except Refusal as refusal:
        kept = remit.keep_refused(session, programme_id=programme_id, number=number, refusal=refusal, at=at)
        return {"outcome": "refused", "line": kept.line, "serial": kept.serial, "cents": kept.cents, **_why(refusal)}


def _plain(taken: dict[str, Any]) -> dict[str, Any]:
    return {name: taken[name] for name in ("serial", "cents")}


def _why(refusal: Refusal) -> dict[str, Any]:
    return {"reason": refusal.reason, "data": refusal.data}


@router.post("/p/{programme_id}/remises/{number}/cheques", **page(Act.REMITTANCE_TAKE))
async def scan(desk: AtForm, number: NumberInPath) -> Response:
    """One paper, once under its key; told as JSON to the page's script, or by the page itself."""
    by_script = "application/json" in desk.screen.request.headers.get("accept", "")
    kept: dict[str, Any] = {}

    def act(session: WriteSession) -> dict[str, Any]:
        presented = read_paper(desk.typed.text("read"), programme_id=desk.programme_id, pepper=desk.house.pepper)
        return take_in(session, **desk.doing, number=number, presented=presented)

    def then(made: dict[str, Any]) -> str:
        kept.update(made)
        return f"{desk.home}/remises/{number}"

    async def again(refused: PageDesk) -> Response:
        if not by_script:
            return await _show(refused, number)
        refusal = refused.typed.refusal
        assert refusal is not None
        return JSONResponse({"outcome": "unread", "text": refusal.text(desk.language), "advice": ""})

    answer = await desk.once(act, then=then, again=again)
    if not kept:
        return answer
    one = _told_again(kept, desk)
    if not by_script:
        spoken = f"{codes.pretty_serial(one.serial)} : {one.text}" if one.serial is not None else one.text
        return desk.go(f"{desk.home}/remises/{number}#lire", said=spoken)
    pile = await desk.read(
        lambda session: remit.find_remittance(session, programme_id=desk.programme_id, number=number)
    )
    return JSONResponse({"outcome": kept["outcome"], **_as_script_reads(one, pile, desk)})


def _told_again(kept: dict[str, Any], desk: PageDesk) -> Told:
    """What was answered under the key, first or again."""
    refusal = refusal_of(kept["reason"], kept["data"]) if "reason" in kept else None
    if kept["outcome"] == "already":
        said = desk.say(_("Déjà dans cette pile : il est compté une fois."))
        return Told(0, "wait", kept["serial"], kept["cents"], said, "")
    seen = remit.Scanned(
        line=kept["line"], serial=kept["serial"], cents=kept["cents"], redemption_id=kept.get("redemption"),
        undone=False, refusal=refusal, at=clock.from_micros(0),
    )  # fmt: skip
    return told_of(seen, desk)


def _as_script_reads(one: Told, pile: remit.Remittance, desk: PageDesk) -> dict[str, Any]:
    euros: Callable[[int], str] = look.environment(desk.language).filters["euros"]
    return {
        "line": one.line,
        "tone": one.tone,
        "serial": "" if one.serial is None else codes.pretty_serial(one.serial),
        "amount": euros(one.cents) if one.cents else "",
        "text": one.text,
        "advice": one.advice,
        "count": str(pile.count),
        "cents": euros(pile.cents),
        "refused": str(pile.refused_count),
        "missing": euros(pile.slip_cents - pile.cents),
    }


@router.post("/p/{programme_id}/remises/{number}/retrait", **page(Act.REMITTANCE_TAKE))
async def undo(desk: AtForm, number: NumberInPath) -> Response:
    """Take the last paper that counts out of the pile again."""

    def act(session: WriteSession) -> dict[str, Any]:
        last = remit.last_taken(session, programme_id=desk.programme_id, number=number)
        assert last.redemption_id is not None
        back = reverse.reverse(
            session, **desk.doing, redemption_id=last.redemption_id, serials=None, reason=f"remise {number}, retiré"
        )
        return {"redemption": last.redemption_id, "reversal": back.reversal_id}

    return await desk.once(
        act,
        then=f"{desk.home}/remises/{number}",
        said=_("Le dernier chèque est retiré de la pile : il peut être passé de nouveau."),
        again=lambda desk: _show(desk, number),
    )


@router.post("/p/{programme_id}/remises/{number}/cloture", **page(Act.REMITTANCE_TAKE))
async def close(desk: AtForm, number: NumberInPath) -> Response:
    """The pile is whole, or its difference is explained."""
    return await desk.once(
        lambda session: remit.close_remittance(
            session, **desk.doing, number=number, remark=desk.typed.optional("remark")
        ),
        then=f"{desk.home}/remises/{number}",
        said=_("La remise est close. Ce qui a été accepté sera payé au prochain règlement."),
        again=lambda desk: _show(desk, number),
    )
