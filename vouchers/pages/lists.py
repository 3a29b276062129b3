"""Lists of people at a desk: brought as a file, matched, checked, corrected in place, ordered, signed for.

Looking at a list judges it anew; that takes most of a second for twenty thousand lines, and is never done where a
transaction waits.
"""

import io
from typing import Any, Final, NamedTuple

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from vouchers import list_check, order, order_book, order_desk, people, privacy, recipient_lists, recipients, rules
from vouchers.access import Act
from vouchers.api.fields import After, NumberInPath
from vouchers.api.guard import Own, Owner
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import BadInput, ListNotReady, ListState, NotFound
from vouchers.founding import LEAST_FACE_CENTS, MOST_FACE_CENTS
from vouchers.list_check import Check, Row
from vouchers.order_book import Line
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, download, page
from vouchers.pages.language import _
from vouchers.paper import table_file
from vouchers.paper.hand_out import Handed, HandOut, write_hand_out
from vouchers.recipient_lists import PeopleList

router: Final = APIRouter(prefix="/p/{programme_id}")
PAGE: Final = 50
PREVIEW: Final = 6
SHOWN: Final = 40
"""Faults, and likenesses, on one page: the next ones come when these are dealt with."""
LABELS: Final = {
    "civility": _("Civilité"),
    "last_name": _("Nom"),
    "first_name": _("Prénom"),
    "address_1": _("Adresse, ligne 1"),
    "address_2": _("Adresse, ligne 2"),
    "address_3": _("Adresse, ligne 3"),
    "postcode": _("Code postal"),
    "town": _("Ville"),
    "amount": _("Montant par personne, en euros"),
    "quantity": _("Nombre de chèques"),
    "face": _("Valeur d'un chèque, en euros"),
    "round": _("Tournée ou bureau de distribution"),
    "reference": _("Référence (dossier, matricule)"),
}


class Seen(NamedTuple):
    """A list as somebody looks at it: with its check where it can be judged at all."""

    found: PeopleList
    buyer_name: str
    check: Check | None


def of_list(programme_id: int, list_id: int) -> Owner:
    """The buyer's whose list it is."""
    return lambda session: Own(buyer_id=recipient_lists.buyer_of(session, programme_id=programme_id, list_id=list_id))


# ── All of them, and a new one ───────────────────────────────────────────────────────────────────────────────────
@router.get("/listes", **page(Act.RECIPIENTS_READ))
async def listed(desk: AtDesk, after: After = 0) -> Response:
    """The lists, newest first."""
    reach = desk.reach
    lists = await desk.house.read(
        lambda session: recipient_lists.listed(
            session,
            programme_id=desk.programme_id,
            buyer_ids=None if reach.everything else reach.buyer_ids,
            before=after or None,
            limit=PAGE,
        )
    )
    return await desk.show("lists/lists.html", lists=lists, next=lists[-1].list_id if len(lists) == PAGE else None)


@router.get("/listes/nouvelle", **page(Act.RECIPIENTS_BRING))
async def new(desk: AtDesk) -> Response:
    """The form that takes a file."""
    return await _show_new(desk)


@router.post("/listes/nouvelle", **page(Act.RECIPIENTS_BRING))
async def bring(desk: AtForm) -> Response:
    """A file becomes a list; what it holds is not judged yet."""

    async def act() -> Response:
        typed = desk.typed
        buyer_id, name, upload = typed.whole("buyer", least=1), typed.text("name"), typed.upload("file")
        if upload is None:
            raise BadInput(field="file", problem="missing")
        table = await run_in_threadpool(table_file.read, upload.content, name=upload.name)
        rows = [Row(line, cells) for line, cells in zip(table.lines, table.rows, strict=True)]

        def brought(session: WriteSession) -> dict[str, int]:
            # Here, because only what was typed says whose list it will be.
            desk.allow(session, lambda _session: Own(buyer_id=buyer_id))
            number = recipient_lists.bring(
                session, **desk.doing, buyer_id=buyer_id, name=name, header=table.header, rows=rows
            )
            return {"number": number}

        return await desk.once(
            brought, of=_some_own(desk), then=lambda made: f"{desk.home}/listes/{made['number']}/colonnes"
        )

    return await desk.tried(act, again=_show_new)


def _some_own(desk: PageDesk) -> Owner:
    return lambda _session: Own(buyer_id=min(desk.reach.buyer_ids, default=None))


async def _show_new(desk: PageDesk) -> Response:
    def found(session: ReadSession) -> list[people.Buyer]:
        reach, programme_id = desk.reach, desk.programme_id
        if reach.everything:
            return people.buyers(session, programme_id=programme_id, limit=people.MOST_LISTED)
        return [people.find_buyer(session, programme_id=programme_id, buyer_id=one) for one in sorted(reach.buyer_ids)]

    buyers = await desk.read(found, of=_some_own(desk))
    megabytes = table_file.MOST_BYTES // 1_000_000
    return await desk.show("lists/new.html", buyers=buyers, most_rows=table_file.MOST_ROWS, megabytes=megabytes)


# ── Matched ──────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/listes/{list_id}/colonnes", **page(Act.RECIPIENTS_BRING))
async def columns(desk: AtDesk, list_id: NumberInPath) -> Response:
    """Which column is what, beside the first rows."""
    return await _show_columns(desk, list_id)


@router.post("/listes/{list_id}/colonnes", **page(Act.RECIPIENTS_BRING))
async def match(desk: AtForm, list_id: NumberInPath) -> Response:
    """The columns, and what everybody receives where the list does not say."""

    def act(session: WriteSession) -> None:
        typed = desk.typed
        matched = {meaning: typed.whole(meaning, most=999) for meaning in LABELS if typed.has(meaning)}
        face: int | None = None
        if typed.has("face_cents"):
            face = typed.cents("face_cents", least=LEAST_FACE_CENTS, most=MOST_FACE_CENTS)
        recipient_lists.match(
            session,
            programme_id=desk.programme_id,
            list_id=list_id,
            columns=matched,
            face_cents=face,
            quantity=typed.whole("each", least=1, most=list_check.MOST_QUANTITY) if typed.has("each") else None,
            at=desk.at,
        )

    return await desk.once(
        act,
        of=of_list(desk.programme_id, list_id),
        then=f"{desk.home}/listes/{list_id}",
        again=lambda desk: _show_columns(desk, list_id),
    )


async def _show_columns(desk: PageDesk, list_id: int) -> Response:
    def found(session: ReadSession) -> tuple[PeopleList, tuple[int, ...]]:
        known = recipient_lists.find(session, programme_id=desk.programme_id, list_id=list_id)
        return known, rules.terms(session, programme_id=desk.programme_id).face_values

    known, face_values = await desk.read(found, of=of_list(desk.programme_id, list_id))
    return await desk.show(
        "lists/columns.html", list=known, preview=known.rows[:PREVIEW], labels=LABELS, face_values=face_values
    )


# ── Checked ──────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/listes/{list_id}", **page(Act.RECIPIENTS_READ))
async def one(desk: AtDesk, list_id: NumberInPath, after: After = 0) -> Response:
    """A list as it stands: what is wrong in it, or, once it is ordered, who receives what."""
    return await _show(desk, list_id, after)


async def _show(desk: PageDesk, list_id: int, after: int = 0) -> Response:
    seen = await _seen(desk, list_id)
    shown: dict[str, Any] = {"list": seen.found, "buyer_name": seen.buyer_name, "labels": LABELS}
    if seen.found.state != "draft":

        def found(session: ReadSession) -> tuple[list[recipients.Given], bool]:
            of: dict[str, int] = {"programme_id": desk.programme_id, "list_id": list_id}
            return recipients.of_list(session, **of, after=after, limit=PAGE), _is_free(session, desk, seen.found)

        given, free = await desk.read(found, of=of_list(desk.programme_id, list_id))
        onward = given[-1].line if len(given) == PAGE else None
        return await desk.show("lists/people.html", people=given, next=onward, free=free, **shown)
    if seen.check is None:
        return desk.go(f"{desk.home}/listes/{list_id}/colonnes")
    by_line = {one.line: one for one in seen.check.people}
    dropped = [row for row in seen.found.rows if row.line in seen.found.matching.dropped]
    return await desk.show(
        "lists/check.html",
        check=seen.check,
        faults=seen.check.faults[:SHOWN],
        doubles=[(double, by_line[double.first], by_line[double.line]) for double in seen.check.doubles[:SHOWN]],
        dropped=dropped[:SHOWN],
        **shown,
    )


def _is_free(session: ReadSession, desk: PageDesk, known: PeopleList) -> bool:
    """Whether the order that was made of a list was cancelled, so that another can be."""
    if known.state != "ordered" or known.order_number is None:
        return False
    return order_book.find(session, programme_id=desk.programme_id, number=known.order_number).state == "cancelled"


async def _seen(desk: PageDesk, list_id: int) -> Seen:
    def found(session: ReadSession) -> tuple[PeopleList, str, Any]:
        known = recipient_lists.find(session, programme_id=desk.programme_id, list_id=list_id)
        owner = people.find_buyer(session, programme_id=desk.programme_id, buyer_id=known.buyer_id)
        return known, owner.name, recipient_lists.sold(session, programme_id=desk.programme_id)

    known, buyer_name, sold = await desk.read(found, of=of_list(desk.programme_id, list_id))
    matching = known.matching
    unmatched = list_check.column_refusal(matching.columns, width=len(known.header), face_cents=matching.face_cents)
    if known.state != "draft" or unmatched is not None:
        return Seen(known, buyer_name, None)
    check = await run_in_threadpool(list_check.check, known.header, known.rows, matching, sold=sold)
    return Seen(known, buyer_name, check)


@router.get("/listes/{list_id}/lignes/{line}", **page(Act.RECIPIENTS_BRING))
async def line_form(desk: AtDesk, list_id: NumberInPath, line: NumberInPath) -> Response:
    """One line, every cell of it, with what is wrong beside each."""
    return await _show_line(desk, list_id, line)


@router.post("/listes/{list_id}/lignes/{line}", **page(Act.RECIPIENTS_BRING))
async def correct(desk: AtForm, list_id: NumberInPath, line: NumberInPath) -> Response:
    """The line as it should be; nothing else of the list changes."""

    def act(session: WriteSession) -> None:
        cells = {
            int(name.removeprefix("cell_")): given[0]
            for name, given in desk.typed.values.items()
            if name.startswith("cell_") and name.removeprefix("cell_").isdecimal() and len(name) < 9
        }
        recipient_lists.correct(
            session, programme_id=desk.programme_id, list_id=list_id, line=line, cells=cells, at=desk.at
        )

    return await desk.once(
        act,
        of=of_list(desk.programme_id, list_id),
        then=f"{desk.home}/listes/{list_id}",
        said=_("La ligne est corrigée."),
        again=lambda desk: _show_line(desk, list_id, line),
    )


async def _show_line(desk: PageDesk, list_id: int, line: int) -> Response:
    seen = await _seen(desk, list_id)
    row = next((row for row in seen.found.rows if row.line == line), None)
    if row is None:
        raise NotFound(what="line", id=line)
    wrong = {one.meaning: one.refusal for one in (seen.check.faults if seen.check else ()) if one.line == line}
    meant = {column: meaning for meaning, column in seen.found.matching.columns.items()}
    return await desk.show("lists/line.html", list=seen.found, row=row, wrong=wrong, meant=meant, labels=LABELS)


@router.post("/listes/{list_id}/decision", **page(Act.RECIPIENTS_BRING))
async def decide(desk: AtForm, list_id: NumberInPath) -> Response:
    """A line kept beside its likeness, left out, or taken back; or every likeness of one kind kept at once."""
    typed = desk.typed
    rest: list[int] = []
    if typed.has("keep_all"):
        seen = await _seen(desk, list_id)
        rest = [one.line for one in (seen.check.doubles if seen.check else ()) if one.why == typed.text("keep_all")]

    def act(session: WriteSession) -> None:
        chosen = {name: _whole_lines(typed.many(name), name) for name in ("keep", "drop", "restore")}
        chosen["keep"] += rest
        if not any(chosen.values()):
            raise BadInput(field="keep", problem="missing")
        recipient_lists.decide(session, programme_id=desk.programme_id, list_id=list_id, at=desk.at, **chosen)

    return await desk.once(
        act,
        of=of_list(desk.programme_id, list_id),
        then=f"{desk.home}/listes/{list_id}",
        said=_("C'est noté."),
        again=lambda desk: _show(desk, list_id),
    )


def _whole_lines(given: tuple[str, ...], name: str) -> list[int]:
    if not all(one.isdecimal() and len(one) < 10 for one in given):
        raise BadInput(field=name, problem="not_whole")
    return [int(one) for one in given]


@router.post("/listes/{list_id}/abandon", **page(Act.RECIPIENTS_BRING))
async def discard(desk: AtForm, list_id: NumberInPath) -> Response:
    """The list and everybody in it are thrown away, as long as no order was made of it."""
    return await desk.once(
        lambda session: recipient_lists.discard(session, programme_id=desk.programme_id, list_id=list_id),
        of=of_list(desk.programme_id, list_id),
        then=f"{desk.home}/listes",
        said=_("La liste est supprimée."),
        again=lambda desk: _show(desk, list_id),
    )


# ── Ordered ──────────────────────────────────────────────────────────────────────────────────────────────────────
@router.post("/listes/{list_id}/commande", **page(Act.RECIPIENTS_BRING))
async def make_order(desk: AtForm, list_id: NumberInPath) -> Response:
    """A draft order of what the list gives, and the people written down, in one breath."""
    seen = await _seen(desk, list_id)

    def act(session: WriteSession) -> dict[str, int]:
        if seen.check is None:
            raise ListState(number=list_id, state=seen.found.state)
        if not seen.check.ready:
            raise ListNotReady(number=list_id, faults=len(seen.check.faults), doubles=len(seen.check.doubles))
        made = order.draft(
            session,
            **desk.doing,
            buyer_id=seen.found.buyer_id,
            lines=[Line(*total) for total in seen.check.totals],
            fee_cents=None,
            purchase_order=desk.typed.optional("purchase_order"),
        )
        recipient_lists.order(
            session,
            **desk.doing,
            list_id=list_id,
            checked=seen.check,
            seen_at=seen.found.changed_at,
            order_number=made.number,
        )
        return {"number": made.number}

    return await desk.once(
        act,
        of=of_list(desk.programme_id, list_id),
        then=lambda made: f"{desk.home}/commandes/{made['number']}",
        said=_("La commande est préparée. Vérifiez-la, puis passez-la."),
        again=lambda desk: _show(desk, list_id),
    )


@router.post("/listes/{list_id}/reprise", **page(Act.RECIPIENTS_BRING))
async def take_up(desk: AtForm, list_id: NumberInPath) -> Response:
    """A list whose order was cancelled, brought anew with all that was decided; the old one is forgotten with it."""

    def act(session: WriteSession) -> dict[str, int]:
        known = recipient_lists.find(session, programme_id=desk.programme_id, list_id=list_id)
        if not _is_free(session, desk, known):
            raise ListState(number=list_id, state=known.state)
        number = recipient_lists.bring(
            session, **desk.doing, buyer_id=known.buyer_id, name=known.name, header=known.header, rows=known.rows
        )
        of: dict[str, Any] = {"programme_id": desk.programme_id, "list_id": number, "at": desk.at}
        said, left = known.matching, {row.line for row in known.rows}
        recipient_lists.match(session, **of, columns=said.columns, face_cents=said.face_cents, quantity=said.quantity)
        recipient_lists.decide(session, **of, keep=said.kept & left, drop=said.dropped & left)
        privacy.purge(session, **desk.doing, list_id=list_id, although_unspent=False)
        return {"number": number}

    return await desk.once(
        act,
        of=of_list(desk.programme_id, list_id),
        then=lambda made: f"{desk.home}/listes/{made['number']}",
        said=_("La liste est reprise : vérifiez-la, puis commandez de nouveau."),
        again=lambda desk: _show(desk, list_id),
    )


@router.get("/listes/{list_id}/emargement.pdf", **page(Act.RECIPIENTS_READ))
async def hand_out(desk: AtDesk, list_id: NumberInPath) -> Response:
    """The sheet on which everybody signs for their vouchers."""
    programme_id = desk.programme_id

    def found(session: ReadSession) -> tuple[HandOut, list[Handed]]:
        known = recipient_lists.find(session, programme_id=programme_id, list_id=list_id)
        if known.order_number is None:
            raise NotFound(what="order", id=list_id)
        programme = rules.rules(session, programme_id=programme_id)
        owner = people.find_buyer(session, programme_id=programme_id, buyer_id=known.buyer_id)
        (row,) = order_desk.orders(session, programme_id=programme_id, number=known.order_number)
        last_day = row.batch.expires_on if row.batch is not None else programme.expires_on
        sheet = HandOut(programme.name, owner.name, known.name, known.order_number, last_day)
        given = recipients.hand_out(session, programme_id=programme_id, list_id=list_id)
        return sheet, [_handed(one) for one in given]

    sheet, handed = await desk.read(found, of=of_list(programme_id, list_id))

    def drawn() -> bytes:
        out = io.BytesIO()
        write_hand_out(out, sheet=sheet, people=handed)
        return out.getvalue()

    paper = await run_in_threadpool(drawn)
    return download(paper, name=f"emargement-{programme_id}-{list_id}.pdf", media="application/pdf")


def _handed(one: recipients.Given) -> Handed:
    lines = [*(one.address or "").splitlines(), " ".join(filter(None, (one.postcode, one.town)))]
    return Handed(
        one.tour or "",
        one.full_name,
        ", ".join(filter(None, lines)),
        one.serials,
        one.quantity,
        one.face_cents * one.quantity,
    )
