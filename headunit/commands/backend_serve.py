"""The backend alone: store, orders, payments and the phone's pages, against any broker.

Its broker may come later, go and come back: the backend tries again, waiting from one second up to
--back-off-max, and says on its standard error when it is connected. Payments go on meanwhile. It works on
DIR/backend.sqlite, or on the PostgreSQL database that --database names, and writes its journal to
DIR/backend.journal.jsonl. Started again after any end, also SIGKILL, it goes on where it was; give it the
same --port, so that links that were sent stay good.
"""

import argparse
from pathlib import Path

from headunit.commands.broker_option import add_back_off_option, add_broker_option
from headunit.commands.configuration import MARKETS, merge
from headunit.commands.database_option import add_database_option
from headunit.commands.errors import CommandError
from headunit.commands.folder_lock import program_lock
from headunit.commands.program import program

EXAMPLES = """\
examples:
  headunit backend serve --broker mqtt://127.0.0.1:1883 --port 8080
  HEADUNIT_BROKER=mqtt://bench:secret@broker.example:1883 headunit backend serve --port 8080
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `headunit backend serve`."""
    add_broker_option(parser)
    add_back_off_option(parser)
    add_database_option(parser, "SQLite: backend.sqlite in the folder of --state")
    parser.add_argument("--port", type=int, default=0, help="port of the web pages, 0 = a free one")
    parser.add_argument("--market", default="CN", choices=MARKETS, help="market of the shop (default CN)")
    parser.add_argument("--vin", default="", help="VIN of the car it knows (default: the bench's own)")
    parser.add_argument("--model", default="", help="model of that car (default: the bench's own)")
    parser.add_argument(
        "--activation-delay",
        type=float,
        default=20.0,
        metavar="SECONDS",
        help="how long after its payment a service is activated (default 20)",
    )
    parser.add_argument(
        "--state",
        type=Path,
        default=Path("state"),
        metavar="DIR",
        help="folder of the database, one backend at a time (default ./state)",
    )
    parser.add_argument(
        "--socket",
        type=Path,
        metavar="PATH",
        help="where the bench channel listens (default DIR/backend.sock)",
    )


def main(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    if not 0 <= args.activation_delay < 1e9:
        raise CommandError(f"--activation-delay: {args.activation_delay} is no number of seconds from 0 on")
    merge({"vin": args.vin or None, "database": args.database or None}, {})  # says what these are
    with program_lock(args.state, "backend"):
        return program("headunit.sim.alone", "serve_backend")(args)
