"""A campaign, or one order of it, is closed: the books are sealed, the dossier drawn up to that seal, signed and kept.

What is drawn (`dossier_tables`) depends on what the seal covers, and on the few words that may be set anew (`Wording`),
which are kept with it: so `drawn_again` gives the same bytes from the same ledger, and with the archive's hash proves
that neither was changed. A later version may draw its pages otherwise: the tables inside then tell (`likeness`).
"""

import hashlib
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from vouchers import archive, bookkeeping, dossier, order_book, seal, workshop
from vouchers.archive import Document, Number
from vouchers.db import Database, ReadSession, WriteSession
from vouchers.dossier_tables import Wording, dossier_of
from vouchers.errors import NotFound
from vouchers.paper.closing_dossier import closing_dossier
from vouchers.paper.pdf_a import attachments
from vouchers.paper.signature import Signer, signed
from vouchers.seal import Seal
from vouchers.workshop import Now


class NumberTaken(Exception):
    """Somebody else kept a dossier under the number that this one was drawn with."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A dossier that is not kept yet, under the number that it is expected to take; `file` once it is finished."""

    programme_id: int
    order_number: int | None
    covered: Seal
    number: Number
    at: datetime
    signer: Signer
    wording: Wording
    file: bytes = b""


def draw(
    house: Database, *, programme_id: int, order_number: int | None, anchors: Path, signer: Signer, now: Now
) -> Drawn:
    """Seal the books, then draw and sign the dossier of the programme or of one order, while nobody has to wait.

    Refuses `NotFound`, `NothingToClose`.
    """
    workshop.seal_books(house, programme_id=programme_id, anchors=anchors, now=now)

    at = now()

    def drawn(session: ReadSession) -> Drawn:
        covered = seal.newest(session, programme_id=programme_id)
        assert covered is not None, "a programme is opened by a fact, which a seal covers"
        number = archive.expected_number(session, programme_id=programme_id, kind="dossier", at=at)
        wording = _wording(session, programme_id=programme_id, order_number=order_number, covered=covered)
        blank = Drawn(programme_id, order_number, covered, number, at, signer, wording)
        return replace(blank, file=_file(session, blank))

    return house.read(drawn)


def keep(session: WriteSession, *, drawn: Drawn, actor: str) -> Document:
    """Keep a dossier under its number. Raises `NumberTaken` where somebody else was quicker: draw it once more."""
    programme_id, order_number = drawn.programme_id, drawn.order_number
    number = archive.next_number(session, programme_id=programme_id, kind="dossier", at=drawn.at)
    if number != drawn.number:
        # Drawn again here, a hundred thousand lines would keep every till waiting.
        raise NumberTaken(drawn.number.name)
    of = None if order_number is None else order_book.find(session, programme_id=programme_id, number=order_number)
    return archive.keep(
        session,
        programme_id=programme_id,
        kind="dossier",
        named=number,
        subject=f"programme:{programme_id}" if of is None else order_book.subject(of.number),
        buyer_id=None if of is None else of.buyer_id,
        file_name=f"dossier-{number.name}.pdf",
        file=drawn.file,
        content={"seal": drawn.covered.number, "order": order_number, **asdict(drawn.wording)},
        actor=actor,
        at=drawn.at,
    )


def close(
    house: Database, *, programme_id: int, order_number: int | None, anchors: Path, signer: Signer, actor: str, now: Now
) -> Document:
    """Draw and keep, as often as somebody else is quicker. Refuses as `draw`."""
    while True:
        drawn = draw(
            house, programme_id=programme_id, order_number=order_number, anchors=anchors, signer=signer, now=now
        )
        with suppress(NumberTaken):
            return house.write(keep, drawn=drawn, actor=actor)


def drawn_again(house: Database, *, programme_id: int, name: str, signer: Signer) -> bytes:
    """The dossier as the ledger gives it today; signed with the same key it is the same bytes. Refuses `NotFound`."""

    def again(session: ReadSession) -> bytes:
        kept = archive.find(session, programme_id=programme_id, name=name)
        if kept.kind != "dossier":
            raise NotFound(what="document", id=name)
        series, _, number = kept.name.rpartition("-")
        covered = seal.find(session, programme_id=programme_id, number=kept.content["seal"])
        named = Number(series, int(number), kept.issued_on)
        wanted = Drawn(programme_id, kept.content["order"], covered, named, kept.made_at, signer, _kept_wording(kept))
        return _file(session, wanted)

    return house.read(again)


Likeness = Literal["file", "tables", "nothing", "forged"]


def likeness(house: Database, *, programme_id: int, name: str, signer: Signer) -> Likeness:
    """How much of a kept dossier the ledger gives today. Refuses as `drawn_again`.

    'file': all, to the byte. 'tables': its tables to the byte, but pages drawn by another version, or another key.
    'forged': what is kept is not the file of which the journal has the hash.
    """
    again = drawn_again(house, programme_id=programme_id, name=name, signer=signer)
    known = house.read(archive.find, programme_id=programme_id, name=name)
    kept = house.read(archive.file_of, programme_id=programme_id, name=name)
    if hashlib.sha256(kept).hexdigest() != known.sha256:
        return "forged"
    if again == kept:
        return "file"
    return "tables" if attachments(again) == attachments(kept) else "nothing"


def _wording(session: ReadSession, *, programme_id: int, order_number: int | None, covered: Seal) -> Wording:
    return Wording(
        accounts=dict(bookkeeping.plan(session, programme_id=programme_id).numbers) if order_number is None else {},
        purchase_orders=dossier.purchase_orders(
            session, programme_id=programme_id, upto_journal=covered.to_journal, order_number=order_number
        ),
    )


def _kept_wording(kept: Document) -> Wording:
    return Wording(
        accounts={word: (number, name) for word, (number, name) in kept.content["accounts"].items()},
        purchase_orders={int(number): said for number, said in kept.content["purchase_orders"].items()},
    )


def _file(session: ReadSession, wanted: Drawn) -> bytes:
    values = dossier_of(
        session,
        programme_id=wanted.programme_id,
        order_number=wanted.order_number,
        covered=wanted.covered,
        number=wanted.number,
        wording=wanted.wording,
    )
    about = " ".join(values.about)
    return signed(closing_dossier(values), signer=wanted.signer, at=wanted.covered.at, name=values.issuer, reason=about)
