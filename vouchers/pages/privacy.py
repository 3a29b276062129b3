"""What is kept about the people who receive vouchers, for how long; one person's data handed out or erased; a list
purged; and who did so.
"""

import json
from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response

from vouchers import clock, people, privacy, recipient_lists, recipients
from vouchers.access import Act
from vouchers.api.fields import NumberInPath
from vouchers.api.guard import Own, Owner
from vouchers.api.shapes import shown
from vouchers.db import ReadSession
from vouchers.errors import BadInput, NotFound
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, download, page
from vouchers.pages.forms import Typed
from vouchers.pages.language import _

router: Final = APIRouter(prefix="/p/{programme_id}/donnees")
_AT_ONCE: Final = 50
_JSON: Final = "application/json"
_KINDS: Final = {
    "recipient_exported": _("Données remises à une personne"),
    "recipient_erased": _("Une personne effacée"),
    "recipients_purged": _("Liste effacée"),
}
_DONE: Final = _("Cette personne est effacée. Ses chèques restent valables.")


def _of_list(programme_id: int, list_id: int) -> Owner:
    return lambda session: Own(buyer_id=recipient_lists.buyer_of(session, programme_id=programme_id, list_id=list_id))


def _of_person(programme_id: int, recipient_id: int) -> Owner:
    return lambda session: Own(
        buyer_id=privacy.buyer_of_person(session, programme_id=programme_id, recipient_id=recipient_id)
    )


@router.get("", **page(Act.RECIPIENTS_READ))
async def overview(desk: AtDesk) -> Response:
    """Every list, what is kept of it and until when, and what was done to people's data."""
    whose = None if desk.reach.everything else desk.reach.buyer_ids

    def seen(session: ReadSession) -> tuple[list[privacy.KeptList], list[tuple[privacy.Logged, str]]]:
        kept = privacy.lists_kept(session, programme_id=desk.programme_id, buyer_ids=whose)
        logged = privacy.log(session, programme_id=desk.programme_id, buyer_ids=whose)
        called = {one.actor: _called(session, one.actor) for one in logged}
        return kept, [(one, called[one.actor]) for one in logged]

    kept, logged = await desk.house.read(seen)
    return await desk.show(
        "privacy/overview.html",
        lists=kept,
        log=[(one, desk.say(_KINDS[one.kind]), by) for one, by in logged],
        due=[one for one in kept if one.state != "purged" and one.due_on <= clock.book_day(desk.at)],
        everything=whose is None,
    )


def _called(session: ReadSession, actor: str) -> str:
    try:
        return people.name_of(session, staff_id=int(actor.partition(":")[2] or 0))
    except (NotFound, ValueError):
        return actor


@router.get("/{list_id}", **page(Act.RECIPIENTS_READ))
async def one_list(desk: AtDesk, list_id: NumberInPath) -> Response:
    """One list: its people, each with their data, and its end."""
    await desk.read(lambda _session: None, of=_of_list(desk.programme_id, list_id))
    return await _show_list(desk, list_id)


async def _show_list(desk: PageDesk, list_id: int) -> Response:
    given = Typed({"after": (desk.screen.request.query_params.get("after", "0"),)})
    try:
        after = given.whole("after")
    except BadInput:
        after = 0

    def seen(session: ReadSession) -> tuple[privacy.KeptList, list[recipients.Given]]:
        kept = privacy.list_kept(session, programme_id=desk.programme_id, list_id=list_id)
        found = recipients.of_list(
            session, programme_id=desk.programme_id, list_id=list_id, after=after, limit=_AT_ONCE + 1
        )
        return kept, found

    kept, found = await desk.house.read(seen)
    return await desk.show(
        "privacy/list.html",
        list=kept,
        people=found[:_AT_ONCE],
        next=found[_AT_ONCE - 1].line if len(found) > _AT_ONCE else None,
    )


@router.post("/{list_id}/effacement", **page(Act.RECIPIENTS_PURGE))
async def purge(desk: AtForm, list_id: NumberInPath) -> Response:
    """Everybody on a list forgotten, and the file it came from."""
    return await desk.once(
        lambda session: privacy.purge(
            session, **desk.doing, list_id=list_id, although_unspent=desk.typed.has("although_unspent")
        ),
        of=_of_list(desk.programme_id, list_id),
        then=f"{desk.home}/donnees",
        said=_("La liste est effacée. Les chèques et les comptes ne changent pas."),
        again=lambda again: _show_list(again, list_id),
    )


# ── One person ───────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/personnes/{recipient_id}", **page(Act.RECIPIENTS_READ))
async def one_person(desk: AtDesk, recipient_id: NumberInPath) -> Response:
    """All that is kept about one person."""
    await desk.read(lambda _session: None, of=_of_person(desk.programme_id, recipient_id))
    return await _show_person(desk, recipient_id)


async def _show_person(desk: PageDesk, recipient_id: int) -> Response:
    def seen(session: ReadSession) -> tuple[privacy.KeptPerson, list[tuple[int, str]]]:
        known = privacy.person_kept(session, programme_id=desk.programme_id, recipient_id=recipient_id)
        return known, privacy.likes_of(session, programme_id=desk.programme_id, person=known)

    known, likes = await desk.house.read(seen)
    return await desk.show("privacy/person.html", known=known, likes=likes)


@router.post("/personnes/{recipient_id}/copie", **page(Act.RECIPIENT_EXPORT))
async def export(desk: AtForm, recipient_id: NumberInPath) -> Response:
    """A copy for the person: a page to print, or a file for a program. That it was given is written down."""
    known = await desk.unkept(
        lambda session: privacy.export(session, **desk.doing, recipient_id=recipient_id),
        of=_of_person(desk.programme_id, recipient_id),
    )
    if desk.typed.shown("format") == "json":
        made = json.dumps({**shown(known), "full_name": known.full_name}, ensure_ascii=False, indent=2)
        return download(made.encode(), name=f"donnees-{recipient_id}.json", media=_JSON)
    return await desk.show("privacy/copy.html", known=known)


@router.post("/personnes/{recipient_id}/effacement", **page(Act.RECIPIENT_ERASE))
async def erase(desk: AtForm, recipient_id: NumberInPath) -> Response:
    """One person forgotten, at any time."""
    return await desk.once(
        lambda session: privacy.erase(session, **desk.doing, recipient_id=recipient_id),
        of=_of_person(desk.programme_id, recipient_id),
        then=f"{desk.home}/donnees/personnes/{recipient_id}",
        said=_DONE,
        again=lambda again: _show_person(again, recipient_id),
    )
