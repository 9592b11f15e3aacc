"""Accounts, the tokens sent to them, who is logged in, and which car belongs to which account."""

from sqlalchemy import BigInteger, Boolean, Column, String, Table

from backend_stub.adapters.tables.schema import METADATA, ROW_ID, required

ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("account_id", ROW_ID, primary_key=True),
    # The name in one case: nobody takes another one's name by a capital letter.
    Column("name_key", String, nullable=False, unique=True),
    required("username", String),
    required("state", String),
    required("name", String),
    required("number", String),
    required("email", String),
    required("password_hash", String),
    required("failures", BigInteger),
    Column("locked_until_ms", BigInteger),
    required("pending_username", String),
    required("version", BigInteger),
)

ACCOUNT_TOKENS = Table(
    "account_tokens",
    METADATA,
    Column("digest", String, primary_key=True),
    Column("account_id", BigInteger, nullable=False, index=True),
    required("purpose", String),
    required("expires_at_ms", BigInteger),
    Column("is_used", Boolean, nullable=False),
)

PORTAL_SESSIONS = Table(
    "portal_sessions",
    METADATA,
    Column("digest", String, primary_key=True),
    Column("account_id", BigInteger, nullable=False, index=True),
    required("client", String),
    Column("ends_at_ms", BigInteger),
)

VEHICLE_LINKS = Table(
    "vehicle_links",
    METADATA,
    Column("vin", String, primary_key=True),
    required("state", String),
    Column("account_id", BigInteger, index=True),
    required("code", String),
    required("failures", BigInteger),
    Column("locked_until_ms", BigInteger),
    Column("linked_at_ms", BigInteger),
    required("version", BigInteger),
)
