"""What every broker of this project does with topic aliases, both ways (section 3.3.2.3.4)."""

from runtime.mqtt.packets import (
    Connect,
    Properties,
    PropertyId,
    Puback,
    Publish,
    ReasonCode,
    Subscription,
    make_publish,
)
from tests.runtime.mqtt.broker_places import Visit, checked
from tests.runtime.mqtt.raw_client import RawClient


def aliased(topic: str, alias: int, payload: bytes = b"", packet_id: int = 0) -> Publish:
    """A PUBLISH with a topic alias, at QoS 1 when it has an identifier."""
    properties = Properties((PropertyId.TOPIC_ALIAS, alias))
    return make_publish(topic, payload, qos=1 if packet_id else 0, packet_id=packet_id, properties=properties)


async def pair(visit: Visit) -> tuple[RawClient, RawClient, int]:
    """A subscriber of everything, a sender, and the largest alias that the broker takes."""
    listener = await visit.join("listener")
    await listener.subscribe(Subscription("#", 0))
    sender = await visit.open()
    connack = await sender.connect(Connect("car"))
    return listener, sender, connack.properties.integer(PropertyId.TOPIC_ALIAS_MAXIMUM, 0)


# From the client


@checked
async def test_an_alias_stands_for_the_topic_it_was_set_up_with(visit: Visit) -> None:
    """[MQTT-3.3.2-12]: and is not passed on."""
    listener, sender, maximum = await pair(visit)
    assert maximum >= 1
    sender.send(aliased("a/b", 1, b"1"), aliased("", 1, b"2"), aliased("", 1, b"3"))
    messages = [await listener.message() for _ in range(3)]
    assert [(each.topic_name, each.payload) for each in messages] == [
        ("a/b", b"1"),
        ("a/b", b"2"),
        ("a/b", b"3"),
    ]
    assert not any(PropertyId.TOPIC_ALIAS in each.properties for each in messages)


@checked
async def test_every_alias_up_to_the_announced_maximum_is_taken(visit: Visit) -> None:
    """[MQTT-3.3.2-12]"""
    listener, sender, maximum = await pair(visit)
    sender.send(*(aliased(f"a/{alias}", alias) for alias in range(1, maximum + 1)))
    sender.send(*(aliased("", alias) for alias in range(1, maximum + 1)))
    topics = [f"a/{alias}" for alias in range(1, maximum + 1)]
    assert [(await listener.message()).topic_name for _ in range(2 * maximum)] == topics * 2


@checked
async def test_an_alias_may_be_given_to_another_topic(visit: Visit) -> None:
    """Section 3.3.2.3.4."""
    listener, sender, _ = await pair(visit)
    sender.send(aliased("a", 1), aliased("b", 1), aliased("", 1))
    assert [(await listener.message()).topic_name for _ in range(3)] == ["a", "b", "b"]


@checked
async def test_a_topic_without_its_alias_is_still_a_topic(visit: Visit) -> None:
    """Section 3.3.2.3.4."""
    listener, sender, _ = await pair(visit)
    sender.send(aliased("a", 1), make_publish("b"), aliased("", 1))
    assert [(await listener.message()).topic_name for _ in range(3)] == ["a", "b", "a"]


@checked
async def test_an_alias_is_understood_with_other_properties_and_at_qos_1(visit: Visit) -> None:
    """[MQTT-3.3.2-12, MQTT-3.3.2-17]"""
    listener, sender, _ = await pair(visit)
    sender.send(aliased("a", 1))
    properties = Properties(
        (PropertyId.USER_PROPERTY, ("k", "v")), (PropertyId.TOPIC_ALIAS, 1), (PropertyId.CONTENT_TYPE, "x")
    )
    sender.send(make_publish("", b"x", qos=1, packet_id=9, properties=properties))
    assert (await sender.expect(Puback)).packet_id == 9
    await listener.message()
    message = await listener.message()
    kept = properties.without(PropertyId.TOPIC_ALIAS)
    assert (message.topic_name, message.payload) == ("a", b"x")
    assert sorted(map(repr, message.properties)) == sorted(map(repr, kept))


@checked
async def test_alias_zero_is_refused(visit: Visit) -> None:
    """[MQTT-3.3.2-8, MQTT-3.2.2-18]"""
    _, sender, _ = await pair(visit)
    sender.send(aliased("a", 0))
    await sender.expect_end(ReasonCode.TOPIC_ALIAS_INVALID)


@checked
async def test_an_alias_above_the_announced_maximum_is_refused(visit: Visit) -> None:
    """[MQTT-3.3.2-9, MQTT-3.2.2-17]"""
    _, sender, maximum = await pair(visit)
    sender.send(aliased("a", maximum + 1))
    await sender.expect_end(ReasonCode.TOPIC_ALIAS_INVALID)


@checked
async def test_an_alias_that_was_not_set_up_is_refused(visit: Visit) -> None:
    """Section 3.3.2.3.4."""
    _, sender, _ = await pair(visit)
    sender.send(aliased("", 1))
    await sender.expect_end(ReasonCode.PROTOCOL_ERROR)


@checked
async def test_aliases_end_with_their_connection(visit: Visit) -> None:
    """[MQTT-3.3.2-7]: not with the session."""
    sender, _ = await visit.resume("car")
    sender.send(aliased("a", 1))
    await sender.expect_nothing()
    sender.drop()
    sender, connack = await visit.resume("car")
    assert connack.session_present
    sender.send(aliased("", 1))
    await sender.expect_end(ReasonCode.PROTOCOL_ERROR)


@checked
async def test_aliases_of_two_clients_are_apart(visit: Visit) -> None:
    """Section 3.3.2.3.4."""
    listener, one, _ = await pair(visit)
    other = await visit.join("other")
    one.send(aliased("a", 1))
    await one.expect_nothing()
    other.send(aliased("b", 1))
    await other.expect_nothing()
    one.send(aliased("", 1))
    assert [(await listener.message()).topic_name for _ in range(3)] == ["a", "b", "a"]


@checked
async def test_an_alias_is_resolved_before_the_message_waits(visit: Visit) -> None:
    """Section 3.3.2.3.4: what it means later is nothing to the message."""
    client, _ = await visit.resume("listener")
    await client.subscribe(Subscription("#", 1))
    await client.disconnect()
    sender = await visit.join("car")
    sender.send(aliased("a", 1, b"1", 1), aliased("", 1, b"2", 2), aliased("b", 1, b"3", 3))
    for _ in range(3):
        await sender.expect(Puback)
    client, _ = await visit.resume("listener")
    assert [(await client.message()).topic_name for _ in range(3)] == ["a", "a", "b"]


# To the client: `RawClient` reads with as many aliases as it has announced, and not one more.


@checked
async def test_a_client_that_takes_no_aliases_gets_none(visit: Visit) -> None:
    """[MQTT-3.1.2-27]"""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("#", 0))
    for _ in range(3):
        await sender.publish("a/topic")
    assert [(await client.message()).topic_name for _ in range(3)] == ["a/topic"] * 3
    assert client.raw.count(b"a/topic") == 3


@checked
async def test_a_client_gets_no_alias_above_its_maximum(visit: Visit) -> None:
    """[MQTT-3.1.2-26, MQTT-3.3.2-11, MQTT-3.3.2-8]"""
    client, sender = await visit.join("car", topic_alias_maximum=2), await visit.join("sender")
    await client.subscribe(Subscription("#", 1))
    topics = [f"a/{number % 4}" for number in range(12)]
    for topic in topics:
        await sender.publish(topic, topic.encode())
    messages = [await client.message() for _ in topics]
    assert [(each.topic_name, each.payload) for each in messages] == [
        (topic, topic.encode()) for topic in topics
    ]


@checked
async def test_a_client_is_not_expected_to_remember_aliases(visit: Visit) -> None:
    """[MQTT-3.3.2-7]: what comes again brings its topic with it."""
    client, _ = await visit.resume("car", topic_alias_maximum=5)
    sender = await visit.join("sender")
    await client.subscribe(Subscription("#", 1))
    for number in range(3):
        await sender.publish("a", b"%d" % number)
    for _ in range(3):
        await client.expect(Publish)
    client.drop()
    client, _ = await visit.resume("car", topic_alias_maximum=5)
    messages = [await client.message() for _ in range(3)]
    assert [(each.topic_name, each.payload, each.duplicate) for each in messages] == [
        ("a", b"%d" % number, True) for number in range(3)
    ]


@checked
async def test_an_alias_leaves_the_other_properties_of_a_message_alone(visit: Visit) -> None:
    """[MQTT-3.3.2-6, MQTT-3.3.2-17]"""
    client, sender = await visit.join("car", topic_alias_maximum=5), await visit.join("sender")
    await client.subscribe(Subscription("a", 1))
    sent = Properties((PropertyId.MESSAGE_EXPIRY_INTERVAL, 3600), (PropertyId.USER_PROPERTY, ("k", "v")))
    for _ in range(3):
        await sender.publish("a", b"x", properties=sent)
        message = await client.message()
        assert message.topic_name == "a"
        assert sorted(map(repr, message.properties)) == sorted(map(repr, sent))


@checked
async def test_a_message_that_is_left_out_for_its_size_sets_up_no_alias(visit: Visit) -> None:
    """[MQTT-3.1.2-25, MQTT-3.3.2-7]"""
    client = await visit.join("car", topic_alias_maximum=5, maximum_packet_size=100)
    sender = await visit.join("sender")
    await client.subscribe(Subscription("a", 1))
    await sender.publish("a", b"x" * 200)
    await sender.publish("a", b"small")
    message = await client.message()
    assert (message.topic_name, message.payload) == ("a", b"small")


@checked
async def test_a_message_is_not_left_out_for_the_size_of_its_alias(visit: Visit) -> None:
    """[MQTT-3.1.2-25]: an alias is the broker's choice, the message is not."""
    plain = make_publish("a", b"x" * 50, qos=1, packet_id=1)
    client = await visit.join("car", topic_alias_maximum=5, maximum_packet_size=len(plain.encode()))
    sender = await visit.join("sender")
    await client.subscribe(Subscription("a", 1))
    for _ in range(2):
        await sender.publish("a", b"x" * 50)
        assert (await client.message()).topic_name == "a"
