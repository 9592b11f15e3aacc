"""Both halves of the proof in slices: first the packets, then the connections."""

import asyncio
from typing import Any, Final

import msgspec

from proofs.evidence import Evidence, commit
from proofs.hostile.fuzz import PACKETS_IN_ALL, FuzzFigures, play_stories
from proofs.hostile.siege import besiege
from runtime.stopwatch import Stopwatch

CLAIM: Final = (
    "2,000,000 random and mutated packets into the broker and 100,000 hostile connections: no crash, no leak,"
    " other clients unharmed (their p99 at most 3 times the quiet p99)"
)
_COMMAND: Final = "make proof NAME=hostile"
_SLICE_S: Final = 15 * 60.0
_SIEGE_S: Final = 12 * 60.0
"""What a siege may take: one that would end after its slice waits for the next one."""


def run_slice(before: Evidence | None) -> Evidence:
    """Go on where the last slice stopped, at the same commit; otherwise from the start."""
    watch = Stopwatch()
    here = commit()
    known: dict[str, Any] = before.figures if before is not None and before.commit == here else {}
    fuzz = msgspec.convert(known.get("fuzz", {}), FuzzFigures)
    figures: dict[str, Any] = {"fuzz": fuzz}
    if not fuzz.is_done:
        play_stories(fuzz, _SLICE_S)
    holds = fuzz.holds
    is_over = fuzz.is_done and watch.elapsed_s() < 30 * 60.0 - _SIEGE_S
    if is_over:
        siege = asyncio.run(besiege())
        figures["siege"] = siege
        holds = holds and siege.holds
    return Evidence(
        proof="hostile",
        claim=CLAIM,
        commit=here,
        command=_COMMAND,
        passed=holds,
        figures=msgspec.to_builtins(figures),
        done=[f"stories 0 to {fuzz.stories - 1}, {fuzz.packets:,} of {PACKETS_IN_ALL:,} packets"]
        + ["the siege"] * is_over,
        goes_on_with="" if is_over else _COMMAND,
    )
