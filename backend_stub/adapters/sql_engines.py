"""One SQLAlchemy engine per kind of database and process: its compiled statements serve every connection.

A connection belongs to whoever opened it; nothing is pooled, and nothing is said to the database when a
connection is dropped: a killed program must not speak to its database again.
"""

import sqlite3
from collections.abc import Callable
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Connection, ExceptionContext
from sqlalchemy.pool import NullPool

from backend_stub.adapters.database_url import DatabaseUrl
from backend_stub.errors import StoreError

if TYPE_CHECKING:
    import psycopg

OpenSqlite: TypeAlias = Callable[[], sqlite3.Connection]
"""Opens a SQLite database in autocommit mode (`runtime.ports.Disk.connect`)."""

LOCK_TIMEOUT_MS: Final = 5_000
"""How long a writer waits for another program that is writing, as `runtime.disk.FileDisk` does."""

CONNECT_TIMEOUT_S: Final = 10

_LOCK: Final = 0x68756D6D
"""First key of the advisory lock that the one writer of a schema holds; the second is the schema's own."""

_BEGIN: Final = (
    "BEGIN ISOLATION LEVEL READ COMMITTED;"
    f" SELECT pg_catalog.pg_advisory_xact_lock({_LOCK}, pg_catalog.hashtext(current_schema()))"
)

READING: Final = "reading"
"""In `Connection.info` while a single query runs outside of a transaction: it needs none, and no lock."""

_START_AGAIN: Final = "start it and then this program again: everything that was committed is there"

_connect: ContextVar[Callable[[], Any]] = ContextVar("_connect")
"""How the engine gets the connection it is asked for now."""


def connect_sqlite(open_database: OpenSqlite) -> Connection:
    """A connection to a SQLite database; a transaction begins with BEGIN IMMEDIATE."""
    return _connection(_sqlite_engine(), open_database)


def connect_postgresql(url: DatabaseUrl) -> Connection:
    """A connection to a PostgreSQL database; a transaction begins with the lock of the one writer.

    Raises StoreError.
    """
    connection = open_postgresql(url)
    return _connection(_postgresql_engine(), lambda: connection)


def _connection(engine: Engine, open_database: Callable[[], Any]) -> Connection:
    token = _connect.set(open_database)
    try:
        return engine.connect()
    finally:
        _connect.reset(token)


@lru_cache(maxsize=1)
def _sqlite_engine() -> Engine:
    engine = _engine("sqlite://")

    @event.listens_for(engine, "begin")
    def begin_immediate(connection: Connection) -> None:
        if READING not in connection.info:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


@lru_cache(maxsize=1)
def _postgresql_engine() -> Engine:
    import psycopg

    engine = _engine("postgresql+psycopg://")

    @event.listens_for(engine, "begin")
    def begin_as_only_writer(connection: Connection) -> None:
        if READING in connection.info:
            return
        driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
        try:
            # Two statements on one way there and back, which only an unprepared query may hold.
            driver.execute(_BEGIN, prepare=False)
        except psycopg.errors.LockNotAvailable:
            driver.rollback()
            raise StoreError(
                "the database is locked: another program has been writing to it for"
                f" {LOCK_TIMEOUT_MS // 1000} s; end it, or give this one a database of its own"
            ) from None
        except psycopg.OperationalError as error:
            if driver.broken:
                raise _gone(error) from None
            raise

    @event.listens_for(engine, "handle_error")
    def server_gone(context: ExceptionContext) -> None:
        if context.is_disconnect:
            raise _gone(context.original_exception) from None

    return engine


def _engine(url: str) -> Engine:
    # What a statement was given may be a number or a token: no error may show it.
    return create_engine(
        url,
        creator=_make_connection,
        poolclass=NullPool,
        pool_reset_on_return=None,
        hide_parameters=True,
    )


def _make_connection() -> Any:
    """What the engine asks for; never a second time for a connection that has been lost."""
    opening = _connect.get(None)
    if opening is None:
        raise StoreError(f"the database server has gone; {_START_AGAIN}")
    return opening()


def open_postgresql(url: DatabaseUrl) -> "psycopg.Connection[Any]":
    """A connection of the driver's own, in autocommit mode. Raises StoreError."""
    try:
        import psycopg
    except ImportError:
        raise StoreError(
            f"{url} needs PostgreSQL's client: install it with `pip install 'headunit[postgres]'`"
        ) from None
    try:
        connection = psycopg.connect(
            url.conninfo,
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_S,
            fallback_application_name="headunit",
        )
    except psycopg.OperationalError as error:
        raise StoreError(f"{url} cannot be opened: {_reason(error)}; {_advice(error)}") from None
    except psycopg.ProgrammingError:
        # libpq repeats what it could not read, which may be a password.
        raise StoreError(f"{url} cannot be opened: its settings after the '?' cannot be read") from None
    connection.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}; SET client_min_messages = warning")
    return connection


def _gone(error: BaseException) -> StoreError:
    return StoreError(f"the database server has gone ({_reason(error)}); {_START_AGAIN}")


def _reason(error: BaseException) -> str:
    """What the server or libpq said first."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rpartition("FATAL:")[2].strip()


def _advice(error: BaseException) -> str:
    text = str(error)
    if "password" in text or "authentication" in text or "role" in text:
        return "check user and password (characters with a meaning in a URL are percent-encoded)"
    if "does not exist" in text:
        return "create it with `createdb`, or correct its name"
    return "check that the server runs and that host and port are right"
