"""A buyer's campaign in figures: to the cent, and never so finely that a person or a shop could be told."""

import io
from dataclasses import replace
from datetime import date, timedelta

import pypdfium2
import pytest

from tests.full_town import FullTown, a_full_town
from tests.given import JEANNE, PAUL, a_given_list
from tests.makers import NOON, later
from tests.town import Town, a_town
from vouchers import books, campaign, campaign_papers, reminders, report
from vouchers.campaign import Period, Sum, Trade, Use
from vouchers.db import Database
from vouchers.paper.closing_report import closing_report
from vouchers.paper.reminder import write_reminders
from vouchers.paper.spreadsheet import spreadsheet_csv, xlsx

MONDAY = date(2026, 11, 2)


@pytest.fixture
def full(house: Database) -> FullTown:
    return a_full_town(house)


def words(pdf: bytes) -> str:
    with pypdfium2.PdfDocument(pdf) as document:
        said = "\n".join(page.get_textpage().get_text_bounded() for page in document)
    return " ".join(said.split())


# ── To the cent ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_campaign_is_to_the_cent_what_the_books_say_of_its_buyer(house: Database, full: FullTown) -> None:
    for known in house.read(report.by_buyer, programme_id=1):
        orders = house.read(campaign.by_order, programme_id=1, buyer_id=known.buyer_id, at=full.at)
        total = campaign.total(orders)
        assert (
            total.ordered.cents,
            total.activated.cents,
            total.spent.cents,
            total.unspent.cents,
            total.lapsed.cents,
            total.cancelled.cents,
        ) == (
            known.ordered_cents,
            known.distributed_cents,
            known.spent_cents,
            known.outstanding_cents,
            known.lapsed_cents,
            known.cancelled_cents,
        )
        closing = house.read(campaign_papers.closing_of, programme_id=1, buyer_id=known.buyer_id, at=full.at)
        assert closing.issued.cents == sum(one.issued_cents for one in closing.orders)
        assert closing_report(closing) == closing_report(closing)
        said = words(closing_report(closing))
        assert f"Pour l’acheteur : {known.name}" in said and f"Pour l’émetteur : {closing.issuer}" in said


def test_a_replaced_voucher_counts_once_and_a_lapsing_one_is_told_with_its_day(house: Database) -> None:
    town = a_town(house, vouchers=6, expires_on=date(2026, 12, 10), use_rule="partial")
    town.spend(1)
    town.spend(2, cents=300)
    town.replace(3)
    town.cancel(4)
    (one,) = house.read(campaign.by_order, programme_id=town.programme_id, buyer_id=town.buyer_id, at=NOON)
    figures = one.figures
    assert (figures.ordered, figures.activated) == (Sum(6_000, 6), Sum(6_000, 6))
    assert (figures.spent, figures.cancelled) == (Sum(1_300, 1), Sum(1_000, 1))
    assert (figures.unspent, figures.lapsing) == (Sum(3_700, 4), Sum(3_700, 4))
    assert one.next_last_on == date(2026, 12, 10)


def test_the_tables_for_a_spreadsheet_end_with_their_sum_and_name_no_shop(house: Database, full: FullTown) -> None:
    found = house.read(campaign_papers.campaign_of, programme_id=1, buyer_id=full.town.buyer_id, at=full.at)
    tables = campaign_papers.tables(found)
    made = b"".join(spreadsheet_csv(tables[0][1], tables[0][2])).decode("utf-8-sig")
    assert made.splitlines()[-1].startswith("Ensemble;")
    assert "Commerce" not in made and xlsx(tables)[:2] == b"PK"


# ── Never who spent where ────────────────────────────────────────────────────────────────────────────────────────
def uses(*weeks: tuple[int, int]) -> list[Use]:
    """(week from the first Monday, uses of 10 € each)."""
    return [
        Use(MONDAY + timedelta(days=7 * week, hours=0), "merchant:1", 1_000 * count, count) for week, count in weeks
    ]


def test_weeks_with_too_few_uses_are_put_together_and_nothing_is_lost() -> None:
    assert campaign.shown_periods([]) == []
    assert campaign.shown_periods(uses((0, 9))) == []
    sunday = MONDAY + timedelta(days=6)
    assert campaign.shown_periods(uses((0, 10))) == [Period(MONDAY, sunday, 10_000, 10)]
    told = campaign.shown_periods(uses((0, 4), (1, 7), (2, 12), (4, 3)))
    assert [(one.begins_on.day, one.uses) for one in told] == [(2, 11), (16, 15)]
    assert told[-1].ends_on == MONDAY + timedelta(days=34)
    assert sum(one.cents for one in told) == 26_000
    quiet = campaign.shown_periods(uses((0, 10), (2, 10)))
    assert [one.uses for one in quiet] == [10, 0, 10]
    assert all(one.uses >= campaign.LEAST_USES or not (one.uses or one.cents) for one in told + quiet)


def test_what_comes_to_the_weeks_between_two_looks_is_never_a_few_uses() -> None:
    spent = uses((0, 4), (1, 7), (2, 12), (3, 3))
    friday = MONDAY + timedelta(days=25)
    assert [one.uses for one in campaign.closed_periods(spent, today=friday)] == [11, 12]
    later = campaign.closed_periods([*spent, *uses((4, 1))], today=friday + timedelta(days=14))
    assert later == campaign.closed_periods(spent, today=friday)
    last = campaign.closed_periods([*spent, *uses((4, 7))], today=friday + timedelta(days=14))
    assert last[:2] == later and [one.uses for one in last] == [11, 12, 10]
    assert campaign.closed_periods(uses((3, 50)), today=friday) == []


def test_a_trade_of_few_shops_is_never_shown_nor_to_be_had_by_taking_away() -> None:
    trades = {f"merchant:{number}": "boulangerie" for number in range(1, 7)}
    trades |= {f"merchant:{number}": "restaurant" for number in range(10, 17)} | {"merchant:20": "fleuriste"}

    def spent(*accounts: str, cents: int = 1_000, count: int = 3) -> list[Use]:
        return [Use(MONDAY, account, cents, count) for account in accounts]

    bakers, tables = [f"merchant:{n}" for n in range(1, 7)], [f"merchant:{n}" for n in range(10, 17)]
    both = campaign.shown_trades(spent(*bakers, *tables), trades)
    assert both == [Trade("restaurant", 7_000, 21, 7), Trade("boulangerie", 6_000, 18, 6)]
    # The one florist would be what is missing from the sum: the smaller trade goes with it.
    hidden = campaign.shown_trades(spent(*bakers, *tables, "merchant:20"), trades)
    assert hidden == [Trade("restaurant", 7_000, 21, 7), Trade("", 7_000, 21, 7)]
    assert campaign.shown_trades(spent(*bakers[:4], *tables[:4]), trades) == []
    assert campaign.shown_trades(spent(*bakers, "merchant:20"), trades) == []
    assert campaign.shown_trades(spent(*bakers, count=1), trades) == []


# ── Letters ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_letter_goes_to_who_can_still_spend_and_says_what_is_left(house: Database) -> None:
    town = a_town(house, vouchers=6, use_rule="partial")
    list_id, (jeanne, paul, _hostile) = a_given_list(
        town, (JEANNE, 3), (PAUL, 2), (("", "=HYPERLINK(1)" + "x" * 60, "<script>", "a", "50550", "b"), 1)
    )
    town.spend(1)
    town.spend(2, cents=250)
    town.block(3)
    town.spend(4)
    scope = {"programme_id": town.programme_id, "buyer_id": town.buyer_id, "at": NOON}
    held = house.read(reminders.holders, **scope)
    assert [(one.recipient_id, one.vouchers, one.cents) for one in held[1:]] == [(jeanne, 1, 750), (paul, 1, 1_000)]
    (holding,) = house.read(reminders.holdings, **scope)
    assert (holding.list_id, holding.people, holding.cents) == (list_id, 3, 2_750)
    sender, letters = house.read(campaign_papers.letters_of, list_id=list_id, **scope)
    out = io.BytesIO()
    assert write_reminders(out, sender=sender, letters=letters) == 3
    said = words(out.getvalue())
    assert "Mme Jeanne Lefèvre-Œuvray" in said and "7,50 €" in said and "30 juin 2027" in said
    assert "Il vous reste un chèque cadeau à dépenser" in said and "si vous l’avez dépensé" in said.lower()
    several = io.BytesIO()
    write_reminders(several, sender=sender, letters=[replace(letters[0], vouchers=4)])
    assert f"Vous avez encore 4 chèques « {sender.programme} » à dépenser" in words(several.getvalue())
    assert "cheques.example.fr/commerces" in said and "Commerce 0" not in said
    made = b"".join(spreadsheet_csv(campaign_papers.MAILING_HEADER, campaign_papers.mailing_rows(held))).decode()
    assert ";'=HYPERLINK(1)" in made and "50550 SAINT VAAST" in made
    assert house.read(reminders.holders, **{**scope, "at": later(hours=24 * 300)}) == []


# ── A voucher's life ─────────────────────────────────────────────────────────────────────────────────────────────
def test_a_life_lists_disputes_hides_the_witness_and_tells_a_buyer_nothing_of_uses(
    house: Database, full: FullTown
) -> None:
    town: Town = full.town
    life = house.read(books.life_of, programme_id=1, serial=20)
    assert [(step.kind, step.shop_name) for step in life.steps][-3:] == [
        ("redeemed", "Commerce 1"),
        ("disputed", "Commerce 0"),
        ("guaranteed", "Commerce 0"),
    ]
    assert [step.reason for step in life.steps if step.kind in {"issued", "activated", "disputed"}] == [
        "", "", "already_redeemed",
    ]  # fmt: skip
    assert sum(step.cents for step in life.steps) == life.balance_cents
    blocked = house.read(books.life_of, programme_id=1, serial=8)
    assert [step.reason for step in blocked.steps if step.kind == "blocked"] == ["perdu"]
    for serial in range(1, 26):
        told = house.read(books.life_of, programme_id=1, serial=serial, uses=False)
        assert all(step.shop_name is None and step.kind not in books.OF_USE for step in told.steps)
    assert town.books_hold() is None
