"""A check of the properties of a PUBLISH (section 3.3.2.3) that does not take them apart.

What one program sends has the same properties of the same lengths in every message. Such a layout is
remembered once it has been checked step by step; a block that has it needs a handful of comparisons only.
That holds while text and lengths are ASCII bytes; anything else is checked step by step again.
"""

from collections.abc import Callable
from struct import Struct
from typing import Final, NamedTuple

from runtime.mqtt.errors import malformed, protocol_error
from runtime.mqtt.wire import Cursor, decode_text

# Property identifiers of PUBLISH (table 2-4) as plain integers, for the hot path.
_FORMAT, _EXPIRY, _CONTENT_TYPE, _RESPONSE_TOPIC, _CORRELATION_DATA = 0x01, 0x02, 0x03, 0x08, 0x09
_SUBSCRIPTION_ID, _ALIAS, _USER = 0x0B, 0x23, 0x26
_ALIAS_SEEN = 1 << _ALIAS

_MAX_LAYOUTS: Final = 256
_MAX_LAYOUT_SIZE: Final = 1_024


class _Layout(NamedTuple):
    """Where everything stands in a block: `fixed` is what `unpack` finds, identifiers and lengths.

    `texts` are the stretches outside binary fields, each with the zero bytes that its lengths account for;
    `expiry_at` is the place of the Message Expiry Interval, 0 when there is none.
    """

    unpack: Callable[[bytes, int], tuple[int, ...]]
    fixed: tuple[int, ...]
    texts: tuple[tuple[int, int, int], ...]
    expiry_at: int


_LAYOUTS: Final[dict[int, _Layout]] = {}
"""By the size of the block; the first layout of a size stays until there are too many."""


def scan_properties(data: bytes, at: int, end: int, *, from_client: bool) -> int:
    """Check the properties of a PUBLISH in `data[at:end]`.

    Returns where the four bytes of the Message Expiry Interval stand, 0 when there is none, and -1 when
    there is a topic alias. Raises MqttProtocolError as `Properties.decode` does.
    """
    size = end - at
    layout = _LAYOUTS.get(size)
    if layout is None:
        found = _scan(data, at, end, from_client)
        if size <= _MAX_LAYOUT_SIZE:
            _remember(data, at, end)
        return found
    unpack, fixed, texts, expiry_at = layout
    if unpack(data, at) != fixed:
        return _scan(data, at, end, from_client)
    for start, stop, zeros in texts:
        text = data[at + start : at + stop]
        if not text.isascii() or text.count(0) != zeros:
            return _scan(data, at, end, from_client)
    return at + expiry_at if expiry_at else 0


def forget_layouts() -> None:
    """Begin again without a remembered layout, so that whoever counts objects does not count them."""
    _LAYOUTS.clear()


def _remember(data: bytes, start: int, end: int) -> None:
    """Keep the layout of a block that is known to be good, unless it has properties that are rare."""
    form = [">"]
    fixed: list[int] = []
    texts = []
    text_at = at = start
    expiry_at = 0
    while at < end:
        identifier = data[at]
        if identifier not in (_USER, _RESPONSE_TOPIC, _CONTENT_TYPE, _EXPIRY, _CORRELATION_DATA):
            return
        fixed.append(identifier)
        form.append("B")
        at += 1
        if identifier == _EXPIRY:
            binary = 4
            expiry_at = at - start
            form.append("4x")
        else:
            binary = 0
            for _ in range(1 + (identifier == _USER)):
                length = data[at] << 8 | data[at + 1]
                fixed.append(length)
                form.append(f"H{length}x")
                at += 2
                if identifier == _CORRELATION_DATA:
                    binary = length
                else:
                    at += length
        if binary:
            texts.append((text_at, at))
            at += binary
            text_at = at
    texts.append((text_at, end))
    if len(_LAYOUTS) >= _MAX_LAYOUTS:
        _LAYOUTS.clear()
    spans = tuple((one - start, two - start, data.count(0, one, two)) for one, two in texts if one < two)
    _LAYOUTS[end - start] = _Layout(Struct("".join(form)).unpack_from, tuple(fixed), spans, expiry_at)


def _scan(data: bytes, at: int, end: int, from_client: bool) -> int:
    """The same, property by property."""
    expiry_at = 0
    seen = 0
    plain = data[at:end].isascii()
    try:
        while at < end:
            identifier = data[at]
            at += 1
            if identifier == _USER:
                stop = at + 2 + (data[at] << 8 | data[at + 1])
                if not plain or data.find(0, at + 2, stop) >= 0:
                    decode_text(data[at + 2 : stop])
                at = stop + 2 + (data[stop] << 8 | data[stop + 1])
                if not plain or data.find(0, stop + 2, at) >= 0:
                    decode_text(data[stop + 2 : at])
                continue
            bit = 1 << identifier
            if seen & bit and identifier != _SUBSCRIPTION_ID:
                raise protocol_error(f"property 0x{identifier:02X} given twice in PUBLISH")
            seen |= bit
            if identifier == _EXPIRY:
                expiry_at = at
                at += 4
            elif identifier == _RESPONSE_TOPIC or identifier == _CONTENT_TYPE:
                stop = at + 2 + (data[at] << 8 | data[at + 1])
                if not plain or data.find(0, at + 2, stop) >= 0:
                    decode_text(data[at + 2 : stop])
                at = stop
            elif identifier == _CORRELATION_DATA:
                at += 2 + (data[at] << 8 | data[at + 1])
            else:
                at = _scan_rare(identifier, data, at, end, from_client)
    except IndexError:
        raise malformed("a property is longer than its packet") from None
    if at > end:
        raise malformed("a property is longer than the properties")
    return -1 if seen & _ALIAS_SEEN else expiry_at


def _scan_rare(identifier: int, data: bytes, at: int, end: int, from_client: bool) -> int:
    """Check a property that few messages have; returns where the next one begins."""
    if identifier == _FORMAT:
        if data[at] > 1:
            raise protocol_error("PAYLOAD_FORMAT_INDICATOR is 0 or 1")
        return at + 1
    if identifier == _ALIAS:
        return at + 2
    if identifier != _SUBSCRIPTION_ID:
        raise malformed(f"property 0x{identifier:02X} has no place in PUBLISH")
    if from_client:
        raise protocol_error("a client's PUBLISH holds no subscription identifier [MQTT-3.3.4-6]")
    cursor = Cursor(data, at, end)
    if not cursor.varint():
        raise protocol_error("SUBSCRIPTION_IDENTIFIER cannot be 0")
    return cursor.at
