"""Money in and money back: each line of the bank is told by a fact, once, and by nobody's guess."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest

from tests.bank_words import Teller, a_teller, detail, entry
from tests.makers import NOON, TODAY, a_buyer, an_order, facts_of, moves_of
from tests.test_verify import a_hand_in_the_database, faults_after
from tests.town import Town, a_town
from vouchers import bank_desk, bank_lines, bank_statements, chart, expire, order, reconcile, repay, solvency
from vouchers.bank_lines import Share
from vouchers.bank_messages import BlockStatus, PaymentReport, PaymentStatus
from vouchers.bank_witnesses import BANK
from vouchers.db import Database
from vouchers.errors import (
    BadInput,
    FactElsewhere,
    LineDecided,
    LineDiffers,
    LineOtherWay,
    NothingWaiting,
    NotOwedBack,
    OrderState,
    PaymentAlreadyRecorded,
    ProposalChanged,
    Refusal,
    ReportNotOurs,
    RunState,
    StatementDiffers,
    StatementKnown,
    StatementOfOtherAccount,
)
from vouchers.order_book import Line, Order

NINE = (Line(1_000, 9),)


@pytest.fixture
def town(house: Database) -> Town:
    return a_town(house)


@pytest.fixture
def teller(town: Town) -> Teller:
    return a_teller(town)


def approved(town: Town, *, buyer_id: int | None = None, quantity: int = 9) -> Order:
    return an_order(
        town.house,
        programme_id=town.programme_id,
        buyer_id=buyer_id or town.buyer_id,
        upto="approved",
        lines=(Line(1_000, quantity),),
    )


# ── Statements ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_statement_is_taken_with_its_lines_and_its_fact(town: Town, teller: Teller) -> None:
    (taken,) = teller.take(teller.statement(entry(9_000, text="Bonjour"), entry(-350))).statements
    assert (taken.opening_cents, taken.closing_cents, taken.lines, taken.open_lines) == (0, 8_650, 2, 2)
    assert facts_of(town.house, programme_id=town.programme_id, kind="bank_statement_taken") == [
        ("bank_statement:1", f"{'ab' * 32} 2+0")
    ]
    town.books_hold()


def test_the_same_statement_is_refused_and_so_is_another_of_its_name(town: Town, teller: Teller) -> None:
    once = teller.statement(entry(9_000, reference="A"))
    teller.take(once)
    with pytest.raises(StatementKnown):
        teller.take(once)
    with pytest.raises(StatementDiffers):
        teller.take(teller.statement(entry(9_000, reference="B"), statement_id=once.statement_id, opening_cents=0))
    assert len(teller.lines()) == 1
    town.books_hold()


def test_in_one_file_the_new_statement_is_taken_and_the_known_one_is_named(teller: Teller) -> None:
    first = teller.statement(entry(500))
    teller.take(first)
    taken = teller.take(first, teller.statement(entry(700)))
    assert [one.lines for one in taken.statements] == [1]
    assert taken.known == (first.statement_id,)


def test_a_bank_may_number_its_statements_anew_each_year(town: Town, teller: Teller) -> None:
    for day in (date(2025, 12, 30), date(2026, 11, 19)):
        (taken,) = teller.take(teller.statement(entry(5, on=day), on=day, statement_id="00001")).statements
    assert taken.statement_id == "00001 (2026)"


def test_a_statement_of_another_account_is_refused_by_its_last_digits(town: Town, teller: Teller) -> None:
    with pytest.raises(StatementOfOtherAccount) as refused:
        teller.take(teller.statement(entry(1), iban="FR7630006000011234567890189"))
    assert refused.value.data == {"theirs": "0189", "ours": teller.iban[-4:]}


def test_balances_that_the_entries_do_not_make_are_refused(teller: Teller) -> None:
    with pytest.raises(BadInput, match="bank_balance"):
        teller.take(teller.statement(entry(100), closing_cents=99))
    assert teller.lines() == []


def test_an_entry_announced_before_or_on_two_statements_is_one(town: Town, teller: Teller) -> None:
    first, second = entry(9_000, reference="A"), entry(-100, reference="B")
    teller.take(teller.notification(first))
    (whole,) = teller.take(teller.statement(first, second)).statements
    assert (whole.lines, whole.known_lines, whole.known_cents) == (1, 1, 9_000)
    (overlapping,) = teller.take(teller.statement(second, entry(5, reference="C"), opening_cents=9_000)).statements
    assert (overlapping.lines, overlapping.known_lines) == (1, 1)
    assert [line.cents for line in teller.lines()] == [9_000, -100, 5]
    town.books_hold()


def test_a_sum_known_by_its_details_is_known_and_another_sum_of_its_name_is_not(teller: Teller) -> None:
    teller.take(teller.notification(entry(300, detail(100), detail(200), reference="LOT")))
    (taken,) = teller.take(teller.statement(entry(300, reference="LOT"), entry(7, reference="LOT2"))).statements
    assert (taken.lines, taken.known_lines) == (1, 1)
    (again,) = teller.take(teller.statement(entry(400, reference="LOT"))).statements
    assert [(line.part, line.transfer) for line in teller.lines(statement_number=again.number)] == [(3, "LOT.3")]


def test_entries_of_one_reference_are_told_apart_in_whatever_notices_they_came(town: Town, teller: Teller) -> None:
    both = entry(50, reference="X"), entry(70, reference="X#2")
    teller.take(teller.notification(entry(70, reference="X")))
    teller.take(teller.statement(*both))
    assert sorted(line.cents for line in teller.lines()) == [50, 70]
    teller.take(teller.statement(*both))
    teller.take(teller.statement(entry(70, reference="X"), entry(70, reference="X#2")))
    assert sorted(line.cents for line in teller.lines()) == [50, 70, 70]
    town.books_hold()


def test_a_statement_with_an_entry_of_nothing_is_known_again(town: Town, teller: Teller) -> None:
    statement = teller.statement(entry(9_000), entry(0))
    teller.take(statement)
    with pytest.raises(StatementKnown):
        teller.take(statement)
    town.books_hold()


def test_pages_of_a_statement_follow_each_other_in_whatever_order_they_were_taken(town: Town, teller: Teller) -> None:
    one, two = (
        teller.statement(entry(cents), statement_id="S", page=page, last_page=page == 2)
        for page, cents in ((1, 10), (2, 20))
    )
    teller.take(two)
    teller.take(one)
    of = {"programme_id": town.programme_id}
    assert [found.gap_cents for found in town.house.read(bank_statements.listed, **of)] == [0, 0]
    assert town.house.read(bank_statements.standing, **of).bank_cents == 30


def test_a_missing_statement_is_a_gap_until_it_is_taken(town: Town, teller: Teller) -> None:
    days = [date(2026, 11, day) for day in (17, 18, 19)]
    first, missing, last = (teller.statement(entry(100, on=day), on=day) for day in days)
    teller.take(first)
    teller.take(last)

    def gaps() -> list[int]:
        listed = town.house.read(bank_statements.listed, programme_id=town.programme_id)
        return [one.gap_cents for one in listed]

    assert gaps() == [100, 0]
    teller.take(missing)
    assert gaps() == [0, 0, 0]


# ── Money in ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_transfer_with_our_reference_and_the_exact_amount_is_certain_and_pays(town: Town, teller: Teller) -> None:
    owing = approved(town)
    (line,) = teller.tells(entry(9_000, rf=owing.rf_reference, counterpart="DDFIP de la Manche"))
    assert (teller.proposed(line).sureness, teller.proposed(line).reason) == ("certain", "rf")
    assert [one.kind for one in teller.confirm_certain()] == ["orders"]
    assert teller.order(owing.number).state == "paid"
    assert teller.line(line.number).state == "done"
    assert teller.means(line) == [("rf", f"order_paid order:{owing.number}", 9_000)]
    town.books_hold()


def test_an_amount_alone_is_nobodys_and_is_never_booked(town: Town, teller: Teller) -> None:
    approved(town)
    (line,) = teller.tells(entry(9_000, counterpart="Quelqu'un"))
    assert teller.proposed(line).sureness == "unknown"
    assert teller.confirm_certain() == []
    with pytest.raises(ProposalChanged):
        teller.confirm(line)


def test_what_is_confirmed_is_what_was_seen(town: Town, teller: Teller) -> None:
    owing = approved(town)
    (line,) = teller.tells(entry(9_000, reference="BQ77", rf=owing.rf_reference))
    seen = teller.proposed(line).mark
    paid = {"number": owing.number, "cents": 9_000, "received_on": TODAY, "bank_reference": "BQ77", **teller.doing}
    town.house.write(order.record_payment, **paid)
    with pytest.raises(ProposalChanged):
        town.house.write(bank_desk.confirm, line_number=line.number, seen=seen, **teller.doing)
    assert teller.proposed(line).kind == "recorded"
    other = approved(town)
    (late,) = teller.tells(entry(9_000, rf=other.rf_reference))
    seen = teller.proposed(late).mark
    paid |= {"number": other.number, "bank_reference": "AUTRE", "received_on": TODAY - timedelta(days=1)}
    town.house.write(order.record_payment, **paid)
    with pytest.raises(ProposalChanged):
        town.house.write(bank_desk.confirm, line_number=late.number, seen=seen, **teller.doing)
    assert {one.state for one in teller.lines()} == {"open"}


def test_an_amount_with_the_buyers_name_waits_for_the_treasurer(town: Town, teller: Teller) -> None:
    owing = approved(town, buyer_id=a_buyer(town.house, programme_id=town.programme_id, name="Commune de Valognes"))
    (line,) = teller.tells(entry(9_000, counterpart="MAIRIE DE VALOGNES"))
    assert (teller.proposed(line).sureness, teller.proposed(line).reason) == ("likely", "amount_and_name")
    assert teller.confirm_certain() == []
    teller.confirm(line)
    assert teller.order(owing.number).state == "paid"
    assert teller.means(line)[0][0] == "amount_and_name"


def test_too_much_is_recorded_and_owed_back_then_paid_back_by_the_line_out(town: Town, teller: Teller) -> None:
    owing = approved(town)
    (line,) = teller.tells(entry(9_500, rf=owing.rf_reference))
    assert (teller.proposed(line).sureness, teller.proposed(line).difference_cents) == ("likely", 500)
    teller.confirm(line)
    assert teller.order(owing.number).owed_cents == -500
    much, right = teller.tells(
        entry(-600, text=f"trop percu {owing.rf_reference}"), entry(-500, text=f"trop percu {owing.rf_reference}")
    )
    with pytest.raises(NotOwedBack):
        town.house.write(repay.pay_back_order, line_number=much.number, order_number=owing.number, **teller.doing)
    assert not teller.proposed(much).postable
    assert (teller.proposed(right).kind, teller.proposed(right).sureness) == ("paid_back", "likely")
    teller.confirm(right)
    assert teller.order(owing.number).owed_cents == 0
    assert moves_of(town.house, programme_id=town.programme_id, kind="paid_back") == [
        (f"receivable:{owing.number}", "bank", 500, None)
    ]
    town.books_hold()


def test_one_transfer_pays_two_orders_by_two_parts(town: Town, teller: Teller) -> None:
    one, two = approved(town), approved(town, quantity=3)
    (line,) = teller.tells(entry(12_000, text=f"{one.rf_reference} et {two.rf_reference}"))
    assert teller.proposed(line).shares == (Share(one.number, 9_000), Share(two.number, 3_000))
    teller.confirm(line)
    assert [teller.order(number).state for number in (one.number, two.number)] == ["paid", "paid"]
    assert [cents for _, _, cents in teller.means(line)] == [9_000, 3_000]
    town.books_hold()


def test_shares_that_do_not_make_the_line_are_refused_and_leave_it_open(town: Town, teller: Teller) -> None:
    owing = approved(town)
    into, out = teller.tells(entry(9_000), entry(-10))

    def pays(number: int, *shares: Share) -> None:
        town.house.write(bank_desk.pay_orders, line_number=number, shares=shares, **teller.doing)

    with pytest.raises(LineDiffers):
        pays(into.number, Share(owing.number, 8_999))
    with pytest.raises(BadInput):
        pays(into.number, Share(owing.number, 4_500), Share(owing.number, 4_500))
    with pytest.raises(LineOtherWay):
        pays(out.number, Share(owing.number, 10))
    draft = an_order(town.house, programme_id=town.programme_id, buyer_id=town.buyer_id, upto="draft")
    with pytest.raises(OrderState):
        pays(into.number, Share(draft.number, 9_000))
    assert [line.state for line in teller.lines()] == ["open", "open"]


def test_two_transfers_that_each_pay_the_order_in_full_are_one_certain_and_one_to_look_at(
    town: Town, teller: Teller
) -> None:
    owing = approved(town)
    lines = teller.tells(entry(9_000, rf=owing.rf_reference), entry(9_000, rf=owing.rf_reference))
    assert len(teller.confirm_certain()) == 1
    assert [teller.line(line.number).state for line in lines] == ["done", "open"]
    assert teller.proposed(lines[1]).sureness == "likely"


def test_money_received_before_anyone_knew_for_what_waits_is_allotted_and_the_rest_goes_back(
    town: Town, teller: Teller
) -> None:
    one, two = approved(town), approved(town, quantity=3)
    (line,) = teller.tells(entry(13_000))
    teller.wait(line)
    assert town.balance(chart.UNALLOCATED) == 13_000
    assert town.house.read(solvency.solvency, programme_id=town.programme_id).owed_back_cents == 13_000

    def allot(*shares: Share) -> None:
        town.house.write(bank_desk.allot, line_number=line.number, shares=shares, **teller.doing)

    allot(Share(one.number, 9_000))
    with pytest.raises(NothingWaiting):
        allot(Share(two.number, 4_001))
    allot(Share(two.number, 3_000))
    assert [teller.order(number).state for number in (one.number, two.number)] == ["paid", "paid"]
    (back,) = teller.tells(entry(-1_000))
    town.house.write(repay.pay_back_waiting, line_number=back.number, waiting_number=line.number, **teller.doing)
    assert town.balance(chart.UNALLOCATED) == 0
    town.books_hold()


def test_what_was_typed_before_the_statement_came_is_recognised_and_not_booked_again(
    town: Town, teller: Teller
) -> None:
    by_reference, by_day = approved(town), approved(town, quantity=3)
    for owing, reference in ((by_reference, "bq77"), (by_day, "vu sur internet")):
        town.house.write(
            order.record_payment,
            number=owing.number,
            cents=owing.total_cents,
            bank_reference=reference,
            received_on=TODAY,
            **teller.doing,
        )
    before = town.balance(chart.BANK)
    same, likely = teller.tells(entry(9_000, reference="BQ77"), entry(3_000, rf=by_day.rf_reference))
    assert (teller.proposed(same).kind, teller.proposed(same).sureness) == ("recorded", "certain")
    assert (teller.proposed(likely).kind, teller.proposed(likely).sureness) == ("recorded", "likely")
    assert len(teller.confirm_certain()) == 1
    teller.confirm(likely)
    assert town.balance(chart.BANK) == before
    assert [teller.means(line)[0][0] for line in (same, likely)] == ["recorded", "recorded"]
    (other,) = teller.tells(entry(9_000))
    fact = [(one.journal_id) for one in teller.town.house.read(told_of, teller, same.number)]
    with pytest.raises(FactElsewhere):
        town.house.write(reconcile.recognise, line_numbers=[other.number], journal_ids=fact, **teller.doing)
    town.books_hold()


def told_of(session: object, teller: Teller, number: int) -> list[object]:
    from vouchers import bank_lines

    return bank_lines.matched(session, programme_id=teller.town.programme_id, line_numbers=[number])[number]


def test_a_transfer_matched_here_is_not_recorded_by_hand_again(town: Town, teller: Teller) -> None:
    owing = approved(town)
    (line,) = teller.tells(entry(9_000, rf=owing.rf_reference, reference="BQ88"))
    teller.confirm(line)
    with pytest.raises(PaymentAlreadyRecorded):
        town.house.write(
            order.record_payment,
            number=owing.number,
            cents=9_000,
            bank_reference="BQ88",
            received_on=TODAY,
            **teller.doing,
        )


def test_fees_are_the_banks_and_a_line_of_another_programme_is_set_aside_and_opened_again(
    town: Town, teller: Teller
) -> None:
    fees, other = teller.tells(entry(-350, text="FRAIS DE TENUE DE COMPTE"), entry(2_000))
    assert (teller.proposed(fees).kind, teller.proposed(fees).sureness) == ("fees", "likely")
    teller.confirm(fees)
    assert town.balance(chart.BANK_FEES) == 350
    aside = {"line_number": other.number, "because": "autre dispositif", **teller.doing}
    town.house.write(reconcile.set_aside, **aside)
    with pytest.raises(LineDecided):
        town.house.write(reconcile.set_aside, **aside)
    town.books_hold()
    town.house.write(reconcile.reopen, line_number=other.number, **teller.doing)
    assert teller.line(other.number).state == "open"
    with pytest.raises(LineDecided):
        town.house.write(reconcile.reopen, line_number=other.number, **teller.doing)
    town.books_hold()


def test_lapsed_vouchers_go_back_to_their_buyer_and_never_more(house: Database) -> None:
    last = date(2026, 12, 1)
    town = a_town(house, lapse_to="buyer", expires_on=last, presentation_deadline_on=last)
    after = NOON + timedelta(days=40)
    house.write(expire.expire, programme_id=town.programme_id, limit=100, actor="system", at=after)
    teller = a_teller(town, at=after)
    much, right = teller.tells(entry(-10_001), entry(-10_000))
    back = {"buyer_id": town.buyer_id, **teller.doing}
    with pytest.raises(NotOwedBack):
        house.write(repay.pay_back_lapsed, line_number=much.number, **back)
    house.write(repay.pay_back_lapsed, line_number=right.number, **back)
    assert town.balance(chart.lapsed(town.buyer_id)) == 0
    town.books_hold()


def test_transfers_of_one_entry_each_have_a_name_of_their_own(town: Town, teller: Teller) -> None:
    one, two = approved(town), approved(town)
    both = (detail(9_000, rf=one.rf_reference), detail(9_000, rf=two.rf_reference))
    teller.tells(entry(18_000, *both, reference="LOT"))
    assert len(teller.confirm_certain()) == 2
    paid = [why for _, why in facts_of(town.house, programme_id=town.programme_id, kind="order_paid")]
    assert paid[1:] == [f"{TODAY} LOT", f"{TODAY} LOT.2"]
    town.books_hold()


def test_one_line_that_cannot_be_booked_yet_does_not_hold_up_the_others(town: Town, teller: Teller) -> None:
    one, two = approved(town), approved(town)
    tomorrow = TODAY + timedelta(days=1)
    teller.tells(entry(9_000, rf=one.rf_reference, on=tomorrow), entry(9_000, rf=two.rf_reference))
    assert [booked.shares for booked in teller.confirm_certain()] == [(Share(two.number, 9_000),)]
    assert [line.state for line in teller.lines()] == ["open", "done"]
    with pytest.raises(BadInput, match="in_the_future"):
        teller.confirm_certain()


# ── Our own transfers ────────────────────────────────────────────────────────────────────────────────────────────
def exported(town: Town, *, at: datetime = NOON) -> int:
    """Run 1, which the bank has: 20 € to shop 0 and 10 € to shop 1, before commission."""
    town.spend(1, 2, at=at)
    town.spend(3, shop=1, at=at)
    at += timedelta(days=1)
    return town.export(town.approve(town.propose(TODAY, at=at), at=at), at=at).number


def sent(town: Town, shop: int, cents: int, *, back: str | None = None) -> dict[str, object]:
    ours = {"end_to_end_id": f"REGL-{town.programme_id}-1-{town.merchants[shop]}", "return_code": back}
    return {**ours, "message_ids": (f"CHEQUES-{town.programme_id}-1",)}


@pytest.fixture
def after(town: Town) -> Teller:
    exported(town)
    return a_teller(town, at=NOON + timedelta(days=2))


NET = (1_880, 940)
"""What shops 0 and 1 are paid: their vouchers less 5 % of commission and its VAT."""


def test_a_debit_of_the_whole_file_executes_its_run(town: Town, after: Teller) -> None:
    (line,) = after.tells(entry(-sum(NET), message_ids=(f"CHEQUES-{town.programme_id}-1",)))
    assert (after.proposed(line).kind, after.proposed(line).sureness) == ("run", "certain")
    after.confirm_certain()
    assert town.balance("in_transit:1") == 0
    assert after.means(line) == [("message", "run_executed run:1", sum(NET))]
    town.books_hold()


def test_transfers_debited_one_by_one_execute_their_run_once_all_are_there(town: Town, after: Teller) -> None:
    (first,) = after.tells(entry(-NET[0], **sent(town, 0, NET[0])))
    assert (after.proposed(first).sureness, after.proposed(first).difference_cents) == ("unknown", -NET[1])
    assert after.confirm_certain() == []
    (second,) = after.tells(entry(-NET[1], **sent(town, 1, NET[1])))
    assert after.proposed(first).line_numbers == (first.number, second.number)
    assert len(after.confirm_certain()) == 1
    assert [line.state for line in after.lines()] == ["done", "done"]
    town.books_hold()


def test_a_transfer_that_comes_back_reopens_its_shop_and_the_next_run_pays_it(town: Town, after: Teller) -> None:
    owed = town.owed(1)
    (back,) = after.tells(entry(NET[1], **sent(town, 1, NET[1], back="AC04")))
    with pytest.raises(RunState):
        town.house.write(
            bank_desk.take_return,
            line_number=back.number,
            run_number=1,
            merchant_id=town.merchants[1],
            **after.doing,
        )
    after.tells(entry(-sum(NET), message_ids=(f"CHEQUES-{town.programme_id}-1",)))
    assert [one.kind for one in after.confirm_certain()] == ["run", "returned"]
    assert town.owed(1) == owed + NET[1]
    reasons = [why for _, why in facts_of(town.house, programme_id=town.programme_id, kind="transfer_returned")]
    assert reasons == ["AC04 compte clôturé : demandez un autre RIB au commerce"]
    (again,) = after.tells(entry(NET[1], **sent(town, 1, NET[1], back="AC04")))
    assert not after.proposed(again).postable
    town.books_hold()


def test_what_the_bank_keeps_of_a_return_is_a_fee_and_the_shop_is_owed_all_of_it(town: Town, after: Teller) -> None:
    owed = town.owed(1)
    after.tells(entry(-sum(NET), message_ids=(f"CHEQUES-{town.programme_id}-1",)))
    after.confirm_certain()
    (back,) = after.tells(entry(NET[1] - 150, **sent(town, 1, NET[1] - 150, back="AC04")))
    assert (after.proposed(back).sureness, after.proposed(back).kept_cents) == ("likely", 150)
    assert after.confirm_certain() == []
    returned = {"line_number": back.number, "run_number": 1, "merchant_id": town.merchants[1], **after.doing}
    for kept_cents in (0, 149, 151):
        with pytest.raises(LineDiffers):
            town.house.write(bank_desk.take_return, kept_cents=kept_cents, **returned)
    after.confirm(back)
    assert town.owed(1) == owed + NET[1]
    assert town.balance(chart.BANK_FEES) == 150
    assert [cents for _, _, cents in after.means(back)] == [NET[1], 150]
    town.books_hold()


def test_what_the_bank_kept_of_a_return_typed_before_is_told_by_its_line(town: Town, after: Teller) -> None:
    run = town.house.read(lambda session: bank_desk.runs.find_run(session, programme_id=town.programme_id, number=1))
    town.execute(run, at=after.at)
    town.returned(run, 1, at=after.at)
    (back,) = after.tells(entry(NET[1] - 150, **sent(town, 1, NET[1] - 150, back="AC04")))
    assert after.proposed(back).sureness == "likely"
    after.confirm(back)
    assert [cents for _, _, cents in after.means(back)] == [NET[1], 150]
    town.books_hold()
    with a_hand_in_the_database(town.house) as session:
        assert faults_after(session, f"UPDATE bank_line SET decided_by = 'staff:9' WHERE number = {back.number}")


def test_more_than_a_bank_would_keep_is_no_fee(town: Town, after: Teller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank_lines, "MOST_KEPT_CENTS", 149)
    after.tells(entry(-sum(NET), message_ids=(f"CHEQUES-{town.programme_id}-1",)))
    after.confirm_certain()
    (back,) = after.tells(entry(NET[1] - 150, **sent(town, 1, NET[1] - 150, back="AC04")))
    assert not after.proposed(back).postable
    returned = {"line_number": back.number, "run_number": 1, "merchant_id": town.merchants[1], **after.doing}
    with pytest.raises(BadInput, match="kept_cents"):
        town.house.write(bank_desk.take_return, kept_cents=150, **returned)
    town.books_hold()


def test_nothing_is_kept_of_what_a_buyer_paid(town: Town, teller: Teller) -> None:
    owing = approved(town)
    town.house.write(
        order.record_payment,
        number=owing.number,
        cents=9_000,
        bank_reference="VIR 77",
        received_on=TODAY,
        **teller.doing,
    )
    (typed,) = town.house.read(bank_lines.unseen, programme_id=town.programme_id)[-1:]
    (came,) = teller.tells(entry(8_990))
    with pytest.raises(FactElsewhere):
        town.house.write(
            reconcile.recognise,
            line_numbers=[came.number],
            journal_ids=[typed.journal_id],
            kept_cents=10,
            **teller.doing,
        )
    town.books_hold()


def test_an_execution_and_a_return_typed_before_are_recognised(town: Town, after: Teller) -> None:
    run = town.house.read(lambda session: bank_desk.runs.find_run(session, programme_id=town.programme_id, number=1))
    town.execute(run, at=after.at)
    town.returned(run, 1, at=after.at)
    after.tells(
        entry(-NET[0], **sent(town, 0, NET[0])),
        entry(-NET[1], **sent(town, 1, NET[1])),
        entry(NET[1], **sent(town, 1, NET[1], back="AC01")),
    )
    assert [one.kind for one in after.confirm_certain()] == ["recorded", "recorded"]
    assert {line.state for line in after.lines()} == {"done"}
    town.books_hold()


def test_facts_of_both_ways_are_never_one_line(town: Town, after: Teller) -> None:
    of = {"programme_id": town.programme_id}
    (paid,) = town.house.read(bank_desk.bank_lines.unseen, **of)
    run = town.house.read(bank_desk.runs.find_run, number=1, **of)
    town.execute(run, at=after.at)
    _, executed = town.house.read(bank_desk.bank_lines.unseen, **of)
    netted, more, less = after.tells(entry(paid.cents + executed.cents), entry(paid.cents + 5), entry(-5))

    def recognised(lines: list[int], facts: list[int]) -> None:
        town.house.write(reconcile.recognise, line_numbers=lines, journal_ids=facts, **after.doing)

    for lines, facts in (
        ([netted.number], [paid.journal_id, executed.journal_id]),
        ([more.number, less.number], [paid.journal_id]),
    ):
        with pytest.raises(FactElsewhere):
            recognised(lines, facts)
    town.books_hold()


def a_report(
    town: Town, *, message: str | None = None, shops: tuple[int, ...] = (), whole: bool = False
) -> PaymentReport:
    refused = tuple(
        PaymentStatus(f"REGL-{town.programme_id}-1-{town.merchants[shop]}", None, "RJCT", "AC04", "") for shop in shops
    )
    named = message or f"CHEQUES-{town.programme_id}-1"
    status, reason = ("RJCT", "FF01") if whole else ("PART", None)
    return PaymentReport("pain.002.001.10", "CR", named, NOON, status, reason, "", (), refused)


def test_a_report_that_refuses_a_transfer_reopens_its_shop_before_the_debit_and_once(town: Town, after: Teller) -> None:
    def takes(report: PaymentReport) -> bank_desk.Taken:
        file = bank_desk.BankFile("cd" * 32, report=report)
        return town.house.write(bank_desk.take, file=file, **after.doing)

    with pytest.raises(ReportNotOurs):
        takes(a_report(town, message="AUTRE"))
    assert takes(a_report(town, shops=(1,))).returned == (town.merchants[1],)
    again = takes(a_report(town, shops=(1,)))
    assert (again.returned, again.known_returns) == ((), 1)
    (why,) = [why for _, why in facts_of(town.house, programme_id=town.programme_id, kind="transfer_returned")]
    assert why.startswith("AC04 compte clôturé") and "cd" * 32 in why
    (line,) = after.tells(entry(-NET[0], message_ids=(f"CHEQUES-{town.programme_id}-1",)))
    assert after.proposed(line).sureness == "certain"
    after.confirm_certain()
    assert takes(a_report(town, whole=True)).returned == (town.merchants[0],)
    town.books_hold()


@pytest.mark.parametrize("group", ["ACTC", "PART", None])
def test_a_report_that_refuses_the_one_block_refuses_the_file(town: Town, after: Teller, group: str | None) -> None:
    ours = f"CHEQUES-{town.programme_id}-1"
    block = BlockStatus(ours, "RJCT", "AC01", "")
    report = PaymentReport("pain.002.001.10", "CR", ours, NOON, group, None, "", (block,), ())
    taken = town.house.write(bank_desk.take, file=bank_desk.BankFile("cd" * 32, report=report), **after.doing)
    assert taken.returned == tuple(town.merchants)
    assert town.balance("in_transit:1") == 0
    town.books_hold()


# ── Two at once, and the whole ───────────────────────────────────────────────────────────────────────────────────
def at_once(*acts: Callable[[], object]) -> list[str]:
    """What each was told: nothing, or the refusal."""
    barrier = threading.Barrier(len(acts))

    def told(act: Callable[[], object]) -> str:
        barrier.wait()
        try:
            act()
        except Refusal as refusal:
            return refusal.reason
        return "done"

    with ThreadPoolExecutor(len(acts)) as threads:
        return sorted(threads.map(told, acts))


def test_of_treasurers_who_decide_one_line_at_once_one_wins_and_the_others_hear_so(town: Town, teller: Teller) -> None:
    for _ in range(5):
        owing = approved(town)
        (line,) = teller.tells(entry(9_000, rf=owing.rf_reference))
        aside = {"line_number": line.number, "because": "essai", **teller.doing}
        told = at_once(
            lambda line=line: teller.confirm(line),
            lambda line=line: teller.confirm(line),
            lambda line=line: teller.wait(line),
            lambda aside=aside: town.house.write(reconcile.set_aside, **aside),
        )
        assert told == ["done", "line_decided", "line_decided", "line_decided"]
    town.books_hold()


def test_a_statement_sent_by_two_at_once_is_taken_once(town: Town, teller: Teller) -> None:
    statement = teller.statement(entry(9_000), entry(-5))
    assert at_once(*[lambda: teller.take(statement)] * 4) == ["done", *["statement_known"] * 3]
    assert len(teller.lines()) == 2
    town.books_hold()


def test_what_waits_is_allotted_to_one_of_two_at_once(town: Town, teller: Teller) -> None:
    one, two = approved(town), approved(town)
    (line,) = teller.tells(entry(9_000))
    teller.wait(line)

    def allots(number: int) -> None:
        shares = [Share(number, 9_000)]
        town.house.write(bank_desk.allot, line_number=line.number, shares=shares, **teller.doing)

    assert at_once(lambda: allots(one.number), lambda: allots(two.number)) == ["done", "nothing_waiting"]
    town.books_hold()


def test_the_banks_balance_is_the_books_and_what_is_still_to_be_told(town: Town, teller: Teller) -> None:
    typed = town.balance(chart.BANK)
    owing = approved(town)
    _, aside, _ = teller.tells(entry(9_000, rf=owing.rf_reference), entry(700), entry(40))
    town.house.write(reconcile.set_aside, line_number=aside.number, because="autre dispositif", **teller.doing)
    teller.confirm_certain()
    teller.take(teller.notification(entry(11, on=TODAY + timedelta(days=1))))
    stands = town.house.read(bank_statements.standing, programme_id=town.programme_id)
    assert (stands.bank_cents, stands.books_cents) == (9_740, 9_000 + typed)
    assert (stands.open_cents, stands.aside_cents, stands.unseen_cents, stands.announced_cents) == (51, 700, typed, 11)
    assert stands.earlier_cents == 0
    explained = stands.open_cents + stands.aside_cents - stands.unseen_cents - stands.announced_cents
    assert stands.difference_cents == explained


SEEDS: dict[str, tuple[str, ...]] = {
    "a statement is the file that was taken, by whom and when, with as many lines": (
        "UPDATE bank_statement SET sha256 = 'autre'",
    ),
    "each fact of a statement has its statement": ("DELETE FROM bank_statement WHERE number = 1",),
    "opening, its lines and those that were known make the closing": (
        "UPDATE bank_line SET cents = 9001 WHERE number = 1",
    ),
    "facts tell of each cent of a line that is done, and of no other line": (
        "UPDATE bank_match SET cents = cents - 1 WHERE line_number = 1",
    ),
    "what tells of a line moved the bank that way, or what waited of it": (
        "INSERT INTO bank_match (programme_id, line_number, part, journal_id, cents, means)"
        " SELECT programme_id, 1, 9, MIN(id), 1, 'hand' FROM journal GROUP BY programme_id",
    ),
    "a fact that lines tell of moved what they say; what waits or goes back has lines": (
        "DELETE FROM bank_match WHERE line_number = 2",
    ),
    "no more of a line is allotted than waits on it": (
        "UPDATE bank_match SET cents = 801 WHERE line_number = 2 AND part = 2",
    ),
    "who decided a line, and when, is in the fact that was posted for it": (
        "UPDATE bank_line SET decided_by = 'staff:9' WHERE number = 1",
    ),
    "a line is set aside, by whom and why, if and only if its newest fact says so": (
        "UPDATE bank_line SET because = 'autre chose' WHERE state = 'set_aside'",
    ),
}


def test_every_invariant_of_the_bank_bites_on_a_row_that_breaks_it(town: Town, teller: Teller) -> None:
    owing, later = approved(town), approved(town)
    _, waits, aside, fees = teller.tells(
        entry(9_000, rf=owing.rf_reference), entry(800), entry(5), entry(-5, text="FRAIS")
    )
    teller.confirm_certain()
    teller.wait(waits)
    shares = [Share(later.number, 300)]
    town.house.write(bank_desk.allot, line_number=waits.number, shares=shares, **teller.doing)
    town.house.write(reconcile.set_aside, line_number=aside.number, because="ailleurs", **teller.doing)
    teller.confirm(fees)
    assert {each.says for each in BANK} == SEEDS.keys()
    with a_hand_in_the_database(town.house) as session:
        assert faults_after(session) == []
        for says, statements in SEEDS.items():
            assert says in {fault.says for fault in faults_after(session, *statements)}, says
        # The fee of one line passed off as kept of another's money, so that its own line can be booked again.
        assert faults_after(
            session,
            "UPDATE journal SET subject = 'bank_line:1' WHERE kind = 'bank_fees_taken'",
            "UPDATE bank_match SET line_number = 1, part = 2 WHERE line_number = 4",
            "UPDATE bank_line SET state = 'open', decided_by = NULL, decided_at = NULL WHERE number = 4",
            "UPDATE bank_line SET cents = cents - 5 WHERE number = 1",
            "UPDATE bank_statement SET closing_cents = closing_cents - 5",
        )
