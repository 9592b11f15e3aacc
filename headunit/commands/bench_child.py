"""The bench as a child process: it starts after the first frame and never outlives the view.

The child's standard input is the read end of a pipe that only the view holds: it ends at end of file,
also when the view is killed. Its standard error goes to the log file.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from headunit.ui.bench_link import BenchClient
from headunit.ui.errors import BenchGoneError
from runtime.errors import ChannelError

Connect = Callable[[Path], Awaitable[BenchClient]]

CLOSE_TIMEOUT_S = 3.0
_TERMINATE_TIMEOUT_S = 2.0
_CONNECT_PERIOD_S = 0.02
_LAST_LINES = 14


class BenchChild:
    """Starts `command`, connects to the socket it opens, and ends it."""

    def __init__(self, command: Sequence[str], *, socket: Path, log: Path, connect: Connect) -> None:
        self._command = command
        self.socket = socket
        self._log = log
        self._log_start = 0
        self._connect = connect
        self._process: asyncio.subprocess.Process | None = None
        self._lifeline: int | None = None

    @property
    def pid(self) -> int | None:
        """Process number of the child, None before it was started."""
        return self._process.pid if self._process is not None else None

    async def open(self) -> BenchClient:
        """Start the child and connect to it. Raises BenchGoneError when it ends before that."""
        process = await self._start()
        dead = asyncio.create_task(process.wait())
        try:
            while True:
                with contextlib.suppress(ChannelError):
                    return await self._connect(self.socket)
                await asyncio.wait((dead,), timeout=_CONNECT_PERIOD_S)
                if dead.done():
                    raise self._gone(dead.result())
        finally:
            dead.cancel()

    async def ended(self) -> BenchGoneError:
        """Wait until the child has ended on its own and say what is known."""
        if self._process is None:
            return BenchGoneError("It was never started.")
        return self._gone(await self._process.wait())

    async def close(self, patience_s: float = CLOSE_TIMEOUT_S) -> None:
        """End the child: close its lifeline, after `patience_s` terminate it, at last kill it."""
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        process = self._process
        if process is None or await _waited(process, patience_s):
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        if await _waited(process, _TERMINATE_TIMEOUT_S):
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    async def _start(self) -> asyncio.subprocess.Process:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        log = os.open(self._log, flags, 0o600)
        self._log_start = os.fstat(log).st_size
        child_end, self._lifeline = os.pipe()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=child_end,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        except OSError as error:
            raise BenchGoneError(f"It could not be started: {error}", log=str(self._log)) from error
        finally:
            os.close(child_end)
            os.close(log)
        return self._process

    def _gone(self, code: int) -> BenchGoneError:
        try:
            with self._log.open("rb") as log:
                log.seek(self._log_start)
                text = log.read().decode("utf-8", "replace")
        except OSError as error:
            text = f"(the log cannot be read: {error})"
        how = f"by {_signal_name(-code)}" if code < 0 else f"with exit code {code}"
        return BenchGoneError(
            f"Its process ended {how}.",
            lines=tuple(text.splitlines()[-_LAST_LINES:]),
            log=str(self._log),
        )


async def _waited(process: asyncio.subprocess.Process, timeout_s: float) -> bool:
    try:
        await asyncio.wait_for(process.wait(), timeout_s)
    except TimeoutError:
        return False
    return True


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
