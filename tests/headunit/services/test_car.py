"""The car at its display: no order without a connection, and what a restart finds again."""

import asyncio

import msgspec
import pytest

from contracts.controller import MENU, rotate
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState, EntitlementView, Line, OrderState
from contracts.modem import ModemStatus
from headunit.domain.texts import LocalCode
from tests.headunit.services.one_car import START_MS, placed, reply
from tests.headunit.services.one_display import GOOD, NONE, TO_CHECKOUT, OneDisplay, drive

ORDER = "Order with obligation to pay"
TRAFFIC = "Real Time Traffic Information"


async def at_checkout(car: OneDisplay) -> None:
    await car.online()
    await car.stand()
    car.choose(*TO_CHECKOUT)


@pytest.mark.req("R-204")
@pytest.mark.parametrize("modem", [GOOD, NONE])
def test_without_a_connection_there_is_no_order_the_basket_is_kept_and_nothing_is_queued(
    modem: ModemStatus,
) -> None:
    async def story(car: OneDisplay) -> None:
        await at_checkout(car)
        assert ORDER in car.rows()
        car.modem.turn_to(modem)
        if modem is GOOD:
            car.port.disconnect()
        assert ORDER not in car.rows()
        assert car.code == ErrorCode.NO_CONNECTION
        car.choose("Try again")
        assert car.code == ErrorCode.NO_CONNECTION
        car.choose("Keep basket and go back")
        assert car.basket() == (Line("RTTI", 3),)
        waits_before = car.car.outbox_depth
        car.modem.turn_to(GOOD)
        car.port.connect()
        await car.stand(90)
        assert ("up", "submit-order") not in car.packets
        assert waits_before == 0
        car.choose("Checkout")
        assert ORDER in car.rows()

    car = drive(story)
    assert car.written("request") == []


@pytest.mark.req("R-805")
def test_the_display_says_since_when_there_is_no_reception_while_the_session_still_stands() -> None:
    async def story(car: OneDisplay) -> None:
        await at_checkout(car)
        car.modem.turn_to(NONE)
        since = car.screen.freshness
        assert since.startswith("No reception since ")
        assert since.endswith("(0 s)")
        await car.stand(52)
        assert car.screen.freshness == since.replace("(0 s)", "(52 s)")
        car.port.disconnect()
        assert car.screen.freshness == since.replace("(0 s)", "(52 s)")

    drive(story)


@pytest.mark.req("R-209")
def test_a_car_in_a_tunnel_at_the_deadline_stays_locked_until_it_has_synchronised() -> None:
    async def story(car: OneDisplay) -> None:
        await at_checkout(car)
        car.choose(ORDER)
        order = placed(car.request())
        until_ms = car.clock.now_ms() + 60_000
        order = msgspec.structs.replace(order, state=OrderState.CANCELLING, cancel_until_ms=until_ms)
        car.port.deliver(reply(car.request(), order=order))
        car.press(MENU)
        car.choose("ConnectedDrive", "ConnectedDrive Store")
        await car.stand(50)
        car.modem.turn_to(NONE)
        await car.stand(20)
        assert car.code == ErrorCode.CANCEL_SYNC
        car.modem.turn_to(GOOD)
        await car.stand(20)
        assert car.code == ErrorCode.CANCEL_SYNC
        ended = msgspec.structs.replace(order, state=OrderState.CANCELLED, version=9)
        car.port.deliver(car.snapshot(9, ended))
        assert car.code == ""

    drive(story)


@pytest.mark.req("R-811")
@pytest.mark.parametrize("rate", [0, 1, 60])
def test_a_standing_car_stays_unlocked_however_fast_its_clock_runs(rate: float) -> None:
    async def story(car: OneDisplay) -> None:
        await at_checkout(car)

        def locked() -> bool:
            return car.screen.status.locked

        assert not locked()
        car.clock.set_rate(rate)
        for _ in range(4):
            await car.stand(1)
            assert not locked()
        car.clock.jump(300_000)
        await car.clock.settled()
        assert not locked()
        await asyncio.sleep(2.5)
        await car.stand(2)
        assert locked()
        await car.stand(2)
        assert not locked()

    drive(story)


@pytest.mark.req("R-204")
def test_an_order_is_waited_for_and_its_acceptance_shown() -> None:
    async def story(car: OneDisplay) -> None:
        await at_checkout(car)
        car.choose(ORDER)
        assert "Waiting for the answer" in car.rows()
        car.press_again()
        await car.turn()
        (message,) = car.port.sent("submit-order")
        request = car.request()
        assert request.key == message.key
        car.port.deliver(reply(request, order=placed(request)))
        assert car.screen.screen == "store.order.CN-000001"
        assert car.basket() == ()

    car = drive(story)
    assert car.written("accepted") == [("CN-000001", "")]


@pytest.mark.req("R-204")
def test_a_refused_order_keeps_the_basket() -> None:
    async def story(car: OneDisplay) -> None:
        await at_checkout(car)
        car.choose(ORDER)
        car.port.deliver(reply(car.request(), code=ErrorCode.SERVICE_IN_OPEN_ORDER))
        assert car.code == ErrorCode.SERVICE_IN_OPEN_ORDER
        assert car.basket() == (Line("RTTI", 3),)

    car = drive(story)
    assert car.written("accepted") == []


@pytest.mark.req("R-204")
def test_an_order_that_came_to_nothing_is_told_and_can_be_ordered_again() -> None:
    async def story(car: OneDisplay) -> None:
        await at_checkout(car)
        car.choose(ORDER)
        car.port.disconnect()
        await car.stand(70)
        car.port.connect()
        car.port.deliver(msgspec.structs.replace(car.snapshot(2), key="after", contract_number="13800000001"))
        assert car.code == LocalCode.NO_ANSWER
        assert car.basket() == (Line("RTTI", 3),)
        await car.stand()
        assert ORDER in car.rows()

    car = drive(story)
    assert car.written("reply") == [("submit-order", "NO_ANSWER")]


@pytest.mark.req("R-204")
def test_an_order_that_the_backend_found_too_late_is_told_although_the_car_is_online_again() -> None:
    async def story(car: OneDisplay) -> None:
        await at_checkout(car)
        car.choose(ORDER)
        car.port.deliver(reply(car.request(), code=ErrorCode.NO_CONNECTION))
        assert car.code == LocalCode.NO_ANSWER
        assert car.basket() == (Line("RTTI", 3),)

    drive(story)


@pytest.mark.req("R-208")
def test_of_a_cancellation_without_an_answer_the_car_does_not_say_that_nothing_was_done() -> None:
    async def story(car: OneDisplay) -> None:
        await at_checkout(car)
        car.choose(ORDER)
        order = placed(car.request())
        car.port.deliver(reply(car.request(), order=order))
        car.choose("Cancel order", "Yes, cancel the order")
        car.port.disconnect()
        await car.stand(70)
        car.port.connect()
        car.port.deliver(car.snapshot(2, order))
        assert car.code == LocalCode.OUTCOME_UNKNOWN

    car = drive(story)
    assert car.written("reply")[-1] == ("cancel-order", "OUTCOME_UNKNOWN")


@pytest.mark.req("R-202")
@pytest.mark.parametrize("power_cut", [False, True])
def test_the_basket_is_there_after_a_kill(power_cut: bool) -> None:
    async def story(car: OneDisplay) -> None:
        await at_checkout(car)
        car.die(power_cut=power_cut)
        await car.start()
        car.choose("ConnectedDrive", "ConnectedDrive Store")
        basket = next(row for row in car.screen.rows if row.label.startswith("My basket"))
        assert "1" in basket.label + basket.value
        assert car.basket() == (Line("RTTI", 3),)

    drive(story)


@pytest.mark.req("R-204")
def test_after_a_kill_the_car_still_waits_for_the_order_it_had_sent() -> None:
    async def story(car: OneDisplay) -> None:
        await at_checkout(car)
        car.choose(ORDER)
        await car.turn()
        request = car.request()
        car.die()
        await car.start()
        await car.online()
        await car.stand()
        car.choose("ConnectedDrive", "ConnectedDrive Store", "My basket (1)", "Checkout")
        assert ORDER not in car.rows()
        assert "Waiting for the answer" in car.rows()
        car.port.deliver(reply(request, order=placed(request)))
        assert car.basket() == ()

    car = drive(story)
    assert car.written("accepted") == [("CN-000001", "")]


@pytest.mark.req("R-405")
def test_booked_services_are_there_after_a_kill_and_written_down_once() -> None:
    booked = EntitlementView(
        service="RTTI", name=TRAFFIC, origin="STORE", state=EntitlementState.ACTIVE, booked_until="2026-06-01"
    )

    async def story(car: OneDisplay) -> None:
        await car.online()
        car.port.deliver(
            msgspec.structs.replace(car.snapshot(2), key="with a service", entitlements=(booked,))
        )
        car.die()
        await car.start()
        assert car.car.booked == (booked,)
        assert car.car.revision == 2
        car.port.connect()
        car.port.deliver(msgspec.structs.replace(car.snapshot(3), key="the same", entitlements=(booked,)))
        assert car.car.revision == 3

    car = drive(story)
    assert car.written("booked") == [("RTTI", "ACTIVE")]


def test_the_first_data_of_the_modem_ends_the_wait_for_the_next_attempt() -> None:
    async def story(car: OneDisplay) -> None:
        car.modem.turn_to(NONE)
        car.modem.turn_to(GOOD)
        assert car.port.resets == 2  # at the start, and now
        await car.online()
        car.modem.turn_to(NONE)
        car.modem.turn_to(GOOD)
        assert car.port.resets == 2  # the session is up

    drive(story)


@pytest.mark.req("R-811")
def test_the_car_knows_whether_it_moves() -> None:
    async def story(car: OneDisplay) -> None:
        await car.stand(3)
        standing = car.car.moving
        car.drives_at(30.0)
        assert (standing, car.car.moving) == (False, True)
        assert car.car.motion.speed_kmh == 30.0

    drive(story)


def test_every_turn_and_press_of_the_hand_is_written_down() -> None:
    async def story(car: OneDisplay) -> None:
        car.press(rotate(2), rotate(-1))
        car.press_again()

    car = drive(story)
    assert car.written("knob") == [("rotate+2", ""), ("rotate-1", ""), ("press", "")]


def test_a_picture_that_only_time_changes_is_drawn_on_time() -> None:
    async def story(car: OneDisplay) -> None:
        await car.online()
        before = car.pictures[-1].status.clock
        await car.at(61_000)
        assert car.clock.now_ms() == START_MS + 61_000
        assert car.pictures[-1].status.clock != before

    drive(story)


def test_a_clock_that_jumps_is_not_drawn_minute_by_minute() -> None:
    async def story(car: OneDisplay) -> None:
        await car.online()
        await car.stand(2)
        before = len(car.pictures)
        car.clock.jump(365 * 86_400_000 + 60_000)
        await car.clock.settled()
        await asyncio.sleep(0.06)
        assert len(car.pictures) - before <= 3
        assert car.pictures[-1].status.clock == car.screen.status.clock

    drive(story)
