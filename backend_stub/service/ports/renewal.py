"""What renewal and data flows need of the store and of the Portal."""

from typing import Protocol

from backend_stub.domain.data_flow import FlowEntry


class DataLedgerRows(Protocol):
    """The ledger of data that has gone out; entries are never changed (R-821)."""

    def enter(self, entry: FlowEntry) -> None:
        """Append to the ledger."""

    def of_vehicle(self, vin: str) -> tuple[FlowEntry, ...]:
        """What has gone out about a car, oldest first."""
