"""A car changes hands: by telephone, or by its seller in the Portal (R-711 to R-714, D-36)."""

from dataclasses import replace

from backend_stub.domain.address import mask_address, mask_vin
from backend_stub.domain.market import MarketProfile
from backend_stub.domain.order import Facts, OrderEvent, is_open
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.domain.vehicle_link import LinkEvent, LinkState
from backend_stub.errors import BackendError
from backend_stub.service.acts import Acts
from backend_stub.service.hotline import check_call
from backend_stub.service.ordering.order_book import OrderBook
from backend_stub.service.people.account_book import AccountBook
from backend_stub.service.people.accounts import Accounts
from backend_stub.service.people.links import Links
from backend_stub.service.people.portal_access import PortalAccess
from backend_stub.service.registry import Registry
from backend_stub.service.unit_of_work import UnitOfWork
from backend_stub.service.validity.renewals import Renewals
from contracts.acts import agent, portal
from contracts.errors import ErrorCode

AT_PORTAL = "Portal"
"""What a profile says where owners change in the Portal instead of by telephone."""


class Ownership:
    """Who a car belongs to. Every method works inside the unit of work that is open."""

    def __init__(
        self,
        profile: MarketProfile,
        registry: Registry,
        access: PortalAccess,
        accounts: Accounts,
        account_book: AccountBook,
        links: Links,
        orders: OrderBook,
        renewals: Renewals,
    ) -> None:
        self._profile = profile
        self._registry = registry
        self._access = access
        self._accounts = accounts
        self._account_book = account_book
        self._links = links
        self._orders = orders
        self._renewals = renewals

    def acts(self) -> Acts:
        """What people can do here."""
        return {
            agent.ChangeOwner: self.change_owner,
            portal.Disconnect: self.disconnect,
            portal.MoveService: self.move_service,
        }

    def change_owner(self, uow: UnitOfWork, act: agent.ChangeOwner) -> None:
        """By telephone: services keep their dates, the new number gets a fresh token (R-712).

        Raises BackendError with PORTAL_ONLY, USE_HOTLINE, BAD_NUMBER, or INVALID_STATE for a car that has
        had no owner yet.
        """
        by = self._profile.owner_change_by
        if by == AT_PORTAL:
            raise BackendError(ErrorCode.PORTAL_ONLY, "the seller disconnects the car in the Portal")
        check_call(self._profile, act.line, by, "a change of owner", uow.now_ms)
        self._accounts.check_number(act.number)
        vehicle = self._registry.car(uow, act.car)
        if not vehicle.is_handed_over:
            raise BackendError(ErrorCode.INVALID_STATE, "this car has yet to be activated by its dealer")
        vehicle = self._end(uow, vehicle, LinkEvent.OWNER_CHANGE, name=act.name, number=act.number)
        self._accounts.first_activation(uow, vehicle, act.name, act.number)

    def disconnect(self, uow: UnitOfWork, act: portal.Disconnect) -> None:
        """The seller gives the car away in the Portal; the buyer links an account of their own (R-713).

        Raises BackendError with CONFIRMATION_REQUIRED until the whole checklist is confirmed, and with
        USE_HOTLINE where owners change by telephone.
        """
        vehicle = self._access.vehicle_of(uow, act)
        by = self._profile.owner_change_by
        if by != AT_PORTAL:
            raise BackendError(ErrorCode.USE_HOTLINE, f"call {by} when the car changes hands")
        if not (act.personal_data_deleted and act.buyer_informed):
            raise BackendError(
                ErrorCode.CONFIRMATION_REQUIRED,
                "delete the personal data in the car, and tell the buyer of live services and of linking",
            )
        self._end(uow, vehicle, LinkEvent.DISCONNECT, name="", number="")

    def move_service(self, uow: UnitOfWork, act: portal.MoveService) -> None:
        """Services belong to the VIN (R-711). Raises BackendError with NOT_TRANSFERABLE, always."""
        self._access.vehicle_of(uow, act)
        raise BackendError(ErrorCode.NOT_TRANSFERABLE, "a service stays with the car it was booked for")

    def _end(
        self, uow: UnitOfWork, vehicle: VehicleRecord, event: LinkEvent, *, name: str, number: str
    ) -> VehicleRecord:
        """What was the seller's own ends; what is booked stays with the car (R-714, D-36)."""
        link = self._links.of(uow, vehicle.vin)
        if link.state is LinkState.LINKED:
            seller = uow.store.accounts.get(link.account_id or 0)
            self._links.detach(uow, vehicle.vin, event)
            if seller is not None:
                self._account_book.end_sessions(uow, seller)
        self._renewals.forget(uow, vehicle.vin)
        for order in uow.store.orders.alive(vehicle.vin):
            if is_open(order):
                self._orders.apply(uow, order, OrderEvent.OWNER_CHANGED, Facts(uow.now_ms))
        after = replace(vehicle, owner_name=name, contract_number=number)
        uow.store.vehicles.change(after)
        uow.record("owner", mask_vin(vehicle.vin), "changed", by=str(event), number=mask_address(number))
        uow.touch(vehicle.vin)
        return after
