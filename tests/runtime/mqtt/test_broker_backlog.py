"""What waits for a client leaves a few at a time, all of it, in order, and nobody else has to wait."""

import pytest

from runtime.mqtt.broker.backlog import AT_ONCE
from runtime.mqtt.broker.config import BrokerConfig
from runtime.mqtt.packets import Pingresp, Subscription
from tests.runtime.mqtt.broker_bench import MS, Client, Table

HOUR_S = 3600
MANY = 5 * AT_ONCE // 2


def left_behind(table: Table, name: str = "car", qos: int = 1) -> None:
    """A session of an hour for which many messages wait."""
    client = table.join(name, expiry_s=HOUR_S)
    client.subscribe(Subscription("a", qos))
    client.lose()


def fill(table: Table) -> None:
    """The messages that wait."""
    sender = table.join("sender")
    for number in range(MANY):
        sender.publish("a", b"%d" % number)
        sender.read()


def numbers(payloads: list[bytes]) -> list[int]:
    """What is in them."""
    return [int(each) for each in payloads]


@pytest.fixture
def table() -> Table:
    """A broker with a session that much waits for."""
    table = Table()
    left_behind(table)
    fill(table)
    return table


def test_what_waits_leaves_in_turns_without_a_word_from_the_client(table: Table) -> None:
    car = table.join("car", expiry_s=HOUR_S)
    found = []
    for _ in range(3):
        found.append(numbers(car.payloads()))
        table.wait(MS)
    assert [len(each) for each in found] == [AT_ONCE, AT_ONCE, AT_ONCE // 2]
    assert [number for each in found for number in each] == list(range(MANY))
    table.wait(20_000 * MS)
    due_ns = table.broker.next_due()
    assert due_ns is None or due_ns > table.now_ns + 20_000 * MS


def test_what_was_sent_and_not_acknowledged_is_sent_again_in_turns(table: Table) -> None:
    car = table.join("car", expiry_s=HOUR_S)
    table.wait(2 * MS)
    car.lose()
    car = table.join("car", expiry_s=HOUR_S)
    assert numbers(car.payloads()) == list(range(AT_ONCE))
    table.wait(MS)
    car.lose()
    car = table.join("car", expiry_s=HOUR_S)
    table.wait(2 * MS)
    assert numbers(car.payloads()) == list(range(MANY))


def test_a_new_message_waits_for_its_turn_behind_the_others(table: Table) -> None:
    car = table.join("car", expiry_s=HOUR_S)
    table.join("other").publish("a", b"%d" % MANY)
    table.wait(2 * MS)
    assert numbers(car.payloads()) == list(range(MANY + 1))


def test_an_acknowledgement_gives_nobody_more_than_its_share(table: Table) -> None:
    car = table.join("car", expiry_s=HOUR_S)
    car.acknowledge(car.messages()[0])
    assert len(car.messages()) == 2


def test_who_acknowledges_is_not_kept_waiting_for_the_backlog() -> None:
    """Everything through a window of ten, in no time at all."""
    table = Table(BrokerConfig(max_inflight=10))
    left_behind(table)
    fill(table)
    car = table.join("car", expiry_s=HOUR_S)
    found = []
    while messages := car.messages():
        found += [each.payload for each in messages]
        car.acknowledge(*messages)
    assert numbers(found) == list(range(MANY))


def test_of_several_that_are_behind_one_goes_on_every_millisecond() -> None:
    table = Table()
    for name in ("one", "two"):
        left_behind(table, name)
    fill(table)
    clients = [table.join(name, expiry_s=HOUR_S) for name in ("one", "two")]
    assert sizes(clients) == [AT_ONCE, AT_ONCE]
    turns = []
    for _ in range(5):
        table.wait(MS)
        turns.append(sizes(clients))
    assert turns == [[AT_ONCE, 0], [0, AT_ONCE], [AT_ONCE // 2, 0], [0, AT_ONCE // 2], [0, 0]]


def sizes(clients: list[Client]) -> list[int]:
    """How many messages each of them got since the last time."""
    return [len(client.messages()) for client in clients]


def test_who_has_gone_or_reads_nothing_gets_no_more(table: Table) -> None:
    car = table.join("car", expiry_s=HOUR_S)
    car.connection.pause()
    table.wait(10 * MS)
    assert len(car.messages()) == AT_ONCE
    car.connection.resume(table.now_ns)
    car.lose()
    table.wait(10 * MS)
    assert len(car.messages()) == AT_ONCE
    assert table.join("other").send(b"\xc0\x00") == [Pingresp()]
