"""Cars and price lists in the store."""

from typing import Protocol

from backend_stub.domain.catalogue import PriceList
from backend_stub.domain.vehicle import VehicleRecord


class VehicleRows(Protocol):
    """Cars in the store."""

    def put(self, vehicle: VehicleRecord) -> bool:
        """Keep a car as the configuration gives it; True when the car is new.

        Of a car that is known only what the configuration has changed since is taken over (R-714).
        """

    def change(self, vehicle: VehicleRecord) -> None:
        """Somebody has changed the car's record: a dealer, a new owner."""

    def get(self, vin: str) -> VehicleRecord | None:
        """One car."""

    def vins(self) -> tuple[str, ...]:
        """All cars, in the order in which they came."""

    def next_revision(self, vin: str) -> int:
        """The revision of the car's next snapshot (R-406)."""


class PriceRows(Protocol):
    """Price lists in the store."""

    def current(self) -> PriceList | None:
        """The newest list."""

    def add(self, prices: PriceList) -> None:
        """Put a list into force."""
