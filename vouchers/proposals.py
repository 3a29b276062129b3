"""What each open line of the bank probably is: read from the books, decided by `matching.py`, confirmed by a person.

A line is told, in this order: by what somebody recorded before the statement came, by our own payment run, by our own
transfer that came back, by the order it pays (or repays). Nothing is posted here, and nothing is certain on an amount
alone.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, and_, select

from vouchers import bank_lines, chart, ledger, matching, order_book
from vouchers.bank_lines import BankLine, Share, Unseen
from vouchers.db import ReadSession
from vouchers.matching import Incoming, Owing, Sureness
from vouchers.runs import end_to_end_id
from vouchers.tables import bank_line, buyer, document, merchant, payment_run, programme, settlement, voucher_order

Kind = Literal["recorded", "run", "returned", "orders", "paid_back", "elsewhere", "fees", "none"]

_OPEN_FOR_PAYMENT: Final = ("approved", "paid", "accepted", "issuing", "issued", "delivered", "cancelled")
_INVOICES: Final = ("face_value", "fee", "face_value_and_fee")
_AT_ONCE: Final = 1_000
_FEES: Final = re.compile(r"\b(FRAIS|COTISATION|COMMISSION|ABONNEMENT|FACTURATION|ARRETE DE COMPTE)", re.IGNORECASE)
_ANY_RF: Final = re.compile(r"RF[0-9]{2}[1-9][0-9]*C[0-9]{6}")
_OURS: Final = re.compile(r"RF[0-9]{2}([1-9][0-9]{0,11})C[0-9]{6}")
"""The reference of an order, of whichever programme."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """`certain` may be booked by itself, `likely` the treasurer confirms, `unknown` the treasurer finds.

    `reason`: how it was known, a word of MATCH_MEANS. `line_numbers`: all lines that it decides together.
    `difference_cents`: what came less what was expected; of a run, less its transfers.
    """

    line_number: int
    kind: Kind = "none"
    sureness: Sureness = "unknown"
    reason: str = "hand"
    line_numbers: tuple[int, ...] = ()
    shares: tuple[Share, ...] = ()
    named: tuple[int, ...] = ()
    buyer_names: tuple[str, ...] = ()
    journal_ids: tuple[int, ...] = ()
    run_number: int | None = None
    merchant_id: int | None = None
    shop_name: str | None = None
    programme_id: int | None = None
    difference_cents: int = 0

    @property
    def mark(self) -> str:
        """What it would record, in a few signs: a person who confirms has seen these very ones."""
        said: list[object] = [self.kind, self.sureness, self.difference_cents, self.run_number, self.merchant_id]
        said += [*self.line_numbers, "", *self.journal_ids, *self.shares]
        return hashlib.sha256(repr(said).encode()).hexdigest()[:16]

    @property
    def kept_cents(self) -> int:
        """What the bank took for itself of a transfer of ours that it gave back."""
        return max(0, -self.difference_cents) if self.merchant_id is not None else 0

    @property
    def of_its_amount(self) -> bool:
        """Whether a transfer of ours came back whole, or less a little that a bank keeps."""
        return -bank_lines.MOST_KEPT_CENTS <= self.difference_cents <= 0

    @property
    def postable(self) -> bool:
        """Whether one press records it as it stands."""
        told = self.shares or self.journal_ids or self.kind in ("run", "returned", "fees")
        return bool(told) and self.sureness != "unknown"


def proposals(session: ReadSession, *, programme_id: int, lines: Collection[BankLine]) -> dict[int, Proposal]:
    """What each of these open lines is proposed to be."""
    books = _Books(session, programme_id=programme_id) if lines else None
    found = {line.number: books.proposal(line) for line in lines} if books is not None else {}
    return dict(_one_for_each_order(found))


def certain(session: ReadSession, *, programme_id: int) -> list[Proposal]:
    """What may be booked without a look, each decision once."""
    lines = bank_lines.listed(session, programme_id=programme_id, state="open", limit=None)
    every = proposals(session, programme_id=programme_id, lines=lines).values()
    return list({one.line_numbers: one for one in every if one.sureness == "certain"}.values())


def _one_for_each_order(found: dict[int, Proposal]) -> Iterable[tuple[int, Proposal]]:
    """Two transfers that each pay an order in full are one too many: the second one a person looks at."""
    taken: set[tuple[str, int]] = set()
    for number, one in found.items():
        claims = {("order", share.order_number) for share in one.shares}
        claims |= {("fact", journal_id) for journal_id in one.journal_ids if number == min(one.line_numbers)}
        if one.kind == "returned" and one.run_number is not None and one.merchant_id is not None:
            claims.add((f"run {one.run_number}", one.merchant_id))
        again = one.sureness == "certain" and bool(claims & taken)
        if one.sureness == "certain":
            taken |= claims
        yield number, replace(one, sureness="likely") if again else one


def owing(session: ReadSession, *, programme_id: int) -> list[Owing]:
    """Every order that a transfer may pay, or that is owed back."""
    rows = session.execute(
        select(
            voucher_order.c.number,
            voucher_order.c.rf_reference,
            voucher_order.c.purchase_order,
            buyer.c.name,
        )
        .join(buyer, buyer.c.id == voucher_order.c.buyer_id)
        .where(voucher_order.c.programme_id == programme_id, voucher_order.c.state.in_(_OPEN_FOR_PAYMENT))
        .order_by(voucher_order.c.number)
    ).all()
    invoices: dict[str, list[str]] = {}
    named = select(document.c.subject, document.c.name).where(
        document.c.programme_id == programme_id, document.c.kind.in_(_INVOICES)
    )
    for subject, name in session.execute(named):
        invoices.setdefault(subject, []).append(name)
    owed: dict[int, int] = {}
    numbers = [row.number for row in rows]
    for start in range(0, len(numbers), _AT_ONCE):
        some = order_book.standing(session, programme_id=programme_id, numbers=numbers[start : start + _AT_ONCE])
        owed |= {number: owes for number, (_, owes) in some.items()}
    return [
        Owing(
            order_number=row.number,
            rf_reference=row.rf_reference,
            invoice_numbers=tuple(invoices.get(order_book.subject(row.number), ())),
            purchase_order=row.purchase_order,
            buyer_name=row.name,
            owed_cents=owed[row.number],
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer of a run of ours: what its merchant was to receive; `state` of the settlement and of the run."""

    run_number: int
    run_state: str
    merchant_id: int
    shop_name: str
    state: str
    net_cents: int


def may_have_come_back(session: ReadSession, *, programme_id: int, cents: int, limit: int) -> list[Transfer]:
    """Transfers that the bank made, of this amount or a little more, which it kept; the nearest and newest first."""
    return _transfers(
        session,
        settlement.c.programme_id == programme_id,
        settlement.c.state == "paid",
        payment_run.c.state == "executed",
        settlement.c.net_cents.between(cents, cents + bank_lines.MOST_KEPT_CENTS),
        order=(settlement.c.net_cents, settlement.c.run_number.desc(), settlement.c.merchant_id),
        limit=limit,
    )


def _sent(session: ReadSession, *, programme_id: int, run_number: int, merchant_id: int) -> Transfer | None:
    """What a merchant was to receive by a run that a bank has, or had."""
    found = _transfers(
        session,
        settlement.c.programme_id == programme_id,
        settlement.c.run_number == run_number,
        settlement.c.merchant_id == merchant_id,
        settlement.c.state != "carried",
        payment_run.c.state.in_(("exported", "executed")),
    )
    return found[0] if found else None


def _transfers(
    session: ReadSession, *wanted: ColumnElement[bool], order: Sequence[Any] = (), limit: int | None = None
) -> list[Transfer]:
    rows = session.execute(
        select(
            settlement.c.run_number,
            payment_run.c.state.label("run_state"),
            settlement.c.merchant_id,
            merchant.c.shop_name,
            settlement.c.state,
            settlement.c.net_cents,
        )
        .join(
            payment_run,
            and_(
                payment_run.c.programme_id == settlement.c.programme_id, payment_run.c.number == settlement.c.run_number
            ),
        )
        .join(merchant, merchant.c.id == settlement.c.merchant_id)
        .where(*wanted)
        .order_by(*order)
        .limit(limit)
    )
    return [Transfer(**row._mapping) for row in rows]


def run_lines(session: ReadSession, *, programme_id: int, run_number: int) -> list[BankLine]:
    """The open lines out that carry a name of this run's file: the whole sum, or its transfers one by one."""
    ours = f"REGL-{programme_id}-{run_number}-"
    assert end_to_end_id(programme_id, run_number, 1).startswith(ours)
    rows = session.execute(
        select(bank_line.c.number)
        .where(
            bank_line.c.programme_id == programme_id,
            bank_line.c.state == "open",
            bank_line.c.cents < 0,
            bank_line.c.end_to_end_id.startswith(ours, autoescape=True)
            | (bank_line.c.message_id == f"CHEQUES-{programme_id}-{run_number}"),
        )
        .order_by(bank_line.c.number)
    )
    numbers = [row.number for row in rows]
    return bank_lines.listed(session, programme_id=programme_id, numbers=numbers, limit=None) if numbers else []


def run_of_line(line: BankLine) -> tuple[int, int] | None:
    """(programme, run) of one of our own files that a line names; None where it names none."""
    back = matching.returned_settlement(line.end_to_end_id or "")
    return (back[0], back[1]) if back is not None else matching.run_of(line.message_id or "")


class _Books:
    """What the lines of one programme are held against, read once."""

    def __init__(self, session: ReadSession, *, programme_id: int) -> None:
        self._session, self._programme_id = session, programme_id
        self._owing = owing(session, programme_id=programme_id)
        self._back = [replace(order, owed_cents=-order.owed_cents) for order in self._owing if order.owed_cents < 0]
        self._names = {order.order_number: order.buyer_name for order in self._owing}
        self._unseen = bank_lines.unseen(session, programme_id=programme_id)
        self._runs: dict[int, Proposal | None] = {}
        mine = select(programme.c.issuer_id).where(programme.c.id == programme_id).scalar_subquery()
        sisters = select(programme.c.id).where(programme.c.issuer_id == mine, programme.c.id != programme_id)
        self._sisters = frozenset(session.execute(sisters).scalars())

    def proposal(self, line: BankLine) -> Proposal:
        blank = Proposal(line.number, line_numbers=(line.number,))
        named = run_of_line(line)
        if named is not None and named[0] != self._programme_id:
            return replace(blank, kind="elsewhere", programme_id=named[0])
        if named is not None and line.cents < 0:
            return self._of_run(blank, named[1])
        if line.return_reason is not None or (named is not None and line.cents > 0):
            return self._of_return(blank, line)
        return self._of_buyer(blank, line)

    # ── Our own files ────────────────────────────────────────────────────────────────────────────────────────────
    def _of_run(self, blank: Proposal, run_number: int) -> Proposal:
        if run_number not in self._runs:
            self._runs[run_number] = self._whole_run(run_number)
        whole = self._runs[run_number]
        return blank if whole is None else replace(whole, line_number=blank.line_number)

    def _whole_run(self, run_number: int) -> Proposal | None:
        state = self._session.execute(
            select(payment_run.c.state).where(
                payment_run.c.programme_id == self._programme_id, payment_run.c.number == run_number
            )
        ).scalar()
        lines = run_lines(self._session, programme_id=self._programme_id, run_number=run_number)
        if state not in ("exported", "executed") or not lines:
            return None
        cents = -sum(line.cents for line in lines)
        numbers = tuple(line.number for line in lines)
        found = Proposal(0, "run", "unknown", "message", line_numbers=numbers, run_number=run_number)
        if state == "exported":
            account = chart.in_transit(run_number)
            left = ledger.balance(self._session, programme_id=self._programme_id, account=account)
            same = replace(found, difference_cents=cents - left)
            return replace(same, sureness="certain") if left == cents else same
        executed = ("run_executed", f"run:{run_number}")
        known = next((one for one in self._unseen if (one.kind, one.subject) == executed), None)
        if known is None:
            return None
        found = replace(found, kind="recorded", difference_cents=cents + known.cents)
        exact = replace(found, sureness="certain", journal_ids=(known.journal_id,))
        return exact if -known.cents == cents else found

    def _of_return(self, blank: Proposal, line: BankLine) -> Proposal:
        ours = matching.returned_settlement(line.end_to_end_id or "")
        if ours is None:
            return replace(blank, kind="returned")
        _, run_number, merchant_id = ours
        sent = _sent(self._session, programme_id=self._programme_id, run_number=run_number, merchant_id=merchant_id)
        if sent is None:
            return blank
        found = replace(
            blank,
            kind="returned",
            reason="end_to_end",
            run_number=run_number,
            merchant_id=merchant_id,
            shop_name=sent.shop_name,
            difference_cents=line.cents - sent.net_cents,
        )
        # What a bank keeps for its trouble is looked at, every time.
        sure: Sureness = "likely" if found.difference_cents else "certain"
        if not found.of_its_amount:
            sure = "unknown"
        if sent.state == "returned":
            noted = ("transfer_returned", f"run:{run_number}", sent.net_cents)
            known = [one for one in self._unseen if (one.kind, one.subject, one.cents) == noted]
            told = tuple(one.journal_id for one in known[:1]) if sure != "unknown" else ()
            return replace(found, kind="recorded", journal_ids=told, sureness=sure if told else "unknown")
        if sent.run_state != "executed":
            # Before its run is executed in the books, nothing can come back to the bank.
            return found
        return replace(found, sureness=sure)

    # ── Buyers ───────────────────────────────────────────────────────────────────────────────────────────────────
    def _of_buyer(self, blank: Proposal, line: BankLine) -> Proposal:
        written = Incoming(cents=abs(line.cents), rf=line.rf, text=line.text, name=line.name or "")
        known = self._recorded(line)
        if known:
            journal_ids = tuple(one.journal_id for one in known)
            return replace(blank, kind="recorded", sureness="certain", reason="recorded", journal_ids=journal_ids)
        found = matching.match(written, self._owing if line.cents > 0 else self._back)
        if found.reason is None:
            if line.cents < 0 and _FEES.search(line.text):
                return replace(blank, kind="fees", sureness="likely")
            return self._of_another_programme(blank, line)
        proposed = replace(
            blank,
            kind="orders" if line.cents > 0 else "paid_back",
            # Money that leaves is looked at, every time; and so is what a person may have recorded by another name.
            sureness=found.sureness if line.cents > 0 else "likely",
            reason=found.reason,
            shares=tuple(Share(number, cents) for number, cents in found.allotment),
            named=found.named,
            buyer_names=tuple(dict.fromkeys(self._names[number] for number in found.named)),
            difference_cents=found.difference_cents,
        )
        if line.cents < 0 and (found.difference_cents > 0 or len(found.allotment) != 1):
            return replace(proposed, sureness="unknown", shares=())
        twin = self._typed_before(line, found.named) if line.cents > 0 else None
        if twin is not None:
            return replace(proposed, kind="recorded", sureness="likely", shares=(), journal_ids=(twin.journal_id,))
        return proposed

    def _recorded(self, line: BankLine) -> Sequence[Unseen]:
        """The payments that were typed under the bank's own reference and day, in one or several parts."""
        for day in dict.fromkeys((line.booked_on, line.value_on)):
            whole = f"{day.isoformat()} {line.transfer.upper()}"
            parts = [one for one in self._unseen if one.kind == "order_paid" and _is_part(one.reason, whole)]
            if parts and sum(one.cents for one in parts) == line.cents:
                return parts
        return ()

    def _typed_before(self, line: BankLine, named: Sequence[int]) -> Unseen | None:
        """A payment of the one order named, of this amount and day, under whatever reference it was typed."""
        if len(named) != 1:
            return None
        about, days = order_book.subject(named[0]), (line.booked_on.isoformat(), line.value_on.isoformat())
        return next(
            (
                one
                for one in self._unseen
                if (one.kind, one.subject, one.cents) == ("order_paid", about, line.cents)
                and one.reason.startswith(days)
            ),
            None,
        )

    def _of_another_programme(self, blank: Proposal, line: BankLine) -> Proposal:
        """The issuer's account may serve several programmes, whose references name them."""
        written = [line.rf or "", *_ANY_RF.findall("".join(line.text.upper().split()))]
        for named in (_OURS.fullmatch(reference) for reference in written):
            if named is not None and int(named[1]) in self._sisters:
                return replace(blank, kind="elsewhere", programme_id=int(named[1]))
        return blank


def _is_part(reason: str, whole: str) -> bool:
    return reason == whole or re.fullmatch(r" [1-9][0-9]*/[1-9][0-9]*", reason.removeprefix(whole)) is not None
