"""The whole bench without a view: car, telematics unit, link, broker and backend in one process.

`headunit run` starts this itself, after its first frame. It serves the bench channel on a Unix socket
that only its owner can open, and with --parent-fd it ends as soon as that descriptor says end of file:
so it never outlives the view that started it, whatever happens to that.
"""

import argparse
import os
from pathlib import Path

from headunit.commands.database_option import add_database_option
from headunit.commands.folder_lock import program_lock
from headunit.commands.program import program

EXAMPLES = """\
examples:
  headunit bench serve --state ./bench --socket ./bench/bench.sock
  headunit bench serve --state ./bench --socket ./bench/bench.sock --market AU --broker mosquitto
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `headunit bench serve`."""
    parser.add_argument("--state", type=Path, required=True, metavar="DIR", help="folder of the databases")
    parser.add_argument(
        "--socket", type=Path, required=True, metavar="PATH", help="where the channel listens"
    )
    parser.add_argument("--market", default="CN", help="market of the car: CN or AU (default CN)")
    parser.add_argument("--model", default="", help="model of the car (default: the bench's own)")
    parser.add_argument("--vin", default="", help="VIN of the car (default: the bench's own)")
    parser.add_argument(
        "--broker",
        default=os.environ.get("HEADUNIT_BROKER", "ours"),
        help="ours, mosquitto or mqtt://[USER[:PASSWORD]@]HOST[:PORT] (default: HEADUNIT_BROKER, else ours)",
    )
    add_database_option(parser, "SQLite in the folder of --state")
    parser.add_argument(
        "--fresh", action="store_true", help="forget what the database of --database holds before"
    )
    parser.add_argument("--scenario", default="", metavar="FILE", help="scenario file to play")
    parser.add_argument(
        "--save", default="", metavar="FILE", help="write what was done as a scenario file at the end"
    )
    parser.add_argument("--language", default="en", help="language of the display: en, de or zh")
    parser.add_argument(
        "--parent-fd", type=int, default=None, metavar="N", help="end at end of file on this descriptor"
    )


def main(args: argparse.Namespace) -> int:
    """Serve until told to end."""
    with program_lock(args.state, "car"), program_lock(args.state, "backend"):
        return program("headunit.sim.bench_process", "serve")(args)
