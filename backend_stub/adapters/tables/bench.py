"""Due times and switches."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, UniqueConstraint

from backend_stub.adapters.tables.schema import METADATA, ROW_ID, required

SETTINGS = Table(
    "settings",
    METADATA,
    Column("name", String, primary_key=True),
    required("value", BigInteger),
)

DUE = Table(
    "due",
    METADATA,
    Column("seq", ROW_ID, primary_key=True),
    required("kind", String),
    required("key", String),
    required("due_ms", BigInteger),
    Column("rank", Integer, nullable=False),
    UniqueConstraint("kind", "key"),
    Index("due_order", "due_ms", "rank", "seq"),
    sqlite_autoincrement=True,
)
