"""The real rig: stock asyncio, real sockets, the relay in front of a real broker."""

import asyncio
from pathlib import Path
from typing import Literal, TextIO

from contracts.link import LinkConditions
from headunit.sim.broker_notice import with_login
from headunit.sim.broker_world import BrokerWorld
from headunit.sim.errors import RigError
from headunit.sim.rig import Main
from headunit.sim.scenario import BrokerTable
from headunit.sim.virtual_rig import paho_factory
from runtime.bench_clock import BenchClock
from runtime.disk import FileDisk
from runtime.errors import BrokerUrlError
from runtime.executor import PoolExecutor
from runtime.ids import SeededIds, SystemIds
from runtime.journal import JournalBook
from runtime.mqtt.broker.faults import BrokerFault
from runtime.mqtt.broker.server import BrokerServer
from runtime.mqtt.broker_url import BrokerUrl, without_password
from runtime.mqtt.mosquitto import Mosquitto
from runtime.mqtt.port import MqttPortFactory
from runtime.ports import Ids, Randomness, Runtime
from runtime.randomness import SeededRandomness, SystemRandomness
from runtime.real_network import RealNetwork
from telematics.adapters.relay import Relay, drive_link
from telematics.link.model import BottleneckLink

LOOPBACK = "127.0.0.1"


def _foreign(broker: str) -> BrokerUrl | None:
    """The URL of a broker that runs elsewhere. Raises RigError for what is none."""
    if broker in ("ours", "mosquitto"):
        return None
    try:
        return BrokerUrl.parse(broker)
    except BrokerUrlError as error:
        raise RigError(f"neither ours nor mosquitto, and {error}") from None


class RealRig:
    """Real sockets and real time, in one process; make it inside a running loop.

    Args:
        folder: where the programs' databases are.
        start_ms: bench time at the start.
        seed: of everything that happens by chance; None draws from the system.
        broker: "ours", "mosquitto", or the URL of a broker that runs elsewhere. Raises RigError.
        sink: where the journal's lines go.
        keep: keep the journal in memory, for the checks at the end.
        broker_table: how our broker is set up.
    """

    name = "real"

    def __init__(
        self,
        folder: Path,
        start_ms: int,
        *,
        seed: int | None,
        broker: Literal["ours", "mosquitto"] | str = "ours",
        sink: TextIO | None = None,
        keep: bool = True,
        broker_table: BrokerTable | None = None,
    ) -> None:
        self.broker = without_password(broker)
        self._url = _foreign(broker)
        self.clock = BenchClock(start_ms)
        self.book = JournalBook(self.clock.now_ms, self.clock.transport_ns, sink, keep=keep)
        self.randomness: Randomness = SystemRandomness() if seed is None else SeededRandomness(seed)
        self._is_seeded = seed is not None
        self.disk = FileDisk(folder)
        self._broker_world = BrokerWorld(broker_table or BrokerTable(), self.disk)
        self.link = BottleneckLink(self.randomness.stream("link"))
        self._driver = drive_link(self.link, asyncio.get_running_loop())
        self._network = RealNetwork()
        self._executor = PoolExecutor()
        self._server: BrokerServer | None = None
        self._mosquitto: Mosquitto | None = None
        self._relay: Relay | None = None
        self._upstream = (LOOPBACK, 0)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def apply_conditions(self, conditions: LinkConditions) -> None:
        """See Rig."""
        self._driver.set_conditions(conditions)

    def runtime(self, program: str) -> Runtime:
        """See Rig."""
        ids: Ids = SeededIds(self.randomness.stream(f"ids:{program}")) if self._is_seeded else SystemIds()
        return Runtime(
            clock=self.clock,
            network=self._network,
            executor=self._executor,
            randomness=self.randomness,
            ids=ids,
            disk=self.disk,
            journal=self.book.actor(program),
        )

    def make_port(self, program: str) -> MqttPortFactory:
        """See Rig."""
        factory = paho_factory(self._network, self.randomness, program)
        return factory if self._url is None else with_login(factory, self._url)

    def broker_address(self, program: str) -> tuple[str, int]:
        """See Rig: the car's is the relay's."""
        if program == "car" and self._relay is not None:
            return LOOPBACK, self._relay.port
        return self._upstream

    def launch(self, program: str, main: Main) -> None:
        """See Rig."""
        task = self._tasks[program] = asyncio.create_task(main(), name=program)
        task.add_done_callback(self._ended)

    def halt(self, program: str, *, power_cut: bool) -> None:
        """See Rig: in one real process nothing can be killed."""
        raise RigError(f"{program} cannot be killed on the real rig: run this scenario with --rig virtual")

    async def open(self) -> None:
        """See Rig."""
        if self._url is not None:
            self._upstream = (self._url.host, self._url.port)
        elif self.broker == "ours":
            self._server = BrokerServer(self._broker_world.begin(0), self._network)
            await self._server.listen(LOOPBACK, 0)
            self._upstream = (LOOPBACK, self._server.port)
        else:
            self._mosquitto = Mosquitto()
            await self._mosquitto.start()
            self._upstream = (LOOPBACK, self._mosquitto.port)
        self._relay = Relay(self._driver, *self._upstream)
        await self._relay.listen(LOOPBACK, 0)

    def break_broker(self, fault: BrokerFault) -> None:
        """See Rig."""
        if self._server is None:
            raise RigError(f"{self.broker} cannot be told to fail: run this scenario with --broker ours")
        self._broker_world.add_fault(fault)

    def mend_broker(self, fault: BrokerFault) -> None:
        """See Rig."""
        self._broker_world.remove_fault(fault)

    def restart_broker(self) -> None:
        """See Rig."""
        raise RigError("the broker cannot be restarted on the real rig yet")

    async def failure(self) -> None:
        """Wait until a program ends by itself, which none should, and raise what it raised."""
        await asyncio.shield(self._failure)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and not self._failure.done():
            error = task.exception() or RigError(f"{task.get_name()} has ended by itself")
            self._failure.set_exception(error)

    async def close(self) -> None:
        """See Rig."""
        self._failure.cancel()
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        if self._relay is not None:
            self._relay.close()
        if self._server is not None:
            self._server.close()
        if self._mosquitto is not None:
            await self._mosquitto.stop()
        self._executor.close()
