"""One voucher at the desk: found by number, order, batch or person; what it is, what can be done, what happened to it.

The chamber sees in which shop a voucher was spent, and never whose it was on the same page. A buyer's person sees whose
it is, and of its spending only 'in part' or 'wholly'. Why something is done is chosen from a list: a journal keeps it
for ever, and a free text would bring names into it.
"""

import base64
from dataclasses import dataclass, replace
from typing import Any, Final

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from vouchers import access, books, clock, codes, finding, money, people, stop, workshop
from vouchers.access import Act
from vouchers.api.fields import NumberInPath
from vouchers.api.guard import Own, Owner
from vouchers.db import ReadSession
from vouchers.errors import BadInput, NotFound
from vouchers.finding import Found, Wanted
from vouchers.pages import look
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, page
from vouchers.pages.forms import Typed
from vouchers.pages.language import _
from vouchers.paper.voucher_sheet import Cheque
from vouchers.tables import VOUCHER_STATES

router: Final = APIRouter(prefix="/p/{programme_id}/cheques")
_AT_ONCE: Final = 50

STATES: Final = {
    "printed": (_("Imprimé, pas encore actif"), "wait"),
    "active": (_("Actif : il peut être dépensé"), "good"),
    "blocked": (_("Bloqué : personne ne peut le dépenser"), "bad"),
    "redeemed": (_("Dépensé entièrement"), "calm"),
    "expired": (_("Périmé"), "calm"),
    "cancelled": (_("Annulé"), "calm"),
    "replaced": (_("Remplacé par un autre"), "calm"),
}
_IN_PART: Final = (_("Actif, dépensé en partie"), "good")
_OVER: Final = (_("Dernier jour passé"), "wait")
REASONS: Final = {
    "block": (("perdu", _("Perdu")), ("volé", _("Volé")), ("usage suspect", _("Usage suspect"))),
    "unblock": (("retrouvé", _("Retrouvé")), ("bloqué par erreur", _("Bloqué par erreur"))),
    "replace": (("perdu", _("Perdu")), ("volé", _("Volé")), ("abîmé", _("Abîmé ou illisible"))),
    "cancel": (
        ("rendu", _("Rendu par la personne")),
        ("distribué par erreur", _("Distribué par erreur")),
        ("bénéficiaire décédé", _("Bénéficiaire décédé")),
    ),
}
"""What may be given as a reason: (as the journal keeps it, as it is shown)."""
_STEPS: Final = {
    "issue_begun": _("Émission du lot commencée"),
    "issued": _("Émis, avec {cents}"),
    "printed": _("Imprimé et remis"),
    "activated": _("Activé : il peut être dépensé"),
    "extended": _("Dernier jour reporté au {day}"),
    "redeemed": _("{cents} dépensés chez {shop}"),
    "reversed": _("{cents} remis dessus, l'achat chez {shop} est annulé"),
    "blocked": _("Bloqué"),
    "unblocked": _("Débloqué"),
    "cancelled": _("Annulé : {cents} rendus à la commande"),
    "expired": _("Périmé : {cents} n'ont pas été dépensés"),
    "disputed": _("Litige : accepté sans réseau chez {shop}, et refusé ensuite"),
    "guaranteed": _("Litige : la garantie a payé {shop}"),
    "dispute_dismissed": _("Litige classé : {shop} n'est pas payé"),
}

_BORN: Final = _("Reçoit {cents} du chèque qu'il remplace")
_REPLACED: Final = _("Remplacé : {cents} passent sur un autre chèque")


@dataclass(frozen=True, slots=True)
class Told:
    """One line of a voucher's time, as it is read."""

    at: Any
    said: str
    reason: str
    by: str


def of_voucher(programme_id: int, serial: int) -> Owner:
    """The buyer's who ordered it."""

    def owner(session: ReadSession) -> Own:
        held = books.buyers_of(session, programme_id=programme_id, serials=[serial])
        if not held:
            raise NotFound(what="voucher", id=serial)
        return Own(buyer_id=next(iter(held)))

    return owner


# ── Finding ──────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("", **page(Act.VOUCHER_READ))
async def search(desk: AtDesk) -> Response:
    """Vouchers by number, order, batch or state."""
    query = desk.screen.request.query_params
    asked = {name: query.get(name, "").strip() for name in ("numero", "jusqua", "commande", "lot", "etat")}
    typed = Typed({name: (given,) for name, given in asked.items()})
    shown = replace(desk, screen=replace(desk.screen, typed=typed))
    try:
        wanted, after = _wanted(typed), Typed({"after": (query.get("after", "0"),)}).whole("after")
    except BadInput as refusal:
        return await _found(shown.refused(refusal), [], asked)
    if wanted == finding.EVERY:
        return await _found(shown, [], {})
    whose = None if desk.reach.everything else desk.reach.buyer_ids
    found = await desk.house.read(
        lambda session: finding.listed(
            session,
            programme_id=desk.programme_id,
            wanted=wanted,
            buyer_ids=whose,
            after=after,
            limit=_AT_ONCE + 1,
        )
    )
    if len(found) == 1 and asked["numero"] and wanted.first == wanted.last and not after:
        return desk.go(f"{desk.home}/cheques/{found[0].serial}")
    return await _found(shown, found, asked)


def _wanted(typed: Typed) -> Wanted:
    """What was asked for. A single number is that voucher; two are all between them. Refuses `BadInput`."""
    first = typed.whole("numero", least=1) if typed.has("numero") else None
    last = typed.whole("jusqua", least=first or 1) if typed.has("jusqua") else first
    return Wanted(
        first=first,
        last=last,
        order_number=typed.whole("commande", least=1) if typed.has("commande") else None,
        batch_number=typed.whole("lot", least=1) if typed.has("lot") else None,
        state=typed.choice("etat", VOUCHER_STATES) if typed.has("etat") else None,
    )


async def _found(desk: PageDesk, found: list[Found], asked: dict[str, str]) -> Response:
    shown = found[:_AT_ONCE]
    names = await desk.house.read(lambda session: _names(session, desk, [one.serial for one in shown]))
    kept = "&".join(f"{name}={given}" for name, given in asked.items() if given)
    return await desk.show(
        "vouchers/find.html",
        found=[(one, _state(desk, one), names.get(one.serial, "")) for one in shown],
        asked=any(asked.values()),
        names=bool(names),
        query=f"{desk.home}/cheques?{kept}",
        next=shown[-1].serial if len(found) > _AT_ONCE else None,
        states=[("", desk.say(_("Tous")))] + [(word, desk.say(STATES[word][0])) for word in VOUCHER_STATES],
    )


@router.get("/personne", **page(Act.RECIPIENTS_READ))
async def ask_person(desk: AtDesk) -> Response:
    """Whose vouchers: the form alone. A name is typed into a form, never into an address that a server notes."""
    return await _people(desk, None)


@router.post("/personne", **page(Act.RECIPIENTS_READ))
async def find_person(desk: AtForm) -> Response:
    """The people who are called so, and their vouchers."""
    whose = None if desk.reach.everything else desk.reach.buyer_ids

    async def named() -> Response:
        name = desk.typed.text("name")
        found = await desk.house.read(
            lambda session: finding.people_named(session, programme_id=desk.programme_id, name=name, buyer_ids=whose)
        )
        return await _people(desk, found)

    return await desk.tried(named, again=lambda again: _people(again, None))


async def _people(desk: PageDesk, found: list[finding.Person] | None) -> Response:
    shown = [
        (one, [(paper, _state(desk, paper)) for paper in one.vouchers]) for one in (found or [])[: finding.MOST_PEOPLE]
    ]
    more = len(found or []) > finding.MOST_PEOPLE
    return await desk.show("vouchers/person.html", found=None if found is None else shown, more=more)


def _names(session: ReadSession, desk: PageDesk, serials: list[int]) -> dict[int, str]:
    """Whose the vouchers are: for a buyer's people alone, whose pages never say where anything was spent."""
    if desk.reach.everything or not serials or not desk.may(Act.RECIPIENTS_READ):
        return {}
    return finding.names_of(session, programme_id=desk.programme_id, serials=serials)


def _state(desk: PageDesk, found: Found) -> tuple[str, str]:
    """In words, with a tone."""
    said, tone = STATES[found.state]
    if found.state in {"printed", "active"} and found.expires_on < clock.book_day(desk.at):
        said, tone = _OVER
    elif found.state == "active" and found.spent == "part":
        said, tone = _IN_PART
    return desk.say(said), tone


# ── One voucher ──────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/{serial}", **page(Act.VOUCHER_READ))
async def one(desk: AtDesk, serial: NumberInPath) -> Response:
    """What it is, what can be done now, and what happened to it."""
    await desk.read(lambda _session: None, of=of_voucher(desk.programme_id, serial))
    return await _show(desk, serial)


async def _show(desk: PageDesk, serial: int) -> Response:
    # By the act of reading, not of the form that came back: who may block may not therefore see a shop.
    chamber = access.within(desk.caller, Act.VOUCHER_READ, programme_id=desk.programme_id).everything

    def seen(session: ReadSession) -> dict[str, Any]:
        life = books.life_of(session, programme_id=desk.programme_id, serial=serial, uses=chamber)
        buyer_id = next(iter(books.buyers_of(session, programme_id=desk.programme_id, serials=[serial])))
        names = {} if chamber else _names(session, desk, [serial])
        actors = {step.actor for step in life.steps} if chamber else set()
        return {
            "life": life,
            "buyer": people.find_buyer(session, programme_id=desk.programme_id, buyer_id=buyer_id).name,
            "name": names.get(serial, ""),
            "called": {actor: _actor(session, desk, actor) for actor in actors},
            "buyer_id": buyer_id,
        }

    told = await desk.house.read(seen)
    life: books.Life = told["life"]
    found = Found(
        serial, life.batch_number, life.order_number, told["buyer_id"], life.face_cents, life.balance_cents,
        life.state, life.expires_on,
    )  # fmt: skip
    over = life.expires_on < clock.book_day(desk.at)
    return await desk.show(
        "vouchers/voucher.html",
        found=found,
        state=_state(desk, found),
        steps=[_told(desk, step, told["called"].get(step.actor, "")) for step in life.steps if step.kind in _KNOWN],
        acts=_offered(desk, life, over=over),
        reasons={act: [(word, desk.say(said)) for word, said in given] for act, given in REASONS.items()},
        chamber=chamber,
        over=over,
        **{name: told[name] for name in ("life", "buyer", "name")},
    )


_KNOWN: Final = frozenset({*_STEPS, "replaced"})


def _told(desk: PageDesk, step: books.Step, by: str) -> Told:
    cents = (money.euros_en if desk.language == "en" else money.euros_fr)(abs(step.cents))
    if step.kind == "replaced":
        return Told(step.at, desk.say(_BORN if step.cents > 0 else _REPLACED, cents=cents), step.reason, by)
    day = look.day_in(step.reason.rpartition(" ")[2], desk.language) if step.kind == "extended" else ""
    said = desk.say(_STEPS[step.kind], cents=cents, shop=step.shop_name or "", day=day)
    return Told(step.at, said, "" if step.kind in _WORDED else step.reason, by)


_WORDED: Final = frozenset({"extended", "disputed", "guaranteed", "expired"})
"""Facts whose reason is the house's own word."""


def _actor(session: ReadSession, desk: PageDesk, actor: str) -> str:
    kind, _colon, number = actor.partition(":")
    if kind == "staff" and number:
        try:
            return people.name_of(session, staff_id=int(number))
        except NotFound:
            return actor
    return desk.say(_("caisse {number}"), number=number) if kind == "till" else ""


def _offered(desk: PageDesk, life: books.Life, *, over: bool) -> list[str]:
    """What can be done now by who looks, what comes first first."""
    offered: list[str] = []
    if life.state == "printed" and life.replaces is not None and not over and desk.may(Act.BATCH_ACTIVATE):
        offered.append("activate")
    if life.state == "active" and not over and desk.may(Act.VOUCHER_BLOCK):
        offered.append("block")
    if life.state in {"printed", "active", "blocked"} and not over and desk.may(Act.VOUCHER_REPLACE):
        offered.append("replace")
    if life.state == "blocked" and desk.may(Act.VOUCHER_UNBLOCK):
        offered.append("unblock")
    if life.state in {"printed", "active", "blocked"} and not over and desk.may(Act.VOUCHER_CANCEL):
        offered.append("cancel")
    return sorted(offered, key=lambda act: act != "replace") if life.state == "blocked" else offered


# ── What can be done ─────────────────────────────────────────────────────────────────────────────────────────────
@router.post("/{serial}/blocage", **page(Act.VOUCHER_BLOCK))
async def block(desk: AtForm, serial: NumberInPath) -> Response:
    """Lost or stolen: nobody can spend it until it is unblocked or replaced."""
    return await desk.once(
        lambda session: {"items": stop.block(session, **desk.doing, serials=[serial], reason=_reason(desk, "block"))},
        of=of_voucher(desk.programme_id, serial),
        then=f"{desk.home}/cheques/{serial}",
        said=_("Le chèque est bloqué. La trésorerie le voit et peut le remplacer."),
        again=lambda again: _show(again, serial),
    )


@router.post("/{serial}/deblocage", **page(Act.VOUCHER_UNBLOCK))
async def unblock(desk: AtForm, serial: NumberInPath) -> Response:
    """Found again."""
    return await desk.once(
        lambda session: {
            "items": stop.unblock(session, **desk.doing, serials=[serial], reason=_reason(desk, "unblock"))
        },
        of=of_voucher(desk.programme_id, serial),
        then=f"{desk.home}/cheques/{serial}",
        said=_("Le chèque est débloqué : il peut de nouveau être dépensé."),
        again=lambda again: _show(again, serial),
    )


@router.post("/{serial}/annulation", **page(Act.VOUCHER_CANCEL))
async def cancel(desk: AtForm, serial: NumberInPath) -> Response:
    """Taken back for good; what is left goes back to the buyer's order."""
    return await desk.once(
        lambda session: {"items": stop.cancel(session, **desk.doing, serials=[serial], reason=_reason(desk, "cancel"))},
        of=of_voucher(desk.programme_id, serial),
        then=f"{desk.home}/cheques/{serial}",
        said=_("Le chèque est annulé ; ce qui restait est rendu à la commande."),
        again=lambda again: _show(again, serial),
    )


@router.post("/{serial}/activation", **page(Act.BATCH_ACTIVATE))
async def activate(desk: AtForm, serial: NumberInPath) -> Response:
    """A replacement was handed over: spendable, by someone other than who made it."""
    return await desk.once(
        lambda session: {"items": stop.activate_replacements(session, **desk.doing, serials=[serial])},
        of=of_voucher(desk.programme_id, serial),
        then=f"{desk.home}/cheques/{serial}",
        said=_("Le chèque est activé : il peut être dépensé."),
        again=lambda again: _show(again, serial),
    )


@router.post("/{serial}/remplacement", **page(Act.VOUCHER_REPLACE))
async def replaced(desk: AtForm, serial: NumberInPath) -> Response:
    """New paper for old. Its sheet is given in this answer, once, and kept nowhere.

    If the answer is lost, the new voucher is replaced in its turn.
    """

    async def done() -> Response:
        reason, secrets = _reason(desk, "replace"), codes.new_secrets(1)
        (new,) = await desk.unkept(
            lambda session: stop.replace(
                session, **desk.doing, serials=[serial], secrets=secrets, pepper=desk.house.pepper, reason=reason
            ),
            of=of_voucher(desk.programme_id, serial),
        )
        pdf = await run_in_threadpool(_sheet, desk, new)
        return await desk.show("vouchers/replaced.html", new=new, pdf=base64.b64encode(pdf).decode())

    return await desk.tried(done, again=lambda again: _show(again, serial))


def _sheet(desk: PageDesk, new: stop.Replacement) -> bytes:
    database, programme_id = desk.house.database, desk.programme_id
    batch_number = database.read(books.life_of, programme_id=programme_id, serial=new.serial).batch_number
    cheques = [Cheque(new.serial, new.face_cents, *new.secret)]
    return workshop.replacement_sheets(database, programme_id=programme_id, batch_number=batch_number, cheques=cheques)


def _reason(desk: PageDesk, act: str) -> str:
    return desk.typed.choice("reason", [word for word, _said in REASONS[act]])
