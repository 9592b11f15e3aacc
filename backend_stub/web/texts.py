"""What an order's state means to whoever pays: a headline, a tone, and what happens next (R-302)."""

from typing import NamedTuple

from backend_stub.domain.calendar import local_text
from backend_stub.domain.market import MarketProfile
from backend_stub.domain.order import Order
from contracts.messages import CancelReason, OrderState


class Story(NamedTuple):
    """A state in words; `tone` is "open", "busy", "good", "bad" or "over"."""

    headline: str
    tone: str
    next_steps: str


STATE_NAMES = {
    OrderState.AWAITING_PAYMENT: "Waiting for payment",
    OrderState.PAYING: "Payment in progress",
    OrderState.PAYMENT_FAILED: "Payment failed",
    OrderState.CANCELLING: "Being cancelled",
    OrderState.CANCELLED: "Cancelled",
    OrderState.PAID: "Paid",
    OrderState.FULFILLED: "Active in the car",
    OrderState.PARTLY_REFUNDED: "Partly refunded",
    OrderState.REFUNDED: "Refunded",
}

_CANCELLED = {
    CancelReason.USER: "The driver has cancelled this order.",
    CancelReason.TIMEOUT: "This order was not paid in time.",
    CancelReason.OWNER: "The car has a new owner, so its open orders have ended.",
}

_LATE_MONEY = "Money that still arrives goes back in full, to the account it came from."


def story(order: Order, profile: MarketProfile) -> Story:
    """What to tell about `order`."""
    name = STATE_NAMES[order.state]
    deadline = local_text(order.deadline_ms, profile.zone)
    match order.state:
        case OrderState.AWAITING_PAYMENT:
            return Story(
                name,
                "open",
                f"Pay until {deadline}. The car activates its services by itself within 24 hours.",
            )
        case OrderState.PAYING:
            return Story(
                name,
                "busy",
                "The provider has not told us the result yet. This page follows by itself;"
                " after 15 minutes we ask the provider.",
            )
        case OrderState.PAYMENT_FAILED:
            return Story(name, "bad", f"No money was kept. Try again until {deadline}, with either provider.")
        case OrderState.CANCELLING:
            return Story(
                name,
                "busy",
                "The driver is cancelling this order. A payment made before that still counts;"
                " a later one goes back in full.",
            )
        case OrderState.CANCELLED:
            why = _CANCELLED[order.cancel_reason or CancelReason.USER]
            return Story(name, "over", f"{why} {_LATE_MONEY}")
        case OrderState.PAID:
            return Story(
                name,
                "good",
                "Thank you. The car activates its services by itself within 24 hours;"
                f" if it does not, call {profile.disturbance_line}.",
            )
        case OrderState.FULFILLED:
            return Story(name, "good", "Paid and active. There is nothing left to do.")
        case _:
            return Story(name, "over", f"Questions about a refund: {profile.hotline}.")
