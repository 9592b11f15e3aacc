"""Play a scenario file and check what it expects.

On the virtual rig a week takes about a second and the same seed gives the same bytes; on the real rig
the same file runs over real sockets. The verdict is the exit code: 0 pass, 1 fail, 2 could not run,
3 inconclusive (the rig's own jitter exceeded the budget).
"""

import argparse
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from headunit.commands.database_option import add_database_option
from headunit.commands.errors import CommandError
from runtime.stopwatch import Stopwatch

if TYPE_CHECKING:
    from headunit.sim.verdict import Verdict

EXAMPLES = """\
examples:
  headunit simulate scenarios/first_order.toml
  headunit simulate scenarios/first_order.toml --seed 7 --out evidence/
  headunit simulate scenarios/first_order.toml --rig real --broker mosquitto --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `headunit simulate`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="scenario file (TOML)")
    parser.add_argument("--seed", type=int, default=None, metavar="N", help="seed instead of the file's own")
    parser.add_argument("--rig", choices=("virtual", "real"), default="virtual", help="default virtual")
    parser.add_argument(
        "--broker",
        default="ours",
        help="broker of the real rig: ours, mosquitto or mqtt://[USER[:PASSWORD]@]HOST[:PORT] (default ours)",
    )
    add_database_option(parser, "SQLite; a run gets a schema of its own there, dropped at its end")
    parser.add_argument("--out", type=Path, default=None, metavar="DIR", help="keep journal and reports here")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def main(args: argparse.Namespace) -> int:
    """Play the scenario; returns the verdict's exit code."""
    from backend_stub.errors import StoreError
    from headunit.sim.errors import SimulationError
    from headunit.sim.simulate import simulate
    from headunit.sim.verdict import EXIT_CODES
    from runtime.errors import BenchRuntimeError

    try:
        with _clearing_up():
            verdict = simulate(
                args.file,
                seed=args.seed,
                rig=args.rig,
                broker=args.broker,
                database=args.database,
                out=args.out,
                progress=ProgressLine().show if sys.stderr.isatty() else None,
            )
    except (SimulationError, BenchRuntimeError, StoreError) as error:
        raise CommandError(str(error)) from None
    if args.json:
        import msgspec

        print(msgspec.json.encode(verdict).decode())
    else:
        print("\n".join(lines_of(verdict)))
    return EXIT_CODES[verdict.verdict]


@contextmanager
def _clearing_up() -> Iterator[None]:
    """Let SIGTERM end a run as Ctrl-C does: the rig stops its broker and removes its folders."""

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def lines_of(verdict: "Verdict") -> list[str]:
    """A verdict for people."""
    faster = verdict.simulated_s / verdict.wall_s if verdict.wall_s else 0.0
    where = f"seed {verdict.seed}, {verdict.rig}, {verdict.broker}"
    times = f"{verdict.simulated_s:,.0f} s in {verdict.wall_s:.2f} s ({faster:,.0f} x)"
    lines = [
        f"{verdict.verdict.upper()}  {verdict.scenario}  {where}",
        f"  {times}, {verdict.events} events",
        f"  digest {verdict.digest}",
    ]
    if verdict.jitter_ms:
        lines.append(f"  the rig's own event loop was late by {verdict.jitter_ms:.1f} ms at the worst")
    for violation in verdict.violations:
        rule = f" [{violation.rule}]" if violation.rule else ""
        lines.append(f"  VIOLATED {violation.checker}{rule}: {violation.text}")
        lines += [f"    {line}" for line in violation.story]
    if verdict.violations:
        lines.append(f"  replay: {verdict.replay}")
    return lines


class ProgressLine:
    """One line on standard error that says how far a run is, once it takes longer than a second."""

    def __init__(self) -> None:
        self._watch = Stopwatch()
        self._shown_s = 0.0

    def show(self, second: float, of_s: float) -> None:
        """Show it, at most five times a second."""
        now_s = self._watch.elapsed_s()
        is_done = second >= of_s
        if now_s < 1.0 or (now_s - self._shown_s < 0.2 and not is_done):
            return
        self._shown_s = now_s
        rest_s = now_s * (of_s - second) / max(second, 0.001)
        text = f"\r{second:8,.0f} of {of_s:,.0f} s, {rest_s:4.0f} s to go "
        print("\r" + " " * len(text) + "\r" if is_done else text, end="", file=sys.stderr, flush=True)
