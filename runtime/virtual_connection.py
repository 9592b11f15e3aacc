"""A virtual TCP connection: windows, FIN and RST between two streams and over one path.

What is modelled of RFC 9293: order, flow control by the receiver's window, half-close, reset on data for a
closed socket and on a close with unread data. SYN, the handshake's ACK, FIN and RST travel as one byte each.
Loss is the path's business: it delays.
"""

import errno
from contextvars import Context
from typing import Any

from contracts.link import Direction
from runtime.virtual_loop import NS_PER_S, VirtualLoop
from runtime.virtual_path import Path, PathOpener
from runtime.virtual_stream import Address, Pipe, VirtualStream

CONTROL_BYTES = 1
"""SYN and FIN take one sequence number each (RFC 9293, 3.4); the path adds the header."""

LONGEST_RTO_NS = 60 * NS_PER_S
"""RFC 6298 (2.5): the retransmission time-out doubles up to 60 s."""


def next_attempt_ns(first_ns: int, now_ns: int) -> int:
    """When a segment first sent at `first_ns` is next retransmitted, not before `now_ns`.

    RFC 6298: 1 s after the first attempt, then twice as long each time, up to 60 s.
    """
    at_ns, rto_ns = first_ns, NS_PER_S
    while at_ns < now_ns:
        at_ns += rto_ns
        rto_ns = min(2 * rto_ns, LONGEST_RTO_NS)
    return at_ns


class _ResetSink:
    """Carries a RST to the stream it is meant for."""

    __slots__ = ("path", "target")

    def __init__(self, target: VirtualStream, open_path: PathOpener, direction: Direction) -> None:
        self.target = target
        self.path: Path = open_path(self)
        self.writable(direction)

    def delivered(self, direction: Direction, n: int) -> None:
        self.path.close()
        self.target.reset_by_peer()

    def writable(self, direction: Direction) -> None:
        self.path.offer(direction, CONTROL_BYTES)


class Connection:
    """An open connection; the sink of its path.

    Args:
        loop: the loop of both ends.
        path: what it crosses.
        open_path: makes another path of the same kind, for a RST.
        opener, listener: addresses of the two ends.
        context: what its timers run in; no program's.
        send_buffer, receive_buffer: in bytes, per stream.
    """

    __slots__ = (
        "_context",
        "_ghost_since_ns",
        "_ghosts",
        "_is_over",
        "_loop",
        "_open_path",
        "_path",
        "_receive_buffer",
        "_send_buffer",
        "pipes",
        "streams",
    )

    def __init__(
        self,
        loop: VirtualLoop,
        path: Path,
        open_path: PathOpener,
        opener: Address,
        listener: Address,
        *,
        context: Context,
        send_buffer: int,
        receive_buffer: int,
    ) -> None:
        self._loop = loop
        self._path = path
        self._open_path = open_path
        self._context = context
        self._send_buffer = send_buffer
        self._receive_buffer = receive_buffer
        self._is_over = False
        self._ghosts: dict[Direction, bool] = {}
        self._ghost_since_ns: int | None = None
        up, down = Pipe(), Pipe()
        self.pipes = (up, down)
        self.streams = (
            VirtualStream(loop, self, Direction.UP, (up, down), opener, listener),
            VirtualStream(loop, self, Direction.DOWN, (up, down), listener, opener),
        )

    # What the streams ask

    def send(self, stream: VirtualStream, data: Any) -> int:
        """Take what the window and the send buffer allow. Raises BlockingIOError when that is nothing."""
        pipe = stream.outgoing
        n = len(data)
        taken = 0
        if not pipe.unsent and not self._is_over:
            window = self._receive_buffer - pipe.readable - pipe.flying
            if window > 0 and n:
                taken = self._path.offer(stream.direction, n if n < window else window)
                pipe.flying += taken
                if taken == n:
                    pipe.buffer += data
                    return n
        buffered = min(n - taken, self._send_buffer - pipe.unsent)
        pipe.unsent += buffered
        accepted = taken + buffered
        if accepted < n:
            if not accepted:
                raise BlockingIOError(errno.EAGAIN, "the send buffer is full")
            data = memoryview(data)[:accepted]
        pipe.buffer += data
        return accepted

    def consumed(self, stream: VirtualStream) -> None:
        """The window is wider: send on."""
        self._push(self._peer(stream).direction)

    def has_room(self, stream: VirtualStream) -> bool:
        """Writable as Linux has it: no more than half of the send buffer is in use."""
        return stream.outgoing.unsent <= self._send_buffer // 2

    def finish(self, stream: VirtualStream) -> None:
        """Send a FIN after the last byte."""
        if not stream.outgoing.fin_due:
            stream.outgoing.fin_due = True
            self._push(stream.direction)

    def closed(self, stream: VirtualStream) -> None:
        """FIN, or RST when received bytes were left unread."""
        if stream.incoming.readable:
            self.reset(stream)
        elif not self._is_over:
            self.finish(stream)
            self._end_if_done()

    # What the network does to them

    def reset(self, stream: VirtualStream) -> None:
        """Send a RST from `stream`: bytes under way vanish, both ways."""
        if self._is_over:
            return
        self._end()
        peer = self._peer(stream)
        if not peer.is_closed:
            _ResetSink(peer, self._open_path, stream.direction)

    def power_cut(self, stream: VirtualStream) -> None:
        """The host of `stream` has lost power: it falls silent, and forgets the connection."""
        stream.vanish()
        direction = stream.direction
        self._ghosts[direction] = True
        stream.outgoing.fin_due = False
        del stream.outgoing.buffer[stream.outgoing.readable + stream.outgoing.flying :]
        stream.outgoing.unsent = 0

    def power_on(self, stream: VirtualStream) -> None:
        """The host of `stream` is back and knows nothing of the connection: it answers with RST."""
        direction = stream.direction
        if direction not in self._ghosts or self._is_over:
            return
        self._ghosts[direction] = False
        if self._ghost_since_ns is not None:
            at_ns = next_attempt_ns(self._ghost_since_ns, self._loop.time_ns())
            self._loop.call_at_ns(at_ns, self.reset, stream, context=self._context)

    # What the path tells

    def delivered(self, direction: Direction, n: int) -> None:
        """`n` bytes, or the last bytes and a FIN, have arrived."""
        pipe = self.pipes[direction]
        receiver = self.streams[1 - direction]
        fin = n > pipe.flying
        n -= fin
        if self._ghosts and (ghost_off := self._ghosts.get(Direction(1 - direction))) is not None:
            self._haunt(receiver, ghost_off)
            return
        pipe.flying -= n
        pipe.readable += n
        pipe.eof = pipe.eof or fin
        if not receiver.is_closed:
            receiver.arrived()
        elif n:
            self.reset(receiver)  # RFC 9293, 3.10.7.1: data for nobody
        if fin:
            self._end_if_done()

    def writable(self, direction: Direction) -> None:
        """The path has room again."""
        self._push(direction)

    # Inside

    def _haunt(self, receiver: VirtualStream, is_off: bool) -> None:
        """Something has reached a host that lost power: no answer while it is off, then RST."""
        if not is_off:
            self.reset(receiver)
        elif self._ghost_since_ns is None:
            self._ghost_since_ns = self._loop.time_ns()

    def _push(self, direction: Direction) -> None:
        """Put on the path what window and path allow."""
        if self._is_over:
            return
        pipe = self.pipes[direction]
        n = min(pipe.unsent, self._receive_buffer - pipe.readable - pipe.flying)
        if n > 0:
            taken = self._path.offer(direction, n)
            pipe.unsent -= taken
            pipe.flying += taken
            if taken:
                self.streams[direction].room()
        if pipe.fin_due and not pipe.unsent and not pipe.fin_sent:
            pipe.fin_sent = self._path.offer(direction, CONTROL_BYTES) == CONTROL_BYTES

    def _end_if_done(self) -> None:
        if self.pipes[0].eof and self.pipes[1].eof:
            self._end()

    def _end(self) -> None:
        self._is_over = True
        self._path.close()
        for pipe in self.pipes:
            pipe.drop_undelivered()

    def _peer(self, stream: VirtualStream) -> VirtualStream:
        return self.streams[1 - stream.direction]
