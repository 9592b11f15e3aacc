"""The car alone: its session with the backend, its outbox and its presenter, against any broker."""

import argparse
from pathlib import Path

from headunit.commands.program import program

EXAMPLES = """\
example:
  headunit car serve --broker mqtt://127.0.0.1:1883
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `headunit car serve`."""
    parser.add_argument("--broker", required=True, metavar="mqtt://HOST:PORT", help="broker to connect to")
    parser.add_argument("--vin", default="", help="VIN of the car (default: the bench's own)")
    parser.add_argument(
        "--state", type=Path, default=Path("state"), metavar="DIR", help="folder of the databases"
    )


def main(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    return program("headunit.sim.alone", "serve_car")(args)
