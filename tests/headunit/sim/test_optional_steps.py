"""A step that cannot be done ends the run, unless the file says that it may be passed over."""

from pathlib import Path

import pytest

from headunit.sim.errors import ScenarioError
from headunit.sim.simulate import simulate
from headunit.sim.verdict import Outcome

NO_BILL = """\
start = 2026-03-02T07:20:00Z
duration_s = 60

[[script]]
at_s = 10
within_s = 5
pay = {}
"""


def test_paying_without_a_bill_ends_the_run_and_names_the_step(tmp_path: Path) -> None:
    file = tmp_path / "no_bill.toml"
    file.write_text(NO_BILL, encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"no_bill\.toml:4: script\[0\]: pay at 10 s: UNKNOWN_ORDER"):
        simulate(file)


def test_an_optional_step_is_passed_over_and_written_down(tmp_path: Path) -> None:
    file = tmp_path / "no_bill.toml"
    file.write_text(NO_BILL + "optional = true\n", encoding="utf-8")
    assert simulate(file, out=tmp_path).verdict is Outcome.PASS
    assert '"kind":"step","key":"pay","state":"passed over"' in (tmp_path / "journal.jsonl").read_text(
        "utf-8"
    )
