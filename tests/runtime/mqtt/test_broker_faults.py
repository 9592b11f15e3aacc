"""Faults the broker can be told to have: each does what it says, to whom it says, as often as it says."""

import pytest

from runtime.mqtt.broker.faults import BrokerFault, FaultAction
from runtime.mqtt.packets import (
    MQTT_3_1_1,
    Connack,
    Connect,
    Packet,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    ReasonCode,
    Subscription,
    Will,
    make_publish,
)
from tests.runtime.mqtt.broker_bench import MS, Client, S, Table

HOUR_S = 3600


def message(payload: bytes = b"x", qos: int = 1, topic: str = "a", *, duplicate: bool = False) -> Publish:
    """A message under identifier 1."""
    return make_publish(topic, payload, qos=qos, packet_id=1 if qos else 0, duplicate=duplicate)


def table_with(*faults: BrokerFault) -> tuple[Table, Client, Client]:
    """A broker with `faults`, a client that hears of everything at QoS 2, and one that speaks."""
    table = Table()
    for fault in faults:
        table.broker.faults.add(fault)
    watching = table.join("watcher")
    watching.subscribe(Subscription("#", 2))
    return table, watching, table.join("car", expiry_s=HOUR_S)


# Each action


def test_a_delayed_message_is_acknowledged_at_once_and_handed_on_later() -> None:
    table, watching, car = table_with(BrokerFault(FaultAction.DELAY, delay_s=1.5))
    assert car.send(message()) == [Puback(1)]
    table.wait(1_500 * MS - 1)
    assert watching.payloads() == []
    table.wait(1)
    assert watching.payloads() == [b"x"]


def test_a_delayed_message_outlives_the_session_that_sent_it() -> None:
    table, watching, _ = table_with(BrokerFault(FaultAction.DELAY, delay_s=2))
    brief = table.join("brief")
    brief.send(message())
    brief.lose()
    table.wait(2 * S)
    assert watching.payloads() == [b"x"]


def test_a_message_that_could_never_be_handed_on_is_refused_before_its_delay() -> None:
    _, _, car = table_with(BrokerFault(FaultAction.DELAY, delay_s=2))
    car.send(message(topic="a/+"))
    assert car.is_closed()


def test_messages_delayed_alike_keep_their_order() -> None:
    table, watching, car = table_with(BrokerFault(FaultAction.DELAY, delay_s=2))
    for payload in (b"1", b"2", b"3"):
        car.send(message(payload, 0))
    table.wait(2 * S)
    assert watching.payloads() == [b"1", b"2", b"3"]


def test_a_duplicated_message_is_handed_on_twice_and_acknowledged_once() -> None:
    _, watching, car = table_with(BrokerFault(FaultAction.DUPLICATE))
    assert car.send(message()) == [Puback(1)]
    messages = watching.messages()
    assert [each.payload for each in messages] == [b"x", b"x"]
    assert messages[0].packet_id != messages[1].packet_id


def test_a_connection_that_breaks_before_a_message_has_not_taken_it() -> None:
    table, watching, car = table_with(BrokerFault(FaultAction.DROP_BEFORE, times=1))
    assert car.send(message()) == []
    assert car.is_closed()
    assert watching.payloads() == []
    car = table.join("car", expiry_s=HOUR_S)
    assert car.send(message(duplicate=True)) == [Puback(1)]
    assert watching.payloads() == [b"x"]


def test_a_connection_that_breaks_after_a_message_has_taken_it() -> None:
    """At QoS 1 it is delivered again when it comes again: at least once."""
    table, watching, car = table_with(BrokerFault(FaultAction.DROP_AFTER, times=1))
    assert car.send(message()) == []
    assert car.is_closed()
    assert watching.payloads() == [b"x"]
    assert table.join("car", expiry_s=HOUR_S).send(message(duplicate=True)) == [Puback(1)]
    assert watching.payloads() == [b"x"]


def test_a_connection_that_breaks_after_a_message_of_qos_2_has_taken_it_for_good() -> None:
    """[MQTT-4.3.3-10]: exactly once, whatever is lost; the identifier is taken with the message."""
    table, watching, car = table_with(BrokerFault(FaultAction.DROP_AFTER, times=1))
    assert car.send(message(qos=2)) == []
    car = table.join("car", expiry_s=HOUR_S)
    assert car.send(message(qos=2, duplicate=True)) == [Pubrec(1)]
    assert car.send(Pubrel(1)) == [Pubcomp(1)]
    assert watching.payloads() == [b"x"]


@pytest.mark.parametrize("action", [FaultAction.DROP_BEFORE, FaultAction.DROP_AFTER])
def test_a_connection_that_breaks_is_lost_and_publishes_the_will(action: FaultAction) -> None:
    table, watching, _ = table_with(BrokerFault(action, topic_filter="a"))
    car = table.join("other", will=Will("will", b"lost"))
    car.send(message())
    assert watching.payloads()[-1] == b"lost"


def test_a_refused_message_is_answered_with_the_reason_code_and_handed_to_nobody() -> None:
    fault = BrokerFault(FaultAction.REFUSE_MESSAGE, reason_code=ReasonCode.QUOTA_EXCEEDED)
    _, watching, car = table_with(fault)
    assert car.send(message()) == [Puback(1, ReasonCode.QUOTA_EXCEEDED)]
    assert car.send(message(qos=0)) == []
    assert car.send(message(qos=2)) == [Pubrec(1, ReasonCode.QUOTA_EXCEEDED)]
    assert watching.payloads() == []


def test_an_identifier_refused_at_qos_2_is_a_new_message_when_it_comes_again() -> None:
    """[MQTT-4.3.3-9]"""
    _, watching, car = table_with(BrokerFault(FaultAction.REFUSE_MESSAGE, times=1))
    car.send(message(b"refused", 2))
    assert car.send(message(b"taken", 2)) == [Pubrec(1)]
    assert watching.payloads() == [b"taken"]


def test_a_message_refused_in_3_1_1_is_acknowledged_and_vanishes() -> None:
    """3.1.1 has no reason codes (3.1.1, section 3.4)."""
    table, watching, _ = table_with(BrokerFault(FaultAction.REFUSE_MESSAGE))
    old = Client(table)
    old.connection.receive(table.now_ns, Connect("old", level=MQTT_3_1_1).encode())
    old.raw()
    old.connection.receive(table.now_ns, message().encode(MQTT_3_1_1))
    assert old.raw() == b"\x40\x02\x00\x01"
    assert watching.payloads() == []


def test_the_reason_code_of_a_fault_is_one_that_every_answer_may_carry() -> None:
    """Tables 3-1, 3.4 and 3.5 of MQTT 5 have 0x97 in common; SERVER_BUSY has no place in PUBACK."""
    assert BrokerFault(FaultAction.REFUSE_MESSAGE).reason_code is ReasonCode.QUOTA_EXCEEDED


def test_a_refused_connection_is_told_so_and_closed() -> None:
    fault = BrokerFault(FaultAction.REFUSE_CONNECTION, reason_code=ReasonCode.SERVER_BUSY)
    table = Table()
    table.broker.faults.add(fault)
    client = Client(table)
    assert client.send(Connect("car")) == [Connack(False, ReasonCode.SERVER_BUSY)]
    assert client.is_closed()
    old = Client(table)
    old.connection.receive(table.now_ns, Connect("old", level=MQTT_3_1_1).encode())
    assert old.raw() == b"\x20\x02\x00\x03"
    assert len(table.broker.sessions) == 0


def test_a_refused_connection_leaves_the_one_before_alone() -> None:
    table, _, car = table_with()
    table.broker.faults.add(BrokerFault(FaultAction.REFUSE_CONNECTION))
    Client(table).send(Connect("car"))
    assert not car.is_closed()


# Whom, what, how often


def answers(car: Client, *messages: Publish) -> list[list[Packet]]:
    """What each of `messages` is answered with."""
    return [car.send(each) for each in messages]


def test_a_fault_meets_only_the_client_it_names() -> None:
    table, watching, car = table_with(BrokerFault(FaultAction.REFUSE_MESSAGE, client_id="other"))
    assert car.send(message()) == [Puback(1)]
    assert table.join("other").send(message()) == [Puback(1, ReasonCode.QUOTA_EXCEEDED)]
    assert watching.payloads() == [b"x"]


def test_a_fault_meets_only_topics_that_match() -> None:
    _, watching, car = table_with(BrokerFault(FaultAction.REFUSE_MESSAGE, topic_filter="a/+"))
    answers(car, message(b"1", topic="a"), message(b"2", topic="a/b"), message(b"3", topic="a/b/c"))
    assert watching.payloads() == [b"1", b"3"]


def test_a_fault_is_over_after_as_many_times_as_it_was_told() -> None:
    table, watching, car = table_with(BrokerFault(FaultAction.REFUSE_MESSAGE, times=2))
    answers(car, *(message(b"%d" % number) for number in range(4)))
    assert watching.payloads() == [b"2", b"3"]
    assert not table.broker.faults.is_active


def test_a_message_that_comes_again_is_no_other_time() -> None:
    """A repeated PUBLISH of QoS 2 is answered from the session: nothing is to go wrong with it."""
    table, watching, car = table_with()
    car.send(message(qos=2))
    table.broker.faults.add(BrokerFault(FaultAction.REFUSE_MESSAGE, times=1))
    assert car.send(message(qos=2, duplicate=True)) == [Pubrec(1)]
    assert table.broker.faults.is_active
    assert watching.payloads() == [b"x"]


def test_the_first_fault_that_fits_is_taken() -> None:
    first = BrokerFault(FaultAction.REFUSE_MESSAGE, topic_filter="a", times=1)
    _, watching, car = table_with(first, BrokerFault(FaultAction.DUPLICATE))
    answers(car, message(b"1"), message(b"2"))
    assert watching.payloads() == [b"2", b"2"]


def test_a_fault_of_connections_is_none_of_messages_and_the_other_way_round() -> None:
    table, watching, car = table_with()
    table.broker.faults.add(BrokerFault(FaultAction.REFUSE_CONNECTION, times=1))
    assert car.send(message()) == [Puback(1)]
    assert table.broker.faults.is_active
    assert watching.payloads() == [b"x"]
    table, _, _ = table_with(BrokerFault(FaultAction.REFUSE_MESSAGE, times=1))
    assert Client(table).send(Connect("new")) != [Connack(False, ReasonCode.QUOTA_EXCEEDED)]


def test_a_fault_that_was_removed_is_gone_and_removing_it_again_is_harmless() -> None:
    fault = BrokerFault(FaultAction.REFUSE_MESSAGE)
    table, watching, car = table_with(fault)
    table.broker.faults.remove(fault)
    table.broker.faults.remove(fault)
    assert not table.broker.faults.is_active
    assert car.send(message()) == [Puback(1)]
    assert watching.payloads() == [b"x"]


def test_a_will_is_no_message_of_its_client() -> None:
    """Faults befall what a client sends; a will comes from the broker."""
    table, watching, _ = table_with(BrokerFault(FaultAction.REFUSE_MESSAGE))
    table.join("other", will=Will("will", b"lost")).lose()
    assert watching.payloads() == [b"lost"]
