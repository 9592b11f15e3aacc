"""Synchronisation: at every connection, again every fifteen seconds until somebody answers."""

import asyncio

import pytest

from contracts.messages import SyncRequest
from headunit.services.session import SYNC_PATIENCE_S
from runtime.mqtt.delivery import UNHEARD
from tests.headunit.services.one_car import OneCar, catalogue, live

SYNC_PATIENCE_MS = round(SYNC_PATIENCE_S * 1000)
YEAR_MS = 365 * 86_400_000


@pytest.mark.req("R-404")
def test_every_connection_begins_with_a_synchronisation() -> None:
    async def story(car: OneCar) -> None:
        for _ in range(2):
            car.port.connect()
            await car.turn()
            assert len(car.port.sent("sync")) == 1
            car.port.acknowledge_all()
            car.port.disconnect()
        assert car.heard.sessions == [True, False, True, False]

    car = live(story)
    assert car.written("session") == [("backend", "up"), ("backend", "down")] * 2


def test_the_journal_says_why_there_is_no_session_unless_it_is_the_road() -> None:
    async def story(car: OneCar) -> None:
        car.port.fail("No connection: no answer from broker:1883", False)
        car.port.fail("Not authorized", True)
        car.port.connect()
        await car.turn()
        car.port.disconnect()

    car = live(story)
    told = [(entry.state, entry.data) for entry in car.book.entries if entry.kind == "session"]
    assert told == [
        ("refused", {"reason": "Not authorized"}),
        ("up", {}),
        ("down", {"reason": "the test broke it"}),
    ]


@pytest.mark.req("R-404")
def test_it_says_what_the_car_has() -> None:
    async def story(car: OneCar) -> None:
        car.port.connect()
        car.port.deliver(catalogue(list_version=3))
        car.port.deliver(car.snapshot(8))
        car.port.disconnect()
        await car.turn()
        car.port.published.clear()
        car.port.connect()
        await car.turn()
        newest = car.port.sent("sync")[-1]
        assert isinstance(newest, SyncRequest)
        assert (newest.have_revision, newest.list_version) == (8, 3)

    live(story)


@pytest.mark.req("R-404")
def test_without_an_answer_it_is_asked_again_after_fifteen_seconds() -> None:
    async def story(car: OneCar) -> None:
        car.port.connect()
        await car.turn()
        car.port.acknowledge_all()
        for n in (1, 2, 3):
            await car.at(n * SYNC_PATIENCE_MS - 1)
            assert car.port.sent("sync") == []
            await car.at(n * SYNC_PATIENCE_MS)
            assert len(car.port.sent("sync")) == 1
            car.port.acknowledge_all()

    live(story)


@pytest.mark.req("R-404")
def test_a_broker_without_a_backend_is_asked_again_after_1_2_4_8_and_then_every_15_seconds() -> None:
    async def story(car: OneCar) -> None:
        car.port.connect()
        await car.turn()
        for due_ms in (1_000, 3_000, 7_000, 15_000, 30_000, 45_000):
            car.port.acknowledge_all(UNHEARD)
            await car.at(due_ms - 1)
            assert car.port.sent("sync") == []
            await car.at(due_ms)
            assert len(car.port.sent("sync")) == 1

    live(story)


@pytest.mark.req("R-404")
def test_once_the_backend_has_heard_and_at_a_new_connection_the_asking_is_quick_again() -> None:
    async def story(car: OneCar) -> None:
        car.port.connect()
        await car.turn()
        car.port.acknowledge_all(UNHEARD)
        await car.at(1_000)
        car.port.deliver(car.snapshot(1))
        car.port.acknowledge_all()
        await car.at(60_000)
        assert car.port.published == []
        for begin_ms in (60_000, 70_000):
            car.port.disconnect()
            car.port.connect()
            await car.turn()
            car.port.acknowledge_all(UNHEARD)
            await car.at(begin_ms + 1_000)
            assert len(car.port.sent("sync")) == 1
            car.port.acknowledge_all(UNHEARD)
            await car.at(begin_ms + 2_999)
            assert car.port.sent("sync") == []
            await car.at(begin_ms + 3_000)
            assert len(car.port.sent("sync")) == 1
            await car.at(begin_ms + 10_000)

    live(story)


@pytest.mark.req("R-404")
def test_a_snapshot_ends_the_asking_even_one_that_is_not_newer() -> None:
    async def story(car: OneCar) -> None:
        car.port.connect()
        car.port.deliver(car.snapshot(1))
        car.port.disconnect()
        car.port.connect()
        await car.at(1_000)
        car.port.deliver(car.snapshot(1))
        car.port.acknowledge_all()
        await car.at(10 * SYNC_PATIENCE_MS)
        assert car.port.published == []

    live(story)


@pytest.mark.req("R-404")
def test_a_snapshot_that_nobody_asked_for_does_not_end_the_asking() -> None:
    async def story(car: OneCar) -> None:
        car.port.connect()
        await car.turn()
        car.port.acknowledge_all()
        car.port.deliver(car.snapshot(1), unasked=True)
        await car.at(SYNC_PATIENCE_MS)
        assert len(car.port.sent("sync")) == 1

    live(story)


@pytest.mark.req("R-404")
def test_a_catalogue_alone_does_not_end_the_asking() -> None:
    async def story(car: OneCar) -> None:
        car.port.connect()
        await car.turn()
        car.port.acknowledge_all()
        car.port.deliver(catalogue())
        await car.at(SYNC_PATIENCE_MS)
        assert len(car.port.sent("sync")) == 1

    live(story)


@pytest.mark.req("R-404")
def test_offline_nobody_is_asked() -> None:
    async def story(car: OneCar) -> None:
        car.port.connect()
        await car.turn()
        car.port.acknowledge_all()
        car.port.disconnect()
        await car.at(5 * SYNC_PATIENCE_MS)
        assert car.session.outbox_depth == 0

    live(story)


@pytest.mark.req("R-404")
def test_a_year_that_is_skipped_is_not_filled_with_questions() -> None:
    async def story(car: OneCar) -> None:
        car.port.connect()
        await car.turn()
        car.port.acknowledge_all()
        car.clock.jump(YEAR_MS)
        await car.clock.settled()
        await car.turn()
        assert car.port.published == []
        await asyncio.sleep(SYNC_PATIENCE_S)
        await car.turn()
        assert len(car.port.sent("sync")) == 1

    live(story)


def test_a_question_nobody_carried_for_a_minute_is_dropped() -> None:
    async def story(car: OneCar) -> None:
        car.port.connect()
        car.port.disconnect()
        await car.at(59_999)
        assert car.session.outbox_depth == 1
        await car.at(60_000)
        assert car.session.outbox_depth == 0

    live(story)


def test_the_driver_can_ask_too_and_the_wait_begins_anew() -> None:
    async def story(car: OneCar) -> None:
        car.port.connect()
        await car.at(10_000)
        car.port.acknowledge_all()
        car.synchronise()
        await car.turn()
        assert len(car.port.sent("sync")) == 1
        car.port.acknowledge_all()
        await car.at(SYNC_PATIENCE_MS)
        assert car.port.sent("sync") == []
        await car.at(10_000 + SYNC_PATIENCE_MS)
        assert len(car.port.sent("sync")) == 1

    live(story)


def test_when_the_modem_has_data_again_the_port_does_not_wait() -> None:
    async def story(car: OneCar) -> None:
        car.session.radio_came_back()
        assert car.port.resets == 1

    live(story)
