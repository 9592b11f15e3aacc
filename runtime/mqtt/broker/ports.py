"""What a connection needs of its shell, and of the broker it belongs to."""

from typing import Protocol

from runtime.mqtt.broker.config import BrokerConfig
from runtime.mqtt.broker.counts import Counts
from runtime.mqtt.broker.faults import BrokerFaults
from runtime.mqtt.broker.sessions import Sessions


class Sink(Protocol):
    """Where a connection's bytes go."""

    def write(self, data: bytes, /) -> None:
        """Send `data` after all that was written before; never blocks, never calls back into the broker
        but for `Connection.pause`."""

    def close(self) -> None:
        """Send what was written, then close the network connection."""


class Home(Protocol):
    """The broker a connection belongs to."""

    @property
    def config(self) -> BrokerConfig:
        """Its limits."""

    @property
    def counts(self) -> Counts:
        """What it has done."""

    @property
    def faults(self) -> BrokerFaults:
        """What it does wrong."""

    @property
    def sessions(self) -> Sessions:
        """Whom it knows."""
