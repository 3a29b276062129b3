"""The desks: how people sign in, how a programme is set up, who joins, who receives, what is held and remitted.

New tables; `token` says by what its person proved who they are, `buyer` whether one person places an order, and a
`redemption` has no till where the paper came by post. SQLite makes those anew, as in revision 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = INT
DAY = sa.Date().with_variant(sa.Text(), "sqlite")
KINDS = "'programme_opened', 'merchant_enrolled', 'merchant_suspended', 'merchant_restored', 'buyer_enrolled', 'terms_set', 'buyer_rule_set', 'application_received', 'application_accepted', 'application_refused', 'profile_set', 'convention_signed', 'staff_enrolled', 'staff_suspended', 'staff_restored', 'staff_invited', 'account_asked', 'account_confirmed', 'account_withdrawn', 'role_asked', 'role_granted', 'role_revoked', 'till_paired', 'till_renamed', 'till_revoked', 'cashier_named', 'cashier_removed', 'shop_rule_set', 'offline_allowed', 'offline_forbidden', 'order_placed', 'order_approved', 'order_accepted', 'order_paid', 'order_cancelled', 'order_delivered', 'issue_begun', 'issued', 'printed', 'activated', 'extended', 'redeemed', 'reversed', 'blocked', 'unblocked', 'cancelled', 'replaced', 'expired', 'disputed', 'guaranteed', 'dispute_dismissed', 'recipients_ordered', 'recipients_assigned', 'recipient_erased', 'recipients_purged', 'recipient_exported', 'remittance_opened', 'remittance_closed', 'settlement_held', 'settlement_released', 'watched', 'run_proposed', 'run_withdrawn', 'run_approved', 'settled', 'run_exported', 'run_executed', 'transfer_returned'"
KINDS_BEFORE = (
    "'buyer_enrolled', 'staff_enrolled'",
    "'staff_restored', 'account_asked'",
    "'dispute_dismissed', 'run_proposed'",
)
KINDS_NOW = (
    "'buyer_enrolled', 'terms_set', 'buyer_rule_set', 'application_received', 'application_accepted', 'application_refused', 'profile_set', 'convention_signed', 'staff_enrolled'",
    "'staff_restored', 'staff_invited', 'account_asked'",
    "'dispute_dismissed', 'recipients_ordered', 'recipients_assigned', 'recipient_erased', 'recipients_purged', 'recipient_exported', 'remittance_opened', 'remittance_closed', 'settlement_held', 'settlement_released', 'watched', 'run_proposed'",
)
MEANS = "means IN ('password', 'two_factor', 'passkey', 'link', 'recovery', 'api')"
APPROVAL = "approval IN ('one', 'two')"


def upgrade() -> None:
    _signing_in()
    _programmes_and_shops()
    _recipients()
    if op.get_context().dialect.name == "sqlite":
        _change_sqlite()
    else:
        _change_postgresql()
    _settling()
    for name, table, act, says, when in _guards():
        _guard(name, table, act, says, when)
    if op.get_context().dialect.name == "postgresql":
        for table in ("remitted", "watched", "remittance", "settlement_hold"):
            op.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT"
                f" EXECUTE FUNCTION refuse_change('{table} is never emptied')"
            )


def _guards() -> list[tuple[str, str, str, str, str]]:
    return [
        ("remitted_no_update", "remitted", "UPDATE", "remitted is append-only", ""),
        ("remitted_no_delete", "remitted", "DELETE", "remitted is append-only", ""),
        ("watched_no_update", "watched", "UPDATE", "watched is append-only", ""),
        ("watched_no_delete", "watched", "DELETE", "watched is append-only", ""),
        ("remittance_no_delete", "remittance", "DELETE", "a row of remittance is never deleted", ""),
        ("settlement_hold_no_delete", "settlement_hold", "DELETE", "a row of settlement_hold is never deleted", ""),
        (
            "remittance_fixed",
            "remittance",
            "UPDATE",
            "this is fixed on a row of remittance",
            "((new.programme_id IS DISTINCT FROM old.programme_id) OR (new.number IS DISTINCT FROM old.number) OR (new.merchant_id IS DISTINCT FROM old.merchant_id) OR (new.opened_by IS DISTINCT FROM old.opened_by) OR (new.opened_at IS DISTINCT FROM old.opened_at) OR ((old.closed_by IS NOT NULL) AND (new.closed_by IS DISTINCT FROM old.closed_by)) OR ((old.closed_at IS NOT NULL) AND (new.closed_at IS DISTINCT FROM old.closed_at)))",
        ),
        (
            "settlement_hold_fixed",
            "settlement_hold",
            "UPDATE",
            "this is fixed on a row of settlement_hold",
            "((new.programme_id IS DISTINCT FROM old.programme_id) OR (new.number IS DISTINCT FROM old.number) OR (new.merchant_id IS DISTINCT FROM old.merchant_id) OR (new.journal_id IS DISTINCT FROM old.journal_id) OR (new.line IS DISTINCT FROM old.line) OR (new.because IS DISTINCT FROM old.because) OR (new.held_by IS DISTINCT FROM old.held_by) OR (new.held_at IS DISTINCT FROM old.held_at) OR ((old.released_by IS NOT NULL) AND (new.released_by IS DISTINCT FROM old.released_by)) OR ((old.released_at IS NOT NULL) AND (new.released_at IS DISTINCT FROM old.released_at)) OR ((old.released_because IS NOT NULL) AND (new.released_because IS DISTINCT FROM old.released_because)))",
        ),
        (
            "remittance_step",
            "remittance",
            "UPDATE",
            "no such step of remittance",
            "((new.state <> old.state) AND (NOT ((old.state = 'open') AND (new.state = 'closed'))))",
        ),
    ]


def _guard(name: str, table: str, act: str, says: str, when: str) -> None:
    if op.get_context().dialect.name == "sqlite":
        condition, does = f"WHEN {when} " if when else "", f"BEGIN SELECT RAISE(ABORT, '{says}'); END"
    else:
        condition, does = f"WHEN ({when}) " if when else "", f"EXECUTE FUNCTION refuse_change('{says}')"
    op.execute(f"CREATE TRIGGER {name} BEFORE {act} ON {table} FOR EACH ROW {condition}{does}")


# ── SQLite ───────────────────────────────────────────────────────────────────────────────────────────────────────
def _change_sqlite() -> None:
    _made_anew("journal", *zip(KINDS_BEFORE, KINDS_NOW, strict=True))
    _made_anew(
        "token",
        (
            "\trevoked_at INTEGER, \n",
            "\trevoked_at INTEGER, \n\tmeans TEXT DEFAULT 'password' NOT NULL, \n\tfresh_at INTEGER, \n",
        ),
        (
            "CHECK (kind IN ('session', 'api'))",
            f"CHECK (kind IN ('session', 'api')), \n\tCONSTRAINT ck_token_means_known CHECK ({MEANS})",
        ),
    )
    _made_anew(
        "buyer",
        (
            "\tversion INTEGER DEFAULT '0' NOT NULL, \n",
            "\tversion INTEGER DEFAULT '0' NOT NULL, \n\tapproval TEXT DEFAULT 'two' NOT NULL, \n",
        ),
        (
            "CHECK (exposure_cap_cents >= 0)",
            f"CHECK (exposure_cap_cents >= 0), \n\tCONSTRAINT ck_buyer_approval_known CHECK ({APPROVAL})",
        ),
    )
    _made_anew("redemption", ("\ttill_id INTEGER NOT NULL, \n", "\ttill_id INTEGER, \n"))


def _made_anew(table: str, *changes: tuple[str, str]) -> None:
    """The table with its text changed, its rows, indexes and triggers as they were."""
    database = op.get_bind()
    named = {"table": table}
    made = database.execute(
        sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :table"), named
    ).scalar_one()
    for before, now in changes:
        assert made.count(before) == 1, (table, before)
        made = made.replace(before, now)
    # From its first parenthesis on: a table that was renamed has its name in quotes.
    made = f"CREATE TABLE {table}_anew {made[made.index('(') :]}"
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
    op.drop_constraint(op.f("ck_journal_kind_known"), "journal", type_="check")
    op.create_check_constraint(op.f("ck_journal_kind_known"), "journal", f"kind IN ({KINDS})")
    op.add_column("token", sa.Column("means", sa.Text(), server_default="password", nullable=False))
    op.add_column("token", sa.Column("fresh_at", sa.BigInteger()))
    op.create_check_constraint(op.f("ck_token_means_known"), "token", MEANS)
    op.add_column("buyer", sa.Column("approval", sa.Text(), server_default="two", nullable=False))
    op.create_check_constraint(op.f("ck_buyer_approval_known"), "buyer", APPROVAL)
    op.alter_column("redemption", "till_id", nullable=True)


# ── New tables ───────────────────────────────────────────────────────────────────────────────────────────────────
def _signing_in() -> None:
    op.create_table(
        "passkey",
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("staff_id", INT, nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", INT, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_passkey_staff_id")),
        sa.PrimaryKeyConstraint("credential_id", name=op.f("pk_passkey")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_passkey_staff_id"), "passkey", ["staff_id"], unique=False)
    op.create_table(
        "authenticator",
        sa.Column("staff_id", INT, autoincrement=False, nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("confirmed_at", INSTANT, nullable=True),
        sa.Column("last_step", INT, server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_authenticator_staff_id")),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_authenticator")),
        sqlite_strict=True,
    )
    op.create_table(
        "recovery_code",
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("staff_id", INT, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_recovery_code_staff_id")),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_recovery_code")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_recovery_code_staff_id"), "recovery_code", ["staff_id"], unique=False)
    op.create_table(
        "one_time",
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("staff_id", INT, nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "purpose IN ('invitation', 'sign_in', 'second_factor', 'passkey')", name=op.f("ck_one_time_purpose_known")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_one_time_staff_id")),
        sa.PrimaryKeyConstraint("secret_hash", name=op.f("pk_one_time")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_one_time_staff_id"), "one_time", ["staff_id"], unique=False)


def _programmes_and_shops() -> None:
    op.create_table(
        "programme_terms",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("face_values", sa.Text(), nullable=False),
        sa.Column("rhythm", sa.Text(), nullable=False),
        sa.Column("legal_wording", sa.Text(), nullable=False),
        sa.Column("colour", sa.Text(), nullable=False),
        sa.Column("logo", sa.LargeBinary(), nullable=True),
        sa.Column("outline", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "rhythm IN ('weekly', 'fortnightly', 'monthly', 'on_demand')", name=op.f("ck_programme_terms_rhythm_known")
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_programme_terms_programme_id")),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("pk_programme_terms")),
        sqlite_strict=True,
    )
    op.create_table(
        "set_up",
        sa.Column("id", INT, autoincrement=True, nullable=False),
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.Column("logo", sa.LargeBinary(), nullable=True),
        sa.Column("drafted_by", sa.Text(), nullable=False),
        sa.Column("drafted_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=True),
        sa.Column("opened_programme_id", INT, nullable=True),
        sa.CheckConstraint(
            "(state = 'opened') = (opened_programme_id IS NOT NULL)", name=op.f("ck_set_up_opened_programme_named")
        ),
        sa.CheckConstraint("state IN ('draft', 'ready', 'opened', 'dropped')", name=op.f("ck_set_up_state_known")),
        sa.CheckConstraint("opened_by IS NULL OR opened_by <> drafted_by", name=op.f("ck_set_up_four_eyes")),
        sa.ForeignKeyConstraint(["opened_programme_id"], ["programme.id"], name=op.f("fk_set_up_opened_programme_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_set_up_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_set_up")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_set_up_programme_id"), "set_up", ["programme_id"], unique=False)
    op.create_table(
        "application",
        sa.Column("id", INT, autoincrement=True, nullable=False),
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("legal_name", sa.Text(), nullable=False),
        sa.Column("shop_name", sa.Text(), nullable=False),
        sa.Column("siret", sa.Text(), nullable=False),
        sa.Column("trade", sa.Text(), nullable=False),
        sa.Column("street", sa.Text(), nullable=False),
        sa.Column("postcode", sa.Text(), nullable=False),
        sa.Column("commune", sa.Text(), nullable=False),
        sa.Column("contact_name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("website", sa.Text(), nullable=True),
        sa.Column("about", sa.Text(), nullable=True),
        sa.Column("hours", sa.Text(), nullable=False),
        sa.Column("photo", sa.LargeBinary(), nullable=True),
        sa.Column("account_holder", sa.Text(), nullable=False),
        sa.Column("iban", sa.Text(), nullable=False),
        sa.Column("applied_at", INSTANT, nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("because", sa.Text(), nullable=True),
        sa.Column("merchant_id", INT, nullable=True),
        sa.CheckConstraint(
            "(state = 'accepted') = (merchant_id IS NOT NULL)", name=op.f("ck_application_accepted_is_a_merchant")
        ),
        sa.CheckConstraint("(state = 'asked') = (decided_by IS NULL)", name=op.f("ck_application_decided_by_someone")),
        sa.CheckConstraint("state IN ('asked', 'accepted', 'refused')", name=op.f("ck_application_state_known")),
        sa.ForeignKeyConstraint(
            ["programme_id", "merchant_id"],
            ["merchant.programme_id", "merchant.id"],
            name=op.f("fk_application_programme_id_merchant_id"),
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_application_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_application_programme_id_state"), "application", ["programme_id", "state"], unique=False)
    op.create_table(
        "shop_profile",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("merchant_id", INT, nullable=False),
        sa.Column("street", sa.Text(), nullable=False),
        sa.Column("postcode", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("contact_name", sa.Text(), nullable=True),
        sa.Column("website", sa.Text(), nullable=True),
        sa.Column("about", sa.Text(), nullable=True),
        sa.Column("hours", sa.Text(), nullable=False),
        sa.Column("photo", sa.LargeBinary(), nullable=True),
        sa.Column("latitude_e6", INT, nullable=True),
        sa.Column("longitude_e6", INT, nullable=True),
        sa.Column("signed_on", DAY, nullable=True),
        sa.CheckConstraint("(latitude_e6 IS NULL) = (longitude_e6 IS NULL)", name=op.f("ck_shop_profile_place_whole")),
        sa.CheckConstraint(
            "latitude_e6 BETWEEN -90000000 AND 90000000 AND longitude_e6 BETWEEN -180000000 AND 180000000",
            name=op.f("ck_shop_profile_on_earth"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id", "merchant_id"],
            ["merchant.programme_id", "merchant.id"],
            name=op.f("fk_shop_profile_programme_id_merchant_id"),
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_shop_profile_programme_id")),
        sa.PrimaryKeyConstraint("programme_id", "merchant_id", name=op.f("pk_shop_profile")),
        sqlite_strict=True,
    )


def _recipients() -> None:
    op.create_table(
        "recipient_list",
        sa.Column("id", INT, autoincrement=True, nullable=False),
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("buyer_id", INT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("matching", sa.Text(), nullable=False),
        sa.Column("order_number", INT, nullable=True),
        sa.Column("brought_by", sa.Text(), nullable=False),
        sa.Column("brought_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.CheckConstraint("state IN ('draft', 'ordered', 'purged')", name=op.f("ck_recipient_list_state_known")),
        sa.ForeignKeyConstraint(
            ["programme_id", "buyer_id"],
            ["buyer.programme_id", "buyer.id"],
            name=op.f("fk_recipient_list_programme_id_buyer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id", "order_number"],
            ["voucher_order.programme_id", "voucher_order.number"],
            name=op.f("fk_recipient_list_programme_id_order_number"),
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_recipient_list_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipient_list")),
        sa.UniqueConstraint("programme_id", "id", name=op.f("uq_recipient_list_programme_id_id")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_recipient_list_programme_id_buyer_id"), "recipient_list", ["programme_id", "buyer_id"], unique=False
    )
    op.create_index(
        op.f("ix_recipient_list_programme_id_order_number"),
        "recipient_list",
        ["programme_id", "order_number"],
        unique=False,
    )
    op.create_table(
        "recipient",
        sa.Column("id", INT, autoincrement=True, nullable=False),
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("list_id", INT, nullable=False),
        sa.Column("buyer_id", INT, nullable=False),
        sa.Column("line", INT, nullable=False),
        sa.Column("civility", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("postcode", sa.Text(), nullable=True),
        sa.Column("town", sa.Text(), nullable=True),
        sa.Column("round", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("face_cents", INT, nullable=False),
        sa.Column("quantity", INT, nullable=False),
        sa.Column("erased_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "erased_at IS NULL OR (civility IS NULL AND last_name IS NULL AND first_name IS NULL AND address IS NULL AND postcode IS NULL AND town IS NULL AND round IS NULL AND reference IS NULL)",
            name=op.f("ck_recipient_erased_is_nobody"),
        ),
        sa.CheckConstraint("face_cents > 0 AND quantity > 0", name=op.f("ck_recipient_receives_something")),
        sa.ForeignKeyConstraint(
            ["programme_id", "buyer_id"],
            ["buyer.programme_id", "buyer.id"],
            name=op.f("fk_recipient_programme_id_buyer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id", "list_id"],
            ["recipient_list.programme_id", "recipient_list.id"],
            name=op.f("fk_recipient_programme_id_list_id"),
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_recipient_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipient")),
        sa.UniqueConstraint("programme_id", "id", name=op.f("uq_recipient_programme_id_id")),
        sa.UniqueConstraint("programme_id", "list_id", "line", name=op.f("uq_recipient_programme_id_list_id_line")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_recipient_programme_id_buyer_id"), "recipient", ["programme_id", "buyer_id"], unique=False)
    op.create_table(
        "recipient_voucher",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("serial", INT, nullable=False),
        sa.Column("recipient_id", INT, nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id", "recipient_id"],
            ["recipient.programme_id", "recipient.id"],
            name=op.f("fk_recipient_voucher_programme_id_recipient_id"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id", "serial"],
            ["voucher.programme_id", "voucher.serial"],
            name=op.f("fk_recipient_voucher_programme_id_serial"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "serial", name=op.f("pk_recipient_voucher")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_recipient_voucher_programme_id_recipient_id"),
        "recipient_voucher",
        ["programme_id", "recipient_id"],
        unique=False,
    )


def _settling() -> None:
    op.create_table(
        "settlement_hold",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("number", INT, nullable=False),
        sa.Column("merchant_id", INT, nullable=False),
        sa.Column("journal_id", INT, nullable=True),
        sa.Column("line", INT, nullable=True),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("held_by", sa.Text(), nullable=False),
        sa.Column("held_at", INSTANT, nullable=False),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.Column("released_at", INSTANT, nullable=True),
        sa.Column("released_because", sa.Text(), nullable=True),
        sa.CheckConstraint("(journal_id IS NULL) = (line IS NULL)", name=op.f("ck_settlement_hold_posting_whole")),
        sa.CheckConstraint(
            "(released_at IS NULL) = (released_by IS NULL) AND (released_at IS NULL) = (released_because IS NULL)",
            name=op.f("ck_settlement_hold_released_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id", "journal_id", "line"],
            ["posting.programme_id", "posting.journal_id", "posting.line"],
            name=op.f("fk_settlement_hold_programme_id_journal_id_line"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id", "merchant_id"],
            ["merchant.programme_id", "merchant.id"],
            name=op.f("fk_settlement_hold_programme_id_merchant_id"),
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_settlement_hold_programme_id")),
        sa.PrimaryKeyConstraint("programme_id", "number", name=op.f("pk_settlement_hold")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_settlement_hold_programme_id_merchant_id"),
        "settlement_hold",
        ["programme_id", "merchant_id"],
        unique=False,
    )
    op.create_table(
        "remittance",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("number", INT, nullable=False),
        sa.Column("merchant_id", INT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("slip_count", INT, nullable=False),
        sa.Column("slip_cents", INT, nullable=False),
        sa.Column("spent_on", DAY, nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("remark", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state = 'closed') = (closed_by IS NOT NULL)", name=op.f("ck_remittance_closed_by_someone")
        ),
        sa.CheckConstraint("state IN ('open', 'closed')", name=op.f("ck_remittance_state_known")),
        sa.CheckConstraint("slip_count >= 0 AND slip_cents >= 0", name=op.f("ck_remittance_slip_not_negative")),
        sa.ForeignKeyConstraint(
            ["programme_id", "merchant_id"],
            ["merchant.programme_id", "merchant.id"],
            name=op.f("fk_remittance_programme_id_merchant_id"),
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_remittance_programme_id")),
        sa.PrimaryKeyConstraint("programme_id", "number", name=op.f("pk_remittance")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_remittance_programme_id_merchant_id"), "remittance", ["programme_id", "merchant_id"], unique=False
    )
    op.create_table(
        "remitted",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("remittance_number", INT, nullable=False),
        sa.Column("line", INT, nullable=False),
        sa.Column("serial", INT, nullable=True),
        sa.Column("cents", INT, nullable=False),
        sa.Column("redemption_id", INT, nullable=True),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "(redemption_id IS NULL) = (refused IS NOT NULL)", name=op.f("ck_remitted_accepted_or_refused")
        ),
        sa.CheckConstraint("cents >= 0", name=op.f("ck_remitted_cents_not_negative")),
        sa.ForeignKeyConstraint(
            ["programme_id", "redemption_id"],
            ["redemption.programme_id", "redemption.journal_id"],
            name=op.f("fk_remitted_programme_id_redemption_id"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id", "remittance_number"],
            ["remittance.programme_id", "remittance.number"],
            name=op.f("fk_remitted_programme_id_remittance_number"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "remittance_number", "line", name=op.f("pk_remitted")),
        sa.UniqueConstraint("programme_id", "redemption_id", name=op.f("uq_remitted_programme_id_redemption_id")),
        sqlite_strict=True,
    )
    op.create_table(
        "watched",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("merchant_id", INT, nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.Column("hold_number", INT, nullable=True),
        sa.CheckConstraint("(decision = 'held') = (hold_number IS NOT NULL)", name=op.f("ck_watched_held_by_a_hold")),
        sa.CheckConstraint("decision IN ('fine', 'held')", name=op.f("ck_watched_decision_known")),
        sa.ForeignKeyConstraint(
            ["programme_id", "hold_number"],
            ["settlement_hold.programme_id", "settlement_hold.number"],
            name=op.f("fk_watched_programme_id_hold_number"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id", "merchant_id"],
            ["merchant.programme_id", "merchant.id"],
            name=op.f("fk_watched_programme_id_merchant_id"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "pattern", "subject", name=op.f("pk_watched")),
        sqlite_strict=True,
    )
