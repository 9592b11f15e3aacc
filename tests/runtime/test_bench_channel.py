"""The bench channel: one suite over the socket and the direct call, then what only a socket can do."""

import asyncio
import json
import os
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from contracts.bench import (
    AdvanceClock,
    AnyCommand,
    AnyReport,
    ClockReport,
    OutboxReport,
    PacketSeen,
    PressKnob,
    SetVehicle,
    Subscribe,
)
from contracts.controller import PRESS, rotate
from contracts.errors import ErrorCode
from runtime.bench_channel import BenchChannel, ChannelClient, ChannelServer, DirectChannel, serve_channel
from runtime.bench_frames import MAX_FRAME_BYTES
from runtime.errors import ChannelError, CommandRefused
from runtime.report_hub import ReportHub

Connect: TypeAlias = Callable[[], Awaitable[BenchChannel]]


class Bench:
    """A bench that writes down what it is told and refuses to drive backwards in time."""

    def __init__(self) -> None:
        self.told: list[AnyCommand] = []
        self.arrivals: asyncio.Queue[int] = asyncio.Queue()
        self.hub = ReportHub()

    async def handle(self, command: AnyCommand) -> None:
        if isinstance(command, AdvanceClock) and command.by_ms == 13:
            raise CommandRefused(ErrorCode.NOT_WHILE_MOVING, "unlucky")
        if isinstance(command, AdvanceClock) and command.by_ms == 14:
            raise ZeroDivisionError
        await asyncio.sleep(0)
        self.told.append(command)
        self.arrivals.put_nowait(len(self.told))


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bench.sock"


@pytest.fixture
async def server(bench: Bench, path: Path) -> AsyncIterator[ChannelServer]:
    server = await serve_channel(path, bench.handle, bench.hub)
    yield server
    await server.close()


@pytest.fixture(params=["socket", "direct"])
async def connect(request: pytest.FixtureRequest, bench: Bench, path: Path) -> AsyncIterator[Connect]:
    clients: list[BenchChannel] = []
    server = await serve_channel(path, bench.handle, bench.hub) if request.param == "socket" else None

    async def connect() -> BenchChannel:
        client: BenchChannel = (
            await ChannelClient.connect(path) if server else DirectChannel(bench.handle, bench.hub)
        )
        clients.append(client)
        return client

    yield connect
    for client in clients:
        client.close()
    if server:
        await server.close()


def packet(key: str) -> PacketSeen:
    return PacketSeen(at_ns=1, who="car", way="up", kind="order", key=key, size=10)


def mode_of(path: Path) -> int | None:
    """Permission bits of what is at `path`, None for nothing."""
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else None


async def take(channel: BenchChannel, n: int) -> list[AnyReport]:
    reports = channel.reports()
    async with asyncio.timeout(5):
        return [await anext(reports) for _ in range(n)]


async def test_a_request_returns_when_the_bench_has_done_it(connect: Connect, bench: Bench) -> None:
    channel = await connect()
    await channel.request(PressKnob(event=rotate(-2)))
    assert [command.event for command in bench.told if isinstance(command, PressKnob)] == [rotate(-2)]


async def test_commands_of_one_client_are_carried_out_in_order(connect: Connect, bench: Bench) -> None:
    channel = await connect()
    await asyncio.gather(*(channel.request(AdvanceClock(by_ms=i)) for i in range(10)))
    assert [command.by_ms for command in bench.told if isinstance(command, AdvanceClock)] == list(range(10))


async def test_a_refusal_carries_the_rules_code(connect: Connect) -> None:
    channel = await connect()
    with pytest.raises(CommandRefused, match="unlucky") as refusal:
        await channel.request(AdvanceClock(by_ms=13))
    assert refusal.value.code == ErrorCode.NOT_WHILE_MOVING
    await channel.request(AdvanceClock(by_ms=1))


async def test_a_value_out_of_range_is_refused_naming_the_field(connect: Connect, bench: Bench) -> None:
    channel = await connect()
    with pytest.raises(CommandRefused, match=r"\$\.speed_kmh") as refusal:
        await channel.request(SetVehicle(speed_kmh=401.0))
    assert refusal.value.code == ErrorCode.BAD_MESSAGE
    await channel.request(SetVehicle(speed_kmh=400.0))
    assert bench.told[-1] == SetVehicle(id=bench.told[-1].id, speed_kmh=400.0)


async def test_a_subscription_to_what_does_not_exist_is_refused(connect: Connect) -> None:
    channel = await connect()
    with pytest.raises(CommandRefused, match="no report 'weather'"):
        await channel.request(Subscribe(reports=("weather",)))


async def test_the_newest_values_come_at_once(connect: Connect, bench: Bench) -> None:
    channel = await connect()
    bench.hub.publish(ClockReport(now_ms=1, rate=1.0))
    bench.hub.publish(ClockReport(now_ms=2, rate=1.0))
    bench.hub.publish(packet("past"))
    await channel.request(Subscribe())
    bench.hub.publish(OutboxReport(car=1, backend=0))
    assert await take(channel, 2) == [ClockReport(now_ms=2, rate=1.0), OutboxReport(car=1, backend=0)]


async def test_only_what_was_asked_for_comes(connect: Connect, bench: Bench) -> None:
    channel = await connect()
    await channel.request(Subscribe(reports=("packet",)))
    bench.hub.publish(ClockReport(now_ms=1, rate=1.0))
    bench.hub.publish(packet("a"))
    assert await take(channel, 1) == [packet("a")]
    await channel.request(Subscribe(reports=("outbox",)))
    bench.hub.publish(packet("b"))
    bench.hub.publish(OutboxReport(car=0, backend=3))
    assert await take(channel, 1) == [OutboxReport(car=0, backend=3)]


async def test_nothing_comes_without_a_subscription(connect: Connect, bench: Bench) -> None:
    channel = await connect()
    bench.hub.publish(packet("a"))
    await channel.request(Subscribe(reports=("packet",)))
    bench.hub.publish(packet("b"))
    assert await take(channel, 1) == [packet("b")]


async def test_reports_end_with_the_channel(connect: Connect) -> None:
    channel = await connect()
    await channel.request(Subscribe())
    channel.close()
    assert [report async for report in channel.reports()] == []
    with pytest.raises(ChannelError, match="closed"):
        await channel.request(PressKnob(event=PRESS))


async def test_two_clients_are_told_the_same(connect: Connect, bench: Bench) -> None:
    one, two = await connect(), await connect()
    await one.request(Subscribe())
    await two.request(Subscribe())
    bench.hub.publish(packet("a"))
    assert await take(one, 1) == await take(two, 1) == [packet("a")]


async def test_the_socket_is_its_owners_alone(server: ChannelServer, path: Path) -> None:
    assert mode_of(path) == 0o600


async def test_the_socket_file_goes_with_the_bench(server: ChannelServer, path: Path) -> None:
    await server.close()
    assert mode_of(path) is None


async def test_no_bench_is_said_so(path: Path) -> None:
    with pytest.raises(ChannelError, match="headunit run"):
        await ChannelClient.connect(path)


async def test_the_socket_of_a_dead_bench_is_replaced(bench: Bench, path: Path) -> None:
    dead = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    dead.bind(str(path))
    dead.close()
    server = await serve_channel(path, bench.handle, bench.hub)
    client = await ChannelClient.connect(path)
    await client.request(PressKnob(event=PRESS))
    client.close()
    await server.close()


async def test_the_socket_of_a_living_bench_is_left_alone(
    server: ChannelServer, bench: Bench, path: Path
) -> None:
    with pytest.raises(ChannelError, match="already running"):
        await serve_channel(path, bench.handle, bench.hub)
    client = await ChannelClient.connect(path)
    await client.request(PressKnob(event=PRESS))
    client.close()


async def test_another_file_in_the_way_is_left_alone(bench: Bench, path: Path) -> None:
    os.close(os.open(path, os.O_CREAT, 0o640))
    with pytest.raises(ChannelError, match="no socket"):
        await serve_channel(path, bench.handle, bench.hub)
    assert mode_of(path) == 0o640


async def test_a_path_too_long_for_a_socket_is_said_so(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(ChannelError, match="shorter"):
        await serve_channel(tmp_path / ("x" * 200), bench.handle, bench.hub)


async def exchange(path: Path, sent: bytes, answers: int) -> list[dict[str, object]]:
    reader, writer = await asyncio.open_unix_connection(str(path), limit=1 << 21)
    writer.write(sent)
    async with asyncio.timeout(5):
        lines = [json.loads(await reader.readline()) for _ in range(answers)]
    writer.close()
    await writer.wait_closed()
    return lines


@pytest.mark.parametrize(
    ("line", "number", "named"),
    [
        (b"no json", 0, "JSON"),
        (b'"text"', 0, "object"),
        (b'{"command": "fly", "id": 7}', 7, "$.command"),
        (b'{"id": 7}', 7, "command"),
        (b'{"command": "advance_clock", "id": 7}', 7, "by_ms"),
        (b'{"command": "advance_clock", "id": 7, "by_ms": -1}', 7, "$.by_ms"),
        (b'{"command": "press_knob", "id": 7, "event": {"action": "kick"}}', 7, "$.event.action"),
        (b'\xff{"command": "press_knob"}', 0, ""),
    ],
)
async def test_a_malformed_command_is_answered_and_the_connection_lives_on(
    server: ChannelServer, path: Path, line: bytes, number: int, named: str
) -> None:
    good = b'{"command": "advance_clock", "id": 8, "by_ms": 1}\n'
    bad, done = await exchange(path, line + b"\n" + good, 2)
    assert (bad["report"], bad["id"], bad["code"]) == ("refused", number, "BAD_MESSAGE")
    assert named in str(bad["detail"])
    assert done == {"report": "done", "id": 8}


async def test_a_frame_may_have_one_mebibyte(server: ChannelServer, path: Path) -> None:
    command = b'{"command": "advance_clock", "id": 8, "by_ms": 1}'
    longest = command.ljust(MAX_FRAME_BYTES)
    done, refused, again = await exchange(path, longest + b"\n" + longest + b" \n" + command + b"\n", 3)
    assert done == again == {"report": "done", "id": 8}
    assert (refused["report"], refused["code"]) == ("refused", "BAD_MESSAGE")


async def test_a_failure_of_the_bench_is_an_answer_too(server: ChannelServer, path: Path) -> None:
    failures: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    client = await ChannelClient.connect(path)
    with pytest.raises(CommandRefused, match="ZeroDivisionError"):
        await client.request(AdvanceClock(by_ms=14))
    await client.request(AdvanceClock(by_ms=1))
    assert isinstance(failures[0]["exception"], ZeroDivisionError)
    client.close()


async def test_commands_that_have_arrived_are_carried_out_though_the_client_has_gone(
    server: ChannelServer, bench: Bench, path: Path
) -> None:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(b'{"command": "advance_clock", "by_ms": 1}\n{"command": "advance_clock", "by_ms": 2}\n')
    writer.close()
    await writer.wait_closed()
    async with asyncio.timeout(5):
        assert [await bench.arrivals.get() for _ in range(2)] == [1, 2]
    del reader


async def test_whoever_waits_is_told_that_the_bench_has_gone(path: Path) -> None:
    begun = asyncio.Event()

    async def never(command: AnyCommand) -> None:
        begun.set()
        await asyncio.Event().wait()

    server = await serve_channel(path, never, ReportHub())
    client = await ChannelClient.connect(path)
    waiting = asyncio.ensure_future(client.request(PressKnob(event=PRESS)))
    await begun.wait()
    await server.close()
    with pytest.raises(ChannelError):
        await waiting
    assert [report async for report in client.reports()] == []


async def test_a_client_that_does_not_read_gets_the_newest_and_every_packet(
    server: ChannelServer, bench: Bench, path: Path
) -> None:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, str(path))
    await loop.sock_sendall(client, b'{"command": "subscribe", "id": 1}\n')
    begun = await loop.sock_recv(client, 100)
    n = 20_000
    for i in range(n):
        bench.hub.publish(ClockReport(now_ms=i, rate=1.0))
    for i in range(100):
        bench.hub.publish(packet(f"{i:032x}"))
    received = bytearray(begun)
    async with asyncio.timeout(5):
        while not received.endswith(b'"size":10}\n') or f"{99:032x}".encode() not in received:
            received += await loop.sock_recv(client, 1 << 20)
    client.close()
    reports = [json.loads(line) for line in received.splitlines()][1:]
    clocks = [report["now_ms"] for report in reports if report["report"] == "clock"]
    assert clocks == sorted(clocks)
    assert clocks[-1] == n - 1
    assert len(clocks) < n
    assert [int(report["key"], 16) for report in reports if report["report"] == "packet"] == list(range(100))
