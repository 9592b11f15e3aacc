"""A program killed by SIGKILL in the middle of its messages loses none and doubles none, on real sockets."""

import asyncio
import sqlite3
import sys
from pathlib import Path
from random import Random

import pytest

from runtime.bench_clock import BenchClock
from runtime.mqtt.delivery import Delivery
from runtime.mqtt.mosquitto import Mosquitto, find_mosquitto
from runtime.mqtt.paho_port import PahoPort
from runtime.mqtt.port import IncomingMessage, MqttConfig
from runtime.mqtt.sqlite_outbox import SqliteInbox, SqliteOutbox, create_tables
from runtime.real_network import RealNetwork

COUNT = 250
KILLED_AT = (40, 90, 150, 210)


@pytest.mark.mosquitto
@pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")
async def test_250_messages_of_a_program_killed_four_times_take_effect_once_each(tmp_path: Path) -> None:
    database = sqlite3.connect(":memory:", isolation_level=None)
    create_tables(database)
    inbox = SqliteInbox(database)
    taken: list[int] = []
    milestones = {at: asyncio.Event() for at in (*KILLED_AT, COUNT)}

    def handle(message: IncomingMessage) -> None:
        if inbox.first_time(message.key, 0):
            taken.append(int(message.payload))
            if len(taken) in milestones:
                milestones[len(taken)].set()

    async with asyncio.timeout(30), Mosquitto() as broker:
        up = asyncio.Event()
        delivery = Delivery(
            SqliteOutbox(database),
            BenchClock(0),
            handle,
            on_session=lambda is_up: up.set() if is_up else None,
        )
        config = MqttConfig("127.0.0.1", broker.port, "backend", ("up/number",))
        port = PahoPort(config, delivery, RealNetwork(), Random(1))
        delivery.use(port)
        running = asyncio.ensure_future(port.run())
        await up.wait()
        for at in (*KILLED_AT, COUNT):
            car = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.runtime.mqtt.killed_sender",
                str(broker.port),
                str(tmp_path),
                str(COUNT),
                cwd=Path(__file__).parents[3],
            )
            await milestones[at].wait()
            if at < COUNT:
                car.kill()
            assert await car.wait() == (0 if at == COUNT else -9)
        port.stop()
        await running
    assert sorted(taken) == list(range(COUNT))
    assert taken == sorted(taken)
    with sqlite3.connect(tmp_path / "car.sqlite") as car_database:
        assert car_database.execute("SELECT count(*) FROM outbox").fetchone() == (0,)
    car_database.close()
    database.close()
