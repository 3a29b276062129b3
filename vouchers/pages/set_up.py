"""The next programme, set up in short steps by one person and opened by another, with its people, in one act."""

from contextlib import suppress
from datetime import date, timedelta
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Path
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from vouchers import clock, offline, people, programmes, roles, set_up, terms
from vouchers.access import Act
from vouchers.api.fields import NumberInPath
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import NotFound, Refusal
from vouchers.founding import WORDING_CHARS
from vouchers.founding import terms as checked_terms
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, page
from vouchers.pages.forms import Typed
from vouchers.pages.language import _
from vouchers.pages.preview import SAMPLE_CENTS, picture, text_of
from vouchers.pages.set_up_forms import READ, logo_of
from vouchers.paper import qr
from vouchers.paper.voucher_sheet import SheetText
from vouchers.rules import DEFAULT_COLOUR, Rules, Terms, rules
from vouchers.set_up import STEPS, SetUp
from vouchers.tables import RHYTHMS

router: Final = APIRouter(prefix="/p/{programme_id}/dispositif/nouveau")


class Shown(NamedTuple):
    """A step as people meet it: its place in the address, its name, and whether the voucher shows what it asks."""

    path: str
    label: str
    pictured: bool


SHOWN: Final = {
    "issuer": Shown("emetteur", _("Émetteur"), pictured=True),
    "target": Shown("objectif", _("Nom et objectif"), pictured=True),
    "dates": Shown("dates", _("Dates"), pictured=True),
    "vouchers": Shown("cheques", _("Chèques"), pictured=True),
    "money": Shown("argent", _("Argent"), pictured=False),
    "offline": Shown("hors-connexion", _("Sans réseau"), pictured=False),
    "look": Shown("presentation", _("Présentation"), pictured=True),
}
SUMMARY: Final = "resume"
_STEP_OF: Final = {shown.path: step for step, shown in SHOWN.items()}
_SOON: Final = timedelta(days=92)
_HURRIED: Final = timedelta(days=30)
_SEEN_VERSION: Final = 3
"""The largest QR code that old phones read well."""

_TEXTS: Final = ("name", "address", "shops_url", "legal_wording")

StepInPath = Annotated[str, Path(max_length=20)]


def _step(path: str) -> str:
    if path not in _STEP_OF:
        raise NotFound(what="step", id=path)
    return _STEP_OF[path]


def _at(desk: PageDesk, set_up_id: int, path: str) -> str:
    return f"{desk.home}/dispositif/nouveau/{set_up_id}/{path}"


# ── Begin, go on ─────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("", **page(Act.SET_UP_DRAFT))
async def start(desk: AtDesk) -> Response:
    """What setting up takes, and the drafts under way."""
    return await _start(desk)


async def _start(desk: PageDesk) -> Response:
    drafts = await desk.read(lambda session: set_up.listed(session, programme_id=desk.programme_id))
    shown = [(one, _next_path(one)) for one in drafts]
    return await desk.show("set_up/start.html", drafts=shown, steps=list(SHOWN.values()), actor=desk.caller.actor)


@router.post("", **page(Act.SET_UP_DRAFT))
async def begin(desk: AtForm) -> Response:
    """A new draft, beginning with what this programme is like."""
    return await desk.once(
        lambda session: set_up.begin(session, **desk.doing),
        then=lambda made: _at(desk, made["value"], SHOWN[STEPS[0]].path),
        again=_start,
    )


@router.get("/{set_up_id}", **page(Act.SET_UP_DRAFT))
async def go_on(desk: AtDesk, set_up_id: NumberInPath) -> Response:
    """Where one left off."""
    return desk.go(_at(desk, set_up_id, _next_path(await _found(desk, set_up_id))))


def _next_path(known: SetUp) -> str:
    return SHOWN[known.missing[0]].path if known.missing and known.state == "draft" else SUMMARY


async def _found(desk: PageDesk, set_up_id: int) -> SetUp:
    return await desk.read(lambda session: set_up.find(session, programme_id=desk.programme_id, set_up_id=set_up_id))


# ── Summary and opening: before the steps, whose addresses would take theirs ─────────────────────────────────────
@router.get("/{set_up_id}/resume", **page(Act.SET_UP_DRAFT))
async def summary(desk: AtDesk, set_up_id: NumberInPath) -> Response:
    """All answers, what deserves a second look, and who does what now."""
    return await _summary(desk, set_up_id)


async def _summary(desk: PageDesk, set_up_id: int) -> Response:
    def read(session: ReadSession) -> tuple[SetUp, str, str]:
        known = set_up.find(session, programme_id=desk.programme_id, set_up_id=set_up_id)
        return known, _person(session, known.drafted_by), _person(session, known.opened_by)

    known, drafted_by, opened_by = await desk.read(read)
    return await desk.show(
        "set_up/summary.html",
        one=known,
        said=known.answers,
        steps=_path(known, now=None),
        paths={step: shown.path for step, shown in SHOWN.items()},
        missing=[SHOWN[step] for step in known.missing],
        doubts=await run_in_threadpool(doubts, known.answers, today=clock.book_day(desk.at)),
        mine=known.drafted_by == desk.caller.actor,
        drafted_by=drafted_by,
        opened_by=opened_by,
    )


def _person(session: ReadSession, actor: str | None) -> str:
    kind, _colon, number = (actor or "").partition(":")
    return people.name_of(session, staff_id=int(number)) if kind == "staff" else actor or ""


@router.post("/{set_up_id}/resume", **page(Act.SET_UP_DRAFT))
async def submit(desk: AtForm, set_up_id: NumberInPath) -> Response:
    """The drafter is done: another administrator may open it."""
    return await desk.once(
        lambda session: set_up.submit(session, set_up_id=set_up_id, **desk.doing),
        then=_at(desk, set_up_id, SUMMARY),
        said=_("C'est prêt. Un autre administrateur peut maintenant ouvrir le dispositif."),
        again=lambda desk: _summary(desk, set_up_id),
    )


@router.post("/{set_up_id}/ouverture", **page(Act.SET_UP_OPEN))
async def open_it(desk: AtForm, set_up_id: NumberInPath) -> Response:
    """The programme is there, with its terms, its rule without network and the people of this one."""
    return await desk.once(
        lambda session: _opened(session, desk, set_up_id),
        then=lambda made: f"/p/{made['value']}/dispositif",
        said=_("Le dispositif est ouvert. L'équipe y a déjà ses rôles."),
        again=lambda desk: _summary(desk, set_up_id),
    )


def _opened(session: WriteSession, desk: PageDesk, set_up_id: int) -> int:
    who: dict[str, Any] = {"actor": desk.caller.actor, "at": desk.at}
    plan = set_up.take(session, programme_id=desk.programme_id, set_up_id=set_up_id, actor=desk.caller.actor)
    issuer_id = plan.issuer_id or programmes.enrol_issuer(session, **plan.issuer)
    made = programmes.open_programme(session, issuer_id=issuer_id, **plan.programme, **who)
    terms.set_terms(session, programme_id=made, terms=plan.terms, **who)
    if plan.offline is not None:
        offline.allow(session, programme_id=made, rule=plan.offline, **who)
    roles.carry_over(
        session,
        from_programme_id=desk.programme_id,
        programme_id=made,
        asked_by=plan.drafted_by,
        confirmed_by=desk.caller.actor,
        at=desk.at,
    )
    set_up.opened(
        session,
        programme_id=desk.programme_id,
        set_up_id=set_up_id,
        opened_programme_id=made,
        actor=desk.caller.actor,
    )
    return made


@router.post("/{set_up_id}/abandon", **page(Act.SET_UP_DRAFT))
async def drop(desk: AtForm, set_up_id: NumberInPath) -> Response:
    """Nothing comes of it."""
    return await desk.once(
        lambda session: set_up.drop(session, programme_id=desk.programme_id, set_up_id=set_up_id, at=desk.at),
        then=f"{desk.home}/dispositif",
        said=_("Ce projet est abandonné."),
        again=lambda desk: _summary(desk, set_up_id),
    )


# ── Preview ──────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/{set_up_id}/apercu.png", **page(Act.SET_UP_DRAFT))
async def printed(desk: AtDesk, set_up_id: NumberInPath) -> Response:
    """The voucher as its answers make it."""
    return await _pictured(desk, await _found(desk, set_up_id), {}, None)


@router.post("/{set_up_id}/apercu/{path}", **page(Act.SET_UP_DRAFT))
async def previewed(desk: AtForm, set_up_id: NumberInPath, path: StepInPath) -> Response:
    """The same with what stands in the form of a step; what cannot be read yet is left as it was."""
    known = await _found(desk, set_up_id)
    step = _step(path)
    typed, logo = await run_in_threadpool(_looked_at, desk.typed, step)
    return await _pictured(desk, known, {step: typed}, logo)


def _looked_at(typed: Typed, step: str) -> tuple[dict[str, Any], bytes | None]:
    """What stands in a form, which is half filled in while one types: one that cannot be read whole gives its texts."""
    try:
        return READ[step](typed), logo_of(typed)
    except Refusal:
        kept: dict[str, Any] = {name: typed.shown(name)[:400] for name in _TEXTS if typed.has(name)}
        with suppress(Refusal):
            kept["expires_on"] = typed.day("expires_on")
        return kept, None


async def _pictured(desk: PageDesk, known: SetUp, typed: dict[str, dict[str, Any]], logo: bytes | None) -> Response:
    before = await desk.read(lambda session: rules(session, programme_id=desk.programme_id))
    said = {step: {**known.answers[step], **typed.get(step, {})} for step in STEPS}
    faces = said["vouchers"]["face_values"]
    text = await run_in_threadpool(_text, said, logo or known.logo, before=before)
    return await picture(text, face_cents=faces[0] if faces else SAMPLE_CENTS)


def _text(said: dict[str, dict[str, Any]], logo: bytes | None, *, before: Rules) -> SheetText:
    look = said["look"]
    wanted = Terms(legal_wording=look["legal_wording"][:WORDING_CHARS], colour=look["colour"], logo=logo)
    try:
        wanted = checked_terms(wanted)
    except Refusal:
        wanted = Terms(logo=logo, colour=DEFAULT_COLOUR)
    last = said["dates"]["expires_on"] or before.expires_on
    return text_of(
        name=said["target"]["name"] or before.name,
        issuer_name=said["issuer"]["name"],
        issuer_address=said["issuer"]["address"],
        shops_url=said["target"]["shops_url"],
        # Always a host that can be drawn: one that is being typed may be anything.
        host=before.host,
        expires_on=date.fromisoformat(last) if isinstance(last, str) else last,
        terms=wanted,
    )


# ── One step ─────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/{set_up_id}/{path}", **page(Act.SET_UP_DRAFT))
async def step(desk: AtDesk, set_up_id: NumberInPath, path: StepInPath) -> Response:
    """The questions of one step, as they were answered, or as they are proposed."""
    if path in {"ouverture", "abandon"}:  # these take a form alone
        return desk.go(_at(desk, set_up_id, SUMMARY))
    return await _show_step(desk, set_up_id, path)


async def _show_step(desk: PageDesk, set_up_id: int, path: str) -> Response:
    name = _step(path)
    known = await _found(desk, set_up_id)
    if known.state not in {"draft", "ready"} or known.drafted_by != desk.caller.actor:
        return desk.go(_at(desk, set_up_id, SUMMARY))
    place = STEPS.index(name)
    return await desk.show(
        f"set_up/step_{name}.html",
        one=known,
        said=known.answers[name],
        all_said=known.answers,
        step=name,
        shown=SHOWN[name],
        place=place + 1,
        of=len(STEPS),
        before=SHOWN[STEPS[place - 1]].path if place else None,
        steps=_path(known, now=name),
        base=_at(desk, set_up_id, ""),
        rhythms=RHYTHMS,
    )


def _path(known: SetUp, *, now: str | None) -> list[tuple[str, str, str]]:
    """(name, where it leads, how far one is) of every step, and of the summary."""
    made = [
        (SHOWN[one].label, SHOWN[one].path, "now" if one == now else "done" if one in known.done else "later")
        for one in STEPS
    ]
    return [*made, (_("Résumé"), SUMMARY, "now" if now is None else "later")]


@router.post("/{set_up_id}/{path}", **page(Act.SET_UP_DRAFT))
async def answer(desk: AtForm, set_up_id: NumberInPath, path: StepInPath) -> Response:
    """Kept; on to the next step, or to the summary where that is where one came from."""
    name = _step(path)

    async def read_then_kept() -> Response:
        # Pictures are drawn anew before the house is held.
        logo = await run_in_threadpool(logo_of, desk.typed)
        return await desk.once(
            lambda session: _answered(session, desk, set_up_id, name, logo),
            then=_at(desk, set_up_id, _after(name, desk.typed)),
        )

    return await desk.tried(read_then_kept, again=lambda desk: _show_step(desk, set_up_id, path))


def _answered(session: WriteSession, desk: PageDesk, set_up_id: int, name: str, logo: bytes | None) -> None:
    if desk.typed.has("no_logo"):
        set_up.without_logo(session, set_up_id=set_up_id, **desk.doing)
        logo = None
    set_up.answer(session, set_up_id=set_up_id, step=name, values=READ[name](desk.typed), logo=logo, **desk.doing)


def _after(name: str, typed: Typed) -> str:
    place = STEPS.index(name) + 1
    return SUMMARY if typed.has("to_summary") or place == len(STEPS) else SHOWN[STEPS[place]].path


# ── What deserves a second look ──────────────────────────────────────────────────────────────────────────────────
def doubts(said: dict[str, dict[str, Any]], *, today: date) -> list[str]:
    """Marked sentences about answers that are allowed and odd."""
    found = []
    days = {name: date.fromisoformat(day) for name, day in said["dates"].items() if day is not None}
    if len(days) == 3:
        begins = max(today, days["starts_on"])
        if days["starts_on"] < today:
            found.append(_("Le premier jour est déjà passé."))
        if days["expires_on"] < begins + _SOON:
            found.append(_("Les chèques expirent dans moins de trois mois : peu de temps pour les dépenser."))
        if days["presentation_deadline_on"] < days["expires_on"] + _HURRIED:
            found.append(
                _("Les commerces ont moins de 30 jours après la fin pour envoyer leurs chèques papier : c'est court.")
            )
    host = str(said["target"]["host"])
    if host and qr.size_for_host(host.upper()).version > _SEEN_VERSION:
        found.append(
            _("L'adresse dans le QR code est longue (plus de 20 caractères) : d'anciens téléphones la liront mal.")
        )
    return found
