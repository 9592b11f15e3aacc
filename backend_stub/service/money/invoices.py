"""Invoices: what payers want on them, and what is written when money has come in (R-310, R-611)."""

from backend_stub.domain.invoice import checked_wish, invoice_of
from backend_stub.domain.market import MarketProfile
from backend_stub.domain.order import Order
from backend_stub.errors import BackendError
from backend_stub.service.acts import Acts
from backend_stub.service.ordering.order_book import OrderBook
from backend_stub.service.unit_of_work import UnitOfWork
from contracts.acts.payer import SetInvoice
from contracts.errors import ErrorCode
from contracts.messages import OrderState


class Invoices:
    """Writes invoices. Every method works inside the unit of work that is open."""

    def __init__(self, profile: MarketProfile, orders: OrderBook) -> None:
        self._profile = profile
        self._orders = orders

    def acts(self) -> Acts:
        """What a payer does on the payment page."""
        return {SetInvoice: self.set_invoice}

    def set_invoice(self, uow: UnitOfWork, act: SetInvoice) -> None:
        """Title and address of the invoice, while paying (R-611).

        Raises BackendError with INVALID_STATE, VAT_INVOICE_UNAVAILABLE, INVOICE_CATEGORY_FIXED or
        DATA_MISSING.
        """
        order = self._orders.named(uow, act.order, act.car)
        if order.state is not OrderState.PAYING:
            raise BackendError(
                ErrorCode.INVALID_STATE, f"order {order.number} is {order.state}: say it while paying"
            )
        wish = checked_wish(act.title, act.address, category=act.category, vat=act.vat, profile=self._profile)
        uow.store.invoices.wish(order.number, wish)
        uow.record("invoice", order.number, "wished", category=self._profile.invoice)

    def issue(self, uow: UnitOfWork, order: Order, captured_at_ms: int) -> None:
        """Write the invoice of an order that has just been paid; it stays as it is."""
        wish = uow.store.invoices.wish_of(order.number)
        invoice = invoice_of(order, wish, captured_at_ms, self._profile)
        uow.store.invoices.add(invoice)
        uow.record(
            "invoice",
            order.number,
            "issued",
            number=invoice.number,
            issuer=invoice.issuer,
            category=invoice.category,
            issued_on=invoice.issued_on.isoformat(),
            amount_minor=invoice.amount_minor,
            tax_minor=invoice.tax_minor,
            has_title=bool(invoice.title),
        )
