"""The bridge: frames in, commands out, a summary in the end; held against a real recording if it is there."""

import asyncio
import json
import os
from collections.abc import AsyncGenerator
from pathlib import Path

import can
import pytest

from contracts.bench import AnyCommand, PressKnob, SetVehicle, Terminal
from contracts.controller import MENU, OPTION, PRESS, TILT_LEFT, ControllerAction, ControllerEvent, rotate
from contracts.errors import ErrorCode
from hardware.bridge import BridgeSummary, VehicleReporter, run_bridge
from hardware.can_source import CanFrame, open_source
from hardware.vehicle_frames import VehicleReading
from runtime.bench_channel import ChannelClient, serve_channel
from runtime.errors import ChannelError, CommandRefused
from runtime.report_hub import ReportHub
from tests.hardware.synthetic import SyntheticCar

BENCH_DATA = Path(os.environ.get("BENCH_DATA") or Path(__file__).parents[2] / ".." / "shared" / "data")
RECORDING = BENCH_DATA / "can" / "f11_525d_kcan_idrive_subset.log"


class Bench:
    """A bench's end of the channel that writes down what it is told; it refuses OPTION."""

    def __init__(self) -> None:
        self.told: list[AnyCommand] = []

    async def request(self, command: AnyCommand) -> None:
        if isinstance(command, PressKnob) and command.event == OPTION:
            raise CommandRefused(ErrorCode.NOT_WHILE_MOVING)
        self.told.append(command)

    @property
    def events(self) -> list[ControllerEvent]:
        return [command.event for command in self.told if isinstance(command, PressKnob)]

    @property
    def vehicle(self) -> list[tuple[float | None, Terminal | None]]:
        return [(told.speed_kmh, told.terminal) for told in self.told if isinstance(told, SetVehicle)]


class Played:
    """A source that gives the frames of a synthetic car and is itself the clock."""

    def __init__(self, car: SyntheticCar) -> None:
        self._car = car
        self.now_s = 0.0

    async def frames(self) -> AsyncGenerator[CanFrame, None]:
        for frame in self._car.frames:
            self.now_s = frame.t_s
            yield frame

    def close(self) -> None:
        """It ends by itself."""


async def bridge(car: SyntheticCar, bench: Bench) -> BridgeSummary:
    source = Played(car)
    return await run_bridge(source, bench, now_s=lambda: source.now_s)


async def test_the_hand_at_the_controller_moves_the_menu() -> None:
    car, bench = SyntheticCar(), Bench()
    car.init()
    car.rotate(2)
    car.hold_and_release(0xDE)
    car.hold_and_release(0xDD, direction=8)
    car.hold_and_release(0xC0, button=0x01)
    car.rotate(-1)
    summary = await bridge(car, bench)
    assert bench.events == [rotate(2), PRESS, TILT_LEFT, MENU, rotate(-1)]
    assert summary == BridgeSummary(
        frames=len(car.frames), detents_right=2, detents_left=1, presses=1, tilts_left=1, menu=1
    )


async def test_a_refused_command_is_counted_and_the_bridge_goes_on() -> None:
    car, bench = SyntheticCar(), Bench()
    car.hold_and_release(0xC0, button=0x04)
    car.hold_and_release(0xDE)
    summary = await bridge(car, bench)
    assert bench.events == [PRESS]
    assert (summary.option, summary.refused, summary.presses) == (1, 1, 1)


@pytest.mark.req("R-811")
async def test_speed_is_told_when_it_changes_and_every_second() -> None:
    car, bench = SyntheticCar(), Bench()
    for _ in range(17):
        car.speed(0, after_s=0.125)
    car.speed(5, after_s=0.125)
    await bridge(car, bench)
    assert bench.vehicle == [(0.0, None), (0.0, None), (0.0, None), (5.0, None)]


@pytest.mark.req("R-811")
async def test_frames_that_cannot_be_believed_keep_no_reading_alive() -> None:
    car, bench = SyntheticCar(), Bench()
    car.speed(0)
    for _ in range(30):
        car.speed(0, broken=True)
    summary = await bridge(car, bench)
    assert bench.vehicle == [(0.0, None)]
    assert summary.crc_errors == 30


async def test_the_terminal_travels_with_the_speed() -> None:
    car, bench = SyntheticCar(), Bench()
    car.speed(0)
    car.terminal(0x8)
    car.speed(0)
    await bridge(car, bench)
    assert bench.vehicle == [(0.0, None), (0.0, Terminal.R)]


async def test_a_terminal_is_told_alone_where_no_speed_is_known() -> None:
    car, bench = SyntheticCar(), Bench()
    car.terminal(0x8)
    car.terminal(0xA)
    await bridge(car, bench)
    assert bench.vehicle == [(None, Terminal.R), (None, Terminal.IGNITION)]


@pytest.mark.req("R-811")
@pytest.mark.parametrize(("after_s", "told"), [(2.0, None), (2.001, VehicleReading(None, Terminal.IGNITION))])
def test_a_terminal_never_makes_an_old_speed_look_young(after_s: float, told: VehicleReading | None) -> None:
    reporter = VehicleReporter()
    assert reporter.report(VehicleReading(speed_kmh=0.0), 0.0) == VehicleReading(0.0)
    assert reporter.report(VehicleReading(terminal=Terminal.IGNITION), after_s) == told


@pytest.mark.req("R-811")
def test_an_unchanged_reading_is_told_again_after_a_second_to_the_millisecond() -> None:
    reporter, parked = VehicleReporter(), VehicleReading(speed_kmh=0.0)
    assert reporter.report(parked, 0.0) == parked
    assert reporter.report(parked, 0.999) is None
    assert reporter.report(parked, 1.0) == parked


async def test_the_summary_reads_well_for_people_and_machines() -> None:
    summary = BridgeSummary(frames=10, detents_right=3, crc_errors=1)
    assert "3 detents right" in summary.to_text()
    assert "1 with a wrong checksum" in summary.to_text()
    assert json.loads(summary.to_json())["detents_right"] == 3


async def test_a_bench_that_is_gone_ends_the_bridge() -> None:
    class Gone:
        async def request(self, command: AnyCommand) -> None:
            raise ChannelError("the bench channel is closed")

    car = SyntheticCar()
    car.hold_and_release(0xDE)
    with pytest.raises(ChannelError):
        await run_bridge(Played(car), Gone())


async def test_from_a_bus_to_a_bench_behind_its_socket(tmp_path: Path) -> None:
    arrived: asyncio.Queue[AnyCommand] = asyncio.Queue()
    server = await serve_channel(tmp_path / "bench.sock", arrived.put, ReportHub())
    channel = await ChannelClient.connect(tmp_path / "bench.sock")
    source = open_source("virtual:bridge-test")
    bus = can.Bus(channel="bridge-test", interface="virtual")
    bridging = asyncio.ensure_future(run_bridge(source, channel))
    car = SyntheticCar()
    car.init()
    car.rotate(3)
    car.speed(12.5)
    for frame in car.frames:
        bus.send(can.Message(arbitration_id=frame.arbitration_id, data=frame.data, is_extended_id=False))
    async with asyncio.timeout(5):
        knob, vehicle = await arrived.get(), await arrived.get()
        source.close()
        summary = await bridging
    assert isinstance(knob, PressKnob)
    assert knob.event == rotate(3)
    assert isinstance(vehicle, SetVehicle)
    assert vehicle.speed_kmh == 12.5
    assert summary.frames == 5
    channel.close()
    await server.close()
    bus.shutdown()


def counted_by_hand(recording: Path) -> dict[str, int]:
    """What the recording holds, straight from its hex digits: nothing of the bridge is used."""
    counts = dict.fromkeys(("right", "left", "press", "tilt_left", "menu", "option"), 0)
    names = {"DE01": "press", "C001": "menu", "C004": "option", "DD01": "tilt_left"}
    position, seen = 0x8000, ""
    for line in recording.read_text().splitlines():
        arbitration_id, _, data = line.split()[2].partition("#")
        if arbitration_id == "273":
            position = 0x8000
        elif arbitration_id == "264":
            step = int(data[8:10] + data[6:8], 16) - position
            counts["right" if step > 0 else "left"] += abs(step)
            position += step
        elif arbitration_id == "267" and data[4:6] != seen:
            seen = data[4:6]
            if data[7] == "1":
                counts[names[data[8:]]] += 1
                assert data[8:10] != "DD" or data[6] == "8"
    return counts


async def golden(recording: Path) -> tuple[BridgeSummary, Bench]:
    bench = Bench()
    summary = await run_bridge(open_source(str(recording), speed=None), bench)
    counts = counted_by_hand(recording)
    assert {
        "right": summary.detents_right,
        "left": summary.detents_left,
        "press": summary.presses,
        "tilt_left": summary.tilts_left,
        "menu": summary.menu,
        "option": summary.option,
    } == counts
    assert sum(abs(event.detents) for event in bench.events) == counts["right"] + counts["left"]
    assert bench.events.count(PRESS) == counts["press"]
    assert bench.events.count(TILT_LEFT) == counts["tilt_left"]
    assert bench.events.count(MENU) == counts["menu"]
    assert (summary.back, summary.tilts_right, summary.tilts_up, summary.tilts_down) == (0, 0, 0, 0)
    return summary, bench


@pytest.mark.bench_data
@pytest.mark.skipif(not RECORDING.is_file(), reason="no recordings at BENCH_DATA (default ../shared/data)")
async def test_golden_a_recorded_hand_at_a_real_controller() -> None:
    summary, bench = await golden(RECORDING)
    assert summary.frames == 6328
    assert min(summary.detents_right, summary.detents_left, summary.presses, summary.tilts_left) > 0
    assert (summary.menu, summary.option, summary.crc_errors) == (2, 1, 0)
    speeds = [speed for speed, _ in bench.vehicle if speed is not None]
    assert max(speeds) == 88 / 64
    terminals = [terminal for _, terminal in bench.vehicle]
    order = [new for new, old in zip(terminals, [None, *terminals], strict=False) if new != old]
    assert Terminal.IGNITION in order
    assert Terminal.STARTER in order


async def test_golden_a_synthetic_hand(tmp_path: Path) -> None:
    car = SyntheticCar()
    car.init()
    for detents in (0, 1, 2, 3, -1, 0, -3):
        car.rotate(detents)
        car.speed(detents % 4)
        car.terminal(0xA, broken=detents == 2)
    for kind, button, direction in ((0xDE, 1, 0), (0xDD, 1, 8), (0xC0, 1, 0), (0xC0, 4, 0), (0xDE, 1, 0)):
        car.hold_and_release(kind, button, direction)
    car.init()
    car.rotate(-2)
    summary, bench = await golden(car.write_candump(tmp_path / "synthetic.log"))
    assert (summary.detents_right, summary.detents_left, summary.presses) == (6, 6, 2)
    assert (summary.crc_errors, summary.refused) == (1, 1)
    assert [event.action for event in bench.events].count(ControllerAction.ROTATE) == 6
