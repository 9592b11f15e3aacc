"""A broker's connection on a real or virtual stream: reading, buffered writing, back-pressure."""

import asyncio
from collections.abc import Callable
from typing import Final

from runtime.mqtt.broker.connection import Connection
from runtime.ports import Stream

_READ_SIZE: Final = 65_536
_HIGH_WATER: Final = 262_144
"""Unsent bytes from which on messages wait in their session instead."""
_LOW_WATER: Final = 65_536
"""Unsent bytes from which on they are written again."""
_LINGER_S: Final = 5.0
"""How long a closed connection may take to get its last bytes out."""
_DRAIN_READS: Final = 16


class StreamSink:
    """The `Sink` of one connection.

    Bytes are collected and leave with `flush`, which the server calls once it has told the broker what
    had arrived: one system call for all that one read has caused. `limit` bounds what a peer that does
    not read can pile up beyond the high-water mark; the connection is then reset.
    """

    __slots__ = (
        "_chunks",
        "_closing",
        "_is_dirty",
        "_is_paused",
        "_is_watching",
        "_limit",
        "_linger",
        "_loop",
        "_on_data",
        "_on_dirty",
        "_on_gone",
        "_size",
        "_stream",
        "connection",
    )

    connection: Connection

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        stream: Stream,
        limit: int,
        on_data: Callable[["StreamSink", bytes], None],
        on_dirty: Callable[["StreamSink"], None],
        on_gone: Callable[["StreamSink"], None],
    ) -> None:
        self._loop = loop
        self._stream = stream
        self._limit = limit
        self._on_data = on_data
        self._on_dirty = on_dirty
        self._on_gone = on_gone
        self._chunks: list[bytes] = []
        self._size = 0
        self._is_dirty = False
        self._is_paused = False
        self._is_watching = False
        self._closing = False
        self._linger: asyncio.TimerHandle | None = None

    @property
    def unsent(self) -> int:
        """Bytes written and not yet taken by the stream."""
        return self._size

    def start(self, connection: Connection) -> None:
        """Begin to read for `connection`."""
        self.connection = connection
        self._loop.add_reader(self._stream.fileno(), self._readable)

    def write(self, data: bytes) -> None:
        """Collect `data`; pauses the connection above the high-water mark."""
        if self._closing:
            return
        self._chunks.append(data)
        self._size += len(data)
        if not self._is_dirty:
            self._is_dirty = True
            self._on_dirty(self)
        if self._size > _HIGH_WATER and not self._is_paused:
            self._is_paused = True
            self.connection.pause()

    def close(self) -> None:
        """Close once what was written has left, or has not for too long."""
        if not self._closing:
            self._closing = True
            if not self._is_dirty:
                self._is_dirty = True
                self._on_dirty(self)

    def flush(self, now_ns: int) -> None:
        """Hand over what the stream takes, and watch for room when that is not all."""
        self._is_dirty = False
        while self._chunks:
            if self._size > self._limit:
                self.abort()
                return
            data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
            try:
                sent = self._stream.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.abort()
                return
            is_whole = sent == len(data)
            self._size -= sent
            self._chunks.clear()
            if not is_whole:
                self._chunks.append(data[sent:])
            if self._is_paused and self._size <= _LOW_WATER and not self._closing:
                self._is_paused = False
                self.connection.resume(now_ns)  # what that writes leaves with the next flush
            if self._is_dirty and is_whole:
                return
            if not is_whole:
                self._watch(True)
                if self._closing and self._linger is None:
                    self._linger = self._loop.call_later(_LINGER_S, self.abort)
                return
        if self._is_watching:
            self._watch(False)
        if self._closing:
            self._drain()
            self.abort()

    def abort(self) -> None:
        """Close at once."""
        if self._stream.fileno() == -1:
            return
        if self._linger is not None:
            self._linger.cancel()
        self._watch(False)
        self._loop.remove_reader(self._stream.fileno())
        self._stream.close()
        self._closing = True
        self._chunks.clear()
        self._size = 0
        self._on_gone(self)

    def _watch(self, wanted: bool) -> None:
        if wanted != self._is_watching:
            self._is_watching = wanted
            if wanted:
                self._loop.add_writer(self._stream.fileno(), self._writable)
            else:
                self._loop.remove_writer(self._stream.fileno())

    def _writable(self) -> None:
        if not self._is_dirty:
            self._is_dirty = True
            self._on_dirty(self)
        self._on_data(self, b"")

    def _readable(self) -> None:
        try:
            data = self._stream.recv(_READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.abort()
        elif not self._closing:
            self._on_data(self, data)

    def _drain(self) -> None:
        """Read away what has arrived: closing over unread bytes would send RST and lose our last packet."""
        try:
            for _ in range(_DRAIN_READS):
                if not self._stream.recv(_READ_SIZE):
                    return
        except OSError:
            return
