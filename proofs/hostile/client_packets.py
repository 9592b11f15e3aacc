"""What a client has said, read by the specification alone: what the broker owes it for that.

Only what a broker must refuse is refused here; where the specification leaves it a choice (topics,
quotas, authentication), the packet is read and the broker may close the connection all the same.
"""

from typing import Final, NamedTuple

from proofs.hostile.wire import (
    AUTH,
    CONNECT,
    DISCONNECT,
    PINGREQ,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    PUBREL,
    SUBSCRIBE,
    UNSUBSCRIBE,
    V3_1_1,
    V5,
    PropertyValue,
    UnreadableError,
    check_text,
    read_prefixed,
    read_properties,
    read_text,
)

_ENDING: Final = frozenset((0x1F, 0x26))
_CONNECT: Final = frozenset((0x11, 0x15, 0x16, 0x17, 0x19, 0x21, 0x22, 0x26, 0x27))
_WILL: Final = frozenset((0x01, 0x02, 0x03, 0x08, 0x09, 0x18, 0x26))
_PUBLISH: Final = frozenset((0x01, 0x02, 0x03, 0x08, 0x09, 0x23, 0x26))
_SUBSCRIBE: Final = frozenset((0x0B, 0x26))
_UNSUBSCRIBE: Final = frozenset((0x26,))
_DISCONNECT: Final = frozenset((0x11, 0x1F, 0x26))
_AUTH: Final = frozenset((0x15, 0x16, 0x1F, 0x26))
_FLAGS: Final = {PUBREL: 2, SUBSCRIBE: 2, UNSUBSCRIBE: 2}
_LEVELS: Final = {b"\0\4MQTT\5": V5, b"\0\4MQTT\4": V3_1_1, b"\0\6MQIsdp\3": V3_1_1}


class Heard(NamedTuple):
    """One packet of a client: `filters` is how many it holds, `code` an acknowledgement's."""

    kind: int
    packet_id: int = 0
    qos: int = 0
    code: int = 0
    filters: int = 0
    topic: bytes = b""


class Announced(NamedTuple):
    """What a CONNECT says of the client."""

    level: int
    receive_maximum: int = 65_535
    max_packet_size: int = 268_435_460
    topic_alias_maximum: int = 0
    client_id: bytes = b""
    will_topic: bytes = b""


def spoken_level(packet: bytes, at: int) -> int | None:
    """The level whose CONNACK the sender of this first packet can read; None when nobody can say."""
    for head, level in _LEVELS.items():
        if packet.startswith(head, at):
            return level
    return None


def read_connect(packet: bytes, at: int) -> Announced:
    """A CONNECT, sections 3.1 of both. Raises UnreadableError for what no broker may accept."""
    end = len(packet)
    if packet[0] != CONNECT << 4:
        raise UnreadableError(f"0x{packet[0]:02X} instead of CONNECT")
    level = spoken_level(packet, at)
    if level is None:
        raise UnreadableError("a protocol nobody speaks")
    at += 2 + packet[at + 1] + 1
    if at + 3 > end:
        raise UnreadableError("a CONNECT without flags and keep alive")
    flags = packet[at]
    at += 3
    if flags & 1 or flags & 0x18 == 0x18 or (not flags & 4 and flags & 0x38):
        raise UnreadableError(f"connect flags 0x{flags:02X}")
    if level == V3_1_1 and flags & 0xC0 == 0x40:
        raise UnreadableError("a password without a user name [MQTT-3.1.2-22]")
    found: dict[int, PropertyValue] = {}
    if level == V5:
        found, at = read_properties(packet, at, end, _CONNECT)
        if 0x16 in found and 0x15 not in found:
            raise UnreadableError("authentication data without a method [section 3.1.2.11.10]")
    client_id, at = read_text(packet, at, end)
    will_topic = b""
    if flags & 4:
        if level == V5:
            _, at = read_properties(packet, at, end, _WILL)
        will_topic, at = read_text(packet, at, end)
        _, at = read_prefixed(packet, at, end)
    if flags & 0x80:
        _, at = read_text(packet, at, end)
    if flags & 0x40:
        _, at = read_prefixed(packet, at, end)
    _finish(at, end)

    def integer(identifier: int, default: int) -> int:
        value = found.get(identifier, default)
        return value if isinstance(value, int) else default

    return Announced(
        level, integer(0x21, 65_535), integer(0x27, 268_435_460), integer(0x22, 0), client_id, will_topic
    )


def read_client_packet(level: int, packet: bytes, at: int) -> Heard:
    """A packet after CONNECT. Raises UnreadableError for what must end the connection."""
    first, end = packet[0], len(packet)
    kind = first >> 4
    if kind == PUBLISH:
        return _publish(level, packet, at)
    if first & 15 != _FLAGS.get(kind, 0):
        raise UnreadableError(f"flags of 0x{first:02X}")
    if kind in (PUBACK, PUBREC, PUBREL, PUBCOMP):
        packet_id, at = _packet_id(packet, at)
        code = 0
        if at < end:
            code, at = _code_and_properties(level, packet, at, _ENDING)
        return Heard(kind, packet_id, code=code)
    if kind in (SUBSCRIBE, UNSUBSCRIBE):
        return _filters(level, kind, packet, at)
    if kind == PINGREQ:
        _finish(at, end)
        return Heard(kind)
    if kind == DISCONNECT or (kind == AUTH and level == V5):
        code = 0
        if at < end:
            code, at = _code_and_properties(level, packet, at, _DISCONNECT if kind == DISCONNECT else _AUTH)
        return Heard(kind, code=code)
    raise UnreadableError(f"a client sends no 0x{first:02X} here")


def _publish(level: int, packet: bytes, at: int) -> Heard:
    first, end = packet[0], len(packet)
    qos = first >> 1 & 3
    if qos == 3 or (not qos and first & 8):
        raise UnreadableError(f"flags of a PUBLISH: 0x{first:02X}")
    topic, at = read_prefixed(packet, at, end)
    check_text(topic)
    if b"+" in topic or b"#" in topic:
        raise UnreadableError("a wildcard in the topic of a PUBLISH [MQTT-3.3.2-2]")
    packet_id = 0
    if qos:
        packet_id, at = _packet_id(packet, at)
    has_alias = False
    if level == V5:
        found, at = read_properties(packet, at, end, _PUBLISH)
        has_alias = 0x23 in found
    if not topic and not has_alias:
        raise UnreadableError("a PUBLISH without topic and alias")
    return Heard(PUBLISH, packet_id, qos, topic=topic)


def _filters(level: int, kind: int, packet: bytes, at: int) -> Heard:
    end = len(packet)
    packet_id, at = _packet_id(packet, at)
    if level == V5:
        _, at = read_properties(packet, at, end, _SUBSCRIBE if kind == SUBSCRIBE else _UNSUBSCRIBE)
    count = 0
    while at < end:
        _, at = read_text(packet, at, end)
        if kind == SUBSCRIBE:
            options = packet[at] if at < end else 0xFF
            if options & 3 == 3 or (options & 0xFC if level != V5 else options >= 0x30):
                raise UnreadableError(f"subscription options 0x{options:02X}")
            at += 1
        count += 1
    if not count:
        raise UnreadableError("not one topic filter")
    return Heard(kind, packet_id, filters=count)


def _code_and_properties(level: int, packet: bytes, at: int, allowed: frozenset[int]) -> tuple[int, int]:
    if level != V5:
        raise UnreadableError("more than MQTT 3.1.1 has in this packet")
    code, end = packet[at], len(packet)
    if at + 1 < end:
        _, at = read_properties(packet, at + 1, end, allowed)
        _finish(at, end)
    return code, end


def _packet_id(packet: bytes, at: int) -> tuple[int, int]:
    if at + 2 > len(packet) or not (packet[at] or packet[at + 1]):
        raise UnreadableError("no packet identifier")
    return packet[at] << 8 | packet[at + 1], at + 2


def _finish(at: int, end: int) -> None:
    if at != end:
        raise UnreadableError(f"{end - at} bytes too many")
