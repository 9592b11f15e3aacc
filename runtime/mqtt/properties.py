"""Properties of MQTT 5 packets, section 2.2.2: which exist, of what type, in which packet, how often."""

from collections.abc import Iterator
from enum import IntEnum
from typing import Final, Self

from runtime.mqtt.errors import malformed, protocol_error
from runtime.mqtt.wire import MQTT_5, Cursor, encode_binary, encode_text, encode_varint

Value = int | str | bytes | tuple[str, str]


class PacketType(IntEnum):
    """MQTT control packet types, section 2.1.2; WILL stands for the will properties within CONNECT."""

    WILL = 0
    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


class PropertyId(IntEnum):
    """Property identifiers, table 2-4."""

    PAYLOAD_FORMAT_INDICATOR = 0x01
    MESSAGE_EXPIRY_INTERVAL = 0x02
    CONTENT_TYPE = 0x03
    RESPONSE_TOPIC = 0x08
    CORRELATION_DATA = 0x09
    SUBSCRIPTION_IDENTIFIER = 0x0B
    SESSION_EXPIRY_INTERVAL = 0x11
    ASSIGNED_CLIENT_IDENTIFIER = 0x12
    SERVER_KEEP_ALIVE = 0x13
    AUTHENTICATION_METHOD = 0x15
    AUTHENTICATION_DATA = 0x16
    REQUEST_PROBLEM_INFORMATION = 0x17
    WILL_DELAY_INTERVAL = 0x18
    REQUEST_RESPONSE_INFORMATION = 0x19
    RESPONSE_INFORMATION = 0x1A
    SERVER_REFERENCE = 0x1C
    REASON_STRING = 0x1F
    RECEIVE_MAXIMUM = 0x21
    TOPIC_ALIAS_MAXIMUM = 0x22
    TOPIC_ALIAS = 0x23
    MAXIMUM_QOS = 0x24
    RETAIN_AVAILABLE = 0x25
    USER_PROPERTY = 0x26
    MAXIMUM_PACKET_SIZE = 0x27
    WILDCARD_SUBSCRIPTION_AVAILABLE = 0x28
    SUBSCRIPTION_IDENTIFIER_AVAILABLE = 0x29
    SHARED_SUBSCRIPTION_AVAILABLE = 0x2A


P, T = PropertyId, PacketType
_BYTE, _U16, _U32, _VARINT, _TEXT, _BINARY, _PAIR = "byte", "u16", "u32", "varint", "text", "binary", "pair"
_SIZES: Final = {_BYTE: 1, _U16: 2, _U32: 4}
_ACKS: Final = (T.PUBACK, T.PUBREC, T.PUBREL, T.PUBCOMP, T.SUBACK, T.UNSUBACK)

_TABLE: Final[dict[PropertyId, tuple[str, tuple[PacketType, ...]]]] = {
    P.PAYLOAD_FORMAT_INDICATOR: (_BYTE, (T.PUBLISH, T.WILL)),
    P.MESSAGE_EXPIRY_INTERVAL: (_U32, (T.PUBLISH, T.WILL)),
    P.CONTENT_TYPE: (_TEXT, (T.PUBLISH, T.WILL)),
    P.RESPONSE_TOPIC: (_TEXT, (T.PUBLISH, T.WILL)),
    P.CORRELATION_DATA: (_BINARY, (T.PUBLISH, T.WILL)),
    P.SUBSCRIPTION_IDENTIFIER: (_VARINT, (T.PUBLISH, T.SUBSCRIBE)),
    P.SESSION_EXPIRY_INTERVAL: (_U32, (T.CONNECT, T.CONNACK, T.DISCONNECT)),
    P.ASSIGNED_CLIENT_IDENTIFIER: (_TEXT, (T.CONNACK,)),
    P.SERVER_KEEP_ALIVE: (_U16, (T.CONNACK,)),
    P.AUTHENTICATION_METHOD: (_TEXT, (T.CONNECT, T.CONNACK, T.AUTH)),
    P.AUTHENTICATION_DATA: (_BINARY, (T.CONNECT, T.CONNACK, T.AUTH)),
    P.REQUEST_PROBLEM_INFORMATION: (_BYTE, (T.CONNECT,)),
    P.WILL_DELAY_INTERVAL: (_U32, (T.WILL,)),
    P.REQUEST_RESPONSE_INFORMATION: (_BYTE, (T.CONNECT,)),
    P.RESPONSE_INFORMATION: (_TEXT, (T.CONNACK,)),
    P.SERVER_REFERENCE: (_TEXT, (T.CONNACK, T.DISCONNECT)),
    P.REASON_STRING: (_TEXT, (T.CONNACK, *_ACKS, T.DISCONNECT, T.AUTH)),
    P.RECEIVE_MAXIMUM: (_U16, (T.CONNECT, T.CONNACK)),
    P.TOPIC_ALIAS_MAXIMUM: (_U16, (T.CONNECT, T.CONNACK)),
    P.TOPIC_ALIAS: (_U16, (T.PUBLISH,)),
    P.MAXIMUM_QOS: (_BYTE, (T.CONNACK,)),
    P.RETAIN_AVAILABLE: (_BYTE, (T.CONNACK,)),
    P.USER_PROPERTY: (
        _PAIR,
        (T.CONNECT, T.CONNACK, T.PUBLISH, T.WILL, *_ACKS, T.SUBSCRIBE, T.UNSUBSCRIBE, T.DISCONNECT, T.AUTH),
    ),
    P.MAXIMUM_PACKET_SIZE: (_U32, (T.CONNECT, T.CONNACK)),
    P.WILDCARD_SUBSCRIPTION_AVAILABLE: (_BYTE, (T.CONNACK,)),
    P.SUBSCRIPTION_IDENTIFIER_AVAILABLE: (_BYTE, (T.CONNACK,)),
    P.SHARED_SUBSCRIPTION_AVAILABLE: (_BYTE, (T.CONNACK,)),
}

_REPEATABLE: Final = {T.PUBLISH: (P.USER_PROPERTY, P.SUBSCRIPTION_IDENTIFIER)}
_BY_VALUE: Final = {int(identifier): identifier for identifier in PropertyId}
_FLAGS: Final = tuple(identifier for identifier, (kind, _) in _TABLE.items() if kind == _BYTE)
_NOT_ZERO: Final = (P.RECEIVE_MAXIMUM, P.MAXIMUM_PACKET_SIZE, P.SUBSCRIPTION_IDENTIFIER)


class Properties:
    """Properties in the order in which they stand on the wire."""

    __slots__ = ("pairs",)

    def __init__(self, *pairs: tuple[PropertyId, Value]) -> None:
        self.pairs = pairs

    def __iter__(self) -> Iterator[tuple[PropertyId, Value]]:
        return iter(self.pairs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Properties) and self.pairs == other.pairs

    def __hash__(self) -> int:
        return hash(self.pairs)

    def __repr__(self) -> str:
        return f"Properties({', '.join(f'{identifier.name}={value!r}' for identifier, value in self.pairs)})"

    def __contains__(self, identifier: PropertyId) -> bool:
        return any(found == identifier for found, _ in self.pairs)

    def integer(self, identifier: PropertyId, default: int) -> int:
        """Value of a numeric property, `default` when absent."""
        for found, value in self.pairs:
            if found == identifier and isinstance(value, int):
                return value
        return default

    def text(self, identifier: PropertyId, default: str = "") -> str:
        """Value of a string property, `default` when absent."""
        for found, value in self.pairs:
            if found == identifier and isinstance(value, str):
                return value
        return default

    def binary(self, identifier: PropertyId, default: bytes = b"") -> bytes:
        """Value of a binary property, `default` when absent."""
        for found, value in self.pairs:
            if found == identifier and isinstance(value, bytes):
                return value
        return default

    def user_properties(self) -> list[tuple[str, str]]:
        """Name and value of every user property, in order."""
        return [value for _, value in self.pairs if isinstance(value, tuple)]

    def without(self, *identifiers: PropertyId) -> "Properties":
        """The same without those called `identifiers`."""
        return Properties(*(pair for pair in self.pairs if pair[0] not in identifiers))

    def encode(self) -> bytes:
        """Property length and properties as they stand on the wire."""
        block = b"".join(_encode_pair(identifier, value) for identifier, value in self.pairs)
        return encode_varint(len(block)) + block

    @classmethod
    def decode(cls, cursor: Cursor, packet_type: PacketType) -> Self:
        """Read property length and properties of a `packet_type`.

        Raises MqttProtocolError: 0x81 for an identifier that does not exist or not in this packet,
        0x82 for one given twice or with a value out of its range. MQTT 3.1.1 has none: nothing is read.
        """
        if cursor.level < MQTT_5:
            return cls()
        size = cursor.varint()
        if not size:
            return cls()
        stop = cursor.at + size
        if stop > cursor.end:
            raise malformed("the properties are longer than their packet")
        block = Cursor(cursor.data, cursor.at, stop)
        pairs: list[tuple[PropertyId, Value]] = []
        seen: list[PropertyId] = []
        repeatable = _REPEATABLE.get(packet_type, (P.USER_PROPERTY,))
        while block.more:
            number = block.varint()
            identifier = _BY_VALUE.get(number)
            if identifier is None or packet_type not in _TABLE[identifier][1]:
                raise malformed(f"property 0x{number:02X} has no place in {packet_type.name}")
            if identifier not in repeatable:
                if identifier in seen:
                    raise protocol_error(f"{identifier.name} given twice in {packet_type.name}")
                seen.append(identifier)
            pairs.append((identifier, _decode_value(identifier, block)))
        cursor.at = stop
        return cls(*pairs)


NO_PROPERTIES: Final = Properties()


def _encode_pair(identifier: PropertyId, value: Value) -> bytes:
    kind = _TABLE[identifier][0]
    head = encode_varint(identifier)
    if kind == _PAIR and isinstance(value, tuple):
        return head + encode_text(value[0]) + encode_text(value[1])
    if kind == _TEXT and isinstance(value, str):
        return head + encode_text(value)
    if kind == _BINARY and isinstance(value, bytes):
        return head + encode_binary(value)
    if kind == _VARINT and isinstance(value, int):
        return head + encode_varint(value)
    if kind in _SIZES and isinstance(value, int):
        return head + value.to_bytes(_SIZES[kind], "big")
    raise TypeError(f"{identifier.name} is {kind}, not {type(value).__name__}")


def _decode_value(identifier: PropertyId, block: Cursor) -> Value:
    kind = _TABLE[identifier][0]
    if kind == _PAIR:
        return block.text(), block.text()
    if kind == _TEXT:
        return block.text()
    if kind == _BINARY:
        return block.binary()
    value = block.varint() if kind == _VARINT else block.integer(_SIZES[kind])
    if (identifier in _FLAGS and value > 1) or (identifier in _NOT_ZERO and value == 0):
        raise protocol_error(f"{identifier.name} cannot be {value}")
    return value
