"""What the rules decide upon: the car's facts with the newest word on every order."""

import msgspec

from contracts.errors import ErrorCode
from contracts.messages import OrderState, OrderView, Snapshot
from headunit.domain import cancel_lock, motion_lock
from headunit.domain.facts import CarFacts
from headunit.domain.market import MarketProfile, profile_of
from headunit.domain.reception import is_online

UNPAID = (
    OrderState.AWAITING_PAYMENT,
    OrderState.PAYING,
    OrderState.PAYMENT_FAILED,
    OrderState.CANCELLING,
)
"""States of an open order: its services sit in it and in no other (R-213)."""


class News(msgspec.Struct, frozen=True):
    """An order as an answer showed it, and when the backend said so."""

    sent_at_ms: int
    order: OrderView


class Situation(msgspec.Struct, frozen=True):
    """Facts, market and orders, whether a request can leave, and which of the two locks hold.

    cancel_locked_until_ms is the deadline by server time while the cancellation lock holds, else None;
    store_needs is why the car's Store is closed, None while it is open (R-202).
    """

    facts: CarFacts
    profile: MarketProfile
    orders: tuple[OrderView, ...]
    online: bool
    moving: bool
    cancel_locked_until_ms: int | None
    store_needs: ErrorCode | None = None

    def order(self, number: str) -> OrderView | None:
        """The order of that number, if the car knows it."""
        return next((order for order in self.orders if order.number == number), None)

    def open_orders(self) -> tuple[OrderView, ...]:
        """Orders that are not paid and not ended."""
        return tuple(order for order in self.orders if order.state in UNPAID)


def is_newer(news: News, snapshot: Snapshot | None) -> bool:
    """Whether an answer knows more about its order than the snapshot; at a tie the higher version does."""
    if snapshot is None or news.sent_at_ms > snapshot.sent_at_ms:
        return True
    if news.sent_at_ms < snapshot.sent_at_ms:
        return False
    known = next((order.version for order in snapshot.orders if order.number == news.order.number), 0)
    return news.order.version > known


def merged_orders(facts: CarFacts, news: dict[str, News]) -> tuple[OrderView, ...]:
    """Orders of the snapshot, each replaced by an answer that the backend gave later; new ones at the end."""
    known = facts.snapshot.orders if facts.snapshot is not None else ()
    if not news:
        return known
    newer = {number: item.order for number, item in news.items() if is_newer(item, facts.snapshot)}
    merged = [newer.pop(order.number, order) for order in known]
    return (*merged, *newer.values())


def situation_of(facts: CarFacts, news: dict[str, News]) -> Situation:
    """The situation at `facts.now_ms`. Raises UnknownMarketError."""
    orders = merged_orders(facts, news)
    until_ms = cancel_lock.locked_until_ms(facts, orders)
    profile = profile_of(facts.market)
    return Situation(
        facts,
        profile,
        orders,
        is_online(facts),
        motion_lock.is_locked(facts.motion, facts.now_ms),
        until_ms if cancel_lock.is_locked(facts, until_ms) else None,
        _store_needs(facts, profile),
    )


def _store_needs(facts: CarFacts, profile: MarketProfile) -> ErrorCode | None:
    """What the newest snapshot says; before the first one a car that needs an account cannot know (R-202)."""
    if facts.snapshot is not None:
        return facts.snapshot.store_needs
    return ErrorCode.NO_CONNECTION if profile.needs_account else None
