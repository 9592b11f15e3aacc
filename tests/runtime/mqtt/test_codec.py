"""The MQTT 5 codec: what is encoded comes back, and what is no MQTT is refused, never a crash."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.mqtt.packets import (
    Auth,
    Connack,
    Connect,
    Disconnect,
    MqttProtocolError,
    Packet,
    PacketReader,
    PacketType,
    Pingreq,
    Pingresp,
    Properties,
    PropertyId,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    ReasonCode,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
    Will,
    decode,
    encode_publish,
    make_publish,
    read_publish,
)
from runtime.mqtt.properties import Value
from runtime.mqtt.publish import NS_PER_S
from runtime.mqtt.wire import MAX_VARINT, Cursor, encode_binary, encode_text, encode_varint

EXAMPLES = settings(max_examples=60, deadline=None)

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
binaries = st.binary(max_size=20)
ids = st.integers(1, 0xFFFF)
codes = st.sampled_from(ReasonCode)

_VALUES: dict[PropertyId, st.SearchStrategy[Value]] = {
    PropertyId.PAYLOAD_FORMAT_INDICATOR: st.integers(0, 1),
    PropertyId.MESSAGE_EXPIRY_INTERVAL: st.integers(0, 0xFFFF_FFFF),
    PropertyId.CONTENT_TYPE: texts,
    PropertyId.RESPONSE_TOPIC: texts,
    PropertyId.CORRELATION_DATA: binaries,
}


@st.composite
def message_properties(draw: st.DrawFn) -> Properties:
    """Properties of a PUBLISH or a will, in any order."""
    chosen = draw(st.lists(st.sampled_from(list(_VALUES)), unique=True))
    pairs: list[tuple[PropertyId, Value]] = [(each, draw(_VALUES[each])) for each in chosen]
    for pair in draw(st.lists(st.tuples(texts, texts), max_size=3)):
        pairs.append((PropertyId.USER_PROPERTY, pair))
    return Properties(*draw(st.permutations(pairs)))


user_properties = st.lists(st.tuples(texts, texts), max_size=2).map(
    lambda pairs: Properties(*((PropertyId.USER_PROPERTY, pair) for pair in pairs))
)
wills = st.builds(Will, texts, binaries, st.integers(0, 2), st.booleans(), message_properties())
subscriptions = st.builds(
    Subscription, texts, st.integers(0, 2), st.booleans(), st.booleans(), st.integers(0, 2)
)
packets: st.SearchStrategy[Packet] = st.one_of(
    st.builds(
        Connect,
        texts,
        st.booleans(),
        st.integers(0, 0xFFFF),
        user_properties,
        st.none() | wills,
        st.none() | texts,
        st.none() | binaries,
    ),
    st.builds(Connack, st.booleans(), codes, user_properties),
    *(st.builds(kind, ids, codes, user_properties) for kind in (Puback, Pubrec, Pubrel, Pubcomp)),
    st.builds(Subscribe, ids, st.lists(subscriptions, min_size=1, max_size=3).map(tuple), user_properties),
    st.builds(Suback, ids, st.lists(codes, max_size=3).map(tuple), user_properties),
    st.builds(Unsubscribe, ids, st.lists(texts, min_size=1, max_size=3).map(tuple), user_properties),
    st.builds(Unsuback, ids, st.lists(codes, max_size=3).map(tuple), user_properties),
    st.builds(Pingreq),
    st.builds(Pingresp),
    st.builds(Disconnect, codes, user_properties),
    st.builds(Auth, codes, user_properties),
)


@st.composite
def messages(draw: st.DrawFn) -> Publish:
    """A PUBLISH."""
    qos = draw(st.integers(0, 2))
    return make_publish(
        draw(texts),
        draw(binaries),
        qos=qos,
        packet_id=draw(ids) if qos else 0,
        retain=draw(st.booleans()),
        duplicate=bool(qos and draw(st.booleans())),
        properties=draw(message_properties()),
    )


def whole(data: bytes) -> list[Packet]:
    """The packets in `data`."""
    return list(PacketReader().feed(data))


def refusal(data: bytes, *, from_client: bool = True) -> ReasonCode:
    """The reason code with which `data` is refused."""
    with pytest.raises(MqttProtocolError) as caught:
        list(PacketReader(from_client=from_client).feed(data))
    return caught.value.reason_code


@EXAMPLES
@given(packets)
def test_a_packet_comes_back_as_it_was(packet: Packet) -> None:
    assert whole(packet.encode()) == [packet]


@EXAMPLES
@given(messages())
def test_a_message_comes_back_as_it_was(message: Publish) -> None:
    [back] = whole(message.encode())
    assert isinstance(back, Publish)
    for name in ("topic", "qos", "retain", "duplicate", "packet_id", "tail", "head", "expiry_at"):
        assert getattr(back, name) == getattr(message, name), name
    assert (back.properties, back.payload) == (message.properties, message.payload)


@EXAMPLES
@given(st.lists(packets, max_size=4), st.lists(st.integers(0, 300), max_size=8))
def test_a_stream_may_be_cut_anywhere(some: list[Packet], cuts: list[int]) -> None:
    data = b"".join(packet.encode() for packet in some)
    reader = PacketReader()
    found: list[Packet] = []
    at = 0
    for cut in sorted(cuts):
        found += reader.feed(data[at:cut])
        at = max(at, cut)
    found += reader.feed(data[at:])
    assert found == some


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_random_bytes_are_refused_and_never_crash(data: bytes) -> None:
    try:
        whole(data)
    except MqttProtocolError:
        return


@settings(max_examples=300, deadline=None)
@given(packets | messages(), st.integers(0, 100), st.integers(0, 255), st.booleans())
def test_a_packet_with_one_wrong_byte_never_crashes(
    packet: Packet, at: int, byte: int, from_client: bool
) -> None:
    data = bytearray(packet.encode())
    data[at % len(data)] = byte
    try:
        list(PacketReader(from_client=from_client).feed(bytes(data)))
    except MqttProtocolError:
        return


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=40))
def test_the_quick_scan_of_publish_properties_agrees_with_the_thorough_decoder(block: bytes) -> None:
    body = b"\x00\x01a" + encode_varint(len(block)) + block + b"payload"
    try:
        expected = Properties.decode(Cursor(body, 3), PacketType.PUBLISH)
    except MqttProtocolError:
        with pytest.raises(MqttProtocolError):
            read_publish(b"\x30\x00" + body, 2)
        return
    unwelcome = (PropertyId.TOPIC_ALIAS, PropertyId.SUBSCRIPTION_IDENTIFIER)
    if any(each in expected for each in unwelcome):
        with pytest.raises(MqttProtocolError):
            read_publish(b"\x30\x00" + body, 2)
        return
    message = read_publish(b"\x30\x00" + body, 2)
    assert message.properties == expected
    if message.expiry_at:
        found = int.from_bytes(message.tail[message.expiry_at : message.expiry_at + 4], "big")
        assert found == expected.integer(PropertyId.MESSAGE_EXPIRY_INTERVAL, -1)
    else:
        assert PropertyId.MESSAGE_EXPIRY_INTERVAL not in expected


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, b"\x00"),
        (127, b"\x7f"),
        (128, b"\x80\x01"),
        (16_383, b"\xff\x7f"),
        (16_384, b"\x80\x80\x01"),
        (2_097_151, b"\xff\xff\x7f"),
        (2_097_152, b"\x80\x80\x80\x01"),
        (MAX_VARINT, b"\xff\xff\xff\x7f"),
    ],
)
def test_variable_byte_integers_at_their_bounds(value: int, encoded: bytes) -> None:
    """Table 1-1."""
    assert encode_varint(value) == encoded
    assert Cursor(encoded).varint() == value


@pytest.mark.parametrize("data", [b"\x80\x00", b"\xff\xff\xff\xff\x01", b"\x80\x80\x80\x80\x01", b"\x80"])
def test_variable_byte_integers_too_long_or_too_short_are_malformed(data: bytes) -> None:
    """[MQTT-1.5.5-1]"""
    with pytest.raises(MqttProtocolError):
        Cursor(data).varint()


def test_what_does_not_fit_a_field_is_not_sent() -> None:
    for value in (-1, MAX_VARINT + 1):
        with pytest.raises(ValueError, match="variable byte integer"):
            encode_varint(value)
    with pytest.raises(ValueError, match="65535"):
        encode_binary(bytes(65_536))
    with pytest.raises(ValueError, match="U\\+0000"):
        encode_text("a\0b")
    with pytest.raises(TypeError, match="RECEIVE_MAXIMUM"):
        Properties((PropertyId.RECEIVE_MAXIMUM, "many")).encode()


def test_the_bytes_of_a_publish_are_those_of_the_standard() -> None:
    """Figure 3-10 with the properties of table 3-5."""
    message = make_publish(
        "a/b", b"hi", qos=1, packet_id=10, properties=Properties((PropertyId.MESSAGE_EXPIRY_INTERVAL, 1))
    )
    assert message.encode() == b"\x32\x0f\x00\x03a/b\x00\x0a\x05\x02\x00\x00\x00\x01hi"
    assert encode_publish("a/b", b"hi", 10, message.properties.encode()) == message.encode()
    message.packet_id, message.duplicate = 11, True
    assert message.encode()[:9] == b"\x3a\x0f\x00\x03a/b\x00\x0b"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x36\x06\x00\x01a\x00\x01\x00", ReasonCode.MALFORMED_PACKET),
        (b"\x30\x07\x00\x01a\x03\x23\x00\x01", ReasonCode.TOPIC_ALIAS_INVALID),
        (b"\x30\x06\x00\x01a\x02\x0b\x01", ReasonCode.PROTOCOL_ERROR),
        (b"\x30\x06\x00\x01a\x02\x01\x02", ReasonCode.PROTOCOL_ERROR),
        (b"\x30\x06\x00\x01a\x02\x21\x01", ReasonCode.MALFORMED_PACKET),
        (b"\x30\x07\x00\x01a\x03\x08\x00\x02x", ReasonCode.MALFORMED_PACKET),
        (b"\x30\x08\x00\x01a\x04\x08\x00\x01\x00", ReasonCode.MALFORMED_PACKET),
        (b"\x30\x03\x00\x01a", ReasonCode.MALFORMED_PACKET),
        (b"\x30\x01\x00", ReasonCode.MALFORMED_PACKET),
        (b"\x30\xff\xff\xff\xff\x01", ReasonCode.MALFORMED_PACKET),
        (b"\xc0\x01\x00", ReasonCode.MALFORMED_PACKET),
        (b"\xe0\x01\x03", ReasonCode.PROTOCOL_ERROR),
        (b"\x10\x0e\x00\x04MQTT\x05\x03\x00\x00\x00\x00\x01a", ReasonCode.MALFORMED_PACKET),
        (b"\x10\x0e\x00\x04MQTT\x05\x22\x00\x00\x00\x00\x01a", ReasonCode.MALFORMED_PACKET),
        (b"\x10\x11\x00\x04MQTT\x05\x02\x00\x00\x03\x21\x00\x00\x00\x01a", ReasonCode.PROTOCOL_ERROR),
        (b"\x82\x07\x00\x01\x00\x00\x01a\x03", ReasonCode.PROTOCOL_ERROR),
        (b"\x82\x07\x00\x01\x00\x00\x01a\x30", ReasonCode.PROTOCOL_ERROR),
        (b"\x82\x07\x00\x01\x00\x00\x01a\x40", ReasonCode.MALFORMED_PACKET),
        (b"\xa2\x03\x00\x01\x00", ReasonCode.PROTOCOL_ERROR),
        (b"\x40\x02\x00\x00", ReasonCode.PROTOCOL_ERROR),
    ],
)
def test_what_the_standard_forbids_is_refused_with_its_reason_code(data: bytes, code: ReasonCode) -> None:
    assert refusal(data) == code


def test_a_subscription_identifier_is_a_servers_to_send() -> None:
    """[MQTT-3.3.4-6]"""
    [message] = PacketReader().feed(b"\x30\x06\x00\x01a\x02\x0b\x01")
    assert isinstance(message, Publish)
    assert message.properties.integer(PropertyId.SUBSCRIPTION_IDENTIFIER, 0) == 1


def test_a_packet_above_the_agreed_size_is_refused_before_it_has_arrived() -> None:
    """[MQTT-3.2.2-15]: at the first byte above, fixed header included."""
    data = encode_publish("a", b"x" * 10, 1)
    assert len(list(PacketReader(len(data)).feed(data))) == 1
    with pytest.raises(MqttProtocolError) as caught:
        list(PacketReader(len(data) - 1).feed(data[:2]))
    assert caught.value.reason_code == ReasonCode.PACKET_TOO_LARGE


def test_packets_before_a_malformed_one_are_handed_out_first() -> None:
    packets_in_order = PacketReader().feed(b"\xc0\x00\xc0\x00\x00\x00")
    assert [next(packets_in_order), next(packets_in_order)] == [Pingreq(), Pingreq()]
    with pytest.raises(MqttProtocolError):
        next(packets_in_order)


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(Connect("car", user_name="u", password=b"secret"))


def test_an_unknown_first_byte_is_malformed() -> None:
    with pytest.raises(MqttProtocolError):
        decode(b"\x41\x02\x00\x01", 2)


@pytest.mark.parametrize(
    ("waited_ns", "left_s"),
    [
        (0, 10),
        (NS_PER_S - 1, 10),
        (NS_PER_S, 9),
        (10 * NS_PER_S - 1, 1),
        (10 * NS_PER_S, 0),
        (99 * NS_PER_S, 0),
    ],
)
def test_the_expiry_interval_loses_the_whole_seconds_that_were_waited(waited_ns: int, left_s: int) -> None:
    """[MQTT-3.3.2-6]"""
    message = make_publish("a", b"payload", properties=Properties((PropertyId.MESSAGE_EXPIRY_INTERVAL, 10)))
    message.expires_ns = 5 + 10 * NS_PER_S
    tail = message.tail_at(5 + waited_ns)
    assert tail == b"\x05\x02" + left_s.to_bytes(4, "big") + b"payload"
