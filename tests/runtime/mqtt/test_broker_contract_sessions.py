"""What every broker of this project keeps for a client between its connections (sections 4.1 and 4.4)."""

from runtime.mqtt.packets import (
    MQTT_3_1_1,
    Disconnect,
    Properties,
    PropertyId,
    Puback,
    Publish,
    ReasonCode,
    Subscription,
    Will,
)
from tests.runtime.mqtt.broker_places import WEEK_S, Visit, checked, checked_in_3_1_1, checked_in_both


def expiring(expiry_s: int) -> Disconnect:
    """A normal DISCONNECT with another Session Expiry Interval."""
    return Disconnect(properties=Properties((PropertyId.SESSION_EXPIRY_INTERVAL, expiry_s)))


# Begin and end


@checked_in_both
async def test_a_session_and_what_came_meanwhile_wait_for_the_client(visit: Visit) -> None:
    """[MQTT-3.1.2-5, MQTT-3.1.2-23, MQTT-3.2.2-3, MQTT-4.5.0-1, MQTT-4.1.0-1]
    [MQTT3-3.1.2-4, MQTT3-3.1.2-5, MQTT3-3.2.2-2, MQTT3-4.1.0-1, MQTT3-4.5.0-1]"""
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


@checked_in_both
async def test_sessions_are_told_apart_by_client_identifier(visit: Visit) -> None:
    """[MQTT-3.1.3-2] [MQTT3-3.1.3-2]"""
    for name, topic in (("car", "a"), ("Car", "b")):
        client, connack = await visit.resume(name)
        assert not connack.session_present
        await client.subscribe(Subscription(topic))
        await client.disconnect()
    sender = await visit.join("sender")
    await sender.publish("a", b"for car")
    await sender.publish("b", b"for Car")
    for name, payload in (("car", b"for car"), ("Car", b"for Car")):
        client, _ = await visit.resume(name)
        assert (await client.message()).payload == payload
        await client.expect_nothing()


@checked
async def test_a_session_ends_with_its_connection_unless_it_was_given_a_life(visit: Visit) -> None:
    """[MQTT-4.1.0-2], section 3.1.2.11.2."""
    client = await visit.join("car", expiry_s=0)
    await client.subscribe(Subscription("a"))
    await client.disconnect()
    _, connack = await visit.resume("car")
    assert not connack.session_present


@checked_in_3_1_1
async def test_a_clean_session_ends_with_its_connection(visit: Visit) -> None:
    """[MQTT3-3.1.2-6, MQTT3-3.2.2-3, MQTT3-4.1.0-2]"""
    client = await visit.join("car")
    await client.subscribe(Subscription("a"))
    await client.disconnect()
    sender = await visit.join("sender")
    await sender.publish("a", b"lost")
    client, connack = await visit.resume("car")
    assert not connack.session_present
    await client.expect_nothing()


@checked_in_both
async def test_a_session_that_is_not_to_stay_ends_when_the_connection_is_lost(visit: Visit) -> None:
    """[MQTT-4.1.0-2] [MQTT3-3.1.2-6]"""
    client = await visit.join("car", will=Will("will/car", b"lost", 1))
    watcher = await visit.join("watcher")
    await watcher.subscribe(Subscription("will/car"))
    client.drop()
    await watcher.message()
    _, connack = await visit.resume("car")
    assert not connack.session_present


@checked_in_both
async def test_clean_start_ends_the_older_session(visit: Visit) -> None:
    """[MQTT-3.1.2-4, MQTT-3.2.2-2] [MQTT3-3.1.2-6, MQTT3-3.2.2-1]"""
    client, _ = await visit.resume("car")
    await client.subscribe(Subscription("a"))
    await client.disconnect()
    client, connack = await visit.resume("car", clean_start=True)
    assert not connack.session_present
    await client.publish("a")
    await client.expect_nothing()


@checked
async def test_a_session_ends_when_its_expiry_interval_has_passed(visit: Visit) -> None:
    """[MQTT-4.1.0-2, MQTT-3.1.2-23], sections 3.1.2.11.2 and 3.14.2.2.2: DISCONNECT may have changed it.

    That of MQTT 3.1.1 does not end: Clean Session 0 is Clean Start 0 without an end.
    """
    for name, expiry_s, changed_s in (("short", 1, 1), ("long", WEEK_S, WEEK_S), ("prolonged", 1, WEEK_S)):
        client = await visit.join(name, expiry_s=expiry_s)
        await client.disconnect(expiring(changed_s))
    old, _ = await visit.resume("old", level=MQTT_3_1_1)
    await old.disconnect()
    await visit.seconds_pass()
    there = [
        name
        for name in ("short", "long", "prolonged", "old")
        if (await visit.resume(name))[1].session_present
    ]
    assert there == ["long", "prolonged", "old"]


@checked
async def test_each_connection_says_anew_how_long_the_session_lives(visit: Visit) -> None:
    """Section 3.1.2.11.2."""
    client, _ = await visit.resume("car")
    await client.disconnect()
    client, connack = await visit.resume("car", expiry_s=0)
    assert connack.session_present
    await client.disconnect()
    _, connack = await visit.resume("car")
    assert not connack.session_present


@checked
async def test_disconnect_can_end_the_session(visit: Visit) -> None:
    """Section 3.14.2.2.2: a new Session Expiry Interval of 0."""
    client, _ = await visit.resume("car")
    await client.disconnect(expiring(0))
    _, connack = await visit.resume("car")
    assert not connack.session_present


@checked
async def test_disconnect_cannot_give_life_to_a_session_that_had_none(visit: Visit) -> None:
    """Section 3.14.2.2.2."""
    client = await visit.join("car")
    client.send(expiring(WEEK_S))
    await client.expect_end(ReasonCode.PROTOCOL_ERROR)
    _, connack = await visit.resume("car")
    assert not connack.session_present


# Both levels


@checked
async def test_a_session_of_mqtt_3_1_1_is_resumed_by_mqtt_5(visit: Visit) -> None:
    """Nothing in either standard binds a session to a protocol level."""
    old, _ = await visit.resume("car", level=MQTT_3_1_1)
    await old.subscribe(Subscription("a"))
    sender = await visit.join("sender")
    await sender.publish("a", b"1")
    before = await old.expect(Publish)
    old.drop()
    properties = Properties((PropertyId.CONTENT_TYPE, "text/plain"))
    await sender.publish("a", b"2", properties=properties)
    new, connack = await visit.resume("car")
    assert connack.session_present
    first, second = await new.message(), await new.message()
    assert (first.payload, first.duplicate, first.packet_id) == (b"1", True, before.packet_id)
    assert (second.payload, second.duplicate, second.properties) == (b"2", False, properties)


@checked
async def test_a_session_of_mqtt_5_is_resumed_by_mqtt_3_1_1(visit: Visit) -> None:
    new, _ = await visit.resume("car")
    identifier = Properties((PropertyId.SUBSCRIPTION_IDENTIFIER, 7))
    await new.subscribe(Subscription("a", no_local=True), properties=identifier)
    await new.disconnect()
    sender = await visit.join("sender")
    await sender.publish("a", b"x", properties=Properties((PropertyId.CONTENT_TYPE, "text/plain")))
    old, connack = await visit.resume("car", level=MQTT_3_1_1)
    assert connack.session_present
    message = await old.message()
    assert (message.payload, len(message.properties.pairs)) == (b"x", 0)
    await old.expect_nothing()


# What was under way


@checked_in_both
async def test_what_was_not_acknowledged_comes_again_with_dup_in_order(visit: Visit) -> None:
    """[MQTT-4.4.0-1, MQTT-3.3.1-1, MQTT-4.3.2-3, MQTT-2.2.1-4]: same identifiers, then what is new.
    [MQTT3-4.4.0-1, MQTT3-3.3.1-1, MQTT3-4.3.2-1, MQTT3-2.3.1-3, MQTT3-2.3.1-4]"""
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
async def test_nothing_is_sent_again_on_the_same_connection(visit: Visit) -> None:
    """[MQTT-4.4.0-1]: only when a client connects again. (3.1.1, section 4.4, lets it be sent any time.)"""
    client, _ = await visit.resume("car")
    await client.subscribe(Subscription("a"))
    await (await visit.join("sender")).publish("a")
    await client.expect(Publish)
    await visit.seconds_pass()
    await client.expect_nothing()


@checked_in_both
async def test_what_was_acknowledged_does_not_come_again(visit: Visit) -> None:
    """[MQTT-4.3.2-3]"""
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
async def test_what_was_refused_does_not_come_again(visit: Visit) -> None:
    """[MQTT-4.4.0-2]"""
    client, _ = await visit.resume("car")
    sender = await visit.join("sender")
    await client.subscribe(Subscription("a"))
    await sender.publish("a", b"x")
    client.send(Puback((await client.expect(Publish)).packet_id, ReasonCode.UNSPECIFIED_ERROR))
    await client.expect_nothing()
    client.drop()
    client, _ = await visit.resume("car")
    await client.expect_nothing()


@checked_in_both
async def test_qos_0_does_not_wait_for_an_absent_client(visit: Visit) -> None:
    """Section 4.1: it may be dropped; this project wants it so."""
    client, _ = await visit.resume("car")
    await client.subscribe(Subscription("a"))
    await client.disconnect()
    sender = await visit.join("sender")
    await sender.publish("a", b"lost", qos=0)
    client, _ = await visit.resume("car")
    await client.expect_nothing()


@checked_in_both
async def test_subscriptions_made_before_need_not_be_made_again(visit: Visit) -> None:
    """Section 4.1: they are session state."""
    client, _ = await visit.resume("car")
    await client.subscribe(Subscription("a", 0), Subscription("b"))
    await client.unsubscribe("b")
    await client.disconnect()
    client, _ = await visit.resume("car")
    sender = await visit.join("sender")
    await sender.publish("b", b"no longer")
    await sender.publish("a", b"still")
    assert (await client.message()).payload == b"still"


@checked_in_both
async def test_retained_messages_are_no_session_state(visit: Visit) -> None:
    """Section 3.3.1.3. [MQTT3-3.1.2-7]"""
    sender = await visit.join("sender")
    await sender.publish("a", b"stays", retain=True)
    await sender.disconnect()
    client, _ = await visit.resume("car", clean_start=True)
    await client.subscribe(Subscription("a"))
    assert (await client.message()).payload == b"stays"
