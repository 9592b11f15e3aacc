"""The broker's core to the millisecond: time-outs and expiry; and what it does not offer."""

import pytest

from runtime.mqtt.broker.config import BrokerConfig
from runtime.mqtt.packets import (
    MQTT_3_1_1,
    MQTT_5,
    Auth,
    Connack,
    Connect,
    Disconnect,
    Pingresp,
    Properties,
    PropertyId,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    ReasonCode,
    Suback,
    Subscription,
    Will,
    encode_publish,
)
from tests.runtime.mqtt.broker_bench import MS, Client, S, Table

HOUR_S = 3600


def will(payload: bytes = b"lost", delay_s: int = 0) -> Will:
    """A will at QoS 1."""
    return Will("will", payload, 1, properties=Properties((PropertyId.WILL_DELAY_INTERVAL, delay_s)))


def watcher(table: Table) -> Client:
    """A client that hears of wills."""
    client = table.join("watcher")
    client.subscribe(Subscription("will"))
    return client


# What it announces, and what it does not offer


def test_connack_announces_what_clients_must_know() -> None:
    """Section 3.2.2.3; what is absent is available: QoS 2, shared subscriptions, their identifiers."""
    _, connack = Table(BrokerConfig(receive_maximum=7, max_packet_size=9_000)).connack()
    assert connack.properties == Properties(
        (PropertyId.RECEIVE_MAXIMUM, 7),
        (PropertyId.MAXIMUM_PACKET_SIZE, 9_000),
        (PropertyId.TOPIC_ALIAS_MAXIMUM, 10),
    )


def test_a_session_is_given_no_more_life_than_the_broker_allows() -> None:
    """Section 3.2.2.3.2: the broker says so when it differs from what was asked for."""
    table = Table(BrokerConfig(max_session_expiry_s=60))
    client, connack = table.connack(expiry_s=HOUR_S)
    assert connack.properties.integer(PropertyId.SESSION_EXPIRY_INTERVAL, -1) == 60
    client.lose()
    table.wait(60 * S)
    assert len(table.broker.sessions) == 0


def test_client_identifiers_are_assigned_in_order_and_never_to_two() -> None:
    table = Table()
    table.join("assigned-2")
    names = [table.connack("")[1].properties.text(PropertyId.ASSIGNED_CLIENT_IDENTIFIER) for _ in range(3)]
    assert names == ["assigned-1", "assigned-3", "assigned-4"]


def test_a_will_with_a_wildcard_in_its_topic_is_refused() -> None:
    client = Client(Table())
    assert client.send(Connect("car", will=Will("will/#"))) == [Connack(False, ReasonCode.TOPIC_NAME_INVALID)]


def test_extended_authentication_is_refused() -> None:
    """Section 4.12: 0x8C."""
    client = Client(Table())
    answer = client.send(Connect("car", properties=Properties((PropertyId.AUTHENTICATION_METHOD, "X"))))
    assert answer == [Connack(False, ReasonCode.BAD_AUTHENTICATION_METHOD)]


def test_auth_after_a_plain_connect_is_a_protocol_error() -> None:
    """[MQTT-4.12.0-6]"""
    assert Table().join().send(Auth()) == [Disconnect(ReasonCode.PROTOCOL_ERROR)]


def test_a_client_of_mqtt_3_1_is_refused_in_its_own_words() -> None:
    """MQTT 3.1.1, section 3.2.2.3: return code 1, unacceptable protocol version."""
    client = Client(Table())
    client.connection.receive(S, b"\x10\x0f\x00\x06MQIsdp\x03\x02\x00\x00\x00\x01a")
    assert client.raw() == b"\x20\x02\x00\x01"
    assert client.is_closed()


@pytest.mark.parametrize("first", [0x20, 0x90, 0xB0, 0xD0])
def test_a_servers_packets_are_not_a_clients_to_send(first: int) -> None:
    assert Table().join().send(bytes((first, 0))) == [Disconnect(ReasonCode.PROTOCOL_ERROR)]


def test_a_packet_above_the_announced_size_is_refused() -> None:
    """[MQTT-3.2.2-15]"""
    client = Table(BrokerConfig(max_packet_size=100)).join()
    assert client.send(encode_publish("a", bytes(100), 1)) == [Disconnect(ReasonCode.PACKET_TOO_LARGE)]


def test_a_malformed_connect_is_answered_with_connack_not_with_disconnect() -> None:
    """[MQTT-3.14.0-1]"""
    client = Client(Table())
    answer = client.send(b"\x10\x0e\x00\x04MQTT\x05\x03\x00\x00\x00\x00\x01a")
    assert answer == [Connack(False, ReasonCode.MALFORMED_PACKET)]
    assert client.is_closed()


def test_nothing_is_read_after_the_end() -> None:
    table = Table()
    client = table.join()
    assert client.send(b"\x00\x00\xc0\x00", b"\xc0\x00") == [Disconnect(ReasonCode.MALFORMED_PACKET)]


# Time


def test_a_connection_without_connect_is_closed_after_the_reasonable_time() -> None:
    """Section 3.1."""
    table = Table(BrokerConfig(connect_timeout_s=10))
    client = Client(table)
    table.wait(10 * S - MS)
    assert not client.is_closed()
    table.wait(MS)
    assert client.is_closed()
    assert client.raw() == b""


def test_keep_alive_ends_at_one_and_a_half_to_the_millisecond() -> None:
    """[MQTT-3.1.2-22]; every packet begins it anew."""
    table = Table()
    client = table.join(keep_alive_s=20)
    table.wait(25 * S)
    assert client.send(b"\xc0\x00") == [Pingresp()]
    table.wait(30 * S - MS)
    assert not client.is_closed()
    table.wait(MS)
    assert client.read() == [Disconnect(ReasonCode.KEEP_ALIVE_TIMEOUT)]
    assert client.is_closed()


def test_half_a_packet_does_not_keep_a_client_alive() -> None:
    table = Table()
    client = table.join(keep_alive_s=20)
    table.wait(29 * S)
    client.send(b"\xc0")
    table.wait(S)
    assert client.is_closed()


def test_keep_alive_zero_never_ends() -> None:
    """Section 3.1.2.10."""
    table = Table()
    client = table.join(keep_alive_s=0)
    table.wait(365 * 24 * HOUR_S * S)
    assert not client.is_closed()


def test_a_session_ends_when_its_expiry_interval_has_passed() -> None:
    """[MQTT-3.1.2-23]"""
    for waited_ns, expected in ((60 * S - MS, True), (60 * S, False)):
        table = Table()
        client = table.join(expiry_s=60)
        table.wait(HOUR_S * S)
        client.lose()
        table.wait(waited_ns)
        assert table.connack(expiry_s=60)[1].session_present is expected


def test_a_session_for_ever_does_not_end() -> None:
    table = Table()
    table.join(expiry_s=0xFFFF_FFFF).lose()
    table.wait(200 * 365 * 24 * HOUR_S * S)
    assert table.connack()[1].session_present


def test_a_client_that_came_back_in_time_keeps_session_and_will() -> None:
    """[MQTT-3.1.3-9]"""
    table = Table()
    watching = watcher(table)
    table.join(expiry_s=60, will=will(delay_s=30)).lose()
    table.wait(29 * S)
    client = table.join(expiry_s=60, will=will(b"later", delay_s=30))
    table.wait(HOUR_S * S)
    assert not client.is_closed()
    assert watching.payloads() == []
    client.lose()
    table.wait(30 * S)
    assert watching.payloads() == [b"later"]
    table.wait(30 * S - MS)
    assert len(table.broker.sessions) == 2
    table.wait(MS)
    assert len(table.broker.sessions) == 1


def test_a_delayed_will_is_published_after_its_delay() -> None:
    """Section 3.1.3.2.2."""
    table = Table()
    watching = watcher(table)
    table.join(expiry_s=HOUR_S, will=will(delay_s=30)).lose()
    table.wait(30 * S - MS)
    assert watching.payloads() == []
    table.wait(MS)
    assert watching.payloads() == [b"lost"]
    table.wait(2 * HOUR_S * S)
    assert watching.payloads() == []


def test_a_delayed_will_is_published_at_the_end_of_its_session_if_that_comes_first() -> None:
    table = Table()
    watching = watcher(table)
    table.join(expiry_s=10, will=will(delay_s=30)).lose()
    table.wait(10 * S)
    assert watching.payloads() == [b"lost"]


def test_a_take_over_publishes_a_will_without_delay_and_no_other() -> None:
    """Section 3.1.4, non-normative comment to [MQTT-3.1.4-3]."""
    for delay_s, expected in ((0, [b"lost"]), (30, [])):
        table = Table()
        watching = watcher(table)
        table.join(expiry_s=HOUR_S, will=will(delay_s=delay_s))
        table.join(expiry_s=HOUR_S)
        table.wait(HOUR_S * S)
        assert watching.payloads() == expected


def test_a_take_over_with_clean_start_publishes_a_delayed_will_too() -> None:
    table = Table()
    watching = watcher(table)
    table.join(expiry_s=HOUR_S, will=will(delay_s=30))
    table.join(clean_start=True)
    assert watching.payloads() == [b"lost"]


def test_a_keep_alive_time_out_publishes_the_will() -> None:
    table = Table()
    watching = watcher(table)
    table.join(keep_alive_s=10, will=will())
    table.wait(15 * S)
    assert watching.payloads() == [b"lost"]


def test_a_message_that_waited_carries_what_is_left_of_its_life() -> None:
    """[MQTT-3.3.2-6]"""
    table = Table()
    client = table.join(expiry_s=HOUR_S)
    client.subscribe(Subscription("a"))
    client.lose()
    table.join("sender").publish("a", b"x", expiry_s=60)
    table.wait(2_500 * MS)
    [message] = table.join(expiry_s=HOUR_S).messages()
    assert message.properties.integer(PropertyId.MESSAGE_EXPIRY_INTERVAL, -1) == 58


def test_a_message_is_dropped_when_its_life_ends_before_delivery_begins() -> None:
    """[MQTT-3.3.2-5]"""
    for waited_ns, expected in ((60 * S - MS, [b"short", b"long"]), (60 * S, [b"long"])):
        table = Table()
        client = table.join(expiry_s=HOUR_S)
        client.subscribe(Subscription("a"))
        client.lose()
        sender = table.join("sender")
        sender.publish("a", b"short", expiry_s=60)
        sender.publish("a", b"long")
        table.wait(waited_ns)
        assert table.join(expiry_s=HOUR_S).payloads() == expected
        assert table.broker.counts.expired == 2 - len(expected)


def test_a_retained_message_is_forgotten_when_its_life_ends() -> None:
    """Section 3.3.2.3.3."""
    for waited_ns, packets in ((60 * S - MS, [Suback, Publish]), (60 * S, [Suback])):
        table = Table()
        table.join("sender").publish("a", b"x", expiry_s=60, retain=True)
        table.wait(waited_ns)
        assert [type(each) for each in table.join().subscribe(Subscription("+"))] == packets


def test_a_retained_message_is_sent_with_what_is_left_of_its_life() -> None:
    table = Table()
    table.join("sender").publish("a", b"x", expiry_s=60, retain=True)
    table.wait(59 * S)
    client = table.join()
    suback, message = client.subscribe(Subscription("a"))
    assert isinstance(suback, Suback)
    assert isinstance(message, Publish)
    assert message.properties.integer(PropertyId.MESSAGE_EXPIRY_INTERVAL, -1) == 1


# Wills that could not be published, aliases that do not fit


def test_a_will_of_too_many_levels_is_refused_at_once() -> None:
    """It could not be published when its client is lost, when nobody can be told."""
    client = Client(Table(BrokerConfig(max_topic_levels=3)))
    answer = client.send(Connect("car", will=Will("a/b/c/d")))
    assert answer == [Connack(False, ReasonCode.TOPIC_NAME_INVALID)]
    client = Client(Table(BrokerConfig(max_topic_levels=3)))
    assert client.send(Connect("car", will=Will("a/b/c"))) != answer


def test_a_will_for_a_topic_of_the_broker_is_refused() -> None:
    """Section 4.7.2: $SYS is the broker's own; 0x87, in MQTT 3.1.1 return code 5."""
    for level in (MQTT_5, MQTT_3_1_1):
        client = Client(Table())
        client.connection.receive(S, Connect("car", will=Will("$SYS/broker/version"), level=level).encode())
        assert client.raw() == Connack(False, ReasonCode.NOT_AUTHORIZED).encode(level)
        assert client.is_closed()


def test_a_message_that_an_alias_would_make_too_large_goes_without_one() -> None:
    """[MQTT-3.1.2-25]: and another topic may still have the alias."""
    table = Table()
    size = len(encode_publish("a", b"x" * 20, 1))
    client, sender = table.join(topic_alias_maximum=1, maximum_packet_size=size), table.join("sender")
    client.subscribe(Subscription("#"))
    sender.publish("a", b"x" * 20)
    assert client.raw() == encode_publish("a", b"x" * 20, 1)
    for packet_id, topic in ((2, "b"), (3, "")):
        sender.publish("b", b"y")
        assert client.raw() == encode_publish(topic, b"y", packet_id, b"\x03\x23\x00\x01")


def test_authentication_data_without_a_method_is_a_protocol_error() -> None:
    """Section 3.1.2.11.10."""
    properties = Properties((PropertyId.AUTHENTICATION_DATA, b"x"))
    assert Client(Table()).send(Connect("car", properties=properties)) == [
        Connack(False, ReasonCode.PROTOCOL_ERROR)
    ]


def test_a_version_before_3_1_1_is_refused_in_the_words_of_3_1_1() -> None:
    """3.1.1, [MQTT-3.1.2-2]: whatever it calls itself."""
    client = Client(Table())
    client.connection.receive(S, b"\x10\x0d\x00\x04MQTT\x03\x02\x00\x00\x00\x01a")
    assert client.raw() == b"\x20\x02\x00\x01"
    client = Client(Table())
    client.connection.receive(S, b"\x10\x0e\x00\x04MQTT\x06\x02\x00\x00\x00\x00\x01a")
    assert client.raw() == b"\x20\x03\x00\x84\x00"


def test_a_pubrec_for_nothing_is_told_so() -> None:
    """Section 3.6.2.1: 0x92."""
    assert Table().join().send(Pubrec(9)) == [Pubrel(9, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND)]
    assert Table().join().send(Pubrel(9)) == [Pubcomp(9, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND)]


def test_dup_on_qos_zero_is_malformed() -> None:
    """[MQTT-3.3.1-2]; the standard gives no reason code, other brokers let it pass."""
    assert Table().join().send(b"\x38\x04\x00\x01a\x00") == [Disconnect(ReasonCode.MALFORMED_PACKET)]


@pytest.mark.parametrize("topic_filter", ["a/#/b", "a/b+", "", "$share//a", "$share/x"])
def test_a_filter_that_is_none_is_refused_alone(topic_filter: str) -> None:
    """Section 3.9.3: 0x8F for this filter, and the others are granted."""
    answer = Table().join().subscribe(Subscription("a"), Subscription(topic_filter), Subscription("b", 2))
    codes = (ReasonCode.GRANTED_QOS_1, ReasonCode.TOPIC_FILTER_INVALID, ReasonCode.GRANTED_QOS_2)
    assert answer == [Suback(1, codes)]


def test_a_session_without_room_is_counted_once() -> None:
    table = Table(BrokerConfig(max_sessions=1))
    table.join("one")
    assert Client(table).send(Connect("two")) == [Connack(False, ReasonCode.QUOTA_EXCEEDED)]
    assert table.broker.counts.refused == 1
