"""A scan becomes money owed to a merchant.

The voucher's row is the one thing two tills can meet on. Its lock is taken in ascending order of serial, whatever the
order of the basket, so that two baskets never wait for one another; then every refusal is decided, in this order:

    basket_size · bad_input · merchant_suspended · voucher_unknown · basket_duplicate
    then by its state, the voucher of the lowest serial first:
    voucher_not_active · voucher_blocked · voucher_cancelled · voucher_replaced · already_redeemed · voucher_expired
    then by the amount, in the same order:
    partial_use_refused · amount_above_balance, and last the sale's total (bad_input)

and then it must succeed. The guard stands once more inside the UPDATE that takes the money. A basket is accepted whole
or not at all. A duplicate is refused, not merged: a cashier who scanned one paper twice believes to have two.

Why the lock and the guard: the lock lets the refusal be exact and the whole basket be judged before a cent moves; the
guard makes an overspend impossible even on an engine, or after an edit, that lost the lock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import and_, bindparam, case, or_, select, update

from vouchers import chart, clock, ledger
from vouchers.db import LockLost, ReadSession, WriteSession
from vouchers.errors import (
    AlreadyRedeemed,
    AmountAboveBalance,
    BadInput,
    BasketDuplicate,
    BasketSize,
    MerchantSuspended,
    PartialUseRefused,
    VoucherBlocked,
    VoucherCancelled,
    VoucherExpired,
    VoucherNotActive,
    VoucherRefusal,
    VoucherReplaced,
    VoucherUnknown,
)
from vouchers.ledger import Fact, Move
from vouchers.money import MAX_CENTS
from vouchers.prepared import Prepared
from vouchers.tables import cashier, merchant, posting, programme, redemption, reversal, voucher

MOST_IN_A_BASKET: Final = 20
Word = Literal["spendable", "not_active", "used", "over", "stopped"]
_WORDS: Final[dict[str, Word]] = {"printed": "not_active", "active": "spendable", "redeemed": "used"}


@dataclass(frozen=True, slots=True)
class Presented:
    """One voucher held out: by the hash of its code, or by serial and the hash of its control code.

    `cents`: how much of it; None for all that is left.
    """

    code_hash: bytes | None = None
    serial: int | None = None
    control_hash: bytes | None = None
    cents: int | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """What one voucher gave, and what is left on it."""

    serial: int
    cents: int
    balance_cents: int


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A basket accepted. `redemption_id` is its journal number; the shop may undo it until `undo_until`."""

    redemption_id: int
    at: datetime
    cents: int
    vouchers: tuple[Used, ...]
    undo_until: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """A voucher as looked up, spending nothing. `refusal`: why it could not be spent now, None if it could."""

    serial: int
    face_cents: int
    balance_cents: int
    state: str
    expires_on: date
    refusal: VoucherRefusal | None


def look_up(
    session: ReadSession, *, programme_id: int, presented: Presented, merchant_id: int | None, at: datetime
) -> Seen:
    """What a voucher is and whether it could be spent now. Refuses `VoucherUnknown`.

    `merchant_id`: the asking shop, to tell its own use of the voucher from another's; None for a stranger.
    """
    found = _presented(session, programme_id=programme_id, basket=[presented])
    row = found[0]
    if row is None:
        raise VoucherUnknown
    refusal = _refusal_by_state(session, programme_id=programme_id, row=row, merchant_id=merchant_id, at=at)
    return Seen(row.serial, row.face_cents, row.balance_cents, row.state, row.expires_on, refusal)


@dataclass(frozen=True, slots=True)
class Genuine:
    """A voucher of this house, as a stranger who holds its code is told. Never where or when it was used."""

    state: Word
    face_cents: int
    balance_cents: int
    expires_on: date
    programme_id: int
    programme: str


def look_up_anywhere(session: ReadSession, *, code_hash: bytes, at: datetime) -> Genuine:
    """The same for a stranger who holds nothing but a code: in whatever programme it is. Refuses `VoucherUnknown`."""
    every = select(programme.c.id)
    found = select(voucher.c.programme_id).where(voucher.c.programme_id.in_(every), voucher.c.code_hash == code_hash)
    programme_id = session.execute(found).scalar()
    if programme_id is None:
        raise VoucherUnknown
    presented = Presented(code_hash=code_hash)
    seen = look_up(session, programme_id=programme_id, presented=presented, merchant_id=None, at=at)
    name = session.execute(select(programme.c.name).where(programme.c.id == programme_id)).scalar_one()
    is_over = seen.refusal is not None and seen.refusal.reason == "voucher_expired"
    word: Word = "over" if is_over else _WORDS.get(seen.state, "stopped")
    return Genuine(word, seen.face_cents, seen.balance_cents, seen.expires_on, programme_id, name)


def redeem(
    session: WriteSession,
    *,
    programme_id: int,
    merchant_id: int,
    till_id: int | None,
    basket: Sequence[Presented],
    sale_cents: int | None,
    at: datetime,
    accepted_at: datetime | None = None,
    cashier_id: int | None = None,
    actor: str | None = None,
    in_good_standing: bool = False,
) -> Redeemed:
    """Take the basket's vouchers for a sale at `till_id`; refusals and their order as at the top of this file.

    `sale_cents`: what the customer spent in all, when the cashier typed it (at least what the vouchers pay).
    `accepted_at`: when the shop took them, if that was without network or on paper: the last day is judged by it.
    `till_id` None: the shop posted them, and `actor` takes them. `in_good_standing`: it was, when it took them.
    """
    assert till_id is not None or actor is not None, "paper without a till is taken by somebody"
    if not 1 <= len(basket) <= MOST_IN_A_BASKET:
        raise BasketSize(quantity=len(basket), most=MOST_IN_A_BASKET)
    for presented in basket:
        if presented.cents is not None and not 1 <= presented.cents <= MAX_CENTS:
            raise BadInput(field="cents", problem="amount_range", least_cents=1, most_cents=MAX_CENTS)
    asked = {"of_programme": programme_id, "of_merchant": merchant_id}
    if cashier_id is not None and not _CASHIER.rows(session, {**asked, "of_cashier": cashier_id}):
        raise BadInput(field="cashier", problem="not_a_cashier_here")
    shop = next((_Shop(*row) for row in _SHOP.rows(session, asked)), None)
    if shop is None or (shop.state != "active" and not in_good_standing):
        raise MerchantSuspended
    found = _presented(session, programme_id=programme_id, basket=basket, locking=True)
    rows = [row for row in found if row is not None]
    if len(rows) < len(basket):
        raise VoucherUnknown
    wanted = {row.serial: presented.cents for row, presented in zip(rows, basket, strict=True)}
    if len(wanted) < len(rows):
        serials = [row.serial for row in rows]
        raise BasketDuplicate(serial=next(serial for serial in serials if serials.count(serial) > 1))
    parts = [
        (row, _part(row, cents=wanted[row.serial], use_rule=shop.use_rule))
        for row in _spendable(
            session, programme_id=programme_id, rows=rows, merchant_id=merchant_id, at=accepted_at or at
        )
    ]
    total = sum(cents for _, cents in parts)
    if sale_cents is not None and not total <= sale_cents <= MAX_CENTS:
        raise BadInput(field="sale_cents", problem="amount_range", least_cents=total, most_cents=MAX_CENTS)

    # From here it must succeed.
    day = clock.book_day(accepted_at or at)
    for row, cents in parts:
        _take(session, programme_id=programme_id, serial=row.serial, cents=cents, day=day)
    number = ledger.post(
        session,
        programme_id=programme_id,
        fact=Fact(
            kind="redeemed",
            at=at,
            actor=actor or f"till:{till_id}",
            subject=f"merchant:{merchant_id}",
            moves=[Move(chart.FLOAT, chart.merchant(merchant_id), cents, row.serial) for row, cents in parts],
        ),
    )
    _WRITE_REDEMPTION.count(
        session,
        {
            "programme_id": programme_id,
            "journal_id": number,
            "merchant_id": merchant_id,
            "till_id": till_id,
            "cents": total,
            "sale_cents": sale_cents,
            "cashier_id": cashier_id,
            "at": at,
        },
    )
    used = tuple(Used(row.serial, cents, row.balance_cents - cents) for row, cents in parts)
    return Redeemed(number, at, total, used, at + timedelta(minutes=shop.reversal_window_minutes))


# ── The voucher's row ────────────────────────────────────────────────────────────────────────────────────────────
class _Held(NamedTuple):
    """A voucher's row as it was read, under its lock where one was taken."""

    serial: int
    code_hash: bytes
    control_hash: bytes
    face_cents: int
    balance_cents: int
    state: str
    expires_on: date


def _presented(
    session: ReadSession, *, programme_id: int, basket: Sequence[Presented], locking: bool = False
) -> list[_Held | None]:
    """The voucher of each, in the basket's order, None where there is none; locked in ascending serial if asked."""
    hashes = [presented.code_hash for presented in basket if presented.code_hash is not None]
    serials = [presented.serial for presented in basket if presented.serial is not None]
    asked: dict[str, Any] = {"of_programme": programme_id}
    asked |= {f"hash_{place}": code_hash for place, code_hash in enumerate(hashes)}
    asked |= {f"serial_{place}": serial for place, serial in enumerate(serials)}
    known = _held_by(len(hashes), len(serials), "update" if locking else "read")
    rows = [_Held(*row) for row in known.rows(session, asked)]
    by_code = {row.code_hash: row for row in rows}
    by_control = {(row.serial, row.control_hash): row for row in rows}
    return [
        by_code.get(presented.code_hash)
        if presented.code_hash is not None
        else by_control.get((presented.serial or 0, presented.control_hash or b""))
        for presented in basket
    ]


def _spendable(
    session: ReadSession, *, programme_id: int, rows: Sequence[_Held], merchant_id: int, at: datetime
) -> list[_Held]:
    """The rows in ascending serial. Raises the exact refusal of the first that cannot be spent."""
    ordered = sorted(rows, key=lambda row: row.serial)
    for row in ordered:
        refusal = _refusal_by_state(session, programme_id=programme_id, row=row, merchant_id=merchant_id, at=at)
        if refusal is not None:
            raise refusal
    return ordered


def _part(row: _Held, *, cents: int | None, use_rule: str) -> int:
    """How much of a spendable voucher is taken."""
    if cents is None:
        return row.balance_cents
    if use_rule == "whole" and cents != row.balance_cents:
        raise PartialUseRefused(serial=row.serial, balance_cents=row.balance_cents)
    if cents > row.balance_cents:
        raise AmountAboveBalance(serial=row.serial, balance_cents=row.balance_cents, cents=cents)
    return cents


def _refusal_by_state(
    session: ReadSession, *, programme_id: int, row: _Held, merchant_id: int | None, at: datetime
) -> VoucherRefusal | None:
    serial = row.serial
    refusal: VoucherRefusal | None = None
    match row.state:
        case "printed":
            refusal = VoucherNotActive(serial=serial)
        case "blocked":
            refusal = VoucherBlocked(serial=serial)
        case "cancelled":
            refusal = VoucherCancelled(serial=serial)
        case "replaced":
            day = ledger.day_of(session, programme_id=programme_id, kind="replaced", subject=f"voucher:{serial}")
            refusal = VoucherReplaced(serial=serial, replaced_on=day.isoformat())
        case "redeemed":
            used = _last_use(session, programme_id=programme_id, serial=serial, merchant_id=merchant_id)
            refusal = AlreadyRedeemed(serial=serial, used=used)
        case _ if row.state == "expired" or row.expires_on < clock.book_day(at):
            # The day decides, not the sweeper that may not have passed yet.
            refusal = VoucherExpired(serial=serial, expires_on=row.expires_on.isoformat())
    return refusal


def _last_use(
    session: ReadSession, *, programme_id: int, serial: int, merchant_id: int | None
) -> dict[str, Any] | None:
    """When, where and for how much a voucher was last used and not undone."""
    row = session.execute(
        select(redemption.c.at, redemption.c.merchant_id, merchant.c.shop_name, posting.c.cents)
        .select_from(posting)
        .join(
            redemption,
            and_(redemption.c.programme_id == posting.c.programme_id, redemption.c.journal_id == posting.c.journal_id),
        )
        .join(merchant, merchant.c.id == redemption.c.merchant_id)
        .outerjoin(
            reversal,
            and_(
                reversal.c.programme_id == posting.c.programme_id,
                reversal.c.redemption_id == posting.c.journal_id,
                reversal.c.serial == posting.c.serial,
            ),
        )
        .where(posting.c.programme_id == programme_id, posting.c.serial == serial, reversal.c.serial.is_(None))
        .order_by(posting.c.journal_id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    return {
        "at": clock.iso(row.at),
        "own_shop": row.merchant_id == merchant_id,
        "shop_name": row.shop_name,
        "cents": row.cents,
    }


def _take(session: WriteSession, *, programme_id: int, serial: int, cents: int, day: date) -> None:
    taken = {"of_programme": programme_id, "of_serial": serial, "taken_cents": cents, "on_day": day}
    changed = _TAKE.count(session, taken)
    if changed != 1:
        raise LockLost(f"voucher {serial} changed under its lock")


# ── Statements of every redemption, built once: building one costs more than running it ──────────────────────────
class _Shop(NamedTuple):
    """What redeeming asks of a programme and a merchant."""

    use_rule: str
    reversal_window_minutes: int
    state: str


_SHOP: Final = Prepared(
    select(programme.c.use_rule, programme.c.reversal_window_minutes, merchant.c.state)
    .join(merchant, merchant.c.programme_id == programme.c.id)
    .where(programme.c.id == bindparam("of_programme"), merchant.c.id == bindparam("of_merchant"))
)
_CASHIER: Final = Prepared(
    select(cashier.c.id).where(
        cashier.c.programme_id == bindparam("of_programme"),
        cashier.c.merchant_id == bindparam("of_merchant"),
        cashier.c.id == bindparam("of_cashier"),
    )
)
_HELD: Final = (
    select(
        voucher.c.serial,
        voucher.c.code_hash,
        voucher.c.control_hash,
        voucher.c.face_cents,
        voucher.c.balance_cents,
        voucher.c.state,
        voucher.c.expires_on,
    )
    .where(voucher.c.programme_id == bindparam("of_programme"))
    .order_by(voucher.c.serial)
)


@cache
def _held_by(hashes: int, serials: int, lock: Literal["read", "update"]) -> Prepared:
    """The rows of so many codes and so many serials; a basket has 20 vouchers at most."""
    by_code = voucher.c.code_hash.in_([bindparam(f"hash_{place}") for place in range(hashes)])
    by_serial = voucher.c.serial.in_([bindparam(f"serial_{place}") for place in range(serials)])
    known = _HELD.where(by_code if not serials else by_serial if not hashes else or_(by_code, by_serial))
    return Prepared(known.with_for_update() if lock == "update" else known)


_TAKE: Final = Prepared(
    update(voucher)
    .where(
        voucher.c.programme_id == bindparam("of_programme"),
        voucher.c.serial == bindparam("of_serial"),
        voucher.c.state == "active",
        voucher.c.balance_cents >= bindparam("taken_cents"),
        voucher.c.expires_on >= bindparam("on_day"),
    )
    .values(
        balance_cents=voucher.c.balance_cents - bindparam("taken_cents"),
        state=case((voucher.c.balance_cents == bindparam("taken_cents"), "redeemed"), else_="active"),
    )
)
_WRITE_REDEMPTION: Final = Prepared(redemption.insert())
