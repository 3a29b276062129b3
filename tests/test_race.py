"""Many at once on one voucher: whatever they were told, one order of events explains all of it.

Each round lets fifty threads go at the same instant. From what was accepted, an order of events is sought that the
rules of the trade allow and that ends where the voucher ended; then every refusal must be one that some moment of that
order gives. A naive twin, which looks and then writes, must lose the same race, or the race would prove nothing.
"""

import itertools
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cache
from typing import NamedTuple

import psycopg
import pytest
from sqlalchemy import func, select, update

from tests.makers import NOON
from tests.town import TREASURER, Town, a_town, reason_of
from vouchers import chart, expire, ledger, stop
from vouchers.db import Database, WriteSession
from vouchers.errors import Refusal, VoucherRefusal
from vouchers.ledger import Fact, Move
from vouchers.tables import posting, voucher

AT_ONCE = 50
ROUNDS = 20
FACE, SPENT = 1_000, 400
AFTER_ITS_LAST_DAY = NOON + timedelta(days=400)


class Held(NamedTuple):
    """The voucher, as the rules see it: `undone` once the sale made before the race was reversed."""

    state: str = "active"
    left: int = FACE - SPENT
    undone: bool = False


class Told(NamedTuple):
    """What one thread was told: the act, and the cents it moved or the refusal."""

    act: str
    cents: int
    refusal: str | None


def step(held: Held, act: str) -> tuple[Held, int] | str:
    """What the rules say an act does to the voucher, and the cents it moves; or the refusal."""
    state, left, undone = held
    if act == "reverse":
        if undone:
            return "already_reversed"
        if state in ("cancelled", "replaced", "expired"):
            return "voucher_closed"
        return Held("active" if state == "redeemed" else state, left + SPENT, True), SPENT
    if act == "unblock":
        if state in ("cancelled", "replaced", "expired"):
            return "voucher_closed"
        return (Held("active", left, undone), 0) if state == "blocked" else "voucher_not_blocked"
    if act == "expire":
        # A sweep refuses nothing; it finds the voucher open, or it does not find it.
        return (Held("expired", 0, undone), left) if state == "active" else "nothing_to_lapse"
    if state == "blocked" and act in ("cancel", "replace"):
        return Held("cancelled" if act == "cancel" else "replaced", 0, undone), left
    if state != "active":
        return {"redeemed": "already_redeemed"}.get(state, f"voucher_{state}")
    after = {"redeem": "redeemed", "block": "blocked", "cancel": "cancelled", "replace": "replaced"}[act]
    return Held(after, left if act == "block" else 0, undone), 0 if act == "block" else left


def acts_on(town: Town, serial: int, sale: int) -> dict[str, Callable[[], int]]:
    """Every act that moves the voucher's value, or forbids it: each gives the cents it moved."""
    numbers = itertools.count(1)

    def stopped(verb: Callable[..., object], cents: Callable[[object], int]) -> Callable[[], int]:
        def act() -> int:
            done = town.house.write(
                verb, programme_id=town.programme_id, serials=[serial], actor=TREASURER, reason="course", at=NOON
            )
            return cents(done)

        return act

    def swept() -> int:
        done = town.house.write(
            expire.expire, programme_id=town.programme_id, limit=1, actor="system", at=AFTER_ITS_LAST_DAY
        )
        # What replaced the voucher is as old as it was, and may be what was swept.
        if done.count == 0 or town.held(serial)[0] != "expired":
            raise NothingToLapse
        return done.cents

    def replaced() -> int:
        town.replace(serial)
        return left_of_replaced(town, serial)

    return {
        "redeem": lambda: int(town.scan(serial, key=f"course{serial}-{next(numbers)}").accepted()["cents"]),
        "reverse": lambda: town.undo(sale).cents,
        "block": stopped(stop.block, lambda _: 0),
        "unblock": stopped(stop.unblock, lambda _: 0),
        "cancel": stopped(stop.cancel, lambda _: moved(town, serial, "receivable")),
        "replace": replaced,
        "expire": swept,
    }


class NothingToLapse(VoucherRefusal):
    """Of this file alone: the sweep passed and found the voucher closed."""


def moved(town: Town, serial: int, to: str) -> int:
    total = select(func.sum(posting.c.cents)).where(
        posting.c.programme_id == town.programme_id, posting.c.serial == serial, posting.c.credit.like(f"{to}%")
    )
    return int(town.house.read(lambda session: session.execute(total).scalar_one()) or 0)


def left_of_replaced(town: Town, serial: int) -> int:
    return moved(town, serial, chart.SUSPENSE)


def at_once(acts: list[Callable[[], int]], names: list[str], pool: ThreadPoolExecutor) -> list[Told]:
    gate = threading.Barrier(len(acts))

    def go(name: str, act: Callable[[], int]) -> Told:
        gate.wait()
        try:
            return Told(name, act(), None)
        except NothingToLapse:
            return Told(name, 0, "nothing_to_lapse")
        except Refusal as refusal:
            return Told(name, 0, refusal.reason)

    return [future.result() for future in [pool.submit(go, *each) for each in zip(names, acts, strict=True)]]


def explained(told: list[Told], end: Held) -> bool:
    """Whether some order of the accepted acts ends at `end` and passes through a moment for every refusal."""
    accepted = Counter((one.act, one.cents) for one in told if one.refusal is None)
    refused = frozenset((one.act, one.refusal) for one in told if one.refusal is not None)

    @cache
    def search(
        held: Held, left: frozenset[tuple[tuple[str, int], int]], open_: frozenset[tuple[str, str | None]]
    ) -> bool:
        open_ -= {(act, why) for act, why in open_ if step(held, act) == why}
        if not left:
            return (held.state, held.left) == (end.state, end.left) and not open_
        for (act, cents), count in left:
            after = step(held, act)
            if not isinstance(after, str) and after[1] == cents:
                rest = (left - {((act, cents), count)}) | ({((act, cents), count - 1)} if count > 1 else set())
                if search(after[0], frozenset(rest), open_):
                    return True
        return False

    return search(Held(), frozenset(accepted.items()), refused)


PAIRS = list(
    itertools.combinations_with_replacement(["redeem", "reverse", "block", "unblock", "cancel", "replace", "expire"], 2)
)
QUICK = [("redeem", "redeem"), ("redeem", "reverse"), ("redeem", "cancel"), ("redeem", "expire")]


@pytest.mark.parametrize(
    "pair", [pytest.param(pair, marks=() if pair in QUICK else pytest.mark.slow, id="-".join(pair)) for pair in PAIRS]
)
def test_two_acts_on_one_voucher_leave_one_story_that_explains_every_answer(
    house: Database, pair: tuple[str, str]
) -> None:
    names = [pair[0]] * (AT_ONCE // 2) + [pair[1]] * (AT_ONCE // 2)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(ROUNDS):
            town = a_town(house, vouchers=1, use_rule="partial")
            acts = acts_on(town, 1, town.spend(1, cents=SPENT))
            told = at_once([acts[name] for name in names], names, pool)
            state, left = town.held(1)
            assert explained(told, Held(state, left)), (state, left, Counter(told))
    town.books_hold()


def test_an_extension_reaches_what_replaces_a_voucher_meanwhile(house: Database) -> None:
    with ThreadPoolExecutor(9) as pool:
        for _ in range(ROUNDS):
            town = a_town(house, vouchers=8)
            gate = threading.Barrier(9)

            def replace(serial: int, town: Town = town, gate: threading.Barrier = gate) -> None:
                gate.wait()
                town.replace(serial)

            def extend(town: Town = town, gate: threading.Barrier = gate) -> None:
                gate.wait()
                house.write(
                    expire.extend,
                    programme_id=town.programme_id,
                    batch_number=town.batch_number,
                    to_on=AFTER_ITS_LAST_DAY.date(),
                    actor=TREASURER,
                    at=NOON,
                )

            for done in [pool.submit(extend), *(pool.submit(replace, serial) for serial in range(1, 9))]:
                done.result()
            day = (
                select(voucher.c.expires_on)
                .distinct()
                .where(voucher.c.programme_id == town.programme_id, voucher.c.state == "printed")
            )
            assert house.read(lambda session, day=day: session.execute(day).scalars().all()) == [
                AFTER_ITS_LAST_DAY.date()
            ]


def test_one_key_sent_by_fifty_at_once_is_one_redemption_with_one_answer(house: Database) -> None:
    town = a_town(house, vouchers=ROUNDS)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for serial in range(1, ROUNDS + 1):
            gate = threading.Barrier(AT_ONCE)

            def send(serial: int = serial, gate: threading.Barrier = gate) -> int:
                gate.wait()
                return int(town.scan(serial, key=f"une{serial}").accepted()["redemption"])

            answers = [future.result() for future in [pool.submit(send) for _ in range(AT_ONCE)]]
            assert len(set(answers)) == 1
    assert town.owed(0) == ROUNDS * FACE
    town.books_hold()


def test_baskets_in_opposite_orders_never_deadlock(house: Database) -> None:
    town = a_town(house, vouchers=12, use_rule="partial", shops=2)
    before = deadlocks(house)
    baskets = [tuple(order) for order in itertools.islice(itertools.permutations(range(1, 13), 6), 0, 665_280, 3_000)]

    def sell(basket: tuple[int, ...]) -> str:
        return reason_of(town.scan(*basket, cents=1))

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(sell, baskets)) == {"accepted"}
    assert town.owed(0) == 6 * len(baskets)
    assert deadlocks(house) == before
    town.books_hold()


def deadlocks(house: Database) -> int:
    """What PostgreSQL itself has counted; SQLite has one writer."""
    if house.dialect == "sqlite":
        return 0
    url = house.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").fetchone()
    assert row is not None
    return int(row[0])


def test_the_naive_twin_that_looks_first_and_writes_later_loses_this_race(house: Database) -> None:
    """The control: without a guard in the transaction that writes, one voucher pays many times."""
    town = a_town(house, vouchers=5)

    def naive(serial: int, gate: threading.Barrier) -> bool:
        gate.wait()
        if town.held(serial) != ("active", FACE):
            return False

        def write(session: WriteSession) -> bool:
            row = voucher.c.programme_id == town.programme_id, voucher.c.serial == serial
            session.execute(update(voucher).where(*row).values(state="redeemed", balance_cents=0))
            move = Move(chart.FLOAT, chart.merchant(town.merchants[0]), FACE, serial)
            fact = Fact("redeemed", NOON, "till:1", "merchant:1", moves=[move])
            ledger.post(session, programme_id=town.programme_id, fact=fact)
            return True

        return house.write(write)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for serial in range(1, 6):
            gate = threading.Barrier(AT_ONCE)
            won = sum(pool.map(lambda _, gate=gate, serial=serial: naive(serial, gate), range(AT_ONCE)))
            if won > 1:
                assert town.owed(0) > serial * FACE
                return
    pytest.fail("the naive twin was never caught: the race does not bite")
