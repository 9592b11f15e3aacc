"""Play a scenario file and check what it expects.

On the virtual rig a week takes about a second and the same seed gives the same bytes; on the real rig
the same file runs over real sockets. The verdict is the exit code: 0 pass, 1 fail, 2 could not run,
3 inconclusive (the rig's own jitter exceeded the budget).
"""

import argparse
from pathlib import Path

from headunit.commands.program import program

EXAMPLES = """\
examples:
  headunit simulate scenarios/tunnel.toml
  headunit simulate scenarios/tunnel.toml --seed 7 --out evidence/
  headunit simulate scenarios/tunnel.toml --rig real --broker mosquitto --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `headunit simulate`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="scenario file (TOML)")
    parser.add_argument("--seed", type=int, default=None, metavar="N", help="seed instead of the file's own")
    parser.add_argument("--rig", choices=("virtual", "real"), default="virtual", help="default virtual")
    parser.add_argument(
        "--broker",
        choices=("ours", "mosquitto"),
        default="ours",
        help="broker of the real rig (default ours)",
    )
    parser.add_argument("--out", type=Path, default=None, metavar="DIR", help="keep journal and reports here")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def main(args: argparse.Namespace) -> int:
    """Play the scenario; returns the verdict."""
    return program("headunit.sim.simulate", "run_simulate")(args)
