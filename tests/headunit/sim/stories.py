"""Small scenario files, and what playing one has left behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backend_stub.app import Backend
from headunit.sim.simulate import simulate
from headunit.sim.verdict import Verdict
from headunit.sim.world import MakeBackend
from runtime.journal import JournalEntry, read_journal

SCENARIOS = Path(__file__).parents[3] / "scenarios"
TO_CHECKOUT = (
    "ConnectedDrive",
    "ConnectedDrive Store",
    "Real Time Traffic Information",
    "3 months",
    "Checkout",
)
BACK_TO_CHECKOUT = ("ConnectedDrive", "ConnectedDrive Store", "My basket", "Checkout")

BOOKED = """[[expect]]
actor = "car"
kind = "booked"
key = "RTTI"
state = "ACTIVE"
count = 1
rule = "R-404"
"""


@dataclass(frozen=True, slots=True)
class Played:
    """A verdict and the journal beside it."""

    verdict: Verdict
    journal: Sequence[JournalEntry]

    def seen(self, actor: str, kind: str) -> list[tuple[str, str]]:
        """Key and state of every such entry, in order."""
        return [(e.key, e.state) for e in self.journal if (e.actor, e.kind) == (actor, kind)]

    def told(self) -> list[str]:
        """What the checkers found."""
        return [f"[{v.rule}] {v.checker}: {v.text}" for v in self.verdict.violations]


def write(
    folder: Path, *tables: str, seed: int = 3, duration_s: float = 40, settle_s: float = 60, more: str = ""
) -> Path:
    """A scenario file in `folder`: standing in good reception, activation after five seconds."""
    file = folder / "story.toml"
    top = (
        f'title = "a story of the tests"\nseed = {seed}\nstart = 2026-03-02T07:20:00Z\n'
        f"duration_s = {duration_s}\nsettle_s = {settle_s}\nactivation_delay_s = 5\n{more}"
    )
    file.write_text("\n".join((top, *tables)), encoding="utf-8")
    return file


def choose(at_s: float, *labels: str, within_s: float = 30) -> str:
    """The driver turns to each row and presses, half a second apart."""
    rows = ", ".join(f'"{label}"' for label in labels)
    return f"[[script]]\nat_s = {at_s}\nwithin_s = {within_s}\nchoose = [{rows}]\n"


def pay(at_s: float, outcome: str = "approve", delay_s: float = 2) -> str:
    """The payer pays the newest unpaid order."""
    return f'[[script]]\nat_s = {at_s}\npay = {{ outcome = "{outcome}", delay_s = {delay_s} }}\n'


def fault(at_s: float, program: str, kind: str = "kill", down_s: float = 2) -> str:
    """A program stops without a farewell."""
    return f'[[faults]]\nkind = "{kind}"\nprogram = "{program}"\nat_s = {at_s}\ndown_s = {down_s}\n'


def cause(from_s: float, until_s: float, kind: str = "tunnel") -> str:
    """Something between car and backend."""
    return f'[[causes]]\nkind = "{kind}"\nfrom_s = {from_s}\nuntil_s = {until_s}\n'


def play(file: Path, *, seed: int | None = None, make_backend: MakeBackend = Backend) -> Played:
    """Play in virtual time, with the journal kept beside the file."""
    out = file.parent / "out"
    verdict = simulate(file, seed=seed, out=out, make_backend=make_backend)
    return Played(verdict, read_journal(out / "journal.jsonl"))
