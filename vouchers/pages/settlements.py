"""What merchants are owed, and the runs that pay it.

A run is proposed, looked at down to the voucher, approved by another person who just proved who they are, handed to the
bank as a file whose fingerprint both can compare, executed; what the bank gives back is noted merchant by merchant.
"""

from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from vouchers import (
    archive,
    clock,
    codes,
    commissions,
    hold,
    ledger,
    papers_due,
    pay,
    people,
    run_papers,
    runs,
    sales,
    settle,
    workshop,
)
from vouchers.access import Act
from vouchers.api.fields import NumberInPath
from vouchers.api.guard import of_merchant
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import RunState
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, download, page
from vouchers.pages.language import _
from vouchers.runs import Run
from vouchers.unsettled import owed_now

router: Final = APIRouter()

_SHOWN: Final = 100
_OWED_SHOWN: Final = 20
_XML: Final = "application/xml"
_PDF: Final = "application/pdf"
RETURNED_BECAUSE: Final = (
    # Codes of ISO 20022 (external return and status reasons) that a French bank sends back for a transfer.
    ("AC01", _("numéro de compte inexact")),
    ("AC04", _("compte clôturé")),
    ("AC06", _("compte bloqué")),
    ("AG01", _("opération interdite sur ce compte")),
    ("BE04", _("adresse du bénéficiaire manquante")),
    ("MD07", _("titulaire décédé")),
    ("MS02", _("refusé par le bénéficiaire")),
    ("MS03", _("refusé par la banque, sans motif")),
    ("RC01", _("code de la banque (BIC) inexact")),
    ("RR04", _("motif réglementaire")),
)
CARRIED_BECAUSE: Final = {
    "suspended": _("Le commerce est suspendu : son dû attend qu'il soit rétabli."),
    "no_account": _("Aucun compte bancaire confirmé : faites-le confirmer, puis proposez de nouveau."),
    "nothing_due": _("Rien à payer : les annulations couvrent les chèques acceptés."),
}


@lru_cache(maxsize=8)
def _fingerprint(run: Run) -> str:
    """The hash of the bank file of a run, remembered: to thousands of shops the file is megabytes."""
    return codes.file_hash(workshop.bank_file(run))


def _first_file(session: ReadSession, run: Run) -> bytes | None:
    """The bank file as it first left; None while none left, or where it left before files were kept."""
    kept = workshop.handed_out(session, run=run)
    return None if kept is None else archive.file_of(session, programme_id=run.programme_id, name=kept.name)


class _Payees(NamedTuple):
    """A page of a run's merchants."""

    lines: list[runs.Settlement]
    rest: int | None


# ── What is owed, and the runs ───────────────────────────────────────────────────────────────────────────────────
@router.get("/p/{programme_id}/reglements", **page(Act.SETTLEMENT_READ))
async def listed(desk: AtDesk, after: Annotated[int, Query(ge=0)] = 0) -> Response:
    """What is owed now and what comes next; to a shop's owner, what its own shops were and will be paid."""
    return await (_overview(desk, after) if desk.reach.everything else _own(desk))


async def _overview(desk: PageDesk, after: int = 0) -> Response:
    programme_id = desk.programme_id

    def found(session: ReadSession) -> dict[str, Any]:
        owed = owed_now(session, programme_id=programme_id, after=after, limit=_OWED_SHOWN)
        past = runs.runs_of(session, programme_id=programme_id, before=None, limit=50)
        return {
            "owed": owed,
            "runs": past,
            "proposed": runs.proposed_run(session, programme_id=programme_id),
            "current": next((run for run in past if run[1] in ("approved", "exported")), None),
            "holds": hold.holds_of(session, programme_id=programme_id),
        }

    return await desk.show("settlements/overview.html", **await desk.house.read(found))


async def _own(desk: PageDesk) -> Response:
    programme_id = desk.programme_id

    def found(session: ReadSession) -> list[dict[str, Any]]:
        shops = []
        for merchant_id in sorted(desk.reach.merchant_ids):
            asked: dict[str, Any] = {"programme_id": programme_id, "merchant_id": merchant_id}
            paid = sales.payments_to(session, **asked, before=None, limit=50)
            numbers = [one.run_number for one in paid]
            shops.append(
                {
                    "shop": people.find_merchant(session, **asked),
                    "owed": sales.owed_to(session, **asked, at=desk.at),
                    "paid": paid,
                    "papers": commissions.of_shop(session, **asked, numbers=numbers),
                    "holds": hold.holds_of(session, programme_id=programme_id, merchant_ids=[merchant_id]),
                }
            )
        return shops

    return await desk.show("settlements/own.html", shops=await desk.house.read(found))


@router.post("/p/{programme_id}/reglements", **page(Act.SETTLEMENT_PROPOSE))
async def propose(desk: AtForm) -> Response:
    """Propose the run that closes a day."""

    async def on() -> Response:
        to_on = desk.typed.day("to_on")
        # In a transaction of its own: it waits for writers that began before, and holds new ones back.
        upto = await desk.house.write(lambda session: ledger.watermark(session, programme_id=desk.programme_id))
        return await desk.once(
            lambda session: {"number": settle.propose(session, **desk.doing, to_on=to_on, upto_journal=upto).number},
            then=lambda made: f"{desk.home}/reglements/{made['number']}",
            said=_("Le règlement est proposé. Regardez-le, puis faites-le approuver par une autre personne."),
        )

    return await desk.tried(on, again=_overview)


# ── One run ──────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/p/{programme_id}/reglements/{number}", **page(Act.SETTLEMENT_READ))
async def one(
    desk: AtDesk,
    number: NumberInPath,
    after: Annotated[int, Query(ge=0)] = 0,
    words: Annotated[str, Query(alias="q", max_length=100)] = "",
) -> Response:
    """A run: its totals, whom it pays, whom it carries over, and what to do next."""
    return await _run(desk, number, after=after, words=words)


async def _run(
    desk: PageDesk, number: int, *, after: int = 0, words: str = "", compared: bool | None = None
) -> Response:
    within = desk.reach

    def found(session: ReadSession) -> tuple[Run, dict[str, str], str | None, bool]:
        run = runs.find_run(session, programme_id=desk.programme_id, number=number)
        actors = {run.proposed_by, run.approved_by or ""} if within.everything else set[str]()
        kept = workshop.handed_out(session, run=run)
        made = number not in papers_due.runs_without_papers(session, programme_id=desk.programme_id)
        return run, {one: _name(session, one) for one in actors}, None if kept is None else kept.sha256, made

    run, names, kept, papers_made = await desk.house.read(found)
    mine = [line for line in run.settlements if within.everything or line.merchant_id in within.merchant_ids]
    paid = [line for line in mine if line.state != "carried"]
    approved = run.approved_at is not None and within.everything
    wanted = [line for line in paid if words.strip().lower() in line.shop_name.lower()]
    return await desk.show(
        "settlements/run.html",
        run=run,
        everything=within.everything,
        names=names,
        totals={name: sum(getattr(line, name) for line in paid) for name in _TOTALS},
        paid=paid,
        payees=_part(wanted, after),
        carried=[line for line in mine if line.state == "carried"][:_SHOWN],
        returned=[line for line in mine if line.state == "returned"],
        because=CARRIED_BECAUSE,
        words=words.strip(),
        fingerprint=(kept or await run_in_threadpool(_fingerprint, run)) if approved else "",
        papers_made=papers_made,
        compared=compared,
        own_proposal=run.proposed_by == desk.caller.actor,
        first_day=clock.next_target_day(clock.book_day(desk.at) + timedelta(days=1)),
    )


_TOTALS: Final = ("gross_cents", "brought_cents", "commission_cents", "vat_cents", "net_cents")


def _part(lines: list[runs.Settlement], after: int) -> _Payees:
    rest = [line for line in lines if line.merchant_id > after]
    return _Payees(rest[:_SHOWN], rest[_SHOWN - 1].merchant_id if len(rest) > _SHOWN else None)


def _name(session: ReadSession, actor: str) -> str:
    kind, _colon, number = actor.partition(":")
    return people.name_of(session, staff_id=int(number)) if kind == "staff" and number.isdecimal() else actor


@router.post("/p/{programme_id}/reglements/{number}/retrait", **page(Act.SETTLEMENT_WITHDRAW))
async def withdraw(desk: AtForm, number: NumberInPath) -> Response:
    """Take a proposal back."""
    return await desk.once(
        lambda session: _number(
            settle.withdraw(session, **desk.doing, number=number, reason=desk.typed.text("because"))
        ),
        then=f"{desk.home}/reglements/{number}",
        said=_("Le règlement est retiré : rien n'a été payé."),
        again=lambda desk: _run(desk, number),
    )


@router.post("/p/{programme_id}/reglements/{number}/approbation", **page(Act.SETTLEMENT_APPROVE))
async def approve(desk: AtForm, number: NumberInPath) -> Response:
    """Approve what another person proposed."""
    typed = desk.typed

    def act(session: WriteSession) -> dict[str, Any]:
        day = typed.day("execution_on") if typed.has("execution_on") else None
        return _number(settle.approve(session, **desk.doing, number=number, execution_on=day))

    return await desk.once(
        act,
        then=f"{desk.home}/reglements/{number}",
        said=_("Le règlement est approuvé. Notez l'empreinte du fichier : elle ne doit plus changer."),
        again=lambda desk: _run(desk, number),
    )


@router.post("/p/{programme_id}/reglements/{number}/fichier", **page(Act.SETTLEMENT_EXPORT))
async def hand_out(desk: AtForm, number: NumberInPath) -> Response:
    """Make and check the bank file, then mark it as handed out; it is downloaded next."""

    async def on() -> Response:
        _run_of, xml = await _checked_file(desk, number)
        return await desk.once(
            lambda session: _number(workshop.hand_out(session, **desk.doing, number=number, file=xml)),
            then=f"{desk.home}/reglements/{number}",
            said=_("Le fichier est prêt : téléchargez-le et comparez son empreinte."),
        )

    return await desk.tried(on, again=lambda desk: _run(desk, number))


@router.get("/p/{programme_id}/reglements/{number}/fichier", **page(Act.SETTLEMENT_EXPORT))
async def bank_file(desk: AtDesk, number: NumberInPath) -> Response:
    """The bank file (pain.001.001.09), the same bytes each time."""
    run, xml = await _checked_file(desk, number)
    if run.state not in ("exported", "executed"):
        raise RunState(number=number, state=run.state, wanted="exported, executed")
    return download(xml, name=f"{run.message_id}.xml", media=_XML)


async def _checked_file(desk: PageDesk, number: int) -> tuple[Run, bytes]:
    """The bank file as it first left, or as it will leave."""

    def found(session: ReadSession) -> tuple[Run, bytes | None]:
        run = runs.find_run(session, programme_id=desk.programme_id, number=number)
        return run, _first_file(session, run)

    run, left = await desk.read(found)
    pay.require_approved(run)
    return run, await run_in_threadpool(workshop.checked_bank_file, run) if left is None else left


@router.post("/p/{programme_id}/reglements/{number}/empreinte", **page(Act.SETTLEMENT_READ))
async def compare(desk: AtForm, number: NumberInPath) -> Response:
    """Whether a file at hand is the one that was approved, byte for byte."""
    desk.allow_all()
    sent = desk.typed.upload("file")
    _run_of, file = await _checked_file(desk, number)
    return await _run(desk, number, compared=sent is not None and sent.content == file)


@router.post("/p/{programme_id}/reglements/{number}/execution", **page(Act.SETTLEMENT_EXECUTE))
async def execute(desk: AtForm, number: NumberInPath) -> Response:
    """The bank has paid."""
    return await desk.once(
        lambda session: _number(pay.execute(session, **desk.doing, number=number)),
        then=f"{desk.home}/reglements/{number}",
        said=_("Le règlement est exécuté : les commerçants sont payés."),
        again=lambda desk: _run(desk, number),
    )


def _number(run: Run) -> dict[str, Any]:
    return {"number": run.number}


# ── One merchant of a run ────────────────────────────────────────────────────────────────────────────────────────
@router.get("/p/{programme_id}/reglements/{number}/commercants/{merchant_id}", **page(Act.SETTLEMENT_READ))
async def payee(desk: AtDesk, number: NumberInPath, merchant_id: NumberInPath) -> Response:
    """One merchant's settlement, redemption by redemption."""
    return await _payee(desk, number, merchant_id)


async def _payee(desk: PageDesk, number: int, merchant_id: int) -> Response:
    asked: dict[str, Any] = {"programme_id": desk.programme_id}

    def found(session: ReadSession) -> dict[str, Any]:
        run = runs.find_run(session, **asked, number=number)
        return {
            "run": run,
            "line": next((line for line in run.settlements if line.merchant_id == merchant_id), None),
            "shop": people.find_merchant(session, **asked, merchant_id=merchant_id),
            "lines": runs.lines_of(session, **asked, number=number, merchant_id=merchant_id),
            "papers": commissions.of_shop(session, **asked, merchant_id=merchant_id, numbers=[number]).get(number),
            "holds": hold.holds_of(session, **asked, merchant_ids=[merchant_id]),
        }

    told = await desk.read(found, of=of_merchant(merchant_id))
    return await desk.show(
        "settlements/payee.html", **told, because=CARRIED_BECAUSE, codes=[(code, desk.say(words)) for code, words in
        RETURNED_BECAUSE],
    )  # fmt: skip


@router.get("/p/{programme_id}/reglements/{number}/commercants/{merchant_id}/releve", **page(Act.SETTLEMENT_READ))
async def statement(desk: AtDesk, number: NumberInPath, merchant_id: NumberInPath) -> Response:
    """The statement of one merchant, as it was first made."""

    def found(session: ReadSession) -> tuple[str, bytes]:
        asked: dict[str, Any] = {"programme_id": desk.programme_id}
        paper = run_papers.statement_of(session, **asked, number=number, merchant_id=merchant_id)
        return paper.file_name, archive.file_of(session, **asked, name=paper.name)

    name, content = await desk.read(found, of=of_merchant(merchant_id))
    return download(content, name=name, media=_PDF)


@router.post("/p/{programme_id}/reglements/{number}/commercants/{merchant_id}/rejet", **page(Act.SETTLEMENT_RETURN))
async def returned(desk: AtForm, number: NumberInPath, merchant_id: NumberInPath) -> Response:
    """The bank gave this transfer back."""

    def act(session: WriteSession) -> dict[str, Any]:
        words = dict(RETURNED_BECAUSE)
        code = desk.typed.choice("code", list(words))
        reason = f"{code} {words[code]}"
        return _number(pay.returned(session, **desk.doing, number=number, merchant_id=merchant_id, reason=reason))

    return await desk.once(
        act,
        then=f"{desk.home}/reglements/{number}",
        said=_("Le rejet est noté : ce montant sera payé de nouveau, sans commission, au prochain règlement."),
        again=lambda desk: _payee(desk, number, merchant_id),
    )
