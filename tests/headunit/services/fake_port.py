"""An MQTT port without a network: the test is the road and the broker."""

import asyncio
from contextvars import copy_context

from contracts.codec import decode, encode, kind_of
from contracts.messages import Message
from contracts.topics import down_topic, parse_topic
from runtime.errors import NotConnectedError
from runtime.mqtt.port import IncomingMessage, MqttConfig, MqttEvents, MqttPort, OutgoingMessage

VIN = "WBAHEADUN1T000001"


class FakePort:
    """A real `MqttPort` to its program; keeps what is published until the test acknowledges it.

    What the program does when the test's hand moves belongs to the life that made the port.
    """

    def __init__(self, config: MqttConfig, events: MqttEvents) -> None:
        self.config = config
        self.published: list[tuple[int, OutgoingMessage]] = []
        self.resets = 0
        self.asked = b""
        self._events = events
        self._life = copy_context()
        self._is_up = False
        self._packet_id = 0
        self._stopped = asyncio.Event()

    # MqttPort

    @property
    def is_connected(self) -> bool:
        """See MqttPort."""
        return self._is_up

    def publish(self, message: OutgoingMessage) -> int:
        """See MqttPort."""
        if not self._is_up:
            raise NotConnectedError("no MQTT connection")
        self._packet_id += 1
        self.asked = message.correlation_data
        self.published.append((self._packet_id, message))
        return self._packet_id

    async def run(self) -> None:
        """See MqttPort."""
        await self._stopped.wait()

    def stop(self) -> None:
        """See MqttPort."""
        self._stopped.set()

    def reset_back_off(self) -> None:
        """See MqttPort."""
        self.resets += 1

    # The test's hand

    def connect(self) -> None:
        """The broker says CONNACK."""
        self._is_up = True
        self._life.run(self._events.connected, False, 20)

    def disconnect(self) -> None:
        """The connection breaks."""
        self._is_up = False
        self._life.run(self._events.disconnected, "the test broke it")

    def fail(self, reason: str, refused: bool) -> None:
        """An attempt to connect comes to nothing."""
        self._life.run(self._events.connect_failed, reason, refused)

    def acknowledge_all(self, reason_code: int = 0) -> None:
        """PUBACK for everything published; what becomes of it afterwards is the test's business."""
        published, self.published = self.published, []
        for packet_id, _ in published:
            self._life.run(self._events.acknowledged, packet_id, reason_code)

    def deliver(self, message: Message, *, unasked: bool = False) -> bool:
        """A message of the backend arrives, as the answer to what was published last or unasked.

        Returns whether it was acknowledged.
        """
        topic = down_topic(VIN, kind_of(message))
        return self.deliver_raw(topic, encode(message), message.key, b"" if unasked else self.asked)

    def deliver_raw(self, topic: str, payload: bytes, key: str = "", correlation_data: bytes = b"") -> bool:
        """Bytes arrive; returns whether they were acknowledged. Passes on what the program raises."""
        acknowledged: list[bool] = []
        message = IncomingMessage(
            topic,
            payload,
            key,
            "",
            None,
            "",
            correlation_data,
            False,
            False,
            lambda: acknowledged.append(True),
        )
        self._life.run(self._events.received, message)
        return bool(acknowledged)

    def sent(self, kind: str) -> list[Message]:
        """The unacknowledged messages of `kind`, in order."""
        return [
            decode(kind, message.payload)
            for _, message in self.published
            if parse_topic(message.topic).kind == kind
        ]

    def expiries_s(self, kind: str) -> list[int | None]:
        """Message expiry intervals of the unacknowledged messages of `kind`."""
        return [m.expiry_s for _, m in self.published if parse_topic(m.topic).kind == kind]


class FakePorts:
    """A factory that remembers the ports it has made: the newest belongs to the living program."""

    def __init__(self) -> None:
        self.made: list[FakePort] = []

    def __call__(self, config: MqttConfig, events: MqttEvents) -> MqttPort:
        """See MqttPortFactory."""
        port = FakePort(config, events)
        self.made.append(port)
        return port
