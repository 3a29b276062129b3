"""Issuing: an order that is paid or signed for becomes a batch of vouchers, in chunks, each one commit.

    order  paid | accepted ─ begin ─ issuing ─ the last chunk ─ issued
    batch                            issuing ─ issued ─ hand_over ─ printed ─ activate ─ active

The serials are reserved when the issue begins, and a chunk takes the next of them under the batch's lock. So a process
killed anywhere leaves whole chunks and a batch that says how far it came: whoever resumes goes on from there, two at
once take turns, and there is neither gap nor orphan. Each chunk moves its face value from ordered to the float in the
same commit, so the float is what the vouchers hold at every instant.

The codes exist on paper and, until the sheets are handed over, sealed under a key that is not in the database.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Row, delete, func, select, update

from vouchers import chart, clock, ledger, order_book
from vouchers.codes import Secret, code_hash, control_hash, offline_prefix, offline_salt, seal_secrets, unseal_secrets
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import BadInput, BatchState, NotFound, SamePerson, SheetsHandedOver
from vouchers.ledger import Fact, Move
from vouchers.tables import batch, journal, programme, sealed_codes, voucher

CHUNK: Final = 2_000
"""Vouchers in one commit: few enough that a till behind it in SQLite's queue does not feel it (some 50 ms)."""
MOST_LISTED: Final = 500


@dataclass(frozen=True, slots=True)
class Batch:
    """`quantity` vouchers from `first_serial` on, of which `issued_count` exist. Named by who did what, when."""

    programme_id: int
    number: int
    order_number: int
    state: str
    first_serial: int
    quantity: int
    issued_count: int
    expires_on: date
    issued_by: str
    begun_at: datetime
    printed_by: str | None
    printed_at: datetime | None
    activated_by: str | None
    activated_at: datetime | None

    @property
    def last_serial(self) -> int:
        """The last of the reserved serials."""
        return self.first_serial + self.quantity - 1


class ToPrint(NamedTuple):
    """What goes on one voucher. The code and the control code are secrets."""

    serial: int
    face_cents: int
    code: str
    control_code: str


def begin(
    session: WriteSession,
    *,
    programme_id: int,
    order_number: int,
    actor: str,
    at: datetime,
    expires_on: date | None = None,
) -> Batch:
    """Open the batch of an order that is paid or accepted, and reserve its serials. No voucher exists yet.

    `expires_on` is the last day to spend; the programme's unless given. Refuses `NotFound`, `OrderState`, `BadInput`
    (a day that is past, or before the programme starts).
    """
    backed = order_book.locked(session, programme_id=programme_id, number=order_number, wanted=("paid", "accepted"))
    order_book.flip(session, order=backed, state="issuing")
    reserved = session.execute(
        update(programme)
        .where(programme.c.id == programme_id)
        .values(next_serial=programme.c.next_serial + backed.quantity)
        .returning(programme.c.next_serial, programme.c.starts_on, programme.c.expires_on)
    ).one()
    last_day = expires_on or reserved.expires_on
    if last_day < max(clock.book_day(at), reserved.starts_on):
        raise BadInput(field="expires_on", problem="past_or_too_early")
    # The programme's row is locked by now, so no other batch takes this number.
    newest = select(func.coalesce(func.max(batch.c.number), 0)).where(batch.c.programme_id == programme_id)
    number = session.execute(newest).scalar_one() + 1
    session.execute(
        batch.insert().values(
            programme_id=programme_id,
            number=number,
            order_number=order_number,
            state="issuing",
            first_serial=reserved.next_serial - backed.quantity,
            quantity=backed.quantity,
            expires_on=last_day,
            issued_by=actor,
            begun_at=at,
        )
    )
    fact = Fact("issue_begun", at, actor, _subject(number), f"order:{order_number}")
    ledger.post(session, programme_id=programme_id, fact=fact)
    return find(session, programme_id=programme_id, number=number)


def chunks_left(unfinished: Batch, *, size: int = CHUNK) -> list[int]:
    """How many vouchers each chunk still to be issued has: one `issue_chunk`, in a commit of its own, for each."""
    left = unfinished.quantity - unfinished.issued_count
    return [min(size, left - taken) for taken in range(0, left, size)]


def issue_chunk(
    session: WriteSession,
    *,
    programme_id: int,
    batch_number: int,
    secrets: Sequence[Secret],
    pepper: bytes,
    actor: str,
    at: datetime,
) -> Batch:
    """Issue the next `len(secrets)` vouchers (fewer where fewer are left), printed and inactive, funded by the order.

    The fact's reason is the run of serials and the witness of their codes, '1-2000 5f1e…': a code that changes papers
    afterwards no longer agrees with the journal. The last chunk makes batch and order issued. Refuses `NotFound`,
    `BatchState` (nothing is left to issue), `BadInput` (no secrets).
    """
    if not secrets:
        raise BadInput(field="secrets", problem="missing")
    begun = _locked(session, programme_id=programme_id, number=batch_number)
    _refuse_unless(begun, state="issuing")
    fresh = secrets[: begun.quantity - begun.issued_count]
    count = begun.issued_count + len(fresh)
    whole = count == begun.quantity
    advanced = session.execute(
        update(batch)
        .where(
            *_is(programme_id, batch_number),
            batch.c.state == "issuing",
            batch.c.issued_count == begun.issued_count,
        )
        .values(issued_count=count, state="issued" if whole else "issuing")
    )
    assert advanced.rowcount == 1, begun

    ordered = order_book.find(session, programme_id=programme_id, number=begun.order_number)
    faces = _faces(ordered.lines, start=begun.issued_count, count=len(fresh))
    first = begun.first_serial + begun.issued_count
    witness = _insert_vouchers(session, issued=begun, first_serial=first, faces=faces, secrets=fresh, pepper=pepper)
    session.execute(
        sealed_codes.insert().values(
            programme_id=programme_id,
            batch_number=batch_number,
            first_serial=first,
            sealed=seal_secrets(pepper, batch=_seal_name(begun), chunk=first, secrets_in=list(fresh)),
        )
    )
    if whole:
        issuing = order_book.locked(session, programme_id=programme_id, number=begun.order_number, wanted=("issuing",))
        order_book.flip(session, order=issuing, state="issued")
    reason = f"{first}-{first + len(fresh) - 1} {witness}"
    funded = Move(chart.ordered(begun.order_number), chart.FLOAT, sum(faces))
    fact = Fact("issued", at, actor, _subject(batch_number), reason, [funded])
    ledger.post(session, programme_id=programme_id, fact=fact)
    return find(session, programme_id=programme_id, number=batch_number)


def secrets_of(
    session: ReadSession, *, programme_id: int, batch_number: int, pepper: bytes, after_serial: int, limit: int
) -> list[ToPrint]:
    """For the printer, once: the next `limit` vouchers after `after_serial`, with their codes, in serial order.

    Vouchers cancelled or replaced since are left out; an empty list is the end. Refuses `NotFound`, `BatchState` (not
    wholly issued), `SheetsHandedOver`. Raises `codes.SealBroken` under another pepper.
    """
    issued = find(session, programme_id=programme_id, number=batch_number)
    _refuse_unprintable(issued)
    printed = session.execute(
        select(voucher.c.serial, voucher.c.face_cents)
        .where(
            *_in_batch(issued),
            voucher.c.serial > after_serial,
            voucher.c.state == "printed",
        )
        .order_by(voucher.c.serial)
        .limit(max(0, limit))
    ).all()
    if not printed:
        return []
    chunks = session.execute(
        select(sealed_codes.c.first_serial, sealed_codes.c.sealed)
        .where(
            sealed_codes.c.programme_id == programme_id,
            sealed_codes.c.batch_number == batch_number,
            sealed_codes.c.first_serial <= printed[-1].serial,
            sealed_codes.c.first_serial
            >= select(func.max(sealed_codes.c.first_serial))
            .where(
                sealed_codes.c.programme_id == programme_id,
                sealed_codes.c.batch_number == batch_number,
                sealed_codes.c.first_serial <= printed[0].serial,
            )
            .scalar_subquery(),
        )
        .order_by(sealed_codes.c.first_serial)
    ).all()
    opened = {
        first + place: secret
        for first, sealed in chunks
        for place, secret in enumerate(unseal_secrets(pepper, batch=_seal_name(issued), chunk=first, sealed=sealed))
    }
    return [ToPrint(serial, face_cents, *opened[serial]) for serial, face_cents in printed]


def hand_over(session: WriteSession, *, programme_id: int, batch_number: int, actor: str, at: datetime) -> Batch:
    """The sheets have left: issued → printed, and the sealed codes are destroyed. There is no reprint.

    Refuses `NotFound`, `BatchState`, `SheetsHandedOver`.
    """
    issued = _locked(session, programme_id=programme_id, number=batch_number)
    _refuse_unprintable(issued)
    flipped = session.execute(
        update(batch)
        .where(*_is(programme_id, batch_number), batch.c.state == "issued")
        .values(state="printed", printed_by=actor, printed_at=at)
    )
    assert flipped.rowcount == 1, issued
    session.execute(
        delete(sealed_codes).where(
            sealed_codes.c.programme_id == programme_id, sealed_codes.c.batch_number == batch_number
        )
    )
    ledger.post(session, programme_id=programme_id, fact=Fact("printed", at, actor, _subject(batch_number)))
    return find(session, programme_id=programme_id, number=batch_number)


def activate(session: WriteSession, *, programme_id: int, batch_number: int, actor: str, at: datetime) -> Batch:
    """Delivered, hence spendable: the batch and its vouchers, printed → active, by someone other than who issued.

    A voucher that replaces another is not activated with its batch: that takes two people of its own
    (`stop.activate_replacements`). The fact's reason is the number of vouchers activated. Refuses `NotFound`,
    `BatchState`, `SamePerson`.
    """
    printed = _locked(session, programme_id=programme_id, number=batch_number)
    _refuse_unless(printed, state="printed")
    # Not only who began it: whoever issued a part of it or had its sheets in hand has seen codes.
    handled = select(journal.c.id).where(
        journal.c.programme_id == programme_id,
        journal.c.subject == _subject(batch_number),
        journal.c.kind.in_(("issue_begun", "issued", "printed")),
        journal.c.actor == actor,
    )
    if printed.issued_by == actor or session.execute(handled.limit(1)).first() is not None:
        raise SamePerson(act="batch.activate")
    flipped = session.execute(
        update(batch)
        .where(*_is(programme_id, batch_number), batch.c.state == "printed", batch.c.issued_by != actor)
        .values(state="active", activated_by=actor, activated_at=at)
    )
    assert flipped.rowcount == 1, printed
    # Rows are locked in serial order, as everywhere, and then changed.
    in_order = (
        select(voucher.c.serial)
        .where(*_in_batch(printed), voucher.c.state == "printed")
        .order_by(voucher.c.serial)
        .with_for_update()
    )
    activated = session.execute(
        update(voucher)
        .where(voucher.c.programme_id == programme_id, voucher.c.serial.in_(in_order), voucher.c.state == "printed")
        .values(state="active")
    )
    fact = Fact("activated", at, actor, _subject(batch_number), str(activated.rowcount))
    ledger.post(session, programme_id=programme_id, fact=fact)
    return find(session, programme_id=programme_id, number=batch_number)


def find(session: ReadSession, *, programme_id: int, number: int) -> Batch:
    """One batch. Refuses `NotFound`."""
    row = session.execute(select(batch).where(*_is(programme_id, number))).first()
    if row is None:
        raise NotFound(what="batch", id=number)
    return _batch(row)


def of_order(session: ReadSession, *, programme_id: int, order_number: int) -> Batch | None:
    """The batch of an order, once its issue has begun."""
    row = session.execute(
        select(batch).where(batch.c.programme_id == programme_id, batch.c.order_number == order_number)
    ).first()
    return None if row is None else _batch(row)


def listed(session: ReadSession, *, programme_id: int, after: int = 0, limit: int = 50) -> list[Batch]:
    """Batches numbered above `after`, in order, `limit` at most (up to 500)."""
    page = (
        select(batch)
        .where(batch.c.programme_id == programme_id, batch.c.number > after)
        .order_by(batch.c.number)
        .limit(max(0, min(limit, MOST_LISTED)))
    )
    return [_batch(row) for row in session.execute(page)]


def _batch(row: Row[Any]) -> Batch:
    return Batch(**row._mapping)


def _is(programme_id: int, number: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return batch.c.programme_id == programme_id, batch.c.number == number


def _in_batch(found: Batch) -> tuple[ColumnElement[bool], ...]:
    # By serial, not only by batch: a voucher that replaces one of this batch is of this batch too.
    return (
        voucher.c.programme_id == found.programme_id,
        voucher.c.batch_number == found.number,
        voucher.c.serial.between(found.first_serial, found.last_serial),
    )


def _subject(number: int) -> str:
    return f"batch:{number}"


def _seal_name(sealed: Batch) -> str:
    return f"{sealed.programme_id}/{sealed.number}"


def _locked(session: WriteSession, *, programme_id: int, number: int) -> Batch:
    held = select(batch).where(*_is(programme_id, number)).with_for_update(key_share=True)
    row = session.execute(held).first()
    if row is None:
        raise NotFound(what="batch", id=number)
    return _batch(row)


def _refuse_unless(found: Batch, *, state: str) -> None:
    if found.state != state:
        raise BatchState(number=found.number, state=found.state, wanted=state)


def _refuse_unprintable(found: Batch) -> None:
    if found.state in {"printed", "active"}:
        raise SheetsHandedOver(number=found.number)
    _refuse_unless(found, state="issued")


def _faces(lines: Sequence[order_book.Line], *, start: int, count: int) -> list[int]:
    """The face values of the vouchers `start` to `start + count`, in the order of the lines."""
    faces: list[int] = []
    for line in lines:
        taken = min(max(0, line.quantity - start), count - len(faces))
        faces += [line.face_cents] * taken
        start = max(0, start - line.quantity)
    return faces


_INSERT: Final = (
    "INSERT INTO voucher (programme_id, serial, batch_number, code_hash, control_hash, face_cents, balance_cents,"
    " state, expires_on, offline_prefix) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_COPY: Final = (
    "COPY voucher (programme_id, serial, batch_number, code_hash, control_hash, face_cents, balance_cents,"
    " state, expires_on, offline_prefix) FROM STDIN (FORMAT BINARY)"
)
_COPIED_TYPES: Final = ("int8", "int8", "int8", "bytea", "bytea", "int8", "int8", "text", "date", "bytea")


def _insert_vouchers(
    session: WriteSession,
    *,
    issued: Batch,
    first_serial: int,
    faces: Sequence[int],
    secrets: Sequence[Secret],
    pepper: bytes,
) -> str:
    """The chunk is written; gives the SHA-256, in hexadecimal, of a line for each voucher in serial order.

    A line is serial, hash of the code, hash of the control code and face value, with a blank between two of them.
    """
    # Plain tuples by each driver's fastest way in: through SQLAlchemy's own INSERT this takes twice as long.
    lite = session.dialect.name == "sqlite"
    programme_id, number = issued.programme_id, issued.number
    day = issued.expires_on.isoformat() if lite else issued.expires_on
    salt = offline_salt(pepper, programme_id)
    rows = [
        (
            programme_id,
            serial,
            number,
            code_hash(pepper, code),
            control_hash(pepper, programme_id=programme_id, serial=serial, control_code=control_code),
            face_cents,
            face_cents,
            "printed",
            day,
            offline_prefix(salt, code),
        )
        for serial, (face_cents, (code, control_code)) in enumerate(
            zip(faces, secrets, strict=True), start=first_serial
        )
    ]
    if lite:
        session.exec_driver_sql(_INSERT, rows)
    else:
        raw: Any = session.connection.driver_connection
        with raw.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.set_types(_COPIED_TYPES)
            for row in rows:
                copy.write_row(row)
    lines = (f"{serial} {code.hex()} {control.hex()} {face}\n" for _, serial, _, code, control, face, *_ in rows)
    return hashlib.sha256("".join(lines).encode("ascii")).hexdigest()
