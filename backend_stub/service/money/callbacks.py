"""What providers report: signed, checked, and only then taken (R-305, R-831)."""

from backend_stub.domain import callback as callbacks
from backend_stub.domain.callback import CALLBACK_KEY, Callback, CallbackKind
from backend_stub.domain.order import Order
from backend_stub.domain.payment import Payment, Transaction
from backend_stub.domain.refund import RefundRequest, RefundState
from backend_stub.errors import BackendError, UnknownLinkError
from backend_stub.service.acts import Acts
from backend_stub.service.money.payments import Payments
from backend_stub.service.money.payout import Payouts
from backend_stub.service.ordering.order_book import OrderBook
from backend_stub.service.ports.provider import ProviderReport
from backend_stub.service.unit_of_work import UnitOfWork
from contracts.acts.provider import BouncePayout, ReportCapture, ReportDecline
from contracts.errors import ErrorCode
from runtime.ports import Ids

_MS = 1000


class Callbacks:
    """The door at which providers report. Every method works inside the unit of work that is open."""

    def __init__(self, ids: Ids, book: OrderBook, payments: Payments, payouts: Payouts) -> None:
        self._ids = ids
        self._book = book
        self._payments = payments
        self._payouts = payouts

    def acts(self) -> Acts:
        """What a provider says of its own accord."""
        return {
            ReportCapture: self.report_capture,
            ReportDecline: self.report_decline,
            BouncePayout: self.report_bounce,
        }

    def share_key(self, uow: UnitOfWork) -> None:
        """Draw the key that signs reports, once in the life of a store."""
        if uow.store.keys.get(CALLBACK_KEY) is None:
            uow.store.keys.put(CALLBACK_KEY, self._ids.token() + self._ids.token())

    def report_due(self, uow: UnitOfWork, key: str) -> None:
        """A provider's report of session `key` ("session/n") arrives."""
        report = self._payments.provider.report(key.rpartition("/")[0])
        if report is not None:
            sent = self._payments.provider.signed(_told(report), uow.now_ms)
            self.receive(uow, sent.body, sent.signature)

    def receive(self, uow: UnitOfWork, body: bytes, signature: str) -> None:
        """Take a report, never refusing it; one that is not genuine, or says nothing, is ignored."""
        key = uow.store.keys.get(CALLBACK_KEY)
        if key is None or not callbacks.is_genuine(key, body, signature):
            self._ignore(uow, "bad signature" if signature else "no signature")
            return
        try:
            callback = callbacks.read(body)
        except BackendError:
            self._ignore(uow, "malformed")
            return
        if callback.kind is CallbackKind.PAYOUT_BOUNCED:
            if not self._payouts.bounced(uow, callback.refund_id):
                self._ignore(uow, "no such payout")
            return
        try:
            self._payments.report(uow, _heard(callback))
        except UnknownLinkError:
            self._ignore(uow, "unknown session")

    def report_capture(self, uow: UnitOfWork, act: ReportCapture) -> None:
        """Money has come in at an instant of the provider's own.

        Raises BackendError with INVALID_STATE without a session, BAD_MESSAGE for an instant to come.
        """
        order, payment = self._at_work(uow, act)
        at_ms = _instant(uow, order, act)
        known = self._payments.provider.get(payment.session)
        transaction = Transaction(
            transaction_id=act.transaction or (known.transaction_id if known else ""),
            session=payment.session,
            captured_minor=order.amount_minor if act.amount_minor is None else act.amount_minor,
            currency=order.currency if act.currency is None else act.currency,
            at_ms=at_ms,
        )
        self._say(uow, ProviderReport(transaction, declined=False), act)

    def report_decline(self, uow: UnitOfWork, act: ReportDecline) -> None:
        """There will be no money. Raises BackendError with INVALID_STATE without a session."""
        _, payment = self._at_work(uow, act)
        known = self._payments.provider.get(payment.session)
        transaction = Transaction(
            transaction_id=known.transaction_id if known else "",
            session=payment.session,
            captured_minor=0,
            currency=payment.currency,
            at_ms=uow.now_ms,
        )
        self._say(uow, ProviderReport(transaction, declined=True), act)

    def report_bounce(self, uow: UnitOfWork, act: BouncePayout) -> None:
        """A refund could not be paid out. Raises BackendError with INVALID_STATE where nothing was to be."""
        order = self._book.named(uow, act.order, act.car)
        refund = _paid_out_or_to_be(uow, order, act.service)
        callback = Callback(kind=CallbackKind.PAYOUT_BOUNCED, at_ms=uow.now_ms, refund_id=refund.refund_id)
        sent = self._payments.provider.signed(callback, uow.now_ms, act.signature)
        self.receive(uow, sent.body, sent.signature)

    def _say(self, uow: UnitOfWork, report: ProviderReport, act: ReportCapture | ReportDecline) -> None:
        """The provider keeps to what it says: whoever asks it later hears the same (R-307)."""
        self._payments.provider.note(report.transaction.session, report)
        sent = self._payments.provider.signed(_told(report), uow.now_ms, act.signature)
        self.receive(uow, sent.body, sent.signature)

    def _at_work(self, uow: UnitOfWork, act: ReportCapture | ReportDecline) -> tuple[Order, Payment]:
        order = self._book.named(uow, act.order, act.car)
        payment = uow.store.payments.newest_of(order.number)
        if payment is None or not payment.session:
            raise BackendError(ErrorCode.INVALID_STATE, f"nobody has gone to a provider for {order.number}")
        return order, payment

    def _ignore(self, uow: UnitOfWork, why: str) -> None:
        # What the body says is not told: nobody knows who has written it.
        uow.record("callback", "provider", "ignored", why=why)


def _told(report: ProviderReport) -> Callback:
    transaction, declined = report
    return Callback(
        kind=CallbackKind.DECLINED if declined else CallbackKind.CAPTURED,
        at_ms=transaction.at_ms,
        session=transaction.session,
        transaction_id=transaction.transaction_id,
        amount_minor=transaction.captured_minor,
        currency=transaction.currency,
    )


def _heard(callback: Callback) -> ProviderReport:
    transaction = Transaction(
        transaction_id=callback.transaction_id,
        session=callback.session,
        captured_minor=callback.amount_minor,
        currency=callback.currency,
        at_ms=callback.at_ms,
    )
    return ProviderReport(transaction, callback.kind is CallbackKind.DECLINED)


def _instant(uow: UnitOfWork, order: Order, act: ReportCapture) -> int:
    """The provider's instant that an act speaks of."""
    at_ms = uow.now_ms
    if act.after_cancel_s is not None:
        if order.cancel_at_ms is None:
            raise BackendError(ErrorCode.INVALID_STATE, f"order {order.number} was not cancelled in time")
        at_ms = order.cancel_at_ms + round(act.after_cancel_s * _MS)
    elif act.after_order_s is not None:
        at_ms = order.accepted_at_ms + round(act.after_order_s * _MS)
    if at_ms > uow.now_ms:
        raise BackendError(ErrorCode.BAD_MESSAGE, "a provider reports a capture after it, not before")
    return at_ms


def _paid_out_or_to_be(uow: UnitOfWork, order: Order, service: str) -> RefundRequest:
    """The refund a provider speaks of: one that waits for its payout before one that is paid out."""
    found = [
        refund
        for refund in uow.store.refunds.of_order(order.number)
        if service in ("", refund.service)
        and refund.state in (RefundState.VERIFIED, RefundState.PAID_OUT, RefundState.PAYOUT_FAILED)
    ]
    if not found:
        raise BackendError(ErrorCode.INVALID_STATE, f"nothing of order {order.number} is to be paid out")
    return next((each for each in found if each.state is RefundState.VERIFIED), found[-1])
