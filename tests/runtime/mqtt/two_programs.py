"""A car and a backend with outboxes and inboxes at a broker of ours; the car's road is bad."""

import asyncio
import sqlite3
from contextlib import suppress
from random import Random

from runtime.bench_clock import BenchClock
from runtime.mqtt.broker.core import Broker
from runtime.mqtt.broker.server import BrokerServer
from runtime.mqtt.delivery import Delivery
from runtime.mqtt.paho_port import PahoPort
from runtime.mqtt.port import IncomingMessage, MqttConfig, OutgoingMessage
from runtime.mqtt.sqlite_outbox import SqliteInbox, SqliteOutbox, create_tables
from runtime.ports import Network
from tests.runtime.mqtt.bad_road import BadRoad
from tests.runtime.mqtt.port_rigs import Rig

NEVER_S = 3600.0
"""In virtual time a story that hangs ends after this; on sockets its rig ends it."""


class Program:
    """Sends numbered messages to `out`, and takes what comes on `into` once each."""

    def __init__(self, name: str, into: str, out: str) -> None:
        self.database = sqlite3.connect(":memory:", isolation_level=None)
        create_tables(self.database)
        self.outbox = SqliteOutbox(self.database)
        self._inbox = SqliteInbox(self.database)
        self._name = name
        self._into = into
        self._out = out
        self._sent = 0
        self._changed = asyncio.Event()
        self.taken: list[bytes] = []
        self.arrivals = 0
        self.sessions: list[bool] = []
        self.most_in_flight = 0
        self.delivery = Delivery(
            self.outbox,
            BenchClock(0),
            self._take,
            on_change=self._noted,
            on_session=self._session,
        )

    def start(self, network: Network, host: str, port: int, **settings: object) -> None:
        """Connect, and stay connected."""
        settings = {"back_off_min_s": 0.01, **settings}
        config = MqttConfig(host, port, self._name, (self._into,), **settings)  # type: ignore[arg-type]
        self.port = PahoPort(config, self.delivery, network, Random(self._name))
        self.delivery.use(self.port)
        self._running = asyncio.ensure_future(self.port.run())

    async def end(self) -> None:
        """End the program."""
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running
        self.database.close()

    def send(self, count: int, size: int = 4) -> None:
        """Commit `count` messages of at least `size` bytes more."""
        self.database.execute("BEGIN IMMEDIATE")
        for _ in range(count):
            payload = b"%04d" % self._sent
            self.outbox.add(
                OutgoingMessage(self._out, payload.ljust(size, b"."), f"{self._name}-{self._sent}")
            )
            self._sent += 1
        self.database.execute("COMMIT")
        self.delivery.wake()

    async def until_up(self, times: int = 1) -> None:
        """Wait for the session, the `times`th one."""
        while self.sessions.count(True) < times:
            await self._change()

    async def until_sent(self) -> None:
        """Wait until the broker has acknowledged everything."""
        while self.delivery.depth:
            await self._change()

    async def until_published(self) -> None:
        """Wait until something is under way."""
        while not self.delivery.in_flight:
            await self._change()

    async def until_taken(self, count: int) -> None:
        """Wait until `count` messages have taken effect."""
        while len(self.taken) < count:
            await self._change()

    async def _change(self) -> None:
        self._changed.clear()
        async with asyncio.timeout(NEVER_S):
            await self._changed.wait()

    def _noted(self) -> None:
        self.most_in_flight = max(self.most_in_flight, self.delivery.in_flight)
        self._changed.set()

    def _session(self, is_up: bool) -> None:
        self.sessions.append(is_up)
        self._changed.set()

    def _take(self, message: IncomingMessage) -> None:
        self.arrivals += 1
        if self._inbox.first_time(message.key, 0):
            self.taken.append(message.payload)
        self._changed.set()


class TwoPrograms:
    """The car reaches the broker by `road`, the backend directly."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.car = Program("car", "down", "up")
        self.backend = Program("backend", "up", "down")

    async def begin(self, **settings: object) -> None:
        """Everything runs and the car's session waits for its program; `settings` are its `MqttConfig`."""
        rig = self._rig
        self._settings = settings
        self.server = BrokerServer(Broker(), rig.peer)
        await self.server.listen(rig.host)
        self.road = BadRoad(rig.peer, rig.host, self.server.port)
        await self.road.listen()
        self.backend.start(rig.peer, rig.host, self.server.port)
        await self.backend.until_up()
        former = Program("car", "down", "nobody")
        former.start(rig.peer, rig.host, self.server.port)
        former.send(1)
        await former.until_sent()  # the broker takes packets in order: SUBSCRIBE came before
        await former.end()

    def start_car(self) -> None:
        """The car's program begins."""
        self.car.start(self._rig.car, self._rig.host, self.road.port, **self._settings)

    async def end(self) -> None:
        """Everything ends."""
        await self.car.end()
        await self.backend.end()
        self.road.close()
        self.server.close()


def numbers(count: int, size: int = 4) -> list[bytes]:
    """The payloads of `count` messages."""
    return [(b"%04d" % number).ljust(size, b".") for number in range(count)]
