"""A database as the first release left it: orders in every open state, bookings, messages under way.

`first_release.sql` was written by that release itself: on 2026-05-01 in China the car VIN has bought RTTI
(CN-000001), cancelled CONCIERGE (CN-000002), failed to pay for it (CN-000003), paid for PREMIUM, which is
held back (CN-000004), and ordered RTTI again, unpaid (CN-000005).
"""

import sqlite3
from pathlib import Path

from sqlalchemy import MetaData, Table, create_engine, insert, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.pool import StaticPool

from backend_stub.adapters.migrations import REVISIONS, run

SCRIPT = Path(__file__).with_name("first_release.sql")
ENDED_AT_MS = 1_777_604_480_000
"""Bench time when that release was ended."""

UNPAID, FAILED, HELD_BACK = "CN-000005", "CN-000003", "CN-000004"

Rows = dict[str, list[dict[str, object]]]


def database() -> sqlite3.Connection:
    """The database, in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.executescript(SCRIPT.read_text(encoding="utf-8"))
    return connection


def image() -> bytes:
    """The database as a file."""
    connection = database()
    try:
        return connection.serialize()
    finally:
        connection.close()


def rows(connection: Connection) -> Rows:
    """Everything in a database, by table; rows in the order of their first column."""
    metadata = MetaData()
    metadata.reflect(connection)
    return {
        name: [dict(row._mapping) for row in connection.execute(select(table).order_by(*table.primary_key))]
        for name, table in sorted(metadata.tables.items())
        if name != "alembic_version"
    }


def first_rows() -> Rows:
    """Everything in the first release's database."""
    engine = create_engine("sqlite://", creator=database, poolclass=StaticPool)
    with engine.connect() as connection:
        found = rows(connection)
    engine.dispose()
    return found


def fill_server(connection: Connection) -> None:
    """Make the same database on a PostgreSQL server, in the transaction that is open."""
    run(connection, until=REVISIONS[0])
    metadata = MetaData()
    metadata.reflect(connection)
    for name, found in first_rows().items():
        table = metadata.tables[name]
        if found:
            connection.execute(insert(table), found)
            _count_on(connection, table)


def _count_on(connection: Connection, table: Table) -> None:
    """Let the next row number come after those that are there."""
    [key] = list(table.primary_key)[:1]
    sequence = connection.scalar(
        text("SELECT pg_get_serial_sequence(:t, :c)"), {"t": table.name, "c": key.name}
    )
    if sequence is not None:
        connection.execute(text(f"SELECT setval('{sequence}', (SELECT max({key.name}) FROM {table.name}))"))
