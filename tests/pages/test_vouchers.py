"""One voucher at the desk: found, blocked by a clerk, replaced by the treasurer, activated by another; its history."""

import base64
import re
from typing import Final

from tests.api.doors import Doors
from tests.given import JEANNE, PAUL, a_given_list
from tests.makers import a_buyer
from tests.pages.browsing import Browser, Page, sits_down
from tests.town import Town, a_town
from vouchers import clock

SHOP: Final = "Commerce 0"


def at_desk(doors: Doors, town: Town, *roles: str) -> Browser:
    return sits_down(doors, town.programme_id, *roles, buyer_id=town.buyer_id)


def facts(page: Page) -> dict[str, str]:
    """What stands under each name."""
    return {
        name.text_content().strip(): " ".join(name.getnext().text_content().split())
        for name in page.tree.xpath("//main//dl/dt")
    }


def pdf_of(page: Page) -> bytes:
    (link,) = [one for one in page.links() if one.startswith("data:application/pdf;base64,")]
    return base64.b64decode(link.partition(",")[2])


def test_a_lost_voucher_goes_from_the_clerk_to_the_treasurer_to_the_approver(doors: Doors, town: Town) -> None:
    a_given_list(town, (JEANNE, 20), (PAUL, 10), at=clock.now())
    home = f"/p/{town.programme_id}"
    clerk = at_desk(doors, town, "buyer_clerk")
    found = clerk.send(clerk.open(f"{home}/cheques/personne"), "/personne", name="lefevre")
    assert "Mme Jeanne Lefèvre-Œuvray" in found.text and "0000003" in found.text
    paper = clerk.open(f"{home}/cheques/3")
    assert facts(paper)["Donné à"] == "Mme Jeanne Lefèvre-Œuvray"
    unsaid = clerk.send(paper, "/blocage")
    assert unsaid.status == 422 and "0000003" in unsaid.text
    blocked = clerk.send(unsaid, "/blocage", reason="perdu")
    assert "Le chèque est bloqué" in blocked.notice and "la trésorerie est prévenue" in blocked.text
    assert not blocked.tree.xpath("//main//form")

    treasurer = at_desk(doors, town, "treasurer")
    waiting = treasurer.send(treasurer.open(f"{home}/cheques"), "/cheques", etat="blocked")
    assert f"{home}/cheques/3" in waiting.links()
    desk = treasurer.open(f"{home}/cheques/3")
    assert "Jeanne" not in desk.text
    given = treasurer.send(desk, "/remplacement", reason="perdu")
    assert given.status == 200 and pdf_of(given)[:5] == b"%PDF-"
    assert "0000031" in given.text
    again = treasurer.send(desk, "/remplacement", reason="perdu")
    assert again.status == 409 and "data:application/pdf" not in again.response.text
    new = f"{home}/cheques/31"
    same = treasurer.send(treasurer.open(new), "/activation")
    assert same.status == 403
    approver = at_desk(doors, town, "approver")
    active = approver.send(approver.open(new), "/activation")
    assert "peut être dépensé" in active.notice
    assert town.held(31) == ("active", 1_000)
    assert "Jeanne" in clerk.open(new).text
    assert "0000031" in clerk.open(f"{home}/cheques/3").text


def test_a_buyers_clerk_never_sees_where_or_when_a_voucher_was_spent(doors: Doors, town: Town) -> None:
    a_given_list(town, (JEANNE, 20), (PAUL, 10), at=clock.now())
    town.spend(1, at=clock.now())
    town.undo(town.spend(2, at=clock.now()), at=clock.now())
    home = f"/p/{town.programme_id}"
    clerk = at_desk(doors, town, "buyer_clerk", "buyer_approver")
    spent, back = clerk.open(f"{home}/cheques/1"), clerk.open(f"{home}/cheques/2")
    assert (facts(spent)["Dépensé"], facts(back)["Dépensé"]) == ("Entièrement", "Pas encore")
    treasurer = at_desk(doors, town, "treasurer").open(f"{home}/cheques/1")
    assert f"10,00 € dépensés chez {SHOP}" in treasurer.text
    lines = treasurer.tree.xpath("//ol[@class='timeline']/li")
    assert len(spent.tree.xpath("//ol[@class='timeline']/li")) == len(lines) - 1
    for path in ("/cheques/1", "/cheques/2", "/cheques?commande=1", "/cheques?numero=1&jusqua=9"):
        told = clerk.open(home + path).response.text
        assert "Commerce" not in told and "dépensés chez" not in told, path
    told = clerk.send(clerk.open(f"{home}/cheques/personne"), "/personne", name="jeanne").response.text
    assert "Commerce" not in told


def test_a_voucher_of_another_buyer_or_programme_is_not_shown(doors: Doors, town: Town) -> None:
    other = a_town(doors.house, vouchers=3, at=clock.now())
    home = f"/p/{town.programme_id}"
    stranger = sits_down(doors, other.programme_id, "buyer_clerk", buyer_id=other.buyer_id)
    assert stranger.open(f"{home}/cheques/1").status == 404
    neighbour = a_buyer(doors.house, programme_id=town.programme_id)
    clerk = sits_down(doors, town.programme_id, "buyer_clerk", buyer_id=neighbour)
    assert clerk.open(f"{home}/cheques/1").status == 403
    assert "Aucun chèque" in clerk.open(f"{home}/cheques?numero=1").text
    assert clerk.open(f"{home}/cheques/999").status == 404


def test_a_search_says_what_is_wrong_with_it_and_a_single_number_opens_the_voucher(doors: Doors, town: Town) -> None:
    home = f"/p/{town.programme_id}"
    auditor = at_desk(doors, town, "auditor")
    opened = auditor.send(auditor.open(f"{home}/cheques"), "/cheques", numero="0000004")
    assert opened.path == f"{home}/cheques/4" and not opened.tree.xpath("//main//form")
    wrong = auditor.open(f"{home}/cheques?numero=<script>")
    assert wrong.status == 422 and "nombre entier" in wrong.refusal
    some = auditor.open(f"{home}/cheques?numero=2&jusqua=5")
    assert re.findall(r"000000\d", some.text) == ["0000002", "0000003", "0000004", "0000005"]
    assert auditor.open(f"{home}/cheques/personne").status == 403
