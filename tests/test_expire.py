"""The last day: extended while there is time, and swept to where the programme says."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.makers import (
    NOON,
    TODAY,
    a_batch,
    a_buyer,
    a_programme,
    an_order,
    books_hold,
    cents_on,
    moves_of,
    vouchers_of,
)
from tests.town import a_town
from vouchers import expire
from vouchers.db import Database
from vouchers.errors import BadInput, ExpiryNotLater, NotFound
from vouchers.expire import Expired, Extended
from vouchers.order_book import Line
from vouchers.tables import voucher

LAST_INSTANT = datetime(2027, 6, 30, 21, 59, 59, 999_999, tzinfo=UTC)
"""Of 30 June 2027 in Paris, in summer time."""
NEXT_DAY = LAST_INSTANT + timedelta(microseconds=1)


def swept(house: Database, programme_id: int, *, limit: int = 1_000, at: datetime = NEXT_DAY) -> Expired:
    return house.write(lambda s: expire.expire(s, programme_id=programme_id, limit=limit, actor="house", at=at))


def extended(house: Database, to_on: date, *, at: datetime = NOON, number: int = 1) -> Extended:
    return house.write(
        lambda s: expire.extend(s, programme_id=1, batch_number=number, to_on=to_on, actor="staff:3", at=at)
    )


@pytest.mark.parametrize(
    ("rule", "account"), [("breakage", "breakage"), ("buyer", "lapsed:1"), ("next_campaign", "next_campaign")]
)
def test_what_lapses_goes_where_the_programme_says_once_its_day_is_over(
    house: Database, rule: str, account: str
) -> None:
    programme_id = a_programme(house, lapse_to=rule, presentation_deadline_on=date(2027, 6, 30))
    made = an_order(
        house,
        programme_id=programme_id,
        buyer_id=a_buyer(house, programme_id=programme_id),
        lines=(Line(1_000, 2), Line(500, 1)),
    )
    a_batch(house, paid=made)
    a_batch(house, paid=an_order(house, programme_id=programme_id, buyer_id=1), upto="printed")
    assert swept(house, programme_id, at=LAST_INSTANT) == Expired(0, 0, left=False)
    assert swept(house, programme_id, limit=3) == Expired(3, 2_500, left=True)
    assert house.read(lambda s: books_hold(s, programme_id=programme_id))
    assert swept(house, programme_id) == Expired(10, 10_000, left=False)
    assert moves_of(house, programme_id=programme_id, kind="expired")[:3] == [
        ("float", account, 1_000, 1),
        ("float", account, 1_000, 2),
        ("float", account, 500, 3),
    ]
    assert (
        cents_on(house, programme_id=programme_id, account=account),
        cents_on(house, programme_id=programme_id, account="float"),
    ) == (12_500, 0)
    assert {(state, held) for _, state, held in vouchers_of(house, programme_id=programme_id)} == {("expired", 0)}
    assert swept(house, programme_id) == Expired(0, 0, left=False)
    assert len(moves_of(house, programme_id=programme_id, kind="expired")) == 13


def test_several_sweepers_at_once_close_each_voucher_once(house: Database) -> None:
    programme_id = a_programme(house, lapse_to="breakage", presentation_deadline_on=date(2027, 6, 30))
    made = an_order(
        house, programme_id=programme_id, buyer_id=a_buyer(house, programme_id=programme_id), lines=(Line(1_000, 200),)
    )
    a_batch(house, paid=made)

    def sweep(_: int) -> int:
        count = 0
        while (chunk := swept(house, programme_id, limit=15)).left:
            count += chunk.count
        return count + chunk.count

    with ThreadPoolExecutor(3) as people:
        assert sum(people.map(sweep, range(3))) == 200
    assert cents_on(house, programme_id=programme_id, account="breakage") == 200_000
    assert house.read(lambda s: books_hold(s, programme_id=programme_id))


def test_a_batch_is_extended_to_a_later_day_only(house: Database) -> None:
    programme_id = a_programme(house)
    a_batch(
        house,
        paid=an_order(house, programme_id=programme_id, buyer_id=a_buyer(house, programme_id=programme_id)),
        expires_on=date(2026, 12, 31),
    )
    a_batch(house, paid=an_order(house, programme_id=programme_id, buyer_id=1))
    for day in (date(2026, 12, 30), date(2026, 12, 31)):
        with pytest.raises(ExpiryNotLater) as refused:
            extended(house, day)
        assert "31 décembre 2026" in refused.value.text("fr")
    with pytest.raises(ExpiryNotLater):
        extended(house, date(2027, 1, 31), at=NOON + timedelta(days=100))
    with pytest.raises(NotFound):
        extended(house, date(2027, 1, 31), number=3)
    assert extended(house, date(2027, 1, 31)) == Extended(1, date(2026, 12, 31), date(2027, 1, 31), 10)

    def days(session: Any) -> list[date]:
        return list(session.execute(select(voucher.c.expires_on).order_by(voucher.c.serial)).scalars())

    assert house.read(days) == [date(2027, 1, 31)] * 10 + [date(2027, 6, 30)] * 10


def test_extending_does_not_bring_back_what_was_swept(house: Database) -> None:
    programme_id = a_programme(house, expires_on=TODAY, presentation_deadline_on=TODAY)
    a_batch(
        house,
        paid=an_order(house, programme_id=programme_id, buyer_id=a_buyer(house, programme_id=programme_id)),
        expires_on=TODAY,
    )
    next_day = NOON + timedelta(days=1)
    assert swept(house, programme_id, limit=4, at=next_day).left
    assert extended(house, date(2027, 1, 31), at=next_day).count == 6
    assert swept(house, programme_id, at=next_day) == Expired(0, 0, left=False)


def test_nothing_lapses_while_paper_that_was_spent_in_time_may_still_arrive(house: Database) -> None:
    programme_id = a_programme(house, expires_on=date(2027, 6, 30), presentation_deadline_on=date(2027, 9, 30))
    a_batch(house, paid=an_order(house, programme_id=programme_id, buyer_id=a_buyer(house, programme_id=programme_id)))
    last_instant = datetime(2027, 9, 30, 21, 59, 59, tzinfo=UTC)
    for at in (NEXT_DAY, last_instant):
        assert swept(house, programme_id, at=at) == Expired(0, 0, left=False)
    extended(house, date(2027, 10, 31), at=last_instant)
    assert swept(house, programme_id, at=last_instant + timedelta(days=1)).count == 0, "an extended batch goes on"
    assert swept(house, programme_id, at=last_instant + timedelta(days=32)).count == 10
    assert house.read(lambda s: books_hold(s, programme_id=programme_id))


@pytest.mark.parametrize("limit", [0, -1, 5_001, 10**18])
def test_a_sweep_is_bounded(house: Database, limit: int) -> None:
    with pytest.raises(BadInput):
        swept(house, a_programme(house), limit=limit)


def test_a_spent_voucher_follows_its_batch_so_that_what_is_given_back_can_be_spent(house: Database) -> None:
    town = a_town(house, vouchers=2)
    sale = town.spend(1)
    later = NOON.date() + timedelta(days=400)
    house.write(
        expire.extend,
        programme_id=town.programme_id,
        batch_number=town.batch_number,
        to_on=later,
        actor="staff:3",
        at=NOON,
    )
    town.undo(sale)
    assert town.scan(1, at=NOON + timedelta(days=399)).accepted()["cents"] == 1_000
