"""The bench as a child: it comes up, it dies with its view, and its death is told."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.bench import Subscribe
from headunit.commands.bench_child import BenchChild
from headunit.ui.errors import BenchGoneError
from runtime.bench_channel import ChannelClient


def child_of(folder: Path, *options: str) -> BenchChild:
    """A small bench that listens in `folder`."""
    socket = folder / "b.sock"
    command = [sys.executable, "-m", "tests.headunit.ui.small_bench", "--socket", str(socket), *options]
    return BenchChild(command, socket=socket, log=folder / "bench.log", connect=ChannelClient.connect)


async def test_the_child_comes_up_and_answers(tmp_path: Path) -> None:
    child = child_of(tmp_path)
    client = await child.open()
    await client.request(Subscribe())
    await child.close()
    assert not (tmp_path / "b.sock").exists()


async def test_a_child_that_dies_before_it_answers_is_told_with_its_last_lines(tmp_path: Path) -> None:
    (tmp_path / "bench.log").write_text("an older bench\n")
    child = child_of(tmp_path, "--die", "no room on the disk")
    with pytest.raises(BenchGoneError, match="exit code 4") as caught:
        await child.open()
    assert caught.value.lines == ("no room on the disk",)
    assert caught.value.log == str(tmp_path / "bench.log")
    await child.close()


async def test_a_child_that_is_killed_is_told_by_the_signal(tmp_path: Path) -> None:
    child = child_of(tmp_path)
    await child.open()
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    assert "by SIGKILL" in str(await child.ended())
    await child.close()


async def test_a_child_that_does_not_listen_to_the_end_of_its_input_is_terminated(tmp_path: Path) -> None:
    child = child_of(tmp_path, "--deaf")
    await child.open()
    await child.close(patience_s=0.05)
    assert "SIGTERM" in str(await child.ended())


async def test_a_command_that_does_not_exist_is_told(tmp_path: Path) -> None:
    child = BenchChild(
        [str(tmp_path / "none")], socket=tmp_path / "s", log=tmp_path / "l", connect=ChannelClient.connect
    )
    with pytest.raises(BenchGoneError, match="could not be started"):
        await child.open()
    await child.close()


def test_the_child_dies_with_a_view_that_was_killed(tmp_path: Path) -> None:
    view = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from tests.headunit.test_cli_bench_child import child_of\n"
        "async def main():\n"
        "    child = child_of(Path(sys.argv[1]))\n"
        "    await child.open()\n"
        "    print(child.pid, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", view, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "."},
    ) as process:
        assert process.stdout is not None
        bench = os.pidfd_open(int(process.stdout.readline()))
        process.kill()
    ended, _, _ = select.select([bench], [], [], 10)
    os.close(bench)
    assert ended
