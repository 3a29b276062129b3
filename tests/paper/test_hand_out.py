"""The papers of a purchase: what it costs, and who signs for what. Read back from the finished page."""

import io
from datetime import date

import pypdfium2
import pytest

from vouchers.paper.hand_out import ROWS_ON_A_PAGE, Handed, HandOut, runs, write_hand_out
from vouchers.paper.quote import Quote, QuoteDoesNotAdd, quote_pdf
from vouchers.paper.statement import Party

SHEET = HandOut("Noël", "Mairie de Digne", "Aînés", 7, date(2027, 6, 30))
LONG = "Mme DE LA ROCHEFOUCAULD-MONTBÉLIARD-SAINTE-CROIX-DU-MONT Jeanne Emmanuelle"


def person(at: int, called: str = "Nord", name: str = "Mme Zola Zoé") -> Handed:
    return Handed(called, name, "1 rue Haute, 04000 Digne", (2 * at, 2 * at + 1), 2, 2_000)


def pages_of(pdf: bytes) -> list[str]:
    with pypdfium2.PdfDocument(io.BytesIO(pdf)) as document:
        return [page.get_textpage().get_text_range() for page in document]


def drawn(*people: Handed) -> list[str]:
    out, again = io.BytesIO(), io.BytesIO()
    count = write_hand_out(out, sheet=SHEET, people=people)
    write_hand_out(again, sheet=SHEET, people=people)
    assert out.getvalue() == again.getvalue(), "the same people, the same bytes"
    found = pages_of(out.getvalue())
    assert len(found) == count
    return found


def test_each_round_begins_a_page_and_each_page_says_what_it_gives() -> None:
    people = [*(person(at) for at in range(ROWS_ON_A_PAGE + 2)), person(90, "Sud", LONG)]
    first, second, third = drawn(*people)
    assert "Tournée : Nord" in first and "Tournée : Nord" in second and "Tournée : Sud" in third
    assert "Cette page : 2 personnes, 4 chèques" in second and "En tout" not in second
    assert f"En tout : {len(people)} personnes, {2 * len(people)} chèques" in third
    assert "SAINTE-CROIX-DU-MONT" in third and "Page 3/3" in third


def test_hostile_and_erased_names_are_printed_as_plain_text() -> None:
    (page,) = drawn(person(1, name="=CMD|x <script>alert(1)</script> \u202e😀"), person(2, name=""))
    assert "=CMD|x <script>alert(1)</script>" in page.replace("\r\n", " ") and "(données effacées)" in page


def test_a_list_of_nobody_is_one_page_that_says_so() -> None:
    (page,) = drawn()
    assert "En tout : 0 personne, 0 chèque" in page


def test_serials_are_written_as_they_are_counted_off_a_pile() -> None:
    assert runs((1, 2, 3, 7, 9, 10)) == "0000001 à 0000003, 0000007, 0000009, 0000010"
    assert runs(()) == ""


def quote(**other: object) -> Quote:
    values: dict[str, object] = {
        "kind": "quote",
        "number": 42,
        "made_on": date(2026, 11, 22),
        "programme_name": "Noël",
        "issuer": Party("CCI du Cotentin", ("50480 Sainte-Mère",), "12345678900012"),
        "buyer": Party("=Mairie <b>", ("2 rue de l'Église",)),
        "lines": ((1_000, 120), (2_000, 300)),
        "fee_cents": 14_400,
        "vat_bp": 2_000,
        "fee_vat_cents": 2_880,
        "total_cents": 737_280,
        "rf_reference": "RF601C000042",
        "expires_on": date(2027, 6, 30),
    }
    return Quote(**{**values, **other})


def test_a_quote_says_what_it_costs_and_that_it_is_no_invoice() -> None:
    (page,) = pages_of(quote_pdf(quote()))
    for said in ("Devis n° 42", "n’est pas une facture", "RF60 1C00 0042", "=Mairie <b>", "hors champ de la TVA"):
        assert said in page, said
    plain = page.replace("\u00a0", " ")
    assert "7 372,80" in plain and "28,80" in plain
    assert "Total TTC à payer" in plain
    (bare,) = pages_of(quote_pdf(quote(vat_bp=0, fee_vat_cents=0, total_cents=734_400)))
    assert "Total à payer" in bare and "TTC" not in bare
    (ordered,) = pages_of(quote_pdf(quote(kind="order", purchase_order="BC 9")))
    assert "Bon de commande n° 42" in ordered and "BC 9" in ordered


def test_a_quote_that_does_not_add_up_is_not_printed() -> None:
    with pytest.raises(QuoteDoesNotAdd):
        quote(total_cents=737_281)
