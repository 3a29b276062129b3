"""The bank: its files are taken, each line is told what it was, and the two balances are explained.

What is certain is booked by one press, what is likely is confirmed line by line, and what nobody knows is shared out by
hand, left to wait, or set aside with a reason. Nothing is booked because an amount looks right.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from vouchers import bank_decisions, bank_desk, bank_lines, bank_statements, ledger, people, proposals, runs
from vouchers.access import Act
from vouchers.api.fields import After, NumberInPath
from vouchers.api.shapes import masked
from vouchers.bank_decisions import WHATS, Decision
from vouchers.bank_lines import BankLine, Matched, Share, Unseen
from vouchers.bank_messages import why_en, why_fr
from vouchers.chart import lapsed
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import BadInput
from vouchers.matching import Owing
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, page
from vouchers.pages.forms import Typed
from vouchers.pages.language import _
from vouchers.proposals import Proposal

router: Final = APIRouter(prefix="/p/{programme_id}/banque")

_SHOWN: Final = 50
_STATEMENTS: Final = 60
_ROWS: Final = 4
"""Orders that one transfer may be shared out to on the page; a program may share it out to more."""
_TRANSFER: Final = re.compile(r"([0-9]{1,18})-([0-9]{1,18})-([0-9]{1,6})")
_FACT: Final = re.compile(r"([0-9]{1,18})-([0-9]{1,6})")
"""What a choice of the page says, the cents that the bank kept last."""
_SAID: Final = {
    "confirm": _("C'est enregistré."),
    "orders": _("Le paiement est enregistré."),
    "allot": _("L'argent est affecté."),
    "wait": _("L'argent est mis en attente : affectez-le quand vous saurez à quoi il sert."),
    "fees": _("Les frais de la banque sont enregistrés."),
    "set_aside": _("La ligne est écartée ; elle peut être reprise."),
    "reopen": _("La ligne est de nouveau à traiter."),
    "pay_back_order": _("Le remboursement est enregistré."),
    "pay_back_lapsed": _("Le remboursement est enregistré."),
    "pay_back_waiting": _("Le remboursement est enregistré."),
    "run": _("Le règlement est exécuté : les commerçants sont payés."),
    "return": _("Le rejet est noté : ce montant sera payé de nouveau, sans commission, au prochain règlement."),
    "recognise": _("C'est enregistré."),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A line as a list shows it: with what it is proposed to be, or what became of it."""

    line: BankLine
    proposal: Proposal | None
    told: Sequence[Matched]


# ── The account ──────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("", **page(Act.BANK_READ))
async def overview(desk: AtDesk, after: After = 0) -> Response:
    """What is to be decided, whether the bank and the books agree, and every statement."""
    return await _overview(desk, after)


async def _overview(desk: PageDesk, after: int = 0) -> Response:
    programme_id = desk.programme_id

    def found(session: ReadSession) -> dict[str, Any]:
        opened = bank_lines.listed(session, programme_id=programme_id, state="open", limit=None)
        proposed = proposals.proposals(session, programme_id=programme_id, lines=opened)
        sure = {one.line_numbers: one for one in proposed.values() if one.sureness == "certain"}
        rest = [line for line in opened if line.number > after]
        return {
            "rows": [Row(line, proposed[line.number], ()) for line in rest[:_SHOWN]],
            "next": rest[_SHOWN - 1].number if len(rest) > _SHOWN else None,
            "opened": len(opened),
            "certain": list(sure.values()),
            "first": opened[0] if opened else None,
            "waiting": bank_lines.waiting(session, programme_id=programme_id),
            "statements": bank_statements.listed(session, programme_id=programme_id)[:_STATEMENTS],
            "standing": bank_statements.standing(session, programme_id=programme_id),
        }

    return await desk.show("bank/overview.html", **await desk.read(found))


@router.post("", **page(Act.BANK_TAKE))
async def take(desk: AtForm) -> Response:
    """Take a file of the bank."""

    async def on() -> Response:
        sent = desk.typed.upload("file")
        if sent is None:
            raise BadInput(field="file", problem="missing")
        file = await run_in_threadpool(bank_desk.read_file, sent.content)

        def taken(session: WriteSession) -> dict[str, Any]:
            done = bank_desk.take(session, **desk.doing, file=file)
            return {
                "statements": [one.number for one in done.statements],
                "run": done.run_number,
                "returned": len(done.returned),
            }

        said = _("Le fichier de la banque est pris.")
        return await desk.once(taken, then=lambda made: _after_file(desk, made), said=said)

    return await desk.tried(on, again=_overview)


def _after_file(desk: PageDesk, made: Mapping[str, Any]) -> str:
    if made["run"] is not None:
        return f"{desk.home}/reglements/{made['run']}"
    numbers = made["statements"]
    return f"{desk.home}/banque/releves/{numbers[0]}" if len(numbers) == 1 else f"{desk.home}/banque"


@router.post("/certains", **page(Act.BANK_TAKE))
async def book_certain(desk: AtForm) -> Response:
    """Book all that is certain."""
    return await desk.once(
        lambda session: {"booked": len(bank_desk.confirm_certain(session, **desk.doing))},
        then=f"{desk.home}/banque",
        said=_("Les rapprochements certains sont enregistrés."),
        again=_overview,
    )


@router.get("/releves/{number}", **page(Act.BANK_READ))
async def statement(desk: AtDesk, number: NumberInPath, after: After = 0) -> Response:
    """One statement, line by line."""
    programme_id = desk.programme_id

    def found(session: ReadSession) -> dict[str, Any]:
        lines = bank_lines.listed(
            session, programme_id=programme_id, statement_number=number, after=after, limit=_SHOWN
        )
        return {
            "statement": bank_statements.find(session, programme_id=programme_id, number=number),
            "rows": _rows(session, programme_id, lines),
            "next": lines[-1].number if len(lines) == _SHOWN else None,
        }

    told = await desk.read(found)
    return await desk.show("bank/statement.html", iban=masked(told["statement"].iban), **told)


def _rows(session: ReadSession, programme_id: int, lines: Sequence[BankLine]) -> list[Row]:
    still = [line for line in lines if line.state == "open"]
    proposed = proposals.proposals(session, programme_id=programme_id, lines=still)
    told = bank_lines.matched(session, programme_id=programme_id, line_numbers=[line.number for line in lines])
    return [Row(line, proposed.get(line.number), told[line.number]) for line in lines]


# ── One line ─────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/lignes/{number}", **page(Act.BANK_READ))
async def line(
    desk: AtDesk, number: NumberInPath, words: Annotated[str, Query(alias="q", max_length=100)] = ""
) -> Response:
    """One line: what it probably is, and all that it may be."""
    return await _line(desk, number, words=words)


async def _line(desk: PageDesk, number: int, *, words: str = "") -> Response:
    found = await desk.read(lambda session: _of_line(session, desk, number, words))
    one: BankLine = found["row"].line
    code = one.return_reason
    why = None if code is None else why_en(code) if desk.language == "en" else why_fr(code)
    iban = None if one.iban is None else masked(one.iban)
    return await desk.show("bank/line.html", words=words.strip(), why=why, iban=iban, rows=range(1, _ROWS + 1), **found)


def _of_line(session: ReadSession, desk: PageDesk, number: int, words: str) -> dict[str, Any]:
    programme_id = desk.programme_id
    line = bank_lines.find(session, programme_id=programme_id, number=number)
    (row,) = _rows(session, programme_id, [line])
    left = bank_lines.waiting(session, programme_id=programme_id, number=number)
    found: dict[str, Any] = {
        "row": row,
        "left_cents": left[0].left_cents if left else 0,
        "orders": [], "buyers": [], "waiting": [], "transfers": [], "runs": [], "facts": [], "next_open": None,
    }  # fmt: skip
    if line.state == "open" or left:
        found["orders"] = _orders(session, desk, row, words)
    if line.state == "open":
        unseen = bank_lines.unseen(session, programme_id=programme_id)
        like_it = (one for one in unseen if _may_be(line, one))
        found["facts"] = sorted(like_it, key=lambda one: one.cents != line.cents)[:_SHOWN]
    if line.state == "open" and line.cents < 0:
        found["waiting"] = bank_lines.waiting(session, programme_id=programme_id)
        found["buyers"] = _buyers_with_lapsed(session, programme_id)
        known = runs.runs_of(session, programme_id=programme_id, before=None, limit=_SHOWN)
        found["runs"] = [run for run, state, _day in known if state == "exported"]
    if line.state == "open" and line.cents > 0:
        found["transfers"] = proposals.may_have_come_back(
            session, programme_id=programme_id, cents=line.cents, limit=_SHOWN
        )
    if line.state != "open":
        still = bank_lines.listed(session, programme_id=programme_id, state="open", limit=1)
        found["next_open"] = still[0] if still else None
    return found


def _may_be(line: BankLine, fact: Unseen) -> bool:
    """Of its amount; or a transfer of ours that came back, of which the bank kept a little."""
    kept = fact.cents - line.cents
    came_back = line.cents > 0 and fact.kind == "transfer_returned"
    return kept == 0 or (came_back and 0 < kept <= bank_lines.MOST_KEPT_CENTS)


def _orders(session: ReadSession, desk: PageDesk, row: Row, words: str) -> list[Owing]:
    """The orders that the proposal names, then what the search finds; of a line out, those that are owed back."""
    every = bank_desk.search_orders(session, programme_id=desk.programme_id, words=words, limit=_SHOWN)
    if row.line.cents < 0:
        return [one for one in every if one.owed_cents < 0]
    named = row.proposal.named if row.proposal is not None else ()
    return sorted(every, key=lambda one: one.order_number not in named)


def _buyers_with_lapsed(session: ReadSession, programme_id: int) -> list[tuple[int, str, int]]:
    moved = ledger.turnovers(session, programme_id=programme_id)
    ids = [int(account.partition(":")[2]) for account in moved if account.startswith("lapsed:")]
    return [
        (buyer_id, people.find_buyer(session, programme_id=programme_id, buyer_id=buyer_id).name, left)
        for buyer_id in ids
        if (left := ledger.balance(session, programme_id=programme_id, account=lapsed(buyer_id))) > 0
    ]


@router.post("/lignes/{number}", **page(Act.BANK_TAKE))
async def decide(desk: AtForm, number: NumberInPath) -> Response:
    """Decide it."""
    typed = desk.typed

    async def on() -> Response:
        decision = _decision(typed)
        return await desk.once(
            lambda session: bank_decisions.decide(session, **desk.doing, line_number=number, decision=decision),
            then=f"{desk.home}/banque/lignes/{number}",
            said=_SAID[decision.what],
        )

    return await desk.tried(on, again=lambda desk: _line(desk, number))


def _decision(typed: Typed) -> Decision:
    what = typed.choice("what", WHATS)
    run_number, merchant_id, kept_cents = None, None, 0
    journal_ids: list[int] = []
    if what == "return":
        run_number, merchant_id, kept_cents = _chosen(typed, "transfer", _TRANSFER)
    elif what == "recognise":
        *journal_ids, kept_cents = _chosen(typed, "fact", _FACT)
    return Decision(
        what=what,  # type: ignore[arg-type]  # one of WHATS
        shares=_shares(typed) if what in ("orders", "allot") else (),
        seen=typed.text("seen") if what == "confirm" else None,
        because=typed.text("because") if what == "set_aside" else None,
        order_number=typed.whole("order_number", least=1) if what == "pay_back_order" else None,
        buyer_id=typed.whole("buyer_id", least=1) if what == "pay_back_lapsed" else None,
        waiting_number=typed.whole("waiting_number", least=1) if what == "pay_back_waiting" else None,
        run_number=typed.whole("run_number", least=1) if what == "run" else run_number,
        merchant_id=merchant_id,
        kept_cents=kept_cents,
        journal_ids=tuple(journal_ids),
    )


def _shares(typed: Typed) -> tuple[Share, ...]:
    """The rows that name an order; the amount of each is asked for."""
    asked = [rank for rank in range(1, _ROWS + 1) if typed.has(f"order_{rank}")]
    if not asked:
        raise BadInput(field="order_1", problem="missing")
    return tuple(Share(typed.whole(f"order_{rank}", least=1), typed.cents(f"cents_{rank}", least=1)) for rank in asked)


def _chosen(typed: Typed, field: str, form: re.Pattern[str]) -> list[int]:
    """The numbers that a choice of the page stands for."""
    told = form.fullmatch(typed.text(field))
    if told is None:
        raise BadInput(field=field, problem="unlike")
    return [int(number) for number in told.groups()]
