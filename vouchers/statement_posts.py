"""The letters that bring a merchant its statement: who gets one where, claimed before it leaves, noted when it left.

A letter is claimed by one worker, in a transaction of its own, before it leaves: so two workers never send the same,
and one that was killed leaves a claim behind, of which nobody knows whether its letter left. Such a letter, like one
that left, is sent again only on purpose.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from vouchers import ledger
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import NotInRun, StatementBeingSent
from vouchers.ledger import Fact
from vouchers.papers_due import subject_of
from vouchers.tables import merchant, role, settlement, shop_profile, staff, statement_post

UNDER_WAY: Final = timedelta(minutes=10)
"""So long a claim may still be at work: longer than a mail server is ever waited for."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """A merchant whom a run pays. `email`: the shop's, else that of the first of its owners; None where none is known.

    `post`: 'sending', 'sent' or 'failed', None while nobody sent anything; `tries` so far, the last one `at`.
    """

    merchant_id: int
    legal_name: str
    shop_name: str
    email: str | None
    state: str
    net_cents: int
    iban: str
    post: str | None
    tries: int
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Posts:
    """How many letters of a run left, failed, are leaving or were interrupted (`claimed`), or have nowhere to go."""

    sent: int
    failed: int
    claimed: int
    nowhere: int
    waiting: int


def waiting(
    session: ReadSession, *, programme_id: int, number: int, post: Literal["failed"] | None, after: int, limit: int
) -> list[Addressee]:
    """Merchants numbered above `after` with an address: to whom nothing was sent yet, or whose letter failed."""
    open_ = statement_post.c.state.is_(None) if post is None else statement_post.c.state == post
    return _addressees(
        session,
        programme_id,
        number,
        settlement.c.merchant_id > after,
        _email().is_not(None),
        open_,
        limit=limit,
    )


def to_hand_over(session: ReadSession, *, programme_id: int, number: int, limit: int) -> list[Addressee]:
    """Those without any address: they are given theirs otherwise."""
    return _addressees(session, programme_id, number, _email().is_(None), limit=limit)


def troubled(session: ReadSession, *, programme_id: int, number: int, at: datetime, limit: int) -> list[Addressee]:
    """Those whose letter failed, or was claimed so long ago that whoever sent it was interrupted."""
    over = and_(statement_post.c.state == "sending", statement_post.c.at <= at - UNDER_WAY)
    return _addressees(session, programme_id, number, or_(statement_post.c.state == "failed", over), limit=limit)


def addressee(session: ReadSession, *, programme_id: int, number: int, merchant_id: int) -> Addressee:
    """One merchant. Refuses `NotInRun`."""
    found = _addressees(session, programme_id, number, settlement.c.merchant_id == merchant_id, limit=1)
    if not found:
        raise NotInRun(number=number)
    return found[0]


def posts_of(session: ReadSession, *, programme_id: int, number: int) -> Posts:
    """How far the letters of a run are."""
    state, email = statement_post.c.state, _email()
    counted = _of_run(
        [
            _sum(state == "sent"),
            _sum(state == "failed"),
            _sum(state == "sending"),
            _sum(email.is_(None)),
            _sum(and_(state.is_(None), email.is_not(None))),
        ],
        programme_id,
        number,
    )
    return Posts(*map(int, session.execute(counted).one()))


def claim(session: WriteSession, *, programme_id: int, number: int, to: Addressee, at: datetime) -> bool:
    """Take on the letter of one merchant, as it was read; False where somebody else did meanwhile.

    Refuses `StatementBeingSent` for one that is leaving now.
    """
    if to.post == "sending" and to.at is not None and to.at > at - UNDER_WAY:
        raise StatementBeingSent(number=number, merchant_id=to.merchant_id)
    key = {"programme_id": programme_id, "run_number": number, "merchant_id": to.merchant_id}
    if to.post is None:
        insert = (postgresql if session.dialect.name == "postgresql" else sqlite).insert(statement_post)
        first = insert.values(**key, state="sending", tries=1, at=at).on_conflict_do_nothing()
        return session.execute(first.returning(statement_post.c.tries)).first() is not None
    again = (
        update(statement_post)
        .where(*_is(key), statement_post.c.tries == to.tries, statement_post.c.state == to.post)
        .values(state="sending", tries=to.tries + 1, at=at)
    )
    return bool(session.execute(again).rowcount)


def left(
    session: WriteSession, *, programme_id: int, number: int, merchant_id: int, papers: Sequence[str], actor: str,
    at: datetime,
) -> None:  # fmt: skip
    """The claimed letter left, with `papers` (their names)."""
    _note(session, programme_id, number, merchant_id, state="sent", at=at)
    fact = Fact("statement_sent", at, actor, subject_of(number, merchant_id), " ".join(papers))
    ledger.post(session, programme_id=programme_id, fact=fact)


def failed(session: WriteSession, *, programme_id: int, number: int, merchant_id: int, at: datetime) -> None:
    """The claimed letter did not leave: the mail server would not take it."""
    _note(session, programme_id, number, merchant_id, state="failed", at=at)


def _note(session: WriteSession, programme_id: int, number: int, merchant_id: int, *, state: str, at: datetime) -> None:
    key = {"programme_id": programme_id, "run_number": number, "merchant_id": merchant_id}
    session.execute(update(statement_post).where(*_is(key)).values(state=state, at=at))


def _is(key: dict[str, int]) -> list[ColumnElement[bool]]:
    return [statement_post.c[name] == value for name, value in key.items()]


# ── Who, and where ───────────────────────────────────────────────────────────────────────────────────────────────
def _addressees(
    session: ReadSession, programme_id: int, number: int, *wanted: ColumnElement[bool], limit: int
) -> list[Addressee]:
    columns = [
        settlement.c.merchant_id,
        merchant.c.legal_name,
        merchant.c.shop_name,
        _email().label("email"),
        settlement.c.state,
        settlement.c.net_cents,
        settlement.c.iban,
        statement_post.c.state.label("post"),
        func.coalesce(statement_post.c.tries, 0).label("tries"),
        statement_post.c.at,
    ]
    found = _of_run(columns, programme_id, number).where(*wanted).order_by(settlement.c.merchant_id).limit(limit)
    return [Addressee(**row._mapping) for row in session.execute(found)]


def _of_run(columns: Sequence[ColumnElement[Any]], programme_id: int, number: int) -> Select[Any]:
    owners, of_owner = _first_owners(programme_id), role.alias("of_owner")
    return (
        select(*columns)
        .select_from(settlement)
        .join(merchant, merchant.c.id == settlement.c.merchant_id)
        .outerjoin(
            shop_profile,
            and_(
                shop_profile.c.programme_id == settlement.c.programme_id,
                shop_profile.c.merchant_id == settlement.c.merchant_id,
            ),
        )
        .outerjoin(
            statement_post,
            and_(
                statement_post.c.programme_id == settlement.c.programme_id,
                statement_post.c.run_number == settlement.c.run_number,
                statement_post.c.merchant_id == settlement.c.merchant_id,
            ),
        )
        .outerjoin(owners, owners.c.merchant_id == settlement.c.merchant_id)
        .outerjoin(of_owner, of_owner.c.id == owners.c.role_id)
        .outerjoin(_OWNER, _OWNER.c.id == of_owner.c.staff_id)
        .where(
            settlement.c.programme_id == programme_id,
            settlement.c.run_number == number,
            settlement.c.state != "carried",
        )
    )


_OWNER: Final = staff.alias("owner")


def _first_owners(programme_id: int) -> Subquery:
    """(merchant, the first role of an owner who may still sign in): read once, however many merchants there are."""
    return (
        select(role.c.merchant_id, func.min(role.c.id).label("role_id"))
        .join(staff, staff.c.id == role.c.staff_id)
        .where(
            role.c.programme_id == programme_id,
            role.c.name == "merchant_owner",
            role.c.state == "active",
            staff.c.state == "active",
        )
        .group_by(role.c.merchant_id)
        .subquery()
    )


def _email() -> ColumnElement[str | None]:
    return func.coalesce(func.nullif(shop_profile.c.email, ""), _OWNER.c.email)


def _sum(one: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((one, 1), else_=0)), 0)
