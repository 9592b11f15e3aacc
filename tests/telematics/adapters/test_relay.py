"""Real connections over the modelled road: loopback sockets, the stock loop, links of a few milliseconds."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha256
from random import Random

import pytest

from contracts.link import LinkConditions
from runtime.link_driver import LinkDriver
from telematics.adapters.relay import Crossing, Relay, drive_link
from telematics.link.model import BottleneckLink

HOST = "127.0.0.1"
ROAD = LinkConditions(delay_up_ms=5, delay_down_ms=5)
NO_ROAD = LinkConditions(up=False)

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class WatchedRelay(Relay):
    """A relay that says when its last connection is over."""

    def __init__(self, driver: LinkDriver, upstream_host: str, upstream_port: int) -> None:
        super().__init__(driver, upstream_host, upstream_port)
        self.idle = asyncio.Event()

    def forget(self, crossing: Crossing) -> None:
        super().forget(crossing)
        if not self.connections:
            self.idle.set()


class Rig:
    """A service, the relay in front of it, and the link's driver."""

    def __init__(self, driver: LinkDriver, relay: WatchedRelay, stack: AsyncExitStack) -> None:
        self.driver = driver
        self.relay = relay
        self._stack = stack

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(HOST, self.relay.port)
        self._stack.callback(writer.close)
        return reader, writer


@asynccontextmanager
async def rig(handler: Handler, conditions: LinkConditions = ROAD) -> AsyncIterator[Rig]:
    handlers: list[asyncio.Task[None] | None] = []
    async with AsyncExitStack() as stack:

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            handlers.append(asyncio.current_task())
            try:
                await handler(reader, writer)
            except ConnectionError:
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(serve, HOST, 0)
        stack.callback(server.close)
        driver = drive_link(BottleneckLink(Random("relay"), conditions), asyncio.get_running_loop())
        stack.callback(driver.stop)
        relay = WatchedRelay(driver, HOST, server.sockets[0].getsockname()[1])
        await relay.listen(HOST, 0)
        stack.callback(relay.close)
        async with asyncio.timeout(10):
            yield Rig(driver, relay, stack)
        relay.close()
        await asyncio.gather(*(task for task in handlers if task is not None))


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_bytes_pass_untouched_both_ways() -> None:
    payload = Random("bytes").randbytes(300_000)
    async with rig(echo) as here:
        reader, writer = await here.connect()
        writer.write(payload)
        assert await reader.readexactly(len(payload)) == payload


async def test_a_connection_pays_a_round_trip_to_open_and_one_per_question() -> None:
    async with rig(echo, LinkConditions(delay_up_ms=10, delay_down_ms=10)) as here:
        began = now()
        reader, writer = await here.connect()
        writer.write(b"?")
        await reader.readexactly(1)
        opened = now()
        writer.write(b"?")
        await reader.readexactly(1)
        assert 0.040 <= opened - began < 0.2
        assert 0.020 <= now() - opened < 0.1


async def test_the_rate_is_shared_by_all_connections() -> None:
    async with rig(echo, LinkConditions(rate_up_bps=4_000_000)) as here:
        ends = [await here.connect() for _ in range(4)]
        began = now()
        for _, writer in ends:
            writer.write(bytes(25_000))
        for reader, _ in ends:
            await reader.readexactly(25_000)
        ideal_s = 100_000 * (1500 / 1448) * 8 / 4_000_000
        assert ideal_s <= now() - began < ideal_s * 1.5


async def test_a_connection_stalls_and_resumes_without_losing_a_byte() -> None:
    payload = Random("stall").randbytes(400_000)
    seen = sha256()
    count = 0
    halfway = asyncio.Event()
    whole = asyncio.Event()

    async def sink(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        while data := await reader.read(65536):
            seen.update(data)
            count += len(data)
            if count > 100_000:
                halfway.set()
            if count == len(payload):
                whole.set()

    conditions = LinkConditions(rate_up_bps=16_000_000, delay_up_ms=5)
    async with rig(sink, conditions) as here:
        _, writer = await here.connect()
        writer.write(payload)
        await halfway.wait()
        here.driver.set_conditions(NO_ROAD)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await whole.wait()
        here.driver.set_conditions(conditions)
        await whole.wait()
        assert seen.digest() == sha256(payload).digest()


async def test_out_of_coverage_the_first_bytes_and_the_services_connection_wait() -> None:
    accepted = asyncio.Event()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set()
        await echo(reader, writer)

    async with rig(accept, NO_ROAD) as here:
        reader, writer = await here.connect()
        writer.write(b"hello")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.03):
                await accepted.wait()
        here.driver.set_conditions(ROAD)
        assert await reader.readexactly(5) == b"hello"
        assert accepted.is_set()


async def test_a_client_that_tires_out_of_coverage_has_never_connected() -> None:
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            heard.append(data)
            writer.write(data)

    async with rig(listen, NO_ROAD) as here:
        _, tired = await here.connect()
        tired.write(b"too early")
        tired.close()
        await here.relay.idle.wait()
        reader, writer = await here.connect()
        writer.write(b"patient")
        here.driver.set_conditions(ROAD)
        assert await reader.readexactly(7) == b"patient"
    assert heard == [b"patient"]


async def test_a_client_that_tires_while_its_syn_waits_for_retransmission_has_never_connected() -> None:
    accepted: list[None] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.append(None)

    async with rig(accept, NO_ROAD) as here:
        _, tired = await here.connect()
        here.driver.set_conditions(ROAD)
        tired.write(b"too early")
        tired.close()
        await here.relay.idle.wait()
    assert not accepted


async def test_a_half_close_arrives_after_the_data_and_the_answer_still_comes() -> None:
    async def answer_at_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = await reader.read()
        writer.write(b"you said %d bytes" % len(question))

    async with rig(answer_at_the_end) as here:
        reader, writer = await here.connect()
        writer.write(bytes(50_000))
        writer.write_eof()
        assert await reader.read() == b"you said 50000 bytes"


async def test_a_service_may_speak_first() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready")

    async with rig(greet) as here:
        reader, _ = await here.connect()
        assert await reader.read() == b"220 ready"


async def test_a_reset_by_the_client_reaches_the_service_as_a_reset() -> None:
    outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    began = asyncio.Event()

    async def wait_for_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        began.set()
        try:
            while await reader.read(100):
                pass
            outcome.set_result("FIN")
        except ConnectionResetError:
            outcome.set_result("RST")

    async with rig(wait_for_end) as here:
        _, writer = await here.connect()
        writer.write(b"x")
        await began.wait()
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        assert await outcome == "RST"
        await here.relay.idle.wait()


async def test_a_reset_by_the_service_reaches_the_client_as_a_reset() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with rig(reset) as here:
        reader, writer = await here.connect()
        writer.write(b"x")
        with pytest.raises(ConnectionResetError):
            await reader.read()


async def test_a_service_that_is_not_there_resets_the_client() -> None:
    async with rig(echo) as here:
        here.relay.upstream_port = 1
        reader, writer = await here.connect()
        writer.write(b"x")
        with pytest.raises(ConnectionResetError):
            await reader.read()


async def test_a_client_that_goes_before_the_service_is_reached_leaves_nothing_behind() -> None:
    async with rig(echo, LinkConditions(delay_up_ms=20, delay_down_ms=20)) as here:
        _, writer = await here.connect()
        writer.write(b"x")
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        await here.relay.idle.wait()


async def test_a_sender_is_held_back_while_the_link_takes_no_more() -> None:
    async with rig(echo, LinkConditions(rate_up_bps=100_000, queue_ms=100)) as here:
        _, writer = await here.connect()
        writer.transport.set_write_buffer_limits(high=0)
        writer.write(bytes(16_000_000))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await writer.drain()
        here.driver.set_conditions(LinkConditions())
        writer.transport.abort()


async def test_a_receiver_that_does_not_read_holds_its_sender_back_and_nobody_else() -> None:
    reading = asyncio.Event()
    first = True

    async def picky(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal first
        if first:
            first = False
            await reading.wait()
        await echo(reader, writer)

    async with rig(picky, LinkConditions(delay_up_ms=5)) as here:
        reader, writer = await here.connect()
        writer.transport.set_write_buffer_limits(high=0)
        payload = bytes(24_000_000)
        writer.write(payload)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await writer.drain()
        other_reader, other_writer = await here.connect()
        other_writer.write(b"ping")
        assert await other_reader.readexactly(4) == b"ping"
        assert writer.transport.get_write_buffer_size() > 0
        reading.set()
        assert len(await reader.readexactly(len(payload))) == len(payload)


async def test_closing_the_relay_resets_its_connections() -> None:
    async with rig(echo) as here:
        reader, writer = await here.connect()
        writer.write(b"x")
        await reader.readexactly(1)
        here.relay.close()
        with pytest.raises(ConnectionResetError):
            await reader.read()
        assert here.relay.connections == 0


async def test_how_each_attempt_to_reach_the_service_ends_is_told() -> None:
    told: list[type[OSError] | None] = []
    heard = asyncio.Event()

    def hear(error: OSError | None) -> None:
        told.append(None if error is None else type(error))
        heard.set()

    server = await asyncio.start_server(lambda _, writer: writer.close(), HOST, 0)
    driver = drive_link(BottleneckLink(Random("relay"), ROAD), asyncio.get_running_loop())
    relay = Relay(driver, HOST, server.sockets[0].getsockname()[1], hear)
    await relay.listen(HOST, 0)
    try:
        async with asyncio.timeout(10):
            for _ in range(2):
                _, writer = await asyncio.open_connection(HOST, relay.port)
                await heard.wait()
                heard.clear()
                writer.close()
                server.close()
    finally:
        relay.close()
        driver.stop()
    assert told == [None, ConnectionRefusedError]
