"""A backend that books when the payer goes to the provider, and does not wait for the money."""

from backend_stub.app import Backend
from backend_stub.domain.order import Order
from backend_stub.service.money.payments import Payments
from backend_stub.service.unit_of_work import UnitOfWork
from backend_stub.service.validity.booking import Booking


class TrustingBackend(Backend):
    """A backend that believes in people."""

    def make_payments(self) -> Payments:
        """A payment platform that books too early."""
        payments = TrustingPayments(
            self.profile, self.runtime.ids, self.book, self.booking, self.provider, self.ledger
        )
        payments.books_with = self.booking
        return payments


class TrustingPayments(Payments):
    """Books what is about to be paid."""

    books_with: Booking

    def open_session(self, uow: UnitOfWork, order: Order, provider: str) -> str:
        """See Payments."""
        session = super().open_session(uow, order, provider)
        for line in order.lines:
            self.books_with.book_line(uow, order, line, uow.now_ms)
        return session
