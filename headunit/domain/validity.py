"""Validity of booked services: calendar arithmetic and what the car enforces by itself."""

from calendar import monthrange
from datetime import date, timedelta

from contracts.messages import EntitlementState, EntitlementView

STANDARD = "STANDARD"
"""Origin of the services that every car has (R-005)."""

EMERGENCY_CALL = "EMERGENCY_CALL"
"""Code of the service behind the Emergency Call (R-004)."""

_RUNNING = (EntitlementState.ACTIVE, EntitlementState.SUSPENDED)
RENEWABLE = (EntitlementState.ACTIVE, EntitlementState.SUSPENDED, EntitlementState.PENDING)
"""States in which buying a service again extends it (R-501, section 3)."""


def last_day(start: date, months: int) -> date:
    """Last valid day of a term that begins on `start`: the corresponding day less one (R-403, D-19)."""
    shifted = start.month - 1 + months
    year, month = start.year + shifted // 12, shifted % 12 + 1
    days = monthrange(year, month)[1]
    if start.day > days:
        return date(year, month, days)
    return date(year, month, start.day) - timedelta(days=1)


def extended_to(booked_until: date, months: int) -> date:
    """Last valid day after a renewal by `months`: it begins the day after, without a gap (R-501)."""
    return last_day(booked_until + timedelta(days=1), months)


def state_on(entitlement: EntitlementView, today: date) -> EntitlementState:
    """The state that holds on the market's `today`: a cached end date ends a service by itself (R-406).

    The last day is wholly valid; at the next local midnight the service is over (R-403), as it is after the
    last day of which BMW has given notice (R-513).
    """
    ends_by = entitlement.ends_by_notice
    if ends_by and entitlement.state in RENEWABLE and date.fromisoformat(ends_by) < today:
        return EntitlementState.TERMINATED
    if entitlement.state in _RUNNING and entitlement.booked_until is not None:
        if date.fromisoformat(entitlement.booked_until) < today:
            return EntitlementState.EXPIRED
    return entitlement.state
