"""The order: its data and the Order table of section 3 (R-206 to R-214, R-304).

The table is laid out like the document's. An event that it does not list is refused with the code its
rule names, else INVALID_STATE, and changes nothing; only what a provider reports is never refused: the
money is kept or returned.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto

from backend_stub.domain.calendar import MINUTE_MS
from backend_stub.domain.catalogue import Substitute
from backend_stub.domain.substitution import current_codes
from backend_stub.errors import BackendError
from contracts.errors import ErrorCode
from contracts.messages import CancelReason, OrderState

S = OrderState


class OrderEvent(StrEnum):
    """What can happen to an accepted order."""

    MODIFY = "modify"
    PAYER_STARTS = "payer starts"
    DECLINED = "declined"
    MISMATCHED = "amount mismatch"
    CAPTURED = "captured"
    CANCEL = "cancel"
    CANCEL_DUE = "+5:00"
    OWNER_CHANGED = "owner change"
    DEADLINE_PASSED = "> 24 h"
    ALL_LINES_ACTIVE = "all lines active"
    SOME_REFUNDED = "some lines refunded"
    ALL_REFUNDED = "all lines refunded"


class OrderEffect(Enum):
    """What the service has to do besides writing the new state."""

    REPRICE = auto()
    LOCK = auto()
    UNLOCK = auto()
    BOOK = auto()
    RETURN_MONEY = auto()
    CLOSE = auto()


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A service for a term at its frozen price; fee (D-03) and tax (R-310) are inside `amount_minor`."""

    service: str
    months: int
    amount_minor: int
    fee_minor: int
    tax_minor: int = 0


class Channel(StrEnum):
    """Where an order was placed: its payer is led to the web platform or to the mobile one (R-307)."""

    CAR = "car"
    PORTAL = "portal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An accepted order. `cancel_at_ms` is the t0 of R-209; `token` is the secret of its payment link."""

    number: str
    vin: str
    client_order_id: str
    lines: tuple[OrderLine, ...]
    currency: str
    sms_number: str
    accepted_at_ms: int
    deadline_ms: int
    token: str
    version: int = 1
    state: OrderState = OrderState.AWAITING_PAYMENT
    cancel_at_ms: int | None = None
    cancel_until_ms: int | None = None
    cancel_reason: CancelReason | None = None
    traceparent: str = ""
    channel: Channel = Channel.CAR

    @property
    def amount_minor(self) -> int:
        """Total of all lines."""
        return sum(line.amount_minor for line in self.lines)

    @property
    def tax_minor(self) -> int:
        """The tax inside that."""
        return sum(line.tax_minor for line in self.lines)

    @property
    def services(self) -> tuple[str, ...]:
        """Services in the order of the lines."""
        return tuple(line.service for line in self.lines)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a guard may look at besides the order.

    at_ms is the provider's capture instant for CAPTURED, else now; bought_again says that a newer
    paid order of the car holds one of the services (R-212); lock_ms is how long a cancellation is
    settled while payment is in progress (R-209).
    """

    at_ms: int
    bought_again: bool = False
    lock_ms: int = 5 * MINUTE_MS


Guard = Callable[[Order, Facts], bool]


@dataclass(frozen=True, slots=True)
class Arrow:
    """One row of the table: where an event leads if its guard holds."""

    next: OrderState
    guard: Guard
    reason: CancelReason | None
    effects: tuple[OrderEffect, ...]


def _always(order: Order, facts: Facts) -> bool:
    return True


def _in_time(order: Order, facts: Facts) -> bool:
    return facts.at_ms <= order.deadline_ms


def _past_deadline(order: Order, facts: Facts) -> bool:
    return facts.at_ms > order.deadline_ms


def _before_cancel(order: Order, facts: Facts) -> bool:
    return order.cancel_at_ms is not None and facts.at_ms < order.cancel_at_ms


def _lock_over(order: Order, facts: Facts) -> bool:
    return order.cancel_until_ms is not None and facts.at_ms >= order.cancel_until_ms


def _reinstatable(order: Order, facts: Facts) -> bool:
    return order.cancel_reason is CancelReason.TIMEOUT and _in_time(order, facts) and not facts.bought_again


E = OrderEffect
_OPEN = (S.AWAITING_PAYMENT, S.PAYING, S.PAYMENT_FAILED)
_UNPAID = (*_OPEN, S.CANCELLING)
ALIVE_STATES = (*_UNPAID, S.PAID)
"""Open orders and those being activated: what a car is shown in any case."""

_PAYABLE = (S.AWAITING_PAYMENT, S.PAYMENT_FAILED)
_BOOKED = (S.PAID, S.FULFILLED)


def _row(
    states: tuple[OrderState, ...],
    event: OrderEvent,
    to: OrderState | None,
    *effects: OrderEffect,
    guard: Guard = _always,
    reason: CancelReason | None = None,
) -> list[tuple[tuple[OrderState, OrderEvent], Arrow]]:
    return [((state, event), Arrow(to or state, guard, reason, effects)) for state in states]


_SAME = None
_CELLS = [
    *_row((S.AWAITING_PAYMENT,), OrderEvent.MODIFY, _SAME, E.REPRICE),
    *_row(_PAYABLE, OrderEvent.PAYER_STARTS, S.PAYING, guard=_in_time),
    *_row(_PAYABLE, OrderEvent.CANCEL, S.CANCELLED, E.CLOSE, reason=CancelReason.USER),
    *_row((S.PAYING,), OrderEvent.DECLINED, S.PAYMENT_FAILED),
    *_row((S.PAYING,), OrderEvent.MISMATCHED, S.PAYMENT_FAILED, E.RETURN_MONEY),
    *_row((S.PAYING,), OrderEvent.CAPTURED, S.PAID, E.CLOSE, E.BOOK, guard=_in_time),
    *_row((S.PAYING,), OrderEvent.CANCEL, S.CANCELLING, E.LOCK),
    *_row(_PAYABLE, OrderEvent.CAPTURED, S.PAID, E.CLOSE, E.BOOK, guard=_in_time),
    *_row(
        (S.CANCELLING,),
        OrderEvent.CAPTURED,
        S.PAID,
        E.UNLOCK,
        E.CLOSE,
        E.BOOK,
        guard=_before_cancel,
    ),
    *_row((S.CANCELLING,), OrderEvent.CAPTURED, _SAME, E.RETURN_MONEY),
    *_row((S.CANCELLING,), OrderEvent.DECLINED, _SAME),
    *_row(
        (S.CANCELLING,),
        OrderEvent.CANCEL_DUE,
        S.CANCELLED,
        E.UNLOCK,
        E.CLOSE,
        guard=_lock_over,
        reason=CancelReason.USER,
    ),
    *_row(
        _UNPAID,
        OrderEvent.OWNER_CHANGED,
        S.CANCELLED,
        E.UNLOCK,
        E.CLOSE,
        reason=CancelReason.OWNER,
    ),
    *_row(
        _OPEN,
        OrderEvent.DEADLINE_PASSED,
        S.CANCELLED,
        E.CLOSE,
        guard=_past_deadline,
        reason=CancelReason.TIMEOUT,
    ),
    *_row((S.CANCELLED,), OrderEvent.CAPTURED, S.PAID, E.BOOK, guard=_reinstatable),
    *_row((S.PAID,), OrderEvent.ALL_LINES_ACTIVE, S.FULFILLED),
    *_row(_BOOKED, OrderEvent.SOME_REFUNDED, S.PARTLY_REFUNDED),
    *_row((*_BOOKED, S.PARTLY_REFUNDED), OrderEvent.ALL_REFUNDED, S.REFUNDED),
]


def _table() -> dict[tuple[OrderState, OrderEvent], tuple[Arrow, ...]]:
    table: dict[tuple[OrderState, OrderEvent], tuple[Arrow, ...]] = {}
    for cell, arrow in _CELLS:
        table[cell] = (*table.get(cell, ()), arrow)
    return table


TRANSITIONS = _table()
"""(state, event) to the arrows that leave there; the first whose guard holds is taken."""

REFUSALS: dict[tuple[OrderState, OrderEvent], ErrorCode] = {
    (S.PAYING, OrderEvent.MODIFY): ErrorCode.PAYMENT_IN_PROGRESS,
    (S.PAYMENT_FAILED, OrderEvent.MODIFY): ErrorCode.NOT_MODIFIABLE,
    (S.CANCELLING, OrderEvent.MODIFY): ErrorCode.CANCEL_SYNC,
} | {
    (state, event): ErrorCode.USE_HOTLINE
    for state in (S.PAID, S.FULFILLED, S.PARTLY_REFUNDED, S.REFUNDED)
    for event in (OrderEvent.MODIFY, OrderEvent.CANCEL)
}
"""Codes that rules name for unlisted events (R-207, R-209, R-214); all others are INVALID_STATE."""

_WITH_MONEY = (OrderEvent.CAPTURED, OrderEvent.MISMATCHED)
_REPORTED = (*_WITH_MONEY, OrderEvent.DECLINED)


@dataclass(frozen=True, slots=True)
class Step:
    """The order after an event, and what is to be done besides."""

    order: Order
    effects: tuple[OrderEffect, ...]


def step(order: Order, event: OrderEvent, facts: Facts) -> Step:
    """What `event` makes of `order`; the version rises whenever anything changes.

    A provider's report that no row accepts leaves the order alone and returns money that came with it.
    Raises BackendError with the code of the rule for any other event that is not listed.
    """
    for arrow in TRANSITIONS.get((order.state, event), ()):
        if arrow.guard(order, facts):
            return Step(_moved(order, event, arrow, facts), arrow.effects)
    if event in _REPORTED:
        return Step(order, (E.RETURN_MONEY,) if event in _WITH_MONEY else ())
    code = REFUSALS.get((order.state, event), ErrorCode.INVALID_STATE)
    raise BackendError(code, f"order {order.number} is {order.state}: {event} is not possible")


def is_listed(state: OrderState, event: OrderEvent) -> bool:
    """Whether the table has a row for `event` in `state`, whatever its guard."""
    return (state, event) in TRANSITIONS


def _moved(order: Order, event: OrderEvent, arrow: Arrow, facts: Facts) -> Order:
    if arrow.next is order.state and event is not OrderEvent.MODIFY:
        return order
    moved = replace(order, state=arrow.next, version=order.version + 1, cancel_reason=arrow.reason)
    if E.LOCK in arrow.effects:
        return replace(moved, cancel_at_ms=facts.at_ms, cancel_until_ms=facts.at_ms + facts.lock_ms)
    return moved


def is_open(order: Order) -> bool:
    """Whether the order is unpaid and alive: its services sit in no other open order (R-213)."""
    return order.state in _UNPAID


def is_payable(order: Order) -> bool:
    """Whether a payer may start (R-306)."""
    return order.state in _PAYABLE


def holds_service_bought_again(
    order: Order, others: tuple[Order, ...], substitutes: Sequence[Substitute] = ()
) -> bool:
    """Whether a newer paid order among `others` holds a service of `order` (R-212).

    What has replaced a service by `substitutes` since is the same one (R-104).
    """
    paid = (S.PAID, S.FULFILLED, S.PARTLY_REFUNDED)
    wanted = current_codes(order.services, substitutes)
    return any(
        other.state in paid
        and (other.accepted_at_ms, other.number) > (order.accepted_at_ms, order.number)
        and any(service in wanted for service in current_codes(other.services, substitutes))
        for other in others
    )


def mask_number(number: str) -> str:
    """A phone number that may be shown or logged (R-308, R-832)."""
    if len(number) < 9:
        return "*" * len(number)
    return f"{number[:3]}****{number[-4:]}"
