"""A peer that vanishes without a word is noticed by the keep-alive's rules; nothing is lost meanwhile."""

import asyncio

import pytest

from contracts.link import Direction, LinkConditions
from runtime.mqtt.broker.core import Broker
from runtime.mqtt.broker.server import BrokerServer
from telematics.link.model import BottleneckLink
from tests.runtime.mqtt import scripted_broker as wire
from tests.runtime.mqtt.port_rigs import RealRig, Rig, VirtualRig
from tests.runtime.mqtt.port_story import PLAIN, Story
from tests.runtime.mqtt.two_programs import Program, TwoPrograms, numbers

KEEPALIVE_S = 30
WAY_S = 0.1
SLACK_S = 0.002
"""The port looks a millisecond after PINGREQ is due, and again after the answer was."""


@pytest.fixture(params=[VirtualRig, RealRig], ids=["virtual", "sockets"])
def rig(request: pytest.FixtureRequest) -> Rig:
    """Each world in turn."""
    made: Rig = request.param()
    return made


def test_a_nat_that_forgets_is_noticed_by_both_ends_and_the_session_is_taken_over(rig: Rig) -> None:
    async def story() -> None:
        it = TwoPrograms(rig)
        await it.begin(keepalive_s=1)
        it.start_car()
        await it.car.until_up()
        it.road.forget()
        it.car.send(30)
        it.backend.send(3)
        await it.car.until_up(2)
        assert it.car.sessions == [True, False, True]
        assert it.road.accepted == 2
        await it.backend.until_taken(30)
        await it.car.until_taken(3)
        assert it.backend.taken == numbers(30)
        assert it.car.taken == numbers(3)
        assert it.car.most_in_flight <= 20
        await it.end()

    rig.run(story())


def test_the_car_notices_two_keep_alives_after_its_last_word_and_the_broker_one_and_a_half() -> None:
    """[MQTT-3.1.2-22]; to the millisecond"""
    rig = VirtualRig()

    async def story() -> None:
        loop = rig.loop
        it = TwoPrograms(rig)
        await it.begin(keepalive_s=KEEPALIVE_S, back_off_min_s=600.0, back_off_max_s=600.0)
        it.start_car()
        await it.car.until_up()
        connect_s = loop.time() - 2 * WAY_S
        it.car.send(1)
        await it.car.until_sent()
        publish_s = loop.time() - WAY_S
        it.road.forget()
        while it.car.sessions != [True, False]:
            await it.car._change()
        noticed_s = loop.time() - connect_s
        assert 2 * KEEPALIVE_S <= noticed_s <= 2 * KEEPALIVE_S + SLACK_S + 1e-6
        assert it.car.delivery.trouble == "Keep alive timeout"
        broker_s = it.road.hung_up_s[Direction.DOWN] - publish_s
        assert broker_s == pytest.approx(1.5 * KEEPALIVE_S, abs=1e-6)
        await it.end()

    rig.run(story())


@pytest.mark.parametrize("back_after_s", [3.0, 20.0, 600.0])
def test_a_power_cut_of_the_brokers_host_loses_nothing(back_after_s: float) -> None:
    rig = VirtualRig()
    broker = Broker()

    async def story() -> None:
        loop = rig.loop

        async def serve() -> None:
            server = BrokerServer(broker, rig.peer)
            await server.listen(rig.host, 1883)
            await server.serve()

        loop.spawn("broker#1", serve())
        backend = Program("backend", "up", "down")
        backend.start(rig.world.host("backend", delay_ms=1), rig.host, 1883, back_off_min_s=1.0)
        await backend.until_up()
        car = Program("car", "down", "up")
        car.start(rig.car, rig.host, 1883, back_off_min_s=1.0)
        await car.until_up()
        car.send(5)
        await backend.until_taken(5)
        loop.abandon("broker#1")
        rig.world.abandon("broker#1", power_cut=True)
        cut_s = loop.time()
        car.send(40)
        loop.call_later(back_after_s, lambda: loop.spawn("broker#2", again()))

        async def again() -> None:
            broker.lose_connections(loop.time_ns())
            await serve()

        await car.until_up(2)
        # RST answers what is retransmitted to the host that is back; else the keep-alive ends it. Then, at
        # worst, the SYN sent into the dark is retransmitted late and the longest back-off passes.
        assert loop.time() - cut_s <= max(back_after_s, 2 * KEEPALIVE_S) + 130
        await backend.until_taken(45)
        assert backend.taken == numbers(45)
        await car.until_sent()
        assert car.most_in_flight <= 20
        await car.end()
        await backend.end()

    rig.run(story())


async def answer_pings(broker: wire.ScriptedBroker) -> None:
    while True:
        await broker.packet(wire.PINGREQ)
        broker.send(b"\xd0\x00")


def test_a_message_that_takes_longer_than_the_keep_alive_to_cross_is_no_half_open_connection() -> None:
    rig = VirtualRig()
    link = BottleneckLink(
        None, LinkConditions(delay_up_ms=100, delay_down_ms=100, rate_up_bps=64_000, rate_down_bps=64_000)
    )
    rig.car = rig.world.host("car-on-link", link=link)
    size = 1_000_000

    async def story() -> None:
        it = Story(rig, keepalive_s=KEEPALIVE_S)
        await it.connect()
        begun_s = rig.loop.time()
        it.port.publish(PLAIN._replace(payload=bytes(size)))
        assert len((await it.broker.publish()).payload) == size
        assert rig.loop.time() - begun_s > 4 * KEEPALIVE_S
        pings = asyncio.ensure_future(answer_pings(it.broker))
        await asyncio.sleep(10 * KEEPALIVE_S)
        assert it.told.count("disconnected") == 0
        assert it.broker.accepted == 1
        pings.cancel()
        await it.end()

    rig.run(story())


def test_data_that_arrives_is_a_sign_of_life_though_the_ping_is_never_answered() -> None:
    rig = VirtualRig()

    async def story() -> None:
        it = Story(rig, keepalive_s=KEEPALIVE_S)
        await it.connect()
        for _ in range(20):
            await asyncio.sleep(KEEPALIVE_S - 1)
            it.broker.send(b"\x30\x04\x00\x01a\x00")
        last_s = rig.loop.time() + WAY_S
        assert it.told.count("disconnected") == 0
        assert await it.told.until("disconnected") == ("disconnected", "Keep alive timeout")
        assert rig.loop.time() - last_s == pytest.approx(KEEPALIVE_S, abs=SLACK_S)
        await it.end()

    rig.run(story())


@pytest.mark.parametrize("payloads", [0, 1, 20])
def test_a_broker_that_reads_no_more_is_noticed_within_two_keep_alives(payloads: int) -> None:
    rig = VirtualRig()

    async def story() -> None:
        it = Story(rig, keepalive_s=KEEPALIVE_S)
        await it.connect()
        await it.broker.packet(wire.SUBSCRIBE)
        it.broker.pause()
        begun_s = rig.loop.time()
        for _ in range(payloads):
            it.port.publish(PLAIN._replace(payload=bytes(100_000)))
        await it.told.until("disconnected")
        assert rig.loop.time() - begun_s <= 2 * KEEPALIVE_S + SLACK_S
        await it.end()

    rig.run(story())
