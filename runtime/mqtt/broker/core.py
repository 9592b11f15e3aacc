"""The broker's core: MQTT 5 and 3.1.1, told bytes and instants, answering through sinks. Pure.

It reads no clock and draws no chance: the same calls give the same bytes. Not offered: extended
authentication (section 4.12), and access control, which a bench on its own loopback has no use for.
"""

from runtime.mqtt.broker.alarms import Alarms
from runtime.mqtt.broker.config import BrokerConfig
from runtime.mqtt.broker.connection import Connection
from runtime.mqtt.broker.counts import Counts
from runtime.mqtt.broker.faults import BrokerFaults
from runtime.mqtt.broker.ledger import Ledger
from runtime.mqtt.broker.ports import Sink
from runtime.mqtt.broker.router import Router
from runtime.mqtt.broker.sessions import Sessions
from runtime.mqtt.broker.system_topics import SystemTopics
from runtime.mqtt.publish import NS_PER_S

VERSION = "headunit broker"


class Broker:
    """One broker. `counts` says what it has done, `sessions` whom it knows, `faults` what it does wrong.

    With a `ledger` it begins with the sessions and retained messages written there, and writes on;
    `now_ns` is then the instant it begins at.
    """

    __slots__ = (
        "_alarms",
        "_begun_ns",
        "_router",
        "_system",
        "config",
        "counts",
        "faults",
        "ledger",
        "sessions",
    )

    def __init__(
        self, config: BrokerConfig | None = None, ledger: Ledger | None = None, now_ns: int = 0
    ) -> None:
        self.config = BrokerConfig() if config is None else config
        self.ledger = ledger
        self.counts = Counts()
        self._alarms = Alarms()
        self.faults = BrokerFaults(self._alarms)
        self._router = Router(self.config, self.counts, self._alarms, ledger)
        self.sessions = Sessions(self.config, self.counts, self._router, self._alarms, ledger)
        self._begun_ns = now_ns
        self._system = SystemTopics(self._router, self._alarms, self.config.sys_interval_s, self._figures)
        if ledger is not None:
            self._router.retained.restore(ledger.retained())
            self.sessions.restore(ledger.sessions(), now_ns)
            if self._router.has_system_interest:
                self._router.watch_system(now_ns)

    def accept(self, now_ns: int, sink: Sink) -> Connection:
        """A network connection has been made; what the broker says to it goes to `sink`."""
        return Connection(self, self._router, self._alarms, sink, now_ns)

    def lose_connections(self, now_ns: int) -> None:
        """The broker's process was killed and starts again with the state it had: nobody is connected."""
        self.sessions.lose_connections(now_ns)

    def next_due(self) -> int | None:
        """When to call `advance`, in nanoseconds of the caller's time; None when nothing is due ever."""
        return self._alarms.next_due()

    def advance(self, now_ns: int) -> None:
        """Do what is due by `now_ns`: time-outs, ends of sessions, delayed wills."""
        self._alarms.advance(now_ns)

    def commit(self) -> None:
        """Write down what has changed: to be called before what was written to clients leaves.

        Raises LedgerError when it cannot be written down; then no client may be told.
        """
        if self.ledger is not None:
            self.ledger.commit()

    def _figures(self, now_ns: int) -> dict[str, object]:
        counts, sessions = self.counts, self.sessions
        return {
            "version": VERSION,
            "uptime": f"{(now_ns - self._begun_ns) // NS_PER_S} seconds",
            "clients/connected": sessions.connected,
            "clients/disconnected": len(sessions) - sessions.connected,
            "clients/total": len(sessions),
            "subscriptions/count": self._router.subscriptions,
            "retained messages/count": len(self._router.retained),
            "store/messages/count": sessions.depth,
            "publish/messages/received": counts.messages_in,
            "publish/messages/sent": counts.messages_out,
            "publish/messages/dropped": counts.dropped,
            "publish/messages/expired": counts.expired,
        }
