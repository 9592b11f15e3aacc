"""A power cut: what was synced is there, and of the rest any part."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from struct import pack

import pytest

from proofs.kills.file_log import Coin, Kept, Operation, after_power_cut, put_back
from proofs.kills.shim import Control, Point, build_shim, find_compiler
from runtime.randomness import SeededRandomness

FOLDER = Path("/somewhere")
A, B = f"{FOLDER}/a", f"{FOLDER}/b"

needs_a_compiler = pytest.mark.skipif(find_compiler() is None, reason="no C compiler is installed")


def change(operation: Operation, path: str = A, offset: int = 0, data: bytes = b"") -> bytes:
    return pack("=IIQQ", operation, len(path), offset, len(data)) + path.encode() + data


MADE = change(Operation.CREATE) + change(Operation.SYNC, str(FOLDER))


def left(log: bytes, kept: Kept, seed: int = 0) -> dict[str, bytes]:
    return after_power_cut(FOLDER, log, kept, Coin(SeededRandomness(seed)))


def test_what_was_synced_is_there_whatever_is_kept() -> None:
    log = MADE + change(Operation.WRITE, data=b"x" * 2000) + change(Operation.SYNC)
    for seed in range(20):
        for kept in Kept:
            assert left(log, kept, seed) == {A: b"x" * 2000}


def test_what_was_not_synced_can_be_gone_or_there() -> None:
    log = (
        MADE
        + change(Operation.WRITE, data=b"x")
        + change(Operation.SYNC)
        + change(Operation.WRITE, data=b"y")
    )
    assert left(log, Kept.NOTHING) == {A: b"x"}
    assert left(log, Kept.ALL) == {A: b"y"}
    assert {left(log, Kept.SOME, seed)[A] for seed in range(20)} == {b"x", b"y"}


def test_sectors_arrive_one_by_one_and_never_torn() -> None:
    log = MADE + change(Operation.WRITE, offset=256, data=b"x" * 1024)
    parts = set()
    for seed in range(60):
        image = left(log, Kept.SOME, seed)[A].ljust(1280, b"\0")
        sectors = (image[256:512], image[512:1024], image[1024:])
        assert all(sector in (b"x" * len(sector), b"\0" * len(sector)) for sector in sectors)
        parts.add(tuple(sector[0] for sector in sectors))
    assert len(parts) == 8


def test_a_truncation_waits_for_the_sync_too() -> None:
    log = MADE + change(Operation.WRITE, data=b"x" * 600) + change(Operation.SYNC)
    log += change(Operation.TRUNCATE, offset=100)
    assert len(left(log, Kept.NOTHING)[A]) == 600
    assert len(left(log, Kept.ALL)[A]) == 100
    assert {len(left(log, Kept.SOME, seed)[A]) for seed in range(20)} == {100, 600}


def test_names_arrive_in_their_order_and_with_the_sync_of_their_folder() -> None:
    log = change(Operation.CREATE) + change(Operation.RENAME, data=B.encode()) + change(Operation.CREATE)
    assert left(log, Kept.NOTHING) == {}
    assert sorted(left(log, Kept.ALL)) == [A, B]
    seen = {tuple(sorted(left(log, Kept.SOME, seed))) for seed in range(40)}
    assert seen == {(), (A,), (B,), (A, B)}
    assert sorted(left(log + change(Operation.SYNC, str(FOLDER)), Kept.NOTHING)) == [A, B]


def test_a_file_that_was_removed_comes_back_until_the_folder_is_synced() -> None:
    log = MADE + change(Operation.UNLINK)
    assert left(log, Kept.NOTHING) == {A: b""}
    assert left(log, Kept.ALL) == {}
    assert left(log + change(Operation.SYNC, str(FOLDER)), Kept.NOTHING) == {}


def test_a_change_that_was_cut_off_while_it_was_written_down_is_left_out() -> None:
    log = MADE + change(Operation.WRITE, data=b"x")
    assert left(log + change(Operation.WRITE, data=b"yy")[:-1], Kept.ALL) == {A: b"x"}


# The layer under a real SQLite

WRITER = """
import os, signal, sys
from pathlib import Path
from runtime.disk import FileDisk

connection = FileDisk(Path(sys.argv[1])).connect("numbers")
connection.execute(f"PRAGMA synchronous = {sys.argv[2]}")
connection.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY, ballast BLOB)")
for number in range(30):
    connection.execute("INSERT INTO numbers VALUES (?, randomblob(3000))", (number,))
    if number == 15:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_shim(tmp_path_factory.mktemp("shim"))


def write_numbers(shim: Path, folder: Path, synchronous: str) -> tuple[Path, bytes, Control]:
    state = folder / "state"
    state.mkdir()
    control = Control(folder / "control")
    control.arm()
    environment = {
        **os.environ,
        "LD_PRELOAD": str(shim),
        "KILLS_CONTROL": str(control.path),
        "KILLS_LOG": str(folder / "log"),
        "KILLS_FOLDER": str(state),
    }
    done = subprocess.run(
        [sys.executable, "-c", WRITER, str(state), synchronous], env=environment, check=False
    )
    assert done.returncode == -9
    return state, (folder / "log").read_bytes(), control


def numbers_in(state: Path) -> int:
    with closing(sqlite3.connect(state / "numbers.sqlite")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        count: int = connection.execute("SELECT count(*) FROM numbers").fetchone()[0]
        return count


@needs_a_compiler
def test_the_record_of_the_layer_is_the_files_to_the_byte(shim: Path, tmp_path: Path) -> None:
    state, log, control = write_numbers(shim, tmp_path, "FULL")
    files = {str(path): path.read_bytes() for path in state.iterdir() if not path.name.endswith("-shm")}
    assert len(files) == 2
    assert after_power_cut(state, log, Kept.ALL, Coin(SeededRandomness(0))) == files
    counts = control.counts()
    control.close()
    assert counts[Point.COMMIT_WRITTEN] == counts[Point.COMMIT_SYNCED] == 31


@needs_a_compiler
def test_sqlite_keeps_every_commit_through_any_power_cut(shim: Path, tmp_path: Path) -> None:
    state, log, control = write_numbers(shim, tmp_path, "FULL")
    control.close()
    for seed in range(12):
        kept = Kept.NOTHING if seed == 0 else Kept.SOME
        put_back(state, after_power_cut(state, log, kept, Coin(SeededRandomness(seed))))
        assert numbers_in(state) == 30


@needs_a_compiler
def test_without_syncs_a_power_cut_takes_commits(shim: Path, tmp_path: Path) -> None:
    state, log, control = write_numbers(shim, tmp_path, "NORMAL")
    control.close()
    put_back(state, after_power_cut(state, log, Kept.NOTHING, Coin(SeededRandomness(0))))
    assert numbers_in(state) < 30
