"""What goes to and comes from cars and phones."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, String, Table

from backend_stub.adapters.tables.schema import METADATA, ROW_ID, required

SMS = Table(
    "sms",
    METADATA,
    Column("sms_id", ROW_ID, primary_key=True),
    required("order_number", String),
    required("number", String),
    required("text", String),
    required("url", String),
    required("purpose", String),
    required("sent_at_ms", BigInteger),
    Column("lost", Boolean, nullable=False),
    Column("arrived_at_ms", BigInteger),
)

OUTBOX = Table(
    "outbox",
    METADATA,
    Column("seq", ROW_ID, primary_key=True),
    Column("key", String, nullable=False, unique=True),
    required("topic", String),
    required("payload", LargeBinary),
    required("traceparent", String),
    Column("expiry_s", BigInteger),
    required("response_topic", String),
    required("correlation_data", LargeBinary),
    Column("retain", Boolean, nullable=False),
    Column("expires_at_ms", BigInteger),
    # A `seq` is never given twice: an entry added after the queue ran empty must not look sent.
    sqlite_autoincrement=True,
)

OUTBOX_DEAD = Table(
    "outbox_dead",
    METADATA,
    Column("seq", ROW_ID, primary_key=True, autoincrement=False),
    required("key", String),
    required("topic", String),
    required("payload", LargeBinary),
    required("traceparent", String),
    Column("reason_code", Integer, nullable=False),
)

INBOX_SEEN = Table(
    "inbox_seen",
    METADATA,
    Column("key", String, primary_key=True),
    required("at_ms", BigInteger),
)

ANSWERS = Table(
    "answers",
    METADATA,
    Column("request", String, primary_key=True),
    required("key", String),
    required("topic", String),
    required("payload", LargeBinary),
    required("traceparent", String),
    required("correlation_data", LargeBinary),
)

INBOX_DEAD = Table(
    "inbox_dead",
    METADATA,
    Column("seq", ROW_ID, primary_key=True),
    required("topic", String),
    required("payload", LargeBinary),
    required("reason", String),
    required("at_ms", BigInteger),
)
