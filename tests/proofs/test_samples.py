"""A small, fixed sample of every proof; the long ones leave their evidence in docs/evidence."""

from pathlib import Path

import pytest

from headunit.sim.simulate import simulate
from headunit.sim.verdict import Outcome
from proofs.__main__ import PROOFS
from proofs.evidence import ROOT, is_known, read_evidence
from proofs.faults import story
from proofs.same_story import EVENTS_AT_LEAST, first_differences, play_on_three_rigs
from runtime.mqtt.mosquitto import find_mosquitto

HALF_A_MINUTE = """\
start = 2026-03-02T07:20:00Z
seed = 11
duration_s = 27
settle_s = 3
activation_delay_s = 2

[[causes]]
kind = "tunnel"
from_s = 9
until_s = 15

[[script]]
at_s = 4
choose = [
    "ConnectedDrive", "ConnectedDrive Store", "Real Time Traffic Information", "3 months", "Checkout", "Order"
]

[[script]]
at_s = 10
pay = { delay_s = 1 }

[[expect]]
actor = "car"
kind = "booked"
key = "RTTI"
state = "ACTIVE"
by_s = 27
rule = "R-404"
"""


@pytest.mark.mosquitto
@pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")
def test_real_time_tells_the_story_of_virtual_time(tmp_path: Path) -> None:
    file = tmp_path / "story.toml"
    file.write_text(HALF_A_MINUTE, encoding="utf-8")
    virtual, ours, mosquitto = play_on_three_rigs(file, tmp_path)
    assert sum(len(sequence) for sequence in virtual.values()) >= EVENTS_AT_LEAST
    assert first_differences(virtual, ours) == {}
    assert first_differences(virtual, mosquitto) == {}


@pytest.mark.req("R-204", "R-305", "R-401", "R-404")
@pytest.mark.parametrize("seed", range(24))
def test_no_fault_loses_an_order_or_doubles_a_payment(seed: int, tmp_path: Path) -> None:
    file = tmp_path / "story.toml"
    file.write_text(story(seed), encoding="utf-8")
    verdict = simulate(file)
    assert verdict.violations == ()
    assert verdict.verdict is Outcome.PASS


@pytest.mark.parametrize("name", PROOFS)
def test_every_proof_was_run_at_a_known_commit(name: str) -> None:
    evidence = read_evidence(name)
    assert evidence is not None, f"never run: make proof NAME={name}"
    assert evidence.passed
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: the commit of the evidence cannot be looked up")
    assert is_known(evidence.commit), (
        f"{name} was proved at {evidence.commit}, which this history does not have"
    )
