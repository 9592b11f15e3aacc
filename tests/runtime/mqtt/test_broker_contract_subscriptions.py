"""What every broker of this project does with subscriptions and their options (sections 3.8 … 3.11)."""

from runtime.mqtt.packets import (
    Properties,
    PropertyId,
    Puback,
    Publish,
    ReasonCode,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
    make_publish,
)
from tests.runtime.mqtt.broker_places import Visit, checked, checked_in_both


def identifier(value: int) -> Properties:
    """A Subscription Identifier."""
    return Properties((PropertyId.SUBSCRIPTION_IDENTIFIER, value))


def identifiers(message: Publish) -> list[int]:
    """The Subscription Identifiers in a message, sorted."""
    found = [value for kind, value in message.properties if kind is PropertyId.SUBSCRIPTION_IDENTIFIER]
    return sorted(value for value in found if isinstance(value, int))


# SUBSCRIBE


@checked_in_both
async def test_suback_grants_what_was_asked_filter_by_filter(visit: Visit) -> None:
    """[MQTT-3.8.4-1, MQTT-3.8.4-2, MQTT-3.8.4-5, MQTT-3.8.4-6, MQTT-3.8.4-7, MQTT-3.9.3-1, MQTT-3.9.3-2,
    MQTT-2.2.1-6]
    [MQTT3-3.8.4-1, MQTT3-3.8.4-2, MQTT3-3.8.4-4, MQTT3-3.8.4-5, MQTT3-3.9.3-1, MQTT3-3.9.3-2,
    MQTT3-2.3.1-7]"""
    client = await visit.join("car")
    wanted = (Subscription("a", 1), Subscription("b", 0), Subscription("c", 2), Subscription("a/+/#", 1))
    client.send(Subscribe(4711, wanted))
    answer = await client.expect(Suback)
    assert (answer.packet_id, answer.reason_codes) == (4711, (1, 0, 2, 1))


@checked_in_both
async def test_a_subscription_made_again_replaces_the_older_one(visit: Visit) -> None:
    """[MQTT-3.8.4-3] [MQTT3-3.8.4-3]"""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("a", 2))
    await client.subscribe(Subscription("a", 0))
    await sender.publish("a", b"once")
    assert (await client.message()).qos == 0
    await client.expect_nothing()


@checked
async def test_a_subscription_made_again_replaces_its_options_and_identifier(visit: Visit) -> None:
    """[MQTT-3.8.4-3], section 3.8.4."""
    client = await visit.join("car")
    await client.subscribe(Subscription("a", 0, no_local=True), properties=identifier(1))
    await client.subscribe(Subscription("a", 0, retain_as_published=True), properties=identifier(2))
    client.send(make_publish("a", b"own", retain=True))
    message = await client.message()
    assert (message.retain, identifiers(message)) == (True, [2])
    await client.expect_nothing()


@checked_in_both
async def test_nothing_is_lost_while_a_subscription_is_replaced(visit: Visit) -> None:
    """[MQTT-3.8.4-4] [MQTT3-3.8.4-3]"""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("a", 1))
    await sender.publish("a", b"before")
    client.send(Subscribe(9, (Subscription("a", 1),)))
    await sender.publish("a", b"after")
    packets = [await client.packet() for _ in range(3)]
    assert [each.payload for each in packets if isinstance(each, Publish)] == [b"before", b"after"]


@checked_in_both
async def test_overlapping_subscriptions_deliver_with_the_highest_qos(visit: Visit) -> None:
    """[MQTT-3.3.4-2] [MQTT3-3.3.5-1]: a broker may add a copy for each of the others; ours does not."""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("a/b", 0), Subscription("a/+", 1), Subscription("#", 0))
    await sender.publish("a/b", b"once")
    client.send(Unsubscribe(9, ("none",)))
    found = []
    while isinstance(packet := await client.packet(), Publish):
        found.append(packet.qos)
    assert isinstance(packet, Unsuback)
    assert sorted(found) in ([1], [0, 0, 1])


@checked_in_both
async def test_one_subscribe_may_hold_many_filters(visit: Visit) -> None:
    """[MQTT-3.8.4-5] [MQTT3-3.8.4-4]"""
    client, sender = await visit.join("car"), await visit.join("sender")
    codes = await client.subscribe(*(Subscription(f"topic/{number}", number % 3) for number in range(100)))
    assert codes == tuple(number % 3 for number in range(100))
    await sender.publish("topic/77", qos=2)
    assert (await client.message()).qos == 77 % 3


# UNSUBSCRIBE


@checked
async def test_unsubscribing_ends_delivery_and_says_what_was_there(visit: Visit) -> None:
    """[MQTT-3.10.4-1, MQTT-3.10.4-2, MQTT-3.10.4-4, MQTT-3.10.4-5, MQTT-3.10.4-6, MQTT-3.11.3-1,
    MQTT-3.11.3-2, MQTT-2.2.1-6]"""
    client = await visit.join("car")
    await client.subscribe(Subscription("a", 0))
    client.send(Unsubscribe(9, ("a", "b")))
    answer = await client.expect(Unsuback)
    assert (answer.packet_id, answer.reason_codes) == (9, (0, ReasonCode.NO_SUBSCRIPTION_EXISTED))
    client.send(make_publish("a"))
    await client.expect_nothing()


@checked_in_both
async def test_unsubscribing_is_answered_whatever_was_there(visit: Visit) -> None:
    """[MQTT-3.10.4-5] [MQTT3-3.10.4-1, MQTT3-3.10.4-2, MQTT3-3.10.4-4, MQTT3-3.10.4-5, MQTT3-3.10.4-6,
    MQTT3-2.3.1-7]"""
    client = await visit.join("car")
    await client.subscribe(Subscription("a", 0), Subscription("a/b", 0))
    for packet_id, topic_filter in ((7, "a"), (8, "a"), (9, "never")):
        client.send(Unsubscribe(packet_id, (topic_filter,)))
        assert (await client.expect(Unsuback)).packet_id == packet_id
    client.send(make_publish("a"), make_publish("a/b", b"still"))
    assert (await client.message()).payload == b"still"
    await client.expect_nothing()


@checked_in_both
async def test_a_filter_is_removed_only_by_its_own_name(visit: Visit) -> None:
    """[MQTT-3.10.4-1] [MQTT3-3.10.4-1]: compared character by character."""
    client = await visit.join("car")
    await client.subscribe(Subscription("a/+", 0))
    await client.unsubscribe("a/b", "a/#", "A/+", "+/+")
    client.send(make_publish("a/b", b"still"))
    assert (await client.message()).payload == b"still"


@checked_in_both
async def test_what_was_sent_before_unsubscribing_is_completed(visit: Visit) -> None:
    """[MQTT-3.10.4-3] [MQTT3-3.10.4-3]"""
    client, _ = await visit.resume("car")
    await client.subscribe(Subscription("a", 1))
    await (await visit.join("sender")).publish("a", b"x")
    before = await client.expect(Publish)
    await client.unsubscribe("a")
    client.drop()
    client, _ = await visit.resume("car")
    again = await client.message()
    assert (again.packet_id, again.duplicate) == (before.packet_id, True)
    await client.expect_nothing()


# No Local


@checked
async def test_no_local_keeps_a_clients_own_messages_from_it(visit: Visit) -> None:
    """[MQTT-3.8.3-3]"""
    client, other = await visit.join("car"), await visit.join("other")
    await client.subscribe(Subscription("a", 1, no_local=True))
    await client.publish("a", b"own")
    await other.publish("a", b"foreign")
    assert (await client.message()).payload == b"foreign"


@checked
async def test_no_local_goes_by_client_identifier_not_by_connection(visit: Visit) -> None:
    """[MQTT-3.8.3-3]"""
    client, _ = await visit.resume("car")
    await client.subscribe(Subscription("a", 1, no_local=True))
    client.drop()
    client, _ = await visit.resume("car")
    await client.publish("a", b"own")
    await client.expect_nothing()


@checked
async def test_no_local_keeps_nothing_from_others(visit: Visit) -> None:
    """[MQTT-3.8.3-3]"""
    client, other = await visit.join("car"), await visit.join("other")
    for each in (client, other):
        await each.subscribe(Subscription("a", 1, no_local=True))
    await client.publish("a", b"from car")
    assert (await other.message()).payload == b"from car"
    await client.expect_nothing()


# Subscription Identifiers


@checked
async def test_a_subscription_identifier_comes_with_its_messages(visit: Visit) -> None:
    """[MQTT-3.3.4-3]: from 1 to 268,435,455, in front of or behind what else there is."""
    client, sender = await visit.join("car"), await visit.join("sender")
    values = (1, 127, 128, 268_435_455)
    for value in values:
        await client.subscribe(Subscription(f"a/{value}", 0), properties=identifier(value))
    sent = Properties((PropertyId.USER_PROPERTY, ("k", "v")), (PropertyId.MESSAGE_EXPIRY_INTERVAL, 3600))
    for value in values:
        await sender.publish(f"a/{value}", b"payload", properties=sent)
        message = await client.message()
        assert (message.payload, identifiers(message)) == (b"payload", [value])
        others = message.properties.without(PropertyId.SUBSCRIPTION_IDENTIFIER)
        assert sorted(map(repr, others)) == sorted(map(repr, sent))


@checked
async def test_an_identifier_may_stand_for_several_subscriptions(visit: Visit) -> None:
    """Section 3.8.2.1.2."""
    client = await visit.join("car")
    await client.subscribe(Subscription("a", 0), Subscription("b", 0), properties=identifier(5))
    client.send(make_publish("a"), make_publish("b"))
    assert [identifiers(await client.message()) for _ in range(2)] == [[5], [5]]


@checked
async def test_a_subscription_without_identifier_brings_none(visit: Visit) -> None:
    """[MQTT-3.3.4-3]"""
    client, other = await visit.join("car"), await visit.join("other")
    await client.subscribe(Subscription("a", 0))
    await other.subscribe(Subscription("a", 0), properties=identifier(5))
    client.send(make_publish("a"))
    assert identifiers(await client.message()) == []
    assert identifiers(await other.message()) == [5]


@checked
async def test_overlapping_subscriptions_bring_all_their_identifiers(visit: Visit) -> None:
    """[MQTT-3.3.4-4, MQTT-3.3.4-5]: in one message, or in one copy each."""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("a/b", 0), properties=identifier(1))
    await client.subscribe(Subscription("a/+", 0), properties=identifier(2))
    await client.subscribe(Subscription("#", 0))
    await sender.publish("a/b")
    client.send(Unsubscribe(9, ("none",)))
    found = []
    while isinstance(packet := await client.packet(), Publish):
        found.append(identifiers(packet))
    assert sorted(found) in ([[1, 2]], [[], [1], [2]])


@checked
async def test_an_identifier_waits_with_the_message_for_an_absent_client(visit: Visit) -> None:
    """[MQTT-3.3.4-3]: and comes again with it."""
    client, _ = await visit.resume("car")
    await client.subscribe(Subscription("a", 1), properties=identifier(300))
    client.drop()
    await (await visit.join("sender")).publish("a", b"x")
    for duplicate in (False, True):
        client, _ = await visit.resume("car")
        message = await client.expect(Publish)
        assert (message.duplicate, identifiers(message)) == (duplicate, [300])
        client.drop()


@checked
async def test_a_clients_own_message_is_acknowledged_and_delivered_to_it(visit: Visit) -> None:
    """[MQTT-3.3.4-1]: both, in either order."""
    client = await visit.join("car")
    await client.subscribe(Subscription("a", 1))
    client.send(make_publish("a", b"x", qos=1, packet_id=77))
    packets = [await client.packet(), await client.packet()]
    assert sorted(type(each).__name__ for each in packets) == ["Puback", "Publish"]
    assert [each.packet_id for each in packets if isinstance(each, Puback)] == [77]
