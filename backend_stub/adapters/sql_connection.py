"""One SQLAlchemy connection with honest transactions.

SQLAlchemy's defaults lose updates on SQLite: a deferred BEGIN takes the write lock too late. Here a
transaction begins with BEGIN IMMEDIATE, and whatever happens outside of one commits by itself.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, Executable, Row, create_engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.pool import StaticPool


class SqlConnection:
    """The backend's only connection. `connect` opens the database in autocommit mode."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._engine = _engine(connect)
        self._connection: Connection = self._engine.connect()

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
        with self.scope():
            return self._connection.execute(statement, parameters).all()

    def first(self, statement: Executable, parameters: dict[str, Any] | None = None) -> Row[Any] | None:
        """The first row of a query, if there is one."""
        with self.scope():
            return self._connection.execute(statement, parameters).first()

    def scalar(self, statement: Executable, parameters: dict[str, Any] | None = None) -> Any:
        """The first column of the first row of a query, None when there is none."""
        with self.scope():
            return self._connection.execute(statement, parameters).scalar()

    def write(self, statement: Executable, parameters: dict[str, Any] | None = None) -> int:
        """Run an insert, update or delete; returns how many rows it met."""
        with self.scope():
            return self._connection.execute(statement, parameters).rowcount

    def insert(self, statement: Executable, parameters: dict[str, Any]) -> int:
        """Insert one row; returns the number it was given."""
        with self.scope():
            key = self._connection.execute(statement, parameters).inserted_primary_key
        assert key is not None
        return int(key[0])

    def close(self) -> None:
        """Give the database back."""
        self._connection.close()
        self._engine.dispose()


def _engine(connect: Callable[[], sqlite3.Connection]) -> Engine:
    # Nothing is reset when the connection is dropped: a killed program must not speak to its database again.
    engine = create_engine("sqlite://", creator=connect, poolclass=StaticPool, pool_reset_on_return=None)

    @event.listens_for(engine, "begin")
    def begin_immediate(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
