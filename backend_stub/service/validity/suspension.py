"""BMW's desk ends or interrupts services without notice: breach, suspicion of it, non-payment (R-516)."""

from collections.abc import Sequence

from backend_stub.domain.catalogue import EMERGENCY_CALL, service_name
from backend_stub.domain.entitlement import TRANSITIONS, Entitlement, EntitlementEvent
from backend_stub.domain.sim_subscription import IN_FORCE, SimEvent
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.errors import BackendError
from backend_stub.service.acts import Acts
from backend_stub.service.registry import Registry
from backend_stub.service.unit_of_work import UnitOfWork
from backend_stub.service.validity.booking import Booking
from backend_stub.service.validity.subscription import Subscriptions
from contracts.acts import bmw
from contracts.errors import ErrorCode
from contracts.modem import SimState


class Suspension:
    """Suspends, lifts and terminates. Every method works inside the unit of work that is open.

    A service that is named and cannot take the event is refused, and nothing happens to the others; where
    none is named, those are passed over that cannot take it.
    """

    def __init__(self, registry: Registry, booking: Booking, subscriptions: Subscriptions) -> None:
        self._registry = registry
        self._booking = booking
        self._subscriptions = subscriptions

    def acts(self) -> Acts:
        """What BMW's desk can do here."""
        return {
            bmw.SuspendServices: self.suspend,
            bmw.LiftSuspension: self.lift,
            bmw.TerminateServices: self.terminate,
        }

    def suspend(self, uow: UnitOfWork, act: bmw.SuspendServices) -> None:
        """Suspend services; validity goes on. With the Emergency Call's flag the SIM goes, too.

        Raises BackendError with CONFIRMATION_REQUIRED for the Emergency Call without its flag, else with
        INVALID_STATE.
        """
        vehicle = self._registry.car(uow, act.car)
        chosen = self._chosen(uow, vehicle, act, EntitlementEvent.SUSPEND)
        for entitlement in chosen:
            self._booking.happen(uow, entitlement, EntitlementEvent.SUSPEND)
        if act.emergency_call:
            self._subscriptions.apply(uow, vehicle.vin, SimEvent.SUSPEND)
        uow.record("suspension", "services", "suspended", ground=act.ground, count=len(chosen))

    def lift(self, uow: UnitOfWork, act: bmw.LiftSuspension) -> None:
        """Lift suspensions; with the Emergency Call's the SIM's, too. Raises BackendError, INVALID_STATE."""
        vehicle = self._registry.car(uow, act.car)
        sim = self._subscriptions.state(uow, vehicle.vin).subscription.state
        lifts_sim = sim is SimState.SUSPENDED and (not act.services or EMERGENCY_CALL in act.services)
        taken = self._taken(uow, vehicle, act.services, EntitlementEvent.LIFT)
        if not taken and not lifts_sim:
            raise BackendError(ErrorCode.INVALID_STATE, "nothing is suspended in this car")
        for entitlement in taken:
            self._booking.happen(uow, entitlement, EntitlementEvent.LIFT)
        if lifts_sim:
            self._subscriptions.apply(uow, vehicle.vin, SimEvent.LIFT)
        uow.record("suspension", "services", "lifted", count=len(taken))

    def terminate(self, uow: UnitOfWork, act: bmw.TerminateServices) -> None:
        """Terminate services at once. Raises BackendError as `suspend` does."""
        vehicle = self._registry.car(uow, act.car)
        chosen = self._chosen(uow, vehicle, act, EntitlementEvent.TERMINATE)
        for entitlement in chosen:
            self._booking.stop(uow, entitlement, EntitlementEvent.TERMINATE)
        uow.record("suspension", "services", "terminated", ground=act.ground, count=len(chosen))

    def _chosen(
        self,
        uow: UnitOfWork,
        vehicle: VehicleRecord,
        act: bmw.SuspendServices | bmw.TerminateServices,
        event: EntitlementEvent,
    ) -> list[Entitlement]:
        """What the act is about, the Emergency Call only by its flag (D-29)."""
        if EMERGENCY_CALL in act.services and not act.emergency_call:
            raise BackendError(
                ErrorCode.CONFIRMATION_REQUIRED, "the Emergency Call is included by its own flag only"
            )
        named = act.services
        if named and act.emergency_call and EMERGENCY_CALL not in named:
            named = (*named, EMERGENCY_CALL)
        taken = self._taken(uow, vehicle, named, event)
        chosen = [each for each in taken if act.emergency_call or each.service != EMERGENCY_CALL]
        if not chosen:
            raise BackendError(ErrorCode.INVALID_STATE, f"no service of this car can take this: {event}")
        return chosen

    def _taken(
        self, uow: UnitOfWork, vehicle: VehicleRecord, named: Sequence[str], event: EntitlementEvent
    ) -> list[Entitlement]:
        """Of the car's services in force those named, or all that can take the event."""
        current = [each for each in uow.store.entitlements.of_vehicle(vehicle.vin) if each.state in IN_FORCE]
        if not named:
            return [each for each in current if (each.state, event) in TRANSITIONS]
        for service in named:
            if not any(each.service == service for each in current):
                raise BackendError(
                    ErrorCode.INVALID_STATE, f"{service_name(service)} is not in force in this car"
                )
        return [each for each in current if each.service in named]
