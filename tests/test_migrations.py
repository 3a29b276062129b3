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
from tests.outbox import allow, an_outbox, bring
from tests.town import Town, a_town
from vouchers import disputes
from vouchers.codes import new_code
from vouchers.db import Database, ReadSession
from vouchers.schema import is_current, migrate
from vouchers.tables import issuer, metadata
from vouchers.verify import Fault, verify


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


def unmigrated(tmp_path: Path, postgres_url: str, name: str) -> tuple[Database, Database]:
    """Two houses without a schema, one on each engine."""
    admin = sa.create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    admin.dispose()
    url = sa.make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    return Database(f"sqlite:///{tmp_path}/{name}.db"), Database(url)


def test_a_house_with_rows_migrates_and_keeps_them(tmp_path: Path, postgres_url: str) -> None:
    for house in unmigrated(tmp_path, postgres_url, "half_way"):
        migrate(house, to="0001")
        house.write(lambda session: session.execute(issuer.insert(), {"name": "CCI", "address": "1 place"}))
        assert not is_current(house)
        migrate(house)
        kept = house.read(lambda session: session.execute(sa.select(issuer.c.name)).scalars().all())
        assert (is_current(house), kept) == (True, ["CCI"])
        house.close()


BEFORE_OFFLINE = (
    # One voucher of 10 €, spent, as the house of issue 2 wrote it.
    "INSERT INTO issuer (id, name, address) VALUES (1, 'CCI', '1 place')",
    "INSERT INTO programme (id, issuer_id, name, target_cents, starts_on, expires_on, presentation_deadline_on, host,"
    " shops_url, use_rule, commission_bp, vat_bp, reversal_window_minutes, lapse_to, next_serial) VALUES (1, 1, 'Noël',"
    " 1000, '2026-11-01', '2027-06-30', '2027-09-30', 'EXAMPLE.FR', 'https://example.fr', 'whole', 500, 2000, 15,"
    " 'buyer', 2)",
    "INSERT INTO buyer (id, programme_id, name, address, exposure_cap_cents) VALUES (1, 1, 'Commune', 'Mairie', 0)",
    "INSERT INTO merchant (id, programme_id, legal_name, shop_name, siret, trade, commune, enrolled_at)"
    " VALUES (1, 1, 'SARL', 'Lemoine', '00000000000000', 'pain', 'Pau', 1)",
    "INSERT INTO till (id, programme_id, merchant_id, label, public_key, paired_at)"
    " VALUES (1, 1, 1, 'Paul', :bytes, 1)",
    "INSERT INTO voucher_order (programme_id, number, buyer_id, state, rf_reference, fee_cents, fee_vat_cents,"
    " drafted_by, drafted_at) VALUES (1, 1, 1, 'issued', 'RF18', 0, 0, 'staff:1', 1)",
    "INSERT INTO order_line (programme_id, order_number, line, face_cents, quantity) VALUES (1, 1, 1, 1000, 1)",
    "INSERT INTO batch (programme_id, number, order_number, state, first_serial, quantity, issued_count, expires_on,"
    " issued_by, begun_at) VALUES (1, 1, 1, 'active', 1, 1, 1, '2027-06-30', 'staff:1', 1)",
    "INSERT INTO voucher (programme_id, serial, batch_number, code_hash, control_hash, face_cents, balance_cents,"
    " state, expires_on) VALUES (1, 1, 1, :bytes, :bytes, 1000, 0, 'redeemed', '2027-06-30')",
    "INSERT INTO journal (programme_id, id, kind, at, book_day, actor, subject) VALUES (1, 1, 'redeemed', 1,"
    " '1970-01-01', 'till:1', 'merchant:1')",
    "INSERT INTO posting (programme_id, journal_id, line, debit, credit, cents, serial) VALUES (1, 1, 1, 'float',"
    " 'merchant:1', 1000, 1)",
    "INSERT INTO redemption (programme_id, journal_id, merchant_id, till_id, cents, at) VALUES (1, 1, 1, 1, 1000, 1)",
)


def test_a_house_of_before_the_offline_till_keeps_its_rows_its_keys_and_its_guards(
    tmp_path: Path, postgres_url: str
) -> None:
    for house in unmigrated(tmp_path, postgres_url, "before_offline"):
        migrate(house, to="0002")
        for statement in BEFORE_OFFLINE:
            given = {"bytes": bytes(32)} if ":bytes" in statement else {}
            house.write(lambda session, *how: session.execute(sa.text(how[0]), how[1]), statement, given)
        tables = sorted(re.findall(r"INTO (\w+)", " ".join(BEFORE_OFFLINE)))

        def rows(name: str, house: Database = house) -> list[dict[str, object]]:
            found = sa.text(f"SELECT * FROM {name}")
            return house.read(lambda session: [dict(row._mapping) for row in session.execute(found)])

        before = {name: rows(name) for name in tables}
        migrate(house)
        assert is_current(house)
        for name, kept in before.items():
            assert [{key: row[key] for key in kept[0]} for row in rows(name)] == kept, name
        assert rows("voucher")[0]["offline_prefix"] is rows("till")[0]["weak_secret"] is None
        assert house.read(strayed_only) == []
        for statement, says in {
            "UPDATE posting SET cents = 1": "append-only",
            "DELETE FROM journal": "append-only",
            "UPDATE redemption SET cashier_id = 1": "append-only",
            "UPDATE voucher SET offline_prefix = code_hash": "fixed on a row of voucher",
            "INSERT INTO redemption (programme_id, journal_id, merchant_id, till_id, cents, at)"
            " VALUES (1, 9, 1, 1, 1000, 1)": "FOREIGN KEY|foreign key",
        }.items():
            with pytest.raises(DBAPIError, match=says):
                house.write(lambda session, statement=statement: session.execute(sa.text(statement)))
        house.close()


def strayed_only(session: ReadSession) -> list[Fault]:
    """What verify says of the triggers, and of what the tables declare: the rest needs whole books."""
    return [fault for fault in verify(session) if fault.invariant in {"I0", "I13"}]


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
    "UPDATE acceptance SET cents = 1": "append-only",
    "DELETE FROM acceptance": "append-only",
    "UPDATE dispute SET cents = 1": "fixed on a row of dispute",
    "UPDATE dispute SET decision = 'x'": "fixed on a row of dispute",
    "UPDATE dispute SET state = 'open', decided_by = NULL": "fixed on a row of dispute|no such step of dispute",
    "DELETE FROM dispute": "never deleted",
    "UPDATE voucher SET offline_prefix = code_hash": "fixed on a row of voucher",
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
    without_network(town, shop=1)
    return town.house


def without_network(town: Town, *, shop: int) -> None:
    """One voucher accepted without network, and one that was none, whose dispute is dismissed."""
    allow(town)
    outbox = an_outbox(town, shop)
    for code in (town.secrets[4].code, new_code()):
        bring(town, outbox, outbox.accept(code, at=NOON), at=NOON)
    what = {"number": 1, "decision": "dismiss", "reason": "inconnu", "actor": "staff:103", "at": NOON}
    town.house.write(disputes.decide, programme_id=town.programme_id, **what)


def test_the_database_itself_refuses_to_rewrite_the_books(lived_in: Database) -> None:
    for statement, says in FORBIDDEN.items():
        with pytest.raises(DBAPIError, match=says):
            lived_in.write(lambda session, statement=statement: session.execute(sa.text(statement)))


def test_postgresql_refuses_to_empty_the_books_at_a_stroke(lived_in: Database) -> None:
    if lived_in.dialect == "sqlite":
        return
    for table in ("journal", "voucher", "idempotency", "acceptance", "dispute"):
        with pytest.raises(DBAPIError, match=r"never emptied|cannot truncate"):
            lived_in.write(lambda session, table=table: session.execute(sa.text(f"TRUNCATE {table} CASCADE")))
