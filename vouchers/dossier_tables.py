"""What a closing dossier says: the figures of `dossier.py` put into the paper's tables, for neither knows the other."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from vouchers import archive, bookkeeping, books, clock, dossier, identity, order_book, outcomes
from vouchers.archive import Document, Number
from vouchers.bookkeeping import Nominal, Sums
from vouchers.books import AccountTotals
from vouchers.db import ReadSession
from vouchers.dossier import OrderAccount, Receipt, RunAccount
from vouchers.errors import NothingToClose
from vouchers.fact_words import label
from vouchers.money import count_fr, euros_fr, whole_percent
from vouchers.paper.closing_dossier import Column, Detail, Dossier, Figure, Section
from vouchers.paper.spreadsheet import Cell, Euros
from vouchers.rules import Rules, rules
from vouchers.seal import Seal

_ALL: Final = "Total"
_TOLD_WHY: Final = frozenset({
    "order_cancelled", "reversed", "blocked", "unblocked", "cancelled", "replaced", "guaranteed", "dispute_dismissed",
    "run_withdrawn", "transfer_returned",
})  # fmt: skip
"""Facts whose reason is a person's or a bank's word; that of the others is the house's own note."""
_PAID_BY: Final = {"statement": "net_cents", "bank_file": "cents"}
"""Papers that say what is paid, and under which word of theirs."""
_ABOUT: Final = {"receivable": "Commande", "ordered": "Commande", "in_transit": "Règlement"}
"""What an account of which there is one for each is about, where that is nobody."""
_UNSPENT: Final = {
    "breakage": "Règle du dispositif : l’argent des chèques périmés reste acquis à l’émetteur.",
    "buyer": "Règle du dispositif : l’argent des chèques périmés est rendu à l’acheteur.",
    "next_campaign": "Règle du dispositif : l’argent des chèques périmés est reporté sur la prochaine campagne.",
}


@dataclass(frozen=True, slots=True)
class Wording:
    """What a dossier says that may be worded otherwise later: accounts as they were numbered and named, and the
    purchase order of each order, which can still come when it is accepted.
    """

    accounts: dict[str, tuple[str, str]]
    purchase_orders: dict[int, str | None]


def dossier_of(
    session: ReadSession,
    *,
    programme_id: int,
    order_number: int | None,
    covered: Seal,
    number: Number,
    wording: Wording,
) -> Dossier:
    """What a dossier says, as far as the seal covers. Refuses `NotFound`, `NothingToClose`."""
    programme, upto = rules(session, programme_id=programme_id), covered.to_journal
    accounts = dossier.accounts(session, programme_id=programme_id, upto_journal=upto, order_number=order_number)
    if not accounts:
        raise NothingToClose
    accounts = [replace(one, purchase_order=wording.purchase_orders[one.number]) for one in accounts]
    numbers = [one.number for one in accounts]
    received = dossier.receipts(
        session, programme_id=programme_id, upto_journal=upto, at=covered.at, order_numbers=numbers
    )
    sections = [_orders(accounts), _receipts(received)]
    if order_number is None:
        sections += [_runs(session, programme_id, upto), _balance(session, programme_id, upto, wording)]
    sections += [
        _exceptions(session, programme_id, upto, order_number),
        _papers(session, programme_id, covered, accounts, whole=order_number is None),
        _vouchers(session, programme_id, upto, numbers),
    ]
    about = [f"{programme.name}, du {clock.day_fr(programme.starts_on)} au {clock.day_fr(programme.expires_on)}"]
    if order_number is not None:
        about.append(f"Commande n° {order_number}, {accounts[0].buyer_name}")
    issued = sum(one.issued_cents for one in accounts)
    return Dossier(
        number=number.name,
        issuer=programme.issuer_name,
        issuer_lines=(*programme.issuer_address.splitlines(), *_siret(programme)),
        about=tuple(about),
        as_of=covered.at,
        issued_on=number.on,
        witness=f"Journal lu jusqu’à l’écriture {upto}, couverte par le sceau n° {covered.number}"
        f" ({covered.hash.hex()[:16]}…).",
        issued_cents=issued,
        parts_cents=_parts(accounts),
        figures=_figures(accounts, programme, whole=order_number is None),
        unspent=_unspent(session, programme, upto, accounts, whole=order_number is None),
        sections=tuple(sections),
    )


def _parts(accounts: list[OrderAccount]) -> tuple[int, ...]:
    return tuple(
        sum(getattr(one, f"{part}_cents") for one in accounts)
        for part in ("spent", "lapsed", "cancelled", "circulating")
    )


def _siret(programme: Rules) -> tuple[str, ...]:
    siret = programme.issuer_siret
    return (f"SIRET {identity.siret_fr(siret)}",) if siret else ()


def _figures(accounts: list[OrderAccount], programme: Rules, *, whole: bool) -> tuple[Figure, ...]:
    issued, (spent, lapsed, cancelled, circulating) = sum(one.issued_cents for one in accounts), _parts(accounts)
    figures = [
        Figure("Commandé, annulations comprises", sum(one.ordered_cents for one in accounts)),
        Figure("Chèques émis", issued, strong=True),
        Figure("dont dépensés dans les commerces", spent),
        Figure("dont périmés", lapsed),
        Figure("dont annulés et rendus à la commande", cancelled),
        Figure("dont encore en circulation", circulating),
        Figure("Nombre de chèques émis", words=count_fr(sum(one.vouchers for one in accounts))),
        Figure("Encaissé des acheteurs", sum(one.paid_cents for one in accounts)),
        Figure("Remboursé aux acheteurs sur leurs commandes", sum(one.paid_back_cents for one in accounts)),
        Figure("Restant dû par les acheteurs", sum(max(0, one.owed_cents) for one in accounts)),
        Figure("Restant à rendre aux acheteurs", -sum(min(0, one.owed_cents) for one in accounts)),
    ]
    if whole:
        reached = whole_percent(spent, of_cents=programme.target_cents)
        figures += [
            Figure("Objectif du dispositif", programme.target_cents),
            Figure("Part de l’objectif atteinte", words=f"{reached} %", strong=True),
        ]
    return tuple(figures)


def _unspent(
    session: ReadSession, programme: Rules, upto: int, accounts: list[OrderAccount], *, whole: bool
) -> tuple[str, ...]:
    rule = _UNSPENT[programme.lapse_to]
    if not whole:
        (_, lapsed, cancelled, left) = _parts(accounts)
        return (
            rule,
            f"Périmé sur cette commande : {euros_fr(lapsed)} ; annulé et rendu à la commande : {euros_fr(cancelled)} ;"
            f" encore en circulation : {euros_fr(left)}.",
        )
    gone = dossier.unspent(session, programme_id=programme.programme_id, upto_journal=upto)
    return (
        rule,
        f"Acquis à l’émetteur : {euros_fr(gone.breakage_cents)} ; reporté : {euros_fr(gone.next_campaign_cents)} ;"
        f" à rendre aux acheteurs : {euros_fr(gone.owed_to_buyers_cents)} ; déjà rendu :"
        f" {euros_fr(gone.given_back_cents)}.",
    )


def _orders(accounts: list[OrderAccount]) -> Section:
    def cells(one: OrderAccount) -> list[Cell]:
        return [
            str(one.number), one.buyer_name, one.purchase_order, one.vouchers, Euros(one.issued_cents),
            Euros(one.spent_cents), Euros(one.lapsed_cents), Euros(one.cancelled_cents), Euros(one.circulating_cents),
            Euros(one.owed_cents),
        ]  # fmt: skip

    sums = [sum(getattr(one, f"{name}_cents") for one in accounts)
            for name in ("issued", "spent", "lapsed", "cancelled", "circulating", "owed")]  # fmt: skip
    return Section(
        title="Commandes",
        note="Émis = dépensé + périmé + annulé + en circulation. Dû : restant à payer par l’acheteur ; négatif, à lui"
        " rendre.",
        file_name="commandes.csv",
        columns=(
            Column("N°", 3), Column("Acheteur", 23), Column("Bon de cde", 10), Column("Chèques", 7),
            Column("Émis (€)", 9), Column("Dépensé (€)", 9), Column("Périmé (€)", 8), Column("Annulé (€)", 8),
            Column("En circ. (€)", 9), Column("Dû (€)", 8),
        ),
        rows=[cells(one) for one in accounts],
        total=[None, _ALL, None, sum(one.vouchers for one in accounts), *map(Euros, sums)],
    )  # fmt: skip


def _receipts(received: list[Receipt]) -> Section:
    return Section(
        title="Encaissements et remboursements",
        note="Par commande et par mandat, où le virement du comptable public le nomme. Négatif : rendu à l’acheteur.",
        file_name="encaissements.csv",
        columns=(
            Column("Écriture", 8), Column("Date", 10), Column("Commande", 10), Column("Mandat", 14),
            Column("Virement", 44), Column("Montant (€)", 14),
        ),
        rows=[
            [str(one.journal_id), one.on, str(one.order_number), one.mandate, _transfer(one), Euros(one.cents)]
            for one in received
        ],
        total=[_ALL, None, None, None, None, Euros(sum(one.cents for one in received))],
    )  # fmt: skip


def _transfer(one: Receipt) -> str:
    """The bank's day as the French write it, then its own name for the transfer."""
    day, _, name = one.reference.partition(" ")
    try:
        return f"{date.fromisoformat(day):%d/%m/%Y} {name}".rstrip()
    except ValueError:
        return one.reference


def _runs(session: ReadSession, programme_id: int, upto: int) -> Section:
    found = dossier.runs(session, programme_id=programme_id, upto_journal=upto)
    files = archive.about(
        session, programme_id=programme_id, subjects=[f"run:{one.number}" for one in found], kinds=("bank_file",)
    )
    file_of = {one.subject: one.name for one in files if one.journal_id <= upto}

    def cells(one: RunAccount) -> list[Cell]:
        return [
            str(one.number), one.from_on, one.to_on, one.execution_on, one.executed_on or "pas encore", one.merchants,
            Euros(one.commission_cents), Euros(one.vat_cents), Euros(one.net_cents), Euros(one.returned_cents),
            file_of.get(f"run:{one.number}"),
        ]  # fmt: skip

    return Section(
        title="Règlements aux commerçants et fichiers bancaires",
        note="Exécuté le : jour où l’exécution par la banque a été notée ; avant, rien ne dit que l’argent est parti."
        " Chaque fichier remis à la banque est dans la liste des pièces, avec son empreinte SHA-256.",
        file_name="reglements.csv",
        columns=(
            Column("N°", 14), Column("Du", 44), Column("Au", 44), Column("Exécution demandée le", 80),
            Column("Exécuté le", 44), Column("Commerces", 43), Column("Comm. (€)", 44), Column("TVA (€)", 42),
            Column("Net (€)", 50), Column("Rejeté (€)", 46), Column("Fichier", 51),
        ),
        rows=[cells(one) for one in found],
        total=[
            None, _ALL, None, None, None, None, Euros(sum(one.commission_cents for one in found)),
            Euros(sum(one.vat_cents for one in found)), Euros(sum(one.net_cents for one in found)),
            Euros(sum(one.returned_cents for one in found)), None,
        ],
    )  # fmt: skip


def _balance(session: ReadSession, programme_id: int, upto: int, wording: Wording) -> Section:
    """One line for each number; its file has one for each account of the ledger, with its owner as the FEC names it."""
    found = books.trial_balance(session, programme_id=programme_id, upto_journal=upto, numbers=wording.accounts)
    plan = replace(bookkeeping.plan(session, programme_id=programme_id), numbers=wording.accounts)
    detail: list[list[Cell]] = []
    names: dict[str, str] = {}
    sums: dict[str, Sums] = {}
    for one in found.accounts:
        nominal, own = plan.of(one.account), Sums(one.debit_cents, one.credit_cents)
        had = sums.get(nominal.number, Sums(0, 0))
        sums[nominal.number] = Sums(had.debit_cents + own.debit_cents, had.credit_cents + own.credit_cents)
        names.setdefault(nominal.number, nominal.name)
        detail.append([nominal.number, nominal.name, _owner(nominal), _about(one), *_sides(own)])
    over = [one.over_cents for one in sums.values()]
    passing = dossier.through_clients(session, programme_id=programme_id, upto_journal=upto)
    head, figures = ("Compte", "Intitulé"), ("Débit (€)", "Crédit (€)", "Débiteur (€)", "Créditeur (€)")
    return Section(
        title="Balance des comptes",
        note="Le total des débits est celui des crédits. Une ligne par compte ; le détail par titulaire est dans le"
        " fichier balance.csv.",
        file_name="balance.csv",
        columns=(*map(Column, head, (9, 43)), *(Column(name, 12) for name in figures)),
        rows=[[number, names[number], *_sides(sums[number])] for number in sorted(sums)],
        total=[
            _ALL, None, Euros(found.debit_cents), Euros(found.credit_cents), Euros(sum(max(0, own) for own in over)),
            Euros(-sum(min(0, own) for own in over)),
        ],
        under=_passing(passing, number=wording.accounts["receivable"][0]) if passing else "",
        detail=Detail((*head, "Titulaire", "Commande ou règlement", *figures), detail),
    )  # fmt: skip


def _passing(cents: int, *, number: str) -> str:
    return (
        f"Le FEC des mêmes écritures, hors à-nouveaux, totalise {euros_fr(cents)} de plus au débit comme au crédit :"
        f" la commission et sa TVA y passent par le compte client de chaque commerçant ({number}), soldé le même jour ;"
        " le journal d’où vient cette balance les prend directement sur ce qui lui est dû."
    )


def _sides(own: Sums) -> list[Cell]:
    over = own.over_cents
    return [Euros(own.debit_cents), Euros(own.credit_cents), Euros(max(0, over)), Euros(max(0, -over))]


def _owner(nominal: Nominal) -> str | None:
    return f"{nominal.owner} {nominal.owner_name}" if nominal.owner else None


def _about(one: AccountTotals) -> str | None:
    word, _, number = one.account.partition(":")
    return f"{_ABOUT[word]} {number}" if word in _ABOUT else None


def _exceptions(session: ReadSession, programme_id: int, upto: int, order_number: int | None) -> Section:
    rows: list[list[Cell]] = [
        [str(number), on, label(kind, subject, programme_id=programme_id), _why(kind, reason), Euros(cents)]
        for number, on, kind, subject, reason, cents in dossier.exceptions(
            session, programme_id=programme_id, upto_journal=upto, order_number=order_number
        )
    ]
    return Section(
        title="Liste des exceptions",
        note="Tout ce qui n’est pas le cours ordinaire d’un chèque : annulations, oppositions, remplacements, litiges,"
        " retenues, rejets, avoirs.",
        file_name="exceptions.csv",
        columns=(
            Column("Écriture", 8), Column("Date", 10), Column("Fait", 33), Column("Motif", 38),
            Column("Montant (€)", 11),
        ),
        rows=rows,
    )  # fmt: skip


def _why(kind: str, reason: str) -> str | None:
    if kind == "credited":
        return reason.partition(" ")[0]
    if kind == "extended":
        return " → ".join(reason.split())
    return reason if kind in _TOLD_WHY else None


def _papers(
    session: ReadSession, programme_id: int, covered: Seal, accounts: list[OrderAccount], *, whole: bool
) -> Section:
    subjects = [order_book.subject(one.number) for one in accounts]
    found = archive.upto(
        session, programme_id=programme_id, journal_id=covered.to_journal, subjects=None if whole else subjects
    )
    return Section(
        title="Pièces établies",
        note="Factures, avoirs, relevés et fichiers, avec l’empreinte sous laquelle le journal les connaît.",
        file_name="pieces.csv",
        columns=(
            Column("Pièce", 14), Column("Nature", 19), Column("Date", 9), Column("Montant (€)", 11),
            Column("SHA-256", 50),
        ),
        rows=[
            [one.name, archive.KINDS_FR[one.kind], one.issued_on, _cents_of(one), one.sha256] for one in found
        ],
    )  # fmt: skip


def _cents_of(paper: Document) -> Euros | None:
    """What it asks for; of a statement or a bank file, what it pays; none of a paper without a sum."""
    if paper.kind in _PAID_BY:
        return Euros(paper.content[_PAID_BY[paper.kind]])
    return Euros(paper.cents) if paper.kind != "dossier" else None


def _vouchers(session: ReadSession, programme_id: int, upto: int, order_numbers: list[int]) -> Section:
    def rows() -> Iterator[list[Cell]]:
        for one in outcomes.by_voucher(
            session, programme_id=programme_id, upto_journal=upto, order_numbers=order_numbers
        ):
            gone = one.gone
            yield [
                str(one.serial), str(one.order_number), Euros(one.face_cents), Euros(gone.spent), Euros(gone.lapsed),
                Euros(gone.cancelled), Euros(gone.passed_on), Euros(one.left_cents),
                None if one.replaces is None else str(one.replaces),
            ]  # fmt: skip

    return Section(
        title="Chèques, un par un",
        note="Par numéro. Remplacé : passé sur le chèque qui le remplace. Aucun nom, aucun commerce.",
        file_name="cheques.csv",
        columns=(
            Column("Numéro", 12), Column("Commande", 10), Column("Valeur (€)", 11), Column("Dépensé (€)", 11),
            Column("Périmé (€)", 11), Column("Annulé (€)", 11), Column("Remplacé (€)", 11),
            Column("Restant (€)", 11), Column("Remplace le", 12),
        ),
        rows=list(rows()),
    )  # fmt: skip
