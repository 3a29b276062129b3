"""A copy of the whole house in one file, and a house made from a copy. A copy is one that was read back.

A copy is a zip: for each table its rows as lines of JSON, in the order of its key, and `manifest.json` with the number
of rows and the SHA-256 of each, the newest journal and seal of each programme and the schema's revision. The zip's
comment, its last bytes, is the SHA-256 of every byte before it: one flipped bit anywhere and the copy is refused. It
needs no other program and knows no engine: what SQLite held is restored into PostgreSQL, and the other way round.

Not copied is what must not come back to life: sessions and API tokens, pairing codes, counters of failed attempts. A
copy holds names, and the codes of batches not handed over yet, sealed under the pepper: keep it from strangers, and
keep the pepper elsewhere.
"""

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from sqlalchemy import Column, LargeBinary, Table, Text, func, select, text, type_coerce

from vouchers import clock
from vouchers.db import Database, ReadSession, WriteSession
from vouchers.errors import CopyBroken, CopyOlder
from vouchers.files import appearing
from vouchers.tables import Day, Instant, Int, journal, journal_ids, metadata
from vouchers.tables import seal as seal_table

FORM: Final = 1
NOT_COPIED: Final = frozenset({"token", "pairing", "failure"})
"""Tables that a restored house begins without."""
_ROWS_AT_ONCE: Final = 5_000
_BYTES_AT_ONCE: Final = 1 << 20
_HASH_CHARS: Final = 64
_EPOCH_OF_ZIP: Final = (1980, 1, 1, 0, 0, 0)

Progress = Callable[[int, int], None]


class CopyFault(Exception):
    """A copy that cannot be made or restored there; the text says why."""


@dataclass(frozen=True, slots=True)
class Copy:
    """What a copy holds. By programme: its newest journal; (number, last journal, hash) of its newest seal."""

    made_at: datetime
    revision: str
    rows: int
    sha256: str
    journals: dict[int, int]
    seals: dict[int, tuple[int, int, str]]


def _silent(_done: int, _of: int) -> None:
    """For whoever does not watch."""


# ── Making one ───────────────────────────────────────────────────────────────────────────────────────────────────
def back_up(house: Database, *, to: Path, at: datetime, progress: Progress = _silent) -> Copy:
    """Copy one moment of the house to the file `to`, while it works, then read the copy back whole.

    The file appears whole and checked, or not at all, readable by its owner alone. `progress` hears (rows, of).
    Raises `CopyFault` when there is a file of that name: a copy is never written over another.
    """
    if to.exists():
        raise CopyFault(f"{to} is there already")
    try:
        with appearing(to, over=False) as part:
            with part.open("w+b") as file:
                house.read(_write_tables, file=file, at=at, progress=progress)
                _sign(file)
            return examine(part)
    except FileExistsError:
        raise CopyFault(f"{to} is there already") from None


def _write_tables(session: ReadSession, *, file: BinaryIO, at: datetime, progress: Progress) -> None:
    if session.dialect.name == "postgresql":
        # SQLite's reader has one view of the database from its first statement on; PostgreSQL's is told to.
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        session.execute(text("SET LOCAL statement_timeout = 0"))
    of = sum(session.execute(select(func.count()).select_from(table)).scalar_one() for table in _copied())
    done = 0
    tables = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as whole:
        for table in _copied():
            digest, rows = hashlib.sha256(), 0
            with whole.open(_entry(f"{table.name}.jsonl"), "w", force_zip64=True) as out:
                for lines in _lines(session, table):
                    written = "".join(lines).encode()
                    digest.update(written)
                    out.write(written)
                    rows += len(lines)
                    done += len(lines)
                    progress(done, of)
            columns = [column.name for column in table.columns]
            tables[table.name] = {"columns": columns, "rows": rows, "sha256": digest.hexdigest()}
        manifest = {
            "form": FORM,
            "made_at": clock.iso(at),
            "revision": _revision(session),
            "tables": tables,
            "journals": _newest_journals(session),
            "seals": _newest_seals(session),
        }
        whole.writestr(_entry("manifest.json"), json.dumps(manifest, indent=1))
        whole.comment = b"0" * _HASH_CHARS


def _copied() -> list[Table]:
    """Every table that is copied, those that others refer to first."""
    return [table for table in metadata.sorted_tables if table.name not in NOT_COPIED]


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH_OF_ZIP)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _lines(session: ReadSession, table: Table) -> Iterator[list[str]]:
    """The rows as JSON arrays: instants as whole microseconds, days as ISO dates, bytes in hexadecimal."""
    lite = session.dialect.name == "sqlite"
    raw = [type_coerce(column, Int) if isinstance(column.type, Instant) else column for column in table.columns]
    # By bytes, on both engines: PostgreSQL sorts text by the rules of its own language otherwise.
    keys = [key.collate("C") if isinstance(key.type, Text) and not lite else key for key in _sorted_by(table)]
    rows = session.execute(
        select(*raw).order_by(*keys), execution_options={"stream_results": True, "yield_per": _ROWS_AT_ONCE}
    )
    for some in rows.partitions():
        yield [json.dumps([_plain(value) for value in row], separators=(",", ":")) + "\n" for row in some]


def _sorted_by(table: Table) -> list[Column[Any]]:
    """Its key; where a row refers to one of its own table (a credit note to its invoice), the order of their facts."""
    within = any(reference.referred_table is table for reference in table.foreign_key_constraints)
    facts = [column for column in table.columns if within and column.name == "journal_id"]
    return [*facts, *table.primary_key]


def _plain(value: Any) -> Any:
    match value:
        case bytes():
            return value.hex()
        case date():
            return value.isoformat()
        case _:
            return value


def _revision(session: ReadSession) -> str:
    return str(session.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def _newest_journals(session: ReadSession) -> dict[int, int]:
    newest = select(journal.c.programme_id, func.max(journal.c.id)).group_by(journal.c.programme_id)
    return {row[0]: row[1] for row in session.execute(newest)}


def _newest_seals(session: ReadSession) -> dict[int, tuple[int, int, str]]:
    seals = select(seal_table.c.programme_id, seal_table.c.number, seal_table.c.to_journal, seal_table.c.hash)
    # In their order, so that the last of each programme stays.
    rows = session.execute(seals.order_by(seal_table.c.programme_id, seal_table.c.number))
    return {row.programme_id: (row.number, row.to_journal, row.hash.hex()) for row in rows}


def _sign(file: BinaryIO) -> None:
    file.seek(0, os.SEEK_END)
    body = file.tell() - _HASH_CHARS
    written = _hash_of(file, size=body)
    file.seek(body)
    file.write(written.encode())


def _hash_of(file: BinaryIO, *, size: int) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while size > 0 and (read := file.read(min(size, _BYTES_AT_ONCE))):
        digest.update(read)
        size -= len(read)
    return digest.hexdigest()


# ── Reading one ──────────────────────────────────────────────────────────────────────────────────────────────────
def examine(copy: Path) -> Copy:
    """Read a copy to its last byte and say what it holds. Refuses `CopyBroken`."""
    try:
        with copy.open("rb") as file:
            body = file.seek(0, os.SEEK_END) - _HASH_CHARS
            written = _hash_of(file, size=body)
            file.seek(max(0, body))
            if file.read() != written.encode():
                raise CopyBroken(problem="son empreinte ne correspond pas à son contenu")
            with zipfile.ZipFile(file) as whole:
                manifest = _manifest(whole)
                for name, told in manifest["tables"].items():
                    _examine_table(whole, name, told)
    except FileNotFoundError:
        raise CopyBroken(problem=f"{copy} n'existe pas") from None
    except (OSError, EOFError, ValueError, KeyError, TypeError, zlib.error, zipfile.BadZipFile) as fault:
        raise CopyBroken(problem=str(fault)) from fault
    return Copy(
        made_at=datetime.fromisoformat(manifest["made_at"]),
        revision=manifest["revision"],
        rows=sum(told["rows"] for told in manifest["tables"].values()),
        sha256=written,
        journals={int(owner): number for owner, number in manifest["journals"].items()},
        seals={int(owner): tuple(seal) for owner, seal in manifest["seals"].items()},
    )


def _manifest(whole: zipfile.ZipFile) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(whole.read("manifest.json"))
    if manifest["form"] != FORM:
        raise ValueError(f"form {manifest['form']}; this house reads form {FORM}")
    missing = {table.name for table in _copied()} - manifest["tables"].keys()
    if missing:
        raise ValueError(f"no table {', '.join(sorted(missing))}")
    return manifest


def _examine_table(whole: zipfile.ZipFile, name: str, told: Mapping[str, Any]) -> None:
    digest, rows = hashlib.sha256(), 0
    with whole.open(f"{name}.jsonl") as file:
        while read := file.read(_BYTES_AT_ONCE):
            digest.update(read)
            rows += read.count(b"\n")
    if (rows, digest.hexdigest()) != (told["rows"], told["sha256"]):
        raise ValueError(f"{name} is not what the manifest says")


# ── Restoring one ────────────────────────────────────────────────────────────────────────────────────────────────
def restore(
    house: Database,
    *,
    copy: Path,
    anchors: Mapping[int, tuple[int, int, str]],
    check: Callable[..., Sequence[object]],
    progress: Progress = _silent,
) -> Copy:
    """Fill an empty, migrated house from a copy, whole or not at all, in one transaction.

    `anchors`: the newest seal noted outside the database of each programme, as `seal.anchors` reads it; none of them
    are given only by someone who accepts an older copy, and with it the loss of what came after. `check` is
    `verify.verify`: it is asked about the loaded rows, and about the anchors, before anything is durable.

    Refuses, in order, `CopyBroken` (bytes), `CopyOlder` (than an anchor, than what the house holds), and `CopyBroken`
    again when `check` finds a fault. Raises `CopyFault` for a house that is not empty or of another revision.
    """
    told = examine(copy)
    for programme_id, (number, to_journal, _) in sorted(anchors.items()):
        sealed = told.seals.get(programme_id, (0, 0, ""))
        if sealed[0] < number:
            raise CopyOlder(copy_journal=sealed[1], known_journal=to_journal)
    return house.write(_fill, copy=copy, told=told, anchors=anchors, check=check, progress=progress)


def _fill(
    session: WriteSession,
    *,
    copy: Path,
    told: Copy,
    anchors: Mapping[int, tuple[int, int, str]],
    check: Callable[..., Sequence[object]],
    progress: Progress,
) -> Copy:
    if session.dialect.name == "postgresql":
        session.execute(text("SET LOCAL statement_timeout = 0"))
    _refuse_a_used_house(session, told)
    done = 0
    with zipfile.ZipFile(copy) as whole:
        columns = {name: kept["columns"] for name, kept in _manifest(whole)["tables"].items()}
        for table in _copied():
            if columns[table.name] != [column.name for column in table.columns]:
                raise CopyBroken(problem=f"{table.name} : d'autres colonnes")
            for count in _load(session, table, whole):
                done += count
                progress(done, told.rows)
    if session.dialect.name == "postgresql":
        _advance_sequences(session)
        # The planner knows nothing of rows that came in this transaction, and the check joins them all.
        session.execute(text("ANALYZE"))
    for fault in check(session, anchors=anchors):
        raise CopyBroken(problem=str(fault))
    return told


def _refuse_a_used_house(session: WriteSession, told: Copy) -> None:
    for programme_id, number in sorted(_newest_journals(session).items()):
        if number > told.journals.get(programme_id, 0):
            raise CopyOlder(copy_journal=told.journals.get(programme_id, 0), known_journal=number)
    for table in metadata.sorted_tables:
        if session.execute(select(table).limit(1)).first() is not None:
            raise CopyFault(f"this house is not empty: {table.name} has rows")
    revision = _revision(session)
    if revision != told.revision:
        raise CopyFault(f"the copy is of schema {told.revision}, this house of {revision}: restore by that version")


def _load(session: WriteSession, table: Table, whole: zipfile.ZipFile) -> Iterator[int]:
    """Insert the rows of one table, by each driver's fastest way in; yields how many were, chunk by chunk."""
    names = ", ".join(column.name for column in table.columns)
    driver: Any = session.connection.driver_connection
    try:
        with whole.open(f"{table.name}.jsonl") as file:
            if session.dialect.name == "sqlite":
                places = ", ".join("?" for _ in table.columns)
                for rows in _chunks(file, [_from_plain(column, days=False) for column in table.columns]):
                    driver.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({places})", rows)  # noqa: S608
                    yield len(rows)
                return
            with driver.cursor() as cursor:
                for rows in _chunks(file, [_from_plain(column, days=True) for column in table.columns]):
                    with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN (FORMAT BINARY)") as into:
                        into.set_types([_type_name(column) for column in table.columns])
                        for row in rows:
                            into.write_row(row)
                    yield len(rows)
    except (ValueError, TypeError, _driver_error(session)) as fault:
        raise CopyBroken(problem=f"{table.name} : {fault}") from fault


def _driver_error(session: ReadSession) -> type[Exception]:
    """The driver's own error, which SQLAlchemy does not see where it is passed by."""
    error: type[Exception] = session.dialect.loaded_dbapi.Error
    return error


def _chunks(file: Any, readers: Sequence[Callable[[Any], Any] | None]) -> Iterator[list[tuple[Any, ...]]]:
    rows: list[tuple[Any, ...]] = []
    for line in file:
        values = json.loads(line)
        rows.append(
            tuple(
                value if read is None or value is None else read(value)
                for value, read in zip(values, readers, strict=True)
            )
        )
        if len(rows) == _ROWS_AT_ONCE:
            yield rows
            rows = []
    if rows:
        yield rows


def _from_plain(column: Column[Any], *, days: bool) -> Callable[[Any], Any] | None:
    if isinstance(column.type, LargeBinary):
        return bytes.fromhex
    return date.fromisoformat if days and isinstance(column.type, Day) else None


def _type_name(column: Column[Any]) -> str:
    match column.type:
        case LargeBinary():
            return "bytea"
        case Day():
            return "date"
        case Text():
            return "text"
        case _:
            return "int8"


def _advance_sequences(session: WriteSession) -> None:
    """The next number of each kind comes after every number that was restored."""
    highest: dict[str, Column[Any]] = {str(journal_ids.name): journal.c.id}
    for table in _copied():
        counted = table.autoincrement_column
        if counted is not None:
            highest[f"{table.name}_{counted.name}_seq"] = counted
    for name, column in highest.items():
        most = session.execute(select(func.max(column))).scalar()
        if most is not None:
            session.execute(text("SELECT setval(CAST(:name AS regclass), :most)"), {"name": name, "most": most})
