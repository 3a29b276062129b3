"""The papers of a shop: the convention to sign and the letter that makes a phone a till."""

import dataclasses
from datetime import UTC, date, datetime

import pypdfium2
import pytest

from vouchers.codes import pairing_text
from vouchers.paper import qr
from vouchers.paper.convention import RHYTHM_FR, Convention, convention_pdf
from vouchers.paper.pairing_letter import PairingLetter, drawing, pairing_letter, shown_code
from vouchers.paper.statement import Party
from vouchers.tables import RHYTHMS

CONVENTION = Convention(
    number="1-7",
    programme_name="Noël à Sainte-Mère",
    issuer=Party("CCI du Cotentin", ("1 place de la République", "50480 Sainte-Mère"), "12345678200010"),
    merchant=Party("SARL Lemoine", ("3 rue de l'Église", "50480 Sainte-Mère"), "12345678200010"),
    shop_name="Boulangerie Lemoine",
    trade="boulangerie",
    contact_name="Paul Lemoine",
    account="FR76 •••• 0189",
    starts_on=date(2026, 11, 1),
    expires_on=date(2027, 6, 30),
    presentation_deadline_on=date(2027, 9, 30),
    partial_use=False,
    commission_bp=500,
    vat_bp=2_000,
    reversal_window_minutes=15,
    rhythm="monthly",
    wording="",
)
LETTER = PairingLetter(
    programme_name="Noël à Sainte-Mère",
    issuer_name="CCI du Cotentin",
    shop_name="Boulangerie Lemoine",
    legal_name="SARL Lemoine",
    address=("3 rue de l'Église", "50480 Sainte-Mère"),
    host="CHEQUES.EXAMPLE.FR",
    code="ABCDE23456",
    expires_at=datetime(2026, 12, 6, 11, tzinfo=UTC),
    made_at=datetime(2026, 11, 22, 11, tzinfo=UTC),
)
LONG = "Très longue dénomination " * 12
HOSTILE = "<script>\u202e=CMD|'/C calc'!A0\u0007🎁"


def text(content: bytes) -> str:
    pages = pypdfium2.PdfDocument(content)
    return " ".join(" ".join(page.get_textpage().get_text_range().split()) for page in pages)


def test_the_convention_says_the_rules_of_its_programme() -> None:
    said = text(convention_pdf(CONVENTION))
    for wanted in ("5 %", "20 %", "30 juin 2027", "30 septembre 2027", "15 minutes", "chaque mois", "FR76"):
        assert wanted in said, wanted
    assert "SIRET 123 456 782 00010" in said.replace("\N{NO-BREAK SPACE}", " ")
    assert "L’émetteur" in said and "'" not in said, "one paper has one kind of apostrophe"
    free = text(convention_pdf(dataclasses.replace(CONVENTION, commission_bp=0, partial_use=True, account=None)))
    assert "Aucune commission" in free
    assert "en plusieurs fois" in free


def test_every_rhythm_of_payment_has_its_words() -> None:
    assert set(RHYTHM_FR) == set(RHYTHMS)


@pytest.mark.parametrize("name", [LONG, HOSTILE])
def test_a_name_of_any_kind_leaves_both_papers_whole(name: str) -> None:
    party = Party(name, (name, name), "12345678200010")
    told = dataclasses.replace(
        CONVENTION, merchant=party, issuer=party, shop_name=name, trade=name, contact_name=name, wording=f"{name}\n" * 9
    )
    letter = dataclasses.replace(LETTER, shop_name=name, legal_name=name, issuer_name=name, address=(name, name))
    assert "Pour le commerçant" in text(convention_pdf(told))
    drawn = pairing_letter(letter)
    assert len(pypdfium2.PdfDocument(drawn)) == 1
    assert "ABCDE 23456" in text(drawn)
    assert "\u202e" not in text(drawn) + text(convention_pdf(told))


def test_the_same_values_are_the_same_bytes() -> None:
    assert convention_pdf(CONVENTION) == convention_pdf(CONVENTION)
    assert pairing_letter(LETTER) == pairing_letter(LETTER)


def test_the_letter_is_read_by_a_camera_and_typed_by_hand() -> None:
    page = pypdfium2.PdfDocument(pairing_letter(LETTER))[0]
    picture = page.render(scale=2, grayscale=True).to_pil()
    assert list(qr.read_upright(picture)) == [pairing_text(LETTER.host, LETTER.code)]
    said = text(pairing_letter(LETTER))
    assert shown_code(LETTER.code) in said
    assert "https://cheques.example.fr/till/" in said


def test_the_code_on_screen_draws_the_same_modules_as_the_letter() -> None:
    shown = drawing(LETTER.host, LETTER.code)
    made = qr.modules(pairing_text(LETTER.host, LETTER.code))
    assert shown.side == made.side + 2 * qr.QUIET_MODULES
    lengths = [int(part.split("v")[0]) for part in shown.path.split("h")[1:] if "v" in part]
    assert sum(lengths) == made.square.count(0)
