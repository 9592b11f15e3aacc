"""What every broker of this project does with topics, subscriptions and messages."""

from runtime.mqtt.packets import (
    Properties,
    PropertyId,
    Puback,
    Publish,
    ReasonCode,
    Subscription,
    Unsuback,
    Unsubscribe,
    encode_publish,
    make_publish,
)
from tests.runtime.mqtt.broker_places import Visit, contract
from tests.runtime.mqtt.mosquitto_deviations import MOSQUITTO_DEVIATES

checked = contract(MOSQUITTO_DEVIATES)


# Topics


@checked
async def test_a_wildcard_in_a_topic_name_is_refused(visit: Visit) -> None:
    """[MQTT-3.3.2-2]"""
    client = await visit.join("car")
    client.send(encode_publish("a/+", b"", 1))
    await client.expect_disconnect(ReasonCode.TOPIC_NAME_INVALID)


@checked
async def test_an_empty_topic_without_alias_is_a_protocol_error(visit: Visit) -> None:
    """Section 3.3.2.1."""
    client = await visit.join("car")
    client.send(encode_publish("", b"", 1))
    await client.expect_disconnect(ReasonCode.PROTOCOL_ERROR)


@checked
async def test_a_topic_alias_above_the_announced_maximum_is_refused(visit: Visit) -> None:
    """[MQTT-3.3.2-9]"""
    client, connack = await visit.resume("car", clean_start=True)
    alias = connack.properties.integer(PropertyId.TOPIC_ALIAS_MAXIMUM, 0) + 1
    client.send(encode_publish("a", b"", 1, b"\x03\x23" + alias.to_bytes(2, "big")))
    await client.expect_disconnect(ReasonCode.TOPIC_ALIAS_INVALID)


@checked
async def test_plus_matches_one_level(visit: Visit) -> None:
    """[MQTT-4.7.1-2]"""
    client = await visit.join("car")
    await client.subscribe(Subscription("a/+/c", 0))
    for topic in ("a/c", "a/b/c/d", "a/b/c", "a//c"):
        client.send(encode_publish(topic, topic.encode(), 0, qos=0))
    assert await client.payloads(2) == [b"a/b/c", b"a//c"]
    await client.expect_nothing()


@checked
async def test_hash_matches_all_levels_below_and_the_parent(visit: Visit) -> None:
    """Section 4.7.1.2."""
    client = await visit.join("car")
    await client.subscribe(Subscription("a/#", 0))
    for topic in ("a", "ab", "a/b", "a/b/c", "b/a"):
        client.send(encode_publish(topic, topic.encode(), 0, qos=0))
    assert await client.payloads(3) == [b"a", b"a/b", b"a/b/c"]
    await client.expect_nothing()


@checked
async def test_leading_wildcards_do_not_match_dollar_topics(visit: Visit) -> None:
    """[MQTT-4.7.2-1]"""
    client = await visit.join("car")
    await client.subscribe(Subscription("#", 0), Subscription("+/x", 0))
    client.send(encode_publish("$bench/x", b"hidden", 0, qos=0), encode_publish("y/x", b"seen", 0, qos=0))
    assert (await client.message()).payload == b"seen"


@checked
async def test_topics_are_case_sensitive_and_unicode(visit: Visit) -> None:
    """Section 4.7.3."""
    client = await visit.join("car")
    await client.subscribe(Subscription("straße/Ä", 0))
    for topic in ("straße/ä", "straße/Ä"):
        client.send(encode_publish(topic, topic.encode(), 0, qos=0))
    assert (await client.message()).topic_name == "straße/Ä"
    await client.expect_nothing()


# Subscribing


@checked
async def test_suback_grants_what_was_asked_filter_by_filter(visit: Visit) -> None:
    """[MQTT-3.8.4-6, MQTT-3.9.3-1]"""
    client = await visit.join("car")
    assert await client.subscribe(Subscription("a", 1), Subscription("b", 0)) == (1, 0)


@checked
async def test_a_filter_with_a_misplaced_wildcard_is_refused_alone(visit: Visit) -> None:
    """[MQTT-4.7.1-1]: 0x8F for this filter, and the others are granted."""
    client = await visit.join("car")
    codes = await client.subscribe(Subscription("a/#/b"), Subscription("a/b+"), Subscription("a"))
    assert codes == (ReasonCode.TOPIC_FILTER_INVALID, ReasonCode.TOPIC_FILTER_INVALID, 1)


@checked
async def test_a_subscription_made_again_replaces_the_older_one(visit: Visit) -> None:
    """[MQTT-3.8.4-3]"""
    client = await visit.join("car")
    await client.subscribe(Subscription("a", 1))
    await client.subscribe(Subscription("a", 0))
    client.send(make_publish("a", b"once", qos=1, packet_id=77))
    got = [await client.packet(), await client.packet()]
    assert sorted(type(each).__name__ for each in got) == ["Puback", "Publish"]
    assert [each.qos for each in got if isinstance(each, Publish)] == [0]
    await client.expect_nothing()


@checked
async def test_overlapping_subscriptions_deliver_once_with_the_highest_qos(visit: Visit) -> None:
    """[MQTT-3.3.4-2]"""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("a/b", 0), Subscription("a/+", 1), Subscription("#", 0))
    await sender.publish("a/b", b"once")
    qos = (await client.message()).qos
    assert qos == 1, f"QoS {qos} first"
    await client.expect_nothing()


@checked
async def test_unsubscribing_ends_delivery_and_says_what_was_there(visit: Visit) -> None:
    """[MQTT-3.10.4-1, MQTT-3.11.3-1]"""
    client = await visit.join("car")
    await client.subscribe(Subscription("a", 0))
    client.send(Unsubscribe(9, ("a", "b")))
    answer = await client.expect(Unsuback)
    assert (answer.packet_id, answer.reason_codes) == (9, (0, ReasonCode.NO_SUBSCRIPTION_EXISTED))
    client.send(encode_publish("a", b"", 0, qos=0))
    await client.expect_nothing()


@checked
async def test_a_client_hears_its_own_messages(visit: Visit) -> None:
    client = await visit.join("car")
    await client.subscribe(Subscription("a", 0))
    client.send(encode_publish("a", b"echo", 0, qos=0))
    assert (await client.message()).payload == b"echo"


@checked
async def test_no_local_keeps_a_clients_own_messages_from_it(visit: Visit) -> None:
    """[MQTT-3.8.3-3]"""
    client, other = await visit.join("car"), await visit.join("other")
    await client.subscribe(Subscription("a", 1, no_local=True))
    await client.publish("a", b"own")
    await other.publish("a", b"foreign")
    assert (await client.message()).payload == b"foreign"


# Messages


@checked
async def test_qos_1_is_acknowledged_and_delivered_at_qos_1(visit: Visit) -> None:
    """[MQTT-4.3.2-3]"""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("a/b"))
    assert await sender.publish("a/b", b"hello") == ReasonCode.SUCCESS
    message = await client.message()
    assert (message.topic_name, message.payload, message.qos) == ("a/b", b"hello", 1)
    assert (message.duplicate, message.retain) == (False, False)
    assert message.packet_id


@checked
async def test_a_message_nobody_wants_is_acknowledged_as_such(visit: Visit) -> None:
    """Section 3.4.2.1: 0x10."""
    client = await visit.join("car")
    assert await client.publish("nobody/wants/it") == ReasonCode.NO_MATCHING_SUBSCRIBERS


@checked
async def test_a_message_is_delivered_at_the_lower_of_both_qos(visit: Visit) -> None:
    """[MQTT-3.8.4-8]"""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("low", 0), Subscription("high", 1))
    await sender.publish("low")
    sender.send(encode_publish("high", b"", 0, qos=0))
    await sender.expect_nothing()
    assert [(await client.message()).qos, (await client.message()).qos] == [0, 0]


@checked
async def test_messages_of_one_topic_arrive_in_the_order_of_publishing(visit: Visit) -> None:
    """[MQTT-4.6.0-5, MQTT-4.6.0-6]"""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("a"))
    for number in range(1, 101):
        await sender.publish("a", str(number).encode())
    assert await client.payloads(100) == [str(number).encode() for number in range(1, 101)]


@checked
async def test_a_message_reaches_every_subscriber(visit: Visit) -> None:
    clients = [await visit.join(f"car-{number}") for number in range(5)]
    for client in clients:
        await client.subscribe(Subscription("all"))
    sender = await visit.join("sender")
    await sender.publish("all", b"x")
    assert [await client.payloads(1) for client in clients] == [[b"x"]] * 5


@checked
async def test_the_publishers_dup_flag_is_not_passed_on(visit: Visit) -> None:
    """[MQTT-3.3.1-3]"""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("a"))
    sender.send(encode_publish("a", b"", 5, duplicate=True))
    await sender.expect(Puback)
    assert not (await client.message()).duplicate


@checked
async def test_properties_are_passed_on_unaltered(visit: Visit) -> None:
    """[MQTT-3.3.2-4, -15, -16, -17, -18, -20]: user properties also in their order."""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("a"))
    sent = Properties(
        (PropertyId.PAYLOAD_FORMAT_INDICATOR, 1),
        (PropertyId.USER_PROPERTY, ("key", "0123")),
        (PropertyId.MESSAGE_EXPIRY_INTERVAL, 3600),
        (PropertyId.CONTENT_TYPE, "application/json"),
        (PropertyId.RESPONSE_TOPIC, "v1/vehicles/V1/down/answer"),
        (PropertyId.CORRELATION_DATA, b"\x00\xff\x10"),
        (PropertyId.USER_PROPERTY, ("traceparent", "00-ä")),
        (PropertyId.USER_PROPERTY, ("key", "4567")),
    )
    await sender.publish("a", b"{}", properties=sent)
    message = await client.message()
    got = message.properties
    assert got.user_properties() == sent.user_properties()
    assert sorted(map(repr, got)) == sorted(map(repr, sent))


@checked
async def test_payloads_are_passed_on_whatever_they_hold(visit: Visit) -> None:
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("a"))
    payloads = [b"", bytes(range(256)), b"x" * 40_000]
    for payload in payloads:
        await sender.publish("a", payload)
    assert await client.payloads(3) == payloads


@checked
async def test_no_more_than_the_clients_receive_maximum_is_in_flight(visit: Visit) -> None:
    """[MQTT-3.3.4-9]"""
    client = await visit.join("car", receive_maximum=2)
    sender = await visit.join("sender")
    await client.subscribe(Subscription("a"))
    for number in range(4):
        await sender.publish("a", str(number).encode())
    first, second = await client.expect(Publish), await client.expect(Publish)
    await client.expect_nothing()
    client.send(Puback(first.packet_id))
    third = await client.expect(Publish)
    assert [each.payload for each in (first, second, third)] == [b"0", b"1", b"2"]
    await client.expect_nothing()


@checked
async def test_a_puback_that_refuses_ends_the_delivery_too(visit: Visit) -> None:
    """[MQTT-4.3.2-4]: whatever its reason code, the identifier is free again."""
    client = await visit.join("car", receive_maximum=1)
    sender = await visit.join("sender")
    await client.subscribe(Subscription("a"))
    await sender.publish("a", b"1")
    await sender.publish("a", b"2")
    client.send(Puback((await client.expect(Publish)).packet_id, ReasonCode.NOT_AUTHORIZED))
    assert (await client.message()).payload == b"2"


@checked
async def test_a_message_above_the_clients_maximum_packet_size_is_left_out(visit: Visit) -> None:
    """[MQTT-3.1.2-24, MQTT-3.1.2-25]"""
    client = await visit.join("car", maximum_packet_size=100)
    sender = await visit.join("sender")
    await client.subscribe(Subscription("a"))
    await sender.publish("a", b"x" * 200)
    await sender.publish("a", b"small")
    assert (await client.message()).payload == b"small"
    await client.expect_nothing()
