"""What every broker of this project does with wills (sections 3.1.2.5 and 3.1.3.2)."""

from runtime.mqtt.packets import (
    MQTT_5,
    Connack,
    Connect,
    Disconnect,
    Properties,
    PropertyId,
    ReasonCode,
    Subscription,
    Will,
)
from tests.runtime.mqtt.broker_places import WEEK_S, Visit, checked, checked_in_both
from tests.runtime.mqtt.raw_client import RawClient

HOUR_S = 3600


def delayed(payload: bytes, delay_s: int) -> Will:
    """A will that waits."""
    return Will("will/car", payload, 1, properties=Properties((PropertyId.WILL_DELAY_INTERVAL, delay_s)))


async def watcher(visit: Visit, topic_filter: str = "will/#") -> RawClient:
    """A client that hears of wills."""
    client = await visit.join("watcher", level=MQTT_5)
    await client.subscribe(Subscription(topic_filter, 2, retain_as_published=True))
    return client


@checked_in_both
async def test_a_lost_connection_publishes_the_will(visit: Visit) -> None:
    """[MQTT-3.1.2-7, MQTT-3.1.2-8, MQTT-3.1.2-9, MQTT-3.1.2-14, MQTT-3.1.3-11]
    [MQTT3-3.1.2-8, MQTT3-3.1.2-9, MQTT3-3.1.2-16, MQTT3-3.1.3-10]: with the QoS it was given."""
    for qos in range(3):
        watching = await watcher(visit)
        (await visit.join("car", will=Will("will/car", b"lost", qos))).drop()
        message = await watching.message()
        assert (message.topic_name, message.payload, message.qos) == ("will/car", b"lost", qos)
        assert not message.retain
        await watching.disconnect()


@checked
async def test_a_will_keeps_its_properties_but_the_delay(visit: Visit) -> None:
    """[MQTT-3.1.3-10]"""
    watching = await watcher(visit)
    properties = Properties(
        (PropertyId.PAYLOAD_FORMAT_INDICATOR, 1),
        (PropertyId.CONTENT_TYPE, "text/plain"),
        (PropertyId.RESPONSE_TOPIC, "answers"),
        (PropertyId.CORRELATION_DATA, b"\x00\x01"),
        (PropertyId.USER_PROPERTY, ("k", "2")),
        (PropertyId.USER_PROPERTY, ("k", "1")),
    )
    will = Will(
        "will/car", b"lost", 1, properties=Properties((PropertyId.WILL_DELAY_INTERVAL, 0), *properties)
    )
    (await visit.join("car", will=will)).drop()
    found = (await watching.message()).properties
    assert found.user_properties() == properties.user_properties()
    assert sorted(map(repr, found)) == sorted(map(repr, properties))


@checked_in_both
async def test_a_protocol_error_publishes_the_will(visit: Visit) -> None:
    """[MQTT-3.1.2-8] [MQTT3-3.1.2-8]"""
    watching = await watcher(visit)
    client = await visit.join("car", will=Will("will/car", b"erred", 1))
    client.send(b"\x00\x00")
    assert (await watching.message()).payload == b"erred"


@checked_in_both
async def test_a_normal_disconnect_deletes_the_will(visit: Visit) -> None:
    """[MQTT-3.14.4-3, MQTT-3.1.2-10] [MQTT3-3.14.4-3, MQTT3-3.1.2-10]"""
    watching = await watcher(visit)
    client = await visit.join("car", will=Will("will/car", b"lost", 1))
    await client.disconnect()
    await watching.expect_nothing()


@checked_in_both
async def test_a_will_is_published_once(visit: Visit) -> None:
    """[MQTT-3.1.2-10] [MQTT3-3.1.2-10]: it belongs to the connection that brought it."""
    watching = await watcher(visit)
    client, _ = await visit.resume("car", will=Will("will/car", b"lost", 1))
    client.drop()
    assert (await watching.message()).payload == b"lost"
    client, _ = await visit.resume("car")
    client.send(b"\x00\x00")
    while not await client.is_at_end():
        await client.packet()
    client, _ = await visit.resume("car", will=Will("will/car", b"lost again", 1))
    client.drop()
    assert (await watching.message()).payload == b"lost again"
    await visit.join("car")
    await watching.expect_nothing()


@checked_in_both
async def test_without_a_will_nothing_is_published(visit: Visit) -> None:
    """[MQTT-3.1.2-8] [MQTT3-3.1.2-12]"""
    watching = await watcher(visit, "#")
    client = await visit.join("car")
    client.send(b"\x00\x00")
    while not await client.is_at_end():
        await client.packet()
    await watching.expect_nothing()


@checked
async def test_disconnect_with_will_message_publishes_it(visit: Visit) -> None:
    """[MQTT-3.1.2-8], section 3.14.2.1: 0x04."""
    watching = await watcher(visit)
    client = await visit.join("car", will=Will("will/car", b"bye", 1))
    await client.disconnect(Disconnect(ReasonCode.DISCONNECT_WITH_WILL_MESSAGE))
    assert (await watching.message()).payload == b"bye"


@checked
async def test_a_disconnect_with_an_error_publishes_it_too(visit: Visit) -> None:
    """[MQTT-3.1.2-8]: whatever but 0x00."""
    watching = await watcher(visit)
    client = await visit.join("car", will=Will("will/car", b"failed", 1))
    await client.disconnect(Disconnect(ReasonCode.UNSPECIFIED_ERROR))
    assert (await watching.message()).payload == b"failed"


@checked_in_both
async def test_a_retained_will_is_retained(visit: Visit) -> None:
    """[MQTT-3.1.2-15] [MQTT3-3.1.2-17]"""
    watching = await watcher(visit)
    (await visit.join("car", will=Will("will/car", b"lost", 1, retain=True))).drop()
    assert (await watching.message()).retain
    late = await visit.join("late")
    await late.subscribe(Subscription("will/car"))
    assert (await late.message()).retain


@checked_in_both
async def test_a_will_that_is_not_to_be_retained_is_not(visit: Visit) -> None:
    """[MQTT-3.1.2-14] [MQTT3-3.1.2-16]"""
    watching = await watcher(visit)
    (await visit.join("car", will=Will("will/car", b"lost", 1))).drop()
    await watching.message()
    late = await visit.join("late")
    await late.subscribe(Subscription("will/car"))
    await late.expect_nothing()


@checked_in_both
async def test_an_empty_retained_will_clears_its_topic(visit: Visit) -> None:
    """[MQTT-3.3.1-6] [MQTT3-3.3.1-10]"""
    watching = await watcher(visit)
    await (await visit.join("sender")).publish("will/car", b"here", retain=True)
    await watching.message()
    (await visit.join("car", will=Will("will/car", b"", 1, retain=True))).drop()
    assert (await watching.message()).payload == b""
    late = await visit.join("late")
    await late.subscribe(Subscription("will/car"))
    await late.expect_nothing()


@checked_in_both
async def test_a_take_over_publishes_a_will_without_delay(visit: Visit) -> None:
    """Section 3.1.4; 3.1.1, section 3.1.2.5: the older connection closes without DISCONNECT."""
    watching = await watcher(visit)
    await visit.resume("car", will=Will("will/car", b"older", 1))
    await visit.resume("car", will=Will("will/car", b"newer", 1))
    assert (await watching.message()).payload == b"older"
    await watching.expect_nothing()


@checked
async def test_a_take_over_keeps_a_delayed_will_back(visit: Visit) -> None:
    """[MQTT-3.1.3-9]"""
    watching = await watcher(visit)
    await visit.resume("car", will=delayed(b"older", HOUR_S))
    await visit.resume("car")
    await watching.expect_nothing()


@checked
async def test_a_delayed_will_is_not_published_when_the_client_comes_back(visit: Visit) -> None:
    """[MQTT-3.1.3-9]"""
    watching = await watcher(visit)
    (await visit.join("car", expiry_s=WEEK_S, will=delayed(b"lost", 1))).drop()
    client, connack = await visit.resume("car")
    assert connack.session_present
    await visit.seconds_pass()
    await watching.expect_nothing()
    await client.expect_nothing()


@checked
async def test_a_delayed_will_is_published_after_its_delay(visit: Visit) -> None:
    """[MQTT-3.1.2-8], section 3.1.3.2.2."""
    watching = await watcher(visit)
    (await visit.join("car", expiry_s=WEEK_S, will=delayed(b"lost", 1))).drop()
    await watching.expect_nothing()
    watching.patience_s = 10
    assert (await watching.message()).payload == b"lost"


@checked
async def test_a_delayed_will_is_published_when_the_session_ends_before_its_delay(visit: Visit) -> None:
    """[MQTT-3.1.2-8], section 3.1.3.2.2: the session ends with the connection here."""
    watching = await watcher(visit)
    (await visit.join("car", will=delayed(b"ended", HOUR_S))).drop()
    assert (await watching.message()).payload == b"ended"


@checked
async def test_clean_start_publishes_a_will_that_still_waits(visit: Visit) -> None:
    """[MQTT-3.1.2-8]: the session ends."""
    watching = await watcher(visit)
    (await visit.join("car", expiry_s=WEEK_S, will=delayed(b"ended", HOUR_S))).drop()
    await watching.expect_nothing()
    await visit.join("car")
    assert (await watching.message()).payload == b"ended"


@checked_in_both
async def test_a_will_with_a_wildcard_in_its_topic_is_refused(visit: Visit) -> None:
    """[MQTT-4.7.0-1, MQTT-3.2.2-7] [MQTT3-4.7.1-1]"""
    client = await visit.open()
    client.send(Connect("car", will=Will("will/#")))
    if not await client.is_at_end():
        assert (await client.expect(Connack)).reason_code >= ReasonCode.UNSPECIFIED_ERROR
        await client.expect_closed()


@checked_in_both
async def test_no_will_speaks_for_the_broker(visit: Visit) -> None:
    """Section 4.7.2: $SYS is the broker's own."""
    watching = await watcher(visit, "$SYS/broker/forged")
    other = await watcher(visit, "will/car")
    client = await visit.open()
    client.send(Connect("car", will=Will("$SYS/broker/forged", b"forged", 1, retain=True)))
    await client.is_at_end()
    client.drop()
    (await visit.join("other", will=Will("will/car", b"lost", 1))).drop()
    await other.message()
    late = await visit.join("late")
    await late.subscribe(Subscription("$SYS/broker/forged"))
    await late.expect_nothing()
    assert watching.is_closed
