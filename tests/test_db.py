"""The one writer of an SQLite house, when the house closes."""

import shutil
import threading
from pathlib import Path

import pytest

from vouchers.db import Busy, Database


@pytest.fixture
def copied(migrated_sqlite: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'house.db')}"


def test_a_closed_house_does_nothing_and_says_so(house: Database) -> None:
    closed = Database(house.url)
    closed.close()
    with pytest.raises(Busy):
        closed.write(lambda _session: None)
    closed.close()


@pytest.mark.usefixtures("threads_take_turns_often")
def test_whoever_writes_while_the_house_closes_is_answered(copied: str) -> None:
    for _closing in range(40):
        house = Database(copied)
        assert house.write(lambda _session: "done") == "done"
        refused = []

        def write_until_refused(house: Database = house, refused: list[Busy] = refused) -> None:
            try:
                while house.write(lambda _session: "done") == "done":
                    pass
            except Busy as busy:
                refused.append(busy)

        writers = [threading.Thread(target=write_until_refused, daemon=True) for _ in range(4)]
        for writer in writers:
            writer.start()
        house.close()
        for writer in writers:
            writer.join(30)
        assert len(refused) == 4, "nobody waits for ever"
