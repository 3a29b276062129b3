"""What constraints cannot say: append-only books, the legal steps of a voucher, keys that are never forgotten."""

from collections.abc import Iterator

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = ("journal", "posting", "balance_snapshot", "seal", "redemption", "reversal", "settlement_line")
NEVER_DELETED = ("idempotency", "voucher", "batch", "voucher_order", "payment_run", "settlement")
FIXED_ON_A_VOUCHER = (
    "programme_id", "serial", "batch_number", "code_hash", "control_hash", "face_cents", "replaces_serial",
)  # fmt: skip
STEPS = (
    ("printed", "active"), ("printed", "cancelled"), ("printed", "expired"), ("printed", "replaced"),
    ("active", "blocked"), ("active", "redeemed"), ("active", "expired"), ("active", "cancelled"),
    ("active", "replaced"), ("blocked", "active"), ("blocked", "cancelled"), ("blocked", "replaced"),
    ("redeemed", "active"),
)  # fmt: skip


def upgrade() -> None:
    sqlite = op.get_context().dialect.name == "sqlite"
    for statement in _for_sqlite() if sqlite else _for_postgresql():
        op.execute(statement)


def _voucher_step_is_legal() -> str:
    steps = " OR ".join(f"(OLD.state = '{before}' AND NEW.state = '{after}')" for before, after in STEPS)
    return f"OLD.state = NEW.state OR {steps}"


def _for_sqlite() -> Iterator[str]:
    for table in APPEND_ONLY:
        yield _sqlite_refusal(table, "UPDATE", f"{table} is append-only")
        yield _sqlite_refusal(table, "DELETE", f"{table} is append-only")
    for table in NEVER_DELETED:
        yield _sqlite_refusal(table, "DELETE", f"a row of {table} is never deleted")
    yield _sqlite_refusal(
        "idempotency",
        "UPDATE",
        "an answer is kept for ever",
        when="OLD.answer IS NOT NULL OR NEW.key <> OLD.key OR NEW.scope <> OLD.scope"
        " OR NEW.programme_id <> OLD.programme_id OR NEW.request_hash <> OLD.request_hash",
        name="idempotency_kept",
    )
    still_a_draft = (
        "(SELECT state FROM voucher_order"
        " WHERE programme_id = OLD.programme_id AND number = OLD.order_number) = 'draft'"
    )
    for act in ("UPDATE", "DELETE"):
        yield _sqlite_refusal("order_line", act, "a placed order keeps its lines", when=f"NOT {still_a_draft}")
    changed = " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in FIXED_ON_A_VOUCHER)
    yield _sqlite_refusal("voucher", "UPDATE", "this is fixed on a voucher", when=changed, name="voucher_fixed")
    yield _sqlite_refusal(
        "voucher", "UPDATE", "no such step", when=f"NOT ({_voucher_step_is_legal()})", name="voucher_step"
    )


def _sqlite_refusal(table: str, act: str, says: str, when: str = "", name: str = "") -> str:
    name = name or f"{table}_no_{act.lower()}"
    condition = f"WHEN {when} " if when else ""
    return (
        f"CREATE TRIGGER {name} BEFORE {act} ON {table} FOR EACH ROW {condition}"
        f"BEGIN SELECT RAISE(ABORT, '{says}'); END"
    )


def _for_postgresql() -> Iterator[str]:
    yield """CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '% refused: %', TG_OP, TG_ARGV[0] USING ERRCODE = 'restrict_violation'; END $$"""
    # A trigger's WHEN cannot look into another table; its function can.
    yield """CREATE FUNCTION refuse_placed_line() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
        IF (SELECT state FROM voucher_order WHERE programme_id = OLD.programme_id AND number = OLD.order_number)
            <> 'draft' THEN
            RAISE EXCEPTION '% refused: a placed order keeps its lines', TG_OP
                USING ERRCODE = 'restrict_violation';
        END IF;
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        RETURN NEW;
        END $$"""
    yield """CREATE TRIGGER order_line_kept BEFORE UPDATE OR DELETE ON order_line FOR EACH ROW
        EXECUTE FUNCTION refuse_placed_line()"""
    yield _postgresql_truncate("order_line")
    for table in APPEND_ONLY:
        yield _postgresql_refusal(table, "UPDATE OR DELETE", f"{table} is append-only", f"{table}_append_only")
        yield _postgresql_truncate(table)
    for table in NEVER_DELETED:
        yield _postgresql_refusal(table, "DELETE", f"a row of {table} is never deleted", f"{table}_no_delete")
        yield _postgresql_truncate(table)
    yield _postgresql_refusal(
        "idempotency",
        "UPDATE",
        "an answer is kept for ever",
        "idempotency_kept",
        when="OLD.answer IS NOT NULL OR NEW.key <> OLD.key OR NEW.scope <> OLD.scope"
        " OR NEW.programme_id <> OLD.programme_id OR NEW.request_hash <> OLD.request_hash",
    )
    changed = " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in FIXED_ON_A_VOUCHER)
    yield _postgresql_refusal("voucher", "UPDATE", "this is fixed on a voucher", "voucher_fixed", when=changed)
    yield _postgresql_refusal(
        "voucher", "UPDATE", "no such step", "voucher_step", when=f"NOT ({_voucher_step_is_legal()})"
    )


def _postgresql_refusal(table: str, act: str, says: str, name: str, when: str = "") -> str:
    condition = f"WHEN ({when}) " if when else ""
    return (
        f"CREATE TRIGGER {name} BEFORE {act} ON {table} FOR EACH ROW {condition}"
        f"EXECUTE FUNCTION refuse_change('{says}')"
    )


def _postgresql_truncate(table: str) -> str:
    # TRUNCATE passes row triggers by.
    return (
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT"
        f" EXECUTE FUNCTION refuse_change('{table} is never emptied')"
    )
