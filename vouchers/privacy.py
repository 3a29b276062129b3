"""What is kept about the people on a list, until when, and how it goes: for one person, or for the whole list.

Their names stand in two places: the people who receive vouchers, and the list as it was read from a file. Both are
emptied together; a number stays, so that the books and the vouchers stand as before. Neither a fact nor a kept answer
ever holds a name. Sources: GDPR articles 15 (access), 17 (erasure) and 5.1.e (no longer than is needed).
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, func, select, update

from vouchers import ledger
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import ListSpendable, ListState, NotFound
from vouchers.ledger import Fact
from vouchers.list_check import plain
from vouchers.rules import rules
from vouchers.tables import (
    batch,
    buyer,
    journal,
    recipient,
    recipient_list,
    recipient_voucher,
    voucher,
    voucher_order,
)

KEPT_MONTHS: Final = 3
"""Months after the last day on which shops present vouchers: until then a letter or a lost paper may need a name."""
MOST_LOGGED: Final = 50
_UNSPENT: Final = ("printed", "active", "blocked")
_LOGGED: Final = ("recipient_exported", "recipient_erased", "recipients_purged")
_SAID: Final = ("civility", "last_name", "first_name", "address", "postcode", "town", "round", "reference")
_CALLED: Final = {"round": "delivery_round"}
_NOBODY: Final[dict[str, None]] = dict.fromkeys(_SAID)


@dataclass(frozen=True, slots=True)
class KeptList:
    """A list and what is kept of it. `unspent`: vouchers of its people that hold money, or are still to be issued."""

    list_id: int
    buyer_id: int
    buyer_name: str
    name: str
    state: str
    order_number: int | None
    brought_at: datetime
    people: int
    erased: int
    unspent: int
    due_on: date


@dataclass(frozen=True, slots=True)
class KeptVoucher:
    """A voucher that a person was given, as it stands; nothing of where or when it was spent."""

    serial: int
    face_cents: int
    balance_cents: int
    state: str
    expires_on: date


@dataclass(frozen=True, slots=True)
class KeptPerson:
    """All that is kept about one person. `read`: the line of the file they came in, column by column."""

    recipient_id: int
    list_id: int
    list_name: str
    buyer_id: int
    buyer_name: str
    line: int
    civility: str | None
    last_name: str | None
    first_name: str | None
    address: str | None
    postcode: str | None
    town: str | None
    delivery_round: str | None
    reference: str | None
    face_cents: int
    quantity: int
    brought_at: datetime
    erased_at: datetime | None
    due_on: date
    read: tuple[tuple[str, str], ...]
    vouchers: tuple[KeptVoucher, ...]

    @property
    def full_name(self) -> str:
        """'Mme Zoé Bernard'; empty for an erased person."""
        return " ".join(filter(None, (self.civility, self.first_name, self.last_name)))


@dataclass(frozen=True, slots=True)
class Logged:
    """Something that was done to people's data: of one person (`recipient_id`) or of `people` of a list."""

    at: datetime
    kind: str
    actor: str
    recipient_id: int | None
    list_id: int | None
    people: int


def due_on(session: ReadSession, *, programme_id: int) -> date:
    """The day by which the lists of a programme should be purged. Refuses `NotFound`."""
    last = rules(session, programme_id=programme_id).presentation_deadline_on
    years, month = divmod(last.month - 1 + KEPT_MONTHS, 12)
    first = date(last.year + years, month + 1, 1)
    after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return min(first + (last - last.replace(day=1)), after - date.resolution)


def lists_kept(
    session: ReadSession,
    *,
    programme_id: int,
    buyer_ids: Collection[int] | None = None,
    list_id: int | None = None,
) -> list[KeptList]:
    """The lists of a programme, newest first: of these buyers, or the one asked for, where they are given."""
    people, erased = func.sum(case((recipient.c.erased_at.is_(None), 1), else_=0)), func.count(recipient.c.erased_at)
    # A list may be as long as a town: it is read only where its people are nowhere else.
    drafted = case((recipient_list.c.state == "draft", recipient_list.c.content), else_="")
    found = (
        select(
            *(recipient_list.c[name] for name in ("id", "buyer_id", "name", "state", "order_number", "brought_at")),
            buyer.c.name.label("buyer_name"),
            drafted.label("content"),
            people.label("people"),
            erased.label("erased"),
        )
        .join(buyer, buyer.c.id == recipient_list.c.buyer_id)
        .outerjoin(recipient, _OF_LIST)
        .where(recipient_list.c.programme_id == programme_id)
        .group_by(recipient_list.c.id, buyer.c.name)
        .order_by(recipient_list.c.id.desc())
    )
    if buyer_ids is not None:
        found = found.where(recipient_list.c.buyer_id.in_(sorted(buyer_ids)))
    if list_id is not None:
        found = found.where(recipient_list.c.id == list_id)
    due = due_on(session, programme_id=programme_id)
    unspent = _unspent(session, programme_id=programme_id, list_id=list_id)
    return [
        KeptList(
            row.id,
            row.buyer_id,
            row.buyer_name,
            row.name,
            row.state,
            row.order_number,
            row.brought_at,
            len(_rows(row.content)) if row.state == "draft" else int(row.people or 0),
            row.erased,
            0 if row.state == "purged" else unspent.get(row.id, 0),
            due,
        )
        for row in session.execute(found)
    ]


def list_kept(session: ReadSession, *, programme_id: int, list_id: int) -> KeptList:
    """One list. Refuses `NotFound`."""
    found = lists_kept(session, programme_id=programme_id, list_id=list_id)
    if not found:
        raise NotFound(what="list", id=list_id)
    return found[0]


def buyer_of_person(session: ReadSession, *, programme_id: int, recipient_id: int) -> int:
    """Whose list a person is on. Refuses `NotFound`."""
    owner = session.execute(select(recipient.c.buyer_id).where(*_is(programme_id, recipient_id))).scalar()
    if owner is None:
        raise NotFound(what="recipient", id=recipient_id)
    return int(owner)


def person_kept(session: ReadSession, *, programme_id: int, recipient_id: int) -> KeptPerson:
    """All that is kept about one person. Refuses `NotFound`."""
    row = session.execute(_PEOPLE.where(*_is(programme_id, recipient_id))).first()
    if row is None:
        raise NotFound(what="recipient", id=recipient_id)
    content = json.loads(row.content) if row.content else {"header": (), "rows": ()}
    cells = next((cells for line, cells in content["rows"] if line == row.line), ())
    held = session.execute(
        select(voucher.c.serial, voucher.c.face_cents, voucher.c.balance_cents, voucher.c.state, voucher.c.expires_on)
        .join(recipient_voucher, _GIVEN)
        .where(recipient_voucher.c.programme_id == programme_id, recipient_voucher.c.recipient_id == recipient_id)
        .order_by(voucher.c.serial)
    )
    known = {_CALLED.get(name, name): row._mapping[name] for name in _SAID}
    return KeptPerson(
        recipient_id=row.id,
        list_id=row.list_id,
        list_name=row.list_name,
        buyer_id=row.buyer_id,
        buyer_name=row.buyer_name,
        line=row.line,
        **known,
        face_cents=row.face_cents,
        quantity=row.quantity,
        brought_at=row.brought_at,
        erased_at=row.erased_at,
        due_on=due_on(session, programme_id=programme_id),
        read=tuple(pair for pair in zip(content["header"], cells, strict=False) if pair[1]),
        vouchers=tuple(KeptVoucher(*one) for one in held),
    )


def likes_of(session: ReadSession, *, person: KeptPerson, programme_id: int) -> list[tuple[int, str]]:
    """(number, list) of others of the same buyer who are called the same: it may be one person on two lines."""
    if person.erased_at is not None:
        return []
    called = plain(f"{person.first_name or ''} {person.last_name or ''}")
    others = select(recipient.c.id, recipient.c.first_name, recipient.c.last_name, recipient_list.c.name).join(
        recipient_list, _OF_LIST
    )
    rows = session.execute(
        others.where(
            recipient.c.programme_id == programme_id,
            recipient.c.buyer_id == person.buyer_id,
            recipient.c.erased_at.is_(None),
            recipient.c.id != person.recipient_id,
        ).order_by(recipient.c.id)
    )
    return [(row.id, row.name) for row in rows if plain(f"{row.first_name or ''} {row.last_name or ''}") == called]


# ── What can be done ─────────────────────────────────────────────────────────────────────────────────────────────
def export(session: WriteSession, *, programme_id: int, recipient_id: int, actor: str, at: datetime) -> KeptPerson:
    """All that is kept about one person, to be handed to them; that it was, is written down. Refuses `NotFound`."""
    found = person_kept(session, programme_id=programme_id, recipient_id=recipient_id)
    fact = Fact("recipient_exported", at, actor, f"recipient:{recipient_id}", f"list:{found.list_id}")
    ledger.post(session, programme_id=programme_id, fact=fact)
    return found


def erase(session: WriteSession, *, programme_id: int, recipient_id: int, actor: str, at: datetime) -> None:
    """Forget one person, at any time; the number stays and their vouchers stay good. Again: nothing more happens.

    The lines of the file that became nobody's are emptied with theirs: a double that was left out is the same person.
    Refuses `NotFound`.
    """
    whose = session.execute(select(recipient.c.list_id).where(*_is(programme_id, recipient_id))).scalar()
    if whose is None:
        raise NotFound(what="recipient", id=recipient_id)
    held = _locked(session, programme_id=programme_id, list_id=whose)
    gone = session.execute(
        update(recipient)
        .where(*_is(programme_id, recipient_id), recipient.c.erased_at.is_(None))
        .values(**_NOBODY, erased_at=at)
    )
    if not gone.rowcount:
        return
    if held.content:
        kept = set(
            session.execute(
                select(recipient.c.line).where(
                    recipient.c.programme_id == programme_id,
                    recipient.c.list_id == whose,
                    recipient.c.erased_at.is_(None),
                )
            ).scalars()
        )
        content = json.loads(held.content)
        content["rows"] = [[line, cells] for line, cells in content["rows"] if line in kept]
        rewritten = json.dumps(content, separators=(",", ":"))
        session.execute(update(recipient_list).where(recipient_list.c.id == whose).values(content=rewritten))
    fact = Fact("recipient_erased", at, actor, f"recipient:{recipient_id}", f"list:{whose}")
    ledger.post(session, programme_id=programme_id, fact=fact)


def purge(
    session: WriteSession, *, programme_id: int, list_id: int, although_unspent: bool, actor: str, at: datetime
) -> int:
    """Forget everybody on a list, and the file it came from: draft or ordered → purged; gives how many people.

    The fact's reason is their number. Refuses `NotFound`, `ListState` (purged already), `ListSpendable` (its people
    still hold money or wait for vouchers, unless `although_unspent`).
    """
    held = _locked(session, programme_id=programme_id, list_id=list_id)
    if held.state == "purged":
        raise ListState(number=list_id, state=held.state)
    kept = list_kept(session, programme_id=programme_id, list_id=list_id)
    if kept.unspent and not although_unspent:
        raise ListSpendable(number=list_id, vouchers=kept.unspent)
    session.execute(
        update(recipient)
        .where(
            recipient.c.programme_id == programme_id, recipient.c.list_id == list_id, recipient.c.erased_at.is_(None)
        )
        .values(**_NOBODY, erased_at=at)
    )
    purged = session.execute(
        update(recipient_list)
        .where(recipient_list.c.id == list_id, recipient_list.c.state == held.state)
        .values(content="", matching="", state="purged", changed_at=at)
    )
    assert purged.rowcount == 1, list_id
    fact = Fact("recipients_purged", at, actor, f"list:{list_id}", str(kept.people))
    ledger.post(session, programme_id=programme_id, fact=fact)
    return kept.people


def log(session: ReadSession, *, programme_id: int, buyer_ids: Collection[int] | None = None) -> list[Logged]:
    """Who handed out, erased or purged people's data, and when, newest first; of these buyers where given."""
    facts = session.execute(
        select(journal.c.at, journal.c.kind, journal.c.actor, journal.c.subject, journal.c.reason)
        .where(journal.c.programme_id == programme_id, journal.c.kind.in_(_LOGGED))
        .order_by(journal.c.id.desc())
        .limit(MOST_LOGGED if buyer_ids is None else 20 * MOST_LOGGED)
    ).all()
    mine = select(recipient_list.c.id).where(recipient_list.c.programme_id == programme_id)
    if buyer_ids is not None:
        mine = mine.where(recipient_list.c.buyer_id.in_(sorted(buyer_ids)))
    lists = set(session.execute(mine).scalars())
    logged = []
    for fact in facts:
        whole = fact.kind == "recipients_purged"
        list_id = _number(fact.subject if whole else fact.reason)
        if list_id in lists:
            one = None if whole else _number(fact.subject)
            people = int(fact.reason) if whole else 1
            logged.append(Logged(fact.at, fact.kind, fact.actor, one, list_id, people))
    return logged[:MOST_LOGGED]


def _number(subject: str) -> int:
    return int(subject.partition(":")[2])


def _is(programme_id: int, recipient_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return recipient.c.programme_id == programme_id, recipient.c.id == recipient_id


def _rows(content: str) -> Sequence[Any]:
    rows: Sequence[Any] = json.loads(content)["rows"] if content else ()
    return rows


def _locked(session: WriteSession, *, programme_id: int, list_id: int) -> Any:
    """Lists before the people on them, as everywhere."""
    held = (
        select(recipient_list.c.state, recipient_list.c.content)
        .where(recipient_list.c.programme_id == programme_id, recipient_list.c.id == list_id)
        .with_for_update(key_share=True)
    )
    found = session.execute(held).first()
    if found is None:
        raise NotFound(what="list", id=list_id)
    return found


def _unspent(session: ReadSession, *, programme_id: int, list_id: int | None) -> dict[int, int]:
    """List → vouchers of its people that hold money, or that it still waits for."""
    held = (
        select(recipient.c.list_id, func.count())
        .join(
            recipient_voucher,
            and_(
                recipient_voucher.c.programme_id == recipient.c.programme_id,
                recipient_voucher.c.recipient_id == recipient.c.id,
            ),
        )
        .join(voucher, _GIVEN)
        .where(recipient.c.programme_id == programme_id, voucher.c.state.in_(_UNSPENT))
        .group_by(recipient.c.list_id)
    )
    # Before its batch there is no voucher that could tell; an order that was cancelled waits for none.
    waiting = (
        select(recipient.c.list_id, func.sum(recipient.c.quantity))
        .join(recipient_list, _OF_LIST)
        .join(
            voucher_order,
            and_(
                voucher_order.c.programme_id == recipient_list.c.programme_id,
                voucher_order.c.number == recipient_list.c.order_number,
            ),
        )
        .outerjoin(
            batch,
            and_(batch.c.programme_id == voucher_order.c.programme_id, batch.c.order_number == voucher_order.c.number),
        )
        .where(recipient.c.programme_id == programme_id, voucher_order.c.state != "cancelled", batch.c.number.is_(None))
        .group_by(recipient.c.list_id)
    )
    if list_id is not None:
        held, waiting = (counted.where(recipient.c.list_id == list_id) for counted in (held, waiting))
    return {number: int(count) for counted in (held, waiting) for number, count in session.execute(counted)}


_OF_LIST: Final = and_(
    recipient.c.programme_id == recipient_list.c.programme_id, recipient.c.list_id == recipient_list.c.id
)
_GIVEN: Final = and_(
    recipient_voucher.c.programme_id == voucher.c.programme_id, recipient_voucher.c.serial == voucher.c.serial
)
_PEOPLE: Final[Select[Any]] = (
    select(
        recipient,
        recipient_list.c.name.label("list_name"),
        recipient_list.c.content,
        recipient_list.c.brought_at,
        buyer.c.name.label("buyer_name"),
    )
    .join(recipient_list, _OF_LIST)
    .join(buyer, buyer.c.id == recipient.c.buyer_id)
)
