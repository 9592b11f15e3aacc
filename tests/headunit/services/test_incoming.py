"""What comes in takes effect once, commits before it is acknowledged, and only forward."""

import msgspec
import pytest

from contracts.codec import encode
from contracts.messages import Disturbance, SyncRequest
from contracts.topics import down_topic, up_topic
from headunit.services.session import KEYS_KEPT_MS
from tests.headunit.services.fake_port import VIN
from tests.headunit.services.one_car import START_MS, OneCar, catalogue, live, placed, reply

DISTURBANCE = Disturbance(key="d-1", sent_at_ms=START_MS, cause="works", services=("RTTI",), from_ms=START_MS)


def dead_letters(car: OneCar) -> list[tuple[str, str]]:
    rows = car.session.store.connection.execute("SELECT topic, reason FROM inbox_dead ORDER BY id").fetchall()
    return [(topic.rsplit("/", 1)[-1], reason) for topic, reason in rows]


@pytest.mark.req("R-406")
def test_a_higher_revision_is_taken_over() -> None:
    async def story(car: OneCar) -> None:
        car.port.connect()
        assert car.port.deliver(car.snapshot(4))
        assert car.port.deliver(car.snapshot(6))
        assert car.heard.snapshots == [(4, True), (6, True)]
        kept = car.session.store.snapshot()
        assert kept is not None
        assert kept.revision == 6

    live(story)


@pytest.mark.req("R-406")
@pytest.mark.parametrize("revision", [6, 5, 1])
def test_an_equal_or_lower_revision_changes_nothing_but_is_acknowledged(revision: int) -> None:
    async def story(car: OneCar) -> None:
        car.port.connect()
        newest = car.snapshot(6)
        car.port.deliver(newest)
        await car.at(1_000)
        assert car.port.deliver(car.snapshot(revision))
        assert car.heard.snapshots == [(6, True), (revision, False)]
        assert car.session.store.snapshot() == newest

    live(story)


@pytest.mark.req("R-406")
def test_the_newest_snapshot_survives_a_kill() -> None:
    async def story(car: OneCar) -> None:
        car.port.connect()
        newest = car.snapshot(6)
        car.port.deliver(newest)
        car.die()
        await car.start()
        assert car.session.store.snapshot() == newest
        car.port.connect()
        car.port.deliver(car.snapshot(5))
        assert car.heard.snapshots == [(5, False)]

    live(story)


def test_a_message_that_comes_twice_is_acknowledged_twice_and_told_once() -> None:
    async def story(car: OneCar) -> None:
        car.port.connect()
        assert car.port.deliver(catalogue("c-1"))
        assert car.port.deliver(catalogue("c-1", list_version=2))
        assert [c.list_version for c in car.heard.catalogues] == [1]

    live(story)


def test_a_message_that_came_before_a_kill_is_known_after_it() -> None:
    async def story(car: OneCar) -> None:
        car.port.connect()
        car.port.deliver(DISTURBANCE)
        car.die()
        await car.start()
        car.port.connect()
        assert car.port.deliver(DISTURBANCE)
        assert car.heard.disturbances == []

    live(story)


def test_what_cannot_be_committed_is_not_acknowledged_and_comes_again() -> None:
    async def story(car: OneCar) -> None:
        car.port.connect()
        car.session.store.connection.execute(
            "CREATE TRIGGER full_disk BEFORE INSERT ON car_state WHEN NEW.name = 'snapshot'"
            " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )
        with pytest.raises(Exception, match="the disk is full"):
            car.port.deliver(car.snapshot(3))
        assert car.heard.snapshots == []
        car.session.store.connection.execute("DROP TRIGGER full_disk")
        assert car.port.deliver(car.snapshot(3))
        assert car.heard.snapshots == [(3, True)]

    live(story)


def test_keys_are_remembered_for_thirty_days_and_not_for_ever() -> None:
    def keys(car: OneCar) -> int:
        (count,) = car.session.store.connection.execute("SELECT count(*) FROM inbox_seen").fetchone()
        return int(count)

    async def story(car: OneCar) -> None:
        car.port.connect()
        car.port.deliver(DISTURBANCE)
        for after_ms, kept in ((KEYS_KEPT_MS, 1), (1, 0)):
            car.port.disconnect()
            car.clock.jump(after_ms)
            await car.clock.settled()
            car.port.connect()
            assert keys(car) == kept

    live(story)


# Contract breaks


@pytest.mark.parametrize(
    ("kind", "payload", "why"),
    [
        ("snapshot", b'{"schema":"snapshot","key":"k","sent_at_ms":1}', "revision"),
        (
            "snapshot",
            b'{"schema":"snapshot","key":"k","sent_at_ms":1,"revision":0,"entitlements":[],"orders":[]}',
            "revision",
        ),
        ("order-reply", b"\xff", "not JSON"),
        ("weather", b"{}", "weather"),
    ],
)
def test_what_breaks_the_contract_is_acknowledged_and_kept_aside(kind: str, payload: bytes, why: str) -> None:
    async def story(car: OneCar) -> None:
        car.port.connect()
        assert car.port.deliver_raw(down_topic(VIN, kind), payload)
        ((topic, reason),) = dead_letters(car)
        assert topic == kind
        assert why in reason
        assert car.port.deliver(car.snapshot(1))  # and the next one is served

    car = live(story)
    assert [state for _, state in car.written("dead_letter")] == ["BAD_MESSAGE"]


def test_a_topic_of_nobodys_is_kept_aside() -> None:
    async def story(car: OneCar) -> None:
        car.port.connect()
        assert car.port.deliver_raw("v1/else", b"{}")
        assert len(dead_letters(car)) == 1

    live(story)


def test_a_message_that_only_cars_send_is_kept_aside() -> None:
    async def story(car: OneCar) -> None:
        car.port.connect()
        assert car.port.deliver_raw(up_topic(VIN, "sync"), encode(SyncRequest(key="k", sent_at_ms=1)))
        assert [topic for topic, _ in dead_letters(car)] == ["sync"]

    live(story)


def test_a_field_from_the_future_is_passed_over() -> None:
    async def story(car: OneCar) -> None:
        car.port.connect()
        tree = msgspec.json.decode(encode(car.snapshot(2)))
        assert car.port.deliver_raw(
            down_topic(VIN, "snapshot"), msgspec.json.encode({**tree, "colour": "blue"})
        )
        assert car.heard.snapshots == [(2, True)]

    live(story)


def test_the_car_listens_to_its_own_messages_alone() -> None:
    async def story(car: OneCar) -> None:
        assert car.port.config.subscriptions == (f"v1/vehicles/{VIN}/down/+",)
        assert car.port.config.client_id == f"car-{VIN}"

    live(story)


@pytest.mark.req("R-805")
def test_an_announced_disturbance_reaches_the_driver() -> None:
    async def story(car: OneCar) -> None:
        car.port.connect()
        car.port.deliver(DISTURBANCE)
        assert car.heard.disturbances == [DISTURBANCE]

    live(story)


def test_an_answer_and_the_end_of_the_wait_commit_together() -> None:
    async def story(car: OneCar) -> None:
        await car.online()
        request = car.order()
        car.port.deliver(reply(request, order=placed(request)))
        car.die(power_cut=True)
        await car.start()
        assert car.session.store.sent_request() is None
        car.port.connect()
        assert car.port.deliver(reply(request, order=placed(request)))
        assert car.heard.answers == []

    live(story)
