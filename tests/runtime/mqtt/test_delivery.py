"""Delivery between an outbox and an MQTT session: order, window, expiry, refusal, acknowledgement."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.mqtt.port import IncomingMessage
from tests.runtime.mqtt.delivery_bench import World, a_turn, incoming


def test_what_was_committed_while_the_road_was_closed_goes_out_in_order_when_it_opens() -> None:
    world = World()

    async def story() -> None:
        world.add("a", "b")
        world.add("c")
        await a_turn()
        assert world.port.sent == []
        world.port.up()
        assert world.port.keys() == ["a", "b", "c"]
        assert world.delivery.in_flight == world.delivery.depth == 3

    world.run(story())


def test_a_commit_goes_out_in_the_next_turn_and_is_deleted_when_acknowledged() -> None:
    world = World()

    async def story() -> None:
        world.port.up()
        world.add("a")
        assert world.port.sent == []
        await a_turn()
        assert world.port.keys() == ["a"]
        assert world.waiting() == ["a"]
        world.port.acknowledge("a")
        assert world.waiting() == []
        assert world.depths[-2:] == [1, 0]
        assert world.packets == [("up", "status", "a", 2)]

    world.run(story())


@pytest.mark.parametrize(("receive_maximum", "window"), [(65_535, 20), (20, 20), (3, 3)])
def test_the_window_is_the_smaller_of_20_and_the_brokers_receive_maximum(
    receive_maximum: int, window: int
) -> None:
    world = World()
    keys = [f"{number:02}" for number in range(50)]

    async def story() -> None:
        world.add(*keys)
        world.port.up(receive_maximum)
        assert world.port.keys() == keys[:window]
        world.port.acknowledge(keys[1])
        assert world.port.keys() == keys[: window + 1]
        for key in keys:
            world.port.acknowledge(key)
            assert world.delivery.in_flight <= window
        assert world.port.keys() == keys
        assert world.waiting() == []

    world.run(story())


def test_what_was_under_way_is_sent_again_in_order_on_the_next_connection() -> None:
    world = World(window=3)

    async def story() -> None:
        world.add(*"abcde")
        world.port.up()
        world.port.acknowledge("b")
        world.port.down()
        assert world.delivery.in_flight == 0
        world.port.up()
        assert world.port.keys() == ["a", "c", "d"]
        assert world.sessions == [True, False, True]

    world.run(story())


def test_a_road_that_breaks_while_filling_loses_nothing() -> None:
    world = World()

    async def story() -> None:
        world.add(*"abcd")
        world.port.breaks_after = 2
        world.port.up()
        assert world.port.keys() == ["a", "b"]
        world.port.breaks_after = None
        world.port.down()
        world.port.up()
        assert world.port.keys() == ["a", "b", "c", "d"]

    world.run(story())


@pytest.mark.parametrize(
    ("reason_code", "refused"), [(0x00, False), (0x10, False), (0x7F, False), (0x80, True), (0x87, True)]
)
def test_a_reason_code_from_80_on_puts_the_entry_aside_for_good(reason_code: int, refused: bool) -> None:
    world = World()

    async def story() -> None:
        world.port.up()
        world.add("a")
        await a_turn()
        world.port.acknowledge("a", reason_code)
        assert world.waiting() == []
        assert world.refused == ([("a", reason_code)] if refused else [])
        dead = world.database.execute("SELECT key, reason_code FROM outbox_dead").fetchall()
        assert dead == world.refused
        assert world.delivery.counts.refused == refused

    world.run(story())


def test_an_acknowledgement_nobody_waits_for_changes_nothing() -> None:
    world = World()

    async def story() -> None:
        world.add("a")
        world.port.up()
        world.delivery.acknowledged(99, 0)
        assert world.waiting() == ["a"]

    world.run(story())


@pytest.mark.parametrize(
    ("waited_ms", "expiry_s"),
    [(0, 60), (1, 60), (1_000, 59), (1_001, 59), (59_000, 1), (59_999, 1), (60_000, None)],
)
def test_the_expiry_interval_is_the_life_that_is_left_in_whole_seconds_up(
    waited_ms: int, expiry_s: int | None
) -> None:
    world = World()

    async def story() -> None:
        world.add("a", lives_ms=60_000)
        await asyncio.sleep(waited_ms / 1000)
        world.port.up()
        assert [message.expiry_s for _, message in world.port.sent] == (
            [] if expiry_s is None else [expiry_s]
        )
        assert [entry.message.key for entry in world.expired] == ([] if expiry_s is not None else ["a"])

    world.run(story())


def test_an_entry_expires_on_time_while_the_road_is_closed() -> None:
    world = World()

    async def story() -> None:
        world.add("long", lives_ms=9_000)
        world.add("short", lives_ms=5_000)
        world.add("ever")
        await asyncio.sleep(4.999)
        assert world.waiting() == ["long", "short", "ever"]
        await asyncio.sleep(0.001)
        await a_turn()
        assert world.waiting() == ["long", "ever"]
        await asyncio.sleep(4)
        assert world.waiting() == ["ever"]
        assert [entry.message.key for entry in world.expired] == ["short", "long"]
        assert world.delivery.counts.expired == 2
        assert world.depths[-1] == 1

    world.run(story())


def test_a_jump_of_the_bench_clock_expires_entries_too() -> None:
    world = World()

    async def story() -> None:
        world.add("a", lives_ms=3_600_000)
        await a_turn()
        world.clock.jump(3_600_000)
        await a_turn()
        assert world.waiting() == []

    world.run(story())


def test_an_entry_under_way_is_the_brokers_to_expire_until_the_road_breaks() -> None:
    world = World()

    async def story() -> None:
        world.add("a", lives_ms=5_000)
        world.port.up()
        await asyncio.sleep(6)
        assert world.waiting() == ["a"]
        world.port.down()
        await a_turn()
        assert world.waiting() == []
        assert world.delivery.counts.expired == 1

    world.run(story())


def test_why_there_is_no_session_is_known_at_any_time() -> None:
    world = World()

    async def story() -> None:
        delivery = world.delivery
        seen = [delivery.trouble]
        delivery.connect_failed("No connection: nobody listens on broker:1883", False)
        seen.append(delivery.trouble)
        delivery.connect_failed("Not authorized", True)
        seen.append(delivery.trouble)
        world.port.up()
        seen.append(delivery.trouble)
        world.port.down()
        seen.append(delivery.trouble)
        nobody = "No connection: nobody listens on broker:1883"
        assert seen == ["Not connected yet", nobody, "Not authorized", "", "test"]
        assert world.troubles == [(nobody, False), ("Not authorized", True)]
        assert world.sessions == [True, False]

    world.run(story())


def test_a_message_is_acknowledged_after_its_handler_has_committed() -> None:
    world = World()
    steps: list[str] = []

    async def story() -> None:
        world.handler = lambda message: steps.append("committed")
        world.delivery.received(incoming(lambda: steps.append("acknowledged")))
        assert steps == ["committed", "acknowledged"]
        assert world.packets == [("down", "placed", "k", 5)]

    world.run(story())


def test_a_message_whose_handler_fails_stays_unacknowledged() -> None:
    world = World()

    async def story() -> None:
        def fail(message: IncomingMessage) -> None:
            raise ZeroDivisionError

        world.handler = fail
        with pytest.raises(ZeroDivisionError):
            world.delivery.received(incoming(lambda: pytest.fail("acknowledged")))
        assert world.delivery.counts.failed == 1

    world.run(story())


def test_a_topic_that_is_not_of_a_vehicle_can_be_told_too() -> None:
    world = World()

    async def story() -> None:
        world.delivery.received(incoming(lambda: None)._replace(topic="plain"))
        assert world.packets == [("", "plain", "k", 5)]

    world.run(story())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["add", "up", "down", "acknowledge", "refuse", "turn"]), max_size=60))
def test_whatever_happens_each_entry_is_sent_first_in_order_and_waits_until_acknowledged(
    steps: list[str],
) -> None:
    world = World(window=3)
    first_sent: list[str] = []
    done: list[str] = []
    added: list[str] = []

    def note() -> None:
        first_sent.extend(key for key in world.port.keys() if key not in first_sent)

    async def story() -> None:
        for step in [*steps, "down", "up"]:
            match step:
                case "add":
                    added.append(f"{len(added):03}")
                    world.add(added[-1])
                case "up" if not world.port.is_connected:
                    world.port.up()
                case "down" if world.port.is_connected:
                    world.port.down()
                case "acknowledge" | "refuse" if world.port.is_connected and world.delivery.in_flight:
                    key = next(key for key in world.port.keys() if key not in done)
                    world.port.acknowledge(key, 0x87 if step == "refuse" else 0)
                    done.append(key)
                case "turn":
                    await a_turn()
            note()
            assert world.delivery.in_flight <= 3
        while world.waiting():
            key = next(key for key in world.port.keys() if key not in done)
            world.port.acknowledge(key)
            done.append(key)
            note()
        assert first_sent == sorted(done) == added

    world.run(story())
