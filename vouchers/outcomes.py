"""What became of vouchers, told by their postings alone: spent, lapsed, cancelled, or put in another's place.

A voucher's row says how it stands now; this says how it stood at a watermark, and says the same for ever.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, func, select, true

from vouchers import chart
from vouchers.db import ReadSession
from vouchers.tables import batch, journal, posting, voucher

_SERIALS_AT_ONCE: Final = 5_000


class Ways(NamedTuple):
    """The ways by which money leaves vouchers, in cents; `taken_over` from the one it replaces is below zero.

    A voucher that took over from one may have passed on to a third: the two are told apart.
    """

    spent: int = 0
    lapsed: int = 0
    cancelled: int = 0
    passed_on: int = 0
    taken_over: int = 0

    def plus(self, way: str, cents: int) -> "Ways":
        """With more gone by one of them."""
        return self._replace(**{way: getattr(self, way) + cents})


NOTHING: Final = Ways()


class VoucherAccount(NamedTuple):
    """One voucher and what became of it, in cents; `replaces` is the serial of the one in whose place it is."""

    serial: int
    order_number: int
    face_cents: int
    replaces: int | None
    gone: Ways

    @property
    def left_cents(self) -> int:
        """What was still on it."""
        return (0 if self.replaces is not None else self.face_cents) - sum(self.gone)


def by_voucher(
    session: ReadSession, *, programme_id: int, upto_journal: int, order_numbers: Iterable[int]
) -> Iterator[VoucherAccount]:
    """Each voucher of these orders, order by order, by serial, those that replaced another too.

    Read it to its end inside the transaction.
    """
    newest_of = issued(session, programme_id=programme_id, upto_journal=upto_journal)
    for order_number in order_numbers:
        _, newest = newest_of.get(order_number, (0, 0))
        yield from _of_order(
            session, programme_id=programme_id, upto_journal=upto_journal, order_number=order_number, newest=newest
        )


def _of_order(
    session: ReadSession, *, programme_id: int, upto_journal: int, order_number: int, newest: int
) -> Iterator[VoucherAccount]:
    """`newest`: the highest serial of the order that was issued by then."""
    of_order = and_(batch.c.programme_id == voucher.c.programme_id, batch.c.number == voucher.c.batch_number)
    last = 0
    while some := session.execute(
        select(voucher.c.serial, voucher.c.face_cents, voucher.c.replaces_serial)
        .join(batch, of_order)
        .where(voucher.c.programme_id == programme_id, batch.c.order_number == order_number, voucher.c.serial > last)
        .order_by(voucher.c.serial)
        .limit(_SERIALS_AT_ONCE)
    ).all():
        first, last = some[0].serial, some[-1].serial
        between = posting.c.serial.between(first, last)
        sums: dict[int, Ways] = {}
        for serial, way, cents in session.execute(_of_serials(programme_id, upto_journal=upto_journal, of=between)):
            sums[serial] = sums.get(serial, NOTHING).plus(way, int(cents))
        for row in some:
            moved = sums.get(row.serial, NOTHING)
            # What was issued, or put in another's place, after the watermark is not there yet.
            if moved.taken_over if row.replaces_serial is not None else row.serial <= newest:
                yield VoucherAccount(row.serial, order_number, row.face_cents, row.replaces_serial, moved)


def by_order(session: ReadSession, *, programme_id: int, upto_journal: int) -> dict[int, Ways]:
    """Order → what became of its vouchers."""
    moved = _of_serials(programme_id, upto_journal=upto_journal, of=true()).subquery()
    rows = session.execute(
        select(batch.c.order_number, moved.c.way, func.sum(moved.c.cents))
        .select_from(moved)
        .join(voucher, and_(voucher.c.programme_id == programme_id, voucher.c.serial == moved.c.serial))
        .join(batch, and_(batch.c.programme_id == programme_id, batch.c.number == voucher.c.batch_number))
        .group_by(batch.c.order_number, moved.c.way)
    )
    found: dict[int, Ways] = {}
    for number, way, summed in rows:
        found[number] = found.get(number, NOTHING).plus(way, int(summed))
    return found


def issued(session: ReadSession, *, programme_id: int, upto_journal: int) -> dict[int, tuple[int, int]]:
    """Order → (how many vouchers were issued, the highest serial of them): each fact names its run, '2001-4000 …'."""
    order_of = {
        f"batch:{number}": order_number
        for number, order_number in session.execute(
            select(batch.c.number, batch.c.order_number).where(batch.c.programme_id == programme_id)
        )
    }
    facts = select(journal.c.subject, journal.c.reason).where(
        journal.c.programme_id == programme_id, journal.c.kind == "issued", journal.c.id <= upto_journal
    )
    found: dict[int, tuple[int, int]] = {}
    for subject, reason in session.execute(facts):
        first, _, last = reason.partition(" ")[0].partition("-")
        count, newest = found.get(order_of[subject], (0, 0))
        found[order_of[subject]] = (count + int(last) - int(first) + 1, max(newest, int(last)))
    return found


def _of_serials(programme_id: int, *, upto_journal: int, of: ColumnElement[bool]) -> Select[Any]:
    """(serial, way, cents) of vouchers: what a posting did to one is said by the account across from the float."""
    across = case((posting.c.debit == chart.FLOAT, posting.c.credit), else_=posting.c.debit)
    way = case(
        (across.startswith("merchant:"), "spent"),
        (across.startswith("receivable:"), "cancelled"),
        ((across == chart.SUSPENSE) & (posting.c.debit == chart.FLOAT), "passed_on"),
        (across == chart.SUSPENSE, "taken_over"),
        else_="lapsed",
    )
    cents = case((posting.c.debit == chart.FLOAT, posting.c.cents), else_=-posting.c.cents)
    moved = (
        select(posting.c.serial, way.label("way"), cents.label("cents"))
        .where(
            posting.c.programme_id == programme_id,
            posting.c.journal_id <= upto_journal,
            posting.c.serial.is_not(None),
            of,
        )
        .subquery()
    )
    summed = func.sum(moved.c.cents).label("cents")
    return select(moved.c.serial, moved.c.way, summed).group_by(moved.c.serial, moved.c.way)
