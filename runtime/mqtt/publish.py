"""PUBLISH and PUBACK (sections 3.3 and 3.4): the two packets that every message costs, kept lean.

A `Publish` keeps what follows the packet identifier (property length, properties, payload) as the one
piece of bytes that arrived, its `tail`. A broker that forwards it writes head, new identifier, tail.
Inside it is always MQTT 5; one of MQTT 3.1.1 gets an empty property block when it is read and loses its
properties when it is written.
"""

from struct import Struct
from typing import TypeVar

from runtime.mqtt.errors import MqttProtocolError, malformed, protocol_error
from runtime.mqtt.properties import NO_PROPERTIES, PacketType, Properties, PropertyId
from runtime.mqtt.publish_scan import scan_properties
from runtime.mqtt.reason_codes import ReasonCode
from runtime.mqtt.wire import MQTT_5, Cursor, encode_binary, encode_varint

NS_PER_S = 1_000_000_000

_P = TypeVar("_P", bound="Publish")

_SHORT_PUBACK = Struct(">HH").pack
_NO_PROPERTIES = b"\0"


class Publish:
    """One application message on its way; build with `make_publish` or `read_publish`.

    `topic` is UTF-8; `head` is everything before the packet identifier, DUP not set; `tail` everything
    after it. `expiry_at` is where in `tail` the four bytes of the Message Expiry Interval stand, 0 when
    there is none, and `expires_ns` the instant a broker counts from them, 0 until it does.
    """

    __slots__ = (
        "duplicate",
        "expires_ns",
        "expiry_at",
        "head",
        "packet_id",
        "qos",
        "retain",
        "tail",
        "topic",
    )

    topic: bytes
    qos: int
    retain: bool
    duplicate: bool
    packet_id: int
    head: bytes
    tail: bytes
    expiry_at: int
    expires_ns: int

    @property
    def topic_name(self) -> str:
        """The topic as text."""
        return self.topic.decode()

    @property
    def properties(self) -> Properties:
        """The properties, taken apart."""
        return Properties.decode(Cursor(self.tail), PacketType.PUBLISH)

    @property
    def payload(self) -> bytes:
        """The application message."""
        cursor = Cursor(self.tail)
        return self.tail[cursor.varint() + cursor.at :]

    def __repr__(self) -> str:
        flags = f"qos={self.qos}{' retain' * self.retain}{' dup' * self.duplicate}"
        return f"<Publish {self.topic!r} id={self.packet_id} {flags} {len(self.tail)} bytes>"

    def tail_at(self, now_ns: int) -> bytes:
        """The tail with what is left at `now_ns` of the Message Expiry Interval [MQTT-3.3.2-6].

        Only whole seconds of waiting are taken off, as the interval has no finer unit.
        """
        at = self.expiry_at
        tail = self.tail
        if not at:
            return tail
        left_s = max(0, -((now_ns - self.expires_ns) // NS_PER_S))
        if left_s == int.from_bytes(tail[at : at + 4], "big"):
            return tail
        return tail[:at] + left_s.to_bytes(4, "big") + tail[at + 4 :]

    def encode(self, level: int = MQTT_5) -> bytes:
        """The packet, with the message's own identifier and DUP flag."""
        tail = self.tail
        head = self.head
        if level < MQTT_5:
            tail = self.payload
            head = publish_head(self.qos, self.retain, self.topic, len(tail))
        if self.duplicate:
            head = bytes((head[0] | 0x08,)) + head[1:]
        return head + (self.packet_id.to_bytes(2, "big") if self.qos else b"") + tail

    def variant(self, qos: int, retain: bool) -> "Publish":
        """The same message with another QoS or RETAIN flag; itself when nothing differs."""
        if qos == self.qos and retain == self.retain:
            return self
        return self.copy_to(Publish(), qos, retain)

    def copy_to(self, other: _P, qos: int, retain: bool) -> _P:
        """Make `other` the same message with this QoS and RETAIN flag, not sent yet; returns it."""
        other.topic = self.topic
        other.qos = qos
        other.retain = retain
        other.duplicate = False
        other.packet_id = 0
        other.head = publish_head(qos, retain, self.topic, len(self.tail))
        other.tail = self.tail
        other.expiry_at = self.expiry_at
        other.expires_ns = self.expires_ns
        return other

    def subscribed_by(self, identifiers: tuple[int, ...]) -> "Publish":
        """A copy with these Subscription Identifiers in front of its properties [MQTT-3.3.4-3]."""
        block = b"".join(b"\x0b" + encode_varint(each) for each in identifiers)
        cursor = Cursor(self.tail)
        size = cursor.varint()
        start = encode_varint(size + len(block)) + block
        other = self.copy_to(Publish(), self.qos, self.retain)
        other.tail = start + self.tail[cursor.at :]
        other.head = publish_head(self.qos, self.retain, self.topic, len(other.tail))
        if self.expiry_at:
            other.expiry_at = self.expiry_at + len(start) - cursor.at
        return other

    def unsubscribed(self) -> "Publish":
        """The same without the Subscription Identifiers that `subscribed_by` has put in front."""
        tail = self.tail
        cursor = Cursor(tail)
        size = cursor.varint()
        begin = cursor.at
        while cursor.at < begin + size and tail[cursor.at] == PropertyId.SUBSCRIPTION_IDENTIFIER:
            cursor.at += 1
            cursor.varint()
        if cursor.at == begin:
            return self
        start = encode_varint(size - (cursor.at - begin))
        other = self.copy_to(Publish(), self.qos, self.retain)
        other.tail = start + tail[cursor.at :]
        other.head = publish_head(self.qos, self.retain, self.topic, len(other.tail))
        if self.expiry_at:
            other.expiry_at = self.expiry_at + len(start) - cursor.at
        return other


def make_publish(
    topic: str,
    payload: bytes = b"",
    *,
    qos: int = 0,
    packet_id: int = 0,
    retain: bool = False,
    duplicate: bool = False,
    properties: Properties | bytes = NO_PROPERTIES,
) -> Publish:
    """A message of one's own; `properties` may be packed already (`Properties.encode`)."""
    message = Publish()
    message.topic = topic.encode()
    message.qos = qos
    message.retain = retain
    message.duplicate = duplicate
    message.packet_id = packet_id
    packed = properties if isinstance(properties, bytes) else properties.encode()
    message.tail = packed + payload
    message.head = publish_head(qos, retain, message.topic, len(message.tail))
    cursor = Cursor(packed)
    size = cursor.varint()
    at = scan_properties(packed, cursor.at, cursor.at + size, from_client=False) if size else 0
    message.expiry_at = max(at, 0)
    message.expires_ns = 0
    return message


def encode_publish(
    topic: str,
    payload: bytes,
    packet_id: int,
    properties: bytes = _NO_PROPERTIES,
    *,
    qos: int = 1,
    retain: bool = False,
    duplicate: bool = False,
) -> bytes:
    """A PUBLISH straight to bytes, for senders in a hurry; `properties` from `Properties.encode`."""
    name = encode_binary(topic.encode())
    flags = 0x30 | duplicate << 3 | qos << 1 | retain
    identifier = packet_id.to_bytes(2, "big") if qos else b""
    size = encode_varint(len(name) + len(identifier) + len(properties) + len(payload))
    return b"".join((bytes((flags,)), size, name, identifier, properties, payload))


def encode_puback(packet_id: int, reason_code: int = 0) -> bytes:
    """A PUBACK; Success takes the short form (section 3.4.2.1)."""
    if reason_code:
        return b"\x40\x03" + packet_id.to_bytes(2, "big") + bytes((reason_code,))
    return _SHORT_PUBACK(0x4002, packet_id)


def publish_head(qos: int, retain: bool, topic: bytes, tail_size: int) -> bytes:
    """What stands before the packet identifier, DUP not set, when `tail_size` bytes follow it."""
    size = len(topic) + tail_size + (4 if qos else 2)
    return b"".join((bytes((0x30 | qos << 1 | retain,)), encode_varint(size), encode_binary(topic)))


class TopicAliases:
    """The topic aliases a sender has set up on one connection (section 3.3.2.3.4)."""

    __slots__ = ("_topics", "maximum")

    def __init__(self, maximum: int) -> None:
        self.maximum = maximum
        self._topics: dict[int, bytes] = {}

    def resolve(self, alias: int, topic: bytes) -> bytes:
        """The topic that `alias` stands for; one that comes with a topic is set up or changed.

        Raises MqttProtocolError: 0x94 outside 1 … `maximum` [MQTT-3.2.2-17, -18], 0x82 for an alias that
        was never set up.
        """
        if not 0 < alias <= self.maximum:
            raise MqttProtocolError(
                ReasonCode.TOPIC_ALIAS_INVALID, f"topic alias {alias}, {self.maximum} at most were agreed on"
            )
        if topic:
            self._topics[alias] = topic
        elif alias not in self._topics:
            raise protocol_error(f"topic alias {alias} was not set up on this connection")
        return self._topics[alias]


NO_ALIASES = TopicAliases(0)


def read_publish_3_1_1(packet: bytes, at: int) -> Publish:
    """Take a whole PUBLISH of MQTT 3.1.1 apart. Raises MqttProtocolError 0x81."""
    cursor = Cursor(packet, at)
    cursor.binary()
    if packet[0] & 0x06:
        cursor.integer(2)
    message = read_publish(packet[: cursor.at] + _NO_PROPERTIES + cursor.rest(), at)
    message.head = publish_head(message.qos, message.retain, message.topic, len(message.tail))
    return message


def read_publish(
    packet: bytes, at: int, aliases: TopicAliases = NO_ALIASES, *, from_client: bool = True
) -> Publish:
    """Take a whole PUBLISH apart; `at` is where the variable header begins.

    The topic is not checked here: a broker does that once per topic, not once per message. A topic alias
    is resolved and taken out: it belongs to one connection.
    Raises MqttProtocolError: 0x81, 0x82, and 0x94 as `TopicAliases` does.
    """
    first = packet[0]
    qos = first >> 1 & 3
    size = len(packet)
    topic_at = at + 2
    if topic_at > size:
        raise malformed("a PUBLISH without a topic")
    tail_at = topic_end = topic_at + (packet[at] << 8 | packet[at + 1])
    if qos:
        tail_at += 2
    if tail_at >= size:
        raise malformed("a PUBLISH ends within its topic or before its properties")
    message = Publish()
    message.topic = packet[topic_at:topic_end]
    if qos:
        packet_id = packet[topic_end] << 8 | packet[topic_end + 1]
        if not packet_id:
            raise protocol_error("a packet identifier cannot be 0 [MQTT-2.2.1-3]")
        if qos == 3:
            raise malformed("QoS 3 does not exist [MQTT-3.3.1-4]")
        message.packet_id = packet_id
        message.duplicate = first & 8 != 0
    else:
        if first & 8:
            raise malformed("DUP on a QoS 0 PUBLISH [MQTT-3.3.1-2]")
        message.packet_id = 0
        message.duplicate = False
    message.qos = qos
    message.retain = first & 1 != 0
    message.head = packet[:topic_end] if first & 8 == 0 else bytes((first & 0xF7,)) + packet[1:topic_end]
    message.tail = packet[tail_at:]
    message.expires_ns = 0
    block = packet[tail_at]
    if not block:
        message.expiry_at = 0
        return message
    block_at = tail_at + 1
    if block > 127:
        second = packet[block_at] if block_at < size else 0
        if 0 < second < 128:
            block += (second - 1) * 128
            block_at += 1
        else:
            cursor = Cursor(packet, tail_at)
            block = cursor.varint()
            block_at = cursor.at
    if block_at + block > size:
        raise malformed("the properties are longer than their packet")
    expiry_at = scan_properties(packet, block_at, block_at + block, from_client=from_client)
    if expiry_at < 0:
        return _without_alias(message, aliases)
    message.expiry_at = expiry_at and expiry_at - tail_at
    return message


def _without_alias(message: Publish, aliases: TopicAliases) -> Publish:
    properties = message.properties
    alias = properties.integer(PropertyId.TOPIC_ALIAS, 0)
    topic = aliases.resolve(alias, message.topic)
    plain = make_publish(
        "",
        message.payload,
        qos=message.qos,
        packet_id=message.packet_id,
        retain=message.retain,
        duplicate=message.duplicate,
        properties=properties.without(PropertyId.TOPIC_ALIAS),
    )
    plain.topic = topic
    plain.head = publish_head(message.qos, message.retain, topic, len(plain.tail))
    return plain
