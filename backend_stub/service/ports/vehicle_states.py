"""What the services need of a store to keep the state of a car's connection: SIM and announced ends."""

from dataclasses import dataclass
from typing import Protocol

from backend_stub.domain.notice import EndNotice
from backend_stub.domain.sim_subscription import Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleState:
    """A car's SIM subscription, and the ends of services that its owner was given notice of."""

    vin: str
    subscription: Subscription
    notices: tuple[EndNotice, ...] = ()

    def notice(self, service: str) -> EndNotice | None:
        """The notice that stands for `service`."""
        return next((notice for notice in self.notices if notice.service == service), None)


class VehicleStateRows(Protocol):
    """States of cars in the store, one for each car that was registered."""

    def add(self, state: VehicleState) -> None:
        """Keep the state of a new car."""

    def change(self, before: VehicleState, after: VehicleState) -> None:
        """Write `after` if the row is still as `before`. Raises ConcurrentChangeError."""

    def get(self, vin: str) -> VehicleState | None:
        """The state of one car."""

    def all(self) -> tuple[VehicleState, ...]:
        """All states, in the order in which the cars came."""
