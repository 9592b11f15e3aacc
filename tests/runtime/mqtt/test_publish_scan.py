"""The quick check of a PUBLISH's properties: a layout seen before is judged as if it were the first time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.mqtt.errors import MqttProtocolError
from runtime.mqtt.packets import Properties, PropertyId
from runtime.mqtt.properties import PacketType, Value
from runtime.mqtt.publish_scan import scan_properties
from runtime.mqtt.reason_codes import ReasonCode
from runtime.mqtt.wire import Cursor, encode_varint

TEXT = st.sampled_from(("", "a", "key", "größe"))
PAIRS = st.lists(
    st.one_of(
        st.tuples(st.just(PropertyId.USER_PROPERTY), st.tuples(TEXT, TEXT)),
        st.tuples(st.just(PropertyId.RESPONSE_TOPIC), TEXT),
        st.tuples(st.just(PropertyId.CONTENT_TYPE), TEXT),
        st.tuples(st.just(PropertyId.CORRELATION_DATA), st.binary(max_size=3)),
        st.tuples(st.just(PropertyId.MESSAGE_EXPIRY_INTERVAL), st.integers(0, 0xFFFF_FFFF)),
        st.tuples(st.just(PropertyId.PAYLOAD_FORMAT_INDICATOR), st.integers(0, 1)),
    ),
    min_size=1,
    max_size=4,
)


def block(pairs: list[tuple[PropertyId, Value]]) -> bytes:
    """The properties without their length, which takes two bytes here."""
    return Properties(*pairs).encode()[2:]


def verdict_of_decode(data: bytes) -> int | ReasonCode:
    """What taking the block apart says: the message's expiry, -1 for none, or why it is refused."""
    try:
        found = Properties.decode(Cursor(encode_varint(len(data)) + data), PacketType.PUBLISH)
    except MqttProtocolError as error:
        return error.reason_code
    return found.integer(PropertyId.MESSAGE_EXPIRY_INTERVAL, -1)


def verdict_of_scan(data: bytes) -> int | ReasonCode:
    """The same from the quick check."""
    whole = b"head" + data + b"payload"
    try:
        at = scan_properties(whole, 4, 4 + len(data), from_client=True)
    except MqttProtocolError as error:
        return error.reason_code
    return int.from_bytes(whole[at : at + 4], "big") if at else -1


@settings(max_examples=300)
@given(
    PAIRS,
    st.integers(200, 600),
    st.lists(st.tuples(st.integers(0, 100), st.sampled_from((0, 1, 0x26, 0x61, 0xC3))), max_size=2),
)
def test_a_block_is_judged_as_by_taking_it_apart_whatever_was_seen_before(
    pairs: list[tuple[PropertyId, Value]], number: int, changes: list[tuple[int, int]]
) -> None:
    known = block([*pairs, (PropertyId.USER_PROPERTY, ("n" * number, ""))])
    verdict_of_scan(known)
    assert verdict_of_scan(known) == verdict_of_decode(known)
    changed = bytearray(known)
    for place, value in changes:
        changed[place % len(changed)] = value
    assert verdict_of_scan(bytes(changed)) == verdict_of_decode(bytes(changed))


@pytest.mark.parametrize(
    ("size", "bad"), [(0x0310, b"\0bc"), (0x0311, b"a\xffc")], ids=["U+0000", "ill-formed UTF-8"]
)
def test_bad_text_in_a_layout_seen_before_is_refused(size: int, bad: bytes) -> None:
    """No other test has blocks of these sizes, and all lengths are ASCII: the quick way is taken."""
    good = b"\x26\0\3abc" + size.to_bytes(2, "big") + b"x" * size
    assert verdict_of_scan(good) == -1
    assert verdict_of_scan(good.replace(b"abc", bad)) is ReasonCode.MALFORMED_PACKET


def test_the_expiry_of_a_layout_seen_before_is_found_whatever_its_value() -> None:
    text = b"\x26\0\1a" + (0x0312).to_bytes(2, "big") + b"x" * 0x0312
    for seconds in (0, 60, 0x8000_00FF):
        data = text + b"\x02" + seconds.to_bytes(4, "big")
        assert scan_properties(data, 0, len(data), from_client=True) == len(text) + 1
