"""What every broker of this project does about Receive Maximum and Maximum Packet Size (section 4.9)."""

from runtime.mqtt.packets import (
    Connect,
    Properties,
    PropertyId,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    ReasonCode,
    Suback,
    Subscribe,
    Subscription,
    encode_publish,
    make_publish,
)
from tests.runtime.mqtt.broker_places import Visit, checked
from tests.runtime.mqtt.raw_client import RawClient


async def flooded(visit: Visit, count: int, qos: int, receive_maximum: int = 0xFFFF) -> RawClient:
    """A client for which `count` messages were published, numbered."""
    client, _ = await visit.resume("car", receive_maximum=receive_maximum)
    sender = await visit.join("sender")
    await client.subscribe(Subscription("a", qos))
    for number in range(count):
        await sender.publish("a", b"%d" % number, qos=qos)
    return client


# Receive Maximum of the client


@checked
async def test_no_more_than_the_clients_receive_maximum_is_in_flight(visit: Visit) -> None:
    """[MQTT-3.3.4-9, MQTT-4.9.0-1, MQTT-4.9.0-2]"""
    client = await flooded(visit, 4, 1, receive_maximum=2)
    first, second = await client.expect(Publish), await client.expect(Publish)
    await client.expect_nothing()
    client.send(Puback(first.packet_id))
    third = await client.expect(Publish)
    assert [each.payload for each in (first, second, third)] == [b"0", b"1", b"2"]
    await client.expect_nothing()


@checked
async def test_a_qos_2_message_is_in_flight_until_pubcomp(visit: Visit) -> None:
    """[MQTT-3.3.4-9], section 4.9."""
    client = await flooded(visit, 3, 2, receive_maximum=1)
    for number in range(3):
        message = await client.expect(Publish)
        assert message.payload == b"%d" % number
        await client.expect_nothing()
        client.send(Pubrec(message.packet_id))
        await client.expect(Pubrel)
        await client.expect_nothing()
        client.send(Pubcomp(message.packet_id))


@checked
async def test_a_qos_2_message_that_is_refused_is_in_flight_no_more(visit: Visit) -> None:
    """Section 4.9: PUBREC from 0x80 on counts like PUBCOMP."""
    client = await flooded(visit, 2, 2, receive_maximum=1)
    message = await client.expect(Publish)
    client.send(Pubrec(message.packet_id, ReasonCode.UNSPECIFIED_ERROR))
    assert (await client.expect(Publish)).payload == b"1"


@checked
async def test_qos_0_needs_no_place_in_flight(visit: Visit) -> None:
    """[MQTT-3.3.4-10, MQTT-4.9.0-3]"""
    client = await flooded(visit, 1, 1, receive_maximum=1)
    await client.expect(Publish)
    await client.subscribe(Subscription("b", 0))
    await (await visit.join("other")).publish("b", b"at once")
    assert (await client.expect(Publish)).payload == b"at once"


@checked
async def test_a_full_window_stops_nothing_but_publish(visit: Visit) -> None:
    """[MQTT-3.3.4-10, MQTT-4.9.0-3]"""
    client = await flooded(visit, 2, 1, receive_maximum=1)
    message = await client.expect(Publish)
    assert await client.subscribe(Subscription("b")) == (1,)
    assert await client.unsubscribe("b") == (ReasonCode.SUCCESS,)
    await client.publish("c")
    await client.publish("c", qos=2)
    client.send(Puback(message.packet_id))
    assert (await client.message()).payload == b"1"


@checked
async def test_redelivery_keeps_to_the_receive_maximum_of_the_new_connection(visit: Visit) -> None:
    """[MQTT-3.3.4-9, MQTT-4.9.0-1]"""
    client = await flooded(visit, 3, 1)
    for _ in range(3):
        await client.expect(Publish)
    client.drop()
    client, _ = await visit.resume("car", receive_maximum=1)
    for number in range(3):
        message = await client.expect(Publish)
        assert (message.payload, message.duplicate) == (b"%d" % number, True)
        await client.expect_nothing()
        client.send(Puback(message.packet_id))


@checked
async def test_all_that_waited_for_a_window_comes_in_order(visit: Visit) -> None:
    """[MQTT-4.6.0-5]"""
    client = await flooded(visit, 20, 1, receive_maximum=3)
    assert await client.payloads(20) == [b"%d" % number for number in range(20)]


# Receive Maximum of the broker


@checked
async def test_a_client_may_use_all_of_the_brokers_receive_maximum(visit: Visit) -> None:
    """Section 3.2.2.3.3: 65,535 when it is not said."""
    client = await visit.open()
    connack = await client.connect(Connect("car"))
    count = min(connack.properties.integer(PropertyId.RECEIVE_MAXIMUM, 0xFFFF), 200)
    client.send(b"".join(encode_publish("a", b"", each, qos=2) for each in range(1, count + 1)))
    assert [(await client.expect(Pubrec)).packet_id for _ in range(count)] == list(range(1, count + 1))
    client.send(b"".join(Pubrel(each).encode() for each in range(1, count + 1)))
    assert [(await client.expect(Pubcomp)).packet_id for _ in range(count)] == list(range(1, count + 1))


# Maximum Packet Size of the client


@checked
async def test_a_message_above_the_clients_maximum_packet_size_is_left_out(visit: Visit) -> None:
    """[MQTT-3.1.2-24, MQTT-3.1.2-25]"""
    for qos in range(3):
        client = await visit.join(f"car-{qos}", maximum_packet_size=100)
        sender = await visit.join("sender")
        await client.subscribe(Subscription(f"a/{qos}", qos))
        await sender.publish(f"a/{qos}", b"x" * 200, qos=qos)
        await sender.publish(f"a/{qos}", b"small", qos=qos)
        assert (await client.message()).payload == b"small"
        await client.expect_nothing()


@checked
async def test_a_message_of_just_the_clients_maximum_packet_size_is_sent(visit: Visit) -> None:
    """[MQTT-3.1.2-24]: fixed header and all."""
    client = await visit.join("car", maximum_packet_size=100)
    sender = await visit.join("sender")
    await client.subscribe(Subscription("a", 1))
    fits = 100 - len(encode_publish("a", b"", 1))
    await sender.publish("a", b"y" * (fits + 1))
    await sender.publish("a", b"x" * fits)
    message = await client.message()
    assert message.payload == b"x" * fits
    assert len(message.encode()) == 100


@checked
async def test_a_message_too_large_for_one_client_reaches_the_others(visit: Visit) -> None:
    """[MQTT-3.1.2-25]"""
    small, large = await visit.join("small", maximum_packet_size=100), await visit.join("large")
    for client in (small, large):
        await client.subscribe(Subscription("a", 1))
    await (await visit.join("sender")).publish("a", b"x" * 200)
    assert len((await large.message()).payload) == 200
    await small.expect_nothing()


@checked
async def test_a_message_that_waited_is_left_out_when_it_is_too_large_for_the_next_connection(
    visit: Visit,
) -> None:
    """[MQTT-3.1.2-25]: as if it had been sent; what is behind it comes."""
    client, _ = await visit.resume("car")
    await client.subscribe(Subscription("a", 1))
    await client.disconnect()
    sender = await visit.join("sender")
    await sender.publish("a", b"x" * 200)
    await sender.publish("a", b"small")
    client, _ = await visit.resume("car", maximum_packet_size=100)
    assert (await client.message()).payload == b"small"
    await client.expect_nothing()


@checked
async def test_a_retained_message_above_the_clients_maximum_packet_size_is_left_out(visit: Visit) -> None:
    """[MQTT-3.1.2-24, MQTT-3.1.2-25]"""
    await (await visit.join("sender")).publish("a", b"x" * 200, retain=True)
    client = await visit.join("car", maximum_packet_size=100)
    client.send(Subscribe(1, (Subscription("a"),)))
    await client.expect(Suback)
    await client.expect_nothing()


@checked
async def test_a_property_counts_for_the_maximum_packet_size(visit: Visit) -> None:
    """[MQTT-3.1.2-24]: the Subscription Identifier of the receiver, too."""
    fits = len(encode_publish("a", b"x" * 50, 0, qos=0))
    client = await visit.join("car", maximum_packet_size=fits)
    await client.subscribe(
        Subscription("a", 0), properties=Properties((PropertyId.SUBSCRIPTION_IDENTIFIER, 1))
    )
    sender = await visit.join("sender")
    sender.send(make_publish("a", b"x" * 50), make_publish("a", b"x" * 48))
    assert len((await client.message()).payload) == 48
    await client.expect_nothing()
