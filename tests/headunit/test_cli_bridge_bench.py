"""A controller's frames on the real bench: `headunit bridge` beside `headunit bench serve`."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contracts.bench import ScreenReport, Subscribe
from contracts.screen import ScreenSnapshot
from headunit.commands.bench_child import BenchChild
from headunit.commands.configuration import Settings
from headunit.commands.run import bench_command
from headunit.commands.state_folder import StateFolder
from headunit.ui.bench_link import BenchClient
from runtime.bench_channel import ChannelClient
from tests.hardware.synthetic import SyntheticCar
from tests.hardware.test_bridge import RECORDING, counted_by_hand
from tests.headunit.ui.running import PATIENCE_S, knob_entries

SUMMARY_NAMES = {
    "detents_right": "right",
    "detents_left": "left",
    "presses": "press",
    "tilts_left": "tilt_left",
    "menu": "menu",
    "option": "option",
}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[BenchClient]:
    """A bench of its own, as `headunit run` starts it."""
    with StateFolder(tmp_path) as folder:
        folder.prepare(fresh=False)
        child = BenchChild(
            bench_command(Settings(), folder),
            socket=folder.socket,
            log=folder.log,
            connect=ChannelClient.connect,
        )
        yield await child.open()
        await child.close()


async def bridged(recording: Path, state: Path) -> dict[str, int]:
    """Play `recording` into the bench of `state`; what the bridge says at the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "headunit", "bridge", "--can", str(recording)),
        *("--socket", str(state / "bench.sock"), "--speed", "max", "--json"),
        stdout=PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    summary: dict[str, int] = json.loads(said)
    return summary


def counted_in_the_journal(state: Path) -> dict[str, int]:
    """What the car has written down of the knob, in the words of `counted_by_hand`."""
    counts = Counter(dict.fromkeys(SUMMARY_NAMES.values(), 0))
    for key in knob_entries(state):
        if key.startswith("rotate"):
            detents = int(key.removeprefix("rotate"))
            counts["right" if detents > 0 else "left"] += abs(detents)
        else:
            counts[key] += 1
    return dict(counts)


async def screens(bench: BenchClient) -> AsyncIterator[ScreenSnapshot]:
    """What the driver sees, from the first synchronisation on: then no row comes or goes by itself."""
    await bench.request(Subscribe(reports=("screen",)))
    async for report in bench.reports():
        assert isinstance(report, ScreenReport)
        if report.screen.freshness.startswith("last sync"):
            yield report.screen


async def played(recording: Path, state: Path, bench: BenchClient) -> tuple[ScreenSnapshot, ScreenSnapshot]:
    """Play `recording`; frames, bridge and car agree on every movement. The display before and after."""
    display = screens(bench)
    async with asyncio.timeout(2 * PATIENCE_S):
        before = await anext(display)
        summary = await bridged(recording, state)
        counts = counted_by_hand(recording)
        assert {SUMMARY_NAMES[name]: summary[name] for name in SUMMARY_NAMES} == counts
        assert summary["refused"] == 0
        assert counted_in_the_journal(state) == counts
        async for screen in display:
            if screen.events == len(knob_entries(state)):
                return before, screen
    raise AssertionError("the bench has closed its channel")


async def test_a_synthetic_hand_opens_the_store(tmp_path: Path, bench: BenchClient) -> None:
    car = SyntheticCar()
    car.init()
    for detents in (1, -3, 2):
        car.rotate(detents)
    car.hold_and_release(0xDE)
    car.hold_and_release(0xDE, repeats=7)
    car.rotate(2)
    before, after = await played(car.write_candump(tmp_path / "hand.log"), tmp_path, bench)
    assert before.screen != after.screen
    assert after.path[-1] == "ConnectedDrive Store"
    assert after.focus == 2


@pytest.mark.bench_data
@pytest.mark.skipif(not RECORDING.is_file(), reason="no recordings at BENCH_DATA (default ../shared/data)")
async def test_a_recorded_hand_at_a_real_controller_moves_the_menu(
    tmp_path: Path, bench: BenchClient
) -> None:
    before, after = await played(RECORDING, tmp_path, bench)
    assert (after.screen, after.focus) != (before.screen, before.focus)
