"""A broker's connection on a real or virtual stream: reading, buffered writing, back-pressure."""

import asyncio
from typing import Final, Protocol

from runtime.mqtt.broker.connection import Connection
from runtime.ports import Stream

READ_SIZE: Final = 16_384
"""Bytes that one connection is read for before it is the turn of the others that have some."""
_HIGH_WATER: Final = 262_144
"""Unsent bytes from which on messages wait in their session instead."""
_LOW_WATER: Final = 65_536
"""Unsent bytes from which on they are written again."""
_LINGER_S: Final = 5.0
"""How long a closed connection may take to get its last bytes out."""
_DRAIN_SIZE: Final = 65_536
_DRAIN_READS: Final = 16


class Host(Protocol):
    """The server behind a sink. `limit` bounds what a peer that does not read can pile up; beyond it the
    connection is closed at once."""

    loop: asyncio.AbstractEventLoop
    limit: int

    def received(self, sink: "StreamSink", data: bytes, /) -> None:
        """`data` has arrived; b"" when there is only room again to send."""

    def mark(self, sink: "StreamSink", /) -> None:
        """`sink` has something to flush."""

    def gone(self, sink: "StreamSink", /) -> None:
        """The connection of `sink` is closed."""


class StreamSink:
    """The `Sink` of one connection.

    Bytes are collected and leave with `flush`, which the server calls once it has told the broker what
    had arrived: one system call for all that one read has caused. `number` is the connection's place in
    the order of accepting; `is_half_open` holds until its client has been let in.
    """

    __slots__ = (
        "_chunks",
        "_host",
        "_is_closing",
        "_is_dirty",
        "_is_paused",
        "_is_watching",
        "_linger",
        "_size",
        "_stream",
        "connection",
        "is_half_open",
        "number",
    )

    connection: Connection

    def __init__(self, host: Host, stream: Stream, number: int) -> None:
        self._host = host
        self._stream = stream
        self.number = number
        self.is_half_open = True
        self._chunks: list[bytes] = []
        self._size = 0
        self._is_dirty = False
        self._is_paused = False
        self._is_watching = False
        self._is_closing = False
        self._linger: asyncio.TimerHandle | None = None

    @property
    def unsent(self) -> int:
        """Bytes written and not yet taken by the stream."""
        return self._size

    def start(self, connection: Connection) -> None:
        """Begin to read for `connection`."""
        self.connection = connection
        self._host.loop.add_reader(self._stream.fileno(), self._readable)

    def hold(self) -> None:
        """Read nothing for now."""
        self._host.loop.remove_reader(self._stream.fileno())

    def read_on(self) -> None:
        """Read again after `hold`."""
        self._host.loop.add_reader(self._stream.fileno(), self._readable)

    def write(self, data: bytes) -> None:
        """Collect `data`; pauses the connection above the high-water mark."""
        if self._is_closing:
            return
        self._chunks.append(data)
        self._size = size = self._size + len(data)
        if not self._is_dirty and (not self._is_watching or size > self._host.limit):
            self._is_dirty = True
            self._host.mark(self)
        if size > _HIGH_WATER and not self._is_paused:
            self._is_paused = True
            self.connection.pause()

    def close(self) -> None:
        """Close once what was written has left, or has not for too long."""
        if not self._is_closing:
            self._is_closing = True
            self._mark()

    def flush(self, now_ns: int) -> None:
        """Hand over what the stream takes, and watch for room when that is not all.

        What the connection writes because there is room again waits for the next flush.
        """
        self._is_dirty = False
        chunks = self._chunks
        if chunks:
            if self._size > self._host.limit:
                self.abort()
                return
            data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
            try:
                sent = self._stream.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.abort()
                return
            chunks.clear()
            self._size -= sent
            if self._size:
                chunks.append(data[sent:])
        if self._size or self._is_watching or self._is_paused or self._is_closing:
            self._regulate(now_ns)

    def abort(self) -> None:
        """Close at once."""
        if self._stream.fileno() == -1:
            return
        if self._linger is not None:
            self._linger.cancel()
        self._watch(False)
        self._host.loop.remove_reader(self._stream.fileno())
        self._stream.close()
        self._is_closing = True
        self._chunks.clear()
        self._size = 0
        self._host.gone(self)

    def _regulate(self, now_ns: int) -> None:
        """Something is unusual: bytes were left over, or had been, or it is time to close."""
        self._watch(self._size > 0)
        if self._is_closing:
            if not self._size:
                self._drain()
                self.abort()
            elif self._linger is None:
                self._linger = self._host.loop.call_later(_LINGER_S, self.abort)
        elif self._is_paused and self._size <= _LOW_WATER:
            self._is_paused = False
            self.connection.resume(now_ns)

    def _mark(self) -> None:
        if not self._is_dirty:
            self._is_dirty = True
            self._host.mark(self)

    def _watch(self, wanted: bool) -> None:
        if wanted != self._is_watching:
            self._is_watching = wanted
            if wanted:
                self._host.loop.add_writer(self._stream.fileno(), self._writable)
            else:
                self._host.loop.remove_writer(self._stream.fileno())

    def _writable(self) -> None:
        self._mark()
        self._host.received(self, b"")

    def _readable(self) -> None:
        try:
            data = self._stream.recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.abort()
        elif not self._is_closing:
            self._host.received(self, data)

    def _drain(self) -> None:
        """Read away what has arrived: closing over unread bytes would send RST and lose our last packet."""
        try:
            for _ in range(_DRAIN_READS):
                if not self._stream.recv(_DRAIN_SIZE):
                    return
        except OSError:
            return
