"""What a car is delivered at an instant: nothing from the millisecond on at which a service ends (R-517)."""

from collections.abc import Iterable

from backend_stub.domain import calendar
from backend_stub.domain.catalogue import PRODUCTS, Service, working_features
from backend_stub.domain.entitlement import Entitlement
from contracts.messages import EntitlementState


def is_delivered(entitlement: Entitlement, now_ms: int, zone: str) -> bool:
    """Whether the service is delivered at `now_ms`.

    It is while it is active, not ended, and valid: from local midnight of its first day until just before
    local midnight after its last one (R-403), whoever has or has not noted the end yet. Standard services
    have no dates.
    """
    if entitlement.state is not EntitlementState.ACTIVE:
        return False
    if entitlement.ended_at_ms is not None and now_ms >= entitlement.ended_at_ms:
        return False
    since, until = entitlement.booked_from, entitlement.booked_until
    if since is None or until is None:
        return True
    begins_ms = calendar.local_midnight_ms(since, zone)
    return begins_ms <= now_ms < calendar.end_of_validity_ms(until, zone)


def delivered_features(
    entitlements: Iterable[Entitlement], now_ms: int, zone: str, products: Iterable[Service] = PRODUCTS
) -> frozenset[str]:
    """The features that work in the car at `now_ms` (R-105, R-517)."""
    delivered = (each.service for each in entitlements if is_delivered(each, now_ms, zone))
    return working_features(delivered, products)
