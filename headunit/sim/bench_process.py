"""`headunit bench serve`: a whole bench in real time behind one Unix socket, the phone's pages on loopback.

It ends at end of file on the descriptor that its parent holds, at SIGTERM and at SIGINT.
"""

import argparse
import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

from backend_stub.app import forget
from backend_stub.errors import StoreError
from backend_stub.web.pages import make_web
from backend_stub.web.server import serve_web
from contracts.bench import BenchInfo
from headunit.sim.bench import Bench
from headunit.sim.drive import STANDING_DBM, read_timeline
from headunit.sim.errors import SimulationError
from headunit.sim.play import Play
from headunit.sim.real_rig import LOOPBACK, RealRig
from headunit.sim.recorder import Recorder
from headunit.sim.scenario import Scenario, Vehicle
from headunit.sim.scenario_file import load_scenario
from headunit.sim.world import World, WorldConfig
from runtime.bench_server import serve_channel
from runtime.errors import BenchRuntimeError, CommandRefused
from runtime.report_hub import ReportHub
from runtime.wall_clock import wall_clock_ms
from telematics.radio.timeline import RadioTimeline

CLOCK_PERIOD_S = 1.0
ACTIVATION_DELAY_MS = 5_000
CLOCK_FILE = "bench_clock"


def serve(args: argparse.Namespace) -> int:
    """Serve until told to end; returns the exit code."""
    try:
        return asyncio.run(_serve(args))
    except (SimulationError, BenchRuntimeError, StoreError) as error:
        print(f"headunit: {error}", file=sys.stderr)
        return 2


async def _serve(args: argparse.Namespace) -> int:
    ended = _end(args.parent_fd)
    scenario, timeline = _read_scenario(args.scenario)
    if args.fresh and args.database:
        forget(args.database)
    state = BenchState(args.state)
    with state.journal.open("a", encoding="utf-8", buffering=1) as sink:
        rig = RealRig(
            state.folder,
            round(scenario.start.timestamp() * 1000) if scenario else state.start_ms(),
            seed=scenario.seed if scenario else None,
            broker=args.broker,
            sink=sink,
            keep=scenario is not None,
        )
        world = World(rig, _config(args, scenario), timeline)
        tasks: list[asyncio.Task[None]] = []
        recorder: Recorder | None = None
        try:
            await world.open()
            failing = asyncio.create_task(rig.failure())
            tasks.append(failing)
            await _first(asyncio.create_task(world.alive()), failing)
            hub = ReportHub()
            bench = Bench(world, hub)
            recorder = _recorder(world, bench)
            bench.on_done(recorder.done)
            rig.book.subscribe(recorder.journalled)
            pages = await serve_web(make_web(lambda: world.backend), LOOPBACK, 0)
            world.backend.public_url = f"http://{LOOPBACK}:{pages.port}"
            bench.report_everything(_info(world))
            server = await serve_channel(args.socket, bench.handle, hub)
            tasks.append(asyncio.create_task(_tick(bench, world, state)))
            if scenario is not None:
                tasks.append(asyncio.create_task(_play(scenario, world)))
            try:
                await _first(ended, failing)
            finally:
                await server.close()
                await pages.close()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await rig.close()
            world.leave_database()
            state.keep_clock(rig.clock.now_ms())
            if args.save and recorder is not None:
                recorder.save(Path(args.save))
    return 0


async def _first(awaited: asyncio.Future[None], failing: asyncio.Task[None]) -> None:
    """Wait for `awaited`, or raise what a program has failed with before."""
    await asyncio.wait((awaited, failing), return_when=asyncio.FIRST_COMPLETED)
    if failing.done():
        awaited.cancel()
        await failing


class BenchState:
    """What a bench keeps beside its databases: the journal, and how far its clock was set ahead."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder
        self.journal = folder / "journal.jsonl"
        self._clock = folder / CLOCK_FILE

    def start_ms(self) -> int:
        """The machine's time, or where the bench's clock had been set beyond it: it never goes back."""
        kept = 0
        with suppress(OSError, ValueError):
            kept = int(self._clock.read_text(encoding="ascii"))
        return max(wall_clock_ms(), kept)

    def keep_clock(self, now_ms: int) -> None:
        """Remember bench time."""
        self._clock.write_text(f"{now_ms}\n", encoding="ascii")


def _end(parent_fd: int | None) -> asyncio.Future[None]:
    """Done when the bench is to end."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def end() -> None:
        if not ended.done():
            ended.set_result(None)

    def parent_said(fd: int) -> None:
        if not os.read(fd, 1024):
            loop.remove_reader(fd)
            end()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    if parent_fd is not None:
        loop.add_reader(parent_fd, parent_said, parent_fd)
    return ended


def _read_scenario(file: str) -> tuple[Scenario | None, RadioTimeline]:
    if not file:
        return None, RadioTimeline.constant(STANDING_DBM)
    scenario = load_scenario(Path(file))
    return scenario, read_timeline(scenario, Path(file))


def _config(args: argparse.Namespace, scenario: Scenario | None) -> WorldConfig:
    if scenario is not None:
        return WorldConfig.of(scenario, language=args.language, database=args.database)
    vehicle = Vehicle()
    return WorldConfig(
        vehicle=msgspec.structs.replace(
            vehicle, vin=args.vin or vehicle.vin, model=args.model or vehicle.model
        ),
        market=args.market,
        activation_delay_ms=ACTIVATION_DELAY_MS,
        language=args.language,
        database=args.database,
    )


def _info(world: World) -> BenchInfo:
    host, port = world.rig.broker_address("backend")
    return BenchInfo(
        vin=world.config.vehicle.vin,
        market=world.config.market,
        broker=f"{host}:{port}",
        phone_url=f"{world.backend.public_url}/phone",
    )


def _recorder(world: World, bench: Bench) -> Recorder:
    clock, config = world.rig.clock, world.config
    return Recorder(
        elapsed_s=lambda: world.elapsed_s,
        start_ms=clock.now_ms(),
        market=config.market,
        vehicle=config.vehicle,
        is_commanded=lambda: bench.is_busy,
    )


async def _tick(bench: Bench, world: World, state: BenchState) -> None:
    """Tell the time once a second, and remember it when it has been set ahead."""
    while True:
        bench.report_clock()
        if world.rig.clock.now_ms() > wall_clock_ms():
            state.keep_clock(world.rig.clock.now_ms())
        await asyncio.sleep(CLOCK_PERIOD_S)


async def _play(scenario: Scenario, world: World) -> None:
    """Play a scenario on the running bench; the verdict goes to the log."""
    try:
        violations = await Play(scenario, world).run()
    except (SimulationError, CommandRefused) as error:
        print(f"scenario: {error}", file=sys.stderr, flush=True)
        return
    for violation in violations:
        print(f"scenario: VIOLATED {violation.checker}: {violation.text}", file=sys.stderr, flush=True)
    print(f"scenario: {'FAIL' if violations else 'PASS'}", file=sys.stderr, flush=True)
