"""`python -m benchmarks.system`: the whole system's car-hours per CPU-second, and where the time goes.

Everything is at work: presenter, car, modem, radio, link, broker, backend with its SQL store, payments. A
car stands and drives for hours; five orders and four outages an hour, each order paid on the phone. The
sparse transport alone (`benchmarks.sparse`) and a bare heap run in between.
"""

import argparse
import gc
import sys
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

from benchmarks.profile import print_shares, shares
from benchmarks.sparse import car_hours_rate
from headunit.sim.simulate import simulate

ORDERS_PER_H = 5.0
OUTAGES_PER_H = 4.0
ORDER_GAP_S = 600.0
"""The next order waits until the last one is paid and seen in the car, whatever the coverage."""
PATH = (
    '["ConnectedDrive", "ConnectedDrive Store", "Real Time Traffic Information", "3 months",'
    ' "Checkout", "Order"]'
)


def story(seed: int, hours: float) -> str:
    """A scenario of one car for some hours, as TOML."""
    chance = Random(f"system:{seed}")
    length_s = hours * 3600
    parts = [f"seed = {seed}\nstart = 2026-03-02T00:00:00Z\nduration_s = {length_s}\nsettle_s = 600\n"]
    at_s = 60.0
    while (
        at_s := at_s + ORDER_GAP_S + chance.expovariate(1 / (3600 / ORDERS_PER_H - ORDER_GAP_S))
    ) < length_s - 900:
        parts.append(
            f'[[script]]\nat_s = {at_s:.3f}\nwithin_s = 900\nknob = ["menu"]\n\n'
            f"[[script]]\nat_s = {at_s + 1:.3f}\nwithin_s = 900\nchoose = {PATH}\n\n"
            f"[[script]]\nat_s = {at_s + 60:.3f}\nwithin_s = 900\npay = {{}}\n"
        )
    at_s = 0.0
    while (at_s := at_s + chance.expovariate(OUTAGES_PER_H / 3600)) < length_s - 900:
        until_s = at_s + chance.uniform(10, 400)
        parts.append(f'[[causes]]\nkind = "no_coverage"\nfrom_s = {at_s:.3f}\nuntil_s = {until_s:.3f}\n')
        at_s = until_s
    return "\n".join(parts)


def system_rate(seeds: range, hours: float) -> float:
    """Car-hours per CPU-second of the whole system."""
    simulated_s = 0.0
    with TemporaryDirectory() as name:
        begun = process_time()
        for seed in seeds:
            file = Path(name) / f"{seed}.toml"
            file.write_text(story(seed, hours), encoding="utf-8")
            verdict = simulate(file)
            if verdict.violations:
                raise SystemExit(f"seed {seed}: {verdict.violations[0].text}")
            simulated_s += verdict.simulated_s
        return simulated_s / 3600 / (process_time() - begun)


def profile(hours: float) -> list[tuple[str, float]]:
    """Share of the CPU time by room and library, largest first."""
    return shares(lambda: system_rate(range(1000, 1001), hours))


def main(arguments: list[str] | None = None) -> int:
    """Print the rates, their ratio, and the profile."""
    parser = argparse.ArgumentParser(prog="benchmarks.system", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer seeds and hours")
    options, _ = parser.parse_known_args(arguments)
    rounds, seeds, hours = (2, 1, 6.0) if options.quick else (5, 2, 24.0)
    system: list[float] = []
    transport: list[float] = []
    for n in range(rounds):
        block = range(n * seeds, (n + 1) * seeds)
        for rates, rate in ((system, system_rate), (transport, car_hours_rate)):
            gc.collect()
            rates.append(rate(block, hours))
    ratio = median(a / b for a, b in zip(system, transport, strict=True))
    size = f"{hours:g} h x {rounds * seeds} seeds"
    print(f"whole system      {median(system):8.1f} car-hours per CPU-second ({size})")
    print(
        f"transport alone   {median(transport):8.1f} car-hours per CPU-second; system / transport {ratio:.2f}"
    )
    print("where the whole system's time goes:")
    print_shares(profile(hours))
    return 0


if __name__ == "__main__":
    sys.exit(main())
