"""What the broker keeps is what is true: through replies in turns, full rooms, and restarts."""

from runtime.mqtt.broker.config import BrokerConfig
from runtime.mqtt.broker.replay import AT_ONCE
from runtime.mqtt.packets import MQTT_3_1_1, Connect, Disconnect, Properties, PropertyId, Subscription
from runtime.virtual_disk import VirtualDisk
from tests.runtime.mqtt.broker_bench import MS, Client, S, Table
from tests.runtime.mqtt.test_broker_ledger import LedgerTable

HOUR_S = 3600
NEVER_S = 0xFFFF_FFFF


def ledger_table(config: BrokerConfig | None = None) -> LedgerTable:
    """A broker with an empty ledger on a disk of its own."""
    disk = VirtualDisk()
    return LedgerTable(lambda: disk.connect("broker"), config)


def many_retained(count: int) -> tuple[Table, Client]:
    """A broker with `count` retained messages under `a`, and who has published them."""
    table = Table()
    backend = table.join("backend")
    for number in range(count):
        backend.publish(f"a/{number}", b"old", retain=True)
    return table, backend


def test_a_retained_message_replaced_meanwhile_does_not_come_after_the_new_one() -> None:
    """[MQTT-3.3.1-5]: who asked is left with what is true."""
    table, backend = many_retained(AT_ONCE + 2)
    car = table.join("car")
    car.subscribe(Subscription("a/#"))
    last, before = f"a/{AT_ONCE + 1}", f"a/{AT_ONCE}"
    backend.publish(last, b"new", retain=True)
    backend.publish(before, b"", retain=True)
    table.wait(S)
    found = [(each.topic_name, each.payload) for each in car.messages()]
    assert found == [(last, b"new"), (before, b"")]


def test_a_subscriber_that_is_away_is_not_looked_at_every_millisecond() -> None:
    table, _ = many_retained(1_100)
    car = table.join("car", expiry_s=HOUR_S, receive_maximum=1)
    car.subscribe(Subscription("a/#"))
    table.wait(10 * MS)
    car.lose()
    looks = 0
    end_ns = table.now_ns + 600 * S
    while (due_ns := table.broker.next_due()) is not None and due_ns <= end_ns:
        table.now_ns = due_ns
        table.broker.advance(due_ns)
        looks += 1
    assert looks < 50
    table.now_ns = end_ns
    car = table.join("car", expiry_s=HOUR_S)
    found = 0
    for _ in range(1_000):
        messages = car.messages()
        car.acknowledge(*messages)
        found += len(messages)
        table.wait(100 * MS)
    assert found == 1_100


def test_a_subscriber_that_takes_nothing_is_looked_at_once_a_second_at_most() -> None:
    table, _ = many_retained(1_100)
    car = table.join("car", receive_maximum=1)
    car.subscribe(Subscription("a/#"))
    table.wait(100 * S)
    first_ns = table.broker.next_due()
    assert first_ns is not None
    table.now_ns = first_ns
    table.broker.advance(first_ns)
    second_ns = table.broker.next_due()
    assert second_ns == first_ns + S


def test_one_more_subscription_wakes_what_was_waiting() -> None:
    table, _ = many_retained(1_100)
    car = table.join("car", expiry_s=HOUR_S)
    car.subscribe(Subscription("a/#"))
    car.lose()
    table.wait(300 * S)
    car = table.join("car", expiry_s=HOUR_S)
    table.wait(10 * MS)
    messages = car.messages()
    car.acknowledge(*messages)
    car.subscribe(Subscription("b"))
    table.wait(10 * MS)
    assert len(messages) + len(car.messages()) == 1_100


def test_what_had_no_room_does_not_bring_the_older_value_back_after_a_restart() -> None:
    """[MQTT-3.3.1-5]"""
    table = ledger_table(BrokerConfig(max_retained_bytes=1_000))
    sender = table.join("sender")
    sender.publish("a", b"old", retain=True)
    sender.publish("a", bytes(1_000), retain=True)
    table.turn()
    table.kill()
    car = table.join("car")
    assert [type(each).__name__ for each in car.subscribe(Subscription("a"))] == ["Suback"]


def test_a_message_goes_out_at_once_alike_whatever_the_form_of_its_receiver() -> None:
    """In MQTT 3.1.1, with aliases, shared and with a ledger: neither a life of 0 s nor a queue of 0 is in its
    way while nothing has to wait."""
    for table in (Table(BrokerConfig(max_queued=0)), ledger_table(BrokerConfig(max_queued=0))):
        plain, aliased, shared = (
            table.join("plain"),
            table.join("aliased", topic_alias_maximum=1),
            table.join("s"),
        )
        old = Client(table)
        old.connection.receive(table.now_ns, Connect("old", level=MQTT_3_1_1).encode())
        old.connection.receive(table.now_ns, b"\x82\x06\x00\x01\x00\x01a\x01")
        old.raw()
        for client in (plain, aliased):
            client.subscribe(Subscription("a"))
        shared.subscribe(Subscription("$share/pool/a"))
        table.join("sender").publish("a", b"x", expiry_s=0)
        assert [each.payloads() for each in (plain, shared)] == [[b"x"], [b"x"]]
        assert aliased.raw().endswith(b"\x23\x00\x01\x02\x00\x00\x00\x00x")
        assert old.raw() == b"\x32\x06\x00\x01a\x00\x01x"


def test_a_life_that_disconnect_has_changed_is_kept_through_a_restart() -> None:
    """Section 3.14.2.2.2."""
    for before_s, after_s, is_there in ((60, NEVER_S, True), (NEVER_S, 60, False), (60, 2 * HOUR_S, True)):
        table = ledger_table()
        car = table.join("car", expiry_s=before_s)
        car.send(Disconnect(properties=Properties((PropertyId.SESSION_EXPIRY_INTERVAL, after_s))))
        table.turn()
        table.kill()
        table.wait(HOUR_S * S)
        assert table.connack("car", expiry_s=60)[1].session_present is is_there
