"""Writes the newest revision of the backend's tables from what `backend_stub.adapters.tables` says.

python tools/migration.py "what has changed"

One per release: name the new revision in `backend_stub.adapters.migrations.REVISIONS`, run this, read what it
wrote. When tables change again before the release, run it again: it writes the newest revision anew, never an
older one. A column that may not be empty gets a value in rows that are there already: see FILLS.
"""

import argparse
import subprocess
import sys
from ast import literal_eval
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations import ops

from backend_stub.adapters.migrations import REVISIONS, run
from backend_stub.adapters.tables import METADATA

FOLDER: Final = Path(__file__).parent.parent / "backend_stub" / "adapters" / "migrations" / "versions"

FILLS: Final = {
    ("entitlements", "renewal"): "'none'",
    ("price_lists", "substitutes"): "b'[]'",
    ("sms", "purpose"): "'payment'",
    ("vehicles", "given"): "sa.column('record')",
}
"""Python for what a new column is in old rows, where nothing, zero and false are not what it should be."""

_MARK: Final = "python: "

PAGE: Final = '''"""{title}"""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {before!r}


def upgrade() -> None:
    """Bring the tables of {what} here."""
    {body}
'''


def written(title: str, metadata: sa.MetaData, revision: str, before: str) -> str:
    """The module that brings the tables of revision `before` to those of `metadata`."""
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        if before:
            run(connection, until=before)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        script = produce_migrations(context, metadata)
        assert script.upgrade_ops is not None
        script.upgrade_ops.ops = [each for op in script.upgrade_ops.ops for each in _filled(op)]
        body = render_python_code(script.upgrade_ops, render_as_batch=True, migration_context=context)
    engine.dispose()
    body = "\n".join(_unmarked(line) for line in body.splitlines() if not line.lstrip().startswith("# ###"))
    what = f"revision {before}" if before else "an empty database"
    return PAGE.format(title=title, revision=revision, before=before or None, what=what, body=body.strip())


def _filled(operation: ops.MigrateOperation) -> list[ops.MigrateOperation]:
    """`operation`, with new columns that may not be empty filled in rows that are there already."""
    if not isinstance(operation, ops.ModifyTableOps):
        return [operation]
    table = operation.table_name
    columns: list[str] = []
    fills: list[str] = []
    closing: list[ops.MigrateOperation] = []
    for each in operation.ops:
        if isinstance(each, ops.AddColumnOp) and not each.column.nullable:
            name, kind = each.column.name, each.column.type
            columns.append(f"sa.column({name!r}, sa.{kind!r})")
            fills.append(f"{name!r}: {FILLS.get((table, name)) or _nothing(table, name, kind)}")
            each.column.nullable = True
            closing.append(
                ops.AlterColumnOp(
                    table, name, existing_type=kind, existing_nullable=True, modify_nullable=False
                )
            )
    if not fills:
        return [operation]
    filled = f"sa.table({table!r}, {', '.join(columns)}).update().values({{{', '.join(fills)}}})"
    fill = ops.ExecuteSQLOp(_MARK + filled)
    return [operation, fill, ops.ModifyTableOps(table, closing, schema=None)]


def _nothing(table: str, name: str, kind: sa.types.TypeEngine[object]) -> str:
    if isinstance(kind, sa.String):
        return "''"
    if isinstance(kind, sa.Boolean):
        return "False"
    if isinstance(kind, sa.Integer):
        return "0"
    raise SystemExit(f"say in FILLS what {table}.{name} is in rows that are there already")


def _unmarked(line: str) -> str:
    """A statement that Alembic rendered as text, as the Python it is."""
    head, mark, tail = line.partition(_MARK)
    return f"{head[:-1]}{literal_eval(head[-1] + tail[:-1])})" if mark else line


def main() -> None:
    """Write the newest revision."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("title", help="what has changed, one sentence")
    title = parser.parse_args().title.rstrip(".") + "."
    file = FOLDER / f"r{REVISIONS[-1]}.py"
    file.write_text(written(title, METADATA, REVISIONS[-1], REVISIONS[-2]), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", str(file)], check=True)
    subprocess.run([sys.executable, "-m", "ruff", "check", "--quiet", "--fix", str(file)], check=True)
    print(f"wrote {file.relative_to(FOLDER.parents[3])}; read it")


if __name__ == "__main__":
    main()
