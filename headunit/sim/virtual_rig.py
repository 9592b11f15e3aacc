"""The virtual rig: a week in a second, the same digest for the same seed."""

import asyncio
from typing import TextIO

from contracts.link import LinkConditions
from headunit.sim.broker_world import BrokerWorld
from headunit.sim.rig import Main
from headunit.sim.scenario import BrokerTable
from runtime.bench_clock import BenchClock
from runtime.executor import InlineExecutor
from runtime.ids import SeededIds
from runtime.journal import JournalBook
from runtime.mqtt.broker.faults import BrokerFault
from runtime.mqtt.broker.server import BrokerServer
from runtime.mqtt.paho_port import PahoPort
from runtime.mqtt.port import MqttConfig, MqttEvents, MqttPort, MqttPortFactory
from runtime.ports import Network, Randomness, Runtime
from runtime.randomness import SeededRandomness
from runtime.virtual_disk import VirtualDisk
from runtime.virtual_loop import VirtualLoop
from runtime.virtual_network import VirtualNetwork
from telematics.link.model import BottleneckLink

BROKER_PORT = 1883
BACKEND_DELAY_MS = 0.5
"""One way between backend and broker, which stand in one data centre."""


class VirtualRig:
    """One universe: loop, clock, network, disks, chance, journal.

    Args:
        seed: of everything that happens by chance.
        start_ms: bench time at the start.
        sink: where the journal's lines go.
        broker: how the broker is set up.
    """

    name = "virtual"
    broker = "ours"

    def __init__(
        self, seed: int, start_ms: int, sink: TextIO | None = None, broker: BrokerTable | None = None
    ) -> None:
        self.loop = VirtualLoop()
        self.clock = BenchClock(start_ms, loop=self.loop)
        self.book = JournalBook(self.clock.now_ms, self.loop.time_ns, sink, keep=True)
        self.randomness = SeededRandomness(seed)
        self.disk = VirtualDisk()
        self.link = BottleneckLink(self.randomness.stream("link"))
        self._network = VirtualNetwork(self.loop)
        self._hosts: dict[str, Network] = {
            "broker": self._network.host("broker"),
            "backend": self._network.host("backend", delay_ms=BACKEND_DELAY_MS),
            "car": self._network.host("car", link=self.link),
        }
        self._lives: dict[str, int] = {}
        self._broker_world = BrokerWorld(broker or BrokerTable(), self.disk)

    def apply_conditions(self, conditions: LinkConditions) -> None:
        """See Rig."""
        self._network.driver(self.link).set_conditions(conditions)

    def runtime(self, program: str) -> Runtime:
        """See Rig."""
        return Runtime(
            clock=self.clock,
            network=self._hosts.get(program, self._hosts["broker"]),
            executor=InlineExecutor(),
            randomness=self.randomness,
            ids=SeededIds(self.randomness.stream(f"ids:{program}")),
            disk=self.disk,
            journal=self.book.actor(program),
        )

    def make_port(self, program: str) -> MqttPortFactory:
        """See Rig."""
        return paho_factory(self._hosts[program], self.randomness, program)

    def broker_address(self, program: str) -> tuple[str, int]:
        """See Rig."""
        return "broker", BROKER_PORT

    def launch(self, program: str, main: Main) -> None:
        """See Rig."""
        self._lives[program] = life = self._lives.get(program, 0) + 1
        task = self.loop.spawn(f"{program}#{life}", main(), name=program)
        task.add_done_callback(_raise_failure)

    def halt(self, program: str, *, power_cut: bool) -> None:
        """See Rig."""
        owner = f"{program}#{self._lives[program]}"
        self.loop.abandon(owner)
        self._network.abandon(owner, power_cut=power_cut)
        if power_cut:
            self.disk.power_cut(program)
        else:
            self.disk.kill(program)

    async def open(self) -> None:
        """See Rig."""
        self.restart_broker()

    def restart_broker(self) -> None:
        """See Rig."""
        self.launch("broker", self._serve_broker)

    def break_broker(self, fault: BrokerFault) -> None:
        """See Rig."""
        self._broker_world.add_fault(fault)

    def mend_broker(self, fault: BrokerFault) -> None:
        """See Rig."""
        self._broker_world.remove_fault(fault)

    async def _serve_broker(self) -> None:
        broker = self._broker_world.begin(self.loop.time_ns())
        server = BrokerServer(broker, self._hosts["broker"])
        await server.listen("broker", BROKER_PORT)
        await server.serve()

    async def close(self) -> None:
        """See Rig; a virtual world is dropped as a whole."""


def _raise_failure(program: asyncio.Task[None]) -> None:
    """A program that fails ends the run with its own error, not with what follows from its silence."""
    if not program.cancelled() and (error := program.exception()) is not None:
        raise error


def paho_factory(network: Network, randomness: Randomness, program: str) -> MqttPortFactory:
    """MQTT ports of real paho over `network`, for one program."""
    stream = randomness.stream(f"back-off:{program}")

    def make(config: MqttConfig, events: MqttEvents) -> MqttPort:
        return PahoPort(config, events, network, stream)

    return make
