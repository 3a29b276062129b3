"""What constraints cannot say: append-only books, what is fixed on a row, the legal steps, keys never forgotten.

`vouchers/guards.py` says the same a second time, in full, for `vouchers verify`. Conditions are written with every
parenthesis, as PostgreSQL gives them back.
"""

from collections.abc import Iterator
from typing import NamedTuple

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = ("journal", "posting", "balance_snapshot", "seal", "redemption", "reversal", "settlement_line")
NEVER_DELETED = ("idempotency", "voucher", "batch", "voucher_order", "payment_run", "settlement", "bank_account")
FIXED = {
    "voucher": (
        "programme_id", "serial", "batch_number", "code_hash", "control_hash", "face_cents", "replaces_serial",
    ),
    "batch": ("programme_id", "number", "order_number", "first_serial", "quantity", "issued_by", "begun_at"),
    "voucher_order": ("programme_id", "number", "buyer_id", "rf_reference", "drafted_by", "drafted_at"),
    "payment_run": (
        "programme_id", "number", "from_on", "to_on", "upto_journal", "commission_bp", "vat_bp", "debtor_name",
        "debtor_iban", "debtor_bic", "proposed_by", "proposed_at",
    ),
    "settlement": (
        "programme_id", "run_number", "merchant_id", "carried_because", "gross_cents", "brought_cents",
        "commission_cents", "vat_cents", "net_cents", "account_holder", "iban",
    ),
    "bank_account": ("id", "programme_id", "merchant_id", "account_holder", "iban", "asked_by", "asked_at"),
}  # fmt: skip
WRITTEN_ONCE = {
    "batch": ("printed_by", "printed_at", "activated_by", "activated_at"),
    "voucher_order": ("placed_by", "approved_by", "accepted_by"),
    "payment_run": ("approved_by", "approved_at", "execution_on"),
    "settlement": ("journal_id",),
    "bank_account": ("confirmed_by", "confirmed_at"),
}
FIXED_ONCE_PLACED = ("fee_cents", "fee_vat_cents")
STEPS = {
    "voucher": (
        ("printed", "active"), ("printed", "cancelled"), ("printed", "expired"), ("printed", "replaced"),
        ("active", "blocked"), ("active", "redeemed"), ("active", "expired"), ("active", "cancelled"),
        ("active", "replaced"), ("blocked", "active"), ("blocked", "cancelled"), ("blocked", "replaced"),
        ("redeemed", "active"),
    ),
    "batch": (("issuing", "issued"), ("issued", "printed"), ("printed", "active")),
    "voucher_order": (
        ("draft", "placed"), ("placed", "approved"), ("approved", "paid"), ("approved", "accepted"),
        ("paid", "issuing"), ("accepted", "issuing"), ("issuing", "issued"), ("issued", "delivered"),
        ("draft", "cancelled"), ("placed", "cancelled"), ("approved", "cancelled"), ("paid", "cancelled"),
        ("accepted", "cancelled"),
    ),
    "payment_run": (
        ("proposed", "withdrawn"), ("proposed", "approved"), ("approved", "exported"), ("exported", "executed"),
    ),
    "settlement": (("to_pay", "paid"), ("to_pay", "returned"), ("paid", "returned")),
    "bank_account": (("asked", "confirmed"), ("asked", "withdrawn"), ("confirmed", "withdrawn")),
}  # fmt: skip


class Guard(NamedTuple):
    """`act` on a row of `table` is refused, under a condition where there is one."""

    name: str
    table: str
    act: str
    says: str
    when: str = ""


def upgrade() -> None:
    sqlite = op.get_context().dialect.name == "sqlite"
    for statement in _for_sqlite() if sqlite else _for_postgresql():
        op.execute(statement)


def _guards() -> Iterator[Guard]:
    for table in APPEND_ONLY:
        for act in ("UPDATE", "DELETE"):
            yield Guard(f"{table}_no_{act.lower()}", table, act, f"{table} is append-only")
    for table in NEVER_DELETED:
        yield Guard(f"{table}_no_delete", table, "DELETE", f"a row of {table} is never deleted")
    claimed = [_changed(column) for column in ("programme_id", "scope", "key", "request_hash")]
    kept = _any(["(old.answer IS NOT NULL)", *claimed])
    yield Guard("idempotency_kept", "idempotency", "UPDATE", "an answer is kept for ever", kept)
    for table, columns in FIXED.items():
        changes = [_changed(column) for column in columns]
        changes += [f"((old.{column} IS NOT NULL) AND {_changed(column)})" for column in WRITTEN_ONCE.get(table, ())]
        if table == "voucher_order":
            changes += [f"((old.state <> 'draft') AND {_changed(column)})" for column in FIXED_ONCE_PLACED]
        yield Guard(f"{table}_fixed", table, "UPDATE", f"this is fixed on a row of {table}", _any(changes))
    for table, steps in STEPS.items():
        legal = _any([f"((old.state = '{before}') AND (new.state = '{after}'))" for before, after in steps])
        beyond = f"((new.state <> old.state) AND (NOT {legal}))"
        yield Guard(f"{table}_step", table, "UPDATE", f"no such step of {table}", beyond)


def _changed(column: str) -> str:
    return f"(new.{column} IS DISTINCT FROM old.{column})"


def _any(conditions: list[str]) -> str:
    return f"({' OR '.join(conditions)})"


def _for_sqlite() -> Iterator[str]:
    placed = (
        "((SELECT state FROM voucher_order WHERE programme_id = old.programme_id AND number = old.order_number)"
        " <> 'draft')"
    )
    lines = (
        Guard(f"order_line_no_{act.lower()}", "order_line", act, "a placed order keeps its lines", placed)
        for act in ("UPDATE", "DELETE")
    )
    for name, table, act, says, when in (*_guards(), *lines):
        condition = f"WHEN {when} " if when else ""
        yield (
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
    for name, table, act, says, when in _guards():
        condition = f"WHEN ({when}) " if when else ""
        yield (
            f"CREATE TRIGGER {name} BEFORE {act} ON {table} FOR EACH ROW {condition}"
            f"EXECUTE FUNCTION refuse_change('{says}')"
        )
    yield """CREATE TRIGGER order_line_kept BEFORE DELETE OR UPDATE ON order_line FOR EACH ROW
        EXECUTE FUNCTION refuse_placed_line()"""
    for table in (*APPEND_ONLY, *NEVER_DELETED, "order_line"):
        # TRUNCATE passes row triggers by.
        yield (
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT"
            f" EXECUTE FUNCTION refuse_change('{table} is never emptied')"
        )
