"""The backend alone: store, orders, payments and the phone pages, against any broker."""

import argparse
from pathlib import Path

from headunit.commands.program import program

EXAMPLES = """\
example:
  headunit backend serve --broker mqtt://127.0.0.1:1883 --port 8080
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `headunit backend serve`."""
    parser.add_argument("--broker", required=True, metavar="mqtt://HOST:PORT", help="broker to connect to")
    parser.add_argument("--port", type=int, default=0, help="port of the web pages, 0 = a free one")
    parser.add_argument(
        "--state", type=Path, default=Path("state"), metavar="DIR", help="folder of the databases"
    )


def main(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    return program("headunit.sim.alone", "serve_backend")(args)
