"""When the port tries again: jittered, growing, small again after a session that stood or on a new road."""

import asyncio
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.mqtt.back_off import STABLE_S, BackOff
from runtime.mqtt.broker.core import Broker
from runtime.mqtt.broker.server import BrokerServer
from runtime.mqtt.paho_port import PahoPort
from runtime.mqtt.port import MqttConfig
from tests.runtime.mqtt import scripted_broker as wire
from tests.runtime.mqtt.port_rigs import RealRig, Rig, VirtualRig
from tests.runtime.mqtt.port_story import Story, Told
from tests.runtime.mqtt.scripted_broker import ScriptedBroker

HOUR_S = 3600.0
WAY_S = 0.1
TAKEN_OVER = b"\xe0\x01\x8e"


class Attempts(Story):
    """A story whose broker notes when it is called, and then ends the connection after `lasts_s`."""

    def __init__(self, rig: VirtualRig, how: str, lasts_s: float = 0.0) -> None:
        super().__init__(rig, back_off_min_s=1.0, subscriptions=(), keepalive_s=0)
        self._loop = rig.loop
        self._how = how
        self._lasts_s = lasts_s
        self.at_s: list[float] = []

    async def serve(self) -> None:
        """Take attempt after attempt."""
        while True:
            await self.broker.packet(wire.CONNECT)
            self.at_s.append(self._loop.time())
            await asyncio.sleep(self._lasts_s)
            match self._how:
                case "close":
                    self.broker.close()
                case "reset":
                    self.broker.reset()
                case "taken over":
                    self.broker.send(TAKEN_OVER)

    async def watch(self, seconds: float) -> list[float]:
        """The gaps between the attempts within `seconds`."""
        serving = asyncio.ensure_future(self.serve())
        await self.begin()
        await asyncio.sleep(seconds)
        serving.cancel()
        await self.end()
        return [late - early for early, late in pairwise(self.at_s)]


def growing(gaps: list[float], between_s: float) -> None:
    """Each gap is a wait of its place in the row, and `between_s` for the end and the new beginning."""
    for number, gap in enumerate(gaps):
        ceiling_s = min(120.0, 2.0**number)
        assert ceiling_s / 2 + between_s - 0.001 <= gap <= ceiling_s + between_s + 0.001


CONNECTING_S = 3 * WAY_S
"""SYN, SYN-ACK, CONNECT."""


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_broker_that_takes_us_and_drops_us_at_once_is_not_hammered(how: str) -> None:
    rig = VirtualRig()
    it = Attempts(rig, how)
    gaps = rig.run(it.watch(HOUR_S))
    growing(gaps, WAY_S + CONNECTING_S)
    assert 30 <= len(gaps) <= 70


@pytest.mark.parametrize("connack", [0x86, 0x88, 0x89, 0x9C, 0x9D, 0x9F])
def test_refusals_of_the_broker_let_the_back_off_grow(connack: int) -> None:
    rig = VirtualRig()
    it = Attempts(rig, "wait")
    it.broker.connack = bytes((0x20, 3, 0, connack, 0))
    growing(rig.run(it.watch(HOUR_S)), WAY_S + CONNECTING_S)


def test_a_tcp_connection_alone_does_not_reset_the_back_off() -> None:
    rig = VirtualRig()
    it = Attempts(rig, "close")
    it.broker.connack = b""
    growing(rig.run(it.watch(HOUR_S)), WAY_S + CONNECTING_S)


def test_a_broker_that_is_silent_is_given_its_time_and_then_a_growing_back_off() -> None:
    rig = VirtualRig()
    it = Attempts(rig, "wait")
    it.broker.connack = b""
    # The patience of 5 s begins with the connection, one way before CONNECT arrives.
    growing(rig.run(it.watch(HOUR_S)), 5.0 - WAY_S + CONNECTING_S)


def test_a_refused_subscription_lets_the_back_off_grow() -> None:
    rig = VirtualRig()

    async def story() -> list[float]:
        it = Story(rig, back_off_min_s=1.0)
        await it.begin()
        at_s = []
        for _ in range(8):
            subscribe = await it.broker.packet(wire.SUBSCRIBE)
            at_s.append(rig.loop.time())
            it.broker.subscribed(subscribe, 0x87)
        await it.end()
        return [late - early for early, late in pairwise(at_s)]

    growing(rig.run(story()), WAY_S + CONNECTING_S + 2 * WAY_S)


@pytest.mark.parametrize("lasts_s", [STABLE_S + 1, 3600.0])
def test_a_session_that_stood_is_followed_by_the_shortest_wait(lasts_s: float) -> None:
    rig = VirtualRig()
    gaps = rig.run(Attempts(rig, "close", lasts_s).watch(lasts_s * 20))
    assert len(gaps) > 15
    between_s = lasts_s + WAY_S + CONNECTING_S
    for gap in gaps:
        assert between_s + 0.5 - 0.001 <= gap <= between_s + 1 + 0.001


def test_a_session_that_was_taken_over_never_resets_the_back_off() -> None:
    rig = VirtualRig()
    growing(rig.run(Attempts(rig, "taken over", 60.0).watch(4 * HOUR_S)), 60.0 + WAY_S + CONNECTING_S)


def test_two_programs_with_one_identifier_come_to_rest() -> None:
    """Full speed would be thousands of take-overs an hour; a wait of 60 to 120 s each makes it about 40."""
    rig = VirtualRig()

    async def story() -> tuple[int, int]:
        server = BrokerServer(Broker(), rig.peer)
        await server.listen(rig.host)
        told = (Told(), Told())
        running = []
        for number, each in enumerate(told):
            config = MqttConfig(rig.host, server.port, "car-V1")
            port = PahoPort(config, each, rig.car, Random(f"program {number}"))
            running.append(asyncio.ensure_future(port.run()))
        await asyncio.sleep(HOUR_S)
        early = sum(each.count("connected") for each in told)
        await asyncio.sleep(HOUR_S)
        late = sum(each.count("connected") for each in told) - early
        assert all(
            event[1] == "Session taken over: another client has connected with our identifier"
            for each in told
            for event in each.events
            if event[0] == "disconnected"
        )
        for task in running:
            task.cancel()
        await asyncio.wait(running)
        server.close()
        return early, late

    early, late = rig.run(story())
    assert HOUR_S / 120 <= late <= HOUR_S / 60
    assert early <= late + 20


@pytest.mark.parametrize("seed", range(5))
def test_they_come_to_rest_too_where_the_broker_does_not_say_that_a_session_was_taken_over(seed: int) -> None:
    """One program may hold the session then, for as long as the other waits: two take-overs a wait."""
    rig = VirtualRig()

    async def story() -> list[int]:
        broker = ScriptedBroker(rig.peer, rig.host)  # each new connection ends the one before, with FIN
        await broker.listen()
        running = []
        for number in range(2):
            config = MqttConfig(rig.host, broker.port, "car-V1", keepalive_s=0)
            port = PahoPort(config, Told(), rig.car, Random(f"{seed} {number}"))
            running.append(asyncio.ensure_future(port.run()))
        counts: list[int] = []
        for _ in range(4):
            await asyncio.sleep(HOUR_S)
            counts.append(broker.accepted - sum(counts))
        for task in running:
            task.cancel()
        await asyncio.wait(running)
        broker.stop()
        return counts

    counts = rig.run(story())
    assert max(counts[1:]) <= 2 * HOUR_S / 60 + 2


def test_the_radios_return_makes_the_next_wait_the_shortest_one() -> None:
    rig = VirtualRig()

    async def story() -> None:
        it = Attempts(rig, "close")
        serving = asyncio.ensure_future(it.serve())
        await it.begin()
        await asyncio.sleep(HOUR_S)
        it.port.reset_back_off()
        back_s = rig.loop.time()
        await asyncio.sleep(60)
        at_s = [each for each in it.at_s if each >= back_s]
        assert at_s[0] == pytest.approx(back_s + CONNECTING_S, abs=1e-6)
        assert len(at_s) > 5
        growing([late - early for early, late in pairwise(at_s)], WAY_S + CONNECTING_S)
        serving.cancel()
        await it.end()

    rig.run(story())


def test_after_an_outage_an_ordinary_session_is_back_within_a_second_of_trying() -> None:
    """The third outage as the first one: none of them is a reason to wait longer."""
    rig = VirtualRig()

    async def story() -> None:
        it = Story(rig, back_off_min_s=1.0)
        await it.connect()
        for number in range(2, 6):
            await asyncio.sleep(STABLE_S)
            it.broker.reset()
            lost_s = rig.loop.time()
            await it.told.until("connected", number)
            assert rig.loop.time() - lost_s <= 1.0 + 5 * WAY_S + 0.001
        await it.end()

    rig.run(story())


@pytest.fixture(params=[VirtualRig, RealRig], ids=["virtual", "sockets"])
def rig(request: pytest.FixtureRequest) -> Rig:
    """Each world in turn."""
    made: Rig = request.param()
    return made


def test_waits_grow_on_every_network(rig: Rig) -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        it = Story(rig, back_off_min_s=0.02, subscriptions=())
        it.broker.connack = b"\x20\x03\x00\x89\x00"
        await it.begin()
        at_s = []
        for _ in range(6):
            await it.broker.packet(wire.CONNECT)
            at_s.append(loop.time())
        waited_s = at_s[-1] - at_s[0]
        assert waited_s >= (0.02 + 0.04 + 0.08 + 0.16 + 0.32) / 2
        assert it.told.failures == [("Server busy", True)]
        await it.end()

    rig.run(story())


@given(waits=st.integers(0, 12), lasted_s=st.floats(0, 200))
def test_what_counts_is_that_a_session_outlived_the_wait_to_come_or_ten_seconds(
    waits: int, lasted_s: float
) -> None:
    back_off = BackOff(1.0, 120.0, Random(1))
    for _ in range(waits):
        back_off.next_s()
    ceiling_s = min(120.0, 2.0**waits)
    back_off.session_lasted(lasted_s)
    expected_s = 1.0 if lasted_s >= min(ceiling_s, 10.0) else ceiling_s
    assert expected_s / 2 <= back_off.next_s() <= expected_s
