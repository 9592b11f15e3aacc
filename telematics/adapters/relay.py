"""A TCP relay that lets real connections feel the modelled road, in front of any TCP service.

Bytes pass untouched, TLS included; only when they pass is the link's affair. Beside data, a connection's
own events cross the link, in order with the data and as one byte each (SYN and FIN occupy one sequence
number, RFC 9293 section 3.4):

- SYN up, then SYN-ACK down, before the client's first byte may follow. The kernel has accepted the client
  by then, so its connect() returns at once and it is its first bytes that wait, out of coverage for as
  long as it takes. In the virtual network the connect() itself waits, and times out.
  A client that closes before that, out of coverage, has never connected: nothing it wrote arrives.
- FIN: a half-close arrives after the data before it, and the other direction lives on.
- RST: what its sender has not yet put on the link is dropped, the rest arrives, then the other end is
  reset (SO_LINGER 0). A service that cannot be reached is answered with RST, too.

Back-pressure works both ways: while the link takes no more, or the far end reads no more, the near end
is not read.
"""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto

from contracts.link import Direction, LinkModel
from runtime.link_driver import LinkDriver

NS_PER_S = 1_000_000_000

ServiceListener = Callable[[OSError | None], None]
"""Hears of the service behind a relay: None when it took a connection, else why it did not."""

_LINGER_0 = struct.pack("ii", 1, 0)
_EARLY_BYTES = 65_536
"""How much a client may write before its connection is established; then it is read no further."""

_TIMER_MARGIN_NS = 1_000
"""Timers ask for a microsecond more, or the loop rings just before the instant and must ring again."""


class _Signal(Enum):
    """What crosses the link beside data, as one byte."""

    SYN = auto()
    FIN = auto()
    RST = auto()


class _End(asyncio.Protocol):
    """One TCP connection of a crossing; what it receives goes in `direction`."""

    __slots__ = ("crossing", "direction", "paused", "transport")

    def __init__(self, crossing: "Crossing", direction: Direction) -> None:
        self.crossing = crossing
        self.direction = direction
        self.transport: asyncio.Transport | None = None
        self.paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.crossing.opened(self)

    def data_received(self, data: bytes) -> None:
        self.crossing.push(self.direction, data)

    def eof_received(self) -> bool:
        if self.crossing.gives_up(self):
            return False
        self.crossing.push(self.direction, _Signal.FIN)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self.crossing.lost(self)

    def pause_writing(self) -> None:
        self.crossing.block(Direction(1 - self.direction), True)

    def resume_writing(self) -> None:
        self.crossing.block(Direction(1 - self.direction), False)

    def hold(self, paused: bool) -> None:
        """Read no more from this end, or read on."""
        if self.transport is None or paused is self.paused or self.transport.is_closing():
            return
        self.paused = paused
        if paused:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def reset(self) -> None:
        """Close with RST."""
        if self.transport is not None:
            connection = self.transport.get_extra_info("socket")
            if connection.fileno() != -1:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0)
            self.transport.abort()


class _Lane:
    """One direction of a crossing: what was read and has not arrived, oldest first.

    on_link: how much of it the link has taken; waiting: how much it has not; blocked: the far end reads
    no more; ended: no data follows; reset: it ends with RST; done: the FIN has arrived.
    """

    __slots__ = ("blocked", "done", "ended", "on_link", "queue", "reset", "waiting")

    def __init__(self) -> None:
        self.queue: deque[bytes | memoryview | _Signal] = deque()
        self.on_link = 0
        self.waiting = 0
        self.blocked = False
        self.ended = False
        self.reset = False
        self.done = False

    def drop_unsent(self) -> None:
        """Forget what the link has not taken."""
        while self.waiting:
            item = self.queue.pop()
            size = 1 if isinstance(item, _Signal) else len(item)
            if not isinstance(item, _Signal) and size > self.waiting:
                self.queue.append(memoryview(item)[: size - self.waiting])
                size = self.waiting
            self.waiting -= size


class Crossing:
    """A client's connection, its twin to the service, and the flow between them (a `FlowSink`)."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self._driver = relay.driver
        self._ends = (_End(self, Direction.UP), _End(self, Direction.DOWN))
        self._lanes = (_Lane(), _Lane())
        self._flow = self._driver.open(self)
        self._established = False
        # A SYN that met an outage is still waiting for its retransmission, also when the road is back.
        self._outages_at_syn = self._driver.outages if self._driver.is_up else -1
        self._closed = False
        self._connecting: asyncio.Task[None] | None = None

    @property
    def client(self) -> _End:
        """The end that faces the car."""
        return self._ends[Direction.UP]

    def opened(self, end: _End) -> None:
        """A connection stands: the client's sends its SYN, the service's its SYN-ACK."""
        if self._closed:
            end.reset()
        elif end is self.client:
            self._relay.remember(self)
            self.push(Direction.UP, _Signal.SYN)
        else:
            self.push(Direction.DOWN, _Signal.SYN)

    def gives_up(self, end: _End) -> bool:
        """Whether the client has ended what never began: then nothing of it may arrive later.

        Out of coverage a real connect() would still be waiting, and a program that tires of it has sent
        nothing. Without this, the CONNECT of every tired attempt would reach the broker after the outage.
        """
        syn_was_lost = self._outages_at_syn != self._driver.outages
        if end is not self.client or self._established or not syn_was_lost:
            return False
        self._close()
        return True

    def push(self, direction: Direction, item: bytes | _Signal) -> None:
        """Send `item` after all that was read before it."""
        lane = self._lanes[direction]
        if lane.ended or self._closed:
            return
        lane.queue.append(item)
        lane.waiting += 1 if isinstance(item, _Signal) else len(item)
        lane.ended = item is _Signal.FIN
        self._offer(direction)

    def block(self, direction: Direction, blocked: bool) -> None:
        """The far end of `direction` reads no more, or reads on."""
        self._lanes[direction].blocked = blocked
        if not self._closed:
            self._offer(direction)

    def writable(self, direction: Direction) -> None:
        """The link may have room again."""
        if not self._closed:
            self._offer(direction)

    def delivered(self, direction: Direction, n: int) -> None:
        """The next `n` bytes have crossed: hand them on."""
        lane = self._lanes[direction]
        lane.on_link -= n
        out = self._ends[1 - direction].transport
        while n and not self._closed:
            item = lane.queue.popleft()
            if isinstance(item, _Signal):
                n -= 1
                self._arrived(direction, item)
                continue
            if len(item) > n:
                rest = memoryview(item)
                lane.queue.appendleft(rest[n:])
                item = rest[:n]
            n -= len(item)
            if out is not None and not out.is_closing():
                out.write(item)
        if not self._closed:
            self._hold(direction)

    def lost(self, end: _End) -> None:
        """A connection is gone without a farewell: its RST crosses the link."""
        if not self._closed:
            self._push_reset(end.direction)

    def reset(self) -> None:
        """Reset both ends at once."""
        self._close()
        for end in self._ends:
            end.reset()

    def _push_reset(self, direction: Direction) -> None:
        """End `direction` with RST, behind what the link has taken of it already."""
        lane = self._lanes[direction]
        if lane.reset:
            return
        lane.drop_unsent()
        lane.queue.append(_Signal.RST)
        lane.waiting = 1
        lane.ended = lane.reset = True
        self._offer(direction)

    def _offer(self, direction: Direction) -> None:
        lane = self._lanes[direction]
        waiting = lane.waiting
        if lane.reset:
            pass  # nothing holds up a reset
        elif lane.blocked:
            waiting = 0
        elif direction is Direction.UP and not self._established:
            # Until the SYN-ACK is back only the SYN itself may go.
            waiting = 1 if waiting and not lane.on_link and lane.queue[0] is _Signal.SYN else 0
        if waiting:
            taken = self._driver.offer(self._flow, direction, waiting)
            lane.waiting -= taken
            lane.on_link += taken
        self._hold(direction)

    def _hold(self, direction: Direction) -> None:
        lane = self._lanes[direction]
        if not lane.ended:
            # Before it is established a connection is read on, within bounds: else its end goes unnoticed.
            most = 0 if self._established or direction is Direction.DOWN else _EARLY_BYTES
            self._ends[direction].hold(lane.blocked or lane.waiting > most)

    def _arrived(self, direction: Direction, signal: _Signal) -> None:
        lane = self._lanes[direction]
        if signal is _Signal.RST:
            self.reset()
        elif signal is _Signal.FIN:
            lane.done = True
            out = self._ends[1 - direction].transport
            if out is not None and not out.is_closing():
                # That side may be gone already without its transport having noticed (ENOTCONN).
                with suppress(OSError):
                    out.write_eof()
            if self._lanes[1 - direction].done:
                self._close()
                for end in self._ends:
                    if end.transport is not None:
                        end.transport.close()
        elif direction is Direction.UP:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())
        else:
            self._established = True
            self._offer(Direction.UP)

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: self._ends[Direction.DOWN], self._relay.upstream_host, self._relay.upstream_port
            )
        except OSError as error:
            self._relay.tell_service(error)
            self._push_reset(Direction.DOWN)
        else:
            self._relay.tell_service(None)

    def _close(self) -> None:
        if not self._closed:
            self._closed = True
            self._driver.close(self._flow)
            self._relay.forget(self)
            if self._connecting is not None and not self._connecting.done():
                self._connecting.cancel()


class Relay:
    """Listens for clients and gives each its own connection to the service, over one shared link.

    Args:
        driver: drives the link; shared with whoever changes its conditions.
        upstream_host: where the service is.
        upstream_port: where the service is.
        on_service: hears how each attempt to reach the service has ended.
    """

    def __init__(
        self,
        driver: LinkDriver,
        upstream_host: str,
        upstream_port: int,
        on_service: ServiceListener | None = None,
    ) -> None:
        self.driver = driver
        self.upstream_host = upstream_host
        self.upstream_port = upstream_port
        self._on_service = on_service
        self._server: asyncio.Server | None = None
        self._crossings: dict[Crossing, None] = {}

    async def listen(self, host: str, port: int) -> None:
        """Accept clients; port 0 takes a free one. Raises OSError when the address cannot be had."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Crossing(self).client, host, port)

    @property
    def port(self) -> int:
        """The port it listens on, 0 while it does not."""
        if self._server is None or not self._server.sockets:
            return 0
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._crossings)

    def close(self) -> None:
        """Accept no more and reset every connection."""
        if self._server is not None:
            self._server.close()
        for crossing in list(self._crossings):
            crossing.reset()

    def tell_service(self, error: OSError | None) -> None:
        """An attempt to reach the service has ended: well, or with `error`."""
        if self._on_service is not None:
            self._on_service(error)

    def remember(self, crossing: Crossing) -> None:
        """`crossing` has a client."""
        self._crossings[crossing] = None

    def forget(self, crossing: Crossing) -> None:
        """`crossing` is over."""
        self._crossings.pop(crossing, None)


def drive_link(link: LinkModel, loop: asyncio.AbstractEventLoop) -> LinkDriver:
    """A driver of `link` by the clock and the timers of an asyncio loop."""

    def now_ns() -> int:
        return round(loop.time() * NS_PER_S)

    def call_at(when_ns: int, callback: Callable[[], None]) -> asyncio.TimerHandle:
        return loop.call_at((when_ns + _TIMER_MARGIN_NS) / NS_PER_S, callback)

    return LinkDriver(link, now_ns, call_at)
