"""The days on which banks settle, asked by many at the same moment."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import holidays
import pytest

from vouchers import clock

YEARS = range(2026, 2034)
BANK_HOLIDAYS = [date(year, month, day) for year in YEARS for month, day in ((1, 1), (5, 1), (12, 25))]
pytestmark = pytest.mark.usefixtures("threads_take_turns_often")


def test_a_bank_holiday_is_one_however_many_ask_first(monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(6)

    def asked(_person: int) -> list[date]:
        together.wait()
        return [day for day in BANK_HOLIDAYS if clock.is_target_day(day)]

    with ThreadPoolExecutor(6) as pool:
        for _start_of_a_process in range(60):
            monkeypatch.setattr(clock, "_TARGET", holidays.financial_holidays("ECB"))
            assert list(pool.map(asked, range(6))) == [[]] * 6
