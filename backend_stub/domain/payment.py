"""The payment: its data and the Payment table of section 3 (R-304 to R-307).

One payment belongs to an order until money has come in or gone back; a declined one is tried again in
a new provider session. Provider reports are never refused, so success is also listed for the states in
which it can still arrive late: CREATED, DECLINED (R-307: "none" was wrong), RETURNED (another session
of the same payment), and, as a second transaction, CAPTURED and REFUNDED, where it changes nothing and
is returned in full (R-305).
"""

from dataclasses import dataclass
from enum import StrEnum

from backend_stub.errors import BackendError
from contracts.errors import ErrorCode


class PaymentState(StrEnum):
    """States of a payment."""

    CREATED = "CREATED"
    PENDING = "PENDING"
    DECLINED = "DECLINED"
    CAPTURED = "CAPTURED"
    RETURNED = "RETURNED"
    REFUNDED = "REFUNDED"


class PaymentEvent(StrEnum):
    """What can happen to a payment; success is split by what the order says to it."""

    SESSION_OPENED = "provider session opened"
    DECLINED = "decline"
    NONE_FOUND = "none found by query"
    RETRY = "retry"
    ACCEPTED = "success, order accepts"
    NOT_ACCEPTED = "success, order cannot accept"
    REPEATED = "same transaction repeated"
    PAID_OUT = "refund payout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One payment; `session` is the provider session that is at work, `amount_minor` what was asked."""

    payment_id: str
    order_number: str
    state: PaymentState
    provider: str = ""
    session: str = ""
    amount_minor: int = 0
    currency: str = ""
    opened_at_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """What a provider says happened in a session, at its own clock.

    `captured_minor` is 0 for a decline.
    """

    transaction_id: str
    session: str
    captured_minor: int
    currency: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """Money that came in for an order, and what of it went back; never changed afterwards."""

    transaction_id: str
    payment_id: str
    order_number: str
    captured_minor: int
    returned_minor: int
    currency: str
    captured_at_ms: int
    reported_at_ms: int
    reason: str = ""


P = PaymentState
TRANSITIONS: dict[tuple[PaymentState, PaymentEvent], PaymentState] = {
    (P.CREATED, PaymentEvent.SESSION_OPENED): P.PENDING,
    (P.PENDING, PaymentEvent.DECLINED): P.DECLINED,
    (P.PENDING, PaymentEvent.NONE_FOUND): P.DECLINED,
    (P.DECLINED, PaymentEvent.RETRY): P.PENDING,
    (P.PENDING, PaymentEvent.ACCEPTED): P.CAPTURED,
    (P.PENDING, PaymentEvent.NOT_ACCEPTED): P.RETURNED,
    (P.CAPTURED, PaymentEvent.REPEATED): P.CAPTURED,
    (P.CAPTURED, PaymentEvent.PAID_OUT): P.REFUNDED,
    # "Provider reports are never refused": success where the row above has already been left.
    (P.CREATED, PaymentEvent.ACCEPTED): P.CAPTURED,
    (P.CREATED, PaymentEvent.NOT_ACCEPTED): P.RETURNED,
    (P.DECLINED, PaymentEvent.ACCEPTED): P.CAPTURED,
    (P.DECLINED, PaymentEvent.NOT_ACCEPTED): P.RETURNED,
    (P.CAPTURED, PaymentEvent.NOT_ACCEPTED): P.CAPTURED,
    (P.RETURNED, PaymentEvent.ACCEPTED): P.CAPTURED,
    (P.RETURNED, PaymentEvent.NOT_ACCEPTED): P.RETURNED,
    (P.REFUNDED, PaymentEvent.NOT_ACCEPTED): P.REFUNDED,
}
"""(state, event) to the next state."""


def step(state: PaymentState, event: PaymentEvent) -> PaymentState:
    """The state after `event`. Raises BackendError with INVALID_STATE for an unlisted event."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise BackendError(ErrorCode.INVALID_STATE, f"payment is {state}: {event} is not possible") from None
