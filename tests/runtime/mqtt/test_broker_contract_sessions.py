"""What every broker of this project keeps: sessions, retained messages, wills."""

from runtime.mqtt.packets import (
    SEND_NO_RETAINED,
    SEND_RETAINED_IF_NEW,
    Connect,
    Disconnect,
    Properties,
    PropertyId,
    Puback,
    Publish,
    ReasonCode,
    Subscription,
    Will,
    encode_publish,
)
from tests.runtime.mqtt.broker_places import WEEK_S, Visit, contract
from tests.runtime.mqtt.mosquitto_deviations import MOSQUITTO_DEVIATES
from tests.runtime.mqtt.raw_client import RawClient

checked = contract(MOSQUITTO_DEVIATES)


async def will_watcher(visit: Visit, topic: str = "will/#") -> RawClient:
    """A client that hears of wills."""
    watcher = await visit.join("watcher")
    await watcher.subscribe(Subscription(topic))
    return watcher


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
