"""The programme on one page: its figures read back from the PDF, at the start, in full course and past the target."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from tests.paper.test_statement import read
from vouchers.paper.report_sheet import (
    AccountTotals,
    Dashboard,
    Gauge,
    Lapsing,
    Leverage,
    Share,
    Week,
    folded,
    report_sheet,
)


def shares(*names: str) -> Sequence[Share]:
    return [Share(name, 100_000 - 1_000 * index, 100 - index) for index, name in enumerate(names)]


EMPTY = Dashboard(
    programme="Noël à Saint-Pierre-en-Auge",
    issuer="CCI Seine Estuaire",
    as_of=datetime(2026, 11, 21, 23, 30, tzinfo=UTC),
    gauge=Gauge(0, 0, 0, 0, 0, 0),
    lapsing=Lapsing(30, 0, 0, None),
    leverage=Leverage(0, 0, 0, 0),
    outstanding_by_age=[],
    weeks=[],
    trades=[],
    towns=[],
    merchants=[],
    trial_balance=[],
)
IN_COURSE = replace(
    EMPTY,
    gauge=Gauge(6_000_000, 4_600_000, 4_060_000, 4_000_000, 2_241_000, 1_986_000),
    lapsing=Lapsing(30, 124, 124_000, date(2026, 12, 20)),
    leverage=Leverage(3_140_000, 1_720_000, 812, 1_304),
    outstanding_by_age=shares("Moins de 30 jours", "30 à 90 jours"),
    weeks=[Week(date(2026, 6, 1) + timedelta(weeks=week), 10_000 * week) for week in range(25)],
    trades=shares("Alimentation", "Habillement"),
    towns=shares("L’Oudon"),
    merchants=shares(*(f"Commerce {number}" for number in range(70))),
    trial_balance=[AccountTotals(f"4{n:05d}", f"Compte {n}", 1_000, 1_000) for n in range(40)],
)


def test_a_programme_in_full_course_says_where_the_money_is() -> None:
    (page,) = read(report_sheet(IN_COURSE))
    for said in (
        "22 novembre 2026",
        "Objectif 60 000,00 €",
        "Commandé 46 000,00 € 76 %",
        "Dépensé 22 410,00 € 37 %",
        "Réglé aux commerçants 19 860,00 € 33 %",
        "commission et TVA comprises",
        "Reste pour atteindre l’objectif",
        "37 590,00 €",
        "124 chèques, dès le 20/12/2026",
        "× 1,8",
        "connu pour 62 % des passages",
        "2 400 €",
        "Autres (65)",
        "Autres comptes (28) 280,00 280,00",
        "Total, équilibré 400,00 400,00 0,00 0,00",
    ):
        assert said in page


def test_a_programme_that_has_not_begun_has_a_page_too() -> None:
    (page,) = read(report_sheet(EMPTY))
    assert page.count("Aucune donnée à ce jour.") == 6
    assert "Sans objectif chiffré" in page
    assert "aucune vente saisie" in page


def test_a_target_that_was_passed_is_told_in_more_than_a_hundred_percent() -> None:
    (page,) = read(report_sheet(replace(IN_COURSE, gauge=Gauge(1_000_000, *[1_250_000] * 5))))
    assert "Dépensé 12 500,00 € 125 %" in page
    assert "objectif atteint à 125 %" in page


def test_books_that_do_not_balance_are_told_loudly() -> None:
    (page,) = read(report_sheet(replace(EMPTY, trial_balance=[AccountTotals("512100", "Banque", 2, 1)])))
    assert "DÉSÉQUILIBRÉ" in page


def test_what_is_folded_sums_to_the_same() -> None:
    many = shares(*"abcdefghij")
    few = folded(many, shown=6)
    assert len(few) == 6
    assert sum(share.cents for share in few) == sum(share.cents for share in many)
    assert sum(share.vouchers for share in few) == sum(share.vouchers for share in many)


def test_the_same_figures_are_the_same_bytes() -> None:
    assert report_sheet(IN_COURSE) == report_sheet(IN_COURSE)
