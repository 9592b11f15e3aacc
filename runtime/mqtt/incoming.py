"""What a server sends a client at QoS 1, read in one walk: where a packet ends, what a PUBLISH holds.

A client that asks for QoS 1 never gets QoS 2 [MQTT-3.8.4-8], and one that allows no topic alias never gets
a PUBLISH without a topic [MQTT-3.1.2-27]: both are refused here.
"""

from struct import Struct
from struct import error as StructError

from runtime.mqtt.errors import malformed, protocol_error
from runtime.mqtt.publish_properties import PublishProperties, unpack_properties

_QOS_BITS, _QOS_2, _QOS_3 = 0x06, 0x04, 0x06

_read_u16 = Struct("!H").unpack_from


def remaining_length(data: bytes, at: int) -> tuple[int, int]:
    """Length of the packet's rest and where that begins; 0, 0 while it is cut off (section 1.5.5).

    Raises MqttProtocolError 0x81 when it has more than four bytes.
    """
    size = 0
    for shift in (0, 7, 14, 21):
        if at >= len(data):
            return 0, 0
        size |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return size, at
    raise malformed("a remaining length of more than four bytes")


def read_publish_body(first_byte: int, packet: bytes) -> tuple[str, bytes, PublishProperties, int]:
    """Topic, payload, properties and packet identifier (0 at QoS 0) in the body of a PUBLISH.

    Raises MqttProtocolError 0x81 or 0x82, and paho's MalformedPacket for properties.
    """
    qos_bits = first_byte & _QOS_BITS
    if qos_bits == _QOS_2:
        raise protocol_error("PUBLISH at QoS 2, though we have asked for 1 [MQTT-3.8.4-8]")
    if qos_bits == _QOS_3:
        raise malformed("PUBLISH at QoS 3 [MQTT-3.3.1-4]")
    try:
        at = 2 + _read_u16(packet)[0]
        topic = packet[2:at].decode()
        packet_id = 0
        if qos_bits:
            packet_id = _read_u16(packet, at)[0]
            at += 2
    except (ValueError, StructError) as error:
        raise malformed(f"PUBLISH: {error}") from error
    if not topic:
        raise protocol_error("PUBLISH without a topic, though we allow no alias [MQTT-3.1.2-27]")
    if qos_bits and not packet_id:
        raise protocol_error("PUBLISH with packet identifier 0 [MQTT-2.2.1-3]")
    properties, at = unpack_properties(packet, at)
    return topic, packet[at:], properties, packet_id
