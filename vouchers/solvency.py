"""Whether the money is there: what the bank holds for the programme against what it owes. Reads only."""

from dataclasses import dataclass

from vouchers import chart, ledger
from vouchers.db import ReadSession
from vouchers.ledger import Turnover


@dataclass(frozen=True, slots=True)
class Solvency:
    """Whole cents, as the books say; the bank's own statement is compared elsewhere.

    `held`: on the bank account. Owed: `circulating`, what is on vouchers, being replaced ones included; `merchants`,
    accepted and not settled; `in_transit`, ordered from the bank and not executed; `to_issue`, paid by buyers and not
    on vouchers yet; `owed_back`, lapsed money for its buyers or the next campaign, what was paid too much,
    and what came in before anyone knew for what.
    `expected`: what buyers still have to pay, of orders whose vouchers may be out already.
    """

    held_cents: int
    circulating_cents: int
    merchants_cents: int
    in_transit_cents: int
    to_issue_cents: int
    owed_back_cents: int
    expected_cents: int

    @property
    def owed_cents(self) -> int:
        """All that is owed."""
        to_shops = self.merchants_cents + self.in_transit_cents
        return self.circulating_cents + to_shops + self.to_issue_cents + self.owed_back_cents

    @property
    def left_cents(self) -> int:
        """What would be left once all was paid; below zero, what is missing."""
        return self.held_cents - self.owed_cents

    @property
    def holds(self) -> bool:
        """Whether the bank holds all that is owed."""
        return self.left_cents >= 0


def solvency(session: ReadSession, *, programme_id: int) -> Solvency:
    """Of the newest journals. A merchant who owes (reversals after its settlement) lowers what merchants are owed."""
    moved = ledger.totals(session, programme_id=programme_id)

    def owed(account: str) -> int:
        debit, credit = moved.get(account, Turnover(0, 0))
        return credit - debit

    of_kind: dict[str, dict[str, int]] = {}
    for account in moved:
        of_kind.setdefault(chart.kind_of(account), {})[account.partition(":")[2]] = owed(account)
    due = {number: -cents for number, cents in of_kind.get("receivable", {}).items()}
    unissued = of_kind.get("ordered", {})
    return Solvency(
        held_cents=-owed(chart.BANK),
        circulating_cents=owed(chart.FLOAT) + owed(chart.SUSPENSE),
        merchants_cents=owed("merchant"),
        in_transit_cents=sum(of_kind.get("in_transit", {}).values()),
        # Of an order not issued, no more is owed than what its buyer paid of it.
        to_issue_cents=sum(
            max(0, cents - max(0, due.get(number, 0))) for number, cents in unissued.items() if cents > 0
        ),
        owed_back_cents=(
            sum(of_kind.get("lapsed", {}).values())
            + owed(chart.NEXT_CAMPAIGN)
            + owed(chart.UNALLOCATED)
            + sum(-cents for cents in due.values() if cents < 0)
        ),
        expected_cents=sum(cents for cents in due.values() if cents > 0),
    )
