"""Stopping vouchers: block and unblock, cancel, replace. A list of serials at a time, all of them or none.

The rows are locked in serial order, judged, and only then changed; the first that cannot be done, in that order, is the
one that is named. What a voucher refuses, here as at the till:

    voucher_unknown · voucher_not_active · voucher_blocked · voucher_cancelled · voucher_replaced · already_redeemed
    voucher_expired

A voucher whose last day is over refuses like one that was swept: what becomes of it is the programme's rule, not the
haste of whoever cancels it first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Row, bindparam, select, update

from vouchers import chart, clock, guarantee, ledger, order_book
from vouchers.codes import Secret, code_hash, control_hash, offline_prefix, offline_salt
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import (
    AlreadyRedeemed,
    BadInput,
    BatchState,
    NotFound,
    SamePerson,
    VoucherBlocked,
    VoucherCancelled,
    VoucherClosed,
    VoucherExpired,
    VoucherNotActive,
    VoucherNotBlocked,
    VoucherRefusal,
    VoucherReplaced,
    VoucherUnknown,
)
from vouchers.ledger import Fact, Move
from vouchers.tables import CLOSED_STATES, batch, journal, programme, recipient_voucher, voucher

MOST_SERIALS: Final = 10_000
"""Vouchers stopped in one go."""
_AT_ONCE: Final = 1_000
_UNSPENT: Final = ("printed", "active", "blocked")
_ISSUED: Final = ("issuing", "issued", "delivered")


@dataclass(frozen=True, slots=True)
class Stopped:
    """A voucher after the fact. `cents`: what was on it before; on a block or unblock, what still is."""

    serial: int
    state: str
    cents: int
    batch_number: int
    order_number: int


@dataclass(frozen=True, slots=True)
class Replacement:
    """The new voucher and what goes on its paper, once: `secret` is kept nowhere."""

    replaced_serial: int
    serial: int
    face_cents: int
    expires_on: date
    secret: Secret


def block(
    session: WriteSession, *, programme_id: int, serials: Sequence[int], actor: str, reason: str, at: datetime
) -> list[Stopped]:
    """Lost or stolen: active → blocked; nothing can be spent until it is unblocked. No money moves.

    Refuses `BadInput` (the list), and what the head of this file lists.
    """
    rows = _held(session, programme_id=programme_id, serials=serials)
    for row in rows:
        _refuse_unless(session, row, wanted=("active",), at=at)
    return _restated(session, rows, state="blocked", kind="blocked", actor=actor, reason=reason, at=at)


def unblock(
    session: WriteSession, *, programme_id: int, serials: Sequence[int], actor: str, reason: str, at: datetime
) -> list[Stopped]:
    """Found again: blocked → active, even past its last day, so that it can lapse. No money moves.

    Not a voucher in whose place the guarantee paid a shop: whoever holds the paper has had its worth.
    Refuses `BadInput` (the list), `VoucherUnknown`, `VoucherClosed`, `VoucherNotBlocked`.
    """
    rows = _held(session, programme_id=programme_id, serials=serials)
    for row in rows:
        if row.state in CLOSED_STATES:
            raise VoucherClosed(serial=row.serial, state=row.state)
        if row.state != "blocked":
            raise VoucherNotBlocked(serial=row.serial)
    for part in _parts([row.serial for row in rows]):
        paid_for = guarantee.guaranteed_among(session, programme_id=programme_id, serials=part)
        if paid_for is not None:
            raise VoucherClosed(serial=paid_for, state="guaranteed")
    return _restated(session, rows, state="active", kind="unblocked", actor=actor, reason=reason, at=at)


def cancel(
    session: WriteSession, *, programme_id: int, serials: Sequence[int], actor: str, reason: str, at: datetime
) -> list[Stopped]:
    """Taken back for good: printed, active or blocked → cancelled; what was unspent is credited to the buyer's order.

    Refuses `BadInput` (the list), and what the head of this file lists, except a voucher that is not active or blocked.
    """
    rows = _held(session, programme_id=programme_id, serials=serials)
    for row in rows:
        _refuse_unless(session, row, wanted=_UNSPENT, at=at)
    _flip(session, rows, state="cancelled", balance_cents=0)
    facts = [
        Fact(
            "cancelled",
            at,
            actor,
            _subject(row.serial),
            reason,
            [Move(chart.FLOAT, chart.receivable(row.order_number), row.balance_cents, row.serial)],
        )
        for row in rows
    ]
    credited: dict[int, int] = {}
    for row in rows:
        credited[row.order_number] = credited.get(row.order_number, 0) + row.balance_cents
    for number, cents in sorted(credited.items()):
        credit = order_book.locked(session, programme_id=programme_id, number=number, wanted=_ISSUED)
        # An order can come to owe nothing by this credit as well as by a payment.
        if moves := order_book.vat_moves(session, order=credit, owed_cents=credit.owed_cents - cents):
            facts.append(Fact("order_paid", at, actor, order_book.subject(number), reason, moves))
    ledger.post_all(session, programme_id=programme_id, facts=facts)
    return [_stopped(row, state="cancelled") for row in rows]


def replace(
    session: WriteSession,
    *,
    programme_id: int,
    serials: Sequence[int],
    secrets: Sequence[Secret],
    pepper: bytes,
    actor: str,
    reason: str,
    at: datetime,
) -> list[Replacement]:
    """New paper for old, one for one: what was left moves to a new voucher of the same batch and last day.

    The old one is closed at once; the new one is born inactive, and another person activates it
    (`activate_replacements`). `secrets` are as many as `serials`. Refuses `BadInput`, and what the head of this file
    lists, except a voucher that is not active or blocked.
    """
    rows = _held(session, programme_id=programme_id, serials=serials)
    if len(secrets) != len(rows):
        raise BadInput(field="secrets", problem="as_many_as_serials")
    for row in rows:
        _refuse_unless(session, row, wanted=_UNSPENT, at=at)
    _flip(session, rows, state="replaced", balance_cents=0)
    following = session.execute(
        update(programme)
        .where(programme.c.id == programme_id)
        .values(next_serial=programme.c.next_serial + len(rows))
        .returning(programme.c.next_serial)
    ).scalar_one()
    made = [
        Replacement(row.serial, serial, row.balance_cents, row.expires_on, secret)
        for serial, (row, secret) in enumerate(zip(rows, secrets, strict=True), start=following - len(rows))
    ]
    session.execute(
        voucher.insert(),
        [
            {
                "programme_id": programme_id,
                "serial": new.serial,
                "batch_number": row.batch_number,
                "code_hash": code_hash(pepper, new.secret.code),
                "control_hash": control_hash(
                    pepper, programme_id=programme_id, serial=new.serial, control_code=new.secret.control_code
                ),
                "face_cents": new.face_cents,
                "balance_cents": new.face_cents,
                "state": "printed",
                "expires_on": new.expires_on,
                "replaces_serial": new.replaced_serial,
                "offline_prefix": offline_prefix(offline_salt(pepper, programme_id), new.secret.code),
            }
            for row, new in zip(rows, made, strict=True)
        ],
    )
    _give_on(session, programme_id=programme_id, made=made)
    facts = [
        Fact(
            "replaced",
            at,
            actor,
            _subject(new.replaced_serial),
            reason,
            [
                Move(chart.FLOAT, chart.SUSPENSE, new.face_cents, new.replaced_serial),
                Move(chart.SUSPENSE, chart.FLOAT, new.face_cents, new.serial),
            ],
        )
        for new in made
    ]
    ledger.post_all(session, programme_id=programme_id, facts=facts)
    return made


def _give_on(session: WriteSession, *, programme_id: int, made: Sequence[Replacement]) -> None:
    """Whoever was given the old paper has the new one in its place."""
    moved = update(recipient_voucher).where(
        recipient_voucher.c.programme_id == programme_id, recipient_voucher.c.serial == bindparam("old_serial")
    )
    session.execute(
        moved.values(serial=bindparam("new_serial")),
        [{"old_serial": new.replaced_serial, "new_serial": new.serial} for new in made],
    )


def activate_replacements(
    session: WriteSession, *, programme_id: int, serials: Sequence[int], actor: str, at: datetime
) -> list[Stopped]:
    """The new papers are delivered: printed → active, by someone other than who replaced the old ones.

    Refuses `BadInput` (the list), `VoucherUnknown`, `NotFound` (not a replacement that waits), `BatchState` (its batch
    is not active), `VoucherExpired`, `SamePerson`.
    """
    rows = _held(session, programme_id=programme_id, serials=serials)
    replaced_by = {
        subject: by
        for part in _parts([_subject(row.replaces_serial) for row in rows if row.replaces_serial is not None])
        for subject, by in session.execute(
            select(journal.c.subject, journal.c.actor).where(
                journal.c.programme_id == programme_id, journal.c.kind == "replaced", journal.c.subject.in_(part)
            )
        )
    }
    for row in rows:
        if row.replaces_serial is None or row.state != "printed":
            raise NotFound(what="replacement", id=row.serial)
        if row.batch_state != "active":
            raise BatchState(number=row.batch_number, state=row.batch_state, wanted="active")
        _refuse_unless(session, row, wanted=("printed",), at=at)
        if replaced_by[_subject(row.replaces_serial)] == actor:
            raise SamePerson(act="voucher.activate_replacement")
    return _restated(session, rows, state="active", kind="activated", actor=actor, reason="", at=at)


def _subject(serial: int) -> str:
    return f"voucher:{serial}"


def _parts(whole: Sequence[Any]) -> Iterator[Sequence[Any]]:
    # Both engines bound the number of values in one statement.
    return (whole[start : start + _AT_ONCE] for start in range(0, len(whole), _AT_ONCE))


def _held(session: WriteSession, *, programme_id: int, serials: Sequence[int]) -> list[Row[Any]]:
    """The vouchers, locked in serial order, with the order and the state of their batch."""
    if not 1 <= len(serials) <= MOST_SERIALS:
        raise BadInput(field="serials", problem="count", least=1, most=MOST_SERIALS)
    if any(not isinstance(serial, int) or isinstance(serial, bool) for serial in serials):
        raise BadInput(field="serials", problem="not_whole")
    if len(set(serials)) != len(serials):
        raise BadInput(field="serials", problem="twice")
    sought = sorted(serial for serial in serials if 0 < serial < 2**63)
    rows: list[Row[Any]] = []
    for part in _parts(sought):
        rows.extend(
            session.execute(
                select(
                    voucher.c.programme_id,
                    voucher.c.serial,
                    voucher.c.batch_number,
                    voucher.c.balance_cents,
                    voucher.c.state,
                    voucher.c.expires_on,
                    voucher.c.replaces_serial,
                    batch.c.order_number,
                    batch.c.state.label("batch_state"),
                )
                .join(
                    batch,
                    (batch.c.programme_id == voucher.c.programme_id) & (batch.c.number == voucher.c.batch_number),
                )
                .where(voucher.c.programme_id == programme_id, voucher.c.serial.in_(part))
                .order_by(voucher.c.serial)
                .with_for_update(of=voucher)
            )
        )
    if unknown := set(serials) - {row.serial for row in rows}:
        raise VoucherUnknown(serial=min(unknown))
    return rows


def _refuse_unless(session: ReadSession, row: Row[Any], *, wanted: Sequence[str], at: datetime) -> None:
    over = row.expires_on < clock.book_day(at)
    if row.state in wanted and not over:
        return
    refusal: VoucherRefusal
    match row.state:
        case "printed" if "printed" not in wanted:
            refusal = VoucherNotActive(serial=row.serial)
        case "blocked" if "blocked" not in wanted:
            refusal = VoucherBlocked(serial=row.serial)
        case "cancelled":
            refusal = VoucherCancelled(serial=row.serial)
        case "replaced":
            day = ledger.day_of(session, programme_id=row.programme_id, kind="replaced", subject=_subject(row.serial))
            refusal = VoucherReplaced(serial=row.serial, replaced_on=day.isoformat())
        case "redeemed":
            refusal = AlreadyRedeemed(serial=row.serial)
        case _:
            refusal = VoucherExpired(serial=row.serial, expires_on=row.expires_on.isoformat())
    raise refusal


def _flip(session: WriteSession, rows: Sequence[Row[Any]], **values: Any) -> None:
    """The guarded change of `_held` rows: none moves unless it is still in the state it was judged in."""
    for before in sorted({row.state for row in rows}):
        for part in _parts([row.serial for row in rows if row.state == before]):
            flipped = session.execute(
                update(voucher)
                .where(
                    voucher.c.programme_id == rows[0].programme_id,
                    voucher.c.serial.in_(part),
                    voucher.c.state == before,
                )
                .values(**values)
            )
            assert flipped.rowcount == len(part), part


def _restated(
    session: WriteSession, rows: Sequence[Row[Any]], *, state: str, kind: str, actor: str, reason: str, at: datetime
) -> list[Stopped]:
    """Another state and a fact for each, without money."""
    _flip(session, rows, state=state)
    facts = [Fact(kind, at, actor, _subject(row.serial), reason) for row in rows]
    ledger.post_all(session, programme_id=rows[0].programme_id, facts=facts)
    return [_stopped(row, state=state) for row in rows]


def _stopped(row: Row[Any], *, state: str) -> Stopped:
    return Stopped(row.serial, state, row.balance_cents, row.batch_number, row.order_number)
