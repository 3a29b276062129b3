"""Our books in a French bookkeeper's words: which journal a fact is written in, on which numbers, for whom.

The ledger takes a merchant's commission straight from what the merchant is owed. A bookkeeper invoices it first, on the
merchant's own customer account, and sets it off: that account ('client:17', which the ledger does not know) takes the
commission and gives it back the same day, so that it stands at zero. Nothing else differs, account by account.

Sources: plan comptable général (journals, auxiliary accounts), `research/france.md` §2.2 for each fact's entry.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from sqlalchemy import and_, func, select

from vouchers import chart
from vouchers.db import ReadSession
from vouchers.ledger import Move
from vouchers.paper_settings import account_numbers
from vouchers.tables import buyer, journal, merchant, posting, voucher_order

SALES, BANK, OTHER, OPENING = "VE", "BQ", "OD", "AN"
JOURNALS: Final = {SALES: "Ventes", BANK: "Banque", OTHER: "Opérations diverses", OPENING: "À-nouveaux"}
"""Code and name of each of the bookkeeper's journals."""
JOURNAL_OF: Final = {
    "order_approved": SALES, "order_cancelled": SALES, "cancelled": SALES,
    "order_paid": OTHER, "issued": OTHER, "redeemed": OTHER, "reversed": OTHER, "guaranteed": OTHER,
    "replaced": OTHER, "expired": OTHER, "settled": OTHER, "run_executed": OTHER, "transfer_returned": OTHER,
    "money_received": OTHER, "paid_back": OTHER, "bank_fees_taken": OTHER,
}  # fmt: skip
"""Where a fact is written that does not touch the bank: what does is always written in the bank's journal."""
COMMISSION, SET_OFF, VAT, FEE = "commission", "set_off", "vat", "fee"
"""What a part of a fact is, where a fact makes several entries; the others are called by their kind."""
PROFIT, LOSS = ("120000", "Résultat de l'exercice (bénéfice)"), ("129000", "Résultat de l'exercice (perte)")
_CLIENT: Final = "client"
_INCOME: Final = (chart.COMMISSION, chart.VAT)
_OF_FEE: Final = frozenset({chart.FEE, chart.VAT, chart.VAT_PENDING})
_PLAIN_NAMES: Final = {
    "receivable": "Clients",
    "merchant": "Commerçants, titres acceptés à rembourser",
    "in_transit": "Virements en cours",
    "lapsed": "Titres périmés à restituer aux acheteurs",
}
"""What an account with many owners is called as a whole, where the programme gave it no name of its own."""


def is_of_result(number: str) -> bool:
    """Whether an account is of expenses or income: such a one starts every year at zero."""
    return number[:1] in ("6", "7")


# ── What a fact is written as ────────────────────────────────────────────────────────────────────────────────────
class Part(NamedTuple):
    """One entry that a fact makes: the moves of it, in the bookkeeper's accounts."""

    journal: str
    what: str
    moves: list[Move]


def parts(kind: str, moves: Sequence[Move]) -> list[Part]:
    """The entries of one fact, always the same and in the same order, so that their numbers never change.

    Raises KeyError for a kind of fact that was never given a journal.
    """
    found: dict[tuple[str, str], Part] = {}
    for move in moves:
        for journal_code, what, made in _written(kind, move):
            found.setdefault((journal_code, what), Part(journal_code, what, [])).moves.append(made)
    return list(found.values())


def _written(kind: str, move: Move) -> Iterator[tuple[str, str, Move]]:
    usual = JOURNAL_OF[kind]
    by_client = through_client(move)
    if by_client is not None:
        yield SALES, COMMISSION, by_client[0]
        yield OTHER, SET_OFF, by_client[1]
    elif (move.debit, move.credit) == (chart.VAT_PENDING, chart.VAT):
        yield OTHER, VAT, move
    elif usual == SALES and _OF_FEE & {move.debit, move.credit}:
        # Invoiced apart from the face value: an entry of its own, with the invoice that is its piece.
        yield SALES, FEE, move
    else:
        yield BANK if chart.BANK in (move.debit, move.credit) else usual, kind, move


def through_client(move: Move) -> tuple[Move, Move] | None:
    """A commission, or the VAT on it: what is sold to the merchant, and its set-off. None for any other move."""
    debit, credit, cents, _ = move
    if chart.kind_of(debit) == "merchant" and credit in _INCOME:
        client = _client_of(debit)
        return Move(client, credit, cents), Move(debit, client, cents)
    if chart.kind_of(credit) == "merchant" and debit in _INCOME:
        client = _client_of(credit)
        return Move(debit, client, cents), Move(client, credit, cents)
    return None


def _client_of(merchant_account: str) -> str:
    return f"{_CLIENT}:{merchant_account.partition(':')[2]}"


# ── On which numbers, for whom ───────────────────────────────────────────────────────────────────────────────────
class Nominal(NamedTuple):
    """An account as the bookkeeper has it: number and name, and whose it is ('C0001' a buyer, 'M0012' a merchant)."""

    number: str
    name: str
    owner: str = ""
    owner_name: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """The chart of one programme as it sets it, with the names of whom it deals with."""

    numbers: Mapping[str, tuple[str, str]]
    buyer_of: Mapping[int, int]
    buyers: Mapping[int, str]
    merchants: Mapping[int, str]
    _known: dict[str, Nominal] = field(default_factory=dict)

    def of(self, account: str) -> Nominal:
        """The number of an account of the ledger, or of a 'client:17'. Raises KeyError for one there is not."""
        if account not in self._known:
            self._known[account] = self._number(account)
        return self._known[account]

    def _number(self, account: str) -> Nominal:
        word, _, owner = account.partition(":")
        number, name = self.numbers["receivable" if word == _CLIENT else word]
        match word:
            case "receivable":
                return Nominal(number, name, *self._buyer(self.buyer_of[int(owner)]))
            case "lapsed":
                return Nominal(number, name, *self._buyer(int(owner)))
            case "merchant" | "client":
                return Nominal(number, name, f"M{int(owner):04d}", self.merchants[int(owner)])
        return Nominal(number, name)

    def _buyer(self, buyer_id: int) -> tuple[str, str]:
        return f"C{buyer_id:04d}", self.buyers[buyer_id]


def plan(session: ReadSession, *, programme_id: int) -> Plan:
    """The chart in force. Accounts that were given one number have one name, the first."""
    named: dict[str, str] = {}
    numbers: dict[str, tuple[str, str]] = {}
    defaults = {word: said.name for word, said in (chart.WHOLE_ACCOUNTS | chart.OWNED_ACCOUNTS).items()}
    for word, (number, name) in account_numbers(session, programme_id=programme_id).items():
        plain = _PLAIN_NAMES.get(word, name) if name == defaults[word] else name
        numbers[word] = number, named.setdefault(number, plain)
    orders = select(voucher_order.c.number, voucher_order.c.buyer_id)
    buyers = select(buyer.c.id, buyer.c.name)
    merchants = select(merchant.c.id, merchant.c.legal_name)
    return Plan(
        numbers,
        *(
            {row[0]: row[1] for row in session.execute(asked.where(table.c.programme_id == programme_id))}
            for asked, table in ((orders, voucher_order), (buyers, buyer), (merchants, merchant))
        ),
    )


# ── What stands on them ──────────────────────────────────────────────────────────────────────────────────────────
class Sums(NamedTuple):
    """All that was debited to an account and credited to it, in cents."""

    debit_cents: int
    credit_cents: int

    @property
    def over_cents(self) -> int:
        """Debit less credit."""
        return self.debit_cents - self.credit_cents


def sums(session: ReadSession, *, programme_id: int, from_on: date, to_on: date) -> dict[Nominal, Sums]:
    """What the entries of these Paris days add up to, by number and owner, without an opening; by number, in order."""
    said = plan(session, programme_id=programme_id)
    pairs = session.execute(
        select(posting.c.debit, posting.c.credit, func.sum(posting.c.cents))
        .join(journal, and_(journal.c.programme_id == posting.c.programme_id, journal.c.id == posting.c.journal_id))
        .where(posting.c.programme_id == programme_id, journal.c.book_day.between(from_on, to_on))
        .group_by(posting.c.debit, posting.c.credit)
    )
    debited: dict[Nominal, int] = {}
    credited: dict[Nominal, int] = {}
    for debit, credit, cents in pairs:
        move = Move(debit, credit, int(cents))
        for made in through_client(move) or (move,):
            debited[said.of(made.debit)] = debited.get(said.of(made.debit), 0) + made.cents
            credited[said.of(made.credit)] = credited.get(said.of(made.credit), 0) + made.cents
    return {
        nominal: Sums(debited.get(nominal, 0), credited.get(nominal, 0))
        for nominal in sorted(debited.keys() | credited.keys())
    }


def opening(session: ReadSession, *, programme_id: int, on: date) -> dict[Nominal, int]:
    """What stands on each account before the year that begins `on`, debit above zero; nothing where it is zero.

    Classes 6 and 7 are brought forward as the result of the years before, on 120000 or 129000.
    """
    before = sums(session, programme_id=programme_id, from_on=date.min, to_on=date.fromordinal(on.toordinal() - 1))
    result = sum(moved.over_cents for nominal, moved in before.items() if is_of_result(nominal.number))
    found = {nominal: moved.over_cents for nominal, moved in before.items() if not is_of_result(nominal.number)}
    if result:
        brought = Nominal(*(LOSS if result > 0 else PROFIT))
        found[brought] = found.get(brought, 0) + result
    return {nominal: found[nominal] for nominal in sorted(found) if found[nominal]}
