"""What clients may cost the broker, at the very bound: packets, sessions, subscriptions, retained bytes."""

import pytest

from runtime.mqtt.broker.config import BrokerConfig
from runtime.mqtt.packets import (
    MQTT_3_1_1,
    Connack,
    Connect,
    Disconnect,
    Pingresp,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    ReasonCode,
    Suback,
    Subscription,
    Unsuback,
    Unsubscribe,
    Will,
    encode_publish,
    make_publish,
)
from tests.runtime.mqtt.broker_bench import Client, S, Table

HOUR_S = 3600
PING = b"\xc0\x00"


def old_client(table: Table, client_id: str = "old", *, clean: bool = True) -> Client:
    """A client of MQTT 3.1.1 that is connected."""
    client = Client(table)
    connect = Connect(client_id, clean, level=MQTT_3_1_1)
    client.connection.receive(table.now_ns, connect.encode())
    assert client.raw()[3:] == b"\0"
    return client


# Packets a second


def test_a_second_of_packets_may_come_at_once_and_one_more_is_too_many() -> None:
    """The generic cell rate algorithm (ITU-T I.371): CONNECT is the first of ten."""
    client = Table(BrokerConfig(max_packet_rate_hz=10)).join()
    assert client.send(*[PING] * 9) == [Pingresp()] * 9
    assert client.send(PING) == [Pingresp(), Disconnect(ReasonCode.MESSAGE_RATE_TOO_HIGH)]
    assert client.is_closed()


@pytest.mark.parametrize(("early_ns", "is_closed"), [(0, False), (1, True)])
def test_a_packet_is_paid_for_by_its_share_of_a_second_to_the_nanosecond(
    early_ns: int, is_closed: bool
) -> None:
    table = Table(BrokerConfig(max_packet_rate_hz=10))
    client = table.join()
    client.send(*[PING] * 9)
    table.wait(S // 10 - early_ns)
    client.send(PING)
    assert client.is_closed() is is_closed


def test_time_that_was_not_used_is_not_saved_up() -> None:
    table = Table(BrokerConfig(max_packet_rate_hz=10))
    client = table.join()
    table.wait(HOUR_S * S)
    client.send(*[PING] * 10)
    assert not client.is_closed()
    client.send(PING)
    assert client.is_closed()


def test_the_rate_may_be_kept_up_for_ever() -> None:
    table = Table(BrokerConfig(max_packet_rate_hz=10))
    client = table.join()
    for _ in range(500):
        table.wait(S // 10)
        client.send(PING)
    assert not client.is_closed()


def test_packets_in_one_segment_count_one_by_one() -> None:
    client = Table(BrokerConfig(max_packet_rate_hz=10)).join()
    client.send(PING * 9)
    assert not client.is_closed()
    client.send(PING)
    assert client.is_closed()


def test_the_rate_is_of_one_connection() -> None:
    table = Table(BrokerConfig(max_packet_rate_hz=10))
    one, other = table.join("one"), table.join("other")
    one.send(*[PING] * 10)
    other.send(*[PING] * 9)
    assert (one.is_closed(), other.is_closed()) == (True, False)


def test_who_sends_too_fast_in_3_1_1_is_closed_without_a_word() -> None:
    client = old_client(Table(BrokerConfig(max_packet_rate_hz=10)))
    client.send(PING * 9)
    client.raw()
    client.connection.receive(S, PING)
    assert (client.raw(), client.is_closed()) == (b"\xd0\x00", True)


def test_without_a_limit_there_is_none() -> None:
    client = Table().join()
    client.send(PING * 50_000)
    assert not client.is_closed()


# Sessions


def test_there_are_no_more_sessions_than_allowed_connected_or_not() -> None:
    table = Table(BrokerConfig(max_sessions=2))
    table.join("away", expiry_s=HOUR_S).lose()
    here = table.join("here")
    refused = Client(table)
    assert refused.send(Connect("third")) == [Connack(False, ReasonCode.QUOTA_EXCEEDED)]
    assert refused.is_closed()
    old = Client(table)
    old.connection.receive(table.now_ns, Connect("old", level=MQTT_3_1_1).encode())
    assert (old.raw(), old.is_closed()) == (b"\x20\x02\x00\x03", True)
    assert not here.is_closed()


def test_a_session_that_is_there_is_resumed_or_begun_anew_however_many_there_are() -> None:
    table = Table(BrokerConfig(max_sessions=2))
    table.join("away", expiry_s=HOUR_S).lose()
    table.join("here")
    _, connack = table.connack("away", expiry_s=HOUR_S)
    assert connack.session_present
    _, connack = table.connack("here", clean_start=True)
    assert not connack.session_present


def test_a_session_that_has_ended_makes_room() -> None:
    table = Table(BrokerConfig(max_sessions=1))
    table.join("one", expiry_s=60).lose()
    table.wait(60 * S - 1)
    assert Client(table).send(Connect("two")) == [Connack(False, ReasonCode.QUOTA_EXCEEDED)]
    table.wait(1)
    table.join("two")


# Subscriptions


def test_a_session_has_no_more_subscriptions_than_allowed() -> None:
    client = Table(BrokerConfig(max_subscriptions=2)).join()
    filters = (Subscription("a"), Subscription("$share/pool/b"), Subscription("c"), Subscription("a", 2))
    codes = (1, 1, ReasonCode.QUOTA_EXCEEDED, 2)
    assert client.subscribe(*filters) == [Suback(1, tuple(map(ReasonCode, codes)))]


def test_a_subscription_that_was_removed_makes_room() -> None:
    client = Table(BrokerConfig(max_subscriptions=1)).join()
    client.subscribe(Subscription("a"))
    assert client.send(Unsubscribe(2, ("a",))) == [Unsuback(2, (ReasonCode.SUCCESS,))]
    assert client.subscribe(Subscription("b")) == [Suback(1, (ReasonCode.GRANTED_QOS_1,))]


def test_one_subscription_too_many_is_refused_in_3_1_1_too() -> None:
    """3.1.1, section 3.9.3: 0x80."""
    table = Table(BrokerConfig(max_subscriptions=1))
    client = old_client(table)
    client.connection.receive(table.now_ns, b"\x82\x0a\x00\x01\x00\x01a\x01\x00\x01b\x01")
    assert client.raw() == b"\x90\x04\x00\x01\x01\x80"


def test_subscriptions_are_counted_over_all_sessions_and_counted_down_again() -> None:
    table = Table()
    client, other = table.join(), table.join("other")
    client.subscribe(Subscription("a"), Subscription("a"), Subscription("$share/pool/b"), Subscription("#/x"))
    other.subscribe(Subscription("a"))
    watching = table.join("watching")
    _, message = watching.subscribe(Subscription("$SYS/broker/subscriptions/count", 0))
    assert isinstance(message, Publish)
    assert message.payload == b"4"
    client.lose()
    other.send(Unsubscribe(1, ("a", "a")))
    table.wait(10 * S)
    assert watching.payloads() == [b"1"]


# Levels of topics


def test_topics_and_filters_have_no_more_levels_than_allowed() -> None:
    table = Table(BrokerConfig(max_topic_levels=3))
    client = table.join()
    too_deep = ReasonCode.TOPIC_FILTER_INVALID
    filters = (Subscription("a/b/c"), Subscription("a/b/c/d"), Subscription("$share/g/a/b/c"))
    assert client.subscribe(*filters, Subscription("$share/g/a/b/c/d")) == [
        Suback(1, (ReasonCode.GRANTED_QOS_1, too_deep, ReasonCode.GRANTED_QOS_1, too_deep))
    ]
    assert Puback(1) in client.send(encode_publish("a/b/c", b"", 1))
    assert Disconnect(ReasonCode.TOPIC_NAME_INVALID) in client.send(encode_publish("a/b/c/d", b"", 1))


# Retained bytes


def retained(table: Table) -> list[bytes]:
    """The topics that a new subscriber of everything is sent."""
    client = table.join("reader", clean_start=True)
    return [each.topic for each in client.subscribe(Subscription("#", 0)) if isinstance(each, Publish)]


def test_what_has_no_room_is_delivered_and_not_retained() -> None:
    table = Table(BrokerConfig(max_retained_bytes=2_000))
    listener, sender = table.join("listener"), table.join("sender")
    listener.subscribe(Subscription("#", 0))
    for topic in "abc":
        sender.publish(topic, bytes(400), retain=True)
    assert len(listener.messages()) == 3
    assert retained(table) == [b"a", b"b"]
    assert table.broker.counts.dropped == 1


def test_what_is_cleared_or_replaced_by_less_makes_room() -> None:
    table = Table(BrokerConfig(max_retained_bytes=2_000))
    sender = table.join("sender")
    sender.publish("a", bytes(400), retain=True)
    sender.publish("b", bytes(400), retain=True)
    sender.publish("a", b"", retain=True)
    sender.publish("c", bytes(400), retain=True)
    assert retained(table) == [b"b", b"c"]
    sender.publish("b", b"small", retain=True)
    sender.publish("d", bytes(20), retain=True)
    assert sorted(retained(table)) == [b"b", b"c", b"d"]


def test_one_that_grows_beyond_the_room_takes_the_one_before_with_it() -> None:
    """The old value would be wrong."""
    table = Table(BrokerConfig(max_retained_bytes=2_000))
    sender = table.join("sender")
    sender.publish("a", b"old", retain=True)
    sender.publish("a", bytes(2_000), retain=True)
    assert retained(table) == []
    sender.publish("b", bytes(1_400), retain=True)
    assert retained(table) == [b"b"]


# The size of CONNECT, and the time it may take


@pytest.mark.parametrize(("size", "is_connected"), [(100, True), (101, False)])
def test_connect_is_no_larger_than_allowed(size: int, is_connected: bool) -> None:
    client = Client(Table(BrokerConfig(max_connect_size=100)))
    connect = Connect("c" * (size - len(Connect("").encode()))).encode()
    assert len(connect) == size
    client.connection.receive(S, connect)
    assert client.is_closed() is not is_connected
    assert bool(client.raw()) is is_connected


def test_what_follows_connect_may_be_larger_even_in_the_same_segment() -> None:
    client = Client(Table(BrokerConfig(max_connect_size=100)))
    answer = client.send(Connect("c").encode() + encode_publish("a", bytes(1_000), 1))
    assert answer[1] == Puback(1, ReasonCode.NO_MATCHING_SUBSCRIBERS)


def test_a_connect_that_comes_in_drops_has_no_more_time_than_any_other() -> None:
    table = Table(BrokerConfig(connect_timeout_s=10))
    client = Client(table)
    for byte in Connect("c").encode()[:10]:
        table.wait(S - 1)
        client.send(bytes((byte,)))
    assert not client.is_closed()
    table.wait(10)
    assert client.is_closed()
    assert client.raw() == b""


# QoS 2 that is never released


def test_messages_of_qos_2_not_released_are_bounded_by_what_was_announced() -> None:
    """[MQTT-3.3.4-7]: 0x93; a repeated one takes no place, a released one gives it back."""
    client = Table(BrokerConfig(receive_maximum=2)).join()
    for packet_id in (1, 2, 2, 1):
        [answer] = client.send(make_publish("a", qos=2, packet_id=packet_id))
        assert isinstance(answer, Pubrec)
    assert client.send(Pubrel(1)) == [Pubcomp(1)]
    [answer] = client.send(make_publish("a", qos=2, packet_id=3))
    assert isinstance(answer, Pubrec)
    assert client.send(make_publish("a", qos=2, packet_id=4)) == [
        Disconnect(ReasonCode.RECEIVE_MAXIMUM_EXCEEDED)
    ]


def test_a_client_of_3_1_1_was_told_no_maximum_and_is_held_to_none() -> None:
    """3.1.1 knows none: every identifier may be under way."""
    table = Table(BrokerConfig(receive_maximum=2))
    client = old_client(table)
    for packet_id in range(1, 11):
        message = make_publish("a", qos=2, packet_id=packet_id)
        client.connection.receive(table.now_ns, message.encode(MQTT_3_1_1))
    assert len(client.raw()) == 40
    assert not client.is_closed()
    client.connection.pause()
    for packet_id in range(11, 21):
        client.connection.receive(
            table.now_ns, make_publish("a", qos=1, packet_id=packet_id).encode(MQTT_3_1_1)
        )
    assert not client.is_closed()


def test_a_will_is_bounded_like_any_message() -> None:
    table = Table(BrokerConfig(max_retained_bytes=1_000))
    table.join("other", will=Will("w", bytes(600), retain=True)).lose()
    assert retained(table) == []
