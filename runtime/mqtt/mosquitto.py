"""mosquitto as a child process: the bench's broker, and the second opinion on ours.

Started by root it runs as the user `mosquitto`, or `nobody` where there is none (mosquitto.conf(5), `user`):
the account is changed before it starts, so that it never has a privilege, and in the folder that is its
working directory already, so that it need not be able to walk there. Its configuration names files of that
folder alone.
"""

import asyncio
import os
import pwd
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
_ACCOUNTS: Final = ("mosquitto", "nobody")
_CONF, _LOG, _DATABASE = "mosquitto.conf", "mosquitto.log", "mosquitto.db"

_CONFIGURATION: Final = """\
listener {port} {host}
max_connections -1
allow_anonymous true
max_queued_messages 0
max_queued_bytes 0
max_inflight_messages 65535
max_inflight_bytes 0
max_packet_size 268435460
queue_qos0_messages false
retain_available true
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
"""
"""Every option of mosquitto.conf(5) that drops, refuses or holds back messages, set to where it does not.

`max_inflight_messages` is the Receive Maximum announced to clients, too, and the most that is under way to
one of them; `max_packet_size` is the protocol's own limit (section 2.1.4), 0 not being allowed. Three more
must stay absent, since only their default is harmless: `memory_limit`, `persistent_client_expiration` and
`message_size_limit`, which acknowledges to a client of MQTT 3.1.1 what it drops. A message of QoS 0 for a
client that is away is not kept (section 4.1).
"""

_FORGETFUL: Final = "persistence false\n"
_PERSISTENT: Final = f"""\
persistence true
persistence_file {_DATABASE}
autosave_on_changes true
autosave_interval 1
"""
"""Saved after every turn of its loop that has changed something, which costs nine tenths of its speed.

It acknowledges first and saves then: what it acknowledged in the very turn in which it is killed is lost.
Sessions that began with Clean Start it does not save at all (seen with 2.0.11).
"""


def find_mosquitto(search_path: str | None = None) -> str | None:
    """Where the broker's executable is; None if nowhere.

    Looks in the folders of `search_path`, else in PATH and where systems keep their daemons.
    """
    if search_path is None:
        search_path = os.pathsep.join((os.environ.get("PATH", os.defpath), _SYSTEM_FOLDERS))
    return shutil.which("mosquitto", path=search_path)


def _account() -> pwd.struct_passwd | None:
    """Whom it runs as when we are root; None when it runs as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in _ACCOUNTS:
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise BrokerUnavailableError(
        f"mosquitto must not run as root, and this system has no user {' or '.join(_ACCOUNTS)}; "
        "start the bench as another user"
    )


class Mosquitto:
    """One mosquitto on the loopback interface, gone when it is stopped or this process dies.

    Its queues are unbounded: by default it keeps 1,000 messages per client and drops the rest even for a
    client that is connected and merely slow.

    Args:
        host: the address it listens on.
        settings: further lines of its configuration file.
        search_path: where to look for it (`find_mosquitto`).
        port: the port it listens on, 0 for a free one.
        persistence: a folder of its own, in which it keeps its sessions; without one they end with it.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        settings: tuple[str, ...] = (),
        search_path: str | None = None,
        *,
        port: int = 0,
        persistence: Path | None = None,
    ) -> None:
        self._host = host
        self._settings = settings
        self._search_path = search_path
        self._fixed_port = port
        self._persistence = persistence
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
        """Start it and return as soon as it accepts connections; after `kill` on the port that it had.

        Raises BrokerUnavailableError when it is not installed or does not start, with what it said.
        """
        executable = find_mosquitto(self._search_path)
        if executable is None:
            raise BrokerUnavailableError(_HOW_TO_INSTALL)
        fixed_port = self._port or self._fixed_port
        said = ""
        for _ in range(1 if fixed_port else _ATTEMPTS):
            # Another process may take the port between probe and start: then try another one.
            port = self._free_port(fixed_port)
            folder = self._prepare(port)
            process = await self._launch(executable, folder)
            if await self._accepts(process, port):
                self._process, self._port = process, port
                return
            await self._end(process)
            said = (folder / _LOG).read_text(errors="replace").strip()
            self._clean_up()
        raise BrokerUnavailableError(
            f"mosquitto did not start on {self._host}: {said or 'it said nothing'}; "
            f"run '{executable} -v' by hand to see why"
        )

    async def stop(self) -> None:
        """End it and remove its files, but for what it keeps; may be called more than once."""
        process, self._process, self._port = self._process, None, 0
        if process is not None:
            await self._end(process)
        self._clean_up()

    async def kill(self) -> None:
        """SIGKILL it: what it has not saved is lost. `start` brings it back."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _free_port(self, wanted: int) -> int:
        """`wanted` if nobody listens there, or 0 for any: who knocks must not meet another broker."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self._host, wanted))
            except OSError as error:
                raise BrokerUnavailableError(
                    f"mosquitto cannot listen on {self._host} port {wanted}: {error.strerror}; "
                    "end what listens there or choose another port"
                ) from None
            port: int = probe.getsockname()[1]
        return port

    def _prepare(self, port: int) -> Path:
        """Its working directory with everything in it, in its own possession."""
        if self._persistence is None:
            self._clean_up()
            self._folder = tempfile.TemporaryDirectory(prefix="headunit-mosquitto-")
            folder = Path(self._folder.name)
        else:
            folder = self._persistence
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = _FORGETFUL if self._persistence is None else _PERSISTENT
        text = _CONFIGURATION.format(port=port, host=self._host) + kept
        (folder / _CONF).write_text("\n".join([text, *self._settings, ""]))
        account = _account()
        if account is not None:
            for path in (folder, folder / _CONF, folder / _DATABASE):
                if path.exists():
                    os.chown(path, account.pw_uid, account.pw_gid)
        return folder

    async def _launch(self, executable: str, folder: Path) -> Process:
        command = [executable, "-c", _CONF]
        setpriv = shutil.which("setpriv")
        if setpriv is not None:
            # So that it dies with its parent however that ends (prctl PR_SET_PDEATHSIG). A change of account
            # would undo it: that comes first.
            command[:0] = [setpriv, "--pdeathsig", "TERM"]
        account = _account()
        log = os.open(folder / _LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            return await asyncio.create_subprocess_exec(
                *command,
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                user=None if account is None else account.pw_uid,
                group=None if account is None else account.pw_gid,
                extra_groups=None if account is None else (),
            )
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
