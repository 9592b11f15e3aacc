"""Text messages with payment links: sent, delayed, lost, sent again (R-301, R-306, R-308)."""

from collections.abc import Callable
from dataclasses import replace

from backend_stub.domain.calendar import local_text
from backend_stub.domain.data_flow import DataCategory, Purpose
from backend_stub.domain.market import MarketProfile
from backend_stub.domain.money import Money
from backend_stub.domain.order import Order, mask_number
from backend_stub.errors import BackendError
from backend_stub.service.data_flow import DataLedger
from backend_stub.service.ports import DueKind, Sms
from backend_stub.service.unit_of_work import UnitOfWork
from contracts.errors import ErrorCode
from contracts.messages import OrderState

SMS_DELAY_SETTING = "sms_delay_ms"
SMS_LOST_SETTING = "sms_lost"

SmsListener = Callable[[Sms], None]

_UNPAID = (OrderState.AWAITING_PAYMENT, OrderState.PAYING, OrderState.PAYMENT_FAILED)


class PaymentMessages:
    """The gateway's side of a payment link. `link_of` makes the address from an order's token."""

    def __init__(self, profile: MarketProfile, link_of: Callable[[str], str], ledger: DataLedger) -> None:
        self._profile = profile
        self._ledger = ledger
        self._link_of = link_of
        self._listeners: list[SmsListener] = []

    def on_arrival(self, listener: SmsListener) -> None:
        """Have `listener` called with every message that reaches a phone, its number masked."""
        self._listeners.append(listener)

    def send_link(self, uow: UnitOfWork, order: Order) -> None:
        """Hand the message to the operator; what becomes of it never alters the order (R-308)."""
        lost = bool(uow.store.settings.get(SMS_LOST_SETTING, 0))
        delay_ms = uow.store.settings.get(SMS_DELAY_SETTING, 0)
        sms = uow.store.sms.add(
            Sms(
                sms_id=0,
                order_number=order.number,
                number=order.sms_number,
                text=self.text(order),
                url=self._link_of(order.token),
                sent_at_ms=uow.now_ms,
                lost=lost,
            )
        )
        if self._profile.store_partner is not None:
            self._ledger.send(
                uow,
                order.vin,
                DataCategory.NUMBER,
                self._profile.store_partner,
                Purpose.SERVICE_SUPPORT,
            )
        uow.record("sms", order.number, "sent", number=mask_number(order.sms_number))
        if lost:
            uow.record("sms", order.number, "lost")
        else:
            uow.store.due.put(DueKind.SMS_ARRIVAL, str(sms.sms_id), uow.now_ms + delay_ms)

    def text(self, order: Order) -> str:
        """What the message says; the link follows it."""
        until = local_text(order.deadline_ms, self._profile.zone)
        total = Money(order.amount_minor, order.currency)
        what = f"ConnectedDrive Store: order {order.number}, {total}."
        return f"{what} Pay until {until}. Help: {self._profile.hotline}"

    def arrive(self, uow: UnitOfWork, sms_id: int) -> None:
        """The message is on the phone."""
        sms = uow.store.sms.arrive(sms_id, uow.now_ms)
        if sms is None:
            return
        uow.record("sms", sms.order_number, "delivered")
        masked = replace(sms, number=mask_number(sms.number))
        uow.after_commit(lambda: self._tell(masked))

    def resend(self, uow: UnitOfWork, order: Order) -> None:
        """The hotline's agent sends the same link again, while the order is unpaid (R-306, R-308)."""
        if order.state not in _UNPAID:
            raise BackendError(
                ErrorCode.INVALID_STATE, f"order {order.number} is {order.state}: there is nothing to pay"
            )
        self.send_link(uow, order)

    def _tell(self, sms: Sms) -> None:
        for listener in self._listeners:
            listener(sms)
