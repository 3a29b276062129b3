"""A town hall follows its campaign, writes to its people, closes it, and lets their data go."""

import io
import json
from datetime import timedelta

import pypdfium2
from openpyxl import load_workbook

from tests.api.doors import Doors
from tests.given import JEANNE, PAUL, a_given_list
from tests.makers import a_buyer
from tests.pages.browsing import Browser, Page, sits_down
from tests.town import Town
from vouchers import clock


def at_desk(doors: Doors, town: Town, *roles: str) -> Browser:
    return sits_down(doors, town.programme_id, *roles, buyer_id=town.buyer_id)


def words(pdf: bytes) -> str:
    with pypdfium2.PdfDocument(pdf) as document:
        return " ".join(" ".join(page.get_textpage().get_text_bounded() for page in document).split())


def read(page: Page) -> str:
    """Whatever came back, as a person reads it."""
    content = page.response.content
    if content[:5] == b"%PDF-":
        return words(content)
    if content[:2] == b"PK":
        sheets = load_workbook(io.BytesIO(content)).worksheets
        return " ".join(str(cell.value) for sheet in sheets for row in sheet.iter_rows() for cell in row)
    return content.decode("utf-8-sig")


def test_the_first_page_of_a_town_hall_says_where_its_money_is_and_names_no_shop(doors: Doors, town: Town) -> None:
    list_id, _people = a_given_list(town, (JEANNE, 20), (PAUL, 10), at=clock.now())
    # In a week that is over: the one that runs is not told by weeks.
    for serial in range(1, 13):
        town.spend(serial, shop=serial % 2, at=clock.now() - timedelta(days=8))
    clerk = at_desk(doors, town, "buyer_clerk")
    home, base = f"/p/{town.programme_id}", f"/p/{town.programme_id}/campagne/{town.buyer_id}"
    campaign = clerk.open(f"{home}/campagne")
    told = {one.find("dt").text: " ".join(one.find("dd").text.split()) for one in campaign.tree.find_class("figure")}
    assert (told["Dépensé"], told["Non dépensé"], told["Activé"]) == ("120,00 €", "180,00 €", "300,00 €")
    assert "au moins 5 commerces" in campaign.text
    assert campaign.tree.xpath("//main//*[local-name()='svg']")
    known = [base, f"{base}/chiffres.csv", f"{base}/chiffres.xlsx", f"{base}/cloture.pdf", f"{base}/relances"]
    known += [f"{base}/relances.pdf", f"{base}/relances.csv", f"{base}/relances.pdf?liste={list_id}"]
    known += [f"{home}/donnees", f"{home}/donnees/{list_id}", f"{home}/cheques?commande={town.order_number}"]
    for path in known:
        page = clerk.open(path)
        assert page.status == 200, path
        said = read(page)
        assert "Commerce 0" not in said and "Commerce 1" not in said and "boulangerie" not in said, path
    assert "120,00 €" in words(clerk.open(f"{base}/cloture.pdf").response.content)
    assert "Mme Jeanne Lefèvre-Œuvray" in read(clerk.open(f"{base}/relances.pdf"))
    assert clerk.open(f"{base}/relances.pdf?liste={list_id + 1}").path == f"{base}/relances"


def test_the_chamber_chooses_a_buyer_and_a_neighbour_sees_only_its_own(doors: Doors, town: Town) -> None:
    neighbour = a_buyer(doors.house, programme_id=town.programme_id, name="Commune voisine", at=clock.now())
    home = f"/p/{town.programme_id}"
    auditor = at_desk(doors, town, "auditor")
    assert f"{home}/campagne/{neighbour}" in auditor.open(f"{home}/campagne").links()
    assert auditor.open(f"{home}/campagne/{town.buyer_id}").status == 200
    assert auditor.open(f"{home}/campagne/{town.buyer_id}/relances").status == 403
    clerk = sits_down(doors, town.programme_id, "buyer_clerk", buyer_id=neighbour)
    assert "Campagne : Commune voisine" in clerk.open(f"{home}/campagne").text
    for path in ("", "/chiffres.csv", "/cloture.pdf", "/relances", "/relances.pdf", "/relances.csv"):
        assert clerk.open(f"{home}/campagne/{town.buyer_id}{path}").status == 403, path
    assert auditor.open(f"{home}/campagne/999").status == 404


def test_a_person_is_given_a_copy_and_is_erased_and_the_register_says_so_without_a_name(
    doors: Doors, town: Town
) -> None:
    list_id, (jeanne, _paul) = a_given_list(town, (JEANNE, 20), (PAUL, 10), at=clock.now())
    home = f"/p/{town.programme_id}"
    clerk = at_desk(doors, town, "buyer_clerk")
    page = clerk.open(f"{home}/donnees/personnes/{jeanne}")
    assert "12 rue du Quai" in page.text
    copy = clerk.send(page, "/copie", format="page")
    assert "Vos données : Mme Jeanne Lefèvre-Œuvray" in copy.text and "0000020" in copy.text
    kept = json.loads(clerk.send(page, "/copie", format="json").response.content)
    assert kept["last_name"] == "Lefèvre-Œuvray" and len(kept["vouchers"]) == 20
    gone = clerk.send(page, "/effacement")
    assert "Ses chèques restent valables" in gone.notice and "Jeanne" not in gone.text
    register = clerk.open(f"{home}/donnees")
    assert "Une personne effacée" in register.text and "Claude Martin" in register.text
    assert "Jeanne" not in register.text
    assert "Personne effacée n°" in clerk.open(f"{home}/donnees/{list_id}").text
    found = clerk.send(clerk.open(f"{home}/cheques/personne"), "/personne", name="jeanne")
    assert "Personne de ce nom" in found.text


def test_another_town_halls_people_are_not_shown_nor_handed_out_nor_erased(doors: Doors, town: Town) -> None:
    list_id, (jeanne, _paul) = a_given_list(town, (JEANNE, 20), (PAUL, 10), at=clock.now())
    neighbour = a_buyer(doors.house, programme_id=town.programme_id, at=clock.now())
    home = f"/p/{town.programme_id}"
    clerk = sits_down(doors, town.programme_id, "buyer_clerk", buyer_id=neighbour)
    mine = clerk.open(f"{home}/cheques/personne")
    assert "Personne de ce nom" in clerk.send(mine, "/personne", name="jeanne").text
    assert "Colis des aînés" not in clerk.open(f"{home}/donnees").text
    carried = {name: value for name, value in mine.form("/personne").form_values() if name in {"csrf", "key"}}
    for path in (f"{home}/donnees/{list_id}", f"{home}/donnees/personnes/{jeanne}"):
        assert clerk.open(path).status == 403, path
        assert clerk.post(f"{path}/effacement", **carried).status == 403, path
    assert clerk.post(f"{home}/donnees/personnes/{jeanne}/copie", **carried).status == 403
    assert clerk.open(f"{home}/donnees/personnes/{jeanne + 99}").status == 404
    own = at_desk(doors, town, "buyer_clerk").open(f"{home}/donnees/personnes/{jeanne}")
    assert "12 rue du Quai" in own.text


def test_a_list_is_purged_only_after_saying_so_while_money_is_left(doors: Doors, town: Town) -> None:
    list_id, _people = a_given_list(town, (JEANNE, 20), (PAUL, 10), at=clock.now())
    home = f"/p/{town.programme_id}"
    clerk = at_desk(doors, town, "buyer_clerk")
    page = clerk.open(f"{home}/donnees/{list_id}")
    refused = clerk.send(page, "/effacement")
    assert refused.status == 409 and "30 chèques non dépensés" in refused.refusal
    done = clerk.send(refused, "/effacement", although_unspent="1")
    assert "La liste est effacée" in done.notice and "2 personnes" in done.text
    assert not clerk.open(f"{home}/donnees/{list_id}").tree.xpath("//main//form")
    assert "Nguyen" not in clerk.open(f"{home}/campagne/{town.buyer_id}/relances").text
    town.spend(1, at=clock.now() + timedelta(seconds=1))
    town.books_hold()
