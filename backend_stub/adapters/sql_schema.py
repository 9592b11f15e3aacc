"""The tables of a database when it is opened: made where there are none, upgraded where they are older."""

from typing import Final

from sqlalchemy import Inspector, inspect, select, update
from sqlalchemy.engine import Connection

from backend_stub.adapters.migrations import HEAD, REVISIONS, run
from backend_stub.adapters.tables import METADATA
from backend_stub.adapters.tables.schema import SCHEMA_VERSION, create_schema, note_version
from backend_stub.errors import StoreError

FIRST_TABLES: Final = frozenset(
    {
        "answers",
        "due",
        "entitlements",
        "inbox_dead",
        "inbox_seen",
        "ledger",
        "order_history",
        "orders",
        "outbox",
        "outbox_dead",
        "payment_sessions",
        "payments",
        "price_lists",
        "provider_reports",
        "provider_sessions",
        "settings",
        "sms",
        "vehicles",
    }
)
"""The tables of revision 0001: databases of that release do not say which revision they are."""


def prepare_schema(connection: Connection) -> None:
    """Have the newest tables, in the transaction that is open: all of this is done or nothing.

    Raises StoreError for a database that a newer release has made, or that is somebody else's.
    """
    inspector: Inspector = inspect(connection)
    names = frozenset(inspector.get_table_names())
    if SCHEMA_VERSION.name in names:
        found = str(connection.scalar(select(SCHEMA_VERSION.c.version_num)))
        if found == HEAD:
            return
        _check_known(found)
        _upgrade(connection, found)
    elif names >= FIRST_TABLES:
        note_version(connection, REVISIONS[0])
        _upgrade(connection, REVISIONS[0])
    elif clash := sorted(names & METADATA.tables.keys()):
        raise StoreError(
            f"the database holds a table {clash[0]!r} that is not of this program; give it an empty database"
        )
    else:
        create_schema(connection)


def drop_schema(connection: Connection) -> None:
    """Drop our tables, where these are ours. Raises StoreError as `prepare_schema` does."""
    prepare_schema(connection)
    METADATA.drop_all(connection)
    SCHEMA_VERSION.drop(connection)


def _check_known(found: str) -> None:
    if found not in REVISIONS:
        raise StoreError(
            f"the database was made by a newer headunit (its tables are of revision {found}, this release"
            f" knows them up to {HEAD}); use that release, or another database"
        )


def _upgrade(connection: Connection, found: str) -> None:
    run(connection, after=found)
    connection.execute(update(SCHEMA_VERSION).values(version_num=HEAD))
