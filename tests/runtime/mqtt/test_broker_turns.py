"""What one connection may do in one turn, and how long one packet may take to read."""

import pytest

from runtime.mqtt.broker.config import BrokerConfig
from runtime.mqtt.packets import Connect, Disconnect, Pingresp, ReasonCode, Suback, Unsuback, encode_publish
from runtime.mqtt.session_packets import packet
from runtime.mqtt.wire import encode_varint
from tests.runtime.mqtt.broker_bench import Client, S, Table
from tests.runtime.mqtt.test_broker_bounds import PING, old_client

# One turn


def in_turns_of_no_length(client: Client, now_ns: int, data: bytes) -> list[int]:
    """How many packets were answered in each turn; the shell's part."""
    is_left = client.connection.receive(now_ns, data, lambda: True)
    turns = [len(client.read())]
    while is_left:
        is_left = client.connection.receive(now_ns, b"", lambda: True)
        turns.append(len(client.read()))
    return turns


def test_a_turn_that_is_over_ends_after_a_few_packets_and_the_rest_comes_in_the_next_ones() -> None:
    client = Table().join()
    assert in_turns_of_no_length(client, S, PING * 20) == [8, 8, 4]
    assert in_turns_of_no_length(client, S, PING * 8 + PING[:1]) == [8, 0]
    assert client.send(PING[1:]) == [Pingresp()]
    assert in_turns_of_no_length(client, S, PING) == [1]


def test_nothing_is_left_of_a_connection_that_has_ended() -> None:
    table = Table()
    client = table.join("one")
    assert client.connection.receive(S, PING * 20, lambda: True)
    table.join("one")
    assert client.is_closed()
    client.raw()
    assert not client.connection.receive(S, b"", lambda: True)
    assert client.raw() == b""


def test_packets_are_paid_for_in_the_turn_in_which_they_come() -> None:
    client = Table(BrokerConfig(max_packet_rate_hz=10)).join()
    assert client.connection.receive(S, PING * 20, lambda: True)
    assert not client.connection.receive(S, b"", lambda: True)
    assert client.is_closed()
    assert client.read()[-1] == Disconnect(ReasonCode.MESSAGE_RATE_TOO_HIGH)


def test_a_long_packet_may_have_taken_a_turn_alone() -> None:
    """Longer than 512 bytes."""
    client = Table().join()
    short, long = (encode_publish("a", bytes(size), 1, qos=1) for size in (500, 506))
    assert len(short) < 512 < len(long)
    assert in_turns_of_no_length(client, S, short * 2) == [2]
    assert in_turns_of_no_length(client, S, long * 2) == [1, 1, 0]


# What must be read one by one


def user_properties(size: int) -> bytes:
    """So many bytes of them, their length in front."""
    return encode_varint(size) + b"&\0\0\0\0" * (size // 5)


@pytest.mark.parametrize(
    ("first", "head", "rest"),
    [
        (0x32, b"\0\1a\0\7", bytes(5_000)),
        (0x82, b"\0\1", b"\0\1a\1"),
        (0xA2, b"\0\1", b"\0\1a"),
        (0x40, b"\0\1\0", b""),
        (0xE0, b"\0", b""),
    ],
    ids=["PUBLISH", "SUBSCRIBE", "UNSUBSCRIBE", "PUBACK", "DISCONNECT"],
)
def test_properties_are_bounded(first: int, head: bytes, rest: bytes) -> None:
    config = BrokerConfig(max_properties_size=1_010)
    allowed, refused = (
        Table(config).join().send(packet(first, head + user_properties(size) + rest))
        for size in (1_000, 1_015)
    )
    assert Disconnect(ReasonCode.QUOTA_EXCEEDED) not in allowed
    assert refused == [Disconnect(ReasonCode.QUOTA_EXCEEDED)]


@pytest.mark.parametrize(
    ("first", "each"), [(0x82, b"\0\7abcdefg\1"), (0xA2, b"\0\7abcdefg")], ids=["SUBSCRIBE", "UNSUBSCRIBE"]
)
def test_topic_filters_of_one_packet_are_bounded(first: int, each: bytes) -> None:
    config = BrokerConfig(max_filters_at_once=100)
    allowed, refused = (Table(config).join().send(packet(first, b"\0\1\0" + each * n)) for n in (100, 101))
    assert isinstance(allowed[0], Suback | Unsuback)
    assert refused == [Disconnect(ReasonCode.QUOTA_EXCEEDED)]


@pytest.mark.parametrize(
    "rest", [b"\0", b"\xff\xff", b"\0\1a"], ids=["half a length", "too long", "no options"]
)
def test_filters_that_cannot_be_counted_are_malformed(rest: bytes) -> None:
    client = Table().join()
    body = b"\0\1\0" + b"\0\7abcdefg\1" * 99 + rest
    assert client.send(packet(0x82, body)) == [Disconnect(ReasonCode.MALFORMED_PACKET)]


def test_packets_of_3_1_1_have_no_properties_to_bound() -> None:
    client = old_client(Table(BrokerConfig(max_properties_size=1_000)))
    client.connection.receive(S, packet(0x30, b"\0\1a" + b"\xff" * 5_000))
    client.connection.receive(S, packet(0x82, b"\0\1" + b"\xff\xff" + b"a" * 65_535 + b"\1"))
    assert client.raw() == b"\x90\x03\0\1\1"


def test_connect_has_a_bound_of_its_own() -> None:
    client = Client(Table(BrokerConfig(max_properties_size=20)))
    client.connection.receive(S, Connect("c" * 600).encode())
    assert not client.is_closed()
