"""A delivery with its database and a port whose broker is the test, in virtual time."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from typing import Any

from runtime.bench_clock import BenchClock
from runtime.errors import NotConnectedError
from runtime.mqtt.delivery import Delivery
from runtime.mqtt.outbox import OutboxEntry
from runtime.mqtt.port import IncomingMessage, OutgoingMessage
from runtime.mqtt.sqlite_outbox import SqliteOutbox, create_tables
from runtime.virtual_loop import VirtualLoop

START_MS = 1_700_000_000_000


class FakePort:
    """An MQTT port whose broker is the test: it keeps what was published and acknowledges when told to."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self.is_connected = False
        self.breaks_after: int | None = None
        self.sent: list[tuple[int, OutgoingMessage]] = []
        self._packet_id = 0

    def publish(self, message: OutgoingMessage) -> int:
        if self.breaks_after is not None:
            self.breaks_after -= 1
            if self.breaks_after < 0:
                self.is_connected = False
        if not self.is_connected:
            raise NotConnectedError
        self._packet_id += 1
        self.sent.append((self._packet_id, message))
        return self._packet_id

    async def run(self) -> None:
        """The test plays the broker."""

    def stop(self) -> None:
        """Nothing runs."""

    def reset_back_off(self) -> None:
        """Nothing waits."""

    def up(self, receive_maximum: int = 65_535) -> None:
        self.is_connected = True
        self.sent.clear()
        self._delivery.connected(True, receive_maximum)

    def down(self) -> None:
        self.is_connected = False
        self._delivery.disconnected("test")

    def acknowledge(self, key: str, reason_code: int = 0) -> None:
        for packet_id, message in self.sent:
            if message.key == key:
                self._delivery.acknowledged(packet_id, reason_code)

    def keys(self) -> list[str]:
        return [message.key for _, message in self.sent]


class World:
    """A program with a database, a delivery and a fake port, in virtual time."""

    def __init__(self, *, window: int = 20) -> None:
        self.loop = VirtualLoop()
        self.clock = BenchClock(START_MS, loop=self.loop)
        self.database = sqlite3.connect(":memory:", isolation_level=None)
        create_tables(self.database)
        self.outbox = SqliteOutbox(self.database)
        self.handled: list[IncomingMessage] = []
        self.handler: Callable[[IncomingMessage], None] = self.handled.append
        self.expired: list[OutboxEntry] = []
        self.refused: list[tuple[str, int]] = []
        self.packets: list[tuple[str, str, str, int]] = []
        self.depths: list[int] = []
        self.sessions: list[bool] = []
        self.troubles: list[tuple[str, bool]] = []
        self.delivery = Delivery(
            self.outbox,
            self.clock,
            lambda message: self.handler(message),
            window=window,
            on_change=lambda: self.depths.append(self.outbox.depth()),
            on_packet=lambda way, kind, key, size: self.packets.append((way, kind, key, size)),
            on_expired=self.expired.append,
            on_refused=lambda entry, reason_code: self.refused.append((entry.message.key, reason_code)),
            on_session=self.sessions.append,
            on_trouble=lambda reason, refused: self.troubles.append((reason, refused)),
        )
        self.port = FakePort(self.delivery)
        self.delivery.use(self.port)

    def add(self, *keys: str, lives_ms: int | None = None) -> None:
        """Commit messages with `keys` and wake the delivery."""
        expires_at_ms = None if lives_ms is None else self.clock.now_ms() + lives_ms
        self.database.execute("BEGIN IMMEDIATE")
        for key in keys:
            self.outbox.add(OutgoingMessage("v1/vehicles/V1/up/status", b"{}", key), expires_at_ms)
        self.database.execute("COMMIT")
        self.delivery.wake()

    def waiting(self) -> list[str]:
        return [entry.message.key for entry in self.outbox.pending(0, 1000)]

    def run(self, story: Coroutine[Any, Any, None]) -> None:
        try:
            self.loop.run_until_complete(story)
        finally:
            self.loop.close()
            self.database.close()


async def a_turn() -> None:
    """Let everything that is due run; a microsecond passes."""
    await asyncio.sleep(1e-6)


def incoming(acknowledge: Callable[[], None]) -> IncomingMessage:
    return IncomingMessage(
        "v1/vehicles/V1/down/placed", b"{...}", "k", "", None, "", b"", False, False, acknowledge
    )
