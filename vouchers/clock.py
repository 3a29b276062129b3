"""The only reader of the time. Instants are aware UTC; business days are dates in Paris.

Below the doors time is an argument: a verb is told `at`, it never asks.
"""

import threading
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import holidays

PARIS: Final = ZoneInfo("Europe/Paris")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TARGET: Final = holidays.financial_holidays("ECB")
_target_turn: Final = threading.Lock()
_MONTHS: Final = (
    "janvier", "février", "mars", "avril", "mai", "juin",
    "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip


def now() -> datetime:
    """The instant it is, aware, in UTC. Called by the doors alone."""
    return datetime.now(UTC)


def book_day(at: datetime) -> date:
    """The business day of an instant: its date in Paris."""
    return at.astimezone(PARIS).date()


def starts(day: date) -> datetime:
    """The first instant of a Paris day, in UTC."""
    return datetime.combine(day, time.min, PARIS).astimezone(UTC)


def is_target_day(day: date) -> bool:
    """Whether banks settle euros that day (the ECB's TARGET calendar)."""
    # The calendar fills in a year when it is first asked about it, and counts that year as known before its days are.
    with _target_turn:
        return bool(_TARGET.is_working_day(day))


def next_target_day(day: date) -> date:
    """`day` itself when banks settle euros that day, else the first after it."""
    while not is_target_day(day):
        day += timedelta(days=1)
    return day


def micros(at: datetime) -> int:
    """Whole microseconds since 1970, as instants are stored. Naive datetimes are refused."""
    assert at.tzinfo is not None, "an instant is aware"
    return (at - _EPOCH) // timedelta(microseconds=1)


def from_micros(stored: int) -> datetime:
    """The instant stored as `micros`."""
    return _EPOCH + timedelta(microseconds=stored)


def iso(at: datetime) -> str:
    """The one text form of an instant at the doors: RFC 3339, UTC, microseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def day_fr(day: date) -> str:
    """'1er novembre 2026'."""
    return f"{'1er' if day.day == 1 else day.day} {_MONTHS[day.month - 1]} {day.year}"


def moment_fr(at: datetime) -> str:
    """'21/11/2026 à 14 h 05', Paris time."""
    return at.astimezone(PARIS).strftime("%d/%m/%Y à %H h %M")
