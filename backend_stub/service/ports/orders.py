"""Orders and their history in the store."""

from typing import NamedTuple, Protocol

from backend_stub.domain.order import Order
from contracts.messages import OrderState


class HistoryEntry(NamedTuple):
    """An order was in `state` from `at_ms` on."""

    at_ms: int
    state: OrderState
    reason: str


class OrderRows(Protocol):
    """Orders in the store."""

    def next_number(self) -> int:
        """A number no order has had, rising by one."""

    def add(self, order: Order) -> None:
        """Keep a new order."""

    def change(self, before: Order, after: Order) -> None:
        """Write `after` if the row is still as `before`. Raises ConcurrentChangeError."""

    def get(self, number: str) -> Order | None:
        """The order called `number`."""

    def by_token(self, token: str) -> Order | None:
        """The order a payment link leads to."""

    def by_client_id(self, vin: str, client_order_id: str) -> Order | None:
        """The order that a submit of this id has already made (R-204)."""

    def of_vehicle(self, vin: str) -> tuple[Order, ...]:
        """All orders of a car, oldest first."""

    def alive(self, vin: str, closed: int = 0) -> tuple[Order, ...]:
        """Orders of a car that are open or being activated, and its newest `closed` others; oldest first."""

    def all(self) -> tuple[Order, ...]:
        """All orders, oldest first."""

    def note(self, number: str, entry: HistoryEntry) -> None:
        """Append to an order's history."""

    def history(self, number: str) -> tuple[HistoryEntry, ...]:
        """What an order went through, oldest first."""
