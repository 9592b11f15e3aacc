"""Booked services: their data, the Service entitlement table of section 3, and the arithmetic of terms.

A fresh period begins per R-402, an extension the day after the last queued end (R-501); the capture
instant decides which of the two a purchase is (R-502).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from backend_stub.domain import calendar
from backend_stub.domain.market import FirstDay, MarketProfile
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState

S = EntitlementState


class Origin(StrEnum):
    """Where an entitlement comes from (R-005)."""

    CONTRACT = "CONTRACT"
    STORE = "STORE"
    STANDARD = "STANDARD"


class RenewalChoice(StrEnum):
    """What becomes of a term at its end where renewal needs a notice (R-504, R-505).

    NOTICE is one renewal by the Portal's form, AUTO every one until it is switched off; a notice that has
    been given stays when auto-renew is switched on and off again: BOTH.
    """

    NONE = "none"
    NOTICE = "notice"
    AUTO = "auto"
    BOTH = "notice and auto"

    @property
    def is_auto(self) -> bool:
        """Whether auto-renew is on."""
        return self in (RenewalChoice.AUTO, RenewalChoice.BOTH)

    @property
    def has_notice(self) -> bool:
        """Whether notice has been given by form."""
        return self in (RenewalChoice.NOTICE, RenewalChoice.BOTH)


def renewal_choice(is_auto: bool, has_notice: bool) -> RenewalChoice:
    """The choice made of its two parts."""
    if is_auto:
        return RenewalChoice.BOTH if has_notice else RenewalChoice.AUTO
    return RenewalChoice.NOTICE if has_notice else RenewalChoice.NONE


class EntitlementEvent(StrEnum):
    """What can happen to an entitlement."""

    ACTIVATED = "activated"
    OVERDUE = "> 24 h"
    EXTENDED = "extension captured"
    NEWEST_REFUNDED = "newest period refunded, an earlier one still valid"
    LAST_REFUNDED = "only remaining period refunded"
    MIDNIGHT_AFTER_END = "midnight after end"
    LATE_EXTENDED = "late-reported last-day capture"
    SUSPEND = "suspend"
    LIFT = "lift"
    TERMINATE = "terminate"
    DEACTIVATE = "dealer deactivation"


TRANSITIONS: dict[tuple[EntitlementState, EntitlementEvent], EntitlementState] = {
    (S.PENDING, EntitlementEvent.ACTIVATED): S.ACTIVE,
    (S.PENDING, EntitlementEvent.OVERDUE): S.PENDING,
    (S.ACTIVE, EntitlementEvent.EXTENDED): S.ACTIVE,
    (S.PENDING, EntitlementEvent.EXTENDED): S.PENDING,
    (S.SUSPENDED, EntitlementEvent.EXTENDED): S.SUSPENDED,
    (S.ACTIVE, EntitlementEvent.NEWEST_REFUNDED): S.ACTIVE,
    (S.ACTIVE, EntitlementEvent.LAST_REFUNDED): S.TERMINATED,
    (S.ACTIVE, EntitlementEvent.MIDNIGHT_AFTER_END): S.EXPIRED,
    (S.SUSPENDED, EntitlementEvent.MIDNIGHT_AFTER_END): S.EXPIRED,
    (S.EXPIRED, EntitlementEvent.LATE_EXTENDED): S.ACTIVE,
    (S.ACTIVE, EntitlementEvent.SUSPEND): S.SUSPENDED,
    (S.SUSPENDED, EntitlementEvent.LIFT): S.ACTIVE,
    (S.PENDING, EntitlementEvent.TERMINATE): S.TERMINATED,
    (S.ACTIVE, EntitlementEvent.TERMINATE): S.TERMINATED,
    (S.SUSPENDED, EntitlementEvent.TERMINATE): S.TERMINATED,
    (S.PENDING, EntitlementEvent.DEACTIVATE): S.DEACTIVATED,
    (S.ACTIVE, EntitlementEvent.DEACTIVATE): S.DEACTIVATED,
    (S.SUSPENDED, EntitlementEvent.DEACTIVATE): S.DEACTIVATED,
}
"""(state, event) to the next state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One bought term. `fresh` periods wait for activation, extensions count as active on capture.

    `bought_as` is the service of the order's line where another one has replaced it since (R-104).
    """

    order_number: str
    months: int
    captured_at_ms: int
    first_day: date
    last_day: date
    fresh: bool
    bought_as: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entitlement:
    """A service of one car with its chain of periods; standard services have none and never end.

    `ended_at_ms` is the instant at which it was terminated or deactivated (R-511); `renewal` is what the
    customer has chosen for the end of the term.
    """

    entitlement_id: int
    vin: str
    service: str
    origin: Origin
    state: EntitlementState
    periods: tuple[Period, ...] = ()
    overdue: bool = False
    traceparent: str = ""
    ended_at_ms: int | None = None
    renewal: RenewalChoice = RenewalChoice.NONE

    @property
    def booked_from(self) -> date | None:
        """First valid day, None for standard services."""
        return self.periods[0].first_day if self.periods else None

    @property
    def booked_until(self) -> date | None:
        """Last valid day of the whole chain, None for standard services."""
        return self.periods[-1].last_day if self.periods else None


def step(entitlement: Entitlement, event: EntitlementEvent) -> Entitlement:
    """The entitlement after `event`, dates untouched.

    Raises BackendError with INVALID_STATE for an unlisted event.
    """
    state = TRANSITIONS.get((entitlement.state, event))
    if state is None:
        raise BackendError(
            ErrorCode.INVALID_STATE, f"{entitlement.service} is {entitlement.state}: {event} is not possible"
        )
    return replace(entitlement, state=state)


def stop(entitlement: Entitlement, event: EntitlementEvent, at_ms: int) -> Entitlement:
    """The entitlement ended by `event` as of the instant `at_ms`; nothing of it is renewed (R-511, R-517).

    Raises BackendError with INVALID_STATE for an unlisted event.
    """
    return replace(step(entitlement, event), ended_at_ms=at_ms, renewal=RenewalChoice.NONE)


def lasting_longest(entitlements: Iterable[Entitlement]) -> Entitlement | None:
    """Of several entitlements the one that ends last, the newer of equals; None when there is none.

    A car can have a service twice where another one was replaced by it (R-104).
    """
    newest_first = tuple(entitlements)[::-1]
    return max(newest_first, key=lambda each: each.booked_until or date.max, default=None)


def fresh_period(
    order_number: str, months: int, captured_at_ms: int, profile: MarketProfile, bought_as: str = ""
) -> Period:
    """A first term, from the local date of capture; activation moves it where R-402 says so."""
    first_day = calendar.local_date(captured_at_ms, profile.zone)
    return Period(
        order_number=order_number,
        months=months,
        captured_at_ms=captured_at_ms,
        first_day=first_day,
        last_day=calendar.end(first_day, months),
        fresh=True,
        bought_as=bought_as,
    )


def is_extension(entitlement: Entitlement, captured_at_ms: int, profile: MarketProfile) -> bool:
    """Whether a purchase captured then extends the entitlement (R-501, R-502).

    PENDING counts as active, however long it waits: its term moves with its activation (R-402).
    EXPIRED is revived by a capture on its last day or before.
    """
    if entitlement.state not in (S.PENDING, S.ACTIVE, S.SUSPENDED, S.EXPIRED):
        return False
    until = entitlement.booked_until
    if entitlement.state is S.PENDING:
        return until is not None
    return until is not None and calendar.local_date(captured_at_ms, profile.zone) <= until


def extend(
    entitlement: Entitlement, order_number: str, months: int, captured_at_ms: int, bought_as: str = ""
) -> Entitlement:
    """The entitlement with a further period the day after its last queued end (R-501).

    A notice of renewal is fulfilled by it, an election of auto-renew stays (R-504, R-505). Raises
    BackendError with INVALID_STATE when its state takes no extension.
    """
    until = entitlement.booked_until
    if until is None:
        raise BackendError(ErrorCode.INVALID_STATE, f"{entitlement.service} has no end to extend")
    event = EntitlementEvent.LATE_EXTENDED if entitlement.state is S.EXPIRED else EntitlementEvent.EXTENDED
    first_day = calendar.day_after(until)
    period = Period(
        order_number=order_number,
        months=months,
        captured_at_ms=captured_at_ms,
        first_day=first_day,
        last_day=calendar.end(first_day, months),
        fresh=False,
        bought_as=bought_as,
    )
    return replace(
        step(entitlement, event),
        periods=(*entitlement.periods, period),
        renewal=renewal_choice(entitlement.renewal.is_auto, has_notice=False),
    )


def activate(entitlement: Entitlement, now_ms: int, profile: MarketProfile) -> Entitlement:
    """The entitlement activated now; its dates move when activation decides the first day (R-401, R-402).

    Exactly 24 h after capture is on time. Raises BackendError with INVALID_STATE unless PENDING.
    """
    active = step(entitlement, EntitlementEvent.ACTIVATED)
    moves = profile.first_day is FirstDay.ACTIVATION or is_overdue(entitlement, now_ms, profile)
    if not moves:
        return active
    return replace(active, periods=_chain(entitlement.periods, calendar.local_date(now_ms, profile.zone)))


def is_overdue(entitlement: Entitlement, now_ms: int, profile: MarketProfile) -> bool:
    """Whether activation is later than the market allows (R-401)."""
    return now_ms > entitlement.periods[0].captured_at_ms + profile.activation_limit_ms


def _chain(periods: Sequence[Period], first_day: date) -> tuple[Period, ...]:
    moved: list[Period] = []
    for period in periods:
        last_day = calendar.end(first_day, period.months)
        moved.append(replace(period, first_day=first_day, last_day=last_day))
        first_day = calendar.day_after(last_day)
    return tuple(moved)
