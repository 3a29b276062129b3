"""The command that takes what the bank sent, as a treasurer types it or cron runs it."""

from pathlib import Path

from tests.bank_words import a_file
from tests.makers import a_buyer, an_order
from tests.test_cli import at_home, treasury, typed
from vouchers import order_book
from vouchers.order_book import Line

__all__ = ["at_home"]


def test_a_treasurer_takes_a_statement_from_a_file_and_books_what_is_certain(at_home: Path) -> None:
    house, anne, bruno = treasury(at_home)
    buyer_id = a_buyer(house, programme_id=1)
    owing = an_order(house, programme_id=1, buyer_id=buyer_id, upto="approved", lines=(Line(1_000, 9),))
    _, content, _ = a_file(house, 1, (90, "SGC", owing.rf_reference), (5, "INCONNU", "virement"))
    (at_home / "releve.xml").write_bytes(content)
    command = ("bank-statement", "releve.xml", "--as")
    assert typed(*command, "bruno@example.fr", password=bruno, refused=True) == "forbidden"
    told = " ".join(typed(*command, "anne@example.fr", password=anne).split())
    assert "Relevé REL-1 du " in told and "lignes nouvelles : 2." in told
    assert "Rapprochements certains à enregistrer : 1. Banque : 1 095,00 €" in told.replace("\u202f", " ").replace(
        "\u00a0", " "
    )
    assert typed(*command, "anne@example.fr", password=anne, refused=True) == "statement_known"
    _, content, _ = a_file(house, 1, (7, "INCONNU", "virement"), name="REL-2", opening=1_200)
    (at_home / "releve.xml").write_bytes(content)
    told = " ".join(typed(*command, "anne@example.fr", "--certain", password=anne).split())
    assert "Il manque un relevé avant lui" in told
    assert "Rapprochements certains enregistrés : 1." in told
    assert house.read(order_book.find, programme_id=1, number=owing.number).state == "paid"
