"""The end of a virtual connection that a program holds: a non-blocking BSD socket without a kernel."""

import errno
import socket
from collections.abc import Callable
from contextvars import Context
from typing import Any, Protocol

from contracts.link import Direction
from runtime.virtual_handles import VirtualHandle, make_handle
from runtime.virtual_loop import VirtualLoop

Address = tuple[str, int]


class Pipe:
    """The bytes of one direction of a connection, in order: arrived and unread, under way, not yet sent.

    One buffer holds all three; a byte moves on by being counted elsewhere.
    """

    __slots__ = ("buffer", "eof", "fin_due", "fin_sent", "flying", "readable", "unsent")

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.readable = 0
        self.flying = 0
        self.unsent = 0
        self.fin_due = False
        """The sender has closed: a FIN follows the last byte."""
        self.fin_sent = False
        self.eof = False
        """The FIN has arrived."""

    def drop_undelivered(self) -> None:
        """Forget what has not arrived."""
        del self.buffer[self.readable :]
        self.flying = self.unsent = 0


class Carrier(Protocol):
    """The connection, as its streams see it."""

    def send(self, stream: "VirtualStream", data: Any) -> int:
        """Take bytes from `stream`; returns how many."""

    def consumed(self, stream: "VirtualStream") -> None:
        """`stream` has read something: its window is wider."""

    def has_room(self, stream: "VirtualStream") -> bool:
        """Whether `stream` counts as writable."""

    def finish(self, stream: "VirtualStream") -> None:
        """`stream` will send no more (FIN)."""

    def closed(self, stream: "VirtualStream") -> None:
        """The program has closed `stream`."""

    def reset(self, stream: "VirtualStream") -> None:
        """Send a RST from `stream`."""


class Watch:
    """A callback that runs, level-triggered, while its stream is ready."""

    __slots__ = ("_callback", "_handle", "_is_ready", "_loop", "_posted")

    def __init__(
        self,
        loop: VirtualLoop,
        callback: Callable[[], object],
        context: Context,
        is_ready: Callable[[], bool],
    ) -> None:
        self._loop = loop
        self._callback = callback
        self._is_ready = is_ready
        self._posted = False
        self._handle: VirtualHandle = make_handle(self._run, context)

    def kick(self) -> None:
        """The stream is ready: run the callback soon, once."""
        if not self._posted:
            self._posted = True
            self._loop.post(self._handle)

    def cancel(self) -> None:
        """Never run it again."""
        self._handle.cancel()

    def _run(self) -> None:
        self._posted = False
        self._callback()
        if not self._handle.cancelled() and self._is_ready():
            self.kick()


class VirtualStream:
    """A `Stream` in virtual time.

    Errors are Linux's: after RST the next call raises ConnectionResetError, then `recv` returns b"" and
    `send` raises BrokenPipeError; bytes that had arrived before the RST can still be read.

    Args:
        loop: the loop it is watched on.
        carrier: the connection.
        direction: the way of the bytes it sends.
        pipes: of both directions.
        local, peer: addresses of this end and the other.
    """

    __slots__ = (
        "_carrier",
        "_error",
        "_fd",
        "_local",
        "_loop",
        "_peer",
        "_reader",
        "_writer",
        "direction",
        "incoming",
        "is_closed",
        "is_reset",
        "on_close",
        "outgoing",
    )

    def __init__(
        self,
        loop: VirtualLoop,
        carrier: Carrier,
        direction: Direction,
        pipes: tuple[Pipe, Pipe],
        local: Address,
        peer: Address,
    ) -> None:
        self._loop = loop
        self._carrier = carrier
        self._local = local
        self._peer = peer
        self._error: OSError | None = None
        self._reader: Watch | None = None
        self._writer: Watch | None = None
        self.direction = direction
        self.incoming = pipes[1 - direction]
        self.outgoing = pipes[direction]
        self.is_closed = False
        self.is_reset = False
        self.on_close: Callable[[], object] | None = None
        self._fd = loop.register(self)

    # Socket

    def fileno(self) -> int:
        """Virtual descriptor, -1 when closed."""
        return -1 if self.is_closed else self._fd

    def recv(self, n: int, /) -> bytes:
        """Up to `n` bytes; b"" at end of stream; BlockingIOError when there are none yet."""
        if self.is_closed:
            raise OSError(errno.EBADF, "the stream is closed")
        pipe = self.incoming
        readable = pipe.readable
        if readable:
            buffer = pipe.buffer
            if n >= len(buffer) == readable:
                data = bytes(buffer)
                buffer.clear()
            else:
                data = bytes(buffer[: min(n, readable)])
                del buffer[: len(data)]
            pipe.readable = readable - len(data)
            if pipe.unsent:
                self._carrier.consumed(self)
            return data
        self._raise_error()
        if pipe.eof or self.is_reset:
            return b""
        raise BlockingIOError(errno.EAGAIN, "nothing to read yet")

    def send(self, data: Any, /) -> int:
        """Hand over bytes; returns how many were taken; BlockingIOError when the buffer is full."""
        if self.is_closed:
            raise OSError(errno.EBADF, "the stream is closed")
        if self._error is not None:
            self._raise_error()
        if self.is_reset or self.outgoing.fin_due:
            raise BrokenPipeError(errno.EPIPE, "nothing can be sent any more")
        return self._carrier.send(self, data)

    def shutdown(self, how: int, /) -> None:
        """Half-close: send no more. Only SHUT_WR is known."""
        if how != socket.SHUT_WR:
            raise ValueError(f"shutdown({how}): only SHUT_WR ({socket.SHUT_WR:d}) is known in virtual time")
        if self.is_closed or self.is_reset:
            raise OSError(errno.ENOTCONN, "the stream is not connected")
        self._carrier.finish(self)

    def close(self) -> None:
        """Close orderly (FIN), or with RST when received bytes were not read (RFC 9293, 3.6.1)."""
        if not self.is_closed:
            self.vanish()
            self._carrier.closed(self)

    def abort(self) -> None:
        """Close with RST: what was not delivered yet is lost."""
        if not self.is_closed:
            self.vanish()
            self._carrier.reset(self)

    def setblocking(self, flag: bool, /) -> None:
        """Does nothing for False. Raises ValueError for True: virtual streams never block."""
        if flag:
            raise ValueError("a virtual stream cannot block")

    def settimeout(self, value: float | None, /) -> None:
        """Does nothing: the stream never blocks, so nothing times out."""

    def gettimeout(self) -> float:
        """Always 0: non-blocking."""
        return 0.0

    def setsockopt(self, *args: object) -> None:
        """Does nothing."""

    def getpeername(self) -> Address:
        """Host name and port of the other end."""
        return self._peer

    def getsockname(self) -> Address:
        """Host name and port of this end."""
        return self._local

    def __repr__(self) -> str:
        return f"<VirtualStream {self._local[0]}:{self._local[1]} to {self._peer[0]}:{self._peer[1]}>"

    # What the loop asks

    def watch_read(self, callback: Callable[[], object] | None, context: Context | None) -> bool:
        """Have `callback` called while there is something to read; None ends that."""
        old, self._reader = self._reader, self._watch(callback, context, self._is_readable)
        if old is not None:
            old.cancel()
        return old is not None

    def watch_write(self, callback: Callable[[], object] | None, context: Context | None) -> bool:
        """Have `callback` called while there is room to write; None ends that."""
        old, self._writer = self._writer, self._watch(callback, context, self._is_writable)
        if old is not None:
            old.cancel()
        return old is not None

    def _watch(
        self, callback: Callable[[], object] | None, context: Context | None, is_ready: Callable[[], bool]
    ) -> Watch | None:
        if callback is None:
            return None
        watch = Watch(self._loop, callback, context or Context(), is_ready)
        if is_ready():
            watch.kick()
        return watch

    def _is_readable(self) -> bool:
        return bool(self.incoming.readable) or self.incoming.eof or self.is_reset

    def _is_writable(self) -> bool:
        return self.is_reset or self._carrier.has_room(self)

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    # What the network does

    def vanish(self) -> None:
        """It is closed for its program; the other end is told nothing."""
        self.is_closed = True
        self._loop.unregister(self._fd)
        self.watch_read(None, None)
        self.watch_write(None, None)
        if self.on_close is not None:
            self.on_close()

    def remains(self) -> object:
        """What a killed program had it call: to be kept, so that nothing is finalized."""
        return self._reader, self._writer

    # What the connection tells

    def arrived(self) -> None:
        """Bytes or the end of the stream have come in."""
        if self._reader is not None:
            self._reader.kick()

    def room(self) -> None:
        """Bytes have left."""
        if self._writer is not None and self._is_writable():
            self._writer.kick()

    def reset_by_peer(self) -> None:
        """A RST has come in."""
        if self.is_closed or self.is_reset:
            return
        self.is_reset = True
        if not self.incoming.eof:  # in CLOSE-WAIT the end has been told already
            self._error = ConnectionResetError(errno.ECONNRESET, "reset by peer")
        for watch in (self._reader, self._writer):
            if watch is not None:
                watch.kick()
