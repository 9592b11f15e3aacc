"""Car, road, broker and backend as four processes, each started by its own command, on free ports."""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from itertools import chain
from pathlib import Path
from typing import Final

from backend_stub.adapters.sql_store import SqlStore
from backend_stub.app import DATABASE
from backend_stub.service.audit import BackendAudit, audit
from contracts.bench import PressKnob
from contracts.controller import MENU
from contracts.screen import ScreenSnapshot
from runtime.bench_channel import ChannelClient
from runtime.disk import FileDisk
from tests.headunit.test_bench_killed import Driver
from tests.headunit.ui.running import quiet_environment

PROGRAMS: Final = ("broker", "telematics", "backend", "car")
BACK_OFF_MAX_S: Final = 0.5
"""A test does not wait two minutes for what a car in the field may wait for."""

_SERVES: Final = {
    "broker": "broker on",
    "telematics": "road from",
    "backend": "bench channel at",
    "car": "bench channel at",
}
"""The line with which a program says that it is there."""

_FIRST_PORT: Final = 20_000
_PORTS: Final = 12_000
"""Below the ports that systems give to clients: one of those, meeting no listener, may connect to itself."""


def free_ports() -> Iterator[int]:
    """Ports of the loopback interface on which nobody listens; other test processes begin elsewhere."""
    begin = os.getpid() * 97
    for step in range(_PORTS):
        port = _FIRST_PORT + (begin + step) % _PORTS
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        yield port


_ports = free_ports()


class Hand(Driver):
    """A driver who finds the way from the main menu."""

    async def opens(self, *labels: str) -> None:
        """MENU, then one row after the other."""
        await self._client.request(PressKnob(event=MENU))
        for label in labels:
            await self.chooses(label)


class Served:
    """One life of one program; its output is read to the end, so that it never has to wait."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.said: list[str] = []
        self.warned: list[str] = []
        self._news = asyncio.Event()
        assert process.stdout is not None
        assert process.stderr is not None
        self._reading = asyncio.gather(
            self._read(process.stdout, self.said), self._read(process.stderr, self.warned)
        )

    async def _read(self, stream: asyncio.StreamReader, lines: list[str]) -> None:
        while line := await stream.readline():
            lines.append(line.decode().rstrip("\n"))
            self._news.set()

    async def until(self, text: str) -> str:
        """The first line with `text` in it, on either output."""
        while True:
            for line in chain(self.said, self.warned):
                if text in line:
                    return line
            assert not self._reading.done(), f"ended without {text!r}: {self.said} {self.warned}"
            self._news.clear()
            waiting = asyncio.create_task(self._news.wait())
            await asyncio.wait((waiting, self._reading), return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()

    async def end(self) -> int:
        """The exit code, when everything that it has said is read."""
        await self._reading
        return await self.process.wait()


class Apart:
    """The four programs on one state folder and three ports, which they keep over all their lives."""

    def __init__(self, state: Path) -> None:
        self.state = state
        broker, road, pages = next(_ports), next(_ports), next(_ports)
        at_broker = ("--broker", f"mqtt://127.0.0.1:{broker}")
        kept = ("--state", str(state), "--back-off-max", str(BACK_OFF_MAX_S))
        self._commands = {
            "broker": ("--port", str(broker)),
            "telematics": (*at_broker, "--port", str(road)),
            "backend": (*at_broker, "--port", str(pages), "--activation-delay", "0", *kept),
            "car": ("--broker", f"mqtt://127.0.0.1:{road}", *kept),
        }
        self.phone_url = f"http://127.0.0.1:{pages}/phone"
        self.lives: dict[str, Served] = {}

    async def start(self, program: str) -> Served:
        """Begin a life of `program`, without waiting for it."""
        command = (sys.executable, "-m", "headunit", program, "serve", *self._commands[program])
        served = Served(
            await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, stdout=PIPE, stderr=PIPE, env=quiet_environment()
            )
        )
        self.lives[program] = served
        return served

    async def kill(self, program: str) -> None:
        """SIGKILL it."""
        served = self.lives.pop(program)
        served.process.kill()
        assert await served.end() == -9

    async def strike(self, program: str) -> None:
        """SIGKILL it and start it again."""
        await self.kill(program)
        await self.start(program)

    async def close(self) -> None:
        """SIGTERM everything that lives, once it serves; each ends with 0."""
        for program, served in self.lives.items():
            await served.until(_SERVES[program])
        for served in self.lives.values():
            served.process.terminate()
        codes = {program: await served.end() for program, served in self.lives.items()}
        self.lives.clear()
        assert codes == dict.fromkeys(codes, 0), codes

    async def abandon(self) -> None:
        """Leave nothing behind, whatever has happened."""
        for served in self.lives.values():
            if served.process.returncode is None:
                served.process.kill()
            await served.end()

    def story(self) -> str:
        """What everybody living has said, for whoever must find out what went wrong."""
        return "\n".join(
            f"{program} ({served.process.returncode}): {served.said} {served.warned}"
            for program, served in self.lives.items()
        )

    @asynccontextmanager
    async def driver(self) -> AsyncIterator[Hand]:
        """A hand and an eye on the car's present life."""
        await self.lives["car"].until("bench channel at")
        client = await ChannelClient.connect(self.state / "car.sock")
        try:
            yield Hand(client)
        finally:
            client.close()

    def books(self) -> BackendAudit:
        """The backend's books as they are on the disk; nobody may be writing them."""
        store = SqlStore(lambda: FileDisk(self.state).connect(DATABASE))
        try:
            return audit(store)
        finally:
            store.close()

    def waiting(self, program: str) -> list[str]:
        """Topics of what waits in the outbox of `program` on the disk, but for questions of the car's."""
        with closing(FileDisk(self.state).connect(program)) as database:
            topics = [topic for (topic,) in database.execute("SELECT topic FROM outbox")]
        return [topic for topic in topics if not topic.endswith("/sync")]


def is_current(screen: ScreenSnapshot) -> bool:
    """The car is connected, and the backend has answered it in this life."""
    return "online" in screen.status.data and screen.freshness.startswith("last sync")
