"""An order made from a list becomes post: every voucher once, with whoever holds it, in the order of the carrier."""

import csv
import io
from datetime import date
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from sqlalchemy import insert

from tests.given import JEANNE, PAUL, a_given_list
from tests.makers import NOON, PEPPER
from tests.town import CLERK, TREASURER, Town, a_town
from vouchers import issue, mail_merge, privacy, recipients
from vouchers.address_block import Unfit
from vouchers.db import Database
from vouchers.errors import BadInput, NotAssigned, NotFound, SheetsHandedOver
from vouchers.paper.labels import FORMATS
from vouchers.paper.voucher_sheet import read_codes
from vouchers.paper_settings import PaperSettings
from vouchers.tables import paper_settings, recipient_voucher

ANNA = ("Mme", "Ącka", "Anna", "2 rue Haute", "50550", "Saint-Vaast")
FAR = ("M.", "Perdu", "Luc", "", "", "")


def a_town_with_people(house: Database) -> tuple[Town, list[int]]:
    town = a_town(house, vouchers=10, active=False, shops=2)
    _, people = a_given_list(town, (JEANNE, 4), (PAUL, 2), (ANNA, 1), (FAR, 3))
    return town, people


def write(town: Town, out: Path, **how: Any) -> mail_merge.Posted:
    return mail_merge.write_letters(
        town.house,
        **{
            "programme_id": town.programme_id,
            "order_number": town.order_number,
            "pepper": PEPPER,
            "out": out,
            "written_on": date(2026, 12, 1),
            "processes": 1,
            **how,
        },
    )


def written(town: Town, out: Path, **how: Any) -> list[list[str]]:
    """The words of each page of the finished file."""
    write(town, out, **how)
    with pypdfium2.PdfDocument(out) as document:
        return [page.get_textpage().get_text_range().split() for page in document]


def pages_of(town: Town, out: Path, **how: Any) -> list[tuple[str, list[str]]]:
    """(whose line, serials) of each page, from its own words."""
    found = []
    for said in written(town, out, **how):
        serials = [said[at + 1] for at, word in enumerate(said) if word == "N°"]
        found.append((said[-3], [serial.lstrip("0") for serial in serials]))
    return found


def test_each_person_has_their_own_vouchers_in_the_order_of_the_round_or_of_the_street(
    house: Database, tmp_path: Path
) -> None:
    town, _people = a_town_with_people(house)
    assert pages_of(town, tmp_path / "post" / "a.pdf", shops="none") == [
        ("4", []), ("4", ["7"]),
        ("2", []), ("2", ["1", "2", "3"]), ("2", ["4"]),
        ("3", []), ("3", ["5", "6"]),
        ("5", []), ("5", ["8", "9", "10"]),
    ]  # fmt: skip
    along = pages_of(town, tmp_path / "post" / "b.pdf", shops="none", order_by="street", together="sheet")
    assert along == [
        ("5", ["8"]), ("5", ["9", "10"]),
        ("2", ["1"]), ("2", ["2", "3", "4"]),
        ("4", ["7"]),
        ("3", ["5"]), ("3", ["6"]),
    ]  # fmt: skip
    codes = {text.rpartition("#")[2] for text in read_codes(tmp_path / "post" / "b.pdf")}
    assert codes == {secret.code for secret in town.secrets.values()}
    first = (tmp_path / "post" / "a.pdf").read_bytes()
    written(town, tmp_path / "post" / "a.pdf", shops="none")
    assert (tmp_path / "post" / "a.pdf").read_bytes() == first
    assert (tmp_path / "post" / "a.pdf").stat().st_mode & 0o777 == 0o600


def test_a_letter_says_what_the_programme_says_and_names_shops_of_the_persons_commune(
    house: Database, tmp_path: Path
) -> None:
    town, _people = a_town_with_people(house)
    kept = {"programme_id": town.programme_id, "accounts": "{}"}
    told = PaperSettings(
        letter_text="{civilite},\n\nBonnes fêtes ! {nombre} fois merci.",
        letter_place="Digne",
        letter_signatory="La maire",
    )
    values = {name: getattr(told, name) for name in told.__dataclass_fields__ if name != "accounts"}
    house.write(lambda session: session.execute(insert(paper_settings).values(**values, **kept)))
    told_shops: list[tuple[int, int]] = []
    pages = written(town, tmp_path / "post" / "a.pdf", progress=lambda done, of: told_shops.append((done, of)))
    said = " ".join(pages[2])
    assert "Madame, Bonnes fêtes ! 4 fois merci." in said and "Digne, le 1er décembre 2026" in said
    assert "La maire" in said and "Commerce 0" in said and "12 RUE DU QUAI 50550 SAINT VAAST" in said
    assert told_shops[-1] == (20, 20)
    broken = "Bonjour.\n" * 60
    house.write(lambda session: session.execute(paper_settings.update().values(letter_text=broken)))
    before = (tmp_path / "post" / "a.pdf").read_bytes()
    with pytest.raises(BadInput) as refused:
        written(town, tmp_path / "post" / "a.pdf")
    assert refused.value.data["problem"] == "longer_than_a_page"
    assert (tmp_path / "post" / "a.pdf").read_bytes() == before and [
        one.name for one in (tmp_path / "post").iterdir()
    ] == ["a.pdf"]


def test_vouchers_of_the_erased_come_last_and_the_cancelled_do_not_come_at_all(house: Database, tmp_path: Path) -> None:
    town, people = a_town_with_people(house)
    town.cancel(2)
    house.write(privacy.erase, programme_id=town.programme_id, recipient_id=people[1], actor=CLERK, at=NOON)
    pages = written(town, tmp_path / "post" / "a.pdf", shops="none")
    assert " ".join(pages[-1]).endswith("Données effacées, paquet 1 · 1/1") and "Nguyen" not in str(pages)
    assert [word for word in pages[-1] if word in {"0000005", "0000006"}] == ["0000005", "0000006"]
    assert "0000002" not in str(pages) and "3 chèques cadeaux" in " ".join(pages[2])
    assert write(town, tmp_path / "post" / "a.pdf") == mail_merge.Posted(3, 7, 9, 1, 2)
    mailing = mailing_of(town)
    assert (mailing.vouchers, mailing.nobodys, [one.reference for one in mailing.people]) == (9, 2, ["4", "2", "5"])


def mailing_of(town: Town, **how: Any) -> mail_merge.Mailing:
    asked = {"programme_id": town.programme_id, "order_number": town.order_number, "order_by": "round", **how}
    return town.house.read(mail_merge.mailing_of, **asked)


def test_labels_and_the_mail_houses_file_bear_the_references_of_the_letters(house: Database) -> None:
    town, _people = a_town_with_people(house)
    mailing = mailing_of(town)
    assert [(one.reference, isinstance(one.found, Unfit)) for one in mailing.people] == [
        ("4", False), ("2", False), ("3", False), ("5", True),
    ]  # fmt: skip
    assert [one.lines for one in mailing.by_hand] == [("M. Luc Perdu", "À REMETTRE EN MAIN PROPRE")]
    rows = list(csv.reader(io.StringIO(b"".join(mail_merge.mailing_csv(mailing)).decode()), delimiter=";"))
    assert [row[0] for row in rows] == ["ref", "4", "2", "3"]
    assert rows[2][1:] == [
        "Mme", "Mme Jeanne Lefèvre-Œuvray", "", "", "12 RUE DU QUAI", "", "50550 SAINT VAAST", "FRANCE",
        str(town.batch_number), "4", "0000001", "0000004",
    ]  # fmt: skip
    out = io.BytesIO()
    assert mail_merge.write_labels(out, mailing=mailing, form=FORMATS["21"]) == 1
    with pypdfium2.PdfDocument(out.getvalue()) as document:
        said = document[0].get_textpage().get_text_range()
    assert "Anna Ącka" in said and "MAIN PROPRE" in said
    asked: dict[str, Any] = {"programme_id": town.programme_id, "order_number": town.order_number}
    paper, made_up = house.read(mail_merge.specimen_of, **asked, written_on=date(2026, 12, 1), together="sheet")
    assert made_up.address[-1] == "00000 SAINT VAAST" and paper.together == "sheet"


def test_letters_are_made_only_between_the_giving_and_the_handing_over(house: Database, tmp_path: Path) -> None:
    town = a_town(house, vouchers=1, active=False)
    with pytest.raises(NotFound):
        written(town, tmp_path / "post" / "a.pdf", order_number=99)
    with pytest.raises(NotFound):
        written(town, tmp_path / "post" / "a.pdf")
    a_given_list(town, (JEANNE, 1))
    house.write(lambda session: session.execute(recipient_voucher.delete()))
    with pytest.raises(NotAssigned):
        written(town, tmp_path / "post" / "a.pdf")
    of: dict[str, Any] = {"programme_id": town.programme_id, "actor": TREASURER, "at": NOON}
    house.write(recipients.assign, order_number=town.order_number, **of)
    house.write(issue.hand_over, batch_number=town.batch_number, **of)
    with pytest.raises(SheetsHandedOver):
        written(town, tmp_path / "post" / "a.pdf")
    assert not list(tmp_path.glob("post/*"))
