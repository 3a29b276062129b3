"""The books as they are read: the trial balances, every fact, the life of one voucher. Entries: `accounting.py`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Row, Select, and_, func, select

from vouchers import bookkeeping, chart, ledger
from vouchers.db import ReadSession
from vouchers.errors import NotFound
from vouchers.fact_words import label
from vouchers.paper_settings import account_numbers
from vouchers.rules import rules
from vouchers.tables import batch, dispute, journal, merchant, posting, voucher, voucher_order


# ── The trial balance ────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class AccountTotals:
    """One account: its number and name as the programme sets them, all it was debited and credited."""

    account: str
    number: str
    name: str
    debit_cents: int
    credit_cents: int


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """Every account that was moved, by number; both totals are the same, by the form of a posting."""

    accounts: tuple[AccountTotals, ...]
    debit_cents: int
    credit_cents: int


def trial_balance(
    session: ReadSession,
    *,
    programme_id: int,
    upto_journal: int = ledger.MAX_JOURNAL,
    numbers: Mapping[str, tuple[str, str]] | None = None,
) -> TrialBalance:
    """The balance of every account of the ledger, now or as it was after a journal.

    `numbers`: those and the names that accounts had on an earlier paper, where they are not to be today's.
    """
    numbers = account_numbers(session, programme_id=programme_id) if numbers is None else numbers
    accounts = tuple(
        sorted(
            (
                AccountTotals(account, *_described(account, numbers), moved.debit_cents, moved.credit_cents)
                for account, moved in ledger.turnovers(
                    session, programme_id=programme_id, upto_journal=upto_journal
                ).items()
            ),
            key=lambda row: (row.number, _owner(row.account), row.account),
        )
    )
    return TrialBalance(accounts, sum(row.debit_cents for row in accounts), sum(row.credit_cents for row in accounts))


def _described(account: str, numbers: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    word, _, owner = account.partition(":")
    number, name = numbers[word]
    return number, f"{name} {owner}" if owner else name


def _owner(account: str) -> int:
    return int(account.partition(":")[2] or 0)


@dataclass(frozen=True, slots=True)
class YearTotals:
    """One account of a bookkeeper's trial balance; `owner` is its auxiliary account ('C0001', 'M0012'), or empty.

    `opening_cents` and `closing_cents`: above zero on the debit side, below on the credit side.
    """

    number: str
    name: str
    owner: str
    owner_name: str
    opening_cents: int
    debit_cents: int
    credit_cents: int

    @property
    def closing_cents(self) -> int:
        """What stands at the end."""
        return self.opening_cents + self.debit_cents - self.credit_cents


def year_balance(session: ReadSession, *, programme_id: int, year: int, to_on: date) -> tuple[YearTotals, ...]:
    """What the entries of `year` up to `to_on` add up to, by number and owner: opening, moved, closing.

    The sums of a FEC of the same days (`accounting.entries`), its opening apart. Refuses `NotFound` (programme).
    """
    rules(session, programme_id=programme_id)
    begins = date(year, 1, 1)
    opened = bookkeeping.opening(session, programme_id=programme_id, on=begins)
    moved = bookkeeping.sums(session, programme_id=programme_id, from_on=begins, to_on=to_on)
    nothing = bookkeeping.Sums(0, 0)
    return tuple(
        YearTotals(*nominal, opened.get(nominal, 0), *moved.get(nominal, nothing))
        for nominal in sorted(opened.keys() | moved.keys())
    )


# ── Facts ────────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Fact:
    """One business fact, whether or not money moved; `cents` of all its postings."""

    journal: int
    at: datetime
    kind: str
    label: str
    actor: str
    subject: str
    reason: str
    cents: int


def facts(
    session: ReadSession,
    *,
    programme_id: int,
    before: int | None,
    limit: int,
    kinds: Sequence[str] = (),
    subject: str | None = None,
) -> list[Fact]:
    """The trail of facts, newest first, `limit` at most; `before` is the last journal number already seen.

    `kinds` and `subject` ('voucher:12') narrow it; no kinds are all kinds.
    """
    found = _facts(programme_id=programme_id).order_by(journal.c.id.desc()).limit(limit)
    if before is not None:
        found = found.where(journal.c.id < before)
    if kinds:
        found = found.where(journal.c.kind.in_(list(kinds)))
    if subject is not None:
        found = found.where(journal.c.subject == subject)
    return [_fact(row, programme_id=programme_id) for row in session.execute(found)]


def _facts(*, programme_id: int) -> Select[Any]:
    moved = (
        select(func.coalesce(func.sum(posting.c.cents), 0))
        .where(posting.c.programme_id == journal.c.programme_id, posting.c.journal_id == journal.c.id)
        .scalar_subquery()
    )
    return select(
        journal.c.id,
        journal.c.at,
        journal.c.kind,
        journal.c.actor,
        journal.c.subject,
        journal.c.reason,
        moved.label("cents"),
    ).where(journal.c.programme_id == programme_id)


def _fact(row: Row[Any], *, programme_id: int) -> Fact:
    said = label(row.kind, row.subject, programme_id=programme_id)
    return Fact(row.id, row.at, row.kind, said, row.actor, row.subject, row.reason, int(row.cents))


# ── One voucher ──────────────────────────────────────────────────────────────────────────────────────────────────
OF_USE: Final = frozenset({"redeemed", "reversed", "disputed", "guaranteed", "dispute_dismissed"})
"""Facts that tell where or when a voucher was spent: never for a buyer."""
_REASONED: Final = OF_USE | {"blocked", "unblocked", "cancelled", "replaced", "extended"}


@dataclass(frozen=True, slots=True)
class Step:
    """One fact in a voucher's life. `cents`: what it put on the voucher, below zero what it took; 0 if nothing moved.

    `reason` as a person gave it; on `extended` the two days, on `disputed` the refusal's, else empty. `shop_name` on a
    redemption, its reversal and a dispute: for the chamber and the auditor.
    """

    journal: int
    at: datetime
    kind: str
    label: str
    actor: str
    reason: str
    cents: int
    shop_name: str | None


@dataclass(frozen=True, slots=True)
class Life:
    """A voucher as it stands and the facts about it, its batch and its disputes, oldest first.

    `replaces` and `replaced_by` are serials: the same money on other paper.
    """

    serial: int
    batch_number: int
    order_number: int
    face_cents: int
    balance_cents: int
    state: str
    expires_on: date
    replaces: int | None
    replaced_by: int | None
    steps: tuple[Step, ...]


def life_of(session: ReadSession, *, programme_id: int, serial: int, uses: bool = True) -> Life:
    """What ever happened to one voucher; without its `uses`, nothing of where or when it was spent or disputed.

    Refuses `NotFound`.
    """
    row = session.execute(
        select(voucher, batch.c.order_number, batch.c.first_serial, batch.c.begun_at)
        .join(batch, and_(batch.c.programme_id == voucher.c.programme_id, batch.c.number == voucher.c.batch_number))
        .where(voucher.c.programme_id == programme_id, voucher.c.serial == serial)
    ).first()
    if row is None:
        raise NotFound(what="voucher", id=serial)
    replaced_by = session.execute(
        select(voucher.c.serial).where(voucher.c.programme_id == programme_id, voucher.c.replaces_serial == serial)
    ).scalar()
    moved = _moved(session, programme_id=programme_id, serial=serial)
    shops = _disputed(session, programme_id=programme_id, serial=serial)
    own = [f"voucher:{serial}", f"batch:{row.batch_number}", *shops]
    named = select(journal.c.id).where(journal.c.programme_id == programme_id, journal.c.subject.in_(own))
    numbers = {*moved, *session.execute(named).scalars()}
    found = session.execute(
        _facts(programme_id=programme_id).where(journal.c.id.in_(sorted(numbers))).order_by(journal.c.id)
    ).all()
    steps = []
    for fact in found:
        if not uses and fact.kind in OF_USE:
            continue
        cents, shop_name = moved.get(fact.id, (0, shops.get(fact.subject)))
        if fact.id not in moved and fact.subject == own[1]:
            if not _reached(fact, serial=serial, replaces=row.replaces_serial is not None, born=min(moved, default=0)):
                continue
            cents = row.face_cents if fact.kind == "issued" else 0
        said = label(fact.kind, fact.subject, programme_id=programme_id)
        steps.append(Step(fact.id, fact.at, fact.kind, said, fact.actor, _reason(fact), cents, shop_name))
    return Life(
        serial=serial,
        batch_number=row.batch_number,
        order_number=row.order_number,
        face_cents=row.face_cents,
        balance_cents=row.balance_cents,
        state=row.state,
        expires_on=row.expires_on,
        replaces=row.replaces_serial,
        replaced_by=replaced_by,
        steps=tuple(steps),
    )


def buyers_of(session: ReadSession, *, programme_id: int, serials: Sequence[int]) -> dict[int, int]:
    """Buyer → how many of these vouchers it ordered, in one query; a serial that nobody issued counts nowhere."""
    rows = session.execute(
        select(voucher_order.c.buyer_id, func.count())
        .select_from(voucher)
        .join(batch, and_(batch.c.programme_id == voucher.c.programme_id, batch.c.number == voucher.c.batch_number))
        .join(
            voucher_order,
            and_(voucher_order.c.programme_id == batch.c.programme_id, voucher_order.c.number == batch.c.order_number),
        )
        .where(voucher.c.programme_id == programme_id, voucher.c.serial.in_(sorted(set(serials))))
        .group_by(voucher_order.c.buyer_id)
    )
    return {row[0]: row[1] for row in rows}


def _reason(fact: Row[Any]) -> str:
    """Why, for people: what the house notes for itself (the witness of an issue, a count) is left out."""
    if fact.kind == "disputed":
        return str(fact.reason.partition(" ")[0])
    return str(fact.reason) if fact.kind in _REASONED else ""


def _disputed(session: ReadSession, *, programme_id: int, serial: int) -> dict[str, str]:
    """Subject of each dispute about a voucher → the shop that brought it."""
    found = (
        select(dispute.c.number, merchant.c.shop_name)
        .join(merchant, and_(merchant.c.programme_id == dispute.c.programme_id, merchant.c.id == dispute.c.merchant_id))
        .where(dispute.c.programme_id == programme_id, dispute.c.serial == serial)
    )
    return {f"dispute:{number}": shop_name for number, shop_name in session.execute(found)}


def _reached(fact: Row[Any], *, serial: int, replaces: bool, born: int) -> bool:
    """Whether a fact about a batch is one about this voucher of it. A replacement is of its batch, but came later."""
    if replaces:
        return bool(fact.kind == "extended" and fact.id > born)
    if fact.kind != "issued":
        return True
    # The reason of an issue is its run of serials, '2001-4000': the fund of a chunk is one posting.
    first, _, last = fact.reason.partition(" ")[0].partition("-")
    return int(first) <= serial <= int(last)


def _moved(session: ReadSession, *, programme_id: int, serial: int) -> dict[int, tuple[int, str | None]]:
    """Journal → (cents put on the voucher, shop where it was used)."""
    rows = session.execute(
        select(posting.c.journal_id, posting.c.debit, posting.c.credit, posting.c.cents).where(
            posting.c.programme_id == programme_id, posting.c.serial == serial
        )
    ).all()
    others = {row.credit if row.debit == chart.FLOAT else row.debit for row in rows}
    shops = {
        chart.merchant(number): shop_name
        for number, shop_name in session.execute(
            select(merchant.c.id, merchant.c.shop_name).where(
                merchant.c.programme_id == programme_id,
                merchant.c.id.in_([_owner(account) for account in others if chart.kind_of(account) == "merchant"]),
            )
        )
    }
    return {
        row.journal_id: (-row.cents, shops.get(row.credit))
        if row.debit == chart.FLOAT
        else (row.cents, shops.get(row.debit))
        for row in rows
    }
