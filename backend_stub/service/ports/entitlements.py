"""Booked services in the store."""

from typing import Protocol

from backend_stub.domain.entitlement import Entitlement


class EntitlementRows(Protocol):
    """Booked services in the store."""

    def add(self, entitlement: Entitlement) -> Entitlement:
        """Keep a new entitlement; returns it with its id."""

    def change(self, before: Entitlement, after: Entitlement) -> None:
        """Write `after` if the row is still as `before`. Raises ConcurrentChangeError."""

    def rename(self, before: Entitlement, after: Entitlement) -> None:
        """As `change`, for one that goes on under another service (R-104)."""

    def get(self, entitlement_id: int) -> Entitlement | None:
        """One entitlement."""

    def of_vehicle(self, vin: str) -> tuple[Entitlement, ...]:
        """All entitlements of a car, oldest first."""

    def pending(self) -> tuple[Entitlement, ...]:
        """Those that wait for activation, oldest first."""
