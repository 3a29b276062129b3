"""Statements by e-mail: to each merchant of a run its statement and its commission invoice, once.

Each letter is claimed, sent, then noted, one after another: one that fails does not stop the others, and what was
interrupted goes on with those that nobody claimed. A letter holds no more of an account than its last four signs.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any, Final, NamedTuple

from vouchers import archive, commissions, letterbox, run_papers, runs, statement_posts
from vouchers.archive import Document
from vouchers.clock import day_fr
from vouchers.commissions import INVOICES
from vouchers.config import Settings
from vouchers.db import Database, ReadSession
from vouchers.errors import MailNotSent, RunState
from vouchers.letterbox import Enclosure, Letter, Post
from vouchers.money import euros_fr
from vouchers.rules import Rules, rules
from vouchers.runs import Run
from vouchers.statement_posts import Addressee
from vouchers.workshop import Now, Progress

_AT_ONCE: Final = 20
"""Letters through one call to the mail server."""
_WITH_THE_BANK: Final = ("exported", "executed")
_FAILED_IN_A_ROW: Final = 5
"""So many letters that no server takes mean that it takes none."""
_TRIED_AGAIN: Final = 10_000
"""Failed letters in one go."""


class Sent(NamedTuple):
    """Letters that left now, and that did not."""

    left: int
    failed: int


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all letters of a run have in common."""

    house: Database
    programme: Rules
    run: Run
    actor: str
    address: str


def send_statements(
    house: Database,
    settings: Settings,
    *,
    programme_id: int,
    number: int,
    address: str,
    actor: str,
    now: Now,
    progress: Progress | None = None,
    most: int | None = None,
) -> Sent:
    """Send to every merchant that has an address and got no letter yet; those that failed before are tried again.

    `address`: where a merchant finds its papers itself ('' where that is nowhere). Refuses, in order: `NotFound`,
    `RunState` (not approved), `PapersNotReady`, `RunState` (its file is not with the bank), `MailNotSent` (no server,
    or five letters in a row that it does not take).
    """
    shared = _opened(house, programme_id=programme_id, number=number, address=address, actor=actor)
    asked: dict[str, Any] = {"programme_id": programme_id, "number": number}
    posts = house.read(statement_posts.posts_of, **asked)
    of, hear = posts.waiting + posts.failed, progress or (lambda _done, _of: None)
    sent, in_a_row, due = Sent(0, 0), 0, _due(house, asked)
    hear(0, of)
    while (most is None or sum(sent) < most) and (first := next(due, None)) is not None:
        limit = _AT_ONCE if most is None else min(_AT_ONCE, most - sum(sent))
        with letterbox.opened(settings, at=now()) as post:
            for to in chain([first], islice(due, limit - 1)):
                left = _send(shared, to, post, now=now)
                if left is not None:
                    sent = Sent(sent.left + left, sent.failed + (not left))
                    in_a_row = 0 if left else in_a_row + 1
                    hear(sum(sent), of)
                if left is False:
                    # A server that refused one letter may have hung up on the rest.
                    break
        if in_a_row >= _FAILED_IN_A_ROW:
            raise MailNotSent
    return sent


def _due(house: Database, asked: dict[str, Any]) -> Iterator[Addressee]:
    """Those to whom nothing was sent, then those whose letter failed before: an address that no server takes must not
    stand before the others each time.
    """
    failed = house.read(statement_posts.waiting, **asked, post="failed", after=0, limit=_TRIED_AGAIN)
    after = 0
    while some := house.read(statement_posts.waiting, **asked, post=None, after=after, limit=_AT_ONCE):
        yield from some
        after = some[-1].merchant_id
    yield from failed


def send_again(
    house: Database,
    settings: Settings,
    *,
    programme_id: int,
    number: int,
    merchant_id: int,
    address: str,
    actor: str,
    now: Now,
) -> None:
    """Send one merchant's letter, whether or not one left before.

    Refuses, in order: as `send_statements` but for the server, `NotInRun`, `MailNotSent` (it has no address, or the
    server does not take it), `StatementBeingSent`.
    """
    shared = _opened(house, programme_id=programme_id, number=number, address=address, actor=actor)
    asked: dict[str, Any] = {"programme_id": programme_id, "number": number, "merchant_id": merchant_id}
    to = house.read(statement_posts.addressee, **asked)
    if to.email is None:
        raise MailNotSent
    with letterbox.opened(settings, at=now()) as post:
        left = _send(shared, to, post, now=now)
    if not left:
        raise MailNotSent


def require_sendable(session: ReadSession, *, programme_id: int, number: int) -> None:
    """Refuses as `send_statements`, before any letter, but for the mail server."""
    _sendable(session, programme_id=programme_id, number=number)


def _sendable(session: ReadSession, *, programme_id: int, number: int) -> Run:
    commissions.require_papers(session, programme_id=programme_id, number=number)
    run = runs.find_run(session, programme_id=programme_id, number=number)
    if run.state not in _WITH_THE_BANK:
        # A letter says when the money comes: not before the bank was told to send it.
        raise RunState(number=number, state=run.state, wanted=", ".join(_WITH_THE_BANK))
    return run


def _opened(house: Database, *, programme_id: int, number: int, address: str, actor: str) -> _Shared:
    def read(session: ReadSession) -> _Shared:
        run = _sendable(session, programme_id=programme_id, number=number)
        programme = rules(session, programme_id=programme_id)
        return _Shared(house, programme, replace(run, settlements=()), actor, address)

    return house.read(read)


def _send(shared: _Shared, to: Addressee, post: Post, *, now: Now) -> bool | None:
    """Whether the letter left; None where somebody else has it."""
    house, at = shared.house, now()
    key: dict[str, Any] = {"programme_id": shared.run.programme_id, "number": shared.run.number}
    if not house.write(statement_posts.claim, **key, to=to, at=at):
        return None
    papers = house.read(run_papers.of_merchant, **key, merchant_id=to.merchant_id)
    files = [house.read(archive.file_of, programme_id=key["programme_id"], name=paper.name) for paper in papers]
    try:
        post(_letter(shared, to, papers, files))
    except MailNotSent:
        house.write(statement_posts.failed, **key, merchant_id=to.merchant_id, at=now())
        return False
    names = [paper.name for paper in papers]
    house.write(statement_posts.left, **key, merchant_id=to.merchant_id, papers=names, actor=shared.actor, at=now())
    return True


# ── What it says ─────────────────────────────────────────────────────────────────────────────────────────────────
def _letter(shared: _Shared, to: Addressee, papers: Iterable[Document], files: Iterable[bytes]) -> Letter:
    assert to.email is not None, "who has no address is not written to"
    run = shared.run
    return Letter(
        to_name=to.legal_name,
        to_email=to.email,
        subject=f"Votre relevé de chèques cadeaux, règlement n° {run.number}",
        text=_text(shared, to, list(papers)),
        enclosures=tuple(
            Enclosure(paper.file_name, "application/pdf", file)
            for paper, file in zip(papers, files, strict=True)
        ),
    )  # fmt: skip


def _text(shared: _Shared, to: Addressee, papers: list[Document]) -> str:
    run, programme = shared.run, shared.programme
    statement = next(paper for paper in papers if paper.kind == "statement")
    invoice = next((paper for paper in papers if paper.kind in INVOICES), None)
    number, told = statement.name, statement.content
    parts = [
        "Bonjour,",
        f"{to.shop_name} : {_paid(run, to)}",
        f"Sur votre relevé bancaire : référence {told['transfer']}, libellé « {told['label']} »."
        if to.state != "returned"
        else "",
        f"Période : du {day_fr(run.from_on)} au {day_fr(run.to_on)}.\n{_account(told, invoice)}",
        f"Ci-joint : {_enclosed(number, invoice)}.",
        f"Une erreur ? Écrivez à l’émetteur : {programme.issuer_name},"
        f" {', '.join(programme.issuer_address.splitlines())}, en indiquant le relevé n° {number}.",
    ]
    if shared.address:
        parts.append(f"Vos relevés et vos factures restent à votre disposition : {shared.address}")
    return "\n\n".join([*filter(None, parts), programme.issuer_name]) + "\n"


def _paid(run: Run, to: Addressee) -> str:
    assert run.execution_on is not None, "an approved run has its day"
    sum_, account = euros_fr(to.net_cents), f"votre compte qui finit par {to.iban[-4:]}"
    if to.state == "returned":
        return (
            f"votre banque a refusé le virement de {sum_} sur {account}. Cette somme vous reste due et vous sera payée"
            " au prochain règlement : vérifiez avec nous votre compte bancaire."
        )
    day = day_fr(run.execution_on)
    # The day is the one we asked for: on which the bank did it, its own statement says.
    if to.state == "paid":
        return f"le virement de {sum_} sur {account} a été exécuté par la banque (jour demandé : {day})."
    return f"le virement de {sum_} sur {account} est demandé à la banque pour le {day}."


def _account(told: dict[str, Any], invoice: Document | None) -> str:
    kept = told["commission_cents"] + told["vat_cents"]
    rows = [f"Chèques acceptés : {euros_fr(told['gross_cents'])}"]
    if told["brought_cents"]:
        rows.append(f"Virements retournés, payés de nouveau : {euros_fr(told['brought_cents'])}")
    cited = f" ({_kind(invoice)} n° {invoice.name})" if invoice is not None else ""
    rows.append(f"Commission et TVA : {euros_fr(-kept)}{cited}")
    return "\n".join([*rows, f"Virement : {euros_fr(told['net_cents'])}"])


def _enclosed(number: str, invoice: Document | None) -> str:
    statement = f"le relevé n° {number}, chèque par chèque"
    return statement if invoice is None else f"{statement}, et {_named(invoice)}"


def _named(invoice: Document) -> str:
    article = "la " if invoice.corrects is None else "l’"
    return f"{article}{_kind(invoice)} n° {invoice.name}"


def _kind(invoice: Document) -> str:
    return "facture de commission" if invoice.corrects is None else "avoir sur commission"
