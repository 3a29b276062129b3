"""Which papers an approved run still waits for: statements and commission invoices not made, statements not sent.

Papers are made in the order of the merchants, each merchant's in one transaction: once the last has its statement, all
have theirs. So this asks a few rows of each run, however many merchants it pays. Reads only.
"""

from typing import Final

from sqlalchemy import Text, cast, exists, func, literal, select

from vouchers.db import ReadSession
from vouchers.tables import document, payment_run, settlement, statement_post

APPROVED: Final = ("approved", "exported", "executed")
"""The states of a run that has papers."""


def subject_of(number: int, merchant_id: int) -> str:
    """What the papers and the facts of one merchant in one run are about."""
    return f"settlement:{number}/{merchant_id}"


def runs_without_papers(session: ReadSession, *, programme_id: int) -> list[int]:
    """The numbers of the approved runs whose papers are not all made, the oldest first."""
    last = (
        select(func.max(settlement.c.merchant_id))
        .where(
            settlement.c.programme_id == programme_id,
            settlement.c.run_number == payment_run.c.number,
            settlement.c.state != "carried",
        )
        .correlate(payment_run)
        .scalar_subquery()
    )
    name = literal(f"R{programme_id}-") + cast(payment_run.c.number, Text) + literal("-") + cast(last, Text)
    made = exists().where(document.c.programme_id == programme_id, document.c.name == name)
    without = select(payment_run.c.number).where(
        payment_run.c.programme_id == programme_id, payment_run.c.state.in_(APPROVED), ~made
    )
    return list(session.execute(without.order_by(payment_run.c.number)).scalars())


def run_to_send(session: ReadSession, *, programme_id: int) -> int | None:
    """The newest run that the bank has, if its papers are made and nobody began to send them; else None."""
    newest = select(func.max(payment_run.c.number)).where(
        payment_run.c.programme_id == programme_id, payment_run.c.state.in_(("exported", "executed"))
    )
    number: int | None = session.execute(newest).scalar()
    if number is None or number in runs_without_papers(session, programme_id=programme_id):
        return None
    begun = (
        select(statement_post.c.merchant_id)
        .where(statement_post.c.programme_id == programme_id, statement_post.c.run_number == number)
        .limit(1)
    )
    return number if session.execute(begun).first() is None else None
