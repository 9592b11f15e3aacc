"""Databases of older releases: upgraded when they are opened, nothing lost, all or nothing."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, update
from sqlalchemy.engine import Connection

import backend_stub.adapters.migrations as migrations
from backend_stub.adapters.database_url import DatabaseUrl
from backend_stub.adapters.migrations import HEAD, REVISIONS, run
from backend_stub.adapters.sql_connection import Database, SqlConnection
from backend_stub.adapters.sql_schema import FIRST_TABLES
from backend_stub.adapters.sql_store import SqlStore
from backend_stub.adapters.tables import METADATA
from backend_stub.adapters.tables.schema import SCHEMA_VERSION
from backend_stub.app import DATABASE
from backend_stub.errors import StoreError
from contracts.messages import OrderState
from runtime.disk import FileDisk
from tests.backend_stub import first_release
from tests.backend_stub.first_release import ENDED_AT_MS, FAILED, HELD_BACK, UNPAID
from tests.backend_stub.shop import DAY, Shop
from tests.backend_stub.shop_database import ShopDatabase
from tests.postgres import PostgresServer, needs_postgresql

ROOT = Path(__file__).parent.parent.parent
KINDS = ("sqlite", pytest.param("postgresql", marks=needs_postgresql))


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database."""
    if request.param == "sqlite":
        yield partial(FileDisk(tmp_path).connect, DATABASE)
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.empty_schema() as url:
        yield DatabaseUrl.parse(url)


@pytest.fixture
def first(database: Database) -> Database:
    """A database of the first release."""
    if isinstance(database, DatabaseUrl):
        with opened(database) as connection:
            first_release.fill_server(connection)
        return database
    file = database()
    file.executescript(first_release.SCRIPT.read_text(encoding="utf-8"))
    file.close()
    return database


@contextmanager
def opened(database: Database) -> Iterator[Connection]:
    """A connection within a transaction."""
    sql = SqlConnection(database)
    try:
        with sql.transaction():
            yield sql.connection
    finally:
        sql.close()


def shape(connection: Connection) -> dict[str, object]:
    """Tables as they are: columns, keys, what is unique, indexes."""
    inspector = inspect(connection)
    return {
        table: (
            sorted(
                (column["name"], str(column["type"]), column["nullable"], str(column["default"]))
                for column in inspector.get_columns(table)
            ),
            inspector.get_pk_constraint(table)["constrained_columns"],
            sorted(unique["column_names"] for unique in inspector.get_unique_constraints(table)),
            sorted((index["name"] or "", index["column_names"]) for index in inspector.get_indexes(table)),
            inspector.get_table_options(table),
        )
        for table in sorted(inspector.get_table_names())
    }


def version(connection: Connection) -> str:
    return str(connection.scalar(SCHEMA_VERSION.select()))


def test_the_revisions_are_a_chain_from_the_first_to_the_newest() -> None:
    [folder] = migrations.__path__
    script = ScriptDirectory(folder)
    assert tuple(each.revision for each in script.walk_revisions())[::-1] == REVISIONS
    assert script.get_heads() == [HEAD]


def test_all_revisions_together_make_the_tables_of_the_code(database: Database) -> None:
    with opened(database) as connection:
        run(connection)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_an_upgraded_database_has_the_shape_of_a_new_one(first: Database) -> None:
    SqlStore(first).close()
    with opened(first) as connection:
        upgraded = shape(connection)
        assert version(connection) == HEAD
        for table in upgraded:
            connection.exec_driver_sql(f"DROP TABLE {table}")
    SqlStore(first).close()
    with opened(first) as connection:
        assert shape(connection) == upgraded
        assert version(connection) == HEAD


def test_the_first_revision_is_what_the_first_release_made(tmp_path: Path) -> None:
    written, made = (partial(FileDisk(tmp_path).connect, name) for name in ("written", "made"))
    with opened(written) as connection:
        run(connection, until="0001")
        by_revision = shape(connection)
    there = made()
    there.executescript(first_release.SCRIPT.read_text(encoding="utf-8"))
    there.close()
    with opened(made) as connection:
        assert shape(connection) == by_revision
    assert by_revision.keys() == FIRST_TABLES


def test_an_upgrade_keeps_every_row(first: Database) -> None:
    with opened(first) as connection:
        before = first_release.rows(connection)
    assert before == first_release.first_rows()
    SqlStore(first).close()
    with opened(first) as connection:
        after = first_release.rows(connection)
    kept = {
        table: [{name: new[name] for name in old} for old, new in zip(rows, after[table], strict=True)]
        for table, rows in before.items()
    }
    assert kept == before
    assert all(after[table] == [] for table in after.keys() - before.keys())


def test_a_backend_goes_on_with_what_the_first_release_left(first: Database) -> None:
    shop_database = ShopDatabase()
    if isinstance(first, DatabaseUrl):
        shop_database.url = first.conninfo
    shop = Shop(ENDED_AT_MS, database=shop_database)
    if not isinstance(first, DatabaseUrl):
        shop.kill()
        shop.disk.load(DATABASE, first_release.image())
        shop.start()
    assert shop.order(UNPAID).state is OrderState.AWAITING_PAYMENT
    waiting = first_release.first_rows()["outbox"]
    assert [sent.packet.key for sent in shop.sent()][: len(waiting)] == [row["key"] for row in waiting]
    shop.pay(UNPAID)
    assert shop.order(UNPAID).state is OrderState.FULFILLED
    assert shop.order(UNPAID).kept_minor == shop.order(UNPAID).amount_minor
    for _ in first_release.first_rows()["inbox_seen"]:
        shop.key()  # the car has used these
    assert shop.accepted("RTTI").number == "CN-000006"
    shop.advance(DAY)
    assert shop.order(FAILED).state is OrderState.CANCELLED
    assert shop.order(HELD_BACK).state is OrderState.PAID
    [held_back] = shop.entitlements("PREMIUM")
    assert held_back.overdue
    shop.close()


def test_a_database_of_a_newer_release_is_left_alone(database: Database) -> None:
    SqlStore(database).close()
    with opened(database) as connection:
        connection.execute(update(SCHEMA_VERSION).values(version_num="9999"))
    with pytest.raises(StoreError, match=r"newer headunit .*revision 9999.*use that release") as refused:
        SqlStore(database)
    assert HEAD in str(refused.value)
    with opened(database) as connection:
        assert version(connection) == "9999"


def test_a_database_with_other_peoples_tables_is_left_alone(database: Database) -> None:
    with opened(database) as connection:
        connection.exec_driver_sql("CREATE TABLE orders (id INTEGER)")
    with pytest.raises(StoreError, match="holds a table 'orders' that is not of this program"):
        SqlStore(database)
    with opened(database) as connection:
        assert inspect(connection).get_table_names() == ["orders"]


DIE_IN_THE_MIDDLE = """\
import os, signal, sys
from functools import partial
from pathlib import Path
from sqlalchemy import Engine, event
from backend_stub.adapters.database_url import DatabaseUrl
from backend_stub.adapters.sql_store import SqlStore
from runtime.disk import FileDisk

@event.listens_for(Engine, "before_cursor_execute")
def die(connection, cursor, statement, *rest):
    if statement.startswith("UPDATE vehicles SET"):
        os.kill(os.getpid(), signal.SIGKILL)

where = sys.argv[1]
url = "://" in where
SqlStore(DatabaseUrl.parse(where) if url else partial(FileDisk(Path(where)).connect, "backend"))
"""


def test_a_program_killed_in_the_middle_of_an_upgrade_has_changed_nothing(
    first: Database, tmp_path: Path
) -> None:
    with opened(first) as connection:
        before = first_release.rows(connection), shape(connection)
    where = first.conninfo if isinstance(first, DatabaseUrl) else str(tmp_path)
    died = subprocess.run([sys.executable, "-c", DIE_IN_THE_MIDDLE, where], cwd=ROOT, check=False, timeout=60)
    assert died.returncode == -9
    with opened(first) as connection:
        assert (first_release.rows(connection), shape(connection)) == before
    SqlStore(first).close()
    with opened(first) as connection:
        assert version(connection) == HEAD


def test_nothing_of_alembic_is_loaded_by_a_backend_that_needs_no_upgrade(tmp_path: Path) -> None:
    code = (
        "import sys; from functools import partial; from pathlib import Path;"
        "from backend_stub.adapters.sql_store import SqlStore; from runtime.disk import FileDisk;"
        "[SqlStore(partial(FileDisk(Path(sys.argv[1])).connect, 'backend')).close() for _ in range(2)];"
        "sys.exit('alembic' in sys.modules or 'psycopg' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=False).returncode == 0
