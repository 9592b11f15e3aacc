"""`headunit simulate`: plays one scenario file on one rig and says the verdict.

Exit codes: 0 pass, 1 fail, 2 could not run, 3 inconclusive.
"""

import argparse
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

import msgspec

from backend_stub.app import DATABASE, Backend, empty_image
from headunit.sim.drive import read_timeline
from headunit.sim.errors import ScenarioError, ScriptError, SimulationError
from headunit.sim.evidence import write_evidence
from headunit.sim.play import Play
from headunit.sim.rig import Rig
from headunit.sim.scenario import Scenario
from headunit.sim.scenario_file import line_of, load_scenario
from headunit.sim.verdict import EXIT_CODES, Outcome, Verdict, Violation
from headunit.sim.world import MakeBackend, World, WorldConfig
from runtime.errors import BenchRuntimeError
from runtime.journal import JournalBook
from runtime.stopwatch import Stopwatch
from telematics.radio.timeline import RadioTimeline

NS_PER_S = 1_000_000_000
Progress = Callable[[float, float], None]


def run_simulate(args: argparse.Namespace) -> int:
    """What the command does; returns its exit code."""
    try:
        verdict = simulate(
            args.file,
            seed=args.seed,
            rig=args.rig,
            broker=args.broker,
            out=args.out,
            progress=_progress if args.rig == "real" and sys.stderr.isatty() else None,
        )
    except (SimulationError, BenchRuntimeError) as error:
        print(f"headunit: {error}", file=sys.stderr)
        return EXIT_CODES[Outcome.COULD_NOT_RUN]
    if args.json:
        print(msgspec.json.encode(verdict).decode())
    else:
        _print(verdict)
    return EXIT_CODES[verdict.verdict]


def simulate(
    file: Path,
    *,
    seed: int | None = None,
    rig: str = "virtual",
    broker: str = "ours",
    out: Path | None = None,
    make_backend: MakeBackend = Backend,
    progress: Progress | None = None,
) -> Verdict:
    """Play the scenario in `file` and judge it.

    Args:
        file: the scenario.
        seed: instead of the file's own.
        rig: "virtual" or "real".
        broker: of the real rig: "ours", "mosquitto", or an mqtt:// URL.
        out: folder for journal, summary and JUnit report.
        make_backend: tests put broken backends here.
        progress: told (seconds so far, seconds in all).

    Raises SimulationError or BenchRuntimeError when it cannot be run.
    """
    watch = Stopwatch()
    scenario = load_scenario(file)
    timeline = read_timeline(scenario, file)
    if seed is not None:
        scenario = msgspec.structs.replace(scenario, seed=seed)
    with ExitStack() as stack:
        sink: TextIO | None = None
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            sink = stack.enter_context((out / "journal.jsonl").open("w", encoding="utf-8"))
        play = _play_virtual if rig == "virtual" else _play_real
        try:
            book, simulated_s, violations = play(scenario, timeline, broker, sink, make_backend, progress)
        except ScriptError as error:
            key = "script" if error.step is None else f"script[{error.step}]"
            line = line_of(file.read_text(encoding="utf-8"), key)
            raise ScenarioError(str(file), line, key, str(error)) from None
    shown = "ours" if rig == "virtual" else broker
    verdict = Verdict(
        scenario=str(file),
        seed=scenario.seed,
        rig=rig,
        broker=shown,
        verdict=Outcome.FAIL if violations else Outcome.PASS,
        digest=book.digest(),
        sequence_digest=_sequence_digest(book),
        events=book.events,
        simulated_s=simulated_s,
        wall_s=round(watch.elapsed_s(), 3),
        violations=tuple(violations),
        replay=f"headunit simulate {file} --seed {scenario.seed}",
    )
    if out is not None:
        write_evidence(out, verdict)
    return verdict


Played = tuple[JournalBook, float, list[Violation]]


def _play_virtual(
    scenario: Scenario,
    timeline: RadioTimeline,
    broker: str,
    sink: TextIO | None,
    make_backend: MakeBackend,
    progress: Progress | None,
) -> Played:
    import gc

    from headunit.sim.virtual_rig import VirtualRig

    # A run allocates far more than it frees in cycles; the universe is dropped as a whole at its end.
    was_enabled = gc.isenabled()
    gc.disable()
    rig = VirtualRig(scenario.seed, _start_ms(scenario), sink)
    rig.disk.load(DATABASE, _empty_database())
    try:
        violations, simulated_s = rig.loop.run_until_complete(
            _run(rig, scenario, timeline, make_backend, progress)
        )
        return rig.book, simulated_s, violations
    finally:
        rig.loop.close()
        if was_enabled:
            gc.enable()


@cache
def _empty_database() -> bytes:
    """The backend's tables, made once in a process however many worlds it plays."""
    return empty_image()


def _play_real(
    scenario: Scenario,
    timeline: RadioTimeline,
    broker: str,
    sink: TextIO | None,
    make_backend: MakeBackend,
    progress: Progress | None,
) -> Played:
    import asyncio

    from headunit.sim.real_rig import RealRig

    async def run(folder: Path) -> Played:
        rig = RealRig(folder, _start_ms(scenario), seed=scenario.seed, broker=broker, sink=sink)
        try:
            playing = asyncio.create_task(_run(rig, scenario, timeline, make_backend, progress))
            failing = asyncio.create_task(rig.failure())
            await asyncio.wait((playing, failing), return_when=asyncio.FIRST_COMPLETED)
            if failing.done() and not playing.done():
                playing.cancel()
                await failing
            failing.cancel()
            violations, simulated_s = await playing
            return rig.book, simulated_s, violations
        finally:
            await rig.close()

    with TemporaryDirectory(prefix="headunit-") as folder:
        return asyncio.run(run(Path(folder)))


async def _run(
    rig: Rig,
    scenario: Scenario,
    timeline: RadioTimeline,
    make_backend: MakeBackend,
    progress: Progress | None,
) -> tuple[list[Violation], float]:
    world = World(rig, WorldConfig.of(scenario), timeline, make_backend)
    await world.open()
    violations = await Play(scenario, world, progress).run()
    rig.book.close()
    return violations, round((rig.clock.transport_ns() - world.start_ns) / NS_PER_S, 3)


def _start_ms(scenario: Scenario) -> int:
    return round(scenario.start.timestamp() * 1000)


def _sequence_digest(book: JournalBook) -> str:
    digest = sha256()
    for entry in sorted(book.entries, key=lambda e: (e.actor, e.seq)):
        digest.update(f"{entry.actor}\t{entry.kind}\t{entry.key}\t{entry.state}\n".encode())
    return digest.hexdigest()


def _print(verdict: Verdict) -> None:
    print(
        f"{verdict.verdict.upper()}  {verdict.scenario}  seed {verdict.seed}, {verdict.rig}, {verdict.broker}"
    )
    faster = verdict.simulated_s / verdict.wall_s if verdict.wall_s else 0.0
    print(
        f"  {verdict.simulated_s:,.0f} s in {verdict.wall_s:.2f} s ({faster:,.0f} x), {verdict.events} events"
    )
    print(f"  digest {verdict.digest}")
    for violation in verdict.violations:
        rule = f" [{violation.rule}]" if violation.rule else ""
        print(f"  VIOLATED {violation.checker}{rule}: {violation.text}")
        for line in violation.story:
            print(f"    {line}")
    if verdict.violations:
        print(f"  replay: {verdict.replay}")


def _progress(second: float, of_s: float) -> None:
    print(f"\r{second:6.0f} of {of_s:.0f} s", end="\n" if second >= of_s else "", file=sys.stderr, flush=True)
