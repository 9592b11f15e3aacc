"""The motion lock, to the millisecond (R-811)."""

import pytest

from headunit.domain.facts import UNKNOWN_MOTION, Motion
from headunit.domain.motion_lock import is_locked, next_change_ms, observed
from tests.headunit.domain.car import NOW, RTTI_NAME, STORE, Driver, facts

pytestmark = pytest.mark.req("R-811")


def test_speed_above_zero_locks_at_once() -> None:
    standing = Motion(0.0, NOW, NOW - 60_000)
    assert not is_locked(standing, NOW)
    assert is_locked(observed(standing, 0.1, NOW + 1), NOW + 1)


def test_unknown_speed_locks() -> None:
    assert is_locked(UNKNOWN_MOTION, NOW)
    assert is_locked(observed(Motion(0.0, NOW, NOW - 60_000), None, NOW), NOW)


@pytest.mark.parametrize(("age_ms", "locked"), [(1_999, False), (2_000, False), (2_001, True)])
def test_reading_older_than_two_seconds_locks(age_ms: int, locked: bool) -> None:
    assert is_locked(Motion(0.0, NOW - age_ms, NOW - 60_000), NOW) is locked


@pytest.mark.parametrize(
    ("standing_ms", "locked"), [(0, True), (1_999, True), (2_000, False), (2_001, False)]
)
def test_two_seconds_at_zero_unlock(standing_ms: int, locked: bool) -> None:
    motion = observed(Motion(30.0, NOW - 100, None), 0.0, NOW)
    for at_ms in (min(1_000, standing_ms), standing_ms):
        motion = observed(motion, 0.0, NOW + at_ms)
    assert is_locked(motion, NOW + standing_ms) is locked


def test_a_gap_between_readings_begins_the_two_seconds_anew() -> None:
    motion = observed(observed(UNKNOWN_MOTION, 0.0, NOW), 0.0, NOW + 2_000)
    assert not is_locked(motion, NOW + 2_000)
    motion = observed(motion, 0.0, NOW + 4_001)
    assert is_locked(motion, NOW + 6_000)
    assert not is_locked(observed(motion, 0.0, NOW + 6_001), NOW + 6_001)


def test_the_next_change_is_announced() -> None:
    motion = observed(UNKNOWN_MOTION, 0.0, NOW)
    assert next_change_ms(motion, NOW) == NOW + 2_000
    assert next_change_ms(motion, NOW + 2_000) == NOW + 2_001
    assert next_change_ms(motion, NOW + 2_001) is None
    assert next_change_ms(observed(motion, 5.0, NOW), NOW) is None


def test_while_moving_the_menu_stays_free_and_selection_is_refused() -> None:
    driver = Driver(facts(motion=Motion(30.0, NOW, None)))
    assert driver.screen.status.locked
    driver.chooses(*STORE, RTTI_NAME)
    assert driver.screen.screen == "store.product.RTTI"
    driver.chooses("3 months")
    assert driver.code == "NOT_WHILE_MOVING"
    assert driver.basket() == ()
    assert driver.asked_for() == []


def test_the_basket_is_kept_while_moving_and_nothing_is_ordered() -> None:
    driver = Driver().chooses(*STORE, RTTI_NAME, "3 months", "Checkout")
    basket = driver.basket()
    driver.learns(motion=Motion(0.1, NOW, None))
    driver.intents.clear()
    driver.chooses("Order with obligation to pay")
    assert (driver.code, driver.asked_for(), driver.basket()) == ("NOT_WHILE_MOVING", [], basket)


def test_the_refusal_goes_when_the_car_has_stood_for_two_seconds() -> None:
    driver = Driver(facts(motion=Motion(30.0, NOW, None))).chooses(*STORE, RTTI_NAME, "3 months")
    standing = observed(observed(Motion(), 0.0, NOW + 500), 0.0, NOW + 2_000)
    driver.learns(now_ms=NOW + 2_499, motion=standing)
    assert driver.code == "NOT_WHILE_MOVING"
    driver.learns(now_ms=NOW + 2_500)
    assert driver.code == ""
    assert not driver.screen.status.locked


@pytest.mark.parametrize("row", ["Language", "Split screen"])
def test_settings_are_locked_while_moving(row: str) -> None:
    driver = Driver(facts(motion=Motion(30.0, NOW, None))).chooses("Settings")
    before = driver.screen.rows
    driver.chooses(row)
    if row == "Language":
        driver.chooses("Deutsch")
    assert driver.code == "NOT_WHILE_MOVING"
    assert driver.does().screen.rows[0].label in (before[0].label, "English")
