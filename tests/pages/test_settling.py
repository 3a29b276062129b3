"""The settling desk through its forms: from what is owed to the bank's file, paper by post, and disputes."""

import hashlib
import re
from datetime import timedelta
from typing import Any

import pytest
from lxml import etree

from tests.api.doors import Doors
from tests.outbox import allow, an_outbox, bring
from tests.pages.browsing import Browser, Page, sits_down
from tests.town import Town
from vouchers import clock, codes


@pytest.fixture
def treasurer(doors: Doors, town: Town) -> Browser:
    return sits_down(doors, town.programme_id, "treasurer")


@pytest.fixture
def approver(doors: Doors, town: Town) -> Browser:
    return sits_down(doors, town.programme_id, "approver")


def home(town: Town) -> str:
    return f"/p/{town.programme_id}"


def fingerprint(page: Page) -> str:
    return re.sub(r"\s", "", page.tree.xpath("string(//p[@class='fingerprint'])"))


def proposed(browser: Browser, town: Town) -> Page:
    page = browser.open(f"{home(town)}/reglements")
    return browser.send(page, "/reglements")


# ── Settlements ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_run_goes_from_proposal_to_the_banks_file_and_back_through_two_people(
    doors: Doors, town: Town, treasurer: Browser, approver: Browser
) -> None:
    at, shop = clock.now(), town.merchants[0]
    town.spend(1, 2, at=at)
    town.spend(3, at=at)
    town.spend(4, shop=1, at=at)
    page = proposed(treasurer, town)
    assert (page.path, page.status) == (f"{home(town)}/reglements/1", 200)
    assert "Une autre personne doit approuver" in page.text and "37,60 €" in page.text

    lines = treasurer.open(f"{page.path}/commercants/{shop}")
    assert "0000003" in lines.text and "Retenir" in lines.text
    last = [link for link in lines.links() if "ligne=" in link][-1]
    form = treasurer.open(last)
    assert "Retenir le chèque 0000003, 10,00 € ?" in form.text
    nothing_said = treasurer.send(form, because=" ")
    assert nothing_said.status == 422 and nothing_said.refusal
    anew = treasurer.send(nothing_said, because="signature illisible")
    assert anew.path == f"{home(town)}/reglements/2" and "28,20 €" in anew.text
    assert "retiré" in treasurer.open(f"{home(town)}/reglements/1").text
    assert "0000003" not in treasurer.open(f"{anew.path}/commercants/{shop}").text.partition("Ce qui est retenu")[0]

    assert "Approuver le règlement" not in treasurer.open(anew.path).text
    seen = approver.open(anew.path)
    refused = approver.send(seen, "/approbation", execution_on="2026-12-25")
    assert refused.status == 422
    approved = approver.send(refused, "/approbation", execution_on="")
    assert "approuvé" in approved.notice
    noted = fingerprint(approved)
    assert len(noted) == 64

    ready = treasurer.send(treasurer.open(anew.path), "/fichier")
    assert "prêt" in ready.notice and fingerprint(ready) == noted
    (address,) = [link for link in ready.links() if link.endswith("/fichier")]
    file = treasurer.client.get(address)
    assert hashlib.sha256(file.content).hexdigest() == noted
    assert treasurer.client.get(address).content == file.content
    assert len(etree.fromstring(file.content).findall(".//{*}CdtTrfTxInf")) == 2
    same = treasurer.send(ready, "/empreinte#empreinte", files={"file": ("a.xml", file.content, "text/xml")})
    assert "octet pour octet" in same.text
    other = treasurer.send(ready, "/empreinte#empreinte", files={"file": ("a.xml", file.content + b" ", "text/xml")})
    assert "Ce n'est PAS le fichier approuvé" in other.text

    done = treasurer.send(ready, "/execution")
    assert "exécuté" in done.notice
    assert treasurer.client.get(f"{anew.path}/commercants/{shop}/releve").status_code == 409
    back = treasurer.send(treasurer.open(f"{anew.path}/commercants/{shop}"), "/rejet", code="AC04")
    assert "Le rejet est noté" in back.notice
    again = treasurer.open(f"{anew.path}/commercants/{shop}")
    assert "rejeté par la banque" in again.text

    held = treasurer.open(f"{home(town)}/retenues/1")
    freed = treasurer.send(held, "/levee", because="le commerçant a montré le chèque")
    assert "levée" in freed.notice
    both = treasurer.open(proposed(treasurer, town).path + f"/commercants/{shop}")
    assert "0000003" in both.text and "AC04 compte clôturé" in both.text
    town.books_hold()


def test_holding_the_only_shop_of_a_proposal_leaves_nothing_to_propose(town: Town, treasurer: Browser) -> None:
    town.spend(1, at=clock.now())
    proposed(treasurer, town)
    page = treasurer.send(
        treasurer.open(f"{home(town)}/retenues/commercants/{town.merchants[0]}"), because="enquête en cours"
    )
    assert page.path == f"{home(town)}/reglements" and "Tout ce qui lui est dû" in page.text
    assert "Rien à régler" in page.text
    town.books_hold()


def test_an_approval_by_the_same_person_or_after_a_stale_sign_in_is_refused(
    doors: Doors, town: Town, treasurer: Browser
) -> None:
    both = sits_down(doors, town.programme_id, "treasurer", "approver")
    town.spend(1, at=clock.now())
    page = proposed(both, town)
    assert "Une autre personne doit approuver" in page.text
    form = treasurer.open(page.path)
    assert not form.tree.xpath("//form[contains(@action, 'approbation')]")


def test_an_owner_sees_what_its_own_shop_is_paid_and_no_other(doors: Doors, town: Town, treasurer: Browser) -> None:
    owner = sits_down(doors, town.programme_id, "merchant_owner", merchant_id=town.merchants[0])
    at = clock.now()
    town.spend(1, at=at)
    town.spend(2, 3, shop=1, at=at)
    page = owner.open(f"{home(town)}/reglements")
    assert "9,40 €" in page.text and "Commerce 1" not in page.text
    number = proposed(treasurer, town).path
    own = owner.open(number)
    assert own.status == 200 and "Commerce 1" not in own.text and "Compte débité" not in own.text
    assert owner.open(f"{number}/commercants/{town.merchants[0]}").status == 200
    assert owner.open(f"{number}/commercants/{town.merchants[1]}").status == 403
    assert owner.open(f"{number}/commercants/{town.merchants[1]}/releve").status == 403
    assert owner.open(f"{home(town)}/retenues/commercants/{town.merchants[0]}").status == 403


# ── Paper by post ────────────────────────────────────────────────────────────────────────────────────────────────
def opened_pile(browser: Browser, town: Town, **slip: Any) -> Page:
    found = browser.send(browser.open(f"{home(town)}/remises"), "/remises", q="commerce 1")
    (shop,) = [link for link in found.links() if "/nouvelle/" in link]
    today = clock.book_day(clock.now())
    wanted = {"slip_count": "3", "slip_cents": "30", "spent_on": today.isoformat()} | slip
    return browser.send(browser.open(shop), **wanted)


def test_an_envelope_is_opened_scanned_by_hand_and_closed_without_a_script(town: Town, treasurer: Browser) -> None:
    tomorrow = clock.book_day(clock.now()) + timedelta(days=1)
    assert opened_pile(treasurer, town, spent_on=tomorrow.isoformat()).status == 422
    town.spend(5, at=clock.now())
    pile = opened_pile(treasurer, town)
    assert pile.path == f"{home(town)}/remises/1" and "Passer les chèques un par un" in pile.text

    def passed(text: str) -> Page:
        return treasurer.send(treasurer.open(f"{home(town)}/remises/1"), "/cheques", read=text)

    first = passed(codes.qr_text("cheques.example.fr", town.secrets[1].code))
    assert "0000001 : Accepté." in first.notice and "Écart avec le bordereau20,00 €" in first.text
    assert "0000002 : Accepté." in passed(f"0000002 {town.secrets[2].control_code}").notice
    assert "Déjà dans cette pile" in passed(town.secrets[1].code).notice
    twice = passed(town.secrets[5].code)
    assert "Déjà utilisé le" in twice.notice and "chez Commerce 0, pour 10,00" in twice.notice
    assert "Mettez ce chèque de côté : il a déjà été payé" in twice.text
    wrong = passed("ce n'est rien")
    assert wrong.status == 422 and "26 caractères" in wrong.text
    for page in (first, twice, wrong):
        assert not any(secret.code in page.response.text for secret in town.secrets.values())

    undone = treasurer.send(treasurer.open(pile.path), "/retrait")
    assert "retiré de la pile" in undone.notice
    unexplained = treasurer.send(treasurer.open(pile.path), "/cloture", remark="")
    assert unexplained.status == 422
    done = treasurer.send(treasurer.open(pile.path), "/cloture", remark="deux chèques manquent")
    assert "close" in done.notice and not done.tree.xpath("//main//form")
    town.books_hold()


def test_a_scan_is_told_to_the_script_and_counted_once_under_its_key(town: Town, treasurer: Browser) -> None:
    pile = opened_pile(treasurer, town)
    hidden = dict(pile.form("/cheques").form_values()) | {"read": town.secrets[1].code, "key": "one-scan"}
    told = [
        treasurer.client.post(f"{pile.path}/cheques", data=hidden, headers={"Accept": "application/json"}).json()
        for _ in range(2)
    ]
    assert told[0] == told[1]
    assert (told[0]["outcome"], told[0]["serial"], told[0]["count"]) == ("accepted", "0000001", "1")
    unread = hidden | {"read": "?", "key": "another"}
    answer = treasurer.client.post(f"{pile.path}/cheques", data=unread, headers={"Accept": "application/json"})
    assert answer.json()["outcome"] == "unread"
    assert treasurer.open(pile.path).response.headers["permissions-policy"].startswith("camera=(self)")
    town.books_hold()


def test_an_owner_reads_its_own_pile_and_never_where_a_paper_was_used(
    doors: Doors, town: Town, treasurer: Browser
) -> None:
    town.spend(5, at=clock.now())
    pile = opened_pile(treasurer, town)
    treasurer.send(pile, "/cheques", read=town.secrets[5].code)
    owner = sits_down(doors, town.programme_id, "merchant_owner", merchant_id=town.merchants[1])
    seen = owner.open(pile.path)
    assert "0000005" in seen.text and "Commerce 0" not in seen.text
    other = sits_down(doors, town.programme_id, "merchant_owner", merchant_id=town.merchants[0])
    assert other.open(pile.path).status == 403
    assert "Remise 1" not in other.open(f"{home(town)}/remises").text


# ── Disputes ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_dispute_is_read_with_its_facts_and_decided_with_a_reason(town: Town, treasurer: Browser) -> None:
    at = clock.now() - timedelta(minutes=2)
    allow(town, at=at)
    outbox = an_outbox(town, at=at)
    bring(town, outbox, outbox.accept(codes.new_code(), at=at), at=at)
    page = treasurer.open(f"{home(town)}/litiges")
    assert "1 litige attend votre décision" in page.text and "Reste à la garantie" in page.text
    one = treasurer.open(f"{home(town)}/litiges/1")
    assert "Ce n'est pas un chèque de ce dispositif" in one.text and "rien n'a été retiré ni ajouté" in one.text
    unexplained = treasurer.send(one, decision="dismiss", reason="")
    assert unexplained.status == 422
    done = treasurer.send(unexplained, decision="dismiss", reason="papier inconnu")
    assert "décision est enregistrée" in done.notice and "Non payé : papier inconnu" in done.text
    assert not done.tree.xpath("//main//form")
