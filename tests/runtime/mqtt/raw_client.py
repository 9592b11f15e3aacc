"""An MQTT 5 client that says exactly what a test tells it to, on any stream, and shows every packet."""

import asyncio
from collections import deque
from typing import TypeVar

from runtime.mqtt.packets import (
    NO_PROPERTIES,
    PINGREQ,
    Connack,
    Connect,
    Disconnect,
    MqttProtocolError,
    Packet,
    PacketReader,
    Pingresp,
    Properties,
    Puback,
    Publish,
    ReasonCode,
    Suback,
    Subscribe,
    Subscription,
    make_publish,
)
from runtime.ports import Network, Stream

PATIENCE_S = 3.0

P = TypeVar("P", bound=Packet)


class RawClient:
    """Bytes out at once, packets in one at a time; an answer that does not come is an AssertionError."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._reader = PacketReader()
        self._packets: deque[Packet] = deque()
        self._news = asyncio.Event()
        self._packet_id = 0
        self.raw = b""
        """All bytes received so far."""
        self.is_closed = False
        """Whether the broker has closed the connection."""
        self.patience_s = PATIENCE_S
        """How long an answer may take."""
        self._garbled: MqttProtocolError | None = None
        self.release()

    @classmethod
    async def open(cls, network: Network, host: str, port: int) -> "RawClient":
        """A client on a new connection that has said nothing yet."""
        return cls(await network.connect(host, port, timeout_s=PATIENCE_S))

    def _readable(self) -> None:
        try:
            data = self._stream.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.raw += data
            try:
                self._packets.extend(self._reader.feed(data))
            except MqttProtocolError as error:
                self._garbled = error
        else:
            self.is_closed = True
            asyncio.get_running_loop().remove_reader(self._stream.fileno())
        self._news.set()

    def hold(self) -> None:
        """Read nothing until `release`."""
        asyncio.get_running_loop().remove_reader(self._stream.fileno())

    def release(self) -> None:
        """Read whatever comes."""
        asyncio.get_running_loop().add_reader(self._stream.fileno(), self._readable)

    def send(self, *packets: Packet | bytes) -> None:
        """Send packets, or bytes as they are."""
        data = b"".join(each if isinstance(each, bytes) else each.encode() for each in packets)
        assert self._stream.send(data) == len(data), "the test sends more than the stream takes"

    async def send_all(self, data: bytes) -> None:
        """Send more than a stream takes at once."""
        loop = asyncio.get_running_loop()
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._stream.send(rest) :]
            except BlockingIOError:
                room = loop.create_future()
                loop.add_writer(self._stream.fileno(), room.set_result, None)
                try:
                    async with asyncio.timeout(self.patience_s):
                        await room
                finally:
                    loop.remove_writer(self._stream.fileno())

    async def packet(self) -> Packet:
        """The next packet."""
        try:
            async with asyncio.timeout(self.patience_s):
                while not self._packets:
                    assert self._garbled is None, f"not MQTT 5: {self._garbled}"
                    assert not self.is_closed, "the broker closed the connection instead of answering"
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no packet within {self.patience_s} s") from None
        return self._packets.popleft()

    async def expect(self, kind: type[P]) -> P:
        """The next packet, which must be a `kind`."""
        packet = await self.packet()
        assert isinstance(packet, kind), f"{packet!r} instead of a {kind.__name__}"
        return packet

    async def expect_closed(self) -> None:
        """The broker closes without another packet."""
        try:
            async with asyncio.timeout(self.patience_s):
                while not self.is_closed and not self._packets:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"still connected after {self.patience_s} s") from None
        assert not self._packets, f"{self._packets[0]!r} instead of the end of the connection"

    async def expect_disconnect(self, reason_code: ReasonCode) -> None:
        """The broker says why it closes, and closes."""
        found = (await self.expect(Disconnect)).reason_code
        assert found == reason_code, f"DISCONNECT {found.name} instead of {reason_code.name}"
        await self.expect_closed()

    async def expect_nothing(self) -> None:
        """Nothing has been sent to us: the answer to a ping comes before anything else."""
        self.send(PINGREQ)
        await self.expect(Pingresp)

    async def connect(self, connect: Connect) -> Connack:
        """CONNECT and the answer."""
        self.send(connect)
        return await self.expect(Connack)

    async def subscribe(self, *subscriptions: Subscription) -> tuple[ReasonCode, ...]:
        """SUBSCRIBE and the reason codes of the answer."""
        packet_id = self.next_id()
        self.send(Subscribe(packet_id, subscriptions))
        answer = await self.expect(Suback)
        assert answer.packet_id == packet_id
        return answer.reason_codes

    async def publish(
        self,
        topic: str,
        payload: bytes = b"",
        *,
        retain: bool = False,
        properties: Properties = NO_PROPERTIES,
    ) -> ReasonCode:
        """PUBLISH at QoS 1 and the reason code of the answer."""
        packet_id = self.next_id()
        self.send(
            make_publish(topic, payload, qos=1, packet_id=packet_id, retain=retain, properties=properties)
        )
        answer = await self.expect(Puback)
        assert answer.packet_id == packet_id
        return answer.reason_code

    async def message(self) -> Publish:
        """The next message, acknowledged when it asks for it."""
        message = await self.expect(Publish)
        if message.qos:
            self.send(Puback(message.packet_id))
        return message

    async def payloads(self, count: int) -> list[bytes]:
        """The payloads of the next `count` messages, which are acknowledged."""
        return [(await self.message()).payload for _ in range(count)]

    def next_id(self) -> int:
        """A packet identifier not used on this connection yet."""
        self._packet_id += 1
        return self._packet_id

    async def disconnect(self, packet: Disconnect | None = None) -> None:
        """DISCONNECT, and wait for the broker to close."""
        self.send(packet or Disconnect())
        await self.expect_closed()
        self.drop()

    def drop(self) -> None:
        """Close the connection without a word."""
        if self._stream.fileno() != -1:
            asyncio.get_running_loop().remove_reader(self._stream.fileno())
            self._stream.close()
