"""A payment run, as it stands: what it pays to whom, and the postings behind each figure. Reads only."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Subquery, and_, case, func, select

from vouchers import chart
from vouchers.db import ReadSession
from vouchers.errors import NotFound
from vouchers.ledger import MAX_JOURNAL
from vouchers.tables import (
    dispute,
    journal,
    merchant,
    payment_run,
    posting,
    redemption,
    settlement,
    settlement_line,
    till,
)
from vouchers.unsettled import unsettled


@dataclass(frozen=True, slots=True)
class Settlement:
    """One merchant in one run. `state`: to_pay, carried (`carried_because`), paid or returned; cents throughout."""

    merchant_id: int
    shop_name: str
    legal_name: str
    siret: str
    state: str
    carried_because: str | None
    gross_cents: int
    brought_cents: int
    commission_cents: int
    vat_cents: int
    net_cents: int
    account_holder: str | None
    iban: str | None
    end_to_end_id: str


@dataclass(frozen=True, slots=True)
class Run:
    """A payment run and what it pays; rates in basis points."""

    programme_id: int
    number: int
    state: str
    from_on: date
    to_on: date
    upto_journal: int
    commission_bp: int
    vat_bp: int
    message_id: str
    debtor_name: str
    debtor_iban: str
    debtor_bic: str | None
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    execution_on: date | None
    settlements: tuple[Settlement, ...]

    @property
    def to_pay(self) -> tuple[Settlement, ...]:
        """Those with a transfer in the bank file, in merchant order: the same on every download."""
        return tuple(line for line in self.settlements if line.state != "carried")

    @property
    def pay_cents(self) -> int:
        """The bank file's total."""
        return sum(line.net_cents for line in self.to_pay)


def message_id(programme_id: int, number: int) -> str:
    """The bank file's own name, derived from the run: at most 35 characters of the SEPA set."""
    return f"CHEQUES-{programme_id}-{number}"


def end_to_end_id(programme_id: int, number: int, merchant_id: int) -> str:
    """What the merchant's bank shows: leads back to the statement."""
    return f"REGL-{programme_id}-{number}-{merchant_id}"


def find_run(session: ReadSession, *, programme_id: int, number: int) -> Run:
    """A run with its settlements in merchant order. Refuses `NotFound`."""
    row = session.execute(
        select(payment_run).where(payment_run.c.programme_id == programme_id, payment_run.c.number == number)
    ).first()
    if row is None:
        raise NotFound(what="règlement", id=number)
    settlements = session.execute(
        select(settlement, merchant.c.shop_name, merchant.c.legal_name, merchant.c.siret)
        .join(merchant, merchant.c.id == settlement.c.merchant_id)
        .where(settlement.c.programme_id == programme_id, settlement.c.run_number == number)
        .order_by(settlement.c.merchant_id)
    )
    return Run(
        programme_id=programme_id,
        number=number,
        state=row.state,
        from_on=row.from_on,
        to_on=row.to_on,
        upto_journal=row.upto_journal,
        commission_bp=row.commission_bp,
        vat_bp=row.vat_bp,
        message_id=message_id(programme_id, number),
        debtor_name=row.debtor_name,
        debtor_iban=row.debtor_iban,
        debtor_bic=row.debtor_bic,
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        execution_on=row.execution_on,
        settlements=tuple(
            Settlement(
                merchant_id=line.merchant_id,
                shop_name=line.shop_name,
                legal_name=line.legal_name,
                siret=line.siret,
                state=line.state,
                carried_because=line.carried_because,
                gross_cents=line.gross_cents,
                brought_cents=line.brought_cents,
                commission_cents=line.commission_cents,
                vat_cents=line.vat_cents,
                net_cents=line.net_cents,
                account_holder=line.account_holder,
                iban=line.iban,
                end_to_end_id=end_to_end_id(programme_id, number, line.merchant_id),
            )
            for line in settlements
        ),
    )


def runs_of(session: ReadSession, *, programme_id: int, before: int | None, limit: int) -> list[tuple[int, str, date]]:
    """(number, state, last day) of the programme's runs, newest first."""
    wanted = [payment_run.c.programme_id == programme_id]
    if before is not None:
        wanted.append(payment_run.c.number < before)
    listed = select(payment_run.c.number, payment_run.c.state, payment_run.c.to_on).where(*wanted)
    return [
        (row.number, row.state, row.to_on)
        for row in session.execute(listed.order_by(payment_run.c.number.desc()).limit(limit))
    ]


def proposed_run(session: ReadSession, *, programme_id: int) -> int | None:
    """The number of the run that waits for its approval; None where none does."""
    waiting = select(payment_run.c.number).where(
        payment_run.c.programme_id == programme_id, payment_run.c.state == "proposed"
    )
    return session.execute(waiting).scalar()


@dataclass(frozen=True, slots=True)
class Line:
    """One posting a settlement pays: `kind` redeemed, reversed, guaranteed or transfer_returned; cents are signed.

    `sent_in`: the run whose transfer came back, None for all else.
    """

    journal_id: int
    line: int
    at: datetime
    kind: str
    serial: int | None
    till_label: str | None
    cents: int
    reason: str
    sent_in: int | None


def lines_of(session: ReadSession, *, programme_id: int, number: int, merchant_id: int) -> list[Line]:
    """What one merchant's settlement is made of, down to the voucher, in the order it happened.

    Of a run that is only proposed: what it would settle if it were approved now. Of a withdrawn one: nothing.
    """
    run = session.execute(
        select(payment_run.c.state, payment_run.c.to_on, payment_run.c.upto_journal).where(
            payment_run.c.programme_id == programme_id, payment_run.c.number == number
        )
    ).first()
    if run is not None and run.state == "proposed":
        wanted = unsettled(
            programme_id=programme_id, to_on=run.to_on, upto_journal=run.upto_journal, merchant_id=merchant_id
        ).subquery()
        return _lines(session, programme_id=programme_id, merchant_id=merchant_id, of=wanted)
    settled = (
        select(settlement_line.c.journal_id, settlement_line.c.line)
        .where(
            settlement_line.c.programme_id == programme_id,
            settlement_line.c.run_number == number,
            settlement_line.c.merchant_id == merchant_id,
        )
        .subquery()
    )
    return _lines(session, programme_id=programme_id, merchant_id=merchant_id, of=settled)


def lines_owed(session: ReadSession, *, programme_id: int, merchant_id: int, to_on: date) -> list[Line]:
    """What a merchant is owed to a day and nobody has settled or holds, in the order it happened."""
    wanted = unsettled(
        programme_id=programme_id, to_on=to_on, upto_journal=MAX_JOURNAL, merchant_id=merchant_id
    ).subquery()
    return _lines(session, programme_id=programme_id, merchant_id=merchant_id, of=wanted)


def _lines(session: ReadSession, *, programme_id: int, merchant_id: int, of: Subquery) -> list[Line]:
    account = chart.merchant(merchant_id)
    rows = session.execute(
        select(
            posting.c.journal_id,
            posting.c.line,
            journal.c.at,
            journal.c.kind,
            func.coalesce(posting.c.serial, dispute.c.serial).label("serial"),
            till.c.label.label("till_label"),
            case((posting.c.credit == account, posting.c.cents), else_=-posting.c.cents).label("cents"),
            journal.c.reason,
            journal.c.subject,
        )
        .select_from(of)
        .join(
            posting,
            and_(
                posting.c.programme_id == programme_id,
                posting.c.journal_id == of.c.journal_id,
                posting.c.line == of.c.line,
            ),
        )
        .join(journal, and_(journal.c.programme_id == posting.c.programme_id, journal.c.id == posting.c.journal_id))
        .outerjoin(
            redemption,
            and_(redemption.c.programme_id == posting.c.programme_id, redemption.c.journal_id == posting.c.journal_id),
        )
        # What the guarantee paid is told by the voucher and the till of its dispute.
        .outerjoin(
            dispute,
            and_(dispute.c.programme_id == posting.c.programme_id, dispute.c.journal_id == posting.c.journal_id),
        )
        .outerjoin(till, till.c.id == func.coalesce(redemption.c.till_id, dispute.c.till_id))
        .order_by(posting.c.journal_id, posting.c.line)
    )
    return [
        Line(
            journal_id=row.journal_id,
            line=row.line,
            at=row.at,
            kind=row.kind,
            serial=row.serial,
            till_label=row.till_label,
            cents=row.cents,
            reason=row.reason,
            sent_in=int(row.subject.removeprefix("run:")) if row.kind == "transfer_returned" else None,
        )
        for row in rows
    ]
