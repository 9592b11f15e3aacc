"""A relay between a port and its broker that fails as it is told: in virtual time and on real sockets."""

import asyncio
from collections import deque

from contracts.link import Direction
from runtime.ports import Listener, Network, Stream

_PIECE_BYTES = 65_536


class _Lane:
    """The bytes of one direction."""

    def __init__(self, road: "BadRoad", direction: Direction, source: Stream, target: Stream) -> None:
        self._road = road
        self._direction = direction
        self._loop = asyncio.get_running_loop()
        self._waiting = b""
        self._ended = False
        self.source = source
        self.target = target
        self.passed = 0
        self.cut_after: int | None = None
        self._loop.add_reader(source, self._readable)

    def _readable(self) -> None:
        try:
            data = self.source.recv(_PIECE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(self.source)
            self._ended = True
            self._road.ended(self._direction)
            if not self._waiting and not self._road.is_forgotten:
                self.target.close()
            return
        if self._road.is_forgotten:
            return
        if self.cut_after is not None and self.passed + len(data) >= self.cut_after:
            data = data[: self.cut_after - self.passed]
            self._write(data)
            self._road.reset()
            return
        self._write(data)

    def _write(self, data: bytes) -> None:
        self.passed += len(data)
        data = self._waiting + data
        sent = 0
        while sent < len(data):
            try:
                sent += self.target.send(data[sent:])
            except BlockingIOError:
                break
            except OSError:
                return
        self._waiting = data[sent:]
        if self._waiting:
            self._loop.remove_reader(self.source)
            self._loop.add_writer(self.target, self._writable)

    def _writable(self) -> None:
        self._loop.remove_writer(self.target)
        self._write(b"")
        if not self._waiting:
            self._loop.add_reader(self.source, self._readable)

    def pause(self) -> None:
        """Read no more."""
        if self.source.fileno() >= 0:
            self._loop.remove_reader(self.source)

    def resume(self) -> None:
        """Read again."""
        self._loop.add_reader(self.source, self._readable)


class BadRoad:
    """Carries connections from `port` to `target` on `host`, both seen from `network`.

    cuts          per connection to come: direction and number of bytes after which both ends get a RST
    hung_up_s     when each direction's sender closed, in transport time, since the last connection began
    """

    def __init__(self, network: Network, host: str, target: int) -> None:
        self._network = network
        self._host = host
        self._target = target
        self._listener: Listener | None = None
        self._lanes: tuple[_Lane, ...] = ()
        self._lost: list[Stream] = []
        self._carrying: list[asyncio.Future[None]] = []
        self.cuts: deque[tuple[Direction, int]] = deque()
        self.is_forgotten = False
        self.hung_up_s: dict[Direction, float] = {}
        self.port = 0
        self.accepted = 0

    async def listen(self) -> None:
        """Begin to carry."""
        self._listener = await self._network.listen(self._host, 0, self._accept)
        self.port = self._listener.port

    @property
    def passed(self) -> tuple[int, ...]:
        """Bytes that have passed on the present connection, up and down."""
        return tuple(lane.passed for lane in self._lanes)

    def _accept(self, near: Stream) -> None:
        self.accepted += 1
        self._carrying.append(asyncio.ensure_future(self._carry(near)))

    async def _carry(self, near: Stream) -> None:
        far = await self._network.connect(self._host, self._target, timeout_s=5.0)
        self._lost += [near, far]
        self.is_forgotten = False
        self.hung_up_s.clear()
        self._lanes = (_Lane(self, Direction.UP, near, far), _Lane(self, Direction.DOWN, far, near))
        if self.cuts:
            direction, n = self.cuts.popleft()
            self._lanes[direction].cut_after = n

    def ended(self, direction: Direction) -> None:
        """The sender of `direction` has closed."""
        self.hung_up_s[direction] = asyncio.get_running_loop().time()

    def reset(self) -> None:
        """Both ends get a RST."""
        for lane in self._lanes:
            self._network.reset(lane.source)

    def forget(self) -> None:
        """As a NAT does whose time is up: from now on the present connection's bytes go nowhere."""
        self.is_forgotten = True

    def pause(self) -> None:
        """Read nothing from either end."""
        for lane in self._lanes:
            lane.pause()

    def close(self) -> None:
        """Carry no more."""
        if self._listener is not None:
            self._listener.close()
        for carrying in self._carrying:
            carrying.cancel()
        for stream in self._lost:
            if stream.fileno() >= 0:
                self._network.reset(stream)
