"""Our broker on sockets, with gmqtt: a client library that shares no code with ours or with paho."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import gmqtt
import pytest
from gmqtt.mqtt.constants import MQTTv50, MQTTv311

from runtime.mqtt.broker.core import Broker
from runtime.mqtt.broker.server import BrokerServer
from runtime.mqtt.packets import Subscription
from runtime.real_network import RealNetwork
from tests.runtime.mqtt.broker_places import Visit

LOOPBACK = "127.0.0.1"
PATIENCE_S = 10.0

both_levels = pytest.mark.parametrize("level", [MQTTv311, MQTTv50], ids=["3.1.1", "5"])


class Guest:
    """A gmqtt client, with what it hears in a queue."""

    def __init__(self, port: int, level: int, client: Any) -> None:
        self._port = port
        self._level = level
        self.client = client
        self._heard: asyncio.Queue[tuple[str, bytes, int, dict[str, Any]]] = asyncio.Queue()
        self._granted: asyncio.Queue[tuple[int, ...]] = asyncio.Queue()
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe

    def _on_message(
        self, client: object, topic: str, payload: bytes, qos: int, properties: dict[str, Any]
    ) -> int:
        self._heard.put_nowait((topic, payload, qos, properties))
        return 0

    def _on_subscribe(self, client: object, mid: int, codes: Any, properties: dict[str, Any]) -> None:
        self._granted.put_nowait(tuple(codes))

    async def connect(self) -> None:
        """CONNECT and CONNACK."""
        async with asyncio.timeout(PATIENCE_S):
            await self.client.connect(LOOPBACK, self._port, version=self._level)

    async def subscribe(self, topic_filter: str, qos: int) -> tuple[int, ...]:
        """SUBSCRIBE, and what SUBACK grants."""
        self.client.subscribe(topic_filter, qos=qos)
        async with asyncio.timeout(PATIENCE_S):
            return await self._granted.get()

    async def heard(self) -> tuple[str, bytes, int, dict[str, Any]]:
        """The next message: topic, payload, QoS, properties."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._heard.get()


class Bench:
    """Our broker and its guests."""

    def __init__(self, server: BrokerServer) -> None:
        self._server = server
        self._guests: list[Guest] = []
        self.visit = Visit(RealNetwork(), LOOPBACK, server.port)

    async def guest(self, client_id: str, level: int, **options: Any) -> Guest:
        """A gmqtt client that is connected."""
        guest = Guest(self._server.port, level, gmqtt.Client(client_id, **options))
        self._guests.append(guest)
        await guest.connect()
        return guest

    async def end(self) -> None:
        """End everything."""
        for guest in self._guests:
            await guest.client.disconnect()
        self.visit.leave()
        self._server.close()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """A fresh broker."""
    server = BrokerServer(Broker(), RealNetwork())
    await server.listen(LOOPBACK)
    bench = Bench(server)
    yield bench
    await bench.end()


@both_levels
async def test_messages_of_every_qos_cross(bench: Bench, level: int) -> None:
    hearing, speaking = await bench.guest("hearing", level), await bench.guest("speaking", level)
    assert await hearing.subscribe("a/+", 2) == (2,)
    for qos in range(3):
        speaking.client.publish(f"a/{qos}", f"grüße {qos}", qos=qos)
        topic, payload, found, _ = await hearing.heard()
        assert (topic, payload.decode(), found) == (f"a/{qos}", f"grüße {qos}", qos)


@both_levels
@pytest.mark.parametrize("qos", [1, 2])
async def test_five_hundred_messages_arrive_once_each(bench: Bench, level: int, qos: int) -> None:
    hearing, speaking = await bench.guest("hearing", level), await bench.guest("speaking", level)
    await hearing.subscribe("a", qos)
    for number in range(500):
        speaking.client.publish("a", str(number), qos=qos)
    assert [(await hearing.heard())[1] for _ in range(500)] == [b"%d" % number for number in range(500)]


async def test_properties_and_subscription_identifier_are_understood(bench: Bench) -> None:
    hearing, speaking = await bench.guest("hearing", MQTTv50), await bench.guest("speaking", MQTTv50)
    hearing.client.subscribe("a", qos=1, subscription_identifier=99)
    await hearing._granted.get()
    speaking.client.publish(
        *("a", b"{}"),
        qos=1,
        content_type="application/json",
        response_topic="answers",
        message_expiry_interval=60,
        user_property=[("key", "7"), ("key", "8")],
    )
    _, _, _, properties = await hearing.heard()
    assert properties["content_type"] == ["application/json"]
    assert properties["response_topic"] == ["answers"]
    assert properties["message_expiry_interval"] == [60]
    assert properties["user_property"] == [("key", "7"), ("key", "8")]
    assert properties["subscription_identifier"] == [99]


async def test_the_brokers_topic_aliases_are_understood(bench: Bench) -> None:
    hearing = await bench.guest("hearing", MQTTv50, topic_alias_maximum=2)
    sender = await bench.visit.join("sender")
    await hearing.subscribe("#", 0)
    topics = ["a", "b", "c", "a", "b", "c"]
    for topic in topics:
        await sender.publish(topic, topic.encode())
    assert [(await hearing.heard())[0] for _ in topics] == topics


async def test_a_session_waits_for_its_client(bench: Bench) -> None:
    options = {"clean_session": False, "session_expiry_interval": 3600}
    first = await bench.guest("car", MQTTv50, **options)
    await first.subscribe("a", 1)
    await first.client.disconnect()
    sender = await bench.visit.join("sender")
    await sender.publish("a", b"waited")
    second = await bench.guest("car", MQTTv50, **options)
    assert (await second.heard())[1] == b"waited"


async def test_a_will_and_a_retained_message_are_told_apart(bench: Bench) -> None:
    watcher = await bench.visit.join("watcher")
    await watcher.subscribe(Subscription("will", 1))
    will = gmqtt.Message("will", b"lost", qos=1, retain=True)
    guest = await bench.guest("car", MQTTv50, will_message=will)
    await guest.client.disconnect(reason_code=4)
    assert (await watcher.message()).payload == b"lost"
    late = await bench.guest("late", MQTTv50)
    await late.subscribe("will", 1)
    _, payload, _, properties = await late.heard()
    assert (payload, properties["retain"]) == (b"lost", 1)
