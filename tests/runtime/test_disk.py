"""Databases survive their program: one suite over the file disk and the virtual one."""

import sqlite3
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import QueuePool, StaticPool, create_engine, text

from runtime.disk import FileDisk, VirtualDisk
from runtime.errors import DiskError

AnyDisk = FileDisk | VirtualDisk

TABLE = "CREATE TABLE account (id INTEGER PRIMARY KEY, fen INTEGER NOT NULL)"


@pytest.fixture(params=["file", "virtual"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyDisk]:
    if request.param == "file":
        yield FileDisk(tmp_path / "state")
    else:
        virtual = VirtualDisk()
        yield virtual
        virtual.close()


@pytest.fixture
def virtual() -> Iterator[VirtualDisk]:
    disk = VirtualDisk()
    yield disk
    disk.close()


def balances(connection: sqlite3.Connection) -> list[int]:
    return [row[0] for row in connection.execute("SELECT fen FROM account ORDER BY id")]


def test_what_was_committed_is_seen_by_the_next_incarnation(disk: AnyDisk) -> None:
    first = disk.connect("car")
    first.execute(TABLE)
    first.execute("INSERT INTO account VALUES (1, 700)")
    first.close()
    second = disk.connect("car")
    assert balances(second) == [700]
    second.close()


def test_closing_rolls_back_an_open_transaction(disk: AnyDisk) -> None:
    first = disk.connect("car")
    first.execute(TABLE)
    first.execute("BEGIN IMMEDIATE")
    first.execute("INSERT INTO account VALUES (1, 700)")
    assert first.in_transaction
    first.close()
    second = disk.connect("car")
    assert balances(second) == []
    second.close()


def test_databases_of_different_names_do_not_mix(disk: AnyDisk) -> None:
    car, backend = disk.connect("car"), disk.connect("backend")
    car.execute(TABLE)
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        backend.execute("SELECT * FROM account")
    car.close()
    backend.close()


def test_foreign_keys_are_enforced(disk: AnyDisk) -> None:
    connection = disk.connect("car")
    connection.execute(TABLE)
    connection.execute("CREATE TABLE line (account INTEGER REFERENCES account (id))")
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO line VALUES (9)")
    connection.close()


def test_two_connections_see_each_others_commits_and_nothing_else(disk: AnyDisk) -> None:
    writer, reader = disk.connect("car"), disk.connect("car")
    writer.execute(TABLE)
    writer.execute("INSERT INTO account VALUES (1, 1)")
    assert balances(reader) == [1]
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE account SET fen = 2")
    writer.execute("ROLLBACK")
    assert balances(reader) == [1]
    writer.close()
    reader.close()


def test_a_closed_connection_cannot_be_used(disk: AnyDisk) -> None:
    connection = disk.connect("car")
    connection.close()
    with pytest.raises(sqlite3.ProgrammingError):
        connection.execute("SELECT 1")
    connection.close()


def test_sqlalchemy_works_on_one_shared_connection(disk: AnyDisk) -> None:
    engine = create_engine("sqlite://", creator=lambda: disk.connect("backend"), poolclass=StaticPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(TABLE)
        connection.commit()
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        connection.execute(text("INSERT INTO account VALUES (1, :fen)"), {"fen": 5})
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        connection.execute(text("UPDATE account SET fen = 6"))
        connection.rollback()
    engine.dispose()
    again = disk.connect("backend")
    assert balances(again) == [5]
    again.close()


def test_the_state_folder_and_its_files_are_the_owners_alone(tmp_path: Path) -> None:
    disk = FileDisk(tmp_path / "deep" / "state")
    connection = disk.connect("car")
    connection.execute(TABLE)
    assert stat.S_IMODE((tmp_path / "deep" / "state").stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "deep" / "state").iterdir()}
    assert modes == {"car.sqlite": 0o600, "car.sqlite-wal": 0o600, "car.sqlite-shm": 0o600}
    connection.close()


def test_a_file_database_syncs_every_commit_into_a_write_ahead_log(tmp_path: Path) -> None:
    connection = FileDisk(tmp_path).connect("car")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    connection.close()
    lazy = FileDisk(tmp_path).connect("car", "NORMAL")
    assert lazy.execute("PRAGMA synchronous").fetchone() == (1,)
    lazy.close()


@pytest.mark.parametrize("name", ["", "../car", "Car", "a b", ".hidden"])
def test_a_file_database_cannot_leave_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(DiskError, match="not a database name"):
        FileDisk(tmp_path).connect(name)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "car.sqlite").write_bytes(b"no database at all, though long enough to be looked at" * 20)
    with pytest.raises(DiskError, match=r"car\.sqlite"):
        FileDisk(tmp_path).connect("car")


def test_threads_with_a_connection_each_lose_no_update(tmp_path: Path) -> None:
    disk = FileDisk(tmp_path)
    engine = create_engine(
        "sqlite://", creator=lambda: disk.connect("backend", "NORMAL"), poolclass=QueuePool, pool_size=4
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(TABLE)
        connection.exec_driver_sql("INSERT INTO account VALUES (1, 0)")
        connection.commit()

    def add_one(_: int) -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            fen = connection.execute(text("SELECT fen FROM account")).scalar_one()
            connection.execute(text("UPDATE account SET fen = :fen"), {"fen": fen + 1})
            connection.exec_driver_sql("COMMIT")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_one, range(100)))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT fen FROM account")).scalar_one() == 100
    engine.dispose()


def test_a_file_connection_may_move_between_threads(tmp_path: Path) -> None:
    connection = FileDisk(tmp_path).connect("car")
    connection.execute(TABLE)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(balances, connection).result() == []
    connection.close()


def test_a_kill_rolls_back_and_fences_the_dead_program(virtual: VirtualDisk) -> None:
    dead = virtual.connect("car")
    dead.execute(TABLE)
    dead.execute("INSERT INTO account VALUES (1, 1)")
    cursor = dead.execute("SELECT fen FROM account")
    dead.execute("BEGIN IMMEDIATE")
    dead.execute("UPDATE account SET fen = 2")
    virtual.kill("car")
    with pytest.raises(sqlite3.ProgrammingError):
        dead.execute("COMMIT")
    with pytest.raises(sqlite3.ProgrammingError):
        cursor.fetchone()
    assert balances(virtual.connect("car")) == [1]


def test_what_a_dead_program_was_reading_locks_nobody_out(virtual: VirtualDisk) -> None:
    dead = virtual.connect("car")
    dead.execute(TABLE)
    dead.executemany("INSERT INTO account VALUES (?, ?)", [(number, number) for number in range(1, 4)])
    reading = dead.execute("SELECT fen FROM account ORDER BY id")
    assert reading.fetchone() == (1,)
    virtual.kill("car")
    successor = virtual.connect("car")
    successor.execute("UPDATE account SET fen = 10 * fen")
    assert balances(successor) == [10, 20, 30]
    with pytest.raises(sqlite3.ProgrammingError):
        reading.fetchone()


def test_a_kill_of_one_program_leaves_the_others(virtual: VirtualDisk) -> None:
    car, backend = virtual.connect("car"), virtual.connect("backend")
    virtual.kill("car")
    assert backend.execute("SELECT 1").fetchone() == (1,)
    virtual.kill_all()
    for connection in (car, backend):
        with pytest.raises(sqlite3.ProgrammingError):
            connection.execute("SELECT 1")


def test_a_power_cut_keeps_every_commit_of_a_synchronous_database(virtual: VirtualDisk) -> None:
    connection = virtual.connect("car")
    connection.execute(TABLE)
    connection.execute("INSERT INTO account VALUES (1, 1)")
    connection.execute("BEGIN")
    connection.execute("INSERT INTO account VALUES (2, 2)")
    virtual.power_cut()
    assert balances(virtual.connect("car")) == [1]


def test_a_power_cut_takes_what_was_not_synced(virtual: VirtualDisk) -> None:
    connection = virtual.connect("car", "NORMAL")
    connection.execute(TABLE)
    connection.execute("INSERT INTO account VALUES (1, 1)")
    virtual.sync("car")
    connection.execute("INSERT INTO account VALUES (2, 2)")
    virtual.power_cut()
    connection = virtual.connect("car", "NORMAL")
    assert balances(connection) == [1]
    connection.execute("INSERT INTO account VALUES (3, 3)")
    connection.close()
    virtual.power_cut()
    assert balances(virtual.connect("car")) == [1, 3]


def test_the_power_can_be_cut_at_one_place_alone(virtual: VirtualDisk) -> None:
    car, backend = virtual.connect("car", "NORMAL"), virtual.connect("backend", "NORMAL")
    car.execute(TABLE)
    backend.execute(TABLE)
    virtual.power_cut("car")
    assert balances(backend) == []
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        balances(virtual.connect("car"))


def test_a_process_kill_takes_nothing_that_was_committed(virtual: VirtualDisk) -> None:
    connection = virtual.connect("car", "NORMAL")
    connection.execute(TABLE)
    connection.execute("INSERT INTO account VALUES (1, 1)")
    virtual.kill_all()
    assert balances(virtual.connect("car")) == [1]


def test_a_universe_starts_from_an_image(virtual: VirtualDisk) -> None:
    connection = virtual.connect("backend")
    connection.execute(TABLE)
    connection.execute("INSERT INTO account VALUES (1, 42)")
    image = virtual.image("backend")
    other = VirtualDisk()
    other.load("backend", image)
    copy = other.connect("backend")
    copy.execute("UPDATE account SET fen = 43")
    assert balances(copy) == [43]
    assert balances(connection) == [42]
    assert other.image("fresh") == b""
    other.close()


def test_an_image_that_is_no_database_is_refused(virtual: VirtualDisk) -> None:
    with pytest.raises(DiskError, match="'backend'"):
        virtual.load("backend", b"nonsense" * 100)


@pytest.mark.parametrize(
    "expression",
    [
        "random()",
        "randomblob(8)",
        "CURRENT_TIMESTAMP",
        "CURRENT_DATE",
        "CURRENT_TIME",
        "datetime('now')",
        "date('now')",
        "time('now')",
        "julianday('now')",
        "strftime('%s', 'now')",
        "unixepoch()",
    ],
)
def test_sql_cannot_read_the_real_clock_or_real_chance(virtual: VirtualDisk, expression: str) -> None:
    connection = virtual.connect("car")
    with pytest.raises(sqlite3.OperationalError, match="user-defined function"):
        connection.execute(f"SELECT {expression}").fetchone()


def test_a_column_default_cannot_read_the_real_clock(virtual: VirtualDisk) -> None:
    connection = virtual.connect("car")
    connection.execute("CREATE TABLE stamp (id INTEGER, at TEXT DEFAULT CURRENT_TIMESTAMP)")
    with pytest.raises(sqlite3.OperationalError, match="user-defined function"):
        connection.execute("INSERT INTO stamp (id) VALUES (1)")


def test_nobody_waits_for_a_lock_in_virtual_time(virtual: VirtualDisk) -> None:
    first, second = virtual.connect("car"), virtual.connect("car")
    assert second.execute("PRAGMA busy_timeout").fetchone() == (0,)
    first.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        second.execute("BEGIN IMMEDIATE")
