"""What the runs have shown so far: kept in the evidence, so that the next slice goes on."""

from typing import Any

import msgspec

from proofs.kills.plan import MUTANT_CASES, Undisturbed, summary
from proofs.kills.programs import BrokerKind
from proofs.kills.story import Result


class Records(msgspec.Struct):
    """Everything that is counted.

    `raw` holds per broker, program and kind of death the seconds until the program was connected again
    and until the story was done, run by run.
    """

    undisturbed: dict[BrokerKind, Undisturbed] = {}
    mutants: dict[str, list[str]] = {}
    runs: int = 0
    of: int = 0
    failures: list[str] = []
    lost: int = 0
    doubled: int = 0
    not_reached: list[str] = []
    raw: dict[str, list[tuple[float, float]]] = {}

    @classmethod
    def of_figures(cls, figures: dict[str, Any]) -> "Records":
        """What an earlier slice has left."""
        return msgspec.convert(figures, cls, strict=False)

    @property
    def is_complete(self) -> bool:
        """Whether every death was played."""
        return 0 < self.of == self.runs

    @property
    def passed(self) -> bool:
        """Whether nothing was lost or doubled, and every mutant was caught."""
        return not self.failures and all(self.mutants.get(case.mutant) for case in MUTANT_CASES)

    def add(self, result: Result) -> None:
        """One more run."""
        instant = result.instant
        assert instant is not None
        self.runs += 1
        if result.problems:
            self.failures.append(f"{instant}: {'; '.join(result.problems)}")
            self.lost += any("LOST" in problem for problem in result.problems)
            self.doubled += any("DOUBLED" in problem for problem in result.problems)
        if not result.reached:
            self.not_reached.append(str(instant))
            return
        death = "power cut" if instant.cut else "kill -9" if instant.point else "kill -9 at random"
        seconds = (round(result.connected_after_s, 3), round(result.done_after_s, 3))
        self.raw.setdefault(f"{instant.broker}: {instant.program}, {death}", []).append(seconds)

    def figures(self) -> dict[str, Any]:
        """For the evidence: what a reader wants first, then what the next slice needs."""
        every = [seconds for group in self.raw.values() for seconds in group]
        known: dict[str, Any] = msgspec.to_builtins(self)
        recovery = {
            group: {
                "runs": len(seconds),
                "connected_again": summary([connected for connected, _ in seconds]),
                "story_done": summary([done for _, done in seconds]),
            }
            for group, seconds in {"all": every, **self.raw}.items()
            if seconds
        }
        first = ("runs", "of", "lost", "doubled", "failures", "not_reached", "mutants")
        return {
            **{name: known[name] for name in first},
            "recovery": recovery,
            "undisturbed": known["undisturbed"],
            "raw": known["raw"],
        }
