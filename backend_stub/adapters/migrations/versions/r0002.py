"""What accounts, refunds, renewal and the data ledger keep."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Bring the tables of revision 0001 here."""
    op.create_table(
        "account_tokens",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("is_used", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    with op.batch_alter_table("account_tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_account_tokens_account_id"), ["account_id"], unique=False)

    op.create_table(
        "accounts",
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("locked_until_ms", sa.BigInteger(), nullable=True),
        sa.Column("pending_username", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
        sa.UniqueConstraint("name_key"),
    )
    op.create_table(
        "data_ledger",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("vin", sa.String(), nullable=False),
        sa.Column("market", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    with op.batch_alter_table("data_ledger", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_data_ledger_vin"), ["vin"], unique=False)

    op.create_table(
        "invoice_wishes",
        sa.Column("order_number", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("order_number"),
    )
    op.create_table(
        "invoices",
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("order_number", sa.String(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("issued_on", sa.String(), nullable=False),
        sa.Column("lines", sa.LargeBinary(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("order_number"),
    )
    op.create_table(
        "payouts",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("refund_id", sa.BigInteger(), nullable=False),
        sa.Column("order_number", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("payment_id", sa.String(), nullable=False),
        sa.Column("transaction_id", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("paid_out_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("refund_id"),
    )
    op.create_table(
        "portal_sessions",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("client", sa.String(), nullable=False),
        sa.Column("ends_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("digest"),
    )
    with op.batch_alter_table("portal_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_portal_sessions_account_id"), ["account_id"], unique=False)

    op.create_table(
        "refunds",
        sa.Column("refund_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("claim", sa.String(), nullable=True),
        sa.Column("order_number", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("ground", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("usage_date", sa.String(), nullable=False),
        sa.Column("requested_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("verified_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("payout_ms", sa.BigInteger(), nullable=True),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("refund_id"),
        sa.UniqueConstraint("claim"),
    )
    with op.batch_alter_table("refunds", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_refunds_order_number"), ["order_number"], unique=False)

    op.create_table(
        "shared_keys",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "special_days",
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("is_working", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )
    op.create_table(
        "vehicle_links",
        sa.Column("vin", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("locked_until_ms", sa.BigInteger(), nullable=True),
        sa.Column("linked_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("vin"),
    )
    with op.batch_alter_table("vehicle_links", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_vehicle_links_account_id"), ["account_id"], unique=False)

    op.create_table(
        "vehicle_states",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("vin", sa.String(), nullable=False),
        sa.Column("sim", sa.String(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("notices", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("vin"),
    )
    with op.batch_alter_table("entitlements", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ended_at_ms", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("renewal", sa.String(), nullable=True))

    op.execute(
        sa.table("entitlements", sa.column("renewal", sa.String())).update().values({"renewal": "none"})
    )
    with op.batch_alter_table("entitlements", schema=None) as batch_op:
        batch_op.alter_column("renewal", existing_type=sa.String(), nullable=False)

    with op.batch_alter_table("ledger", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ledger_order_number"), ["order_number"], unique=False)

    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.add_column(sa.Column("channel", sa.String(), nullable=True))

    with op.batch_alter_table("price_lists", schema=None) as batch_op:
        batch_op.add_column(sa.Column("tax_included", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("substitutes", sa.LargeBinary(), nullable=True))

    op.execute(
        sa.table(
            "price_lists", sa.column("tax_included", sa.Boolean()), sa.column("substitutes", sa.LargeBinary())
        )
        .update()
        .values({"tax_included": False, "substitutes": b"[]"})
    )
    with op.batch_alter_table("price_lists", schema=None) as batch_op:
        batch_op.alter_column("tax_included", existing_type=sa.Boolean(), nullable=False)
        batch_op.alter_column("substitutes", existing_type=sa.LargeBinary(), nullable=False)

    with op.batch_alter_table("provider_sessions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("taken_minor", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("taken_currency", sa.String(), nullable=True))

    with op.batch_alter_table("sms", schema=None) as batch_op:
        batch_op.add_column(sa.Column("purpose", sa.String(), nullable=True))

    op.execute(sa.table("sms", sa.column("purpose", sa.String())).update().values({"purpose": "payment"}))
    with op.batch_alter_table("sms", schema=None) as batch_op:
        batch_op.alter_column("purpose", existing_type=sa.String(), nullable=False)

    with op.batch_alter_table("vehicles", schema=None) as batch_op:
        batch_op.add_column(sa.Column("given", sa.LargeBinary(), nullable=True))

    op.execute(
        sa.table("vehicles", sa.column("given", sa.LargeBinary()))
        .update()
        .values({"given": sa.column("record")})
    )
    with op.batch_alter_table("vehicles", schema=None) as batch_op:
        batch_op.alter_column("given", existing_type=sa.LargeBinary(), nullable=False)
