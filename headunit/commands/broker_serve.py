"""Our MQTT 5 broker alone, on a loopback port; sessions are kept in memory."""

import argparse

from headunit.commands.program import program

EXAMPLES = """\
example:
  headunit broker serve --port 1883
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `headunit broker serve`."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument(
        "--port", type=int, default=1883, help="port to listen on, 0 = a free one (default 1883)"
    )


def main(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    return program("headunit.sim.alone", "serve_broker")(args)
