"""The papers: invoices and what else binds, what the bank says, and how the chamber wants both.

New tables; the journal knows their facts, and postings two more accounts. SQLite makes those two anew, as in revision
0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = INT
DAY = sa.Date().with_variant(sa.Text(), "sqlite")
KINDS = "'programme_opened', 'merchant_enrolled', 'merchant_suspended', 'merchant_restored', 'buyer_enrolled', 'terms_set', 'buyer_rule_set', 'application_received', 'application_accepted', 'application_refused', 'profile_set', 'convention_signed', 'staff_enrolled', 'staff_suspended', 'staff_restored', 'staff_invited', 'account_asked', 'account_confirmed', 'account_withdrawn', 'role_asked', 'role_granted', 'role_revoked', 'till_paired', 'till_renamed', 'till_revoked', 'cashier_named', 'cashier_removed', 'shop_rule_set', 'offline_allowed', 'offline_forbidden', 'order_placed', 'order_approved', 'order_accepted', 'order_paid', 'order_cancelled', 'order_delivered', 'issue_begun', 'issued', 'printed', 'activated', 'extended', 'redeemed', 'reversed', 'blocked', 'unblocked', 'cancelled', 'replaced', 'expired', 'disputed', 'guaranteed', 'dispute_dismissed', 'recipients_ordered', 'recipients_assigned', 'recipient_erased', 'recipients_purged', 'recipient_exported', 'remittance_opened', 'remittance_closed', 'settlement_held', 'settlement_released', 'watched', 'run_proposed', 'run_withdrawn', 'run_approved', 'settled', 'run_exported', 'run_executed', 'transfer_returned', 'paper_settings_set', 'billing_set', 'invoiced', 'credited', 'document_made', 'statement_sent', 'bank_statement_taken', 'money_received', 'paid_back', 'bank_fees_taken', 'bank_line_set_aside', 'bank_line_reopened'"
KINDS_BEFORE = "'run_executed', 'transfer_returned')"
KINDS_NOW = "'run_executed', 'transfer_returned', 'paper_settings_set', 'billing_set', 'invoiced', 'credited', 'document_made', 'statement_sent', 'bank_statement_taken', 'money_received', 'paid_back', 'bank_fees_taken', 'bank_line_set_aside', 'bank_line_reopened')"
ACCOUNTS = "'bank', 'float', 'commission', 'fee', 'vat', 'vat_pending', 'breakage', 'next_campaign', 'suspense', 'guarantee', 'unallocated', 'bank_fees'"
OWNED = "{0} LIKE 'receivable:_%' OR {0} LIKE 'ordered:_%' OR {0} LIKE 'merchant:_%' OR {0} LIKE 'in_transit:_%' OR {0} LIKE 'lapsed:_%'"
GUARDS = (
    ("document_no_update", "document", "UPDATE", "document is append-only", ""),
    ("document_no_delete", "document", "DELETE", "document is append-only", ""),
    ("bank_statement_no_update", "bank_statement", "UPDATE", "bank_statement is append-only", ""),
    ("bank_statement_no_delete", "bank_statement", "DELETE", "bank_statement is append-only", ""),
    ("bank_match_no_update", "bank_match", "UPDATE", "bank_match is append-only", ""),
    ("bank_match_no_delete", "bank_match", "DELETE", "bank_match is append-only", ""),
    ("bank_line_no_delete", "bank_line", "DELETE", "a row of bank_line is never deleted", ""),
    (
        "bank_line_fixed",
        "bank_line",
        "UPDATE",
        "this is fixed on a row of bank_line",
        "((new.programme_id IS DISTINCT FROM old.programme_id) OR (new.number IS DISTINCT FROM old.number) OR (new.statement_number IS DISTINCT FROM old.statement_number) OR (new.reference IS DISTINCT FROM old.reference) OR (new.part IS DISTINCT FROM old.part) OR (new.cents IS DISTINCT FROM old.cents) OR (new.booked_on IS DISTINCT FROM old.booked_on) OR (new.value_on IS DISTINCT FROM old.value_on) OR (new.name IS DISTINCT FROM old.name) OR (new.iban IS DISTINCT FROM old.iban) OR (new.rf IS DISTINCT FROM old.rf) OR (new.text IS DISTINCT FROM old.text) OR (new.end_to_end_id IS DISTINCT FROM old.end_to_end_id) OR (new.message_id IS DISTINCT FROM old.message_id) OR (new.return_reason IS DISTINCT FROM old.return_reason))",
    ),
    (
        "bank_line_step",
        "bank_line",
        "UPDATE",
        "no such step of bank_line",
        "((new.state <> old.state) AND (NOT (((old.state = 'open') AND (new.state = 'done')) OR ((old.state = 'open') AND (new.state = 'set_aside')) OR ((old.state = 'set_aside') AND (new.state = 'open')))))",
    ),
)


def upgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        _made_anew("journal", (KINDS_BEFORE, KINDS_NOW))
        _made_anew(
            "posting",
            *(
                (
                    f"CHECK ({side} IN ('bank', 'float', 'commission', 'fee', 'vat', 'vat_pending', 'breakage', 'next_campaign', 'suspense', 'guarantee')",
                    f"CHECK ({side} IN ({ACCOUNTS})",
                )
                for side in ("debit", "credit")
            ),
        )
    else:
        op.drop_constraint(op.f("ck_journal_kind_known"), "journal", type_="check")
        op.create_check_constraint(op.f("ck_journal_kind_known"), "journal", f"kind IN ({KINDS})")
        for side in ("debit", "credit"):
            op.drop_constraint(op.f(f"ck_posting_{side}_known"), "posting", type_="check")
            known = f"{side} IN ({ACCOUNTS}) OR {OWNED.format(side)}"
            op.create_check_constraint(op.f(f"ck_posting_{side}_known"), "posting", known)
    _papers()
    for name, table, act, says, when in GUARDS:
        _guard(name, table, act, says, when)
    if op.get_context().dialect.name == "postgresql":
        for table in ("document", "bank_statement", "bank_match", "bank_line"):
            op.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT"
                f" EXECUTE FUNCTION refuse_change('{table} is never emptied')"
            )


def _guard(name: str, table: str, act: str, says: str, when: str) -> None:
    if op.get_context().dialect.name == "sqlite":
        condition, does = f"WHEN {when} " if when else "", f"BEGIN SELECT RAISE(ABORT, '{says}'); END"
    else:
        condition, does = f"WHEN ({when}) " if when else "", f"EXECUTE FUNCTION refuse_change('{says}')"
    op.execute(f"CREATE TRIGGER {name} BEFORE {act} ON {table} FOR EACH ROW {condition}{does}")


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


def _papers() -> None:
    op.create_table(
        "bank_statement",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("number", INT, nullable=False),
        sa.Column("iban", sa.Text(), nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("from_on", DAY, nullable=False),
        sa.Column("to_on", DAY, nullable=False),
        sa.Column("opening_cents", INT, nullable=True),
        sa.Column("closing_cents", INT, nullable=True),
        sa.Column("known_lines", INT, nullable=False),
        sa.Column("known_cents", INT, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=False),
        sa.Column("taken_at", INSTANT, nullable=False),
        sa.CheckConstraint("from_on <= to_on", name=op.f("ck_bank_statement_days_in_order")),
        sa.CheckConstraint(
            "(opening_cents IS NULL) = (closing_cents IS NULL)", name=op.f("ck_bank_statement_both_balances")
        ),
        sa.CheckConstraint(
            "known_lines > 0 OR (known_lines = 0 AND known_cents = 0)",
            name=op.f("ck_bank_statement_known_lines_counted"),
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_bank_statement_programme_id")),
        sa.PrimaryKeyConstraint("programme_id", "number", name=op.f("pk_bank_statement")),
        sa.UniqueConstraint(
            "programme_id", "iban", "statement_id", name=op.f("uq_bank_statement_programme_id_iban_statement_id")
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "paper_settings",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("seller_form", sa.Text(), nullable=False),
        sa.Column("seller_street", sa.Text(), nullable=False),
        sa.Column("seller_postcode", sa.Text(), nullable=False),
        sa.Column("seller_town", sa.Text(), nullable=False),
        sa.Column("vat_number", sa.Text(), nullable=True),
        sa.Column("invoice_form", sa.Text(), nullable=False),
        sa.Column("vat_due", sa.Text(), nullable=False),
        sa.Column("payment_days", INT, nullable=False),
        sa.Column("legal_reference", sa.Text(), nullable=False),
        sa.Column("recovery_terms", sa.Text(), nullable=False),
        sa.Column("late_terms", sa.Text(), nullable=False),
        sa.Column("discount_terms", sa.Text(), nullable=False),
        sa.Column("face_value_bar", sa.Text(), nullable=False),
        sa.Column("letter_place", sa.Text(), nullable=False),
        sa.Column("letter_text", sa.Text(), nullable=False),
        sa.Column("letter_signatory", sa.Text(), nullable=False),
        sa.Column("accounts", sa.Text(), nullable=False),
        sa.Column("threshold_cents", INT, nullable=False),
        sa.CheckConstraint("invoice_form IN ('apart', 'together')", name=op.f("ck_paper_settings_invoice_form_known")),
        sa.CheckConstraint("vat_due IN ('collection', 'debits')", name=op.f("ck_paper_settings_vat_due_known")),
        sa.CheckConstraint("payment_days BETWEEN 0 AND 60", name=op.f("ck_paper_settings_payment_days_lawful")),
        sa.CheckConstraint("threshold_cents > 0", name=op.f("ck_paper_settings_threshold_positive")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_paper_settings_programme_id")),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("pk_paper_settings")),
        sqlite_strict=True,
    )
    op.create_table(
        "bank_line",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("number", INT, nullable=False),
        sa.Column("statement_number", INT, nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("part", INT, nullable=False),
        sa.Column("cents", INT, nullable=False),
        sa.Column("booked_on", DAY, nullable=False),
        sa.Column("value_on", DAY, nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("iban", sa.Text(), nullable=True),
        sa.Column("rf", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("end_to_end_id", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("return_reason", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("because", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.CheckConstraint("(state = 'open') = (decided_by IS NULL)", name=op.f("ck_bank_line_decided_by_someone")),
        sa.CheckConstraint("state <> 'set_aside' OR because IS NOT NULL", name=op.f("ck_bank_line_set_aside_says_why")),
        sa.CheckConstraint("state IN ('open', 'done', 'set_aside')", name=op.f("ck_bank_line_state_known")),
        sa.CheckConstraint("cents <> 0", name=op.f("ck_bank_line_cents_moved")),
        sa.ForeignKeyConstraint(
            ["programme_id", "statement_number"],
            ["bank_statement.programme_id", "bank_statement.number"],
            name=op.f("fk_bank_line_programme_id_statement_number"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "number", name=op.f("pk_bank_line")),
        sa.UniqueConstraint(
            "programme_id",
            "reference",
            "part",
            "booked_on",
            "cents",
            name=op.f("uq_bank_line_programme_id_reference_part_booked_on_cents"),
        ),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_bank_line_programme_id_state_number"), "bank_line", ["programme_id", "state", "number"], unique=False
    )
    op.create_index(
        op.f("ix_bank_line_programme_id_statement_number"),
        "bank_line",
        ["programme_id", "statement_number"],
        unique=False,
    )
    op.create_table(
        "billing",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("buyer_id", INT, nullable=False),
        sa.Column("chorus_rule", sa.Text(), nullable=False),
        sa.Column("service_code", sa.Text(), nullable=True),
        sa.Column("market", sa.Text(), nullable=True),
        sa.Column("vat_number", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "chorus_rule IN ('none', 'service', 'engagement', 'both', 'either')",
            name=op.f("ck_billing_chorus_rule_known"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id", "buyer_id"],
            ["buyer.programme_id", "buyer.id"],
            name=op.f("fk_billing_programme_id_buyer_id"),
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_billing_programme_id")),
        sa.PrimaryKeyConstraint("programme_id", "buyer_id", name=op.f("pk_billing")),
        sqlite_strict=True,
    )
    op.create_table(
        "document",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=True),
        sa.Column("number", INT, nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("buyer_id", INT, nullable=True),
        sa.Column("merchant_id", INT, nullable=True),
        sa.Column("issued_on", DAY, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("face_cents", INT, nullable=False),
        sa.Column("fee_cents", INT, nullable=False),
        sa.Column("vat_cents", INT, nullable=False),
        sa.Column("corrects", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("file", sa.LargeBinary(), nullable=False),
        sa.Column("journal_id", INT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('face_value', 'fee', 'face_value_and_fee', 'commission', 'face_value_credit', 'fee_credit', 'face_value_and_fee_credit', 'commission_credit', 'statement', 'bank_file', 'dossier')",
            name=op.f("ck_document_kind_known"),
        ),
        sa.CheckConstraint("(series IS NULL) = (number IS NULL)", name=op.f("ck_document_series_whole")),
        sa.CheckConstraint("buyer_id IS NULL OR merchant_id IS NULL", name=op.f("ck_document_of_one")),
        sa.CheckConstraint("number > 0", name=op.f("ck_document_number_positive")),
        sa.ForeignKeyConstraint(
            ["programme_id", "buyer_id"],
            ["buyer.programme_id", "buyer.id"],
            name=op.f("fk_document_programme_id_buyer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id", "corrects"],
            ["document.programme_id", "document.name"],
            name=op.f("fk_document_programme_id_corrects"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id", "journal_id"],
            ["journal.programme_id", "journal.id"],
            name=op.f("fk_document_programme_id_journal_id"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id", "merchant_id"],
            ["merchant.programme_id", "merchant.id"],
            name=op.f("fk_document_programme_id_merchant_id"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "name", name=op.f("pk_document")),
        sa.UniqueConstraint("programme_id", "series", "number", name=op.f("uq_document_programme_id_series_number")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_document_programme_id_buyer_id"), "document", ["programme_id", "buyer_id"], unique=False)
    op.create_index(
        op.f("ix_document_programme_id_merchant_id"), "document", ["programme_id", "merchant_id"], unique=False
    )
    op.create_index(op.f("ix_document_programme_id_subject"), "document", ["programme_id", "subject"], unique=False)
    op.create_table(
        "statement_post",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("run_number", INT, nullable=False),
        sa.Column("merchant_id", INT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", INT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint("state IN ('sending', 'sent', 'failed')", name=op.f("ck_statement_post_state_known")),
        sa.CheckConstraint("tries > 0", name=op.f("ck_statement_post_tried")),
        sa.ForeignKeyConstraint(
            ["programme_id", "run_number", "merchant_id"],
            ["settlement.programme_id", "settlement.run_number", "settlement.merchant_id"],
            name=op.f("fk_statement_post_programme_id_run_number_merchant_id"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "run_number", "merchant_id", name=op.f("pk_statement_post")),
        sqlite_strict=True,
    )
    op.create_table(
        "bank_match",
        sa.Column("programme_id", INT, nullable=False),
        sa.Column("line_number", INT, nullable=False),
        sa.Column("part", INT, nullable=False),
        sa.Column("journal_id", INT, nullable=False),
        sa.Column("cents", INT, nullable=False),
        sa.Column("means", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "means IN ('rf', 'reference', 'invoice', 'purchase_order', 'amount_and_name', 'hand', 'end_to_end', 'message', 'recorded')",
            name=op.f("ck_bank_match_means_known"),
        ),
        sa.CheckConstraint("cents > 0", name=op.f("ck_bank_match_cents_positive")),
        sa.ForeignKeyConstraint(
            ["programme_id", "journal_id"],
            ["journal.programme_id", "journal.id"],
            name=op.f("fk_bank_match_programme_id_journal_id"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id", "line_number"],
            ["bank_line.programme_id", "bank_line.number"],
            name=op.f("fk_bank_match_programme_id_line_number"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "line_number", "part", name=op.f("pk_bank_match")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_bank_match_programme_id_journal_id"), "bank_match", ["programme_id", "journal_id"], unique=False
    )
