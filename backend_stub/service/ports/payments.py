"""Payments, their sessions, and the ledger of money in the store."""

from typing import Protocol

from backend_stub.domain.payment import LedgerEntry, Payment


class PaymentRows(Protocol):
    """Payments, their sessions, and the ledger of money."""

    def add(self, payment: Payment) -> None:
        """Keep a new payment."""

    def change(self, before: Payment, after: Payment) -> None:
        """Write `after` if the row is still as `before`. Raises ConcurrentChangeError."""

    def newest_of(self, order_number: str) -> Payment | None:
        """The payment an order is at."""

    def by_session(self, session: str) -> Payment | None:
        """The payment that ever had this provider session."""

    def count_of(self, order_number: str) -> int:
        """How many payments an order has had."""

    def all(self) -> tuple[Payment, ...]:
        """All payments, oldest first."""

    def first_report(self, key: str, at_ms: int) -> bool:
        """Remember a provider's report; False when it was there already (R-305)."""

    def enter(self, entry: LedgerEntry) -> None:
        """Append to the ledger."""

    def kept_of(self, order_number: str) -> LedgerEntry | None:
        """The money that was kept for an order."""

    def by_id(self, payment_id: str) -> Payment | None:
        """One payment."""

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """All money that came in, oldest first."""
