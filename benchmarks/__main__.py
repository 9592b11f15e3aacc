"""`python -m benchmarks`: run all benchmarks, or one of them; exit code 1 when a target was missed.

python -m benchmarks [--only transport|system|store|universe|broker|view] [--quick] [--prototypes DIR]
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path

TITLES = {
    "transport": "a message from the car to the backend and back",
    "system": "whole cars in virtual time, and where the time goes",
    "universe": "a universe with the full store, in virtual time",
    "store": "orders through the service layer against rows inserted by hand",
    "broker": "our broker on real sockets against mosquitto",
    "view": "first frame and key to bytes, against a bare Textual app",
}


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for, each under its own heading."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", choices=list(TITLES), help="this one alone")
    parser.add_argument("--quick", action="store_true", help="a look, not a verdict")
    parser.add_argument(
        "--prototypes", type=Path, metavar="DIR", help="prototypes for transport to run beside ours"
    )
    options = parser.parse_args(arguments)
    missed = False
    for name, title in TITLES.items():
        if options.only not in (None, name):
            continue
        words = ["--quick"] if options.quick else []
        if name == "transport" and options.prototypes is not None:
            words += ["--prototypes", str(options.prototypes)]
        print(f"== {name}: {title} ==", flush=True)
        missed = import_module(f"benchmarks.{name}").main(words) != 0 or missed
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
