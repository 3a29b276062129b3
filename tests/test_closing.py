"""A campaign is closed: the dossier ties to the ledger, is signed, and can be drawn again to the byte."""

import csv
import hashlib
import io
import re
import subprocess
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from tests.full_town import TO_BE_SPENT, FullTown, a_full_town
from tests.makers import NOON, PEPPER, a_batch, a_programme, an_order, later, vouchers_of
from tests.papers import a_billed_order, a_commune, papers_set
from tests.town import APPROVER, TREASURER, a_town
from vouchers import accounting, archive, chart, closing, codes, dossier, issue, ledger, order, outcomes, stop, workshop
from vouchers.archive import Document
from vouchers.clock import book_day
from vouchers.closing import Drawn, NumberTaken
from vouchers.config import Setting, Settings, SettingsFault
from vouchers.db import Database
from vouchers.errors import NotFound, NothingToClose, SigningKeyMissing
from vouchers.money import euros_fr
from vouchers.order_book import Line
from vouchers.paper import closing_dossier
from vouchers.paper.pdf_a_audit import audit
from vouchers.paper.signature import Signer
from vouchers.runs import find_run
from vouchers.signing_key import signer as signing_key
from vouchers.verify import verify


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    """The key that the house makes for itself in development."""
    return a_signer(tmp_path)


def a_signer(folder: Path) -> Signer:
    return signing_key(Settings(database_url=f"sqlite:///{folder}/house.db"), at=later())


@pytest.fixture
def full(house: Database) -> FullTown:
    return a_full_town(house)


def close(full: FullTown, signer: Signer, tmp_path: Path, order_number: int | None = None) -> Document:
    drawn = draw(full, signer, tmp_path, order_number)
    return full.town.house.write(closing.keep, drawn=drawn, actor=TREASURER)


def draw(full: FullTown, signer: Signer, tmp_path: Path, order_number: int | None = None) -> Drawn:
    return closing.draw(
        full.town.house,
        programme_id=full.town.programme_id,
        order_number=order_number,
        anchors=tmp_path / "anchors.json",
        signer=signer,
        now=lambda: full.at + timedelta(hours=1),
    )


def file_of(full: FullTown, kept: Document) -> bytes:
    return full.town.house.read(archive.file_of, programme_id=full.town.programme_id, name=kept.name)


def tables(pdf: bytes) -> dict[str, list[dict[str, str]]]:
    """The files inside, each as its rows."""
    with pikepdf.open(io.BytesIO(pdf)) as file:
        inside = {name: found.get_file().read_bytes() for name, found in file.attachments.items()}
    return {
        name: list(csv.DictReader(io.StringIO(data.decode("utf-8-sig")), delimiter=";"))
        for name, data in inside.items()
    }


def words(pdf: bytes) -> str:
    with pypdfium2.PdfDocument(pdf) as document:
        return " ".join(" ".join(page.get_textpage().get_text_bounded() for page in document).split())


def cents(written: str) -> int:
    return int(written.replace(",", ""))


def test_every_cent_issued_is_told_and_ties_to_the_ledger(full: FullTown, signer: Signer, tmp_path: Path) -> None:
    town = full.town
    inside = tables(file_of(full, close(full, signer, tmp_path)))
    orders, each = inside["commandes.csv"], inside["cheques.csv"]
    for parts in ("Émis (€)", "Dépensé (€)", "Périmé (€)", "Annulé (€)"):
        assert any(cents(row[parts]) for row in orders), f"the town has something {parts}"
    for one in orders:
        mine = [row for row in each if row["Commande"] == one["N°"]]
        born = [row for row in mine if not row["Remplace le"]]
        assert len(born) == int(one["Chèques"])
        assert sum(cents(row["Valeur (€)"]) for row in born) == cents(one["Émis (€)"])
        for part in ("Dépensé (€)", "Périmé (€)", "Annulé (€)"):
            assert sum(cents(row[part]) for row in mine) == cents(one[part])
        assert sum(cents(row["Restant (€)"]) for row in mine) == cents(one["En circ. (€)"])
    floating = town.house.read(ledger.balance, programme_id=town.programme_id, account=chart.FLOAT)
    assert sum(cents(one["En circ. (€)"]) for one in orders) == floating
    balance = inside["balance.csv"]
    assert sum(cents(row["Débit (€)"]) for row in balance) == sum(cents(row["Crédit (€)"]) for row in balance) > 0


def test_the_balance_is_a_line_for_each_number_and_says_what_the_fec_has_more(
    full: FullTown, signer: Signer, tmp_path: Path
) -> None:
    town = full.town
    kept = file_of(full, close(full, signer, tmp_path))
    balance, said = tables(kept)["balance.csv"], words(kept)
    assert {"M0001", "M0002"} <= {row["Titulaire"][:5] for row in balance if row["Compte"] == "468200"}
    assert {"Commande 1", "Règlement 1"} <= {row["Commande ou règlement"] for row in balance}
    table = said[said.index("Balance des comptes") : said.index("Liste des exceptions")]
    assert all(table.count(f"{number} ") == 1 for number in {row["Compte"] for row in balance} - {"411000"})
    assert {"512200", "706100", "706200"} < {row["Compte"] for row in balance}
    of = {"programme_id": town.programme_id, "from_on": date(2000, 1, 1), "to_on": date(2999, 12, 31)}
    entries = town.house.read(lambda session: list(accounting.entries(session, **of)))
    fec = sum(line.debit_cents for entry in entries for line in entry.lines)
    more = fec - sum(cents(row["Débit (€)"]) for row in balance)
    assert more > 0 and f"totalise {euros_fr(more)} de plus".replace("\u202f", " ").replace("\xa0", " ") in said


def test_a_run_that_the_bank_has_not_executed_does_not_read_as_paid(
    full: FullTown, signer: Signer, tmp_path: Path
) -> None:
    town, of = full.town, {"programme_id": full.town.programme_id}
    kept = close(full, signer, tmp_path)
    paid, waiting = tables(file_of(full, kept))["reglements.csv"]
    assert paid["Exécuté le"] == "21/11/2026"
    assert waiting["Exécution demandée le"] and waiting["Exécuté le"] == "pas encore"
    last = town.house.read(find_run, number=2, **of)
    workshop.export_bank_file(town.house, number=2, actor=TREASURER, now=lambda: full.at, **of)
    town.execute(last, at=full.at)
    done = tables(file_of(full, close(full, signer, tmp_path)))
    assert done["reglements.csv"][1]["Exécuté le"] == f"{book_day(full.at):%d/%m/%Y}"
    (file,) = (row for row in done["pieces.csv"] if row["Nature"] == "Fichier bancaire")
    assert file["Montant (€)"] == done["reglements.csv"][1]["Net (€)"]
    again = closing.drawn_again(town.house, name=kept.name, signer=signer, **of)
    assert again == file_of(full, kept), "what came since changes nothing in it"


def test_what_a_voucher_has_left_is_what_its_row_says(full: FullTown) -> None:
    town = full.town
    rows = {serial: left for serial, _state, left in vouchers_of(town.house, programme_id=town.programme_id)}
    newest = town.house.write(ledger.watermark, programme_id=town.programme_id)

    def told(session: object) -> dict[int, int]:
        return {
            one.serial: one.left_cents
            for one in outcomes.by_voucher(
                session, programme_id=town.programme_id, upto_journal=newest, order_numbers=range(1, 8)
            )
        }

    assert town.house.read(told) == rows


def test_the_dossier_is_signed_and_one_changed_byte_shows(full: FullTown, signer: Signer, tmp_path: Path) -> None:
    pdf = file_of(full, close(full, signer, tmp_path))
    assert audit(pdf) == []
    assert believed(pdf, signer, tmp_path)
    place = pdf.index(b"/Title")
    assert not believed(pdf[:place] + b"/Titre" + pdf[place + 6 :], signer, tmp_path)


def believed(pdf: bytes, signer: Signer, folder: Path) -> bool:
    """Whether OpenSSL finds that the signature covers the whole file and is of the signer's key."""
    found = re.search(rb"/ByteRange \[ 0 (\d+) (\d+) (\d+) \]", pdf)
    assert found is not None
    ends, begins, rest = map(int, found.groups())
    assert begins + rest == len(pdf), "nothing stands after what was signed"
    (folder / "content").write_bytes(pdf[:ends] + pdf[begins:])
    (folder / "proof").write_bytes(bytes.fromhex(pdf[ends + 1 : begins - 1].decode()))
    (folder / "certificate").write_bytes(signer.certificate.public_bytes(Encoding.PEM))
    asked = "openssl cms -verify -binary -inform DER -in proof -content content -CAfile certificate"
    asked += " -purpose any -no_check_time"
    done = subprocess.run([*asked.split(), "-out", "verified"], cwd=folder, capture_output=True, check=False)
    return done.returncode == 0


def test_it_is_drawn_again_to_the_byte_whatever_came_since(full: FullTown, signer: Signer, tmp_path: Path) -> None:
    town = full.town
    kept = [close(full, signer, tmp_path), close(full, signer, tmp_path, order_number=town.order_number)]
    whole = [
        serial
        for serial, state, left in vouchers_of(town.house, programme_id=town.programme_id)
        if state == "active" and left
    ]
    town.spend(TO_BE_SPENT, cents=300, at=full.at + timedelta(hours=2))
    town.cancel(whole[-1], at=full.at + timedelta(hours=2))
    town.replace(TO_BE_SPENT, at=full.at + timedelta(hours=2))
    for one in kept:
        again = closing.drawn_again(town.house, programme_id=town.programme_id, name=one.name, signer=signer)
        assert hashlib.sha256(again).hexdigest() == one.sha256
    later_one = close(full, signer, tmp_path, order_number=town.order_number)
    assert later_one.name != kept[1].name and later_one.sha256 != kept[1].sha256
    assert town.house.read(verify) == []


def test_pages_drawn_by_another_version_or_key_are_told_from_tables_that_changed(
    full: FullTown, signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = close(full, signer, tmp_path)
    (tmp_path / "other").mkdir()
    of = {"programme_id": full.town.programme_id, "name": kept.name}
    assert closing.likeness(full.town.house, signer=signer, **of) == "file"
    assert closing.likeness(full.town.house, signer=a_signer(tmp_path / "other"), **of) == "tables"
    monkeypatch.setattr(closing_dossier, "_TOP", closing_dossier._TOP - 1)
    assert closing.likeness(full.town.house, signer=signer, **of) == "tables"
    monkeypatch.setattr(dossier, "exceptions", lambda *_, **__: [])
    assert closing.likeness(full.town.house, signer=signer, **of) == "nothing"


def test_of_two_who_close_at_once_the_second_draws_again(full: FullTown, signer: Signer, tmp_path: Path) -> None:
    first, second = draw(full, signer, tmp_path), draw(full, signer, tmp_path)
    assert first.number == second.number, "each thinks that it is first"
    full.town.house.write(closing.keep, drawn=first, actor=TREASURER)
    with pytest.raises(NumberTaken):
        full.town.house.write(closing.keep, drawn=second, actor=TREASURER)
    kept = closing.close(
        full.town.house,
        programme_id=full.town.programme_id,
        order_number=None,
        anchors=tmp_path / "anchors.json",
        signer=signer,
        actor=TREASURER,
        now=lambda: full.at + timedelta(hours=1),
    )
    assert kept.name.endswith("-00002")
    again = closing.drawn_again(full.town.house, programme_id=full.town.programme_id, name=kept.name, signer=signer)
    assert again == file_of(full, kept)


def test_the_dossier_of_one_order_tells_nothing_of_another(full: FullTown, signer: Signer, tmp_path: Path) -> None:
    inside = tables(file_of(full, close(full, signer, tmp_path, order_number=full.town.order_number)))
    assert "balance.csv" not in inside and "reglements.csv" not in inside
    assert {row["N°"] for row in inside["commandes.csv"]} == {str(full.town.order_number)}
    assert {row["Commande"] for row in inside["cheques.csv"]} == {str(full.town.order_number)}
    whole = tables(file_of(full, close(full, signer, tmp_path)))
    assert 0 < len(inside["exceptions.csv"]) < len(whole["exceptions.csv"])


def test_an_empty_programme_has_nothing_to_close(house: Database, signer: Signer, tmp_path: Path) -> None:
    programme_id = a_programme(house)
    asked = {
        "programme_id": programme_id, "anchors": tmp_path / "anchors.json", "signer": signer, "now": later,
    }  # fmt: skip
    with pytest.raises(NothingToClose):
        closing.draw(house, order_number=None, **asked)
    with pytest.raises(NotFound):
        closing.draw(house, order_number=7, **asked)
    assert house.read(archive.counted, programme_id=programme_id) == 0


def test_in_production_no_key_is_made_up(tmp_path: Path) -> None:
    house = {"environment": Setting.PRODUCTION, "pepper": PEPPER, "session_key": PEPPER}
    with pytest.raises(SigningKeyMissing):
        signing_key(Settings(**house), at=later())
    (tmp_path / "key.p12").write_bytes(b"no key")
    with pytest.raises(SettingsFault, match="PKCS#12"):
        signing_key(Settings(**house, signing_file=tmp_path / "key.p12"), at=later())


def test_one_put_in_the_place_of_another_and_replaced_itself_is_told_too(
    full: FullTown, signer: Signer, tmp_path: Path
) -> None:
    town, at = full.town, full.at
    chain = [TO_BE_SPENT]
    for cents in (0, 0, 300):
        chain.append(town.replace(chain[-1], at=at))
        new = {"serials": chain[-1:], "actor": APPROVER, "at": at}
        town.house.write(stop.activate_replacements, programme_id=town.programme_id, **new)
        if cents:
            town.spend(chain[-1], cents=cents, at=at)
    last = town.replace(chain[-1], at=at)
    each = {int(row["Numéro"]): row for row in tables(file_of(full, close(full, signer, tmp_path)))["cheques.csv"]}
    told = [
        tuple(each[serial][column] for column in ("Dépensé (€)", "Remplacé (€)", "Restant (€)"))
        for serial in (*chain, last)
    ]
    whole = ("0,00", "10,00", "0,00")
    assert told == [whole, whole, whole, ("3,00", "7,00", "0,00"), ("0,00", "0,00", "7,00")]


def test_accounts_and_purchase_orders_set_since_change_no_dossier(
    full: FullTown, signer: Signer, tmp_path: Path
) -> None:
    town = full.town
    of: dict[str, Any] = {"programme_id": town.programme_id}
    buyer_id = a_commune(town.house, exposure_cap_cents=1_000_000, **of)
    signed = a_billed_order(town.house, buyer_id=buyer_id, **of)
    kept = [close(full, signer, tmp_path), close(full, signer, tmp_path, order_number=signed.number)]
    bank = {"bank": ("512900", "Autre banque")}
    papers_set(town.house, accounts=bank, **of)
    late = {"number": signed.number, "purchase_order": "BC 99", "actor": TREASURER, "at": full.at}
    town.house.write(order.accept, **late, **of)
    for one in kept:
        again = closing.drawn_again(town.house, name=one.name, signer=signer, **of)
        assert again == file_of(full, one)
    newer = tables(file_of(full, close(full, signer, tmp_path)))
    assert "Autre banque" in {row["Intitulé"] for row in newer["balance.csv"]}
    assert "BC 99" in {row["Bon de cde"] for row in newer["commandes.csv"]}


def test_an_invoice_is_not_drawn_again_as_a_dossier(full: FullTown, signer: Signer) -> None:
    of = {"programme_id": full.town.programme_id, "signer": signer}
    with pytest.raises(NotFound):
        closing.drawn_again(full.town.house, name=f"T{full.town.programme_id}-2026-00001", **of)


def test_an_order_counts_its_own_of_a_sale_that_anothers_vouchers_paid_too(house: Database) -> None:
    town = a_town(house, vouchers=1)
    programme_id, at = town.programme_id, NOON
    other = an_order(house, programme_id=programme_id, buyer_id=town.buyer_id, lines=(Line(500, 1),), upto="paid")
    begun, fresh = a_batch(house, paid=other, upto="issuing"), codes.new_secrets(1)
    of = {"programme_id": programme_id, "batch_number": begun.number, "at": at}
    house.write(issue.issue_chunk, secrets=fresh, pepper=PEPPER, actor=TREASURER, **of)
    house.write(issue.hand_over, actor=TREASURER, **of)
    house.write(issue.activate, actor=APPROVER, **of)
    town.secrets[2] = fresh[0]
    town.undo(town.spend(1, 2, sale_cents=1_500))
    newest = house.write(ledger.watermark, programme_id=programme_id)

    def given_back(order_number: int | None) -> list[int]:
        of_then = {"programme_id": programme_id, "upto_journal": newest, "order_number": order_number}
        found = house.read(lambda session: list(dossier.exceptions(session, **of_then)))
        return [cents for _, _, kind, _, _, cents in found if kind == "reversed"]

    assert [given_back(number) for number in (None, town.order_number, other.number)] == [[1_500], [1_000], [500]]


@pytest.mark.parametrize("name", ["[ 0 9999999999 9999999999 9999999999 ]", f"/Contents <{'00' * 40}>"])
def test_no_name_takes_the_place_of_the_signature(house: Database, signer: Signer, tmp_path: Path, name: str) -> None:
    programme_id = a_programme(house)
    buyer_id = a_commune(house, programme_id=programme_id, name=name)
    made = a_billed_order(house, programme_id=programme_id, buyer_id=buyer_id)
    asked = {"programme_id": programme_id, "anchors": tmp_path / "anchors.json", "signer": signer, "now": later}
    drawn = closing.draw(house, order_number=made.number, **asked)
    assert believed(drawn.file, signer, tmp_path)


def test_a_long_chain_of_certificates_has_its_room(full: FullTown, signer: Signer, tmp_path: Path) -> None:
    longer = replace(signer, chain=(signer.certificate,) * 20)
    assert believed(file_of(full, close(full, longer, tmp_path)), longer, tmp_path)
