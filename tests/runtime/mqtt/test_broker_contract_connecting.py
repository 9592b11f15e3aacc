"""What every broker of this project does when a client connects, stays silent, or connects again.

The contract goes on in the other `test_broker_contract_…`: each check once, in every place of
`broker_places`, and where a rule holds in MQTT 3.1.1 and 5 in both. Docstrings cite conformance statements
as MQTT-… (version 5) and MQTT3-… (version 3.1.1); `conformance` keeps the books.
"""

from runtime.mqtt.packets import (
    MQTT_3_1_1,
    MQTT_5,
    Connack,
    Connect,
    Disconnect,
    Pingresp,
    PropertyId,
    Puback,
    ReasonCode,
    Subscription,
    Will,
    encode_publish,
    make_publish,
)
from tests.runtime.mqtt.broker_places import Visit, checked, checked_in_3_1_1, checked_in_both

ALL_CHARACTERS = ("0123456789abcdefghijklm", "nopqrstuvwxyzABCDEFGHIJ", "KLMNOPQRSTUVWXYZ")


# CONNECT and CONNACK


@checked_in_both
async def test_connack_reports_success_and_no_session_on_a_first_connection(visit: Visit) -> None:
    """[MQTT-3.1.4-5, MQTT-3.2.0-1, MQTT-3.2.2-1, MQTT-3.2.2-3, MQTT-3.1.2-6]
    [MQTT3-3.1.4-4, MQTT3-3.2.0-1, MQTT3-3.2.2-3, MQTT3-3.1.2-4]"""
    client = await visit.open()
    connack = await client.connect(Connect("car", clean_start=False))
    assert (connack.session_present, connack.reason_code) == (False, ReasonCode.SUCCESS)
    await client.expect_nothing()


@checked_in_both
async def test_a_client_identifier_may_have_23_letters_and_digits(visit: Visit) -> None:
    """[MQTT-3.1.3-5, MQTT-3.1.3-3, MQTT-3.1.3-4] [MQTT3-3.1.3-5, MQTT3-3.1.3-3, MQTT3-3.1.3-4]"""
    for name in ("x", *ALL_CHARACTERS):
        client = await visit.open()
        assert (await client.connect(Connect(name))).reason_code == ReasonCode.SUCCESS


@checked
async def test_an_empty_client_identifier_is_assigned_one(visit: Visit) -> None:
    """[MQTT-3.1.3-6, MQTT-3.1.3-7, MQTT-3.2.2-16]"""
    one, other = await visit.open(), await visit.open()
    first, second = await one.connect(Connect("")), await other.connect(Connect(""))
    names = [each.properties.text(PropertyId.ASSIGNED_CLIENT_IDENTIFIER) for each in (first, second)]
    assert names[0]
    assert names[1] not in ("", names[0])


@checked
async def test_an_assigned_client_identifier_names_the_session_from_then_on(visit: Visit) -> None:
    """[MQTT-3.1.3-2]"""
    client, connack = await visit.resume("")
    await client.disconnect()
    name = connack.properties.text(PropertyId.ASSIGNED_CLIENT_IDENTIFIER)
    _, connack = await visit.resume(name)
    assert connack.session_present


@checked_in_3_1_1
async def test_an_empty_client_identifier_is_a_client_of_its_own(visit: Visit) -> None:
    """[MQTT3-3.1.3-6]"""
    one, other = await visit.open(), await visit.open()
    assert (await one.connect(Connect(""))).reason_code == ReasonCode.SUCCESS
    assert (await other.connect(Connect(""))).reason_code == ReasonCode.SUCCESS
    await one.expect_nothing()
    await other.expect_nothing()


@checked_in_3_1_1
async def test_a_session_cannot_be_kept_for_an_empty_client_identifier(visit: Visit) -> None:
    """[MQTT3-3.1.3-7, MQTT3-3.1.3-8, MQTT3-3.2.2-4, MQTT3-3.2.2-5]: return code 2."""
    client = await visit.open()
    connack = await client.connect(Connect("", clean_start=False))
    assert connack == Connack(False, ReasonCode.CLIENT_IDENTIFIER_NOT_VALID)
    await client.expect_closed()


@checked
async def test_a_client_identifier_of_the_client_is_not_assigned_back(visit: Visit) -> None:
    """Section 3.2.2.3.7."""
    client = await visit.open()
    connack = await client.connect(Connect("car"))
    assert PropertyId.ASSIGNED_CLIENT_IDENTIFIER not in connack.properties


@checked
async def test_another_protocol_version_is_refused(visit: Visit) -> None:
    """[MQTT-3.1.2-2]: closed, and if anything is answered then that it is refused."""
    client = await visit.open()
    client.send(b"\x10\x10\x00\x04MQTT\x06\x02\x00\x00\x00\x00\x03car", b"\xc0\x00")
    while not client.is_closed and not await client.is_at_end():
        await client.packet()
    await client.expect_closed()
    assert client.raw in (b"", b"\x20\x03\x00\x84\x00", b"\x20\x02\x00\x01")


@checked
async def test_another_protocol_name_is_refused(visit: Visit) -> None:
    """[MQTT-3.1.2-1] [MQTT3-3.1.2-1]"""
    client = await visit.open()
    client.send(b"\x10\x10\x00\x04HTTP\x05\x02\x00\x00\x00\x00\x03car", b"\xc0\x00")
    while not client.is_closed and not await client.is_at_end():
        await client.packet()
    await client.expect_closed()
    assert client.raw in (b"", b"\x20\x03\x00\x84\x00", b"\x20\x02\x00\x01")


@checked_in_3_1_1
async def test_an_unknown_level_is_refused_with_return_code_1(visit: Visit) -> None:
    """[MQTT3-3.1.2-2]"""
    client = await visit.open()
    client.send(b"\x10\x0d\x00\x04MQTT\x03\x02\x00\x00\x00\x01a")
    assert await client.expect(Connack) == Connack(False, ReasonCode.UNSUPPORTED_PROTOCOL_VERSION)
    await client.expect_closed()


@checked_in_both
async def test_nothing_is_answered_before_connect(visit: Visit) -> None:
    """[MQTT-3.1.0-1, MQTT-3.14.0-1] [MQTT3-3.1.0-1]"""
    client = await visit.open()
    client.send(make_publish("a", b"", qos=1, packet_id=1))
    await client.expect_closed()
    assert client.raw == b""


@checked_in_both
async def test_nothing_is_done_that_came_before_connect(visit: Visit) -> None:
    """[MQTT-3.1.0-1] [MQTT3-3.1.0-1]"""
    watcher, client = await visit.join("watcher"), await visit.open()
    await watcher.subscribe(Subscription("#", 0))
    client.send(make_publish("a", b"too early"), Connect("car"))
    await client.expect_closed()
    await watcher.expect_nothing()


@checked_in_both
async def test_what_follows_a_refused_connect_is_not_done(visit: Visit) -> None:
    """[MQTT-3.1.4-6, MQTT-3.1.4-1] [MQTT3-3.1.4-5, MQTT3-3.1.4-1]"""
    watcher, client = await visit.join("watcher"), await visit.open()
    await watcher.subscribe(Subscription("#", 0))
    connect = bytearray(Connect("car", level=visit.level).encode())
    connect[9] |= 0x01
    client.send(bytes(connect), make_publish("a", b"too late"))
    while not await client.is_at_end():
        assert (await client.expect(Connack)).reason_code >= ReasonCode.UNSPECIFIED_ERROR
    await watcher.expect_nothing()


@checked_in_both
async def test_a_second_connect_ends_the_connection(visit: Visit) -> None:
    """[MQTT-3.1.0-2, MQTT-3.2.0-2] [MQTT3-3.1.0-2]"""
    client = await visit.join("car")
    client.send(Connect("car"))
    await client.expect_end(ReasonCode.PROTOCOL_ERROR)


@checked_in_both
async def test_a_refused_connect_leaves_the_client_that_was_there_alone(visit: Visit) -> None:
    """[MQTT-3.1.4-1]: validated first, taken over then. [MQTT3-3.1.4-1]"""
    older = await visit.join("car")
    client = await visit.open()
    connect = bytearray(Connect("car", level=visit.level).encode())
    connect[9] |= 0x01
    client.send(bytes(connect))
    while not await client.is_at_end():
        await client.expect(Connack)
    await older.expect_nothing()


@checked_in_both
async def test_user_name_and_password_may_be_given(visit: Visit) -> None:
    """[MQTT-3.1.2-16, MQTT-3.1.2-17, MQTT-3.1.2-18, MQTT-3.1.2-19, MQTT-3.1.3-1, MQTT-3.1.3-12]
    [MQTT3-3.1.2-18, MQTT3-3.1.2-19, MQTT3-3.1.2-20, MQTT3-3.1.2-21, MQTT3-3.1.3-1, MQTT3-3.1.3-11]"""
    client = await visit.open()
    connect = Connect("car", will=Will("w"), user_name="driver", password=b"\x00\xff")
    assert (await client.connect(connect)).reason_code == ReasonCode.SUCCESS


@checked
async def test_extended_authentication_that_is_not_offered_is_refused(visit: Visit) -> None:
    """[MQTT-4.12.0-1, MQTT-3.2.2-7, MQTT-3.2.2-8, MQTT-3.1.4-2]"""
    client = await visit.open()
    client.send(b"\x10\x14\x00\x04MQTT\x05\x02\x00\x00\x04\x15\x00\x01X\x00\x03car")
    connack = await client.expect(Connack)
    assert connack.reason_code in (ReasonCode.BAD_AUTHENTICATION_METHOD, ReasonCode.NOT_AUTHORIZED)
    assert not connack.session_present
    await client.expect_closed()


# Keep alive


@checked_in_both
async def test_a_ping_is_answered(visit: Visit) -> None:
    """[MQTT-3.12.4-1] [MQTT3-3.12.4-1]"""
    client = await visit.join("car")
    client.send(b"\xc0\x00")
    await client.expect(Pingresp)
    assert client.raw.endswith(b"\xd0\x00")


@checked_in_both
async def test_a_silent_client_is_disconnected_after_one_and_a_half_keep_alives(visit: Visit) -> None:
    """[MQTT-3.1.2-22, MQTT-3.2.2-22] [MQTT3-3.1.2-24]"""
    client = await visit.join("car", keep_alive_s=1)
    await client.expect_end(ReasonCode.KEEP_ALIVE_TIMEOUT)


# Two connections of one client


@checked
async def test_a_session_is_taken_over_by_the_newer_connection(visit: Visit) -> None:
    """[MQTT-3.1.4-3]: the older one is told 0x8E, the newer one has the session."""
    older, _ = await visit.resume("car")
    _, connack = await visit.resume("car")
    assert connack.session_present
    await older.expect_disconnect(ReasonCode.SESSION_TAKEN_OVER)


@checked_in_3_1_1
async def test_the_older_of_two_connections_is_closed(visit: Visit) -> None:
    """[MQTT3-3.1.4-2]"""
    older, _ = await visit.resume("car")
    _, connack = await visit.resume("car")
    assert connack.session_present
    await older.expect_closed()


@checked_in_both
async def test_a_session_that_was_taken_over_lives_on_the_newer_connection(visit: Visit) -> None:
    """[MQTT-3.1.4-3, MQTT-3.1.4-4] [MQTT3-3.1.4-3]"""
    older, _ = await visit.resume("car")
    await older.subscribe(Subscription("a"))
    newer, _ = await visit.resume("car")
    sender = await visit.join("sender")
    await sender.publish("a", b"here")
    assert (await newer.message()).payload == b"here"


@checked_in_both
async def test_clients_of_both_levels_share_one_port(visit: Visit) -> None:
    old, new = await visit.join("old", level=MQTT_3_1_1), await visit.join("new", level=MQTT_5)
    await old.subscribe(Subscription("a"))
    await new.subscribe(Subscription("a"))
    await (old if visit.level == MQTT_3_1_1 else new).publish("b")
    await (await visit.join("sender")).publish("a", b"both")
    assert [(await each.message()).payload for each in (old, new)] == [b"both", b"both"]


# The end of a connection


@checked_in_both
async def test_a_disconnect_is_the_last_that_is_heard(visit: Visit) -> None:
    """[MQTT-3.14.4-1, MQTT-3.14.4-2] [MQTT3-3.14.4-1, MQTT3-3.14.4-2]"""
    watcher, client = await visit.join("watcher"), await visit.join("car")
    await watcher.subscribe(Subscription("#", 0))
    client.send(Disconnect(), make_publish("a", b"too late"))
    await client.expect_closed()
    await watcher.expect_nothing()


# Packets in the stream


@checked
async def test_packets_arrive_whole_from_single_bytes(visit: Visit) -> None:
    """[MQTT-4.2.0-1]"""
    client = await visit.join("car")
    await client.subscribe(Subscription("a/b"))
    other = await visit.join("other")
    for byte in encode_publish("a/b", b"payload", 0, qos=0):
        client.send(bytes((byte,)))
        await other.expect_nothing()
    assert (await client.message()).payload == b"payload"


@checked_in_both
async def test_many_packets_in_one_segment_are_all_answered_in_order(visit: Visit) -> None:
    client = await visit.join("car")
    client.send(*(make_publish("a", b"", qos=1, packet_id=number) for number in range(1, 11)), b"\xc0\x00")
    assert [(await client.expect(Puback)).packet_id for _ in range(10)] == list(range(1, 11))
    await client.expect(Pingresp)
