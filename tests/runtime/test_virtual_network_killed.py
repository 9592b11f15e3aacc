"""What is left of a killed program's connections, and what the other side learns of it."""

import asyncio

import pytest

from runtime.ports import Stream
from runtime.virtual_connection import next_attempt_ns
from runtime.virtual_loop import NS_PER_S
from runtime.virtual_network import VirtualHost
from runtime.virtual_stream import VirtualStream
from tests.runtime.constant_link import ConstantLink
from tests.runtime.test_network import readable, receive
from tests.runtime.virtual_bench import PORT, Bench, play


async def serve(bench: Bench, host: VirtualHost, held: list[VirtualStream]) -> None:
    """A program: listens, holds what it accepts, and reads nothing."""

    def accept(stream: Stream) -> None:
        assert isinstance(stream, VirtualStream)
        held.append(stream)
        bench.accept(stream)

    await host.listen("", PORT, accept)
    await asyncio.Event().wait()


def test_the_sockets_of_a_killed_program_are_closed_by_its_kernel() -> None:
    async def story() -> None:
        bench = Bench(delay_ms=10.0)
        bench.loop.spawn("backend#1", serve(bench, bench.backend, []))
        await asyncio.sleep(0)
        quiet = await bench.car.connect("backend", PORT, timeout_s=5.0)
        unread = await bench.car.connect("backend", PORT, timeout_s=5.0)
        unread.send(b"nobody reads this")
        await asyncio.sleep(1.0)
        bench.kill("backend#1")
        assert await receive(quiet, 1) == b""
        await readable(unread)
        with pytest.raises(ConnectionResetError):
            unread.recv(1)
        with pytest.raises(ConnectionRefusedError):
            await bench.car.connect("backend", PORT, timeout_s=5.0)
        bench.loop.spawn("backend#2", serve(bench, bench.backend, []))
        await asyncio.sleep(0)
        await bench.car.connect("backend", PORT, timeout_s=5.0)

    play(story)


def test_what_a_killed_program_had_sent_still_arrives() -> None:
    async def story() -> None:
        bench = Bench(ConstantLink())
        await bench.listen()

        async def program() -> None:
            stream = await bench.car.connect("backend", PORT, timeout_s=5.0)
            stream.send(b"last words")
            await asyncio.Event().wait()

        bench.loop.spawn("car#1", program())
        await asyncio.sleep(0.021)
        bench.kill("car#1")
        accepted = await bench.accepted.get()
        assert await receive(accepted, 100) == b"last words"

    play(story)


def test_a_program_killed_while_it_connects_leaves_nothing_behind() -> None:
    async def story() -> None:
        bench = Bench(delay_ms=10.0)
        await bench.listen()
        connect = bench.car.connect("backend", PORT, timeout_s=5.0)
        bench.loop.spawn("car#1", connect)
        await asyncio.sleep(0.015)
        bench.kill("car#1")
        await asyncio.sleep(10.0)
        assert bench.accepted.empty()

    play(story)


def test_after_a_power_cut_nobody_answers() -> None:
    async def story() -> None:
        bench = Bench(delay_ms=10.0)
        bench.loop.spawn("backend#1", serve(bench, bench.backend, []))
        await asyncio.sleep(0)
        opened = await bench.car.connect("backend", PORT, timeout_s=5.0)
        await asyncio.sleep(1.0)
        bench.kill("backend#1", power_cut=True)
        opened.send(b"hello?")
        await asyncio.sleep(3600.0)
        with pytest.raises(BlockingIOError):
            opened.recv(1)
        with pytest.raises(TimeoutError):
            await bench.car.connect("backend", PORT, timeout_s=5.0)
        opened.close()

    play(story)


def test_a_host_that_is_back_answers_old_connections_with_a_reset() -> None:
    async def story() -> None:
        bench = Bench(delay_ms=10.0)
        bench.loop.spawn("backend#1", serve(bench, bench.backend, []))
        await asyncio.sleep(0)
        opened = await bench.car.connect("backend", PORT, timeout_s=5.0)
        await asyncio.sleep(1.0)
        bench.kill("backend#1", power_cut=True)
        await asyncio.sleep(60.0)
        bench.loop.spawn("backend#2", serve(bench, bench.backend, []))
        await asyncio.sleep(1.0)
        with pytest.raises(BlockingIOError):
            opened.recv(1)  # nothing was sent, so nobody knows
        opened.send(b"hello?")
        sent_ms = bench.now_ms
        await readable(opened)
        with pytest.raises(ConnectionResetError):
            opened.recv(1)
        assert bench.now_ms == sent_ms + 20.0

    play(story)


def test_what_was_sent_into_the_silence_is_sent_again_and_reset() -> None:
    async def story() -> None:
        bench = Bench(delay_ms=10.0)
        bench.loop.spawn("backend#1", serve(bench, bench.backend, []))
        await asyncio.sleep(0)
        opened = await bench.car.connect("backend", PORT, timeout_s=5.0)
        await asyncio.sleep(1.0)
        bench.kill("backend#1", power_cut=True)
        opened.send(b"hello?")
        sent_ms = bench.now_ms
        await asyncio.sleep(10.0)
        bench.loop.spawn("backend#2", serve(bench, bench.backend, []))
        await readable(opened)
        assert bench.now_ms == sent_ms + 15_000.0 + 20.0
        with pytest.raises(ConnectionResetError):
            opened.recv(1)

    play(story)


@pytest.mark.parametrize(
    ("now_s", "next_s"), [(0, 0), (1, 1), (1.5, 3), (3.1, 7), (32, 63), (64, 123), (124, 183)]
)
def test_retransmission_doubles_up_to_a_minute(now_s: float, next_s: float) -> None:
    assert next_attempt_ns(0, round(now_s * NS_PER_S)) == next_s * NS_PER_S
