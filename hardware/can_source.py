"""Where CAN frames come from: a bus on any python-can interface, or a recording played back.

The only module of the project that imports `can`, and only when a source is opened.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import parse_qsl

from hardware.errors import CanSourceError

if TYPE_CHECKING:
    import can

RECEIVE_TIMEOUT_S = 0.1
"""How long the reading thread of a bus may need to see that it is to end."""

_FRAMES_PER_TURN = 64
"""How many frames of a recording are played at full speed before others get their turn."""


class CanFrame(NamedTuple):
    """One data frame with an 11-bit identifier; `t_s` is the time its source gave it."""

    t_s: float
    arbitration_id: int
    data: bytes


class CanSource(Protocol):
    """A source of frames, for one reader."""

    def frames(self) -> AsyncGenerator[CanFrame, None]:
        """The frames as they come. Raises CanSourceError when the source fails."""

    def close(self) -> None:
        """End `frames`, from the loop that reads it."""


def open_source(spec: str, *, speed: float | None = 1.0) -> CanSource:
    """The source that `spec` names, opened.

    `spec` is a recording (candump, ASC, BLF, ... by its suffix) or `interface:channel`, optionally with
    options of python-can: `socketcan:can0`, `slcan:/dev/ttyACM0?bitrate=500000`, `virtual:test`.
    A recording is played `speed` times as fast as it was recorded, None as fast as possible.

    Raises CanSourceError when there is no such source or it cannot be opened.
    """
    if Path(spec).is_file():
        return FileSource(Path(spec), speed)
    interface, colon, rest = spec.partition(":")
    if not colon or not interface or not rest:
        raise CanSourceError(
            f"{spec!r} is neither a recording nor interface:channel (as socketcan:can0 or virtual:test)"
        )
    return BusSource(interface, rest)


def _data_frame(message: "can.Message") -> CanFrame | None:
    # These buses know 11-bit identifiers alone; python-can reads some error frames as longer ones.
    if message.is_error_frame or message.is_remote_frame or message.is_extended_id:
        return None
    return CanFrame(message.timestamp, message.arbitration_id, bytes(message.data))


class FileSource:
    """A recording, played back against absolute deadlines, so that it does not drift."""

    def __init__(self, path: Path, speed: float | None = 1.0) -> None:
        if speed is not None and not speed > 0:
            raise CanSourceError(f"a recording cannot be played {speed:g} times as fast; give more than 0")
        self._path = path
        self._speed = speed
        self._end = asyncio.Event()

    def close(self) -> None:
        """As `CanSource.close`."""
        self._end.set()

    async def frames(self) -> AsyncGenerator[CanFrame, None]:
        """As `CanSource.frames`."""
        import can

        loop = asyncio.get_running_loop()
        number, first_s, begun_s = 0, None, loop.time()
        try:
            with can.LogReader(self._path) as messages:
                for message in messages:
                    number += 1
                    if first_s is None:
                        first_s = message.timestamp
                    if self._speed is not None:
                        await self._wait_until(begun_s + (message.timestamp - first_s) / self._speed)
                    elif number % _FRAMES_PER_TURN == 0:
                        await asyncio.sleep(0)
                    if self._end.is_set():
                        return
                    frame = _data_frame(message)
                    if frame is not None:
                        yield frame
        except Exception as error:
            # Every format has a reader of its own, and each raises what it likes.
            raise CanSourceError(f"{self._path}: unreadable after frame {number}: {error}") from error

    async def _wait_until(self, when_s: float) -> None:
        if when_s <= asyncio.get_running_loop().time():
            return
        try:
            async with asyncio.timeout_at(when_s):
                await self._end.wait()
        except TimeoutError:
            pass


class BusSource:
    """A bus on any python-can interface, only listened to; a thread reads it."""

    def __init__(self, interface: str, channel: str) -> None:
        import can

        channel, _, options = channel.partition("?")
        self._name = f"{interface}:{channel}"
        # Every interface has options of its own, so that there is no narrower type for them.
        extra: dict[str, Any] = {
            key: int(value) if value.isdecimal() else value for key, value in parse_qsl(options)
        }
        try:
            self._bus = can.Bus(channel=channel, interface=interface, **extra)
        except (can.CanError, OSError, ValueError, TypeError, ImportError) as error:
            raise CanSourceError(f"the bus {self._name} cannot be opened: {error}") from error
        self._queue: asyncio.Queue[CanFrame | Exception | None] = asyncio.Queue()
        self._stopping = threading.Event()

    def close(self) -> None:
        """As `CanSource.close`."""
        self._stopping.set()
        self._queue.put_nowait(None)

    async def frames(self) -> AsyncGenerator[CanFrame, None]:
        """As `CanSource.frames`."""
        loop = asyncio.get_running_loop()
        reader = threading.Thread(target=self._read, args=(loop,), name=f"can {self._name}", daemon=True)
        reader.start()
        try:
            while (item := await self._queue.get()) is not None:
                if isinstance(item, Exception):
                    raise CanSourceError(f"the bus {self._name} failed: {item}") from item
                yield item
        finally:
            self._stopping.set()
            await loop.run_in_executor(None, reader.join)
            self._bus.shutdown()

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        put = self._queue.put_nowait
        try:
            while not self._stopping.is_set():
                message = self._bus.recv(RECEIVE_TIMEOUT_S)
                frame = _data_frame(message) if message is not None else None
                if frame is not None:
                    loop.call_soon_threadsafe(put, frame)
        except Exception as error:
            # Whatever an adapter raises ends the source, and its reader is told why.
            if not loop.is_closed():
                loop.call_soon_threadsafe(put, error)
