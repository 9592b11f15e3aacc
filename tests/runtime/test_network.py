"""The Network port: one suite for sockets in memory and sockets of the kernel."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Protocol

import pytest

from contracts.link import LinkModel
from runtime.ports import Listener, Network, Stream
from runtime.real_network import RealNetwork
from runtime.virtual_loop import VirtualLoop
from runtime.virtual_network import VirtualNetwork
from tests.runtime.constant_link import ConstantLink

NEVER_S = 30.0


class HalfCloseable(Stream, Protocol):
    def shutdown(self, how: int, /) -> None: ...


class Rig(NamedTuple):
    """One implementation of the port: how to run on it and what the two ends see of it."""

    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None
    make: Callable[[], tuple[Network, Network, str]]

    def run(self, story: Callable[[Network, Network, str], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            car, backend, host = self.make()
            async with asyncio.timeout(NEVER_S):
                await story(car, backend, host)

        with asyncio.Runner(loop_factory=self.loop_factory) as runner:
            runner.run(main())


def real() -> tuple[Network, Network, str]:
    return RealNetwork(), RealNetwork(), "127.0.0.1"


def virtual(link: LinkModel | None = None) -> tuple[Network, Network, str]:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    network = VirtualNetwork(loop)
    return network.host("car", link=link, delay_ms=20.0), network.host("backend"), "backend"


RIGS = {
    "real": Rig(None, real),
    "wire": Rig(VirtualLoop, virtual),
    "link": Rig(VirtualLoop, lambda: virtual(ConstantLink())),
    "merging link": Rig(VirtualLoop, lambda: virtual(ConstantLink(merge=True))),
    "narrow link": Rig(VirtualLoop, lambda: virtual(ConstantLink(room=1000))),
}


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest) -> Rig:
    return RIGS[request.param]


def settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def readable(stream: Stream) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(stream, settle, ready)
    try:
        await ready
    finally:
        loop.remove_reader(stream)


async def writable(stream: Stream) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_writer(stream, settle, ready)
    try:
        await ready
    finally:
        loop.remove_writer(stream)


async def receive(stream: Stream, n: int) -> bytes:
    """Exactly `n` bytes, or fewer at the end of the stream."""
    data = b""
    while len(data) < n:
        try:
            more = stream.recv(n - len(data))
        except BlockingIOError:
            await readable(stream)
        else:
            if not more:
                break
            data += more
    return data


async def send_all(stream: Stream, data: bytes) -> None:
    while data:
        try:
            data = data[stream.send(data) :]
        except BlockingIOError:
            await writable(stream)


@asynccontextmanager
async def connected(car: Network, backend: Network, host: str) -> AsyncIterator[tuple[Stream, Stream]]:
    """Both ends of a new connection."""
    arrived: asyncio.Future[Stream] = asyncio.get_running_loop().create_future()
    listener = await backend.listen(host, 0, arrived.set_result)
    opened = await car.connect(host, listener.port, timeout_s=5.0)
    accepted = await arrived
    listener.close()
    try:
        yield opened, accepted
    finally:
        opened.close()
        accepted.close()


async def round_trip(car: Network, backend: Network, host: str) -> None:
    """By now the answer to everything that was sent before has come back."""
    async with connected(car, backend, host):
        pass


async def fill(stream: Stream) -> bytes:
    """Send until the stream takes no more; what it took."""
    block = bytes(range(256)) * 256
    sent = bytearray()
    while len(sent) < 64 * 1024 * 1024:
        try:
            sent += block[: stream.send(block)]
        except BlockingIOError:
            return bytes(sent)
        await asyncio.sleep(0)
    raise AssertionError("nothing ever pushes this sender back")


def test_bytes_go_both_ways_in_order(rig: Rig) -> None:
    async def story(car: Network, backend: Network, host: str) -> None:
        async with connected(car, backend, host) as (opened, accepted):
            await send_all(opened, b"one ")
            await send_all(opened, b"two")
            assert await receive(accepted, 7) == b"one two"
            await send_all(accepted, b"three")
            assert await receive(opened, 5) == b"three"

    rig.run(story)


def test_bytes_that_follow_the_handshake_at_once_arrive(rig: Rig) -> None:
    async def story(car: Network, backend: Network, host: str) -> None:
        arrivals: asyncio.Queue[Stream] = asyncio.Queue()
        listener = await backend.listen(host, 0, arrivals.put_nowait)
        opened = await car.connect(host, listener.port, timeout_s=5.0)
        opened.send(b"at once")
        opened.close()
        accepted = await arrivals.get()
        assert await receive(accepted, 100) == b"at once"
        accepted.close()
        listener.close()

    rig.run(story)


def test_nothing_to_read_is_a_blocking_io_error(rig: Rig) -> None:
    async def story(car: Network, backend: Network, host: str) -> None:
        async with connected(car, backend, host) as (opened, accepted):
            with pytest.raises(BlockingIOError):
                opened.recv(1)
            with pytest.raises(BlockingIOError):
                accepted.recv(1)

    rig.run(story)


def test_refused_when_nobody_listens(rig: Rig) -> None:
    async def story(car: Network, backend: Network, host: str) -> None:
        listener = await backend.listen(host, 0, lambda stream: None)
        listener.close()
        with pytest.raises(ConnectionRefusedError):
            await car.connect(host, listener.port, timeout_s=5.0)

    rig.run(story)


def test_a_port_that_is_taken_cannot_be_listened_on(rig: Rig) -> None:
    async def story(car: Network, backend: Network, host: str) -> None:
        listener = await backend.listen(host, 0, lambda stream: None)
        with pytest.raises(OSError, match=r"ddress already in use|taken"):
            await backend.listen(host, listener.port, lambda stream: None)
        listener.close()
        again = await backend.listen(host, listener.port, lambda stream: None)
        assert again.port == listener.port
        again.close()

    rig.run(story)


def test_a_listener_that_is_closed_leaves_connections_alone(rig: Rig) -> None:
    async def story(car: Network, backend: Network, host: str) -> None:
        async with connected(car, backend, host) as (opened, accepted):  # its listener is closed by now
            await send_all(opened, b"still here")
            assert await receive(accepted, 10) == b"still here"

    rig.run(story)


def test_the_end_of_the_stream_comes_after_all_bytes(rig: Rig) -> None:
    async def story(car: Network, backend: Network, host: str) -> None:
        async with connected(car, backend, host) as (opened, accepted):
            await send_all(opened, b"x" * 5000)
            opened.close()
            assert opened.fileno() == -1
            assert await receive(accepted, 6000) == b"x" * 5000
            assert accepted.recv(1) == b""

    rig.run(story)


def test_half_closed_streams_still_receive(rig: Rig) -> None:
    async def story(car: Network, backend: Network, host: str) -> None:
        async with connected(car, backend, host) as (opened, accepted):
            await send_all(opened, b"request")
            half: HalfCloseable = opened  # type: ignore[assignment]  # more than the port asks for
            half.shutdown(socket.SHUT_WR)
            assert await receive(accepted, 100) == b"request"
            await send_all(accepted, b"answer")
            accepted.close()
            assert await receive(opened, 100) == b"answer"
            with pytest.raises(BrokenPipeError):
                opened.send(b"more")

    rig.run(story)


def test_reset_is_an_error_at_the_peer(rig: Rig) -> None:
    async def story(car: Network, backend: Network, host: str) -> None:
        async with connected(car, backend, host) as (opened, accepted):
            car.reset(opened)
            assert opened.fileno() == -1
            await readable(accepted)
            with pytest.raises(ConnectionResetError):
                accepted.recv(1)
            assert accepted.recv(1) == b""
            with pytest.raises(BrokenPipeError):
                accepted.send(b"x")

    rig.run(story)


def test_after_a_reset_send_fails_first_with_the_reset(rig: Rig) -> None:
    async def story(car: Network, backend: Network, host: str) -> None:
        async with connected(car, backend, host) as (opened, accepted):
            car.reset(opened)
            await readable(accepted)
            with pytest.raises(ConnectionResetError):
                accepted.send(b"x")
            with pytest.raises(BrokenPipeError):
                accepted.send(b"x")

    rig.run(story)


def test_what_had_arrived_before_a_reset_can_still_be_read(rig: Rig) -> None:
    async def story(car: Network, backend: Network, host: str) -> None:
        async with connected(car, backend, host) as (opened, accepted):
            await send_all(opened, b"last words")
            await readable(accepted)
            car.reset(opened)
            await writable(accepted)
            assert await receive(accepted, 10) == b"last words"
            await readable(accepted)
            with pytest.raises(ConnectionResetError):
                accepted.recv(1)

    rig.run(story)


def test_closing_with_unread_bytes_is_a_reset(rig: Rig) -> None:
    async def story(car: Network, backend: Network, host: str) -> None:
        async with connected(car, backend, host) as (opened, accepted):
            await send_all(opened, b"never read")
            await readable(accepted)
            accepted.close()
            await readable(opened)
            with pytest.raises(ConnectionResetError):
                opened.recv(1)

    rig.run(story)


def test_writing_to_a_closed_peer_breaks_the_pipe(rig: Rig) -> None:
    async def story(car: Network, backend: Network, host: str) -> None:
        async with connected(car, backend, host) as (opened, accepted):
            accepted.close()
            assert await receive(opened, 1) == b""
            opened.send(b"into the void")
            await round_trip(car, backend, host)
            with pytest.raises(BrokenPipeError):
                opened.send(b"x")

    rig.run(story)


def test_a_slow_reader_pushes_the_sender_back_and_nothing_is_lost(rig: Rig) -> None:
    async def story(car: Network, backend: Network, host: str) -> None:
        async with connected(car, backend, host) as (opened, accepted):
            sent = await fill(opened)
            room = asyncio.ensure_future(writable(opened))
            got = await receive(accepted, len(sent))
            assert got == sent
            await room
            assert opened.send(b"x") == 1

    rig.run(story)


def test_writer_callbacks_come_while_there_is_room(rig: Rig) -> None:
    async def story(car: Network, backend: Network, host: str) -> None:
        async with connected(car, backend, host) as (opened, accepted):
            await writable(opened)
            await writable(accepted)

    rig.run(story)


def test_a_closed_stream_is_a_bad_descriptor(rig: Rig) -> None:
    async def story(car: Network, backend: Network, host: str) -> None:
        async with connected(car, backend, host) as (opened, _):
            opened.close()
            opened.close()
            with pytest.raises(OSError, match=r"closed|Bad file descriptor"):
                opened.send(b"x")
            with pytest.raises(OSError, match=r"closed|Bad file descriptor"):
                opened.recv(1)

    rig.run(story)


def test_every_connection_is_accepted_once(rig: Rig) -> None:
    async def story(car: Network, backend: Network, host: str) -> None:
        arrivals: asyncio.Queue[Stream] = asyncio.Queue()
        listener: Listener = await backend.listen(host, 0, arrivals.put_nowait)
        opened = [await car.connect(host, listener.port, timeout_s=5.0) for _ in range(5)]
        for number, stream in enumerate(opened):
            await send_all(stream, b"%d" % number)
        accepted = [await arrivals.get() for _ in opened]
        assert sorted([await receive(stream, 1) for stream in accepted]) == [b"0", b"1", b"2", b"3", b"4"]
        for stream in (*opened, *accepted):
            stream.close()
        listener.close()

    rig.run(story)


def test_a_real_listener_that_never_answers_is_a_timeout() -> None:
    async def story() -> None:
        # A full backlog drops SYNs: the two fillers take what `listen(0)` leaves.
        full = socket.create_server(("127.0.0.1", 0), backlog=0)
        network = RealNetwork()
        port: int = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        with pytest.raises(TimeoutError):
            await network.connect("127.0.0.1", port, timeout_s=0.2)
        for stream in (*fillers, full):
            stream.close()

    asyncio.run(story())


def test_real_streams_send_without_delay() -> None:
    async def story(car: Network, backend: Network, host: str) -> None:
        async with connected(car, backend, host) as streams:
            for stream in streams:
                assert isinstance(stream, socket.socket)
                assert stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                assert not stream.getblocking()

    RIGS["real"].run(story)


def test_an_address_without_a_way_is_a_connection_error() -> None:
    async def story() -> None:
        with pytest.raises(ConnectionError, match=r"no way to 255\.255\.255\.255:1"):
            await RealNetwork().connect("255.255.255.255", 1, timeout_s=5.0)

    asyncio.run(story())
