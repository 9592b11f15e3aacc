"""The same file and seed give the same bytes: in one process, in another, whatever Python hashes with."""

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

import pytest

from headunit.sim.scenario_file import resolve
from headunit.sim.simulate import simulate
from headunit.sim.verdict import Outcome
from tests.headunit.sim.stories import SCENARIOS

OURS = sorted(file.name for file in SCENARIOS.glob("*.toml") if "cork" not in file.name)
CORK = ("first_order_cork.toml", "first_order_cork_excerpt.toml")
RECORDING = resolve(SCENARIOS / CORK[0], "$BENCH_DATA/drives/cork_5g_lte_drive_2020-01-16.csv")
needs_cork = pytest.mark.skipif(not RECORDING.exists(), reason=f"no recording of Cork: {RECORDING}")
FROM_CORK = [pytest.param(name, marks=(pytest.mark.bench_data, needs_cork)) for name in CORK]
TWO_ORDERS = ["first_order.toml", "first_order_excerpt.toml"]


def test_every_scenario_that_is_shipped_is_played_here() -> None:
    shipped = {file.name for file in SCENARIOS.glob("*.toml")}
    assert {*TWO_ORDERS, *CORK} <= shipped == {*OURS, *CORK}


@pytest.mark.parametrize("name", [*OURS, *FROM_CORK])
def test_played_twice_it_passes_twice_with_one_digest(name: str) -> None:
    first = simulate(SCENARIOS / name)
    again = simulate(SCENARIOS / name)
    assert first.verdict is Outcome.PASS, first.violations
    assert first.digest == again.digest
    assert first.sequence_digest == again.sequence_digest
    assert first.events == again.events > 40


@pytest.mark.parametrize("name", OURS)
def test_another_seed_passes_with_another_digest(name: str) -> None:
    verdict = simulate(SCENARIOS / name, seed=8)
    assert verdict.verdict is Outcome.PASS, verdict.violations
    assert (verdict.seed, verdict.replay) == (8, f"headunit simulate {SCENARIOS / name} --seed 8")
    assert verdict.digest != simulate(SCENARIOS / name).digest


@pytest.mark.parametrize("name", [*TWO_ORDERS, *FROM_CORK])
def test_other_processes_and_other_hash_seeds_make_no_difference(name: str) -> None:
    command = [sys.executable, "-m", "headunit", "simulate", str(SCENARIOS / name), "--json"]
    with ExitStack() as stack:
        runs = [
            stack.enter_context(
                subprocess.Popen(
                    command,
                    env={**os.environ, "PYTHONHASHSEED": hash_seed},
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for hash_seed in ("1", "4242")
        ]
        said = [run.communicate(timeout=60)[0] for run in runs]
    digests = [json.loads(text)["digest"] for text in said]
    assert digests == [simulate(SCENARIOS / name).digest] * 2


def test_the_journal_that_is_written_is_the_journal_that_is_digested(tmp_path: Path) -> None:
    verdict = simulate(SCENARIOS / "first_order_excerpt.toml", out=tmp_path)
    written = (tmp_path / "journal.jsonl").read_bytes()
    assert sha256(written).hexdigest() == verdict.digest
    assert written.count(b"\n") == verdict.events
