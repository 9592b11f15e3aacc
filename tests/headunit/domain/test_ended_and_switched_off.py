"""What the car shows of services that are suspended, ended or switched off (R-401, R-514 to R-517)."""

import pytest
from msgspec.structs import replace

from contracts.controller import BACK, OPTION, rotate
from contracts.messages import EntitlementState, EntitlementView, OrderState
from contracts.modem import ModemStatus, Registration, SignalLevel, SimState
from contracts.screen import Tone
from headunit.domain.texts import LANGUAGES
from tests.headunit.domain.car import (
    PRESS,
    RTTI_NAME,
    STORE,
    Driver,
    entitlement,
    facts,
    offline,
    order,
    shanghai,
    snapshot,
)

EMERGENCY = EntitlementView(
    service="EMERGENCY_CALL",
    name="Intelligent Emergency Call",
    origin="STANDARD",
    state=EntitlementState.ACTIVE,
)
OFF = EntitlementView(
    service="EMERGENCY_CALL",
    name="Intelligent Emergency Call",
    origin="STANDARD",
    state=EntitlementState.DEACTIVATED,
)
DEACTIVATED = snapshot(deactivated=True, ecall_available=False, entitlements=(OFF,))
DEAD_SIM = ModemStatus(SimState.DEACTIVATED, Registration.NOT_REGISTERED, SignalLevel.NONE, "", None, False)


@pytest.mark.req("R-514")
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_deactivated_car_warns_on_every_screen_and_through_every_notice(language: str) -> None:
    ways: list[tuple[int, ...]] = [()]
    seen = set()
    for way in ways:
        driver = Driver(facts(snapshot=DEACTIVATED), language=language)
        for row in way:
            driver.does(rotate(-99), *((rotate(row),) if row else ()), PRESS)
        assert driver.screen.status.warning.startswith("⚠ ")
        if driver.screen.screen not in seen:
            ways.extend((*way, row) for row in range(len(driver.screen.rows)))
        seen.add(driver.screen.screen)
        driver.does(OPTION)
        assert driver.screen.status.warning.startswith("⚠ ")
    assert len(seen) > 20


@pytest.mark.req("R-514")
def test_the_banner_of_a_deactivated_car_comes_back_after_every_notice() -> None:
    driver = Driver(facts(snapshot=DEACTIVATED))
    for labels in ((), ("ConnectedDrive",), ("ConnectedDrive Store",), (RTTI_NAME,)):
        driver.chooses(*labels)
        assert "The Emergency Call does not work." in driver.told()
        assert driver.screen.banner is not None
        assert driver.screen.banner.tone is Tone.BAD
    driver.chooses("3 months")
    assert driver.told() == f"{RTTI_NAME} is in your basket."
    assert driver.screen.status.warning == "⚠ Deactivated: the Emergency Call does not work"
    driver.does(BACK)
    assert "The Emergency Call does not work." in driver.told()


@pytest.mark.req("R-514")
def test_a_dead_sim_says_the_same_though_the_word_of_it_never_arrived() -> None:
    driver = Driver(facts(modem=DEAD_SIM, session=False))
    assert driver.screen.status.warning == "⚠ Deactivated: the Emergency Call does not work"
    assert driver.screen.status.data == "SIM off"
    assert "The Emergency Call does not work." in driver.told()


@pytest.mark.req("R-514")
def test_the_warning_ends_with_the_word_that_the_car_is_active_again() -> None:
    driver = Driver(facts(snapshot=DEACTIVATED))
    driver.learns(snapshot=snapshot(2, entitlements=(EMERGENCY,)))
    assert driver.screen.status.warning == ""
    assert driver.told() == ""


@pytest.mark.req("R-514", "R-515")
def test_the_page_of_the_emergency_call_says_why_it_does_not_work() -> None:
    driver = Driver(facts(snapshot=DEACTIVATED)).chooses("ConnectedDrive")
    assert driver.row("Emergency Call") == "not available"
    driver.chooses("Emergency Call")
    assert "All services of this car are deactivated." in driver.panel()
    assert "Ask your dealer." in driver.panel()


@pytest.mark.req("R-515")
def test_a_dead_emergency_call_is_never_shown_as_active() -> None:
    known = snapshot(ecall_available=False, entitlements=(EMERGENCY,))
    driver = Driver(facts(snapshot=known))
    assert driver.screen.status.warning == "⚠ Emergency Call unavailable"
    driver.chooses("ConnectedDrive")
    assert driver.row("Emergency Call") == "not available"
    driver.does(rotate(1))
    assert "The service is not active." in driver.panel()
    driver.chooses("ConnectedDrive Store", "Booked Services")
    assert driver.row("Intelligent Emergency Call") == "not available"
    assert driver.screen.rows[0].tone is Tone.BAD


@pytest.mark.req("R-515")
def test_an_emergency_call_that_works_is_active_and_warns_of_nothing() -> None:
    driver = Driver(facts(snapshot=snapshot(entitlements=(EMERGENCY,)))).chooses("ConnectedDrive")
    assert driver.row("Emergency Call") == ""
    driver.chooses("ConnectedDrive Store", "Booked Services")
    assert driver.row("Intelligent Emergency Call") == "active"


@pytest.mark.req("R-516")
def test_a_suspended_service_names_the_support_and_keeps_its_dates() -> None:
    known = snapshot(entitlements=(entitlement(EntitlementState.SUSPENDED, "2026-07-31"),))
    driver = Driver(facts(snapshot=known)).chooses(*STORE, "Booked Services", RTTI_NAME)
    assert "Suspended, contact support: 10101018" in driver.panel()
    assert "Booked until 31.07.2026" in driver.panel()


@pytest.mark.req("R-517", "R-511")
@pytest.mark.parametrize("state", [EntitlementState.TERMINATED, EntitlementState.DEACTIVATED])
def test_what_was_ended_early_does_not_look_booked(state: EntitlementState) -> None:
    known = snapshot(entitlements=(entitlement(state, "2026-07-31"),))
    driver = Driver(facts(snapshot=known)).chooses(*STORE, "Booked Services")
    assert "31.07.2026" not in driver.row(RTTI_NAME)
    assert "Was booked until 31.07.2026" in driver.panel()
    assert "\nBooked until" not in driver.panel()


@pytest.mark.req("R-517")
def test_a_terminated_service_says_so_and_can_be_booked_again() -> None:
    known = snapshot(entitlements=(entitlement(EntitlementState.TERMINATED, "2026-07-31"),))
    driver = Driver(facts(snapshot=known)).chooses(*STORE, "Booked Services", RTTI_NAME)
    assert "It has been ended and no longer works. Questions: 10101018" in driver.panel()
    assert driver.labels() == ("Book again", "Back")


@pytest.mark.req("R-513", "R-406")
def test_an_end_that_bmw_has_announced_is_shown_and_comes_at_its_midnight_even_offline() -> None:
    midnight = shanghai("2026-07-16T00:00:00")
    items = (
        replace(EMERGENCY, ends_by_notice="2026-07-15"),
        entitlement(EntitlementState.ACTIVE, "2026-07-31", ends_by_notice="2026-07-15"),
    )
    driver = Driver(offline(midnight - 1, snapshot=snapshot(entitlements=items)))
    driver.chooses(*STORE, "Booked Services", RTTI_NAME)
    assert "BMW ends this service. Its last day is 15.07.2026." in driver.panel()
    assert driver.screen.status.warning == ""
    assert driver.presenter.next_change_ms() == midnight
    driver.learns(now_ms=midnight)
    assert "State ended" in driver.panel()
    assert driver.screen.status.warning == "⚠ Emergency Call unavailable"


@pytest.mark.req("R-401")
def test_an_active_service_names_the_line_for_faults() -> None:
    known = snapshot(entitlements=(entitlement(EntitlementState.ACTIVE, "2026-07-31"),))
    driver = Driver(facts(snapshot=known)).chooses(*STORE, "Booked Services", RTTI_NAME)
    assert "Does it not work? Call 400-800-6666" in driver.panel()


@pytest.mark.req("R-214", "R-405")
@pytest.mark.parametrize("state", [OrderState.FULFILLED, OrderState.PARTLY_REFUNDED, OrderState.REFUNDED])
def test_an_order_that_is_done_under_the_drivers_eyes_refers_to_booked_services(state: OrderState) -> None:
    driver = Driver(facts(snapshot=snapshot(orders=(order(OrderState.PAID),))))
    driver.chooses(*STORE, "Open orders", RTTI_NAME)
    driver.learns(snapshot=snapshot(2, orders=(order(state),)))
    assert "State paid" in driver.panel()
    assert "Its services are listed under Booked Services." in driver.panel()
    driver.chooses("Change or cancel")
    assert driver.code == "USE_HOTLINE"


@pytest.mark.req("R-514", "R-515")
def test_deactivation_alone_makes_the_emergency_call_unavailable() -> None:
    known = snapshot(deactivated=True, entitlements=(EMERGENCY,))
    driver = Driver(facts(snapshot=known)).chooses("ConnectedDrive")
    assert driver.row("Emergency Call") == "not available"
