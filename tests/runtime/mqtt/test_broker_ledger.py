"""What a broker with a ledger still knows when it starts again after SIGKILL, on a file and in memory."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime.disk import FileDisk
from runtime.mqtt.broker.config import BrokerConfig
from runtime.mqtt.broker.core import Broker
from runtime.mqtt.broker.sqlite_ledger import SqliteLedger
from runtime.mqtt.packets import (
    Disconnect,
    Properties,
    PropertyId,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Subscribe,
    Subscription,
    Will,
    encode_publish,
)
from runtime.virtual_disk import VirtualDisk
from tests.runtime.mqtt.broker_bench import Client, S, Table

WEEK_S = 7 * 24 * 3600


class LedgerTable(Table):
    """A broker with a ledger that can be killed: what was not committed is gone."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], config: BrokerConfig | None = None) -> None:
        super().__init__(config)
        self._connect = connect
        self._config = config
        self._world_ns = 1_700_000_000 * S
        self._connection = connect()
        self._start()

    def _start(self) -> None:
        ledger = SqliteLedger(self._connection, epoch_ns=self._world_ns)
        self.broker = Broker(self._config, ledger, self.now_ns)

    def kill(self, down_ns: int = 0) -> None:
        """SIGKILL, and a new start `down_ns` later, on a clock that begins anew."""
        self._connection.rollback()
        self._connection.close()
        self._world_ns += self.now_ns + down_ns - S
        self.now_ns = S
        self._connection = self._connect()
        self._start()

    def turn(self) -> None:
        """The end of a turn: what follows is sent."""
        self.broker.commit()


@pytest.fixture(params=["file", "memory"])
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], sqlite3.Connection]]:
    """Opens the ledger's database on either disk."""
    if request.param == "file":
        yield lambda: FileDisk(tmp_path).connect("broker")
        return
    disk = VirtualDisk()
    yield lambda: disk.connect("broker")
    disk.close()


@pytest.fixture
def table(connect: Callable[[], sqlite3.Connection]) -> LedgerTable:
    """A broker with an empty ledger."""
    return LedgerTable(connect)


def back(table: LedgerTable, client_id: str = "car") -> Client:
    """The client comes back and finds its session."""
    client, connack = table.connack(client_id, expiry_s=WEEK_S)
    assert connack.session_present
    return client


def test_a_session_and_its_subscriptions_are_found_again(table: LedgerTable) -> None:
    table.join(expiry_s=WEEK_S).subscribe(Subscription("a/+", 2, retain_as_published=True))
    table.turn()
    table.kill()
    car = back(table)
    table.join("backend").publish("a/b", b"1", retain=True)
    [message] = car.messages()
    assert (message.payload, message.qos, message.retain) == (b"1", 1, True)


def test_subscription_identifier_and_shared_subscription_are_found_again(table: LedgerTable) -> None:
    properties = Properties((PropertyId.SUBSCRIPTION_IDENTIFIER, 7))
    table.join(expiry_s=WEEK_S).send(Subscribe(1, (Subscription("$share/g/a"),), properties))
    table.turn()
    table.kill()
    car = back(table)
    table.join("backend").publish("a", b"1")
    [message] = car.messages()
    assert message.properties.integer(PropertyId.SUBSCRIPTION_IDENTIFIER, 0) == 7


def test_a_queued_message_survives_in_order(table: LedgerTable) -> None:
    table.join(expiry_s=WEEK_S).subscribe(Subscription("a"))
    table.broker.sessions.get("car").road.closed(table.now_ns)  # type: ignore[union-attr]
    backend = table.join("backend")
    for number in range(5):
        backend.publish("a", b"%d" % number)
    table.turn()
    table.kill()
    assert back(table).payloads() == [b"0", b"1", b"2", b"3", b"4"]


def test_what_was_not_committed_was_not_acknowledged_either(table: LedgerTable) -> None:
    table.join(expiry_s=WEEK_S).subscribe(Subscription("a"))
    table.turn()
    table.join("backend").publish("a", b"lost with its PUBACK")
    table.kill()
    assert back(table).payloads() == []


def test_an_unacknowledged_message_is_sent_again(table: LedgerTable) -> None:
    car = table.join(expiry_s=WEEK_S)
    car.subscribe(Subscription("a"))
    table.join("backend").publish("a", b"1")
    assert car.payloads() == [b"1"]
    table.turn()
    table.kill()
    [again] = back(table).messages()
    assert again.payload == b"1"


def test_an_acknowledged_message_is_not_sent_again_once_that_is_written(table: LedgerTable) -> None:
    car = table.join(expiry_s=WEEK_S)
    car.subscribe(Subscription("a"))
    table.join("backend").publish("a", b"1")
    table.turn()
    car.acknowledge(*car.messages())
    table.join("backend").publish("a", b"2")
    table.turn()
    table.kill()
    assert back(table).payloads() == [b"2"]


def test_messages_in_flight_come_before_those_that_wait_and_keep_their_order(table: LedgerTable) -> None:
    car = table.join(expiry_s=WEEK_S, receive_maximum=2)
    car.subscribe(Subscription("a", 2))
    backend = table.join("backend")
    for number in range(4):
        backend.send(encode_publish("a", b"%d" % number, number + 1, qos=2), Pubrel(number + 1))
    table.turn()
    table.kill()
    car = back(table)
    assert car.payloads() == [b"0", b"1", b"2", b"3"]


# QoS 2


def test_a_qos_2_message_keeps_its_identifier_through_the_kill(table: LedgerTable) -> None:
    """Else the client, which has received it, could not know it again [MQTT-4.3.3-1]."""
    car = table.join(expiry_s=WEEK_S)
    car.subscribe(Subscription("a", 2))
    table.join("backend").send(encode_publish("a", b"1", 1, qos=2))
    [first] = car.messages()
    table.turn()
    table.kill()
    [again] = back(table).messages()
    assert (again.packet_id, again.duplicate) == (first.packet_id, True)


def test_so_does_one_that_waited_first(table: LedgerTable) -> None:
    table.join(expiry_s=WEEK_S).subscribe(Subscription("a", 2))
    table.broker.sessions.get("car").road.closed(table.now_ns)  # type: ignore[union-attr]
    backend = table.join("backend")
    backend.send(encode_publish("a", b"1", 1, qos=2), encode_publish("a", b"2", 2, qos=2))
    table.turn()
    car, _ = table.connack("car", expiry_s=WEEK_S, receive_maximum=1)
    [first] = car.messages()
    table.turn()
    car.send(Pubrec(first.packet_id))
    table.turn()
    car.connection.receive(table.now_ns, Pubcomp(first.packet_id).encode())
    [second] = car.messages()
    table.turn()
    table.kill()
    [again] = back(table).messages()
    assert (again.payload, again.packet_id, again.duplicate) == (b"2", second.packet_id, True)


def test_after_pubrec_only_pubrel_is_sent_again(table: LedgerTable) -> None:
    """[MQTT-4.3.3-6]"""
    car = table.join(expiry_s=WEEK_S)
    car.subscribe(Subscription("a", 2))
    table.join("backend").send(encode_publish("a", b"1", 1, qos=2))
    [message] = car.messages()
    table.turn()
    assert car.send(Pubrec(message.packet_id)) == [Pubrel(message.packet_id)]
    table.turn()
    table.kill()
    car = back(table)
    assert car.read() == [Pubrel(message.packet_id)]
    car.send(Pubcomp(message.packet_id))
    table.join("backend").publish("a", b"2")
    table.turn()
    table.kill()
    assert back(table).payloads() == [b"2"]


def test_a_qos_2_message_from_a_client_is_taken_once(table: LedgerTable) -> None:
    """[MQTT-4.3.3-10]: the identifier survives until PUBREL, and not longer."""
    table.join(expiry_s=WEEK_S).subscribe(Subscription("a"))
    backend = table.join("backend", expiry_s=WEEK_S)
    assert backend.send(encode_publish("a", b"1", 9, qos=2)) == [Pubrec(9)]
    table.turn()
    table.kill()
    backend = back(table, "backend")
    assert backend.send(encode_publish("a", b"1", 9, qos=2, duplicate=True)) == [Pubrec(9)]
    assert backend.send(Pubrel(9)) == [Pubcomp(9)]
    table.turn()
    table.kill()
    back(table, "backend").send(encode_publish("a", b"2", 9, qos=2))
    assert back(table).payloads() == [b"1", b"2"]


# Time


def test_a_message_loses_the_life_it_spent_while_the_broker_was_down(table: LedgerTable) -> None:
    table.join(expiry_s=WEEK_S).subscribe(Subscription("a"))
    table.broker.sessions.get("car").road.closed(table.now_ns)  # type: ignore[union-attr]
    backend = table.join("backend")
    backend.publish("a", b"short", expiry_s=10)
    backend.publish("a", b"long", expiry_s=100)
    table.turn()
    table.kill(down_ns=10 * S)
    [message] = back(table).messages()
    assert message.payload == b"long"
    assert message.properties.integer(PropertyId.MESSAGE_EXPIRY_INTERVAL, 0) == 90


@pytest.mark.parametrize(("down_ns", "is_there"), [(60 * S - 1, True), (60 * S, False)])
def test_a_session_ends_on_time_whether_the_broker_lives_or_not(
    table: LedgerTable, down_ns: int, is_there: bool
) -> None:
    table.join(expiry_s=60).lose()
    table.turn()
    table.kill(down_ns=down_ns)
    table.wait(0)
    assert table.connack(expiry_s=60)[1].session_present is is_there


def test_a_client_that_was_connected_has_its_whole_expiry_from_the_new_start_on(table: LedgerTable) -> None:
    table.join(expiry_s=60)
    table.turn()
    table.kill(down_ns=1_000 * S)
    table.wait(60 * S - 1)
    assert table.connack(expiry_s=60)[1].session_present


def test_a_session_that_was_not_to_outlive_its_connection_is_gone(table: LedgerTable) -> None:
    table.join(expiry_s=0)
    table.turn()
    table.kill()
    assert len(table.broker.sessions) == 0


# Wills


def test_the_will_of_a_client_that_was_connected_is_published_at_the_new_start(table: LedgerTable) -> None:
    """Its connection was lost with the broker, and no DISCONNECT has come [MQTT-3.1.2-8]."""
    table.join("watcher", expiry_s=WEEK_S).subscribe(Subscription("will"))
    table.join(expiry_s=WEEK_S, will=Will("will", b"gone", 1))
    table.turn()
    table.kill()
    assert back(table, "watcher").payloads() == [b"gone"]
    table.turn()
    table.kill()
    assert b"gone" not in [each.payload for each in back(table).messages()]


def test_a_delayed_will_comes_when_it_is_due_and_once(table: LedgerTable) -> None:
    delayed = Will("will", b"gone", 1, properties=Properties((PropertyId.WILL_DELAY_INTERVAL, 30)))
    table.join("watcher", expiry_s=WEEK_S).subscribe(Subscription("will"))
    table.join(expiry_s=WEEK_S, will=delayed).lose()
    table.turn()
    table.kill(down_ns=20 * S)
    watcher = back(table, "watcher")
    table.wait(10 * S - 1)
    assert watcher.payloads() == []
    table.wait(1)
    messages = watcher.messages()
    assert [each.payload for each in messages] == [b"gone"]
    watcher.acknowledge(*messages)
    table.join("other").publish("will", b"")
    table.turn()
    table.kill(down_ns=100 * S)
    table.wait(100 * S)
    assert back(table, "watcher").payloads() == [b""]


def test_an_orderly_disconnect_takes_the_will_back_for_good(table: LedgerTable) -> None:
    table.join("watcher", expiry_s=2 * WEEK_S).subscribe(Subscription("will"))
    table.join(expiry_s=WEEK_S, will=Will("will", b"gone", 1)).send(Disconnect())
    table.turn()
    table.kill()
    table.wait(WEEK_S * S)
    watcher, _ = table.connack("watcher", expiry_s=WEEK_S)
    assert watcher.payloads() == []


# Retained messages


def test_retained_messages_survive_and_a_cleared_one_stays_cleared(table: LedgerTable) -> None:
    backend = table.join("backend")
    backend.publish("a", b"1", retain=True)
    backend.publish("b", b"2", retain=True)
    backend.publish("c", b"3", retain=True)
    table.turn()
    backend.publish("a", b"newer", retain=True)
    backend.publish("b", b"", retain=True)
    table.turn()
    table.kill()
    car = table.join()
    car.subscribe(Subscription("#"))
    car.read()
    table.kill()
    car = table.join()
    suback, *messages = car.subscribe(Subscription("#"))
    assert [each.payload for each in messages if isinstance(each, Publish)] == [b"3", b"newer"], suback


def test_a_subscriber_of_sys_is_told_of_changes_again(table: LedgerTable) -> None:
    table.join("watcher", expiry_s=WEEK_S).subscribe(Subscription("$SYS/broker/clients/connected"))
    table.turn()
    table.kill()
    watcher = back(table, "watcher")
    table.join("car")
    table.wait(10 * S)
    assert watcher.payloads() == [b"2"]


# The end of things


def test_clean_start_leaves_nothing_of_the_old_session(table: LedgerTable) -> None:
    table.join(expiry_s=WEEK_S).subscribe(Subscription("a"))
    table.broker.sessions.get("car").road.closed(table.now_ns)  # type: ignore[union-attr]
    table.join("backend").publish("a", b"old")
    table.join(clean_start=True, expiry_s=WEEK_S)
    table.turn()
    table.kill()
    car = back(table)
    table.join("backend").publish("a", b"new")
    assert car.payloads() == []


def test_an_empty_ledger_is_empty_again_when_everybody_has_left(
    table: LedgerTable, connect: Callable[[], sqlite3.Connection]
) -> None:
    car = table.join(expiry_s=WEEK_S)
    car.subscribe(Subscription("a"))
    table.join("backend").publish("a", b"1")
    car.acknowledge(*car.messages())
    car.send(Disconnect(properties=Properties((PropertyId.SESSION_EXPIRY_INTERVAL, 0))))
    table.turn()
    connection = connect()
    for name in ("session", "subscription", "message", "incoming"):
        owner = "client_id = 'car'"
        assert connection.execute(f"SELECT count(*) FROM {name} WHERE {owner}").fetchone() == (0,), name
    connection.close()


def test_a_message_kept_sent_and_acknowledged_between_two_commits_is_never_written(
    table: LedgerTable, connect: Callable[[], sqlite3.Connection]
) -> None:
    car = table.join(expiry_s=WEEK_S)
    car.subscribe(Subscription("a"))
    table.turn()
    table.join("backend").publish("a", b"1")
    car.acknowledge(*car.messages())
    table.turn()
    connection = connect()
    assert connection.execute("SELECT count(*) FROM message").fetchone() == (0,)
    connection.close()


def test_a_puback_alone_waits_for_the_next_transaction(table: LedgerTable) -> None:
    """After a crash in between the message comes once more, with which QoS 1 lives."""
    car = table.join(expiry_s=WEEK_S)
    car.subscribe(Subscription("a"))
    table.join("backend").publish("a", b"1")
    [message] = car.messages()
    table.turn()
    car.send(Puback(message.packet_id))
    table.turn()
    table.kill()
    assert back(table).payloads() == [b"1"]
