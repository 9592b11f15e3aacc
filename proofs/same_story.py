"""Real time tells the same story as virtual time: per actor the same sequence of (kind, key, state).

Three minutes of a drive with an order and an outage in it, in virtual time, and over real sockets with our
broker and with mosquitto.
"""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from headunit.sim.scenario_file import resolve
from headunit.sim.simulate import simulate
from proofs.evidence import ROOT, Evidence, commit
from runtime.journal import actor_sequences, read_journal

CLAIM = "per actor, the same (kind, key, state) in the same order on every rig, at least 25 events"
EVENTS_AT_LEAST = 25
RECORDED = ROOT / "scenarios" / "first_order_cork_excerpt.toml"
GENERATED = ROOT / "scenarios" / "first_order_excerpt.toml"

Sequences = dict[str, list[tuple[str, str, str]]]


def scenario() -> Path:
    """The recorded drive where it is at hand, else the generated one."""
    recording = resolve(RECORDED, "$BENCH_DATA/drives/cork_5g_lte_drive_2020-01-16.csv")
    return RECORDED if recording.exists() else GENERATED


def run(_: Evidence | None) -> Evidence:
    """Play the three minutes on three rigs and compare."""
    file = scenario()
    with TemporaryDirectory() as name:
        virtual, real, foreign = play_on_three_rigs(file, Path(name))
    differences = {
        "ours": first_differences(virtual, real),
        "mosquitto": first_differences(virtual, foreign),
    }
    events = sum(len(sequence) for sequence in virtual.values())
    return Evidence(
        proof="same_story",
        claim=CLAIM,
        commit=commit(),
        command="make proof NAME=same_story",
        passed=not any(differences.values()) and events >= EVENTS_AT_LEAST,
        figures={
            "scenario": file.name,
            "events": {actor: len(sequence) for actor, sequence in virtual.items()},
            "events_in_all": events,
            "compared": ["virtual / real, our broker", "virtual / real, mosquitto"],
            "first_differences": differences,
        },
        done=["all"],
    )


def play_on_three_rigs(file: Path, folder: Path) -> tuple[Sequences, Sequences, Sequences]:
    """The sequences of `file` in virtual time, and of two real runs side by side: ours and mosquitto."""
    virtual = _play(file, "virtual", "ours", folder / "virtual")
    return virtual, *asyncio.run(_both(file, folder))


async def _both(file: Path, folder: Path) -> tuple[Sequences, Sequences]:
    return await asyncio.gather(
        asyncio.to_thread(_play, file, "real", "ours", folder / "ours"),
        asyncio.to_thread(_play, file, "real", "mosquitto", folder / "mosquitto"),
    )


def _play(file: Path, rig: str, broker: str, out: Path) -> Sequences:
    verdict = simulate(file, rig=rig, broker=broker, out=out)
    print(f"{rig:8} {broker:10} {verdict.verdict}, {verdict.events} events", flush=True)
    return actor_sequences(read_journal(out / "journal.jsonl"))


def first_differences(one: Sequences, other: Sequences) -> dict[str, list[str]]:
    """Per actor whose sequences differ: position, and what stands there in each."""
    found = {}
    for actor in sorted({*one, *other}):
        left, right = one.get(actor, []), other.get(actor, [])
        for n in range(max(len(left), len(right))):
            here = left[n] if n < len(left) else None
            there = right[n] if n < len(right) else None
            if here != there:
                found[actor] = [f"event {n}", str(here), str(there)]
                break
    return found
