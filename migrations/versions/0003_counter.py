"""The counter without network, who stands at it, and the phone that cannot keep a key.

New tables, a column more on `voucher`, `till` and `redemption`, new kinds of fact and one new account. SQLite cannot
change a CHECK, so there a table is made anew under its own name, with its indexes and triggers; `schema.migrate` turns
foreign keys off meanwhile and has them checked at the end.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = INT

KINDS_BEFORE = "'till_revoked', 'order_placed'", "'expired', 'run_proposed'"
KINDS_NOW = (
    "'till_revoked', 'cashier_named', 'cashier_removed', 'shop_rule_set', 'offline_allowed', 'offline_forbidden',"
    " 'order_placed'",
    "'expired', 'disputed', 'guaranteed', 'dispute_dismissed', 'run_proposed'",
)
ACCOUNTS_BEFORE, ACCOUNTS_NOW = "'suspense')", "'suspense', 'guarantee')"
FIXED_BEFORE = ("programme_id", "serial", "batch_number", "code_hash", "control_hash", "face_cents", "replaces_serial")
FIXED_NOW = (*FIXED_BEFORE, "offline_prefix")
FIXED_DISPUTE = (
    "programme_id", "number", "merchant_id", "till_id", "serial", "cents", "because", "accepted_at", "opened_at",
)  # fmt: skip
ONCE_DISPUTE = ("decided_by", "decided_at", "decision", "journal_id")


def upgrade() -> None:
    _make_tables()
    if op.get_context().dialect.name == "sqlite":
        _change_sqlite()
    else:
        _change_postgresql()
    for name, table, act, says, when in _guards():
        _guard(name, table, act, says, when)


def _guards() -> list[tuple[str, str, str, str, str]]:
    legal = "(((old.state = 'open') AND (new.state = 'guaranteed')) OR ((old.state = 'open') AND (new.state = 'dismissed')))"
    return [
        ("acceptance_no_update", "acceptance", "UPDATE", "acceptance is append-only", ""),
        ("acceptance_no_delete", "acceptance", "DELETE", "acceptance is append-only", ""),
        ("dispute_no_delete", "dispute", "DELETE", "a row of dispute is never deleted", ""),
        (
            "dispute_fixed", "dispute", "UPDATE", "this is fixed on a row of dispute",
            _any([
                *map(_changed, FIXED_DISPUTE),
                *(f"((old.{column} IS NOT NULL) AND {_changed(column)})" for column in ONCE_DISPUTE),
            ]),
        ),
        (
            "dispute_step", "dispute", "UPDATE", "no such step of dispute",
            f"((new.state <> old.state) AND (NOT {legal}))",
        ),
        (
            "voucher_fixed", "voucher", "UPDATE", "this is fixed on a row of voucher",
            _any([_changed(column) for column in FIXED_NOW]),
        ),
    ]  # fmt: skip


def _guard(name: str, table: str, act: str, says: str, when: str) -> None:
    if op.get_context().dialect.name == "sqlite":
        condition, does = f"WHEN {when} ", f"BEGIN SELECT RAISE(ABORT, '{says}'); END"
    else:
        condition, does = f"WHEN ({when}) ", f"EXECUTE FUNCTION refuse_change('{says}')"
    op.execute(f"CREATE TRIGGER {name} BEFORE {act} ON {table} FOR EACH ROW {condition if when else ''}{does}")


def _changed(column: str) -> str:
    return f"(new.{column} IS DISTINCT FROM old.{column})"


def _any(conditions: list[str]) -> str:
    return f"({' OR '.join(conditions)})"


# ── SQLite ───────────────────────────────────────────────────────────────────────────────────────────────────────
def _change_sqlite() -> None:
    _made_anew("journal", *zip(KINDS_BEFORE, KINDS_NOW, strict=True))
    sides = [
        f"{side} IN ('bank', 'float', 'commission', 'fee', 'vat', 'vat_pending', 'breakage', 'next_campaign', "
        for side in ("debit", "credit")
    ]
    _made_anew("posting", *((f"{side}{ACCOUNTS_BEFORE}", f"{side}{ACCOUNTS_NOW}") for side in sides))
    _made_anew("voucher", ("\treplaces_serial INTEGER, \n", "\treplaces_serial INTEGER, \n\toffline_prefix BLOB, \n"))
    _made_anew("till", ("\tpublic_key BLOB NOT NULL, \n", "\tpublic_key BLOB NOT NULL, \n\tweak_secret BLOB, \n"))
    key = "REFERENCES journal (programme_id, id)"
    cashier = "CONSTRAINT fk_redemption_programme_id_cashier_id FOREIGN KEY(programme_id, cashier_id) REFERENCES cashier (programme_id, id)"
    _made_anew(
        "redemption",
        ("\tsale_cents INTEGER, \n", "\tsale_cents INTEGER, \n\tcashier_id INTEGER, \n"),
        (key, f"{key}, \n\t{cashier}"),
    )
    op.execute("DROP TRIGGER voucher_fixed")


def _made_anew(table: str, *changes: tuple[str, str]) -> None:
    """The table with its text changed, its rows, indexes and triggers as they were."""
    database = op.get_bind()
    named = {"table": table}
    made = database.execute(
        sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :table"), named
    ).scalar_one()
    for before, now in (*changes, (f"CREATE TABLE {table} (", f"CREATE TABLE {table}_anew (")):
        assert made.count(before) == 1, (table, before)
        made = made.replace(before, now)
    kept = (
        database.execute(
            sa.text("SELECT sql FROM sqlite_master WHERE type <> 'table' AND tbl_name = :table AND sql IS NOT NULL"),
            named,
        )
        .scalars()
        .all()
    )
    columns = database.execute(sa.text("SELECT name FROM pragma_table_info(:table)"), named).scalars().all()
    listed = ", ".join(f'"{column}"' for column in columns)
    op.execute(made)
    op.execute(f"INSERT INTO {table}_anew ({listed}) SELECT {listed} FROM {table}")  # noqa: S608 - names of this file
    op.execute(f"DROP TABLE {table}")
    op.execute(f"ALTER TABLE {table}_anew RENAME TO {table}")
    for statement in kept:
        database.exec_driver_sql(statement)


# ── PostgreSQL ───────────────────────────────────────────────────────────────────────────────────────────────────
def _change_postgresql() -> None:
    op.add_column("voucher", sa.Column("offline_prefix", sa.LargeBinary()))
    op.add_column("till", sa.Column("weak_secret", sa.LargeBinary()))
    op.add_column("redemption", sa.Column("cashier_id", sa.BigInteger()))
    op.create_foreign_key(
        "fk_redemption_programme_id_cashier_id",
        "redemption", "cashier", ["programme_id", "cashier_id"], ["programme_id", "id"],
    )  # fmt: skip
    kinds = "'programme_opened', 'merchant_enrolled', 'merchant_suspended', 'merchant_restored', 'buyer_enrolled', 'staff_enrolled', 'staff_suspended', 'staff_restored', 'account_asked', 'account_confirmed', 'account_withdrawn', 'role_asked', 'role_granted', 'role_revoked', 'till_paired', 'till_renamed', 'till_revoked', 'cashier_named', 'cashier_removed', 'shop_rule_set', 'offline_allowed', 'offline_forbidden', 'order_placed', 'order_approved', 'order_accepted', 'order_paid', 'order_cancelled', 'order_delivered', 'issue_begun', 'issued', 'printed', 'activated', 'extended', 'redeemed', 'reversed', 'blocked', 'unblocked', 'cancelled', 'replaced', 'expired', 'disputed', 'guaranteed', 'dispute_dismissed', 'run_proposed', 'run_withdrawn', 'run_approved', 'settled', 'run_exported', 'run_executed', 'transfer_returned'"
    op.drop_constraint(op.f("ck_journal_kind_known"), "journal", type_="check")
    op.create_check_constraint(op.f("ck_journal_kind_known"), "journal", f"kind IN ({kinds})")
    owned = ("receivable", "ordered", "merchant", "in_transit", "lapsed")
    whole = "'bank', 'float', 'commission', 'fee', 'vat', 'vat_pending', 'breakage', 'next_campaign', 'suspense', 'guarantee'"
    for side in ("debit", "credit"):
        mine = " OR ".join(f"{side} LIKE '{kind}:_%'" for kind in owned)
        op.drop_constraint(op.f(f"ck_posting_{side}_known"), "posting", type_="check")
        op.create_check_constraint(op.f(f"ck_posting_{side}_known"), "posting", f"{side} IN ({whole}) OR {mine}")
    op.execute("DROP TRIGGER voucher_fixed ON voucher")
    for table in ("acceptance", "dispute"):
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT"
            f" EXECUTE FUNCTION refuse_change('{table} is never emptied')"
        )


def _make_tables() -> None:
    op.create_table(
        "cashier",
        sa.Column("id", INT, autoincrement=True, nullable=False),
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("merchant_id", INT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("pin_salt", sa.LargeBinary(), nullable=False),
        sa.Column("pin_hash", sa.LargeBinary(), nullable=False),
        sa.Column("named_at", INSTANT, nullable=False),
        sa.Column("removed_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["programme_id", "merchant_id"],
            ["merchant.programme_id", "merchant.id"],
            name=op.f("fk_cashier_programme_id_merchant_id"),
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_cashier_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cashier")),
        sa.UniqueConstraint("programme_id", "id", name=op.f("uq_cashier_programme_id_id")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_cashier_merchant_id"), "cashier", ["merchant_id"], unique=False)
    op.create_table(
        "shop_rule",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("merchant_id", INT, nullable=False),
        sa.Column("ask_cashier", sa.Text(), nullable=False),
        sa.Column("undo_pin_salt", sa.LargeBinary(), nullable=True),
        sa.Column("undo_pin_hash", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("ask_cashier IN ('never', 'always')", name=op.f("ck_shop_rule_ask_cashier_known")),
        sa.CheckConstraint(
            "(undo_pin_salt IS NULL) = (undo_pin_hash IS NULL)", name=op.f("ck_shop_rule_undo_pin_whole")
        ),
        sa.ForeignKeyConstraint(
            ["programme_id", "merchant_id"],
            ["merchant.programme_id", "merchant.id"],
            name=op.f("fk_shop_rule_programme_id_merchant_id"),
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_shop_rule_programme_id")),
        sa.PrimaryKeyConstraint("programme_id", "merchant_id", name=op.f("pk_shop_rule")),
        sqlite_strict=True,
    )
    op.create_table(
        "offline_rule",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("till_count", INT, nullable=False),
        sa.Column("till_cents", INT, nullable=False),
        sa.Column("programme_count", INT, nullable=False),
        sa.Column("programme_cents", INT, nullable=False),
        sa.Column("max_age_minutes", INT, nullable=False),
        sa.Column("guarantee_cents", INT, nullable=False),
        sa.CheckConstraint("guarantee_cents >= 0", name=op.f("ck_offline_rule_guarantee_not_negative")),
        sa.CheckConstraint("max_age_minutes BETWEEN 1 AND 1440", name=op.f("ck_offline_rule_a_day_at_most")),
        sa.CheckConstraint(
            "programme_count >= till_count AND programme_cents >= till_cents",
            name=op.f("ck_offline_rule_programme_caps_cover"),
        ),
        sa.CheckConstraint("till_count > 0 AND till_cents > 0", name=op.f("ck_offline_rule_till_caps_positive")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_offline_rule_programme_id")),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("pk_offline_rule")),
        sqlite_strict=True,
    )
    op.create_table(
        "offline_lease",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("till_id", INT, nullable=False),
        sa.Column("count", INT, nullable=False),
        sa.Column("cents", INT, nullable=False),
        sa.Column("given_at", INSTANT, nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.CheckConstraint("count >= 0 AND cents >= 0", name=op.f("ck_offline_lease_not_negative")),
        sa.ForeignKeyConstraint(
            ["programme_id", "till_id"],
            ["till.programme_id", "till.id"],
            name=op.f("fk_offline_lease_programme_id_till_id"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "till_id", name=op.f("pk_offline_lease")),
        sqlite_strict=True,
    )
    op.create_table(
        "dispute",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("number", INT, nullable=False),
        sa.Column("merchant_id", INT, nullable=False),
        sa.Column("till_id", INT, nullable=False),
        sa.Column("serial", INT, nullable=True),
        sa.Column("cents", INT, nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("accepted_at", INSTANT, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("journal_id", INT, nullable=True),
        sa.CheckConstraint(
            "(state = 'guaranteed') = (journal_id IS NOT NULL)", name=op.f("ck_dispute_guaranteed_by_a_journal")
        ),
        sa.CheckConstraint("(state = 'open') = (decided_by IS NULL)", name=op.f("ck_dispute_decided_by_someone")),
        sa.CheckConstraint("state IN ('open', 'guaranteed', 'dismissed')", name=op.f("ck_dispute_state_known")),
        sa.CheckConstraint("cents > 0", name=op.f("ck_dispute_cents_positive")),
        sa.ForeignKeyConstraint(
            ["programme_id", "journal_id"],
            ["journal.programme_id", "journal.id"],
            name=op.f("fk_dispute_programme_id_journal_id"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id", "merchant_id"],
            ["merchant.programme_id", "merchant.id"],
            name=op.f("fk_dispute_programme_id_merchant_id"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id", "till_id"], ["till.programme_id", "till.id"], name=op.f("fk_dispute_programme_id_till_id")
        ),
        sa.PrimaryKeyConstraint("programme_id", "number", name=op.f("pk_dispute")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_dispute_programme_id_merchant_id_number"),
        "dispute",
        ["programme_id", "merchant_id", "number"],
        unique=False,
    )
    op.create_table(
        "acceptance",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("till_id", INT, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("number", INT, nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("cents", INT, nullable=False),
        sa.Column("accepted_at", INSTANT, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("redemption_id", INT, nullable=True),
        sa.Column("dispute_number", INT, nullable=True),
        sa.CheckConstraint("chain IN ('whole', 'gap', 'fork')", name=op.f("ck_acceptance_chain_known")),
        sa.CheckConstraint(
            "(redemption_id IS NULL) <> (dispute_number IS NULL)", name=op.f("ck_acceptance_redeemed_or_disputed")
        ),
        sa.CheckConstraint("cents > 0", name=op.f("ck_acceptance_cents_positive")),
        sa.ForeignKeyConstraint(
            ["programme_id", "dispute_number"],
            ["dispute.programme_id", "dispute.number"],
            name=op.f("fk_acceptance_programme_id_dispute_number"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id", "redemption_id"],
            ["redemption.programme_id", "redemption.journal_id"],
            name=op.f("fk_acceptance_programme_id_redemption_id"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id", "till_id"],
            ["till.programme_id", "till.id"],
            name=op.f("fk_acceptance_programme_id_till_id"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "till_id", "key", name=op.f("pk_acceptance")),
        sa.UniqueConstraint("programme_id", "dispute_number", name=op.f("uq_acceptance_programme_id_dispute_number")),
        sa.UniqueConstraint("programme_id", "redemption_id", name=op.f("uq_acceptance_programme_id_redemption_id")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_acceptance_programme_id_till_id_number"),
        "acceptance",
        ["programme_id", "till_id", "number"],
        unique=False,
    )
