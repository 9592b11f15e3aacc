"""The MQTT port on paho, against a broker that says only what it is told: in virtual time and on sockets."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from random import Random

import pytest

from runtime.errors import NotConnectedError
from runtime.mqtt.paho_port import PahoPort
from runtime.mqtt.port import IncomingMessage, MqttConfig, OutgoingMessage
from runtime.mqtt.properties import Properties, PropertyId
from runtime.mqtt.publish import encode_puback, encode_publish
from tests.runtime.mqtt import scripted_broker as wire
from tests.runtime.mqtt.port_rigs import RealRig, Rig, VirtualRig
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
        self.on_received: Callable[[IncomingMessage], None] = self.messages.append
        self._more = asyncio.Event()

    def connected(self, session_present: bool, receive_maximum: int) -> None:
        self._note("connected", session_present, receive_maximum)

    def disconnected(self, reason: str) -> None:
        self._note("disconnected", reason)

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


class Story:
    """A port and the scripted broker it connects to."""

    def __init__(self, rig: Rig, **settings: object) -> None:
        self.told = Told()
        self.broker = ScriptedBroker(rig.peer, rig.host)
        self._rig = rig
        self._settings = settings

    async def begin(self) -> None:
        """Listen and run the port, without waiting for anything."""
        await self.broker.listen()
        settings: dict[str, object] = {"subscriptions": (FILTER,), "back_off_min_s": 0.01, **self._settings}
        config = MqttConfig(self._rig.host, self.broker.port, "car-V1", **settings)  # type: ignore[arg-type]
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


@pytest.fixture(params=[VirtualRig, RealRig], ids=["virtual", "sockets"])
def rig(request: pytest.FixtureRequest) -> Rig:
    """Each world in turn."""
    made: Rig = request.param()
    return made


def test_the_session_is_kept_across_connections_and_subscribed_at_qos_1_when_it_is_new(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig, user_properties=(("unit", "tcu"),), keepalive_s=77)
        await it.connect()
        connect = await it.broker.packet(wire.CONNECT)
        assert connect[2:12] == b"\x00\x04MQTT\x05\x00\x00\x4d"  # version 5, clean start 0, keep-alive 77 s
        assert b"\x11" + (7 * 24 * 3600).to_bytes(4, "big") in connect  # session expiry interval
        assert b"\x21\x00\x14" in connect  # receive maximum 20
        assert b"\x26\x00\x04unit\x00\x03tcu" in connect
        subscribe = await it.broker.packet(wire.SUBSCRIBE)
        assert subscribe.endswith(FILTER.encode() + b"\x01")
        it.broker.connack = wire.CONNACK_SESSION_PRESENT
        it.broker.close()
        assert await it.told.until("connected", 2) == ("connected", True, 65535)
        it.port.publish(PLAIN)
        await it.broker.packet(wire.CONNECT)
        packets = [await it.broker.packet(wire.PUBLISH), it.broker.waiting(wire.SUBSCRIBE)]
        assert packets[1] == 0
        await it.end()

    rig.run(story())


def test_the_brokers_receive_maximum_is_told(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        it.broker.connack = b"\x20\x06\x00\x00\x03\x21\x00\x0a"
        await it.connect()
        assert it.told.events == [("connected", False, 10)]
        await it.end()

    rig.run(story())


def test_a_publish_carries_its_whole_header_at_qos_1(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.connect()
        packet_id = it.port.publish(MESSAGE)
        seen = await it.broker.publish()
        assert (seen.topic_name, seen.qos, seen.packet_id) == (MESSAGE.topic, 1, packet_id)
        assert (seen.retain, seen.duplicate, seen.payload) == (False, False, b"{}")
        assert dict(seen.properties.without(PropertyId.USER_PROPERTY)) == {
            PropertyId.MESSAGE_EXPIRY_INTERVAL: 60,
            PropertyId.RESPONSE_TOPIC: MESSAGE.response_topic,
            PropertyId.CORRELATION_DATA: MESSAGE.correlation_data,
        }
        user_properties = [("key", MESSAGE.key), ("traceparent", MESSAGE.traceparent)]
        assert seen.properties.user_properties() == user_properties
        it.port.publish(PLAIN._replace(retain=True, key=""))
        bare = await it.broker.publish()
        assert (bare.retain, bare.payload, bare.tail) == (True, b"", b"\x00")
        await it.end()

    rig.run(story())


@pytest.mark.parametrize("reason_code", [0x00, 0x10, 0x87, 0x97])
def test_a_puback_is_told_with_its_reason_code_once(rig: Rig, reason_code: int) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.connect()
        packet_id = it.port.publish(PLAIN)
        await it.broker.publish()
        it.broker.send(encode_puback(packet_id, reason_code) * 2)
        other = it.port.publish(PLAIN)
        await it.broker.publish()
        it.broker.send(b"\x40\x04" + other.to_bytes(2, "big") + b"\x00\x00")  # reason code, no properties
        await it.told.until("acknowledged", 2)
        assert it.told.events[1:] == [("acknowledged", packet_id, reason_code), ("acknowledged", other, 0)]
        await it.end()

    rig.run(story())


def test_a_message_arrives_whole_and_is_acknowledged_when_the_program_says_so(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.connect()
        properties = Properties(
            (PropertyId.CONTENT_TYPE, "application/json"),
            (PropertyId.USER_PROPERTY, ("other", "x")),
            (PropertyId.USER_PROPERTY, ("traceparent", "T")),
            (PropertyId.USER_PROPERTY, ("key", "K")),
            (PropertyId.CORRELATION_DATA, b"c"),
            (PropertyId.RESPONSE_TOPIC, "r"),
            (PropertyId.PAYLOAD_FORMAT_INDICATOR, 1),
            (PropertyId.SUBSCRIPTION_IDENTIFIER, 300),
            (PropertyId.MESSAGE_EXPIRY_INTERVAL, 9),
        ).encode()
        it.broker.send(encode_publish("a/b", b"payload", 7, properties, retain=True, duplicate=True))
        await it.told.until("received")
        it.port.publish(PLAIN)
        await it.broker.publish()
        assert it.broker.waiting(wire.PUBACK) == 0
        message = it.told.messages[0]
        assert message[:-1] == ("a/b", b"payload", "K", "T", 9, "r", b"c", True, True)
        message.acknowledge()
        message.acknowledge()
        assert await it.broker.packet(wire.PUBACK) == encode_puback(7)
        it.port.publish(PLAIN)
        await it.broker.publish()
        assert it.broker.waiting(wire.PUBACK) == 0
        await it.end()

    rig.run(story())


def test_many_packets_in_one_read_and_one_packet_in_many_reads(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.connect()
        packets = b"".join(encode_publish("a", b"x" * 300, number) for number in range(1, 8))
        it.told.on_received = lambda message: message.acknowledge()
        for at in range(0, len(packets), 211):
            it.broker.send(packets[at : at + 211])
            await asyncio.sleep(0.001)
        for number in range(1, 8):
            assert await it.broker.packet(wire.PUBACK) == encode_puback(number)
        await it.end()

    rig.run(story())


def test_an_acknowledgement_belongs_to_its_connection(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.connect()
        it.broker.send(encode_publish("a", b"", 1))
        await it.told.until("received")
        it.broker.close()
        await it.told.until("connected", 2)
        it.broker.send(encode_publish("a", b"", 1, duplicate=True))
        await it.told.until("received", 2)
        first, second = it.told.messages
        first.acknowledge()
        it.port.publish(PLAIN)
        await it.broker.publish()
        assert it.broker.waiting(wire.PUBACK) == 0
        second.acknowledge()
        await it.broker.packet(wire.PUBACK)
        await it.end()

    rig.run(story())


ENDINGS = {
    "close": "connection lost",
    "reset": "connection lost",
    "disconnect": "Session taken over",
    "garbage": "Protocol error",
    "qos 2": "Protocol error",
    "malformed": "Protocol error",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_however_a_connection_ends_it_is_told_once_and_a_new_one_follows(rig: Rig, ending: str) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.connect()
        match ending:
            case "close":
                it.broker.close()
            case "reset":
                it.broker.reset()
            case "disconnect":
                it.broker.send(b"\xe0\x01\x8e")
            case "garbage":
                it.broker.send(b"\x00\xff\xff\xff\xff\xff\xff")
            case "qos 2":
                it.broker.send(b"\x34\x06\x00\x01a\x00\x01\x00")
            case "malformed":
                it.broker.send(b"\x32\x08\x00\x01a\x00\x01\x02\x26\x09")
        await it.told.until("connected", 2)
        assert [event[0] for event in it.told.events] == ["connected", "disconnected", "connected"]
        assert it.told.events[1] == ("disconnected", ENDINGS[ending])
        await it.end()
        assert it.told.count("disconnected") == 2

    rig.run(story())


def test_nothing_is_published_without_a_connection_and_nothing_is_queued_for_the_next(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.begin()
        with pytest.raises(NotConnectedError):
            it.port.publish(PLAIN)
        await it.told.until("connected")
        states = [it.port.is_connected]
        it.port.publish(PLAIN._replace(topic="unacknowledged"))
        await it.broker.publish()
        it.broker.close()
        await it.told.until("disconnected")
        states.append(it.port.is_connected)
        assert states == [True, False]
        with pytest.raises(NotConnectedError):
            it.port.publish(PLAIN)
        await it.told.until("connected", 2)
        it.port.publish(PLAIN._replace(topic="new"))
        assert (await it.broker.publish()).topic_name == "new"
        await it.end()

    rig.run(story())


def test_a_refused_connection_is_not_told_and_tried_again(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        it.broker.connack = b"\x20\x03\x00\x87\x00"
        await it.begin()
        await it.broker.packet(wire.CONNECT)
        await it.broker.packet(wire.CONNECT)
        assert it.told.events == []
        it.broker.connack = wire.CONNACK
        await it.told.until("connected")
        await it.end()

    rig.run(story())


def test_a_handler_that_fails_is_reported_and_the_session_lives_on(rig: Rig) -> None:
    async def story() -> None:
        failures: list[BaseException] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda loop, context: failures.append(context["exception"])
        )
        it = Story(rig)
        await it.connect()

        def fail(message: IncomingMessage) -> None:
            raise ZeroDivisionError

        it.told.on_received = fail
        it.broker.send(encode_publish("a", b"", 1))
        await it.told.until("received")
        it.told.on_received = lambda message: message.acknowledge()
        it.broker.send(encode_publish("a", b"", 2))
        assert await it.broker.packet(wire.PUBACK) == encode_puback(2)
        assert [type(failure) for failure in failures] == [ZeroDivisionError]
        assert it.told.count("connected") == 1
        await it.end()

    rig.run(story())


def test_a_program_may_publish_and_acknowledge_from_its_handlers(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.connect()

        def answer(message: IncomingMessage) -> None:
            it.port.publish(PLAIN._replace(topic="answer"))
            message.acknowledge()

        it.told.on_received = answer
        it.broker.send(encode_publish("a", b"", 1))
        assert (await it.broker.publish()).topic_name == "answer"
        assert await it.broker.packet(wire.PUBACK) == encode_puback(1)
        await it.end()

    rig.run(story())


def test_more_bytes_than_the_road_takes_wait_for_it_in_order(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.connect()
        await it.broker.packet(wire.SUBSCRIBE)
        it.broker.pause()
        for number in range(40):
            it.port.publish(PLAIN._replace(payload=bytes((number,)) * 300_000))
        it.broker.resume()
        for number in range(40):
            assert (await it.broker.publish()).payload == bytes((number,)) * 300_000
        await it.end()

    rig.run(story())


def test_stopping_says_goodbye_and_ends_the_run(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.connect()
        it.port.stop()
        await it.running
        assert await it.broker.packet(wire.DISCONNECT) == b"\xe0\x00"
        assert it.told.events[1:] == [("disconnected", "stopped")]
        await it.end()

    rig.run(story())


def test_a_handler_may_stop_the_port(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.connect()
        it.told.on_received = lambda message: it.port.stop()
        it.broker.send(encode_publish("a", b"", 1))
        await it.running
        await it.broker.packet(wire.DISCONNECT)
        await it.end()

    rig.run(story())


def test_stopping_ends_the_wait_between_two_attempts(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig, back_off_min_s=10_000.0, back_off_max_s=10_000.0)
        await it.connect()
        it.broker.stop()
        await it.told.until("disconnected")
        it.port.stop()
        await it.running
        await it.end()

    rig.run(story())


def test_the_radios_return_ends_the_wait_at_once(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig, back_off_min_s=10_000.0, back_off_max_s=10_000.0)
        await it.connect()
        it.broker.close()
        await it.told.until("disconnected")
        await asyncio.sleep(0)
        it.port.reset_back_off()
        await it.told.until("connected", 2)
        assert it.broker.accepted == 2
        await it.end()

    rig.run(story())


def test_the_radios_return_during_an_attempt_leaves_one_session(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.begin()
        await asyncio.sleep(0)
        it.port.reset_back_off()
        await it.told.until("connected")
        it.port.reset_back_off()
        it.port.publish(PLAIN)
        await it.broker.packet(wire.CONNECT)
        await it.broker.publish()
        assert it.broker.waiting(wire.CONNECT) == 0
        assert it.told.count("connected") == 1
        await it.end()

    rig.run(story())


def test_a_cancelled_run_closes_its_connection(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.connect()
        it.running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await it.running
        assert it.told.events[1:] == [("disconnected", "stopped")]
        assert not it.port.is_connected
        await it.end()

    rig.run(story())
