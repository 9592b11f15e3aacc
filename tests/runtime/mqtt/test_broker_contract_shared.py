"""What every broker of this project does with shared subscriptions (section 4.8.2)."""

from runtime.mqtt.packets import (
    MQTT_3_1_1,
    Connect,
    Properties,
    PropertyId,
    Puback,
    Publish,
    Pubrec,
    Pubrel,
    ReasonCode,
    Suback,
    Subscribe,
    Subscription,
)
from tests.runtime.mqtt.broker_places import Visit, checked
from tests.runtime.mqtt.raw_client import RawClient

SHARED = "$share/pool/a"


async def members(visit: Visit, count: int, topic_filter: str = SHARED, qos: int = 1) -> list[RawClient]:
    """Clients that share one subscription."""
    clients = [await visit.join(f"member-{number}") for number in range(count)]
    for client in clients:
        await client.subscribe(Subscription(topic_filter, qos))
    return clients


async def all_drained(clients: list[RawClient]) -> list[bytes]:
    """The payloads of all that has come to any of `clients`, sorted."""
    return sorted([payload for client in clients for payload in await drained(client)])


async def drained(client: RawClient) -> list[bytes]:
    """The payloads of all that has come to `client`."""
    client.send(Subscribe(60_000, (Subscription("none", 0),)))
    found = []
    while isinstance(packet := await client.packet(), Publish):
        found.append(packet.payload)
        if packet.qos == 1:
            client.send(Puback(packet.packet_id))
    assert isinstance(packet, Suback)
    return found


@checked
async def test_each_message_goes_to_one_member(visit: Visit) -> None:
    """Section 4.8.2: and each member gets some."""
    clients = await members(visit, 3)
    sender = await visit.join("sender")
    payloads = [b"%d" % number for number in range(9)]
    for payload in payloads:
        await sender.publish("a", payload)
    found = [await drained(client) for client in clients]
    assert sorted(payload for each in found for payload in each) == payloads
    assert all(found)


@checked
async def test_groups_of_different_names_get_a_copy_each(visit: Visit) -> None:
    """Section 4.8.2."""
    one, other, plain = [await visit.join(name) for name in ("one", "other", "plain")]
    await one.subscribe(Subscription("$share/one/a"))
    await other.subscribe(Subscription("$share/other/a"))
    await plain.subscribe(Subscription("a"))
    await (await visit.join("sender")).publish("a", b"x")
    assert [await drained(each) for each in (one, other, plain)] == [[b"x"]] * 3


@checked
async def test_a_shared_filter_may_hold_wildcards(visit: Visit) -> None:
    """Section 4.8.2."""
    clients = await members(visit, 2, "$share/pool/a/+/#")
    sender = await visit.join("sender")
    for topic in ("a/b", "a/b/c", "b/a", "a"):
        await sender.publish(topic, topic.encode())
    assert await all_drained(clients) == [b"a/b", b"a/b/c"]


@checked
async def test_a_client_may_hold_a_shared_and_a_plain_subscription(visit: Visit) -> None:
    """Section 4.8.2: and gets the message for each."""
    client = await visit.join("car")
    await client.subscribe(Subscription(SHARED), Subscription("a"))
    await (await visit.join("sender")).publish("a", b"x")
    assert await drained(client) == [b"x", b"x"]


@checked
async def test_each_member_gets_at_the_qos_it_was_granted(visit: Visit) -> None:
    """[MQTT-4.8.2-3]"""
    low, high = await visit.join("low"), await visit.join("high")
    assert await low.subscribe(Subscription(SHARED, 0)) == (0,)
    assert await high.subscribe(Subscription(SHARED, 2)) == (2,)
    sender = await visit.join("sender")
    for _ in range(4):
        await sender.publish("a", qos=1)
    for client, qos in ((low, 0), (high, 1)):
        client.send(Subscribe(9, (Subscription("none", 0),)))
        found = []
        while isinstance(packet := await client.packet(), Publish):
            found.append(packet.qos)
        assert found
        assert found == [qos] * len(found)


@checked
async def test_a_member_that_unsubscribes_leaves_its_turn_to_others(visit: Visit) -> None:
    """Section 4.8.2."""
    one, other = await members(visit, 2)
    assert await one.unsubscribe(SHARED) == (ReasonCode.SUCCESS,)
    sender = await visit.join("sender")
    payloads = [b"%d" % number for number in range(4)]
    for payload in payloads:
        await sender.publish("a", payload)
    assert await drained(other) == payloads
    assert await drained(one) == []


@checked
async def test_nobody_hears_when_all_members_have_left(visit: Visit) -> None:
    clients = await members(visit, 2)
    for client in clients:
        await client.unsubscribe(SHARED)
    await (await visit.join("sender")).publish("a", b"x")
    assert [await drained(client) for client in clients] == [[], []]


@checked
async def test_a_message_waits_when_every_member_is_away(visit: Visit) -> None:
    """Section 4.8.2.1: session state, like that of any subscription."""
    for number in range(2):
        client, _ = await visit.resume(f"member-{number}")
        await client.subscribe(Subscription(SHARED))
        await client.disconnect()
    sender = await visit.join("sender")
    for number in range(4):
        await sender.publish("a", b"%d" % number)
    back = [(await visit.resume(f"member-{number}"))[0] for number in range(2)]
    assert await all_drained(back) == [b"0", b"1", b"2", b"3"]


@checked
async def test_a_qos_2_message_under_way_is_completed_with_its_member(visit: Visit) -> None:
    """[MQTT-4.8.2-4]"""
    client, _ = await visit.resume("member-0")
    await client.subscribe(Subscription(SHARED, 2))
    await (await visit.join("sender")).publish("a", b"x", qos=2)
    message = await client.expect(Publish)
    other = await visit.join("member-1")
    await other.subscribe(Subscription(SHARED, 2))
    client.drop()
    client, _ = await visit.resume("member-0")
    again = await client.expect(Publish)
    assert (again.packet_id, again.duplicate) == (message.packet_id, True)
    client.send(Pubrec(again.packet_id))
    await client.expect(Pubrel)
    assert await drained(other) == []


@checked
async def test_a_qos_2_message_that_was_sent_goes_to_nobody_else(visit: Visit) -> None:
    """[MQTT-4.8.2-5]: not even when the session of its member ends."""
    client, _ = await visit.resume("member-0")
    await client.subscribe(Subscription(SHARED, 2))
    await (await visit.join("sender")).publish("a", b"x", qos=2)
    await client.expect(Publish)
    other = await visit.join("member-1")
    await other.subscribe(Subscription(SHARED, 2))
    client.drop()
    await visit.resume("member-0", clean_start=True)
    assert await drained(other) == []


@checked
async def test_a_message_that_one_member_refuses_goes_to_nobody_else(visit: Visit) -> None:
    """[MQTT-4.8.2-6]"""
    for qos in (1, 2):
        client, other = await members(visit, 2, f"$share/pool/{qos}", qos)
        sender = await visit.join("sender")
        await sender.publish(f"{qos}", b"to one", qos=qos)
        await sender.publish(f"{qos}", b"to the other", qos=qos)
        message = await client.expect(Publish)
        answer = Puback if qos == 1 else Pubrec
        client.send(answer(message.packet_id, ReasonCode.UNSPECIFIED_ERROR))
        await client.expect_nothing()
        await other.expect(Publish)
        await other.expect_nothing()


@checked
async def test_no_local_cannot_be_shared(visit: Visit) -> None:
    """[MQTT-3.8.3-4]"""
    client = await visit.join("car")
    client.send(Subscribe(1, (Subscription(SHARED, 1, no_local=True),)))
    await client.expect_end(ReasonCode.PROTOCOL_ERROR)


@checked
async def test_a_share_name_must_be_one(visit: Visit) -> None:
    """[MQTT-4.8.2-1, MQTT-4.8.2-2]: refused by SUBACK or by the end of the connection, not granted."""
    for topic_filter in ("$share//a", "$share/po+ol/a", "$share/po#ol/a", "$share/pool", "$share/pool/"):
        client = await visit.join("car")
        client.send(Subscribe(1, (Subscription(topic_filter),)))
        if not await client.is_at_end() and isinstance(answer := await client.packet(), Suback):
            assert answer.reason_codes[0] >= ReasonCode.UNSPECIFIED_ERROR, f"{topic_filter} was granted"


@checked
async def test_a_shared_subscription_is_sent_no_retained_messages(visit: Visit) -> None:
    """Section 4.8.2."""
    await (await visit.join("sender")).publish("a", b"x", retain=True)
    client = await visit.join("car")
    await client.subscribe(Subscription(SHARED))
    await client.expect_nothing()


@checked
async def test_a_shared_subscription_has_its_identifier(visit: Visit) -> None:
    """[MQTT-3.3.4-3]"""
    client = await visit.join("car")
    properties = Properties((PropertyId.SUBSCRIPTION_IDENTIFIER, 9))
    await client.subscribe(Subscription(SHARED), properties=properties)
    await (await visit.join("sender")).publish("a")
    assert (await client.message()).properties == properties


@checked
async def test_a_shared_subscription_made_again_is_still_one(visit: Visit) -> None:
    """[MQTT-3.8.4-3]"""
    client = await visit.join("car")
    await client.subscribe(Subscription(SHARED, 0))
    await client.subscribe(Subscription(SHARED, 1))
    sender = await visit.join("sender")
    await sender.publish("a", b"x")
    assert await drained(client) == [b"x"]
    await client.unsubscribe(SHARED)
    await sender.publish("a", b"y")
    assert await drained(client) == []


@checked
async def test_announced_shared_subscriptions_are_there(visit: Visit) -> None:
    """Section 3.2.2.3.13: available unless CONNACK says otherwise."""
    client = await visit.open()
    connack = await client.connect(Connect("car"))
    assert connack.properties.integer(PropertyId.SHARED_SUBSCRIPTION_AVAILABLE, 1) == 1


@checked
async def test_clients_of_mqtt_3_1_1_may_take_part(visit: Visit) -> None:
    """MQTT 3.1.1 knows nothing of it; the brokers in the field let its clients share all the same."""
    old, new = await visit.join("old", level=MQTT_3_1_1), await visit.join("new")
    for client in (old, new):
        await client.subscribe(Subscription(SHARED))
    sender = await visit.join("sender")
    for number in range(4):
        await sender.publish("a", b"%d" % number)
    found = [await drained(client) for client in (old, new)]
    assert sorted(payload for each in found for payload in each) == [b"0", b"1", b"2", b"3"]
    assert all(found)
