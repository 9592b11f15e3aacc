"""Outbox and inbox in the program's own SQLite database, so that they commit with its state.

The connection is in autocommit mode and belongs to the program: `add` and `first_time` are called inside
the transaction the program has opened; everything else commits by itself.
"""

import sqlite3

from runtime.mqtt.outbox import OutboxEntry
from runtime.mqtt.port import OutgoingMessage

# AUTOINCREMENT: a `seq` is never given twice, or an entry added after the queue ran empty could be taken
# for one that was sent already.
_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS outbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        topic TEXT NOT NULL,
        payload BLOB NOT NULL,
        traceparent TEXT NOT NULL,
        expiry_s INTEGER,
        response_topic TEXT NOT NULL,
        correlation_data BLOB NOT NULL,
        retain INTEGER NOT NULL,
        expires_at_ms INTEGER
    ) STRICT
    """,
    """
    CREATE TABLE IF NOT EXISTS outbox_dead (
        seq INTEGER PRIMARY KEY,
        key TEXT NOT NULL,
        topic TEXT NOT NULL,
        payload BLOB NOT NULL,
        traceparent TEXT NOT NULL,
        reason_code INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE IF NOT EXISTS inbox_seen (
        key TEXT PRIMARY KEY,
        at_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS inbox_dead (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        topic TEXT NOT NULL,
        payload BLOB NOT NULL,
        reason TEXT NOT NULL,
        at_ms INTEGER NOT NULL
    ) STRICT
    """,
)

_COLUMNS = """
    topic, payload, key, traceparent, expiry_s, response_topic, correlation_data, retain, expires_at_ms
"""
_ADD = f"""
    INSERT INTO outbox ({_COLUMNS})
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (key) DO NOTHING
"""
_SEQ_OF = "SELECT seq FROM outbox WHERE key = ?"
_PENDING = f"""
    SELECT seq, {_COLUMNS}
    FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?
"""
_DELETE = "DELETE FROM outbox WHERE seq = ?"
_BURY = """
    INSERT OR REPLACE INTO outbox_dead (seq, key, topic, payload, traceparent, reason_code)
    SELECT seq, key, topic, payload, traceparent, ? FROM outbox WHERE seq = ?
"""
_DEPTH = "SELECT count(*) FROM outbox"
_SEE = "INSERT INTO inbox_seen (key, at_ms) VALUES (?, ?) ON CONFLICT (key) DO NOTHING"
_FORGET = "DELETE FROM inbox_seen WHERE at_ms < ?"
_KEEP_ASIDE = "INSERT INTO inbox_dead (topic, payload, reason, at_ms) VALUES (?, ?, ?, ?)"


def create_tables(connection: sqlite3.Connection) -> None:
    """Create what is missing of `outbox`, `outbox_dead`, `inbox_seen` and `inbox_dead`."""
    for statement in _TABLES:
        connection.execute(statement)


def forget_messages(connection: sqlite3.Connection) -> None:
    """Erase every message that is kept, waiting or put aside, inside the transaction that is open.

    The keys of messages that came in stay: none may take effect twice.
    """
    for table in ("outbox", "outbox_dead", "inbox_dead"):
        connection.execute(f"DELETE FROM {table}")


class SqliteOutbox:
    """The Outbox port over one `sqlite3` connection in autocommit mode."""

    __slots__ = ("_connection", "_execute")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._execute = connection.execute

    def add(self, message: OutgoingMessage, expires_at_ms: int | None = None) -> int:
        """Append, inside the transaction that is open; returns `seq`. A key already there adds nothing."""
        *fields, retain = message
        cursor = self._execute(_ADD, (*fields, int(retain), expires_at_ms))
        if cursor.rowcount:
            return cursor.lastrowid or 0
        seq: int = self._execute(_SEQ_OF, (message.key,)).fetchone()[0]
        return seq

    def pending(self, after_seq: int, limit: int) -> list[OutboxEntry]:
        """Committed entries with seq > `after_seq`, in order."""
        return [
            OutboxEntry(seq, OutgoingMessage._make((*fields, bool(retain))), expires_at_ms)
            for seq, *fields, retain, expires_at_ms in self._execute(_PENDING, (after_seq, limit))
        ]

    def delete(self, seq: int) -> None:
        """The receiver's broker has it (PUBACK below 0x80), or it has expired."""
        self._execute(_DELETE, (seq,))

    def dead_letter(self, seq: int, reason_code: int) -> None:
        """The broker refuses it for good (PUBACK 0x80 or above): keep it aside."""
        # A savepoint nests in an open transaction and is one by itself outside.
        with _Savepoint(self._connection):
            self._execute(_BURY, (reason_code, seq))
            self._execute(_DELETE, (seq,))

    def depth(self) -> int:
        """How many entries wait; counted on the key index, so payloads are not read."""
        depth: int = self._execute(_DEPTH).fetchone()[0]
        return depth


class SqliteInbox:
    """The Inbox port over one `sqlite3` connection in autocommit mode."""

    __slots__ = ("_execute",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def first_time(self, key: str, at_ms: int) -> bool:
        """Remember `key`, inside the transaction that is open; False when it was there already."""
        return self._execute(_SEE, (key, at_ms)).rowcount == 1

    def dead_letter(self, topic: str, payload: bytes, reason: str, at_ms: int) -> None:
        """Keep a message that does not keep its contract."""
        self._execute(_KEEP_ASIDE, (topic, payload, reason, at_ms))

    def forget(self, before_ms: int) -> int:
        """Drop keys seen before bench instant `before_ms`; returns how many.

        Safe once no sender can repeat them: after the longest message life and session expiry.
        """
        return self._execute(_FORGET, (before_ms,)).rowcount


class _Savepoint:
    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("SAVEPOINT dead_letter")

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if kind is not None:
            self._connection.execute("ROLLBACK TO dead_letter")
        self._connection.execute("RELEASE dead_letter")
