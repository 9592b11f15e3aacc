"""The codec of MQTT 5 control packets (chapters 2 and 3): bytes in, packets out, and back. Pure.

Every packet has `encode()`. `PacketReader` puts packets together from a stream; `decode` takes one
apart. What QoS 2 alone needs (PUBREC, PUBREL, PUBCOMP) is recognised and refused.
"""

from collections.abc import Callable, Iterator
from typing import Final

from runtime.mqtt.errors import MqttProtocolError, malformed, protocol_error
from runtime.mqtt.properties import NO_PROPERTIES, PacketType, Properties, PropertyId
from runtime.mqtt.publish import Publish, encode_puback, encode_publish, make_publish, read_publish
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
    Puback,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
)
from runtime.mqtt.wire import MAX_VARINT, Cursor

__all__ = [
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
    "Publish",
    "ReasonCode",
    "Suback",
    "Subscribe",
    "Subscription",
    "Unsuback",
    "Unsubscribe",
    "Will",
    "decode",
    "encode_puback",
    "encode_publish",
    "make_publish",
    "read_publish",
]

Packet = (
    Connect
    | Connack
    | Publish
    | Puback
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


def _qos_2(cursor: Cursor) -> Packet:
    raise protocol_error("PUBREC, PUBREL and PUBCOMP belong to QoS 2, which is not spoken here")


# By first byte: the flags of every type but PUBLISH are fixed [MQTT-2.1.3-1].
_DECODERS: Final[dict[int, Callable[[Cursor], Packet]]] = {
    0x10: Connect.decode,
    0x20: Connack.decode,
    0x40: Puback.decode,
    0x50: _qos_2,
    0x62: _qos_2,
    0x70: _qos_2,
    0x82: Subscribe.decode,
    0x90: Suback.decode,
    0xA2: Unsubscribe.decode,
    0xB0: Unsuback.decode,
    0xC0: _pingreq,
    0xD0: _pingresp,
    0xE0: Disconnect.decode,
    0xF0: Auth.decode,
}


def decode(packet: bytes, at: int, *, from_client: bool = False) -> Packet:
    """Take one whole packet apart; `at` is where its fixed header ends. Raises MqttProtocolError."""
    first = packet[0]
    if first >> 4 == PacketType.PUBLISH:
        return read_publish(packet, at, from_client=from_client)
    decoder = _DECODERS.get(first)
    if decoder is None:
        raise malformed(f"no packet begins with 0x{first:02X}")
    return decoder(Cursor(packet, at))


class PacketReader:
    """Cuts a byte stream into control packets (section 2.1).

    `max_packet_size` counts fixed header and all; a longer packet raises 0x95 as soon as its length
    is known [MQTT-3.1.2-24, MQTT-3.2.2-15].
    """

    __slots__ = ("_chunks", "_from_client", "_have", "_need", "max_packet_size")

    def __init__(self, max_packet_size: int = MAX_VARINT + 5, *, from_client: bool = False) -> None:
        self.max_packet_size = max_packet_size
        self._from_client = from_client
        self._chunks: list[bytes] = []
        self._have = 0
        self._need = 0

    def feed(self, data: bytes) -> Iterator[Packet]:
        """The packets that `data` completes, decoded one by one as they are asked for.

        Raises MqttProtocolError, after which the stream cannot be read on.
        """
        for packet, at in self.frames(data):
            yield decode(packet, at, from_client=self._from_client)

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
