"""The schema: what the migrations make is what tables.py says, and the books cannot be rewritten through it."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import DBAPIError

from vouchers.db import Database
from vouchers.schema import is_current, migrate
from vouchers.tables import metadata


def test_the_migrations_make_what_the_tables_say(house: Database) -> None:
    with house.engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        drift = [change for change in compare_metadata(context, metadata) if "alembic_version" not in str(change)]
    assert drift == []
    assert is_current(house)


def test_migrating_again_changes_nothing(house: Database) -> None:
    migrate(house)
    assert is_current(house)
