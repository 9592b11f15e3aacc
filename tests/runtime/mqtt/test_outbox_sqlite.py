"""The outbox over plain SQLite keeps the contract of every outbox."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runtime.mqtt.sqlite_outbox import SqliteInbox, SqliteOutbox, create_tables
from tests.runtime.mqtt.outbox_suite import OutboxSuite, check_against_list, message


class SqliteStore:
    """A database in a file, or for `None` in memory, where a restart keeps the connection."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self.restart()

    def restart(self) -> None:
        if self._connection is None or self._path is not None:
            self.close()
            self._connection = sqlite3.connect(self._path or ":memory:", isolation_level=None)
            create_tables(self._connection)
        self.connection = self._connection
        self.outbox = SqliteOutbox(self.connection)
        self.inbox = SqliteInbox(self.connection)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def dead_letters(self) -> list[tuple[str, int]]:
        return self.connection.execute("SELECT key, reason_code FROM outbox_dead ORDER BY seq").fetchall()

    def undecodable(self) -> list[tuple[str, bytes, str]]:
        return self.connection.execute("SELECT topic, payload, reason FROM inbox_dead ORDER BY id").fetchall()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


class TestSqliteOutbox(OutboxSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[SqliteStore]:
        store = SqliteStore(tmp_path / "car.sqlite")
        yield store
        store.close()

    def test_tables_that_exist_are_left_alone(self, store: SqliteStore) -> None:
        with store.transaction():
            assert store.inbox.first_time("a", 1)
        create_tables(store.connection)
        with store.transaction():
            assert not store.inbox.first_time("a", 1)

    def test_a_dead_letter_is_rolled_back_with_its_transaction(self, store: SqliteStore) -> None:
        with store.transaction():
            seq = store.outbox.add(message("a"))
        store.connection.execute("BEGIN IMMEDIATE")
        store.outbox.dead_letter(seq, 0x80)
        store.connection.execute("ROLLBACK")
        assert store.outbox.depth() == 1
        assert store.dead_letters() == []

    def test_old_keys_can_be_forgotten(self, store: SqliteStore) -> None:
        with store.transaction():
            store.inbox.first_time("old", 99)
            store.inbox.first_time("new", 100)
        assert store.inbox.forget(100) == 1
        with store.transaction():
            assert store.inbox.first_time("old", 200)
            assert not store.inbox.first_time("new", 200)


def test_an_outbox_behaves_as_a_list() -> None:
    check_against_list(lambda: SqliteStore(None))
