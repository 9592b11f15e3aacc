"""The codec of MQTT 5 and 3.1.1 control packets (chapters 2 and 3): bytes in, packets out, and back. Pure.

Every packet has `encode(level)`. `PacketReader` puts packets together from a stream; `decode` takes one
apart.
"""

from collections.abc import Callable, Iterator
from typing import Final

from runtime.mqtt.ack_packets import Puback, Pubcomp, Pubrec, Pubrel, encode_ack
from runtime.mqtt.errors import MqttProtocolError, malformed
from runtime.mqtt.properties import NO_PROPERTIES, PacketType, Properties, PropertyId
from runtime.mqtt.publish import (
    NO_ALIASES,
    Publish,
    TopicAliases,
    encode_puback,
    encode_publish,
    make_publish,
    read_publish,
    read_publish_3_1_1,
)
from runtime.mqtt.reason_codes import ReasonCode
from runtime.mqtt.session_packets import (
    PINGREQ,
    PINGRESP,
    Auth,
    Connack,
    Connect,
    Disconnect,
    Pingreq,
    Pingresp,
    Will,
)
from runtime.mqtt.subscribe_packets import (
    SEND_NO_RETAINED,
    SEND_RETAINED,
    SEND_RETAINED_IF_NEW,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
)
from runtime.mqtt.wire import MAX_VARINT, MQTT_3_1_1, MQTT_5, Cursor

__all__ = [
    "MQTT_3_1_1",
    "MQTT_5",
    "NO_PROPERTIES",
    "PINGREQ",
    "PINGRESP",
    "SEND_NO_RETAINED",
    "SEND_RETAINED",
    "SEND_RETAINED_IF_NEW",
    "Auth",
    "Connack",
    "Connect",
    "Disconnect",
    "MqttProtocolError",
    "Packet",
    "PacketReader",
    "PacketType",
    "Pingreq",
    "Pingresp",
    "Properties",
    "PropertyId",
    "Puback",
    "Pubcomp",
    "Publish",
    "Pubrec",
    "Pubrel",
    "ReasonCode",
    "Suback",
    "Subscribe",
    "Subscription",
    "TopicAliases",
    "Unsuback",
    "Unsubscribe",
    "Will",
    "decode",
    "encode_ack",
    "encode_puback",
    "encode_publish",
    "make_publish",
    "read_publish",
    "read_publish_3_1_1",
]

Packet = (
    Connect
    | Connack
    | Publish
    | Puback
    | Pubrec
    | Pubrel
    | Pubcomp
    | Subscribe
    | Suback
    | Unsubscribe
    | Unsuback
    | Pingreq
    | Pingresp
    | Disconnect
    | Auth
)


def _pingreq(cursor: Cursor) -> Pingreq:
    cursor.finish()
    return Pingreq()


def _pingresp(cursor: Cursor) -> Pingresp:
    cursor.finish()
    return Pingresp()


# By first byte: the flags of every type but PUBLISH are fixed [MQTT-2.1.3-1].
_DECODERS: Final[dict[int, Callable[[Cursor], Packet]]] = {
    0x10: Connect.decode,
    0x20: Connack.decode,
    0x40: Puback.decode,
    0x50: Pubrec.decode,
    0x62: Pubrel.decode,
    0x70: Pubcomp.decode,
    0x82: Subscribe.decode,
    0x90: Suback.decode,
    0xA2: Unsubscribe.decode,
    0xB0: Unsuback.decode,
    0xC0: _pingreq,
    0xD0: _pingresp,
    0xE0: Disconnect.decode,
    0xF0: Auth.decode,
}


def decode(
    packet: bytes,
    at: int,
    aliases: TopicAliases = NO_ALIASES,
    *,
    from_client: bool = False,
    level: int = MQTT_5,
) -> Packet:
    """Take one whole packet apart; `at` is where its fixed header ends. Raises MqttProtocolError.

    A CONNECT says its level itself.
    """
    first = packet[0]
    if first >> 4 == PacketType.PUBLISH:
        if level < MQTT_5:
            return read_publish_3_1_1(packet, at)
        return read_publish(packet, at, aliases, from_client=from_client)
    decoder = _DECODERS.get(first)
    if decoder is None:
        raise malformed(f"no packet begins with 0x{first:02X}")
    return decoder(Cursor(packet, at, level=level))


class PacketReader:
    """Cuts a byte stream into control packets (section 2.1).

    `max_packet_size` counts fixed header and all; a longer packet raises 0x95 as soon as its length
    is known [MQTT-3.1.2-24, MQTT-3.2.2-15]. `level` and `aliases` are those of the connection.
    """

    __slots__ = ("_chunks", "_from_client", "_have", "_need", "aliases", "level", "max_packet_size")

    def __init__(
        self,
        max_packet_size: int = MAX_VARINT + 5,
        *,
        from_client: bool = False,
        level: int = MQTT_5,
        aliases: TopicAliases = NO_ALIASES,
    ) -> None:
        self.max_packet_size = max_packet_size
        self.level = level
        self.aliases = aliases
        self._from_client = from_client
        self._chunks: list[bytes] = []
        self._have = 0
        self._need = 0

    def feed(self, data: bytes) -> Iterator[Packet]:
        """The packets that `data` completes, decoded one by one as they are asked for.

        Raises MqttProtocolError, after which the stream cannot be read on.
        """
        for packet, at in self.frames(data):
            yield decode(packet, at, self.aliases, from_client=self._from_client, level=self.level)

    def frames(self, data: bytes) -> Iterator[tuple[bytes, int]]:
        """The same undecoded: whole packets, each with the place where its variable header begins."""
        if self._have:
            self._chunks.append(data)
            self._have += len(data)
            if self._have < self._need:
                return
            data = b"".join(self._chunks)
            self._chunks.clear()
            self._have = 0
        start = 0
        size = len(data)
        while start + 1 < size:
            length = data[start + 1]
            at = start + 2
            if length > 127:
                shift = 7
                length &= 127
                while at < size:
                    byte = data[at]
                    at += 1
                    length |= (byte & 127) << shift
                    if byte < 128:
                        if not byte:
                            raise malformed("a Remaining Length is not in its shortest form")
                        break
                    if shift == 21:
                        raise malformed("a Remaining Length has more than four bytes")
                    shift += 7
                else:
                    break
            end = at + length
            if end - start > self.max_packet_size:
                raise MqttProtocolError(
                    ReasonCode.PACKET_TOO_LARGE, f"{end - start} bytes, {self.max_packet_size} were agreed on"
                )
            if end > size:
                self._keep(data, start, end - start)
                return
            yield (data[start:end] if start or end < size else data), at - start
            start = end
        if start < size:
            self._keep(data, start, size - start + 1)

    def _keep(self, data: bytes, start: int, need: int) -> None:
        self._chunks.append(data[start:] if start else data)
        self._have = len(self._chunks[0])
        self._need = need
