"""Plays a scenario on a rig, from an empty world to what was seen in it."""

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TextIO

from backend_stub.app import DATABASE, Backend, empty_image
from headunit.sim.play import Play
from headunit.sim.rig import Rig
from headunit.sim.scenario import Scenario
from headunit.sim.verdict import Violation
from headunit.sim.world import MakeBackend, World, WorldConfig
from runtime.jitter import LoopJitter
from runtime.journal import JournalBook
from telematics.radio.timeline import RadioTimeline

if TYPE_CHECKING:
    from headunit.sim.real_rig import RealRig

Progress = Callable[[float, float], None]
"""Told (seconds so far, seconds in all)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staging:
    """What is played, whatever the rig: the scenario, its drive, where the journal's lines go, who is told.

    `broker` is for the real rig; `database` is a postgresql:// URL for the backend's store, where the run
    gets a schema of its own, "" for SQLite; `make_backend` is where tests put broken ones.
    """

    scenario: Scenario
    timeline: RadioTimeline
    broker: str = "ours"
    database: str = ""
    sink: TextIO | None = None
    make_backend: MakeBackend = Backend
    progress: Progress | None = None

    @property
    def start_ms(self) -> int:
        """Bench time at the beginning."""
        return round(self.scenario.start.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Played:
    """What was seen; `jitter_ms` is how late the rig's own event loop was at the worst."""

    book: JournalBook
    simulated_s: float
    violations: tuple[Violation, ...]
    jitter_ms: float = 0.0


def play_virtual(staging: Staging) -> Played:
    """Play in virtual time. Raises ScriptError when the script asks for what is not there."""
    from headunit.sim.virtual_rig import VirtualRig

    # A run allocates far more than it frees in cycles; the universe is dropped as a whole at its end.
    was_enabled = gc.isenabled()
    gc.disable()
    scenario = staging.scenario
    rig = VirtualRig(scenario.seed, staging.start_ms, staging.sink, scenario.broker)
    rig.disk.load(DATABASE, _empty_database())
    try:
        with _database(staging) as database, _world(rig, staging, database) as world:
            return rig.loop.run_until_complete(_play(world, staging))
    finally:
        rig.loop.close()
        if was_enabled:
            gc.enable()


@cache
def _empty_database() -> bytes:
    """The backend's tables, made once in a process however many worlds it plays."""
    return empty_image()


def play_real(staging: Staging) -> Played:
    """Play in real time. Raises ScriptError as in virtual time, RigError for what cannot be had here."""
    with TemporaryDirectory(prefix="headunit-") as folder, _database(staging) as database:
        return asyncio.run(_play_real(staging, Path(folder), database))


async def _play_real(staging: Staging, folder: Path, database: str) -> Played:
    from headunit.sim.real_rig import RealRig

    rig = RealRig(
        folder,
        staging.start_ms,
        seed=staging.scenario.seed,
        broker=staging.broker,
        sink=staging.sink,
        broker_table=staging.scenario.broker,
    )
    jitter = LoopJitter(asyncio.get_running_loop())
    jitter.start()
    with _world(rig, staging, database) as world:
        try:
            return await _play_until_failure(rig, world, staging, jitter)
        finally:
            jitter.stop()
            await rig.close()


async def _play_until_failure(rig: "RealRig", world: World, staging: Staging, jitter: LoopJitter) -> Played:
    playing = asyncio.create_task(_play(world, staging))
    failing = asyncio.create_task(rig.failure())
    await asyncio.wait((playing, failing), return_when=asyncio.FIRST_COMPLETED)
    if failing.done() and not playing.done():
        playing.cancel()
        await failing
    failing.cancel()
    played = await playing
    return Played(played.book, played.simulated_s, played.violations, round(jitter.worst_ms, 1))


async def _play(world: World, staging: Staging) -> Played:
    await world.open()
    violations = await Play(staging.scenario, world, staging.progress).run()
    world.rig.book.close()
    return Played(world.rig.book, round(world.elapsed_s, 3), tuple(violations))


@contextmanager
def _database(staging: Staging) -> Iterator[str]:
    """Where this run's backend keeps its store: a schema of its own, if it is to be on a server."""
    if not staging.database:
        yield ""
        return
    from backend_stub.adapters.run_schema import run_schema

    with run_schema(staging.database) as database:
        yield database


@contextmanager
def _world(rig: Rig, staging: Staging, database: str) -> Iterator[World]:
    """The world of this run, which lets go of its database in the end."""
    config = WorldConfig.of(staging.scenario, database=database)
    world = World(rig, config, staging.timeline, staging.make_backend)
    try:
        yield world
    finally:
        world.leave_database()
