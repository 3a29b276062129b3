"""A list of people, from the file that a clerk has to the person who holds a voucher."""

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest
from sqlalchemy import update

from tests.makers import NOON, a_batch, a_buyer, a_programme, books_hold, facts_of, later
from vouchers import list_check, order, order_book, recipient_lists, recipients, terms
from vouchers.db import Database
from vouchers.errors import BadInput, ListNotReady, ListState, NotFound, OrderState, Refusal
from vouchers.list_check import Check, Matching, Recipient, Row, Sold
from vouchers.order_book import Line
from vouchers.rules import Terms
from vouchers.tables import recipient, recipient_voucher

HEADER: Final = ("Civilité", "Nom", "Prénom", "Adresse", "Code postal", "Ville", "Montant", "Tournée", "Réf.")
SOLD: Final = Sold((), 100, 25_000)


def rows(*given: Sequence[str]) -> list[Row]:
    return [Row(line, tuple(cells)) for line, cells in enumerate(given, start=2)]


def checked(*given: Sequence[str], **how: Any) -> Check:
    return list_check.check(HEADER, rows(*given), Matching(list_check.guessed(HEADER), **how), sold=SOLD)


def person(last: str, first: str = "Jean", *, amount: str = "20", address: str = "1 rue Haute") -> tuple[str, ...]:
    return ("M.", last, first, address, "04000", "Digne", amount, "Nord", "")


# ── Columns ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_columns_are_guessed_from_the_names_that_town_halls_give_them() -> None:
    assert list_check.guessed(HEADER) == {
        "civility": 0, "last_name": 1, "first_name": 2, "address_1": 3, "postcode": 4, "town": 5, "amount": 6,
        "round": 7, "reference": 8,
    }  # fmt: skip
    named = ("NOM DE FAMILLE", "Prenom", "ADRESSE 1", "Adresse 2", "CP", "Commune", "Quantité", "Valeur faciale")
    assert list_check.guessed(named) == {
        "last_name": 0, "first_name": 1, "address_1": 2, "address_2": 3, "postcode": 4, "town": 5, "quantity": 6,
        "face": 7,
    }  # fmt: skip
    assert list_check.guessed(("", "Prénom usuel", "x")) == {"first_name": 1}


# ── What is wrong ────────────────────────────────────────────────────────────────────────────────────────────────
def test_every_fault_names_its_line_its_column_and_what_to_do() -> None:
    found = checked(
        person("Dupont", amount="vingt"),
        person(""),
        person("X" * 300),
        ("M.", "Martin", "Jean", "", "4000", "Digne", "20", "", ""),
        person("\u202eenvers"),
    )
    assert [(one.line, one.meaning, one.refusal.data["problem"]) for one in found.faults] == [
        (2, "amount", "not_an_amount"),
        (3, "last_name", "missing"),
        (4, "last_name", "length"),
        (5, "postcode", "not_a_postcode"),
        (6, "last_name", "hidden_characters"),
    ]
    assert found.faults[0].refusal.text("fr").startswith("Valeur refusée pour « Montant » : un montant est attendu")
    assert not found.people and not found.ready


@pytest.mark.parametrize(
    ("amount", "face_cents", "gives"),
    [
        ("20", None, (2_000, 1)),
        ("20,50 €", None, (2_050, 1)),
        ("1 0", None, (1_000, 1)),
        ("40", 1_000, (1_000, 4)),
        ("45", 1_000, "not_in_whole_vouchers"),
        ("0", None, "not_an_amount"),
        ("300", None, "amount_range"),
        ("", None, "missing"),
    ],
)
def test_an_amount_is_one_voucher_or_is_shared_into_whole_ones(amount: str, face_cents: Any, gives: Any) -> None:
    found = checked(person("Dupont", amount=amount), face_cents=face_cents)
    if isinstance(gives, str):
        assert [one.refusal.data["problem"] for one in found.faults] == [gives]
    else:
        assert [(one.face_cents, one.quantity) for one in found.people] == [gives]


def test_a_list_without_amounts_gives_everybody_the_same_and_only_what_is_sold() -> None:
    columns = {"last_name": 0, "quantity": 1}
    matching = Matching(columns, face_cents=2_000)
    found = list_check.check(("Nom", "Nb"), rows(("A", "3"), ("B", "x"), ("C", "")), matching, sold=SOLD)
    assert found.totals == ((2_000, 3),)
    assert [(one.line, one.refusal.data["problem"]) for one in found.faults] == [(3, "not_whole"), (4, "missing")]
    unsold = list_check.check(("Nom", "Nb"), rows(("A", "3")), matching, sold=Sold((1_000,), 100, 25_000))
    assert [one.refusal.data["problem"] for one in unsold.faults] == ["one_of"]


def test_an_address_that_no_envelope_can_show_is_told_while_it_can_still_be_corrected() -> None:
    found = checked(
        person("Dupont"),
        person("Durand", address="1 " + "rue " * 20),
        ("M.", "Sans", "Ville", "1 rue Haute", "", "", "20", "", ""),
        ("M.", "Sans", "Adresse", "", "", "", "20", "", ""),
    )
    assert [(line, why.problem) for line, why in found.unfit] == [(3, "too_long"), (4, "incomplete")]
    assert found.ready, "a letter may be handed over"


# ── Who stands there twice ───────────────────────────────────────────────────────────────────────────────────────
def test_the_same_person_is_known_through_accents_case_hyphens_titles_and_swapped_names() -> None:
    found = checked(
        person("Bébé-Noël", "Zoé"),
        person("BEBE NOEL", "ZOE"),
        person("Zoé", "Bebe Noël"),
        person("Mme Bébé-Noël", "Zoé"),
        person("Bébé-Noël", "Zoé", address="9 rue Basse"),
        person("Autre", "Zoé"),
    )
    assert [(one.line, one.first, one.why) for one in found.doubles] == [
        (3, 2, "same_person"),
        (4, 2, "same_person"),
        (5, 2, "same_person"),
        (6, 2, "same_name"),
    ]
    assert not found.ready
    decided = checked(person("Dupont"), person("DUPONT"), person("dupont"), kept=frozenset({3}), dropped=frozenset({4}))
    assert decided.ready
    assert (len(decided.people), decided.dropped, decided.totals) == (2, 1, ((2_000, 2),))


def test_names_in_other_scripts_and_titles_alone_are_not_taken_for_each_other() -> None:
    found = checked(person("Петров", "Иван"), person("Сидоров", "Иван"), person("Madame", ""), person("M", ""))
    assert found.doubles == ()


def test_twenty_thousand_lines_are_judged_within_seconds() -> None:
    many = [person(f"Nom{at}", address=f"{at} rue Haute") for at in range(20_000)]
    began = time.monotonic()
    found = checked(*many)
    assert time.monotonic() - began < 8
    assert len(found.people) == 20_000 and found.ready


# ── The verbs ────────────────────────────────────────────────────────────────────────────────────────────────────
class Desk:
    """A programme with one buyer, whose clerk brings lists."""

    def __init__(self, house: Database) -> None:
        self.house = house
        self.programme_id = a_programme(house)
        self.buyer_id = a_buyer(house, programme_id=self.programme_id)

    def bring(self, *given: Sequence[str]) -> int:
        return self.house.write(
            recipient_lists.bring,
            programme_id=self.programme_id,
            buyer_id=self.buyer_id,
            name="Aînés 2026",
            header=HEADER,
            rows=rows(*given),
            actor="staff:1",
            at=NOON,
        )

    def found(self, list_id: int) -> recipient_lists.PeopleList:
        return self.house.read(recipient_lists.find, programme_id=self.programme_id, list_id=list_id)

    def check(self, list_id: int) -> Check:
        found = self.found(list_id)
        sold = self.house.read(recipient_lists.sold, programme_id=self.programme_id)
        return list_check.check(found.header, found.rows, found.matching, sold=sold)

    def do(self, verb: Callable[..., Any], **how: Any) -> Any:
        return self.house.write(verb, programme_id=self.programme_id, at=later(minutes=1), **how)

    def order(self, list_id: int) -> order_book.Order:
        """An order made from the list, in one breath as at the door."""
        seen, now = self.found(list_id), self.check(list_id)

        def made(session: Any) -> order_book.Order:
            drafted = order.draft(
                session,
                programme_id=self.programme_id,
                buyer_id=self.buyer_id,
                lines=[Line(*total) for total in now.totals],
                fee_cents=None,
                purchase_order=None,
                actor="staff:1",
                at=NOON,
            )
            recipient_lists.order(
                session,
                programme_id=self.programme_id,
                list_id=list_id,
                checked=now,
                seen_at=seen.changed_at,
                order_number=drafted.number,
                actor="staff:1",
                at=NOON,
            )
            return drafted

        return self.house.write(made)

    def issued(self, ordered: order_book.Order) -> None:
        what: dict[str, Any] = {"programme_id": self.programme_id, "number": ordered.number, "at": NOON}
        self.house.write(order.place, actor="staff:1", **what)
        self.house.write(order.approve, actor="staff:2", **what)
        self.house.write(
            order.record_payment,
            cents=ordered.total_cents,
            bank_reference=f"VIR {ordered.number}",
            received_on=NOON.date(),
            actor="staff:3",
            **what,
        )
        paid = self.house.read(order_book.find, programme_id=self.programme_id, number=ordered.number)
        a_batch(self.house, paid=paid, upto="issued", size=3)

    def assign(self, number: int) -> recipients.Assigned:
        return self.do(recipients.assign, order_number=number, actor="staff:3")


def test_correcting_a_line_loses_nothing_else_and_asks_anew_about_its_likeness(house: Database) -> None:
    desk = Desk(house)
    list_id = desk.bring(person("Dupont", amount="vingt"), person("Dupont"), person("Dupond"))
    desk.do(recipient_lists.decide, list_id=list_id, keep=[3])
    before = desk.found(list_id)
    desk.do(recipient_lists.correct, list_id=list_id, line=2, cells={6: " 20 "})
    after = desk.found(list_id)
    assert after.rows[0].cells == person("Dupont") and after.rows[1:] == before.rows[1:]
    assert after.matching.kept == {3} and after.changed_at > before.changed_at
    assert desk.check(list_id).ready
    desk.do(recipient_lists.correct, list_id=list_id, line=3, cells={1: "DUPONT"})
    assert [one.line for one in desk.check(list_id).doubles] == [3]
    with pytest.raises(NotFound):
        desk.do(recipient_lists.correct, list_id=list_id, line=99, cells={})
    with pytest.raises(BadInput):
        desk.do(recipient_lists.correct, list_id=list_id, line=3, cells={44: "x"})
    with pytest.raises(BadInput):
        desk.do(recipient_lists.match, list_id=list_id, columns={"last_name": 1, "town": 1}, face_cents=1, quantity=1)


def test_an_order_is_made_of_a_list_once_and_only_when_nothing_is_wrong(house: Database) -> None:
    desk = Desk(house)
    list_id = desk.bring(person("Dupont"), person("DUPONT"), person("Martin", amount="10"))
    with pytest.raises(ListNotReady):
        desk.order(list_id)
    desk.do(recipient_lists.decide, list_id=list_id, drop=[3])
    ordered = desk.order(list_id)
    assert ordered.lines == (Line(1_000, 1), Line(2_000, 1))
    assert facts_of(house, programme_id=desk.programme_id, kind="recipients_ordered") == [
        (f"list:{list_id}", f"order:{ordered.number} 2 2")
    ], "numbers alone: the journal cannot forget a name"
    for verb, how in (
        (recipient_lists.decide, {"keep": [2], "at": NOON}),
        (recipient_lists.correct, {"line": 2, "cells": {1: "Autre"}, "at": NOON}),
        (recipient_lists.discard, {}),
    ):
        with pytest.raises(ListState):
            house.write(verb, programme_id=desk.programme_id, list_id=list_id, **how)
    with pytest.raises(ListState):
        desk.order(list_id)


def test_an_order_is_not_made_of_a_list_that_changed_since_it_was_looked_at(house: Database) -> None:
    desk = Desk(house)
    list_id = desk.bring(person("Dupont"))
    seen, now = desk.found(list_id), desk.check(list_id)
    desk.do(recipient_lists.correct, list_id=list_id, line=2, cells={6: "30"})
    with pytest.raises(ListState):
        desk.do(
            recipient_lists.order,
            list_id=list_id,
            checked=now,
            seen_at=seen.changed_at,
            order_number=1,
            actor="staff:1",
        )


def test_two_clerks_at_once_correct_two_lines_and_make_one_order(house: Database) -> None:
    desk = Desk(house)
    list_id = desk.bring(*(person(f"Nom{at}", amount="x") for at in range(8)))
    with ThreadPoolExecutor(4) as clerks:
        lines = range(2, 10)
        list(clerks.map(lambda at: desk.do(recipient_lists.correct, list_id=list_id, line=at, cells={6: "20"}), lines))
        assert desk.check(list_id).ready, "no correction was lost"

        def ordered(_: int) -> str:
            try:
                return f"order {desk.order(list_id).number}"
            except Refusal as refusal:
                return refusal.reason

        made = sorted(clerks.map(ordered, range(4)))
    assert made == ["list_state", "list_state", "list_state", "order 1"]


def test_vouchers_go_to_people_in_the_order_of_the_list_once(house: Database) -> None:
    desk = Desk(house)
    list_id = desk.bring(person("Zola", amount="20"), person("Arc", amount="10"), person("Bach", amount="20"))
    ordered = desk.order(list_id)
    with pytest.raises(OrderState):
        desk.assign(ordered.number)
    desk.issued(ordered)
    first = desk.assign(ordered.number)
    assert (first.people, first.vouchers) == (3, 3)
    assert desk.assign(ordered.number) == first
    given = desk.house.read(recipients.of_list, programme_id=desk.programme_id, list_id=list_id)
    assert [(one.last_name, one.serials) for one in given] == [("Zola", (2,)), ("Arc", (1,)), ("Bach", (3,))]
    called = desk.house.read(recipients.hand_out, programme_id=desk.programme_id, list_id=list_id)
    assert [one.last_name for one in called] == ["Arc", "Bach", "Zola"]
    assert facts_of(house, programme_id=desk.programme_id, kind="recipients_assigned") == [
        (f"list:{list_id}", f"order:{ordered.number} 3 3")
    ]
    assert house.read(books_hold, programme_id=desk.programme_id)


def test_several_vouchers_of_one_person_follow_each_other(house: Database) -> None:
    desk = Desk(house)
    list_id = desk.bring(person("Zola", amount="40"), person("Arc", amount="30"))
    columns = desk.found(list_id).matching.columns
    desk.do(recipient_lists.match, list_id=list_id, columns=columns, face_cents=1_000, quantity=None)
    ordered = desk.order(list_id)
    desk.issued(ordered)
    desk.assign(ordered.number)
    given = desk.house.read(recipients.of_list, programme_id=desk.programme_id, list_id=list_id)
    assert [one.serials for one in given] == [(1, 2, 3, 4), (5, 6, 7)]


def test_a_batch_that_counts_otherwise_than_the_list_is_given_to_nobody(house: Database) -> None:
    desk = Desk(house)
    list_id = desk.bring(person("Zola"), person("Arc"))
    ordered = desk.order(list_id)
    what: dict[str, Any] = {"number": ordered.number, "fee_cents": None, "purchase_order": None}
    with pytest.raises(BadInput) as kept:
        house.write(order.redraft, programme_id=desk.programme_id, lines=[Line(2_000, 1)], **what)
    assert kept.value.data["problem"] == "made_of_a_list"
    desk.issued(house.write(order.redraft, programme_id=desk.programme_id, lines=[Line(2_000, 2)], **what))
    house.write(lambda session: session.execute(update(recipient).where(recipient.c.line == 3).values(quantity=2)))
    with pytest.raises(Refusal) as refused:
        desk.assign(ordered.number)
    assert refused.value.reason == "recipients_differ"
    assert (refused.value.data["vouchers"], refused.value.data["wanted"]) == (2, 3)
    left = desk.house.read(lambda session: session.execute(recipient_voucher.select()).all())
    assert left == []


def test_a_list_that_is_thrown_away_leaves_nothing(house: Database) -> None:
    desk = Desk(house)
    list_id = desk.bring(person("Dupont"))
    house.write(recipient_lists.discard, programme_id=desk.programme_id, list_id=list_id)
    with pytest.raises(NotFound):
        desk.found(list_id)
    assert house.read(lambda session: session.execute(recipient.select()).all()) == []


def test_a_list_may_only_give_what_its_programme_sells(house: Database) -> None:
    desk = Desk(house)
    list_id = desk.bring(person("Dupont"))
    house.write(
        terms.set_terms,
        programme_id=desk.programme_id,
        terms=Terms(face_values=(1_000,)),
        actor="staff:1",
        at=NOON,
    )
    assert [one.refusal.data["problem"] for one in desk.check(list_id).faults] == ["one_of"]


def test_what_is_kept_of_a_matching_is_what_was_decided() -> None:
    matching = Matching({"last_name": 1}, 1_000, None, frozenset({4}), frozenset({9, 7}))
    assert Matching.of_json(json.loads(json.dumps(matching.as_json()))) == matching
    assert isinstance(checked(person("A")).people[0], Recipient)
