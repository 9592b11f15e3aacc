"""`headunit run` as a process of its own with the real bench behind it: in a terminal, or with pipes."""

import asyncio
import fcntl
import os
import pty
import re
import select
import signal
import socket
import struct
import sys
import termios
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from time import monotonic
from typing import Self

from runtime.journal import JournalEntry, read_journal

PATIENCE_S = 15.0
"""How long a test waits for what it waits for; it goes on as soon as that has happened."""

_CONTROL = re.compile(rb"\x1b(\[[0-9;:?<>=]*[ -/]*[@-~]|[PX^_\]].*?(\x07|\x1b\\)|[@-Z\\-_=>])", re.DOTALL)


def run_command(state: Path, *options: str) -> list[str]:
    """The command line of a bench of its own in `state`."""
    return [sys.executable, "-m", "headunit", "run", "--state", str(state), "--language", "en", *options]


def quiet_environment(**more: str) -> dict[str, str]:
    """The environment without what would change a view or its settings."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("HEADUNIT_", "TEXTUAL"))
    }
    kept.pop("NO_COLOR", None)
    return {**kept, "TERM": "xterm-256color", "HEADUNIT_CONFIG": os.devnull, **more}


def knob_entries(state: Path) -> list[str]:
    """What the car has journalled of the knob, in order."""
    return [entry.key for entry in journal_of(state) if entry.kind == "knob"]


def journal_of(state: Path) -> list[JournalEntry]:
    """The journal of the bench in `state` so far."""
    return read_journal(state / "data" / "journal.jsonl")


def bench_pid(state: Path) -> int:
    """Who listens on the bench channel, as the kernel knows it (SO_PEERCRED, unix(7))."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(state / "bench.sock"))
        credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid: int = struct.unpack("3i", credentials)[0]
    return pid


def ends(pidfd: int) -> bool:
    """Wait until the process behind `pidfd` has ended; closes it."""
    ready, _, _ = select.select([pidfd], [], [], PATIENCE_S)
    os.close(pidfd)
    return bool(ready)


class FullScreen:
    """`headunit run` on a terminal of its own of 100 × 30 cells."""

    def __init__(self, state: Path, *options: str, **environment: str) -> None:
        self.state = state
        self.drawn = b""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.execvpe(sys.executable, run_command(state, *options), quiet_environment(**environment))
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self._code: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._fd)

    def keys(self, keys: bytes) -> None:
        """Type."""
        os.write(self._fd, keys)

    def until(self, text: str, *, since: int = 0) -> str:
        """Read until `text` has been drawn after the first `since` bytes; returns what was drawn there."""
        deadline_s = monotonic() + PATIENCE_S
        while text not in (seen := self._text(since)):
            if not self._read(deadline_s - monotonic()):
                raise AssertionError(f"{text!r} was never drawn; at last: {seen[-400:]!r}")
        return seen

    def exit_code(self) -> int:
        """Read to the end and say how the process ended."""
        while self._read(PATIENCE_S):
            pass
        _, status = os.waitpid(self.pid, 0)
        self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def kill(self) -> None:
        """SIGKILL: no handler runs."""
        os.kill(self.pid, signal.SIGKILL)

    def _text(self, since: int) -> str:
        return _CONTROL.sub(b"", self.drawn[since:]).decode("utf-8", "replace")

    def _read(self, timeout_s: float) -> bool:
        ready, _, _ = select.select([self._fd], [], [], max(0.0, timeout_s))
        if not ready:
            return False
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # EIO: the other end has closed its terminal
            return False
        self.drawn += data
        return bool(data)


class PlainRun:
    """`headunit run --plain` with pipes: words go in, screens come out."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.screen: list[str] = []

    @classmethod
    async def start(cls, state: Path, *options: str) -> Self:
        """Start it."""
        command = run_command(state, "--plain", *options)
        return cls(
            await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, env=quiet_environment())
        )

    @property
    def focused(self) -> str:
        """The row in focus."""
        return next((line[2:] for line in self.screen if line.startswith("> ")), "")

    @property
    def place(self) -> str:
        """Where the menu is, outermost first."""
        return self.screen[0].split(" | ")[2] if self.screen else ""

    def say(self, word: str) -> None:
        """Type a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n".encode())

    async def until(self, *texts: str) -> None:
        """Read screens until one has all `texts` somewhere."""
        while not all(any(text in line for line in self.screen) for text in texts):
            await self._next_screen()

    async def choose(self, *labels: str) -> None:
        """Turn to the row that begins with a label, detent by detent, and press it; then the next."""
        for label in labels:
            while self._row(label) is None:
                await self._next_screen()
            while not self.focused.startswith(label):
                here = self.focused
                self.say(f"rotate {1 if (self._row(label) or 0) > (self._row(here) or 0) else -1}")
                while self.focused == here:
                    await self._next_screen()
            place = self.place
            self.say("press")
            while self.place == place:
                await self._next_screen()

    async def close(self) -> int:
        """End the input; returns the exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self.process.communicate()
        return self.process.returncode or 0

    def _row(self, label: str) -> int | None:
        rows = (number for number, line in enumerate(self.screen) if line[2:].startswith(label) and number)
        return next(rows, None)

    async def _next_screen(self) -> None:
        assert self.process.stdout is not None
        lines: list[str] = []
        async with asyncio.timeout(PATIENCE_S):
            while line := await self.process.stdout.readline():
                if line == b"\n":
                    self.screen = lines
                    return
                lines.append(line.decode().rstrip("\n"))
        raise AssertionError(f"the view has ended; its last screen was {self.screen}")
