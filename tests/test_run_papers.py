"""Statements and commission invoices of a run: each made once, without a gap, whoever stops or races; sent once."""

import email
import email.policy
import hashlib
import io
import os
import signal
import subprocess
import sys
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import facturx
import pytest
from lxml import etree
from sqlalchemy import select

from tests.given_papers import a_profile, able_to_invoice
from tests.makers import NOON, a_staff_member
from tests.paper.rules_of_invoices import broken
from tests.paper.test_statement import read
from tests.picky_mail import a_picky_server
from tests.test_accounting import entries_of
from tests.test_verify import a_hand_in_the_database, faults_after
from tests.town import TREASURER, Town, a_town
from vouchers import archive, commissions, letterbox, pay, run_papers, runs, statement_post, statement_posts, workshop
from vouchers.archive import Document
from vouchers.bank_messages import why_fr
from vouchers.config import Settings
from vouchers.db import Database
from vouchers.errors import (
    IssuerDetailsMissing,
    MailNotSent,
    NotFound,
    NotInRun,
    PapersNotReady,
    RunState,
    StatementBeingSent,
)
from vouchers.paper.pdf_a_audit import audit
from vouchers.paper_witnesses import COMMISSIONS
from vouchers.papers_due import run_to_send, runs_without_papers
from vouchers.runs import Run
from vouchers.tables import journal

TODAY = date(2026, 11, 20)
LATER = NOON + timedelta(days=1)


def a_paying_town(house: Database, *, shops: int = 2, **rules: Any) -> Town:
    town = a_town(house, shops=shops, vouchers=max(10, shops), **rules)
    able_to_invoice(town)
    return town


def approved(town: Town, to_on: date = TODAY, *, at: Any = NOON) -> Run:
    return town.approve(town.propose(to_on, at=at), at=at)


def make(town: Town, number: int = 1, *, at: Any = NOON, **how: Any) -> commissions.Papers:
    return run_papers.make_papers(
        town.house, programme_id=town.programme_id, number=number, actor=TREASURER, now=lambda: at, **how
    )


def papers(town: Town, number: int, shop: int) -> list[Document]:
    return town.house.read(
        run_papers.of_merchant, programme_id=town.programme_id, number=number, merchant_id=town.merchants[shop]
    )


def file_of(town: Town, paper: Document) -> bytes:
    return town.house.read(archive.file_of, programme_id=town.programme_id, name=paper.name)


def invoices(town: Town) -> list[str]:
    found = town.house.read(archive.listed, programme_id=town.programme_id, kinds=commissions.INVOICES, limit=500)
    return [paper.name for paper in reversed(found)]


# ── What they say ────────────────────────────────────────────────────────────────────────────────────────────────
def test_each_merchant_has_a_statement_that_cites_its_commission_invoice(house: Database) -> None:
    town = a_paying_town(house)
    town.spend(1, 2, 3, shop=0)
    town.undo(town.spend(4, shop=0))
    town.spend(5, shop=1)
    run = approved(town)
    assert make(town) == commissions.Papers(payees=2, made=2, invoices=2, vague=2)
    p = town.programme_id
    invoice, statement = papers(town, 1, 0)
    assert (invoice.name, invoice.kind) == (f"C{p}-2026-00001", "commission")
    assert (invoice.fee_cents, invoice.vat_cents, invoice.cents) == (150, 30, 180)
    assert (statement.name, statement.kind) == (f"R{p}-1-{town.merchants[0]}", "statement")
    line = run.to_pay[0]
    (page,) = read(file_of(town, statement))
    for said in (
        f"facture n° {invoice.name}",
        "Total des opérations 30,00 €",
        "Net à vous virer 28,20 €",
        f"n° {statement.name}",
        line.end_to_end_id,
    ):
        assert said in page
    (sheet,) = read(file_of(town, invoice))
    for said in (invoice.name, "Commission de 5 % sur 30,00 €", "Total TTC 1,80 €", "Compensé sur le règlement n° 1"):
        assert said in sheet
    for paper in (invoice, statement):
        assert audit(file_of(town, paper)) == []
        assert hashlib.sha256(file_of(town, paper)).hexdigest() == paper.sha256
    assert statement.content["lines"] == 5 and statement.content["invoice"] == invoice.name
    town.books_hold()


def test_the_label_of_the_transfer_leads_back_to_the_statement(house: Database) -> None:
    town = a_paying_town(house)
    town.spend(1, shop=0)
    town.spend(2, shop=1)
    run = approved(town)
    make(town)
    file = etree.fromstring(workshop.bank_file(run))
    for shop, transfer in enumerate(file.findall(".//{*}CdtTrfTxInf")):
        label, reference = transfer.findtext(".//{*}Ustrd"), transfer.findtext(".//{*}EndToEndId")
        statement = papers(town, 1, shop)[-1]
        assert (statement.content["label"], statement.content["transfer"]) == (label, reference)
        assert label is not None and label.rpartition(" ")[2] == statement.name
        (page,) = read(file_of(town, statement))
        assert f"Relevé de remboursement\nn° {statement.name}" in page
        assert f"référence {reference}, libellé « {label} »" in page.replace("\n", " ")


def test_a_commission_given_back_is_credited_on_the_invoice_that_took_it(house: Database) -> None:
    town = a_paying_town(house)
    sale = town.spend(1, 2, 3, shop=0)
    first = approved(town)
    make(town)
    town.execute(town.export(first, at=NOON), at=NOON)
    town.undo(sale, at=LATER)
    # What the bank gave back makes the next net payable, although more was undone than accepted.
    town.returned(first, 0, at=LATER)
    town.spend(4, shop=0, at=LATER)
    second = approved(town, TODAY + timedelta(days=1), at=LATER)
    assert second.to_pay[0].commission_cents == -100
    make(town, 2, at=LATER)
    credit, statement = papers(town, 2, 0)
    assert (credit.kind, credit.corrects) == ("commission_credit", f"C{town.programme_id}-2026-00001")
    assert (credit.fee_cents, credit.vat_cents) == (-100, -20)
    (sheet,) = read(file_of(town, credit))
    assert "AVOIR" in sheet and "Total TTC 1,20 €" in sheet and "Ajouté au règlement n° 2" in sheet
    assert statement.content["invoice"] == credit.name == f"A{town.programme_id}-2026-00001"
    for paper in (*papers(town, 1, 0)[:1], credit):
        _name, xml = facturx.get_xml_from_pdf(file_of(town, paper))
        assert broken(xml, level="en16931") == []
    (page,) = read(file_of(town, statement))
    assert f"avoir à part, n° {credit.name}" in page.replace("\n", " ")
    cited = {entry.lines[0].label: entry.piece for entry in entries_of(house, town.programme_id)}
    assert cited[f"Commission du relevé {statement.name}"] == credit.name
    town.books_hold()


def test_no_more_is_credited_on_an_invoice_than_it_asked_for(house: Database) -> None:
    town = a_paying_town(house)
    sale = town.spend(1, 2, 3, shop=0)
    first = approved(town)
    make(town)
    town.execute(town.export(first, at=NOON), at=NOON)
    town.spend(4, shop=0, at=LATER)
    second = approved(town, TODAY + timedelta(days=1), at=LATER)
    make(town, 2, at=LATER)
    town.execute(town.export(second, at=LATER), at=LATER)
    town.returned(first, 0, at=LATER)
    town.undo(sale, 1, 2, at=LATER)
    after = LATER + timedelta(days=1)
    approved(town, TODAY + timedelta(days=2), at=after)
    make(town, 3, at=after)
    (credit, _statement), p = papers(town, 3, 0), town.programme_id
    assert [one.fee_cents for shop in (1, 2) for one in papers(town, shop, 0)[:1]] == [150, 50]
    assert (credit.fee_cents, credit.corrects) == (-100, f"C{p}-2026-00001"), "the newest asked for 50 alone"
    town.books_hold()


SEEDS = {
    "the commission papers of a settlement say what it kept": (
        "UPDATE document SET fee_cents = fee_cents + 1 WHERE kind = 'commission'"
    ),
    "a statement of a settlement that asked for VAT has its invoice, and was paid": (
        "DELETE FROM document WHERE kind = 'commission'"
    ),
}


def test_every_invariant_of_the_commission_bites_on_a_row_that_breaks_it(house: Database) -> None:
    town = a_paying_town(house)
    town.spend(1, 2, 3, shop=0)
    approved(town)
    make(town)
    assert {each.says for each in COMMISSIONS} == SEEDS.keys()
    with a_hand_in_the_database(house) as session:
        assert faults_after(session) == []
        for says, statement in SEEDS.items():
            assert says in {fault.says for fault in faults_after(session, statement)}, says


def test_a_returned_transfer_changes_no_paper_and_its_second_payment_bears_no_commission(house: Database) -> None:
    town = a_paying_town(house)
    town.spend(1, shop=0)
    first = approved(town)
    make(town)
    before = [file_of(town, paper) for paper in papers(town, 1, 0)]
    town.returned(town.export(first, at=NOON), 0, at=LATER)
    make(town)
    assert [file_of(town, paper) for paper in papers(town, 1, 0)] == before
    approved(town, TODAY + timedelta(days=1), at=LATER)
    made = make(town, 2, at=LATER)
    assert (made.made, made.invoices) == (1, 0)
    (statement,) = papers(town, 2, 0)
    assert "facturée à part" not in read(file_of(town, statement))[0]
    assert invoices(town) == [f"C{town.programme_id}-2026-00001"]
    with pytest.raises(NotFound):
        house.read(run_papers.invoice_of, programme_id=town.programme_id, number=2, merchant_id=town.merchants[0])


@pytest.mark.parametrize(
    ("noted", "printed"),
    [
        (f"AC04 {why_fr('AC04')}", "compte clôturé"),
        (f"ZZ99 {why_fr('ZZ99')} (pain.002 {'5f' * 32})", "motif ZZ99"),
        (f"Refus client {why_fr('Refus client')}", "motif Refus client"),
        ("IBAN fermé : vu avec Paul", "IBAN fermé : vu avec Paul"),
    ],
)
def test_a_merchant_reads_which_transfer_came_back_and_why_but_not_what_the_treasurer_has_to_do(
    house: Database, noted: str, printed: str
) -> None:
    town = a_paying_town(house)
    town.spend(1, shop=0)
    first = town.export(approved(town), at=NOON)
    make(town)
    doing: dict[str, Any] = {"programme_id": town.programme_id, "number": 1, "actor": TREASURER, "at": LATER}
    house.write(pay.returned, **doing, merchant_id=first.to_pay[0].merchant_id, reason=noted)
    approved(town, TODAY + timedelta(days=1), at=LATER)
    make(town, 2, at=LATER)
    (page,) = read(file_of(town, papers(town, 2, 0)[-1]))
    sent = papers(town, 1, 0)[-1].name
    assert f"Virement du relevé {sent} retourné : {printed} 9,40\n" in page


def test_papers_wait_for_the_approval_the_issuers_details_and_the_run_before(house: Database) -> None:
    town = a_town(house)
    town.spend(1, shop=0)
    proposed = town.propose(TODAY, at=NOON)
    with pytest.raises(RunState):
        make(town)
    town.approve(proposed, at=NOON)
    with pytest.raises(IssuerDetailsMissing):
        make(town)
    with pytest.raises(PapersNotReady):
        papers(town, 1, 0)
    with pytest.raises(NotInRun):
        papers(town, 1, 1)
    with pytest.raises(PapersNotReady):
        run_papers.all_papers(house, programme_id=town.programme_id, number=1)
    able_to_invoice(town)
    town.spend(2, shop=0, at=LATER)
    approved(town, TODAY + timedelta(days=1), at=LATER)
    assert house.read(runs_without_papers, programme_id=town.programme_id) == [1, 2]
    with pytest.raises(PapersNotReady, match="'number': 1"):
        make(town, 2, at=LATER)
    make(town, at=LATER)
    make(town, 2, at=LATER)
    assert house.read(runs_without_papers, programme_id=town.programme_id) == []


def test_without_commission_or_without_vat_a_statement_stands_alone(house: Database) -> None:
    for town in (a_town(house, commission_bp=0), a_town(house, vat_bp=0)):
        town.spend(1)
        approved(town)
        assert make(town) == commissions.Papers(payees=1, made=1, invoices=0, vague=1)
        (statement,) = papers(town, 1, 0)
        assert "facturée à part" not in read(file_of(town, statement))[0]


def test_the_address_of_the_shop_stands_on_both_papers(house: Database) -> None:
    town = a_paying_town(house)
    a_profile(town, 0, email=None)
    town.spend(1)
    approved(town)
    assert make(town).vague == 0
    for paper in papers(town, 1, 0):
        assert "50480" in read(file_of(town, paper))[0]


# ── Once ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def without_gap(town: Town, count: int) -> None:
    """`count` commission invoices, numbered from 1, one for each merchant."""
    assert invoices(town) == [f"C{town.programme_id}-2026-{number:05d}" for number in range(1, count + 1)]
    for shop in range(count):
        assert [paper.kind for paper in papers(town, 1, shop)] == ["commission", "statement"]
    town.books_hold()


KILLED = """
import os, signal, sys
from datetime import datetime
from vouchers import run_papers
from vouchers.db import Database
run_papers._AT_ONCE = 2
after = int(sys.argv[3])
def progress(done, of):
    if done >= after:
        os.kill(os.getpid(), signal.SIGKILL)
run_papers.make_papers(Database(sys.argv[1]), programme_id=int(sys.argv[2]), number=1, actor="staff:1",
                       now=lambda: datetime.fromisoformat(sys.argv[4]), progress=progress)
"""


def test_killed_twice_and_begun_again_each_merchant_has_one_invoice_and_no_number_is_missing(
    house: Database, house_url: str
) -> None:
    town = a_paying_town(house, shops=7)
    for shop in range(7):
        town.spend(shop + 1, shop=shop)
    approved(town)
    for after in (2, 4):
        args = [sys.executable, "-c", KILLED, house_url, str(town.programme_id), str(after), NOON.isoformat()]
        ended = subprocess.run(args, check=False, cwd=Path(__file__).parent.parent, env={**os.environ})
        assert ended.returncode == -signal.SIGKILL
    assert invoices(town) != []
    told: list[tuple[int, int]] = []
    assert make(town, progress=lambda done, of: told.append((done, of))).whole
    assert told[0] == (4, 7) and told[-1] == (7, 7)
    without_gap(town, 7)
    before = [file_of(town, paper) for shop in range(7) for paper in papers(town, 1, shop)]
    assert make(town, at=LATER).whole
    assert [file_of(town, paper) for shop in range(7) for paper in papers(town, 1, shop)] == before


def test_two_workers_at_once_make_each_paper_once(house: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_papers, "_AT_ONCE", 3)
    town = a_paying_town(house, shops=9)
    for shop in range(9):
        town.spend(shop + 1, shop=shop)
    approved(town)
    barrier = threading.Barrier(3)

    def worker(_rank: int) -> bool:
        barrier.wait()
        return make(town).whole

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(worker, range(3))) == [True] * 3
    without_gap(town, 9)


def test_a_number_taken_by_another_meanwhile_is_drawn_again(house: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    town = a_paying_town(house)
    town.spend(1, shop=0)
    town.spend(2, shop=1)
    approved(town)
    drawn = run_papers._draft

    def overtaken(*args: Any, **named: Any) -> Any:
        monkeypatch.setattr(run_papers, "_draft", drawn)

        def taken(session: Any) -> None:
            number = archive.next_number(session, programme_id=town.programme_id, kind="commission", at=NOON)
            common = {"programme_id": town.programme_id, "kind": "commission", "subject": "settlement:9/9"}
            archive.keep(session, **common, named=number, file_name="x.pdf", file=b"x", actor=TREASURER, at=NOON)

        if house.dialect == "postgresql":
            house.write(taken)
        else:
            threading.Thread(target=house.write, args=[taken]).run()
        return drawn(*args, **named)

    monkeypatch.setattr(run_papers, "_draft", overtaken)
    assert make(town).whole
    assert [paper.name for shop in (0, 1) for paper in papers(town, 1, shop)[:1]] == [
        f"C{town.programme_id}-2026-00002",
        f"C{town.programme_id}-2026-00003",
    ]


# ── All of them, and the bank's file ─────────────────────────────────────────────────────────────────────────────
def test_all_papers_come_as_one_file_the_same_each_time(house: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_papers, "_AT_ONCE", 2)
    town = a_paying_town(house, shops=5)
    for shop in range(5):
        town.spend(shop + 1, shop=shop)
    approved(town)
    make(town)
    whole = b"".join(run_papers.all_papers(house, programme_id=town.programme_id, number=1))
    assert b"".join(run_papers.all_papers(house, programme_id=town.programme_id, number=1)) == whole
    bundle = zipfile.ZipFile(io.BytesIO(whole))
    assert bundle.testzip() is None and len(bundle.namelist()) == 10
    for shop in range(5):
        for paper in papers(town, 1, shop):
            assert bundle.read(paper.file_name) == file_of(town, paper)


def test_the_banks_file_is_kept_as_it_first_left_with_its_hash_in_the_journal(house: Database) -> None:
    town = a_paying_town(house)
    town.spend(1)
    run = approved(town)
    asked: dict[str, Any] = {"programme_id": town.programme_id, "number": 1, "actor": TREASURER, "now": lambda: NOON}
    assert house.read(workshop.handed_out, run=run) is None
    first = workshop.export_bank_file(house, **asked)
    other = workshop.export_bank_file(house, **asked, version="001.001.03")
    assert other != first
    kept = house.read(workshop.handed_out, run=run)
    assert kept is not None and file_of(town, kept) == first
    assert kept.content == {"version": "pain.001.001.09", "transfers": 1, "cents": 940}
    facts = select(journal.c.kind, journal.c.reason).where(
        journal.c.programme_id == town.programme_id, journal.c.subject == "run:1"
    )
    told = house.read(lambda session: [tuple(row) for row in session.execute(facts.order_by(journal.c.id))])
    assert [kind for kind, _reason in told] == ["run_proposed", "run_approved", "run_exported", "document_made"]
    assert told[-1][1] == f"{run.message_id} {hashlib.sha256(first).hexdigest()}"
    town.books_hold()


# ── By e-mail ────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(mail_folder=tmp_path / "mail", mail_from="cheques@cci.example")


def send(town: Town, settings: Settings, *, at: Any = NOON, **how: Any) -> statement_post.Sent:
    return statement_post.send_statements(
        town.house,
        settings,
        programme_id=town.programme_id,
        number=1,
        address="https://cheques.example.fr/p/1/reglements",
        actor=TREASURER,
        now=lambda: at,
        **how,
    )


def letters(settings: Settings) -> dict[str, EmailMessage]:
    """The letters in the folder, by address."""
    assert settings.mail_folder is not None
    found = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in settings.mail_folder.glob("*.eml")
    ]
    assert all(isinstance(one, EmailMessage) for one in found)
    return {str(one["To"].addresses[0].addr_spec): one for one in found}


def said_to(address: str, settings: Settings) -> str:
    body = letters(settings)[address].get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def a_posting_town(house: Database) -> Town:
    """Three shops paid: one told its e-mail, one has an owner, one has neither."""
    town = a_paying_town(house, shops=3)
    a_profile(town, 0, email="boulangerie@example.fr")
    a_staff_member(
        house,
        programme_id=town.programme_id,
        role_names=("merchant_owner",),
        merchant_id=town.merchants[1],
        email="patronne@example.fr",
    )
    for shop in range(3):
        town.spend(shop + 1, shop=shop)
    town.export(approved(town), at=NOON)
    return town


def test_each_letter_brings_the_two_papers_of_the_archive_and_no_whole_account(
    house: Database, settings: Settings
) -> None:
    town = a_posting_town(house)
    with pytest.raises(PapersNotReady):
        send(town, settings)
    assert house.read(run_to_send, programme_id=town.programme_id) is None
    make(town)
    assert house.read(run_to_send, programme_id=town.programme_id) == 1
    told: list[tuple[int, int]] = []
    assert send(town, settings, progress=lambda done, of: told.append((done, of))) == (2, 0)
    assert told == [(0, 2), (1, 2), (2, 2)]
    assert house.read(run_to_send, programme_id=town.programme_id) is None
    sent = letters(settings)
    assert set(sent) == {"boulangerie@example.fr", "patronne@example.fr"}
    run = house.read(runs.find_run, programme_id=town.programme_id, number=1)
    for shop, letter in enumerate((sent["boulangerie@example.fr"], sent["patronne@example.fr"])):
        enclosed = {part.get_filename(): part.get_content() for part in letter.iter_attachments()}
        kept = papers(town, 1, shop)
        assert len(kept) == 2
        assert {name: hashlib.sha256(file).hexdigest() for name, file in enclosed.items()} == {
            paper.file_name: paper.sha256 for paper in kept
        }
        body = letter.get_body(("plain",))
        assert body is not None
        text, line = body.get_content(), run.to_pay[shop]
        assert line.iban is not None
        plain = text.replace("\u00a0", " ").replace("\u202f", " ")
        asked = "Une erreur ? Écrivez à l’émetteur : "
        for said in ("9,40 €", f"finit par {line.iban[-4:]}", line.end_to_end_id, kept[0].name, "https://", asked):
            assert said in plain
        assert line.iban not in letter.as_string() and line.iban[4:-4] not in text
    (left,) = house.read(statement_posts.to_hand_over, programme_id=town.programme_id, number=1, limit=9)
    assert left.merchant_id == town.merchants[2]
    town.books_hold()


def sent_facts(town: Town) -> list[str]:
    facts = select(journal.c.subject).where(
        journal.c.programme_id == town.programme_id, journal.c.kind == "statement_sent"
    )
    return town.house.read(lambda session: list(session.execute(facts.order_by(journal.c.id)).scalars()))


def test_a_letter_leaves_once_and_again_only_when_asked_for(house: Database, settings: Settings) -> None:
    town = a_posting_town(house)
    make(town)
    send(town, settings)
    assert send(town, settings) == (0, 0)
    first = [f"settlement:1/{merchant_id}" for merchant_id in town.merchants[:2]]
    assert sent_facts(town) == first
    again: dict[str, Any] = {"programme_id": town.programme_id, "number": 1, "address": "", "actor": TREASURER}
    statement_post.send_again(house, settings, **again, merchant_id=town.merchants[0], now=lambda: LATER)
    assert sent_facts(town) == [*first, first[0]]
    with pytest.raises(MailNotSent):
        statement_post.send_again(house, settings, **again, merchant_id=town.merchants[2], now=lambda: LATER)


def test_one_letter_that_fails_does_not_stop_the_others_and_is_listed(
    house: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = a_posting_town(house)
    make(town)
    with monkeypatch.context() as small:
        heavy = len(file_of(town, papers(town, 1, 0)[0])) + len(file_of(town, papers(town, 1, 0)[1]))
        light = len(file_of(town, papers(town, 1, 1)[0])) + len(file_of(town, papers(town, 1, 1)[1]))
        assert heavy != light
        small.setattr(letterbox, "MOST_ENCLOSED", min(heavy, light))
        assert send(town, settings) == (1, 1)
    (listed,) = house.read(statement_posts.troubled, programme_id=town.programme_id, number=1, at=NOON, limit=9)
    assert (listed.post, listed.tries) == ("failed", 1)
    assert house.read(statement_posts.posts_of, programme_id=town.programme_id, number=1) == statement_posts.Posts(
        sent=1, failed=1, claimed=0, nowhere=1, waiting=0
    )
    assert send(town, settings, at=LATER) == (1, 0)
    assert len(letters(settings)) == 2


def test_what_was_interrupted_goes_on_and_says_which_letter_nobody_knows_of(
    house: Database, settings: Settings
) -> None:
    town = a_posting_town(house)
    make(town)
    key: dict[str, Any] = {"programme_id": town.programme_id, "number": 1}
    to = house.read(statement_posts.addressee, **key, merchant_id=town.merchants[0])
    # Claimed by somebody who was killed before the letter left.
    assert house.write(statement_posts.claim, **key, to=to, at=NOON)
    assert not house.write(statement_posts.claim, **key, to=to, at=NOON)
    assert send(town, settings) == (1, 0)
    assert house.read(statement_posts.troubled, **key, at=NOON, limit=9) == []
    (doubtful,) = house.read(statement_posts.troubled, **key, at=LATER, limit=9)
    assert (doubtful.merchant_id, doubtful.post) == (town.merchants[0], "sending")
    again: dict[str, Any] = {**key, "merchant_id": town.merchants[0], "address": "", "actor": TREASURER}
    with pytest.raises(StatementBeingSent):
        statement_post.send_again(house, settings, **again, now=lambda: NOON)
    statement_post.send_again(house, settings, **again, now=lambda: LATER)
    assert set(letters(settings)) == {"boulangerie@example.fr", "patronne@example.fr"}


def test_two_workers_send_each_letter_once(house: Database, settings: Settings) -> None:
    town = a_posting_town(house)
    make(town)
    barrier = threading.Barrier(2)

    def worker(_rank: int) -> statement_post.Sent:
        barrier.wait()
        return send(town, settings)

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(worker, range(2)))
    assert sum(one.left for one in done) == 2
    assert settings.mail_folder is not None
    assert len(list(settings.mail_folder.glob("*.eml"))) == 2
    assert len(sent_facts(town)) == 2


def test_a_refused_transfer_is_told_as_refused(house: Database, settings: Settings) -> None:
    town = a_posting_town(house)
    make(town)
    run = house.read(runs.find_run, programme_id=town.programme_id, number=1)
    town.returned(run, 0, at=NOON)
    send(town, settings)
    assert "a refusé le virement" in said_to("boulangerie@example.fr", settings)


@pytest.mark.parametrize(
    ("executed", "said"),
    [(False, "est demandé à la banque pour le 2"), (True, "a été exécuté par la banque (jour demandé : 2")],
)
def test_a_letter_tells_the_day_as_the_one_that_was_asked_for(
    house: Database, settings: Settings, executed: bool, said: str
) -> None:
    town = a_posting_town(house)
    make(town)
    if executed:
        town.execute(house.read(runs.find_run, programme_id=town.programme_id, number=1), at=NOON)
    send(town, settings)
    assert said in said_to("boulangerie@example.fr", settings)


def test_no_letter_announces_money_that_the_bank_was_not_told_to_send(house: Database, settings: Settings) -> None:
    town = a_paying_town(house)
    a_profile(town, 0, email="boulangerie@example.fr")
    town.spend(1)
    run = approved(town)
    make(town)
    with pytest.raises(RunState):
        send(town, settings)
    town.export(run, at=NOON)
    assert send(town, settings) == (1, 0)


def test_addresses_that_no_server_takes_do_not_stand_before_the_others_for_ever(
    house: Database, settings: Settings
) -> None:
    town = a_paying_town(house, shops=7)
    for shop in range(7):
        a_profile(town, shop, email=f"boutique-{shop}@example.fr")
        town.spend(shop + 1, shop=shop)
    town.export(approved(town), at=NOON)
    make(town)
    with a_picky_server(refuses={f"boutique-{shop}@example.fr" for shop in range(6)}) as (port, taken):
        served = Settings(smtp_host="127.0.0.1", smtp_port=port, smtp_security="none", mail_from=settings.mail_from)
        for _ in range(2):
            with pytest.raises(MailNotSent):
                send(town, served)
    assert taken == ["boutique-6@example.fr"]
    posts = house.read(statement_posts.posts_of, programme_id=town.programme_id, number=1)
    assert (posts.sent, posts.failed, posts.waiting) == (1, 6, 0)


def test_without_a_mail_server_nothing_is_claimed(house: Database) -> None:
    town = a_posting_town(house)
    make(town)
    nowhere = Settings(smtp_host="127.0.0.1", smtp_port=9, mail_from="cheques@cci.example")
    with pytest.raises(MailNotSent):
        send(town, nowhere)
    posts = house.read(statement_posts.posts_of, programme_id=town.programme_id, number=1)
    assert (posts.waiting, posts.failed, posts.claimed) == (2, 0, 0)
