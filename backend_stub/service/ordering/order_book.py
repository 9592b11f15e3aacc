"""Every event of an order passes here: table, guarded write, history, due times, journal, snapshot."""

from backend_stub.domain.order import Facts, Order, OrderEffect, OrderEvent, Step, is_listed, step
from backend_stub.errors import BackendError
from backend_stub.service.ports.due import DueKind
from backend_stub.service.ports.orders import HistoryEntry
from backend_stub.service.unit_of_work import UnitOfWork
from contracts.errors import ErrorCode
from contracts.trace import trace_id_of


class OrderBook:
    """Applies the Order table of section 3 to stored orders."""

    def accept(self, uow: UnitOfWork, order: Order) -> None:
        """Keep a new order and start its 24 hours (R-211)."""
        uow.store.orders.add(order)
        # "Capture at exactly +24 h counts; any later instant" does not: the first such instant.
        uow.store.due.put(DueKind.ORDER_TIMEOUT, order.number, order.deadline_ms + 1)
        self._note(uow, order)

    def named(self, uow: UnitOfWork, number: str, vin: str = "") -> Order:
        """The order called `number`, the newest one when that is empty; of the car `vin` if one is named.

        Raises BackendError with UNKNOWN_ORDER.
        """
        rows = uow.store.orders
        if number:
            order = rows.get(number)
        else:
            order = next(iter(reversed(rows.of_vehicle(vin) if vin else rows.all())), None)
        if order is None or vin not in ("", order.vin):
            what = f"there is no order {number}" if number else "there is no order yet"
            raise BackendError(ErrorCode.UNKNOWN_ORDER, what)
        return order

    def apply(self, uow: UnitOfWork, order: Order, event: OrderEvent, facts: Facts) -> Step:
        """Let `event` happen to `order`. Raises BackendError with the rule's code."""
        taken = step(order, event, facts)
        self.write(uow, order, taken)
        return taken

    def write(self, uow: UnitOfWork, before: Order, taken: Step) -> None:
        """Write what a step has made of an order, with everything that hangs on it."""
        after = taken.order
        if after is before:
            return
        uow.store.orders.change(before, after)
        due = uow.store.due
        if OrderEffect.LOCK in taken.effects and after.cancel_until_ms is not None:
            due.put(DueKind.CANCEL_SETTLED, after.number, after.cancel_until_ms)
            due.remove(DueKind.ORDER_TIMEOUT, after.number)
        if OrderEffect.CLOSE in taken.effects:
            due.remove(DueKind.ORDER_TIMEOUT, after.number)
            due.remove(DueKind.CANCEL_SETTLED, after.number)
        self._note(uow, after)

    def time_out(self, uow: UnitOfWork, number: str) -> None:
        """The 24 hours are over (R-211)."""
        self.apply_if_listed(uow, number, OrderEvent.DEADLINE_PASSED, Facts(uow.now_ms))

    def settle_cancellation(self, uow: UnitOfWork, number: str) -> None:
        """The five minutes are over (R-209)."""
        self.apply_if_listed(uow, number, OrderEvent.CANCEL_DUE, Facts(uow.now_ms))

    def apply_if_listed(self, uow: UnitOfWork, number: str, event: OrderEvent, facts: Facts) -> Step | None:
        """Let a due time happen to an order; one that has come too late for its state is dropped."""
        order = uow.store.orders.get(number)
        if order is None or not is_listed(order.state, event):
            return None
        return self.apply(uow, order, event, facts)

    def _note(self, uow: UnitOfWork, order: Order) -> None:
        reason = str(order.cancel_reason or "")
        uow.store.orders.note(order.number, HistoryEntry(uow.now_ms, order.state, reason))
        uow.record(
            "order",
            order.number,
            order.state,
            reason=reason,
            amount_minor=order.amount_minor,
            trace=trace_id_of(order.traceparent),
        )
        uow.touch(order.vin, order.traceparent)
