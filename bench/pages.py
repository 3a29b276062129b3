"""How long a page takes in a full house, against the same page of a nearly empty one: `python -m bench.pages`.

A full house: 10 000 merchants, 100 000 vouchers of 1 000 orders, half of them spent over eighty days, settlements,
lists of recipients, all written in bulk as the verbs would have left it. Asked is every GET route of the desks and the
public pages, as the rooms of pages list them, by one person with every role of the chamber, in process; what stands in
the path comes from a small table. A page is HTML; files (PDF, CSV, XLSX) are measured beside them. One JSON line a
page, medians of the rounds, then one with the slowest and those over 300 ms.
"""

import argparse
import itertools
import json
import random
import re
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final

from fastapi import APIRouter
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy import Table

from bench.issue_100k import postgres_urls, sqlite_urls
from tests.makers import PEPPER, SESSION_KEY, a_buyer, a_programme, a_siret, a_staff_member, an_iban
from vouchers import chart, clock, ledger, opening, pay, seal, settle, sign_in
from vouchers.api.app import create_app
from vouchers.config import Settings
from vouchers.db import Database, WriteSession
from vouchers.pages import doors
from vouchers.schema import migrate
from vouchers.tables import (
    application,
    bank_account,
    batch,
    journal,
    merchant,
    order_line,
    posting,
    recipient,
    recipient_list,
    recipient_voucher,
    redemption,
    remittance,
    shop_profile,
    till,
    voucher,
    voucher_order,
)

MOST_MS: Final = 300
FACE: Final = 1_000
BUYERS: Final = 20
ROLES: Final = ("treasurer", "approver", "administrator", "auditor")
TRADES: Final = ("boulangerie", "librairie", "boucherie", "fleuriste", "épicerie", "café", "coiffure", "jouets")
COMMUNES: Final = ("Sainte-Mère", "Carentan", "Valognes", "Bricquebec", "Montebourg")
ISSUED_BY, ACTIVATED_BY = "staff:901", "staff:902"
_ROWS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Size:
    """How much stands in a house. Each order has `each` vouchers; of a hundred orders, five are still on their way."""

    merchants: int
    orders: int
    each: int

    @property
    def vouchers(self) -> int:
        return self.orders * self.each


class Bulk:
    """Rows on their way into a house, by table, written in the order in which tables need one another."""

    def __init__(self, house: Database, programme_id: int) -> None:
        self.house, self.programme_id = house, programme_id
        self.rows: dict[str, tuple[Table, list[dict[str, Any]]]] = {}
        self.next_journal = house.write(ledger.watermark, programme_id=programme_id) + 1

    def add(self, table: Table, **row: Any) -> None:
        if "programme_id" in table.c:
            row["programme_id"] = self.programme_id
        self.rows.setdefault(table.name, (table, []))[1].append(row)

    def fact(self, kind: str, at: datetime, subject: str, *moves: tuple[str, str, int, int | None]) -> int:
        number = self.next_journal
        self.next_journal += 1
        day = clock.book_day(at)
        self.add(journal, id=number, kind=kind, at=at, book_day=day, actor="staff:901", subject=subject, reason="")
        for line, (debit, credit, cents, serial) in enumerate(moves, start=1):
            named = {"debit": debit, "credit": credit, "cents": cents, "serial": serial}
            self.add(posting, journal_id=number, line=line, **named)
        return number

    def write(self) -> None:
        for table, rows in self.rows.values():
            for start in range(0, len(rows), _ROWS):
                part = rows[start : start + _ROWS]
                self.house.write(_insert, table=table, rows=part)
        self.rows.clear()


def _insert(session: WriteSession, *, table: Table, rows: list[dict[str, Any]]) -> None:
    session.execute(table.insert(), rows)


# ── The house ────────────────────────────────────────────────────────────────────────────────────────────────────
def furnish(house: Database, size: Size, *, now: datetime) -> int:
    """A programme as a season leaves it; gives the number of the person who looks at it."""
    chance, today = random.Random(4), clock.book_day(now)
    begun = now - timedelta(days=100)
    programme_id = a_programme(
        house,
        target_cents=size.vouchers * FACE,
        starts_on=today - timedelta(days=110),
        expires_on=today + timedelta(days=20),
        presentation_deadline_on=today + timedelta(days=60),
        at=begun,
    )
    buyers = [a_buyer(house, programme_id=programme_id, name=f"Commune {n}", at=begun) for n in range(BUYERS)]
    staff_id = a_staff_member(house, programme_id=programme_id, role_names=ROLES, at=begun)
    bulk = Bulk(house, programme_id)
    _shops(bulk, size, at=begun)
    bulk.write()
    spendable = _orders(bulk, size, buyers, at=begun)
    spent = sorted(chance.sample(spendable, len(spendable) // 2))
    _vouchers(bulk, size, spent=frozenset(spent), last_day=today + timedelta(days=20))
    _spend(bulk, size, spent, chance=chance, now=now)
    bulk.write()
    _recipients(bulk, size, buyers, at=begun)
    bulk.write()
    if house.dialect == "postgresql":
        last = bulk.next_journal
        house.write(lambda session: session.exec_driver_sql(f"SELECT setval('journal_id', {last})"))
    _settle(house, programme_id, now=now)
    _analysed(house)
    return staff_id


def _shops(bulk: Bulk, size: Size, *, at: datetime) -> None:
    hours = opening.to_json(opening.parse("Du mardi au samedi : 8h-12h30, 14h-19h30 | dimanche : 8h-13h"))
    for n in range(1, size.merchants + 1):
        named = {"legal_name": f"SARL Commerce {n}", "shop_name": f"Commerce {n}", "siret": a_siret()}
        where = {"trade": TRADES[n % len(TRADES)], "commune": COMMUNES[n % len(COMMUNES)]}
        bulk.add(merchant, id=n, state="active", enrolled_at=at, **named, **where)
        account = {"account_holder": f"Commerce {n}", "iban": an_iban(), "state": "confirmed"}
        asked = {"asked_by": ISSUED_BY, "asked_at": at, "confirmed_by": ACTIVATED_BY, "confirmed_at": at}
        bulk.add(bank_account, merchant_id=n, in_force_at=at, **account, **asked)
        place = {"latitude_e6": 49_400_000 + n, "longitude_e6": -1_300_000 - n}
        bulk.add(shop_profile, merchant_id=n, street=f"{n} rue de l'Église", postcode="50480", hours=hours, **place)
        bulk.add(till, id=n, merchant_id=n, label="Caisse", public_key=n.to_bytes(65, "big"), paired_at=at)
    for n in range(1, max(2, size.merchants // 100)):
        asked = {"contact_name": "Claude", "email": f"c{n}@example.fr", "phone": "0233000000", "postcode": "50480"}
        shop = {"legal_name": f"SARL Neuf {n}", "shop_name": f"Neuf {n}", "siret": a_siret(), "street": "1 rue"}
        what = {"trade": TRADES[n % len(TRADES)], "commune": COMMUNES[0], "account_holder": f"Neuf {n}"}
        bulk.add(application, state="asked", applied_at=at, hours=hours, iban=an_iban(), **asked, **shop, **what)
        pile = {"slip_count": 3, "slip_cents": 3_000, "spent_on": clock.book_day(at)}
        bulk.add(remittance, number=n, merchant_id=n, state="open", opened_by=ISSUED_BY, opened_at=at, **pile)


def _orders(bulk: Bulk, size: Size, buyers: Sequence[int], *, at: datetime) -> list[int]:
    """Orders with their facts; gives the serials of those that can be spent."""
    spendable: list[int] = []
    expires_on = clock.book_day(at) + timedelta(days=120)
    for number in range(1, size.orders + 1):
        cents, first = size.each * FACE, (number - 1) * size.each + 1
        stage = number % 100
        state = {1: "placed", 2: "approved", 3: "paid"}.get(stage, "issued") if size.orders > 1 else "delivered"
        by = {"drafted_by": "staff:903", "placed_by": "staff:903"}
        if state != "placed":
            by["approved_by"] = "staff:904"
            bulk.fact(
                "order_approved", at, f"order:{number}", (chart.receivable(number), chart.ordered(number), cents, None)
            )
        if state in {"paid", "issued", "delivered"}:
            bulk.fact("order_paid", at, f"order:{number}", (chart.BANK, chart.receivable(number), cents, None))
        bulk.add(
            voucher_order, number=number, buyer_id=buyers[number % len(buyers)], state=state, fee_cents=0,
            fee_vat_cents=0, drafted_at=at, rf_reference=f"RF{number}", **{"approved_by": None, **by},
        )  # fmt: skip
        bulk.add(order_line, order_number=number, line=1, face_cents=FACE, quantity=size.each)
        if state not in {"issued", "delivered"}:
            continue
        bulk.fact("issued", at, f"batch:{number}", (chart.ordered(number), chart.FLOAT, cents, None))
        active = stage > 5 or size.orders == 1
        done = {"issued_count": size.each, "issued_by": ISSUED_BY, "begun_at": at, "printed_by": ISSUED_BY}
        ready = {"activated_by": ACTIVATED_BY, "activated_at": at} if active else {}
        bulk.add(
            batch, number=number, order_number=number, state="active" if active else "printed", first_serial=first,
            quantity=size.each, expires_on=expires_on, printed_at=at,
            **done, **{"activated_by": None, "activated_at": None, **ready},
        )  # fmt: skip
        if active:
            spendable.extend(range(first, first + size.each))
    return spendable


def _vouchers(bulk: Bulk, size: Size, *, spent: frozenset[int], last_day: date) -> None:
    batches = {row["number"]: row["state"] for row in bulk.rows["batch"][1]}
    for serial in range(1, size.vouchers + 1):
        number = (serial - 1) // size.each + 1
        if number not in batches:
            continue
        state = "printed" if batches[number] != "active" else "redeemed" if serial in spent else "active"
        hashes = {"code_hash": b"c" * 24 + serial.to_bytes(8, "big"), "control_hash": b"k" * 32}
        left = 0 if state == "redeemed" else FACE
        bulk.add(
            voucher, serial=serial, batch_number=number, face_cents=FACE, balance_cents=left, state=state,
            expires_on=last_day, **hashes,
        )  # fmt: skip


def _spend(bulk: Bulk, size: Size, spent: Sequence[int], *, chance: random.Random, now: datetime) -> None:
    # In the order of time, as journals are; at shops' hours, some shops far busier than others.
    first = (now - timedelta(days=80)).replace(hour=7, minute=0)
    times = sorted(
        first + timedelta(days=chance.randrange(80), minutes=chance.choice((60, 120, 500)) + chance.randrange(120))
        for _ in spent
    )
    for serial, at in zip(chance.sample(spent, len(spent)), times, strict=True):
        shop = min(int(size.merchants * chance.random() ** 2) + 1, size.merchants)
        number = bulk.fact("redeemed", at, f"redemption:{shop}", (chart.FLOAT, chart.merchant(shop), FACE, serial))
        bulk.add(redemption, journal_id=number, merchant_id=shop, till_id=shop, cents=FACE, at=at)


def _recipients(bulk: Bulk, size: Size, buyers: Sequence[int], *, at: datetime) -> None:
    for number in range(1, max(2, size.orders // 5)):
        owner = buyers[number % len(buyers)]
        header = ["Nom", "Prénom", "Adresse"]
        content = json.dumps({"header": header, "rows": [["Lemoine", "Anne", "1 rue"]]})
        bulk.add(
            recipient_list, id=number, buyer_id=owner, name=f"Liste {number}", state="ordered", content=content,
            matching="{}", order_number=number, brought_by="staff:903", brought_at=at, changed_at=at,
        )  # fmt: skip
        for line in range(1, min(size.each, 50) + 1):
            person = number * 1_000 + line
            named = {"last_name": f"Lemoine {line}", "first_name": "Anne", "address": "1 rue", "postcode": "50480"}
            what = {"line": line, "town": "Sainte-Mère", "face_cents": FACE, "quantity": 1}
            bulk.add(recipient, id=person, list_id=number, buyer_id=owner, **named, **what)
            if number % 100 > 5 or size.orders == 1:
                bulk.add(recipient_voucher, serial=(number - 1) * size.each + line, recipient_id=person)


def _settle(house: Database, programme_id: int, *, now: datetime) -> None:
    """What was spent until three weeks ago is settled and sealed; the balances kept then are a week old."""
    what: dict[str, Any] = {"programme_id": programme_id, "at": now}
    for days in (50, 20):
        upto = house.write(ledger.watermark, programme_id=programme_id)
        to_on = clock.book_day(now) - timedelta(days=days)
        run = house.write(settle.propose, to_on=to_on, upto_journal=upto, actor="staff:901", **what)
        house.write(settle.approve, number=run.number, execution_on=None, actor="staff:902", **what)
        house.write(pay.export, number=run.number, actor="staff:901", **what)
        house.write(pay.execute, number=run.number, actor="staff:901", **what)
    upto = house.write(ledger.watermark, programme_id=programme_id)
    house.write(seal.seal, programme_id=programme_id, upto_journal=upto, at=now)
    house.write(ledger.snapshot, programme_id=programme_id, upto_journal=upto)


def _analysed(house: Database) -> None:
    # PostgreSQL does so by itself after a while; SQLite plans without.
    if house.dialect == "postgresql":
        with house.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


# ── The pages ────────────────────────────────────────────────────────────────────────────────────────────────────
NUMBERS: Final = {"reglements": 1, "litiges": 1, "remises": 1, "retenues": 1, "commandes": 50, "lots": 50}
NAMES: Final = {
    "programme_id": 1, "merchant_id": 5, "buyer_id": 1, "serial": 4_950, "batch_number": 50, "order_number": 50,
    "run_number": 1, "application_id": 1, "account_id": 1, "list_id": 50, "recipient_id": 50_001, "line": 1,
    "till_id": 5, "set_up_id": 1, "role_id": 1, "cashier_id": 1, "sheet": "commercants", "name": "1", "path": "dates",
}  # fmt: skip
"""What stands in a path: `number` by the word before it, the rest by its name; any other is 1."""


def pages_of(rooms: Sequence[APIRouter]) -> Iterator[tuple[str, str]]:
    """(route, address) of every page that can be opened, whoever listed it."""
    for route in itertools.chain.from_iterable(room.routes for room in rooms):
        if isinstance(route, APIRoute) and "GET" in (route.methods or ()):
            yield route.path, re.sub(r"\{(\w+)(?::\w+)?\}", partial(_filled, route.path), route.path)


def _filled(path: str, found: re.Match[str]) -> str:
    name = found[1]
    if name == "number":
        before = path[: found.start()].rstrip("/").rpartition("/")[2]
        return str(NUMBERS.get(before, 1))
    return str(NAMES.get(name, 1))


@contextmanager
def opened(house_url: str, staff_id: int) -> Iterator[TestClient]:
    """The application over this house, with that person signed in."""
    settings = Settings(database_url=house_url, pepper=PEPPER, session_key=SESSION_KEY)
    with TestClient(create_app(settings), follow_redirects=False) as client:
        house: Database = client.app.state.house.database  # type: ignore[attr-defined]
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


def measured(client: TestClient, rounds: int) -> dict[str, Took]:
    """Every page of the application behind `client`, once to warm up and then `rounds` times."""
    took: dict[str, Took] = {}
    for route, address in pages_of(doors.ROOMS):
        answer = client.get(address)
        times = []
        for _ in range(rounds):
            started = time.perf_counter()
            answer = client.get(address)
            times.append((time.perf_counter() - started) * 1_000)
        html = answer.headers.get("content-type", "").startswith("text/html")
        took[route] = Took(statistics.median(times), answer.status_code, html)
    return took


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
                staff_id = furnish(house, size, now=now)
                house.close()
                with opened(url, staff_id) as client:
                    took.append(measured(client, rounds))
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
        "not_shown": [route for route, took in full.items() if took.html and took.status != 200],
        "slowest": slowest,
        "ours": round(pages[slowest].ms, 1),
        "median": round(statistics.median(took.ms for took in pages.values()), 1),
        "over_300_ms": sorted(route for route, took in pages.items() if took.ms > MOST_MS),
        "unit": "ms",
    }
    print(json.dumps(whole, ensure_ascii=False))


if __name__ == "__main__":
    main()
