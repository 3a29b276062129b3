"""Where a merchant is paid. Changing it takes two people, and two days in which the old account stays in force.

A false change of bank details is the fraud that chambers and communes meet most. So: asked by one, confirmed by
another who called back a number already known; the first account of a merchant is in force at once, a later one 48
hours after it was confirmed. Until then it can be withdrawn, and the old one is paid. A payment to the fraudster does
not free the payer (Conseil d'État, 21 October 2024, no. 487929).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import and_, or_, select, update

from vouchers import identity, ledger
from vouchers.access import Act, another_person
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import AccountChangePending, AccountChangeUnknown, NotFound
from vouchers.ledger import Fact
from vouchers.tables import bank_account, merchant

WAIT: Final = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Account:
    """One account of a merchant. `state`: 'asked', 'confirmed' (in force from `in_force_at`) or 'withdrawn'."""

    account_id: int
    merchant_id: int
    account_holder: str
    iban: str
    state: str
    asked_by: str
    asked_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    in_force_at: datetime | None


def ask_account(
    session: WriteSession,
    *,
    programme_id: int,
    merchant_id: int,
    account_holder: str,
    iban: str,
    actor: str,
    at: datetime,
) -> int:
    """Ask that a merchant be paid on this account; gives the number to confirm.

    Refuses `BadInput`, `NotFound`, and `AccountChangePending` while another change is asked for or waits.
    """
    values = {"account_holder": identity.holder(account_holder), "iban": identity.iban(iban)}
    _lock(session, programme_id=programme_id, merchant_id=merchant_id)
    waiting = select(bank_account.c.id).where(bank_account.c.merchant_id == merchant_id, _pending(at))
    if session.execute(waiting.limit(1)).first() is not None:
        raise AccountChangePending
    asked = bank_account.insert().values(
        programme_id=programme_id, merchant_id=merchant_id, state="asked", asked_by=actor, asked_at=at, **values
    )
    account_id = int(session.execute(asked.returning(bank_account.c.id)).scalar_one())
    _record(session, programme_id, "account_asked", merchant_id, account_id, actor=actor, at=at)
    return account_id


def confirm_account(
    session: WriteSession, *, programme_id: int, account_id: int, reason: str, actor: str, at: datetime
) -> Account:
    """Another person confirms, saying in `reason` how it was verified (who was called back).

    Refuses `BadInput`, `AccountChangeUnknown` when nothing is asked under this number, `SamePerson`.
    """
    why = identity.name(reason, field="reason")
    asked = _one(session, programme_id=programme_id, account_id=account_id)
    if asked is None or asked.state != "asked":
        raise AccountChangeUnknown
    another_person(Act.ACCOUNT_CONFIRM, asked.asked_by, actor)
    _lock(session, programme_id=programme_id, merchant_id=asked.merchant_id)
    had_one = select(bank_account.c.id).where(
        bank_account.c.merchant_id == asked.merchant_id, bank_account.c.state == "confirmed"
    )
    is_first = session.execute(had_one.limit(1)).first() is None
    flipped = session.execute(
        update(bank_account)
        .where(bank_account.c.id == account_id, bank_account.c.state == "asked")
        .values(state="confirmed", confirmed_by=actor, confirmed_at=at, in_force_at=at if is_first else at + WAIT)
    )
    if not flipped.rowcount:
        raise AccountChangeUnknown
    _record(session, programme_id, "account_confirmed", asked.merchant_id, account_id, actor=actor, at=at, why=why)
    confirmed = _one(session, programme_id=programme_id, account_id=account_id)
    assert confirmed is not None
    return confirmed


def withdraw_account(
    session: WriteSession, *, programme_id: int, account_id: int, reason: str, actor: str, at: datetime
) -> None:
    """Give up a change that is asked for, or confirmed and not yet in force. One person is enough to stop it.

    Refuses `BadInput`, and `AccountChangeUnknown` for an account in force: only another account replaces it.
    """
    why = identity.name(reason, field="reason")
    found = _one(session, programme_id=programme_id, account_id=account_id)
    if found is None:
        raise AccountChangeUnknown
    flipped = session.execute(
        update(bank_account)
        .where(bank_account.c.id == account_id, _pending(at))
        .values(state="withdrawn", in_force_at=None)
    )
    if not flipped.rowcount:
        raise AccountChangeUnknown
    _record(session, programme_id, "account_withdrawn", found.merchant_id, account_id, actor=actor, at=at, why=why)


def account_in_force(session: ReadSession, *, programme_id: int, merchant_id: int, at: datetime) -> Account | None:
    """The account a merchant is paid on at `at`: the newest in force; None when there is none yet."""
    in_force = (
        _ACCOUNTS.where(
            bank_account.c.programme_id == programme_id,
            bank_account.c.merchant_id == merchant_id,
            bank_account.c.in_force_at <= at,
        )
        .order_by(bank_account.c.in_force_at.desc(), bank_account.c.id.desc())
        .limit(1)
    )
    row = session.execute(in_force).first()
    return None if row is None else Account(*row)


def accounts_of(session: ReadSession, *, programme_id: int, merchant_id: int) -> list[Account]:
    """Every account ever asked for a merchant, oldest first."""
    of_merchant = _ACCOUNTS.where(
        bank_account.c.programme_id == programme_id, bank_account.c.merchant_id == merchant_id
    )
    return [Account(*row) for row in session.execute(of_merchant.order_by(bank_account.c.id))]


def pending(
    session: ReadSession, *, programme_id: int, merchant_ids: Collection[int] | None, at: datetime, limit: int = 200
) -> list[Account]:
    """The changes that wait, oldest first: to be confirmed, or for their 48 hours. None: of every merchant."""
    waiting = _ACCOUNTS.where(bank_account.c.programme_id == programme_id, _pending(at))
    if merchant_ids is not None:
        waiting = waiting.where(bank_account.c.merchant_id.in_(merchant_ids))
    return [Account(*row) for row in session.execute(waiting.order_by(bank_account.c.id).limit(limit))]


def find_account(session: ReadSession, *, programme_id: int, account_id: int) -> Account:
    """One account, whatever its state. Refuses `NotFound`."""
    found = _one(session, programme_id=programme_id, account_id=account_id)
    if found is None:
        raise NotFound(what="account", id=account_id)
    return found


_ACCOUNTS: Final[sa.Select[Any]] = select(
    bank_account.c.id,
    bank_account.c.merchant_id,
    bank_account.c.account_holder,
    bank_account.c.iban,
    bank_account.c.state,
    bank_account.c.asked_by,
    bank_account.c.asked_at,
    bank_account.c.confirmed_by,
    bank_account.c.confirmed_at,
    bank_account.c.in_force_at,
)


def _pending(at: datetime) -> sa.ColumnElement[bool]:
    return or_(
        bank_account.c.state == "asked", and_(bank_account.c.state == "confirmed", bank_account.c.in_force_at > at)
    )


def _one(session: ReadSession, *, programme_id: int, account_id: int) -> Account | None:
    row = session.execute(
        _ACCOUNTS.where(bank_account.c.programme_id == programme_id, bank_account.c.id == account_id)
    ).first()
    return None if row is None else Account(*row)


def _lock(session: WriteSession, *, programme_id: int, merchant_id: int) -> None:
    # Changes of one merchant take turns. Not FOR UPDATE: that would hold up redemptions, which refer to the merchant.
    one: sa.Select[Any] = select(merchant.c.id).where(
        merchant.c.programme_id == programme_id, merchant.c.id == merchant_id
    )
    if session.execute(one.with_for_update(key_share=True)).first() is None:
        raise NotFound(what="merchant", id=merchant_id)


def _record(
    session: WriteSession,
    programme_id: int,
    kind: str,
    merchant_id: int,
    account_id: int,
    *,
    actor: str,
    at: datetime,
    why: str = "",
) -> None:
    reason = f"account:{account_id} {why}".rstrip()
    fact = Fact(kind=kind, at=at, actor=actor, subject=f"merchant:{merchant_id}", reason=reason)
    ledger.post(session, programme_id=programme_id, fact=fact)
