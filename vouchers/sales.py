"""What a shop took: its redemptions of a day or of a voucher, and what it will be paid for them. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, func, select

from vouchers import chart, clock, ledger, money
from vouchers.db import ReadSession
from vouchers.ledger import MAX_JOURNAL
from vouchers.rules import rules
from vouchers.tables import cashier, payment_run, posting, redemption, reversal, settlement, settlement_line, till
from vouchers.unsettled import gross_and_brought, unsettled

_BY_POST: Final = "courrier"


@dataclass(frozen=True, slots=True)
class Listed:
    """A redemption in a shop's list; `reversed_cents` is what was undone of `cents`.

    Paper that the shop posted was taken at no till: it has no `till_id`, and `till_label` says "courrier".
    """

    redemption_id: int
    at: datetime
    till_id: int | None
    till_label: str
    cents: int
    reversed_cents: int
    sale_cents: int | None
    cashier: str | None
    serials: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Owed:
    """What the next settlement would pay a shop if it came now; `owed = commission + VAT + net`.

    `since_on`: the day of the first of it; None when there is nothing.
    """

    owed_cents: int
    commission_cents: int
    vat_cents: int
    net_cents: int
    since_on: date | None


@dataclass(frozen=True, slots=True)
class Paid:
    """What one run paid a shop, or will: `state` of its transfer (to_pay, paid, returned). It has a statement."""

    run_number: int
    from_on: date
    to_on: date
    execution_on: date | None
    state: str
    gross_cents: int
    net_cents: int


def redemptions_of(
    session: ReadSession, *, programme_id: int, merchant_id: int, day: date, before: int | None, limit: int
) -> list[Listed]:
    """A shop's redemptions of one Paris day, newest first; `before` is the last number already seen."""
    of_day = _of_day(programme_id, merchant_id, day)
    return _listed(session, programme_id=programme_id, which=of_day, before=before, limit=limit)


def redemptions_with(
    session: ReadSession, *, programme_id: int, merchant_id: int, serial: int, before: int | None, limit: int
) -> list[Listed]:
    """A shop's redemptions of one voucher, newest first; another shop's are not told."""
    used = select(posting.c.journal_id).where(posting.c.programme_id == programme_id, posting.c.serial == serial)
    which = (*_of_shop(programme_id, merchant_id), redemption.c.journal_id.in_(used))
    return _listed(session, programme_id=programme_id, which=which, before=before, limit=limit)


def _listed(
    session: ReadSession, *, programme_id: int, which: Sequence[ColumnElement[bool]], before: int | None, limit: int
) -> list[Listed]:
    wanted = [*which]
    if before is not None:
        wanted.append(redemption.c.journal_id < before)
    rows = session.execute(
        select(redemption, till.c.label, cashier.c.name.label("cashier"))
        .outerjoin(till, till.c.id == redemption.c.till_id)
        .outerjoin(cashier, cashier.c.id == redemption.c.cashier_id)
        .where(*wanted)
        .order_by(redemption.c.journal_id.desc())
        .limit(limit)
    ).all()
    parts: dict[int, list[tuple[int, int, bool]]] = {row.journal_id: [] for row in rows}
    lines = (
        select(posting.c.journal_id, posting.c.serial, posting.c.cents, reversal.c.serial.is_not(None))
        .outerjoin(reversal, _undone())
        .where(posting.c.programme_id == programme_id, posting.c.journal_id.in_(list(parts)))
        .order_by(posting.c.journal_id, posting.c.line)
    )
    for number, serial, cents, undone in session.execute(lines) if parts else ():
        parts[number].append((serial, cents, bool(undone)))
    return [
        Listed(
            redemption_id=row.journal_id,
            at=row.at,
            till_id=row.till_id,
            till_label=row.label or _BY_POST,
            cents=row.cents,
            reversed_cents=sum(cents for _, cents, undone in parts[row.journal_id] if undone),
            sale_cents=row.sale_cents,
            cashier=row.cashier,
            serials=tuple(serial for serial, _, _ in parts[row.journal_id]),
        )
        for row in rows
    ]


def taken_on(session: ReadSession, *, programme_id: int, merchant_id: int, day: date) -> tuple[int, int]:
    """(redemptions of which something is left, cents left) of a shop's Paris day; what was undone is not counted."""
    left = (
        select(func.count(posting.c.journal_id.distinct()), func.coalesce(func.sum(posting.c.cents), 0))
        .select_from(redemption)
        .join(posting, _parts())
        .outerjoin(reversal, _undone())
        .where(*_of_day(programme_id, merchant_id, day), reversal.c.serial.is_(None))
    )
    count, cents = session.execute(left).one()
    return int(count), int(cents)


def owed_to(session: ReadSession, *, programme_id: int, merchant_id: int, at: datetime) -> Owed:
    """What the next settlement would pay a shop: its postings that no run has settled. Refuses `NotFound`."""
    rule = rules(session, programme_id=programme_id)
    whole = ledger.balance(session, programme_id=programme_id, account=chart.merchant(merchant_id))
    settled = _last_settled(session, programme_id=programme_id, merchant_id=merchant_id)
    # What came after the last posting that was settled is nearly always all; the balance says whether it is.
    for after in dict.fromkeys((settled, 0)):
        lines = unsettled(
            programme_id=programme_id,
            to_on=clock.book_day(at),
            upto_journal=MAX_JOURNAL,
            after_journal=after,
            merchant_id=merchant_id,
        ).subquery()
        gross, again, since = session.execute(select(*gross_and_brought(lines), func.min(lines.c.book_day))).one()
        if gross + again == whole:
            break
    kept = money.commission_on(int(gross), commission_bp=rule.commission_bp, vat_bp=rule.vat_bp)
    owed = int(gross + again)
    since_on = since if owed else None
    return Owed(owed, kept.commission_cents, kept.vat_cents, kept.net_cents + int(again), since_on)


def _last_settled(session: ReadSession, *, programme_id: int, merchant_id: int) -> int:
    """The newest journal that the last run which paid this shop settled; 0 when none did."""
    last_run = (
        select(payment_run.c.number)
        .join(
            settlement,
            and_(
                settlement.c.programme_id == payment_run.c.programme_id,
                settlement.c.run_number == payment_run.c.number,
                settlement.c.merchant_id == merchant_id,
            ),
        )
        .where(payment_run.c.programme_id == programme_id, settlement.c.journal_id.is_not(None))
        .order_by(payment_run.c.number.desc())
        .limit(1)
    )
    newest = select(func.max(settlement_line.c.journal_id)).where(
        settlement_line.c.programme_id == programme_id,
        settlement_line.c.merchant_id == merchant_id,
        settlement_line.c.run_number == last_run.scalar_subquery(),
    )
    return session.execute(newest).scalar() or 0


def payments_to(
    session: ReadSession, *, programme_id: int, merchant_id: int, before: int | None, limit: int
) -> list[Paid]:
    """The approved runs that pay a shop, newest first; `before` is the last number already seen."""
    wanted = [
        payment_run.c.programme_id == programme_id,
        settlement.c.merchant_id == merchant_id,
        settlement.c.journal_id.is_not(None),
    ]
    if before is not None:
        wanted.append(payment_run.c.number < before)
    rows = session.execute(
        select(
            payment_run.c.number,
            payment_run.c.from_on,
            payment_run.c.to_on,
            payment_run.c.execution_on,
            settlement.c.state,
            settlement.c.gross_cents,
            settlement.c.net_cents,
        )
        .join(
            settlement,
            and_(
                settlement.c.programme_id == payment_run.c.programme_id,
                settlement.c.run_number == payment_run.c.number,
            ),
        )
        .where(*wanted)
        .order_by(payment_run.c.number.desc())
        .limit(limit)
    )
    return [Paid(*row) for row in rows]


def _of_shop(programme_id: int, merchant_id: int) -> tuple[ColumnElement[bool], ...]:
    return redemption.c.programme_id == programme_id, redemption.c.merchant_id == merchant_id


def _of_day(programme_id: int, merchant_id: int, day: date) -> tuple[ColumnElement[bool], ...]:
    return (
        *_of_shop(programme_id, merchant_id),
        redemption.c.at >= clock.starts(day),
        redemption.c.at < clock.starts(day + timedelta(days=1)),
    )


def _parts() -> ColumnElement[bool]:
    same = posting.c.journal_id == redemption.c.journal_id
    return and_(posting.c.programme_id == redemption.c.programme_id, same)


def _undone() -> ColumnElement[bool]:
    return and_(
        reversal.c.programme_id == posting.c.programme_id,
        reversal.c.redemption_id == posting.c.journal_id,
        reversal.c.serial == posting.c.serial,
    )
