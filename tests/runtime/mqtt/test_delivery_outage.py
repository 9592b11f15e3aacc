"""Nothing is lost and nothing takes effect twice, through an outage and killed programs."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.runtime.mqtt.outage_story import MESSAGES, tell


def test_600_messages_through_a_300_s_outage_and_six_kills_arrive_once_and_in_order() -> None:
    outcome = tell()
    assert outcome.taken == list(range(MESSAGES))
    assert outcome.waiting == 0
    assert outcome.repeated > 0, "the kills are placed so that some messages must come twice"


def test_the_story_is_the_same_to_the_nanosecond_whatever_the_hash_seed() -> None:
    digests = []
    for seed in ("1", "2"):
        told = subprocess.run(
            [sys.executable, "-m", "tests.runtime.mqtt.outage_story"],
            cwd=Path(__file__).parents[3],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        digests.append(json.loads(told.stdout)["digest"])
    assert digests[0] == digests[1]
