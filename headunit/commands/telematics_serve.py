"""The telematics unit alone: SIM, modem and the modelled link in front of a broker."""

import argparse

from headunit.commands.program import program

EXAMPLES = """\
example:
  headunit telematics serve --broker mqtt://127.0.0.1:1883 --port 1884
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `headunit telematics serve`."""
    parser.add_argument("--broker", required=True, metavar="mqtt://HOST:PORT", help="broker to connect to")
    parser.add_argument("--port", type=int, default=1884, help="port the car connects to (default 1884)")


def main(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    return program("headunit.sim.alone", "serve_telematics")(args)
