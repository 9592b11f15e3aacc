"""`headunit run` on a terminal with the real bench behind it: its first keys, its end, its death."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.headunit.ui.running import (
    FullScreen,
    bench_pid,
    ends,
    knob_entries,
    quiet_environment,
    run_command,
)

FIRST_FRAME = "F1 ?"
DOWN, UP, ENTER, QUIT = b"\x1b[B", b"\x1b[A", b"\r", b"q"


def test_keys_before_the_bench_is_up_are_seen_at_once_and_reach_the_car_once_and_in_order(
    tmp_path: Path,
) -> None:
    with FullScreen(tmp_path) as view:
        view.until(FIRST_FRAME)
        before = len(view.drawn)
        view.keys(DOWN + UP + ENTER + DOWN)
        seen = view.until("Emergency Call", since=before)
        assert "online" not in seen
        assert not (tmp_path / "bench.sock").exists()
        view.until("online", since=before)
        view.keys(QUIT)
        assert view.exit_code() == 0
    assert knob_entries(tmp_path) == ["rotate+1", "rotate-1", "press", "rotate+1"]


def test_quitting_ends_the_bench_and_gives_the_terminal_back(tmp_path: Path) -> None:
    with FullScreen(tmp_path) as view:
        view.until("online")
        bench = os.pidfd_open(bench_pid(tmp_path))
        view.keys(QUIT)
        assert view.exit_code() == 0
        assert b"\x1b[?1049l" in view.drawn
        assert b"Traceback" not in view.drawn
    assert ends(bench)
    assert not (tmp_path / "bench.sock").exists()
    assert (tmp_path / "bench.log").read_text() == ""


def test_a_view_that_is_killed_takes_its_bench_with_it(tmp_path: Path) -> None:
    with FullScreen(tmp_path) as view:
        view.until("online")
        bench = os.pidfd_open(bench_pid(tmp_path))
        view.kill()
        assert ends(bench)


def test_a_bench_that_dies_is_said_with_what_is_safe_and_the_exit_code_is_1(tmp_path: Path) -> None:
    with FullScreen(tmp_path) as view:
        view.until("online")
        os.kill(bench_pid(tmp_path), 9)
        assert "on disk" in view.until("Any key leaves")
        view.keys(ENTER)
        assert view.exit_code() == 1


@pytest.mark.parametrize(("no_color", "is_grey"), [("1", True), ("", False)])
def test_without_colour_all_is_grey_and_state_still_has_its_words(
    tmp_path: Path, no_color: str, is_grey: bool
) -> None:
    with FullScreen(tmp_path, NO_COLOR=no_color, COLORTERM="truecolor") as view:
        seen = view.until("⇅ online")
        assert "◀" in seen
        view.keys(QUIT)
        assert view.exit_code() == 0
    colours = set(re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", view.drawn))
    assert colours
    assert all(red == green == blue for red, green, blue in colours) is is_grey


@pytest.mark.parametrize("words", [None, "press\nback\n"])
def test_standard_input_may_be_a_file_or_nothing(tmp_path: Path, words: str | None) -> None:
    source = Path(os.devnull)
    if words is not None:
        source = tmp_path / "words"
        source.write_text(words)
    state = tmp_path / "state"
    with source.open("rb") as said:
        done = subprocess.run(
            run_command(state), stdin=said, capture_output=True, env=quiet_environment(), check=True
        )
    assert done.stderr == b""
    assert knob_entries(state) == (words or "").split()
