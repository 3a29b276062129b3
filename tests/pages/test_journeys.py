"""The journeys of the desks in real browsers, on a real server with the demonstration's data.

A treasurer from set-up to bank file, with a second person approving; a clerk from list to hand-out sheet; a merchant
from sign-up to first redemption; an order's invoices and the bank's statement that pays it, a shop's papers, the
closing dossier; an elder's phone on the voucher's page; the same desks by keyboard alone, and with no script at all.
Each ends with the books: what people did by hand is what `vouchers verify` finds.
"""

import hashlib
import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Page, expect

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
from vouchers import bank_statements, clock, demo_bank, money, order_book, order_desk
from vouchers.fact_words import statement_name
from vouchers.paper.voucher_sheet import read_codes
from vouchers.rules import rules
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
    treasurer.reads("Pâques au Pays d'Auge", "80 000,00 €", "4,5 %", "5 €, 10 €, 20 €")
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
    held_at, paid_at = spend(desks, spent[:3], at_till=5), spend(desks, spent[3:], at_till=12)
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
    expect(
        treasurer.page.get_by_role("row").filter(has=treasurer.page.locator(f'a[href$="/{paid_at}"]'))
    ).to_contain_text("rejeté par la banque")
    treasurer.menu("Règlements")
    treasurer.reads("chèque signalé perdu par la mairie", "Dû en tout")
    treasurer.to_do("Proposer un règlement")
    books_hold(desks)


def fingerprint(page: Page) -> str:
    """The SHA-256 as it stands on the page, in groups of eight for the eye."""
    shown = page.locator(".fingerprint code").inner_text()
    return "".join(shown.split())


# ── The papers ───────────────────────────────────────────────────────────────────────────────────────────────────
_PRESSED_MS: Final = 60_000
"""Papers of a run are made in the background; their page looks again every few seconds."""


def sha256(file: Path) -> str:
    """As the journal has it."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_an_order_is_invoiced_and_the_statement_of_the_bank_pays_it(desks: TownHall, tmp_path: Path) -> None:
    programme_id = desks.demonstration.story.programme_id
    waits = next(
        one for one in desks.house.read(order_desk.orders, programme_id=programme_id, limit=50) if one.state == "placed"
    )
    name = f"Commande n° {waits.number}"
    deputy, treasurer = seat(desks, DEPUTY), seat(desks, TREASURER)
    deputy.menu("Commandes")
    deputy.follow(name)
    deputy.press("Approuver la commande")

    treasurer.menu("Commandes")
    treasurer.follow(name)
    treasurer.follow("Facturer la commande")
    treasurer.to_do("Facturer la commande")
    treasurer.press("Facturer")
    treasurer.done("La commande est facturée.")
    treasurer.reads("Facture, valeur des chèques", "Facture, frais de gestion")

    approved = desks.house.read(order_book.find, programme_id=programme_id, number=waits.number)
    reference = approved.rf_reference
    spaced = " ".join(reference[at : at + 4] for at in range(0, len(reference), 4))
    issuer = desks.house.read(rules, programme_id=programme_id)
    said = tmp_path / "releve.xml"
    said.write_bytes(
        demo_bank.camt_053(
            iban=issuer.issuer_iban or "",
            holder=issuer.issuer_name,
            number=3,
            opening_cents=desks.house.read(bank_statements.standing, programme_id=programme_id).bank_cents,
            transfers=[
                demo_bank.Transfer(
                    clock.book_day(clock.now()), approved.total_cents, "SGC DE LISIEUX", f"MANDAT 1203 {spaced}"
                )
            ],
        )
    )
    treasurer.menu("Banque")
    treasurer.types(file=said)
    treasurer.press("Prendre ce fichier")
    treasurer.done("Le fichier de la banque est pris.")
    treasurer.menu("Banque")
    treasurer.to_do("1 rapprochement certain à enregistrer")
    treasurer.press("Enregistrer 1 rapprochement certain")
    treasurer.done("Les rapprochements certains sont enregistrés.")

    treasurer.menu("Commandes")
    treasurer.follow(name)
    treasurer.to_do("Émettre les chèques")
    treasurer.reads(money.euros_fr(approved.total_cents))
    books_hold(desks)


def test_a_shop_downloads_the_very_papers_that_the_treasurer_made(desks: TownHall) -> None:
    shop = spend(desks, papers(desks, state="active", few=3), at_till=1)
    treasurer, approver = seat(desks, TREASURER), seat(desks, APPROVER)
    treasurer.menu("Règlements")
    treasurer.press("Proposer le règlement")
    treasurer.done("Le règlement est proposé.")
    number = int(treasurer.page.url.rpartition("/")[2])
    approver.menu("Règlements")
    approver.follow(f"Ouvrir le règlement {number}")
    approver.press("Approuver le règlement")
    approver.done("Le règlement est approuvé.")

    treasurer.page.reload()
    treasurer.follow("Relevés et factures de commission")
    treasurer.press("Établir les relevés et les factures")
    expect(treasurer.page.get_by_role("link", name="Tout télécharger (ZIP)")).to_be_visible(timeout=_PRESSED_MS)
    row = treasurer.page.get_by_role("row").filter(has=treasurer.page.locator(f'a[href$="/commercants/{shop}"]'))
    invoice = row.get_by_role("link", name="C1-").inner_text().split()[-1]
    statement = statement_name(desks.demonstration.story.programme_id, number, shop)
    made = [treasurer.gets(name, "link") for name in (f"n° {statement}", f"n° {invoice}")]

    owner = seat(desks, "commerçante")
    owner.menu("Règlements")
    got = [owner.gets(f"Relevé (PDF) {number}", "link"), owner.gets(invoice, "link")]
    assert [sha256(one) for one in got] == [sha256(one) for one in made]
    assert invoice in pdf_text(got[0])
    assert invoice in pdf_text(got[1])
    owner.menu("Factures et pièces")
    assert sha256(owner.gets(invoice, "link")) == sha256(made[1])
    books_hold(desks)


def test_the_clerk_downloads_the_invoice_of_her_order_and_compares_its_fingerprint(desks: TownHall) -> None:
    clerk = seat(desks, CLERK)
    clerk.menu("Commandes")
    clerk.follow("n° 1")
    clerk.follow("Envoyer la facture, vérifier les fichiers")
    link = clerk.page.get_by_role("link", name=re.compile("^T1-"))
    invoice = clerk.gets(link.inner_text(), "link")
    clerk.open("Empreintes des fichiers")
    clerk.reads(sha256(invoice))
    says = pdf_text(invoice)
    assert "40 000,00 €" in says.replace("\u202f", " ").replace("\xa0", " ")
    assert link.inner_text() in says


def test_the_treasurer_closes_an_order_and_downloads_the_same_dossier_twice(desks: TownHall) -> None:
    treasurer = seat(desks, TREASURER)
    treasurer.menu("Clôture")
    treasurer.page.get_by_role("button", name="Établir son dossier").first.click()
    made = treasurer.page.get_by_role("status")
    expect(made).to_contain_text("Le dossier est établi, signé et conservé.", timeout=_PRESSED_MS)
    name = treasurer.page.get_by_role("link", name=re.compile("^D1-")).first.inner_text()
    first, second = (treasurer.gets(name, "link") for _ in range(2))
    assert first.read_bytes() == second.read_bytes()
    treasurer.reads(sha256(first))
    assert name in pdf_text(first)
    books_hold(desks)


# ── The town hall ────────────────────────────────────────────────────────────────────────────────────────────────
_LIST: Final = """Civilité;Nom d'usage;Prénom;Voie;CP;Commune;Tournée;Nb;Euros
Mme;Lecœur;Éliane;3 rue de l'Église;14170;Saint-Pierre-en-Auge;Centre;2;10
M.;d'Ornano;Loïc;12 hameau de la Cour-Neuve;1417;Saint-Pierre-en-Auge;Hameaux;2;10
Mme;Lefèvre;Zoé;7 place de la Halle;14170;Saint-Pierre-en-Auge;Centre;1;20
MME;LEFEVRE;ZOE;7, place de la Halle;14170;ST-PIERRE-EN-AUGE;Centre;1;20
M.;Thiébault;Noël;1 chemin des Pommiers;14170;Saint-Pierre-en-Auge;Nord;3;10
"""


def test_a_clerk_goes_from_a_list_to_the_sheet_that_everybody_signs(desks: TownHall, tmp_path: Path) -> None:
    brought = tmp_path / "anciens été.csv"
    brought.write_bytes(_LIST.replace("\n", "\r\n").encode("cp1252"))
    clerk, deputy, treasurer, approver = (seat(desks, role) for role in (CLERK, DEPUTY, TREASURER, APPROVER))

    clerk.menu("Listes de bénéficiaires")
    clerk.follow("Envoyer une liste")
    clerk.types(name="Anciens de l'été", file=brought)
    clerk.press("Envoyer le fichier")
    clerk.reads("Reconnaître les colonnes", "Éliane", "Lecœur")
    clerk.types(amount="", face="8", quantity="7")
    clerk.press("Vérifier la liste")

    clerk.to_do("1 erreur à corriger")
    clerk.reads("un code postal a cinq chiffres")
    clerk.follow("Corriger la ligne 3")
    expect(clerk.page.locator("#f-cell_4")).to_have_attribute("aria-invalid", "true")
    clerk.types(cell_4="14170")
    clerk.press("Enregistrer la ligne")
    clerk.to_do("1 doublon à regarder")
    clerk.reads("Même personne, semble-t-il")
    clerk.press("Retirer la ligne 5")
    clerk.to_do("Faire la commande de cette liste")
    clerk.types(purchase_order="BC-2026-0777")
    clerk.press("Préparer la commande")
    clerk.to_do("Vérifier, puis passer la commande")
    clerk.press("Passer la commande")
    number = int(clerk.page.url.rpartition("/")[2])
    name = f"Commande n° {number}"
    clerk.reads("Vous l'avez passée : une autre personne doit l'approuver.", "90,00 €")

    deputy.menu("Commandes")
    deputy.follow(name)
    deputy.press("Approuver la commande")
    treasurer.menu("Commandes")
    treasurer.follow(name)
    treasurer.to_do("Noter le paiement, ou accepter un bon de commande signé")
    treasurer.types(bank_reference="VIR MAIRIE 0777")
    treasurer.press("Enregistrer le paiement")
    treasurer.to_do("Émettre les chèques")
    treasurer.follow("Émettre les chèques")
    treasurer.press("Émettre les chèques")
    treasurer.to_do("Imprimer les planches, une seule fois")

    sheets = treasurer.gets("Télécharger les planches (PDF)")
    printed = list(read_codes(sheets))
    assert len(set(printed)) == 8
    treasurer.page.reload()
    treasurer.types(kept="1")
    treasurer.press("Les planches sont remises")
    batch = treasurer.page.url.rpartition("/")[2]
    treasurer.press("Les chèques sont livrés")
    treasurer.follow(f"Lot n° {batch}")
    treasurer.reads("une autre personne doit l'activer")

    approver.menu("Lots")
    approver.page.locator(f'a[href$="/lots/{batch}"]').click()
    approver.types(received="1")
    approver.press("Activer les chèques")
    approver.reads("Rien à faire : les chèques sont utilisables dans les commerces.")

    clerk.page.reload()
    clerk.to_do("Attribuer les chèques aux bénéficiaires")
    clerk.press("Attribuer les chèques")
    clerk.follow("Liste des bénéficiaires")
    hand_out = clerk.gets("Télécharger l'état d'émargement", "link")
    says = pdf_text(hand_out)
    first = int(clerk.page.locator("td[data-label='Numéros']").first.inner_text()[:7])
    for person in ("Lecœur Éliane", "d’Ornano Loïc", "Lefèvre Zoé", "Thiébault Noël"):
        assert person in says
    assert "ZOE" not in says
    for serial in (first, first + 7):
        assert f"{serial:07d}" in says
    says_at_door(desks, printed[0].rpartition("#")[2], "Ce chèque est bon")
    books_hold(desks)


def says_at_door(desks: TownHall, code: str, said: str) -> None:
    """What anybody's phone is told of a voucher."""
    page = desks.sits_down(None, locale="fr-FR").new_page()
    page.goto(f"{desks.server.address}/#{code}")
    expect(page.get_by_role("heading", level=1)).to_have_text(said, timeout=ANSWERED_MS)
    page.context.close()


# ── The merchant ─────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_baker_signs_up_and_takes_a_first_voucher_on_the_phone_of_the_shop(desks: TownHall, tmp_path: Path) -> None:
    front = io.BytesIO()
    Image.new("RGB", (1_600, 900), "tomato").save(front, "JPEG")
    photo = tmp_path / "devanture.jpg"
    photo.write_bytes(front.getvalue())
    stranger = Seat(desks.sits_down(None, locale="fr-FR", viewport={"width": 390, "height": 844}).new_page())
    programme_id = desks.demonstration.story.programme_id
    stranger.page.goto(f"{desks.server.address}/rejoindre/{programme_id}")
    stranger.types(
        shop_name="Au Pain de Zoé", legal_name="SARL Zoé Lefèvre", siret=a_siret(), trade="Boulangerie",
        street="3 rue de l'Église", postcode="14170", commune="Falaise", contact_name="Zoé Lefèvre",
        email="zoe@aupain.example", phone="02 31 20 30 40", tuesday="7h-13h, 15h-19h30", saturday="7h-13h", photo=photo,
        account_holder="SARL Zoé Lefèvre", iban=an_iban(), consent="1",
    )  # fmt: skip
    stranger.press("Envoyer ma candidature")
    stranger.reads("Votre candidature est reçue")

    treasurer, approver = seat(desks, TREASURER), seat_since_this_morning(desks, APPROVER)
    treasurer.menu("Candidatures")
    treasurer.to_do("3 commerces attendent votre réponse")
    treasurer.follow("Au Pain de Zoé")
    treasurer.reads("Mardi : 7 h – 13 h, 15 h – 19 h 30")
    expect(treasurer.page.get_by_role("img", name="Photo envoyée par le commerce")).to_have_js_property(
        "naturalWidth", 1_200
    )
    treasurer.press("Accepter ce commerce")
    treasurer.to_do("Confirmer le compte bancaire")
    shop = treasurer.page.url

    approver.menu("Comptes bancaires")
    approver.follow("Au Pain de Zoé")
    approver.types(reason="rappelé au numéro de la fiche, chiffres redits")
    approver.press("Confirmer ce compte")
    approver.proves_again(signs_in_of(desks, APPROVER))
    approver.types(reason="rappelé au numéro de la fiche, chiffres redits")
    approver.press("Confirmer ce compte")
    approver.reads("Ce compte est en vigueur")

    treasurer.page.reload()
    treasurer.to_do("Mettre une caisse en service")
    treasurer.follow("Ouvrir les caisses")
    treasurer.press("Afficher un code")
    code = treasurer.page.locator(".big code").inner_text()
    (voucher,) = papers(desks, state="active")
    till = a_phone(desks, tmp_path)
    till.pair(code)
    till.type_in(voucher.number, voucher.control_code)
    till.take("10\u00a0€")
    till.close()

    treasurer.page.goto(shop)
    expect(treasurer.page.locator("dl.figures .figure").first).to_contain_text("10,00 €")
    treasurer.to_do("Faire signer la convention")
    stranger.page.goto(f"{desks.server.address}/commerces/{programme_id}?q=pain+de+zoe")
    stranger.follow("Au Pain de Zoé")
    expect(stranger.page.get_by_role("heading", level=1)).to_have_text("Au Pain de Zoé")
    stranger.reads("3 rue de l'Église", "Mardi : 7 h – 13 h, 15 h – 19 h 30")
    says_at_door(desks, voucher.code, "Ce chèque a déjà été dépensé")
    books_hold(desks)


def a_phone(desks: TownHall, folder: Path) -> Phone:
    """The shop's own telephone, with nothing on it yet."""
    profile = folder / "phone"
    profile.mkdir()
    return Phone(desks.browser.browser_type, desks.server.address, profile, seen=None).open()


# ── The elder ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_elders_phone_says_what_a_printed_voucher_is_worth_and_keeps_nothing(desks: TownHall) -> None:
    (good,), (gone,) = papers(desks, state="active"), papers(desks, state="redeemed")
    page = desks.sits_down(
        None, locale="fr-FR", viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True
    ).new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    last = clock.day_fr(clock.book_day(clock.now()) + timedelta(days=240 - 42))

    told = scanned(page, desks, good)
    expect(told.get_by_role("heading", level=1)).to_have_text("Ce chèque est bon", timeout=ANSWERED_MS)
    expect(told).to_contain_text(re.compile(r"Il vaut\s*10\s€"))
    expect(told).to_contain_text(last)
    expect(told).to_contain_text("Noël au Pays d'Auge")
    told = scanned(page, desks, gone)
    expect(told.get_by_role("heading", level=1)).to_have_text("Ce chèque a déjà été dépensé", timeout=ANSWERED_MS)
    page.goto(f"{desks.server.address}/#{'Z' * 26}")
    expect(told.get_by_role("heading", level=1)).to_have_text("Nous ne connaissons pas ce chèque", timeout=ANSWERED_MS)
    expect(page).to_have_url(f"{desks.server.address}/")

    told = scanned(page, desks, good)
    page.get_by_role("link", name="Voir les commerces près de chez vous").tap()
    page.get_by_role("navigation").get_by_role("link", name="Falaise").tap()
    shops = page.locator("ol.shops li")
    expect(shops.first).to_contain_text("Falaise")
    assert shops.count() == page.locator("ol.shops li", has_text="Falaise").count() > 3
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    page.go_back()
    page.go_back()
    for code in (good.code, gone.code, "Z" * 26):
        assert code not in page.url
        assert not [address for address in asked if code in address]


def scanned(page: Page, desks: TownHall, paper: Paper) -> Any:
    """The phone's own camera opens what the QR code says; gives what the page tells, once the address is clean."""
    page.goto(f"{desks.server.address}/#{paper.code}")
    expect(page).to_have_url(f"{desks.server.address}/")
    return page.locator("#said")


# ── Without a mouse, without a script ────────────────────────────────────────────────────────────────────────────
def test_a_lost_voucher_is_found_and_blocked_by_keyboard_alone_and_the_focus_is_always_seen(desks: TownHall) -> None:
    (lost,) = papers(desks, state="active")
    who = signs_in_of(desks, CLERK)
    page = desks.sits_down(None, locale="fr-FR").new_page()
    page.goto(f"{desks.server.address}/connexion")
    for field, typed in (("email |", who.email), ("password |", who.password)):
        tab_to(page, field)
        page.keyboard.type(typed)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{desks.home}/campagne")
    tab_to(page, "Aller au contenu")
    tab_to(page, "Retrouver un chèque")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cheques")
    tab_to(page, "numero |")
    page.keyboard.type(lost.number)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/cheques/{lost.serial}")
    tab_to(page, "reason |")
    page.keyboard.press("Space")
    tab_to(page, "Bloquer ce chèque")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="À faire maintenant").get_by_role("heading")).to_have_text(
        "Rien : la trésorerie est prévenue"
    )
    says_at_door(desks, lost.code, "Ce chèque a été arrêté")
    books_hold(desks)


def test_an_order_is_placed_and_approved_in_browsers_that_run_no_script(desks: TownHall) -> None:
    clerk = signs_in_by_password(desks, CLERK, java_script_enabled=False)
    clerk.menu("Commandes")
    clerk.follow("Nouvelle commande")
    for name, many in (("quantity_1000", "40"), ("quantity_2000", "5")):
        clerk.page.locator(f'main [name="{name}"]').fill(many)
    clerk.press("Voir le total")
    clerk.to_do("Vérifier, puis passer la commande")
    clerk.reads("500,00 €")
    clerk.press("Passer la commande")
    clerk.reads("Vous l'avez passée : une autre personne doit l'approuver.")
    number = clerk.page.url.rpartition("/")[2]

    deputy = signs_in_by_password(desks, DEPUTY, java_script_enabled=False)
    deputy.menu("Commandes")
    deputy.follow(f"Commande n° {number}")
    deputy.press("Approuver la commande")
    deputy.to_do(re.compile("Payer la commande|Attribuer"))
    assert deputy.gets("Télécharger la commande à signer", "link").read_bytes().startswith(b"%PDF")
    books_hold(desks)
