"""The broker's shell: back-pressure, shutting down, waking up in time; in virtual time and on sockets."""

import asyncio
import gc
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

from runtime.errors import BrokerUnavailableError
from runtime.mqtt.broker.config import BrokerConfig
from runtime.mqtt.broker.connection import Connection
from runtime.mqtt.broker.core import Broker
from runtime.mqtt.broker.server import BrokerServer, serve_broker
from runtime.mqtt.broker.sqlite_ledger import SqliteLedger
from runtime.mqtt.broker.stream_sink import READ_SIZE
from runtime.mqtt.packets import (
    Connect,
    Disconnect,
    Pingresp,
    Properties,
    PropertyId,
    Puback,
    ReasonCode,
    Subscription,
    Will,
    encode_publish,
)
from runtime.ports import Listener, Network, Stream
from runtime.real_network import RealNetwork
from runtime.virtual_disk import VirtualDisk
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
    network: Network, host: str, config: BrokerConfig | None = None, turn_ns: int | None = None
) -> tuple[BrokerServer, RawClient, RawClient]:
    """A broker and two clients that are connected."""
    server = BrokerServer(Broker(config), network, turn_ns)
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


def on_sockets(story: Callable[[Network], Coroutine[None, None, T]]) -> T:
    """The result of `story` on the loopback interface."""
    return asyncio.run(story(RealNetwork()))


in_both_runtimes = pytest.mark.parametrize(
    ("run", "host"), [(in_virtual_time, "broker"), (on_sockets, LOOPBACK)], ids=["virtual", "sockets"]
)
Run = Callable[[Callable[[Network], Coroutine[None, None, T]]], T]


class CountingStream:
    """A stream that counts how often it is given something to send."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.sends = 0
        self.fileno = stream.fileno
        self.recv = stream.recv
        self.close = stream.close

    def send(self, data: Any, /) -> int:
        """See Stream."""
        self.sends += 1
        return self._stream.send(data)


class CountingNetwork:
    """Sockets whose accepted ends count, in the order of accepting."""

    def __init__(self) -> None:
        self._network = RealNetwork()
        self.connect = self._network.connect
        self.reset = self._network.reset
        self.accepted: list[CountingStream] = []

    async def listen(self, host: str, port: int, accept: Callable[[Stream], None]) -> Listener:
        """See Network."""

        def count(stream: Stream) -> None:
            self.accepted.append(CountingStream(stream))
            accept(self.accepted[-1])

        return await self._network.listen(host, port, count)


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


@in_both_runtimes
def test_a_flood_of_small_packets_leaves_the_others_their_turn(run: Run[int], host: str) -> None:
    """Of what one connection has sent at once, a bounded part is taken before the next connection's."""
    flood = encode_publish("a", b"", 0, qos=0)
    count = 6 * READ_SIZE // len(flood)

    async def story(network: Network) -> int:
        server, car, flooder = await start(network, host)
        other = await RawClient.open(network, host, server.port)
        await other.connect(Connect("other"))
        await car.subscribe(Subscription("a", 0))
        await asyncio.sleep(0)
        flooder.send(flood * count)
        other.send(encode_publish("a", b"mine", 0, qos=0))
        place = 0
        while (await car.message()).payload != b"mine":
            place += 1
        end(server, car, flooder, other)
        return place

    assert run(story) <= READ_SIZE // len(flood) + 1


@in_both_runtimes
def test_what_is_left_of_a_turn_waits_for_the_next_one_with_all_that_came_behind(
    run: Run[tuple[int, list[bytes]]], host: str
) -> None:
    """Turns that are over at once: eight packets each, in the order in which they came."""
    flood = [encode_publish("a", b"%d" % number, 0, qos=0) for number in range(60)]

    async def story(network: Network) -> tuple[int, list[bytes]]:
        server, car, flooder = await start(network, host, turn_ns=0)
        other = await RawClient.open(network, host, server.port)
        await other.connect(Connect("other"))
        await car.subscribe(Subscription("a", 0))
        await asyncio.sleep(0)
        flooder.send(b"".join(flood[:40]))
        other.send(encode_publish("a", b"mine", 0, qos=0))
        payloads = [(await car.message()).payload]
        flooder.send(b"".join(flood[40:]))
        while len(payloads) <= len(flood):
            payloads.append((await car.message()).payload)
        end(server, car, flooder, other)
        place = payloads.index(b"mine")
        return place, payloads[:place] + payloads[place + 1 :]

    place, payloads = run(story)
    assert place <= 16
    assert payloads == [b"%d" % number for number in range(60)]


@in_both_runtimes
def test_who_leaves_before_its_turn_is_let_go(run: Run[list[int]], host: str) -> None:
    async def story(network: Network) -> list[int]:
        server, car, flooder = await start(network, host, turn_ns=0)
        flooder.send(b"\xc0\x00" * 20 + Disconnect().encode() + b"\xc0\x00" * 20)
        for _ in range(20):
            await flooder.expect(Pingresp)
        await flooder.expect_closed()
        car.send(b"\xc0\x00" * 2_000)
        await car.expect(Pingresp)
        end(server, car, flooder)
        await asyncio.sleep(0)
        return server.unsent()

    assert run(story) == []


@in_both_runtimes
def test_beyond_max_half_open_the_oldest_without_connect_is_closed(run: Run[int], host: str) -> None:
    async def story(network: Network) -> int:
        server, car, sender = await start(network, host, BrokerConfig(max_half_open=2))
        silent = [await RawClient.open(network, host, server.port) for _ in range(2)]
        await sender.expect_nothing()
        assert server.broker.counts.half_open_closed == 0
        silent.append(await RawClient.open(network, host, server.port))
        await silent[0].expect_closed()
        for client in silent[1:]:
            await client.connect(Connect(""))
        await car.expect_nothing()
        end(server, car, sender, *silent)
        return server.broker.counts.half_open_closed

    assert run(story) == 1


@in_both_runtimes
def test_beyond_max_connections_a_new_one_is_closed_at_once(run: Run[int], host: str) -> None:
    async def story(network: Network) -> int:
        server, car, sender = await start(network, host, BrokerConfig(max_connections=3))
        third = await RawClient.open(network, host, server.port)
        await third.connect(Connect("third"))
        fourth = await RawClient.open(network, host, server.port)
        await fourth.expect_closed()
        await third.disconnect()
        fifth = await RawClient.open(network, host, server.port)
        await fifth.connect(Connect("fifth"))
        end(server, car, sender, fourth, fifth)
        return server.broker.counts.connections_refused

    assert run(story) == 1


@in_both_runtimes
def test_all_turns_that_are_ready_at_once_are_committed_together(run: Run[int], host: str) -> None:
    async def story(network: Network) -> int:
        disk = VirtualDisk()
        connection = disk.connect("broker")
        commits = []
        connection.set_trace_callback(lambda text: commits.append(text) if text == "COMMIT" else None)
        server = BrokerServer(Broker(None, SqliteLedger(connection)), network)
        await server.listen(host)
        car = await RawClient.open(network, host, server.port)
        await car.connect(Connect("car", properties=HOUR))
        await car.subscribe(Subscription("a"))
        senders = [await RawClient.open(network, host, server.port) for _ in range(20)]
        for number, sender in enumerate(senders):
            await sender.connect(Connect(f"sender {number}"))
        commits.clear()
        for sender in senders:
            sender.send(encode_publish("a", b"kept", 1))
        for sender in senders:
            await sender.expect(Puback)
        counted = len(commits)
        end(server, car, *senders)
        disk.close()
        return counted

    assert run(story) == 1


async def test_a_busy_loop_sends_one_receiver_many_messages_at_once() -> None:
    """One system call for all that was ready; a loop with one turn at a time does not wait for more."""
    network = CountingNetwork()
    server, car, sender = await start(network, LOOPBACK)
    await car.subscribe(Subscription("a"))
    senders = [await RawClient.open(network, LOOPBACK, server.port) for _ in range(50)]
    for each in senders:
        await each.connect(Connect(""))
    to_car = network.accepted[0]
    sends = []
    for _ in range(3):
        before = to_car.sends
        for each in senders:
            each.send(encode_publish("a", b"x", 0, qos=0))
        await car.payloads(len(senders))
        sends.append(to_car.sends - before)
    assert sends[-1] == 1
    end(server, car, sender, *senders)


@pytest.mark.parametrize("ending", ["silent", "orderly", "garbage"])
async def test_a_closed_connection_leaves_no_circle_of_objects(ending: str) -> None:
    """Its memory is free at once: a broker that is stormed must not depend on the garbage collector."""
    server, car, sender = await start(RealNetwork(), LOOPBACK)
    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            client = await RawClient.open(RealNetwork(), LOOPBACK, server.port)
            await client.connect(Connect("", keep_alive_s=60))
            if ending == "orderly":
                await client.disconnect()
            elif ending == "garbage":
                client.send(b"\x00\x00")
                await client.expect_disconnect(ReasonCode.MALFORMED_PACKET)
            client.drop()
            await sender.expect_nothing()
        left = sum(isinstance(each, Connection) for each in gc.get_objects())
    finally:
        gc.enable()
    end(server, car, sender)
    assert left == 2
