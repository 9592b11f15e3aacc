"""The other end of a connection for the tests of a port: it says only what it is told to say."""

import asyncio

from runtime.mqtt.publish import Publish, read_publish
from runtime.ports import Listener, Network, Stream

CONNACK = b"\x20\x03\x00\x00\x00"
CONNACK_SESSION_PRESENT = b"\x20\x03\x01\x00\x00"
CONNECT, PUBLISH, PUBACK, SUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 4, 8, 12, 14


def is_whole(data: bytes) -> int:
    """Length of the first packet in `data`, 0 while it is not complete."""
    size = shift = 0
    for at in range(1, min(5, len(data))):
        size |= (data[at] & 127) << shift
        shift += 7
        if data[at] < 128:
            end = at + 1 + size
            return end if len(data) >= end else 0
    return 0


def body_at(packet: bytes) -> int:
    """Where the variable header begins."""
    at = 1
    while packet[at] >= 128:
        at += 1
    return at + 1


class ScriptedBroker:
    """Accepts connections on `network`; answers CONNECT with `connack`, and nothing else by itself."""

    def __init__(self, network: Network, host: str, connack: bytes = CONNACK) -> None:
        self._network = network
        self._host = host
        self.connack = connack
        self.port = 0
        self.accepted = 0
        self._listener: Listener | None = None
        self._stream: Stream | None = None
        self._buffer = b""
        self._packets: asyncio.Queue[bytes] = asyncio.Queue()
        self._reads = True

    async def listen(self, port: int = 0) -> None:
        """Begin to accept."""
        self._listener = await self._network.listen(self._host, port, self._accept)
        self.port = self._listener.port

    def _accept(self, stream: Stream) -> None:
        self.accepted += 1
        self.close()
        self._stream = stream
        self._buffer = b""
        asyncio.get_running_loop().add_reader(stream, self._readable)

    def _readable(self) -> None:
        stream = self._stream
        if stream is None:
            return
        try:
            data = stream.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self._buffer += data
        while end := is_whole(self._buffer):
            packet, self._buffer = self._buffer[:end], self._buffer[end:]
            if packet[0] >> 4 == CONNECT and self.connack:
                self.send(self.connack)
            self._packets.put_nowait(packet)

    def send(self, data: bytes) -> None:
        """Say `data`."""
        assert self._stream is not None
        assert self._stream.send(data) == len(data)

    async def send_all(self, data: bytes) -> None:
        """Say `data`, however small the buffers are."""
        stream, loop = self._stream, asyncio.get_running_loop()
        assert stream is not None
        rest = memoryview(data)
        room = asyncio.Event()
        while rest:
            try:
                rest = rest[stream.send(rest) :]
            except BlockingIOError:
                room.clear()
                loop.add_writer(stream, room.set)
                await room.wait()
                loop.remove_writer(stream)

    def subscribed(self, subscribe: bytes, reason_code: int = 1) -> None:
        """Answer a SUBSCRIBE of one filter."""
        self.send(b"\x90\x04" + subscribe[2:4] + bytes((0, reason_code)))

    def close(self) -> None:
        """Hang up with FIN."""
        if self._stream is not None:
            asyncio.get_running_loop().remove_reader(self._stream)
            self._stream.close()
            self._stream = None

    def reset(self) -> None:
        """Hang up with RST."""
        if self._stream is not None:
            asyncio.get_running_loop().remove_reader(self._stream)
            self._network.reset(self._stream)
            self._stream = None

    def pause(self) -> None:
        """Read no more."""
        assert self._stream is not None
        asyncio.get_running_loop().remove_reader(self._stream)

    def resume(self) -> None:
        """Read again."""
        assert self._stream is not None
        asyncio.get_running_loop().add_reader(self._stream, self._readable)

    def stop(self) -> None:
        """Hang up and accept no more."""
        self.close()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def packet(self, kind: int) -> bytes:
        """The next packet of `kind`; others before it are skipped."""
        while True:
            packet = await self._packets.get()
            if packet[0] >> 4 == kind:
                return packet

    async def publish(self) -> Publish:
        """The next PUBLISH."""
        packet = await self.packet(PUBLISH)
        return read_publish(packet, body_at(packet))

    def waiting(self, kind: int) -> int:
        """How many packets of `kind` have come and were not asked for, all kinds forgotten with them."""
        count = 0
        while not self._packets.empty():
            count += self._packets.get_nowait()[0] >> 4 == kind
        return count
