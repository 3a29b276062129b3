"""Opening hours: typed by people, read by people, asked by a clock."""

from datetime import UTC, datetime

import pytest

from vouchers import opening
from vouchers.errors import BadInput
from vouchers.opening import Hours, Span

BAKERY = opening.parse_week(["fermé", *["9h-12h30, 14h-19h"] * 5, "8h-12h"])


@pytest.mark.parametrize(
    "typed",
    [
        "9h-12h30, 14h-19h", "9:00-12:30 14:00-19:00".replace(" 14", ",14"), "9 h – 12 h 30, 14 h – 19 h",
        "09h00 à 12h30 et 14h00 à 19h00", "9-12h30; 14-19", "9.00-12.30 + 14.00-19.00",
    ],
)  # fmt: skip
def test_hours_are_read_however_they_are_typed(typed: str) -> None:
    assert opening.parse_day(typed) == (Span(540, 750), Span(840, 1140))


@pytest.mark.parametrize("typed", ["", "fermé", "Fermé.", "CLOSED", "–"])
def test_a_closed_day_is_said_in_many_ways(typed: str) -> None:
    assert opening.parse_day(typed) == ()


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("matin", "not_hours"),
        ("9h", "not_hours"),
        ("25h-26h", "not_hours"),
        ("9h75-12h", "not_hours"),
        ("18h-2h", "hours_order"),
        ("12h-9h", "hours_order"),
        ("9h-12h, 11h-18h", "hours_order"),
        ("8h-9h, 10h-11h, 12h-13h", "hours_order"),
        ("9" * 600, "length"),
        ("٩h-12h", "not_hours"),
    ],
)
def test_hours_that_cannot_be_are_refused_with_their_day(typed: str, problem: str) -> None:
    with pytest.raises(BadInput) as refused:
        opening.parse_week(["", "", typed, "", "", "", ""])
    assert (refused.value.data["field"], refused.value.data["problem"]) == ("wednesday", problem)


def test_a_bar_that_closes_after_midnight_closes_at_midnight_here() -> None:
    assert opening.parse_day("18h-24h") == (Span(1080, 1440),)


def test_equal_neighbouring_days_are_one_line() -> None:
    assert opening.lines_fr(BAKERY) == [
        "Lundi : fermé",
        "Du mardi au samedi : 9 h – 12 h 30, 14 h – 19 h",
        "Dimanche : 8 h – 12 h",
    ]
    assert opening.lines_en(BAKERY) == [
        "Monday: closed",
        "Tuesday to Saturday: 9:00–12:30, 14:00–19:00",
        "Sunday: 8:00–12:00",
    ]
    assert opening.lines_fr(opening.parse_week(["8h-20h"] * 7)) == ["Tous les jours : 8 h – 20 h"]
    assert opening.lines_fr(opening.UNKNOWN) == []
    two = opening.parse_week(["", "9h-12h", "9h-12h", *["14h-18h"] * 4])
    assert opening.lines_fr(two)[1:] == ["Mardi et mercredi : 9 h – 12 h", "Du jeudi au dimanche : 14 h – 18 h"]
    assert opening.parse("\n".join(opening.lines_en(two))) == two


def test_what_people_read_is_read_back_as_the_same_week() -> None:
    for lines in (opening.lines_fr(BAKERY), opening.lines_en(BAKERY)):
        assert opening.parse("\n".join(lines)) == BAKERY
    assert opening.parse("mar.-sam. 9h-12h30, 14h-19h | dimanche 8h-12h") == BAKERY
    assert opening.parse("9h-18h") == opening.parse_week(["9h-18h"] * 7)
    with pytest.raises(BadInput):
        opening.parse("lundi 9h-12h | lundi 14h-18h")


def test_what_is_typed_comes_back_to_be_typed_over() -> None:
    assert [opening.day_typed(day) for day in BAKERY.days][:2] == ["", "9h-12h30, 14h-19h"]
    assert opening.parse_week([opening.day_typed(day) for day in BAKERY.days]) == BAKERY


def test_the_tables_give_back_the_same_week() -> None:
    assert opening.from_json(opening.to_json(BAKERY)) == BAKERY
    assert opening.from_json("") == opening.from_json("[]") == Hours()


def test_a_shop_is_open_by_the_clocks_of_paris() -> None:
    tuesday = datetime(2026, 11, 24, tzinfo=UTC)
    assert opening.is_open(BAKERY, tuesday.replace(hour=8))
    assert not opening.is_open(BAKERY, tuesday.replace(hour=7, minute=59))
    assert not opening.is_open(BAKERY, tuesday.replace(hour=11, minute=30))
    assert opening.is_open(BAKERY, datetime(2026, 7, 21, 7, tzinfo=UTC)), "two hours ahead in summer"
    late = opening.parse_week(["18h-24h", *[""] * 6])
    assert opening.is_open(late, datetime(2026, 11, 23, 22, 59, tzinfo=UTC))
    assert not opening.is_open(late, datetime(2026, 11, 23, 23, tzinfo=UTC)), "Tuesday, in Paris"
