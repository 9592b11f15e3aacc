"""What the pages need of a backend."""

from contextlib import AbstractContextManager
from typing import Protocol

from backend_stub.domain.market import MarketProfile
from backend_stub.service.money.payments import Payments
from backend_stub.service.ports.store import Store
from backend_stub.service.unit_of_work import UnitOfWork


class WebBackend(Protocol):
    """The backend as its pages see it."""

    @property
    def profile(self) -> MarketProfile:
        """Its market."""

    @property
    def store(self) -> Store:
        """Its books, for reading."""

    @property
    def payments(self) -> Payments:
        """Its payment platform."""

    def change(self) -> AbstractContextManager[UnitOfWork]:
        """A unit of work at this instant."""

    def link_of(self, token: str) -> str:
        """The payment link made of an order's token."""
