"""Shared subscriptions on the table: whose turn it is, and what happens to messages whose member has gone."""

from runtime.mqtt.packets import (
    Properties,
    PropertyId,
    Publish,
    Pubrec,
    Pubrel,
    Subscribe,
    Subscription,
    Unsubscribe,
    encode_publish,
    make_publish,
)
from tests.runtime.mqtt.broker_bench import Client, S, Table

SHARED = "$share/pool/a"
HOUR_S = 3600


def member(
    table: Table, client_id: str, qos: int = 1, identifier: int = 0, receive_maximum: int = 0xFFFF
) -> Client:
    """A client that shares, with a session that stays."""
    client = table.join(client_id, expiry_s=HOUR_S, receive_maximum=receive_maximum)
    pairs = Properties((PropertyId.SUBSCRIPTION_IDENTIFIER, identifier)) if identifier else Properties()
    client.send(Subscribe(1, (Subscription(SHARED, qos),), pairs))
    return client


def identifiers(message: Publish) -> list[object]:
    """The Subscription Identifiers of `message`."""
    return [value for kind, value in message.properties if kind is PropertyId.SUBSCRIPTION_IDENTIFIER]


def test_members_take_turns() -> None:
    table = Table()
    members = [member(table, name) for name in "abc"]
    sender = table.join("sender")
    for number in range(6):
        sender.publish("a", b"%d" % number)
    assert [each.payloads() for each in members] == [[b"0", b"3"], [b"1", b"4"], [b"2", b"5"]]


def test_who_can_be_sent_to_at_once_goes_before_who_cannot() -> None:
    table = Table()
    full, absent, free = (
        member(table, "full", receive_maximum=1),
        member(table, "absent"),
        member(table, "free"),
    )
    absent.lose()
    sender = table.join("sender")
    for number in range(4):
        sender.publish("a", b"%d" % number)
    assert full.payloads() == [b"0"]
    assert free.payloads() == [b"1", b"2", b"3"]
    assert table.join("absent", expiry_s=HOUR_S).payloads() == []


def test_who_is_connected_goes_before_who_is_not() -> None:
    table = Table()
    absent, full = member(table, "absent"), member(table, "full", receive_maximum=1)
    absent.lose()
    sender = table.join("sender")
    for number in range(3):
        sender.publish("a", b"%d" % number)
    for number in range(3):
        [message] = full.messages()
        assert message.payload == b"%d" % number
        full.acknowledge(message)


def test_a_member_that_leaves_does_not_cost_another_its_turn() -> None:
    table = Table()
    members = [member(table, name) for name in "abcd"]
    sender = table.join("sender")
    sender.publish("a", b"0")
    sender.publish("a", b"1")
    members[0].send(Unsubscribe(2, (SHARED,)))
    members[0].raw()
    sender.publish("a", b"2")
    sender.publish("a", b"3")
    assert [each.payloads() for each in members[1:]] == [[b"1"], [b"2"], [b"3"]]


def test_what_a_member_has_not_acknowledged_goes_on_when_its_session_ends() -> None:
    """Section 4.8.2: QoS 1, sent or waiting, to another member; as a new message."""
    table = Table()
    gone = member(table, "gone", receive_maximum=1)
    sender = table.join("sender")
    for number in range(3):
        sender.publish("a", b"%d" % number)
    assert gone.payloads() == [b"0"]
    other = member(table, "other")
    gone.lose()
    assert other.messages() == []
    table.wait(HOUR_S * S)
    messages = other.messages()
    assert [each.payload for each in messages] == [b"0", b"1", b"2"]
    assert not any(each.duplicate for each in messages)


def test_what_goes_on_carries_the_identifier_of_its_new_member_alone() -> None:
    """[MQTT-3.3.4-3]"""
    table = Table()
    gone = member(table, "gone", identifier=7)
    table.join("sender").publish("a", b"x", expiry_s=2 * HOUR_S)
    assert [identifiers(each) for each in gone.messages()] == [[7]]
    other, plain = member(table, "other", identifier=300), member(table, "plain")
    gone.lose()
    table.wait(HOUR_S * S)
    [message] = other.messages()
    assert (identifiers(message), message.payload) == ([300], b"x")
    assert message.properties.integer(PropertyId.MESSAGE_EXPIRY_INTERVAL, 0) == HOUR_S
    other.lose()
    table.wait(HOUR_S * S - 1)
    assert plain.messages() == []


def test_what_goes_on_to_a_member_without_identifier_carries_none() -> None:
    table = Table()
    gone = member(table, "gone", identifier=7)
    table.join("sender").publish("a", b"x")
    other = member(table, "other")
    gone.lose()
    table.wait(HOUR_S * S)
    [message] = other.messages()
    assert (identifiers(message), message.payload) == ([], b"x")


def test_what_has_expired_does_not_go_on() -> None:
    table = Table()
    gone = member(table, "gone", receive_maximum=1)
    sender = table.join("sender")
    sender.publish("a", b"short", expiry_s=60)
    sender.publish("a", b"long")
    assert gone.payloads() == [b"short"]
    other = member(table, "other")
    gone.lose()
    table.wait(HOUR_S * S)
    assert other.payloads() == [b"long"]


def test_a_qos_2_message_that_was_sent_does_not_go_on_but_one_that_waits_does() -> None:
    """[MQTT-4.8.2-5]"""
    table = Table()
    gone = member(table, "gone", 2, receive_maximum=2)
    sender = table.join("sender")
    for number in range(3):
        sender.send(make_publish("a", b"%d" % number, qos=2, packet_id=number + 1), Pubrel(number + 1))
    first, _ = gone.messages()
    gone.send(Pubrec(first.packet_id))
    other = member(table, "other", 2)
    gone.lose()
    table.wait(HOUR_S * S)
    assert other.payloads() == [b"2"]


def test_what_was_drawn_is_kept_for_a_member_that_unsubscribes() -> None:
    """Section 3.10.4: delivery that has begun is completed."""
    table = Table()
    leaving, other = member(table, "leaving"), member(table, "other")
    table.join("sender").publish("a", b"x")
    leaving.send(Unsubscribe(2, (SHARED,)))
    leaving.lose()
    assert table.join("leaving", expiry_s=HOUR_S).payloads() == [b"x"]
    assert other.payloads() == []


def test_qos_0_waits_for_nobody() -> None:
    """A member that is connected gets it, or nobody does."""
    table = Table()
    absent = member(table, "absent", 0)
    absent.lose()
    sender = table.join("sender")
    sender.send(encode_publish("a", b"x", 0, qos=0))
    assert table.join("absent", expiry_s=HOUR_S).payloads() == []


def test_retain_as_published_is_each_members_own() -> None:
    """[MQTT-3.3.1-12, MQTT-3.3.1-13]"""
    table = Table()
    plain, flagged = member(table, "plain"), table.join("flagged")
    flagged.subscribe(Subscription(SHARED, 1, retain_as_published=True))
    sender = table.join("sender")
    sender.publish("a", b"1", retain=True)
    sender.publish("a", b"2", retain=True)
    assert [each.retain for each in (*plain.messages(), *flagged.messages())] == [False, True]


def test_a_shared_interest_in_sys_is_an_interest() -> None:
    """$SYS is published while anybody has subscribed to it, shared or not."""
    table = Table()
    client = table.join()
    client.subscribe(Subscription("$share/pool/$SYS/broker/clients/#", 0))
    table.join("other")
    table.wait(10 * S)
    assert "$SYS/broker/clients/connected" in [each.topic_name for each in client.messages()]
