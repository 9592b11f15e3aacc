"""One end of a TCP connection without manners: from any loopback address, ended by RST, read or not."""

import asyncio
import socket
import struct
from typing import Final

_LINGER_0: Final = struct.pack("ii", 1, 0)
_IP_BIND_ADDRESS_NO_PORT: Final = 24
"""linux/in.h: take the ephemeral port at connect, so that 28,000 ports serve every address anew."""
_CONNECT_S: Final = 10.0
_READ_SIZE: Final = 65_536


class Line:
    """A connection to the broker. What fails because the broker has had enough raises OSError."""

    def __init__(self, connected: socket.socket, number: int) -> None:
        self.number = number
        self._socket = connected
        self._loop = asyncio.get_running_loop()
        self.sent = 0
        """Bytes handed over."""

    @classmethod
    async def open(cls, source: str, port: int, number: int = 0, receive_buffer: int = 0) -> "Line":
        """Connect from the address `source`. Raises OSError (TimeoutError is one)."""
        connecting = socket.socket()
        try:
            connecting.setblocking(False)
            connecting.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if receive_buffer:
                connecting.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            connecting.bind((source, 0))
            async with asyncio.timeout(_CONNECT_S):
                await asyncio.get_running_loop().sock_connect(connecting, ("127.0.0.1", port))
        except BaseException:
            connecting.close()
            raise
        return cls(connecting, number)

    async def send(self, data: bytes, timeout_s: float = 5.0) -> None:
        """Send all of `data`, or raise OSError."""
        async with asyncio.timeout(timeout_s):
            await self._loop.sock_sendall(self._socket, data)
        self.sent += len(data)

    async def read(self, timeout_s: float = 5.0) -> bytes:
        """What has come, at least a byte; nothing when the broker has closed. Raises OSError."""
        async with asyncio.timeout(timeout_s):
            return await self._loop.sock_recv(self._socket, _READ_SIZE)

    async def wait_for_end(self, timeout_s: float) -> bool:
        """Read everything away until the broker closes; False when it has not by then."""
        try:
            async with asyncio.timeout(timeout_s):
                while await self._loop.sock_recv(self._socket, _READ_SIZE):
                    pass
        except TimeoutError:
            return False
        except OSError:
            return True
        return True

    def reset(self) -> None:
        """Close with RST."""
        if self._socket.fileno() >= 0:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0)
            self._socket.close()
