"""TCP on real sockets: the `Network` of real time and of the bench. Its streams are non-blocking sockets."""

import asyncio
import errno
import socket
import struct
from collections.abc import Callable

from runtime.ports import Stream

BACKLOG = 4_096
"""Connections that the system completes before we accept them: a fleet that comes back all at once."""

_ACCEPTS_PER_TURN = 16
"""Connections taken before those that exist have their turn; each costs about 100 microseconds."""
_OUT_OF_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_ACCEPT_PAUSE_S = 1.0
_LINGER_0 = struct.pack("ii", 1, 0)


class RealListener:
    """A listening socket on the running loop."""

    def __init__(self, listening: socket.socket, accept: Callable[[Stream], None]) -> None:
        self._socket = listening
        self._accept = accept
        self._loop = asyncio.get_running_loop()
        self._port: int = listening.getsockname()[1]
        self._resume: asyncio.TimerHandle | None = None
        self._loop.add_reader(listening, self._arrived)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    def close(self) -> None:
        """Accept no more; connections that exist live on."""
        if self._resume is not None:
            self._resume.cancel()
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _arrived(self) -> None:
        for _ in range(_ACCEPTS_PER_TURN):
            try:
                connected, _peer = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _OUT_OF_DESCRIPTORS:
                    raise
                # Level-triggered: without a pause the loop would spin until a descriptor is free.
                self._loop.remove_reader(self._socket)
                self._resume = self._loop.call_later(_ACCEPT_PAUSE_S, self._listen_again)
                return
            _prepare(connected)
            self._accept(connected)
            if self._socket.fileno() < 0:
                return  # closed by what it called

    def _listen_again(self) -> None:
        self._resume = None
        self._loop.add_reader(self._socket, self._arrived)


class RealNetwork:
    """The `Network` of this machine."""

    async def connect(self, host: str, port: int, *, timeout_s: float) -> socket.socket:
        """Open a connection to the first address of `host` that answers.

        Raises ConnectionRefusedError when nobody listens, another ConnectionError when there is no way,
        TimeoutError when nobody answers within `timeout_s`.
        """
        try:
            async with asyncio.timeout(timeout_s):
                return await self._connect(host, port)
        except (ConnectionError, TimeoutError):
            raise
        except OSError as error:
            raise ConnectionError(error.errno, f"no way to {host}:{port}: {error.strerror}") from error
        except UnicodeError as error:
            raise ConnectionError(errno.EINVAL, f"no way to {host}:{port}: that is no host name") from error

    async def listen(self, host: str, port: int, accept: Callable[[Stream], None]) -> RealListener:
        """Call `accept` with every connection; port 0 takes a free one. Raises OSError when it is taken."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
        listening.setblocking(False)
        return RealListener(listening, accept)

    def reset(self, stream: Stream) -> None:
        """Close `stream` with RST (SO_LINGER 0): what was not delivered yet is lost."""
        if not isinstance(stream, socket.socket):
            raise TypeError(f"{stream!r} is no socket")
        if stream.fileno() < 0:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(stream)
        loop.remove_writer(stream)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0)
        stream.close()

    async def _connect(self, host: str, port: int) -> socket.socket:
        loop = asyncio.get_running_loop()
        if not 0 < port < 1 << 16:  # getaddrinfo would take the lower 16 bits for it
            raise OSError(errno.EINVAL, "there is no such port")
        last = OSError(errno.EADDRNOTAVAIL, "the name has no address")
        for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            connecting = socket.socket(family, kind, protocol)
            try:
                _prepare(connecting)
                await loop.sock_connect(connecting, address)
            except OSError as error:
                connecting.close()
                last = error
            except BaseException:
                connecting.close()
                raise
            else:
                return connecting
        raise last


def _prepare(connection: socket.socket) -> None:
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
