"""The healed time comes after everything that happens in a scenario, also where that outlasts the drive."""

from pathlib import Path

from headunit.sim.verdict import Outcome
from tests.headunit.sim.stories import BOOKED, TO_CHECKOUT, cause, choose, pay, play, write


def test_what_outlasts_the_drive_is_healed_as_long(tmp_path: Path) -> None:
    script = (choose(82, *TO_CHECKOUT, "Order"), pay(90))
    file = write(tmp_path, *script, cause(95, 140), BOOKED, duration_s=20, settle_s=60)
    run = play(file)
    assert run.told() == []
    assert (run.verdict.verdict, run.verdict.simulated_s) == (Outcome.PASS, 200.0)


def test_otherwise_it_comes_after_the_drive(tmp_path: Path) -> None:
    assert play(write(tmp_path, duration_s=20, settle_s=60)).verdict.simulated_s == 80.0
