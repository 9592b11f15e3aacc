"""A car's program that is there to be killed: `python -m tests.runtime.mqtt.killed_sender PORT FOLDER COUNT`.

It counts to COUNT; each number and the message that tells of it are one transaction.
"""

import asyncio
import sys
from pathlib import Path
from random import Random

from runtime.bench_clock import BenchClock
from runtime.disk import FileDisk
from runtime.mqtt.delivery import Delivery
from runtime.mqtt.paho_port import PahoPort
from runtime.mqtt.port import MqttConfig, OutgoingMessage
from runtime.mqtt.sqlite_outbox import SqliteOutbox, create_tables
from runtime.real_network import RealNetwork

BURST = 7
"""How many numbers the sender runs ahead of what left its outbox: so a kill finds all kinds of state."""


async def send(port_number: int, folder: Path, count: int) -> None:
    """Count on from wherever the last life ended, until the outbox is empty."""
    database = FileDisk(folder).connect("car")
    create_tables(database)
    database.execute("CREATE TABLE IF NOT EXISTS counted (number INTEGER PRIMARY KEY) STRICT")
    outbox = SqliteOutbox(database)
    changed = asyncio.Event()
    delivery = Delivery(outbox, BenchClock(0), lambda message: None, on_change=changed.set)
    config = MqttConfig("127.0.0.1", port_number, "car-V1", back_off_min_s=0.01)
    port = PahoPort(config, delivery, RealNetwork(), Random())
    delivery.use(port)
    running = asyncio.ensure_future(port.run())
    (number,) = database.execute("SELECT count(*) FROM counted").fetchone()
    while number < count or delivery.depth:
        while number < count and delivery.depth < BURST:
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT INTO counted VALUES (?)", (number,))
            outbox.add(OutgoingMessage("up/number", str(number).encode(), f"key-{number}"))
            database.execute("COMMIT")
            delivery.wake()
            number += 1
        changed.clear()
        await changed.wait()
    port.stop()
    await running
    database.close()


if __name__ == "__main__":
    asyncio.run(send(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
