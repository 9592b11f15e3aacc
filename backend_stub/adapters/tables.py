"""Tables of the backend's database, as SQLAlchemy Core; instants are UTC milliseconds, money minor units.

Lines of an order and periods of an entitlement are JSON in their row: nobody queries inside them.
"""

import sqlite3
from functools import lru_cache

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    create_engine,
)
from sqlalchemy.pool import StaticPool

METADATA = MetaData()

_ROW_ID = BigInteger().with_variant(Integer, "sqlite")


def _required(name: str, kind: type[String] | type[BigInteger] | type[LargeBinary]) -> Column[object]:
    return Column(name, kind, nullable=False)


SETTINGS = Table(
    "settings",
    METADATA,
    Column("name", String, primary_key=True),
    _required("value", BigInteger),
)

VEHICLES = Table(
    "vehicles",
    METADATA,
    Column("seq", _ROW_ID, primary_key=True),
    Column("vin", String, nullable=False, unique=True),
    _required("record", LargeBinary),
    _required("revision", BigInteger),
)

PRICE_LISTS = Table(
    "price_lists",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    _required("rows", LargeBinary),
)

ORDERS = Table(
    "orders",
    METADATA,
    Column("seq", _ROW_ID, primary_key=True),
    Column("number", String, nullable=False, unique=True),
    _required("vin", String),
    _required("client_order_id", String),
    Column("token", String, nullable=False, unique=True),
    _required("state", String),
    _required("version", BigInteger),
    _required("lines", LargeBinary),
    _required("currency", String),
    _required("sms_number", String),
    _required("accepted_at_ms", BigInteger),
    _required("deadline_ms", BigInteger),
    Column("cancel_at_ms", BigInteger),
    Column("cancel_until_ms", BigInteger),
    Column("cancel_reason", String),
    _required("traceparent", String),
    UniqueConstraint("vin", "client_order_id"),
)

ORDER_HISTORY = Table(
    "order_history",
    METADATA,
    Column("seq", _ROW_ID, primary_key=True),
    Column("number", String, nullable=False, index=True),
    _required("at_ms", BigInteger),
    _required("state", String),
    _required("reason", String),
)

PAYMENTS = Table(
    "payments",
    METADATA,
    Column("seq", _ROW_ID, primary_key=True),
    Column("payment_id", String, nullable=False, unique=True),
    Column("order_number", String, nullable=False, index=True),
    _required("state", String),
    _required("provider", String),
    _required("session", String),
    _required("amount_minor", BigInteger),
    _required("currency", String),
    _required("opened_at_ms", BigInteger),
)

PAYMENT_SESSIONS = Table(
    "payment_sessions",
    METADATA,
    Column("session", String, primary_key=True),
    _required("payment_id", String),
)

PROVIDER_REPORTS = Table(
    "provider_reports",
    METADATA,
    Column("key", String, primary_key=True),
    _required("at_ms", BigInteger),
)

LEDGER = Table(
    "ledger",
    METADATA,
    Column("seq", _ROW_ID, primary_key=True),
    _required("transaction_id", String),
    _required("payment_id", String),
    _required("order_number", String),
    _required("captured_minor", BigInteger),
    _required("returned_minor", BigInteger),
    _required("currency", String),
    _required("captured_at_ms", BigInteger),
    _required("reported_at_ms", BigInteger),
    _required("reason", String),
)

PROVIDER_SESSIONS = Table(
    "provider_sessions",
    METADATA,
    Column("session", String, primary_key=True),
    _required("transaction_id", String),
    _required("order_number", String),
    _required("provider", String),
    _required("amount_minor", BigInteger),
    _required("currency", String),
    _required("opened_at_ms", BigInteger),
    Column("outcome", String),
    Column("decided_at_ms", BigInteger),
    Column("closed", Boolean, nullable=False),
)

ENTITLEMENTS = Table(
    "entitlements",
    METADATA,
    Column("entitlement_id", _ROW_ID, primary_key=True),
    Column("vin", String, nullable=False, index=True),
    _required("service", String),
    _required("origin", String),
    Column("state", String, nullable=False, index=True),
    _required("periods", LargeBinary),
    Column("overdue", Boolean, nullable=False),
    _required("traceparent", String),
)

DUE = Table(
    "due",
    METADATA,
    Column("seq", _ROW_ID, primary_key=True),
    _required("kind", String),
    _required("key", String),
    _required("due_ms", BigInteger),
    Column("rank", Integer, nullable=False),
    UniqueConstraint("kind", "key"),
    Index("due_order", "due_ms", "rank", "seq"),
    sqlite_autoincrement=True,
)

SMS = Table(
    "sms",
    METADATA,
    Column("sms_id", _ROW_ID, primary_key=True),
    _required("order_number", String),
    _required("number", String),
    _required("text", String),
    _required("url", String),
    _required("sent_at_ms", BigInteger),
    Column("lost", Boolean, nullable=False),
    Column("arrived_at_ms", BigInteger),
)

OUTBOX = Table(
    "outbox",
    METADATA,
    Column("seq", _ROW_ID, primary_key=True),
    Column("key", String, nullable=False, unique=True),
    _required("topic", String),
    _required("payload", LargeBinary),
    _required("traceparent", String),
    Column("expiry_s", BigInteger),
    _required("response_topic", String),
    _required("correlation_data", LargeBinary),
    Column("retain", Boolean, nullable=False),
    Column("expires_at_ms", BigInteger),
    # A `seq` is never given twice: an entry added after the queue ran empty must not look sent.
    sqlite_autoincrement=True,
)

OUTBOX_DEAD = Table(
    "outbox_dead",
    METADATA,
    Column("seq", _ROW_ID, primary_key=True, autoincrement=False),
    _required("key", String),
    _required("topic", String),
    _required("payload", LargeBinary),
    _required("traceparent", String),
    Column("reason_code", Integer, nullable=False),
)

INBOX_SEEN = Table(
    "inbox_seen",
    METADATA,
    Column("key", String, primary_key=True),
    _required("at_ms", BigInteger),
)

ANSWERS = Table(
    "answers",
    METADATA,
    Column("request", String, primary_key=True),
    _required("key", String),
    _required("topic", String),
    _required("payload", LargeBinary),
    _required("traceparent", String),
    _required("correlation_data", LargeBinary),
)

INBOX_DEAD = Table(
    "inbox_dead",
    METADATA,
    Column("seq", _ROW_ID, primary_key=True),
    _required("topic", String),
    _required("payload", LargeBinary),
    _required("reason", String),
    _required("at_ms", BigInteger),
)


@lru_cache(maxsize=1)
def empty_image() -> bytes:
    """A SQLite database image with these tables and nothing in them: what a universe starts from."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    try:
        METADATA.create_all(engine)
        return connection.serialize()
    finally:
        engine.dispose()
        connection.close()
