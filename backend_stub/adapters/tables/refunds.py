"""Money that goes back on request, invoices, working days, and what signs a provider's reports."""

from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, String, Table

from backend_stub.adapters.tables.schema import METADATA, ROW_ID, required

REFUNDS = Table(
    "refunds",
    METADATA,
    Column("refund_id", ROW_ID, primary_key=True),
    # Of one line there is one request that counts; a rejected one claims nothing.
    Column("claim", String, unique=True),
    Column("order_number", String, nullable=False, index=True),
    required("service", String),
    required("ground", String),
    required("state", String),
    required("amount_minor", BigInteger),
    required("currency", String),
    required("usage_date", String),
    required("requested_at_ms", BigInteger),
    required("customer", String),
    Column("verified_at_ms", BigInteger),
    Column("payout_ms", BigInteger),
    required("holder", String),
    required("account", String),
    required("reason", String),
)

PAYOUTS = Table(
    "payouts",
    METADATA,
    Column("seq", ROW_ID, primary_key=True),
    Column("refund_id", BigInteger, nullable=False, unique=True),
    required("order_number", String),
    required("service", String),
    required("payment_id", String),
    required("transaction_id", String),
    required("amount_minor", BigInteger),
    required("currency", String),
    required("paid_out_at_ms", BigInteger),
)

INVOICE_WISHES = Table(
    "invoice_wishes",
    METADATA,
    Column("order_number", String, primary_key=True),
    required("title", String),
    required("address", String),
)

INVOICES = Table(
    "invoices",
    METADATA,
    Column("number", String, primary_key=True),
    Column("order_number", String, nullable=False, unique=True),
    required("issuer", String),
    required("category", String),
    required("issued_on", String),
    required("lines", LargeBinary),
    required("currency", String),
    required("title", String),
    required("address", String),
)

SPECIAL_DAYS = Table(
    "special_days",
    METADATA,
    Column("day", String, primary_key=True),
    Column("is_working", Boolean, nullable=False),
)

SHARED_KEYS = Table(
    "shared_keys",
    METADATA,
    Column("name", String, primary_key=True),
    required("value", String),
)
