"""The twelve-month counter, and the VAT of each month: what the law makes a chamber watch and declare."""

from datetime import UTC, date, datetime, timedelta
from itertools import count

from tests.makers import NOON, TODAY, a_buyer, a_programme, an_order
from tests.town import TREASURER, Town, a_town
from vouchers import chart, ledger, order, threshold, vat
from vouchers.db import Database, WriteSession
from vouchers.ledger import Fact, Move
from vouchers.tables import paper_settings, programme
from vouchers.vat import VatDue

MILLION = 100_000_000
_serials = count(1_000)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 11, tzinfo=UTC)


def paid(house: Database, day: date, cents: int, *, programme_id: int = 1) -> None:
    """Vouchers of so much accepted by shop 1 that day."""
    move = Move(chart.FLOAT, chart.merchant(1), cents, next(_serials))
    fact = Fact("redeemed", noon(day), "till:1", "merchant:1", "", [move])
    house.write(ledger.post, programme_id=programme_id, fact=fact)


def given_back(house: Database, day: date, cents: int) -> None:
    move = Move(chart.merchant(1), chart.FLOAT, cents, next(_serials))
    house.write(ledger.post, programme_id=1, fact=Fact("reversed", noon(day), TREASURER, "redemption:1", "", [move]))


def counted(house: Database, day: date) -> threshold.Rolling:
    return house.read(threshold.rolling, programme_id=1, at=noon(day))


def limit_set(house: Database, cents: int) -> None:
    texts = {column.name: "" for column in paper_settings.c if str(column.type) == "TEXT"}
    values = {**texts, "programme_id": 1, "invoice_form": "apart", "vat_due": "collection", "payment_days": 30}
    values |= {"accounts": "{}", "threshold_cents": cents}
    house.write(lambda session: session.execute(paper_settings.insert(), values))


def test_twelve_months_end_today_and_begin_the_day_after_it_a_year_ago() -> None:
    assert threshold.begins(date(2026, 11, 20)) == date(2025, 11, 21)
    assert threshold.begins(date(2026, 12, 31)) == date(2026, 1, 1)
    assert threshold.begins(date(2028, 2, 29)) == date(2027, 3, 1)
    assert threshold.begins(date(2029, 2, 28)) == date(2028, 2, 29)


def test_what_left_the_twelve_months_is_counted_no_more_but_is_remembered(house: Database) -> None:
    a_programme(house)
    assert counted(house, date(2025, 1, 1)) == threshold.Rolling(
        date(2024, 1, 2), date(2025, 1, 1), 0, 0, None, MILLION, 1
    )
    paid(house, date(2025, 6, 10), 30_000)
    paid(house, date(2025, 12, 24), 50_000)
    paid(house, date(2026, 6, 9), 1_000)
    paid(house, date(2026, 6, 10), 200)

    assert counted(house, date(2026, 6, 9)).cents == 81_000
    assert counted(house, date(2026, 6, 10)).cents == 51_200
    now = counted(house, date(2026, 12, 24))
    assert (now.cents, now.highest_cents, now.highest_on) == (1_200, 81_000, date(2026, 6, 9))
    assert counted(house, date(2025, 6, 9)).cents == 0


def test_what_was_given_back_counts_the_day_it_was(house: Database) -> None:
    a_programme(house)
    paid(house, date(2026, 3, 1), 10_000)
    given_back(house, date(2026, 3, 2), 4_000)

    assert counted(house, date(2026, 3, 1)).cents == 10_000
    after = counted(house, date(2026, 3, 2))
    assert (after.cents, after.highest_cents) == (6_000, 10_000)


def test_the_most_is_never_less_than_what_counts_today(house: Database) -> None:
    a_programme(house)
    paid(house, date(2025, 1, 10), 10_000)
    given_back(house, date(2025, 1, 15), 10_000)
    paid(house, date(2026, 1, 12), 10_500)

    assert counted(house, date(2026, 1, 14)).cents == 500
    after = counted(house, date(2026, 1, 15))
    assert (after.cents, after.highest_cents, after.highest_on) == (10_500, 10_500, date(2026, 1, 15))


def test_a_leap_day_is_counted_for_twelve_months(house: Database) -> None:
    a_programme(house)
    paid(house, date(2024, 2, 29), 100)
    paid(house, date(2025, 2, 28), 20)
    paid(house, date(2025, 3, 1), 3)
    found = counted(house, date(2025, 3, 1))
    assert (found.cents, found.highest_cents, found.highest_on) == (23, 120, date(2025, 2, 28))


def test_every_programme_of_the_issuer_counts_and_no_other_one(house: Database) -> None:
    for _ in range(3):
        a_programme(house)
    house.write(lambda session: session.execute(programme.update().where(programme.c.id == 3).values(issuer_id=1)))
    paid(house, TODAY, 100, programme_id=1)
    paid(house, TODAY, 20, programme_id=2)
    paid(house, TODAY, 3, programme_id=3)

    found = counted(house, TODAY)
    assert (found.cents, found.programmes) == (103, 2)


def test_the_counter_warns_from_four_fifths_of_the_limit_that_is_set(house: Database) -> None:
    a_programme(house)
    limit_set(house, 100_000)

    def warned(day: date) -> bool:
        return house.read(threshold.warning, programme_id=1, at=noon(day)) is not None

    paid(house, TODAY - timedelta(days=1), 79_999)
    assert not warned(TODAY)
    paid(house, TODAY, 1)
    assert warned(TODAY)
    found = counted(house, TODAY)
    assert (found.limit_cents, found.warning_cents, found.is_near, found.was_exceeded) == (100_000, 80_000, True, False)
    paid(house, TODAY, 20_001)
    assert counted(house, TODAY).was_exceeded
    # A year on, nothing is left to warn of; that it was exceeded is not forgotten.
    later = TODAY + timedelta(days=366)
    assert not warned(later)
    assert counted(house, later).was_exceeded


# ── VAT ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def due(
    town_or_house: Town | Database, from_on: date = date(2026, 1, 1), to_on: date = date(2027, 12, 31)
) -> list[VatDue]:
    house = town_or_house.house if isinstance(town_or_house, Town) else town_or_house
    return house.read(vat.due, programme_id=1, from_on=from_on, to_on=to_on)


def test_vat_on_a_fee_is_due_in_the_month_it_is_paid_and_on_a_commission_when_set_off(house: Database) -> None:
    town = a_town(house, vouchers=10, shops=1)
    of = {"programme_id": 1, "buyer_id": town.buyer_id}
    waiting = an_order(house, upto="approved", fee_cents=40_000, **of)
    assert due(town) == []
    in_december = NOON + timedelta(days=20)
    house.write(
        order.record_payment,
        programme_id=1,
        number=waiting.number,
        cents=waiting.total_cents,
        bank_reference="VIR 9",
        received_on=TODAY,
        actor=TREASURER,
        at=in_december,
    )
    town.spend(*range(1, 11))
    town.approve(town.propose(TODAY, at=NOON), at=NOON)

    november, december = date(2026, 11, 1), date(2026, 12, 1)
    assert due(town) == [VatDue(november, "commission", 500, 2_000, 100), VatDue(december, "fee", 40_000, 2_000, 8_000)]
    assert due(town, to_on=TODAY) == [VatDue(november, "commission", 500, 2_000, 100)]


def test_on_debits_vat_is_due_at_once_and_a_cancellation_takes_it_off(house: Database) -> None:
    a_programme(house)
    limit_set(house, MILLION)

    def debits(session: WriteSession) -> None:
        session.execute(paper_settings.update().values(vat_due="debits"))

    house.write(debits)
    buyer_id = a_buyer(house, programme_id=1)
    made = an_order(house, programme_id=1, buyer_id=buyer_id, upto="approved", fee_cents=400)
    assert due(house) == [VatDue(date(2026, 11, 1), "fee", 400, 2_000, 80)]
    later = NOON + timedelta(days=40)
    house.write(order.cancel, programme_id=1, number=made.number, actor=TREASURER, reason="doublon", at=later)

    assert due(house)[1:] == [VatDue(date(2026, 12, 1), "fee", -400, 2_000, -80)]
