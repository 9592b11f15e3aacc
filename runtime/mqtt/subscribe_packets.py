"""SUBSCRIBE, SUBACK, UNSUBSCRIBE and UNSUBACK (sections 3.8 … 3.11), in MQTT 5 and in MQTT 3.1.1."""

from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from runtime.mqtt.errors import malformed, protocol_error
from runtime.mqtt.properties import NO_PROPERTIES, PacketType, Properties
from runtime.mqtt.reason_codes import ReasonCode
from runtime.mqtt.session_packets import packet, read_packet_id, reason_code
from runtime.mqtt.wire import MQTT_5, Cursor, encode_text

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
class Subscribe:
    """A client wants what matches its filters (section 3.8)."""

    packet_id: int
    subscriptions: tuple[Subscription, ...]
    properties: Properties = NO_PROPERTIES

    def encode(self, level: int = MQTT_5) -> bytes:
        """The packet; MQTT 3.1.1 leaves out every option but the QoS."""
        is_5 = level == MQTT_5
        body = self.packet_id.to_bytes(2, "big") + (self.properties.encode() if is_5 else b"")
        for topic_filter, qos, no_local, retain_as_published, retain_handling in self.subscriptions:
            options = qos | no_local << 2 | retain_as_published << 3 | retain_handling << 4
            body += encode_text(topic_filter) + bytes((options if is_5 else qos,))
        return packet(0x82, body)

    @classmethod
    def decode(cls, cursor: Cursor) -> Self:
        """Raises MqttProtocolError."""
        packet_id = read_packet_id(cursor)
        properties = Properties.decode(cursor, PacketType.SUBSCRIBE)
        subscriptions = []
        while cursor.more:
            topic_filter, options = cursor.text(), cursor.integer(1)
            if options & (0xC0 if cursor.level == MQTT_5 else 0xFC):
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

    def encode(self, level: int = MQTT_5) -> bytes:
        """The packet."""
        filters = b"".join(encode_text(topic_filter) for topic_filter in self.topic_filters)
        head = self.packet_id.to_bytes(2, "big") + (self.properties.encode() if level == MQTT_5 else b"")
        return packet(0xA2, head + filters)

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

    def encode(self, level: int = MQTT_5) -> bytes:
        """The packet; to MQTT 3.1.1 every refusal is 0x80 (3.1.1, section 3.9.3)."""
        if level < MQTT_5:
            codes = bytes(min(code, ReasonCode.UNSPECIFIED_ERROR) for code in self.reason_codes)
            return packet(0x90, self.packet_id.to_bytes(2, "big") + codes)
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
    """One reason code per filter of an UNSUBSCRIBE (section 3.11); in MQTT 3.1.1 none."""

    packet_id: int
    reason_codes: tuple[ReasonCode, ...]
    properties: Properties = NO_PROPERTIES

    def encode(self, level: int = MQTT_5) -> bytes:
        """The packet; MQTT 3.1.1 has no reason codes in it."""
        head = self.packet_id.to_bytes(2, "big")
        if level < MQTT_5:
            return packet(0xB0, head)
        return packet(0xB0, head + self.properties.encode() + bytes(self.reason_codes))

    @classmethod
    def decode(cls, cursor: Cursor) -> Self:
        """Raises MqttProtocolError."""
        packet_id = read_packet_id(cursor)
        properties = Properties.decode(cursor, PacketType.UNSUBACK)
        if cursor.level < MQTT_5:
            cursor.finish()
        return cls(packet_id, tuple(map(reason_code, cursor.rest())), properties)
