"""SIM subscriptions at work: the backend decides, the operator carries out, the car is told first.

A decision commits together with the snapshot that tells the car; the operator's due time comes after it.
"""

from collections.abc import Callable
from dataclasses import replace

from backend_stub.domain.sim_subscription import (
    SimEvent,
    Subscription,
    has_service_left,
    is_listed,
    operator_due_ms,
    step,
)
from backend_stub.service.ports.due import DueKind
from backend_stub.service.ports.vehicle_states import VehicleState
from backend_stub.service.unit_of_work import UnitOfWork
from contracts.modem import SimState

SubscriptionListener = Callable[[str, SimState], None]
"""Called with VIN and state once the operator has carried something out."""

KEY = "subscription"
"""Key of the journal's entries of kind "sim" for what the backend decides."""
NETWORK_KEY = "network"
"""The same for what the operator carries out."""


class Subscriptions:
    """Applies the SIM subscription table of section 3, inside the unit of work that is open."""

    def __init__(self) -> None:
        self._listeners: list[SubscriptionListener] = []

    def on_network(self, listener: SubscriptionListener) -> None:
        """Have `listener` called with everything the operator carries out."""
        self._listeners.append(listener)

    def state(self, uow: UnitOfWork, vin: str) -> VehicleState:
        """The state of a car; one that is new, or older than this table, begins with what its record says."""
        state = uow.store.vehicle_states.get(vin)
        if state is None:
            vehicle = uow.store.vehicles.get(vin)
            is_handed_over = vehicle is None or vehicle.is_handed_over
            state = VehicleState(vin=vin, subscription=Subscription.of_new_car(handed_over=is_handed_over))
            uow.store.vehicle_states.add(state)
        return state

    def apply(self, uow: UnitOfWork, vin: str, event: SimEvent) -> None:
        """Let `event` happen to the car's subscription. Raises BackendError with INVALID_STATE."""
        before = self.state(uow, vin)
        after = step(before.subscription, event)
        uow.store.vehicle_states.change(before, replace(before, subscription=after))
        uow.record("sim", KEY, after.state, event=event)
        due_ms = operator_due_ms(after, uow.now_ms)
        if due_ms is None:
            uow.store.due.remove(DueKind.SIM_ORDER, vin)
        else:
            uow.store.due.put(DueKind.SIM_ORDER, vin, due_ms)
        uow.touch(vin)

    def carry_out(self, uow: UnitOfWork, vin: str) -> None:
        """The operator does what was decided."""
        before = self.state(uow, vin)
        state = before.subscription.state
        if before.subscription.network is state:
            return
        subscription = replace(before.subscription, network=state)
        uow.store.vehicle_states.change(before, replace(before, subscription=subscription))
        uow.record("sim", NETWORK_KEY, state)
        uow.after_commit(lambda: self._tell(vin, state))

    def service_ended(self, uow: UnitOfWork, vin: str) -> None:
        """A service of the car has ended: with the last one the subscription ends, too (R-515, D-28)."""
        if has_service_left(uow.store.entitlements.of_vehicle(vin)):
            return
        if is_listed(self.state(uow, vin).subscription.state, SimEvent.LAST_SERVICE_ENDED):
            self.apply(uow, vin, SimEvent.LAST_SERVICE_ENDED)

    def _tell(self, vin: str, state: SimState) -> None:
        for listener in self._listeners:
            listener(vin, state)
