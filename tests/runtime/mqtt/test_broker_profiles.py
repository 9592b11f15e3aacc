"""Profiles of brokers in the field: what an absent and what a slow subscriber loses behind each."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from runtime.mqtt.broker.config import PROFILES, BrokerConfig
from runtime.mqtt.broker.core import Broker
from runtime.mqtt.broker.server import BrokerServer
from runtime.mqtt.mosquitto import Mosquitto, find_mosquitto
from runtime.mqtt.packets import (
    Connect,
    Properties,
    PropertyId,
    Puback,
    Publish,
    Subscription,
    encode_publish,
    make_publish,
)
from runtime.real_network import RealNetwork
from tests.runtime.mqtt.broker_bench import MS, Client, Table
from tests.runtime.mqtt.broker_places import Visit

HOUR_S = 3600
COUNT = 1_100


def numbered(first: int, behind: int) -> list[bytes]:
    """The payloads from `first` on, `behind` not included."""
    return [b"%d" % number for number in range(first, behind)]


def flood(table: Table, qos: int = 1) -> None:
    """Publish as many messages as no profile keeps."""
    sender = table.join("sender")
    for payload in numbered(0, COUNT):
        sender.send(make_publish("a", payload, qos=qos, packet_id=1 if qos else 0))


def drained(table: Table, client: Client) -> list[bytes]:
    """The payloads of all that comes while everything is acknowledged."""
    found: list[bytes] = []
    while messages := client.messages():
        found += [each.payload for each in messages]
        client.acknowledge(*(each for each in messages if each.qos))
        table.wait(MS)
    return found


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("default", numbered(0, COUNT)),
        ("mosquitto", numbered(0, 1_000)),
        ("emqx", numbered(100, COUNT)),
        ("hivemq", numbered(0, 1_000)),
    ],
)
def test_what_an_absent_subscriber_finds(name: str, kept: list[bytes]) -> None:
    """mosquitto and HiveMQ lose the newest, EMQX the oldest."""
    table = Table(PROFILES[name])
    client = table.join(expiry_s=HOUR_S)
    client.subscribe(Subscription("a"))
    client.lose()
    flood(table)
    assert drained(table, table.join(expiry_s=HOUR_S)) == kept
    assert table.broker.counts.dropped == COUNT - len(kept)


@pytest.mark.parametrize(
    ("name", "receive_maximum", "kept"),
    [
        ("default", 10, numbered(0, COUNT)),
        ("mosquitto", 65_535, numbered(0, 1_020)),
        ("mosquitto", 10, numbered(0, 1_010)),
        ("emqx", 65_535, numbered(0, 32) + numbered(100, COUNT)),
        ("emqx", 10, numbered(0, 10) + numbered(100, COUNT)),
        ("hivemq", 65_535, numbered(0, COUNT)),
        ("hivemq", 10, numbered(0, 1_010)),
    ],
)
def test_what_a_subscriber_gets_who_acknowledges_too_late(
    name: str, receive_maximum: int, kept: list[bytes]
) -> None:
    """What is in flight does not count; what waits for the window is lost like that of an absent one."""
    table = Table(PROFILES[name])
    client = table.join(receive_maximum=receive_maximum)
    client.subscribe(Subscription("a"))
    flood(table)
    assert drained(table, client) == kept


@pytest.mark.parametrize(
    ("name", "kept"),
    [("default", []), ("mosquitto", []), ("emqx", numbered(100, COUNT)), ("hivemq", [])],
)
def test_whether_qos_0_waits_for_an_absent_subscriber(name: str, kept: list[bytes]) -> None:
    """EMQX keeps it (`mqueue_store_qos0`), the others do not."""
    table = Table(PROFILES[name])
    client = table.join(expiry_s=HOUR_S)
    client.subscribe(Subscription("a"))
    client.lose()
    flood(table, qos=0)
    assert drained(table, table.join(expiry_s=HOUR_S)) == kept


def test_qos_0_that_waited_when_the_connection_was_lost_is_kept_with_queue_qos_0() -> None:
    for keeps, expected in ((True, [b"0", b"1"]), (False, [b"1"])):
        table = Table(BrokerConfig(queue_qos_0=keeps))
        client, sender = table.join(expiry_s=HOUR_S), table.join("sender")
        client.subscribe(Subscription("a"))
        client.connection.pause()
        sender.send(encode_publish("a", b"0", 0, qos=0), encode_publish("a", b"1", 1))
        client.lose()
        assert table.join(expiry_s=HOUR_S).payloads() == expected


@pytest.mark.parametrize(
    ("name", "receive_maximum", "aliases", "packet_size"),
    [
        ("default", 1_000, 10, 1_048_576),
        ("mosquitto", 20, 10, 268_435_455),
        ("emqx", 1_000, 65_535, 1_048_576),
        ("hivemq", 10, 5, 268_435_455),
    ],
)
def test_what_a_profile_announces(name: str, receive_maximum: int, aliases: int, packet_size: int) -> None:
    _, connack = Table(PROFILES[name]).connack()
    assert connack.properties == Properties(
        (PropertyId.RECEIVE_MAXIMUM, receive_maximum),
        (PropertyId.MAXIMUM_PACKET_SIZE, packet_size),
        (PropertyId.TOPIC_ALIAS_MAXIMUM, aliases),
    )


# Against the broker itself

Told = tuple[object, ...]


async def behind_mosquitto(story: Callable[[Visit], Coroutine[None, None, Told]]) -> Told:
    """What `story` tells of mosquitto with its defaults."""
    defaults = ("max_queued_messages 1000", "max_inflight_messages 20")
    async with Mosquitto(settings=defaults) as broker:
        visit = Visit(RealNetwork(), "127.0.0.1", broker.port, is_ours=False)
        try:
            return await story(visit)
        finally:
            visit.leave()


async def behind_ours(story: Callable[[Visit], Coroutine[None, None, Told]]) -> Told:
    """What it tells of ours with the profile."""
    server = BrokerServer(Broker(PROFILES["mosquitto"]), RealNetwork())
    await server.listen("127.0.0.1")
    visit = Visit(RealNetwork(), "127.0.0.1", server.port)
    try:
        return await story(visit)
    finally:
        visit.leave()
        server.close()


async def _published(visit: Visit) -> None:
    sender = await visit.join("sender")
    for number in range(COUNT):
        await sender.publish("a", b"%d" % number)
    await sender.publish("end")


async def _heard(visit: Visit, client_id: str, *, is_slow: bool) -> list[bytes]:
    client, _ = await visit.resume(client_id)
    await client.subscribe(Subscription("a"))
    if not is_slow:
        await client.disconnect()
    await _published(visit)
    if not is_slow:
        client, _ = await visit.resume(client_id)
    found: list[bytes] = []
    while True:
        client.send(b"\xc0\x00")
        turn = []
        while isinstance(packet := await client.packet(), Publish):
            turn.append(packet)
        if not turn:
            return found
        for message in turn:
            found.append(message.payload)
            client.send(Puback(message.packet_id))


async def losses(visit: Visit) -> Told:
    """What an absent and what a slow subscriber gets, and what CONNACK announces of flow control."""
    client = await visit.open()
    announced = (await client.connect(Connect("first"))).properties
    flow = [
        announced.integer(each, 0) for each in (PropertyId.RECEIVE_MAXIMUM, PropertyId.TOPIC_ALIAS_MAXIMUM)
    ]
    absent = await _heard(visit, "absent", is_slow=False)
    slow = await _heard(visit, "slow", is_slow=True)
    return flow, absent, slow


@pytest.mark.mosquitto
@pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")
def test_the_profile_loses_just_what_mosquitto_loses() -> None:
    theirs = asyncio.run(behind_mosquitto(losses))
    assert theirs == ([20, 10], numbered(0, 1_000), numbered(0, 1_020))
    assert asyncio.run(behind_ours(losses)) == theirs
