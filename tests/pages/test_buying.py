"""The town hall buys: from a spreadsheet to the sheet that elders sign, by filling in forms as they stand there."""

import io
import re
import time
from datetime import timedelta

import pypdfium2
import pytest

from tests.api.doors import Doors
from tests.makers import a_batch, a_buyer, a_chunk, an_order
from tests.pages.browsing import Browser, Page, sits_down
from vouchers import clock, issue, verify
from vouchers.order_book import Line

HOSTILE = '=HYPERLINK("x") <script>alert(1)</script>'
LISTED = (
    "Civilité;Nom;Prénom;Adresse;Code postal;Ville;Montant;Tournée\r\n"
    "Mme;Bébé-Noël;Zoé;1 rue Haute;04000;Digne;20;Nord\r\n"
    "Mme;BEBE NOEL;ZOE;1, rue haute;04000;DIGNE;20;Nord\r\n"
    "M.;Œuvrard;Loïc;2 rue Basse;4000;Digne;vingt;Sud\r\n"
    f'M.;"{HOSTILE.replace(chr(34), chr(34) * 2)}";Jean;3 rue Basse;04000;Digne;10;Sud\r\n'
    "M.;Émile 😀;Jean;4 rue Basse;04000;Digne;10;Sud\r\n"
)


@pytest.fixture
def programme_id(doors: Doors) -> int:
    return doors.programme(fee_bp=200)


class TownHall:
    """The people of one purchase, each at their own browser."""

    def __init__(self, doors: Doors, programme_id: int) -> None:
        self.doors, self.home = doors, f"/p/{programme_id}"
        self.buyer_id = a_buyer(doors.house, programme_id=programme_id, name="Mairie de Digne", at=clock.now())
        of = {"buyer_id": self.buyer_id}
        self.clerk = sits_down(doors, programme_id, "buyer_clerk", **of)
        self.mayor = sits_down(doors, programme_id, "buyer_approver", **of)
        self.treasurer = sits_down(doors, programme_id, "treasurer")
        self.approver = sits_down(doors, programme_id, "approver")

    def send_list(self, content: bytes, *, name: str = "liste.csv") -> Page:
        page = self.clerk.open(f"{self.home}/listes/nouvelle")
        return self.clerk.send(page, name="Aînés", files={"file": (name, content, "text/csv")})


@pytest.fixture
def hall(doors: Doors, programme_id: int) -> TownHall:
    return TownHall(doors, programme_id)


def issued(browser: Browser, page: Page) -> Page:
    """The page of a batch, once what goes on behind it is done."""
    until = time.monotonic() + 30
    while "Émission en cours" in page.text and time.monotonic() < until:
        time.sleep(0.05)
        page = browser.open(page.path)
    return page


def words(pdf: bytes) -> str:
    with pypdfium2.PdfDocument(io.BytesIO(pdf)) as document:
        return " ".join(page.get_textpage().get_text_range() for page in document)


def corrected_and_ordered(hall: TownHall) -> Page:
    """From the file to a draft order: one line put right, one double left out."""
    page = hall.send_list(LISTED.encode("utf-16"))
    assert page.status == 200 and page.path.endswith("/colonnes"), page.text
    assert "Bébé-Noël" in page.text
    page = hall.clerk.send(page, "/colonnes")
    assert "2 erreurs à corriger" in page.text
    assert "un montant est attendu" in page.text and "un code postal a cinq chiffres" in page.text
    assert HOSTILE not in page.response.text and "&lt;script&gt;" not in page.text
    page = hall.clerk.send(hall.clerk.open(f"{page.path}/lignes/4"), "/lignes/4", cell_4="04000", cell_6="20")
    assert page.notice == "La ligne est corrigée."
    assert "1 doublon à regarder" in page.text and "Même personne" in page.text
    page = hall.clerk.send(page, "/decision", drop="3")
    assert "4 chèques, pour 60,00 €" in page.text
    return hall.clerk.send(page, "/commande", purchase_order="BC-7")


def test_a_clerk_goes_from_a_spreadsheet_to_the_sheet_that_elders_sign(hall: TownHall) -> None:
    page = corrected_and_ordered(hall)
    assert "Commande n° 1" in page.text and "Total à payer61,44 €" in page.text
    page = hall.clerk.send(page, "/placement")
    assert "une autre personne doit l'approuver" in page.text

    path = page.path
    page = hall.mayor.send(hall.mayor.open(path), "/approbation")
    assert "RF" in page.text and page.notice == "La commande est approuvée."
    page = hall.treasurer.send(hall.treasurer.open(path), "/paiement", bank_reference="VIR 1")
    page = hall.treasurer.open(f"{path}/emission")
    page = issued(hall.treasurer, hall.treasurer.send(page))
    assert "Imprimer les planches, une seule fois" in page.text, page.text
    batch_path = page.path

    page = hall.clerk.send(hall.clerk.open(path), "/attribution")
    assert "l'état d'émargement est prêt" in page.notice
    sheet = words(hall.clerk.open(f"{hall.home}/listes/1/emargement.pdf").response.content)
    assert "Mme Bébé-Noël Zoé" in sheet and "<script>alert(1)</script>" in sheet and "Tournée : Nord" in sheet
    assert "En tout : 4 personnes, 4 chèques, 60,00" in sheet

    page = hall.treasurer.open(batch_path)
    sheets = hall.treasurer.send(page, "/planches").response
    assert sheets.headers["content-type"] == "application/pdf" and sheets.content.startswith(b"%PDF")
    assert hall.treasurer.send(page, "/remise").refusal, "the box has to be ticked"
    page = hall.treasurer.send(hall.treasurer.open(batch_path), "/remise", kept="1")
    assert "pas de réimpression" in page.text and "remplacez-le" in page.text
    page = hall.treasurer.send(page, "/livraison")
    page = hall.treasurer.open(batch_path)
    assert "une autre personne doit l'activer" in page.text
    page = hall.approver.send(hall.approver.open(batch_path), "/activation", received="1")
    assert "les chèques sont utilisables" in page.text
    later = (clock.book_day(clock.now()) + timedelta(days=220)).isoformat()
    page = hall.approver.send(page, "/prolongation", to_on=later)
    assert page.notice == "La validité est prolongée."
    assert "jusqu'au" in page.text and hall.clerk.open(path).text.count("Chèques émis") == 1


def test_an_order_by_quantity_shows_fee_and_total_and_can_be_changed_cancelled_and_read(hall: TownHall) -> None:
    page = hall.clerk.open(f"{hall.home}/commandes/nouvelle")
    refused = hall.clerk.send(page)
    assert refused.refusal and refused.status in {400, 422}
    page = hall.clerk.send(refused, face_1="10", quantity_1="5", face_2="20", quantity_2="2", purchase_order="BC 1")
    assert "Valeur des chèques90,00 €" in page.text and "Frais de gestion1,80 €" in page.text
    page = hall.clerk.send(hall.clerk.open(f"{page.path}/modifier"), "/modifier", quantity_1="6")
    assert "Valeur des chèques100,00 €" in page.text and "Total à payer102,40 €" in page.text
    quote = words(hall.clerk.open(f"{page.path}/devis.pdf").response.content)
    assert "Devis n° 1" in quote and "102,40" in quote and "n’est pas une facture" in quote and "RF" in quote
    assert hall.clerk.open(f"{page.path}/commande.pdf").status == 404
    page = hall.clerk.send(page, "/placement")
    assert "Bon de commande n° 1" in words(hall.clerk.open(f"{page.path}/commande.pdf").response.content)
    assert "1 commande vous attend" in hall.mayor.open(f"{hall.home}/commandes").text
    assert "vous attend" not in hall.treasurer.open(f"{hall.home}/commandes").text
    page = hall.clerk.send(page, "/annulation", reason="double commande")
    assert "Cette commande est annulée" in page.text and "double commande" in page.text


def test_a_signed_purchase_order_is_taken_within_the_cap_or_refused_with_the_reason(hall: TownHall) -> None:
    page = hall.clerk.send(hall.clerk.open(f"{hall.home}/commandes/nouvelle"), face_1="10", quantity_1="5")
    path = hall.clerk.send(page, "/placement").path
    page = hall.mayor.send(hall.mayor.open(path), "/approbation")
    page = hall.treasurer.send(hall.treasurer.open(path), "/acceptation", purchase_order="BC 9")
    assert "Plafond de crédit" in page.refusal
    assert "Émettre les chèques" not in hall.treasurer.open(path).text


def test_an_interrupted_issue_is_taken_up_again_by_pressing_the_button(doors: Doors, hall: TownHall) -> None:
    programme_id = int(hall.home.rpartition("/")[2])
    paid = an_order(doors.house, programme_id=programme_id, buyer_id=hall.buyer_id, lines=[Line(1_000, 30)])
    begun = a_batch(doors.house, paid=paid, upto="issuing")
    a_chunk(doors.house, begun=begun, quantity=7)
    page = hall.treasurer.open(f"{hall.home}/lots/{begun.number}")
    assert "s'est arrêtée à 7 chèques sur 30" in page.text
    assert "Refresh" not in page.response.headers
    assert "Reprendre" not in hall.clerk.open(page.path).text
    page = issued(hall.treasurer, hall.treasurer.send(page, "/reprise"))
    assert "Imprimer les planches" in page.text
    batch = doors.house.read(issue.find, programme_id=programme_id, number=begun.number)
    assert (batch.issued_count, batch.state) == (30, "issued")
    again = hall.treasurer.send(page, "/planches")
    assert again.response.content.startswith(b"%PDF")


def test_a_page_of_a_batch_under_way_looks_again_by_itself_and_two_presses_issue_once(
    doors: Doors, hall: TownHall
) -> None:
    programme_id = int(hall.home.rpartition("/")[2])
    an_order(doors.house, programme_id=programme_id, buyer_id=hall.buyer_id, lines=[Line(1_000, 20_000)])
    form = hall.treasurer.open(f"{hall.home}/commandes/1/emission")
    page = hall.treasurer.send(form)
    twice = hall.treasurer.send(form)
    assert page.path == twice.path
    if "patientez" in page.text:
        assert page.response.headers["Refresh"] == "2" and "chèques émis sur" in page.text
    issued(hall.treasurer, page)
    batch = doors.house.read(issue.find, programme_id=programme_id, number=1)
    assert (batch.issued_count, batch.state) == (20_000, "issued")


def test_whoever_buys_reaches_only_their_own_orders_lists_and_batches(doors: Doors, hall: TownHall) -> None:
    programme_id = int(hall.home.rpartition("/")[2])
    corrected_and_ordered(hall)
    paid = an_order(doors.house, programme_id=programme_id, buyer_id=hall.buyer_id)
    a_batch(doors.house, paid=paid, upto="issued")
    other = a_buyer(doors.house, programme_id=programme_id, at=clock.now())
    neighbour = sits_down(doors, programme_id, "buyer_clerk", buyer_id=other)
    for path in ("/commandes/1", "/commandes/1/devis.pdf", "/listes/1", "/listes/1/emargement.pdf", "/lots/1"):
        assert neighbour.open(hall.home + path).status == 403, path
        assert hall.clerk.open(hall.home + path).status == 200, path
    for path in ("/commandes", "/listes", "/lots"):
        assert "Digne" not in neighbour.open(hall.home + path).text
        assert "Digne" in hall.clerk.open(hall.home + path).text
        assert "Digne" in hall.treasurer.open(hall.home + path).text
    form = neighbour.open(f"{hall.home}/commandes/nouvelle")
    assert neighbour.send(form, buyer=hall.buyer_id, face_1="10", quantity_1="1").status == 403
    form = neighbour.open(f"{hall.home}/listes/nouvelle")
    file = {"file": ("x.csv", b"Nom\nA\n", "text/csv")}
    assert neighbour.send(form, buyer=hall.buyer_id, name="x", files=file).status == 403


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"%PDF-1.4", "c'est un PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "ancien classeur .xls"),
        (b"Nom;Ville\n", "vide"),
        (b"Nom;Ville\nA;B;C\n", "la ligne 2 a 3 cellules"),
    ],
)
def test_a_file_that_is_no_list_is_refused_in_words_and_nothing_typed_is_lost(
    hall: TownHall, content: bytes, sentence: str
) -> None:
    page = hall.send_list(content)
    assert sentence in page.refusal
    assert page.form().fields["name"] == "Aînés"


def test_a_list_is_thrown_away_and_a_column_twice_is_refused(hall: TownHall) -> None:
    page = hall.send_list(b"Nom;Ville\nA;B\n")
    refused = hall.clerk.send(page, "/colonnes", last_name="0", first_name="0", face_cents="10")
    assert "deux fois le même" in refused.refusal
    page = hall.clerk.send(refused, "/colonnes", last_name="0", first_name="", face_cents="10", each="2")
    assert "2 chèques, pour 20,00 €" in page.text
    page = hall.clerk.send(page, "/abandon")
    assert page.notice == "La liste est supprimée." and "Aucune liste" in page.text


def test_a_list_whose_order_was_cancelled_is_taken_up_and_ordered_again(hall: TownHall) -> None:
    page = corrected_and_ordered(hall)
    assert "Reprendre la liste" not in hall.clerk.open(f"{hall.home}/listes/1").text
    hall.clerk.send(page, "/annulation", reason="mauvaise date")
    seen = hall.clerk.open(f"{hall.home}/listes/1")
    page = hall.clerk.send(seen, "/reprise")
    assert page.path.endswith("/listes/2") and "4 chèques, pour 60,00 €" in page.text, "as it was corrected"
    assert hall.clerk.send(seen, "/reprise").path.endswith("/listes/2"), "the same press"
    old = hall.clerk.open(f"{hall.home}/listes/1").text
    assert "Bébé-Noël" in seen.text and "(données effacées)" in old and "Bébé-Noël" not in old, "nobody is kept twice"
    again = hall.clerk.send(page, "/commande", purchase_order="BC-8")
    assert "Commande n° 2" in again.text and "Total à payer61,44 €" in again.text
    assert not hall.doors.house.read(verify.verify)


def test_namesakes_at_other_addresses_are_kept_at_once_and_a_dropped_line_comes_back(hall: TownHall) -> None:
    rows = "".join(f"Martin;Jean;{at} rue Haute;10\n" for at in range(4))
    page = hall.clerk.send(hall.send_list(f"Nom;Prénom;Adresse;Montant\n{rows}".encode()), "/colonnes")
    assert "3 doublons à regarder" in page.text
    page = hall.clerk.send(page, re.search(r"/decision\?homonymes=1", page.response.text)[0])
    assert "4 chèques, pour 40,00 €" in page.text
    page = hall.clerk.send(hall.clerk.open(f"{page.path}/lignes/3"), "/decision")
    assert "3 chèques, pour 30,00 €" in page.text
    page = hall.clerk.send(page, "/decision?ligne=3", restore="3")
    assert "1 doublon à regarder" in page.text
