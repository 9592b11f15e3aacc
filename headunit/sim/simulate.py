"""Plays one scenario file on one rig and judges what was seen."""

import shlex
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import TextIO

import msgspec

from backend_stub.app import Backend
from headunit.sim.broker_world import ACTIONS
from headunit.sim.drive import read_timeline
from headunit.sim.errors import ScenarioError, ScriptError
from headunit.sim.evidence import forget_evidence, write_evidence
from headunit.sim.scenario import BrokerTable, Scenario
from headunit.sim.scenario_file import line_of, load_scenario
from headunit.sim.stage import Played, Progress, Staging, play_real, play_virtual
from headunit.sim.verdict import Outcome, Verdict
from headunit.sim.world import MakeBackend
from runtime.journal import JournalBook
from runtime.stopwatch import Stopwatch

JITTER_BUDGET_MS = 250.0
"""When a real event loop was later than this, a promise that was not kept says nothing about the system."""


def simulate(
    file: Path,
    *,
    seed: int | None = None,
    rig: str = "virtual",
    broker: str = "ours",
    database: str = "",
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
        database: postgresql:// URL for the backend's store, in a schema of the run's own; "" for SQLite.
        out: folder for journal, summary and JUnit report.
        make_backend: tests put broken backends here.
        progress: told (seconds so far, seconds in all).

    Raises SimulationError, BenchRuntimeError or StoreError when it cannot be run.
    """
    watch = Stopwatch()
    scenario = load_scenario(file)
    timeline = read_timeline(scenario, file)
    if seed is not None:
        scenario = msgspec.structs.replace(scenario, seed=seed)
    if rig != "virtual":
        _check_for_real(file, scenario, rig, broker)
    with ExitStack() as stack:
        sink: TextIO | None = None
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            forget_evidence(out)
            sink = stack.enter_context((out / "journal.jsonl").open("w", encoding="utf-8"))
        staging = Staging(
            scenario=scenario,
            timeline=timeline,
            broker=broker,
            database=database,
            sink=sink,
            make_backend=make_backend,
            progress=progress,
        )
        try:
            played = play_virtual(staging) if rig == "virtual" else play_real(staging)
        except ScriptError as error:
            key = "script" if error.step is None else f"script[{error.step}]"
            line = line_of(file.read_text(encoding="utf-8-sig"), key)
            raise ScenarioError(str(file), line, key, str(error)) from None
    verdict = Verdict(
        scenario=str(file),
        seed=scenario.seed,
        rig=rig,
        broker="ours" if rig == "virtual" else broker,
        verdict=judge(played),
        digest=played.book.digest(),
        sequence_digest=_sequence_digest(played.book),
        events=played.book.events,
        simulated_s=played.simulated_s,
        wall_s=round(watch.elapsed_s(), 3),
        jitter_ms=played.jitter_ms,
        violations=played.violations,
        replay=_replay(file, scenario.seed, rig, broker),
    )
    if out is not None:
        write_evidence(out, verdict)
    return verdict


def judge(played: Played) -> Outcome:
    """Pass without violations; with some, fail, unless the rig was too slow to tell."""
    if not played.violations:
        return Outcome.PASS
    return Outcome.INCONCLUSIVE if played.jitter_ms > JITTER_BUDGET_MS else Outcome.FAIL


def _replay(file: Path, seed: int, rig: str, broker: str) -> str:
    words = ["headunit", "simulate", str(file), "--seed", str(seed)]
    if rig != "virtual":
        words += ["--rig", rig, "--broker", broker]
    return shlex.join(words)


def _sequence_digest(book: JournalBook) -> str:
    digest = sha256()
    for entry in sorted(book.entries, key=lambda e: (e.actor, e.seq)):
        digest.update(f"{entry.actor}\t{entry.kind}\t{entry.key}\t{entry.state}\n".encode())
    return digest.hexdigest()


def _check_for_real(file: Path, scenario: Scenario, rig: str, broker: str) -> None:
    """Refuse what cannot be had in one real process, or of a broker that is not ours."""

    def refuse(key: str, why: str) -> None:
        raise ScenarioError(str(file), line_of(file.read_text(encoding="utf-8-sig"), key), key, why)

    for n, fault in enumerate(scenario.faults):
        if fault.kind not in ACTIONS:
            refuse(
                f"faults[{n}]",
                f"programs cannot be killed on the {rig} rig: run this scenario with --rig virtual",
            )
        elif broker != "ours":
            refuse(f"faults[{n}]", f"{broker} cannot be told to fail: run this scenario with --broker ours")
    if broker != "ours" and scenario.broker != BrokerTable():
        refuse("broker", f"{broker} is not set up by a scenario: run this scenario with --broker ours")
