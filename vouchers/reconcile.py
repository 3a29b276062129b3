"""Money in: a statement of the bank is taken line by line, and each line is told by a fact or set aside.

Nothing is taken twice: not a statement, not an entry that a notification or an overlapping statement brought before.
What pays an order, executes a run or brings a transfer back is posted by those verbs; here is what is the bank's alone:
money that waits for its order, fees, facts that somebody recorded before the statement came. Money that goes back to a
buyer: `repay.py`.

Accounts (plan comptable général): 512100 bank, 419100 received and not yet allotted, 627000 bank fees.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import func, select, update

from vouchers import bank_lines, chart, clock, identity, ledger, matching
from vouchers.bank_lines import BankLine, Told
from vouchers.bank_messages import BankNotification, BankStatement, Detail, Entry
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import (
    BadInput,
    FactElsewhere,
    IssuerAccountMissing,
    LineDecided,
    LineOtherWay,
    StatementDiffers,
    StatementKnown,
    StatementOfOtherAccount,
)
from vouchers.ledger import Fact, Move
from vouchers.money import MAX_CENTS
from vouchers.rules import rules, take_turn
from vouchers.tables import bank_line, bank_statement

REASON_CHARS: Final = 120


class _Known(NamedTuple):
    """What is in the books of a reference and day: all its statements together."""

    cents: int
    newest_part: int


_Brought = dict[tuple[str, date], _Known]
_RANK: Final = re.compile(r"(?<=.)#[0-9]+\Z")
"""By which the reader tells the entries of one statement apart that the bank gives one reference."""


# ── Taking a statement ───────────────────────────────────────────────────────────────────────────────────────────
def take_statement(
    session: WriteSession,
    *,
    programme_id: int,
    statement: BankStatement | BankNotification,
    sha256: str,
    actor: str,
    at: datetime,
) -> int:
    """Take a statement (camt.053) or a notification (camt.054); `sha256` is of its file, in hexadecimal. Its number.

    An entry is known by the bank's reference, its day and its sum, whatever details it comes with this time. Refuses,
    in order: `NotFound`, `IssuerAccountMissing`, `StatementOfOtherAccount`, `BadInput` (its balances and entries, or
    one of its amounts), `StatementKnown`, `StatementDiffers`. A gap to the statement before is shown, not refused.
    """
    ours = rules(session, programme_id=programme_id).issuer_iban
    if ours is None:
        raise IssuerAccountMissing
    if statement.iban != ours:
        raise StatementOfOtherAccount(theirs=statement.iban[-4:], ours=ours[-4:])
    _refuse_wrong_sums(statement)
    take_turn(session, programme_id=programme_id)
    known, fresh, seen = _sorted(session, programme_id=programme_id, entries=statement.entries)
    from_on, to_on = _days(statement)
    named, before = _name(statement), _taken_as(session, programme_id, statement.iban, _name(statement))
    if before is not None and before.to_on.year != to_on.year:
        # Some banks number their statements anew each year.
        named = f"{named} ({to_on.year})"
        before = _taken_as(session, programme_id, statement.iban, named)
    opening, closing = _balances(statement)
    if before is not None:
        if fresh or (before.opening_cents, before.closing_cents) != (opening, closing):
            raise StatementDiffers(number=before.number, statement=named)
        raise StatementKnown(number=before.number, statement=named)

    # From here it must succeed.
    number = _next(session, bank_statement.c.number, programme_id=programme_id)
    session.execute(
        bank_statement.insert().values(
            programme_id=programme_id,
            number=number,
            iban=statement.iban,
            statement_id=named,
            version=statement.version,
            made_at=statement.made_at,
            from_on=from_on,
            to_on=to_on,
            opening_cents=opening,
            closing_cents=closing,
            known_lines=len(seen),
            known_cents=sum(entry.cents for entry in seen),
            sha256=sha256,
            taken_by=actor,
            taken_at=at,
        )
    )
    first = _next(session, bank_line.c.number, programme_id=programme_id)
    rows = [
        {"programme_id": programme_id, "number": first + rank, "statement_number": number, "state": "open", **row}
        for rank, row in enumerate(_rows(fresh, known))
    ]
    for start in range(0, len(rows), bank_lines.AT_ONCE):
        session.execute(bank_line.insert(), rows[start : start + bank_lines.AT_ONCE])
    said = f"{sha256} {len(rows)}+{len(seen)}"
    fact = Fact("bank_statement_taken", at, actor, f"bank_statement:{number}", said)
    ledger.post(session, programme_id=programme_id, fact=fact)
    return number


def _taken_as(session: ReadSession, programme_id: int, iban: str, named: str) -> Any:
    known = select(
        bank_statement.c.number, bank_statement.c.to_on, bank_statement.c.opening_cents, bank_statement.c.closing_cents
    )
    return session.execute(
        known.where(
            bank_statement.c.programme_id == programme_id,
            bank_statement.c.iban == iban,
            bank_statement.c.statement_id == named,
        )
    ).first()


def _refuse_wrong_sums(statement: BankStatement | BankNotification) -> None:
    opening, closing = _balances(statement)
    if opening is not None and closing is not None:
        computed = opening + sum(entry.cents for entry in statement.entries)
        if computed != closing:
            raise BadInput(
                field="file",
                problem="bank_balance",
                statement=_name(statement),
                opening_cents=opening,
                computed_cents=computed,
                closing_cents=closing,
                gap_cents=abs(closing - computed),
            )
    for entry in statement.entries:
        if any(abs(cents) > MAX_CENTS for cents in (entry.cents, *(detail.cents for detail in entry.details))):
            raise BadInput(field="file", problem="amount_range", least_cents=0, most_cents=MAX_CENTS)


def _name(statement: BankStatement | BankNotification) -> str:
    """The bank's name for it; the pages of a long one are told apart."""
    if isinstance(statement, BankNotification):
        return statement.notification_id
    whole = statement.page in (None, 1) and statement.last_page
    return statement.statement_id if whole else f"{statement.statement_id}/{statement.page or 1}"


def _balances(statement: BankStatement | BankNotification) -> tuple[int | None, int | None]:
    if isinstance(statement, BankNotification):
        return None, None
    return statement.opening_cents, statement.closing_cents


def _days(statement: BankStatement | BankNotification) -> tuple[date, date]:
    if isinstance(statement, BankStatement):
        return min(statement.from_on, statement.to_on), statement.to_on
    days = [entry.booked_on for entry in statement.entries] or [clock.book_day(statement.made_at)]
    return min(days), max(days)


def _next(session: ReadSession, number: Any, *, programme_id: int) -> int:
    newest = select(func.coalesce(func.max(number), 0)).where(number.table.c.programme_id == programme_id)
    return int(session.execute(newest).scalar_one()) + 1


def _sorted(
    session: ReadSession, *, programme_id: int, entries: Collection[Entry]
) -> tuple[_Brought, list[Entry], list[Entry]]:
    """What is in the books of these days; of the entries that move anything, those that are new and those known.

    An entry is known as often as statements brought it, by its reference without the reader's rank: two entries under
    one reference may come by one notice each. A batch is known too where its parts came apart.
    """
    moving = [entry for entry in entries if any(detail.cents for detail in entry.details)]
    days = [entry.booked_on for entry in moving]
    rows = session.execute(
        select(
            bank_line.c.reference,
            bank_line.c.booked_on,
            func.sum(bank_line.c.cents).label("cents"),
            func.max(bank_line.c.part).label("newest_part"),
        )
        .where(
            bank_line.c.programme_id == programme_id,
            bank_line.c.booked_on.between(min(days, default=date.max), max(days, default=date.max)),
        )
        .group_by(bank_line.c.reference, bank_line.c.booked_on, bank_line.c.statement_number)
    )
    brought: _Brought = {}
    times: Counter[tuple[str, date, int]] = Counter()
    for row in rows:
        before = brought.get((row.reference, row.booked_on), _Known(0, 0))
        newest = max(before.newest_part, row.newest_part)
        brought[row.reference, row.booked_on] = _Known(before.cents + int(row.cents), newest)
        times[_unranked(row.reference), row.booked_on, int(row.cents)] += 1
    fresh: list[Entry] = []
    seen: list[Entry] = []
    for entry in moving:
        key = _unranked(entry.reference), entry.booked_on, entry.cents
        together = brought.get((entry.reference, entry.booked_on))
        is_known = times[key] > 0 or (together is not None and together.cents == entry.cents)
        times[key] -= 1
        (seen if is_known else fresh).append(entry)
    return brought, fresh, seen


def _unranked(reference: str) -> str:
    return _RANK.sub("", reference)


def _rows(entries: Iterable[Entry], known: _Brought) -> Iterator[dict[str, Any]]:
    for entry in entries:
        before = known.get((entry.reference, entry.booked_on))
        first = 1 if before is None else before.newest_part + 1
        moved = [detail for detail in entry.details if detail.cents != 0]
        for part, detail in enumerate(moved, first):
            yield _row(entry, detail, part=part)


def _row(entry: Entry, detail: Detail, *, part: int) -> dict[str, Any]:
    words = [detail.text or entry.text]
    if detail.on_behalf_of and detail.counterpart and detail.on_behalf_of != detail.counterpart:
        words.append(detail.counterpart)
    if detail.return_info:
        words.append(detail.return_info)
    ours = [name for name in detail.message_ids if matching.run_of(name) is not None]
    back = detail.end_to_end_id is not None and matching.returned_settlement(detail.end_to_end_id) is not None
    return {
        "reference": entry.reference,
        "part": part,
        "cents": detail.cents,
        "booked_on": entry.booked_on,
        "value_on": entry.value_on,
        "name": detail.on_behalf_of or detail.counterpart,
        "iban": detail.counterpart_iban,
        "rf": detail.rf,
        "text": " · ".join(word for word in words if word),
        "end_to_end_id": detail.end_to_end_id,
        "message_id": ours[0] if ours else detail.message_id,
        # A bank that undoes a transfer of ours without saying why still gives the money back.
        "return_reason": detail.return_code or ("NARR" if back and detail.cents > 0 else None),
    }


# ── What is the bank's alone ─────────────────────────────────────────────────────────────────────────────────────
def receive(session: WriteSession, *, programme_id: int, line_number: int, actor: str, at: datetime) -> BankLine:
    """Money that came in, nobody knows yet for what: it waits to be allotted.

    Refuses `NotFound`, `LineDecided`, `LineOtherWay` (it went out).
    """
    line = bank_lines.decide(session, programme_id=programme_id, number=line_number, actor=actor, at=at)
    if line.cents < 0:
        raise LineOtherWay(number=line_number)
    moves = [Move(chart.BANK, chart.UNALLOCATED, line.cents)]
    fact = Fact("money_received", at, actor, bank_lines.subject(line_number), "", moves)
    return _told(session, line=line, fact=fact, cents=line.cents)


def take_fees(session: WriteSession, *, programme_id: int, line_number: int, actor: str, at: datetime) -> BankLine:
    """What the bank took for itself. Refuses `NotFound`, `LineDecided`, `LineOtherWay` (it came in)."""
    line = bank_lines.decide(session, programme_id=programme_id, number=line_number, actor=actor, at=at)
    if line.cents > 0:
        raise LineOtherWay(number=line_number)
    return _told(session, line=line, fact=_fees(line, cents=-line.cents, actor=actor, at=at), cents=-line.cents)


def recognise(
    session: WriteSession,
    *,
    programme_id: int,
    line_numbers: Collection[int],
    journal_ids: Collection[int],
    actor: str,
    at: datetime,
    kept_cents: int = 0,
) -> list[BankLine]:
    """Facts that were recorded before the statement came are these lines': nothing is posted again.

    One line may be several facts, several lines one fact, all of one way: in, or out. `kept_cents`: what the bank took
    for itself of one transfer of ours that came back. Refuses `BadInput` (kept_cents), `NotFound`, `LineDecided`,
    `FactElsewhere` (told by another line, or not of this amount and way).
    """
    refuse_no_fee(kept_cents)
    lines = [
        bank_lines.decide(session, programme_id=programme_id, number=number, actor=actor, at=at)
        for number in sorted(line_numbers)
    ]
    whole = sum(line.cents for line in lines) + kept_cents
    facts = bank_lines.refuse_seen(session, programme_id=programme_id, journal_ids=journal_ids, cents=whole)
    of_one_way = len({fact.cents > 0 for fact in facts} | {line.cents > 0 for line in lines}) == 1
    came_back = [fact.kind for fact in facts] == ["transfer_returned"] and len(lines) == 1
    if not of_one_way or (kept_cents and not came_back) or (len(facts) > 1 and len(lines) > 1):
        raise FactElsewhere(cents=abs(whole))
    for line in lines:
        told = (
            [Told(fact.journal_id, abs(fact.cents)) for fact in facts]
            if len(lines) == 1
            else [Told(facts[0].journal_id, abs(line.cents))]
        )
        bank_lines.match(session, line=line, told=told, means="recorded")
    keep_fees(session, line=lines[0], cents=kept_cents, actor=actor, at=at)
    return lines


def refuse_no_fee(kept_cents: int) -> None:
    """Refuses `BadInput` for more than a bank keeps: who could write off more would hide money that never came."""
    most = bank_lines.MOST_KEPT_CENTS
    if not 0 <= kept_cents <= most:
        raise BadInput(field="kept_cents", problem="amount_range", least_cents=0, most_cents=most)


def keep_fees(session: WriteSession, *, line: BankLine, cents: int, actor: str, at: datetime) -> None:
    """What the bank took for itself, 0 or more, before it gave back a transfer of ours, of which a line told."""
    if cents:
        _told(session, line=line, fact=_fees(line, cents=cents, actor=actor, at=at), cents=cents)


def _fees(line: BankLine, *, cents: int, actor: str, at: datetime) -> Fact:
    moves = [Move(chart.BANK_FEES, chart.BANK, cents)]
    return Fact("bank_fees_taken", at, actor, bank_lines.subject(line.number), "", moves)


def _told(session: WriteSession, *, line: BankLine, fact: Fact, cents: int) -> BankLine:
    journal_id = ledger.post(session, programme_id=line.programme_id, fact=fact)
    bank_lines.match(session, line=line, told=[Told(journal_id, cents)], means="hand")
    return line


# ── Set aside, opened again ──────────────────────────────────────────────────────────────────────────────────────
def set_aside(
    session: WriteSession, *, programme_id: int, line_number: int, because: str, actor: str, at: datetime
) -> BankLine:
    """Not of this programme, and why. Refuses `BadInput` (because), `NotFound`, `LineDecided`."""
    why = identity.name(because, field="because", most=REASON_CHARS)
    line = bank_lines.decide(
        session, programme_id=programme_id, number=line_number, actor=actor, at=at, state="set_aside", because=why
    )
    fact = Fact("bank_line_set_aside", at, actor, bank_lines.subject(line_number), why)
    ledger.post(session, programme_id=programme_id, fact=fact)
    return line


def reopen(session: WriteSession, *, programme_id: int, line_number: int, actor: str, at: datetime) -> BankLine:
    """A line that was set aside is to be decided after all. Refuses `NotFound`, `LineDecided` (it is not aside)."""
    opened = session.execute(
        update(bank_line)
        .where(
            bank_line.c.programme_id == programme_id,
            bank_line.c.number == line_number,
            bank_line.c.state == "set_aside",
        )
        .values(state="open", because=None, decided_by=None, decided_at=None)
    ).rowcount
    line = bank_lines.find(session, programme_id=programme_id, number=line_number)
    if opened == 0:
        raise LineDecided(number=line_number, state=line.state)
    fact = Fact("bank_line_reopened", at, actor, bank_lines.subject(line_number))
    ledger.post(session, programme_id=programme_id, fact=fact)
    return line
