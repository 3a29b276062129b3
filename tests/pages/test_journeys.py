"""The journeys of the desks in real browsers, on a real server with the demonstration's data.

A treasurer from set-up to bank file, with a second person approving; a clerk from list to hand-out sheet; a merchant
from sign-up to first redemption; an elder's phone on the voucher's page; the same desks by keyboard alone, and with no
script at all. Each ends with the books: what people did by hand is what `vouchers verify` finds.
"""

import hashlib
import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Page, expect
from PIL import Image

from tests.demonstration import TownHall
from tests.makers import a_siret, an_iban
from tests.pages.steps import (
    Paper,
    Seat,
    papers,
    pdf_text,
    seat,
    seat_since_this_morning,
    signs_in_by_password,
    signs_in_of,
    spend,
    tab_to,
)
from tests.phone import ANSWERED_MS, Phone, needs_chromium
from vouchers import clock
from vouchers.paper.voucher_sheet import read_codes
from vouchers.verify import verify

pytestmark = needs_chromium

TREASURER, APPROVER, CLERK, DEPUTY = "trésorier", "approbatrice", "agente de la commune", "adjoint de la commune"


def books_hold(desks: TownHall) -> None:
    """`vouchers verify` has nothing to say."""
    assert [str(fault) for fault in desks.house.read(verify)] == []


# ── The treasurer ────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_treasurer_prepares_the_next_programme_and_an_administrator_opens_it(desks: TownHall) -> None:
    treasurer, administrator = seat(desks, TREASURER), seat_since_this_morning(desks, "administrateur")
    first = clock.book_day(clock.now()) + timedelta(days=300)
    treasurer.menu("Dispositif")
    treasurer.follow("Préparer un nouveau dispositif")
    treasurer.press("Commencer")
    answers: tuple[dict[str, Any], ...] = (
        {"contact": "02 31 00 00 00"},
        {"name": "Pâques au Pays d'Auge", "target_cents": "80 000"},
        {
            "starts_on": first.isoformat(),
            "expires_on": (first + timedelta(days=200)).isoformat(),
            "presentation_deadline_on": (first + timedelta(days=250)).isoformat(),
        },
        {"face_values": "5 10 20", "use_rule": "partial", "reversal_window_minutes": "20"},
        {"commission_bp": "4,5", "rhythm": "monthly", "lapse_to": "buyer"},
        {"allowed": "no"},
        {"legal_wording": "Une question ? 02 31 00 00 00.", "colour": "#7a1f4d"},
    )
    for place, answer in enumerate(answers, start=1):
        treasurer.reads(f"Nouveau dispositif, étape {place} sur {len(answers)}")
        treasurer.types(**answer)
        treasurer.press("Enregistrer et continuer")
    treasurer.reads("Pâques au Pays d'Auge", "80 000,00 €", "4,50 %", "5 €, 10 €, 20 €")
    treasurer.press("Demander l'ouverture")
    treasurer.to_do("Un autre administrateur doit l'ouvrir")

    administrator.menu("Dispositif")
    administrator.to_do("Un nouveau dispositif attend votre accord")
    administrator.follow("Relire et ouvrir")
    administrator.reads("Pâques au Pays d'Auge", "80 000,00 €")
    administrator.press("Ouvrir ce dispositif")
    administrator.proves_again(signs_in_of(desks, "administrateur"))
    administrator.press("Ouvrir ce dispositif")
    administrator.done("Le dispositif est ouvert.")

    treasurer.page.reload()
    treasurer.follow("Y aller")
    expect(treasurer.page.get_by_role("heading", level=1)).to_have_text("Pâques au Pays d'Auge")
    treasurer.page.get_by_text("Changer de dispositif").click()
    treasurer.page.get_by_role("link", name="Noël au Pays d'Auge").click()
    expect(treasurer.page).to_have_url(desks.home)
    books_hold(desks)


def test_a_settlement_goes_from_proposal_to_bank_file_by_two_people_who_see_one_fingerprint(desks: TownHall) -> None:
    spent = papers(desks, state="active", few=4)
    held_at, paid_at = spend(desks, spent[:3], at_till=5), spend(desks, spent[3:], at_till=9)
    treasurer, approver = seat(desks, TREASURER), seat_since_this_morning(desks, APPROVER)

    treasurer.menu("Règlements")
    treasurer.press("Proposer le règlement")
    treasurer.done("Le règlement est proposé.")
    treasurer.to_do("Une autre personne doit approuver")
    treasurer.page.locator(f'a[href$="/commercants/{held_at}"]').click()
    treasurer.reads(*(paper.number for paper in spent[:3]))
    before = treasurer.page.locator("dl.figures").inner_text()
    assert "30,00 €" in before.replace("\u202f", " ").replace("\xa0", " ")
    treasurer.follow(f"Retenir {spent[1].number}")
    treasurer.types(because="chèque signalé perdu par la mairie")
    treasurer.press("Retenir")
    treasurer.done("C'est retenu.")
    treasurer.page.locator(f'a[href$="/commercants/{held_at}"]').click()
    treasurer.reads(spent[0].number, spent[2].number, "chèque signalé perdu par la mairie")
    expect(treasurer.page.get_by_role("row", name=re.compile(rf"Chèque accepté {spent[1].number}"))).to_have_count(0)
    treasurer.follow(re.compile("^Règlement 3$"))

    approver.to_do(re.compile("à confirmer|à approuver"))
    approver.menu("Règlements")
    approver.follow("Ouvrir le règlement 3")
    asked = approver.to_do(re.compile("Vérifier, puis approuver"))
    assert "€" in asked.inner_text()
    approver.press("Approuver le règlement")
    approver.proves_again(signs_in_of(desks, APPROVER))
    approver.press("Approuver le règlement")
    approver.done("Le règlement est approuvé.")
    noted = fingerprint(approver.page)

    treasurer.page.reload()
    assert fingerprint(treasurer.page) == noted
    treasurer.press("Préparer le fichier")
    treasurer.done("Le fichier est prêt")
    assert fingerprint(treasurer.page) == noted
    file = treasurer.gets("Télécharger le fichier de virement", "link")
    assert hashlib.sha256(file.read_bytes()).hexdigest() == noted
    treasurer.open("Vérifier un fichier téléchargé")
    treasurer.types(file=file)
    treasurer.press("Comparer")
    treasurer.reads("C'est le même fichier, octet pour octet.")
    treasurer.press("La banque a payé")
    treasurer.done("Le règlement est exécuté")
    treasurer.page.locator(f'a[href$="/commercants/{paid_at}"]').click()
    treasurer.open("La banque a rejeté ce virement")
    treasurer.types(code="AC04")
    treasurer.press("Noter le rejet")
    treasurer.done("Le rejet est noté")
    expect(treasurer.page.get_by_role("row").filter(has=treasurer.page.locator(f'a[href$="/{paid_at}"]'))).to_contain_text(
        "rejeté par la banque"
    )
    treasurer.menu("Règlements")
    treasurer.reads("chèque signalé perdu par la mairie", "Dû en tout")
    treasurer.to_do("Proposer un règlement")
    books_hold(desks)


def fingerprint(page: Page) -> str:
    """The SHA-256 as it stands on the page, in groups of eight for the eye."""
    shown = page.locator(".fingerprint code").inner_text()
    return "".join(shown.split())
