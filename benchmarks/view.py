"""How long the driver waits: first frame, and key to first bytes, against a bare Textual app.

Both run on a pty of 100 × 30 cells, in turn, so that a busy machine slows both. What counts is a ratio,
not the milliseconds: the median ratio of neighbouring starts, and that of the 95th percentiles of keys.

    python -m benchmarks.view [--runs N] [--keys N] [--quick] [--json]
"""

import argparse
import fcntl
import json
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

Programs: TypeAlias = Sequence[tuple[list[str], bytes]]
"""Command lines, each with the mark at the end of its full frame."""

COLUMNS, ROWS = 100, 30
FIRST_FRAME_RATIO_MAX = 1.3
KEY_RATIO_MAX = 1.5
DOWN, UP = b"\x1b[B", b"\x1b[A"
_QUIET_S = 0.12
_TIMEOUT_S = 20.0


class Terminal:
    """A program on a pty of its own; both have their bytecode in `bytecode`, as after an installation."""

    def __init__(self, command: Sequence[str], bytecode: str) -> None:
        self.started_s = time.perf_counter()
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8")
            os.environ["PYTHONPYCACHEPREFIX"] = bytecode
            for name in ("NO_COLOR", "PYTHONDONTWRITEBYTECODE"):
                os.environ.pop(name, None)
            os.execvp(command[0], list(command))
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._seen = b""

    def read_until(self, mark: bytes) -> float:
        """Seconds from the start until `mark` has been drawn."""
        while mark not in self._seen:
            if not self._read(_TIMEOUT_S):
                raise SystemExit(f"{mark!r} was never drawn; seen: {self._seen[-400:]!r}")
        return time.perf_counter() - self.started_s

    def settle(self) -> None:
        """Read until nothing has come for a while."""
        while self._read(_QUIET_S):
            self._seen = b""

    def key_to_bytes_s(self, key: bytes) -> float:
        """Seconds from `key` to the first byte that is drawn for it."""
        begun_s = time.perf_counter()
        os.write(self._fd, key)
        if not self._read(_TIMEOUT_S):
            raise SystemExit(f"no answer to {key!r}; seen: {self._seen[-400:]!r}")
        return time.perf_counter() - begun_s

    def close(self) -> None:
        """Quit, and make sure of it."""
        os.write(self._fd, b"q")
        deadline_s = time.perf_counter() + 5
        while time.perf_counter() < deadline_s and self._read(0.2):
            pass
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._fd)

    def _read(self, timeout_s: float) -> bool:
        ready, _, _ = select.select([self._fd], [], [], timeout_s)
        if not ready:
            return False
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            return False
        self._seen = (self._seen + data)[-200_000:]
        return bool(data)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and compare; 1 when a ratio is too high."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=9, help="starts of each program")
    parser.add_argument("--keys", type=int, default=60, help="keys for each program")
    parser.add_argument("--quick", action="store_true", help="few of both: for a look, not for a verdict")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(arguments)
    if args.quick:
        args.runs, args.keys = 3, 20
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "headunit", "run", "--state", f"{folder}/state", "--language", "en"]
        bare = [sys.executable, "-m", "benchmarks.bare_app"]
        programs = ((bare, b"READY"), (command, b"F1 ?"))
        bytecode = str(Path(folder, "bytecode"))
        first = first_frames(programs, args.runs, bytecode)
        keys = key_latencies(programs, args.keys, bytecode)
    result = {
        "first_frame_ms": _summary(first, statistics.median),
        "key_p95_ms": _summary(keys, _p95),
    }
    pairs = zip(*first, strict=True)
    result["first_frame_ms"]["ratio"] = round(statistics.median(view / bare for bare, view in pairs), 3)
    if args.json:
        print(json.dumps(result, indent=2))
    else:
        for name, row in result.items():
            print(f"{name:16} view {row['view']:7.1f}   bare {row['bare']:7.1f}   ratio {row['ratio']:.2f}")
    good = (
        result["first_frame_ms"]["ratio"] <= FIRST_FRAME_RATIO_MAX
        and result["key_p95_ms"]["ratio"] <= KEY_RATIO_MAX
    )
    return 0 if good else 1


def first_frames(programs: Programs, runs: int, bytecode: str) -> list[list[float]]:
    """Milliseconds to the first full frame, per program; the first start of each only fills the caches."""
    taken: list[list[float]] = [[] for _ in programs]
    for run in range(runs + 1):
        for index, (command, mark) in enumerate(programs):
            terminal = Terminal(command, bytecode)
            took_ms = terminal.read_until(mark) * 1000
            terminal.close()
            if run:
                taken[index].append(took_ms)
    return taken


def key_latencies(programs: Programs, keys: int, bytecode: str) -> list[list[float]]:
    """Milliseconds from key to first bytes, per program; both run at once and get their keys in turn."""
    taken: list[list[float]] = [[] for _ in programs]
    terminals = [Terminal(command, bytecode) for command, _ in programs]
    for terminal, (_, mark) in zip(terminals, programs, strict=True):
        terminal.read_until(mark)
    time.sleep(3.0)
    for number in range(keys):
        for index, terminal in enumerate(terminals):
            terminal.settle()
            taken[index].append(terminal.key_to_bytes_s(DOWN if number % 2 else UP) * 1000)
    for terminal in terminals:
        terminal.close()
    return taken


def _summary(taken: list[list[float]], of: Callable[[list[float]], float]) -> dict[str, float]:
    bare, view = (of(values) for values in taken)
    return {"view": round(view, 2), "bare": round(bare, 2), "ratio": round(view / bare, 3)}


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


if __name__ == "__main__":
    sys.exit(main())
