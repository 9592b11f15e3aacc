"""What every broker of this project does with retained messages (section 3.3.1.3)."""

from runtime.mqtt.packets import (
    SEND_NO_RETAINED,
    SEND_RETAINED_IF_NEW,
    Properties,
    PropertyId,
    Publish,
    Suback,
    Subscribe,
    Subscription,
)
from tests.runtime.mqtt.broker_places import Visit, checked, checked_in_both


@checked_in_both
async def test_a_retained_message_meets_a_later_subscriber(visit: Visit) -> None:
    """[MQTT-3.3.1-5, MQTT-3.3.1-9] [MQTT3-3.3.1-5, MQTT3-3.3.1-6, MQTT3-3.3.1-8]: the last, with RETAIN."""
    sender, client = await visit.join("sender"), await visit.join("car")
    await sender.publish("a", b"old", retain=True)
    await sender.publish("a", b"new", retain=True)
    await client.subscribe(Subscription("+"))
    message = await client.message()
    assert (message.payload, message.retain, message.qos) == (b"new", True, 1)
    await client.expect_nothing()


@checked
async def test_a_retained_message_keeps_its_properties(visit: Visit) -> None:
    """[MQTT-3.3.2-4, MQTT-3.3.2-17, MQTT-3.3.2-20]"""
    sender, client = await visit.join("sender"), await visit.join("car")
    sent = Properties(
        (PropertyId.PAYLOAD_FORMAT_INDICATOR, 1),
        (PropertyId.CONTENT_TYPE, "text/plain"),
        (PropertyId.USER_PROPERTY, ("key", "7")),
    )
    await sender.publish("a", b"x", retain=True, properties=sent)
    await client.subscribe(Subscription("a"))
    assert sorted(map(repr, (await client.message()).properties)) == sorted(map(repr, sent))


@checked_in_both
async def test_suback_comes_with_the_retained_messages_of_all_matching_topics(visit: Visit) -> None:
    """[MQTT-3.3.1-9] [MQTT3-3.3.1-6]: one of each topic."""
    sender, client = await visit.join("sender"), await visit.join("car")
    for topic in ("a/1", "a/2", "a/3", "b/1"):
        await sender.publish(topic, topic.encode(), retain=True)
    client.send(Subscribe(9, (Subscription("a/+", 0),)))
    packets = [await client.packet() for _ in range(4)]
    assert [type(each) for each in packets].count(Suback) == 1
    assert sorted(each.payload for each in packets if isinstance(each, Publish)) == [b"a/1", b"a/2", b"a/3"]
    await client.expect_nothing()


@checked_in_both
async def test_a_retained_message_is_sent_at_the_lower_of_both_qos(visit: Visit) -> None:
    """[MQTT-3.8.4-8] [MQTT3-3.8.4-6]"""
    sender, client = await visit.join("sender"), await visit.join("car")
    for qos in range(3):
        await sender.publish(f"a/{qos}", b"", qos=qos)
        await sender.publish(f"a/{qos}", b"x", qos=qos, retain=True)
    found = []
    for granted in range(3):
        for qos in range(3):
            await client.subscribe(Subscription(f"a/{qos}", granted))
            found.append((await client.message()).qos)
    assert found == [0, 0, 0, 0, 1, 1, 0, 1, 2]


@checked_in_both
async def test_a_retained_message_of_qos_0_replaces_one_of_qos_1(visit: Visit) -> None:
    """[MQTT-3.3.1-5] [MQTT3-3.3.1-7]: a broker may forget it, but not bring the older one back."""
    sender, client = await visit.join("sender"), await visit.join("car")
    await sender.publish("a", b"old", qos=1, retain=True)
    await sender.publish("a", b"new", qos=0, retain=True)
    await client.subscribe(Subscription("a"))
    assert (await client.message()).payload == b"new"


@checked_in_both
async def test_an_empty_retained_message_removes_the_one_before(visit: Visit) -> None:
    """[MQTT-3.3.1-6, MQTT-3.3.1-7] [MQTT3-3.3.1-10, MQTT3-3.3.1-11]: it is delivered and not stored."""
    sender, client, witness = [await visit.join(name) for name in ("sender", "car", "witness")]
    await witness.subscribe(Subscription("a"))
    await sender.publish("a", b"old", retain=True)
    await sender.publish("a", b"", retain=True)
    assert await witness.payloads(2) == [b"old", b""]
    await client.subscribe(Subscription("a"))
    await client.expect_nothing()


@checked_in_both
async def test_a_message_that_is_not_retained_leaves_the_retained_one_alone(visit: Visit) -> None:
    """[MQTT-3.3.1-8] [MQTT3-3.3.1-12]"""
    sender, client = await visit.join("sender"), await visit.join("car")
    await sender.publish("a", b"kept", retain=True)
    await sender.publish("a", b"passing")
    await sender.publish("a", b"")
    await client.subscribe(Subscription("a"))
    assert (await client.message()).payload == b"kept"
    await client.expect_nothing()


@checked_in_both
async def test_retain_is_cleared_for_those_who_were_there(visit: Visit) -> None:
    """[MQTT-3.3.1-12] [MQTT3-3.3.1-9]"""
    sender = await visit.join("sender")
    for granted in range(3):
        client = await visit.join("car")
        await client.subscribe(Subscription(f"a/{granted}", granted))
        for qos in range(3):
            await sender.publish(f"a/{granted}", b"x", qos=qos, retain=True)
            assert not (await client.message()).retain


@checked
async def test_retain_as_published_keeps_the_flag(visit: Visit) -> None:
    """[MQTT-3.3.1-13]"""
    client, sender = await visit.join("car"), await visit.join("sender")
    await client.subscribe(Subscription("a", 2, retain_as_published=True))
    for qos in range(3):
        await sender.publish("a", b"x", qos=qos, retain=True)
        await sender.publish("a", b"x", qos=qos)
    assert [(await client.message()).retain for _ in range(6)] == [True, False] * 3


@checked_in_both
async def test_subscribing_again_sends_retained_messages_again(visit: Visit) -> None:
    """[MQTT-3.3.1-9, MQTT-3.8.4-4] [MQTT3-3.8.4-3]"""
    sender, client = await visit.join("sender"), await visit.join("car")
    await sender.publish("a", b"x", retain=True)
    for _ in range(2):
        await client.subscribe(Subscription("a"))
        assert (await client.message()).payload == b"x"
    await client.expect_nothing()


@checked
async def test_retain_handling_1_sends_retained_messages_to_new_subscriptions_only(visit: Visit) -> None:
    """[MQTT-3.3.1-10]"""
    sender, client = await visit.join("sender"), await visit.join("car")
    await sender.publish("a", b"x", retain=True)
    await client.subscribe(Subscription("a", retain_handling=SEND_RETAINED_IF_NEW))
    assert (await client.message()).payload == b"x"
    await client.subscribe(Subscription("a", retain_handling=SEND_RETAINED_IF_NEW))
    await client.expect_nothing()
    await client.unsubscribe("a")
    await client.subscribe(Subscription("a", retain_handling=SEND_RETAINED_IF_NEW))
    assert (await client.message()).payload == b"x"


@checked
async def test_retain_handling_1_knows_the_subscriptions_of_a_resumed_session(visit: Visit) -> None:
    """[MQTT-3.3.1-10]"""
    client, _ = await visit.resume("car")
    await client.subscribe(Subscription("a"))
    await client.disconnect()
    await (await visit.join("sender")).publish("a", b"x", qos=0, retain=True)
    client, _ = await visit.resume("car")
    await client.subscribe(Subscription("a", retain_handling=SEND_RETAINED_IF_NEW))
    await client.expect_nothing()


@checked
async def test_retain_handling_2_sends_no_retained_messages(visit: Visit) -> None:
    """[MQTT-3.3.1-11]"""
    sender, client = await visit.join("sender"), await visit.join("car")
    await sender.publish("a", b"x", retain=True)
    await client.subscribe(Subscription("a", retain_handling=SEND_NO_RETAINED))
    await client.expect_nothing()


@checked
async def test_a_retained_message_brings_the_identifier_of_the_new_subscription(visit: Visit) -> None:
    """[MQTT-3.3.4-3]: of that one alone."""
    sender, client = await visit.join("sender"), await visit.join("car")
    await client.subscribe(
        Subscription("a", retain_handling=SEND_NO_RETAINED),
        properties=Properties((PropertyId.SUBSCRIPTION_IDENTIFIER, 1)),
    )
    await sender.publish("a", b"x", retain=True)
    await client.message()
    second = Properties((PropertyId.SUBSCRIPTION_IDENTIFIER, 2))
    await client.subscribe(Subscription("+"), properties=second)
    assert (await client.message()).properties == second


@checked_in_both
async def test_leading_wildcards_do_not_find_retained_messages_of_dollar_topics(visit: Visit) -> None:
    """[MQTT-4.7.2-1] [MQTT3-4.7.2-1]"""
    sender, client = await visit.join("sender"), await visit.join("car")
    await sender.publish("$bench/x", b"x", retain=True)
    await client.subscribe(Subscription("#"), Subscription("+/x"))
    await client.expect_nothing()
    await client.subscribe(Subscription("$bench/#"))
    assert (await client.message()).payload == b"x"


@checked_in_both
async def test_a_large_retained_message_comes_whole(visit: Visit) -> None:
    sender, client = await visit.join("sender"), await visit.join("car")
    await sender.publish("a", bytes(range(256)) * 100, retain=True)
    await client.subscribe(Subscription("a"))
    assert (await client.message()).payload == bytes(range(256)) * 100
