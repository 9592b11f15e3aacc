"""What a run has shown: a verdict, the violations with their rules, and the figures beside them."""

from enum import StrEnum

import msgspec


class Outcome(StrEnum):
    """The verdict of a run and, by `EXIT_CODES`, the exit code of the command."""

    PASS = "pass"
    FAIL = "fail"
    COULD_NOT_RUN = "could not run"
    INCONCLUSIVE = "inconclusive"


EXIT_CODES = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.COULD_NOT_RUN: 2, Outcome.INCONCLUSIVE: 3}


class Violation(msgspec.Struct, frozen=True):
    """A promise that was not kept. `rule` names it; `story` is the shortest chain of events that shows it."""

    checker: str
    rule: str
    text: str
    story: tuple[str, ...] = ()


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one run, as `--json` prints it.

    `digest` is SHA-256 over the whole journal; in virtual time it is the same for the same file and seed.
    `sequence_digest` covers only (actor, kind, key, state), which real time shares with it. `jitter_ms` is
    how late a real rig's own event loop was at the worst.
    """

    scenario: str
    seed: int
    rig: str
    broker: str
    verdict: Outcome
    digest: str
    sequence_digest: str
    events: int
    simulated_s: float
    wall_s: float
    jitter_ms: float = 0.0
    violations: tuple[Violation, ...]
    replay: str
