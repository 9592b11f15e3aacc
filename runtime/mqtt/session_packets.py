"""CONNECT, CONNACK, DISCONNECT, AUTH and the pings (sections 3.1, 3.2, 3.12 … 3.15).

Written and read in MQTT 5 and, without properties and with its own return codes, in MQTT 3.1.1.
"""

from dataclasses import dataclass, field
from typing import Final, Self

from runtime.mqtt.errors import MqttProtocolError, malformed, protocol_error
from runtime.mqtt.properties import NO_PROPERTIES, PacketType, Properties
from runtime.mqtt.reason_codes import ReasonCode
from runtime.mqtt.wire import MQTT_3_1_1, MQTT_5, Cursor, encode_binary, encode_text, encode_varint

PINGREQ: Final = b"\xc0\x00"
PINGRESP: Final = b"\xd0\x00"

RETURN_CODES: Final = {
    ReasonCode.SUCCESS: 0,
    ReasonCode.UNSUPPORTED_PROTOCOL_VERSION: 1,
    ReasonCode.CLIENT_IDENTIFIER_NOT_VALID: 2,
    ReasonCode.SERVER_UNAVAILABLE: 3,
    ReasonCode.BAD_USER_NAME_OR_PASSWORD: 4,
    ReasonCode.NOT_AUTHORIZED: 5,
}
"""Connect return codes of MQTT 3.1.1, table 3.1, by what MQTT 5 says instead."""
_REASON_CODES: Final = {value: code for code, value in RETURN_CODES.items()}


def packet(first: int, body: bytes) -> bytes:
    """Fixed header and `body` (section 2.1)."""
    return bytes((first,)) + encode_varint(len(body)) + body


def reason_code(value: int) -> ReasonCode:
    """The reason code `value`; MqttProtocolError 0x82 when there is none."""
    try:
        return ReasonCode(value)
    except ValueError:
        raise protocol_error(f"there is no reason code 0x{value:02X}") from None


def read_packet_id(cursor: Cursor) -> int:
    """Packet identifier; MqttProtocolError 0x82 when 0 [MQTT-2.2.1-3]."""
    packet_id = cursor.integer(2)
    if not packet_id:
        raise protocol_error("a packet identifier cannot be 0 [MQTT-2.2.1-3]")
    return packet_id


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes for a client that is lost (section 3.1.2.5)."""

    topic: str
    payload: bytes = b""
    qos: int = 0
    retain: bool = False
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class Connect:
    """A client asks for its session (section 3.1).

    In MQTT 3.1.1 `clean_start` is called Clean Session and also ends the session with the connection.
    """

    client_id: str = ""
    clean_start: bool = True
    keep_alive_s: int = 0
    properties: Properties = NO_PROPERTIES
    will: Will | None = None
    user_name: str | None = None
    password: bytes | None = field(default=None, repr=False)
    level: int = MQTT_5

    def encode(self, level: int = 0) -> bytes:
        """The packet, in its own level unless another one is asked for."""
        level = level or self.level
        is_5 = level == MQTT_5
        flags = self.clean_start << 1 | (self.user_name is not None) << 7 | (self.password is not None) << 6
        payload = encode_text(self.client_id)
        if self.will is not None:
            will = self.will
            flags |= 0x04 | will.qos << 3 | will.retain << 5
            payload += will.properties.encode() if is_5 else b""
            payload += encode_text(will.topic) + encode_binary(will.payload)
        if self.user_name is not None:
            payload += encode_text(self.user_name)
        if self.password is not None:
            payload += encode_binary(self.password)
        head = b"\x00\x04MQTT" + bytes((level, flags)) + self.keep_alive_s.to_bytes(2, "big")
        return packet(0x10, head + (self.properties.encode() if is_5 else b"") + payload)

    @classmethod
    def decode(cls, cursor: Cursor) -> Self:
        """Raises MqttProtocolError: 0x84 for another protocol or version, else 0x81, 0x82, 0x9B."""
        name, version = cursor.binary(), cursor.integer(1)
        if name != b"MQTT" or version not in (MQTT_3_1_1, MQTT_5):
            raise MqttProtocolError(
                ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
                f"MQTT 5 and 3.1.1 are spoken, not {name[:8]!r} {version}",
            )
        cursor.level = version
        flags = cursor.integer(1)
        if flags & 0x01:
            raise malformed("the reserved CONNECT flag is set [MQTT-3.1.2-3]")
        will_qos = flags >> 3 & 3
        if will_qos == 3 or (not flags & 0x04 and flags & 0x38):
            raise malformed("will flags that do not go together [MQTT-3.1.2-11, -12, -13]")
        if version < MQTT_5 and flags & 0xC0 == 0x40:
            raise malformed("a password without a user name (3.1.1, [MQTT-3.1.2-22])")
        keep_alive_s = cursor.integer(2)
        properties = Properties.decode(cursor, PacketType.CONNECT)
        client_id = cursor.text()
        will = None
        if flags & 0x04:
            will_properties = Properties.decode(cursor, PacketType.WILL)
            topic, payload = cursor.text(), cursor.binary()
            will = Will(topic, payload, will_qos, bool(flags & 0x20), will_properties)
        user_name = cursor.text() if flags & 0x80 else None
        password = cursor.binary() if flags & 0x40 else None
        cursor.finish()
        is_clean = bool(flags & 0x02)
        return cls(client_id, is_clean, keep_alive_s, properties, will, user_name, password, version)


@dataclass(frozen=True, slots=True)
class Connack:
    """The answer to CONNECT (section 3.2)."""

    session_present: bool = False
    reason_code: ReasonCode = ReasonCode.SUCCESS
    properties: Properties = NO_PROPERTIES

    def encode(self, level: int = MQTT_5) -> bytes:
        """The packet. In MQTT 3.1.1 KeyError for a reason that has no return code there."""
        if level < MQTT_5:
            return packet(0x20, bytes((self.session_present, RETURN_CODES[self.reason_code])))
        return packet(0x20, bytes((self.session_present, self.reason_code)) + self.properties.encode())

    @classmethod
    def decode(cls, cursor: Cursor) -> Self:
        """Raises MqttProtocolError."""
        flags = cursor.integer(1)
        if flags > 1:
            raise malformed("reserved CONNACK flags are set [MQTT-3.2.2-1]")
        value = cursor.integer(1)
        code = reason_code(value) if cursor.level == MQTT_5 else _return_code(value)
        properties = Properties.decode(cursor, PacketType.CONNACK)
        cursor.finish()
        return cls(bool(flags), code, properties)


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The last packet of a connection (section 3.14)."""

    reason_code: ReasonCode = ReasonCode.SUCCESS
    properties: Properties = NO_PROPERTIES

    def encode(self, level: int = MQTT_5) -> bytes:
        """The packet, in its short form where that says the same; MQTT 3.1.1 has no other."""
        if level < MQTT_5:
            return packet(0xE0, b"")
        return _encode_ending(0xE0, self.reason_code, self.properties)

    @classmethod
    def decode(cls, cursor: Cursor) -> Self:
        """Raises MqttProtocolError."""
        return cls(*_decode_ending(cursor, PacketType.DISCONNECT))


@dataclass(frozen=True, slots=True)
class Auth:
    """A step of extended authentication (section 3.15), which our broker does not offer."""

    reason_code: ReasonCode = ReasonCode.SUCCESS
    properties: Properties = NO_PROPERTIES

    def encode(self, level: int = MQTT_5) -> bytes:
        """The packet, in its short form where that says the same."""
        return _encode_ending(0xF0, self.reason_code, self.properties)

    @classmethod
    def decode(cls, cursor: Cursor) -> Self:
        """Raises MqttProtocolError."""
        if cursor.level < MQTT_5:
            raise malformed("MQTT 3.1.1 has no AUTH")
        return cls(*_decode_ending(cursor, PacketType.AUTH))


@dataclass(frozen=True, slots=True)
class Pingreq:
    """A client says that it is alive (section 3.12)."""

    def encode(self, level: int = MQTT_5) -> bytes:
        """The packet, the same in every level."""
        return PINGREQ


@dataclass(frozen=True, slots=True)
class Pingresp:
    """The broker says that it is, too (section 3.13)."""

    def encode(self, level: int = MQTT_5) -> bytes:
        """The packet, the same in every level."""
        return PINGRESP


def _encode_ending(first: int, code: ReasonCode, properties: Properties) -> bytes:
    if properties.pairs:
        return packet(first, bytes((code,)) + properties.encode())
    return packet(first, bytes((code,)) if code else b"")


def _return_code(value: int) -> ReasonCode:
    code = _REASON_CODES.get(value)
    if code is None:
        raise malformed(f"MQTT 3.1.1 has no connect return code {value}")
    return code


def _decode_ending(cursor: Cursor, packet_type: PacketType) -> tuple[ReasonCode, Properties]:
    if cursor.level < MQTT_5:
        cursor.finish()
    code = reason_code(cursor.integer(1)) if cursor.more else ReasonCode.SUCCESS
    properties = Properties.decode(cursor, packet_type) if cursor.more else NO_PROPERTIES
    cursor.finish()
    return code, properties
