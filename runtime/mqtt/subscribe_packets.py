"""SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK (sections 3.8 … 3.11) and the long form of PUBACK (3.4)."""

from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from runtime.mqtt.errors import malformed, protocol_error
from runtime.mqtt.properties import NO_PROPERTIES, PacketType, Properties
from runtime.mqtt.publish import encode_puback
from runtime.mqtt.reason_codes import ReasonCode
from runtime.mqtt.session_packets import packet, reason_code
from runtime.mqtt.wire import Cursor, encode_text

SEND_RETAINED: Final = 0
SEND_RETAINED_IF_NEW: Final = 1
SEND_NO_RETAINED: Final = 2


class Subscription(NamedTuple):
    """A topic filter with its options (section 3.8.3.1); `retain_handling` is one of SEND_…"""

    topic_filter: str
    qos: int = 1
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: int = SEND_RETAINED


@dataclass(frozen=True, slots=True)
class Puback:
    """A QoS 1 message has been taken over, or was refused (section 3.4)."""

    packet_id: int
    reason_code: ReasonCode = ReasonCode.SUCCESS
    properties: Properties = NO_PROPERTIES

    def encode(self) -> bytes:
        """The packet, in its short form where that says the same."""
        if not self.properties.pairs:
            return encode_puback(self.packet_id, self.reason_code)
        body = self.packet_id.to_bytes(2, "big") + bytes((self.reason_code,))
        return packet(0x40, body + self.properties.encode())

    @classmethod
    def decode(cls, cursor: Cursor) -> Self:
        """Raises MqttProtocolError."""
        packet_id = read_packet_id(cursor)
        code = reason_code(cursor.integer(1)) if cursor.more else ReasonCode.SUCCESS
        properties = Properties.decode(cursor, PacketType.PUBACK) if cursor.more else NO_PROPERTIES
        cursor.finish()
        return cls(packet_id, code, properties)


@dataclass(frozen=True, slots=True)
class Subscribe:
    """A client wants what matches its filters (section 3.8)."""

    packet_id: int
    subscriptions: tuple[Subscription, ...]
    properties: Properties = NO_PROPERTIES

    def encode(self) -> bytes:
        """The packet."""
        body = self.packet_id.to_bytes(2, "big") + self.properties.encode()
        for topic_filter, qos, no_local, retain_as_published, retain_handling in self.subscriptions:
            options = qos | no_local << 2 | retain_as_published << 3 | retain_handling << 4
            body += encode_text(topic_filter) + bytes((options,))
        return packet(0x82, body)

    @classmethod
    def decode(cls, cursor: Cursor) -> Self:
        """Raises MqttProtocolError."""
        packet_id = read_packet_id(cursor)
        properties = Properties.decode(cursor, PacketType.SUBSCRIBE)
        subscriptions = []
        while cursor.more:
            topic_filter, options = cursor.text(), cursor.integer(1)
            if options & 0xC0:
                raise malformed("reserved subscription options are set [MQTT-3.8.3-5]")
            qos, retain_handling = options & 3, options >> 4
            if qos == 3 or retain_handling == 3:
                raise protocol_error(f"subscription options 0x{options:02X} (section 3.8.3.1)")
            flags = bool(options & 4), bool(options & 8)
            subscriptions.append(Subscription(topic_filter, qos, *flags, retain_handling))
        if not subscriptions:
            raise protocol_error("SUBSCRIBE without a topic filter [MQTT-3.8.3-2]")
        return cls(packet_id, tuple(subscriptions), properties)


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """A client no longer wants what matches its filters (section 3.10)."""

    packet_id: int
    topic_filters: tuple[str, ...]
    properties: Properties = NO_PROPERTIES

    def encode(self) -> bytes:
        """The packet."""
        filters = b"".join(encode_text(topic_filter) for topic_filter in self.topic_filters)
        return packet(0xA2, self.packet_id.to_bytes(2, "big") + self.properties.encode() + filters)

    @classmethod
    def decode(cls, cursor: Cursor) -> Self:
        """Raises MqttProtocolError."""
        packet_id = read_packet_id(cursor)
        properties = Properties.decode(cursor, PacketType.UNSUBSCRIBE)
        filters = []
        while cursor.more:
            filters.append(cursor.text())
        if not filters:
            raise protocol_error("UNSUBSCRIBE without a topic filter [MQTT-3.10.3-2]")
        return cls(packet_id, tuple(filters), properties)


@dataclass(frozen=True, slots=True)
class Suback:
    """One reason code per filter of a SUBSCRIBE (section 3.9)."""

    packet_id: int
    reason_codes: tuple[ReasonCode, ...]
    properties: Properties = NO_PROPERTIES

    def encode(self) -> bytes:
        """The packet."""
        head = self.packet_id.to_bytes(2, "big") + self.properties.encode()
        return packet(0x90, head + bytes(self.reason_codes))

    @classmethod
    def decode(cls, cursor: Cursor) -> Self:
        """Raises MqttProtocolError."""
        packet_id = read_packet_id(cursor)
        properties = Properties.decode(cursor, PacketType.SUBACK)
        return cls(packet_id, tuple(map(reason_code, cursor.rest())), properties)


@dataclass(frozen=True, slots=True)
class Unsuback:
    """One reason code per filter of an UNSUBSCRIBE (section 3.11)."""

    packet_id: int
    reason_codes: tuple[ReasonCode, ...]
    properties: Properties = NO_PROPERTIES

    def encode(self) -> bytes:
        """The packet."""
        head = self.packet_id.to_bytes(2, "big") + self.properties.encode()
        return packet(0xB0, head + bytes(self.reason_codes))

    @classmethod
    def decode(cls, cursor: Cursor) -> Self:
        """Raises MqttProtocolError."""
        packet_id = read_packet_id(cursor)
        properties = Properties.decode(cursor, PacketType.UNSUBACK)
        return cls(packet_id, tuple(map(reason_code, cursor.rest())), properties)


def read_packet_id(cursor: Cursor) -> int:
    """Packet identifier; MqttProtocolError 0x82 when 0 [MQTT-2.2.1-3]."""
    packet_id = cursor.integer(2)
    if not packet_id:
        raise protocol_error("a packet identifier cannot be 0 [MQTT-2.2.1-3]")
    return packet_id
