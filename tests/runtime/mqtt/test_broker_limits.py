"""The broker's queues, windows and counts, and what it keeps and forgets."""

import gc
import weakref

import pytest

from runtime.mqtt.broker.config import PROFILES, BrokerConfig, DropPolicy
from runtime.mqtt.broker.session import Session
from runtime.mqtt.packets import (
    Disconnect,
    Puback,
    ReasonCode,
    Subscribe,
    Subscription,
    Unsubscribe,
    encode_publish,
)
from tests.runtime.mqtt.broker_bench import S, Table

HOUR_S = 3600


# Limits


@pytest.mark.parametrize(
    ("policy", "kept"), [(DropPolicy.NEWEST, [b"0", b"1"]), (DropPolicy.OLDEST, [b"2", b"3"])]
)
def test_a_full_queue_loses_messages_by_its_policy(policy: DropPolicy, kept: list[bytes]) -> None:
    table = Table(BrokerConfig(max_queued=2, drop_policy=policy))
    client = table.join(expiry_s=HOUR_S)
    client.subscribe(Subscription("a"))
    client.lose()
    sender = table.join("sender")
    for number in range(4):
        sender.publish("a", str(number).encode())
    assert table.join(expiry_s=HOUR_S).payloads() == kept
    assert table.broker.counts.dropped == 2


def test_a_full_queue_makes_room_of_what_has_expired_first() -> None:
    table = Table(BrokerConfig(max_queued=2))
    client = table.join(expiry_s=HOUR_S)
    client.subscribe(Subscription("a"))
    client.lose()
    sender = table.join("sender")
    sender.publish("a", b"kept")
    sender.publish("a", b"short", expiry_s=1)
    table.wait(S)
    sender.publish("a", b"new")
    assert table.join(expiry_s=HOUR_S).payloads() == [b"kept", b"new"]
    assert (table.broker.counts.dropped, table.broker.counts.expired) == (0, 1)


def test_a_full_queue_makes_room_whenever_its_next_message_expires() -> None:
    table = Table(BrokerConfig(max_queued=2))
    publisher, car = table.join("publisher"), table.join(expiry_s=60)
    car.subscribe(Subscription("t"))
    car.lose()
    for at_s, life_s in ((0, 10), (0, 20), (5, 30), (10, 5), (12, 30), (15, 30), (16, 1)):
        table.wait((1 + at_s) * S - table.now_ns)
        publisher.publish("t", b"%d" % at_s, expiry_s=life_s)
    assert table.join(expiry_s=60).payloads() == [b"0", b"15"]
    assert (table.broker.counts.expired, table.broker.counts.dropped) == (2, 3)


def test_the_broker_limits_what_is_in_flight_whatever_the_client_allows() -> None:
    table = Table(BrokerConfig(max_inflight=2))
    client = table.join()
    client.subscribe(Subscription("a"))
    sender = table.join("sender")
    for number in range(4):
        sender.publish("a", str(number).encode())
    first, _ = client.messages()
    client.acknowledge(first)
    assert client.payloads() == [b"2"]


def test_redelivery_that_was_cut_short_goes_on_in_the_original_order() -> None:
    """[MQTT-4.4.0-1, MQTT-4.6.0-1]"""
    table = Table()
    client, sender = table.join(expiry_s=HOUR_S), table.join("sender")
    client.subscribe(Subscription("a"))
    for number in range(3):
        sender.publish("a", str(number).encode())
    client.lose()
    client = table.join(expiry_s=HOUR_S, receive_maximum=1)
    assert client.payloads() == [b"0"]
    sender.publish("a", b"new")
    client.lose()
    messages = table.join(expiry_s=HOUR_S).messages()
    assert [each.payload for each in messages] == [b"0", b"1", b"2", b"new"]
    assert [each.duplicate for each in messages] == [True, True, True, False]


def test_a_slow_client_is_not_written_to_and_its_messages_wait_in_order() -> None:
    table = Table()
    client, sender = table.join(), table.join("sender")
    client.subscribe(Subscription("a"))
    client.connection.pause()
    sender.publish("a", b"1")
    sender.send(encode_publish("a", b"2", 0, qos=0))
    assert client.read() == []
    client.connection.resume(table.now_ns)
    assert client.payloads() == [b"1", b"2"]


def test_qos_0_that_waited_needs_no_place_in_a_full_window() -> None:
    """[MQTT-3.3.4-9]: Receive Maximum counts QoS 1 and 2."""
    table = Table()
    client, sender = table.join(receive_maximum=1), table.join("sender")
    client.subscribe(Subscription("a"))
    sender.publish("a", b"1")
    client.connection.pause()
    sender.send(encode_publish("a", b"0", 0, qos=0))
    sender.publish("a", b"2")
    client.connection.resume(table.now_ns)
    assert client.payloads() == [b"1", b"0"]


def test_qos_0_messages_of_a_slow_client_go_with_its_connection() -> None:
    table = Table()
    client, sender = table.join(expiry_s=HOUR_S), table.join("sender")
    client.subscribe(Subscription("a"))
    client.connection.pause()
    sender.send(encode_publish("a", b"qos 0", 0, qos=0))
    sender.publish("a", b"qos 1")
    client.lose()
    assert table.join(expiry_s=HOUR_S).payloads() == [b"qos 1"]


def test_a_client_that_exceeds_the_announced_receive_maximum_is_disconnected() -> None:
    """[MQTT-3.3.4-7], section 3.3.4: 0x93, counted in acknowledgements that could not leave yet."""
    client = Table(BrokerConfig(receive_maximum=2)).join()
    client.connection.pause()
    for number in (1, 2):
        assert isinstance(client.send(encode_publish("a", b"", number))[0], Puback)
    assert client.send(encode_publish("a", b"", 3)) == [Disconnect(ReasonCode.RECEIVE_MAXIMUM_EXCEEDED)]


def test_packet_identifiers_go_round_and_skip_those_in_flight() -> None:
    """[MQTT-2.2.1-4]"""
    table = Table()
    client, sender = table.join(), table.join("sender")
    client.subscribe(Subscription("a"))
    sender.publish("a", b"kept")
    assert [each.packet_id for each in client.messages()] == [1]
    for _ in range(0xFFFF - 1):
        sender.publish("a")
        client.acknowledge(*client.messages())
    sender.publish("a")
    assert [each.packet_id for each in client.messages()] == [2]


def test_a_puback_for_nothing_changes_nothing() -> None:
    table = Table()
    client = table.join()
    assert client.send(Puback(9)) == []
    assert table.broker.counts.acknowledged == 0


def test_profiles_are_of_brokers_in_the_field() -> None:
    assert list(PROFILES) == ["default", "mosquitto", "emqx", "hivemq"]
    assert PROFILES["emqx"].drop_policy is DropPolicy.OLDEST


# The whole


def test_counts_tell_messages_redeliveries_and_acknowledgements() -> None:
    table = Table()
    client, sender = table.join(expiry_s=HOUR_S), table.join("sender")
    client.subscribe(Subscription("a"))
    sender.publish("a")
    client.lose()
    client = table.join(expiry_s=HOUR_S)
    client.acknowledge(*client.messages())
    counts = table.broker.counts
    assert (counts.messages_in, counts.messages_out, counts.redelivered, counts.acknowledged) == (1, 2, 1, 1)


def test_a_broker_that_was_killed_and_kept_its_state_resumes_sessions() -> None:
    table = Table()
    client, sender = table.join(expiry_s=HOUR_S), table.join("sender")
    client.subscribe(Subscription("a"))
    sender.publish("a", b"x")
    table.broker.lose_connections(table.now_ns)
    client, connack = table.connack(expiry_s=HOUR_S)
    assert connack.session_present
    [message] = client.messages()
    assert (message.payload, message.duplicate) == (b"x", True)


def test_the_end_of_a_session_ends_its_subscriptions() -> None:
    table = Table()
    client = table.join()
    client.subscribe(Subscription("a"), Subscription("b/+"))
    client.lose()
    sender = table.join("sender")
    assert sender.send(encode_publish("a", b"", 1)) == [Puback(1, ReasonCode.NO_MATCHING_SUBSCRIBERS)]


def test_routes_follow_subscriptions() -> None:
    """A route is remembered per topic, and forgotten when anyone subscribes or unsubscribes."""
    table = Table()
    sender, client = table.join("sender"), table.join()
    for change, expected in (
        (Unsubscribe(1, ("none",)), []),
        (Subscribe(2, (Subscription("a"),)), [b"x"]),
        (Unsubscribe(3, ("a",)), []),
        (Subscribe(4, (Subscription("#"),)), [b"x"]),
    ):
        client.send(change)
        sender.publish("a", b"x")
        assert client.payloads() == expected


def sessions_alive() -> int:
    gc.collect()
    return sum(isinstance(each, Session) for each in gc.get_objects())


def test_what_has_ended_is_not_kept_until_its_time_outs_would_have_come() -> None:
    elsewhere = sessions_alive()
    table = Table()
    client = table.join(keep_alive_s=0xFFFF, expiry_s=7 * 24 * 3600)
    client.lose()
    connection = weakref.ref(client)
    del client
    table.join(clean_start=True)
    assert sessions_alive() == elsewhere + 1
    assert connection() is None


def test_a_message_too_large_for_the_next_connection_is_not_sent_again() -> None:
    """[MQTT-3.1.2-24, MQTT-3.1.2-25]: dropped, and those behind it go on."""
    table = Table()
    publisher, car = table.join("publisher"), table.join(expiry_s=60)
    car.subscribe(Subscription("t"))
    for payload in (b"x" * 100, b"small"):
        publisher.publish("t", payload)
    assert len(car.payloads()) == 2
    car.lose()
    car = table.join(expiry_s=60, maximum_packet_size=60)
    assert car.payloads() == [b"small"]
    assert table.broker.counts.dropped == 1
