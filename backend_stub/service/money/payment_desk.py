"""What payer and agent do about a payment: open a session, look up, send the link again (R-302 to R-308)."""

from backend_stub.domain.market import MarketProfile
from backend_stub.domain.order import Channel
from backend_stub.errors import BackendError
from backend_stub.service.acts import Acts
from backend_stub.service.hotline import check_call
from backend_stub.service.money.payments import Payments
from backend_stub.service.ordering.messages import PaymentMessages
from backend_stub.service.ordering.order_book import OrderBook
from backend_stub.service.unit_of_work import UnitOfWork
from contracts.acts.agent import AgentAct, LookUpPayment, ResendLink
from contracts.acts.payer import OpenSession
from contracts.errors import ErrorCode

_PLATFORMS = {Channel.CAR: "mobile", Channel.PORTAL: "web"}
"""Where the payer of an order sees how it stands (R-307)."""


class PaymentDesk:
    """Payment page and hotline. Every method works inside the unit of work that is open."""

    def __init__(
        self, profile: MarketProfile, orders: OrderBook, payments: Payments, messages: PaymentMessages
    ) -> None:
        self._profile = profile
        self._orders = orders
        self._payments = payments
        self._messages = messages

    def acts(self) -> Acts:
        """What people can do here."""
        return {
            OpenSession: self.open_session,
            ResendLink: self.resend_link,
            LookUpPayment: self.look_up,
        }

    def open_session(self, uow: UnitOfWork, act: OpenSession) -> None:
        """The payer goes to a provider, the market's first unless named, and does nothing there yet (R-303).

        Raises BackendError with PROVIDER_UNSUPPORTED or INVALID_STATE.
        """
        order = self._orders.named(uow, act.order, act.car)
        self._payments.open_session(uow, order, act.provider or self._profile.providers[0])

    def resend_link(self, uow: UnitOfWork, act: ResendLink) -> None:
        """The same link once more, while the order is unpaid (R-306, R-308).

        Raises BackendError with USE_HOTLINE, HOTLINE_CLOSED or INVALID_STATE.
        """
        self._answer(uow, act)
        if not self._profile.payment_by_link:
            raise BackendError(
                ErrorCode.INVALID_STATE, "orders are paid in the Portal here; there is no link"
            )
        self._messages.resend(uow, self._orders.named(uow, act.order, act.car))

    def look_up(self, uow: UnitOfWork, act: LookUpPayment) -> None:
        """How order and payment truly stand; journalled, and nothing changes (R-307).

        Raises BackendError with USE_HOTLINE or HOTLINE_CLOSED.
        """
        self._answer(uow, act)
        order = self._orders.named(uow, act.order, act.car)
        payment = uow.store.payments.newest_of(order.number)
        ledger = [entry for entry in uow.store.payments.ledger() if entry.order_number == order.number]
        refunded = [each for each in uow.store.refunds.payouts() if each.order_number == order.number]
        uow.record(
            "payment_status",
            order.number,
            order.state,
            payment=payment.state if payment else "",
            provider=payment.provider if payment else "",
            platform=_PLATFORMS[order.channel],
            captured_minor=sum(entry.captured_minor for entry in ledger),
            returned_minor=sum(entry.returned_minor for entry in ledger),
            refunded_minor=sum(each.amount_minor for each in refunded),
            refunds=", ".join(
                f"{each.service} {each.state}" for each in uow.store.refunds.of_order(order.number)
            ),
        )

    def _answer(self, uow: UnitOfWork, act: AgentAct) -> None:
        """The right line was called, while somebody was there (R-306, R-512)."""
        check_call(self._profile, act.line, self._profile.hotline, "payments", uow.now_ms)
