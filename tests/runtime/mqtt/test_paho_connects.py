"""Connects that fail: refused, unanswered, nameless, reset; each ends in a session when the road is there."""

import asyncio
import socket
from random import Random

import pytest

from contracts.link import LinkConditions
from runtime.mqtt.paho_port import PahoPort
from runtime.mqtt.port import MqttConfig
from runtime.ports import Listener, Stream
from runtime.real_network import RealNetwork
from telematics.link.model import BottleneckLink
from tests.runtime.mqtt import scripted_broker as wire
from tests.runtime.mqtt.port_rigs import RealRig, Rig, VirtualRig
from tests.runtime.mqtt.port_story import Story, Told

WAY_S = 0.1
LIGHT = LinkConditions(delay_up_ms=100, delay_down_ms=100)
DARK = LinkConditions(up=False, delay_up_ms=100, delay_down_ms=100)


@pytest.fixture(params=[VirtualRig, RealRig], ids=["virtual", "sockets"])
def rig(request: pytest.FixtureRequest) -> Rig:
    """Each world in turn."""
    made: Rig = request.param()
    return made


def test_where_nobody_listens_the_port_tries_until_somebody_does(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.broker.listen()
        port = it.broker.port
        it.broker.stop()
        await it.begin(port)
        assert await it.told.until_failed() == (f"No connection: nobody listens on {rig.host}:{port}", False)
        await it.broker.listen(port)
        await it.told.until("connected")
        assert len(it.told.failures) == 1
        await it.end()

    rig.run(story())


def test_a_broker_that_comes_back_after_an_hour_is_found_within_the_longest_wait() -> None:
    rig = VirtualRig()

    async def story() -> None:
        it = Story(rig, back_off_min_s=1.0)
        await it.broker.listen()
        port = it.broker.port
        it.broker.stop()
        await it.begin(port)
        await asyncio.sleep(3600)
        await it.broker.listen(port)
        back_s = rig.loop.time()
        await it.told.until("connected")
        assert rig.loop.time() - back_s <= 120 + 4 * WAY_S + 0.001
        await it.end()

    rig.run(story())


def test_a_syn_lost_in_the_dark_ends_after_the_connect_timeout_in_a_growing_back_off() -> None:
    rig = VirtualRig()
    link = BottleneckLink(None, DARK)
    rig.car = rig.world.host("car-on-link", link=link)

    async def story() -> None:
        it = Story(rig, back_off_min_s=1.0, connect_timeout_s=5.0)
        begun_s = rig.loop.time()
        await it.begin()
        told = f"No connection: no answer from {rig.host}:{it.broker.port}"
        assert await it.told.until_failed() == (told, False)
        assert rig.loop.time() - begun_s == pytest.approx(5.0, abs=1e-6)
        await asyncio.sleep(600)
        assert len(it.told.failures) == 1
        rig.world.driver(link).set_conditions(LIGHT)
        light_s = rig.loop.time()
        await it.told.until("connected")
        # At worst the longest wait has just begun, or an attempt whose SYN comes again after 1, 3 s.
        assert rig.loop.time() - light_s <= 120 + 4 * WAY_S + 0.001
        await it.end()

    rig.run(story())


def test_a_full_backlog_that_answers_no_syn_is_waited_for_on_sockets() -> None:
    rig = RealRig()

    async def story() -> None:
        loop = asyncio.get_running_loop()
        full = socket.create_server((rig.host, 0), backlog=0)
        full.setblocking(False)
        number: int = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex((rig.host, number))
        told = Told()
        config = MqttConfig(rig.host, number, "car-V1", connect_timeout_s=0.2, back_off_min_s=0.01)
        port = PahoPort(config, told, rig.car, Random(1))
        running = asyncio.ensure_future(port.run())
        assert await told.until_failed() == (f"No connection: no answer from {rig.host}:{number}", False)
        accepted: list[socket.socket] = []

        async def serve(stream: socket.socket) -> None:
            if await loop.sock_recv(stream, 1000):
                await loop.sock_sendall(stream, wire.CONNACK)

        serving: list[asyncio.Future[None]] = []

        def accept() -> None:
            stream, _ = full.accept()
            stream.setblocking(False)
            accepted.append(stream)
            serving.append(asyncio.ensure_future(serve(stream)))

        for filler in fillers:
            filler.close()
        loop.add_reader(full, accept)
        await told.until("connected")
        port.stop()
        await running
        loop.remove_reader(full)
        for each in serving:
            each.cancel()
        for stream in (full, *accepted):
            stream.close()

    rig.run(story())


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("no-such-host.invalid", "no way to no-such-host.invalid:1883: "),
        (f"{'x' * 64}.example", "that is no host name"),
        ("a..b", "that is no host name"),
    ],
)
def test_a_name_that_cannot_be_resolved_is_told_and_tried_again(host: str, why: str) -> None:
    """RFC 6761, 6.4: names under .invalid never exist."""

    async def story() -> None:
        attempts = 0

        class Counting(RealNetwork):
            async def connect(self, host: str, port: int, *, timeout_s: float) -> socket.socket:
                nonlocal attempts
                attempts += 1
                if attempts == 4:
                    tried.set()
                return await super().connect(host, port, timeout_s=timeout_s)

        tried = asyncio.Event()
        told = Told()
        port = PahoPort(MqttConfig(host, 1883, "car-V1", back_off_min_s=0.01), told, Counting(), Random(1))
        running = asyncio.ensure_future(port.run())
        await tried.wait()
        [(reason, refused)] = told.failures
        assert reason.startswith("No connection: ")
        assert why in reason
        assert not refused
        port.stop()
        await running

    RealRig().run(story())


def test_a_name_that_gets_an_address_later_leads_to_a_session() -> None:
    rig = RealRig()

    async def story() -> None:
        class Naming(RealNetwork):
            known = False

            async def connect(self, host: str, port: int, *, timeout_s: float) -> socket.socket:
                name = rig.host if self.known else host
                return await super().connect(name, port, timeout_s=timeout_s)

        network = Naming()
        broker = wire.ScriptedBroker(rig.peer, rig.host)
        await broker.listen()
        told = Told()
        config = MqttConfig("broker.invalid", broker.port, "car-V1", back_off_min_s=0.01)
        port = PahoPort(config, told, network, Random(1))
        running = asyncio.ensure_future(port.run())
        await told.until_failed()
        network.known = True
        await told.until("connected")
        port.stop()
        await running
        broker.stop()

    rig.run(story())


def test_a_port_number_that_is_none_is_not_cut_down_to_another_one() -> None:
    async def story() -> None:
        with pytest.raises(ConnectionError, match=r"127\.0\.0\.1:70000: there is no such port"):
            await RealNetwork().connect("127.0.0.1", 70_000, timeout_s=5.0)

    asyncio.run(story())


def test_a_listener_that_vanishes_during_the_handshake_resets_it() -> None:
    """Closed between SYN-ACK and ACK: RST, before CONNECT has arrived."""
    rig = VirtualRig()

    async def story() -> None:
        it = Story(rig, back_off_min_s=1.0)
        begun_s = rig.loop.time()
        await it.begin()
        port = it.broker.port
        await asyncio.sleep(2.5 * WAY_S)
        it.broker.stop()
        assert await it.told.until_failed() == ("Connection reset", False)
        assert it.broker.accepted == 0
        assert rig.loop.time() - begun_s == pytest.approx(4 * WAY_S, abs=1e-6)
        await it.broker.listen(port)
        await it.told.until("connected")
        await it.end()

    rig.run(story())


def test_a_reset_before_connack_is_told_and_tried_again(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig)
        await it.broker.listen()
        port = it.broker.port
        it.broker.stop()

        def reset(stream: Stream) -> None:
            rig.peer.reset(stream)

        listener: Listener = await rig.peer.listen(rig.host, port, reset)
        await it.begin(port)
        reason, refused = await it.told.until_failed()
        # Met while connecting, reading or writing, as it happens.
        assert reason in (f"No connection: reset by {rig.host}:{port}", "Connection reset", "Connection lost")
        assert not refused
        listener.close()
        await it.broker.listen(port)
        await it.told.until("connected")
        assert it.told.count("disconnected") == 0
        await it.end()

    rig.run(story())


def test_a_server_that_accepts_and_says_nothing_is_given_up_and_told(rig: Rig) -> None:
    async def story() -> None:
        it = Story(rig, connect_timeout_s=0.5)
        it.broker.connack = b""
        await it.begin()
        assert await it.told.until_failed() == ("No answer to CONNECT within 0.5 s", False)
        it.broker.connack = wire.CONNACK
        await it.told.until("connected")
        await it.end()

    rig.run(story())
