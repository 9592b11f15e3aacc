"""What every broker of this project does, byte by byte: connections, and bytes that are no MQTT 5.

The contract goes on in `test_broker_contract_…`: each check once, in every place of `broker_places`.
"""

from runtime.mqtt.packets import (
    Connack,
    Connect,
    Pingresp,
    PropertyId,
    Puback,
    ReasonCode,
    Subscription,
    encode_publish,
)
from tests.runtime.mqtt.broker_places import Visit, contract
from tests.runtime.mqtt.mosquitto_deviations import MOSQUITTO_DEVIATES

checked = contract(MOSQUITTO_DEVIATES)


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
