"""One backend with all its services on a connection of its own, for one thread; many share a database."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from backend_stub.app import Backend, BackendConfig
from backend_stub.domain.vehicle import VehicleRecord
from runtime.bench_clock import BenchClock
from runtime.disk import FileDisk
from runtime.errors import NotConnectedError
from runtime.executor import InlineExecutor
from runtime.ids import SeededIds
from runtime.journal import JournalBook
from runtime.mqtt.port import MqttConfig, MqttEvents, MqttPort, OutgoingMessage
from runtime.ports import Runtime
from runtime.randomness import SeededRandomness
from runtime.virtual_loop import VirtualLoop
from runtime.virtual_network import VirtualNetwork

T = TypeVar("T")

START_MS: Final = 1_777_600_800_000
PATIENCE_MS: Final = 60_000
"""How long a writer of a file waits for seven others."""

VEHICLES: Final = tuple(
    VehicleRecord(vin=f"WBATEST00000000{n:02d}", contract_number=f"138000000{n:02d}", owner_name="Chen Wei")
    for n in range(12)
)


class _NoRoad:
    """An MQTT port that never gets a connection: cars have no part in this."""

    is_connected = False

    def publish(self, message: OutgoingMessage) -> int:
        raise NotConnectedError("there is no road here")

    async def run(self) -> None:
        await asyncio.Event().wait()

    def stop(self) -> None:
        pass

    def reset_back_off(self) -> None:
        pass


def _no_road(config: MqttConfig, events: MqttEvents) -> MqttPort:
    return _NoRoad()


class Stack:
    """A backend that serves whoever holds it; `name` keeps its ids apart from those of others.

    `folder` is where a SQLite file is shared, `database` a postgresql:// URL instead.
    """

    def __init__(self, name: str, folder: Path, database: str) -> None:
        self.loop = VirtualLoop()
        self.clock = BenchClock(START_MS, loop=self.loop)
        randomness = SeededRandomness(name)
        self._runtime = Runtime(
            clock=self.clock,
            network=VirtualNetwork(self.loop).host("backend"),
            executor=InlineExecutor(),
            randomness=randomness,
            ids=SeededIds(randomness.stream("ids")),
            disk=FileDisk(folder, busy_timeout_ms=PATIENCE_MS),
            journal=JournalBook(self.clock.now_ms, self.loop.time_ns).actor(name),
        )
        self._config = BackendConfig(vehicles=VEHICLES, database=database)
        self.backend = self.do(lambda: Backend(self._runtime, self._config, _no_road))

    def do(self, what: Callable[[], T], at_ms: int = START_MS) -> T:
        """The result of `what()` on this backend's loop, at bench time `at_ms` or where it is beyond it."""

        async def story() -> T:
            self.clock.jump(max(0, at_ms - self.clock.now_ms()))
            await self.clock.settled()
            return what()

        return self.loop.run_until_complete(story())

    def close(self) -> None:
        """Give database and loop back."""
        self.backend.store.close()
        self.loop.close()
