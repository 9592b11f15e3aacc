"""How a message looks on a connection that is not plain MQTT 5: in MQTT 3.1.1, and with topic aliases."""

from typing import Protocol

from runtime.mqtt.properties import PropertyId
from runtime.mqtt.publish import Publish, publish_head
from runtime.mqtt.wire import Cursor, encode_varint


class WireForm(Protocol):
    """What makes a PUBLISH of a message, for one connection."""

    def packet(self, message: Publish, packet_id: int, tail: bytes, *, duplicate: bool) -> bytes:
        """The PUBLISH, with `tail` in place of the message's own; identifier 0 for QoS 0."""


class Mqtt311Form:
    """MQTT 3.1.1 has no properties (3.1.1, section 3.3)."""

    __slots__ = ()

    def packet(self, message: Publish, packet_id: int, tail: bytes, *, duplicate: bool) -> bytes:
        """The PUBLISH without the properties in `tail`."""
        cursor = Cursor(tail)
        payload = tail[cursor.varint() + cursor.at :]
        return _publish(message, message.topic, packet_id, payload, duplicate=duplicate)


class AliasForm:
    """Topic aliases towards a client that takes some (section 3.1.2.11.5): first come, first served.

    `max_packet_size` is the client's: a message that a new alias would make too large goes without one.
    """

    __slots__ = ("_aliases", "_max_packet_size", "_maximum")

    def __init__(self, maximum: int, max_packet_size: int) -> None:
        self._maximum = maximum
        self._max_packet_size = max_packet_size
        self._aliases: dict[bytes, int] = {}

    def packet(self, message: Publish, packet_id: int, tail: bytes, *, duplicate: bool) -> bytes:
        """The PUBLISH; a topic that has an alias is left out, one that can have one gets it."""
        alias = self._aliases.get(message.topic)
        if alias is not None:
            return _publish(message, b"", packet_id, _with_alias(tail, alias), duplicate=duplicate)
        if len(self._aliases) < self._maximum:
            alias = len(self._aliases) + 1
            packet = _publish(
                message, message.topic, packet_id, _with_alias(tail, alias), duplicate=duplicate
            )
            if len(packet) <= self._max_packet_size:
                self._aliases[message.topic] = alias
                return packet
        return _publish(message, message.topic, packet_id, tail, duplicate=duplicate)


def _with_alias(tail: bytes, alias: int) -> bytes:
    cursor = Cursor(tail)
    size = cursor.varint()
    block = bytes((PropertyId.TOPIC_ALIAS,)) + alias.to_bytes(2, "big")
    return encode_varint(size + len(block)) + block + tail[cursor.at :]


def _publish(message: Publish, topic: bytes, packet_id: int, tail: bytes, *, duplicate: bool) -> bytes:
    head = publish_head(message.qos, message.retain, topic, len(tail))
    if duplicate:
        head = bytes((head[0] | 0x08,)) + head[1:]
    return head + (packet_id.to_bytes(2, "big") if packet_id else b"") + tail
