"""A backend whose snapshots all have one revision, so that a car takes the first and no other (R-406)."""

from backend_stub.adapters.sql_rows import SqlVehicles
from backend_stub.adapters.sql_store import SqlStore
from backend_stub.app import Backend


class MumblingBackend(Backend):
    """A backend that nobody can follow."""

    def make_store(self) -> SqlStore:
        """A store that does not count revisions."""
        store = super().make_store()
        store.vehicles = UncountedVehicles(store.sql)
        return store


class UncountedVehicles(SqlVehicles):
    """Vehicles whose state never seems to change."""

    def next_revision(self, vin: str) -> int:
        """Always the first."""
        super().next_revision(vin)
        return 1
