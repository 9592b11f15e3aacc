"""Let a real iDrive controller on CAN turn the knob of a running bench, or of nothing, to look at its frames.

Start a bench first (`headunit run`), then the bridge beside it. Ctrl-C ends the bridge, not the bench.
"""

import argparse
from pathlib import Path

from headunit.commands.program import program

EXAMPLES = """\
examples:
  headunit bridge --can can0
  headunit bridge --can vcan0 --speed 30 --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `headunit bridge`."""
    parser.add_argument("--can", required=True, metavar="CHANNEL", help="CAN channel, for instance can0")
    parser.add_argument(
        "--socket",
        type=Path,
        default=None,
        metavar="PATH",
        help="bench channel (default: the running bench's)",
    )
    parser.add_argument(
        "--speed", type=float, default=None, metavar="KMH", help="also send this vehicle speed on the bus"
    )
    parser.add_argument("--json", action="store_true", help="print every event as a line of JSON")


def main(args: argparse.Namespace) -> int:
    """Bridge until interrupted."""
    return program("hardware.bridge", "run_bridge")(args)
