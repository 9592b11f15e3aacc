"""What the port does with a broker that refuses, restricts, or breaks the protocol; what the user is told."""

import pytest

from runtime.errors import NotConnectedError
from runtime.mqtt.errors import UnsendableError
from runtime.mqtt.properties import Properties, PropertyId, Value
from runtime.mqtt.publish import encode_publish
from runtime.mqtt.reason_codes import ReasonCode
from runtime.mqtt.server_terms import read_connack
from runtime.mqtt.session_packets import Connack, Disconnect
from runtime.mqtt.subscribe_packets import Suback
from tests.runtime.mqtt import scripted_broker as wire
from tests.runtime.mqtt.port_rigs import RealRig, Rig, VirtualRig
from tests.runtime.mqtt.port_story import PLAIN, Story

PROTOCOL_ERROR, MALFORMED, UNSUPPORTED = 0x82, 0x81, 0x83


@pytest.fixture(params=[VirtualRig, RealRig], ids=["virtual", "sockets"])
def rig(request: pytest.FixtureRequest) -> Rig:
    """Each world in turn."""
    made: Rig = request.param()
    return made


def connack(code: int = 0, *pairs: tuple[PropertyId, Value]) -> bytes:
    return Connack(False, ReasonCode(code), Properties(*pairs)).encode()


def goodbye(reason_code: int) -> bytes:
    return bytes((0xE0, 1, reason_code))


# CONNACK

REFUSALS = {
    "Bad user name or password": connack(0x86),
    "Not authorized: car unknown": connack(0x87, (PropertyId.REASON_STRING, "car unknown")),
    "Server unavailable": connack(0x88),
    "Server busy": connack(0x89),
    "QoS not supported": connack(0x9B),
    "Use another server (b2.example:1883)": connack(0x9C, (PropertyId.SERVER_REFERENCE, "b2.example:1883")),
    "Server moved (b3.example)": connack(0x9D, (PropertyId.SERVER_REFERENCE, "b3.example")),
    "Quota exceeded: line one?line two": connack(0x97, (PropertyId.REASON_STRING, "line one\nline two")),
    "the broker does not speak MQTT 5 (return code 1)": b"\x20\x02\x00\x01",
}


@pytest.mark.parametrize("told", REFUSALS)
def test_a_refused_connection_is_told_once_and_tried_again_until_the_broker_takes_us(
    rig: Rig, told: str
) -> None:
    async def story() -> None:
        it = Story(rig)
        it.broker.connack = REFUSALS[told]
        await it.begin()
        for _ in range(3):
            await it.broker.packet(wire.CONNECT)
        with pytest.raises(NotConnectedError):
            it.port.publish(PLAIN)
        it.broker.connack = wire.CONNACK
        await it.told.until("connected")
        assert it.told.failures == [(told, True)]
        assert [event[0] for event in it.told.events] == ["connected"]
        await it.end()

    rig.run(story())


def test_another_reason_is_told_and_so_is_the_same_one_after_a_session(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        it.broker.connack = connack(0x89)
        await it.begin()
        assert await it.told.until_failed() == ("Server busy", True)
        it.broker.connack = connack(0x88)
        assert await it.told.until_failed(2) == ("Server unavailable", True)
        it.broker.connack = wire.CONNACK
        await it.told.until("connected")
        it.broker.connack = connack(0x88)
        it.broker.close()
        assert await it.told.until_failed(3) == ("Server unavailable", True)
        await it.end()

    rig.run(story())


def test_a_broker_that_takes_no_qos_1_is_told_so_and_named_to_the_user(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        it.broker.connack = connack(0, (PropertyId.MAXIMUM_QOS, 0))
        await it.begin()
        assert await it.broker.packet(wire.DISCONNECT) == goodbye(UNSUPPORTED)
        told = "the broker takes QoS 0 only (Maximum QoS): allow QoS 1 there"
        assert await it.told.until_failed() == (told, True)
        it.broker.connack = connack(0, (PropertyId.MAXIMUM_QOS, 1))
        await it.told.until("connected")
        assert it.told.events == [("connected", False, 65_535)]
        await it.end()

    rig.run(story())


def test_a_broker_that_retains_nothing_is_sent_nothing_to_retain(rig: Rig) -> None:
    """[MQTT-3.2.2-14]"""

    async def story() -> None:
        it = Story(rig)
        it.broker.connack = connack(0, (PropertyId.RETAIN_AVAILABLE, 0))
        await it.connect()
        with pytest.raises(UnsendableError, match="RETAIN_NOT_SUPPORTED"):
            it.port.publish(PLAIN._replace(retain=True))
        it.port.publish(PLAIN)
        assert not (await it.broker.publish()).retain
        await it.end()

    rig.run(story())


def test_the_brokers_keep_alive_is_kept() -> None:
    """Section 3.2.2.3.14"""
    rig = VirtualRig()

    async def story() -> None:
        it = Story(rig, keepalive_s=30)
        it.broker.connack = connack(0, (PropertyId.SERVER_KEEP_ALIVE, 7))
        await it.connect()
        up_s = rig.loop.time()
        await it.broker.packet(wire.PINGREQ)
        # Counted from CONNECT, a round trip before; PINGREQ takes one way.
        assert rig.loop.time() - up_s == pytest.approx(7 - 0.1, abs=0.002)
        await it.end()

    rig.run(story())


def test_a_keep_alive_of_0_is_none() -> None:
    rig = VirtualRig()

    async def story() -> None:
        it = Story(rig, keepalive_s=30)
        it.broker.connack = connack(0, (PropertyId.SERVER_KEEP_ALIVE, 0))
        await it.connect()
        rig.loop.call_later(24 * 3600, it.port.stop)
        await it.running
        await it.broker.packet(wire.DISCONNECT)
        assert it.broker.waiting(wire.PINGREQ) == 0
        assert it.told.count("connected") == 1
        await it.end()

    rig.run(story())


def test_terms_that_are_not_given_are_those_of_the_standard() -> None:
    terms = read_connack(wire.CONNACK[2:])
    assert (terms.receive_maximum, terms.max_packet_size) == (65_535, 268_435_460)
    assert (terms.keepalive_s, terms.retain_available, terms.refusal) == (None, True, "")


# SUBACK

SUBACKS = {
    "subscription refused: Not authorized: no such car": Suback(
        1, (ReasonCode.NOT_AUTHORIZED,), Properties((PropertyId.REASON_STRING, "no such car"))
    ),
    "subscription refused: Topic filter invalid": Suback(1, (ReasonCode.TOPIC_FILTER_INVALID,)),
    "subscription refused: Quota exceeded": Suback(1, (ReasonCode.GRANTED_QOS_1, ReasonCode.QUOTA_EXCEEDED)),
    "subscription granted at QoS 0 only, which may lose messages": Suback(1, (ReasonCode.SUCCESS,)),
}


@pytest.mark.parametrize("told", SUBACKS)
def test_a_session_without_its_subscription_ends_and_says_why(rig: Rig, told: str) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.connect()
        await it.broker.packet(wire.SUBSCRIBE)
        it.broker.send(SUBACKS[told].encode())
        assert await it.broker.packet(wire.DISCONNECT) == goodbye(UNSUPPORTED)
        assert await it.told.until("disconnected") == ("disconnected", told)
        await it.told.until("connected", 2)
        it.broker.subscribed(await it.broker.packet(wire.SUBSCRIBE))
        it.port.publish(PLAIN)
        await it.broker.publish()
        assert it.told.count("disconnected") == 1
        await it.end()

    rig.run(story())


# DISCONNECT

ENDINGS = {
    "Session taken over: another client has connected with our identifier": Disconnect(
        ReasonCode.SESSION_TAKEN_OVER
    ),
    "Server shutting down": Disconnect(ReasonCode.SERVER_SHUTTING_DOWN),
    "Keep alive timeout": Disconnect(ReasonCode.KEEP_ALIVE_TIMEOUT),
    "Closed by the broker": Disconnect(),
    "Use another server: full (b2.example)": Disconnect(
        ReasonCode.USE_ANOTHER_SERVER,
        Properties((PropertyId.REASON_STRING, "full"), (PropertyId.SERVER_REFERENCE, "b2.example")),
    ),
}


@pytest.mark.parametrize("told", ENDINGS)
def test_a_session_that_the_broker_ends_is_told_with_the_brokers_reason(rig: Rig, told: str) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.connect()
        it.broker.send(ENDINGS[told].encode())
        assert await it.told.until("disconnected") == ("disconnected", told)
        await it.told.until("connected", 2)
        await it.end()

    rig.run(story())


def test_a_brokers_text_shows_no_vin() -> None:
    text = "no WBA12345678901234 here" + "." * 300
    shown = read_connack(connack(0x87, (PropertyId.REASON_STRING, text))[3:]).refusal
    assert "WBA**********1234" in shown
    assert len(shown) < 250


# What a broker may not send

FORBIDDEN = {
    "PUBLISH at QoS 2": (b"\x34\x06\x00\x01a\x00\x01\x00", PROTOCOL_ERROR),
    "PUBLISH at QoS 3": (b"\x36\x06\x00\x01a\x00\x01\x00", MALFORMED),
    "PUBLISH without a topic": (b"\x32\x05\x00\x00\x00\x01\x00", PROTOCOL_ERROR),
    "PUBLISH with packet identifier 0": (b"\x32\x06\x00\x01a\x00\x00\x00", PROTOCOL_ERROR),
    "PUBLISH: ": (b"\x32\x02\x00\x09", MALFORMED),
    "begins with 0x50": (b"\x50\x02\x00\x01", PROTOCOL_ERROR),
    "begins with 0x62": (b"\x62\x02\x00\x01", PROTOCOL_ERROR),
    "begins with 0x70": (b"\x70\x02\x00\x01", PROTOCOL_ERROR),
    "begins with 0xC0": (b"\xc0\x00", PROTOCOL_ERROR),
    "begins with 0xF0": (b"\xf0\x00", PROTOCOL_ERROR),
    "begins with 0xD0": (b"\xd0\x01\x00", PROTOCOL_ERROR),
    "begins with 0x41": (b"\x41\x02\x00\x01", PROTOCOL_ERROR),
    "PUBACK without": (b"\x40\x01\x00", MALFORMED),
    "a second CONNACK": (wire.CONNACK, PROTOCOL_ERROR),
    "no reason code 0x7F": (b"\xe0\x01\x7f", PROTOCOL_ERROR),
    "no reason code 0x77": (b"\x90\x04\x00\x01\x00\x77", PROTOCOL_ERROR),
    "more than four bytes": (b"\x30\xff\xff\xff\xff\x01", MALFORMED),
}


@pytest.mark.parametrize("told", FORBIDDEN)
def test_what_has_no_place_at_qos_1_ends_the_connection_with_its_reason_code(rig: Rig, told: str) -> None:
    """Section 4.13.1"""

    async def story() -> None:
        packet, reason_code = FORBIDDEN[told]
        it = Story(rig)
        await it.connect()
        await it.broker.packet(wire.SUBSCRIBE)
        it.broker.send(packet)
        assert await it.broker.packet(wire.DISCONNECT) == goodbye(reason_code)
        _, reason = await it.told.until("disconnected")
        assert str(reason).startswith("Protocol error: ")
        assert told in str(reason)
        assert it.told.messages == []
        await it.told.until("connected", 2)
        await it.end()

    rig.run(story())


EARLY = {
    "PUBLISH": encode_publish("a", b"", 1),
    "PUBACK": b"\x40\x02\x00\x01",
    "SUBACK": b"\x90\x04\x00\x01\x00\x01",
    "CONNACK 0x01": b"\x20\x03\x00\x01\x00",
    "CONNACK with flags": b"\x20\x03\x02\x00\x00",
    "CONNACK cut off": b"\x20\x03\x00\x00\x05",
}


@pytest.mark.parametrize("name", EARLY)
def test_what_may_not_come_first_is_no_session(rig: Rig, name: str) -> None:
    """[MQTT-3.2.0-1], [MQTT-3.2.2-1]"""

    async def story() -> None:
        it = Story(rig)
        it.broker.connack = EARLY[name]
        await it.begin()
        await it.broker.packet(wire.DISCONNECT)
        reason, refused = await it.told.until_failed()
        assert reason.startswith("Protocol error: ")
        assert not refused
        assert it.told.messages == []
        it.broker.connack = wire.CONNACK
        await it.told.until("connected")
        await it.end()

    rig.run(story())


def test_what_came_before_a_forbidden_packet_is_taken_and_acknowledged_first(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        it.told.on_received = lambda message: message.acknowledge()
        await it.connect()
        it.broker.send(encode_publish("a", b"", 7) + b"\x34\x06\x00\x01a\x00\x01\x00")
        assert await it.broker.packet(wire.PUBACK) == b"\x40\x02\x00\x07"
        assert await it.broker.packet(wire.DISCONNECT) == goodbye(PROTOCOL_ERROR)
        assert it.told.count("received") == 1
        await it.end()

    rig.run(story())


def test_the_port_asks_for_qos_1_and_publishes_at_qos_1_and_has_no_way_to_ask_for_more(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig, subscriptions=("a/+", "b/#"))
        await it.connect()
        subscribe = await it.broker.packet(wire.SUBSCRIBE)
        options = [subscribe[subscribe.index(end) + len(end)] for end in (b"a/+", b"b/#")]
        assert [option & 3 for option in options] == [1, 1]
        it.port.publish(PLAIN)
        assert (await it.broker.publish()).qos == 1
        assert not hasattr(PLAIN, "qos")
        await it.end()

    rig.run(story())
