"""The demonstration's whole books as files for other people's programs: none of them finds a fault."""

import csv
import io
import shutil
import subprocess
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from beancount import loader
from typer.testing import CliRunner

from tests.demonstration import Demonstration
from tests.makers import NOON, TODAY, a_buyer, a_programme, an_order
from tests.town import a_town
from vouchers import books, clock, exports, order
from vouchers.cli import app
from vouchers.db import Database
from vouchers.errors import BadInput, IssuerSirenMissing, NotFound
from vouchers.paper.fec import Encoding, Separator
from vouchers.paper.fec_rules import faults, faults_in
from vouchers.tables import issuer

needs_hledger = pytest.mark.skipif(shutil.which("hledger") is None, reason="hledger is not installed (apt: hledger)")
FORMATS: list[tuple[Encoding, Separator]] = [("iso-8859-15", "tab"), ("utf-8", "pipe"), ("ascii", "tab")]


@contextmanager
def house_of(demonstration: Demonstration, folder: Path) -> Iterator[Database]:
    shutil.copy(demonstration.folder / "house.db", folder / "house.db")
    house = Database(f"sqlite:///{folder / 'house.db'}")
    try:
        yield house
    finally:
        house.close()


def written(house: Database, write: Callable[..., None], **days: date) -> str:
    out = io.BytesIO()
    write(house, out, programme_id=1, **days)
    return out.getvalue().decode()


def fec_of(house: Database, **how: object) -> tuple[str, bytes, bytes]:
    made = exports.year_fec(house, programme_id=1, **{"year": 2026, "at": NOON, **how})
    with made.file as file:
        return made.name, file.read(), made.description


def test_the_demonstrations_fec_has_no_fault_and_the_sums_of_the_balance(
    demonstration: Demonstration, tmp_path: Path
) -> None:
    now = clock.now()
    year = clock.book_day(now).year
    with house_of(demonstration, tmp_path) as house:
        contents = {}
        for encoding, separator in FORMATS:
            name, content, _ = fec_of(house, year=year, at=now, encoding=encoding, separator=separator)
            assert faults(content, name=name) == []
            contents[encoding] = content
        balance = house.read(books.year_balance, programme_id=1, year=year, to_on=date(year, 12, 31))

    found: Counter[tuple[str, str]] = Counter()
    for row in csv.DictReader(io.StringIO(contents["iso-8859-15"].decode("iso-8859-15")), delimiter="\t"):
        for side in ("Debit", "Credit"):
            found[row["CompteNum"], side] += int(row[side].replace(",", ""))
    said: Counter[tuple[str, str]] = Counter()
    for total in balance:
        said[total.number, "Debit"] += total.debit_cents + max(0, total.opening_cents)
        said[total.number, "Credit"] += total.credit_cents + max(0, -total.opening_cents)
    assert {key: cents for key, cents in found.items() if cents} == {key: cents for key, cents in said.items() if cents}


@needs_hledger
def test_hledger_and_beancount_accept_the_demonstrations_whole_books(
    demonstration: Demonstration, tmp_path: Path
) -> None:
    with house_of(demonstration, tmp_path) as house:
        journal, beans = written(house, exports.write_hledger), written(house, exports.write_beancount)
    program = shutil.which("hledger") or "hledger"
    done = subprocess.run(
        [program, "-f", "-", "check", "--strict", "ordereddates"],
        input=journal.encode(),
        capture_output=True,
        env={"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    transactions, errors, _ = loader.load_string(beans)
    assert not errors, errors
    assert len(transactions) > 100


def test_the_same_year_gives_the_same_bytes_and_the_name_says_its_last_day(house: Database) -> None:
    town = a_town(house, vouchers=3, shops=1)
    town.spend(1)
    name, content, description = fec_of(house)
    assert name[9:] == "FEC20261120.txt"
    assert fec_of(house)[1:] == (content, description)
    assert fec_of(house, at=NOON.replace(year=2027))[0][9:] == "FEC20261231.txt"

    def zipped() -> bytes:
        out = io.BytesIO()
        exports.write_fec_zip(out, exports.year_fec(house, programme_id=1, year=2026, at=NOON))
        return out.getvalue()

    assert zipped() == zipped()
    with zipfile.ZipFile(io.BytesIO(zipped())) as together:
        assert [together.read(part) for part in together.namelist()] == [content, description]


def test_a_year_opens_on_the_one_before_in_its_fec(house: Database) -> None:
    town = a_town(house, vouchers=3, shops=1)
    town.spend(1, at=NOON.replace(year=2027, month=1))
    name, content, _ = fec_of(house, year=2027, at=NOON.replace(year=2027))
    assert faults(content, name=name) == []
    first, *_rest, last = content.decode("iso-8859-15").splitlines()[1:]
    assert first.startswith("AN\tÀ-nouveaux\tAN-000001\t20270101\t")
    assert last.startswith("OD\tOpérations diverses\tOD-000001\t20270120\t")


def test_without_a_siren_or_without_an_entry_there_is_no_fec(house: Database) -> None:
    a_programme(house)
    with pytest.raises(NotFound):
        exports.year_fec(house, programme_id=9, year=2026, at=NOON)
    for year, problem in ((2026, "nothing_written"), (2027, "range"), (1999, "range")):
        with pytest.raises(BadInput) as refused:
            exports.year_fec(house, programme_id=1, year=year, at=NOON)
        assert refused.value.data["problem"] == problem
    an_order(house, programme_id=1, buyer_id=a_buyer(house, programme_id=1))
    house.write(lambda session: session.execute(issuer.update().values(siret=None)))
    with pytest.raises(IssuerSirenMissing):
        exports.year_fec(house, programme_id=1, year=2026, at=NOON)


def test_a_year_in_which_nothing_stood_or_moved_has_no_fec(house: Database) -> None:
    programme_id = a_programme(house)
    of = {"programme_id": programme_id, "actor": "treasurer", "at": NOON}
    buyer_id = a_buyer(house, programme_id=programme_id)
    owed = an_order(house, programme_id=programme_id, buyer_id=buyer_id, upto="approved")
    house.write(order.cancel, number=owed.number, reason="double", **of)
    name, content, _ = fec_of(house)
    assert faults(content, name=name) == []
    with pytest.raises(BadInput) as refused:
        exports.year_fec(house, programme_id=1, year=2027, at=NOON.replace(year=2028))
    assert refused.value.data["problem"] == "nothing_written"


def test_names_with_emoji_and_bars_still_make_a_fec_without_fault(house: Database) -> None:
    a_programme(house)
    for name in ("Mairie | du port", "🎁🎁", "Œuvre d'Ægir — 東京", "=1+1"):
        an_order(house, programme_id=1, buyer_id=a_buyer(house, programme_id=1, name=name))
    for encoding, separator in FORMATS:
        name, content, _ = fec_of(house, encoding=encoding, separator=separator)
        assert faults(content, name=name) == []
    assert "'=1+1" in written(house, exports.write_journal_csv, from_on=TODAY, to_on=TODAY)


def test_any_fec_is_judged_at_the_command_line(tmp_path: Path, house: Database) -> None:
    a_town(house, vouchers=1)
    name, content, _ = fec_of(house)
    good, bad = tmp_path / name, tmp_path / f"bad-{name}"
    good.write_bytes(content)
    bad.write_bytes(content.replace(b",00", b".00", 1))
    run = CliRunner()

    accepted, refused = (run.invoke(app, ["fec-check", str(path)]) for path in (good, bad))

    assert (accepted.exit_code, "Rien à signaler." in accepted.output) == (0, True)
    assert refused.exit_code == 1
    with bad.open("rb") as file:
        assert {fault.rule for fault in faults_in(file, name=name)} >= {"decimal_dot"}
    assert "decimal_dot" in refused.output and "bloquantes" in refused.output
