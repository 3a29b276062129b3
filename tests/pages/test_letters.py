"""The chamber prints an order as letters; the town hall takes labels, the mail house's file and a look at them."""

import io

import pypdfium2
import pytest
from PIL import Image

from tests.api.doors import Doors
from tests.given import HEADER, JEANNE, PAUL, a_given_list
from tests.makers import NOON, a_buyer
from tests.pages.browsing import Browser, sits_down
from tests.town import TREASURER, Town, a_town
from vouchers import clock, issue

LONG = ("M.", "Sanschemin", "Luc", "1, " + "rue " * 20, "50550", "Saint-Vaast")


@pytest.fixture
def printed_soon(doors: Doors) -> Town:
    """A town whose batch waits to be printed, and whose vouchers are given."""
    town = a_town(doors.house, vouchers=7, active=False, at=clock.now())
    a_given_list(town, (JEANNE, 4), (PAUL, 2), (LONG, 1), at=clock.now())
    return town


def at_desk(doors: Doors, town: Town, *roles: str) -> Browser:
    return sits_down(doors, town.programme_id, *roles, buyer_id=town.buyer_id)


def path_of(town: Town) -> str:
    return f"/p/{town.programme_id}/commandes/{town.order_number}/courriers"


def test_the_treasurer_prints_letters_and_then_hands_the_batch_over(doors: Doors, printed_soon: Town) -> None:
    town = printed_soon
    treasurer = at_desk(doors, town, "treasurer")
    assert path_of(town) in treasurer.open(f"/p/{town.programme_id}/lots/{town.batch_number}").links()
    page = treasurer.open(path_of(town))
    assert page.status == 200 and "Courriers de la commande" in page.text
    sent = treasurer.send(page, "/lettres.pdf", together="sheet", order_by="street", written_on="2026-12-01")
    assert sent.response.headers["content-disposition"].startswith("attachment")
    assert sent.response.headers["cache-control"] == "no-store"
    with pypdfium2.PdfDocument(sent.response.content) as document:
        said = [page.get_textpage().get_text_range() for page in document]
    assert "Jeanne" in said[0] or "Luc" in said[0]
    assert "".join(said).count("N° 000000") == 7
    again = treasurer.send(page, "/lettres.pdf", together="sheet", order_by="street", written_on="2026-12-01")
    assert again.response.content == sent.response.content
    wrong = treasurer.send(page, "/lettres.pdf", written_on="hier")
    assert wrong.status == 422 and wrong.refusal
    doors.house.write(
        issue.hand_over,
        programme_id=town.programme_id,
        batch_number=town.batch_number,
        actor=TREASURER,
        at=clock.now(),
    )
    late = treasurer.send(page, "/lettres.pdf")
    assert late.status == 410 and "pas de réimpression" in late.refusal
    assert "ne peuvent plus être refaits" in treasurer.open(path_of(town)).text


def test_the_town_hall_sees_who_cannot_be_posted_to_and_prints_no_code(doors: Doors, printed_soon: Town) -> None:
    town = printed_soon
    clerk = at_desk(doors, town, "buyer_clerk")
    order = clerk.open(f"/p/{town.programme_id}/commandes/{town.order_number}")
    assert path_of(town) in order.links()
    page = clerk.open(path_of(town))
    assert "M. Sanschemin Luc : « 1 RUE RUE" in page.text and "L'émetteur imprime" in page.text.replace("’", "'")
    assert not page.tree.xpath("//main//form")
    for link in page.links():
        if link.startswith(path_of(town)):
            assert clerk.open(link).status == 200, link
    labels = clerk.open(f"{path_of(town)}/etiquettes.pdf?planche=14&tri=street").response.content
    with pypdfium2.PdfDocument(labels) as document:
        assert "MAIN PROPRE" in document[0].get_textpage().get_text_range()
    file = clerk.open(f"{path_of(town)}/routage.csv").response.content.decode()
    assert file.startswith("ref;civilite;l1;") and len(file.splitlines()) == 3
    for picture in page.tree.xpath("//main//img/@src"):
        with Image.open(io.BytesIO(clerk.open(str(picture)).response.content)) as shown:
            assert shown.width > shown.height
    neighbour = a_buyer(doors.house, programme_id=town.programme_id, at=NOON)
    stranger = sits_down(doors, town.programme_id, "buyer_clerk", buyer_id=neighbour)
    for rest in ("", "/modele.png", "/etiquettes.pdf", "/routage.csv", "/enveloppe.pdf"):
        assert stranger.open(path_of(town) + rest).status == 403, rest


def test_a_list_says_which_addresses_no_envelope_shows_before_it_is_ordered(doors: Doors, town: Town) -> None:
    clerk = at_desk(doors, town, "buyer_clerk")
    new = clerk.open(f"/p/{town.programme_id}/listes/nouvelle")
    rows = [";".join(HEADER), ";".join((*LONG, "1", "10"))]
    file = ("liste.csv", "\n".join(rows).encode(), "text/csv")
    columns = clerk.send(new, files={"file": file}, buyer=town.buyer_id, name="Aînés")
    checked = clerk.send(columns)
    assert "Adresses trop longues ou incomplètes" in checked.text and "« 1 RUE RUE" in checked.text
    assert "Préparer la commande" in checked.text


def test_an_order_without_a_list_or_not_given_yet_has_no_letters(doors: Doors, town: Town) -> None:
    treasurer = at_desk(doors, town, "treasurer")
    assert treasurer.open(path_of(town)).status == 404
