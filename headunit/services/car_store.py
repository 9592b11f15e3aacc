"""What the car keeps across a restart: newest snapshot and catalogue, basket, and the request on its way.

One plain SQLite database holds this beside outbox and inbox, so that a change and the message it causes
commit together.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import msgspec

from contracts.messages import Catalogue, Line, Snapshot
from runtime.mqtt.sqlite_outbox import forget_messages

T = TypeVar("T")


class Basket(msgspec.Struct, frozen=True):
    """What the driver has collected, and the number the payment link shall go to ("" = the contract's)."""

    lines: tuple[Line, ...] = ()
    number: str = ""


class SentRequest(msgspec.Struct, frozen=True):
    """A request whose answer is awaited: it takes effect before `expires_at_ms` or never.

    `payload` is the message as it was sent, to be sent again as it is.
    """

    key: str
    kind: str
    since_ms: int
    expires_at_ms: int
    client_order_id: str = ""
    traceparent: str = ""
    payload: bytes = b""


_CREATE = "CREATE TABLE IF NOT EXISTS car_state (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT"


def impersonal(snapshot: Snapshot, locked_until_ms: int | None) -> Snapshot:
    """A snapshot without orders, number and code; `locked_until_ms` holds on though its order is gone."""
    return msgspec.structs.replace(
        snapshot, orders=(), contract_number="", link_code="", locked_until_ms=locked_until_ms
    )


class CarStore:
    """Typed values over one table."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten, too
        connection.execute(_CREATE)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside commits together, or not at all."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def catalogue(self) -> Catalogue | None:
        """The newest catalogue, if there ever was one."""
        return self._read("catalogue", Catalogue)

    def snapshot(self) -> Snapshot | None:
        """The snapshot with the highest revision, if there ever was one."""
        return self._read("snapshot", Snapshot)

    def last_sync_ms(self) -> int | None:
        """When the backend last spoke, in bench time."""
        return self._read("last_sync_ms", int)

    def basket(self) -> Basket:
        """The basket, empty at first."""
        return self._read("basket", Basket) or Basket()

    def sent_request(self) -> SentRequest | None:
        """The request on its way, if there is one."""
        return self._read("sent_request", SentRequest)

    def keep(self, name: str, value: msgspec.Struct | int | None) -> None:
        """Write one value, inside the transaction that is open; None forgets it."""
        if value is None:
            self.connection.execute("DELETE FROM car_state WHERE name = ?", (name,))
        else:
            self.connection.execute(
                "INSERT INTO car_state VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, msgspec.json.encode(value)),
            )

    def erase_personal_data(self, locked_until_ms: int | None) -> None:
        """Erase what is the driver's own, all of it or nothing (R-715).

        What stays: booked services, so that the car goes on knowing and enforcing them offline (R-406), with
        the revision that keeps older news out; a cancellation lock that ends at `locked_until_ms` (R-209);
        when the backend last spoke.
        """
        snapshot = self.snapshot()
        with self.transaction():
            forget_messages(self.connection)
            self.connection.execute("DELETE FROM car_state WHERE name NOT IN ('snapshot', 'last_sync_ms')")
            if snapshot is not None:
                self.keep("snapshot", impersonal(snapshot, locked_until_ms))
        # The log that SQLite writes ahead holds former pages until they are back in the database.
        # Failing that, they go with the next checkpoint; what is erased stays erased.
        with suppress(sqlite3.Error):
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _read(self, name: str, of_type: type[T]) -> T | None:
        row = self.connection.execute("SELECT value FROM car_state WHERE name = ?", (name,)).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=of_type)
