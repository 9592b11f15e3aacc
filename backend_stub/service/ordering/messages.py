"""Text messages with payment links: sent and sent again (R-301, R-306, R-308)."""

from collections.abc import Callable

from backend_stub.domain.calendar import local_text
from backend_stub.domain.market import MarketProfile
from backend_stub.domain.money import Money
from backend_stub.domain.order import Order
from backend_stub.errors import BackendError
from backend_stub.service.gateway import Gateway
from backend_stub.service.ports.messages import Sms
from backend_stub.service.unit_of_work import UnitOfWork
from contracts.errors import ErrorCode
from contracts.messages import OrderState

_UNPAID = (OrderState.AWAITING_PAYMENT, OrderState.PAYING, OrderState.PAYMENT_FAILED)


class PaymentMessages:
    """Payment links on their way to the gateway. `link_of` makes the address from an order's token."""

    def __init__(self, profile: MarketProfile, link_of: Callable[[str], str], gateway: Gateway) -> None:
        self._profile = profile
        self._link_of = link_of
        self._gateway = gateway

    def send_link(self, uow: UnitOfWork, order: Order) -> None:
        """Hand the message to the operator; what becomes of it never alters the order (R-308)."""
        self._gateway.send(
            uow,
            Sms(
                order_number=order.number,
                number=order.sms_number,
                text=self.text(order),
                url=self._link_of(order.token),
            ),
            order.vin,
        )

    def text(self, order: Order) -> str:
        """What the message says; the link follows it."""
        until = local_text(order.deadline_ms, self._profile.zone)
        total = Money(order.amount_minor, order.currency)
        what = f"ConnectedDrive Store: order {order.number}, {total}."
        return f"{what} Pay until {until}. Help: {self._profile.hotline}"

    def resend(self, uow: UnitOfWork, order: Order) -> None:
        """The hotline's agent sends the same link again, while the order is unpaid (R-306, R-308).

        Raises BackendError with INVALID_STATE, also where orders are paid on the Portal (R-301).
        """
        if not self._profile.payment_by_link:
            raise BackendError(
                ErrorCode.INVALID_STATE, f"no link is sent here: order {order.number} is paid on the Portal"
            )
        if order.state not in _UNPAID:
            raise BackendError(
                ErrorCode.INVALID_STATE, f"order {order.number} is {order.state}: there is nothing to pay"
            )
        self.send_link(uow, order)
