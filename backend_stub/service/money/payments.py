"""Payment: sessions, reports, queries for lost ones, money that goes back at once (R-302 to R-307, R-607)."""

from collections.abc import Callable
from dataclasses import replace

from backend_stub.domain.data_flow import DataCategory, Purpose
from backend_stub.domain.market import MarketProfile
from backend_stub.domain.order import (
    Facts,
    Order,
    OrderEffect,
    OrderEvent,
    holds_service_bought_again,
)
from backend_stub.domain.payment import (
    LedgerEntry,
    Payment,
    PaymentEvent,
    PaymentState,
    Transaction,
    step,
)
from backend_stub.errors import BackendError, UnknownLinkError
from backend_stub.service.data_flow import DataLedger
from backend_stub.service.ordering.order_book import OrderBook
from backend_stub.service.ports.due import DueKind
from backend_stub.service.ports.provider import (
    Knowledge,
    PaymentProvider,
    ProviderReport,
    ProviderSession,
)
from backend_stub.service.unit_of_work import UnitOfWork
from backend_stub.service.validity.booking import Booking
from contracts.bench import PaymentOutcome
from contracts.errors import ErrorCode
from contracts.messages import OrderState
from runtime.ports import Ids

PaidListener = Callable[[UnitOfWork, Order, int], None]
"""Called inside the unit of work with an order that has been paid, and the instant of capture."""


class Payments:
    """The payment platform. Every method works inside the unit of work that is open."""

    def __init__(
        self,
        profile: MarketProfile,
        ids: Ids,
        book: OrderBook,
        booking: Booking,
        provider: PaymentProvider,
        ledger: DataLedger,
    ) -> None:
        self._profile = profile
        self._ids = ids
        self._book = book
        self._booking = booking
        self.provider = provider
        self._ledger = ledger
        self._paid_listeners: list[PaidListener] = []

    def on_paid(self, listener: PaidListener) -> None:
        """Have `listener` called whenever money has been kept for an order."""
        self._paid_listeners.append(listener)

    def open_session(self, uow: UnitOfWork, order: Order, provider: str) -> str:
        """The payer goes to a provider: the order is PAYING from now on; returns the session.

        Where the backend itself hands the order to a processor, that is an item of the ledger (R-821).
        Raises BackendError with PROVIDER_UNSUPPORTED (R-303) or INVALID_STATE.
        """
        self.check_provider(provider)
        self._book.apply(uow, order, OrderEvent.PAYER_STARTS, Facts(uow.now_ms))
        session = ProviderSession(
            session=self._ids.token(),
            transaction_id=self._ids.key(),
            order_number=order.number,
            provider=provider,
            amount_minor=order.amount_minor,
            currency=order.currency,
            opened_at_ms=uow.now_ms,
        )
        processor = self._profile.payment_processor
        if processor is not None:
            self._ledger.send(uow, order.vin, DataCategory.ORDER, processor, Purpose.PROCESSING)
        self.provider.open(session)
        self._begin(uow, order, session)
        uow.store.due.put(DueKind.PROVIDER_QUERY, session.session, uow.now_ms + self._profile.query_after_ms)
        return session.session

    def check_provider(self, provider: str) -> None:
        """Raises BackendError with PROVIDER_UNSUPPORTED (R-303)."""
        if provider not in self._profile.providers:
            offered = " or ".join(self._profile.providers)
            raise BackendError(ErrorCode.PROVIDER_UNSUPPORTED, f"pay with {offered}")

    def decide(self, uow: UnitOfWork, session: str, outcome: PaymentOutcome, delay_ms: int = 0) -> None:
        """The payer has decided at the provider's. Raises BackendError when that session is over."""
        for n, at_ms in enumerate(self.provider.decide(session, outcome, delay_ms, uow.now_ms)):
            uow.store.due.put(DueKind.PROVIDER_REPORT, f"{session}/{n}", at_ms)

    def report(self, uow: UnitOfWork, report: ProviderReport) -> None:
        """Take a provider's report that is genuine; never refused, and effective once (R-305).

        Raises UnknownLinkError when no order has that session.
        """
        transaction, declined = report
        payment = uow.store.payments.by_session(transaction.session)
        order = uow.store.orders.get(payment.order_number) if payment else None
        if payment is None or order is None:
            raise UnknownLinkError
        kind = "declined" if declined else "captured"
        if self.is_repeat(uow, f"{transaction.transaction_id}/{kind}"):
            uow.record("payment", payment.payment_id, "REPEATED", report=kind)
        elif declined:
            self._declined(uow, payment, order, transaction.session, PaymentEvent.DECLINED)
        else:
            self._captured(uow, payment, order, transaction)

    def is_repeat(self, uow: UnitOfWork, key: str) -> bool:
        """Whether this report has been taken before; remembers it."""
        return not uow.store.payments.first_report(key, uow.now_ms)

    def query(self, uow: UnitOfWork, session: str) -> None:
        """No outcome for 15 minutes: ask the provider (R-307). Unknown is asked again after as long."""
        payment = uow.store.payments.by_session(session)
        order = uow.store.orders.get(payment.order_number) if payment else None
        if payment is None or order is None:
            return
        if payment.session != session or payment.state is not PaymentState.PENDING:
            return
        knowledge, report = self.provider.query(session, uow.now_ms)
        uow.record("payment", payment.payment_id, "QUERIED", answer=knowledge)
        if knowledge is Knowledge.UNKNOWN:
            uow.store.due.put(DueKind.PROVIDER_QUERY, session, uow.now_ms + self._profile.query_after_ms)
        elif report is not None:
            self.report(uow, report)
        else:
            self._declined(uow, payment, order, session, PaymentEvent.NONE_FOUND)

    def _begin(self, uow: UnitOfWork, order: Order, session: ProviderSession) -> None:
        rows = uow.store.payments
        before = rows.newest_of(order.number)
        if before is None or before.state is PaymentState.RETURNED:
            before = Payment(
                payment_id=f"{order.number}-P{rows.count_of(order.number) + 1}",
                order_number=order.number,
                state=PaymentState.CREATED,
            )
            rows.add(before)
        event = PaymentEvent.RETRY if before.state is PaymentState.DECLINED else PaymentEvent.SESSION_OPENED
        after = replace(
            before,
            state=step(before.state, event),
            provider=session.provider,
            session=session.session,
            amount_minor=session.amount_minor,
            currency=session.currency,
            opened_at_ms=uow.now_ms,
        )
        self._change(uow, before, after)

    def _declined(
        self, uow: UnitOfWork, payment: Payment, order: Order, session: str, event: PaymentEvent
    ) -> None:
        """No money will come. What an earlier session says is of no interest to the one at work."""
        if payment.session != session or payment.state is not PaymentState.PENDING:
            return
        self._change(uow, payment, replace(payment, state=step(payment.state, event)))
        self._book.apply(uow, order, OrderEvent.DECLINED, Facts(uow.now_ms))

    def _captured(self, uow: UnitOfWork, payment: Payment, order: Order, transaction: Transaction) -> None:
        """Money has come in: keep it and book, or give it back whole (R-210, R-212, R-304, R-305)."""
        right = (transaction.captured_minor, transaction.currency) == (order.amount_minor, order.currency)
        event = OrderEvent.CAPTURED if right else OrderEvent.MISMATCHED
        is_over = order.state is OrderState.CANCELLED
        facts = Facts(transaction.at_ms, bought_again=is_over and self._is_bought_again(uow, order))
        taken = self._book.apply(uow, order, event, facts)
        kept = OrderEffect.RETURN_MONEY not in taken.effects
        paid = PaymentEvent.ACCEPTED if kept else PaymentEvent.NOT_ACCEPTED
        self._change(uow, payment, replace(payment, state=step(payment.state, paid)))
        reason = "" if kept else self._why_returned(order, right)
        uow.store.payments.enter(
            LedgerEntry(
                transaction_id=transaction.transaction_id,
                payment_id=payment.payment_id,
                order_number=order.number,
                captured_minor=transaction.captured_minor,
                returned_minor=0 if kept else transaction.captured_minor,
                currency=transaction.currency,
                captured_at_ms=transaction.at_ms,
                reported_at_ms=uow.now_ms,
                reason=reason,
            )
        )
        if not kept:
            uow.record("return", order.number, reason, amount_minor=transaction.captured_minor)
        if OrderEffect.BOOK in taken.effects:
            self._booking.book(uow, taken.order, transaction.at_ms)
            for listener in self._paid_listeners:
                listener(uow, taken.order, transaction.at_ms)

    def _is_bought_again(self, uow: UnitOfWork, order: Order) -> bool:
        """Whether something of the order is in a newer paid one, under whatever name (R-212, R-104)."""
        prices = uow.store.prices.current()
        others = uow.store.orders.of_vehicle(order.vin)
        return holds_service_bought_again(order, others, prices.substitutes if prices else ())

    def _change(self, uow: UnitOfWork, before: Payment, after: Payment) -> None:
        if after == before:
            return
        uow.store.payments.change(before, after)
        uow.record("payment", after.payment_id, after.state, provider=after.provider)

    def _why_returned(self, order: Order, right: bool) -> str:
        """Why money went back, in a word for ledger and journal; `order` is as it was before."""
        if not right:
            return ErrorCode.AMOUNT_MISMATCH
        if order.state is OrderState.CANCELLING:
            return "cancelling"
        if order.state is OrderState.CANCELLED:
            return f"cancelled ({order.cancel_reason})"
        return "already paid"
