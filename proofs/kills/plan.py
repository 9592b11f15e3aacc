"""Which instants there are, from an undisturbed run: every one of them once, and some by chance."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from proofs.kills.file_log import Kept
from proofs.kills.programs import BrokerKind
from proofs.kills.shim import Point
from proofs.kills.story import Instant, Result
from runtime.randomness import SeededRandomness

RANDOM_INSTANTS = 20
CUTS = ((Kept.NOTHING, 0), (Kept.SOME, 1), (Kept.SOME, 2))
"""What of the unsynced a power cut keeps, and the seed that draws; ALL is what a kill leaves."""

CUT_POINTS = (
    Point.COMMIT_BEFORE,
    Point.COMMIT_WRITTEN,
    Point.COMMIT_SYNCED,
    Point.SEND_AFTER,
    Point.PUBACK_AFTER,
)
"""The others differ from one of these by no write."""


class Undisturbed(msgspec.Struct, frozen=True):
    """A run without a death: per program how often each point was passed, and how long it took."""

    counts: dict[str, dict[str, int]]
    story_s: float

    @classmethod
    def of(cls, result: Result) -> "Undisturbed":
        """What `result` shows; a point nobody passes is left out."""
        counts = {
            program: {point: n for point, n in points.items() if n}
            for program, points in result.counts.items()
        }
        return cls(
            {program: points for program, points in counts.items() if points}, round(result.story_s, 3)
        )


def instants(broker: BrokerKind, undisturbed: Undisturbed) -> list[Instant]:
    """Every death of the proof with one broker, in a fixed order."""
    counts = undisturbed.counts
    found = [
        Instant(broker=broker, program=program, point=point, index=index)
        for program in ("car", "backend", "broker")
        for point, n in counts.get(program, {}).items()
        for index in range(1, n + 1)
    ]
    for program in ("car", "backend", "broker", "telematics"):
        chance = SeededRandomness(1).stream(f"kills:{broker}:{program}")
        found += [
            Instant(broker=broker, program=program, after_s=round(chance.uniform(0, undisturbed.story_s), 4))
            for _ in range(RANDOM_INSTANTS)
        ]
    return found + _cuts(broker, counts)


def _cuts(broker: BrokerKind, counts: Mapping[str, Mapping[str, int]]) -> list[Instant]:
    """Power cuts: of car and backend where they are not repeated work, of a broker that keeps sessions."""
    with_files = {
        BrokerKind.OURS: ("car", "backend"),
        BrokerKind.OURS_KEEPING: ("broker",),
        BrokerKind.MOSQUITTO: (),
    }
    return [
        Instant(broker=broker, program=program, point=point.name, index=index, cut=kept.value, seed=seed)
        for program in with_files[broker]
        for point in CUT_POINTS
        for index in range(1, counts.get(program, {}).get(point.name, 0) + 1)
        for kept, seed in CUTS
    ]


class MutantCase(msgspec.Struct, frozen=True):
    """A program broken on purpose, and the death that must show it."""

    mutant: str
    instant: Instant
    patience_s: float = 15.0


def _case(mutant: str, program: str, point: Point, cut: str = "") -> MutantCase:
    return MutantCase(
        mutant, Instant(broker=BrokerKind.OURS, program=program, point=point.name, index=1, cut=cut)
    )


MUTANT_CASES: Sequence[MutantCase] = (
    _case("unsynced", "backend", Point.SEND_AFTER, Kept.NOTHING.value),
    _case("hasty", "broker", Point.SEND_BEFORE),
    _case("eager", "backend", Point.PUBACK_AFTER),
    _case("forgetful", "car", Point.SEND_AFTER),
)


def percentile_s(values: Sequence[float], percent: int) -> float | None:
    """The nearest-rank percentile, to the millisecond; None of nothing."""
    if not values:
        return None
    rank = -(-len(values) * percent // 100)
    return round(sorted(values)[max(rank, 1) - 1], 3)


def summary(values: Sequence[float]) -> dict[str, Any]:
    """Median, 95th percentile and worst of some seconds."""
    return {
        "p50_s": percentile_s(values, 50),
        "p95_s": percentile_s(values, 95),
        "max_s": percentile_s(values, 100),
    }
