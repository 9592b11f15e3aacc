"""What is refunded of paid lines: who has asked, how much it is, what approval sets off (R-602, R-603)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from backend_stub.domain import calendar
from backend_stub.domain.entitlement import Entitlement, Period, is_overdue
from backend_stub.domain.market import MarketProfile
from backend_stub.domain.order import Facts, Order, OrderEvent, OrderLine
from backend_stub.domain.refund import (
    RefundEvent,
    RefundGround,
    RefundRequest,
    RefundState,
    ending_event,
    fallen_back,
    happen,
    is_approved,
    later_periods,
    line_of,
    refundable_minor,
    step_state,
)
from backend_stub.errors import BackendError
from backend_stub.service.money.payout import Payouts
from backend_stub.service.ordering.order_book import OrderBook
from backend_stub.service.unit_of_work import UnitOfWork
from backend_stub.service.validity.booking import Booking
from contracts.errors import ErrorCode
from contracts.messages import EntitlementState


class Bought(NamedTuple):
    """A paid line and what has become of it."""

    line: OrderLine
    entitlement: Entitlement
    period: Period


class RefundBook:
    """Applies the Refund request table of section 3 to the lines of orders."""

    def __init__(self, profile: MarketProfile, orders: OrderBook, booking: Booking, payouts: Payouts) -> None:
        self._profile = profile
        self._orders = orders
        self._booking = booking
        self._payouts = payouts

    def today(self, uow: UnitOfWork) -> date:
        """The local date."""
        return calendar.local_date(uow.now_ms, self._profile.zone)

    def standing(self, uow: UnitOfWork, number: str, service: str) -> RefundRequest | None:
        """The request about a line; a rejected one is none."""
        for refund in uow.store.refunds.of_order(number):
            if refund.service == service and refund.state is not RefundState.REJECTED:
                return refund
        return None

    def asked(self, uow: UnitOfWork, order: Order, services: Sequence[str]) -> list[OrderLine]:
        """The lines of a request; without names all that nobody has asked for yet.

        Raises BackendError with NOTHING_REFUNDABLE or ALREADY_REFUNDED.
        """
        if not services:
            services = [each for each in order.services if not self.standing(uow, order.number, each)]
        asked: list[OrderLine] = []
        for service in dict.fromkeys(services or order.services):
            line = line_of(order.lines, service)
            if line is None:
                raise BackendError(ErrorCode.NOTHING_REFUNDABLE, f"order {order.number} holds no {service}")
            standing = self.standing(uow, order.number, service)
            step_state(standing.state if standing else None, RefundEvent.REQUESTED)
            asked.append(line)
        return asked

    def waiting(self, uow: UnitOfWork, order: Order, services: Sequence[str]) -> list[RefundRequest]:
        """What waits for approval; without names all of the order.

        Raises BackendError with ALREADY_REFUNDED or INVALID_STATE.
        """
        standing = [
            refund
            for refund in uow.store.refunds.of_order(order.number)
            if refund.state is not RefundState.REJECTED and (not services or refund.service in services)
        ]
        if not standing:
            raise BackendError(ErrorCode.INVALID_STATE, f"no refund of order {order.number} is asked for")
        waiting = [refund for refund in standing if refund.state is RefundState.VERIFYING]
        for refund in standing if services or not waiting else waiting:
            step_state(refund.state, RefundEvent.APPROVED)
        return waiting

    def refundable(
        self,
        uow: UnitOfWork,
        order: Order,
        line: OrderLine,
        is_gone: Callable[[RefundRequest], bool] = is_approved,
    ) -> Bought:
        """What a line has become, unless an extension of it stands whose refund is not `is_gone` (R-603).

        Raises BackendError with NOTHING_REFUNDABLE or REFUND_LATEST_FIRST.
        """
        bought = _bought(uow, order, line)
        if bought is None:
            raise BackendError(ErrorCode.NOTHING_REFUNDABLE, f"order {order.number} has booked nothing")
        for period in later_periods(bought.entitlement, bought.period):
            number = period.order_number
            later = self.standing(uow, number, _bought_as(bought.entitlement, period))
            if later is None or not is_gone(later):
                raise BackendError(
                    ErrorCode.REFUND_LATEST_FIRST, f"order {number} extends it: refund that one first"
                )
        return bought

    def worth_minor(self, uow: UnitOfWork, bought: Bought) -> int:
        """What R-602 gives back of a line when it is asked for now."""
        line, entitlement, period = bought
        is_pending = entitlement.state is EntitlementState.PENDING
        is_late = entitlement.overdue or (is_pending and is_overdue(entitlement, uow.now_ms, self._profile))
        return refundable_minor(
            line,
            period,
            captured_on=calendar.local_date(period.captured_at_ms, self._profile.zone),
            requested_on=self.today(uow),
            used_through=self.used_through(uow, bought),
            is_undelivered=is_late and period.fresh,
        )

    def used_through(self, uow: UnitOfWork, bought: Bought) -> date:
        """The last day of use: today, or the day on which the service was ended before (R-511).

        An extension of what was never activated has not started, whatever its dates say (R-603).
        """
        _, entitlement, period = bought
        never_active = entitlement.state is EntitlementState.PENDING or entitlement.overdue
        if never_active and not period.fresh:
            return min(self.today(uow), calendar.days_before(period.first_day, 1))
        ended_at_ms = entitlement.ended_at_ms
        if ended_at_ms is None:
            return self.today(uow)
        # Ended as a day begins: that day was not used any more.
        return min(self.today(uow), calendar.local_date(ended_at_ms - 1, self._profile.zone))

    def add(
        self,
        uow: UnitOfWork,
        order: Order,
        line: OrderLine,
        ground: RefundGround,
        amount_minor: int,
        used_through: date,
        *,
        event: RefundEvent = RefundEvent.REQUESTED,
        reason: str = "",
    ) -> RefundRequest:
        """Keep a request; the name of the customer and the amount are settled with it (D-30)."""
        refund = uow.store.refunds.add(
            RefundRequest(
                refund_id=0,
                order_number=order.number,
                service=line.service,
                ground=ground,
                state=step_state(None, event),
                amount_minor=amount_minor,
                currency=order.currency,
                usage_date=used_through,
                requested_at_ms=uow.now_ms,
                customer=_customer(uow, order.vin),
                reason=reason,
            )
        )
        self._payouts.note(uow, refund)
        return refund

    def approve(self, uow: UnitOfWork, order: Order, line: OrderLine, refund: RefundRequest) -> None:
        """The line is refunded: booked-until falls back, or the service ends (R-603, D-31).

        Raises BackendError with REFUND_LATEST_FIRST.
        """
        _, entitlement, _ = self.refundable(uow, order, line)
        self.settle(uow, order, refund)
        after = fallen_back(entitlement, self.today(uow))
        event = ending_event(entitlement)
        if after is not None:
            self._booking.fall_back(uow, entitlement, after)
        elif event is not None:
            self._booking.stop(uow, entitlement, event)

    def settle(self, uow: UnitOfWork, order: Order, refund: RefundRequest) -> None:
        """A request is approved: its payout gets a date, and the order shows it; the service stays."""
        approved = replace(
            happen(refund, RefundEvent.APPROVED),
            verified_at_ms=uow.now_ms,
            payout_ms=self._payouts.due_ms(uow, uow.now_ms),
        )
        self._payouts.change(uow, refund, approved)
        self._payouts.schedule(uow, approved)
        refunded = [each.service for each in uow.store.refunds.of_order(order.number) if is_approved(each)]
        is_all = all(service in refunded for service in order.services)
        event = OrderEvent.ALL_REFUNDED if is_all else OrderEvent.SOME_REFUNDED
        if self._orders.apply_if_listed(uow, order.number, event, Facts(uow.now_ms)) is None:
            # PARTLY_REFUNDED stays; the version rises so that two lines at one time do not both miss "all".
            now = uow.store.orders.get(order.number) or order
            uow.store.orders.change(now, replace(now, version=now.version + 1))


def line_of_period(order: Order, entitlement: Entitlement, period: Period) -> OrderLine | None:
    """The line that has bought a period, whatever its service has been substituted by since (R-104)."""
    return line_of(order.lines, _bought_as(entitlement, period))


def _bought_as(entitlement: Entitlement, period: Period) -> str:
    return period.bought_as or entitlement.service


def _customer(uow: UnitOfWork, vin: str) -> str:
    """The name of the car's owner, as the service agreement or the linked account gives it."""
    vehicle = uow.store.vehicles.get(vin)
    if vehicle is not None and vehicle.owner_name:
        return vehicle.owner_name
    link = uow.store.links.get(vin)
    account = None if link is None or link.account_id is None else uow.store.accounts.get(link.account_id)
    return "" if account is None else account.name


def _bought(uow: UnitOfWork, order: Order, line: OrderLine) -> Bought | None:
    for entitlement in uow.store.entitlements.of_vehicle(order.vin):
        for period in entitlement.periods:
            if period.order_number == order.number and line_of_period(order, entitlement, period) == line:
                return Bought(line, entitlement, period)
    return None
