"""A verdict says what was seen, and admits when the rig was too slow to tell."""

import pytest

from headunit.commands.simulate import lines_of
from headunit.sim.simulate import JITTER_BUDGET_MS, judge
from headunit.sim.stage import Played
from headunit.sim.verdict import EXIT_CODES, Outcome, Verdict, Violation
from runtime.journal import JournalBook

BROKEN = (
    Violation("no accepted order lost", "R-204", "the backend has it 0 times", ("1.000 s  car: accepted",)),
)


def played(violations: tuple[Violation, ...], jitter_ms: float) -> Played:
    return Played(JournalBook(lambda: 0, lambda: 0), 1.0, violations, jitter_ms)


@pytest.mark.parametrize(
    ("violations", "jitter_ms", "outcome", "exit_code"),
    [
        ((), 0.0, Outcome.PASS, 0),
        ((), JITTER_BUDGET_MS + 0.1, Outcome.PASS, 0),
        (BROKEN, JITTER_BUDGET_MS, Outcome.FAIL, 1),
        (BROKEN, JITTER_BUDGET_MS + 0.1, Outcome.INCONCLUSIVE, 3),
    ],
)
def test_a_broken_promise_counts_only_on_a_rig_that_kept_time(
    violations: tuple[Violation, ...], jitter_ms: float, outcome: Outcome, exit_code: int
) -> None:
    assert judge(played(violations, jitter_ms)) is outcome
    assert EXIT_CODES[outcome] == exit_code


def test_people_are_told_rule_story_replay_and_jitter() -> None:
    verdict = Verdict(
        scenario="story.toml",
        seed=7,
        rig="real",
        broker="mosquitto",
        verdict=Outcome.INCONCLUSIVE,
        digest="d1",
        sequence_digest="s1",
        events=12,
        simulated_s=120.0,
        wall_s=60.0,
        jitter_ms=300.25,
        violations=BROKEN,
        replay="headunit simulate story.toml --seed 7",
    )
    assert lines_of(verdict) == [
        "INCONCLUSIVE  story.toml  seed 7, real, mosquitto",
        "  120 s in 60.00 s (2 x), 12 events",
        "  digest d1",
        "  the rig's own event loop was late by 300.2 ms at the worst",
        "  VIOLATED no accepted order lost [R-204]: the backend has it 0 times",
        "    1.000 s  car: accepted",
        "  replay: headunit simulate story.toml --seed 7",
    ]
