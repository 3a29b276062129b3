"""The archive: papers that bind, each with its number, its file and its hash. What was made once is never made again.

An invoice, a credit note or a closing dossier takes the next number of its series, without gaps: `next_number` takes
the programme's turn, so that two at once are numbered one after the other, and the number is used by what the same
transaction keeps or by nobody. Series and dates go up together, because a number never has an earlier day than the
one before. The journal has each paper's hash: one that was changed behind the house's back is told by `verify`.

Source of the rule: CGI annexe II, article 242 nonies A, I 7° (a unique number, a chronological and continuous series;
several series where the business justifies it).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, select

from vouchers import clock, ledger
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import NotFound
from vouchers.ledger import Fact
from vouchers.rules import take_turn
from vouchers.tables import document

MOST_LISTED: Final = 500
CREDITS: Final = {
    "face_value": "face_value_credit",
    "fee": "fee_credit",
    "face_value_and_fee": "face_value_and_fee_credit",
    "commission": "commission_credit",
}
"""The credit note of each invoice."""
_LETTERS: Final = {
    "face_value": "T",
    "fee": "F",
    "face_value_and_fee": "F",
    "commission": "C",
    "dossier": "D",
    **dict.fromkeys(CREDITS.values(), "A"),
}
"""What the series of a kind begins with: titres, frais, commission, dossier, avoir."""
KINDS_FR: Final = {
    "face_value": "Facture de chèques",
    "fee": "Facture de frais",
    "face_value_and_fee": "Facture",
    "commission": "Facture de commission",
    "face_value_credit": "Avoir sur chèques",
    "fee_credit": "Avoir sur frais",
    "face_value_and_fee_credit": "Avoir",
    "commission_credit": "Avoir sur commission",
    "statement": "Relevé de remboursement",
    "bank_file": "Fichier bancaire",
    "dossier": "Dossier de clôture",
}
"""Each kind as printed."""
_FACT_OF: Final = dict.fromkeys(CREDITS, "invoiced") | dict.fromkeys(CREDITS.values(), "credited")


@dataclass(frozen=True, slots=True)
class Number:
    """The next of a series: 'F1-2026-00042' is the 42nd of series 'F1-2026', dated `on` (a Paris day)."""

    series: str
    number: int
    on: date

    @property
    def name(self) -> str:
        """As printed: letters, digits and hyphens, at most 20 characters (what Chorus Pro is said to take)."""
        return f"{self.series}-{self.number:05d}"


@dataclass(frozen=True, slots=True)
class Document:
    """A paper of the archive, without its file. Cents of a credit note are below zero; `fee_cents`: fee or commission.

    `subject`: what it is about: 'order:3', 'settlement:2/17', 'run:2', 'programme:1'. `content`: what it was made of.
    """

    programme_id: int
    name: str
    kind: str
    subject: str
    buyer_id: int | None
    merchant_id: int | None
    issued_on: date
    made_at: datetime
    face_cents: int
    fee_cents: int
    vat_cents: int
    corrects: str | None
    content: dict[str, Any]
    file_name: str
    sha256: str
    journal_id: int

    @property
    def cents(self) -> int:
        """What it asks for in all."""
        return self.face_cents + self.fee_cents + self.vat_cents


def next_number(session: WriteSession, *, programme_id: int, kind: str, at: datetime) -> Number:
    """The number that a paper of this `kind` takes in this transaction. Refuses `NotFound` (programme)."""
    take_turn(session, programme_id=programme_id)
    return expected_number(session, programme_id=programme_id, kind=kind, at=at)


def expected_number(session: ReadSession, *, programme_id: int, kind: str, at: datetime) -> Number:
    """The number that the next paper of this `kind` will take, unless somebody else makes one first."""
    letter, today = f"{_LETTERS[kind]}{programme_id}", clock.book_day(at)
    newest = session.execute(
        select(document.c.series, document.c.number, document.c.issued_on)
        .where(document.c.programme_id == programme_id, document.c.series.startswith(f"{letter}-"))
        .order_by(document.c.issued_on.desc(), document.c.number.desc())
        .limit(1)
    ).first()
    on = today if newest is None else max(today, newest.issued_on)
    series = f"{letter}-{on.year}"
    return Number(series, newest.number + 1 if newest is not None and newest.series == series else 1, on)


def keep(
    session: WriteSession,
    *,
    programme_id: int,
    kind: str,
    named: Number | str,
    subject: str,
    file_name: str,
    file: bytes,
    actor: str,
    at: datetime,
    content: Mapping[str, Any] | None = None,
    buyer_id: int | None = None,
    merchant_id: int | None = None,
    face_cents: int = 0,
    fee_cents: int = 0,
    vat_cents: int = 0,
    corrects: str | None = None,
) -> Document:
    """Keep a finished paper, and its hash in the journal. A paper without a series is `named` by who makes it.

    One of that name, kept before, is given back as it is: so a paper that two make at once is the one of the first.
    """
    if isinstance(named, str):
        take_turn(session, programme_id=programme_id)
        if (before := known(session, programme_id=programme_id, name=named)) is not None:
            return before
    name, on = (named.name, named.on) if isinstance(named, Number) else (named, clock.book_day(at))
    digest = hashlib.sha256(file).digest()
    fact = Fact(_FACT_OF.get(kind, "document_made"), at, actor, subject, f"{name} {digest.hex()}")
    journal_id = ledger.post(session, programme_id=programme_id, fact=fact)
    session.execute(
        document.insert().values(
            programme_id=programme_id,
            name=name,
            kind=kind,
            series=named.series if isinstance(named, Number) else None,
            number=named.number if isinstance(named, Number) else None,
            subject=subject,
            buyer_id=buyer_id,
            merchant_id=merchant_id,
            issued_on=on,
            made_at=at,
            face_cents=face_cents,
            fee_cents=fee_cents,
            vat_cents=vat_cents,
            corrects=corrects,
            content=json.dumps(content or {}, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
            file_name=file_name,
            sha256=digest,
            file=file,
            journal_id=journal_id,
        )
    )
    return find(session, programme_id=programme_id, name=name)


def find(session: ReadSession, *, programme_id: int, name: str) -> Document:
    """One paper. Refuses `NotFound`."""
    found = known(session, programme_id=programme_id, name=name)
    if found is None:
        raise NotFound(what="document", id=name)
    return found


def known(session: ReadSession, *, programme_id: int, name: str) -> Document | None:
    """The paper of this name; None where there is none."""
    found = _found(session, _is(programme_id, name))
    return found[0] if found else None


def file_of(session: ReadSession, *, programme_id: int, name: str) -> bytes:
    """The file itself, byte for byte as it was first made. Refuses `NotFound`."""
    wanted = select(document.c.file).where(*_is(programme_id, name))
    kept: bytes | None = session.execute(wanted).scalar()
    if kept is None:
        raise NotFound(what="document", id=name)
    return kept


def about(
    session: ReadSession, *, programme_id: int, subjects: Sequence[str], kinds: Sequence[str] = ()
) -> list[Document]:
    """The papers about these subjects (of these kinds, if any are named), in the order they were made."""
    wanted: list[ColumnElement[bool]] = [document.c.programme_id == programme_id, document.c.subject.in_(subjects)]
    if kinds:
        wanted.append(document.c.kind.in_(kinds))
    return _found(session, wanted)


def listed(
    session: ReadSession,
    *,
    programme_id: int,
    buyer_ids: Sequence[int] | None = None,
    merchant_ids: Sequence[int] | None = None,
    kinds: Sequence[str] = (),
    offset: int = 0,
    limit: int = 50,
) -> list[Document]:
    """Papers, the newest first, `limit` at most (up to 500); of these buyers or merchants where they are given."""
    wanted: list[ColumnElement[bool]] = [document.c.programme_id == programme_id]
    if buyer_ids is not None or merchant_ids is not None:
        wanted.append(document.c.buyer_id.in_(buyer_ids or ()) | document.c.merchant_id.in_(merchant_ids or ()))
    if kinds:
        wanted.append(document.c.kind.in_(kinds))
    return _found(session, wanted, newest_first=True, offset=offset, limit=max(0, min(limit, MOST_LISTED)))


def upto(
    session: ReadSession, *, programme_id: int, journal_id: int, subjects: Sequence[str] | None = None
) -> list[Document]:
    """What was kept up to a journal, in the order it was made; about these subjects where they are given."""
    wanted = [document.c.programme_id == programme_id, document.c.journal_id <= journal_id]
    if subjects is not None:
        wanted.append(document.c.subject.in_(subjects))
    return _found(session, wanted)


def counted(session: ReadSession, *, programme_id: int) -> int:
    """How many papers the archive of a programme holds."""
    return int(
        session.execute(
            select(func.count()).select_from(document).where(document.c.programme_id == programme_id)
        ).scalar_one()
    )


def _is(programme_id: int, name: str) -> list[ColumnElement[bool]]:
    return [document.c.programme_id == programme_id, document.c.name == name]


def _found(
    session: ReadSession,
    wanted: Sequence[ColumnElement[bool]],
    *,
    newest_first: bool = False,
    offset: int = 0,
    limit: int | None = None,
) -> list[Document]:
    order = document.c.journal_id.desc() if newest_first else document.c.journal_id
    # Never the file: a list of a thousand papers would carry them all.
    columns = [document.c[name] for name in Document.__dataclass_fields__]
    page: Select[Any] = select(*columns).where(*wanted).order_by(order)
    if limit is not None:
        page = page.limit(limit).offset(offset)
    return [
        Document(**{**row._mapping, "content": json.loads(row.content), "sha256": row.sha256.hex()})
        for row in session.execute(page)
    ]
