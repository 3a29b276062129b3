"""Journals are sealed: hashed in their order, each seal chained to the one before.

A seal is SHA-256 over lines of ASCII, each a JSON array as Python's `json.dumps` writes it without spaces, ended by a
newline:

    ["seal",1,programme,number,from_journal,to_journal,at,previous hash in hexadecimal]
    ["journal",id,kind,at,book day,actor,subject,reason]                 for each journal, in order of its number
    ["posting",line,debit,credit,cents,serial or null]                   for each posting of that journal, in order
    ["end",journals,cents of all postings]

Instants are whole microseconds since 1970, UTC; days are ISO dates; the first seal follows 64 zeros. Whoever owns the
database could compute the whole chain anew: what makes it evidence is that the newest seal is noted elsewhere, in the
anchors file and on paper. The 1 names this form; another form takes another number.
"""

import fcntl
import hashlib
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import and_, select

from vouchers import clock
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import NotFound
from vouchers.rules import take_turn
from vouchers.tables import journal, posting
from vouchers.tables import seal as seal_table

FORM: Final = 1
_NO_HASH: Final = bytes(32)
_ROWS_AT_ONCE: Final = 5_000


class AnchorContradicted(Exception):
    """A seal is not the one that was noted under its number: the books, or the note, were rewritten."""


class Seal(NamedTuple):
    """Journals `from_journal` to `to_journal`, both included; `cents`: of all their postings."""

    programme_id: int
    number: int
    from_journal: int
    to_journal: int
    journals: int
    cents: int
    previous_hash: bytes
    hash: bytes
    at: datetime


class Anchor(NamedTuple):
    """What is noted of a seal outside the database; `hash` in hexadecimal."""

    number: int
    to_journal: int
    hash: str


def seal(session: WriteSession, *, programme_id: int, upto_journal: int, at: datetime) -> Seal | None:
    """Seal what came since the last seal; `upto_journal` is a `ledger.watermark`. None when nothing came.

    Of two at once, the second waits and seals what the first left. Refuses `NotFound` (programme).
    """
    take_turn(session, programme_id=programme_id)
    last = newest(session, programme_id=programme_id)
    after = 0 if last is None else last.to_journal
    ends_at = session.execute(
        select(journal.c.id)
        .where(journal.c.programme_id == programme_id, journal.c.id > after, journal.c.id <= upto_journal)
        .order_by(journal.c.id.desc())
        .limit(1)
    ).scalar()
    if ends_at is None:
        return None
    number = 1 if last is None else last.number + 1
    previous = _NO_HASH if last is None else last.hash
    digest = hashlib.sha256(
        _line("seal", FORM, programme_id, number, after + 1, ends_at, clock.micros(at), previous.hex())
    )
    journals, cents = _add_journals(session, digest, programme_id=programme_id, after=after, upto=ends_at)
    digest.update(_line("end", journals, cents))
    made = Seal(programme_id, number, after + 1, ends_at, journals, cents, previous, digest.digest(), at)
    session.execute(seal_table.insert(), made._asdict())
    return made


def newest(session: ReadSession, *, programme_id: int) -> Seal | None:
    """The last seal of a programme, None before the first."""
    found = seals_of(session, programme_id=programme_id, before=None, limit=1)
    return found[0] if found else None


def find(session: ReadSession, *, programme_id: int, number: int) -> Seal:
    """One seal. Refuses `NotFound`."""
    found = seals_of(session, programme_id=programme_id, before=number + 1, limit=1)
    if not found or found[0].number != number:
        raise NotFound(what="seal", id=number)
    return found[0]


def seals_of(session: ReadSession, *, programme_id: int, before: int | None, limit: int) -> list[Seal]:
    """Seals newest first; `before` is the last number already seen."""
    wanted = [seal_table.c.programme_id == programme_id]
    if before is not None:
        wanted.append(seal_table.c.number < before)
    columns = [seal_table.c[name] for name in Seal._fields]
    rows = session.execute(select(*columns).where(*wanted).order_by(seal_table.c.number.desc()).limit(limit))
    return [Seal(*row) for row in rows]


# ── The bytes ────────────────────────────────────────────────────────────────────────────────────────────────────
def _line(*values: str | int | None) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"


def _add_journals(session: ReadSession, digest: Any, *, programme_id: int, after: int, upto: int) -> tuple[int, int]:
    """Add every journal in (after, upto] with its postings to `digest`; gives (journals, cents)."""
    rows = session.execute(
        select(
            journal.c.id,
            journal.c.kind,
            journal.c.at,
            journal.c.book_day,
            journal.c.actor,
            journal.c.subject,
            journal.c.reason,
            posting.c.line,
            posting.c.debit,
            posting.c.credit,
            posting.c.cents,
            posting.c.serial,
        )
        .outerjoin(
            posting, and_(posting.c.programme_id == journal.c.programme_id, posting.c.journal_id == journal.c.id)
        )
        .where(journal.c.programme_id == programme_id, journal.c.id > after, journal.c.id <= upto)
        .order_by(journal.c.id, posting.c.line),
        execution_options={"stream_results": True, "yield_per": _ROWS_AT_ONCE},
    )
    journals = total = current = 0
    for number, kind, at, book_day, actor, subject, reason, line, debit, credit, cents, serial in rows:
        if number != current:
            current = number
            journals += 1
            digest.update(
                _line("journal", number, kind, clock.micros(at), book_day.isoformat(), actor, subject, reason)
            )
        if line is not None:
            total += cents
            digest.update(_line("posting", line, debit, credit, cents, serial))
    return journals, total


# ── The anchors, outside the database ────────────────────────────────────────────────────────────────────────────
def anchors(path: Path) -> dict[int, Anchor]:
    """The newest seal noted of each programme; none where there is no file yet."""
    try:
        noted = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return {int(programme_id): Anchor(**anchor) for programme_id, anchor in noted.items()}


def note_anchor(path: Path, made: Seal) -> None:
    """Note a seal in the anchors file, durably. An older seal than the noted one changes nothing.

    Raises `AnchorContradicted` when another hash is noted under the same number.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        noted = anchors(path)
        anchor = Anchor(made.number, made.to_journal, made.hash.hex())
        before = noted.get(made.programme_id)
        if before is not None and before.number == anchor.number and before != anchor:
            raise AnchorContradicted(f"seal {made.number} of programme {made.programme_id} is not the one noted")
        if before is not None and before.number >= anchor.number:
            return
        noted[made.programme_id] = anchor
        _replace(path, json.dumps({str(owner): noted[owner]._asdict() for owner in sorted(noted)}, indent=1))


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(f"{path.name}.new")
    with beside.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        # The name is durable only once its folder is.
        os.fsync(folder)
    finally:
        os.close(folder)
