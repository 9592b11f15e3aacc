"""The dealer's console: hand a car over, switch it off, switch it on again (R-514, R-515, R-701, D-28)."""

from collections.abc import Iterator
from datetime import date

import pytest

from backend_stub.app import BackendConfig
from backend_stub.domain.vehicle import VehicleRecord
from contracts.acts.agent import EndService
from contracts.acts.bmw import SuspendServices, TerminateServices
from contracts.acts.dealer import ActivateVehicle, DeactivateVehicle, ReactivateVehicle
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState
from contracts.modem import SimState
from tests.backend_stub.ends_shop import does, refused, sim, states
from tests.backend_stub.shop import MINUTE, NUMBER, SECOND, VIN, Shop

S = EntitlementState
OFF = DeactivateVehicle(confirmed=True)


@pytest.fixture
def new_car() -> Iterator[Shop]:
    """A backend in China whose car stands at the dealer's, on 1 May 2026."""
    shop = Shop(config=BackendConfig(vehicles=(VehicleRecord(vin=VIN, is_handed_over=False),)))
    yield shop
    shop.close()


@pytest.fixture
def switched(shop: Shop) -> list[SimState]:
    """What the operator tells whoever listens, from now on."""
    heard: list[SimState] = []
    shop.backend.on_subscription(lambda vin, state: heard.append(state))
    return heard


@pytest.mark.req("R-004", "R-514")
def test_switching_off_ends_every_service_and_the_emergency_call(shop: Shop) -> None:
    shop.paid("RTTI")
    shop.advance(MINUTE)
    shop.paid("CONCIERGE")
    does(shop, OFF)
    assert set(states(shop).values()) == {S.DEACTIVATED}
    assert set(states(shop)) == {"EMERGENCY_CALL", "TELESERVICES", "BASE", "RTTI", "CONCIERGE"}
    assert {each.ended_at_ms for each in shop.backend.audit().entitlements} == {shop.now}
    last = shop.snapshots()[-1]
    assert last.deactivated
    assert not last.ecall_available
    assert {each.state for each in last.entitlements} == {S.DEACTIVATED}


@pytest.mark.req("R-514")
def test_the_console_demands_that_the_consequence_is_confirmed(shop: Shop) -> None:
    assert refused(shop, DeactivateVehicle()) is ErrorCode.CONFIRMATION_REQUIRED


@pytest.mark.req("R-514")
def test_the_last_snapshot_waits_for_the_car_before_the_operator_switches_off(
    shop: Shop, switched: list[SimState]
) -> None:
    does(shop, OFF)
    assert shop.snapshots()[-1].deactivated
    assert sim(shop) == (SimState.DEACTIVATED, SimState.ACTIVE)
    shop.advance(MINUTE - 1)
    assert switched == []
    shop.advance(1)
    assert sim(shop) == (SimState.DEACTIVATED, SimState.DEACTIVATED)
    assert switched == [SimState.DEACTIVATED]


@pytest.mark.req("R-514")
def test_the_operator_does_what_it_was_told_before_a_restart(shop: Shop) -> None:
    does(shop, OFF)
    shop.restart_after(10 * SECOND)
    assert sim(shop) == (SimState.DEACTIVATED, SimState.ACTIVE)
    shop.restart_after(MINUTE)
    assert shop.backend.networks() == {VIN: SimState.DEACTIVATED}


@pytest.mark.req("R-514")
def test_a_car_that_is_off_cannot_be_switched_off(shop: Shop) -> None:
    does(shop, OFF)
    assert refused(shop, OFF) is ErrorCode.INVALID_STATE


@pytest.mark.req("R-514")
def test_a_suspended_car_can_be_switched_off(shop: Shop) -> None:
    does(shop, SuspendServices(emergency_call=True))
    does(shop, OFF)
    assert set(states(shop).values()) == {S.DEACTIVATED}
    assert sim(shop)[0] is SimState.DEACTIVATED


@pytest.mark.req("R-514", "R-515")
def test_after_switching_on_again_only_standard_services_are_back_afresh(
    shop: Shop, switched: list[SimState]
) -> None:
    shop.paid("RTTI")
    shop.advance(MINUTE)
    does(shop, OFF)
    shop.advance(MINUTE)
    does(shop, ReactivateVehicle())
    assert switched == [SimState.DEACTIVATED, SimState.ACTIVE]
    assert states(shop) == {
        "EMERGENCY_CALL": S.ACTIVE,
        "TELESERVICES": S.ACTIVE,
        "BASE": S.DEACTIVATED,
        "RTTI": S.DEACTIVATED,
    }
    assert [each.state for each in shop.entitlements("EMERGENCY_CALL")] == [S.DEACTIVATED, S.ACTIVE]
    last = shop.snapshots()[-1]
    assert last.ecall_available
    assert not last.deactivated
    assert shop.booked("EMERGENCY_CALL").state is S.ACTIVE


@pytest.mark.req("R-514")
def test_switching_on_within_the_minute_leaves_the_operator_nothing_to_do(
    shop: Shop, switched: list[SimState]
) -> None:
    does(shop, OFF)
    shop.advance(MINUTE - 1)
    does(shop, ReactivateVehicle())
    shop.advance(MINUTE)
    assert switched == []
    assert sim(shop) == (SimState.ACTIVE, SimState.ACTIVE)


@pytest.mark.req("R-514")
def test_a_car_that_is_on_cannot_be_switched_on(shop: Shop) -> None:
    assert refused(shop, ReactivateVehicle()) is ErrorCode.INVALID_STATE


@pytest.mark.req("R-403", "R-514")
def test_what_was_switched_off_never_expires_nor_activates(shop: Shop) -> None:
    shop.paid("RTTI")
    does(shop, OFF)
    shop.advance(200 * 24 * 60 * MINUTE)
    assert set(states(shop).values()) == {S.DEACTIVATED}


@pytest.mark.req("R-701", "R-004")
def test_a_car_at_the_dealers_has_no_working_sim_and_no_services(new_car: Shop) -> None:
    assert sim(new_car) == (SimState.PROVISIONED, SimState.PROVISIONED)
    assert states(new_car) == {}
    _, snapshot = new_car.sync()
    assert not snapshot.ecall_available
    assert not snapshot.deactivated
    assert refused(new_car, OFF) is ErrorCode.INVALID_STATE
    assert refused(new_car, ReactivateVehicle()) is ErrorCode.INVALID_STATE


@pytest.mark.req("R-004", "R-701")
def test_handing_over_begins_services_and_sim_and_knows_the_owner(new_car: Shop) -> None:
    new_car.advance(24 * 60 * MINUTE)
    does(new_car, ActivateVehicle(name="Test Owner", number=NUMBER))
    assert sim(new_car) == (SimState.ACTIVE, SimState.ACTIVE)
    assert states(new_car) == {"EMERGENCY_CALL": S.ACTIVE, "TELESERVICES": S.ACTIVE, "BASE": S.ACTIVE}
    assert new_car.booked("BASE").booked_from == "2026-05-02"
    last = new_car.snapshots()[-1]
    assert last.ecall_available
    assert last.contract_number == NUMBER
    record = new_car.backend.store.vehicles.get(VIN)
    assert record is not None
    assert (record.is_handed_over, record.first_activation) == (True, date(2026, 5, 2))
    assert record.owner_name == "Test Owner"


@pytest.mark.req("R-701")
def test_a_car_is_handed_over_once(new_car: Shop, shop: Shop) -> None:
    act = ActivateVehicle(name="Test Owner", number=NUMBER)
    does(new_car, act)
    assert refused(new_car, act) is ErrorCode.INVALID_STATE
    assert refused(shop, act) is ErrorCode.INVALID_STATE


@pytest.mark.req("R-701")
def test_what_the_dealer_has_done_survives_a_restart_with_the_old_record(new_car: Shop) -> None:
    does(new_car, ActivateVehicle(name="Test Owner", number=NUMBER))
    new_car.restart_after(MINUTE)
    record = new_car.backend.store.vehicles.get(VIN)
    assert record is not None
    assert record.is_handed_over
    assert record.contract_number == NUMBER
    assert len(new_car.entitlements("EMERGENCY_CALL")) == 1
    assert sim(new_car) == (SimState.ACTIVE, SimState.ACTIVE)


@pytest.mark.req("R-515")
def test_the_last_service_takes_the_sim_along(shop: Shop) -> None:
    does(shop, TerminateServices(services=("TELESERVICES", "BASE")))
    assert sim(shop)[0] is SimState.ACTIVE
    does(shop, TerminateServices(emergency_call=True))
    assert set(states(shop).values()) == {S.TERMINATED}
    assert sim(shop) == (SimState.DEACTIVATED, SimState.ACTIVE)
    last = shop.snapshots()[-1]
    assert last.deactivated
    assert not last.ecall_available
    assert ("subscription", "DEACTIVATED") in shop.journal("sim")


@pytest.mark.req("R-515")
def test_a_paid_service_that_waits_for_activation_is_a_service(shop: Shop) -> None:
    shop.paid("RTTI")
    does(shop, TerminateServices(services=("EMERGENCY_CALL", "TELESERVICES", "BASE"), emergency_call=True))
    assert sim(shop)[0] is SimState.ACTIVE
    does(shop, EndService(service="RTTI"))
    assert sim(shop)[0] is SimState.DEACTIVATED


@pytest.mark.req("R-515")
def test_the_emergency_call_survives_the_expiry_of_all_that_was_bought(shop: Shop) -> None:
    shop.paid("RTTI")
    shop.advance(MINUTE)
    shop.advance(4 * 365 * 24 * 60 * MINUTE)
    assert states(shop)["RTTI"] is states(shop)["BASE"] is S.EXPIRED
    assert shop.snapshots()[-1].ecall_available
    assert sim(shop) == (SimState.ACTIVE, SimState.ACTIVE)
