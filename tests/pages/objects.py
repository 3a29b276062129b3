"""What one buyer and one shop have, under the names that the paths of the pages give it."""

from dataclasses import dataclass
from typing import Any, Final

from tests.api.doors import Doors
from tests.makers import a_batch, a_buyer, a_merchant, a_person, a_siret, an_account, an_iban, an_order
from vouchers import (
    applications,
    archive,
    bank_accounts,
    clock,
    hold,
    list_check,
    opening,
    recipient_lists,
    recipients,
    remit,
    roles,
    set_up,
)
from vouchers.db import WriteSession
from vouchers.list_check import Row
from vouchers.order_book import Line
from vouchers.shop_card import Payee, Shop, Told

NUMBERS: Final = {
    "commandes": "order", "lots": "batch", "reglements": "run", "retenues": "hold", "remises": "remittance",
    "litiges": "dispute", "lignes": "bank_line", "releves": "bank_statement",
}  # fmt: skip
"""What a `{number}` is the number of, by the word before it."""
OBJECTS: Final = {
    "programme_id", "number", "buyer_id", "merchant_id", "account_id", "till_id", "staff_id", "role_id", "serial",
    "set_up_id", "path", "application_id", "list_id", "line", "recipient_id", "sheet", "name", "kind", "file",
    "document",
}  # fmt: skip
_WORDS: Final = {"path": "dates", "sheet": "semaines", "line": 2, "name": "x", "kind": "csv", "file": "x"}


@dataclass(frozen=True)
class Objects:
    """One of everything, and the programme it is in."""

    programme_id: int
    values: dict[str, Any]

    def of_shop(self) -> "Objects":
        """The same, where what may be a buyer's or a shop's is the shop's."""
        return Objects(self.programme_id, {**self.values, "document": self.values["shop_document"]})

    def fill(self, path: str) -> str:
        """The path of a page about these objects."""
        parts = path.split("/")
        for at, part in enumerate(parts):
            if "{" not in part:
                continue
            name = part.partition("{")[2].partition("}")[0].partition(":")[0]
            known = NUMBERS[parts[at - 1]] if name == "number" else name
            parts[at] = part.partition("{")[0] + str(self.values[known]) + part.partition("}")[2]
        return "/".join(parts)


def objects_of(doors: Doors, programme_id: int) -> Objects:
    """A buyer with an active batch and a list, a shop with an account, a till, a pile and a dispute."""
    house, at = doors.house, clock.now()
    today = clock.book_day(at)
    buyer_id = a_buyer(house, programme_id=programme_id, at=at)
    merchant_id = a_merchant(house, programme_id=programme_id, at=at)
    paid = an_order(house, programme_id=programme_id, buyer_id=buyer_id, lines=[Line(1_000, 3)])
    made = a_batch(house, paid=paid, upto="active")
    an_account(house, programme_id=programme_id, merchant_id=merchant_id, at=at)
    victim = a_person(house, programme_id=programme_id, at=at)
    till_id = doors.till(programme_id, merchant_id).paired.till.till_id

    def rest(session: WriteSession) -> dict[str, Any]:
        of = {"programme_id": programme_id}
        mine = {**of, "actor": "staff:1", "at": at}
        account_id = bank_accounts.ask_account(
            session, **mine, merchant_id=merchant_id, account_holder="SARL Lemoine", iban=an_iban()
        )
        role_id = roles.ask_role(session, **mine, staff_id=victim, name="auditor")
        list_id = recipient_lists.bring(
            session,
            **mine,
            buyer_id=buyer_id,
            name="Aînés",
            header=("Nom", "Prénom"),
            rows=[Row(2, ("Lefèvre", "Zoé"))],
        )
        told = Told("1 rue du Lavoir", "14170", "0231000000", "a@example.fr", "Zoé", None, None, opening.UNKNOWN)
        application_id = applications.receive(
            session,
            **of,
            shop=Shop("SARL Neuve", "Neuve", a_siret(), "Cave", "Falaise"),
            told=told,
            payee=Payee("SARL Neuve", an_iban()),
            photo=None,
            at=at,
        )
        pile = remit.open_remittance(
            session, **mine, merchant_id=merchant_id, slip_count=1, slip_cents=1_000, spent_on=today
        )
        held = hold.lay(session, **mine, merchant_id=merchant_id, of_posting=None, because="à vérifier")
        return {
            "account_id": account_id,
            "role_id": role_id,
            "list_id": list_id,
            "application_id": application_id,
            "remittance": pile.number,
            "hold": held.number,
            "set_up_id": set_up.begin(session, **mine),
        }

    values = house.write(rest) | {
        "programme_id": programme_id, "buyer_id": buyer_id, "merchant_id": merchant_id, "order": paid.number,
        "batch": made.number, "serial": made.first_serial, "till_id": till_id, "staff_id": victim, "run": 1,
        "dispute": 1, "bank_line": 1, "bank_statement": 1, **_WORDS,
    }  # fmt: skip
    values |= _papers(doors, programme_id, buyer_id=buyer_id, merchant_id=merchant_id)
    values["recipient_id"] = _someone(doors, programme_id, buyer_id=buyer_id, order_number=paid.number)
    return Objects(programme_id, values)


def _papers(doors: Doors, programme_id: int, *, buyer_id: int, merchant_id: int) -> dict[str, str]:
    """A paper of the buyer and one of the shop."""
    kept: dict[str, Any] = {"kind": "dossier", "subject": "programme:1", "file_name": "x.pdf", "file": b"%PDF"}
    told = {"programme_id": programme_id, "actor": "staff:1", "at": clock.now(), **kept}
    house = doors.house
    return {
        "document": house.write(archive.keep, named=f"b-{buyer_id}", buyer_id=buyer_id, **told).name,
        "shop_document": house.write(archive.keep, named=f"m-{merchant_id}", merchant_id=merchant_id, **told).name,
    }


def _someone(doors: Doors, programme_id: int, *, buyer_id: int, order_number: int) -> int:
    """A person who was given the vouchers of the order."""
    of = {"programme_id": programme_id}
    mine = {**of, "actor": "staff:1", "at": clock.now()}
    header, rows = ("Nom", "Prénom", "Nombre", "Valeur"), [Row(2, ("Lefèvre", "Zoé", "3", "10"))]

    def given(session: WriteSession) -> int:
        list_id = recipient_lists.bring(session, **mine, buyer_id=buyer_id, name="Colis", header=header, rows=rows)
        kept = recipient_lists.find(session, **of, list_id=list_id)
        sold = recipient_lists.sold(session, **of)
        checked = list_check.check(kept.header, kept.rows, kept.matching, sold=sold)
        ordered = {"checked": checked, "seen_at": kept.changed_at, "order_number": order_number}
        recipient_lists.order(session, **mine, list_id=list_id, **ordered)
        recipients.assign(session, **mine, order_number=order_number)
        return recipients.of_list(session, **of, list_id=list_id)[0].recipient_id

    return doors.house.write(given)
