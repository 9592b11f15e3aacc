"""The command line: what it imports, what it says, how it ends."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from headunit.cli import COMMANDS, main

HEAVY = (
    "textual",
    "paho",
    "sqlalchemy",
    "can",
    "starlette",
    "numpy",
    "uvicorn",
    "jinja2",
    "serial",
)


def imported_by(*words: str) -> list[str]:
    """What of HEAVY the command line imports."""
    code = (
        "import json, sys, io, contextlib\n"
        "from headunit.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        f"    main({list(words)!r})\n"
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded: list[str] = json.loads(done.stdout)
    return loaded


def test_help_imports_nothing_heavy() -> None:
    assert imported_by("--help") == []


@pytest.mark.parametrize("name", ["simulate", "bridge", "bench serve", "backend serve"])
def test_the_help_of_a_command_imports_nothing_heavy(name: str) -> None:
    assert imported_by(*name.split(), "--help") == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*name.split(), "--help"]) == 0
    said = capsys.readouterr().out
    assert "example" in said
    assert f"headunit {name}" in said


def test_help_lists_every_command_and_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in COMMANDS)
    assert "0 pass   1 fail   2 could not run   3 inconclusive   130 interrupted" in said


def test_the_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("headunit ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nope"], "headunit: no command 'nope'; there are run,"),
        (["bench"], "headunit: say `headunit bench serve`"),
        (["run", "--market", "XX"], "headunit: --market: 'XX' is not one of CN, AU"),
        (["run", "--save", "."], "headunit: --save: . is a folder"),
        (["run", "--save", "none/x.toml"], "headunit: --save: none/x.toml cannot be written"),
        (["run", "--scenario", "none.toml"], "headunit: none.toml: cannot be read: No such file"),
        (["backend", "serve", "--broker", "mqtt://h:99999"], "headunit: 'mqtt://h:99999' is no broker"),
        (["backend", "serve", "--broker", "mqtt://h:x"], "headunit: 'mqtt://h:x' is no broker"),
        (["backend", "serve", "--broker", "mqtt://h", "--port", "99999"], "headunit: --port: 99999 is not"),
    ],
)
def test_a_mistake_is_one_clear_line_and_exit_code_2(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    state = ["--state", str(tmp_path)] if words[0] in ("run", "backend") else []
    assert main([*words, *state]) == 2
    error = capsys.readouterr().err
    assert error.startswith(said)
    assert error.count("\n") == 1


def test_without_a_command_help_is_shown_and_nothing_was_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "commands:" in capsys.readouterr().out


def test_ctrl_c_ends_a_headless_bench_with_130_and_no_traceback(tmp_path: Path) -> None:
    child = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from headunit.commands.bench_child import BenchChild\n"
        "from headunit.commands.headless import run_headless\n"
        "from runtime.bench_channel import ChannelClient\n"
        "command = [sys.executable, '-m', 'tests.headunit.ui.small_bench', '--socket', sys.argv[1]]\n"
        "child = BenchChild(command, socket=Path(sys.argv[1]), log=Path(sys.argv[2]),"
        " connect=ChannelClient.connect)\n"
        "sys.exit(asyncio.run(run_headless(child)))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", child, str(tmp_path / "b.sock"), str(tmp_path / "bench.log")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": "."},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = [process.stdout.readline() for _ in range(3)]
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert process.stderr.read() == ""
    assert said[0].startswith("bench   ")
    assert said[1] == "broker  127.0.0.1:1\n"


def test_a_scenario_that_cannot_be_played_is_said_before_the_bench_starts(tmp_path: Path) -> None:
    file = tmp_path / "story.toml"
    file.write_text("sed = 1\n", encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "headunit",
            "run",
            "--plain",
            "--state",
            str(tmp_path),
            "--scenario",
            str(file),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"{file}:1: sed: no such key" in done.stderr


def test_a_locale_that_cannot_write_the_symbols_gets_lines_all_the_same(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "headunit", "run", "--plain", "--state", str(tmp_path)],
        input="show\n",
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        encoding="latin-1",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Main menu" in done.stdout
