"""The customer wants a service to end: on the telephone, by its rules, and nowhere else (R-511, R-512)."""

from backend_stub.domain import calendar
from backend_stub.domain.catalogue import STANDARD_NAMES, service_name
from backend_stub.domain.entitlement import Entitlement, EntitlementEvent
from backend_stub.domain.hotline_hours import check_answered, is_line
from backend_stub.domain.market import MarketProfile
from backend_stub.domain.order import Order
from backend_stub.domain.sim_subscription import IN_FORCE
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.domain.verification import verified_order
from backend_stub.errors import BackendError
from backend_stub.service.acts import Acts
from backend_stub.service.people.portal_access import PortalAccess
from backend_stub.service.registry import Registry
from backend_stub.service.unit_of_work import UnitOfWork
from backend_stub.service.validity.booking import Booking
from contracts.acts import agent, portal
from contracts.errors import ErrorCode


class Ends:
    """Ends at the customer's wish. Every method works inside the unit of work that is open."""

    def __init__(
        self, profile: MarketProfile, registry: Registry, booking: Booking, access: PortalAccess
    ) -> None:
        self._profile = profile
        self._registry = registry
        self._booking = booking
        self._access = access

    def acts(self) -> Acts:
        """What agents can do, and what the Portal cannot."""
        return {
            agent.EndService: self.end_service,
            agent.EndEverything: self.end_everything,
            portal.EndService: self.refuse_in_portal,
        }

    def end_service(self, uow: UnitOfWork, act: agent.EndService) -> None:
        """End one service now; nothing is paid back by that alone (R-511, R-512).

        Raises BackendError with HOTLINE_CLOSED, DEALER_ONLY for a standard service (D-47), USE_HOTLINE on
        another line, VERIFICATION_FAILED, or INVALID_STATE when the car has no such service.
        """
        self._answer(uow)
        if act.service in STANDARD_NAMES:
            raise BackendError(
                ErrorCode.DEALER_ONLY, f"{service_name(act.service)} never ends by telephone; ask a dealer"
            )
        if not is_line(act.line, self._profile.hotline):
            raise self._use_hotline()
        vehicle = self._registry.car(uow, act.car)
        held = self._held(uow, vehicle, act.service)
        if self._profile.verifies_callers:
            self._verify(uow, vehicle, act, held)
        if not held:
            raise BackendError(
                ErrorCode.INVALID_STATE, f"{service_name(act.service)} is not in force in this car"
            )
        for entitlement in held:
            self._booking.stop(uow, entitlement, EntitlementEvent.TERMINATE)
        self._charge_fee(uow, act.service)

    def end_everything(self, uow: UnitOfWork, act: agent.EndEverything) -> None:
        """No hotline switches a car off: raises BackendError with DEALER_ONLY (R-514)."""
        self._answer(uow)
        raise BackendError(
            ErrorCode.DEALER_ONLY, "only dealer, branch or workshop can switch off ConnectedDrive as a whole"
        )

    def refuse_in_portal(self, uow: UnitOfWork, act: portal.EndService) -> None:
        """Nothing ends in the Portal: raises BackendError with USE_HOTLINE (R-511, R-512)."""
        self._access.vehicle_of(uow, act)
        raise self._use_hotline()

    def _answer(self, uow: UnitOfWork) -> None:
        check_answered(self._profile.hotline_hours, self._profile.zone, uow.now_ms)

    def _use_hotline(self) -> BackendError:
        return BackendError(ErrorCode.USE_HOTLINE, f"call {self._profile.hotline} to end a service")

    def _held(self, uow: UnitOfWork, vehicle: VehicleRecord, service: str) -> list[Entitlement]:
        """What the car has of `service` now; that is more than one only after a replacement (R-104)."""
        return [
            each
            for each in uow.store.entitlements.of_vehicle(vehicle.vin)
            if each.service == service and each.state in IN_FORCE
        ]

    def _verify(
        self, uow: UnitOfWork, vehicle: VehicleRecord, act: agent.EndService, held: list[Entitlement]
    ) -> None:
        """The order must be one that has paid for the service, where one has (R-511, R-601)."""
        bought = [period.order_number for each in held for period in each.periods if period.order_number]
        order = self._order(uow, vehicle, act.order, bought)
        vin = vehicle.vin if act.vin is None else act.vin
        verified_order(order, registered_number=vehicle.contract_number, vin=vin, number=act.number)

    def _order(self, uow: UnitOfWork, vehicle: VehicleRecord, number: str, bought: list[str]) -> Order | None:
        if number:
            return uow.store.orders.get(number) if not bought or number in bought else None
        if bought:
            return uow.store.orders.get(bought[-1])
        return next(iter(reversed(uow.store.orders.of_vehicle(vehicle.vin))), None)

    def _charge_fee(self, uow: UnitOfWork, service: str) -> None:
        """What ending a service costs, where that is configured (R-512, D-26)."""
        fee_minor = self._profile.cancellation_fee_minor
        if fee_minor:
            uow.record(
                "cancellation_fee",
                service,
                "due",
                amount_minor=fee_minor,
                currency=self._profile.currency,
                on=calendar.local_date(uow.now_ms, self._profile.zone).isoformat(),
            )
