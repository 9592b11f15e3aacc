"""Every story in scenarios/rules is kept, can be broken, and names the rules it tells of."""

import re
from pathlib import Path

import msgspec
import pytest

from headunit.sim.drive import read_timeline
from headunit.sim.scenario import Scenario
from headunit.sim.scenario_file import load_scenario
from headunit.sim.simulate import simulate
from headunit.sim.stage import Staging, play_virtual
from headunit.sim.verdict import Outcome
from tests.postgres import PostgresServer, needs_postgresql

RULES = Path(__file__).parents[2] / "scenarios" / "rules"
STORIES = sorted(path.stem for path in RULES.glob("*.toml"))


def story(name: str) -> tuple[Path, Scenario]:
    path = RULES / f"{name}.toml"
    return path, load_scenario(path)


@pytest.mark.parametrize("name", STORIES)
def test_the_story_is_kept_in_virtual_time_and_again_to_the_byte(name: str) -> None:
    path, _ = story(name)
    first = simulate(path)
    assert first.verdict is Outcome.PASS, first.violations
    assert simulate(path).digest == first.digest


@pytest.mark.parametrize("name", [pytest.param(name, marks=needs_postgresql) for name in STORIES])
def test_postgresql_tells_the_story_of_sqlite_to_the_byte(name: str, postgres: PostgresServer) -> None:
    path, _ = story(name)
    on_server = simulate(path, database=postgres.url())
    assert on_server.verdict is Outcome.PASS, on_server.violations
    assert on_server.digest == simulate(path).digest


@pytest.mark.parametrize("name", STORIES)
def test_it_says_what_it_is_and_every_expectation_names_its_rule(name: str) -> None:
    path, scenario = story(name)
    assert scenario.title
    assert scenario.expect
    for expectation in scenario.expect:
        assert re.fullmatch(r"(R-\d{3})( to R-\d{3}|, R-\d{3})*", expectation.rule), expectation
    assert path.read_text(encoding="utf-8").count("\n#") >= 1, "a story has its beats as comments"


@pytest.mark.parametrize("name", STORIES)
def test_a_deadline_leaves_a_real_rig_half_a_second_after_the_step_it_waits_for(name: str) -> None:
    _, scenario = story(name)
    for expectation in scenario.expect:
        for step in scenario.script:
            hurried = expectation.by_s is not None and step.at_s <= expectation.by_s < step.at_s + 0.5
            assert not hurried, f"{expectation.kind} by {expectation.by_s} s, a step at {step.at_s} s"


@pytest.mark.parametrize("name", STORIES)
def test_without_its_script_it_is_not_kept(name: str) -> None:
    path, scenario = story(name)
    silent = msgspec.structs.replace(scenario, script=())
    played = play_virtual(Staging(scenario=silent, timeline=read_timeline(silent, path)))
    assert any(violation.checker == "expectation" for violation in played.violations)
