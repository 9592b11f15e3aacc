"""What the road or the broker does not take waits in the outbox: the window is kept, memory is bounded."""

import asyncio

import pytest

from contracts.link import LinkConditions
from runtime.mqtt.broker.config import BrokerConfig
from runtime.mqtt.broker.core import Broker
from runtime.mqtt.broker.server import BrokerServer
from runtime.mqtt.port import IncomingMessage
from runtime.mqtt.publish import encode_puback, encode_publish
from runtime.virtual_network import VirtualNetwork
from telematics.link.model import BottleneckLink
from tests.runtime.mqtt import scripted_broker as wire
from tests.runtime.mqtt.port_rigs import RealRig, Rig, VirtualRig
from tests.runtime.mqtt.port_story import PLAIN, Story
from tests.runtime.mqtt.two_programs import Program, numbers

MEGABYTE = 1_000_000
SLOW = LinkConditions(delay_up_ms=100, delay_down_ms=100, rate_up_bps=256_000, rate_down_bps=256_000)


@pytest.fixture(params=[VirtualRig, RealRig], ids=["virtual", "sockets"])
def rig(request: pytest.FixtureRequest) -> Rig:
    """Each world in turn."""
    made: Rig = request.param()
    return made


@pytest.mark.parametrize("receive_maximum", [1, 7, 100])
def test_ten_thousand_entries_cross_a_slow_link_within_the_window(receive_maximum: int) -> None:
    """[MQTT-3.3.4-7]; the window is 20 or the broker's Receive Maximum, whichever is less"""
    count = 10_000 if receive_maximum > 20 else 500
    rig = VirtualRig()

    async def story() -> None:
        config = BrokerConfig(receive_maximum=receive_maximum)
        server = BrokerServer(Broker(config), rig.peer)
        await server.listen(rig.host)
        backend = Program("backend", "up", "down")
        backend.start(rig.peer, rig.host, server.port)
        await backend.until_up()
        car = Program("car", "down", "up")
        car.send(count)
        car.start(rig.world.host("car", link=BottleneckLink(None, SLOW)), rig.host, server.port)
        await backend.until_taken(count)
        await car.until_sent()
        assert backend.taken == numbers(count)
        assert car.most_in_flight == min(20, receive_maximum)
        assert car.sessions == [True]
        assert car.delivery.counts.published == count
        await car.end()
        await backend.end()
        server.close()

    rig.run(story())


def test_a_broker_that_reads_no_more_leaves_everything_but_the_window_in_the_outbox(rig: Rig) -> None:
    count, size = 200, 50_000

    async def story() -> None:
        broker = wire.ScriptedBroker(rig.peer, rig.host)
        await broker.listen()
        car = Program("car", "down", "up")
        car.start(rig.car, rig.host, broker.port, keepalive_s=0)
        await broker.packet(wire.SUBSCRIBE)
        broker.pause()
        car.send(count, size)
        await car.until_published()
        assert (car.delivery.in_flight, car.delivery.depth) == (20, count)
        assert car.delivery.counts.published == 20
        broker.resume()
        taken = []
        for _ in range(count):
            message = await broker.publish()
            taken.append(message.payload)
            broker.send(encode_puback(message.packet_id))
        assert taken == numbers(count, size)
        await car.until_sent()
        assert car.most_in_flight == 20
        await car.end()
        broker.stop()

    rig.run(story())


def test_a_broker_that_acknowledges_nothing_gets_no_more_than_the_window(rig: Rig) -> None:
    async def story() -> None:
        broker = wire.ScriptedBroker(rig.peer, rig.host)
        await broker.listen()
        car = Program("car", "down", "up")
        car.start(rig.car, rig.host, broker.port, keepalive_s=1)
        await car.until_up()
        car.send(100)
        first = [(await broker.publish()).payload for _ in range(20)]
        broker.close()
        await car.until_up(2)
        again = [(await broker.publish()).payload for _ in range(20)]
        assert first == again == numbers(20)
        await car.end()
        broker.stop()

    rig.run(story())


@pytest.mark.parametrize("buffer_bytes", [16, 700, 4_096])
def test_a_megabyte_crosses_small_buffers_up_and_down(buffer_bytes: int) -> None:
    rig = VirtualRig()
    size = MEGABYTE if buffer_bytes > 100 else 10_000
    rig.world = VirtualNetwork(rig.loop, send_buffer=buffer_bytes, receive_buffer=buffer_bytes)
    rig.peer, rig.car = rig.world.host("broker"), rig.world.host("car", delay_ms=1)
    payload = bytes(range(250)) * (size // 250)

    async def story() -> None:
        it = Story(rig, keepalive_s=0, subscriptions=(), connect_timeout_s=60.0)
        await it.connect()
        it.port.publish(PLAIN._replace(payload=payload))
        it.port.publish(PLAIN)
        assert (await it.broker.publish()).payload == payload
        assert (await it.broker.publish()).payload == b""
        await it.broker.send_all(encode_publish("down", payload, 1))
        await it.told.until("received")
        assert it.told.messages[0].payload == payload
        await it.end()

    rig.run(story())


def test_ten_megabytes_in_small_pieces_cost_no_more_than_their_length() -> None:
    """Each piece is kept as it came and joined once; joining at each would move 35 GB here."""
    rig = VirtualRig()
    payload = bytes(10 * MEGABYTE)

    async def story() -> None:
        rig.world = VirtualNetwork(rig.loop, receive_buffer=1_448)
        rig.peer, rig.car = rig.world.host("broker"), rig.world.host("car", delay_ms=1)
        it = Story(rig, keepalive_s=0)
        await it.connect()
        await it.broker.send_all(encode_publish("down", payload, 1))
        await it.told.until("received")
        assert it.told.messages[0].payload == payload
        await it.end()

    rig.run(story())


def test_acknowledgements_wait_for_a_broker_that_does_not_read(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig, keepalive_s=0)

        def answer(message: IncomingMessage) -> None:
            it.port.publish(PLAIN._replace(payload=bytes(100_000)))
            message.acknowledge()

        it.told.on_received = answer
        await it.connect()
        await it.broker.packet(wire.SUBSCRIBE)
        it.broker.pause()
        for number in range(1, 21):
            it.broker.send(encode_publish("a", b"", number))
        await it.told.until("received", 20)
        it.broker.resume()
        for number in range(1, 21):
            assert await it.broker.packet(wire.PUBACK) == encode_puback(number)
        await it.end()

    rig.run(story())


def test_a_window_that_the_broker_narrows_at_the_next_connection_is_kept() -> None:
    rig = VirtualRig()

    async def story() -> None:
        broker = wire.ScriptedBroker(rig.peer, rig.host)
        await broker.listen()
        car = Program("car", "down", "up")
        car.send(50)
        car.start(rig.car, rig.host, broker.port)
        await car.until_up()
        assert car.delivery.in_flight == 20
        broker.connack = b"\x20\x06\x00\x00\x03\x21\x00\x03"
        broker.close()
        await car.until_up(2)
        assert car.delivery.in_flight == 3
        await asyncio.sleep(1)
        await car.end()
        broker.stop()

    rig.run(story())
