"""Lists of people, as a town hall brings them: brought, matched, corrected line by line, made into an order.

    draft ─ ordered ─ purged

What was read stays as it was read until somebody corrects it; what is wrong in it is judged anew each time
(`list_check`). Ordering writes the people down and ties the list to its order; from then on it does not change.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, select, update

from vouchers import identity, ledger, list_check
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import BadInput, ListNotReady, ListState, NotFound
from vouchers.founding import LEAST_FACE_CENTS, MOST_FACE_CENTS
from vouchers.ledger import Fact
from vouchers.list_check import Check, Matching, Recipient, Row, Sold
from vouchers.rules import terms
from vouchers.tables import buyer, recipient, recipient_list

MOST_LISTED: Final = 200
MOST_CELL_CHARS: Final = 500
_ROWS_AT_ONCE: Final = 2_000


@dataclass(frozen=True, slots=True)
class PeopleList:
    """A list as it stands; its rows are empty once it is purged. `changed_at` tells one version from the next."""

    list_id: int
    buyer_id: int
    name: str
    state: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    matching: Matching
    order_number: int | None
    brought_by: str
    brought_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the lists of a programme, without the people in it."""

    list_id: int
    buyer_id: int
    buyer_name: str
    name: str
    state: str
    order_number: int | None
    brought_at: datetime


def bring(
    session: WriteSession,
    *,
    programme_id: int,
    buyer_id: int,
    name: str,
    header: Sequence[str],
    rows: Sequence[Row],
    actor: str,
    at: datetime,
) -> int:
    """A new list, as it was read from a file; its columns guessed from their names. Gives its id.

    Refuses `BadInput` (name), `NotFound` (buyer).
    """
    called = identity.name(name, field="name")
    known = select(buyer.c.id).where(buyer.c.programme_id == programme_id, buyer.c.id == buyer_id)
    if session.execute(known).first() is None:
        raise NotFound(what="buyer", id=buyer_id)
    made = session.execute(
        recipient_list.insert()
        .values(
            programme_id=programme_id,
            buyer_id=buyer_id,
            name=called,
            state="draft",
            content=_content(header, rows),
            matching=json.dumps(Matching(list_check.guessed(header)).as_json()),
            brought_by=actor,
            brought_at=at,
            changed_at=at,
        )
        .returning(recipient_list.c.id)
    )
    return int(made.scalar_one())


def find(session: ReadSession, *, programme_id: int, list_id: int) -> PeopleList:
    """One list, with its rows. Refuses `NotFound`."""
    return _found(session.execute(select(recipient_list).where(*_is(programme_id, list_id))).first(), list_id)


def buyer_of(session: ReadSession, *, programme_id: int, list_id: int) -> int:
    """Whose list it is. Refuses `NotFound`."""
    owner = session.execute(select(recipient_list.c.buyer_id).where(*_is(programme_id, list_id))).scalar()
    if owner is None:
        raise NotFound(what="list", id=list_id)
    return int(owner)


def listed(
    session: ReadSession,
    *,
    programme_id: int,
    buyer_ids: Collection[int] | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Listed]:
    """The lists of a programme, newest first, below `before`; those of `buyer_ids` alone where they are given."""
    page = (
        select(
            recipient_list.c.id,
            recipient_list.c.buyer_id,
            buyer.c.name.label("buyer_name"),
            recipient_list.c.name,
            recipient_list.c.state,
            recipient_list.c.order_number,
            recipient_list.c.brought_at,
        )
        .join(buyer, buyer.c.id == recipient_list.c.buyer_id)
        .where(recipient_list.c.programme_id == programme_id)
        .order_by(recipient_list.c.id.desc())
        .limit(max(0, min(limit, MOST_LISTED)))
    )
    if buyer_ids is not None:
        page = page.where(recipient_list.c.buyer_id.in_(buyer_ids))
    if before is not None:
        page = page.where(recipient_list.c.id < before)
    return [Listed(*row) for row in session.execute(page)]


def sold(session: ReadSession, *, programme_id: int) -> Sold:
    """The face values that a list of this programme may give."""
    return Sold(terms(session, programme_id=programme_id).face_values, LEAST_FACE_CENTS, MOST_FACE_CENTS)


def match(
    session: WriteSession,
    *,
    programme_id: int,
    list_id: int,
    columns: Mapping[str, int],
    face_cents: int | None,
    quantity: int | None,
    at: datetime,
) -> None:
    """Say which column is what; what was decided about lines stays. Refuses `NotFound`, `ListState`, `BadInput`."""
    held = _locked(session, programme_id=programme_id, list_id=list_id)
    wrong = list_check.column_refusal(columns, width=len(held.header), face_cents=face_cents)
    if wrong is not None:
        raise wrong
    changed = replace(held.matching, columns=dict(columns), face_cents=face_cents, quantity=quantity)
    _change(session, held=held, programme_id=programme_id, at=at, matching=json.dumps(changed.as_json()))


def correct(
    session: WriteSession, *, programme_id: int, list_id: int, line: int, cells: Mapping[int, str], at: datetime
) -> None:
    """Put cells of one line right, by column. What was decided about its likeness is asked again.

    Refuses `NotFound` (list, line), `ListState`, `BadInput` (a cell of more than 500 characters, no such column).
    """
    held = _locked(session, programme_id=programme_id, list_id=list_id)
    place = next((place for place, row in enumerate(held.rows) if row.line == line), None)
    if place is None:
        raise NotFound(what="line", id=line)
    for column, given in cells.items():
        if not 0 <= column < len(held.header):
            raise BadInput(field="column", problem="range", least=0, most=len(held.header) - 1)
        if len(given) > MOST_CELL_CHARS:
            raise BadInput(field=held.header[column], problem="length", least=0, most=MOST_CELL_CHARS)
    row = held.rows[place]
    right = tuple(" ".join(cells.get(column, cell).split()) for column, cell in enumerate(row.cells))
    rows = [*held.rows[:place], Row(line, right), *held.rows[place + 1 :]]
    matching = replace(held.matching, kept=held.matching.kept - {line}, dropped=held.matching.dropped - {line})
    _change(
        session,
        held=held,
        programme_id=programme_id,
        at=at,
        content=_content(held.header, rows),
        matching=json.dumps(matching.as_json()),
    )


def decide(
    session: WriteSession,
    *,
    programme_id: int,
    list_id: int,
    keep: Collection[int] = (),
    drop: Collection[int] = (),
    restore: Collection[int] = (),
    at: datetime,
) -> None:
    """Keep lines beside their likeness, leave lines out, or take such a decision back. Refuses `NotFound` (list, line),
    `ListState`."""
    held = _locked(session, programme_id=programme_id, list_id=list_id)
    known = {row.line for row in held.rows}
    unknown = next((line for line in (*keep, *drop, *restore) if line not in known), None)
    if unknown is not None:
        raise NotFound(what="line", id=unknown)
    back = frozenset(restore)
    matching = replace(
        held.matching,
        kept=(held.matching.kept | frozenset(keep)) - frozenset(drop) - back,
        dropped=(held.matching.dropped | frozenset(drop)) - frozenset(keep) - back,
    )
    _change(session, held=held, programme_id=programme_id, at=at, matching=json.dumps(matching.as_json()))


def order(
    session: WriteSession,
    *,
    programme_id: int,
    list_id: int,
    checked: Check,
    seen_at: datetime,
    order_number: int,
    actor: str,
    at: datetime,
) -> None:
    """Write down who receives what and tie the list to its order: draft → ordered. The fact holds numbers alone.

    `checked` is the list as it stood at `seen_at` (its `changed_at`); where it changed since, nothing is done. Refuses
    `NotFound`, `ListState`, `ListNotReady`.
    """
    held = _locked(session, programme_id=programme_id, list_id=list_id)
    if held.changed_at != seen_at:
        raise ListState(number=list_id, state=held.state)
    if not checked.ready:
        raise ListNotReady(number=list_id, faults=len(checked.faults), doubles=len(checked.doubles))
    rows = [_row(one, programme_id=programme_id, list_id=list_id, buyer_id=held.buyer_id) for one in checked.people]
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        session.execute(recipient.insert(), rows[start : start + _ROWS_AT_ONCE])
    _change(session, held=held, programme_id=programme_id, at=at, state="ordered", order_number=order_number)
    reason = f"order:{order_number} {len(rows)} {checked.quantity}"
    fact = Fact("recipients_ordered", at, actor, subject(list_id), reason)
    ledger.post(session, programme_id=programme_id, fact=fact)


def discard(session: WriteSession, *, programme_id: int, list_id: int) -> None:
    """Throw away a list of which no order was made, people and all. Refuses `NotFound`, `ListState`."""
    _locked(session, programme_id=programme_id, list_id=list_id)
    session.execute(delete(recipient_list).where(*_is(programme_id, list_id), recipient_list.c.state == "draft"))


def subject(list_id: int) -> str:
    """What a fact about a list is about."""
    return f"list:{list_id}"


# ── Rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def _is(programme_id: int, list_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return recipient_list.c.programme_id == programme_id, recipient_list.c.id == list_id


def _locked(session: WriteSession, *, programme_id: int, list_id: int) -> PeopleList:
    held = select(recipient_list).where(*_is(programme_id, list_id)).with_for_update(key_share=True)
    found = _found(session.execute(held).first(), list_id)
    if found.state != "draft":
        raise ListState(number=list_id, state=found.state)
    return found


def _change(session: WriteSession, *, held: PeopleList, programme_id: int, at: datetime, **values: Any) -> None:
    # Two changes in one instant are two versions all the same.
    moment = max(at, held.changed_at + datetime.resolution)
    changed = session.execute(
        update(recipient_list)
        .where(*_is(programme_id, held.list_id), recipient_list.c.state == "draft")
        .values(changed_at=moment, **values)
    )
    assert changed.rowcount == 1, held.list_id


def _found(row: Any, list_id: int) -> PeopleList:
    if row is None:
        raise NotFound(what="list", id=list_id)
    content = json.loads(row.content) if row.content else {}
    return PeopleList(
        row.id,
        row.buyer_id,
        row.name,
        row.state,
        tuple(content.get("header", ())),
        tuple(Row(line, tuple(cells)) for line, cells in content.get("rows", ())),
        Matching.of_json(json.loads(row.matching) if row.matching else {}),
        row.order_number,
        row.brought_by,
        row.brought_at,
        row.changed_at,
    )


def _content(header: Sequence[str], rows: Sequence[Row]) -> str:
    return json.dumps({"header": header, "rows": rows}, separators=(",", ":"))


def _row(one: Recipient, *, programme_id: int, list_id: int, buyer_id: int) -> dict[str, Any]:
    return {
        "programme_id": programme_id,
        "list_id": list_id,
        "buyer_id": buyer_id,
        "line": one.line,
        "civility": one.civility,
        "last_name": one.last_name,
        "first_name": one.first_name,
        "address": one.address,
        "postcode": one.postcode,
        "town": one.town,
        "round": one.tour,
        "reference": one.reference,
        "face_cents": one.face_cents,
        "quantity": one.quantity,
    }
