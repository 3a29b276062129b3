"""Holds: what is held is owed and not paid, and no run is approved over the head of one."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.makers import NOON, TODAY, facts_of
from tests.town import TREASURER, Town, a_town
from vouchers import hold, runs, sales, settle
from vouchers.db import Database
from vouchers.errors import (
    BadInput,
    HeldSince,
    HoldClosed,
    HoldStanding,
    LineSettled,
    NotFound,
    NothingToSettle,
    Refusal,
)
from vouchers.hold import Hold
from vouchers.tables import settlement_line

AT = NOON + timedelta(hours=1)


def held(town: Town, shop: int = 0, *, line: tuple[int, int] | None = None, because: str = "à vérifier") -> Hold:
    of: dict[str, Any] = {"programme_id": town.programme_id, "merchant_id": town.merchants[shop], "actor": TREASURER}
    return town.house.write(hold.lay, of_posting=line, because=because, at=AT, **of)


def released(town: Town, number: int) -> Hold:
    of: dict[str, Any] = {"programme_id": town.programme_id, "number": number, "actor": TREASURER, "at": AT}
    return town.house.write(hold.release, because="vérifié", **of)


def owed_now(town: Town, shop: int = 0) -> int:
    of = {"programme_id": town.programme_id, "merchant_id": town.merchants[shop]}
    return town.house.read(sales.owed_to, **of, at=AT).owed_cents


def test_a_held_line_is_owed_and_not_paid_until_it_is_released(house: Database) -> None:
    town = a_town(house)
    town.spend(1, 2, at=AT)
    doubtful = town.spend(3, at=AT)
    town.spend(4, shop=1, at=AT)
    laid = held(town, line=(doubtful, 1))
    assert (laid.serial, laid.cents, laid.released_at) == (3, 1_000, None)
    assert (town.owed(0), owed_now(town)) == (3_000, 2_000)
    run = town.approve(town.propose(TODAY, at=AT), at=AT)
    assert [line.gross_cents for line in run.to_pay] == [2_000, 1_000]
    assert (town.owed(0), owed_now(town)) == (1_000, 0)
    with pytest.raises(NothingToSettle):
        town.propose(TODAY, at=AT)
    released(town, laid.number)
    later = town.approve(town.propose(TODAY, at=AT), at=AT)
    assert [(line.merchant_id, line.gross_cents) for line in later.to_pay] == [(town.merchants[0], 1_000)]
    assert facts_of(house, programme_id=town.programme_id, kind="settlement_released") == [
        (f"merchant:{town.merchants[0]}", "hold:1 vérifié")
    ]
    town.books_hold()


def test_a_held_shop_is_in_no_run_whatever_it_takes_meanwhile(house: Database) -> None:
    town = a_town(house)
    town.spend(1, at=AT)
    town.spend(2, shop=1, at=AT)
    held(town)
    town.spend(3, at=AT)
    run = town.propose(TODAY, at=AT)
    assert [line.merchant_id for line in run.settlements] == [town.merchants[1]]
    town.approve(run, at=AT)
    assert (town.owed(0), owed_now(town)) == (2_000, 0)
    town.books_hold()


def test_what_is_given_back_of_a_held_line_waits_with_it(house: Database) -> None:
    town = a_town(house)
    town.spend(1, at=AT)
    doubtful = town.spend(2, at=AT)
    held(town, line=(doubtful, 1))
    town.undo(doubtful, at=AT)
    run = town.approve(town.propose(TODAY, at=AT), at=AT)
    assert run.to_pay[0].gross_cents == 1_000, "the shop is not charged for what it was never paid"
    released(town, 1)
    town.spend(3, at=AT)
    assert town.approve(town.propose(TODAY, at=AT), at=AT).to_pay[0].gross_cents == 1_000
    assert town.owed(0) == 0
    town.books_hold()


def test_a_run_is_not_approved_when_something_of_it_was_held_or_released_since(house: Database) -> None:
    town = a_town(house)
    one, two = town.spend(1, at=AT), town.spend(2, at=AT)
    town.spend(3, shop=1, at=AT)
    held(town, line=(one, 1))
    run = town.propose(TODAY, at=AT)
    held(town, line=(two, 1))
    released(town, 1)
    assert owed_now(town) == run.settlements[0].gross_cents, "the sum is the same, the line another"
    with pytest.raises(HeldSince) as refused:
        town.approve(run, at=AT)
    assert "Commerce 0" in refused.value.text("fr")
    of = {"programme_id": town.programme_id, "number": run.number, "actor": TREASURER}
    house.write(settle.withdraw, reason="retenue", at=AT, **of)
    again = town.approve(town.propose(TODAY, at=AT), at=AT)
    paid = house.read(runs.lines_of, programme_id=1, number=again.number, merchant_id=town.merchants[0])
    assert [line.serial for line in paid] == [1]
    town.books_hold()


def test_a_hold_is_refused_where_there_is_nothing_to_hold(house: Database) -> None:
    town = a_town(house)
    sale = town.spend(1, 2, at=AT)
    elsewhere = town.spend(3, shop=1, at=AT)
    for why in ("", "  ", "x" * 301, "a\u202eb"):
        with pytest.raises(BadInput):
            held(town, because=why)
    for line in ((sale, 3), (elsewhere, 1), (10**9, 1)):
        with pytest.raises(NotFound):
            held(town, line=line)
    held(town, line=(sale, 1))
    with pytest.raises(HoldStanding):
        held(town, line=(sale, 1))
    released(town, 1)
    for number, refusal in ((1, HoldClosed), (2, NotFound)):
        with pytest.raises(refusal):
            released(town, number)
    town.approve(town.propose(TODAY, at=AT), at=AT)
    with pytest.raises(LineSettled):
        held(town, line=(sale, 2))
    held(town)
    with pytest.raises(HoldStanding):
        held(town)
    town.books_hold()


def test_of_a_hold_and_an_approval_at_once_one_comes_first(house: Database) -> None:
    town = a_town(house, vouchers=12)
    for serial in range(1, 7):
        sale = town.spend(serial, at=AT)
        run = town.propose(TODAY, at=AT)

        def lay(line: tuple[int, int] = (sale, 1)) -> str:
            try:
                held(town, line=line)
            except Refusal as refusal:
                return refusal.reason
            return "held"

        def approve(run: runs.Run = run) -> str:
            try:
                return town.approve(run, at=AT).state
            except Refusal as refusal:
                return refusal.reason

        with ThreadPoolExecutor(2) as people:
            hand, eye = people.submit(lay), people.submit(approve)
        assert (hand.result(), eye.result()) in {("held", "held_since"), ("line_settled", "approved")}
        if hand.result() == "held":
            of = {"programme_id": town.programme_id, "number": run.number, "actor": TREASURER, "at": AT}
            house.write(settle.withdraw, reason="retenue", **of)
    settled = select(settlement_line.c.journal_id)
    standing = {one.journal_id for one in house.read(hold.holds_of, programme_id=town.programme_id)}
    assert not standing & set(house.read(lambda session: session.execute(settled).scalars().all()))
    town.books_hold()
