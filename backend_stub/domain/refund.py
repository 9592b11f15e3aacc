"""The refund request: its data, the Refund request table of section 3, and the arithmetic of R-602.

A request is about one line of an order (R-603). A line has one at most; a rejected one does not count, for
who said a wrong number may call again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from backend_stub.domain.entitlement import Entitlement, EntitlementEvent, Period, step
from backend_stub.domain.order import OrderLine
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState

PAYOUT_WORKING_DAYS = 25
"""On which working day after verification the money goes (R-604)."""

FULL_REFUND_DAYS = 7
"""How many days after the day of capture all but the fee comes back (R-602)."""


class RefundState(StrEnum):
    """States of a refund request; before the request there is none."""

    VERIFYING = "VERIFYING"
    REJECTED = "REJECTED"
    VERIFIED = "VERIFIED"
    PAID_OUT = "PAID_OUT"
    PAYOUT_FAILED = "PAYOUT_FAILED"


class RefundEvent(StrEnum):
    """What can happen to a refund request."""

    REQUESTED = "request"
    MISMATCHED = "mismatch"
    APPROVED = "agent approves"
    OTHER_ACCOUNT = "other account"
    PAYOUT_DUE = "25th working day"
    BOUNCED = "payout bounced"


class RefundGround(StrEnum):
    """Why money goes back: asked for (R-602), the provider ends a service (R-513), or the law (R-606)."""

    REQUEST = "request"
    PROVIDER_END = "provider end"
    STATUTORY = "statutory remedy"


S = RefundState
E = RefundEvent
TRANSITIONS: dict[tuple[RefundState | None, RefundEvent], RefundState] = {
    (None, E.REQUESTED): S.VERIFYING,
    (None, E.MISMATCHED): S.REJECTED,
    (S.VERIFYING, E.APPROVED): S.VERIFIED,
    (S.VERIFYING, E.OTHER_ACCOUNT): S.VERIFYING,
    (S.VERIFIED, E.OTHER_ACCOUNT): S.VERIFIED,
    (S.VERIFIED, E.PAYOUT_DUE): S.PAID_OUT,
    (S.VERIFIED, E.BOUNCED): S.PAYOUT_FAILED,
    (S.PAYOUT_FAILED, E.OTHER_ACCOUNT): S.VERIFIED,
}
"""(state, event) to the next state; None is before the request."""

REFUSALS: dict[tuple[RefundState | None, RefundEvent], ErrorCode] = {
    (S.VERIFYING, E.REQUESTED): ErrorCode.ALREADY_REFUNDED,
    **{
        (state, event): ErrorCode.ALREADY_REFUNDED
        for state in (S.VERIFIED, S.PAID_OUT, S.PAYOUT_FAILED)
        for event in (E.REQUESTED, E.APPROVED)
    },
}
"""Codes that R-603 names for a repetition; all other unlisted events are INVALID_STATE."""

APPROVED_STATES = (S.VERIFIED, S.PAID_OUT, S.PAYOUT_FAILED)
"""The line is refunded: its service has ended, its money has gone or will go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """What is to be given back of one line.

    `usage_date` is the day through which use is counted, frozen at the request (D-30); `customer` is the
    name of the verified customer (R-605); without an `account` the money goes to the paying one (R-604).
    """

    refund_id: int
    order_number: str
    service: str
    ground: RefundGround
    state: RefundState
    amount_minor: int
    currency: str
    usage_date: date
    requested_at_ms: int
    customer: str = ""
    verified_at_ms: int | None = None
    payout_ms: int | None = None
    holder: str = ""
    account: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """Refunded money that left for an account; never changed afterwards."""

    refund_id: int
    order_number: str
    service: str
    payment_id: str
    transaction_id: str
    amount_minor: int
    currency: str
    paid_out_at_ms: int


def step_state(state: RefundState | None, event: RefundEvent) -> RefundState:
    """The state after `event`. Raises BackendError with the code that the rule names, else INVALID_STATE."""
    after = TRANSITIONS.get((state, event))
    if after is not None:
        return after
    code = REFUSALS.get((state, event), ErrorCode.INVALID_STATE)
    raise BackendError(code, f"this refund is {state or 'not asked for'}: {event} is not possible")


def happen(refund: RefundRequest, event: RefundEvent) -> RefundRequest:
    """The request after `event`. Raises BackendError with the rule's code."""
    return replace(refund, state=step_state(refund.state, event))


def is_approved(refund: RefundRequest) -> bool:
    """Whether its line counts as refunded."""
    return refund.state in APPROVED_STATES


def total_days(period: Period) -> int:
    """Length of a term, first and last day included."""
    return (period.last_day - period.first_day).days + 1


def used_days(period: Period, through: date) -> int:
    """Days of a term that are used when `through` is the last one, from 0 to its whole length."""
    return min(max((through - period.first_day).days + 1, 0), total_days(period))


def refundable_minor(
    line: OrderLine,
    period: Period,
    *,
    captured_on: date,
    requested_on: date,
    used_through: date,
    is_undelivered: bool,
) -> int:
    """What R-602 gives back of a line.

    Args:
        line: what was paid, fee included.
        period: the term it has bought.
        captured_on: local date of capture.
        requested_on: local date of the request; seven days after capture are still early.
        used_through: last local day of use, the request's unless the service ended before (R-511).
        is_undelivered: it is overdue and still not activated: its fee comes back, too.
    """
    if is_undelivered:
        return line.amount_minor
    net_minor = line.amount_minor - line.fee_minor
    if (requested_on - captured_on).days <= FULL_REFUND_DAYS:
        return net_minor
    # Flooring the charge favours the customer (D-30).
    return net_minor - net_minor * used_days(period, used_through) // total_days(period)


def provider_end_minor(line: OrderLine, period: Period, last_day: date) -> int:
    """What comes back of a line, tax included, when BMW ends its service after `last_day` (R-513, R-606)."""
    return line.amount_minor - line.amount_minor * used_days(period, last_day) // total_days(period)


_OVER = (EntitlementState.EXPIRED, EntitlementState.TERMINATED, EntitlementState.DEACTIVATED)


def fallen_back(entitlement: Entitlement, today: date) -> Entitlement | None:
    """The entitlement without its newest period, where the one before still runs (R-603, D-31).

    None where the service has ended already, or ends with that refund. Before activation nothing has
    passed: its dates are still to move (R-402).
    """
    rest = entitlement.periods[:-1]
    if entitlement.state in _OVER or not rest:
        return None
    if entitlement.state is not EntitlementState.PENDING and rest[-1].last_day < today:
        return None
    if entitlement.state is EntitlementState.ACTIVE:
        entitlement = step(entitlement, EntitlementEvent.NEWEST_REFUNDED)
    return replace(entitlement, periods=rest)


def ending_event(entitlement: Entitlement) -> EntitlementEvent | None:
    """How the refund of its only remaining period ends a service; None when that is over already."""
    if entitlement.state in _OVER:
        return None
    if entitlement.state is EntitlementState.ACTIVE:
        return EntitlementEvent.LAST_REFUNDED
    return EntitlementEvent.TERMINATE


def later_periods(entitlement: Entitlement, period: Period) -> tuple[Period, ...]:
    """The periods that extend `period`, newest last."""
    at = entitlement.periods.index(period)
    return entitlement.periods[at + 1 :]


def line_of(lines: Sequence[OrderLine], service: str) -> OrderLine | None:
    """The line of `service`, which an order has once at most (R-201)."""
    return next((line for line in lines if line.service == service), None)


def same_name(one: str, other: str) -> bool:
    """Whether two names are one, whatever their case and spaces; nobody is called nothing (R-605)."""
    words = one.casefold().split()
    return bool(words) and words == other.casefold().split()
