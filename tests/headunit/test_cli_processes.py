"""Car, road, broker and backend as processes of their own: started in any order, killed and started again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import combinations, permutations
from pathlib import Path

import pytest

from contracts.messages import EntitlementState, OrderState
from tests.headunit.served_apart import PROGRAMS, Apart, is_current
from tests.headunit.test_bench_killed import is_booked
from tests.headunit.test_cli_story import Page, pay_as_a_person_would

PATIENCE_S = 60.0
AT_ONCE = 3
"""How many sets of four are started side by side."""

START_ORDERS = (
    ("broker", "telematics", "backend", "car"),
    ("broker", "car", "backend", "telematics"),
    ("telematics", "car", "broker", "backend"),
    ("backend", "telematics", "broker", "car"),
    ("backend", "car", "broker", "telematics"),
    ("car", "telematics", "backend", "broker"),
)
"""Six of the twenty-four orders, in which any three of the four come in each of their six orders."""


@asynccontextmanager
async def apart(state: Path) -> AsyncIterator[Apart]:
    """Four programs, none of which lives yet; those that live at the end are asked to end."""
    programs = Apart(state)
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield programs
            await programs.close()
    except BaseException as error:
        error.add_note(programs.story())
        raise
    finally:
        await programs.abandon()


def test_any_three_of_the_four_are_started_in_each_of_their_orders() -> None:
    tried = {three for order in START_ORDERS for three in combinations(order, 3)}
    assert tried == set(permutations(PROGRAMS, 3))


async def test_whichever_is_started_first_the_car_is_connected_in_the_end(tmp_path: Path) -> None:
    turn = asyncio.Semaphore(AT_ONCE)

    async def connects(number: int, order: tuple[str, ...]) -> None:
        # A short name: the path of a Unix socket has 107 bytes.
        async with turn, apart(tmp_path / str(number)) as programs:
            for program in order:
                await programs.start(program)
            async with programs.driver() as driver:
                await driver.sees(is_current)

    async with asyncio.TaskGroup() as tasks:
        for number, order in enumerate(START_ORDERS):
            tasks.create_task(connects(number, order))


def has_a_link(phone_url: str) -> bool:
    """Whether a text message with a payment link has come."""
    return any("/pay/" in link for link in Page(phone_url).links)


STORE = ("ConnectedDrive", "ConnectedDrive Store")
BASKET = (*STORE, "Real Time", "3 months")


@pytest.mark.req("R-204", "R-404")
@pytest.mark.parametrize("victim", PROGRAMS)
async def test_an_order_is_paid_for_once_and_active_however_often_one_of_the_four_is_killed(
    tmp_path: Path, victim: str
) -> None:
    async with apart(tmp_path) as programs:
        for program in PROGRAMS:
            await programs.start(program)
        async with programs.driver() as driver:
            await driver.sees(is_current)
            await driver.opens(*BASKET)

        await programs.strike(victim)
        async with programs.driver() as driver:
            await driver.sees(is_current)
            if victim == "car":
                await driver.opens(*STORE, "My basket")
            await driver.chooses("Checkout")
            await driver.chooses("Order")

        await programs.strike(victim)
        async with programs.driver() as driver:
            await driver.sees(is_current)
        await programs.lives["backend"].until("phone on")
        while not await asyncio.to_thread(has_a_link, programs.phone_url):
            pass  # the page is asked again and again, as a browser does
        await asyncio.to_thread(pay_as_a_person_would, programs.phone_url)

        await programs.strike(victim)
        async with programs.driver() as driver:
            await driver.sees(is_current)
            await driver.opens(*STORE, "Booked Services")
            await driver.sees(is_booked)
        await programs.close()

        books = programs.books()
        assert [order.state for order in books.orders] == [OrderState.FULFILLED]
        assert books.orders[0].captured_minor == books.orders[0].amount_minor == books.orders[0].kept_minor
        assert len(books.ledger) == 1
        booked = [each for each in books.entitlements if each.periods and each.service == "RTTI"]
        assert [(each.state, len(each.periods)) for each in booked] == [(EntitlementState.ACTIVE, 1)]
        assert programs.waiting("car") == []
