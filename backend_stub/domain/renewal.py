"""Renewal where a term ends by itself: notice, auto-renew, the charge; and the base package's extension.

A notice is in time on a local date not later than `notice_days` before the last valid day; the charge is
made at 00:00 local on the last valid day, and until that instant auto-renew can be switched (R-504, R-505).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from backend_stub.domain import calendar
from backend_stub.domain.catalogue import BASE_PACKAGE, service_name
from backend_stub.domain.entitlement import (
    Entitlement,
    Origin,
    Period,
    RenewalChoice,
    extend,
    lasting_longest,
    renewal_choice,
)
from backend_stub.domain.market import MarketProfile, Renewal
from backend_stub.domain.vehicle import VehicleRecord
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState

S = EntitlementState
IN_FORCE = (S.PENDING, S.ACTIVE, S.SUSPENDED)
"""States in which buying a service renews it (R-501)."""

_DATED = (S.ACTIVE, S.SUSPENDED)
_ENDED_BY_ITSELF = (S.ACTIVE, S.SUSPENDED, S.EXPIRED)


def is_renewable(entitlement: Entitlement) -> bool:
    """Whether it is a sold service with an end: not a standard one, not the base package."""
    sold = entitlement.origin is not Origin.STANDARD and entitlement.service != BASE_PACKAGE
    return sold and entitlement.booked_until is not None


def last_day_for_notice(entitlement: Entitlement, profile: MarketProfile) -> date | None:
    """The local date until which notice of renewal is in time, that date included (R-504, D-23).

    None where no notice is needed, and before activation, when the end is not known yet.
    """
    until = entitlement.booked_until
    if profile.renewal is not Renewal.NOTICE or not is_renewable(entitlement) or until is None:
        return None
    if entitlement.state not in _DATED:
        return None
    return calendar.days_before(until, profile.notice_days)


def charge_at_ms(last_day: date, profile: MarketProfile) -> int:
    """The instant of the charge: 00:00 local on the last valid day (R-505)."""
    return calendar.local_midnight_ms(last_day, profile.zone)


def is_switchable(entitlement: Entitlement, now_ms: int, profile: MarketProfile) -> bool:
    """Whether auto-renew can still be switched, which is until the charge (R-505)."""
    until = entitlement.booked_until
    if profile.renewal is not Renewal.NOTICE or entitlement.state not in IN_FORCE or until is None:
        return False
    return entitlement.state is S.PENDING or now_ms < charge_at_ms(until, profile)


def renews_itself(entitlement: Entitlement, now_ms: int, profile: MarketProfile) -> bool | None:
    """Auto-renew as people see it: whether the term will be charged; None where there is no such thing."""
    if profile.renewal is not Renewal.NOTICE or not is_renewable(entitlement):
        return None
    return entitlement.renewal.is_auto and is_switchable(entitlement, now_ms, profile)


def check_window(entitlement: Entitlement, now_ms: int, profile: MarketProfile) -> None:
    """Whether notice of renewal is in time now (R-504). Raises BackendError with RENEWAL_WINDOW_CLOSED."""
    last_day = last_day_for_notice(entitlement, profile)
    if last_day is None or calendar.local_date(now_ms, profile.zone) <= last_day:
        return
    offer = "it has begun its last day"
    if renews_itself(entitlement, now_ms, profile):
        offer = "auto-renew is on"
    elif is_switchable(entitlement, now_ms, profile):
        offer = f"auto-renew can be switched on in the Portal until {entitlement.booked_until} 00:00"
    raise BackendError(
        ErrorCode.RENEWAL_WINDOW_CLOSED,
        f"{service_name(entitlement.service)} could be renewed by notice until {last_day}; {offer}",
    )


def check_notices(
    services: Iterable[str], held: Sequence[Entitlement], now_ms: int, profile: MarketProfile
) -> None:
    """An order of services in force is notice of renewal; one that is late refuses it whole (R-504).

    What counts is the end that the order would move. Raises BackendError with RENEWAL_WINDOW_CLOSED.
    """
    for service in services:
        renewed = lasting_longest(in_force(service, held))
        if renewed is not None:
            check_window(renewed, now_ms, profile)


def in_force(service: str, held: Sequence[Entitlement]) -> tuple[Entitlement, ...]:
    """What is in force of a service among `held`, the newest last."""
    return tuple(each for each in held if each.service == service and each.state in IN_FORCE)


def with_notice(entitlement: Entitlement, now_ms: int, profile: MarketProfile) -> Entitlement:
    """The entitlement with notice of renewal by form (R-504). Raises BackendError."""
    _check_choosable(entitlement, profile)
    check_window(entitlement, now_ms, profile)
    return replace(entitlement, renewal=renewal_choice(entitlement.renewal.is_auto, has_notice=True))


def with_auto_renew(entitlement: Entitlement, on: bool, now_ms: int, profile: MarketProfile) -> Entitlement:
    """The entitlement with auto-renew on or off (R-505). Raises BackendError."""
    _check_choosable(entitlement, profile)
    if not is_switchable(entitlement, now_ms, profile):
        raise BackendError(
            ErrorCode.RENEWAL_WINDOW_CLOSED,
            f"{service_name(entitlement.service)}: auto-renew could be switched until"
            f" {entitlement.booked_until} 00:00",
        )
    return replace(entitlement, renewal=renewal_choice(on, entitlement.renewal.has_notice))


def charge_due_ms(entitlement: Entitlement, profile: MarketProfile) -> int | None:
    """When the term is to be charged, None when nobody has chosen that (R-505).

    Where a service is renewed by buying it, nobody can choose it: nothing is ever charged (R-503).
    """
    until = entitlement.booked_until
    chosen = entitlement.renewal is not RenewalChoice.NONE
    if not chosen or until is None or entitlement.state not in _DATED:
        return None
    return charge_at_ms(until, profile)


@dataclass(frozen=True, slots=True)
class Charge:
    """What is to be charged for the next term of a service."""

    service: str
    months: int


def charge_of(entitlement: Entitlement, now_ms: int, profile: MarketProfile) -> Charge | None:
    """What a charge that is due asks for: the same term once more (R-505).

    None when there is nothing to charge any more: the choice was withdrawn, the service has ended, or its
    end has moved away.
    """
    due_ms, until = charge_due_ms(entitlement, profile), entitlement.booked_until
    if due_ms is None or until is None or now_ms < due_ms:
        return None
    if calendar.local_date(now_ms, profile.zone) > until:
        return None
    return Charge(entitlement.service, entitlement.periods[-1].months)


def extended_base_package(
    vehicle: VehicleRecord, packages: Sequence[Entitlement], now_ms: int, profile: MarketProfile
) -> tuple[Entitlement | None, Entitlement]:
    """The base package of a car before and after its free extension (R-506, D-25, D-51).

    `packages` are the base packages that it has had, oldest first. The extension runs from the day after
    the end, or from today in a package of its own (before: None) when that has passed. Raises
    BackendError with NOT_ELIGIBLE.
    """
    limit = profile.base_extension_before
    if limit is None:
        raise _not_eligible("the base package of this market has no extension")
    if vehicle.purchased_on is None or vehicle.purchased_on >= limit:
        raise _not_eligible(f"the free extension is for cars purchased before {limit}")
    if sum(len(package.periods) for package in packages) > 1:
        raise _not_eligible("the base package has been extended already")
    if not packages or packages[-1].state not in _ENDED_BY_ITSELF:
        raise _not_eligible("this car has no base package to extend")
    before = packages[-1]
    if before.state is not S.EXPIRED:
        return before, extend(before, "", profile.base_extension_months, now_ms)
    today = calendar.local_date(now_ms, profile.zone)
    return None, Entitlement(
        entitlement_id=0,
        vin=vehicle.vin,
        service=BASE_PACKAGE,
        origin=Origin.CONTRACT,
        state=S.ACTIVE,
        periods=(
            Period(
                order_number="",
                months=profile.base_extension_months,
                captured_at_ms=now_ms,
                first_day=today,
                last_day=calendar.end(today, profile.base_extension_months),
                fresh=False,
            ),
        ),
    )


def _check_choosable(entitlement: Entitlement, profile: MarketProfile) -> None:
    name = service_name(entitlement.service)
    if profile.renewal is not Renewal.NOTICE:
        raise _not_eligible(f"{name} is renewed by buying it again, at any time")
    if not is_renewable(entitlement):
        raise _not_eligible(f"{name} is not for sale, and has no renewal")
    if entitlement.state not in IN_FORCE:
        raise BackendError(ErrorCode.INVALID_STATE, f"{name} is {entitlement.state}: buy it anew")


def _not_eligible(detail: str) -> BackendError:
    return BackendError(ErrorCode.NOT_ELIGIBLE, detail)
