"""What every broker of this project does with bytes that are no MQTT (section 4.13)."""

from runtime.mqtt.packets import (
    MQTT_5,
    PINGREQ,
    Connack,
    Connect,
    Disconnect,
    Pingresp,
    PropertyId,
    ReasonCode,
    Subscription,
    encode_publish,
)
from tests.runtime.mqtt.broker_places import Visit, checked, checked_in_3_1_1, checked_in_both
from tests.runtime.mqtt.raw_client import RawClient


async def refused_connect(visit: Visit, data: bytes) -> None:
    """`data` is no CONNECT: closed, and if anything is answered then that it is refused."""
    client = await visit.open()
    client.send(data, b"\xc0\x00")
    while not await client.is_at_end():
        assert (await client.expect(Connack)).reason_code >= ReasonCode.UNSPECIFIED_ERROR


async def ended_by(visit: Visit, data: bytes, code: ReasonCode = ReasonCode.MALFORMED_PACKET) -> None:
    """`data` of a connected client ends its connection; others do not notice."""
    other = await visit.join("other")
    client = await visit.join("car")
    client.send(data)
    await client.expect_end(code)
    await other.expect_nothing()


# CONNECT


@checked_in_both
async def test_the_reserved_flag_of_connect_must_not_be_set(visit: Visit) -> None:
    """[MQTT-3.1.2-3, MQTT-3.2.2-6] [MQTT3-3.1.2-3, MQTT3-3.2.2-6]"""
    connect = bytearray(Connect("car", level=visit.level).encode())
    connect[9] |= 0x01
    await refused_connect(visit, bytes(connect))


@checked_in_both
async def test_a_will_qos_needs_a_will(visit: Visit) -> None:
    """[MQTT-3.1.2-11] [MQTT3-3.1.2-11, MQTT3-3.1.2-13]"""
    connect = bytearray(Connect("car", level=visit.level).encode())
    connect[9] |= 0x08
    await refused_connect(visit, bytes(connect))


@checked_in_both
async def test_will_retain_needs_a_will(visit: Visit) -> None:
    """[MQTT-3.1.2-13] [MQTT3-3.1.2-11, MQTT3-3.1.2-15]"""
    connect = bytearray(Connect("car", level=visit.level).encode())
    connect[9] |= 0x20
    await refused_connect(visit, bytes(connect))


@checked_in_both
async def test_a_will_cannot_have_qos_3(visit: Visit) -> None:
    """[MQTT-3.1.2-12] [MQTT3-3.1.2-14]"""
    tail = b"\x00\x00\x03car" + (b"\x00" if visit.level == MQTT_5 else b"") + b"\x00\x01w\x00\x00"
    body = b"\x00\x04MQTT" + bytes((visit.level, 0x1E, 0)) + tail
    if visit.level == MQTT_5:
        body = b"\x00\x04MQTT\x05\x1e\x00\x00\x00\x00\x03car\x00\x00\x01w\x00\x00"
    await refused_connect(visit, bytes((0x10, len(body))) + body)


@checked_in_both
async def test_a_will_that_was_announced_must_be_there(visit: Visit) -> None:
    """[MQTT-3.1.2-9] [MQTT3-3.1.2-9]"""
    connect = bytearray(Connect("car", level=visit.level).encode())
    connect[9] |= 0x04
    await refused_connect(visit, bytes(connect))


@checked_in_both
async def test_a_user_name_that_was_announced_must_be_there(visit: Visit) -> None:
    """[MQTT-3.1.2-17] [MQTT3-3.1.2-19]"""
    connect = bytearray(Connect("car", level=visit.level).encode())
    connect[9] |= 0x80
    await refused_connect(visit, bytes(connect))


@checked_in_both
async def test_a_user_name_that_was_not_announced_must_not_be_there(visit: Visit) -> None:
    """[MQTT-3.1.2-16] [MQTT3-3.1.2-18]"""
    connect = bytearray(Connect("car", user_name="driver", level=visit.level).encode())
    connect[9] &= 0x7F
    await refused_connect(visit, bytes(connect))


@checked_in_3_1_1
async def test_a_password_needs_a_user_name(visit: Visit) -> None:
    """[MQTT3-3.1.2-22]"""
    await refused_connect(visit, Connect("car", password=b"x", level=visit.level).encode())


@checked
async def test_a_password_needs_no_user_name(visit: Visit) -> None:
    """Section 3.1.2.9."""
    client = await visit.open()
    assert (await client.connect(Connect("car", password=b"x"))).reason_code == ReasonCode.SUCCESS


@checked_in_both
async def test_ill_formed_utf_8_in_a_client_identifier_is_malformed(visit: Visit) -> None:
    """[MQTT-1.5.4-1, MQTT-3.1.3-4] [MQTT3-1.5.3-1, MQTT3-3.1.3-4]"""
    connect = Connect("car", level=visit.level).encode().replace(b"car", b"c\xc3(")
    await refused_connect(visit, connect)


@checked
async def test_a_property_of_connect_given_twice_is_refused(visit: Visit) -> None:
    """Section 3.1.2.11.2."""
    properties = b"\x0a\x11\x00\x00\x00\x01\x11\x00\x00\x00\x01"
    await refused_connect(visit, b"\x10\x1a\x00\x04MQTT\x05\x02\x00\x00" + properties + b"\x00\x03car")


@checked
async def test_a_receive_maximum_of_zero_is_refused(visit: Visit) -> None:
    """Section 3.1.2.11.3."""
    await refused_connect(visit, b"\x10\x13\x00\x04MQTT\x05\x02\x00\x00\x03\x21\x00\x00\x00\x03car")


@checked
async def test_a_maximum_packet_size_of_zero_is_refused(visit: Visit) -> None:
    """Section 3.1.2.11.4."""
    properties = b"\x05\x27\x00\x00\x00\x00"
    await refused_connect(visit, b"\x10\x15\x00\x04MQTT\x05\x02\x00\x00" + properties + b"\x00\x03car")


@checked
async def test_authentication_data_without_a_method_is_refused(visit: Visit) -> None:
    """Section 3.1.2.11.10."""
    await refused_connect(visit, b"\x10\x14\x00\x04MQTT\x05\x02\x00\x00\x04\x16\x00\x01X\x00\x03car")


# The fixed header


@checked_in_both
async def test_packet_type_zero_ends_the_connection(visit: Visit) -> None:
    """Section 2.1.2: reserved. [MQTT-4.13.1-1] [MQTT3-4.8.0-1]"""
    await ended_by(visit, b"\x00\x00")


@checked_in_3_1_1
async def test_packet_type_15_ends_the_connection(visit: Visit) -> None:
    """3.1.1, section 2.2.1: reserved. [MQTT3-4.8.0-1]"""
    await ended_by(visit, b"\xf0\x00")


@checked_in_both
async def test_wrong_flags_of_subscribe_end_the_connection(visit: Visit) -> None:
    """[MQTT-2.1.3-1, MQTT-3.8.1-1] [MQTT3-2.2.2-1, MQTT3-2.2.2-2, MQTT3-3.8.1-1]"""
    properties = b"\x00" if visit.level == MQTT_5 else b""
    body = b"\x00\x01" + properties + b"\x00\x01a\x00"
    await ended_by(visit, bytes((0x80, len(body))) + body)


@checked_in_both
async def test_wrong_flags_of_unsubscribe_end_the_connection(visit: Visit) -> None:
    """[MQTT-2.1.3-1, MQTT-3.10.1-1] [MQTT3-2.2.2-2, MQTT3-3.10.1-1]"""
    properties = b"\x00" if visit.level == MQTT_5 else b""
    body = b"\x00\x01" + properties + b"\x00\x01a"
    await ended_by(visit, bytes((0xA0, len(body))) + body)


@checked_in_both
async def test_wrong_flags_of_pubrel_end_the_connection(visit: Visit) -> None:
    """[MQTT-2.1.3-1, MQTT-3.6.1-1] [MQTT3-2.2.2-2, MQTT3-3.6.1-1]"""
    await ended_by(visit, b"\x60\x02\x00\x01")


@checked_in_both
async def test_wrong_flags_of_disconnect_end_the_connection(visit: Visit) -> None:
    """[MQTT-3.14.1-1] [MQTT3-3.14.1-1]"""
    await ended_by(visit, b"\xe1\x00")


@checked_in_both
async def test_a_remaining_length_of_five_bytes_ends_the_connection(visit: Visit) -> None:
    """[MQTT-1.5.5-1]; 3.1.1, section 2.2.3."""
    await ended_by(visit, b"\x30\xff\xff\xff\xff\x01")


@checked_in_both
async def test_a_packet_that_only_servers_send_ends_the_connection(visit: Visit) -> None:
    """[MQTT-4.13.1-1] [MQTT3-4.8.0-1]"""
    await ended_by(visit, b"\x20\x02\x00\x00", ReasonCode.PROTOCOL_ERROR)


@checked
async def test_auth_after_a_plain_connect_ends_the_connection(visit: Visit) -> None:
    """[MQTT-4.12.0-7]"""
    await ended_by(visit, b"\xf0\x00", ReasonCode.PROTOCOL_ERROR)


# PUBLISH


@checked_in_both
async def test_qos_three_is_malformed(visit: Visit) -> None:
    """[MQTT-3.3.1-4] [MQTT3-3.3.1-4]"""
    await ended_by(visit, b"\x36\x06\x00\x01a\x00\x01\x00")


@checked_in_both
async def test_ill_formed_utf_8_in_a_topic_is_malformed(visit: Visit) -> None:
    """[MQTT-1.5.4-1, MQTT-3.3.2-1] [MQTT3-1.5.3-1, MQTT3-3.3.2-1]"""
    await ended_by(visit, b"\x30\x05\x00\x02\xc3\x28\x00")


@checked_in_both
async def test_surrogates_in_a_topic_are_malformed(visit: Visit) -> None:
    """[MQTT-1.5.4-1] [MQTT3-1.5.3-1]"""
    await ended_by(visit, b"\x30\x06\x00\x03\xed\xa0\x80\x00")


@checked_in_both
async def test_a_null_character_in_a_topic_is_malformed(visit: Visit) -> None:
    """[MQTT-1.5.4-2, MQTT-4.7.3-2] [MQTT3-1.5.3-2, MQTT3-4.7.3-2]"""
    await ended_by(visit, b"\x30\x06\x00\x03a\x00b\x00")


@checked
async def test_ill_formed_utf_8_in_a_user_property_is_malformed(visit: Visit) -> None:
    """[MQTT-1.5.7-1, MQTT-1.5.4-1]"""
    await ended_by(visit, b"\x30\x0b\x00\x01a\x07\x26\x00\x01k\x00\x01\xff")


@checked
async def test_a_publish_without_a_property_length_is_malformed(visit: Visit) -> None:
    """[MQTT-2.2.2-1]"""
    await ended_by(visit, b"\x30\x03\x00\x01a")


@checked
async def test_a_property_given_twice_is_a_protocol_error(visit: Visit) -> None:
    """Section 3.3.2.3.3."""
    data = b"\x30\x0e\x00\x01a\x0a\x02\x00\x00\x00\x01\x02\x00\x00\x00\x01"
    await ended_by(visit, data, ReasonCode.PROTOCOL_ERROR)


@checked
async def test_a_property_of_another_packet_is_malformed(visit: Visit) -> None:
    """Section 2.2.2.2: a Receive Maximum in PUBLISH."""
    await ended_by(visit, b"\x30\x07\x00\x01a\x03\x21\x00\x01")


@checked
async def test_a_property_longer_than_its_packet_is_malformed(visit: Visit) -> None:
    await ended_by(visit, b"\x30\x08\x00\x01a\x04\x08\x00\x09x")


@checked
async def test_a_clients_publish_holds_no_subscription_identifier(visit: Visit) -> None:
    """[MQTT-3.3.4-6]: one that does is not handed on as it is."""
    watcher = await visit.join("watcher")
    await watcher.subscribe(Subscription("a", 0))
    client = await visit.join("car")
    client.send(b"\x30\x06\x00\x01a\x02\x0b\x07", PINGREQ)
    if await client.is_at_end() or not isinstance(await client.packet(), Pingresp):
        await watcher.expect_nothing()
    else:
        assert PropertyId.SUBSCRIPTION_IDENTIFIER not in (await watcher.message()).properties


@checked_in_both
async def test_packet_identifier_zero_is_refused(visit: Visit) -> None:
    """[MQTT-2.2.1-3] [MQTT3-2.3.1-1]"""
    properties = b"\x00" if visit.level == MQTT_5 else b""
    body = b"\x00\x01a\x00\x00" + properties
    await ended_by(visit, bytes((0x32, len(body))) + body, ReasonCode.PROTOCOL_ERROR)


@checked_in_both
async def test_a_publish_that_ends_within_its_topic_is_malformed(visit: Visit) -> None:
    await ended_by(visit, b"\x30\x03\x00\x09a")


# SUBSCRIBE and UNSUBSCRIBE


@checked_in_both
async def test_a_subscribe_without_a_filter_is_refused(visit: Visit) -> None:
    """[MQTT-3.8.3-2] [MQTT3-3.8.3-3]"""
    data = b"\x82\x03\x00\x01\x00" if visit.level == MQTT_5 else b"\x82\x02\x00\x01"
    await ended_by(visit, data, ReasonCode.PROTOCOL_ERROR)


@checked_in_both
async def test_an_unsubscribe_without_a_filter_is_refused(visit: Visit) -> None:
    """[MQTT-3.10.3-2] [MQTT3-3.10.3-2]"""
    data = b"\xa2\x03\x00\x01\x00" if visit.level == MQTT_5 else b"\xa2\x02\x00\x01"
    await ended_by(visit, data, ReasonCode.PROTOCOL_ERROR)


async def _subscribe_with_options(visit: Visit, options: int, code: ReasonCode) -> None:
    properties = b"\x00" if visit.level == MQTT_5 else b""
    body = b"\x00\x01" + properties + b"\x00\x01a" + bytes((options,))
    await ended_by(visit, bytes((0x82, len(body))) + body, code)


@checked_in_both
async def test_reserved_subscription_options_are_malformed(visit: Visit) -> None:
    """[MQTT-3.8.3-5] [MQTT3-3.8.3-4]"""
    await _subscribe_with_options(visit, 0x80, ReasonCode.MALFORMED_PACKET)


@checked_in_3_1_1
async def test_the_options_of_mqtt_5_are_reserved_in_3_1_1(visit: Visit) -> None:
    """[MQTT3-3.8.3-4]"""
    await _subscribe_with_options(visit, 0x04, ReasonCode.MALFORMED_PACKET)


@checked_in_both
async def test_a_subscription_cannot_ask_for_qos_3(visit: Visit) -> None:
    """Section 3.8.3.1. [MQTT3-3.8.3-4]"""
    await _subscribe_with_options(visit, 0x03, ReasonCode.PROTOCOL_ERROR)


@checked
async def test_there_is_no_retain_handling_3(visit: Visit) -> None:
    """Section 3.8.3.1."""
    await _subscribe_with_options(visit, 0x30, ReasonCode.PROTOCOL_ERROR)


@checked
async def test_a_subscription_identifier_of_zero_is_refused(visit: Visit) -> None:
    """Section 3.8.2.1.2."""
    await ended_by(visit, b"\x82\x09\x00\x01\x02\x0b\x00\x00\x01a\x00", ReasonCode.PROTOCOL_ERROR)


@checked_in_both
async def test_ill_formed_utf_8_in_a_filter_is_malformed(visit: Visit) -> None:
    """[MQTT-3.8.3-1] [MQTT3-3.8.3-1]"""
    properties = b"\x00" if visit.level == MQTT_5 else b""
    body = b"\x00\x01" + properties + b"\x00\x02\xc3\x28\x00"
    await ended_by(visit, bytes((0x82, len(body))) + body)


@checked_in_both
async def test_ill_formed_utf_8_in_a_filter_to_unsubscribe_is_malformed(visit: Visit) -> None:
    """[MQTT-3.10.3-1] [MQTT3-3.10.3-1]"""
    properties = b"\x00" if visit.level == MQTT_5 else b""
    body = b"\x00\x01" + properties + b"\x00\x02\xc3\x28"
    await ended_by(visit, bytes((0xA2, len(body))) + body)


# What the end of one connection leaves alone


@checked
async def test_the_last_word_of_the_broker_is_a_failure_and_says_nothing_of_the_session(visit: Visit) -> None:
    """[MQTT-3.14.2-1, MQTT-3.14.2-2, MQTT-4.13.2-1]"""
    client = await visit.join("car")
    client.send(b"\x36\x06\x00\x01a\x00\x01\x00")
    if not await client.is_at_end():
        disconnect = await client.expect(Disconnect)
        assert disconnect.reason_code >= ReasonCode.UNSPECIFIED_ERROR
        assert PropertyId.SESSION_EXPIRY_INTERVAL not in disconnect.properties
    await client.expect_closed()


@checked_in_both
async def test_a_malformed_packet_harms_nobody_else(visit: Visit) -> None:
    """What was sent before it is delivered, and other clients go on."""
    watcher: RawClient = await visit.join("watcher")
    await watcher.subscribe(Subscription("a", 0))
    client = await visit.join("car")
    properties = b"\x00" if visit.level == MQTT_5 else b""
    client.send(bytes((0x30, 4 + len(properties))) + b"\x00\x01a" + properties + b"1", b"\x00\x00")
    assert (await watcher.message()).payload == b"1"
    await client.expect_end(ReasonCode.MALFORMED_PACKET)
    await (await visit.join("car")).publish("a", b"2", qos=0)
    assert (await watcher.message()).payload == b"2"


@checked
async def test_a_byte_order_mark_is_part_of_the_topic(visit: Visit) -> None:
    """[MQTT-1.5.4-3] [MQTT3-1.5.3-3]"""
    client = await visit.join("car")
    await client.subscribe(Subscription("\ufeffa", 0))
    client.send(encode_publish("a", b"plain", 0, qos=0), encode_publish("\ufeffa", b"marked", 0, qos=0))
    assert (await client.message()).payload == b"marked"
    await client.expect_nothing()
