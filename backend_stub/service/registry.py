"""Cars that the backend knows, what they are born with, and the price list that is in force."""

from collections.abc import Iterable

from backend_stub.domain import calendar
from backend_stub.domain.catalogue import BASE_PACKAGE, FIRST_LISTS, STANDARD_NAMES
from backend_stub.domain.entitlement import Entitlement, Origin, Period
from backend_stub.domain.market import MarketProfile
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.errors import BackendError
from backend_stub.service.acts import Acts
from backend_stub.service.unit_of_work import UnitOfWork
from backend_stub.service.validity.booking import Booking
from backend_stub.service.validity.subscription import Subscriptions
from contracts.acts import bmw
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState


class Registry:
    """Registers cars and changes prices, inside the unit of work that is open."""

    def __init__(self, profile: MarketProfile, booking: Booking, subscriptions: Subscriptions) -> None:
        self._profile = profile
        self._booking = booking
        self._subscriptions = subscriptions

    def register(self, uow: UnitOfWork, vehicles: Iterable[VehicleRecord]) -> None:
        """Keep the cars; one that is new and in its owner's hands is equipped.

        What dealer and hotline have changed of a car that is known stays as they have left it.
        """
        if uow.store.prices.current() is None:
            uow.store.prices.add(FIRST_LISTS[self._profile.market])
        for vehicle in vehicles:
            is_new = uow.store.vehicles.put(vehicle)
            self._subscriptions.state(uow, vehicle.vin)
            if is_new and vehicle.is_handed_over:
                self.equip(uow, vehicle)

    def car(self, uow: UnitOfWork, vin: str) -> VehicleRecord:
        """The car called `vin`, the first one there is when that is empty. Raises BackendError."""
        vehicle = uow.store.vehicles.get(vin or next(iter(uow.store.vehicles.vins()), ""))
        if vehicle is None:
            raise BackendError(ErrorCode.VERIFICATION_FAILED, "no such car here")
        return vehicle

    def acts(self) -> Acts:
        """What BMW's desk can do with the list."""
        return {bmw.ChangePriceList: self._change_list}

    def _change_list(self, uow: UnitOfWork, act: bmw.ChangePriceList) -> None:
        self.change_prices(uow, act.percent, act.tax_included)

    def change_prices(self, uow: UnitOfWork, percent: int, tax_included: bool | None = None) -> None:
        """Put the next list into force, unannounced (R-103); it may be flagged as including tax (R-310)."""
        before = uow.store.prices.current() or FIRST_LISTS[self._profile.market]
        after = before.changed(percent, tax_included)
        uow.store.prices.add(after)
        uow.record("prices", self._profile.market, str(after.version), percent=percent)

    def equip(self, uow: UnitOfWork, vehicle: VehicleRecord) -> None:
        """Give a car what it is delivered with: standard services and its base package (R-004, D-51)."""
        self.grant_standard(uow, vehicle)
        if self._profile.base_package and vehicle.base_package_months:
            self._booking.grant(uow, self._base_package(uow, vehicle))

    def grant_standard(self, uow: UnitOfWork, vehicle: VehicleRecord) -> None:
        """Give a car its standard services, afresh (R-004, D-28)."""
        for service in STANDARD_NAMES:
            self._booking.grant(
                uow,
                Entitlement(
                    entitlement_id=0,
                    vin=vehicle.vin,
                    service=service,
                    origin=Origin.STANDARD,
                    state=EntitlementState.ACTIVE,
                ),
            )

    def _base_package(self, uow: UnitOfWork, vehicle: VehicleRecord) -> Entitlement:
        today = calendar.local_date(uow.now_ms, self._profile.zone)
        first_day = vehicle.first_activation or today
        last_day = calendar.end(first_day, vehicle.base_package_months)
        return Entitlement(
            entitlement_id=0,
            vin=vehicle.vin,
            service=BASE_PACKAGE,
            origin=Origin.CONTRACT,
            state=EntitlementState.ACTIVE if today <= last_day else EntitlementState.EXPIRED,
            periods=(
                Period(
                    order_number="",
                    months=vehicle.base_package_months,
                    captured_at_ms=calendar.local_midnight_ms(first_day, self._profile.zone),
                    first_day=first_day,
                    last_day=last_day,
                    fresh=False,
                ),
            ),
        )
