"""What the papers of a payment run say: to each merchant a statement, and an invoice for the commission taken.

A commission above zero is invoiced when its run is approved, and is paid already: it was set off against what the
merchant was owed. Below zero, where what was given back outweighs what was accepted, it is credited on the newest
of the merchant's commission invoices that has as much left. A commission of zero has no invoice, and one without VAT
(the issuer is not liable to it) is left to the issuer's own accounts: an invoice with that mention is not made here.
Reads only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, Text, and_, case, cast, exists, func, literal, select

from vouchers.db import ReadSession
from vouchers.errors import NotFound, PapersNotReady, RunState
from vouchers.papers_due import APPROVED, runs_without_papers
from vouchers.tables import document, merchant, payment_run, settlement, shop_profile, statement_post

INVOICES: Final = ("commission", "commission_credit")


@dataclass(frozen=True, slots=True)
class Payee:
    """A merchant whom a run pays, as its papers name it; cents as settled, the commission may be below zero.

    `street` and `postcode` are empty where the shop never told them.
    """

    merchant_id: int
    legal_name: str
    shop_name: str
    siret: str
    street: str
    postcode: str
    commune: str
    gross_cents: int
    brought_cents: int
    commission_cents: int
    vat_cents: int
    net_cents: int
    iban: str


class Invoiced(NamedTuple):
    """An earlier commission invoice, which a credit note takes back."""

    name: str
    issued_on: date


@dataclass(frozen=True, slots=True)
class Papers:
    """How far the papers of a run are. `made` of `payees` have their statement; `vague` have no street on theirs."""

    payees: int
    made: int
    invoices: int
    vague: int

    @property
    def whole(self) -> bool:
        """Whether nobody waits for theirs."""
        return self.made == self.payees


@dataclass(frozen=True, slots=True)
class OfMerchant:
    """The papers of one merchant in one run, by name, None where there are none.

    `post`: how its letter stands, None while nobody sent one: 'sending', 'sent' or 'failed'.
    """

    number: int
    merchant_id: int
    shop_name: str
    statement: str | None
    invoice: str | None
    post: str | None


def require_turn(session: ReadSession, *, programme_id: int, number: int) -> None:
    """Refuses, in order: `NotFound`, `RunState` (not approved), `PapersNotReady` (an earlier run has none yet).

    Runs are invoiced in their order, so that what a credit note takes back is invoiced before.
    """
    require_approved(session, programme_id=programme_id, number=number)
    waiting = runs_without_papers(session, programme_id=programme_id)
    if waiting and waiting[0] < number:
        raise PapersNotReady(number=waiting[0])


def require_papers(session: ReadSession, *, programme_id: int, number: int) -> None:
    """Refuses, in order: `NotFound`, `RunState` (not approved), `PapersNotReady` (this run's are not all made)."""
    require_approved(session, programme_id=programme_id, number=number)
    if number in runs_without_papers(session, programme_id=programme_id):
        raise PapersNotReady(number=number)


def require_approved(session: ReadSession, *, programme_id: int, number: int) -> None:
    """Refuses, in order: `NotFound`, `RunState`."""
    known = select(payment_run.c.state).where(
        payment_run.c.programme_id == programme_id, payment_run.c.number == number
    )
    state = session.execute(known).scalar()
    if state is None:
        raise NotFound(what="règlement", id=number)
    if state not in APPROVED:
        raise RunState(number=number, state=state, wanted=", ".join(APPROVED))


def without_papers(session: ReadSession, *, programme_id: int, number: int, after: int, limit: int) -> list[Payee]:
    """The merchants numbered above `after` whom the run pays and who have no statement of it, in their order."""
    columns = [
        settlement.c.merchant_id,
        merchant.c.legal_name,
        merchant.c.shop_name,
        merchant.c.siret,
        func.coalesce(shop_profile.c.street, "").label("street"),
        func.coalesce(shop_profile.c.postcode, "").label("postcode"),
        merchant.c.commune,
        settlement.c.gross_cents,
        settlement.c.brought_cents,
        settlement.c.commission_cents,
        settlement.c.vat_cents,
        settlement.c.net_cents,
        settlement.c.iban,
    ]
    waiting = (
        select(*columns)
        .join(merchant, merchant.c.id == settlement.c.merchant_id)
        .outerjoin(shop_profile, _profiled())
        .where(*_paid(programme_id, number), settlement.c.merchant_id > after, ~_has(programme_id, ("statement",)))
        .order_by(settlement.c.merchant_id)
        .limit(limit)
    )
    return [Payee(**row._mapping) for row in session.execute(waiting)]


def papers_of(session: ReadSession, *, programme_id: int, number: int) -> Papers:
    """How far a run is."""
    vague = func.coalesce(shop_profile.c.street, "") == ""
    counted = (
        select(
            func.count(),
            _sum(_has(programme_id, ("statement",))),
            _sum(_has(programme_id, INVOICES)),
            _sum(vague),
        )
        .select_from(settlement)
        .outerjoin(shop_profile, _profiled())
        .where(*_paid(programme_id, number))
    )
    return Papers(*map(int, session.execute(counted).one()))


def listed(session: ReadSession, *, programme_id: int, number: int, merchant_ids: Sequence[int]) -> list[OfMerchant]:
    """The papers of these merchants in a run, in their order; whom the run does not pay is left out."""
    wanted = (*_paid(programme_id, number), settlement.c.merchant_id.in_(merchant_ids))
    rows = session.execute(_with_papers(programme_id).where(*wanted).order_by(settlement.c.merchant_id))
    return [OfMerchant(**row._mapping) for row in rows]


def of_shop(
    session: ReadSession, *, programme_id: int, merchant_id: int, numbers: Sequence[int]
) -> dict[int, OfMerchant]:
    """The papers of one merchant in these runs, by run; a run that does not pay it is left out."""
    wanted = (
        settlement.c.programme_id == programme_id,
        settlement.c.merchant_id == merchant_id,
        settlement.c.run_number.in_(numbers),
        settlement.c.state != "carried",
    )
    rows = session.execute(_with_papers(programme_id).where(*wanted)).all()
    return {row.number: OfMerchant(**row._mapping) for row in rows}


def invoice_to_credit(session: ReadSession, *, programme_id: int, merchant_id: int, cents: int) -> Invoiced | None:
    """The newest commission invoice of a merchant of which `cents` are not credited yet; None where none was ever made.

    Where none has so much left, the one that has most: what is given back was taken by several.
    """
    mine = document.c.programme_id == programme_id, document.c.merchant_id == merchant_id
    note = document.alias("note")
    given_back = select(func.coalesce(func.sum(note.c.fee_cents), 0)).where(
        note.c.programme_id == document.c.programme_id, note.c.corrects == document.c.name
    )
    left = document.c.fee_cents + given_back.scalar_subquery()
    enough = left >= cents
    best = (
        select(document.c.name, document.c.issued_on)
        .where(*mine, document.c.kind == "commission")
        .order_by(case((enough, 0), else_=1), case((enough, 0), else_=-left), document.c.journal_id.desc())
        .limit(1)
    )
    row = session.execute(best).first()
    return None if row is None else Invoiced(row.name, row.issued_on)


def files_of(
    session: ReadSession, *, programme_id: int, number: int, after: int, limit: int
) -> list[tuple[int, str, str, date]]:
    """(merchant, name, file name, day) of the papers of merchants numbered above `after`, all of `limit` merchants."""
    some = (
        select(settlement.c.merchant_id)
        .where(*_paid(programme_id, number), settlement.c.merchant_id > after)
        .order_by(settlement.c.merchant_id)
        .limit(limit)
        .subquery()
    )
    subject = literal(f"settlement:{number}/") + cast(some.c.merchant_id, Text)
    papers = (
        select(some.c.merchant_id, document.c.name, document.c.file_name, document.c.issued_on)
        .join(document, and_(document.c.programme_id == programme_id, document.c.subject == subject))
        .where(document.c.kind.in_(("statement", *INVOICES)))
        .order_by(some.c.merchant_id, document.c.journal_id)
    )
    return [tuple(row) for row in session.execute(papers)]


# ── How it is asked ──────────────────────────────────────────────────────────────────────────────────────────────
def _with_papers(programme_id: int) -> Select[Any]:
    return (
        select(
            settlement.c.run_number.label("number"),
            settlement.c.merchant_id,
            merchant.c.shop_name,
            _name_of(programme_id, ("statement",)).label("statement"),
            _name_of(programme_id, INVOICES).label("invoice"),
            statement_post.c.state.label("post"),
        )
        .join(merchant, merchant.c.id == settlement.c.merchant_id)
        .outerjoin(
            statement_post,
            and_(
                statement_post.c.programme_id == settlement.c.programme_id,
                statement_post.c.run_number == settlement.c.run_number,
                statement_post.c.merchant_id == settlement.c.merchant_id,
            ),
        )
    )


def _paid(programme_id: int, number: int) -> tuple[ColumnElement[bool], ...]:
    return (
        settlement.c.programme_id == programme_id,
        settlement.c.run_number == number,
        settlement.c.state != "carried",
    )


def _profiled() -> ColumnElement[bool]:
    return and_(
        shop_profile.c.programme_id == settlement.c.programme_id,
        shop_profile.c.merchant_id == settlement.c.merchant_id,
    )


def _about(programme_id: int, kinds: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    """The documents of these kinds about the settlement of the outer query."""
    subject = literal("settlement:") + cast(settlement.c.run_number, Text) + "/" + cast(settlement.c.merchant_id, Text)
    return document.c.programme_id == programme_id, document.c.subject == subject, document.c.kind.in_(kinds)


def _has(programme_id: int, kinds: Sequence[str]) -> ColumnElement[bool]:
    return exists().where(*_about(programme_id, kinds)).correlate(settlement)


def _name_of(programme_id: int, kinds: Sequence[str]) -> ColumnElement[str]:
    return select(func.max(document.c.name)).where(*_about(programme_id, kinds)).correlate(settlement).scalar_subquery()


def _sum(one: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((one, 1), else_=0)), 0)
