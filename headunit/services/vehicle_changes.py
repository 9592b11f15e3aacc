"""What a snapshot changes about the car as a whole, in words for the journal."""

from contracts.messages import Snapshot


def vehicle_changes(before: Snapshot | None, after: Snapshot) -> list[tuple[str, str]]:
    """Pairs of what has changed and how it is now; a car begins with all of it in order.

    "store": OPEN, or why the car may not order (R-202); "services": ACTIVE or DEACTIVATED (R-514);
    "emergency_call": AVAILABLE or UNAVAILABLE (R-515).
    """
    was = _states(before) if before is not None else _IN_ORDER
    return [(key, state) for key, state in _states(after).items() if was[key] != state]


_IN_ORDER = {"store": "OPEN", "services": "ACTIVE", "emergency_call": "AVAILABLE"}


def _states(snapshot: Snapshot) -> dict[str, str]:
    return {
        "store": snapshot.store_needs or "OPEN",
        "services": "DEACTIVATED" if snapshot.deactivated else "ACTIVE",
        "emergency_call": "AVAILABLE" if snapshot.ecall_available else "UNAVAILABLE",
    }
