"""The papers of an approved run: to each merchant a statement and the invoice of its commission, made once and kept.

Pages are drawn before the archive is held: numbers are looked at, the papers drawn with them, and kept in one short
transaction if nobody took those numbers meanwhile; else drawn anew. So redemptions never wait for paper. A merchant's
invoice and statement are kept together, merchants in their order: whatever stops this work, whoever begins it again
goes on where it stopped, and two at once make each paper once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from vouchers import archive, clock, commissions, runs
from vouchers.archive import CREDITS, Document, Number
from vouchers.bank_messages import cause_told
from vouchers.commissions import INVOICES, Invoiced, Papers, Payee
from vouchers.db import Database, ReadSession, WriteSession
from vouchers.errors import NotFound, NotInRun, PapersNotReady
from vouchers.fact_words import statement_name
from vouchers.invoicing import mentions_of, seller_of
from vouchers.money import euros_fr, percent_fr
from vouchers.paper import statement as sheet
from vouchers.paper.bundle import zipped
from vouchers.paper.factur_x import invoice_pdf
from vouchers.paper.invoice import Address, Invoice, Line, Mentions, Party, Preceding, References
from vouchers.paper.pdf_a import as_pdf_a
from vouchers.paper.statement import NOT_AN_INVOICE, Statement, StatementLine, statement_pdf
from vouchers.paper_settings import settings_of
from vouchers.papers_due import subject_of
from vouchers.rules import Rules, rules, take_turn
from vouchers.runs import Run
from vouchers.workshop import Now, Progress, transfer_label

_AT_ONCE: Final = 50
_LINE_KINDS: Final[dict[str, sheet.Kind]] = {
    "redeemed": "redeemed",
    "reversed": "reversed",
    "guaranteed": "guaranteed",
    "transfer_returned": "returned",
}
_SET_OFF: Final = "Rien à payer : cette facture est acquittée par compensation."
_ADDED: Final = "Rien à demander : cet avoir est compris dans le règlement."
_TAKEN_BACK: Final = "Des chèques acceptés ont été annulés depuis : la commission prélevée sur eux vous est rendue."


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all papers of a run have in common. No `seller` where no commission is invoiced here."""

    programme: Rules
    run: Run
    seller: Party | None
    mentions: Mentions


@dataclass(frozen=True, slots=True)
class _Draft:
    """A merchant's papers, drawn and not kept yet. `number` and `invoice` are None where there is no commission."""

    payee: Payee
    kind: str
    number: Number | None
    corrects: str | None
    invoice: bytes | None
    statement: bytes
    content: dict[str, Any]


# ── Making them ──────────────────────────────────────────────────────────────────────────────────────────────────
def make_papers(
    house: Database,
    *,
    programme_id: int,
    number: int,
    actor: str,
    now: Now,
    progress: Progress | None = None,
    most: int | None = None,
) -> Papers:
    """Make what is missing of a run's papers, of `most` merchants at most; gives how far they are then.

    Refuses, in order: `NotFound`, `RunState` (not approved), `PapersNotReady` (an earlier run comes first),
    `IssuerDetailsMissing`.
    """
    asked: dict[str, Any] = {"programme_id": programme_id, "number": number}
    shared = house.read(_shared, **asked)
    standing = house.read(commissions.papers_of, **asked)
    hear, done, after = progress or (lambda _done, _of: None), 0, 0
    hear(standing.made, standing.payees)
    while most is None or done < most:
        limit = _AT_ONCE if most is None else min(_AT_ONCE, most - done)
        some = house.read(commissions.without_papers, **asked, after=after, limit=limit)
        if not some:
            break
        count = _made(house, shared, some, actor=actor, now=now) or _made_in_turn(
            house, shared, some[0], actor=actor, now=now
        )
        done, after = done + count, some[count - 1].merchant_id
        hear(standing.made + done, standing.payees)
    return house.read(commissions.papers_of, **asked)


def require_makeable(session: ReadSession, *, programme_id: int, number: int) -> None:
    """Refuses as `make_papers`, before anything is made."""
    _shared(session, programme_id=programme_id, number=number)


def _shared(session: ReadSession, *, programme_id: int, number: int) -> _Shared:
    commissions.require_turn(session, programme_id=programme_id, number=number)
    run = runs.find_run(session, programme_id=programme_id, number=number)
    settings = settings_of(session, programme_id=programme_id)
    invoiced = run.vat_bp > 0 and any(line.commission_cents for line in run.to_pay)
    return _Shared(
        programme=rules(session, programme_id=programme_id),
        run=replace(run, settlements=()),
        seller=seller_of(session, programme_id=programme_id) if invoiced else None,
        mentions=mentions_of(settings, payment_terms=_SET_OFF, vat_due=settings.vat_due),
    )


def _made(house: Database, shared: _Shared, some: list[Payee], *, actor: str, now: Now) -> int:
    """Draw the papers of some merchants, then keep them while their numbers are still the next; gives how many are."""
    at, programme_id = now(), shared.run.programme_id

    def next_ones(session: ReadSession) -> dict[str, Number]:
        kinds = ("commission", CREDITS["commission"])
        return {kind: archive.expected_number(session, programme_id=programme_id, kind=kind, at=at) for kind in kinds}

    upcoming = house.read(next_ones)

    def take(kind: str) -> Number:
        taken = upcoming[kind]
        upcoming[kind] = replace(taken, number=taken.number + 1)
        return taken

    drafts = house.read(lambda session: [_draft(session, shared, payee, take, at=at) for payee in some])

    def keep(session: WriteSession) -> int:
        take_turn(session, programme_id=programme_id)
        for count, draft in enumerate(drafts):
            if not _is_kept(session, shared, draft.payee):
                if draft.number is not None and draft.number != archive.next_number(
                    session, programme_id=programme_id, kind=draft.kind, at=at
                ):
                    return count
                _keep(session, shared, draft, actor=actor, at=at)
        return len(drafts)

    return house.write(keep)


def _made_in_turn(house: Database, shared: _Shared, payee: Payee, *, actor: str, now: Now) -> int:
    """One merchant's papers, drawn while nobody else may number: where others kept taking the numbers away."""
    at, programme_id = now(), shared.run.programme_id

    def made(session: WriteSession) -> int:
        take_turn(session, programme_id=programme_id)
        if not _is_kept(session, shared, payee):

            def take(kind: str) -> Number:
                return archive.next_number(session, programme_id=programme_id, kind=kind, at=at)

            _keep(session, shared, _draft(session, shared, payee, take, at=at), actor=actor, at=at)
        return 1

    return house.write(made)


def _is_kept(session: ReadSession, shared: _Shared, payee: Payee) -> bool:
    name = statement_name(shared.run.programme_id, shared.run.number, payee.merchant_id)
    return archive.known(session, programme_id=shared.run.programme_id, name=name) is not None


def _keep(session: WriteSession, shared: _Shared, draft: _Draft, *, actor: str, at: datetime) -> None:
    run, payee = shared.run, draft.payee
    common: dict[str, Any] = {
        "programme_id": run.programme_id,
        "subject": subject_of(run.number, payee.merchant_id),
        "merchant_id": payee.merchant_id,
        "actor": actor,
        "at": at,
        "content": draft.content,
    }
    if draft.number is not None and draft.invoice is not None:
        word = "facture" if draft.corrects is None else "avoir"
        archive.keep(
            session,
            **common,
            kind=draft.kind,
            named=draft.number,
            file_name=f"{word}-{draft.number.name}.pdf",
            file=draft.invoice,
            fee_cents=payee.commission_cents,
            vat_cents=payee.vat_cents,
            corrects=draft.corrects,
        )
    name = statement_name(run.programme_id, run.number, payee.merchant_id)
    file_name = f"releve-{name}.pdf"
    archive.keep(session, **common, kind="statement", named=name, file_name=file_name, file=draft.statement)


# ── What they say ────────────────────────────────────────────────────────────────────────────────────────────────
def _draft(
    session: ReadSession, shared: _Shared, payee: Payee, take: Callable[[str], Number], *, at: datetime
) -> _Draft:
    run, kind, corrects = shared.run, "commission", None
    if payee.commission_cents < 0:
        kind = CREDITS["commission"]
        corrects = commissions.invoice_to_credit(
            session, programme_id=run.programme_id, merchant_id=payee.merchant_id, cents=-payee.commission_cents
        )
    # Below zero with nothing invoiced before: single cents that rounding never charged. There is nothing to credit.
    due = payee.commission_cents > 0 or corrects is not None
    number = take(kind) if shared.seller is not None and due else None
    invoice = None if number is None else invoice_pdf(_invoice(shared, payee, number, corrects), made_at=at)
    statement = _statement(session, shared, payee, invoice=None if number is None else number.name)
    content = {
        "run": run.number,
        "merchant": payee.merchant_id,
        "from": run.from_on.isoformat(),
        "to": run.to_on.isoformat(),
        "gross_cents": payee.gross_cents,
        "brought_cents": payee.brought_cents,
        "commission_bp": run.commission_bp,
        "commission_cents": payee.commission_cents,
        "vat_bp": run.vat_bp,
        "vat_cents": payee.vat_cents,
        "net_cents": payee.net_cents,
        "invoice": statement.commission_invoice,
        "transfer": statement.transfer_reference,
        "label": statement.transfer_label,
        "execution_on": None if run.execution_on is None else run.execution_on.isoformat(),
        "lines": len(statement.lines),
    }
    file = as_pdf_a(
        statement_pdf(statement),
        title=f"Relevé de remboursement n° {statement.number}",
        author=statement.issuer.name,
        about=NOT_AN_INVOICE,
        made_at=at,
    )
    return _Draft(payee, kind, number, None if corrects is None else corrects.name, invoice, file, content)


def _invoice(shared: _Shared, payee: Payee, number: Number, corrects: Invoiced | None) -> Invoice:
    run, seller = shared.run, shared.seller
    assert seller is not None and run.approved_at is not None, "an approved run, and a commission to invoice"
    net, vat = abs(payee.commission_cents), abs(payee.vat_cents)
    on, rate = euros_fr(abs(payee.gross_cents)), percent_fr(run.commission_bp)
    if corrects is None:
        label = f"Commission de {rate} sur {on} de chèques acceptés"
        how, mentions, reason = f"Compensé sur le règlement n° {run.number}", shared.mentions, ""
    else:
        label = f"Commission de {rate} rendue, sur {on} de chèques acceptés puis annulés"
        how, reason = f"Ajouté au règlement n° {run.number}", _TAKEN_BACK
        mentions = replace(shared.mentions, payment_terms=_ADDED)
    return Invoice(
        kind="commission",
        number=number.name,
        issued_on=number.on,
        # Paid on the day of the set-off, which is that of the approval.
        due_on=clock.book_day(run.approved_at),
        seller=seller,
        buyer=Party(payee.legal_name, _address(payee), payee.siret),
        lines=(Line(label, 1, net, run.vat_bp),),
        vat_cents=vat,
        total_cents=net + vat,
        programme=shared.programme.name,
        credit_of=None if corrects is None else Preceding(corrects.name, corrects.issued_on),
        references=References(period=(run.from_on, run.to_on)),
        mentions=mentions,
        paid_cents=net + vat,
        paid_how=how,
        reason=reason,
    )


def _address(payee: Payee) -> Address:
    return Address((payee.street,) if payee.street else (), payee.postcode, payee.commune)


def _statement(session: ReadSession, shared: _Shared, payee: Payee, *, invoice: str | None) -> Statement:
    run, programme = shared.run, shared.programme
    lines = runs.lines_of(session, programme_id=run.programme_id, number=run.number, merchant_id=payee.merchant_id)
    return Statement(
        number=statement_name(run.programme_id, run.number, payee.merchant_id),
        issuer=sheet.Party(programme.issuer_name, tuple(programme.issuer_address.splitlines()), programme.issuer_siret),
        merchant=sheet.Party(payee.legal_name, _address(payee).printed, payee.siret),
        shop_name=payee.shop_name,
        iban=payee.iban,
        period_from=run.from_on,
        period_to=run.to_on,
        lines=tuple(_line(run.programme_id, payee, each) for each in lines),
        commission_bp=run.commission_bp,
        commission_cents=payee.commission_cents,
        vat_bp=run.vat_bp,
        vat_cents=payee.vat_cents,
        net_cents=payee.net_cents,
        run=str(run.number),
        execution_on=run.execution_on,
        transfer_reference=runs.end_to_end_id(run.programme_id, run.number, payee.merchant_id),
        transfer_label=transfer_label(run.programme_id, run.number, payee.merchant_id),
        commission_invoice=invoice,
    )


def _line(programme_id: int, payee: Payee, each: runs.Line) -> StatementLine:
    # Why the guarantee paid is between the treasurer and the shop; its line is one of a voucher.
    detail = "" if each.kind == "guaranteed" else each.reason
    came_back = None
    if each.sent_in is not None:
        detail = cause_told(detail)
        came_back = statement_name(programme_id, each.sent_in, payee.merchant_id)
    return StatementLine(
        at=each.at,
        kind=_LINE_KINDS[each.kind],
        serial=each.serial,
        till=each.till_label,
        cents=each.cents,
        detail=detail or None,
        came_back=came_back,
    )


# ── Giving them away ─────────────────────────────────────────────────────────────────────────────────────────────
def statement_of(session: ReadSession, *, programme_id: int, number: int, merchant_id: int) -> Document:
    """The statement of one merchant. Refuses, in order: `NotFound`, `RunState`, `NotInRun`, `PapersNotReady`."""
    found = of_merchant(session, programme_id=programme_id, number=number, merchant_id=merchant_id)
    return next(paper for paper in found if paper.kind == "statement")


def invoice_of(session: ReadSession, *, programme_id: int, number: int, merchant_id: int) -> Document:
    """Its commission invoice, or credit note. Refuses as `statement_of`, then `NotFound` where it has none."""
    found = of_merchant(session, programme_id=programme_id, number=number, merchant_id=merchant_id)
    invoice = next((paper for paper in found if paper.kind in INVOICES), None)
    if invoice is None:
        raise NotFound(what="facture", id=statement_name(programme_id, number, merchant_id))
    return invoice


def of_merchant(session: ReadSession, *, programme_id: int, number: int, merchant_id: int) -> list[Document]:
    """The papers of one merchant in a run, the invoice first. Refuses as `statement_of`."""
    commissions.require_approved(session, programme_id=programme_id, number=number)
    if not commissions.of_shop(session, programme_id=programme_id, merchant_id=merchant_id, numbers=[number]):
        raise NotInRun(number=number)
    found = archive.about(session, programme_id=programme_id, subjects=[subject_of(number, merchant_id)])
    if not any(paper.kind == "statement" for paper in found):
        raise PapersNotReady(number=number)
    return [paper for paper in found if paper.kind in (*INVOICES, "statement")]


def all_papers(house: Database, *, programme_id: int, number: int) -> Iterator[bytes]:
    """Every paper of a run in one ZIP, piece by piece, the same bytes each time.

    Refuses, before the first piece: `NotFound`, `RunState`, `PapersNotReady`.
    """
    house.read(commissions.require_papers, programme_id=programme_id, number=number)
    return zipped(_files(house, programme_id=programme_id, number=number))


def _files(house: Database, *, programme_id: int, number: int) -> Iterator[tuple[str, date, bytes]]:
    after = 0
    while some := house.read(
        commissions.files_of, programme_id=programme_id, number=number, after=after, limit=_AT_ONCE
    ):
        for _merchant, name, file_name, on in some:
            yield file_name, on, house.read(archive.file_of, programme_id=programme_id, name=name)
        after = some[-1][0]
