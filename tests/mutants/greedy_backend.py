"""A backend that captures twice when the provider reports twice.

Two legs keep the real one from that: the memory of reports, and an order that is paid accepts no more
money. This one enters the money of a repeated report past both.
"""

from dataclasses import replace

from backend_stub.app import Backend
from backend_stub.service.money.payments import Payments
from backend_stub.service.unit_of_work import UnitOfWork


class GreedyBackend(Backend):
    """A backend that keeps whatever comes."""

    def make_payments(self) -> Payments:
        """A payment platform that counts a report as often as it comes."""
        return GreedyPayments(
            self.profile, self.runtime.ids, self.book, self.booking, self.provider, self.ledger
        )


class GreedyPayments(Payments):
    """Enters a repeated report into the ledger once more."""

    def is_repeat(self, uow: UnitOfWork, key: str) -> bool:
        """See Payments."""
        repeated = super().is_repeat(uow, key)
        if repeated:
            transaction_id = key.partition("/")[0]
            for entry in uow.store.payments.ledger():
                if entry.transaction_id == transaction_id:
                    uow.store.payments.enter(replace(entry, reported_at_ms=uow.now_ms))
        return repeated
