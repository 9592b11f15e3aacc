"""Frames from recordings and from buses."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

import can
import pytest

from hardware.can_source import CanFrame, CanSource, open_source
from hardware.errors import CanSourceError
from tests.hardware.synthetic import SyntheticCar


async def all_frames(source: CanSource) -> list[CanFrame]:
    return [frame async for frame in source.frames()]


@contextmanager
def sender(channel: str) -> Iterator[can.BusABC]:
    bus = can.Bus(channel=channel, interface="virtual")
    yield bus
    bus.shutdown()


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    car = SyntheticCar()
    car.init()
    car.rotate(1)
    return car.write_candump(tmp_path / "short.log")


async def test_a_candump_recording_gives_its_frames_in_order(recording: Path) -> None:
    frames = await all_frames(open_source(str(recording), speed=None))
    assert [frame.arbitration_id for frame in frames] == [0x273, 0x277, 0x277, 0x264]
    assert frames[-1].data == bytes.fromhex("E1FD0001801E")
    assert frames[1].t_s - frames[0].t_s == pytest.approx(0.05, abs=1e-5)


async def test_a_recording_keeps_its_pace(recording: Path) -> None:
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    await all_frames(open_source(str(recording), speed=3.0))
    assert loop.time() - begun_s >= 0.15 / 3 - 0.002


async def test_a_recording_can_be_ended_while_it_waits(tmp_path: Path) -> None:
    car = SyntheticCar()
    car.rotate(1)
    car.speed(0, after_s=3600)
    source = open_source(str(car.write_candump(tmp_path / "long.log")))
    async with asyncio.timeout(5), aclosing(source.frames()) as frames:
        await anext(frames)
        source.close()
        assert [frame async for frame in frames] == []


async def test_a_broken_recording_is_named(recording: Path) -> None:
    with recording.open("a") as file:
        file.write("(1700000001.0) can0 what is this\n")
    with pytest.raises(CanSourceError, match=r"short\.log: unreadable after frame 4"):
        await all_frames(open_source(str(recording), speed=None))


async def test_error_remote_and_extended_frames_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "mixed.log"
    lines = ("20000004#0004", "20000080#0004", "264#R", "00000264#01", "264#00")
    path.write_text("".join(f"(1.{number}) can0 {line} R\n" for number, line in enumerate(lines)))
    assert [frame.data for frame in await all_frames(open_source(str(path), speed=None))] == [b"\x00"]


@pytest.mark.parametrize("spec", ["", "missing.log", "socketcan:", ":can0"])
def test_what_is_neither_recording_nor_bus_is_said_so(spec: str) -> None:
    with pytest.raises(CanSourceError, match="neither a recording nor interface:channel"):
        open_source(spec)


def test_a_bus_nobody_knows_is_said_so() -> None:
    with pytest.raises(CanSourceError, match="the bus telepathy:can0 cannot be opened"):
        open_source("telepathy:can0")


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
def test_a_recording_runs_forwards(recording: Path, speed: float) -> None:
    with pytest.raises(CanSourceError, match="more than 0"):
        open_source(str(recording), speed=speed)


async def test_a_bus_gives_what_others_send() -> None:
    source = open_source("virtual:source-test?receive_own_messages=0")
    with sender("source-test") as bus:
        async with asyncio.timeout(5), aclosing(source.frames()) as frames:
            bus.send(can.Message(arbitration_id=0x264, data=b"\x01\x02", is_extended_id=False))
            frame = await anext(frames)
            assert (frame.arbitration_id, frame.data) == (0x264, b"\x01\x02")
            source.close()
            assert [frame async for frame in frames] == []


async def test_a_bus_that_fails_ends_its_frames_with_the_reason() -> None:
    source = open_source("virtual:failing-test")
    async with asyncio.timeout(5), aclosing(source.frames()) as frames:
        reading = asyncio.ensure_future(anext(frames))
        await asyncio.sleep(0)
        source._bus.shutdown()  # type: ignore[attr-defined]  # what pulling the adapter does
        with pytest.raises(CanSourceError, match="the bus virtual:failing-test failed"):
            await reading
