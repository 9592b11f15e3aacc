"""mosquitto as a child process: the bench's broker, and the second opinion on ours."""

import asyncio
import os
import shutil
import socket
import tempfile
from asyncio.subprocess import DEVNULL, Process
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from runtime.errors import BrokerUnavailableError

_SYSTEM_FOLDERS: Final = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"
_HOW_TO_INSTALL: Final = (
    "mosquitto is not installed; install the package 'mosquitto' of this system "
    "or choose our own broker, which needs nothing"
)
_ATTEMPTS: Final = 3
_START_TIMEOUT_S: Final = 5.0
_POLL_S: Final = 0.005
_STOP_TIMEOUT_S: Final = 5.0

_CONFIGURATION: Final = """\
listener {port} {host}
allow_anonymous true
persistence false
max_queued_messages 0
max_queued_bytes 0
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
"""


def find_mosquitto(search_path: str | None = None) -> str | None:
    """Where the broker's executable is; None if nowhere.

    Looks in the folders of `search_path`, else in PATH and where systems keep their daemons.
    """
    if search_path is None:
        search_path = os.pathsep.join((os.environ.get("PATH", os.defpath), _SYSTEM_FOLDERS))
    return shutil.which("mosquitto", path=search_path)


class Mosquitto:
    """One mosquitto on the loopback interface, gone when it is stopped or this process dies.

    Its queues are unbounded: by default it keeps 1,000 messages per client and drops the rest even for a
    client that is connected and merely slow.

    Args:
        host: the address it listens on.
        settings: further lines of its configuration file.
        search_path: where to look for it (`find_mosquitto`).
    """

    def __init__(
        self, host: str = "127.0.0.1", settings: tuple[str, ...] = (), search_path: str | None = None
    ) -> None:
        self._host = host
        self._settings = settings
        self._search_path = search_path
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: Process | None = None
        self._port = 0

    @property
    def port(self) -> int:
        """The port it listens on. Raises BrokerUnavailableError before `start`."""
        if not self._port:
            raise BrokerUnavailableError("mosquitto is not running; await start() first")
        return self._port

    @property
    def pid(self) -> int | None:
        """Its process id, None when it does not run."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start it and return as soon as it accepts connections.

        Raises BrokerUnavailableError when it is not installed or does not start, with what it said.
        """
        executable = find_mosquitto(self._search_path)
        if executable is None:
            raise BrokerUnavailableError(_HOW_TO_INSTALL)
        said = ""
        for _ in range(_ATTEMPTS):
            # Another process may take the port between probe and start: then try another one.
            port = self._free_port()
            folder = self._prepare(port)
            process = await self._launch(executable, folder)
            if await self._accepts(process, port):
                self._process, self._port = process, port
                return
            await self._end(process)
            said = (folder / "log").read_text(errors="replace").strip()
            self._clean_up()
        raise BrokerUnavailableError(
            f"mosquitto did not start on {self._host}: {said or 'it said nothing'}; "
            f"run '{executable} -v' by hand to see why"
        )

    async def stop(self) -> None:
        """End it and remove its files; may be called more than once."""
        process, self._process, self._port = self._process, None, 0
        if process is not None:
            await self._end(process)
        self._clean_up()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _free_port(self) -> int:
        with socket.socket() as probe:
            probe.bind((self._host, 0))
            port: int = probe.getsockname()[1]
        return port

    def _prepare(self, port: int) -> Path:
        self._folder = tempfile.TemporaryDirectory(prefix="headunit-mosquitto-")
        folder = Path(self._folder.name)
        lines = [_CONFIGURATION.format(port=port, host=self._host), *self._settings]
        if os.geteuid() == 0:
            # Started by root it would become the user "mosquitto", who may not enter our folder.
            lines.append("user root")
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        return folder

    async def _launch(self, executable: str, folder: Path) -> Process:
        command = [executable, "-c", str(folder / "mosquitto.conf")]
        setpriv = shutil.which("setpriv")
        if setpriv is not None:
            # So that it dies with its parent however that ends (prctl PR_SET_PDEATHSIG).
            command[:0] = [setpriv, "--pdeathsig", "TERM"]
        log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            return await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=log, stderr=log)
        finally:
            os.close(log)

    async def _accepts(self, process: Process, port: int) -> bool:
        """Knock until it opens; False when it has ended or does not open in time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _START_TIMEOUT_S
        while loop.time() < deadline:
            with suppress(OSError):
                _, writer = await asyncio.open_connection(self._host, port)
                writer.close()
                await writer.wait_closed()
                return process.returncode is None
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _POLL_S)
                return False
        return False

    async def _end(self, process: Process) -> None:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    def _clean_up(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
