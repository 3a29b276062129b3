"""Every table, constraint and index, on one page. The migrations make them; nothing else changes the schema.

Whole cents are BIGINT. Instants are BIGINT microseconds since 1970, UTC; days are Paris dates. `programme_id` leads
the key of every table that holds money, so that a database sharded by programme stays open. What the constraints
cannot say (append-only rows, the legal steps of a voucher) the triggers of migration 0002 say, on both engines.

Why Core tables and no mapped classes: a verb reads plain values, decides, and writes a handful of guarded
statements; an identity map between them would only hide when a row was read.
"""

from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Sequence,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeEngine

from vouchers import chart, clock


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant, kept as whole microseconds so that both engines compare it alike."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else clock.micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else clock.from_micros(value)


class Day(TypeDecorator[date]):
    """A Paris day: DATE in PostgreSQL, ISO text in SQLite, whose STRICT tables have no date."""

    impl = Date
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Date())

    def process_bind_param(self, value: date | None, dialect: Dialect) -> date | str | None:
        return value.isoformat() if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: date | str | None, dialect: Dialect) -> date | None:
        return date.fromisoformat(value) if isinstance(value, str) else value


Int: Final = BigInteger().with_variant(Integer(), "sqlite")
"""Ids, counts and whole cents: INTEGER is already 64 bits wide in SQLite, and the only one STRICT knows."""

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

journal_ids: Final = Sequence("journal_id", metadata=metadata, data_type=BigInteger)
"""PostgreSQL only. SQLite has one writer, so the next id there is the greatest plus one."""


def _table(name: str, *parts: Column[Any] | CheckConstraint | Any) -> Table:
    return Table(name, metadata, *parts, sqlite_strict=True)


def _id() -> Column[int]:
    return Column("id", Int, primary_key=True, autoincrement=True)


def _programme() -> Column[int]:
    return Column("programme_id", Int, ForeignKey("programme.id"), nullable=False)


def _of_programme() -> Column[int]:
    # No foreign key here: every redemption would lock the same programme row to prove that it exists. The rows these
    # tables do refer to (batch, journal, redemption …) carry it.
    return Column("programme_id", Int, nullable=False)


def _one_of(column: str, *words: str) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


ORDER_STATES: Final = (
    "draft", "placed", "approved", "paid", "accepted", "issuing", "issued", "delivered", "cancelled",
)  # fmt: skip
BATCH_STATES: Final = ("issuing", "issued", "printed", "active")
VOUCHER_STATES: Final = ("printed", "active", "blocked", "redeemed", "expired", "cancelled", "replaced")
CLOSED_STATES: Final = ("expired", "cancelled", "replaced")
RUN_STATES: Final = ("proposed", "withdrawn", "approved", "exported", "executed")
SETTLEMENT_STATES: Final = ("to_pay", "carried", "paid", "returned")
DISPUTE_STATES: Final = ("open", "guaranteed", "dismissed")
APPLICATION_STATES: Final = ("asked", "accepted", "refused")
SET_UP_STATES: Final = ("draft", "ready", "opened", "dropped")
LIST_STATES: Final = ("draft", "ordered", "purged")
REMITTANCE_STATES: Final = ("open", "closed")
DOCUMENT_KINDS: Final = (
    "face_value", "fee", "face_value_and_fee", "commission",
    "face_value_credit", "fee_credit", "face_value_and_fee_credit", "commission_credit",
    "statement", "bank_file", "dossier",
)  # fmt: skip
INVOICE_FORMS: Final = ("apart", "together")
VAT_DUE: Final = ("collection", "debits")
CHORUS_RULES: Final = ("none", "service", "engagement", "both", "either")
BANK_LINE_STATES: Final = ("open", "done", "set_aside")
MATCH_MEANS: Final = (
    "rf", "reference", "invoice", "purchase_order", "amount_and_name", "hand", "end_to_end", "message", "recorded",
)  # fmt: skip
APPROVALS: Final = ("one", "two")
RHYTHMS: Final = ("weekly", "fortnightly", "monthly", "on_demand")
MEANS: Final = ("password", "two_factor", "passkey", "link", "recovery", "api")
ONE_TIME_PURPOSES: Final = ("invitation", "sign_in", "second_factor", "passkey")
CASHIER_RULES: Final = ("never", "always")
USE_RULES: Final = ("whole", "partial")
LAPSE_DESTINATIONS: Final = ("breakage", "buyer", "next_campaign")
ROLES: Final = (
    "treasurer", "approver", "administrator", "auditor", "buyer_clerk", "buyer_approver", "merchant_owner",
)  # fmt: skip

# ── People ───────────────────────────────────────────────────────────────────────────────────────────────────────
issuer = _table(
    "issuer",
    _id(),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("siret", Text),
    Column("account_holder", Text),
    Column("iban", Text),
    Column("bic", Text),
)

programme = _table(
    "programme",
    _id(),
    Column("issuer_id", Int, ForeignKey("issuer.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("target_cents", Int, nullable=False),
    Column("starts_on", Day, nullable=False),
    Column("expires_on", Day, nullable=False),
    Column("presentation_deadline_on", Day, nullable=False),
    Column("host", Text, nullable=False),
    Column("shops_url", Text, nullable=False),
    Column("use_rule", Text, nullable=False),
    Column("fee_bp", Int, nullable=False, server_default="0"),
    Column("commission_bp", Int, nullable=False),
    Column("vat_bp", Int, nullable=False),
    Column("reversal_window_minutes", Int, nullable=False),
    Column("lapse_to", Text, nullable=False),
    Column("next_serial", Int, nullable=False, server_default="1"),
    CheckConstraint("target_cents > 0", name="target_positive"),
    CheckConstraint("next_serial > 0", name="serial_positive"),
    CheckConstraint("commission_bp BETWEEN 0 AND 10000 AND vat_bp BETWEEN 0 AND 10000", name="rates_possible"),
    CheckConstraint("fee_bp BETWEEN 0 AND 10000", name="fee_possible"),
    CheckConstraint("starts_on <= expires_on AND expires_on <= presentation_deadline_on", name="days_in_order"),
    _one_of("use_rule", *USE_RULES),
    _one_of("lapse_to", *LAPSE_DESTINATIONS),
)

buyer = _table(
    "buyer",
    _id(),
    _programme(),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("siret", Text),
    Column("exposure_cap_cents", Int, nullable=False),
    Column("version", Int, nullable=False, server_default="0"),
    # Whether placing an order takes one person of the buyer, or two.
    Column("approval", Text, nullable=False, server_default="two"),
    CheckConstraint("exposure_cap_cents >= 0", name="cap_not_negative"),
    _one_of("approval", *APPROVALS),
    UniqueConstraint("programme_id", "id"),
    UniqueConstraint("programme_id", "name"),
)

merchant = _table(
    "merchant",
    _id(),
    _programme(),
    Column("legal_name", Text, nullable=False),
    Column("shop_name", Text, nullable=False),
    Column("siret", Text, nullable=False),
    Column("trade", Text, nullable=False),
    Column("commune", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="active"),
    Column("enrolled_at", Instant, nullable=False),
    _one_of("state", "active", "suspended"),
    UniqueConstraint("programme_id", "id"),
    UniqueConstraint("programme_id", "siret"),
)

bank_account = _table(
    # Asked by one, confirmed by another; in force from `in_force_at`. The newest in force is the one that is paid.
    "bank_account",
    _id(),
    _programme(),
    Column("merchant_id", Int, nullable=False),
    Column("account_holder", Text, nullable=False),
    Column("iban", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("confirmed_by", Text),
    Column("confirmed_at", Instant),
    Column("in_force_at", Instant),
    ForeignKeyConstraint(["programme_id", "merchant_id"], ["merchant.programme_id", "merchant.id"]),
    _one_of("state", "asked", "confirmed", "withdrawn"),
    CheckConstraint("confirmed_by IS NULL OR confirmed_by <> asked_by", name="four_eyes"),
    CheckConstraint("(state = 'confirmed') = (in_force_at IS NOT NULL)", name="in_force_once_confirmed"),
    Index(
        "uq_bank_account_one_asked",
        "merchant_id",
        unique=True,
        sqlite_where=text("state = 'asked'"),
        postgresql_where=text("state = 'asked'"),
    ),
    Index(None, "merchant_id", "in_force_at"),
)

staff = _table(
    "staff",
    _id(),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    # Empty while it is the password that somebody else gave.
    Column("own_password_since", Instant),
    Column("state", Text, nullable=False, server_default="active"),
    Column("enrolled_at", Instant, nullable=False),
    _one_of("state", "active", "suspended"),
)

role = _table(
    # A role of a buyer's or a merchant's person names that buyer or merchant; a role of the chamber names neither.
    "role",
    _id(),
    _programme(),
    Column("staff_id", Int, ForeignKey("staff.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("buyer_id", Int, ForeignKey("buyer.id")),
    Column("merchant_id", Int, ForeignKey("merchant.id")),
    Column("state", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("confirmed_by", Text),
    Column("confirmed_at", Instant),
    Column("revoked_at", Instant),
    _one_of("name", *ROLES),
    _one_of("state", "asked", "active", "revoked"),
    CheckConstraint("confirmed_by IS NULL OR confirmed_by <> asked_by", name="four_eyes"),
    CheckConstraint("state <> 'active' OR confirmed_by IS NOT NULL", name="active_once_confirmed"),
    CheckConstraint("(name IN ('buyer_clerk', 'buyer_approver')) = (buyer_id IS NOT NULL)", name="buyer_named"),
    CheckConstraint("(name = 'merchant_owner') = (merchant_id IS NOT NULL)", name="merchant_named"),
    Index(None, "staff_id", "programme_id"),
)

token = _table(
    # Sessions and API tokens: only a keyed hash is kept.
    "token",
    Column("token_hash", LargeBinary, primary_key=True),
    Column("staff_id", Int, ForeignKey("staff.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    # By what its person proved who they are, and when last: money moves only soon after.
    Column("means", Text, nullable=False, server_default="password"),
    Column("fresh_at", Instant),
    _one_of("kind", "session", "api"),
    _one_of("means", *MEANS),
    Index(None, "staff_id"),
)

passkey = _table(
    # A key of a person, on a device of theirs (WebAuthn).
    "passkey",
    Column("credential_id", LargeBinary, primary_key=True),
    Column("staff_id", Int, ForeignKey("staff.id"), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", Int, nullable=False),
    Column("label", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("revoked_at", Instant),
    Index(None, "staff_id"),
)

authenticator = _table(
    # The second factor beside a password (TOTP, RFC 6238). `last_step`: of the code used last, so that none is used
    # twice.
    "authenticator",
    Column("staff_id", Int, ForeignKey("staff.id"), primary_key=True, autoincrement=False),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("confirmed_at", Instant),
    Column("last_step", Int, nullable=False, server_default="0"),
)

recovery_code = _table(
    "recovery_code",
    Column("code_hash", LargeBinary, primary_key=True),
    Column("staff_id", Int, ForeignKey("staff.id"), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("used_at", Instant),
    Index(None, "staff_id"),
)

one_time = _table(
    # What opens one door once: an invitation, an e-mail link, the step between a password and its second factor, the
    # challenge of a passkey. Only a keyed hash is kept.
    "one_time",
    Column("secret_hash", LargeBinary, primary_key=True),
    Column("staff_id", Int, ForeignKey("staff.id")),
    Column("purpose", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    _one_of("purpose", *ONE_TIME_PURPOSES),
    Index(None, "staff_id"),
)

till = _table(
    "till",
    _id(),
    _programme(),
    Column("merchant_id", Int, nullable=False),
    Column("label", Text, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    # Only of a phone that cannot keep a key: what it signs with instead, sealed under the pepper. `public_key` is then
    # its SHA-256.
    Column("weak_secret", LargeBinary),
    Column("paired_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    ForeignKeyConstraint(["programme_id", "merchant_id"], ["merchant.programme_id", "merchant.id"]),
    UniqueConstraint("programme_id", "id"),
    Index(None, "merchant_id"),
)

pairing = _table(
    "pairing",
    Column("code_hash", LargeBinary, primary_key=True),
    _programme(),
    Column("merchant_id", Int, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    ForeignKeyConstraint(["programme_id", "merchant_id"], ["merchant.programme_id", "merchant.id"]),
)

cashier = _table(
    # Who stands at a till: a name and four digits, which attribute and do not authenticate.
    "cashier",
    _id(),
    _programme(),
    Column("merchant_id", Int, nullable=False),
    Column("name", Text, nullable=False),
    Column("pin_salt", LargeBinary, nullable=False),
    Column("pin_hash", LargeBinary, nullable=False),
    Column("named_at", Instant, nullable=False),
    Column("removed_at", Instant),
    ForeignKeyConstraint(["programme_id", "merchant_id"], ["merchant.programme_id", "merchant.id"]),
    UniqueConstraint("programme_id", "id"),
    Index(None, "merchant_id"),
)

shop_rule = _table(
    # How a shop runs its tills; no row: nobody is asked who they are, and undoing asks no PIN.
    "shop_rule",
    _programme(),
    Column("merchant_id", Int, nullable=False),
    Column("ask_cashier", Text, nullable=False),
    Column("undo_pin_salt", LargeBinary),
    Column("undo_pin_hash", LargeBinary),
    PrimaryKeyConstraint("programme_id", "merchant_id"),
    ForeignKeyConstraint(["programme_id", "merchant_id"], ["merchant.programme_id", "merchant.id"]),
    _one_of("ask_cashier", *CASHIER_RULES),
    CheckConstraint("(undo_pin_salt IS NULL) = (undo_pin_hash IS NULL)", name="undo_pin_whole"),
)

failure = _table(
    # Failed attempts by scope (an address, an account, a till) and hour; successes leave nothing.
    "failure",
    Column("scope", Text, nullable=False),
    Column("hour", Int, nullable=False),
    Column("attempts", Int, nullable=False),
    PrimaryKeyConstraint("scope", "hour"),
)

programme_terms = _table(
    # What a programme says of itself and how it is run, beside the rules that move money. `face_values`: JSON list of
    # cents, empty where any is sold. `outline`: the town as GeoJSON, for the map of its shops.
    "programme_terms",
    _programme(),
    Column("face_values", Text, nullable=False),
    Column("rhythm", Text, nullable=False),
    Column("legal_wording", Text, nullable=False),
    Column("colour", Text, nullable=False),
    Column("logo", LargeBinary),
    Column("outline", Text),
    PrimaryKeyConstraint("programme_id"),
    _one_of("rhythm", *RHYTHMS),
)

set_up = _table(
    # A programme being prepared: drafted by one, opened by another. `answers`: JSON, as typed so far.
    "set_up",
    _id(),
    _programme(),
    Column("state", Text, nullable=False),
    Column("answers", Text, nullable=False),
    Column("logo", LargeBinary),
    Column("drafted_by", Text, nullable=False),
    Column("drafted_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("opened_by", Text),
    Column("opened_programme_id", Int, ForeignKey("programme.id")),
    _one_of("state", *SET_UP_STATES),
    CheckConstraint("opened_by IS NULL OR opened_by <> drafted_by", name="four_eyes"),
    CheckConstraint("(state = 'opened') = (opened_programme_id IS NOT NULL)", name="opened_programme_named"),
    Index(None, "programme_id"),
)

application = _table(
    # A shop that asks to join. `hours`: JSON (`opening.py`). The photo is a small JPEG that the house drew anew.
    "application",
    _id(),
    _programme(),
    Column("state", Text, nullable=False),
    Column("legal_name", Text, nullable=False),
    Column("shop_name", Text, nullable=False),
    Column("siret", Text, nullable=False),
    Column("trade", Text, nullable=False),
    Column("street", Text, nullable=False),
    Column("postcode", Text, nullable=False),
    Column("commune", Text, nullable=False),
    Column("contact_name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("website", Text),
    Column("about", Text),
    Column("hours", Text, nullable=False),
    Column("photo", LargeBinary),
    Column("account_holder", Text, nullable=False),
    Column("iban", Text, nullable=False),
    Column("applied_at", Instant, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", Instant),
    Column("because", Text),
    Column("merchant_id", Int),
    ForeignKeyConstraint(["programme_id", "merchant_id"], ["merchant.programme_id", "merchant.id"]),
    _one_of("state", *APPLICATION_STATES),
    CheckConstraint("(state = 'asked') = (decided_by IS NULL)", name="decided_by_someone"),
    CheckConstraint("(state = 'accepted') = (merchant_id IS NOT NULL)", name="accepted_is_a_merchant"),
    Index(None, "programme_id", "state"),
)

shop_profile = _table(
    # What the public directory says of a shop. Where it stands: millionths of a degree.
    "shop_profile",
    _programme(),
    Column("merchant_id", Int, nullable=False),
    Column("street", Text, nullable=False),
    Column("postcode", Text, nullable=False),
    Column("phone", Text),
    Column("email", Text),
    Column("contact_name", Text),
    Column("website", Text),
    Column("about", Text),
    Column("hours", Text, nullable=False),
    Column("photo", LargeBinary),
    Column("latitude_e6", Int),
    Column("longitude_e6", Int),
    Column("signed_on", Day),
    PrimaryKeyConstraint("programme_id", "merchant_id"),
    ForeignKeyConstraint(["programme_id", "merchant_id"], ["merchant.programme_id", "merchant.id"]),
    CheckConstraint("(latitude_e6 IS NULL) = (longitude_e6 IS NULL)", name="place_whole"),
    CheckConstraint(
        "latitude_e6 BETWEEN -90000000 AND 90000000 AND longitude_e6 BETWEEN -180000000 AND 180000000", name="on_earth"
    ),
)

# ── The ledger ───────────────────────────────────────────────────────────────────────────────────────────────────
journal = _table(
    # One business fact. `id` is drawn inside the transaction, behind the barrier of `ledger.py`.
    "journal",
    _of_programme(),
    Column("id", Int, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("book_day", Day, nullable=False),
    Column("actor", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("programme_id", "id"),
    _one_of("kind", *chart.JOURNAL_KINDS),
    Index(None, "programme_id", "subject", "id"),
    Index(None, "programme_id", "book_day", "id"),
    Index(None, "programme_id", "kind", "id"),
)


def _account(column: str) -> CheckConstraint:
    whole = ", ".join(f"'{kind}'" for kind in chart.WHOLE_ACCOUNTS)
    owned = " OR ".join(f"{column} LIKE '{kind}:_%'" for kind in chart.OWNED_ACCOUNTS)
    return CheckConstraint(f"{column} IN ({whole}) OR {owned}", name=f"{column}_known")


posting = _table(
    # `cents` leave `debit`'s credit side and reach `credit`: one row, so it cannot be unbalanced.
    "posting",
    _of_programme(),
    Column("journal_id", Int, nullable=False),
    Column("line", Int, nullable=False),
    Column("debit", Text, nullable=False),
    Column("credit", Text, nullable=False),
    Column("cents", Int, nullable=False),
    Column("serial", Int),
    PrimaryKeyConstraint("programme_id", "journal_id", "line"),
    ForeignKeyConstraint(["programme_id", "journal_id"], ["journal.programme_id", "journal.id"]),
    CheckConstraint("cents > 0", name="cents_positive"),
    CheckConstraint("debit <> credit", name="two_accounts"),
    _account("debit"),
    _account("credit"),
    Index(None, "programme_id", "debit", "journal_id"),
    Index(None, "programme_id", "credit", "journal_id"),
    Index(
        "ix_posting_programme_id_serial_journal_id",
        "programme_id",
        "serial",
        "journal_id",
        sqlite_where=text("serial IS NOT NULL"),
        postgresql_where=text("serial IS NOT NULL"),
    ),
)

balance_snapshot = _table(
    # What an account had been debited and credited up to a sealed journal: a balance is this plus a short tail.
    "balance_snapshot",
    _of_programme(),
    Column("account", Text, nullable=False),
    Column("upto_journal", Int, nullable=False),
    Column("debit_cents", Int, nullable=False),
    Column("credit_cents", Int, nullable=False),
    PrimaryKeyConstraint("programme_id", "account", "upto_journal"),
    Index(None, "programme_id", "upto_journal"),
)

seal = _table(
    # Journals up to `to_journal`, hashed in order and chained; a copy of the newest is noted outside the database.
    "seal",
    _of_programme(),
    Column("number", Int, nullable=False),
    Column("from_journal", Int, nullable=False),
    Column("to_journal", Int, nullable=False),
    Column("journals", Int, nullable=False),
    Column("cents", Int, nullable=False),
    Column("previous_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("programme_id", "number"),
    UniqueConstraint("programme_id", "to_journal"),
)

idempotency = _table(
    # A key lives as long as the ledger. `answer` is empty only inside the transaction that claimed the key.
    "idempotency",
    _of_programme(),
    Column("scope", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    Column("refused", Text),
    Column("answer", Text),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("programme_id", "scope", "key"),
)

# ── Orders, batches, vouchers ────────────────────────────────────────────────────────────────────────────────────
voucher_order = _table(
    "voucher_order",
    _programme(),
    Column("number", Int, nullable=False),
    Column("buyer_id", Int, nullable=False),
    Column("state", Text, nullable=False),
    Column("rf_reference", Text, nullable=False),
    Column("purchase_order", Text),
    Column("fee_cents", Int, nullable=False),
    Column("fee_vat_cents", Int, nullable=False),
    Column("drafted_by", Text, nullable=False),
    Column("drafted_at", Instant, nullable=False),
    Column("placed_by", Text),
    Column("approved_by", Text),
    Column("accepted_by", Text),
    PrimaryKeyConstraint("programme_id", "number"),
    ForeignKeyConstraint(["programme_id", "buyer_id"], ["buyer.programme_id", "buyer.id"]),
    _one_of("state", *ORDER_STATES),
    CheckConstraint("fee_cents >= 0 AND fee_vat_cents >= 0", name="fee_not_negative"),
    CheckConstraint("approved_by IS NULL OR approved_by <> placed_by", name="four_eyes"),
    UniqueConstraint("programme_id", "rf_reference"),
    Index(None, "programme_id", "buyer_id"),
)

order_line = _table(
    "order_line",
    _of_programme(),
    Column("order_number", Int, nullable=False),
    Column("line", Int, nullable=False),
    Column("face_cents", Int, nullable=False),
    Column("quantity", Int, nullable=False),
    PrimaryKeyConstraint("programme_id", "order_number", "line"),
    ForeignKeyConstraint(["programme_id", "order_number"], ["voucher_order.programme_id", "voucher_order.number"]),
    CheckConstraint("face_cents BETWEEN 100 AND 25000", name="face_value_range"),
    CheckConstraint("quantity BETWEEN 1 AND 200000", name="quantity_range"),
)

batch = _table(
    # One batch an order: a continuous run of serials, reserved when it begins, so that an interrupted issue leaves
    # neither gap nor orphan.
    "batch",
    _of_programme(),
    Column("number", Int, nullable=False),
    Column("order_number", Int, nullable=False),
    Column("state", Text, nullable=False),
    Column("first_serial", Int, nullable=False),
    Column("quantity", Int, nullable=False),
    Column("issued_count", Int, nullable=False, server_default="0"),
    Column("expires_on", Day, nullable=False),
    Column("issued_by", Text, nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("printed_by", Text),
    Column("printed_at", Instant),
    Column("activated_by", Text),
    Column("activated_at", Instant),
    PrimaryKeyConstraint("programme_id", "number"),
    ForeignKeyConstraint(["programme_id", "order_number"], ["voucher_order.programme_id", "voucher_order.number"]),
    UniqueConstraint("programme_id", "order_number"),
    UniqueConstraint("programme_id", "first_serial"),
    _one_of("state", *BATCH_STATES),
    CheckConstraint("issued_count BETWEEN 0 AND quantity", name="issued_within"),
    CheckConstraint("state = 'issuing' OR issued_count = quantity", name="issued_whole"),
    CheckConstraint("activated_by IS NULL OR activated_by <> issued_by", name="four_eyes"),
)

sealed_codes = _table(
    # The codes of one chunk, encrypted by a key that is not in the database; deleted at the hand-over.
    "sealed_codes",
    _of_programme(),
    Column("batch_number", Int, nullable=False),
    Column("first_serial", Int, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("programme_id", "batch_number", "first_serial"),
    ForeignKeyConstraint(["programme_id", "batch_number"], ["batch.programme_id", "batch.number"]),
)

voucher = _table(
    "voucher",
    _of_programme(),
    Column("serial", Int, nullable=False),
    Column("batch_number", Int, nullable=False),
    Column("code_hash", LargeBinary, nullable=False),
    Column("control_hash", LargeBinary, nullable=False),
    Column("face_cents", Int, nullable=False),
    Column("balance_cents", Int, nullable=False),
    Column("state", Text, nullable=False),
    Column("expires_on", Day, nullable=False),
    Column("replaces_serial", Int),
    # 8 bytes by which a till without network knows it (`codes.offline_prefix`); none on those issued before there were.
    Column("offline_prefix", LargeBinary),
    PrimaryKeyConstraint("programme_id", "serial"),
    ForeignKeyConstraint(["programme_id", "batch_number"], ["batch.programme_id", "batch.number"]),
    UniqueConstraint("programme_id", "code_hash"),
    UniqueConstraint("programme_id", "replaces_serial"),
    _one_of("state", *VOUCHER_STATES),
    CheckConstraint("face_cents > 0", name="face_value_positive"),
    CheckConstraint("balance_cents BETWEEN 0 AND face_cents", name="balance_within_face_value"),
    CheckConstraint(
        "(state IN ('redeemed', 'expired', 'cancelled', 'replaced')) = (balance_cents = 0)", name="closed_holds_nothing"
    ),
    Index(None, "programme_id", "batch_number", "serial"),
    Index(
        "ix_voucher_open_expires_on",
        "programme_id",
        "expires_on",
        "serial",
        sqlite_where=text("state IN ('printed', 'active')"),
        postgresql_where=text("state IN ('printed', 'active')"),
    ),
)

# ── Who receives them ────────────────────────────────────────────────────────────────────────────────────────────
recipient_list = _table(
    # A list of people as a buyer's clerk brought it. `content`: JSON, header and rows as read; `matching`: which column
    # is what. Both are emptied when the list is purged.
    "recipient_list",
    _id(),
    _programme(),
    Column("buyer_id", Int, nullable=False),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("matching", Text, nullable=False),
    Column("order_number", Int),
    Column("brought_by", Text, nullable=False),
    Column("brought_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    ForeignKeyConstraint(["programme_id", "buyer_id"], ["buyer.programme_id", "buyer.id"]),
    ForeignKeyConstraint(["programme_id", "order_number"], ["voucher_order.programme_id", "voucher_order.number"]),
    UniqueConstraint("programme_id", "id"),
    _one_of("state", *LIST_STATES),
    Index(None, "programme_id", "buyer_id"),
    Index(None, "programme_id", "order_number"),
)

recipient = _table(
    # A person who receives vouchers: `quantity` of `face_cents`. An erased one keeps the number alone.
    "recipient",
    _id(),
    _programme(),
    Column("list_id", Int, nullable=False),
    Column("buyer_id", Int, nullable=False),
    Column("line", Int, nullable=False),
    Column("civility", Text),
    Column("last_name", Text),
    Column("first_name", Text),
    Column("address", Text),
    Column("postcode", Text),
    Column("town", Text),
    Column("round", Text),
    Column("reference", Text),
    Column("face_cents", Int, nullable=False),
    Column("quantity", Int, nullable=False),
    Column("erased_at", Instant),
    ForeignKeyConstraint(["programme_id", "list_id"], ["recipient_list.programme_id", "recipient_list.id"]),
    ForeignKeyConstraint(["programme_id", "buyer_id"], ["buyer.programme_id", "buyer.id"]),
    UniqueConstraint("programme_id", "id"),
    UniqueConstraint("programme_id", "list_id", "line"),
    CheckConstraint("face_cents > 0 AND quantity > 0", name="receives_something"),
    CheckConstraint(
        "erased_at IS NULL OR (civility IS NULL AND last_name IS NULL AND first_name IS NULL AND address IS NULL"
        " AND postcode IS NULL AND town IS NULL AND round IS NULL AND reference IS NULL)",
        name="erased_is_nobody",
    ),
    Index(None, "programme_id", "buyer_id"),
)

recipient_voucher = _table(
    # Who was given which voucher. It never meets a redemption: nobody asks who spent where.
    "recipient_voucher",
    _of_programme(),
    Column("serial", Int, nullable=False),
    Column("recipient_id", Int, nullable=False),
    PrimaryKeyConstraint("programme_id", "serial"),
    ForeignKeyConstraint(["programme_id", "serial"], ["voucher.programme_id", "voucher.serial"]),
    ForeignKeyConstraint(["programme_id", "recipient_id"], ["recipient.programme_id", "recipient.id"]),
    Index(None, "programme_id", "recipient_id"),
)

# ── Redemption ───────────────────────────────────────────────────────────────────────────────────────────────────
redemption = _table(
    # A basket accepted at a till. Its vouchers are the postings of its journal. Insert-only.
    "redemption",
    _of_programme(),
    Column("journal_id", Int, nullable=False),
    Column("merchant_id", Int, nullable=False),
    # None for a paper that the shop posted: it was taken at the chamber's desk, in a remittance.
    Column("till_id", Int),
    Column("cents", Int, nullable=False),
    Column("sale_cents", Int),
    Column("cashier_id", Int),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("programme_id", "journal_id"),
    ForeignKeyConstraint(["programme_id", "journal_id"], ["journal.programme_id", "journal.id"]),
    ForeignKeyConstraint(["programme_id", "cashier_id"], ["cashier.programme_id", "cashier.id"]),
    CheckConstraint("cents > 0", name="cents_positive"),
    CheckConstraint("sale_cents IS NULL OR sale_cents >= cents", name="sale_covers_vouchers"),
    Index(None, "programme_id", "merchant_id", "at"),
)

reversal = _table(
    # A voucher's part in a redemption is undone at most once, in whole: the key says so. Insert-only.
    "reversal",
    _of_programme(),
    Column("redemption_id", Int, nullable=False),
    Column("serial", Int, nullable=False),
    Column("journal_id", Int, nullable=False),
    PrimaryKeyConstraint("programme_id", "redemption_id", "serial"),
    ForeignKeyConstraint(["programme_id", "redemption_id"], ["redemption.programme_id", "redemption.journal_id"]),
    ForeignKeyConstraint(["programme_id", "journal_id"], ["journal.programme_id", "journal.id"]),
)

# ── Without network ──────────────────────────────────────────────────────────────────────────────────────────────
offline_rule = _table(
    # How far a programme lets its tills accept without network; no row: not at all. The guarantee pays the losers of
    # conflicts, up to `guarantee_cents` in all.
    "offline_rule",
    _programme(),
    Column("till_count", Int, nullable=False),
    Column("till_cents", Int, nullable=False),
    Column("programme_count", Int, nullable=False),
    Column("programme_cents", Int, nullable=False),
    Column("max_age_minutes", Int, nullable=False),
    Column("guarantee_cents", Int, nullable=False),
    PrimaryKeyConstraint("programme_id"),
    CheckConstraint("till_count > 0 AND till_cents > 0", name="till_caps_positive"),
    CheckConstraint("programme_count >= till_count AND programme_cents >= till_cents", name="programme_caps_cover"),
    CheckConstraint("max_age_minutes BETWEEN 1 AND 1440", name="a_day_at_most"),
    CheckConstraint("guarantee_cents >= 0", name="guarantee_not_negative"),
)

offline_lease = _table(
    # How much of the programme's cap a till holds until its snapshot is too old: what all hold stays within the cap.
    "offline_lease",
    _of_programme(),
    Column("till_id", Int, nullable=False),
    Column("count", Int, nullable=False),
    Column("cents", Int, nullable=False),
    Column("given_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    PrimaryKeyConstraint("programme_id", "till_id"),
    ForeignKeyConstraint(["programme_id", "till_id"], ["till.programme_id", "till.id"]),
    CheckConstraint("count >= 0 AND cents >= 0", name="not_negative"),
)

acceptance = _table(
    # A voucher accepted by a till without network, as the till signed it, and what became of it. Insert-only. `entry`
    # holds no code. `chain`: how it follows the entry before.
    "acceptance",
    _of_programme(),
    Column("till_id", Int, nullable=False),
    Column("key", Text, nullable=False),
    Column("number", Int, nullable=False),
    Column("chain", Text, nullable=False),
    Column("entry", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("cents", Int, nullable=False),
    Column("accepted_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("redemption_id", Int),
    Column("dispute_number", Int),
    PrimaryKeyConstraint("programme_id", "till_id", "key"),
    ForeignKeyConstraint(["programme_id", "till_id"], ["till.programme_id", "till.id"]),
    ForeignKeyConstraint(["programme_id", "redemption_id"], ["redemption.programme_id", "redemption.journal_id"]),
    ForeignKeyConstraint(["programme_id", "dispute_number"], ["dispute.programme_id", "dispute.number"]),
    _one_of("chain", "whole", "gap", "fork"),
    CheckConstraint("cents > 0", name="cents_positive"),
    CheckConstraint("(redemption_id IS NULL) <> (dispute_number IS NULL)", name="redeemed_or_disputed"),
    Index(None, "programme_id", "till_id", "number"),
    UniqueConstraint("programme_id", "redemption_id"),
    UniqueConstraint("programme_id", "dispute_number"),
)

dispute = _table(
    # A voucher accepted without network that could not be taken: why, and whether the guarantee paid the shop.
    "dispute",
    _of_programme(),
    Column("number", Int, nullable=False),
    Column("merchant_id", Int, nullable=False),
    Column("till_id", Int, nullable=False),
    Column("serial", Int),
    Column("cents", Int, nullable=False),
    Column("because", Text, nullable=False),
    Column("accepted_at", Instant, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", Instant),
    Column("decision", Text),
    Column("journal_id", Int),
    PrimaryKeyConstraint("programme_id", "number"),
    ForeignKeyConstraint(["programme_id", "merchant_id"], ["merchant.programme_id", "merchant.id"]),
    ForeignKeyConstraint(["programme_id", "till_id"], ["till.programme_id", "till.id"]),
    ForeignKeyConstraint(["programme_id", "journal_id"], ["journal.programme_id", "journal.id"]),
    _one_of("state", *DISPUTE_STATES),
    CheckConstraint("cents > 0", name="cents_positive"),
    CheckConstraint("(state = 'open') = (decided_by IS NULL)", name="decided_by_someone"),
    CheckConstraint("(state = 'guaranteed') = (journal_id IS NOT NULL)", name="guaranteed_by_a_journal"),
    Index(None, "programme_id", "merchant_id", "number"),
)

# ── Settlement ───────────────────────────────────────────────────────────────────────────────────────────────────
payment_run = _table(
    "payment_run",
    _programme(),
    Column("number", Int, nullable=False),
    Column("state", Text, nullable=False),
    Column("from_on", Day, nullable=False),
    Column("to_on", Day, nullable=False),
    Column("upto_journal", Int, nullable=False),
    Column("commission_bp", Int, nullable=False),
    Column("vat_bp", Int, nullable=False),
    Column("debtor_name", Text, nullable=False),
    Column("debtor_iban", Text, nullable=False),
    Column("debtor_bic", Text),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", Instant, nullable=False),
    Column("approved_by", Text),
    Column("approved_at", Instant),
    Column("execution_on", Day),
    PrimaryKeyConstraint("programme_id", "number"),
    _one_of("state", *RUN_STATES),
    CheckConstraint("approved_by IS NULL OR approved_by <> proposed_by", name="four_eyes"),
    CheckConstraint("state IN ('proposed', 'withdrawn') OR approved_by IS NOT NULL", name="approved_by_someone"),
    Index(
        "uq_payment_run_one_proposed",
        "programme_id",
        unique=True,
        sqlite_where=text("state = 'proposed'"),
        postgresql_where=text("state = 'proposed'"),
    ),
)

settlement = _table(
    # What one merchant is due in one run. `brought_cents`: transfers the bank returned, paid again without commission.
    "settlement",
    _of_programme(),
    Column("run_number", Int, nullable=False),
    Column("merchant_id", Int, nullable=False),
    Column("state", Text, nullable=False),
    Column("carried_because", Text),
    Column("gross_cents", Int, nullable=False),
    Column("brought_cents", Int, nullable=False),
    Column("commission_cents", Int, nullable=False),
    Column("vat_cents", Int, nullable=False),
    Column("net_cents", Int, nullable=False),
    Column("account_holder", Text),
    Column("iban", Text),
    Column("journal_id", Int),
    PrimaryKeyConstraint("programme_id", "run_number", "merchant_id"),
    ForeignKeyConstraint(["programme_id", "run_number"], ["payment_run.programme_id", "payment_run.number"]),
    ForeignKeyConstraint(["programme_id", "merchant_id"], ["merchant.programme_id", "merchant.id"]),
    _one_of("state", *SETTLEMENT_STATES),
    CheckConstraint("gross_cents + brought_cents = commission_cents + vat_cents + net_cents", name="parts_make_whole"),
    CheckConstraint("(state = 'carried') = (carried_because IS NOT NULL)", name="carried_says_why"),
    CheckConstraint("state = 'carried' OR (net_cents > 0 AND iban IS NOT NULL)", name="payable"),
)

settlement_line = _table(
    # A posting to a merchant is settled at most once: the key says so. Insert-only.
    "settlement_line",
    _of_programme(),
    Column("journal_id", Int, nullable=False),
    Column("line", Int, nullable=False),
    Column("run_number", Int, nullable=False),
    Column("merchant_id", Int, nullable=False),
    PrimaryKeyConstraint("programme_id", "journal_id", "line"),
    ForeignKeyConstraint(
        ["programme_id", "journal_id", "line"], ["posting.programme_id", "posting.journal_id", "posting.line"]
    ),
    ForeignKeyConstraint(
        ["programme_id", "run_number", "merchant_id"],
        ["settlement.programme_id", "settlement.run_number", "settlement.merchant_id"],
    ),
    Index(None, "programme_id", "run_number", "merchant_id"),
)

settlement_hold = _table(
    # A posting to a merchant, or with no posting named everything owed to it, that no settlement takes meanwhile.
    "settlement_hold",
    _programme(),
    Column("number", Int, nullable=False),
    Column("merchant_id", Int, nullable=False),
    Column("journal_id", Int),
    Column("line", Int),
    Column("because", Text, nullable=False),
    Column("held_by", Text, nullable=False),
    Column("held_at", Instant, nullable=False),
    Column("released_by", Text),
    Column("released_at", Instant),
    Column("released_because", Text),
    PrimaryKeyConstraint("programme_id", "number"),
    ForeignKeyConstraint(["programme_id", "merchant_id"], ["merchant.programme_id", "merchant.id"]),
    ForeignKeyConstraint(
        ["programme_id", "journal_id", "line"], ["posting.programme_id", "posting.journal_id", "posting.line"]
    ),
    CheckConstraint("(journal_id IS NULL) = (line IS NULL)", name="posting_whole"),
    CheckConstraint(
        "(released_at IS NULL) = (released_by IS NULL) AND (released_at IS NULL) = (released_because IS NULL)",
        name="released_whole",
    ),
    Index(None, "programme_id", "merchant_id"),
)

remittance = _table(
    # Paper that a shop without a phone posted, with its slip. `spent_on`: the last day on which it took any.
    "remittance",
    _programme(),
    Column("number", Int, nullable=False),
    Column("merchant_id", Int, nullable=False),
    Column("state", Text, nullable=False),
    Column("slip_count", Int, nullable=False),
    Column("slip_cents", Int, nullable=False),
    Column("spent_on", Day, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_by", Text),
    Column("closed_at", Instant),
    Column("remark", Text),
    PrimaryKeyConstraint("programme_id", "number"),
    ForeignKeyConstraint(["programme_id", "merchant_id"], ["merchant.programme_id", "merchant.id"]),
    _one_of("state", *REMITTANCE_STATES),
    CheckConstraint("slip_count >= 0 AND slip_cents >= 0", name="slip_not_negative"),
    CheckConstraint("(state = 'closed') = (closed_by IS NOT NULL)", name="closed_by_someone"),
    Index(None, "programme_id", "merchant_id"),
)

remitted = _table(
    # One paper of a remittance, accepted as a redemption or refused and why. Insert-only.
    "remitted",
    _of_programme(),
    Column("remittance_number", Int, nullable=False),
    Column("line", Int, nullable=False),
    Column("serial", Int),
    Column("cents", Int, nullable=False),
    Column("redemption_id", Int),
    Column("refused", Text),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("programme_id", "remittance_number", "line"),
    ForeignKeyConstraint(["programme_id", "remittance_number"], ["remittance.programme_id", "remittance.number"]),
    ForeignKeyConstraint(["programme_id", "redemption_id"], ["redemption.programme_id", "redemption.journal_id"]),
    UniqueConstraint("programme_id", "redemption_id"),
    CheckConstraint("(redemption_id IS NULL) = (refused IS NOT NULL)", name="accepted_or_refused"),
    CheckConstraint("cents >= 0", name="cents_not_negative"),
)

watched = _table(
    # A pattern that somebody looked at, and what they said of it. Insert-only.
    "watched",
    _of_programme(),
    Column("pattern", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("merchant_id", Int, nullable=False),
    Column("decision", Text, nullable=False),
    Column("because", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_at", Instant, nullable=False),
    Column("hold_number", Int),
    PrimaryKeyConstraint("programme_id", "pattern", "subject"),
    ForeignKeyConstraint(["programme_id", "merchant_id"], ["merchant.programme_id", "merchant.id"]),
    ForeignKeyConstraint(["programme_id", "hold_number"], ["settlement_hold.programme_id", "settlement_hold.number"]),
    _one_of("decision", "fine", "held"),
    CheckConstraint("(decision = 'held') = (hold_number IS NOT NULL)", name="held_by_a_hold"),
)

# ── Papers ───────────────────────────────────────────────────────────────────────────────────────────────────────
paper_settings = _table(
    # What the law, the chamber and its bookkeeper want on papers and in books; `paper_settings.py` has the defaults.
    # `accounts`: JSON, account of the chart → [number, name], where they differ from the default.
    "paper_settings",
    _programme(),
    Column("seller_form", Text, nullable=False),
    Column("seller_street", Text, nullable=False),
    Column("seller_postcode", Text, nullable=False),
    Column("seller_town", Text, nullable=False),
    Column("vat_number", Text),
    Column("invoice_form", Text, nullable=False),
    Column("vat_due", Text, nullable=False),
    Column("payment_days", Int, nullable=False),
    Column("legal_reference", Text, nullable=False),
    Column("recovery_terms", Text, nullable=False),
    Column("late_terms", Text, nullable=False),
    Column("discount_terms", Text, nullable=False),
    Column("face_value_bar", Text, nullable=False),
    Column("letter_place", Text, nullable=False),
    Column("letter_text", Text, nullable=False),
    Column("letter_signatory", Text, nullable=False),
    Column("accounts", Text, nullable=False),
    Column("threshold_cents", Int, nullable=False),
    PrimaryKeyConstraint("programme_id"),
    _one_of("invoice_form", *INVOICE_FORMS),
    _one_of("vat_due", *VAT_DUE),
    CheckConstraint("payment_days BETWEEN 0 AND 60", name="payment_days_lawful"),
    CheckConstraint("threshold_cents > 0", name="threshold_positive"),
)

billing = _table(
    # What a buyer's accountant wants on its invoices: the rule of its structure in Chorus Pro, and its codes.
    "billing",
    _programme(),
    Column("buyer_id", Int, nullable=False),
    Column("chorus_rule", Text, nullable=False),
    Column("service_code", Text),
    Column("market", Text),
    Column("vat_number", Text),
    Column("email", Text),
    PrimaryKeyConstraint("programme_id", "buyer_id"),
    ForeignKeyConstraint(["programme_id", "buyer_id"], ["buyer.programme_id", "buyer.id"]),
    _one_of("chorus_rule", *CHORUS_RULES),
)

document = _table(
    # A paper that binds: its number, its file and its hash, which its journal has too. A series has no gaps; what has
    # no series is named after what it is about. `fee_cents`: fee or commission; credit notes are below zero.
    "document",
    _of_programme(),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("series", Text),
    Column("number", Int),
    Column("subject", Text, nullable=False),
    Column("buyer_id", Int),
    Column("merchant_id", Int),
    Column("issued_on", Day, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("face_cents", Int, nullable=False),
    Column("fee_cents", Int, nullable=False),
    Column("vat_cents", Int, nullable=False),
    Column("corrects", Text),
    Column("content", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("file", LargeBinary, nullable=False),
    Column("journal_id", Int, nullable=False),
    PrimaryKeyConstraint("programme_id", "name"),
    ForeignKeyConstraint(["programme_id", "journal_id"], ["journal.programme_id", "journal.id"]),
    ForeignKeyConstraint(["programme_id", "corrects"], ["document.programme_id", "document.name"]),
    ForeignKeyConstraint(["programme_id", "buyer_id"], ["buyer.programme_id", "buyer.id"]),
    ForeignKeyConstraint(["programme_id", "merchant_id"], ["merchant.programme_id", "merchant.id"]),
    UniqueConstraint("programme_id", "series", "number"),
    _one_of("kind", *DOCUMENT_KINDS),
    CheckConstraint("(series IS NULL) = (number IS NULL)", name="series_whole"),
    CheckConstraint("number > 0", name="number_positive"),
    CheckConstraint("buyer_id IS NULL OR merchant_id IS NULL", name="of_one"),
    Index(None, "programme_id", "subject"),
    Index(None, "programme_id", "buyer_id"),
    Index(None, "programme_id", "merchant_id"),
)

bank_statement = _table(
    # What the bank says of the issuer's account: opening, lines, closing; a notification has neither balance. Of its
    # lines, `known_lines` had come before, for `known_cents` in all. `sha256` is of the file. Insert-only.
    "bank_statement",
    _programme(),
    Column("number", Int, nullable=False),
    Column("iban", Text, nullable=False),
    Column("statement_id", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("from_on", Day, nullable=False),
    Column("to_on", Day, nullable=False),
    Column("opening_cents", Int),
    Column("closing_cents", Int),
    Column("known_lines", Int, nullable=False),
    Column("known_cents", Int, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("taken_by", Text, nullable=False),
    Column("taken_at", Instant, nullable=False),
    PrimaryKeyConstraint("programme_id", "number"),
    UniqueConstraint("programme_id", "iban", "statement_id"),
    CheckConstraint("from_on <= to_on", name="days_in_order"),
    CheckConstraint("(opening_cents IS NULL) = (closing_cents IS NULL)", name="both_balances"),
    CheckConstraint("known_lines > 0 OR (known_lines = 0 AND known_cents = 0)", name="known_lines_counted"),
)

bank_line = _table(
    # One transfer of a statement; above zero it came in. `open` until it is told what it was. `end_to_end_id` and
    # `message_id` are those of our own bank files, where it is one of theirs.
    "bank_line",
    _of_programme(),
    Column("number", Int, nullable=False),
    Column("statement_number", Int, nullable=False),
    Column("reference", Text, nullable=False),
    Column("part", Int, nullable=False),
    Column("cents", Int, nullable=False),
    Column("booked_on", Day, nullable=False),
    Column("value_on", Day, nullable=False),
    Column("name", Text),
    Column("iban", Text),
    Column("rf", Text),
    Column("text", Text, nullable=False),
    Column("end_to_end_id", Text),
    Column("message_id", Text),
    Column("return_reason", Text),
    Column("state", Text, nullable=False),
    Column("because", Text),
    Column("decided_by", Text),
    Column("decided_at", Instant),
    PrimaryKeyConstraint("programme_id", "number"),
    ForeignKeyConstraint(
        ["programme_id", "statement_number"], ["bank_statement.programme_id", "bank_statement.number"]
    ),
    UniqueConstraint("programme_id", "reference", "part", "booked_on", "cents"),
    _one_of("state", *BANK_LINE_STATES),
    CheckConstraint("cents <> 0", name="cents_moved"),
    CheckConstraint("(state = 'open') = (decided_by IS NULL)", name="decided_by_someone"),
    CheckConstraint("state <> 'set_aside' OR because IS NOT NULL", name="set_aside_says_why"),
    Index(None, "programme_id", "state", "number"),
    Index(None, "programme_id", "statement_number"),
)

statement_post = _table(
    # A merchant's letter with its statement of one run. `sending` is claimed before it leaves: so it leaves once, and
    # one that was interrupted is told from one that left. `tries` counts the claims.
    "statement_post",
    _of_programme(),
    Column("run_number", Int, nullable=False),
    Column("merchant_id", Int, nullable=False),
    Column("state", Text, nullable=False),
    Column("tries", Int, nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("programme_id", "run_number", "merchant_id"),
    ForeignKeyConstraint(
        ["programme_id", "run_number", "merchant_id"],
        ["settlement.programme_id", "settlement.run_number", "settlement.merchant_id"],
    ),
    _one_of("state", "sending", "sent", "failed"),
    CheckConstraint("tries > 0", name="tried"),
)

bank_match = _table(
    # What became of a line, or of a part of it: the fact that it is, and how that was known. Insert-only.
    "bank_match",
    _of_programme(),
    Column("line_number", Int, nullable=False),
    Column("part", Int, nullable=False),
    Column("journal_id", Int, nullable=False),
    Column("cents", Int, nullable=False),
    Column("means", Text, nullable=False),
    PrimaryKeyConstraint("programme_id", "line_number", "part"),
    ForeignKeyConstraint(["programme_id", "line_number"], ["bank_line.programme_id", "bank_line.number"]),
    ForeignKeyConstraint(["programme_id", "journal_id"], ["journal.programme_id", "journal.id"]),
    CheckConstraint("cents > 0", name="cents_positive"),
    _one_of("means", *MATCH_MEANS),
    Index(None, "programme_id", "journal_id"),
)
