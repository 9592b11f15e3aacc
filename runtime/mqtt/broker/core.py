"""The broker's core: MQTT 5 at QoS 0 and 1, told bytes and instants, answering through sinks. Pure.

It reads no clock and draws no chance: the same calls give the same bytes. Not offered, and announced
so: QoS 2, topic aliases, subscription identifiers, shared subscriptions, extended authentication.
"""

from runtime.mqtt.broker.alarms import Alarms
from runtime.mqtt.broker.config import BrokerConfig
from runtime.mqtt.broker.connection import Connection, Sink
from runtime.mqtt.broker.counts import Counts
from runtime.mqtt.broker.router import Router
from runtime.mqtt.broker.sessions import Sessions


class Broker:
    """One broker. `counts` says what it has done, `sessions` whom it knows."""

    __slots__ = ("_alarms", "_router", "config", "counts", "sessions")

    def __init__(self, config: BrokerConfig | None = None) -> None:
        self.config = BrokerConfig() if config is None else config
        self.counts = Counts()
        self._alarms = Alarms()
        self._router = Router(self.counts)
        self.sessions = Sessions(self.config, self.counts, self._router, self._alarms)

    def accept(self, now_ns: int, sink: Sink) -> Connection:
        """A network connection has been made; what the broker says to it goes to `sink`."""
        return Connection(self.config, self.sessions, self._router, self._alarms, sink, now_ns)

    def lose_connections(self, now_ns: int) -> None:
        """The broker's process was killed and starts again with the state it had: nobody is connected."""
        self.sessions.lose_connections(now_ns)

    def next_due(self) -> int | None:
        """When to call `advance`, in nanoseconds of the caller's time; None when nothing is due ever."""
        return self._alarms.next_due()

    def advance(self, now_ns: int) -> None:
        """Do what is due by `now_ns`: time-outs, ends of sessions, delayed wills."""
        self._alarms.advance(now_ns)
