"""From paid lines to booked services: extension, activation, overdue alarm, end (R-401 to R-502)."""

from collections.abc import Callable
from dataclasses import replace

from backend_stub.domain import calendar
from backend_stub.domain.entitlement import (
    Entitlement,
    EntitlementEvent,
    Origin,
    activate,
    extend,
    fresh_period,
    is_extension,
    is_overdue,
    lasting_longest,
    step,
    stop,
)
from backend_stub.domain.market import MarketProfile
from backend_stub.domain.order import Facts, Order, OrderEvent, OrderLine
from backend_stub.domain.renewal import charge_due_ms
from backend_stub.domain.sim_subscription import IN_FORCE
from backend_stub.domain.substitution import current_code
from backend_stub.service.ordering.order_book import OrderBook
from backend_stub.service.ports.due import DueKind
from backend_stub.service.unit_of_work import UnitOfWork
from contracts.messages import EntitlementState

HOLD_SETTING = "activation_held"

EndListener = Callable[[UnitOfWork, str], None]
"""Called with the VIN of a car that has lost a service."""

_WHAT = {
    EntitlementEvent.SUSPEND: "suspended",
    EntitlementEvent.LIFT: "lifted",
    EntitlementEvent.DEACTIVATE: "deactivated",
}
"""What the journal calls an event."""

_ITS_DUE_TIMES = (
    DueKind.ACTIVATION,
    DueKind.ACTIVATION_OVERDUE,
    DueKind.ENTITLEMENT_END,
    DueKind.RENEWAL_CHARGE,
)

_ENDING = (EntitlementState.ACTIVE, EntitlementState.SUSPENDED)


class Booking:
    """Applies the Service entitlement table of section 3 to stored entitlements.

    `activation_delay_ms` is how long after capture the backend activates, at most the market's limit.
    """

    def __init__(self, profile: MarketProfile, book: OrderBook, activation_delay_ms: int) -> None:
        self._profile = profile
        self._book = book
        self._activation_delay_ms = activation_delay_ms
        self._end_listeners: list[EndListener] = []

    def on_ended(self, listener: EndListener) -> None:
        """Have `listener` called, inside the unit of work, whenever a service of a car has ended."""
        self._end_listeners.append(listener)

    def book(self, uow: UnitOfWork, order: Order, captured_at_ms: int) -> None:
        """Give the car what a paid order has bought; without approved payment nothing is given (R-309)."""
        for line in order.lines:
            self.book_line(uow, order, line, captured_at_ms)
        self._fulfil(uow, order.number)

    def book_line(self, uow: UnitOfWork, order: Order, line: OrderLine, captured_at_ms: int) -> None:
        """Extend what the capture instant finds in force, else begin a fresh term (R-502).

        What has replaced the ordered service since is booked in its stead (R-104). Of a service that the
        car has twice the later end moves, so that no term overlaps another one (R-501).
        """
        service, bought_as = self._booked_as(uow, line.service)
        before = lasting_longest(
            each
            for each in uow.store.entitlements.of_vehicle(order.vin)
            if each.service == service and is_extension(each, captured_at_ms, self._profile)
        )
        if before is not None:
            after = extend(before, order.number, line.months, captured_at_ms, bought_as)
            self._change(uow, before, after, "extended")
            return
        fresh = uow.store.entitlements.add(
            Entitlement(
                entitlement_id=0,
                vin=order.vin,
                service=service,
                origin=Origin.STORE,
                state=EntitlementState.PENDING,
                periods=(fresh_period(order.number, line.months, captured_at_ms, self._profile, bought_as),),
                traceparent=order.traceparent,
            )
        )
        key = str(fresh.entitlement_id)
        due = uow.store.due
        due.put(DueKind.ACTIVATION, key, self._activation_due_ms(fresh, uow.now_ms))
        due.put(DueKind.ACTIVATION_OVERDUE, key, captured_at_ms + self._profile.activation_limit_ms + 1)
        self._note(uow, fresh, "booked")

    def _booked_as(self, uow: UnitOfWork, ordered: str) -> tuple[str, str]:
        """What an ordered service is called now, and what it was called, "" when that is the same."""
        prices = uow.store.prices.current()
        service = current_code(ordered, prices.substitutes if prices else ())
        return service, "" if service == ordered else ordered

    def activate(self, uow: UnitOfWork, entitlement_id: int) -> None:
        """Activation is due; while activation is held back it waits for `release` (R-401)."""
        before = uow.store.entitlements.get(entitlement_id)
        if before is None or before.state is not EntitlementState.PENDING or self.is_held(uow):
            return
        after = activate(before, uow.now_ms, self._profile)
        uow.store.due.remove(DueKind.ACTIVATION_OVERDUE, str(entitlement_id))
        self._change(uow, before, replace(after, overdue=False), "activated")
        for number in dict.fromkeys(period.order_number for period in after.periods):
            self._fulfil(uow, number)

    def overdue(self, uow: UnitOfWork, entitlement_id: int) -> None:
        """More than the market's limit has passed since capture: raise the alarm (R-401)."""
        before = uow.store.entitlements.get(entitlement_id)
        if before is None or before.state is not EntitlementState.PENDING:
            return
        if is_overdue(before, uow.now_ms, self._profile):
            alarmed = step(before, EntitlementEvent.OVERDUE)
            self._change(uow, before, replace(alarmed, overdue=True), "overdue")

    def end(self, uow: UnitOfWork, entitlement_id: int) -> None:
        """Local midnight after the last valid day (R-403)."""
        before = uow.store.entitlements.get(entitlement_id)
        if before is not None and before.state in _ENDING:
            self._change(uow, before, step(before, EntitlementEvent.MIDNIGHT_AFTER_END), "ended")

    def stop(
        self, uow: UnitOfWork, before: Entitlement, event: EntitlementEvent, at_ms: int | None = None
    ) -> Entitlement:
        """End a service before its time, as of `at_ms`, default now: delivery stops at once (R-517).

        Raises BackendError with INVALID_STATE.
        """
        after = stop(before, event, uow.now_ms if at_ms is None else at_ms)
        key = str(before.entitlement_id)
        for kind in _ITS_DUE_TIMES:
            uow.store.due.remove(kind, key)
        self._change(uow, before, after, _WHAT.get(event, "terminated"))
        for number in dict.fromkeys(period.order_number for period in after.periods):
            self._fulfil(uow, number)
        return after

    def happen(self, uow: UnitOfWork, before: Entitlement, event: EntitlementEvent) -> Entitlement:
        """Let `event`, which neither ends nor dates it, happen to a service (R-516).

        Raises BackendError with INVALID_STATE.
        """
        after = step(before, event)
        self._change(uow, before, after, _WHAT.get(event, str(event)))
        return after

    def fall_back(self, uow: UnitOfWork, before: Entitlement, after: Entitlement) -> None:
        """The newest period was refunded: booked-until falls back (R-603)."""
        self._change(uow, before, after, "refunded")

    def grant(self, uow: UnitOfWork, entitlement: Entitlement) -> None:
        """Give the car a standard service or what it was sold with (R-004, R-005)."""
        granted = uow.store.entitlements.add(entitlement)
        self._note(uow, granted, "granted")

    def is_held(self, uow: UnitOfWork) -> bool:
        """Whether the bench holds activation back."""
        return bool(uow.store.settings.get(HOLD_SETTING, 0))

    def hold(self, uow: UnitOfWork, held: bool) -> None:
        """Hold activation back, or let what has waited go on."""
        uow.store.settings.put(HOLD_SETTING, int(held))
        if held:
            return
        for waiting in uow.store.entitlements.pending():
            key = str(waiting.entitlement_id)
            if not uow.store.due.has(DueKind.ACTIVATION, key):
                uow.store.due.put(DueKind.ACTIVATION, key, self._activation_due_ms(waiting, uow.now_ms))

    def plan_charge(self, uow: UnitOfWork, entitlement: Entitlement) -> None:
        """Set the due time of a charge that lies ahead; whether it is made is decided then (R-505)."""
        due_ms = charge_due_ms(entitlement, self._profile)
        if due_ms is not None and due_ms > uow.now_ms:
            uow.store.due.put(DueKind.RENEWAL_CHARGE, str(entitlement.entitlement_id), due_ms)

    def grant_extension(self, uow: UnitOfWork, before: Entitlement | None, after: Entitlement) -> None:
        """A further period that nobody pays for, in the same entitlement or in a new one (R-506)."""
        if before is None:
            self._note(uow, uow.store.entitlements.add(after), "extended")
        else:
            self._change(uow, before, after, "extended")

    def _activation_due_ms(self, entitlement: Entitlement, now_ms: int) -> int:
        return max(now_ms, entitlement.periods[0].captured_at_ms + self._activation_delay_ms)

    def _fulfil(self, uow: UnitOfWork, number: str) -> None:
        """An order is fulfilled when no line waits for activation; extensions never do."""
        order = uow.store.orders.get(number)
        if order is None:
            return
        waits = any(
            period.fresh and period.order_number == number
            for each in uow.store.entitlements.of_vehicle(order.vin)
            if each.state is EntitlementState.PENDING
            for period in each.periods
        )
        if not waits:
            self._book.apply_if_listed(uow, number, OrderEvent.ALL_LINES_ACTIVE, Facts(uow.now_ms))

    def _change(self, uow: UnitOfWork, before: Entitlement, after: Entitlement, what: str) -> None:
        uow.store.entitlements.change(before, after)
        self._note(uow, after, what)
        if before.state in IN_FORCE and after.state not in IN_FORCE:
            for listener in self._end_listeners:
                listener(uow, after.vin)

    def _note(self, uow: UnitOfWork, entitlement: Entitlement, what: str) -> None:
        until = entitlement.booked_until
        if until is not None and entitlement.state in _ENDING:
            uow.store.due.put(
                DueKind.ENTITLEMENT_END,
                str(entitlement.entitlement_id),
                calendar.end_of_validity_ms(until, self._profile.zone),
            )
        self.plan_charge(uow, entitlement)
        since = entitlement.booked_from
        uow.record(
            "entitlement",
            entitlement.service,
            entitlement.state,
            event=what,
            booked_from=since.isoformat() if since else "",
            booked_until=until.isoformat() if until else "",
            **{"call": self._profile.disturbance_line} if entitlement.overdue else {},
        )
        uow.touch(entitlement.vin, entitlement.traceparent)
