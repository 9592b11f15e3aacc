"""How a database of an older release becomes one of this release: Alembic revisions, oldest first.

Whoever changes tables adds a revision with `python tools/migration.py` and its name to REVISIONS. Nothing
here imports Alembic before a database has to be upgraded: most never are.
"""

from importlib import import_module
from typing import Final

from sqlalchemy.engine import Connection

REVISIONS: Final = ("0001", "0002")
"""Every revision there is, oldest first. The first is what a database without a version holds."""

HEAD: Final = REVISIONS[-1]


def run(connection: Connection, after: str = "", until: str = HEAD) -> None:
    """Run the revisions after `after` ("" for all) up to `until`, in the transaction that is open."""
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    begin = REVISIONS.index(after) + 1 if after else 0
    with Operations.context(MigrationContext.configure(connection)):
        for revision in REVISIONS[begin : REVISIONS.index(until) + 1]:
            import_module(f"{__name__}.versions.r{revision}").upgrade()
