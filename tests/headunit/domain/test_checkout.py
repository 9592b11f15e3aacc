"""Checkout: prices that change, connections that go, numbers that are typed, outcomes nobody knows."""

import msgspec
import pytest

from contracts.errors import ErrorCode
from contracts.messages import Line
from headunit.domain.facts import RequestKind
from headunit.domain.intents import KeepBasket, PlaceOrder, RequestSync
from headunit.domain.texts import LocalCode
from tests.headunit.domain.car import (
    BACK,
    CATALOGUE,
    CONCIERGE,
    DEARER,
    MENU,
    NOW,
    PRESS,
    RTTI,
    RTTI_NAME,
    STORE,
    TILT_LEFT,
    Driver,
    facts,
    offline,
    order,
    rotate,
    snapshot,
)

ORDER_ROW = "Order with obligation to pay"
RETRY_ROW = "Try again"
KEEP_ROW = "Keep basket and go back"
ACCEPT_ROW = "I have seen the new total"


def at_checkout() -> Driver:
    driver = Driver().chooses(*STORE, RTTI_NAME, "3 months", "Checkout")
    driver.intents.clear()
    return driver


def focused(driver: Driver) -> str:
    return driver.screen.rows[driver.screen.focus].label


@pytest.mark.req("R-103")
def test_a_new_price_list_must_be_confirmed_before_the_order() -> None:
    driver = at_checkout().learns(catalogue=DEARER)
    assert ORDER_ROW not in driver.labels()
    assert driver.row("Total") == "¥ 200.00"
    driver.chooses(ACCEPT_ROW)
    assert driver.asked_for() == []
    driver.chooses(ORDER_ROW)
    assert driver.asked_for() == [PlaceOrder((Line(RTTI, 3),), list_version=2)]


@pytest.mark.req("R-103")
def test_a_list_that_changes_other_prices_needs_no_confirmation() -> None:
    same = msgspec.structs.replace(CATALOGUE, list_version=2)
    driver = at_checkout().learns(catalogue=same).chooses(ORDER_ROW)
    assert driver.asked_for() == [PlaceOrder((Line(RTTI, 3),), list_version=2)]


@pytest.mark.req("R-103")
def test_price_changed_by_the_backend_reprices_the_basket_and_asks_again() -> None:
    driver = at_checkout().chooses(ORDER_ROW).awaits(RequestKind.PLACE, "k")
    driver.hears("k", ErrorCode.PRICE_CHANGED)
    assert driver.code == "PRICE_CHANGED"
    assert driver.last() == RequestSync()
    assert driver.basket() == (Line(RTTI, 3),)
    assert ORDER_ROW not in driver.labels()
    driver.learns(catalogue=DEARER).chooses(ACCEPT_ROW, ORDER_ROW)
    assert driver.last() == PlaceOrder((Line(RTTI, 3),), list_version=2)


@pytest.mark.req("R-103")
def test_a_product_that_is_no_longer_listed_is_refused() -> None:
    gone = msgspec.structs.replace(CATALOGUE, list_version=2, products=CATALOGUE.products[1:])
    driver = at_checkout().learns(catalogue=gone)
    assert driver.row("RTTI · 3 months") == "not offered"
    driver.chooses(ACCEPT_ROW, ORDER_ROW)
    assert (driver.code, driver.asked_for()) == ("NOT_ELIGIBLE", [])


@pytest.mark.req("R-204", "R-805")
def test_without_a_connection_the_basket_is_kept_and_nothing_queued() -> None:
    driver = at_checkout().learns(offline())
    assert driver.told() == (
        "Your basket is kept. Orders are placed only online: nothing will be sent later by itself."
    )
    assert driver.code == "NO_CONNECTION"
    assert driver.row(RETRY_ROW) == "No reception since 14:31:08 (52 s)"
    driver.chooses(RETRY_ROW)
    assert driver.asked_for() == []
    driver.chooses(KEEP_ROW)
    assert driver.basket() == (Line(RTTI, 3),)
    assert driver.screen.screen == "store.basket"


@pytest.mark.req("R-204")
def test_no_press_orders_by_accident_when_the_connection_comes_or_goes() -> None:
    driver = at_checkout()
    assert focused(driver) == ORDER_ROW
    driver.learns(offline())
    assert focused(driver) == KEEP_ROW
    driver.does(rotate(-1))
    assert focused(driver) == RETRY_ROW
    driver.learns(facts())
    assert focused(driver) == KEEP_ROW


@pytest.mark.req("R-204")
def test_a_refusal_by_the_car_itself_keeps_the_basket() -> None:
    driver = at_checkout().chooses(ORDER_ROW)
    driver.learns(offline())
    driver.presenter.refuse(ErrorCode.NO_CONNECTION)
    assert driver.code == "NO_CONNECTION"
    assert driver.basket() == (Line(RTTI, 3),)
    driver.learns(facts()).chooses(ORDER_ROW)
    assert [type(intent) for intent in driver.asked_for()] == [PlaceOrder, PlaceOrder]


def test_a_connection_lost_while_waiting_is_said_and_offers_no_second_order() -> None:
    driver = at_checkout().chooses(ORDER_ROW).awaits(RequestKind.PLACE, "k")
    driver.learns(offline(NOW + 5_000, request=driver.facts.request))
    assert "The connection is gone." in driver.told()
    assert ORDER_ROW not in driver.labels()
    assert RETRY_ROW not in driver.labels()


@pytest.mark.req("R-204", "R-307")
def test_an_order_nobody_knows_about_is_found_in_the_next_snapshot() -> None:
    driver = at_checkout().chooses(ORDER_ROW).awaits(RequestKind.PLACE, "k").learns(request=None)
    driver.presenter.refuse(LocalCode.OUTCOME_UNKNOWN)
    assert driver.code == "OUTCOME_UNKNOWN"
    assert ORDER_ROW not in driver.labels()
    assert driver.basket() == (Line(RTTI, 3),)
    driver.learns(snapshot=snapshot(2, orders=(order(client_order_id="k"),), at_ms=NOW + 1))
    assert driver.basket() == ()
    assert driver.last() == KeepBasket(())
    assert driver.told().startswith("Order 1042 is placed.")


@pytest.mark.req("R-204")
def test_an_order_that_the_next_snapshot_does_not_have_can_be_placed_again() -> None:
    driver = at_checkout().chooses(ORDER_ROW).awaits(RequestKind.PLACE, "k").learns(request=None)
    driver.presenter.refuse(LocalCode.OUTCOME_UNKNOWN)
    driver.learns(snapshot=snapshot(2, at_ms=NOW + 1)).chooses(ORDER_ROW)
    assert [type(intent) for intent in driver.asked_for()] == [PlaceOrder, PlaceOrder]


def test_a_request_known_to_have_come_to_nothing_can_be_repeated_at_once() -> None:
    driver = at_checkout().chooses(ORDER_ROW).awaits(RequestKind.PLACE, "k").learns(request=None)
    driver.presenter.refuse(LocalCode.NO_ANSWER)
    assert driver.code == "NO_ANSWER"
    assert ORDER_ROW in driver.labels()


def test_an_answer_after_a_restart_still_empties_the_basket() -> None:
    driver = Driver()
    driver.presenter.restore_basket((Line(RTTI, 3), Line(CONCIERGE, 6)), None)
    driver.awaits(RequestKind.PLACE, "k").hears("k", order=order(client_order_id="k"))
    assert driver.basket() == (Line(CONCIERGE, 6),)


def test_an_answer_before_the_first_look_after_a_restart_does_so_too() -> None:
    driver = Driver()
    driver.presenter.restore_basket((Line(RTTI, 3),), None)
    driver.hears("k", order=order(client_order_id="k"))
    assert driver.basket() == ()


def test_what_was_added_while_waiting_stays_in_the_basket() -> None:
    driver = at_checkout().chooses(ORDER_ROW).awaits(RequestKind.PLACE, "k")
    driver.does(MENU).chooses(*STORE, "Concierge Service", "6 months")
    driver.hears("k", order=order())
    assert driver.basket() == (Line(CONCIERGE, 6),)


@pytest.mark.req("R-203")
def test_the_number_is_typed_with_the_knob_and_used_for_this_order_only() -> None:
    driver = at_checkout().chooses("Link goes to")
    for digit in "13900000002":
        driver.chooses(digit)
    assert focused(driver) == "OK"
    driver.does(PRESS)
    assert driver.row("Link goes to") == "139 0000 0002"
    assert driver.asked_for() == [KeepBasket((Line(RTTI, 3),), "13900000002")]
    driver.chooses(ORDER_ROW)
    assert driver.last() == PlaceOrder((Line(RTTI, 3),), 1, "13900000002")
    driver.awaits(RequestKind.PLACE, "k").hears("k", order=order())
    assert driver.last() == KeepBasket((), None)


@pytest.mark.req("R-203")
@pytest.mark.parametrize("typed", ["", "1390000000", "23900000002"])
def test_a_bad_number_is_refused_and_the_old_one_stays(typed: str) -> None:
    driver = at_checkout().chooses("Link goes to")
    for digit in typed:
        driver.chooses(digit)
    driver.chooses("OK")
    assert driver.code == "BAD_NUMBER"
    driver.does(TILT_LEFT)
    assert driver.row("Link goes to") == "138 0000 0001"


@pytest.mark.req("R-203")
def test_digits_are_deleted_and_a_full_number_takes_no_more() -> None:
    driver = at_checkout().chooses("Link goes to").chooses("1", "3", "Delete last digit", "5")
    assert "15_ ____ ____" in driver.panel()
    for _ in range(12):
        driver.chooses("7")
    assert "157 7777 7777" in driver.panel()


@pytest.mark.req("R-203")
def test_the_number_of_the_agreement_can_be_taken_again() -> None:
    driver = at_checkout()
    driver.presenter.restore_basket((Line(RTTI, 3),), "13900000002")
    driver.chooses("Link goes to", "Number of the agreement")
    assert driver.row("Link goes to") == "138 0000 0001"
    assert driver.asked_for() == [KeepBasket((Line(RTTI, 3),), None)]


@pytest.mark.req("R-203")
def test_without_any_number_nothing_is_ordered() -> None:
    driver = at_checkout().learns(snapshot=snapshot(contract_number=""))
    assert driver.row("Link goes to") == "no number yet"
    driver.chooses(ORDER_ROW)
    assert (driver.code, driver.asked_for()) == ("BAD_NUMBER", [])


def test_an_emptied_basket_leaves_checkout_with_a_way_back() -> None:
    driver = Driver().chooses(*STORE, "My basket")
    assert driver.labels() == ("ConnectedDrive Store",)
    driver.does(BACK)
    assert driver.screen.screen == "store"


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_refusal_of_the_backend_is_told_and_keeps_the_basket(code: ErrorCode) -> None:
    driver = at_checkout().chooses(ORDER_ROW).awaits(RequestKind.PLACE, "k").hears("k", code)
    if code not in (ErrorCode.NOT_WHILE_MOVING, ErrorCode.NO_CONNECTION, ErrorCode.CANCEL_SYNC):
        assert driver.code == code
        assert "{" not in driver.told()
    assert driver.basket() == (Line(RTTI, 3),)
