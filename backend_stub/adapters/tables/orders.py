"""Orders and their history."""

from sqlalchemy import BigInteger, Column, LargeBinary, String, Table, UniqueConstraint

from backend_stub.adapters.tables.schema import METADATA, ROW_ID, required

ORDERS = Table(
    "orders",
    METADATA,
    Column("seq", ROW_ID, primary_key=True),
    Column("number", String, nullable=False, unique=True),
    required("vin", String),
    required("client_order_id", String),
    Column("token", String, nullable=False, unique=True),
    required("state", String),
    required("version", BigInteger),
    required("lines", LargeBinary),
    required("currency", String),
    required("sms_number", String),
    required("accepted_at_ms", BigInteger),
    required("deadline_ms", BigInteger),
    Column("cancel_at_ms", BigInteger),
    Column("cancel_until_ms", BigInteger),
    Column("cancel_reason", String),
    required("traceparent", String),
    # Empty in rows of the first release, which knew no Portal: those orders came from a car.
    Column("channel", String),
    UniqueConstraint("vin", "client_order_id"),
)

ORDER_HISTORY = Table(
    "order_history",
    METADATA,
    Column("seq", ROW_ID, primary_key=True),
    Column("number", String, nullable=False, index=True),
    required("at_ms", BigInteger),
    required("state", String),
    required("reason", String),
)
