"""The bank's pages: a file is sent, lines are decided one by one or all at once, and a page says where one stands."""

import pytest

from tests.api.conftest import Town
from tests.api.doors import Doors
from tests.bank_words import a_file
from tests.makers import a_buyer, an_order
from tests.pages.browsing import Browser, Page, sits_down
from vouchers import clock, order_book
from vouchers.order_book import Line, Order


@pytest.fixture
def treasurer(doors: Doors, town: Town) -> Browser:
    return sits_down(doors, town.programme_id, "treasurer")


def owing(doors: Doors, town: Town, *, buyer: str, quantity: int) -> Order:
    buyer_id = a_buyer(doors.house, programme_id=town.programme_id, name=buyer)
    lines = (Line(1_000, quantity),)
    return an_order(doors.house, programme_id=town.programme_id, buyer_id=buyer_id, upto="approved", lines=lines)


def sent(treasurer: Browser, town: Town, file: tuple[str, bytes, str]) -> Page:
    page = treasurer.open(f"/p/{town.programme_id}/banque")
    return treasurer.send(page, "/banque", files={"file": file})


def state_of(doors: Doors, order: Order) -> str:
    return doors.house.read(order_book.find, programme_id=order.programme_id, number=order.number).state


def decided(treasurer: Browser, page: Page, what: str, **typed: str) -> Page:
    """Send the form of a line that decides `what`."""
    (form,) = page.tree.xpath(f"//main//form[.//input[@name='what' and @value='{what}']]")
    fields = dict(form.form_values()) | typed
    return Page(treasurer.client.post(form.get("action"), data=fields))


def test_a_statement_is_sent_and_what_is_certain_is_recorded_by_one_press(
    doors: Doors, town: Town, treasurer: Browser
) -> None:
    first = owing(doors, town, buyer="Commune de Sainte-Mère", quantity=9)
    second = owing(doors, town, buyer="Commune de Picauville", quantity=4)
    file = a_file(
        doors.house,
        town.programme_id,
        (90, "DDFIP MANCHE", f"MDT 12 {first.rf_reference}"),
        (41, "SGC", f"{second.rf_reference}"),
        (-3, "", "FRAIS DE TENUE DE COMPTE"),
    )
    taken = sent(treasurer, town, file)
    assert taken.path == f"/p/{town.programme_id}/banque/releves/1"
    assert "Commune de Sainte-Mère, commande n° " in taken.text
    assert "retrouvée dans le texte ; le montant est celui qui est dû." in taken.text
    assert "1,00 € de plus que ce qui est dû" in taken.text

    page = treasurer.open(f"/p/{town.programme_id}/banque")
    assert "1 rapprochement certain à enregistrer" in page.text
    page = treasurer.send(page, "/banque/certains")
    assert page.notice == "Les rapprochements certains sont enregistrés."
    assert (state_of(doors, first), state_of(doors, second)) == ("paid", "approved")
    home = treasurer.open(f"/p/{town.programme_id}")
    assert "2 lignes de la banque à traiter" in home.text

    line = treasurer.open(f"/p/{town.programme_id}/banque/lignes/2")
    done = decided(treasurer, line, "confirm")
    assert done.notice == "C'est enregistré."
    assert "Commande n° " in done.text and state_of(doors, second) == "paid"
    assert "Mettre en attente" not in done.text


def test_a_line_that_nobody_knows_is_shared_out_by_hand_and_a_wrong_sum_says_so(
    doors: Doors, town: Town, treasurer: Browser
) -> None:
    one = owing(doors, town, buyer="Mairie A", quantity=3)
    two = owing(doors, town, buyer="Mairie B", quantity=2)
    sent(treasurer, town, a_file(doors.house, town.programme_id, (50, "INCONNU", "virement")))
    page = treasurer.open(f"/p/{town.programme_id}/banque/lignes/1?q=mairie")
    assert "à vous de dire ce que c'est" in page.text
    shares = {"order_1": str(one.number), "cents_1": "30", "order_2": str(two.number), "cents_2": "19,99"}
    wrong = decided(treasurer, page, "orders", **shares)
    assert wrong.status == 409
    assert wrong.refusal == "La banque indique 50,00 €, ceci fait 49,99 € : les deux doivent être égaux."
    done = decided(treasurer, page, "orders", **shares | {"cents_2": "20"})
    assert done.notice == "Le paiement est enregistré."
    assert (state_of(doors, one), state_of(doors, two)) == ("paid", "paid")


def test_money_waits_is_allotted_later_and_a_line_set_aside_is_taken_up_again(
    doors: Doors, town: Town, treasurer: Browser
) -> None:
    bought = owing(doors, town, buyer="Mairie A", quantity=3)
    sent(
        treasurer, town, a_file(doors.house, town.programme_id, (30, "INCONNU", "virement"), (7, "AUTRE", "cotisation"))
    )
    home = f"/p/{town.programme_id}"
    waits = decided(treasurer, treasurer.open(f"{home}/banque/lignes/1"), "wait")
    assert "30,00 € attendent d'être affectés" in waits.text
    assert "1 somme reçue à affecter" in treasurer.open(home).text
    done = decided(treasurer, waits, "allot", order_1=str(bought.number), cents_1="30")
    assert state_of(doors, bought) == "paid"
    assert "attendent d'être affectés" not in done.text

    nothing_said = decided(treasurer, treasurer.open(f"{home}/banque/lignes/2"), "set_aside", because="")
    assert nothing_said.status == 422
    aside = decided(treasurer, nothing_said, "set_aside", because="autre dispositif")
    assert "autre dispositif" in aside.text
    again = decided(treasurer, aside, "reopen")
    assert "Ni référence, ni nom reconnus" in again.text


def test_a_file_that_is_no_statement_of_ours_is_refused_beside_its_field_and_nothing_is_done(
    doors: Doors, town: Town, treasurer: Browser
) -> None:
    file = a_file(doors.house, town.programme_id, (30, "INCONNU", "virement"))
    name, content, kind = file
    broken = sent(treasurer, town, (name, content[:-40], kind))
    assert broken.status == 422 and "ce n'est pas du XML lisible" in broken.text
    other = content.replace(b"<IBAN>FR", b"<IBAN>DE")
    assert "compte finissant par" in sent(treasurer, town, (name, other, kind)).refusal
    wrong = sent(treasurer, town, (name, content.replace(b"1030.00", b"1031.00"), kind))
    assert wrong.status == 422 and "ne tombe pas juste" in wrong.text
    empty = treasurer.send(treasurer.open(f"/p/{town.programme_id}/banque"), "/banque")
    assert empty.status == 422
    sent(treasurer, town, file)
    again = sent(treasurer, town, file)
    assert again.status == 409
    assert again.refusal == "Ce relevé (REL-1) est déjà enregistré : rien n'a été fait."


def test_a_payment_typed_before_is_recognised_by_hand_and_not_counted_again(
    doors: Doors, town: Town, treasurer: Browser
) -> None:
    sent(treasurer, town, a_file(doors.house, town.programme_id, (300, "INCONNU", "sans référence")))
    page = treasurer.open(f"/p/{town.programme_id}/banque/lignes/1")
    assert "Ce qui a déjà été saisi à la main" in page.text
    (typed_before,) = page.tree.xpath("//select[@name='fact']/option[@value != '']/@value")
    done = decided(treasurer, page, "recognise", fact=typed_before)
    assert done.notice == "C'est enregistré."
    assert "(saisi à la main avant le relevé)" in done.text


def test_a_missing_statement_and_the_difference_to_the_bank_are_shown_with_their_reasons(
    doors: Doors, town: Town, treasurer: Browser
) -> None:
    sent(treasurer, town, a_file(doors.house, town.programme_id, (30, "A", "x")))
    sent(treasurer, town, a_file(doors.house, town.programme_id, (5, "B", "y"), name="REL-2", opening=1_100))
    page = treasurer.open(f"/p/{town.programme_id}/banque")
    assert "il manque un relevé avant" in page.text
    (still_open,) = page.tree.xpath("//main//tr[td='Lignes encore à traiter']/td[@class='num']")
    assert " ".join(still_open.text_content().split()) == "+ 35,00 €"
    assert "il manque un relevé, pour 70,00 €" in treasurer.open(f"/p/{town.programme_id}/banque/releves/2").text


def test_who_only_reads_sees_the_lines_and_no_form_and_a_payers_words_are_only_words(
    doors: Doors, town: Town, treasurer: Browser
) -> None:
    sent(treasurer, town, a_file(doors.house, town.programme_id, (30, "&lt;script&gt;alert(1)&lt;/script&gt;", "=1+1")))
    auditor = sits_down(doors, town.programme_id, "auditor")
    for path in ("", "/lignes/1", "/releves/1"):
        page = auditor.open(f"/p/{town.programme_id}/banque{path}")
        assert page.status == 200
        assert page.tree.xpath("//main//form[@method='post']") == []
        assert "<script>alert(1)</script>" in page.text
        assert page.tree.xpath("//script[contains(., 'alert')]") == []


def test_transfers_that_came_back_less_a_fee_are_found_by_hand_typed_before_or_not(
    doors: Doors, town: Town, treasurer: Browser
) -> None:
    at = clock.now()
    town.spend(1, at=at)
    town.spend(2, shop=1, at=at)
    run = town.export(town.approve(town.propose(clock.book_day(at), at=at), at=at), at=at)
    town.execute(run, at=at)
    town.returned(run, 1, at=at)
    sent(treasurer, town, a_file(doors.house, town.programme_id, (8, "BANQUE", "impayé"), (9, "BANQUE", "impayé")))
    page = treasurer.open(f"/p/{town.programme_id}/banque/lignes/1")
    (choice,) = page.tree.xpath("//select[@name='transfer']/option[@value != '']")
    assert "9,40\N{NO-BREAK SPACE}€ moins 1,40\N{NO-BREAK SPACE}€ de frais" in choice.text
    done = decided(treasurer, page, "return", transfer=choice.get("value"))
    assert done.notice.startswith("Le rejet est noté")
    assert "rejeté : 9,40 €" in done.text and "Frais de la banque : −1,40 €" in done.text

    page = treasurer.open(f"/p/{town.programme_id}/banque/lignes/2")
    (typed_before,) = page.tree.xpath("//select[@name='fact']/option[@value != '']/@value")
    bent = decided(treasurer, page, "recognise", fact=typed_before.replace("-40", "-39"))
    assert bent.status == 409
    done = decided(treasurer, page, "recognise", fact=typed_before)
    assert "(saisi à la main avant le relevé)" in done.text and "Frais de la banque : −0,40 €" in done.text
    town.books_hold()
