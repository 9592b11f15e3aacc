"""What the car shows in each situation: the first column of the visibility table."""

from typing import Any

import pytest

from contracts.messages import CancelReason, Disturbance, EntitlementState, OrderState
from contracts.modem import ModemStatus, Registration, SignalLevel, SimState
from contracts.screen import Tone
from tests.headunit.domain.car import (
    DAY_MS,
    EMERGENCY_CALL,
    MENU,
    NOW,
    PRESS,
    RTTI_NAME,
    STORE,
    TUNNEL,
    Driver,
    entitlement,
    facts,
    offline,
    order,
    snapshot,
)


def at_order(state: OrderState, **fields: Any) -> Driver:
    known = snapshot(orders=(order(state, **fields),))
    return Driver(facts(snapshot=known)).chooses(*STORE, "Open orders")


@pytest.mark.req("R-206", "R-208", "R-308")
def test_awaiting_payment_shows_order_deadline_edit_and_cancel() -> None:
    driver = at_order(OrderState.AWAITING_PAYMENT)
    assert driver.row(RTTI_NAME) == "awaiting payment"
    driver.chooses(RTTI_NAME)
    assert driver.screen.screen == "store.order.1042"
    assert driver.labels() == (f"{RTTI_NAME} · 3 months", "Change order", "Cancel order", "Back")
    assert "Pay by 11.07.2026 14:32" in driver.panel()
    assert "Time left 24 h" in driver.panel()
    assert "138 **** 0001" in driver.panel()


@pytest.mark.req("R-207")
def test_paying_shows_in_progress_and_cancel() -> None:
    driver = at_order(OrderState.PAYING)
    assert driver.row(RTTI_NAME) == "payment in progress"
    driver.chooses(RTTI_NAME)
    assert driver.labels()[1:] == ("Cancel order", "Back")


@pytest.mark.req("R-207", "R-306")
def test_payment_failed_shows_failed_and_cancel() -> None:
    driver = at_order(OrderState.PAYMENT_FAILED)
    assert driver.row(RTTI_NAME) == "payment failed"
    driver.chooses(RTTI_NAME)
    assert driver.labels()[1:] == ("Cancel order", "Back")
    assert "same link" in driver.panel()


@pytest.mark.req("R-209")
def test_cancelling_shows_a_countdown_and_nothing_to_do() -> None:
    driver = at_order(OrderState.CANCELLING, cancel_until_ms=NOW + 299_001)
    assert driver.row(RTTI_NAME) == "cancelling 5:00"
    assert driver.code == "CANCEL_SYNC"
    driver.chooses(RTTI_NAME)
    assert driver.labels()[1:] == ("Back",)
    driver.learns(now_ms=NOW + 1)
    assert "cancelling 4:59" in driver.panel()


@pytest.mark.req("R-208", "R-211")
@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (CancelReason.USER, "cancelled by you"),
        (CancelReason.TIMEOUT, "not paid in time"),
        (CancelReason.OWNER, "owner changed"),
        (None, "cancelled"),
    ],
)
def test_cancelled_shows_the_reason(reason: CancelReason | None, words: str) -> None:
    assert at_order(OrderState.CANCELLED, cancel_reason=reason).row(RTTI_NAME) == words


@pytest.mark.req("R-214", "R-401")
def test_paid_shows_activating_and_refers_to_the_hotline() -> None:
    driver = at_order(OrderState.PAID)
    assert driver.row(RTTI_NAME) == "paid, activating"
    driver.chooses(RTTI_NAME, "Change or cancel")
    assert driver.code == "USE_HOTLINE"
    assert "10101018" in driver.told()


@pytest.mark.req("R-405")
@pytest.mark.parametrize("state", [OrderState.FULFILLED, OrderState.PARTLY_REFUNDED, OrderState.REFUNDED])
def test_fulfilled_and_refunded_orders_are_not_open(state: OrderState) -> None:
    driver = at_order(state)
    assert driver.labels() == ("Back",)
    assert "There are no open orders." in driver.panel()


def test_open_orders_come_first_and_are_counted() -> None:
    known = (order(OrderState.CANCELLED, "1", accepted_at_ms=NOW), order(number="2", accepted_at_ms=NOW - 5))
    driver = Driver(facts(snapshot=snapshot(orders=known))).chooses(*STORE)
    assert "Open orders (1)" in driver.labels()
    driver.chooses("Open orders")
    assert [row.value for row in driver.screen.rows] == ["awaiting payment", "cancelled"]


@pytest.mark.req("R-211")
def test_a_deadline_that_passes_is_said_at_that_millisecond() -> None:
    driver = at_order(OrderState.AWAITING_PAYMENT).chooses(RTTI_NAME)
    driver.learns(now_ms=NOW + DAY_MS, motion=facts(NOW + DAY_MS).motion)
    assert "Time left 0 s" in driver.panel()
    assert driver.presenter.next_change_ms() == NOW + DAY_MS + 1
    driver.learns(now_ms=NOW + DAY_MS + 1)
    assert "Time left over" in driver.panel()


@pytest.mark.req("R-405")
@pytest.mark.parametrize(
    ("state", "until", "value"),
    [
        (EntitlementState.PENDING, None, "activating"),
        (EntitlementState.ACTIVE, "2026-07-31", "active · 31.07.2026"),
        (EntitlementState.SUSPENDED, "2026-07-31", "suspended · 31.07.2026"),
        (EntitlementState.EXPIRED, "2026-06-30", "expired · 30.06.2026"),
        (EntitlementState.TERMINATED, "2026-07-31", "ended"),
        (EntitlementState.DEACTIVATED, "2026-07-31", "deactivated"),
    ],
)
def test_booked_services_by_state(state: EntitlementState, until: str | None, value: str) -> None:
    known = snapshot(entitlements=(entitlement(state, until), EMERGENCY_CALL))
    driver = Driver(facts(snapshot=known)).chooses(*STORE, "Booked Services")
    assert driver.labels() == ("Emergency Call", RTTI_NAME)
    assert driver.row("Emergency Call") == "active"
    assert driver.row(RTTI_NAME) == value


def test_a_car_whose_bench_is_not_up_says_so() -> None:
    driver = Driver(facts(starting=True, session=False, modem=None))
    assert driver.screen.status.data == "◌ starting"
    assert driver.screen.freshness == "Starting"


def test_a_service_whose_beginning_is_not_known_shows_its_end() -> None:
    known = snapshot(entitlements=(entitlement(EntitlementState.ACTIVE, "2026-07-31", booked_from=None),))
    driver = Driver(facts(snapshot=known)).chooses(*STORE, "Booked Services")
    assert "Booked until 31.07.2026" in driver.panel()
    assert "Booked from" not in driver.panel()


@pytest.mark.req("R-401")
def test_overdue_activation_names_the_disturbance_line() -> None:
    known = snapshot(entitlements=(entitlement(EntitlementState.PENDING, overdue=True),))
    driver = Driver(facts(snapshot=known)).chooses(*STORE, "Booked Services")
    assert "400-800-6666" in driver.panel()
    assert "ACTIVATION_OVERDUE" in driver.panel()


@pytest.mark.req("R-516")
def test_suspended_says_contact_support() -> None:
    known = snapshot(entitlements=(entitlement(EntitlementState.SUSPENDED, "2026-07-31"),))
    driver = Driver(facts(snapshot=known)).chooses(*STORE, "Booked Services")
    assert "contact support" in driver.panel()


@pytest.mark.req("R-405")
def test_booked_services_is_the_last_entry_of_the_store() -> None:
    assert Driver().chooses(*STORE).labels()[-1] == "Booked Services (1)"


@pytest.mark.req("R-501")
def test_a_booked_product_says_that_renewing_leaves_no_gap() -> None:
    known = snapshot(entitlements=(entitlement(EntitlementState.ACTIVE, "2026-07-31"),))
    driver = Driver(facts(snapshot=known)).chooses(*STORE, RTTI_NAME)
    assert "Booked until 31.07.2026 · renewing extends it without a gap to 31.10.2026" in driver.panel()


@pytest.mark.req("R-105")
def test_overlapping_packages_warn_and_do_not_block() -> None:
    driver = Driver().chooses(*STORE, RTTI_NAME, "3 months").does(MENU).chooses(*STORE, "Premium Package")
    assert f"You have some of this already: {RTTI_NAME}" in driver.panel()
    driver.chooses("3 months")
    assert len(driver.basket()) == 2


@pytest.mark.req("R-515")
@pytest.mark.parametrize("sim", [SimState.PROVISIONED, SimState.SUSPENDED])
def test_without_an_active_sim_every_screen_warns(sim: SimState) -> None:
    modem = ModemStatus(sim, Registration.NOT_REGISTERED, SignalLevel.NONE, "", None, False)
    driver = Driver(facts(modem=modem, session=False))
    for _ in range(3):
        assert driver.screen.status.warning == "⚠ Emergency Call unavailable"
        assert driver.screen.status.data == "SIM off"
        driver.does(PRESS)


@pytest.mark.req("R-515")
def test_an_ended_emergency_call_warns_too() -> None:
    assert Driver(facts(snapshot=snapshot(ecall_available=False))).screen.status.warning
    assert not Driver().screen.status.warning


@pytest.mark.req("R-805")
def test_an_announced_disturbance_is_shown_with_its_cause_while_it_lasts() -> None:
    disturbance = Disturbance(
        key="d", sent_at_ms=NOW, cause="WORKS", services=("RTTI",), from_ms=NOW + 10, until_ms=NOW + 20
    )
    driver = Driver(facts(disturbance=disturbance)).chooses("ConnectedDrive")
    assert driver.told() == ""
    driver.learns(now_ms=NOW + 10)
    assert driver.told() == (
        f"Disturbance announced: maintenance works. Affected: {RTTI_NAME}. Data may not be current."
    )
    assert driver.code == "WORKS"
    driver.learns(now_ms=NOW + 20)
    assert driver.told() == ""


@pytest.mark.req("R-805")
def test_a_cause_class_we_do_not_know_is_shown_as_it_came() -> None:
    disturbance = Disturbance(key="d", sent_at_ms=NOW, cause="{odd}", services=(), from_ms=NOW)
    driver = Driver(facts(disturbance=disturbance)).chooses("ConnectedDrive")
    assert driver.told().startswith("Disturbance announced: {odd}.")


@pytest.mark.req("R-404", "R-805")
def test_offline_values_carry_their_age() -> None:
    driver = Driver(offline()).chooses("ConnectedDrive")
    assert driver.screen.freshness == "No reception since 14:31:08 (52 s)"
    driver.chooses("ConnectedDrive Store", "Booked Services")
    assert driver.screen.freshness == "not current since 14:31:58"
    assert driver.screen.freshness_tone is Tone.WARN


def test_without_a_first_synchronisation_pages_say_what_is_waited_for() -> None:
    driver = Driver(facts(catalogue=None, snapshot=None, last_sync_ms=None)).chooses(*STORE)
    assert driver.labels()[0] == "Products appear with the first synchronisation"
    assert not driver.screen.rows[0].selectable
    assert driver.screen.freshness == "not synchronised yet"
    driver.chooses("Booked Services")
    assert "Booked services appear with the first synchronisation." in driver.panel()


@pytest.mark.parametrize(
    ("modem", "session", "data", "bars"),
    [
        (None, True, "⇅ online", 0),
        (
            ModemStatus(SimState.ACTIVE, Registration.REGISTERED_HOME, SignalLevel.GOOD, "4G", -80, True),
            True,
            "⇅ online",
            4,
        ),
        (
            ModemStatus(SimState.ACTIVE, Registration.REGISTERED_ROAMING, SignalLevel.FAIR, "4G", -90, True),
            True,
            "⇅ online",
            3,
        ),
        (
            ModemStatus(SimState.ACTIVE, Registration.REGISTERED_HOME, SignalLevel.FAIR, "3G", -99, True),
            True,
            "⇅ online",
            2,
        ),
        (
            ModemStatus(SimState.ACTIVE, Registration.REGISTERED_HOME, SignalLevel.POOR, "4G", -109, True),
            True,
            "⇅ slow",
            1,
        ),
        (
            ModemStatus(SimState.ACTIVE, Registration.REGISTERED_HOME, SignalLevel.GOOD, "4G", -80, False),
            True,
            "◌ no data",
            4,
        ),
        (
            ModemStatus(SimState.ACTIVE, Registration.REGISTERED_HOME, SignalLevel.GOOD, "4G", -80, True),
            False,
            "◌ no data",
            4,
        ),
        (TUNNEL, True, "✕ no network", 0),
        (TUNNEL, False, "✕ no network", 0),
    ],
)
def test_the_status_bar_tells_radio_and_data_apart(
    modem: ModemStatus | None, session: bool, data: str, bars: int
) -> None:
    status = Driver(facts(modem=modem, session=session)).screen.status
    assert (status.data, status.bars) == (data, bars)
