"""An order request: only online, alive for sixty seconds, repeated while it lives, never left open."""

import pytest

from contracts.errors import ErrorCode
from contracts.messages import Refusal
from headunit.services.errors import NotOnlineError
from headunit.services.session import REQUEST_LIFE_MS, SYNC_PATIENCE_S
from runtime.mqtt.delivery import UNHEARD
from tests.headunit.services.one_car import START_MS, OneCar, live, placed, reply


@pytest.mark.req("R-204")
def test_without_a_connection_nothing_is_queued() -> None:
    async def story(car: OneCar) -> None:
        with pytest.raises(NotOnlineError):
            car.order()
        assert car.session.outbox_depth == 0
        assert car.session.store.sent_request() is None
        await car.online()
        assert car.port.sent("submit-order") == []

    live(story)


@pytest.mark.req("R-204")
def test_an_order_goes_out_once_with_what_is_left_of_its_minute() -> None:
    async def story(car: OneCar) -> None:
        await car.online()
        request = car.order()
        await car.turn()
        assert [m.key for m in car.port.sent("submit-order")] == [request.key]
        assert car.port.expiries_s("submit-order") == [60]
        assert request.expires_at_ms == START_MS + REQUEST_LIFE_MS

    live(story)


@pytest.mark.req("R-204")
def test_the_answer_ends_the_wait_and_a_second_answer_is_nobodys() -> None:
    async def story(car: OneCar) -> None:
        await car.online()
        request = car.order()
        assert car.port.deliver(reply(request, order=placed(request)))
        assert [a.order for a in car.heard.answers] == [placed(request)]
        assert car.session.store.sent_request() is None
        assert car.port.deliver(reply(request, "reply-2", code=ErrorCode.EMPTY_CART))
        assert len(car.heard.answers) == 1

    car = live(story)
    assert car.written("reply") == [("submit-order", "OK")]


def test_a_refusal_of_the_message_answers_the_request() -> None:
    async def story(car: OneCar) -> None:
        await car.online()
        request = car.order()
        other = Refusal(
            key="r-1", sent_at_ms=START_MS, request_key="not mine", code=ErrorCode.BAD_MESSAGE, detail=""
        )
        car.port.deliver(other)
        assert car.heard.answers == []
        car.port.deliver(
            Refusal(
                key="r-2",
                sent_at_ms=START_MS,
                request_key=request.key,
                code=ErrorCode.BAD_MESSAGE,
                detail="lines: too many",
            )
        )
        assert [(a.code, a.detail) for a in car.heard.answers] == [(ErrorCode.BAD_MESSAGE, "lines: too many")]
        assert car.session.store.sent_request() is None

    live(story)


@pytest.mark.req("R-204")
def test_the_answer_to_an_earlier_request_is_not_the_answer_to_this_one() -> None:
    async def story(car: OneCar) -> None:
        await car.online()
        earlier = car.order()
        await car.at(60_000)
        car.port.deliver(car.snapshot(2))
        request = car.order()
        car.port.deliver(reply(earlier, code=ErrorCode.NO_CONNECTION))
        assert car.heard.answers == []
        assert car.session.store.sent_request() == request

    live(story)


@pytest.mark.req("R-204")
def test_an_answered_order_is_not_asked_about_at_the_end_of_its_minute() -> None:
    async def story(car: OneCar) -> None:
        await car.online()
        request = car.order()
        await car.turn()
        car.port.acknowledge_all()
        car.port.deliver(reply(request, order=placed(request)))
        await car.at(120_000)
        assert car.port.published == []

    live(story)


# The reply is lost, or the request is


@pytest.mark.req("R-204")
def test_an_order_that_a_snapshot_shows_is_placed_though_its_reply_was_lost() -> None:
    async def story(car: OneCar) -> None:
        await car.online()
        request = car.order()
        await car.turn()
        car.port.acknowledge_all()
        car.port.disconnect()
        await car.at(2_000)
        car.port.connect()
        car.port.deliver(car.snapshot(2, placed(request)))
        assert [a.order for a in car.heard.answers] == [placed(request)]
        assert car.heard.lost == []

    live(story)


@pytest.mark.req("R-204")
def test_an_unanswered_order_is_repeated_with_its_key_at_the_next_connection() -> None:
    async def story(car: OneCar) -> None:
        await car.online()
        request = car.order()
        await car.turn()
        first = car.port.published[-1][1]
        car.port.acknowledge_all()
        car.port.disconnect()
        await car.at(20_000)
        car.port.connect()
        await car.turn()
        again = next(m for _, m in car.port.published if m.topic == first.topic)
        assert again == first._replace(expiry_s=40)
        assert again.key == request.key
        car.port.acknowledge_all()
        assert car.session.outbox_depth == 0

    live(story)


@pytest.mark.req("R-204")
def test_an_unanswered_order_is_repeated_when_nobody_answers_the_synchronisation_either() -> None:
    async def story(car: OneCar) -> None:
        await car.online()
        await car.at(1_000)
        request = car.order()
        car.port.disconnect()
        car.port.connect()
        await car.turn()
        car.port.acknowledge_all()
        await car.at(1_000 + round(SYNC_PATIENCE_S * 1000) - 1)
        assert car.port.published == []
        await car.at(1_000 + round(SYNC_PATIENCE_S * 1000))
        assert [m.key for m in car.port.sent("submit-order")] == [request.key]
        assert len(car.port.sent("sync")) == 1

    live(story)


@pytest.mark.req("R-204")
def test_an_order_that_the_broker_had_nobody_to_give_to_is_repeated_after_a_second() -> None:
    async def story(car: OneCar) -> None:
        await car.online()
        await car.at(1_000)
        request = car.order()
        await car.turn()
        car.port.acknowledge_all(UNHEARD)
        await car.at(1_999)
        assert car.port.published == []
        await car.at(2_000)
        assert [m.key for m in car.port.sent("submit-order")] == [request.key]
        car.port.acknowledge_all()
        car.port.deliver(reply(request, order=placed(request)))
        assert [a.order for a in car.heard.answers] == [placed(request)]

    live(story)


@pytest.mark.req("R-204")
def test_an_answered_order_is_not_repeated() -> None:
    async def story(car: OneCar) -> None:
        await car.online()
        request = car.order()
        await car.turn()
        car.port.acknowledge_all()
        car.port.deliver(reply(request, order=placed(request)))
        car.port.disconnect()
        car.port.connect()
        await car.turn()
        assert car.port.sent("submit-order") == []

    live(story)


# The end of its life


@pytest.mark.req("R-204")
@pytest.mark.parametrize(("back_ms", "sent"), [(59_999, 1), (60_000, 0)])
def test_an_order_that_found_no_road_is_sent_up_to_the_end_of_its_minute_and_not_at_it(
    back_ms: int, sent: int
) -> None:
    async def story(car: OneCar) -> None:
        await car.online()
        car.order()
        car.port.disconnect()
        await car.at(back_ms)
        car.port.connect()
        await car.turn()
        assert len(car.port.sent("submit-order")) == sent
        assert car.session.outbox_depth == 1 + sent  # the synchronisation waits too

    live(story)


@pytest.mark.req("R-204")
@pytest.mark.parametrize(("made_ms", "is_over"), [(59_999, False), (60_000, True)])
def test_only_a_snapshot_made_after_the_minute_says_that_nothing_was_placed(
    made_ms: int, is_over: bool
) -> None:
    async def story(car: OneCar) -> None:
        await car.online()
        request = car.order()
        await car.at(61_000)
        car.port.deliver(car.snapshot(2, sent_at_ms=START_MS + made_ms))
        assert car.heard.lost == ([request] if is_over else [])
        assert (car.session.store.sent_request() is None) is is_over

    live(story)


@pytest.mark.req("R-204")
def test_at_the_end_of_its_minute_the_car_asks_what_became_of_the_order() -> None:
    async def story(car: OneCar) -> None:
        await car.online()
        car.order()
        await car.turn()
        car.port.acknowledge_all()
        await car.at(59_999)
        assert car.port.published == []
        await car.at(60_000)
        assert len(car.port.sent("sync")) == 1
        assert car.port.sent("submit-order") == []

    live(story)


@pytest.mark.req("R-204")
def test_offline_at_the_end_of_the_minute_it_asks_at_the_next_connection() -> None:
    async def story(car: OneCar) -> None:
        await car.online()
        request = car.order()
        car.port.disconnect()
        await car.at(90_000)
        assert car.session.outbox_depth == 0
        car.port.connect()
        await car.turn()
        assert car.port.sent("submit-order") == []
        car.port.deliver(car.snapshot(2))
        assert car.heard.lost == [request]

    live(story)


@pytest.mark.req("R-204")
def test_a_cancellation_without_an_answer_ends_the_same_way_but_no_order_stands_for_it() -> None:
    async def story(car: OneCar) -> None:
        await car.online()
        request = car.cancel("CN-000001")
        assert request.client_order_id == ""
        other = placed(request)  # an order made in the Portal has no client id of the car either
        await car.at(10_000)
        car.port.deliver(car.snapshot(2, other))
        assert (car.heard.answers, car.heard.lost) == ([], [])
        await car.at(60_000)
        car.port.deliver(car.snapshot(3, other))
        assert car.heard.lost == [request]

    live(story)


# The car is killed


@pytest.mark.req("R-204")
@pytest.mark.parametrize("power_cut", [False, True])
def test_a_car_killed_between_commit_and_send_sends_in_its_next_life(power_cut: bool) -> None:
    async def story(car: OneCar) -> None:
        await car.online()
        request = car.order()
        assert car.port.sent("submit-order") == []  # committed; the loop has not turned yet
        car.die(power_cut=power_cut)
        await car.at(5_000)
        await car.start()
        assert car.session.store.sent_request() == request
        await car.online()
        assert ("up", "submit-order") in car.heard.packets
        car.port.deliver(reply(request, order=placed(request)))
        assert len(car.heard.answers) == 1

    live(story)


@pytest.mark.req("R-204")
def test_a_dead_car_sends_nothing_and_its_timers_die_with_it() -> None:
    async def story(car: OneCar) -> None:
        await car.online()
        car.order()
        dead, session = car.port, car.session
        car.die()
        await car.at(120_000)
        assert dead.published == []
        assert session is car.session

    live(story)


@pytest.mark.req("R-204")
def test_a_car_that_was_dead_at_the_end_of_the_minute_asks_as_soon_as_it_lives() -> None:
    async def story(car: OneCar) -> None:
        await car.online()
        request = car.order()
        await car.turn()
        car.die()
        await car.at(70_000)
        await car.start()
        car.port.connect()
        await car.turn()
        assert car.port.sent("submit-order") == []
        assert len(car.port.sent("sync")) == 1
        car.port.deliver(car.snapshot(2, placed(request)))
        assert [a.order for a in car.heard.answers] == [placed(request)]

    live(story)


@pytest.mark.req("R-204")
def test_a_car_that_lives_again_within_the_minute_still_asks_at_its_end() -> None:
    async def story(car: OneCar) -> None:
        await car.online()
        request = car.order()
        await car.turn()
        car.port.acknowledge_all()
        car.die()
        await car.at(30_000)
        await car.start()
        await car.online()
        await car.at(60_000)
        assert len(car.port.sent("sync")) == 1
        car.port.deliver(car.snapshot(2))
        assert car.heard.lost == [request]

    live(story)
