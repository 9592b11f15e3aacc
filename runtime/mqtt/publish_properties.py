"""The PUBLISH properties that our messages use, as bytes (MQTT 5, sections 2.2.2 and 3.3.2.3).

paho's own `Properties` costs more than all the rest of a publish: it looks every name up by text. Here
one message is packed with a handful of concatenations, and unpacked in one walk.
"""

from struct import Struct
from typing import NamedTuple

from paho.mqtt.exception import MalformedPacket

from runtime.mqtt.errors import UnsendableError
from runtime.mqtt.port import OutgoingMessage
from runtime.mqtt.reason_codes import ReasonCode
from runtime.mqtt.wire import encode_text, encode_varint

KEY_PROPERTY = "key"
"""User property that carries the idempotency key."""

TRACE_PROPERTY = "traceparent"
"""User property that carries the W3C trace context."""

_EXPIRY = 0x02
_RESPONSE_TOPIC = 0x08
_CORRELATION_DATA = 0x09
_USER_PROPERTY = 0x26
_OTHER_WIDTHS = {0x01: 1, 0x23: 2}
"""Payload format indicator and topic alias: identifier -> bytes of its value."""

_CONTENT_TYPE = 0x03
_SUBSCRIPTION_IDENTIFIER = 0x0B

_U16 = Struct("!H")
_U32 = Struct("!I")
_pack_u16 = _U16.pack
_read_u16 = _U16.unpack_from
_read_u32 = _U32.unpack_from
_pack_expiry = Struct("!BI").pack
_pack_head = Struct("!BH").pack

_KEY_NAME = KEY_PROPERTY.encode()
_TRACE_NAME = TRACE_PROPERTY.encode()
_KEY_HEAD = _pack_head(_USER_PROPERTY, len(_KEY_NAME)) + _KEY_NAME
_TRACE_HEAD = _pack_head(_USER_PROPERTY, len(_TRACE_NAME)) + _TRACE_NAME
_TEXT_MAX = 0xFFFF


class PublishProperties(NamedTuple):
    """What an incoming PUBLISH says beside topic and payload."""

    key: str
    traceparent: str
    expiry_s: int | None
    response_topic: str
    correlation_data: bytes


NO_PROPERTIES = PublishProperties("", "", None, "", b"")


class PackedProperties:
    """Finished property bytes in the shape that paho's `publish(properties=…)` asks for."""

    __slots__ = ("_packed",)

    def __init__(self, packed: bytes) -> None:
        self._packed = packed

    def pack(self) -> bytes:
        """Property length and properties."""
        return self._packed


def pack_properties(message: OutgoingMessage) -> bytes:
    """Property length and properties of `message`.

    Raises ValueError for a text or correlation data above 65,535 bytes.
    """
    _, _, key, traceparent, expiry_s, response_topic, correlation_data, _ = message
    packed = b""
    if expiry_s is not None:
        packed = _pack_expiry(_EXPIRY, expiry_s)
    if response_topic:
        packed += _field(_RESPONSE_TOPIC, response_topic.encode())
    if correlation_data:
        packed += _field(_CORRELATION_DATA, correlation_data)
    if key:
        data = key.encode()
        packed += _KEY_HEAD + _length(data) + data
    if traceparent:
        data = traceparent.encode()
        packed += _TRACE_HEAD + _length(data) + data
    return encode_varint(len(packed)) + packed


def pack_sendable(message: OutgoingMessage, max_packet_size: int) -> bytes:
    """As `pack_properties`, for a message that a server which takes `max_packet_size` can be given at QoS 1.

    Raises UnsendableError for a topic that is none [MQTT-3.3.2-2], a header field that is too long, or a
    packet above the server's Maximum Packet Size [MQTT-3.2.2-15].
    """
    topic = message.topic
    if not topic or "+" in topic or "#" in topic:
        raise UnsendableError(ReasonCode.TOPIC_NAME_INVALID, f"{topic[:80]!r} is no topic to publish to")
    try:
        packed = pack_properties(message)
        size = len(encode_text(topic)) + 2 + len(packed) + len(message.payload)
        size += 1 + len(encode_varint(size))
    except ValueError as error:
        raise UnsendableError(ReasonCode.MALFORMED_PACKET, str(error)) from error
    if size > max_packet_size:
        raise UnsendableError(
            ReasonCode.PACKET_TOO_LARGE, f"a packet of {size} bytes: the server takes {max_packet_size}"
        )
    return packed


def unpack_properties(buffer: bytes | bytearray, at: int) -> tuple[PublishProperties, int]:
    """Read the properties that begin at `at`; returns them and where the payload begins.

    User properties that are not ours are skipped. Raises MalformedPacket, as paho does, for anything
    that MQTT 5 does not allow in a PUBLISH.
    """
    if buffer[at : at + 1] == b"\x00":
        return NO_PROPERTIES, at + 1
    length, at = _read_variable(buffer, at)
    end = at + length
    if end > len(buffer):
        raise MalformedPacket("properties are longer than their packet")
    key = traceparent = response_topic = ""
    correlation_data = b""
    expiry_s: int | None = None
    try:
        while at < end:
            identifier = buffer[at]
            at += 1
            if identifier == _USER_PROPERTY:
                name, at = _read_binary(buffer, at, end)
                value, at = _read_binary(buffer, at, end)
                if name == _KEY_NAME:
                    key = value.decode()
                elif name == _TRACE_NAME:
                    traceparent = value.decode()
            elif identifier == _EXPIRY:
                expiry_s = _read_u32(buffer, at)[0]
                at += 4
            elif identifier == _RESPONSE_TOPIC:
                value, at = _read_binary(buffer, at, end)
                response_topic = value.decode()
            elif identifier == _CORRELATION_DATA:
                correlation_data, at = _read_binary(buffer, at, end)
            else:
                at = _skip(identifier, buffer, at, end)
    except (ValueError, IndexError) as error:
        raise MalformedPacket(f"property: {error}") from error
    if at != end:
        raise MalformedPacket("a property reaches past the property length")
    return PublishProperties(key, traceparent, expiry_s, response_topic, correlation_data), end


def _field(identifier: int, data: bytes) -> bytes:
    if len(data) > _TEXT_MAX:
        raise ValueError(f"property {identifier:#04x} of {len(data)} bytes: at most {_TEXT_MAX}")
    return _pack_head(identifier, len(data)) + data


def _length(data: bytes) -> bytes:
    if len(data) > _TEXT_MAX:
        raise ValueError(f"user property of {len(data)} bytes: at most {_TEXT_MAX}")
    return _pack_u16(len(data))


def _read_variable(buffer: bytes | bytearray, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 28:
        if at >= len(buffer):
            break
        byte = buffer[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise MalformedPacket("variable byte integer is cut off or longer than four bytes")


def _read_binary(buffer: bytes | bytearray, at: int, end: int) -> tuple[bytes, int]:
    if at + 2 > end:
        raise MalformedPacket("a length is cut off")
    stop = at + 2 + _read_u16(buffer, at)[0]
    if stop > end:
        raise MalformedPacket("a property reaches past the property length")
    return bytes(buffer[at + 2 : stop]), stop


def _skip(identifier: int, buffer: bytes | bytearray, at: int, end: int) -> int:
    width = _OTHER_WIDTHS.get(identifier)
    if width is not None:
        return at + width
    if identifier == _CONTENT_TYPE:
        return _read_binary(buffer, at, end)[1]
    if identifier == _SUBSCRIPTION_IDENTIFIER:
        return _read_variable(buffer, at)[1]
    raise MalformedPacket(f"no property {identifier:#04x} in PUBLISH")
