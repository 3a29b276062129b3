"""Orders: who may move them on, what they post, and what the buyer owes."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from stdnum import iso11649

from tests.makers import NOON, TODAY, a_batch, a_buyer, a_programme, an_order, cents_on, moves_of
from vouchers import order, order_book
from vouchers.db import Database, WriteSession
from vouchers.errors import (
    BadInput,
    ExposureExceeded,
    FaceValueRange,
    NotFound,
    OrderSize,
    OrderState,
    PaymentAlreadyRecorded,
    PurchaseOrderMissing,
    Refusal,
    SamePerson,
)
from vouchers.order_book import Line, Order
from vouchers.tables import order_line


def pay(house: Database, made: Order, cents: Any, reference: str, received_on: date = TODAY) -> Order:
    return house.write(
        lambda s: order.record_payment(
            s,
            programme_id=made.programme_id,
            number=made.number,
            cents=cents,
            bank_reference=reference,
            received_on=received_on,
            actor="staff:3",
            at=NOON,
        )
    )


def test_an_order_of_40_000_euros_posts_what_france_expects(house: Database) -> None:
    programme_id = a_programme(house)
    lines = (Line(1_000, 4_000),)
    made = an_order(
        house,
        programme_id=programme_id,
        buyer_id=a_buyer(house, programme_id=programme_id),
        upto="approved",
        lines=lines,
        fee_cents=40_000,
    )
    assert (made.quantity, made.face_cents, made.total_cents, made.owed_cents) == (
        4_000,
        4_000_000,
        4_048_000,
        4_048_000,
    )
    assert moves_of(house, programme_id=programme_id, kind="order_approved") == [
        ("receivable:1", "ordered:1", 4_000_000, None),
        ("receivable:1", "fee", 40_000, None),
        ("receivable:1", "vat_pending", 8_000, None),
    ]
    paid = pay(house, made, 4_048_000, "VIR 1")
    assert (paid.state, paid.paid_cents, paid.owed_cents) == ("paid", 4_048_000, 0)
    assert moves_of(house, programme_id=programme_id, kind="order_paid") == [
        ("bank", "receivable:1", 4_048_000, None),
        ("vat_pending", "vat", 8_000, None),
    ]


def test_an_underpaid_order_waits_and_an_overpaid_one_is_owed_back(house: Database) -> None:
    programme_id = a_programme(house)
    made = an_order(
        house,
        programme_id=programme_id,
        buyer_id=a_buyer(house, programme_id=programme_id),
        upto="approved",
        fee_cents=500,
    )
    short = pay(house, made, 10_000, "VIR 1")
    assert (short.state, short.owed_cents) == ("approved", 600)
    assert cents_on(house, programme_id=programme_id, account="vat") == 0
    over = pay(house, made, 1_000, "VIR 2")
    assert (over.state, over.paid_cents, over.owed_cents) == ("paid", 11_000, -400)
    again = pay(house, made, 100, "VIR 3")
    assert (again.state, again.owed_cents) == ("paid", -500)
    assert cents_on(house, programme_id=programme_id, account="vat") == 100


def test_a_transfer_read_twice_is_recorded_once(house: Database) -> None:
    programme_id = a_programme(house)
    made = an_order(
        house, programme_id=programme_id, buyer_id=a_buyer(house, programme_id=programme_id), upto="approved"
    )
    pay(house, made, 10_000, "VIR MAIRIE 42")
    with pytest.raises(PaymentAlreadyRecorded, match="VIR MAIRIE 42"):
        pay(house, made, 10_000, "VIR  MAIRIE 42 ")
    assert cents_on(house, programme_id=programme_id, account="bank") == 10_000
    other_day = pay(house, made, 1, "VIR MAIRIE 42", TODAY - timedelta(days=1))
    assert other_day.owed_cents == -1


def test_money_is_taken_for_an_approved_order_only_and_in_whole_positive_cents(house: Database) -> None:
    programme_id = a_programme(house)
    buyer_id = a_buyer(house, programme_id=programme_id)
    for state in ("draft", "placed"):
        with pytest.raises(OrderState):
            pay(house, an_order(house, programme_id=programme_id, buyer_id=buyer_id, upto=state), 1_000, "VIR")
    made = an_order(house, programme_id=programme_id, buyer_id=buyer_id, upto="approved")
    for cents in (0, -1, True, 10**18, 10.0, "10"):
        with pytest.raises(BadInput):
            pay(house, made, cents, "VIR")
    for reference, day in (("  ", TODAY), ("x" * 101, TODAY), ("a\x07b", TODAY), ("VIR", TODAY + timedelta(days=1))):
        with pytest.raises(BadInput):
            pay(house, made, 1_000, reference, day)
    assert cents_on(house, programme_id=programme_id, account="bank") == 0


@pytest.mark.parametrize(
    ("lines", "fee_cents", "refusal"),
    [
        ([], 0, OrderSize),
        ([Line(1_000, 0)], 0, OrderSize),
        ([Line(1_000, -3), Line(1_000, 10)], 0, OrderSize),
        ([Line(1_000, 100_000), Line(500, 100_001)], 0, OrderSize),
        ([Line(1_000, 10**18)], 0, OrderSize),
        ([Line(99, 1)], 0, FaceValueRange),
        ([Line(25_001, 1)], 0, FaceValueRange),
        ([Line(0, 1)], 0, FaceValueRange),
        ([Line(-1_000, 1)], 0, FaceValueRange),
        ([Line(10**18, 1)], 0, FaceValueRange),
        ([Line(1_000, quantity=True)], 0, BadInput),
        ([Line(face_cents=True, quantity=1)], 0, BadInput),
        ([Line(1_000.0, 1)], 0, BadInput),
        ([Line(1_000, 1)], -1, BadInput),
        ([Line(1_000, 1)], 10**18, BadInput),
        ([Line(1_000, 1)], True, BadInput),
    ],
)
def test_an_impossible_order_is_refused_before_any_work(
    house: Database, lines: list[Line], fee_cents: int, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal) as refused:
        # Neither programme nor buyer exists: the refusal came before anything was read.
        an_order(house, programme_id=1, buyer_id=1, upto="draft", lines=tuple(lines), fee_cents=fee_cents)
    assert refused.value.text("fr")
    assert refused.value.text("en")


def test_the_limits_themselves_are_possible_orders(house: Database) -> None:
    programme_id = a_programme(house)
    lines = (Line(100, 1), Line(25_000, 199_999))
    made = an_order(
        house,
        programme_id=programme_id,
        buyer_id=a_buyer(house, programme_id=programme_id),
        upto="approved",
        lines=lines,
    )
    assert made.owed_cents == 100 + 25_000 * 199_999


def test_numbers_are_continuous_and_references_are_iso_11649(house: Database) -> None:
    programme_id, other = a_programme(house), a_programme(house)
    buyer_id = a_buyer(house, programme_id=programme_id)
    with ThreadPoolExecutor(4) as people:
        made = list(
            people.map(lambda _: an_order(house, programme_id=programme_id, buyer_id=buyer_id, upto="draft"), range(12))
        )
    assert sorted(each.number for each in made) == list(range(1, 13))
    assert all(iso11649.is_valid(each.rf_reference) and len(each.rf_reference) <= 25 for each in made)
    assert an_order(house, programme_id=other, buyer_id=a_buyer(house, programme_id=other), upto="draft").number == 1
    with pytest.raises(NotFound):
        an_order(house, programme_id=other, buyer_id=buyer_id)
    page = house.read(lambda s: order_book.listed(s, programme_id=programme_id, after=10, limit=1, buyer_id=buyer_id))
    assert [each.number for each in page] == [11]


def test_a_draft_changes_until_it_is_placed(house: Database) -> None:
    programme_id = a_programme(house)
    made = an_order(house, programme_id=programme_id, buyer_id=a_buyer(house, programme_id=programme_id), upto="draft")
    new: dict[str, Any] = {"lines": [Line(500, 2), Line(2_000, 3)], "fee_cents": 333, "purchase_order": " BC  7 "}

    def redraft(number: int) -> Order:
        return house.write(lambda s: order.redraft(s, programme_id=programme_id, number=number, **new))

    changed = redraft(made.number)
    assert (changed.number, changed.lines) == (1, (Line(500, 2), Line(2_000, 3)))
    assert (changed.face_cents, changed.fee_vat_cents, changed.purchase_order) == (7_000, 67, "BC 7")
    house.write(lambda s: order.place(s, programme_id=programme_id, number=1, actor="staff:1", at=NOON))
    with pytest.raises(OrderState, match="placed"):
        redraft(1)
    with pytest.raises(DBAPIError, match="keeps its lines"):
        house.write(lambda s: s.execute(order_line.delete().where(order_line.c.programme_id == programme_id)))


def test_who_placed_an_order_does_not_approve_it(house: Database) -> None:
    programme_id = a_programme(house)
    made = an_order(house, programme_id=programme_id, buyer_id=a_buyer(house, programme_id=programme_id), upto="placed")

    def approve(actor: str) -> Order:
        return house.write(
            lambda s: order.approve(s, programme_id=programme_id, number=made.number, actor=actor, at=NOON)
        )

    with pytest.raises(SamePerson):
        approve("staff:1")
    assert approve("staff:2").state == "approved"
    with pytest.raises(OrderState):
        approve("staff:5")
    assert cents_on(house, programme_id=programme_id, account="receivable:1") == 10_000


def test_credit_needs_a_signed_purchase_order_and_stays_under_the_cap(house: Database) -> None:
    programme_id = a_programme(house)
    buyer_id = a_buyer(house, programme_id=programme_id, exposure_cap_cents=15_000)
    with pytest.raises(PurchaseOrderMissing):
        an_order(house, programme_id=programme_id, buyer_id=buyer_id, upto="accepted")
    first = an_order(house, programme_id=programme_id, buyer_id=buyer_id, upto="accepted", purchase_order="BC 1")
    assert first.state == "accepted"
    with pytest.raises(ExposureExceeded) as refused:
        an_order(house, programme_id=programme_id, buyer_id=buyer_id, upto="accepted", purchase_order="BC 2")
    assert refused.value.data == {"cap_cents": 15_000, "owed_cents": 10_000, "order_cents": 10_000}
    # An overpaid order makes no room for others, a paid one does.
    assert pay(house, first, 12_000, "VIR").owed_cents == -2_000
    second = an_order(
        house,
        programme_id=programme_id,
        buyer_id=buyer_id,
        upto="accepted",
        purchase_order="BC 3",
        lines=(Line(5_000, 3),),
    )
    assert second.owed_cents == 15_000


def test_of_two_acceptances_at_once_the_cap_lets_one_through(house: Database) -> None:
    programme_id = a_programme(house)
    buyer_id = a_buyer(house, programme_id=programme_id, exposure_cap_cents=15_000)
    made = [
        an_order(house, programme_id=programme_id, buyer_id=buyer_id, upto="approved", purchase_order="BC")
        for _ in range(4)
    ]

    def accept(each: Order) -> str:
        def slowly(session: WriteSession) -> str:
            what: dict[str, Any] = {"programme_id": programme_id, "number": each.number, "actor": "staff:3", "at": NOON}
            state = order.accept(session, **what).state
            time.sleep(0.1)  # so that the others come while this one is not committed
            return state

        try:
            return house.write(slowly)
        except ExposureExceeded as refusal:
            return refusal.reason

    with ThreadPoolExecutor(4) as people:
        outcomes = sorted(people.map(accept, made))
    assert outcomes == ["accepted"] + ["exposure_exceeded"] * 3


def test_cancelling_undoes_what_approving_posted_and_owes_back_what_was_paid(house: Database) -> None:
    programme_id = a_programme(house)
    buyer_id = a_buyer(house, programme_id=programme_id, exposure_cap_cents=100_000)

    def cancel(made: Order) -> Order:
        return house.write(
            lambda s: order.cancel(
                s, programme_id=programme_id, number=made.number, actor="staff:3", reason="renoncement", at=NOON
            )
        )

    for upto in ("draft", "placed", "approved", "accepted", "paid"):
        made = an_order(
            house, programme_id=programme_id, buyer_id=buyer_id, upto=upto, fee_cents=500, purchase_order="BC"
        )
        gone = cancel(made)
        assert (gone.state, gone.owed_cents) == ("cancelled", -made.paid_cents)
        for account in (f"ordered:{made.number}", "fee", "vat", "vat_pending"):
            assert cents_on(house, programme_id=programme_id, account=account) == 0
        with pytest.raises(OrderState):
            cancel(made)
    late = pay(house, gone, 100, "VIR LATE")
    assert (late.state, late.owed_cents) == ("cancelled", -10_700)
    assert cents_on(house, programme_id=programme_id, account="vat") == 0


def test_an_order_being_issued_is_not_cancelled_and_an_issued_one_is_delivered(house: Database) -> None:
    programme_id = a_programme(house)
    made = an_order(house, programme_id=programme_id, buyer_id=a_buyer(house, programme_id=programme_id))
    what: dict[str, Any] = {"programme_id": programme_id, "number": made.number, "actor": "staff:3", "at": NOON}
    with pytest.raises(OrderState):
        house.write(lambda s: order.deliver(s, **what))
    a_batch(house, paid=made, upto="issued")
    with pytest.raises(OrderState, match="issued"):
        house.write(lambda s: order.cancel(s, reason="", **what))
    assert house.write(lambda s: order.deliver(s, **what)).state == "delivered"
    with pytest.raises(NotFound):
        house.read(lambda s: order_book.find(s, programme_id=programme_id, number=99))


def test_the_handling_fee_is_the_programmes_unless_the_chamber_asks_for_another(house: Database) -> None:
    programme_id = a_programme(house, fee_bp=125)
    what: dict[str, Any] = {
        "programme_id": programme_id,
        "buyer_id": a_buyer(house, programme_id=programme_id),
        "lines": [Line(1_000, 3)],
        "purchase_order": None,
        "actor": "staff:1",
        "at": NOON,
    }
    by_rule = house.write(order.draft, fee_cents=None, **what)
    assert (by_rule.fee_cents, by_rule.fee_vat_cents) == (38, 8)
    assert house.write(order.draft, fee_cents=0, **what).fee_cents == 0
