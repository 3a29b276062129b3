"""Who stands at the tills of a shop, and how the shop runs them: its cashiers, whether they sign on, its undo PIN.

A cashier is a name and four digits (`pins.py`) by which redemptions are attributed. One who leaves is removed and kept,
for the redemptions that name them. The journal has numbers only: a name can be corrected or erased.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Select, select, update

from vouchers import identity, ledger
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import BadInput, CashierNameTaken, CashiersFull, NotFound, PinWrong
from vouchers.ledger import Fact
from vouchers.pins import PinHash
from vouchers.tables import CASHIER_RULES, cashier, merchant, shop_rule

MOST_CASHIERS: Final = 40
NAME_CHARS: Final = 40


@dataclass(frozen=True, slots=True)
class Cashier:
    """Someone who stands at the tills of a shop."""

    id: int
    name: str
    named_at: datetime


@dataclass(frozen=True, slots=True)
class Copy:
    """What a till holds of a cashier, to let them sign on without network."""

    id: int
    name: str
    pin: PinHash


@dataclass(frozen=True, slots=True)
class CounterRule:
    """How a shop runs its tills: `ask_cashier` 'never' or 'always', and whether undoing asks a PIN."""

    ask_cashier: str
    undo_pin: bool


# ── Cashiers ─────────────────────────────────────────────────────────────────────────────────────────────────────
def name_cashier(
    session: WriteSession, *, programme_id: int, merchant_id: int, name: str, pin: PinHash, actor: str, at: datetime
) -> Cashier:
    """One more cashier of a shop. Refuses, in order: `BadInput`, `NotFound`, `CashierNameTaken`, `CashiersFull`."""
    called = identity.name(name, field="name", most=NAME_CHARS)
    _lock(session, programme_id=programme_id, merchant_id=merchant_id)
    there = cashiers_of(session, programme_id=programme_id, merchant_id=merchant_id)
    if called.casefold() in {one.name.casefold() for one in there}:
        raise CashierNameTaken(name=called)
    if len(there) >= MOST_CASHIERS:
        raise CashiersFull(most=MOST_CASHIERS)
    row = cashier.insert().values(
        programme_id=programme_id,
        merchant_id=merchant_id,
        name=called,
        pin_salt=pin.salt,
        pin_hash=pin.hash,
        named_at=at,
    )
    number = int(session.execute(row.returning(cashier.c.id)).scalar_one())
    fact = Fact("cashier_named", at, actor, f"cashier:{number}", f"merchant:{merchant_id}")
    ledger.post(session, programme_id=programme_id, fact=fact)
    return Cashier(number, called, at)


def remove_cashier(
    session: WriteSession, *, programme_id: int, merchant_id: int, cashier_id: int, actor: str, at: datetime
) -> None:
    """They sign on no more; what they took stays theirs. Refuses `NotFound`, also when already removed."""
    one = cashier.c.id == cashier_id, *_active(programme_id, merchant_id)
    if not session.execute(update(cashier).where(*one).values(removed_at=at)).rowcount:
        raise NotFound(what="cashier", id=cashier_id)
    fact = Fact("cashier_removed", at, actor, f"cashier:{cashier_id}", f"merchant:{merchant_id}")
    ledger.post(session, programme_id=programme_id, fact=fact)


def cashiers_of(session: ReadSession, *, programme_id: int, merchant_id: int) -> list[Cashier]:
    """The cashiers of a shop, in the order they were named; not those removed."""
    listed = select(cashier.c.id, cashier.c.name, cashier.c.named_at).where(*_active(programme_id, merchant_id))
    return [Cashier(*row) for row in session.execute(listed.order_by(cashier.c.id))]


def copies_of(session: ReadSession, *, programme_id: int, merchant_id: int) -> list[Copy]:
    """The same, as the shop's tills hold them."""
    kept = select(cashier.c.id, cashier.c.name, cashier.c.pin_salt, cashier.c.pin_hash)
    rows = session.execute(kept.where(*_active(programme_id, merchant_id)).order_by(cashier.c.id))
    return [Copy(row.id, row.name, PinHash(row.pin_salt, row.pin_hash)) for row in rows]


# ── The shop's rule ──────────────────────────────────────────────────────────────────────────────────────────────
def counter_rule(session: ReadSession, *, programme_id: int, merchant_id: int) -> CounterRule:
    """How a shop runs its tills. Refuses `NotFound`."""
    row = session.execute(
        select(merchant.c.id, shop_rule.c.ask_cashier, shop_rule.c.undo_pin_hash)
        .outerjoin(
            shop_rule,
            (shop_rule.c.programme_id == merchant.c.programme_id) & (shop_rule.c.merchant_id == merchant.c.id),
        )
        .where(*_shop(programme_id, merchant_id))
    ).first()
    if row is None:
        raise NotFound(what="merchant", id=merchant_id)
    return CounterRule(row.ask_cashier or CASHIER_RULES[0], row.undo_pin_hash is not None)


def set_counter_rule(
    session: WriteSession,
    *,
    programme_id: int,
    merchant_id: int,
    ask_cashier: str,
    undo_pin: PinHash | Literal["keep"] | None,
    actor: str,
    at: datetime,
) -> CounterRule:
    """Run the tills so from now on; `undo_pin` None: undoing asks no PIN. Refuses `BadInput`, `NotFound`."""
    if ask_cashier not in CASHIER_RULES:
        raise BadInput(field="ask_cashier", problem="one_of", words=", ".join(CASHIER_RULES))
    _lock(session, programme_id=programme_id, merchant_id=merchant_id)
    mine = {"programme_id": programme_id, "merchant_id": merchant_id}
    values: dict[str, Any] = {"ask_cashier": ask_cashier}
    if undo_pin != "keep":
        values |= {"undo_pin_salt": undo_pin and undo_pin.salt, "undo_pin_hash": undo_pin and undo_pin.hash}
    if not session.execute(update(shop_rule).filter_by(**mine).values(**values)).rowcount:
        session.execute(shop_rule.insert().values(**mine, **values))
    rule = counter_rule(session, **mine)
    said = f"ask_cashier {rule.ask_cashier}, undo_pin {'set' if rule.undo_pin else 'none'}"
    ledger.post(
        session, programme_id=programme_id, fact=Fact("shop_rule_set", at, actor, f"merchant:{merchant_id}", said)
    )
    return rule


def undo_pin_of(session: ReadSession, *, programme_id: int, merchant_id: int) -> PinHash | None:
    """What the shop's undo PIN is checked against; None where undoing asks none."""
    kept = select(shop_rule.c.undo_pin_salt, shop_rule.c.undo_pin_hash).where(
        shop_rule.c.programme_id == programme_id, shop_rule.c.merchant_id == merchant_id
    )
    row = session.execute(kept).first()
    return None if row is None or row.undo_pin_salt is None else PinHash(*row)


def require_undo_pin(session: ReadSession, *, programme_id: int, merchant_id: int, proven: bytes) -> None:
    """That `proven`, derived from what was typed, is the undo PIN, where the shop has one. Refuses `PinWrong`."""
    wanted = undo_pin_of(session, programme_id=programme_id, merchant_id=merchant_id)
    if wanted is not None and not hmac.compare_digest(wanted.hash, proven):
        raise PinWrong


def _active(programme_id: int, merchant_id: int) -> tuple[Any, ...]:
    return (
        cashier.c.programme_id == programme_id,
        cashier.c.merchant_id == merchant_id,
        cashier.c.removed_at.is_(None),
    )


def _shop(programme_id: int, merchant_id: int) -> tuple[Any, ...]:
    return merchant.c.programme_id == programme_id, merchant.c.id == merchant_id


def _lock(session: WriteSession, *, programme_id: int, merchant_id: int) -> None:
    # Changes of one shop take turns; redemptions, which only refer to it, need not wait.
    one: Select[Any] = select(merchant.c.id).where(*_shop(programme_id, merchant_id))
    if session.execute(one.with_for_update(key_share=True)).first() is None:
        raise NotFound(what="merchant", id=merchant_id)
