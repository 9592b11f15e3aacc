"""Every rule of sections 2.0 to 2.9 has code and a test, and a place in docs/reference/rules.md."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.rule_table import read_rules, trace

ROOT = Path(__file__).parent.parent
TRACES = trace(ROOT)
SECTIONS = read_rules()


@pytest.mark.parametrize("rule", TRACES)
def test_every_rule_is_held_by_a_test_and_named_by_the_code_that_carries_it(rule: str) -> None:
    assert TRACES[rule].tests, f"no test is marked with {rule}"
    assert TRACES[rule].modules, f"no module names {rule}"


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_is_told_by_scenarios(section: str) -> None:
    told = [rule for rule in SECTIONS[section] if TRACES[rule].scenarios]
    assert told, f"no scenario expects a rule of {section}"


def test_the_table_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "tools/rule_table.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
