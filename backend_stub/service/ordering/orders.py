"""Orders as a driver asks for them: submit, modify, cancel (R-201 to R-214)."""

from dataclasses import replace

from backend_stub.domain import checkout, renewal
from backend_stub.domain.catalogue import PriceList
from backend_stub.domain.data_flow import DataCategory, Purpose
from backend_stub.domain.market import MarketProfile
from backend_stub.domain.order import Channel, Facts, Order, OrderEvent, OrderLine, Step, step
from backend_stub.domain.substitution import current_codes, products_now
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.errors import BackendError
from backend_stub.service.data_flow import DataLedger
from backend_stub.service.ordering.messages import PaymentMessages
from backend_stub.service.ordering.order_book import OrderBook
from backend_stub.service.people.portal_access import store_needs
from backend_stub.service.unit_of_work import UnitOfWork
from contracts.errors import ErrorCode
from contracts.messages import CancelOrder, ModifyOrder, SubmitOrder
from runtime.ports import Ids


class Orders:
    """What driver and Portal can do with orders.

    Every method works inside the unit of work that is open and raises BackendError with the code of
    the rule that refuses.
    """

    def __init__(
        self,
        profile: MarketProfile,
        ids: Ids,
        book: OrderBook,
        payment_messages: PaymentMessages,
        ledger: DataLedger,
    ) -> None:
        self.profile = profile
        self._ids = ids
        self._book = book
        self._messages = payment_messages
        self._ledger = ledger

    def submit(
        self, uow: UnitOfWork, vehicle: VehicleRecord, request: SubmitOrder, channel: Channel = Channel.CAR
    ) -> Order:
        """Accept a binding order and send its payment link (R-201 to R-205, R-213, R-301, R-504).

        A client id that is known returns the order it made (R-204).
        """
        known = self.known(uow, vehicle.vin, request.client_order_id)
        if known is not None:
            return known
        profile = self.profile
        orders = uow.store.orders.alive(vehicle.vin)
        if channel is Channel.CAR:
            checkout.check_login(store_needs(uow.store, profile, vehicle.vin))
            checkout.check_not_locked(orders, uow.now_ms)
        checkout.check_request(request)
        prices = self.current_prices(uow)
        checkout.check_lines(request.lines, vehicle, profile, products_now(prices.substitutes))
        number = checkout.message_number(request.sms_number, vehicle, profile)
        checkout.check_not_in_open_order(request.lines, orders, prices.substitutes)
        self._check_notices(uow, vehicle.vin, tuple(line.service for line in request.lines))
        prices = self.current_prices(uow)
        checkout.check_list_version(request.list_version, prices)
        order = self._accept(
            uow,
            vehicle.vin,
            request.client_order_id,
            checkout.priced(request.lines, prices, profile),
            number,
            uow.now_ms + profile.payment_window_ms,
            channel,
        )
        if profile.store_partner is not None:
            self._ledger.send(uow, vehicle.vin, DataCategory.ORDER, profile.store_partner, Purpose.PROCESSING)
        if profile.payment_by_link:
            self._messages.send_link(uow, order)
        return order

    def charge(self, uow: UnitOfWork, vin: str, client_order_id: str, line: OrderLine) -> Order:
        """Accept the order of a renewal that the card on file is charged for (R-505).

        It has one instant to be paid in: its deadline is now (D-24). A client id that is known returns the
        order it made.
        """
        known = self.known(uow, vin, client_order_id)
        return known or self._accept(uow, vin, client_order_id, (line,), "", uow.now_ms, Channel.PORTAL)

    def modify(
        self, uow: UnitOfWork, vehicle: VehicleRecord, request: ModifyOrder, channel: Channel = Channel.CAR
    ) -> Order:
        """Give an unpaid order new lines, repriced whole; link and deadline stay (R-206, R-207)."""
        profile = self.profile
        order = self.find(uow, vehicle.vin, request.order_number)
        taken = self._step(order, OrderEvent.MODIFY, Facts(uow.now_ms))
        orders = uow.store.orders.alive(vehicle.vin)
        if channel is Channel.CAR:
            checkout.check_not_locked(orders, uow.now_ms)
        if request.order_version != order.version:
            raise BackendError(
                ErrorCode.ORDER_CHANGED, f"order {order.number} has changed since; look at it again"
            )
        prices = self.current_prices(uow)
        checkout.check_lines(request.lines, vehicle, profile, products_now(prices.substitutes))
        checkout.check_not_in_open_order(request.lines, orders, prices.substitutes, editing=order.number)
        held = current_codes(order.services, prices.substitutes)
        added = (line.service for line in request.lines if line.service not in held)
        self._check_notices(uow, vehicle.vin, tuple(added))
        lines = checkout.priced(request.lines, prices, profile)
        changed = replace(taken.order, lines=lines)
        self._book.write(uow, order, Step(changed, taken.effects))
        return changed

    def cancel(self, uow: UnitOfWork, vehicle: VehicleRecord, request: CancelOrder) -> Order:
        """End an unpaid order, at once or after five minutes (R-208, R-209)."""
        order = self.find(uow, vehicle.vin, request.order_number)
        facts = Facts(uow.now_ms, lock_ms=self.profile.cancel_sync_ms)
        taken = self._step(order, OrderEvent.CANCEL, facts)
        self._book.write(uow, order, taken)
        return taken.order

    def known(self, uow: UnitOfWork, vin: str, client_order_id: str) -> Order | None:
        """The order that an earlier submit with this id has made (R-204)."""
        return uow.store.orders.by_client_id(vin, client_order_id)

    def find(self, uow: UnitOfWork, vin: str, number: str) -> Order:
        """The car's order. Raises BackendError with UNKNOWN_ORDER."""
        order = uow.store.orders.get(number)
        if order is None or order.vin != vin:
            raise BackendError(ErrorCode.UNKNOWN_ORDER, f"this car has no order {number}")
        return order

    def current_prices(self, uow: UnitOfWork) -> PriceList:
        """The list in force. Raises BackendError when the store has none."""
        prices = uow.store.prices.current()
        if prices is None:
            raise BackendError(ErrorCode.NOT_ORDERABLE, "there is no price list yet")
        return prices

    def _check_notices(self, uow: UnitOfWork, vin: str, services: tuple[str, ...]) -> None:
        """An order of an active service is notice of its renewal, given now (R-504, D-23)."""
        renewal.check_notices(services, uow.store.entitlements.of_vehicle(vin), uow.now_ms, self.profile)

    def _accept(
        self,
        uow: UnitOfWork,
        vin: str,
        client_order_id: str,
        lines: tuple[OrderLine, ...],
        sms_number: str,
        deadline_ms: int,
        channel: Channel,
    ) -> Order:
        order = Order(
            number=f"{self.profile.market}-{uow.store.orders.next_number():06d}",
            vin=vin,
            client_order_id=client_order_id,
            lines=lines,
            currency=self.profile.currency,
            sms_number=sms_number,
            accepted_at_ms=uow.now_ms,
            deadline_ms=deadline_ms,
            token=self._ids.token(),
            traceparent=uow.next_traceparent(uow.traceparent),
            channel=channel,
        )
        self._book.accept(uow, order)
        return order

    def _step(self, order: Order, event: OrderEvent, facts: Facts) -> Step:
        """The step a driver asks for; whom to call about a paid order is the market's word (R-214)."""
        try:
            return step(order, event, facts)
        except BackendError as error:
            if error.code is not ErrorCode.USE_HOTLINE:
                raise
            raise BackendError(
                error.code, f"order {order.number} is paid; call {self.profile.hotline}"
            ) from None
