"""Orders as somebody places, modifies and cancels them in the Portal (R-201 to R-209)."""

from backend_stub.domain.order import Channel, Order
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.errors import BackendError
from backend_stub.service.acts import Acts
from backend_stub.service.ordering.orders import Orders
from backend_stub.service.people.portal_access import PortalAccess
from backend_stub.service.unit_of_work import UnitOfWork
from contracts.acts import portal
from contracts.errors import ErrorCode
from contracts.messages import CancelOrder, ModifyOrder, SubmitOrder
from runtime.ports import Ids


class PortalOrders:
    """The Portal's Store: the same rules as in the car, for the car that is linked to the account."""

    def __init__(self, ids: Ids, access: PortalAccess, orders: Orders) -> None:
        self._ids = ids
        self._access = access
        self._orders = orders

    def acts(self) -> Acts:
        """What people can do here."""
        return {
            portal.PlaceOrder: self.place,
            portal.ModifyOrder: self.modify,
            portal.CancelOrder: self.cancel,
        }

    def place(self, uow: UnitOfWork, act: portal.PlaceOrder) -> None:
        """Order for the linked car. Raises BackendError with the code of the rule that refuses."""
        vehicle = self._access.ordering_vehicle_of(uow, act)
        version = act.list_version
        request = SubmitOrder(
            key=self._ids.key(),
            sent_at_ms=uow.now_ms,
            client_order_id=act.client_order_id or self._ids.key(),
            lines=act.lines,
            list_version=self._orders.current_prices(uow).version if version is None else version,
            sms_number=act.sms_number,
            start_date=act.start_date,
            instalments=act.instalments,
        )
        self._orders.submit(uow, vehicle, request, Channel.PORTAL)

    def modify(self, uow: UnitOfWork, act: portal.ModifyOrder) -> None:
        """New lines for an unpaid order (R-206). Raises BackendError."""
        vehicle = self._access.ordering_vehicle_of(uow, act)
        order = self._named(uow, vehicle, act.order)
        request = ModifyOrder(
            key=self._ids.key(),
            sent_at_ms=uow.now_ms,
            order_number=order.number,
            order_version=order.version if act.order_version is None else act.order_version,
            lines=act.lines,
        )
        self._orders.modify(uow, vehicle, request, Channel.PORTAL)

    def cancel(self, uow: UnitOfWork, act: portal.CancelOrder) -> None:
        """End an unpaid order, at once or after five minutes (R-208, R-209). Raises BackendError."""
        vehicle = self._access.vehicle_of(uow, act)
        order = self._named(uow, vehicle, act.order)
        request = CancelOrder(key=self._ids.key(), sent_at_ms=uow.now_ms, order_number=order.number)
        self._orders.cancel(uow, vehicle, request)

    def _named(self, uow: UnitOfWork, vehicle: VehicleRecord, number: str) -> Order:
        """The car's order of that number, its newest one when that is empty."""
        if number:
            return self._orders.find(uow, vehicle.vin, number)
        orders = uow.store.orders.of_vehicle(vehicle.vin)
        if not orders:
            raise BackendError(ErrorCode.UNKNOWN_ORDER, "this car has no order yet")
        return orders[-1]
