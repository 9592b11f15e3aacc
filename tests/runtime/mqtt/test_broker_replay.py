"""Retained messages reach a new subscriber a few at a time, all of them, and nobody else has to wait."""

import pytest

from runtime.mqtt.broker.replay import AT_ONCE
from runtime.mqtt.packets import (
    Connack,
    Connect,
    Disconnect,
    Properties,
    PropertyId,
    Publish,
    ReasonCode,
    Subscribe,
    Subscription,
    Unsubscribe,
)
from tests.runtime.mqtt.broker_bench import MS, Client, S, Table

TOPICS = 5 * AT_ONCE // 2


@pytest.fixture
def table() -> Table:
    """A broker with many retained messages."""
    table = Table()
    backend = table.join("backend")
    for number in range(TOPICS):
        backend.publish(f"a/{number}", b"%d" % number, retain=True)
    backend.publish("b", b"b", retain=True)
    return table


def take(client: Client) -> list[bytes]:
    """What has come, acknowledged."""
    messages = client.messages()
    client.acknowledge(*messages)
    return [message.payload for message in messages]


def nothing_is_due(table: Table) -> bool:
    """Whether the broker would sleep for ever, once the time for CONNECT is over."""
    table.wait(10 * S)
    return table.broker.next_due() is None


def test_a_filter_that_matches_everything_is_answered_in_turns(table: Table) -> None:
    car = table.join("car")
    car.connection.receive(table.now_ns, Subscribe(1, (Subscription("a/#", 1),)).encode())
    first = take(car)
    assert len(first) == AT_ONCE
    table.join("other").publish("x", b"")
    rest = []
    for _ in range(5):
        table.wait(MS)
        rest += take(car)
    assert first + rest == [b"%d" % number for number in range(TOPICS)]
    assert nothing_is_due(table)


def test_a_subscriber_that_takes_nothing_is_not_buried(table: Table) -> None:
    car = table.join("car", receive_maximum=1)
    for filters in (("a/#", "+/#", "#", "a/+"), ("a/1", "a/2")):
        subscribe = Subscribe(1, tuple(Subscription(each, 1) for each in filters))
        car.connection.receive(table.now_ns, subscribe.encode())
    table.wait(10 * S)
    session = table.broker.sessions.get("car")
    assert session is not None
    assert session.depth == 1_000
    seen = 0
    while True:
        table.wait(MS)
        messages = car.messages()
        if not messages:
            break
        seen += len(messages)
        car.acknowledge(*messages)
    assert seen == TOPICS + 2 * (TOPICS + 1) + TOPICS + 2


def test_a_session_that_ends_is_given_nothing_more(table: Table) -> None:
    car = table.join("car")
    car.subscribe(Subscription("#", 1))
    car.send(Disconnect())
    assert nothing_is_due(table)


def test_one_that_is_away_finds_the_rest_when_it_comes_back(table: Table) -> None:
    car = table.join("car", expiry_s=60)
    car.connection.receive(table.now_ns, Subscribe(1, (Subscription("a/#", 1),)).encode())
    got = take(car)
    car.lose()
    table.wait(S)
    car = table.join("car", expiry_s=60)
    while payloads := take(car):
        got += payloads
        table.wait(MS)
    assert got == [b"%d" % number for number in range(TOPICS)]


def test_what_is_published_meanwhile_is_not_held_up(table: Table) -> None:
    car = table.join("car")
    car.subscribe(Subscription("#", 1))
    take(car)
    table.join("backend").publish("news", b"now")
    assert b"now" in take(car)


def test_a_subscriber_that_has_unsubscribed_may_still_be_given_what_it_asked_for(table: Table) -> None:
    """Section 3.10.4: the server may go on with what it has begun to deliver."""
    car = table.join("car")
    car.subscribe(Subscription("a/#", 1))
    take(car)
    car.send(Unsubscribe(2, ("a/#",)))
    table.wait(S)
    assert len(take(car)) == TOPICS - AT_ONCE


# Retained messages by filter


@pytest.mark.parametrize(
    ("topic_filter", "found"),
    [
        ("#", ["a", "a/b", "a/b/c", "/a", "a/", "d"]),
        ("+", ["a", "d"]),
        ("+/+", ["a/b", "/a", "a/"]),
        ("a/#", ["a", "a/b", "a/b/c", "a/"]),
        ("a/+/c", ["a/b/c"]),
        ("+/b/#", ["a/b", "a/b/c"]),
        ("$SYS2/#", ["$SYS2/x"]),
        ("+/x", []),
        ("a/b/c/d", []),
        ("a/", ["a/"]),
    ],
)
def test_the_tree_finds_what_the_standard_says(topic_filter: str, found: list[str]) -> None:
    """Sections 4.7.1 and 4.7.2."""
    table = Table()
    backend = table.join("backend")
    for topic in ("a", "a/b", "a/b/c", "/a", "a/", "$SYS2/x", "d", "gone/deep/down"):
        backend.publish(topic, b"x", retain=True)
    backend.publish("gone/deep/down", b"", retain=True)
    answers = table.join("car").subscribe(Subscription(topic_filter, 1))
    assert sorted(each.topic_name for each in answers if isinstance(each, Publish)) == sorted(found)


# Answers that do not fit


def test_a_client_that_can_take_no_answer_is_refused() -> None:
    """[MQTT-3.1.2-24]"""
    table = Table()
    client = Client(table)
    answer = client.send(Connect("car", properties=Properties((PropertyId.MAXIMUM_PACKET_SIZE, 15))))
    assert answer == [Connack(False, ReasonCode.PACKET_TOO_LARGE)]
    assert client.is_closed()


def test_a_suback_larger_than_the_client_takes_ends_the_connection() -> None:
    """[MQTT-3.1.2-24]: what cannot be told may not be left unsaid either."""
    table = Table()
    subscriptions = tuple(Subscription(f"a/{number}") for number in range(20))
    car = table.join("car", maximum_packet_size=24)
    assert car.send(Subscribe(1, subscriptions)) == [Disconnect(ReasonCode.PACKET_TOO_LARGE)]
    car = table.join("car", maximum_packet_size=25)
    assert len(car.send(Subscribe(1, subscriptions))) == 1
