"""The state of a car's connection in the store: it comes back as written, and guarded."""

from dataclasses import replace
from datetime import date

import pytest

from backend_stub.domain.notice import EndNotice
from backend_stub.domain.sim_subscription import Subscription
from backend_stub.errors import ConcurrentChangeError
from backend_stub.service.ports.vehicle_states import VehicleState
from backend_stub.service.unit_of_work import UnitOfWork
from contracts.errors import ErrorCode
from contracts.modem import SimState
from tests.backend_stub.shop import VIN, Shop

OTHER = "WBATEST0000000002"
NOTICE = EndNotice(service="RTTI", last_day=date(2026, 6, 12), refund=True)
STATE = VehicleState(
    vin=OTHER,
    subscription=Subscription(state=SimState.DEACTIVATED, network=SimState.ACTIVE),
    notices=(NOTICE,),
)


def test_a_state_comes_back_as_it_was_written(shop: Shop) -> None:
    states = shop.backend.store.vehicle_states
    with shop.backend.store.transaction():
        states.add(STATE)
    assert states.get(OTHER) == STATE
    assert states.get("WBATEST0000000003") is None
    assert [each.vin for each in states.all()] == [VIN, OTHER]
    assert STATE.notice("RTTI") == NOTICE
    assert STATE.notice("CONCIERGE") is None


def test_a_state_is_changed_as_a_whole(shop: Shop) -> None:
    states = shop.backend.store.vehicle_states
    after = replace(
        STATE, subscription=Subscription(state=SimState.ACTIVE, network=SimState.ACTIVE), notices=()
    )
    with shop.backend.store.transaction():
        states.add(STATE)
        states.change(STATE, after)
    assert states.get(OTHER) == after


@pytest.mark.parametrize(
    "stale",
    [
        replace(STATE, notices=()),
        replace(STATE, subscription=Subscription(state=SimState.ACTIVE, network=SimState.ACTIVE)),
        replace(STATE, subscription=Subscription(state=SimState.DEACTIVATED, network=SimState.DEACTIVATED)),
        replace(STATE, vin="WBATEST0000000003"),
    ],
    ids=("notices", "sim", "network", "car"),
)
def test_a_state_that_somebody_else_changed_is_not_overwritten(shop: Shop, stale: VehicleState) -> None:
    store = shop.backend.store
    with store.transaction():
        store.vehicle_states.add(STATE)
    with pytest.raises(ConcurrentChangeError) as refused, store.transaction():
        store.vehicle_states.change(stale, replace(stale, notices=()))
    assert refused.value.code is ErrorCode.INVALID_STATE
    assert store.vehicle_states.get(OTHER) == STATE


@pytest.mark.req("R-514")
def test_a_car_that_only_an_older_database_knows_has_a_subscription_when_it_is_asked_for(shop: Shop) -> None:
    old = shop.config.vehicles[0]
    with shop.backend.store.transaction():
        uow = UnitOfWork(shop.backend.store, shop.backend.runtime.ids, shop.now, "")
        uow.store.vehicles.put(replace(old, vin=OTHER))
        state = shop.backend.subscriptions.state(uow, OTHER)
        uow.store.vehicles.put(replace(old, vin="WBATEST0000000003", is_handed_over=False))
        new = shop.backend.subscriptions.state(uow, "WBATEST0000000003")
    assert state.subscription == Subscription(state=SimState.ACTIVE, network=SimState.ACTIVE)
    assert new.subscription.state is SimState.PROVISIONED
