"""What people do at the backend: each act goes to the service that knows it; the bench's own are here."""

import msgspec

from backend_stub.domain.order import Order, is_payable
from backend_stub.errors import BackendError
from backend_stub.service.acts import ActHandler, Acts
from backend_stub.service.gateway import SMS_DELAY_SETTING, SMS_LOST_SETTING
from backend_stub.service.money.payments import Payments
from backend_stub.service.ordering.messages import PaymentMessages
from backend_stub.service.registry import Registry
from backend_stub.service.unit_of_work import UnitOfWork
from backend_stub.service.validity.booking import Booking
from contracts.acts.act import Act
from contracts.bench import (
    AtBmw,
    AtDealer,
    AtHotline,
    AtPaymentPage,
    AtPortal,
    AtProvider,
    ChangePrices,
    Command,
    HoldActivation,
    Pay,
    ResendSms,
    SetSms,
)
from contracts.errors import ErrorCode
from contracts.messages import OrderState


class Desk:
    """Carries out bench commands inside the unit of work that is open.

    `acts` are what each service can do for people; no two know the same act.
    """

    def __init__(
        self,
        payments: Payments,
        booking: Booking,
        payment_messages: PaymentMessages,
        registry: Registry,
        acts: tuple[Acts, ...] = (),
    ) -> None:
        self._acts: dict[type[Act], ActHandler] = {kind: do for each in acts for kind, do in each.items()}
        self._payments = payments
        self._booking = booking
        self._messages = payment_messages
        self._registry = registry

    def carry_out(self, uow: UnitOfWork, command: Command) -> None:
        """Do what the command says.

        Raises BackendError with the rule's code when it cannot be done, and with BAD_MESSAGE for a
        command that is not for the backend.
        """
        match command:
            case Pay():
                self.pay(uow, command)
            case HoldActivation(held=held):
                self._booking.hold(uow, held)
            case SetSms(delay_ms=delay_ms, lost=lost):
                uow.store.settings.put(SMS_DELAY_SETTING, delay_ms)
                uow.store.settings.put(SMS_LOST_SETTING, int(lost))
            case ResendSms(order_number=number):
                self._messages.resend(uow, self.order(uow, number))
            case ChangePrices(percent=percent):
                self._registry.change_prices(uow, percent)
            case (
                AtPortal(act=act)
                | AtHotline(act=act)
                | AtDealer(act=act)
                | AtBmw(act=act)
                | AtPaymentPage(act=act)
                | AtProvider(act=act)
            ):
                self._act(uow, act, act_name(command))
            case _:
                raise BackendError(
                    ErrorCode.BAD_MESSAGE, f"the backend has no command {type(command).__name__}"
                )

    def _act(self, uow: UnitOfWork, act: Act, name: str) -> None:
        if has_nul(act):
            raise BackendError(ErrorCode.BAD_MESSAGE, "text with the character NUL in it cannot be kept")
        do = self._acts.get(type(act))
        if do is None:
            raise BackendError(ErrorCode.BAD_MESSAGE, f"nobody at this backend knows the act {name}")
        do(uow, act)
        uow.record("act", name, "done")

    def pay(self, uow: UnitOfWork, command: Pay) -> None:
        """The payer opens the link, goes to the provider and decides there (R-302, R-303)."""
        order = self.order(uow, command.order_number) if command.order_number else self.newest_unpaid(uow)
        self._payments.check_provider(command.provider)
        session = self._undecided_session(uow, order)
        if session is None:
            session = self._payments.open_session(uow, order, command.provider)
        self._payments.decide(uow, session, command.outcome, command.delay_ms)

    def order(self, uow: UnitOfWork, number: str) -> Order:
        """The order called `number`. Raises BackendError with UNKNOWN_ORDER."""
        order = uow.store.orders.get(number)
        if order is None:
            raise BackendError(ErrorCode.UNKNOWN_ORDER, f"there is no order {number}")
        return order

    def newest_unpaid(self, uow: UnitOfWork) -> Order:
        """The order a payer would pay next. Raises BackendError with UNKNOWN_ORDER."""
        for order in reversed(uow.store.orders.all()):
            if is_payable(order) or self._undecided_session(uow, order) is not None:
                return order
        raise BackendError(ErrorCode.UNKNOWN_ORDER, "no order waits for payment")

    def _undecided_session(self, uow: UnitOfWork, order: Order) -> str | None:
        """A session that the payer has opened by hand and not answered yet."""
        if order.state is not OrderState.PAYING:
            return None
        payment = uow.store.payments.newest_of(order.number)
        session = self._payments.provider.get(payment.session) if payment else None
        if session is None or session.outcome is not None or session.closed:
            return None
        return session.session


def has_nul(act: Act) -> bool:
    """Whether a text of the act holds the character NUL, which PostgreSQL keeps in no text."""
    return rb"\u0000" in msgspec.json.encode(act).replace(rb"\\", b"")


def act_name(command: Command) -> str:
    """What a person's command is called in the journal: "portal.login"; "" for one of the bench itself."""
    act = getattr(command, "act", None)
    if act is None:
        return ""
    return f"{command.__struct_config__.tag}.{act.__struct_config__.tag}"
