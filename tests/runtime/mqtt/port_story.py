"""A port, what it tells, and the scripted broker it connects to."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from random import Random

from runtime.mqtt.paho_port import PahoPort
from runtime.mqtt.port import IncomingMessage, MqttConfig, OutgoingMessage
from tests.runtime.mqtt.port_rigs import Rig
from tests.runtime.mqtt.scripted_broker import ScriptedBroker

MESSAGE = OutgoingMessage(
    topic="v1/vehicles/V1/up/place_order",
    payload=b"{}",
    key="0123456789abcdef" * 2,
    traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01",
    expiry_s=60,
    response_topic="v1/vehicles/V1/down/placed",
    correlation_data=b"\x00\x01",
)
FILTER = "v1/vehicles/V1/down/+"
PLAIN = OutgoingMessage("t", b"", "k")


class Told:
    """What the port has said, in order; `until` waits for it."""

    def __init__(self) -> None:
        self.events: list[tuple[object, ...]] = []
        self.messages: list[IncomingMessage] = []
        self.failures: list[tuple[str, bool]] = []
        self.on_received: Callable[[IncomingMessage], None] = self.messages.append
        self._more = asyncio.Event()

    def connected(self, session_present: bool, receive_maximum: int) -> None:
        self._note("connected", session_present, receive_maximum)

    def disconnected(self, reason: str) -> None:
        self._note("disconnected", reason)

    def connect_failed(self, reason: str, refused: bool) -> None:
        self.failures.append((reason, refused))
        self._more.set()

    def acknowledged(self, packet_id: int, reason_code: int) -> None:
        self._note("acknowledged", packet_id, reason_code)

    def received(self, message: IncomingMessage) -> None:
        self._note("received", message.topic)
        self.on_received(message)

    def _note(self, *event: object) -> None:
        self.events.append(event)
        self._more.set()

    def count(self, kind: str) -> int:
        return sum(event[0] == kind for event in self.events)

    async def until(self, kind: str, times: int = 1) -> tuple[object, ...]:
        while self.count(kind) < times:
            self._more.clear()
            await self._more.wait()
        return [event for event in self.events if event[0] == kind][times - 1]

    async def until_failed(self, times: int = 1) -> tuple[str, bool]:
        while len(self.failures) < times:
            self._more.clear()
            await self._more.wait()
        return self.failures[times - 1]


class Story:
    """A port and the scripted broker it connects to."""

    def __init__(self, rig: Rig, **settings: object) -> None:
        self.told = Told()
        self.broker = ScriptedBroker(rig.peer, rig.host)
        self._rig = rig
        self._settings = settings

    async def begin(self, port: int = 0) -> None:
        """Run the port without waiting for anything; the broker listens, unless `port` is given."""
        if not port:
            await self.broker.listen()
        settings: dict[str, object] = {"subscriptions": (FILTER,), "back_off_min_s": 0.01, **self._settings}
        config = MqttConfig(self._rig.host, port or self.broker.port, "car-V1", **settings)  # type: ignore[arg-type]
        self.port = PahoPort(config, self.told, self._rig.car, Random("back-off"))
        self.running = asyncio.ensure_future(self.port.run())

    async def connect(self) -> None:
        """Begin, and wait for the session."""
        await self.begin()
        await self.told.until("connected")

    async def end(self) -> None:
        """End the port and the broker."""
        self.running.cancel()
        with suppress(asyncio.CancelledError):
            await self.running
        self.broker.stop()
