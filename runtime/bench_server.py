"""The bench's end of the bench channel: a Unix socket that only its owner can open."""

import asyncio
import os
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias, cast

from contracts.bench import AnyCommand, AnyReport, Done, Refused, Subscribe
from contracts.errors import ErrorCode
from runtime.bench_frames import MAX_FRAME_BYTES, FrameSplitter, command_id, frame, read_command
from runtime.errors import ChannelError, CommandRefused
from runtime.report_hub import Backlog, ReportHub, ReportListener

BenchHandler: TypeAlias = Callable[[AnyCommand], Awaitable[None]]
"""Carries out a command; raises CommandRefused when it changes nothing."""


def subscribed(hub: ReportHub, command: Subscribe, listener: ReportListener) -> Callable[[], None]:
    """Have `listener` told what `command` asks for; returns what ends it.

    Raises CommandRefused, naming the field, for a report that does not exist.
    """
    try:
        return hub.listen(command.reports, listener)
    except ChannelError as error:
        raise CommandRefused(ErrorCode.BAD_MESSAGE, f"{error} - at `$.reports`") from None


class ChannelServer:
    """A listening bench; made by `serve_channel`."""

    def __init__(self, path: Path, handler: BenchHandler, hub: ReportHub) -> None:
        self._path = path
        self._handler = handler
        self._hub = hub
        self._inode = 0
        self._server: asyncio.Server | None = None
        self._connections: dict[_Connection, None] = {}

    async def listen(self) -> None:
        """Begin to accept. Raises ChannelError when the path cannot be had."""
        listener = _bind(self._path)
        self._inode = self._path.stat().st_ino
        self._server = await asyncio.get_running_loop().create_unix_server(self._connection, sock=listener)

    async def close(self) -> None:
        """Hang up on everybody and take the socket file away."""
        if self._server is None:
            return
        self._server.close()
        for connection in tuple(self._connections):
            connection.hang_up()
        try:
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()
        except FileNotFoundError:
            pass
        await self._server.wait_closed()
        self._server = None

    def _connection(self) -> "_Connection":
        connection = _Connection(self._handler, self._hub, self._connections)
        self._connections[connection] = None
        return connection


async def serve_channel(path: Path, handler: BenchHandler, hub: ReportHub) -> ChannelServer:
    """Serve the channel at `path`, for this user alone (mode 0600).

    The file of a bench that died is replaced. Raises ChannelError when a bench answers there or the
    path cannot be used.
    """
    server = ChannelServer(path, handler, hub)
    await server.listen()
    return server


def _bind(path: Path) -> socket.socket:
    """A listening socket at `path` with mode 0600 from its first instant."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.setblocking(False)
    try:
        _clear_way(path)
        # bind() makes the file; the mask is the only portable way to its mode without a gap.
        umask = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(umask)
        listener.listen(16)
    except OSError as error:
        listener.close()
        raise ChannelError(
            f"the bench channel {path} cannot be made: {error}; choose another, shorter state folder"
        ) from error
    except ChannelError:
        listener.close()
        raise
    return listener


def _clear_way(path: Path) -> None:
    """Remove the socket file of a dead bench. Raises ChannelError when it is not dead, or no socket."""
    if not path.exists():
        return
    if not path.is_socket():
        raise ChannelError(f"{path} is in the way and no socket; remove it or choose another state folder")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except BlockingIOError:
            pass
    raise ChannelError(f"a bench is already running at {path}; end it or choose another state folder")


class _Connection(asyncio.Protocol):
    """One client of the server: commands one after the other, reports as they come."""

    def __init__(self, handler: BenchHandler, hub: ReportHub, siblings: dict["_Connection", None]) -> None:
        self._handler = handler
        self._hub = hub
        self._siblings = siblings
        self._splitter = FrameSplitter()
        self._lines: deque[bytes | None] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._congested = False
        self._backlog = Backlog()
        self._detach: Callable[[], None] | None = None

    def hang_up(self) -> None:
        """The bench ends: no command is begun any more."""
        self._lines.clear()
        if self._worker is not None:
            self._worker.cancel()
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        # Commands that have arrived are still carried out: whoever sent them need not wait for it.
        self._transport = None
        self._siblings.pop(self, None)
        if self._detach is not None:
            self._detach()

    def data_received(self, data: bytes) -> None:
        self._lines.extend(self._splitter.feed(data))
        if self._worker is None and self._lines:
            self._worker = asyncio.get_running_loop().create_task(self._work())

    def pause_writing(self) -> None:
        self._congested = True

    def resume_writing(self) -> None:
        self._congested = False
        while self._backlog and not self._congested:
            self._write(self._backlog.pop())

    async def _work(self) -> None:
        """Commands in the order in which they came, until there are none left."""
        try:
            while self._lines:
                self._write(await self._answer(self._lines.popleft()))
        finally:
            self._worker = None

    async def _answer(self, line: bytes | None) -> AnyReport:
        if line is None:
            detail = f"a frame may have {MAX_FRAME_BYTES} bytes"
            return Refused(id=0, code=ErrorCode.BAD_MESSAGE, detail=detail)
        try:
            command = read_command(line)
        except CommandRefused as refusal:
            return Refused(id=command_id(line), code=refusal.code, detail=refusal.detail)
        try:
            if isinstance(command, Subscribe):
                self._subscribe(command)
            else:
                await self._handler(command)
        except CommandRefused as refusal:
            return Refused(id=command.id, code=refusal.code, detail=refusal.detail)
        except Exception as error:
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"{type(command).__name__} failed on the bench", "exception": error}
            )
            return Refused(
                id=command.id, code="BENCH_ERROR", detail=f"the bench failed: {type(error).__name__}"
            )
        return Done(id=command.id)

    def _subscribe(self, command: Subscribe) -> None:
        if self._transport is None:
            return
        former, self._detach = self._detach, subscribed(self._hub, command, self._report)
        if former is not None:
            former()

    def _report(self, report: AnyReport) -> None:
        if self._congested:
            self._backlog.push(report)
        else:
            self._write(report)

    def _write(self, report: AnyReport) -> None:
        if self._transport is not None:
            self._transport.write(frame(report))
