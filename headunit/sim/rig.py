"""What a rig gives to a world: runtimes for its programs, a broker, a link, and a way to stop a program."""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from contracts.link import LinkConditions, LinkModel
from runtime.journal import JournalBook
from runtime.mqtt.broker.faults import BrokerFault
from runtime.mqtt.port import MqttPortFactory
from runtime.ports import Randomness, Runtime, SettableClock

Main = Callable[[], Coroutine[Any, Any, None]]
"""What a program runs; called anew for each of its lives."""


class Rig(Protocol):
    """One of the places where a world can be: virtual time, real time, a bench."""

    @property
    def name(self) -> str:
        """ "virtual" or "real"."""

    @property
    def broker(self) -> str:
        """Which broker stands on this rig: "ours", "mosquitto", or its URL."""

    @property
    def clock(self) -> SettableClock:
        """The one bench clock."""

    @property
    def book(self) -> JournalBook:
        """The one journal."""

    @property
    def randomness(self) -> Randomness:
        """Chance of this run."""

    @property
    def link(self) -> LinkModel:
        """The road between car and broker."""

    def apply_conditions(self, conditions: LinkConditions) -> None:
        """From now on the road is like this."""

    def runtime(self, program: str) -> Runtime:
        """What `program` gets of this world."""

    def make_port(self, program: str) -> MqttPortFactory:
        """How `program` makes its MQTT port."""

    def broker_address(self, program: str) -> tuple[str, int]:
        """Where the broker is, as seen from `program`."""

    def launch(self, program: str, main: Main) -> None:
        """Begin a life of `program`."""

    def halt(self, program: str, *, power_cut: bool) -> None:
        """End the present life of `program` without a farewell. Raises RigError where that cannot be done."""

    async def open(self) -> None:
        """Bring up what every world needs; the broker accepts connections when this returns."""

    def break_broker(self, fault: BrokerFault) -> None:
        """From now on the broker does this wrong. Raises RigError where the broker is not ours."""

    def mend_broker(self, fault: BrokerFault) -> None:
        """It does it no more."""

    def restart_broker(self) -> None:
        """Begin another life of the broker after `halt("broker")`."""

    async def close(self) -> None:
        """Take everything down."""
