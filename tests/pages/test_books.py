"""The bookkeeper's room: what is taken away from it opens where it should, and says what the ledger says."""

import csv
import io
import zipfile

import openpyxl

from tests.api.doors import Doors
from tests.makers import an_order
from tests.pages.browsing import Page, sits_down
from tests.town import Town
from vouchers import clock
from vouchers.money import euros_fr
from vouchers.paper.fec_rules import faults
from vouchers.tables import issuer, paper_settings


def spent(town: Town) -> int:
    """An order with a fee paid and a voucher accepted and settled, this year; gives the year."""
    at = clock.now()
    an_order(town.house, programme_id=town.programme_id, buyer_id=town.buyer_id, fee_cents=40_000)
    town.spend(1, 2, at=at)
    town.approve(town.propose(clock.book_day(at), at=at), at=at)
    return clock.book_day(at).year


def rows_of(page: Page, content: bytes) -> list[list[str]]:
    assert page.status == 200
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))


def test_the_fec_is_taken_away_with_its_description_and_without_a_fault(doors: Doors, town: Town) -> None:
    year, auditor = spent(town), sits_down(doors, town.programme_id, "auditor")
    room = auditor.open(f"/p/{town.programme_id}/comptabilite")

    answer = auditor.client.get(f"/p/{town.programme_id}/comptabilite/fec.zip?annee={year}&jeu=utf-8&separateur=pipe")

    assert f"Télécharger le FEC {year}" in room.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as together:
        name, described = sorted(together.namelist(), key=len)
        content, said = together.read(name), together.read(described).decode()
    assert faults(content, name=name) == []
    assert name in answer.headers["content-disposition"].replace(".zip", ".txt")
    assert name[9:].startswith(f"FEC{year}") and "barre verticale" in said and name in said
    assert ", chèque n° " in content.decode()


def test_a_fec_that_cannot_be_made_says_why_and_nothing_is_sent(doors: Doors, town: Town) -> None:
    p, treasurer = town.programme_id, sits_down(doors, town.programme_id, "treasurer")
    year = spent(town)
    path = f"/p/{p}/comptabilite"
    for asked in (
        "annee=1999",
        f"annee={year + 1}",
        "annee=l'an",
        f"annee={year}&jeu=koi8",
        f"annee={year}&separateur=;",
    ):
        assert treasurer.open(f"{path}/fec.zip?{asked}").status == 422, asked
    assert "rien n'a été comptabilisé" in treasurer.open(f"{path}/fec.zip?annee=2001").text
    town.house.write(lambda session: session.execute(issuer.update().values(siret=None)))
    refused = treasurer.open(f"{path}/fec.zip?annee={year}")
    assert (refused.status, "SIREN" in refused.text) == (409, True)
    assert treasurer.open(f"{path}?annee=demain").status == 422
    assert treasurer.open(f"{path}/journal.exe").status == 404
    assert treasurer.open(f"{path}/balance.pdf").status == 404


def test_the_balance_is_the_same_on_the_page_and_in_its_files(doors: Doors, town: Town) -> None:
    p, treasurer = town.programme_id, sits_down(doors, town.programme_id, "treasurer")
    year = spent(town)
    shown = treasurer.open(f"/p/{p}/comptabilite/balance?annee={year}")
    assert "468120 Titres en circulation" in shown.text
    path = f"/p/{p}/comptabilite/balance.csv?annee={year}"

    rows = rows_of(treasurer.open(path), treasurer.client.get(path).content)

    assert rows[0][:4] == ["Compte", "Libellé", "Compte auxiliaire", "Libellé auxiliaire"]
    debit, credit = (sum(int(row[at].replace(",", "") or 0) for row in rows[1:]) for at in (6, 7))
    assert debit == credit
    assert shown.text.count(" ".join(euros_fr(debit).split())) >= 2
    assert {row[2] for row in rows if row[0] == "411000"} == {"C0001", "M0001"}
    sheet = openpyxl.load_workbook(io.BytesIO(treasurer.client.get(path.replace(".csv", ".xlsx")).content)).active
    assert sheet is not None and sheet.max_row == len(rows)


def test_the_vat_of_the_month_is_shown_with_its_base_and_its_rate(doors: Doors, town: Town) -> None:
    p, treasurer = town.programme_id, sits_down(doors, town.programme_id, "treasurer")
    assert "Aucune TVA n'est devenue exigible" in treasurer.open(f"/p/{p}/comptabilite").text
    year = spent(town)
    shown = treasurer.open(f"/p/{p}/comptabilite")
    assert "400,00 €" in shown.text and "80,00 €" in shown.text and "20 %" in shown.text
    path = f"/p/{p}/comptabilite/tva.csv?annee={year}"
    fee, commission = rows_of(treasurer.open(path), treasurer.client.get(path).content)[1:]
    assert fee[1:] == ["Frais de gestion des acheteurs", "400,00", "20 %", "80,00"]
    assert commission[1:] == ["Commissions des commerçants", "1,00", "20 %", "0,20"]


def test_the_entries_of_some_days_leave_for_each_program(doors: Doors, town: Town) -> None:
    p, treasurer = town.programme_id, sits_down(doors, town.programme_id, "treasurer")
    year = spent(town)
    path = f"/p/{p}/comptabilite/journal"
    rows = rows_of(treasurer.open(f"{path}.csv"), treasurer.client.get(f"{path}.csv").content)
    assert rows[0][0] == "Journal" and len(rows) > 10
    assert len(rows_of(treasurer.open(f"{path}.csv"), treasurer.client.get(f"{path}.csv?au=2001-01-01").content)) == 1
    assert "commodity 1000.00 EUR" in treasurer.client.get(f"{path}.hledger?du={year}-01-01").text
    assert 'option "operating_currency" "EUR"' in treasurer.client.get(f"{path}.beancount").text
    assert treasurer.open(f"{path}.csv?du=2026-02-01&au=2026-01-01").status == 422


def test_the_counter_warns_whoever_prepares_the_declaration(doors: Doors, town: Town) -> None:
    p, treasurer, auditor = (
        town.programme_id,
        *(sits_down(doors, town.programme_id, who) for who in ("treasurer", "auditor")),
    )
    town.spend(1, 2, 3, 4, at=clock.now())
    figures = treasurer.open(f"/p/{p}/chiffres")
    assert "Rien à déclarer : 40,00 € payés en douze mois" in figures.text
    assert "ACPR" not in treasurer.open(f"/p/{p}").text
    texts = {column.name: "" for column in paper_settings.c if str(column.type) == "TEXT"}
    values = {**texts, "programme_id": p, "invoice_form": "apart", "vat_due": "collection", "payment_days": 30}
    values |= {"accounts": "{}", "threshold_cents": 5_000}
    town.house.write(lambda session: session.execute(paper_settings.insert(), values))

    assert "La déclaration à l'ACPR à préparer" in treasurer.open(f"/p/{p}").text
    assert "ACPR" not in auditor.open(f"/p/{p}").text
    assert "Le seuil approche : 40,00 € payés" in treasurer.open(f"/p/{p}/chiffres").text
    town.spend(5, 6, at=clock.now())
    assert "Le seuil est dépassé : 60,00 € payés" in treasurer.open(f"/p/{p}/chiffres").text
