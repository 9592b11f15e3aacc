"""Messages through the MQTT port on paho, against a broker that says only what it is told: on both loops."""

import asyncio

import pytest

from runtime.mqtt.properties import Properties, PropertyId
from runtime.mqtt.publish import encode_puback, encode_publish
from tests.runtime.mqtt import scripted_broker as wire
from tests.runtime.mqtt.port_rigs import RealRig, Rig, VirtualRig
from tests.runtime.mqtt.port_story import FILTER, MESSAGE, PLAIN, Story


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
        assert subscribe.endswith(FILTER.encode() + b"\x11")  # QoS 1, retained messages if it is new
        it.broker.subscribed(subscribe)
        it.broker.connack = wire.CONNACK_SESSION_PRESENT
        it.broker.close()
        assert await it.told.until("connected", 2) == ("connected", True, 65535)
        it.port.publish(PLAIN)
        await it.broker.packet(wire.CONNECT)
        packets = [await it.broker.packet(wire.PUBLISH), it.broker.waiting(wire.SUBSCRIBE)]
        assert packets[1] == 0
        await it.end()

    rig.run(story())


@pytest.mark.parametrize("reason_code", [None, 0x87], ids=["lost on the road", "refused"])
def test_a_kept_session_is_subscribed_until_the_broker_has_granted_it(
    rig: Rig, reason_code: int | None
) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.connect()
        subscribe = await it.broker.packet(wire.SUBSCRIBE)
        if reason_code is not None:
            it.broker.subscribed(subscribe, reason_code)
        it.broker.connack = wire.CONNACK_SESSION_PRESENT
        it.broker.close()
        await it.told.until("connected", 2)
        it.broker.subscribed(await it.broker.packet(wire.SUBSCRIBE))
        it.broker.close()
        await it.told.until("connected", 3)
        it.port.publish(PLAIN)
        await it.broker.packet(wire.CONNECT)
        assert [await it.broker.packet(wire.PUBLISH), it.broker.waiting(wire.SUBSCRIBE)][1] == 0
        await it.end()

    rig.run(story())


def test_a_new_process_subscribes_in_the_session_it_finds(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        it.broker.connack = wire.CONNACK_SESSION_PRESENT
        await it.connect()
        assert FILTER.encode() in await it.broker.packet(wire.SUBSCRIBE)
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
