"""The next programme, drafted by one and opened by another; its terms; who of a buyer decides."""

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.makers import NOON, a_buyer, a_merchant, a_programme, a_role, a_staff_member, two_administrators
from vouchers import offline, order, people, programmes, roles, set_up, terms
from vouchers.db import Database, WriteSession
from vouchers.errors import BadInput, Forbidden, NotFound, SamePerson, SetUpIncomplete, SetUpState
from vouchers.guarantee import OfflineRule, offline_rule_of
from vouchers.order_book import Line
from vouchers.rules import Terms, rules
from vouchers.rules import terms as terms_of
from vouchers.set_up import STEPS
from vouchers.tables import journal, programme
from vouchers.verify import verify

DRAFTER, OPENER = "staff:1001", "staff:1002"
CAPS = OfflineRule(20, 20_000, 200, 200_000, 1_440, 5_000)
ANSWERS: dict[str, dict[str, Any]] = {
    "issuer": {
        "name": "CCI du Cotentin",
        "address": "1 place de la République\n50480 Sainte-Mère",
        "siret": None,
        "account_holder": None,
        "iban": None,
        "bic": None,
        "contact": "05 45 00 00 00",
    },
    "target": {
        "name": "Printemps à Sainte-Mère",
        "target_cents": 4_000_000,
        "host": "cheques.example.fr",
        "shops_url": "https://cheques.example.fr/commerces",
    },
    "dates": {
        "starts_on": date(2027, 3, 1),
        "expires_on": date(2027, 9, 30),
        "presentation_deadline_on": date(2027, 11, 30),
    },
    "vouchers": {"face_values": (2_000, 1_000), "use_rule": "partial", "reversal_window_minutes": 10},
    "money": {"commission_bp": 300, "fee_bp": 200, "vat_bp": 2_000, "rhythm": "weekly", "lapse_to": "next_campaign"},
    "offline": {"allowed": True, **{name: getattr(CAPS, name) for name in OfflineRule.__slots__}},
    "look": {"legal_wording": "Renseignements :  05 45 00 00 00", "colour": "#A01050"},
}


def begun(house: Database, programme_id: int, *, by: str = DRAFTER) -> int:
    return house.write(set_up.begin, programme_id=programme_id, actor=by, at=NOON)


def answered(house: Database, programme_id: int, number: int, step: str, *, by: str = DRAFTER, **other: Any) -> None:
    values = {**ANSWERS[step], **other}
    house.write(set_up.answer, programme_id=programme_id, set_up_id=number, step=step, values=values, actor=by, at=NOON)


def ready(house: Database, programme_id: int, *, by: str = DRAFTER) -> int:
    number = begun(house, programme_id, by=by)
    for step in STEPS:
        answered(house, programme_id, number, step, by=by)
    house.write(set_up.submit, programme_id=programme_id, set_up_id=number, actor=by, at=NOON)
    return number


def opened(session: WriteSession, programme_id: int, number: int, by: str) -> int:
    """As the door composes it."""
    plan = set_up.take(session, programme_id=programme_id, set_up_id=number, actor=by)
    issuer_id = plan.issuer_id or programmes.enrol_issuer(session, **plan.issuer)
    made = programmes.open_programme(session, issuer_id=issuer_id, actor=by, at=NOON, **plan.programme)
    terms.set_terms(session, programme_id=made, terms=plan.terms, actor=by, at=NOON)
    if plan.offline is not None:
        offline.allow(session, programme_id=made, rule=plan.offline, actor=by, at=NOON)
    roles.carry_over(
        session,
        from_programme_id=programme_id,
        programme_id=made,
        asked_by=plan.drafted_by,
        confirmed_by=by,
        at=NOON,
    )
    set_up.opened(session, programme_id=programme_id, set_up_id=number, opened_programme_id=made, actor=by)
    return made


def test_a_draft_begins_with_what_the_programme_before_it_is_like_and_keeps_every_step(house: Database) -> None:
    season = a_programme(house, host="cheques.example.fr", commission_bp=321)
    number = begun(house, season)

    first = house.read(set_up.find, programme_id=season, set_up_id=number)
    answered(house, season, number, "target")
    later = house.read(set_up.find, programme_id=season, set_up_id=number)

    assert first.answers["money"]["commission_bp"] == 321
    assert first.answers["issuer"]["name"] == "CCI du Cotentin"
    assert first.missing == STEPS
    assert later.done == ("target",)
    assert later.answers["target"]["name"] == "Printemps à Sainte-Mère"
    assert [one.set_up_id for one in house.read(set_up.listed, programme_id=season)] == [number]


@pytest.mark.parametrize(
    ("step", "wrong", "field"),
    [
        ("issuer", {"siret": "123"}, "siret"),
        ("issuer", {"iban": "FR7630006000011234567890189"}, "account_holder"),
        ("target", {"target_cents": 0}, "target_cents"),
        ("target", {"host": "cheques exemple"}, "host"),
        ("target", {"shops_url": "javascript:alert(1)"}, "shops_url"),
        ("dates", {"expires_on": date(2027, 2, 1)}, "expires_on"),
        ("dates", {"presentation_deadline_on": date(2027, 9, 1)}, "presentation_deadline_on"),
        ("vouchers", {"face_values": (99,)}, "face_values"),
        ("vouchers", {"reversal_window_minutes": 1_441}, "reversal_window_minutes"),
        ("money", {"lapse_to": "moi"}, "lapse_to"),
        ("money", {"rhythm": "jamais"}, "rhythm"),
        ("offline", {"programme_count": 1}, "programme_count"),
        ("look", {"colour": "red"}, "colour"),
        ("look", {"legal_wording": "x" * 221}, "legal_wording"),
        ("look", {"legal_wording": "retourné \u202e"}, "legal_wording"),
    ],
)
def test_each_step_says_at_once_what_cannot_be(house: Database, step: str, wrong: dict[str, Any], field: str) -> None:
    season = a_programme(house)
    number = begun(house, season)

    with pytest.raises(BadInput) as refused:
        answered(house, season, number, step, **wrong)

    assert refused.value.data["field"] == field
    assert house.read(set_up.find, programme_id=season, set_up_id=number).done == ()


def test_what_is_opened_is_what_was_drafted_and_the_team_can_work_at_once(house: Database) -> None:
    season = a_programme(house)
    first, second = two_administrators(house, programme_id=season)
    treasurer = a_staff_member(house, programme_id=season, role_names=("treasurer", "auditor"))
    shop = a_merchant(house, programme_id=season)
    a_staff_member(house, programme_id=season, role_names=("merchant_owner",), merchant_id=shop)
    house.write(terms.set_terms, programme_id=season, terms=Terms(outline="{}"), actor=DRAFTER, at=NOON)
    number = ready(house, season, by=f"staff:{treasurer}")

    made = house.write(opened, season, number, f"staff:{second}")

    told = house.read(rules, programme_id=made)
    assert (told.name, told.target_cents, told.use_rule, told.lapse_to) == (
        "Printemps à Sainte-Mère", 4_000_000, "partial", "next_campaign",
    )  # fmt: skip
    assert (told.expires_on, told.host, told.commission_bp) == (date(2027, 9, 30), "CHEQUES.EXAMPLE.FR", 300)
    assert house.read(terms_of, programme_id=made) == Terms(
        (1_000, 2_000), "weekly", "Renseignements : 05 45 00 00 00", "#a01050", None, "{}"
    )
    assert house.read(offline_rule_of, programme_id=made) == CAPS
    held = house.read(roles.roles_of, programme_id=made)
    assert sorted((one.staff_id, one.name, one.state) for one in held) == sorted(
        [
            (first, "administrator", "active"),
            (second, "administrator", "active"),
            (treasurer, "treasurer", "active"),
            (treasurer, "auditor", "active"),
        ]
    )
    for one in held:
        assert one.asked_by != one.confirmed_by
        assert one.confirmed_by != f"staff:{one.staff_id}" or one.asked_by == f"staff:{treasurer}"
    mine = next(one for one in held if one.staff_id == second)
    assert (mine.asked_by, mine.confirmed_by) == (f"staff:{second}", f"staff:{treasurer}")
    facts = house.read(
        lambda session: session.execute(
            select(journal.c.kind, func.count()).where(journal.c.programme_id == made).group_by(journal.c.kind)
        ).all()
    )
    assert dict(map(tuple, facts)) == {
        "programme_opened": 1, "terms_set": 1, "offline_allowed": 1, "role_asked": 4, "role_granted": 4,
    }  # fmt: skip
    assert house.read(verify) == []


def test_the_same_issuer_is_kept_and_another_one_is_enrolled(house: Database) -> None:
    season = a_programme(house)
    number = ready(house, season)
    other = house.write(opened, season, number, OPENER)
    again = begun(house, season)
    for step in STEPS[1:]:
        answered(house, season, again, step)
    same = house.read(set_up.find, programme_id=season, set_up_id=again).answers["issuer"]
    answered(house, season, again, "issuer", **same)
    house.write(set_up.submit, programme_id=season, set_up_id=again, actor=DRAFTER, at=NOON)
    third = house.write(opened, season, again, OPENER)

    issuers = [house.read(rules, programme_id=one).issuer_id for one in (season, other, third)]
    assert issuers[0] == issuers[2] != issuers[1]


def test_nobody_opens_alone_what_they_drafted_nor_what_is_not_ready(house: Database) -> None:
    season = a_programme(house)
    number = begun(house, season)
    with pytest.raises(SetUpIncomplete):
        house.write(set_up.submit, programme_id=season, set_up_id=number, actor=DRAFTER, at=NOON)
    with pytest.raises(SetUpState):
        house.write(opened, season, number, OPENER)
    with pytest.raises(Forbidden):
        answered(house, season, number, "target", by=OPENER)
    done = ready(house, season)
    with pytest.raises(SamePerson):
        house.write(opened, season, done, DRAFTER)
    answered(house, season, done, "target")
    with pytest.raises(SetUpState):
        house.write(opened, season, done, OPENER)
    house.write(set_up.drop, programme_id=season, set_up_id=done, at=NOON)
    with pytest.raises(SetUpState):
        house.write(set_up.submit, programme_id=season, set_up_id=done, actor=DRAFTER, at=NOON)

    assert house.read(lambda session: session.execute(select(func.count(programme.c.id))).scalar_one()) == 1


def test_an_opening_that_is_refused_leaves_nothing_and_an_opened_one_is_not_opened_twice(house: Database) -> None:
    season, stranger = a_programme(house), a_programme(house)
    number = ready(house, season)
    with pytest.raises(NotFound):
        house.write(opened, stranger, number, OPENER)
    house.write(opened, season, number, OPENER)
    with pytest.raises(SetUpState):
        house.write(opened, season, number, OPENER)

    assert house.read(lambda session: session.execute(select(func.count(programme.c.id))).scalar_one()) == 3


def test_terms_are_those_of_the_house_until_they_are_set_and_then_the_last_ones(house: Database) -> None:
    season = a_programme(house)
    assert house.read(terms_of, programme_id=season) == Terms()
    for wording in ("Première", "Seconde"):
        wanted = Terms((2_000, 500), "fortnightly", wording, "#0B4F6C", b"png")
        house.write(terms.set_terms, programme_id=season, terms=wanted, actor=DRAFTER, at=NOON)

    kept = house.read(terms_of, programme_id=season)
    assert kept == Terms((500, 2_000), "fortnightly", "Seconde", "#0b4f6c", b"png")
    said = house.read(
        lambda session: session.execute(select(journal.c.reason).where(journal.c.kind == "terms_set")).scalars().all()
    )
    assert said == ["fortnightly #0b4f6c [500,2000]"] * 2
    assert json.loads(said[0].rpartition(" ")[2]) == [500, 2000]
    assert house.read(verify) == []


def test_an_order_asks_only_for_values_that_are_sold(house: Database) -> None:
    season = a_programme(house)
    buyer_id = a_buyer(house, programme_id=season)
    house.write(terms.set_terms, programme_id=season, terms=Terms((1_000, 2_000)), actor=DRAFTER, at=NOON)
    what: dict[str, Any] = {"programme_id": season, "fee_cents": 0, "purchase_order": None}

    with pytest.raises(BadInput) as refused:
        house.write(order.draft, buyer_id=buyer_id, lines=[Line(1_500, 3)], actor=DRAFTER, at=NOON, **what)
    made = house.write(order.draft, buyer_id=buyer_id, lines=[Line(2_000, 3)], actor=DRAFTER, at=NOON, **what)
    with pytest.raises(BadInput):
        house.write(order.redraft, number=made.number, lines=[Line(2_000, 3), Line(1_999, 1)], **what)

    assert refused.value.data["field"] == "face_cents"
    assert "10" in str(refused.value.data["words"])


def test_where_one_person_is_enough_placing_approves_and_the_journal_says_who(house: Database) -> None:
    season = a_programme(house)
    alone, together = (a_buyer(house, programme_id=season, exposure_cap_cents=100_000) for _ in range(2))
    rule: dict[str, Any] = {"programme_id": season, "actor": DRAFTER, "at": NOON}
    house.write(people.set_buyer_rule, buyer_id=alone, approval="one", **rule)
    house.write(people.set_buyer_rule, buyer_id=alone, approval="one", **rule)
    placed = []
    for buyer_id in (alone, together):
        made = house.write(
            order.draft, programme_id=season, buyer_id=buyer_id, lines=[Line(1_000, 5)], fee_cents=100,
            purchase_order=None, actor="staff:7", at=NOON,
        )  # fmt: skip
        placed.append(house.write(order.place, programme_id=season, number=made.number, actor="staff:7", at=NOON))
    with pytest.raises(SamePerson):
        house.write(order.approve, programme_id=season, number=placed[1].number, actor="staff:7", at=NOON)

    assert [(one.state, one.placed_by, one.approved_by) for one in placed] == [
        ("approved", "staff:7", None),
        ("placed", "staff:7", None),
    ]
    assert placed[0].owed_cents == 5_120
    facts = house.read(
        lambda session: session.execute(
            select(journal.c.kind, journal.c.actor, journal.c.reason)
            .where(journal.c.kind.in_(("order_placed", "order_approved", "buyer_rule_set")))
            .order_by(journal.c.id)
        ).all()
    )
    assert [tuple(one) for one in facts] == [
        ("buyer_rule_set", DRAFTER, "one"),
        ("order_placed", "staff:7", ""),
        ("order_approved", "staff:7", ""),
        ("order_placed", "staff:7", ""),
    ]
    house.write(people.set_buyer_rule, buyer_id=alone, approval="two", **rule)
    assert house.read(verify) == []


def test_verify_does_not_believe_one_person_where_the_rule_was_two(house: Database) -> None:
    season = a_programme(house)
    buyer_id = a_buyer(house, programme_id=season)
    made = house.write(
        order.draft, programme_id=season, buyer_id=buyer_id, lines=[Line(1_000, 5)], fee_cents=0, purchase_order=None,
        actor="staff:7", at=NOON,
    )  # fmt: skip

    def forged(session: WriteSession) -> None:
        session.exec_driver_sql("UPDATE buyer SET approval = 'one'")
        order.place(session, programme_id=season, number=made.number, actor="staff:7", at=NOON)
        session.exec_driver_sql("UPDATE buyer SET approval = 'two'")

    house.write(forged)

    assert {fault.says for fault in house.read(verify)} == {
        "who placed, approved and accepted an order are in its facts"
    }


def test_roles_are_carried_over_by_two_people_alone(house: Database) -> None:
    season, after = a_programme(house), a_programme(house)
    first, second = two_administrators(house, programme_id=season)
    gone = a_staff_member(house, programme_id=season, role_names=("treasurer",))
    why = {"reason": "parti", "actor": f"staff:{first}", "at": NOON}
    house.write(people.suspend_staff, programme_id=season, staff_id=gone, **why)
    a_role(house, programme_id=season, staff_id=first, name="auditor")
    sides = {"from_programme_id": season, "programme_id": after, "at": NOON + timedelta(days=1)}
    with pytest.raises(SamePerson):
        house.write(roles.carry_over, asked_by=f"staff:{first}", confirmed_by=f"staff:{first}", **sides)

    count = house.write(roles.carry_over, asked_by=f"staff:{first}", confirmed_by=f"staff:{second}", **sides)

    held = house.read(roles.roles_of, programme_id=after)
    assert count == len(held) == 3
    assert gone not in {one.staff_id for one in held}


def test_a_logo_that_was_kept_stays_until_it_is_taken_away(house: Database) -> None:
    season = a_programme(house)
    said = replace(Terms(), logo=b"png of before")
    house.write(terms.set_terms, programme_id=season, terms=said, actor=DRAFTER, at=NOON)
    number = begun(house, season)
    answered(house, season, number, "look")
    assert house.read(set_up.find, programme_id=season, set_up_id=number).logo == b"png of before"

    house.write(set_up.without_logo, programme_id=season, set_up_id=number, actor=DRAFTER, at=NOON)

    assert house.read(set_up.find, programme_id=season, set_up_id=number).logo is None
