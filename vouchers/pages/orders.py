"""Orders at a desk: what waits for me, a new one by quantity, where each stands, and its papers.

An order by list begins at the lists (`lists.py`); its vouchers are made at the batches (`batches.py`).
"""

from datetime import date
from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from vouchers import archive, clock, identity, invoices, order, order_book, order_desk, people, recipients, rules
from vouchers.access import Act, Within
from vouchers.api.fields import After, NumberInPath
from vouchers.api.guard import Own, Owner, of_order
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import BadInput, NotFound
from vouchers.founding import LEAST_FACE_CENTS, MOST_FACE_CENTS
from vouchers.order_book import Line
from vouchers.order_desk import OrderRow
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, download, page
from vouchers.pages.forms import Typed
from vouchers.pages.language import _
from vouchers.paper.quote import Kind, Quote, quote_pdf
from vouchers.paper.statement import Party

router: Final = APIRouter(prefix="/p/{programme_id}")
PAGE: Final = 30
FREE_LINES: Final = 5
"""Lines of the form where a programme sells any face value; an order that has more is shown them all."""
MOST_LINES: Final = 20
_OPEN_STATES: Final = {
    Act.ORDER_PLACE: ("draft",),
    Act.ORDER_APPROVE: ("placed",),
    Act.ORDER_PAY: ("approved",),
    Act.BATCH_ISSUE: ("paid", "accepted", "issuing"),
    Act.BATCH_PRINT: ("issued",),
    Act.ORDER_DELIVER: ("issued",),
    Act.BATCH_ACTIVATE: ("delivered",),
}
_NEXT_ACT: Final = {
    "place": Act.ORDER_PLACE,
    "approve": Act.ORDER_APPROVE,
    "back": Act.ORDER_PAY,
    "issue": Act.BATCH_ISSUE,
    "resume": Act.BATCH_ISSUE,
    "print": Act.BATCH_PRINT,
    "deliver": Act.ORDER_DELIVER,
    "activate": Act.BATCH_ACTIVATE,
}
_FILTERS: Final = {
    "": None,
    "en-cours": ("draft", "placed", "approved", "paid", "accepted", "issuing", "issued"),
    "livrees": ("delivered",),
    "annulees": ("cancelled",),
}
_STEPS: Final = ("place", "approve", "back", "issue", "print", "deliver", "activate")
_CANCELLABLE: Final = frozenset({"draft", "placed", "approved", "paid", "accepted"})


# ── The list ─────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/commandes", **page(Act.ORDER_READ))
async def listed(desk: AtDesk, etat: str = "", after: After = 0) -> Response:
    """Orders, newest first, with what waits for whoever looks on top."""
    states = _FILTERS.get(etat)

    def found(session: ReadSession) -> tuple[list[OrderRow], list[OrderRow]]:
        whose = _whose(desk.reach)
        known = order_desk.orders(
            session,
            programme_id=desk.programme_id,
            buyer_ids=whose,
            states=states,
            before=after or None,
            limit=PAGE,
        )
        wanted = {state for act, some in _OPEN_STATES.items() if desk.may(act) for state in some}
        open_ones = order_desk.orders(
            session, programme_id=desk.programme_id, buyer_ids=whose, states=wanted, unfinished=True, limit=PAGE
        )
        return known, [one for one in open_ones if waits_for_me(desk, one)]

    orders, mine = await desk.house.read(found)
    return await desk.show(
        "orders/orders.html",
        orders=orders,
        mine=[] if after else mine,
        state=etat,
        next=orders[-1].number if len(orders) == PAGE else None,
    )


def waits_for_me(desk: PageDesk, one: OrderRow) -> bool:
    """Whether what comes next is for whoever sits at this desk."""
    act = _NEXT_ACT.get(one.next)
    if act is None or not desk.may(act):
        return False
    me = desk.caller.actor
    if one.next == "approve":
        return one.placed_by != me
    if one.next == "activate" and one.batch is not None:
        return me not in {one.batch.issued_by, one.batch.printed_by}
    return True


def _whose(reach: Within) -> frozenset[int] | None:
    return None if reach.everything else reach.buyer_ids


# ── A new one, by quantity ───────────────────────────────────────────────────────────────────────────────────────
@router.get("/commandes/nouvelle", **page(Act.ORDER_PLACE))
async def new(desk: AtDesk) -> Response:
    """The form of an order by quantity, and the way to one by list."""
    return await _show_form(desk, None)


@router.post("/commandes/nouvelle", **page(Act.ORDER_PLACE))
async def draft(desk: AtForm) -> Response:
    """A draft; what it costs is shown before it is placed."""

    def act(session: WriteSession) -> dict[str, int]:
        buyer_id = desk.typed.whole("buyer", least=1)
        # Here, because only what was typed says whose order it will be.
        desk.allow(session, lambda _session: Own(buyer_id=buyer_id))
        made = order.draft(
            session,
            **desk.doing,
            buyer_id=buyer_id,
            lines=_lines(desk.typed, rules.terms(session, programme_id=desk.programme_id).face_values),
            fee_cents=None,
            purchase_order=desk.typed.optional("purchase_order"),
        )
        return {"number": made.number}

    return await desk.once(
        act,
        of=_some_own(desk),
        then=lambda made: f"{desk.home}/commandes/{made['number']}",
        said=_("La commande est préparée. Vérifiez-la, puis passez-la."),
        again=lambda desk: _show_form(desk, None),
    )


@router.get("/commandes/{number}/modifier", **page(Act.ORDER_PLACE))
async def change(desk: AtDesk, number: NumberInPath) -> Response:
    """The same form, for a draft."""
    return await _show_form(desk, number)


@router.post("/commandes/{number}/modifier", **page(Act.ORDER_PLACE))
async def redraft(desk: AtForm, number: NumberInPath) -> Response:
    """Another content for a draft; one made from a list keeps its lines."""

    def act(session: WriteSession) -> None:
        programme_id = desk.programme_id
        made = order_book.find(session, programme_id=programme_id, number=number)
        listed_in = recipients.list_of_order(session, programme_id=programme_id, order_number=number)
        sold = rules.terms(session, programme_id=programme_id).face_values
        order.redraft(
            session,
            programme_id=programme_id,
            number=number,
            lines=_lines(desk.typed, sold) if listed_in is None else made.lines,
            fee_cents=None,
            purchase_order=desk.typed.optional("purchase_order"),
        )

    return await desk.once(
        act,
        of=of_order(desk.programme_id, number),
        then=f"{desk.home}/commandes/{number}",
        said=_("La commande est modifiée."),
        again=lambda desk: _show_form(desk, number),
    )


async def _show_form(desk: PageDesk, number: int | None) -> Response:
    def found(session: ReadSession) -> dict[str, Any]:
        programme_id = desk.programme_id
        terms = rules.terms(session, programme_id=programme_id)
        known: dict[str, Any] = {
            "rules": rules.rules(session, programme_id=programme_id),
            "face_values": terms.face_values,
            "made": None,
            "list_id": None,
        }
        if number is None:
            known["buyers"] = _buyers(session, desk)
            return known
        known["made"] = order_book.find(session, programme_id=programme_id, number=number)
        known["list_id"] = recipients.list_of_order(session, programme_id=programme_id, order_number=number)
        known["buyers"] = []
        return known

    of = _some_own(desk) if number is None else of_order(desk.programme_id, number)
    shown = await desk.read(found, of=of)
    lines: tuple[Line, ...] = shown["made"].lines if shown["made"] is not None else ()
    return await desk.show(
        "orders/form.html",
        number=number,
        free_lines=max(FREE_LINES, len(lines)),
        lines=lines,
        asked={line.face_cents: line.quantity for line in lines},
        buyer_choices=[("", ""), *((one.buyer_id, one.name) for one in shown["buyers"])],
        **shown,
    )


def _some_own(desk: PageDesk) -> Owner:
    """For the form alone: whoever may order for anybody may open it."""
    return lambda _session: Own(buyer_id=min(desk.reach.buyer_ids, default=None))


def _buyers(session: ReadSession, desk: PageDesk) -> list[people.Buyer]:
    """Those for whom one may order here."""
    reach, programme_id = desk.reach, desk.programme_id
    if reach.everything:
        return people.buyers(session, programme_id=programme_id, limit=people.MOST_LISTED)
    return [people.find_buyer(session, programme_id=programme_id, buyer_id=one) for one in sorted(reach.buyer_ids)]


def _lines(typed: Typed, sold: tuple[int, ...]) -> list[Line]:
    """What was typed into the table of face values. Refuses `BadInput`."""
    if sold:
        asked = [cents for cents in sold if typed.has(f"quantity_{cents}")]
        lines = [Line(cents, typed.whole(f"quantity_{cents}", most=order.MOST_VOUCHERS)) for cents in asked]
    else:
        rows = [row for row in range(1, MOST_LINES + 1) if typed.has(f"face_{row}") or typed.has(f"quantity_{row}")]
        lines = [
            Line(
                typed.cents(f"face_{row}", least=LEAST_FACE_CENTS, most=MOST_FACE_CENTS),
                typed.whole(f"quantity_{row}", least=1, most=order.MOST_VOUCHERS),
            )
            for row in rows
        ]
    lines = [line for line in lines if line.quantity]
    if not lines:
        raise BadInput(field=f"quantity_{sold[0] if sold else 1}", problem="missing")
    return lines


# ── One order ────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/commandes/{number}", **page(Act.ORDER_READ))
async def one(desk: AtDesk, number: NumberInPath) -> Response:
    """Where an order stands, and the one thing to do next."""
    return await _show(desk, number)


async def _show(desk: PageDesk, number: int) -> Response:
    programme_id = desk.programme_id

    def found(session: ReadSession) -> dict[str, Any]:
        made = order_book.find(session, programme_id=programme_id, number=number)
        row = order_desk.orders(session, programme_id=programme_id, number=number)[0]
        subjects = [order_book.subject(number)]
        if row.batch is not None:
            subjects.append(f"batch:{row.batch.number}")
        given = 0
        if row.list_id is not None:
            subjects.append(f"list:{row.list_id}")
            given = recipients.assigned(session, programme_id=programme_id, list_id=row.list_id)
        return {
            "order": made,
            "row": row,
            "given": given,
            "rules": rules.rules(session, programme_id=programme_id),
            "told": order_desk.history(session, programme_id=programme_id, subjects=subjects),
            "papers": archive.about(session, programme_id=programme_id, subjects=[order_book.subject(number)]),
            "standing": invoices.standing(session, programme_id=programme_id, order_number=number),
            "names": order_desk.names_of(session, actors=[made.drafted_by, made.placed_by, made.approved_by]),
        }

    shown = await desk.read(found, of=of_order(programme_id, number))
    row: OrderRow = shown["row"]
    return await desk.show(
        "orders/order.html",
        next=row.next,
        mine=waits_for_me(desk, row),
        me=desk.caller.actor,
        cancellable=row.state in _CANCELLABLE,
        assignable=row.list_id is not None and row.state in {"issued", "delivered"} and not shown["given"],
        steps_done=_done(row),
        **shown,
    )


def _done(row: OrderRow) -> int:
    """How many of the seven steps are behind it."""
    if row.next == "done":
        return len(_STEPS)
    return (
        _STEPS.index({"resume": "issue", "assign": "print"}.get(row.next, row.next)) if row.next != "cancelled" else 0
    )


@router.post("/commandes/{number}/placement", **page(Act.ORDER_PLACE))
async def place(desk: AtForm, number: NumberInPath) -> Response:
    """The buyer's clerk asks for it."""
    return await _step(desk, number, order.place, said=_("La commande est passée."))


@router.post("/commandes/{number}/approbation", **page(Act.ORDER_APPROVE))
async def approve(desk: AtForm, number: NumberInPath) -> Response:
    """Another person of the buyer agrees."""
    return await _step(desk, number, order.approve, said=_("La commande est approuvée."))


@router.post("/commandes/{number}/acceptation", **page(Act.ORDER_ACCEPT))
async def accept(desk: AtForm, number: NumberInPath) -> Response:
    """The treasurer takes a signed purchase order for money."""
    return await desk.once(
        lambda session: order.accept(
            session, **desk.doing, number=number, purchase_order=desk.typed.optional("purchase_order")
        ),
        of=of_order(desk.programme_id, number),
        then=f"{desk.home}/commandes/{number}",
        said=_("Le bon de commande est accepté : les chèques peuvent être émis."),
        again=lambda desk: _show(desk, number),
    )


@router.post("/commandes/{number}/paiement", **page(Act.ORDER_PAY))
async def pay(desk: AtForm, number: NumberInPath) -> Response:
    """The treasurer saw the money on the bank's statement."""
    return await desk.once(
        lambda session: order.record_payment(
            session,
            **desk.doing,
            number=number,
            cents=desk.typed.cents("cents", least=1),
            bank_reference=desk.typed.text("bank_reference"),
            received_on=desk.typed.day("received_on"),
        ),
        of=of_order(desk.programme_id, number),
        then=f"{desk.home}/commandes/{number}",
        said=_("Le paiement est enregistré."),
        again=lambda desk: _show(desk, number),
    )


@router.post("/commandes/{number}/livraison", **page(Act.ORDER_DELIVER))
async def deliver(desk: AtForm, number: NumberInPath) -> Response:
    """The vouchers were handed to the buyer."""
    return await _step(desk, number, order.deliver, said=_("La livraison est notée."))


@router.post("/commandes/{number}/annulation", **page(Act.ORDER_CANCEL))
async def cancel(desk: AtForm, number: NumberInPath) -> Response:
    """Before its issue begins, and with a reason."""
    return await desk.once(
        lambda session: order.cancel(
            session, **desk.doing, number=number, reason=identity.name(desk.typed.text("reason"), field="reason")
        ),
        of=of_order(desk.programme_id, number),
        then=f"{desk.home}/commandes/{number}",
        said=_("La commande est annulée."),
        again=lambda desk: _show(desk, number),
    )


@router.post("/commandes/{number}/attribution", **page(Act.RECIPIENTS_BRING))
async def assign(desk: AtForm, number: NumberInPath) -> Response:
    """Who of the list receives which voucher."""
    return await desk.once(
        lambda session: recipients.assign(session, **desk.doing, order_number=number),
        of=of_order(desk.programme_id, number),
        then=f"{desk.home}/commandes/{number}",
        said=_("Chaque bénéficiaire a ses chèques : l'état d'émargement est prêt."),
        again=lambda desk: _show(desk, number),
    )


async def _step(desk: PageDesk, number: int, verb: Any, *, said: str) -> Response:
    return await desk.once(
        lambda session: verb(session, **desk.doing, number=number),
        of=of_order(desk.programme_id, number),
        then=f"{desk.home}/commandes/{number}",
        said=said,
        again=lambda desk: _show(desk, number),
    )


# ── Papers ───────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/commandes/{number}/devis.pdf", **page(Act.ORDER_READ))
async def quote(desk: AtDesk, number: NumberInPath) -> Response:
    """What it costs, to be signed."""
    return await _paper(desk, number, "quote")


@router.get("/commandes/{number}/commande.pdf", **page(Act.ORDER_READ))
async def order_paper(desk: AtDesk, number: NumberInPath) -> Response:
    """What was ordered."""
    return await _paper(desk, number, "order")


async def _paper(desk: PageDesk, number: int, kind: Kind) -> Response:
    def found(session: ReadSession) -> Quote:
        made = order_book.find(session, programme_id=desk.programme_id, number=number)
        if kind == "order" and made.state in {"draft", "cancelled"}:
            raise NotFound(what="order", id=number)
        return _quote(session, made, kind)

    paper = quote_pdf(await desk.read(found, of=of_order(desk.programme_id, number)))
    name = f"{'devis' if kind == 'quote' else 'commande'}-{desk.programme_id}-{number}.pdf"
    return download(paper, name=name, media="application/pdf")


def _quote(session: ReadSession, made: order_book.Order, kind: Kind) -> Quote:
    known = rules.rules(session, programme_id=made.programme_id)
    buyer = people.find_buyer(session, programme_id=made.programme_id, buyer_id=made.buyer_id)
    (row,) = order_desk.orders(session, programme_id=made.programme_id, number=made.number)
    last_day: date = row.batch.expires_on if row.batch is not None else known.expires_on
    return Quote(
        kind=kind,
        number=made.number,
        made_on=clock.book_day(made.drafted_at),
        programme_name=known.name,
        issuer=Party(known.issuer_name, tuple(known.issuer_address.splitlines()), known.issuer_siret),
        buyer=Party(buyer.name, tuple(buyer.address.splitlines()), buyer.siret),
        lines=made.lines,
        fee_cents=made.fee_cents,
        vat_bp=known.vat_bp,
        fee_vat_cents=made.fee_vat_cents,
        total_cents=made.total_cents,
        rf_reference=made.rf_reference,
        expires_on=last_day,
        account_holder=known.issuer_account_holder,
        iban=known.issuer_iban,
        purchase_order=made.purchase_order,
    )
