"""How long a page takes in a full house, against the same page of a nearly empty one: `python -m bench.pages`.

A full house: a town in which the verbs left one of everything, and beside it, written in bulk as they would have left
it, 10 000 merchants and 100 000 vouchers of 1 000 orders, half of them spent over eighty days, settlements, lists of
recipients. Asked is every GET route of the desks and the public pages, as the rooms of pages list them, by one person
with every role of the chamber, in process; what stands in the path are the town's own. A page is HTML; files (PDF, CSV,
XLSX) are measured beside them, once. One JSON line a page, medians of the rounds, then one with the slowest, those over
300 ms and those that did not answer.
"""

import argparse
import hashlib
import io
import itertools
import json
import random
import re
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final

from fastapi import APIRouter
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from httpx2 import Response
from PIL import Image
from sqlalchemy import Table, update

from bench.issue_100k import postgres_urls, sqlite_urls
from tests.bank_words import a_teller, entry
from tests.full_town import by_post, held_back, without_network
from tests.given import a_given_list
from tests.makers import PEPPER, SESSION_KEY, a_buyer, a_siret, a_staff_member, an_iban
from tests.town import APPROVER, BUYERS_APPROVER, CLERK, TREASURER, Town, a_town
from vouchers import (
    applications,
    archive,
    chart,
    clock,
    codes,
    ledger,
    opening,
    order,
    pay,
    seal,
    set_up,
    settle,
    shop_profiles,
    sign_in,
)
from vouchers.api.app import create_app
from vouchers.config import Settings
from vouchers.db import Database, WriteSession
from vouchers.list_check import Matching
from vouchers.pages import doors
from vouchers.paper.photo import shop_photo
from vouchers.schema import migrate
from vouchers.shop_card import Payee, Shop, Told
from vouchers.tables import (
    Day,
    Instant,
    application,
    bank_account,
    batch,
    journal,
    merchant,
    metadata,
    order_line,
    posting,
    programme,
    recipient,
    recipient_list,
    recipient_voucher,
    redemption,
    remittance,
    shop_profile,
    staff,
    till,
    voucher,
    voucher_order,
)

MOST_MS: Final = 300
FACE: Final = 1_000
BUYERS: Final = 20
SHOPS: Final = 3
"""Shops of the town itself; those written in bulk are numbered after them."""
ROLES: Final = ("treasurer", "approver", "administrator", "auditor")
PEOPLE: Final = {
    CLERK: "Anne Marie", BUYERS_APPROVER: "Luc Petit", TREASURER: "Claude Roger", APPROVER: "Rose Lenoir",
    "staff:1001": "Jean Marc", "staff:1002": "Marie Jeanne",
}  # fmt: skip
"""Who acts in the makers of the tests; here the pages ask for their names."""
TRADES: Final = ("boulangerie", "librairie", "boucherie", "fleuriste", "épicerie", "café", "coiffure", "jouets")
COMMUNES: Final = ("Sainte-Mère", "Carentan", "Valognes", "Bricquebec", "Montebourg")
HOURS: Final = opening.parse("Du mardi au samedi : 8h-12h30, 14h-19h30 | dimanche : 8h-13h")
STATES: Final = {95: "placed", 96: "approved", 97: "paid"}
"""Of a hundred orders: those on their way. Two more are printed and not active yet."""
LIST_EVERY: Final = 5
EACH: Final = 2
"""Vouchers that a person of a list receives."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is written in bulk. Orders have `each` vouchers, even, 22 at least; of a hundred five are on the way."""

    merchants: int
    orders: int
    each: int

    @property
    def vouchers(self) -> int:
        return self.orders * self.each


@dataclass(frozen=True, slots=True)
class Furnished:
    """Who looks at the house, and what stands in a path: by the word before a number, or by its name."""

    staff_id: int
    names: Mapping[str, str]


class Bulk:
    """Rows on their way into a house, by table, written in the order in which tables need one another."""

    def __init__(self, town: Town) -> None:
        self.house, self.programme_id = town.house, town.programme_id
        self.rows: dict[str, tuple[Table, tuple[str, ...], list[tuple[Any, ...]]]] = {}
        self.next_journal = town.house.write(ledger.watermark, programme_id=town.programme_id) + 1

    def add(self, table: Table, **row: Any) -> None:
        """Every row of a table names the same columns, in the same order."""
        if "programme_id" in table.c:
            row["programme_id"] = self.programme_id
        self.rows.setdefault(table.name, (table, tuple(row), []))[2].append(tuple(row.values()))

    def fact(
        self,
        kind: str,
        at: datetime,
        subject: str,
        *moves: tuple[str, str, int, int | None],
        actor: str = TREASURER,
        reason: str = "",
    ) -> int:
        number = self.next_journal
        self.next_journal += 1
        day = clock.book_day(at)
        self.add(journal, id=number, kind=kind, at=at, book_day=day, actor=actor, subject=subject, reason=reason)
        for line, (debit, credit, cents, serial) in enumerate(moves, start=1):
            named = {"debit": debit, "credit": credit, "cents": cents, "serial": serial}
            self.add(posting, journal_id=number, line=line, **named)
        return number

    def write(self) -> None:
        for table, columns, rows in (self.rows[one.name] for one in metadata.sorted_tables if one.name in self.rows):
            self.house.write(_insert, table=table, columns=columns, rows=rows)
        self.rows.clear()


def _insert(session: WriteSession, *, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    # Plain tuples to the driver: through SQLAlchemy's own INSERT this takes several times as long.
    lite = session.dialect.name == "sqlite"
    kept: dict[int, Any] = {}
    for place, name in enumerate(columns):
        if isinstance(table.c[name].type, Instant):
            kept[place] = clock.micros
        elif isinstance(table.c[name].type, Day) and lite:
            kept[place] = date.isoformat
    plain = [
        tuple(kept[n](value) if n in kept and value is not None else value for n, value in enumerate(row))
        for row in rows
    ]
    mark = ", ".join(["?" if lite else "%s"] * len(columns))
    sql = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({mark})"
    session.exec_driver_sql(sql, plain)


# ── The town ─────────────────────────────────────────────────────────────────────────────────────────────────────
def furnish(house: Database, size: Size, *, now: datetime) -> Furnished:
    """A programme as a season leaves it."""
    chance, today = random.Random(4), clock.book_day(now)
    begun = now - timedelta(days=100)
    town = a_town(
        house,
        vouchers=size.each,
        shops=SHOPS,
        at=begun,
        target_cents=size.vouchers * FACE,
        starts_on=today - timedelta(days=110),
        expires_on=today + timedelta(days=20),
        presentation_deadline_on=today + timedelta(days=60),
    )
    house.write(_name_people, at=begun)
    buyers = [town.buyer_id]
    for n in range(1, BUYERS):
        buyers.append(a_buyer(house, programme_id=town.programme_id, name=f"Commune {n}", at=begun))
    staff_id = a_staff_member(house, programme_id=town.programme_id, role_names=ROLES, at=begun)
    names = _one_of_each(town, staff_id, at=begun + timedelta(days=1))
    bulk = Bulk(town)
    _shops(bulk, size, at=begun + timedelta(days=2))
    spendable = _orders(bulk, size, buyers, last_day=today + timedelta(days=20), at=begun + timedelta(days=2))
    spent = sorted(chance.sample(spendable, len(spendable) // 2))
    _spend(bulk, size, spent, chance=chance, now=now)
    bulk.write()
    house.write(_spent, town.programme_id, spent)
    if house.dialect == "postgresql":
        last = bulk.next_journal
        house.write(lambda session: session.exec_driver_sql(f"SELECT setval('journal_id', {last})"))
    _settle(house, town.programme_id, now=now)
    _analysed(house)
    return Furnished(staff_id, names)


def _name_people(session: WriteSession, *, at: datetime) -> None:
    for actor, name in PEOPLE.items():
        number = int(actor.partition(":")[2])
        kept = {"email": f"p{number}@example.fr", "password_hash": "-", "enrolled_at": at}
        session.execute(staff.insert().values(id=number, name=name, **kept))


def _one_of_each(town: Town, staff_id: int, *, at: datetime) -> dict[str, str]:
    """A draft, an application, a photo, a list, disputes, holds, a pile, a line of the bank, a paper, by the verbs;

    gives what stands in a path.
    """
    house = town.house
    of: dict[str, Any] = {"programme_id": town.programme_id, "actor": TREASURER, "at": at}
    picture = io.BytesIO()
    Image.effect_noise((1_200, 900), 64).save(picture, "JPEG")
    photo = shop_photo(picture.getvalue())
    drafted = house.write(set_up.begin, **of | {"actor": f"staff:{staff_id}"})
    told = Told("1 rue Haute", "50480", "0233000000", "neuf@example.fr", "Claude", None, "Du pain.", HOURS)
    asked = house.write(
        applications.receive,
        programme_id=town.programme_id,
        shop=Shop("SARL Neuf", "Neuf", a_siret(), TRADES[0], COMMUNES[0]),
        told=told,
        payee=Payee("SARL Neuf", an_iban()),
        photo=photo,
        at=at,
    )
    shop = town.merchants[0]
    house.write(shop_profiles.set_profile, merchant_id=shop, told=told, **of)
    house.write(shop_profiles.set_photo, merchant_id=shop, photo=photo, **of)
    house.write(shop_profiles.set_place, merchant_id=shop, place=shop_profiles.Place(49_400_000, -1_300_000), **of)
    signed = clock.book_day(at)
    house.write(shop_profiles.record_convention, merchant_id=shop, signed_on=signed, **of)
    givens = [
        (("Mme", f"Lemoine{_letters(n)}", "Anne", f"{n} rue Haute", "50480", "Sainte-Mère"), EACH)
        for n in range(1, len(town.secrets) // EACH + 1)
    ]
    list_id, people = a_given_list(town, *givens, face_cents=FACE, at=at)
    town.spend(1, 2, 3, at=at)
    without_network(town, at=at)
    held_back(town, at=at)
    by_post(town, at=at)
    (line,) = a_teller(town, at=at).tells(entry(300, text="INCONNU"))
    kept = {"kind": "dossier", "subject": "programme:1", "file_name": "x.pdf", "file": b"%PDF"}
    paper = house.write(archive.keep, named="D1-2026-00001", **kept, **of)
    return {
        "reglements": "1", "litiges": "1", "remises": "1", "retenues": "1", "lots": str(town.batch_number),
        "commandes": str(town.order_number), "programme_id": str(town.programme_id), "merchant_id": str(shop),
        "buyer_id": str(town.buyer_id), "serial": "1", "application_id": str(asked), "account_id": "1",
        "list_id": str(list_id), "recipient_id": str(people[0]), "line": "2", "set_up_id": str(drafted),
        "staff_id": str(staff_id), "sheet": "commercants", "path": "dates", "kind": "csv", "document": paper.name,
        "releves": str(line.statement_number), "lignes": str(line.number),
        "name": f"{codes.file_hash(photo)[:16]}.jpg",
    }  # fmt: skip


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


# ── In bulk ──────────────────────────────────────────────────────────────────────────────────────────────────────
def _shops(bulk: Bulk, size: Size, *, at: datetime) -> None:
    hours = opening.to_json(HOURS)
    for n in range(SHOPS + 1, SHOPS + size.merchants + 1):
        named = {"legal_name": f"SARL Commerce {n}", "shop_name": f"Commerce {n}", "siret": a_siret()}
        where = {"trade": TRADES[n % len(TRADES)], "commune": COMMUNES[n % len(COMMUNES)]}
        bulk.add(merchant, id=n, state="active", enrolled_at=at, **named, **where)
        account = {"account_holder": f"Commerce {n}", "iban": an_iban(), "state": "confirmed"}
        asked = {"asked_by": TREASURER, "asked_at": at, "confirmed_by": APPROVER, "confirmed_at": at}
        bulk.add(bank_account, id=n, merchant_id=n, in_force_at=at, **account, **asked)
        place = {"latitude_e6": 49_400_000 + n, "longitude_e6": -1_300_000 - n}
        bulk.add(shop_profile, merchant_id=n, street=f"{n} rue de l'Église", postcode="50480", hours=hours, **place)
        bulk.add(till, id=n, merchant_id=n, label="Caisse", public_key=n.to_bytes(65, "big"), paired_at=at)
        bulk.fact("merchant_enrolled", at, f"merchant:{n}")
        bulk.fact("account_asked", at, f"merchant:{n}", reason=f"account:{n}")
        bulk.fact("account_confirmed", at, f"merchant:{n}", actor=APPROVER, reason=f"account:{n} rappelé")
        bulk.fact("till_paired", at, f"till:{n}", reason=f"merchant:{n}")
    day = clock.book_day(at)
    for n in range(2, max(3, size.merchants // 100)):
        asked = {"contact_name": "Claude", "email": f"c{n}@example.fr", "phone": "0233000000", "postcode": "50480"}
        shop = {"legal_name": f"SARL Neuf {n}", "shop_name": f"Neuf {n}", "siret": a_siret(), "street": "1 rue"}
        what = {"trade": TRADES[n % len(TRADES)], "commune": COMMUNES[0], "account_holder": f"Neuf {n}"}
        bulk.add(application, id=n, state="asked", applied_at=at, hours=hours, iban=an_iban(), **asked, **shop, **what)
        bulk.fact("application_received", at, f"application:{n}", actor=applications.APPLICANT)
        pile = {"slip_count": 3, "slip_cents": 3_000, "spent_on": day}
        bulk.add(remittance, number=n, merchant_id=n, state="open", opened_by=TREASURER, opened_at=at, **pile)
        bulk.fact("remittance_opened", at, f"remittance:{n}", reason=f"merchant:{n} 3 3000 {day.isoformat()}")


def _orders(bulk: Bulk, size: Size, buyers: Sequence[int], *, last_day: date, at: datetime) -> list[int]:
    """Orders after the town's own, their batches, vouchers and lists; gives the serials that can be spent."""
    spendable: list[int] = []
    first, lot = size.each + 1, 1
    for rank in range(size.orders):
        number, stage = rank + 2, rank % 100
        state = STATES.get(stage, "issued")
        _order(bulk, number, buyers[rank % len(buyers)], state, cents=size.each * FACE, at=at)
        if rank % LIST_EVERY == 0:
            people = size.each // EACH
            _list(bulk, number, buyers[rank % len(buyers)], people, first if state == "issued" else None, at=at)
        if state != "issued":
            continue
        lot += 1
        _batch(bulk, size, lot, number, first, active=stage < 98, last_day=last_day, at=at)
        if stage < 98:
            spendable.extend(range(first, first + size.each))
        first += size.each
    bulk.house.write(
        lambda session: session.execute(
            update(programme).where(programme.c.id == bulk.programme_id).values(next_serial=first)
        )
    )
    return spendable


def _order(bulk: Bulk, number: int, buyer_id: int, state: str, *, cents: int, at: datetime) -> None:
    owed, ordered, subject = chart.receivable(number), chart.ordered(number), f"order:{number}"
    reference = order.rf_reference(programme_id=bulk.programme_id, order_number=number)
    bulk.add(
        voucher_order, number=number, buyer_id=buyer_id, state=state, rf_reference=reference, fee_cents=0,
        fee_vat_cents=0, drafted_by=CLERK, drafted_at=at, placed_by=CLERK,
        approved_by=None if state == "placed" else BUYERS_APPROVER,
    )  # fmt: skip
    bulk.add(order_line, order_number=number, line=1, face_cents=FACE, quantity=cents // FACE)
    bulk.fact("order_placed", at, subject, actor=CLERK)
    if state != "placed":
        bulk.fact("order_approved", at, subject, (owed, ordered, cents, None), actor=BUYERS_APPROVER)
    if state not in {"placed", "approved"}:
        bulk.fact("order_paid", at, subject, (chart.BANK, owed, cents, None), reason=f"VIR O{number}")


def _batch(
    bulk: Bulk, size: Size, lot: int, number: int, first: int, *, active: bool, last_day: date, at: datetime
) -> None:
    subject, state = f"batch:{lot}", "active" if active else "printed"
    bulk.add(
        batch, number=lot, order_number=number, state=state, first_serial=first, quantity=size.each,
        issued_count=size.each, expires_on=last_day, issued_by=TREASURER, begun_at=at, printed_by=TREASURER,
        printed_at=at, activated_by=APPROVER if active else None, activated_at=at if active else None,
    )  # fmt: skip
    papers = hashlib.sha256()
    for serial in range(first, first + size.each):
        code, control = hashlib.sha256(f"code {serial}".encode()).digest(), hashlib.sha256(b"control").digest()
        papers.update(f"{serial} {code.hex()} {control.hex()} {FACE}\n".encode("ascii"))
        bulk.add(
            voucher, serial=serial, batch_number=lot, code_hash=code, control_hash=control, face_cents=FACE,
            balance_cents=FACE, state=state, expires_on=last_day, offline_prefix=code[:8],
        )  # fmt: skip
    bulk.fact("issue_begun", at, subject, reason=f"order:{number}")
    reason = f"{first}-{first + size.each - 1} {papers.hexdigest()}"
    bulk.fact("issued", at, subject, (chart.ordered(number), chart.FLOAT, size.each * FACE, None), reason=reason)
    bulk.fact("printed", at, subject)
    if active:
        bulk.fact("activated", at, subject, actor=APPROVER, reason=str(size.each))


def _list(bulk: Bulk, number: int, buyer_id: int, people: int, first: int | None, *, at: datetime) -> None:
    """The list an order was made from; from the serial `first` on, its people have their vouchers."""
    rows = [(line, (f"Lemoine{_letters(line)}", "Anne", f"{line} rue Haute")) for line in range(2, people + 2)]
    content = json.dumps({"header": ["Nom", "Prénom", "Adresse"], "rows": rows})
    matching = json.dumps(Matching({"last_name": 0, "first_name": 1, "address": 2}, FACE, EACH).as_json())
    bulk.add(
        recipient_list, id=number, buyer_id=buyer_id, name=f"Liste {number}", state="ordered", content=content,
        matching=matching, order_number=number, brought_by=CLERK, brought_at=at, changed_at=at,
    )  # fmt: skip
    for line, (name, first_name, address) in rows:
        named = {"last_name": name, "first_name": first_name, "address": address, "postcode": "50480"}
        what = {"line": line, "town": "Sainte-Mère", "face_cents": FACE, "quantity": EACH}
        bulk.add(recipient, id=number * 1_000 + line, list_id=number, buyer_id=buyer_id, **named, **what)
        if first is not None:
            for serial in range(first + (line - 2) * EACH, first + (line - 1) * EACH):
                bulk.add(recipient_voucher, serial=serial, recipient_id=number * 1_000 + line)
    reason = f"order:{number} {people} {people * EACH}"
    bulk.fact("recipients_ordered", at, f"list:{number}", actor=CLERK, reason=reason)
    if first is not None:
        bulk.fact("recipients_assigned", at, f"list:{number}", reason=reason)


def _spend(bulk: Bulk, size: Size, spent: Sequence[int], *, chance: random.Random, now: datetime) -> None:
    # In the order of time, as journals are; at shops' hours, some shops far busier than others.
    first = (now - timedelta(days=80)).replace(hour=7, minute=0)
    times = sorted(
        first + timedelta(days=chance.randrange(80), minutes=chance.choice((60, 120, 500)) + chance.randrange(120))
        for _ in spent
    )
    for serial, at in zip(chance.sample(spent, len(spent)), times, strict=True):
        shop = int(size.merchants * chance.random() ** 2) + 1
        moved = (chart.FLOAT, chart.merchant(shop), FACE, serial)
        number = bulk.fact("redeemed", at, f"merchant:{shop}", moved, actor=f"till:{shop}")
        bulk.add(redemption, journal_id=number, merchant_id=shop, till_id=shop, cents=FACE, at=at)


def _spent(session: WriteSession, programme_id: int, serials: Sequence[int]) -> None:
    lite = session.dialect.name == "sqlite"
    sql = "UPDATE voucher SET state = 'redeemed', balance_cents = 0 WHERE programme_id = ? AND serial = ?"
    session.exec_driver_sql(sql if lite else sql.replace("?", "%s"), [(programme_id, serial) for serial in serials])


def _settle(house: Database, programme_id: int, *, now: datetime) -> None:
    """What was spent until three weeks ago is settled and sealed; the balances kept then are a week old."""
    what: dict[str, Any] = {"programme_id": programme_id, "at": now}
    for days in (50, 20):
        upto = house.write(ledger.watermark, programme_id=programme_id)
        to_on = clock.book_day(now) - timedelta(days=days)
        run = house.write(settle.propose, to_on=to_on, upto_journal=upto, actor=TREASURER, **what)
        house.write(settle.approve, number=run.number, execution_on=None, actor=APPROVER, **what)
        house.write(pay.export, number=run.number, actor=TREASURER, **what)
        house.write(pay.execute, number=run.number, actor=TREASURER, **what)
    upto = house.write(ledger.watermark, programme_id=programme_id)
    house.write(seal.seal, programme_id=programme_id, upto_journal=upto, at=now)
    house.write(ledger.snapshot, programme_id=programme_id, upto_journal=upto)


def _analysed(house: Database) -> None:
    # PostgreSQL does so by itself after a while; SQLite plans without.
    if house.dialect == "postgresql":
        with house.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


# ── The pages ────────────────────────────────────────────────────────────────────────────────────────────────────
AS_A_STRANGER: Final = {"/connexion"}
"""Who is signed in is led away from there."""


def pages_of(rooms: Sequence[APIRouter], names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(route, address) of every page that can be opened, whoever listed it."""
    for route in itertools.chain.from_iterable(room.routes for room in rooms):
        if isinstance(route, APIRoute) and "GET" in (route.methods or ()):
            yield route.path, re.sub(r"\{(\w+)(?::\w+)?\}", partial(_filled, names, route.path), route.path)


def _filled(names: Mapping[str, str], path: str, found: re.Match[str]) -> str:
    before = path[: found.start()].rstrip("/").rpartition("/")[2]
    return names[before if found[1] == "number" else found[1]]


@contextmanager
def opened(house_url: str, staff_id: int) -> Iterator[TestClient]:
    """The application over this house, with that person signed in."""
    settings = Settings(database_url=house_url, pepper=PEPPER, session_key=SESSION_KEY)
    with TestClient(create_app(settings), follow_redirects=False) as client:
        house: Database = client.app.state.house.database
        lasts = timedelta(hours=8)
        told: dict[str, Any] = {"means": "passkey", "label": "bench", "session_key": SESSION_KEY, "lasts": lasts}
        session = house.write(sign_in.open_session, staff_id=staff_id, at=clock.now(), **told)
        client.cookies.set("session", session.secret)
        yield client


@dataclass(frozen=True, slots=True)
class Took:
    """Milliseconds of one page, median; what it answered with."""

    ms: float
    status: int
    html: bool


def measured(client: TestClient, names: Mapping[str, str], rounds: int) -> dict[str, Took]:
    """Every page of the application behind `client`: once to warm up, then `rounds` times; a slow file once in all."""
    took: dict[str, Took] = {}
    session = client.cookies["session"]
    for route, address in pages_of(doors.ROOMS, names):
        if route in AS_A_STRANGER:
            client.cookies.delete("session")
        first, ms = _asked(client, address)
        html = first.headers.get("content-type", "").startswith("text/html")
        if html or ms < MOST_MS:
            ms = statistics.median(_asked(client, address)[1] for _ in range(rounds))
        took[route] = Took(ms, first.status_code, html)
        client.cookies.set("session", session)
    return took


def _asked(client: TestClient, address: str) -> tuple[Response, float]:
    started = time.perf_counter()
    answer = client.get(address)
    return answer, (time.perf_counter() - started) * 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1 000 merchants, 10 000 vouchers, SQLite alone")
    asked = parser.parse_args()
    full = Size(1_000, 100, 100) if asked.quick else Size(10_000, 1_000, 100)
    rounds = 3 if asked.quick else 7
    engines = [("sqlite", sqlite_urls)] if asked.quick else [("sqlite", sqlite_urls), ("postgresql", postgres_urls)]
    for engine, fresh_urls in engines:
        with fresh_urls() as urls:
            took = []
            for size in (Size(10, 1, 100), full):
                url, now = next(urls), clock.now()
                house = Database(url)
                migrate(house)
                made = furnish(house, size, now=now)
                house.close()
                with opened(url, made.staff_id) as client:
                    took.append(measured(client, made.names, rounds))
        told(engine, full, *took)


def told(engine: str, size: Size, empty: dict[str, Took], full: dict[str, Took]) -> None:
    """One line a page, then the whole."""
    for route, took in full.items():
        base = empty[route]
        same = (took.status, base.status) == (200, 200)
        figures = {
            "name": "page_ms" if took.html else "file_ms",
            "engine": engine,
            "route": route,
            "status": took.status,
            "ours": round(took.ms, 1),
            "baseline": round(base.ms, 1) if same else None,
            "ratio": round(took.ms / base.ms, 2) if same else None,
            "unit": "ms",
        }
        print(json.dumps(figures, ensure_ascii=False))
    pages = {route: took for route, took in full.items() if took.html and took.status == 200}
    slowest = max(pages, key=lambda route: pages[route].ms)
    whole: dict[str, Any] = {
        "name": "pages",
        "engine": engine,
        "merchants": size.merchants,
        "vouchers": size.vouchers,
        "orders": size.orders,
        "pages": len(pages),
        "led_elsewhere": [route for route, took in full.items() if took.status == 303],
        "not_answered": [route for route, took in full.items() if took.status not in (200, 303)],
        "slowest": slowest,
        "ours": round(pages[slowest].ms, 1),
        "median": round(statistics.median(took.ms for took in pages.values()), 1),
        "over_300_ms": sorted(route for route, took in pages.items() if took.ms > MOST_MS),
        "unit": "ms",
    }
    print(json.dumps(whole, ensure_ascii=False))


if __name__ == "__main__":
    main()
