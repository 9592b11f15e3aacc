"""One SQLAlchemy connection with honest transactions, to SQLite or to PostgreSQL.

SQLAlchemy's defaults lose updates on SQLite: a deferred BEGIN takes the write lock too late. Here a
transaction begins with the lock of the one writer (BEGIN IMMEDIATE; an advisory lock on PostgreSQL), so that
the order of effects is the order of commits on both. A write outside of one is one of its own.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from sqlalchemy import Executable, Row, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from backend_stub.adapters.database_url import DatabaseUrl
from backend_stub.adapters.sql_engines import READING, OpenSqlite, connect_postgresql, connect_sqlite

Database: TypeAlias = OpenSqlite | DatabaseUrl
"""What opens a SQLite database in autocommit mode, or where a PostgreSQL database is."""


class InsertNew:
    """An insert that does nothing when `key` is there already; else it returns column `returned`.

    One question less than to look first; each database has its own words for it.
    """

    def __init__(self, table: Table, key: str, returned: str) -> None:
        made = (
            dialect.insert(table).on_conflict_do_nothing(index_elements=[key])
            for dialect in (sqlite, postgresql)
        )
        self.sqlite, self.postgresql = (each.returning(table.c[returned]) for each in made)


class SqlConnection:
    """The backend's only connection. Raises StoreError when there is no PostgreSQL database to be had."""

    def __init__(self, database: Database) -> None:
        self._connection: Connection = (
            connect_postgresql(database) if isinstance(database, DatabaseUrl) else connect_sqlite(database)
        )

    @property
    def connection(self) -> Connection:
        """The connection itself, for schema work."""
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end of the block, roll back when it raises."""
        with self._connection.begin():
            yield

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Inside a transaction: undo the block alone when it raises."""
        with self._connection.begin_nested():
            yield

    @contextmanager
    def scope(self) -> Iterator[None]:
        """The transaction that is open, or one of its own."""
        if self._connection.in_transaction():
            yield
            return
        with self._connection.begin():
            yield

    def rows(self, statement: Executable, parameters: dict[str, Any] | None = None) -> Sequence[Row[Any]]:
        """All rows of a query."""
        with self._reading():
            return self._connection.execute(statement, parameters).all()

    def first(self, statement: Executable, parameters: dict[str, Any] | None = None) -> Row[Any] | None:
        """The first row of a query, if there is one."""
        with self._reading():
            return self._connection.execute(statement, parameters).first()

    def scalar(self, statement: Executable, parameters: dict[str, Any] | None = None) -> Any:
        """The first column of the first row of a query, None when there is none."""
        with self._reading():
            return self._connection.execute(statement, parameters).scalar()

    def write(self, statement: Executable, parameters: dict[str, Any] | None = None) -> int:
        """Run an insert, update or delete; returns how many rows it met."""
        with self.scope():
            return self._connection.execute(statement, parameters).rowcount

    def change(self, statement: Executable, parameters: dict[str, Any]) -> Any:
        """Run a write that returns something; its first column, None when it met no row."""
        with self.scope():
            return self._connection.execute(statement, parameters).scalar()

    def insert_new(self, statement: InsertNew, parameters: dict[str, Any]) -> Any:
        """Insert one row; what it returns, None when its key was there already."""
        is_server = self._connection.dialect.name == "postgresql"
        return self.change(statement.postgresql if is_server else statement.sqlite, parameters)

    def insert(self, statement: Executable, parameters: dict[str, Any]) -> int:
        """Insert one row; returns the number it was given."""
        with self.scope():
            key = self._connection.execute(statement, parameters).inserted_primary_key
        assert key is not None
        return int(key[0])

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """The transaction that is open, or none: a single query sees one state of things by itself."""
        connection = self._connection
        if connection.in_transaction():
            yield
            return
        info = connection.info
        info[READING] = True
        try:
            with connection.begin():
                yield
        finally:
            del info[READING]

    def close(self) -> None:
        """Give the database back."""
        self._connection.close()

    def abandon(self) -> None:
        """The program is killed: a server rolls back what is open; a file's disk sees to that itself."""
        connection = self._connection
        if connection.dialect.name == "postgresql" and not connection.closed and not connection.invalidated:
            connection.connection.driver_connection.close()  # type: ignore[union-attr]
