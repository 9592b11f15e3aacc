"""A driver orders, pays, waits and cancels: with the knob alone."""

from typing import Any

import pytest

from contracts.errors import ErrorCode
from contracts.messages import CancelReason, EntitlementState, Line, OrderState, PricedLine
from contracts.screen import Tone
from headunit.domain.facts import RequestKind
from headunit.domain.intents import CancelOrder, ChangeOrder, KeepBasket, PlaceOrder, RequestSync
from tests.headunit.domain.car import (
    BACK,
    CONCIERGE,
    CONCIERGE_NAME,
    DAY_MS,
    EMERGENCY_CALL,
    NOW,
    OPTION,
    PRESS,
    RTTI,
    RTTI_NAME,
    STORE,
    TILT_LEFT,
    Driver,
    entitlement,
    facts,
    order,
    rotate,
    snapshot,
)

ORDER_ROW = "Order with obligation to pay"


@pytest.mark.req("R-201", "R-204", "R-301", "R-308", "R-401", "R-405")
def test_from_the_main_menu_to_a_booked_service_by_events_alone() -> None:
    driver = Driver()
    driver.does(PRESS, PRESS, PRESS, PRESS)
    assert driver.screen.screen == "store.basket"
    assert driver.asked_for() == [KeepBasket((Line(RTTI, 3),))]
    driver.does(PRESS)
    assert driver.screen.screen == "store.checkout"
    assert driver.row("Link goes to") == "138 0000 0001"
    assert driver.screen.rows[driver.screen.focus].label == ORDER_ROW
    driver.does(PRESS)
    assert driver.last() == PlaceOrder((Line(RTTI, 3),), list_version=1, sms_number=None)

    driver.awaits(RequestKind.PLACE, "request-1").learns(now_ms=NOW + 1_000)
    assert driver.told() == "Waiting for the answer to your order (1 s)"
    driver.hears("request-1", order=order())
    assert driver.screen.screen == "store.order.1042"
    assert driver.told().startswith("Order 1042 is placed.")
    assert driver.basket() == ()
    assert driver.last() == KeepBasket(())
    assert "138 **** 0001" in driver.panel()

    driver.learns(snapshot=snapshot(2, orders=(order(OrderState.PAID),), at_ms=NOW + 60_000))
    assert "paid, activating" in driver.panel()
    assert "Pay by" not in driver.told()
    booked = (entitlement(EntitlementState.ACTIVE, "2026-10-09", booked_from="2026-07-10"), EMERGENCY_CALL)
    driver.learns(snapshot=snapshot(3, entitlements=booked, at_ms=NOW + 90_000))
    assert "This order is no longer listed." in driver.panel()
    driver.does(BACK)
    driver.chooses("Booked Services")
    assert driver.row(RTTI_NAME) == "active · 09.10.2026"


def at_checkout(**fields: Any) -> Driver:
    driver = Driver(facts(**fields)).chooses(*STORE, RTTI_NAME, "3 months", "Checkout")
    driver.intents.clear()
    return driver


def test_a_second_press_while_the_answer_is_awaited_orders_nothing() -> None:
    driver = at_checkout().does(PRESS, PRESS, PRESS)
    assert [type(intent) for intent in driver.asked_for()] == [PlaceOrder]


@pytest.mark.req("R-201")
def test_the_same_service_twice_is_explained() -> None:
    driver = at_checkout().does(TILT_LEFT, TILT_LEFT).chooses(RTTI_NAME, "12 months")
    assert driver.code == "DUPLICATE_SERVICE"
    assert RTTI_NAME in driver.told()
    assert driver.basket() == (Line(RTTI, 3),)


@pytest.mark.req("R-213")
def test_a_service_in_an_open_order_is_explained() -> None:
    driver = Driver(facts(snapshot=snapshot(orders=(order(),)))).chooses(*STORE, RTTI_NAME, "3 months")
    assert driver.code == "SERVICE_IN_OPEN_ORDER"
    assert RTTI_NAME in driver.told()


def test_terms_are_changed_and_lines_removed_in_the_basket() -> None:
    driver = at_checkout().does(BACK).chooses(f"{RTTI_NAME} · 3 months", "12 months")
    assert driver.screen.screen == "store.basket"
    assert driver.basket() == (Line(RTTI, 12),)
    driver.chooses(f"{RTTI_NAME} · 12 months", "Remove from the basket")
    assert driver.basket() == ()
    assert driver.asked_for() == [KeepBasket((Line(RTTI, 12),)), KeepBasket(())]


@pytest.mark.req("R-206")
def test_an_unpaid_order_is_changed_as_a_whole() -> None:
    driver = Driver(facts(snapshot=snapshot(orders=(order(version=4),))))
    driver.chooses(*STORE, "Open orders", RTTI_NAME, "Change order")
    driver.chooses("Add a service", CONCIERGE_NAME, "6 months")
    assert driver.screen.screen == "store.order.1042.change"
    driver.chooses(f"{RTTI_NAME} · 3 months", "12 months")
    assert driver.row("New total") == "¥ 1,060.00"
    driver.chooses("Change with obligation to pay")
    lines = (Line(RTTI, 12), Line(CONCIERGE, 6))
    assert driver.asked_for() == [ChangeOrder("1042", 4, lines)]

    priced = (PricedLine(RTTI, 12, 50000), PricedLine(CONCIERGE, 6, 56000))
    driver.awaits(RequestKind.CHANGE, "c").hears(
        "c", order=order(version=5, lines=priced, amount_minor=106000)
    )
    assert driver.screen.screen == "store.order.1042"
    assert driver.told() == "Order 1042 is changed. New total: ¥ 1,060.00."


@pytest.mark.req("R-206")
def test_an_emptied_order_is_not_sent() -> None:
    driver = Driver(facts(snapshot=snapshot(orders=(order(),))))
    driver.chooses(*STORE, "Open orders", RTTI_NAME, "Change order")
    driver.chooses(f"{RTTI_NAME} · 3 months", "Remove from the order", "Change with obligation to pay")
    assert (driver.code, driver.asked_for()) == ("EMPTY_CART", [])


@pytest.mark.req("R-206")
def test_an_order_changed_elsewhere_must_be_looked_at_again() -> None:
    driver = Driver(facts(snapshot=snapshot(orders=(order(),))))
    driver.chooses(*STORE, "Open orders", RTTI_NAME, "Change order")
    changed = order(version=2, lines=(PricedLine(RTTI, 36, 128000),), amount_minor=128000)
    driver.learns(snapshot=snapshot(2, orders=(changed,), at_ms=NOW + 1))
    assert driver.code == "ORDER_CHANGED"
    assert "Change with obligation to pay" not in driver.labels()
    driver.chooses("Start again from the order as it is")
    assert f"{RTTI_NAME} · 36 months" in driver.labels()
    assert driver.code == ""


@pytest.mark.req("R-207")
def test_a_change_that_meets_a_payment_leaves_the_order_as_it_is() -> None:
    driver = Driver(facts(snapshot=snapshot(orders=(order(),))))
    driver.chooses(*STORE, "Open orders", RTTI_NAME, "Change order", f"{RTTI_NAME} · 3 months", "6 months")
    driver.chooses("Change with obligation to pay").awaits(RequestKind.CHANGE, "c")
    driver.hears("c", ErrorCode.PAYMENT_IN_PROGRESS, order=order(OrderState.PAYING, version=2))
    assert driver.code == "PAYMENT_IN_PROGRESS"
    driver.does(TILT_LEFT)
    assert "payment in progress" in driver.panel()


@pytest.mark.req("R-208")
def test_cancelling_asks_once_and_keeps_the_order_by_default() -> None:
    driver = Driver(facts(snapshot=snapshot(orders=(order(),))))
    driver.chooses(*STORE, "Open orders", RTTI_NAME, "Cancel order")
    driver.does(PRESS)
    assert driver.asked_for() == []
    driver.chooses("Cancel order", "Yes, cancel the order")
    assert driver.asked_for() == [CancelOrder("1042")]
    cancelled = order(OrderState.CANCELLED, version=2, cancel_reason=CancelReason.USER)
    driver.awaits(RequestKind.CANCEL, "c").hears("c", order=cancelled)
    assert driver.told() == "Order 1042 is cancelled."
    assert "cancelled by you" in driver.panel()


@pytest.mark.req("R-209")
def test_cancelling_a_payment_locks_at_once_until_the_deadline_of_the_answer() -> None:
    driver = Driver(facts(snapshot=snapshot(orders=(order(OrderState.PAYING),))))
    driver.chooses(*STORE, "Open orders", RTTI_NAME, "Cancel order")
    assert "five minutes" in driver.panel()
    driver.chooses("Yes, cancel the order").awaits(RequestKind.CANCEL, "c")
    cancelling = order(OrderState.CANCELLING, version=2, cancel_until_ms=NOW + 300_000)
    driver.learns(now_ms=NOW + 1).hears("c", order=cancelling)
    driver.does(TILT_LEFT, TILT_LEFT).chooses(CONCIERGE_NAME, "3 months")
    assert driver.code == "CANCEL_SYNC"
    assert driver.basket() == ()


@pytest.mark.req("R-406")
def test_an_older_snapshot_does_not_undo_an_answer_and_a_newer_one_does() -> None:
    driver = Driver(facts(snapshot=snapshot(orders=(order(OrderState.PAYING),))))
    driver.chooses(*STORE, "Open orders", RTTI_NAME, "Cancel order", "Yes, cancel the order")
    driver.awaits(RequestKind.CANCEL, "c").learns(now_ms=NOW + 500)
    driver.hears("c", order=order(OrderState.CANCELLING, version=2, cancel_until_ms=NOW + 300_000))
    driver.learns(snapshot=snapshot(2, orders=(order(OrderState.PAYING),), at_ms=NOW + 400))
    assert "cancelling" in driver.panel()
    driver.learns(snapshot=snapshot(3, orders=(order(OrderState.PAID),), at_ms=NOW + 900))
    assert "paid, activating" in driver.panel()


def test_the_language_is_chosen_in_the_settings() -> None:
    driver = Driver().chooses("Settings", "Language", "Deutsch")
    assert driver.screen.path == ("Einstellungen", "Sprache")
    driver.does(BACK, BACK)
    assert driver.labels()[0] == "Medien"


def test_the_split_screen_can_be_switched_off() -> None:
    driver = Driver().chooses("Settings", "Split screen").does(BACK)
    assert driver.screen.panel == ()


def test_synchronise_now_from_the_options() -> None:
    driver = Driver().chooses(*STORE)
    driver.does(OPTION).chooses("Synchronise now")
    assert driver.asked_for() == [RequestSync()]
    driver.does(OPTION)
    assert driver.screen.screen == "store"


def test_notices_keep_while_the_knob_turns_and_go_with_the_next_press() -> None:
    driver = Driver().chooses(*STORE, RTTI_NAME, "3 months")
    assert driver.screen.banner is not None
    assert driver.screen.banner.tone is Tone.GOOD
    driver.does(rotate(-1))
    assert driver.told() == f"{RTTI_NAME} is in your basket."
    driver.does(PRESS)
    assert driver.told() == ""


def test_the_deadline_is_told_with_its_date() -> None:
    driver = at_checkout().does(PRESS).awaits(RequestKind.PLACE, "k").hears("k", order=order())
    assert driver.told().endswith("Pay by 11.07.2026 14:32.")
    assert order().deadline_ms == NOW + DAY_MS
