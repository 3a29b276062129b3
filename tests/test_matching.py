"""Which order a transfer pays: what is certain, what a treasurer confirms, and what nobody may guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouchers import matching, runs
from vouchers.matching import UNKNOWN, Incoming, Match, Owing, match
from vouchers.order import rf_reference


def order(number: int, owed: int = 40_480_00, **kept: object) -> Owing:
    known: dict[str, object] = {
        "rf_reference": rf_reference(programme_id=1, order_number=number),
        "invoice_numbers": (f"F1-2026-{number:05d}",),
        "purchase_order": None,
        "buyer_name": "Commune de Saint-Vaast-sur-Mer",
    }
    return Owing(order_number=number, owed_cents=owed, **(known | kept))


def line(cents: int = 40_480_00, *, rf: str | None = None, text: str = "", name: str = "") -> Incoming:
    return Incoming(cents, rf, text, name)


ORDERS = (order(41, 10_000_00), order(42), order(43, 512_50, buyer_name="CCAS de Barfleur"))
RF = ORDERS[1].rf_reference


def test_the_reference_where_it_belongs_and_the_right_amount_are_certain() -> None:
    assert match(line(rf=RF), ORDERS) == Match("certain", "rf", (42,), ((42, 40_480_00),), 0)


@pytest.mark.parametrize(
    "text",
    [
        f"Chèques cadeaux {RF} mandat 12",
        f"CHEQUES {RF[:4]} {RF[4:8]} {RF[8:]}",
        f"chq {RF[:4]}-{RF[4:8]}.{RF[8:]}",
        RF.lower(),
        RF.replace("0", "O"),
        f"/RFB/{RF}/EREF/NOTPROVIDED",
        f"REF{RF}MERCI",
        f"{RF} 2026",
    ],
)
def test_the_reference_is_found_however_an_accountant_retyped_it(text: str) -> None:
    assert match(line(text=text), ORDERS) == Match("certain", "reference", (42,), ((42, 40_480_00),), 0)


@pytest.mark.parametrize("text", [f"{RF}7", RF[:-1], RF.replace("42", "24"), f"X{RF[1:]}"])
def test_a_reference_that_is_not_all_there_is_not_guessed(text: str) -> None:
    assert match(line(text=text), ORDERS) == UNKNOWN


def test_too_much_goes_to_its_order_whole_and_is_told() -> None:
    found = match(line(40_500_00, rf=RF), ORDERS)
    assert found == Match("likely", "rf", (42,), ((42, 40_500_00),), 20_00)
    assert found.overpaid


def test_a_part_payment_waits_for_the_treasurer() -> None:
    found = match(line(20_000_00, text=RF), ORDERS)
    assert (found.sureness, found.allotment, found.difference_cents) == ("likely", ((42, 20_000_00),), -20_480_00)
    assert not found.overpaid


def test_an_order_paid_already_is_never_certain() -> None:
    found = match(line(rf=RF), [order(42, 0)])
    assert (found.sureness, found.overpaid) == ("likely", True)


@pytest.mark.parametrize("text", ["FACTURE F1-2026-00042", "fact. F1 2026 00042.", "F1/2026/00O42", "F1-2026-0 0042"])
def test_an_invoice_number_is_likely_even_to_the_cent(text: str) -> None:
    assert match(line(text=text), ORDERS) == Match("likely", "invoice", (42,), ((42, 40_480_00),), 0)


@pytest.mark.parametrize("text", ["F1-2026-000421", "AF1-2026-00042", "F1-2026-0004", "00042", "F1-2026"])
def test_another_invoices_number_is_not_ours(text: str) -> None:
    assert match(line(text=text), ORDERS) == UNKNOWN


def test_a_number_too_short_to_mean_anything_is_not_looked_for() -> None:
    assert match(line(text="le 42 du mois"), [order(42, invoice_numbers=("42",), purchase_order="BON")]) == UNKNOWN


def test_a_purchase_order_quoted_back_is_likely() -> None:
    found = match(line(text="BC 2026-118 CHEQUES"), [order(42, purchase_order="BC-2026-118"), order(43)])
    assert (found.sureness, found.reason, found.named) == ("likely", "purchase_order", (42,))


def test_one_transfer_for_two_orders_is_shared_when_it_adds_up() -> None:
    for text in (f"{ORDERS[0].rf_reference} ET {RF}", "F1-2026-00041 + F1-2026-00042"):
        found = match(line(50_480_00, text=text), ORDERS)
        assert (found.sureness, found.allotment) == ("likely", ((41, 10_000_00), (42, 40_480_00)))
        assert sum(cents for _, cents in found.allotment) == 50_480_00


def test_one_transfer_for_two_orders_is_not_shared_out_when_it_does_not_add_up() -> None:
    found = match(line(50_000_00, text=f"{ORDERS[0].rf_reference} {RF}"), ORDERS)
    assert found == Match("likely", "reference", (41, 42), (), -480_00)
    assert not found.overpaid


def test_a_reference_beside_anothers_invoice_is_not_certain() -> None:
    found = match(line(rf=RF, text="FACTURE F1-2026-00041"), ORDERS)
    assert (found.sureness, found.reason, found.named) == ("likely", "rf", (42, 41))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("COMMUNE DE SAINT VAAST SUR MER", ""),
        ("MAIRIE ST-VAAST SUR MER", ""),
        ("Trésorerie de Saint-Vaast", ""),
        ("SGC DU COTENTIN", "SAINT VAAST SUR MER CHEQUES DES AINES"),
    ],
)
def test_amount_and_name_together_are_likely(name: str, text: str) -> None:
    found = match(line(name=name, text=text), ORDERS)
    assert (found.sureness, found.reason, found.named) == ("likely", "amount_and_name", (42,))


@pytest.mark.parametrize(
    "name", ["", "COMMUNE", "SGC", "SAINT", "COMMUNE DE SAINT-LO", "COMMUNE DE MER ET TERRE DE CAUX"]
)
def test_an_amount_alone_is_never_enough(name: str) -> None:
    assert match(line(name=name), ORDERS) == UNKNOWN


def test_the_name_without_the_amount_is_not_enough_either() -> None:
    assert match(line(40_480_01, name="COMMUNE DE SAINT VAAST SUR MER"), ORDERS) == UNKNOWN


def test_two_orders_of_one_amount_and_name_are_for_the_treasurer() -> None:
    assert match(line(name="COMMUNE DE SAINT VAAST SUR MER"), [*ORDERS, order(44)]) == UNKNOWN


@pytest.mark.parametrize("quoted", [{"rf": "RF18 5390 0754 7034"}, {"text": "REF RF18 5390 0754 7034 MERCI"}])
def test_whoever_quotes_anothers_valid_reference_is_not_guessed_at_by_name(quoted: dict[str, str]) -> None:
    assert match(line(name="COMMUNE DE SAINT VAAST SUR MER", **quoted), ORDERS) == UNKNOWN


def test_money_that_goes_out_pays_no_order() -> None:
    assert match(line(-40_480_00, rf=RF), ORDERS) == UNKNOWN


@given(
    cents=st.integers(1, 10**9),
    rf=st.none() | st.sampled_from([known.rf_reference for known in ORDERS]) | st.text(max_size=30),
    text=st.lists(
        st.sampled_from([RF, ORDERS[0].rf_reference, "F1-2026-00043", "RF", "SAINT VAAST SUR MER"]) | st.text(),
        max_size=5,
    ).map(" ".join),
    name=st.text(max_size=40) | st.just("COMMUNE DE SAINT VAAST SUR MER"),
)
def test_whatever_a_payer_writes_no_cent_is_allotted_that_did_not_come(
    cents: int, rf: str | None, text: str, name: str
) -> None:
    found = match(Incoming(cents, rf, text, name), ORDERS)
    assert sum(shared for _, shared in found.allotment) in {0, cents}
    assert {number for number, _ in found.allotment} <= set(found.named) <= {41, 42, 43}
    if found.sureness == "certain":
        (paid,) = [known for known in ORDERS if known.order_number == found.named[0]]
        assert (paid.owed_cents, found.allotment, found.difference_cents) == (cents, ((paid.order_number, cents),), 0)
    assert (found == UNKNOWN) == (found.sureness == "unknown")


# ── Our own words, read back ─────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("text", "mandate"),
    [
        ("CHEQUES MANDAT 1234 BORDEREAU 56", "1234"),
        ("MDT 00123", "00123"),
        ("mdt00123 bord 4", "00123"),
        ("Mandat n° 2026/418", "2026/418"),
        ("MANDAT NO.77", "77"),
        ("MANDAT-88", "88"),
        ("MANDATS 12", "12"),
        ("COMMANDITE 12", None),
        ("MANDAT SEPA FR12ZZZ345", None),
        ("MANDAT DU 12/03/2026", None),
        ("MANDAT 12/03/2026", None),
        ("MANDAT 123456789012345678901234", None),
        ("", None),
    ],
)
def test_the_public_accountants_mandate_is_read_from_the_text(text: str, mandate: str | None) -> None:
    assert matching.mandate_in(text) == mandate


@given(st.integers(1, 10**12), st.integers(1, 10**9), st.integers(1, 10**9))
def test_our_own_identifiers_are_read_back_as_they_were_written(
    programme_id: int, number: int, merchant_id: int
) -> None:
    written = runs.end_to_end_id(programme_id, number, merchant_id)
    assert matching.returned_settlement(written) == (programme_id, number, merchant_id)
    assert matching.run_of(runs.message_id(programme_id, number)) == (programme_id, number)


@pytest.mark.parametrize(
    "given_id", ["", "REGL-1-2", "REGL-1-2-3-4", "XREGL-1-2-3", "REGL-1-02-3", "REGL-1-2-٣", "CHEQUES-1-2"]
)
def test_anothers_identifiers_are_not_taken_for_ours(given_id: str) -> None:
    assert matching.returned_settlement(given_id) is None
    assert matching.run_of(f"{given_id}-x") is None
