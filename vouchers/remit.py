"""Paper that a shop without a phone posts, with its slip: opened, scanned voucher by voucher, closed.

A voucher that is taken is a redemption like any other (`redeem`, at the door) by whoever scanned it, save that it was
made at no till and that its last day is judged by the last day on which the shop took any (`spent_on`, of the slip).
So paper spent in time is good until the programme's presentation deadline, and never after it. The shop is judged by
that day too: suspended since, it is credited, for it gave goods in good standing, and settlements carry what it is owed
until it is restored; suspended then, it is not, even restored since. No day makes good a voucher not yet active on it.

What is refused is kept beside what was taken, with its reason, so that the difference to the slip can be explained.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Select, and_, func, select, update

from vouchers import clock, identity, ledger
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import (
    AlreadyInPile,
    BadInput,
    MerchantSuspended,
    NotFound,
    NothingToUndo,
    PresentationOver,
    Refusal,
    RemittanceClosed,
    VoucherNotActive,
    refusal_of,
)
from vouchers.ledger import Fact
from vouchers.money import MAX_CENTS
from vouchers.rules import rules, take_turn
from vouchers.tables import batch, journal, merchant, remittance, remitted, reversal, voucher

MOST_ON_A_SLIP: Final = 100_000
REMARK_CHARS: Final = 300


@dataclass(frozen=True, slots=True)
class Remittance:
    """One pile. `count` and `cents`: what was taken and not undone since; `refused_*`: what was not taken."""

    number: int
    merchant_id: int
    shop_name: str
    state: str
    slip_count: int
    slip_cents: int
    spent_on: date
    opened_by: str
    opened_at: datetime
    closed_by: str | None
    closed_at: datetime | None
    remark: str | None
    count: int
    cents: int
    refused_count: int
    refused_cents: int


@dataclass(frozen=True, slots=True)
class Scanned:
    """One paper of a pile: redeemed (`undone` since, or not), or refused and why."""

    line: int
    serial: int | None
    cents: int
    redemption_id: int | None
    undone: bool
    refusal: Refusal | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next paper goes, and how it is judged: `line` of the pile; `accepted_at` within the slip's last day."""

    programme_id: int
    number: int
    merchant_id: int
    line: int
    accepted_at: datetime


# ── The pile ─────────────────────────────────────────────────────────────────────────────────────────────────────
def open_remittance(
    session: WriteSession,
    *,
    programme_id: int,
    merchant_id: int,
    slip_count: int,
    slip_cents: int,
    spent_on: date,
    actor: str,
    at: datetime,
) -> Remittance:
    """Open a pile for a shop. `spent_on`: the last day on which the shop took any of it.

    Refuses, in order: `BadInput` (slip_count, slip_cents, spent_on: to come, or before the programme starts),
    `NotFound`.
    """
    if not 0 <= slip_count <= MOST_ON_A_SLIP:
        raise BadInput(field="slip_count", problem="range", least=0, most=MOST_ON_A_SLIP)
    if not 0 <= slip_cents <= MAX_CENTS:
        raise BadInput(field="slip_cents", problem="amount_range", least_cents=0, most_cents=MAX_CENTS)
    if spent_on > clock.book_day(at):
        raise BadInput(field="spent_on", problem="in_the_future")
    if spent_on < rules(session, programme_id=programme_id).starts_on:
        raise BadInput(field="spent_on", problem="before_the_start")
    known = select(merchant.c.id).where(merchant.c.programme_id == programme_id, merchant.c.id == merchant_id)
    if session.execute(known).first() is None:
        raise NotFound(what="merchant", id=merchant_id)

    # From here it must succeed.
    take_turn(session, programme_id=programme_id)
    newest = select(func.coalesce(func.max(remittance.c.number), 0)).where(remittance.c.programme_id == programme_id)
    number = int(session.execute(newest).scalar_one()) + 1
    session.execute(
        remittance.insert().values(
            programme_id=programme_id,
            number=number,
            merchant_id=merchant_id,
            state="open",
            slip_count=slip_count,
            slip_cents=slip_cents,
            spent_on=spent_on,
            opened_by=actor,
            opened_at=at,
        )
    )
    said = f"merchant:{merchant_id} {slip_count} {slip_cents} {spent_on.isoformat()}"
    _record(session, programme_id=programme_id, number=number, kind="remittance_opened", actor=actor, at=at, said=said)
    return find_remittance(session, programme_id=programme_id, number=number)


def close_remittance(
    session: WriteSession, *, programme_id: int, number: int, remark: str | None, actor: str, at: datetime
) -> Remittance:
    """Close a pile. Where it is not what the slip says, a remark must explain it.

    Refuses, in order: `NotFound`, `RemittanceClosed`, `BadInput` (remark).
    """
    _held_open(session, programme_id=programme_id, number=number)
    pile = find_remittance(session, programme_id=programme_id, number=number)
    unlike = (pile.count, pile.cents) != (pile.slip_count, pile.slip_cents)
    if unlike and remark is None:
        raise BadInput(field="remark", problem="missing")
    why = None if remark is None else identity.name(remark, field="remark", most=REMARK_CHARS)
    closed = session.execute(
        update(remittance)
        .where(remittance.c.programme_id == programme_id, remittance.c.number == number, remittance.c.state == "open")
        .values(state="closed", closed_by=actor, closed_at=at, remark=why)
    )
    assert closed.rowcount == 1, number
    kind = "remittance_closed"
    _record(session, programme_id=programme_id, number=number, kind=kind, actor=actor, at=at, said=why or "-")
    return find_remittance(session, programme_id=programme_id, number=number)


def find_remittance(session: ReadSession, *, programme_id: int, number: int) -> Remittance:
    """One pile with its running totals. Refuses `NotFound`."""
    row = session.execute(
        _piles(programme_id, number).where(remittance.c.programme_id == programme_id, remittance.c.number == number)
    ).first()
    if row is None:
        raise NotFound(what="remise", id=number)
    return _pile(row)


def remittances_of(
    session: ReadSession,
    *,
    programme_id: int,
    merchant_ids: frozenset[int] | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Remittance]:
    """The piles of a programme, or of these shops, newest first; `before` is the last number already seen."""
    found = _piles(programme_id).where(remittance.c.programme_id == programme_id)
    if merchant_ids is not None:
        found = found.where(remittance.c.merchant_id.in_(sorted(merchant_ids)))
    if before is not None:
        found = found.where(remittance.c.number < before)
    return [_pile(row) for row in session.execute(found.order_by(remittance.c.number.desc()).limit(limit))]


def scanned_of(
    session: ReadSession, *, programme_id: int, number: int, limit: int = 200, refused_only: bool = False
) -> list[Scanned]:
    """The papers of a pile, the last one first."""
    found = (
        select(
            remitted.c.line,
            remitted.c.serial,
            remitted.c.cents,
            remitted.c.redemption_id,
            remitted.c.refused,
            remitted.c.at,
            reversal.c.serial.is_not(None).label("undone"),
        )
        .outerjoin(reversal, _undone())
        .where(remitted.c.programme_id == programme_id, remitted.c.remittance_number == number)
        .order_by(remitted.c.line.desc())
        .limit(limit)
    )
    if refused_only:
        found = found.where(remitted.c.refused.is_not(None))
    return [
        Scanned(
            *(row.line, row.serial, row.cents, row.redemption_id),
            undone=bool(row.undone),
            refusal=None if row.refused is None else _refusal(row.refused),
            at=row.at,
        )
        for row in session.execute(found)
    ]


# ── One paper ────────────────────────────────────────────────────────────────────────────────────────────────────
def bring(
    session: WriteSession,
    *,
    programme_id: int,
    number: int,
    code_hash: bytes | None,
    serial: int | None,
    control_hash: bytes | None,
    at: datetime,
) -> Place:
    """Take the next place of an open pile for a paper, held to the end of the transaction: redeem it, then keep it.

    Refuses, in order: `NotFound`, `RemittanceClosed`, `AlreadyInPile`, `PresentationOver`, `VoucherNotActive` (on the
    slip's last day), `MerchantSuspended` (that day).
    """
    merchant_id, spent_on = _held_open(session, programme_id=programme_id, number=number)
    which = (
        (voucher.c.code_hash == code_hash,)
        if code_hash is not None
        else (voucher.c.serial == (serial or 0), voucher.c.control_hash == (control_hash or b""))
    )
    paper = session.execute(
        select(voucher.c.serial, voucher.c.expires_on, voucher.c.replaces_serial, batch.c.activated_at)
        .join(batch, and_(batch.c.programme_id == voucher.c.programme_id, batch.c.number == voucher.c.batch_number))
        .where(voucher.c.programme_id == programme_id, *which)
    ).first()
    if paper is not None:
        there = (
            select(remitted.c.line)
            .outerjoin(reversal, _undone())
            .where(
                remitted.c.programme_id == programme_id,
                remitted.c.remittance_number == number,
                remitted.c.serial == paper.serial,
                remitted.c.redemption_id.is_not(None),
                reversal.c.serial.is_(None),
            )
        )
        if session.execute(there).first() is not None:
            raise AlreadyInPile(serial=paper.serial)
        last_on = max(paper.expires_on, rules(session, programme_id=programme_id).presentation_deadline_on)
        if clock.book_day(at) > last_on:
            raise PresentationOver(serial=paper.serial, last_on=last_on.isoformat())
        active_on = _active_on(session, programme_id=programme_id, paper=paper)
        if active_on is not None and active_on > spent_on:
            raise VoucherNotActive(serial=paper.serial)
    if not _stood(session, programme_id=programme_id, merchant_id=merchant_id, on=spent_on):
        raise MerchantSuspended
    return Place(
        programme_id=programme_id,
        number=number,
        merchant_id=merchant_id,
        line=_next_line(session, programme_id=programme_id, number=number),
        accepted_at=clock.starts(spent_on),
    )


def keep_taken(
    session: WriteSession, *, place: Place, serial: int, cents: int, redemption_id: int, at: datetime
) -> None:
    """The paper at its place, as the redemption that it became."""
    session.execute(
        remitted.insert().values(
            programme_id=place.programme_id,
            remittance_number=place.number,
            line=place.line,
            serial=serial,
            cents=cents,
            redemption_id=redemption_id,
            refused=None,
            at=at,
        )
    )


def keep_refused(session: WriteSession, *, programme_id: int, number: int, refusal: Refusal, at: datetime) -> Scanned:
    """The paper at the pile's end, and why it was not taken: `cents` is its face value, 0 of no voucher of ours."""
    _held_open(session, programme_id=programme_id, number=number)
    line = _next_line(session, programme_id=programme_id, number=number)
    named = refusal.data.get("serial")
    serial = named if isinstance(named, int) else None
    face = select(voucher.c.face_cents).where(voucher.c.programme_id == programme_id, voucher.c.serial == serial)
    cents = 0 if serial is None else int(session.execute(face).scalar_one())
    kept = json.dumps({"reason": refusal.reason, "data": refusal.data}, ensure_ascii=False, separators=(",", ":"))
    session.execute(
        remitted.insert().values(
            programme_id=programme_id,
            remittance_number=number,
            line=line,
            serial=serial,
            cents=cents,
            redemption_id=None,
            refused=kept,
            at=at,
        )
    )
    return Scanned(line, serial, cents, None, undone=False, refusal=refusal, at=at)


def last_taken(session: WriteSession, *, programme_id: int, number: int) -> Scanned:
    """The last paper of an open pile that counts, to be undone (`reverse`, at the door).

    Refuses, in order: `NotFound`, `RemittanceClosed`, `NothingToUndo`.
    """
    _held_open(session, programme_id=programme_id, number=number)
    row = session.execute(
        select(remitted.c.line, remitted.c.serial, remitted.c.cents, remitted.c.redemption_id, remitted.c.at)
        .outerjoin(reversal, _undone())
        .where(
            remitted.c.programme_id == programme_id,
            remitted.c.remittance_number == number,
            remitted.c.redemption_id.is_not(None),
            reversal.c.serial.is_(None),
        )
        .order_by(remitted.c.line.desc())
        .limit(1)
    ).first()
    if row is None:
        raise NothingToUndo(number=number)
    return Scanned(row.line, row.serial, row.cents, row.redemption_id, undone=False, refusal=None, at=row.at)


# ── Behind them ──────────────────────────────────────────────────────────────────────────────────────────────────
def _held_open(session: WriteSession, *, programme_id: int, number: int) -> tuple[int, date]:
    """(merchant, last day spent) of an open pile, locked: papers of one pile come one after the other."""
    row = session.execute(
        select(remittance.c.merchant_id, remittance.c.spent_on, remittance.c.state)
        .where(remittance.c.programme_id == programme_id, remittance.c.number == number)
        .with_for_update(key_share=True)
    ).first()
    if row is None:
        raise NotFound(what="remise", id=number)
    if row.state != "open":
        raise RemittanceClosed(number=number)
    return row.merchant_id, row.spent_on


def _next_line(session: ReadSession, *, programme_id: int, number: int) -> int:
    of_pile = remitted.c.programme_id == programme_id, remitted.c.remittance_number == number
    return int(session.execute(select(func.coalesce(func.max(remitted.c.line), 0)).where(*of_pile)).scalar_one()) + 1


def _active_on(session: ReadSession, *, programme_id: int, paper: Any) -> date | None:
    """The day from which a voucher could be spent; None where it never could. What replaces another has its own."""
    if paper.replaces_serial is None:
        return None if paper.activated_at is None else clock.book_day(paper.activated_at)
    own = select(func.min(journal.c.book_day)).where(
        journal.c.programme_id == programme_id,
        journal.c.subject == f"voucher:{paper.serial}",
        journal.c.kind == "activated",
    )
    return session.execute(own).scalar()


def _stood(session: ReadSession, *, programme_id: int, merchant_id: int, on: date) -> bool:
    """Whether a shop was in good standing at the end of a day: its last suspension until then was lifted."""
    last = session.execute(
        select(journal.c.kind)
        .where(
            journal.c.programme_id == programme_id,
            journal.c.subject == f"merchant:{merchant_id}",
            journal.c.kind.in_(("merchant_suspended", "merchant_restored")),
            journal.c.book_day <= on,
        )
        .order_by(journal.c.id.desc())
        .limit(1)
    ).scalar()
    return last != "merchant_suspended"


def _refusal(kept: str) -> Refusal:
    told = json.loads(kept)
    return refusal_of(told["reason"], told["data"])


def _undone() -> Any:
    return and_(
        reversal.c.programme_id == remitted.c.programme_id,
        reversal.c.redemption_id == remitted.c.redemption_id,
        reversal.c.serial == remitted.c.serial,
    )


def _piles(programme_id: int, number: int | None = None) -> Select[Any]:
    taken = and_(remitted.c.redemption_id.is_not(None), reversal.c.serial.is_(None))
    refused = remitted.c.refused.is_not(None)
    of_pile = [remitted.c.programme_id == programme_id]
    if number is not None:
        of_pile.append(remitted.c.remittance_number == number)
    sums = (
        select(
            remitted.c.remittance_number,
            func.count().filter(taken).label("count"),
            func.coalesce(func.sum(remitted.c.cents).filter(taken), 0).label("cents"),
            func.count().filter(refused).label("refused_count"),
            func.coalesce(func.sum(remitted.c.cents).filter(refused), 0).label("refused_cents"),
        )
        .outerjoin(reversal, _undone())
        .where(*of_pile)
        .group_by(remitted.c.remittance_number)
        .subquery()
    )
    return (
        select(
            remittance,
            merchant.c.shop_name,
            func.coalesce(sums.c.count, 0).label("count"),
            func.coalesce(sums.c.cents, 0).label("cents"),
            func.coalesce(sums.c.refused_count, 0).label("refused_count"),
            func.coalesce(sums.c.refused_cents, 0).label("refused_cents"),
        )
        .join(merchant, merchant.c.id == remittance.c.merchant_id)
        .outerjoin(sums, sums.c.remittance_number == remittance.c.number)
    )


def _pile(row: Any) -> Remittance:
    told = dict(row._mapping)
    del told["programme_id"]
    sums = ("count", "cents", "refused_count", "refused_cents")
    return Remittance(**told | {name: int(told[name]) for name in sums})


def _record(
    session: WriteSession, *, programme_id: int, number: int, kind: str, actor: str, at: datetime, said: str
) -> None:
    ledger.post(session, programme_id=programme_id, fact=Fact(kind, at, actor, f"remittance:{number}", said))
