"""MQTT's data representation and properties once more (MQTT 5, sections 1.5 and 2.2.2).

Written from the specification and not from our codec, so that the two can be held against each other.
"""

from collections.abc import Iterator
from typing import Final

V5: Final = 5
V3_1_1: Final = 4

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = range(1, 8)
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH = range(8, 16)

BYTE, U16, U32, VARINT, TEXT, BINARY, PAIR = range(7)
KINDS: Final = {
    **dict.fromkeys((0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A), BYTE),
    **dict.fromkeys((0x13, 0x21, 0x22, 0x23), U16),
    **dict.fromkeys((0x02, 0x11, 0x18, 0x27), U32),
    0x0B: VARINT,
    **dict.fromkeys((0x03, 0x08, 0x12, 0x15, 0x1A, 0x1C, 0x1F), TEXT),
    **dict.fromkeys((0x09, 0x16), BINARY),
    0x26: PAIR,
}
"""What a property holds, by its identifier (table 2-4)."""

MAX_PACKET: Final = 268_435_460
_WIDTHS: Final = {BYTE: 1, U16: 2, U32: 4}
_NEVER_0: Final = (0x0B, 0x21, 0x23, 0x27)

PropertyValue = int | bytes


class UnreadableError(Exception):
    """These bytes are no packet that its sender may send."""


def varint(value: int) -> bytes:
    """Variable byte integer, section 1.5.5."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def prefixed(data: bytes) -> bytes:
    """Two bytes of length, then `data`: a string or binary data."""
    return len(data).to_bytes(2, "big") + data


def frame(first: int, body: bytes) -> bytes:
    """A control packet: first byte, Remaining Length, the rest."""
    return bytes((first,)) + varint(len(body)) + body


def read_varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Value and where it ends. Raises UnreadableError."""
    value = shift = 0
    while at < end and shift < 28:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            if shift and not byte:
                raise UnreadableError("a variable byte integer longer than it need be")
            return value, at
        shift += 7
    raise UnreadableError("a variable byte integer without an end")


def read_prefixed(data: bytes, at: int, end: int) -> tuple[bytes, int]:
    """Length-prefixed bytes and where they end. Raises UnreadableError."""
    stop = at + 2
    if stop <= end:
        stop += data[at] << 8 | data[at + 1]
    if stop > end:
        raise UnreadableError("a field longer than what holds it")
    return data[at + 2 : stop], stop


def read_text(data: bytes, at: int, end: int) -> tuple[bytes, int]:
    """A string, as bytes that are well-formed UTF-8, and where it ends. Raises UnreadableError."""
    raw, at = read_prefixed(data, at, end)
    check_text(raw)
    return raw, at


def check_text(raw: bytes) -> None:
    """Raises UnreadableError unless `raw` is UTF-8 without U+0000, section 1.5.4."""
    if 0 in raw:
        raise UnreadableError("U+0000 in a string")
    if not raw.isascii():
        try:
            raw.decode()
        except UnicodeDecodeError as error:
            raise UnreadableError("ill-formed UTF-8 in a string") from error


def read_properties(
    data: bytes, at: int, end: int, allowed: frozenset[int]
) -> tuple[dict[int, PropertyValue], int]:
    """Properties of a packet that may have those `allowed`, and where they end. Raises UnreadableError.

    A user property is told by its name, a subscription identifier by the last one.
    """
    size, at = read_varint(data, at, end)
    stop = at + size
    if stop > end:
        raise UnreadableError("properties longer than their packet")
    found: dict[int, PropertyValue] = {}
    while at < stop:
        identifier, at = read_varint(data, at, stop)
        if identifier not in allowed:
            raise UnreadableError(f"a property 0x{identifier:02X}")
        if identifier in found and identifier not in (0x26, 0x0B):
            raise UnreadableError(f"two properties 0x{identifier:02X}")
        found[identifier], at = _read_value(identifier, data, at, stop)
    return found, stop


def _read_value(identifier: int, data: bytes, at: int, end: int) -> tuple[PropertyValue, int]:
    kind = KINDS[identifier]
    if kind == PAIR:
        name, at = read_text(data, at, end)
        return name, read_text(data, at, end)[1]
    if kind == TEXT:
        return read_text(data, at, end)
    if kind == BINARY:
        return read_prefixed(data, at, end)
    if kind == VARINT:
        value, stop = read_varint(data, at, end)
    else:
        stop = at + _WIDTHS[kind]
        value = int.from_bytes(data[at:stop], "big")
    if stop > end or (kind == BYTE and value > 1) or (not value and identifier in _NEVER_0):
        raise UnreadableError(f"a value of property 0x{identifier:02X}")
    return value, stop


class Frames:
    """Cuts what one side of a connection says into control packets."""

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> Iterator[tuple[bytes, int]]:
        """The packets that `data` completes, and where each one's body begins. Raises UnreadableError."""
        if self._data:
            data = self._data + data
        start, size = 0, len(data)
        while start + 1 < size:
            length, at = data[start + 1], start + 2
            if length > 127:
                try:
                    length, at = read_varint(data, start + 1, min(size, start + 5))
                except UnreadableError:
                    if size < start + 5 and data[size - 1] > 127:
                        break
                    raise
            if at + length > size:
                break
            yield data[start : at + length], at - start
            start = at + length
        self._data = data[start:]
