"""The codec in both protocol levels: what is written in one is read in it, without what it cannot say."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.mqtt.packets import (
    MQTT_3_1_1,
    MQTT_5,
    NO_PROPERTIES,
    Auth,
    Connack,
    Connect,
    Disconnect,
    MqttProtocolError,
    Packet,
    PacketReader,
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
    TopicAliases,
    Unsuback,
    Unsubscribe,
    Will,
    make_publish,
    read_publish,
    read_publish_3_1_1,
)
from runtime.mqtt.session_packets import RETURN_CODES
from runtime.mqtt.wire import Cursor
from tests.runtime.mqtt.test_codec import EXAMPLES, binaries, ids, messages, packets, texts

NOT_3_1_1 = ReasonCode.BANNED
TWO_FILTERS = Subscribe(10, (Subscription("a/b", 1), Subscription("c/d", 2)))


def read(data: bytes, level: int, aliases: TopicAliases | None = None) -> list[Packet]:
    """The packets in `data`."""
    reader = PacketReader(level=level, aliases=TopicAliases(0) if aliases is None else aliases)
    return list(reader.feed(data))


def said_in_3_1_1(packet: Packet) -> Packet | None:
    """What is left of `packet` in MQTT 3.1.1; None when nothing is."""
    if isinstance(packet, Connect):
        will = None if packet.will is None else replace(packet.will, properties=NO_PROPERTIES)
        password = packet.password if packet.user_name is not None else None
        return replace(packet, properties=NO_PROPERTIES, will=will, password=password, level=MQTT_3_1_1)
    if isinstance(packet, Connack):
        return (
            Connack(packet.session_present, packet.reason_code)
            if packet.reason_code in RETURN_CODES
            else None
        )
    if isinstance(packet, Puback | Pubrec | Pubrel | Pubcomp):
        return type(packet)(packet.packet_id)
    if isinstance(packet, Subscribe):
        plain = tuple(Subscription(each.topic_filter, each.qos) for each in packet.subscriptions)
        return Subscribe(packet.packet_id, plain)
    if isinstance(packet, Suback):
        codes = tuple(min(code, ReasonCode.UNSPECIFIED_ERROR) for code in packet.reason_codes)
        return Suback(packet.packet_id, codes)
    if isinstance(packet, Unsubscribe):
        return Unsubscribe(packet.packet_id, packet.topic_filters)
    if isinstance(packet, Unsuback):
        return Unsuback(packet.packet_id, ())
    if isinstance(packet, Disconnect):
        return Disconnect()
    if isinstance(packet, Pingreq | Pingresp):
        return packet
    return None


@EXAMPLES
@given(packets)
def test_a_packet_comes_back_from_3_1_1_without_what_it_cannot_say(packet: Packet) -> None:
    expected = said_in_3_1_1(packet)
    if expected is None:
        return
    if isinstance(packet, Connect):
        packet = replace(packet, password=packet.password if packet.user_name is not None else None)
    assert read(packet.encode(MQTT_3_1_1), MQTT_3_1_1) == [expected]


@EXAMPLES
@given(packets)
def test_a_packet_that_says_nothing_special_is_the_same_in_both_levels(packet: Packet) -> None:
    """Written in 3.1.1 and read there, then written and read in 5."""
    expected = said_in_3_1_1(packet)
    if expected is None or isinstance(expected, Connect):
        return
    assert read(expected.encode(MQTT_5), MQTT_5) == [expected]


@EXAMPLES
@given(messages(), st.sampled_from([MQTT_3_1_1, MQTT_5]))
def test_a_message_comes_back_in_both_levels(message: Publish, level: int) -> None:
    [back] = read(message.encode(level), level)
    assert isinstance(back, Publish)
    for name in ("topic", "qos", "retain", "duplicate", "packet_id", "payload"):
        assert getattr(back, name) == getattr(message, name), name
    assert back.properties == (message.properties if level == MQTT_5 else NO_PROPERTIES)


@EXAMPLES
@given(messages())
def test_a_message_of_3_1_1_is_inside_the_one_of_mqtt_5_with_no_properties(message: Publish) -> None:
    """So that one broker hands on both without asking where they came from."""
    [old] = read(message.encode(MQTT_3_1_1), MQTT_3_1_1)
    plain = make_publish(
        message.topic_name,
        message.payload,
        qos=message.qos,
        packet_id=message.packet_id,
        retain=message.retain,
        duplicate=message.duplicate,
    )
    assert old.encode(MQTT_5) == plain.encode(MQTT_5)
    assert isinstance(old, Publish)
    assert (old.head, old.tail, old.expiry_at) == (plain.head, plain.tail, 0)


@EXAMPLES
@given(messages(), st.lists(st.integers(1, 0x0FFF_FFFF), min_size=1, max_size=3))
def test_subscription_identifiers_are_put_in_and_taken_out_again(
    message: Publish, identifiers: list[int]
) -> None:
    marked = message.subscribed_by(tuple(identifiers))
    found = [value for kind, value in marked.properties if kind is PropertyId.SUBSCRIPTION_IDENTIFIER]
    assert found == identifiers
    assert marked.payload == message.payload
    assert marked.properties.without(PropertyId.SUBSCRIPTION_IDENTIFIER) == message.properties
    if message.expiry_at:
        at = marked.expiry_at
        assert marked.tail[at : at + 4] == message.tail[message.expiry_at : message.expiry_at + 4]
    plain = marked.unsubscribed()
    assert (plain.head, plain.tail, plain.expiry_at) == (message.head, message.tail, message.expiry_at)
    assert message.unsubscribed() is message


@EXAMPLES
@given(messages(), st.integers(1, 5), st.booleans())
def test_a_topic_alias_is_resolved_and_taken_out(message: Publish, alias: int, is_first: bool) -> None:
    if not message.topic:
        return
    aliases = TopicAliases(5)
    if not is_first:
        aliases.resolve(alias, message.topic)
    sent = make_publish(
        message.topic_name if is_first else "",
        message.payload,
        qos=message.qos,
        packet_id=message.packet_id,
        retain=message.retain,
        duplicate=message.duplicate,
        properties=Properties(*message.properties, (PropertyId.TOPIC_ALIAS, alias)),
    )
    [back] = read(sent.encode(), MQTT_5, aliases)
    assert isinstance(back, Publish)
    for name in ("topic", "qos", "retain", "duplicate", "packet_id", "payload", "tail", "head", "expiry_at"):
        assert getattr(back, name) == getattr(message, name), name


@EXAMPLES
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from([b"", b"a", b"b", b"c"])), max_size=12))
def test_topic_aliases_against_a_dictionary(steps: list[tuple[int, bytes]]) -> None:
    """[MQTT-3.3.2-12]: the last topic of each alias; 0x94 out of range, 0x82 when it was never set up."""
    aliases, model = TopicAliases(3), dict[int, bytes]()
    for alias, topic in steps:
        if topic and 0 < alias <= 3:
            model[alias] = topic
        if alias in model:
            assert aliases.resolve(alias, topic) == model[alias]
            continue
        with pytest.raises(MqttProtocolError) as caught:
            aliases.resolve(alias, topic)
        is_known = 0 < alias <= 3
        expected = ReasonCode.PROTOCOL_ERROR if is_known else ReasonCode.TOPIC_ALIAS_INVALID
        assert caught.value.reason_code == expected


@EXAMPLES
@given(st.binary(max_size=60), st.integers(0, 255))
def test_random_bytes_are_refused_in_3_1_1_and_never_crash(data: bytes, first: int) -> None:
    for each in (data, bytes((first, len(data))) + data):
        try:
            read(each, MQTT_3_1_1)
        except MqttProtocolError:
            continue


@EXAMPLES
@given(packets | messages(), st.integers(0, 100), st.integers(0, 255))
def test_a_packet_of_3_1_1_with_one_wrong_byte_never_crashes(packet: Packet, at: int, byte: int) -> None:
    if isinstance(packet, Connack) and packet.reason_code not in RETURN_CODES:
        return
    if isinstance(packet, Auth):
        return
    data = bytearray(packet.encode(MQTT_3_1_1))
    data[at % len(data)] = byte
    try:
        read(bytes(data), MQTT_3_1_1)
    except MqttProtocolError:
        return


@pytest.mark.parametrize(
    ("packet", "encoded"),
    [
        (Connect("a", keep_alive_s=10), b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x0a\x00\x01a"),
        (Connack(True), b"\x20\x02\x01\x00"),
        (Connack(False, ReasonCode.NOT_AUTHORIZED), b"\x20\x02\x00\x05"),
        (make_publish("a/b", b"hi", qos=1, packet_id=10), b"\x32\x09\x00\x03a/b\x00\x0ahi"),
        (make_publish("a/b", b"hi", retain=True), b"\x31\x07\x00\x03a/bhi"),
        (Puback(10, ReasonCode.QUOTA_EXCEEDED), b"\x40\x02\x00\x0a"),
        (Pubrec(10), b"\x50\x02\x00\x0a"),
        (Pubrel(10), b"\x62\x02\x00\x0a"),
        (Pubcomp(10), b"\x70\x02\x00\x0a"),
        (TWO_FILTERS, b"\x82\x0e\x00\x0a\x00\x03a/b\x01\x00\x03c/d\x02"),
        (Suback(10, (ReasonCode.GRANTED_QOS_2, ReasonCode.QUOTA_EXCEEDED)), b"\x90\x04\x00\x0a\x02\x80"),
        (Unsubscribe(10, ("a/b", "c/d")), b"\xa2\x0c\x00\x0a\x00\x03a/b\x00\x03c/d"),
        (Unsuback(10, (ReasonCode.SUCCESS,)), b"\xb0\x02\x00\x0a"),
        (Pingreq(), b"\xc0\x00"),
        (Pingresp(), b"\xd0\x00"),
        (Disconnect(ReasonCode.SERVER_BUSY), b"\xe0\x00"),
    ],
)
def test_the_bytes_of_3_1_1_are_those_of_its_standard(packet: Packet, encoded: bytes) -> None:
    """The figures of its chapter 3."""
    assert packet.encode(MQTT_3_1_1) == encoded


@pytest.mark.parametrize(("first", "kind"), [(0x40, Puback), (0x50, Pubrec), (0x62, Pubrel), (0x70, Pubcomp)])
def test_acknowledgements_of_mqtt_5_have_a_short_and_a_long_form(
    first: int, kind: type[Puback | Pubrec | Pubrel | Pubcomp]
) -> None:
    """Sections 3.4.2.1 … 3.7.2.1."""
    head = bytes((first,))
    reason = Properties((PropertyId.REASON_STRING, "x"))
    assert kind(10).encode() == head + b"\x02\x00\x0a"
    assert kind(10, ReasonCode.UNSPECIFIED_ERROR).encode() == head + b"\x03\x00\x0a\x80"
    assert kind(10, properties=reason).encode() == head + b"\x08\x00\x0a\x00\x04\x1f\x00\x01x"
    for body in (b"\x02\x00\x0a", b"\x03\x00\x0a\x00", b"\x04\x00\x0a\x00\x00"):
        assert read(head + body, MQTT_5) == [kind(10)]


@pytest.mark.parametrize("first", [0x40, 0x50, 0x62, 0x70])
def test_acknowledgements_of_3_1_1_have_no_reason_code(first: int) -> None:
    with pytest.raises(MqttProtocolError):
        read(bytes((first,)) + b"\x03\x00\x0a\x00", MQTT_3_1_1)


def test_3_1_1_has_no_auth_and_no_reasons_to_disconnect_or_unsubscribe() -> None:
    for data in (b"\xf0\x00", b"\xe0\x01\x00", b"\xb0\x03\x00\x0a\x00"):
        with pytest.raises(MqttProtocolError):
            read(data, MQTT_3_1_1)


def test_a_reason_without_a_return_code_cannot_be_said_in_3_1_1() -> None:
    with pytest.raises(KeyError):
        Connack(False, NOT_3_1_1).encode(MQTT_3_1_1)
    with pytest.raises(MqttProtocolError):
        read(b"\x20\x02\x00\x06", MQTT_3_1_1)


@EXAMPLES
@given(texts, binaries, ids)
def test_a_payload_of_3_1_1_is_never_read_as_properties(topic: str, payload: bytes, packet_id: int) -> None:
    data = make_publish(topic, payload, qos=1, packet_id=packet_id).encode(MQTT_3_1_1)
    assert read_publish_3_1_1(data, 2).payload == payload


def test_a_will_keeps_its_place_in_both_levels() -> None:
    """Section 3.1.3: client identifier, will, user name, password."""
    connect = Connect("c", will=Will("w", b"x", 2, True), user_name="u", password=b"p")
    old = b"\x10\x19\x00\x04MQTT\x04\xf6\x00\x00\x00\x01c\x00\x01w\x00\x01x\x00\x01u\x00\x01p"
    assert connect.encode(MQTT_3_1_1) == old
    assert read(old, MQTT_5) == [replace(connect, level=MQTT_3_1_1)]


def test_levels_are_told_apart_by_connect_itself() -> None:
    for level in (MQTT_3_1_1, MQTT_5):
        for reading in (MQTT_3_1_1, MQTT_5):
            assert read(Connect("c").encode(level), reading) == [Connect("c", level=level)]


def test_a_message_of_qos_2_is_read_like_one_of_qos_1() -> None:
    data = make_publish("a", b"x", qos=2, packet_id=9, duplicate=True).encode()
    message = read_publish(data, 2)
    assert (message.qos, message.duplicate, message.packet_id) == (2, True, 9)
    assert Cursor(message.tail).varint() == 0
