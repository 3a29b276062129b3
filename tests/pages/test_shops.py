"""Shops at their desks: from the public form to an account that is paid, a list brought as a file, tills."""

import io
import re
from datetime import timedelta
from typing import Any, Final

import openpyxl
import pytest
from PIL import Image

from tests.api.doors import Doors
from tests.makers import Phone, a_merchant, a_siret, an_account, an_iban
from tests.pages.browsing import FILE, Browser, Page, sits_down
from vouchers import applications, bank_accounts, clock, people, shop_profiles, tills
from vouchers.bank_accounts import WAIT
from vouchers.tables import application, shop_profile

HOSTILE: Final = "<script>alert(1)</script>"
FORMULA: Final = "=CMD|'/C calc'!A0"
HEADER: Final = "Enseigne;SIRET;Activité;Adresse;CP;Ville;Horaires;Titulaire;IBAN"


def told(**more: Any) -> dict[str, Any]:
    """What a baker types."""
    return {
        "shop_name": "Boulangerie Lemoine",
        "legal_name": "SARL Lemoine",
        "siret": a_siret(),
        "trade": "boulangerie",
        "street": "3 rue de l'Église",
        "postcode": "50480",
        "commune": "Sainte-Mère",
        "contact_name": "Paul Lemoine",
        "email": "paul@lemoine.example.fr",
        "phone": "02 33 44 55 66",
        "website": "lemoine.example.fr",
        "tuesday": "7h-13h, 15h-19h30",
        "account_holder": "SARL Lemoine",
        "iban": an_iban(),
        "consent": "1",
        **more,
    }


def a_photo(form: str = "JPEG", **how: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (1_600, 900), "tomato").save(out, form, **how)
    return out.getvalue()


def joined(stranger: Browser, programme_id: int, **more: Any) -> Page:
    """The public form, filled in and sent."""
    form = stranger.open(f"/rejoindre/{programme_id}")
    photo: FILE = ("devanture.jpg", a_photo(), "image/jpeg")
    return stranger.send(form, files={"photo": photo}, **told(**more))


def pdf_text(content: bytes) -> str:
    import pypdfium2

    read = pypdfium2.PdfDocument(content)
    return " ".join(" ".join(page.get_textpage().get_text_range().split()) for page in read)


# ── From the form to the first payment ───────────────────────────────────────────────────────────────────────────
def test_a_shop_goes_from_the_public_form_to_a_confirmed_account(doors: Doors, stranger: Browser) -> None:
    programme_id = doors.programme()
    sent = joined(stranger, programme_id)
    assert sent.path == f"/rejoindre/{programme_id}/merci"
    assert "reçue" in sent.text

    treasurer = sits_down(doors, programme_id, "treasurer")
    waiting = treasurer.open(f"/p/{programme_id}/candidatures")
    assert "1 commerce attend votre réponse" in waiting.text
    assert "SIRET juste" in waiting.text
    assert "IBAN juste, France" in waiting.text
    one = treasurer.open(f"/p/{programme_id}/candidatures/1")
    assert "Mardi : 7 h – 13 h, 15 h – 19 h 30" in one.text
    assert treasurer.open(f"/p/{programme_id}/candidatures/1/photo").response.headers["content-type"] == "image/jpeg"
    shop = treasurer.send(one, "/acceptation")
    assert re.fullmatch(rf"/p/{programme_id}/commercants/\d+", shop.path), shop.text
    assert "Confirmer le compte bancaire" in shop.text
    assert "Mardi : 7 h – 13 h, 15 h – 19 h 30" in shop.text

    asked = next(link for link in shop.links() if "/comptes/" in link)
    assert "C'est vous qui l'avez demandé" in treasurer.open(asked).text
    approver = sits_down(doors, programme_id, "approver")
    confirmed = approver.send(approver.open(asked), "/confirmation", reason="rappelé au numéro connu")
    assert "en vigueur" in confirmed.text
    listed = treasurer.open(f"/p/{programme_id}/commercants")
    assert "Boulangerie Lemoine" in listed.text
    assert not doors.house.read(lambda session: applications.listed(session, programme_id=programme_id, state="asked"))


def test_the_photo_that_is_kept_has_nothing_of_the_file_that_was_sent(doors: Doors, stranger: Browser) -> None:
    programme_id = doors.programme()
    exif = Image.Exif()
    exif[0x010F] = "Mon téléphone"
    photo: FILE = ("x.jpg", a_photo(exif=exif), "image/jpeg")
    stranger.send(stranger.open(f"/rejoindre/{programme_id}"), files={"photo": photo}, **told())
    kept = doors.house.read(lambda session: session.execute(application.select()).one()).photo
    assert b"Mon t" not in kept
    assert max(Image.open(io.BytesIO(kept)).size) == 1_200


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"siret": "123"}, "SIRET"),
        ({"iban": "FR7630006000011234567890188"}, "IBAN"),
        ({"postcode": "5048"}, "cinq chiffres"),
        ({"tuesday": "le matin"}, "9h-12h30"),
        ({"website": "javascript:alert(1)"}, "adresse du web"),
        ({"phone": "allo"}, "téléphone"),
        ({"consent": None}, "cochez"),
        ({"shop_name": "x" * 300}, "caractères"),
        ({"shop_name": "Bou\u202elangerie"}, "inversion"),
    ],
)
def test_a_correction_loses_nothing_that_was_typed(
    doors: Doors, stranger: Browser, wrong: dict[str, Any], says: str
) -> None:
    programme_id = doors.programme()
    back = joined(stranger, programme_id, **wrong)
    assert back.status in {400, 422}
    assert says in back.refusal
    form = back.form()
    typed = {"legal_name": "SARL Lemoine", "contact_name": "Paul Lemoine", **wrong}
    for name, value in typed.items():
        if name != "consent":
            assert dict(form.form_values())[name] == value
    assert "photo est à choisir de nouveau" in back.text
    assert not doors.house.read(lambda session: session.execute(application.select()).all())


def test_a_file_that_is_no_photo_is_refused_and_the_rest_is_kept(doors: Doors, stranger: Browser) -> None:
    programme_id = doors.programme()
    photo: FILE = ("x.jpg", b"GIF89a" + bytes(100), "image/jpeg")
    back = stranger.send(stranger.open(f"/rejoindre/{programme_id}"), files={"photo": photo}, **told())
    assert "JPEG, PNG ou WebP" in back.refusal
    assert dict(back.form().form_values())["shop_name"] == "Boulangerie Lemoine"


def test_a_form_sent_twice_is_one_application_and_a_flood_is_stopped(doors: Doors, stranger: Browser) -> None:
    programme_id = doors.programme()
    form = stranger.open(f"/rejoindre/{programme_id}")
    same = told()
    for _again in range(2):
        assert stranger.send(form, **same).path.endswith("/merci")
    assert len(doors.house.read(lambda session: session.execute(application.select()).all())) == 1
    for _more in range(19):
        assert stranger.send(stranger.open(f"/rejoindre/{programme_id}"), **told()).path.endswith("/merci")
    stopped = stranger.send(stranger.open(f"/rejoindre/{programme_id}"), **told())
    assert stopped.status == 429
    assert dict(stopped.form().form_values())["legal_name"] == "SARL Lemoine"


def test_a_programme_that_is_over_takes_no_application(doors: Doors, stranger: Browser) -> None:
    today = clock.book_day(clock.now())
    programme_id = doors.programme(starts_on=today - timedelta(days=730), expires_on=today - timedelta(days=365))
    page = stranger.open(f"/rejoindre/{programme_id}")
    assert "terminé" in page.text
    assert not page.tree.xpath("//main//form")
    assert stranger.open("/rejoindre/999999").status == 404


def test_the_checks_name_what_calls_for_a_look(doors: Doors, stranger: Browser) -> None:
    programme_id = doors.programme()
    iban, siret = an_iban(), a_siret()
    there = a_merchant(doors.house, programme_id=programme_id, siret=siret, at=clock.now())
    an_account(doors.house, programme_id=programme_id, merchant_id=there, iban=iban, at=clock.now())
    for _twice in range(2):
        joined(stranger, programme_id, siret=siret, iban=iban, tuesday="")
    treasurer = sits_down(doors, programme_id, "treasurer")
    text = treasurer.open(f"/p/{programme_id}/candidatures").text
    for said in ("Déjà inscrit", "IBAN déjà connu", "Horaires absents", "Candidature en double"):
        assert said in text
    one = treasurer.open(f"/p/{programme_id}/candidatures/1")
    assert not one.tree.xpath("//form[contains(@action, 'acceptation')]")
    refused = treasurer.send(one, "/refus", because="déjà inscrit")
    assert "refusée" in refused.notice
    assert "déjà inscrit" in treasurer.open(f"/p/{programme_id}/candidatures?etat=refused").text


def test_an_application_is_decided_once_and_by_those_who_may(doors: Doors, stranger: Browser) -> None:
    programme_id = doors.programme()
    joined(stranger, programme_id)
    here = f"/p/{programme_id}/candidatures/1"
    first, second = (sits_down(doors, programme_id, "treasurer") for _ in range(2))
    one, other = first.open(here), second.open(here)
    first.send(one, "/acceptation")
    late = second.send(other, "/refus", because="trop tard")
    assert "déjà traitée" in late.text
    assert len(doors.house.read(lambda session: people.merchants(session, programme_id=programme_id))) == 1
    auditor = sits_down(doors, programme_id, "auditor")
    assert not auditor.open(here).tree.xpath("//main//form")
    merchant_id = doors.house.read(lambda session: people.merchants(session, programme_id=programme_id))[0].merchant_id
    owner = sits_down(doors, programme_id, "merchant_owner", merchant_id=merchant_id)
    assert owner.open(here).status == 403
    elsewhere = sits_down(doors, doors.programme(), "treasurer")
    assert elsewhere.open(here).status == 404


# ── Bank accounts ────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_change_of_account_takes_two_people_and_two_days(doors: Doors) -> None:
    programme_id = doors.programme()
    merchant_id = a_merchant(doors.house, programme_id=programme_id, at=clock.now())
    old = an_account(doors.house, programme_id=programme_id, merchant_id=merchant_id, at=clock.now() - WAIT)
    owner = sits_down(doors, programme_id, "merchant_owner", merchant_id=merchant_id)
    new_iban = an_iban()
    form = owner.open(f"/p/{programme_id}/commercants/{merchant_id}/compte")
    wrong = owner.send(form, account_holder="SARL Lemoine", iban="FR00")
    assert "IBAN" in wrong.refusal
    asked = owner.send(wrong, iban=new_iban)
    assert new_iban not in asked.response.text
    assert old.iban not in asked.response.text
    assert f"{new_iban[:4]} •••• {new_iban[-4:]}" in asked.text
    treasurer = sits_down(doors, programme_id, "treasurer")
    seen = treasurer.open(asked.path)
    assert new_iban in seen.text.replace(" ", "")
    done = treasurer.send(seen, "/confirmation", reason="rappelé")
    assert "Payé sur l'ancien compte jusqu'au" in done.text
    assert "Payé sur l'ancien compte jusqu'au" in owner.open(f"/p/{programme_id}/comptes").text
    stopped = owner.send(owner.open(asked.path), "/retrait", because="erreur")
    assert "abandonné" in stopped.notice
    in_force = doors.house.read(
        lambda session: bank_accounts.account_in_force(
            session, programme_id=programme_id, merchant_id=merchant_id, at=clock.now() + 2 * WAIT
        )
    )
    assert in_force is not None
    assert in_force.iban == old.iban


def test_nobody_confirms_what_the_same_person_asked(doors: Doors) -> None:
    programme_id = doors.programme()
    merchant_id = a_merchant(doors.house, programme_id=programme_id, at=clock.now())
    treasurer = sits_down(doors, programme_id, "treasurer")
    form = treasurer.open(f"/p/{programme_id}/commercants/{merchant_id}/compte")
    asked = treasurer.send(form, account_holder="SARL Lemoine", iban=an_iban())
    assert not asked.tree.xpath("//form[contains(@action, 'confirmation')]")
    token = dict(asked.form("/retrait").form_values())
    forced = treasurer.post(f"{asked.path}/confirmation", csrf=token["csrf"], key="x", reason="moi-même")
    assert forced.status == 403


def test_a_shop_never_sees_another_one(doors: Doors) -> None:
    programme_id = doors.programme()
    mine, other = (a_merchant(doors.house, programme_id=programme_id, at=clock.now()) for _ in range(2))
    theirs = an_account(doors.house, programme_id=programme_id, merchant_id=other, at=clock.now())
    owner = sits_down(doors, programme_id, "merchant_owner", merchant_id=mine)
    assert owner.open(f"/p/{programme_id}/commercants").path == f"/p/{programme_id}/commercants/{mine}"
    for path in (
        f"commercants/{other}", f"commercants/{other}/profil", f"commercants/{other}/caisses",
        f"commercants/{other}/compte", f"commercants/{other}/convention.pdf", f"comptes/{theirs.account_id}",
        "commercants/nouveau", "commercants/import", "candidatures",
    ):  # fmt: skip
        assert owner.open(f"/p/{programme_id}/{path}").status == 403, path


# ── One shop ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_shop_keeps_its_own_page_up_to_date(doors: Doors) -> None:
    programme_id = doors.programme()
    merchant_id = a_merchant(doors.house, programme_id=programme_id, at=clock.now())
    owner = sits_down(doors, programme_id, "merchant_owner", merchant_id=merchant_id)
    here = f"/p/{programme_id}/commercants/{merchant_id}"
    typed = {"street": "1 quai", "postcode": "50480", "monday": "9h-12h", "latitude": "49,4123", "longitude": "-1.25"}
    half = owner.send(owner.open(f"{here}/profil"), **{**typed, "longitude": ""})
    assert half.refusal
    photo: FILE = ("x.png", a_photo("PNG"), "image/png")
    saved = owner.send(half, files={"photo": photo}, **typed)
    assert "à jour" in saved.notice
    assert "Lundi : 9 h – 12 h" in saved.text
    kept = doors.house.read(
        lambda session: shop_profiles.find_profile(session, programme_id=programme_id, merchant_id=merchant_id)
    )
    assert kept.place == shop_profiles.Place(49_412_300, -1_250_000)
    again = dict(owner.open(f"{here}/profil").form().form_values())
    assert (again["latitude"], again["longitude"], again["monday"]) == ("49,4123", "-1,25", "9h-12h")
    owner.send(owner.open(f"{here}/profil"), no_photo="1")
    assert owner.open(f"{here}/photo").status == 404


def test_a_suspended_shop_is_told_apart_and_comes_back(doors: Doors) -> None:
    programme_id = doors.programme()
    merchant_id = a_merchant(doors.house, programme_id=programme_id, at=clock.now())
    treasurer = sits_down(doors, programme_id, "treasurer")
    here = f"/p/{programme_id}/commercants/{merchant_id}"
    off = treasurer.send(treasurer.open(here), "/suspension", reason="chèques copiés")
    assert "suspendu" in off.notice
    assert "Suspendu" in treasurer.open(f"/p/{programme_id}/commercants?etat=suspended").text
    on = treasurer.send(off, "/reprise", reason="expliqué")
    assert "Actif" in on.text


def test_the_convention_is_printed_and_its_signature_noted(doors: Doors) -> None:
    programme_id = doors.programme()
    merchant_id = a_merchant(doors.house, programme_id=programme_id, shop_name=HOSTILE, at=clock.now())
    treasurer = sits_down(doors, programme_id, "treasurer")
    here = f"/p/{programme_id}/commercants/{merchant_id}"
    drawn = treasurer.open(f"{here}/convention.pdf").response.content
    assert "Convention d’adhésion" in pdf_text(drawn)
    assert HOSTILE in pdf_text(drawn)
    assert drawn == treasurer.open(f"{here}/convention.pdf").response.content
    early = treasurer.send(treasurer.open(here), "/convention", signed_on="2100-01-01")
    assert "pas encore venu" in early.refusal
    noted = treasurer.send(early, "/convention", signed_on=clock.book_day(clock.now()).isoformat())
    assert "Signée le" in noted.text


def test_a_phone_is_paired_by_the_code_on_screen_and_by_the_letter(doors: Doors) -> None:
    programme_id = doors.programme()
    merchant_id = a_merchant(doors.house, programme_id=programme_id, at=clock.now())
    owner = sits_down(doors, programme_id, "merchant_owner", merchant_id=merchant_id)
    tills_page = owner.open(f"/p/{programme_id}/commercants/{merchant_id}/caisses")
    shown = owner.send(tills_page, "/code")
    typed = shown.tree.xpath("//p[@class='big']/code")[0].text_content()
    assert shown.response.headers["cache-control"] == "no-store"
    letter = owner.send(tills_page, "/lettre").response
    assert letter.headers["content-type"] == "application/pdf"
    said = re.search(r"[0-9A-Z]{5} [0-9A-Z]{5}(?= |$)", pdf_text(letter.content))
    assert said is not None
    for code in (typed, said[0]):
        assert _paired(doors, code.replace(" ", "")).status_code == 201
    assert _paired(doors, typed.replace(" ", "")).status_code != 201
    listed = owner.open(tills_page.path)
    assert listed.text.count("En service") >= 2
    first, second = doors.house.read(
        lambda session: tills.tills_of(session, programme_id=programme_id, merchant_id=merchant_id)
    )
    renamed = owner.send(listed, f"/caisses/{first.till_id}/nom", label="Comptoir")
    assert "Comptoir" in renamed.text
    stopped = owner.send(renamed, f"/caisses/{second.till_id}/arret", reason="téléphone perdu")
    assert "Caisses arrêtées" in stopped.text


def _paired(doors: Doors, code: str) -> Any:
    from tests.api.doors import V1, pairing_body

    return doors.client.post(f"{V1}/tills/pair", json=pairing_body(Phone(), code))


# ── The list ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_shop_is_found_whatever_its_accents_and_the_list_goes_on(doors: Doors) -> None:
    programme_id = doors.programme()
    for number in range(52):
        a_merchant(doors.house, programme_id=programme_id, shop_name=f"Épicerie {number:02d}", at=clock.now())
    a_merchant(doors.house, programme_id=programme_id, shop_name="Forge", trade="ferronnerie", at=clock.now())
    treasurer = sits_down(doors, programme_id, "treasurer")
    home = f"/p/{programme_id}/commercants"
    assert "Épicerie 07" in treasurer.open(f"{home}?q=epicerie+07").text
    assert "Épicerie" not in treasurer.open(f"{home}?activite=ferronnerie").tree.xpath("//tbody")[0].text_content()
    first = treasurer.open(f"{home}?q=EPICERIE")
    more = next(link for link in first.links() if "after=" in link)
    pages = (first, treasurer.open(more))
    names = [cell.text_content().strip() for page in pages for cell in page.tree.xpath("//th/a")]
    assert sorted(names) == names
    assert len(names) == len(set(names)) == 52


def test_a_shop_is_enrolled_by_hand_once(doors: Doors) -> None:
    programme_id = doors.programme()
    treasurer = sits_down(doors, programme_id, "treasurer")
    form = treasurer.open(f"/p/{programme_id}/commercants/nouveau")
    values = {name: value for name, value in told().items() if name != "consent"}
    made = treasurer.send(form, **values)
    assert "Confirmer le compte bancaire" in made.text
    again = treasurer.send(treasurer.open(f"/p/{programme_id}/commercants/nouveau"), **values, trade_other="")
    assert again.status == 409
    assert dict(again.form().form_values())["street"] == "3 rue de l'Église"


# ── A list brought as a file ─────────────────────────────────────────────────────────────────────────────────────
def brought(browser: Browser, programme_id: int, content: bytes, name: str = "liste.csv") -> Page:
    form = browser.open(f"/p/{programme_id}/commercants/import")
    return browser.send(form, "/apercu", files={"file": (name, content, "application/octet-stream")})


def line(shop: str, *, siret: str | None = None, trade: str = "mode", iban: str = "") -> str:
    return f"{shop};{siret or a_siret()};{trade};2 rue;50480;Sainte-Mère;mardi 9h-12h;{'SARL' if iban else ''};{iban}"


def test_a_good_list_is_seen_first_and_enrolled_as_a_whole(doors: Doors) -> None:
    programme_id = doors.programme()
    treasurer = sits_down(doors, programme_id, "treasurer")
    content = "\r\n".join([HEADER, line("Café de l'Été", iban=an_iban()), line(FORMULA), line(HOSTILE)])
    seen = brought(treasurer, programme_id, content.encode("cp1252"))
    assert "Café de l'Été" in seen.text
    assert HOSTILE not in seen.response.text
    assert not doors.house.read(lambda session: people.merchants(session, programme_id=programme_id))
    done = treasurer.send(seen, "/import", which="all")
    assert "inscrite" in done.notice
    assert HOSTILE in done.text
    assert HOSTILE not in done.response.text
    rows = doors.house.read(lambda session: session.execute(shop_profile.select()).all())
    assert len(rows) == 3
    assert "1 compte" in sits_down(doors, programme_id, "approver").open(f"/p/{programme_id}/comptes").text


def test_wrong_cells_are_named_by_line_and_put_right_in_place(doors: Doors) -> None:
    programme_id = doors.programme()
    treasurer = sits_down(doors, programme_id, "treasurer")
    siret, there = a_siret(), a_siret()
    a_merchant(doors.house, programme_id=programme_id, siret=there, at=clock.now())
    rows = [HEADER, line("Une"), line("Deux", siret="12"), line("Trois", siret=siret), line("Quatre", siret=siret)]
    seen = brought(treasurer, programme_id, "\n".join([*rows, line("Cinq", siret=there)]).encode())
    for said in ("Ligne 3", "Ligne 5", "Deux fois le même", "Ligne 6", "déjà inscrit"):
        assert said in seen.text, said
    assert not seen.tree.xpath("//button[@value='all']")
    mended = treasurer.send(seen, "/apercu", cell_3_siret=a_siret(), cell_5_siret=a_siret())
    assert "Ligne 3" not in mended.text
    assert "Ligne 6" in mended.text
    done = treasurer.send(mended, "/import", which="good")
    assert "inscrite" in done.notice
    enrolled = doors.house.read(lambda session: people.merchants(session, programme_id=programme_id))
    names = {one.shop_name for one in enrolled}
    assert {"Une", "Deux", "Trois", "Quatre"} < names
    assert "Cinq" not in names


def test_all_or_nothing_enrols_nothing_when_a_line_became_wrong(doors: Doors) -> None:
    programme_id = doors.programme()
    treasurer = sits_down(doors, programme_id, "treasurer")
    siret = a_siret()
    seen = brought(treasurer, programme_id, "\n".join([HEADER, line("Une"), line("Deux", siret=siret)]).encode())
    a_merchant(doors.house, programme_id=programme_id, siret=siret, at=clock.now())
    back = treasurer.send(seen, "/import", which="all")
    assert "à corriger" in back.refusal
    assert "Une" in back.text
    assert len(doors.house.read(lambda session: people.merchants(session, programme_id=programme_id))) == 1


def test_columns_of_any_name_are_matched_on_screen(doors: Doors) -> None:
    programme_id = doors.programme()
    treasurer = sits_down(doors, programme_id, "treasurer")
    book = openpyxl.Workbook()
    book.active.append(["A", "B", "C", "D"])
    book.active.append(["Librairie", a_siret(), "livres", "Sainte-Mère"])
    out = io.BytesIO()
    book.save(out)
    seen = brought(treasurer, programme_id, out.getvalue(), "liste.xlsx")
    assert "Dites dans quelle colonne" in seen.text
    columns = {"column_shop_name": 0, "column_siret": 1, "column_trade": 2, "column_commune": 3}
    matched = treasurer.send(seen, "/apercu", **columns)
    done = treasurer.send(matched, "/import", which="all")
    assert "Librairie" in done.text


def test_a_table_that_was_tampered_with_on_its_way_is_refused(doors: Doors) -> None:
    programme_id = doors.programme()
    treasurer = sits_down(doors, programme_id, "treasurer")
    seen = brought(treasurer, programme_id, f"{HEADER}\n{line('Une')}".encode())
    for table in ("", "[]", '{"header":["a"],"rows":[[1]],"numbers":[2]}', "[" * 20_000):
        back = treasurer.send(seen, "/import", which="all", table=table)
        assert back.status in {400, 422}, table[:20]
        assert back.refusal
