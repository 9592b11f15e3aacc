"""The programs of the bench, each its own process, started as a user starts them, and killed."""

import asyncio
import os
import signal
import subprocess
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from pathlib import Path

from proofs.evidence import ROOT
from proofs.kills.shim import Control
from runtime.errors import BrokerUnavailableError
from runtime.mqtt.mosquitto import find_mosquitto

HOST = "127.0.0.1"
END_PATIENCE_S = 10.0
BACKEND = ("backend", "serve", "--state", ".", "--activation-delay", "0.2")

_FIRST_PORT, _PORTS = 12_000, 20_000
_TRIED = count(os.getpid() * 101)


class BrokerKind(StrEnum):
    """Which broker stands in the middle."""

    OURS = "ours"
    OURS_KEEPING = "ours with --state"
    MOSQUITTO = "mosquitto"


class Program:
    """One program over all its lives.

    Args:
        name: what it is called.
        command: what starts it; the same in every life.
        folder: where its output and what is shared with it are; `folder/state` is its own.
        shim: the layer that watches it.
        port: the MQTT port that is watched.
    """

    def __init__(self, name: str, command: Sequence[str], folder: Path, shim: Path, port: int) -> None:
        self.name = name
        folder.mkdir(parents=True, exist_ok=True)
        # SQLite and the layer name files by their real path.
        self.state = folder.resolve() / "state"
        self.state.mkdir(mode=0o700)
        self.control = Control(folder / "control")
        self.log = folder / "changes"
        self.output = folder / "output"
        self.lives = 0
        self._command = command
        self._process: Process | None = None
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "LD_PRELOAD": str(shim),
            "KILLS_CONTROL": str(self.control.path),
            "KILLS_PORT": str(port),
            "KILLS_FOLDER": str(self.state),
        }

    async def start(self) -> None:
        """Begin a life; only the first one writes its changes down."""
        self.lives += 1
        self.control.forget_connections()
        environment = dict(self._environment)
        if self.lives == 1:
            environment["KILLS_LOG"] = str(self.log)
        with self.output.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=DEVNULL, stdout=output, stderr=output, cwd=self.state, env=environment
            )

    async def ended(self) -> int:
        """Wait for the end of this life; returns its exit code, negative for a signal."""
        return 0 if self._process is None else await self._process.wait()

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def stop(self) -> None:
        """End it orderly, and at once if it does not."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), END_PATIENCE_S)
        except TimeoutError:
            self.kill()
            await process.wait()

    def last_words(self) -> str:
        """The end of what it has said."""
        return self.output.read_text(errors="replace")[-2000:] if self.output.exists() else ""


@dataclass(slots=True)
class Programs:
    """Broker, telematics unit, backend and car of one run."""

    broker: Program
    telematics: Program
    backend: Program
    car: Program
    socket: Path
    pages_port: int

    def all(self) -> tuple[Program, ...]:
        """Every program, the broker first."""
        return (self.broker, self.telematics, self.backend, self.car)

    def named(self, name: str) -> Program:
        """The program called `name`."""
        return next(program for program in self.all() if program.name == name)


async def make_programs(folder: Path, shim: Path, kind: BrokerKind, mutant: str = "") -> Programs:
    """The programs of a bench in `folder`, not started yet; with a `mutant`, car and backend are broken."""
    broker_port, road_port, pages_port = await _free_ports(3)
    socket = folder / "car.sock"
    headunit: tuple[str, ...] = (sys.executable, "-m", "headunit")
    if mutant:
        headunit = (sys.executable, "-m", "proofs.kills.mutants", mutant)
    url = f"mqtt://{HOST}:{broker_port}"
    road = f"mqtt://{HOST}:{road_port}"
    commands = {
        "broker": _broker_command(kind, broker_port, folder / "broker"),
        "telematics": (*headunit, "telematics", "serve", "--broker", url, "--port", str(road_port)),
        "backend": (*headunit, *BACKEND, "--broker", url, "--port", str(pages_port)),
        "car": (*headunit, "car", "serve", "--broker", road, "--state", ".", "--socket", str(socket)),
    }
    watched = {"broker": broker_port, "telematics": 0, "backend": broker_port, "car": road_port}
    made = {
        name: Program(name, command, folder / name, shim, watched[name]) for name, command in commands.items()
    }
    return Programs(**made, socket=socket, pages_port=pages_port)


def can_keep_sessions() -> bool:
    """Whether our broker has a memory that survives it."""
    command = [sys.executable, "-m", "headunit", "broker", "serve", "--help"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    return "--state" in told


def _broker_command(kind: BrokerKind, port: int, folder: Path) -> tuple[str, ...]:
    if kind is BrokerKind.MOSQUITTO:
        return _mosquitto_command(port, folder)
    keeping = ("--state", ".") if kind is BrokerKind.OURS_KEEPING else ()
    return (sys.executable, "-m", "headunit", "broker", "serve", "--port", str(port), *keeping)


def _mosquitto_command(port: int, folder: Path) -> tuple[str, ...]:
    executable = find_mosquitto()
    if executable is None:
        raise BrokerUnavailableError("mosquitto is not installed; install the package 'mosquitto'")
    lines = [
        f"listener {port} {HOST}",
        "allow_anonymous true",
        "max_queued_messages 0",
        "max_queued_bytes 0",
        "set_tcp_nodelay true",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "persistence true",
        f"persistence_location {folder / 'state'}/",
        "autosave_on_changes true",
        "autosave_interval 1",
    ]
    if os.geteuid() == 0:
        # Started by root it would become the user "mosquitto", who may not enter our folder.
        lines.append("user root")
    folder.mkdir()
    configuration = folder / "mosquitto.conf"
    configuration.write_text("\n".join(lines) + "\n")
    return (executable, "-c", str(configuration))


async def _free_ports(how_many: int) -> list[int]:
    """Ports that stay ours while a killed program is away: below those the system gives to clients."""
    found: list[int] = []
    while len(found) < how_many:
        port = _FIRST_PORT + next(_TRIED) % _PORTS
        try:
            server = await asyncio.start_server(lambda reader, writer: writer.close(), HOST, port)
        except OSError:
            continue
        server.close()
        await server.wait_closed()
        found.append(port)
    return found
