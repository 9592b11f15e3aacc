"""What every broker of this project does, byte by byte: MQTT 5 at QoS 0 and 1. Each check, each broker."""

from typing import Final

from runtime.mqtt.packets import (
    SEND_NO_RETAINED,
    SEND_RETAINED_IF_NEW,
    Connack,
    Connect,
    Disconnect,
    Pingresp,
    Properties,
    PropertyId,
    Puback,
    Publish,
    ReasonCode,
    Subscription,
    Unsuback,
    Unsubscribe,
    Will,
    encode_publish,
    make_publish,
)
from tests.runtime.mqtt.broker_places import WEEK_S, Deviation, Visit, contract
from tests.runtime.mqtt.raw_client import RawClient

MOSQUITTO_DEVIATES: Final = {
    "test_another_protocol_version_is_refused": Deviation(
        "not MQTT 5", "answers an unknown version with a CONNACK of MQTT 3.1.1"
    ),
    "test_a_second_connect_is_a_protocol_error": Deviation(
        "closed the connection instead", "closes without a DISCONNECT"
    ),
    "test_a_silent_client_is_disconnected_after_one_and_a_half_keep_alives": Deviation(
        "no packet within", "looks every five seconds only, and closes without a DISCONNECT"
    ),
    "test_a_session_is_taken_over_by_the_newer_connection": Deviation(
        "closed the connection instead", "closes without a DISCONNECT before 2.0.15"
    ),
    "test_packet_type_zero_is_malformed": Deviation("DISCONNECT PROTOCOL_ERROR", "calls it 0x82"),
    "test_dup_on_qos_zero_is_malformed": Deviation("Pingresp() instead of a Disconnect", "lets it pass"),
    "test_a_property_given_twice_is_a_protocol_error": Deviation(
        "closed the connection instead", "closes without a DISCONNECT"
    ),
    "test_a_subscribe_without_a_filter_is_a_protocol_error": Deviation(
        "DISCONNECT MALFORMED_PACKET", "calls it 0x81"
    ),
    "test_a_wildcard_in_a_topic_name_is_refused": Deviation("DISCONNECT PROTOCOL_ERROR", "calls it 0x82"),
    "test_a_filter_with_a_misplaced_wildcard_is_refused_alone": Deviation(
        "instead of a Suback", "disconnects with 0x81 in place of refusing the one filter"
    ),
    "test_overlapping_subscriptions_deliver_once_with_the_highest_qos": Deviation(
        "QoS 0 first", "delivers a copy for each subscription, as section 3.3.4 lets it"
    ),
    "test_no_more_than_the_clients_receive_maximum_is_in_flight": Deviation(
        "id=4 qos=1 2 bytes> instead of a Pingresp", "sends two messages for every PUBACK"
    ),
    "test_redelivery_keeps_to_the_receive_maximum_of_the_new_connection": Deviation(
        "dup 2 bytes> instead of a Pingresp", "sends all that was in flight at once"
    ),
    "test_a_delayed_will_is_published_when_the_session_ends_before_its_delay": Deviation(
        "no packet within", "waits for the delay although the session has ended"
    ),
}
"""What mosquitto 2.0.11 is known to do otherwise: what a check sees there, and what that means."""

checked = contract(MOSQUITTO_DEVIATES)


async def will_watcher(visit: Visit, topic: str = "will/#") -> RawClient:
    """A client that hears of wills."""
    watcher = await visit.join("watcher")
    await watcher.subscribe(Subscription(topic))
    return watcher


# Connecting


@checked
async def test_connack_reports_success_and_no_session_on_a_first_connection(visit: Visit) -> None:
    client = await visit.open()
    connack = await client.connect(Connect("car"))
    assert (connack.session_present, connack.reason_code) == (False, ReasonCode.SUCCESS)


@checked
async def test_an_empty_client_identifier_is_assigned_one(visit: Visit) -> None:
    """[MQTT-3.1.3-6, MQTT-3.1.3-7]"""
    one, other = await visit.open(), await visit.open()
    first, second = await one.connect(Connect("")), await other.connect(Connect(""))
    names = [each.properties.text(PropertyId.ASSIGNED_CLIENT_IDENTIFIER) for each in (first, second)]
    assert names[0]
    assert names[1] not in ("", names[0])


@checked
async def test_a_client_identifier_of_the_client_is_not_assigned_back(visit: Visit) -> None:
    client = await visit.open()
    connack = await client.connect(Connect("car"))
    assert PropertyId.ASSIGNED_CLIENT_IDENTIFIER not in connack.properties


@checked
async def test_another_protocol_version_is_refused(visit: Visit) -> None:
    """[MQTT-3.1.2-2]: 0x84 and the end of the connection."""
    client = await visit.open()
    client.send(b"\x10\x10\x00\x04MQTT\x06\x02\x00\x00\x00\x00\x03car")
    assert (await client.expect(Connack)).reason_code == ReasonCode.UNSUPPORTED_PROTOCOL_VERSION
    await client.expect_closed()


@checked
async def test_nothing_is_answered_before_connect(visit: Visit) -> None:
    """[MQTT-3.1.0-1]"""
    client = await visit.open()
    client.send(encode_publish("a", b"", 1))
    await client.expect_closed()
    assert client.raw == b""


@checked
async def test_a_second_connect_is_a_protocol_error(visit: Visit) -> None:
    """[MQTT-3.1.0-2]"""
    client = await visit.join("car")
    client.send(Connect("car"))
    await client.expect_disconnect(ReasonCode.PROTOCOL_ERROR)


@checked
async def test_a_ping_is_answered(visit: Visit) -> None:
    """[MQTT-3.12.4-1]"""
    client = await visit.join("car")
    client.send(b"\xc0\x00")
    await client.expect(Pingresp)
    assert client.raw.endswith(b"\xd0\x00")


@checked
async def test_a_silent_client_is_disconnected_after_one_and_a_half_keep_alives(visit: Visit) -> None:
    """[MQTT-3.1.2-22]"""
    client = await visit.open()
    await client.connect(Connect("car", keep_alive_s=1))
    await client.expect_disconnect(ReasonCode.KEEP_ALIVE_TIMEOUT)


@checked
async def test_a_session_is_taken_over_by_the_newer_connection(visit: Visit) -> None:
    """[MQTT-3.1.4-3]: the older one is told 0x8E, the newer one has the session."""
    older, _ = await visit.resume("car")
    _, connack = await visit.resume("car")
    assert connack.session_present
    await older.expect_disconnect(ReasonCode.SESSION_TAKEN_OVER)


@checked
async def test_a_session_that_was_taken_over_lives_on_the_newer_connection(visit: Visit) -> None:
    older, _ = await visit.resume("car")
    await older.subscribe(Subscription("a"))
    newer, _ = await visit.resume("car")
    sender = await visit.join("sender")
    await sender.publish("a", b"here")
    assert (await newer.message()).payload == b"here"


# Bytes that are no MQTT


@checked
async def test_packets_arrive_whole_from_single_bytes(visit: Visit) -> None:
    client = await visit.join("car")
    await client.subscribe(Subscription("a/b"))
    for byte in encode_publish("a/b", b"payload", 0, qos=0):
        client.send(bytes((byte,)))
    assert (await client.message()).payload == b"payload"


@checked
async def test_many_packets_in_one_segment_are_all_answered_in_order(visit: Visit) -> None:
    client = await visit.join("car")
    client.send(b"".join(encode_publish("a", b"", number) for number in range(1, 11)), b"\xc0\x00")
    assert [(await client.expect(Puback)).packet_id for _ in range(10)] == list(range(1, 11))
    await client.expect(Pingresp)


@checked
async def test_packet_type_zero_is_malformed(visit: Visit) -> None:
    client = await visit.join("car")
    client.send(b"\x00\x00")
    await client.expect_disconnect(ReasonCode.MALFORMED_PACKET)


@checked
async def test_wrong_flags_in_a_fixed_header_are_malformed(visit: Visit) -> None:
    """[MQTT-2.1.3-1, MQTT-3.8.1-1]"""
    client = await visit.join("car")
    client.send(b"\x80\x07\x00\x01\x00\x00\x01a\x00")
    await client.expect_disconnect(ReasonCode.MALFORMED_PACKET)


@checked
async def test_qos_three_is_malformed(visit: Visit) -> None:
    """[MQTT-3.3.1-4]"""
    client = await visit.join("car")
    client.send(b"\x36\x06\x00\x01a\x00\x01\x00")
    await client.expect_disconnect(ReasonCode.MALFORMED_PACKET)


@checked
async def test_dup_on_qos_zero_is_malformed(visit: Visit) -> None:
    """[MQTT-3.3.1-2]"""
    client = await visit.join("car")
    client.send(b"\x38\x04\x00\x01a\x00\xc0\x00")
    await client.expect_disconnect(ReasonCode.MALFORMED_PACKET)


@checked
async def test_ill_formed_utf_8_in_a_topic_is_malformed(visit: Visit) -> None:
    """[MQTT-1.5.4-1]"""
    client = await visit.join("car")
    client.send(b"\x30\x05\x00\x02\xc3\x28\x00")
    await client.expect_disconnect(ReasonCode.MALFORMED_PACKET)


@checked
async def test_a_property_given_twice_is_a_protocol_error(visit: Visit) -> None:
    """Section 3.3.2.3.3."""
    client = await visit.join("car")
    client.send(b"\x30\x0e\x00\x01a\x0a\x02\x00\x00\x00\x01\x02\x00\x00\x00\x01")
    await client.expect_disconnect(ReasonCode.PROTOCOL_ERROR)


@checked
async def test_packet_identifier_zero_is_a_protocol_error(visit: Visit) -> None:
    """[MQTT-2.2.1-3]"""
    client = await visit.join("car")
    client.send(encode_publish("a", b"", 0))
    await client.expect_disconnect(ReasonCode.PROTOCOL_ERROR)


@checked
async def test_a_subscribe_without_a_filter_is_a_protocol_error(visit: Visit) -> None:
    """[MQTT-3.8.3-2]"""
    client = await visit.join("car")
    client.send(b"\x82\x03\x00\x01\x00")
    await client.expect_disconnect(ReasonCode.PROTOCOL_ERROR)


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


# Sessions


@checked
async def test_a_session_and_what_came_meanwhile_wait_for_the_client(visit: Visit) -> None:
    """Sections 3.1.2.11.2 and 4.1."""
    client, _ = await visit.resume("car")
    await client.subscribe(Subscription("a"))
    await client.disconnect()
    sender = await visit.join("sender")
    for number in range(3):
        await sender.publish("a", str(number).encode())
    client, connack = await visit.resume("car")
    assert connack.session_present
    messages = [await client.message() for _ in range(3)]
    assert [each.payload for each in messages] == [b"0", b"1", b"2"]
    assert not any(each.duplicate for each in messages)


@checked
async def test_a_session_ends_with_its_connection_unless_it_was_given_a_life(visit: Visit) -> None:
    client = await visit.join("car", expiry_s=0)
    await client.subscribe(Subscription("a"))
    await client.disconnect()
    _, connack = await visit.resume("car")
    assert not connack.session_present


@checked
async def test_clean_start_ends_the_older_session(visit: Visit) -> None:
    """[MQTT-3.1.2-4]"""
    client, _ = await visit.resume("car")
    await client.subscribe(Subscription("a"))
    await client.disconnect()
    client, connack = await visit.resume("car", clean_start=True)
    assert not connack.session_present
    client.send(encode_publish("a", b"", 0, qos=0))
    await client.expect_nothing()


@checked
async def test_disconnect_can_end_the_session(visit: Visit) -> None:
    """Section 3.14.2.2.2: a new Session Expiry Interval of 0."""
    client, _ = await visit.resume("car")
    await client.disconnect(Disconnect(properties=Properties((PropertyId.SESSION_EXPIRY_INTERVAL, 0))))
    _, connack = await visit.resume("car")
    assert not connack.session_present


@checked
async def test_disconnect_cannot_give_life_to_a_session_that_had_none(visit: Visit) -> None:
    """Section 3.14.2.2.2."""
    client = await visit.join("car")
    client.send(Disconnect(properties=Properties((PropertyId.SESSION_EXPIRY_INTERVAL, WEEK_S))))
    await client.expect_disconnect(ReasonCode.PROTOCOL_ERROR)


@checked
async def test_what_was_not_acknowledged_comes_again_with_dup_in_order(visit: Visit) -> None:
    """[MQTT-4.4.0-1, MQTT-4.6.0-1]: same identifiers, then what is new."""
    client, _ = await visit.resume("car")
    sender = await visit.join("sender")
    await client.subscribe(Subscription("a"))
    for number in range(3):
        await sender.publish("a", str(number).encode())
    before = [await client.expect(Publish) for _ in range(3)]
    client.send(Puback(before[1].packet_id))
    await client.expect_nothing()
    client.drop()
    client, connack = await visit.resume("car")
    assert connack.session_present
    await sender.publish("a", b"new")
    after = [await client.message() for _ in range(3)]
    assert [each.payload for each in after] == [b"0", b"2", b"new"]
    assert [each.duplicate for each in after] == [True, True, False]
    assert [each.packet_id for each in after[:2]] == [before[0].packet_id, before[2].packet_id]


@checked
async def test_what_was_acknowledged_does_not_come_again(visit: Visit) -> None:
    client, _ = await visit.resume("car")
    sender = await visit.join("sender")
    await client.subscribe(Subscription("a"))
    await sender.publish("a", b"x")
    await client.message()
    await client.expect_nothing()
    client.drop()
    client, _ = await visit.resume("car")
    await client.expect_nothing()


@checked
async def test_redelivery_keeps_to_the_receive_maximum_of_the_new_connection(visit: Visit) -> None:
    """[MQTT-3.3.4-9]"""
    client, _ = await visit.resume("car")
    sender = await visit.join("sender")
    await client.subscribe(Subscription("a"))
    for number in range(3):
        await sender.publish("a", str(number).encode())
    for _ in range(3):
        await client.expect(Publish)
    client.drop()
    client, _ = await visit.resume("car", receive_maximum=1)
    for number in range(3):
        message = await client.expect(Publish)
        assert (message.payload, message.duplicate) == (str(number).encode(), True)
        await client.expect_nothing()
        client.send(Puback(message.packet_id))


@checked
async def test_qos_0_does_not_wait_for_an_absent_client(visit: Visit) -> None:
    client, _ = await visit.resume("car")
    await client.subscribe(Subscription("a"))
    await client.disconnect()
    sender = await visit.join("sender")
    sender.send(encode_publish("a", b"lost", 0, qos=0))
    await sender.expect_nothing()
    client, _ = await visit.resume("car")
    await client.expect_nothing()


# Retained messages


@checked
async def test_a_retained_message_meets_a_later_subscriber(visit: Visit) -> None:
    """[MQTT-3.3.1-5, -8, -9]: the last one, with RETAIN and its properties."""
    sender, client = await visit.join("sender"), await visit.join("car")
    await sender.publish("a", b"old", retain=True)
    sent = Properties((PropertyId.USER_PROPERTY, ("key", "7")))
    await sender.publish("a", b"new", retain=True, properties=sent)
    await client.subscribe(Subscription("+"))
    message = await client.message()
    assert (message.payload, message.retain, message.qos, message.properties) == (b"new", True, 1, sent)
    await client.expect_nothing()


@checked
async def test_an_empty_retained_message_removes_the_one_before(visit: Visit) -> None:
    """[MQTT-3.3.1-6]"""
    sender, client = await visit.join("sender"), await visit.join("car")
    await sender.publish("a", b"old", retain=True)
    await sender.publish("a", b"", retain=True)
    await client.subscribe(Subscription("a"))
    await client.expect_nothing()


@checked
async def test_retain_is_cleared_for_those_who_were_there_unless_they_ask_for_it(visit: Visit) -> None:
    """[MQTT-3.3.1-12, MQTT-3.3.1-13]"""
    plain, as_published = await visit.join("plain"), await visit.join("as-published")
    await plain.subscribe(Subscription("a"))
    await as_published.subscribe(Subscription("a", retain_as_published=True))
    sender = await visit.join("sender")
    await sender.publish("a", b"x", retain=True)
    assert not (await plain.message()).retain
    assert (await as_published.message()).retain


@checked
async def test_retain_handling_1_sends_retained_messages_to_new_subscriptions_only(visit: Visit) -> None:
    """[MQTT-3.3.1-10]"""
    sender, client = await visit.join("sender"), await visit.join("car")
    await sender.publish("a", b"x", retain=True)
    await client.subscribe(Subscription("a", retain_handling=SEND_RETAINED_IF_NEW))
    assert (await client.message()).payload == b"x"
    await client.subscribe(Subscription("a", retain_handling=SEND_RETAINED_IF_NEW))
    await client.expect_nothing()
    await client.subscribe(Subscription("a"))
    assert (await client.message()).payload == b"x"


@checked
async def test_retain_handling_2_sends_no_retained_messages(visit: Visit) -> None:
    """[MQTT-3.3.1-11]"""
    sender, client = await visit.join("sender"), await visit.join("car")
    await sender.publish("a", b"x", retain=True)
    await client.subscribe(Subscription("a", retain_handling=SEND_NO_RETAINED))
    await client.expect_nothing()


# Wills


@checked
async def test_a_lost_connection_publishes_the_will(visit: Visit) -> None:
    """[MQTT-3.1.2-8]: with its QoS and its properties, without the delay."""
    watcher = await will_watcher(visit)
    client = await visit.open()
    properties = Properties((PropertyId.CONTENT_TYPE, "text/plain"), (PropertyId.USER_PROPERTY, ("k", "v")))
    delayed = Properties(*properties.pairs, (PropertyId.WILL_DELAY_INTERVAL, 0))
    await client.connect(Connect("car", will=Will("will/car", b"lost", 1, properties=delayed)))
    client.drop()
    message = await watcher.message()
    assert (message.topic_name, message.payload, message.qos) == ("will/car", b"lost", 1)
    assert message.properties == properties


@checked
async def test_a_protocol_error_publishes_the_will(visit: Visit) -> None:
    watcher = await will_watcher(visit)
    client = await visit.open()
    await client.connect(Connect("car", will=Will("will/car", b"erred", 1)))
    client.send(b"\x00\x00")
    assert (await watcher.message()).payload == b"erred"


@checked
async def test_a_normal_disconnect_deletes_the_will(visit: Visit) -> None:
    """[MQTT-3.14.4-3]"""
    watcher = await will_watcher(visit)
    client = await visit.open()
    await client.connect(Connect("car", will=Will("will/car", b"lost", 1)))
    await client.disconnect()
    await watcher.expect_nothing()


@checked
async def test_disconnect_with_will_message_publishes_it(visit: Visit) -> None:
    """Section 3.14.2.1: 0x04."""
    watcher = await will_watcher(visit)
    client = await visit.open()
    await client.connect(Connect("car", will=Will("will/car", b"bye", 1)))
    await client.disconnect(Disconnect(ReasonCode.DISCONNECT_WITH_WILL_MESSAGE))
    assert (await watcher.message()).payload == b"bye"


@checked
async def test_a_retained_will_is_retained(visit: Visit) -> None:
    """[MQTT-3.1.2-15]"""
    watcher = await will_watcher(visit)
    client = await visit.open()
    await client.connect(Connect("car", will=Will("will/car", b"lost", 1, retain=True)))
    client.drop()
    await watcher.message()
    late = await visit.join("late")
    await late.subscribe(Subscription("will/car"))
    assert (await late.message()).retain


@checked
async def test_a_delayed_will_is_not_published_when_the_client_comes_back(visit: Visit) -> None:
    """[MQTT-3.1.3-9]"""
    watcher = await will_watcher(visit)
    properties = Properties((PropertyId.SESSION_EXPIRY_INTERVAL, WEEK_S))
    will = Will("will/car", b"lost", 1, properties=Properties((PropertyId.WILL_DELAY_INTERVAL, 3600)))
    client = await visit.open()
    await client.connect(Connect("car", properties=properties, will=will))
    client.drop()
    client, connack = await visit.resume("car")
    assert connack.session_present
    await client.disconnect()
    await watcher.expect_nothing()


@checked
async def test_a_delayed_will_is_published_when_the_session_ends_before_its_delay(visit: Visit) -> None:
    """Section 3.1.3.2.2: the session ends with the connection here."""
    watcher = await will_watcher(visit)
    will = Will("will/car", b"ended", 1, properties=Properties((PropertyId.WILL_DELAY_INTERVAL, 3600)))
    client = await visit.open()
    await client.connect(Connect("car", will=will))
    client.drop()
    assert (await watcher.message()).payload == b"ended"
