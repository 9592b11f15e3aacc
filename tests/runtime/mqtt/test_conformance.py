"""The books of the contract: every statement that binds a server has a check, or a reason why it has none."""

import re
from pathlib import Path

from tests.runtime.mqtt.conformance import NOT_CHECKED, SERVER_STATEMENTS

_CITED = re.compile(r"MQTT3?-\d+\.\d+\.\d+-\d+")


def cited() -> dict[str, None]:
    """The statements that the checks of the contract cite, in the order of their first citing."""
    found: dict[str, None] = {}
    for path in sorted(Path(__file__).parent.glob("test_broker_contract_*.py")):
        found |= dict.fromkeys(_CITED.findall(path.read_text(encoding="utf-8")))
    return found


def test_every_statement_that_binds_a_server_has_a_check_or_a_reason_for_none() -> None:
    checked = cited()
    assert [each for each in SERVER_STATEMENTS if each not in checked and each not in NOT_CHECKED] == []


def test_no_statement_has_both_a_check_and_a_reason_for_none() -> None:
    checked = cited()
    assert [each for each in NOT_CHECKED if each in checked] == []
    assert [each for each in NOT_CHECKED if each not in SERVER_STATEMENTS] == []
