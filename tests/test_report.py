"""Reports: each figure is what the story says, and the same as what the books say."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.full_town import FullTown, a_full_town, sealed
from tests.makers import NOON, TODAY, a_batch, a_buyer, a_merchant, a_programme, a_till, an_order
from tests.town import a_town
from vouchers import books, chart, fact_words, issue, ledger, report, spending
from vouchers.db import Database
from vouchers.errors import NotFound
from vouchers.order_book import Line
from vouchers.tables import posting, redemption, reversal


@pytest.fixture
def full(house: Database) -> FullTown:
    return a_full_town(house)


def gauge(house: Database, *, at: Any = NOON) -> report.Gauge:
    return house.read(report.gauge, programme_id=1, at=at)


# ── The gauge ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_gauge_follows_the_money_from_order_to_settlement(house: Database) -> None:
    town = a_town(house, vouchers=10, active=False)
    at = NOON + timedelta(hours=1)
    assert (gauge(house).ordered_cents, gauge(house).paid_cents, gauge(house).distributed_cents) == (10_000, 10_000, 0)
    assert gauge(house).circulating_cents == 10_000
    house.write(issue.hand_over, programme_id=1, batch_number=1, actor="staff:103", at=NOON)
    house.write(issue.activate, programme_id=1, batch_number=1, actor="staff:104", at=NOON)
    assert gauge(house).distributed_cents == 10_000
    town.spend(1, 2, 3, at=at)
    town.undo(town.spend(4, shop=1, at=at), at=at)
    assert (gauge(house).spent_cents, gauge(house).settled_cents, gauge(house).owed_cents) == (3_000, 0, 3_000)
    assert gauge(house).circulating_cents == 7_000
    run = town.approve(town.propose(TODAY, at=at), at=at)
    assert (gauge(house).spent_cents, gauge(house).settled_cents, gauge(house).owed_cents) == (3_000, 3_000, 0)
    town.returned(town.export(run, at=at), 0, at=at)
    back = gauge(house)
    assert (back.spent_cents, back.owed_cents) == (3_000, run.settlements[0].net_cents)
    assert back.settled_cents == 3_000 - run.settlements[0].net_cents
    assert back.target_cents == 6_000_000


def test_what_is_not_approved_or_was_cancelled_is_not_ordered(house: Database) -> None:
    town = a_town(house)
    an_order(house, programme_id=town.programme_id, buyer_id=town.buyer_id, upto="placed")
    an_order(house, programme_id=town.programme_id, buyer_id=town.buyer_id, upto="approved", lines=(Line(700, 3),))
    assert (gauge(house).ordered_cents, gauge(house).paid_cents) == (10_000 + 2_100, 10_000)


def test_what_lapses_within_thirty_days_is_told_with_its_nearest_day(house: Database) -> None:
    town = a_town(house, vouchers=3, expires_on=date(2027, 6, 30))
    soon = an_order(house, programme_id=1, buyer_id=town.buyer_id, lines=(Line(500, 4),))
    a_batch(house, paid=soon, expires_on=TODAY + timedelta(days=30))
    assert (gauge(house).lapsing_cents, gauge(house).lapsing_vouchers) == (2_000, 4)
    assert gauge(house).lapsing_first_on == TODAY + timedelta(days=30)
    assert gauge(house, at=NOON - timedelta(days=1)).lapsing_cents == 0
    assert gauge(house, at=NOON + timedelta(days=31)).lapsing_vouchers == 0


def test_the_gauge_says_what_redemptions_and_reversals_say(house: Database, full: FullTown) -> None:
    given = select(func.sum(redemption.c.cents))
    back = (
        select(func.sum(posting.c.cents))
        .select_from(reversal)
        .join(posting, (posting.c.journal_id == reversal.c.redemption_id) & (posting.c.serial == reversal.c.serial))
    )
    spent = house.read(lambda s: s.execute(given).scalar_one() - s.execute(back).scalar_one())
    figures = gauge(house, at=full.at)
    assert figures.spent_cents == spent
    assert figures.circulating_cents == house.read(ledger.balance, programme_id=1, account=chart.FLOAT)
    assert sum(row.cents for row in house.read(spending.spent_by_merchant, programme_id=1)) == spent
    assert sum(row.cents for row in house.read(spending.spent_by_trade, programme_id=1)) == spent
    assert sum(row.cents for row in house.read(spending.spent_by_commune, programme_id=1)) == spent
    assert sum(row.cents for row in house.read(spending.spent_by_week, programme_id=1)) == spent
    by_buyer = house.read(report.by_buyer, programme_id=1)
    assert sum(row.spent_cents for row in by_buyer) == spent
    assert sum(row.outstanding_cents for row in by_buyer) == figures.circulating_cents
    assert sum(row.ordered_cents for row in by_buyer) == figures.ordered_cents
    with pytest.raises(NotFound):
        house.read(report.gauge, programme_id=99, at=full.at)


def test_an_empty_programme_has_figures_too(house: Database) -> None:
    a_programme(house)
    assert gauge(house).spent_cents == gauge(house).circulating_cents == 0
    assert house.read(spending.spent_by_week, programme_id=1) == []
    assert house.read(spending.leverage, programme_id=1).ratio_bp is None
    assert [age.cents for age in house.read(report.outstanding_by_age, programme_id=1, at=NOON)] == [0, 0, 0, 0]


# ── Out, spent, by whom ──────────────────────────────────────────────────────────────────────────────────────────
def test_what_is_out_is_told_by_the_days_since_it_was_delivered(house: Database) -> None:
    town = a_town(house, vouchers=5)
    town.spend(1)
    town.block(2)
    for days, age in ((0, 0), (29, 0), (30, 1), (89, 1), (90, 2), (179, 2), (180, 3), (400, 3)):
        ages = house.read(report.outstanding_by_age, programme_id=1, at=NOON + timedelta(days=days))
        assert [(row.vouchers, row.cents) for row in ages] == [
            (4, 4_000) if rank == age else (0, 0) for rank in range(4)
        ]
    assert [(row.from_days, row.to_days) for row in ages] == [(0, 30), (30, 90), (90, 180), (180, None)]


def test_spending_is_told_by_shop_trade_commune_and_iso_week(house: Database) -> None:
    town = a_town(
        house, vouchers=12, shops=2, expires_on=date(2027, 12, 31), presentation_deadline_on=date(2028, 1, 31)
    )
    books_shop = a_merchant(house, programme_id=1, shop_name="Librairie", trade="librairie", commune="Jarnac")
    town.merchants.append(books_shop)
    town.tills.append(a_till(house, programme_id=1, merchant_id=books_shop).till.till_id)
    # Sunday 3 January 2027 in Paris is still week 53 of 2026, though in UTC it is nearly over.
    sunday = NOON.replace(year=2027, month=1, day=3, hour=22, minute=59)
    town.spend(1, 2, shop=2, at=sunday)
    town.spend(3, shop=0, at=sunday + timedelta(minutes=1))
    undone = town.spend(4, shop=1, at=sunday)
    town.undo(undone, at=sunday + timedelta(days=14))
    weeks = house.read(spending.spent_by_week, programme_id=1)
    assert [(week.year, week.week, week.cents) for week in weeks] == [
        (2026, 53, 3_000), (2027, 1, 1_000), (2027, 2, -1_000)
    ]  # fmt: skip
    assert weeks[0].begins_on == date(2026, 12, 28)
    shops = house.read(spending.spent_by_merchant, programme_id=1)
    assert [(row.shop_name, row.vouchers, row.cents) for row in shops] == [
        ("Librairie", 2, 2_000), ("Commerce 0", 1, 1_000), ("Commerce 1", 0, 0)
    ]  # fmt: skip
    trades = house.read(spending.spent_by_trade, programme_id=1)
    assert [(row.name, row.cents) for row in trades] == [("librairie", 2_000), ("boulangerie", 1_000)]
    communes = house.read(spending.spent_by_commune, programme_id=1)
    assert [(row.name, row.vouchers) for row in communes] == [("Jarnac", 2), ("Sainte-Mère", 1)]


def test_a_buyer_is_told_what_became_of_its_vouchers_and_never_where(house: Database, full: FullTown) -> None:
    commune, firm = house.read(report.by_buyer, programme_id=1)
    assert (commune.ordered_cents, commune.paid_cents, commune.distributed_cents) == (22_000, 22_000, 22_000)
    assert commune.cancelled_cents == 1_000
    assert firm == house.read(report.by_buyer, programme_id=1, buyer_id=firm.buyer_id)[0]
    assert (firm.distributed_cents, firm.lapsed_cents, firm.outstanding_cents) == (2_500, 2_500, 3_000)
    assert not {name for name in report.BuyerFigures.__slots__ if "merchant" in name or "shop" in name}
    stranger = a_buyer(house, programme_id=1, name="Sans commande")
    assert house.read(report.by_buyer, programme_id=1, buyer_id=stranger)[0].spent_cents == 0


def test_leverage_counts_known_sales_less_what_was_reversed(house: Database) -> None:
    town = a_town(house, vouchers=10)
    town.spend(1, sale_cents=2_500)
    town.undo(town.spend(2, sale_cents=9_000))
    town.undo(town.spend(3, 4, sale_cents=5_000), 4)
    town.spend(5)
    town.undo(town.spend(6))
    levered = house.read(spending.leverage, programme_id=1)
    assert levered == spending.Leverage(sale_cents=7_500, voucher_cents=2_000, known=2, redemptions=3, cents=3_000)
    assert (levered.ratio_bp, levered.coverage_bp, levered.coverage_cents_bp) == (37_500, 6_666, 6_666)


# ── The books ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_trial_balance_balances_and_names_each_account(house: Database, full: FullTown) -> None:
    balance = house.read(books.trial_balance, programme_id=1)
    assert balance.debit_cents == balance.credit_cents > 0
    over = [row.debit_cents - row.credit_cents for row in balance.accounts]
    assert sum(over) == 0 and any(over)
    numbers = [row.number for row in balance.accounts]
    assert numbers == sorted(numbers)
    held = {row.account: row for row in balance.accounts}
    assert held[chart.FLOAT].name == "Titres en circulation"
    assert held[chart.FLOAT].credit_cents - held[chart.FLOAT].debit_cents == gauge(house, at=full.at).circulating_cents
    assert held["merchant:1"].name.endswith(" 1")


def test_the_trial_balance_of_the_past_does_not_change(house: Database) -> None:
    town = a_town(house)
    last = town.spend(1)
    before = house.read(books.trial_balance, programme_id=1, upto_journal=last)
    town.spend(2)
    sealed(town, at=NOON)
    assert house.read(books.trial_balance, programme_id=1, upto_journal=last) == before
    assert house.read(books.trial_balance, programme_id=1) != before


def test_every_kind_of_fact_has_its_sentence() -> None:
    assert fact_words.LABELS.keys() == set(chart.JOURNAL_KINDS)
    for kind in chart.JOURNAL_KINDS:
        said = fact_words.label(kind, "voucher:12", programme_id=1)
        assert said
        assert "{" not in said
    assert fact_words.label("activated", "voucher:12", programme_id=1) == "Activation : chèque 12"


def test_the_trail_lists_every_fact_page_by_page(house: Database, full: FullTown) -> None:
    whole = house.read(books.facts, programme_id=1, before=None, limit=1_000)
    pages, before = [], None
    while page := house.read(books.facts, programme_id=1, before=before, limit=7):
        pages += page
        before = page[-1].journal
    assert pages == whole
    assert {"blocked", "merchant_enrolled", "till_paired"} <= {fact.kind for fact in whole if fact.cents == 0}
    kinds = house.read(books.facts, programme_id=1, before=None, limit=9, kinds=["blocked", "unblocked"])
    assert [fact.kind for fact in kinds] == ["unblocked", "blocked", "blocked"]
    about = house.read(books.facts, programme_id=1, before=None, limit=9, subject="voucher:9")
    assert [fact.label for fact in about] == ["Levée d'opposition sur le chèque 9", "Opposition sur le chèque 9"]


def test_the_life_of_a_voucher_adds_up_to_what_is_on_it(house: Database, full: FullTown) -> None:
    for serial in range(1, 34):
        life = house.read(books.life_of, programme_id=1, serial=serial)
        assert sum(step.cents for step in life.steps) == life.balance_cents, life
        assert [step.journal for step in life.steps] == sorted(step.journal for step in life.steps)
    with pytest.raises(NotFound):
        house.read(books.life_of, programme_id=1, serial=99)


def test_a_replaced_voucher_and_its_replacement_know_each_other(house: Database, full: FullTown) -> None:
    old = house.read(books.life_of, programme_id=1, serial=17)
    assert old.replaced_by is not None
    new = house.read(books.life_of, programme_id=1, serial=old.replaced_by)
    assert new.replaces == 17
    assert [step.kind for step in old.steps] == [
        "issue_begun", "issued", "printed", "activated", "extended", "redeemed", "replaced"
    ]  # fmt: skip
    assert [(step.kind, step.cents) for step in new.steps] == [
        ("replaced", 223), ("activated", 0), ("redeemed", -23)
    ]  # fmt: skip
    assert new.steps[-1].shop_name == "Commerce 1"
