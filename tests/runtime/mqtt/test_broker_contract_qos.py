"""What every broker of this project does with messages of QoS 0 and 1, and with their order (section 4.3)."""

from runtime.mqtt.packets import (
    Puback,
    Publish,
    ReasonCode,
    Subscription,
    encode_publish,
    make_publish,
)
from tests.runtime.mqtt.broker_places import Visit, checked, checked_in_both


@checked_in_both
async def test_qos_0_is_delivered_without_an_identifier(visit: Visit) -> None:
    """[MQTT-4.3.1-1, MQTT-2.2.1-2, MQTT-3.3.1-2] [MQTT3-4.3.1-1, MQTT3-2.3.1-5, MQTT3-3.3.1-2]"""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("a"))
    await sender.publish("a", b"hello", qos=0)
    message = await client.message()
    assert (message.payload, message.qos, message.duplicate, message.packet_id) == (b"hello", 0, False, 0)
    await client.expect_nothing()


@checked_in_both
async def test_qos_1_is_acknowledged_and_delivered_at_qos_1(visit: Visit) -> None:
    """[MQTT-4.3.2-1, MQTT-4.3.2-2, MQTT-4.3.2-4, MQTT-3.3.4-1, MQTT-2.2.1-4, MQTT-2.2.1-5, MQTT-3.4.2-1]
    [MQTT3-4.3.2-1, MQTT3-4.3.2-2, MQTT3-3.3.4-1, MQTT3-2.3.1-4, MQTT3-2.3.1-6]"""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("a/b"))
    assert await sender.publish("a/b", b"hello") == ReasonCode.SUCCESS
    message = await client.message()
    assert (message.topic_name, message.payload, message.qos) == ("a/b", b"hello", 1)
    assert (message.duplicate, message.retain) == (False, False)
    assert message.packet_id


@checked_in_both
async def test_an_identifier_may_be_used_again_once_it_was_acknowledged(visit: Visit) -> None:
    """[MQTT-4.3.2-5] [MQTT3-4.3.2-2]: whatever its DUP flag, it is a new message then."""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("a"))
    for number, duplicate in enumerate((False, False, True)):
        sender.send(make_publish("a", b"%d" % number, qos=1, packet_id=9, duplicate=duplicate))
        assert (await sender.expect(Puback)).packet_id == 9
    assert await client.payloads(3) == [b"0", b"1", b"2"]


@checked_in_both
async def test_messages_under_way_have_different_identifiers(visit: Visit) -> None:
    """[MQTT-2.2.1-4] [MQTT3-2.3.1-2, MQTT3-2.3.1-4]"""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("a", 2))
    for number in range(6):
        await sender.publish("a", qos=1 + number % 2)
    found = [(await client.expect(Publish)).packet_id for _ in range(6)]
    assert 0 not in found
    assert len(dict.fromkeys(found)) == 6


@checked
async def test_a_message_nobody_wants_is_acknowledged_all_the_same(visit: Visit) -> None:
    """Section 3.4.2.1: 0x10 or 0x00."""
    client = await visit.join("car")
    allowed = (ReasonCode.SUCCESS, ReasonCode.NO_MATCHING_SUBSCRIBERS)
    assert await client.publish("nobody/wants/it") in allowed
    assert await client.publish("nobody/wants/it", qos=2) in allowed


@checked_in_both
async def test_a_message_is_delivered_at_the_lower_of_both_qos(visit: Visit) -> None:
    """[MQTT-3.8.4-8] [MQTT3-3.8.4-6]"""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(*(Subscription(f"at-{qos}", qos) for qos in range(3)))
    for granted in range(3):
        for qos in range(3):
            await sender.publish(f"at-{granted}", qos=qos)
    assert [(await client.message()).qos for _ in range(9)] == [0, 0, 0, 0, 1, 1, 0, 1, 2]


@checked_in_both
async def test_messages_of_one_topic_arrive_in_the_order_of_publishing(visit: Visit) -> None:
    """[MQTT-4.6.0-5, MQTT-4.6.0-6] [MQTT3-4.6.0-5, MQTT3-4.6.0-6]"""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("a"))
    payloads = [b"%d" % number for number in range(1, 101)]
    for number, payload in enumerate(payloads, 1):
        sender.send(make_publish("a", payload, qos=1, packet_id=number))
    assert [(await sender.expect(Puback)).packet_id for _ in payloads] == list(range(1, 101))
    assert await client.payloads(100) == payloads


@checked_in_both
async def test_a_message_reaches_every_subscriber(visit: Visit) -> None:
    """[MQTT-4.5.0-1] [MQTT3-4.5.0-1]"""
    clients = [await visit.join(f"car-{number}") for number in range(5)]
    for number, client in enumerate(clients):
        await client.subscribe(Subscription("all", number % 3))
    sender = await visit.join("sender")
    await sender.publish("all", b"x", qos=2)
    messages = [await client.message() for client in clients]
    assert [(each.payload, each.qos) for each in messages] == [(b"x", number % 3) for number in range(5)]


@checked_in_both
async def test_the_publishers_dup_flag_is_not_passed_on(visit: Visit) -> None:
    """[MQTT-3.3.1-3] [MQTT3-3.3.1-3]"""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("a"))
    sender.send(make_publish("a", b"", qos=1, packet_id=5, duplicate=True))
    await sender.expect(Puback)
    assert not (await client.message()).duplicate


@checked_in_both
async def test_a_client_hears_its_own_messages(visit: Visit) -> None:
    client = await visit.join("car")
    await client.subscribe(Subscription("a", 0))
    client.send(make_publish("a", b"echo"))
    assert (await client.message()).payload == b"echo"


@checked_in_both
async def test_a_puback_for_nothing_is_no_harm(visit: Visit) -> None:
    client = await visit.join("car")
    client.send(Puback(4711))
    await client.expect_nothing()


@checked
async def test_a_puback_that_refuses_ends_the_delivery_too(visit: Visit) -> None:
    """[MQTT-4.4.0-2]: whatever its reason code, the identifier is free again."""
    client = await visit.join("car", receive_maximum=1)
    sender = await visit.join("sender")
    await client.subscribe(Subscription("a"))
    await sender.publish("a", b"1")
    await sender.publish("a", b"2")
    client.send(Puback((await client.expect(Publish)).packet_id, ReasonCode.NOT_AUTHORIZED))
    assert (await client.message()).payload == b"2"


@checked
async def test_a_puback_may_say_everything_at_length(visit: Visit) -> None:
    """Section 3.4.2.1: reason code and property length may be there or not."""
    client = await visit.join("car", receive_maximum=1)
    sender = await visit.join("sender")
    await client.subscribe(Subscription("a"))
    forms = (b"\x40\x02%b", b"\x40\x03%b\x00", b"\x40\x04%b\x00\x00", b"\x40\x08%b\x00\x04\x1f\x00\x01x")
    for number, form in enumerate(forms):
        await sender.publish("a", b"%d" % number)
        message = await client.expect(Publish)
        assert message.payload == b"%d" % number
        client.send(form % message.packet_id.to_bytes(2, "big"))
    await sender.publish("a", b"last")
    assert (await client.message()).payload == b"last"


@checked_in_both
async def test_payloads_are_passed_on_whatever_they_hold(visit: Visit) -> None:
    """[MQTT-4.2.0-1]"""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("a"))
    payloads = [b"", bytes(range(256)), b"x" * 40_000]
    for payload in payloads:
        await sender.publish("a", payload)
    assert await client.payloads(3) == payloads


@checked
async def test_every_size_of_a_remaining_length_is_understood(visit: Visit) -> None:
    """Table 2-1: one, two and three bytes of it."""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("a", 0))
    for size in (0, 123, 124, 16_379, 16_380):
        await sender.send_all(encode_publish("a", b"x" * size, 0, qos=0))
        assert len((await client.message()).payload) == size
