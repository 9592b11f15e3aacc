"""The telematics unit alone: SIM, modem and the modelled link in front of a broker.

A car that connects to its port reaches the broker over that link. It keeps nothing: ended and started again
it has lost the connections alone, which the cars make again. The broker may come later, go and come back.
The bench channel, with --socket, takes the coverage away and gives it back.
"""

import argparse
from pathlib import Path

from headunit.commands.broker_option import add_broker_option
from headunit.commands.program import program

EXAMPLES = """\
examples:
  headunit telematics serve --broker mqtt://127.0.0.1:1883 --port 1884
  headunit car serve --broker mqtt://127.0.0.1:1884    # the car behind it
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `headunit telematics serve`."""
    add_broker_option(parser)
    parser.add_argument(
        "--port", type=int, default=1884, help="port the car connects to, 0 = a free one (default 1884)"
    )
    parser.add_argument(
        "--socket", type=Path, metavar="PATH", help="where the bench channel listens (default: nowhere)"
    )


def main(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    return program("headunit.sim.alone", "serve_telematics")(args)
