"""Bringing a database to the schema of this version, by Alembic: the only way the schema changes."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from vouchers.db import Database


def migrate(house: Database, *, to: str = "head") -> None:
    """Bring `house` to revision `to`. Safe to run again; each revision is one transaction."""
    config = _config()
    with house.engine().connect() as connection:
        config.attributes["connection"] = connection
        if house.dialect != "sqlite":
            command.upgrade(config, to)
            return
        # Where SQLite has to make a table anew, what refers to it would count as orphaned half-way.
        _foreign_keys(connection, "OFF")
        try:
            command.upgrade(config, to)
            orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        finally:
            _foreign_keys(connection, "ON")
        if orphans:
            raise RuntimeError(f"rows that refer to nothing: {orphans[:10]}")


def _foreign_keys(connection: Connection, switch: str) -> None:
    # Inside a transaction the pragma does nothing.
    connection.rollback()
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute(f"PRAGMA foreign_keys={switch}")


def is_current(house: Database) -> bool:
    """Whether `house` is at the newest revision."""
    return house.read(lambda session: set(MigrationContext.configure(session).get_current_heads())) == _heads()


@cache
def _heads() -> frozenset[str]:
    """The newest revision as the scripts have it; they do not change while this version runs."""
    return frozenset(ScriptDirectory.from_config(_config()).get_heads())


def _config() -> Config:
    inside = Path(__file__).parent / "migrations"
    config = Config()
    # In a checkout the migrations lie beside the package; in a wheel, inside it.
    config.set_main_option("script_location", str(inside if inside.is_dir() else inside.parent.parent / "migrations"))
    return config
