"""What refunds, payouts, invoices and signed reports need of a store."""

from typing import Protocol

from backend_stub.domain.invoice import Invoice, InvoiceWish
from backend_stub.domain.refund import Payout, RefundRequest
from backend_stub.domain.working_days import WorkCalendar


class RefundRows(Protocol):
    """Refund requests and payouts in the store."""

    def add(self, refund: RefundRequest) -> RefundRequest:
        """Keep a new request; returns it with its id.

        Raises ConcurrentChangeError when its line has one already that was not rejected.
        """

    def change(self, before: RefundRequest, after: RefundRequest) -> None:
        """Write `after` if the row is still as `before`. Raises ConcurrentChangeError."""

    def get(self, refund_id: int) -> RefundRequest | None:
        """One request."""

    def of_order(self, order_number: str) -> tuple[RefundRequest, ...]:
        """Requests about an order, oldest first."""

    def all(self) -> tuple[RefundRequest, ...]:
        """All requests, oldest first."""

    def pay_out(self, payout: Payout) -> None:
        """Note money that has left; a request is paid out once. Raises ConcurrentChangeError."""

    def payouts(self) -> tuple[Payout, ...]:
        """All money that has left, oldest first."""


class InvoiceRows(Protocol):
    """Invoices, and what payers want on them."""

    def wish(self, order_number: str, wish: InvoiceWish) -> None:
        """Keep what is to stand on an order's invoice, in place of what was wished before."""

    def wish_of(self, order_number: str) -> InvoiceWish | None:
        """What the payer of an order wants on its invoice."""

    def add(self, invoice: Invoice) -> None:
        """Keep a new invoice."""

    def of_order(self, order_number: str) -> Invoice | None:
        """The invoice of an order."""


class WorkdayRows(Protocol):
    """The days that differ from an ordinary week (D-32)."""

    def put(self, work: WorkCalendar) -> None:
        """Put a calendar in the place of the one there is."""

    def get(self) -> WorkCalendar:
        """The calendar in force."""


class KeyRows(Protocol):
    """Keys that are shared with somebody outside; they are never journalled."""

    def put(self, name: str, value: str) -> None:
        """Keep a new key."""

    def get(self, name: str) -> str | None:
        """The key called `name`."""
