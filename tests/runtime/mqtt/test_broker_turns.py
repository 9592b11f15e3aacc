"""What one connection may do in one turn, and how long one packet may take to read."""

import pytest

from runtime.mqtt.broker.config import BrokerConfig
from runtime.mqtt.packets import Connect, Disconnect, Pingresp, ReasonCode, encode_publish
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


# Packets that must be read byte by byte


def user_properties(size: int) -> bytes:
    """So many bytes of them, their length in front."""
    return encode_varint(size) + b"&\0\0\0\0" * (size // 5)


def of_size(first: int, body: bytes, fill: bytes, size: int) -> bytes:
    """A packet of `size` bytes, 4 of them the fixed header."""
    return packet(first, body + fill * ((size - 4 - len(body)) // len(fill)))


@pytest.mark.parametrize(
    ("first", "body", "fill"),
    [
        (0x82, b"\0\1\0", b"\0\6" + b"a/a/a/" + b"\1"),
        (0xA2, b"\0\1\0", b"\0\1a"),
    ],
    ids=["SUBSCRIBE", "UNSUBSCRIBE"],
)
def test_what_must_be_read_byte_by_byte_is_bounded(first: int, body: bytes, fill: bytes) -> None:
    config = BrokerConfig(max_control_size=1_000)
    for size, is_closed in ((1_000, False), (1_000 + len(fill), True)):
        client = Table(config).join()
        answers = client.send(of_size(first, body, fill, size))
        assert client.is_closed() is is_closed
        assert (answers == [Disconnect(ReasonCode.QUOTA_EXCEEDED)]) is is_closed


@pytest.mark.parametrize(("size", "is_closed"), [(1_000, False), (1_005, True)])
def test_properties_of_a_message_are_bounded_and_its_payload_is_not(size: int, is_closed: bool) -> None:
    client = Table(BrokerConfig(max_control_size=1_000)).join()
    body = b"\0\1a\0\7" + user_properties(size) + bytes(5_000)
    client.send(packet(0x32, body))
    assert client.is_closed() is is_closed


def test_a_message_of_3_1_1_has_no_properties_to_bound() -> None:
    client = old_client(Table(BrokerConfig(max_control_size=1_000)))
    client.connection.receive(S, packet(0x30, b"\0\1a" + b"\xff" * 5_000))
    assert not client.is_closed()


def test_connect_has_a_bound_of_its_own() -> None:
    client = Client(Table(BrokerConfig(max_control_size=20)))
    client.connection.receive(S, Connect("c" * 600).encode())
    assert not client.is_closed()
