"""What dealer, branch and workshop do at their console: activate, deactivate, reactivate (R-514, R-701)."""

from dataclasses import replace
from typing import Protocol

from backend_stub.domain import calendar
from backend_stub.domain.entitlement import EntitlementEvent
from backend_stub.domain.market import MarketProfile
from backend_stub.domain.sim_subscription import IN_FORCE, SimEvent
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.errors import BackendError
from backend_stub.service.acts import Acts
from backend_stub.service.registry import Registry
from backend_stub.service.unit_of_work import UnitOfWork
from backend_stub.service.validity.booking import Booking
from backend_stub.service.validity.subscription import Subscriptions
from contracts.acts import dealer
from contracts.errors import ErrorCode


class FirstActivation(Protocol):
    """What becomes of the owner's account when a car is handed over (R-701)."""

    def first_activation(self, uow: UnitOfWork, vehicle: VehicleRecord, name: str, number: str) -> None:
        """The owner `name` with `number` has taken over `vehicle`, whose record names them already."""


class Dealer:
    """The dealer's console. Every method works inside the unit of work that is open."""

    def __init__(
        self,
        profile: MarketProfile,
        registry: Registry,
        booking: Booking,
        subscriptions: Subscriptions,
        accounts: FirstActivation | None = None,
    ) -> None:
        self._profile = profile
        self._registry = registry
        self._booking = booking
        self._subscriptions = subscriptions
        self._accounts = accounts

    def acts(self) -> Acts:
        """What a dealer can do."""
        return {
            dealer.ActivateVehicle: self.activate,
            dealer.DeactivateVehicle: self.deactivate,
            dealer.ReactivateVehicle: self.reactivate,
        }

    def activate(self, uow: UnitOfWork, act: dealer.ActivateVehicle) -> None:
        """Hand a new car over: its SIM works from now on, its services and its owner's account begin.

        Raises BackendError with INVALID_STATE for a car that was handed over before.
        """
        vehicle = self._registry.car(uow, act.car)
        self._subscriptions.apply(uow, vehicle.vin, SimEvent.DEALER_ACTIVATES)
        today = calendar.local_date(uow.now_ms, self._profile.zone)
        vehicle = replace(
            vehicle,
            is_handed_over=True,
            first_activation=today,
            contract_number=act.number or vehicle.contract_number,
            owner_name=act.name or vehicle.owner_name,
        )
        uow.store.vehicles.change(vehicle)
        self._registry.equip(uow, vehicle)
        if self._accounts is not None:
            self._accounts.first_activation(uow, vehicle, vehicle.owner_name, vehicle.contract_number)

    def deactivate(self, uow: UnitOfWork, act: dealer.DeactivateVehicle) -> None:
        """Switch everything off, the Emergency Call with it (R-514).

        Raises BackendError with CONFIRMATION_REQUIRED until the dealer confirms that it will be dead.
        """
        vehicle = self._registry.car(uow, act.car)
        if not act.confirmed:
            raise BackendError(
                ErrorCode.CONFIRMATION_REQUIRED,
                "all services end, and the Emergency Call of this car will be dead: confirm that",
            )
        # The subscription first: the last service that ends would take it along under another name.
        self._subscriptions.apply(uow, vehicle.vin, SimEvent.FULL_DEACTIVATION)
        for entitlement in uow.store.entitlements.of_vehicle(vehicle.vin):
            if entitlement.state in IN_FORCE:
                self._booking.stop(uow, entitlement, EntitlementEvent.DEACTIVATE)

    def reactivate(self, uow: UnitOfWork, act: dealer.ReactivateVehicle) -> None:
        """Switch the car on again: only its standard services return, afresh (D-28)."""
        vehicle = self._registry.car(uow, act.car)
        self._subscriptions.apply(uow, vehicle.vin, SimEvent.DEALER_REACTIVATES)
        self._registry.grant_standard(uow, vehicle)
