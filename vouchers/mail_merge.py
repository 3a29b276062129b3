"""An order made from a list, as post: the letters with each person's vouchers, the labels, the mail house's file.

Everything is in the same order and under the same references (a person's line in the list), so that letters, labels
and file can be laid beside each other. Nobody is left out: an address that no envelope can show is a letter to be
handed over, and vouchers whose people were erased are printed last, without a name. Letters hold codes, so they can
be made until the batch is handed over (`issue.hand_over`), as often as it takes, to the same bytes.
"""

from array import array
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Final, Literal

from vouchers import address_block, directory, issue, letter_words, people, recipients
from vouchers.address_block import Block, Unfit
from vouchers.codes import CODE_CHARS, CONTROL_CHARS
from vouchers.db import Database, ReadSession
from vouchers.errors import NotAssigned, NotFound
from vouchers.files import appearing
from vouchers.issue import Batch, ToPrint
from vouchers.list_check import plain
from vouchers.order_book import find as find_order
from vouchers.paper.labels import Label, LabelFormat
from vouchers.paper.labels import write_labels as draw_labels
from vouchers.paper.letter import MOST_NEAR, Letter, LetterPaper, Near, Together, check_letters
from vouchers.paper.letter import write_letters as draw_letters
from vouchers.paper.mailing import Encoding, Mailed
from vouchers.paper.mailing import mailing_csv as mailed_csv
from vouchers.paper.voucher_sheet import Cheque, specimen
from vouchers.paper_settings import settings_of
from vouchers.recipients import Given
from vouchers.rules import rules
from vouchers.workshop import Progress, sheet_text

OrderBy = Literal["round", "street"]
Shops = Literal["near", "none"]
NOBODYS: Final = "Données effacées"
_READ_AT_ONCE: Final = 2_000
_IN_A_PACKET: Final = 300
"""Vouchers without a person that are numbered together: a hundred pages."""
_SECRET_CHARS: Final = CODE_CHARS + CONTROL_CHARS
_NAMED: Final = 8
"""Shops that the row under a letter names: by so many the turn goes on from letter to letter."""
_HOW_TO: Final = {
    "whole": (
        "Donnez le chèque à la caisse, comme un billet. Il n’est pas rendu de monnaie. "
        "Perdu ou abîmé ? Prévenez-nous vite : il sera remplacé."
    ),
    "partial": (
        "Présentez le chèque à la caisse. S’il en reste, gardez-le : le reste se dépense plus tard. "
        "Perdu ou abîmé ? Prévenez-nous vite : il sera remplacé."
    ),
}


@dataclass(frozen=True, slots=True)
class Person:
    """One person of a mailing. `serials`: of the vouchers that are still to be handed out."""

    given: Given
    serials: tuple[int, ...]
    found: Block | Unfit

    @property
    def reference(self) -> str:
        """The line of the list, as the town hall's own file counts it."""
        return str(self.given.line)

    @property
    def lines(self) -> tuple[str, ...]:
        """What stands in the window."""
        named = (self.given.civility, self.given.first_name, self.given.last_name)
        return address_block.shown(self.found, name=" ".join(filter(None, named)))


@dataclass(frozen=True)
class Mailing:
    """Who is written to, in order. `nobodys`: vouchers whose people were erased."""

    order_number: int
    list_id: int
    batch: Batch
    people: tuple[Person, ...]
    nobodys: int

    @cached_property
    def by_hand(self) -> tuple[Person, ...]:
        """Those whose address no envelope can show."""
        return tuple(one for one in self.people if isinstance(one.found, Unfit))

    @property
    def vouchers(self) -> int:
        """Of all people, and of nobody."""
        return self.nobodys + sum(len(one.serials) for one in self.people)


@dataclass(frozen=True, slots=True)
class Posted:
    """What is in a finished file: letters, of which so many `by_hand`; vouchers, of which so many are nobody's."""

    letters: int
    pages: int
    vouchers: int
    by_hand: int
    nobodys: int


# ── Who ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def mailing_of(session: ReadSession, *, programme_id: int, order_number: int, order_by: OrderBy) -> Mailing:
    """The people of an order's list: by 'round' and name, as the hand-out sheet calls them, or along the 'street's.

    Refuses `NotFound` (order, list, batch), `NotAssigned`.
    """
    of = {"programme_id": programme_id}
    find_order(session, **of, number=order_number)
    list_id = recipients.list_of_order(session, **of, order_number=order_number)
    if list_id is None:
        raise NotFound(what="list", id=order_number)
    batch = issue.of_order(session, **of, order_number=order_number)
    if batch is None:
        raise NotFound(what="batch", id=order_number)
    if not recipients.assigned(session, **of, list_id=list_id):
        raise NotAssigned(number=order_number)
    gone = recipients.withdrawn(session, **of, list_id=list_id)
    found: list[Person] = []
    nobodys = 0
    for given in recipients.hand_out(session, **of, list_id=list_id):
        serials = tuple(serial for serial in given.serials if serial not in gone)
        if given.last_name is None:
            nobodys += len(serials)
        elif serials:
            found.append(Person(given, serials, address_block.of_person(given)))
    if order_by == "street":
        found.sort(key=_along_the_streets)
    return Mailing(order_number, list_id, batch, tuple(found), nobodys)


def _along_the_streets(one: Person) -> tuple[tuple[str, str, int], str, int]:
    given = one.given
    walked = address_block.street_order(address=given.address, postcode=given.postcode, town=given.town)
    return walked, plain(f"{given.last_name} {given.first_name or ''}"), given.line


# ── Letters ──────────────────────────────────────────────────────────────────────────────────────────────────────
def write_letters(
    house: Database,
    *,
    programme_id: int,
    order_number: int,
    pepper: bytes,
    out: Path,
    written_on: date,
    order_by: OrderBy = "round",
    together: Together = "stapled",
    shops: Shops = "near",
    progress: Progress = lambda _done, _of: None,
    processes: int = 2,
) -> Posted:
    """Write the letters of an order with every voucher of its batch to `out`, and read every code back.

    `out` appears whole, checked and durable, readable by its owner alone, or not at all; the same arguments give the
    same bytes until the batch is handed over. `written_on` stands on the letters. `progress` hears of vouchers: first
    written, then read back. Refuses as `mailing_of`, then `BatchState`, `SheetsHandedOver`, then `BadInput` (the text
    is longer than a page). Raises `SheetMismatch`.
    """
    of = {"programme_id": programme_id}
    mailing = house.read(mailing_of, **of, order_number=order_number, order_by=order_by)
    paper = house.read(_paper, **of, batch=mailing.batch, written_on=written_on, together=together)
    near = house.read(_near, **of) if shops == "near" else {}
    codes = _Codes(mailing.batch)
    codes.read(house, pepper=pepper)

    def letters() -> Iterator[Letter]:
        return _letters(mailing, codes, near)

    def hear(done: int) -> None:
        progress(done, 2 * codes.count)

    with appearing(out) as part:
        written = draw_letters(part, paper=paper, letters=letters(), progress=hear)
        check_letters(
            part,
            paper=paper,
            letters=letters(),
            progress=lambda done: hear(written.cheques + done),
            processes=processes,
        )
    packets = -(-written.nobodys // _IN_A_PACKET)
    return Posted(written.letters - packets, written.pages, written.cheques, len(mailing.by_hand), written.nobodys)


def specimen_of(
    session: ReadSession,
    *,
    programme_id: int,
    order_number: int,
    written_on: date,
    together: Together,
    shops: Shops = "near",
) -> tuple[LetterPaper, Letter]:
    """A letter to a person made up, with as many vouchers as the list's first has. Refuses as `mailing_of`."""
    of = {"programme_id": programme_id}
    mailing = mailing_of(session, **of, order_number=order_number, order_by="round")
    paper = _paper(session, **of, batch=mailing.batch, written_on=written_on, together=together)
    near = _near(session, **of) if shops == "near" else {}
    first = next(iter(mailing.people), None)
    town = (first.given.town or "") if first else ""
    made_up = Letter(
        "12",
        ("Mme Jeanne EXEMPLE", "Appartement 3", "12 RUE DU QUAI", address_block.capitals(f"00000 {town}")),
        {"civilite": "Madame", "prenom": "Jeanne", "nom": "EXEMPLE"},
        (specimen(first.given.face_cents if first else 1_000),) * (len(first.serials) if first else 1),
        _shown(near, town=town, turn=0),
    )
    return paper, made_up


def _paper(
    session: ReadSession, *, programme_id: int, batch: Batch, written_on: date, together: Together
) -> LetterPaper:
    said = settings_of(session, programme_id=programme_id)
    ordered = find_order(session, programme_id=programme_id, number=batch.order_number)
    buyer = people.find_buyer(session, programme_id=programme_id, buyer_id=ordered.buyer_id)
    return LetterPaper(
        sheet=sheet_text(session, programme_id=programme_id, batch_number=batch.number),
        sender=buyer.name,
        sender_address=tuple(buyer.address.splitlines()),
        place=said.letter_place,
        written_on=written_on,
        text=said.letter_text,
        signatory=said.letter_signatory or buyer.name,
        how_to=_HOW_TO[rules(session, programme_id=programme_id).use_rule],
        together=together,
    )


def _letters(mailing: Mailing, codes: "_Codes", near: dict[str, list[Near]]) -> Iterator[Letter]:
    held: set[int] = set()
    for turn, one in enumerate(mailing.people):
        cheques = codes.cheques(one.serials)
        held.update(one.serials)
        if cheques:
            said = {
                "civilite": letter_words.called(one.given.civility),
                "prenom": one.given.first_name or "",
                "nom": one.given.last_name or "",
            }
            shown = _shown(near, town=one.given.town or "", turn=turn)
            yield Letter(one.reference, one.lines, said, cheques, shown)
    rest = [serial for serial in codes.serials() if serial not in held]
    for number, at in enumerate(range(0, len(rest), _IN_A_PACKET), start=1):
        yield Letter(f"{NOBODYS}, paquet {number}", (), {}, codes.cheques(rest[at : at + _IN_A_PACKET]))


def _near(session: ReadSession, *, programme_id: int) -> dict[str, list[Near]]:
    """The shops by commune, accents and case apart; under '' all of them."""
    found: dict[str, list[Near]] = {"": []}
    for shop in directory.by_place(session, programme_id=programme_id):
        told = ", ".join(filter(None, (shop.street, shop.commune)))
        found[""].append(Near(shop.name, shop.trade, told))
        found.setdefault(directory.fold(shop.commune), []).append(Near(shop.name, shop.trade, shop.street or ""))
    return found


def _shown(near: dict[str, list[Near]], *, town: str, turn: int) -> tuple[Near, ...]:
    """Shops of the person's commune, or of all where it has none.

    Where not all can be named, each letter begins where the one before ended: every shop is named as often as another.
    """
    known = near.get(directory.fold(town)) or near.get("", [])
    if len(known) <= _NAMED:
        return tuple(known)
    begins = turn * _NAMED % len(known)
    return tuple((known[begins:] + known[:begins])[:MOST_NEAR])


class _Codes:
    """The codes of a batch as they stand on paper: 44 bytes a voucher, so that any order can be printed."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._faces = array("Q", bytes(8 * batch.quantity))
        self._secrets = bytearray(_SECRET_CHARS * batch.quantity)
        self.count = 0

    def read(self, house: Database, *, pepper: bytes) -> None:
        """Refuses as `issue.secrets_of`."""
        last = 0
        while some := house.read(
            issue.secrets_of,
            programme_id=self._batch.programme_id,
            batch_number=self._batch.number,
            pepper=pepper,
            after_serial=last,
            limit=_READ_AT_ONCE,
        ):
            for each in some:
                self._keep(each)
            last = some[-1].serial

    def _keep(self, each: ToPrint) -> None:
        at = each.serial - self._batch.first_serial
        self._faces[at] = each.face_cents
        self._secrets[at * _SECRET_CHARS : (at + 1) * _SECRET_CHARS] = (each.code + each.control_code).encode("ascii")
        self.count += 1

    def serials(self) -> Iterator[int]:
        """Those that can be printed, in order."""
        return (self._batch.first_serial + at for at, face_cents in enumerate(self._faces) if face_cents)

    def cheques(self, serials: Collection[int]) -> tuple[Cheque, ...]:
        """Those of `serials` that can be printed."""
        return tuple(cheque for cheque in map(self._cheque, serials) if cheque is not None)

    def _cheque(self, serial: int) -> Cheque | None:
        at = serial - self._batch.first_serial
        if not 0 <= at < len(self._faces) or not self._faces[at]:
            return None
        said = self._secrets[at * _SECRET_CHARS : (at + 1) * _SECRET_CHARS].decode("ascii")
        return Cheque(serial, self._faces[at], said[:CODE_CHARS], said[CODE_CHARS:])


# ── Labels, the mail house ───────────────────────────────────────────────────────────────────────────────────────
def write_labels(out: BinaryIO, *, mailing: Mailing, form: LabelFormat) -> int:
    """A label for each letter; gives how many sheets. ValueError when there is nobody."""
    labels = (Label(one.reference, one.lines) for one in mailing.people)
    return draw_labels(out, form=form, labels=labels, title=f"Étiquettes, commande n° {mailing.order_number}")


def mailing_csv(mailing: Mailing, *, encoding: Encoding = "utf-8") -> Iterator[bytes]:
    """The file for a mail house: those whose address an envelope can show. Refuses `BadInput` (letters of cp1252)."""
    return mailed_csv(
        (
            Mailed(one.reference, one.given.civility or "", one.found.six, mailing.batch.number, one.serials)
            for one in mailing.people
            if isinstance(one.found, Block)
        ),
        encoding=encoding,
    )
