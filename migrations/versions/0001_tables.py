"""Every table as the first version had it. Later versions come as revisions; this one does not change."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = INT
DAY = sa.Date().with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute(sa.schema.CreateSequence(sa.Sequence("journal_id", data_type=sa.BigInteger)))
    op.create_table(
        "balance_snapshot",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("upto_journal", INT, nullable=False),
        sa.Column("debit_cents", INT, nullable=False),
        sa.Column("credit_cents", INT, nullable=False),
        sa.PrimaryKeyConstraint("programme_id", "account", "upto_journal", name=op.f("pk_balance_snapshot")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_balance_snapshot_programme_id_upto_journal"),
        "balance_snapshot",
        ["programme_id", "upto_journal"],
        unique=False,
    )
    op.create_table(
        "failure",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("hour", INT, nullable=False),
        sa.Column("attempts", INT, nullable=False),
        sa.PrimaryKeyConstraint("scope", "hour", name=op.f("pk_failure")),
        sqlite_strict=True,
    )
    op.create_table(
        "idempotency",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("programme_id", "scope", "key", name=op.f("pk_idempotency")),
        sqlite_strict=True,
    )
    op.create_table(
        "issuer",
        sa.Column("id", INT, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("siret", sa.Text(), nullable=True),
        sa.Column("account_holder", sa.Text(), nullable=True),
        sa.Column("iban", sa.Text(), nullable=True),
        sa.Column("bic", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issuer")),
        sqlite_strict=True,
    )
    op.create_table(
        "journal",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("book_day", DAY, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "kind IN ('programme_opened', 'merchant_enrolled', 'merchant_suspended', 'merchant_restored', 'buyer_enrolled', 'staff_enrolled', 'staff_suspended', 'staff_restored', 'account_asked', 'account_confirmed', 'account_withdrawn', 'role_asked', 'role_granted', 'role_revoked', 'till_paired', 'till_renamed', 'till_revoked', 'order_placed', 'order_approved', 'order_accepted', 'order_paid', 'order_cancelled', 'order_delivered', 'issue_begun', 'issued', 'printed', 'activated', 'extended', 'redeemed', 'reversed', 'blocked', 'unblocked', 'cancelled', 'replaced', 'expired', 'run_proposed', 'run_withdrawn', 'run_approved', 'settled', 'run_exported', 'run_executed', 'transfer_returned')",
            name=op.f("ck_journal_kind_known"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "id", name=op.f("pk_journal")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_journal_programme_id_book_day_id"), "journal", ["programme_id", "book_day", "id"], unique=False
    )
    op.create_index(op.f("ix_journal_programme_id_kind_id"), "journal", ["programme_id", "kind", "id"], unique=False)
    op.create_index(
        op.f("ix_journal_programme_id_subject_id"), "journal", ["programme_id", "subject", "id"], unique=False
    )
    op.create_table(
        "seal",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("number", INT, nullable=False),
        sa.Column("from_journal", INT, nullable=False),
        sa.Column("to_journal", INT, nullable=False),
        sa.Column("journals", INT, nullable=False),
        sa.Column("cents", INT, nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("programme_id", "number", name=op.f("pk_seal")),
        sa.UniqueConstraint("programme_id", "to_journal", name=op.f("uq_seal_programme_id_to_journal")),
        sqlite_strict=True,
    )
    op.create_table(
        "staff",
        sa.Column("id", INT, autoincrement=True, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("own_password_since", INSTANT, nullable=True),
        sa.Column("state", sa.Text(), server_default="active", nullable=False),
        sa.Column("enrolled_at", INSTANT, nullable=False),
        sa.CheckConstraint("state IN ('active', 'suspended')", name=op.f("ck_staff_state_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("email", name=op.f("uq_staff_email")),
        sqlite_strict=True,
    )
    op.create_table(
        "posting",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("journal_id", INT, nullable=False),
        sa.Column("line", INT, nullable=False),
        sa.Column("debit", sa.Text(), nullable=False),
        sa.Column("credit", sa.Text(), nullable=False),
        sa.Column("cents", INT, nullable=False),
        sa.Column("serial", INT, nullable=True),
        sa.CheckConstraint(
            "credit IN ('bank', 'float', 'commission', 'fee', 'vat', 'vat_pending', 'breakage', 'next_campaign', 'suspense') OR credit LIKE 'receivable:_%' OR credit LIKE 'ordered:_%' OR credit LIKE 'merchant:_%' OR credit LIKE 'in_transit:_%' OR credit LIKE 'lapsed:_%'",
            name=op.f("ck_posting_credit_known"),
        ),
        sa.CheckConstraint(
            "debit IN ('bank', 'float', 'commission', 'fee', 'vat', 'vat_pending', 'breakage', 'next_campaign', 'suspense') OR debit LIKE 'receivable:_%' OR debit LIKE 'ordered:_%' OR debit LIKE 'merchant:_%' OR debit LIKE 'in_transit:_%' OR debit LIKE 'lapsed:_%'",
            name=op.f("ck_posting_debit_known"),
        ),
        sa.CheckConstraint("cents > 0", name=op.f("ck_posting_cents_positive")),
        sa.CheckConstraint("debit <> credit", name=op.f("ck_posting_two_accounts")),
        sa.ForeignKeyConstraint(
            ["programme_id", "journal_id"],
            ["journal.programme_id", "journal.id"],
            name=op.f("fk_posting_programme_id_journal_id"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "journal_id", "line", name=op.f("pk_posting")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_posting_programme_id_credit_journal_id"),
        "posting",
        ["programme_id", "credit", "journal_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_posting_programme_id_debit_journal_id"),
        "posting",
        ["programme_id", "debit", "journal_id"],
        unique=False,
    )
    op.create_index(
        "ix_posting_programme_id_serial_journal_id",
        "posting",
        ["programme_id", "serial", "journal_id"],
        unique=False,
        sqlite_where=sa.text("serial IS NOT NULL"),
        postgresql_where=sa.text("serial IS NOT NULL"),
    )
    op.create_table(
        "programme",
        sa.Column("id", INT, autoincrement=True, nullable=False),
        sa.Column("issuer_id", INT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("target_cents", INT, nullable=False),
        sa.Column("starts_on", DAY, nullable=False),
        sa.Column("expires_on", DAY, nullable=False),
        sa.Column("presentation_deadline_on", DAY, nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("shops_url", sa.Text(), nullable=False),
        sa.Column("use_rule", sa.Text(), nullable=False),
        sa.Column("fee_bp", INT, server_default="0", nullable=False),
        sa.Column("commission_bp", INT, nullable=False),
        sa.Column("vat_bp", INT, nullable=False),
        sa.Column("reversal_window_minutes", INT, nullable=False),
        sa.Column("lapse_to", sa.Text(), nullable=False),
        sa.Column("next_serial", INT, server_default="1", nullable=False),
        sa.CheckConstraint(
            "lapse_to IN ('breakage', 'buyer', 'next_campaign')", name=op.f("ck_programme_lapse_to_known")
        ),
        sa.CheckConstraint("use_rule IN ('whole', 'partial')", name=op.f("ck_programme_use_rule_known")),
        sa.CheckConstraint(
            "commission_bp BETWEEN 0 AND 10000 AND vat_bp BETWEEN 0 AND 10000", name=op.f("ck_programme_rates_possible")
        ),
        sa.CheckConstraint("fee_bp BETWEEN 0 AND 10000", name=op.f("ck_programme_fee_possible")),
        sa.CheckConstraint("next_serial > 0", name=op.f("ck_programme_serial_positive")),
        sa.CheckConstraint(
            "starts_on <= expires_on AND expires_on <= presentation_deadline_on",
            name=op.f("ck_programme_days_in_order"),
        ),
        sa.CheckConstraint("target_cents > 0", name=op.f("ck_programme_target_positive")),
        sa.ForeignKeyConstraint(["issuer_id"], ["issuer.id"], name=op.f("fk_programme_issuer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programme")),
        sqlite_strict=True,
    )
    op.create_table(
        "redemption",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("journal_id", INT, nullable=False),
        sa.Column("merchant_id", INT, nullable=False),
        sa.Column("till_id", INT, nullable=False),
        sa.Column("cents", INT, nullable=False),
        sa.Column("sale_cents", INT, nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint("cents > 0", name=op.f("ck_redemption_cents_positive")),
        sa.CheckConstraint(
            "sale_cents IS NULL OR sale_cents >= cents", name=op.f("ck_redemption_sale_covers_vouchers")
        ),
        sa.ForeignKeyConstraint(
            ["programme_id", "journal_id"],
            ["journal.programme_id", "journal.id"],
            name=op.f("fk_redemption_programme_id_journal_id"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "journal_id", name=op.f("pk_redemption")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_redemption_programme_id_merchant_id_at"),
        "redemption",
        ["programme_id", "merchant_id", "at"],
        unique=False,
    )
    op.create_table(
        "token",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("staff_id", INT, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.CheckConstraint("kind IN ('session', 'api')", name=op.f("ck_token_kind_known")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_token_staff_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_token")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_token_staff_id"), "token", ["staff_id"], unique=False)
    op.create_table(
        "buyer",
        sa.Column("id", INT, autoincrement=True, nullable=False),
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("siret", sa.Text(), nullable=True),
        sa.Column("exposure_cap_cents", INT, nullable=False),
        sa.Column("version", INT, server_default="0", nullable=False),
        sa.CheckConstraint("exposure_cap_cents >= 0", name=op.f("ck_buyer_cap_not_negative")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_buyer_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_buyer")),
        sa.UniqueConstraint("programme_id", "id", name=op.f("uq_buyer_programme_id_id")),
        sa.UniqueConstraint("programme_id", "name", name=op.f("uq_buyer_programme_id_name")),
        sqlite_strict=True,
    )
    op.create_table(
        "merchant",
        sa.Column("id", INT, autoincrement=True, nullable=False),
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("legal_name", sa.Text(), nullable=False),
        sa.Column("shop_name", sa.Text(), nullable=False),
        sa.Column("siret", sa.Text(), nullable=False),
        sa.Column("trade", sa.Text(), nullable=False),
        sa.Column("commune", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="active", nullable=False),
        sa.Column("enrolled_at", INSTANT, nullable=False),
        sa.CheckConstraint("state IN ('active', 'suspended')", name=op.f("ck_merchant_state_known")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_merchant_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merchant")),
        sa.UniqueConstraint("programme_id", "id", name=op.f("uq_merchant_programme_id_id")),
        sa.UniqueConstraint("programme_id", "siret", name=op.f("uq_merchant_programme_id_siret")),
        sqlite_strict=True,
    )
    op.create_table(
        "payment_run",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("number", INT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("from_on", DAY, nullable=False),
        sa.Column("to_on", DAY, nullable=False),
        sa.Column("upto_journal", INT, nullable=False),
        sa.Column("commission_bp", INT, nullable=False),
        sa.Column("vat_bp", INT, nullable=False),
        sa.Column("debtor_name", sa.Text(), nullable=False),
        sa.Column("debtor_iban", sa.Text(), nullable=False),
        sa.Column("debtor_bic", sa.Text(), nullable=True),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", INSTANT, nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("approved_at", INSTANT, nullable=True),
        sa.Column("execution_on", DAY, nullable=True),
        sa.CheckConstraint(
            "state IN ('proposed', 'withdrawn') OR approved_by IS NOT NULL",
            name=op.f("ck_payment_run_approved_by_someone"),
        ),
        sa.CheckConstraint(
            "state IN ('proposed', 'withdrawn', 'approved', 'exported', 'executed')",
            name=op.f("ck_payment_run_state_known"),
        ),
        sa.CheckConstraint("approved_by IS NULL OR approved_by <> proposed_by", name=op.f("ck_payment_run_four_eyes")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_payment_run_programme_id")),
        sa.PrimaryKeyConstraint("programme_id", "number", name=op.f("pk_payment_run")),
        sqlite_strict=True,
    )
    op.create_index(
        "uq_payment_run_one_proposed",
        "payment_run",
        ["programme_id"],
        unique=True,
        sqlite_where=sa.text("state = 'proposed'"),
        postgresql_where=sa.text("state = 'proposed'"),
    )
    op.create_table(
        "reversal",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("redemption_id", INT, nullable=False),
        sa.Column("serial", INT, nullable=False),
        sa.Column("journal_id", INT, nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id", "journal_id"],
            ["journal.programme_id", "journal.id"],
            name=op.f("fk_reversal_programme_id_journal_id"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id", "redemption_id"],
            ["redemption.programme_id", "redemption.journal_id"],
            name=op.f("fk_reversal_programme_id_redemption_id"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "redemption_id", "serial", name=op.f("pk_reversal")),
        sqlite_strict=True,
    )
    op.create_table(
        "bank_account",
        sa.Column("id", INT, autoincrement=True, nullable=False),
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("merchant_id", INT, nullable=False),
        sa.Column("account_holder", sa.Text(), nullable=False),
        sa.Column("iban", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("confirmed_at", INSTANT, nullable=True),
        sa.Column("in_force_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "(state = 'confirmed') = (in_force_at IS NOT NULL)", name=op.f("ck_bank_account_in_force_once_confirmed")
        ),
        sa.CheckConstraint("state IN ('asked', 'confirmed', 'withdrawn')", name=op.f("ck_bank_account_state_known")),
        sa.CheckConstraint("confirmed_by IS NULL OR confirmed_by <> asked_by", name=op.f("ck_bank_account_four_eyes")),
        sa.ForeignKeyConstraint(
            ["programme_id", "merchant_id"],
            ["merchant.programme_id", "merchant.id"],
            name=op.f("fk_bank_account_programme_id_merchant_id"),
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_bank_account_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_account")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_bank_account_merchant_id_in_force_at"), "bank_account", ["merchant_id", "in_force_at"], unique=False
    )
    op.create_index(
        "uq_bank_account_one_asked",
        "bank_account",
        ["merchant_id"],
        unique=True,
        sqlite_where=sa.text("state = 'asked'"),
        postgresql_where=sa.text("state = 'asked'"),
    )
    op.create_table(
        "pairing",
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("merchant_id", INT, nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["programme_id", "merchant_id"],
            ["merchant.programme_id", "merchant.id"],
            name=op.f("fk_pairing_programme_id_merchant_id"),
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_pairing_programme_id")),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_pairing")),
        sqlite_strict=True,
    )
    op.create_table(
        "role",
        sa.Column("id", INT, autoincrement=True, nullable=False),
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("staff_id", INT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("buyer_id", INT, nullable=True),
        sa.Column("merchant_id", INT, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("confirmed_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "(name = 'merchant_owner') = (merchant_id IS NOT NULL)", name=op.f("ck_role_merchant_named")
        ),
        sa.CheckConstraint(
            "(name IN ('buyer_clerk', 'buyer_approver')) = (buyer_id IS NOT NULL)", name=op.f("ck_role_buyer_named")
        ),
        sa.CheckConstraint(
            "name IN ('treasurer', 'approver', 'administrator', 'auditor', 'buyer_clerk', 'buyer_approver', 'merchant_owner')",
            name=op.f("ck_role_name_known"),
        ),
        sa.CheckConstraint("state <> 'active' OR confirmed_by IS NOT NULL", name=op.f("ck_role_active_once_confirmed")),
        sa.CheckConstraint("state IN ('asked', 'active', 'revoked')", name=op.f("ck_role_state_known")),
        sa.CheckConstraint("confirmed_by IS NULL OR confirmed_by <> asked_by", name=op.f("ck_role_four_eyes")),
        sa.ForeignKeyConstraint(["buyer_id"], ["buyer.id"], name=op.f("fk_role_buyer_id")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_role_merchant_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_role_programme_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_role_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_role_staff_id_programme_id"), "role", ["staff_id", "programme_id"], unique=False)
    op.create_table(
        "settlement",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("run_number", INT, nullable=False),
        sa.Column("merchant_id", INT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("carried_because", sa.Text(), nullable=True),
        sa.Column("gross_cents", INT, nullable=False),
        sa.Column("brought_cents", INT, nullable=False),
        sa.Column("commission_cents", INT, nullable=False),
        sa.Column("vat_cents", INT, nullable=False),
        sa.Column("net_cents", INT, nullable=False),
        sa.Column("account_holder", sa.Text(), nullable=True),
        sa.Column("iban", sa.Text(), nullable=True),
        sa.Column("journal_id", INT, nullable=True),
        sa.CheckConstraint(
            "(state = 'carried') = (carried_because IS NOT NULL)", name=op.f("ck_settlement_carried_says_why")
        ),
        sa.CheckConstraint(
            "state = 'carried' OR (net_cents > 0 AND iban IS NOT NULL)", name=op.f("ck_settlement_payable")
        ),
        sa.CheckConstraint(
            "state IN ('to_pay', 'carried', 'paid', 'returned')", name=op.f("ck_settlement_state_known")
        ),
        sa.CheckConstraint(
            "gross_cents + brought_cents = commission_cents + vat_cents + net_cents",
            name=op.f("ck_settlement_parts_make_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id", "merchant_id"],
            ["merchant.programme_id", "merchant.id"],
            name=op.f("fk_settlement_programme_id_merchant_id"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id", "run_number"],
            ["payment_run.programme_id", "payment_run.number"],
            name=op.f("fk_settlement_programme_id_run_number"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "run_number", "merchant_id", name=op.f("pk_settlement")),
        sqlite_strict=True,
    )
    op.create_table(
        "till",
        sa.Column("id", INT, autoincrement=True, nullable=False),
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("merchant_id", INT, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("paired_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["programme_id", "merchant_id"],
            ["merchant.programme_id", "merchant.id"],
            name=op.f("fk_till_programme_id_merchant_id"),
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_till_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_till")),
        sa.UniqueConstraint("programme_id", "id", name=op.f("uq_till_programme_id_id")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_till_merchant_id"), "till", ["merchant_id"], unique=False)
    op.create_table(
        "voucher_order",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("number", INT, nullable=False),
        sa.Column("buyer_id", INT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rf_reference", sa.Text(), nullable=False),
        sa.Column("purchase_order", sa.Text(), nullable=True),
        sa.Column("fee_cents", INT, nullable=False),
        sa.Column("fee_vat_cents", INT, nullable=False),
        sa.Column("drafted_by", sa.Text(), nullable=False),
        sa.Column("drafted_at", INSTANT, nullable=False),
        sa.Column("placed_by", sa.Text(), nullable=True),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("accepted_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('draft', 'placed', 'approved', 'paid', 'accepted', 'issuing', 'issued', 'delivered', 'cancelled')",
            name=op.f("ck_voucher_order_state_known"),
        ),
        sa.CheckConstraint("approved_by IS NULL OR approved_by <> placed_by", name=op.f("ck_voucher_order_four_eyes")),
        sa.CheckConstraint("fee_cents >= 0 AND fee_vat_cents >= 0", name=op.f("ck_voucher_order_fee_not_negative")),
        sa.ForeignKeyConstraint(
            ["programme_id", "buyer_id"],
            ["buyer.programme_id", "buyer.id"],
            name=op.f("fk_voucher_order_programme_id_buyer_id"),
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_voucher_order_programme_id")),
        sa.PrimaryKeyConstraint("programme_id", "number", name=op.f("pk_voucher_order")),
        sa.UniqueConstraint("programme_id", "rf_reference", name=op.f("uq_voucher_order_programme_id_rf_reference")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_voucher_order_programme_id_buyer_id"), "voucher_order", ["programme_id", "buyer_id"], unique=False
    )
    op.create_table(
        "batch",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("number", INT, nullable=False),
        sa.Column("order_number", INT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("first_serial", INT, nullable=False),
        sa.Column("quantity", INT, nullable=False),
        sa.Column("issued_count", INT, server_default="0", nullable=False),
        sa.Column("expires_on", DAY, nullable=False),
        sa.Column("issued_by", sa.Text(), nullable=False),
        sa.Column("begun_at", INSTANT, nullable=False),
        sa.Column("printed_by", sa.Text(), nullable=True),
        sa.Column("printed_at", INSTANT, nullable=True),
        sa.Column("activated_by", sa.Text(), nullable=True),
        sa.Column("activated_at", INSTANT, nullable=True),
        sa.CheckConstraint("state = 'issuing' OR issued_count = quantity", name=op.f("ck_batch_issued_whole")),
        sa.CheckConstraint("state IN ('issuing', 'issued', 'printed', 'active')", name=op.f("ck_batch_state_known")),
        sa.CheckConstraint("activated_by IS NULL OR activated_by <> issued_by", name=op.f("ck_batch_four_eyes")),
        sa.CheckConstraint("issued_count BETWEEN 0 AND quantity", name=op.f("ck_batch_issued_within")),
        sa.ForeignKeyConstraint(
            ["programme_id", "order_number"],
            ["voucher_order.programme_id", "voucher_order.number"],
            name=op.f("fk_batch_programme_id_order_number"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "number", name=op.f("pk_batch")),
        sa.UniqueConstraint("programme_id", "first_serial", name=op.f("uq_batch_programme_id_first_serial")),
        sa.UniqueConstraint("programme_id", "order_number", name=op.f("uq_batch_programme_id_order_number")),
        sqlite_strict=True,
    )
    op.create_table(
        "order_line",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("order_number", INT, nullable=False),
        sa.Column("line", INT, nullable=False),
        sa.Column("face_cents", INT, nullable=False),
        sa.Column("quantity", INT, nullable=False),
        sa.CheckConstraint("face_cents BETWEEN 100 AND 25000", name=op.f("ck_order_line_face_value_range")),
        sa.CheckConstraint("quantity BETWEEN 1 AND 200000", name=op.f("ck_order_line_quantity_range")),
        sa.ForeignKeyConstraint(
            ["programme_id", "order_number"],
            ["voucher_order.programme_id", "voucher_order.number"],
            name=op.f("fk_order_line_programme_id_order_number"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "order_number", "line", name=op.f("pk_order_line")),
        sqlite_strict=True,
    )
    op.create_table(
        "settlement_line",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("journal_id", INT, nullable=False),
        sa.Column("line", INT, nullable=False),
        sa.Column("run_number", INT, nullable=False),
        sa.Column("merchant_id", INT, nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id", "journal_id", "line"],
            ["posting.programme_id", "posting.journal_id", "posting.line"],
            name=op.f("fk_settlement_line_programme_id_journal_id_line"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id", "run_number", "merchant_id"],
            ["settlement.programme_id", "settlement.run_number", "settlement.merchant_id"],
            name=op.f("fk_settlement_line_programme_id_run_number_merchant_id"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "journal_id", "line", name=op.f("pk_settlement_line")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_settlement_line_programme_id_run_number_merchant_id"),
        "settlement_line",
        ["programme_id", "run_number", "merchant_id"],
        unique=False,
    )
    op.create_table(
        "sealed_codes",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("batch_number", INT, nullable=False),
        sa.Column("first_serial", INT, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id", "batch_number"],
            ["batch.programme_id", "batch.number"],
            name=op.f("fk_sealed_codes_programme_id_batch_number"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "batch_number", "first_serial", name=op.f("pk_sealed_codes")),
        sqlite_strict=True,
    )
    op.create_table(
        "voucher",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("serial", INT, nullable=False),
        sa.Column("batch_number", INT, nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("control_hash", sa.LargeBinary(), nullable=False),
        sa.Column("face_cents", INT, nullable=False),
        sa.Column("balance_cents", INT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("expires_on", DAY, nullable=False),
        sa.Column("replaces_serial", INT, nullable=True),
        sa.CheckConstraint(
            "(state IN ('redeemed', 'expired', 'cancelled', 'replaced')) = (balance_cents = 0)",
            name=op.f("ck_voucher_closed_holds_nothing"),
        ),
        sa.CheckConstraint(
            "state IN ('printed', 'active', 'blocked', 'redeemed', 'expired', 'cancelled', 'replaced')",
            name=op.f("ck_voucher_state_known"),
        ),
        sa.CheckConstraint("balance_cents BETWEEN 0 AND face_cents", name=op.f("ck_voucher_balance_within_face_value")),
        sa.CheckConstraint("face_cents > 0", name=op.f("ck_voucher_face_value_positive")),
        sa.ForeignKeyConstraint(
            ["programme_id", "batch_number"],
            ["batch.programme_id", "batch.number"],
            name=op.f("fk_voucher_programme_id_batch_number"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "serial", name=op.f("pk_voucher")),
        sa.UniqueConstraint("programme_id", "code_hash", name=op.f("uq_voucher_programme_id_code_hash")),
        sa.UniqueConstraint("programme_id", "replaces_serial", name=op.f("uq_voucher_programme_id_replaces_serial")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_voucher_open_expires_on",
        "voucher",
        ["programme_id", "expires_on", "serial"],
        unique=False,
        sqlite_where=sa.text("state IN ('printed', 'active')"),
        postgresql_where=sa.text("state IN ('printed', 'active')"),
    )
    op.create_index(
        op.f("ix_voucher_programme_id_batch_number_serial"),
        "voucher",
        ["programme_id", "batch_number", "serial"],
        unique=False,
    )
