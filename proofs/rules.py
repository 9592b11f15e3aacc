"""Every story of scenarios/rules on the real rig: real sockets, real paho, the machine's clock.

The stories mostly sleep, so they are played side by side, each in a process of its own. Where a program is
killed the story needs virtual time, and the evidence says so.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec

from headunit.sim.scenario_file import load_scenario
from proofs.evidence import ROOT, Evidence, commit
from proofs.same_story import first_differences
from runtime.journal import actor_sequences, read_journal

CLAIM: Final = (
    "every story of scenarios/rules is kept in real time as in virtual time, and the backend does the same"
    " things in the same order"
)
_COMMAND: Final = "make proof NAME=rules"
_SIDE_BY_SIDE: Final = 48
_NO_VERDICT: Final = "could not be run"
_START_GAP_S: Final = 2.0
"""A process that starts takes a core for a second; stories that have begun must not feel it."""


def run(before: Evidence | None) -> Evidence:
    """Play what has not been played at this commit."""
    here = commit()
    known: dict[str, Any] = before.figures["stories"] if before is not None and before.commit == here else {}
    kept = {name: seen for name, seen in known.items() if seen["verdict"] == "pass"}
    everything = sorted((ROOT / "scenarios" / "rules").glob("*.toml"))
    virtual_only = [file.stem for file in everything if load_scenario(file).faults]
    files = [file for file in everything if file.stem not in (*kept, *virtual_only)]
    with TemporaryDirectory() as folder:
        kept |= asyncio.run(_play_all(files, Path(folder)))
    stories = dict(sorted(kept.items()))
    passed = all(seen["verdict"] == "pass" and not seen["first_difference"] for seen in stories.values())
    return Evidence(
        proof="rules",
        claim=CLAIM,
        commit=here,
        command=_COMMAND,
        passed=passed and bool(stories),
        figures={
            "stories": stories,
            "in_all": len(stories),
            "needs_virtual_time": virtual_only,
            "events": sum(seen["events"] for seen in stories.values()),
            "real_s": round(sum(seen["real_s"] for seen in stories.values())),
            "worst_jitter_ms": max((seen["jitter_ms"] for seen in stories.values()), default=0.0),
        },
        done=list(stories),
        goes_on_with="" if passed else _COMMAND,
    )


async def _play_all(files: list[Path], folder: Path) -> dict[str, dict[str, Any]]:
    room = asyncio.Semaphore(_SIDE_BY_SIDE)
    begin = asyncio.Lock()

    async def play(file: Path) -> tuple[str, dict[str, Any]]:
        async with room:
            async with begin:
                await asyncio.sleep(_START_GAP_S)
                await _simulate(file, "virtual", folder / file.stem)
            return file.stem, await _play(file, folder / file.stem)

    return dict(await asyncio.gather(*map(play, files)))


async def _play(file: Path, folder: Path) -> dict[str, Any]:
    """One story in real time, and beside it what virtual time has made of it."""
    verdict = await _simulate(file, "real", folder)
    print(f"{file.stem:32} {verdict.get('verdict', _NO_VERDICT)}", flush=True)
    if not verdict:
        return {"verdict": _NO_VERDICT, "events": 0, "real_s": 0.0, "jitter_ms": 0.0, "first_difference": []}
    real, virtual = (
        {"backend": actor_sequences(read_journal(folder / rig / "journal.jsonl")).get("backend", [])}
        for rig in ("real", "virtual")
    )
    return {
        "verdict": verdict["verdict"],
        "events": verdict["events"],
        "real_s": verdict["wall_s"],
        "jitter_ms": verdict["jitter_ms"],
        "first_difference": first_differences(virtual, real).get("backend", []),
        "violations": [violation["text"] for violation in verdict["violations"]],
    }


async def _simulate(file: Path, rig: str, folder: Path) -> dict[str, Any]:
    command = ("-m", "headunit", "simulate", str(file), "--rig", rig, "--out", str(folder / rig), "--json")
    process = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT, stdout=PIPE)
    out, _ = await process.communicate()
    verdict: dict[str, Any] = msgspec.json.decode(out) if out.strip() else {}
    return verdict
