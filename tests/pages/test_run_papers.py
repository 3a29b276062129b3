"""The papers of a run at the desk: made by one button, seen while they are, sent, taken away; a shop sees its own."""

import io
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.api.doors import Doors
from tests.given_papers import a_profile, able_to_invoice
from tests.pages.browsing import Browser, Page, sits_down
from tests.town import Town
from vouchers import clock, press, run_papers, runs, statement_post, to_do
from vouchers.access import Act
from vouchers.runs import Run


@pytest.fixture(autouse=True)
def folder(doors: Doors, tmp_path: Path) -> Path:
    """Where letters are kept."""
    app: Any = doors.client.app
    app.state.settings = app.state.settings.model_copy(update={"mail_folder": tmp_path / "mail"})
    return tmp_path / "mail"


@pytest.fixture
def treasurer(doors: Doors, town: Town) -> Browser:
    return sits_down(doors, town.programme_id, "treasurer")


@pytest.fixture
def run(doors: Doors, town: Town, treasurer: Browser) -> Run:
    """Two shops paid, one of which told its e-mail; the chamber can invoice."""
    able_to_invoice(town)
    a_profile(town, 0, email="boulangerie@example.fr")
    at = clock.now()
    town.spend(1, 2, shop=0, at=at)
    town.spend(3, shop=1, at=at)
    approver = sits_down(doors, town.programme_id, "approver")
    proposed = treasurer.send(treasurer.open(f"/p/{town.programme_id}/reglements"), "/reglements")
    approver.send(approver.open(proposed.path), "/approbation", execution_on="")
    return town.house.read(runs.find_run, programme_id=town.programme_id, number=1)


def at_run(town: Town, run: Run) -> str:
    return f"/p/{town.programme_id}/reglements/{run.number}"


def done(browser: Browser, path: str, *, busy: Callable[[], bool]) -> Page:
    """The page once the work behind it has ended."""
    for _ in range(400):
        if not busy():
            return browser.open(path)
        time.sleep(0.05)
    raise AssertionError("the work never ended")


def made(browser: Browser, town: Town, run: Run) -> Page:
    path = f"{at_run(town, run)}/papiers"
    browser.send(browser.open(path), "/papiers")
    asked = {"programme_id": town.programme_id, "number": run.number}
    return done(browser, path, busy=lambda: press.is_making_papers(town.house, **asked))


def test_one_button_makes_every_statement_and_commission_invoice_of_a_run(
    town: Town, treasurer: Browser, run: Run
) -> None:
    seen = treasurer.open(at_run(town, run))
    assert "ne sont pas encore tous établis" in seen.text
    (link,) = [one for one in seen.links() if one.endswith("/papiers")]
    before = treasurer.open(link)
    assert (
        "Établir les relevés et les factures de commission" in before.text
        and "1 commerce n'a pas de rue" in before.text
    )
    page = made(treasurer, town, run)
    assert "sur 2 commerçants" in page.text and f"C{town.programme_id}-" in page.text
    for address in (one for one in page.links() if one.endswith("/releve") or "/pieces/C" in one):
        first = treasurer.client.get(address)
        assert first.content.startswith(b"%PDF") and treasurer.client.get(address).content == first.content
    (bundle,) = [one for one in page.links() if one.endswith(".zip")]
    assert len(zipfile.ZipFile(io.BytesIO(treasurer.client.get(bundle).content)).namelist()) == 4
    assert "sont établis" in treasurer.open(at_run(town, run)).text
    town.books_hold()


def test_a_page_tells_how_far_the_work_is_and_looks_again(
    town: Town, treasurer: Browser, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold, go_on = threading.Event(), run_papers.make_papers

    def slowly(*given: object, **named: object) -> object:
        hold.wait(20)
        return go_on(*given, **named)

    monkeypatch.setattr(run_papers, "make_papers", slowly)
    path = f"{at_run(town, run)}/papiers"
    shown = treasurer.send(treasurer.open(path), "/papiers")
    assert shown.response.headers["refresh"] == "2" and "0 commerçants sur 2" in shown.text
    # Pressed twice, it is one work.
    asked = {"programme_id": town.programme_id, "number": run.number}
    assert not press.make_papers_in_background(town.house, **asked, actor="staff:1", now=clock.now)
    hold.set()
    page = done(treasurer, path, busy=lambda: press.is_making_papers(town.house, **asked))
    assert "refresh" not in page.response.headers and "puis envoyer les relevés" in page.text


def test_what_the_issuer_has_not_told_is_said_before_anything_is_made(town: Town, treasurer: Browser) -> None:
    at = clock.now()
    town.spend(1, at=at)
    bare = town.approve(town.propose(clock.book_day(at), at=at), at=at)
    refused = treasurer.send(treasurer.open(f"{at_run(town, bare)}/papiers"), "/papiers")
    assert refused.status == 409 and "le numéro de TVA" in refused.refusal


def test_statements_are_sent_once_and_who_has_no_address_is_listed(
    folder: Path, town: Town, treasurer: Browser, run: Run
) -> None:
    early = made(treasurer, town, run)
    assert "Donner le fichier à la banque, puis envoyer les relevés" in early.text
    town.export(run, at=clock.now())
    page = treasurer.open(early.path)
    assert "1 commerçant recevra par e-mail" in page.text and "Sans adresse e-mail" in page.text
    treasurer.send(page, "/envoi")
    asked = {"programme_id": town.programme_id, "number": run.number}
    sent = done(treasurer, page.path, busy=lambda: press.is_sending(town.house, **asked))
    assert "Rien à faire : les papiers sont prêts" in sent.text and "Commerce 1" in sent.text
    assert len(list(folder.glob("*.eml"))) == 1
    one = treasurer.open(f"{at_run(town, run)}/commercants/{town.merchants[0]}")
    assert "envoyé" in one.text
    again = treasurer.send(one, "/envoi")
    assert "Le relevé est envoyé au commerçant." in again.notice
    assert len(list(folder.glob("*.eml"))) == 2
    other = treasurer.open(f"{at_run(town, run)}/commercants/{town.merchants[1]}")
    assert treasurer.send(other, "/envoi").status == 409


def test_the_home_says_which_papers_wait(town: Town, treasurer: Browser, run: Run) -> None:
    def waiting() -> list[str]:
        at = clock.now()
        may = {Act.INVOICE_ISSUE, Act.STATEMENT_SEND}.__contains__
        found = town.house.read(
            to_do.tasks, programme_id=town.programme_id, actor="staff:1", may=may, owed_cents=0, at=at
        )
        return [task.kind for task in found if task.kind in {"papers_make", "statement_send"}]

    assert waiting() == ["papers_make"]
    home = treasurer.open(f"/p/{town.programme_id}")
    assert "1 règlement sans relevés ni factures" in home.text
    assert f"{at_run(town, run)}/papiers" in home.links()
    made(treasurer, town, run)
    assert waiting() == []
    town.export(run, at=clock.now())
    assert waiting() == ["statement_send"]
    assert "Des relevés à envoyer" in treasurer.open(f"/p/{town.programme_id}").text
    settings = treasurer.doors.client.app.state.settings
    asked = {"programme_id": town.programme_id, "number": run.number, "actor": "staff:1", "address": ""}
    statement_post.send_statements(town.house, settings, **asked, now=clock.now)
    assert waiting() == []


def test_an_owner_finds_its_own_statements_and_invoices_and_no_others(
    doors: Doors, town: Town, treasurer: Browser, run: Run
) -> None:
    owner = sits_down(doors, town.programme_id, "merchant_owner", merchant_id=town.merchants[0])
    assert "à venir" in owner.open(f"/p/{town.programme_id}/reglements").text
    everyones = made(treasurer, town, run)
    page = owner.open(f"/p/{town.programme_id}/reglements")
    own = [one for one in page.links() if one.endswith("/releve") or "/pieces/C" in one]
    assert len(own) == 2
    for address in own:
        assert owner.client.get(address).content.startswith(b"%PDF")
    theirs = [one for one in everyones.links() if (one.endswith("/releve") or "/pieces/C" in one) and one not in own]
    assert len(theirs) == 2
    for address in (*theirs, f"{at_run(town, run)}/papiers", f"{at_run(town, run)}/papiers.zip"):
        assert owner.client.get(address).status_code == 403
