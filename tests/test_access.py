"""The permission table, sign-in, tokens, roles: who may do what, and that nobody does alone what takes two."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.makers import (
    NOON,
    PASSWORD,
    SESSION_KEY,
    a_buyer,
    a_merchant,
    a_person,
    a_programme,
    a_role,
    a_staff_member,
    later,
    two_administrators,
)
from vouchers import attempts, codes, passwords, people, roles, sign_in
from vouchers.access import PERMISSIONS, Act, Caller, Held, Reach, Role, another_person, may, within
from vouchers.attempts import PER_HOUR, Guess
from vouchers.db import Database
from vouchers.errors import (
    AlreadyEnrolled,
    BadInput,
    Forbidden,
    NotFound,
    NotSignedIn,
    SamePerson,
    TooManyAttempts,
    VoucherUnknown,
    WrongCredentials,
)
from vouchers.sign_in import Opened
from vouchers.tables import ROLES, failure, token


def signed_in(house: Database, *, programme_id: int, staff_id: int) -> Opened:
    person = house.read(lambda session: people.find_staff(session, programme_id=programme_id, staff_id=staff_id))
    return attempt(house, email=person.email, password=PASSWORD)


def attempt(house: Database, *, email: str, password: str, address: str = "192.0.2.1", minutes: int = 0) -> Opened:
    return sign_in.sign_in(
        house,
        email=email,
        password=password,
        address=address,
        label="Firefox",
        session_key=SESSION_KEY,
        lasts=timedelta(hours=12),
        at=later(minutes=minutes),
    )


def caller(house: Database, opened: Opened, *, hours: int = 0) -> Caller:
    hashed = codes.token_hash(SESSION_KEY, opened.secret)
    return house.read(lambda session: sign_in.caller_of_token(session, token_hash=hashed, at=later(hours=hours)))


# ── The table ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_table_names_every_act_and_knows_the_roles_of_the_database() -> None:
    assert set(PERMISSIONS) == set(Act)
    assert {role.value for role in Role} == {*ROLES, "till"}


def test_the_auditor_reads_all_and_writes_nothing() -> None:
    audited = {act for act, granted in PERMISSIONS.items() if Role.AUDITOR in granted}
    # But for the recipients: books are audited by numbers, not by who received what.
    assert audited == {act for act in Act if act.endswith(".read")} - {Act.RECIPIENTS_READ}


def test_nobody_outside_the_chamber_reaches_beyond_their_own() -> None:
    outside = {Role.BUYER_CLERK, Role.BUYER_APPROVER, Role.MERCHANT_OWNER, Role.TILL}
    beyond = {act for act, granted in PERMISSIONS.items() for role in outside if granted.get(role) is Reach.ALL}
    assert beyond == {Act.PROGRAMME_READ}


def test_a_role_reaches_its_own_and_no_other() -> None:
    clerk = Caller("staff:1", (Held(1, Role.BUYER_CLERK, buyer_id=7), Held(2, Role.TREASURER)))
    may(clerk, Act.ORDER_PLACE, programme_id=1, buyer_id=7)
    for refused in ({"buyer_id": 8}, {"merchant_id": 7}, {}):
        with pytest.raises(Forbidden):
            may(clerk, Act.ORDER_PLACE, programme_id=1, **refused)
    with pytest.raises(Forbidden):
        may(clerk, Act.ORDER_PAY, programme_id=1, buyer_id=7)
    may(clerk, Act.ORDER_PAY, programme_id=2, buyer_id=8)
    with pytest.raises(NotFound):
        may(clerk, Act.ORDER_READ, programme_id=3, buyer_id=7)
    assert within(clerk, Act.ORDER_READ, programme_id=1) == (False, {7}, set())
    assert within(clerk, Act.ORDER_READ, programme_id=2).everything
    with pytest.raises(Forbidden):
        within(clerk, Act.JOURNAL_READ, programme_id=1)


def test_four_eyes_are_two_actors() -> None:
    another_person(Act.SETTLEMENT_APPROVE, "staff:1", "staff:2")
    with pytest.raises(SamePerson) as refused:
        another_person(Act.SETTLEMENT_APPROVE, "staff:1", "staff:1")
    assert refused.value.data == {"act": "settlement.approve"}


# ── Sign-in and tokens ───────────────────────────────────────────────────────────────────────────────────────────
def test_a_session_opens_with_the_password_and_ends_in_time_or_at_sign_out(house: Database) -> None:
    programme_id = a_programme(house)
    staff_id = a_staff_member(house, programme_id=programme_id, email="t@example.fr")
    opened = attempt(house, email=" T@example.fr", password=PASSWORD)
    known = caller(house, opened, hours=11)
    assert known == Caller(f"staff:{staff_id}", (Held(programme_id, Role.TREASURER),), signed_in_at=NOON)
    with pytest.raises(NotSignedIn):
        caller(house, opened, hours=12)
    kept = house.read(lambda session: session.execute(token.select()).one())
    assert kept.token_hash == codes.token_hash(SESSION_KEY, opened.secret)
    assert opened.secret not in str(kept)
    house.write(lambda session: sign_in.revoke_token(session, staff_id=staff_id, token_hash=kept.token_hash, at=NOON))
    with pytest.raises(NotSignedIn):
        caller(house, opened)
    assert house.read(lambda session: session.execute(failure.select()).all()) == []


def test_a_revoked_role_and_a_suspended_person_are_felt_at_the_next_request(house: Database) -> None:
    programme_id = a_programme(house)
    first, _ = two_administrators(house, programme_id=programme_id)
    staff_id = a_person(house, programme_id=programme_id)
    role_id = a_role(house, programme_id=programme_id, staff_id=staff_id, name="treasurer")
    opened = signed_in(house, programme_id=programme_id, staff_id=staff_id)
    api = house.write(
        lambda session: sign_in.make_api_token(
            session,
            staff_id=staff_id,
            label="comptabilité",
            expires_at=later(hours=48),
            session_key=SESSION_KEY,
            at=NOON,
        )
    )
    assert caller(house, api, hours=47).signed_in_at is None
    may(caller(house, opened), Act.SETTLEMENT_PROPOSE, programme_id=programme_id)
    house.write(
        lambda session: roles.revoke_role(
            session, programme_id=programme_id, role_id=role_id, actor=f"staff:{first}", at=NOON
        )
    )
    assert caller(house, opened).held == ()
    for change in (people.suspend_staff, people.restore_staff):
        house.write(
            lambda session, change=change: change(
                session, programme_id=programme_id, staff_id=staff_id, reason="départ", actor=f"staff:{first}", at=NOON
            )
        )
        for one in (opened, api):
            with pytest.raises(NotSignedIn):
                caller(house, one)
    assert house.read(lambda session: sign_in.tokens_of(session, staff_id=staff_id, at=NOON)) == []
    assert caller(house, signed_in(house, programme_id=programme_id, staff_id=staff_id)).held == ()


def test_a_suspended_person_and_a_stranger_get_the_same_no(house: Database) -> None:
    programme_id = a_programme(house)
    a_person(house, programme_id=programme_id, email="paul@example.fr")
    paul = house.read(lambda session: people.staff_of(session, programme_id=programme_id))[0].staff_id
    house.write(
        lambda session: people.suspend_staff(
            session, programme_id=programme_id, staff_id=paul, reason="départ", actor="staff:9", at=NOON
        )
    )
    for email in ("paul@example.fr", "personne@example.fr", "not an address\x00"):
        with pytest.raises(WrongCredentials):
            attempt(house, email=email, password=PASSWORD)


def test_ten_wrong_passwords_close_an_account_to_that_network_and_not_to_its_owner(house: Database) -> None:
    a_person(house, programme_id=a_programme(house), email="paul@example.fr")
    for number in range(10):
        with pytest.raises(WrongCredentials):
            attempt(house, email="Paul@example.fr ", password="pas le bon du tout", address=f"2001:db8::{number}")
    with pytest.raises(TooManyAttempts) as refused:
        attempt(house, email="paul@example.fr", password=PASSWORD, address="2001:db8::99", minutes=20)
    assert refused.value.data == {"retry_after_seconds": 40 * 60}
    attempt(house, email="paul@example.fr", password=PASSWORD, address="192.0.2.1", minutes=20)
    attempt(house, email="paul@example.fr", password=PASSWORD, address="2001:db8::99", minutes=60)


def test_an_account_tried_from_everywhere_closes_at_last_and_never_at_the_terminal(house: Database) -> None:
    a_person(house, programme_id=a_programme(house), email="paul@example.fr")
    account = attempts.scope(Guess.SIGN_IN_ACCOUNT, "paul@example.fr")
    for _ in range(PER_HOUR[Guess.SIGN_IN_ACCOUNT]):
        house.write(lambda session: attempts.count(session, scopes=[account], at=NOON))
    with pytest.raises(TooManyAttempts):
        attempt(house, email="paul@example.fr", password=PASSWORD)
    attempt(house, email="paul@example.fr", password=PASSWORD, address=attempts.TERMINAL)


def test_an_address_that_tries_many_accounts_waits_too(house: Database) -> None:
    address = attempts.scope(Guess.SIGN_IN_ADDRESS, "2001:db8::1")
    for _ in range(PER_HOUR[Guess.SIGN_IN_ADDRESS]):
        house.write(lambda session: attempts.count(session, scopes=[address], at=NOON))
    with pytest.raises(TooManyAttempts):
        attempt(house, email="x@example.fr", password=PASSWORD, address="2001:db8::ffff")
    with pytest.raises(WrongCredentials):
        attempt(house, email="x@example.fr", password=PASSWORD, address="2001:db8:0:1::1")
    house.write(lambda session: attempts.count(session, scopes=[address], at=later(hours=26)))
    assert [row.attempts for row in house.read(lambda session: session.execute(failure.select()).all())] == [1]


def test_failures_counted_at_once_are_all_counted(house: Database) -> None:
    till = [attempts.scope(Guess.TILL_CONTROL_CODES, 7)]

    def unknown() -> None:
        raise VoucherUnknown

    def guess() -> None:
        with pytest.raises((VoucherUnknown, TooManyAttempts)):
            attempts.guarded(house, scopes=till, at=NOON, act=unknown, counts=(VoucherUnknown,))

    guesses = [threading.Thread(target=guess) for _ in range(8)]
    for one in guesses:
        one.start()
    for one in guesses:
        one.join()
    assert [row.attempts for row in house.read(lambda session: session.execute(failure.select()).all())] == [8]


def test_of_many_passwords_at_one_moment_no_more_are_judged_than_an_hour_allows(house: Database) -> None:
    a_person(house, programme_id=a_programme(house), email="paul@example.fr")
    together = threading.Barrier(24)

    def guess(number: int) -> type[Exception]:
        together.wait()
        with pytest.raises((WrongCredentials, TooManyAttempts)) as refused:
            attempt(house, email="paul@example.fr", password=f"guess {number}")
        return refused.type

    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(guess, range(24)))
    assert answers.count(WrongCredentials) == PER_HOUR[Guess.SIGN_IN_ACCOUNT_FROM]
    attempt(house, email="paul@example.fr", password=PASSWORD, address="198.51.100.7")


def test_right_passwords_and_other_refusals_leave_no_failure_behind(house: Database) -> None:
    a_person(house, programme_id=a_programme(house), email="paul@example.fr")
    with ThreadPoolExecutor(4) as pool:
        assert len({opened.secret for opened in pool.map(lambda _: right(house), range(12))}) == 12

    def broken() -> None:
        raise RuntimeError

    account = [attempts.scope(Guess.SECOND_FACTOR_ACCOUNT, 7)]
    with pytest.raises(RuntimeError):
        attempts.guarded(house, scopes=account, at=NOON, act=broken, counts=(WrongCredentials,))
    assert house.read(lambda session: session.execute(failure.select()).all()) == []


def right(house: Database) -> Opened:
    return attempt(house, email="paul@example.fr", password=PASSWORD)


def test_another_password_ends_every_session(house: Database) -> None:
    programme_id = a_programme(house)
    staff_id = a_person(house, programme_id=programme_id, email="paul@example.fr")
    opened = attempt(house, email="paul@example.fr", password=PASSWORD)

    def change(current: str) -> None:
        sign_in.change_password(
            house, staff_id=staff_id, current=current, new="tout autre chose", address="192.0.2.1", at=NOON
        )

    with pytest.raises(WrongCredentials):
        change("pas le bon du tout")
    change(PASSWORD)
    with pytest.raises(NotSignedIn):
        caller(house, opened)
    with pytest.raises(WrongCredentials):
        attempt(house, email="paul@example.fr", password=PASSWORD)
    caller(house, attempt(house, email="paul@example.fr", password="tout autre chose"))


# ── Roles ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_first_administrators_are_two_and_only_the_first(house: Database) -> None:
    programme_id = a_programme(house)
    one, two = a_person(house, programme_id=programme_id), a_person(house, programme_id=programme_id)

    def first(*staff_ids: int) -> None:
        house.write(
            lambda session: roles.grant_first_administrators(
                session, programme_id=programme_id, staff_ids=(staff_ids[0], staff_ids[1]), at=NOON
            )
        )

    with pytest.raises(BadInput):
        first(one, one)
    with pytest.raises(NotFound):
        first(one, 999)
    first(one, two)
    with pytest.raises(AlreadyEnrolled):
        first(two, one)
    held = house.read(lambda session: roles.roles_of(session, programme_id=programme_id))
    assert [(role.staff_id, role.confirmed_by) for role in held] == [(one, f"staff:{two}"), (two, f"staff:{one}")]


def test_an_administrator_grants_no_role_alone(house: Database) -> None:
    programme_id = a_programme(house)
    one, two = two_administrators(house, programme_id=programme_id)
    friend = a_person(house, programme_id=programme_id)

    def ask(staff_id: int) -> int:
        return house.write(
            lambda session: roles.ask_role(
                session, programme_id=programme_id, staff_id=staff_id, name="treasurer", actor=f"staff:{one}", at=NOON
            )
        )

    def confirm(role_id: int, who: int) -> roles.Granted:
        return house.write(
            lambda session: roles.confirm_role(
                session, programme_id=programme_id, role_id=role_id, actor=f"staff:{who}", at=NOON
            )
        )

    for_friend, for_self, for_other = ask(friend), ask(one), ask(two)
    for role_id, who in ((for_friend, one), (for_friend, friend), (for_self, one), (for_other, two), (for_other, one)):
        with pytest.raises(SamePerson):
            confirm(role_id, who)
    assert caller(house, signed_in(house, programme_id=programme_id, staff_id=friend)).held == ()
    assert confirm(for_friend, two).state == "active"
    assert caller(house, signed_in(house, programme_id=programme_id, staff_id=friend)).held == (
        Held(programme_id, Role.TREASURER),
    )
    with pytest.raises(NotFound):
        confirm(for_friend, two)
    with pytest.raises(AlreadyEnrolled):
        ask(friend)


def test_a_role_of_a_shop_names_a_shop_of_the_same_programme(house: Database) -> None:
    programme_id, other = a_programme(house), a_programme(house)
    staff_id = a_person(house, programme_id=programme_id)
    shop, far_shop = a_merchant(house, programme_id=programme_id), a_merchant(house, programme_id=other)
    buyer_id = a_buyer(house, programme_id=programme_id)
    for name, scope, refusal in (
        ("merchant_owner", {}, BadInput),
        ("merchant_owner", {"merchant_id": far_shop}, NotFound),
        ("treasurer", {"merchant_id": shop}, BadInput),
        ("buyer_clerk", {"merchant_id": shop}, BadInput),
        ("till", {"merchant_id": shop}, BadInput),
    ):
        with pytest.raises(refusal):
            a_role(house, programme_id=programme_id, staff_id=staff_id, name=name, **scope)
    a_role(house, programme_id=programme_id, staff_id=staff_id, name="merchant_owner", merchant_id=shop)
    a_role(house, programme_id=programme_id, staff_id=staff_id, name="buyer_clerk", buyer_id=buyer_id)
    known = caller(house, signed_in(house, programme_id=programme_id, staff_id=staff_id))
    may(known, Act.TILL_PAIR, programme_id=programme_id, merchant_id=shop)
    may(known, Act.ORDER_PLACE, programme_id=programme_id, buyer_id=buyer_id)
    with pytest.raises(NotFound):
        may(known, Act.TILL_PAIR, programme_id=other, merchant_id=far_shop)


def test_a_password_that_somebody_else_gave_opens_no_role_until_another_is_chosen(house: Database) -> None:
    """Whoever enrols a person knows their first password, and would otherwise act as two people."""
    programme_id = a_programme(house)
    first = passwords.hashed(PASSWORD)
    staff_id = house.write(
        people.enrol_staff,
        programme_id=programme_id,
        email="denise@example.fr",
        name="Denise",
        password_hash=first,
        actor="staff:1",
        at=NOON,
    )
    a_role(house, programme_id=programme_id, staff_id=staff_id, name="approver")

    def roles_after_signing_in(password: str) -> int:
        opened = sign_in.sign_in(
            house,
            email="denise@example.fr",
            password=password,
            address="127.0.0.1",
            label="Firefox",
            session_key=SESSION_KEY,
            lasts=timedelta(hours=1),
            at=NOON,
        )
        known = codes.token_hash(SESSION_KEY, opened.secret)
        return len(house.read(sign_in.caller_of_token, token_hash=known, at=NOON).held)

    assert roles_after_signing_in(PASSWORD) == 0
    chosen = "une phrase que je suis seule à connaître"
    sign_in.change_password(house, staff_id=staff_id, current=PASSWORD, new=chosen, address="127.0.0.1", at=NOON)
    assert roles_after_signing_in(chosen) == 1
    host = passwords.hashed(PASSWORD)
    house.write(sign_in.set_password, staff_id=staff_id, password_hash=host, at=NOON)
    assert roles_after_signing_in(PASSWORD) == 0
