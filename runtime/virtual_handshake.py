"""Opening a virtual connection: SYN, SYN-ACK, ACK, over a path that may be down.

    SYN at 0, 1, 3, 7, 15, 31, 63 s (RFC 6298: first time-out 1 s, doubling); given up after 127 s,
    as Linux does with tcp_syn_retries = 6, or when the caller's time is up.

A SYN or SYN-ACK that is sent into an outage, or is under way when one begins, is lost.
"""

import asyncio
import errno
from collections.abc import Callable
from contextvars import Context
from typing import Protocol

from contracts.link import Direction
from runtime.virtual_connection import CONTROL_BYTES, Connection
from runtime.virtual_handles import VirtualTimerHandle
from runtime.virtual_loop import NS_PER_S, VirtualLoop
from runtime.virtual_path import Path, PathOpener
from runtime.virtual_stream import Address, VirtualStream

SYN_RETRIES = 6


class Acceptor(Protocol):
    """A listener, as the handshake sees it."""

    @property
    def is_open(self) -> bool:
        """Whether it still accepts."""

    def accept(self, connection: Connection) -> None:
        """A connection is established."""


class Silence:
    """What a SYN finds at a host without power: no answer."""


Answer = Acceptor | Silence | None
"""Who answers a SYN: a listener, nobody (refused), or silence."""


class Handshake:
    """One attempt to connect; `done` tells how it went.

    Args:
        loop: the loop of both ends.
        context: what its timers run in; no program's.
        open_path: makes the path; the connection keeps it.
        opener, target: addresses of the two ends.
        answer: asks who answers at `target`, when a SYN has got there.
        connect: makes the connection once the opener has its SYN-ACK.
        timeout_s: transport time the caller waits.
    """

    def __init__(
        self,
        loop: VirtualLoop,
        context: Context,
        open_path: PathOpener,
        opener: Address,
        target: Address,
        answer: Callable[[], Answer],
        connect: Callable[[Path], Connection],
        timeout_s: float,
    ) -> None:
        self.done: asyncio.Future[VirtualStream] = loop.create_future()
        self._loop = loop
        self._context = context
        self._open_path = open_path
        self._opener = opener
        self._target = target
        self._answer = answer
        self._connect = connect
        self._path: Path | None = None
        self._outages: int | None = None  # of the path when the SYN went out; None while none is under way
        self._acceptor: Acceptor | None = None
        self._connection: Connection | None = None
        self._rto_ns = NS_PER_S
        self._retries = 0
        self._deadline_ns = loop.time_ns() + round(timeout_s * NS_PER_S)
        self._deadline = loop.call_at_ns(self._deadline_ns, self._time_out, context=context)
        self._retry: VirtualTimerHandle | None = None
        self._send_syn()

    def abandon(self) -> None:
        """Nobody waits for it any more."""
        if self.done.done():
            if not self.done.cancelled() and self.done.exception() is None:
                self.done.result().close()
        else:
            self.done.cancel()
        if self._connection is None:
            self._stop()

    # What the path tells

    def delivered(self, direction: Direction, n: int) -> None:
        """A segment of the handshake has got through."""
        path = self._path
        if path is None:
            return
        if self._connection is not None:
            self._acknowledged(path, self._connection, n)
        elif path.outages == self._outages:
            if direction is Direction.UP:
                self._syn_arrived(path)
            else:
                self._answered(path)

    def writable(self, direction: Direction) -> None:
        """A SYN that found no room is lost: the next one is sent when its time comes."""

    # Steps

    def _send_syn(self) -> None:
        path = self._path
        if path is not None and self._outages is not None and path.outages != self._outages:
            self._drop_path()
            path = None
        if path is None:
            self._path = path = self._open_path(self)
            self._outages = None
        if self._outages is None and path.is_up and path.offer(Direction.UP, CONTROL_BYTES):
            self._outages = path.outages
        if self._retries < SYN_RETRIES:
            again = self._send_syn
        else:
            again = self._time_out
        self._retries += 1
        again_ns = self._loop.time_ns() + self._rto_ns
        self._rto_ns *= 2
        if again_ns < self._deadline_ns:
            self._retry = self._loop.call_at_ns(again_ns, again, context=self._context)

    def _syn_arrived(self, path: Path) -> None:
        answer = self._answer()
        if isinstance(answer, Silence):
            self._drop_path()
            return
        self._acceptor = answer
        if not path.offer(Direction.DOWN, CONTROL_BYTES):
            self._drop_path()

    def _answered(self, path: Path) -> None:
        if self._acceptor is None:
            host, port = self._target
            self._fail(ConnectionRefusedError(errno.ECONNREFUSED, f"nobody listens on {host}:{port}"))
            return
        self._cancel_timers()
        self._connection = connection = self._connect(path)
        if not path.offer(Direction.UP, CONTROL_BYTES):
            self._acknowledged(path, connection, CONTROL_BYTES)
        self.done.set_result(connection.streams[0])

    def _acknowledged(self, path: Path, connection: Connection, n: int) -> None:
        """The ACK, perhaps with the first bytes behind it, has reached the listener."""
        path.hand_over(connection)
        if self._acceptor is None or not self._acceptor.is_open:
            connection.reset(connection.streams[1])
            return
        self._acceptor.accept(connection)
        if n > CONTROL_BYTES:
            connection.delivered(Direction.UP, n - CONTROL_BYTES)

    # Ends

    def _time_out(self) -> None:
        host, port = self._target
        self._fail(TimeoutError(errno.ETIMEDOUT, f"no answer from {host}:{port}"))

    def _fail(self, error: OSError) -> None:
        self._stop()
        if not self.done.done():
            self.done.set_exception(error)

    def _stop(self) -> None:
        self._cancel_timers()
        self._drop_path()

    def _cancel_timers(self) -> None:
        self._deadline.cancel()
        if self._retry is not None:
            self._retry.cancel()

    def _drop_path(self) -> None:
        if self._path is not None:
            self._path.close()
            self._path = None
