"""Buyers, merchants, staff, programmes, and where a merchant is paid."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.makers import (
    NOON,
    a_buyer,
    a_merchant,
    a_person,
    a_programme,
    a_role,
    a_siret,
    an_account,
    an_iban,
    later,
    two_administrators,
)
from vouchers import bank_accounts, identity, passwords, people
from vouchers.db import Database, WriteSession
from vouchers.errors import (
    AccountChangePending,
    AccountChangeUnknown,
    AlreadyEnrolled,
    BadInput,
    Forbidden,
    NotFound,
    SamePerson,
)
from vouchers.rules import rules
from vouchers.tables import journal


def facts(house: Database, subject: str) -> list[str]:
    """The kinds of fact recorded about `subject`, oldest first."""
    about = journal.select().where(journal.c.subject == subject).order_by(journal.c.id)
    return [row.kind for row in house.read(lambda session: session.execute(about).all())]


def test_a_programme_opens_under_the_rules_it_was_given(house: Database) -> None:
    programme_id = a_programme(house, host="cheques.example.fr", commission_bp=525)
    found = house.read(lambda session: rules(session, programme_id=programme_id))
    assert (found.host, found.commission_bp, found.issuer_name) == ("CHEQUES.EXAMPLE.FR", 525, "CCI du Cotentin")
    assert facts(house, f"programme:{programme_id}") == ["programme_opened"]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("target_cents", {"target_cents": 0}),
        ("expires_on", {"starts_on": date(2028, 1, 1)}),
        ("presentation_deadline_on", {"presentation_deadline_on": date(2027, 1, 1)}),
        ("host", {"host": "https://example.fr/"}),
        ("use_rule", {"use_rule": "twice"}),
        ("commission_bp", {"commission_bp": 10_001}),
        ("vat_bp", {"vat_bp": -1}),
        ("lapse_to", {"lapse_to": "me"}),
        ("name", {"name": "Noël\nà la ligne"}),
    ],
)
def test_a_programme_that_cannot_be_is_refused(house: Database, field: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as refused:
        a_programme(house, **wrong)
    assert refused.value.data["field"] == field


def test_one_establishment_joins_once_and_one_buyer_too(house: Database) -> None:
    programme_id = a_programme(house)
    siret = a_siret()
    merchant_id = a_merchant(house, programme_id=programme_id, siret=siret)
    with pytest.raises(AlreadyEnrolled) as refused:
        a_merchant(house, programme_id=programme_id, siret=siret)
    assert refused.value.data == {"what": "merchant", "id": merchant_id}
    a_buyer(house, programme_id=programme_id, name="Sainte-Mère")
    with pytest.raises(AlreadyEnrolled):
        a_buyer(house, programme_id=programme_id, name=" Sainte-Me\N{COMBINING GRAVE ACCENT}re ")
    assert a_merchant(house, programme_id=a_programme(house), siret=siret) != merchant_id


@pytest.mark.parametrize("siret", ["35600000000048", "35600000049837", "356 000 000 49837", "73282932000074"])
def test_a_siret_is_known_by_its_key_and_the_post_office_by_its_own(siret: str) -> None:
    assert identity.siret(siret) == siret.replace(" ", "")


@pytest.mark.parametrize("siret", ["35600000049838", "73282932000075", "7328293200007", "", "٧٣٢٨٢٩٣٢٠٠٠٠٧٤"])
def test_a_mistyped_siret_is_refused(siret: str) -> None:
    with pytest.raises(BadInput):
        identity.siret(siret)


@pytest.mark.parametrize("iban", ["FR7630006000011234567890188", "BR1500000000000010932840814P2", "", "FR76"])
def test_an_iban_with_a_wrong_key_or_outside_the_sepa_is_refused(iban: str) -> None:
    with pytest.raises(BadInput):
        identity.iban(iban)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp", "Zs"]), min_size=1, max_size=30))
def test_a_name_may_be_in_any_writing(name: str) -> None:
    kept = identity.name(f"  {name} ", field="name")
    assert kept == identity.name(kept, field="name")


@pytest.mark.parametrize("name", ["", "   ", "a\u202eb", "a\x00b", "a\nb", "a\u2066", "\u200b", "\ud800", "x" * 121])
def test_a_name_that_hides_something_is_refused(name: str) -> None:
    with pytest.raises(BadInput):
        identity.name(name, field="name")


def test_suspending_twice_is_recorded_once(house: Database) -> None:
    programme_id = a_programme(house)
    merchant_id = a_merchant(house, programme_id=programme_id)
    for act in (people.suspend_merchant, people.suspend_merchant, people.restore_merchant):
        house.write(
            lambda session, act=act: act(
                session, programme_id=programme_id, merchant_id=merchant_id, reason="contrôle", actor="staff:1", at=NOON
            )
        )
    kinds = ["merchant_enrolled", "merchant_suspended", "merchant_restored"]
    assert facts(house, f"merchant:{merchant_id}") == kinds
    other = a_programme(house)
    with pytest.raises(NotFound):
        house.write(
            lambda session: people.suspend_merchant(
                session, programme_id=other, merchant_id=merchant_id, reason="x", actor="staff:1", at=NOON
            )
        )


def test_lists_go_on_where_they_stopped(house: Database) -> None:
    programme_id = a_programme(house)
    ids = [a_merchant(house, programme_id=programme_id) for _ in range(3)]
    a_merchant(house, programme_id=a_programme(house))
    first = house.read(lambda session: people.merchants(session, programme_id=programme_id, limit=2))
    rest = house.read(lambda session: people.merchants(session, programme_id=programme_id, after=ids[1], limit=2))
    assert [one.merchant_id for one in first + rest] == ids


def test_the_first_account_is_in_force_once_another_person_confirms_it(house: Database) -> None:
    programme_id = a_programme(house)
    merchant_id = a_merchant(house, programme_id=programme_id)
    where = {"programme_id": programme_id, "merchant_id": merchant_id}

    def ask(session: WriteSession) -> int:
        return bank_accounts.ask_account(
            session, **where, account_holder="Lemoine", iban=an_iban(), actor="staff:1", at=NOON
        )

    def confirm(session: WriteSession, actor: str) -> bank_accounts.Account:
        return bank_accounts.confirm_account(
            session, programme_id=programme_id, account_id=account_id, reason="rappelé", actor=actor, at=NOON
        )

    account_id = house.write(ask)
    with pytest.raises(AccountChangePending):
        house.write(ask)
    with pytest.raises(SamePerson):
        house.write(lambda session: confirm(session, "staff:1"))
    assert house.read(lambda session: bank_accounts.account_in_force(session, **where, at=later(hours=99))) is None
    confirmed = house.write(lambda session: confirm(session, "staff:2"))
    assert house.read(lambda session: bank_accounts.account_in_force(session, **where, at=NOON)) == confirmed
    with pytest.raises(AccountChangeUnknown):
        house.write(lambda session: confirm(session, "staff:2"))
    assert facts(house, f"merchant:{merchant_id}")[1:] == ["account_asked", "account_confirmed"]


def test_another_account_waits_two_days_while_the_old_one_is_paid(house: Database) -> None:
    programme_id = a_programme(house)
    merchant_id = a_merchant(house, programme_id=programme_id)
    where = {"programme_id": programme_id, "merchant_id": merchant_id}
    old = an_account(house, **where)
    new = an_account(house, **where, at=later(hours=1))

    def in_force(hours: int, seconds: int) -> bank_accounts.Account | None:
        at = later(hours=hours, seconds=seconds)
        return house.read(lambda session: bank_accounts.account_in_force(session, **where, at=at))

    assert in_force(48, 3_599) == old
    assert in_force(49, 0) == new
    with pytest.raises(AccountChangePending):
        an_account(house, **where, at=later(hours=2))
    with pytest.raises(AccountChangeUnknown):
        withdraw(house, programme_id, new.account_id, hours=49)
    withdraw(house, programme_id, new.account_id, hours=48)
    assert in_force(49, 0) == old
    assert an_account(house, **where, at=later(hours=49)).in_force_at == later(hours=97)


def withdraw(house: Database, programme_id: int, account_id: int, *, hours: int) -> None:
    house.write(
        lambda session: bank_accounts.withdraw_account(
            session,
            programme_id=programme_id,
            account_id=account_id,
            reason="le commerçant n'a rien demandé",
            actor="staff:1001",
            at=later(hours=hours),
        )
    )


def test_a_person_is_enrolled_once_however_the_address_is_typed(house: Database) -> None:
    programme_id, other = a_programme(house), a_programme(house)
    staff_id = a_person(house, programme_id=programme_id, email="Paul@Example.fr")
    with pytest.raises(AlreadyEnrolled) as refused:
        a_person(house, programme_id=other, email=" paul@example.FR")
    assert refused.value.data["id"] == staff_id
    assert [one.staff_id for one in house.read(lambda s: people.staff_of(s, programme_id=programme_id))] == [staff_id]
    assert house.read(lambda session: people.staff_of(session, programme_id=other)) == []


def test_a_programme_does_not_suspend_its_neighbours_people(house: Database) -> None:
    programme_id, other = a_programme(house), a_programme(house)
    ours, _ = two_administrators(house, programme_id=programme_id)
    neighbour, _ = two_administrators(house, programme_id=other)
    with pytest.raises(NotFound):
        house.write(
            lambda session: people.suspend_staff(
                session, programme_id=programme_id, staff_id=neighbour, reason="x", actor=f"staff:{ours}", at=NOON
            )
        )
    both = a_person(house, programme_id=programme_id)
    a_role(house, programme_id=other, staff_id=both, name="auditor")
    with pytest.raises(Forbidden):
        house.write(
            lambda session: people.suspend_staff(
                session, programme_id=programme_id, staff_id=both, reason="x", actor=f"staff:{ours}", at=NOON
            )
        )


def test_a_short_password_is_refused_and_a_kept_one_is_argon2id() -> None:
    with pytest.raises(BadInput):
        passwords.hashed("onze signes")
    kept = passwords.hashed("été comme hiver")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.matches(kept, "e\N{COMBINING ACUTE ACCENT}te\N{COMBINING ACUTE ACCENT} comme hiver")
    assert not passwords.matches(kept, "été comme hiver ")
    assert not passwords.matches(passwords.NOBODYS, "")
