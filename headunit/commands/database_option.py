"""The option that says where the backend's store is."""

import argparse
import os

VARIABLE = "HEADUNIT_DATABASE"


def add_database_option(parser: argparse.ArgumentParser, otherwise: str) -> None:
    """Where the store is; the variable keeps a password out of the list of processes."""
    parser.add_argument(
        "--database",
        default=os.environ.get(VARIABLE, ""),
        metavar="URL",
        help="PostgreSQL database of the backend's store, postgresql://[USER[:PASSWORD]@]HOST[:PORT]/NAME"
        f" (default: {VARIABLE}, else {otherwise})",
    )
