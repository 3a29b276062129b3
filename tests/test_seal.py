"""Seals: every journal up to the watermark, in order, chained; the newest noted outside, and never lowered."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.makers import NOON, a_programme
from tests.town import Town, a_town
from vouchers import ledger, seal, verify
from vouchers.db import Database
from vouchers.errors import NotFound
from vouchers.seal import Anchor, AnchorContradicted, Seal, anchors, note_anchor
from vouchers.tables import journal


def watermark(town: Town) -> int:
    return town.house.write(ledger.watermark, programme_id=town.programme_id)


def sealed(town: Town, *, upto: int | None = None) -> Seal | None:
    ends_at = watermark(town) if upto is None else upto
    return town.house.write(seal.seal, programme_id=town.programme_id, upto_journal=ends_at, at=NOON)


def test_each_seal_begins_where_the_last_one_ended_and_names_it(house: Database) -> None:
    town = a_town(house)
    first = sealed(town)
    town.spend(1)
    town.spend(2, 3)
    second = sealed(town)
    assert first is not None
    assert second is not None
    assert (first.number, first.from_journal, first.previous_hash) == (1, 1, bytes(32))
    assert (second.number, second.from_journal, second.previous_hash) == (2, first.to_journal + 1, first.hash)
    assert (second.journals, second.cents) == (2, 3_000)
    assert house.read(seal.seals_of, programme_id=town.programme_id, before=None, limit=9) == [second, first]
    assert house.read(seal.seals_of, programme_id=town.programme_id, before=2, limit=9) == [first]
    assert house.read(verify.verify) == []


def test_nothing_new_needs_no_seal(house: Database) -> None:
    town = a_town(house)
    assert sealed(town) is not None
    assert sealed(town) is None
    with pytest.raises(NotFound):
        house.write(seal.seal, programme_id=99, upto_journal=1, at=NOON)


def test_what_came_after_the_watermark_waits_for_the_next_seal(house: Database) -> None:
    town = a_town(house)
    upto = watermark(town)
    later = town.spend(1)
    first = sealed(town, upto=upto)
    second = sealed(town)
    assert first is not None
    assert second is not None
    assert (first.to_journal, second.from_journal, second.to_journal) == (upto, upto + 1, later)


def test_a_programme_is_sealed_by_itself(house: Database) -> None:
    town, other = a_town(house), a_programme(house, name="Une autre saison")
    town.spend(1)
    made = sealed(town)
    counted = select(func.count()).where(journal.c.programme_id == town.programme_id)
    assert made is not None
    assert made.journals == house.read(lambda session: session.execute(counted).scalar_one())
    assert house.read(seal.newest, programme_id=other) is None


def test_of_two_who_seal_at_once_one_seals(house: Database) -> None:
    town = a_town(house)
    for serial in range(1, 6):
        town.spend(serial)
        with ThreadPoolExecutor(2) as both:
            made = list(both.map(lambda upto: sealed(town, upto=upto), [watermark(town)] * 2))
        assert made.count(None) == 1
    assert house.read(verify.verify) == []


def test_anyone_can_make_the_hash_again_from_the_written_form(house: Database) -> None:
    town = a_town(house)
    sealed(town)
    at = town.spend(1)
    made = sealed(town)
    assert made is not None
    lines: list[list[object]] = [
        ["seal", 1, 1, 2, made.from_journal, at, 1_795_172_400_000_000, made.previous_hash.hex()],
        ["journal", at, "redeemed", 1_795_172_400_000_000, "2026-11-20", "till:1", "merchant:1", ""],
        ["posting", 1, "float", "merchant:1", 1000, 1],
        ["end", 1, 1000],
    ]
    written = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    assert hashlib.sha256(written.encode()).digest() == made.hash


# ── Outside the database ─────────────────────────────────────────────────────────────────────────────────────────
def a_seal(number: int, *, programme_id: int = 1, hashed: bytes = b"h" * 32) -> Seal:
    return Seal(programme_id, number, number, number, 1, 100, bytes(32), hashed, NOON)


def test_the_newest_seal_of_each_programme_is_noted_and_never_lowered(tmp_path: Path) -> None:
    path = tmp_path / "var" / "anchors.json"
    assert anchors(path) == {}
    note_anchor(path, a_seal(3))
    note_anchor(path, a_seal(1, programme_id=2))
    note_anchor(path, a_seal(2))
    note_anchor(path, a_seal(3))
    assert anchors(path) == {1: Anchor(3, 3, (b"h" * 32).hex()), 2: Anchor(1, 1, (b"h" * 32).hex())}


def test_another_hash_under_a_noted_number_is_told(tmp_path: Path) -> None:
    note_anchor(tmp_path / "anchors.json", a_seal(3))
    with pytest.raises(AnchorContradicted):
        note_anchor(tmp_path / "anchors.json", a_seal(3, hashed=b"x" * 32))


def test_of_many_who_note_at_once_the_newest_stays(tmp_path: Path) -> None:
    path = tmp_path / "anchors.json"
    with ThreadPoolExecutor(8) as many:
        list(many.map(lambda number: note_anchor(path, a_seal(number)), [*range(1, 40), *range(39, 0, -1)]))
    assert anchors(path)[1].number == 39
