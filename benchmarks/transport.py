"""`python -m benchmarks.transport`: what a message through the whole transport costs, as ratios of one run.

Each figure is a median over interleaved rounds of CPU time. With `--prototypes DIR` (the folder that holds
`virtual_time`) the throw-away programs that the project began with run in between.
"""

import argparse
import gc
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import median
from time import process_time
from types import ModuleType

from benchmarks.fleet import run_fleet
from benchmarks.reference import heap_rate
from benchmarks.sparse import car_hours_rate

FLEET = 1000


@dataclass(frozen=True)
class Row:
    """One line of the table: `measure` and `against` give rates of the same kind, `target` their ratio."""

    name: str
    unit: str
    measure: Callable[[int], float]
    against_name: str
    against: Callable[[int], float]
    target: float
    rounds: int = 5


def rows(prototypes: Path | None, quick: bool) -> list[Row]:
    """What is measured; the rows against the prototypes only where those are."""
    fleet_s = 12.0 if quick else 30.0
    one_car_s = 4_000.0 if quick else 12_000.0
    seeds = 2 if quick else 4
    table = [
        Row(
            f"{FLEET} cars, MQTT 5, no header",
            "messages/s",
            lambda _: run_fleet(FLEET, fleet_s, full_header=False),
            "bare heap",
            lambda _: heap_rate(FLEET),
            1 / 62,
        ),
        Row(
            f"{FLEET} cars, MQTT 5, full header",
            "messages/s",
            lambda _: run_fleet(FLEET, fleet_s, full_header=True),
            "bare heap",
            lambda _: heap_rate(FLEET),
            1 / 100,
        ),
    ]
    if prototypes is None:
        return table
    bench = _prototype(prototypes, "bench")
    campaign = _prototype(prototypes, "campaign")

    def prototype_messages(_: int) -> float:
        begun = process_time()
        messages, _events = bench.paho(1, one_car_s)
        return float(messages) / (process_time() - begun)

    def prototype_car_hours(round_number: int) -> float:
        begun = process_time()
        for seed in _seeds(round_number, seeds):
            campaign.universe(seed, 1, 24.0, "paho")
        return seeds * 24.0 / (process_time() - begun)

    return [
        *table,
        Row(
            "1 car, MQTT 5, full header",
            "messages/s",
            lambda _: run_fleet(1, one_car_s, full_header=True),
            "prototype paho, 3.1.1",
            prototype_messages,
            0.8,
        ),
        Row(
            f"sparse driving, {seeds} seeds x 24 h a round, SQLite",
            "car-hours/s",
            lambda round_number: car_hours_rate(_seeds(round_number, seeds), 24.0),
            "prototype, in memory",
            prototype_car_hours,
            0.9,
            rounds=25,  # short rounds: what else the machine does then falls on both
        ),
    ]


def _seeds(round_number: int, count: int) -> range:
    return range(round_number * count, (round_number + 1) * count)


def _prototype(folder: Path, name: str) -> ModuleType:
    where = str(folder / "virtual_time")
    if where not in sys.path:
        sys.path.append(where)
    return import_module(name)


def measure(row: Row, rounds: int) -> tuple[float, float, float]:
    """Medians over interleaved rounds: our rate, the other rate, their ratio."""
    ours, theirs = [], []
    for round_number in range(rounds):
        gc.collect()
        theirs.append(row.against(round_number))
        gc.collect()
        ours.append(row.measure(round_number))
        gc.collect()
        theirs.append(row.against(round_number))
    ratios = [
        rate / ((before + after) / 2)
        for rate, before, after in zip(ours, theirs[::2], theirs[1::2], strict=True)
    ]
    return median(ours), median(theirs), median(ratios)


def share(ratio: float) -> str:
    """A ratio as people read it: 1/48 or 1.32."""
    return f"{ratio:.2f}" if ratio >= 0.2 else f"1/{1 / ratio:.1f}"


def main(arguments: list[str] | None = None) -> int:
    """Print the table; exit code 1 when a target was missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.transport", description=__doc__)
    parser.add_argument("--prototypes", type=Path, help="folder with the prototypes, to run them in between")
    parser.add_argument(
        "--quick", action="store_true", help="fewer seconds and seeds: for a look, not for a verdict"
    )
    options = parser.parse_args(arguments)
    missed = False
    print(f"{'':48} {'rate per CPU s':>24} {'against':>36} {'ratio':>8} {'target':>8}")
    for row in rows(options.prototypes, options.quick):
        ours, theirs, ratio = measure(row, 3 if options.quick else row.rounds)
        missed = missed or ratio < row.target
        verdict = "" if ratio >= row.target else "  missed"
        print(
            f"{row.name:48} {ours:12,.0f} {row.unit:>11} {row.against_name:>24} {theirs:11,.0f} "
            f"{share(ratio):>8} {share(row.target):>8}{verdict}",
            flush=True,
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
