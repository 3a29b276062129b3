"""An address on an envelope: six lines of thirty-eight characters, or a clear word about why not, never half of one."""

import re
from typing import Any

import pytest

from vouchers.address_block import MOST_CHARS, MOST_LINES, STREET_CHARS, Block, Unfit, block, of_text, street_order

JEANNE: dict[str, Any] = {"civility": "Mme", "first_name": "Jeanne", "last_name": "Lefèvre-Œuvray"}
PLACE: dict[str, Any] = {"postcode": "50550", "town": "Saint-Vaast-la-Hougue"}


def lines(address: str | None, **who: Any) -> tuple[str, ...]:
    found = of_text(**{**JEANNE, **PLACE, "address": address, **who})
    assert isinstance(found, Block), found
    return found.lines


def problem(address: str | None, **who: Any) -> Unfit:
    found = of_text(**{**JEANNE, **PLACE, "address": address, **who})
    assert isinstance(found, Unfit), found
    return found


@pytest.mark.parametrize(
    ("address", "between"),
    [
        ("12 rue du Quai", ["12 RUE DU QUAI"]),
        ("12, rue du Quai", ["12 RUE DU QUAI"]),
        ("12 bis, rue de l’Église\nBât. B, appt 3", ["Bât. B", "appt 3", "12 BIS RUE DE L EGLISE"]),
        ("Résidence Les Tilleuls\n4 avenue Foch\nBP 12", ["Résidence Les Tilleuls", "4 AVENUE FOCH", "BP 12"]),
        ("2e étage\n3 rue Haute\nHameau de la Cour", ["2e étage", "3 RUE HAUTE", "HAMEAU DE LA COUR"]),
        ("Le Bourg", ["LE BOURG"]),
        ("3 rue n° 7 (cour)", ["3 RUE N 7 COUR"]),
        (
            "12 rue Haute, 2e étage, porte 4, bâtiment C, résidence des Lilas",
            ["2e étage, porte 4", "bâtiment C", "résidence des Lilas", "12 RUE HAUTE"],
        ),
    ],
)
def test_what_is_within_a_building_stands_above_the_street_wherever_it_was_written(
    address: str, between: list[str]
) -> None:
    assert lines(address) == ("Mme Jeanne Lefèvre-Œuvray", *between, "50550 SAINT VAAST LA HOUGUE")


def test_a_street_is_abbreviated_only_beyond_thirty_two_characters_its_kind_first() -> None:
    assert lines("4 boulevard du Maréchal Foch")[1] == "4 BOULEVARD DU MARECHAL FOCH"
    assert lines("14 boulevard du Maréchal Leclerc Bis")[1] == "14 BD DU MARECHAL LECLERC BIS"
    assert lines("145 boulevard du Maréchal de Lattre de Tassigny")[1] == "145 BD DU MAL DE LATTRE DE TASSIGNY"
    assert len("14 BD DU MARECHAL LECLERC BIS") <= STREET_CHARS


def test_a_long_name_loses_its_first_names_then_its_title_and_is_then_refused() -> None:
    assert lines("1 rue X", first_name="Marie-Thérèse Anne-Charlotte")[0] == "Mme M.-T. A.-C. Lefèvre-Œuvray"
    without = lines("1 rue X", first_name="Jean", last_name="de La Rochefoucauld d’Estissac X")[0]
    assert without == "J. de La Rochefoucauld d’Estissac X"
    told = problem("1 rue X", last_name="X" * 60)
    assert (told.problem, told.length) == ("too_long", 63)


@pytest.mark.parametrize(
    ("address", "who", "word", "length"),
    [
        ("a\nb\nc\nd\ne", {}, "too_many_lines", 7),
        ("145 avenue Alexandre Fleming Prolongée et Compagnie Générale", {}, "too_long", 56),
        ("1 rue X", {"town": "Saint-Remy-en-Bouzemont-Saint-Genest-et-Isson"}, "too_long", 45),
        ("улица Ленина 5", {}, "letters", 14),
        (None, {}, "incomplete", 0),
        ("1 rue X", {"postcode": None}, "incomplete", 0),
        ("1 rue X", {"town": " "}, "incomplete", 0),
        ("1 rue X", {"last_name": None}, "incomplete", 0),
    ],
)
def test_an_address_that_does_not_fit_is_told_with_its_line_and_length_and_never_cut(
    address: str | None, who: dict[str, Any], word: str, length: int
) -> None:
    told = problem(address, **who)
    assert (told.problem, told.length) == (word, length)
    assert told.fr != told.en and (not length or str(length) in told.fr or word == "letters")


@pytest.mark.parametrize(
    "evil", ["=1+1\n@x", "🎁\u202e1 rue\x07 X", "1;2,3\n,,\n;", "١٢ شارع", "1 rue " + "X" * 500, "\n" * 50, "Œ 1 ß ø ł"]
)
def test_whatever_is_written_an_envelope_shows_six_lines_of_plain_capitals_or_says_why(evil: str) -> None:
    found = of_text(**JEANNE, address=evil, **PLACE)
    if isinstance(found, Unfit):
        assert found.fr and found.en
        return
    assert 3 <= len(found.lines) <= MOST_LINES
    assert all(0 < len(line) <= MOST_CHARS for line in found.lines)
    assert all(re.fullmatch(r"[A-Z0-9]+( [A-Z0-9]+)*", line) for line in (*found.below, found.place))


def test_each_line_has_its_place_in_a_file_street_fourth_and_town_sixth() -> None:
    def six(**what: Any) -> tuple[str, ...]:
        found = block(**JEANNE, **PLACE, **what)
        assert isinstance(found, Block)
        return found.six[1:-1]

    assert six(street="1 rue X") == ("", "", "1 RUE X", "")
    assert six(complement=["Appt 3"], street="1 rue X", hamlet=["BP 1"]) == ("Appt 3", "", "1 RUE X", "BP 1")
    assert six(complement=["a", "b", "c"], street="1 rue X") == ("a", "b", "c", "1 RUE X")


def test_streets_are_walked_by_town_then_street_then_number() -> None:
    houses = ["12 rue Haute", "2 bis rue Haute", "Bât. A\n9, rue Haute", "1 rue Basse", "Le Bourg"]
    walked = sorted(houses, key=lambda address: street_order(address=address, **PLACE))
    assert walked == ["Le Bourg", "1 rue Basse", "2 bis rue Haute", "Bât. A\n9, rue Haute", "12 rue Haute"]
