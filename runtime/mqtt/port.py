"""The MQTT port: what a program sees of MQTT 5. QoS 1 both ways, never 2; acknowledged by the program.

An adapter connects, keeps alive, reconnects with a jittered back-off and resumes its session; it queues
nothing. What must not be lost waits in the program's outbox (`delivery`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol


class OutgoingMessage(NamedTuple):
    """One application message to publish at QoS 1.

    `key` and `traceparent` travel as user properties; `expiry_s` is the MessageExpiryInterval.
    """

    topic: str
    payload: bytes
    key: str
    traceparent: str = ""
    expiry_s: int | None = None
    response_topic: str = ""
    correlation_data: bytes = b""
    retain: bool = False


class IncomingMessage(NamedTuple):
    """One application message that has arrived; it stays unacknowledged until `acknowledge` is called."""

    topic: str
    payload: bytes
    key: str
    traceparent: str
    expiry_s: int | None
    response_topic: str
    correlation_data: bytes
    duplicate: bool
    retained: bool
    acknowledge: Callable[[], None]


class MqttEvents(Protocol):
    """What the port tells its program. Called on the event loop, one at a time."""

    def connected(self, session_present: bool, receive_maximum: int) -> None:
        """CONNACK with success; subscriptions are in place or on their way."""

    def disconnected(self, reason: str) -> None:
        """The connection is gone, and why, in words; told once per connection."""

    def connect_failed(self, reason: str, refused: bool) -> None:
        """There is no session, and why, in words; `refused` when the broker says so, not the road.

        Attempts go on; those that fail for the same reason as the one before are not told.
        """

    def acknowledged(self, packet_id: int, reason_code: int) -> None:
        """PUBACK for a publish; reason codes from 0x80 on are refusals."""

    def received(self, message: IncomingMessage) -> None:
        """A message has arrived."""


@dataclass(frozen=True, slots=True)
class MqttConfig:
    """How a program connects; an empty `username` sends neither (section 3.1.3.5)."""

    host: str
    port: int
    client_id: str
    subscriptions: tuple[str, ...] = ()
    keepalive_s: int = 30
    session_expiry_s: int = 7 * 24 * 3600
    receive_maximum: int = 20
    connect_timeout_s: float = 5.0
    back_off_min_s: float = 1.0
    back_off_max_s: float = 120.0
    user_properties: tuple[tuple[str, str], ...] = field(default=())
    username: str = ""
    password: str = field(default="", repr=False)


class MqttPort(Protocol):
    """One MQTT session."""

    @property
    def is_connected(self) -> bool:
        """Whether a CONNACK was received on the present connection."""

    def publish(self, message: OutgoingMessage) -> int:
        """Publish at QoS 1; returns the packet identifier.

        Raises NotConnectedError, and UnsendableError for a message that cannot be published at all.
        """

    async def run(self) -> None:
        """Keep the session up until `stop` or cancellation."""

    def stop(self) -> None:
        """Disconnect and end `run`."""

    def reset_back_off(self) -> None:
        """The radio is back: try now instead of at the end of the wait."""


class MqttPortFactory(Protocol):
    """How a composition root lets a program make its port."""

    def __call__(self, config: MqttConfig, events: MqttEvents) -> MqttPort: ...
