"""Sparse driving: a day of one car with 5 orders and 4 outages an hour; nothing lost, nothing twice.

All of the transport is at work: outbox and inbox in SQLite, delivery, paho, link model, broker.
"""

import asyncio
import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from time import process_time

from contracts.link import LinkConditions
from runtime.bench_clock import BenchClock
from runtime.link_driver import LinkDriver
from runtime.mqtt.broker.core import Broker
from runtime.mqtt.broker.server import BrokerServer
from runtime.mqtt.delivery import Delivery
from runtime.mqtt.paho_port import PahoPort
from runtime.mqtt.port import IncomingMessage, MqttConfig, OutgoingMessage
from runtime.mqtt.sqlite_outbox import SqliteInbox, SqliteOutbox, create_tables
from runtime.ports import Network
from runtime.virtual_loop import VirtualLoop
from runtime.virtual_network import VirtualNetwork
from telematics.link.model import BottleneckLink

PORT = 1883
START_MS = 1_700_000_000_000
ORDERS_PER_H = 5.0
OUTAGES_PER_H = 4.0
SETTLE_S = 1200.0
UP = LinkConditions(delay_up_ms=100, delay_down_ms=100)
DOWN = LinkConditions(up=False, delay_up_ms=100, delay_down_ms=100)
CAR_TOPIC = "v1/vehicles/V1/down/booked"
BACKEND_TOPIC = "v1/vehicles/V1/up/place_order"


@dataclass(frozen=True)
class Outcome:
    """What one universe has come to."""

    orders: int
    faults: tuple[str, ...]
    digest: str


class _Program:
    """A program with a database, a delivery and a port; `log` digests what happens, when."""

    def __init__(
        self, name: str, keepalive_s: int, subscription: str, network: Network, seed: int, log: "_Log"
    ) -> None:
        self.database = sqlite3.connect(":memory:", isolation_level=None)
        create_tables(self.database)
        self.outbox = SqliteOutbox(self.database)
        self.inbox = SqliteInbox(self.database)
        self.log = log
        clock = BenchClock(START_MS)
        self._clock = clock
        self.delivery = Delivery(self.outbox, clock, self.handle)
        config = MqttConfig("broker", PORT, name, (subscription,), keepalive_s=keepalive_s)
        self.port = PahoPort(config, self.delivery, network, Random(f"{seed}:{name}:back-off"))
        self.delivery.use(self.port)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.database.execute("ROLLBACK")
            raise
        self.database.execute("COMMIT")

    def handle(self, message: IncomingMessage) -> None:
        with self.transaction():
            if not self.inbox.first_time(message.key, self._clock.now_ms()):
                return
            self.take(message)

    def take(self, message: IncomingMessage) -> None:
        raise NotImplementedError


class _Car(_Program):
    """Places orders and notes which were booked."""

    def __init__(self, network: Network, seed: int, log: "_Log") -> None:
        super().__init__("car", 30, CAR_TOPIC, network, seed, log)
        self.open: dict[str, bool] = {}
        self.booked: list[str] = []

    def order(self, key: str) -> None:
        self.open[key] = True
        self.log.note("order", key)
        with self.transaction():
            self.outbox.add(OutgoingMessage(BACKEND_TOPIC, key.encode(), key))
        self.delivery.wake()

    def take(self, message: IncomingMessage) -> None:
        key = message.payload.decode()
        if self.open.pop(key, False):
            self.booked.append(key)
            self.log.note("booked", key)


class _Backend(_Program):
    """Charges each order once and says so."""

    def __init__(self, network: Network, seed: int, log: "_Log") -> None:
        super().__init__("backend", 60, BACKEND_TOPIC, network, seed, log)
        self.charged: list[str] = []

    def take(self, message: IncomingMessage) -> None:
        key = message.payload.decode()
        self.charged.append(key)
        self.log.note("charged", key)
        self.outbox.add(OutgoingMessage(CAR_TOPIC, message.payload, f"booked-{key}"))
        self.delivery.wake()


class _Log:
    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._digest = hashlib.sha256()

    def note(self, *words: str) -> None:
        self._digest.update(f"{self._loop.time_ns()} {' '.join(words)}\n".encode())

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def _plan_outages(loop: VirtualLoop, driver: LinkDriver, stream: Random, seconds: float) -> None:
    at_s = loop.time()
    end_s = at_s + seconds
    while True:
        at_s += stream.expovariate(OUTAGES_PER_H / 3600)
        if at_s >= end_s:
            return
        loop.call_at(at_s, driver.set_conditions, DOWN)
        at_s += stream.uniform(10, 400)
        loop.call_at(at_s, driver.set_conditions, UP)


async def _live(loop: VirtualLoop, seed: int, hours: float) -> Outcome:
    world = VirtualNetwork(loop)
    link = BottleneckLink(None, UP)
    server = BrokerServer(Broker(), world.host("broker"))
    await server.listen("broker", PORT)
    log = _Log(loop)
    backend = _Backend(world.host("backend", delay_ms=0.5), seed, log)
    car = _Car(world.host("car", link=link), seed, log)
    tasks = [loop.create_task(program.port.run()) for program in (backend, car)]
    _plan_outages(loop, world.driver(link), Random(f"{seed}:outages"), hours * 3600)
    stream = Random(f"{seed}:orders")
    end_s = loop.time() + hours * 3600
    at_s = loop.time()
    while (at_s := at_s + stream.expovariate(ORDERS_PER_H / 3600)) < end_s:
        await asyncio.sleep(at_s - loop.time())
        car.order(f"{stream.getrandbits(128):032x}")
    await asyncio.sleep(end_s + SETTLE_S - loop.time())
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    faults = []
    if car.open:
        faults.append(f"{len(car.open)} orders lost")
    if len(backend.charged) != len(dict.fromkeys(backend.charged)):
        faults.append("charged twice")
    if sorted(backend.charged) != sorted(car.booked):
        faults.append("car and backend differ")
    for program in (backend, car):
        program.database.close()
    return Outcome(len(backend.charged), tuple(faults), log.hexdigest())


def universe(seed: int, hours: float) -> Outcome:
    """One car and its backend for `hours`, then a healed road until all is settled."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(_live(loop, seed, hours))
    finally:
        loop.close()


def car_hours_rate(seeds: range, hours: float) -> float:
    """Car-hours per CPU second over `seeds`. Raises AssertionError naming the seed that found a fault."""
    begun = process_time()
    for seed in seeds:
        outcome = universe(seed, hours)
        assert not outcome.faults, f"seed {seed}: {', '.join(outcome.faults)}"
    return len(seeds) * hours / (process_time() - begun)
