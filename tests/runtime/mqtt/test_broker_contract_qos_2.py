"""What every broker of this project does with QoS 2: exactly once, whichever packet is lost (section 4.3.3).

A packet that was lost with its connection is played by a client that behaves as if it had not come.
"""

from runtime.mqtt.packets import (
    MQTT_5,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    ReasonCode,
    Subscription,
    make_publish,
)
from tests.runtime.mqtt.broker_places import Visit, checked, checked_in_3_1_1, checked_in_both
from tests.runtime.mqtt.raw_client import RawClient


def message_under(packet_id: int, payload: bytes = b"once", *, duplicate: bool = False) -> Publish:
    """A message of QoS 2."""
    return make_publish("a", payload, qos=2, packet_id=packet_id, duplicate=duplicate)


async def subscriber(visit: Visit) -> RawClient:
    """A client that hears of what is published."""
    client = await visit.join("listener")
    await client.subscribe(Subscription("a", 2))
    return client


async def receiver(visit: Visit, payload: bytes = b"once") -> tuple[RawClient, Publish]:
    """A client whose session stays, and the message of QoS 2 that it was just sent."""
    client, _ = await visit.resume("car")
    await client.subscribe(Subscription("a", 2))
    await (await visit.join("sender")).publish("a", payload, qos=2)
    return client, await client.expect(Publish)


# From the client


@checked_in_both
async def test_qos_2_is_acknowledged_in_four_steps_and_delivered_once(visit: Visit) -> None:
    """[MQTT-4.3.3-8, MQTT-4.3.3-11, MQTT-3.3.4-1, MQTT-2.2.1-5, MQTT-3.5.2-1, MQTT-3.7.2-1]
    [MQTT3-4.3.3-2, MQTT3-3.3.4-1, MQTT3-2.3.1-6]"""
    listener, sender = await subscriber(visit), await visit.join("car")
    sender.send(message_under(5))
    assert await sender.expect(Pubrec) == Pubrec(5)
    sender.send(Pubrel(5))
    assert await sender.expect(Pubcomp) == Pubcomp(5)
    message = await listener.message()
    assert (message.payload, message.qos, message.duplicate) == (b"once", 2, False)
    await listener.expect_nothing()


@checked_in_both
async def test_a_publish_repeated_before_pubrel_is_answered_and_not_delivered_again(visit: Visit) -> None:
    """[MQTT-4.3.3-10] [MQTT3-4.3.3-2]"""
    listener, sender = await subscriber(visit), await visit.join("car")
    for duplicate in (False, True, True):
        sender.send(message_under(5, duplicate=duplicate))
        assert (await sender.expect(Pubrec)).packet_id == 5
    sender.send(Pubrel(5))
    await sender.expect(Pubcomp)
    assert (await listener.message()).payload == b"once"
    await listener.expect_nothing()


@checked_in_both
async def test_an_identifier_may_be_used_again_after_pubcomp(visit: Visit) -> None:
    """[MQTT-4.3.3-12] [MQTT3-4.3.3-2]"""
    listener, sender = await subscriber(visit), await visit.join("car")
    for payload in (b"1", b"2"):
        sender.send(message_under(5, payload))
        await sender.expect(Pubrec)
        sender.send(Pubrel(5))
        await sender.expect(Pubcomp)
    assert await listener.payloads(2) == [b"1", b"2"]


@checked_in_both
async def test_several_messages_may_be_under_way_at_once(visit: Visit) -> None:
    """[MQTT-4.6.0-5] [MQTT3-4.6.0-5]"""
    listener, sender = await subscriber(visit), await visit.join("car")
    sender.send(*(message_under(number, b"%d" % number) for number in (1, 2, 3)))
    assert [(await sender.expect(Pubrec)).packet_id for _ in range(3)] == [1, 2, 3]
    sender.send(*(Pubrel(number) for number in (1, 2, 3)))
    assert [(await sender.expect(Pubcomp)).packet_id for _ in range(3)] == [1, 2, 3]
    assert await listener.payloads(3) == [b"1", b"2", b"3"]


@checked_in_both
async def test_a_publish_lost_on_its_way_is_taken_when_it_comes_again(visit: Visit) -> None:
    """[MQTT-4.4.0-1]: the first of four losses."""
    listener = await subscriber(visit)
    sender, _ = await visit.resume("car")
    sender.drop()
    sender, _ = await visit.resume("car")
    sender.send(message_under(5, duplicate=True))
    await sender.expect(Pubrec)
    sender.send(Pubrel(5))
    await sender.expect(Pubcomp)
    assert (await listener.message()).payload == b"once"
    await listener.expect_nothing()


@checked_in_both
async def test_a_pubrec_lost_on_its_way_does_not_double_the_message(visit: Visit) -> None:
    """[MQTT-4.3.3-10] [MQTT3-4.3.3-2]: the second; the identifier is session state."""
    listener = await subscriber(visit)
    sender, _ = await visit.resume("car")
    sender.send(message_under(5))
    await sender.expect(Pubrec)
    sender.drop()
    sender, connack = await visit.resume("car")
    assert connack.session_present
    sender.send(message_under(5, duplicate=True))
    assert (await sender.expect(Pubrec)).reason_code < ReasonCode.UNSPECIFIED_ERROR
    sender.send(Pubrel(5))
    await sender.expect(Pubcomp)
    assert (await listener.message()).payload == b"once"
    await listener.expect_nothing()


@checked_in_both
async def test_a_pubrel_lost_on_its_way_completes_the_message_when_it_comes_again(visit: Visit) -> None:
    """[MQTT-4.3.3-11] [MQTT3-4.3.3-2]: the third."""
    listener = await subscriber(visit)
    sender, _ = await visit.resume("car")
    sender.send(message_under(5))
    await sender.expect(Pubrec)
    sender.drop()
    sender, _ = await visit.resume("car")
    sender.send(Pubrel(5))
    assert await sender.expect(Pubcomp) == Pubcomp(5)
    assert (await listener.message()).payload == b"once"
    await listener.expect_nothing()


@checked_in_both
async def test_a_pubcomp_lost_on_its_way_is_said_again(visit: Visit) -> None:
    """[MQTT-4.3.3-11] [MQTT3-4.3.3-2]: the fourth; 0x92 is no error here (section 3.7.2.1)."""
    listener = await subscriber(visit)
    sender, _ = await visit.resume("car")
    sender.send(message_under(5))
    await sender.expect(Pubrec)
    sender.send(Pubrel(5))
    await sender.expect(Pubcomp)
    sender.drop()
    sender, _ = await visit.resume("car")
    sender.send(Pubrel(5))
    answer = await sender.expect(Pubcomp)
    assert answer.packet_id == 5
    assert answer.reason_code in (ReasonCode.SUCCESS, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND)
    sender.send(message_under(5, b"new"))
    await sender.expect(Pubrec)
    sender.send(Pubrel(5))
    await sender.expect(Pubcomp)
    assert await listener.payloads(2) == [b"once", b"new"]
    await listener.expect_nothing()


@checked_in_both
async def test_a_clean_start_forgets_identifiers_that_were_not_released(visit: Visit) -> None:
    """[MQTT-3.1.2-4] [MQTT3-3.1.2-6]: what comes under them is a new message."""
    listener = await subscriber(visit)
    sender, _ = await visit.resume("car")
    sender.send(message_under(5, b"old"))
    await sender.expect(Pubrec)
    sender.drop()
    sender, _ = await visit.resume("car", clean_start=True)
    sender.send(message_under(5, b"new"))
    await sender.expect(Pubrec)
    sender.send(Pubrel(5))
    await sender.expect(Pubcomp)
    payloads = [(await listener.message()).payload]
    if payloads == [b"old"]:  # whether it is passed on at PUBLISH or at PUBREL is the broker's choice
        payloads = [(await listener.message()).payload]
    assert payloads == [b"new"]
    await listener.expect_nothing()


# To the client


@checked_in_both
async def test_pubrel_follows_pubrec_and_the_identifier_is_free_after_pubcomp(visit: Visit) -> None:
    """[MQTT-4.3.3-1, MQTT-4.3.3-2, MQTT-4.3.3-4, MQTT-3.6.2-1] [MQTT3-4.3.3-1]"""
    client, message = await receiver(visit)
    assert (message.qos, message.duplicate) == (2, False)
    client.send(Pubrec(message.packet_id))
    assert await client.expect(Pubrel) == Pubrel(message.packet_id)
    client.send(Pubcomp(message.packet_id))
    await client.expect_nothing()


@checked_in_both
async def test_a_message_whose_pubrec_was_lost_comes_again_with_dup(visit: Visit) -> None:
    """[MQTT-4.3.3-3, MQTT-4.4.0-1, MQTT-3.3.1-1] [MQTT3-4.3.3-1, MQTT3-4.4.0-1]: the first of four losses."""
    client, message = await receiver(visit)
    client.drop()
    client, _ = await visit.resume("car")
    again = await client.expect(Publish)
    assert (again.payload, again.packet_id, again.duplicate) == (b"once", message.packet_id, True)
    await client.expect_nothing()


@checked_in_both
async def test_after_pubrec_only_pubrel_comes_again(visit: Visit) -> None:
    """[MQTT-4.3.3-5, MQTT-4.3.3-6, MQTT-4.4.0-1] [MQTT3-4.3.3-1, MQTT3-4.4.0-1]: the second, PUBREL lost."""
    client, message = await receiver(visit)
    client.send(Pubrec(message.packet_id))
    await client.expect(Pubrel)
    client.drop()
    client, _ = await visit.resume("car")
    assert await client.expect(Pubrel) == Pubrel(message.packet_id)
    await client.expect_nothing()
    client.send(Pubcomp(message.packet_id))
    await client.expect_nothing()


@checked_in_both
async def test_a_pubrel_whose_pubcomp_was_lost_comes_again_every_time(visit: Visit) -> None:
    """[MQTT-4.3.3-5] [MQTT3-4.3.3-1]: the third, twice over."""
    client, message = await receiver(visit)
    client.send(Pubrec(message.packet_id))
    await client.expect(Pubrel)
    for _ in range(2):
        client.drop()
        client, _ = await visit.resume("car")
        assert await client.expect(Pubrel) == Pubrel(message.packet_id)
    client.send(Pubcomp(message.packet_id))
    await client.expect_nothing()


@checked_in_both
async def test_nothing_comes_again_after_pubcomp(visit: Visit) -> None:
    """[MQTT-4.3.3-5] [MQTT3-4.3.3-1]: the fourth, nothing was lost that matters."""
    client, message = await receiver(visit)
    client.send(Pubrec(message.packet_id))
    await client.expect(Pubrel)
    client.send(Pubcomp(message.packet_id))
    await client.expect_nothing()
    client.drop()
    client, _ = await visit.resume("car")
    await client.expect_nothing()


@checked_in_both
async def test_a_pubrec_repeated_is_answered_with_pubrel_again(visit: Visit) -> None:
    """[MQTT-4.3.3-4] [MQTT3-4.3.3-1]"""
    client, message = await receiver(visit)
    client.send(Pubrec(message.packet_id))
    await client.expect(Pubrel)
    client.send(Pubrec(message.packet_id))
    assert (await client.expect(Pubrel)).packet_id == message.packet_id
    client.send(Pubcomp(message.packet_id))
    await client.expect_nothing()


@checked
async def test_a_pubrec_that_refuses_ends_the_delivery(visit: Visit) -> None:
    """[MQTT-4.4.0-2], section 4.3.3: no PUBREL, nothing comes again, the identifier is free."""
    client, message = await receiver(visit)
    client.send(Pubrec(message.packet_id, ReasonCode.UNSPECIFIED_ERROR))
    await client.expect_nothing()
    client.drop()
    client, _ = await visit.resume("car")
    await client.expect_nothing()


@checked
async def test_a_pubrec_for_nothing_is_answered(visit: Visit) -> None:
    """[MQTT-4.3.3-4], section 3.6.2.1: the connection goes on; ours also says 0x92 (`test_broker_core`)."""
    client = await visit.join("car")
    client.send(Pubrec(4711))
    answer = await client.expect(Pubrel)
    assert answer.packet_id == 4711
    assert answer.reason_code in (ReasonCode.SUCCESS, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND)
    client.send(Pubcomp(4711))
    await client.expect_nothing()


@checked_in_3_1_1
async def test_what_is_under_way_is_sent_again_in_its_order(visit: Visit) -> None:
    """[MQTT3-4.4.0-1, MQTT3-4.6.0-1, MQTT3-4.6.0-4]: QoS 1 and 2 mixed."""
    await _sent_again_in_order(visit)


@checked
async def test_what_is_under_way_is_sent_again_in_its_order_in_mqtt_5(visit: Visit) -> None:
    """[MQTT-4.4.0-1, MQTT-4.6.0-5]"""
    await _sent_again_in_order(visit)


async def _sent_again_in_order(visit: Visit) -> None:
    client, first = await receiver(visit, b"1")
    sender = await visit.join("sender")
    await sender.publish("a", b"2", qos=1)
    await sender.publish("a", b"3", qos=2)
    second, third = await client.expect(Publish), await client.expect(Publish)
    client.send(Pubrec(first.packet_id))
    await client.expect(Pubrel)
    client.drop()
    client, _ = await visit.resume("car")
    found = [await client.packet() for _ in range(3)]
    publishes = [each for each in found if isinstance(each, Publish)]
    assert [each.packet_id for each in publishes] == [second.packet_id, third.packet_id]
    assert all(each.duplicate for each in publishes)
    assert [each for each in found if isinstance(each, Pubrel)] == [Pubrel(first.packet_id)]
    await client.expect_nothing()


@checked_in_both
async def test_an_identifier_with_pubcomp_outstanding_is_not_given_to_another_message(visit: Visit) -> None:
    """[MQTT-2.2.1-4] [MQTT3-2.3.1-4]"""
    client, message = await receiver(visit)
    client.send(Pubrec(message.packet_id))
    await client.expect(Pubrel)
    sender = await visit.join("sender")
    for _ in range(3):
        await sender.publish("a", qos=2)
    assert message.packet_id not in [(await client.expect(Publish)).packet_id for _ in range(3)]


@checked_in_both
async def test_identifiers_of_both_directions_are_apart(visit: Visit) -> None:
    """Section 2.2.1: client and broker may use the same one at the same time."""
    client, message = await receiver(visit)
    client.send(make_publish("b", b"own", qos=2, packet_id=message.packet_id))
    assert (await client.expect(Pubrec)).packet_id == message.packet_id
    client.send(Pubrec(message.packet_id))
    assert (await client.expect(Pubrel)).packet_id == message.packet_id
    client.send(Pubrel(message.packet_id))
    assert (await client.expect(Pubcomp)) == Pubcomp(message.packet_id)
    client.send(Pubcomp(message.packet_id))
    await client.expect_nothing()


@checked
async def test_a_message_that_was_sent_is_completed_though_its_life_has_ended(visit: Visit) -> None:
    """[MQTT-4.3.3-7, MQTT-4.3.3-13]"""
    client, _ = await visit.resume("car")
    await client.subscribe(Subscription("a", 2))
    sender = await visit.join("sender")
    sender.send(b"\x34\x0f\x00\x01a\x00\x01\x05\x02\x00\x00\x00\x01once")
    await sender.expect(Pubrec)
    sender.send(Pubrel(1))
    await sender.expect(Pubcomp)
    message = await client.expect(Publish)
    await sender.expect_nothing()
    client.send(Pubrec(message.packet_id))
    assert await client.expect(Pubrel) == Pubrel(message.packet_id)


@checked_in_both
async def test_a_puback_does_not_acknowledge_qos_2(visit: Visit) -> None:
    """Section 4.3.3: the broker ends the connection or takes no notice, and the message is still there."""
    client, message = await receiver(visit)
    client.send(Puback(message.packet_id), b"\xc0\x00")
    while not await client.is_at_end():
        if visit.level < MQTT_5 or not isinstance(await client.packet(), Publish):
            break
    client.drop()
    client, _ = await visit.resume("car")
    again = await client.expect(Publish)
    assert (again.payload, again.duplicate) == (b"once", True)
