"""What a broker may say: its packets read by the specification alone, MQTT 5 and MQTT 3.1.1."""

from typing import Final, NamedTuple

from proofs.hostile.wire import (
    AUTH,
    CONNACK,
    DISCONNECT,
    PINGRESP,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    PUBREL,
    SUBACK,
    UNSUBACK,
    V5,
    UnreadableError,
    check_text,
    read_properties,
)

_ENDING: Final = frozenset((0x1F, 0x26))
_ALLOWED: Final = {
    CONNACK: frozenset(
        (0x11, 0x12, 0x13, 0x15, 0x16, 0x1A, 0x1C, 0x1F, 0x21, 0x22, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A)
    ),
    PUBLISH: frozenset((0x01, 0x02, 0x03, 0x08, 0x09, 0x0B, 0x23, 0x26)),
    DISCONNECT: frozenset((0x1C, 0x1F, 0x26)),
    AUTH: frozenset((0x15, 0x16, 0x1F, 0x26)),
}
_NO_MORE: Final = (0x00, 0x92)
_CODES: Final = {
    CONNACK: (0x00, *range(0x80, 0x8B), 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F),
    PUBACK: (0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99),
    PUBREC: (0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99),
    PUBREL: _NO_MORE,
    PUBCOMP: _NO_MORE,
    SUBACK: (0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2),
    UNSUBACK: (0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91),
    DISCONNECT: (0x00, *range(0x80, 0x84), 0x87, 0x89, 0x8B, *range(0x8C, 0x91), *range(0x93, 0xA3)),
    AUTH: (0x00, 0x18),
}
_CODES_3_1_1: Final = {CONNACK: tuple(range(6)), SUBACK: (0, 1, 2, 0x80)}
_FLAGS: Final = {PUBREL: 2}


class Said(NamedTuple):
    """One packet of the broker: what the oracles ask of it.

    `codes` are its reason codes (one per filter of a SUBACK), `alias` a topic alias or 0,
    `session_present` of a CONNACK.
    """

    kind: int
    packet_id: int = 0
    codes: bytes = b""
    qos: int = 0
    duplicate: bool = False
    topic: bytes = b""
    alias: int = 0
    payload: bytes = b""
    session_present: bool = False


_PINGRESP: Final = Said(PINGRESP)


def read_server_packet(level: int, packet: bytes, at: int) -> Said:
    """One whole packet of a broker on a connection of that protocol `level`. Raises UnreadableError."""
    first = packet[0]
    kind = first >> 4
    if kind == PUBLISH:
        return _publish(level, packet, at)
    if first & 15 != _FLAGS.get(kind, 0):
        raise UnreadableError(f"flags of 0x{first:02X}")
    if kind in (PUBACK, PUBREC, PUBREL, PUBCOMP):
        return _acknowledgement(level, kind, packet, at)
    if kind == PINGRESP:
        if len(packet) > at:
            raise UnreadableError("a PINGRESP with something in it")
        return _PINGRESP
    if kind == CONNACK:
        return _connack(level, packet, at)
    if kind in (SUBACK, UNSUBACK):
        return _suback(level, kind, packet, at)
    if level == V5 and kind in (DISCONNECT, AUTH):
        return _ending(kind, packet, at)
    raise UnreadableError(f"a server of protocol level {level} sends no 0x{first:02X}")


def _publish(level: int, packet: bytes, at: int) -> Said:
    first = packet[0]
    qos = first >> 1 & 3
    end = len(packet)
    if qos == 3 or (not qos and first & 8):
        raise UnreadableError(f"flags of a PUBLISH: 0x{first:02X}")
    topic_end = at + 2
    if topic_end <= end:
        topic_end += packet[at] << 8 | packet[at + 1]
    if topic_end + (2 if qos else 0) > end:
        raise UnreadableError("a PUBLISH ends in its topic")
    topic = packet[at + 2 : topic_end]
    check_text(topic)
    if b"+" in topic or b"#" in topic:
        raise UnreadableError("a wildcard in the topic of a PUBLISH")
    at, packet_id = topic_end, 0
    if qos:
        packet_id = packet[at] << 8 | packet[at + 1]
        at += 2
        if not packet_id:
            raise UnreadableError("packet identifier 0")
    alias = 0
    if level == V5:
        if at < end and not packet[at]:
            at += 1
        else:
            found, at = read_properties(packet, at, end, _ALLOWED[PUBLISH])
            value = found.get(0x23, 0)
            alias = value if isinstance(value, int) else 0
    if not topic and not alias:
        raise UnreadableError("a PUBLISH without topic and alias")
    return Said(PUBLISH, packet_id, b"", qos, first & 8 != 0, topic, alias, packet[at:])


def _acknowledgement(level: int, kind: int, packet: bytes, at: int) -> Said:
    packet_id = _packet_id(packet, at)
    size = len(packet) - at
    if size == 2:
        return Said(kind, packet_id, b"\0")
    if level != V5:
        raise UnreadableError("an acknowledgement of MQTT 3.1.1 holds an identifier and no more")
    code = packet[at + 2]
    if size > 3:
        _, end = read_properties(packet, at + 3, len(packet), _ENDING)
        _finish(packet, end)
    _check(level, kind, code)
    return Said(kind, packet_id, bytes((code,)))


def _connack(level: int, packet: bytes, at: int) -> Said:
    if len(packet) < at + 2 or packet[at] > 1:
        raise UnreadableError("a CONNACK without flags and code")
    present, code = packet[at] == 1, packet[at + 1]
    _check(level, CONNACK, code)
    if present and code:
        raise UnreadableError("a refusal with a session [MQTT-3.2.2-6]")
    at += 2
    if level == V5:
        _, at = read_properties(packet, at, len(packet), _ALLOWED[CONNACK])
    _finish(packet, at)
    return Said(CONNACK, codes=bytes((code,)), session_present=present)


def _suback(level: int, kind: int, packet: bytes, at: int) -> Said:
    packet_id = _packet_id(packet, at)
    at += 2
    if level == V5:
        _, at = read_properties(packet, at, len(packet), _ENDING)
    codes = packet[at:]
    if kind == UNSUBACK and level != V5:
        _finish(packet, at)
    for code in codes:
        _check(level, kind, code)
    return Said(kind, packet_id, codes)


def _ending(kind: int, packet: bytes, at: int) -> Said:
    code = packet[at] if at < len(packet) else 0
    if at + 1 < len(packet):
        _, end = read_properties(packet, at + 1, len(packet), _ALLOWED[kind])
        _finish(packet, end)
    _check(V5, kind, code)
    return Said(kind, codes=bytes((code,)))


def _packet_id(packet: bytes, at: int) -> int:
    packet_id = packet[at] << 8 | packet[at + 1] if at + 2 <= len(packet) else 0
    if not packet_id:
        raise UnreadableError("no packet identifier")
    return packet_id


def _check(level: int, kind: int, code: int) -> None:
    if code not in (_CODES if level == V5 else _CODES_3_1_1)[kind]:
        raise UnreadableError(f"code 0x{code:02X} in a packet of type {kind}, level {level}")


def _finish(packet: bytes, at: int) -> None:
    if at != len(packet):
        raise UnreadableError(f"{len(packet) - at} bytes too many")
