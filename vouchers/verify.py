"""Are the books what they say? Recomputed from the rows alone, by none of the code that wrote them.

`vouchers verify` asks the invariants (`invariants.py`) and the witnesses (`witnesses.py`), what the constraints and
keys of the tables say (whoever owns the database can drop them), the days (each business day is the Paris date of its
instants), the answers (what a till was told is in the books), the codes (those of each chunk are those it was issued
with), the seals (I12, each hash made again from the rows), the papers (I18, `paper_witnesses.py`, each file hashed
again) and the triggers that guard the books (I13, `guards.py`). The first bad row of each check is named. A check reads
one moment of the database: it is one statement, or reads only what can no longer change.

Not asked, because the rows cannot say: whether a redemption or a payment really took place, what the customer spent in
all, which codes are on a voucher that replaces another (the fact of a replacement has somebody's own words for its
reason), what account was asked for (the fact has its number alone: a trigger keeps the rest), why a settlement was
carried over, when a run's period begins and ends, from which account and on which day it is paid, who drafted an order,
in which words papers are wanted and, in journals since the newest seal, whether a text (actor, reason) or an instant
within its day was changed.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Final
from zoneinfo import ZoneInfo

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from sqlalchemy import CheckConstraint, Row, Table, bindparam, text

from vouchers.bank_witnesses import BANK
from vouchers.db import ReadSession
from vouchers.guards import strayed
from vouchers.invariants import INVARIANTS, Invariant
from vouchers.paper_witnesses import COMMISSIONS, PAPERS, strayed_papers
from vouchers.tables import metadata
from vouchers.witnesses import WITNESSES

_ROWS_AT_ONCE: Final = 5_000
_PARIS: Final = ZoneInfo("Europe/Paris")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBERED: Final = {
    "voucher": "serial",
    "voucher_order": "order",
    "batch": "batch",
    "settlement": "run",
    "payment_run": "run",
    "balance_snapshot": "up to journal",
    "bank_account": "account",
    "bank_line": "line",
    "bank_match": "line",
    "bank_statement": "statement",
    "acceptance": "entry",
    "dispute": "dispute",
    "remittance": "remittance",
    "remitted": "remittance",
    "settlement_hold": "hold",
    "programme": "serial",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that does not hold, at the first row where it does not."""

    invariant: str
    says: str
    table: str
    key: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.says}. {self.table}, {self.key}: found {self.found}; expected {self.expected}"


Check = Callable[[ReadSession], list[Fault]]


def verify(session: ReadSession, *, anchors: Mapping[int, tuple[int, int, str]] | None = None) -> list[Fault]:
    """Every check, each with its first bad row; where nothing is wrong, the list is empty.

    `anchors`: as in `against_anchors`.
    """
    faults = [fault for check in CHECKS for fault in check(session)]
    return faults + against_anchors(session, anchors=anchors or {})


def against_anchors(session: ReadSession, *, anchors: Mapping[int, tuple[int, int, str]]) -> list[Fault]:
    """Whether each seal that was noted outside the database is still the one in it.

    `anchors`: by programme, (number, last journal, hash in hexadecimal) of its newest noted seal.
    """
    faults = []
    for programme_id, (number, to_journal, noted) in sorted(anchors.items()):
        seal = session.execute(
            text("SELECT to_journal, hash FROM seal WHERE programme_id = :programme_id AND number = :number"),
            {"programme_id": programme_id, "number": number},
        ).first()
        found = "no such seal" if seal is None else f"{bytes(seal.hash).hex()} up to {seal.to_journal}"
        expected = f"{noted} up to {to_journal}"
        if found != expected:
            key = f"programme {programme_id}, seal {number}"
            says = "a seal noted outside the database is the one in it"
            faults.append(Fault("I12", says, "seal", key, found, expected))
    return faults


def _check(finding: Callable[[ReadSession], Iterator[Fault]]) -> Check:
    def check(session: ReadSession) -> list[Fault]:
        if session.dialect.name == "postgresql":
            session.execute(text("SET LOCAL statement_timeout = 0"))
        return list(finding(session))

    return check


def _asked(each: Invariant) -> Check:
    first = text(
        f"SELECT p, n, found, expected FROM ({each.sql}) asked WHERE found <> expected ORDER BY p, n LIMIT 1"  # noqa: S608 - words of this package alone
    )

    def finding(session: ReadSession) -> Iterator[Fault]:
        for row in session.execute(first):
            key = f"programme {row.p}" + (f", {_NUMBERED.get(each.table, 'journal')} {row.n}" if row.n else "")
            yield Fault(each.name, each.says, each.table, key, str(row.found), str(row.expected))

    return _check(finding)


# ── What the tables declare ──────────────────────────────────────────────────────────────────────────────────────
def _declared(table: Table) -> Check:
    def finding(session: ReadSession) -> Iterator[Fault]:
        keys = [f"{table.name}.{column.name}" for column in table.primary_key]
        for says, where in (*_checks(table), *_references(table)):
            bad = text(f"SELECT {', '.join(keys)} FROM {table.name} WHERE {where} ORDER BY {', '.join(keys)} LIMIT 1")  # noqa: S608 - of this package alone
            for row in session.execute(bad):
                yield Fault("I0", "rows are as their table declares", table.name, _key(row), "a row that is not", says)

    return _check(finding)


def _key(row: Row[Any]) -> str:
    shown = (value.hex() if isinstance(value, bytes) else value for value in row)
    return ", ".join(
        f"{name.partition('.')[2] or name} {value}" for name, value in zip(row._fields, shown, strict=True)
    )


def _checks(table: Table) -> Iterator[tuple[str, str]]:
    for constraint in sorted(table.constraints, key=lambda constraint: str(constraint.name)):
        if isinstance(constraint, CheckConstraint):
            yield str(constraint.sqltext), f"NOT ({constraint.sqltext})"
    missing = [column.name for column in table.columns if not column.nullable]
    if missing:
        yield "nothing missing", " OR ".join(f"{table.name}.{name} IS NULL" for name in missing)


def _references(table: Table) -> Iterator[tuple[str, str]]:
    for reference in sorted(table.foreign_key_constraints, key=lambda reference: str(reference.name)):
        pairs = [(element.parent.name, element.column.name) for element in reference.elements]
        other = reference.referred_table.name
        given = " AND ".join(f"{table.name}.{own} IS NOT NULL" for own, _ in pairs)
        same = " AND ".join(f"other.{theirs} = {table.name}.{own}" for own, theirs in pairs)
        yield (
            f"its {other} by {', '.join(own for own, _ in pairs)}",
            f"{given} AND NOT EXISTS (SELECT 1 FROM {other} AS other WHERE {same})",  # noqa: S608 - of this package alone
        )


# ── Days ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def _days(session: ReadSession) -> Iterator[Fault]:
    """First and last instant of each business day: if both are of that day in Paris, so is all between them."""
    rows = session.execute(
        text(
            "SELECT programme_id, CAST(book_day AS TEXT), MIN(at), MAX(at) FROM journal"
            " GROUP BY programme_id, book_day ORDER BY programme_id, book_day"
        )
    )
    for programme_id, day, *ends in rows:
        for micros in ends:
            real = (_EPOCH + timedelta(microseconds=micros)).astimezone(_PARIS).date().isoformat()
            if real != day:
                key = f"programme {programme_id}, instant {micros}"
                yield Fault("I2", "a journal's day is the Paris date of its instant", "journal", key, day, real)
                return


# ── I12: seals ───────────────────────────────────────────────────────────────────────────────────────────────────
def _seals(session: ReadSession) -> Iterator[Fault]:
    programmes = session.execute(text("SELECT programme_id FROM seal GROUP BY programme_id ORDER BY programme_id"))
    for programme_id in programmes.scalars().all():
        seals = session.execute(
            text(
                "SELECT number, from_journal, to_journal, journals, cents, previous_hash, hash, at FROM seal"
                " WHERE programme_id = :programme_id ORDER BY number"
            ),
            {"programme_id": programme_id},
        ).all()
        yield from _chain(session, programme_id, seals)


def _chain(session: ReadSession, programme_id: int, seals: Sequence[Row[Any]]) -> Iterator[Fault]:
    """The seals of a programme, each made again; stops at the first that differs."""
    following, start, previous = 1, 1, "0" * 64
    for seal in seals:
        facts = f"{seal.number}: {seal.from_journal} after {bytes(seal.previous_hash).hex()}"
        wanted = f"{following}: {start} after {previous}"
        key = f"programme {programme_id}, seal {seal.number}"
        if facts != wanted:
            yield Fault("I12", "each seal follows the one before", "seal", key, facts, wanted)
            return
        made, journals, cents = _sealed_again(session, programme_id, seal)
        found = f"{bytes(seal.hash).hex()}, {seal.journals} journals, {seal.cents} cents"
        expected = f"{made}, {journals} journals, {cents} cents"
        if found != expected:
            yield Fault("I12", "a seal is the hash of its journals", "seal", key, found, expected)
            return
        following, start, previous = seal.number + 1, seal.to_journal + 1, bytes(seal.hash).hex()


def _sealed_again(session: ReadSession, programme_id: int, seal: Row[Any]) -> tuple[str, int, int]:
    digest = hashlib.sha256()

    def add(*values: object) -> None:
        digest.update((json.dumps(list(values), separators=(",", ":")) + "\n").encode("ascii"))

    add("seal", 1, programme_id, seal.number, seal.from_journal, seal.to_journal, seal.at,
        bytes(seal.previous_hash).hex())  # fmt: skip
    journals = cents = 0
    reads = {
        name: session.execute(
            text(sql),
            {"programme_id": programme_id, "first": seal.from_journal, "last": seal.to_journal},
            execution_options={"yield_per": _ROWS_AT_ONCE, "stream_results": True},
        )
        for name, sql in _SEALED.items()
    }
    postings = iter(reads["posting"])
    posting = next(postings, None)
    for journal in reads["journal"]:
        journals += 1
        add("journal", *journal)
        while posting is not None and posting.journal_id <= journal.id:
            cents += posting.cents
            add("posting", *posting[1:])
            posting = next(postings, None)
    for left in (posting, *postings) if posting is not None else ():
        # A posting without its journal was not sealed, so it spoils the hash.
        add("posting", *left[1:])
    add("end", journals, cents)
    return digest.hexdigest(), journals, cents


_SEALED: Final = {
    "journal": "SELECT id, kind, at, CAST(book_day AS TEXT), actor, subject, reason FROM journal"
    " WHERE programme_id = :programme_id AND id BETWEEN :first AND :last ORDER BY id",
    "posting": "SELECT journal_id, line, debit, credit, cents, serial FROM posting"
    " WHERE programme_id = :programme_id AND journal_id BETWEEN :first AND :last ORDER BY journal_id, line",
}


# ── I7, I15: what was told, and what was printed ─────────────────────────────────────────────────────────────────
def _acknowledged(session: ReadSession) -> Iterator[Fault]:
    """A till that was told yes: the redemption, or the reversal, is in the books."""
    answers = session.execute(
        text(
            "SELECT programme_id, scope, key, answer FROM idempotency WHERE refused IS NULL"
            " AND (answer LIKE '%\"redemption\"%' OR answer LIKE '%\"reversal\"%') ORDER BY programme_id, scope, key"
        ),
        execution_options={"yield_per": _ROWS_AT_ONCE, "stream_results": True},
    )
    for part in answers.partitions():
        told = [(row, *_named_in(row.answer)) for row in part]
        asked = {
            "programmes": sorted({row.programme_id for row in part}),
            "redemptions": sorted({redemption for _, redemption, _ in told}),
        }
        there = {(*each, None) for each in session.execute(_REDEMPTIONS, asked)}
        there |= {tuple(each) for each in session.execute(_REVERSALS, asked)}
        for row, redemption, reversal in told:
            if (row.programme_id, redemption, reversal) not in there:
                key = f"programme {row.programme_id}, {row.scope} {row.key}"
                says = "an acknowledged redemption or reversal is never lost"
                yield Fault("I7", says, "idempotency", key, "not in the books", row.answer)
                return


def _named_in(answer: str) -> tuple[int, int | None]:
    """The redemption that an answer names, and its reversal if it names one; 0, which there never is, for no number."""
    try:
        said = json.loads(answer)
    except ValueError:
        return 0, None
    if not isinstance(said, dict):
        return 0, None
    redemption, reversal = (_number(said.get(name)) for name in ("redemption", "reversal"))
    return redemption, reversal if "reversal" in said else None


def _number(value: object) -> int:
    return value if isinstance(value, int) and 0 < value < 2**63 else 0


_REDEMPTIONS: Final = text(
    "SELECT programme_id, journal_id FROM redemption WHERE programme_id IN :programmes AND journal_id IN :redemptions"
).bindparams(bindparam("programmes", expanding=True), bindparam("redemptions", expanding=True))
_REVERSALS: Final = text(
    "SELECT programme_id, redemption_id, journal_id FROM reversal"
    " WHERE programme_id IN :programmes AND redemption_id IN :redemptions"
).bindparams(bindparam("programmes", expanding=True), bindparam("redemptions", expanding=True))


def _codes(session: ReadSession) -> Iterator[Fault]:
    """Chunk after chunk of each batch: the fact of its issue holds the hash of the codes that are on its papers."""
    chunks = session.execute(
        text(
            "SELECT b.programme_id, b.number, b.first_serial, b.issued_count, k.reason FROM batch b"
            " LEFT JOIN journal k ON k.programme_id = b.programme_id AND k.kind = 'issued'"
            " AND k.subject = 'batch:' || CAST(b.number AS TEXT) ORDER BY b.programme_id, b.number, k.id"
        )
    ).all()
    for (programme_id, number, first, count), facts in groupby(chunks, key=_batch_of):
        upto = first - 1
        key = f"programme {programme_id}, batch {number}"
        says = "the codes of a batch are those that were issued"
        for reason in (fact.reason for fact in facts if fact.reason is not None):
            after, upto = upto, _last_serial(reason)
            expected = f"{after + 1}-{upto} {_codes_again(session, programme_id, after + 1, upto)}"
            if reason != expected:
                yield Fault("I15", says, "voucher", key, reason, expected)
                return
        if upto != first + count - 1:
            yield Fault("I15", says, "voucher", key, f"issued up to {upto}", f"{first + count - 1}")
            return


def _batch_of(chunk: Row[Any]) -> tuple[int, int, int, int]:
    return chunk.programme_id, chunk.number, chunk.first_serial, chunk.issued_count


def _last_serial(reason: str) -> int:
    said = reason.partition(" ")[0].partition("-")[2]
    return int(said) if said.isdecimal() and len(said) < 19 else 0


def _codes_again(session: ReadSession, programme_id: int, first: int, last: int) -> str:
    digest = hashlib.sha256()
    papers = session.execute(
        text(
            "SELECT serial, code_hash, control_hash, face_cents FROM voucher WHERE programme_id = :programme_id"
            " AND serial BETWEEN :first AND :last ORDER BY serial"
        ),
        {"programme_id": programme_id, "first": first, "last": last},
        execution_options={"yield_per": _ROWS_AT_ONCE, "stream_results": True},
    )
    for serial, code, control, face_cents in papers:
        digest.update(f"{serial} {bytes(code).hex()} {bytes(control).hex()} {face_cents}\n".encode("ascii"))
    return digest.hexdigest()


# ── I16: without network ─────────────────────────────────────────────────────────────────────────────────────────
def _entries(session: ReadSession) -> Iterator[Fault]:
    """What a till signed is what the row beside it says, follows the entry that it says, and is signed by that till."""
    asked = session.execute(
        text(
            "SELECT a.programme_id, a.till_id, a.key, a.number, a.chain, a.entry, a.signature, a.cents, a.accepted_at,"
            " t.public_key, t.weak_secret IS NOT NULL AS weak FROM acceptance a"
            " LEFT JOIN till t ON t.programme_id = a.programme_id AND t.id = a.till_id"
            " ORDER BY a.programme_id, a.till_id, a.number, a.received_at, a.key"
        ),
        execution_options={"yield_per": _ROWS_AT_ONCE, "stream_results": True},
    )
    with asked as rows:
        for (programme_id, till_id), of_till in groupby(rows, key=lambda row: (row.programme_id, row.till_id)):
            before: dict[int, set[str]] = {}
            for row in of_till:
                found = f"{row.number} {row.key} {row.cents} {row.accepted_at}, {row.chain}"
                expected = f"{_entry_again(row.entry)}, {_chain_again(row, before)}"
                if not _is_signed(row):
                    expected = "another signature"
                if found != expected:
                    key = f"programme {programme_id}, till {till_id}, entry {row.number}"
                    yield Fault("I16", "an entry is what its till signed", "acceptance", key, found, expected)
                    return
                # Only the last two numbers can be asked for: the rows come in their order.
                before = {number: hashes for number, hashes in before.items() if number >= row.number - 1}
                before.setdefault(row.number, set()).add(hashlib.sha256(row.entry.encode()).hexdigest())


def _entry_again(entry: str) -> str:
    try:
        said = json.loads(entry)
        accepted_at = (datetime.fromisoformat(said["scanned_at"]) - _EPOCH) // timedelta(microseconds=1)
        return f"{said['number']} {said['key']} {said['cents']} {accepted_at}"
    except (ValueError, KeyError, TypeError):
        return "unreadable"


def _chain_again(row: Row[Any], before: Mapping[int, set[str]]) -> str:
    """A whole chain must be one. A hole may have been filled since, and a fork has its twin: both are left as told."""
    if row.chain != "whole" or _entry_again(row.entry) == "unreadable":
        return str(row.chain)
    followed = before.get(row.number - 1, {""} if row.number == 1 else set())
    return "whole" if json.loads(row.entry).get("previous") in followed else "not whole"


def _is_signed(row: Row[Any]) -> bool:
    # What a weak till signed with is sealed under the pepper, which no check of the rows has.
    if row.weak or row.public_key is None:
        return True
    signature = bytes(row.signature)
    half = len(signature) // 2
    r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    try:
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes(row.public_key))
        point.verify(encode_dss_signature(r, s), row.entry.encode(), ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


# ── I18: papers ──────────────────────────────────────────────────────────────────────────────────────────────────
def _papers(session: ReadSession) -> Iterator[Fault]:
    for found in strayed_papers(session):
        yield Fault("I18", *found)


# ── I13: triggers ────────────────────────────────────────────────────────────────────────────────────────────────
def _guards(session: ReadSession) -> Iterator[Fault]:
    for table, key, found, expected in strayed(session):
        yield Fault("I13", "the triggers that guard the books, and no others, stand there", table, key, found, expected)


CHECKS: Final[tuple[Check, ...]] = (
    *(_asked(each) for each in (*INVARIANTS, *WITNESSES, *PAPERS, *COMMISSIONS, *BANK)),
    *(_declared(table) for table in metadata.sorted_tables),
    _check(_days),
    _check(_acknowledged),
    _check(_codes),
    _check(_entries),
    _check(_seals),
    _check(_papers),
    _check(_guards),
)
"""Each reads one moment of the database on its own, so that a door may run them one by one and tell how far it is."""
