"""No kill, power cut or outage at any instant loses an order or doubles a payment.

Seeded stories in virtual time: an order, its payment with some outcome, and around them one to three
faults and outages at random instants. A slice runs for at most 30 minutes; the next one goes on.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from headunit.sim.simulate import simulate
from proofs.evidence import Evidence, commit
from runtime.randomness import SeededRandomness
from runtime.stopwatch import Stopwatch

CLAIM = "every checker is silent, whatever is killed, cut or covered, and whenever"
SLICE_S = 25 * 60.0
SEEDS_IN_ALL = 4000
OUTCOMES = ("approve", "approve", "late", "duplicate", "decline", "silent", "wrong_amount")
CAUSES = ("tunnel", "no_coverage", "operator_down", "peak_load", "garage")

HEAD = """\
seed = {seed}
start = 2026-03-02T07:20:00Z
duration_s = 300
settle_s = 300
activation_delay_s = 10
"""
ORDER = """\
[[script]]
at_s = 20
within_s = 200
choose = ["ConnectedDrive", "ConnectedDrive Store", "Real Time Traffic Information", "3 months", "Checkout"]

[[script]]
at_s = 24
within_s = 200
choose = ["Order"]
"""


def story(seed: int) -> str:
    """The scenario of one seed, as TOML."""
    chance = SeededRandomness(seed).stream("faults")
    paid = f'outcome = "{chance.choice(OUTCOMES)}", delay_s = {chance.randint(0, 40)}'
    parts = [
        HEAD.format(seed=seed),
        ORDER,
        f"[[script]]\nat_s = 60\nwithin_s = 120\noptional = true\npay = {{ {paid} }}\n",
    ]
    for _ in range(chance.randint(1, 3)):
        at_s = round(chance.choice((chance.uniform(24, 28), chance.uniform(55, 110))), 3)
        if chance.random() < 0.5:
            until_s = round(at_s + chance.uniform(0.5, 90), 3)
            parts.append(
                f'[[causes]]\nkind = "{chance.choice(CAUSES)}"\nfrom_s = {at_s}\nuntil_s = {until_s}\n'
            )
        else:
            program = chance.choice(("car", "backend", "broker"))
            kind = "kill" if program == "broker" else chance.choice(("kill", "power_cut"))
            down_s = round(chance.uniform(0.1, 20), 3)
            parts.append(
                f'[[faults]]\nkind = "{kind}"\nprogram = "{program}"\nat_s = {at_s}\ndown_s = {down_s}\n'
            )
    return "\n".join(parts)


def run(before: Evidence | None) -> Evidence:
    """Play seeds for one slice, from where the last one stopped."""
    watch = Stopwatch()
    same_code = before is not None and before.commit == commit()
    figures = before.figures if before is not None and same_code else {}
    first = int(figures.get("seeds", 0))
    failures: list[str] = list(figures.get("failures", []))
    events = int(figures.get("events", 0))
    simulated_s = float(figures.get("simulated_s", 0.0))
    seed = first
    with TemporaryDirectory() as name:
        file = Path(name) / "story.toml"
        while seed < SEEDS_IN_ALL and watch.elapsed_s() < SLICE_S:
            file.write_text(story(seed), encoding="utf-8")
            verdict = simulate(file)
            events += verdict.events
            simulated_s += verdict.simulated_s
            failures += [f"seed {seed}: [{v.rule}] {v.text}" for v in verdict.violations]
            seed += 1
            if seed % 100 == 0:
                print(f"{seed} of {SEEDS_IN_ALL} seeds, {len(failures)} violations", flush=True)
    return Evidence(
        proof="faults",
        claim=CLAIM,
        commit=commit(),
        command="make proof NAME=faults",
        passed=not failures,
        figures={
            "seeds": seed,
            "of": SEEDS_IN_ALL,
            "failures": failures,
            "events": events,
            "simulated_s": round(simulated_s),
            "car_hours_per_wall_s": round((simulated_s / 3600) / max(watch.elapsed_s(), 0.001), 1),
        },
        done=[f"seeds 0 to {seed - 1}"],
        goes_on_with="" if seed >= SEEDS_IN_ALL else "make proof NAME=faults",
    )
