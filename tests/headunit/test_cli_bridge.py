"""`headunit bridge`: what it is told on the command line."""

from pathlib import Path

import pytest

from headunit.cli import main
from headunit.commands.bridge import playback_speed
from headunit.commands.errors import CommandError


def test_a_recording_is_played_at_a_number_or_as_fast_as_possible() -> None:
    assert playback_speed("10") == 10.0
    assert playback_speed("max") is None
    with pytest.raises(CommandError, match="--speed: 'fast' is neither a number nor max"):
        playback_speed("fast")


def test_without_a_bench_the_bridge_says_how_to_start_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bridge", "--can", "virtual:x", "--socket", str(tmp_path / "b.sock")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("headunit: no bench answers at")
    assert "headunit run" in error
