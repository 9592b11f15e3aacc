"""The bench channel: commands to a running bench, reports from it. It never crosses the modelled link.

Between processes it is a Unix socket that only its owner can open (`serve_channel`, `ChannelClient`),
in virtual time a direct call (`DirectChannel`). Imports nothing heavy: the view process uses it.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol, Self, cast

import msgspec

from contracts.bench import AnyCommand, AnyReport, Done, Refused, Subscribe
from runtime.bench_frames import MAX_FRAME_BYTES, FrameSplitter, checked, frame, read_report
from runtime.bench_server import BenchHandler, ChannelServer, serve_channel, subscribed
from runtime.errors import ChannelError, CommandRefused
from runtime.report_hub import ReportHub, Subscription

__all__ = ["BenchChannel", "BenchHandler", "ChannelClient", "ChannelServer", "DirectChannel", "serve_channel"]


class BenchChannel(Protocol):
    """A client's end of the channel, whatever it goes through."""

    async def request(self, command: AnyCommand) -> None:
        """Return when `command` has been carried out; its `id` is the channel's affair.

        Raises CommandRefused when the bench refuses it, ChannelError when the bench is gone.
        """

    def reports(self) -> AsyncIterator[AnyReport]:
        """What Subscribe asked for, for one reader; ends with the channel."""

    def close(self) -> None:
        """Hang up."""


class DirectChannel:
    """The channel without I/O: client and bench on one loop, as virtual time wants it."""

    __slots__ = ("_closed", "_handler", "_hub", "_reports")

    def __init__(self, handler: BenchHandler, hub: ReportHub) -> None:
        self._handler = handler
        self._hub = hub
        self._reports = Subscription()
        self._closed = False

    async def request(self, command: AnyCommand) -> None:
        """As `BenchChannel.request`; a value that no frame may carry is refused as on a socket."""
        if self._closed:
            raise ChannelError("the bench channel is closed")
        command = checked(command)
        if isinstance(command, Subscribe):
            former, self._reports.on_close = (
                self._reports.on_close,
                subscribed(self._hub, command, self._reports.offer),
            )
            if former is not None:
                former()
        else:
            await self._handler(command)

    def reports(self) -> AsyncIterator[AnyReport]:
        """As `BenchChannel.reports`."""
        return self._reports

    def close(self) -> None:
        """As `BenchChannel.close`."""
        self._closed = True
        self._reports.close()


class ChannelClient(asyncio.Protocol):
    """The channel through a Unix socket; make one with `connect`."""

    def __init__(self) -> None:
        self._splitter = FrameSplitter()
        self._reports = Subscription()
        self._answers: dict[int, asyncio.Future[None]] = {}
        self._last_id = 0
        self._transport: asyncio.Transport | None = None
        self._why_closed = "the bench channel is closed"

    @classmethod
    async def connect(cls, path: Path) -> Self:
        """Connect to the bench that listens at `path`. Raises ChannelError when there is none."""
        try:
            _, client = await asyncio.get_running_loop().create_unix_connection(cls, str(path))
        except OSError as error:
            raise ChannelError(
                f"no bench answers at {path} ({error.strerror or error}); start one with `headunit run`"
            ) from error
        return client

    async def request(self, command: AnyCommand) -> None:
        """As `BenchChannel.request`."""
        if self._transport is None:
            raise ChannelError(self._why_closed)
        self._last_id = number = self._last_id + 1
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line = frame(msgspec.structs.replace(command, id=number))
        self._answers[number] = answer
        self._transport.write(line)
        try:
            await answer
        finally:
            self._answers.pop(number, None)

    def reports(self) -> AsyncIterator[AnyReport]:
        """As `BenchChannel.reports`."""
        return self._reports

    def close(self) -> None:
        """As `BenchChannel.close`."""
        if self._transport is not None:
            self._transport.close()
            self.connection_lost(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop when the bench has gone: whoever waits is told."""
        if self._transport is None:
            return
        self._transport = None
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ChannelError(self._why_closed))
        self._reports.close()

    def data_received(self, data: bytes) -> None:
        """Called by the loop with what the bench has sent."""
        try:
            for line in self._splitter.feed(data):
                if line is None:
                    raise ChannelError(f"the bench sent a frame of more than {MAX_FRAME_BYTES} bytes")
                self._take(read_report(line))
        except ChannelError as error:
            self._why_closed = str(error)
            self.close()

    def _take(self, report: AnyReport) -> None:
        if not isinstance(report, Done | Refused):
            self._reports.offer(report)
            return
        answer = self._answers.get(report.id)
        if answer is None or answer.done():
            return
        if isinstance(report, Done):
            answer.set_result(None)
        else:
            answer.set_exception(CommandRefused(report.code, report.detail))
