"""What the menu refuses and why: pure decisions, each naming its rule.

The backend checks everything again; the car refuses early so that the driver learns it at once.
"""

from typing import Final

import msgspec

from contracts.errors import ErrorCode
from contracts.messages import Line, OrderState, OrderView
from headunit.domain.basket import TERMS_MONTHS, Lines, find, offer_of, product_of
from headunit.domain.formats import is_sms_number
from headunit.domain.situation import Situation
from headunit.domain.validity import STANDARD


class Refused(msgspec.Struct, frozen=True):
    """Why not: the code, the rule that says so, and the service or order it is about."""

    code: ErrorCode
    rule: str
    subject: str = ""


CHANGE_REFUSED: Final[dict[OrderState, tuple[ErrorCode, str]]] = {
    OrderState.PAYING: (ErrorCode.PAYMENT_IN_PROGRESS, "R-207"),
    OrderState.PAYMENT_FAILED: (ErrorCode.NOT_MODIFIABLE, "R-207"),
    OrderState.CANCELLING: (ErrorCode.CANCEL_SYNC, "R-209"),
    OrderState.CANCELLED: (ErrorCode.INVALID_STATE, "R-206"),
    OrderState.PAID: (ErrorCode.USE_HOTLINE, "R-214"),
    OrderState.FULFILLED: (ErrorCode.USE_HOTLINE, "R-214"),
    OrderState.PARTLY_REFUNDED: (ErrorCode.USE_HOTLINE, "R-214"),
    OrderState.REFUNDED: (ErrorCode.USE_HOTLINE, "R-214"),
}
"""States in which an order cannot be changed; AWAITING_PAYMENT is the only other one."""

CANCEL_REFUSED: Final[dict[OrderState, tuple[ErrorCode, str]]] = {
    state: refusal
    for state, refusal in CHANGE_REFUSED.items()
    if state not in (OrderState.PAYING, OrderState.PAYMENT_FAILED)
}
"""States in which an order cannot be cancelled (R-208, R-209, R-214)."""


def refuse_selection(situation: Situation) -> Refused | None:
    """Selecting and text entry need a standing car (R-811) and no cancellation under way (R-209)."""
    if situation.moving:
        return Refused(ErrorCode.NOT_WHILE_MOVING, "R-811")
    if situation.cancel_locked_until_ms is not None:
        return Refused(ErrorCode.CANCEL_SYNC, "R-209")
    return None


def refuse_setting(situation: Situation) -> Refused | None:
    """Settings need a standing car (R-811)."""
    return Refused(ErrorCode.NOT_WHILE_MOVING, "R-811") if situation.moving else None


def refuse_line(situation: Situation, line: Line, in_order: str = "") -> Refused | None:
    """Whether `line` can be had at all; `in_order` names the order being changed, which may hold it."""
    snapshot = situation.facts.snapshot
    if snapshot is not None:
        for entitlement in snapshot.entitlements:
            if entitlement.service == line.service and entitlement.origin == STANDARD:
                return Refused(ErrorCode.NOT_ORDERABLE, "R-004", line.service)
    product = product_of(situation.facts.catalogue, line.service)
    if product is None:
        return Refused(ErrorCode.NOT_ELIGIBLE, "R-102", line.service)
    if line.months not in TERMS_MONTHS or offer_of(product, line.months) is None:
        return Refused(ErrorCode.BAD_TERM, "R-101", line.service)
    for order in situation.open_orders():
        if order.number != in_order and any(held.service == line.service for held in order.lines):
            return Refused(ErrorCode.SERVICE_IN_OPEN_ORDER, "R-213", line.service)
    return None


def refuse_put(situation: Situation, basket: Lines, line: Line) -> Refused | None:
    """Whether `line` can be put into the basket; each service once, whatever its term (R-201)."""
    refused = refuse_selection(situation)
    if refused is None and find(basket, line.service) is not None:
        refused = Refused(ErrorCode.DUPLICATE_SERVICE, "R-201", line.service)
    return refused or _refuse_closed(situation) or refuse_line(situation, line)


def _refuse_lines(situation: Situation, lines: Lines, in_order: str = "") -> Refused | None:
    services: list[str] = []
    for line in lines:
        if line.service in services:
            return Refused(ErrorCode.DUPLICATE_SERVICE, "R-201", line.service)
        services.append(line.service)
        refused = refuse_line(situation, line, in_order)
        if refused is not None:
            return refused
    return None


def _refuse_offline(situation: Situation) -> Refused | None:
    return None if situation.online else Refused(ErrorCode.NO_CONNECTION, "R-204")


def _refuse_closed(situation: Situation) -> Refused | None:
    needs = situation.store_needs
    return None if needs is None else Refused(needs, "R-202")


def refuse_number(situation: Situation, digits: str) -> Refused | None:
    """Whether `digits` can receive the payment link, where the market sends one (R-203, R-301)."""
    if situation.profile.sms_link and not is_sms_number(digits):
        return Refused(ErrorCode.BAD_NUMBER, "R-203")
    return None


def refuse_place(situation: Situation, lines: Lines, digits: str) -> Refused | None:
    """Whether the basket can be ordered now; `digits` is where the link would go."""
    return (
        refuse_selection(situation)
        or (None if lines else Refused(ErrorCode.EMPTY_CART, "R-201"))
        or _refuse_offline(situation)
        or _refuse_closed(situation)
        or _refuse_lines(situation, lines)
        or refuse_number(situation, digits)
    )


def refuse_editing(situation: Situation, order: OrderView) -> Refused | None:
    """Whether the lines of `order` may be changed in its present state (R-206, R-207, R-214)."""
    reason = CHANGE_REFUSED.get(order.state)
    if reason is not None:
        return Refused(*reason, order.number)
    return refuse_selection(situation)


def refuse_change(situation: Situation, order: OrderView, lines: Lines) -> Refused | None:
    """Whether `lines` can replace those of `order` now; every line is checked anew (R-206)."""
    return (
        refuse_editing(situation, order)
        or (None if lines else Refused(ErrorCode.EMPTY_CART, "R-206"))
        or _refuse_offline(situation)
        or _refuse_closed(situation)
        or _refuse_lines(situation, lines, order.number)
    )


def refuse_cancel(situation: Situation, order: OrderView) -> Refused | None:
    """Whether `order` can be cancelled now (R-208, R-209, R-811)."""
    reason = CANCEL_REFUSED.get(order.state)
    if reason is not None:
        return Refused(*reason, order.number)
    if situation.moving:
        return Refused(ErrorCode.NOT_WHILE_MOVING, "R-811")
    return _refuse_offline(situation)
