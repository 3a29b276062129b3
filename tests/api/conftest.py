"""The doors, on each engine in turn."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.api.doors import Doors, TillPhone, open_doors
from tests.town import Town, a_town
from vouchers import clock


@pytest.fixture
def within_the_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour that does not turn while a test counts what an hour allows."""
    usual = clock.now
    if usual().minute >= 55:
        monkeypatch.setattr(clock, "now", lambda: usual() + timedelta(minutes=10))


@pytest.fixture
def doors(house_url: str, tmp_path: Path, within_the_hour: None) -> Iterator[Doors]:
    """An application with an empty, migrated house behind it."""
    with open_doors(house_url, tmp_path) as opened:
        yield opened


@pytest.fixture
def town(doors: Doors) -> Town:
    """A season that has begun, with vouchers to spend today."""
    today = clock.book_day(clock.now())
    return a_town(
        doors.house,
        vouchers=30,
        at=clock.now(),
        starts_on=today - timedelta(days=30),
        expires_on=today + timedelta(days=200),
        presentation_deadline_on=today + timedelta(days=260),
    )


@pytest.fixture
def till(doors: Doors, town: Town) -> TillPhone:
    """The paired phone of the town's first shop."""
    return doors.till(town.programme_id, town.merchants[0])
