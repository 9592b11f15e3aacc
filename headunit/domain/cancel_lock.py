"""The cancellation lock: after cancelling while a payment is in progress the car neither selects nor
orders for five minutes (R-209, D-09)."""

from contracts.messages import OrderState, OrderView
from headunit.domain.facts import CarFacts
from headunit.domain.reception import is_online


def locked_until_ms(facts: CarFacts, orders: tuple[OrderView, ...]) -> int | None:
    """Deadline of the lock by server time, None when nothing locks."""
    deadlines = [
        order.cancel_until_ms
        for order in orders
        if order.state is OrderState.CANCELLING and order.cancel_until_ms is not None
    ]
    if facts.snapshot is not None and facts.snapshot.locked_until_ms is not None:
        deadlines.append(facts.snapshot.locked_until_ms)
    return max(deadlines, default=None)


def is_locked(facts: CarFacts, until_ms: int | None) -> bool:
    """Whether the lock with deadline `until_ms` (server time) still holds.

    A car that was online at the deadline unlocked itself at that instant, and stays unlocked when it
    loses the network afterwards; a car that was offline then stays locked until it has synchronised.
    """
    if until_ms is None:
        return False
    if facts.server_now_ms < until_ms:
        return True
    deadline = until_ms - facts.server_skew_ms
    if facts.last_sync_ms is not None and facts.last_sync_ms >= deadline:
        return False
    began_in_time = facts.online_since_ms is None or facts.online_since_ms <= deadline
    if is_online(facts):
        return not began_in_time
    return facts.offline_since_ms is None or facts.offline_since_ms < deadline or not began_in_time


def remaining_ms(facts: CarFacts, until_ms: int) -> int:
    """How long until the deadline, by server time; never below zero."""
    return max(0, until_ms - facts.server_now_ms)
