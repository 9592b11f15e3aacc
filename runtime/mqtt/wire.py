"""Data representation of MQTT 5, section 1.5: integers, strings, binary data. MQTT 3.1.1 has the same."""

from typing import Final

from runtime.mqtt.errors import malformed

MAX_VARINT = 268_435_455

MQTT_3_1_1: Final = 4
"""Protocol level of MQTT 3.1.1, as CONNECT carries it (3.1.1, section 3.1.2.2)."""
MQTT_5: Final = 5
"""Protocol version of MQTT 5 (section 3.1.2.2)."""


def encode_varint(value: int) -> bytes:
    """Variable byte integer, section 1.5.5; ValueError outside 0 … 268,435,455."""
    if 0 <= value < 128:
        return _ONE_BYTE[value]
    if not 0 <= value <= MAX_VARINT:
        raise ValueError(f"{value} does not fit a variable byte integer (0 … {MAX_VARINT})")
    out = bytearray()
    while value >= 128:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_ONE_BYTE = tuple(bytes((value,)) for value in range(128))


def encode_text(text: str) -> bytes:
    """UTF-8 encoded string, section 1.5.4; ValueError when longer than 65,535 bytes or with U+0000."""
    if "\0" in text:
        raise ValueError("an MQTT string holds no U+0000 [MQTT-1.5.4-2]")
    return encode_binary(text.encode())


def encode_binary(data: bytes) -> bytes:
    """Binary data, section 1.5.6; ValueError when longer than 65,535 bytes."""
    if len(data) > 0xFFFF:
        raise ValueError(f"{len(data)} bytes do not fit an MQTT field (65535)")
    return len(data).to_bytes(2, "big") + data


def decode_text(raw: bytes) -> str:
    """The string in `raw`; MqttProtocolError 0x81 on ill-formed UTF-8 or U+0000 [MQTT-1.5.4-1, -2]."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise malformed(f"ill-formed UTF-8 at byte {error.start} of a string") from None
    if "\0" in text:
        raise malformed("a string holds U+0000")
    return text


class Cursor:
    """Reads fields one after the other; MqttProtocolError 0x81 when the packet ends too soon.

    `level` is the protocol level the packet is written in: MQTT_5, or MQTT_3_1_1 without any properties.
    """

    __slots__ = ("at", "data", "end", "level")

    def __init__(self, data: bytes, at: int = 0, end: int | None = None, level: int = MQTT_5) -> None:
        self.data = data
        self.at = at
        self.end = len(data) if end is None else end
        self.level = level

    @property
    def more(self) -> bool:
        """Whether bytes are left."""
        return self.at < self.end

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        start = self.at
        stop = start + size
        if stop > self.end:
            raise malformed(f"{size} bytes wanted, {self.end - start} left")
        self.at = stop
        return self.data[start:stop]

    def integer(self, size: int) -> int:
        """Big-endian integer of `size` bytes."""
        return int.from_bytes(self.take(size), "big")

    def varint(self) -> int:
        """Variable byte integer in its shortest form [MQTT-1.5.5-1]."""
        value = 0
        for shift in (0, 7, 14, 21):
            byte = self.integer(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if byte == 0 and shift:
                    raise malformed("a variable byte integer is not in its shortest form")
                return value
        raise malformed("a variable byte integer has more than four bytes")

    def binary(self) -> bytes:
        """Length-prefixed bytes."""
        return self.take(self.integer(2))

    def text(self) -> str:
        """Length-prefixed string."""
        return decode_text(self.binary())

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(self.end - self.at)

    def finish(self) -> None:
        """MqttProtocolError 0x81 when bytes are left."""
        if self.at < self.end:
            raise malformed(f"{self.end - self.at} bytes too many")
