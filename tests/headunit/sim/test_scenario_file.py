"""A wrong scenario file is told what is wrong, in which line, under which key."""

from pathlib import Path

import pytest

from headunit.sim.errors import ScenarioError
from headunit.sim.scenario import Scenario
from headunit.sim.scenario_file import load_scenario, resolve

GOOD = """\
title = "Two tunnels"
seed = 3
start = 2026-03-02T07:20:00Z

[drive]
recording = "drives/loop.csv"
park_before_s = 10

[[causes]]
kind = "tunnel"
from_s = 1
until_s = 2

[[causes]]
kind = "operator_down"
from_s = 3
until_s = 4

[[script]]
at_s = 3
pay = { provider = "AliPay", outcome = "late", delay_s = 2 }

[[expect]]
actor = "backend"
kind = "order"
state = "PAID"
"""


def load(tmp_path: Path, text: str) -> Scenario:
    path = tmp_path / "story.toml"
    path.write_text(text, encoding="utf-8")
    return load_scenario(path)


def test_a_good_file_says_what_it_says(tmp_path: Path) -> None:
    scenario = load(tmp_path, GOOD)
    assert (scenario.seed, len(scenario.causes), scenario.drive.park_before_s) == (3, 2, 10)
    assert scenario.script[0].verb() == "pay"


@pytest.mark.parametrize(
    ("old", "new", "line", "key"),
    [
        ('kind = "operator_down"', 'kind = "operator_dwn"', 15, "causes[1].kind"),
        ('outcome = "late"', 'outcme = "late"', 21, "script[0].pay.outcme"),
        ("seed = 3", "sed = 3", 2, "sed"),
        ("seed = 3", 'seed = "three"', 2, "seed"),
        ("park_before_s = 10", "park_before_s = -1", 7, "drive.park_before_s"),
        ("from_s = 3", "from_s = 5", 17, "causes[1].until_s"),
        ("at_s = 3\n", "", 19, "script[0].at_s"),
        ("at_s = 3\n", "at_s = 3\nspeed_kmh = 4\n", 19, "script[0]"),
        ("07:20:00Z", "07:20:00", 3, "start"),
        ('state = "PAID"', 'stat = "PAID"', 26, "expect[0].stat"),
    ],
)
def test_a_wrong_key_is_named_with_its_line(tmp_path: Path, old: str, new: str, line: int, key: str) -> None:
    assert old in GOOD
    with pytest.raises(ScenarioError) as caught:
        load(tmp_path, GOOD.replace(old, new))
    assert (caught.value.line, caught.value.key) == (line, key)
    assert f"story.toml:{line}: {key}: " in str(caught.value)


def test_what_is_not_toml_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        load(tmp_path, GOOD.replace("seed = 3", "seed = ="))
    assert caught.value.line == 2


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"nowhere\.toml: cannot be read: No such file"):
        load_scenario(tmp_path / "nowhere.toml")


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "story.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ScenarioError, match="not UTF-8"):
        load_scenario(path)


def test_recordings_are_found_beside_the_file_or_in_the_bench_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "data"))
    story = tmp_path / "scenarios" / "story.toml"
    assert resolve(story, "drives/loop.csv") == tmp_path / "scenarios" / "drives" / "loop.csv"
    assert resolve(story, "$BENCH_DATA/drives/x.csv") == tmp_path / "data" / "drives" / "x.csv"
    assert resolve(story, str(tmp_path / "x.csv")) == tmp_path / "x.csv"


def test_without_a_word_recordings_are_looked_for_beside_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BENCH_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    project = Path(__file__).parents[3]
    found = resolve(tmp_path / "story.toml", "$BENCH_DATA/drives/x.csv")
    assert found.resolve() == (project.parent / "shared" / "data" / "drives" / "x.csv").resolve()
