"""Any life of vouchers, in any order, against plain dicts: every answer foreseen, every invariant after every step.

The machine's model knows the rules of the trade and nothing of the house: a voucher is a dict, a till's key is an
entry in another. What the house answers must be what the model foresees, and after each step the vouchers, the shops'
balances and the float must be the model's, and every invariant must hold, recomputed from the rows alone.
"""

import itertools
import os
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.makers import NOON, PEPPER
from tests.outbox import Outbox, allow, bring, refresh
from tests.pile import a_pile, closed, pass_paper, take_back_the_last
from tests.town import APPROVER, BUYERS_APPROVER, CLERK, TREASURER, a_town, reason_of
from vouchers import clock, codes, expire, hold, issue, order, order_book, remit, report, runs, settle, stop
from vouchers.acceptances import Entry
from vouchers.db import Database
from vouchers.errors import KeyReused, Refusal
from vouchers.guarantee import OfflineRule
from vouchers.snapshots import version_of

SERIALS = st.integers(1, 24)
SHOPS = st.integers(0, 2)
FACE = 1_000
CLOSED = ("expired", "cancelled", "replaced")
COMMISSION_BP, VAT_BP = 500, 2_000
WITHOUT_NETWORK = OfflineRule(1_000, 10**7, 10**4, 10**8, 1_440, 2_000)


class Lives(RuleBasedStateMachine):
    """One programme with partial use; orders of a few vouchers; three shops; a clock that only goes forward."""

    new_house: Callable[[], Database]

    @initialize()
    def open(self) -> None:
        self.town = a_town(
            type(self).new_house(),
            vouchers=3,
            shops=3,
            use_rule="partial",
            commission_bp=COMMISSION_BP,
            vat_bp=VAT_BP,
            lapse_to="next_campaign",
            expires_on=NOON.date() + timedelta(days=20),
            presentation_deadline_on=NOON.date() + timedelta(days=25),
        )
        self.now = NOON
        self.deadline = NOON.date() + timedelta(days=25)
        self.last_day = NOON.date() + timedelta(days=20)
        self.batches: dict[int, dict[str, Any]] = {
            self.town.batch_number: {"state": "active", "expires": self.last_day, "active_on": NOON.date()}
        }
        self.vouchers: dict[int, dict[str, Any]] = {
            serial: self.fresh(self.town.batch_number, "active") for serial in self.town.secrets
        }
        self.owed = [0, 0, 0]
        self.lapsed = 0
        self.sales: dict[int, dict[str, Any]] = {}
        self.keys: dict[str, dict[str, Any]] = {}
        self.run: dict[str, Any] | None = None
        self.counter = itertools.count(1)
        allow(self.town, rule=WITHOUT_NETWORK)
        self.outboxes = [Outbox(self.town.programme_id, phone) for phone in self.town.phones]
        self.seen: list[dict[str, Any]] = [{}, {}, {}]
        self.waiting: list[list[Entry]] = [[], [], []]
        self.brought: list[tuple[int, Entry, dict[str, Any]]] = []
        self.guaranteed: dict[int, int] = {}
        self.piles: dict[int, dict[str, Any]] = {}
        self.holds: dict[int, dict[str, Any]] = {}
        self.held_since: set[int] = set()

    def fresh(self, batch: int, state: str, face: int = FACE) -> dict[str, Any]:
        expires = self.batches[batch]["expires"]
        return {"state": state, "left": face, "face": face, "expires": expires, "batch": batch, "replaces": None}

    # ── What the model foresees ──────────────────────────────────────────────────────────────────────────────────
    def foreseen(self, serials: list[int], cents: int | None, *, on: date | None = None) -> str:
        """`on`: the day by which the last day is judged; today, but for what was accepted without network."""
        if any(serial not in self.vouchers for serial in serials):
            return "voucher_unknown"
        if len(set(serials)) < len(serials):
            return "basket_duplicate"
        held = [self.vouchers[serial] for serial in sorted(serials)]
        for voucher in held:
            match voucher["state"]:
                case "printed":
                    return "voucher_not_active"
                case "redeemed":
                    return "already_redeemed"
                case "active" if voucher["expires"] >= (on or self.today):
                    continue
                case "active":
                    return "voucher_expired"
                case state:
                    return f"voucher_{state}"
        for voucher in held:
            if cents is not None and cents > voucher["left"]:
                return "amount_above_balance"
        return "accepted"

    @property
    def today(self) -> date:
        return clock.book_day(self.now)

    def done(self, act: Callable[..., Any], **told: Any) -> tuple[str, Any]:
        """The answer of a verb that somebody of the chamber calls."""
        try:
            told = {"programme_id": self.town.programme_id, "at": self.now} | told
            return "accepted", self.town.house.write(act, **told)
        except Refusal as refusal:
            return refusal.reason, None

    # ── Orders and batches ───────────────────────────────────────────────────────────────────────────────────────
    @precondition(lambda self: len(self.vouchers) < 20)
    @rule(quantity=st.integers(1, 4), paid=st.sampled_from([0, 1, 2]))
    def order_and_issue(self, quantity: int, paid: int) -> None:
        """`paid`: not at all, too little, in full. Money that no one paid is not issued."""
        if self.today > self.last_day:
            return
        _, drafted = self.done(
            order.draft,
            buyer_id=self.town.buyer_id,
            lines=[order_book.Line(FACE, quantity)],
            fee_cents=100,
            purchase_order=None,
            actor=CLERK,
        )
        number = drafted.number
        self.done(order.place, number=number, actor=CLERK)
        assert self.done(order.approve, number=number, actor=CLERK)[0] == "same_person"
        self.done(order.approve, number=number, actor=BUYERS_APPROVER)
        for part in range(paid):
            amount = drafted.total_cents - 1 if part == 0 else 1
            reference = f"VIREMENT {next(self.counter)}"
            day = self.today
            self.done(
                order.record_payment,
                number=number,
                cents=amount,
                bank_reference=reference,
                received_on=day,
                actor=TREASURER,
            )
        answer, begun = self.done(issue.begin, order_number=number, actor=TREASURER)
        assert answer == ("accepted" if paid == 2 else "order_state")
        if begun is None:
            return
        secrets = codes.new_secrets(quantity)
        self.done(issue.issue_chunk, batch_number=begun.number, secrets=secrets, pepper=PEPPER, actor=TREASURER)
        self.done(issue.hand_over, batch_number=begun.number, actor=TREASURER)
        self.batches[begun.number] = {"state": "printed", "expires": begun.expires_on}
        for rank, secret in enumerate(secrets):
            self.town.secrets[begun.first_serial + rank] = secret
            self.vouchers[begun.first_serial + rank] = self.fresh(begun.number, "printed")

    @rule(data=st.data(), who=st.sampled_from([TREASURER, APPROVER]))
    def activate(self, data: st.DataObject, who: str) -> None:
        number = data.draw(st.sampled_from(sorted(self.batches)))
        answer, _ = self.done(issue.activate, batch_number=number, actor=who)
        batch = self.batches[number]
        if batch["state"] == "active":
            assert answer == "batch_state"
        elif who == TREASURER:
            assert answer == "same_person"
        else:
            assert answer == "accepted"
            batch |= {"state": "active", "active_on": self.today}
            for voucher in self.vouchers.values():
                if voucher["batch"] == number and voucher["state"] == "printed" and voucher["replaces"] is None:
                    voucher["state"] = "active"

    @rule(data=st.data(), days=st.integers(-3, 30))
    def extend(self, data: st.DataObject, days: int) -> None:
        number = data.draw(st.sampled_from(sorted(self.batches)))
        batch = self.batches[number]
        to_on = batch["expires"] + timedelta(days=days)
        answer, _ = self.done(expire.extend, batch_number=number, to_on=to_on, actor=TREASURER)
        if to_on <= max(batch["expires"], self.today):
            assert answer == "expiry_not_later"
            return
        assert answer == "accepted"
        batch["expires"] = to_on
        for voucher in self.vouchers.values():
            if voucher["batch"] == number and voucher["state"] not in CLOSED:
                voucher["expires"] = to_on

    # ── Tills ────────────────────────────────────────────────────────────────────────────────────────────────────
    @rule(
        serials=st.lists(SERIALS, min_size=1, max_size=4),
        shop=SHOPS,
        cents=st.none() | st.sampled_from([1, 400, 600, 1_000]),
    )
    def scan(self, serials: list[int], shop: int, cents: int | None) -> None:
        self.send(serials, shop, cents, key=f"k{next(self.counter)}")

    def send(self, serials: list[int], shop: int, cents: int | None, *, key: str) -> None:
        for serial in set(serials) - set(self.vouchers):
            # Forged paper: a code that no voucher has.
            self.town.secrets[serial] = codes.new_secrets(1)[0]
        expected = self.foreseen(serials, cents)
        answer = self.town.scan(*serials, shop=shop, cents=cents, key=key, at=self.now)
        assert reason_of(answer) == expected
        self.keys[key] = {"serials": serials, "shop": shop, "cents": cents, "answer": answer}
        if expected == "accepted":
            self.sold(serials, shop, cents, number=answer.accepted()["redemption"])

    def sold(self, serials: list[int], shop: int, cents: int | None, *, number: int) -> None:
        parts = {}
        for serial in serials:
            voucher = self.vouchers[serial]
            parts[serial] = voucher["left"] if cents is None else cents
            voucher["left"] -= parts[serial]
            voucher["state"] = "redeemed" if voucher["left"] == 0 else "active"
            self.taken_here(shop, serial, parts[serial])
        self.owed[shop] += sum(parts.values())
        self.sales[number] = {"parts": parts, "undone": set(), "shop": shop, "run": None, "on": self.today}

    def taken_here(self, shop: int, serial: int, cents: int) -> None:
        here = self.seen[shop].setdefault("here", {})
        here[serial] = here.get(serial, 0) + cents

    @precondition(lambda self: self.keys)
    @rule(data=st.data(), other=st.booleans())
    def resend_an_old_key(self, data: st.DataObject, other: bool) -> None:
        """The same content: the first answer, whatever happened since. Other content: refused, and nothing moves."""
        key = data.draw(st.sampled_from(sorted(self.keys)))
        sent = self.keys[key]
        known = [serial for serial in sent["serials"] if serial in self.vouchers]
        if len(known) < len(sent["serials"]):
            return
        cents = 77 if other else sent["cents"]
        try:
            answer = self.town.scan(*known, shop=sent["shop"], cents=cents, key=key, at=self.now)
        except KeyReused:
            assert other
            return
        assert not other
        assert answer.replayed
        assert (answer.value, reason_of(answer)) == (sent["answer"].value, reason_of(sent["answer"]))

    @precondition(lambda self: self.sales)
    @rule(data=st.data(), whole=st.booleans())
    def undo(self, data: st.DataObject, whole: bool) -> None:
        number = data.draw(st.sampled_from(sorted(self.sales)))
        sale = self.sales[number]
        asked = sorted(sale["parts"]) if whole else [data.draw(st.sampled_from(sorted(sale["parts"])))]
        left = [serial for serial in asked if serial not in sale["undone"]]
        if not left or (not whole and len(left) < len(asked)):
            expected = "already_reversed"
        elif any(self.vouchers[serial]["state"] in CLOSED for serial in left):
            expected = "voucher_closed"
        else:
            expected = "accepted"
        try:
            self.town.undo(number, *([] if whole else asked), at=self.now)
            answer = "accepted"
        except Refusal as refusal:
            answer = refusal.reason
        assert answer == expected
        if expected == "accepted":
            for serial in left:
                voucher, cents = self.vouchers[serial], sale["parts"][serial]
                voucher["left"] += cents
                voucher["state"] = "active" if voucher["state"] == "redeemed" else voucher["state"]
                self.owed[sale["shop"]] -= cents
                self.taken_here(sale["shop"], serial, -cents)
                sale["undone"].add(serial)

    # ── Without network ──────────────────────────────────────────────────────────────────────────────────────────
    @rule(shop=SHOPS, delta=st.booleans())
    def ask_for_a_snapshot(self, shop: int, delta: bool) -> None:
        outbox = self.outboxes[shop]
        refresh(self.town, outbox, at=self.now, since=outbox.version if delta else None)
        spendable = {
            codes.offline_prefix(outbox.salt, self.town.secrets[serial].code): (
                voucher["left"],
                voucher["expires"].isoformat(),
            )
            for serial, voucher in self.vouchers.items()
            if voucher["state"] == "active" and voucher["expires"] >= self.today
        }
        assert {prefix: kept for prefix, kept in outbox.known.items() if kept[1] >= self.today.isoformat()} == spendable
        held = {serial: voucher["left"] for serial, voucher in self.vouchers.items() if voucher["state"] == "active"}
        self.seen[shop] = {"at": self.now, "held": held, "here": {}}
        # What happens at the very instant of a snapshot counts as before it.
        self.now += timedelta(seconds=1)

    @rule(
        data=st.data(), shops=st.lists(SHOPS, min_size=1, max_size=3, unique=True), cents=st.sampled_from([400, 1_000])
    )
    def accept_without_network(self, data: st.DataObject, shops: list[int], cents: int) -> None:
        """One paper, accepted by some of the tills; whoever has no snapshot asks for one first."""
        serial = data.draw(st.sampled_from([*sorted(self.vouchers), 24]))
        if serial not in self.vouchers:
            self.town.secrets[serial] = codes.new_secrets(1)[0]
        for shop in shops:
            if not self.outboxes[shop].version:
                self.ask_for_a_snapshot(shop, delta=False)
        for shop in shops:
            entry = self.outboxes[shop].accept(self.town.secrets[serial].code, at=self.now, cents=cents)
            self.waiting[shop].append(entry)

    @precondition(lambda self: any(self.waiting))
    @rule(shops=st.permutations([0, 1, 2]))
    def bring_what_was_accepted(self, shops: list[int]) -> None:
        for shop in shops:
            while self.waiting[shop]:
                self.bring_one(shop, self.waiting[shop].pop(0))

    def bring_one(self, shop: int, entry: Entry) -> None:
        version = version_of(PEPPER, entry.snapshot)
        assert version is not None
        serial = next((one for one in self.vouchers if self.town.secrets[one].code == entry.code), 0)
        fresh = entry.scanned_at <= version.at + timedelta(minutes=WITHOUT_NETWORK.max_age_minutes + 5)
        day = clock.book_day(entry.scanned_at) if fresh else self.today
        expected = self.foreseen([serial], entry.cents, on=day)
        answer = bring(self.town, self.outboxes[shop], entry, at=self.now)
        self.brought.append((shop, entry, answer))
        assert answer.get("reason", "accepted") == expected
        if expected == "accepted":
            self.sold([serial], shop, entry.cents, number=answer["redemption"])
            return
        seen = self.seen[shop]
        # An entry of an earlier snapshot was seen by another look, which is not kept here: whether it is paid is open.
        if version.at == seen["at"]:
            loser = (
                expected not in ("voucher_unknown", "voucher_not_active")
                and fresh
                and self.vouchers[serial]["expires"] >= day
                and seen["held"].get(serial, 0) >= entry.cents
                and seen["here"].get(serial, 0) == 0
                and serial not in self.guaranteed
                and sum(self.guaranteed.values()) + entry.cents <= WITHOUT_NETWORK.guarantee_cents
            )
            assert (answer["guaranteed_cents"] == entry.cents) == loser
        if answer["guaranteed_cents"]:
            assert serial not in self.guaranteed
            self.guaranteed[serial] = entry.cents
            self.owed[shop] += entry.cents

    @precondition(lambda self: self.brought)
    @rule(data=st.data())
    def bring_it_again(self, data: st.DataObject) -> None:
        shop, entry, answer = data.draw(st.sampled_from(self.brought))
        assert bring(self.town, self.outboxes[shop], entry, at=self.now) == answer

    # ── By post ──────────────────────────────────────────────────────────────────────────────────────────────────
    @precondition(lambda self: len(self.piles) < 4)
    @rule(shop=SHOPS, days=st.integers(0, 12))
    def open_an_envelope(self, shop: int, days: int) -> None:
        spent_on = self.today - timedelta(days=days)
        number = a_pile(self.town, shop=shop, spent_on=spent_on, at=self.now)
        self.piles[number] = {"shop": shop, "on": spent_on, "open": True, "papers": []}

    def counted(self, pile: dict[str, Any]) -> list[tuple[int, int]]:
        """(serial, redemption) of the papers that were taken and not undone since, by whatever door."""
        return [(serial, sale) for serial, sale in pile["papers"] if serial not in self.sales[sale]["undone"]]

    def foreseen_by_post(self, serial: int, pile: dict[str, Any]) -> str:
        if not pile["open"]:
            return "remittance_closed"
        if serial not in self.vouchers:
            return "voucher_unknown"
        voucher = self.vouchers[serial]
        if serial in (one for one, _ in self.counted(pile)):
            return "already_in_pile"
        if self.today > max(voucher["expires"], self.deadline):
            return "presentation_over"
        active_on = (voucher if voucher["replaces"] else self.batches[voucher["batch"]]).get("active_on")
        if active_on is not None and active_on > pile["on"]:
            return "voucher_not_active"
        return self.foreseen([serial], None, on=pile["on"])

    @precondition(lambda self: self.piles)
    @rule(data=st.data(), serial=SERIALS)
    def pass_a_paper(self, data: st.DataObject, serial: int) -> None:
        number = data.draw(st.sampled_from(sorted(self.piles)))
        pile = self.piles[number]
        if serial not in self.vouchers:
            self.town.secrets[serial] = codes.new_secrets(1)[0]
        expected = self.foreseen_by_post(serial, pile)
        try:
            told = pass_paper(self.town, number, serial, at=self.now)
        except Refusal as refusal:
            assert refusal.reason == expected == "remittance_closed"
            return
        assert told.get("reason", "accepted") == expected
        if expected == "accepted":
            self.sold([serial], pile["shop"], None, number=told["redemption"])
            pile["papers"].append((serial, told["redemption"]))

    @precondition(lambda self: self.piles)
    @rule(data=st.data(), close=st.booleans())
    def take_back_or_close(self, data: st.DataObject, close: bool) -> None:
        number = data.draw(st.sampled_from(sorted(self.piles)))
        pile = self.piles[number]
        last = self.counted(pile)[-1:]
        try:
            if close:
                closed(self.town, number, "compté deux fois", at=self.now)
            else:
                take_back_the_last(self.town, number, at=self.now)
        except Refusal as refusal:
            closed_paper = last and self.vouchers[last[0][0]]["state"] in CLOSED
            wanted = "voucher_closed" if closed_paper else "nothing_to_undo"
            assert refusal.reason == (wanted if pile["open"] else "remittance_closed")
            assert not pile["open"] or not close
            return
        assert pile["open"]
        if close:
            pile["open"] = False
            return
        ((serial, sale),) = last
        voucher, cents = self.vouchers[serial], self.sales[sale]["parts"][serial]
        voucher["left"] += cents
        voucher["state"] = "active" if voucher["state"] == "redeemed" else voucher["state"]
        self.owed[pile["shop"]] -= cents
        self.taken_here(pile["shop"], serial, -cents)
        self.sales[sale]["undone"].add(serial)

    # ── The chamber ──────────────────────────────────────────────────────────────────────────────────────────────
    def stopped(self, serial: int, *, wanted: tuple[str, ...]) -> str:
        if serial not in self.vouchers:
            return "voucher_unknown"
        voucher = self.vouchers[serial]
        state, over = voucher["state"], voucher["expires"] < self.today
        if state in wanted and not over:
            return "accepted"
        if state in wanted:
            return "voucher_expired"
        return {"printed": "voucher_not_active", "redeemed": "already_redeemed", "active": "voucher_expired"}.get(
            state, f"voucher_{state}"
        )

    @rule(serial=SERIALS)
    def block(self, serial: int) -> None:
        expected = self.stopped(serial, wanted=("active",))
        assert self.done(stop.block, serials=[serial], actor=TREASURER, reason="perdu")[0] == expected
        if expected == "accepted":
            self.vouchers[serial]["state"] = "blocked"

    @rule(serial=SERIALS)
    def unblock(self, serial: int) -> None:
        answer, _ = self.done(stop.unblock, serials=[serial], actor=TREASURER, reason="retrouvé")
        state = self.vouchers.get(serial, {}).get("state")
        if state is None:
            assert answer == "voucher_unknown"
        elif state in CLOSED:
            assert answer == "voucher_closed"
        elif state != "blocked":
            assert answer == "voucher_not_blocked"
        else:
            assert answer == "accepted"
            self.vouchers[serial]["state"] = "active"

    @rule(serial=SERIALS)
    def cancel(self, serial: int) -> None:
        expected = self.stopped(serial, wanted=("printed", "active", "blocked"))
        assert self.done(stop.cancel, serials=[serial], actor=TREASURER, reason="rendu")[0] == expected
        if expected == "accepted":
            self.vouchers[serial] |= {"state": "cancelled", "left": 0}

    @precondition(lambda self: len(self.vouchers) < 22)
    @rule(serial=SERIALS)
    def replace(self, serial: int) -> None:
        expected = self.stopped(serial, wanted=("printed", "active", "blocked"))
        secrets = codes.new_secrets(1)
        answer, made = self.done(
            stop.replace, serials=[serial], secrets=secrets, pepper=PEPPER, actor=TREASURER, reason="déchiré"
        )
        assert answer == expected
        if made:
            old = self.vouchers[serial]
            new = self.fresh(old["batch"], "printed", face=old["left"]) | {
                "replaces": serial,
                "expires": old["expires"],
            }
            self.vouchers[made[0].serial] = new
            self.town.secrets[made[0].serial] = secrets[0]
            self.vouchers[serial] |= {"state": "replaced", "left": 0}

    @precondition(lambda self: any(voucher["replaces"] for voucher in self.vouchers.values()))
    @rule(data=st.data(), who=st.sampled_from([TREASURER, APPROVER]))
    def activate_a_replacement(self, data: st.DataObject, who: str) -> None:
        serial = data.draw(st.sampled_from(sorted(s for s, v in self.vouchers.items() if v["replaces"])))
        voucher = self.vouchers[serial]
        answer, _ = self.done(stop.activate_replacements, serials=[serial], actor=who)
        if voucher["state"] != "printed":
            assert answer == "not_found"
        elif self.batches[voucher["batch"]]["state"] != "active":
            assert answer == "batch_state"
        elif voucher["expires"] < self.today:
            assert answer == "voucher_expired"
        elif who == TREASURER:
            assert answer == "same_person"
        else:
            assert answer == "accepted"
            voucher |= {"state": "active", "active_on": self.today}

    @rule(days=st.integers(1, 9))
    def wait(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule(limit=st.integers(1, 30))
    def sweep(self, limit: int) -> None:
        over = [
            serial
            for serial, voucher in sorted(self.vouchers.items())
            if voucher["state"] in ("printed", "active") and max(voucher["expires"], self.deadline) < self.today
        ]
        _, swept = self.done(expire.expire, limit=limit, actor="system")
        assert (swept.count, swept.left) == (min(limit, len(over)), len(over) > limit)
        for serial in over[:limit]:
            self.lapsed += self.vouchers[serial]["left"]
            self.vouchers[serial] |= {"state": "expired", "left": 0}

    # ── Settlement ───────────────────────────────────────────────────────────────────────────────────────────────
    @rule()
    def propose(self) -> None:
        try:
            run = self.town.propose(self.today, at=self.now)
        except Refusal as refusal:
            assert refusal.reason == (
                "run_open" if self.run and self.run["state"] == "proposed" else "nothing_to_settle"
            )
            return
        assert self.run is None or self.run["state"] != "proposed"
        self.run = {"state": "proposed", "run": run}
        self.held_since = set()

    @rule(data=st.data(), shop=SHOPS, whole=st.booleans())
    def hold(self, data: st.DataObject, shop: int, whole: bool) -> None:
        """Everything that a shop is owed, or one line of it that nobody holds yet."""
        of = {"merchant_id": self.town.merchants[shop], "because": "à vérifier", "actor": TREASURER}
        owed = self.town.house.read(
            runs.lines_owed, programme_id=1, merchant_id=self.town.merchants[shop], to_on=self.today
        )
        lines = [(line.journal_id, line.line) for line in owed if line.cents > 0]
        if not whole and not lines:
            return
        line = None if whole else data.draw(st.sampled_from(lines))
        answer, laid = self.done(hold.lay, of_posting=line, **of)
        standing = any(one["stands"] and one["shop"] == shop and one["line"] is None for one in self.holds.values())
        assert answer == ("hold_standing" if whole and standing else "accepted")
        if laid:
            self.holds[laid.number] = {"shop": shop, "line": line, "stands": True}
            self.held_since.add(shop)

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.holds)))
        held = self.holds[number]
        answer, _ = self.done(hold.release, number=number, because="vérifié", actor=TREASURER)
        assert answer == ("accepted" if held["stands"] else "hold_closed")
        if held["stands"]:
            held["stands"] = False
            self.held_since.add(held["shop"])

    @precondition(lambda self: self.run)
    @rule(who=st.sampled_from([TREASURER, APPROVER]))
    def approve(self, who: str) -> None:
        assert self.run is not None
        try:
            run = self.town.approve(self.run["run"], at=self.now, by=who)
        except Refusal as refusal:
            open_yet = self.run["state"] == "proposed"
            paid = {self.town.merchants.index(line.merchant_id) for line in self.run["run"].to_pay}
            wanted = "held_since" if open_yet and self.held_since & paid else "run_state"
            assert refusal.reason == ("same_person" if who == TREASURER else wanted)
            assert wanted == "held_since" or not open_yet or who == TREASURER
            return
        assert self.run["state"] == "proposed"
        self.run = {"state": "approved", "run": run}
        for line in run.to_pay:
            shop = self.town.merchants.index(line.merchant_id)
            # Commission and VAT once each on the gross, half up; a returned transfer bears none.
            commission = (2 * abs(line.gross_cents) * COMMISSION_BP + 10_000) // 20_000
            commission = commission if line.gross_cents >= 0 else -commission
            vat = (2 * abs(commission) * VAT_BP + 10_000) // 20_000
            vat = vat if commission >= 0 else -vat
            assert (line.commission_cents, line.vat_cents) == (commission, vat)
            assert line.net_cents == line.gross_cents + line.brought_cents - commission - vat > 0
            behind = self.town.house.read(
                runs.lines_of, programme_id=1, number=run.number, merchant_id=line.merchant_id
            )
            assert sum(one.cents for one in behind) == line.gross_cents + line.brought_cents
            held = [one["line"] for one in self.holds.values() if one["stands"] and one["shop"] == shop]
            assert None not in held and not {(one.journal_id, one.line) for one in behind} & set(held)
            self.owed[shop] -= line.gross_cents + line.brought_cents

    @precondition(lambda self: self.run)
    @rule()
    def withdraw(self) -> None:
        assert self.run is not None
        number = self.run["run"].number
        answer, _ = self.done(settle.withdraw, number=number, actor=TREASURER, reason="non")
        assert answer == ("accepted" if self.run["state"] == "proposed" else "run_state")
        if answer == "accepted":
            self.run = None

    @precondition(lambda self: self.run)
    @rule(execute=st.booleans())
    def export_or_execute(self, execute: bool) -> None:
        assert self.run is not None
        try:
            (self.town.execute if execute else self.town.export)(self.run["run"], at=self.now)
        except Refusal as refusal:
            assert refusal.reason == "run_state"
            assert self.run["state"] != ("exported" if execute else "approved")
            return
        if execute or self.run["state"] == "approved":
            self.run["state"] = "executed" if execute else "exported"

    @precondition(lambda self: self.run)
    @rule(shop=SHOPS)
    def returned(self, shop: int) -> None:
        assert self.run is not None
        run = self.run["run"]
        came_back = self.run.setdefault("returned", set())
        paid = {line.merchant_id: line.net_cents for line in run.to_pay}
        merchant = self.town.merchants[shop]
        try:
            self.town.returned(run, shop, at=self.now)
        except Refusal as refusal:
            if self.run["state"] not in ("exported", "executed"):
                assert refusal.reason == "run_state"
            else:
                assert refusal.reason == "not_in_run"
                assert merchant not in paid or shop in came_back
            return
        came_back.add(shop)
        self.owed[shop] += paid[merchant]

    # ── After every step ─────────────────────────────────────────────────────────────────────────────────────────
    @invariant()
    def the_house_and_the_model_agree(self) -> None:
        if not hasattr(self, "town"):
            return
        for serial, voucher in self.vouchers.items():
            assert self.town.held(serial) == (voucher["state"], voucher["left"]), serial
        assert [self.town.owed(shop) for shop in range(3)] == self.owed
        assert self.town.balance("float") == sum(voucher["left"] for voucher in self.vouchers.values())
        assert self.town.balance("next_campaign") == self.lapsed
        assert self.town.balance("guarantee") == sum(self.guaranteed.values()) <= WITHOUT_NETWORK.guarantee_cents
        gauge = self.town.house.read(report.gauge, programme_id=self.town.programme_id, at=self.now)
        spent = sum(
            cents
            for sale in self.sales.values()
            for serial, cents in sale["parts"].items()
            if serial not in sale["undone"]
        )
        assert gauge.spent_cents == spent
        for number, pile in self.piles.items():
            told = self.town.house.read(remit.find_remittance, programme_id=1, number=number)
            taken = [self.sales[sale]["parts"][serial] for serial, sale in self.counted(pile)]
            assert (told.count, told.cents) == (len(taken), sum(taken))
        self.town.books_hold()

    def teardown(self) -> None:
        if hasattr(self, "town"):
            self.town.house.close()


def test_any_life_of_vouchers_is_what_the_model_foresees(new_house: Callable[[], Database]) -> None:
    machine = type("Lives", (Lives,), {"new_house": staticmethod(new_house)})
    lives = settings(
        max_examples=int(os.environ.get("VOUCHERS_LIVES", "15")),
        stateful_step_count=30,
        deadline=None,
        report_multiple_bugs=False,
    )
    run_state_machine_as_test(machine, settings=lives)
