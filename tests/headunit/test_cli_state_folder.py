"""The state folder: one bench at a time."""

import os
from pathlib import Path

import pytest

from headunit.commands.errors import BenchInUseError
from headunit.commands.state_folder import StateFolder


def test_a_second_instance_is_refused_and_told_by_whom(tmp_path: Path) -> None:
    with StateFolder(tmp_path):
        with pytest.raises(
            BenchInUseError, match=rf"process {os.getpid()}; quit that one, or .* --state DIR"
        ):
            StateFolder(tmp_path).__enter__()


def test_the_folder_is_free_again_afterwards(tmp_path: Path) -> None:
    with StateFolder(tmp_path):
        pass
    with StateFolder(tmp_path) as folder:
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
        assert folder.socket == tmp_path / "bench.sock"


def test_fresh_forgets_the_data_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "car.db").write_text("x")
    (tmp_path / "mine.txt").write_text("x")
    with StateFolder(tmp_path) as folder:
        folder.prepare(fresh=False)
        assert (tmp_path / "data" / "car.db").exists()
        folder.prepare(fresh=True)
        assert list((tmp_path / "data").iterdir()) == []
    assert (tmp_path / "mine.txt").exists()


def test_a_socket_path_that_would_be_too_long_gets_a_short_folder(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["folder"] * 15)
    with StateFolder(deep) as folder:
        socket = folder.socket
        assert len(os.fsencode(socket)) <= 100
        assert socket.parent.is_dir()
        assert folder.socket == socket
    assert not socket.parent.exists()
