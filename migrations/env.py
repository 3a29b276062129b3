"""How Alembic reaches the database: through the connection `vouchers.schema` hands it."""

from alembic import context

from vouchers.tables import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("Migrations run through `vouchers migrate`, which opens the database as the house does.")

context.configure(
    connection=connection,
    target_metadata=metadata,
    transaction_per_migration=True,
    compare_type=True,
    include_name=lambda name, kind, _parents: not (kind == "table" and name == "alembic_version"),
)
with context.begin_transaction():
    context.run_migrations()
