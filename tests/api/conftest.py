"""The doors, on each engine in turn."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.doors import Doors, open_doors


@pytest.fixture
def doors(house_url: str, tmp_path: Path) -> Iterator[Doors]:
    """An application with an empty, migrated house behind it."""
    with open_doors(house_url, tmp_path) as opened:
        yield opened
