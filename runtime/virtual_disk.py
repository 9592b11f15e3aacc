"""A disk of the universe: in memory, outlives the programs that use it, knows kills and power cuts."""

import sqlite3
from itertools import count
from typing import Literal

from runtime.errors import DiskError

_SERIAL = count(1)
"""SQLite's shared in-memory databases have names known to the whole process; no two disks share one."""

_NOT_REPEATABLE = (
    "current_date",
    "current_time",
    "current_timestamp",
    "date",
    "datetime",
    "julianday",
    "random",
    "randomblob",
    "strftime",
    "time",
    "unixepoch",
)
"""SQL functions that read the computer's clock or its chance."""


def _refuse(*_: object) -> None:
    raise DiskError("this SQL function reads the real clock or real chance; pass the value as a parameter")


class _Connection(sqlite3.Connection):
    """A connection that tells its database when its program closes it."""

    database: "_Database | None" = None

    def close(self) -> None:
        """Roll back what is open and leave; whoever uses it again gets sqlite3.ProgrammingError."""
        super().close()
        database, self.database = self.database, None
        if database is not None:
            database.left(self)


class _Database:
    """One database: an anchor that keeps it in memory, and the connections of living programs."""

    __slots__ = ("_anchor", "_connections", "_lazy", "_synced", "_uri")

    def __init__(self) -> None:
        self._open()
        self._connections: list[_Connection] = []
        self._lazy = False
        self._synced: bytes | None = None

    def _open(self) -> None:
        # SQLite's memdb file system (3.36) shares a database whose name begins with a slash between
        # connections, with the locks of a file and without the partial isolation of a shared cache.
        self._uri = f"file:/headunit-{next(_SERIAL)}?vfs=memdb"
        self._anchor = sqlite3.connect(self._uri, uri=True, isolation_level=None, timeout=0)

    def connect(self, lazy: bool) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._uri, uri=True, isolation_level=None, factory=_Connection, check_same_thread=False
        )
        # Nobody else can move on while this thread waits for a lock, so that waiting would be for ever.
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("PRAGMA foreign_keys = ON")
        for function in _NOT_REPEATABLE:
            connection.create_function(function, -1, _refuse)
        connection.database = self
        self._connections.append(connection)
        if lazy and not self._lazy:
            self._lazy = True
            self.sync()
        return connection

    def left(self, connection: _Connection) -> None:
        self._connections.remove(connection)
        if not self._connections:
            # SQLite checkpoints when the last connection closes orderly.
            self.sync()

    def kill(self) -> None:
        connections, self._connections = self._connections, []
        for connection in connections:
            connection.database = None
            connection.rollback()
            connection.close()
        if connections:
            self._drop_locks()

    def _drop_locks(self) -> None:
        """A cursor that a dead program was reading keeps its lock as long as it is referenced: move away."""
        try:
            self._anchor.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            image = self.image()
            self._anchor.close()
            self._open()
            self.load(image)
        else:
            self._anchor.execute("ROLLBACK")

    def power_cut(self) -> None:
        self.kill()
        if self._synced is not None:
            self.load(self._synced)
        self._lazy = False
        self._synced = None

    def sync(self) -> None:
        if self._lazy:
            self._synced = self.image()

    def image(self) -> bytes:
        (pages,) = self._anchor.execute("PRAGMA page_count").fetchone()
        return self._anchor.serialize() if pages else b""

    def load(self, image: bytes) -> None:
        with_image = sqlite3.connect(":memory:")
        try:
            if image:
                with_image.deserialize(image)
            with_image.backup(self._anchor)
        finally:
            with_image.close()

    def close(self) -> None:
        self.kill()
        self._anchor.close()


class VirtualDisk:
    """Databases in memory that belong to the universe, not to the programs that use them.

    What is committed is seen by the next incarnation. SQL functions that read the real clock or real
    chance raise sqlite3.OperationalError. Two connections lock each other out as on a file, but nobody
    waits for a lock: `database is locked` comes at once.
    """

    __slots__ = ("_databases",)

    def __init__(self) -> None:
        self._databases: dict[str, _Database] = {}

    def connect(self, name: str, synchronous: Literal["FULL", "NORMAL"] = "FULL") -> sqlite3.Connection:
        """The database `name`: autocommit mode, foreign keys on.

        With FULL every commit is synced; with NORMAL only `sync` and the orderly close of the last
        connection sync, the worst that SQLite's WAL allows. NORMAL holds until the next power cut.
        """
        return self._database(name).connect(synchronous == "NORMAL")

    def kill(self, name: str) -> None:
        """The program that uses `name` is killed: what is not committed is rolled back.

        Its connections raise sqlite3.ProgrammingError from now on.
        """
        self._database(name).kill()

    def kill_all(self) -> None:
        """Every program of this disk is killed."""
        for database in self._databases.values():
            database.kill()

    def power_cut(self, name: str | None = None) -> None:
        """Whoever uses `name` is killed, and it returns to what was last synced; None cuts all databases."""
        for database in tuple(self._databases.values()) if name is None else (self._database(name),):
            database.power_cut()

    def sync(self, name: str) -> None:
        """What `name` has committed survives a power cut (a checkpoint)."""
        self._database(name).sync()

    def image(self, name: str) -> bytes:
        """The committed content of `name` as a database file; empty for a new database.

        Raises sqlite3.OperationalError while a transaction is open.
        """
        return self._database(name).image()

    def load(self, name: str, image: bytes) -> None:
        """Put `image` in place of whatever `name` held; only while nobody is connected.

        Raises DiskError when `image` is no database.
        """
        try:
            self._database(name).load(image)
        except sqlite3.Error as error:
            raise DiskError(f"the image for {name!r} cannot be loaded: {error}") from error

    def close(self) -> None:
        """The universe ends: connections are closed and all data are gone."""
        databases, self._databases = self._databases, {}
        for database in databases.values():
            database.close()

    def _database(self, name: str) -> _Database:
        database = self._databases.get(name)
        if database is None:
            database = self._databases[name] = _Database()
        return database
