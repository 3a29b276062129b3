"""People's data: found by name, handed out, erased, purged; and the books stand as before."""

import pytest
from sqlalchemy import text

from tests.given import JEANNE, PAUL, a_given_list
from tests.makers import NOON, facts_of, later
from tests.town import CLERK, Town, a_town
from vouchers import finding, privacy, recipient_lists, reminders
from vouchers.db import Database, ReadSession
from vouchers.errors import BadInput, ListSpendable, ListState, NotFound
from vouchers.tables import metadata

NAMES = ("Lefèvre", "Œuvray", "Jeanne", "12 rue du Quai")


def everything(session: ReadSession) -> str:
    """Every cell of every table, as it is read and as JSON would hide it."""
    cells = [
        str(cell)
        for table in metadata.sorted_tables
        for row in session.execute(text(f"SELECT * FROM {table.name}"))
        for cell in row
    ]
    whole = "\n".join(cells)
    return whole + whole.encode().decode("unicode_escape", "replace")


def a_town_of_two(house: Database) -> tuple[Town, int, list[int]]:
    town = a_town(house, vouchers=5, use_rule="partial")
    list_id, people = a_given_list(town, (JEANNE, 3), (PAUL, 2))
    return town, list_id, people


def test_a_person_is_found_whatever_the_accents_and_never_by_another_buyer(house: Database) -> None:
    town, _list, (jeanne, paul) = a_town_of_two(house)
    town.spend(1, cents=400)

    def named(name: str, *buyers: int) -> list[tuple[int, list[int]]]:
        found = house.read(
            finding.people_named,
            programme_id=town.programme_id,
            name=name,
            buyer_ids=frozenset(buyers) if buyers else None,
        )
        return [(one.recipient_id, [paper.serial for paper in one.vouchers]) for one in found]

    for typed in ("lefevre", "LEFÈVRE OEUVRAY", "jeanne", "oeuvray-lefevre", "Œuv"):
        assert named(typed) == [(jeanne, [1, 2, 3])], typed
    assert named("nguyen paul", town.buyer_id) == [(paul, [4, 5])]
    assert named("lefevre", town.buyer_id + 1) == []
    assert named("martin") == []
    for short in ("", "x", "%_", "'"):
        with pytest.raises(BadInput):
            named(short)
    found = house.read(finding.people_named, programme_id=town.programme_id, name="jeanne")
    assert [paper.spent for paper in found[0].vouchers] == ["part", "none", "none"]


def test_vouchers_are_listed_by_number_order_batch_and_state_page_by_page(house: Database) -> None:
    town, _list, _people = a_town_of_two(house)
    town.block(3)

    def listed(**how: object) -> list[int]:
        wanted = finding.Wanted(**{name: how.pop(name) for name in list(how) if name in finding.Wanted._fields})
        found = house.read(finding.listed, programme_id=town.programme_id, wanted=wanted, **how)
        return [one.serial for one in found]

    assert listed(first=2, last=4) == [2, 3, 4]
    assert listed(first=2, after=2, limit=1) == [3]
    assert listed(order_number=town.order_number) == [1, 2, 3, 4, 5]
    assert listed(order_number=town.order_number + 1) == []
    assert listed(batch_number=town.batch_number, state="blocked") == [3]
    assert listed(buyer_ids=frozenset({town.buyer_id + 1})) == []
    new = town.replace(3)
    assert house.read(finding.names_of, programme_id=town.programme_id, serials=[1, 3, new]) == {
        1: "Mme Jeanne Lefèvre-Œuvray",
        new: "Mme Jeanne Lefèvre-Œuvray",
    }


def test_a_copy_holds_all_that_is_kept_of_a_person_and_says_nothing_of_where_they_spend(house: Database) -> None:
    town, list_id, (jeanne, _paul) = a_town_of_two(house)
    town.spend(1, cents=400)
    copy = house.write(
        privacy.export, programme_id=town.programme_id, recipient_id=jeanne, actor=CLERK, at=later(hours=1)
    )
    assert copy.full_name == "Mme Jeanne Lefèvre-Œuvray" and copy.town == "Saint-Vaast"
    assert ("Adresse", "12 rue du Quai") in copy.read
    assert [(one.serial, one.balance_cents) for one in copy.vouchers] == [(1, 600), (2, 1_000), (3, 1_000)]
    assert copy.due_on.isoformat() == "2027-12-30"
    assert "Commerce" not in repr(copy)
    told = [(f"recipient:{jeanne}", f"list:{list_id}")]
    assert facts_of(house, programme_id=town.programme_id, kind="recipient_exported") == told
    with pytest.raises(NotFound):
        house.write(privacy.export, programme_id=town.programme_id, recipient_id=jeanne + 9, actor=CLERK, at=NOON)


def test_an_erased_person_is_nowhere_in_the_database_and_their_vouchers_stay_good(house: Database) -> None:
    town, list_id, (jeanne, paul) = a_town_of_two(house)
    assert all(name in house.read(everything) for name in NAMES)
    for _again in range(2):
        house.write(privacy.erase, programme_id=town.programme_id, recipient_id=jeanne, actor=CLERK, at=later(hours=1))
    left = house.read(everything)
    assert not [name for name in NAMES if name in left]
    assert "Nguyen" in left
    told = [(f"recipient:{jeanne}", f"list:{list_id}")]
    assert facts_of(house, programme_id=town.programme_id, kind="recipient_erased") == told
    kept = house.read(privacy.person_kept, programme_id=town.programme_id, recipient_id=jeanne)
    assert (kept.full_name, kept.read, len(kept.vouchers)) == ("", (), 3)
    assert town.held(1) == ("active", 1_000)
    town.spend(1)
    held = house.read(reminders.holders, programme_id=town.programme_id, buyer_id=town.buyer_id, at=NOON)
    assert [(one.recipient_id, one.vouchers, one.cents) for one in held] == [(paul, 2, 2_000)]
    logged = house.read(privacy.log, programme_id=town.programme_id, buyer_ids=[town.buyer_id])
    assert [(one.kind, one.recipient_id, one.people) for one in logged] == [("recipient_erased", jeanne, 1)]
    assert house.read(privacy.log, programme_id=town.programme_id, buyer_ids=[town.buyer_id + 1]) == []
    town.books_hold()


def test_a_list_is_purged_once_nothing_is_left_to_spend_or_when_somebody_says_so(house: Database) -> None:
    town, list_id, _people = a_town_of_two(house)
    scope = {"programme_id": town.programme_id, "list_id": list_id, "actor": CLERK, "at": later(hours=1)}
    with pytest.raises(ListSpendable) as refused:
        house.write(privacy.purge, although_unspent=False, **scope)
    assert refused.value.data == {"number": list_id, "vouchers": 5}
    town.spend(1, 2, 3, 4, 5)
    assert house.write(privacy.purge, although_unspent=False, **scope) == 2
    with pytest.raises(ListState):
        house.write(privacy.purge, although_unspent=True, **scope)
    left = house.read(everything)
    assert not [name for name in (*NAMES, "Nguyen", "3 rue Haute") if name in left]
    (kept,) = house.read(privacy.lists_kept, programme_id=town.programme_id)
    assert (kept.state, kept.people, kept.erased, kept.unspent) == ("purged", 0, 2, 0)
    assert house.read(recipient_lists.find, programme_id=town.programme_id, list_id=list_id).rows == ()
    assert facts_of(house, programme_id=town.programme_id, kind="recipients_purged") == [(f"list:{list_id}", "2")]
    (logged,) = house.read(privacy.log, programme_id=town.programme_id)
    assert (logged.actor, logged.at, logged.people) == (CLERK, later(hours=1), 2)
    town.books_hold()


def test_a_list_whose_people_still_hold_money_is_purged_when_somebody_insists(house: Database) -> None:
    town, list_id, _people = a_town_of_two(house)
    scope = {"programme_id": town.programme_id, "list_id": list_id, "actor": CLERK, "at": later(hours=1)}
    assert house.write(privacy.purge, although_unspent=True, **scope) == 2
    assert house.read(reminders.holdings, programme_id=town.programme_id, buyer_id=town.buyer_id, at=NOON) == []
    town.spend(2)
    town.books_hold()
