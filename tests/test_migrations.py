"""The schema: what the migrations make is what tables.py says, and the books cannot be rewritten through it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import DBAPIError

from tests.makers import NOON, a_buyer, an_order
from tests.town import a_town
from vouchers.db import Database
from vouchers.schema import is_current, migrate
from vouchers.tables import issuer, metadata


def test_the_migrations_make_what_the_tables_say(house: Database) -> None:
    with house.engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        drift = [change for change in compare_metadata(context, metadata) if "alembic_version" not in str(change)]
    assert drift == []
    assert is_current(house)


def test_every_check_and_key_of_the_tables_is_in_the_migrations(tmp_path: Path) -> None:
    """What Alembic does not compare: the CHECK constraints, line by line."""

    def lines(house: Database) -> dict[str, set[str]]:
        wanted = sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        tables = house.read(lambda session: session.execute(wanted).all())
        return {
            name: {re.sub(r"[\"\s]+", " ", line).strip(" ,") for line in sql.splitlines()[1:]}
            for name, sql in tables
            if name != "alembic_version"
        }

    migrated, made = Database(f"sqlite:///{tmp_path}/migrated.db"), Database(f"sqlite:///{tmp_path}/made.db")
    migrate(migrated)
    with made.engine().begin() as connection:
        metadata.create_all(connection)
    try:
        assert lines(migrated) == lines(made)
    finally:
        migrated.close()
        made.close()


def test_migrating_again_changes_nothing(house: Database) -> None:
    migrate(house)
    assert is_current(house)


def test_a_house_with_rows_migrates_and_keeps_them(tmp_path: Path, postgres_url: str) -> None:
    admin = sa.create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text("CREATE DATABASE half_way"))
    admin.dispose()
    url = sa.make_url(postgres_url).set(database="half_way").render_as_string(hide_password=False)
    for house in (Database(f"sqlite:///{tmp_path}/half.db"), Database(url)):
        migrate(house, to="0001")
        house.write(lambda session: session.execute(issuer.insert(), {"name": "CCI", "address": "1 place"}))
        assert not is_current(house)
        migrate(house)
        kept = house.read(lambda session: session.execute(sa.select(issuer.c.name)).scalars().all())
        assert (is_current(house), kept) == (True, ["CCI"])
        house.close()


FORBIDDEN = {
    "UPDATE posting SET cents = cents + 1": "append-only",
    "UPDATE journal SET reason = 'x'": "append-only",
    "DELETE FROM posting": "append-only",
    "DELETE FROM journal": "append-only",
    "UPDATE redemption SET cents = 1": "append-only",
    "DELETE FROM reversal": "append-only",
    "DELETE FROM settlement_line": "append-only",
    "DELETE FROM voucher": "never deleted",
    "DELETE FROM idempotency": "never deleted",
    "UPDATE idempotency SET answer = '{}'": "kept for ever",
    "UPDATE voucher SET face_cents = face_cents + 1": "fixed on a row of voucher",
    "UPDATE voucher SET code_hash = control_hash": "fixed on a row of voucher",
    "UPDATE voucher SET state = 'printed' WHERE state = 'active'": "no such step",
    "UPDATE voucher SET state = 'active', balance_cents = face_cents WHERE state = 'cancelled'": "no such step",
    "UPDATE voucher SET balance_cents = face_cents + 1 WHERE state = 'active'": "balance_within",
    "UPDATE voucher SET state = 'redeemed' WHERE state = 'active'": "closed_holds_nothing",
    "UPDATE order_line SET quantity = 1": "keeps its lines",
    "DELETE FROM order_line": "keeps its lines",
    "UPDATE batch SET issued_by = 'staff:9'": "fixed on a row of batch",
    "UPDATE batch SET activated_by = 'staff:9'": "fixed on a row of batch",
    "UPDATE batch SET state = 'printed'": "no such step of batch",
    "UPDATE voucher_order SET rf_reference = 'RF18'": "fixed on a row of voucher_order",
    "UPDATE voucher_order SET drafted_by = 'staff:9'": "fixed on a row of voucher_order",
    "UPDATE voucher_order SET fee_cents = 1": "fixed on a row of voucher_order",
    "UPDATE voucher_order SET fee_vat_cents = 1": "fixed on a row of voucher_order",
    "UPDATE voucher_order SET approved_by = 'staff:9'": "fixed on a row of voucher_order",
    "UPDATE voucher_order SET accepted_by = 'staff:9' WHERE accepted_by IS NOT NULL": "fixed on a row of voucher_order",
    "UPDATE voucher_order SET state = 'draft'": "no such step of voucher_order",
    "DELETE FROM voucher_order": "never deleted",
    "UPDATE settlement SET iban = 'FR7630006000011234567890189'": "fixed on a row of settlement",
    "UPDATE settlement SET net_cents = net_cents + 1, gross_cents = gross_cents + 1": "fixed on a row of settlement",
    "UPDATE settlement SET journal_id = NULL": "fixed on a row of settlement",
    "UPDATE settlement SET state = 'carried'": "no such step of settlement",
    "UPDATE payment_run SET debtor_iban = 'FR7630006000011234567890189'": "fixed on a row of payment_run",
    "UPDATE payment_run SET commission_bp = 0": "fixed on a row of payment_run",
    "UPDATE payment_run SET upto_journal = 0": "fixed on a row of payment_run",
    "UPDATE payment_run SET approved_by = 'staff:9'": "fixed on a row of payment_run",
    "UPDATE payment_run SET execution_on = '2030-01-02'": "fixed on a row of payment_run",
    "UPDATE payment_run SET state = 'proposed'": "no such step of payment_run",
    "UPDATE bank_account SET iban = 'FR7630006000011234567890189'": "fixed on a row of bank_account",
    "UPDATE bank_account SET asked_by = 'staff:9'": "fixed on a row of bank_account",
    "UPDATE bank_account SET confirmed_by = NULL": "fixed on a row of bank_account",
    "UPDATE bank_account SET state = 'asked', in_force_at = NULL": "no such step of bank_account",
    "DELETE FROM bank_account": "never deleted",
}


@pytest.fixture
def lived_in(new_house: Callable[[], Database]) -> Database:
    """A house with a row in every table that the guards protect."""
    town = a_town(new_house(), vouchers=4)
    sale = town.spend(1)
    town.undo(sale)
    town.spend(2)
    town.cancel(3)
    town.approve(town.propose(NOON.date(), at=NOON), at=NOON)
    firm = a_buyer(town.house, programme_id=town.programme_id, exposure_cap_cents=100_000)
    an_order(town.house, programme_id=town.programme_id, buyer_id=firm, upto="accepted", purchase_order="BC 12")
    return town.house


def test_the_database_itself_refuses_to_rewrite_the_books(lived_in: Database) -> None:
    for statement, says in FORBIDDEN.items():
        with pytest.raises(DBAPIError, match=says):
            lived_in.write(lambda session, statement=statement: session.execute(sa.text(statement)))


def test_postgresql_refuses_to_empty_the_books_at_a_stroke(lived_in: Database) -> None:
    if lived_in.dialect == "sqlite":
        return
    for table in ("journal", "voucher", "idempotency"):
        with pytest.raises(DBAPIError, match=r"never emptied|cannot truncate"):
            lived_in.write(lambda session, table=table: session.execute(sa.text(f"TRUNCATE {table} CASCADE")))
