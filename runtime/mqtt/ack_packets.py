"""PUBACK, PUBREC, PUBREL and PUBCOMP (sections 3.4 … 3.7): one layout, four meanings."""

from dataclasses import dataclass
from struct import Struct
from typing import ClassVar, Final, Self

from runtime.mqtt.properties import NO_PROPERTIES, PacketType, Properties
from runtime.mqtt.reason_codes import ReasonCode
from runtime.mqtt.session_packets import packet, read_packet_id, reason_code
from runtime.mqtt.wire import MQTT_5, Cursor

PUBACK: Final = 0x40
PUBREC: Final = 0x50
PUBREL: Final = 0x62
PUBCOMP: Final = 0x70

_SHORT = Struct(">HH").pack


def encode_ack(first: int, packet_id: int, code: int = 0) -> bytes:
    """One of the four, without properties; Success takes the short form (section 3.4.2.1).

    `first` is PUBACK, PUBREC, PUBREL or PUBCOMP of this module. MQTT 3.1.1 knows the short form alone.
    """
    if code:
        return bytes((first, 3)) + packet_id.to_bytes(2, "big") + bytes((code,))
    return _SHORT(first << 8 | 2, packet_id)


@dataclass(frozen=True, slots=True)
class _Ack:
    packet_id: int
    reason_code: ReasonCode = ReasonCode.SUCCESS
    properties: Properties = NO_PROPERTIES

    first: ClassVar[int]
    packet_type: ClassVar[PacketType]

    def encode(self, level: int = MQTT_5) -> bytes:
        """The packet, in its short form where that says the same."""
        if level < MQTT_5:
            return encode_ack(self.first, self.packet_id)
        if not self.properties.pairs:
            return encode_ack(self.first, self.packet_id, self.reason_code)
        body = self.packet_id.to_bytes(2, "big") + bytes((self.reason_code,))
        return packet(self.first, body + self.properties.encode())

    @classmethod
    def decode(cls, cursor: Cursor) -> Self:
        """Raises MqttProtocolError."""
        packet_id = read_packet_id(cursor)
        if cursor.level < MQTT_5:
            cursor.finish()
        code = reason_code(cursor.integer(1)) if cursor.more else ReasonCode.SUCCESS
        properties = Properties.decode(cursor, cls.packet_type) if cursor.more else NO_PROPERTIES
        cursor.finish()
        return cls(packet_id, code, properties)


@dataclass(frozen=True, slots=True)
class Puback(_Ack):
    """A QoS 1 message has been taken over, or was refused (section 3.4)."""

    first = PUBACK
    packet_type = PacketType.PUBACK


@dataclass(frozen=True, slots=True)
class Pubrec(_Ack):
    """A QoS 2 message has been received, or was refused (section 3.5)."""

    first = PUBREC
    packet_type = PacketType.PUBREC


@dataclass(frozen=True, slots=True)
class Pubrel(_Ack):
    """The sender has let go of a QoS 2 message (section 3.6)."""

    first = PUBREL
    packet_type = PacketType.PUBREL


@dataclass(frozen=True, slots=True)
class Pubcomp(_Ack):
    """The receiver has forgotten the identifier of a QoS 2 message (section 3.7)."""

    first = PUBCOMP
    packet_type = PacketType.PUBCOMP
