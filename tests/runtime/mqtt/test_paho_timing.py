"""When the port on paho does what, to the millisecond, in virtual time; and what it needs of paho."""

import asyncio
import inspect
from random import Random

import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.exception import MalformedPacket

from contracts.link import LinkConditions
from runtime.mqtt.back_off import STABLE_S, BackOff
from runtime.mqtt.paho_client import HandDrivenClient, transport_time
from runtime.mqtt.port import OutgoingMessage
from runtime.mqtt.publish_properties import pack_properties, unpack_properties
from runtime.virtual_loop import VirtualLoop
from telematics.link.model import BottleneckLink
from tests.runtime.mqtt import scripted_broker as wire
from tests.runtime.mqtt.port_rigs import VirtualRig
from tests.runtime.mqtt.port_story import PLAIN, Story

KEEPALIVE_S = 30
LIGHT = LinkConditions(delay_up_ms=100, delay_down_ms=100)
DARK = LinkConditions(up=False, delay_up_ms=100, delay_down_ms=100)
WAY_S = 0.1


def test_a_silent_road_is_noticed_one_keep_alive_after_the_ping() -> None:
    rig = VirtualRig()

    async def story() -> None:
        it = Story(rig, keepalive_s=KEEPALIVE_S)
        await it.connect()
        up_s = rig.loop.time()
        await it.broker.packet(wire.PINGREQ)
        # paho counts from its own last byte out, the CONNECT, one round trip before the CONNACK.
        assert rig.loop.time() - up_s == pytest.approx(KEEPALIVE_S - WAY_S, abs=0.002)
        event = await it.told.until("disconnected")
        assert rig.loop.time() - up_s == pytest.approx(2 * KEEPALIVE_S - 2 * WAY_S, abs=0.003)
        assert event == ("disconnected", "Keep alive timeout")
        await it.end()

    rig.run(story())


def test_a_broker_that_never_answers_connect_is_given_up_after_the_connect_timeout() -> None:
    rig = VirtualRig()

    async def story() -> None:
        it = Story(rig, keepalive_s=KEEPALIVE_S)
        it.broker.connack = b""
        await it.begin()
        await it.broker.packet(wire.CONNECT)
        begun_s = rig.loop.time()
        await it.broker.packet(wire.CONNECT)
        # Five seconds for the answer, then the first back-off, up to a second by chance.
        assert 5.0 <= rig.loop.time() - begun_s <= 6.5
        assert it.told.events == []
        await it.end()

    rig.run(story())


def test_pings_keep_an_idle_session_up_for_a_day_without_a_poll_in_between() -> None:
    rig = VirtualRig()

    async def story() -> None:
        it = Story(rig, keepalive_s=KEEPALIVE_S)
        await it.connect()
        steps = rig.loop.steps
        pings = 0
        while rig.loop.time() < 24 * 3600:
            await it.broker.packet(wire.PINGREQ)
            it.broker.send(b"\xd0\x00")
            pings += 1
        assert pings == pytest.approx(24 * 3600 / KEEPALIVE_S, abs=2)
        assert (rig.loop.steps - steps) / pings < 20
        assert it.told.count("disconnected") == 0
        await it.end()

    rig.run(story())


def test_attempts_without_a_road_back_off_and_a_session_that_was_up_resets_them() -> None:
    rig = VirtualRig()

    async def story() -> None:
        it = Story(rig, back_off_min_s=1.0)
        await it.connect()
        port = it.broker.port
        it.broker.stop()
        await it.told.until("disconnected")
        await asyncio.sleep(3600)
        await it.broker.listen(port)
        await it.told.until("connected", 2)
        # After an hour the ceiling is 120 s; a session that stands brings it back to 1 s.
        await asyncio.sleep(STABLE_S)
        it.broker.close()
        lost_s = rig.loop.time()
        await it.told.until("connected", 3)
        assert rig.loop.time() - lost_s < 1 + 5 * WAY_S
        await it.end()

    rig.run(story())


@pytest.mark.parametrize("dark_s", [1.5, 4.0, 30.0, 3600.0])
def test_the_radios_return_brings_the_session_back_within_two_round_trips(dark_s: float) -> None:
    rig = VirtualRig()
    link = BottleneckLink(None, LIGHT)
    rig.car = rig.world.host("car-on-link", link=link)

    async def story() -> None:
        driver = rig.world.driver(link)
        driver.set_conditions(DARK)
        it = Story(rig, back_off_min_s=1.0)
        await it.begin()
        await asyncio.sleep(dark_s)
        assert it.told.events == []
        driver.set_conditions(LIGHT)
        it.port.reset_back_off()
        it.port.reset_back_off()
        back_s = rig.loop.time()
        await it.told.until("connected")
        assert rig.loop.time() - back_s == pytest.approx(4 * WAY_S, abs=1e-6)
        await asyncio.sleep(1)
        assert it.told.count("connected") == it.broker.accepted == 1
        await it.end()

    rig.run(story())


def test_a_cancellation_is_not_swallowed_when_the_radio_returns_at_the_same_instant() -> None:
    rig = VirtualRig()

    async def story() -> None:
        it = Story(rig)
        await it.begin()
        await asyncio.sleep(WAY_S)
        it.port.reset_back_off()
        it.running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await it.running
        await it.end()

    rig.run(story())


@given(seed=st.integers(), attempts=st.integers(1, 12))
def test_back_off_draws_below_a_ceiling_that_doubles_from_1_s_to_120_s(seed: int, attempts: int) -> None:
    back_off = BackOff(1.0, 120.0, Random(seed))
    for attempt in range(attempts):
        assert min(120, 2**attempt) / 2 <= back_off.next_s() <= min(120, 2**attempt)
    back_off.reset()
    assert 0.5 <= back_off.next_s() <= 1


def test_back_off_is_spread_over_the_upper_half_of_its_range_and_repeats_for_a_seed() -> None:
    first, second = (BackOff(64.0, 64.0, Random("car-1")) for _ in range(2))
    waits = [first.next_s() for _ in range(400)]
    assert waits == [second.next_s() for _ in range(400)]
    assert 32 <= min(waits) < 33
    assert 63 < max(waits) <= 64


def test_a_back_off_without_a_range_is_refused() -> None:
    with pytest.raises(ValueError, match="0 < min <= max"):
        BackOff(2.0, 1.0, Random(1))


def test_paho_reads_the_clock_of_the_loop_that_runs() -> None:
    loop = VirtualLoop(start_ns=5_000_000_000)

    async def read() -> float:
        return paho.time_func()

    assert paho.time_func is transport_time
    assert loop.run_until_complete(read()) == 5.0
    loop.close()
    assert asyncio.run(read()) > 5.0


def test_an_abandoned_client_leaves_its_stream_open() -> None:
    rig = VirtualRig()

    async def story() -> None:
        it = Story(rig)
        await it.connect()
        client = it.port._client
        client.__del__()
        assert client.keepalive_due_s() is not None
        await it.end()

    rig.run(story())


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("_create_socket", ["self"]),
        ("_call_socket_open", ["self", "sock"]),
        ("_call_socket_close", ["self", "sock"]),
        ("_call_socket_register_write", ["self"]),
        ("_call_socket_unregister_write", ["self", "sock"]),
        ("_handle_connack", ["self"]),
        ("_sock_close", ["self"]),
        ("_loop_rc_handle", ["self", "rc"]),
        ("_packet_queue", ["self", "command", "packet", "mid", "qos", "info"]),
        ("_do_on_disconnect", ["self", "packet_from_broker", "v1_rc", "reason", "properties"]),
        ("_easy_log", ["self", "level", "fmt", "args"]),
    ],
)
def test_paho_still_has_the_seams_that_the_client_uses(name: str, parameters: list[str]) -> None:
    assert list(inspect.signature(getattr(paho.Client, name)).parameters) == parameters
    assert list(inspect.signature(getattr(HandDrivenClient, name)).parameters) == parameters


TEXT = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=60)


@given(
    key=TEXT,
    traceparent=TEXT,
    expiry_s=st.none() | st.integers(0, 2**32 - 1),
    response_topic=TEXT,
    correlation_data=st.binary(max_size=200),
    rest=st.binary(max_size=8),
)
def test_a_header_comes_back_as_it_was_packed(
    key: str,
    traceparent: str,
    expiry_s: int | None,
    response_topic: str,
    correlation_data: bytes,
    rest: bytes,
) -> None:
    header = (key, traceparent, expiry_s, response_topic, correlation_data)
    packed = pack_properties(OutgoingMessage("t", b"", *header))
    properties, end = unpack_properties(b"??" + packed + rest, 2)
    assert properties == header
    assert end == 2 + len(packed)


@given(st.binary(max_size=40))
def test_any_bytes_are_a_header_or_malformed(data: bytes) -> None:
    try:
        _, end = unpack_properties(data, 0)
    except MalformedPacket:
        return
    assert 0 < end <= len(data)


def test_a_header_field_above_65535_bytes_is_refused() -> None:
    long = "x" * 65536
    for message in (
        PLAIN._replace(key=long),
        PLAIN._replace(traceparent=long),
        PLAIN._replace(response_topic=long),
        PLAIN._replace(correlation_data=bytes(65536)),
    ):
        with pytest.raises(ValueError, match="at most 65535"):
            pack_properties(message)


def test_when_the_radio_is_back_an_unanswered_connect_is_dropped_for_a_new_one() -> None:
    rig = VirtualRig()

    async def story() -> None:
        it = Story(rig, keepalive_s=KEEPALIVE_S)
        it.broker.connack = b""
        await it.begin()
        await it.broker.packet(wire.CONNECT)
        begun_s = rig.loop.time()
        it.port.reset_back_off()
        await it.broker.packet(wire.CONNECT)
        assert rig.loop.time() - begun_s < 1.0
        await it.end()

    rig.run(story())
