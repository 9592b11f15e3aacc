"""Our broker as a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def broker_process(
    port: int = 0, *options: str, state: Path | None = None
) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """`headunit broker serve` and its port; ended with SIGKILL at the latest."""
    command = [sys.executable, "-m", "headunit", "broker", "serve", "--port", str(port), *options]
    if state is not None:
        command += ["--state", str(state)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            assert said.startswith("broker on mqtt://"), said
            yield process, int(said.rsplit(":", 1)[1])
        finally:
            process.kill()
