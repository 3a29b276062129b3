"""A small town in which vouchers circulate: an order issued with known codes, shops with tills, and the clock."""

import itertools
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tests.makers import NOON, PEPPER, PairedPhone, a_buyer, a_merchant, a_programme, a_till, an_account
from vouchers import codes, issue, keys, ledger, order, order_book, pay, redeem, reverse, settle, stop, verify
from vouchers.codes import Secret
from vouchers.db import Database, WriteSession
from vouchers.keys import Answer, Key
from vouchers.redeem import Presented
from vouchers.runs import Run
from vouchers.tables import voucher

CLERK, BUYERS_APPROVER, TREASURER, APPROVER = "staff:101", "staff:102", "staff:103", "staff:104"
_keys = itertools.count(1)


@dataclass
class Town:
    """What the tests of redemption, reversal and settlement stand on. Serials count from 1; shops from 0."""

    house: Database
    programme_id: int
    buyer_id: int
    order_number: int
    batch_number: int
    secrets: dict[int, Secret]
    merchants: list[int]
    tills: list[int] = field(default_factory=list)
    phones: list[PairedPhone] = field(default_factory=list)

    def presented(self, serial: int, cents: int | None = None) -> Presented:
        return Presented(code_hash=codes.code_hash(PEPPER, self.secrets[serial].code), cents=cents)

    def scan(
        self,
        *serials: int,
        shop: int = 0,
        cents: int | None = None,
        sale_cents: int | None = None,
        key: str | None = None,
        at: datetime = NOON,
    ) -> Answer:
        """What a till does: a basket under a key; the answer, a refusal included."""
        basket = [self.presented(serial, cents) for serial in serials]
        content = repr((serials, cents, sale_cents)).encode()
        asked = Key(f"till:{self.tills[shop]}", key or f"key-{next(_keys)}", codes.request_hash(PEPPER, content))

        def act(session: WriteSession) -> Answer:
            def once() -> dict[str, Any]:
                done = redeem.redeem(
                    session,
                    programme_id=self.programme_id,
                    merchant_id=self.merchants[shop],
                    till_id=self.tills[shop],
                    basket=basket,
                    sale_cents=sale_cents,
                    at=at,
                )
                return {"redemption": done.redemption_id, "cents": done.cents}

            return keys.once(session, programme_id=self.programme_id, key=asked, at=at, act=once)

        return self.house.write(act)

    def spend(self, *serials: int, shop: int = 0, at: datetime = NOON, **how: Any) -> int:
        """A redemption that must be accepted; gives its number."""
        return int(self.scan(*serials, shop=shop, at=at, **how).accepted()["redemption"])

    def undo(self, redemption_id: int, *serials: int, at: datetime = NOON) -> reverse.Reversed:
        return self.house.write(
            reverse.reverse,
            programme_id=self.programme_id,
            redemption_id=redemption_id,
            serials=serials or None,
            actor=TREASURER,
            reason="erreur",
            at=at,
        )

    def block(self, serial: int, *, at: datetime = NOON) -> None:
        self.house.write(
            stop.block, programme_id=self.programme_id, serials=[serial], actor=TREASURER, reason="perdu", at=at
        )

    def cancel(self, serial: int, *, at: datetime = NOON) -> None:
        self.house.write(
            stop.cancel, programme_id=self.programme_id, serials=[serial], actor=TREASURER, reason="rendu", at=at
        )

    def replace(self, serial: int, *, at: datetime = NOON) -> int:
        """New paper for old; gives the new serial, inactive."""
        fresh = codes.new_secrets(1)
        (made,) = self.house.write(
            stop.replace,
            programme_id=self.programme_id,
            serials=[serial],
            secrets=fresh,
            pepper=PEPPER,
            actor=TREASURER,
            reason="déchiré",
            at=at,
        )
        self.secrets[made.serial] = fresh[0]
        return made.serial

    def propose(self, to_on: date, *, at: datetime) -> Run:
        upto = self.house.write(ledger.watermark, programme_id=self.programme_id)
        return self.house.write(
            settle.propose,
            programme_id=self.programme_id,
            to_on=to_on,
            upto_journal=upto,
            actor=TREASURER,
            at=at,
        )

    def approve(self, run: Run, *, at: datetime, by: str = APPROVER) -> Run:
        return self.house.write(
            settle.approve,
            programme_id=self.programme_id,
            number=run.number,
            execution_on=None,
            actor=by,
            at=at,
        )

    def export(self, run: Run, *, at: datetime) -> Run:
        return self.house.write(pay.export, programme_id=self.programme_id, number=run.number, actor=TREASURER, at=at)

    def execute(self, run: Run, *, at: datetime) -> Run:
        return self.house.write(pay.execute, programme_id=self.programme_id, number=run.number, actor=TREASURER, at=at)

    def returned(self, run: Run, shop: int, *, at: datetime) -> Run:
        return self.house.write(
            pay.returned,
            programme_id=self.programme_id,
            number=run.number,
            merchant_id=self.merchants[shop],
            reason="AC04",
            actor=TREASURER,
            at=at,
        )

    def balance(self, account: str) -> int:
        return self.house.read(ledger.balance, programme_id=self.programme_id, account=account)

    def owed(self, shop: int) -> int:
        return self.balance(f"merchant:{self.merchants[shop]}")

    def held(self, serial: int) -> tuple[str, int]:
        """(state, cents left) of a voucher."""
        wanted = voucher.select().where(voucher.c.programme_id == self.programme_id, voucher.c.serial == serial)
        row = self.house.read(lambda session: session.execute(wanted).one())
        return row.state, row.balance_cents

    def books_hold(self) -> None:
        """Every invariant, recomputed from the rows alone."""
        found = self.house.read(verify.verify)
        assert not found, "\n".join(map(str, found))


def a_town(
    house: Database,
    *,
    vouchers: int = 10,
    face_cents: int = 1_000,
    shops: int = 2,
    at: datetime = NOON,
    active: bool = True,
    **rules: Any,
) -> Town:
    """A programme whose one order is paid, issued and, unless told otherwise, active; shops have a till, an account."""
    programme_id = a_programme(house, at=at, **rules)
    buyer_id = a_buyer(house, programme_id=programme_id, at=at)
    common: dict[str, Any] = {"programme_id": programme_id, "at": at}
    drafted = house.write(
        order.draft,
        buyer_id=buyer_id,
        lines=[order_book.Line(face_cents, vouchers)],
        fee_cents=0,
        purchase_order=None,
        actor=CLERK,
        **common,
    )
    number = drafted.number
    house.write(order.place, number=number, actor=CLERK, **common)
    house.write(order.approve, number=number, actor=BUYERS_APPROVER, **common)
    house.write(
        order.record_payment,
        number=number,
        cents=drafted.total_cents,
        bank_reference=f"VIR {programme_id}",
        received_on=at.date(),
        actor=TREASURER,
        **common,
    )
    begun = house.write(issue.begin, order_number=number, actor=TREASURER, **common)
    secrets = codes.new_secrets(vouchers)
    house.write(
        issue.issue_chunk,
        batch_number=begun.number,
        secrets=secrets,
        pepper=PEPPER,
        actor=TREASURER,
        **common,
    )
    if active:
        house.write(issue.hand_over, batch_number=begun.number, actor=TREASURER, **common)
        house.write(issue.activate, batch_number=begun.number, actor=APPROVER, **common)
    town = Town(
        house,
        programme_id,
        buyer_id,
        number,
        begun.number,
        {begun.first_serial + rank: secret for rank, secret in enumerate(secrets)},
        [a_merchant(house, programme_id=programme_id, shop_name=f"Commerce {rank}", at=at) for rank in range(shops)],
    )
    for merchant_id in town.merchants:
        an_account(house, programme_id=programme_id, merchant_id=merchant_id, at=at)
        town.phones.append(a_till(house, programme_id=programme_id, merchant_id=merchant_id, at=at))
        town.tills.append(town.phones[-1].till.till_id)
    return town


def reason_of(answer: Answer) -> str:
    """The refusal's name, or 'accepted'."""
    return "accepted" if answer.refusal is None else answer.refusal.reason
