"""TCP in memory, in virtual time: hosts with names, listeners, connections through links or plain delays.

A host is where programs run; a program sees the network through its host's `Network`. Streams and listeners
belong to the owner (`runtime.ownership`) that opened them, and go with it.
"""

import errno
from collections.abc import Callable
from contextvars import Context, copy_context
from functools import partial

from contracts.link import LinkModel
from runtime.errors import FenceError
from runtime.link_driver import FlowSink, LinkDriver
from runtime.ownership import OWNER
from runtime.ports import Stream
from runtime.virtual_connection import Connection
from runtime.virtual_handshake import Answer, Handshake, Silence
from runtime.virtual_loop import VirtualLoop
from runtime.virtual_path import LinkPath, Path, PathOpener, Wire
from runtime.virtual_stream import Address, VirtualStream

NS_PER_MS = 1_000_000
BUFFER_BYTES = 65_536
FIRST_FREE_PORT = 40_000
"""What `listen` on port 0 tries first."""

FIRST_EPHEMERAL_PORT = 49_152
"""Where the ports of openers start (RFC 6335, 6)."""


class VirtualListener:
    """A listening port of a host."""

    def __init__(
        self, network: "VirtualNetwork", machine: "_Machine", port: int, accept: Callable[[Stream], None]
    ) -> None:
        self._network = network
        self._machine = machine
        self._port = port
        self._accept = accept
        self._context = copy_context()
        self.owner = OWNER.get()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    @property
    def is_open(self) -> bool:
        """Whether it still accepts."""
        return self._machine.listeners.get(self._port) is self

    def close(self) -> None:
        """Accept no more; connections that exist live on."""
        if self.is_open:
            del self._machine.listeners[self._port]

    def accept(self, connection: Connection) -> None:
        """Hand the listener's end of `connection` to the program, as a callback of its own."""
        stream = connection.streams[1]
        self._network.own(self.owner, connection, stream, self._machine)
        self._network.loop.call_soon(self._accept, stream, context=self._context)


class _Machine:
    """What is true of a host, whoever looks from it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_on = True
        self.listeners: dict[int, VirtualListener] = {}
        self.ghosts: list[tuple[Connection, VirtualStream]] = []
        self._next_port = FIRST_EPHEMERAL_PORT

    def power_on(self) -> None:
        """A program runs here: the host is on."""
        if not self.is_on:
            self.is_on = True
            ghosts, self.ghosts = self.ghosts, []
            for connection, stream in ghosts:
                connection.power_on(stream)

    def ephemeral_port(self) -> int:
        """The next port for an opener."""
        port = self._next_port
        self._next_port = port + 1 if port < 65_535 else FIRST_EPHEMERAL_PORT
        return port

    def free_port(self) -> int:
        """The lowest free port for a listener that does not mind."""
        port = FIRST_FREE_PORT
        while port in self.listeners:
            port += 1
        return port


class VirtualHost:
    """The network seen from one host; a `Network`. Made by `VirtualNetwork.host`."""

    def __init__(self, network: "VirtualNetwork", machine: _Machine, open_path: PathOpener) -> None:
        self._network = network
        self._machine = machine
        self._open_path = open_path

    async def connect(self, host: str, port: int, *, timeout_s: float) -> VirtualStream:
        """Open a connection.

        Raises ConnectionRefusedError after a round trip when nobody listens, TimeoutError when no answer
        came within `timeout_s` of transport time.
        """
        network, machine = self._network, self._machine
        owner = OWNER.get()
        machine.power_on()
        network.settle(owner, machine)
        here, there = (machine.name, machine.ephemeral_port()), (host, port)
        handshake = Handshake(
            network.loop,
            network.context,
            self._open_path,
            here,
            there,
            partial(network.answer, there),
            partial(self._connected, owner, here, there),
            timeout_s,
        )
        attempts = network.attempts.setdefault(owner, [])
        attempts.append(handshake)
        try:
            return await handshake.done
        except BaseException:
            handshake.abandon()
            raise
        finally:
            attempts.remove(handshake)

    def _connected(self, owner: str | None, here: Address, there: Address, path: Path) -> Connection:
        network = self._network
        connection = Connection(
            network.loop,
            path,
            self._open_path,
            here,
            there,
            context=network.context,
            send_buffer=network.send_buffer,
            receive_buffer=network.receive_buffer,
        )
        network.own(owner, connection, connection.streams[0], self._machine)
        return connection

    async def listen(self, host: str, port: int, accept: Callable[[Stream], None]) -> VirtualListener:
        """Call `accept` with every connection to `port` of this host; port 0 takes the lowest free one.

        `host` is a bind address and changes nothing here. Raises OSError (EADDRINUSE) when it is taken.
        """
        machine = self._machine
        if port in machine.listeners:
            raise OSError(errno.EADDRINUSE, f"port {port} of {machine.name} is taken")
        machine.power_on()
        listener = VirtualListener(self._network, machine, port or machine.free_port(), accept)
        machine.listeners[listener.port] = listener
        self._network.settle(listener.owner, machine)
        return listener

    def reset(self, stream: Stream) -> None:
        """Close `stream` with RST: what was not delivered yet is lost."""
        self._network.reset(stream)


class VirtualNetwork:
    """All hosts of one universe.

    Args:
        loop: whose time everything takes.
        send_buffer: bytes a stream takes before `send` blocks, beyond what is under way.
        receive_buffer: bytes that may be under way or unread, per stream: the receiver's window.
    """

    def __init__(
        self, loop: VirtualLoop, *, send_buffer: int = BUFFER_BYTES, receive_buffer: int = BUFFER_BYTES
    ) -> None:
        self.loop = loop
        self.send_buffer = send_buffer
        self.receive_buffer = receive_buffer
        self.context = Context()
        """What timers of the network run in: it belongs to no owner and survives them all."""
        self.attempts: dict[str | None, list[Handshake]] = {}
        self._machines: dict[str, _Machine] = {}
        self._homes: dict[str, dict[str, _Machine]] = {}
        self._owned: dict[str, dict[int, tuple[Connection, VirtualStream, _Machine]]] = {}
        self._drivers: list[LinkDriver] = []
        self._remains: list[object] = []

    def host(self, name: str, *, link: LinkModel | None = None, delay_ms: float = 0.0) -> VirtualHost:
        """The network seen from host `name`.

        Connections opened through it cross `link` both ways (UP from the opener), or take `delay_ms` one
        way. The same name is the same host, however often it is asked for.
        """
        open_path: PathOpener
        if link is not None:
            open_path = partial(LinkPath, self.driver(link))
        else:
            open_path = partial(self._wire, round(delay_ms * NS_PER_MS))
        return VirtualHost(self, self._machine(name), open_path)

    def driver(self, link: LinkModel) -> LinkDriver:
        """The driver of `link`: where its conditions are set."""
        for driver in self._drivers:
            if driver.link is link:
                return driver
        driver = LinkDriver(link, self.loop.time_ns, partial(self.loop.call_at_ns, context=self.context))
        self._drivers.append(driver)
        return driver

    def reset(self, stream: Stream) -> None:
        """Close `stream` with RST."""
        if not isinstance(stream, VirtualStream):
            raise FenceError(f"{stream!r} is no virtual stream")
        stream.abort()

    def abandon(self, owner: str, *, power_cut: bool = False) -> None:
        """Take the sockets of a killed `owner` (see `VirtualLoop.abandon`, which comes first).

        Killed: the kernel closes them, with RST where received bytes were unread. Power cut: its hosts
        fall silent, and answer with RST once a program connects or listens there again.
        """
        for handshake in list(self.attempts.get(owner, ())):
            handshake.abandon()
        homes = list(self._homes.pop(owner, {}).values())
        for machine in homes:
            machine.is_on = machine.is_on and not power_cut
            for listener in list(machine.listeners.values()):
                if listener.owner == owner:
                    self._remains.append(listener)
                    listener.close()
        for connection, stream, machine in list(self._owned.pop(owner, {}).values()):
            self._remains.append(stream.remains())
            if power_cut:
                connection.power_cut(stream)
                machine.ghosts.append((connection, stream))
            else:
                stream.close()

    # What hosts, listeners and handshakes ask

    def settle(self, owner: str | None, machine: _Machine) -> None:
        """`owner` uses the network from `machine`."""
        if owner is not None:
            self._homes.setdefault(owner, {})[machine.name] = machine

    def own(
        self, owner: str | None, connection: Connection, stream: VirtualStream, machine: _Machine
    ) -> None:
        """`stream`, one end of `connection`, belongs to `owner` on `machine`."""
        if owner is None:
            return
        fd = stream.fileno()
        owned = self._owned.setdefault(owner, {})
        owned[fd] = (connection, stream, machine)
        stream.on_close = partial(owned.pop, fd, None)

    def answer(self, address: Address) -> Answer:
        """Who answers a SYN to `address` now."""
        host, port = address
        machine = self._machines.get(host)
        if machine is None:
            return None
        return machine.listeners.get(port) if machine.is_on else Silence()

    def _machine(self, name: str) -> _Machine:
        return self._machines.setdefault(name, _Machine(name))

    def _wire(self, delay_ns: int, sink: FlowSink) -> Wire:
        return Wire(self.loop, delay_ns, self.context, sink)
