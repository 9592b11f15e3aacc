"""Deletion of personal data in the menu: asked once, refused while driving, confirmed (R-715, R-811)."""

import pytest

from contracts.controller import BACK
from headunit.domain.facts import Motion, RequestKind
from headunit.domain.intents import ErasePersonalData, RequestSync
from tests.headunit.domain.car import (
    MENU,
    NOW,
    PRESS,
    RTTI_NAME,
    STORE,
    Driver,
    facts,
    offline,
    order,
    snapshot,
)

THERE = ("Settings", "Delete personal data")


def erased(driver: Driver) -> Driver:
    """The services have done what they were asked to do."""
    driver.intents.extend(driver.presenter.erased())
    return driver


@pytest.mark.req("R-715")
def test_it_is_asked_first_and_the_safe_answer_is_focused() -> None:
    driver = Driver().chooses(*THERE)
    assert driver.screen.screen == "settings.erase"
    assert driver.labels() == ("Keep everything", "Yes, delete personal data")
    assert driver.screen.focus == 0
    for word in ("contacts", "destinations", "messages", "basket", "numbers", "Booked services stay"):
        assert word in driver.panel()
    driver.does(PRESS)
    assert driver.screen.screen == "settings"
    assert driver.intents == []


@pytest.mark.req("R-715")
def test_confirmed_it_is_done_and_said_and_the_car_synchronises_again() -> None:
    driver = Driver().chooses(*STORE, RTTI_NAME, "3 months", "Checkout", "Link goes to", "1").does(MENU)
    driver.chooses(*THERE, "Yes, delete personal data")
    assert driver.last() == ErasePersonalData()
    assert driver.basket() != ()
    erased(driver)
    assert driver.basket() == ()
    assert driver.screen.screen == "settings"
    assert driver.told().startswith("Personal data is deleted")
    assert driver.last() == RequestSync()
    driver.does(BACK)
    assert driver.screen.screen == "main"


@pytest.mark.req("R-715")
def test_offline_it_is_done_as_well_and_synchronises_with_the_next_connection() -> None:
    driver = Driver(offline()).chooses(*THERE, "Yes, delete personal data")
    erased(driver)
    assert driver.told().startswith("Personal data is deleted")
    assert not any(isinstance(intent, RequestSync) for intent in driver.intents)


@pytest.mark.req("R-715")
def test_a_failure_is_said_and_changes_nothing() -> None:
    driver = Driver().chooses(*STORE, RTTI_NAME, "3 months").does(MENU)
    driver.chooses(*THERE, "Yes, delete personal data")
    driver.presenter.not_erased()
    assert driver.code == "NOT_ERASED"
    assert len(driver.basket()) == 1


@pytest.mark.req("R-715", "R-811")
def test_a_moving_car_deletes_nothing() -> None:
    driver = Driver().chooses(*THERE)
    driver.learns(motion=Motion(30.0, NOW, None))
    driver.chooses("Yes, delete personal data")
    assert driver.code == "NOT_WHILE_MOVING"
    assert driver.intents == []


@pytest.mark.req("R-715", "R-209")
def test_a_cancellation_lock_outlives_the_orders_it_comes_from() -> None:
    known = snapshot(locked_until_ms=NOW + 60_000)
    driver = Driver(facts(snapshot=known)).chooses(*THERE, "Yes, delete personal data")
    assert driver.last() == ErasePersonalData(NOW + 60_000)


@pytest.mark.req("R-715")
def test_a_request_under_way_is_forgotten_and_its_late_answer_says_nothing() -> None:
    driver = Driver().chooses(*STORE, RTTI_NAME, "3 months", "Checkout").does(PRESS)
    driver.awaits(RequestKind.PLACE, "k").does(MENU).chooses(*THERE, "Yes, delete personal data")
    driver.learns(request=None)
    erased(driver)
    driver.hears("other", order=order())
    assert driver.told().startswith("Personal data is deleted")
    driver.does(MENU).chooses(*STORE)
    assert "My basket" in driver.labels()
