"""An MQTT client that says exactly what a test tells it to, on any stream, and shows every packet."""

import asyncio
from collections import deque
from typing import TypeVar

from runtime.mqtt.packets import (
    MQTT_5,
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
    PropertyId,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    ReasonCode,
    Suback,
    Subscribe,
    Subscription,
    TopicAliases,
    Unsuback,
    Unsubscribe,
    make_publish,
)
from runtime.ports import Network, Stream

PATIENCE_S = 3.0

P = TypeVar("P", bound=Packet)


class RawClient:
    """Bytes out at once, packets in one at a time; an answer that does not come is an AssertionError.

    `level` is the protocol level it speaks, `is_told_why` whether the broker gives its reason whenever it
    closes (the standard lets it close without a word).
    """

    def __init__(self, stream: Stream, level: int = MQTT_5, *, is_told_why: bool = True) -> None:
        self.level = level
        self._is_told_why = is_told_why
        self._stream = stream
        self._reader = PacketReader(level=level)
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
    async def open(
        cls, network: Network, host: str, port: int, level: int = MQTT_5, *, is_told_why: bool = True
    ) -> "RawClient":
        """A client on a new connection that has said nothing yet."""
        stream = await network.connect(host, port, timeout_s=PATIENCE_S)
        return cls(stream, level, is_told_why=is_told_why)

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
        data = b"".join(each if isinstance(each, bytes) else each.encode(self.level) for each in packets)
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
                    assert self._garbled is None, f"no MQTT: {self._garbled}"
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
        assert await self.is_at_end(), f"{self._packets[0]!r} instead of the end of the connection"

    async def expect_disconnect(self, reason_code: ReasonCode) -> None:
        """The broker says why it closes, and closes."""
        found = (await self.expect(Disconnect)).reason_code
        assert found == reason_code, f"DISCONNECT {found.name} instead of {reason_code.name}"
        await self.expect_closed()

    async def expect_end(self, reason_code: ReasonCode) -> None:
        """The broker closes because of a malformed packet or a protocol error (section 4.13).

        In MQTT 3.1.1 without a word. In MQTT 5 a broker that says why must name `reason_code`; one of which
        we only ask what the standard does may close silently, or call it malformed or a protocol error.
        """
        if self.level < MQTT_5:
            await self.expect_closed()
        elif self._is_told_why:
            await self.expect_disconnect(reason_code)
        elif not await self.is_at_end():
            found = (await self.expect(Disconnect)).reason_code
            general = (ReasonCode.MALFORMED_PACKET, ReasonCode.PROTOCOL_ERROR)
            assert found in (reason_code, *general), f"DISCONNECT {found.name}"
            await self.expect_closed()

    async def is_at_end(self) -> bool:
        """Wait for the next packet or the end of the connection: whether it is the end."""
        try:
            async with asyncio.timeout(self.patience_s):
                while not self.is_closed and not self._packets:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"still connected after {self.patience_s} s") from None
        return not self._packets

    async def expect_nothing(self) -> None:
        """Nothing has been sent to us: the answer to a ping comes before anything else."""
        self.send(PINGREQ)
        await self.expect(Pingresp)

    async def connect(self, connect: Connect) -> Connack:
        """CONNECT and the answer."""
        maximum = connect.properties.integer(PropertyId.TOPIC_ALIAS_MAXIMUM, 0)
        self._reader.aliases = TopicAliases(maximum)
        self.send(connect)
        return await self.expect(Connack)

    async def subscribe(
        self, *subscriptions: Subscription, properties: Properties = NO_PROPERTIES
    ) -> tuple[ReasonCode, ...]:
        """SUBSCRIBE and the reason codes of the answer."""
        packet_id = self.next_id()
        self.send(Subscribe(packet_id, subscriptions, properties))
        answer = await self.expect(Suback)
        assert answer.packet_id == packet_id
        return answer.reason_codes

    async def unsubscribe(self, *topic_filters: str) -> tuple[ReasonCode, ...]:
        """UNSUBSCRIBE and the reason codes of the answer."""
        packet_id = self.next_id()
        self.send(Unsubscribe(packet_id, topic_filters))
        answer = await self.expect(Unsuback)
        assert answer.packet_id == packet_id
        return answer.reason_codes

    async def publish(
        self,
        topic: str,
        payload: bytes = b"",
        *,
        qos: int = 1,
        retain: bool = False,
        properties: Properties = NO_PROPERTIES,
    ) -> ReasonCode:
        """PUBLISH, the whole of its handshake, and the reason code of the answer."""
        packet_id = self.next_id() if qos else 0
        self.send(
            make_publish(topic, payload, qos=qos, packet_id=packet_id, retain=retain, properties=properties)
        )
        if not qos:
            await self.expect_nothing()
            return ReasonCode.SUCCESS
        if qos == 1:
            puback = await self.expect(Puback)
            assert puback.packet_id == packet_id
            return puback.reason_code
        pubrec = await self.expect(Pubrec)
        assert pubrec.packet_id == packet_id
        if pubrec.reason_code < ReasonCode.UNSPECIFIED_ERROR:
            self.send(Pubrel(packet_id))
            assert await self.expect(Pubcomp) == Pubcomp(packet_id)
        return pubrec.reason_code

    async def message(self) -> Publish:
        """The next message, with the handshake of its QoS completed; what comes meanwhile is kept."""
        message = await self.expect(Publish)
        if message.qos == 1:
            self.send(Puback(message.packet_id))
        elif message.qos == 2:
            self.send(Pubrec(message.packet_id))
            others = []
            while not isinstance(packet := await self.packet(), Pubrel):
                others.append(packet)
            assert packet == Pubrel(message.packet_id)
            self._packets.extendleft(reversed(others))
            self.send(Pubcomp(message.packet_id))
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
