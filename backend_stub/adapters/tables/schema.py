"""What all tables share: one MetaData, row numbers, columns that must be there, the schema's version."""

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    insert,
)
from sqlalchemy.engine import Connection

from backend_stub.adapters.migrations import HEAD

METADATA = MetaData()

SCHEMA_VERSION = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Alembic's own table, as Alembic makes it; not of METADATA, which revisions describe."""

ROW_ID = BigInteger().with_variant(Integer, "sqlite")
"""A row number; only INTEGER counts up by itself in SQLite."""


def required(name: str, kind: type[String] | type[BigInteger] | type[LargeBinary]) -> Column[object]:
    """A column without NULL."""
    return Column(name, kind, nullable=False)


def create_schema(connection: Connection) -> None:
    """Make all tables at once, and note that they are those of the newest revision."""
    METADATA.create_all(connection)
    note_version(connection, HEAD)


def note_version(connection: Connection, revision: str) -> None:
    """Note which revision the tables are of; there was no note before."""
    SCHEMA_VERSION.create(connection, checkfirst=False)
    connection.execute(insert(SCHEMA_VERSION).values(version_num=revision))
