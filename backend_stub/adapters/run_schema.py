"""A schema for one run alone, in a database that may hold whatever else: made before, dropped after.

So a scenario always begins with empty tables and leaves none behind, and any number of scenarios can play in
one database side by side. The schema is named after the server's process for the run's own connection: a
schema of a process that is no more was left by a run that was killed, and the next run drops it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from backend_stub.adapters.database_url import DatabaseUrl
from backend_stub.adapters.sql_engines import open_postgresql
from backend_stub.errors import StoreError

if TYPE_CHECKING:
    import psycopg

_PREFIX: Final = "headunit_run_"
_LEFT_BEHIND: Final = f"""\
SELECT nspname FROM pg_catalog.pg_namespace
WHERE starts_with(nspname, '{_PREFIX}')
    AND nspname NOT IN (SELECT '{_PREFIX}' || pid FROM pg_catalog.pg_stat_activity)
ORDER BY nspname"""


@contextmanager
def run_schema(url: str) -> Iterator[str]:
    """The address of a schema for this run, in the database at `url`. Raises StoreError."""
    database = DatabaseUrl.parse(url)
    connection = open_postgresql(database)
    try:
        name = f"{_PREFIX}{connection.info.backend_pid}"
        _make(connection, database, name)
        try:
            yield database.in_schema(name)
        finally:
            if not connection.broken:
                _drop(connection, name)
    finally:
        connection.close()


def _make(connection: "psycopg.Connection[Any]", database: DatabaseUrl, name: str) -> None:
    from psycopg.errors import InsufficientPrivilege

    for (left_behind,) in connection.execute(_LEFT_BEHIND).fetchall():
        _drop(connection, left_behind)
    try:
        connection.execute(f"CREATE SCHEMA {name}".encode())
    except InsufficientPrivilege:
        raise StoreError(
            f"{database}: this user may not make a schema for the run; say GRANT CREATE ON DATABASE there,"
            " or give a user who may"
        ) from None


def _drop(connection: "psycopg.Connection[Any]", name: str) -> None:
    """Names begin with our prefix and go on with the number of a process."""
    connection.execute(f'DROP SCHEMA IF EXISTS "{name}" CASCADE'.encode())
