"""The same doors and town as the API's tests, and a stranger's browser."""

import pytest

from tests.api.conftest import doors, town, within_the_hour
from tests.api.doors import Doors
from tests.pages.browsing import Browser

__all__ = ["doors", "town", "within_the_hour"]


@pytest.fixture
def stranger(doors: Doors) -> Browser:
    """Anybody at all."""
    return Browser(doors)
