"""The car alone: session with the backend, outbox, presenter and a vehicle that stands still.

Its broker, or the telematics unit in front of that, may come later, go and come back: the car tries
again, waiting from one second up to --back-off-max, and says on its standard error when it is connected.
It works on DIR/car.sqlite and writes its journal to DIR/car.journal.jsonl. `headunit run --attach` shows
its menu; the bench channel takes the knob and the vehicle. Its modem always has data: what the road does
shows in the connection alone.
"""

import argparse
from pathlib import Path

from headunit.commands.broker_option import add_back_off_option, add_broker_option
from headunit.commands.configuration import LANGUAGES, MARKETS, merge
from headunit.commands.folder_lock import program_lock
from headunit.commands.program import program

EXAMPLES = """\
examples:
  headunit car serve --broker mqtt://127.0.0.1:1883
  headunit car serve --broker mqtt://127.0.0.1:1884 --state ./state    # through `headunit telematics serve`
  headunit run --attach ./state/car.sock                               # its menu
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `headunit car serve`."""
    add_broker_option(parser)
    add_back_off_option(parser)
    parser.add_argument("--vin", default="", help="VIN of the car (default: the bench's own)")
    parser.add_argument("--model", default="", help="model of the car (default: the bench's own)")
    parser.add_argument("--market", default="CN", choices=MARKETS, help="market of the car (default CN)")
    parser.add_argument(
        "--language", default="en", choices=LANGUAGES, help="language of the display (default en)"
    )
    parser.add_argument(
        "--state",
        type=Path,
        default=Path("state"),
        metavar="DIR",
        help="folder of the database, one car at a time (default ./state)",
    )
    parser.add_argument(
        "--socket", type=Path, metavar="PATH", help="where the bench channel listens (default DIR/car.sock)"
    )


def main(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    merge({"vin": args.vin or None}, {})  # says what a VIN is
    with program_lock(args.state, "car"):
        return program("headunit.sim.alone", "serve_car")(args)
