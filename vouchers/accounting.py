"""The ledger as a bookkeeper writes it: every fact that moved money as one or more entries, as they are read.

Each journal (VE, BQ, OD) is numbered from 1 in every calendar year, by day and then by the ledger's own number, so that
the same fact has the same number in every export of that year. Entries stand from the day they were written, for
nobody can change a fact: that day is their validation too. So an entry's piece is what there was at the end of its own
day: an invoice made later leaves the order or the statement there, and once a day is over its entries never change.

Lettered are the lines of a buyer's order that came to zero within the year, and a merchant's commission with its
set-off, by payment run. What a merchant is owed is not lettered: a redemption may be settled voucher by voucher in
several runs, and the statement tells which (EcritureLet may be blank, livre des procédures fiscales, art. A.47 A-1).
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, and_, case, exists, func, literal, select

from vouchers import bookkeeping, chart, runs
from vouchers.archive import CREDITS
from vouchers.bookkeeping import COMMISSION, FEE, JOURNALS, OPENING, SET_OFF, VAT, Part, Plan
from vouchers.db import ReadSession
from vouchers.entries import Entry, EntryLine
from vouchers.fact_words import label, statement_name
from vouchers.ledger import Move
from vouchers.rules import rules
from vouchers.tables import bank_line, document, journal, posting

_ROWS_AT_ONCE: Final = 2_000
_OF_ORDERS: Final = ("order_approved", "order_paid", "order_cancelled", "cancelled", "paid_back")
"""The kinds of fact that move what a buyer owes."""
_BILLED: Final = tuple(kind for kind in CREDITS if kind != "commission")
_OF_FEE: Final = frozenset({"fee", "face_value_and_fee"})
_OF_FACE_VALUE: Final = frozenset({"face_value", "face_value_and_fee"})
_COMMISSION: Final = ("commission", CREDITS["commission"])
_TRANSFER = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}) (.+?)(?: [0-9]+/[0-9]+)?")
_PIECES: Final = {
    "order": "CDE", "batch": "LOT", "voucher": "CHQ", "redemption": "ACC", "dispute": "LIT", "bank_line": "BQE",
    "buyer": "ACH",
}  # fmt: skip
"""What a piece is called that is no paper of the archive, by what the fact is about."""
_BY_JOURNAL: Final = {"redeemed": "ACC", "expired": "PER"}
"""The same where the fact is about a shop, or everybody: the number of the fact itself follows."""
_OWN_LABELS: Final[dict[str | tuple[str, str], str]] = {
    COMMISSION: "Commission du relevé {statement}",
    SET_OFF: "Commission retenue sur le règlement, relevé {statement}",
    VAT: "TVA devenue exigible, commande {owner}",
    FEE: "Frais de gestion, commande {owner}",
    ("order_cancelled", FEE): "Annulation des frais de gestion, commande {owner}",
    "transfer_returned": "Virement du relevé {statement} retourné par la banque",
}


def entries(session: ReadSession, *, programme_id: int, from_on: date, to_on: date) -> Iterator[Entry]:
    """The entries of the Paris days `from_on` to `to_on`, by day, then the ledger's number, read as they are asked for.

    Where `from_on` is 1 January the first entry opens the accounts (AN), if anything stood on them. Read it to its end
    inside the transaction. Refuses `NotFound` (programme).
    """
    rules(session, programme_id=programme_id)
    return _entries(session, programme_id=programme_id, from_on=from_on, to_on=to_on)


def first_on(session: ReadSession, *, programme_id: int) -> date | None:
    """The day of the first entry there is; None before money moved."""
    # Asked of each journal in turn: joined, either engine may read every posting before it sorts.
    moved = exists().where(posting.c.programme_id == journal.c.programme_id, posting.c.journal_id == journal.c.id)
    first = (
        select(journal.c.book_day)
        .where(journal.c.programme_id == programme_id, moved)
        .order_by(journal.c.book_day, journal.c.id)
        .limit(1)
    )
    found: date | None = session.execute(first).scalar()
    return found


def _entries(session: ReadSession, *, programme_id: int, from_on: date, to_on: date) -> Iterator[Entry]:
    begins = date(from_on.year, 1, 1)
    if from_on == begins and (opened := _opening(session, programme_id=programme_id, on=begins)) is not None:
        yield opened
    writer = _Writer(
        said=bookkeeping.plan(session, programme_id=programme_id),
        papers=_Papers(session, programme_id),
        closed=_closed_orders(session, programme_id=programme_id, from_on=begins, to_on=to_on),
    )
    numbers: dict[str, int] = {}
    year = begins.year
    # From the year's first day, whatever was asked for: an entry's number counts those before it.
    for fact, moves in _facts(session, programme_id=programme_id, from_on=begins, to_on=to_on):
        if fact.on.year != year:
            year, numbers = fact.on.year, {}
        for part in bookkeeping.parts(fact.kind, moves):
            numbers[part.journal] = numbers.get(part.journal, 0) + 1
            if fact.on >= from_on:
                yield writer.entry(fact, part, number=numbers[part.journal])


# ── What is read ─────────────────────────────────────────────────────────────────────────────────────────────────
class _Fact(NamedTuple):
    """One journal of the ledger."""

    id: int
    on: date
    kind: str
    subject: str
    actor: str
    reason: str

    @property
    def owner(self) -> str:
        """What it is about: '17' of 'order:17', '2/12' of a settlement."""
        return self.subject.partition(":")[2]


def _facts(
    session: ReadSession, *, programme_id: int, from_on: date, to_on: date
) -> Iterator[tuple[_Fact, list[Move]]]:
    of_fact = (
        journal.c.id, journal.c.book_day, journal.c.kind, journal.c.subject, journal.c.actor, journal.c.reason,
    )  # fmt: skip
    rows = session.execute(
        select(*of_fact, posting.c.debit, posting.c.credit, posting.c.cents, posting.c.serial)
        .join(posting, and_(posting.c.programme_id == journal.c.programme_id, posting.c.journal_id == journal.c.id))
        .where(journal.c.programme_id == programme_id, journal.c.book_day.between(from_on, to_on))
        .order_by(journal.c.book_day, journal.c.id, posting.c.line),
        execution_options={"stream_results": True, "yield_per": _ROWS_AT_ONCE},
    )
    for _, lines in groupby(rows, key=itemgetter(0)):
        found = [tuple(row) for row in lines]
        yield _Fact(*found[0][: len(of_fact)]), [Move(*row[len(of_fact) :]) for row in found]


def _closed_orders(session: ReadSession, *, programme_id: int, from_on: date, to_on: date) -> dict[str, date]:
    """The receivables that nothing had touched before `from_on` and that stand at zero on `to_on` → their last day."""
    owed, given = posting.c.debit.startswith("receivable:"), posting.c.credit.startswith("receivable:")
    account = case((owed, posting.c.debit), else_=posting.c.credit)
    moved = (
        select(account, func.max(journal.c.book_day))
        .join(posting, and_(posting.c.programme_id == journal.c.programme_id, posting.c.journal_id == journal.c.id))
        .where(
            journal.c.programme_id == programme_id,
            journal.c.kind.in_(_OF_ORDERS),
            journal.c.book_day <= to_on,
            owed | given,
        )
        .group_by(account)
        .having(
            func.sum(case((owed, posting.c.cents), else_=-posting.c.cents)) == literal(0),
            func.min(journal.c.book_day) >= from_on,
        )
    )
    return {row[0]: row[1] for row in session.execute(moved)}


@dataclass(slots=True)
class _Papers:
    """What entries name as their piece: papers of the archive (of settlements run by run), lines of bank statements."""

    session: ReadSession
    programme_id: int
    invoices: dict[str, list[Row[Any]]] = field(default_factory=dict)
    credit_notes: dict[str, list[Row[Any]]] = field(default_factory=dict)
    transfers: dict[str, tuple[str, date]] = field(default_factory=dict)
    run: str = ""
    commissions: dict[str, Row[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kept, kinds in ((self.invoices, _BILLED), (self.credit_notes, tuple(CREDITS[kind] for kind in _BILLED))):
            for row in self._read(kinds, about="order:"):
                kept.setdefault(row.subject, []).append(row)
        lines = select(bank_line.c.number, bank_line.c.reference, bank_line.c.booked_on)
        for number, reference, on in self.session.execute(lines.where(bank_line.c.programme_id == self.programme_id)):
            self.transfers[f"bank_line:{number}"] = reference, on

    def invoiced(self, subject: str, kinds: frozenset[str], *, by: date) -> tuple[str, date] | None:
        """The invoice with which an order was first billed for its face value, or for its fee, until that day."""
        found = (row for row in self.invoices.get(subject, ()) if row.kind in kinds and row.issued_on <= by)
        return next(((row.name, row.issued_on) for row in found), None)

    def credited(self, subject: str, kinds: frozenset[str], *, after: int, by: date) -> tuple[str, date] | None:
        """The first credit note of such an invoice that was made after a fact, until that day."""
        notes = {CREDITS[kind] for kind in kinds}
        found = (
            row
            for row in self.credit_notes.get(subject, ())
            if row.kind in notes and row.journal_id > after and row.issued_on <= by
        )
        return next(((row.name, row.issued_on) for row in found), None)

    def commission(self, subject: str, *, by: date) -> tuple[str, date] | None:
        """The commission invoice of a settlement, or its credit note, made until that day."""
        run = subject.partition("/")[0]
        if run != self.run:
            rows = self._read(_COMMISSION, about=f"{run}/")
            self.run, self.commissions = run, {row.subject: row for row in reversed(rows)}
        found = self.commissions.get(subject)
        return None if found is None or found.issued_on > by else (found.name, found.issued_on)

    def day_of(self, journal_id: int) -> date:
        """The day of another fact."""
        wanted = (journal.c.programme_id == self.programme_id, journal.c.id == journal_id)
        day: date = self.session.execute(select(journal.c.book_day).where(*wanted)).scalar_one()
        return day

    def _read(self, kinds: tuple[str, ...], *, about: str) -> list[Row[Any]]:
        columns = (document.c.subject, document.c.kind, document.c.name, document.c.issued_on, document.c.journal_id)
        wanted = (
            document.c.programme_id == self.programme_id,
            document.c.kind.in_(kinds),
            document.c.subject.startswith(about),
        )
        return [*self.session.execute(select(*columns).where(*wanted).order_by(document.c.journal_id))]


# ── What is written ──────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class _Writer:
    """Makes entries of facts."""

    said: Plan
    papers: _Papers
    closed: dict[str, date]

    def entry(self, fact: _Fact, part: Part, *, number: int) -> Entry:
        piece, piece_on = self._piece(fact, part)
        own = _OWN_LABELS.get((fact.kind, part.what)) or _OWN_LABELS.get(part.what)
        said = (
            label(fact.kind, fact.subject, programme_id=self.papers.programme_id)
            if own is None
            else own.format(owner=fact.owner, statement=self._statement(fact, part))
        )
        return Entry(
            journal=part.journal,
            journal_name=JOURNALS[part.journal],
            number=number,
            on=fact.on,
            piece=piece,
            piece_on=piece_on,
            validated_on=fact.on,
            lines=tuple(self._lines(fact, part, said)),
            fact=fact.id,
            actor=fact.actor,
            reason=fact.reason,
        )

    def _lines(self, fact: _Fact, part: Part, said: str) -> Iterator[EntryLine]:
        """Debits, then credits: one line an account, but one a voucher on what circulates."""
        for side in ("debit", "credit"):
            added: dict[tuple[str, int | None], int] = {}
            for move in part.moves:
                account = move.debit if side == "debit" else move.credit
                key = account, move.serial if account == chart.FLOAT else None
                added[key] = added.get(key, 0) + move.cents
            for (account, serial), cents in added.items():
                on = self.said.of(account)
                letter, lettered_on = self._letter(fact, account)
                yield EntryLine(
                    account=on.number,
                    account_name=on.name,
                    owner=on.owner,
                    owner_name=on.owner_name,
                    label=said,
                    debit_cents=cents if side == "debit" else 0,
                    credit_cents=0 if side == "debit" else cents,
                    letter=letter,
                    lettered_on=lettered_on,
                    serial=serial,
                )

    def _letter(self, fact: _Fact, account: str) -> tuple[str, date | None]:
        word, _, owner = account.partition(":")
        if word == "client":
            return _letters(int(fact.owner.partition("/")[0])), fact.on
        if account in self.closed:
            return _letters(int(owner)), self.closed[account]
        return "", None

    def _piece(self, fact: _Fact, part: Part) -> tuple[str, date]:
        paper: tuple[str, date] | None = None
        billed = _OF_FEE if part.what == FEE else _OF_FACE_VALUE
        match fact.kind:
            case "order_approved":
                paper = self.papers.invoiced(fact.subject, billed, by=fact.on)
            case "order_cancelled" | "cancelled":
                order = part.moves[0].credit.partition(":")[2]
                paper = self.papers.credited(f"order:{order}", billed, after=fact.id, by=fact.on)
            case "settled":
                of_invoice = part.what in (COMMISSION, SET_OFF)
                paper = self.papers.commission(fact.subject, by=fact.on) if of_invoice else None
                paper = paper or (self._statement(fact, part), fact.on)
            case "run_executed":
                # The name of the bank file and that of a transfer in it: what the bank's statement repeats.
                paper = runs.message_id(self.papers.programme_id, int(fact.owner)), fact.on
            case "transfer_returned":
                paper = runs.end_to_end_id(self.papers.programme_id, *_settlement(fact, part)), fact.on
            case "reversed":
                # The piece of what it takes back, as a counter-entry cites it.
                paper = f"ACC-{fact.owner}", self.papers.day_of(int(fact.owner))
            case "money_received" | "bank_fees_taken":
                paper = self.papers.transfers.get(fact.subject)
            case "paid_back":
                # What went back is its subject; with which transfer, its reason.
                paper = self.papers.transfers.get(fact.reason)
            case "order_paid":
                paper = _transfer(fact.reason)
            case "redeemed" | "expired":
                paper = f"{_BY_JOURNAL[fact.kind]}-{fact.id}", fact.on
        if paper is not None:
            return paper
        thing, _, owner = fact.subject.partition(":")
        return f"{_PIECES.get(thing, 'FAIT')}-{owner.replace('/', '-')}", fact.on

    def _statement(self, fact: _Fact, part: Part) -> str:
        """The number of the statement that a settlement or a returned transfer is about; '' of anything else."""
        if fact.kind not in ("settled", "transfer_returned"):
            return ""
        return statement_name(self.papers.programme_id, *_settlement(fact, part))


def _settlement(fact: _Fact, part: Part) -> tuple[int, int]:
    """(run, merchant) that a settlement or a returned transfer is about."""
    run, _, merchant = fact.owner.partition("/")
    return int(run), int(merchant or part.moves[0].credit.partition(":")[2])


def _transfer(reason: str) -> tuple[str, date] | None:
    """The bank's name and the day of the transfer that a payment tells of; what a cancelled voucher made paid has a
    person's own words instead."""
    told = _TRANSFER.fullmatch(reason)
    with suppress(ValueError):
        return None if told is None else (told[2], date.fromisoformat(told[1]))
    return None


def _opening(session: ReadSession, *, programme_id: int, on: date) -> Entry | None:
    """What stood on the accounts before the year, None where nothing did."""
    said = f"À-nouveaux au {on:%d/%m/%Y}"
    stood = bookkeeping.opening(session, programme_id=programme_id, on=on)
    lines = [
        EntryLine(
            account=nominal.number,
            account_name=nominal.name,
            owner=nominal.owner,
            owner_name=nominal.owner_name,
            label=said,
            debit_cents=max(0, cents),
            credit_cents=max(0, -cents),
        )
        for nominal, cents in stood.items()
    ]
    if not lines:
        return None
    return Entry(
        journal=OPENING,
        journal_name=JOURNALS[OPENING],
        number=1,
        on=on,
        piece=f"AN-{on.year}",
        piece_on=on,
        validated_on=on,
        lines=tuple(lines),
        fact=None,
    )


def _letters(number: int) -> str:
    """A, B … Z, AA, AB …: the letter that lines about one order, or one payment run, share."""
    written = ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        written = chr(ord("A") + rest) + written
    return written
