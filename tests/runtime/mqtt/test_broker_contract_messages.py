"""What every broker of this project does with the properties and the life of messages, in both levels."""

from runtime.mqtt.packets import (
    MQTT_3_1_1,
    MQTT_5,
    Connect,
    Packet,
    Properties,
    PropertyId,
    Publish,
    Subscription,
    Will,
    make_publish,
)
from tests.runtime.mqtt.broker_places import Visit, checked
from tests.runtime.mqtt.raw_client import RawClient

EVERYTHING = Properties(
    (PropertyId.PAYLOAD_FORMAT_INDICATOR, 1),
    (PropertyId.USER_PROPERTY, ("key", "0123")),
    (PropertyId.MESSAGE_EXPIRY_INTERVAL, 3600),
    (PropertyId.CONTENT_TYPE, "application/json"),
    (PropertyId.RESPONSE_TOPIC, "v1/vehicles/V1/down/answer"),
    (PropertyId.CORRELATION_DATA, b"\x00\xff\x10"),
    (PropertyId.USER_PROPERTY, ("traceparent", "00-ä")),
    (PropertyId.USER_PROPERTY, ("key", "4567")),
)
EXPIRY = PropertyId.MESSAGE_EXPIRY_INTERVAL


def living(seconds: int) -> Properties:
    """A Message Expiry Interval."""
    return Properties((EXPIRY, seconds))


async def absent(visit: Visit, client_id: str = "car", level: int = MQTT_5) -> None:
    """Somebody whose session waits for messages under `a`."""
    client, _ = await visit.resume(client_id, level=level)
    await client.subscribe(Subscription("a", 2))
    await client.disconnect()


# Properties


@checked
async def test_properties_are_passed_on_unaltered(visit: Visit) -> None:
    """[MQTT-3.3.2-4, MQTT-3.3.2-15, MQTT-3.3.2-16, MQTT-3.3.2-17, MQTT-3.3.2-18, MQTT-3.3.2-20,
    MQTT-3.3.2-13, MQTT-3.3.2-19]: user properties also in their order."""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("a", 2))
    for qos in range(3):
        await sender.publish("a", b"{}", qos=qos, properties=EVERYTHING)
        got = (await client.message()).properties
        assert got.user_properties() == EVERYTHING.user_properties()
        assert sorted(map(repr, got)) == sorted(map(repr, EVERYTHING))


@checked
async def test_a_message_without_properties_gets_none(visit: Visit) -> None:
    """[MQTT-2.2.2-1]: but a property length, which is 0."""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("a", 0))
    await sender.publish("a", b"x", qos=0)
    assert not (await client.message()).properties.pairs
    assert client.raw.endswith(b"\x30\x05\x00\x01a\x00x")


@checked
async def test_many_user_properties_are_kept(visit: Visit) -> None:
    """[MQTT-3.3.2-17, MQTT-3.3.2-18]: also empty ones and some of one name."""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("a", 1))
    pairs = [("", ""), *((f"key {number % 7}", f"value {number}") for number in range(100)), ("", "")]
    await sender.publish("a", properties=Properties(*((PropertyId.USER_PROPERTY, pair) for pair in pairs)))
    assert (await client.message()).properties.user_properties() == pairs


@checked
async def test_connack_does_not_answer_what_was_not_asked(visit: Visit) -> None:
    """[MQTT-3.1.2-28]: no Response Information without Request Response Information."""
    for properties in (Properties(), Properties((PropertyId.REQUEST_RESPONSE_INFORMATION, 0))):
        client = await visit.open()
        connack = await client.connect(Connect("car", properties=properties))
        assert PropertyId.RESPONSE_INFORMATION not in connack.properties


@checked
async def test_no_problem_information_for_those_who_do_not_want_it(visit: Visit) -> None:
    """[MQTT-3.1.2-29]: no Reason String, no user properties in what answers."""
    client, _ = await visit.resume("car", clean_start=True, request_problem_information=0)
    sender = await visit.join("sender", request_problem_information=0)
    found: list[Packet] = []
    client.send(make_publish("nobody", qos=1, packet_id=1), make_publish("nobody", qos=2, packet_id=2))
    found += [await client.packet(), await client.packet()]
    await client.subscribe(Subscription("a"))
    await client.unsubscribe("none")
    await sender.publish("a")
    found.append(await client.packet())
    for packet in found:
        properties = getattr(packet, "properties", Properties())
        assert PropertyId.REASON_STRING not in properties
        assert PropertyId.USER_PROPERTY not in properties


# Message expiry


@checked
async def test_a_message_that_goes_out_at_once_keeps_its_expiry_interval(visit: Visit) -> None:
    """[MQTT-3.3.2-6]"""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("a"))
    await sender.publish("a", properties=living(3600))
    assert (await client.message()).properties == living(3600)


@checked
async def test_a_message_whose_life_ends_before_its_delivery_begins_is_dropped(visit: Visit) -> None:
    """[MQTT-3.3.2-5, MQTT-3.3.2-6]: in either level; and one that lives carries what is left."""
    await absent(visit)
    await absent(visit, "old", MQTT_3_1_1)
    sender = await visit.join("sender")
    await sender.publish("a", b"short", properties=living(1))
    await sender.publish("a", b"long", properties=living(3600))
    await sender.publish("a", b"for ever")
    await visit.seconds_pass()
    client, _ = await visit.resume("car")
    living_on, without = await client.message(), await client.message()
    assert (living_on.payload, without.payload) == (b"long", b"for ever")
    assert 3500 < living_on.properties.integer(EXPIRY, 0) <= 3599
    assert EXPIRY not in without.properties
    old, _ = await visit.resume("old", level=MQTT_3_1_1)
    assert await old.payloads(2) == [b"long", b"for ever"]


@checked
async def test_a_retained_message_whose_life_has_ended_is_not_sent(visit: Visit) -> None:
    """Section 3.3.2.3.3."""
    sender = await visit.join("sender")
    await sender.publish("a", b"short", retain=True, properties=living(1))
    await sender.publish("b", b"long", retain=True, properties=living(3600))
    await visit.seconds_pass()
    client = await visit.join("car")
    await client.subscribe(Subscription("+"))
    message = await client.message()
    assert message.payload == b"long"
    assert 3500 < message.properties.integer(EXPIRY, 0) <= 3599
    await client.expect_nothing()


# Between the levels


@checked
async def test_a_message_with_properties_reaches_a_3_1_1_subscriber_without_them(visit: Visit) -> None:
    """3.1.1, section 3.3: topic and payload, nothing else."""
    old, sender = await visit.join("old", level=MQTT_3_1_1), await visit.join("sender")
    await old.subscribe(Subscription("a", 2))
    for qos in range(3):
        await sender.publish("a", b"payload", qos=qos, properties=EVERYTHING)
        message = await old.message()
        assert (message.payload, message.qos, len(message.properties.pairs)) == (b"payload", qos, 0)


@checked
async def test_a_message_of_a_3_1_1_client_reaches_one_of_mqtt_5(visit: Visit) -> None:
    """[MQTT-2.2.2-1]: with no properties."""
    new, sender = await visit.join("new"), await visit.join("sender", level=MQTT_3_1_1)
    await new.subscribe(Subscription("a", 2))
    for qos in range(3):
        await sender.publish("a", b"\x05payload", qos=qos)
        message = await new.message()
        assert (message.payload, message.qos, len(message.properties.pairs)) == (b"\x05payload", qos, 0)


@checked
async def test_a_message_of_a_3_1_1_client_gets_the_identifier_of_its_subscriber(visit: Visit) -> None:
    """[MQTT-3.3.4-3]"""
    new, sender = await visit.join("new"), await visit.join("sender", level=MQTT_3_1_1)
    identifier = Properties((PropertyId.SUBSCRIPTION_IDENTIFIER, 200))
    await new.subscribe(Subscription("a"), properties=identifier)
    await sender.publish("a", b"x")
    message = await new.message()
    assert (message.payload, message.properties) == (b"x", identifier)


@checked
async def test_a_retained_message_crosses_the_levels(visit: Visit) -> None:
    """Section 3.3.1.3."""
    new, old = await visit.join("new"), await visit.join("old", level=MQTT_3_1_1)
    await new.publish("from/new", b"5", retain=True, properties=EVERYTHING)
    await old.publish("from/old", b"3.1.1", retain=True)
    await old.subscribe(Subscription("from/new"))
    await new.subscribe(Subscription("from/old"))
    messages = [await old.message(), await new.message()]
    assert [(each.payload, each.retain) for each in messages] == [(b"5", True), (b"3.1.1", True)]


@checked
async def test_a_will_of_a_3_1_1_client_reaches_one_of_mqtt_5(visit: Visit) -> None:
    """[MQTT-3.1.2-8]"""
    new = await visit.join("new")
    await new.subscribe(Subscription("will"))
    (await visit.join("old", level=MQTT_3_1_1, will=Will("will", b"lost", 1))).drop()
    assert (await new.message()).payload == b"lost"


@checked
async def test_a_message_under_way_changes_the_level_with_its_client(visit: Visit) -> None:
    """[MQTT-4.4.0-1]: what comes again is written in the level of the new connection."""
    await absent(visit)
    await (await visit.join("sender")).publish("a", b"x", qos=2, properties=EVERYTHING)
    seen: list[tuple[int, bytes, bool]] = []
    client: RawClient
    for level in (MQTT_5, MQTT_3_1_1, MQTT_5):
        client, _ = await visit.resume("car", level=level)
        message = await client.expect(Publish)
        assert (len(message.properties.pairs) > 0) is (level == MQTT_5)
        seen.append((message.packet_id, message.payload, message.duplicate))
        client.drop()
    packet_id = seen[0][0]
    assert seen == [(packet_id, b"x", False), (packet_id, b"x", True), (packet_id, b"x", True)]
