"""Payments, what providers reported, the ledger, and the scripted provider's own books."""

from sqlalchemy import BigInteger, Boolean, Column, String, Table

from backend_stub.adapters.tables.schema import METADATA, ROW_ID, required

PAYMENTS = Table(
    "payments",
    METADATA,
    Column("seq", ROW_ID, primary_key=True),
    Column("payment_id", String, nullable=False, unique=True),
    Column("order_number", String, nullable=False, index=True),
    required("state", String),
    required("provider", String),
    required("session", String),
    required("amount_minor", BigInteger),
    required("currency", String),
    required("opened_at_ms", BigInteger),
)

PAYMENT_SESSIONS = Table(
    "payment_sessions",
    METADATA,
    Column("session", String, primary_key=True),
    required("payment_id", String),
)

PROVIDER_REPORTS = Table(
    "provider_reports",
    METADATA,
    Column("key", String, primary_key=True),
    required("at_ms", BigInteger),
)

LEDGER = Table(
    "ledger",
    METADATA,
    Column("seq", ROW_ID, primary_key=True),
    required("transaction_id", String),
    required("payment_id", String),
    Column("order_number", String, nullable=False, index=True),
    required("captured_minor", BigInteger),
    required("returned_minor", BigInteger),
    required("currency", String),
    required("captured_at_ms", BigInteger),
    required("reported_at_ms", BigInteger),
    required("reason", String),
)

PROVIDER_SESSIONS = Table(
    "provider_sessions",
    METADATA,
    Column("session", String, primary_key=True),
    required("transaction_id", String),
    required("order_number", String),
    required("provider", String),
    required("amount_minor", BigInteger),
    required("currency", String),
    required("opened_at_ms", BigInteger),
    Column("outcome", String),
    Column("decided_at_ms", BigInteger),
    Column("taken_minor", BigInteger),
    Column("taken_currency", String),
    Column("closed", Boolean, nullable=False),
)
