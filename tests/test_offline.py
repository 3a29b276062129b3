"""Without network: a till knows forged and spent paper, what it accepts is kept for ever, and the loser is named."""

import hashlib
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.makers import NOON, PEPPER, a_till, facts_of, moves_of
from tests.outbox import RULE, Outbox, allow, an_outbox, bring, refresh
from tests.town import APPROVER, TREASURER, Town, a_town
from vouchers import codes, disputes, expire, guarantee, issue, offline, people, report, reverse, snapshots, stop, tills
from vouchers.acceptances import Entry
from vouchers.db import Database
from vouchers.errors import (
    BadInput,
    DisputeDecided,
    DisputeUnknown,
    GuaranteeExceeded,
    KeyReused,
    OfflineNotAllowed,
    PaidOtherwise,
    Refusal,
    VoucherClosed,
)
from vouchers.tables import acceptance, voucher

LATER = NOON + timedelta(hours=2)
"""When the network is back; a snapshot's own journal is old enough by then."""


@pytest.fixture
def town(house: Database) -> Town:
    town = a_town(house, vouchers=12, shops=3)
    allow(town)
    return town


def outcome(town: Town, outbox: Outbox, entry: Entry, *, at: Any = LATER) -> str:
    """'redeemed', or the reason of the dispute, with '+' where the guarantee paid."""
    told = bring(town, outbox, entry, at=at)
    if told["outcome"] == "redeemed":
        return "redeemed"
    return str(told["reason"]) + ("+" if told["guaranteed_cents"] else "")


def guaranteed(town: Town, number: int) -> None:
    """The treasurer lets the guarantee pay a dispute."""
    town.house.write(
        disputes.decide, programme_id=town.programme_id, number=number, decision="guarantee", reason="vu",
        actor=TREASURER, at=LATER,
    )  # fmt: skip


def chains(town: Town) -> list[str]:
    listed = select(acceptance.c.chain).order_by(acceptance.c.till_id, acceptance.c.number, acceptance.c.chain)
    return list(town.house.read(lambda session: session.execute(listed).scalars().all()))


# ── The rule ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_without_a_rule_nothing_is_leased_and_nothing_guaranteed(house: Database) -> None:
    town = a_town(house)
    what: dict[str, Any] = {"programme_id": town.programme_id, "at": NOON}
    with pytest.raises(OfflineNotAllowed):
        house.write(offline.lease, till_id=town.tills[0], **what)
    with pytest.raises(OfflineNotAllowed):
        house.write(offline.forbid, actor=TREASURER, **what)
    assert house.read(offline.told, programme_id=town.programme_id, pepper=PEPPER) is None
    with pytest.raises(OfflineNotAllowed):
        house.write(disputes.decide, number=1, decision="guarantee", reason="x", actor=TREASURER, **what)


def test_the_rule_is_kept_with_its_values_in_its_facts(town: Town) -> None:
    stricter = replace(RULE, till_count=1, guarantee_cents=0)
    allow(town, rule=stricter)
    assert town.house.read(guarantee.offline_rule_of, programme_id=town.programme_id) == stricter
    town.house.write(offline.forbid, programme_id=town.programme_id, actor=TREASURER, at=NOON)
    assert facts_of(town.house, programme_id=town.programme_id, kind="offline_allowed")[1][1] == "1 5000 8 8000 1440 0"
    assert len(facts_of(town.house, programme_id=town.programme_id, kind="offline_forbidden")) == 1
    town.books_hold()


@pytest.mark.parametrize(
    "impossible",
    [
        {"till_count": 0}, {"till_cents": 0}, {"programme_count": 4}, {"programme_cents": 4_999},
        {"max_age_minutes": 0}, {"max_age_minutes": 1_441}, {"guarantee_cents": -1}, {"till_cents": 10**12},
    ],
)  # fmt: skip
def test_caps_that_cannot_be_are_refused(impossible: dict[str, int]) -> None:
    with pytest.raises(BadInput):
        offline.allow(None, programme_id=1, rule=replace(RULE, **impossible), actor=TREASURER, at=NOON)


# ── Leases ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_what_all_tills_hold_stays_within_the_programmes_caps(town: Town) -> None:
    def held(shop: int, at: Any = NOON) -> tuple[int, int]:
        told = an_outbox(town, shop, at=at).told
        return told["most_count"], told["most_cents"]

    assert [held(0), held(1), held(2)] == [(5, 5_000), (3, 3_000), (0, 0)]
    assert held(0) == (5, 5_000), "renewed, not added"
    a_day_later = NOON + timedelta(minutes=1_440)
    assert held(2, at=a_day_later) == (5, 5_000), "what the others held is over"
    allow(town, rule=replace(RULE, programme_cents=5_100))
    assert held(1, at=a_day_later) == (3, 100)
    town.house.write(
        tills.revoke_till, programme_id=town.programme_id, till_id=town.tills[2], reason="volée", actor=TREASURER,
        at=a_day_later,
    )  # fmt: skip
    assert held(1, at=a_day_later) == (5, 5_000), "a revoked till takes nobody's share"
    what: dict[str, Any] = {"programme_id": town.programme_id, "actor": TREASURER, "at": a_day_later}
    town.house.write(people.suspend_merchant, merchant_id=town.merchants[1], reason="fraude", **what)
    assert held(1, at=a_day_later) == (0, 0) and held(0, at=a_day_later) == (5, 5_000)


def test_a_suspended_shop_keeps_what_it_holds_and_is_given_no_more(town: Town) -> None:
    what: dict[str, Any] = {"programme_id": town.programme_id, "merchant_id": town.merchants[0], "actor": TREASURER}
    before = an_outbox(town)
    town.house.write(people.suspend_merchant, reason="contrôle", at=NOON, **what)
    others = [an_outbox(town, shop).told["most_count"] for shop in (1, 2)]
    town.house.write(people.restore_merchant, reason="contrôle", at=NOON, **what)
    assert (before.told["most_count"], sum(others)) == (5, RULE.programme_count - 5)


def test_many_tills_at_once_hold_no_more_than_the_cap_together(house: Database) -> None:
    town = a_town(house, vouchers=1, shops=1)
    allow(town)
    paired = [a_till(house, programme_id=town.programme_id, merchant_id=town.merchants[0]) for _ in range(12)]

    def leased(till_id: int) -> int:
        given = house.write(offline.lease, programme_id=town.programme_id, till_id=till_id, at=NOON)
        return given.count

    with ThreadPoolExecutor(12) as pool:
        given = list(pool.map(leased, [one.till.till_id for one in paired]))
    assert sorted(given, reverse=True) == [5, 3, *[0] * 10]


# ── Snapshots ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_whole_snapshot_is_every_voucher_that_can_be_spent_and_no_other(town: Town) -> None:
    town.spend(1)
    town.block(2)
    town.cancel(3)
    new = town.replace(4)
    outbox = an_outbox(town)
    spendable = {serial for serial, secret in town.secrets.items() if outbox.knows(secret.code)}
    assert spendable == set(range(5, 13)) and new not in spendable
    assert outbox.knows(town.secrets[5].code) == (1_000, "2027-06-30")
    assert outbox.knows(codes.new_code()) is None, "forged paper"
    assert an_outbox(town, at=NOON + timedelta(days=300)).known == {}, "past their last day, swept or not"


def test_a_delta_tells_whatever_happened_since_and_agrees_with_the_whole(town: Town) -> None:
    outbox = an_outbox(town)
    at = NOON + timedelta(minutes=30)
    refresh(town, outbox, at=at)
    town.spend(1, at=at)
    undone = town.spend(2, at=at)
    town.block(3, at=at)
    town.cancel(4, at=at)
    new = town.replace(5, at=at)
    town.house.write(stop.activate_replacements, programme_id=town.programme_id, serials=[new], actor=APPROVER, at=at)
    told = refresh(town, outbox, at=at, since=outbox.version)
    assert told["since"] is not None
    assert outbox.known == an_outbox(town, 1, at=at).known
    assert outbox.knows(town.secrets[new].code) and not outbox.knows(town.secrets[2].code)

    at += timedelta(minutes=30)
    town.undo(undone, at=at)
    town.house.write(stop.unblock, programme_id=town.programme_id, serials=[3], actor=TREASURER, reason="non", at=at)
    refresh(town, outbox, at=at, since=outbox.version)
    assert outbox.knows(town.secrets[2].code) and outbox.knows(town.secrets[3].code)

    at += timedelta(minutes=30)
    to_on = date(2027, 12, 31)
    town.house.write(
        expire.extend, programme_id=town.programme_id, batch_number=town.batch_number, to_on=to_on, actor=TREASURER,
        at=at,
    )  # fmt: skip
    refresh(town, outbox, at=at, since=outbox.version)
    assert {last_day for _, last_day in outbox.known.values()} == {"2027-12-31"}
    assert outbox.known == an_outbox(town, 1, at=at).known


def test_a_batch_activated_since_is_told_whole(house: Database) -> None:
    town = a_town(house, vouchers=3, active=False)
    allow(town)
    outbox = an_outbox(town, at=LATER)
    assert outbox.known == {}
    what: dict[str, Any] = {"programme_id": town.programme_id, "batch_number": town.batch_number, "at": LATER}
    house.write(issue.hand_over, actor=TREASURER, **what)
    house.write(issue.activate, actor=APPROVER, **what)
    refresh(town, outbox, at=LATER, since=outbox.version)
    assert len(outbox.known) == 3


def test_a_late_journal_is_told_again_rather_than_never(town: Town) -> None:
    """What was written in the last minutes may have company that cannot be seen yet: the next delta begins before."""
    outbox = an_outbox(town, at=LATER)
    refresh(town, outbox, at=LATER)
    town.spend(1, at=LATER)
    told = refresh(town, outbox, at=LATER + timedelta(minutes=1), since=outbox.version)
    again = refresh(town, outbox, at=LATER + timedelta(minutes=2), since=outbox.version)
    assert told["drop"] == again["drop"] != ""
    assert refresh(town, outbox, at=LATER + timedelta(minutes=20), since=outbox.version)["drop"] != ""
    assert refresh(town, outbox, at=LATER + timedelta(minutes=21), since=outbox.version)["drop"] == ""


def test_a_version_that_is_not_ours_or_too_old_gives_a_whole_snapshot(town: Town) -> None:
    outbox, others = an_outbox(town), an_outbox(town, 1)
    mine = outbox.version
    forged = mine[:-1] + ("A" if mine[-1] != "A" else "B")
    for since in (None, "", "x", forged, others.version, mine.replace(".", "-"), "9" * 200):
        assert refresh(town, outbox, at=LATER, since=since)["since"] is None
    assert refresh(town, outbox, at=NOON + timedelta(hours=47), since=mine)["since"] == mine
    assert refresh(town, outbox, at=NOON + timedelta(hours=49), since=mine)["since"] is None
    assert snapshots.version_of(bytes(32), mine) is None


def test_where_more_changed_than_there_is_the_whole_is_told(town: Town) -> None:
    outbox = an_outbox(town, at=LATER)
    for serial in range(1, 8):
        town.spend(serial, at=LATER)
    told = refresh(town, outbox, at=LATER, since=outbox.version)
    assert told["since"] is None and len(outbox.known) == 5


def test_of_more_than_255_classes_the_rarest_need_the_network(house: Database) -> None:
    town = a_town(house, vouchers=300, face_cents=10_000, use_rule="partial")
    allow(town)
    for serial in range(1, 270):
        town.spend(serial, cents=serial)
    outbox = an_outbox(town, at=LATER)
    assert len(outbox.told["classes"]) == 255
    assert len(outbox.known) == 31 + 254
    assert outbox.knows(town.secrets[300].code) == (10_000, "2027-06-30")


def test_a_voucher_issued_before_there_were_prefixes_is_never_known(town: Town) -> None:
    found = select(voucher.c.offline_prefix).where(voucher.c.serial == 1)
    prefix = town.house.read(lambda session: session.execute(found).scalar_one())
    salt = codes.offline_salt(PEPPER, town.programme_id)
    assert prefix == codes.offline_prefix(salt, town.secrets[1].code)
    assert prefix == hashlib.sha256(salt + town.secrets[1].code.encode()).digest()[:8]
    assert codes.offline_salt(PEPPER, 2) != salt != codes.offline_salt(bytes(32), town.programme_id)


# ── What is brought back ─────────────────────────────────────────────────────────────────────────────────────────
def test_a_good_voucher_is_redeemed_on_arrival_and_answered_alike_for_ever(town: Town) -> None:
    outbox = an_outbox(town)
    entry = outbox.accept(town.secrets[1].code, at=NOON + timedelta(minutes=5))
    first = bring(town, outbox, entry, at=LATER)
    assert first["outcome"] == "redeemed" and town.held(1) == ("redeemed", 0) and town.owed(0) == 1_000
    town.undo(first["redemption"], at=LATER)
    town.cancel(1, at=LATER)
    assert bring(town, outbox, entry, at=LATER + timedelta(days=900)) == first
    other = outbox.accept(town.secrets[2].code, at=NOON + timedelta(minutes=6), key=entry.key)
    with pytest.raises(KeyReused):
        bring(town, outbox, other, at=LATER)
    assert town.held(2) == ("active", 1_000)
    town.books_hold()


def test_the_last_day_is_the_day_of_acceptance_not_of_arrival(house: Database) -> None:
    town = a_town(house, vouchers=4, shops=2, expires_on=NOON.date(), presentation_deadline_on=NOON.date())
    allow(town)
    outbox = an_outbox(town)
    entries = [outbox.accept(town.secrets[serial].code, at=NOON + timedelta(hours=1)) for serial in (1, 2, 3)]
    tomorrow = NOON + timedelta(days=1)
    assert outcome(town, outbox, entries[0], at=tomorrow) == "redeemed"
    house.write(expire.expire, programme_id=town.programme_id, limit=1, actor="system", at=tomorrow)
    assert outcome(town, outbox, entries[1], at=tomorrow) == "voucher_expired+", "swept between acceptance and arrival"
    forged = outbox.accept(town.secrets[4].code, at=NOON, snapshot="x")
    assert outcome(town, outbox, entries[2], at=tomorrow) == "redeemed"
    assert outcome(town, outbox, forged, at=tomorrow) == "voucher_expired", "no snapshot bears that instant out"
    late = outbox.accept(town.secrets[4].code, at=tomorrow - timedelta(hours=1))
    assert outcome(town, outbox, late, at=tomorrow) == "voucher_expired", "after the last day"
    town.books_hold()


def test_two_tills_accept_one_voucher_and_one_is_paid_the_other_guaranteed(town: Town) -> None:
    first, second, third = (an_outbox(town, shop) for shop in range(3))
    entries = [
        (outbox, outbox.accept(town.secrets[1].code, at=NOON + timedelta(minutes=number)))
        for number, outbox in enumerate((first, second, third), start=1)
    ]
    assert [outcome(town, *entry) for entry in entries] == [
        "redeemed", "already_redeemed+", "already_redeemed",
    ], "one voucher is guaranteed once"  # fmt: skip
    assert [town.owed(shop) for shop in range(3)] == [1_000, 1_000, 0]
    assert moves_of(town.house, programme_id=town.programme_id, kind="guaranteed") == [
        ("guarantee", f"merchant:{town.merchants[1]}", 1_000, None)
    ]
    gauge = town.house.read(report.gauge, programme_id=town.programme_id, at=LATER)
    assert (gauge.spent_cents, gauge.owed_cents) == (1_000, 2_000), "the voucher was spent once"
    town.books_hold()


def test_the_guarantee_pays_within_its_cap_and_the_treasurer_too(town: Town) -> None:
    outbox = an_outbox(town)
    entries = [outbox.accept(town.secrets[serial].code, at=NOON + timedelta(minutes=1)) for serial in (1, 2, 3, 4)]
    for serial in (1, 2, 3, 4):
        town.spend(serial, shop=1, at=NOON + timedelta(minutes=2))
    assert [outcome(town, outbox, entry) for entry in entries] == ["already_redeemed+"] * 2 + ["already_redeemed"] * 2
    what: dict[str, Any] = {"programme_id": town.programme_id, "actor": TREASURER, "at": LATER}
    with pytest.raises(GuaranteeExceeded):
        town.house.write(disputes.decide, number=3, decision="guarantee", reason="bonne foi", **what)
    allow(town, rule=replace(RULE, guarantee_cents=3_000))
    paid = town.house.write(disputes.decide, number=3, decision="guarantee", reason="bonne foi", **what)
    assert (paid.state, paid.decided_by, paid.decision) == ("guaranteed", TREASURER, "bonne foi")
    dismissed = town.house.write(disputes.decide, number=4, decision="dismiss", reason="photocopie", **what)
    assert dismissed.state == "dismissed" and "photocopie" in dismissed.text("fr") and dismissed.text("en")
    for decision in ("guarantee", "dismiss"):
        with pytest.raises(DisputeDecided):
            town.house.write(disputes.decide, number=3, decision=decision, reason="x", **what)
    with pytest.raises(DisputeUnknown):
        town.house.write(disputes.decide, number=9, decision="dismiss", reason="x", **what)
    assert town.owed(0) == 3_000 and town.balance("guarantee") == 3_000
    mine = frozenset({town.merchants[0]})
    listed = town.house.read(disputes.disputes_of, programme_id=town.programme_id, merchant_ids=mine)
    assert [one.number for one in listed] == [4, 3, 2, 1]
    assert not town.house.read(
        disputes.disputes_of, programme_id=town.programme_id, merchant_ids=frozenset({town.merchants[1]})
    )
    town.books_hold()


def test_whoever_could_have_known_is_not_paid_without_a_second_look(town: Town) -> None:
    minute = NOON + timedelta(minutes=1)
    town.spend(1, shop=1, at=NOON - timedelta(hours=1))
    outbox = an_outbox(town)
    town.spend(2, shop=0, at=minute)
    new = town.replace(3, at=minute)
    for serial in (4, 5, 6, 7, 8):
        town.block(serial, at=minute)
    tried = {
        "spent before the snapshot": outbox.accept(town.secrets[1].code, at=minute),
        "used in the same shop": outbox.accept(town.secrets[2].code, at=minute),
        "never active": outbox.accept(town.secrets[new].code, at=minute),
        "of nobody": outbox.accept(codes.new_code(), at=minute),
    }
    refused = [outcome(town, outbox, entry) for entry in tried.values()]
    assert refused == ["already_redeemed", "already_redeemed", "voucher_not_active", "voucher_unknown"]
    assert outcome(town, outbox, outbox.accept(town.secrets[4].code, at=minute)) == "voucher_blocked+"
    assert outcome(town, outbox, outbox.accept(town.secrets[5].code, at=minute)) == "voucher_blocked", "beyond its caps"
    refresh(town, outbox, at=minute)
    stale = outbox.accept(town.secrets[6].code, at=minute + timedelta(minutes=1_446))
    assert outcome(town, outbox, stale, at=NOON + timedelta(days=3)) == "voucher_blocked", "too old a snapshot"
    future = outbox.accept(town.secrets[7].code, at=LATER + timedelta(minutes=6))
    assert outcome(town, outbox, future, at=LATER) == "voucher_blocked", "not yet"
    foreign = outbox.accept(town.secrets[8].code, at=minute, snapshot=an_outbox(town, 1).version)
    assert outcome(town, outbox, foreign) == "voucher_blocked", "another till's snapshot"
    town.books_hold()


def test_a_hole_or_a_fork_in_the_chain_is_kept_and_refuses_no_good_voucher(town: Town) -> None:
    outbox = an_outbox(town)
    minute = NOON + timedelta(minutes=1)
    first = outbox.accept(town.secrets[1].code, at=minute)
    lost = outbox.accept(town.secrets[2].code, at=minute)
    third = outbox.accept(town.secrets[3].code, at=minute)
    assert [outcome(town, outbox, entry) for entry in (first, third)] == ["redeemed"] * 2
    assert chains(town) == ["whole", "gap"]
    assert outcome(town, outbox, lost) == "redeemed", "brought late, it stands in its place"
    outbox.number = 1
    twin = outbox.accept(town.secrets[4].code, at=minute)
    assert outcome(town, outbox, twin) == "redeemed"
    elsewhere = outbox.accept(town.secrets[5].code, at=minute, number=4, previous="0" * 64)
    assert outcome(town, outbox, elsewhere) == "redeemed"
    assert chains(town) == ["whole", "fork", "whole", "gap", "fork"]
    town.block(6, at=minute)
    outbox.number, outbox.text = 8, ""
    assert outcome(town, outbox, outbox.accept(town.secrets[6].code, at=minute)) == "voucher_blocked", "no guarantee"
    town.books_hold()


def test_a_revoked_till_and_a_suspended_shop_bring_nothing_but_disputes(town: Town) -> None:
    outbox, other = an_outbox(town), an_outbox(town, 1)
    minute = NOON + timedelta(minutes=1)
    what: dict[str, Any] = {"programme_id": town.programme_id, "actor": TREASURER, "at": minute}
    mine, theirs = outbox.accept(town.secrets[1].code, at=minute), other.accept(town.secrets[2].code, at=minute)
    town.house.write(tills.revoke_till, till_id=town.tills[0], reason="volée", **what)
    town.house.write(people.suspend_merchant, merchant_id=town.merchants[1], reason="fraude", **what)
    assert outcome(town, outbox, mine) == "till_revoked"
    assert outcome(town, other, theirs) == "merchant_suspended"
    assert town.held(1) == town.held(2) == ("active", 1_000)
    with pytest.raises(PaidOtherwise):
        guaranteed(town, 1)
    town.tills[0] = a_till(
        town.house, programme_id=town.programme_id, merchant_id=town.merchants[0], at=LATER
    ).till.till_id
    town.spend(1, at=LATER)
    with pytest.raises(PaidOtherwise):
        guaranteed(town, 1)
    assert town.owed(0) == 1_000, "the shop scans what it kept, and is paid once"
    town.books_hold()


# ── One paper, one payment ───────────────────────────────────────────────────────────────────────────────────────
def test_a_shop_is_not_guaranteed_a_paper_that_it_was_paid_for(town: Town) -> None:
    outbox = an_outbox(town)
    minute = NOON + timedelta(minutes=1)
    thrice = [outbox.accept(town.secrets[1].code, at=minute) for _ in range(3)]
    assert [outcome(town, outbox, entry) for entry in thrice] == ["redeemed", "already_redeemed", "already_redeemed"]
    for number in (1, 2):
        with pytest.raises(PaidOtherwise):
            guaranteed(town, number)
    assert town.owed(0) == 1_000
    town.books_hold()


def test_a_paper_that_was_paid_by_the_guarantee_is_not_good_again(town: Town) -> None:
    """Neither found again, nor given back by the shop that took it: its holder has had its worth."""
    outbox = an_outbox(town)
    minute = NOON + timedelta(minutes=1)
    found, given_back = (outbox.accept(town.secrets[serial].code, at=minute) for serial in (1, 2))
    town.block(1, at=minute)
    sale = town.spend(2, shop=1, at=minute)
    assert outcome(town, outbox, found, at=minute) == "voucher_blocked+"
    assert outcome(town, outbox, given_back, at=minute) == "already_redeemed+"
    with pytest.raises(VoucherClosed):
        town.house.write(
            stop.unblock, programme_id=town.programme_id, serials=[1], actor=TREASURER, reason="retrouvé", at=minute
        )
    with pytest.raises(VoucherClosed):
        town.house.write(
            reverse.reverse_at_shop, programme_id=town.programme_id, redemption_id=sale, serials=None,
            merchant_id=town.merchants[1], actor="till:2", reason="erreur", at=minute,
        )  # fmt: skip
    assert (town.owed(0), town.owed(1)) == (2_000, 1_000)
    town.books_hold()


def test_what_was_taken_here_since_is_not_guaranteed_even_if_as_much_was_undone(house: Database) -> None:
    town = a_town(house, vouchers=3, shops=2, use_rule="partial")
    allow(town)
    minute = NOON + timedelta(minutes=1)
    sale = town.spend(1, cents=500, at=NOON - timedelta(minutes=5))
    outbox = an_outbox(town)
    entry = outbox.accept(town.secrets[1].code, at=minute, cents=500)
    town.undo(sale, at=minute)
    town.spend(1, cents=500, at=minute)
    town.spend(1, cents=500, shop=1, at=minute)
    assert outcome(town, outbox, entry) == "already_redeemed"
    town.books_hold()


def test_older_versions_promise_nothing_more_than_the_caps(house: Database) -> None:
    town = a_town(house, vouchers=12, shops=2)
    one = replace(RULE, till_count=1, till_cents=1_000, programme_count=1, programme_cents=1_000)
    allow(town, rule=replace(one, guarantee_cents=100_000))
    outbox = an_outbox(town)
    older = outbox.version
    refresh(town, outbox, at=NOON + timedelta(seconds=1))
    minute = NOON + timedelta(minutes=1)
    versions = [older, outbox.version]
    entries = [outbox.accept(town.secrets[n].code, at=minute, snapshot=versions[n % 2]) for n in range(1, 9)]
    for serial in range(1, 9):
        town.spend(serial, shop=1, at=minute)
    paid = [outcome(town, outbox, entry) for entry in entries]
    assert paid.count("already_redeemed+") == 1
    town.books_hold()


def test_no_more_last_days_than_were_promised_are_taken_on_the_tills_word(house: Database) -> None:
    town = a_town(house, vouchers=12, shops=1, expires_on=NOON.date())
    allow(town)
    outbox = an_outbox(town)
    entries = [outbox.accept(town.secrets[n].code, at=NOON + timedelta(hours=1)) for n in range(1, 8)]
    late = [outcome(town, outbox, entry, at=NOON + timedelta(days=30)) for entry in entries]
    assert late == ["redeemed"] * RULE.till_count + ["voucher_expired"] * 2
    town.books_hold()


def test_after_the_rule_is_gone_what_was_accepted_is_still_judged(town: Town) -> None:
    outbox = an_outbox(town)
    minute = NOON + timedelta(minutes=1)
    good, lost = (outbox.accept(town.secrets[serial].code, at=minute) for serial in (1, 2))
    town.spend(2, shop=1, at=minute)
    town.house.write(offline.forbid, programme_id=town.programme_id, actor=TREASURER, at=minute)
    assert outcome(town, outbox, good) == "redeemed"
    assert outcome(town, outbox, lost) == "already_redeemed"
    town.books_hold()


def test_a_guarantee_is_settled_like_what_was_accepted_and_stands_on_the_statement(town: Town) -> None:
    outbox = an_outbox(town)
    minute = NOON + timedelta(minutes=1)
    entries = [outbox.accept(town.secrets[serial].code, at=minute) for serial in (1, 2)]
    town.spend(2, shop=1, at=minute)
    assert [outcome(town, outbox, entry) for entry in entries] == ["redeemed", "already_redeemed+"]
    run = town.approve(town.propose(LATER.date(), at=LATER), at=LATER)
    mine = next(line for line in run.to_pay if line.merchant_id == town.merchants[0])
    assert (mine.gross_cents, mine.commission_cents) == (2_000, 100)
    gauge = town.house.read(report.gauge, programme_id=town.programme_id, at=LATER)
    assert (gauge.spent_cents, gauge.settled_cents, gauge.owed_cents) == (2_000, 2_000, 0)
    town.books_hold()


# ── Many at once ─────────────────────────────────────────────────────────────────────────────────────────────────
def at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    """Every act at the same instant; what each gave."""
    barrier = threading.Barrier(len(acts))

    def let_go(act: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            return act()
        except Refusal as refusal:
            return refusal.reason

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(let_go, acts))


def test_the_same_entries_sent_by_many_at_once_are_done_once_each(town: Town) -> None:
    outbox = an_outbox(town)
    entries = [outbox.accept(town.secrets[serial].code, at=NOON + timedelta(minutes=1)) for serial in (1, 2, 3)]
    town.spend(3, shop=1, at=NOON + timedelta(minutes=2))
    told = at_once([lambda: json.dumps([bring(town, outbox, entry, at=LATER) for entry in entries])] * 8)
    assert len(set(told)) == 1
    assert town.owed(0) == 3_000 and town.balance("guarantee") == 1_000
    assert chains(town) == ["whole"] * 3
    town.books_hold()


def test_one_voucher_brought_by_many_tills_at_once_is_paid_once_and_guaranteed_once(house: Database) -> None:
    town = a_town(house, vouchers=2, shops=10)
    allow(town, rule=replace(RULE, programme_count=1_000, programme_cents=1_000_000))
    outboxes = [an_outbox(town, shop) for shop in range(10)]
    entries = [outbox.accept(town.secrets[1].code, at=NOON + timedelta(minutes=1)) for outbox in outboxes]
    told = at_once([
        lambda outbox=outbox, entry=entry: outcome(town, outbox, entry)
        for outbox, entry in zip(outboxes, entries, strict=True)
    ])  # fmt: skip
    assert sorted(told) == ["already_redeemed"] * 8 + ["already_redeemed+", "redeemed"]
    assert sum(town.owed(shop) for shop in range(10)) == 2_000
    town.books_hold()


def test_many_decide_one_dispute_and_one_of_them_does(town: Town) -> None:
    outbox = an_outbox(town)
    entry = outbox.accept(codes.new_code(), at=NOON + timedelta(minutes=1))
    assert outcome(town, outbox, entry) == "voucher_unknown"

    def decide(decision: str) -> str:
        return str(
            town.house.write(
                disputes.decide, programme_id=town.programme_id, number=1, decision=decision, reason="x",
                actor=TREASURER, at=LATER,
            ).state
        )  # fmt: skip

    told = at_once([lambda word=word: decide(word) for word in ("guarantee", "dismiss") * 6])
    assert told.count("dispute_decided") == 11 and len(set(told)) == 2
    assert town.owed(0) in (0, 1_000)
    town.books_hold()
