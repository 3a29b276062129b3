"""Vouchers accepted without network that could not be taken: what they are, and what becomes of them.

A dispute that the guarantee did not pay at once waits for the treasurer, who lets the guarantee pay it, within its cap,
or dismisses it with a reason.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import case, func, select

from vouchers import chart, clock, guarantee, identity, ledger
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import DisputeUnknown, PaidOtherwise
from vouchers.ledger import Fact
from vouchers.tables import acceptance, dispute, merchant, posting, till, voucher

MOST_LISTED: Final = 200

_BECAUSE: Final = {
    "already_redeemed": ("Déjà utilisé ailleurs ou avant.", "Already used elsewhere or before."),
    "amount_above_balance": ("Il ne restait pas assez sur le chèque.", "There was not enough left on the voucher."),
    "merchant_suspended": ("Le commerce était suspendu.", "The shop was suspended."),
    "partial_use_refused": ("Le chèque s'utilise en une fois.", "The voucher is used at once."),
    "till_revoked": ("La caisse était révoquée.", "The till was revoked."),
    "voucher_blocked": ("Le chèque était en opposition.", "The voucher was stopped."),
    "voucher_cancelled": ("Le chèque était annulé.", "The voucher was cancelled."),
    "voucher_expired": ("Le dernier jour était passé.", "The last day was over."),
    "voucher_not_active": ("Le chèque n'était pas encore activé.", "The voucher was not active yet."),
    "voucher_replaced": ("Le chèque était remplacé.", "The voucher was replaced."),
    "voucher_unknown": ("Ce n'est pas un chèque de ce dispositif.", "This is no voucher of this programme."),
}
_BECOME: Final = {
    "open": ("Le trésorier doit trancher.", "The treasurer has to decide."),
    "guaranteed": ("Payé par la garantie.", "Paid by the guarantee."),
    "dismissed": ("Non payé : {decision}", "Not paid: {decision}"),
}

Decision = Literal["guarantee", "dismiss"]


@dataclass(frozen=True, slots=True)
class Dispute:
    """One voucher in dispute. `reason` is the refusal's; `chain` how its entry followed the till's entry before."""

    number: int
    merchant_id: int
    shop_name: str
    till_id: int
    till_label: str
    serial: int | None
    cents: int
    reason: str
    chain: str
    scanned_at: datetime
    opened_at: datetime
    state: str
    decided_by: str | None
    decided_at: datetime | None
    decision: str | None

    def text(self, language: str = "fr") -> str:
        """What a person is told of it."""
        spoken = 1 if language == "en" else 0
        become = _BECOME[self.state][spoken].format(decision=self.decision or "")
        return f"{_BECAUSE[self.reason][spoken]} {become}"


def disputes_of(
    session: ReadSession,
    *,
    programme_id: int,
    merchant_ids: frozenset[int] | None = None,
    before: int | None = None,
    limit: int = MOST_LISTED,
) -> list[Dispute]:
    """The disputes of a programme, or of these shops, newest first; `before` is the last number already seen."""
    found = _LISTED.where(dispute.c.programme_id == programme_id)
    if merchant_ids is not None:
        found = found.where(dispute.c.merchant_id.in_(sorted(merchant_ids)))
    if before is not None:
        found = found.where(dispute.c.number < before)
    newest = found.order_by(dispute.c.number.desc()).limit(max(0, min(limit, MOST_LISTED)))
    return [Dispute(**row._mapping) for row in session.execute(newest)]


def find_dispute(session: ReadSession, *, programme_id: int, number: int) -> Dispute:
    """One dispute. Refuses `DisputeUnknown`."""
    row = session.execute(_LISTED.where(dispute.c.programme_id == programme_id, dispute.c.number == number)).first()
    if row is None:
        raise DisputeUnknown(number=number)
    return Dispute(**row._mapping)


def decide(
    session: WriteSession,
    *,
    programme_id: int,
    number: int,
    decision: Decision,
    reason: str,
    actor: str,
    at: datetime,
) -> Dispute:
    """Let the guarantee pay an open dispute, or dismiss it.

    Refuses, in order: `BadInput` (reason), `OfflineNotAllowed` (a guarantee without a rule), `DisputeUnknown`,
    `PaidOtherwise`, `DisputeDecided`, `GuaranteeExceeded`.
    """
    why = identity.name(reason, field="reason")
    if decision == "guarantee":
        rule = guarantee.required_rule(session, programme_id=programme_id)
        found = find_dispute(session, programme_id=programme_id, number=number)
        _refuse_paid_otherwise(session, programme_id=programme_id, of=found, at=at)
        guarantee.pay(session, programme_id=programme_id, number=number, rule=rule, actor=actor, reason=why, at=at)
    else:
        guarantee.held_open(session, programme_id=programme_id, number=number)
        guarantee.close(
            session, programme_id=programme_id, number=number, state="dismissed", actor=actor, reason=why, at=at,
            journal_id=None,
        )  # fmt: skip
        fact = Fact("dispute_dismissed", at, actor, f"dispute:{number}", why)
        ledger.post(session, programme_id=programme_id, fact=fact)
    return find_dispute(session, programme_id=programme_id, number=number)


def _refuse_paid_otherwise(session: WriteSession, *, programme_id: int, of: Dispute, at: datetime) -> None:
    """A good voucher is taken, not guaranteed; and no shop is given more for one paper than is printed on it."""
    if of.serial is None or of.state != "open":
        return
    paper = session.execute(
        select(voucher.c.state, voucher.c.balance_cents, voucher.c.face_cents, voucher.c.expires_on)
        .where(voucher.c.programme_id == programme_id, voucher.c.serial == of.serial)
        # Before the programme's turn, as replacing does; a till that scans it now waits.
        .with_for_update()
    ).one()
    own = chart.merchant(of.merchant_id)
    sides = case((posting.c.credit == own, posting.c.cents), (posting.c.debit == own, -posting.c.cents), else_=0)
    taken = select(func.coalesce(func.sum(sides), 0)).where(
        posting.c.programme_id == programme_id, posting.c.serial == of.serial
    )
    given = select(func.coalesce(func.sum(dispute.c.cents), 0)).where(
        dispute.c.programme_id == programme_id,
        dispute.c.serial == of.serial,
        dispute.c.merchant_id == of.merchant_id,
        dispute.c.state == "guaranteed",
    )
    paid = int(session.execute(taken).scalar_one()) + int(session.execute(given).scalar_one())
    in_time = paper.expires_on >= clock.book_day(at)
    still_good = paper.state == "active" and paper.balance_cents >= of.cents and in_time
    if still_good or paid + of.cents > paper.face_cents:
        raise PaidOtherwise(serial=of.serial)


_LISTED: Final = (
    select(
        dispute.c.number,
        dispute.c.merchant_id,
        merchant.c.shop_name,
        dispute.c.till_id,
        till.c.label.label("till_label"),
        dispute.c.serial,
        dispute.c.cents,
        dispute.c.because.label("reason"),
        acceptance.c.chain,
        dispute.c.accepted_at.label("scanned_at"),
        dispute.c.opened_at,
        dispute.c.state,
        dispute.c.decided_by,
        dispute.c.decided_at,
        dispute.c.decision,
    )
    .join(merchant, merchant.c.id == dispute.c.merchant_id)
    .join(till, till.c.id == dispute.c.till_id)
    .join(
        acceptance,
        (acceptance.c.programme_id == dispute.c.programme_id) & (acceptance.c.dispute_number == dispute.c.number),
    )
)
