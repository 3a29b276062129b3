"""The books as they are read: the trial balance, the journal row by row, every fact, the life of one voucher."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Row, Select, and_, func, select

from vouchers import chart, ledger
from vouchers.db import ReadSession
from vouchers.errors import NotFound
from vouchers.tables import batch, dispute, journal, merchant, posting, voucher, voucher_order

_ROWS_AT_ONCE: Final = 2_000

LABELS: Final = {
    "programme_opened": "Ouverture du dispositif",
    "merchant_enrolled": "Adhésion du commerçant {owner}",
    "merchant_suspended": "Suspension du commerçant {owner}",
    "merchant_restored": "Rétablissement du commerçant {owner}",
    "buyer_enrolled": "Inscription de l'acheteur {owner}",
    "buyer_rule_set": "Réglage des commandes de l'acheteur {owner}",
    "terms_set": "Réglage du dispositif",
    "application_received": "Candidature {owner} reçue",
    "application_accepted": "Candidature {owner} acceptée",
    "application_refused": "Candidature {owner} refusée",
    "profile_set": "Fiche du commerçant {owner}",
    "convention_signed": "Convention signée par le commerçant {owner}",
    "staff_invited": "Invitation de la personne {owner}",
    "staff_enrolled": "Inscription de la personne {owner}",
    "staff_suspended": "Suspension de la personne {owner}",
    "staff_restored": "Rétablissement de la personne {owner}",
    "account_asked": "Compte bancaire proposé, commerçant {owner}",
    "account_confirmed": "Compte bancaire confirmé, commerçant {owner}",
    "account_withdrawn": "Compte bancaire retiré, commerçant {owner}",
    "role_asked": "Rôle demandé pour la personne {owner}",
    "role_granted": "Rôle accordé à la personne {owner}",
    "role_revoked": "Rôle retiré à la personne {owner}",
    "till_paired": "Appairage de la caisse {owner}",
    "till_renamed": "Changement de nom de la caisse {owner}",
    "till_revoked": "Révocation de la caisse {owner}",
    "cashier_named": "Ajout de la personne en caisse {owner}",
    "cashier_removed": "Retrait de la personne en caisse {owner}",
    "shop_rule_set": "Réglage des caisses du commerçant {owner}",
    "order_placed": "Commande {owner} passée",
    "order_approved": "Commande {owner} approuvée",
    "order_accepted": "Commande {owner} acceptée sur bon de commande",
    "order_paid": "Encaissement sur la commande {owner}",
    "order_cancelled": "Annulation de la commande {owner}",
    "order_delivered": "Livraison de la commande {owner}",
    "issue_begun": "Début d'émission du lot {owner}",
    "issued": "Émission de chèques du lot {owner}",
    "printed": "Remise des planches du lot {owner}",
    "activated": "Activation : {thing} {owner}",
    "extended": "Report de la date de validité du lot {owner}",
    "redeemed": "Acceptation par le commerçant {owner}",
    "reversed": "Annulation de l'acceptation {owner}",
    "blocked": "Opposition sur le chèque {owner}",
    "unblocked": "Levée d'opposition sur le chèque {owner}",
    "cancelled": "Annulation du chèque {owner}",
    "replaced": "Remplacement du chèque {owner}",
    "expired": "Péremption de chèques",
    "offline_allowed": "Acceptation sans réseau permise",
    "offline_forbidden": "Acceptation sans réseau interdite",
    "disputed": "Litige {owner} sur un chèque accepté sans réseau",
    "guaranteed": "Garantie versée pour le litige {owner}",
    "dispute_dismissed": "Litige {owner} classé",
    "recipients_ordered": "Liste de bénéficiaires {owner} commandée",
    "recipients_assigned": "Chèques attribués aux bénéficiaires de la liste {owner}",
    "recipient_exported": "Données du bénéficiaire {owner} remises",
    "recipient_erased": "Données du bénéficiaire {owner} effacées",
    "recipients_purged": "Données de la liste de bénéficiaires {owner} effacées",
    "remittance_opened": "Remise par courrier {owner} ouverte",
    "remittance_closed": "Remise par courrier {owner} close",
    "settlement_held": "Retenue sur ce qui est dû au commerçant {owner}",
    "settlement_released": "Levée d'une retenue, commerçant {owner}",
    "watched": "Signalement examiné",
    "run_proposed": "Règlement {owner} proposé",
    "run_withdrawn": "Règlement {owner} retiré",
    "run_approved": "Règlement {owner} approuvé",
    "settled": "Règlement du commerçant, relevé {owner}",
    "run_exported": "Fichier bancaire du règlement {owner} remis",
    "run_executed": "Règlement {owner} exécuté par la banque",
    "transfer_returned": "Virement du règlement {owner} rejeté par la banque",
    "paper_settings_set": "Réglage des pièces et des comptes",
    "billing_set": "Facturation de l'acheteur {owner} réglée",
    "invoiced": "Facture établie : {thing} {owner}",
    "credited": "Avoir établi : {thing} {owner}",
    "document_made": "Pièce établie : {thing} {owner}",
    "statement_sent": "Relevé {owner} envoyé",
    "bank_statement_taken": "Relevé bancaire {owner} lu",
    "money_received": "Encaissement à affecter, ligne {owner} de la banque",
    "paid_back": "Remboursement : {thing} {owner}",
    "bank_fees_taken": "Frais bancaires, ligne {owner} de la banque",
    "bank_line_set_aside": "Ligne {owner} de la banque mise de côté",
    "bank_line_reopened": "Ligne {owner} de la banque rouverte",
}
"""The French sentence of each kind of fact; `owner` is what follows the colon of the subject: 17 of 'merchant:17'."""
_THINGS: Final = {
    "batch": "lot", "voucher": "chèque", "order": "commande", "settlement": "relevé", "run": "règlement",
    "programme": "dispositif", "buyer": "acheteur", "line": "ligne de la banque",
}  # fmt: skip


def label(kind: str, subject: str) -> str:
    """The French sentence of a fact, as printed in the books."""
    thing, _, owner = subject.partition(":")
    return LABELS[kind].format(owner=owner, thing=_THINGS.get(thing, thing))


# ── The trial balance ────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class AccountTotals:
    """One account: PCG number and name, all it was debited and credited, and on which side the difference stands."""

    account: str
    number: str
    name: str
    debit_cents: int
    credit_cents: int

    @property
    def debit_balance_cents(self) -> int:
        """What stands on the debit side; 0 when the credits are more."""
        return max(0, self.debit_cents - self.credit_cents)

    @property
    def credit_balance_cents(self) -> int:
        """What stands on the credit side; 0 when the debits are more."""
        return max(0, self.credit_cents - self.debit_cents)


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """Every account that was moved, by number; both totals are the same, by the form of a posting."""

    accounts: tuple[AccountTotals, ...]
    debit_cents: int
    credit_cents: int


def trial_balance(session: ReadSession, *, programme_id: int, upto_journal: int = ledger.MAX_JOURNAL) -> TrialBalance:
    """The balance of every account, now or as it was after a journal."""
    accounts = tuple(
        sorted(
            (
                AccountTotals(account, *chart.described(account), moved.debit_cents, moved.credit_cents)
                for account, moved in ledger.turnovers(
                    session, programme_id=programme_id, upto_journal=upto_journal
                ).items()
            ),
            key=lambda row: (row.number, _owner(row.account), row.account),
        )
    )
    return TrialBalance(accounts, sum(row.debit_cents for row in accounts), sum(row.credit_cents for row in accounts))


def _owner(account: str) -> int:
    return int(account.partition(":")[2] or 0)


# ── The journal ──────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class JournalRow:
    """One posting: `cents` > 0 from `credit` to `debit`, accounts as in the chart: 'merchant:17'.

    `on` is the Paris business day, `at` the aware instant, `line` the posting's place in its journal.
    """

    journal: int
    on: date
    at: datetime
    kind: str
    label: str
    line: int
    debit: str
    credit: str
    cents: int
    serial: int | None
    actor: str
    reason: str


def journal_rows(session: ReadSession, *, programme_id: int, from_on: date, to_on: date) -> Iterator[JournalRow]:
    """Every posting of the Paris days `from_on` to `to_on`, by day, then journal, then line, as it is read.

    Facts that moved no money have no row here; `facts` lists them. Read it to its end inside the transaction.
    """
    rows = session.execute(
        select(
            journal.c.id,
            journal.c.book_day,
            journal.c.at,
            journal.c.kind,
            journal.c.subject,
            posting.c.line,
            posting.c.debit,
            posting.c.credit,
            posting.c.cents,
            posting.c.serial,
            journal.c.actor,
            journal.c.reason,
        )
        .join(posting, and_(posting.c.programme_id == journal.c.programme_id, posting.c.journal_id == journal.c.id))
        .where(journal.c.programme_id == programme_id, journal.c.book_day.between(from_on, to_on))
        .order_by(journal.c.book_day, journal.c.id, posting.c.line),
        execution_options={"stream_results": True, "yield_per": _ROWS_AT_ONCE},
    )
    for number, on, at, kind, subject, line, debit, credit, cents, serial, actor, reason in rows:
        said = label(kind, subject)
        yield JournalRow(number, on, at, kind, said, line, debit, credit, cents, serial, actor, reason)


@dataclass(frozen=True, slots=True)
class Fact:
    """One business fact, whether or not money moved; `cents` of all its postings."""

    journal: int
    at: datetime
    kind: str
    label: str
    actor: str
    subject: str
    reason: str
    cents: int


def facts(
    session: ReadSession,
    *,
    programme_id: int,
    before: int | None,
    limit: int,
    kinds: Sequence[str] = (),
    subject: str | None = None,
) -> list[Fact]:
    """The trail of facts, newest first, `limit` at most; `before` is the last journal number already seen.

    `kinds` and `subject` ('voucher:12') narrow it; no kinds are all kinds.
    """
    found = _facts(programme_id=programme_id).order_by(journal.c.id.desc()).limit(limit)
    if before is not None:
        found = found.where(journal.c.id < before)
    if kinds:
        found = found.where(journal.c.kind.in_(list(kinds)))
    if subject is not None:
        found = found.where(journal.c.subject == subject)
    return [_fact(row) for row in session.execute(found)]


def _facts(*, programme_id: int) -> Select[Any]:
    moved = (
        select(func.coalesce(func.sum(posting.c.cents), 0))
        .where(posting.c.programme_id == journal.c.programme_id, posting.c.journal_id == journal.c.id)
        .scalar_subquery()
    )
    return select(
        journal.c.id,
        journal.c.at,
        journal.c.kind,
        journal.c.actor,
        journal.c.subject,
        journal.c.reason,
        moved.label("cents"),
    ).where(journal.c.programme_id == programme_id)


def _fact(row: Row[Any]) -> Fact:
    said = label(row.kind, row.subject)
    return Fact(row.id, row.at, row.kind, said, row.actor, row.subject, row.reason, int(row.cents))


# ── One voucher ──────────────────────────────────────────────────────────────────────────────────────────────────
OF_USE: Final = frozenset({"redeemed", "reversed", "disputed", "guaranteed", "dispute_dismissed"})
"""Facts that tell where or when a voucher was spent: never for a buyer."""
_REASONED: Final = OF_USE | {"blocked", "unblocked", "cancelled", "replaced", "extended"}


@dataclass(frozen=True, slots=True)
class Step:
    """One fact in a voucher's life. `cents`: what it put on the voucher, below zero what it took; 0 if nothing moved.

    `reason` as a person gave it; on `extended` the two days, on `disputed` the refusal's, else empty. `shop_name` on a
    redemption, its reversal and a dispute: for the chamber and the auditor.
    """

    journal: int
    at: datetime
    kind: str
    label: str
    actor: str
    reason: str
    cents: int
    shop_name: str | None


@dataclass(frozen=True, slots=True)
class Life:
    """A voucher as it stands and the facts about it, its batch and its disputes, oldest first.

    `replaces` and `replaced_by` are serials: the same money on other paper.
    """

    serial: int
    batch_number: int
    order_number: int
    face_cents: int
    balance_cents: int
    state: str
    expires_on: date
    replaces: int | None
    replaced_by: int | None
    steps: tuple[Step, ...]


def life_of(session: ReadSession, *, programme_id: int, serial: int, uses: bool = True) -> Life:
    """What ever happened to one voucher; without its `uses`, nothing of where or when it was spent or disputed.

    Refuses `NotFound`.
    """
    row = session.execute(
        select(voucher, batch.c.order_number, batch.c.first_serial, batch.c.begun_at)
        .join(batch, and_(batch.c.programme_id == voucher.c.programme_id, batch.c.number == voucher.c.batch_number))
        .where(voucher.c.programme_id == programme_id, voucher.c.serial == serial)
    ).first()
    if row is None:
        raise NotFound(what="voucher", id=serial)
    replaced_by = session.execute(
        select(voucher.c.serial).where(voucher.c.programme_id == programme_id, voucher.c.replaces_serial == serial)
    ).scalar()
    moved = _moved(session, programme_id=programme_id, serial=serial)
    shops = _disputed(session, programme_id=programme_id, serial=serial)
    own = [f"voucher:{serial}", f"batch:{row.batch_number}", *shops]
    named = select(journal.c.id).where(journal.c.programme_id == programme_id, journal.c.subject.in_(own))
    numbers = {*moved, *session.execute(named).scalars()}
    found = session.execute(
        _facts(programme_id=programme_id).where(journal.c.id.in_(sorted(numbers))).order_by(journal.c.id)
    ).all()
    steps = []
    for fact in found:
        if not uses and fact.kind in OF_USE:
            continue
        cents, shop_name = moved.get(fact.id, (0, shops.get(fact.subject)))
        if fact.id not in moved and fact.subject == own[1]:
            if not _reached(fact, serial=serial, replaces=row.replaces_serial is not None, born=min(moved, default=0)):
                continue
            cents = row.face_cents if fact.kind == "issued" else 0
        said = label(fact.kind, fact.subject)
        steps.append(Step(fact.id, fact.at, fact.kind, said, fact.actor, _reason(fact), cents, shop_name))
    return Life(
        serial=serial,
        batch_number=row.batch_number,
        order_number=row.order_number,
        face_cents=row.face_cents,
        balance_cents=row.balance_cents,
        state=row.state,
        expires_on=row.expires_on,
        replaces=row.replaces_serial,
        replaced_by=replaced_by,
        steps=tuple(steps),
    )


def buyers_of(session: ReadSession, *, programme_id: int, serials: Sequence[int]) -> dict[int, int]:
    """Buyer → how many of these vouchers it ordered, in one query; a serial that nobody issued counts nowhere."""
    rows = session.execute(
        select(voucher_order.c.buyer_id, func.count())
        .select_from(voucher)
        .join(batch, and_(batch.c.programme_id == voucher.c.programme_id, batch.c.number == voucher.c.batch_number))
        .join(
            voucher_order,
            and_(voucher_order.c.programme_id == batch.c.programme_id, voucher_order.c.number == batch.c.order_number),
        )
        .where(voucher.c.programme_id == programme_id, voucher.c.serial.in_(sorted(set(serials))))
        .group_by(voucher_order.c.buyer_id)
    )
    return {row[0]: row[1] for row in rows}


def _reason(fact: Row[Any]) -> str:
    """Why, for people: what the house notes for itself (the witness of an issue, a count) is left out."""
    if fact.kind == "disputed":
        return str(fact.reason.partition(" ")[0])
    return str(fact.reason) if fact.kind in _REASONED else ""


def _disputed(session: ReadSession, *, programme_id: int, serial: int) -> dict[str, str]:
    """Subject of each dispute about a voucher → the shop that brought it."""
    found = (
        select(dispute.c.number, merchant.c.shop_name)
        .join(merchant, and_(merchant.c.programme_id == dispute.c.programme_id, merchant.c.id == dispute.c.merchant_id))
        .where(dispute.c.programme_id == programme_id, dispute.c.serial == serial)
    )
    return {f"dispute:{number}": shop_name for number, shop_name in session.execute(found)}


def _reached(fact: Row[Any], *, serial: int, replaces: bool, born: int) -> bool:
    """Whether a fact about a batch is one about this voucher of it. A replacement is of its batch, but came later."""
    if replaces:
        return bool(fact.kind == "extended" and fact.id > born)
    if fact.kind != "issued":
        return True
    # The reason of an issue is its run of serials, '2001-4000': the fund of a chunk is one posting.
    first, _, last = fact.reason.partition(" ")[0].partition("-")
    return int(first) <= serial <= int(last)


def _moved(session: ReadSession, *, programme_id: int, serial: int) -> dict[int, tuple[int, str | None]]:
    """Journal → (cents put on the voucher, shop where it was used)."""
    rows = session.execute(
        select(posting.c.journal_id, posting.c.debit, posting.c.credit, posting.c.cents).where(
            posting.c.programme_id == programme_id, posting.c.serial == serial
        )
    ).all()
    others = {row.credit if row.debit == chart.FLOAT else row.debit for row in rows}
    shops = {
        chart.merchant(number): shop_name
        for number, shop_name in session.execute(
            select(merchant.c.id, merchant.c.shop_name).where(
                merchant.c.programme_id == programme_id,
                merchant.c.id.in_([_owner(account) for account in others if chart.kind_of(account) == "merchant"]),
            )
        )
    }
    return {
        row.journal_id: (-row.cents, shops.get(row.credit))
        if row.debit == chart.FLOAT
        else (row.cents, shops.get(row.debit))
        for row in rows
    }
