"""Copies: what was copied comes back on either engine and goes on working; what is not whole, or older, is refused."""

import hashlib
import io
import itertools
import json
import shutil
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.engine import make_url

from tests.full_town import TO_BE_SPENT, FullTown, a_full_town, sealed
from tests.makers import NOON, a_buyer, a_merchant, a_till
from tests.town import a_town
from vouchers import copies, seal, verify
from vouchers.copies import CopyFault, back_up, examine
from vouchers.db import Database
from vouchers.errors import CopyBroken, CopyOlder
from vouchers.tables import journal, metadata, pairing

_numbers = itertools.count(1)


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Another house, migrated and empty, on the engine asked for (SQLite unless told otherwise)."""
    if getattr(request, "param", "sqlite") == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "elsewhere.db")
        url = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    else:
        server = request.getfixturevalue("postgres_url")
        name = f"elsewhere_{next(_numbers)}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE migrated".encode())
        url = make_url(server).set(database=name).render_as_string(hide_password=False)
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture
def full(house: Database) -> FullTown:
    return a_full_town(house)


def restored(into: Database, copy: Path, *, anchors: Any = None) -> copies.Copy:
    return copies.restore(into, copy=copy, anchors=anchors or {}, check=verify.verify)


def is_empty(house: Database) -> bool:
    return all(
        house.read(lambda session, table=table: session.execute(select(table).limit(1)).first() is None)
        for table in metadata.sorted_tables
    )


def tables_of(copy: Path) -> dict[str, Any]:
    with zipfile.ZipFile(copy) as whole:
        told: dict[str, Any] = json.loads(whole.read("manifest.json"))["tables"]
    return told


@pytest.mark.parametrize("elsewhere", ["sqlite", "postgresql"], indirect=True)
def test_a_restored_house_holds_the_same_rows_and_goes_on(
    house: Database, elsewhere: Database, full: FullTown, tmp_path: Path
) -> None:
    made = back_up(house, to=tmp_path / "copy.zip", at=full.at)
    heard: list[tuple[int, int]] = []
    told = copies.restore(
        elsewhere,
        copy=tmp_path / "copy.zip",
        anchors={},
        check=verify.verify,
        progress=lambda done, of: heard.append((done, of)),
    )
    assert told == made == examine(tmp_path / "copy.zip")
    assert heard[-1] == (made.rows, made.rows)
    assert elsewhere.read(verify.verify) == []
    back_up(elsewhere, to=tmp_path / "again.zip", at=full.at)
    assert tables_of(tmp_path / "again.zip") == tables_of(tmp_path / "copy.zip"), "the same bytes from either engine"

    town = full.town
    town.house = elsewhere
    before = elsewhere.read(
        lambda session: session.execute(select(journal.c.id).order_by(journal.c.id.desc())).scalar()
    )
    assert town.spend(TO_BE_SPENT, at=full.at) > before
    assert town.scan(TO_BE_SPENT, at=full.at).refusal is not None
    a_buyer(elsewhere, programme_id=town.programme_id, name="Une autre commune")
    shop = a_merchant(elsewhere, programme_id=town.programme_id, shop_name="Un commerce de plus")
    assert a_till(elsewhere, programme_id=town.programme_id, merchant_id=shop).till.till_id not in town.tills
    assert sealed(town, at=full.at) is not None
    assert elsewhere.read(verify.verify) == []


def test_the_first_answers_come_back_with_the_copy(
    house: Database, elsewhere: Database, full: FullTown, tmp_path: Path
) -> None:
    first = full.town.scan(TO_BE_SPENT, key="kept-by-the-phone", at=full.at)
    back_up(house, to=tmp_path / "copy.zip", at=full.at)
    restored(elsewhere, tmp_path / "copy.zip")
    full.town.house = elsewhere
    again = full.town.scan(TO_BE_SPENT, key="kept-by-the-phone", at=full.at)
    assert (again.value, again.replayed) == (first.value, True)


def test_sessions_tokens_and_pairing_codes_do_not_come_back_to_life(
    house: Database, elsewhere: Database, full: FullTown, tmp_path: Path
) -> None:
    assert house.read(lambda session: session.execute(select(pairing)).first()) is not None
    back_up(house, to=tmp_path / "copy.zip", at=full.at)
    restored(elsewhere, tmp_path / "copy.zip")
    for name in copies.NOT_COPIED:
        table = metadata.tables[name]
        assert elsewhere.read(lambda session, table=table: session.execute(select(table)).all()) == []


def test_a_copy_made_while_tills_work_is_of_one_moment(house: Database, elsewhere: Database, tmp_path: Path) -> None:
    town = a_town(house, vouchers=60)

    def work() -> None:
        for serial in range(1, 61):
            town.spend(serial, shop=serial % 2)

    working = threading.Thread(target=work)
    working.start()
    made = [back_up(house, to=tmp_path / f"copy{number}.zip", at=NOON) for number in range(3)]
    working.join()
    assert [copy.journals for copy in made] == sorted((copy.journals for copy in made), key=lambda one: one[1])
    restored(elsewhere, tmp_path / "copy1.zip")
    assert elsewhere.read(verify.verify) == []


def test_a_copy_is_never_written_over_another_file(house: Database, tmp_path: Path) -> None:
    back_up(house, to=tmp_path / "copy.zip", at=NOON)
    with pytest.raises(CopyFault):
        back_up(house, to=tmp_path / "copy.zip", at=NOON)
    assert [path.name for path in tmp_path.glob("copy*")] == ["copy.zip"]
    assert (tmp_path / "copy.zip").stat().st_mode & 0o077 == 0


def test_of_two_copies_to_one_file_at_once_one_is_made_and_the_other_refused(house: Database, tmp_path: Path) -> None:
    together = threading.Barrier(2)

    def copied(to: Path) -> str:
        together.wait()
        try:
            return back_up(house, to=to, at=NOON).sha256
        except CopyFault:
            return ""

    with ThreadPoolExecutor(2) as pool:
        for number in range(5):
            to = tmp_path / f"copy{number}.zip"
            assert sorted(pool.map(copied, [to, to])) == ["", examine(to).sha256]
    assert len(list(tmp_path.glob("copy*"))) == 5


# ── What is refused ──────────────────────────────────────────────────────────────────────────────────────────────
def test_one_flipped_bit_anywhere_is_refused(house: Database, tmp_path: Path) -> None:
    a_town(house, vouchers=2)
    copy = tmp_path / "copy.zip"
    back_up(house, to=copy, at=NOON)
    whole = copy.read_bytes()
    for place in {*range(0, len(whole), 97), *range(120), *range(len(whole) - 120, len(whole))}:
        copy.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(CopyBroken):
            examine(copy)


def test_a_copy_cut_short_or_missing_is_refused(house: Database, elsewhere: Database, tmp_path: Path) -> None:
    copy = tmp_path / "copy.zip"
    back_up(house, to=copy, at=NOON)
    whole = copy.read_bytes()
    for length in (0, 1, 63, 64, 65, 1_000, len(whole) - 65, len(whole) - 1):
        copy.write_bytes(whole[:length])
        with pytest.raises(CopyBroken):
            restored(elsewhere, copy)
    with pytest.raises(CopyBroken):
        examine(tmp_path / "nowhere.zip")


@pytest.mark.parametrize("elsewhere", ["sqlite", "postgresql"], indirect=True)
def test_a_forged_copy_is_refused_by_the_books_and_nothing_of_it_stays(
    house: Database, elsewhere: Database, full: FullTown, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.zip"
    back_up(house, to=copy, at=full.at)
    richer = forged(copy, table="voucher", richer=True)
    for forgery in (richer, forged(copy, table="posting"), forged(copy, table="redemption")):
        copy.write_bytes(forgery)
        examine(copy)
        with pytest.raises(CopyBroken):
            restored(elsewhere, copy)
        assert is_empty(elsewhere)


def forged(copy: Path, *, table: str, richer: bool = False) -> bytes:
    """The copy signed anew by someone who changed a table: without its last row, or a cent richer."""
    out = io.BytesIO()
    with zipfile.ZipFile(copy) as whole, zipfile.ZipFile(out, "w") as other:
        entries = {name: whole.read(name) for name in whole.namelist()}
        rows = entries[f"{table}.jsonl"].splitlines(keepends=True)
        entries[f"{table}.jsonl"] = b"".join(rows[:-1])
        if richer:
            balance = json.loads(rows[11])
            balance[6] += 1
            rows[11] = json.dumps(balance, separators=(",", ":")).encode() + b"\n"
            entries[f"{table}.jsonl"] = b"".join(rows)
        manifest = json.loads(entries["manifest.json"])
        changed = entries[f"{table}.jsonl"]
        manifest["tables"][table] |= {"rows": changed.count(b"\n"), "sha256": hashlib.sha256(changed).hexdigest()}
        entries["manifest.json"] = json.dumps(manifest).encode()
        for name, body in entries.items():
            other.writestr(name, body)
        other.comment = b"0" * 64
    body = out.getvalue()[:-64]
    return body + hashlib.sha256(body).hexdigest().encode()


def test_a_copy_older_than_the_seal_noted_outside_is_refused(
    house: Database, elsewhere: Database, full: FullTown, tmp_path: Path
) -> None:
    town, anchors = full.town, tmp_path / "anchors.json"
    back_up(house, to=tmp_path / "older.zip", at=full.at)
    last = sealed(town, at=full.at)
    assert last is not None
    seal.note_anchor(anchors, last)
    back_up(house, to=tmp_path / "newer.zip", at=full.at)
    with pytest.raises(CopyOlder) as refused:
        restored(elsewhere, tmp_path / "older.zip", anchors=seal.anchors(anchors))
    assert refused.value.data["known_journal"] == last.to_journal
    assert is_empty(elsewhere)
    restored(elsewhere, tmp_path / "newer.zip", anchors=seal.anchors(anchors))
    assert elsewhere.read(verify.verify, anchors=seal.anchors(anchors)) == []


def test_a_copy_whose_seal_is_not_the_noted_one_is_refused(
    house: Database, elsewhere: Database, full: FullTown, tmp_path: Path
) -> None:
    newest = house.read(seal.newest, programme_id=full.town.programme_id)
    assert newest is not None
    back_up(house, to=tmp_path / "copy.zip", at=full.at)
    other = {newest.programme_id: (newest.number, newest.to_journal, "0" * 64)}
    with pytest.raises(CopyBroken):
        restored(elsewhere, tmp_path / "copy.zip", anchors=other)
    assert is_empty(elsewhere)


def test_a_house_that_holds_anything_is_never_filled(house: Database, full: FullTown, tmp_path: Path) -> None:
    back_up(house, to=tmp_path / "copy.zip", at=full.at)
    with pytest.raises(CopyFault):
        restored(house, tmp_path / "copy.zip")
    full.town.spend(TO_BE_SPENT, at=full.at)
    with pytest.raises(CopyOlder):
        restored(house, tmp_path / "copy.zip")
    assert house.read(verify.verify) == []
