"""The ledger in a SQLite database: sessions and retained messages that survive kill -9 and a power cut.

What changes in one turn of the broker is one transaction. A message acknowledged by its receiver is taken
out lazily, with the next transaction that has to be made anyway: after a crash it is delivered once more,
with DUP, as QoS 1 allows; at QoS 2 only its PUBREL is repeated.
"""

import sqlite3
from typing import Any, Final

from runtime.errors import LedgerError
from runtime.mqtt.broker.ledger import KeptSession, OwnedPublish, Release
from runtime.mqtt.publish import Publish, make_publish
from runtime.mqtt.subscribe_packets import Subscription
from runtime.mqtt.wire import Cursor

_VERSION: Final = 1
_LAZY_MAX: Final = 1_000
"""Changes that may wait for the next transaction before they get one of their own."""

_TABLES: Final = (
    """
    CREATE TABLE IF NOT EXISTS session (
        client_id TEXT PRIMARY KEY,
        number INTEGER NOT NULL,
        expiry_s INTEGER NOT NULL DEFAULT 0,
        ends_ns INTEGER,
        will_topic BLOB,
        will_qos INTEGER,
        will_retain INTEGER,
        will_tail BLOB,
        will_delay_s INTEGER NOT NULL DEFAULT 0,
        will_due_ns INTEGER
    ) STRICT
    """,
    """
    CREATE TABLE IF NOT EXISTS subscription (
        client_id TEXT NOT NULL,
        topic_filter TEXT NOT NULL,
        number INTEGER NOT NULL,
        qos INTEGER NOT NULL,
        no_local INTEGER NOT NULL,
        retain_as_published INTEGER NOT NULL,
        retain_handling INTEGER NOT NULL,
        identifier INTEGER NOT NULL,
        PRIMARY KEY (client_id, topic_filter)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS message (
        row INTEGER PRIMARY KEY,
        client_id TEXT NOT NULL,
        topic BLOB NOT NULL,
        qos INTEGER NOT NULL,
        retain INTEGER NOT NULL,
        tail BLOB NOT NULL,
        expires_ns INTEGER NOT NULL,
        group_key TEXT NOT NULL,
        packet_id INTEGER NOT NULL,
        sent_number INTEGER NOT NULL,
        is_released INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX IF NOT EXISTS message_of ON message (client_id)",
    """
    CREATE TABLE IF NOT EXISTS incoming (
        client_id TEXT NOT NULL,
        packet_id INTEGER NOT NULL,
        PRIMARY KEY (client_id, packet_id)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS retained (
        topic BLOB PRIMARY KEY,
        number INTEGER NOT NULL,
        qos INTEGER NOT NULL,
        tail BLOB NOT NULL,
        expires_ns INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)

_ATTACH = """
    UPDATE session SET expiry_s = ?, ends_ns = NULL, will_topic = ?, will_qos = ?, will_retain = ?,
        will_tail = ?, will_delay_s = ?, will_due_ns = NULL
    WHERE client_id = ?
"""
_DETACH = """
    UPDATE session SET ends_ns = ?, will_due_ns = ?, will_topic = iif(? IS NULL, NULL, will_topic)
    WHERE client_id = ?
"""
_SESSIONS = """
    SELECT client_id, expiry_s, ends_ns, will_topic, will_qos, will_retain, will_tail, will_delay_s,
        will_due_ns
    FROM session ORDER BY number
"""
_SUBSCRIPTIONS = """
    SELECT topic_filter, qos, no_local, retain_as_published, retain_handling, identifier
    FROM subscription WHERE client_id = ? ORDER BY number
"""
_MESSAGES = """
    SELECT row, packet_id, is_released, group_key, topic, qos, retain, tail, expires_ns
    FROM message WHERE client_id = ? ORDER BY sent_number, row
"""
_INCOMING = "SELECT packet_id FROM incoming WHERE client_id = ? ORDER BY packet_id"
_RETAINED = "SELECT topic, qos, 1, tail, expires_ns FROM retained ORDER BY number"
_INSERT = "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_PACKET_ID, _SENT_NUMBER = 8, 9
"""Where a row that is still to be inserted has them."""

Change = tuple[str, tuple[object, ...]]


class SqliteLedger:
    """Implements `Ledger` on `connection`, which is in autocommit mode and belongs to it from now on.

    `epoch_ns` is the world's time at instant 0 of the broker's clock: instants are stored in the world's
    time, since that clock begins anew with every start.
    Raises LedgerError when the database is of another version or none.
    """

    __slots__ = ("_changes", "_connection", "_epoch_ns", "_inserts", "_is_urgent", "_number", "_row", "_sent")

    def __init__(self, connection: sqlite3.Connection, epoch_ns: int = 0) -> None:
        self._connection = connection
        self._epoch_ns = epoch_ns
        self._inserts: dict[int, list[object]] = {}
        self._changes: list[Change] = []
        self._is_urgent = False
        try:
            self._prepare()
            self._row = self._highest("SELECT max(row) FROM message")
            self._sent = self._highest("SELECT max(sent_number) FROM message")
            self._number = max(
                self._highest(f"SELECT max(number) FROM {table}")
                for table in ("session", "subscription", "retained")
            )
        except sqlite3.Error as error:
            raise LedgerError(f"the broker's database cannot be used: {error}") from error

    def close(self) -> None:
        """Write what waits, and close the database."""
        self._is_urgent = True
        self.commit()
        self._connection.close()

    # What was kept

    def sessions(self) -> list[KeptSession]:
        """All sessions, in the order in which they began."""
        return [self._session(fields) for fields in self._all(_SESSIONS)]

    def retained(self) -> list[Publish]:
        """All retained messages, in the order in which they came."""
        return [self._revive(*fields) for fields in self._all(_RETAINED)]

    # What changes

    def begin(self, client_id: str) -> None:
        """A session begins."""
        self._change("INSERT INTO session (client_id, number) VALUES (?, ?)", client_id, self._next())

    def attach(self, client_id: str, expiry_s: int, will: Publish | None, will_delay_s: int) -> None:
        """Its client is connected."""
        fields: tuple[object, ...] = (None,) * 4
        if will is not None:
            fields = will.topic, will.qos, int(will.retain), will.tail
        self._change(_ATTACH, expiry_s, *fields, will_delay_s, client_id)

    def detach(self, client_id: str, ends_ns: int | None, will_due_ns: int | None) -> None:
        """Its client is gone; without a due time it has no will any more."""
        will_due_ns = self._kept_ns(will_due_ns)
        self._change(_DETACH, self._kept_ns(ends_ns), will_due_ns, will_due_ns, client_id)

    def end(self, client_id: str) -> None:
        """The session ends, and all that was kept for it."""
        self._flush_inserts()
        for table in ("session", "subscription", "message", "incoming"):
            self._change(f"DELETE FROM {table} WHERE client_id = ?", client_id)

    def subscribe(self, client_id: str, subscription: Subscription, identifier: int) -> None:
        """A subscription was made or replaced."""
        topic_filter, qos, no_local, retain_as_published, retain_handling = subscription
        options = (qos, int(no_local), int(retain_as_published), retain_handling, identifier)
        self._change(
            "REPLACE INTO subscription VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            client_id,
            topic_filter,
            self._next(),
            *options,
        )

    def unsubscribe(self, client_id: str, topic_filter: str) -> None:
        """A subscription was removed."""
        self._change(
            "DELETE FROM subscription WHERE client_id = ? AND topic_filter = ?", client_id, topic_filter
        )

    def retain(self, message: Publish) -> None:
        """The retained message of its topic; one without payload clears it."""
        if message.payload:
            row = (message.topic, self._next(), message.qos, message.tail, self._expires_ns(message))
            self._change("REPLACE INTO retained VALUES (?, ?, ?, ?, ?)", *row)
        else:
            self._change("DELETE FROM retained WHERE topic = ?", message.topic)

    def keep(self, client_id: str, message: Publish) -> OwnedPublish:
        """A message waits for `client_id`."""
        owned = message.copy_to(OwnedPublish(), message.qos, message.retain)
        if isinstance(message, OwnedPublish):
            owned.group_key = message.group_key
        self._row += 1
        owned.row = self._row
        self._inserts[owned.row] = [
            owned.row,
            client_id,
            owned.topic,
            owned.qos,
            int(owned.retain),
            owned.tail,
            self._expires_ns(owned),
            owned.group_key,
            0,
            0,
            0,
        ]
        self._is_urgent = True
        return owned

    def sent(self, row: int, packet_id: int, qos: int) -> None:
        """It goes out under this identifier: at QoS 2 for good, at QoS 1 as long as the broker lives."""
        self._sent += 1
        insert = self._inserts.get(row)
        if insert is not None:
            insert[_PACKET_ID], insert[_SENT_NUMBER] = packet_id, self._sent
            return
        self._changes.append(
            ("UPDATE message SET packet_id = ?, sent_number = ? WHERE row = ?", (packet_id, self._sent, row))
        )
        self._is_urgent = self._is_urgent or qos == 2

    def released(self, row: int) -> None:
        """PUBREC has come for it."""
        if row in self._inserts:
            self._flush_inserts()
        self._change("UPDATE message SET is_released = 1, tail = x'00' WHERE row = ?", row)

    def done(self, row: int) -> None:
        """It need not be kept any more."""
        if self._inserts.pop(row, None) is None:
            self._changes.append(("DELETE FROM message WHERE row = ?", (row,)))

    def incoming(self, client_id: str, packet_id: int, *, is_open: bool) -> None:
        """The client has sent a QoS 2 message under this identifier, or has let go of it."""
        if is_open:
            self._change("INSERT OR IGNORE INTO incoming VALUES (?, ?)", client_id, packet_id)
        else:
            self._change("DELETE FROM incoming WHERE client_id = ? AND packet_id = ?", client_id, packet_id)

    def commit(self) -> None:
        """Make all that has changed since the last commit survive, but for what may wait.

        Raises LedgerError when the disk takes it not; it is tried again with the next commit.
        """
        if not self._is_urgent and len(self._changes) < _LAZY_MAX:
            return
        execute = self._connection.execute
        try:
            execute("BEGIN IMMEDIATE")
            try:
                for statement, values in self._changes:
                    execute(statement, values)
                if self._inserts:
                    self._connection.executemany(_INSERT, self._inserts.values())
                execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise LedgerError(f"the broker's database takes no changes: {error}") from error
        self._changes.clear()
        self._inserts.clear()
        self._is_urgent = False

    # Inside

    def _prepare(self) -> None:
        [version] = self._connection.execute("PRAGMA user_version").fetchone()
        if version not in (0, _VERSION):
            raise LedgerError(
                f"the broker's database is of version {version}, this broker writes version {_VERSION}: "
                "give it another folder"
            )
        for statement in _TABLES:
            self._connection.execute(statement)
        self._connection.execute(f"PRAGMA user_version = {_VERSION}")

    def _highest(self, statement: str) -> int:
        highest: int | None = self._connection.execute(statement).fetchone()[0]
        return highest or 0

    def _all(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise LedgerError(f"the broker's database cannot be read: {error}") from error

    def _session(self, fields: tuple[Any, ...]) -> KeptSession:
        client_id, expiry_s, ends_ns, topic, qos, retain, tail, will_delay_s, will_due_ns = fields
        queue: list[Publish] = []
        sent: dict[int, Publish | Release] = {}
        for row, packet_id, is_released, group_key, *message in self._all(_MESSAGES, client_id):
            owned = self._revive(*message).copy_to(OwnedPublish(), message[1], bool(message[2]))
            owned.row = row
            owned.group_key = group_key
            if not packet_id:
                queue.append(owned)
            else:
                sent[packet_id] = Release(row) if is_released else owned
        subscriptions = [
            (Subscription(wanted, qos_max, bool(no_local), bool(as_published), handling), identifier)
            for wanted, qos_max, no_local, as_published, handling, identifier in self._all(
                _SUBSCRIPTIONS, client_id
            )
        ]
        incoming = [packet_id for (packet_id,) in self._all(_INCOMING, client_id)]
        return KeptSession(
            client_id,
            expiry_s,
            self._told_ns(ends_ns),
            None if topic is None else self._revive(topic, qos, retain, tail, 0),
            will_delay_s,
            self._told_ns(will_due_ns),
            subscriptions,
            queue,
            sent,
            incoming,
        )

    def _revive(self, topic: bytes, qos: int, retain: int, tail: bytes, expires_ns: int) -> Publish:
        cursor = Cursor(tail)
        at = cursor.varint() + cursor.at
        message = make_publish(topic.decode(), tail[at:], qos=qos, retain=bool(retain), properties=tail[:at])
        message.expires_ns = expires_ns - self._epoch_ns if expires_ns else 0
        return message

    def _expires_ns(self, message: Publish) -> int:
        return message.expires_ns + self._epoch_ns if message.expiry_at else 0

    def _kept_ns(self, instant_ns: int | None) -> int | None:
        return None if instant_ns is None else instant_ns + self._epoch_ns

    def _told_ns(self, instant_ns: int | None) -> int | None:
        return None if instant_ns is None else instant_ns - self._epoch_ns

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _change(self, statement: str, *values: object) -> None:
        self._changes.append((statement, values))
        self._is_urgent = True

    def _flush_inserts(self) -> None:
        self._changes += [(_INSERT, tuple(values)) for values in self._inserts.values()]
        self._inserts.clear()
