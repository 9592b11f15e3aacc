"""The broker's shell: back-pressure, shutting down, waking up in time; in virtual time and on sockets."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar

import pytest

from runtime.errors import BrokerUnavailableError
from runtime.mqtt.broker.config import BrokerConfig
from runtime.mqtt.broker.core import Broker
from runtime.mqtt.broker.server import BrokerServer, serve_broker
from runtime.mqtt.packets import (
    Connect,
    Disconnect,
    Properties,
    PropertyId,
    ReasonCode,
    Subscription,
    Will,
    encode_publish,
)
from runtime.ports import Network
from runtime.real_network import RealNetwork
from runtime.virtual_loop import VirtualLoop
from runtime.virtual_network import VirtualNetwork
from tests.runtime.mqtt.raw_client import RawClient

LOOPBACK = "127.0.0.1"
MANY = 1_200
LARGE = bytes(10_000)
"""MANY of them are more than the kernel takes for a connection that nobody reads."""

HOUR = Properties((PropertyId.SESSION_EXPIRY_INTERVAL, 3600))

T = TypeVar("T")


async def start(
    network: Network, host: str, config: BrokerConfig | None = None
) -> tuple[BrokerServer, RawClient, RawClient]:
    """A broker and two clients that are connected."""
    server = BrokerServer(Broker(config), network)
    await server.listen(host)
    clients = []
    for name in ("car", "sender"):
        client = await RawClient.open(network, host, server.port)
        await client.connect(Connect(name))
        clients.append(client)
    return server, clients[0], clients[1]


def in_virtual_time(story: Callable[[Network], Coroutine[None, None, T]]) -> T:
    """The result of `story` on a virtual network, where a connection takes 128 KiB that nobody reads."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(story(VirtualNetwork(loop).host("broker")))
    finally:
        loop.close()


def end(server: BrokerServer, *clients: RawClient) -> None:
    """Close all."""
    server.close()
    for client in clients:
        client.drop()


async def test_the_port_is_known_only_when_it_listens() -> None:
    with pytest.raises(BrokerUnavailableError, match="listen"):
        _ = BrokerServer(Broker(), RealNetwork()).port


async def test_a_broker_that_stops_tells_its_clients() -> None:
    """Section 3.14.2.1: 0x8B."""
    server, car, sender = await start(RealNetwork(), LOOPBACK)
    server.close()
    await car.expect_disconnect(ReasonCode.SERVER_SHUTTING_DOWN)
    await sender.expect_disconnect(ReasonCode.SERVER_SHUTTING_DOWN)
    end(server, car, sender)


async def test_serving_ends_with_its_task() -> None:
    task = asyncio.create_task(serve_broker(RealNetwork(), LOOPBACK, 0))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_subscriber_that_does_not_read_gets_everything_in_order_once_it_does() -> None:
    """Its messages wait in its session, not in the connection's buffer, which stays small."""

    async def story(network: Network) -> list[bytes]:
        server, car, sender = await start(network, "broker")
        await car.subscribe(Subscription("a"))
        car.hold()
        for number in range(MANY):
            await sender.publish("a", number.to_bytes(2, "big") + LARGE)
        [unsent] = [each for each in server.unsent() if each]
        assert 200_000 < unsent < 300_000
        car.release()
        payloads = await car.payloads(MANY)
        assert server.broker.counts.dropped == 0
        end(server, car, sender)
        return payloads

    payloads = in_virtual_time(story)
    assert [int.from_bytes(each[:2], "big") for each in payloads] == list(range(MANY))


def test_a_subscriber_that_does_not_read_costs_no_more_than_its_queue() -> None:
    async def story(network: Network) -> tuple[int, int]:
        server, car, sender = await start(network, "broker", BrokerConfig(max_queued=10))
        await car.subscribe(Subscription("a"))
        car.hold()
        for _ in range(MANY):
            await sender.publish("a", LARGE)
        counts = server.broker.counts
        end(server, car, sender)
        return counts.messages_out, counts.dropped

    sent, dropped = in_virtual_time(story)
    assert sent * len(LARGE) < 500_000
    assert dropped == MANY - sent - 10


def test_a_peer_that_asks_and_never_reads_is_dropped() -> None:
    async def story(network: Network) -> None:
        server, car, sender = await start(network, "broker", BrokerConfig(max_packet_size=1_000))
        car.hold()
        with pytest.raises(ConnectionError):
            await car.send_all(b"\xc0\x00" * 1_000_000)
        await sender.expect_nothing()
        end(server, car, sender)

    in_virtual_time(story)


async def test_a_client_that_vanishes_while_it_is_written_to_loses_nothing() -> None:
    server, other, sender = await start(RealNetwork(), LOOPBACK)
    car = await RawClient.open(RealNetwork(), LOOPBACK, server.port)
    await car.connect(Connect("slow", properties=HOUR))
    await car.subscribe(Subscription("a"))
    car.hold()
    for number in range(MANY):
        await sender.publish("a", number.to_bytes(2, "big") + LARGE)
    car.drop()
    car = await RawClient.open(RealNetwork(), LOOPBACK, server.port)
    connack = await car.connect(Connect("slow", clean_start=False, properties=HOUR))
    assert connack.session_present
    payloads = await car.payloads(MANY)
    assert [int.from_bytes(each[:2], "big") for each in payloads] == list(range(MANY))
    end(server, car, other, sender)


def test_time_outs_come_to_the_nanosecond_in_virtual_time() -> None:
    async def story(network: Network) -> list[float]:
        loop = asyncio.get_running_loop()
        server, watcher, car = await start(network, "broker")
        await watcher.subscribe(Subscription("will"))
        car = await RawClient.open(network, "broker", server.port)
        car.patience_s = watcher.patience_s = 60
        will = Will("will", properties=Properties((PropertyId.WILL_DELAY_INTERVAL, 7)))
        start_s = loop.time()
        await car.connect(Connect("lost", keep_alive_s=2, will=will, properties=HOUR))
        assert (await car.expect(Disconnect)).reason_code == ReasonCode.KEEP_ALIVE_TIMEOUT
        instants = [round(loop.time() - start_s, 9)]
        await watcher.message()
        instants.append(round(loop.time() - start_s, 9))
        server.close()
        return instants

    assert in_virtual_time(story) == [3.0, 10.0]


def test_the_same_story_gives_the_same_bytes() -> None:
    async def story(network: Network) -> list[bytes]:
        server, *_ = await start(network, "broker")
        clients = []
        for number in range(20):
            client = await RawClient.open(network, "broker", server.port)
            await client.connect(Connect(""))
            await client.subscribe(Subscription(f"a/{number % 3}"), Subscription("#", 0))
            clients.append(client)
        for number, client in enumerate(clients):
            client.send(encode_publish(f"a/{number % 3}", bytes((number,)), 1))
        await asyncio.sleep(1)
        server.close()
        return [client.raw for client in clients]

    assert in_virtual_time(story) == in_virtual_time(story)
