"""Says, once per outage, that a program has no connection to its broker, and when it has one.

A program that is served alone waits for its broker for as long as it takes: whoever started it must see
what it waits for, and a broker that is away for a night must not fill a log.
"""

from collections.abc import Callable
from dataclasses import replace

from runtime.mqtt.broker_url import BrokerUrl, host_and_port
from runtime.mqtt.port import IncomingMessage, MqttConfig, MqttEvents, MqttPort, MqttPortFactory

Say = Callable[[str], None]


class BrokerNotice:
    """`MqttEvents` that passes everything on to `events` and tells of the connection through `say`.

    Args:
        events: the program's own.
        program: what the program is called.
        where: host and port of the broker, as the program sees it.
        say: takes one line.
    """

    def __init__(self, events: MqttEvents, program: str, where: str, say: Say) -> None:
        self._events = events
        self._program = program
        self._where = where
        self._say = say
        self._is_down_told = False
        self._refusal = ""

    def connected(self, session_present: bool, receive_maximum: int) -> None:
        """See MqttEvents."""
        self._say(f"{self._program}: connected to the broker at {self._where}")
        self._is_down_told = False
        self._refusal = ""
        self._events.connected(session_present, receive_maximum)

    def disconnected(self, reason: str) -> None:
        """See MqttEvents."""
        self._tell_down("connection to", reason)
        self._events.disconnected(reason)

    def connect_failed(self, reason: str, refused: bool) -> None:
        """See MqttEvents; what the broker itself refuses is told even within an outage."""
        if refused and reason != self._refusal:
            self._refusal = reason
            self._is_down_told = True
            self._say(f"{self._program}: the broker at {self._where} refuses the connection: {reason}")
        self._tell_down("no connection to", reason)
        self._events.connect_failed(reason, refused)

    def acknowledged(self, packet_id: int, reason_code: int) -> None:
        """See MqttEvents."""
        self._events.acknowledged(packet_id, reason_code)

    def received(self, message: IncomingMessage) -> None:
        """See MqttEvents."""
        self._events.received(message)

    def _tell_down(self, what: str, reason: str) -> None:
        if not self._is_down_told:
            self._is_down_told = True
            lost = "" if what.startswith("no ") else " is gone"
            self._say(
                f"{self._program}: {what} the broker at {self._where}{lost} ({reason}); "
                "trying again until there is one"
            )


def with_notices(factory: MqttPortFactory, program: str, say: Say) -> MqttPortFactory:
    """Ports of `factory` that tell of their connection through `say`."""

    def make(config: MqttConfig, events: MqttEvents) -> MqttPort:
        where = host_and_port(config.host, config.port)
        return factory(config, BrokerNotice(events, program, where, say))

    return make


def with_login(factory: MqttPortFactory, url: BrokerUrl) -> MqttPortFactory:
    """Ports of `factory` that give the broker the user name and password of `url`."""

    def make(config: MqttConfig, events: MqttEvents) -> MqttPort:
        return factory(replace(config, username=url.username, password=url.password), events)

    return make


def with_back_off(factory: MqttPortFactory, max_s: float) -> MqttPortFactory:
    """Ports of `factory` that wait `max_s` at most between two attempts to connect."""

    def make(config: MqttConfig, events: MqttEvents) -> MqttPort:
        shorter = replace(config, back_off_min_s=min(config.back_off_min_s, max_s), back_off_max_s=max_s)
        return factory(shorter, events)

    return make
