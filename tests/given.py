"""People who were given the vouchers of a town's order, in the order of their list."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import select

from tests.makers import NOON
from tests.town import CLERK, Town
from vouchers import list_check, recipient_lists, recipients
from vouchers.list_check import Row
from vouchers.tables import recipient

HEADER: Final = ("Civilité", "Nom", "Prénom", "Adresse", "Code postal", "Ville", "Nombre", "Valeur")
JEANNE: Final = ("Mme", "Lefèvre-Œuvray", "Jeanne", "12 rue du Quai", "50550", "Saint-Vaast")
PAUL: Final = ("M.", "Nguyen", "Paul", "3 rue Haute", "50550", "Saint-Vaast")


def a_given_list(
    town: Town,
    *people: tuple[Sequence[str], int],
    face_cents: int = 1_000,
    name: str = "Colis des aînés",
    at: datetime = NOON,
) -> tuple[int, list[int]]:
    """(list, people) of a list tied to the town's order, its vouchers assigned. Who: (six cells, how many vouchers)."""
    rows = [
        Row(line, (*who, str(quantity), f"{face_cents // 100}")) for line, (who, quantity) in enumerate(people, start=2)
    ]
    scope = {"programme_id": town.programme_id, "at": at}
    list_id = town.house.write(
        recipient_lists.bring, buyer_id=town.buyer_id, name=name, header=HEADER, rows=rows, actor=CLERK, **scope
    )
    kept = town.house.read(recipient_lists.find, programme_id=town.programme_id, list_id=list_id)
    sold = town.house.read(recipient_lists.sold, programme_id=town.programme_id)
    checked = list_check.check(kept.header, kept.rows, kept.matching, sold=sold)
    assert checked.ready, checked
    town.house.write(
        recipient_lists.order,
        list_id=list_id,
        checked=checked,
        seen_at=kept.changed_at,
        order_number=town.order_number,
        actor=CLERK,
        **scope,
    )
    town.house.write(recipients.assign, order_number=town.order_number, actor=CLERK, **scope)
    wanted = select(recipient.c.id).where(recipient.c.list_id == list_id).order_by(recipient.c.line)
    return list_id, list(town.house.read(lambda session: session.execute(wanted).scalars().all()))
