"""What a till accepted without network, once it is back: each entry is kept for ever, redeemed or in dispute.

The till's word is a signed entry, numbered, and chained to the one before. Redeeming it is tried as if it were done now
(`redeem`, at the door), save that the last day is judged by the day of acceptance, where the snapshot bounds it. What
is refused becomes a dispute with the refusal's reason, in the same transaction, so that nothing is dropped. A hole or a
fork in the chain, a snapshot too old, caps passed: none of it is a reason to refuse a voucher that is good, for the
shop gave goods for it; all of it is kept, and decides whether the guarantee pays the loser by itself.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import and_, case, func, select

from vouchers import chart, clock, codes, guarantee, ledger
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import GuaranteeExceeded, Refusal, TillRevoked
from vouchers.guarantee import OfflineRule
from vouchers.ledger import Fact
from vouchers.rules import take_turn
from vouchers.snapshots import Version, version_of
from vouchers.tables import acceptance, batch, cashier, dispute, journal, posting, till, voucher

CLOCK_WINDOW: Final = timedelta(minutes=5)
"""How far a phone's clock may be from ours."""
_LOST: Final = frozenset({
    "already_redeemed", "voucher_blocked", "voucher_cancelled", "voucher_replaced", "voucher_expired",
    "amount_above_balance",
})  # fmt: skip
"""Reasons that may have come about after the snapshot, so that the till could not know."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One voucher accepted without network. `text` is what the till signed; the other values are read from it.

    `digest` is `codes.offline_digest` of `code`, which is sent beside the text and kept nowhere.
    """

    text: str
    signature: bytes
    code: str
    number: int
    previous: str
    key: str
    digest: bytes
    cents: int
    cashier_id: int | None
    snapshot: str
    scanned_at: datetime


@dataclass(frozen=True, slots=True)
class Brought:
    """An entry at the counter, its till locked: what is to be known before it is tried.

    `version`: what the till was promised, None where the entry names no snapshot of ours. `believed_at`: when it was
    accepted, None where the snapshot does not bear it out; the entry is then judged as of its arrival.
    """

    programme_id: int
    till_id: int
    merchant_id: int
    revoked_at: datetime | None
    cashier_id: int | None
    entry: Entry
    chain: str
    version: Version | None
    believed_at: datetime | None
    received_at: datetime


def bring(
    session: WriteSession, *, programme_id: int, till_id: int, entry: Entry, pepper: bytes, at: datetime
) -> Brought:
    """Take an entry's place in its till's chain, and say what the till could know when it accepted."""
    # One entry of a till at a time, so that each sees the one before. The key of the row is not touched by it.
    held = session.execute(
        select(till.c.merchant_id, till.c.revoked_at)
        .where(till.c.programme_id == programme_id, till.c.id == till_id)
        .with_for_update(key_share=True)
    ).one()
    known = version_of(pepper, entry.snapshot)
    ours = known is not None and (known.programme_id, known.till_id) == (programme_id, till_id)
    version = known if ours else None
    stood_there = select(cashier.c.id).where(
        cashier.c.programme_id == programme_id,
        cashier.c.merchant_id == held.merchant_id,
        cashier.c.id == entry.cashier_id,
    )
    brought = Brought(
        programme_id=programme_id,
        till_id=till_id,
        merchant_id=held.merchant_id,
        revoked_at=held.revoked_at,
        cashier_id=session.execute(stood_there).scalar() if entry.cashier_id else None,
        entry=entry,
        chain=_chain(session, programme_id=programme_id, till_id=till_id, entry=entry),
        version=version,
        believed_at=_believed_at(version, entry=entry, at=at),
        received_at=at,
    )
    if version is not None and not _within_caps(session, brought=brought, version=version):
        # What was promised bounds how many last days are taken on the till's word.
        return replace(brought, believed_at=None)
    return brought


def refuse_revoked(brought: Brought) -> None:
    """Whoever has a revoked phone in hand is not paid without a second look. Refuses `TillRevoked`."""
    if brought.revoked_at is not None:
        raise TillRevoked


def keep_redeemed(session: WriteSession, *, brought: Brought, redemption_id: int) -> None:
    """The entry beside the redemption that it became."""
    _keep(session, brought=brought, redemption_id=redemption_id, dispute_number=None)


class Disputed(NamedTuple):
    """A dispute that was opened, the voucher it is about if there is one, and what the guarantee paid at once."""

    number: int
    serial: int | None
    guaranteed_cents: int


def keep_disputed(session: WriteSession, *, brought: Brought, refusal: Refusal, pepper: bytes) -> Disputed:
    """The entry beside a new dispute; where the till could not know and the rule says so, the guarantee pays at once.

    The fact's reason says what the dispute is about, so that a row changed behind the house's back is told.
    """
    programme_id, entry, at = brought.programme_id, brought.entry, brought.received_at
    paper: Any = session.execute(
        select(
            voucher.c.serial,
            voucher.c.state,
            voucher.c.balance_cents,
            voucher.c.expires_on,
            voucher.c.offline_prefix,
            voucher.c.replaces_serial,
            batch.c.activated_at,
        )
        .join(batch, and_(batch.c.programme_id == voucher.c.programme_id, batch.c.number == voucher.c.batch_number))
        .where(voucher.c.programme_id == programme_id, voucher.c.code_hash == codes.code_hash(pepper, entry.code))
        # The attempt let go of it. Whoever undoes its redemption meanwhile waits, and sees what was paid in its place.
        .with_for_update(of=voucher)
    ).first()
    take_turn(session, programme_id=programme_id)
    newest = select(func.coalesce(func.max(dispute.c.number), 0)).where(dispute.c.programme_id == programme_id)
    number = int(session.execute(newest).scalar_one()) + 1
    serial = None if paper is None else paper.serial
    about = f"voucher:{serial or '-'} {entry.cents} {clock.micros(entry.scanned_at)}"
    said = f"{refusal.reason} merchant:{brought.merchant_id} {about}"
    fact = Fact("disputed", at, f"till:{brought.till_id}", f"dispute:{number}", said)
    ledger.post(session, programme_id=programme_id, fact=fact)
    session.execute(
        dispute.insert().values(
            programme_id=programme_id,
            number=number,
            merchant_id=brought.merchant_id,
            till_id=brought.till_id,
            serial=serial,
            cents=entry.cents,
            because=refusal.reason,
            accepted_at=entry.scanned_at,
            opened_at=at,
            state="open",
        )
    )
    _keep(session, brought=brought, redemption_id=None, dispute_number=number)
    rule = guarantee.offline_rule_of(session, programme_id=programme_id)
    if rule is None or paper is None or not _could_not_know(session, brought=brought, refusal=refusal, paper=paper):
        return Disputed(number, serial, 0)
    return Disputed(number, serial, _paid_at_once(session, brought=brought, number=number, rule=rule))


def _paid_at_once(session: WriteSession, *, brought: Brought, number: int, rule: OfflineRule) -> int:
    try:
        guarantee.pay(
            session,
            programme_id=brought.programme_id,
            number=number,
            rule=rule,
            actor="system",
            reason="accepté de bonne foi hors réseau",
            at=brought.received_at,
        )
    except GuaranteeExceeded:
        return 0
    return brought.entry.cents


def _keep(session: WriteSession, *, brought: Brought, redemption_id: int | None, dispute_number: int | None) -> None:
    entry = brought.entry
    session.execute(
        acceptance.insert().values(
            programme_id=brought.programme_id,
            till_id=brought.till_id,
            key=entry.key,
            number=entry.number,
            chain=brought.chain,
            entry=entry.text,
            signature=entry.signature,
            cents=entry.cents,
            accepted_at=entry.scanned_at,
            received_at=brought.received_at,
            redemption_id=redemption_id,
            dispute_number=dispute_number,
        )
    )


# ── What the till could know ─────────────────────────────────────────────────────────────────────────────────────
def _chain(session: ReadSession, *, programme_id: int, till_id: int, entry: Entry) -> str:
    """How an entry follows its till's entry before.

    `whole`: it does, or it is the first; `fork`: another has its number, or it follows another one; `gap`: the one
    before is not here.
    """
    rows = session.execute(
        select(acceptance.c.number, acceptance.c.entry).where(
            acceptance.c.programme_id == programme_id,
            acceptance.c.till_id == till_id,
            acceptance.c.number.in_((entry.number - 1, entry.number)),
        )
    ).all()
    if any(row.number == entry.number for row in rows):
        return "fork"
    before = [hashlib.sha256(row.entry.encode()).hexdigest() for row in rows]
    if before or entry.number == 1:
        return "whole" if entry.previous in (before or [""]) else "fork"
    return "gap"


def _believed_at(version: Version | None, *, entry: Entry, at: datetime) -> datetime | None:
    if version is None:
        return None
    until = min(version.at + timedelta(minutes=version.max_age_minutes), at) + CLOCK_WINDOW
    return entry.scanned_at if version.at - CLOCK_WINDOW <= entry.scanned_at <= until else None


def _could_not_know(session: ReadSession, *, brought: Brought, refusal: Refusal, paper: Any) -> bool:
    """Whether an honest till, within its caps, lost to what happened after its snapshot and elsewhere."""
    version, entry = brought.version, brought.entry
    return (
        refusal.reason in _LOST
        and brought.chain == "whole"
        and version is not None
        and brought.believed_at is not None
        and paper.offline_prefix == entry.digest[:8]
        and clock.book_day(brought.believed_at) <= paper.expires_on
        and not (paper.state == "active" and paper.balance_cents >= entry.cents)
        and guarantee.guaranteed_among(session, programme_id=brought.programme_id, serials=[paper.serial]) is None
        and _was_spendable(session, brought=brought, paper=paper, at=version.at)
    )


def _within_caps(session: ReadSession, *, brought: Brought, version: Version) -> bool:
    """What this till brought since this snapshot was made, this entry included, is what it was promised, or less.

    On whichever snapshot it was accepted: going back to an older one, or asking for many, promises nothing more.
    """
    before = session.execute(
        select(func.count(), func.coalesce(func.sum(acceptance.c.cents), 0)).where(
            acceptance.c.programme_id == brought.programme_id,
            acceptance.c.till_id == brought.till_id,
            acceptance.c.number < brought.entry.number,
            acceptance.c.received_at >= version.at,
        )
    ).one()
    return before[0] < version.most_count and int(before[1]) + brought.entry.cents <= version.most_cents


def _was_spendable(session: ReadSession, *, brought: Brought, paper: Any, at: datetime) -> bool:
    """Whether the voucher was active and held the cents at the snapshot's instant, and was not taken here since.

    What it held then is what it holds now, less what was put on it since, and with what was taken from it.
    """
    programme_id = brought.programme_id
    own = chart.merchant(brought.merchant_id)
    taken = case((posting.c.debit == chart.FLOAT, posting.c.cents), else_=-posting.c.cents)
    here = case((posting.c.credit == own, posting.c.cents), else_=0)
    moved = session.execute(
        select(func.coalesce(func.sum(taken), 0), func.coalesce(func.sum(here), 0))
        .join(journal, and_(journal.c.programme_id == posting.c.programme_id, journal.c.id == posting.c.journal_id))
        .where(posting.c.programme_id == programme_id, posting.c.serial == paper.serial, journal.c.at > at)
    ).one()
    facts = session.execute(
        select(journal.c.kind)
        .where(
            journal.c.programme_id == programme_id,
            journal.c.subject == f"voucher:{paper.serial}",
            journal.c.kind.in_(("blocked", "unblocked", "activated")),
            journal.c.at <= at,
        )
        .order_by(journal.c.id)
    ).scalars()
    told = list(facts)
    if paper.replaces_serial is None:
        active = paper.activated_at is not None and paper.activated_at <= at
    else:
        active = "activated" in told
    blocked = [kind for kind in told if kind != "activated"][-1:] == ["blocked"]
    held_then = paper.balance_cents + int(moved[0])
    return active and not blocked and held_then >= brought.entry.cents and int(moved[1]) == 0
