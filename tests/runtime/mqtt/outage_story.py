"""600 messages through a 300 s outage while the car's program is killed again and again; in virtual time.

`python -m tests.runtime.mqtt.outage_story` prints what came of it, as JSON.
"""

import asyncio
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from random import Random

from contracts.link import LinkConditions
from runtime.bench_clock import BenchClock
from runtime.mqtt.broker.core import Broker
from runtime.mqtt.broker.server import BrokerServer
from runtime.mqtt.delivery import Delivery
from runtime.mqtt.paho_port import PahoPort
from runtime.mqtt.port import IncomingMessage, MqttConfig, OutgoingMessage
from runtime.mqtt.sqlite_outbox import SqliteInbox, SqliteOutbox, create_tables
from runtime.virtual_disk import VirtualDisk
from runtime.virtual_loop import VirtualLoop
from runtime.virtual_network import VirtualNetwork
from telematics.link.model import BottleneckLink

MESSAGES = 600
PORT = 1883
START_MS = 1_700_000_000_000
TOPIC = "v1/vehicles/V1/up/status"
UP = LinkConditions(delay_up_ms=100, delay_down_ms=100, rate_up_bps=64_000, rate_down_bps=64_000)
DOWN = LinkConditions(up=False, delay_up_ms=100, delay_down_ms=100)
OUTAGE_S = (100.0, 400.0)
KILLS = ("car", 50.1), ("backend", 80.05), ("car", 150.0), ("car", 395.0), ("car", 412.35), ("backend", 430.2)


@dataclass
class Outcome:
    """What has come of it: numbers in order of their first effect, and every arrival on the wire."""

    taken: list[int]
    repeated: int
    waiting: int
    digest: str


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Commit at the end of the block, roll back when it raises."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


class Universe:
    """Car, backend and broker; programs die and come back, disks and broker stay."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.disk = VirtualDisk()
        self.world = VirtualNetwork(self.loop)
        self.link = BottleneckLink(None, UP)
        self.hosts = {
            "car": self.world.host("car", link=self.link),
            "backend": self.world.host("backend", delay_ms=1),
        }
        self.lives = {"car": 0, "backend": 0}
        self.repeated = 0
        self._digest = hashlib.sha256()

    def note(self, *words: object) -> None:
        """Make what happens now part of the digest."""
        self._digest.update(f"{self.loop.time_ns()} {words}\n".encode())

    def hexdigest(self) -> str:
        return self._digest.hexdigest()

    async def car(self) -> None:
        """Commit the next number each second, in one transaction with the message that tells of it."""
        database = self.disk.connect("car")
        create_tables(database)
        database.execute("CREATE TABLE IF NOT EXISTS counted (number INTEGER PRIMARY KEY) STRICT")
        outbox = SqliteOutbox(database)
        delivery = Delivery(outbox, BenchClock(START_MS, loop=self.loop), lambda message: None)
        config = MqttConfig("broker", PORT, "car-V1")
        life = self.lives["car"]
        port = PahoPort(config, delivery, self.hosts["car"], Random(f"car:{life}"))
        delivery.use(port)
        running = asyncio.ensure_future(port.run())
        while True:
            (number,) = database.execute("SELECT count(*) FROM counted").fetchone()
            if number == MESSAGES:
                break
            await asyncio.sleep(0.9)
            with transaction(database):
                database.execute("INSERT INTO counted VALUES (?)", (number,))
                outbox.add(OutgoingMessage(TOPIC, str(number).encode(), f"key-{number:04}"))
            delivery.wake()
        await running

    async def backend(self) -> None:
        """Note each number once, in the transaction that remembers its key."""
        database = self.disk.connect("backend")
        create_tables(database)
        database.execute("CREATE TABLE IF NOT EXISTS taken (number INTEGER) STRICT")
        inbox = SqliteInbox(database)

        def handle(message: IncomingMessage) -> None:
            number = int(message.payload)
            with transaction(database):
                if inbox.first_time(message.key, START_MS):
                    database.execute("INSERT INTO taken VALUES (?)", (number,))
                    self.note("taken", number)
                else:
                    self.repeated += 1
                    self.note("repeated", number)

        delivery = Delivery(SqliteOutbox(database), BenchClock(START_MS, loop=self.loop), handle)
        config = MqttConfig("broker", PORT, "backend", (TOPIC,))
        life = self.lives["backend"]
        port = PahoPort(config, delivery, self.hosts["backend"], Random(f"backend:{life}"))
        delivery.use(port)
        await port.run()

    def start(self, name: str) -> None:
        """Begin a life of `name`."""
        self.lives[name] += 1
        self.note("start", name, self.lives[name])
        self.loop.spawn(f"{name}-{self.lives[name]}", getattr(self, name)())

    def kill(self, name: str) -> None:
        """End it as SIGKILL does."""
        self.note("kill", name)
        owner = f"{name}-{self.lives[name]}"
        self.loop.abandon(owner)
        self.world.abandon(owner)
        self.disk.kill(name)
        self.loop.call_later(2.0, self.start, name)

    async def live(self) -> Outcome:
        """The whole story."""
        server = BrokerServer(Broker(), self.world.host("broker"))
        await server.listen("broker", PORT)
        begun_s = self.loop.time()
        self.start("backend")
        await asyncio.sleep(1)
        self.start("car")
        driver = self.world.driver(self.link)
        self.loop.call_at(begun_s + OUTAGE_S[0], driver.set_conditions, DOWN)
        self.loop.call_at(begun_s + OUTAGE_S[1], driver.set_conditions, UP)
        for name, at_s in KILLS:
            self.loop.call_at(begun_s + at_s, self.kill, name)
        await asyncio.sleep(MESSAGES + 200)
        backend = self.disk.connect("backend")
        taken = [number for (number,) in backend.execute("SELECT number FROM taken ORDER BY rowid")]
        waiting = SqliteOutbox(self.disk.connect("car")).depth()
        self.note("end", taken, waiting)
        return Outcome(taken, self.repeated, waiting, self.hexdigest())


def tell() -> Outcome:
    """Live through it once."""
    universe = Universe()
    try:
        return universe.loop.run_until_complete(universe.live())
    finally:
        universe.loop.close()
        universe.disk.close()


if __name__ == "__main__":
    print(json.dumps(asdict(tell())))
