"""Options about the broker of programs that are served alone."""

import argparse
import os

_VARIABLE = "HEADUNIT_BROKER"


def add_broker_option(parser: argparse.ArgumentParser) -> None:
    """Where the broker is; the variable keeps a password out of the list of processes."""
    given = os.environ.get(_VARIABLE)
    parser.add_argument(
        "--broker",
        default=given,
        required=given is None,
        metavar="mqtt://HOST:PORT",
        help="broker to connect to, mqtt://[USER[:PASSWORD]@]HOST[:PORT]; it need not be there yet "
        f"(default: {_VARIABLE})",
    )


def add_back_off_option(parser: argparse.ArgumentParser) -> None:
    """How patient a program is with a broker that is away."""
    parser.add_argument(
        "--back-off-max",
        type=_seconds,
        default=120.0,
        metavar="SECONDS",
        help="longest wait between two attempts to reach the broker (default 120)",
    )


def _seconds(word: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"{word!r} is no number of seconds from 0.1 to 86400")
    return seconds
